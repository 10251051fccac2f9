//! The failing disk does what it says, and the helpers of the store outlive it.

use std::fs;
use std::io::Write as _;
use std::path::Path;

use gapvault::store::disk::{Disk, write_durably, write_many_durably};

use super::child;
use super::disk::{Fault, FaultDisk, Mode};
use super::undo::Lost;

/// Every way in which a process or a machine stops.
pub(crate) const STOPS: [Mode; 5] = [
    Mode::Die,
    Mode::Tear,
    Mode::PowerLoss(Lost::All),
    Mode::PowerLoss(Lost::Contents),
    Mode::PowerLoss(Lost::Names),
];

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn text(path: &Path) -> String {
    String::from_utf8(fs::read(path).unwrap()).unwrap()
}

fn put(disk: &dyn Disk, path: &Path, text: &str) {
    disk.open_write(path).unwrap().put(text.as_bytes()).unwrap();
}

/// One file or name for each thing that can be synced or not, and then the power goes.
#[test]
#[ignore = "a scenario for a process of its own"]
fn some_synced_and_some_not() {
    let Some(given) = child::given() else { return };
    let (folder, disk) = (&given.folder, &given.disk);
    let at = |name: &str| folder.join(name);
    disk.create_dir(&at("kept")).unwrap();
    disk.sync_dir(folder).unwrap();
    let mut named = disk.create_new(&at("kept/named")).unwrap();
    named.put(b"lost").unwrap();
    disk.create_new(&at("kept/moves")).unwrap();
    disk.sync_dir(&at("kept")).unwrap();
    disk.rename(&at("kept/moves"), &at("moves-here")).unwrap();
    disk.rename(&at("from-here"), &at("kept/to-here")).unwrap();
    disk.sync_dir(&at("kept")).unwrap();

    put(disk, &at("changed"), "NEW");
    put(disk, &at("synced"), "NEW");
    disk.open_write(&at("synced")).unwrap().sync_data().unwrap();
    put(disk, &at("synced"), "LATER");
    disk.rename(&at("moved"), &at("moved-to")).unwrap();
    disk.rename(&at("over"), &at("replaced")).unwrap();
    disk.remove_file(&at("removed")).unwrap();
    disk.remove_dir(&at("empty")).unwrap();
    disk.create_dir(&at("made")).unwrap();
    disk.create_new(&at("made/inside")).unwrap().sync_data().unwrap();
    disk.rename(&at("folder"), &at("folder-moved")).unwrap();
    disk.create_new(&at("folder-moved/new")).unwrap();
    let mut appended = disk.append(&at("appended")).unwrap();
    appended.put(b" and more").unwrap();
    appended.sync_data().unwrap();
    appended.put(b" and lost").unwrap();
    assert!(!disk.is_all_synced());
}

fn some_files(folder: &Path) {
    for name in ["changed", "synced", "moved", "over", "replaced", "removed", "appended", "from-here"] {
        fs::write(folder.join(name), name).unwrap();
    }
    fs::create_dir(folder.join("empty")).unwrap();
    fs::create_dir(folder.join("folder")).unwrap();
    fs::write(folder.join("folder/file"), "file").unwrap();
}

fn left_by(lost: Lost) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    some_files(folder.path());
    let end = child::run(some_synced_and_some_not, folder.path(), Some(never(Mode::PowerLoss(lost))));
    assert!(end.finished);
    folder
}

/// A fault that comes when the scenario asks for it.
fn never(mode: Mode) -> Fault {
    Fault { mode, at: u64::MAX }
}

#[test]
fn a_power_loss_takes_what_was_not_synced_and_nothing_else() {
    let folder = left_by(Lost::All);
    let at = |name: &str| folder.path().join(name);
    for same in ["changed", "moved", "over", "replaced", "removed", "from-here"] {
        assert_eq!(text(&at(same)), same);
    }
    assert_eq!(text(&at("synced")), "NEWced");
    assert_eq!(text(&at("appended")), "appended and more");
    assert_eq!(text(&at("kept/named")), "");
    assert_eq!(text(&at("kept/to-here")), "from-here");
    assert_eq!(names(&at("kept")), ["named", "to-here"]);
    assert_eq!(names(&at("folder")), ["file"]);
    assert!(at("empty").is_dir());
    for gone in ["moved-to", "made", "moves-here", "folder-moved"] {
        assert!(!at(gone).exists(), "{gone}");
    }
}

