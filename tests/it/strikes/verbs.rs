//! The verbs outlive every stop and every refusal of the disk: acknowledged means there, what is there is written
//! down, and nothing is revealed before its entry.

use std::path::Path;
use std::sync::Arc;

use gapvault::label::{Class, KeyKind, Zone};
use gapvault::vault::{
    self, AuditShow, Code, Identity, InitRequest, ListRequest, NoProgress, OpenRequest, OpenTo, Site, Vault,
};

use super::child::{self, End};
use super::disk::{Fault, FaultDisk, Mode};
use super::undo::Lost;
use crate::verbs::{person, sealing, site, words};

/// Every way to stop. A kill in a call covers the kill before it, but for an empty write.
const STOPS: [Mode; 4] =
    [Mode::Tear, Mode::PowerLoss(Lost::All), Mode::PowerLoss(Lost::Contents), Mode::PowerLoss(Lost::Names)];

const REFUSALS: [Mode; 5] =
    [Mode::Full(false), Mode::Full(true), Mode::Broken(false), Mode::Broken(true), Mode::SyncFails];

const NAMES: [&str; 2] = ["one", "two"];

fn prepare(folder: &Path) {
    let site = site(folder);
    let founder = person(&site, folder, "wang");
    let request = InitRequest { name: "v".into(), zone: Zone::Isolated, kind: KeyKind::Classic };
    vault::init(&site, &folder.join("v"), &founder, &request).unwrap();
    for name in NAMES {
        std::fs::write(folder.join(name), name).unwrap();
    }
}

fn prepare_sealed(folder: &Path) {
    prepare(folder);
    seal(&at(site(folder), folder), &me(folder), folder, "one").unwrap();
}

fn me(folder: &Path) -> Identity {
    vault::unlock_identity(&site(folder), &folder.join("wang.id"), &words()).unwrap()
}

fn at(site: Site, folder: &Path) -> Vault {
    Vault::at(site, &folder.join("v")).unwrap()
}

fn on(disk: &FaultDisk, folder: &Path) -> Site {
    Site { disk: Arc::new(disk.clone()), ..site(folder) }
}

/// Seals one file; the code if it was not.
fn seal(vault: &Vault, me: &Identity, folder: &Path, name: &str) -> Result<String, Code> {
    let report = vault.seal(me, &sealing(&folder.join(name), Class::Critical), &NoProgress);
    let report = report.map_err(|error| error.code())?;
    match (report.failed.first(), report.documents.first()) {
        (Some(failed), _) => Err(failed.code),
        (None, Some(sealed)) => Ok(sealed.id.to_string()),
        (None, None) => panic!("neither sealed nor failed"),
    }
}

fn documents(vault: &Vault, me: &Identity, what: &str) -> Vec<String> {
    match vault.list(Some(me), &ListRequest::default()) {
        Ok(list) => list.documents.iter().map(|row| row.id.to_string()).collect(),
        Err(error) => panic!("{what}: {error:?}"),
    }
}

/// How many releases the log tells of.
fn releases(vault: &Vault) -> usize {
    let entries = vault.audit_show(&AuditShow::default()).unwrap().entries;
    entries.iter().filter(|entry| entry["event"] == "document.open" && entry["phase"] == "intent").count()
}

fn assert_sound(vault: &Vault, what: &str) {
    let report = vault.verify(&NoProgress).unwrap();
    assert!(report.findings.is_empty() && report.pending.is_empty(), "{what}: {report:?}");
    assert_eq!(report.verdict, "ok", "{what}");
    assert_eq!(vault.audit_verify(&NoProgress).unwrap().verdict, "ok", "{what}");
}

/// Opens a document into memory; what came out, whether or not it went well.
fn open(vault: &Vault, me: &Identity, id: &str) -> (Vec<u8>, bool) {
    let mut sink = Vec::new();
    let request = OpenRequest {
        ids: vec![id.to_owned()],
        all: false,
        to: OpenTo::Stream(&mut sink),
        reason: Some("audit".into()),
    };
    let well = vault.open(me, request, &NoProgress).is_ok_and(|report| report.failed.is_empty());
    (sink, well)
}

#[test]
#[ignore = "a scenario for a process of its own"]
fn two_files_are_sealed() {
    let Some(given) = child::given() else { return };
    let (me, vault) = (me(&given.folder), at(on(&given.disk, &given.folder), &given.folder));
    for name in NAMES {
        given.tell(&seal(&vault, &me, &given.folder, name).unwrap());
    }
}

