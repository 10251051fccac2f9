//! Everything that can be said of a bundle with public keys, check by check. Nothing is decrypted and nothing is written.

use std::path::PathBuf;

use super::super::channel::Channels;
use super::super::parallel::threads_for;
use super::super::peer::{Admitted, read_vault_card};
use super::super::report::{BundleVerifyReport, CheckRow};
use super::super::{Code, Error, Site, Vault};
use super::look::{MediaSlices, Seen, refused};
use crate::answer::{Progress, Stage};
use crate::bundle::{Bad, Judged, Known, Outcome, Receiver, Refusal, Shards, check, is_mendable, judge};
use crate::crypto::Digest;
use crate::id::VaultId;
use crate::roster::Purpose;
use crate::store::index::Place;
use crate::store::live::Live;
use crate::time::Timestamp;

/// So many of the newest entries are asked for the latest time, besides all about bundles.
const LOOK_BACK: u64 = 1000;

/// A bundle to be looked at.
#[derive(Debug, Default)]
pub struct BundleVerify<'a> {
    /// Its folders, one for each medium.
    pub paths: Vec<PathBuf>,
    /// The vault at hand.
    pub vault: Option<&'a Vault>,
    /// The sender's card, where there is no vault.
    pub card: Option<PathBuf>,
}

/// Checks a bundle.
///
/// # Errors
/// [`Code::NoFile`], [`Code::BundleNoManifest`], [`Code::BundleFormat`], [`Code::BundleMixed`], [`Code::NotAVaultCard`].
/// What is wrong with a bundle that can be read is in the report.
pub fn bundle_verify(
    site: &Site,
    wish: &BundleVerify<'_>,
    progress: &dyn Progress,
) -> Result<BundleVerifyReport, Error> {
    let seen = read_media(&wish.paths)?;
    let primary = newest(&seen)?;
    let card = wish.card.as_ref().map(|path| read_vault_card(site, path)).transpose()?;
    let card = card.map(|card| card.known().clone());
    let claimed = primary.manifest.core.sender;
    let (mut sender, mut receiver) = (card.filter(|known| known.vault() == claimed), None);
    if let Some(vault) = wish.vault {
        let live = vault.live()?;
        let own = live.roster().vault() == claimed;
        if own {
            sender = Some(vault.own_known(&live)?);
        } else if let Some(peer) = vault.peer(&live, claimed)? {
            receiver = Some(vault.receiver(&live, &peer)?);
            sender = Some(peer.known);
        } else {
            receiver = Some(vault.receiver_of_stranger(&live)?);
        }
    }
    let mut judged = judge(&primary.manifest, &primary.evidence(), sender.as_ref(), receiver.as_ref());
    let stranger = sender.is_none() && receiver.is_some();
    let mut checks = rows(&judged);
    if stranger && let Some(row) = checks.iter_mut().find(|row| row.check == "sender") {
        *row = failed("sender", &refused(&Refusal::UnknownSender(claimed)));
    }
    if let Err(error) = others(&seen, judged.sender.take().as_ref()) {
        checks.push(failed("media", &error));
    }
    checks.push(volumes(&seen, primary, progress)?);
    let wrong = checks.iter().find(|row| row.ok == Some(false));
    let open = checks.iter().any(|row| row.ok.is_none() && ["sender", "signature"].contains(&&*row.check));
    let verdict = match wrong {
        Some(row) => row.code.map(|code| code.as_str().to_owned()).unwrap_or_default(),
        None if open => "unverifiable".to_owned(),
        None => "ok".to_owned(),
    };
    let core = &primary.manifest.core;
    Ok(BundleVerifyReport {
        bundle: Some(core.link.bundle),
        verdict,
        sender: Some(core.sender),
        number: Some(core.link.number),
        attempt: Some(primary.manifest.attempt.number),
        code: primary.manifest.code().map(|code| code.to_string()),
        checks,
    })
}

/// Opens every folder. They have to belong together.
pub(super) fn read_media(paths: &[PathBuf]) -> Result<Vec<Seen>, Error> {
    let seen: Vec<Seen> = paths.iter().map(|path| Seen::read(path)).collect::<Result<_, _>>()?;
    let first = seen.first().ok_or_else(|| Error::new(Code::Usage).with("detail", "DIR"))?;
    if seen.iter().all(|one| one.manifest.is_of(&first.manifest.core)) {
        Ok(seen)
    } else {
        Err(Code::BundleMixed.into())
    }
}

/// The medium of the newest attempt.
pub(super) fn newest(seen: &[Seen]) -> Result<&Seen, Error> {
    let newest = seen.iter().max_by_key(|one| one.manifest.attempt.number);
    newest.ok_or_else(|| Error::new(Code::Usage).with("detail", "DIR"))
}

/// The manifests of the other media are signed by a member as well, and nothing lies there that they do not name.
pub(super) fn others(seen: &[Seen], sender: Option<&Known>) -> Result<(), Error> {
    let Some(sender) = sender else { return Ok(()) };
    for one in seen {
        if sender.signed(&one.note).is_err() {
            return Err(refused(&Refusal::Signature));
        }
        let judged = judge(&one.manifest, &one.evidence(), None, None);
        if let Some(refusal) = judged.refusal() {
            return Err(refused(refusal));
        }
    }
    Ok(())
}

