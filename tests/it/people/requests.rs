//! Requests and approvals that somebody put there, moved, or used twice.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use gapvault::id::{HostId, VaultId};
use gapvault::label::{Class, Role, Zone};
use gapvault::note::{Fields, SignedNote};
use gapvault::policy::{Approval, Wanted};
use gapvault::time::{Clock as _, Timestamp};
use gapvault::vault::{
    Approving, ClassRules, Code, ExceptRequest, Identity, Link, LinkKind, ListRequest, NoProgress, Part,
    Policy, RequestReport, RewrapRequest, Site, Surroundings, SystemClock, Vault,
};

use super::rosters::leave;
use super::{Office, asked, code, done, signed};
use crate::verbs::{Ahead, sealing, sound};

const DAY: i64 = 24 * 60 * 60 * 1000;

/// An approval as somebody would write it who signs what he likes.
fn approval(vault: VaultId, request: &RequestReport, member: &Identity, part: Part) -> String {
    let approval = Approval {
        vault,
        wanted: Wanted::Destroy,
        part,
        request: request.digest,
        member: member.id(),
        until: request.until,
    };
    approval.print().unwrap()
}

#[test]
fn an_approval_counts_for_its_request_and_in_its_part_alone() {
    let office = Office::new(1);
    let (one, two) = (office.document(), office.document());
    let first = office.ask_to_destroy(&office.cara, &one);
    let second = office.ask_to_destroy(&office.cara, &two);
    office.approve(&office.otto, &first).unwrap();
    let note = std::fs::read(office.approval(&first, &office.otto)).unwrap();

    // Beside the other request.
    std::fs::write(office.approval(&second, &office.otto), &note).unwrap();
    assert_eq!(office.destroy(&office.cara, &two, &second), Err(Code::ApprovalsMissing));
    std::fs::remove_file(office.approval(&second, &office.otto)).unwrap();

    // In another part: by hand, and as otto himself would sign it.
    let own = office.approval(&first, &office.otto);
    let text = String::from_utf8(note.clone()).unwrap();
    let releasing = text.replace("part approver", "part releaser");
    assert_ne!(releasing, text);
    let genuine = approval(office.vault_id(), &first, &office.otto, Part::Releaser);
    for forged in [releasing, signed(&genuine, &[&office.otto]).print()] {
        for name in
            [own.clone(), office.file(&first, &format!("approval-releaser-{}.note", office.otto.id()))]
        {
            std::fs::remove_file(&own).unwrap();
            std::fs::write(&name, &forged).unwrap();
            assert_eq!(office.destroy(&office.cara, &one, &first), Err(Code::ApprovalsMissing));
            std::fs::remove_file(name).unwrap();
            std::fs::write(&own, &note).unwrap();
        }
    }
    // Of whom it is, the signature says, and not the name of the file.
    let others = approval(office.vault_id(), &second, office.olga(), Part::Approver);
    std::fs::write(office.approval(&second, office.olga()), signed(&others, &[&office.cara]).print())
        .unwrap();
    assert_eq!(office.destroy(&office.cara, &two, &second), Err(Code::ApprovalsMissing));
    let clerks = approval(office.vault_id(), &second, &office.carl, Part::Approver);
    std::fs::write(office.approval(&second, &office.carl), signed(&clerks, &[&office.carl]).print()).unwrap();
    assert_eq!(office.destroy(&office.cara, &two, &second), Err(Code::ApprovalsMissing));
    // A damaged one keeps nobody else's from counting.
    std::fs::write(office.approval(&first, &office.carl), b"\xff").unwrap();
    assert_eq!(office.destroy(&office.cara, &one, &first), Ok(()));
    assert!(office.place.document_path(&two).exists() && !office.place.document_path(&one).exists());
    sound(&office.place);
}

