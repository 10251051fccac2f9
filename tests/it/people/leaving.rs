//! People who have left: what they can still open, and what a stop in between leaves.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use gapvault::access::Denial;
use gapvault::agefile::{self, UnverifiedHeader};
use gapvault::label::{Class, Role};
use gapvault::plugin::Plugins;
use gapvault::vault::{
    Code, Identity, ListRequest, MemberAdd, NoProgress, Progress, RewrapRequest, Site, Stage, Vault,
};

use super::rosters::{leave, send_away};
use super::{Office, code, done};
use crate::verbs::{self, Ahead, sealing, sound, words};

/// The key of a class, as a member would have kept it.
pub(super) fn kept_key(office: &Office, class: Class, of: &Identity) -> agefile::Identity {
    let name = format!("v/keys/{class}/1/{}.age", of.id());
    let bytes = std::fs::read(office.place.path(&name)).unwrap();
    let plain = of.with_key(&Plugins::none(), |key| agefile::decrypt_small(&[key], &bytes, 65_536)).unwrap();
    std::str::from_utf8(&plain).unwrap().trim_end().parse().unwrap()
}

fn split(file: &[u8]) -> (UnverifiedHeader, Vec<u8>) {
    let header = UnverifiedHeader::parse(file).unwrap();
    let payload = file[header.len()..].to_vec();
    (header, payload)
}

#[test]
fn who_has_left_opens_nothing_with_what_was_kept() {
    for rekey in [false, true] {
        let office = Office::new(1);
        let id = office.document();
        let key = kept_key(&office, Class::Important, &office.cara);
        let before = std::fs::read(office.place.document_path(&id)).unwrap();
        let (header, payload) = split(&before);
        assert!(header.unlock(&[&key]).is_ok());

        let vault = office.place.vault();
        let report = done(send_away(&vault, office.olga(), &office.cara, rekey, &NoProgress).unwrap());
        assert_eq!(report.rotated, ["catalogue.2", "important.2"]);
        let counts = (report.documents.rewrapped, report.documents.rekeyed);
        assert_eq!(counts, if rekey { (0, 1) } else { (1, 0) });

        let (now, same) = split(&std::fs::read(office.place.document_path(&id)).unwrap());
        assert!(now.unlock(&[&key]).is_err(), "the old key opens the new header");
        assert_eq!(same == payload, !rekey, "payload bytes");
        // What is sealed from now on neither.
        let new = office.document_of(&office.carl);
        let (header, _) = split(&std::fs::read(office.place.document_path(&new)).unwrap());
        assert!(header.unlock(&[&key]).is_err());

        assert_eq!(office.standing(office.cara.id()), Err(Denial::NotAMember));
        let unlocked = office.place.vault().unlock(&office.place.path("cara.id"), &words());
        assert_eq!(code(unlocked), Some(Code::NotAMember));
        let opened = office.place.open(&office.cara, &id, &office.place.path("never"));
        assert_eq!(code(opened), Some(Code::NotAMember));
        let source = office.place.write("b.txt", b"text");
        let sealed =
            office.place.vault().seal(&office.cara, &sealing(&source, Class::Important), &NoProgress);
        assert_eq!(code(sealed), Some(Code::NotAMember));
        for (number, who) in [office.olga(), &office.otto, &office.carl].into_iter().enumerate() {
            for id in [&id, &new] {
                let to = office.place.path(&format!("out-{number}-{id}"));
                assert_eq!(office.place.open(who, id, &to).unwrap(), b"text");
            }
        }
        // An old key file put back helps nobody, and old keys can go.
        office.place.vault().key_retire(office.olga()).unwrap();
        assert_eq!(office.place.open(&office.carl, &id, &office.place.path("last")).unwrap(), b"text");
        assert!(office.place.vault().status().unwrap().pending.is_empty());
        sound(&office.place);
    }
}

impl Office {
    fn document_of(&self, me: &Identity) -> String {
        let source = self.place.write("n.txt", b"text");
        self.place.seal(me, &source, Class::Important)
    }
}

/// Stops everything at a step.
pub(super) struct Stops {
    pub(super) after: u64,
    pub(super) steps: AtomicU64,
}

impl Progress for Stops {
    fn begin(&self, _: Stage, _: Option<u64>, _: Option<u64>) {}

    fn advance(&self, _: u64, _: u64) {
        let step = self.steps.fetch_add(1, Ordering::SeqCst);
        assert!(step < self.after, "stopped here");
    }

    fn end(&self) {}
}

