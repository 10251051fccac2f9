//! The words by which documents, vaults and people are sorted: class, zone and role.

/// The text names none of the known values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not one of the known words")]
pub struct BadLabel;

/// An enum that is written as words, the same in files, JSON and on the command line.
macro_rules! labels {
    ($(#[$doc:meta])* $name:ident { $($(#[$item_doc:meta])* $item:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum $name { $($(#[$item_doc])* $item),+ }

        impl $name {
            /// Every value, in order.
            pub const ALL: &'static [Self] = &[$(Self::$item),+];

            /// The word in files, JSON and on the command line.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$item => $text),+ }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = $crate::label::BadLabel;

            fn from_str(text: &str) -> Result<Self, $crate::label::BadLabel> {
                match text { $($text => Ok(Self::$item),)+ _ => Err($crate::label::BadLabel) }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use labels;

labels!(
    /// How much a document matters; each class has its own key and policy. Not the legal secrecy grade.
    Class {
        /// 極重要
        Critical = "critical",
        /// 重要
        Important = "important",
    }
);

labels!(
    /// Where a vault stands.
    Zone {
        /// 連網區
        Networked = "networked",
        /// 隔離區
        Isolated = "isolated",
    }
);

labels!(
    /// What a member is in the vault.
    Role {
        /// 資通安全長
        Officer = "officer",
        /// 承辦人
        Clerk = "clerk",
        /// 傳遞人員
        Courier = "courier",
        /// 稽核人員
        Auditor = "auditor",
        /// 受託者
        Contractor = "contractor",
    }
);

labels!(
    /// The kind of public keys that a vault uses, one for all of it.
    KeyKind {
        /// X25519 alone.
        Classic = "classic",
        /// ML-KEM-768 with X25519.
        Hybrid = "hybrid",
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_reads_as_it_prints() {
        for class in Class::ALL {
            assert_eq!(class.to_string().parse(), Ok(*class));
        }
        for zone in Zone::ALL {
            assert_eq!(zone.to_string().parse(), Ok(*zone));
        }
        for role in Role::ALL {
            assert_eq!(role.to_string().parse(), Ok(*role));
        }
        assert_eq!("Critical".parse::<Class>(), Err(BadLabel));
    }
}
