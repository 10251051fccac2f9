//! Long lives: old entries leave the live index, and nothing that is asked or judged notices.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gapvault::label::Class;
use gapvault::log::entry::Event;
use gapvault::vault::{AuditShow, Code, NoProgress, OpenRequest, OpenTo, Question, Site, Vault, Window};

use crate::attacks::scene::{copy, place, put};
use crate::verbs::{self, Place};

/// So small that it moves all the time.
const SMALL: Window = Window { keep: 20, step: 8, fan: 2, largest: 32 };

struct Long {
    place: Place,
    ids: Vec<String>,
}

impl Long {
    fn new() -> Self {
        let place = place();
        let ids = ["a.txt", "b.txt"]
            .map(|name| {
                let source = place.write(name, name.as_bytes());
                place.seal(&place.founder, &source, Class::Critical)
            })
            .to_vec();
        Self { place, ids }
    }

    /// Keeps vault and host's state, and gives what brings them back.
    fn kept(&self) -> impl Fn() + '_ {
        let parts =
            ["v", "state"].map(|name| (self.place.path(name), self.place.path(&format!("kept-{name}"))));
        parts.iter().for_each(|(now, kept)| copy(now, kept));
        move || parts.iter().for_each(|(now, kept)| put(kept, now))
    }

    fn at(&self, name: &str) -> PathBuf {
        self.place.path("v").join(name)
    }

    fn vault(&self, window: Window) -> Vault {
        Vault::at(Site { window, ..self.place.site() }, &self.at("")).unwrap()
    }

    fn small(&self) -> Vault {
        self.vault(SMALL)
    }

    /// Opens documents, which makes an intent and an end for each.
    fn open(&self, window: Window, ids: &[&str]) {
        let into = self.place.path("out");
        let request = OpenRequest {
            ids: ids.iter().map(|id| (*id).to_owned()).collect(),
            all: false,
            to: OpenTo::Into(into.clone()),
            reason: Some("查核".into()),
            request: None,
        };
        self.vault(window).open(&self.place.founder, request, &NoProgress).unwrap();
        let _ = std::fs::remove_dir_all(into);
    }

    /// Grows the log, one document after the other, up to at least so many entries.
    fn grow(&self, window: Window, size: u64) {
        while self.small().audit_verify(&NoProgress).unwrap().size < size {
            self.open(window, &[&self.ids[0], &self.ids[1]]);
        }
    }

    /// What is said about a document equals what the segments say.
    fn asked(&self, window: Window) {
        for id in &self.ids {
            let shown = self.vault(window).show(None, id, true).unwrap().history.unwrap();
            let said: Vec<(u64, u64)> = shown.iter().map(|row| (row.epoch, row.seq)).collect();
            assert!(said.is_sorted());
            let request = AuditShow { last: None, document: Some(id.clone()) };
            let entries = self.vault(window).audit_show(&request).unwrap().entries;
            let seqs: Vec<u64> =
                entries.iter().map(|entry| entry["seq"].as_str().unwrap().parse().unwrap()).collect();
            assert_eq!(said.iter().map(|(_, seq)| *seq).collect::<Vec<_>>(), seqs);
        }
    }

    fn sound(&self) {
        let report = self.small().verify(&NoProgress).unwrap();
        assert_eq!((report.verdict.as_str(), &report.findings, &report.pending), ("ok", &vec![], &vec![]));
    }

    /// The sorted files.
    fn files(&self) -> BTreeMap<String, Vec<u8>> {
        let Ok(names) = std::fs::read_dir(self.at("sorted")) else { return BTreeMap::new() };
        let file = |path: PathBuf| {
            (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap())
        };
        let paths = names.map(|name| name.unwrap().path());
        paths.filter(|path| path.extension().is_some_and(|kind| kind == "idx")).map(file).collect()
    }

    fn refusal(&self) -> Option<Code> {
        self.small().status().err().map(|error| error.code())
    }

    fn verified(&self) -> Vec<Code> {
        self.small().verify(&NoProgress).unwrap().findings.iter().map(|finding| finding.code).collect()
    }
}

