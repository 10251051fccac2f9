//! What the log says, counted while it is read once: who read what, when, of which class, what crossed the gap.
//!
//! Memory is bounded whatever the log's length: what cannot be kept apart any more is counted together, and the account says
//! how much that is.

mod account;
mod clock;
mod reads;
mod transfers;

use std::collections::{BTreeMap, HashMap};

pub use account::{
    Account, ClassRow, Context, DayRow, EventRow, MemberRow, PersonRow, Retention, RosterRow, account,
};
pub use clock::ClockReport;
pub use reads::{ReadRow, Reads};
pub use transfers::{
    Crossing, Direction, Match, Receipt, ReconciledRow, Reconciliation, Transfer, Transfers, reconcile,
};

use super::findings::Seq;
use crate::id::{DocumentId, MemberId};
use crate::label::{Class, labels};
use crate::log::entry::{Category, Entry, Event, Object, Outcome, Phase};
use crate::time::Timestamp;
use crate::words::local::{Day, TimeZone};

/// Most days that are kept apart: more than fifty years.
const DAYS: usize = 20_000;
/// Most documents whose class is remembered.
const KNOWN: usize = 500_000;
/// Most people that are kept apart.
const PEOPLE: usize = 10_000;

/// From which day to which, both included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Serialize)]
pub struct Period {
    /// The first day; none for the beginning of the log.
    pub from: Option<Day>,
    /// The last day; none for the end of the log.
    pub to: Option<Day>,
}

impl Period {
    fn has(self, day: Day) -> bool {
        self.from.is_none_or(|from| day >= from) && self.to.is_none_or(|to| day <= to)
    }
}

labels!(
    /// What was done with content.
    Deed {
        /// Documents taken in.
        Sealed = "sealed",
        /// Content that was allowed out to a member.
        Opened = "opened",
        /// Attempts that were denied or failed.
        Refused = "refused",
        /// Copies that went out in a bundle.
        Exported = "exported",
        /// Documents that came in a bundle.
        Imported = "imported",
        /// New class, header or key.
        Changed = "changed",
        /// Documents destroyed.
        Destroyed = "destroyed",
    }
);

impl Deed {
    /// What an entry is in this sense. An act of two entries counts at its intent, since content can be out from then on.
    fn of(entry: &Entry) -> Option<Self> {
        use Event as E;
        let about = matches!(
            entry.event(),
            E::DocumentSeal
                | E::DocumentOpen
                | E::DocumentExport
                | E::DocumentImport
                | E::DocumentRelabel
                | E::DocumentRewrap
                | E::DocumentRekey
                | E::DocumentDestroy
        );
        match (about, entry.outcome(), entry.phase()) {
            (false, ..) => None,
            (true, Outcome::Denied | Outcome::Failed, _) => Some(Self::Refused),
            (true, Outcome::Ok, Phase::Done) => None,
            (true, Outcome::Ok, _) => match entry.event() {
                E::DocumentSeal => Some(Self::Sealed),
                E::DocumentOpen => Some(Self::Opened),
                E::DocumentExport => Some(Self::Exported),
                E::DocumentImport => Some(Self::Imported),
                E::DocumentDestroy => Some(Self::Destroyed),
                _ => Some(Self::Changed),
            },
        }
    }
}

/// One number for each of the six kinds of event.
pub type ByCategory = BTreeMap<Category, u64>;

/// A kind of event and what shows it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Shown {
    /// Entries.
    pub count: u64,
    /// The first of them.
    pub first: Seq,
    /// Its time.
    pub first_at: Timestamp,
    /// The last of them.
    pub last: Seq,
    /// Its time.
    pub last_at: Timestamp,
}

/// One person's entries.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Person {
    /// Entries.
    pub entries: u64,
    /// By kind.
    pub by_category: ByCategory,
    /// What was done with content.
    pub deeds: BTreeMap<Deed, u64>,
    /// When the first of them was written.
    pub first: Timestamp,
    /// When the last of them was.
    pub last: Timestamp,
}

/// Counts a log while it is read.
#[derive(Debug)]
pub struct Tally {
    zone: TimeZone,
    period: Period,
    entries: u64,
    outside: u64,
    ends: Option<(Seq, Timestamp, Seq, Timestamp)>,
    whole: Option<(Seq, Timestamp, Event)>,
    days: BTreeMap<Day, ByCategory>,
    other_days: u64,
    week: [[u64; 24]; 7],
    classes: BTreeMap<Option<Class>, BTreeMap<Deed, u64>>,
    events: BTreeMap<(Event, Outcome), u64>,
    categories: BTreeMap<Category, Shown>,
    people: BTreeMap<Option<MemberId>, Person>,
    other_people: u64,
    reads: Reads,
    /// Which class a document was last said to have: an attempt that was refused does not say.
    known: HashMap<DocumentId, Class>,
    transfers: Transfers,
    clock: clock::Clocks,
}

