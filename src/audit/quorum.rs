//! Whose signatures make a checkpoint good enough: logs, witnesses, and how many of them (`c2sp.org/tlog-policy`).

use std::collections::{BTreeMap, BTreeSet};

use crate::crypto::PublicKey;
use crate::log::cosignature::WitnessKey;
use crate::note::VerifierKey;

/// Longest policy, in bytes.
pub const POLICY_LIMIT: usize = 256 * 1024;
/// Most logs, witnesses, groups, and members of a group.
const COUNT_LIMIT: usize = 1024;
/// Stands for no witness at all.
const NONE: &str = "none";

/// A policy, with the line and the rule that a text breaks.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {rule}")]
pub struct BadPolicy {
    /// Counted from 1; 0 for the whole.
    pub line: usize,
    /// What is wrong.
    pub rule: &'static str,
}

/// Logs and witnesses that are trusted, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Quorum {
    logs: Vec<VerifierKey>,
    witnesses: Vec<(String, WitnessKey)>,
    groups: BTreeMap<String, Group>,
    quorum: Option<String>,
}

/// So many of these.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Group {
    needed: usize,
    members: Vec<String>,
}

/// A text while it is read.
#[derive(Default)]
struct Reading {
    logs: Vec<VerifierKey>,
    log_keys: BTreeSet<PublicKey>,
    witnesses: Vec<(String, WitnessKey)>,
    witness_keys: BTreeSet<PublicKey>,
    groups: BTreeMap<String, Group>,
    /// Names that are members of a group already: each counts in one way only.
    placed: BTreeSet<String>,
    quorum: Option<Option<String>>,
}

impl Quorum {
    /// Reads a policy.
    ///
    /// # Errors
    /// Over [`POLICY_LIMIT`]; the first line that breaks a rule of the format; keys that are not UTF-8 text.
    pub fn parse(bytes: &[u8]) -> Result<Self, BadPolicy> {
        let whole = |rule| BadPolicy { line: 0, rule };
        if bytes.len() > POLICY_LIMIT {
            return Err(whole("it is longer than the limit"));
        }
        let text = std::str::from_utf8(bytes).map_err(|_| whole("it is not text in UTF-8"))?;
        if text.bytes().any(|byte| (byte < 0x20 && byte != b'\t' && byte != b'\n') || byte == 0x7f) {
            return Err(whole("it has a control character"));
        }
        if !text.is_empty() && !text.ends_with('\n') {
            return Err(whole("its last line has no end"));
        }
        let mut reading = Reading::default();
        for (number, line) in (1..).zip(text.lines()) {
            let words: Vec<&str> = line.split([' ', '\t']).filter(|word| !word.is_empty()).collect();
            if words.first().is_none_or(|word| word.starts_with('#')) {
                continue;
            }
            reading.line(&words).map_err(|rule| BadPolicy { line: number, rule })?;
        }
        let quorum = reading.quorum.ok_or(whole("it has no quorum line"))?;
        Ok(Self { logs: reading.logs, witnesses: reading.witnesses, groups: reading.groups, quorum })
    }

    /// A policy of these logs and no witness.
    pub fn of_logs(logs: Vec<VerifierKey>) -> Self {
        Self { logs, witnesses: Vec::new(), groups: BTreeMap::new(), quorum: None }
    }

    /// The same policy with more logs.
    #[must_use]
    pub fn with_logs(mut self, logs: Vec<VerifierKey>) -> Self {
        self.logs.extend(logs);
        self
    }

    /// The logs; none where they are known otherwise.
    pub fn logs(&self) -> &[VerifierKey] {
        &self.logs
    }

    /// The witnesses.
    pub fn witnesses(&self) -> impl Iterator<Item = &WitnessKey> {
        self.witnesses.iter().map(|(_, key)| key)
    }

    /// Whether any witness is asked for.
    pub fn asks_for_witnesses(&self) -> bool {
        self.quorum.is_some()
    }

    /// Whether these witnesses are enough.
    pub fn is_met_by(&self, signed: &[WitnessKey]) -> bool {
        let Some(quorum) = &self.quorum else { return true };
        let keys: BTreeSet<PublicKey> = signed.iter().map(WitnessKey::key).collect();
        let mut met: BTreeMap<&str, bool> =
            self.witnesses.iter().map(|(name, key)| (name.as_str(), keys.contains(&key.key()))).collect();
        // A group names what stands above it only, so that as many rounds as there are groups settle all of them.
        for _ in 0..self.groups.len() {
            for (name, group) in &self.groups {
                let count =
                    group.members.iter().filter(|member| met.get(member.as_str()) == Some(&true)).count();
                met.insert(name, count >= group.needed);
            }
        }
        met.get(quorum.as_str()) == Some(&true)
    }
}

