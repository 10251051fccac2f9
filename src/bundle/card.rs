//! The vault's card: what another vault needs to know of it. One file, made of the chain of rosters from the first on, the
//! policy, the notes by which the log went on, and the proofs by which its log keys changed.
//!
//! Everything in it was signed by as many officers as the chain asks for, so the card has no signature of its own; that
//! it is the newest, and of the vault that is meant, two people settle by its code.

use super::known::{BadChain, CHAIN_LIMIT, Known, NOTE_LIMIT};
use crate::crypto::Digest;
use crate::id::Code;
use crate::log::keys::HAND_OVER_LIMIT;

/// The first line.
pub const CARD_KIND: &str = "gapvault.vault-card/v1";
/// Longest card, in bytes.
pub const CARD_LIMIT: usize = 64 << 20;

/// Why a file is not a card.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadCard {
    /// Not a card, in the one spelling that there is.
    #[error("not a vault's card")]
    Malformed,
    /// The notes in it do not add up.
    #[error(transparent)]
    Chain(#[from] BadChain),
}

/// The notes of a card.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CardNotes {
    /// Every roster, the first one first.
    pub rosters: Vec<Vec<u8>>,
    /// The policy's text, where it is not the built-in one.
    pub policy: Option<Vec<u8>>,
    /// Notes by which the log went on, in the order of epochs.
    pub resumes: Vec<Vec<u8>>,
    /// Proofs by which the log keys changed, in their order.
    pub hand_overs: Vec<Vec<u8>>,
}

/// A card whose notes add up.
#[derive(Debug, Clone)]
pub struct VaultCard {
    notes: CardNotes,
    known: Known,
    digest: Digest,
}

impl CardNotes {
    fn parts(&self) -> impl Iterator<Item = (&'static str, &Vec<u8>)> {
        let rosters = self.rosters.iter().map(|note| ("roster", note));
        let policy = self.policy.iter().map(|note| ("policy", note));
        let resumes = self.resumes.iter().map(|note| ("resume", note));
        rosters.chain(policy).chain(resumes).chain(self.hand_overs.iter().map(|proof| ("log-key", proof)))
    }

    /// The card's bytes: the kind, then for each note a line with what it is and its length, then the note.
    pub fn print(&self) -> Vec<u8> {
        let mut out = format!("{CARD_KIND}\n").into_bytes();
        for (what, note) in self.parts() {
            out.extend_from_slice(format!("{what} {}\n", note.len()).as_bytes());
            out.extend_from_slice(note);
        }
        out
    }

    fn parse(bytes: &[u8]) -> Option<Self> {
        let mut rest = bytes.strip_prefix(CARD_KIND.as_bytes())?.strip_prefix(b"\n")?;
        let mut notes = Self::default();
        while !rest.is_empty() {
            let end = rest.iter().take(32).position(|byte| *byte == b'\n')?;
            let (line, after) = rest.split_at_checked(end)?;
            let (what, len) = std::str::from_utf8(line).ok()?.split_once(' ')?;
            let len: usize = len.parse().ok().filter(|len| *len <= NOTE_LIMIT)?;
            let (note, after) = after.get(1..)?.split_at_checked(len)?;
            match what {
                "roster" => notes.rosters.push(note.to_vec()),
                "policy" => notes.policy = Some(note.to_vec()),
                "resume" => notes.resumes.push(note.to_vec()),
                "log-key" => notes.hand_overs.push(note.to_vec()),
                _ => return None,
            }
            if notes.rosters.len() + notes.resumes.len() > CHAIN_LIMIT
                || notes.hand_overs.len() > HAND_OVER_LIMIT
            {
                return None;
            }
            rest = after;
        }
        // Order, doubled policies and spellings like "01" are settled by printing it again.
        (notes.print() == bytes).then_some(notes)
    }
}

impl VaultCard {
    /// A card of these notes.
    ///
    /// # Errors
    /// [`BadCard::Chain`].
    pub fn of(notes: CardNotes) -> Result<Self, BadCard> {
        let known = Known::from_notes(&notes.rosters, notes.policy.as_deref(), &notes.resumes)?;
        let hand_overs: Vec<_> = (1..).zip(notes.hand_overs.iter().cloned()).collect();
        let known = known.handed_over(&hand_overs)?;
        if notes.policy.is_some() != known.roster().policy.is_some() {
            return Err(BadCard::Malformed);
        }
        let digest = Digest::of(&notes.print());
        Ok(Self { notes, known, digest })
    }

    /// Reads a card, and follows the chain in it from the first roster on.
    ///
    /// # Errors
    /// [`BadCard`].
    pub fn parse(bytes: &[u8]) -> Result<Self, BadCard> {
        if bytes.len() > CARD_LIMIT {
            return Err(BadCard::Malformed);
        }
        Self::of(CardNotes::parse(bytes).ok_or(BadCard::Malformed)?)
    }

