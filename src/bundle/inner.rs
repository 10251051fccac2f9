//! `inner.json`: the list with which the archive begins, and how long the archive is that it describes.
//!
//! Canonical JSON (RFC 8785) as an entry of the log is: fields in sorted order, no blanks, numbers of 64 bits as strings.
//! So a list has one spelling, and [`Inner::parse`] takes no other.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::agefile::{self, MAX_HEADER_LEN};
use crate::crypto::Digest;
use crate::id::{BundleId, DocumentId, VaultId};
use crate::label::Class;
use crate::sealed::{Commitment, HEADER_BLOCK};

/// What the list says of its own form.
pub const INNER_SCHEMA: &str = "gapvault.inner/v1";
/// Documents of one bundle, at most.
pub const DOCUMENT_LIMIT: usize = 5000;
/// Bytes of `inner.json`, at most. A full list of the longest values is shorter.
pub const INNER_LIMIT: usize = 2 * 1024 * 1024;
/// Bytes of an archive with its padding, at most.
pub const ARCHIVE_LIMIT: u64 = 1 << 46;
/// Bytes of a member's header in the archive, and what a member's length is filled up to.
pub(super) const BLOCK: usize = 512;
/// Zeros with which the archive ends.
pub(super) const END_LEN: u64 = 2 * BLOCK as u64;

/// What a bundle holds, for whom, and from whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inner {
    /// The bundle's id, as in the manifest.
    pub bundle: BundleId,
    /// The vault that it comes from.
    pub sender: VaultId,
    /// The vault that it is for.
    pub receiver: VaultId,
    /// Drawn for this list alone: without it, whoever sees the digest could try which list has it.
    pub random: [u8; 16],
    /// The documents in their order in the archive: 1 to [`DOCUMENT_LIMIT`], of distinct ids.
    pub documents: Vec<InnerDocument>,
}

/// One document of a bundle: an age file with the payload that it has at the sender's.
///
/// The fields stand in the order in which they are written.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InnerDocument {
    /// Its class at the sender's.
    pub class: Class,
    /// The key commitment, the same at both ends.
    pub commitment: Commitment,
    /// Bytes of header: a multiple of [`HEADER_BLOCK`], [`MAX_HEADER_LEN`] at most.
    #[serde(with = "decimal")]
    pub header_len: u64,
    /// SHA-256 of the header.
    pub header_sha256: Digest,
    /// Its id, the same at both ends.
    pub id: DocumentId,
    /// SHA-256 of every byte after the header, the same at both ends.
    pub payload_sha256: Digest,
    /// Bytes of plaintext.
    #[serde(with = "decimal")]
    pub size: u64,
}

impl InnerDocument {
    /// Bytes of the age file, header and payload; `None` when no document has this `header_len` or `size`.
    pub fn file_len(&self) -> Option<u64> {
        self.header_len.checked_add(self.payload_len()?)
    }

    /// Bytes of payload; `None` as in [`file_len`](Self::file_len).
    pub fn payload_len(&self) -> Option<u64> {
        let block = HEADER_BLOCK as u64;
        let header_fits = (block..=MAX_HEADER_LEN as u64).contains(&self.header_len)
            && self.header_len.is_multiple_of(block);
        // What is longer than an archive needs no further sums.
        let size = Some(self.size).filter(|size| header_fits && *size <= ARCHIVE_LIMIT)?;
        agefile::payload_len(size)
    }
}

/// The fields in the order in which they are written, which RFC 8785 wants sorted.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire<'a> {
    bundle: BundleId,
    documents: Cow<'a, [InnerDocument]>,
    #[serde(with = "hex16")]
    random: [u8; 16],
    receiver: VaultId,
    schema: &'a str,
    sender: VaultId,
}

impl Inner {
    /// The bytes of `inner.json`, without a newline.
    pub fn print(&self) -> Vec<u8> {
        let wire = Wire {
            bundle: self.bundle,
            documents: Cow::Borrowed(&self.documents),
            random: self.random,
            receiver: self.receiver,
            schema: INNER_SCHEMA,
            sender: self.sender,
        };
        let mut out = Vec::with_capacity(512);
        let written = serde_json::to_writer(&mut out, &wire);
        // Keys are strings and a `Vec` takes every write, so there is nothing to fail.
        debug_assert!(written.is_ok(), "a list serialises");
        out
    }

