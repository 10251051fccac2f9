//! The rules' names and thresholds, in the order in which they are told.

use crate::label::labels;

labels!(
    /// A rule.
    Name {
        /// Many documents were opened in a short time.
        ManyDocuments = "many-documents",
        /// Work at night.
        Night = "night",
        /// Work at the weekend.
        Weekend = "weekend",
        /// Work on a day off.
        Holiday = "holiday",
        /// A member opened a document of a class for the first time.
        FirstAccess = "first-access",
        /// Wrong passphrases or tokens, several in a short time.
        FailedUnlocks = "failed-unlocks",
        /// An identity was locked after wrong passphrases, and was tried again.
        LockOut = "lock-out",
        /// An identity of nobody who is a member.
        Stranger = "stranger",
        /// A member was refused several times.
        Refusals = "refusals",
        /// A member has not been seen for long.
        Unseen = "unseen",
        /// A member came back after a long time.
        Returned = "returned",
        /// Access after the last day of a membership.
        AfterEnd = "after-end",
        /// Access by somebody whom the roster in force did not name.
        Outsider = "outsider",
        /// Access in a role that the roster in force did not give.
        WrongRole = "wrong-role",
        /// A document of a class for which the roster in force gave no clearance.
        NoClearance = "no-clearance",
        /// One person asked and approved.
        SelfApproval = "self-approval",
        /// A member was on two hosts at once.
        TwoHosts = "two-hosts",
        /// A host's clock was set.
        ClockStep = "clock-step",
        /// What was begun has no end.
        OpenIntent = "open-intent",
        /// A bundle went out and was not answered.
        NoReceipt = "no-receipt",
        /// Numbers are missing in a channel.
        ChannelGap = "channel-gap",
        /// One number of a channel was given twice.
        ChannelFork = "channel-fork",
        /// A bundle or a receipt was refused.
        RefusedBundle = "refused-bundle",
        /// Documents were let in that no program had looked at.
        UnscannedImport = "unscanned-import",
        /// The newest signature of a witness is old.
        WitnessOld = "witness-old",
        /// No witness has signed at all.
        NoWitness = "no-witness",
        /// The log does not reach back far enough.
        Retention = "retention",
        /// Entries are missing.
        LostEntries = "lost-entries",
        /// The log went on after a loss.
        Resumed = "resumed",
    }
);

/// What a threshold is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A number from the first to the second.
    Number(u64, u64),
    /// A time of day as `"07:30"`, kept as minutes since midnight.
    Clock,
    /// `true` or `false`, kept as 1 or 0.
    Switch,
}

/// One number of a rule that an office may change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Threshold {
    /// What it is called in the file.
    pub key: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it is when nobody says otherwise.
    pub default: u64,
}

const fn number(key: &'static str, default: u64, (least, most): (u64, u64)) -> Threshold {
    Threshold { key, kind: Kind::Number(least, most), default }
}

const fn clock(key: &'static str, default: u64) -> Threshold {
    Threshold { key, kind: Kind::Clock, default }
}

const fn switch(key: &'static str, default: u64) -> Threshold {
    Threshold { key, kind: Kind::Switch, default }
}

/// A minute to thirty days.
const MINUTES: (u64, u64) = (1, 43_200);
/// A day to a hundred years.
const DAYS: (u64, u64) = (1, 36_500);
/// Things that are held in memory while they are counted.
const COUNT: (u64, u64) = (1, 10_000);

const MANY_DOCUMENTS: &[Threshold] = &[number("documents", 30, COUNT), number("minutes", 60, MINUTES)];
const NIGHT: &[Threshold] = &[clock("day-begins", 7 * 60), clock("day-ends", 20 * 60)];
const WEEKEND: &[Threshold] = &[switch("saturday", 1), switch("sunday", 1)];
const FIRST_ACCESS: &[Threshold] = &[number("days-after-joining", 0, (0, 36_500))];
const FAILED_UNLOCKS: &[Threshold] = &[number("attempts", 3, COUNT), number("minutes", 15, MINUTES)];
const REFUSALS: &[Threshold] = &[number("refusals", 5, COUNT), number("minutes", 60, MINUTES)];
const UNSEEN: &[Threshold] = &[number("days", 90, DAYS)];
const RETURNED: &[Threshold] = &[number("days", 90, DAYS)];
const TWO_HOSTS: &[Threshold] = &[number("minutes", 10, MINUTES)];
const CLOCK_STEP: &[Threshold] = &[number("seconds", 120, (1, 604_800))];
const OPEN_INTENT: &[Threshold] = &[number("minutes", 60, (0, 43_200))];
const NO_RECEIPT: &[Threshold] = &[number("days", 30, DAYS)];
const WITNESS_OLD: &[Threshold] = &[number("days", 31, DAYS)];
const RETENTION: &[Threshold] = &[number("days", 183, DAYS)];

impl Name {
    /// What may be changed about it; whether it looks at all may always be changed.
    pub fn thresholds(self) -> &'static [Threshold] {
        match self {
            Self::ManyDocuments => MANY_DOCUMENTS,
            Self::Night => NIGHT,
            Self::Weekend => WEEKEND,
            Self::FirstAccess => FIRST_ACCESS,
            Self::FailedUnlocks => FAILED_UNLOCKS,
            Self::Refusals => REFUSALS,
            Self::Unseen => UNSEEN,
            Self::Returned => RETURNED,
            Self::TwoHosts => TWO_HOSTS,
            Self::ClockStep => CLOCK_STEP,
            Self::OpenIntent => OPEN_INTENT,
            Self::NoReceipt => NO_RECEIPT,
            Self::WitnessOld => WITNESS_OLD,
            Self::Retention => RETENTION,
            Self::Holiday
            | Self::LockOut
            | Self::Stranger
            | Self::AfterEnd
            | Self::Outsider
            | Self::WrongRole
            | Self::NoClearance
            | Self::SelfApproval
            | Self::ChannelGap
            | Self::ChannelFork
            | Self::RefusedBundle
            | Self::UnscannedImport
            | Self::NoWitness
            | Self::LostEntries
            | Self::Resumed => &[],
        }
    }
}
