//! `member add` and `member list`.

use clap::ArgMatches;
use gapvault::label::Class;
use gapvault::vault::{Code, Error, MemberAdd, MemberRow};

use super::{code, compare, needed_path, needed_word, text};
use crate::desk::Desk;
use crate::table::Table;

pub(crate) fn run(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    match matches.subcommand() {
        Some(("add", matches)) => add(desk, matches),
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
    let report = vault.member_add(&me, request)?;
    desk.answer(&report, |desk| {
        let role = desk.value("role", report.member.role.as_str());
        let facts = [
            ("name", report.member.name.clone()),
            ("id", report.member.id.to_string()),
            ("role", role),
            ("clearance", classes(desk, &report.member)),
        ];
        vec![desk.text("say-member-added", &facts)]
    })?;
    Ok(0)
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
        let names = ["member", "name", "role", "clearance", "rights", "until", "state"];
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
            ]);
        }
        table.lines(desk.width())
    })?;
    Ok(0)
}
