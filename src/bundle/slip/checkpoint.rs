//! A checkpoint on paper: the signed note in a QR code, so that it can be kept for decades and brought back into a file.

use super::NAME;
use super::qr::draw;
use super::receipt::{NARROWEST_MM, WIDEST_MM};
use super::sheet::{Catalogues, Line, Sheet, utc};
use crate::time::Timestamp;

/// The first so many keys are printed.
const KEYS: usize = 3;

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
        let sheet = Sheet {
            title: words.both("paper-checkpoint-title"),
            code_label: words.both("paper-code"),
            code: Vec::new(),
            qr_mm: (qr.side * 7 / 10).clamp(NARROWEST_MM, WIDEST_MM),
            qr: qr.svg,
            scan: words.both("paper-checkpoint-scan"),
            facts_label: words.both("paper-facts"),
            rows,
            steps_label: words.both("paper-steps"),
            steps: ["paper-checkpoint-keep", "paper-checkpoint-compare", "paper-checkpoint-grown"]
                .map(|key| words.both(key))
                .into(),
            sign_label: words.both("paper-signatures"),
            sign_headings: ["paper-role", "paper-signature", "paper-signed-at"]
                .map(|key| words.both(key))
                .into(),
            signatures: ["paper-sign-auditor", "paper-sign-officer"].map(|key| words.both(key)).into(),
            silent: words.both("paper-checkpoint-silent"),
        };
        Some(sheet.html())
    }
}
