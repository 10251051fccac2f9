//! Payloads on several threads.
//!
//! Each thread takes the next group of chunks from the source into a buffer of its own, works on it, and waits for its
//! group's turn at the tap and at the sink: reading, AEAD, hashing and writing overlap, memory is one buffer for each
//! thread, and whatever leaves does so in order. Results are those of [`super::encrypt`] and [`super::decrypt`], to the byte
//! and to the error.

use std::io::{Read, Write};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use zeroize::Zeroizing;

use super::error::{Error, PayloadError};
use super::header::FileKey;
use super::read::read_full;
use super::stream::{
    CHUNK_LEN, NONCE_LEN, PayloadNonce, PayloadSummary, SEALED_CHUNK_LEN, Stream, decrypt, encrypt,
};

/// Chunks that a thread takes at a time.
const GROUP: usize = 8;
/// Where chunks stand in a thread's buffer.
struct Shape {
    /// From one to the next.
    stride: usize,
    /// Where a chunk is read to, from the beginning of its place.
    offset: usize,
    /// How long a whole one is when it is read.
    len: usize,
}

/// Plaintext is encrypted where it was read, with the tag behind it: then a whole group is one piece to be hashed and
/// written, and as small in the processor's cache as can be.
const ENCRYPTING: Shape = Shape { stride: SEALED_CHUNK_LEN, offset: 0, len: CHUNK_LEN };
/// A sealed chunk stays as it is behind the place for its plaintext, since it may have to be tried twice.
const DECRYPTING: Shape =
    Shape { stride: CHUNK_LEN + SEALED_CHUNK_LEN, offset: CHUNK_LEN, len: SEALED_CHUNK_LEN };

/// Sees the payload pass, nonce and chunks, in order.
pub type Tap<'a> = dyn FnMut(&[u8]) + Send + 'a;

/// As [`super::encrypt`], on so many threads; `tap` sees what goes to the sink.
///
/// # Errors
/// [`Error::Read`] from the source, [`Error::Write`] from the sink.
pub fn encrypt_with(
    threads: usize,
    (file_key, nonce): (&FileKey, &PayloadNonce),
    source: &mut (dyn Read + Send),
    tap: &mut Tap<'_>,
    sink: &mut (dyn Write + Send),
) -> Result<PayloadSummary, Error> {
    if threads < 2 {
        return encrypt(file_key, nonce, source, &mut TapWriter { tap, sink });
    }
    tap(&nonce.0);
    sink.write_all(&nonce.0).map_err(Error::Write)?;
    let stream = Stream::new(file_key, nonce);
    let line = Pipeline::new(source, tap, sink);
    line.run(threads, &ENCRYPTING, |line, buffer| line.encrypt(&stream, buffer))
}

/// As [`super::decrypt`], on so many threads; `tap` sees the ciphertext of every chunk that was read.
///
/// # Errors
/// Those of [`super::decrypt`]; the sink holds the same plaintext after one.
pub fn decrypt_with(
    threads: usize,
    (file_key, nonce): (&FileKey, &PayloadNonce),
    source: &mut (dyn Read + Send),
    tap: &mut Tap<'_>,
    sink: &mut (dyn Write + Send),
) -> Result<PayloadSummary, Error> {
    if threads < 2 {
        return decrypt(file_key, nonce, &mut TapReader { tap, source }, sink);
    }
    let stream = Stream::new(file_key, nonce);
    let line = Pipeline::new(source, tap, sink);
    line.run(threads, &DECRYPTING, |line, buffer| line.decrypt(&stream, buffer))
}

struct TapWriter<'a, 'b> {
    tap: &'a mut Tap<'b>,
    sink: &'a mut dyn Write,
}

impl Write for TapWriter<'_, '_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let written = self.sink.write(bytes)?;
        (self.tap)(bytes.get(..written).unwrap_or_default());
        Ok(written)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.sink.flush()
    }
}

struct TapReader<'a, 'b> {
    tap: &'a mut Tap<'b>,
    source: &'a mut dyn Read,
}

impl Read for TapReader<'_, '_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let got = self.source.read(out)?;
        (self.tap)(out.get(..got).unwrap_or_default());
        Ok(got)
    }
}

/// Chunks that one thread has.
struct Group {
    turn: u64,
    /// The length of each chunk as it was read.
    lens: Vec<usize>,
    /// Whether something follows them.
    more: bool,
}

impl Group {
    /// Number, place, length, and whether something follows.
    fn chunks(&self, shape: &Shape) -> impl Iterator<Item = (u64, usize, usize, bool)> {
        let stride = shape.stride;
        let first = self.turn * GROUP as u64;
        let count = self.lens.len();
        let follows = move |at: usize| self.more || at + 1 < count;
        self.lens.iter().enumerate().map(move |(at, len)| (first + at as u64, at * stride, *len, follows(at)))
    }
}

