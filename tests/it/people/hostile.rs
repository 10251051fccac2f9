//! Entries, key files and staged files that somebody without a log key, or a power cut, left in the vault's folder.

mod meanwhile;
mod proposals;

use std::path::PathBuf;
use std::sync::atomic::AtomicU64;

use gapvault::crypto::{Digest, Random as _, SystemRandom};
use gapvault::id::SessionId;
use gapvault::label::Zone;
use gapvault::log::entry::{Commitment, Draft, Entry, Event, Object, ObjectKind, Outcome};
use gapvault::note::{Fields, SignedNote};
use gapvault::time::{Clock as _, Timestamp};
use gapvault::vault::{
    Code, ExceptRequest, Link, LinkKind, NoProgress, OpenRequest, OpenTo, Policy, RewrapRequest, SystemClock,
    Vault,
};

use super::leaving::Stops;
use super::requests::Links;
use super::rosters::{leave, send_away};
use super::{Office, asked, code, done, signed};
use crate::attacks::records::{framed, records};
use crate::attacks::scene::{copy, put};
use crate::verbs::sound;

impl Office {
    fn tail(&self) -> Vec<Vec<u8>> {
        records(&std::fs::read(self.place.path("v/log/tail")).unwrap())
    }

    fn set_tail(&self, records: &[Vec<u8>]) {
        std::fs::write(self.place.path("v/log/tail"), framed(records)).unwrap();
    }

    /// Adds an entry to the log's tail that nobody signed for.
    fn forge(&self, event: Event, change: impl FnOnce(&mut Draft)) {
        let mut tail = self.tail();
        let last = Entry::parse(tail.last().unwrap()).unwrap();
        let session = SessionId(SystemRandom::new().bytes16().unwrap());
        let now = SystemClock.now();
        let mut draft = Draft::new(event, Outcome::Ok, session, last.host(), last.zone(), &now);
        change(&mut draft);
        tail.push(draft.entry(last.seq() + 1).unwrap().to_bytes());
        self.set_tail(&tail);
    }

    /// Keeps the vault and the host's state as they are.
    fn keep(&self) {
        copy(&self.place.path("v"), &self.place.path("kept-v"));
        copy(&self.place.path("state"), &self.place.path("kept-state"));
    }

    /// Puts both back as they were, except for what the log's tail says.
    fn put_back(&self, tail: &[Vec<u8>]) {
        put(&self.place.path("kept-v"), &self.place.path("v"));
        put(&self.place.path("kept-state"), &self.place.path("state"));
        self.set_tail(tail);
    }

    fn pending(&self) -> Vec<String> {
        self.place.vault().status().unwrap().pending
    }

    /// What somebody gets who opens a document.
    fn opens(&self, id: &str) -> Result<Vec<u8>, Code> {
        let to = self.place.path("opened");
        let opened = self.place.open(&self.carl, id, &to).map_err(|error| error.code());
        let _ = std::fs::remove_file(to);
        opened
    }

    /// The folder of a session's staged files.
    fn staged(&self, session: SessionId) -> PathBuf {
        let folder = self.place.path("v/staging").join(session.to_string());
        std::fs::create_dir_all(&folder).unwrap();
        folder
    }

    /// The vault as it is on a machine with these links.
    fn linked(&self, links: &[&str]) -> Vault {
        let link = |name: &&str| Link { kind: LinkKind::Interface, name: (*name).to_owned() };
        let links = Links(links.iter().map(link).collect());
        let site = gapvault::vault::Site { surroundings: std::sync::Arc::new(links), ..self.place.site() };
        Vault::at(site, &self.place.path("v")).unwrap()
    }
}

/// The documents of a vault, all at once.
fn all_into(folder: PathBuf) -> OpenRequest<'static> {
    OpenRequest { ids: vec![], all: true, to: OpenTo::Into(folder), reason: None, request: None }
}

