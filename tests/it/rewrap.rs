//! New headers and new file keys for documents that are there, through the public library.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use gapvault::agefile::{CHUNK_LEN, UnverifiedHeader};
use gapvault::label::{Class, Role};
use gapvault::store::headers;
use gapvault::store::layout::Layout;
use gapvault::vault::{
    AuditShow, Code, ListRequest, NoProgress, RewrapReport, RewrapRequest, SealRequest, Vault,
};

use crate::verbs::{Place, sealing};

pub(crate) fn every() -> RewrapRequest {
    RewrapRequest { all: true, ..Default::default() }
}

fn of(id: &str) -> RewrapRequest {
    RewrapRequest { ids: vec![id.to_owned()], ..Default::default() }
}

/// A vault with a small, a three-chunk and an empty document; their ids and contents.
fn filled() -> (Place, BTreeMap<String, Vec<u8>>) {
    let place = Place::new();
    let mut documents = BTreeMap::new();
    for (name, bytes) in [("a", b"text".to_vec()), ("b", vec![7; 2 * CHUNK_LEN + 9]), ("c", vec![])] {
        let source = place.write(name, &bytes);
        let class = if name == "b" { Class::Important } else { Class::Critical };
        documents.insert(place.seal(&place.founder, &source, class), bytes);
    }
    (place, documents)
}

fn files(place: &Place, documents: &BTreeMap<String, Vec<u8>>) -> BTreeMap<String, Vec<u8>> {
    documents.keys().map(|id| (id.clone(), std::fs::read(place.document_path(id)).unwrap())).collect()
}

fn header_len(file: &[u8]) -> usize {
    UnverifiedHeader::parse(file).unwrap().len()
}

/// Everything opens to what it was, and nothing is found.
fn sound(place: &Place, documents: &BTreeMap<String, Vec<u8>>) {
    let report = place.vault().verify(&NoProgress).unwrap();
    assert!(report.findings.is_empty() && report.pending.is_empty(), "{report:?}");
    for (id, content) in documents {
        let to = tempfile::tempdir().unwrap();
        assert_eq!(&place.open(&place.founder, id, &to.path().join("out")).unwrap(), content);
    }
    let left = std::fs::read_dir(place.path("v/staging")).unwrap().count();
    assert_eq!(left, 0, "something stays in staging");
}

fn events(place: &Place, id: &str) -> Vec<String> {
    let shown = place.vault().show(None, id, true).unwrap();
    shown.history.unwrap().iter().map(|row| format!("{} {}", row.event, row.outcome)).collect()
}

fn ids(report: &RewrapReport) -> Vec<String> {
    let mut ids: Vec<String> = report.documents.iter().map(|row| row.id.to_string()).collect();
    ids.sort();
    ids
}

#[test]
fn a_new_header_stands_before_the_very_same_payload_and_the_log_names_it() {
    let (place, documents) = filled();
    let before = files(&place, &documents);
    let titles = |place: &Place| {
        let list = place.vault().list(Some(&place.founder), &ListRequest::default()).unwrap();
        list.documents.into_iter().map(|row| (row.id.to_string(), row.title)).collect::<BTreeMap<_, _>>()
    };
    let titled = titles(&place);
    let report = place.vault().rewrap(&place.founder, &every(), &NoProgress).unwrap();
    assert_eq!(ids(&report), documents.keys().cloned().collect::<Vec<_>>());
    assert!(report.failed.is_empty() && report.documents.iter().all(|row| row.in_place));
    for (id, now) in files(&place, &documents) {
        let len = header_len(&now);
        assert_ne!(now[..len], before[&id][..len]);
        assert_eq!(now[len..], before[&id][len..]);
        assert_eq!(events(&place, &id), ["document.seal ok", "document.rewrap ok"]);
    }
    sound(&place, &documents);
    assert_eq!(titles(&place), titled);
    // The index can be made anew from the log, and says the same.
    place.vault().rebuild(None, &NoProgress).unwrap();
    sound(&place, &documents);
    assert_eq!(titles(&place), titled);
}

