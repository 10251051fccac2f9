//! Evidence: what leaves the vault is enough to judge it, every change of it is noticed, and witnesses sign what only grew.

mod epochs;
mod grown;
mod meanwhile;
mod others;
mod standing;
mod witnesses;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gapvault::audit::Quorum;
use gapvault::evidence::proofs::{self, LogSource, Which};
use gapvault::evidence::{AuditVerify, AuditVerifyReport, Evidence, Trust, VerifyWish, read_checkpoint};
use gapvault::id::VaultId;
use gapvault::label::{Class, Role};
use gapvault::log::keys::LogKey;
use gapvault::note::VerifierKey;
use gapvault::vault::{Code, Error, Identity, NoProgress};

use crate::people::Office;

/// An office with an auditor and something in its log, and where its evidence goes.
pub(crate) struct Exported {
    pub(crate) office: Office,
    pub(crate) ada: Identity,
    pub(crate) folder: PathBuf,
    pub(crate) vault: VaultId,
}

impl Exported {
    pub(crate) fn new() -> Self {
        let office = Office::new(1);
        let ada = office.place.join("ada", Role::Auditor, &[], false);
        let id = office.document();
        office.place.open(&office.cara, &id, &office.place.path("out")).unwrap();
        let (folder, vault) = (office.place.path("evidence"), office.vault_id());
        let exported = Self { office, ada, folder, vault };
        exported.export("evidence");
        exported
    }

    /// Exports once more, under another name.
    pub(crate) fn export(&self, name: &str) -> PathBuf {
        let folder = self.office.place.path(name);
        self.office.place.vault().audit_export(&folder, &NoProgress).unwrap();
        folder
    }

    pub(crate) fn log_keys(&self) -> Vec<LogKey> {
        self.office.place.vault().audit_log(Which::Newest).unwrap().keys()
    }

    pub(crate) fn keys(&self) -> Vec<VerifierKey> {
        self.log_keys().iter().map(|key| key.verifier().clone()).collect()
    }

    /// Something more in the log.
    pub(crate) fn grow(&self) {
        self.office.document();
    }
}

/// Judges a folder, trusting a vault.
pub(crate) fn verify(folder: &Path, vault: VaultId) -> Result<AuditVerifyReport, Error> {
    let trust = Trust { vault: Some(vault), policy: None };
    Evidence::open(folder)?.verify(&mut VerifyWish { trust, ..VerifyWish::default() })
}

/// The codes of what is found, each once; or why it cannot be judged.
pub(crate) fn codes(report: Result<AuditVerifyReport, Error>) -> Vec<Code> {
    match report {
        Ok(report) => {
            let mut codes: Vec<Code> = report.findings.iter().map(|finding| finding.code).collect();
            codes.dedup();
            codes
        }
        Err(error) => vec![error.code()],
    }
}

/// Every file beneath a folder.
pub(crate) fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(at) = folders.pop() {
        for entry in std::fs::read_dir(&at).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                folders.push(entry.path());
            } else {
                let name = entry.path().strip_prefix(folder).unwrap().display().to_string();
                found.insert(name, std::fs::read(entry.path()).unwrap());
            }
        }
    }
    found
}

#[test]
fn what_was_exported_is_in_order_for_whoever_knows_the_vault_or_the_log() {
    let exported = Exported::new();
    let own = exported.office.place.vault().audit_verify(&NoProgress).unwrap();
    let report = verify(&exported.folder, exported.vault).unwrap();
    assert_eq!((report.verdict.as_str(), report.findings.len()), ("ok", 0));
    assert_eq!((report.size, &report.root, report.signed_size), (own.size, &own.root, own.size));
    assert_eq!((report.witnessed_size, report.logs.len()), (0, 1));
    // Told nothing, nothing can be said; told another vault, it is another.
    let evidence = Evidence::open(&exported.folder).unwrap();
    let nothing = evidence.verify(&mut VerifyWish::default()).unwrap();
    assert_eq!(
        (nothing.verdict.as_str(), codes(Ok(nothing.clone()))),
        ("unverifiable", vec![Code::UnverifiableLog])
    );
    assert_eq!(codes(verify(&exported.folder, VaultId([7; 32]))), [Code::VaultReplaced]);
    // The log's key is enough; another one is none of this log's.
    let by = |logs: Vec<VerifierKey>| {
        let trust = Trust { vault: None, policy: Some(Quorum::of_logs(logs)) };
        codes(evidence.verify(&mut VerifyWish { trust, ..VerifyWish::default() }))
    };
    assert_eq!(by(exported.keys()), []);
    let other = VerifierKey::new("gapvault/0011223344556677/1", exported.keys()[0].key()).unwrap();
    assert_eq!(by(vec![other]), [Code::UnverifiableLog]);
    let stranger = VerifierKey::new(exported.keys()[0].name(), exported.ada.signing().public()).unwrap();
    assert!(by(vec![stranger]).contains(&Code::TamperedCheckpoint));
    // Nothing is written over.
    let again = exported.office.place.vault().audit_export(&exported.folder, &NoProgress);
    assert_eq!(again.unwrap_err().code(), Code::Exists);
    let inside = exported.office.place.vault().audit_export(&exported.office.place.path("v/x"), &NoProgress);
    assert_eq!(inside.unwrap_err().code(), Code::InsideVault);
}

