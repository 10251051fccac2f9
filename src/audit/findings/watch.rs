//! The eye that goes over a log from its first entry to its last.

use super::acts::Acts;
use super::attempts::Attempts;
use super::calendar::{Calendar, DAY_MS};
use super::clocks::Clocks;
use super::cover::{Cover, Covered};
use super::hours::Hours;
use super::people::People;
use super::pile::{Of, Pile, Sight};
use super::rights::Rights;
use super::rules::Rules;
use super::transfers::Transfers;
use super::{Finding, Name, Seq, Weight};
use crate::id::{HostId, MemberId};
use crate::log::entry::Entry;
use crate::roster::{InForce, Roster};
use crate::time::Timestamp;

/// What a watch is told before the first entry.
#[derive(Clone, Copy)]
pub struct Place<'a> {
    /// Days off.
    pub calendar: &'a Calendar,
    /// How many seconds clocks on the wall are ahead of UTC at a time.
    pub ahead: &'a dyn Fn(Timestamp) -> i64,
    /// Every roster of the vault, from which follows who was who at an entry.
    pub chain: &'a [InForce],
    /// Findings are wanted of entries from the first time up to the second, which is not among them. Entries outside are fed
    /// all the same: whether something is new depends on them.
    pub period: (Option<Timestamp>, Option<Timestamp>),
}

impl std::fmt::Debug for Place<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Place({} rosters)", self.chain.len())
    }
}

/// What a watch is told after the last entry.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Now.
    pub now: Timestamp,
    /// Whether the log is the vault's own, so that nothing happened after its newest entry. Of an export nobody knows: there,
    /// how long somebody was not seen is counted up to its newest entry.
    pub live: bool,
    /// How far signatures of witnesses reach in the newest epoch; none where that was not looked at.
    pub covered: Option<&'a Covered>,
}

/// An entry, and what is known around it.
#[derive(Clone, Copy)]
pub(super) struct Here<'a> {
    pub(super) at: Sight,
    pub(super) entry: &'a Entry,
    /// The day, counted from 1970, and the minute of it, where people are.
    pub(super) day: i64,
    pub(super) minute: i64,
    /// The roster in force, as far as it is known.
    pub(super) roster: Option<&'a Roster>,
}

/// The end of the log.
pub(super) struct End<'a> {
    pub(super) now: Timestamp,
    /// Up to when the log speaks.
    pub(super) upto: Timestamp,
    pub(super) newest: Option<&'a Roster>,
    pub(super) covered: Option<&'a Covered>,
}

impl Of {
    pub(super) fn new(rule: Name, weight: Weight, member: Option<MemberId>) -> Self {
        Self { rule, weight, member }
    }
}

/// Looks at a log, entry by entry.
pub struct Watch<'a> {
    place: Place<'a>,
    pile: Pile,
    rights: Rights<'a>,
    hours: Hours,
    people: People,
    attempts: Attempts,
    clocks: Clocks,
    acts: Acts,
    transfers: Transfers,
    cover: Cover,
    /// A quarter of an hour, and what clocks on the wall are ahead in it: they are set at its ends only.
    ahead: Option<(i64, i64)>,
    newest: Option<Timestamp>,
}

impl std::fmt::Debug for Watch<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Watch(up to {:?})", self.newest)
    }
}

/// Milliseconds of a quarter of an hour.
const QUARTER_MS: i64 = 900_000;

impl<'a> Watch<'a> {
    /// Before the first entry.
    pub fn new(rules: &Rules, place: Place<'a>) -> Self {
        Self {
            pile: Pile::new(rules, place.period),
            rights: Rights::new(place.chain),
            hours: Hours::new(rules),
            people: People::new(rules),
            attempts: Attempts::new(rules),
            clocks: Clocks::new(rules),
            acts: Acts::new(rules),
            transfers: Transfers::new(rules),
            cover: Cover::new(rules),
            ahead: None,
            newest: None,
            place,
        }
    }

