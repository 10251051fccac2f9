//! The house rules that a compiler does not hold: floors, owners of crates, who may make the tokens, file sizes.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Rooms by floor. A room imports only from lower floors.
const FLOORS: &[(u32, &[&str])] = &[
    (0, &["encoding"]),
    (1, &["answer", "crypto", "fault", "id", "label", "time"]),
    (2, &["agefile", "note", "process", "words"]),
    (3, &["plugin"]),
    (4, &["document", "identity"]),
    (5, &["access", "roster"]),
    (6, &["log", "policy", "sealed"]),
    (7, &["audit", "bundle", "store"]),
    (8, &["evidence"]),
    (9, &["vault"]),
    (10, &["bin"]),
];

/// Crates that only their owner's rooms may name.
const OWNERS: &[(&str, &[&str])] = &[
    ("ring", &["crypto"]),
    ("reed_solomon_simd", &["bundle"]),
    ("qrcode", &["bundle"]),
    ("askama", &["audit", "bundle"]),
    ("base64", &["encoding"]),
    ("age", &["agefile", "plugin"]),
    ("age_core", &["agefile", "plugin"]),
    ("libcrux_ml_kem", &["agefile"]),
    ("sha3", &["agefile"]),
    ("curve25519_dalek", &["crypto"]),
    ("x25519_dalek", &["agefile"]),
    ("sled", &["store"]),
    ("walkdir", &["store"]),
    ("nix", &["store"]),
    ("fluent_bundle", &["words"]),
    ("unic_langid", &["words"]),
    ("jiff", &["words"]),
    ("unicode_normalization", &["identity"]),
    ("clap", &["bin"]),
    ("clap_complete", &["bin"]),
    ("clap_mangen", &["bin"]),
    ("indicatif", &["bin"]),
    ("toml", &["bin"]),
    ("etcetera", &["bin"]),
    ("rustix", &["plugin", "process", "store", "evidence", "bin"]),
];

/// Tokens, and the room that may make them.
const TOKENS: &[(&str, &str)] = &[("Grant::issue(", "policy"), ("Recorded::at(", "store")];

/// Lines of a file before its tests.
const FILE_LIMIT: usize = 450;

fn source_files() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![root];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| end == "rs") {
                files.push((path.clone(), std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    assert!(files.len() > 20, "the source moved; this test has to follow");
    files
}

/// The room that a file belongs to: its first path component below `src`.
fn room(path: &Path) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let inside = path.strip_prefix(root).unwrap();
    let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
    first.trim_end_matches(".rs").to_owned()
}

/// Code without comments and without what is inside `#[cfg(test)] mod tests`.
fn code(text: &str) -> String {
    let body = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    body.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Every room that the code names after `crate::` or `gapvault::`.
fn imports(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for marker in ["crate::", "gapvault::"] {
        for rest in code.split(marker).skip(1) {
            let names: Vec<String> = match rest.strip_prefix('{') {
                Some(list) => list
                    .split('}')
                    .next()
                    .unwrap_or("")
                    .split(',')
                    .map(|item| first_name(item.trim()))
                    .collect(),
                None => vec![first_name(rest)],
            };
            found.extend(names);
        }
    }
    found
}

fn first_name(text: &str) -> String {
    text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
}

fn floors() -> BTreeMap<&'static str, u32> {
    FLOORS.iter().flat_map(|(floor, rooms)| rooms.iter().map(move |room| (*room, *floor))).collect()
}

#[test]
fn a_room_imports_only_from_lower_floors() {
    let floors = floors();
    for (path, text) in source_files() {
        let room = room(&path);
        if room == "lib" {
            continue;
        }
        let own = floors.get(room.as_str()).unwrap_or_else(|| panic!("{room} has no floor"));
        for import in imports(&code(&text)) {
            let Some(floor) = floors.get(import.as_str()) else { continue };
            let fine = import == room || floor < own;
            assert!(fine, "{}: {room} (floor {own}) imports {import} (floor {floor})", path.display());
        }
    }
}

#[test]
fn a_crate_is_used_in_its_owners_room_only() {
    for (path, text) in source_files() {
        let room = room(&path);
        let code = code(&text);
        for (owned, owners) in OWNERS {
            let named = code.lines().any(|line| names_crate(line, owned));
            let fine = !named || owners.contains(&room.as_str());
            assert!(fine, "{}: {owned} belongs to {owners:?}", path.display());
        }
    }
}

/// Whether a line names a crate as the beginning of a path.
fn names_crate(line: &str, name: &str) -> bool {
    let pattern = format!("{name}::");
    line.match_indices(&pattern).any(|(at, _)| {
        let before = line.get(..at).and_then(|text| text.chars().next_back());
        !before.is_some_and(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | ':'))
    })
}

#[test]
fn tokens_are_made_in_one_room_only() {
    for (path, text) in source_files() {
        for (maker, owner) in TOKENS {
            let made = code(&text).contains(maker);
            assert!(!made || room(&path) == *owner, "{}: {maker} belongs to {owner}", path.display());
        }
    }
    for (maker, owner) in TOKENS {
        let used = source_files().iter().any(|(path, text)| room(path) == *owner && text.contains(maker));
        assert!(used, "{maker} is made nowhere; this test has to follow");
    }
}

#[test]
fn files_hold_one_idea() {
    for (path, text) in source_files() {
        if path.file_name().is_some_and(|name| name == "tests.rs") {
            continue;
        }
        let lines = text.split("#[cfg(test)]\nmod tests {").next().unwrap_or("").lines().count();
        assert!(lines <= FILE_LIMIT, "{}: {lines} lines before its tests", path.display());
    }
}

#[test]
fn the_rules_notice_what_they_are_for() {
    assert_eq!(imports("use crate::vault::Error;"), ["vault"]);
    assert_eq!(imports("use crate::{log, store::disk};"), ["log", "store"]);
    assert!(names_crate("use ring::digest;", "ring"));
    assert!(names_crate("    let x = sled::Config::new();", "sled"));
    assert!(!names_crate("use crate::string::x;", "ring"));
    assert!(!names_crate("my_ring::x", "ring"));
    assert_eq!(code("// use crate::vault\nlet a = 1;"), "let a = 1;");
}
