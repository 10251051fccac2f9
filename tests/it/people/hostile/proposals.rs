//! Requests and proposals that were exchanged, hidden or buried, and consents that must not get lost.

use std::path::{Path, PathBuf};

use gapvault::label::{Class, Role};
use gapvault::note::SignedNote;
use gapvault::roster::Roster;
use gapvault::vault::{Approving, Code, Part, Policy, Site, Vault};

use super::super::rosters::leave;
use super::super::{Office, asked, code, signed};
use crate::verbs::sound;

/// The file of this name, wherever it is below a folder.
fn find(folder: &Path, name: &str) -> Option<PathBuf> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .find_map(|path| if path.is_dir() { find(&path, name) } else { path.ends_with(name).then_some(path) })
}

#[test]
fn an_officer_who_asks_to_leave_is_let_go() {
    let office = Office::new(2);
    let (omar, joined) = office.admit("omar", Role::Officer, true);
    assert_eq!(office.approve(&office.otto, &asked(joined)).unwrap().state, "done");
    let request = asked(leave(&office, office.olga()).unwrap());
    // By the roster that is then in force the requester is nobody: the report must not judge the request by it.
    assert_eq!(office.approve(&office.otto, &request).unwrap().state, "done");
    let mut officers: Vec<_> = office.roster().officers().map(|officer| officer.id).collect();
    let mut left = vec![office.otto.id(), omar.id()];
    officers.sort_unstable();
    left.sort_unstable();
    assert_eq!(officers, left);
}

#[test]
fn a_waiting_roster_that_was_exchanged_is_not_signed() {
    let office = Office::new(2);
    let state = office.place.path("other-state");
    let other = || {
        let site = Site { state: state.clone(), ..office.place.site() };
        Vault::at(site, &office.place.path("v")).unwrap()
    };
    other().host_trust(&mut |_| Ok(())).unwrap();
    let before = office.newest_roster();
    assert_eq!(other().host_enrol(office.olga()).unwrap().state, "waiting");
    // Somebody makes cara an officer in it, and one signature enough; olga's is there, since she is the somebody.
    let waiting = find(&state, "waiting.note").unwrap();
    let note = SignedNote::parse(&std::fs::read(&waiting).unwrap()).unwrap();
    let mut next = Roster::parse(note.text()).unwrap();
    next.officers_needed = 1;
    let cara = next.members.iter_mut().find(|member| member.id == office.cara.id()).unwrap();
    cara.role = Role::Officer;
    cara.clearance = vec![Class::Critical, Class::Important];
    std::fs::write(&waiting, signed(&next.print().unwrap(), &[office.olga()]).print()).unwrap();
    assert_eq!(other().host_enrol(&office.otto).unwrap().state, "waiting", "otto proposes his own");
    let now = office.newest_roster();
    assert_eq!((now.0, now.1.digest()), (before.0, before.1.digest()));
    let roster = office.roster();
    assert_eq!((roster.officers_needed, roster.officers().count(), roster.hosts.len()), (2, 2, 1));
    // What waits now is genuine, and olga may sign it.
    assert_eq!(other().host_enrol(office.olga()).unwrap().state, "enrolled");
    let roster = office.roster();
    assert_eq!((roster.officers_needed, roster.officers().count(), roster.hosts.len()), (2, 2, 2));
}

/// Nobody is shown a change of the policy, nor signs it, while the new policy's file is like this, or not there.
fn is_not_signed_while(there: &[Option<Vec<u8>>]) {
    let office = Office::new(2);
    let policy = Policy::for_one_person();
    let request = asked(office.place.vault().policy_set(office.olga(), &policy, None).unwrap());
    let name = request.request.to_string();
    let show = || office.place.vault().request_show(None, &name);
    let file = office.file(&request, "policy.note");
    let kept = std::fs::read(&file).unwrap();
    for bytes in there {
        match bytes {
            None => std::fs::remove_file(&file).unwrap(),
            Some(bytes) => std::fs::write(&file, bytes).unwrap(),
        }
        let refused = (code(show()), office.approve(&office.otto, &request).err());
        // A signature that lay there would count as soon as the real policy is back.
        assert!(!office.file(&request, &format!("proposed-{}.note", office.otto.id())).exists());
        assert_eq!(refused, (Some(Code::TamperedRequest), Some(Code::TamperedRequest)), "{bytes:?}");
    }
    std::fs::write(&file, kept).unwrap();
    let shown = show().unwrap();
    assert_eq!((shown.state, shown.approvals.len(), shown.policy.is_some()), ("pending", 1, true));
    assert_eq!(office.approve(&office.otto, &shown).unwrap().state, "done");
    assert_eq!(office.place.vault().policy_show().unwrap().digest, policy.digest());
    sound(&office.place);
}

#[test]
fn a_policy_that_is_gone_is_not_signed() {
    is_not_signed_while(&[None]);
}

#[test]
fn a_policy_that_was_garbled_or_exchanged_is_not_signed() {
    is_not_signed_while(&[Some(b"\xff\n".to_vec()), Some(Policy::default().print().into_bytes())]);
}

#[test]
fn a_folder_in_a_request_hinders_nobody() {
    let office = Office::new(1);
    let id = office.document();
    let request = office.ask_to_destroy(&office.cara, &id);
    std::fs::create_dir(office.file(&request, "approval-junk")).unwrap();
    let approved = office.approve(&office.otto, &request).unwrap();
    assert_eq!(approved.approvals.iter().map(|row| row.member).collect::<Vec<_>>(), [office.otto.id()]);
    let listed = office.place.vault().requests(None).unwrap().requests;
    assert_eq!(listed.iter().map(|row| row.request).collect::<Vec<_>>(), [request.request]);
    assert_eq!(office.destroy(&office.cara, &id, &request), Ok(()));
}

#[test]
fn a_consent_in_the_wrong_part_does_not_stand_for_the_right_one() {
    let office = Office::new(1);
    let id = office.document();
    let request = office.ask_to_destroy(&office.cara, &id);
    let name = request.request.to_string();
    // Olga may release as well, and nobody has to release what is destroyed.
    let consent = |part| {
        let approving = Approving { part, run: false };
        let report = office.place.vault().approve(office.olga(), &name, request.digest, approving);
        report.unwrap().approvals.len()
    };
    assert_eq!(consent(Part::Releaser), 1);
    assert_eq!(office.destroy(&office.cara, &id, &request), Err(Code::ApprovalsMissing));
    assert_eq!(consent(Part::Approver), 2);
    assert_eq!(consent(Part::Approver), 2, "twice is once");
    assert_eq!(office.destroy(&office.cara, &id, &request), Ok(()));
    sound(&office.place);
}