#[test]
fn a_document_is_sealed_and_written_down_or_neither() {
    for mode in STOPS {
        let struck = child::at_every_call(two_files_are_sealed, mode, prepare, |folder, call, end| {
            let what = format!("{mode:?} {call}");
            let (me, vault) = (me(folder), at(site(folder), folder));
            let found = documents(&vault, &me, &what);
            assert!(end.told.iter().all(|id| found.contains(id)), "{what}: {:?} of {found:?}", end.told);
            assert!(found.len() <= end.told.len() + 1, "{what}");
            // Whatever is there can be opened, and the vault goes on as if nothing had been.
            for id in &found {
                assert!(
                    NAMES.iter().any(|name| open(&vault, &me, id) == (name.as_bytes().to_vec(), true)),
                    "{what}"
                );
            }
            seal(&vault, &me, folder, "one").unwrap();
            assert_sound(&vault, &what);
        });
        assert!(struck > 20, "{struck}");
    }
}

#[test]
#[ignore = "a scenario for a process of its own"]
fn a_document_is_opened() {
    let Some(given) = child::given() else { return };
    let me = me(&given.folder);
    let id = documents(&at(site(&given.folder), &given.folder), &me, "before").remove(0);
    let vault = at(on(&given.disk, &given.folder), &given.folder);
    struct Told<'a>(&'a child::Given);
    impl std::io::Write for Told<'_> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.tell("revealed");
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let mut sink = Told(&given);
    let request = OpenRequest {
        ids: vec![id],
        all: false,
        to: OpenTo::Stream(&mut sink),
        reason: Some("audit".into()),
    };
    vault.open(&me, request, &NoProgress).unwrap();
}

#[test]
fn nothing_is_revealed_before_its_entry_is_on_the_disk() {
    for mode in STOPS {
        let mut revealed = 0;
        let revealed_once = std::cell::RefCell::new(&mut revealed);
        child::at_every_call(a_document_is_opened, mode, prepare_sealed, |folder, call, end: &End| {
            let what = format!("{mode:?} {call}");
            let (me, vault) = (me(folder), at(site(folder), folder));
            documents(&vault, &me, &what);
            let written = releases(&vault);
            assert!(written == 1 || end.told.is_empty(), "{what}: revealed without an entry");
            **revealed_once.borrow_mut() += usize::from(!end.told.is_empty());
            assert_sound(&vault, &what);
        });
        assert!(revealed > 1, "{mode:?}: no stop came after the release");
    }
}

#[test]
fn a_refusal_of_the_disk_leaves_the_vault_sound() {
    let top = tempfile::tempdir().unwrap();
    let folder = top.path();
    prepare(folder);
    let (me, sound) = (me(folder), at(site(folder), folder));
    let mut known = vec![seal(&sound, &me, folder, "one").unwrap()];
    for mode in REFUSALS {
        for call in 1.. {
            let what = format!("{mode:?} {call}");
            let disk = FaultDisk::new(Some(Fault { mode, at: call }));
            let sealed = seal(&at(on(&disk, folder), folder), &me, folder, "two");
            let found = documents(&sound, &me, &what);
            assert!(known.iter().all(|id| found.contains(id)), "{what}: {known:?} of {found:?}");
            assert!(sealed.is_err() || found.len() == known.len() + 1, "{what}");
            assert!(found.len() <= known.len() + 1, "{what}");
            known = found;
            if call % 5 == 0 || !disk.has_struck() {
                assert_sound(&sound, &what);
            }
            if !disk.has_struck() {
                break;
            }
        }
    }
}

#[test]
fn a_refusal_of_the_disk_reveals_nothing_without_its_entry() {
    let top = tempfile::tempdir().unwrap();
    let folder = top.path();
    prepare(folder);
    let (me, sound) = (me(folder), at(site(folder), folder));
    let id = seal(&sound, &me, folder, "one").unwrap();
    for mode in REFUSALS {
        for call in 1.. {
            let what = format!("{mode:?} {call}");
            let before = releases(&sound);
            let disk = FaultDisk::new(Some(Fault { mode, at: call }));
            let (revealed, well) = open(&at(on(&disk, folder), folder), &me, &id);
            documents(&sound, &me, &what);
            let written = releases(&sound) - before;
            assert!(written == 1 || revealed.is_empty(), "{what}: revealed without an entry");
            assert!(!well || revealed == b"one", "{what}");
            if !disk.has_struck() {
                assert!(well);
                break;
            }
        }
        assert_sound(&sound, &format!("{mode:?}"));
    }
}
