//! Whether those who acted were who they said they were, by the roster in force then.

use super::calendar::date_of;
use super::pile::{Key, Of, Pile};
use super::watch::Here;
use super::{Name, Weight};
use crate::id::{MemberId, SessionId};
use crate::log::entry::{Entry, Event, Outcome, Phase};
use crate::roster::{InForce, Member, Roster};

#[derive(Debug)]
pub(super) struct Rights<'a> {
    chain: &'a [InForce],
    /// None where the log names a roster that is not known.
    now: Option<&'a Roster>,
    before: Option<&'a Roster>,
    /// Whose command put it in force: its other entries are by whoever was a member until then.
    session: Option<SessionId>,
}

impl<'a> Rights<'a> {
    pub(super) fn new(chain: &'a [InForce]) -> Self {
        // The first entries of a vault are by its founders, whom its first roster names.
        let first = chain.first().map(InForce::roster).filter(|roster| roster.version == 1);
        Self { chain, now: first, before: None, session: None }
    }

    /// Follows a change, before the entry itself is judged.
    pub(super) fn follow(&mut self, entry: &Entry) {
        if entry.event() != Event::RosterChange || entry.outcome() != Outcome::Ok {
            return;
        }
        let Some(version) = entry.detail().version else { return };
        let known = self.chain.iter().map(InForce::roster).find(|roster| roster.version == version);
        (self.before, self.now, self.session) = (self.now, known, Some(entry.session()));
    }

    pub(super) fn in_force(&self) -> Option<&'a Roster> {
        self.now
    }

    pub(super) fn entry(&self, here: &Here<'_>, pile: &mut Pile) {
        let (entry, Some(id), Some(roster)) = (here.entry, here.entry.actor().id, self.now) else { return };
        // An end was allowed when it was begun.
        if entry.phase() == Phase::Done {
            return;
        }
        let before = self.before.filter(|_| self.session == Some(entry.session()));
        let members = [Some(roster), before].into_iter().flatten().filter_map(|roster| find(roster, id));
        let mut role_fits = false;
        let (mut found, mut cleared, mut ended) = (None, false, true);
        let class = entry.object().and_then(|object| object.class);
        for member in members {
            found = found.or(Some(member));
            role_fits |= entry.actor().role.is_none_or(|role| role == member.role);
            cleared |= class.is_none_or(|class| member.clearance.contains(&class));
            ended &= member.has_ended(here.at.time);
        }
        let tell = |pile: &mut Pile, rule, weight, more: Vec<(&'static str, String)>| {
            let key = Key::day(here.day);
            pile.add(Of::new(rule, weight, Some(id)), key, &[here.at], || {
                [vec![("day", date_of(here.day))], more].concat()
            });
        };
        let done = entry.outcome() == Outcome::Ok;
        let grave = if done { Weight::Alarm } else { Weight::Warning };
        let Some(member) = found else {
            return tell(pile, Name::Outsider, grave, Vec::new());
        };
        if ended {
            let until = member.until.clone().unwrap_or_default();
            tell(pile, Name::AfterEnd, grave, vec![("until", until)]);
        }
        if !role_fits {
            let said = entry.actor().role.map_or("", |role| role.as_str()).to_owned();
            tell(pile, Name::WrongRole, grave, vec![("role", said), ("had", member.role.to_string())]);
        }
        if done && !cleared && entry.event() == Event::DocumentOpen {
            let class = class.map_or("", |class| class.as_str()).to_owned();
            tell(pile, Name::NoClearance, Weight::Alarm, vec![("class", class)]);
        }
    }
}

/// Members stand in the order of their ids.
pub(super) fn find(roster: &Roster, id: MemberId) -> Option<&Member> {
    let at = roster.members.binary_search_by_key(&id, |member| member.id).ok()?;
    roster.members.get(at)
}
