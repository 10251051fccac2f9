//! Entries as the index has them, live and in sorted files, against the log.

use super::super::Vault;
use crate::store::StoreError;
use crate::store::index::{Index, IndexError, IndexState};
use crate::store::past;
use crate::store::segments::Segments;

impl Vault {
    /// Whether sorted files and live entries together are about every entry of the log, and say what it says.
    pub(super) fn compare_entries(
        &self,
        index: &Index,
        state: &IndexState,
        segments: &Segments,
    ) -> Result<(), StoreError> {
        let moved = index.moved()?;
        let scratch = tempfile::tempdir().map_err(IndexError::Io)?;
        for epoch in moved.keys() {
            let own = Segments::read(self.site.disk.clone(), &self.context.layout.log(*epoch), 0)?;
            past::check(index, &own, *epoch, scratch.path())?;
        }
        let mut next = moved.get(&state.epoch).copied().unwrap_or(0);
        index.for_each_entry(|place, bytes| {
            if place.epoch != state.epoch {
                return Ok(());
            }
            // What sorted files have may stand here too, after a kill or where a block goes on beyond.
            let follows = place.seq <= next;
            next += u64::from(place.seq == next);
            let same = follows && segments.entry(place.seq).is_ok_and(|entry| entry == bytes);
            if same { Ok(()) } else { Err(IndexError::Damaged(format!("entry {}", place.seq))) }
        })?;
        if next != state.size {
            return Err(IndexError::Damaged(format!("{next} entries of {}", state.size)).into());
        }
        past::check_live(index, segments, state.epoch, state.size)
    }
}
