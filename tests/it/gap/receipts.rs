//! Answers that nobody gave, or gave to something else; and what comes inside a bundle and is no evidence.

use std::path::{Path, PathBuf};

use gapvault::bundle::{Known, Receipt, SliceName, Verdict, Witnessed};
use gapvault::crypto::Digest;
use gapvault::label::{Class, Role, Zone};
use gapvault::log::checkpoint::Checkpoint;
use gapvault::note::SignedNote;
use gapvault::time::Timestamp;
use gapvault::vault::{Code, Identity, NoProgress, Policy, Resend};

use super::forge::{copied, files, flip, manifest, names, put_file, read, resign, write};
use super::{Side, crossing, pair};
use crate::people::signed;
use crate::verbs::person;

fn receipt(medium: &Path) -> Receipt {
    Receipt::parse(SignedNote::parse(&read(medium, "receipt")).unwrap().text()).unwrap()
}

/// A copy of the medium with another receipt on it.
fn answered(medium: &Path, by: &[&Identity], change: impl FnOnce(&mut Receipt)) -> PathBuf {
    let spoilt = copied(medium, "answered");
    let mut receipt = receipt(medium);
    change(&mut receipt);
    write(&spoilt, "receipt", signed(&receipt.print().unwrap(), by).print());
    spoilt
}

/// The code of the refusal, which an entry tells of; the bundle is out as before.
fn refuses(out: &Side, medium: &Path) -> Code {
    let before = out.vault().bundle_list().unwrap().out[0].state.clone();
    let outbox = files_below(&out.path("v/outbox"));
    let code = out.vault().receipt_apply(&out.founder, medium).unwrap_err().code();
    let entry = out.entries(1).remove(0);
    assert_eq!((&entry["event"], &entry["reason"]), (&"bundle.receipt".into(), &code.as_str().into()));
    assert_eq!(out.vault().bundle_list().unwrap().out[0].state, before);
    assert_eq!(files_below(&out.path("v/outbox")), outbox);
    assert_ne!(code, Code::Internal);
    code
}

fn files_below(folder: &Path) -> Vec<String> {
    names(folder).iter().flat_map(|name| names(&folder.join(name))).collect()
}

#[test]
fn receipts_of_nobody_who_may_are_refused() {
    let (out, inside, medium, _) = crossing();
    let clerk = inside.join("承辦", Role::Clerk, None);
    let auditor = inside.join("稽核", Role::Auditor, None);
    inside.import(&medium).unwrap();
    assert!(names(&medium).iter().any(|name| name.starts_with("receipt-roster-")));
    let stranger = person(&out.site(), out.folder.path(), "stranger");
    for by in [&stranger, &out.founder, &auditor] {
        let spoilt = answered(&medium, &[by], |receipt| {
            let witnessed = receipt.witnessed.clone().unwrap();
            let checkpoint = Checkpoint::new(&witnessed.origin, witnessed.size, witnessed.root).unwrap();
            receipt.witnessed = Witnessed::sign(by.signing(), &checkpoint, receipt.created);
        });
        assert_eq!(refuses(&out, &spoilt), Code::TamperedReceipt);
    }
    // The witness's signature is the same person's.
    let spoilt = answered(&medium, &[&clerk], |_| ());
    assert_eq!(refuses(&out, &spoilt), Code::TamperedReceipt);
    let spoilt = answered(&medium, &[&inside.founder, &clerk], |_| ());
    assert_eq!(refuses(&out, &spoilt), Code::TamperedReceipt);
    // A roster that nobody signed makes nobody a member.
    let spoilt = copied(&medium, "spoilt");
    let roster = names(&spoilt).into_iter().rfind(|name| name.starts_with("receipt-roster-")).unwrap();
    let text = SignedNote::parse(&read(&spoilt, &roster)).unwrap().text().to_owned();
    write(&spoilt, &roster, signed(&text, &[&stranger]).print());
    assert_eq!(refuses(&out, &spoilt), Code::TamperedReceipt);
    out.vault().receipt_apply(&out.founder, &medium).unwrap();
    out.sound();
}

