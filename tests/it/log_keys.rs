//! The key that signs the log is replaced, by a command and by itself, and whoever trusted the first one follows to the newest.

use std::path::PathBuf;

use gapvault::audit::Quorum;
use gapvault::crypto::SigningKey;
use gapvault::evidence::proofs::{LogSource as _, Which};
use gapvault::evidence::{Evidence, Trust, VerifyWish, read_checkpoint};
use gapvault::label::Class;
use gapvault::log::keys::LogKey;
use gapvault::note::VerifierKey;
use gapvault::vault::{AuditShow, Code, NoProgress, Site, Vault};

use crate::attacks::scene::{copy, put};
use crate::evidence::{Exported, codes, files, verify};
use crate::verbs::{Place, sound};

/// The secrets in the host's state for the vault.
fn secrets(place: &Place) -> Vec<(String, Vec<u8>)> {
    let vaults = place.path("state").join("vaults");
    let state = std::fs::read_dir(vaults).unwrap().next().unwrap().unwrap().path();
    let mut found: Vec<_> = files(&state).into_iter().filter(|(name, _)| name.ends_with(".key")).collect();
    found.sort();
    found
}

/// How each change of the log's key went, and by whom.
fn changes(place: &Place) -> Vec<(String, Option<String>)> {
    let entries = place.vault().audit_show(&AuditShow::default()).unwrap().entries;
    let changes = entries.into_iter().filter(|entry| entry["event"] == "host.rekey");
    changes
        .map(|entry| {
            let by = entry["actor"]["id"].as_str().map(str::to_owned);
            (entry["outcome"].as_str().unwrap().to_owned(), by)
        })
        .collect()
}

/// A log that went on with other keys twice, and its evidence.
fn rekeyed_twice() -> (Exported, PathBuf) {
    let exported = Exported::new();
    let place = &exported.office.place;
    for _ in 0..2 {
        place.vault().host_rekey(&place.founder).unwrap();
        exported.grow();
    }
    let folder = exported.export("after");
    (exported, folder)
}

fn judged(folder: PathBuf, logs: &[VerifierKey]) -> Vec<Code> {
    let trust = Trust { vault: None, policy: Some(Quorum::of_logs(logs.to_vec())) };
    let wish = &mut VerifyWish { trust, ..VerifyWish::default() };
    codes(Evidence::open(&folder).and_then(|evidence| evidence.verify(wish)))
}

#[test]
fn a_log_key_is_replaced_and_every_one_before_is_destroyed() {
    let exported = Exported::new();
    let (office, place) = (&exported.office, &exported.office.place);
    let vault = place.vault();
    let first = secrets(place);
    assert_eq!(first[0].0, "log.key");
    let host = vault.audit_show(&AuditShow::default()).unwrap().entries[0]["host"].clone();
    for (at, name) in ["log-1.1.key", "log-1.2.key", "log-1.3.key"].iter().enumerate() {
        assert_eq!(vault.host_rekey(&place.founder).unwrap().state, "rekeyed");
        let now = secrets(place);
        assert_eq!((now.len(), now[0].0.as_str()), (1, *name));
        assert!(!now[0].1.starts_with(&first[0].1[..64]));
        assert_eq!(changes(place).len(), at + 1);
        office.document();
        sound(place);
    }
    // The host is still the one that the roster names.
    let entries = vault.audit_show(&AuditShow::default()).unwrap().entries;
    assert!(entries.iter().all(|entry| entry["host"] == host));
    let keys = exported.log_keys();
    assert_eq!(keys.len(), 4);
    assert_eq!(keys.iter().filter(|key| key.until().is_none()).count(), 1);
    // Everybody may ask, and only an officer gets it: both are in the log.
    let denied = vault.host_rekey(&office.cara).unwrap_err().code();
    assert_eq!(denied, Code::NoRole);
    assert_eq!(changes(place).last().unwrap(), &("denied".to_owned(), Some(office.cara.id().to_string())));
    sound(place);
}