#[test]
fn names_and_contents_can_be_lost_apart() {
    let folder = left_by(Lost::Contents);
    let at = |name: &str| folder.path().join(name);
    assert_eq!(text(&at("changed")), "changed");
    assert_eq!(text(&at("replaced")), "over");
    assert_eq!(names(&at("folder-moved")), ["file", "new"]);
    assert!(at("moved-to").exists() && at("made/inside").exists() && !at("removed").exists());

    let folder = left_by(Lost::Names);
    let at = |name: &str| folder.path().join(name);
    assert_eq!(text(&at("changed")), "NEWnged");
    assert_eq!(text(&at("appended")), "appended and more and lost");
    assert_eq!(text(&at("replaced")), "replaced");
    assert_eq!(text(&at("kept/named")), "lost");
    assert!(!at("made").exists() && at("removed").exists());
}

#[test]
fn a_kill_takes_nothing_of_what_was_done() {
    let folder = tempfile::tempdir().unwrap();
    some_files(folder.path());
    let end = child::run(some_synced_and_some_not, folder.path(), Some(never(Mode::Die)));
    assert!(end.finished);
    let at = |name: &str| folder.path().join(name);
    assert_eq!(text(&at("synced")), "LATERd");
    assert!(at("made/inside").exists() && at("moved-to").exists() && !at("removed").exists());
}

#[test]
#[ignore = "a scenario for a process of its own"]
fn everything_synced_at_once() {
    let Some(given) = child::given() else { return };
    let (folder, disk) = (&given.folder, &given.disk);
    disk.create_dir(&folder.join("a")).unwrap();
    let mut file = disk.create_new(&folder.join("a/b")).unwrap();
    file.put(b"kept").unwrap();
    disk.sync_filesystem(folder).unwrap();
    assert!(disk.is_all_synced());
}

#[test]
fn a_sync_of_the_file_system_keeps_everything() {
    let folder = tempfile::tempdir().unwrap();
    let loss = never(Mode::PowerLoss(Lost::All));
    assert!(child::run(everything_synced_at_once, folder.path(), Some(loss)).finished);
    assert_eq!(text(&folder.path().join("a/b")), "kept");
}

#[test]
fn a_torn_write_is_half_done() {
    let folder = tempfile::tempdir().unwrap();
    some_files(folder.path());
    // The calls before the first write: a folder, its sync, a file.
    let end = child::run(some_synced_and_some_not, folder.path(), Some(Fault { mode: Mode::Tear, at: 4 }));
    assert!(!end.finished);
    assert_eq!(text(&folder.path().join("kept/named")), "lo");
}

#[test]
fn a_full_disk_takes_half_of_a_write_and_still_lets_files_be_removed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    for (for_good, later) in [(false, true), (true, false)] {
        let disk = FaultDisk::new(Some(Fault { mode: Mode::Full(for_good), at: 2 }));
        let mut file = disk.create_new(&path).unwrap();
        assert!(file.put(b"1234").unwrap_err().is_full());
        assert!(disk.has_struck());
        assert_eq!(text(&path), "12");
        assert_eq!(file.put(b"56").is_ok(), later);
        assert_eq!(file.write(b"78").is_ok(), later);
        assert_eq!(disk.create_dir(&folder.path().join("d")).is_ok(), later);
        assert_eq!(disk.mark("index").is_ok(), later);
        assert_eq!(disk.calls(), 6);
        disk.remove_file(&path).unwrap();
    }
}

#[test]
fn a_broken_disk_refuses_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, "old").unwrap();
    for at in 1..=3 {
        let disk = FaultDisk::new(Some(Fault { mode: Mode::Broken(true), at }));
        let mut file = disk.open_write(&path).unwrap();
        assert_eq!(file.put(b"old").is_ok(), at > 1);
        assert_eq!(disk.remove_file(&folder.path().join("none")).unwrap_err().is_not_found(), at > 2);
        assert!(disk.rename(&path, &folder.path().join("b")).is_err());
        assert_eq!(text(&path), "old");
    }
}