#[test]
fn a_rewrap_that_nobody_signed_for_is_done_again_before_the_old_key_goes() {
    let office = Office::new(1);
    let id = office.document();
    let stops = Stops { after: 0, steps: AtomicU64::new(0) };
    let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        send_away(&office.place.vault(), office.olga(), &office.cara, false, &stops).map(|_| ())
    }));
    assert!(stopped.is_err(), "the document waits");
    assert_eq!(office.pending(), ["rewrap important.2 1"]);
    office.keep();
    let request = RewrapRequest { all: true, since: Some(u64::MAX - 1), ..Default::default() };
    let report = office.place.vault().rewrap(&office.otto, &request, &NoProgress).unwrap();
    assert_eq!(report.documents.len(), 1);
    // The entry is there and the header is not.
    office.put_back(&office.tail());
    assert_eq!(office.pending(), ["log-recover", "rewrap important.2 1"]);
    // Taken up, the entry says that it was done, but nobody signed that.
    assert_eq!(office.pending(), ["rewrap important.2 1"]);
    let report = office.place.vault().key_finish(&office.otto, false, &NoProgress).unwrap();
    assert_eq!((report.rewrapped, report.waiting), (1, 0));
    let report = office.place.vault().key_retire(office.olga()).unwrap();
    assert_eq!(report.retired, ["important.1"]);
    assert_eq!(office.opens(&id), Ok(b"text".to_vec()));
    sound(&office.place);
}

#[test]
fn a_forged_entry_of_a_key_changes_nothing_about_its_rotation() {
    let office = Office::new(1);
    let carl = office.carl.id();
    office.forge(Event::KeyWrap, |draft| {
        draft.object = Some(Object::member(carl));
        draft.detail.code = "important.2".parse().ok();
    });
    // What the rotation is dated by must be its own entry, or the document counts as sealed after it.
    let id = office.document();
    let report = done(leave(&office, &office.cara).unwrap());
    assert_eq!((report.documents.rewrapped, report.may_still_have), (1, 1));
    assert_eq!(office.place.vault().key_retire(office.olga()).unwrap().retired, ["important.1"]);
    assert_eq!(office.opens(&id), Ok(b"text".to_vec()));
    sound(&office.place);
}

#[test]
fn a_rotation_without_the_entries_of_its_keys_comes_with_its_keys() {
    let office = Office::new(1);
    let id = office.document();
    office.keep();
    let before = office.tail().len();
    done(office.place.vault().key_rotate(office.olga(), false, &NoProgress).unwrap());
    let (version, _) = office.newest_roster();
    let tail = office.tail();
    let first = Entry::parse(&tail[before]).unwrap();
    assert_eq!((first.event(), first.detail().version), (Event::RosterChange, Some(version)));
    copy(&office.place.path("v"), &office.place.path("after"));
    // What a power cut in the middle of the record leaves: the first entry, and everything staged.
    office.put_back(&tail[..=before]);
    let staged = office.staged(first.session());
    let roster = format!("{version:04}.note");
    let after = office.place.path("after");
    std::fs::copy(after.join("roster").join(&roster), staged.join(format!("roster+{roster}"))).unwrap();
    for purpose in ["catalogue", "critical", "important", "transfer"] {
        for file in std::fs::read_dir(after.join("keys").join(purpose).join("2")).unwrap() {
            let (from, name) = file.map(|file| (file.path(), file.file_name())).unwrap();
            let name = format!("keys+{purpose}+2+{}", name.to_str().unwrap());
            std::fs::copy(from, staged.join(name)).unwrap();
        }
    }
    assert_eq!(office.pending(), ["log-recover", "rewrap important.2 1"]);
    assert_eq!(office.newest_roster().0, version);
    let report = office.place.vault().key_finish(&office.otto, false, &NoProgress).unwrap();
    assert_eq!((report.rewrapped, report.waiting, report.keys_waiting), (1, 0, 0));
    let report = office.place.vault().key_retire(office.olga()).unwrap();
    assert_eq!(report.retired, ["critical.1", "important.1"]);
    assert_eq!(office.opens(&id), Ok(b"text".to_vec()));
    done(leave(&office, &office.cara).unwrap());
    assert_eq!(office.opens(&id), Ok(b"text".to_vec()));
    sound(&office.place);
}