/// The entries of which there is a file, from its name.
fn span(name: &str) -> (u64, u64, u64) {
    let mut numbers = name.strip_suffix(".idx").unwrap().split('-').map(|number| number.parse().unwrap());
    (numbers.next().unwrap(), numbers.next().unwrap(), numbers.next().unwrap())
}

#[test]
fn old_entries_move_at_the_border_and_every_answer_stays_the_same() {
    let long = Long::new();
    let mut sizes = Vec::new();
    for round in 0..24 {
        long.open(SMALL, &[&long.ids[round % 2]]);
        long.asked(SMALL);
        let size = long.small().status().unwrap().log.size;
        let moved = long.files().keys().map(|name| span(name).2).max().unwrap_or(0);
        assert!(size - moved < SMALL.keep + SMALL.step, "{size} {moved}");
        assert!(moved == 0 || size - moved >= SMALL.keep, "{size} {moved}");
        assert!(moved.is_multiple_of(SMALL.step));
        if round % 8 == 0 {
            long.sound();
        }
        sizes.push(size);
    }
    long.sound();
    let spans: Vec<_> = long.files().keys().map(|name| span(name)).collect();
    assert!(spans.contains(&(1, 0, 32)), "{spans:?}");
    assert!(*sizes.last().unwrap() > 50);
    // Destroyed, a document is still answered for.
    long.small().destroy(&long.place.founder, &long.ids[0], "過期", None).unwrap();
    long.open(SMALL, &[&long.ids[1]]);
    long.sound();
    verbs::sound(&long.place);
}

#[test]
fn an_index_without_files_gets_all_of_them_at_once_and_a_rebuild_makes_the_same() {
    let long = Long::new();
    long.grow(Window::default(), 130);
    assert!(!long.at("sorted").exists());
    long.sound();
    long.open(SMALL, &[&long.ids[0]]);
    long.asked(SMALL);
    long.sound();
    let files = long.files();
    let rows = long.small().status().unwrap().documents;
    assert!(files.len() > 2 && files.len() < 8, "{:?}", files.keys());
    // Back and forth: whoever uses another window sees the same.
    long.asked(Window::default());
    let report = long.small().rebuild(Some(&long.place.founder), &NoProgress).unwrap();
    assert_eq!(report.documents, rows);
    let again = long.files();
    assert!(files.iter().filter(|(name, bytes)| again.get(*name) == Some(*bytes)).count() > 1);
    assert!(long.at("sorted.old-1").exists());
    long.asked(SMALL);
    long.sound();
    long.open(SMALL, &[&long.ids[1]]);
    long.asked(SMALL);
    long.sound();
}

#[test]
fn signposts_that_lead_elsewhere_are_found_and_nobody_is_misled() {
    let long = Long::new();
    long.grow(SMALL, 600);
    let path = long.at("sorted/1.posts");
    let good = std::fs::read(&path).unwrap();
    assert_eq!(good.len(), 2 * 576);
    let mut question = Question::default();
    question.query.events = vec![Event::DocumentSeal];
    let answer = || long.small().audit_query(&question).unwrap().found.unwrap();
    let expected = answer();
    assert_eq!(expected.len(), 2);
    for at in (0..good.len()).step_by(97) {
        let mut changed = good.clone();
        changed[at] ^= 0x10;
        std::fs::write(&path, changed).unwrap();
        assert_eq!(answer(), expected, "{at}");
        assert_eq!((long.refusal(), long.verified()), (None, vec![Code::DamagedIndex]), "{at}");
    }
    long.small().rebuild(Some(&long.place.founder), &NoProgress).unwrap();
    assert_eq!(std::fs::read(&path).unwrap(), good);
    long.sound();
    // Those that are missing lead nowhere, and are put up again.
    std::fs::remove_file(&path).unwrap();
    long.sound();
    assert_eq!(answer(), expected);
    long.grow(SMALL, 640);
    assert_eq!(std::fs::read(&path).unwrap(), good);
}

