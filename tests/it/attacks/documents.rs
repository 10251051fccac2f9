//! Documents at rest exchanged, rolled back, damaged; identities that do not fit; sources that change or are odd.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use gapvault::agefile::{Recipient, encrypt_small};
use gapvault::crypto::SystemRandom;
use gapvault::label::{Class, Role};
use gapvault::vault::{
    Code, ListRequest, NoProgress, OpenRequest, OpenTo, Progress, SealRequest, Stage, unlock_identity,
};

use secrecy::SecretString;

use super::scene::{Scene, place};
use crate::verbs::{Place, sealing, words};

/// Opening to a file: the content or the code, and in the second case nothing is left behind.
fn open(place: &Place, id: &str) -> Result<Vec<u8>, Code> {
    let folder = place.path("released");
    std::fs::create_dir_all(&folder).unwrap();
    let opened = place.open(&place.founder, id, &folder.join("out")).map_err(|error| error.code());
    let left = std::fs::read_dir(&folder).unwrap().count();
    assert_eq!(left, usize::from(opened.is_ok()), "something was left in the folder");
    std::fs::remove_dir_all(&folder).unwrap();
    opened
}

/// The last entry of the log: event, outcome and reason.
fn last(place: &Place) -> (String, String, String) {
    let request = gapvault::vault::AuditShow { last: Some(1), document: None };
    let entry = place.vault().audit_show(&request).unwrap().entries.pop().unwrap();
    let field = |name: &str| entry.get(name).and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    (field("event"), field("outcome"), field("reason"))
}

fn refused(place: &Place, id: &str, code: Code, what: &str) {
    assert_eq!(open(place, id), Err(code), "{what}");
    let (event, outcome, reason) = last(place);
    assert_eq!((event.as_str(), outcome.as_str()), ("document.open", "failed"), "{what}");
    assert_eq!(reason, code.as_str(), "{what}");
    // Without a key the commitment cannot be tried; the payload's digest says the same.
    let seen = if code == Code::TamperedCommitment { Code::TamperedPayload } else { code };
    let report = place.vault().verify(&NoProgress).unwrap();
    assert!(report.findings.iter().any(|finding| finding.code == seen), "{what} {:?}", report.findings);
}

fn chunks(count: usize) -> Vec<u8> {
    (0..65_536 * count - 1000).map(|at| (at / 7) as u8).collect()
}

#[test]
fn a_document_changed_in_any_region_is_not_released_and_the_log_says_so() {
    let place = place();
    let content = chunks(3);
    let source = place.write("three", &content);
    let id = place.seal(&place.founder, &source, Class::Critical);
    let path = place.document_path(&id);
    let whole = std::fs::read(&path).unwrap();
    let (header, chunk) = (4096, 65_536 + 16);
    let (first, second, end) = (header + 16, header + 16 + chunk, whole.len());
    let flip = |at: usize| {
        let mut bytes = whole.clone();
        bytes[at] ^= 1;
        bytes
    };
    let cut = |len: usize| whole[..len].to_vec();
    let joined = |parts: &[std::ops::Range<usize>]| -> Vec<u8> {
        parts.iter().flat_map(|part| whole[part.clone()].to_vec()).collect()
    };
    let third = second + chunk;
    for (what, bytes, code) in [
        ("version line", flip(3), Code::TamperedHeader),
        ("stanza", flip(60), Code::TamperedHeader),
        ("metadata", flip(700), Code::TamperedHeader),
        ("padding", flip(3000), Code::TamperedHeader),
        ("MAC", flip(header - 3), Code::TamperedHeader),
        ("nonce", flip(header), Code::TamperedCommitment),
        ("first chunk", flip(first), Code::TamperedPayload),
        ("middle tag", flip(third - 1), Code::TamperedPayload),
        ("last byte", flip(end - 1), Code::TamperedPayload),
        ("cut in the header", cut(100), Code::TamperedHeader),
        ("no payload", cut(header), Code::TamperedPayload),
        ("cut after the nonce", cut(first), Code::TamperedPayload),
        ("cut after a chunk", cut(second), Code::TamperedPayload),
        ("cut after two", cut(third), Code::TamperedPayload),
        ("a byte short", cut(end - 1), Code::TamperedPayload),
        ("a byte long", joined(&[0..end, 0..1]), Code::TamperedPayload),
        ("two files joined", joined(&[0..end, 0..end]), Code::TamperedPayload),
        (
            "chunks swapped",
            joined(&[0..first, second..third, first..second, third..end]),
            Code::TamperedPayload,
        ),
        ("chunk doubled", joined(&[0..second, first..end]), Code::TamperedPayload),
        ("chunk dropped", joined(&[0..first, second..end]), Code::TamperedPayload),
    ] {
        std::fs::write(&path, bytes).unwrap();
        refused(&place, &id, code, what);
    }
    std::fs::remove_file(&path).unwrap();
    refused(&place, &id, Code::MissingDocument, "missing");
    std::fs::write(&path, &whole).unwrap();
    assert_eq!(open(&place, &id).unwrap(), content);
}

