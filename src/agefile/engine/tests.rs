use proptest::prelude::*;

use super::*;

fn keys() -> (FileKey, PayloadNonce) {
    (FileKey::new([7; 16]), PayloadNonce([9; NONCE_LEN]))
}

fn plain(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at % 251) as u8).collect()
}

fn seal(threads: usize, mut source: impl Read + Send) -> (Result<PayloadSummary, Error>, Vec<u8>, Vec<u8>) {
    let (key, nonce) = keys();
    let (mut tapped, mut out) = (Vec::new(), Vec::new());
    let sealed = encrypt_with(
        threads,
        (&key, &nonce),
        &mut source,
        &mut |bytes| tapped.extend_from_slice(bytes),
        &mut out,
    );
    (sealed, tapped, out)
}

/// The outcome as text, since errors of I/O do not compare, and what was released.
fn open(threads: usize, mut chunks: impl Read + Send) -> (String, Vec<u8>, Vec<u8>) {
    let (key, nonce) = keys();
    let (mut tapped, mut out) = (Vec::new(), Vec::new());
    let opened = decrypt_with(
        threads,
        (&key, &nonce),
        &mut chunks,
        &mut |bytes| tapped.extend_from_slice(bytes),
        &mut out,
    );
    (format!("{opened:?}"), tapped, out)
}

fn awkward() -> Vec<usize> {
    let group = GROUP * CHUNK_LEN;
    let borders = [0, CHUNK_LEN, 2 * CHUNK_LEN, group, group + CHUNK_LEN, 3 * group];
    borders.iter().flat_map(|at| [at.saturating_sub(1), *at, at + 1]).collect()
}

#[test]
fn any_number_of_threads_gives_the_same_bytes() {
    for len in awkward() {
        let plain = plain(len);
        let (summary, tapped, one) = seal(1, plain.as_slice());
        assert_eq!(tapped, one);
        for threads in [2, 3, 8] {
            let (other, tapped, many) = seal(threads, plain.as_slice());
            assert_eq!(other.unwrap(), *summary.as_ref().unwrap(), "{len} {threads}");
            assert!(many == one && tapped == one, "{len} {threads}");
            let (outcome, tapped, opened) = open(threads, &one[NONCE_LEN..]);
            assert!(opened == plain && tapped == one[NONCE_LEN..], "{len} {threads} {outcome}");
        }
    }
}

#[test]
fn damage_gives_the_same_error_and_the_same_plaintext_before_it() {
    let (_, _, whole) = seal(1, plain(2 * GROUP * CHUNK_LEN + 100).as_slice());
    let chunks = &whole[NONCE_LEN..];
    let mut damaged = vec![Vec::new(), [chunks, b"x"].concat(), [chunks, chunks].concat()];
    for chunk in 0..=2 * GROUP {
        let border = chunk * SEALED_CHUNK_LEN;
        for cut in [border.saturating_sub(1), border, border + 1, border + 17] {
            damaged.push(chunks[..cut.min(chunks.len())].to_vec());
        }
        let mut flipped = chunks.to_vec();
        flipped[border] ^= 1;
        damaged.push(flipped);
    }
    // Full chunks of which the last is marked as such, and one after it.
    let (_, _, full) = seal(1, plain(GROUP * CHUNK_LEN).as_slice());
    damaged.push([&full[NONCE_LEN..], &chunks[..SEALED_CHUNK_LEN]].concat());
    for (at, bytes) in damaged.iter().enumerate() {
        let (outcome, _, released) = open(1, bytes.as_slice());
        assert!(outcome.starts_with("Err") || bytes == chunks, "{at} {outcome}");
        for threads in [2, 3, 8] {
            let (other, _, many) = open(threads, bytes.as_slice());
            assert_eq!(other, outcome, "{at} {threads}");
            assert!(many == released, "{at} {threads}");
        }
    }
}

/// Gives a few bytes at a time, and fails after some.
struct Slow<'a>(&'a [u8], usize, bool);

impl Read for Slow<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        if self.0.is_empty() && self.2 {
            return Err(std::io::ErrorKind::BrokenPipe.into());
        }
        let len = self.1.min(out.len());
        self.0.read(&mut out[..len])
    }
}

/// Takes so many bytes and no more.
struct Full(usize);

impl Write for Full {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        if self.0 < bytes.len() {
            return Err(std::io::ErrorKind::StorageFull.into());
        }
        self.0 -= bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn errors_of_source_and_sink_end_every_thread() {
    let plain = plain(5 * GROUP * CHUNK_LEN);
    let (key, nonce) = keys();
    for threads in [2, 3, 8] {
        let (failed, ..) = seal(threads, Slow(&plain[..3 * GROUP * CHUNK_LEN + 5], 70_000, true));
        assert!(matches!(failed, Err(Error::Read(_))), "{failed:?}");
        for room in [0, 100, CHUNK_LEN * 3, GROUP * CHUNK_LEN * 4] {
            let mut sink = Full(room);
            let full = encrypt_with(threads, (&key, &nonce), &mut plain.as_slice(), &mut |_| (), &mut sink);
            assert!(matches!(full, Err(Error::Write(_))), "{full:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn any_length_in_any_pieces_on_any_threads(
        len in 0..3 * GROUP * CHUNK_LEN, piece in 1..200_000_usize, threads in 1..9_usize,
    ) {
        let plain = plain(len);
        let (_, _, sealed) = seal(threads, Slow(&plain, piece, false));
        let (_, _, one) = seal(1, plain.as_slice());
        prop_assert!(sealed == one);
        let (_, _, opened) = open(threads, Slow(&sealed[NONCE_LEN..], piece, false));
        prop_assert!(opened == plain);
    }
}
