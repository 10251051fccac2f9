//! Several files as one, in the order of their records.

use super::Record;
use crate::store::error::StoreError;
use crate::store::index::IndexError;

/// The records of several sources in one order. An error of one ends all.
pub struct Merged<I: Iterator> {
    sources: Vec<std::iter::Peekable<I>>,
    ended: bool,
}

impl<I: Iterator> std::fmt::Debug for Merged<I> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Merged({} sources)", self.sources.len())
    }
}

impl<I: Iterator<Item = Result<Record, IndexError>>> Merged<I> {
    /// Of sources that are each in order.
    pub fn new(sources: impl Iterator<Item = I>) -> Self {
        Self { sources: sources.map(Iterator::peekable).collect(), ended: false }
    }
}

impl<I: Iterator<Item = Result<Record, IndexError>>> Iterator for Merged<I> {
    type Item = Result<Record, StoreError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let mut least: Option<(usize, Option<Record>)> = None;
        for (at, source) in self.sources.iter_mut().enumerate() {
            // An error counts as less than every record.
            let Some(next) = source.peek().map(|next| next.as_ref().ok().copied()) else { continue };
            if least.is_none_or(|(_, record)| next < record) {
                least = Some((at, next));
            }
        }
        let next = self.sources.get_mut(least?.0)?.next()?;
        self.ended = next.is_err();
        Some(next.map_err(StoreError::from))
    }
}
