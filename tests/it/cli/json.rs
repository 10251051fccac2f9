//! What scripts rely on: one object for each call, its schema and keys, the same in both languages.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Bench;

/// A verb and the keys of its object, in the order of a session. `ID` is the sealed document, `LANG` the language.
const CONTRACTS: &[(&[&str], &str, &str)] = &[
    (
        &["identity", "new", "--name", "b", "--out", "LANG.id", "--work-factor", "10", "--classic"],
        "identity.new",
        "id name identity card code",
    ),
    (
        &["identity", "show", "ann.id.card"],
        "identity.show",
        "id name recipient verifier_key created code card",
    ),
    (&["identity", "show", "ann.id"], "identity.show", "id name recipient verifier_key created code card"),
    (
        &["identity", "passphrase", "LANG.id", "--new-passphrase-file", "pass", "--work-factor", "10"],
        "identity.passphrase",
        "identity",
    ),
    (
        &["init", "LANG.v", "--name", "w", "--zone", "networked", "--classic"],
        "init",
        "vault code people_needed zone",
    ),
    (
        &["member", "add", "LANG.id.card", "--role", "clerk", "--clearance", "important", "--yes"],
        "member.add",
        "member code keys_waiting roster_version",
    ),
    (&["member", "list"], "member.list", "members"),
    (&["seal", "LANG", "--class", "important"], "seal", "documents skipped failed"),
    (&["seal", "LANG", "--class", "important", "--dry-run"], "seal", "documents skipped failed would_seal"),
    (&["list"], "list", "documents"),
    (&["list", "--find", "a", "--class", "important"], "list", "documents"),
    (&["show", "ID"], "show", "document"),
    (&["show", "ID", "--history"], "show", "document history"),
    (&["open", "ID", "-o", "LANG.out"], "open", "documents failed"),
    (&["open", "--all", "--into", "LANG.all"], "open", "documents failed"),
    (&["status"], "status", "vault name zone documents log pending warnings"),
    (&["verify"], "verify", "verdict documents bytes findings pending"),
    (
        &["audit", "verify"],
        "audit.verify",
        "verdict epoch size root signed_size witnessed_size first_bad findings pending logs",
    ),
    (&["audit", "show", "--last", "2"], "audit.show", "entries"),
    (&["audit", "show", "--document", "ID"], "audit.show", "entries"),
    (&["host", "rekey"], "host", "state vault name code epoch size"),
    (&["rebuild"], "rebuild", "entries documents tiles log_keys old_index"),
    (&["destroy", "ID", "--reason", "r", "--yes"], "destroy", "id"),
];

/// The keys of the objects inside, by where they lie.
const INSIDE: &[(&str, &str, &str)] = &[
    ("member.add", "/member", "id name role clearance titles import release until sponsor state last_seen"),
    (
        "member.list",
        "/members/0",
        "id name role clearance titles import release until sponsor state last_seen",
    ),
    ("seal", "/documents/0", "id source class size payload_sha256 header_sha256"),
    ("seal", "/skipped/0", "source why"),
    ("list", "/documents/0", "id class title name relative_path size sealed_at sealed_by"),
    (
        "show",
        "/document",
        "id class title name relative_path size sealed_at sealed_by payload_sha256 header_sha256 header_len path",
    ),
    ("show", "/history/0", "seq epoch time event phase outcome member name reason"),
    ("open", "/documents/0", "id path size"),
    ("status", "/log", "epoch size signed_size witnessed_size"),
    ("status", "/warnings/0", "code detail"),
];

fn names(list: &str) -> BTreeSet<String> {
    list.split_whitespace().map(ToOwned::to_owned).collect()
}

fn keys(value: &Value) -> BTreeSet<String> {
    value.as_object().unwrap().keys().cloned().collect()
}

fn furnished() -> Bench {
    let bench = Bench::founded();
    for tree in ["en", "zh-TW"] {
        bench.write(&format!("{tree}/a.txt"), "a");
        bench.write(&format!("{tree}/b.txt"), "b");
        std::os::unix::fs::symlink("a.txt", bench.path(tree).join("link")).unwrap();
    }
    bench
}