/// Adds a range; one that begins where the last one ends makes that longer.
fn push(ranges: &mut Vec<Range<usize>>, range: Range<usize>) {
    match ranges.last_mut() {
        Some(last) if last.end == range.start => last.end = range.end,
        _ => ranges.push(range),
    }
}

fn len_of(ranges: &[Range<usize>]) -> u64 {
    ranges.iter().map(|range| range.len() as u64).sum()
}

/// Where groups come from.
struct Reader<'a> {
    source: &'a mut (dyn Read + Send),
    turn: u64,
    /// Only the byte after a full chunk tells whether it was the last; that byte begins the next one.
    carried: Option<u8>,
    ended: bool,
}

impl Reader<'_> {
    /// Reads the next group.
    fn next(&mut self, buffer: &mut [u8], shape: &Shape) -> Option<(u64, Result<Group, Error>)> {
        if self.ended {
            return None;
        }
        let turn = self.turn;
        self.turn += 1;
        let group = self.fill(buffer, shape);
        self.ended = !group.as_ref().is_ok_and(|group| group.more);
        Some((turn, group))
    }

    fn fill(&mut self, buffer: &mut [u8], shape: &Shape) -> Result<Group, Error> {
        let (offset, len) = (shape.offset, shape.len);
        let mut group = Group { turn: self.turn - 1, lens: Vec::with_capacity(GROUP), more: false };
        for slot in buffer.chunks_exact_mut(shape.stride) {
            let space = slot.get_mut(offset..offset + len).unwrap_or_default();
            let carried = self.carried.take();
            if let (Some(byte), Some(first)) = (carried, space.first_mut()) {
                *first = byte;
            }
            let begun = usize::from(carried.is_some());
            let filled = begun + read_full(self.source, space.get_mut(begun..).unwrap_or_default())?;
            if filled > 0 {
                group.lens.push(filled);
            }
            if filled < len {
                return Ok(group);
            }
        }
        let mut byte = [0];
        group.more = read_full(self.source, &mut byte)? > 0;
        self.carried = group.more.then_some(byte[0]);
        Ok(group)
    }
}

/// What groups come to.
struct Out<'a> {
    sink: &'a mut (dyn Write + Send),
    summary: PayloadSummary,
    outcome: Option<Result<(), Error>>,
}

/// Lets groups through in their order.
struct Gate<T> {
    state: Mutex<(u64, T)>,
    moved: Condvar,
}

impl<T> Gate<T> {
    fn new(inner: T) -> Self {
        Self { state: Mutex::new((0, inner)), moved: Condvar::new() }
    }

    fn lock(&self) -> MutexGuard<'_, (u64, T)> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits for the turn; `None` when there will be no more turns.
    fn pass<R>(&self, turn: u64, over: &AtomicBool, work: impl FnOnce(&mut T) -> R) -> Option<R> {
        let mut state = self.lock();
        while state.0 != turn && !over.load(Ordering::SeqCst) {
            state = self.moved.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        if over.load(Ordering::SeqCst) {
            return None;
        }
        let done = work(&mut state.1);
        state.0 += 1;
        drop(state);
        self.moved.notify_all();
        Some(done)
    }

    fn wake(&self) {
        // With the lock in hand nobody is between looking and waiting.
        let _state = self.lock();
        self.moved.notify_all();
    }
}

struct Pipeline<'a, 'b> {
    reader: Mutex<Reader<'a>>,
    tap: Gate<&'a mut Tap<'b>>,
    out: Gate<Out<'a>>,
    over: AtomicBool,
}

/// A thread that is lost to a panic must not leave the others waiting for its turn.
struct Halt<'p, 'a, 'b>(&'p Pipeline<'a, 'b>);

impl Drop for Halt<'_, '_, '_> {
    fn drop(&mut self) {
        if thread::panicking() {
            self.0.halt();
        }
    }
}

impl<'a, 'b> Pipeline<'a, 'b> {
    fn new(
        source: &'a mut (dyn Read + Send),
        tap: &'a mut Tap<'b>,
        sink: &'a mut (dyn Write + Send),
    ) -> Self {
        let summary = PayloadSummary { plain_len: 0, payload_len: NONCE_LEN as u64 };
        Self {
            reader: Mutex::new(Reader { source, turn: 0, carried: None, ended: false }),
            tap: Gate::new(tap),
            out: Gate::new(Out { sink, summary, outcome: None }),
            over: AtomicBool::new(false),
        }
    }

    fn run(
        self,
        threads: usize,
        shape: &Shape,
        step: impl Fn(&Self, &mut [u8]) -> Option<()> + Sync,
    ) -> Result<PayloadSummary, Error> {
        let work = || {
            let _halt = Halt(&self);
            let mut buffer = Zeroizing::new(vec![0; GROUP * shape.stride]);
            while step(&self, &mut buffer).is_some() {}
        };
        thread::scope(|scope| {
            for _ in 1..threads {
                scope.spawn(work);
            }
            work();
        });
        let (_, out) = self.out.state.into_inner().unwrap_or_else(PoisonError::into_inner);
        // The last group always leaves an outcome.
        out.outcome.unwrap_or(Err(PayloadError::NoLastChunk.into())).map(|()| out.summary)
    }

