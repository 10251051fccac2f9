//! Older and other copies of the vault, of the host's state, and of their parts, put in the place of the present ones.

use std::path::PathBuf;

use gapvault::vault::{Code, NoProgress};

use super::scene::{Scene, copy, place, put, refuse};

/// A vault and its host's state, aside.
struct Copy {
    vault: PathBuf,
    state: PathBuf,
}

impl Copy {
    fn of(scene: &Scene, name: &str) -> Self {
        let aside = |part: &str| scene.place.path(&format!("{name}-{part}"));
        let made = Self { vault: aside("v"), state: aside("state") };
        copy(&scene.place.path("v"), &made.vault);
        copy(&scene.place.path("state"), &made.state);
        made
    }

    fn put_vault(&self, scene: &Scene) {
        put(&self.vault, &scene.place.path("v"));
    }

    fn put_state(&self, scene: &Scene) {
        put(&self.state, &scene.place.path("state"));
    }

    fn put_part(&self, scene: &Scene, part: &str) {
        put(&self.vault.join(part), &scene.at(part));
    }
}

#[test]
fn an_older_copy_of_the_whole_vault_is_known_as_one() {
    let scene = Scene::new(5);
    let old = Copy::of(&scene, "old");
    refuse(&scene.place, 3);
    let new = Copy::of(&scene, "new");
    old.put_vault(&scene);
    assert_eq!(scene.refusal(), Some(Code::TruncatedLog));
    assert_eq!(scene.audit().codes, [Code::TruncatedLog]);
    // Read-only, and as it was found.
    assert_eq!(scene.files(&["log"]).len(), 2);
    let denied = scene.place.open(&scene.place.founder, &scene.id, &scene.place.path("out"));
    assert_eq!(denied.unwrap_err().code(), Code::TruncatedLog);
    assert!(!scene.place.path("out").exists());
    new.put_vault(&scene);
    assert_eq!(scene.refusal(), None);
}

#[test]
fn the_log_rolled_back_to_a_genuine_checkpoint_after_a_release_is_noticed() {
    let scene = Scene::new(5);
    let old = Copy::of(&scene, "old");
    scene.place.open(&scene.place.founder, &scene.id, &scene.place.path("out")).unwrap();
    let new = Copy::of(&scene, "new");
    for parts in [&["log"][..], &["log", "sled"]] {
        for part in parts {
            old.put_part(&scene, part);
        }
        assert_eq!(scene.refusal(), Some(Code::TruncatedLog), "{parts:?}");
        assert!(scene.audit().has(Code::TruncatedLog), "{parts:?}");
        new.put_vault(&scene);
    }
    assert!(scene.verify().is_ok());
}

#[test]
fn two_copies_continued_apart_convict_each_other() {
    let scene = Scene::new(5);
    let old = Copy::of(&scene, "old");
    refuse(&scene.place, 2);
    let ours = Copy::of(&scene, "ours");
    // The other copy goes on with the state that it had then.
    old.put_vault(&scene);
    old.put_state(&scene);
    refuse(&scene.place, 3);
    let theirs = Copy::of(&scene, "theirs");
    assert!(scene.verify().is_ok());

    ours.put_state(&scene);
    assert_eq!(scene.refusal(), Some(Code::Forked));
    let report = scene.vault().audit_verify(&NoProgress).unwrap();
    assert_eq!((report.verdict.as_str(), report.notes.len()), ("forked", 2));
    assert!(report.notes.iter().all(|note| note.matches("\n\u{2014} ").count() >= 1), "{:?}", report.notes);
    assert_ne!(report.notes[0], report.notes[1]);

    ours.put_vault(&scene);
    theirs.put_state(&scene);
    // This one is shorter than what the other host signed: its missing entries are told first.
    assert_eq!(scene.refusal(), Some(Code::TruncatedLog));
    ours.put_state(&scene);
    assert!(scene.verify().is_ok());
}

#[test]
fn another_vault_of_the_same_name_is_another_vault() {
    let (scene, stranger) = (Scene::new(5), Scene::new(5));
    put(&stranger.place.path("v"), &scene.place.path("v"));
    assert_eq!(scene.refusal(), Some(Code::VaultReplaced));
    assert_eq!(scene.audit().codes, [Code::VaultReplaced]);
    assert_eq!(scene.verify().codes, [Code::VaultReplaced]);
}

#[test]
fn a_state_that_is_older_or_lost_or_of_another_place_is_not_believed() {
    let scene = Scene::new(5);
    let old = Copy::of(&scene, "old");
    refuse(&scene.place, 1);
    let new = Copy::of(&scene, "new");
    old.put_state(&scene);
    assert_eq!(scene.refusal(), Some(Code::TruncatedState));
    std::fs::remove_dir_all(scene.place.path("state")).unwrap();
    assert_eq!(scene.refusal(), Some(Code::UnknownVault));
    assert_eq!(scene.audit().verdict, "unverifiable");
    let elsewhere = place();
    put(&elsewhere.path("state"), &scene.place.path("state"));
    assert_eq!(scene.refusal(), Some(Code::UnknownVault));
    new.put_state(&scene);
    assert!(scene.verify().is_ok());
}

#[test]
fn a_damaged_state_is_told_or_its_other_half_stands_in() {
    let scene = Scene::new(5);
    let new = Copy::of(&scene, "new");
    let folder = std::fs::read_dir(scene.place.path("state/vaults")).unwrap().next().unwrap().unwrap().path();
    for slot in ["slot-a", "slot-b"] {
        let bytes = std::fs::read(folder.join(slot)).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            std::fs::write(folder.join(slot), changed).unwrap();
            let refusal = scene.refusal();
            // One slot of the two is older by one step: then the log is further than the state knows.
            let fits = matches!(refusal, None | Some(Code::TruncatedState | Code::DamagedState));
            assert!(fits, "{slot} {at} {refusal:?}");
        }
        std::fs::write(folder.join(slot), bytes).unwrap();
    }
    for slot in ["slot-a", "slot-b"] {
        std::fs::write(folder.join(slot), b"neither").unwrap();
    }
    assert_eq!(scene.refusal(), Some(Code::DamagedState));
    new.put_state(&scene);
    assert!(scene.verify().is_ok());
}

#[test]
fn each_part_that_is_gone_is_missed_by_its_name() {
    let scene = Scene::new(5);
    let new = Copy::of(&scene, "new");
    for (part, code) in [
        ("sled", Code::MissingIndex),
        ("log", Code::TruncatedLog),
        ("log/tail", Code::TruncatedLog),
        ("roster", Code::TruncatedRoster),
        ("vault.toml", Code::NoVault),
    ] {
        let path = scene.at(part);
        if path.is_dir() { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) }.unwrap();
        assert_eq!(scene.refusal(), Some(code), "{part}");
        assert!(scene.verify().has(code), "{part}");
        new.put_vault(&scene);
    }
    // The newest checkpoint stands outside; the file is written again, and the log says that it was.
    std::fs::remove_file(scene.at("log/checkpoints")).unwrap();
    assert!(scene.audit().has(Code::DamagedCheckpoints));
    let size = scene.size();
    assert_eq!(scene.refusal(), None);
    assert_eq!(scene.size(), size + 1);
    assert!(scene.verify().is_ok());
}
