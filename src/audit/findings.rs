//! What somebody should look at: rules with names, each of which shows the entries that prove it.
//!
//! [`Watch`] is fed with every entry in its order and says in the end what was found. Nothing here is proof of guilt: a finding
//! says what the log says, and whoever reads it asks. Thresholds are [`Rules`], days off are a [`Calendar`]; clock and time
//! zone are handed in.
//!
//! What is kept grows with people, hosts, open acts and bundles on their way, and not with entries: a rule's findings are
//! put together by member and day, and show a few of their entries where there are many.

mod acts;
mod attempts;
mod calendar;
mod clocks;
mod cover;
mod hours;
mod names;
mod people;
mod pile;
mod rights;
mod rules;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod tests;
mod transfers;
mod watch;

use crate::id::MemberId;

pub use calendar::{BadCalendar, CALENDAR_LIMIT, Calendar};
pub use cover::Covered;
pub use names::{Kind, Name, Threshold};
pub use pile::ENTRIES_SHOWN;
pub use rules::{BadRules, RULES_LIMIT, Rules};
pub use watch::{Context, Place, Watch};

/// An entry of a log, by epoch and place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
pub struct Seq {
    /// The epoch, from 1.
    pub epoch: u64,
    /// The place in it, from 0.
    pub seq: u64,
}

/// How much it matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Weight {
    /// To be known.
    Note,
    /// To be asked about.
    Warning,
    /// To be acted on.
    Alarm,
}

/// Something that a rule found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// The rule's name, as `many-documents`; messages for people have the name `finding-` and this.
    pub rule: &'static str,
    /// How much it matters.
    pub weight: Weight,
    /// Whose doing it is, where it is somebody's.
    pub member: Option<MemberId>,
    /// What the rule's message has places for: names and values, in a fixed order for each rule.
    pub facts: Vec<(&'static str, String)>,
    /// The entries that prove it, in their order; a few of them where there are many.
    pub entries: Vec<Seq>,
}