#[test]
fn after_so_many_entries_the_key_is_replaced_by_itself() {
    let place = Place::new();
    let site = Site { key_entries: 10, ..place.site() };
    let vault = || Vault::at(site.clone(), &place.path("v")).unwrap();
    let source = place.write("a.txt", b"text");
    let size = || place.vault().audit_verify(&NoProgress).unwrap().size;
    let mut seen = Vec::new();
    while size() < 60 {
        vault().seal(&place.founder, &crate::verbs::sealing(&source, Class::Critical), &NoProgress).unwrap();
        seen.push((size(), changes(&place).len()));
    }
    // At the first opening after each ten.
    assert!(seen.iter().all(|(size, changes)| (*changes as u64).abs_diff(size / 11) <= 1), "{seen:?}");
    assert!(changes(&place).iter().all(|change| *change == ("ok".to_owned(), None)));
    assert_eq!(secrets(&place).len(), 1);
    sound(&place);
}

#[test]
fn whoever_trusts_any_of_the_keys_follows_to_all_of_them() {
    let (exported, folder) = rekeyed_twice();
    assert_eq!(codes(verify(&folder, exported.vault)), []);
    let keys = exported.keys();
    assert_eq!(keys.len(), 3);
    for key in &keys {
        assert_eq!(judged(folder.clone(), std::slice::from_ref(key)), []);
    }
    let stranger = VerifierKey::new(keys[0].name(), SigningKey::from_seed([9; 32]).public()).unwrap();
    assert!(judged(folder, &[stranger]).contains(&Code::TamperedCheckpoint));
}

#[test]
fn evidence_without_or_with_another_proof_of_a_key_is_refused() {
    let (exported, folder) = rekeyed_twice();
    let good = files(&folder);
    let proofs: Vec<&String> = good.keys().filter(|name| name.starts_with("log-keys/")).collect();
    assert_eq!(proofs, ["log-keys/0001.tlog-proof", "log-keys/0002.tlog-proof"]);
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).unwrap();
    let judge = || codes(verify(&folder, exported.vault));
    for name in &proofs {
        std::fs::remove_file(folder.join(name)).unwrap();
        let found = judge();
        // Without the first the second is a file that nobody declared, and nobody vouches for the newest checkpoint.
        assert!(found.contains(&Code::TamperedCheckpoint), "{name}: {found:?}");
        put(name, &good[*name]);
        for at in (0..good[*name].len()).step_by(7) {
            let mut other = good[*name].clone();
            other[at] ^= 1;
            put(name, &other);
            assert_ne!(judge(), [], "{name} at {at}");
        }
        put(name, &good[*name]);
    }
    put(proofs[0], &good[proofs[1]]);
    assert_eq!(judge(), [Code::TamperedLogKey]);
    put(proofs[0], &good[proofs[0]]);
    put("log-keys/0003.tlog-proof", &good[proofs[1]]);
    assert_eq!(judge(), [Code::TamperedLogKey]);
    std::fs::remove_file(folder.join("log-keys/0003.tlog-proof")).unwrap();
    assert_eq!(judge(), []);
}

#[test]
fn a_key_that_was_handed_over_signs_no_more() {
    let exported = Exported::new();
    let place = &exported.office.place;
    let old = secrets(place).remove(0).1;
    let old = SigningKey::from_seed(unhex(&old));
    place.vault().host_rekey(&place.founder).unwrap();
    let handed = place.vault().audit_checkpoint().unwrap().note;
    exported.grow();
    // Somebody who copied the state before goes on with the old key: the checkpoint is right, and not that key's to sign.
    let note = place.vault().audit_checkpoint().unwrap().note;
    let text = note.split("\n\n").next().unwrap().to_owned() + "\n";
    let checkpoint = gapvault::log::checkpoint::Checkpoint::parse_text(&text).unwrap();
    let forged = checkpoint.sign(&old, None).unwrap().print();
    let keys = exported.log_keys();
    assert!(
        read_checkpoint(note.as_bytes(), &keys).is_ok() && read_checkpoint(handed.as_bytes(), &keys).is_ok()
    );
    let told = read_checkpoint(forged.as_bytes(), &keys).unwrap_err().code();
    assert_eq!(told, Code::TamperedCheckpoint);
    let first: Vec<LogKey> = keys.iter().filter(|key| key.begins() == 0).cloned().collect();
    assert_eq!(read_checkpoint(forged.as_bytes(), &first).unwrap_err().code(), Code::TamperedCheckpoint);
}

