//! For whom a bundle is, and in which order bundles come: replay, gaps, forks, other receivers, other times.

use gapvault::bundle::NUMBER_LIMIT;
use gapvault::crypto::Digest;
use gapvault::label::{Class, Zone};
use gapvault::time::Timestamp;
use gapvault::vault::{Code, ImportRequest, NoProgress, Policy, Reset};

use super::forge::{
    Content, copied, cut, encrypted, manifest, names, put, put_file, read, resign, resign_text, transfer_key,
    write,
};
use super::{Side, crossing, pair};

/// So many bundles of one small document each.
fn several(out: &Side, count: usize) -> Vec<std::path::PathBuf> {
    let bundle = |at| {
        let id = out.seal(&format!("d{at}"), b"text", Class::Important);
        let medium = out.path(&format!("m{at}"));
        out.send("隔離庫", &[&id], &medium);
        medium
    };
    (1..=count).map(bundle).collect()
}

#[test]
fn a_bundle_for_another_vault_is_refused() {
    let (out, inside, medium, _) = crossing();
    let third = Side::new("第三庫", Zone::Isolated, Policy::for_one_person());
    assert_eq!(third.finds(&medium), Code::BundleWrongReceiver);
    third.admit(&out);
    assert_eq!(third.finds(&medium), Code::BundleWrongReceiver);
    // The sender itself does not take what it sent.
    assert_eq!(out.turns_away(&medium), Code::BundleWrongReceiver);
    // From a vault that nobody admitted.
    let fourth = Side::new("第四庫", Zone::Networked, Policy::for_one_person());
    fourth.admit(&inside);
    let id = fourth.seal("x", b"x", Class::Important);
    let stray = fourth.path("stray");
    fourth.send("隔離庫", &[&id], &stray);
    assert_eq!(inside.finds(&stray), Code::BundleUnknownSender);
}

#[test]
fn an_honest_receiver_does_not_pass_on_what_was_signed_for_it() {
    let (out, inside, medium, id) = crossing();
    inside.import(&medium).unwrap();
    let third = Side::new("第三庫", Zone::Isolated, Policy::for_one_person());
    third.admit(&out);
    third.admit(&inside);
    inside.admit(&third);
    // The same signed manifest around the same content, for another key.
    let content = Content::of(&out, &medium);
    let passed = copied(&medium, "passed");
    let body = encrypted(&content.tar(), &transfer_key(&third));
    let mut unsigned = manifest(&passed);
    cut(&passed, &mut unsigned, body, 1 << 30);
    write(&passed, "manifest", read(&medium, "manifest"));
    write(&passed, "shards", read(&medium, "shards"));
    assert_eq!(third.finds(&passed), Code::BundleWrongReceiver);
    // With what is needed changed, nobody of the sender's signed it.
    let (key, receiver) =
        (Digest::of(transfer_key(&third).to_string().as_bytes()), third.vault().status().unwrap().vault);
    resign(&passed, &[&inside.founder], |manifest| {
        (manifest.core.receiver, manifest.core.receiver_key) = (receiver, key);
    });
    assert_eq!(third.finds(&passed), Code::BundleSignature);
    // As a bundle of the receiver's own, around the sender's signed list.
    let own = inside.path("own");
    inside.send("第三庫", &[&id], &own);
    let honest = copied(&own, "honest");
    let body = encrypted(&content.tar(), &transfer_key(&third));
    let inner = content.inner.digest();
    resign(&own, &[&inside.founder], |manifest| {
        cut(&own, manifest, body, 1 << 30);
        manifest.core.link.inner = inner;
    });
    super::forge::ask_anew(&inside, &own, &inside.founder, |ask| {
        if let Some(export) = &mut ask.export {
            export.inner = inner;
        }
    });
    assert_eq!(third.turns_away(&own), Code::BundleContent);
    third.import(&honest).unwrap();
    third.sound();
}