#[test]
fn a_new_file_key_changes_header_nonce_payload_and_commitment_and_not_the_content() {
    let (place, documents) = filled();
    let before = files(&place, &documents);
    let shown = |id: &str| place.vault().show(None, id, false).unwrap().document;
    let report = place.vault().rekey(&place.founder, &every(), &NoProgress).unwrap();
    assert_eq!(report.documents.len(), 3);
    for (id, now) in files(&place, &documents) {
        let len = header_len(&now);
        assert_eq!((len, now.len()), (header_len(&before[&id]), before[&id].len()));
        assert_ne!(now[len..len + 16], before[&id][len..len + 16], "the nonce");
        assert_ne!(now[len + 16..], before[&id][len + 16..]);
        let row = report.documents.iter().find(|row| row.id.to_string() == id).unwrap();
        assert_eq!(shown(&id).payload_sha256, row.payload_sha256);
        assert_eq!(events(&place, &id), ["document.seal ok", "document.rekey ok"]);
    }
    sound(&place, &documents);
    // Again a new header, and another file key: every combination follows from the one before.
    for again in [Vault::rewrap, Vault::rekey, Vault::rekey, Vault::rewrap] {
        again(&place.vault(), &place.founder, &every(), &NoProgress).unwrap();
        sound(&place, &documents);
    }
    place.vault().rebuild(Some(&place.founder), &NoProgress).unwrap();
    sound(&place, &documents);
}

#[test]
fn a_run_that_is_gone_on_with_leaves_out_what_is_done() {
    let (place, documents) = filled();
    let first = documents.keys().next().unwrap();
    let begun = place.vault().rekey(&place.founder, &of(first), &NoProgress).unwrap();
    // A header that is made anew in between does not count as a new file key.
    let second = documents.keys().nth(1).unwrap();
    place.vault().rewrap(&place.founder, &of(second), &NoProgress).unwrap();
    let go_on = RewrapRequest { since: Some(begun.since), ..every() };
    let report = place.vault().rekey(&place.founder, &go_on, &NoProgress).unwrap();
    assert_eq!((report.skipped, report.documents.len(), report.since), (1, 2, begun.since));
    assert!(!ids(&report).contains(first));
    let again = place.vault().rekey(&place.founder, &go_on, &NoProgress).unwrap();
    assert_eq!((again.skipped, again.documents.len()), (3, 0));
    let rewrapped = place.vault().rewrap(&place.founder, &go_on, &NoProgress).unwrap();
    assert_eq!((rewrapped.skipped, rewrapped.documents.len()), (3, 0), "new file keys bring new headers");
    sound(&place, &documents);
}

#[test]
fn it_takes_an_officer_or_a_clerk_with_the_clearance() {
    let (place, documents) = filled();
    let clerk = place.join("courier", Role::Courier, &[Class::Critical, Class::Important], true);
    let officer = place.join("officer", Role::Officer, &[Class::Important], false);
    let before = files(&place, &documents);
    let id = documents.keys().next().unwrap();
    for run in [Vault::rewrap, Vault::rekey] {
        let refused = run(&place.vault(), &clerk, &of(id), &NoProgress).unwrap_err();
        assert_eq!(refused.code(), Code::NoRole);
        let refused = run(&place.vault(), &clerk, &every(), &NoProgress).unwrap();
        assert!(refused.documents.is_empty() && refused.failed.iter().all(|row| row.code == Code::NoRole));
        assert_eq!(refused.failed.len(), 3);
    }
    assert_eq!(files(&place, &documents), before);
    assert!(events(&place, id).contains(&"document.rekey denied".to_owned()));
    // What the officer may not open is told, and the rest is done.
    let report = place.vault().rewrap(&officer, &every(), &NoProgress).unwrap();
    assert_eq!((report.documents.len(), report.failed.len()), (1, 2));
    assert!(report.failed.iter().all(|row| row.code == Code::NoClearance));
    sound(&place, &documents);
    let missing = place.vault().rekey(&officer, &of(&"0".repeat(32)), &NoProgress).unwrap_err();
    assert_eq!(missing.code(), Code::NoDocument);
}

