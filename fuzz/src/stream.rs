use std::sync::LazyLock;

use gapvault::agefile::{
    CHUNK_LEN, Error, NONCE_LEN, PayloadNonce, PayloadSummary, decrypt, decrypt_with, encrypt, payload_len,
    plain_len, read_nonce, seal_header,
};

use crate::cut::Cut;
use crate::fixed::{self, file_key};
use crate::peer;

const SEALED_CHUNK_LEN: usize = CHUNK_LEN + 16;
/// Two groups of the engine and some chunks.
const MOST_CHUNKS: usize = 18;

/// Payloads: arbitrary bytes after a nonce, or a sound payload after some edits. One thread and several say
/// and release the same, and so does the `age` crate; an edited payload is whole only when the edits left it
/// as it was, and what it releases is the beginning of the plaintext.
pub fn stream(data: &[u8]) {
    let mut cut = Cut::new(data);
    let kind = cut.byte();
    if kind & 1 == 0 {
        opens_alike(cut.rest());
        return;
    }
    let plaintext = plaintext(&mut cut);
    let mut sound = Vec::new();
    let nonce = PayloadNonce([cut.byte(); NONCE_LEN]);
    let summary = encrypt(&file_key(), &nonce, &mut &*plaintext, &mut sound).expect("memory takes it");
    assert_eq!(summary.plain_len, plaintext.len() as u64);
    assert_eq!(payload_len(summary.plain_len), Some(sound.len() as u64));
    assert_eq!(plain_len(sound.len() as u64), Some(summary.plain_len));
    let mut edited = sound.clone();
    for _ in 0..8 {
        if cut.is_empty() {
            break;
        }
        edit(&mut edited, &mut cut);
    }
    let (whole, released) = opens_alike(&edited);
    assert_eq!(whole, edited == sound, "whole means unchanged, and changed means refused");
    assert!(plaintext.starts_with(&released));
    assert!(!whole || released == plaintext);
}

/// So many chunks, and some bytes more or less; the bytes count up, so that no chunk is like another.
fn plaintext(cut: &mut Cut<'_>) -> Vec<u8> {
    let chunks = usize::from(cut.byte()) % MOST_CHUNKS;
    let few = usize::from(cut.byte());
    let len = match cut.byte() % 3 {
        0 => chunks * CHUNK_LEN,
        1 => chunks * CHUNK_LEN + few,
        _ => (chunks * CHUNK_LEN).saturating_sub(few),
    };
    (0..len).map(|index| (index.wrapping_mul(0x9e37_79b1) >> 13) as u8).collect()
}

/// A place that is near a border of chunks more often than chance has it.
fn place(cut: &mut Cut<'_>, len: usize) -> usize {
    let chunk = usize::from(cut.byte()) % (MOST_CHUNKS + 2);
    let offset = cut.short();
    let border = NONCE_LEN + chunk * SEALED_CHUNK_LEN;
    let place = if offset & 1 == 0 { border + offset } else { (border + 32).saturating_sub(offset % 64) };
    place.min(len)
}

fn edit(payload: &mut Vec<u8>, cut: &mut Cut<'_>) {
    let kind = cut.byte();
    let at = place(cut, payload.len());
    let chunk = |index: usize| {
        let from = NONCE_LEN + index * SEALED_CHUNK_LEN;
        from.min(payload.len())..(from + SEALED_CHUNK_LEN).min(payload.len())
    };
    let (one, other) = (usize::from(cut.byte()) % MOST_CHUNKS, usize::from(cut.byte()) % MOST_CHUNKS);
    match kind % 7 {
        0 => {
            if let Some(byte) = payload.get_mut(at) {
                *byte ^= 1 << (one % 8);
            }
        }
        1 => payload.truncate(at),
        2 => payload.insert(at, other as u8),
        3 => {
            let to = (at + one * 16 + 1).min(payload.len());
            payload.drain(at..to);
        }
        4 => {
            let copied = payload[chunk(one)].to_vec();
            let at = chunk(other).start;
            payload.splice(at..at, copied);
        }
        5 => {
            let (low, high) = (one.min(other), one.max(other));
            let (first, second) = (payload[chunk(low)].to_vec(), payload[chunk(high)].to_vec());
            let (first_at, second_at) = (chunk(low), chunk(high));
            if low != high {
                payload.splice(second_at, first);
                payload.splice(first_at, second);
            }
        }
        _ => {
            let len = cut.short() % 300;
            payload.extend_from_slice(cut.bytes(len));
        }
    }
}

/// The header that stands before every payload here.
static HEADER: LazyLock<Vec<u8>> =
    LazyLock::new(|| seal_header(&file_key(), &[fixed::genuine_stanza()]).expect("it is sound"));

/// Opens a payload in every way there is; gives what all of them say and release.
fn opens_alike(payload: &[u8]) -> (bool, Vec<u8>) {
    let (whole, released) = opens_ours(payload);
    let file = [HEADER.as_slice(), payload].concat();
    let (theirs_whole, theirs) = peer::open(&file, &fixed::peers_identity());
    assert_eq!(whole, theirs_whole, "one of us calls it whole");
    assert!(released == theirs, "we release {} bytes, age {}", released.len(), theirs.len());
    (whole, released)
}

fn opens_ours(payload: &[u8]) -> (bool, Vec<u8>) {
    let mut source = payload;
    let Ok(nonce) = read_nonce(&mut source) else {
        assert!(payload.len() < NONCE_LEN);
        return (false, Vec::new());
    };
    let mut released = Vec::new();
    let said = decrypt(&file_key(), &nonce, &mut &*source, &mut released);
    // All numbers of threads for what is quickly done, one of them for the rest.
    let (least, most) = if payload.len() < 2 * CHUNK_LEN { (1, 3) } else { (2, 2 + payload.len() % 2) };
    for threads in least..=most {
        let (mut seen, mut again) = (Vec::new(), Vec::new());
        let mut tap = |bytes: &[u8]| seen.extend_from_slice(bytes);
        let (key, mut from) = (file_key(), source);
        let told = decrypt_with(threads, (&key, &nonce), &mut from, &mut tap, &mut again);
        assert_eq!(in_words(&told), in_words(&said), "{threads} threads");
        assert!(again == released, "{threads} threads release {} bytes, not {}", again.len(), released.len());
        assert!(source.starts_with(&seen));
        assert!(said.is_err() || seen == source);
    }
    if let Ok(summary) = &said {
        assert_eq!(summary.plain_len, released.len() as u64);
        assert_eq!(summary.payload_len, payload.len() as u64);
        // There is one spelling of a payload.
        let mut sealed = Vec::new();
        encrypt(&file_key(), &nonce, &mut &*released, &mut sealed).expect("memory takes it");
        assert!(sealed == payload);
    }
    (said.is_ok(), released)
}

fn in_words(said: &Result<PayloadSummary, Error>) -> String {
    match said {
        Ok(summary) => format!("{summary:?}"),
        Err(Error::Payload(error)) => format!("{error:?}"),
        Err(other) => panic!("not an error of a payload in memory: {other:?}"),
    }
}
