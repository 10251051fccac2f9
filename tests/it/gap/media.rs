//! Media as they are found: with what does not belong there, with files that are none, too small, read-only, changed
//! while they are read.

use std::ffi::OsString;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use gapvault::label::Class;
use gapvault::vault::{
    BundleVerify, BundleWriteReport, Code, Error, ImportReport, ImportRequest, ListRequest, NoProgress,
    Progress, Resend, Site, Stage, Vault, bundle_verify,
};

use super::stick::{Flaw, Stick};
use super::{Side, pair, wish};

/// The content of the document that is sent.
const CONTENT: u32 = 800_000;
/// It takes about thirty of these.
const VOLUME: u64 = 30_000;
/// A medium that takes the first volumes and not the others.
const ROOM: u64 = 330_000;

/// Two sides and a document on its way in volumes of [`VOLUME`] bytes; gives the bundle.
fn asked() -> (Side, Side, String) {
    let (out, inside) = pair();
    let content: Vec<u8> = (0..CONTENT).map(|at| (at % 251) as u8).collect();
    let id = out.seal("報告", &content, Class::Important);
    let bundle = ask(&out, &id);
    (out, inside, bundle)
}

fn ask(out: &Side, id: &str) -> String {
    let cut = gapvault::vault::BundleCreate { volume: VOLUME, ..wish("隔離庫", &[id]) };
    out.vault().bundle_create(&out.founder, &cut).unwrap().bundle.to_string()
}

/// The same, written into a folder.
fn sent() -> (Side, Side, PathBuf) {
    let (out, inside, bundle) = asked();
    let medium = out.path("medium");
    assert!(out.write(&bundle, &medium).unwrap().complete);
    (out, inside, medium)
}

fn copy(from: &Path, to: &Path) -> PathBuf {
    std::fs::create_dir(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), to.join(entry.file_name())).unwrap();
    }
    to.to_owned()
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn documents(side: &Side) -> usize {
    side.vault().list(Some(&side.founder), &ListRequest::default()).unwrap().documents.len()
}

fn verdict(side: &Side, paths: Vec<PathBuf>) -> String {
    let vault = side.vault();
    let check = BundleVerify { paths, vault: Some(&vault), card: None };
    bundle_verify(&side.site(), &check, &NoProgress).unwrap().verdict
}

/// The vault with another disk.
fn on(side: &Side, stick: &Stick) -> Vault {
    Vault::at(Site { disk: Arc::new(stick.clone()), ..side.site() }, &side.path("v")).unwrap()
}

fn write_on(side: &Side, stick: &Stick, bundle: &str, to: &Path) -> Result<BundleWriteReport, Error> {
    on(side, stick).bundle_write(&side.founder, bundle, to, &NoProgress)
}

fn import_all(side: &Side, paths: &[&Path]) -> Result<ImportReport, Error> {
    let paths = paths.iter().map(|path| (*path).to_owned()).collect();
    let wish = ImportRequest { paths, code: None, accept: true };
    side.vault().import(&side.founder, &wish, &NoProgress)
}

/// The fact of an error.
fn fact(error: &Error, name: &str) -> String {
    let found = error.facts().iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| value.to_string()).unwrap_or_default()
}

