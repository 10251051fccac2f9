//! Who signs, approves and releases what goes out, and what of it counts on the other side.

use gapvault::label::{Class, Role, Zone};
use gapvault::note::SignedNote;
use gapvault::policy::{Approval, Ask, Wanted};
use gapvault::time::Timestamp;
use gapvault::vault::{self, Approving, BundleCreateReport, Code, Identity, NoProgress, Part, Policy};

use super::forge::{
    Content, ask_anew, copied, drop_file, fill, manifest, names, note, put_file, read, resign, resign_text,
    write,
};
use super::{Side, crossing, pair, wish};
use crate::people::signed;
use crate::verbs::person;

#[test]
fn a_manifest_with_no_signature_or_more_than_one_persons_is_refused() {
    let (out, inside, medium, _) = crossing();
    let other = out.join("陳美玲", Role::Officer, None);
    let text = note(&medium).text().to_owned();
    let whole = String::from_utf8(read(&medium, "manifest")).unwrap();
    let line = whole.lines().last().unwrap().to_owned();
    let spoilt = copied(&medium, "spoilt");
    for bytes in [text.clone(), format!("{text}\n"), whole.trim_end().to_owned(), format!("{whole}\n")] {
        write(&spoilt, "manifest", bytes);
        assert_eq!(inside.finds(&spoilt), Code::BundleFormat);
    }
    // Of somebody who is no member there yet, as far as is known here: passed over where a member signed as well.
    write(&spoilt, "manifest", signed(&text, &[&other]).print());
    assert_eq!(inside.finds(&spoilt), Code::BundleSignature);
    // A name with another's key, a line of nothing, and the right name over another text.
    let names = line.split(' ').collect::<Vec<_>>();
    let own = signed(&text, &[&other]).print();
    let theirs = own.lines().last().unwrap().split(' ').collect::<Vec<_>>()[2].to_owned();
    write(&spoilt, "manifest", format!("{text}\n— {} {theirs}\n", names[1]));
    assert_eq!(inside.finds(&spoilt), Code::BundleSignature);
    let elsewhere = signed("gapvault.other/v1\na b\n", &[&out.founder]).print();
    write(&spoilt, "manifest", format!("{text}\n{}\n", elsewhere.lines().last().unwrap()));
    assert_eq!(inside.finds(&spoilt), Code::BundleSignature);
    // One good line does not make up for a bad one.
    write(&spoilt, "manifest", format!("{whole}{}\n", elsewhere.lines().last().unwrap()));
    assert_eq!(inside.finds(&spoilt), Code::BundleSignature);
    // One line twice is one signature.
    write(&spoilt, "manifest", format!("{whole}{line}\n"));
    inside.import(&spoilt).unwrap();
}

#[test]
fn two_members_do_not_sign_together() {
    let (out, inside) = pair();
    let other = out.join("陳美玲", Role::Officer, None);
    let id = out.seal("a", b"a", Class::Important);
    let medium = out.path("medium");
    out.send("隔離庫", &[&id], &medium);
    let text = note(&medium).text().to_owned();
    let spoilt = copied(&medium, "spoilt");
    write(&spoilt, "manifest", signed(&text, &[&out.founder, &other]).print());
    assert_eq!(inside.finds(&spoilt), Code::BundleSignature);
    // One member signs what another one asked for.
    write(&spoilt, "manifest", signed(&text, &[&other]).print());
    assert_eq!(inside.finds(&spoilt), Code::BundleApprovals);
    // And the other way round: the own request, the other's signature.
    ask_anew(&out, &spoilt, &out.founder, |ask| ask.reason = None);
    ask_anew_by(&out, &spoilt, &other);
    assert_eq!(inside.turns_away(&spoilt), Code::BundleApprovals);
    inside.import(&medium).unwrap();
}

/// The request as if this member had asked, signed by the founder alone.
fn ask_anew_by(out: &Side, medium: &std::path::Path, requester: &Identity) {
    ask_anew(out, medium, &out.founder, |ask| ask.requester = requester.id());
}

