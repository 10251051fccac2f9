//! The roster's text: `key value` lines in a fixed order, one spelling for each content.

use super::{HOST_LIMIT, Host, KeyName, MEMBER_LIMIT, Member, Purpose, Roster, RosterError};
use crate::crypto::PublicKey;
use crate::encoding::{base64, unbase64};
use crate::label::Class;
use crate::note::{Fields, FieldsReader, is_value, member_id};

/// The first line.
pub const ROSTER_KIND: &str = "gapvault.roster/v1";
/// Longest name of a vault, host or person in bytes of UTF-8.
pub const NAME_LIMIT: usize = 200;

const NONE: &str = "none";
/// Where a vault goes by the policy that the program has.
const BUILT_IN: &str = "built-in";
/// Where version 1 stands in for the vault id, which is the digest of this very text.
const SELF: &str = "self";

impl Roster {
    /// The text that officers sign. A name with control characters or blanks at its ends is malformed.
    pub fn print(&self) -> Result<String, RosterError> {
        let mut out = Fields::new(ROSTER_KIND);
        out.put("vault", or_word(self.vault, SELF));
        out.put("version", self.version);
        out.put("previous", or_word(self.previous, NONE));
        out.put("created", self.created);
        out.put("name", &self.name);
        out.put("zone", self.zone);
        out.put("keys", self.key_kind);
        out.put("officers-needed", self.officers_needed);
        out.put("policy", or_word(self.policy, BUILT_IN));
        out.put_some("deposit-for", self.deposit_for);
        for (name, key) in &self.keys {
            out.put(&format!("key.{}.{}", name.purpose.as_str(), name.generation), key);
        }
        for host in &self.hosts {
            out.put(&format!("host.{}.key", host.id), base64(&host.key.0));
            out.put(&format!("host.{}.name", host.id), &host.name);
        }
        for member in &self.members {
            print_member(member, &mut out);
        }
        out.finish().map_err(|_| RosterError::Malformed)
    }

    /// Reads what [`Roster::print`] wrote, and nothing else.
    pub fn parse(text: &str) -> Result<Self, RosterError> {
        let roster = read(text).ok_or(RosterError::Malformed)?;
        // Printing again settles order, duplicates, and spellings like "01" in one place.
        if roster.is_orderly() && roster.print()? == text { Ok(roster) } else { Err(RosterError::Malformed) }
    }

    /// What the text alone does not hold: sorted, nobody twice, ids that fit their keys.
    fn is_orderly(&self) -> bool {
        let keys_sorted = self.keys.windows(2).all(|pair| matches!(pair, [a, b] if a.0 < b.0));
        let hosts_sorted = self.hosts.windows(2).all(|pair| matches!(pair, [a, b] if a.id < b.id));
        let members_sorted = self.members.windows(2).all(|pair| matches!(pair, [a, b] if a.id < b.id));
        let first = self.version == 1;
        keys_sorted
            && hosts_sorted
            && members_sorted
            && self.version >= 1
            && first == self.vault.is_none()
            && first == self.previous.is_none()
            && self.officers_needed >= 1
            && self.officers().next().is_some()
            && self.members.len() <= MEMBER_LIMIT
            && self.hosts.len() <= HOST_LIMIT
            && self.keys.iter().all(|(name, _)| name.generation >= 1)
            && self.hosts.iter().all(|host| Host::id_of(&host.key) == host.id && is_name(&host.name))
            && self.members.iter().all(|member| member_id(&member.key) == member.id)
            && self.members.iter().all(|member| is_name(&member.name) && is_sorted(&member.clearance))
            && is_name(&self.name)
    }
}

/// A name that a person can have meant: one line, not empty, no control characters, no blanks at its ends.
pub fn is_name(name: &str) -> bool {
    name.len() <= NAME_LIMIT && is_value(name)
}

fn is_sorted<T: Ord>(items: &[T]) -> bool {
    items.windows(2).all(|pair| matches!(pair, [a, b] if a < b))
}

fn or_word(value: Option<impl ToString>, word: &str) -> String {
    value.map_or_else(|| word.to_owned(), |value| value.to_string())
}

fn words<T: Copy>(chosen: &[T], word: impl Fn(T) -> &'static str) -> String {
    if chosen.is_empty() {
        return NONE.to_owned();
    }
    chosen.iter().map(|item| word(*item)).collect::<Vec<_>>().join(",")
}

fn print_member(member: &Member, out: &mut Fields) {
    let key = |field: &str| format!("member.{}.{field}", member.id);
    out.put(&key("name"), &member.name);
    out.put(&key("role"), member.role);
    out.put(&key("key"), base64(&member.key.0));
    out.put(&key("recipient"), &member.recipient);
    out.put(&key("clearance"), words(&member.clearance, Class::as_str));
    out.put(&key("rights"), words(&rights(member), |right| right));
    out.put(&key("sponsor"), or_word(member.sponsor, NONE));
    out.put(&key("until"), member.until.as_deref().unwrap_or(NONE));
    out.put(&key("joined"), member.joined);
}

fn rights(member: &Member) -> Vec<&'static str> {
    [("titles", member.titles), ("import", member.import), ("release", member.release)]
        .into_iter()
        .filter_map(|(word, has)| has.then_some(word))
        .collect()
}

