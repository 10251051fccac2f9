//! Which entries somebody asks for.

use crate::id::{DocumentId, MemberId};
use crate::label::Zone;
use crate::log::entry::{Entry, Event, Object, Outcome, Phase};
use crate::time::Timestamp;

/// What entries must have to be found; what is not set, or an empty list, asks for nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Query {
    /// Done by one of these. `Some` of no member finds nothing.
    pub members: Option<Vec<MemberId>>,
    /// About this document.
    pub document: Option<DocumentId>,
    /// One of these events.
    pub events: Vec<Event>,
    /// One of these outcomes.
    pub outcomes: Vec<Outcome>,
    /// In this place of an act.
    pub phase: Option<Phase>,
    /// At this time or later, by the host's wall clock.
    pub from: Option<Timestamp>,
    /// Before this time, by the host's wall clock.
    pub until: Option<Timestamp>,
    /// In this zone.
    pub zone: Option<Zone>,
}

impl Query {
    /// Whether an entry is asked for.
    pub fn matches(&self, entry: &Entry) -> bool {
        let document = || entry.object().and_then(Object::document_id);
        let actor = |members: &Vec<MemberId>| entry.actor().id.is_some_and(|id| members.contains(&id));
        self.members.as_ref().is_none_or(actor)
            && self.document.is_none_or(|wanted| document() == Some(wanted))
            && (self.events.is_empty() || self.events.contains(&entry.event()))
            && (self.outcomes.is_empty() || self.outcomes.contains(&entry.outcome()))
            && self.phase.is_none_or(|phase| phase == entry.phase())
            && self.from.is_none_or(|from| entry.time() >= from)
            && self.until.is_none_or(|until| entry.time() < until)
            && self.zone.is_none_or(|zone| zone == entry.zone())
    }

    /// The first and the last day in UTC on which such an entry can be, as `2026-11-23`; `None` where no time was asked for.
    pub fn days(&self) -> Option<(String, String)> {
        if self.from.is_none() && self.until.is_none() {
            return None;
        }
        let first = self.from.unwrap_or(Timestamp::from_unix_ms(i64::MIN));
        let last = self.until.unwrap_or(Timestamp::from_unix_ms(i64::MAX));
        Some((first.day(), Timestamp::from_unix_ms(last.unix_ms().saturating_sub(1)).day()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::{HostId, SessionId};
    use crate::log::entry::Draft;
    use crate::time::Moment;

    fn entry() -> Entry {
        let time: Timestamp = "2026-11-23T16:30:00.000Z".parse().unwrap();
        let now = Moment { time, boot: String::new(), mono_ms: 1 };
        let mut draft = Draft::new(
            Event::DocumentOpen,
            Outcome::Denied,
            SessionId([1; 16]),
            HostId([2; 8]),
            Zone::Isolated,
            &now,
        );
        draft.actor.id = Some(MemberId([3; 8]));
        draft.object = Some(Object::document(DocumentId([4; 16])));
        draft.entry(7).unwrap()
    }

    fn all() -> Query {
        Query {
            members: Some(vec![MemberId([9; 8]), MemberId([3; 8])]),
            document: Some(DocumentId([4; 16])),
            events: vec![Event::DocumentSeal, Event::DocumentOpen],
            outcomes: vec![Outcome::Denied],
            phase: Some(Phase::Single),
            from: "2026-11-23T16:30:00.000Z".parse().ok(),
            until: "2026-11-23T16:30:00.001Z".parse().ok(),
            zone: Some(Zone::Isolated),
        }
    }

    #[test]
    fn everything_that_is_asked_must_hold() {
        let entry = entry();
        assert!(Query::default().matches(&entry));
        assert!(all().matches(&entry));
        let nearly = [
            Query { members: Some(vec![MemberId([9; 8])]), ..all() },
            Query { members: Some(Vec::new()), ..all() },
            Query { document: Some(DocumentId([5; 16])), ..all() },
            Query { events: vec![Event::DocumentSeal], ..all() },
            Query { outcomes: vec![Outcome::Ok, Outcome::Failed], ..all() },
            Query { phase: Some(Phase::Done), ..all() },
            Query { from: all().until, ..all() },
            Query { until: all().from, ..all() },
            Query { zone: Some(Zone::Networked), ..all() },
        ];
        for (at, query) in nearly.iter().enumerate() {
            assert!(!query.matches(&entry), "{at}");
        }
    }

    #[test]
    fn days_are_those_of_the_clock_in_utc_and_an_end_is_not_part_of_them() {
        assert_eq!(Query::default().days(), None);
        let days = |from: &str, until: &str| {
            let query = Query { from: from.parse().ok(), until: until.parse().ok(), ..Query::default() };
            query.days().unwrap()
        };
        // A day in Taipei.
        let (first, last) = days("2026-11-22T16:00:00.000Z", "2026-11-23T16:00:00.000Z");
        assert_eq!((first.as_str(), last.as_str()), ("2026-11-22", "2026-11-23"));
        assert_eq!(days("2026-11-22T00:00:00.000Z", "2026-11-23T00:00:00.000Z").1, "2026-11-22");
        assert_eq!(days("2026-11-22T00:00:00.000Z", "").1, "9999-12-31");
        assert_eq!(days("", "2026-11-23T16:00:00.000Z").0, "0001-01-01");
    }
}
