//! Documents that change their class, and documents that come out when others have approved.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use gapvault::agefile::UnverifiedHeader;
use gapvault::crypto::Digest;
use gapvault::label::{Class, KeyKind, Role, Zone};
use gapvault::log::entry::{Commitment, Draft, Entry, Event, Object, Outcome};
use gapvault::log::frames::ENTRIES;
use gapvault::policy::Place as Where;
use gapvault::time::Clock as _;
use gapvault::vault::{
    self, AuditShow, ClassRules, Code, Done, Identity, InitRequest, ListRequest, NoProgress, OpenReport,
    OpenRequest, OpenTo, Policy, Progress, RelabelReport, RequestReport, RewrapRequest, Stage, Vault,
};

use super::leaving::kept_key;
use super::{Office, asked, code, done};
use crate::verbs::{self, Place, sealing, sound};

/// The built-in policy, but that critical documents come out in a networked vault as well.
fn anywhere() -> Policy {
    let policy = Policy::default();
    Policy { critical: ClassRules { open_zone: Where::Any, ..policy.critical }, ..policy }
}

fn office() -> Office {
    Office::under(1, Zone::Networked, &anywhere())
}

fn relabel(
    office: &Office,
    me: &Identity,
    id: &str,
    to: Class,
    request: Option<&RequestReport>,
) -> Result<Done<RelabelReport>, Code> {
    let request = request.map(|request| request.request.to_string());
    let done = office.place.vault().relabel(me, id, to, Some("why"), request.as_deref(), &NoProgress);
    done.map_err(|error| error.code())
}

fn opens(office: &Office, me: &Identity, id: &str) -> Result<Vec<u8>, Code> {
    let to = tempfile::tempdir().unwrap();
    let got = office.place.open(me, id, &to.path().join("out"));
    assert_eq!(to.path().join("out").exists(), got.is_ok());
    got.map_err(|error| error.code())
}

/// The commitment to the file key that the log named last.
fn commitment(vault: &Vault, id: &str) -> String {
    let shown = vault.audit_show(&AuditShow { last: None, document: Some(id.to_owned()) }).unwrap();
    let said = shown.entries.iter().rev().find_map(|entry| entry["object"]["commitment"].as_str());
    said.unwrap().to_owned()
}

/// Everything that `list` and `show` say.
fn rows(vault: &Vault, me: &Identity) -> BTreeMap<String, String> {
    let listed = vault.list(Some(me), &ListRequest::default()).unwrap().documents;
    let of = |id: String| {
        let shown = vault.show(Some(me), &id, false).unwrap().document;
        (id, serde_json::to_string(&shown).unwrap())
    };
    listed.into_iter().map(|row| of(row.id.to_string())).collect()
}

#[test]
fn a_document_that_goes_up_is_under_another_file_key_and_for_other_people() {
    let office = office();
    let id = office.document();
    let others = office.document();
    let key = kept_key(&office, Class::Important, &office.cara);
    let vault = office.place.vault();
    let before = vault.show(Some(office.olga()), &id, false).unwrap().document;
    let was = commitment(&vault, &id);
    let old = std::fs::read(office.place.document_path(&id)).unwrap();
    let old_key = UnverifiedHeader::parse(&old).unwrap().unlock(&[&key]).unwrap();

    let report = done(relabel(&office, &office.cara, &id, Class::Critical, None).unwrap());
    assert_eq!((report.from, report.to), (Class::Important, Class::Critical));
    let after = vault.show(Some(office.olga()), &id, false).unwrap().document;
    assert_eq!((before.row.class, after.row.class), (Class::Important, Class::Critical));
    assert_ne!(before.payload_sha256, after.payload_sha256);
    assert_ne!(before.header_sha256, after.header_sha256);
    assert_ne!(commitment(&vault, &id), was);
    assert_eq!((before.row.title.as_deref(), after.row.title.as_deref()), (Some("a.txt"), Some("a.txt")));
    assert_eq!((before.row.size, before.row.sealed_at), (after.row.size, after.row.sealed_at));
    let now = std::fs::read(office.place.document_path(&id)).unwrap();
    let header = UnverifiedHeader::parse(&now).unwrap();
    assert!(header.unlock(&[&key]).is_err(), "the key of the old class opens the new header");
    let new_key = kept_key(&office, Class::Critical, office.olga());
    let new_key = header.unlock(&[&new_key]).unwrap();
    let salt = [0; 16];
    assert_ne!(old_key.derive(&salt, b"x").expose(), new_key.derive(&salt, b"x").expose(), "the file key");

    for who in [office.olga(), &office.otto] {
        assert_eq!(opens(&office, who, &id).as_deref(), Ok(b"text".as_slice()));
    }
    for who in [&office.cara, &office.carl] {
        assert_eq!(opens(&office, who, &id), Err(Code::NoClearance));
        assert_eq!(opens(&office, who, &others).as_deref(), Ok(b"text".as_slice()));
        // Titles have a right of their own.
        let listed = vault.list(Some(who), &ListRequest::default()).unwrap().documents;
        assert!(listed.iter().all(|row| row.title.as_deref() == Some("a.txt")));
        let class = ListRequest { class: Some(Class::Critical), find: None };
        let critical = vault.list(Some(who), &class).unwrap().documents;
        assert_eq!(critical.iter().map(|row| row.id.to_string()).collect::<Vec<_>>(), [id.as_str()]);
    }
    // Who raised it cannot touch it any more.
    let again = RewrapRequest { ids: vec![id.clone()], ..Default::default() };
    assert_eq!(code(vault.rekey(&office.cara, &again, &NoProgress)), Some(Code::NoClearance));
    let down = relabel(&office, &office.cara, &id, Class::Important, None);
    assert_eq!(down.err(), Some(Code::NoClearance));
    sound(&office.place);

    let said = rows(&vault, office.olga());
    for me in [None, Some(office.olga())] {
        vault.rebuild(me, &NoProgress).unwrap();
        assert_eq!(rows(&vault, office.olga()), said);
        assert_eq!(opens(&office, &office.otto, &id).as_deref(), Ok(b"text".as_slice()));
        assert_eq!(opens(&office, &office.cara, &id), Err(Code::NoClearance));
        sound(&office.place);
    }
}

