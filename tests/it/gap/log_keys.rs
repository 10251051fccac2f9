//! Log keys that are replaced while bundles go to and fro: each side follows the other's by the proofs that come along.

use std::path::Path;

use gapvault::label::{Class, Zone};
use gapvault::vault::{Code, Policy};

use super::forge::{copied, names, read, write};
use super::{Side, pair};

fn round(out: &Side, inside: &Side, name: &str) -> std::path::PathBuf {
    let id = out.seal(name, name.as_bytes(), Class::Important);
    let medium = out.path(&format!("medium-{name}"));
    out.send("隔離庫", &[&id], &medium);
    assert_eq!(inside.import(&medium).unwrap().state, "accepted");
    medium
}

fn rekey(side: &Side) {
    side.vault().host_rekey(&side.founder).unwrap();
}

fn with(medium: &Path, prefix: &str) -> Vec<String> {
    names(medium).into_iter().filter(|name| name.starts_with(prefix)).collect()
}

#[test]
fn both_sides_follow_each_others_log_keys() {
    let (out, inside) = pair();
    let apply = |medium: &Path| out.vault().receipt_apply(&out.founder, medium).unwrap();
    let first = round(&out, &inside, "one");
    assert_eq!((with(&first, "log-key-").len(), with(&first, "receipt-log-key-").len()), (0, 0));
    apply(&first);
    rekey(&out);
    rekey(&inside);
    rekey(&inside);
    let second = round(&out, &inside, "two");
    assert_eq!((with(&second, "log-key-").len(), with(&second, "receipt-log-key-").len()), (1, 2));
    let answer = apply(&second);
    // The receiver signed the log that goes on with another key as the one that it signed before.
    assert!(answer.witnessed_size.is_some());
    rekey(&out);
    let third = round(&out, &inside, "three");
    apply(&third);
    apply(&round(&out, &inside, "four"));
    let known = |side: &Side| {
        let peers = side.path("v/peers");
        let of = std::fs::read_dir(peers).unwrap().next().unwrap().unwrap().path();
        with(&of, "log-key-").len()
    };
    assert_eq!((known(&inside), known(&out)), (2, 2));
    out.sound();
    inside.sound();
    // A card of now brings all of it to whoever admits the vault later.
    let late = Side::new("第三庫", Zone::Networked, Policy::for_one_person());
    late.admit(&out);
    out.admit(&late);
    let id = out.seal("five", b"five", Class::Important);
    let medium = out.path("late");
    out.send("第三庫", &[&id], &medium);
    assert_eq!(late.import(&medium).unwrap().state, "accepted");
    late.sound();
}

#[test]
fn an_answer_without_or_with_another_proof_of_its_log_key_is_refused() {
    let (out, inside) = pair();
    rekey(&inside);
    let medium = round(&out, &inside, "one");
    rekey(&inside);
    let other = round(&out, &inside, "two");
    let refuses = |medium: &Path| out.vault().receipt_apply(&out.founder, medium).unwrap_err().code();
    let name = "receipt-log-key-0001";
    let spoilt = copied(&medium, "without");
    std::fs::remove_file(spoilt.join(name)).unwrap();
    assert_eq!(refuses(&spoilt), Code::TamperedReceipt);
    let spoilt = copied(&medium, "other");
    for bytes in [b"junk".to_vec(), read(&other, "receipt-log-key-0002")] {
        write(&spoilt, name, bytes);
        assert_eq!(refuses(&spoilt), Code::TamperedReceipt);
    }
    out.vault().receipt_apply(&out.founder, &medium).unwrap();
    // What is known already has to be what is known.
    let spoilt = copied(&other, "exchanged");
    write(&spoilt, name, read(&other, "receipt-log-key-0002"));
    assert_eq!(refuses(&spoilt), Code::TamperedReceipt);
    out.vault().receipt_apply(&out.founder, &other).unwrap();
    out.sound();
}
