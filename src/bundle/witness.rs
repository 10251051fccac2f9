//! The sender's newest checkpoint with a proof that the log only grew since the one that the receiver signed last, in the
//! form that `c2sp.org/tlog-witness` has for requests.

use super::known::Known;
use crate::crypto::Digest;
use crate::encoding::{base64, unbase64};
use crate::log::checkpoint::{Checkpoint, MAX_CHECKPOINT_LEN};
use crate::log::keys::verify_by_any;
use crate::log::merkle::verify_consistency;
use crate::note::origin_epoch;

/// Longest request: proof and checkpoint.
pub const WITNESS_LIMIT: usize = MAX_CHECKPOINT_LEN + 8192;
/// A proof has no more hashes: twice the levels of the largest tree.
const PROOF_LIMIT: usize = 126;

/// A request to sign a checkpoint as a witness.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WitnessRequest {
    /// The size of the log when it was signed last; 0 for the first time.
    pub old: u64,
    /// The proof that it only grew since.
    pub proof: Vec<Digest>,
    /// The checkpoint, with its log's signature.
    pub checkpoint: Vec<u8>,
}

/// What a witness finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// The log only grew, or is seen for the first time.
    Grown(Checkpoint),
    /// The sender does not know which checkpoint was signed last, so nothing can be said.
    Unknown,
    /// The log is not the one that was signed before.
    Forked(Checkpoint),
}

impl WitnessRequest {
    /// The request as a file.
    pub fn print(&self) -> Vec<u8> {
        let mut out = format!("old {}\n", self.old);
        for hash in &self.proof {
            out.push_str(&base64(&hash.0));
            out.push('\n');
        }
        out.push('\n');
        [out.into_bytes(), self.checkpoint.clone()].concat()
    }

