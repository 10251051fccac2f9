//! The proofs of RFC 6962 trees that transparency-dev/merkle publishes, good and broken.

// Helpers of a test fail and talk as tests do.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

use std::path::{Path, PathBuf};

use gapvault::crypto::Digest;
use gapvault::encoding::unbase64;
use gapvault::log::merkle::{verify_consistency, verify_inclusion};
use serde::Deserialize;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Inclusion {
    leaf_idx: u64,
    tree_size: u64,
    root: String,
    leaf_hash: String,
    proof: Option<Vec<String>>,
    #[serde(rename = "desc")]
    _desc: String,
    want_err: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Consistency {
    size1: u64,
    size2: u64,
    root1: String,
    root2: String,
    proof: Option<Vec<String>>,
    #[serde(rename = "desc")]
    _desc: String,
    want_err: bool,
}

/// A hash of the vectors; `None` where they have bytes that are no digest by length.
fn digest(text: &str) -> Option<Digest> {
    unbase64(text).unwrap().try_into().ok().map(Digest)
}

/// The consistency vectors have words in the place of roots where only equality matters. They get
/// stand-ins that are no hash of any tree.
fn root(text: &str) -> Digest {
    digest(text).unwrap_or_else(|| Digest::of(format!("stand-in {text}").as_bytes()))
}

fn digests(proof: Option<Vec<String>>) -> Option<Vec<Digest>> {
    proof.unwrap_or_default().iter().map(|text| digest(text)).collect()
}

/// The vectors of one kind; `None` where no folder of vectors is named.
fn files(kind: &str) -> Option<Vec<PathBuf>> {
    let Some(root) = std::env::var_os("GAPVAULT_VECTORS") else {
        println!("skipped: GAPVAULT_VECTORS does not name a folder of vectors");
        return None;
    };
    let walk = walkdir::WalkDir::new(Path::new(&root).join("merkle").join(kind)).sort_by_file_name();
    let entries = walk.into_iter().map(|entry| entry.expect("the vectors can be read").into_path());
    Some(entries.filter(|path| path.extension().is_some_and(|end| end == "json")).collect())
}

#[test]
fn inclusion_proofs_are_judged_as_published() {
    let Some(files) = files("inclusion") else { return };
    assert_eq!(files.len(), 98);
    for path in files {
        let vector: Inclusion = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let parts = (digest(&vector.leaf_hash), digest(&vector.root), digests(vector.proof));
        let verdict = match &parts {
            (Some(leaf), Some(root), Some(proof)) => {
                verify_inclusion(leaf, vector.leaf_idx, vector.tree_size, proof, root).map_err(Some)
            }
            _ => Err(None),
        };
        assert_eq!(verdict.is_err(), vector.want_err, "{}: {verdict:?}", path.display());
    }
}

#[test]
fn consistency_proofs_are_judged_as_published() {
    let Some(files) = files("consistency") else { return };
    assert_eq!(files.len(), 98);
    for path in files {
        let vector: Consistency = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
        let (old, new) = (root(&vector.root1), root(&vector.root2));
        let verdict = match digests(vector.proof) {
            Some(proof) => verify_consistency(vector.size1, &old, vector.size2, &new, &proof).map_err(Some),
            None => Err(None),
        };
        assert_eq!(verdict.is_err(), vector.want_err, "{}: {verdict:?}", path.display());
    }
}
