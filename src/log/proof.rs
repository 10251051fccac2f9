//! The proof that an entry is in a log, as a file that stands for itself (`c2sp.org/tlog-proof`): place, hashes, and the
//! checkpoint with all its signatures. The entry goes along as extra data, which the proof covers once it is checked.

use super::checkpoint::Checkpoint;
use super::checkpoint::MAX_CHECKPOINT_LEN;
use super::entry::MAX_ENTRY_LEN;
use super::merkle::{ProofError, leaf_hash, verify_inclusion};
use crate::crypto::Digest;
use crate::encoding::{base64, unbase64};

/// The first line.
const HEADER: &str = "c2sp.org/tlog-proof@v1";
/// A path has no more hashes than a tree has levels.
const HASHES_LIMIT: usize = 63;
/// Longest proof, in bytes.
pub const MAX_PROOF_LEN: usize = MAX_CHECKPOINT_LEN + MAX_ENTRY_LEN * 2 + 8192;

/// The proof of one entry.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EntryProof {
    /// The entry, where it goes along. Believed only as far as [`EntryProof::check`] says.
    pub entry: Option<Vec<u8>>,
    /// Its place, from 0.
    pub index: u64,
    /// From the entry's neighbour up to below the root.
    pub hashes: Vec<Digest>,
    /// The signed checkpoint, as a note.
    pub checkpoint: Vec<u8>,
}

impl EntryProof {
    /// The file.
    pub fn print(&self) -> Vec<u8> {
        let mut out = format!("{HEADER}\n");
        if let Some(entry) = &self.entry {
            out.push_str(&format!("extra {}\n", base64(entry)));
        }
        out.push_str(&format!("index {}\n", self.index));
        for hash in &self.hashes {
            out.push_str(&base64(&hash.0));
            out.push('\n');
        }
        out.push('\n');
        [out.as_bytes(), &self.checkpoint].concat()
    }

    /// Reads what [`print`](Self::print) wrote, and nothing else. `None` over [`MAX_PROOF_LEN`] and for extra data that is
    /// longer than an entry.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > MAX_PROOF_LEN {
            return None;
        }
        let (front, checkpoint) = std::str::from_utf8(bytes).ok()?.split_once("\n\n")?;
        let mut lines = front.split('\n').peekable();
        lines.next().filter(|line| *line == HEADER)?;
        let entry = match lines.peek()?.strip_prefix("extra ") {
            Some(extra) => {
                lines.next();
                Some(unbase64(extra).filter(|entry| entry.len() <= MAX_ENTRY_LEN)?)
            }
            None => None,
        };
        let index = lines.next()?.strip_prefix("index ")?.parse().ok()?;
        let hashes: Vec<&str> = lines.collect();
        if hashes.len() > HASHES_LIMIT {
            return None;
        }
        let hash = |line: &&str| Some(Digest(unbase64(line)?.try_into().ok()?));
        let hashes = hashes.iter().map(hash).collect::<Option<_>>()?;
        let proof = Self { entry, index, hashes, checkpoint: checkpoint.as_bytes().to_vec() };
        (proof.print() == bytes).then_some(proof)
    }

    /// Whether these bytes are the entry at this place of the tree that a checkpoint is about. Whose checkpoint it is has been
    /// verified before.
    pub fn check(&self, entry: &[u8], checkpoint: &Checkpoint) -> Result<(), ProofError> {
        verify_inclusion(&leaf_hash(entry), self.index, checkpoint.size(), &self.hashes, &checkpoint.root())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SigningKey;
    use crate::log::merkle::root_of;

    fn proof() -> (EntryProof, Checkpoint) {
        let leaves: Vec<Digest> = [b"a", b"b", b"c"].iter().map(|entry| leaf_hash(*entry)).collect();
        let checkpoint = Checkpoint::new("example.com/log", 3, root_of(leaves.clone())).unwrap();
        let note = checkpoint.sign(&SigningKey::from_seed([1; 32]), None).unwrap().print().into_bytes();
        let hashes = vec![leaves[0], leaves[2]];
        (EntryProof { entry: Some(b"b".to_vec()), index: 1, hashes, checkpoint: note }, checkpoint)
    }

    #[test]
    fn a_proof_reads_as_it_prints_and_in_no_other_way() {
        let (with, _) = proof();
        for proof in [
            EntryProof { entry: None, ..with.clone() },
            EntryProof { hashes: vec![], ..with.clone() },
            with.clone(),
        ] {
            assert_eq!(EntryProof::parse(&proof.print()), Some(proof));
        }
        let text = String::from_utf8(with.print()).unwrap();
        for (from, to) in [
            ("@v1", "@v2"),
            ("extra ", "Extra "),
            ("extra ", "extra  "),
            ("index 1", "index 01"),
            ("index 1", "index +1"),
            ("index 1", "index -1"),
            ("index 1", "index 99999999999999999999"),
            ("index 1\n", ""),
            ("=\n", "\n"),
            ("\n", "\r\n"),
        ] {
            let other = text.replacen(from, to, 1);
            assert_ne!(other, text);
            assert_eq!(EntryProof::parse(other.as_bytes()), None, "{from:?} {to:?}");
        }
        let hashes = vec![Digest([0; 32]); HASHES_LIMIT + 1];
        assert_eq!(EntryProof::parse(&EntryProof { hashes, ..with.clone() }.print()), None);
        let entry = Some(vec![0; MAX_ENTRY_LEN + 1]);
        assert_eq!(EntryProof::parse(&EntryProof { entry, ..with }.print()), None);
        assert_eq!(EntryProof::parse(&vec![b'x'; MAX_PROOF_LEN + 1]), None);
    }

    #[test]
    fn every_flipped_bit_of_path_place_or_entry_is_noticed() {
        let (good, checkpoint) = proof();
        assert_eq!(good.check(b"b", &checkpoint), Ok(()));
        assert!(good.check(b"a", &checkpoint).is_err());
        for index in [0, 2, 3, u64::MAX] {
            assert!(EntryProof { index, ..good.clone() }.check(b"b", &checkpoint).is_err());
        }
        for bit in 0..2 * 256 {
            let mut other = good.clone();
            other.hashes[bit / 256].0[bit % 256 / 8] ^= 1 << (bit % 8);
            assert!(other.check(b"b", &checkpoint).is_err(), "{bit}");
        }
    }
}