#[test]
fn damage_in_any_file_is_found_and_a_rebuild_mends_it() {
    let long = Long::new();
    long.grow(SMALL, 70);
    let put_back = long.kept();
    let names: Vec<String> = long.files().into_keys().collect();
    for name in &names {
        let path = long.at("sorted").join(name);
        let bytes = std::fs::read(&path).unwrap();
        for at in (0..bytes.len()).step_by(1601) {
            let mut changed = bytes.clone();
            changed[at] ^= 0x10;
            std::fs::write(&path, changed).unwrap();
            assert_eq!(long.verified(), [Code::DamagedIndex], "{name} {at}");
        }
        std::fs::write(&path, &bytes).unwrap();
        assert_eq!(long.verified(), [], "{name}");
    }
    let first = long.at("sorted").join(&names[0]);
    let last = long.at("sorted").join(names.last().unwrap());
    let harms: [(&str, &dyn Fn()); 5] = [
        ("a file is gone", &|| std::fs::remove_file(&first).unwrap()),
        ("the folder is gone", &|| std::fs::remove_dir_all(long.at("sorted")).unwrap()),
        ("cut off", &|| std::fs::File::options().write(true).open(&last).unwrap().set_len(4096).unwrap()),
        ("another one in its place", &|| assert!(std::fs::copy(&last, &first).unwrap() > 0)),
        ("a link in its place", &|| {
            std::fs::rename(&first, long.place.path("away")).unwrap();
            std::os::unix::fs::symlink(long.place.path("away"), &first).unwrap();
        }),
    ];
    for (name, harm) in harms {
        harm();
        assert_eq!(long.refusal(), Some(Code::DamagedIndex), "{name}");
        assert_eq!(long.verified(), [Code::DamagedIndex], "{name}");
        assert_eq!(long.small().audit_verify(&NoProgress).unwrap().verdict, "ok", "{name}");
        long.small().rebuild(Some(&long.place.founder), &NoProgress).unwrap();
        long.asked(SMALL);
        long.sound();
        put_back();
    }
    // What nobody put in force is nobody's, and goes with the next step.
    std::fs::write(long.at("sorted/1-0-999.idx"), b"left by a kill").unwrap();
    std::fs::write(long.at("sorted/1-0-8.idx.new"), b"left by a kill").unwrap();
    long.sound();
    long.grow(SMALL, 110);
    assert!(!long.at("sorted/1-0-999.idx").exists() && !long.at("sorted/1-0-8.idx.new").exists());
    long.sound();
}

fn edit(long: &Long, change: impl FnOnce(&sled::Db)) {
    let wait = || while std::fs::File::open(long.at("sled/db")).unwrap().try_lock().is_err() {};
    wait();
    let db = sled::Config::new().path(long.at("sled")).segment_size(256 * 1024).open().unwrap();
    change(&db);
    db.flush().unwrap();
    drop(db);
    wait();
}

fn keys(db: &sled::Db, prefix: u8) -> Vec<sled::IVec> {
    db.scan_prefix([prefix]).keys().map(Result::unwrap).collect()
}