#[test]
fn another_version_of_the_format_is_refused() {
    let (out, inside, medium, _) = crossing();
    for kind in ["gapvault.bundle/v2", "gapvault.bundle/v0", "gapvault.bundle/v10", "gapvault.receipt/v1"] {
        let spoilt = copied(&medium, "spoilt");
        resign_text(&spoilt, &[&out.founder], |text| text.replacen("gapvault.bundle/v1", kind, 1));
        assert_eq!(inside.finds(&spoilt), Code::BundleFormat);
    }
    // A note of another kind by the same key.
    let spoilt = copied(&medium, "spoilt");
    write(&spoilt, "manifest", read(&medium, "request"));
    assert_eq!(inside.finds(&spoilt), Code::BundleFormat);
}

#[test]
fn a_stranger_whose_key_comes_along_is_nobody() {
    let (out, inside, medium, _) = crossing();
    let stranger = person(&out.site(), &out.path("").join("."), "stranger");
    let text = note(&medium).text().to_owned();
    let spoilt = copied(&medium, "spoilt");
    write(&spoilt, "manifest", signed(&text, &[&stranger]).print());
    assert_eq!(inside.finds(&spoilt), Code::BundleSignature);
    // With a roster in which the stranger is an officer, signed by the stranger, or by nobody.
    let first = SignedNote::parse(&std::fs::read(out.path("v/roster/0001.note")).unwrap()).unwrap();
    let mut roster = gapvault::roster::Roster::parse(first.text()).unwrap();
    (roster.version, roster.previous) = (2, Some(first.digest()));
    roster.vault = Some(manifest(&medium).core.sender);
    roster.members[0].id = stranger.id();
    roster.members[0].key = stranger.signing().public();
    let next = signed(&roster.print().unwrap(), &[&stranger]);
    for version in [2, 3] {
        let spoilt = copied(&medium, "spoilt");
        resign(&spoilt, &[&stranger], |manifest| {
            put_file(&spoilt, manifest, &format!("roster-{version:04}"), next.print().as_bytes());
            (manifest.attempt.roster, manifest.attempt.roster_digest) = (2, next.digest());
        });
        assert_eq!(inside.finds(&spoilt), Code::BundleChain);
    }
    // A first roster of the stranger's own.
    let spoilt = copied(&medium, "spoilt");
    resign(&spoilt, &[&stranger], |manifest| {
        put_file(&spoilt, manifest, "roster-0001", next.print().as_bytes());
    });
    assert_eq!(inside.finds(&spoilt), Code::BundleChain);
    // A roster that is named and not there.
    let spoilt = copied(&medium, "spoilt");
    resign(&spoilt, &[&out.founder], |manifest| manifest.attempt.roster = 2);
    assert_eq!(inside.finds(&spoilt), Code::BundleChain);
    inside.import(&medium).unwrap();
}

#[test]
fn a_member_of_another_vault_that_is_admitted_does_not_sign_for_this_one() {
    let (_out, inside, medium, _) = crossing();
    let third = Side::new("第三庫", Zone::Networked, Policy::for_one_person());
    inside.admit(&third);
    let text = note(&medium).text().to_owned();
    write(&medium, "manifest", signed(&text, &[&third.founder]).print());
    assert_eq!(inside.finds(&medium), Code::BundleSignature);
    // Nor does it become that vault's bundle by a word.
    let other = third.vault().status().unwrap().vault;
    resign(&medium, &[&third.founder], |manifest| {
        manifest.core.sender = other;
        (manifest.attempt.roster, manifest.attempt.roster_digest) = (1, gapvault::crypto::Digest(other.0));
        drop_file(&medium, manifest, "policy");
    });
    let code = inside.finds(&medium);
    assert!([Code::BundleApprovals, Code::BundleChain].contains(&code), "{code}");
}

#[test]
fn roles_that_send_nothing_sign_nothing() {
    let (out, inside) = pair();
    let id = out.seal("a", b"a", Class::Important);
    let auditor = out.join("稽核", Role::Auditor, None);
    let medium = out.path("medium");
    out.send("隔離庫", &[&id], &medium);
    // As if the auditor had asked: with both signatures, the request's and the manifest's.
    ask_anew_by(&out, &medium, &auditor);
    let ask = SignedNote::parse(&read(&medium, "request")).unwrap();
    resign(&medium, &[&auditor], |manifest| {
        put_file(&medium, manifest, "request", signed(ask.text(), &[&auditor]).print().as_bytes());
    });
    assert_eq!(inside.finds(&medium), Code::BundleSignature);
    // A courier may carry out what others approved, with the clearance for it.
    let courier = out.join("傳遞", Role::Courier, None);
    let made = out.vault().bundle_create(&courier, &wish("隔離庫", &[&id]));
    assert_eq!(made.map(|_| ()).map_err(|error| error.code()), Ok(()));
}

