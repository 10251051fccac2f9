//! `peer`: other vaults.

use clap::ArgMatches;
use gapvault::id;
use gapvault::vault::{Error, PeerReport, Reset, VaultCardView};

use super::{code, needed, needed_path};
use crate::desk::Desk;
use crate::table::Table;

pub(crate) fn run(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    match matches.subcommand() {
        Some(("card", matches)) => card(desk, matches),
        Some(("add", matches)) => add(desk, matches),
        Some(("remove", matches)) => remove(desk, matches),
        Some(("reset", matches)) => reset(desk, matches),
        _ => list(desk),
    }
}

/// Compares a vault's card with what its people said.
pub(super) fn compare(desk: &Desk, given: Option<id::Code>, card: &VaultCardView) -> Result<(), Error> {
    let facts = [
        ("name", card.name.clone()),
        ("id", card.vault.to_string()),
        ("zone", desk.value("zone", card.zone.as_str())),
    ];
    super::compare(desk, given, card.code, "ask-peer", &facts)
}

fn card(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let to = needed_path(matches, "output")?;
    let report = desk.vault()?.peer_card(&to)?;
    desk.answer(&report, |desk| {
        vec![
            desk.text("say-peer-card", &[("path", report.path.display().to_string())]),
            desk.text("say-code", &[("code", report.code.clone())]),
        ]
    })?;
    desk.say("say-peer-card-next", &[]);
    Ok(0)
}

fn add(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let given = code(matches)?;
    let path = needed_path(matches, "card")?;
    let (vault, me) = desk.vault_and_me()?;
    let report = vault.peer_add(&me, &path, &mut |card| compare(desk, given, card))?;
    told(desk, &report, "say-peer-added")
}

fn remove(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let peer = needed(matches, "peer")?;
    let (vault, me) = desk.vault_and_me()?;
    desk.confirm(&[], "ask-peer-remove", &[("id", gapvault::words::screen::escape(&peer))])?;
    let report = vault.peer_remove(&me, &peer)?;
    told(desk, &report, "say-peer-removed")
}

fn reset(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let peer = needed(matches, "peer")?;
    let (vault, me) = desk.vault_and_me()?;
    let reset = matches.get_one::<u64>("in").map_or(Reset::Out, |series| Reset::In(*series));
    desk.confirm(&[], "ask-peer-reset", &[("id", gapvault::words::screen::escape(&peer))])?;
    let report = vault.peer_reset(&me, &peer, reset)?;
    told(desk, &report, if reset == Reset::Out { "say-peer-reset-out" } else { "say-peer-reset-in" })
}

fn told(desk: &Desk, report: &PeerReport, key: &str) -> Result<u8, Error> {
    desk.answer(report, |desk| {
        let facts = [
            ("name", report.peer.name.clone()),
            ("id", report.peer.vault.to_string()),
            ("zone", desk.value("zone", report.peer.zone.as_str())),
            ("out", report.peer.series_out.to_string()),
            ("in", report.peer.series_in.to_string()),
        ];
        vec![desk.text(key, &facts)]
    })?;
    Ok(0)
}

fn list(desk: &Desk) -> Result<u8, Error> {
    let report = desk.vault()?.peer_list()?;
    desk.answer(&report, |desk| {
        if report.peers.is_empty() {
            return vec![desk.text("say-no-peers", &[])];
        }
        let names = ["vault", "name", "zone", "sent", "received", "last-received"];
        let mut table = Table::new(desk.headings(&names));
        for row in &report.peers {
            table.row(vec![
                row.vault.to_string().chars().take(16).collect(),
                row.name.clone(),
                desk.value("zone", row.zone.as_str()),
                row.sent.to_string(),
                row.received.to_string(),
                row.last_received.map(|time| desk.date(time)).unwrap_or_default(),
            ]);
        }
        table.lines(desk.width())
    })?;
    Ok(0)
}
