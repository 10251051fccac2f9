//! What changes between the look and the deed.

use std::sync::atomic::{AtomicBool, Ordering};

use gapvault::label::{Class, Role, Zone};
use gapvault::vault::{Code, Leaving, NoProgress, Policy, Progress, Stage};

use super::super::{Office, asked, code, done};
use crate::verbs::{self, sound};

/// Does something once, when the first item of a stage is done and nothing is recorded yet.
struct Meanwhile<F> {
    act: F,
    acted: AtomicBool,
}

impl<F: Fn() + Sync> Meanwhile<F> {
    fn new(act: F) -> Self {
        Self { act, acted: AtomicBool::new(false) }
    }
}

impl<F: Fn() + Sync> Progress for Meanwhile<F> {
    fn begin(&self, _: Stage, _: Option<u64>, _: Option<u64>) {}

    fn advance(&self, _: u64, items: u64) {
        if items == 1 && !self.acted.swap(true, Ordering::SeqCst) {
            (self.act)();
        }
    }

    fn end(&self) {}
}

#[test]
fn a_roster_that_changed_while_the_card_was_compared_is_not_overwritten() {
    let office = Office::new(1);
    let folder = office.place.path("new");
    std::fs::create_dir_all(&folder).unwrap();
    verbs::person(&office.place.site(), &folder, "cara");
    let compared = |confirm: &mut dyn FnMut()| {
        let leaving = Leaving {
            member: office.cara.id().to_string(),
            card: Some(folder.join("cara.id.card")),
            rekey: false,
            reason: None,
            confirm: &mut |_| {
                confirm();
                Ok(())
            },
        };
        office.place.vault().member_leave(office.olga(), leaving, &NoProgress)
    };
    let left = compared(&mut || {
        done(office.admit("someone", Role::Clerk, false).1);
    });
    assert_eq!(code(left), Some(Code::Busy));
    // Who joined meanwhile is there, and who was to leave too.
    assert!(office.roster().members.iter().any(|member| member.name == "someone"));
    assert!(office.roster().member(office.cara.id()).is_some());
    sound(&office.place);
    done(compared(&mut || ()).unwrap());
    assert!(office.roster().members.iter().any(|member| member.name == "someone"));
    assert!(office.roster().member(office.cara.id()).is_none());
    sound(&office.place);
}

#[test]
fn a_request_that_was_rejected_meanwhile_is_not_carried_out() {
    let mut policy = Policy::default();
    policy.critical.relabel_down_approvals = 1;
    let office = Office::under(1, Zone::Networked, &policy);
    let source = office.place.write("c.txt", b"text");
    let id = office.place.seal(&office.otto, &source, Class::Critical);
    let vault = office.place.vault();
    let down = |request: Option<&str>, progress: &dyn Progress| {
        vault.relabel(&office.otto, &id, Class::Important, None, request, progress)
    };
    let request = asked(down(None, &NoProgress).unwrap());
    office.approve(office.olga(), &request).unwrap();
    let name = request.request.to_string();
    let rejects = Meanwhile::new(|| {
        let ended = office.place.vault().request_end(office.olga(), &name, false).unwrap();
        assert_eq!(ended.state, "rejected");
    });
    assert_eq!(code(down(Some(&name), &rejects)), Some(Code::RequestEnded));
    assert!(rejects.acted.into_inner());
    let shown = office.place.vault().show(None, &id, false).unwrap();
    assert_eq!(shown.document.row.class, Class::Critical);
    sound(&office.place);
}

#[test]
fn a_document_that_was_destroyed_meanwhile_does_not_come_back() {
    let mut policy = Policy::for_one_person();
    policy.important.destroy_approvals = 0;
    let office = Office::under(1, Zone::Networked, &policy);
    let id = office.document();
    let destroys = Meanwhile::new(|| {
        done(office.place.vault().destroy(office.olga(), &id, "over", None).unwrap());
    });
    let vault = office.place.vault();
    let up = vault.relabel(&office.cara, &id, Class::Critical, None, None, &destroys);
    assert_eq!(code(up), Some(Code::Destroyed));
    assert!(destroys.acted.into_inner());
    assert!(!office.place.document_path(&id).exists());
    sound(&office.place);
}
