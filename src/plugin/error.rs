use std::io;
use std::path::PathBuf;

use super::Name;

/// Why a plugin did not do its part. None of these holds a secret of ours; what a plugin said is cut and made one line.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// No program of this name in any of the folders.
    #[error("age-plugin-{0} was not found")]
    NotFound(Name),
    /// Others may write to the program or into its folder.
    #[error("others may change {path:?}")]
    Unsafe {
        /// The program or its folder.
        path: PathBuf,
    },
    /// The program could not be started.
    #[error("age-plugin-{name} could not be started")]
    Start {
        /// Which.
        name: Name,
        /// What the operating system said.
        source: io::Error,
    },
    /// It did not answer in time, and was ended.
    #[error("age-plugin-{0} did not answer in time")]
    TimedOut(Name),
    /// It ended in the middle of the conversation.
    #[error("age-plugin-{0} ended before it was done")]
    Ended(Name),
    /// It said something that the protocol does not know, and was ended.
    #[error("age-plugin-{name} broke the protocol: {what}")]
    Protocol {
        /// Which.
        name: Name,
        /// What was wrong with it.
        what: &'static str,
    },
    /// It did its part of the conversation, and reported that it could not do what was asked.
    #[error("age-plugin-{name}: {message}")]
    Said {
        /// Which.
        name: Name,
        /// Its own words, as one short line.
        message: String,
    },
}

/// The most of a plugin's own words that an error repeats, in characters.
const MAX_WORDS: usize = 300;

/// A plugin's own words as one line without control characters.
pub(super) fn one_line(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(" ").chars().take(MAX_WORDS).collect()
}

/// As the traits of age want it.
pub(super) fn to_io(error: Error) -> io::Error {
    io::Error::other(error)
}

impl Error {
    /// The error that came through the traits of age, if it is one of a plugin.
    pub fn in_io(error: &io::Error) -> Option<&Self> {
        error.get_ref()?.downcast_ref()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_plugin_says_becomes_one_short_line() {
        assert_eq!(one_line(b" a\n\x1b[31m b\0c\t\xff "), "a [31m b c \u{fffd}");
        assert_eq!(one_line(&[b'x'; 1000]).len(), MAX_WORDS);
        assert_eq!(one_line(b"\n"), "");
    }
}
