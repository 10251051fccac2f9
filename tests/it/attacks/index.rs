//! The live index, changed behind our back with its own library so that all is consistent inside it.

use gapvault::vault::{Code, NoProgress};

use super::scene::{Scene, copy, put, refuse};

fn open(scene: &Scene) -> sled::Db {
    settled(scene);
    sled::Config::new().path(scene.at("sled")).segment_size(256 * 1024).open().unwrap()
}

/// Dropping a database does not wait for its threads to let go of the file.
fn settled(scene: &Scene) {
    while std::fs::File::open(scene.at("sled/db")).unwrap().try_lock().is_err() {
        std::thread::yield_now();
    }
}

/// Changes the index and closes it again.
fn edit(scene: &Scene, change: impl FnOnce(&sled::Db)) {
    let db = open(scene);
    change(&db);
    db.flush().unwrap();
    drop(db);
    settled(scene);
}

fn keys(db: &sled::Db, prefix: u8) -> Vec<sled::IVec> {
    db.scan_prefix([prefix]).keys().map(Result::unwrap).collect()
}

/// Changes the entries, which stand in one block.
fn entries(db: &sled::Db, change: impl FnOnce(&mut Vec<Vec<u8>>)) {
    let key = keys(db, b'e').pop().unwrap();
    let mut entries = super::records::records(&db.get(&key).unwrap().unwrap());
    change(&mut entries);
    db.insert(key, super::records::framed(&entries)).unwrap();
}

fn open_document(scene: &Scene) -> Result<Vec<u8>, Code> {
    let out = scene.place.path("out");
    let _ = std::fs::remove_file(&out);
    let opened = scene.place.open(&scene.place.founder, &scene.id, &out).map_err(|error| error.code());
    assert_eq!(opened.is_ok(), out.exists());
    opened
}

#[test]
fn a_row_that_contradicts_the_log_releases_nothing() {
    let scene = Scene::new(5);
    let whole = scene.place.path("whole");
    copy(&scene.at("sled"), &whole);
    let row = {
        let db = open(&scene);
        let row = db.scan_prefix(b"r").values().next().unwrap().unwrap().to_vec();
        drop(db);
        row
    };
    put(&whole, &scene.at("sled"));
    // Everything before the sealed part: version, place, class, id, sizes, digests, sealer, time.
    let clear = 1 + 16 + 1 + 16 + 8 + 8 + 3 * 32 + 8 + 8 + 16;
    for at in (0..clear).step_by(5) {
        edit(&scene, |db| {
            let key = keys(db, b'r')[0].clone();
            let mut changed = row.clone();
            changed[at] ^= 1;
            db.insert(key, changed).unwrap();
        });
        assert!(scene.verify().has(Code::DamagedIndex), "{at}");
        assert!(open_document(&scene).is_err(), "{at}");
        put(&whole, &scene.at("sled"));
    }
    assert_eq!(open_document(&scene).unwrap(), b"text");
}

#[test]
fn an_index_with_other_entries_than_the_log_is_found_out() {
    let scene = Scene::new(5);
    let whole = scene.place.path("whole");
    copy(&scene.at("sled"), &whole);
    type Edit = (&'static str, fn(&sled::Db), bool);
    let edits: [Edit; 7] = [
        ("a document forgotten", |db| drop(db.remove(keys(db, b'd')[0].clone()).unwrap()), false),
        ("an entry changed", |db| entries(db, |entries| entries[1] = b"{}".to_vec()), false),
        (
            "the last entry changed",
            |db| entries(db, |entries| *entries.last_mut().unwrap() = b"{}".to_vec()),
            true,
        ),
        ("an entry removed", |db| entries(db, |entries| drop(entries.remove(1))), true),
        ("a row removed", |db| drop(db.remove(keys(db, b'r')[0].clone()).unwrap()), false),
        (
            "all entries removed",
            |db| keys(db, b'e').iter().for_each(|key| drop(db.remove(key).unwrap())),
            true,
        ),
        ("the state removed", |db| drop(db.remove(b"s").unwrap()), true),
    ];
    for (name, change, at_once) in edits {
        edit(&scene, change);
        assert_eq!(scene.refusal(), at_once.then_some(Code::DamagedIndex), "{name}");
        assert!(scene.verify().has(Code::DamagedIndex), "{name}");
        let report = scene.vault().rebuild(Some(&scene.place.founder), &NoProgress);
        assert_eq!(report.unwrap().documents, 1, "{name}");
        assert!(scene.verify().is_ok(), "{name}");
        assert_eq!(open_document(&scene).unwrap(), b"text", "{name}");
    }
}

#[test]
fn an_index_behind_the_log_catches_up_and_one_ahead_is_refused() {
    let scene = Scene::new(5);
    let old = scene.place.path("old");
    copy(&scene.at("sled"), &old);
    refuse(&scene.place, 2);
    put(&old, &scene.at("sled"));
    assert!(scene.verify().is_ok());
    assert_eq!(scene.refusal(), None);
    assert!(scene.verify().is_ok());

    let (ours, theirs) = (scene.place.path("ours"), scene.place.path("theirs"));
    let stranger = Scene::new(6);
    copy(&scene.at("sled"), &ours);
    copy(&stranger.at("sled"), &theirs);
    put(&old, &scene.at("sled"));
    assert_eq!(scene.refusal(), None);
    for (mine, foreign, name) in [(&stranger, &ours, "a longer log's"), (&scene, &theirs, "a shorter log's")]
    {
        put(foreign, &mine.at("sled"));
        assert_eq!(mine.refusal(), Some(Code::DamagedIndex), "{name}");
        assert!(mine.verify().has(Code::DamagedIndex), "{name}");
    }
}

#[test]
fn rubbish_in_place_of_the_index_is_an_error_and_never_a_panic() {
    let scene = Scene::new(5);
    let whole = scene.place.path("whole");
    copy(&scene.at("sled"), &whole);
    let bytes = std::fs::read(whole.join("db")).unwrap();
    let used = bytes.iter().rposition(|byte| *byte != 0).unwrap() + 1;
    for step in 0..40 {
        let at = used * step / 40;
        let mut changed = bytes.clone();
        changed[at] ^= 0x55;
        std::fs::write(scene.at("sled/db"), changed).unwrap();
        // Either it is refused, or sled mended it and what it lacked was taken from the log.
        let refusal = scene.refusal();
        assert!(matches!(refusal, None | Some(Code::DamagedIndex | Code::MissingIndex)), "{at} {refusal:?}");
        if refusal.is_none() {
            assert_eq!(open_document(&scene).unwrap(), b"text", "{at}");
        }
        scene.vault().rebuild(Some(&scene.place.founder), &NoProgress).unwrap();
        assert_eq!(open_document(&scene).unwrap(), b"text", "{at}");
        put(&whole, &scene.at("sled"));
    }
}