#[test]
fn what_nobody_declared_keeps_a_bundle_out_and_is_named() {
    let (_out, inside, medium) = sent();
    let odd: Vec<OsString> = [
        "autorun.inf",
        ".Trashes",
        "Thumbs.db",
        ".hidden",
        "manifest.old",
        "manifest~",
        "MANIFEST",
        "v0099",
        "v00001",
        "v0001.part",
        "p0099",
        "request2",
        "approval-0001",
        "roster-0002",
        "sub ",
        "檔案",
        "a\nb",
    ]
    .into_iter()
    .map(OsString::from)
    .chain([std::os::unix::ffi::OsStringExt::from_vec(b"bad\xff".to_vec())])
    .collect();
    for (at, name) in odd.iter().enumerate() {
        let path = medium.join(name);
        std::fs::write(&path, "x").unwrap();
        let error = inside.import(&medium).unwrap_err();
        // The capital one comes first, and is taken for the manifest.
        let expected = if name == "MANIFEST" { Code::BundleFormat } else { Code::BundleUndeclared };
        assert_eq!(error.code(), expected, "{name:?}");
        if expected == Code::BundleUndeclared {
            assert_eq!(fact(&error, "name").to_lowercase(), name.to_string_lossy().to_lowercase(), "{at}");
            assert_eq!(verdict(&inside, vec![medium.clone()]), "bundle.undeclared-file", "{name:?}");
        }
        std::fs::remove_file(path).unwrap();
    }
    for folder in ["lost+found", "System Volume Information", ".git", "receipt2"] {
        std::fs::create_dir(medium.join(folder)).unwrap();
        assert_eq!(inside.refuses(&medium), Code::BundleUndeclared, "{folder}");
        std::fs::remove_dir(medium.join(folder)).unwrap();
    }
    assert_eq!(documents(&inside), 0);
    assert_eq!(inside.import(&medium).unwrap().state, "accepted");
    inside.sound();
}

/// Puts something that is no file in the place of a file.
fn replace(path: &Path, kind: &str) {
    let aside = path.with_file_name(format!("{}.aside", path.file_name().unwrap().to_str().unwrap()));
    let aside = path.parent().unwrap().parent().unwrap().join(aside.file_name().unwrap());
    std::fs::rename(path, &aside).unwrap();
    match kind {
        "symlink" => symlink(&aside, path).unwrap(),
        "fifo" => {
            let mode = rustix::fs::Mode::from_raw_mode(0o644);
            rustix::fs::mknodat(rustix::fs::CWD, path, rustix::fs::FileType::Fifo, mode, 0).unwrap();
        }
        "folder" => std::fs::create_dir(path).unwrap(),
        "socket" => drop(UnixListener::bind(path).unwrap()),
        other => panic!("{other}"),
    }
}

#[test]
fn what_is_no_file_is_never_read_in_the_place_of_one() {
    let (_out, inside, medium) = sent();
    for kind in ["symlink", "fifo", "folder", "socket"] {
        for (name, expected) in [
            ("manifest", Code::BundleFormat),
            ("request", Code::BundleApprovals),
            ("shards", Code::BundleFile),
        ] {
            let top = tempfile::tempdir().unwrap();
            let bad = copy(&medium, &top.path().join("b"));
            replace(&bad.join(name), kind);
            assert_eq!(inside.refuses(&bad), expected, "{kind} {name}");
        }
        let top = tempfile::tempdir().unwrap();
        let bad = copy(&medium, &top.path().join("b"));
        // More than there is parity.
        for name in ["v0001", "v0002", "v0003", "v0004", "v0005"] {
            replace(&bad.join(name), kind);
        }
        let error = inside.import(&bad).unwrap_err();
        assert_eq!((error.code(), fact(&error, "state").as_str()), (Code::BundleDamaged, "lost"), "{kind}");
    }
    // One of them is damage that parity is for.
    let top = tempfile::tempdir().unwrap();
    let bad = copy(&medium, &top.path().join("b"));
    replace(&bad.join("v0001"), "fifo");
    let came = inside.import(&bad).unwrap();
    assert_eq!((came.state.as_str(), came.repaired_shards), ("accepted", 1));
    inside.sound();
}

#[test]
fn names_in_capitals_are_the_same_names() {
    let (out, inside, medium) = sent();
    for name in names(&medium) {
        std::fs::rename(medium.join(&name), medium.join(name.to_ascii_uppercase())).unwrap();
    }
    assert!(medium.join("MANIFEST").exists() && medium.join("SLIP.HTML").exists());
    assert_eq!(verdict(&inside, vec![medium.clone()]), "ok");
    assert_eq!(inside.import(&medium).unwrap().state, "accepted");
    // The answer too.
    std::fs::rename(medium.join("receipt"), medium.join("RECEIPT")).unwrap();
    std::fs::rename(medium.join("receipt-policy"), medium.join("RECEIPT-POLICY")).unwrap();
    assert_eq!(out.vault().receipt_apply(&out.founder, &medium).unwrap().verdict, "accepted");
}

