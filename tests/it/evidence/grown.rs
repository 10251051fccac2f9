//! Logs of sizes at which tiles fill up, written by a plain hand of our own.

use std::path::{Path, PathBuf};

use gapvault::audit::Quorum;
use gapvault::crypto::{Digest, SigningKey};
use gapvault::evidence::proofs::{self, LogSource};
use gapvault::evidence::{AuditVerifyReport, Evidence, Trust, VerifyWish};
use gapvault::id::{HostId, SessionId};
use gapvault::label::Zone;
use gapvault::log::checkpoint::Checkpoint;
use gapvault::log::entry::{Draft, Event, Outcome};
use gapvault::log::merkle::{leaf_hash, node_hash, verify_consistency};
use gapvault::note::{VerifierKey, origin};
use gapvault::time::{Moment, Timestamp};
use gapvault::vault::Code;

use super::{Exported, codes};

/// A folder whose rosters are a real vault's, and whose log is anything.
pub(super) struct Folder {
    pub(super) exported: Exported,
    pub(super) key: SigningKey,
}

pub(super) fn entry(seq: u64) -> Vec<u8> {
    let now = Moment { time: Timestamp::from_unix_ms(1000), boot: String::new(), mono_ms: seq };
    let draft =
        Draft::new(Event::TitleRead, Outcome::Ok, SessionId([1; 16]), HostId([2; 8]), Zone::Networked, &now);
    draft.entry(seq).unwrap().to_bytes()
}

/// The tree by its definition, without any cleverness.
fn root(hashes: &[Digest]) -> Digest {
    match hashes {
        [] => Digest::of(b""),
        [one] => *one,
        more => {
            let left = more.len().next_power_of_two() / 2;
            node_hash(&root(&more[..left]), &root(&more[left..]))
        }
    }
}

fn name(index: usize) -> String {
    assert!(index < 1000);
    format!("{index:03}")
}

impl Folder {
    pub(super) fn new() -> Self {
        Self { exported: Exported::new(), key: SigningKey::from_seed([5; 32]) }
    }

    pub(super) fn top(&self) -> PathBuf {
        self.exported.folder.clone()
    }

    pub(super) fn log_key(&self) -> VerifierKey {
        VerifierKey::new(&origin(&self.exported.vault, 1), self.key.public()).unwrap()
    }

    /// Writes a log of these entries as the specification has it.
    pub(super) fn write(&self, entries: &[Vec<u8>]) {
        let folder = self.top().join("log/1");
        std::fs::remove_dir_all(&folder).unwrap();
        let put = |name: String, bytes: &[u8]| {
            let path = folder.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, bytes).unwrap();
        };
        let width = |len: usize| if len == 256 { String::new() } else { format!(".p/{len}") };
        for (index, bundle) in entries.chunks(256).enumerate() {
            let framed: Vec<u8> = bundle
                .iter()
                .flat_map(|entry| [&u16::try_from(entry.len()).unwrap().to_be_bytes()[..], entry].concat())
                .collect();
            put(format!("tile/entries/{}{}", name(index), width(bundle.len())), &framed);
        }
        let mut level: Vec<Digest> = entries.iter().map(|entry| leaf_hash(entry)).collect();
        let checkpoint = Checkpoint::new(&origin(&self.exported.vault, 1), level.len() as u64, root(&level));
        for number in 0.. {
            for (index, tile) in level.chunks(256).enumerate() {
                let bytes: Vec<u8> = tile.iter().flat_map(|hash| hash.0).collect();
                put(format!("tile/{number}/{}{}", name(index), width(tile.len())), &bytes);
            }
            if level.len() < 256 {
                break;
            }
            level = level.chunks_exact(256).map(root).collect();
        }
        let note = checkpoint.unwrap().sign(&self.key, None).unwrap();
        let note = note.print().into_bytes();
        put("checkpoint".to_owned(), &note);
        let framed = [&u16::try_from(note.len()).unwrap().to_be_bytes()[..], &note].concat();
        put("checkpoints".to_owned(), &framed);
    }

    fn evidence(&self) -> Evidence {
        Evidence::open(&self.top()).unwrap()
    }

    pub(super) fn verify(&self) -> AuditVerifyReport {
        let trust = Trust { vault: None, policy: Some(Quorum::of_logs(vec![self.log_key()])) };
        self.evidence().verify(&mut VerifyWish { trust, ..VerifyWish::default() }).unwrap()
    }
}