#[test]
fn what_came_in_does_not_come_in_again() {
    let (out, inside, medium, id) = crossing();
    let before = copied(&medium, "before");
    let came = inside.import_as(&inside.founder, &medium).unwrap();
    // While it waits, from the same medium and from another.
    assert_eq!(inside.finds(&medium), Code::BundleReplayed);
    assert_eq!(inside.finds(&before), Code::BundleReplayed);
    inside.vault().import_accept(&inside.founder, &came.bundle.to_string(), None, &NoProgress).unwrap();
    assert_eq!(inside.finds(&before), Code::BundleReplayed);
    // Nor when the whole index is made anew from the log.
    std::fs::remove_dir_all(inside.path("v/sled")).unwrap();
    inside.vault().rebuild(None, &NoProgress).unwrap();
    assert_eq!(inside.finds(&before), Code::BundleReplayed);
    // Nor as another attempt.
    resign(&before, &[&out.founder], |manifest| manifest.attempt.number = 2);
    assert_eq!(inside.finds(&before), Code::BundleReplayed);
    // Nor later.
    inside.later(400);
    assert_eq!(inside.finds(&medium), Code::BundleReplayed);
    assert_eq!(inside.opens(&id), b"secret text");
    inside.sound();
}

#[test]
fn what_was_turned_away_by_a_person_does_not_come_in_again_and_the_next_does() {
    let (out, inside, medium, _) = crossing();
    let came = inside.import_as(&inside.founder, &medium).unwrap();
    inside.vault().import_reject(&inside.founder, &came.bundle.to_string(), None).unwrap();
    assert_eq!(inside.finds(&medium), Code::BundleReplayed);
    let id = out.seal("b", b"next", Class::Important);
    let next = out.path("next");
    out.send("隔離庫", &[&id], &next);
    inside.import(&next).unwrap();
    inside.sound();
}

#[test]
fn a_vault_restored_from_an_older_copy_takes_no_old_bundle() {
    let (_out, inside, medium, _) = crossing();
    put(&inside.path("v"), &inside.path("backup"));
    let before = copied(&medium, "before");
    inside.import(&medium).unwrap();
    put(&inside.path("backup"), &inside.path("v"));
    let code = inside.import(&before).unwrap_err().code();
    assert_eq!(code, Code::TruncatedLog);
}

#[test]
fn bundles_come_in_one_after_another() {
    let (out, inside) = pair();
    let media = several(&out, 3);
    assert_eq!(inside.finds(&media[1]), Code::BundleGap);
    assert_eq!(inside.finds(&media[2]), Code::BundleGap);
    inside.import(&media[0]).unwrap();
    assert_eq!(inside.finds(&media[2]), Code::BundleGap);
    // A number that is free does not fill the gap.
    let renumbered = copied(&media[2], "renumbered");
    let previous = manifest(&media[0]).core.link.digest();
    resign(&renumbered, &[&out.founder], |manifest| manifest.core.link.number = 2);
    assert_eq!(inside.finds(&renumbered), Code::BundleForked);
    assert_eq!(manifest(&media[1]).core.previous, Some(previous));
    inside.import(&media[1]).unwrap();
    inside.import(&media[2]).unwrap();
    for medium in &media {
        assert_eq!(inside.finds(medium), Code::BundleReplayed);
    }
    inside.sound();
}