#[test]
fn nobody_consents_to_the_own_request() {
    let office = Office::new(2);
    let id = office.document();
    let request = office.ask_to_destroy(office.olga(), &id);
    assert_eq!(office.approve(office.olga(), &request).err(), Some(Code::OwnRequest));
    let text = approval(office.vault_id(), &request, office.olga(), Part::Approver);
    let note = signed(&text, &[office.olga()]).print();
    std::fs::write(office.approval(&request, office.olga()), &note).unwrap();
    // Under another's name it is still the requester's.
    std::fs::write(office.approval(&request, &office.otto), &note).unwrap();
    assert_eq!(office.destroy(office.olga(), &id, &request), Err(Code::ApprovalsMissing));

    // A roster: the requester's signature is there already, and counts once.
    let request =
        asked(office.place.vault().policy_set(office.olga(), &Policy::for_one_person(), None).unwrap());
    assert_eq!(office.approve(office.olga(), &request).err(), Some(Code::OwnRequest));
    let own = office.file(&request, &format!("proposed-{}.note", office.olga().id()));
    let others = office.file(&request, &format!("proposed-{}.note", office.otto.id()));
    std::fs::copy(&own, &others).unwrap();
    let text = SignedNote::parse(&std::fs::read(&own).unwrap()).unwrap().text().to_owned();
    let clerks = office.file(&request, &format!("proposed-{}.note", office.cara.id()));
    std::fs::write(&clerks, signed(&text, &[&office.cara]).print()).unwrap();
    assert_eq!(office.approve(&office.cara, &request).err(), Some(Code::NoRole));
    let shown = office.place.vault().request_show(None, &request.request.to_string()).unwrap();
    assert_eq!(shown.state, "pending");
    assert_eq!(office.place.vault().policy_show().unwrap().digest, Policy::default().digest());
    // Where otto's own signature belongs, there must be nothing: it could never be put in its place.
    assert_eq!(office.approve(&office.otto, &request).err(), Some(Code::DamagedVault));
    assert_eq!(office.status(), Ok(()));
    std::fs::remove_file(others).unwrap();
    assert_eq!(office.approve(&office.otto, &request).unwrap().state, "done");
    assert_eq!(office.place.vault().policy_show().unwrap().digest, Policy::for_one_person().digest());
    sound(&office.place);
}

#[test]
fn one_person_under_two_keys_is_one_person() {
    let policy = Policy::default();
    let policy = Policy { important: ClassRules { destroy_approvals: 2, ..policy.important }, ..policy };
    let office = Office::under(1, Zone::Networked, &policy);
    let (again, joined) = office.admit("otto", Role::Officer, false);
    done(joined);
    let (mine, joined) = office.admit("olga", Role::Officer, false);
    done(joined);
    let id = office.document();
    let request = office.ask_to_destroy(office.olga(), &id);
    office.approve(&office.otto, &request).unwrap();
    office.approve(&again, &request).unwrap();
    assert_eq!(office.destroy(office.olga(), &id, &request), Err(Code::ApprovalsMissing));
    // Nor does the requester become another one by another key.
    assert_eq!(office.approve(&mine, &request).err(), Some(Code::OwnRequest));
    let text = approval(office.vault_id(), &request, &mine, Part::Approver);
    std::fs::write(office.approval(&request, &mine), signed(&text, &[&mine]).print()).unwrap();
    assert_eq!(office.destroy(office.olga(), &id, &request), Err(Code::ApprovalsMissing));
    let (other, joined) = office.admit("oscar", Role::Officer, false);
    done(joined);
    office.approve(&other, &request).unwrap();
    assert_eq!(office.destroy(office.olga(), &id, &request), Ok(()));
    sound(&office.place);
}

#[test]
fn a_request_whose_time_is_over_comes_to_nothing() {
    let office = Office::new(1);
    let (one, two) = (office.document(), office.document());
    let approved = office.ask_to_destroy(&office.cara, &one);
    office.approve(&office.otto, &approved).unwrap();
    let waiting = office.ask_to_destroy(&office.cara, &two);
    let clock = Arc::new(Ahead(AtomicI64::new(14 * DAY)));
    let later =
        Vault::at(Site { clock: clock.clone(), ..office.place.site() }, &office.place.path("v")).unwrap();
    let approving = Approving { part: Part::Approver, run: true };
    let late = later.approve(&office.otto, &waiting.request.to_string(), waiting.digest, approving);
    assert_eq!(code(late), Some(Code::RequestEnded));
    for (id, request) in [(&one, &approved), (&two, &waiting)] {
        let late = later.destroy(&office.cara, id, "over", Some(&request.request.to_string()));
        assert_eq!(code(late), Some(Code::RequestEnded));
        assert_eq!(later.request_show(None, &request.request.to_string()).unwrap().state, "over");
    }
    assert_eq!(later.requests(None).unwrap().requests.len(), 0);
    assert_eq!(
        code(later.request_end(&office.cara, &waiting.request.to_string(), true)),
        Some(Code::RequestEnded)
    );
    // A moment before that it counts.
    clock.0.store(approved.until.unix_ms() - SystemClock.now().time.unix_ms() - 60_000, Ordering::SeqCst);
    assert_eq!(later.request_show(None, &approved.request.to_string()).unwrap().state, "pending");
    assert!(office.place.document_path(&one).exists() && office.place.document_path(&two).exists());
    assert_eq!(office.destroy(&office.cara, &one, &approved), Ok(()));
    sound(&office.place);
}

