use std::io::Read;

use gapvault::agefile::{
    Error, HeaderError, MAC_LINE_LEN, MAX_ARGS, MAX_HEADER_LEN, MAX_STANZAS, Stanza, UnverifiedHeader,
    Unwrap, seal_header,
};

use crate::fixed::{self, copy, file_key};
use crate::peer::{self, Knows};

/// Headers: whatever parses prints back, is within the limits, is read the same in any pieces and no further
/// than a buffer past its end, and is what the `age` crate finds there.
pub fn header(data: &[u8]) {
    let parsed = outcome(UnverifiedHeader::parse(data));
    for step in [1, 7, usize::MAX] {
        let mut source = Pieces { data, step, given: 0 };
        let (read, rest) = match UnverifiedHeader::read(&mut source) {
            Ok((read, rest)) => (Ok(read), Some(rest)),
            Err(error) => (Err(error), None),
        };
        let read = outcome(read);
        assert_eq!(read.as_ref().err(), parsed.as_ref().err());
        if let (Ok(read), Ok(parsed), Some(mut rest)) = (read, &parsed, rest) {
            assert_eq!(read.as_bytes(), parsed.as_bytes());
            let mut follows = vec![0; data.len() - read.len()];
            rest.read_exact(&mut follows).expect("all of it is there");
            assert_eq!(follows, &data[read.len()..]);
        }
    }
    if let Ok(parsed) = &parsed {
        prints_back(parsed, data);
        stops_in_time(parsed, data);
    }
    if data.len() <= peer::LONGEST {
        is_what_age_finds(data, parsed.as_ref().map_err(|error| *error));
        if let Ok(parsed) = &parsed {
            opens_as_with_age(parsed.stanzas());
        }
    }
}

fn outcome(result: Result<UnverifiedHeader, Error>) -> Result<UnverifiedHeader, HeaderError> {
    result.map_err(|error| match error {
        Error::Header(error) => error,
        other => panic!("not an error of a header in memory: {other:?}"),
    })
}

/// Gives so many bytes at a time, and marks behind the data for ever.
struct Pieces<'a> {
    data: &'a [u8],
    step: usize,
    given: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        let left = self.data.get(self.given..).unwrap_or_default();
        let got = left.len().min(self.step).min(out.len());
        out[..got].copy_from_slice(&left[..got]);
        self.given += got;
        Ok(got)
    }
}

fn prints_back(parsed: &UnverifiedHeader, data: &[u8]) {
    assert_eq!(parsed.as_bytes(), &data[..parsed.len()]);
    assert_eq!(parsed.print(), parsed.as_bytes());
    assert!(parsed.len() <= MAX_HEADER_LEN);
    assert!((1..=MAX_STANZAS).contains(&parsed.stanzas().len()));
    assert!(parsed.stanzas().iter().map(|stanza| 1 + stanza.args.len()).sum::<usize>() <= MAX_ARGS);
    let malformed = parsed.stanzas().iter().any(peer::is_malformed);
    match seal_header(&file_key(), parsed.stanzas()) {
        Ok(sealed) => {
            assert!(!malformed, "a malformed stanza was written");
            let body = parsed.len() - MAC_LINE_LEN;
            assert_eq!(sealed.len(), parsed.len());
            assert_eq!(sealed[..body], parsed.as_bytes()[..body]);
        }
        Err(Error::Header(HeaderError::Recipient)) => assert!(malformed, "a sound stanza was not written"),
        Err(other) => panic!("what was read is not written: {other:?}"),
    }
}

/// What follows a header may be a terabyte, or a pipe that waits.
fn stops_in_time(parsed: &UnverifiedHeader, data: &[u8]) {
    const BUFFER: usize = 4096;
    let long = [data, &[0xff; 2 * BUFFER]].concat();
    for (step, ahead) in [(1, 0), (usize::MAX, BUFFER)] {
        let mut source = Pieces { data: &long, step, given: 0 };
        UnverifiedHeader::read(&mut source).expect("it was read before");
        assert!(
            source.given <= parsed.len() + ahead,
            "{} bytes for a header of {}",
            source.given,
            parsed.len()
        );
    }
}

fn is_what_age_finds(data: &[u8], ours: Result<&UnverifiedHeader, HeaderError>) {
    match (ours, peer::stanzas(data)) {
        (Ok(ours), Some(theirs)) => assert_eq!(ours.stanzas(), theirs),
        (Err(_), None) => {}
        (Ok(_), None) => panic!("age refuses what we take"),
        (Err(error), Some(theirs)) => {
            let modern = peer::modern(data).and_then(|modern| UnverifiedHeader::parse(&modern).ok());
            let modern = modern.unwrap_or_else(|| panic!("age takes what we refuse: {error:?}"));
            assert_eq!(modern.stanzas(), theirs);
        }
    }
}

/// With a right MAC, and once with a stanza that the fixed identity opens: both open it, or both do not.
fn opens_as_with_age(found: &[Stanza]) {
    let malformed = found.iter().any(peer::is_malformed);
    let sealed = peer::seal(&file_key(), found);
    agree(&sealed, (&Knows::default(), &Knows::default()), malformed);

    if found.iter().any(|stanza| stanza.tag == "scrypt") {
        return;
    }
    let mut stanzas: Vec<Stanza> = found.iter().map(copy).collect();
    let place = found.iter().map(|stanza| stanza.body.len()).sum::<usize>() % (found.len() + 1);
    stanzas.insert(place, fixed::genuine_stanza());
    let mut sealed = peer::seal(&file_key(), &stanzas);
    agree(&sealed, (&fixed::identity(), &fixed::peers_identity()), malformed);
    // The same with a wrong MAC: base64 for another 32 bytes.
    let end = sealed.len() - 4;
    sealed[end] = if sealed[end] == b'A' { b'B' } else { b'A' };
    let header = UnverifiedHeader::parse(&sealed).expect("only the MAC is another one");
    let error = header.unlock(&[&fixed::identity()]).expect_err("the MAC is wrong");
    let expected = if malformed {
        matches!(error, Error::Header(HeaderError::Recipient))
    } else {
        matches!(error, Error::Mac)
    };
    assert!(expected, "{error:?}");
}

fn agree(header: &[u8], (our_key, their_key): (&dyn Unwrap, &dyn Unwrap), malformed: bool) {
    let ours = UnverifiedHeader::parse(header).and_then(|parsed| parsed.unlock(&[our_key]));
    match (ours, peer::unlock(header, their_key)) {
        (Ok(key), Ok(())) => assert_eq!(key.expose(), &fixed::FILE_KEY),
        (Err(Error::Header(HeaderError::Recipient)), _) if malformed => {}
        (Err(Error::NoMatch), Err(age::DecryptError::NoMatchingKeys)) => {}
        (ours, theirs) => panic!("we say {ours:?}, age says {theirs:?}"),
    }
}