/// Files that other tools look at: their digest is told by another way.
const UNJUDGED: [&str; 3] = ["README.txt", "SHA256SUMS", "check.go"];

/// A signature line that is not the log's under this name: changed into one of a stranger, it is passed over.
fn in_a_members_line(bytes: &[u8], at: usize) -> bool {
    let line = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
    let rest = &bytes[line..];
    rest.starts_with("— gapvault/m/".as_bytes()) || at < line + 4
}

#[test]
fn every_changed_byte_is_noticed() {
    let exported = Exported::new();
    let all = files(&exported.folder);
    let judged: Vec<(&String, &Vec<u8>)> =
        all.iter().filter(|(name, _)| !UNJUDGED.contains(&name.as_str())).collect();
    assert!(judged.len() >= 8, "{:?}", all.keys());
    std::thread::scope(|scope| {
        for (at, (name, bytes)) in judged.iter().enumerate() {
            let (exported, all) = (&exported, &all);
            scope.spawn(move || {
                // A copy for each, so that they do not see each other's damage.
                let top = exported.office.place.path(&format!("copy{at}"));
                for (name, bytes) in all {
                    let path = top.join(name);
                    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
                    std::fs::write(path, bytes).unwrap();
                }
                let stride = if bytes.len() > 1000 { 37 } else { 3 };
                for at in (0..bytes.len()).step_by(stride) {
                    let mut changed = (*bytes).clone();
                    changed[at] ^= 1 << (at % 7);
                    std::fs::write(top.join(name), &changed).unwrap();
                    let found = codes(verify(&top, exported.vault));
                    let excused = in_a_members_line(bytes, at);
                    assert!(!found.is_empty() || excused, "{name} {at}");
                }
                for len in (0..bytes.len()).step_by(stride * 2) {
                    std::fs::write(top.join(name), &bytes[..len]).unwrap();
                    assert!(!codes(verify(&top, exported.vault)).is_empty(), "{name} {len}");
                }
                std::fs::write(top.join(name), bytes).unwrap();
                assert!(codes(verify(&top, exported.vault)).is_empty(), "{name}");
            });
        }
    });
}

#[test]
fn files_that_are_missing_more_or_something_else_are_noticed() {
    let exported = Exported::new();
    for (name, bytes) in files(&exported.folder) {
        if UNJUDGED.contains(&name.as_str()) {
            continue;
        }
        let path = exported.folder.join(&name);
        let other = exported.office.place.write("other", b"other");
        type Deed = fn(&Path, &Path);
        let deeds: [Deed; 4] = [
            |_, _| (),
            |path, _| std::fs::create_dir(path).unwrap(),
            |path, other| std::os::unix::fs::symlink(other, path).unwrap(),
            |path, _| std::fs::write(path, b"").unwrap(),
        ];
        for (at, deed) in deeds.into_iter().enumerate() {
            std::fs::remove_file(&path).unwrap();
            deed(&path, &other);
            let found = codes(verify(&exported.folder, exported.vault));
            assert!(!found.is_empty(), "{name} {at}");
            if path.is_dir() && !path.is_symlink() {
                std::fs::remove_dir(&path).unwrap();
            } else if path.symlink_metadata().is_ok() {
                std::fs::remove_file(&path).unwrap();
            }
            std::fs::write(&path, &bytes).unwrap();
        }
    }
    for name in ["extra", "log/1/tile/0/001", "log/1/tail", "log/2", "roster/0009.note", "log/1/tile/x"] {
        let path = exported.folder.join(name);
        std::fs::write(&path, b"").unwrap();
        assert_eq!(codes(verify(&exported.folder, exported.vault)), [Code::UndeclaredFile], "{name}");
        std::fs::remove_file(path).unwrap();
    }
    let empty = exported.office.place.path("empty");
    std::fs::create_dir(&empty).unwrap();
    assert_eq!(codes(verify(&empty, exported.vault)), [Code::NotEvidence]);
    // A file of it in place of the folder, and nothing at all.
    assert_eq!(codes(verify(&exported.folder.join("README.txt"), exported.vault)), [Code::NotEvidence]);
    assert_eq!(codes(verify(&exported.folder.join("none"), exported.vault)), [Code::NoFile]);
    assert_eq!(codes(verify(&empty.join("none"), exported.vault)), [Code::NoFile]);
}

