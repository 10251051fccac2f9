//! What of the past the log covers, and who vouches for it.

use super::calendar::DAY_MS;
use super::pile::{Facts, Key, Of, Pile, Sight};
use super::rules::Rules;
use super::watch::{End, Here};
use super::{Name, Seq, Weight};
use crate::log::entry::{Event, Outcome};
use crate::time::Timestamp;

/// How far witnesses vouch for the newest epoch of a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Covered {
    /// Entries.
    pub size: u64,
    /// Entries that a witness has signed for.
    pub witnessed: u64,
    /// When the last of them did.
    pub at: Option<Timestamp>,
}

#[derive(Debug)]
pub(super) struct Cover {
    next: Option<Seq>,
    /// The first entry, and whether it is the making of the vault.
    first: Option<(Sight, bool)>,
    retention: i64,
    witness: i64,
}

impl Cover {
    pub(super) fn new(rules: &Rules) -> Self {
        Self {
            next: None,
            first: None,
            retention: rules.days(Name::Retention),
            witness: rules.days(Name::WitnessOld),
        }
    }

    pub(super) fn entry(&mut self, here: &Here<'_>, pile: &mut Pile) {
        let (at, entry) = (here.at, here.entry);
        let begins = entry.event() == Event::VaultInit && at.seq.seq == 0 && at.seq.epoch == 1;
        self.first.get_or_insert((at, begins));
        let expected = match self.next {
            Some(next) if next.epoch == at.seq.epoch => next.seq,
            _ => 0,
        };
        if at.seq.seq != expected {
            let (from, to) = (expected.to_string(), at.seq.seq.saturating_sub(1).to_string());
            let of = Of::new(Name::LostEntries, Weight::Alarm, None);
            pile.add(of, Key::day(here.day), &[at], || vec![("from", from), ("to", to)]);
        }
        self.next = Some(Seq { epoch: at.seq.epoch, seq: at.seq.seq.saturating_add(1) });
        if entry.event() == Event::HostResume && entry.outcome() == Outcome::Ok {
            let of = Of::new(Name::Resumed, Weight::Warning, entry.actor().id);
            let size = || entry.detail().size.map_or_else(String::new, |size| size.to_string());
            pile.add(of, Key::day(here.day), &[at], || {
                vec![("epoch", at.seq.epoch.to_string()), ("size", size())]
            });
        }
    }

    pub(super) fn finish(&mut self, end: &End<'_>, pile: &mut Pile) {
        self.reach(end, pile);
        let Some(covered) = end.covered.filter(|covered| covered.size > 0) else { return };
        let open = covered.size.saturating_sub(covered.witnessed);
        let mut facts: Facts = vec![("size", covered.size.to_string()), ("open", open.to_string())];
        let Some(at) = covered.at else {
            return pile.say(Of::new(Name::NoWitness, Weight::Warning, None), facts, Vec::new());
        };
        let age = end.now.unix_ms().saturating_sub(at.unix_ms());
        if age >= self.witness {
            facts.push(("since", at.to_string()));
            facts.push(("days", (age / DAY_MS).to_string()));
            pile.say(Of::new(Name::WitnessOld, Weight::Warning, None), facts, Vec::new());
        }
    }

    /// A log has all of its entries, so it reaches back to the vault's first day unless something is wrong.
    fn reach(&self, end: &End<'_>, pile: &mut Pile) {
        let Some((first, begins)) = self.first else { return };
        let reach = end.upto.unix_ms().saturating_sub(first.time.unix_ms());
        if reach >= self.retention {
            return;
        }
        let weight = if begins { Weight::Note } else { Weight::Alarm };
        let facts = vec![
            ("since", first.time.to_string()),
            ("days", (reach.max(0) / DAY_MS).to_string()),
            ("needed", (self.retention / DAY_MS).to_string()),
        ];
        pile.say(Of::new(Name::Retention, weight, None), facts, vec![first.seq]);
    }
}
