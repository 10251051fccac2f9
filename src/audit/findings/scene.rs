//! A vault's people and log, made up for the tests of the rules.

// Helpers of a test fail as tests do.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing)]

use super::{Calendar, Context, Covered, Finding, Name, Place, Rules, Seq, Watch};
use crate::crypto::{PublicKey, SigningKey};
use crate::id::{DocumentId, HostId, MemberId, SessionId};
use crate::label::{Class, KeyKind, Role, Zone};
use crate::log::entry::{Boot, Draft, Entry, Event, Object, Outcome, Phase};
use crate::note::{SignedNote, member_id, member_key_name};
use crate::roster::{Host, InForce, KeyName, Member, Purpose, Roster, found};
use crate::time::{Moment, Timestamp};

/// The seeds of an officer, two clerks, and somebody who is nobody.
pub(super) const OLGA: u8 = 1;
pub(super) const CARA: u8 = 2;
pub(super) const CARL: u8 = 3;
pub(super) const NOBODY: u8 = 9;

pub(super) fn id(seed: u8) -> MemberId {
    member_id(&key(seed).public())
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

pub(super) fn member(seed: u8, name: &str, role: Role, clearance: &[Class]) -> Member {
    Member {
        id: id(seed),
        name: name.to_owned(),
        key: key(seed).public(),
        recipient: "age1example".to_owned(),
        role,
        clearance: clearance.to_vec(),
        titles: true,
        import: true,
        release: true,
        sponsor: None,
        until: None,
        joined: time("2026-01-05 08:00"),
    }
}

/// The two hosts of the roster.
pub(super) fn host(number: u8) -> HostId {
    Host::id_of(&host_key(number))
}

fn host_key(number: u8) -> PublicKey {
    key(100 + number).public()
}

fn first() -> Roster {
    let mut hosts: Vec<Host> = [1, 2]
        .map(|number| Host { id: host(number), key: host_key(number), name: format!("desk {number}") })
        .to_vec();
    hosts.sort_by_key(|host| host.id);
    let mut keys: Vec<_> =
        Purpose::ALL.map(|purpose| (KeyName { purpose, generation: 1 }, "age1key".to_owned())).to_vec();
    keys.sort();
    let mut members = vec![
        member(OLGA, "Olga", Role::Officer, &[Class::Critical, Class::Important]),
        member(CARA, "Cara", Role::Clerk, &[Class::Important]),
        member(CARL, "Carl", Role::Clerk, &[Class::Important]),
    ];
    members.sort_by_key(|member| member.id);
    Roster {
        vault: None,
        version: 1,
        previous: None,
        created: time("2026-01-05 08:00"),
        name: "v".to_owned(),
        zone: Zone::Isolated,
        key_kind: KeyKind::Classic,
        officers_needed: 1,
        policy: None,
        deposit_for: None,
        keys,
        hosts,
        members,
    }
}

fn signed(roster: &Roster) -> Vec<u8> {
    let name = member_key_name(id(OLGA));
    SignedNote::sign(&roster.print().unwrap(), &[(&name, &key(OLGA))]).unwrap().print().into_bytes()
}

/// A chain of rosters; each function changes the one before into the next.
pub(super) fn chain(changes: &[&dyn Fn(&mut Roster)]) -> Vec<InForce> {
    let mut chain = vec![found(&signed(&first())).unwrap()];
    for change in changes {
        let last = chain.last().unwrap();
        let mut next = last.roster().clone();
        next.version += 1;
        next.vault = Some(last.vault());
        next.previous = Some(last.digest());
        change(&mut next);
        next.members.sort_by_key(|member| member.id);
        let next = last.succeed(&signed(&next)).unwrap();
        chain.push(next);
    }
    chain
}

/// Changes one member.
pub(super) fn with(roster: &mut Roster, seed: u8, change: impl Fn(&mut Member)) {
    change(roster.members.iter_mut().find(|member| member.id == id(seed)).unwrap());
}

/// `2026-11-23 08:00`, to the second or to the millisecond, in UTC.
pub(super) fn time(text: &str) -> Timestamp {
    let rest = &":00.000"[..23 - text.len().max(16)];
    let rest = if text.len() == 19 { ".000" } else { rest };
    format!("{}{rest}Z", text.replace(' ', "T")).parse().unwrap()
}

pub(super) fn later(of: Timestamp, ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(of.unix_ms() + ms)
}

/// A log, as it grows.
#[derive(Clone)]
pub(super) struct Log {
    pub(super) entries: Vec<(u64, Entry)>,
    pub(super) epoch: u64,
    next: u64,
}

impl Log {
    /// Of a vault that was made long ago.
    pub(super) fn new() -> Self {
        let mut log = Self { entries: Vec::new(), epoch: 1, next: 0 };
        log.push("2026-01-05 08:00", Event::VaultInit, |draft| by(draft, OLGA, Role::Officer));
        log
    }

    /// Without any entry.
    pub(super) fn empty() -> Self {
        Self { entries: Vec::new(), epoch: 1, next: 0 }
    }

    /// Appends an entry; gives its place.
    pub(super) fn push(&mut self, at: &str, event: Event, edit: impl FnOnce(&mut Draft)) -> u64 {
        self.push_at(time(at), event, edit)
    }

    pub(super) fn push_at(&mut self, at: Timestamp, event: Event, edit: impl FnOnce(&mut Draft)) -> u64 {
        // A machine that was started long ago, and whose clock is right.
        let start = time("2020-01-01 00:00").unix_ms();
        let mono_ms = u64::try_from(at.unix_ms() - start).unwrap_or(0);
        let now = Moment { time: at, boot: "b".to_owned(), mono_ms };
        let session = SessionId([7; 16]);
        let mut draft = Draft::new(event, Outcome::Ok, session, host(1), Zone::Isolated, &now);
        edit(&mut draft);
        let seq = self.next;
        self.next += 1;
        self.entries.push((self.epoch, draft.entry(seq).unwrap()));
        seq
    }

    /// The next epoch begins.
    pub(super) fn resume(&mut self) {
        (self.epoch, self.next) = (self.epoch + 1, 0);
    }

    /// Entries are lost.
    pub(super) fn skip(&mut self, count: u64) {
        self.next += count;
    }

    /// Somebody opens a document of class `important`, from its intent to its end.
    pub(super) fn open(&mut self, at: &str, who: u8, document: u32) {
        let begun = self.push(at, Event::DocumentOpen, |draft| opens(draft, who, document));
        self.push(at, Event::DocumentOpen, |draft| {
            opens(draft, who, document);
            (draft.phase, draft.closes) = (Phase::Done, Some(begun));
        });
    }
}

pub(super) fn by(draft: &mut Draft, who: u8, role: Role) {
    (draft.actor.id, draft.actor.role) = (Some(id(who)), Some(role));
}

/// An intent to open a document.
pub(super) fn opens(draft: &mut Draft, who: u8, document: u32) {
    by(draft, who, if who == OLGA { Role::Officer } else { Role::Clerk });
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&document.to_be_bytes());
    let mut object = Object::document(DocumentId(bytes));
    object.class = Some(Class::Important);
    (draft.object, draft.phase) = (Some(object), Phase::Intent);
}

