//! A witness's signature on a checkpoint (`c2sp.org/tlog-cosignature`, Ed25519).
//!
//! A witness signs what it saw only grow, together with the time. Its key has a signature type of its own, so that no
//! signature of a log can be shown as a witness's, nor the reverse.

use std::fmt;
use std::str::FromStr;

use super::checkpoint::Checkpoint;
use crate::crypto::{PublicKey, SigningKey};
use crate::note::{
    KeyId, NoteError, Signature, SignedNote, is_name, member_id, member_key_name, parse_vkey, print_vkey,
};
use crate::time::Timestamp;

/// The signature type of a timestamped Ed25519 cosignature.
const COSIGNATURE: u8 = 0x04;
/// What is signed begins with this line.
const HEADER: &str = "cosignature/v1";
/// The time, then the signature.
const LINE_LEN: usize = 8 + 64;

/// A witness's public key under its name. Its text is `name+id+base64(0x04 || key)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WitnessKey {
    name: String,
    key: PublicKey,
}

impl WitnessKey {
    /// A key under a name that does for signature lines.
    pub fn new(name: &str, key: PublicKey) -> Result<Self, NoteError> {
        if is_name(name) { Ok(Self { name: name.to_owned(), key }) } else { Err(NoteError::BadName) }
    }

    /// A member's key as a witness, under the name that follows from it.
    pub fn of_member(key: PublicKey) -> Self {
        Self { name: member_key_name(member_id(&key)), key }
    }

    /// The name in its lines.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The id in its lines.
    pub fn id(&self) -> KeyId {
        KeyId::of_type(&self.name, COSIGNATURE, &self.key)
    }

    /// The public key.
    pub fn key(&self) -> PublicKey {
        self.key
    }

    fn is_named_by(&self, line: &Signature) -> bool {
        line.name() == self.name && line.id() == self.id()
    }
}

impl fmt::Display for WitnessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print_vkey(&self.name, COSIGNATURE, &self.key))
    }
}

impl FromStr for WitnessKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let (name, key) = parse_vkey(text, COSIGNATURE)?;
        Self::new(&name, key)
    }
}

/// That a witness saw a checkpoint, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cosignature {
    /// Seconds since 1970.
    pub seconds: u64,
    /// Over header, time and the checkpoint's text.
    pub signature: Vec<u8>,
}

impl Cosignature {
    fn message(checkpoint: &Checkpoint, seconds: u64) -> Vec<u8> {
        format!("{HEADER}\ntime {seconds}\n{}", checkpoint.text()).into_bytes()
    }

    /// Signs. Whoever does has seen that the log only grew; `None` before 1970.
    pub fn sign(key: &SigningKey, checkpoint: &Checkpoint, now: Timestamp) -> Option<Self> {
        let seconds = u64::try_from(now.unix_ms() / 1000).ok()?;
        Some(Self { seconds, signature: key.sign(&Self::message(checkpoint, seconds)).to_vec() })
    }

    /// Whether this key signed this checkpoint.
    pub fn is_by(&self, key: &PublicKey, checkpoint: &Checkpoint) -> bool {
        key.verify(&Self::message(checkpoint, self.seconds), &self.signature)
    }

    /// The line under a checkpoint's text.
    pub fn line(&self, witness: &WitnessKey) -> Result<Signature, NoteError> {
        let mut bytes = self.seconds.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.signature);
        Signature::new(&witness.name, witness.id(), bytes)
    }

    /// Reads the bytes of a line; whose they are is still to be asked.
    pub fn of_line(line: &Signature) -> Option<Self> {
        let (seconds, signature) = line.bytes().split_first_chunk::<8>()?;
        let seconds = u64::from_be_bytes(*seconds);
        let fits = line.bytes().len() == LINE_LEN && i64::try_from(seconds).is_ok();
        fits.then(|| Self { seconds, signature: signature.to_vec() })
    }
}

