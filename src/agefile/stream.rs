use std::io::{Read, Write};

use zeroize::Zeroize as _;

use super::error::{Error, HeaderError, PayloadError};
use super::header::FileKey;
use super::read::{read_full, read_some};
use crate::crypto::{AEAD_TAG_LEN, AeadKey, NoRandom, Random};

/// The length of a payload's nonce.
pub const NONCE_LEN: usize = 16;
/// The plaintext length of every chunk but the last.
pub const CHUNK_LEN: usize = 64 * 1024;
pub(super) const SEALED_CHUNK_LEN: usize = CHUNK_LEN + AEAD_TAG_LEN;

/// The 16 bytes with which a payload begins. Not secret; never used twice with one file key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadNonce(pub [u8; NONCE_LEN]);

impl PayloadNonce {
    /// A new nonce.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn generate(random: &dyn Random) -> Result<Self, NoRandom> {
        random.bytes16().map(Self)
    }
}

/// What went through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PayloadSummary {
    /// Bytes of plaintext.
    pub plain_len: u64,
    /// Bytes of payload: nonce and all chunks.
    pub payload_len: u64,
}

/// How long the payload of a plaintext is, nonce included; `None` beyond 2^64.
pub fn payload_len(plain_len: u64) -> Option<u64> {
    let chunks = plain_len.div_ceil(CHUNK_LEN as u64).max(1);
    plain_len.checked_add(chunks * AEAD_TAG_LEN as u64)?.checked_add(NONCE_LEN as u64)
}

/// How long the plaintext of a payload is, or `None` when no payload has that length.
pub fn plain_len(payload_len: u64) -> Option<u64> {
    let chunks = payload_len.checked_sub(NONCE_LEN as u64)?;
    let count = chunks.div_ceil(SEALED_CHUNK_LEN as u64).max(1);
    let plain = chunks.checked_sub(count * AEAD_TAG_LEN as u64)?;
    (self::payload_len(plain) == Some(payload_len)).then_some(plain)
}

/// One payload's key, and its chunks' nonces: an 11-byte big-endian counter and a byte that marks the last.
pub(super) struct Stream(AeadKey);

impl Stream {
    pub(super) fn new(file_key: &FileKey, nonce: &PayloadNonce) -> Self {
        Self(AeadKey::new(file_key.derive(&nonce.0, b"payload").expose()))
    }

    fn nonce(index: u64, last: bool) -> [u8; 12] {
        let [a, b, c, d, e, f, g, h] = index.to_be_bytes();
        [0, 0, 0, a, b, c, d, e, f, g, h, u8::from(last)]
    }

    /// Encrypts `buffer[..len]` in place and puts the tag behind it; gives the sealed chunk.
    pub(super) fn seal<'b>(
        &self,
        index: u64,
        last: bool,
        buffer: &'b mut [u8],
        len: usize,
    ) -> Option<&'b [u8]> {
        let tag = self.0.seal_detached(Self::nonce(index, last), buffer.get_mut(..len)?)?;
        let end = len + AEAD_TAG_LEN;
        buffer.get_mut(len..end)?.copy_from_slice(&tag);
        buffer.get(..end)
    }

    /// Decrypts the sealed chunk of `len` bytes that stands in `slot` behind the place for its plaintext.
    /// The ciphertext stays as it is, so a chunk that is not the one may be tried as the other.
    pub(super) fn open<'b>(
        &self,
        index: u64,
        last: bool,
        slot: &'b mut [u8],
        len: usize,
    ) -> Option<&'b [u8]> {
        let filled = slot.get_mut(..CHUNK_LEN + len)?;
        let plain = self.0.open_within(Self::nonce(index, last), filled, CHUNK_LEN)?;
        slot.get(..plain)
    }
}

/// Room for chunks, of which only what held plaintext is wiped: most documents are far smaller than a chunk, and wiping all of
/// it, and the pages that only that would touch, took longer than encrypting them.
struct Workspace {
    bytes: Vec<u8>,
    used: usize,
}

impl Workspace {
    fn new(len: usize) -> Self {
        Self { bytes: vec![0; len], used: 0 }
    }

    /// Plaintext stands, or stood, in the first `len` bytes.
    fn holds(&mut self, len: usize) {
        self.used = self.used.max(len);
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        self.bytes.get_mut(..self.used).unwrap_or_default().zeroize();
    }
}