#[test]
fn a_failed_sync_forgets_what_it_was_for() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let fails = |at| FaultDisk::new(Some(Fault { mode: Mode::SyncFails, at }));

    let disk = fails(1);
    let mut file = disk.create_new(&at("a")).unwrap();
    file.put(b"text").unwrap();
    assert!(file.sync_data().is_err());
    assert_eq!(text(&at("a")), "");
    // The second sync succeeds and saves nothing, as on Linux.
    file.sync_data().unwrap();
    assert_eq!(text(&at("a")), "");

    let disk = fails(1);
    disk.rename(&at("a"), &at("b")).unwrap();
    assert!(disk.sync_dir(folder.path()).is_err());
    assert_eq!(names(folder.path()), ["a"]);

    let disk = fails(2);
    disk.sync_dir(folder.path()).unwrap();
    disk.remove_file(&at("a")).unwrap();
    assert!(disk.sync_filesystem(folder.path()).is_err());
    assert_eq!(names(folder.path()), ["a"]);
}

// The helpers of the store.

#[test]
#[ignore = "a scenario for a process of its own"]
fn one_file_is_replaced() {
    let Some(given) = child::given() else { return };
    write_durably(&given.disk, &given.folder.join("a/file"), b"the new content").unwrap();
    given.tell("written");
}

/// What `write_durably` would be without its syncs, to see that the failing disk notices.
#[test]
#[ignore = "a scenario for a process of its own"]
fn one_file_is_replaced_carelessly() {
    let Some(given) = child::given() else { return };
    let (new, path) = (given.folder.join("a/new"), given.folder.join("a/file"));
    given.disk.create_new(&new).unwrap().put(b"the new content").unwrap();
    given.disk.rename(&new, &path).unwrap();
    given.disk.sync_dir(&given.folder.join("a")).unwrap();
    given.tell("written");
}

fn an_old_file(folder: &Path) {
    fs::create_dir(folder.join("a")).unwrap();
    fs::write(folder.join("a/file"), "the old content").unwrap();
}

#[test]
fn a_file_is_replaced_as_a_whole_or_not_at_all() {
    for mode in STOPS {
        let struck = child::at_every_call(one_file_is_replaced, mode, an_old_file, |folder, at, end| {
            let found = text(&folder.join("a/file"));
            let new = found == "the new content";
            assert!(new || (found == "the old content" && end.told.is_empty()), "{mode:?} {at}: {found}");
        });
        assert_eq!(struck, 5, "create, write, sync, rename, sync of the folder");
    }
    let folder = tempfile::tempdir().unwrap();
    an_old_file(folder.path());
    let loss = never(Mode::PowerLoss(Lost::All));
    let end = child::run(one_file_is_replaced_carelessly, folder.path(), Some(loss));
    assert!(end.finished && end.told == ["written"]);
    assert_eq!(text(&folder.path().join("a/file")), "");
}

#[test]
#[ignore = "a scenario for a process of its own"]
fn twenty_files_are_written() {
    let Some(given) = child::given() else { return };
    let files: Vec<_> = (0..20)
        .map(|number| {
            (given.folder.join(format!("d{}/f{number}", number % 3)), format!("new {number}").into_bytes())
        })
        .collect();
    write_many_durably(&given.disk, &files).unwrap();
    given.tell("written");
}

#[test]
fn many_files_are_whole_or_absent() {
    for mode in STOPS {
        child::at_every_call(
            twenty_files_are_written,
            mode,
            |_| (),
            |folder, at, end| {
                for number in 0..20 {
                    let path = folder.join(format!("d{}/f{number}", number % 3));
                    match fs::read_to_string(&path) {
                        Ok(found) => assert_eq!(found, format!("new {number}"), "{mode:?} {at}"),
                        Err(_) => assert!(end.told.is_empty(), "{mode:?} {at}: {number} is missing"),
                    }
                }
            },
        );
    }
}

#[test]
fn a_refused_write_leaves_the_old_content() {
    for mode in
        [Mode::Full(false), Mode::Full(true), Mode::Broken(false), Mode::Broken(true), Mode::SyncFails]
    {
        for at in 1.. {
            let folder = tempfile::tempdir().unwrap();
            an_old_file(folder.path());
            let path = folder.path().join("a/file");
            let disk = FaultDisk::new(Some(Fault { mode, at }));
            let written = write_durably(&disk, &path, b"the new content");
            if !disk.has_struck() {
                assert!(written.is_ok());
                break;
            }
            assert!(written.is_err(), "{mode:?} {at}");
            let whole = ["the old content", "the new content"].contains(&text(&path).as_str());
            assert!(whole, "{mode:?} {at}: {}", text(&path));
            // What is left over does not stand in the way of the next attempt.
            write_durably(&FaultDisk::default(), &path, b"the next content").unwrap();
            assert_eq!(names(&folder.path().join("a")), ["file"]);
        }
    }
}