impl Tally {
    /// Counts what lies in a period, by the days of a time zone.
    pub fn new(zone: TimeZone, period: Period) -> Self {
        Self {
            zone,
            period,
            entries: 0,
            outside: 0,
            ends: None,
            whole: None,
            days: BTreeMap::new(),
            other_days: 0,
            week: [[0; 24]; 7],
            classes: BTreeMap::new(),
            events: BTreeMap::new(),
            categories: BTreeMap::new(),
            people: BTreeMap::new(),
            other_people: 0,
            reads: Reads::default(),
            known: HashMap::new(),
            transfers: Transfers::default(),
            clock: clock::Clocks::default(),
        }
    }

    /// The next entry, in the order of the log.
    pub fn entry(&mut self, at: Seq, entry: &Entry) {
        self.whole.get_or_insert((at, entry.time(), entry.event()));
        let local = self.zone.local(entry.time());
        let inside = self.period.has(local.day);
        // What became of a bundle is to be seen also where its first half lies before the period.
        self.transfers.take(at, entry, inside);
        let class = self.class(entry);
        if !inside {
            self.outside += 1;
            return;
        }
        self.entries += 1;
        self.clock.take(at, entry);
        let first = self.ends.map_or((at, entry.time()), |(seq, time, ..)| (seq, time));
        self.ends = Some((first.0, first.1, at, entry.time()));
        let day = match self.days.len() < DAYS || self.days.contains_key(&local.day) {
            true => Some(self.days.entry(local.day).or_default()),
            false => None,
        };
        match day {
            Some(day) => *day.entry(entry.category()).or_default() += 1,
            None => self.other_days += 1,
        }
        let hours = self.week.get_mut(usize::from(local.weekday));
        if let Some(hour) = hours.and_then(|hours| hours.get_mut(usize::from(local.hour))) {
            *hour += 1;
        }
        *self.events.entry((entry.event(), entry.outcome())).or_default() += 1;
        self.kind(at, entry);
        let deed = Deed::of(entry);
        if let Some(deed) = deed {
            *self.classes.entry(class).or_default().entry(deed).or_default() += 1;
        }
        self.person(entry, deed);
        self.read(entry, class, deed);
    }

    /// The class of what an entry is about, by it or by an earlier one.
    fn class(&mut self, entry: &Entry) -> Option<Class> {
        let object = entry.object()?;
        let Some(id) = object.document_id() else { return object.class };
        match object.class {
            Some(class) if self.known.len() < KNOWN || self.known.contains_key(&id) => {
                self.known.insert(id, class);
                Some(class)
            }
            Some(class) => Some(class),
            None => self.known.get(&id).copied(),
        }
    }

    fn kind(&mut self, at: Seq, entry: &Entry) {
        let time = entry.time();
        let fresh = Shown { count: 0, first: at, first_at: time, last: at, last_at: time };
        let shown = self.categories.entry(entry.category()).or_insert(fresh);
        shown.count += 1;
        (shown.last, shown.last_at) = (at, time);
    }

    fn person(&mut self, entry: &Entry, deed: Option<Deed>) {
        let who = entry.actor().id;
        if self.people.len() >= PEOPLE && !self.people.contains_key(&who) {
            self.other_people += 1;
            return;
        }
        let time = entry.time();
        let person = self.people.entry(who).or_insert_with(|| Person {
            entries: 0,
            by_category: ByCategory::new(),
            deeds: BTreeMap::new(),
            first: time,
            last: time,
        });
        person.entries += 1;
        *person.by_category.entry(entry.category()).or_default() += 1;
        if let Some(deed) = deed {
            *person.deeds.entry(deed).or_default() += 1;
        }
        person.first = person.first.min(time);
        person.last = person.last.max(time);
    }

    /// Who had which content: opened it, tried to, or took a copy out.
    fn read(&mut self, entry: &Entry, class: Option<Class>, deed: Option<Deed>) {
        let document = entry.object().and_then(Object::document_id);
        let access = matches!(entry.event(), Event::DocumentOpen | Event::DocumentExport);
        if let (Some(document), Some(deed), true) = (document, deed, access) {
            self.reads.take(document, entry.actor().id, class, deed, entry.time());
        }
    }
}

#[cfg(test)]
mod tests;
