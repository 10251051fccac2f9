//! Entries by what they have in common: the same event, the same member.

use super::{Index, IndexError, Place, damaged, guarded, prefixed};
use crate::id::MemberId;

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

    fn places_of_run(
        &self,
        kind: u8,
        value: &[u8],
    ) -> Result<impl Iterator<Item = Place> + use<>, IndexError> {
        let mut prefix = prefixed(kind, value);
        prefix.push(0);
        let runs = guarded(|| {
            let mut runs: Vec<(Place, u64)> = Vec::new();
            for pair in self.db.scan_prefix(&prefix) {
                let (key, count) = pair?;
                // A longer value can begin with this one and a zero.
                if key.len() != prefix.len() + 16 {
                    continue;
                }
                let first = Place::of_key(&key).ok_or_else(|| damaged("unreadable key"))?;
                let count = count.as_ref().try_into().map(u64::from_be_bytes);
                let count = count.map_err(|_| damaged("unreadable run"))?;
                runs.push((first, count));
            }
            Ok(runs)
        })?;
        // One by one, since a length that was never checked makes nothing here.
        Ok(runs.into_iter().flat_map(|(first, count)| {
            (first.seq..first.seq.saturating_add(count)).map(move |seq| Place { seq, ..first })
        }))
    }
}