    /// The card's bytes.
    pub fn print(&self) -> Vec<u8> {
        self.notes.print()
    }

    /// The vault, as the card shows it.
    pub fn known(&self) -> &Known {
        &self.known
    }

    /// The digest of all of the card.
    pub fn digest(&self) -> Digest {
        self.digest
    }

    /// The 25 digits that two people compare.
    pub fn code(&self) -> Code {
        Code::of(self.digest.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::scene::{OFFICER, chain, policy, resume};
    use super::*;

    fn card() -> VaultCard {
        let resumes = vec![resume(2, 1, OFFICER), resume(3, 3, OFFICER)];
        VaultCard::of(CardNotes { rosters: chain(3), policy: Some(policy()), resumes, hand_overs: vec![] })
            .unwrap()
    }

    #[test]
    fn a_card_reads_as_it_prints_and_in_no_other_way() {
        let card = card();
        let read = VaultCard::parse(&card.print()).unwrap();
        assert_eq!((read.print(), read.digest(), read.code()), (card.print(), card.digest(), card.code()));
        assert_eq!((read.known().roster().version, read.known().epoch()), (3, 3));
        // Parts dropped, doubled, exchanged.
        let parts: Vec<Vec<u8>> = card
            .notes
            .parts()
            .map(|(what, note)| [format!("{what} {}\n", note.len()).as_bytes(), note].concat())
            .collect();
        let print = |parts: &[Vec<u8>]| [format!("{CARD_KIND}\n").into_bytes(), parts.concat()].concat();
        assert_eq!(print(&parts), card.print());
        for at in 0..parts.len() {
            let mut dropped = parts.clone();
            dropped.remove(at);
            // Without the newest it is the card of an older day, which two people find out by its code.
            let older = at + 1 == parts.len();
            assert_eq!(VaultCard::parse(&print(&dropped)).is_ok(), older, "{at}");
            let mut doubled = parts.clone();
            doubled.insert(at, parts[at].clone());
            assert!(VaultCard::parse(&print(&doubled)).is_err(), "{at}");
            if at + 1 < parts.len() {
                let mut swapped = parts.clone();
                swapped.swap(at, at + 1);
                assert!(VaultCard::parse(&print(&swapped)).is_err(), "{at}");
            }
        }
        let bytes = card.print();
        for len in 0..bytes.len() - parts[parts.len() - 1].len() {
            let older = VaultCard::parse(&bytes[..len]);
            assert!(older.is_err() || older.is_ok_and(|older| older.code() != card.code()), "{len}");
        }
    }

    #[test]
    fn lengths_that_lie_and_words_that_are_none_make_no_card() {
        let text = |lines: &str| {
            VaultCard::parse(format!("{CARD_KIND}\n{lines}").as_bytes()).map(|_| ()).unwrap_err()
        };
        for lines in [
            "",
            "roster",
            "roster ",
            "roster 1",
            "roster 1\n",
            "roster 0\n",
            "roster -1\nx",
            "roster 01\nx",
            "roster 18446744073709551616\nx",
            "roster 99999999999999999999999999999999\nx",
            "roster 2097153\nx",
            "policy 1\nx",
            "other 1\nx",
            "\n",
        ] {
            let error = text(lines);
            assert!(
                matches!(error, BadCard::Malformed | BadCard::Chain(BadChain::Roster)),
                "{lines:?} {error}"
            );
        }
        let bytes = card().print();
        let kind = |kind: &str| [kind.as_bytes(), &bytes[CARD_KIND.len()..]].concat();
        assert!(VaultCard::parse(&kind(CARD_KIND)).is_ok());
        assert!(VaultCard::parse(&kind("gapvault.vault-card/v2")).is_err());
        // A policy that no roster names, or the one that a roster names left out.
        let notes =
            CardNotes { rosters: chain(1), policy: Some(policy()), resumes: vec![], hand_overs: vec![] };
        assert_eq!(VaultCard::of(notes).unwrap_err(), BadCard::Malformed);
        let notes = CardNotes { rosters: chain(2), policy: None, resumes: vec![], hand_overs: vec![] };
        assert_eq!(VaultCard::of(notes).unwrap_err(), BadCard::Chain(BadChain::Policy));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn a_changed_byte_is_no_card_or_has_another_code(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let card = card();
            let mut bytes = card.print();
            let at = at.index(bytes.len());
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            if let Ok(other) = VaultCard::parse(&bytes) {
                prop_assert_ne!(other.code(), card.code());
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(VaultCard::parse(&bytes).is_err());
            let begun = [format!("{CARD_KIND}\n").into_bytes(), bytes].concat();
            prop_assert!(VaultCard::parse(&begun).is_err());
        }
    }
}