    fn read(&self, buffer: &mut [u8], shape: &Shape) -> Option<(u64, Result<Group, Error>)> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner).next(buffer, shape)
    }

    /// One group from the source to the sink; `None` when there is no more to do.
    fn encrypt(&self, stream: &Stream, buffer: &mut [u8]) -> Option<()> {
        let (turn, group) = self.read(buffer, &ENCRYPTING)?;
        let mut group = match group {
            Ok(group) => group,
            Err(error) => return self.fail(turn, error),
        };
        if turn == 0 && group.lens.is_empty() {
            // An empty plaintext has one chunk.
            group.lens.push(0);
        }
        let mut sealed = Vec::new();
        for (index, start, len, follows) in group.chunks(&ENCRYPTING) {
            let slot = buffer.get_mut(start..start + ENCRYPTING.stride)?;
            // ring refuses only what is longer than a chunk can be.
            let Some(chunk) = stream.seal(index, !follows, slot, len) else {
                return self.fail(turn, PayloadError::Chunk(index).into());
            };
            push(&mut sealed, start..start + chunk.len());
        }
        let end = (!group.more).then_some(Ok(()));
        self.tap(turn, buffer, &sealed)?;
        let lens = (group.lens.iter().sum::<usize>() as u64, len_of(&sealed));
        self.put(turn, buffer, &sealed, lens, end)
    }

    /// The same for a group of sealed chunks.
    fn decrypt(&self, stream: &Stream, buffer: &mut [u8]) -> Option<()> {
        let (turn, group) = self.read(buffer, &DECRYPTING)?;
        let group = match group {
            Ok(group) => group,
            Err(error) => return self.fail(turn, error),
        };
        let range = |(_, start, len, _)| start + CHUNK_LEN..start + CHUNK_LEN + len;
        let sealed: Vec<_> = group.chunks(&DECRYPTING).map(range).collect();
        self.tap(turn, buffer, &sealed)?;
        let mut plain = Vec::with_capacity(GROUP);
        let mut end = None;
        for (index, start, len, follows) in group.chunks(&DECRYPTING) {
            let slot = buffer.get_mut(start..start + DECRYPTING.stride)?;
            if len == SEALED_CHUNK_LEN && stream.open(index, false, slot, len).is_some() {
                plain.push(start..start + CHUNK_LEN);
                continue;
            }
            end = Some(match stream.open(index, true, slot, len) {
                None => Err(PayloadError::Chunk(index).into()),
                Some([]) if index > 0 => Err(PayloadError::EmptyLastChunk.into()),
                Some(last) => {
                    plain.push(start..start + last.len());
                    if follows { Err(PayloadError::TrailingData.into()) } else { Ok(()) }
                }
            });
            break;
        }
        if end.is_none() && !group.more {
            end = Some(Err(PayloadError::NoLastChunk.into()));
        }
        let lens = (len_of(&plain), group.lens.iter().sum::<usize>() as u64);
        self.put(turn, buffer, &plain, lens, end)
    }

    fn tap(&self, turn: u64, buffer: &[u8], sealed: &[Range<usize>]) -> Option<()> {
        self.tap.pass(turn, &self.over, |tap| {
            for range in sealed {
                tap(buffer.get(range.clone()).unwrap_or_default());
            }
        })
    }

    /// Writes a group out, which has so many bytes of plaintext and of payload. `end` says that it was the last one, and
    /// how it ended.
    fn put(
        &self,
        turn: u64,
        buffer: &[u8],
        ranges: &[Range<usize>],
        lens: (u64, u64),
        end: Option<Result<(), Error>>,
    ) -> Option<()> {
        let goes_on = self.out.pass(turn, &self.over, |out| {
            // The one before it was the last, and its thread has not said so yet.
            if out.outcome.is_some() {
                return false;
            }
            let parts = || ranges.iter().map(|range| buffer.get(range.clone()).unwrap_or_default());
            let written = parts().try_for_each(|part| out.sink.write_all(part)).map_err(Error::Write);
            out.summary.plain_len += lens.0;
            out.summary.payload_len += lens.1;
            out.outcome = match (written, end) {
                (Err(error), _) => Some(Err(error)),
                (Ok(()), end) => end,
            };
            out.outcome.is_none()
        })?;
        if goes_on {
            return Some(());
        }
        self.halt();
        None
    }

    /// A group that could not be made: everything before it is still written.
    fn fail(&self, turn: u64, error: Error) -> Option<()> {
        self.tap(turn, &[], &[])?;
        self.put(turn, &[], &[], (0, 0), Some(Err(error)))
    }

    fn halt(&self) {
        self.over.store(true, Ordering::SeqCst);
        self.tap.wake();
        self.out.wake();
    }
}

#[cfg(test)]
mod tests;