/// Encrypts everything that `source` gives and writes nonce and chunks to `sink`.
///
/// `nonce` must be fresh for this file key. The sink is not flushed.
///
/// # Errors
/// [`Error::Read`] from the source, [`Error::Write`] from the sink.
pub fn encrypt(
    file_key: &FileKey,
    nonce: &PayloadNonce,
    source: &mut dyn Read,
    sink: &mut dyn Write,
) -> Result<PayloadSummary, Error> {
    let stream = Stream::new(file_key, nonce);
    sink.write_all(&nonce.0).map_err(Error::Write)?;
    let mut summary = PayloadSummary { plain_len: 0, payload_len: NONCE_LEN as u64 };
    let mut room = Workspace::new(SEALED_CHUNK_LEN);
    // Only the byte after a full chunk tells whether it was the last; that byte begins the next one.
    let mut carried = 0;
    for index in 0.. {
        let space = room.bytes.get_mut(carried..CHUNK_LEN + 1).unwrap_or_default();
        let read = read_full(source, space);
        // Reading that failed half-way does not say how much it read.
        room.holds(read.as_ref().map_or(CHUNK_LEN + 1, |got| carried + got));
        let filled = carried + read?;
        let next = room.bytes.get(CHUNK_LEN).copied().filter(|_| filled > CHUNK_LEN);
        let len = filled.min(CHUNK_LEN);
        let sealed = stream.seal(index, next.is_none(), &mut room.bytes, len);
        // ring refuses only what is longer than a chunk can be.
        let sealed = sealed.ok_or(PayloadError::Chunk(index))?;
        sink.write_all(sealed).map_err(Error::Write)?;
        summary.plain_len += len as u64;
        summary.payload_len += sealed.len() as u64;
        match (next, room.bytes.first_mut()) {
            (Some(byte), Some(first)) => *first = byte,
            _ => break,
        }
        carried = 1;
    }
    Ok(summary)
}

/// Reads the nonce with which a payload begins.
///
/// # Errors
/// [`Error::Header`] when the source ends before it, as the format's vectors count it; [`Error::Read`].
pub fn read_nonce(source: &mut dyn Read) -> Result<PayloadNonce, Error> {
    let mut nonce = [0; NONCE_LEN];
    if read_full(source, &mut nonce)? < NONCE_LEN {
        return Err(HeaderError::Truncated.into());
    }
    Ok(PayloadNonce(nonce))
}

