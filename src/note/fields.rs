use std::collections::BTreeSet;
use std::fmt::{Display, Write as _};
use std::str::FromStr;

/// Longest key, in bytes.
pub const MAX_KEY_LEN: usize = 64;
/// Longest value, in bytes; a hybrid public key has nearly 2,000.
pub const MAX_VALUE_LEN: usize = 8192;

/// Why `key value` lines were refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FieldError {
    /// The first line is another kind's.
    #[error("the text is of another kind")]
    WrongKind,
    /// The text does not end with a newline, or a line is not a key, one space and a value. Lines count
    /// from 1.
    #[error("line {0} is not a key and a value")]
    BadLine(usize),
    /// The key stands there twice.
    #[error("line {0} repeats a key")]
    Repeated(usize),
    /// Another line, or the end, stands where this key belongs.
    #[error("\"{0}\" is missing or out of its place")]
    Missing(String),
    /// The value of this key does not read as what it should be.
    #[error("the value of \"{0}\" is malformed")]
    BadValue(String),
    /// There are lines after the last one that belongs there.
    #[error("line {0} does not belong here")]
    Surplus(usize),
}

/// Writes the text of a note of our own kinds: the kind, then `key value` lines.
#[derive(Debug, Clone)]
pub struct Fields {
    text: String,
    keys: BTreeSet<String>,
    error: Option<FieldError>,
}

impl Fields {
    /// Begins a text of `kind`, for instance `gapvault.roster/v1`.
    pub fn new(kind: &str) -> Self {
        let error = (!is_kind(kind)).then_some(FieldError::WrongKind);
        Self { text: format!("{kind}\n"), keys: BTreeSet::new(), error }
    }

    /// Adds a line. What breaks the format is reported by [`Fields::finish`].
    pub fn put(&mut self, key: &str, value: impl Display) -> &mut Self {
        let start = self.text.len() + key.len() + 1;
        // Writing into a `String` does not fail.
        let _ = write!(self.text, "{key} {value}");
        let value_ok = self.text.get(start..).is_some_and(is_value);
        self.text.push('\n');
        let error = if !is_key(key) {
            Some(FieldError::Missing(key.to_owned()))
        } else if !value_ok {
            Some(FieldError::BadValue(key.to_owned()))
        } else if !self.keys.insert(key.to_owned()) {
            Some(FieldError::Repeated(self.keys.len() + 2))
        } else {
            None
        };
        self.error = self.error.take().or(error);
        self
    }

    /// Adds a line when there is a value.
    pub fn put_some(&mut self, key: &str, value: Option<impl Display>) -> &mut Self {
        match value {
            Some(value) => self.put(key, value),
            None => self,
        }
    }

    /// The text, or the first thing that was wrong: a key not of `[a-z0-9._-]`, a key twice, or a value
    /// that is empty, too long, begins or ends with a blank, or holds a control character.
    pub fn finish(self) -> Result<String, FieldError> {
        match self.error {
            Some(error) => Err(error),
            None => Ok(self.text),
        }
    }
}

/// Reads such a text, every line in its place. What has been taken line by line and then
/// [finished](FieldsReader::finish) prints again as it was, provided the values do.
#[derive(Debug, Clone)]
pub struct FieldsReader<'a> {
    lines: Vec<(&'a str, &'a str)>,
    next: usize,
}

impl<'a> FieldsReader<'a> {
    /// Begins to read `text`, the first line of which must be `kind`.
    pub fn new(text: &'a str, kind: &str) -> Result<Self, FieldError> {
        let body = text.strip_prefix(kind).and_then(|rest| rest.strip_prefix('\n'));
        let body = body.filter(|_| is_kind(kind)).ok_or(FieldError::WrongKind)?;
        let mut lines = Vec::new();
        let mut keys = BTreeSet::new();
        for (index, line) in body.split_inclusive('\n').enumerate() {
            let number = index + 2;
            let (key, value) = line
                .strip_suffix('\n')
                .and_then(|line| line.split_once(' '))
                .filter(|(key, value)| is_key(key) && is_value(value))
                .ok_or(FieldError::BadLine(number))?;
            if !keys.insert(key) {
                return Err(FieldError::Repeated(number));
            }
            lines.push((key, value));
        }
        Ok(Self { lines, next: 0 })
    }