#[test]
fn who_is_over_or_sent_away_signs_nothing_any_more() {
    let (out, inside) = pair();
    let days = 24 * 60 * 60 * 1000;
    let now = gapvault::time::Clock::now(&*out.clock).time.unix_ms();
    let day = Timestamp::from_unix_ms(now + 2 * days).to_string()[..10].to_owned();
    let over = out.join("短期", Role::Clerk, Some(&day));
    let gone = out.join("離職", Role::Clerk, None);
    let id = out.seal("a", b"a", Class::Important);
    let bundle_of = |me: &Identity, name: &str| {
        let made = out.vault().bundle_create(me, &wish("隔離庫", &[&id])).unwrap();
        let medium = out.path(name);
        out.vault().bundle_write(me, &made.bundle.to_string(), &medium, &NoProgress).unwrap();
        medium
    };
    let first = bundle_of(&over, "first");
    let late = copied(&first, "late");
    resign(&late, &[&over], |manifest| {
        let later = manifest.attempt.issued.unix_ms() + 4 * days;
        manifest.attempt.issued = Timestamp::from_unix_ms(later);
    });
    out.later(4);
    inside.later(4);
    // Written in time, and on its way since; written afterwards.
    assert_eq!(inside.finds(&late), Code::BundleSignature);
    inside.import(&first).unwrap();
    let second = bundle_of(&gone, "second");
    let third = bundle_of(&gone, "third");
    inside.import(&second).unwrap();
    out.send_away(&gone);
    // Here nobody knows yet; the next bundle tells, and what was signed before does not count after it.
    let fourth = out.path("fourth");
    let kept = copied(&third, "kept");
    let made = out.create("隔離庫", &[&id]).unwrap();
    out.write(&made.bundle.to_string(), &fourth).unwrap();
    assert!(names(&fourth).iter().any(|name| name.starts_with("roster-")));
    assert_eq!(inside.finds(&fourth), Code::BundleGap);
    // Its rosters with the third bundle, as somebody would send it again.
    let newest = out.roster().version;
    let rosters: Vec<String> =
        names(&fourth).into_iter().filter(|name| name.starts_with("roster-")).collect();
    resign(&third, &[&gone], |manifest| {
        for name in &rosters {
            put_file(&third, manifest, name, &read(&fourth, name));
        }
        let other = super::forge::manifest(&fourth);
        (manifest.attempt.roster, manifest.attempt.roster_digest) = (newest, other.attempt.roster_digest);
        assert_eq!(other.attempt.roster, newest);
        put_file(&third, manifest, "policy", &read(&fourth, "policy"));
    });
    assert_eq!(inside.finds(&third), Code::BundleSignature);
    inside.import(&kept).unwrap();
    inside.import(&fourth).unwrap();
    // From now on it is known.
    resign(&kept, &[&gone], |manifest| manifest.attempt.number = 2);
    assert_eq!(inside.finds(&kept), Code::BundleSignature);
    inside.sound();
    out.sound();
}

/// An isolated vault whose rules want two approvals and a releaser for what leaves, with all the people for it.
struct House {
    out: Side,
    inside: Side,
    clerk: Identity,
    officers: [Identity; 3],
}

impl House {
    fn new() -> Self {
        let out = Side::new("隔離庫", Zone::Isolated, Policy::default());
        let inside = Side::new("連網庫", Zone::Networked, Policy::for_one_person());
        let clerk = out.join("承辦", Role::Clerk, None);
        let officers = ["甲", "乙", "丙"].map(|name| out.join(name, Role::Officer, None));
        out.admit(&inside);
        inside.admit(&out);
        Self { out, inside, clerk, officers }
    }