fn unhex(text: &[u8]) -> [u8; 32] {
    let digits = std::str::from_utf8(&text[..64]).unwrap();
    std::array::from_fn(|at| u8::from_str_radix(&digits[2 * at..2 * at + 2], 16).unwrap())
}

#[test]
fn a_state_from_before_the_change_is_an_older_state() {
    let exported = Exported::new();
    let place = &exported.office.place;
    let (state, kept) = (place.path("state"), place.path("kept"));
    copy(&state, &kept);
    place.vault().host_rekey(&place.founder).unwrap();
    put(&kept, &state);
    assert_eq!(place.vault().status().unwrap_err().code(), Code::TruncatedState);
    let report = place.vault().audit_verify(&NoProgress);
    assert!(report.is_ok(), "{report:?}");
}

#[test]
fn rebuild_makes_the_proofs_anew() {
    let exported = Exported::new();
    let place = &exported.office.place;
    for _ in 0..3 {
        place.vault().host_rekey(&place.founder).unwrap();
    }
    exported.grow();
    let folder = place.path("v").join("log-keys");
    let good = files(&folder);
    assert_eq!(place.vault().rebuild(None, &NoProgress).unwrap().log_keys, 0);
    std::fs::remove_dir_all(&folder).unwrap();
    assert_eq!(codes(place.vault().audit_verify(&NoProgress))[0], Code::TamperedLogKey);
    assert_eq!(place.vault().status().unwrap_err().code(), Code::TamperedLogKey);
    assert_eq!(place.vault().rebuild(None, &NoProgress).unwrap().log_keys, 3);
    assert_eq!(files(&folder), good);
    sound(place);
    // What does not hold is named, and goes.
    std::fs::write(folder.join("0004.tlog-proof"), b"junk").unwrap();
    assert_eq!(codes(place.vault().audit_verify(&NoProgress)), [Code::TamperedLogKey]);
    // So is whatever else lies there.
    std::fs::remove_file(folder.join("0004.tlog-proof")).unwrap();
    std::fs::create_dir(folder.join("0004.tlog-proof")).unwrap();
    assert_eq!(codes(place.vault().audit_verify(&NoProgress)), [Code::TamperedLogKey]);
    place.vault().status().unwrap();
    assert_eq!(place.vault().host_rekey(&place.founder).unwrap_err().code(), Code::TamperedLogKey);
    std::fs::remove_dir(folder.join("0004.tlog-proof")).unwrap();
    std::fs::write(folder.join("0002.tlog-proof"), b"junk").unwrap();
    assert_eq!(place.vault().rebuild(None, &NoProgress).unwrap().log_keys, 1);
    assert_eq!(files(&folder), good);
    sound(place);
}

#[test]
fn a_second_host_and_a_later_epoch_have_keys_of_their_own() {
    let exported = Exported::new();
    let place = &exported.office.place;
    place.vault().host_rekey(&place.founder).unwrap();
    let second = Vault::at(crate::verbs::site_with(&place.path("state2")), &place.path("v")).unwrap();
    second.host_trust(&mut |_| Ok(())).unwrap();
    second.host_enrol(&place.founder).unwrap();
    second.host_rekey(&place.founder).unwrap();
    place.vault().host_rekey(&place.founder).unwrap();
    exported.grow();
    sound(place);
    assert_eq!(exported.log_keys().len(), 5);
    assert_eq!(codes(verify(&exported.export("both"), exported.vault)), []);
    // A third one goes on after a loss, with a tree of its own: no key that was handed over signs in it.
    let third = Vault::at(crate::verbs::site_with(&place.path("state3")), &place.path("v")).unwrap();
    third.host_resume(&place.founder, "主機毀損", &mut |_| Ok(())).unwrap();
    third.host_rekey(&place.founder).unwrap();
    assert_eq!(third.audit_log(Which::Newest).unwrap().keys().len(), 2);
    let folder = place.path("third");
    third.audit_export(&folder, &NoProgress).unwrap();
    assert_eq!(codes(verify(&folder, exported.vault)), []);
    assert_eq!(codes(third.audit_verify(&NoProgress)), []);
}