pub(super) fn clerk(who: u8) -> impl Fn(&mut Draft) {
    move |draft| by(draft, who, Role::Clerk)
}

pub(super) fn boot(text: &str) -> Boot {
    text.parse().unwrap()
}

/// What the watch is told.
pub(super) struct Told<'a> {
    pub(super) chain: Vec<InForce>,
    pub(super) calendar: &'a str,
    pub(super) ahead: i64,
    pub(super) period: (Option<Timestamp>, Option<Timestamp>),
    pub(super) now: Timestamp,
    pub(super) live: bool,
    pub(super) covered: Option<Covered>,
}

impl Default for Told<'_> {
    fn default() -> Self {
        Self {
            chain: chain(&[]),
            calendar: "",
            ahead: 0,
            period: (None, None),
            now: time("2026-11-27 12:00"),
            live: true,
            covered: None,
        }
    }
}

impl Told<'_> {
    /// What all rules of this file find.
    pub(super) fn all(&self, log: &Log, rules: &Rules) -> Vec<Finding> {
        let calendar = Calendar::parse(self.calendar).unwrap();
        let ahead = |_: Timestamp| self.ahead;
        let place = Place { calendar: &calendar, ahead: &ahead, chain: &self.chain, period: self.period };
        let mut watch = Watch::new(rules, place);
        for (epoch, entry) in &log.entries {
            watch.entry(Seq { epoch: *epoch, seq: entry.seq() }, entry);
        }
        watch.finish(Context { now: self.now, live: self.live, covered: self.covered.as_ref() })
    }

    /// What one rule finds, with the thresholds of this section.
    pub(super) fn one(&self, log: &Log, name: Name, thresholds: &str) -> Vec<Finding> {
        let rules = Rules::parse(&format!("[{name}]\n{thresholds}")).unwrap();
        self.all(log, &rules.only(&[name]))
    }
}

/// What one rule finds with its own thresholds.
pub(super) fn one(log: &Log, name: Name) -> Vec<Finding> {
    Told::default().one(log, name, "")
}

pub(super) fn fact<'a>(finding: &'a Finding, name: &str) -> &'a str {
    let known = finding.facts.iter().find(|(known, _)| *known == name);
    known.map(|(_, value)| value.as_str()).unwrap_or_else(|| panic!("{finding:?} has no {name}"))
}

/// Places in the first epoch.
pub(super) fn seqs(finding: &Finding) -> Vec<u64> {
    finding.entries.iter().map(|entry| entry.seq).collect()
}
