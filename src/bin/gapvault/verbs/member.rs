//! `member add`, `member list`, `member revoke`, `member replace`.

use std::path::PathBuf;

use clap::ArgMatches;
use gapvault::label::Class;
use gapvault::vault::{Code, Done, Error, Leaving, MemberAdd, MemberRevokeReport, MemberRow};

use super::{code, compare, keys, needed, needed_path, needed_word, requests, text};
use crate::desk::Desk;
use crate::table::Table;

pub(crate) fn run(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    match matches.subcommand() {
        Some(("add", matches)) => add(desk, matches),
        Some(("revoke", matches)) => leave(desk, matches, None),
        Some(("replace", matches)) => leave(desk, matches, Some(needed_path(matches, "card")?)),
        _ => list(desk),
    }
}

fn add(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let given = code(matches)?;
    let (vault, me) = desk.vault_and_me()?;
    let mut confirm = |card: &gapvault::vault::CardView| {
        let facts = [("name", card.name.clone()), ("id", card.id.to_string())];
        compare(desk, given, card.code, "ask-card", &facts)
    };
    let request = MemberAdd {
        card: needed_path(matches, "card")?,
        role: needed_word(matches, "role")?,
        clearance: clearance(matches)?,
        titles: matches.get_flag("titles"),
        import: matches.get_flag("import"),
        release: matches.get_flag("release"),
        until: text(matches, "until"),
        sponsor: text(matches, "sponsor"),
        confirm: &mut confirm,
    };
    let report = match vault.member_add(&me, request)? {
        Done::Done(report) => report,
        Done::Asked(request) => return requests::asked(desk, &request),
    };
    desk.answer(&report, |desk| {
        let role = desk.value("role", report.member.role.as_str());
        let facts = [
            ("name", report.member.name.clone()),
            ("id", report.member.id.to_string()),
            ("role", role),
            ("clearance", classes(desk, &report.member)),
        ];
        let mut lines = vec![desk.text("say-member-added", &facts)];
        if report.keys_waiting > 0 {
            lines.push(desk.text("say-keys-waiting", &[("count", report.keys_waiting.to_string())]));
        }
        lines
    })?;
    Ok(0)
}

/// Somebody leaves, or comes back under a new identity.
fn leave(desk: &Desk, matches: &ArgMatches, card: Option<PathBuf>) -> Result<u8, Error> {
    let given = if card.is_some() { code(matches)? } else { None };
    let member = needed(matches, "member")?;
    let (vault, me) = desk.vault_and_me()?;
    if card.is_none() {
        desk.confirm(&[], "ask-revoke", &[("id", gapvault::words::screen::escape(&member))])?;
    }
    let mut confirm = |card: &gapvault::vault::CardView| {
        let facts = [("name", card.name.clone()), ("id", card.id.to_string())];
        compare(desk, given, card.code, "ask-card", &facts)
    };
    let leaving = Leaving {
        member,
        card,
        rekey: matches.get_flag("rekey"),
        reason: text(matches, "reason"),
        confirm: &mut confirm,
    };
    match vault.member_leave(&me, leaving, &*desk.progress())? {
        Done::Asked(request) => requests::asked(desk, &request),
        Done::Done(report) => {
            desk.answer(&report, |desk| left(desk, &report))?;
            Ok(keys::exit(desk, &report.documents))
        }
    }
}

/// What was done, and what the person may have all the same.
fn left(desk: &Desk, report: &MemberRevokeReport) -> Vec<String> {
    let name = report.member.as_ref().map(|row| row.name.clone()).unwrap_or_default();
    let mut lines = match &report.replaced_by {
        Some(new) => {
            vec![desk.text("say-member-replaced", &[("name", name.clone()), ("id", new.id.to_string())])]
        }
        None => vec![desk.text("say-member-revoked", &[("name", name.clone())])],
    };
    lines.extend(keys::rotated(desk, report));
    for id in &report.without_sponsor {
        lines.push(desk.text("say-without-sponsor", &[("id", id.to_string())]));
    }
    if report.may_still_have > 0 {
        let facts = [("count", report.may_still_have.to_string()), ("name", name)];
        lines.push(desk.text("say-may-still-have", &facts));
        for one in &report.opened {
            let facts = [("id", one.id.to_string()), ("date", desk.date(one.last))];
            lines.push(desk.text("say-opened-once", &facts));
        }
    }
    lines
}

fn clearance(matches: &ArgMatches) -> Result<Vec<Class>, Error> {
    let mut classes = Vec::new();
    for text in matches.get_many::<String>("clearance").into_iter().flatten() {
        let class = text.parse().map_err(|_| Error::new(Code::Usage).with("detail", "clearance"))?;
        if !classes.contains(&class) {
            classes.push(class);
        }
    }
    Ok(classes)
}

fn classes(desk: &Desk, row: &MemberRow) -> String {
    if row.clearance.is_empty() {
        return desk.text("say-none", &[]);
    }
    let words: Vec<String> = row.clearance.iter().map(|class| desk.value("class", class.as_str())).collect();
    words.join(&desk.text("say-comma", &[]))
}

fn rights(desk: &Desk, row: &MemberRow) -> String {
    let rights = [(row.titles, "right-titles"), (row.import, "right-import"), (row.release, "right-release")];
    let words: Vec<String> =
        rights.iter().filter(|(has, _)| *has).map(|(_, key)| desk.text(key, &[])).collect();
    words.join(&desk.text("say-comma", &[]))
}

fn list(desk: &Desk) -> Result<u8, Error> {
    let report = desk.vault()?.member_list()?;
    desk.answer(&report, |desk| {
        let names = ["member", "name", "role", "clearance", "rights", "until", "state", "last-seen"];
        let mut table = Table::new(desk.headings(&names));
        for row in &report.members {
            table.row(vec![
                row.id.to_string(),
                row.name.clone(),
                desk.value("role", row.role.as_str()),
                classes(desk, row),
                rights(desk, row),
                row.until.clone().unwrap_or_default(),
                desk.value("state", row.state),
                row.last_seen.map(|time| desk.date(time)).unwrap_or_default(),
            ]);
        }
        table.lines(desk.width())
    })?;
    Ok(0)
}
