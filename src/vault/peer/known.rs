//! What is believed of other vaults: what an officer signed and the log names, followed by what came since.

use std::collections::{BTreeMap, BTreeSet};

use super::super::channel::Channels;
use super::super::{Code, Error, Vault};
use super::{Admitted, RESET_IN, RESET_OUT};
use crate::bundle::{Known, NUMBER_LIMIT, Peer, VaultCard};
use crate::crypto::Digest;
use crate::id::VaultId;
use crate::log::entry::{Event, Object, Outcome};
use crate::log::keys::HAND_OVER_LIMIT;
use crate::note::{SignedNote, VerifierKey};
use crate::store::StoreError;
use crate::store::index::Place;
use crate::store::live::Live;
use crate::store::peers::{self, PeerFile};

/// What the log says of another vault.
#[derive(Debug, Clone)]
pub(super) struct Said {
    note: Digest,
    at: Place,
    /// The newest roster that was taken: its version and digest.
    followed: Option<(u64, Digest)>,
    /// The newest epoch whose note was taken.
    epoch: u64,
    /// How many changes of its log keys were taken.
    handed: u64,
}

impl Vault {
    /// Another vault that is admitted now.
    pub(in crate::vault) fn peer(&self, live: &Live, id: VaultId) -> Result<Option<Admitted>, Error> {
        let Some(said) = said(live)?.remove(&id) else { return Ok(None) };
        let tampered = || Error::new(Code::TamperedPeer).with("id", id);
        let read = |file: PeerFile| -> Result<Vec<u8>, Error> {
            let bytes = peers::read(&self.context, id, file)?;
            bytes.ok_or_else(|| Error::new(Code::TruncatedPeer).with("id", id))
        };
        let note = SignedNote::parse(&read(PeerFile::Peer(said.note))?).map_err(|_| tampered())?;
        let peer = Peer::parse(note.text()).ok_or_else(tampered)?;
        let ours = note.digest() == said.note && peer.peer == id && peer.vault == live.roster().vault();
        if !ours || !self.is_admitted_by_officer(live, &note, &peer, said.at)? {
            return Err(tampered());
        }
        let card = VaultCard::parse(&read(PeerFile::Card(peer.card))?).map_err(|_| tampered())?;
        if card.digest() != peer.card || card.known().vault() != id {
            return Err(tampered());
        }
        let mut known = card.known().clone();
        if let Some((version, digest)) =
            said.followed.filter(|(version, _)| *version > known.roster().version)
        {
            let mut rosters = Vec::new();
            for version in known.roster().version + 1..=version {
                rosters.push((version, read(PeerFile::Roster(version))?));
            }
            let policy = self.policy_of_peer(id, &rosters, &known)?;
            known =
                known.after(&rosters, policy.as_deref(), &[]).map_err(|error| tampered().because(error))?;
            if known.roster_digest() != digest {
                return Err(tampered());
            }
        }
        for epoch in known.epoch() + 1..=said.epoch {
            let note = read(PeerFile::Resume(epoch))?;
            known = known.after(&[], None, &[(epoch, note)]).map_err(|error| tampered().because(error))?;
        }
        let mut proofs = Vec::new();
        for number in known.hand_overs().len() as u64 + 1..=said.handed.min(HAND_OVER_LIMIT as u64) {
            proofs.push((number, read(PeerFile::LogKey(number))?));
        }
        let known = known.handed_over(&proofs).map_err(|error| tampered().because(error))?;
        Ok(Some(Admitted { peer, known }))
    }

    /// The text of the policy that the last of these rosters names, where it is another one than is known.
    fn policy_of_peer(
        &self,
        id: VaultId,
        rosters: &[(u64, Vec<u8>)],
        known: &Known,
    ) -> Result<Option<Vec<u8>>, Error> {
        let newest = rosters.last().and_then(|(_, note)| SignedNote::parse(note).ok());
        let digest = newest.and_then(|note| crate::roster::Roster::parse(note.text()).ok()?.policy);
        match digest {
            Some(digest) if known.roster().policy != Some(digest) => {
                Ok(peers::read(&self.context, id, PeerFile::Policy(digest))?)
            }
            _ => Ok(None),
        }
    }

