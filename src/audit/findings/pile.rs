//! What was found so far, put together.

use std::collections::{BTreeMap, HashMap};

use super::names::Name;
use super::rules::Rules;
use super::{Finding, Seq, Weight};
use crate::id::MemberId;
use crate::time::Timestamp;

/// How many entries a finding shows at most: the first ones, and the newest.
pub const ENTRIES_SHOWN: usize = 8;
/// So many findings of one rule are told apart by day; what comes after is put together by member.
const APART: usize = 5_000;

/// A look at an entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Sight {
    pub(super) seq: Seq,
    pub(super) time: Timestamp,
}

/// What findings of one rule and member are told apart by, besides the day.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub(super) struct Key {
    pub(super) day: i64,
    pub(super) what: Option<[u8; 16]>,
    pub(super) word: Option<String>,
}

impl Key {
    pub(super) fn day(day: i64) -> Self {
        Self { day, ..Self::default() }
    }

    /// By a day and a host.
    pub(super) fn host(day: i64, host: crate::id::HostId) -> Self {
        let mut what = [0; 16];
        what.iter_mut().zip(host.0).for_each(|(to, from)| *to = from);
        Self { day, what: Some(what), word: None }
    }

    pub(super) fn what(id: [u8; 16]) -> Self {
        Self { what: Some(id), ..Self::default() }
    }

    pub(super) fn word(day: i64, word: &str) -> Self {
        Self { day, what: None, word: Some(word.to_owned()) }
    }
}

/// A rule, and whose doing it is.
#[derive(Debug, Clone, Copy)]
pub(super) struct Of {
    pub(super) rule: Name,
    pub(super) weight: Weight,
    pub(super) member: Option<MemberId>,
}

pub(super) type Facts = Vec<(&'static str, String)>;

#[derive(Debug)]
struct Heap {
    weight: Weight,
    count: u64,
    first: Timestamp,
    last: Timestamp,
    entries: Vec<Seq>,
    facts: Facts,
}

/// Everything that was found.
#[derive(Debug)]
pub(super) struct Pile {
    on: Vec<bool>,
    /// Entries of other times prove nothing here.
    period: (Option<Timestamp>, Option<Timestamp>),
    heaps: HashMap<(Name, Option<MemberId>, Key), Heap>,
    counts: BTreeMap<Name, usize>,
    /// What is about no day.
    plain: Vec<(Of, Facts, Vec<Seq>)>,
}

impl Pile {
    pub(super) fn new(rules: &Rules, period: (Option<Timestamp>, Option<Timestamp>)) -> Self {
        Self {
            on: Name::ALL.iter().map(|name| rules.is_on(*name)).collect(),
            period,
            heaps: HashMap::new(),
            counts: BTreeMap::new(),
            plain: Vec::new(),
        }
    }

    fn is_on(&self, rule: Name) -> bool {
        self.on.get(rule as usize).copied().unwrap_or(false)
    }

    fn is_asked_for(&self, time: Timestamp) -> bool {
        let (from, to) = self.period;
        from.is_none_or(|from| time >= from) && to.is_none_or(|to| time < to)
    }

    /// Adds entries to a finding; the facts are asked for when it is a new one.
    pub(super) fn add(&mut self, of: Of, key: Key, sights: &[Sight], facts: impl FnOnce() -> Facts) {
        // The last entry is what the rule says something about; those before it are why.
        let Some(last) = sights.last().filter(|last| self.is_on(of.rule) && self.is_asked_for(last.time))
        else {
            return;
        };
        let mut place = (of.rule, of.member, key);
        if !self.heaps.contains_key(&place) {
            let count = self.counts.entry(of.rule).or_default();
            if *count >= APART {
                place.2 = Key::default();
            }
            *count += 1;
        }
        let first = sights.first().unwrap_or(last);
        let heap = self.heaps.entry(place).or_insert_with(|| Heap {
            weight: of.weight,
            count: 0,
            first: first.time,
            last: last.time,
            entries: Vec::new(),
            facts: facts(),
        });
        heap.weight = heap.weight.max(of.weight);
        heap.count += sights.len() as u64;
        for sight in sights {
            heap.first = heap.first.min(sight.time);
            heap.last = heap.last.max(sight.time);
            let full = heap.entries.len() == ENTRIES_SHOWN;
            match heap.entries.last_mut() {
                Some(newest) if *newest == sight.seq => {}
                Some(newest) if full => *newest = sight.seq,
                _ => heap.entries.push(sight.seq),
            }
        }
    }

    /// Adds what is so now, whatever period is asked about.
    pub(super) fn say(&mut self, of: Of, facts: Facts, entries: Vec<Seq>) {
        if self.is_on(of.rule) {
            self.plain.push((of, facts, entries));
        }
    }

    /// The findings, the heaviest first, then in the order of the rules and of the log. Members are called what `who` says.
    pub(super) fn findings(self, who: impl Fn(MemberId) -> String) -> Vec<Finding> {
        let named = |member: Option<MemberId>| member.map(|id| ("who", who(id)));
        let heaps = self.heaps.into_iter().map(|((rule, member, key), heap)| {
            let mut entries = heap.entries;
            entries.sort_unstable();
            entries.dedup();
            let mut facts: Facts = named(member).into_iter().collect();
            facts.push(("count", heap.count.to_string()));
            facts.push(("first", heap.first.to_string()));
            facts.push(("last", heap.last.to_string()));
            facts.extend(heap.facts);
            let order = (std::cmp::Reverse(heap.weight), rule, entries.first().copied(), member, key);
            (order, Finding { rule: rule.as_str(), weight: heap.weight, member, facts, entries })
        });
        let plain = self.plain.into_iter().zip(0_i64..).map(|((of, more, entries), place)| {
            let mut facts: Facts = named(of.member).into_iter().collect();
            facts.extend(more);
            let order = (std::cmp::Reverse(of.weight), of.rule, None, of.member, Key::day(place));
            let (rule, weight, member) = (of.rule.as_str(), of.weight, of.member);
            (order, Finding { rule, weight, member, facts, entries })
        });
        let mut all: Vec<_> = heaps.chain(plain).collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all.into_iter().map(|(_, finding)| finding).collect()
    }
}