#[test]
fn numbers_at_the_end_of_arithmetic_are_refused() {
    let (out, inside, medium, _) = crossing();
    let line = |key: &str, from: &str, to: &str| {
        let spoilt = copied(&medium, "spoilt");
        let to = if key == "number" && to != "0" {
            format!("\nnumber {to}\nprevious {}\n", Digest([1; 32]))
        } else {
            format!("\n{key} {to}\n")
        };
        let from = if key == "number" {
            "\nnumber 1\nprevious none\n".to_owned()
        } else {
            format!("\n{key} {from}\n")
        };
        resign_text(&spoilt, &[&out.founder], |text| text.replacen(&from, &to, 1));
        inside.finds(&spoilt)
    };
    for (number, code) in [
        (NUMBER_LIMIT, Code::BundleGap),
        (NUMBER_LIMIT - 1, Code::BundleGap),
        (NUMBER_LIMIT + 1, Code::BundleFormat),
        (u64::MAX, Code::BundleFormat),
        (0, Code::BundleFormat),
    ] {
        assert_eq!(line("number", "1", &number.to_string()), code, "{number}");
    }
    for (series, code) in [
        (2, Code::BundleSeries),
        (NUMBER_LIMIT, Code::BundleSeries),
        (NUMBER_LIMIT + 1, Code::BundleFormat),
        (u64::MAX, Code::BundleFormat),
        (0, Code::BundleFormat),
    ] {
        assert_eq!(line("series", "1", &series.to_string()), code, "{series}");
    }
    for (attempt, code) in [("0", Code::BundleFormat), ("4294967296", Code::BundleFormat)] {
        assert_eq!(line("attempt", "1", attempt), code);
        assert_eq!(line("medium", "1", attempt), code);
    }
    for number in ["18446744073709551616", "01", "+1", "1e3"] {
        assert_eq!(line("series", "1", number), Code::BundleFormat);
    }
    // The first has no predecessor, and the others have one.
    let spoilt = copied(&medium, "spoilt");
    resign_text(&spoilt, &[&out.founder], |text| {
        text.replacen("\nprevious none\n", &format!("\nprevious {}\n", Digest([1; 32])), 1)
    });
    assert_eq!(inside.finds(&spoilt), Code::BundleFormat);
}

#[test]
fn two_bundles_of_one_number_are_a_fork() {
    let (out, inside) = pair();
    let first = several(&out, 1).remove(0);
    // The sender's vault and what its host knows, both put back.
    put(&out.path("v"), &out.path("backup-v"));
    put(&out.path("state"), &out.path("backup-state"));
    let id = out.seal("one", b"one", Class::Important);
    let one = out.path("one-medium");
    out.send("隔離庫", &[&id], &one);
    put(&out.path("backup-v"), &out.path("v"));
    put(&out.path("backup-state"), &out.path("state"));
    let id = out.seal("other", b"other", Class::Important);
    let other = out.path("other-medium");
    out.send("隔離庫", &[&id], &other);
    assert_eq!((manifest(&one).core.link.number, manifest(&other).core.link.number), (2, 2));
    inside.import(&first).unwrap();
    inside.import(&one).unwrap();
    assert_eq!(inside.finds(&other), Code::BundleForked);
    // What follows from the other one neither.
    let id = out.seal("next", b"next", Class::Important);
    let next = out.path("next-medium");
    out.send("隔離庫", &[&id], &next);
    assert_eq!(inside.finds(&next), Code::BundleForked);
    inside.sound();
}

#[test]
fn an_id_that_is_taken_is_another_bundles() {
    let (out, inside) = pair();
    let media = several(&out, 2);
    inside.import(&media[0]).unwrap();
    let bundle = manifest(&media[0]).core.link.bundle;
    resign(&media[1], &[&out.founder], |manifest| manifest.core.link.bundle = bundle);
    assert_eq!(inside.turns_away(&media[1]), Code::BundleApprovals, "the request is for another id");
    super::forge::ask_anew(&out, &media[1], &out.founder, |ask| {
        if let Some(export) = &mut ask.export {
            export.bundle = bundle;
        }
    });
    assert_eq!(inside.finds(&media[1]), Code::BundleForked);
    // The same id from another vault.
    let third = Side::new("第三庫", Zone::Networked, Policy::for_one_person());
    third.admit(&inside);
    inside.admit(&third);
    let id = third.seal("x", b"x", Class::Important);
    let foreign = third.path("foreign");
    third.send("隔離庫", &[&id], &foreign);
    resign(&foreign, &[&third.founder], |manifest| manifest.core.link.bundle = bundle);
    super::forge::ask_anew(&third, &foreign, &third.founder, |ask| {
        if let Some(export) = &mut ask.export {
            export.bundle = bundle;
        }
    });
    assert_eq!(inside.turns_away(&foreign), Code::BundleForked);
    inside.sound();
}