#[test]
fn a_request_is_used_once_and_for_what_was_approved() {
    let office = Office::new(2);
    let (one, two) = (office.document(), office.document());
    let request = office.ask_to_destroy(&office.cara, &one);
    office.approve(&office.otto, &request).unwrap();
    assert_eq!(office.destroy(&office.cara, &two, &request), Err(Code::OtherRequest));
    assert_eq!(office.destroy(office.olga(), &one, &request), Err(Code::OtherRequest), "of somebody else");
    // The document that was approved is not this one any more.
    let rekey = RewrapRequest { ids: vec![one.clone()], ..Default::default() };
    office.place.vault().rekey(&office.cara, &rekey, &NoProgress).unwrap();
    assert_eq!(office.destroy(&office.cara, &one, &request), Err(Code::OtherRequest));

    let request = office.ask_to_destroy(&office.cara, &one);
    office.approve(&office.otto, &request).unwrap();
    let kept = office.place.path("kept");
    crate::attacks::scene::copy(&office.file(&request, ""), &kept);
    assert_eq!(office.destroy(&office.cara, &one, &request), Ok(()));
    assert_eq!(office.approve(office.olga(), &request).err(), Some(Code::RequestEnded));
    assert_eq!(office.destroy(&office.cara, &two, &request), Err(Code::RequestEnded));
    // The same files once more, as they were, and under a new name.
    crate::attacks::scene::put(&kept, &office.file(&request, ""));
    assert_eq!(office.destroy(&office.cara, &two, &request), Err(Code::RequestEnded));
    let copied = RequestReport { request: gapvault::id::RequestId([7; 16]), ..request.clone() };
    crate::attacks::scene::copy(&kept, &office.file(&copied, ""));
    assert_eq!(office.destroy(&office.cara, &two, &copied), Err(Code::TamperedRequest));
    assert_eq!(office.approve(&office.otto, &copied).err(), Some(Code::TamperedRequest));
    // What was shown is what is signed.
    let waiting = office.ask_to_destroy(&office.carl, &two);
    let shown = RequestReport { digest: request.digest, ..waiting.clone() };
    assert_eq!(office.approve(&office.otto, &shown).err(), Some(Code::TamperedRequest));
    assert_eq!(office.approve(&office.otto, &waiting).unwrap().approvals.len(), 1);
    assert!(office.place.document_path(&two).exists());
    sound(&office.place);
}

#[test]
fn a_proposal_that_was_overtaken_comes_to_nothing() {
    let office = Office::new(2);
    let early = asked(leave(&office, &office.carl).unwrap());
    let late =
        asked(office.place.vault().policy_set(office.olga(), &Policy::for_one_person(), None).unwrap());
    assert_eq!(office.approve(&office.otto, &early).unwrap().state, "done");
    let version = office.newest_roster().0;
    assert_eq!(office.approve(&office.otto, &late).err(), Some(Code::RequestEnded));
    assert_eq!(office.newest_roster().0, version);
    assert_eq!(office.place.vault().policy_show().unwrap().digest, Policy::default().digest());
    // Who was approved away before is not sent away again by the same request.
    assert_eq!(office.approve(&office.otto, &early).err(), Some(Code::RequestEnded));
    assert_eq!(code(leave(&office, &office.carl)), Some(Code::NoMember));
    office.place.vault().key_finish(office.olga(), false, &NoProgress).unwrap();
    sound(&office.place);
}

#[test]
fn who_has_left_has_approved_nothing() {
    let office = Office::new(1);
    let (one, two) = (office.document(), office.document());
    let request = office.ask_to_destroy(&office.cara, &one);
    office.approve(&office.otto, &request).unwrap();
    let carls = office.ask_to_destroy(&office.carl, &two);
    done(leave(&office, &office.otto).unwrap());
    assert_eq!(office.destroy(&office.cara, &one, &request), Err(Code::ApprovalsMissing));
    assert_eq!(office.approve(&office.otto, &carls).err(), Some(Code::NotAMember));
    // And who has left asks for nothing.
    done(leave(&office, &office.carl).unwrap());
    assert_eq!(office.approve(office.olga(), &carls).err(), Some(Code::RequestEnded));
    assert_eq!(code(office.place.vault().destroy(&office.carl, &two, "over", None)), Some(Code::NotAMember));
    assert!(office.place.document_path(&one).exists() && office.place.document_path(&two).exists());
    assert_eq!(office.approve(office.olga(), &request).unwrap().state, "pending");
    assert_eq!(office.destroy(&office.cara, &one, &request), Ok(()));
    sound(&office.place);
}

/// A machine with these links.
#[derive(Debug)]
pub(super) struct Links(pub(super) Vec<Link>);

impl Surroundings for Links {
    fn links(&self) -> std::io::Result<Vec<Link>> {
        Ok(self.0.clone())
    }
}