/// Does something once, when a stage begins.
struct When<F>(Stage, AtomicBool, F);

impl<F: Fn() + Sync> Progress for When<F> {
    fn begin(&self, stage: Stage, _: Option<u64>, _: Option<u64>) {
        if stage == self.0 && !self.1.swap(true, Ordering::SeqCst) {
            (self.2)();
        }
    }
    fn advance(&self, _: u64, _: u64) {}
    fn end(&self) {}
}

#[test]
fn a_medium_that_changes_while_it_is_read_is_what_it_was_or_damaged() {
    let (_out, inside, medium) = sent();
    let wish = |path: &Path| ImportRequest { paths: vec![path.to_owned()], code: None, accept: false };
    let turned = |path: &Path, only: &str| {
        for name in names(path).into_iter().filter(|name| name.starts_with(only)) {
            let path = path.join(name);
            let mut bytes = std::fs::read(&path).unwrap();
            bytes.iter_mut().for_each(|byte| *byte ^= 1);
            std::fs::write(path, bytes).unwrap();
        }
    };
    // Notes and manifest were read already; of the volumes, nothing was.
    let top = tempfile::tempdir().unwrap();
    let bad = copy(&medium, &top.path().join("b"));
    let change = When(Stage::Copying, AtomicBool::new(false), || turned(&bad, "v"));
    let error = inside.vault().import(&inside.founder, &wish(&bad), &change).unwrap_err();
    assert_eq!(error.code(), Code::BundleDamaged);
    assert!(change.1.load(Ordering::SeqCst));
    inside.sound();
    // Everything was read, once: what lies on the medium now is nobody's business any more.
    let (_out, inside, medium) = sent();
    let change = When(Stage::Unpacking, AtomicBool::new(false), || turned(&medium, ""));
    let came = inside.vault().import(&inside.founder, &wish(&medium), &change).unwrap();
    assert!(change.1.load(Ordering::SeqCst));
    assert_eq!((came.state.as_str(), came.repaired_shards), ("quarantine", 0));
    assert_eq!(documents(&inside), 0);
    inside.sound();
}

#[test]
fn a_medium_that_is_gone_while_it_is_read_leaves_nothing_and_can_be_tried_again() {
    let (_out, inside, medium) = sent();
    let away = medium.with_file_name("away");
    let wish = ImportRequest { paths: vec![medium.clone()], code: None, accept: true };
    let pull = When(Stage::Copying, AtomicBool::new(false), || {
        // As with a stick that is pulled: the folder is there, and nothing in it can be opened.
        copy(&medium, &away);
        for name in names(&medium) {
            std::fs::remove_file(medium.join(name)).unwrap();
        }
    });
    let pulled = inside.vault().import(&inside.founder, &wish, &pull);
    assert_eq!(pulled.unwrap_err().code(), Code::BundleDamaged);
    assert_eq!(documents(&inside), 0);
    inside.sound();
    assert_eq!(inside.import(&away).unwrap().state, "accepted");
    inside.sound();
}

