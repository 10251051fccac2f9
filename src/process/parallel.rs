//! The same work on many things, on as many threads as are worth it.

use std::num::NonZero;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// More threads than these wait for the disk.
const MOST: usize = 8;

/// How many threads there are to work with.
pub fn processors() -> usize {
    thread::available_parallelism().map_or(1, NonZero::get).min(MOST)
}

/// Does `work` for every index below `count`, and gives what came out in their order. A thread is begun for every `each`
/// of them, so that a few are done without any. Indexes are taken up in their order too, so whoever wants to stop
/// early can let the later ones do nothing.
///
/// `None` stands where a thread was lost to a panic.
pub fn for_each<T: Send>(count: usize, each: usize, work: impl Fn(usize) -> T + Sync) -> Vec<Option<T>> {
    let threads = processors().min(count / each);
    if threads < 2 {
        return (0..count).map(|index| Some(work(index))).collect();
    }
    let next = AtomicUsize::new(0);
    let take = || {
        let mut done = Vec::new();
        loop {
            let index = next.fetch_add(1, Ordering::Relaxed);
            if index >= count {
                return done;
            }
            done.push((index, work(index)));
        }
    };
    let mut out: Vec<Option<T>> = (0..count).map(|_| None).collect();
    let done = thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(take)).collect();
        threads.into_iter().filter_map(|thread| thread.join().ok()).flatten().collect::<Vec<_>>()
    });
    for (index, result) in done {
        if let Some(slot) = out.get_mut(index) {
            *slot = Some(result);
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_done_once_and_stands_in_its_place() {
        for count in [0, 1, 7, 8, 16, 1000] {
            let calls = AtomicUsize::new(0);
            let out = for_each(count, 8, |index| {
                calls.fetch_add(1, Ordering::Relaxed);
                index * 2
            });
            assert_eq!(out, (0..count).map(|index| Some(index * 2)).collect::<Vec<_>>());
            assert_eq!(calls.into_inner(), count);
        }
    }
}
