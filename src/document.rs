//! What is known of a document besides its content: title, original name, path, time, class.
//!
//! It travels inside the document's own header, encrypted, so that a document describes itself and no
//! title lies in clear anywhere.

mod packed;

use std::fmt;

use serde::de::{self, Visitor};
use serde::{Deserialize, Serialize};

use crate::encoding::{base64, unbase64};
use crate::id::DocumentId;
use crate::label::Class;

/// Longest title in bytes of UTF-8.
pub const TITLE_LIMIT: usize = 1024;
/// Longest single file name in bytes; Linux has 255.
pub const NAME_LIMIT: usize = 1024;
/// Most names in a path.
pub const DEPTH_LIMIT: usize = 256;
/// Longest metadata in bytes of JSON.
pub const META_LIMIT: usize = 32 * 1024;

/// The metadata is not well-formed, or over a limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("malformed document metadata")]
pub struct BadMeta;

/// A file name as the file system has it: bytes, mostly but not always UTF-8.
///
/// In JSON it is a string, or `{"base64": …}` where it is not UTF-8, so that it comes back byte for byte.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Name(Vec<u8>);

impl Name {
    /// One name: not empty, not `.` or `..`, without `/` and NUL, and within the limit.
    pub fn new(bytes: Vec<u8>) -> Result<Self, BadMeta> {
        let special = matches!(bytes.as_slice(), b"" | b"." | b"..");
        if special || bytes.len() > NAME_LIMIT || bytes.iter().any(|byte| matches!(byte, b'/' | 0)) {
            return Err(BadMeta);
        }
        Ok(Self(bytes))
    }

    /// The bytes.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// For people and JSON listings: what is not UTF-8 becomes U+FFFD.
    pub fn lossy(&self) -> String {
        String::from_utf8_lossy(&self.0).into_owned()
    }

    /// The same of a name that is not needed any more.
    pub fn into_lossy(self) -> String {
        String::from_utf8(self.0)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Encoded {
    base64: String,
}

impl Serialize for Name {
    fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match std::str::from_utf8(&self.0) {
            Ok(text) => to.serialize_str(text),
            Err(_) => Encoded { base64: base64(&self.0) }.serialize(to),
        }
    }
}

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(NameVisitor)
    }
}

/// By hand, since serde's untagged enums copy what they read before they try it, and a list reads many names.
struct NameVisitor;

impl<'de> Visitor<'de> for NameVisitor {
    type Value = Name;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name, or {\"base64\": …}")
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Name, E> {
        Name::new(text.as_bytes().to_vec()).map_err(E::custom)
    }

    fn visit_string<E: de::Error>(self, text: String) -> Result<Name, E> {
        Name::new(text.into_bytes()).map_err(E::custom)
    }

    fn visit_map<A: de::MapAccess<'de>>(self, map: A) -> Result<Name, A::Error> {
        let form = Encoded::deserialize(de::value::MapAccessDeserializer::new(map))?;
        let bytes = unbase64(&form.base64).ok_or_else(|| de::Error::custom("not base64"))?;
        Name::new(bytes).map_err(de::Error::custom)
    }
}

/// A modification time as the file system has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModifiedAt {
    /// Nanoseconds after `seconds`, below 10^9.
    pub nanos: u32,
    /// Seconds since 1970, negative before.
    pub seconds: i64,
}

/// A document's metadata. The JSON has its fields in this order, each at most once, absent ones left out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Meta {
    /// The class it was sealed in.
    pub class: Class,
    /// The document that this belongs to; a meta stanza moved to another document is noticed by it.
    pub id: DocumentId,
    /// When the source was last changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub modified: Option<ModifiedAt>,
    /// The source's own name.
    pub name: Name,
    /// Where it lay in a sealed tree: the names from the tree's top folder down to the file. Empty for a single file.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub path: Vec<Name>,
    /// Bytes of plaintext.
    pub size: u64,
    /// The title; without one the name stands for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<String>,
}

impl Meta {
    /// The JSON that goes into the header.
    pub fn print(&self) -> Result<Vec<u8>, BadMeta> {
        let bytes = serde_json::to_vec(self).map_err(|_| BadMeta)?;
        self.within_limits(bytes.len())?;
        Ok(bytes)
    }