#[test]
fn a_folder_with_anything_in_it_or_inside_the_vault_is_not_written_to() {
    let (out, inside, bundle) = asked();
    for place in ["v/medium", "v", "v/documents"] {
        assert_eq!(out.write(&bundle, &out.path(place)).unwrap_err().code(), Code::InsideVault, "{place}");
    }
    symlink(out.path("v"), out.path("link")).unwrap();
    assert_eq!(out.write(&bundle, &out.path("link/x")).unwrap_err().code(), Code::InsideVault);
    let gone = out.write(&bundle, &out.path("none/medium")).unwrap_err();
    assert_eq!(gone.code(), Code::NoFile);
    std::fs::write(out.path("file"), "x").unwrap();
    assert_eq!(out.write(&bundle, &out.path("file")).unwrap_err().code(), Code::MediumTaken);
    for name in ["x", "lost+found", ".hidden", "v1", "receipt"] {
        let taken = out.path("taken");
        std::fs::create_dir(&taken).unwrap();
        std::fs::write(taken.join(name), "x").unwrap();
        let error = out.write(&bundle, &taken).unwrap_err();
        assert_eq!((error.code(), fact(&error, "name").as_str()), (Code::MediumTaken, name));
        assert_eq!(names(&taken), [name]);
        std::fs::remove_dir_all(taken).unwrap();
    }
    // None of this took a number.
    assert_eq!(out.vault().bundle_list().unwrap().out[0].state, "approved");
    let medium = out.path("medium");
    assert_eq!(out.write(&bundle, &medium).unwrap().number, 1);
    // Nor is a bundle written over another one, or over itself.
    let two = ask(&out, &out.seal("b", b"b", Class::Important));
    let error = out.write(&two, &medium).unwrap_err();
    assert_eq!((error.code(), fact(&error, "state").as_str()), (Code::MediumTaken, "other"));
    let again = out.vault().bundle_resend(&out.founder, &bundle, &medium, &Resend::default(), &NoProgress);
    let error = again.unwrap_err();
    assert_eq!((error.code(), fact(&error, "state").as_str()), (Code::MediumTaken, "own"));
    assert_eq!(inside.import(&medium).unwrap().state, "accepted");
    assert_eq!(out.write(&two, &out.path("second")).unwrap().number, 2);
    assert_eq!(inside.import(&out.path("second")).unwrap().state, "accepted");
    out.sound();
}

#[test]
fn what_an_interruption_left_is_gone_on_with_and_what_does_not_belong_is_cleared() {
    let (out, inside, bundle) = asked();
    let medium = out.path("medium");
    // It says that there is room, and is full in the middle.
    let full = Stick::new(&medium, ROOM, Flaw::FullEarly);
    let error = write_on(&out, &full, &bundle, &medium).unwrap_err();
    assert_eq!(error.code(), Code::Full, "{error:?}");
    let left = names(&medium);
    assert!(left.contains(&"v0001".to_owned()) && !left.contains(&"manifest".to_owned()), "{left:?}");
    assert_eq!(inside.refuses(&medium), Code::BundleNoManifest);
    out.sound();
    // What is whole stays as it is, what is damaged is written again, what is too much goes.
    let kept = std::fs::metadata(medium.join("v0001")).unwrap().modified().unwrap();
    std::fs::write(medium.join("v0002"), "damaged").unwrap();
    std::fs::write(medium.join("v0003.part"), "half").unwrap();
    std::fs::write(medium.join("v0900"), "of a longer bundle").unwrap();
    std::fs::write(medium.join("approval-0007"), "of another one").unwrap();
    std::fs::write(medium.join("manifest.part"), "half").unwrap();
    let written = out.write(&bundle, &medium).unwrap();
    assert_eq!((written.number, written.attempt, written.medium, written.complete), (1, 1, 1, true));
    assert_eq!(std::fs::metadata(medium.join("v0001")).unwrap().modified().unwrap(), kept);
    let came = inside.import(&medium).unwrap();
    assert_eq!((came.state.as_str(), came.repaired_shards), ("accepted", 0));
    out.sound();
    inside.sound();
}

#[test]
fn an_unfinished_folder_of_another_bundle_is_left_alone() {
    let (out, _inside, bundle) = asked();
    let two = ask(&out, &out.seal("b", b"b", Class::Important));
    let medium = out.path("medium");
    let full = Stick::new(&medium, ROOM, Flaw::FullEarly);
    write_on(&out, &full, &bundle, &medium).unwrap_err();
    let before = names(&medium);
    let error = out.write(&two, &medium).unwrap_err();
    assert_eq!((error.code(), fact(&error, "state").as_str()), (Code::MediumTaken, "other"));
    assert_eq!(names(&medium), before);
    // It took no number.
    assert_eq!(out.write(&bundle, &medium).unwrap().number, 1);
    assert_eq!(out.write(&two, &out.path("second")).unwrap().number, 2);
    out.sound();
}