fn rows(judged: &Judged) -> Vec<CheckRow> {
    let row = |check: &crate::bundle::Check| match &check.outcome {
        Outcome::Holds(detail) => {
            CheckRow { check: check.name.to_owned(), ok: Some(true), code: None, detail: detail.clone() }
        }
        Outcome::Fails(refusal) => failed(check.name, &refused(refusal)),
        Outcome::Open => {
            CheckRow { check: check.name.to_owned(), ok: None, code: None, detail: String::new() }
        }
    };
    judged.checks.iter().map(row).collect()
}

fn failed(check: &str, error: &Error) -> CheckRow {
    let facts: Vec<String> = error.facts().iter().map(|(name, value)| format!("{name} {value}")).collect();
    CheckRow { check: check.to_owned(), ok: Some(false), code: Some(error.code()), detail: facts.join(", ") }
}

/// Every block of volumes and parity.
fn volumes(seen: &[Seen], primary: &Seen, progress: &dyn Progress) -> Result<CheckRow, Error> {
    let plan = primary.manifest.core.plan;
    let shards = primary.files.get("shards").and_then(|bytes| Shards::parse(bytes, &plan));
    let Some(shards) = shards.filter(|shards| shards.digest() == primary.manifest.core.shards) else {
        return Ok(failed("volumes", &refused(&Refusal::File("shards".to_owned()))));
    };
    let slices = MediaSlices::open(seen)?;
    let total = (0..plan.slices()).map(|slice| plan.body_len_of(slice)).sum();
    progress.begin(Stage::Verifying, Some(total), None);
    let told = |bytes: u64| progress.advance(bytes, 0);
    let bad = check(&plan, &slices, &shards, threads_for(plan.body_len()), &told)
        .map_err(|error| super::super::convert::io(Code::Io, &error).because(error))?;
    progress.end();
    let absent = slices.absent();
    let here = |slice: &u32| seen.iter().any(|one| one.manifest.slices.contains(slice + 1));
    let elsewhere: Vec<u32> = absent.iter().filter(|slice| !here(slice)).copied().collect();
    if bad.is_empty() {
        let detail = format!("{} + {}", plan.volumes(), plan.parity());
        return Ok(CheckRow { check: "volumes".to_owned(), ok: Some(true), code: None, detail });
    }
    let names = damaged_names(&bad);
    if !elsewhere.is_empty() && !is_mendable(&plan, &bad) {
        let error = Error::new(Code::BundleIncomplete).with("name", names_of(&plan, &elsewhere));
        return Ok(failed("volumes", &error));
    }
    let state = if is_mendable(&plan, &bad) { "mendable" } else { "lost" };
    Ok(failed(
        "volumes",
        &Error::new(Code::BundleDamaged).with("name", names.join(", ")).with("state", state),
    ))
}

pub(super) fn names_of(plan: &crate::bundle::Plan, slices: &[u32]) -> String {
    let names = slices.iter().filter_map(|slice| plan.slice(*slice)).map(|name| name.to_string());
    names.collect::<Vec<_>>().join(", ")
}

/// The volumes and parity that have bad blocks.
pub(super) fn damaged_names(bad: &Bad) -> Vec<String> {
    let plan = *bad.plan();
    let slices = (0..plan.slices()).filter(|slice| bad.count_of(*slice) > 0);
    slices.filter_map(|slice| plan.slice(slice)).map(|name| name.to_string()).collect()
}

impl Vault {
    /// What the own vault knows of a channel, for a judgement.
    pub(super) fn receiver(&self, live: &Live, peer: &Admitted) -> Result<Receiver, Error> {
        let channels = Channels::read(live)?;
        let ledger = channels.ledger(peer.known.vault(), peer.peer.incoming);
        Ok(Receiver { ledger, ..self.receiver_of_stranger(live)? })
    }

    /// The same for a sender that nobody admitted.
    fn receiver_of_stranger(&self, live: &Live) -> Result<Receiver, Error> {
        let roster = live.roster().roster();
        let keys = roster.keys.iter().filter(|(name, _)| name.purpose == Purpose::Transfer);
        let vault: VaultId = live.roster().vault();
        Ok(Receiver {
            vault,
            zone: roster.zone,
            keys: keys.map(|(_, key)| Digest::of(key.as_bytes())).collect(),
            ledger: crate::bundle::Ledger::default(),
            now: self.latest(live)?,
        })
    }

    /// The later of the clock and what the log remembers: a clock that was put back brings nothing back to life. Not only the
    /// last entry is asked, since the clock is back there as well.
    fn latest(&self, live: &Live) -> Result<Timestamp, Error> {
        let ledger = live.ledger();
        let mut latest = self
            .site
            .clock
            .now()
            .time
            .max(Channels::read(live)?.latest.unwrap_or(Timestamp::from_unix_ms(0)));
        for seq in ledger.size().saturating_sub(LOOK_BACK)..ledger.size() {
            latest = latest.max(live.entry(Place { epoch: ledger.epoch(), seq })?.time());
        }
        Ok(latest)
    }
}
