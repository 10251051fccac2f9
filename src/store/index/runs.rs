//! Entries by what they have in common: the same event, member, day or outcome.

use super::{Index, IndexError, Place, damaged, decode_places, guarded, prefixed};
use crate::id::{DocumentId, MemberId};
use crate::store::lookup;
use crate::store::past::DOCUMENT;
use crate::store::sorted::Record;

/// The length of a run, as it stands in the index.
pub(super) fn count_of(value: &[u8]) -> Result<u64, IndexError> {
    value.try_into().map(u64::from_be_bytes).map_err(|_| damaged("unreadable run"))
}

/// Where a run begins, and how many entries it has. That number was never checked.
pub type Run = (Place, u64);

impl Index {
    /// Where entries of this event stand, in the order of the log.
    pub fn places_of_event(&self, event: &str) -> Result<impl Iterator<Item = Place> + use<>, IndexError> {
        self.places_of_run(b'v', event.as_bytes())
    }

    /// Where entries of this member stand, in the order of the log.
    pub fn places_of_member(
        &self,
        member: MemberId,
    ) -> Result<impl Iterator<Item = Place> + use<>, IndexError> {
        self.places_of_run(b'm', &member.0)
    }

    /// Every entry about a document, oldest first.
    pub fn entries_about(&self, document: DocumentId) -> Result<Vec<Place>, IndexError> {
        lookup::places(self, document)
    }

    fn places_of_run(
        &self,
        kind: u8,
        value: &[u8],
    ) -> Result<impl Iterator<Item = Place> + use<>, IndexError> {
        let runs = lookup::runs(self, kind, value)?;
        // One by one, since a length that was never checked makes nothing here.
        Ok(runs.into_iter().flat_map(|(first, count)| {
            (first.seq..first.seq.saturating_add(count)).map(move |seq| Place { seq, ..first })
        }))
    }

    /// The runs that the live index has of every value from the first to the last, which have one length where they differ: value
    /// by value, each in the order of the log.
    pub(in crate::store) fn live_runs(
        &self,
        kind: u8,
        first: &[u8],
        last: &[u8],
    ) -> Result<Vec<Run>, IndexError> {
        let begin = |value: &[u8]| [prefixed(kind, value), vec![0]].concat();
        let (from, to) = (begin(first), [begin(last), vec![0xff; 16]].concat());
        guarded(|| {
            let mut runs: Vec<Run> = Vec::new();
            for pair in self.db.range(from.as_slice()..=to.as_slice()) {
                let (key, count) = pair?;
                // A longer value can begin with this one and a zero.
                if key.len() != from.len() + 16 {
                    continue;
                }
                let first = Place::of_key(&key).ok_or_else(|| damaged("unreadable key"))?;
                runs.push((first, count_of(&count)?));
            }
            Ok(runs)
        })
    }

    /// Everything that the live index has about the entries of an epoch from one on, as a sorted file would have it.
    pub(in crate::store) fn live_records(&self, epoch: u64, from: u64) -> Result<Vec<Record>, IndexError> {
        let mut records = Vec::new();
        let mut take = |kind: u8, value: &[u8], first: Place, count: u64| {
            let end = first.seq.checked_add(count).ok_or_else(|| damaged("unreadable run"))?;
            let seq = first.seq.max(from);
            if first.epoch == epoch && seq < end {
                let record = Record::new(kind, value, seq, end - seq);
                records.push(record.ok_or_else(|| damaged("unreadable key"))?);
            }
            Ok::<(), IndexError>(())
        };
        guarded(|| {
            for kind in *b"mvy" {
                for pair in self.db.scan_prefix([kind]) {
                    let (key, count) = pair?;
                    let first = Place::of_key(&key).ok_or_else(|| damaged("unreadable key"))?;
                    // Between them stands a zero.
                    let value = key.len().checked_sub(17).and_then(|end| key.get(1..end));
                    take(kind, value.ok_or_else(|| damaged("unreadable key"))?, first, count_of(&count)?)?;
                }
            }
            for prefix in *b"da" {
                for pair in self.db.scan_prefix([prefix]) {
                    let (key, places) = pair?;
                    let id = key.get(1..17).ok_or_else(|| damaged("unreadable key"))?;
                    for place in decode_places(&places)? {
                        take(DOCUMENT, id, place, 1)?;
                    }
                }
            }
            Ok(())
        })?;
        records.sort_unstable();
        Ok(records)
    }

    /// The places about a document that the live index has, in no order.
    pub(in crate::store) fn live_places(&self, document: DocumentId) -> Result<Vec<Place>, IndexError> {
        let mut places = self.places(document)?;
        guarded(|| {
            for value in self.db.scan_prefix(prefixed(b'a', &document.0)).values() {
                places.extend(decode_places(&value?)?);
            }
            Ok(())
        })?;
        Ok(places)
    }

    /// Whether runs by outcome were kept from the log's first entry on; an index of an older program has none.
    pub fn knows_outcomes(&self) -> Result<bool, IndexError> {
        guarded(|| Ok(self.db.contains_key(b"o")?))
    }
}
