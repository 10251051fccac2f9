//! Origin, size and root of the log as a signed note (`c2sp.org/tlog-checkpoint`).
//!
//! The text has exactly three lines. The log's key has the origin for its name. The member whose
//! session wrote entries signs as well, when one was unlocked; witnesses add lines of their own type.
//!
//! ```
//! use gapvault::crypto::SigningKey;
//! use gapvault::id::VaultId;
//! use gapvault::log::checkpoint::{Checkpoint, SignedCheckpoint};
//! use gapvault::log::merkle::empty_root;
//! use gapvault::note::{VerifierKey, origin};
//!
//! let host = SigningKey::from_seed([1; 32]);
//! let origin = origin(&VaultId([0x3f; 32]), 1);
//! let checkpoint = Checkpoint::new(&origin, 0, empty_root())?;
//! let note = checkpoint.sign(&host, None)?;
//!
//! let log_key = VerifierKey::new(&origin, host.public())?;
//! let read = SignedCheckpoint::verify(note.print().as_bytes(), &log_key, &[])?;
//! assert_eq!(read.checkpoint(), &checkpoint);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use super::merkle::{MAX_TREE_SIZE, empty_root};
use crate::crypto::{Digest, PublicKey, SigningKey};
use crate::encoding::{base64, unbase64};
use crate::id::MemberId;
use crate::note::{NoteError, SignedNote, VerifierKey, member_id, member_key_name, member_of_key_name};

/// Longest checkpoint with all its signatures, in bytes: what one frame holds.
pub const MAX_CHECKPOINT_LEN: usize = 65_535;

/// Why something is not a checkpoint of the log that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CheckpointError {
    /// Over [`MAX_CHECKPOINT_LEN`].
    #[error("the checkpoint is longer than the limit")]
    TooLong,
    /// Not origin, size and root on three lines in their one spelling; a size over [`MAX_TREE_SIZE`];
    /// or an empty tree with a root that is not the empty one's.
    #[error("the text is not a checkpoint")]
    Malformed,
    /// The checkpoint is another log's.
    #[error("the checkpoint is of another log")]
    WrongOrigin,
    /// The log's own key has not signed, though somebody else known has.
    #[error("the log has not signed the checkpoint")]
    NotByLog,
    /// Not a note, or no genuine signature.
    #[error(transparent)]
    Note(#[from] NoteError),
}

/// What a log says of itself: who it is, how many entries it has, and the root over them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checkpoint {
    origin: String,
    size: u64,
    root: Digest,
}

impl Checkpoint {
    /// A checkpoint; the origin must do as a key's name.
    pub fn new(origin: &str, size: u64, root: Digest) -> Result<Self, CheckpointError> {
        // A key's name is what an origin is here, so a key decides which origins there are.
        VerifierKey::new(origin, PublicKey([0; 32])).map_err(|_| CheckpointError::Malformed)?;
        if size > MAX_TREE_SIZE || (size == 0 && root != empty_root()) {
            return Err(CheckpointError::Malformed);
        }
        Ok(Self { origin: origin.to_owned(), size, root })
    }

    /// The log's identity, and its key's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// How many entries it covers.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root over them.
    pub fn root(&self) -> Digest {
        self.root
    }

    /// The text that is signed: origin, decimal size and base64 root, one line each.
    pub fn text(&self) -> String {
        format!("{}\n{}\n{}\n", self.origin, self.size, base64(self.root.as_bytes()))
    }

    /// Reads [`Checkpoint::text`] in its one spelling; extension lines are not allowed.
    pub fn parse_text(text: &str) -> Result<Self, CheckpointError> {
        let mut lines = text.split('\n');
        let (Some(origin), Some(size), Some(root)) = (lines.next(), lines.next(), lines.next()) else {
            return Err(CheckpointError::Malformed);
        };
        let size = size.parse().map_err(|_| CheckpointError::Malformed)?;
        let root =
            unbase64(root).and_then(|bytes| bytes.try_into().ok()).ok_or(CheckpointError::Malformed)?;
        let parsed = Self::new(origin, size, Digest(root))?;
        // Printing it again refuses leading zeros, signs and whatever follows the third line.
        if parsed.text() == text { Ok(parsed) } else { Err(CheckpointError::Malformed) }
    }

    /// Signs it with the host's log key under the origin, and with the unlocked member's key.
    pub fn sign(&self, host: &SigningKey, member: Option<&SigningKey>) -> Result<SignedNote, NoteError> {
        let mut note = SignedNote::sign(&self.text(), &[(&self.origin, host)])?;
        if let Some(key) = member {
            note.cosign(&member_key_name(member_id(&key.public())), key)?;
        }
        Ok(note)
    }
}

/// A checkpoint that the log's key has signed. Only [`SignedCheckpoint::verify`] makes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignedCheckpoint {
    checkpoint: Checkpoint,
    note: SignedNote,
    signers: Vec<VerifierKey>,
}

impl SignedCheckpoint {
    /// Reads a checkpoint of the log whose key is `log_key`, the name of which is the origin. Of
    /// `others` it finds out who has signed too; a forged line of any of them refuses the checkpoint.
    pub fn verify(
        bytes: &[u8],
        log_key: &VerifierKey,
        others: &[VerifierKey],
    ) -> Result<Self, CheckpointError> {
        if bytes.len() > MAX_CHECKPOINT_LEN {
            return Err(CheckpointError::TooLong);
        }
        let note = SignedNote::parse(bytes)?;
        let known: Vec<VerifierKey> = std::iter::once(log_key).chain(others).cloned().collect();
        let verified = note.verify(&known)?;
        let checkpoint = Checkpoint::parse_text(verified.text())?;
        if checkpoint.origin != log_key.name() {
            return Err(CheckpointError::WrongOrigin);
        }
        if !verified.is_signed_by(log_key) {
            return Err(CheckpointError::NotByLog);
        }
        Ok(Self { checkpoint, signers: verified.signers().to_vec(), note })
    }

    /// What was signed.
    pub fn checkpoint(&self) -> &Checkpoint {
        &self.checkpoint
    }

    /// The note with all its lines, those of unknown keys too.
    pub fn note(&self) -> &SignedNote {
        &self.note
    }

    /// The known keys that signed.
    pub fn signers(&self) -> &[VerifierKey] {
        &self.signers
    }

    /// The known members that signed, by their own key under their own name.
    pub fn members(&self) -> impl Iterator<Item = MemberId> {
        self.signers.iter().filter_map(|signer| {
            member_of_key_name(signer.name()).filter(|member| *member == member_id(&signer.key()))
        })
    }
}

#[cfg(test)]
mod tests;