/// Decrypts the chunks that follow the nonce, to the end of `source`.
///
/// Every chunk is verified before it is written, but only `Ok` says that they are all: after an error
/// the sink may hold the beginning of the plaintext, which must not be taken for the whole.
///
/// # Errors
/// [`Error::Payload`]; [`Error::Read`] (or [`Error::Armor`]) from the source, [`Error::Write`] from the sink.
pub fn decrypt(
    file_key: &FileKey,
    nonce: &PayloadNonce,
    source: &mut dyn Read,
    sink: &mut dyn Write,
) -> Result<PayloadSummary, Error> {
    let stream = Stream::new(file_key, nonce);
    let mut summary = PayloadSummary { plain_len: 0, payload_len: NONCE_LEN as u64 };
    let mut room = Workspace::new(CHUNK_LEN + SEALED_CHUNK_LEN);
    for index in 0.. {
        let len = read_full(source, room.bytes.get_mut(CHUNK_LEN..).unwrap_or_default())?;
        room.holds(len);
        if len == 0 {
            return Err(PayloadError::NoLastChunk.into());
        }
        summary.payload_len += len as u64;
        if len == SEALED_CHUNK_LEN
            && let Some(plain) = stream.open(index, false, &mut room.bytes, len)
        {
            sink.write_all(plain).map_err(Error::Write)?;
            summary.plain_len += plain.len() as u64;
            continue;
        }
        let plain = stream.open(index, true, &mut room.bytes, len).ok_or(PayloadError::Chunk(index))?;
        if plain.is_empty() && index > 0 {
            return Err(PayloadError::EmptyLastChunk.into());
        }
        sink.write_all(plain).map_err(Error::Write)?;
        summary.plain_len += plain.len() as u64;
        break;
    }
    match read_some(source, &mut [0])? {
        0 => Ok(summary),
        _ => Err(PayloadError::TrailingData.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use proptest::prelude::*;

    use super::*;

    const CHUNK: usize = SEALED_CHUNK_LEN;

    fn key() -> FileKey {
        FileKey::new([3; 16])
    }

    fn plain(len: usize) -> Vec<u8> {
        (0..len).map(|index| (index % 251) as u8).collect()
    }

    /// The chunks alone, without the nonce.
    fn seal(plaintext: &[u8]) -> Vec<u8> {
        let mut out = Vec::new();
        let summary = encrypt(&key(), &PayloadNonce([4; 16]), &mut &*plaintext, &mut out).unwrap();
        assert_eq!(summary.plain_len, plaintext.len() as u64);
        assert_eq!(summary.payload_len, out.len() as u64);
        assert_eq!(payload_len(summary.plain_len), Some(summary.payload_len));
        out.split_off(NONCE_LEN)
    }

    fn open(mut chunks: &[u8]) -> (Result<PayloadSummary, Error>, Vec<u8>) {
        let mut out = Vec::new();
        (decrypt(&key(), &PayloadNonce([4; 16]), &mut chunks, &mut out), out)
    }

    fn refused(chunks: &[u8]) -> (PayloadError, usize) {
        match open(chunks) {
            (Err(Error::Payload(error)), out) => {
                assert_eq!(out, plain(out.len()), "only verified plaintext comes out");
                (error, out.len())
            }
            (other, _) => panic!("{other:?}"),
        }
    }

    #[test]
    fn lengths_around_the_chunk_borders_come_back() {
        for chunks in 0..4 {
            for len in [chunks * CHUNK_LEN, chunks * CHUNK_LEN + 1, (chunks * CHUNK_LEN).saturating_sub(1)] {
                let sealed = seal(&plain(len));
                let (summary, out) = open(&sealed);
                assert_eq!(out, plain(len));
                let payload = sealed.len() + NONCE_LEN;
                let expected = PayloadSummary { plain_len: len as u64, payload_len: payload as u64 };
                assert_eq!(summary.unwrap(), expected);
                assert_eq!(plain_len(payload as u64), Some(len as u64));
            }
        }
    }

    #[test]
    fn lengths_that_no_payload_has_are_known() {
        for payload in [0, 15, 16, 31, 16 + CHUNK as u64 + 1, 16 + CHUNK as u64 + 16] {
            assert_eq!(plain_len(payload), None, "{payload}");
        }
        assert_eq!(plain_len(32), Some(0));
        assert_eq!(plain_len(16 + CHUNK as u64 + 17), Some(CHUNK_LEN as u64 + 1));
        assert_eq!(payload_len(u64::MAX), None);
    }

    #[test]
    fn a_small_payload_is_refused_cut_at_every_byte_and_flipped_in_every_bit() {
        let sealed = seal(&plain(50));
        assert_eq!(refused(&[]), (PayloadError::NoLastChunk, 0));
        for len in 1..sealed.len() {
            assert_eq!(refused(&sealed[..len]), (PayloadError::Chunk(0), 0), "{len}");
        }
        for bit in 0..sealed.len() * 8 {
            let mut changed = sealed.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(refused(&changed), (PayloadError::Chunk(0), 0), "{bit}");
        }
    }

    #[test]
    fn three_chunks_are_refused_cut_around_every_border() {
        for last in [100, CHUNK_LEN] {
            let sealed = seal(&plain(2 * CHUNK_LEN + last));
            for (border, whole) in [(CHUNK, 1), (2 * CHUNK, 2)] {
                assert_eq!(refused(&sealed[..border]), (PayloadError::NoLastChunk, whole * CHUNK_LEN));
                for offset in [1, 15, 16, 17] {
                    let before = (PayloadError::Chunk(whole as u64 - 1), (whole - 1) * CHUNK_LEN);
                    assert_eq!(refused(&sealed[..border - offset]), before);
                    let after = (PayloadError::Chunk(whole as u64), whole * CHUNK_LEN);
                    assert_eq!(refused(&sealed[..border + offset]), after);
                }
            }
            let cut = refused(&sealed[..sealed.len() - 1]);
            assert_eq!(cut, (PayloadError::Chunk(2), 2 * CHUNK_LEN));
        }
    }

    #[test]
    fn a_flipped_bit_in_every_region_of_three_chunks_is_refused() {
        let sealed = seal(&plain(2 * CHUNK_LEN + 100));
        for chunk in 0..3 {
            let end = ((chunk + 1) * CHUNK).min(sealed.len());
            for at in [chunk * CHUNK, chunk * CHUNK + 50, end - 17, end - 16, end - 1] {
                let mut changed = sealed.clone();
                changed[at] ^= 0x10;
                assert_eq!(refused(&changed), (PayloadError::Chunk(chunk as u64), chunk * CHUNK_LEN));
            }
        }
    }

    #[test]
    fn chunks_swapped_doubled_dropped_or_added_are_refused() {
        let sealed = seal(&plain(2 * CHUNK_LEN + 100));
        let (a, b, c) = (&sealed[..CHUNK], &sealed[CHUNK..2 * CHUNK], &sealed[2 * CHUNK..]);
        assert_eq!(refused(&[b, a, c].concat()), (PayloadError::Chunk(0), 0));
        assert_eq!(refused(&[a, c, b].concat()), (PayloadError::Chunk(1), CHUNK_LEN));
        assert_eq!(refused(&[a, a, b, c].concat()), (PayloadError::Chunk(1), CHUNK_LEN));
        assert_eq!(refused(&[a, b, b, c].concat()), (PayloadError::Chunk(2), 2 * CHUNK_LEN));
        assert_eq!(refused(&[b, c].concat()), (PayloadError::Chunk(0), 0));
        assert_eq!(refused(&[a, c].concat()), (PayloadError::Chunk(1), CHUNK_LEN));
        assert_eq!(refused(&[a, b].concat()), (PayloadError::NoLastChunk, 2 * CHUNK_LEN));
        assert_eq!(refused(&[a, b, c, &[0]].concat()), (PayloadError::Chunk(2), 2 * CHUNK_LEN));
        assert_eq!(refused(&[a, b, c, c].concat()), (PayloadError::Chunk(2), 2 * CHUNK_LEN));
    }

    #[test]
    fn nothing_may_follow_a_full_last_chunk() {
        let sealed = seal(&plain(2 * CHUNK_LEN));
        for added in [1, 16, 17, CHUNK, CHUNK + 1] {
            let joined = [sealed.as_slice(), &vec![0; added]].concat();
            assert_eq!(refused(&joined), (PayloadError::TrailingData, 2 * CHUNK_LEN), "{added}");
        }
        let twice = [sealed.as_slice(), &sealed].concat();
        assert_eq!(refused(&twice), (PayloadError::TrailingData, 2 * CHUNK_LEN));
    }

    #[test]
    fn an_empty_last_chunk_is_only_for_an_empty_payload() {
        let stream = Stream::new(&key(), &PayloadNonce([4; 16]));
        let mut first = plain(CHUNK_LEN);
        first.resize(CHUNK, 0);
        let mut sealed = stream.seal(0, false, &mut first, CHUNK_LEN).unwrap().to_vec();
        let mut empty = [0; AEAD_TAG_LEN];
        sealed.extend_from_slice(stream.seal(1, true, &mut empty, 0).unwrap());
        assert_eq!(refused(&sealed), (PayloadError::EmptyLastChunk, CHUNK_LEN));
        let mut empty = [0; AEAD_TAG_LEN];
        assert!(open(stream.seal(0, true, &mut empty, 0).unwrap()).0.is_ok());
    }

    #[test]
    fn a_chunk_counter_is_big_endian_in_eleven_bytes() {
        assert_eq!(Stream::nonce(0x0102, false), [0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 2, 0]);
        assert_eq!(Stream::nonce(u64::MAX, true)[..4], [0, 0, 0, 255]);
        assert_eq!(Stream::nonce(0, true)[11], 1);
    }

    #[test]
    fn errors_of_source_and_sink_are_told_apart() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("source"))
            }
        }
        impl Write for Broken {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                Err(io::Error::other("sink"))
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let nonce = PayloadNonce([4; 16]);
        let sealed = seal(b"x");
        let mut out = Vec::new();
        assert!(matches!(encrypt(&key(), &nonce, &mut Broken, &mut out), Err(Error::Read(_))));
        assert!(matches!(encrypt(&key(), &nonce, &mut &b"x"[..], &mut Broken), Err(Error::Write(_))));
        assert!(matches!(decrypt(&key(), &nonce, &mut Broken, &mut out), Err(Error::Read(_))));
        assert!(matches!(decrypt(&key(), &nonce, &mut &*sealed, &mut Broken), Err(Error::Write(_))));
        let nonce = read_nonce(&mut &[1; 15][..]);
        assert!(matches!(nonce, Err(Error::Header(HeaderError::Truncated))));
    }

    /// Gives bytes in pieces of the lengths that it is told.
    struct Pieces<'a>(&'a [u8], Vec<usize>);

    impl Read for Pieces<'_> {
        fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
            let limit = self.1.pop().unwrap_or(usize::MAX).min(out.len());
            self.0.read(&mut out[..limit])
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(32))]
        #[test]
        fn any_length_in_any_pieces_comes_back(
            len in 0_usize..3 * CHUNK_LEN,
            pieces in proptest::collection::vec(1_usize..40_000, 0..20),
        ) {
            let (plaintext, nonce) = (plain(len), PayloadNonce([4; 16]));
            let mut sealed = Vec::new();
            encrypt(&key(), &nonce, &mut Pieces(&plaintext, pieces.clone()), &mut sealed).unwrap();
            prop_assert_eq!(&sealed[NONCE_LEN..], seal(&plaintext));
            let mut out = Vec::new();
            decrypt(&key(), &nonce, &mut Pieces(&sealed[NONCE_LEN..], pieces), &mut out).unwrap();
            prop_assert_eq!(out, plaintext);
        }
    }
}