#[test]
fn down_takes_the_approvals_of_the_policy_and_uses_them_once() {
    let office = office();
    let clea = office.place.join("clea", Role::Clerk, &[Class::Critical, Class::Important], true);
    let source = office.place.write("c.txt", b"text");
    let seal = || office.place.seal(&clea, &source, Class::Critical);
    let (id, other) = (seal(), seal());
    let down = |me: &Identity, id: &str, request: Option<&RequestReport>| {
        relabel(&office, me, id, Class::Important, request)
    };
    let request = asked(down(&clea, &id, None).unwrap());
    assert_eq!((request.approvals_needed, request.action.as_str()), (2, "relabel"));
    assert_eq!(request.to, Some(Class::Important));
    let file = std::fs::read(office.place.document_path(&id)).unwrap();
    assert_eq!(down(&clea, &id, Some(&request)).err(), Some(Code::ApprovalsMissing));
    office.approve(&office.otto, &request).unwrap();
    assert_eq!(down(&clea, &id, Some(&request)).err(), Some(Code::ApprovalsMissing));
    office.approve(office.olga(), &request).unwrap();
    assert_eq!(down(&clea, &other, Some(&request)).err(), Some(Code::OtherRequest));
    assert_eq!(down(office.olga(), &id, Some(&request)).err(), Some(Code::OtherRequest), "of somebody else");
    let gone = office.ask_to_destroy(&clea, &id);
    for officer in [office.olga(), &office.otto] {
        office.approve(officer, &gone).unwrap();
    }
    assert_eq!(down(&clea, &id, Some(&gone)).err(), Some(Code::OtherRequest), "to destroy it");
    assert_eq!(office.destroy(&clea, &id, &request), Err(Code::OtherRequest));
    assert_eq!(std::fs::read(office.place.document_path(&id)).unwrap(), file);

    let report = done(down(&clea, &id, Some(&request)).unwrap());
    assert_eq!((report.from, report.to), (Class::Critical, Class::Important));
    assert_eq!(opens(&office, &office.cara, &id).as_deref(), Ok(b"text".as_slice()));
    let shown = office.place.vault().request_show(None, &request.request.to_string()).unwrap();
    assert_eq!(shown.state, "done");
    // Up again, and the same approvals do not bring it down once more; nor is what was to be destroyed this payload.
    done(relabel(&office, &office.cara, &id, Class::Critical, None).unwrap());
    assert_eq!(down(&clea, &id, Some(&request)).err(), Some(Code::RequestEnded));
    assert_eq!(office.destroy(&clea, &id, &gone), Err(Code::OtherRequest));
    assert_eq!(opens(&office, &office.cara, &id), Err(Code::NoClearance));
    sound(&office.place);
}