#[test]
fn each_verb_answers_with_one_object_of_its_keys() {
    let bench = furnished();
    let mut seen = BTreeSet::new();
    for lang in ["en", "zh-TW"] {
        let mut id = String::new();
        for (call, schema, wanted) in CONTRACTS {
            let words: Vec<String> =
                call.iter().map(|word| word.replace("LANG", lang).replace("ID", &id)).collect();
            let said = bench.call(&words).env("GAPVAULT_LANG", lang).machine().ok();
            assert_eq!(said.err, "", "{words:?}");
            let object = said.json();
            assert!(said.out.starts_with("{\"schema\":"), "{words:?}");
            assert_eq!(object["schema"], format!("gapvault.{schema}/v1"));
            let mut wanted = names(wanted);
            wanted.insert("schema".into());
            assert_eq!(keys(&object), wanted, "{words:?}");
            for (_, place, wanted) in INSIDE.iter().filter(|(which, ..)| which == schema) {
                if let Some(inner) = object.pointer(place) {
                    assert_eq!(keys(inner), names(wanted), "{words:?} {place}");
                    seen.insert((*schema, *place));
                }
            }
            if let Some(sealed) = object.pointer("/documents/0/id").filter(|_| *schema == "seal") {
                id = sealed.as_str().unwrap().to_owned();
            }
        }
    }
    assert_eq!(seen.len(), INSIDE.len(), "{seen:?}");
    bench.sound();
}

#[test]
fn looking_gives_the_same_bytes_in_both_languages() {
    let bench = furnished();
    let id = bench.seal("en/a.txt", "critical");
    // Without an identity nothing is revealed, so nothing is written, and two looks see the same.
    let calls: [&[&str]; 8] = [
        &["member", "list"],
        &["list"],
        &["show", &id, "--history"],
        &["status"],
        &["verify"],
        &["audit", "verify"],
        &["audit", "show"],
        &["identity", "show", "ann.id"],
    ];
    for call in calls {
        let look = |lang: &str| bench.call(call).without("GAPVAULT_IDENTITY").lang(lang).machine().ok().out;
        assert_eq!(look("en"), look("zh-TW"), "{call:?}");
    }
}

#[test]
fn types_are_what_the_contract_says() {
    let bench = furnished();
    bench.seal("en/a.txt", "critical");
    let report = bench.call(&["audit", "verify", "--json"]).ok().json();
    for field in ["epoch", "size", "signed_size", "witnessed_size"] {
        assert!(report[field].is_u64(), "{report}");
    }
    assert_eq!(report["root"].as_str().unwrap().len(), 44);
    assert!(report["first_bad"].is_null());
    let hidden = bench.call(&["list", "--json"]).without("GAPVAULT_IDENTITY").ok().json();
    let row = &hidden["documents"][0];
    assert!(row["title"].is_null() && row["name"].is_null() && row["size"].is_u64());
    assert!(row["sealed_at"].as_str().unwrap().ends_with('Z'));
    let report = bench.call(&["seal", "none", "en/b.txt", "--class", "important", "--json"]).run();
    assert_eq!(report.exit, 3, "{report:?}");
    let report = report.json();
    assert_eq!(report["failed"][0]["code"], "not-found.file");
    assert_eq!(report["documents"].as_array().unwrap().len(), 1);
}

#[test]
fn a_document_on_standard_output_is_alone_there() {
    let bench = furnished();
    bench.write("bytes", [0, 159, 146, 150, b'\n']);
    let id = bench.seal("en/a.txt", "critical");
    let said = bench.call(&["open", &id, "--stdout"]).ok();
    assert_eq!((said.out.as_str(), said.err.as_str()), ("a", ""));
    let said = bench.call(&["open", &id, "--stdout", "--json"]).ok();
    assert_eq!(said.out, "a");
    let report: Value = serde_json::from_str(&said.err).unwrap();
    assert_eq!(report["schema"], "gapvault.open/v1");
    assert!(report["documents"][0]["path"].is_null());
    let id = bench.seal("bytes", "important");
    let output = bench.call(&["open", &id, "--stdout"]).spawn().wait_with_output().unwrap();
    assert_eq!(output.stdout, [0, 159, 146, 150, b'\n']);
}
