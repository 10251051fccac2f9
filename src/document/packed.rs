//! Metadata for the index, in as few bytes and steps as it can be read from: a list reads a hundred thousand of them.
//!
//! One byte of flags (1: a time follows, 2: a title follows); the time as seconds (8 bytes, signed) and nanoseconds (4);
//! then texts, each after its length in 2 bytes: the title, the name, the names of the path. Numbers are big-endian.
//! Id, class and size are the row's own. Nothing of this leaves the index, which is made anew from the documents.

use super::{BadMeta, Meta, ModifiedAt, Name};
use crate::id::DocumentId;
use crate::label::Class;

const TIME: u8 = 1;
const TITLE: u8 = 2;

impl Meta {
    /// The packed form, without id, class and size.
    pub fn pack(&self) -> Result<Vec<u8>, BadMeta> {
        let flag = |flag: u8, set: bool| if set { flag } else { 0 };
        let mut out = vec![flag(TIME, self.modified.is_some()) | flag(TITLE, self.title.is_some())];
        if let Some(time) = self.modified {
            out.extend_from_slice(&time.seconds.to_be_bytes());
            out.extend_from_slice(&time.nanos.to_be_bytes());
        }
        let title = self.title.as_ref().map(String::as_bytes);
        let names = [&self.name].into_iter().chain(&self.path).map(Name::as_bytes);
        for text in title.into_iter().chain(names) {
            out.extend_from_slice(&u16::try_from(text.len()).map_err(|_| BadMeta)?.to_be_bytes());
            out.extend_from_slice(text);
        }
        Ok(out)
    }

    /// Reads what [`Meta::pack`] wrote of the document that has this id, class and size.
    pub fn unpack(bytes: &[u8], id: DocumentId, class: Class, size: u64) -> Result<Self, BadMeta> {
        let mut from = Unpack(bytes);
        let [flags] = from.array()?;
        if flags > TIME | TITLE {
            return Err(BadMeta);
        }
        let mut modified = None;
        if flags & TIME != 0 {
            let seconds = i64::from_be_bytes(from.array()?);
            modified = Some(ModifiedAt { seconds, nanos: u32::from_be_bytes(from.array()?) });
        }
        let mut title = None;
        if flags & TITLE != 0 {
            title = Some(String::from_utf8(from.text()?.to_vec()).map_err(|_| BadMeta)?);
        }
        let name = Name::new(from.text()?.to_vec())?;
        let mut path = Vec::new();
        while !from.0.is_empty() {
            path.push(Name::new(from.text()?.to_vec())?);
        }
        Ok(Self { class, id, modified, name, path, size, title })
    }
}

struct Unpack<'a>(&'a [u8]);

impl<'a> Unpack<'a> {
    fn array<const N: usize>(&mut self) -> Result<[u8; N], BadMeta> {
        let (head, rest) = self.0.split_first_chunk::<N>().ok_or(BadMeta)?;
        self.0 = rest;
        Ok(*head)
    }

    fn text(&mut self) -> Result<&'a [u8], BadMeta> {
        let len = usize::from(u16::from_be_bytes(self.array()?));
        let (text, rest) = self.0.split_at_checked(len).ok_or(BadMeta)?;
        self.0 = rest;
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn metas() -> Vec<Meta> {
        let name = |bytes: &[u8]| Name::new(bytes.to_vec()).unwrap();
        let plain = Meta {
            class: Class::Important,
            id: DocumentId([7; 16]),
            modified: None,
            name: name(b"\xff a\n"),
            path: vec![],
            size: u64::MAX,
            title: None,
        };
        let deep = Meta {
            modified: Some(ModifiedAt { nanos: 999_999_999, seconds: -5 }),
            path: vec![name("中文".as_bytes()); 3],
            title: Some("防護 plan".into()),
            ..plain.clone()
        };
        vec![plain, deep]
    }

    #[test]
    fn what_was_packed_comes_back_and_what_is_cut_does_not() {
        for meta in metas() {
            let packed = meta.pack().unwrap();
            let unpack = |bytes: &[u8]| Meta::unpack(bytes, meta.id, meta.class, meta.size);
            assert_eq!(unpack(&packed).unwrap(), meta);
            for len in 0..packed.len() {
                assert_ne!(unpack(&packed[..len]).as_ref(), Ok(&meta));
            }
            assert_eq!(unpack(&[&packed[..], &[0]].concat()), Err(BadMeta));
            assert_eq!(unpack(&[&[4], &packed[1..]].concat()), Err(BadMeta));
        }
    }
}