    /// The next entry, in the order of the log.
    pub fn entry(&mut self, seq: Seq, entry: &Entry) {
        let time = entry.time();
        let wall = time.unix_ms().saturating_add(self.ahead_at(time).saturating_mul(1000));
        self.rights.follow(entry);
        let here = Here {
            at: Sight { seq, time },
            entry,
            day: wall.div_euclid(DAY_MS),
            minute: wall.rem_euclid(DAY_MS) / 60_000,
            roster: self.rights.in_force(),
        };
        let pile = &mut self.pile;
        self.cover.entry(&here, pile);
        self.clocks.entry(&here, pile);
        self.rights.entry(&here, pile);
        self.hours.entry(&here, self.place.calendar, pile);
        self.people.entry(&here, pile);
        self.attempts.entry(&here, pile);
        self.acts.entry(&here, pile);
        self.transfers.entry(&here, pile);
        self.newest = self.newest.max(Some(time));
    }

    fn ahead_at(&mut self, time: Timestamp) -> i64 {
        let quarter = time.unix_ms().div_euclid(QUARTER_MS);
        match self.ahead {
            Some((known, ahead)) if known == quarter => ahead,
            _ => {
                let ahead = (self.place.ahead)(time);
                self.ahead = Some((quarter, ahead));
                ahead
            }
        }
    }

    /// The end of the log: what was found, the heaviest first.
    pub fn finish(mut self, context: Context<'_>) -> Vec<Finding> {
        let newest = self.place.chain.last().map(InForce::roster);
        let end = End {
            now: context.now,
            upto: if context.live { context.now } else { self.newest.unwrap_or(context.now) },
            newest,
            covered: context.covered,
        };
        self.people.finish(&end, &mut self.pile);
        self.acts.finish(&end, &mut self.pile);
        self.transfers.finish(&end, &mut self.pile);
        self.cover.finish(&end, &mut self.pile);
        let chain = self.place.chain;
        self.pile.findings(|member| name_of(chain, member))
    }
}

/// What the newest roster that names a member calls him; the id where none does.
fn name_of(chain: &[InForce], member: MemberId) -> String {
    let mut known = chain.iter().rev().filter_map(|version| version.roster().member(member));
    known.next().map_or_else(|| member.to_string(), |member| member.name.clone())
}

impl Here<'_> {
    /// What the roster calls a host; the id where it does not name it.
    pub(super) fn host_name(&self, host: HostId) -> String {
        let known = self.roster.and_then(|roster| roster.host(host));
        known.map_or_else(|| host.to_string(), |host| host.name.clone())
    }

    /// The code of the reason.
    pub(super) fn reason(&self) -> &str {
        self.entry.reason().map_or("", |code| code.as_str())
    }
}

/// So many of something within a time.
#[derive(Debug)]
pub(super) struct Window {
    kept: std::collections::VecDeque<(Sight, Option<[u8; 16]>)>,
    told: std::collections::HashSet<[u8; 16]>,
    full: bool,
}

impl Window {
    pub(super) fn new() -> Self {
        Self { kept: std::collections::VecDeque::new(), told: std::collections::HashSet::new(), full: false }
    }

    /// Takes one in; gives what there is to tell: all of them when they become enough, and each one more while they are. The
    /// same thing counts once.
    pub(super) fn take(
        &mut self,
        at: Sight,
        what: Option<[u8; 16]>,
        (most, span): (usize, i64),
    ) -> Vec<Sight> {
        while let Some((front, _)) = self.kept.front()
            && at.time.unix_ms().saturating_sub(front.time.unix_ms()) > span
        {
            self.pop();
        }
        if what.is_some_and(|what| !self.told.insert(what)) {
            return Vec::new();
        }
        self.kept.push_back((at, what));
        if self.kept.len() > most {
            self.pop();
        }
        let was_full = std::mem::replace(&mut self.full, self.kept.len() >= most);
        match (was_full, self.full) {
            (true, true) => vec![at],
            (false, true) => self.kept.iter().map(|(sight, _)| *sight).collect(),
            (_, false) => Vec::new(),
        }
    }

    fn pop(&mut self) {
        if let Some((_, Some(what))) = self.kept.pop_front() {
            self.told.remove(&what);
        }
    }
}