#[test]
fn the_own_approval_does_not_bring_a_document_down() {
    let office = office();
    let source = office.place.write("c.txt", b"text");
    let id = office.place.seal(office.olga(), &source, Class::Critical);
    let request = asked(relabel(&office, office.olga(), &id, Class::Important, None).unwrap());
    assert_eq!(office.approve(office.olga(), &request).err(), Some(Code::OwnRequest));
    office.approve(&office.otto, &request).unwrap();
    // A clerk's consent is none.
    assert_eq!(office.approve(&office.cara, &request).err(), Some(Code::NoRole));
    let down = relabel(&office, office.olga(), &id, Class::Important, Some(&request));
    assert_eq!(down.err(), Some(Code::ApprovalsMissing));
    sound(&office.place);
}

#[test]
fn who_may_not_and_what_is_there_already_is_refused() {
    let office = office();
    let courier = office.place.join("courier", Role::Courier, &[Class::Critical, Class::Important], true);
    let id = office.document();
    let file = std::fs::read(office.place.document_path(&id)).unwrap();
    assert_eq!(relabel(&office, &office.cara, &id, Class::Important, None).err(), Some(Code::SameClass));
    assert_eq!(relabel(&office, &courier, &id, Class::Critical, None).err(), Some(Code::NoRole));
    let stranger = crate::verbs::person(&office.place.site(), office.place.folder.path(), "stranger");
    assert_eq!(relabel(&office, &stranger, &id, Class::Critical, None).err(), Some(Code::NotAMember));
    let missing = relabel(&office, &office.cara, &"0".repeat(32), Class::Critical, None);
    assert_eq!(missing.err(), Some(Code::NoDocument));
    assert_eq!(std::fs::read(office.place.document_path(&id)).unwrap(), file);
    let history = office.place.vault().show(None, &id, true).unwrap().history.unwrap();
    let denied = history.iter().filter(|row| row.event == "document.relabel" && row.outcome == "denied");
    assert_eq!(denied.count(), 2);
    sound(&office.place);
}

/// A vault of one person, in memory where possible: what is tried here is not whether a sync reaches a medium.
fn alone() -> Place {
    let shared = std::path::Path::new("/dev/shm");
    let folder = if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() }.unwrap();
    let site = verbs::site(folder.path());
    let founder = verbs::person(&site, folder.path(), "founder");
    let request = InitRequest {
        policy: Some(Policy::for_one_person()),
        ..InitRequest::new("v", Zone::Networked, KeyKind::Classic)
    };
    vault::init(&site, &folder.path().join("v"), &founder, &request).unwrap();
    Place { folder, founder }
}

/// A row is derived from the entry that sealed the document and the newest ones about it.
#[test]
fn rows_are_the_same_whatever_was_done_in_whatever_order() {
    let place = alone();
    let source = place.write("標題.txt", b"content");
    let both = |class: Class| if class == Class::Critical { Class::Important } else { Class::Critical };
    let orders = ["wkcw", "ckw", "wck", "kcwc", "ccw", "cwkw", "cc", "kkc", "c", "cw", "wwcc"];
    let ids: Vec<String> = orders
        .iter()
        .enumerate()
        .map(|(at, _)| place.seal(&place.founder, &source, Class::ALL[at % 2]))
        .collect();
    let check = |ids: &[String]| {
        for id in ids {
            let to = tempfile::tempdir().unwrap();
            assert_eq!(place.open(&place.founder, id, &to.path().join("o")).unwrap(), b"content");
        }
        sound(&place);
    };
    let mut classes = BTreeMap::new();
    let work = |classes: &mut BTreeMap<String, Class>| {
        for (id, order) in ids.iter().zip(orders) {
            for step in order.chars() {
                let request = RewrapRequest { ids: vec![id.clone()], ..Default::default() };
                let vault = place.vault();
                let class = vault.show(None, id, false).unwrap().document.row.class;
                match step {
                    'w' => assert!(
                        vault.rewrap(&place.founder, &request, &NoProgress).unwrap().failed.is_empty()
                    ),
                    'k' => {
                        assert!(vault.rekey(&place.founder, &request, &NoProgress).unwrap().failed.is_empty())
                    }
                    _ => {
                        let to = both(class);
                        done(vault.relabel(&place.founder, id, to, None, None, &NoProgress).unwrap());
                    }
                }
                let now = vault.show(None, id, false).unwrap().document.row.class;
                assert_eq!(now, if step == 'c' { both(class) } else { class }, "{order} {step}");
                classes.insert(id.clone(), now);
            }
            check(std::slice::from_ref(id));
        }
    };
    let same_after_rebuilding = |classes: &BTreeMap<String, Class>| {
        let said = rows(&place.vault(), &place.founder);
        for me in [None, Some(&place.founder)] {
            place.vault().rebuild(me, &NoProgress).unwrap();
            assert_eq!(rows(&place.vault(), &place.founder), said);
            let listed = place.vault().list(Some(&place.founder), &ListRequest::default()).unwrap();
            for row in &listed.documents {
                assert_eq!(row.class, classes[&row.id.to_string()]);
                assert_eq!(row.title.as_deref(), Some("標題.txt"));
            }
            check(&ids);
        }
    };
    work(&mut classes);
    same_after_rebuilding(&classes);
    // And in the next epoch of the log, over rows of the one before.
    std::fs::remove_dir_all(place.path("state")).unwrap();
    place.vault().host_resume(&place.founder, "還原", &mut |_| Ok(())).unwrap();
    same_after_rebuilding(&classes);
    work(&mut classes);
    same_after_rebuilding(&classes);
}

