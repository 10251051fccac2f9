//! Work when nobody is at work.

use super::calendar::{Calendar, Day, date_of};
use super::pile::{Key, Of, Pile};
use super::rules::Rules;
use super::watch::Here;
use super::{Name, Weight};
use crate::log::entry::{Event, Outcome, Phase};

#[derive(Debug)]
pub(super) struct Hours {
    begins: i64,
    ends: i64,
    weekend: (bool, bool),
}

impl Hours {
    pub(super) fn new(rules: &Rules) -> Self {
        let minute = |key| i64::try_from(rules.get(Name::Night, key)).unwrap_or(0);
        let off = |key| rules.get(Name::Weekend, key) == 1;
        Self {
            begins: minute("day-begins"),
            ends: minute("day-ends"),
            weekend: (off("saturday"), off("sunday")),
        }
    }

    pub(super) fn entry(&self, here: &Here<'_>, calendar: &Calendar, pile: &mut Pile) {
        let entry = here.entry;
        // An end follows from its intent, and what nobody did is nobody's work.
        let somebody = entry.actor().id.is_some() || entry.event() == Event::IdentityUnlock;
        if entry.phase() == Phase::Done || !somebody {
            return;
        }
        let night = here.minute < self.begins || here.minute >= self.ends;
        let rule = match calendar.day(here.day, self.weekend) {
            Day::Holiday => Name::Holiday,
            Day::Weekend => Name::Weekend,
            Day::Working if night => Name::Night,
            Day::Working => return,
        };
        // The hours after midnight belong to the evening before.
        let day = if rule == Name::Night && here.minute < self.begins { here.day - 1 } else { here.day };
        let weighty = matches!(
            entry.event(),
            Event::DocumentOpen
                | Event::DocumentExport
                | Event::DocumentDestroy
                | Event::BundleWrite
                | Event::RosterChange
        );
        let weight = if weighty && entry.outcome() == Outcome::Ok { Weight::Warning } else { Weight::Note };
        let of = Of::new(rule, weight, entry.actor().id);
        pile.add(of, Key::day(day), &[here.at], || vec![("day", date_of(day))]);
    }
}