#[test]
fn documents_exchanged_or_rolled_back_or_made_elsewhere_are_noticed_before_release() {
    let (place, stranger) = (place(), Scene::new(4));
    let [a, b, old] = ["a", "b", "old"].map(|name| {
        let source = place.write(name, format!("content of {name}").as_bytes());
        place.seal(&place.founder, &source, Class::Critical)
    });
    let at = |id: &str| place.document_path(id);
    let bytes_of = |id: &str| std::fs::read(at(id)).unwrap();
    let (mine, theirs) = (bytes_of(&a), bytes_of(&b));
    std::fs::write(at(&a), &theirs).unwrap();
    std::fs::write(at(&b), &mine).unwrap();
    refused(&place, &a, Code::TamperedHeader, "exchanged");
    refused(&place, &b, Code::TamperedHeader, "exchanged");
    std::fs::write(at(&b), &theirs).unwrap();

    // Own header, foreign payload.
    std::fs::write(at(&a), [&mine[..4096], &theirs[4096..]].concat()).unwrap();
    refused(&place, &a, Code::TamperedCommitment, "another's payload");

    let foreign = std::fs::read(stranger.place.document_path(&stranger.id)).unwrap();
    std::fs::write(at(&a), foreign).unwrap();
    refused(&place, &a, Code::TamperedHeader, "of another vault");

    // Whoever has the public class key can make a file that the class key opens.
    let roster = std::fs::read_to_string(place.path("v/roster/0001.note")).unwrap();
    let line = roster.lines().find(|line| line.starts_with("key.critical.1 ")).unwrap();
    let class: Recipient = line.rsplit(' ').next().unwrap().parse().unwrap();
    let fresh = encrypt_small(&[&class], b"something else", &SystemRandom::new()).unwrap();
    std::fs::write(at(&a), fresh).unwrap();
    refused(&place, &a, Code::TamperedHeader, "made with the class key");

    std::fs::write(at(&a), &mine).unwrap();
    let saved = bytes_of(&old);
    place.vault().destroy(&place.founder, &old, "over", None).unwrap();
    std::fs::write(at(&old), saved).unwrap();
    assert_eq!(open(&place, &old), Err(Code::Destroyed));
    let report = place.vault().verify(&NoProgress).unwrap();
    assert_eq!(
        report.findings.iter().map(|finding| finding.code).collect::<Vec<_>>(),
        [Code::ForeignDocument]
    );
    std::fs::remove_file(at(&old)).unwrap();
    assert_eq!(open(&place, &a).unwrap(), b"content of a");
    assert_eq!(open(&place, &b).unwrap(), b"content of b");
}

#[test]
fn every_way_of_not_having_the_key_has_its_own_code() {
    let place = place();
    let source = place.write("a", b"text");
    let id = place.seal(&place.founder, &source, Class::Critical);
    let wrong = unlock_identity(
        &place.site(),
        &place.path("founder.id"),
        &SecretString::from("other words".to_owned()),
    );
    assert_eq!(wrong.unwrap_err().code(), Code::WrongPassphrase);
    let none = unlock_identity(&place.site(), &place.path("nobody.id"), &words());
    assert_eq!(none.unwrap_err().code(), Code::NoFile);
    let stranger = crate::verbs::person(&place.site(), place.folder.path(), "stranger");
    let out = place.path("out");
    assert_eq!(place.open(&stranger, &id, &out).unwrap_err().code(), Code::NotAMember);
    let clerk = place.join("clerk", Role::Clerk, &[Class::Important], false);
    assert_eq!(place.open(&clerk, &id, &out).unwrap_err().code(), Code::NoClearance);
    let key = std::fs::read_dir(place.path("v/keys/critical/1")).unwrap().next().unwrap().unwrap().path();
    let bytes = std::fs::read(&key).unwrap();
    for at in (0..bytes.len()).step_by(9) {
        let mut changed = bytes.clone();
        changed[at] ^= 1;
        std::fs::write(&key, changed).unwrap();
        assert_eq!(open(&place, &id), Err(Code::TamperedKey), "{at}");
    }
    // Another class's key is a key, and not this one.
    let other = place.path("v/keys/important/1").join(key.file_name().unwrap());
    std::fs::copy(other, &key).unwrap();
    assert_eq!(open(&place, &id), Err(Code::TamperedKey));
    std::fs::write(&key, &bytes).unwrap();
    assert_eq!(open(&place, &id).unwrap(), b"text");
    assert!(!out.exists());
}

