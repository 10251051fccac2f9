//! Thresholds, and the file that an office keeps them in.
//!
//! The file is a small part of TOML: `[rule]`, `key = value`, comments from `#` on. A value is a whole number, `true`, `false`,
//! or a time of day as `"07:30"`. What is left out stays as it is; what is not known is an error with its line.

use super::names::{Kind, Name, Threshold};

/// The longest file, in bytes.
pub const RULES_LIMIT: usize = 65_536;
/// The key that every rule has.
const ENABLED: &str = "enabled";

/// The text is not a file of rules.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
pub struct BadRules {
    /// The line, from 1.
    pub line: usize,
    /// What is wrong with it.
    pub why: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Values {
    on: bool,
    /// In the order of the thresholds.
    numbers: Vec<u64>,
}

/// Which rules look, and from where on they say something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rules {
    /// In the order of the names.
    values: Vec<Values>,
}

impl Default for Rules {
    /// Every rule, with thresholds for an office of some dozens of people.
    fn default() -> Self {
        let numbers = |name: &Name| name.thresholds().iter().map(|threshold| threshold.default).collect();
        let values = Name::ALL.iter().map(|name| Values { on: true, numbers: numbers(name) });
        Self { values: values.collect() }
    }
}

impl Rules {
    /// Reads a file.
    ///
    /// # Errors
    /// [`BadRules`] with the first line that is not understood: an unknown rule or key, one that stands twice, a value of
    /// another kind or out of range.
    pub fn parse(text: &str) -> Result<Self, BadRules> {
        let mut rules = Self::default();
        let (mut rule, mut seen) = (None, Vec::new());
        let at = |line: usize| move |why: String| BadRules { line, why };
        if text.len() > RULES_LIMIT {
            return Err(at(1)(format!("the file is longer than {RULES_LIMIT} bytes")));
        }
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        for (line, content) in (1..).zip(text.lines()) {
            // No value has a # in it.
            let content = content.split('#').next().unwrap_or("").trim();
            if content.is_empty() {
                continue;
            }
            if let Some(name) = content.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
                let name: Name =
                    name.trim().parse().map_err(|_| at(line)(format!("there is no rule {name}")))?;
                if seen.contains(&(name, "")) {
                    return Err(at(line)(format!("{name} stands twice")));
                }
                seen.push((name, ""));
                rule = Some(name);
                continue;
            }
            let name = rule.ok_or_else(|| at(line)("a rule comes first, as [night]".to_owned()))?;
            let key = rules.set(name, content).map_err(at(line))?;
            if seen.contains(&(name, key)) {
                return Err(at(line)(format!("{key} stands twice")));
            }
            seen.push((name, key));
        }
        rules.sound(text)?;
        Ok(rules)
    }

    /// Takes `key = value` in, and gives the key.
    fn set(&mut self, name: Name, content: &str) -> Result<&'static str, String> {
        let (key, value) = content.split_once('=').ok_or("this is not KEY = VALUE")?;
        let (key, value) = (key.trim(), value.trim());
        let values = self.values.get_mut(name as usize).ok_or("there is no such rule")?;
        if key == ENABLED {
            values.on = number(Kind::Switch, value)? == 1;
            return Ok(ENABLED);
        }
        let known = |threshold: &&Threshold| threshold.key == key;
        let threshold = name.thresholds().iter().find(known);
        let threshold = threshold.ok_or_else(|| format!("{name} has no {key}"))?;
        let place = name.thresholds().iter().position(|each| each.key == key);
        if let Some(slot) = place.and_then(|place| values.numbers.get_mut(place)) {
            *slot = number(threshold.kind, value).map_err(|why| format!("{key}: {why}"))?;
        }
        Ok(threshold.key)
    }

    /// What several values say together.
    fn sound(&self, text: &str) -> Result<(), BadRules> {
        if self.get(Name::Night, "day-begins") <= self.get(Name::Night, "day-ends") {
            return Ok(());
        }
        let line = text.lines().position(|line| line.trim_start().starts_with("day-")).map_or(1, |at| at + 1);
        Err(BadRules { line, why: "the day ends before it begins".to_owned() })
    }

    /// Whether a rule looks at all.
    pub fn is_on(&self, name: Name) -> bool {
        self.values.get(name as usize).is_some_and(|values| values.on)
    }

    /// A threshold; 0 for one that the rule does not have.
    pub fn get(&self, name: Name, key: &str) -> u64 {
        let place = name.thresholds().iter().position(|threshold| threshold.key == key);
        let values = self.values.get(name as usize);
        values.zip(place).and_then(|(values, place)| values.numbers.get(place).copied()).unwrap_or(0)
    }

    /// Only these, as far as they are on.
    #[must_use]
    pub fn only(mut self, names: &[Name]) -> Self {
        for (name, values) in Name::ALL.iter().zip(&mut self.values) {
            values.on &= names.contains(name);
        }
        self
    }

    /// A time of minutes in milliseconds.
    pub(super) fn minutes(&self, name: Name) -> i64 {
        ms(self.get(name, "minutes"), 60_000)
    }

    /// A time of days in milliseconds.
    pub(super) fn days(&self, name: Name) -> i64 {
        ms(self.get(name, "days"), 86_400_000)
    }

    /// The file that says all of it. `about` says what a rule, or a threshold of it, is for, in one line; with nothing, what
    /// the file is for.
    pub fn print(&self, about: impl Fn(Option<(Name, Option<&str>)>) -> String) -> String {
        let comment = |what| about(what).lines().map(|line| format!("# {line}\n")).collect::<String>();
        let mut out = comment(None);
        for (name, values) in Name::ALL.iter().zip(&self.values) {
            let begins = comment(Some((*name, None)));
            out.push_str(&format!("\n{begins}[{name}]\n{ENABLED} = {}\n", values.on));
            for (threshold, value) in name.thresholds().iter().zip(&values.numbers) {
                let what = comment(Some((*name, Some(threshold.key))));
                out.push_str(&format!("{what}{} = {}\n", threshold.key, threshold.kind.print(*value)));
            }
        }
        out
    }
}