impl Reading {
    fn line(&mut self, words: &[&str]) -> Result<(), &'static str> {
        match words {
            ["log", key] | ["log", key, _] => self.log(key),
            ["witness", name, key] | ["witness", name, key, _] => self.witness(name, key),
            ["group", name, needed, members @ ..] => self.group(name, needed, members),
            ["quorum", name] => self.quorum(name),
            _ => Err("it is not a line of a policy"),
        }
    }

    fn log(&mut self, key: &str) -> Result<(), &'static str> {
        let key: VerifierKey = key.parse().map_err(|_| "the key is not a log's")?;
        if !self.log_keys.insert(key.key()) {
            return Err("a log is named twice");
        }
        self.logs.push(key);
        if self.logs.len() > COUNT_LIMIT { Err("there are too many") } else { Ok(()) }
    }

    fn witness(&mut self, name: &str, key: &str) -> Result<(), &'static str> {
        let key: WitnessKey = key.parse().map_err(|_| "the key is not a witness's")?;
        self.new_name(name)?;
        if !self.witness_keys.insert(key.key()) {
            return Err("a witness is named twice");
        }
        self.witnesses.push((name.to_owned(), key));
        if self.witnesses.len() > COUNT_LIMIT { Err("there are too many") } else { Ok(()) }
    }

    fn new_name(&self, name: &str) -> Result<(), &'static str> {
        if name == NONE || self.is_known(name) { Err("the name is taken") } else { Ok(()) }
    }

    fn is_known(&self, name: &str) -> bool {
        self.groups.contains_key(name) || self.witnesses.iter().any(|(known, _)| known == name)
    }

    fn group(&mut self, name: &str, needed: &str, members: &[&str]) -> Result<(), &'static str> {
        self.new_name(name)?;
        let needed = match needed {
            "all" => members.len(),
            "any" => 1,
            digits => {
                let number: usize = digits.parse().map_err(|_| "the number is none")?;
                if number.to_string() == digits { number } else { return Err("the number is none") }
            }
        };
        if needed == 0 || needed > members.len() || members.len() > COUNT_LIMIT {
            return Err("the group cannot have so many");
        }
        for member in members {
            if !self.is_known(member) {
                return Err("a member is not defined above");
            }
            if !self.placed.insert((*member).to_owned()) {
                return Err("a member is in a group already");
            }
        }
        let members = members.iter().map(|member| (*member).to_owned()).collect();
        self.groups.insert(name.to_owned(), Group { needed, members });
        if self.groups.len() > COUNT_LIMIT { Err("there are too many") } else { Ok(()) }
    }

    fn quorum(&mut self, name: &str) -> Result<(), &'static str> {
        if self.quorum.is_some() {
            return Err("there are two quorum lines");
        }
        if name != NONE && !self.is_known(name) {
            return Err("the quorum is not defined above");
        }
        self.quorum = Some((name != NONE).then(|| name.to_owned()));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SigningKey;
    use proptest::prelude::*;

    fn witness(seed: u8) -> WitnessKey {
        WitnessKey::of_member(SigningKey::from_seed([seed; 32]).public())
    }

    fn log(seed: u8) -> VerifierKey {
        VerifierKey::new("example.com/log", SigningKey::from_seed([seed; 32]).public()).unwrap()
    }

    fn rule(text: &str) -> (usize, &'static str) {
        let bad = Quorum::parse(text.as_bytes()).unwrap_err();
        (bad.line, bad.rule)
    }

    /// The shape of the specification's example: two of three, one of three, and both.
    fn example() -> String {
        let mut text = format!("# logs\nlog {} https://example.com/\n\n", log(1));
        for (name, seed) in [("X1", 11), ("X2", 12), ("X3", 13), ("Y1", 21), ("Y2", 22), ("Y3", 23)] {
            text.push_str(&format!(" witness\t{name}  {}\n", witness(seed)));
        }
        text.push_str("group X 2 X1 X2 X3\ngroup Y any Y1 Y2 Y3\ngroup A all X Y\nquorum A\n");
        text
    }

    #[test]
    fn the_quorum_is_met_exactly_by_enough_of_each_group() {
        let policy = Quorum::parse(example().as_bytes()).unwrap();
        assert_eq!((policy.logs(), policy.witnesses().count()), (&[log(1)][..], 6));
        let all = [11, 12, 13, 21, 22, 23];
        for mask in 0..64_u32 {
            let signed: Vec<WitnessKey> = all
                .iter()
                .enumerate()
                .filter(|(at, _)| mask >> at & 1 == 1)
                .map(|(_, seed)| witness(*seed))
                .collect();
            let met = (mask & 7).count_ones() >= 2 && mask >> 3 != 0;
            assert_eq!(policy.is_met_by(&signed), met, "{mask:b}");
        }
        // The same witness under two names, and strangers, count for nothing more.
        let twin = WitnessKey::new("other", witness(11).key()).unwrap();
        assert!(!policy.is_met_by(&[witness(11), twin, witness(21), witness(77)]));
        let one = format!("witness w {}\nquorum w\n", witness(1));
        let one = Quorum::parse(one.as_bytes()).unwrap();
        assert!(one.asks_for_witnesses() && one.is_met_by(&[witness(1)]) && !one.is_met_by(&[]));
        let none = Quorum::parse(b"quorum none\n").unwrap();
        assert!(!none.asks_for_witnesses() && none.is_met_by(&[]));
    }

    #[test]
    fn what_breaks_a_rule_is_named_with_its_line() {
        let (w, x) = (witness(1), witness(2));
        let twin = WitnessKey::new("other", w.key()).unwrap();
        for (text, expected) in [
            (String::new(), (0, "it has no quorum line")),
            ("quorum none".into(), (0, "its last line has no end")),
            ("quorum none\r\n".into(), (0, "it has a control character")),
            ("quorum none\nquorum none\n".into(), (2, "there are two quorum lines")),
            ("\n# x\nquorum w\n".into(), (3, "the quorum is not defined above")),
            (format!("quorum w\nwitness w {w}\n"), (1, "the quorum is not defined above")),
            (format!("log {w}\n"), (1, "the key is not a log's")),
            (format!("witness w {}\n", log(1)), (1, "the key is not a witness's")),
            (
                format!("log {}\nlog {}\n", log(1), VerifierKey::new("twin", log(1).key()).unwrap()),
                (2, "a log is named twice"),
            ),
            (format!("witness a {w}\nwitness b {twin}\n"), (2, "a witness is named twice")),
            (format!("witness a {w}\nwitness a {x}\n"), (2, "the name is taken")),
            (format!("witness none {w}\n"), (1, "the name is taken")),
            (format!("witness a {w}\ngroup a any a\n"), (2, "the name is taken")),
            (format!("witness a {w}\ngroup g any b\n"), (2, "a member is not defined above")),
            (format!("witness a {w}\ngroup g any g\n"), (2, "a member is not defined above")),
            (format!("witness a {w}\ngroup g any none\n"), (2, "a member is not defined above")),
            (format!("witness a {w}\ngroup g any a a\n"), (2, "a member is in a group already")),
            (format!("witness a {w}\ngroup g any a\ngroup h any a\n"), (3, "a member is in a group already")),
            (format!("witness a {w}\ngroup g 0 a\n"), (2, "the group cannot have so many")),
            (format!("witness a {w}\ngroup g 2 a\n"), (2, "the group cannot have so many")),
            (format!("witness a {w}\ngroup g all\n"), (2, "the group cannot have so many")),
            (format!("witness a {w}\ngroup g 01 a\n"), (2, "the number is none")),
            (format!("witness a {w}\ngroup g +1 a\n"), (2, "the number is none")),
            ("Quorum none\n".into(), (1, "it is not a line of a policy")),
            ("quorum none none\n".into(), (1, "it is not a line of a policy")),
        ] {
            assert_eq!(rule(&text), expected, "{text}");
        }
        assert_eq!(Quorum::parse(b"quorum \xff\n").unwrap_err().line, 0);
        assert!(Quorum::parse(&vec![b'#'; POLICY_LIMIT + 1]).is_err());
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), text in "((log|witness|group|quorum|#| )[ -~]{0,20}\n){0,8}") {
            let _ = Quorum::parse(&bytes);
            let _ = Quorum::parse(text.as_bytes());
        }
    }
}
