//! Hosts that may write, and logs that are gone on with, by the word of enough officers.

use std::path::PathBuf;

use gapvault::crypto::{SigningKey, SystemRandom};
use gapvault::label::{Class, Role};
use gapvault::roster::Resume;
use gapvault::roster::{Host, Roster};
use gapvault::vault::{Code, HostReport, Identity, NoProgress, Site, Vault};

use super::{Office, code, signed};
use crate::verbs::{self, sealing, sound};

/// The vault as another host sees it.
fn elsewhere(office: &Office, state: &str) -> Vault {
    let site = Site { host_name: state.to_owned(), ..verbs::site_with(&office.place.path(state)) };
    Vault::at(site, &office.place.path("v")).unwrap()
}

/// Every file of the vault with its content, but for the index, which is derived.
fn files(office: &Office) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    let mut folders = vec![office.place.path("v")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true if path.ends_with("sled") => {}
                true => folders.push(path),
                false => found.push((path.clone(), std::fs::read(&path).unwrap())),
            }
        }
    }
    found.sort();
    found
}

/// The one file of this name in a host's state.
fn kept(office: &Office, state: &str, name: &str) -> PathBuf {
    let vaults = office.place.path(state).join("vaults");
    std::fs::read_dir(vaults).unwrap().next().unwrap().unwrap().path().join(name)
}

fn enrol(office: &Office, state: &str, me: &Identity) -> Result<HostReport, Code> {
    elsewhere(office, state).host_enrol(me).map_err(|error| error.code())
}

fn resume(office: &Office, state: &str, me: &Identity) -> Result<HostReport, Code> {
    elsewhere(office, state).host_resume(me, "why", &mut |_| Ok(())).map_err(|error| error.code())
}

#[test]
fn a_host_may_write_when_both_officers_have_signed_on_it() {
    let office = Office::new(2);
    let id = office.document();
    let other = elsewhere(&office, "state2");
    other.host_trust(&mut |_| Ok(())).unwrap();
    let before = (files(&office), office.roster());
    assert_eq!(enrol(&office, "state2", &office.cara).err(), Some(Code::NoRole));
    // Signing twice is signing once.
    for _ in 0..2 {
        assert_eq!(enrol(&office, "state2", office.olga()).unwrap().state, "waiting");
        assert!((files(&office), office.roster()) == before);
    }
    let source = office.place.write("b.txt", b"text");
    let sealed = other.seal(office.olga(), &sealing(&source, Class::Important), &NoProgress);
    assert_eq!(code(sealed), Some(Code::HostNotEnrolled));
    assert_eq!(enrol(&office, "state2", &office.otto).unwrap().state, "enrolled");
    assert_eq!(office.roster().hosts.len(), 2);
    assert!(office.roster().hosts.iter().any(|host| host.name == "state2"));
    for name in ["waiting.key", "waiting.note"] {
        assert!(!kept(&office, "state2", name).exists());
    }
    assert_eq!(enrol(&office, "state2", &office.otto).err(), Some(Code::Exists));
    other.seal(office.olga(), &sealing(&source, Class::Important), &NoProgress).unwrap();
    // The first one follows, and goes on beside it.
    assert_eq!(office.place.open(&office.cara, &id, &office.place.path("o")).unwrap(), b"text");
    sound(&office.place);
    assert!(other.verify(&NoProgress).unwrap().findings.is_empty());
}

#[test]
fn what_waits_is_begun_anew_after_the_roster_has_changed() {
    let office = Office::new(2);
    elsewhere(&office, "state2").host_trust(&mut |_| Ok(())).unwrap();
    enrol(&office, "state2", office.olga()).unwrap();
    let request = super::asked(super::rosters::leave(&office, &office.carl).unwrap());
    office.approve(&office.otto, &request).unwrap();
    assert_eq!(enrol(&office, "state2", &office.otto).unwrap().state, "waiting");
    assert!(office.roster().hosts.len() == 1);
    assert_eq!(enrol(&office, "state2", office.olga()).unwrap().state, "enrolled");
    assert!(office.roster().member(office.carl.id()).is_none(), "who left stays away");
    office.place.vault().key_finish(office.olga(), false, &NoProgress).unwrap();
    sound(&office.place);
}

type Change<'a> = &'a dyn Fn(&mut Roster);

/// The first officer has the machine to himself before the second one comes.
#[test]
fn the_second_officer_signs_the_host_and_nothing_else_that_waits_there() {
    let office = Office::new(2);
    elsewhere(&office, "state2").host_trust(&mut |_| Ok(())).unwrap();
    enrol(&office, "state2", office.olga()).unwrap();
    let (key, note) = (kept(&office, "state2", "waiting.key"), kept(&office, "state2", "waiting.note"));
    let seed = std::fs::read(&key).unwrap();
    let genuine = gapvault::note::SignedNote::parse(&std::fs::read(&note).unwrap()).unwrap();
    let genuine = Roster::parse(genuine.text()).unwrap();
    let cara = office.cara.id();
    let changes: [(&str, Change); 4] = [
        ("one officer is enough", &|roster| roster.officers_needed = 1),
        ("another officer", &|roster| {
            roster.members.iter_mut().find(|member| member.id == cara).unwrap().role = Role::Officer;
        }),
        ("another host besides", &|roster| {
            let key = SigningKey::generate(&SystemRandom::new()).unwrap().public();
            roster.hosts.push(Host { id: Host::id_of(&key), key, name: "mine".to_owned() });
            roster.hosts.sort_by_key(|host| host.id);
        }),
        ("another policy", &|roster| {
            roster.policy = Some(gapvault::vault::Policy::for_one_person().digest());
        }),
    ];
    for (what, change) in changes {
        let mut forged = genuine.clone();
        change(&mut forged);
        std::fs::write(&key, &seed).unwrap();
        std::fs::write(&note, signed(&forged.print().unwrap(), &[office.olga()]).print()).unwrap();
        let before = office.roster();
        assert_eq!(enrol(&office, "state2", &office.otto).unwrap().state, "waiting", "{what}");
        assert!(office.roster() == before, "{what}");
    }
    assert_eq!(enrol(&office, "state2", office.olga()).unwrap().state, "enrolled");
    assert_eq!((office.roster().hosts.len(), office.roster().officers_needed), (2, 2));
    // The first host follows.
    assert_eq!(office.status(), Ok(()));
    sound(&office.place);
}