    fn asks(&self, name: &str) -> BundleCreateReport {
        let id = self.out.seal(name, name.as_bytes(), Class::Critical);
        let made = self.out.vault().bundle_create(&self.clerk, &wish("連網庫", &[&id])).unwrap();
        assert_eq!((made.approvals_needed, made.releaser_needed), (2, true));
        made
    }

    fn consents(&self, made: &BundleCreateReport, who: &Identity, part: Part) -> Result<(), Code> {
        let request = made.request.to_string();
        let digest = self.out.vault().request_show(None, &request).unwrap().digest;
        let vault = self.out.vault();
        let done = vault.approve(who, &request, digest, Approving { part, run: false });
        done.map(|_| ()).map_err(|error| error.code())
    }

    fn writes(&self, made: &BundleCreateReport, name: &str) -> Result<std::path::PathBuf, Code> {
        let medium = self.out.path(&format!("medium-{name}"));
        let written =
            self.out.vault().bundle_write(&self.clerk, &made.bundle.to_string(), &medium, &NoProgress);
        written.map(|_| medium).map_err(|error| error.code())
    }

    /// A bundle with everything that it takes.
    fn sends(&self, name: &str) -> std::path::PathBuf {
        let made = self.asks(name);
        let [one, two, three] = &self.officers;
        self.consents(&made, one, Part::Approver).unwrap();
        assert_eq!(self.writes(&made, "never"), Err(Code::ApprovalsMissing));
        self.consents(&made, two, Part::Approver).unwrap();
        assert_eq!(self.writes(&made, "never"), Err(Code::ApprovalsMissing));
        self.consents(&made, three, Part::Releaser).unwrap();
        self.writes(&made, name).unwrap()
    }

    /// Puts approvals in the place of those that are there.
    fn approved(&self, medium: &std::path::Path, approvals: &[SignedNote]) {
        resign(medium, &[&self.clerk], |manifest| {
            for name in names(medium).iter().filter(|name| name.starts_with("approval-")) {
                drop_file(medium, manifest, name);
            }
            for (at, note) in approvals.iter().enumerate() {
                put_file(medium, manifest, &format!("approval-{:04}", at + 1), note.print().as_bytes());
            }
        });
    }

    /// An approval as somebody would sign it who does not ask the program.
    fn consent(&self, medium: &std::path::Path, by: &Identity, part: Part) -> SignedNote {
        let core = manifest(medium).core;
        let approval = Approval {
            vault: core.sender,
            wanted: Wanted::Export,
            part,
            request: core.request,
            member: by.id(),
            until: Timestamp::from_unix_ms(core.created.unix_ms() + 60_000),
        };
        signed(&approval.print().unwrap(), &[by])
    }
}

#[test]
fn approvals_that_do_not_count_here_do_not_count_there() {
    let house = House::new();
    let (inside, [one, two, three]) = (&house.inside, &house.officers);
    let medium = house.sends("first");
    let approve = |by| house.consent(&medium, by, Part::Approver);
    let release = |by| house.consent(&medium, by, Part::Releaser);
    let other = house.sends("second");
    let of_other = |by| house.consent(&other, by, Part::Approver);
    let mut late = house.consent(&medium, two, Part::Approver);
    let created = manifest(&medium).core.created;
    late =
        signed(&late.text().replace(&late.text().lines().last().unwrap()[6..], &created.to_string()), &[two]);
    let twin = {
        // The first officer once more, under another key and the same name.
        let folder = house.out.path("twin");
        std::fs::create_dir_all(&folder).unwrap();
        person(&house.out.site(), &folder, "甲")
    };
    let borrowed = signed(approve(two).text(), &[one]);
    let cases: Vec<(&str, Vec<SignedNote>)> = vec![
        ("none", vec![]),
        ("one approval", vec![approve(one), release(three)]),
        ("no releaser", vec![approve(one), approve(two)]),
        ("no releaser, three approvals", vec![approve(one), approve(two), approve(three)]),
        ("one twice", vec![approve(one), approve(one), release(three)]),
        ("one under a stranger's key", vec![approve(one), approve(&twin), release(three)]),
        ("the preparer", vec![approve(one), approve(&house.clerk), release(three)]),
        ("of another request", vec![approve(one), of_other(two), release(three)]),
        ("an approver's as a releaser's", vec![approve(one), approve(two), release(two)]),
        ("a releaser's as an approver's", vec![approve(one), release(two), release(three)]),
        ("signed by another", vec![approve(one), borrowed, release(three)]),
        ("over already", vec![approve(one), late, release(three)]),
        ("a clerk's", vec![approve(one), approve(two), release(&house.clerk)]),
    ];
    for (what, approvals) in cases {
        let spoilt = copied(&medium, "spoilt");
        house.approved(&spoilt, &approvals);
        assert_eq!(inside.finds(&spoilt), Code::BundleApprovals, "{what}");
    }
    let again = copied(&medium, "again");
    house.approved(&again, &[approve(one), approve(two), release(three)]);
    inside.import(&again).unwrap();
    inside.import(&other).unwrap();
    inside.sound();
}