#[test]
fn a_departure_that_was_stopped_is_gone_on_with() {
    for (after, rekey) in [(0, false), (2, false), (0, true), (3, true)] {
        let office = Office::new(1);
        let ids: Vec<String> = (0..6).map(|_| office.document()).collect();
        let stops = Stops { after, steps: AtomicU64::new(0) };
        let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            send_away(&office.place.vault(), office.olga(), &office.cara, rekey, &stops).map(|_| ())
        }));
        assert!(!matches!(stopped, Ok(Ok(()))), "nothing stopped it");
        // Who left is out at once, whatever waits.
        let unlocked = office.place.vault().unlock(&office.place.path("cara.id"), &words());
        assert_eq!(code(unlocked), Some(Code::NotAMember));
        for id in &ids {
            assert_eq!(office.place.open(&office.carl, id, &office.place.path(id)).unwrap(), b"text");
        }
        let report = office.place.vault().key_finish(&office.otto, rekey, &NoProgress).unwrap();
        assert!(report.failed.is_empty() && report.waiting == 0, "{report:?}");
        assert!(office.place.vault().status().unwrap().pending.is_empty());
        for id in &ids {
            let to = office.place.path(&format!("{id}-again"));
            assert_eq!(office.place.open(&office.carl, id, &to).unwrap(), b"text");
        }
        sound(&office.place);
    }
}

fn key_files(office: &Office, class: Class, generation: u32) -> usize {
    let folder = office.place.path(&format!("v/keys/{class}/{generation}"));
    std::fs::read_dir(folder).map_or(0, Iterator::count)
}

#[test]
fn old_keys_go_when_no_document_needs_them_and_nobody_waits_for_them() {
    let office = Office::new(1);
    let ids: Vec<String> = (0..3).map(|_| office.document()).collect();
    let stops = Stops { after: 0, steps: AtomicU64::new(0) };
    let stopped = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        send_away(&office.place.vault(), office.olga(), &office.cara, false, &stops).map(|_| ())
    }));
    assert!(!matches!(stopped, Ok(Ok(()))));
    let vault = office.place.vault();
    let report = vault.key_retire(office.olga()).unwrap();
    assert_eq!((report.retired.len(), report.waiting), (0, 3));
    assert!(key_files(&office, Class::Important, 1) > 0);
    assert_eq!(code(vault.key_retire(&office.carl)), Some(Code::NoRole));
    // One of three is not all.
    let one = RewrapRequest { ids: vec![ids[0].clone()], ..Default::default() };
    vault.rewrap(&office.otto, &one, &NoProgress).unwrap();
    let report = vault.key_retire(office.olga()).unwrap();
    assert_eq!((report.retired.len(), report.waiting), (0, 2));
    vault.key_finish(&office.otto, false, &NoProgress).unwrap();
    let report = vault.key_retire(office.olga()).unwrap();
    assert_eq!((report.retired, report.waiting), (vec!["important.1".to_owned()], 0));
    assert_eq!(key_files(&office, Class::Important, 1), 0);
    assert!(key_files(&office, Class::Critical, 1) > 0, "nobody with that clearance left");
    assert!(vault.key_retire(office.olga()).unwrap().retired.is_empty());

    let cleo = office.place.join("cleo", Role::Clerk, &[Class::Important], true);
    assert_eq!(key_files(&office, Class::Important, 1), 0);
    assert!(vault.status().unwrap().pending.is_empty(), "{:?}", vault.status().unwrap().pending);
    for who in [office.olga(), &office.otto, &office.carl, &cleo] {
        for id in &ids {
            let to = tempfile::tempdir().unwrap();
            assert_eq!(office.place.open(who, id, &to.path().join("o")).unwrap(), b"text");
        }
    }
    let listed = vault.list(Some(&cleo), &ListRequest::default()).unwrap().documents;
    assert!(listed.iter().all(|row| row.title.as_deref() == Some("a.txt")));
    sound(&office.place);
    vault.rebuild(Some(office.olga()), &NoProgress).unwrap();
    assert!(vault.status().unwrap().pending.is_empty());
    sound(&office.place);
}

#[test]
fn throwing_old_keys_away_is_gone_on_with_after_a_stop() {
    use std::os::unix::fs::PermissionsExt as _;
    let office = Office::new(1);
    let id = office.document();
    done(leave(&office, &office.cara).unwrap());
    let folder = office.place.path("v/keys/important/1");
    let kept: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    let mut copies: Vec<_> = kept.iter().map(|path| (path, std::fs::read(path).unwrap())).collect();
    let mode = |mode| std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(mode)).unwrap();
    mode(0o500);
    // Root writes there all the same.
    let stopped = office.place.vault().key_retire(office.olga());
    mode(0o700);
    if stopped.is_ok() {
        copies.pop();
        for (path, bytes) in &copies {
            std::fs::write(path, bytes).unwrap();
        }
    }
    assert!(key_files(&office, Class::Important, 1) > 0);
    // Begun is begun: nobody who joins waits for a key that is to go.
    let cleo = office.place.join("cleo", Role::Clerk, &[Class::Important], true);
    let pending = office.place.vault().status().unwrap().pending;
    assert!(pending.is_empty(), "{pending:?}");
    assert!(!folder.join(format!("{}.age", cleo.id())).exists());
    let report = office.place.vault().key_retire(office.olga()).unwrap();
    assert_eq!(report.retired, ["important.1"]);
    assert_eq!(key_files(&office, Class::Important, 1), 0);
    for who in [&cleo, &office.carl, &office.otto] {
        let to = tempfile::tempdir().unwrap();
        assert_eq!(office.place.open(who, &id, &to.path().join("o")).unwrap(), b"text");
    }
    sound(&office.place);
}

