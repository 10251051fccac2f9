//! `init`.

use std::path::PathBuf;

use clap::ArgMatches;
use gapvault::vault::{self, Error, InitRequest};

use super::{kind, needed, needed_path, needed_word, peer, policy};
use crate::desk::Desk;

pub(crate) fn run(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let site = desk.site()?;
    let dir = needed_path(matches, "dir")?;
    let policy = matches.get_one::<PathBuf>("policy").map(|path| policy::read(path)).transpose()?;
    let given = super::code(matches)?;
    let deposit_for = match matches.get_one::<PathBuf>("deposit-for") {
        None => None,
        Some(path) => {
            let card = vault::read_vault_card(&site, path)?;
            peer::compare(desk, given, &vault::vault_card_view(&card))?;
            Some(card)
        }
    };
    let request = InitRequest {
        deposit_for,
        name: needed(matches, "name")?,
        zone: needed_word(matches, "zone")?,
        kind: kind(matches),
        officers_needed: matches.get_one("officers-needed").copied().unwrap_or(1),
        policy,
    };
    let file = desk.identity_file()?;
    let me = vault::unlock_identity(&site, file, &desk.secret(file)?)?;
    let report = vault::init(&site, &dir, &me, &request)?;
    desk.answer(&report, |desk| {
        let zone = desk.value("zone", report.zone.as_str());
        vec![
            desk.text("say-vault-made", &[("path", dir.display().to_string()), ("zone", zone)]),
            desk.text("say-vault-id", &[("id", report.vault.to_string())]),
            desk.text("say-code", &[("code", report.code.clone())]),
        ]
    })?;
    desk.say("say-init-next", &[("name", me.name().to_owned())]);
    if report.people_needed > 0 {
        desk.say("say-init-people", &[("count", report.people_needed.to_string())]);
    }
    Ok(0)
}
