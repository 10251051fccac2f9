use super::error::Error;
use super::meta::SealedMeta;
use crate::agefile::{
    FileKey, HeaderError, MAC_LINE_LEN, MAX_HEADER_LEN, Stanza, UnverifiedHeader, VERSION_LINE, Wrap,
    seal_header, stanza_len, wrap,
};

/// A document's header is a multiple of this many bytes long.
pub const HEADER_BLOCK: usize = 4096;

const PAD_TAG: &str = "gapvault.pad";
/// What the pad's argument is made of.
const PAD_FILL: &str = "0";

/// The header of a document: the file key for each recipient, the metadata, and a pad up to at least
/// `at_least` bytes.
pub(super) fn build(
    file_key: &FileKey,
    recipients: &[&dyn Wrap],
    meta: &SealedMeta,
    at_least: usize,
) -> Result<Vec<u8>, Error> {
    let mut stanzas = wrap(file_key, recipients)?;
    stanzas.push(meta.to_stanza());
    let stanzas_len: usize = stanzas.iter().map(stanza_len).sum();
    let pad = pad_to(VERSION_LINE.len() + stanzas_len + MAC_LINE_LEN, at_least);
    stanzas.push(pad.ok_or(crate::agefile::Error::Header(HeaderError::TooLong))?);
    Ok(seal_header(file_key, &stanzas)?)
}

/// The pad that takes a header of `len` bytes to the next multiple of a block, not under `at_least`.
///
/// The argument takes up the slack: a base64 body cannot have every length.
fn pad_to(len: usize, at_least: usize) -> Option<Stanza> {
    let fixed = len + stanza_len(&pad(0));
    let total = (fixed + 1).max(at_least).next_multiple_of(HEADER_BLOCK);
    (total <= MAX_HEADER_LEN).then(|| pad(total - fixed))
}

fn pad(len: usize) -> Stanza {
    Stanza { tag: PAD_TAG.to_owned(), args: vec![PAD_FILL.repeat(len)], body: Vec::new() }
}

/// The metadata of a header that has the shape of a document's: recipients, metadata, pad, and no more.
pub(super) fn shape(header: &UnverifiedHeader) -> Option<SealedMeta> {
    let [recipients @ .., meta, last] = header.stanzas() else { return None };
    let ours = |stanza: &Stanza| stanza.tag.starts_with("gapvault.");
    let [fill] = last.args.as_slice() else { return None };
    let padded = *last == pad(fill.len()) && header.len().is_multiple_of(HEADER_BLOCK);
    let fits = padded && !recipients.is_empty() && !recipients.iter().any(ours);
    SealedMeta::from_stanza(meta).filter(|_| fits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_is_padded_to_a_block_and_to_no_more_than_it_needs() {
        for len in 1..=2 * HEADER_BLOCK {
            let pad = pad_to(len, 0).unwrap();
            let total = len + stanza_len(&pad);
            assert!(total.is_multiple_of(HEADER_BLOCK), "{len}");
            assert!((1..=HEADER_BLOCK).contains(&pad.args[0].len()), "{len}");
            assert_eq!(len + stanza_len(&pad_to(len, total).unwrap()), total);
            assert_eq!(len + stanza_len(&pad_to(len, total + 1).unwrap()), total + HEADER_BLOCK);
        }
    }

    #[test]
    fn a_pad_stays_within_the_longest_header() {
        let most = MAX_HEADER_LEN - stanza_len(&pad(1));
        assert_eq!(most + stanza_len(&pad_to(most, 0).unwrap()), MAX_HEADER_LEN);
        assert!(pad_to(most + 1, 0).is_none());
        assert!(pad_to(100, MAX_HEADER_LEN).is_some());
        assert!(pad_to(100, MAX_HEADER_LEN + 1).is_none());
    }
}