/// The known witnesses that signed a note which is this checkpoint, each once with the latest time. Lines of others are
/// passed over.
///
/// # Errors
/// [`NoteError::BadSignature`] for a line with a known witness's name and id that is not genuine;
/// [`NoteError::DifferentText`].
pub fn cosigners(
    note: &SignedNote,
    checkpoint: &Checkpoint,
    known: &[WitnessKey],
) -> Result<Vec<(WitnessKey, u64)>, NoteError> {
    if note.text() != checkpoint.text() {
        return Err(NoteError::DifferentText);
    }
    let mut found: Vec<(WitnessKey, u64)> = Vec::new();
    for line in note.signatures() {
        let named: Vec<&WitnessKey> = known.iter().filter(|witness| witness.is_named_by(line)).collect();
        if named.is_empty() {
            continue;
        }
        let cosignature = Cosignature::of_line(line);
        let by = |witness: &&&WitnessKey| {
            cosignature.as_ref().is_some_and(|found| found.is_by(&witness.key, checkpoint))
        };
        let (Some(witness), Some(cosignature)) = (named.iter().find(by), cosignature.as_ref()) else {
            return Err(NoteError::BadSignature(line.name().to_owned()));
        };
        match found.iter_mut().find(|(known, _)| known.key == witness.key) {
            Some((_, seconds)) => *seconds = (*seconds).max(cosignature.seconds),
            None => found.push(((*witness).clone(), cosignature.seconds)),
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::Digest;
    use crate::note::VerifierKey;

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed([seed; 32])
    }

    fn checkpoint(size: u64) -> Checkpoint {
        Checkpoint::new("example.com/log", size, Digest([7; 32])).unwrap()
    }

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_unix_ms(seconds * 1000)
    }

    fn note() -> SignedNote {
        checkpoint(3).sign(&key(1), None).unwrap()
    }

    fn witnessed(seed: u8, seconds: i64) -> Signature {
        let cosignature = Cosignature::sign(&key(seed), &checkpoint(3), at(seconds)).unwrap();
        cosignature.line(&WitnessKey::of_member(key(seed).public())).unwrap()
    }

    /// The checkpoint, key and cosignature that the specification prints.
    #[test]
    fn the_specifications_example_has_the_shape_that_is_read() {
        let text = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n\n\
            — example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n\
            — witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==\n";
        let note = SignedNote::parse(text.as_bytes()).unwrap();
        assert_eq!(Checkpoint::parse_text(note.text()).unwrap().size(), 20_852_163);
        let [log, witness] = note.signatures() else { panic!() };
        assert_eq!(Cosignature::of_line(log), None);
        assert_eq!(Cosignature::of_line(witness).unwrap().seconds, 1_679_315_147);
    }

    #[test]
    fn a_witness_is_found_once_with_its_latest_time() {
        let mut note = note();
        for line in [witnessed(2, 100), witnessed(2, 300), witnessed(2, 200), witnessed(3, 50)] {
            note.add(line).unwrap();
        }
        let (two, three) = (WitnessKey::of_member(key(2).public()), WitnessKey::of_member(key(3).public()));
        let both = [two.clone(), three.clone()];
        assert_eq!(
            cosigners(&note, &checkpoint(3), &both),
            Ok(vec![(two.clone(), 300), (three.clone(), 50)])
        );
        assert_eq!(
            cosigners(&note, &checkpoint(3), std::slice::from_ref(&three)),
            Ok(vec![(three.clone(), 50)])
        );
        assert_eq!(cosigners(&note, &checkpoint(3), &[]), Ok(vec![]));
        assert_eq!(cosigners(&note, &checkpoint(4), &both), Err(NoteError::DifferentText));
        // One key under two names is one witness.
        let twin = WitnessKey::new("example.com/twin", key(2).public()).unwrap();
        let cosignature = Cosignature::sign(&key(2), &checkpoint(3), at(400)).unwrap();
        note.add(cosignature.line(&twin).unwrap()).unwrap();
        assert_eq!(cosigners(&note, &checkpoint(3), &[two.clone(), twin]), Ok(vec![(two, 400)]));
    }

    #[test]
    fn every_flipped_bit_of_a_known_witness_refuses_the_note() {
        let witness = WitnessKey::of_member(key(2).public());
        let good = witnessed(2, 100);
        for bit in 0..good.bytes().len() * 8 {
            let mut bytes = good.bytes().to_vec();
            bytes[bit / 8] ^= 1 << (bit % 8);
            let mut note = note();
            note.add(Signature::new(good.name(), good.id(), bytes).unwrap()).unwrap();
            let found = cosigners(&note, &checkpoint(3), std::slice::from_ref(&witness));
            assert_eq!(found, Err(NoteError::BadSignature(good.name().to_owned())), "{bit}");
        }
    }

    #[test]
    fn a_log_is_no_witness_and_a_witness_no_log() {
        let (member, witness) =
            (VerifierKey::of_member(key(2).public()), WitnessKey::of_member(key(2).public()));
        assert_ne!(member.id(), witness.id());
        // The same key as a member, under the witness's id: a plain signature is no cosignature.
        let mut forged = note();
        let plain = key(2).sign(checkpoint(3).text().as_bytes()).to_vec();
        forged.add(Signature::new(witness.name(), witness.id(), plain.clone()).unwrap()).unwrap();
        assert!(cosigners(&forged, &checkpoint(3), std::slice::from_ref(&witness)).is_err());
        let timed = [100_u64.to_be_bytes().to_vec(), plain].concat();
        let mut forged = note();
        forged.add(Signature::new(witness.name(), witness.id(), timed).unwrap()).unwrap();
        assert!(cosigners(&forged, &checkpoint(3), std::slice::from_ref(&witness)).is_err());
        // And a cosignature under the member's id is no signature of the member.
        let mut forged = note();
        forged
            .add(Signature::new(member.name(), member.id(), witnessed(2, 100).bytes().to_vec()).unwrap())
            .unwrap();
        assert!(forged.verify(&[member]).is_err());
    }

    #[test]
    fn a_witness_key_reads_as_it_prints() {
        let witness = WitnessKey::of_member(key(2).public());
        let text = witness.to_string();
        assert_eq!(text.parse(), Ok(witness));
        assert!(text.parse::<VerifierKey>().is_err());
        let log = VerifierKey::of_member(key(2).public()).to_string();
        assert!(log.parse::<WitnessKey>().is_err());
    }
}