#[test]
fn what_comes_too_late_is_refused_and_what_is_from_the_future_moves_nothing() {
    let (out, inside, medium, _) = crossing();
    // A clock that goes back does not help: the log remembers later times.
    inside.later(31);
    assert_eq!(inside.finds(&medium), Code::BundleExpired);
    inside.later(-31);
    assert_eq!(inside.finds(&medium), Code::BundleExpired);
    let (out, inside) = {
        drop((out, inside));
        pair()
    };
    out.later(3);
    let early = several(&out, 1).remove(0);
    assert_eq!(inside.finds(&early), Code::BundleNotYet);
    inside.later(1);
    assert_eq!(inside.finds(&early), Code::BundleNotYet);
    inside.later(2);
    inside.import(&early).unwrap();
    inside.sound();
}

#[test]
fn times_that_contradict_each_other_are_refused() {
    let (out, inside, medium, _) = crossing();
    let far = Timestamp::from_unix_ms(4_000_000_000_000);
    for change in [
        (|manifest: &mut gapvault::bundle::Manifest, far| manifest.attempt.issued = far)
            as fn(&mut gapvault::bundle::Manifest, Timestamp),
        |manifest, _| manifest.attempt.not_after = manifest.attempt.issued,
        |manifest, _| manifest.attempt.not_after = Timestamp::from_unix_ms(0),
        |manifest, far| manifest.core.created = far,
    ] {
        let spoilt = copied(&medium, "spoilt");
        resign(&spoilt, &[&out.founder], |manifest| change(manifest, far));
        assert_eq!(inside.finds(&spoilt), Code::BundleFormat);
    }
    // Made before it was asked for, or after the request was over.
    for days in [-1, 40] {
        let spoilt = copied(&medium, "spoilt");
        resign(&spoilt, &[&out.founder], |manifest| {
            let created = manifest.core.created.unix_ms() + days * 24 * 60 * 60 * 1000;
            manifest.core.created = Timestamp::from_unix_ms(created);
            if days > 0 {
                manifest.attempt.issued = manifest.core.created;
                manifest.attempt.not_after = far;
            }
        });
        assert_eq!(inside.finds(&spoilt), Code::BundleApprovals, "{days}");
    }
}

#[test]
fn numbers_begin_anew_only_when_both_sides_say_so() {
    let (out, inside) = pair();
    let media = several(&out, 2);
    inside.import(&media[0]).unwrap();
    out.vault().peer_reset(&out.founder, "隔離庫", Reset::Out).unwrap();
    let id = out.seal("n", b"new", Class::Important);
    let anew = out.path("anew");
    out.send("隔離庫", &[&id], &anew);
    assert_eq!((manifest(&anew).core.link.series, manifest(&anew).core.link.number), (2, 1));
    assert_eq!(inside.finds(&anew), Code::BundleSeries);
    for bad in [0, 1, NUMBER_LIMIT + 1, u64::MAX] {
        let reset = inside.vault().peer_reset(&inside.founder, "連網庫", Reset::In(bad));
        assert_eq!(reset.unwrap_err().code(), Code::Usage, "{bad}");
    }
    // Only those that come in, of this vault.
    inside.vault().peer_reset(&inside.founder, "連網庫", Reset::Out).unwrap();
    assert_eq!(inside.finds(&anew), Code::BundleSeries);
    inside.vault().peer_reset(&inside.founder, "連網庫", Reset::In(3)).unwrap();
    assert_eq!(inside.finds(&anew), Code::BundleSeries);
    out.vault().peer_reset(&out.founder, "隔離庫", Reset::Out).unwrap();
    let id = out.seal("m", b"newer", Class::Important);
    let newer = out.path("newer");
    out.send("隔離庫", &[&id], &newer);
    inside.import(&newer).unwrap();
    // What is left of the old numbers stays out, whichever it is.
    for old in [&media[0], &media[1], &anew] {
        assert_eq!(inside.finds(old), Code::BundleSeries);
    }
    // An old bundle under the new numbers is still an old one.
    let previous = manifest(&newer).core.link.digest();
    resign(&media[0], &[&out.founder], |manifest| {
        (manifest.core.link.series, manifest.core.link.number) = (3, 2);
        manifest.core.previous = Some(previous);
    });
    assert_eq!(inside.finds(&media[0]), Code::BundleForked);
    inside.sound();
    out.sound();
}