/// Does something once, after the rules were asked and before the work begins.
struct Meanwhile<F: Fn() + Sync>(F, AtomicBool);

impl<F: Fn() + Sync> Progress for Meanwhile<F> {
    fn begin(&self, _: Stage, _: Option<u64>, _: Option<u64>) {
        if !self.1.swap(true, Ordering::SeqCst) {
            self.0();
        }
    }

    fn advance(&self, _: u64, _: u64) {}
    fn end(&self) {}
}

fn meanwhile<F: Fn() + Sync>(what: F) -> Meanwhile<F> {
    Meanwhile(what, AtomicBool::new(false))
}

#[test]
fn what_others_do_meanwhile_is_told_and_keeps_nothing_else_back() {
    let place = alone();
    let source = place.write("a.txt", b"text");
    let ids: Vec<String> = (0..3).map(|_| place.seal(&place.founder, &source, Class::Important)).collect();
    let (me, vault) = (&place.founder, place.vault());
    let raise = |id: &str| {
        done(place.vault().relabel(me, id, Class::Critical, None, None, &NoProgress).unwrap());
    };
    for (run, id) in [(Vault::rewrap as fn(&_, &_, &_, &_) -> _, &ids[0]), (Vault::rekey, &ids[1])] {
        let request = RewrapRequest { all: true, class: Some(Class::Important), ..Default::default() };
        let before = vault.list(None, &ListRequest { find: None, class: Some(Class::Important) }).unwrap();
        let report: gapvault::vault::RewrapReport =
            run(&vault, me, &request, &meanwhile(|| raise(id))).unwrap();
        assert_eq!(report.documents.len(), before.documents.len() - 1);
        assert_eq!(report.failed.len(), 1);
        assert_eq!((report.failed[0].source.as_str(), report.failed[0].code), (id.as_str(), Code::Busy));
    }
    let last = &ids[2];
    let raised = meanwhile(|| raise(last));
    let twice = vault.relabel(me, last, Class::Critical, None, None, &raised);
    assert_eq!(code(twice), Some(Code::Busy));
    let gone = meanwhile(|| {
        done(place.vault().destroy(me, last, "over", None).unwrap());
    });
    let destroyed = vault.relabel(me, last, Class::Important, None, None, &gone);
    assert_eq!(code(destroyed), Some(Code::Destroyed));
    for id in &ids[..2] {
        assert_eq!(place.open(me, id, &place.path(id)).unwrap(), b"text");
    }
    sound(&place);
}

/// A vault in which one officer approves of what is opened.
fn approving() -> Office {
    let policy = anywhere();
    let office = office();
    let important = ClassRules { open_approvals: 1, ..policy.important };
    done(office.place.vault().policy_set(office.olga(), &Policy { important, ..policy }, None).unwrap());
    office
}

fn open(
    office: &Office,
    me: &Identity,
    ids: &[&String],
    to: OpenTo<'_>,
    request: Option<&RequestReport>,
) -> Result<OpenReport, Code> {
    let request = OpenRequest {
        ids: ids.iter().map(ToString::to_string).collect(),
        all: ids.is_empty(),
        to,
        reason: Some("why".to_owned()),
        request: request.map(|request| request.request.to_string()),
    };
    office.place.vault().open(me, request, &NoProgress).map_err(|error| error.code())
}

