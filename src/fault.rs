//! The one public error: a stable code, the exit code that goes with it, and the facts for its message.

mod codes;

use std::fmt;

pub use codes::Code;

impl Code {
    /// The exit code of the program: decided by the word before the dot.
    pub fn exit(self) -> u8 {
        match self.as_str().split_once('.').map_or("internal", |(kind, _)| kind) {
            "usage" => 2,
            "not-found" => 3,
            "denied" => 4,
            "authentication" => 5,
            "tampered" => 6,
            "truncated" => 7,
            "forked" => 8,
            "damaged" => 9,
            "unverifiable" => 10,
            "stale" => 11,
            "busy" => 12,
            "log-failed" => 13,
            "io" => 14,
            "bundle" => 15,
            "pending" => 16,
            _ => 1,
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl serde::Serialize for Code {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(self.as_str())
    }
}

/// What a verb reports when it did not do its work.
///
/// The message for a person is made from `code` and `facts` by the message catalogues; `Display` is for
/// programmers and says the same tersely. No secret, title or reason is ever among the facts.
#[derive(Debug)]
pub struct Error {
    code: Code,
    facts: Vec<(&'static str, String)>,
    source: Option<Box<dyn std::error::Error + Send + Sync>>,
}

impl Error {
    /// An error without facts.
    pub fn new(code: Code) -> Self {
        Self { code, facts: Vec::new(), source: None }
    }

    /// Adds a fact for the message: `path`, `id`, `name`, `detail`, `size` …
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl fmt::Display) -> Self {
        self.facts.push((name, value.to_string()));
        self
    }

    /// Adds the error beneath.
    #[must_use]
    pub fn because(mut self, source: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What went wrong.
    pub fn code(&self) -> Code {
        self.code
    }

    /// The facts for the message, by name.
    pub fn facts(&self) -> &[(&'static str, String)] {
        &self.facts
    }
}

impl From<Code> for Error {
    fn from(code: Code) -> Self {
        Self::new(code)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        for (name, value) in &self.facts {
            write!(f, " {name}={value:?}")?;
        }
        match &self.source {
            Some(source) => write!(f, ": {source}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_ref().map(|source| &**source as &(dyn std::error::Error + 'static))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_code_has_its_own_word_and_an_exit_code() {
        let mut words: Vec<_> = Code::ALL.iter().map(|code| code.as_str()).collect();
        words.sort_unstable();
        words.dedup();
        assert_eq!(words.len(), Code::ALL.len());
        for code in Code::ALL {
            assert_eq!(code.exit() == 1, *code == Code::Internal, "{code}");
        }
    }
}
