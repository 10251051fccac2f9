//! The answer that comes back: what became of a bundle, signed by a member of the receiving vault, with a witness's
//! signature on the sender's log and the receiver's own checkpoint. Small enough for one QR code.

use super::known::Known;
use super::volume::SliceName;
use crate::crypto::{Digest, PublicKey, SigningKey};
use crate::encoding::{base64, unbase64};
use crate::id::{MemberId, VaultId};
use crate::label::labels;
use crate::log::checkpoint::Checkpoint;
use crate::log::cosignature::Cosignature;
use crate::note::{Fields, FieldsReader, SignedNote};
use crate::time::Timestamp;

use super::manifest::Link;

/// The first line.
pub const RECEIPT_KIND: &str = "gapvault.receipt/v1";
/// The name of the receipt on the medium.
pub const RECEIPT_NAME: &str = "receipt";
/// Beside it lie notes of the receiver that the sender may not know.
pub const RECEIPT_POLICY_NAME: &str = "receipt-policy";
/// Rosters, with the version in four digits or more.
pub const RECEIPT_ROSTER_PREFIX: &str = "receipt-roster-";
/// Notes by which the receiver's log went on, with the epoch likewise.
pub const RECEIPT_RESUME_PREFIX: &str = "receipt-resume-";
/// Proofs by which the receiver's log keys changed, with their number likewise.
pub const RECEIPT_LOG_KEY_PREFIX: &str = "receipt-log-key-";
/// Longest receipt, in bytes.
pub const RECEIPT_LIMIT: usize = 64 * 1024;
/// Most slices that a receipt names; more are asked for as a whole.
pub const DAMAGED_LIMIT: usize = 64;
/// The code of a receipt that gives no other.
const NONE: &str = "none";

/// Whether a name on a medium is one that the receiver writes.
pub fn is_answer(name: &str) -> bool {
    // What a stop while it was written left.
    let name = name.strip_suffix(".new").unwrap_or(name);
    let numbered = |prefix: &str| {
        let digits = name.strip_prefix(prefix).unwrap_or_default();
        digits.parse::<u32>().is_ok_and(|number| format!("{number:04}") == digits)
    };
    name == RECEIPT_NAME
        || name == RECEIPT_POLICY_NAME
        || numbered(RECEIPT_ROSTER_PREFIX)
        || numbered(RECEIPT_RESUME_PREFIX)
        || numbered(RECEIPT_LOG_KEY_PREFIX)
}

labels!(
    /// What became of a bundle.
    Verdict {
        /// Its documents are in the vault.
        Accepted = "accepted",
        /// It is whole and genuine, and waits for somebody to let it in.
        Quarantine = "quarantine",
        /// Somebody decided not to let it in.
        Rejected = "rejected",
        /// It is genuine and too much of it is damaged.
        Damaged = "damaged",
    }
);

/// A witness's signature on a checkpoint of the sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Witnessed {
    /// The sender's log.
    pub origin: String,
    /// The size of the sender's log.
    pub size: u64,
    /// Its root.
    pub root: Digest,
    /// When, in seconds since 1970.
    pub seconds: u64,
    /// The signature.
    pub signature: Vec<u8>,
}

impl Witnessed {
    /// Signs as a witness. Whoever signs has seen that the log only grew.
    pub fn sign(key: &SigningKey, checkpoint: &Checkpoint, now: Timestamp) -> Option<Self> {
        let Cosignature { seconds, signature } = Cosignature::sign(key, checkpoint, now)?;
        let (origin, size, root) = (checkpoint.origin().to_owned(), checkpoint.size(), checkpoint.root());
        Some(Self { origin, size, root, seconds, signature })
    }

    /// Whether this key signed it.
    pub fn is_by(&self, key: &PublicKey) -> bool {
        let parts = self.parts();
        parts.is_some_and(|(checkpoint, cosignature)| cosignature.is_by(key, &checkpoint))
    }

    /// The checkpoint, and the signature as it stands under one; `None` for what no log has.
    pub fn parts(&self) -> Option<(Checkpoint, Cosignature)> {
        let checkpoint = Checkpoint::new(&self.origin, self.size, self.root).ok()?;
        Some((checkpoint, Cosignature { seconds: self.seconds, signature: self.signature.clone() }))
    }

    fn value(&self) -> String {
        let (root, signature) = (base64(&self.root.0), base64(&self.signature));
        format!("{} {} {root} {} {signature}", self.origin, self.size, self.seconds)
    }

    fn parse(value: &str) -> Option<Self> {
        let words: Vec<&str> = value.split(' ').collect();
        let [origin, size, root, seconds, signature] = words.as_slice() else { return None };
        let witnessed = Self {
            origin: (*origin).to_owned(),
            size: size.parse().ok()?,
            root: Digest(unbase64(root)?.try_into().ok()?),
            seconds: seconds.parse().ok()?,
            signature: unbase64(signature)?,
        };
        (witnessed.value() == value).then_some(witnessed)
    }
}

