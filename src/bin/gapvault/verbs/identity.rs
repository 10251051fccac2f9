//! `identity new`, `show`, `passphrase`.

use std::path::{Path, PathBuf};

use clap::ArgMatches;
use gapvault::identity::{DEFAULT_WORK_FACTOR, MIN_WORK_FACTOR};
use gapvault::vault::{self, Code, Error, IdentityNew, Site, TokenKey};

use super::{kind, needed, needed_path};
use crate::desk::Desk;
use crate::table::cut;

/// Columns of a public key on the screen.
const KEY_WIDTH: usize = 64;
/// Below this a stolen identity file can be guessed at too quickly.
const CALM_WORK: u8 = 16;

pub(crate) fn run(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    match matches.subcommand() {
        Some(("new", matches)) => new(desk, matches),
        Some(("passphrase", matches)) => passphrase(desk, matches),
        Some((_, matches)) => show(desk, matches),
        None => Ok(0),
    }
}

fn work(desk: &Desk, matches: &ArgMatches) -> Option<u8> {
    let work = matches.get_one::<u8>("work-factor").copied();
    if let Some(low) = work.filter(|work| (MIN_WORK_FACTOR..CALM_WORK).contains(work)) {
        desk.warn("say-low-work", &[("work", low.to_string()), ("calm", CALM_WORK.to_string())]);
    }
    work
}

fn new(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let site = desk.site()?;
    let work_factor = work(desk, matches).unwrap_or(DEFAULT_WORK_FACTOR);
    let (name, out) = (needed(matches, "name")?, needed_path(matches, "out")?);
    let key = matches.get_one::<PathBuf>("key-token").map(|file| key(&site, file, matches)).transpose()?;
    let secret = desk.secret_for_new()?;
    let request = IdentityNew { name, out, secret, work_factor, kind: kind(matches), key };
    let report = vault::identity_new(&site, &request)?;
    desk.answer(&report, |desk| {
        vec![
            desk.text(
                "say-identity-made",
                &[("name", report.name.clone()), ("path", report.identity.display().to_string())],
            ),
            desk.text("say-card-made", &[("path", report.card.display().to_string())]),
            desk.text("say-code", &[("code", report.code.clone())]),
        ]
    })?;
    desk.say("say-identity-next", &[]);
    Ok(0)
}

/// A token's key: what leads to it stands in the file, its public half there too or in the option.
fn key(site: &Site, file: &Path, matches: &ArgMatches) -> Result<TokenKey, Error> {
    let (identity, named) = vault::read_token(site, file)?;
    let recipient = match matches.get_one::<String>("key-recipient") {
        Some(text) => text.parse().map_err(|_| Error::new(Code::NotAToken).with("path", text))?,
        None => named.ok_or_else(|| Error::new(Code::NoTokenRecipient).with("path", file.display()))?,
    };
    Ok(TokenKey { identity, recipient })
}

fn show(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let file = needed_path(matches, "file")?;
    let report = vault::identity_show(&desk.site()?, &file, &mut || desk.secret(&file))?;
    desk.answer(&report, |desk| {
        let rows = [
            ("name", report.name.clone()),
            ("member", report.id.to_string()),
            ("created", desk.date(report.created)),
            ("code", report.code.clone()),
            // A post-quantum key has two thousand characters; whoever needs them all takes --json.
            ("recipient", cut(&report.recipient, KEY_WIDTH)),
            ("verifier-key", report.verifier_key.clone()),
        ];
        desk.facts(&rows)
    })?;
    Ok(0)
}

fn passphrase(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let file = needed_path(matches, "file")?;
    let site = desk.site()?;
    let work = work(desk, matches).unwrap_or(DEFAULT_WORK_FACTOR);
    let old = desk.secret(&file)?;
    let new = desk.new_passphrase(matches.get_one::<PathBuf>("new-passphrase-file"))?;
    let report = vault::identity_passphrase(&site, &file, &old, &new, work)?;
    desk.answer(&report, |desk| {
        vec![desk.text("say-passphrase-changed", &[("path", report.identity.display().to_string())])]
    })?;
    desk.say("say-passphrase-copies", &[]);
    Ok(0)
}
