//! What somebody should look at.

use super::scribe::{Scribe, looking, number, text};
use super::{Block, Cell, Look, Section};
use crate::audit::findings::{Finding, Weight};
use crate::time::Timestamp;

/// The first so many findings are shown.
const SHOWN: usize = 300;

pub(super) fn section(scribe: &Scribe<'_>) -> Section {
    let blocks = match &scribe.report.findings {
        None => vec![Block::Warning(scribe.say("report-findings-not-asked"))],
        Some(findings) if findings.is_empty() => vec![Block::Text(scribe.say("report-findings-none"))],
        Some(findings) => {
            let mut sorted: Vec<&Finding> = findings.iter().collect();
            sorted.sort_by_key(|finding| std::cmp::Reverse(finding.weight));
            let rows = sorted.iter().take(SHOWN).map(|finding| row(scribe, finding)).collect();
            let columns = ["weight", "finding", "member", "entries"];
            let mut table = scribe.table("findings", &columns, rows);
            table.more = scribe.more(SHOWN, findings.len());
            let intro = [("count", number(findings.len() as u64))];
            vec![Block::Text(scribe.tell("report-findings-intro", &intro)), Block::Table(table)]
        }
    };
    Section { id: "findings", title: scribe.say("report-findings"), page: false, blocks }
}

fn row(scribe: &Scribe<'_>, finding: &Finding) -> Vec<Cell> {
    let (word, look) = match finding.weight {
        Weight::Alarm => ("alarm", Look::Alert),
        Weight::Warning => ("warning", Look::Plain),
        Weight::Note => ("note", Look::Plain),
    };
    vec![
        looking(scribe.say(&format!("report-weight-{word}")), look),
        text(says(scribe, finding)),
        scribe.person(finding.member),
        text(scribe.seqs(&finding.entries)),
    ]
}

/// The rule's own sentence, or its name and facts where the catalogue has none.
fn says(scribe: &Scribe<'_>, finding: &Finding) -> String {
    let facts: Vec<(&str, String)> =
        finding.facts.iter().map(|(name, value)| (*name, shown(scribe, name, value))).collect();
    let mut whole = facts.clone();
    if facts.iter().all(|(name, _)| *name != "who") {
        whole.push(("who", scribe.say("say-somebody")));
    }
    if let Some(text) = scribe.known(&format!("finding-{}", finding.rule), &whole) {
        return text;
    }
    let facts: Vec<String> = facts.iter().map(|(name, value)| format!("{name} {value}")).collect();
    let facts = [("rule", finding.rule.to_owned()), ("facts", scribe.list(&facts))];
    scribe.tell("report-finding-plain", &facts)
}

/// A fact as people read it.
fn shown(scribe: &Scribe<'_>, name: &str, value: &str) -> String {
    match name {
        "first" | "last" | "since" => {
            value.parse().map_or_else(|_| value.to_owned(), |time: Timestamp| scribe.date(time))
        }
        "class" | "event" | "outcome" | "role" | "way" => scribe.word(name, value),
        "had" => scribe.word("role", value),
        _ => value.to_owned(),
    }
}