/// What the receiver says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// The vault that received it.
    pub receiver: VaultId,
    /// The vault that sent it.
    pub sender: VaultId,
    /// The bundle and its place in the channel.
    pub link: Link,
    /// Which attempt.
    pub attempt: u32,
    /// What became of it.
    pub verdict: Verdict,
    /// Volumes and parity that are to be sent again, none where that does not help or all of it is needed.
    pub damaged: Vec<SliceName>,
    /// When it was written.
    pub created: Timestamp,
    /// The newest version of the sender's roster that the receiver knows.
    pub knows: u64,
    /// The version of the receiver's roster in force.
    pub roster: u64,
    /// The signature on the sender's log.
    pub witnessed: Option<Witnessed>,
    /// The receiver's newest checkpoint, signed by its log.
    pub checkpoint: Vec<u8>,
}

impl Receipt {
    /// The text that is signed.
    pub fn print(&self) -> Option<String> {
        let mut out = Fields::new(RECEIPT_KIND);
        let damaged: Vec<String> = self.damaged.iter().map(ToString::to_string).collect();
        out.put("vault", self.receiver);
        out.put("sender", self.sender);
        out.put("bundle", self.link.bundle);
        out.put("series", self.link.series);
        out.put("number", self.link.number);
        out.put("inner", self.link.inner);
        out.put("attempt", self.attempt);
        out.put("verdict", self.verdict);
        out.put("damaged", if damaged.is_empty() { NONE.to_owned() } else { damaged.join(",") });
        out.put("created", self.created);
        out.put("knows", self.knows);
        out.put("roster", self.roster);
        out.put("witnessed", self.witnessed.as_ref().map_or_else(|| NONE.to_owned(), Witnessed::value));
        out.put("checkpoint", base64(&self.checkpoint));
        out.finish().ok()
    }

