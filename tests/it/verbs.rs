//! The verbs through the public library, on a small builder.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use gapvault::label::{Class, KeyKind, Role, Zone};
use gapvault::time::{Clock, Moment, Timestamp};
use gapvault::vault::{
    self, AuditShow, Code, Identity, IdentityNew, InitRequest, ListRequest, MemberAdd, NoProgress,
    OpenRequest, OpenTo, Policy, SealRequest, Secret, Site, SystemClock, Vault,
};
use secrecy::SecretString;

/// A vault in a folder that vanishes, its founder, and whoever joined.
pub(crate) struct Place {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) founder: Identity,
}

pub(crate) fn words() -> SecretString {
    SecretString::from("correct horse".to_owned())
}

impl Place {
    /// A new vault named `v` with its founder.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let site = site(folder.path());
        let founder = person(&site, folder.path(), "王小明");
        let request = InitRequest {
            policy: Some(Policy::for_one_person()),
            ..InitRequest::new("第一庫", Zone::Networked, KeyKind::Classic)
        };
        vault::init(&site, &folder.path().join("v"), &founder, &request).unwrap();
        Self { folder, founder }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn site(&self) -> Site {
        site(self.folder.path())
    }

    pub(crate) fn vault(&self) -> Vault {
        Vault::at(self.site(), &self.path("v")).unwrap()
    }