#[test]
fn a_damaged_document_keeps_what_it_has_and_the_others_are_done() {
    for rekey in [false, true] {
        let (place, documents) = filled();
        let (id, _) = documents.iter().find(|(_, content)| content.len() > CHUNK_LEN).unwrap();
        let path = place.document_path(id);
        let whole = std::fs::read(&path).unwrap();
        let len = header_len(&whole);
        // A new header needs the header and the nonce only; a new file key everything.
        let (places, run): (&[(usize, Code)], fn(&_, &_, &_, &_) -> _) = if rekey {
            let last = whole.len() - 1;
            let payload = Code::TamperedPayload;
            (&[(40, Code::TamperedHeader), (len, Code::TamperedCommitment), (last, payload)], Vault::rekey)
        } else {
            (&[(40, Code::TamperedHeader), (len, Code::TamperedCommitment)], Vault::rewrap)
        };
        for (at, code) in places {
            let mut bad = whole.clone();
            bad[*at] ^= 1;
            std::fs::write(&path, &bad).unwrap();
            let report = run(&place.vault(), &place.founder, &every(), &NoProgress).unwrap();
            assert_eq!((report.documents.len(), report.failed.len()), (2, 1));
            assert_eq!((report.failed[0].source.as_str(), report.failed[0].code), (id.as_str(), *code));
            assert_eq!(std::fs::read(&path).unwrap(), bad, "evidence is not overwritten");
            assert!(events(&place, id).last().unwrap().ends_with(" failed"));
        }
        std::fs::write(&path, &whole).unwrap();
        sound(&place, &documents);
    }
}

/// Copies a tree.
fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    std::fs::set_permissions(to, std::fs::metadata(from).unwrap().permissions()).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Somebody who can write into the folder but has no log key adds entries to the log's tail, with a journal or a staged
/// document that fit them. They are taken up as entries that nobody signed for, and change no document.
#[test]
fn a_header_that_nobody_signed_for_is_not_put_in_place() {
    for rekey in [false, true] {
        let (place, documents) = filled();
        let id = documents.keys().next().unwrap();
        // The forger's material comes from a real run on a copy of the vault at the same path.
        let aside = place.path("aside");
        copy(&place.path("v"), &aside.join("v"));
        copy(&place.path("state"), &aside.join("state"));
        let run = if rekey { Vault::rekey } else { Vault::rewrap };
        run(&place.vault(), &place.founder, &of(id), &NoProgress).unwrap();
        let forged = std::fs::read(place.document_path(id)).unwrap();
        let tail = std::fs::read(place.path("v/log/tail")).unwrap();
        let request = AuditShow { last: Some(1), document: None };
        let entry = place.vault().audit_show(&request).unwrap().entries.pop().unwrap();
        let session = entry["session"].as_str().unwrap().to_owned();
        for name in ["v", "state"] {
            std::fs::remove_dir_all(place.path(name)).unwrap();
            copy(&aside.join(name), &place.path(name));
        }
        let whole = std::fs::read(place.document_path(id)).unwrap();
        assert!(whole != forged);
        let folder = place.path("v/staging").join(&session);
        std::fs::create_dir(&folder).unwrap();
        std::fs::write(folder.join("lock"), "").unwrap();
        if rekey {
            std::fs::write(folder.join(format!("documents+{}+{id}.age", &id[..2])), &forged).unwrap();
        } else {
            std::fs::write(folder.join("headers"), journal(id, &forged[..header_len(&forged)])).unwrap();
        }
        std::fs::write(place.path("v/log/tail"), &tail).unwrap();
        let pending = place.vault().verify(&NoProgress).unwrap();
        assert!(pending.findings.is_empty(), "{pending:?}");
        assert!(pending.pending.contains(&format!("rewrap {id}")), "{:?}", pending.pending);

        place.vault().status().unwrap();
        assert_eq!(std::fs::read(place.document_path(id)).unwrap(), whole);
        let again = if rekey { "document.rekey ok" } else { "document.rewrap ok" };
        assert_eq!(events(&place, id), ["document.seal ok", again, again]);
        sound(&place, &documents);
        place.vault().rebuild(None, &NoProgress).unwrap();
        sound(&place, &documents);
    }
}

