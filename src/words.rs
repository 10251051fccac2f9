//! The messages that a person sees, in English and in 正體中文 as Taiwanese agencies use it.
//!
//! Texts live in two Fluent catalogues; tests hold that neither lacks a key or a placeholder of the other.

pub mod local;
pub mod screen;

use std::fmt;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::resolver::ResolverError;
use fluent_bundle::resolver::errors::ReferenceKind;
use fluent_bundle::{FluentArgs, FluentError, FluentResource};
use unic_langid::LanguageIdentifier;

const EN: &str = include_str!("words/en.ftl");
const ZH_TW: &str = include_str!("words/zh-TW.ftl");

/// A language that we speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lang {
    /// English.
    En,
    /// 正體中文
    ZhTw,
}

impl Lang {
    /// The language of a tag or locale such as `zh-TW`, `zh_TW.UTF-8`, `en_GB`, `C`; `None` for any other.
    pub fn from_tag(tag: &str) -> Option<Self> {
        let tag = tag.split(['.', '@']).next().unwrap_or(tag).to_ascii_lowercase().replace('_', "-");
        match tag.split('-').next() {
            Some("zh") => Some(Self::ZhTw),
            Some("en" | "c" | "posix") => Some(Self::En),
            _ => None,
        }
    }

    /// The tag.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::ZhTw => "zh-TW",
        }
    }

    fn catalogue(self) -> &'static str {
        match self {
            Self::En => EN,
            Self::ZhTw => ZH_TW,
        }
    }
}

/// The catalogue of one language.
pub struct Words {
    lang: Lang,
    bundle: FluentBundle<FluentResource>,
}

impl fmt::Debug for Words {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Words({})", self.lang.as_str())
    }
}

impl Words {
    /// The words of a language.
    pub fn new(lang: Lang) -> Self {
        let tag: LanguageIdentifier = lang.as_str().parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![tag]);
        // Isolating marks are for mixed writing directions on a page; in a terminal they are rubbish.
        bundle.set_use_isolating(false);
        // A catalogue that does not parse keeps what does; the tests below allow none such.
        let resource = match FluentResource::try_new(lang.catalogue().to_owned()) {
            Ok(resource) | Err((resource, _)) => resource,
        };
        let _ = bundle.add_resource(resource);
        Self { lang, bundle }
    }

    /// The language.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// The text of a key with its facts put in. A key that is missing shows itself; a fact that is missing is left out.
    pub fn text(&self, key: &str, facts: &[(&str, String)]) -> String {
        let Some(pattern) = self.bundle.get_message(key).and_then(|message| message.value()) else {
            return key.to_owned();
        };
        let mut arguments = FluentArgs::new();
        for (name, value) in facts {
            arguments.set((*name).to_owned(), value.clone());
        }
        let mut missing = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(&arguments), &mut missing).into_owned();
        if missing.is_empty() {
            return text;
        }
        // Formatted again rather than cut out: a fact that was given may itself look like a placeholder.
        for problem in &missing {
            if let FluentError::ResolverError(ResolverError::Reference(ReferenceKind::Variable { id })) =
                problem
            {
                arguments.set(id.clone(), "");
            }
        }
        let text = self.bundle.format_pattern(pattern, Some(&arguments), &mut Vec::new()).into_owned();
        let text = text.trim_end();
        text.strip_suffix([':', '：']).unwrap_or(text).to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    /// Keys and the placeholders of their texts.
    fn keys(catalogue: &str) -> BTreeMap<String, BTreeSet<String>> {
        assert!(FluentResource::try_new(catalogue.to_owned()).is_ok());
        let mut keys: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
        let mut now = String::new();
        for line in catalogue.lines().filter(|line| !line.starts_with('#')) {
            if let Some((key, _)) = line.split_once(" =").filter(|_| !line.starts_with(' ')) {
                now = key.to_owned();
                assert!(keys.insert(now.clone(), BTreeSet::new()).is_none(), "{now} stands twice");
            }
            for rest in line.split("{$").skip(1).chain(line.split("{ $").skip(1)) {
                let name = rest.split(['}', ' ']).next().unwrap_or("").to_owned();
                keys.get_mut(&now).unwrap().insert(name);
            }
        }
        keys
    }

    #[test]
    fn no_language_lacks_a_key_or_a_placeholder() {
        let (en, zh) = (keys(EN), keys(ZH_TW));
        let names = |keys: &BTreeMap<String, BTreeSet<String>>| keys.keys().cloned().collect::<BTreeSet<_>>();
        let difference: Vec<_> = names(&en).symmetric_difference(&names(&zh)).cloned().collect();
        assert_eq!(difference, Vec::<String>::new());
        for (key, placeholders) in &en {
            assert_eq!(zh.get(key), Some(placeholders), "{key}");
        }
        assert!(en.len() > 100);
    }

    #[test]
    fn facts_are_put_in_and_missing_ones_left_out() {
        let words = Words::new(Lang::En);
        let text = words.text("error-not-found-document", &[("id", "3f9a".into())]);
        assert_eq!(text, "There is no document 3f9a.");
        assert_eq!(words.text("error-not-found-file", &[]), "There is no such file");
        assert_eq!(words.text("no-such-key", &[]), "no-such-key");
        // A given fact stays whole, whatever it looks like.
        let text = words.text("error-truncated-log", &[("found", "{$known} {$x".into())]);
        assert_eq!(text, "The access log has {$known} {$x entries;  are known to have existed.");
    }

    #[test]
    fn locales_are_understood() {
        for tag in ["zh-TW", "zh_TW.UTF-8", "zh-Hant", "zh", "ZH_hk"] {
            assert_eq!(Lang::from_tag(tag), Some(Lang::ZhTw), "{tag}");
        }
        for tag in ["en", "en_GB.UTF-8", "C", "C.UTF-8", "POSIX"] {
            assert_eq!(Lang::from_tag(tag), Some(Lang::En), "{tag}");
        }
        assert_eq!(Lang::from_tag("de_DE"), None);
        assert_eq!(Lang::from_tag(""), None);
    }
}