    /// Reads a list that is [sound](Self::is_sound), in its one spelling: [`print`](Self::print) gives the same bytes.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.len() > INNER_LIMIT {
            return None;
        }
        let wire: Wire<'_> = serde_json::from_slice(bytes).ok()?;
        let inner = Self {
            bundle: wire.bundle,
            sender: wire.sender,
            receiver: wire.receiver,
            random: wire.random,
            documents: wire.documents.into_owned(),
        };
        // Printing it again refuses other spellings, and another schema.
        (inner.print() == bytes && inner.is_sound()).then_some(inner)
    }

    /// The digest of the printed list, by which the manifest and the approvals name it.
    pub fn digest(&self) -> Digest {
        Digest::of(&self.print())
    }

    /// Whether an archive can hold it: neither empty nor over a limit, and no document twice.
    pub fn is_sound(&self) -> bool {
        let ids: BTreeSet<DocumentId> = self.documents.iter().map(|document| document.id).collect();
        (1..=DOCUMENT_LIMIT).contains(&self.documents.len())
            && ids.len() == self.documents.len()
            && self.archive_len().is_some()
    }

    /// Bytes of the whole archive: what it needs, padded by [`padme`] to a whole block. `None` over [`ARCHIVE_LIMIT`], or
    /// when a document has no length.
    pub fn archive_len(&self) -> Option<u64> {
        padded(self.least_len(self.print().len() as u64)?)
    }

    /// Bytes of the member `padding`: what [`archive_len`](Self::archive_len) adds to what the archive needs, and `None`
    /// as there.
    pub fn padding_len(&self) -> Option<u64> {
        self.padding_behind(self.print().len() as u64)
    }

    /// The same where the printed list's length is known.
    pub(super) fn padding_behind(&self, list_len: u64) -> Option<u64> {
        let least = self.least_len(list_len)?;
        padded(least)?.checked_sub(least)
    }

    /// Bytes of the archive with a `padding` of none.
    fn least_len(&self, list_len: u64) -> Option<u64> {
        let block = BLOCK as u64;
        let lens = self.documents.iter().map(InnerDocument::file_len);
        // The headers of the list and of the padding, and the end.
        let fixed = 2 * block + END_LEN;
        std::iter::once(Some(list_len)).chain(lens).enumerate().try_fold(fixed, |sum, (member, len)| {
            let own_header = if member == 0 { 0 } else { block };
            sum.checked_add(own_header)?.checked_add(filled(len?)?)
        })
    }
}

/// A length with the zeros up to a whole block; `None` beyond 2^64.
pub(super) fn filled(len: u64) -> Option<u64> {
    len.checked_next_multiple_of(BLOCK as u64)
}

fn padded(least: u64) -> Option<u64> {
    filled(padme(least)?).filter(|len| *len <= ARCHIVE_LIMIT)
}

/// The next length that may be seen from outside: of the length, as a floating point number, only as many bits of mantissa
/// stay as its exponent has. Lengths up to M so tell O(log log M) bits, for at most 12 % of padding. `None` beyond 2^64.
///
/// Padmé, algorithm 1 of Nikitin, Barman, Lueks, Underwood, Hubaux and Ford, "Reducing Metadata Leakage from Encrypted Files
/// and Communication with PURBs", Proceedings on Privacy Enhancing Technologies 2019 (4).
pub fn padme(len: u64) -> Option<u64> {
    let Some(exponent) = len.checked_ilog2() else { return Some(0) };
    let kept = exponent.checked_ilog2().map_or(0, |log| log + 1);
    let mask = (1_u64 << exponent.saturating_sub(kept)) - 1;
    Some(len.checked_add(mask)? & !mask)
}

/// A number of 64 bits as a string, since JSON's own numbers lose bits over 2^53.
mod decimal {
    use std::borrow::Cow;

    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    pub(super) fn serialize<S: Serializer>(value: &u64, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<u64, D::Error> {
        Cow::<'de, str>::deserialize(from)?.parse().map_err(D::Error::custom)
    }
}

/// Sixteen bytes as hex.
mod hex16 {
    use std::borrow::Cow;

    use serde::de::{Deserialize, Deserializer, Error};
    use serde::ser::Serializer;

    use crate::encoding::{hex, unhex};

    pub(super) fn serialize<S: Serializer>(value: &[u8; 16], to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(&hex(value))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<[u8; 16], D::Error> {
        unhex(&Cow::<'de, str>::deserialize(from)?).ok_or_else(|| D::Error::custom("not 16 bytes in hex"))
    }
}

#[cfg(test)]
mod tests;