#[test]
fn one_person_under_two_keys_is_one_person() {
    let house = House::new();
    let twin = house.out.join("甲", Role::Officer, None);
    let [one, two, three] = &house.officers;
    let medium = house.sends("first");
    let consent = |by, part| house.consent(&medium, by, part);
    let spoilt = copied(&medium, "spoilt");
    house.approved(
        &spoilt,
        &[consent(one, Part::Approver), consent(&twin, Part::Approver), consent(three, Part::Releaser)],
    );
    assert_eq!(house.inside.finds(&spoilt), Code::BundleApprovals);
    house.approved(
        &spoilt,
        &[consent(one, Part::Approver), consent(two, Part::Approver), consent(&twin, Part::Releaser)],
    );
    assert_eq!(house.inside.finds(&spoilt), Code::BundleApprovals);
    house.inside.import(&medium).unwrap();
}

#[test]
fn a_manifest_that_asks_for_fewer_approvals_than_the_policy_is_refused() {
    let house = House::new();
    let [one, _, three] = &house.officers;
    let medium = house.sends("first");
    for (approvals, releaser) in [(0, false), (1, true), (2, false)] {
        let spoilt = copied(&medium, "spoilt");
        let mut notes = vec![house.consent(&spoilt, one, Part::Approver)];
        notes.truncate(approvals as usize);
        if releaser {
            notes.push(house.consent(&spoilt, three, Part::Releaser));
        }
        if approvals == 2 {
            notes.push(house.consent(&spoilt, three, Part::Approver));
        }
        house.approved(&spoilt, &notes);
        resign(&spoilt, &[&house.clerk], |manifest| {
            (manifest.core.approvals, manifest.core.releaser) = (approvals, releaser);
        });
        // From outside nobody sees the classes; the list inside tells.
        assert_eq!(house.inside.verdict(&spoilt), "ok");
        assert_eq!(house.inside.turns_away(&spoilt), Code::BundleApprovals);
    }
    house.inside.import(&medium).unwrap();
    house.inside.sound();
}

#[test]
fn a_class_that_needs_more_is_not_sent_as_one_that_needs_less() {
    let policy = Policy {
        critical: gapvault::vault::ClassRules { export_in_approvals: 1, ..Policy::for_one_person().critical },
        ..Policy::for_one_person()
    };
    let out = Side::new("連網庫", Zone::Networked, policy);
    let inside = Side::new("隔離庫", Zone::Isolated, Policy::for_one_person());
    out.admit(&inside);
    inside.admit(&out);
    let id = out.seal("a", b"a", Class::Important);
    let medium = out.path("medium");
    out.send("隔離庫", &[&id], &medium);
    // The list says `critical`, the manifest that nobody has to approve.
    let mut content = Content::of(&out, &medium);
    content.inner.documents[0].class = Class::Critical;
    let spoilt = copied(&medium, "spoilt");
    fill(&out, &inside, &spoilt, content.inner.digest(), &content.tar());
    assert_eq!(inside.verdict(&spoilt), "ok");
    assert_eq!(inside.turns_away(&spoilt), Code::BundleApprovals);
    inside.import(&medium).unwrap();
}