    /// Somebody joins.
    pub(crate) fn join(&self, name: &str, role: Role, clearance: &[Class], titles: bool) -> Identity {
        let identity = person(&self.site(), self.folder.path(), name);
        let request = MemberAdd {
            card: self.path(&format!("{name}.id.card")),
            role,
            clearance: clearance.to_vec(),
            titles,
            import: false,
            release: false,
            until: None,
            sponsor: None,
            confirm: &mut |_| Ok(()),
        };
        self.vault().member_add(&self.founder, request).unwrap();
        identity
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Seals a file; gives its id.
    pub(crate) fn seal(&self, me: &Identity, path: &Path, class: Class) -> String {
        let report = self.vault().seal(me, &sealing(path, class), &NoProgress).unwrap();
        assert!(report.failed.is_empty(), "{:?}", report.failed);
        report.documents[0].id.to_string()
    }

    pub(crate) fn open(&self, me: &Identity, id: &str, to: &Path) -> Result<Vec<u8>, vault::Error> {
        let request = OpenRequest {
            ids: vec![id.to_owned()],
            all: false,
            to: OpenTo::File(to.to_owned()),
            reason: Some("查核".into()),
            request: None,
        };
        self.vault().open(me, request, &NoProgress)?;
        Ok(std::fs::read(to).unwrap())
    }

    pub(crate) fn document_path(&self, id: &str) -> PathBuf {
        self.path("v").join("documents").join(&id[..2]).join(format!("{id}.age"))
    }
}

pub(crate) fn sealing(path: &Path, class: Class) -> SealRequest {
    SealRequest { paths: vec![path.to_owned()], class, title: None, remove_original: false, dry_run: false }
}

pub(crate) fn site(folder: &Path) -> Site {
    site_with(&folder.join("state"))
}

pub(crate) fn site_with(state: &Path) -> Site {
    Site::system(state.to_owned(), Duration::from_secs(5), Arc::new(|_| ()))
}

pub(crate) fn person(site: &Site, folder: &Path, name: &str) -> Identity {
    let out = folder.join(format!("{name}.id"));
    let request = IdentityNew {
        name: name.into(),
        out: out.clone(),
        secret: Secret::Passphrase(words()),
        work_factor: 10,
        kind: KeyKind::Classic,
        key: None,
    };
    vault::identity_new(site, &request).unwrap();
    vault::unlock_identity(site, &out, &words()).unwrap()
}

pub(crate) fn sound(place: &Place) {
    let report = place.vault().verify(&NoProgress).unwrap();
    assert_eq!((report.verdict.as_str(), report.findings.len()), ("ok", 0), "{:?}", report.findings);
    assert!(report.pending.is_empty(), "{:?}", report.pending);
    let report = place.vault().audit_verify(&NoProgress).unwrap();
    assert_eq!((report.verdict.as_str(), report.findings.len()), ("ok", 0), "{:?}", report.findings);
    assert_eq!(report.size, report.signed_size);
}

/// The machine's clock, so many milliseconds ahead.
pub(crate) struct Ahead(pub(crate) AtomicI64);

impl Clock for Ahead {
    fn now(&self) -> Moment {
        let now = SystemClock.now();
        let time = now.time.unix_ms() + self.0.load(Ordering::SeqCst);
        Moment { time: Timestamp::from_unix_ms(time), ..now }
    }
}

#[test]
fn a_locked_identity_says_for_how_long_and_opens_when_that_is_over() {
    let place = Place::new();
    let clock = Arc::new(Ahead(AtomicI64::new(0)));
    let site = Site { clock: clock.clone(), ..place.site() };
    let vault = Vault::at(site, &place.path("v")).unwrap();
    let file = place.path("王小明.id");
    let attempt = |words: SecretString| vault.unlock(&file, &words).map(|me| me.id());
    for _ in 0..5 {
        let error = attempt(SecretString::from("x".to_owned())).unwrap_err();
        assert_eq!(error.code(), Code::WrongPassphrase);
    }
    let fact = |wanted: &str| {
        let error = attempt(words()).unwrap_err();
        assert_eq!(error.code(), Code::LockedOut);
        error.facts().iter().find(|(name, _)| *name == wanted).unwrap().1.clone()
    };
    let until: Timestamp = fact("until").parse().unwrap();
    let minutes = fact("minutes");
    assert!(["14", "15"].contains(&minutes.as_str()), "{minutes}");
    clock.0.store(14 * 60_000, Ordering::SeqCst);
    assert_eq!(fact("minutes"), "1");
    clock.0.store(15 * 60_000, Ordering::SeqCst);
    assert!(clock.now().time >= until);
    assert_eq!(attempt(words()).unwrap(), place.founder.id());
    sound(&place);
}

#[test]
fn a_document_goes_in_and_comes_out_and_the_log_says_so() {
    let place = Place::new();
    let source = place.write("計畫 \"a\".txt", b"secret text");
    filetime::set_file_mtime(&source, filetime::FileTime::from_unix_time(1_000_000_000, 123_456_789))
        .unwrap();
    let id = place.seal(&place.founder, &source, Class::Critical);

    let bare = place.vault().list(None, &ListRequest::default()).unwrap();
    assert_eq!((bare.documents.len(), bare.documents[0].title.clone()), (1, None));
    let titled = place.vault().list(Some(&place.founder), &ListRequest::default()).unwrap();
    assert_eq!(titled.documents[0].title.as_deref(), Some("計畫 \"a\".txt"));

    let out = place.path("out.txt");
    assert_eq!(place.open(&place.founder, &id[..6], &out).unwrap(), b"secret text");
    let time = filetime::FileTime::from_last_modification_time(&std::fs::metadata(&out).unwrap());
    assert_eq!((time.unix_seconds(), time.nanoseconds()), (1_000_000_000, 123_456_789));

    let shown = place.vault().show(Some(&place.founder), &id, true).unwrap();
    let history = shown.history.unwrap();
    let events: Vec<(&str, &str)> =
        history.iter().map(|row| (row.event.as_str(), row.phase.as_str())).collect();
    assert_eq!(
        events,
        [
            ("document.seal", "single"),
            ("document.open", "intent"),
            ("document.open", "done"),
            ("title.read", "intent")
        ]
    );
    assert_eq!(history[1].reason.as_deref(), Some("查核"));
    assert_eq!(history[1].name.as_deref(), Some("王小明"));
    sound(&place);
}

#[test]
fn rights_are_held_and_refusals_are_written_down() {
    let place = Place::new();
    let clerk = place.join("陳美玲", Role::Clerk, &[Class::Important], false);
    let source = place.write("a.txt", b"critical");
    let critical = place.seal(&clerk, &source, Class::Critical);
    let important = place.seal(&clerk, &source, Class::Important);
    assert_eq!(place.open(&clerk, &important, &place.path("o1")).unwrap(), b"critical");
    let denied = place.open(&clerk, &critical, &place.path("o2")).unwrap_err();
    assert_eq!(denied.code(), Code::NoClearance);
    assert!(!place.path("o2").exists());
    let listed = place.vault().list(Some(&clerk), &ListRequest::default()).unwrap();
    assert!(listed.documents.iter().all(|row| row.title.is_none()));
    assert_eq!(place.vault().destroy(&clerk, &critical, "r", None).unwrap_err().code(), Code::NoClearance);
    // Searching titles is looking at them.
    let search = ListRequest { find: Some("a".into()), class: None };
    assert_eq!(place.vault().list(Some(&clerk), &search).unwrap_err().code(), Code::NoTitleRight);
    assert_eq!(place.vault().list(None, &search).unwrap_err().code(), Code::NoIdentity);
    // What the clerk sealed is folded in by somebody who may see titles.
    let titled = place.vault().list(Some(&place.founder), &ListRequest::default()).unwrap();
    assert!(titled.documents.iter().all(|row| row.title.as_deref() == Some("a.txt")));

    let entries = place.vault().audit_show(&AuditShow::default()).unwrap().entries;
    let denied: Vec<&str> = entries
        .iter()
        .filter(|entry| entry["outcome"] == "denied")
        .map(|entry| entry["reason"].as_str().unwrap())
        .collect();
    assert_eq!(denied, ["denied.clearance", "denied.clearance", "denied.titles"]);
    let wrong = place.vault().unlock(&place.path("陳美玲.id"), &SecretString::from("x".to_owned()));
    assert_eq!(wrong.unwrap_err().code(), Code::WrongPassphrase);
    let stranger = person(&place.site(), place.folder.path(), "stranger");
    let got = place.vault().unlock(&place.path("stranger.id"), &words());
    assert_eq!(got.unwrap_err().code(), Code::NotAMember);
    let sealed = place.vault().seal(&stranger, &sealing(&source, Class::Important), &NoProgress);
    assert_eq!(sealed.unwrap_err().code(), Code::NotAMember);
    let last = place.vault().audit_show(&AuditShow { last: Some(3), document: None }).unwrap().entries;
    assert!(
        last.iter()
            .all(|entry| entry["category"] == "authentication-failure" || entry["outcome"] == "denied")
    );
    sound(&place);
}

#[test]
fn a_tree_comes_back_with_its_names_and_a_destroyed_document_does_not() {
    use std::os::unix::ffi::OsStringExt as _;
    let place = Place::new();
    let odd = std::ffi::OsString::from_vec(b"bad\xff \"q'\n\x1b".to_vec());
    place.write("tree/中文/a b.txt", b"one");
    std::fs::write(place.path("tree").join(&odd), b"two").unwrap();
    std::fs::write(place.path("tree").join("x".repeat(255)), b"").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", place.path("tree/link")).unwrap();
    let report = place
        .vault()
        .seal(&place.founder, &sealing(&place.path("tree"), Class::Important), &NoProgress)
        .unwrap();
    assert_eq!((report.documents.len(), report.skipped.len(), report.failed.len()), (3, 1, 0));
    let request = OpenRequest {
        ids: vec![],
        all: true,
        to: OpenTo::Into(place.path("out")),
        reason: None,
        request: None,
    };
    let opened = place.vault().open(&place.founder, request, &NoProgress).unwrap();
    assert_eq!((opened.documents.len(), opened.failed.len()), (3, 0), "{:?}", opened.failed);
    let out = place.path("out/tree");
    assert_eq!(std::fs::read(out.join("中文/a b.txt")).unwrap(), b"one");
    assert_eq!(std::fs::read(out.join(&odd)).unwrap(), b"two");
    assert_eq!(std::fs::read(out.join("x".repeat(255))).unwrap(), b"");

    let id = report.documents[0].id.to_string();
    place.vault().destroy(&place.founder, &id, "期滿", None).unwrap();
    assert!(!place.document_path(&id).exists());
    let gone = place.open(&place.founder, &id, &place.path("o")).unwrap_err();
    assert_eq!(gone.code(), Code::Destroyed);
    assert_eq!(place.vault().status().unwrap().documents, 2);
    sound(&place);
}

#[test]
fn many_documents_cut_bundles_and_the_index_can_be_rebuilt() {
    let place = Place::new();
    for number in 0..600 {
        place.write(&format!("many/{number}"), format!("{number}").as_bytes());
    }
    let report = place
        .vault()
        .seal(&place.founder, &sealing(&place.path("many"), Class::Important), &NoProgress)
        .unwrap();
    assert_eq!(report.documents.len(), 600);
    assert!(place.path("v/log/tile/entries/001").is_file());
    sound(&place);
    std::fs::remove_dir_all(place.path("v/sled")).unwrap();
    assert_eq!(place.vault().status().unwrap_err().code(), Code::MissingIndex);
    let rebuilt = place.vault().rebuild(Some(&place.founder), &NoProgress).unwrap();
    assert_eq!(rebuilt.documents, 600);
    let titled = place.vault().list(Some(&place.founder), &ListRequest::default()).unwrap();
    assert!(titled.documents.iter().all(|row| row.title.is_some()));
    sound(&place);
}

#[test]
fn a_lost_host_state_is_resumed_in_a_new_epoch() {
    let place = Place::new();
    let source = place.write("a.txt", b"text");
    let id = place.seal(&place.founder, &source, Class::Important);
    std::fs::remove_dir_all(place.path("state")).unwrap();
    assert_eq!(place.vault().status().unwrap_err().code(), Code::UnknownVault);
    place.vault().host_trust(&mut |_| Ok(())).unwrap();
    assert_eq!(place.vault().list(None, &ListRequest::default()).unwrap().documents.len(), 1);
    let sealed = place.vault().seal(&place.founder, &sealing(&source, Class::Important), &NoProgress);
    assert_eq!(sealed.unwrap_err().code(), Code::HostNotEnrolled);
    let resumed = place.vault().host_resume(&place.founder, "還原", &mut |_| Ok(())).unwrap();
    assert_eq!(resumed.epoch, 2);
    assert_eq!(place.open(&place.founder, &id, &place.path("o")).unwrap(), b"text");
    place.seal(&place.founder, &source, Class::Critical);
    assert_eq!(place.vault().list(None, &ListRequest::default()).unwrap().documents.len(), 2);
    sound(&place);
    place.vault().rebuild(Some(&place.founder), &NoProgress).unwrap();
    assert_eq!(place.vault().list(None, &ListRequest::default()).unwrap().documents.len(), 2);
    sound(&place);
}

#[test]
fn a_second_host_is_enrolled_and_the_first_follows() {
    let place = Place::new();
    let source = place.write("a.txt", b"text");
    place.seal(&place.founder, &source, Class::Important);
    let other = || {
        let mut other = place.site();
        other.state = place.path("state2");
        Vault::at(other, &place.path("v")).unwrap()
    };
    other().host_trust(&mut |_| Ok(())).unwrap();
    other().host_enrol(&place.founder).unwrap();
    other().seal(&place.founder, &sealing(&source, Class::Critical), &NoProgress).unwrap();
    assert_eq!(place.vault().list(None, &ListRequest::default()).unwrap().documents.len(), 2);
    place.seal(&place.founder, &source, Class::Critical);
    assert_eq!(other().list(None, &ListRequest::default()).unwrap().documents.len(), 3);
    sound(&place);
}

#[test]
fn a_destruction_that_nobody_signed_for_destroys_nothing() {
    use gapvault::crypto::Random as _;
    use gapvault::crypto::SystemRandom;
    use gapvault::id::{DocumentId, SessionId};
    use gapvault::log::entry::{Draft, Entry, Event, Object, Outcome, Phase};
    use gapvault::log::frames::ENTRIES;
    use gapvault::time::Clock as _;

    let place = Place::new();
    let source = place.write("a.txt", b"text");
    let id = place.seal(&place.founder, &source, Class::Important);
    let tail = place.path("v/log/tail");
    let mut bytes = std::fs::read(&tail).unwrap();
    let last = Entry::parse(ENTRIES.parse_tail(&bytes).records.last().unwrap()).unwrap();
    let now = gapvault::vault::SystemClock.now();
    let session = SessionId(SystemRandom::new().bytes16().unwrap());
    let mut forged = Draft::new(Event::DocumentDestroy, Outcome::Ok, session, last.host(), last.zone(), &now);
    forged.phase = Phase::Intent;
    forged.object = Some(Object::document(id.parse::<DocumentId>().unwrap()));
    let forged = forged.entry(last.seq() + 1).unwrap().to_bytes();
    ENTRIES.append(&mut bytes, &forged).unwrap();
    std::fs::write(&tail, bytes).unwrap();

    assert_eq!(place.vault().status().unwrap().documents, 1);
    assert_eq!(place.open(&place.founder, &id, &place.path("o")).unwrap(), b"text");
    let entries = place.vault().audit_show(&AuditShow::default()).unwrap().entries;
    let said = |entry: &serde_json::Value| entry["detail"]["code"] == "intent-not-signed";
    assert!(entries.iter().any(|entry| said(entry) && entry["outcome"] == "failed"));
    sound(&place);
}

#[test]
fn a_new_vault_begins_with_its_own_entry() {
    let place = Place::new();
    let entries = place.vault().audit_show(&AuditShow::default()).unwrap().entries;
    assert_eq!(entries[0]["event"], "vault.init");
}
