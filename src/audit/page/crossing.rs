//! What crossed the gap, with receipts; and both sides of it beside each other.

use super::scribe::{Scribe, count, ident, looking, number, text};
use super::{Block, Cell, Look, Section};
use crate::audit::tally::{Crossing, Direction, Match, ReconciledRow, Reconciliation, Transfer};

/// The first so many bundles are shown.
const SHOWN: usize = 500;

pub(super) fn section(scribe: &Scribe<'_>) -> Section {
    let account = &scribe.report.account;
    let mut blocks = Vec::new();
    if account.transfers.is_empty() {
        blocks.push(Block::Text(scribe.say("report-transfers-none")));
    } else {
        blocks.push(Block::Text(summary(scribe)));
        let rows = account.transfers.iter().take(SHOWN).map(|row| transfer(scribe, row)).collect();
        let columns =
            ["number", "direction", "peer", "bundle", "#documents", "state", "receipt", "when", "entries"];
        let mut table = scribe.table("transfers", &columns, rows);
        table.more = scribe.more(SHOWN, account.transfers.len());
        blocks.push(Block::Table(table));
    }
    if account.refused_transfers > 0 {
        let facts = [
            ("count", number(account.refused_transfers)),
            ("entries", scribe.seqs(&account.refused_transfer_entries)),
        ];
        blocks.push(Block::Warning(scribe.tell("report-transfers-refused", &facts)));
    }
    if account.more_transfers > 0 {
        let facts = [("count", number(account.more_transfers))];
        blocks.push(Block::Warning(scribe.tell("report-more-transfers", &facts)));
    }
    blocks.push(Block::Heading(scribe.say("report-reconciled")));
    match &scribe.report.other {
        None => blocks.push(Block::Text(scribe.say("report-reconciled-not-asked"))),
        Some(other) => blocks.extend(reconciled(scribe, other)),
    }
    Section { id: "transfers", title: scribe.say("report-transfers"), page: false, blocks }
}

fn summary(scribe: &Scribe<'_>) -> String {
    let rows = &scribe.report.account.transfers;
    let of = |wanted: fn(&Transfer) -> bool| number(rows.iter().filter(|row| wanted(row)).count() as u64);
    let facts = [
        ("out", of(|row| row.direction == Direction::Out)),
        ("in", of(|row| row.direction == Direction::In)),
        ("unanswered", of(|row| row.direction == Direction::Out && row.receipt.is_none())),
        ("waiting", of(|row| row.state == Crossing::Quarantine)),
    ];
    scribe.tell("report-transfers-intro", &facts)
}

fn place(scribe: &Scribe<'_>, series: Option<u64>, number: Option<u64>) -> Cell {
    let unknown = || "?".to_owned();
    let number = number.map_or_else(unknown, |number| number.to_string());
    match series {
        Some(1) | None => text(number),
        Some(series) => {
            text(scribe.tell("report-series", &[("series", series.to_string()), ("number", number)]))
        }
    }
}

fn short(bundle: crate::id::BundleId) -> Cell {
    ident(bundle.to_string().chars().take(12).collect())
}

fn transfer(scribe: &Scribe<'_>, row: &Transfer) -> Vec<Cell> {
    let verdict = |verdict: &str| scribe.word("report-receipt", verdict);
    let mut receipt = match (&row.receipt, row.direction) {
        (Some(receipt), _) => text(verdict(&receipt.verdict)),
        (None, Direction::Out) => looking(scribe.say("report-receipt-none"), Look::Alert),
        (None, Direction::In) => text("–".to_owned()),
    };
    if let Some(given) = &row.receipt {
        receipt.lines.extend(scribe.when(given.at).lines);
        let digest = given.note_sha256.map(|digest| digest.to_string().chars().take(16).collect());
        receipt.lines.extend(digest.map(super::scribe::mono));
    }
    vec![
        place(scribe, row.series, row.number),
        text(scribe.say(&format!("report-direction-{}", row.direction))),
        scribe.vault(row.peer),
        short(row.bundle),
        row.documents.map_or_else(|| text("?".to_owned()), count),
        text(scribe.say(&format!("report-crossing-{}", row.state))),
        receipt,
        scribe.when(row.first),
        text(scribe.seqs(&row.entries)),
    ]
}

fn reconciled(scribe: &Scribe<'_>, other: &Reconciliation) -> Vec<Block> {
    let differ = other.rows.iter().filter(|row| row.state != Match::Same).count();
    let facts = [
        ("name", other.other_name.clone()),
        ("id", other.other.to_string()),
        ("verdict", scribe.word("verdict", &other.other_verdict)),
        ("count", number(other.rows.len() as u64)),
        ("differ", number(differ as u64)),
    ];
    let mut blocks = vec![Block::Text(scribe.tell("report-reconciled-intro", &facts))];
    if other.other_verdict != "ok" {
        blocks.push(Block::Warning(scribe.tell("report-reconciled-verdict", &facts)));
    }
    if other.rows.is_empty() {
        blocks.push(Block::Text(scribe.say("report-reconciled-none")));
        return blocks;
    }
    let rows = other.rows.iter().take(SHOWN).map(|row| both(scribe, row)).collect();
    let columns = ["number", "direction", "bundle", "sent", "received", "agreement"];
    let mut table = scribe.table("reconciled", &columns, rows);
    table.more = scribe.more(SHOWN, other.rows.len());
    blocks.push(Block::Table(table));
    blocks
}

fn both(scribe: &Scribe<'_>, row: &ReconciledRow) -> Vec<Cell> {
    let state = |crossing: Option<Crossing>| {
        crossing.map_or_else(|| "–".to_owned(), |state| scribe.say(&format!("report-crossing-{state}")))
    };
    let mut sent = text(state(row.sent));
    if let Some(receipt) = &row.receipt {
        let says = [("verdict", scribe.word("report-receipt", receipt))];
        sent.lines.push(super::scribe::plain(scribe.tell("report-receipt-says", &says)));
    }
    let look = if row.state == Match::Same { Look::Fine } else { Look::Alert };
    let mut agreement = looking(scribe.say(&format!("report-match-{}", row.state)), look);
    let differences = row.differences.iter().map(|name| scribe.say(&format!("report-differs-{name}")));
    agreement.lines.extend(differences.map(super::scribe::plain));
    vec![
        place(scribe, row.series, row.number),
        text(scribe.say(&format!("report-direction-{}", row.direction))),
        short(row.bundle),
        sent,
        text(state(row.received)),
        agreement,
    ]
}