/// Changes a source in the middle of its being read.
struct Meddler<F: Fn() + Sync> {
    after: u64,
    seen: std::sync::atomic::AtomicU64,
    change: F,
}

impl<F: Fn() + Sync> Progress for Meddler<F> {
    fn begin(&self, _: Stage, _: Option<u64>, _: Option<u64>) {}

    fn advance(&self, bytes: u64, _: u64) {
        let before = self.seen.fetch_add(bytes, std::sync::atomic::Ordering::SeqCst);
        if before < self.after && before + bytes >= self.after {
            (self.change)();
        }
    }

    fn end(&self) {}
}

#[test]
fn a_source_that_changes_while_it_is_read_fails_alone() {
    let place = place();
    let length = 400_000_u64;
    type Change = (&'static str, fn(&Path));
    let changes: [Change; 4] = [
        ("grows", |path| append(path, b"more")),
        ("shrinks", |path| {
            std::fs::File::options().write(true).open(path).unwrap().set_len(150_000).unwrap()
        }),
        ("is rewritten", |path| {
            std::fs::write(path, vec![9; 400_000]).unwrap();
            filetime::set_file_mtime(path, filetime::FileTime::from_unix_time(1, 0)).unwrap();
        }),
        ("is touched", |path| {
            filetime::set_file_mtime(path, filetime::FileTime::from_unix_time(2, 0)).unwrap()
        }),
    ];
    for (what, change) in changes {
        let tree = place.path("tree");
        std::fs::create_dir_all(&tree).unwrap();
        let (first, second) = (tree.join("1"), tree.join("2"));
        std::fs::write(&first, vec![1; usize::try_from(length).unwrap()]).unwrap();
        std::fs::write(&second, b"calm").unwrap();
        let meddler = Meddler { after: 100_000, seen: 0.into(), change: || change(&first) };
        let report = place.vault().seal(&place.founder, &sealing(&tree, Class::Important), &meddler).unwrap();
        let failed: Vec<_> = report.failed.iter().map(|row| (row.source.clone(), row.code)).collect();
        assert_eq!(failed, [(first.display().to_string(), Code::SourceChanged)], "{what}");
        assert_eq!(report.documents.len(), 1, "{what}");
        let staging = std::fs::read_dir(place.path("v/staging")).unwrap().count();
        assert_eq!(staging, 0, "{what}");
        std::fs::remove_dir_all(&tree).unwrap();
    }
    assert_eq!(place.vault().verify(&NoProgress).unwrap().verdict, "ok");
}

#[test]
fn nobody_waits_while_a_document_is_being_encrypted() {
    let place = place();
    let source = place.write("large", &vec![1; 10_000_000]);
    let looked = std::sync::atomic::AtomicU64::new(0);
    let look = || {
        let listed = place.vault().list(None, &ListRequest::default()).unwrap();
        assert!(listed.documents.is_empty());
        looked.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
    };
    let meddler = Meddler { after: 5_000_000, seen: 0.into(), change: look };
    let report = place.vault().seal(&place.founder, &sealing(&source, Class::Important), &meddler).unwrap();
    assert_eq!((report.documents.len(), looked.into_inner()), (1, 1));
}

fn append(path: &Path, bytes: &[u8]) {
    use std::io::Write as _;
    std::fs::File::options().append(true).open(path).unwrap().write_all(bytes).unwrap();
}

/// A tree of names that people and attackers make, each file with its own name's bytes as content.
fn odd_tree(top: &Path) -> BTreeSet<Vec<u8>> {
    let names: [&[u8]; 14] = [
        b"plain",
        "\u{4e2d}\u{6587} \u{6a94}\u{6848}.pdf".as_bytes(),
        b"with 'quotes' and \"more\"",
        b"new\nline",
        b"\xff\xfe not UTF-8",
        b"\x1b[31mred\x1b[0m",
        b"carriage\rreturn",
        "rtl\u{202e}gpj.exe".as_bytes(),
        b"-rf",
        b"~",
        b"$HOME `id` $(id)",
        b" leading and trailing ",
        b".hidden",
        b"back\\slash",
    ];
    std::fs::create_dir_all(top).unwrap();
    let long = vec![b'n'; 255];
    let all = names.iter().map(|name| name.to_vec()).chain([long]);
    let all: BTreeSet<Vec<u8>> = all.collect();
    for (index, name) in all.iter().enumerate() {
        let path = top.join(OsString::from_vec(name.clone()));
        std::fs::write(&path, name).unwrap();
        let time = filetime::FileTime::from_unix_time(1_000_000_000 + index as i64, 123_456_789);
        filetime::set_file_mtime(&path, time).unwrap();
    }
    all
}

#[test]
fn odd_names_come_back_byte_for_byte_with_their_times() {
    let place = place();
    let top = place.path("odd \u{4e2d}");
    let names = odd_tree(&top);
    std::fs::write(top.join("empty"), b"").unwrap();
    let sparse = std::fs::File::create(top.join("sparse")).unwrap();
    sparse.set_len(3_000_000).unwrap();
    let report = place.vault().seal(&place.founder, &sealing(&top, Class::Important), &NoProgress).unwrap();
    assert_eq!((report.failed.len(), report.documents.len()), (0, names.len() + 2));

    let into = place.path("back");
    let request =
        OpenRequest { ids: vec![], all: true, to: OpenTo::Into(into.clone()), reason: None, request: None };
    let opened = place.vault().open(&place.founder, request, &NoProgress).unwrap();
    assert!(opened.failed.is_empty(), "{:?}", opened.failed);
    let back = into.join("odd \u{4e2d}");
    for name in &names {
        let [from, to] = [&top, &back].map(|folder| folder.join(OsString::from_vec(name.clone())));
        assert_eq!(std::fs::read(&to).unwrap(), *name);
        let time = |path: &PathBuf| std::fs::metadata(path).unwrap().modified().unwrap();
        assert_eq!(time(&from), time(&to), "{}", String::from_utf8_lossy(name));
        assert_eq!(std::fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert_eq!(std::fs::metadata(back.join("empty")).unwrap().len(), 0);
    assert_eq!(std::fs::read(back.join("sparse")).unwrap(), vec![0; 3_000_000]);

    // Whoever lists them for machines gets the names as text; nothing was lost on the way in.
    let listed = place.vault().list(Some(&place.founder), &ListRequest::default()).unwrap();
    assert_eq!(listed.documents.len(), names.len() + 2);
}

#[test]
fn what_is_not_a_readable_file_is_listed_and_never_waited_for() {
    let place = place();
    let top = place.path("tree");
    std::fs::create_dir_all(&top).unwrap();
    std::fs::write(top.join("fine"), b"1").unwrap();
    std::fs::write(place.path("target"), b"not asked for").unwrap();
    std::os::unix::fs::symlink(place.path("target"), top.join("link")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", top.join("endless")).unwrap();
    let socket = std::os::unix::net::UnixListener::bind(top.join("socket")).unwrap();
    let made = std::process::Command::new("mkfifo").arg(top.join("pipe")).status().unwrap();
    assert!(made.success());
    let report = place.vault().seal(&place.founder, &sealing(&top, Class::Important), &NoProgress).unwrap();
    drop(socket);
    assert_eq!((report.documents.len(), report.failed.len()), (1, 0));
    let why: BTreeSet<&str> = report.skipped.iter().map(|row| row.why).collect();
    assert_eq!(why, BTreeSet::from(["fifo", "socket", "symlink"]));
    let device = sealing(Path::new("/dev/zero"), Class::Important);
    let report = place.vault().seal(&place.founder, &device, &NoProgress).unwrap();
    assert_eq!((report.documents.len(), report.skipped.len()), (0, 1));
}

#[test]
fn an_original_goes_only_when_its_sealed_document_was_read_back() {
    let place = place();
    let source = place.write("a", b"text");
    let request = SealRequest { remove_original: true, ..sealing(&source, Class::Critical) };
    let report = place.vault().seal(&place.founder, &request, &NoProgress).unwrap();
    assert_eq!((report.removed, report.failed.len()), (1, 0));
    assert!(!source.exists());
    assert_eq!(open(&place, &report.documents[0].id.to_string()).unwrap(), b"text");
    // In a folder that keeps its files the original stays, and that is said.
    let held = place.write("held/b", b"text");
    let folder = place.path("held");
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o500)).unwrap();
    let request = SealRequest { remove_original: true, ..sealing(&held, Class::Critical) };
    let report = place.vault().seal(&place.founder, &request, &NoProgress).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o700)).unwrap();
    // Root removes it all the same.
    assert_eq!(report.removed + report.failed.len() as u64, 1);
    assert_eq!(held.exists(), report.removed == 0);
}
