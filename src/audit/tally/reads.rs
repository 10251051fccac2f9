//! Who had which document's content.

use std::collections::BTreeMap;

use super::Deed;
use crate::id::{DocumentId, MemberId};
use crate::label::Class;
use crate::time::Timestamp;

/// Most pairs of a document and a person that are kept apart.
const PAIRS: usize = 100_000;

/// One person and one document.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ReadRow {
    /// The document.
    pub document: DocumentId,
    /// Its class, where an entry named it.
    pub class: Option<Class>,
    /// The person; none where the log knows of none.
    pub member: Option<MemberId>,
    /// How often the content was allowed out.
    pub opened: u64,
    /// How often it was denied, or failed.
    pub refused: u64,
    /// How often a copy went out in a bundle.
    pub exported: u64,
    /// The first time.
    pub first: Timestamp,
    /// The last time.
    pub last: Timestamp,
}

/// All of them, as far as they are kept.
#[derive(Debug, Default)]
pub struct Reads {
    rows: BTreeMap<(DocumentId, Option<MemberId>), ReadRow>,
    more: u64,
}

impl Reads {
    pub(super) fn take(
        &mut self,
        document: DocumentId,
        member: Option<MemberId>,
        class: Option<Class>,
        deed: Deed,
        time: Timestamp,
    ) {
        let key = (document, member);
        if self.rows.len() >= PAIRS && !self.rows.contains_key(&key) {
            self.more += 1;
            return;
        }
        let row = self.rows.entry(key).or_insert(ReadRow {
            document,
            class,
            member,
            opened: 0,
            refused: 0,
            exported: 0,
            first: time,
            last: time,
        });
        row.class = row.class.or(class);
        match deed {
            Deed::Opened => row.opened += 1,
            Deed::Exported => row.exported += 1,
            _ => row.refused += 1,
        }
        row.first = row.first.min(time);
        row.last = row.last.max(time);
    }

    /// Those with the most accesses first, and how many accesses are in none of the rows.
    pub(super) fn finish(self) -> (Vec<ReadRow>, u64) {
        let mut rows: Vec<ReadRow> = self.rows.into_values().collect();
        // A stable sort of what stands in the order of ids: the same log gives the same rows.
        rows.sort_by_key(|row| std::cmp::Reverse(row.opened + row.refused + row.exported));
        (rows, self.more)
    }
}
