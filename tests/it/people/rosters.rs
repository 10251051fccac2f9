//! Rosters, policies and key files that somebody put there.

use gapvault::agefile::{Recipient, encrypt_small};
use gapvault::crypto::SystemRandom;
use gapvault::label::{Class, Role, Zone};
use gapvault::vault::{
    ClassRules, Code, Done, Error, Identity, Leaving, MemberRevokeReport, NoProgress, Policy, Progress, Vault,
};

use super::{Office, asked, code, done, signed};
use crate::verbs::sound;

#[test]
fn who_writes_himself_into_the_roster_is_found_out_and_has_no_more_rights() {
    let office = Office::new(1);
    let critical = office.place.write("c.txt", b"critical");
    let critical = office.place.seal(office.olga(), &critical, Class::Critical);
    let cara = office.cara.id();
    let text = office.next_roster(|next| {
        let me = next.members.iter_mut().find(|member| member.id == cara).unwrap();
        me.role = Role::Officer;
        me.clearance = vec![Class::Critical, Class::Important];
    });
    let (version, newest) = office.newest_roster();
    let path = office.roster_path(version + 1);
    let mut pasted = signed(&text, &[&office.cara]);
    pasted.merge(&signed(&text, &[&office.carl])).unwrap();
    for signature in newest.signatures() {
        // An officer's signature, but of another text.
        pasted.add(signature.clone()).unwrap();
    }
    let stranger = crate::verbs::person(&office.place.site(), office.place.folder.path(), "stranger");
    for (what, note) in [
        ("signed by the clerk", signed(&text, &[&office.cara]).print()),
        ("signed by both clerks", signed(&text, &[&office.cara, &office.carl]).print()),
        ("with an officer's signature of something else", pasted.print()),
        ("signed by a stranger", signed(&text, &[&stranger]).print()),
        ("not signed", text.clone()),
    ] {
        std::fs::write(&path, note).unwrap();
        assert_eq!(office.findings(), [Code::TamperedRoster], "{what}");
        // What this host knows is in force stays in force.
        let refused = office.place.open(&office.cara, &critical, &office.place.path("never"));
        assert_eq!(code(refused), Some(Code::NoClearance), "{what}");
        let policy = office.place.vault().policy_set(&office.cara, &Policy::for_one_person(), None);
        assert_eq!(code(policy), Some(Code::NoRole), "{what}");
    }
    // It is in the way of the next one, and said so before that is recorded.
    let policy = office.place.vault().policy_set(office.olga(), &Policy::for_one_person(), None);
    assert_eq!(code(policy), Some(Code::DamagedVault));
    assert_eq!(office.status(), Ok(()));
    std::fs::remove_file(&path).unwrap();
    sound(&office.place);

    // In the place of the one in force it is not even read.
    let place = office.roster_path(version);
    let kept = std::fs::read(&place).unwrap();
    for by in [&office.cara, office.olga()] {
        std::fs::write(&place, signed(&text, &[by]).print()).unwrap();
        assert_eq!(office.status(), Err(Code::TamperedRoster));
        assert_eq!(office.findings(), [Code::TruncatedRoster]);
    }
    std::fs::write(&place, &kept).unwrap();
    sound(&office.place);
}

#[test]
fn one_officer_alone_is_not_two() {
    let office = Office::new(2);
    let text = office.next_roster(|next| next.officers_needed = 1);
    let (version, _) = office.newest_roster();
    let path = office.roster_path(version + 1);
    for by in [vec![office.olga()], vec![office.olga(), &office.cara]] {
        std::fs::write(&path, signed(&text, &by).print()).unwrap();
        assert_eq!(office.findings(), [Code::TamperedRoster]);
        assert_eq!(office.place.vault().policy_show().unwrap().officers_needed, 2);
    }
    std::fs::remove_file(&path).unwrap();
    sound(&office.place);
}

