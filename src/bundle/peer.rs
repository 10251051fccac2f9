//! The note by which an officer admits another vault, or begins a channel with it anew.

use super::manifest::NUMBER_LIMIT;
use crate::crypto::Digest;
use crate::id::VaultId;
use crate::note::{Fields, FieldsReader};
use crate::time::Timestamp;

/// The first line.
pub const PEER_KIND: &str = "gapvault.peer/v1";

/// What an officer signs about another vault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Peer {
    /// The own vault.
    pub vault: VaultId,
    /// The own roster that the officer stands in.
    pub roster: Digest,
    /// The other vault.
    pub peer: VaultId,
    /// The digest of the other vault's card.
    pub card: Digest,
    /// The series of numbers in which bundles go out.
    pub out: u64,
    /// The series in which bundles come in.
    pub incoming: u64,
    /// When.
    pub created: Timestamp,
}

impl Peer {
    /// The text that is signed.
    pub fn print(&self) -> Option<String> {
        let mut out = Fields::new(PEER_KIND);
        out.put("vault", self.vault);
        out.put("roster", self.roster);
        out.put("peer", self.peer);
        out.put("card", self.card);
        out.put("series-out", self.out);
        out.put("series-in", self.incoming);
        out.put("created", self.created);
        out.finish().ok()
    }

    /// Reads what [`print`](Self::print) wrote, and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = FieldsReader::new(text, PEER_KIND).ok()?;
        let peer = Self {
            vault: fields.take_as("vault").ok()?,
            roster: fields.take_as("roster").ok()?,
            peer: fields.take_as("peer").ok()?,
            card: fields.take_as("card").ok()?,
            out: fields.take_as("series-out").ok()?,
            incoming: fields.take_as("series-in").ok()?,
            created: fields.take_as("created").ok()?,
        };
        fields.finish().ok()?;
        let series = 1..=NUMBER_LIMIT;
        let counted =
            series.contains(&peer.out) && series.contains(&peer.incoming) && peer.vault != peer.peer;
        (counted && peer.print()? == text).then_some(peer)
    }
}

#[cfg(test)]
mod tests {
    use super::super::scene::{at, disturbed};
    use super::*;

    #[test]
    fn a_note_reads_as_it_prints_and_in_no_other_way() {
        let peer = Peer {
            vault: VaultId([1; 32]),
            roster: Digest([2; 32]),
            peer: VaultId([3; 32]),
            card: Digest([4; 32]),
            out: 1,
            incoming: NUMBER_LIMIT,
            created: at(5),
        };
        let text = peer.print().unwrap();
        assert_eq!(Peer::parse(&text).unwrap(), peer);
        for other in disturbed(&text) {
            assert_eq!(Peer::parse(&other), None, "{other}");
        }
        for other in [
            Peer { out: 0, ..peer.clone() },
            Peer { incoming: 0, ..peer.clone() },
            Peer { out: NUMBER_LIMIT + 1, ..peer.clone() },
            Peer { incoming: u64::MAX, ..peer.clone() },
            Peer { peer: peer.vault, ..peer.clone() },
        ] {
            assert_eq!(Peer::parse(&other.print().unwrap()), None, "{other:?}");
        }
    }
}
