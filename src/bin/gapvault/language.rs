//! The language, settled before anything is parsed, because the parser's own messages are translated too.

use std::ffi::OsString;

use gapvault::words::Lang;

/// Where a language may be named, strongest first.
pub(crate) struct Hints<'a> {
    /// The arguments without the program's name.
    pub(crate) arguments: &'a [OsString],
    /// Reads an environment variable.
    pub(crate) environment: &'a dyn Fn(&str) -> Option<String>,
    /// `lang` in the configuration file.
    pub(crate) config: Option<&'a str>,
}

/// The language to speak: option, `GAPVAULT_LANG`, configuration, then the locale as POSIX ranks it.
pub(crate) fn resolve(hints: &Hints<'_>) -> Lang {
    let get = |name: &str| (hints.environment)(name).filter(|value| !value.is_empty());
    option(hints.arguments)
        .as_deref()
        .and_then(spoken)
        .or_else(|| get("GAPVAULT_LANG").as_deref().and_then(spoken))
        .or_else(|| hints.config.and_then(spoken))
        // The first variable that is set decides, even when we do not speak its language.
        .or_else(|| {
            ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(|name| get(name)).and_then(|tag| locale(&tag))
        })
        .unwrap_or(Lang::En)
}

/// The language of a tag, if we speak it.
pub(crate) fn spoken(tag: &str) -> Option<Lang> {
    Lang::from_tag(tag)
}

/// `zh_TW.UTF-8@x` without its encoding and modifier.
fn locale(value: &str) -> Option<Lang> {
    spoken(value.split(['.', '@']).next().unwrap_or_default())
}

/// The value of `--lang`, wherever it stands before a lone `--`.
fn option(arguments: &[OsString]) -> Option<String> {
    let mut found = None;
    let mut words = arguments.iter().map(|word| word.to_string_lossy()).take_while(|word| word != "--");
    while let Some(word) = words.next() {
        if word == "--lang" {
            found = words.next().map(|value| value.into_owned());
        } else if let Some(value) = word.strip_prefix("--lang=") {
            found = Some(value.to_owned());
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lang(arguments: &[&str], environment: &[(&str, &str)], config: Option<&str>) -> Lang {
        let arguments: Vec<OsString> = arguments.iter().map(Into::into).collect();
        let get = |name: &str| {
            environment.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        resolve(&Hints { arguments: &arguments, environment: &get, config })
    }

    #[test]
    fn the_strongest_hint_wins() {
        let zh = [("GAPVAULT_LANG", "zh-TW"), ("LC_ALL", "en_US.UTF-8")];
        assert_eq!(lang(&[], &[], None), Lang::En);
        assert_eq!(lang(&["list"], &zh, Some("en")), Lang::ZhTw);
        assert_eq!(lang(&["list", "--lang", "en"], &zh, None), Lang::En);
        assert_eq!(lang(&["--lang=en", "list"], &zh, None), Lang::En);
        assert_eq!(lang(&[], &[("LANG", "en_US.UTF-8")], Some("zh-TW")), Lang::ZhTw);
    }

    #[test]
    fn the_locale_is_ranked_as_posix_does() {
        assert_eq!(lang(&[], &[("LANG", "zh_TW.UTF-8")], None), Lang::ZhTw);
        assert_eq!(lang(&[], &[("LC_ALL", "C"), ("LANG", "zh_TW.UTF-8")], None), Lang::En);
        assert_eq!(lang(&[], &[("LC_ALL", ""), ("LANG", "zh_TW.UTF-8")], None), Lang::ZhTw);
        assert_eq!(lang(&[], &[("LC_MESSAGES", "zh_TW"), ("LANG", "en")], None), Lang::ZhTw);
    }

    #[test]
    fn a_value_after_two_dashes_is_a_file_name() {
        assert_eq!(lang(&["seal", "--", "--lang", "zh-TW"], &[], None), Lang::En);
        assert_eq!(lang(&["--lang"], &[], None), Lang::En);
    }
}