#[test]
fn a_log_is_gone_on_with_when_both_officers_have_signed() {
    let office = Office::new(2);
    let id = office.document();
    let before = files(&office);
    for _ in 0..2 {
        assert_eq!(resume(&office, "state3", office.olga()).unwrap().state, "waiting");
        assert!(files(&office) == before);
        assert_eq!(code(elsewhere(&office, "state3").status()), Some(Code::UnknownVault));
        assert_eq!(office.status(), Ok(()), "the first host notices nothing");
    }
    assert_eq!(resume(&office, "state3", &office.cara).err(), Some(Code::NoRole));
    let report = resume(&office, "state3", &office.otto).unwrap();
    assert_eq!((report.state, report.epoch), ("resumed", 2));
    assert!(!kept(&office, "state3", "waiting.key").exists());
    assert_eq!(office.status(), Err(Code::Resumed));
    let vault = elsewhere(&office, "state3");
    let out = office.place.path("o");
    let request = gapvault::vault::OpenRequest {
        ids: vec![id],
        all: false,
        to: gapvault::vault::OpenTo::File(out.clone()),
        reason: None,
        request: None,
    };
    vault.open(&office.cara, request, &NoProgress).unwrap();
    assert_eq!(std::fs::read(out).unwrap(), b"text");
    assert!(vault.verify(&NoProgress).unwrap().findings.is_empty());
    assert!(vault.audit_verify(&NoProgress).unwrap().findings.is_empty());
    // The first host follows, and both officers let it write again.
    office.place.vault().host_trust(&mut |_| Ok(())).unwrap();
    assert_eq!(office.place.vault().host_enrol(office.olga()).unwrap().state, "waiting");
    assert_eq!(office.place.vault().host_enrol(&office.otto).unwrap().state, "enrolled");
    office.document();
    sound(&office.place);
}

#[test]
fn a_log_that_grew_meanwhile_is_signed_anew() {
    let office = Office::new(2);
    office.document();
    resume(&office, "state3", office.olga()).unwrap();
    office.document();
    // What otto sees is longer than what olga accepted.
    assert_eq!(resume(&office, "state3", &office.otto).unwrap().state, "waiting");
    assert_eq!(office.status(), Ok(()));
    assert_eq!(resume(&office, "state3", office.olga()).unwrap().state, "resumed");
    assert!(elsewhere(&office, "state3").verify(&NoProgress).unwrap().findings.is_empty());
}

/// A note by which the log goes on, as somebody writes it by hand, with something that looks like a log beside it.
#[test]
fn officers_of_an_older_roster_do_not_go_on_with_the_log() {
    let office = Office::new(2);
    let id = office.document();
    let size = office.place.vault().status().unwrap().log.size;
    let key = SigningKey::generate(&SystemRandom::new()).unwrap();
    let digest_of = |version: u64| {
        let bytes = std::fs::read(office.roster_path(version)).unwrap();
        gapvault::note::SignedNote::parse(&bytes).unwrap().digest()
    };
    let (newest, _) = office.newest_roster();
    let root = gapvault::crypto::Digest::of(b"whatever");
    let text = |version: u64| {
        let resume = Resume {
            vault: office.vault_id(),
            epoch: 2,
            size,
            root,
            roster: digest_of(version),
            key: key.public(),
            host: "mine".to_owned(),
        };
        resume.print().unwrap()
    };
    let folder = office.place.path("v/log/2");
    let put = |note: String| {
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join("resume.note"), note).unwrap();
        std::fs::write(folder.join("tail"), b"").unwrap();
    };
    let both = [office.olga(), &office.otto];
    for (what, note) in [
        ("the founder alone, of the first roster", signed(&text(1), &[office.olga()])),
        ("the founder alone, of the newest", signed(&text(newest), &[office.olga()])),
        ("both, of an older one", signed(&text(newest - 1), &both)),
        ("a clerk beside the founder", signed(&text(newest), &[office.olga(), &office.cara])),
    ] {
        put(note.print());
        assert_eq!(office.status(), Ok(()), "{what}");
        let to = office.place.path("out");
        assert_eq!(office.place.open(&office.cara, &id, &to).unwrap(), b"text", "{what}");
        std::fs::remove_file(to).unwrap();
    }
    // The same by both of the newest is believed: then something is wrong with what this host knows.
    put(signed(&text(newest), &both).print());
    assert_eq!(office.status(), Err(Code::Resumed));
    std::fs::remove_dir_all(folder).unwrap();
    sound(&office.place);
}