    /// The officer who signed stands in the roster that the note names, and that was the one in force then: who was an officer
    /// once admits nobody later.
    fn is_admitted_by_officer(
        &self,
        live: &Live,
        note: &SignedNote,
        peer: &Peer,
        at: Place,
    ) -> Result<bool, Error> {
        let Some(roster) = live.chain()?.into_iter().find(|roster| roster.digest() == peer.roster) else {
            return Ok(false);
        };
        let officers = roster.roster().officers().map(|officer| VerifierKey::of_member(officer.key));
        if note.verify(&officers.collect::<Vec<_>>()).is_err() {
            return Ok(false);
        }
        let next = roster.roster().version + 1;
        for place in live.index().places_of_event(Event::RosterChange.as_str()).map_err(StoreError::from)? {
            if place >= at {
                break;
            }
            let entry = live.entry(place)?;
            let over = entry.outcome() == Outcome::Ok && entry.detail().version == Some(next);
            if over {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// What the log says of other vaults: those that are admitted now.
pub(super) fn said(live: &Live) -> Result<BTreeMap<VaultId, Said>, Error> {
    let mut all: BTreeMap<VaultId, Said> = BTreeMap::new();
    // An officer's note is for one time: shown again, it would bring back a vault that was let go, or old numbers.
    let mut used = BTreeSet::new();
    for at in live.index().places_of_event(Event::PeerChange.as_str()).map_err(StoreError::from)? {
        let entry = live.entry(at)?;
        let id = entry.object().and_then(Object::vault_id);
        let (Some(id), Outcome::Ok) = (id, entry.outcome()) else { continue };
        let detail = entry.detail();
        match (detail.code.as_ref().map(|code| code.as_str()), detail.note_sha256) {
            (Some("added"), Some(note)) if used.insert(note) => {
                all.insert(id, Said { note, at, followed: None, epoch: 1, handed: 0 });
            }
            (Some(RESET_OUT | RESET_IN), Some(note)) if used.insert(note) => {
                if let Some(said) = all.get_mut(&id) {
                    (said.note, said.at) = (note, at);
                }
            }
            (Some("removed"), _) => drop(all.remove(&id)),
            (Some("followed"), Some(roster)) => {
                if let Some(said) = all.get_mut(&id) {
                    let newer = detail
                        .version
                        .filter(|version| said.followed.is_none_or(|(followed, _)| followed < *version));
                    // Never back: who was sent away since would count again.
                    said.followed = newer.map(|version| (version, roster)).or(said.followed);
                    said.epoch = said.epoch.max(detail.to.unwrap_or(1));
                    said.handed = said.handed.max(detail.count.unwrap_or(0));
                }
            }
            _ => {}
        }
    }
    Ok(all)
}

/// The series that the channels with a vault were in, whether bundles went through them or not.
pub(super) fn series_before(live: &Live, peer: VaultId) -> Result<(u64, u64), Error> {
    let channels = Channels::read(live)?;
    let out = channels.out.values().filter(|out| out.peer == peer).map(|out| out.link.series).max();
    let came = channels.incoming.values().filter(|one| one.peer == peer).map(|one| one.link.series).max();
    let (mut out, mut incoming) = (out.unwrap_or(1), came.unwrap_or(1));
    for at in live.index().places_of_event(Event::PeerChange.as_str()).map_err(StoreError::from)? {
        let entry = live.entry(at)?;
        if entry.object().and_then(Object::vault_id) != Some(peer) || entry.outcome() != Outcome::Ok {
            continue;
        }
        let series = entry.detail().series.unwrap_or(1).min(NUMBER_LIMIT);
        match entry.detail().code.as_ref().map(|code| code.as_str()) {
            Some(RESET_OUT) => out = out.max(series),
            Some(RESET_IN) => incoming = incoming.max(series),
            _ => {}
        }
    }
    Ok((out, incoming))
}