    /// The kind of a text: its first line.
    pub fn kind_of(text: &str) -> Option<&str> {
        text.split_once('\n').map(|(kind, _)| kind).filter(|kind| is_kind(kind))
    }

    /// The value of the next line, which must have this key.
    pub fn take(&mut self, key: &str) -> Result<&'a str, FieldError> {
        self.take_some(key).ok_or_else(|| FieldError::Missing(key.to_owned()))
    }

    /// The value of the next line if it has this key.
    pub fn take_some(&mut self, key: &str) -> Option<&'a str> {
        let (_, value) = self.lines.get(self.next).filter(|(found, _)| *found == key)?;
        self.next += 1;
        Some(value)
    }

    /// The value of the next line as a `T` that prints as it was written.
    pub fn take_as<T: FromStr + Display>(&mut self, key: &str) -> Result<T, FieldError> {
        let value = self.take(key)?;
        read(key, value)
    }

    /// The value of the next line, if it has this key, as a `T` that prints as it was written.
    pub fn take_some_as<T: FromStr + Display>(&mut self, key: &str) -> Result<Option<T>, FieldError> {
        self.take_some(key).map(|value| read(key, value)).transpose()
    }

    /// All next lines whose keys begin with `prefix`: the rest of each key, and its value. The order is
    /// the file's; a caller that sorts must compare.
    pub fn take_prefixed(&mut self, prefix: &str) -> Vec<(&'a str, &'a str)> {
        let mut out = Vec::new();
        while let Some((key, value)) = self.lines.get(self.next) {
            let Some(rest) = key.strip_prefix(prefix) else { break };
            out.push((rest, *value));
            self.next += 1;
        }
        out
    }

    /// Whether every line has been taken.
    pub fn finish(self) -> Result<(), FieldError> {
        if self.next < self.lines.len() { Err(FieldError::Surplus(self.next + 2)) } else { Ok(()) }
    }
}

/// Reads one value strictly: printing it must give the same text.
fn read<T: FromStr + Display>(key: &str, text: &str) -> Result<T, FieldError> {
    let parsed: Option<T> = text.parse().ok();
    parsed.filter(|value| value.to_string() == text).ok_or_else(|| FieldError::BadValue(key.to_owned()))
}

fn is_key(key: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"._-".contains(&byte);
    !key.is_empty() && key.len() <= MAX_KEY_LEN && key.bytes().all(allowed)
}

fn is_kind(kind: &str) -> bool {
    kind.split_once('/').is_some_and(|(name, version)| is_key(name) && is_key(version))
}

