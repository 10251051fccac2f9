//! Looking up: where entries stand that have something in common, and what several such answers have in common.
//!
//! Nothing here is believed. Who asks reads every entry from the log's files and looks for himself; what an index leaves out
//! is found by reading all of the log only.

use super::index::{Index, IndexError, Place};
use super::past::DOCUMENT;
use crate::id::DocumentId;

pub use super::index::Run;

/// The kind of runs by member.
pub const MEMBER: u8 = b'm';
/// The kind of runs by event.
pub const EVENT: u8 = b'v';
/// The kind of runs by day in UTC.
pub const DAY: u8 = b'y';
/// The kind of runs by outcome, of those that are not `ok`.
pub const OUTCOME: u8 = b'o';

/// The runs of one value.
///
/// # Errors
/// What keeps the index or a sorted file from being read.
pub fn runs(index: &Index, kind: u8, value: &[u8]) -> Result<Vec<Run>, IndexError> {
    runs_between(index, kind, value, value)
}

/// The runs of all values from the first to the last, which have one length; in no order. No entry of one value is in two of them.
///
/// # Errors
/// What keeps the index or a sorted file from being read.
pub fn runs_between(index: &Index, kind: u8, first: &[u8], last: &[u8]) -> Result<Vec<Run>, IndexError> {
    let live = index.live_runs(kind, first, last)?;
    if kind == OUTCOME {
        // They are few, and stay.
        return Ok(live);
    }
    let mut runs = found(index, kind, first, last)?;
    let moved = index.moved()?;
    for (first, count) in live {
        // What sorted files have counts once, also where a kill left it in the live index, or a run goes on beyond.
        let seq = first.seq.max(moved.get(&first.epoch).copied().unwrap_or(0));
        let left = first.seq.saturating_add(count).saturating_sub(seq);
        if left > 0 {
            runs.push((Place { seq, ..first }, left));
        }
    }
    runs.sort_unstable();
    Ok(runs)
}

/// Every place of an entry about a document, oldest first.
///
/// # Errors
/// What keeps the index or a sorted file from being read.
pub fn places(index: &Index, document: DocumentId) -> Result<Vec<Place>, IndexError> {
    let mut places = index.live_places(document)?;
    for (first, count) in found(index, DOCUMENT, &document.0, &document.0)? {
        places.extend((first.seq..first.seq.saturating_add(count)).map(|seq| Place { seq, ..first }));
    }
    places.sort_unstable();
    places.dedup();
    Ok(places)
}

/// What sorted files have.
fn found(index: &Index, kind: u8, first: &[u8], last: &[u8]) -> Result<Vec<Run>, IndexError> {
    let mut runs = Vec::new();
    for head in index.listed()? {
        let found = index.past().file(head)?.find_between(kind, first, last)?;
        runs.extend(found.into_iter().map(|(seq, count)| (Place { epoch: head.span.epoch, seq }, count)));
    }
    Ok(runs)
}

/// Places in the log: runs in its order, none of which touches the next.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places(Vec<Run>);

impl Places {
    /// Out of runs in any order, which may overlap.
    pub fn new(mut runs: Vec<Run>) -> Self {
        runs.sort_unstable();
        let mut out: Vec<Run> = Vec::with_capacity(runs.len());
        for (first, count) in runs.into_iter().filter(|(_, count)| *count > 0) {
            match out.last_mut() {
                Some((at, held)) if at.epoch == first.epoch && at.seq.saturating_add(*held) >= first.seq => {
                    *held = (*held).max(first.seq.saturating_add(count) - at.seq);
                }
                _ => out.push((first, count)),
            }
        }
        Self(out)
    }

    /// Single places in any order.
    pub fn single(places: &[Place]) -> Self {
        Self::new(places.iter().map(|place| (*place, 1)).collect())
    }

    /// What both have.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let (mut one, mut two) = (self.0.iter().copied().peekable(), other.0.iter().copied().peekable());
        let end = |(first, count): Run| Place { seq: first.seq.saturating_add(count), ..first };
        let mut out = Vec::new();
        while let (Some(a), Some(b)) = (one.peek().copied(), two.peek().copied()) {
            let (first, last) = (a.0.max(b.0), end(a).min(end(b)));
            if first.epoch == last.epoch && first < last {
                out.push((first, last.seq - first.seq));
            }
            if end(a) <= end(b) {
                one.next()
            } else {
                two.next()
            };
        }
        Self(out)
    }

    /// How many places there are, as far as the index can be believed.
    pub fn len(&self) -> u64 {
        self.0.iter().fold(0, |sum, (_, count)| sum.saturating_add(*count))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The runs.
    pub fn runs(&self) -> &[Run] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    fn run() -> impl Strategy<Value = Run> {
        (1_u64..3, 0_u64..40, 0_u64..6).prop_map(|(epoch, seq, count)| (Place { epoch, seq }, count))
    }

    fn set(runs: &[Run]) -> BTreeSet<Place> {
        let each = |(first, count): &Run| {
            let first = *first;
            (first.seq..first.seq + count).map(move |seq| Place { seq, ..first })
        };
        runs.iter().flat_map(each).collect()
    }

    proptest! {
        #[test]
        fn places_are_sets(one in prop::collection::vec(run(), 0..12), two in prop::collection::vec(run(), 0..12)) {
            let (a, b) = (Places::new(one.clone()), Places::new(two.clone()));
            prop_assert_eq!(set(a.runs()), set(&one));
            prop_assert_eq!(a.len(), set(&one).len() as u64);
            let both: BTreeSet<Place> = set(&one).intersection(&set(&two)).copied().collect();
            prop_assert_eq!(set(a.and(&b).runs()), both.clone());
            prop_assert_eq!(b.and(&a), a.and(&b));
            prop_assert_eq!(a.and(&b).is_empty(), both.is_empty());
        }
    }

    #[test]
    fn lengths_that_nobody_checked_do_no_harm() {
        let place = |seq| Place { epoch: 1, seq };
        let odd = Places::new(vec![(place(5), u64::MAX), (place(u64::MAX), u64::MAX)]);
        assert_eq!(odd.and(&Places::single(&[place(7), place(3)])), Places::single(&[place(7)]));
    }
}