#[test]
fn every_flipped_bit_of_a_receipt_is_noticed() {
    let (out, inside, medium, _) = crossing();
    inside.import(&medium).unwrap();
    let whole = read(&medium, "receipt");
    let card = inside.path("own.card");
    inside.vault().peer_card(&card).unwrap();
    let known: Known =
        gapvault::bundle::VaultCard::parse(&std::fs::read(card).unwrap()).unwrap().known().clone();
    assert!(Receipt::verify(&whole, &known).is_some());
    for at in 0..whole.len() {
        for bit in 0..8 {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            assert!(Receipt::verify(&bytes, &known).is_none(), "{at} {bit}");
        }
        assert!(Receipt::verify(&whole[..at], &known).is_none(), "{at}");
    }
    let spoilt = copied(&medium, "spoilt");
    for at in (0..whole.len()).step_by(97) {
        flip(&spoilt, "receipt", at);
        let code = refuses(&out, &spoilt);
        assert!([Code::NotAReceipt, Code::TamperedReceipt, Code::NoPeer].contains(&code), "{at}: {code}");
        write(&spoilt, "receipt", &whole);
    }
    write(&spoilt, "receipt", [&whole[..], b"\n"].concat());
    assert_eq!(refuses(&out, &spoilt), Code::NotAReceipt);
    out.vault().receipt_apply(&out.founder, &medium).unwrap();
}

#[test]
fn receipts_for_something_else_are_refused() {
    let (out, inside, medium, _) = crossing();
    inside.import(&medium).unwrap();
    let by = [&inside.founder];
    type Change = fn(&mut Receipt);
    let cases: [(&str, Change, Code); 8] = [
        ("bundle", |receipt| receipt.link.bundle.0[0] ^= 1, Code::NoBundle),
        ("number", |receipt| receipt.link.number = 2, Code::TamperedReceipt),
        ("series", |receipt| receipt.link.series = 2, Code::TamperedReceipt),
        ("inner", |receipt| receipt.link.inner.0[0] ^= 1, Code::TamperedReceipt),
        ("sender", |receipt| receipt.sender.0[0] ^= 1, Code::TamperedReceipt),
        ("receiver", |receipt| receipt.receiver.0[0] ^= 1, Code::NoPeer),
        ("attempt", |receipt| receipt.attempt = 2, Code::TamperedReceipt),
        ("checkpoint", |receipt| receipt.checkpoint[40] ^= 1, Code::TamperedReceipt),
    ];
    for (what, change, code) in cases {
        assert_eq!(refuses(&out, &answered(&medium, &by, change)), code, "{what}");
    }
    // Another vault, admitted as well, answers for what it never got.
    let third = Side::new("第三庫", Zone::Isolated, Policy::for_one_person());
    out.admit(&third);
    let own = third.vault().status().unwrap().vault;
    let spoilt = answered(&medium, &[&third.founder], |receipt| {
        receipt.receiver = own;
        receipt.witnessed = None;
    });
    assert_eq!(refuses(&out, &spoilt), Code::TamperedReceipt);
    out.vault().receipt_apply(&out.founder, &medium).unwrap();
    out.sound();
}

#[test]
fn an_answer_counts_once_and_the_last_word_stays_the_last() {
    let (out, inside, medium, _) = crossing();
    let bundle = inside.import_as(&inside.founder, &medium).unwrap().bundle.to_string();
    let waits = copied(&medium, "waits");
    assert_eq!(receipt(&waits).verdict, Verdict::Quarantine);
    out.vault().receipt_apply(&out.founder, &waits).unwrap();
    assert_eq!(refuses(&out, &waits), Code::BundleAnswered);
    inside.vault().import_accept(&inside.founder, &bundle, Some(&medium), &NoProgress).unwrap();
    out.vault().receipt_apply(&out.founder, &medium).unwrap();
    for old in [&waits, &medium] {
        assert_eq!(refuses(&out, old), Code::BundleAnswered);
    }
    for verdict in [Verdict::Rejected, Verdict::Damaged, Verdict::Quarantine] {
        let spoilt = answered(&medium, &[&inside.founder], |receipt| receipt.verdict = verdict);
        assert_eq!(refuses(&out, &spoilt), Code::BundleAnswered, "{verdict}");
    }
    out.sound();
}

