//! The data of a report: what was counted, and who the people are.

use std::collections::BTreeMap;

use super::{ByCategory, ClockReport, Deed, Period, Person, ReadRow, Seq, Shown, Tally, Transfer};
use crate::id::{MemberId, VaultId};
use crate::label::{Class, Role, Zone};
use crate::log::entry::{Category, Event};
use crate::roster::{InForce, Member};
use crate::time::Timestamp;
use crate::words::local::{Day, TimeZone};

/// Logs are to be kept for so many months at least.
const RETENTION_MONTHS: i32 = 6;

/// What an account needs besides the entries.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The chain of rosters, oldest first.
    pub chain: &'a [InForce],
    /// When the report is made.
    pub now: Timestamp,
}

/// A member of the vault, now or before.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct MemberRow {
    /// Who.
    pub id: MemberId,
    /// The name on the card.
    pub name: String,
    /// The role.
    pub role: Role,
    /// Classes whose contents this member may open.
    pub clearance: Vec<Class>,
    /// May see titles.
    pub titles: bool,
    /// May import.
    pub import: bool,
    /// May release.
    pub release: bool,
    /// Who answers for a contractor.
    pub sponsor: Option<MemberId>,
    /// The last day.
    pub until: Option<String>,
    /// When the member joined.
    pub joined: Timestamp,
    /// `member`, `ended` after the last day, `left` where the newest roster has no such member.
    pub state: &'static str,
    /// When the roster without the member was written.
    pub left: Option<Timestamp>,
}

/// A version of the roster.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct RosterRow {
    /// The version.
    pub version: u64,
    /// When it was written.
    pub created: Timestamp,
    /// Its digest.
    pub digest: crate::crypto::Digest,
    /// Members in it.
    pub members: usize,
    /// Who is in it and was not in the one before.
    pub joined: Vec<MemberId>,
    /// Who was in the one before, and is not in it.
    pub left: Vec<MemberId>,
    /// Who was in both, with other rights.
    pub changed: Vec<MemberId>,
}

/// How many documents of a class, and what was done with them.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ClassRow {
    /// The class; none where the entry does not name one.
    pub class: Option<Class>,
    /// How often what was done.
    pub deeds: BTreeMap<Deed, u64>,
}

/// One person's entries.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PersonRow {
    /// Who; none for entries that name nobody.
    pub member: Option<MemberId>,
    /// The numbers.
    #[serde(flatten)]
    pub person: Person,
}

/// One kind of event, one outcome.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct EventRow {
    /// What.
    pub event: Event,
    /// How it went.
    pub outcome: crate::log::entry::Outcome,
    /// Entries.
    pub count: u64,
}

/// One day.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct DayRow {
    /// The day, where the report is made.
    pub day: Day,
    /// Entries by kind.
    pub by_category: ByCategory,
}

/// How far back the log reaches.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Retention {
    /// The first entry there is.
    pub first: Option<Seq>,
    /// Its time.
    pub since: Option<Timestamp>,
    /// From then to now.
    pub days: i64,
    /// Whether the first entry is the making of the vault, before which there is nothing.
    pub from_beginning: bool,
    /// Whether that is at least six months, or all of the vault's life.
    pub enough: bool,
}

/// What a report says of the entries and the people. The bounds of its lists are those of the room, and what is beyond them is
/// counted in the fields that begin with `more`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Account {
    /// The vault.
    pub vault: Option<VaultId>,
    /// Its name.
    pub name: String,
    /// Its zone.
    pub zone: Option<Zone>,
    /// When the report was made.
    pub made: Timestamp,
    /// The time zone of its days and hours.
    pub offset: String,
    /// What it is about.
    pub period: Period,
    /// Entries of the period.
    pub entries: u64,
    /// Entries outside it.
    pub outside: u64,
    /// The first entry of the period and its time.
    pub first: Option<(Seq, Timestamp)>,
    /// The last entry of the period and its time.
    pub last: Option<(Seq, Timestamp)>,
    /// Entries by day, in order; days without entries are left out.
    pub days: Vec<DayRow>,
    /// Entries of days beyond those.
    pub more_days: u64,
    /// Entries by weekday, Monday first, and hour.
    pub week: [[u64; 24]; 7],
    /// The six kinds of event that there were.
    pub categories: BTreeMap<Category, Shown>,
    /// Every event and outcome that there was.
    pub events: Vec<EventRow>,
    /// What was done, by class.
    pub classes: Vec<ClassRow>,
    /// Who did how much, most first.
    pub people: Vec<PersonRow>,
    /// Entries of people beyond those.
    pub more_people: u64,
    /// Who read what, most first.
    pub reads: Vec<ReadRow>,
    /// Accesses in none of those rows.
    pub more_reads: u64,
    /// Bundles with an entry in the period.
    pub transfers: Vec<Transfer>,
    /// All other bundles, to be compared with the other side's.
    #[serde(skip)]
    pub outside_transfers: Vec<Transfer>,
    /// Entries about bundles in none of those rows.
    pub more_transfers: u64,
    /// Attempts to send, import or answer that were refused.
    pub refused_transfers: u64,
    /// The first twenty of them.
    pub refused_transfer_entries: Vec<Seq>,
    /// What is to be said of the clocks.
    pub clock: ClockReport,
    /// How far back the log reaches.
    pub retention: Retention,
    /// Everybody who is or was a member.
    pub members: Vec<MemberRow>,
    /// Every version of the roster.
    pub rosters: Vec<RosterRow>,
}