#[test]
fn several_media_are_filled_in_turn_and_imported_together() {
    let (out, inside, bundle) = asked();
    let mut media = Vec::new();
    loop {
        let medium = out.path(&format!("m{}", media.len() + 1));
        let stick = Stick::new(&medium, ROOM, Flaw::None);
        let written = write_on(&out, &stick, &bundle, &medium).unwrap();
        media.push(medium);
        assert_eq!((written.number, written.attempt, written.medium as usize), (1, 1, media.len()));
        assert_eq!(written.complete, written.missing.is_empty());
        if written.complete {
            break;
        }
        assert!(media.len() < 9, "{}", written.missing);
    }
    assert!(media.len() > 2, "{media:?}");
    let missing = import_all(&inside, &[&media[0], &media[1]]).unwrap_err();
    assert_eq!(missing.code(), Code::BundleIncomplete);
    assert_eq!(verdict(&inside, media[..1].to_vec()), "bundle.incomplete");
    // The same one twice is still not the other.
    assert_eq!(import_all(&inside, &[&media[0], &media[0]]).unwrap_err().code(), Code::BundleIncomplete);
    // Volumes that were put on the other medium are where nobody says that they are.
    let top = tempfile::tempdir().unwrap();
    let (one, two) = (copy(&media[0], &top.path().join("1")), copy(&media[1], &top.path().join("2")));
    let first = names(&one).into_iter().find(|name| name.starts_with('v')).unwrap();
    let second = names(&two).into_iter().find(|name| name.starts_with('v')).unwrap();
    std::fs::rename(one.join(&first), two.join(&first)).unwrap();
    std::fs::rename(two.join(&second), one.join(&second)).unwrap();
    let all: Vec<&Path> =
        [one.as_path(), &two].into_iter().chain(media[2..].iter().map(|at| &**at)).collect();
    assert_eq!(import_all(&inside, &all).unwrap_err().code(), Code::BundleUndeclared);
    // In any order.
    let mut order: Vec<&Path> = media.iter().map(|at| &**at).collect();
    order.rotate_left(1);
    let came = import_all(&inside, &order).unwrap();
    assert_eq!((came.state.as_str(), came.repaired_shards), ("accepted", 0));
    out.sound();
    inside.sound();
}

#[test]
fn a_medium_that_takes_nothing_is_told_before_a_number_is_taken() {
    let (out, _inside, bundle) = asked();
    let medium = out.path("medium");
    let error = write_on(&out, &Stick::new(&medium, 1000, Flaw::None), &bundle, &medium).unwrap_err();
    assert_eq!(error.code(), Code::MediumFull);
    let limit = VOLUME / 2;
    let error = write_on(&out, &Stick::with_longest(&medium, limit), &bundle, &medium).unwrap_err();
    assert_eq!((error.code(), fact(&error, "limit")), (Code::MediumLimit, limit.to_string()));
    let error = write_on(&out, &Stick::new(&medium, u64::MAX, Flaw::ReadOnly), &bundle, &medium).unwrap_err();
    assert_eq!(error.code(), Code::ReadOnly);
    assert!(!medium.exists());
    let listed = out.vault().bundle_list().unwrap().out.remove(0);
    // A medium that cannot be written is found out by writing to it: the number is taken then, and stays.
    assert_eq!((listed.state.as_str(), listed.number), ("writing", Some(1)));
    assert_eq!(out.write(&bundle, &medium).unwrap().number, 1);
    out.sound();
}

