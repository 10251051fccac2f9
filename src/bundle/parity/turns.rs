//! Work in turns on several threads: each thread takes the next turn, and passes every gate in the order of turns.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

/// Why a turn was not done.
pub(super) enum Stop<E> {
    /// Another one has failed.
    Over,
    /// This one has.
    Failed(E),
}

impl<E> From<E> for Stop<E> {
    fn from(error: E) -> Self {
        Self::Failed(error)
    }
}

/// What only one thread may work on at a time, in the order of turns.
pub(super) struct Gate<T> {
    number: usize,
    state: Mutex<T>,
}

impl<T> Gate<T> {
    /// A gate for each of these, counted from `first`.
    pub(super) fn all(first: usize, inner: impl IntoIterator<Item = T>) -> Vec<Self> {
        let number = |(at, state)| Self { number: first + at, state: Mutex::new(state) };
        inner.into_iter().enumerate().map(number).collect()
    }

    /// The gate with this number.
    pub(super) fn new(number: usize, inner: T) -> Self {
        Self { number, state: Mutex::new(inner) }
    }

    /// What is left when all turns are over.
    pub(super) fn into_inner(self) -> T {
        self.state.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

struct State<E> {
    /// Whose turn it is, for each gate.
    turns: Vec<u64>,
    over: bool,
    error: Option<E>,
}

/// The turns of one piece of work.
pub(super) struct Line<E> {
    next: AtomicU64,
    count: u64,
    state: Mutex<State<E>>,
    moved: Condvar,
}

/// A thread that is lost to a panic must not leave the others waiting for its turn.
struct Halt<'a, E>(&'a Line<E>);

impl<E> Drop for Halt<'_, E> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.halt(None);
        }
    }
}

impl<E: Send> Line<E> {
    /// Does `step` for each of `count` turns. Each thread has a tool of its own, from `begin`. Every step must pass all
    /// `gates` in their order, or fail.
    ///
    /// # Errors
    /// The first error of a step; then no turn begins, and nobody passes a gate any more.
    pub(super) fn run<W>(
        (threads, gates, count): (usize, usize, u64),
        begin: impl Fn() -> Result<W, E> + Sync,
        step: impl Fn(&Self, u64, &mut W) -> Result<(), Stop<E>> + Sync,
    ) -> Result<(), E> {
        let state = State { turns: vec![0; gates], over: false, error: None };
        let line = Self { next: AtomicU64::new(0), count, state: Mutex::new(state), moved: Condvar::new() };
        let work = || {
            let _halt = Halt(&line);
            let done = begin().map_err(Stop::Failed).and_then(|mut tool| {
                while let Some(turn) = line.take() {
                    step(&line, turn, &mut tool)?;
                }
                Ok(())
            });
            if let Err(Stop::Failed(error)) = done {
                line.halt(Some(error));
            }
        };
        thread::scope(|scope| {
            for _ in 1..threads {
                // Fewer threads do the same work.
                let _ = thread::Builder::new().spawn_scoped(scope, work);
            }
            work();
        });
        let state = line.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        state.error.map_or(Ok(()), Err)
    }

    fn take(&self) -> Option<u64> {
        let turn = self.next.fetch_add(1, Ordering::Relaxed);
        (turn < self.count).then_some(turn)
    }

    /// Waits for the turn, and works on what is behind the gate.
    pub(super) fn pass<T, R>(
        &self,
        gate: &Gate<T>,
        turn: u64,
        work: impl FnOnce(&mut T) -> Result<R, E>,
    ) -> Result<R, Stop<E>> {
        let mut state = self.lock();
        while !state.over && state.turns.get(gate.number).is_some_and(|at| *at != turn) {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if state.over {
            return Err(Stop::Over);
        }
        drop(state);
        let done = work(&mut gate.state.lock().unwrap_or_else(PoisonError::into_inner))?;
        if let Some(at) = self.lock().turns.get_mut(gate.number) {
            *at += 1;
        }
        self.moved.notify_all();
        Ok(done)
    }

    fn lock(&self) -> MutexGuard<'_, State<E>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E> Line<E> {
    fn halt(&self, error: Option<E>) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.over = true;
        state.error = state.error.take().or(error);
        drop(state);
        self.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    #[test]
    fn every_gate_is_passed_in_the_order_of_turns() {
        for threads in [1, 2, 3, 8] {
            let gates = Gate::all(0, [Vec::new(), Vec::new(), Vec::new()]);
            let done: Result<(), ()> = Line::run(
                (threads, 3, 500),
                || Ok(()),
                |line, turn, ()| {
                    gates.iter().try_for_each(|gate| {
                        line.pass(gate, turn, |seen: &mut Vec<u64>| {
                            seen.push(turn);
                            Ok(())
                        })
                    })
                },
            );
            assert_eq!(done, Ok(()));
            for gate in gates {
                assert_eq!(gate.into_inner(), (0..500).collect::<Vec<u64>>());
            }
        }
    }

    #[test]
    fn a_failed_turn_ends_every_thread() {
        for threads in [1, 2, 3, 8] {
            for (at, failing) in [(0, 0), (0, 1), (77, 0), (77, 1)] {
                let gates = Gate::all(0, [0, 0]);
                let done = Line::run(
                    (threads, 2, 500),
                    || Ok(()),
                    |line, turn, ()| {
                        gates.iter().enumerate().try_for_each(|(number, gate)| {
                            line.pass(gate, turn, |seen| {
                                *seen += 1;
                                if (turn, number) == (at, failing) { Err(turn) } else { Ok(()) }
                            })
                        })
                    },
                );
                assert_eq!(done, Err(at));
                let [first, second] = gates.try_into().map_err(|_| ()).unwrap();
                assert_eq!([first, second].map(Gate::into_inner)[failing], at + 1);
            }
        }
    }

    #[test]
    fn a_thread_that_cannot_begin_ends_the_others() {
        let begun = AtomicUsize::new(0);
        let gate = Gate::new(0, ());
        let begin = || if begun.fetch_add(1, Ordering::SeqCst) == 1 { Err("full") } else { Ok(()) };
        let done = Line::run((4, 1, u64::MAX), begin, |line, turn, ()| line.pass(&gate, turn, |()| Ok(())));
        assert_eq!(done, Err("full"));
    }

    #[test]
    fn a_panic_comes_out_and_nobody_waits_for_it() {
        for threads in [1, 2, 8] {
            let gate = Gate::new(0, ());
            let run = std::panic::AssertUnwindSafe(|| {
                Line::<()>::run(
                    (threads, 1, 500),
                    || Ok(()),
                    |line, turn, ()| {
                        line.pass(&gate, turn, |()| if turn == 77 { panic!("on purpose") } else { Ok(()) })
                    },
                )
            });
            assert!(std::panic::catch_unwind(run).is_err());
        }
    }
}