/// Closes the books.
pub fn account(tally: Tally, context: Context<'_>) -> Account {
    let newest = context.chain.last();
    let retention = retention(&tally, context.now);
    let mut people: Vec<PersonRow> =
        tally.people.into_iter().map(|(member, person)| PersonRow { member, person }).collect();
    people.sort_by_key(|row| std::cmp::Reverse(row.person.entries));
    let (reads, more_reads) = tally.reads.finish();
    let crossed = tally.transfers.finish();
    Account {
        vault: newest.map(InForce::vault),
        name: newest.map(|roster| roster.roster().name.clone()).unwrap_or_default(),
        zone: newest.map(|roster| roster.roster().zone),
        made: context.now,
        offset: tally.zone.offset(context.now),
        period: tally.period,
        entries: tally.entries,
        outside: tally.outside,
        first: tally.ends.map(|(seq, time, ..)| (seq, time)),
        last: tally.ends.map(|(.., seq, time)| (seq, time)),
        days: tally.days.into_iter().map(|(day, by_category)| DayRow { day, by_category }).collect(),
        more_days: tally.other_days,
        week: tally.week,
        categories: tally.categories,
        events: tally
            .events
            .into_iter()
            .map(|((event, outcome), count)| EventRow { event, outcome, count })
            .collect(),
        classes: tally.classes.into_iter().map(|(class, deeds)| ClassRow { class, deeds }).collect(),
        people,
        more_people: tally.other_people,
        reads,
        more_reads,
        transfers: crossed.inside,
        outside_transfers: crossed.outside,
        more_transfers: crossed.more,
        refused_transfers: crossed.refusals,
        refused_transfer_entries: crossed.refused,
        clock: tally.clock.finish(),
        retention,
        members: members(context),
        rosters: rosters(context.chain),
    }
}

fn retention(tally: &Tally, now: Timestamp) -> Retention {
    let day = |zone: &TimeZone, time| zone.local(time).day;
    let today = day(&tally.zone, now);
    let Some((first, since, event)) = tally.whole else {
        return Retention { first: None, since: None, days: 0, from_beginning: false, enough: false };
    };
    let begun = day(&tally.zone, since);
    let from_beginning = event == Event::VaultInit && first == (Seq { epoch: 1, seq: 0 });
    Retention {
        first: Some(first),
        since: Some(since),
        days: today.days_since(begun),
        from_beginning,
        enough: from_beginning || begun <= today.months_before(RETENTION_MONTHS),
    }
}

/// Members of the newest roster, then those of older ones, each as the last roster had them.
fn members(context: Context<'_>) -> Vec<MemberRow> {
    let mut last: BTreeMap<MemberId, (&Member, usize)> = BTreeMap::new();
    for (at, roster) in context.chain.iter().enumerate() {
        last.extend(roster.roster().members.iter().map(|member| (member.id, (member, at))));
    }
    let newest = context.chain.len().saturating_sub(1);
    let mut rows: Vec<MemberRow> = last
        .values()
        .map(|(member, at)| {
            let without = context.chain.get(at + 1).map(|roster| roster.roster().created);
            let state = match () {
                () if *at < newest => "left",
                () if member.has_ended(context.now) => "ended",
                () => "member",
            };
            row(member, state, without)
        })
        .collect();
    rows.sort_by_key(|row| (row.state == "left", row.state == "ended", row.role, row.joined));
    rows
}

fn row(member: &Member, state: &'static str, left: Option<Timestamp>) -> MemberRow {
    MemberRow {
        id: member.id,
        name: member.name.clone(),
        role: member.role,
        clearance: member.clearance.clone(),
        titles: member.titles,
        import: member.import,
        release: member.release,
        sponsor: member.sponsor,
        until: member.until.clone(),
        joined: member.joined,
        state,
        left,
    }
}

fn rosters(chain: &[InForce]) -> Vec<RosterRow> {
    let mut before: BTreeMap<MemberId, Member> = BTreeMap::new();
    let mut rows = Vec::with_capacity(chain.len());
    for in_force in chain {
        let roster = in_force.roster();
        let now: BTreeMap<MemberId, Member> =
            roster.members.iter().map(|member| (member.id, member.clone())).collect();
        let changed = |(id, member): (&MemberId, &Member)| {
            before.get(id).is_some_and(|old| old != member).then_some(*id)
        };
        rows.push(RosterRow {
            version: roster.version,
            created: roster.created,
            digest: in_force.digest(),
            members: now.len(),
            joined: now.keys().filter(|id| !before.contains_key(id)).copied().collect(),
            left: before.keys().filter(|id| !now.contains_key(id)).copied().collect(),
            changed: now.iter().filter_map(changed).collect(),
        });
        before = now;
    }
    rows
}