impl Kind {
    /// A value as it stands in the file.
    pub fn print(self, value: u64) -> String {
        match self {
            Self::Number(..) => value.to_string(),
            Self::Clock => format!("\"{:02}:{:02}\"", value / 60, value % 60),
            Self::Switch => (value == 1).to_string(),
        }
    }
}

fn ms(count: u64, each: i64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX).saturating_mul(each)
}

fn number(kind: Kind, text: &str) -> Result<u64, String> {
    let wrong = |what: &str| format!("{text} is not {what}");
    match kind {
        Kind::Switch => match text {
            "true" => Ok(1),
            "false" => Ok(0),
            _ => Err(wrong("true or false")),
        },
        Kind::Number(least, most) => {
            let digits = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
            let number = text.parse().ok().filter(|number| digits && (least..=most).contains(number));
            number.ok_or_else(|| wrong(&format!("a whole number from {least} to {most}")))
        }
        Kind::Clock => {
            let inner = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
            inner.and_then(clock).ok_or_else(|| wrong("a time of day as \"07:30\""))
        }
    }
}

/// Minutes of `HH:MM`, up to `24:00`.
fn clock(text: &str) -> Option<u64> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| text.parse::<u64>().ok()).flatten()
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    let sum = hours * 60 + minutes;
    (minutes < 60 && sum <= 24 * 60).then_some(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn about(what: Option<(Name, Option<&str>)>) -> String {
        what.map_or_else(|| "one\ntwo".to_owned(), |(name, key)| format!("{name} {}", key.unwrap_or("")))
    }

    #[test]
    fn what_is_printed_is_what_is_read() {
        let rules = Rules::default();
        assert_eq!(Rules::parse(&rules.print(about)), Ok(rules.clone()));
        assert_eq!(Rules::parse(""), Ok(rules));
        let text = "\u{feff}# ours\r\n[night]\r\nday-begins = \"06:30\" # early\n day-ends=\"24:00\"\n\
                    [many-documents]\ndocuments = 10000\nenabled = false\n[weekend]\nsaturday = false\n";
        let rules = Rules::parse(text).unwrap();
        assert_eq!((rules.get(Name::Night, "day-begins"), rules.get(Name::Night, "day-ends")), (390, 1440));
        assert_eq!(rules.get(Name::ManyDocuments, "documents"), 10_000);
        assert!(!rules.is_on(Name::ManyDocuments) && rules.is_on(Name::Night));
        assert_eq!(Rules::parse(&rules.print(about)), Ok(rules));
    }

    #[test]
    fn every_error_names_its_line() {
        let cases = [
            ("documents = 3", 1, "a rule comes first, as [night]"),
            ("[night]\n[evening]", 2, "there is no rule evening"),
            ("[night]\n\n[night]", 3, "night stands twice"),
            ("[night]\ndocuments = 3", 2, "night has no documents"),
            ("[unseen]\ndays 3", 2, "this is not KEY = VALUE"),
            ("[unseen]\ndays = 3\ndays = 3", 3, "days stands twice"),
            ("[unseen]\ndays = 0", 2, "days: 0 is not a whole number from 1 to 36500"),
            ("[unseen]\ndays = 36501", 2, "days: 36501 is not a whole number from 1 to 36500"),
            ("[unseen]\ndays = +3", 2, "days: +3 is not a whole number from 1 to 36500"),
            ("[unseen]\ndays = \"3\"", 2, "days: \"3\" is not a whole number from 1 to 36500"),
            ("[unseen]\nenabled = yes", 2, "yes is not true or false"),
            ("[night]\nday-ends = 20", 2, "day-ends: 20 is not a time of day as \"07:30\""),
            ("[night]\nday-ends = \"7:30\"", 2, "day-ends: \"7:30\" is not a time of day as \"07:30\""),
            ("[night]\nday-ends = \"24:01\"", 2, "day-ends: \"24:01\" is not a time of day as \"07:30\""),
            ("[night]\nday-ends = \"12:60\"", 2, "day-ends: \"12:60\" is not a time of day as \"07:30\""),
            ("# x\n[night]\nday-ends = \"06:59\"", 3, "the day ends before it begins"),
        ];
        for (text, line, why) in cases {
            assert_eq!(Rules::parse(text), Err(BadRules { line, why: why.to_owned() }), "{text}");
        }
        assert_eq!(Rules::parse(&"#".repeat(RULES_LIMIT + 1)).unwrap_err().line, 1);
    }

    #[test]
    fn only_those_that_are_asked_for_look() {
        let rules = Rules::parse("[night]\nenabled = false").unwrap().only(&[Name::Night, Name::Weekend]);
        let on: Vec<&Name> = Name::ALL.iter().filter(|name| rules.is_on(**name)).collect();
        assert_eq!(on, [&Name::Weekend]);
    }

    #[test]
    fn every_default_is_within_its_range_and_every_name_in_its_place() {
        for (place, name) in Name::ALL.iter().enumerate() {
            assert_eq!(*name as usize, place);
            for threshold in name.thresholds() {
                let printed = threshold.kind.print(threshold.default);
                assert_eq!(
                    number(threshold.kind, &printed),
                    Ok(threshold.default),
                    "{name} {}",
                    threshold.key
                );
            }
        }
    }
}
