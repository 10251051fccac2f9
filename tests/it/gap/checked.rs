//! What comes in waits in quarantine, is looked at, and is let in by whom the policy names.

use gapvault::label::{Class, Role, Zone};
use gapvault::policy::{Acceptance, ClassRules};
use gapvault::vault::{self, Code, Identity, ImportRequest, MemberAdd, NoProgress, Policy};

use super::Side;
use crate::verbs::{person, site};

fn receiving(check: Option<&str>, accept: Acceptance) -> (Side, Side) {
    let out = Side::new("連網庫", Zone::Networked, Policy::for_one_person());
    let alone = Policy::for_one_person();
    let critical = ClassRules { accept, ..alone.critical.clone() };
    let policy = Policy { critical, check: check.map(str::to_owned), ..alone };
    let inside = Side::new("隔離庫", Zone::Isolated, policy);
    out.admit(&inside);
    inside.admit(&out);
    (out, inside)
}

fn join(side: &Side, name: &str, import: bool) -> Identity {
    let identity = person(&site(side.folder.path()), side.folder.path(), name);
    let add = MemberAdd {
        card: side.path(&format!("{name}.id.card")),
        role: Role::Clerk,
        clearance: Vec::new(),
        titles: false,
        import,
        release: false,
        until: None,
        sponsor: None,
        confirm: &mut |_| Ok(()),
    };
    side.vault().member_add(&side.founder, add).unwrap();
    identity
}

fn into_quarantine(side: &Side, me: &Identity, medium: &std::path::Path) -> String {
    let wish = ImportRequest { paths: vec![medium.to_owned()], code: None, accept: false };
    let report = side.vault().import(me, &wish, &NoProgress).unwrap();
    assert_eq!(report.state, "quarantine");
    report.bundle.to_string()
}

/// Entries of an event, as JSON.
fn entries(side: &Side, event: &str) -> Vec<serde_json::Value> {
    let all = side.vault().audit_show(&vault::AuditShow { last: None, document: None }).unwrap();
    all.entries.into_iter().filter(|entry| entry["event"] == event).collect()
}

#[test]
fn another_person_lets_in_where_the_policy_says_so() {
    let (out, inside) = receiving(None, Acceptance::AnotherPerson);
    let (one, two) = (join(&inside, "one", true), join(&inside, "two", true));
    let nobody = join(&inside, "three", false);
    let id = out.seal("a", b"a", Class::Critical);
    let medium = out.path("m");
    out.send("隔離庫", &[&id], &medium);
    let wish = ImportRequest { paths: vec![medium.clone()], code: None, accept: false };
    let denied = inside.vault().import(&nobody, &wish, &NoProgress).unwrap_err();
    assert_eq!(denied.code(), Code::NoImportRight);
    let bundle = into_quarantine(&inside, &one, &medium);
    let accept = |me: &Identity| inside.vault().import_accept(me, &bundle, None, &NoProgress);
    assert_eq!(accept(&one).unwrap_err().code(), Code::SamePerson);
    assert_eq!(accept(&nobody).unwrap_err().code(), Code::NoImportRight);
    assert_eq!(inside.vault().status().unwrap().documents, 0);
    // Neither clearance nor the right to see titles is needed to let in.
    let came = accept(&two).unwrap();
    assert_eq!(came.documents[0].scan.as_deref(), Some("not-scanned"));
    assert_eq!(accept(&two).unwrap_err().code(), Code::BundleDecided);
    assert_eq!(inside.vault().status().unwrap().documents, 1);
    assert_eq!(entries(&inside, "document.import")[0]["detail"]["code"], "not-scanned");
    inside.sound();
}

#[test]
fn the_check_sees_each_document_and_its_word_is_kept() {
    let (out, inside) = receiving(Some("grep -q clean"), Acceptance::Importer);
    let (good, bad) =
        (out.seal("good", b"clean\n", Class::Important), out.seal("bad", b"dirty\n", Class::Important));
    let medium = out.path("m");
    out.send("隔離庫", &[&good, &bad], &medium);
    assert_eq!(inside.refuses(&medium), Code::BundleInfected);
    // It waits; nothing of it is in, the clean document neither.
    assert_eq!(inside.vault().status().unwrap().documents, 0);
    let bundle = inside.vault().bundle_list().unwrap().incoming[0].bundle.to_string();
    assert_eq!(entries(&inside, "bundle.accept")[0]["reason"], "bundle.infected");
    // The sender hears that it came, and then that it was turned away.
    let answer = out.vault().receipt_apply(&out.founder, &medium).unwrap();
    assert_eq!(answer.verdict, "quarantine");
    inside.vault().import_reject(&inside.founder, &bundle, Some(&medium)).unwrap();
    assert_eq!(out.vault().receipt_apply(&out.founder, &medium).unwrap().verdict, "rejected");
    assert!(!inside.path("v/quarantine").join(&bundle).exists());
    // The next one is clean, and its number follows.
    let medium = out.path("n");
    let written = out.send("隔離庫", &[&good], &medium);
    assert_eq!(written.number, 2);
    assert_eq!(inside.import(&medium).unwrap().documents[0].scan.as_deref(), Some("clean"));
    let entry = &entries(&inside, "document.import")[0];
    assert_eq!(entry["detail"]["code"], "clean");
    assert!(entry["detail"]["tool"].as_str().unwrap().contains("grep"), "{entry}");
    inside.sound();
    out.sound();
}

#[test]
fn a_check_that_does_not_work_lets_nothing_in() {
    let (out, inside) = receiving(Some("/no/such/scanner -"), Acceptance::Importer);
    let id = out.seal("a", b"a", Class::Important);
    let medium = out.path("m");
    out.send("隔離庫", &[&id], &medium);
    assert_eq!(inside.refuses(&medium), Code::CheckFailed);
    assert_eq!(inside.vault().status().unwrap().documents, 0);
    assert_eq!(inside.vault().bundle_list().unwrap().incoming[0].state, "quarantine");
    inside.sound();
}