#[test]
fn logs_of_the_sizes_at_which_tiles_fill_up_are_judged_and_proven() {
    let folder = Folder::new();
    let entries: Vec<Vec<u8>> = (0..65_537).map(entry).collect();
    let hashes: Vec<Digest> = entries.iter().map(|entry| leaf_hash(entry)).collect();
    for size in [0, 1, 2, 3, 255, 256, 257, 511, 512, 513, 65_535, 65_536, 65_537] {
        folder.write(&entries[..size]);
        let report = folder.verify();
        assert_eq!((report.verdict.as_str(), report.size), ("ok", size as u64), "{:?}", report.findings);
        assert_eq!(report.signed_size, size as u64);
        let evidence = folder.evidence();
        let log = evidence.log(1, vec![folder.log_key().into()]);
        for seq in [0, 1, 255, 256, 511, 512, 65_535, 65_536].into_iter().filter(|seq| *seq < size) {
            let proof = proofs::prove(&log, seq as u64).unwrap();
            assert_eq!(proof.entry.as_deref(), Some(entries[seq].as_slice()));
        }
        for old in [1, 2, 255, 256, 257, 512, 65_535].into_iter().filter(|old| *old <= size) {
            let proof = log.consistency(old as u64, size as u64).unwrap();
            let (before, after) = (root(&hashes[..old]), root(&hashes[..size]));
            verify_consistency(old as u64, &before, size as u64, &after, &proof).unwrap();
        }
    }
}

#[test]
fn records_that_are_removed_doubled_swapped_moved_or_spelled_otherwise_are_noticed() {
    let folder = Folder::new();
    let entries: Vec<Vec<u8>> = (0..260).map(entry).collect();
    folder.write(&entries);
    let checkpoint = std::fs::read(folder.top().join("log/1/checkpoint")).unwrap();
    let other = |seq: u64| String::from_utf8(entry(seq)).unwrap().replacen(":", ": ", 1).into_bytes();
    for at in [0, 1, 100, 255, 256, 259] {
        let mut removed = entries.clone();
        removed.remove(at);
        let mut doubled = entries.clone();
        doubled.insert(at, entries[at].clone());
        let mut swapped = entries.clone();
        swapped.swap(at, (at + 1) % 260);
        let mut spelled = entries.clone();
        spelled[at] = other(at as u64);
        for (kind, variant) in [removed, doubled, swapped, spelled].into_iter().enumerate() {
            // With tiles and a tree of its own, under the old signature; and with a new one, by whoever has the key.
            folder.write(&variant);
            let resigned = folder.verify();
            // Who has the key can sign a shorter log: only a checkpoint that somebody kept says so.
            let cut = kind == 0 && at == 259;
            assert_eq!(resigned.verdict == "ok", cut, "{at} {kind}");
            assert!(
                cut || resigned.first_bad.is_some_and(|bad| bad <= at as u64 + 1),
                "{at} {kind} {resigned:?}"
            );
            std::fs::write(folder.top().join("log/1/checkpoint"), &checkpoint).unwrap();
            assert_ne!(folder.verify().verdict, "ok", "{at} {kind}");
        }
    }
}

#[test]
fn a_tile_that_says_something_else_than_its_entries_is_noticed() {
    let folder = Folder::new();
    folder.write(&(0..600).map(entry).collect::<Vec<_>>());
    for name in ["tile/0/000", "tile/0/001", "tile/0/002.p/88", "tile/1/000.p/2"] {
        let path: &Path = &folder.top().join("log/1").join(name);
        let bytes = std::fs::read(path).unwrap();
        for at in [0, 31, bytes.len() - 1] {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            std::fs::write(path, changed).unwrap();
            assert_eq!(codes(Ok(folder.verify())), [Code::DamagedTile], "{name} {at}");
        }
        std::fs::write(path, &bytes[..bytes.len() - 32]).unwrap();
        assert_eq!(codes(Ok(folder.verify())), [Code::DamagedTile], "{name}");
        std::fs::write(path, bytes).unwrap();
    }
    assert_eq!(codes(Ok(folder.verify())), []);
}
