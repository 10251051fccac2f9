//! `host trust`, `enrol`, `rekey`, `resume`: this machine and this vault.

use clap::ArgMatches;
use gapvault::vault::{Error, HostReport, ResumeView, VaultView};

use super::{code, compare, needed, requests};
use crate::desk::Desk;

pub(crate) fn run(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let report = match matches.subcommand() {
        Some(("trust", matches)) => trust(desk, matches)?,
        Some(("resume", matches)) => resume(desk, matches)?,
        Some(("rekey", _)) => {
            let (vault, me) = desk.vault_and_me()?;
            vault.host_rekey(&me)?
        }
        _ => {
            let (vault, me) = desk.vault_and_me()?;
            vault.host_enrol(&me)?
        }
    };
    desk.answer(&report, |desk| {
        let facts = [
            ("name", report.name.clone()),
            ("epoch", report.epoch.to_string()),
            ("size", report.size.to_string()),
        ];
        vec![desk.text(&format!("say-host-{}", report.state), &facts)]
    })?;
    Ok(if report.state == "waiting" { requests::PENDING } else { 0 })
}

fn trust(desk: &Desk, matches: &ArgMatches) -> Result<HostReport, Error> {
    let given = code(matches)?;
    let vault = desk.vault()?;
    vault.host_trust(&mut |view: &VaultView| {
        let zone = desk.value("zone", view.zone.as_str());
        let facts = [("name", view.name.clone()), ("id", view.vault.to_string()), ("zone", zone)];
        compare(desk, given, view.code, "ask-trust", &facts)
    })
}

fn resume(desk: &Desk, matches: &ArgMatches) -> Result<HostReport, Error> {
    let given = code(matches)?;
    let reason = needed(matches, "reason")?;
    let (vault, me) = desk.vault_and_me()?;
    vault.host_resume(&me, &reason, &mut |view: &ResumeView| {
        let known = view.known_size.map_or_else(|| desk.text("say-unknown", &[]), |size| size.to_string());
        let facts = [
            ("name", view.name.clone()),
            ("epoch", view.epoch.to_string()),
            ("size", view.size.to_string()),
            ("known", known),
        ];
        compare(desk, given, view.code, "ask-resume", &facts)
    })
}
