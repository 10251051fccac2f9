//! Reads an entry in its one spelling straight through, field by field: what a log of millions of entries is read by.
//!
//! Fields have one order, values one spelling each, and nothing may stand between them. So text that is taken here needs not be
//! printed again to know that it is canonical. Whatever else it is, [`Entry::parse`](super::Entry::parse) finds out at leisure.

use std::str::FromStr;

use super::values::{Actor, Detail, Object};
use super::{VERSION, Wire};
use crate::encoding::unbase64;

/// The fields of an entry; `None` for whatever is not canonical.
pub(super) fn read(bytes: &[u8]) -> Option<Wire> {
    let mut at = Reader::new(std::str::from_utf8(bytes).ok()?);
    let wire = Wire {
        actor: at.object("\"actor\":", actor)?.unwrap_or_default(),
        boot: at.value("\"boot\":\"")?,
        category: at.value("\"category\":\"")?,
        detail: at.object("\"detail\":", detail)?.unwrap_or_default(),
        event: at.value("\"event\":\"")?,
        host: at.value("\"host\":\"")?,
        mono: at.value::<Decimal>("\"mono\":\"")?.0,
        object: at.object("\"object\":", object)?,
        outcome: at.value("\"outcome\":\"")?,
        phase: at.value("\"phase\":\"")?,
        reason: at.maybe("\"reason\":\"")?,
        closes: at.number("\"ref\":\"")?,
        seq: at.value::<Decimal>("\"seq\":\"")?.0,
        session: at.value("\"session\":\"")?,
        time: at.value("\"time\":\"")?,
        v: at.version()?,
        zone: at.value("\"zone\":\"")?,
    };
    at.end()?;
    at.rest.is_empty().then_some(wire)
}

fn actor(at: &mut Reader<'_>) -> Option<Actor> {
    Some(Actor { id: at.maybe("\"id\":\"")?, key: at.maybe("\"key\":\"")?, role: at.maybe("\"role\":\"")? })
}

fn object(at: &mut Reader<'_>) -> Option<Object> {
    Some(Object {
        class: at.maybe("\"class\":\"")?,
        commitment: at.maybe("\"commitment\":\"")?,
        header_len: at.number("\"header_len\":\"")?,
        header_sha256: at.maybe("\"header_sha256\":\"")?,
        id: at.maybe("\"id\":\"")?,
        kind: at.value("\"kind\":\"")?,
        payload_sha256: at.maybe("\"payload_sha256\":\"")?,
        size: at.number("\"size\":\"")?,
    })
}

fn detail(at: &mut Reader<'_>) -> Option<Detail> {
    Some(Detail {
        attempt: at.number("\"attempt\":\"")?,
        bundle: at.maybe("\"bundle\":\"")?,
        code: at.maybe("\"code\":\"")?,
        count: at.number("\"count\":\"")?,
        from: at.number("\"from\":\"")?,
        host_key: at.base64("\"host_key\":\"")?,
        inner_sha256: at.maybe("\"inner_sha256\":\"")?,
        medium: at.number("\"medium\":\"")?,
        note_sha256: at.maybe("\"note_sha256\":\"")?,
        number: at.number("\"number\":\"")?,
        origin_id: at.maybe("\"origin_id\":\"")?,
        peer: at.maybe("\"peer\":\"")?,
        root: at.base64("\"root\":\"")?,
        sealed: at.base64("\"sealed\":\"")?,
        series: at.number("\"series\":\"")?,
        session_key: at.base64("\"session_key\":\"")?,
        size: at.number("\"size\":\"")?,
        to: at.number("\"to\":\"")?,
        tool: at.maybe("\"tool\":\"")?,
        until: at.maybe("\"until\":\"")?,
        version: at.number("\"version\":\"")?,
    })
}

/// A number as it is printed: no sign, no zero before other digits.
struct Decimal(u64);

impl FromStr for Decimal {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let plain = match text.as_bytes() {
            [b'0'] => true,
            [first, ..] => (b'1'..=b'9').contains(first),
            [] => false,
        };
        if plain { text.parse().map(Self).map_err(drop) } else { Err(()) }
    }
}

/// What is left of the text. Everything is taken from the front, and `None` means that something else stands there.
struct Reader<'a> {
    rest: &'a str,
    /// Whether no field was taken yet: a brace stands before the first one of an object, commas before the others.
    is_first: bool,
}

impl<'a> Reader<'a> {
    fn new(rest: &'a str) -> Self {
        Self { rest, is_first: true }
    }

    /// Takes the name of a field, with what stands before it and what follows, if it is the next one. Always inlined: then the
    /// length is known where it is compared.
    #[inline(always)]
    fn is_next(&mut self, name: &str) -> bool {
        let before = if self.is_first { "{" } else { "," };
        let found = self.rest.strip_prefix(before).and_then(|rest| rest.strip_prefix(name));
        if let Some(rest) = found {
            (self.rest, self.is_first) = (rest, false);
        }
        found.is_some()
    }

    /// What stands up to the next quotation mark. No value may hold a backslash, so none is ended by an escaped one.
    #[inline]
    fn text(&mut self) -> Option<&'a str> {
        let end = self.rest.bytes().position(|byte| byte == b'"')?;
        let (text, rest) = self.rest.split_at_checked(end)?;
        self.rest = rest.strip_prefix('"')?;
        Some(text)
    }

    /// A field that has to be there.
    #[inline(always)]
    fn value<T: FromStr>(&mut self, name: &str) -> Option<T> {
        if self.is_next(name) { self.text()?.parse().ok() } else { None }
    }

    /// A field that may be absent.
    #[inline(always)]
    fn maybe<T: FromStr>(&mut self, name: &str) -> Option<Option<T>> {
        if self.is_next(name) { self.text()?.parse().ok().map(Some) } else { Some(None) }
    }

    /// The same for a number.
    #[inline(always)]
    fn number(&mut self, name: &str) -> Option<Option<u64>> {
        Some(self.maybe::<Decimal>(name)?.map(|number| number.0))
    }

    /// The same for bytes.
    #[inline(always)]
    fn base64<T: TryFrom<Vec<u8>>>(&mut self, name: &str) -> Option<Option<T>> {
        if self.is_next(name) { unbase64(self.text()?)?.try_into().ok().map(Some) } else { Some(None) }
    }

    /// An object within, which is left out where it has no fields.
    #[inline(always)]
    fn object<T>(&mut self, name: &str, read: fn(&mut Self) -> Option<T>) -> Option<Option<T>> {
        if !self.is_next(name) {
            return Some(None);
        }
        let mut inside = Self::new(self.rest);
        let value = read(&mut inside)?;
        inside.end()?;
        self.rest = inside.rest;
        Some(Some(value))
    }

    /// The version, the one value that is not a string.
    fn version(&mut self) -> Option<u8> {
        if self.is_next("\"v\":") {
            self.rest = self.rest.strip_prefix('1')?;
            Some(VERSION)
        } else {
            None
        }
    }

    /// The end of an object that has fields.
    fn end(&mut self) -> Option<()> {
        self.rest = self.rest.strip_prefix('}').filter(|_| !self.is_first)?;
        Some(())
    }
}