#[test]
fn a_damaged_own_key_file_hinders_no_departure() {
    let office = Office::new(1);
    let id = office.document();
    let key = |of| office.place.path(&format!("v/keys/important/1/{of}.age"));
    let kept = std::fs::read(key(office.olga().id())).unwrap();
    // Carl lacks his, and olga, who would give it to him, cannot read hers.
    std::fs::remove_file(key(office.carl.id())).unwrap();
    std::fs::write(key(office.olga().id()), b"junk").unwrap();
    done(leave(&office, &office.cara).unwrap());
    assert!(office.roster().member(office.cara.id()).is_none());
    std::fs::write(key(office.olga().id()), kept).unwrap();
    let report = office.place.vault().key_finish(office.olga(), false, &NoProgress).unwrap();
    assert!(report.failed.is_empty() && report.waiting == 0 && report.keys_waiting == 0, "{report:?}");
    assert_eq!(office.opens(&id), Ok(b"text".to_vec()));
    sound(&office.place);
}

#[test]
fn entries_that_nobody_signed_for_keep_no_document_from_being_read() {
    let office = Office::new(1);
    let id = office.document();
    let mut entries = office.tail().into_iter().map(|record| Entry::parse(&record).unwrap());
    let sealed = entries.find(|entry| entry.event() == Event::DocumentSeal).unwrap();
    let real = sealed.object().unwrap().clone();
    let mut fake = real.clone();
    fake.payload_sha256 = Some(Digest([7; 32]));
    fake.commitment = Some(Commitment([8; 32]));
    // The second one restores what the first one says, so that neither is simply the newest.
    office.forge(Event::DocumentRekey, |draft| draft.object = Some(fake));
    office.forge(Event::DocumentRewrap, |draft| draft.object = Some(real));
    assert_eq!(office.pending(), ["log-recover"]);
    assert_eq!(office.opens(&id), Ok(b"text".to_vec()));
    sound(&office.place);
    office.place.vault().rebuild(Some(office.olga()), &NoProgress).unwrap();
    assert_eq!(office.opens(&id), Ok(b"text".to_vec()));
    sound(&office.place);
}

#[test]
fn a_forged_entry_of_a_roster_puts_nothing_in_force() {
    let office = Office::new(1);
    let id = office.document();
    let (version, note) = office.newest_roster();
    office.forge(Event::RosterChange, |draft| {
        draft.object = Some(Object::of_kind(ObjectKind::Roster));
        draft.detail.version = Some(version + 1);
        draft.detail.note_sha256 = Some(Digest([9; 32]));
    });
    assert_eq!(office.pending(), ["log-recover"]);
    assert_eq!(office.opens(&id), Ok(b"text".to_vec()));
    let (same, newest) = office.newest_roster();
    assert_eq!((same, newest.digest()), (version, note.digest()));
    sound(&office.place);
    // The version it claimed is free for the real one.
    done(leave(&office, &office.cara).unwrap());
    assert_eq!(office.newest_roster().0, version + 1);
    sound(&office.place);
}

#[test]
fn a_rebuild_publishes_no_roster_that_no_entry_names() {
    let office = Office::new(2);
    let policy = Policy::for_one_person();
    let request = asked(office.place.vault().policy_set(office.olga(), &policy, None).unwrap());
    // A session that recorded a request, and a whole roster staged under its name.
    let last = Entry::parse(office.tail().last().unwrap()).unwrap();
    assert_eq!(last.event(), Event::RequestMake);
    let own = office.file(&request, &format!("proposed-{}.note", office.olga().id()));
    let own = SignedNote::parse(&std::fs::read(own).unwrap()).unwrap();
    let version = office.newest_roster().0 + 1;
    let name = format!("roster+{version:04}.note");
    let whole = signed(own.text(), &[office.olga(), &office.otto]).print();
    std::fs::write(office.staged(last.session()).join(name), whole).unwrap();
    std::fs::remove_dir_all(office.place.path("v/sled")).unwrap();
    office.place.vault().rebuild(None, &NoProgress).unwrap();
    assert!(!office.roster_path(version).exists());
    assert_eq!(office.place.vault().policy_show().unwrap().digest, Policy::default().digest());
    // Nor is it in the way of the real one.
    assert_eq!(office.approve(&office.otto, &request).unwrap().state, "done");
    assert_eq!(office.place.vault().policy_show().unwrap().digest, policy.digest());
    sound(&office.place);
}

const HOUR: i64 = 60 * 60 * 1000;
const TEN_YEARS: i64 = 10 * 365 * 24 * HOUR;

