//! What is odd about one person: too many, too often, too long away, in two places.

use std::collections::HashMap;

use super::calendar::{DAY_MS, date_of};
use super::pile::{Key, Of, Pile, Sight};
use super::rights::find;
use super::rules::Rules;
use super::watch::{End, Here, Window};
use super::{Name, Weight};
use crate::id::{HostId, MemberId};
use crate::label::Class;
use crate::log::entry::{Event, Outcome, Phase};
use crate::time::Timestamp;

/// So many people are told apart. A vault has fewer: only somebody with a log key could write of more.
const PEOPLE: usize = 65_536;

#[derive(Debug)]
struct Person {
    last: Sight,
    host: HostId,
    opened: [bool; Class::ALL.len()],
    documents: Window,
    refusals: Window,
}

#[derive(Debug)]
pub(super) struct People {
    known: HashMap<MemberId, Person>,
    documents: (usize, i64),
    refusals: (usize, i64),
    away: i64,
    hosts: i64,
    joined: i64,
    unseen: i64,
}

fn count(rules: &Rules, name: Name, key: &str) -> (usize, i64) {
    (usize::try_from(rules.get(name, key)).unwrap_or(usize::MAX), rules.minutes(name))
}

impl People {
    pub(super) fn new(rules: &Rules) -> Self {
        let joined = i64::try_from(rules.get(Name::FirstAccess, "days-after-joining")).unwrap_or(0);
        Self {
            known: HashMap::new(),
            documents: count(rules, Name::ManyDocuments, "documents"),
            refusals: count(rules, Name::Refusals, "refusals"),
            away: rules.days(Name::Returned),
            hosts: rules.minutes(Name::TwoHosts),
            joined: joined.saturating_mul(DAY_MS),
            unseen: rules.days(Name::Unseen),
        }
    }

    pub(super) fn entry(&mut self, here: &Here<'_>, pile: &mut Pile) {
        let Some(member) = here.entry.actor().id else { return };
        let host = here.entry.host();
        if !self.known.contains_key(&member) {
            if self.known.len() >= PEOPLE {
                return;
            }
            let person = Person {
                last: here.at,
                host,
                opened: [false; Class::ALL.len()],
                documents: Window::new(),
                refusals: Window::new(),
            };
            self.known.insert(member, person);
        }
        let Some(person) = self.known.get_mut(&member) else { return };
        let (before, elsewhere) = (person.last, person.host);
        (person.last, person.host) = (here.at, host);
        let passed = here.at.time.unix_ms().saturating_sub(before.time.unix_ms());
        if passed >= self.away {
            let of = Of::new(Name::Returned, Weight::Note, Some(member));
            pile.add(of, Key::day(here.day), &[before, here.at], || {
                vec![("since", before.time.to_string()), ("days", (passed / DAY_MS).to_string())]
            });
        }
        if host != elsewhere && passed.saturating_abs() <= self.hosts {
            let of = Of::new(Name::TwoHosts, Weight::Warning, Some(member));
            pile.add(of, Key::day(here.day), &[before, here.at], || {
                vec![("host", here.host_name(elsewhere)), ("other", here.host_name(host))]
            });
        }
        if here.entry.outcome() == Outcome::Denied {
            let told = person.refusals.take(here.at, None, self.refusals);
            let of = Of::new(Name::Refusals, Weight::Warning, Some(member));
            pile.add(of, Key::day(here.day), &told, || vec![("day", date_of(here.day))]);
        }
        let begins = here.entry.phase() == Phase::Intent && here.entry.outcome() == Outcome::Ok;
        if here.entry.event() == Event::DocumentOpen && begins {
            self.opened(here, member, pile);
        }
    }

    /// A document comes out: at the intent, since it may come out from then on.
    fn opened(&mut self, here: &Here<'_>, member: MemberId, pile: &mut Pile) {
        let Some(person) = self.known.get_mut(&member) else { return };
        let Some(object) = here.entry.object() else { return };
        let told = person.documents.take(here.at, object.document_id().map(|id| id.0), self.documents);
        let of = Of::new(Name::ManyDocuments, Weight::Warning, Some(member));
        pile.add(of, Key::day(here.day), &told, || vec![("day", date_of(here.day))]);
        let Some(class) = object.class else { return };
        let seen = person.opened.get_mut(class as usize).map(|seen| std::mem::replace(seen, true));
        let joined = here.roster.and_then(|roster| find(roster, member)).map(|member| member.joined);
        let new = joined.is_some_and(|joined| since(joined, here.at.time) < self.joined);
        if seen == Some(false) && !new {
            let of = Of::new(Name::FirstAccess, Weight::Note, Some(member));
            let key = Key::word(here.day, class.as_str());
            pile.add(of, key, &[here.at], || vec![("class", class.to_string())]);
        }
    }

    /// Members of the newest roster of whom nothing was seen for long.
    pub(super) fn finish(&mut self, end: &End<'_>, pile: &mut Pile) {
        for member in end.newest.iter().flat_map(|roster| &roster.members) {
            let seen = self.known.get(&member.id).map(|person| person.last);
            // Whoever was replaced or added lately has had no time to be seen.
            let last = seen.map_or(member.joined, |seen| seen.time.max(member.joined));
            let away = since(last, end.upto);
            if away < self.unseen || member.has_ended(end.upto) {
                continue;
            }
            let of = Of::new(Name::Unseen, Weight::Warning, Some(member.id));
            let facts = vec![("since", last.to_string()), ("days", (away / DAY_MS).to_string())];
            pile.say(of, facts, seen.map(|seen| seen.seq).into_iter().collect());
        }
    }
}

fn since(time: Timestamp, now: Timestamp) -> i64 {
    now.unix_ms().saturating_sub(time.unix_ms())
}
