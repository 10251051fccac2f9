//! What somebody can do who writes in the vault's own folder: files of other vaults, the outbox, quarantine, the log's tail.

use gapvault::crypto::{Digest, Random as _, SystemRandom};
use gapvault::id::SessionId;
use gapvault::label::{Class, Role};
use gapvault::log::entry::{Draft, Entry, Event, Object, Outcome};
use gapvault::vault::{Code, NoProgress, Policy, SystemClock};

use super::forge::{copied, copy, manifest, names, put, put_file, read, resign, write};
use super::{Side, crossing, pair};
use crate::attacks::records::{framed, records};

/// The folder of what is known of another vault.
fn known(of: &Side, other: &Side) -> std::path::PathBuf {
    of.path("v/peers").join(other.vault().status().unwrap().vault.to_string())
}

/// Adds an entry to the log's tail that nobody signed for.
fn forge(side: &Side, event: Event, change: impl FnOnce(&mut Draft)) {
    let path = side.path("v/log/tail");
    let mut tail = records(&std::fs::read(&path).unwrap());
    let last = Entry::parse(tail.last().unwrap()).unwrap();
    let session = SessionId(SystemRandom::new().bytes16().unwrap());
    let now = gapvault::time::Clock::now(&SystemClock);
    let mut draft = Draft::new(event, Outcome::Ok, session, last.host(), last.zone(), &now);
    change(&mut draft);
    tail.push(draft.entry(last.seq() + 1).unwrap().to_bytes());
    std::fs::write(path, framed(&tail)).unwrap();
}

#[test]
fn files_of_other_vaults_that_are_edited_or_gone_are_noticed() {
    let (out, inside) = pair();
    let id = out.seal("a", b"a", Class::Important);
    let first = out.path("first");
    out.send("隔離庫", &[&id], &first);
    // A newer roster comes with the second one.
    out.join("陳美玲", Role::Officer, None);
    let second = out.path("second");
    out.send("隔離庫", &[&id], &second);
    inside.import(&first).unwrap();
    inside.import(&second).unwrap();
    let third = out.path("third");
    out.send("隔離庫", &[&id], &third);
    let folder = known(&inside, &out);
    let files = names(&folder);
    assert!(files.iter().any(|name| name.starts_with("roster-")), "{files:?}");
    // The policy is the one of the card, and is asked for there.
    for name in files.into_iter().filter(|name| !name.starts_with("policy-")) {
        let whole = read(&folder, &name);
        std::fs::remove_file(folder.join(&name)).unwrap();
        let code = inside.turns_away(&third);
        assert_eq!(code, Code::TruncatedPeer, "{name}");
        for at in [0, 30, whole.len() / 2, whole.len() - 2] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            write(&folder, &name, bytes);
            let code = inside.turns_away(&third);
            assert_eq!(code, Code::TamperedPeer, "{name} {at}");
        }
        write(&folder, &name, &whole[..whole.len() / 2]);
        assert_eq!(inside.turns_away(&third), Code::TamperedPeer, "{name}");
        write(&folder, &name, &whole);
    }
    // An older roster in the place of the newest, and another vault's card.
    let roster = names(&folder).into_iter().rfind(|name| name.starts_with("roster-")).unwrap();
    let whole = read(&folder, &roster);
    write(&folder, &roster, std::fs::read(out.path("v/roster/0001.note")).unwrap());
    assert_eq!(inside.turns_away(&third), Code::TamperedPeer);
    write(&folder, &roster, whole);
    // Files that no entry names change nothing.
    write(&folder, "roster-0099.note", b"junk");
    write(&folder, &format!("peer-{}.note", Digest([1; 32])), b"junk");
    inside.import(&third).unwrap();
}

#[test]
fn one_vault_that_is_damaged_does_not_hinder_the_others() {
    let (out, inside) = pair();
    let third = Side::new("第三庫", gapvault::label::Zone::Networked, Policy::for_one_person());
    inside.admit(&third);
    third.admit(&inside);
    let folder = known(&inside, &third);
    for name in names(&folder) {
        std::fs::remove_file(folder.join(name)).unwrap();
    }
    let id = inside.seal("a", b"a", Class::Important);
    inside.create("連網庫", &[&id]).unwrap();
    assert_eq!(inside.create("第三庫", &[&id]).unwrap_err().code(), Code::TruncatedPeer);
    let id = out.seal("a", b"a", Class::Important);
    let medium = out.path("medium");
    out.send("隔離庫", &[&id], &medium);
    inside.import(&medium).unwrap();
}

