//! Entries that mean something together only. They are one append; but a kill in the middle of it leaves the first of them
//! whole in the tail, and the others not.
//!
//! A bundle that is let in without its documents, or one that went out without a word of what was in it, would be a lie that
//! nobody told. What is there of such a row is taken back: nobody signed for it, and nothing followed from it.

use super::super::error::StoreError;
use super::super::ledger::Ledger;
use super::super::segments::SegmentError;
use crate::id::SessionId;
use crate::log::entry::{Entry, Event, Outcome, Phase};
use crate::log::keys::named;

/// A row that is not complete yet.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Row {
    from: u64,
    session: SessionId,
    missing: u64,
}

/// The first entry of a row whose last ones are missing, among those that nobody signed for. So is one by which this host
/// would have gone on with another log key: without that key's signature nothing came of it.
pub(super) fn unfinished(ledger: &Ledger) -> Result<Option<u64>, StoreError> {
    let own = ledger.host().host_id();
    let Some(extension) = ledger.extension().filter(|extension| !extension.signed) else { return Ok(None) };
    let mut row: Option<Row> = None;
    ledger.segments().for_each::<StoreError>(extension.from, extension.to, |seq, bytes| {
        let entry = Entry::parse(bytes).map_err(|_| SegmentError::Entry { at: seq })?;
        let rekeyed = named(&entry).is_some_and(|(host, _)| Some(host) == own);
        row = match row {
            _ if rekeyed => Some(Row { from: seq, session: entry.session(), missing: u64::MAX }),
            Some(row) if row.session == entry.session() => {
                Some(Row { missing: row.missing - 1, ..row }).filter(|row| row.missing > 0)
            }
            // Whatever a command appended after a row had all of it before.
            _ => followers(&entry).map(|missing| Row { from: seq, session: entry.session(), missing }),
        };
        Ok(())
    })?;
    Ok(row.map(|row| row.from))
}

/// How many entries belong behind this one.
fn followers(entry: &Entry) -> Option<u64> {
    let detail = entry.detail();
    let count = detail.count.filter(|count| *count > 0 && entry.outcome() == Outcome::Ok)?;
    match (entry.event(), entry.phase()) {
        // One for each document.
        (Event::BundleAccept, Phase::Single) if detail.code.as_ref()?.as_str() == "accepted" => Some(count),
        // The same, and the end of the request. What is written again is an entry alone, and has no count.
        (Event::BundleWrite, Phase::Intent) => count.checked_add(1),
        _ => None,
    }
}
