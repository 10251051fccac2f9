//! The receipt on paper: the signed note in a QR code, and what it says for people.

use std::str::FromStr;

use super::columns::cut;
use super::qr::draw;
use super::sheet::{Catalogues, Kind, Line, utc};
use super::{NAME, PERSON};
use crate::id::BundleId;
use crate::time::Timestamp;

/// The first so many damaged files are named.
const DAMAGED: usize = 8;
/// Their names are cut to this many columns.
const FILE: usize = 24;

const KIND: Kind = Kind {
    title: "paper-receipt-title",
    scan: "paper-receipt-scan",
    steps: &["paper-receipt-apply", "paper-receipt-signed", "paper-receipt-resend"],
    signatures: &["paper-sign-import", "paper-sign-courier", "paper-sign-returned"],
    silent: "paper-receipt-silent",
};

/// What became of a bundle at its receiver.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReceiptVerdict {
    /// The documents are in the vault.
    Accepted,
    /// Verified, and waiting for a decision.
    Quarantine,
    /// Decided against after quarantine.
    Rejected,
    /// More damaged than parity mends.
    Damaged,
    /// A check failed.
    Refused,
}

impl ReceiptVerdict {
    /// The word: `accepted`, `quarantine`, `rejected`, `damaged`, `refused`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Quarantine => "quarantine",
            Self::Rejected => "rejected",
            Self::Damaged => "damaged",
            Self::Refused => "refused",
        }
    }

    fn key(self) -> &'static str {
        match self {
            Self::Accepted => "paper-verdict-accepted",
            Self::Quarantine => "paper-verdict-quarantine",
            Self::Rejected => "paper-verdict-rejected",
            Self::Damaged => "paper-verdict-damaged",
            Self::Refused => "paper-verdict-refused",
        }
    }
}

/// The word is none of the five verdicts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a verdict of a receipt")]
pub struct BadVerdict;

impl FromStr for ReceiptVerdict {
    type Err = BadVerdict;

    fn from_str(word: &str) -> Result<Self, BadVerdict> {
        [Self::Accepted, Self::Quarantine, Self::Rejected, Self::Damaged, Self::Refused]
            .into_iter()
            .find(|verdict| verdict.as_str() == word)
            .ok_or(BadVerdict)
    }
}

/// What is printed on a receipt. Names are shown harmless; those of vaults are cut to 64 columns, those of
/// people to 36.
#[derive(Debug, Clone)]
pub struct ReceiptPaper {
    /// The signed note, whole; at most 2953 bytes fit a QR code.
    pub receipt_note: String,
    /// The bundle.
    pub bundle: BundleId,
    /// Its number in the channel.
    pub number: u64,
    /// Which writing of it arrived.
    pub attempt: u32,
    /// What became of it.
    pub verdict: ReceiptVerdict,
    /// The receiving vault's name.
    pub receiver_name: String,
    /// The sending vault's name.
    pub sender_name: String,
    /// When the receipt was made.
    pub created: Timestamp,
    /// Who signed it.
    pub signed_by: String,
    /// Files that were damaged; the first eight are named.
    pub damaged: Vec<String>,
}

impl ReceiptPaper {
    /// One HTML file in both languages for one sheet of A4, or `None` where the note does not fit a QR code.
    pub fn html(&self) -> Option<String> {
        let qr = draw(self.receipt_note.as_bytes())?;
        let words = Catalogues::new();
        let mut rows = vec![
            vec![words.fact("paper-verdict", words.lines(self.verdict.key()))],
            vec![
                words.plain("paper-number", self.number.to_string()),
                words.plain("paper-attempt", self.attempt.to_string()),
            ],
            vec![words.fact("paper-bundle", vec![Line::Id(self.bundle.to_string())])],
            vec![
                words.fact("paper-sender", vec![Line::free(&self.sender_name, NAME)]),
                words.fact("paper-receiver", vec![Line::free(&self.receiver_name, NAME)]),
            ],
            vec![
                words.plain("paper-created", utc(self.created)),
                words.fact("paper-signed-by", vec![Line::free(&self.signed_by, PERSON)]),
            ],
        ];
        if !self.damaged.is_empty() {
            let names = self.damaged.iter().take(DAMAGED).map(|name| cut(name, FILE));
            let mut lines = vec![Line::Plain(names.collect::<Vec<_>>().join(", "))];
            lines.extend(words.more(self.damaged.len(), DAMAGED));
            rows.push(vec![words.fact("paper-damaged", lines)]);
        }
        Some(KIND.of_note(&words, qr, rows).html())
    }
}
