//! How single values stand in an entry's JSON: all as strings, each in one spelling.

use std::fmt::{self, Display};
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Deserializer, Error, Visitor};
use serde::ser::Serializer;

/// Reads a string through `parse` without making a copy of it first.
pub(super) fn visit<'de, T, D: Deserializer<'de>>(
    from: D,
    parse: fn(&str) -> Option<T>,
) -> Result<T, D::Error> {
    struct Text<T>(fn(&str) -> Option<T>, PhantomData<T>);

    impl<T> Visitor<'_> for Text<T> {
        type Value = T;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a value in its one spelling")
        }

        fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
            (self.0)(text).ok_or_else(|| E::custom("not a value of this field"))
        }
    }

    from.deserialize_str(Text(parse, PhantomData))
}

/// Values that print and parse by themselves: ids, words, digests, times, decimal numbers.
pub(super) mod plain {
    use super::{Deserializer, Display, FromStr, Serializer, visit};

    pub(in super::super) fn serialize<T: Display, S: Serializer>(
        value: &T,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        to.collect_str(value)
    }

    pub(in super::super) fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(
        from: D,
    ) -> Result<T, D::Error> {
        visit(from, |text| text.parse().ok())
    }
}

/// The same where the field may be absent. It is never null.
pub(super) mod some {
    use super::{Deserializer, Display, FromStr, Serializer, plain};

    pub(in super::super) fn serialize<T: Display, S: Serializer>(
        value: &Option<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => plain::serialize(value, to),
            None => to.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, T: FromStr, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<T>, D::Error> {
        plain::deserialize(from).map(Some)
    }
}

/// Bytes as base64, where the field may be absent.
pub(super) mod some_base64 {
    use super::{Deserializer, Serializer, visit};
    use crate::encoding::{base64, unbase64};

    pub(in super::super) fn serialize<T: AsRef<[u8]>, S: Serializer>(
        value: &Option<T>,
        to: S,
    ) -> Result<S::Ok, S::Error> {
        match value {
            Some(value) => to.serialize_str(&base64(value.as_ref())),
            None => to.serialize_none(),
        }
    }

    pub(in super::super) fn deserialize<'de, T: TryFrom<Vec<u8>>, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<T>, D::Error> {
        visit(from, |text| unbase64(text).and_then(|bytes| bytes.try_into().ok())).map(Some)
    }
}