#[test]
fn a_roster_that_is_gone_or_older_is_missed() {
    let office = Office::new(1);
    let (version, _) = office.newest_roster();
    let newest = std::fs::read(office.roster_path(version)).unwrap();
    std::fs::remove_file(office.roster_path(version)).unwrap();
    assert_eq!(office.status(), Err(Code::TruncatedRoster));
    assert!(office.findings().contains(&Code::TruncatedRoster), "{:?}", office.findings());
    assert!(office.place.vault().unlock(&office.place.path("otto.id"), &crate::verbs::words()).is_err());
    // The one before, under the newest name.
    let before = std::fs::read(office.roster_path(version - 1)).unwrap();
    std::fs::write(office.roster_path(version), before).unwrap();
    assert_eq!(office.status(), Err(Code::TamperedRoster));
    assert_eq!(office.findings(), [Code::TruncatedRoster], "the newest is not there");
    std::fs::write(office.roster_path(version), newest).unwrap();
    // One in the middle: the chain is broken, although the newest is there.
    let middle = std::fs::read(office.roster_path(2)).unwrap();
    std::fs::remove_file(office.roster_path(2)).unwrap();
    assert_eq!(office.findings(), [Code::TruncatedRoster]);
    std::fs::write(office.roster_path(2), middle).unwrap();
    sound(&office.place);
}

#[test]
fn a_policy_that_is_gone_changed_or_exchanged_is_not_worked_under() {
    let hard = Policy::default();
    let hard = Policy { important: ClassRules { destroy_approvals: 3, ..hard.important }, ..hard };
    let office = Office::under(1, Zone::Networked, &hard);
    let id = office.document();
    let path = office.place.path("v/policy").join(format!("{}.note", hard.digest()));
    let kept = std::fs::read_to_string(&path).unwrap();
    assert_eq!(kept, hard.print());
    let easier = kept.replace("important.destroy-approvals 3", "important.destroy-approvals 0");
    assert_ne!(easier, kept);
    let tried: [(&str, Option<String>); 5] = [
        ("gone", None),
        ("changed", Some(easier)),
        ("the built-in one", Some(Policy::default().print())),
        ("for one person", Some(Policy::for_one_person().print())),
        ("empty", Some(String::new())),
    ];
    for (what, text) in tried {
        match text {
            Some(text) => std::fs::write(&path, text).unwrap(),
            None => std::fs::remove_file(&path).unwrap(),
        }
        assert_eq!(office.status(), Err(Code::TamperedPolicy), "{what}");
        let destroyed = office.place.vault().destroy(office.olga(), &id, "over", None);
        assert_eq!(code(destroyed), Some(Code::TamperedPolicy), "{what}");
        assert_eq!(code(office.place.vault().policy_show()), Some(Code::TamperedPolicy), "{what}");
        assert_eq!(office.findings(), [Code::TamperedPolicy], "{what}");
        assert!(office.place.document_path(&id).exists());
    }
    std::fs::write(&path, kept).unwrap();
    sound(&office.place);
}

#[test]
fn what_lies_where_a_new_policy_or_key_belongs_does_not_come_into_force() {
    let office = Office::new(2);
    let easy = Policy::for_one_person();
    let request = asked(office.place.vault().policy_set(office.olga(), &easy, None).unwrap());
    let path = office.place.path("v/policy").join(format!("{}.note", easy.digest()));
    std::fs::write(&path, Policy::default().print()).unwrap();
    assert_eq!(office.approve(&office.otto, &request).err(), Some(Code::DamagedVault));
    assert_eq!(office.status(), Ok(()));
    // The right one is no harm: it was in force before.
    std::fs::write(&path, easy.print()).unwrap();
    assert_eq!(office.approve(&office.otto, &request).unwrap().state, "done");
    sound(&office.place);

    let request = asked(leave(&office, &office.carl).unwrap());
    let folder = office.place.path("v/keys/important/2");
    std::fs::create_dir_all(&folder).unwrap();
    let key = folder.join(format!("{}.age", office.cara.id()));
    std::fs::write(&key, b"junk").unwrap();
    assert_eq!(office.approve(&office.otto, &request).err(), Some(Code::DamagedVault));
    assert_eq!(office.status(), Ok(()));
    std::fs::remove_file(&key).unwrap();
    assert_eq!(office.approve(&office.otto, &request).unwrap().state, "done");
    office.place.vault().key_finish(&office.otto, false, &NoProgress).unwrap();
    sound(&office.place);
}