    /// Reads what [`Meta::print`] wrote, and nothing else.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadMeta> {
        if bytes.len() > META_LIMIT {
            return Err(BadMeta);
        }
        let meta: Self = serde_json::from_slice(bytes).map_err(|_| BadMeta)?;
        if meta.print()? != bytes {
            return Err(BadMeta);
        }
        Ok(meta)
    }

    fn within_limits(&self, printed: usize) -> Result<(), BadMeta> {
        let title_fits = self.title.as_ref().is_none_or(|title| is_line(title, TITLE_LIMIT));
        let time_fits = self.modified.is_none_or(|time| time.nanos < 1_000_000_000);
        if printed <= META_LIMIT && title_fits && time_fits && self.path.len() <= DEPTH_LIMIT {
            Ok(())
        } else {
            Err(BadMeta)
        }
    }

    /// The path in the sealed tree with `/` between the names, lossy, for people.
    pub fn path_for_people(&self) -> Option<String> {
        let (first, rest) = self.path.split_first()?;
        let mut path = first.lossy();
        for name in rest {
            path.push('/');
            path.push_str(&String::from_utf8_lossy(name.as_bytes()));
        }
        Some(path)
    }
}

/// Whether `text` is one line that a person can have meant: not empty, no control characters, at most `limit` bytes.
pub fn is_line(text: &str, limit: usize) -> bool {
    !text.trim().is_empty() && text.len() <= limit && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meta(name: &[u8]) -> Meta {
        Meta {
            class: Class::Critical,
            id: DocumentId([7; 16]),
            modified: Some(ModifiedAt { nanos: 1, seconds: -5 }),
            name: Name::new(name.to_vec()).unwrap(),
            path: vec![Name::new(b"a".to_vec()).unwrap(), Name::new(name.to_vec()).unwrap()],
            size: 3,
            title: Some("防護計畫".into()),
        }
    }

    #[test]
    fn every_name_comes_back_byte_for_byte() {
        let long = [b'x'; 255];
        for name in [&b"a b\"c'\n"[..], "中文.pdf".as_bytes(), b"\xff\xfe", &long, b"{", b"\x1b[31m"] {
            let meta = meta(name);
            let printed = meta.print().unwrap();
            assert_eq!(Meta::parse(&printed).unwrap(), meta);
        }
    }

    #[test]
    fn names_that_are_paths_are_refused() {
        for bad in [&b""[..], b".", b"..", b"a/b", b"/", b"a\0", &[b'x'; NAME_LIMIT + 1]] {
            assert_eq!(Name::new(bad.to_vec()), Err(BadMeta));
        }
        assert!(Name::new(vec![b'x'; NAME_LIMIT]).is_ok());
    }

    #[test]
    fn another_spelling_of_the_same_meaning_is_refused() {
        let printed = String::from_utf8(meta(b"a").print().unwrap()).unwrap();
        assert!(Meta::parse(printed.as_bytes()).is_ok());
        for bad in [
            printed.replace("\"size\":3", "\"size\": 3"),
            printed.replace("\"size\":3", "\"size\":3,\"size\":3"),
            printed.replace("\"size\":3", "\"other\":1,\"size\":3"),
            printed.replace("\"a\"", "\"\\u0061\""),
            format!("{printed}\n"),
            printed.replace("\"nanos\":1", "\"nanos\":1000000000"),
        ] {
            assert_eq!(Meta::parse(bad.as_bytes()), Err(BadMeta), "{bad}");
        }
    }

    #[test]
    fn limits_hold_on_both_sides() {
        let mut meta = meta(b"a");
        meta.title = Some("x".repeat(TITLE_LIMIT));
        assert!(meta.print().is_ok());
        meta.title = Some("x".repeat(TITLE_LIMIT + 1));
        assert!(meta.print().is_err());
        meta.title = None;
        meta.path = vec![Name::new(b"d".to_vec()).unwrap(); DEPTH_LIMIT];
        assert!(meta.print().is_ok());
        meta.path.push(Name::new(b"d".to_vec()).unwrap());
        assert!(meta.print().is_err());
    }
}