#[test]
fn what_others_have_to_approve_of_comes_out_once_they_have_and_only_once() {
    let office = approving();
    let (id, other) = (office.document(), office.document());
    let out = office.place.path("out");
    let file = |id: &String, request: Option<&RequestReport>| {
        open(&office, &office.cara, &[id], OpenTo::File(out.clone()), request)
    };
    let report = file(&id, None).unwrap();
    assert!(report.documents.is_empty() && report.failed.is_empty() && !out.exists());
    let request = report.request.unwrap();
    assert_eq!((request.action.as_str(), request.approvals_needed), ("open", 1));
    assert_eq!(request.documents.iter().map(ToString::to_string).collect::<Vec<_>>(), [id.as_str()]);
    assert_eq!(file(&id, Some(&request)).err(), Some(Code::ApprovalsMissing));
    // Her own consent and another clerk's are none.
    assert_eq!(office.approve(&office.cara, &request).err(), Some(Code::NoRole));
    assert_eq!(office.approve(&office.carl, &request).err(), Some(Code::NoRole));
    office.approve(&office.otto, &request).unwrap();
    let carls = open(&office, &office.carl, &[&id], OpenTo::File(out.clone()), Some(&request));
    assert_eq!(carls.err(), Some(Code::OtherRequest), "of somebody else");
    assert_eq!(file(&other, Some(&request)).err(), Some(Code::ApprovalsMissing), "for another document");
    assert!(!out.exists());
    let report = file(&id, Some(&request)).unwrap();
    assert!(report.documents.len() == 1 && report.request.is_none());
    assert_eq!(std::fs::read(&out).unwrap(), b"text");
    std::fs::remove_file(&out).unwrap();
    assert_eq!(file(&id, Some(&request)).err(), Some(Code::RequestEnded));
    let gone = office.ask_to_destroy(&office.cara, &other);
    office.approve(&office.otto, &gone).unwrap();
    assert_eq!(file(&other, Some(&gone)).err(), Some(Code::OtherRequest), "to destroy it");
    // Another payload under the same id is not what was approved.
    let request = file(&other, None).unwrap().request.unwrap();
    office.approve(office.olga(), &request).unwrap();
    let rekey = RewrapRequest { ids: vec![other.clone()], ..Default::default() };
    office.place.vault().rekey(&office.carl, &rekey, &NoProgress).unwrap();
    assert_eq!(file(&other, Some(&request)).err(), Some(Code::ApprovalsMissing));
    assert!(!out.exists());
    sound(&office.place);
}

#[test]
fn what_waits_for_approval_does_not_keep_the_others_back() {
    let office = approving();
    let waits = office.document();
    for (name, text) in [("c1.txt", "one"), ("c2.txt", "two")] {
        let source = office.place.write(name, text.as_bytes());
        let report =
            office.place.vault().seal(office.olga(), &sealing(&source, Class::Critical), &NoProgress);
        assert_eq!(report.unwrap().documents.len(), 1);
    }
    let listed = office.place.vault().list(None, &ListRequest::default()).unwrap().documents;
    let ids: Vec<String> = listed.iter().map(|row| row.id.to_string()).collect();
    for (folder, chosen) in [("all", vec![]), ("chosen", ids.iter().collect::<Vec<_>>())] {
        let to = office.place.path(folder);
        let report = open(&office, office.olga(), &chosen, OpenTo::Into(to.clone()), None).unwrap();
        assert_eq!((report.documents.len(), report.failed.len()), (2, 0), "{:?}", report.failed);
        let request = report.request.unwrap();
        assert_eq!(request.documents.iter().map(ToString::to_string).collect::<Vec<_>>(), [waits.as_str()]);
        let mut names: Vec<_> =
            std::fs::read_dir(&to).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["c1.txt", "c2.txt"]);
        office.approve(&office.otto, &request).unwrap();
        // What needs nobody does not use the request up.
        let critical: Vec<&String> = ids.iter().filter(|id| **id != waits).collect();
        let aside = office.place.path(&format!("{folder}-aside"));
        open(&office, office.olga(), &critical, OpenTo::Into(aside), Some(&request)).unwrap();
        let to = office.place.path(&format!("{folder}-approved"));
        let report = open(&office, office.olga(), &chosen, OpenTo::Into(to.clone()), Some(&request)).unwrap();
        assert_eq!((report.documents.len(), report.failed.len()), (3, 0), "{:?}", report.failed);
        assert_eq!(std::fs::read(to.join("a.txt")).unwrap(), b"text");
    }
    sound(&office.place);
}

