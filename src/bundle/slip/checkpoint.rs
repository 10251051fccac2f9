//! A checkpoint on paper: the signed note in a QR code, so that it can be kept for decades and brought back into a file.

use super::NAME;
use super::qr::draw;
use super::sheet::{Catalogues, Kind, Line, utc};
use crate::time::Timestamp;

/// The first so many keys are printed.
const KEYS: usize = 3;

const KIND: Kind = Kind {
    title: "paper-checkpoint-title",
    scan: "paper-checkpoint-scan",
    steps: &["paper-checkpoint-keep", "paper-checkpoint-compare", "paper-checkpoint-grown"],
    signatures: &["paper-sign-auditor", "paper-sign-officer"],
    silent: "paper-checkpoint-silent",
};

/// What is printed of a checkpoint.
#[derive(Debug, Clone)]
pub struct CheckpointPaper {
    /// The signed note, whole; at most 2953 bytes fit a QR code.
    pub note: String,
    /// The log.
    pub origin: String,
    /// Entries.
    pub size: u64,
    /// Root, in base64.
    pub root: String,
    /// Keys that sign for the log.
    pub keys: Vec<String>,
    /// When the sheet was made.
    pub created: Timestamp,
}

impl CheckpointPaper {
    /// One HTML file in both languages for one sheet of A4, or `None` where the note does not fit a QR code.
    pub fn html(&self) -> Option<String> {
        let qr = draw(self.note.as_bytes())?;
        let words = Catalogues::new();
        let keys = self.keys.iter().take(KEYS).map(|key| Line::Id(key.clone())).collect();
        let rows = vec![
            vec![words.fact("paper-checkpoint-log", vec![Line::free(&self.origin, NAME)])],
            vec![
                words.plain("paper-checkpoint-size", self.size.to_string()),
                words.plain("paper-created", utc(self.created)),
            ],
            vec![words.fact("paper-checkpoint-root", vec![Line::Id(self.root.clone())])],
            vec![words.fact("paper-checkpoint-keys", keys)],
        ];
        Some(KIND.of_note(&words, qr, rows).html())
    }
}