#[test]
fn notes_under_wrong_numbers_do_not_come_in() {
    let (out, inside) = pair();
    out.join("陳美玲", Role::Officer, None);
    let id = out.seal("a", b"a", Class::Important);
    let medium = out.path("medium");
    out.send("隔離庫", &[&id], &medium);
    let newest = out.roster().version;
    let roster = read(&medium, &format!("roster-{newest:04}"));
    let spoilt = copied(&medium, "spoilt");
    // The sender's own members could do this, and the channel would be lost with it.
    resign(&spoilt, &[&out.founder], |manifest| {
        super::forge::drop_file(&spoilt, manifest, &format!("roster-{newest:04}"));
        put_file(&spoilt, manifest, &format!("roster-{:04}", newest + 5), &roster);
    });
    assert_eq!(inside.finds(&spoilt), Code::BundleChain);
    let spoilt = copied(&medium, "spoilt");
    super::forge::resign_text(&spoilt, &[&out.founder], |text| {
        let line = text.lines().find(|line| line.contains(&format!(" roster-{newest:04} "))).unwrap();
        let (key, rest) = line.split_once(' ').unwrap();
        let at: u32 = key.strip_prefix("file.").unwrap().parse().unwrap();
        let doubled = rest.replacen(&format!("roster-{newest:04}"), &format!("roster-{newest:05}"), 1);
        let mut lines: Vec<String> = Vec::new();
        for old in text.lines() {
            let number = old.strip_prefix("file.").and_then(|rest| rest.split_once(' '));
            match number.map(|(digits, value)| (digits.parse::<u32>().unwrap(), value)) {
                Some((digits, value)) if digits >= at => {
                    if digits == at {
                        lines.push(format!("file.{at} {doubled}"));
                    }
                    lines.push(format!("file.{} {value}", digits + 1));
                }
                _ => lines.push(old.to_owned()),
            }
        }
        lines.join("\n") + "\n"
    });
    write(&spoilt, &format!("roster-{newest:05}"), &roster);
    assert_eq!(inside.finds(&spoilt), Code::BundleFormat);
    inside.import(&medium).unwrap();
    inside.sound();
}

#[test]
fn junk_where_a_roster_is_going_to_be_is_not_in_the_way() {
    let (out, inside) = pair();
    out.join("陳美玲", Role::Officer, None);
    let id = out.seal("a", b"a", Class::Important);
    let medium = out.path("medium");
    out.send("隔離庫", &[&id], &medium);
    let folder = known(&inside, &out);
    write(&folder, &format!("roster-{:04}.note", out.roster().version), b"junk");
    inside.import(&medium).unwrap();
    let next = out.path("next");
    out.send("隔離庫", &[&id], &next);
    inside.import(&next).unwrap();
    inside.sound();
}

#[test]
fn forged_entries_bring_nobody_back() {
    let (out, inside) = pair();
    let gone = out.join("離職", Role::Clerk, None);
    let id = out.seal("a", b"a", Class::Important);
    let medium = out.path("medium");
    let old = out.path("old");
    out.send("隔離庫", &[&id], &medium);
    inside.import(&medium).unwrap();
    let version = out.roster().version;
    let digest = roster_digest(&out, version);
    let made = out.vault().bundle_create(&gone, &super::wish("隔離庫", &[&id])).unwrap();
    out.vault().bundle_write(&gone, &made.bundle.to_string(), &old, &NoProgress).unwrap();
    out.send_away(&gone);
    let next = out.path("next");
    let kept = copied(&old, "kept");
    inside.import(&old).unwrap();
    let vault = out.vault().status().unwrap().vault;
    out.send("隔離庫", &[&id], &next);
    inside.import(&next).unwrap();
    // The roster in which the member still stands is said to be the newest one.
    forge(&inside, Event::PeerChange, |draft| {
        draft.object = Some(Object::vault(vault));
        draft.detail.code = "followed".parse().ok();
        draft.detail.note_sha256 = Some(digest);
        draft.detail.version = Some(version);
        draft.detail.to = Some(1);
    });
    let last = manifest(&next).core.link;
    resign(&kept, &[&gone], |manifest| {
        manifest.core.link.number = last.number + 1;
        manifest.core.previous = Some(last.digest());
        manifest.core.link.bundle.0[0] ^= 1;
    });
    assert_eq!(inside.finds(&kept), Code::BundleSignature);
}

/// The digest of a version of a vault's roster.
fn roster_digest(side: &Side, version: u64) -> Digest {
    let note = std::fs::read(side.path(&format!("v/roster/{version:04}.note"))).unwrap();
    gapvault::note::SignedNote::parse(&note).unwrap().digest()
}

#[test]
fn an_officers_note_is_for_one_time() {
    let (out, inside, medium, _) = crossing();
    let vault = out.vault().status().unwrap().vault;
    let folder = known(&inside, &out);
    let note = names(&folder).into_iter().find(|name| name.starts_with("peer-")).unwrap();
    let digest: Digest = note[5..note.len() - 5].parse().unwrap();
    inside.vault().peer_remove(&inside.founder, "連網庫").unwrap();
    for code in ["added", "reset-in", "reset-out"] {
        forge(&inside, Event::PeerChange, |draft| {
            draft.object = Some(Object::vault(vault));
            draft.detail.code = code.parse().ok();
            draft.detail.note_sha256 = Some(digest);
        });
        assert_eq!(inside.finds(&medium), Code::BundleUnknownSender);
        assert!(inside.vault().peer_list().unwrap().peers.is_empty());
    }
    // An officer can.
    inside.admit(&out);
    inside.import(&medium).unwrap();
}

