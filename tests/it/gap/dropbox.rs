//! A drop box: papers go in, and nobody there gets them out.

use gapvault::label::{Class, KeyKind, Role, Zone};
use gapvault::vault::{
    self, Code, Done, InitRequest, ListRequest, MemberAdd, NoProgress, OpenRequest, OpenTo, Policy,
};

use super::Side;
use crate::verbs::{person, site};

fn drop_box(inside: &Side) -> Side {
    let mut side = Side::new("隔離庫的影子", Zone::Networked, Policy::for_one_person());
    std::fs::remove_dir_all(side.path("v")).unwrap();
    std::fs::remove_dir_all(side.path("state")).unwrap();
    let card = side.path("inside.card");
    inside.vault().peer_card(&card).unwrap();
    side.founder = person(&site(side.folder.path()), side.folder.path(), "櫃台");
    let request = InitRequest {
        policy: Some(Policy::for_one_person()),
        deposit_for: Some(vault::read_vault_card(&side.site(), &card).unwrap()),
        ..InitRequest::new("投遞箱", Zone::Networked, KeyKind::Classic)
    };
    vault::init(&side.site(), &side.path("v"), &side.founder, &request).unwrap();
    side
}

fn open(side: &Side, id: &str) -> Result<Vec<u8>, vault::Error> {
    let to = side.path(&format!("{id}.out"));
    let request = OpenRequest {
        ids: vec![id.to_owned()],
        all: false,
        to: OpenTo::File(to.clone()),
        reason: Some("r".into()),
        request: None,
    };
    side.vault().open(&side.founder, request, &NoProgress)?;
    Ok(std::fs::read(to).unwrap())
}

#[test]
fn what_goes_into_a_drop_box_only_the_other_vault_opens() {
    let inside = Side::new("隔離庫", Zone::Isolated, Policy::for_one_person());
    let counter = drop_box(&inside);
    inside.admit(&counter);
    // No secret key of the vault lies anywhere.
    assert!(!counter.path("v/keys").read_dir().unwrap().any(|entry| entry.is_ok()));
    let id = counter.seal("申請書.txt", b"application", Class::Critical);
    assert_eq!(open(&counter, &id).unwrap_err().code(), Code::NoClearance);
    let list = counter.vault().list(Some(&counter.founder), &ListRequest::default()).unwrap();
    assert_eq!(list.documents[0].title, None);
    // Nobody gets a right there that only looked like one.
    let card = counter.path("王小明.id.card");
    let add = MemberAdd {
        card,
        role: Role::Clerk,
        clearance: vec![Class::Important],
        titles: false,
        import: false,
        release: false,
        until: None,
        sponsor: None,
        confirm: &mut |_| Ok(()),
    };
    assert_eq!(counter.vault().member_add(&counter.founder, add).unwrap_err().code(), Code::DropBox);
    let medium = counter.path("medium");
    counter.send("隔離庫", &[&id], &medium);
    assert_eq!(inside.import(&medium).unwrap().state, "accepted");
    assert_eq!(open(&inside, &id).unwrap(), b"application");
    let list = inside.vault().list(Some(&inside.founder), &ListRequest::default()).unwrap();
    assert_eq!(list.documents[0].title.as_deref(), Some("申請書.txt"));
    counter.vault().receipt_apply(&counter.founder, &medium).unwrap();
    // Nothing comes back into it.
    let made = inside.create("投遞箱", &[&id]);
    assert_eq!(made.unwrap_err().code(), Code::NoTransferKey);
    counter.sound();
    inside.sound();
}

#[test]
fn a_drop_box_takes_over_the_keys_that_the_other_vault_has_now() {
    let inside = Side::new("隔離庫", Zone::Isolated, Policy::for_one_person());
    let counter = drop_box(&inside);
    inside.admit(&counter);
    let rotated = counter.vault().key_rotate(&counter.founder, false, &NoProgress);
    assert_eq!(rotated.unwrap_err().code(), Code::DropBox, "there is nothing newer");
    let before = counter.seal("a", b"before", Class::Important);
    inside.vault().key_rotate(&inside.founder, false, &NoProgress).unwrap();
    // The receipt brings the newer roster, and with it the keys.
    let medium = counter.path("one");
    counter.send("隔離庫", &[&before], &medium);
    inside.import(&medium).unwrap();
    counter.vault().receipt_apply(&counter.founder, &medium).unwrap();
    let Done::Done(report) = counter.vault().key_rotate(&counter.founder, false, &NoProgress).unwrap() else {
        panic!("one officer is enough")
    };
    assert_eq!(report.rotated, ["catalogue.2", "critical.2", "important.2"]);
    let after = counter.seal("b", b"after", Class::Important);
    let medium = counter.path("two");
    counter.send("隔離庫", &[&after], &medium);
    inside.import(&medium).unwrap();
    for (id, content) in [(&before, &b"before"[..]), (&after, b"after")] {
        assert_eq!(open(&inside, id).unwrap(), content);
    }
    counter.vault().receipt_apply(&counter.founder, &medium).unwrap();
    counter.sound();
    inside.sound();
}

#[test]
fn a_drop_box_stands_in_the_networked_zone() {
    let inside = Side::new("隔離庫", Zone::Isolated, Policy::for_one_person());
    let card = inside.path("own.card");
    inside.vault().peer_card(&card).unwrap();
    let request = InitRequest {
        deposit_for: Some(vault::read_vault_card(&inside.site(), &card).unwrap()),
        ..InitRequest::new("x", Zone::Isolated, KeyKind::Classic)
    };
    let made = vault::init(&inside.site(), &inside.path("w"), &inside.founder, &request);
    assert_eq!(made.unwrap_err().code(), Code::DropBox);
    let request = InitRequest { zone: Zone::Networked, kind: KeyKind::Hybrid, ..request };
    let made = vault::init(&inside.site(), &inside.path("w"), &inside.founder, &request);
    assert_eq!(made.unwrap_err().code(), Code::KeyKind);
}