#[test]
fn sealing_and_rebuilding_unwrap_nothing_on_a_connected_machine() {
    let office = Office::under(1, Zone::Isolated, &Policy::default());
    let cable = Links(vec![Link { kind: LinkKind::Interface, name: "eth0".to_owned() }]);
    let at = |links| {
        let site = Site { surroundings: Arc::new(links), ..office.place.site() };
        Vault::at(site, &office.place.path("v")).unwrap()
    };
    let (apart, plugged) = (at(Links(vec![])), at(cable));
    let source = office.place.write("a.txt", b"text");
    let seal = |vault: &Vault| {
        let sealed = vault.seal(&office.cara, &sealing(&source, Class::Important), &NoProgress);
        sealed.map(|report| report.failed.len()).map_err(|error| error.code())
    };
    apart.key_finish(office.olga(), false, &NoProgress).unwrap();
    let key = office.place.path(&format!("v/keys/catalogue/1/{}.age", office.cara.id()));
    let kept = std::fs::read(&key).unwrap();
    std::fs::write(&key, b"not a key").unwrap();
    assert_eq!(seal(&apart), Err(Code::TamperedKey), "titles are folded in");
    assert_eq!(seal(&plugged), Ok(0));
    plugged.rebuild(Some(&office.cara), &NoProgress).unwrap();
    // A key that is still to be given.
    std::fs::remove_file(&key).unwrap();
    assert_eq!(seal(&apart), Ok(0));
    std::fs::write(&key, kept).unwrap();
    assert_eq!(seal(&apart), Ok(0));
    let listed = apart.list(Some(&office.cara), &ListRequest::default()).unwrap();
    assert!(listed.documents.iter().all(|row| row.title.as_deref() == Some("a.txt")));
    assert_eq!(listed.documents.len(), 3);
    sound(&office.place);
}

#[test]
fn an_exception_is_what_enough_officers_signed_for_this_host_and_this_time() {
    let office = Office::under(2, Zone::Isolated, &Policy::default());
    // Keys that wait, since the machine of this test may be connected.
    let apart = Site { surroundings: Arc::new(Links(vec![])), ..office.place.site() };
    let apart = Vault::at(apart, &office.place.path("v")).unwrap();
    apart.key_finish(office.olga(), false, &NoProgress).unwrap();
    let id = office.document();
    let vault_id = office.vault_id();
    let clock = Arc::new(Ahead(AtomicI64::new(0)));
    let cable = || Links(vec![Link { kind: LinkKind::Interface, name: "eth0".to_owned() }]);
    let site = || Site { surroundings: Arc::new(cable()), clock: clock.clone(), ..office.place.site() };
    let plugged = || Vault::at(site(), &office.place.path("v")).unwrap();
    let opens = || {
        let request = gapvault::vault::OpenRequest {
            ids: vec![id.clone()],
            all: false,
            to: gapvault::vault::OpenTo::File(office.place.path("out")),
            reason: None,
            request: None,
        };
        let opened = plugged().open(&office.cara, request, &NoProgress);
        assert_eq!(office.place.path("out").exists(), opened.is_ok());
        let _ = std::fs::remove_file(office.place.path("out"));
        code(opened)
    };
    assert_eq!(opens(), Some(Code::Connected));
    let folder = office.place.path("v/exceptions");
    std::fs::create_dir_all(&folder).unwrap();
    let host = office.roster().hosts[0].id;
    let note = |host: HostId, hours: i64, by: &[&Identity]| {
        let until = SystemClock.now().time.unix_ms() + hours * DAY / 24;
        let mut fields = Fields::new("gapvault.exception/v1");
        fields.put("vault", vault_id);
        fields.put("host", host);
        fields.put("until", Timestamp::from_unix_ms(until));
        signed(&fields.finish().unwrap(), by)
    };
    let both = [office.olga(), &office.otto];
    for (what, forged) in [
        ("signed by one", note(host, 1, &[office.olga()])),
        ("signed by an officer and a clerk", note(host, 1, &[office.olga(), &office.cara])),
        ("of another host", note(HostId([1; 8]), 1, &both)),
        ("over", note(host, -1, &both)),
    ] {
        let path = folder.join(format!("{}.note", forged.digest()));
        std::fs::write(&path, forged.print()).unwrap();
        assert_eq!(opens(), Some(Code::Connected), "{what}");
        std::fs::remove_file(path).unwrap();
    }
    let wish = ExceptRequest { hours: 2, reason: "moving".to_owned() };
    let request = asked(plugged().except(office.olga(), &wish).unwrap());
    assert_eq!(opens(), Some(Code::Connected));
    assert_eq!(office.approve(&office.otto, &request).unwrap().state, "done");
    assert_eq!(opens(), None);
    sound(&office.place);
    clock.0.store(DAY / 12, Ordering::SeqCst);
    assert_eq!(opens(), Some(Code::Connected));
}