#[test]
fn an_older_checkpoint_holds_against_newer_evidence_and_the_reverse_is_a_cut_log() {
    let exported = Exported::new();
    let older = exported.office.place.vault().audit_checkpoint().unwrap().note.into_bytes();
    exported.grow();
    let newer = exported.office.place.vault().audit_checkpoint().unwrap().note.into_bytes();
    let later = exported.export("later");
    let against = |folder: &Path, note: &[u8]| {
        let trust = Trust { vault: Some(exported.vault), policy: None };
        let wish = VerifyWish { trust, against: vec![note.to_vec()], ..VerifyWish::default() };
        codes(Evidence::open(folder).unwrap().verify(&mut { wish }))
    };
    assert_eq!(against(&later, &older), []);
    assert_eq!(against(&later, &newer), []);
    assert_eq!(against(&exported.folder, &newer), [Code::TruncatedLog]);
    assert_eq!(against(&later, b"junk"), [Code::NotACheckpoint]);
    // Verified before, signatures on fewer entries are taken as read, and nothing else is.
    let checkpoints = later.join("log/1/checkpoints");
    let mut bytes = std::fs::read(&checkpoints).unwrap();
    let at = bytes.windows(3).position(|bytes| bytes == "— ".as_bytes()[..3].as_ref()).unwrap() + 60;
    bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
    std::fs::write(&checkpoints, bytes).unwrap();
    let since = |since: u64| {
        let trust = Trust { vault: Some(exported.vault), policy: None };
        let wish = VerifyWish { trust, against: vec![older.clone()], since, ..VerifyWish::default() };
        codes(Evidence::open(&later).unwrap().verify(&mut { wish }))
    };
    assert_eq!((since(0), since(10)), (vec![Code::TamperedCheckpoint], vec![]));
}

#[test]
fn two_histories_come_out_with_both_notes() {
    let exported = Exported::new();
    let folder = exported.office.place.path("v");
    let copy = |from: &Path, to: &Path| crate::attacks::scene::copy(from, to);
    let state = exported.office.place.path("state");
    copy(&folder, &exported.office.place.path("v.old"));
    let states = state.is_dir();
    if states {
        copy(&state, &exported.office.place.path("state.old"));
    }
    exported.grow();
    let ours = exported.office.place.vault().audit_checkpoint().unwrap().note.into_bytes();
    // The vault and the host's memory of it come back from a copy, and go another way.
    std::fs::remove_dir_all(&folder).unwrap();
    copy(&exported.office.place.path("v.old"), &folder);
    if states {
        std::fs::remove_dir_all(&state).unwrap();
        copy(&exported.office.place.path("state.old"), &state);
    }
    exported.office.place.vault().destroy(&exported.office.cara, "00000000", "x", None).unwrap_err();
    exported.grow();
    exported.grow();
    let fork = exported.export("fork");
    let trust = Trust { vault: Some(exported.vault), policy: None };
    let wish = VerifyWish { trust, against: vec![ours.clone()], ..VerifyWish::default() };
    let report = Evidence::open(&fork).unwrap().verify(&mut { wish }).unwrap();
    assert_eq!(report.verdict, "forked");
    assert_eq!(report.notes.len(), 2);
    let keys = exported.log_keys();
    for note in &report.notes {
        assert!(read_checkpoint(note.as_bytes(), &keys).is_ok());
    }
    let evidence = Evidence::open(&fork).unwrap();
    let log = evidence.log(1, keys.clone());
    let newest = read_checkpoint(&log.checkpoint().unwrap(), &keys).unwrap();
    let compared = proofs::compare(&read_checkpoint(&ours, &keys).unwrap(), &newest, Some(&log)).unwrap();
    assert_eq!((compared.verdict.as_str(), compared.notes.len()), ("forked", 2));
}