#[test]
fn a_key_file_in_the_place_of_another_opens_nothing() {
    let office = Office::new(1);
    let id = office.document();
    let key = |class: &str, of: &Identity| {
        office.place.path("v/keys").join(class).join("1").join(format!("{}.age", of.id()))
    };
    let own = key("important", &office.otto);
    let kept = std::fs::read(&own).unwrap();
    for (what, other) in [
        ("another member's", key("important", &office.cara)),
        ("another class's", key("critical", &office.otto)),
        ("the catalogue's", key("catalogue", &office.otto)),
    ] {
        std::fs::copy(&other, &own).unwrap();
        let opened = office.place.open(&office.otto, &id, &office.place.path("never"));
        assert_eq!(code(opened), Some(Code::TamperedKey), "{what}");
        assert!(!office.place.path("never").exists());
    }
    std::fs::write(&own, kept).unwrap();
    assert_eq!(office.place.open(&office.otto, &id, &office.place.path("o")).unwrap(), b"text");
    sound(&office.place);
}

#[test]
fn keys_that_come_with_a_request_are_the_rosters_or_the_request_is_refused() {
    for way in ["gone", "exchanged"] {
        let office = Office::new(2);
        let id = office.document();
        let request = asked(leave(&office, &office.carl).unwrap());
        let folder = office.place.path("v/requests").join(request.request.to_string());
        let cara = office.cara.id().to_string();
        let mut keys: Vec<_> =
            std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
        keys.retain(|path| path.file_name().unwrap().to_string_lossy().starts_with("key-"));
        assert!(keys.iter().any(|path| path.to_string_lossy().contains(&cara)));
        for path in keys {
            match way {
                "gone" => std::fs::remove_file(path).unwrap(),
                _ => std::fs::write(
                    path,
                    encrypt_small(
                        &[&office.otto.recipient().to_string().parse::<Recipient>().unwrap()],
                        b"AGE-SECRET-KEY-1",
                        &SystemRandom::new(),
                    )
                    .unwrap(),
                )
                .unwrap(),
            }
        }
        // A key that nobody holds must not come into force: what is sealed to it is lost.
        assert_eq!(office.approve(&office.otto, &request).err(), Some(Code::TamperedRequest), "{way}");
        assert_eq!(office.status(), Ok(()), "{way}");
        assert!(office.roster().member(office.carl.id()).is_some(), "{way}");
        assert_eq!(office.place.open(&office.cara, &id, &office.place.path("o")).unwrap(), b"text");
        sound(&office.place);
    }
}

#[test]
fn the_last_officer_and_the_last_reader_stay() {
    let office = Office::new(1);
    // Otto cannot import: nobody but olga could read what arrives.
    assert_eq!(code(leave(&office, office.olga())), Some(Code::LastReader));
    done(leave(&office, &office.otto).unwrap());
    let (_, joined) = office.admit("cleo", Role::Clerk, true);
    done(joined);
    assert_eq!(code(leave(&office, office.olga())), Some(Code::LastOfficer));
    assert_eq!(office.roster().officers().count(), 1);
    sound(&office.place);
}

/// Olga sends somebody away.
pub(super) fn leave(office: &Office, who: &Identity) -> Result<Done<MemberRevokeReport>, Error> {
    send_away(&office.place.vault(), office.olga(), who, false, &NoProgress)
}

pub(super) fn send_away(
    vault: &Vault,
    me: &Identity,
    who: &Identity,
    rekey: bool,
    progress: &dyn Progress,
) -> Result<Done<MemberRevokeReport>, Error> {
    let leaving =
        Leaving { member: who.id().to_string(), card: None, rekey, reason: None, confirm: &mut |_| Ok(()) };
    vault.member_leave(me, leaving, progress)
}