#[test]
fn who_is_let_go_and_comes_back_goes_on_where_the_numbers_were() {
    let (out, inside) = pair();
    let media = several(&out, 2);
    let replay = copied(&media[0], "replay");
    inside.import(&media[0]).unwrap();
    inside.vault().peer_remove(&inside.founder, "連網庫").unwrap();
    assert_eq!(inside.finds(&media[1]), Code::BundleUnknownSender);
    inside.admit(&out);
    assert_eq!(inside.finds(&replay), Code::BundleReplayed);
    inside.import(&media[1]).unwrap();
    inside.sound();
}

#[test]
fn the_code_on_the_paper_is_that_of_the_bundle() {
    let (_out, inside, medium, _) = crossing();
    let code = manifest(&medium).code().unwrap();
    let import = |code: &str| {
        let wish =
            ImportRequest { paths: vec![medium.clone()], code: Some(code.parse().unwrap()), accept: true };
        inside.vault().import(&inside.founder, &wish, &NoProgress).map(|_| ()).map_err(|error| error.code())
    };
    let other = gapvault::id::Code::of(&[7; 32]).to_string();
    assert_eq!(import(&other), Err(Code::CodeDiffers));
    assert_eq!(import(&code.to_string()), Ok(()));
}

#[test]
fn the_zones_are_those_of_the_two_vaults() {
    let (out, inside, medium, _) = crossing();
    for (from, to) in [
        (Zone::Isolated, Zone::Isolated),
        (Zone::Networked, Zone::Networked),
        (Zone::Isolated, Zone::Networked),
    ] {
        let spoilt = copied(&medium, "spoilt");
        resign(&spoilt, &[&out.founder], |manifest| {
            (manifest.core.from, manifest.core.to) = (from, to);
        });
        assert_eq!(inside.finds(&spoilt), Code::BundleDirection);
    }
}

#[test]
fn a_log_that_is_another_one_than_before_is_noticed() {
    let (out, inside) = pair();
    let first = several(&out, 1).remove(0);
    put(&out.path("v"), &out.path("backup-v"));
    put(&out.path("state"), &out.path("backup-state"));
    // What was sent is known there; the log is then rewritten from before the sending on, with as many entries and more.
    inside.import(&first).unwrap();
    out.vault().receipt_apply(&out.founder, &first).unwrap();
    let id = out.seal("two", b"two", Class::Important);
    let second = out.path("second");
    out.send("隔離庫", &[&id], &second);
    inside.import(&second).unwrap();
    let old = String::from_utf8(read(&second, "witness-request")).unwrap();
    let (front, _) = old.split_once("\n\n").unwrap();
    assert!(front.starts_with("old ") && !front.starts_with("old 0"), "{front}");
    put(&out.path("backup-v"), &out.path("v"));
    put(&out.path("backup-state"), &out.path("state"));
    for at in 0..20 {
        out.seal(&format!("other{at}"), b"other", Class::Important);
    }
    // Its numbers as they would be, and a proof that cannot be one.
    let id = out.seal("three", b"three", Class::Important);
    let third = out.path("third");
    out.send("隔離庫", &[&id], &third);
    let previous = manifest(&second).core.link.digest();
    let honest = inside.entries(400);
    let witnessed = honest
        .iter()
        .filter(|entry| entry["event"] == "bundle.import" && entry["phase"] == "done")
        .filter_map(|entry| entry["detail"]["size"].as_str())
        .next_back()
        .unwrap()
        .to_owned();
    resign(&third, &[&out.founder], |manifest| {
        manifest.core.link.number = 3;
        manifest.core.previous = Some(previous);
        let request = String::from_utf8(read(&third, "witness-request")).unwrap();
        let (_, checkpoint) = request.split_once("\n\n").unwrap();
        let forged = format!("old {witnessed}\n\n{checkpoint}");
        put_file(&third, manifest, "witness-request", forged.as_bytes());
    });
    assert_eq!(inside.finds(&third), Code::BundleLogForked);
    assert!(names(&third).contains(&"manifest".to_owned()));
}