/// Somebody who can write into the folder and has no key says of a key that it was wrapped before it is made: documents would
/// look as if they had it already, stay as they are, and be lost with the old key.
#[test]
fn a_key_is_not_older_than_the_roster_that_names_it() {
    use gapvault::log::entry::{Draft, Entry, Event, Object, Outcome};
    use gapvault::log::frames::ENTRIES;
    use gapvault::time::Clock as _;
    let office = Office::new(1);
    let id = office.document();
    let key = kept_key(&office, Class::Important, &office.cara);
    let tail = office.place.path("v/log/tail");
    let mut bytes = std::fs::read(&tail).unwrap();
    let last = Entry::parse(ENTRIES.parse_tail(&bytes).records.last().unwrap()).unwrap();
    let (now, session) = (gapvault::vault::SystemClock.now(), gapvault::id::SessionId([7; 16]));
    let mut forged = Draft::new(Event::KeyWrap, Outcome::Ok, session, last.host(), last.zone(), &now);
    forged.object = Some(Object::member(office.otto.id()));
    forged.detail.code = "important.2".parse().ok();
    let forged = forged.entry(last.seq() + 1).unwrap().to_bytes();
    ENTRIES.append(&mut bytes, &forged).unwrap();
    std::fs::write(&tail, bytes).unwrap();
    assert_eq!(office.status(), Ok(()));
    let later = office.document();

    let report = done(leave(&office, &office.cara).unwrap());
    assert_eq!(report.documents.rewrapped, 2);
    for id in [id, later] {
        let (header, _) = split(&std::fs::read(office.place.document_path(&id)).unwrap());
        assert!(header.unlock(&[&key]).is_err(), "the old key opens the new header");
        office.place.vault().key_retire(office.olga()).unwrap();
        assert_eq!(office.place.open(&office.carl, &id, &office.place.path(&id)).unwrap(), b"text");
    }
    sound(&office.place);
}

#[test]
fn an_end_date_that_passes_is_a_departure_that_waits_for_an_officer() {
    let office = Office::new(1);
    let id = office.document();
    let clock = Arc::new(Ahead(AtomicI64::new(0)));
    let today = gapvault::time::Clock::now(&*clock).time.day();
    let folder = office.place.path("home");
    std::fs::create_dir_all(&folder).unwrap();
    let guest = verbs::person(&office.place.site(), &folder, "guest");
    let joining = MemberAdd {
        card: folder.join("guest.id.card"),
        role: Role::Clerk,
        clearance: vec![Class::Important],
        titles: false,
        import: false,
        release: false,
        until: Some(today),
        sponsor: None,
        confirm: &mut |_| Ok(()),
    };
    done(office.place.vault().member_add(office.olga(), joining).unwrap());
    let out = office.place.path("out");
    assert_eq!(office.place.open(&guest, &id, &out).unwrap(), b"text", "the last day is a day");

    clock.0.store(2 * 24 * 60 * 60 * 1000, Ordering::SeqCst);
    let site = Site { clock: clock.clone(), ..office.place.site() };
    let later = || Vault::at(site.clone(), &office.place.path("v")).unwrap();
    let waiting = format!("revoke {}", guest.id());
    assert!(later().status().unwrap().pending.contains(&waiting));
    let refused = later().seal(&guest, &sealing(&office.place.path("a.txt"), Class::Important), &NoProgress);
    assert_eq!(code(refused), Some(Code::Ended));
    // Who is no officer changes no roster; an officer's next `key finish` does the work.
    later().key_finish(&office.cara, false, &NoProgress).unwrap();
    assert!(office.roster().member(guest.id()).is_some());
    let report = later().key_finish(office.olga(), false, &NoProgress).unwrap();
    assert_eq!((report.rewrapped, report.waiting), (1, 0));
    assert!(office.roster().member(guest.id()).is_none());
    assert!(later().status().unwrap().pending.is_empty());
    std::fs::remove_file(&out).unwrap();
    assert_eq!(office.place.open(&office.carl, &id, &out).unwrap(), b"text");
    sound(&office.place);
}