fn read(text: &str) -> Option<Roster> {
    let mut fields = FieldsReader::new(text, ROSTER_KIND).ok()?;
    let mut roster = Roster {
        vault: optional(fields.take("vault").ok()?, SELF)?,
        version: fields.take_as("version").ok()?,
        previous: optional(fields.take("previous").ok()?, NONE)?,
        created: fields.take_as("created").ok()?,
        name: fields.take("name").ok()?.to_owned(),
        zone: fields.take_as("zone").ok()?,
        key_kind: fields.take_as("keys").ok()?,
        officers_needed: fields.take_as("officers-needed").ok()?,
        policy: optional(fields.take("policy").ok()?, BUILT_IN)?,
        deposit_for: fields.take_some_as("deposit-for").ok()?,
        keys: Vec::new(),
        hosts: Vec::new(),
        members: Vec::new(),
    };
    for (name, value) in fields.take_prefixed("key.") {
        roster.keys.push((read_key_name(name)?, value.to_owned()));
    }
    for lines in fields.take_prefixed("host.").chunks(2) {
        roster.hosts.push(read_host(lines)?);
    }
    for lines in fields.take_prefixed("member.").chunks(9) {
        roster.members.push(read_member(lines)?);
    }
    fields.finish().ok()?;
    Some(roster)
}

fn read_host(lines: &[(&str, &str)]) -> Option<Host> {
    let [(key_field, key), (_, name)] = lines else { return None };
    let id = key_field.strip_suffix(".key")?.parse().ok()?;
    Some(Host { id, key: read_public_key(key)?, name: (*name).to_owned() })
}

fn optional<T: std::str::FromStr>(text: &str, absent: &str) -> Option<Option<T>> {
    if text == absent { Some(None) } else { text.parse().ok().map(Some) }
}

fn read_key_name(text: &str) -> Option<KeyName> {
    let (purpose, generation) = text.split_once('.')?;
    let purpose = Purpose::ALL.into_iter().find(|known| known.as_str() == purpose)?;
    Some(KeyName { purpose, generation: generation.parse().ok()? })
}

fn read_public_key(text: &str) -> Option<PublicKey> {
    Some(PublicKey(unbase64(text)?.try_into().ok()?))
}

/// The keys of these nine lines are settled when the roster is printed again.
fn read_member(lines: &[(&str, &str)]) -> Option<Member> {
    let [(first, name), rest @ ..] = lines else { return None };
    let values: Vec<&str> = rest.iter().map(|(_, value)| *value).collect();
    let [role, key, recipient, clearance, rights, sponsor, until, joined] = values.as_slice() else {
        return None;
    };
    let rights = read_words(rights, |word| Some(word.to_owned()))?;
    let has = |right: &str| rights.iter().any(|word| word == right);
    Some(Member {
        id: first.strip_suffix(".name")?.parse().ok()?,
        name: (*name).to_owned(),
        key: read_public_key(key)?,
        recipient: (*recipient).to_owned(),
        role: role.parse().ok()?,
        clearance: read_words(clearance, |word| word.parse().ok())?,
        titles: has("titles"),
        import: has("import"),
        release: has("release"),
        sponsor: optional(sponsor, NONE)?,
        until: optional(until, NONE)?,
        joined: joined.parse().ok()?,
    })
}

fn read_words<T>(text: &str, read: impl Fn(&str) -> Option<T>) -> Option<Vec<T>> {
    if text == NONE { Some(Vec::new()) } else { text.split(',').map(read).collect() }
}

#[cfg(test)]
mod tests {
    use super::super::tests::sample;
    use super::*;

    #[test]
    fn a_roster_reads_as_it_prints() {
        let roster = sample();
        let text = roster.print().unwrap();
        assert_eq!(Roster::parse(&text).unwrap(), roster);
    }

    #[test]
    fn no_line_can_be_dropped_doubled_or_moved() {
        let text = sample().print().unwrap();
        let lines: Vec<&str> = text.lines().collect();
        for index in 0..lines.len() {
            let mut dropped = lines.clone();
            dropped.remove(index);
            let mut doubled = lines.clone();
            doubled.insert(index, lines[index]);
            let mut swapped = lines.clone();
            swapped.swap(index, (index + 1) % lines.len());
            for variant in [dropped, doubled, swapped] {
                let variant = variant.join("\n") + "\n";
                // Dropping a whole key line is another valid text; its digest is another one too.
                let parsed = Roster::parse(&variant);
                assert!(parsed.is_err() || lines[index].starts_with("key."), "{variant}");
            }
        }
    }

    #[test]
    fn a_name_that_passes_can_be_printed() {
        for (name, fine) in
            [("第一庫", true), ("a\u{2028}b", false), ("a\u{2029}b", false), ("a\u{85}b", false)]
        {
            assert_eq!(is_name(name), fine, "{name:?}");
            assert_eq!(Roster { name: name.to_owned(), ..sample() }.print().is_ok(), fine, "{name:?}");
        }
    }

    #[test]
    fn other_spellings_are_refused() {
        let text = sample().print().unwrap();
        for (from, to) in [
            ("version 1\n", "version 01\n"),
            ("version 1\n", "version 0\n"),
            ("officers-needed 1", "officers-needed 0"),
            ("clearance critical,important", "clearance important,critical"),
            ("clearance critical,important", "clearance critical,critical"),
            ("rights titles,import,release", "rights import,titles,release"),
            ("key.critical.1", "key.critical.0"),
            ("vault self", "vault none"),
        ] {
            assert!(text.contains(from), "{from}");
            assert!(Roster::parse(&text.replacen(from, to, 1)).is_err(), "{to}");
        }
    }
}
