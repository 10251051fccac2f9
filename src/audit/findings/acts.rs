//! Acts of several entries: what was begun and has no end, what was asked for and by whom it was approved.

use std::collections::HashMap;

use super::calendar::date_of;
use super::pile::{Key, Of, Pile, Sight};
use super::rights::find;
use super::rules::Rules;
use super::watch::{End, Here};
use super::{Name, Seq, Weight};
use crate::id::{MemberId, RequestId};
use crate::log::entry::{Event, Object, Outcome, Phase};
use crate::roster::Roster;

/// So many open requests are remembered; each is over after some weeks, so a vault has far fewer.
const REQUESTS: usize = 65_536;

#[derive(Debug)]
struct Begun {
    event: Event,
    member: Option<MemberId>,
    at: Sight,
    day: i64,
}

#[derive(Debug)]
pub(super) struct Acts {
    begun: HashMap<Seq, Begun>,
    asked: HashMap<RequestId, (MemberId, Sight)>,
    patience: i64,
}

impl Acts {
    pub(super) fn new(rules: &Rules) -> Self {
        Self { begun: HashMap::new(), asked: HashMap::new(), patience: rules.minutes(Name::OpenIntent) }
    }

    pub(super) fn entry(&mut self, here: &Here<'_>, pile: &mut Pile) {
        let (entry, at) = (here.entry, here.at);
        match entry.phase() {
            Phase::Intent if entry.outcome() == Outcome::Ok => {
                let begun = Begun { event: entry.event(), member: entry.actor().id, at, day: here.day };
                self.begun.insert(at.seq, begun);
            }
            Phase::Done => {
                let seq = entry.closes().map(|seq| Seq { epoch: at.seq.epoch, seq });
                seq.and_then(|seq| self.begun.remove(&seq));
            }
            Phase::Intent | Phase::Single => self.request(here, pile),
        }
    }

    fn request(&mut self, here: &Here<'_>, pile: &mut Pile) {
        let entry = here.entry;
        let Some(id) = entry.object().and_then(Object::request_id) else { return };
        match (entry.event(), entry.outcome(), entry.actor().id) {
            (Event::RequestMake, Outcome::Ok, Some(member)) if self.asked.len() < REQUESTS => {
                self.asked.insert(id, (member, here.at));
            }
            (Event::RequestApprove, outcome, Some(member)) => {
                let Some((asker, asked)) = self.asked.get(&id).copied() else { return };
                if !is_one_person(here.roster, asker, member) {
                    return;
                }
                let weight = if outcome == Outcome::Ok { Weight::Alarm } else { Weight::Warning };
                let of = Of::new(Name::SelfApproval, weight, Some(member));
                pile.add(of, Key::what(id.0), &[asked, here.at], || {
                    vec![("request", id.to_string()), ("outcome", outcome.to_string())]
                });
            }
            (Event::RequestDone | Event::RequestReject | Event::RequestWithdraw, Outcome::Ok, _) => {
                self.asked.remove(&id);
            }
            _ => {}
        }
    }

    pub(super) fn finish(&mut self, end: &End<'_>, pile: &mut Pile) {
        let mut open: Vec<Begun> = self.begun.drain().map(|(_, begun)| begun).collect();
        open.sort_unstable_by_key(|begun| begun.at.seq);
        for begun in open {
            if end.now.unix_ms().saturating_sub(begun.at.time.unix_ms()) < self.patience {
                continue;
            }
            // What was being revealed or destroyed may have been, unseen; a bundle that waits for its next medium waits.
            let grave = matches!(begun.event, Event::DocumentOpen | Event::DocumentDestroy);
            let weight = if grave { Weight::Warning } else { Weight::Note };
            let of = Of::new(Name::OpenIntent, weight, begun.member);
            let key = Key::word(begun.day, begun.event.as_str());
            pile.add(of, key, &[begun.at], || {
                vec![("day", date_of(begun.day)), ("event", begun.event.to_string())]
            });
        }
    }
}

/// Whoever has two identities has one name, or one key.
fn is_one_person(roster: Option<&Roster>, one: MemberId, other: MemberId) -> bool {
    let both = roster.and_then(|roster| find(roster, one).zip(find(roster, other)));
    one == other || both.is_some_and(|(one, other)| one.name == other.name || one.key == other.key)
}