#[test]
fn what_is_too_much_for_one_request_is_told_and_the_others_come_out() {
    use gapvault::policy::OBJECT_LIMIT;
    let office = approving();
    for number in 0..OBJECT_LIMIT + 2 {
        office.place.write(&format!("many/{number}"), b"x");
    }
    let vault = office.place.vault();
    let many = sealing(&office.place.path("many"), Class::Important);
    assert_eq!(vault.seal(&office.cara, &many, &NoProgress).unwrap().documents.len(), OBJECT_LIMIT + 2);
    let critical = office.place.write("c.txt", b"critical");
    office.place.seal(office.olga(), &critical, Class::Critical);
    let report = open(&office, office.olga(), &[], OpenTo::Into(office.place.path("all")), None).unwrap();
    assert_eq!((report.documents.len(), report.failed.len()), (1, 2));
    assert!(report.failed.iter().all(|row| row.code == Code::ApprovalsMissing));
    assert_eq!(report.request.unwrap().documents.len(), OBJECT_LIMIT);
    sound(&office.place);
}

/// What a forger says next of a document, and by which event.
fn claim(step: char, at: usize, genuine: &Object, now: &mut Object) -> Event {
    let digest = |what: &str| Some(Digest::of(format!("{what} {at}").as_bytes()));
    if step == 'b' || step == 'B' {
        // What it was, by an event that does not lead back to it.
        *now = genuine.clone();
        return if step == 'b' { Event::DocumentRewrap } else { Event::DocumentRekey };
    }
    if step == 'x' {
        // Another class over the same payload, which no row follows.
        now.class = Some(Class::Critical);
        return Event::DocumentRelabel;
    }
    now.header_sha256 = digest("header");
    if step == 'w' {
        return Event::DocumentRewrap;
    }
    now.payload_sha256 = digest("payload");
    now.commitment = digest("commitment").map(|digest| Commitment(digest.0));
    match step {
        'c' => {
            let up = now.class == Some(Class::Important);
            now.class = Some(if up { Class::Critical } else { Class::Important });
            Event::DocumentRelabel
        }
        'k' => Event::DocumentRekey,
        // Sealed a second time.
        _ => Event::DocumentSeal,
    }
}

/// Somebody who can write into the folder and has no key says in the log that a document has another class, file key and
/// header. None of it is put in force, in whatever order it is said, and the document stays what it is.
#[test]
fn a_class_that_nobody_signed_for_is_not_the_documents() {
    for order in
        ["c", "k", "w", "cw", "ck", "kc", "cc", "cb", "kb", "cB", "cbw", "x", "cx", "kB", "s", "sw", "sk"]
    {
        let place = alone();
        let source = place.write("a.txt", b"text");
        let id = place.seal(&place.founder, &source, Class::Important);
        let tail = place.path("v/log/tail");
        let mut bytes = std::fs::read(&tail).unwrap();
        let entries = ENTRIES.parse_tail(&bytes).records;
        let entries: Vec<Entry> = entries.iter().map(|record| Entry::parse(record).unwrap()).collect();
        let sealed = entries.iter().find(|entry| entry.event() == Event::DocumentSeal).unwrap();
        let genuine = sealed.object().unwrap().clone();
        let mut now = genuine.clone();
        let last = entries.last().unwrap();
        for (at, step) in order.chars().enumerate() {
            let event = claim(step, at, &genuine, &mut now);
            let clock = gapvault::vault::SystemClock.now();
            let session = gapvault::id::SessionId([7; 16]);
            let mut forged = Draft::new(event, Outcome::Ok, session, last.host(), last.zone(), &clock);
            forged.object = Some(now.clone());
            let forged = forged.entry(last.seq() + 1 + at as u64).unwrap().to_bytes();
            ENTRIES.append(&mut bytes, &forged).unwrap();
        }
        std::fs::write(&tail, bytes).unwrap();
        place.vault().status().unwrap();
        let shown = place.vault().show(Some(&place.founder), &id, false).unwrap().document;
        assert_eq!(Some(shown.row.class), genuine.class, "{order}");
        assert_eq!(Some(shown.payload_sha256), genuine.payload_sha256, "{order}");
        let opened = place.open(&place.founder, &id, &place.path("o"));
        assert_eq!(opened.unwrap(), b"text", "{order}");
        sound(&place);
        place.vault().rebuild(Some(&place.founder), &NoProgress).unwrap();
        assert_eq!(place.open(&place.founder, &id, &place.path("o2")).unwrap(), b"text", "{order}");
        sound(&place);
    }
}
