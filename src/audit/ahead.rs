//! Work that is done ahead on all processors, and taken in its order by one.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use crate::process::parallel::processors;

/// How far ahead each thread may be: so many pieces of work wait in memory.
const AHEAD: u64 = 4;
/// Fewer pieces of work are not worth a thread.
const WORTH: u64 = 4;

/// Does `work` for every index below `count` on all processors, and gives what came out to `take`, one after the other in
/// their order, on the thread of the caller. That one works as well while it has nothing to take.
///
/// # Errors
/// The first one of `take`, after which nothing more is begun.
pub(super) fn in_order<T: Send, E>(
    count: u64,
    work: impl Fn(u64) -> T + Sync,
    mut take: impl FnMut(&mut T) -> Result<(), E>,
) -> Result<(), E> {
    let threads = if count < WORTH { 1 } else { processors() };
    if threads < 2 {
        return (0..count).try_for_each(|index| take(&mut work(index)));
    }
    let line = Line::new(count, AHEAD * threads as u64);
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(|| line.work(&work));
        }
        let _end = AtEnd(&line);
        (0..count).try_for_each(|index| {
            let mut done = line.wait_for(index, &work);
            let taken = take(&mut done);
            line.taken(index, done);
            taken
        })
    })
}

/// What is to be done, is done and was taken.
struct Line<T> {
    count: u64,
    /// How many indexes beyond the last one that was taken may be begun.
    ahead: u64,
    held: Mutex<Held<T>>,
    /// Something is done, which the one who takes may wait for.
    done: Condvar,
    /// There is something to begin, or nothing any more.
    free: Condvar,
}

struct Held<T> {
    /// The next index to be begun.
    next: u64,
    /// How many were taken.
    taken: u64,
    /// `None` where a thread was lost to a panic.
    done: BTreeMap<u64, Option<T>>,
    /// Taken already. What a thread allocated is freed by the threads that allocate, or they would wait for each other.
    spent: Vec<T>,
    ended: bool,
}

impl<T: Send> Line<T> {
    fn new(count: u64, ahead: u64) -> Self {
        let held = Held { next: 0, taken: 0, done: BTreeMap::new(), spent: Vec::new(), ended: false };
        Self { count, ahead, held: Mutex::new(held), done: Condvar::new(), free: Condvar::new() }
    }

    fn held(&self) -> MutexGuard<'_, Held<T>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next index, if it may be begun now.
    fn begin(&self, held: &mut Held<T>) -> Option<u64> {
        let index = held.next;
        let fits = index < self.count.min(held.taken.saturating_add(self.ahead));
        fits.then(|| {
            held.next += 1;
            index
        })
    }

    /// What the other threads do.
    fn work(&self, work: &(impl Fn(u64) -> T + Sync)) {
        let mut held = self.held();
        while !held.ended && held.next < self.count {
            let Some(index) = self.begin(&mut held) else {
                held = self.free.wait(held).unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            let spent = std::mem::take(&mut held.spent);
            drop(held);
            drop(spent);
            // Nothing is left half done by it: whoever takes does this index himself, and panics where this one did.
            let done = catch_unwind(AssertUnwindSafe(|| work(index))).ok();
            held = self.held();
            held.done.insert(index, done);
            self.done.notify_one();
        }
    }

    /// What came out for an index, done by whichever thread.
    fn wait_for(&self, wanted: u64, work: &impl Fn(u64) -> T) -> T {
        let mut held = self.held();
        loop {
            if let Some(done) = held.done.remove(&wanted) {
                drop(held);
                return done.unwrap_or_else(|| work(wanted));
            }
            held = match self.begin(&mut held) {
                Some(index) => {
                    drop(held);
                    let done = work(index);
                    if index == wanted {
                        return done;
                    }
                    let mut held = self.held();
                    held.done.insert(index, Some(done));
                    held
                }
                None => self.done.wait(held).unwrap_or_else(PoisonError::into_inner),
            };
        }
    }

    fn taken(&self, index: u64, spent: T) {
        let mut held = self.held();
        held.taken = index + 1;
        // Where nobody fetches it, it is freed here.
        if (held.spent.len() as u64) < self.ahead {
            held.spent.push(spent);
        }
        self.free.notify_one();
    }
}

/// Lets the threads go, however the taking ended.
struct AtEnd<'a, T: Send>(&'a Line<T>);

impl<T: Send> Drop for AtEnd<'_, T> {
    fn drop(&mut self) {
        self.0.held().ended = true;
        self.0.free.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU64, Ordering};

    #[test]
    fn everything_is_taken_once_and_in_order_and_nothing_is_begun_far_ahead() {
        for count in [0, 1, 3, 4, 5, 100, 1000] {
            let (begun, mut taken) = (AtomicU64::new(0), Vec::new());
            let ahead = AHEAD * processors() as u64;
            let done: Result<(), ()> = in_order(
                count,
                |index| {
                    begun.fetch_add(1, Ordering::SeqCst);
                    index * 2
                },
                |done| {
                    assert!(begun.load(Ordering::SeqCst) <= taken.len() as u64 + ahead);
                    taken.push(*done);
                    Ok(())
                },
            );
            assert_eq!((done, begun.into_inner()), (Ok(()), count));
            assert_eq!(taken, (0..count).map(|index| index * 2).collect::<Vec<_>>());
        }
    }

    #[test]
    fn an_error_ends_it_at_its_place() {
        let mut taken = 0;
        let done = in_order(
            1000,
            |index| index,
            |index| {
                taken += 1;
                if *index == 7 { Err(*index) } else { Ok(()) }
            },
        );
        assert_eq!((done, taken), (Err(7), 8));
    }

    #[test]
    fn a_panic_comes_out_where_the_outcome_is_taken() {
        let taken = AtomicU64::new(0);
        let done = catch_unwind(AssertUnwindSafe(|| {
            in_order(
                100,
                |index| assert_ne!(index, 50),
                |()| {
                    taken.fetch_add(1, Ordering::SeqCst);
                    Ok::<_, ()>(())
                },
            )
        }));
        assert!(done.is_err());
        assert!(taken.into_inner() <= 50);
    }
}
