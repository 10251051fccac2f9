use age_core::format::Stanza;

use super::error::HeaderError;
use super::header::{
    BODY_COLUMNS, MAX_ARGS, MAX_STANZAS, STANZA_PREFIX, VERSION_LINE, check_stanzas, is_word,
};
use crate::encoding::unbase64_unpadded;

const BODY_LINE_BYTES: usize = 48;

/// The stanzas of a header and its MAC.
type Parts = (Vec<Stanza>, [u8; 32]);

/// Takes a header line by line.
#[derive(Default)]
pub(super) struct LineParser {
    stanzas: Vec<Stanza>,
    args: usize,
    at: At,
}

#[derive(Default)]
enum At {
    #[default]
    Version,
    Stanza,
    Body,
}

impl LineParser {
    /// Takes the next line, without its line end; gives the parts of the header after the last one.
    pub(super) fn line(&mut self, line: &[u8]) -> Result<Option<Parts>, HeaderError> {
        match self.at {
            At::Version if line == VERSION_LINE.trim_end().as_bytes() => self.at = At::Stanza,
            At::Version => return Err(HeaderError::Version),
            At::Stanza => match line.strip_prefix(STANZA_PREFIX.as_bytes()) {
                Some(words) => self.first_line(words)?,
                None => return self.mac_line(line).map(Some),
            },
            At::Body => self.body_line(line)?,
        }
        Ok(None)
    }

    /// Gives up early on a line that can no longer end well.
    pub(super) fn unfinished_line(&self, line: &[u8]) -> Result<(), HeaderError> {
        match self.at {
            At::Version if !VERSION_LINE.as_bytes().starts_with(line) => Err(HeaderError::Version),
            At::Body if line.len() > BODY_COLUMNS => Err(HeaderError::Body),
            _ => Ok(()),
        }
    }

    fn first_line(&mut self, words: &[u8]) -> Result<(), HeaderError> {
        if self.stanzas.len() == MAX_STANZAS {
            return Err(HeaderError::TooManyStanzas);
        }
        let mut args = Vec::new();
        for word in words.split(|byte| *byte == b' ') {
            self.args += 1;
            if self.args > MAX_ARGS {
                return Err(HeaderError::TooManyArgs);
            }
            match std::str::from_utf8(word) {
                Ok(text) if is_word(word) => args.push(text.to_owned()),
                _ => return Err(HeaderError::Argument),
            }
        }
        // Splitting always gives one word or more.
        let tag = args.remove(0);
        self.stanzas.push(Stanza { tag, args, body: Vec::new() });
        self.at = At::Body;
        Ok(())
    }

    fn body_line(&mut self, line: &[u8]) -> Result<(), HeaderError> {
        let text = std::str::from_utf8(line).map_err(|_| HeaderError::Body)?;
        let bytes = unbase64_unpadded(text).ok_or(HeaderError::Body)?;
        if bytes.len() > BODY_LINE_BYTES {
            return Err(HeaderError::Body);
        }
        if bytes.len() < BODY_LINE_BYTES {
            self.at = At::Stanza;
        }
        if let Some(stanza) = self.stanzas.last_mut() {
            stanza.body.extend_from_slice(&bytes);
        }
        Ok(())
    }

    fn mac_line(&mut self, line: &[u8]) -> Result<Parts, HeaderError> {
        let text = line.strip_prefix(b"---").ok_or(HeaderError::Line)?;
        let text = text.strip_prefix(b" ").and_then(|text| std::str::from_utf8(text).ok());
        let mac = text.and_then(unbase64_unpadded).and_then(|mac| mac.try_into().ok());
        let mac = mac.ok_or(HeaderError::MacLine)?;
        check_stanzas(&self.stanzas)?;
        Ok((std::mem::take(&mut self.stanzas), mac))
    }
}