/// Whether `value` may stand in a line: one line, not empty, at most [`MAX_VALUE_LEN`], no control characters, no blanks
/// at its ends.
pub fn is_value(value: &str) -> bool {
    // U+2028 and U+2029 end a line for some readers, so a value with one would look like two lines.
    let allowed = |c: char| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}');
    !value.is_empty() && value.len() <= MAX_VALUE_LEN && value.trim() == value && value.chars().all(allowed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const KIND: &str = "gapvault.example/v1";

    fn lines(body: &str) -> Result<FieldsReader<'_>, FieldError> {
        FieldsReader::new(body, KIND)
    }

    #[test]
    fn every_line_is_taken_in_its_place() {
        let mut fields = Fields::new(KIND);
        fields.put("vault", "ab").put_some("until", None::<&str>).put("count", 12);
        fields.put("member.a", "王小明 一").put("member.b", "x  y");
        let text = fields.finish().unwrap();
        assert_eq!(text, "gapvault.example/v1\nvault ab\ncount 12\nmember.a 王小明 一\nmember.b x  y\n");
        assert_eq!(FieldsReader::kind_of(&text), Some(KIND));

        let mut reader = lines(&text).unwrap();
        assert_eq!(reader.take("count"), Err(FieldError::Missing("count".into())));
        assert_eq!(reader.take("vault"), Ok("ab"));
        assert_eq!(reader.take_some("until"), None);
        assert_eq!(reader.clone().finish(), Err(FieldError::Surplus(3)));
        assert_eq!(reader.take_as::<u64>("count"), Ok(12));
        assert_eq!(reader.take_prefixed("member."), [("a", "王小明 一"), ("b", "x  y")]);
        assert_eq!(reader.take("more"), Err(FieldError::Missing("more".into())));
        assert_eq!(reader.finish(), Ok(()));
    }

    #[test]
    fn a_value_that_prints_otherwise_is_refused() {
        for bad in ["012", "+12", "-1", "1.0", "18446744073709551616", "x"] {
            let text = format!("{KIND}\ncount {bad}\n");
            let mut reader = lines(&text).unwrap();
            assert_eq!(reader.take_as::<u64>("count"), Err(FieldError::BadValue("count".into())), "{bad}");
        }
    }

    #[test]
    fn lines_that_are_not_key_and_value_are_refused() {
        let long_key = format!("{} v\n", "k".repeat(MAX_KEY_LEN + 1));
        let long_value = format!("k {}\n", "v".repeat(MAX_VALUE_LEN + 1));
        for bad in [
            "k v",
            "k\n",
            "k \n",
            "\n",
            " k v\n",
            "k  v\n",
            "k v \n",
            "k\tv\n",
            "K v\n",
            "k v\r\n",
            "k a\tb\n",
            "k a\u{7f}\n",
            "k a\u{85}b\n",
            "k a\u{2028}b\n",
            "k \u{3000}v\n",
            &long_key,
            &long_value,
        ] {
            let text = format!("{KIND}\nfirst 1\n{bad}");
            assert_eq!(lines(&text).map(|_| ()), Err(FieldError::BadLine(3)), "{bad:?}");
        }
        let text = format!("{KIND}\na 1\nb 1\na 2\n");
        assert_eq!(lines(&text).map(|_| ()), Err(FieldError::Repeated(4)));
        let at_limit = format!("{KIND}\n{} {}\n", "k".repeat(MAX_KEY_LEN), "v".repeat(MAX_VALUE_LEN));
        assert!(lines(&at_limit).is_ok());
    }

    #[test]
    fn another_kind_is_refused() {
        for bad in ["", "\n", "gapvault.example/v1", "gapvault.example/v2\n", "gapvault.example/v11\n", " \n"]
        {
            assert_eq!(lines(bad).map(|_| ()), Err(FieldError::WrongKind), "{bad:?}");
        }
        assert_eq!(FieldsReader::new("\n", "").map(|_| ()), Err(FieldError::WrongKind));
        assert_eq!(FieldsReader::kind_of("no kind\n"), None);
    }

    #[test]
    fn what_could_not_be_read_is_not_written() {
        let write = |key: &str, value: &str| {
            let mut fields = Fields::new(KIND);
            fields.put("first", 1).put(key, value).put("last", 1);
            fields.finish()
        };
        assert!(write("k", "v").is_ok());
        assert_eq!(write("k", ""), Err(FieldError::BadValue("k".into())));
        assert_eq!(write("k", "a\nb"), Err(FieldError::BadValue("k".into())));
        assert_eq!(write("k", "a "), Err(FieldError::BadValue("k".into())));
        assert_eq!(write("k k", "v"), Err(FieldError::Missing("k k".into())));
        assert_eq!(write("first", "v"), Err(FieldError::Repeated(3)));
        assert_eq!(Fields::new("kind").finish(), Err(FieldError::WrongKind));
    }

    proptest! {
        #[test]
        fn text_that_is_read_prints_as_it_was(body in "([a-c.]{0,3} ?[a-c 中]{0,3}\n?){0,4}") {
            let text = format!("{KIND}\n{body}");
            if let Ok(reader) = lines(&text) {
                let mut fields = Fields::new(KIND);
                for (key, value) in &reader.lines {
                    fields.put(key, value);
                }
                prop_assert_eq!(fields.finish(), Ok(text.clone()));
            }
        }

        #[test]
        fn text_that_is_written_can_be_read(pairs in prop::collection::vec((".{0,4}", ".{0,6}"), 0..4)) {
            let mut fields = Fields::new(KIND);
            for (key, value) in &pairs {
                fields.put(key, value);
            }
            if let Ok(text) = fields.finish() {
                let mut reader = lines(&text).unwrap();
                for (key, value) in &pairs {
                    prop_assert_eq!(reader.take(key), Ok(value.as_str()));
                }
                prop_assert_eq!(reader.finish(), Ok(()));
            }
        }
    }
}