    /// Reads what [`print`](Self::print) wrote, and nothing else.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > WITNESS_LIMIT {
            return None;
        }
        let text = std::str::from_utf8(bytes).ok()?;
        let (front, checkpoint) = text.split_once("\n\n")?;
        let mut lines = front.split('\n');
        let old = lines.next()?.strip_prefix("old ")?.parse().ok()?;
        let mut proof = Vec::new();
        for line in lines {
            if proof.len() >= PROOF_LIMIT {
                return None;
            }
            proof.push(Digest(unbase64(line)?.try_into().ok()?));
        }
        let request = Self { old, proof, checkpoint: checkpoint.as_bytes().to_vec() };
        (request.print() == bytes).then_some(request)
    }

    /// Whether the checkpoint is the log's own and follows from the one that was signed last. `None` for one that the
    /// sender's log has not signed.
    pub fn judge(&self, sender: &Known, last: Option<&Checkpoint>) -> Option<Found> {
        let origin = std::str::from_utf8(&self.checkpoint).ok()?.split('\n').next()?;
        let signed = verify_by_any(&self.checkpoint, &sender.log_keys(origin), &sender.member_keys())?;
        let new = signed.checkpoint().clone();
        // A log that goes on after a loss is a tree of its own, and whose it was is over: what is signed for it now could
        // contradict what was signed for it before.
        let epoch = |checkpoint: &Checkpoint| origin_epoch(&sender.vault(), checkpoint.origin());
        let last = match last {
            Some(last) if last.origin() == new.origin() => last,
            Some(last) if epoch(&new) < epoch(last) => return Some(Found::Forked(new)),
            _ => return Some(Found::Grown(new)),
        };
        if last.size() == 0 {
            return Some(Found::Grown(new));
        }
        if self.old != last.size() {
            let same = new.size() == last.size();
            return Some(match (same, new.root() == last.root()) {
                (true, true) => Found::Grown(new),
                (true, false) => Found::Forked(new),
                (false, _) => Found::Unknown,
            });
        }
        let grown = verify_consistency(last.size(), &last.root(), new.size(), &new.root(), &self.proof);
        Some(if grown.is_ok() { Found::Grown(new) } else { Found::Forked(new) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::scene::{CLERK, HOST, OFFICER, checkpoint, disturbed, key, known, proof, resume};
    use super::*;

    fn request(old: u64, proof: Vec<Digest>, new: &Checkpoint, by: u8) -> WitnessRequest {
        WitnessRequest { old, proof, checkpoint: new.sign(&key(by), None).unwrap().print().into_bytes() }
    }

    fn good() -> WitnessRequest {
        request(1, proof(7), &checkpoint(2, 7, 1), HOST)
    }

    #[test]
    fn a_request_reads_as_it_prints_and_in_no_other_way() {
        let other = request(0, vec![], &checkpoint(2, 7, 1), HOST);
        for request in [good(), other] {
            let bytes = request.print();
            assert_eq!(WitnessRequest::parse(&bytes).unwrap(), request);
            let text = String::from_utf8(bytes).unwrap();
            let known = known(1);
            let last = checkpoint(1, 7, 1);
            let grown = request.judge(&known, Some(&last));
            for other in disturbed(&text) {
                let read = WitnessRequest::parse(other.as_bytes());
                // What is a request still has another checkpoint or proof, and none that holds.
                let judged = read.and_then(|read| read.judge(&known, Some(&last)));
                assert!(!matches!(judged, Some(Found::Grown(_))) || judged == grown, "{other}");
            }
        }
        let line = format!("{}\n", base64(&[1; 32]));
        let text = |front: &str| WitnessRequest::parse(format!("{front}\n\nx").as_bytes());
        assert!(text("old 1").is_some() && text(&format!("old 1\n{}", line.trim_end())).is_some());
        for bad in ["", "old", "old ", "old 01", "old -1", "old 18446744073709551616", "old 1\nx", "old 1 "] {
            assert!(text(bad).is_none(), "{bad:?}");
        }
        let many = |count: usize| text(&format!("old 1\n{}", line.repeat(count).trim_end()));
        assert!(many(PROOF_LIMIT).is_some() && many(PROOF_LIMIT + 1).is_none());
        assert!(WitnessRequest::parse(&vec![b'x'; WITNESS_LIMIT + 1]).is_none());
    }

    #[test]
    fn a_log_has_only_grown_or_is_another_one() {
        let known = known(1);
        let (one, two, other) = (checkpoint(1, 7, 1), checkpoint(2, 7, 1), checkpoint(2, 8, 1));
        let judge = |request: &WitnessRequest, last: Option<&Checkpoint>| request.judge(&known, last);
        assert_eq!(judge(&good(), Some(&one)), Some(Found::Grown(two.clone())));
        assert_eq!(judge(&good(), None), Some(Found::Grown(two.clone())));
        // Seen at this size already.
        assert_eq!(judge(&good(), Some(&two)), Some(Found::Grown(two.clone())));
        assert_eq!(judge(&good(), Some(&other)), Some(Found::Forked(two.clone())));
        // The sender does not know what was signed last: nothing is signed, and nothing is wrong.
        assert_eq!(judge(&request(0, vec![], &two, HOST), Some(&one)), Some(Found::Unknown));
        assert_eq!(judge(&request(1, proof(7), &one, HOST), Some(&two)), Some(Found::Unknown));
        // A proof that does not hold.
        for bad in [vec![], proof(8), vec![proof(7)[0], proof(7)[0]]] {
            assert_eq!(judge(&request(1, bad, &two, HOST), Some(&one)), Some(Found::Forked(two.clone())));
        }
        assert_eq!(judge(&request(2, vec![], &one, HOST), Some(&two)), Some(Found::Forked(one.clone())));
        // Not by the log, or of another one.
        for by in [OFFICER, CLERK, 77] {
            assert_eq!(judge(&request(1, proof(7), &two, by), Some(&one)), None, "{by}");
        }
        let foreign = Checkpoint::new("gapvault/0000000000000000/1", 2, two.root()).unwrap();
        assert_eq!(judge(&request(1, proof(7), &foreign, HOST), Some(&one)), None);
        let junk = WitnessRequest { old: 1, proof: vec![], checkpoint: b"junk".to_vec() };
        assert_eq!(judge(&junk, Some(&one)), None);
    }

    #[test]
    fn an_epoch_that_is_over_does_not_come_back() {
        let resumed = known(1).after(&[], None, &[(2, resume(2, 1, OFFICER))]).unwrap();
        let (old, new) = (checkpoint(2, 8, 1), checkpoint(2, 7, 2));
        let second = request(0, vec![], &new, HOST + 2);
        assert_eq!(second.judge(&resumed, Some(&checkpoint(2, 7, 1))), Some(Found::Grown(new.clone())));
        // The host of the first epoch, with another history.
        let first = request(0, vec![], &old, HOST);
        assert_eq!(first.judge(&resumed, Some(&new)), Some(Found::Forked(old)));
        assert_eq!(second.judge(&known(1), None), None, "of an epoch that nobody is known to have begun");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "old [0-9]{1,20}\n([ -~]{0,44}\n){0,4}\n(?s).{0,99}") {
            let known = known(1);
            for bytes in [bytes, text.into_bytes()] {
                if let Some(request) = WitnessRequest::parse(&bytes) {
                    prop_assert_eq!(request.print(), bytes);
                    prop_assert_eq!(request.judge(&known, Some(&checkpoint(1, 7, 1))), None);
                }
            }
        }
    }
}
