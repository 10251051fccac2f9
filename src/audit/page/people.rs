//! Who read what, and who may.

use super::scribe::{Scribe, bad_count, count, ident, number, text};
use super::{Block, Cell, Look, Section};
use crate::audit::tally::{Deed, MemberRow, PersonRow, ReadRow, RosterRow};
use crate::id::MemberId;
use crate::words::screen;

/// The first so many pairs of a document and a person are shown.
const READS: usize = 200;
/// So many people and members.
const PEOPLE: usize = 500;
/// So many versions of the roster, the newest ones.
const ROSTERS: usize = 100;

pub(super) fn reads(scribe: &Scribe<'_>) -> Section {
    let account = &scribe.report.account;
    let mut blocks = vec![Block::Text(scribe.say("report-reads-intro"))];
    let had = |row: &&PersonRow| {
        [Deed::Opened, Deed::Refused, Deed::Exported].iter().any(|deed| row.person.deeds.contains_key(deed))
    };
    let readers: Vec<&PersonRow> = account.people.iter().filter(had).collect();
    if readers.is_empty() {
        blocks.push(Block::Text(scribe.say("report-reads-none")));
    } else {
        let rows = readers.iter().take(PEOPLE).map(|row| reader(scribe, row)).collect();
        let columns = ["member", "#documents", "#opened", "#refused", "#exported"];
        let mut table = scribe.table("readers", &columns, rows);
        table.more = scribe.more(PEOPLE, readers.len());
        blocks.push(Block::Table(table));
        let rows = account.reads.iter().take(READS).map(|row| read(scribe, row)).collect();
        let columns = ["document", "class", "member", "#opened", "#refused", "#exported", "first", "last"];
        let mut table = scribe.table("reads", &columns, rows);
        table.more = scribe.more(READS, account.reads.len());
        blocks.push(Block::Table(table));
    }
    if account.more_reads > 0 {
        let facts = [("count", number(account.more_reads))];
        blocks.push(Block::Warning(scribe.tell("report-more-reads", &facts)));
    }
    Section { id: "reads", title: scribe.say("report-reads"), page: false, blocks }
}

fn reader(scribe: &Scribe<'_>, row: &PersonRow) -> Vec<Cell> {
    let deed = |deed| row.person.deeds.get(&deed).copied().unwrap_or(0);
    let reads = &scribe.report.account.reads;
    let documents = reads.iter().filter(|read| read.member == row.member && read.opened > 0).count();
    vec![
        scribe.person(row.member),
        count(documents as u64),
        count(deed(Deed::Opened)),
        bad_count(deed(Deed::Refused)),
        count(deed(Deed::Exported)),
    ]
}

fn read(scribe: &Scribe<'_>, row: &ReadRow) -> Vec<Cell> {
    let class =
        row.class.map_or_else(|| scribe.say("report-unknown"), |class| scribe.word("class", class.as_str()));
    vec![
        ident(row.document.to_string().chars().take(12).collect()),
        text(class),
        scribe.person(row.member),
        count(row.opened),
        bad_count(row.refused),
        count(row.exported),
        scribe.when(row.first),
        scribe.when(row.last),
    ]
}

pub(super) fn members(scribe: &Scribe<'_>) -> Section {
    let account = &scribe.report.account;
    let rows = account.members.iter().take(PEOPLE).map(|row| member(scribe, row)).collect();
    let columns = ["member", "role", "state", "rights", "sponsor", "since", "until", "last-seen"];
    let mut table = scribe.table("members", &columns, rows);
    table.more = scribe.more(PEOPLE, account.members.len());
    let newest = account.rosters.iter().rev();
    let rows = newest.take(ROSTERS).map(|row| roster(scribe, row)).collect();
    let columns = ["version", "created", "#members", "changes", "digest"];
    let mut versions = scribe.table("rosters", &columns, rows);
    versions.more = scribe.more(ROSTERS, account.rosters.len());
    let intro = scribe.say("report-members-intro");
    let blocks = vec![Block::Text(intro), Block::Table(table), Block::Table(versions)];
    Section { id: "members", title: scribe.say("report-members"), page: false, blocks }
}

fn member(scribe: &Scribe<'_>, row: &MemberRow) -> Vec<Cell> {
    let last = scribe.report.account.people.iter().find(|person| person.member == Some(row.id));
    let mut state = text(scribe.say(&format!("report-state-{}", row.state)));
    if let Some(left) = row.left {
        state.lines.extend(scribe.when(left).lines);
    }
    if row.state == "ended" {
        state.look = Look::Alert;
    }
    let last =
        last.map_or_else(|| text(scribe.say("report-never")), |person| scribe.when(person.person.last));
    vec![
        scribe.person(Some(row.id)),
        text(scribe.word("role", row.role.as_str())),
        state,
        text(rights(scribe, row)),
        row.sponsor.map_or_else(|| text("–".to_owned()), |sponsor| text(scribe.name(Some(sponsor)))),
        scribe.when(row.joined),
        text(until(scribe, row)),
        last,
    ]
}

fn until(scribe: &Scribe<'_>, row: &MemberRow) -> String {
    let Some(until) = &row.until else { return "–".to_owned() };
    let day = until.parse::<crate::words::local::Day>();
    day.map_or_else(|_| screen::escape(until), |day| day.shown(scribe.lang()))
}

fn rights(scribe: &Scribe<'_>, row: &MemberRow) -> String {
    let mut rights: Vec<String> = row
        .clearance
        .iter()
        .map(|class| scribe.tell("report-right-class", &[("class", scribe.word("class", class.as_str()))]))
        .collect();
    for (has, name) in [(row.titles, "titles"), (row.import, "import"), (row.release, "release")] {
        rights.extend(has.then(|| scribe.say(&format!("report-right-{name}"))));
    }
    if rights.is_empty() { scribe.say("report-right-none") } else { scribe.list(&rights) }
}

fn roster(scribe: &Scribe<'_>, row: &RosterRow) -> Vec<Cell> {
    let named = |key: &str, members: &[MemberId]| {
        let names: Vec<String> = members.iter().map(|id| scribe.name(Some(*id))).collect();
        (!names.is_empty()).then(|| scribe.tell(key, &[("names", scribe.list(&names))]))
    };
    let changes = [
        named("report-roster-joined", &row.joined),
        named("report-roster-left", &row.left),
        named("report-roster-changed", &row.changed),
    ];
    let mut lines: Vec<super::Line> = changes.into_iter().flatten().map(super::scribe::plain).collect();
    if lines.is_empty() {
        lines.push(super::scribe::plain(scribe.say("report-roster-same")));
    }
    vec![
        text(row.version.to_string()),
        scribe.when(row.created),
        count(row.members as u64),
        Cell { lines, look: Look::Plain },
        ident(row.digest.to_string().chars().take(16).collect()),
    ]
}