fn journal(id: &str, header: &[u8]) -> Vec<u8> {
    let mut bytes = b"gapvault.headers/v1\n".to_vec();
    bytes.extend((0..16).map(|at| u8::from_str_radix(&id[2 * at..2 * at + 2], 16).unwrap()));
    bytes.extend(u32::try_from(header.len()).unwrap().to_be_bytes());
    bytes.extend(header);
    bytes
}

#[test]
fn the_journal_is_what_the_format_page_says() {
    let (place, documents) = filled();
    let id = documents.keys().next().unwrap();
    let whole = std::fs::read(place.document_path(id)).unwrap();
    let header = &whole[..header_len(&whole)];
    let digest = place.vault().show(None, id, false).unwrap().document.header_sha256;
    let layout = Layout::new(&place.path("v"));
    let session = "0123456789abcdef0123456789abcdef".parse().unwrap();
    std::fs::create_dir(layout.session(session)).unwrap();
    std::fs::write(layout.session_journal(session), journal(id, header)).unwrap();
    let disk = place.site().disk;
    let found = headers::find(&*disk, &layout, session, id.parse().unwrap(), digest).unwrap();
    assert!(found.as_deref() == Some(header));
}

/// Documents come out while another process gives them new headers and file keys all the time.
#[test]
fn readers_are_not_disturbed_by_headers_that_are_replaced() {
    let (place, documents) = filled();
    let id = documents.iter().find(|(_, content)| content.len() > CHUNK_LEN).unwrap().0;
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            for round in 0..6 {
                let run = if round % 2 == 0 { Vault::rewrap } else { Vault::rekey };
                let report = run(&place.vault(), &place.founder, &every(), &NoProgress).unwrap();
                assert_eq!(report.documents.len(), 3);
            }
        });
        let mut rounds = 0;
        while !writer.is_finished() || rounds < 2 {
            let to = tempfile::tempdir().unwrap();
            let got = place.open(&place.founder, id, &to.path().join("out")).unwrap();
            assert_eq!(got, documents[id]);
            let report = place.vault().verify(&NoProgress).unwrap();
            assert!(report.findings.is_empty(), "{report:?}");
            rounds += 1;
        }
    });
    sound(&place, &documents);
}

#[test]
fn a_thousand_and_some_documents_take_more_than_one_batch() {
    let place = Place::new();
    let folder: PathBuf = place.path("many");
    for number in 0..1100 {
        place.write(&format!("many/{number}"), format!("text {number}").as_bytes());
    }
    let request = SealRequest { ..sealing(&folder, Class::Important) };
    let sealed = place.vault().seal(&place.founder, &request, &NoProgress).unwrap();
    assert_eq!(sealed.documents.len(), 1100);
    for run in [Vault::rewrap, Vault::rekey] {
        let report = run(&place.vault(), &place.founder, &every(), &NoProgress).unwrap();
        assert_eq!((report.documents.len(), report.failed.len()), (1100, 0));
    }
    let report = place.vault().verify(&NoProgress).unwrap();
    assert_eq!((report.verdict.as_str(), report.documents), ("ok", 1100));
    assert_eq!(std::fs::read_dir(place.path("v/staging")).unwrap().count(), 0);
}
