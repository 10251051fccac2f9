//! `init`.

use clap::ArgMatches;
use gapvault::vault::{self, Error, InitRequest};

use super::{kind, needed, needed_path, needed_word};
use crate::desk::Desk;

pub(crate) fn run(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let site = desk.site()?;
    let dir = needed_path(matches, "dir")?;
    let request = InitRequest {
        name: needed(matches, "name")?,
        zone: needed_word(matches, "zone")?,
        kind: kind(matches),
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
    Ok(0)
}