/// An isolated vault with a document, and what comes of opening it on a connected machine.
fn isolated() -> Office {
    let office = Office::under(1, Zone::Isolated, &Policy::default());
    office.linked(&[]).key_finish(office.olga(), false, &NoProgress).unwrap();
    office.document();
    assert_eq!(office.opens_plugged(), (0, vec![Code::Connected]));
    std::fs::create_dir_all(office.place.path("v/exceptions")).unwrap();
    office
}

impl Office {
    /// How many documents open on a connected machine, and why the others do not.
    fn opens_plugged(&self) -> (usize, Vec<Code>) {
        let into = all_into(self.place.path("into"));
        let report = self.linked(&["eth0"]).open(&self.cara, into, &NoProgress).unwrap();
        (report.documents.len(), report.failed.iter().map(|row| row.code).collect())
    }

    /// Puts an exception there that lasts so long and is signed by enough officers, who could have done so for nobody to
    /// see; perhaps with an entry for it that nobody signed, dated so far ahead.
    fn lay_exception(&self, lasts: i64, entry: Option<i64>) -> PathBuf {
        let (host, now) = (self.roster().hosts[0].id, SystemClock.now().time.unix_ms());
        let mut fields = Fields::new("gapvault.exception/v1");
        fields.put("vault", self.vault_id());
        fields.put("host", host);
        fields.put("until", Timestamp::from_unix_ms(now + lasts));
        let note = signed(&fields.finish().unwrap(), &[self.olga()]);
        let path = self.place.path("v/exceptions").join(format!("{}.note", note.digest()));
        std::fs::write(&path, note.print()).unwrap();
        if let Some(ahead) = entry {
            self.forge(Event::ZoneExcept, |draft| {
                draft.object = Some(Object::host(host));
                draft.time = Timestamp::from_unix_ms(now + ahead);
                draft.detail.note_sha256 = Some(note.digest());
            });
        }
        path
    }
}

#[test]
fn an_exception_that_the_log_does_not_know_or_that_lasts_too_long_lets_nothing_pass() {
    let office = isolated();
    for (lasts, entry) in [(HOUR, None), (TEN_YEARS, None), (TEN_YEARS, Some(0))] {
        let path = office.lay_exception(lasts, entry);
        assert_eq!(office.opens_plugged(), (0, vec![Code::Connected]), "{lasts} {entry:?}");
        std::fs::remove_file(path).unwrap();
    }
    let forever = ExceptRequest { hours: 10 * 365 * 24, reason: "moving".to_owned() };
    assert_eq!(code(office.linked(&["eth0"]).except(office.olga(), &forever)), Some(Code::BadDate));
    let hours = ExceptRequest { hours: 1, ..forever };
    done(office.linked(&["eth0"]).except(office.olga(), &hours).unwrap());
    assert_eq!(office.opens_plugged(), (1, vec![]));
}

#[test]
fn an_exception_lasts_no_longer_by_an_entry_that_is_dated_ahead() {
    let office = isolated();
    office.lay_exception(TEN_YEARS, Some(TEN_YEARS - HOUR));
    assert_eq!(office.opens_plugged(), (0, vec![Code::Connected]));
}

#[test]
fn who_leaves_on_a_connected_machine_is_out_and_the_documents_wait() {
    let office = Office::under(1, Zone::Isolated, &Policy::default());
    let (apart, plugged) = (office.linked(&[]), office.linked(&["eth0"]));
    apart.key_finish(office.olga(), false, &NoProgress).unwrap();
    let id = office.document();
    let report = done(send_away(&plugged, office.olga(), &office.cara, false, &NoProgress).unwrap());
    assert!(office.roster().member(office.cara.id()).is_none());
    // The departure is recorded and cannot be called a failure, although nothing was unwrapped.
    let failed: Vec<Code> = report.documents.failed.iter().map(|row| row.code).collect();
    assert_eq!((report.documents.rewrapped, failed), (0, vec![Code::Connected]));
    assert_eq!(office.pending(), ["rewrap important.2 1"]);
    assert_eq!(apart.key_finish(office.olga(), false, &NoProgress).unwrap().rewrapped, 1);
    assert!(office.pending().is_empty());
    let into = office.place.path("into");
    let opened = apart.open(&office.carl, all_into(into), &NoProgress).unwrap();
    assert_eq!(opened.documents.iter().map(|row| row.id.to_string()).collect::<Vec<_>>(), [id]);
    sound(&office.place);
}
