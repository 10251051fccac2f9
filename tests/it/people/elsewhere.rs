//! Consents that were signed on another machine and came as files.

use gapvault::vault::{Code, Part, Policy, Vault};

use super::rosters::leave;
use super::{Office, code};
use crate::verbs::{site_with, sound};

impl Office {
    /// The vault as another machine sees it that knows it and may not write.
    fn elsewhere(&self) -> Vault {
        let vault = Vault::at(site_with(&self.place.path("other-state")), &self.place.path("v")).unwrap();
        vault.host_trust(&mut |_| Ok(())).unwrap();
        vault
    }
}

#[test]
fn an_approval_from_another_machine_counts_once_it_was_brought_and_is_on_record() {
    let office = Office::new(1);
    let id = office.document();
    let request = office.ask_to_destroy(&office.cara, &id);
    let name = request.request.to_string();
    let size = office.place.vault().status().unwrap().log.size;
    let note = office.elsewhere().approval_sign(&office.otto, &name, request.digest, Part::Approver).unwrap();
    assert_eq!(office.place.vault().status().unwrap().log.size, size, "signing writes nothing");
    assert_eq!(office.destroy(&office.cara, &id, &request), Err(Code::ApprovalsMissing));

    // Whose consent would not count signs nothing, wherever it is.
    let own = office.elsewhere().approval_sign(&office.cara, &name, request.digest, Part::Approver);
    assert_eq!(code(own), Some(Code::NoRole));
    let other = office.elsewhere().approval_sign(
        &office.otto,
        &name,
        gapvault::crypto::Digest::of(b""),
        Part::Approver,
    );
    assert_eq!(code(other), Some(Code::TamperedRequest));

    // The requester can carry it; one changed byte and it is nobody's.
    let brought = |note: &str| office.place.vault().approval_bring(&office.cara, &name, note.as_bytes());
    let forged = note.replacen("part approver", "part releaser", 1);
    assert_eq!(code(brought(&forged)), Some(Code::OtherRequest));
    assert_eq!(code(brought("rubbish")), Some(Code::OtherRequest));
    let report = brought(&note).unwrap();
    assert_eq!(report.approvals.iter().map(|row| row.member).collect::<Vec<_>>(), [office.otto.id()]);
    assert_eq!(brought(&note).unwrap().approvals.len(), 1, "twice is once");
    assert_eq!(office.destroy(&office.cara, &id, &request), Ok(()));
    sound(&office.place);
}

#[test]
fn a_roster_signed_on_another_machine_is_in_force_once_it_was_brought() {
    let office = Office::under(2, gapvault::label::Zone::Networked, &Policy::for_one_person());
    let request = super::asked(leave(&office, &office.carl).unwrap());
    let name = request.request.to_string();
    let note = office.elsewhere().approval_sign(&office.otto, &name, request.digest, Part::Approver).unwrap();
    // A clerk may bring it; an officer puts it in force.
    let brought = office.place.vault().approval_bring(&office.cara, &name, note.as_bytes()).unwrap();
    assert_eq!((brought.state, brought.approvals.len()), ("pending", 2));
    let settled = office.place.vault().approval_bring(office.olga(), &name, note.as_bytes()).unwrap();
    assert_eq!(settled.state, "done");
    assert!(office.roster().member(office.carl.id()).is_none());
}