#[test]
fn a_medium_that_keeps_less_than_it_takes_is_found_out_by_reading_back() {
    let (out, inside, bundle) = asked();
    let medium = out.path("medium");
    let stick = Stick::new(&medium, ROOM, Flaw::Forgets);
    let error = write_on(&out, &stick, &bundle, &medium).unwrap_err();
    assert_eq!(error.code(), Code::MediumDiffers);
    assert!(!medium.join("manifest").exists());
    assert_eq!(inside.refuses(&medium), Code::BundleNoManifest);
    out.sound();
    let written = out.write(&bundle, &out.path("good")).unwrap();
    assert_eq!((written.number, written.attempt, written.medium), (1, 1, 1));
    assert_eq!(inside.import(&out.path("good")).unwrap().repaired_shards, 0);
    out.sound();
}

#[test]
fn a_medium_that_takes_no_receipt_is_imported_all_the_same() {
    for flaw in [Flaw::ReadOnly, Flaw::FullEarly] {
        let (out, inside, medium) = sent();
        let before = names(&medium);
        let wish = ImportRequest { paths: vec![medium.clone()], code: None, accept: true };
        let vault = on(&inside, &Stick::new(&medium, 10, flaw));
        let came = vault.import(&inside.founder, &wish, &NoProgress).unwrap();
        assert_eq!((came.state.as_str(), came.receipt), ("accepted", None), "{flaw:?}");
        assert!(!names(&medium).contains(&"receipt".to_owned()));
        if flaw == Flaw::ReadOnly {
            assert_eq!(names(&medium), before);
        }
        let answer = out.path("answer");
        inside.vault().receipt_write(&inside.founder, &came.bundle.to_string(), &answer).unwrap();
        assert_eq!(out.vault().receipt_apply(&out.founder, &answer).unwrap().verdict, "accepted");
        inside.sound();
        out.sound();
    }
}

#[test]
fn of_two_imports_at_once_one_comes_in() {
    let (_out, inside, medium) = sent();
    let other = copy(&medium, &inside.path("copy"));
    let came: Vec<_> = std::thread::scope(|threads| {
        let run = |path: PathBuf| {
            let inside = &inside;
            threads.spawn(move || inside.import(&path).map(|came| came.state).map_err(|error| error.code()))
        };
        [run(medium.clone()), run(other)].map(|thread| thread.join().unwrap()).into()
    });
    let won = came.iter().filter(|one| **one == Ok("accepted".to_owned())).count();
    assert_eq!(won, 1, "{came:?}");
    let lost = came.into_iter().find_map(Result::err).unwrap();
    assert!([Code::BundleReplayed, Code::BundleForked].contains(&lost), "{lost:?}");
    assert_eq!(documents(&inside), 1);
    inside.sound();
}

#[test]
fn bundles_go_out_while_others_come_in() {
    let (out, inside, medium) = sent();
    let own = inside.seal("回覆", b"answer", Class::Important);
    let back = inside.create("連網庫", &[&own]).unwrap().bundle.to_string();
    let to = inside.path("back");
    std::thread::scope(|threads| {
        let coming = threads.spawn(|| inside.import(&medium).unwrap().state);
        let going = threads.spawn(|| inside.write(&back, &to).unwrap().number);
        assert_eq!((coming.join().unwrap().as_str(), going.join().unwrap()), ("accepted", 1));
    });
    assert_eq!(out.import(&to).unwrap().state, "accepted");
    assert_eq!((documents(&inside), documents(&out)), (2, 2));
    inside.sound();
    out.sound();
}

#[test]
fn a_device_that_says_nothing_of_itself_is_no_error() {
    use gapvault::store::medium::{Device, device_of};
    assert_eq!(device_of(Path::new("/none")), Device::default());
    assert_eq!(device_of(Path::new("/proc")), Device::default());
    let (out, _inside, bundle) = asked();
    let medium = out.path("medium");
    let written = out.write(&bundle, &medium).unwrap();
    assert_eq!(written.device, device_of(&medium));
}