#[test]
fn what_waits_in_quarantine_and_is_changed_does_not_come_in() {
    let (_out, inside, medium, id) = crossing();
    let bundle = inside.import_as(&inside.founder, &medium).unwrap().bundle.to_string();
    let folder = inside.path("v/quarantine").join(&bundle);
    let documents = || std::fs::read_dir(inside.path("v/documents")).map_or(0, |entries| entries.count());
    assert_eq!(names(&folder).len(), 4);
    for name in names(&folder) {
        let whole = read(&folder, &name);
        let spots = [0, 200, whole.len() / 2, whole.len() - 1];
        let mut spoilt: Vec<Option<Vec<u8>>> = vec![None, Some(whole[..whole.len() - 1].to_vec())];
        for at in spots {
            let mut bytes = whole.clone();
            bytes[at] ^= 1;
            // The header in front of a document is overwritten, and the one beside it counts.
            let overwritten = name.ends_with(".age") && at < 4096;
            // Signatures were asked when it came in; since then the log names the manifest's text.
            let signature = name == "manifest" && at == whole.len() - 1;
            if !overwritten && !signature {
                spoilt.push(Some(bytes));
            }
        }
        for bytes in spoilt {
            match &bytes {
                Some(bytes) => write(&folder, &name, bytes),
                None => std::fs::remove_file(folder.join(&name)).unwrap(),
            }
            let result = inside.vault().import_accept(&inside.founder, &bundle, None, &NoProgress);
            let code = result.expect_err(&name).code().as_str();
            let kinds = ["tampered.", "damaged.", "input.", "bundle.", "not-found.", "io."];
            assert!(kinds.iter().any(|kind| code.starts_with(kind)), "{name}: {code}");
            assert_eq!(documents(), 0, "{name}");
            write(&folder, &name, &whole);
        }
    }
    inside.vault().import_accept(&inside.founder, &bundle, None, &NoProgress).unwrap();
    assert_eq!(inside.opens(&id), b"secret text");
    inside.sound();
}

#[test]
fn what_waits_and_cannot_be_read_can_still_be_turned_away() {
    let (_out, inside, medium, _) = crossing();
    let bundle = inside.import_as(&inside.founder, &medium).unwrap().bundle.to_string();
    let folder = inside.path("v/quarantine").join(&bundle);
    for name in names(&folder) {
        write(&folder, &name, b"junk");
    }
    let report = inside.vault().import_reject(&inside.founder, &bundle, None).unwrap();
    assert_eq!((report.state.as_str(), report.attempt), ("rejected", 1));
    assert!(!folder.exists());
    inside.sound();
}

#[test]
fn an_outbox_that_was_changed_sends_nothing_that_comes_in() {
    let (out, inside) = pair();
    let id = out.seal("a", b"a", Class::Important);
    let made = out.create("隔離庫", &[&id]).unwrap();
    let medium = out.path("medium");
    out.write(&made.bundle.to_string(), &medium).unwrap();
    let outbox = out.path("v/outbox").join(made.bundle.to_string());
    let resend = |to: &std::path::Path| {
        let what = gapvault::vault::Resend::default();
        out.vault()
            .bundle_resend(&out.founder, &made.bundle.to_string(), to, &what, &NoProgress)
            .map(|_| ())
            .map_err(|error| error.code())
    };
    for (at, name) in ["core", "shards"].into_iter().enumerate() {
        let whole = read(&outbox, name);
        let mut bytes = whole.clone();
        let last = bytes.len() - 2;
        bytes[last] ^= 1;
        write(&outbox, name, bytes);
        let to = out.path(&format!("never{at}"));
        assert_eq!(resend(&to), Err(Code::TamperedStore), "{name}");
        assert!(!to.join("manifest").exists());
        write(&outbox, name, whole);
    }
    // A link to something of the person's own is not followed.
    std::fs::write(out.path("mine"), b"mine").unwrap();
    let body = read(&outbox, "body.age");
    std::fs::remove_file(outbox.join("body.age")).unwrap();
    std::os::unix::fs::symlink(out.path("mine"), outbox.join("body.age")).unwrap();
    let to = out.path("linked");
    assert!(resend(&to).is_err());
    assert!(!to.join("manifest").exists());
    std::fs::remove_file(outbox.join("body.age")).unwrap();
    write(&outbox, "body.age", &body);
    let whole = out.path("whole");
    resend(&whole).unwrap();
    inside.import(&whole).unwrap();
    assert_eq!(inside.opens(&id), b"a");
}

#[test]
fn two_copies_of_a_receiver_are_two_and_each_answers_for_itself() {
    let (out, inside, medium, _) = crossing();
    let twin = copied(&medium, "twin");
    copy(&inside.path("v"), &inside.path("other-v"));
    copy(&inside.path("state"), &inside.path("other-state"));
    inside.import(&medium).unwrap();
    put(&inside.path("other-v"), &inside.path("v"));
    put(&inside.path("other-state"), &inside.path("state"));
    inside.import(&twin).unwrap();
    out.vault().receipt_apply(&out.founder, &medium).unwrap();
    let error = out.vault().receipt_apply(&out.founder, &twin).unwrap_err();
    assert_eq!(error.code(), Code::BundleAnswered);
}