    /// Reads what [`print`](Self::print) wrote, and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = FieldsReader::new(text, RECEIPT_KIND).ok()?;
        let (receiver, sender) = (fields.take_as("vault").ok()?, fields.take_as("sender").ok()?);
        let bundle = fields.take_as("bundle").ok()?;
        let (series, number) = (fields.take_as("series").ok()?, fields.take_as("number").ok()?);
        let inner = fields.take_as("inner").ok()?;
        let link = Link { series, number, bundle, inner };
        let (attempt, verdict) = (fields.take_as("attempt").ok()?, fields.take_as("verdict").ok()?);
        let damaged = match fields.take("damaged").ok()? {
            NONE => Vec::new(),
            names => names.split(',').map(|name| name.parse().ok()).collect::<Option<Vec<_>>>()?,
        };
        let created = fields.take_as("created").ok()?;
        let (knows, roster) = (fields.take_as("knows").ok()?, fields.take_as("roster").ok()?);
        let witnessed = match fields.take("witnessed").ok()? {
            NONE => None,
            value => Some(Witnessed::parse(value)?),
        };
        let checkpoint = unbase64(fields.take("checkpoint").ok()?)?;
        fields.finish().ok()?;
        let receipt = Self {
            receiver,
            sender,
            link,
            attempt,
            verdict,
            damaged,
            created,
            knows,
            roster,
            witnessed,
            checkpoint,
        };
        let sound = receipt.damaged.len() <= DAMAGED_LIMIT
            && (receipt.verdict == Verdict::Damaged || receipt.damaged.is_empty());
        (sound && receipt.print()? == text).then_some(receipt)
    }

    /// Reads a receipt that a member of that vault signed, whose witness's signature is the same member's.
    pub fn verify(bytes: &[u8], known: &Known) -> Option<(Self, MemberId)> {
        if bytes.len() > RECEIPT_LIMIT {
            return None;
        }
        let note = SignedNote::parse(bytes).ok()?;
        let (verified, signer) = known.signed(&note).ok()?;
        let receipt = Self::parse(verified.text())?;
        let key = known.member(signer)?.key;
        let witnessed = receipt.witnessed.as_ref().is_none_or(|witnessed| witnessed.is_by(&key));
        (witnessed && receipt.receiver == known.vault()).then_some((receipt, signer))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::scene::{AUDITOR, CLERK, HOST, OFFICER, at, checkpoint, disturbed, key, known, signed};
    use super::*;
    use crate::id::BundleId;

    fn receipt(by: u8) -> Receipt {
        let own = checkpoint(2, 7, 1);
        Receipt {
            receiver: known(1).vault(),
            sender: VaultId([6; 32]),
            link: Link { series: 1, number: 2, bundle: BundleId([5; 16]), inner: Digest([7; 32]) },
            attempt: 1,
            verdict: Verdict::Accepted,
            damaged: vec![],
            created: at(1_000),
            knows: 3,
            roster: 1,
            witnessed: Witnessed::sign(&key(by), &checkpoint(1, 7, 1), at(2_000)),
            checkpoint: own.sign(&key(HOST), None).unwrap().print().into_bytes(),
        }
    }

    fn damaged(names: &[&str]) -> Receipt {
        let damaged = names.iter().map(|name| name.parse().unwrap()).collect();
        Receipt { verdict: Verdict::Damaged, damaged, witnessed: None, ..receipt(CLERK) }
    }

    #[test]
    fn a_receipt_reads_as_it_prints_and_in_no_other_way() {
        for receipt in [receipt(CLERK), damaged(&[]), damaged(&["v0001", "p0002"])] {
            let text = receipt.print().unwrap();
            assert_eq!(Receipt::parse(&text).unwrap(), receipt);
            for other in disturbed(&text) {
                assert_eq!(Receipt::parse(&other), None, "{other}");
            }
        }
        // Only damage names volumes, and no more than a line holds.
        let names: Vec<String> = (1..=DAMAGED_LIMIT + 1).map(|at| format!("v{at:04}")).collect();
        let names: Vec<&str> = names.iter().map(String::as_str).collect();
        assert!(Receipt::parse(&damaged(&names[1..]).print().unwrap()).is_some());
        assert_eq!(Receipt::parse(&damaged(&names).print().unwrap()), None);
        let accepted = Receipt { verdict: Verdict::Accepted, ..damaged(&["v0001"]) };
        assert_eq!(Receipt::parse(&accepted.print().unwrap()), None);
        let text = damaged(&["v0001"]).print().unwrap();
        for names in ["v0000", "v1", "v00001", "manifest", "v0001,", ",v0001", "v0001, v0002", "../v0001"] {
            assert_eq!(Receipt::parse(&text.replacen("damaged v0001", &format!("damaged {names}"), 1)), None);
        }
    }

    #[test]
    fn one_member_signs_the_receipt_and_as_witness() {
        let known = known(1);
        let read = |receipt: &Receipt, by: &[u8]| {
            let text = receipt.print()?;
            Receipt::verify(&signed(&text, by), &known)
        };
        let good = receipt(CLERK);
        let (same, signer) = read(&good, &[CLERK]).unwrap();
        assert_eq!((same, known.member(signer).unwrap().key), (good.clone(), key(CLERK).public()));
        // Whether the signer may, is asked later; that it is the witness is asked here.
        assert!(read(&receipt(AUDITOR), &[AUDITOR]).is_some());
        assert!(read(&good, &[OFFICER]).is_none() && read(&good, &[CLERK, OFFICER]).is_none());
        assert!(read(&good, &[77]).is_none());
        assert!(read(&Receipt { receiver: VaultId([1; 32]), ..good.clone() }, &[CLERK]).is_none());
        let witnessed = good.witnessed.clone().unwrap();
        for other in [
            Witnessed { size: 2, ..witnessed.clone() },
            Witnessed { root: Digest([1; 32]), ..witnessed.clone() },
            Witnessed { seconds: 3, ..witnessed.clone() },
            Witnessed { origin: "other/1".to_owned(), ..witnessed.clone() },
            Witnessed { origin: "not an origin".to_owned(), ..witnessed.clone() },
            Witnessed { size: u64::MAX, ..witnessed.clone() },
            Witnessed { size: 0, ..witnessed.clone() },
            Witnessed { signature: vec![], ..witnessed.clone() },
            Witnessed { signature: vec![0; 64], ..witnessed },
        ] {
            let receipt = Receipt { witnessed: Some(other.clone()), ..good.clone() };
            assert!(read(&receipt, &[CLERK]).is_none(), "{other:?}");
        }
        assert!(read(&Receipt { witnessed: None, ..good }, &[CLERK]).is_some());
        let long = [signed(&receipt(CLERK).print().unwrap(), &[CLERK]), vec![b'x'; RECEIPT_LIMIT]].concat();
        assert!(Receipt::verify(&long, &known).is_none());
    }

    #[test]
    fn what_a_receiver_writes_has_its_names() {
        for good in
            ["receipt", "receipt.new", "receipt-policy", "receipt-roster-0001", "receipt-roster-12345"]
        {
            assert!(is_answer(good), "{good}");
        }
        for bad in [
            "",
            "Receipt",
            "receipt-",
            "receipt.new.new",
            ".new",
            "receipt-roster-",
            "receipt-roster-1",
            "receipt-roster-+001",
        ] {
            assert!(!is_answer(bad), "{bad}");
        }
    }

    proptest! {
        #[test]
        fn a_changed_byte_is_another_receipt_or_none(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let good = receipt(CLERK);
            let mut bytes = good.print().unwrap().into_bytes();
            let at = at.index(bytes.len());
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            if let Some(other) = std::str::from_utf8(&bytes).ok().and_then(Receipt::parse) {
                prop_assert_eq!(other.print().unwrap().into_bytes(), bytes);
                prop_assert_ne!(other, good);
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), text in "(?s).{0,200}") {
            prop_assert!(Receipt::verify(&bytes, &known(1)).is_none());
            let text = format!("{RECEIPT_KIND}\n{text}");
            prop_assert!(Receipt::parse(&text).is_none());
        }
    }
}