#[test]
fn damage_is_told_of_volumes_that_there_are_and_sent_again() {
    let (out, inside, medium, id) = crossing();
    for name in ["v0002", "v0003"] {
        flip(&medium, name, 200);
    }
    assert_eq!(inside.finds(&medium), Code::BundleDamaged);
    let damaged = receipt(&medium);
    assert_eq!(damaged.verdict, Verdict::Damaged);
    let asked: Vec<String> = damaged.damaged.iter().map(ToString::to_string).collect();
    assert_eq!(asked, ["v0002", "v0003"]);
    // What never came in is no reason to sign for the sender's log.
    assert_eq!(damaged.witnessed, None);
    for name in ["v0011", "p0002", "v9999"] {
        let spoilt = answered(&medium, &[&inside.founder], |receipt| {
            receipt.damaged = vec![name.parse::<SliceName>().unwrap()];
        });
        assert_eq!(refuses(&out, &spoilt), Code::TamperedReceipt, "{name}");
    }
    let report = out.vault().receipt_apply(&out.founder, &medium).unwrap();
    assert_eq!((report.verdict.as_str(), report.damaged.len()), ("damaged", 2));
    // Only what is asked for goes out, under the next attempt, and comes in with the rest.
    let again = out.path("again");
    let slices: Vec<SliceName> = asked.iter().map(|name| name.parse().unwrap()).collect();
    let what = Resend { slices, expires: None };
    let bundle = manifest(&medium).core.link.bundle.to_string();
    out.vault().bundle_resend(&out.founder, &bundle, &again, &what, &NoProgress).unwrap();
    assert_eq!(inside.finds(&again), Code::BundleIncomplete);
    let both = gapvault::vault::ImportRequest {
        paths: vec![medium.clone(), again.clone()],
        code: None,
        accept: true,
    };
    let came = inside.vault().import(&inside.founder, &both, &NoProgress).unwrap();
    assert_eq!(came.attempt, 2);
    assert_eq!(inside.opens(&id), b"secret text");
    // The old answer is over.
    let old = answered(&again, &[&inside.founder], |receipt| {
        (receipt.verdict, receipt.attempt) = (Verdict::Damaged, 1);
    });
    assert_eq!(refuses(&out, &old), Code::BundleAnswered);
    out.vault().receipt_apply(&out.founder, &again).unwrap();
    out.sound();
    inside.sound();
}

#[test]
fn a_witness_of_another_log_is_proof_of_a_fork() {
    let (out, inside, medium, _) = crossing();
    inside.import(&medium).unwrap();
    let witnessed = receipt(&medium).witnessed.unwrap();
    let with = |size, root: Digest| {
        answered(&medium, &[&inside.founder], |receipt| {
            let checkpoint = Checkpoint::new(&witnessed.origin, size, root).unwrap();
            receipt.witnessed = Witnessed::sign(inside.founder.signing(), &checkpoint, receipt.created);
        })
    };
    assert_eq!(refuses(&out, &with(witnessed.size, Digest([7; 32]))), Code::Forked);
    assert_eq!(refuses(&out, &with(witnessed.size - 1, witnessed.root)), Code::Forked);
    assert_eq!(refuses(&out, &with(witnessed.size + 1000, witnessed.root)), Code::Forked);
    // A signature over something else is no witness at all.
    let spoilt = answered(&medium, &[&inside.founder], |receipt| {
        receipt.witnessed.as_mut().unwrap().size += 1;
    });
    assert_eq!(refuses(&out, &spoilt), Code::TamperedReceipt);
    out.vault().receipt_apply(&out.founder, &medium).unwrap();
    assert_eq!(out.vault().bundle_list().unwrap().out[0].state, "accepted");
}

