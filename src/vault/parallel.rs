//! How many threads work on a vault's documents.

pub(super) use crate::process::parallel::for_each;
use crate::process::parallel::processors;

/// From here on a single document is worth more than one thread.
const LARGE: u64 = 4 * 1024 * 1024;

/// How many threads a document of this size is worth: two for each processor, so that one works while another waits for its
/// turn to write (`docs/PERFORMANCE.md`).
pub(super) fn threads_for(size: u64) -> usize {
    if size < LARGE { 1 } else { 2 * processors() }
}
