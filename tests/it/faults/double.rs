//! The double itself: it counts, it strikes once where it should, and it forgets what was not synced and no more.

use std::path::Path;

use gapvault::store::disk::{Disk as _, write_durably};

use super::child::Acks;
use super::disk::{FaultDisk, Mode};

fn disk(folder: &Path, mode: Mode, at: u64) -> FaultDisk {
    FaultDisk::new(mode, at, folder.join("attic"))
}

fn text(path: &Path) -> Option<String> {
    std::fs::read_to_string(path).ok()
}

/// What the process of its own does: `f` is put at its place in seven calls, then `g` at its own.
pub(super) fn scenario(folder: &Path, mode: Mode, at: u64) {
    let disk = disk(folder, mode, at);
    for name in ["f", "g"] {
        if write_durably(&disk, &folder.join(name), b"new text").is_ok() {
            Acks::open(&folder.join("acks")).say(name);
        }
    }
}

/// Calls of one durable write: create, put, sync, rename, sync of the folder.
const CALLS: u64 = 5;

#[test]
fn a_kill_and_a_power_loss_strike_where_they_should() {
    for mode in [Mode::Kill, Mode::PowerLoss] {
        for at in 1..=2 * CALLS {
            let folder = tempfile::tempdir().unwrap();
            let path = |name: &str| folder.path().join(name);
            std::fs::write(path("f"), "old").unwrap();
            assert!(super::killed("double", mode, at, folder.path()), "{mode:?} {at}");
            let acks = text(&path("acks")).unwrap_or_default();
            assert_eq!(acks, if at > CALLS { "f\n" } else { "" });
            // The rename is call 4; the call that is struck does not happen, and without call 5 it is not safe.
            let moved = if mode == Mode::Kill { 4 } else { 5 };
            let f = if at > moved { "new text" } else { "old" };
            assert_eq!(text(&path("f")).unwrap(), f, "{mode:?} {at}");
            assert_eq!(path("g").exists(), at > CALLS + moved, "{mode:?} {at}");
            let half = (mode == Mode::Kill && at == 2).then(|| "new ".to_owned());
            if at <= 2 {
                let left = text(&path("f.new")).filter(|left| !left.is_empty());
                assert_eq!(left, half, "{mode:?} {at}");
            }
        }
        let folder = tempfile::tempdir().unwrap();
        assert!(!super::killed("double", mode, 2 * CALLS + 1, folder.path()));
    }
}

#[test]
fn what_was_synced_stays_and_the_rest_is_forgotten_newest_first() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("log"), "1").unwrap();
    std::fs::write(path("gone"), "kept").unwrap();
    std::fs::write(path("slot"), "older").unwrap();
    let disk = disk(folder.path(), Mode::PowerLoss, u64::MAX);
    let mut log = disk.append(&path("log")).unwrap();
    log.put(b"2").unwrap();
    log.sync_data().unwrap();
    log.put(b"3").unwrap();
    let mut slot = disk.open_write(&path("slot")).unwrap();
    slot.put(b"new").unwrap();
    slot.set_size(3).unwrap();
    disk.remove_file(&path("gone")).unwrap();
    disk.create_dir(&path("dir")).unwrap();
    disk.create_new(&path("dir").join("inside")).unwrap().put(b"x").unwrap();
    disk.sync_dir(&path("dir")).unwrap();
    disk.rename(&path("log"), &path("moved")).unwrap();
    assert_eq!(text(&path("moved")).as_deref(), Some("123"));
    disk.lose();
    assert_eq!(text(&path("log")).as_deref(), Some("12"));
    assert_eq!(text(&path("slot")).as_deref(), Some("older"));
    assert_eq!(text(&path("gone")).as_deref(), Some("kept"));
    assert!(!path("dir").exists() && !path("moved").exists());
}

#[test]
fn a_sync_of_everything_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("dir");
    let disk = disk(folder.path(), Mode::PowerLoss, u64::MAX);
    disk.create_dir(&path).unwrap();
    disk.create_new(&path.join("f")).unwrap().put(b"text").unwrap();
    disk.sync_filesystem(folder.path()).unwrap();
    disk.lose();
    assert_eq!(text(&path.join("f")).as_deref(), Some("text"));
}

#[test]
fn names_can_be_on_the_disk_before_contents() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    let disk = disk(folder.path(), Mode::ContentLoss, u64::MAX);
    disk.create_new(&path).unwrap().put(b"text").unwrap();
    disk.lose();
    assert_eq!(text(&path).as_deref(), Some(""));
}

#[test]
fn a_full_disk_writes_half_and_still_removes_and_a_broken_one_does_nothing() {
    for (mode, left, removes) in [(Mode::Full, "te", true), (Mode::Broken, "", false)] {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("f");
        let disk = disk(folder.path(), mode, 2);
        let mut file = disk.create_new(&path).unwrap();
        let error = file.put(b"text").unwrap_err();
        assert_eq!(error.is_full(), mode == Mode::Full);
        assert_eq!(text(&path).as_deref(), Some(left));
        assert!(disk.create_new(&folder.path().join("g")).is_err());
        assert!(disk.mark("index").is_err() && disk.fired());
        assert_eq!(disk.remove_file(&path).is_ok(), removes);
    }
}

#[test]
fn what_a_failed_sync_was_for_is_lost_however_often_it_is_tried_again() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("f");
    std::fs::write(&path, "1").unwrap();
    let disk = disk(folder.path(), Mode::SyncFails, 1);
    let mut file = disk.append(&path).unwrap();
    file.put(b"22").unwrap();
    assert!(file.sync_data().is_err() && disk.fired());
    file.sync_data().unwrap();
    file.put(b"3").unwrap();
    file.sync_data().unwrap();
    assert_eq!(text(&path).as_deref(), Some("1223"));
    disk.lose();
    assert_eq!(text(&path).as_deref(), Some("1\x00\x003"));

    // Unless it is written again.
    let disk = self::disk(folder.path(), Mode::SyncFails, 1);
    let mut file = disk.open_write(&path).unwrap();
    file.put(b"abcd").unwrap();
    assert!(file.sync_data().is_err());
    let mut again = disk.open_write(&path).unwrap();
    again.put(b"ABCD").unwrap();
    again.sync_data().unwrap();
    disk.lose();
    assert_eq!(text(&path).as_deref(), Some("ABCD"));
}