/// With the index's own library, so that all is consistent inside it.
#[test]
fn an_index_that_hides_old_entries_is_found_out() {
    let long = Long::new();
    long.grow(SMALL, 70);
    let put_back = long.kept();
    type Edit = (&'static str, fn(&sled::Db), bool);
    let edits: [Edit; 10] = [
        ("no file is known", |db| keys(db, b'x').iter().for_each(|key| drop(db.remove(key).unwrap())), true),
        ("the first file is not known", |db| drop(db.remove(&keys(db, b'x')[0]).unwrap()), true),
        ("the last file is not known", |db| drop(db.remove(keys(db, b'x').last().unwrap()).unwrap()), true),
        (
            "another digest",
            |db| {
                let key = keys(db, b'x')[0].clone();
                let mut value = db.get(&key).unwrap().unwrap().to_vec();
                *value.last_mut().unwrap() ^= 1;
                db.insert(key, value).unwrap();
            },
            true,
        ),
        ("the oldest live entries are gone", |db| drop(db.remove(&keys(db, b'e')[0]).unwrap()), true),
        ("a run of a member is gone", |db| drop(db.remove(keys(db, b'm').last().unwrap()).unwrap()), false),
        ("a run of an event is gone", |db| drop(db.remove(keys(db, b'v').last().unwrap()).unwrap()), false),
        (
            "a run is longer",
            |db| {
                let key = keys(db, b'y').last().unwrap().clone();
                let count = u64::from_be_bytes(db.get(&key).unwrap().unwrap().as_ref().try_into().unwrap());
                db.insert(key, (count + 1).to_be_bytes().as_slice()).unwrap();
            },
            false,
        ),
        (
            "a place of a document is gone",
            |db| {
                let key = keys(db, b'd')[0].clone();
                let mut value = db.get(&key).unwrap().unwrap().to_vec();
                value.truncate(value.len() - 16);
                db.insert(key, value).unwrap();
            },
            false,
        ),
        ("entries between live ones are gone", |db| drop(db.remove(&keys(db, b'e')[1]).unwrap()), false),
    ];
    for (name, change, at_once) in edits {
        edit(&long, |db| {
            assert!(keys(db, b'e').len() > 2 && keys(db, b'x').len() > 1);
            change(db);
        });
        assert_eq!(long.refusal(), at_once.then_some(Code::DamagedIndex), "{name}");
        assert!(long.verified().contains(&Code::DamagedIndex), "{name}");
        long.small().rebuild(Some(&long.place.founder), &NoProgress).unwrap();
        long.asked(SMALL);
        long.sound();
        put_back();
    }
}

/// Whoever makes a file anew that leaves out what it should say, with sums that fit, cannot make it say what the log says.
#[test]
fn a_file_of_another_log_is_found_out_although_the_index_names_it() {
    let (long, other) = (Long::new(), Long::new());
    long.grow(SMALL, 60);
    other.open(SMALL, &[&other.ids[0]]);
    other.grow(SMALL, 60);
    let listed = |of: &Long| {
        let mut found = Vec::new();
        edit(of, |db| {
            found = keys(db, b'x').into_iter().map(|key| (db.get(&key).unwrap().unwrap(), key)).collect();
        });
        found
    };
    let (ours, theirs) = (listed(&long), listed(&other));
    let (value, key) = theirs.first().unwrap();
    assert_eq!(&ours.first().unwrap().1, key);
    assert_ne!(&ours.first().unwrap().0, value);
    let name = long.files().into_keys().find(|name| other.files().contains_key(name)).unwrap();
    assert_eq!(span(&name).1, 0);
    std::fs::copy(other.at("sorted").join(&name), long.at("sorted").join(&name)).unwrap();
    edit(&long, |db| drop(db.insert(key, value).unwrap()));
    assert_eq!(long.refusal(), None);
    assert_eq!(long.verified(), [Code::DamagedIndex]);
    long.small().rebuild(Some(&long.place.founder), &NoProgress).unwrap();
    long.sound();
}

#[test]
fn a_log_that_officers_went_on_with_keeps_what_is_old() {
    let long = Long::new();
    long.grow(SMALL, 70);
    let site = Site { window: SMALL, ..verbs::site_with(&long.place.path("state2")) };
    let vault = Vault::at(site, &long.at("")).unwrap();
    vault.host_resume(&long.place.founder, "主機毀損", &mut |_| Ok(())).unwrap();
    let open = |count: usize| {
        let into = long.place.path("out");
        let ids = vec![long.ids[0].clone(); count];
        let request =
            OpenRequest { ids, all: false, to: OpenTo::Into(into.clone()), reason: None, request: None };
        vault.open(&long.place.founder, request, &NoProgress).unwrap();
        let _ = std::fs::remove_dir_all(into);
    };
    let history = || {
        let rows = vault.show(None, &long.ids[0], true).unwrap().history.unwrap();
        rows.iter().map(|row| (row.epoch, row.seq)).collect::<Vec<_>>()
    };
    for _ in 0..14 {
        let before = history();
        open(1);
        let after = history();
        assert!(after.starts_with(&before) && after.len() > before.len() && after.is_sorted());
    }
    assert!(long.files().keys().any(|name| span(name).0 == 2));
    let (before, report) = (history(), vault.verify(&NoProgress).unwrap());
    assert_eq!((report.verdict.as_str(), report.findings), ("ok", vec![]));
    vault.rebuild(Some(&long.place.founder), &NoProgress).unwrap();
    assert_eq!(history(), before);
    assert_eq!(vault.verify(&NoProgress).unwrap().verdict, "ok");
    assert!(Path::new(&long.at("sorted")).exists());
}
