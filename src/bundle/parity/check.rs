use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use super::piece::MAX_THREADS;
use super::{Bad, Progress, ReadSlice, read_full};
use crate::bundle::{Plan, Shards};
use crate::crypto::Digest;

/// Looks for blocks that do not have their digest, are cut short, or cannot be read. Where a slice is
/// [not found](io::ErrorKind::NotFound), all its blocks are bad. Threads take block after block of one slice after the
/// other, so that a medium is read nearly in order. `progress` sums up to the length of all bodies.
///
/// # Errors
/// [`io::ErrorKind::InvalidInput`] when the digests are those of another plan. Reading is never an error here.
pub fn check(
    plan: &Plan,
    source: &dyn ReadSlice,
    shards: &Shards,
    threads: usize,
    progress: &Progress<'_>,
) -> io::Result<Bad> {
    if shards.plan() != plan {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    let checker = Checker {
        plan,
        source,
        shards,
        progress,
        next: AtomicU64::new(0),
        gone: (0..plan.slices()).map(|_| AtomicBool::new(false)).collect(),
    };
    let mut bad = Bad::none(plan);
    thread::scope(|scope| {
        // Without a thread the others do its work.
        let start = |_| thread::Builder::new().spawn_scoped(scope, || checker.work()).ok();
        let others: Vec<_> = (1..threads.min(MAX_THREADS)).filter_map(start).collect();
        let mut found = vec![checker.work()];
        for other in others {
            // Whoever handed in a source or a progress that panics is to see it.
            found.push(other.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        }
        found.into_iter().flatten().for_each(|(slice, block)| bad.add(slice, block));
    });
    for (slice, gone) in (0..).zip(&checker.gone) {
        if gone.load(Ordering::Relaxed) {
            bad.add_slice(slice);
        }
    }
    Ok(bad)
}

struct Checker<'a> {
    plan: &'a Plan,
    source: &'a dyn ReadSlice,
    shards: &'a Shards,
    progress: &'a Progress<'a>,
    /// The next block, in the order of the digests.
    next: AtomicU64,
    /// Slices that were not found.
    gone: Vec<AtomicBool>,
}

impl Checker<'_> {
    /// Checks blocks until there are no more, and gives the bad ones.
    fn work(&self) -> Vec<(u32, u64)> {
        let mut buffer = vec![0; usize::try_from(self.plan.block_len()).unwrap_or(0)];
        let mut bad = Vec::new();
        while let Some((slice, block)) = self.plan.place_of(self.next.fetch_add(1, Ordering::Relaxed)) {
            let len = self.plan.block_len_of(slice, block);
            let out = usize::try_from(len).ok().and_then(|len| buffer.get_mut(..len)).unwrap_or_default();
            if !self.is_good(slice, block, out) {
                bad.push((slice, block));
            }
            (self.progress)(len);
        }
        bad
    }

    fn is_good(&self, slice: u32, block: u64, out: &mut [u8]) -> bool {
        let gone = self.gone.get(slice as usize);
        if gone.is_some_and(|gone| gone.load(Ordering::Relaxed)) {
            return false;
        }
        match read_full(self.source, slice, block.saturating_mul(self.plan.block_len()), out) {
            Ok(len) => len == out.len() && self.shards.get(slice, block) == Some(&Digest::of(out)),
            Err(error) => {
                if let Some(gone) = gone.filter(|_| error.kind() == io::ErrorKind::NotFound) {
                    gone.store(true, Ordering::Relaxed);
                }
                false
            }
        }
    }
}
