//! Files of other vaults: the card as it was taken, the note by which an officer admitted it, and what came since.
//!
//! Nothing here is believed because it is there: which notes count, the log says, by their digests.

use std::path::PathBuf;

use super::error::StoreError;
use super::live::Context;
use crate::crypto::Digest;
use crate::id::VaultId;

/// Longest card.
const CARD_LIMIT: u64 = 64 << 20;
/// Longest other file.
const NOTE_LIMIT: u64 = 4 << 20;

/// A file of another vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PeerFile {
    /// A card, by its digest.
    Card(Digest),
    /// An officer's note about the vault, by its digest.
    Peer(Digest),
    /// A roster that came after the card.
    Roster(u64),
    /// A policy that came after the card, by its digest.
    Policy(Digest),
    /// A note by which the vault's log went on.
    Resume(u64),
    /// A proof by which the vault's log keys changed, by its number.
    LogKey(u64),
}

impl PeerFile {
    fn name(self) -> String {
        match self {
            Self::Card(digest) => format!("{digest}.card"),
            Self::Peer(digest) => format!("peer-{digest}.note"),
            Self::Roster(version) => format!("roster-{version:04}.note"),
            Self::Policy(digest) => format!("policy-{digest}.note"),
            Self::Resume(epoch) => format!("resume-{epoch:04}.note"),
            Self::LogKey(number) => format!("log-key-{number:04}.note"),
        }
    }
}

/// Where it lies.
pub fn place(context: &Context, id: VaultId, file: PeerFile) -> PathBuf {
    context.layout.peer(id).join(file.name())
}

/// One file, if it is there.
pub fn read(context: &Context, id: VaultId, file: PeerFile) -> Result<Option<Vec<u8>>, StoreError> {
    let limit = if matches!(file, PeerFile::Card(_)) { CARD_LIMIT } else { NOTE_LIMIT };
    match context.disk.read(&place(context, id, file), limit) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.is_not_found() || error.is_wrong_kind() => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// Whether a name is one that files of other vaults have.
pub(super) fn is_name(name: &str) -> bool {
    let digest = |hex: &str| hex.parse::<Digest>().is_ok();
    let number = |digits: &str| digits.parse::<u64>().is_ok_and(|number| format!("{number:04}") == digits);
    if let Some(hex) = name.strip_suffix(".card") {
        return digest(hex);
    }
    let Some((kind, rest)) = name.strip_suffix(".note").and_then(|name| name.rsplit_once('-')) else {
        return false;
    };
    match kind {
        "peer" | "policy" => digest(rest),
        "roster" | "resume" | "log-key" => number(rest),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_files_are_names_and_others_are_not() {
        let digest = Digest::of(b"x");
        for file in [
            PeerFile::Card(digest),
            PeerFile::Peer(digest),
            PeerFile::Policy(digest),
            PeerFile::Roster(7),
            PeerFile::Resume(12_345),
            PeerFile::LogKey(3),
        ] {
            assert!(is_name(&file.name()), "{file:?}");
        }
        for bad in [
            "",
            "card",
            "..",
            "roster-7.note",
            "roster-00007.note",
            "peer-x.note",
            "other-0001.note",
            "key-0001.note",
        ] {
            assert!(!is_name(bad), "{bad}");
        }
    }
}