#[test]
fn every_entry_is_proven_from_the_vault_and_from_the_evidence_alike() {
    let exported = Exported::new();
    let (vault, keys) = (exported.office.place.vault(), exported.log_keys());
    let own = || vault.audit_log(Which::Newest).unwrap();
    let evidence = Evidence::open(&exported.folder).unwrap();
    let log = evidence.log(1, keys.clone());
    let size = verify(&exported.folder, exported.vault).unwrap().size;
    for seq in 0..size {
        let proof = proofs::prove(&log, seq).unwrap();
        assert_eq!(proofs::prove(&own(), seq).unwrap(), proof);
        let report = proofs::check_proof(&proof.print(), None, &keys, None).unwrap();
        assert_eq!((report.index, report.size), (seq, size));
        // Another entry, another place, another log.
        let other = proofs::prove(&own(), (seq + 1) % size).unwrap();
        let refused = |proof: &gapvault::log::proof::EntryProof, entry: Option<&[u8]>| {
            proofs::check_proof(&proof.print(), entry, &keys, None).unwrap_err().code()
        };
        assert_eq!(refused(&proof, other.entry.as_deref()), Code::TamperedProof);
        let moved = gapvault::log::proof::EntryProof { index: other.index, ..proof.clone() };
        assert_eq!(refused(&moved, None), Code::TamperedProof);
        let stranger = [VerifierKey::new("example.com/log", keys[0].verifier().key()).unwrap().into()];
        let code = proofs::check_proof(&proof.print(), None, &stranger, None).unwrap_err().code();
        assert_eq!(code, Code::UnverifiableLog);
    }
    assert_eq!(proofs::prove(&own(), size).unwrap_err().code(), Code::NoEntry);
    assert_eq!(proofs::prove(&log, u64::MAX).unwrap_err().code(), Code::NoEntry);
    assert_eq!(proofs::check_proof(b"junk", None, &keys, None).unwrap_err().code(), Code::NotAProof);
    // The log has only grown from every checkpoint it ever had.
    let older = vault.audit_checkpoint().unwrap().note.into_bytes();
    exported.grow();
    let report = proofs::consistency(&own(), &older).unwrap();
    assert_eq!((report.verdict.as_str(), report.old_size), ("grown", size));
    let newest = vault.audit_checkpoint().unwrap().note.into_bytes();
    assert_eq!(proofs::consistency(&own(), &newest).unwrap().verdict, "same");
}

#[test]
fn a_person_without_a_class_is_no_part_of_it() {
    // Evidence names no title, no reason and no path; what it shows is what entries show.
    let exported = Exported::new();
    let secret = exported.office.place.write("meeting-with-the-minister.txt", b"text");
    exported.office.place.seal(&exported.office.cara, &secret, Class::Important);
    let folder = exported.export("titles");
    for (name, bytes) in files(&folder) {
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("minister"), "{name}");
    }
}

#[test]
fn the_vault_at_hand_is_judged_with_its_documents_and_since_a_checkpoint_if_that_is_asked() {
    let exported = Exported::new();
    let place = &exported.office.place;
    let judged = |wish: AuditVerify| codes(place.vault().audit_verify_by(&wish, &NoProgress));
    let documents = || AuditVerify { documents: true, ..AuditVerify::default() };
    assert_eq!((judged(AuditVerify::default()), judged(documents())), (vec![], vec![]));
    let id = exported.office.document();
    let (path, kept) = (place.document_path(&id), std::fs::read(place.document_path(&id)).unwrap());
    let mut changed = kept.clone();
    *changed.last_mut().unwrap() ^= 1;
    std::fs::write(&path, changed).unwrap();
    assert_eq!((judged(AuditVerify::default()), judged(documents())), (vec![], vec![Code::TamperedPayload]));
    std::fs::write(&path, kept).unwrap();

    // A signature of long ago that is not genuine any more.
    let file = place.path("v/log/checkpoints");
    let mut bytes = std::fs::read(&file).unwrap();
    let line = bytes.windows(3).position(|three| three == "—".as_bytes()).unwrap();
    let end = line + bytes[line..].iter().position(|byte| *byte == b'\n').unwrap();
    bytes[end - 20] = if bytes[end - 20] == b'A' { b'B' } else { b'A' };
    std::fs::write(&file, bytes).unwrap();
    let since = |since| AuditVerify { since, ..AuditVerify::default() };
    assert_eq!(judged(since(0)), [Code::TamperedCheckpoint]);
    let newest = place.vault().audit_checkpoint().unwrap().size;
    assert_eq!(judged(since(newest)), []);
}

#[test]
fn where_no_checkpoint_says_how_large_a_log_is_its_tiles_are_not_called_foreign() {
    let exported = Exported::new();
    std::fs::remove_file(exported.folder.join("log/1/checkpoint")).unwrap();
    let report = verify(&exported.folder, exported.vault).unwrap();
    assert_eq!(report.verdict, "tampered");
    let about = |code| report.findings.iter().filter(move |finding| finding.code == code);
    assert_eq!(about(Code::TamperedCheckpoint).count(), 1, "{:?}", report.findings);
    assert_eq!(about(Code::UndeclaredFile).count(), 0, "{:?}", report.findings);
    std::fs::write(exported.folder.join("log/1/tiles"), b"").unwrap();
    assert!(codes(verify(&exported.folder, exported.vault)).contains(&Code::UndeclaredFile));
}