#[test]
fn requests_that_are_for_something_else_are_refused() {
    let (out, inside, medium, _) = crossing();
    type Change = fn(&mut Ask);
    let cases: [(&str, Change); 6] = [
        ("bundle", |ask| ask.export.as_mut().unwrap().bundle.0[0] ^= 1),
        ("receiver", |ask| ask.export.as_mut().unwrap().receiver.0[0] ^= 1),
        ("inner", |ask| ask.export.as_mut().unwrap().inner.0[0] ^= 1),
        ("vault", |ask| ask.vault.0[0] ^= 1),
        ("over", |ask| {
            let created = ask.created.unix_ms() - 1000;
            (ask.created, ask.until) =
                (Timestamp::from_unix_ms(created), Timestamp::from_unix_ms(created + 1));
        }),
        ("action", |ask| {
            (ask.wanted, ask.export) = (Wanted::Open, None);
            ask.objects = vec![(gapvault::id::DocumentId([1; 16]), gapvault::crypto::Digest([1; 32]))];
        }),
    ];
    for (what, change) in cases {
        let spoilt = copied(&medium, "spoilt");
        ask_anew(&out, &spoilt, &out.founder, change);
        assert_eq!(inside.finds(&spoilt), Code::BundleApprovals, "{what}");
    }
    // A digest that is not the request's.
    let spoilt = copied(&medium, "spoilt");
    resign(&spoilt, &[&out.founder], |manifest| manifest.core.request.0[0] ^= 1);
    assert_eq!(inside.finds(&spoilt), Code::BundleApprovals);
    let spoilt = copied(&medium, "spoilt");
    resign_text(&spoilt, &[&out.founder], |text| {
        let line = text.lines().find(|line| line.contains(" request ")).unwrap().to_owned();
        text.replacen(&format!("{line}\n"), "", 1)
    });
    assert_eq!(inside.finds(&spoilt), Code::BundleFormat);
}

#[test]
fn who_may_not_import_decides_nothing() {
    let (_out, inside, medium, _) = crossing();
    let auditor = inside.join("稽核", Role::Auditor, None);
    let denied = |result: Result<(), vault::Error>| result.unwrap_err().code();
    assert_eq!(denied(inside.import_as(&auditor, &medium).map(|_| ())), Code::NoImportRight);
    let came = inside.import_as(&inside.founder, &medium).unwrap().bundle.to_string();
    let vault = inside.vault();
    assert_eq!(
        denied(vault.import_accept(&auditor, &came, None, &NoProgress).map(|_| ())),
        Code::NoImportRight
    );
    assert_eq!(denied(vault.import_reject(&auditor, &came, None).map(|_| ())), Code::NoImportRight);
    let to = inside.path("receipt");
    assert_eq!(denied(vault.receipt_write(&auditor, &came, &to).map(|_| ())), Code::NoImportRight);
    assert!(!to.exists());
    let stranger = person(&inside.site(), inside.folder.path(), "stranger");
    assert_eq!(denied(inside.import_as(&stranger, &medium).map(|_| ())), Code::NotAMember);
    vault.import_accept(&inside.founder, &came, None, &NoProgress).unwrap();
    inside.sound();
}

#[test]
fn what_is_critical_is_let_in_by_another_person() {
    let out = Side::new("連網庫", Zone::Networked, Policy::for_one_person());
    let inside = Side::new("隔離庫", Zone::Isolated, Policy::default());
    let other = inside.join("陳美玲", Role::Officer, None);
    let twin = inside.join("王小明", Role::Officer, None);
    out.admit(&inside);
    inside.admit(&out);
    let id = out.seal("a", b"critical", Class::Critical);
    let medium = out.path("medium");
    out.send("隔離庫", &[&id], &medium);
    let error = inside.import(&medium).unwrap_err();
    assert_eq!(error.code(), Code::SamePerson);
    let bundle = manifest(&medium).core.link.bundle.to_string();
    let accept =
        |me| inside.vault().import_accept(me, &bundle, None, &NoProgress).map_err(|error| error.code());
    assert_eq!(accept(&inside.founder).unwrap_err(), Code::SamePerson);
    assert_eq!(accept(&twin).map(|report| report.state), Err(Code::SamePerson), "one name is one person");
    assert_eq!(accept(&other).unwrap().state, "accepted");
    assert_eq!(accept(&other).unwrap_err(), Code::BundleDecided);
    inside.sound();
}