#[test]
fn who_signs_a_receipt_stands_in_the_roster_on_that_day() {
    let (out, inside) = pair();
    let day = |days: i64| {
        let now = gapvault::time::Clock::now(&*inside.clock).time.unix_ms();
        Timestamp::from_unix_ms(now + days * 24 * 60 * 60 * 1000)
    };
    let over = inside.join("短期", Role::Clerk, Some(&day(1).to_string()[..10]));
    let gone = inside.join("離職", Role::Clerk, None);
    let id = out.seal("a", b"a", Class::Important);
    let medium = out.path("medium");
    out.send("隔離庫", &[&id], &medium);
    inside.send_away(&gone);
    inside.import(&medium).unwrap();
    for (who, at) in [(&over, day(3)), (&gone, day(0))] {
        let spoilt = answered(&medium, &[who], |receipt| {
            (receipt.created, receipt.witnessed) = (at, None);
        });
        assert_eq!(refuses(&out, &spoilt), Code::TamperedReceipt);
    }
    let fine = answered(&medium, &[&over], |receipt| receipt.witnessed = None);
    out.vault().receipt_apply(&out.founder, &fine).unwrap();
}

#[test]
fn files_that_are_no_receipt_are_none() {
    let (out, inside, medium, _) = crossing();
    inside.import(&medium).unwrap();
    let own = out.vault().receipt_apply(&out.founder, &out.path("nowhere")).unwrap_err();
    assert_eq!(own.code(), Code::NoFile);
    for bytes in [&b""[..], b"x", &read(&medium, "manifest"), &read(&medium, "request"), &vec![b'x'; 70_000]]
    {
        let spoilt = copied(&medium, "spoilt");
        write(&spoilt, "receipt", bytes);
        let code = out.vault().receipt_apply(&out.founder, &spoilt).unwrap_err().code();
        assert_ne!(code, Code::Internal);
        std::fs::write(out.path("file"), bytes).unwrap();
        let code = out.vault().receipt_apply(&out.founder, &out.path("file")).unwrap_err().code();
        assert_eq!(code, Code::NotAReceipt);
    }
    // The receipt alone, as a file.
    std::fs::write(out.path("file"), read(&medium, "receipt")).unwrap();
    out.vault().receipt_apply(&out.founder, &out.path("file")).unwrap();
}

#[test]
fn what_a_bundle_says_of_itself_is_no_evidence() {
    // A critical document needs another person and a check here, whatever lies in the bundle.
    let out = Side::new("連網庫", Zone::Networked, Policy::for_one_person());
    let policy = Policy { check: Some("/bin/false".to_owned()), ..Policy::default() };
    let inside = Side::new("隔離庫", Zone::Isolated, policy);
    out.admit(&inside);
    inside.admit(&out);
    let id = out.seal("a", b"a", Class::Critical);
    let medium = out.path("medium");
    out.send("隔離庫", &[&id], &medium);
    for name in ["scan", "scan-result", "accepted", "check.json"] {
        let spoilt = copied(&medium, "spoilt");
        write(&spoilt, name, b"clean");
        assert_eq!(inside.finds(&spoilt), Code::BundleUndeclared);
        // Not even the sender can name such a file.
        let mut named = manifest(&spoilt);
        put_file(&spoilt, &mut named, name, b"clean");
        write(&spoilt, "manifest", signed(&named.print().unwrap(), &[&out.founder]).print());
        assert_eq!(inside.finds(&spoilt), Code::BundleFormat);
    }
    // An approval by the receiver's own officer, for the receiver's own act.
    let other = inside.join("陳美玲", Role::Officer, None);
    resign(&medium, &[&out.founder], |manifest| {
        let approval = gapvault::policy::Approval {
            vault: manifest.core.receiver,
            wanted: gapvault::policy::Wanted::Export,
            part: gapvault::vault::Part::Approver,
            request: manifest.core.request,
            member: other.id(),
            until: manifest.attempt.not_after,
        };
        let note = signed(&approval.print().unwrap(), &[&other]);
        put_file(&medium, manifest, "approval-0001", note.print().as_bytes());
    });
    assert_eq!(inside.refuses(&medium), Code::SamePerson, "it waits for another person");
    let bundle = manifest(&medium).core.link.bundle.to_string();
    let accept =
        |me| inside.vault().import_accept(me, &bundle, None, &NoProgress).map_err(|error| error.code());
    let refused = accept(&other).unwrap_err();
    assert_ne!(refused, Code::SamePerson);
    assert!(std::fs::read_dir(inside.path("v/documents")).map_or(0, |entries| entries.count()) == 0);
    assert!(files(&medium).contains_key("approval-0001"));
}
