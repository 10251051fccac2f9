//! What is believed of other vaults: what an officer signed and the log names, followed by what came since.

use std::collections::{BTreeMap, BTreeSet};

use super::super::channel::Channels;
use super::super::{Code, Error, Vault};
use super::{Admitted, RESET_IN, RESET_OUT};
use crate::bundle::{Known, NUMBER_LIMIT, Peer, VaultCard};
use crate::crypto::Digest;
use crate::id::VaultId;
use crate::log::cosignature::WitnessKey;
use crate::log::entry::{Entry, Event, Object, Outcome};
use crate::log::keys::HAND_OVER_LIMIT;
use crate::note::{SignedNote, VerifierKey};
use crate::roster::InForce;
use crate::store::StoreError;
use crate::store::index::Place;
use crate::store::live::Live;
use crate::store::peers::{self, PeerFile};

/// What the own log and rosters say of other vaults: looked up by the index of an open vault, or read one by one.
pub(in crate::vault) trait OwnEntries {
    /// The entries of one of the events that have to do with other vaults, in their order.
    fn of(&self, event: Event) -> Result<Vec<(Place, Entry)>, Error>;
    /// The own vault.
    fn vault(&self) -> VaultId;
    /// The chain of its rosters.
    fn rosters(&self) -> Result<Vec<InForce>, Error>;
}

impl OwnEntries for Live {
    fn of(&self, event: Event) -> Result<Vec<(Place, Entry)>, Error> {
        let places = self.index().places_of_event(event.as_str()).map_err(StoreError::from)?;
        places.into_iter().map(|place| Ok((place, self.entry(place)?))).collect()
    }

    fn vault(&self) -> VaultId {
        self.roster().vault()
    }

    fn rosters(&self) -> Result<Vec<InForce>, Error> {
        Ok(self.chain()?)
    }
}

/// Entries that were met while the log was judged.
#[derive(Default)]
pub(in crate::vault) struct Met(Vec<(Place, Entry)>);

impl Met {
    /// Keeps an entry that has to do with other vaults.
    pub(in crate::vault) fn take(&mut self, epoch: u64, entry: &Entry) {
        if matches!(entry.event(), Event::PeerChange | Event::RosterChange) {
            self.0.push((Place { epoch, seq: entry.seq() }, entry.clone()));
        }
    }

    /// With the chain of rosters.
    pub(in crate::vault) fn with<'a>(&'a self, chain: &'a [InForce]) -> impl OwnEntries + 'a {
        MetOf { entries: &self.0, chain }
    }
}

struct MetOf<'a> {
    entries: &'a [(Place, Entry)],
    chain: &'a [InForce],
}

impl OwnEntries for MetOf<'_> {
    fn of(&self, event: Event) -> Result<Vec<(Place, Entry)>, Error> {
        Ok(self.entries.iter().filter(|(_, entry)| entry.event() == event).cloned().collect())
    }

    fn vault(&self) -> VaultId {
        self.chain.first().map_or(VaultId([0; 32]), InForce::vault)
    }

    fn rosters(&self) -> Result<Vec<InForce>, Error> {
        Ok(self.chain.to_vec())
    }
}

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
    pub(in crate::vault) fn peer(
        &self,
        log: &dyn OwnEntries,
        id: VaultId,
    ) -> Result<Option<Admitted>, Error> {
        let Some(said) = said(log)?.remove(&id) else { return Ok(None) };
        let tampered = || Error::new(Code::TamperedPeer).with("id", id);
        let read = |file: PeerFile| -> Result<Vec<u8>, Error> {
            let bytes = peers::read(&self.context, id, file)?;
            bytes.ok_or_else(|| Error::new(Code::TruncatedPeer).with("id", id))
        };
        let note = SignedNote::parse(&read(PeerFile::Peer(said.note))?).map_err(|_| tampered())?;
        let peer = Peer::parse(note.text()).ok_or_else(tampered)?;
        let ours = note.digest() == said.note && peer.peer == id && peer.vault == log.vault();
        if !ours || !self.is_admitted_by_officer(log, &note, &peer, said.at)? {
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
        log: &dyn OwnEntries,
        note: &SignedNote,
        peer: &Peer,
        at: Place,
    ) -> Result<bool, Error> {
        let Some(roster) = log.rosters()?.into_iter().find(|roster| roster.digest() == peer.roster) else {
            return Ok(false);
        };
        let officers = roster.roster().officers().map(|officer| VerifierKey::of_member(officer.key));
        if note.verify(&officers.collect::<Vec<_>>()).is_err() {
            return Ok(false);
        }
        let next = roster.roster().version + 1;
        let changes = log.of(Event::RosterChange)?;
        let over = |(place, entry): &(Place, Entry)| {
            *place < at && entry.outcome() == Outcome::Ok && entry.detail().version == Some(next)
        };
        Ok(!changes.iter().any(over))
    }

    /// The keys by which people of admitted vaults sign receipts, and with them this vault's log.
    pub(in crate::vault) fn peer_witnesses(&self, log: &dyn OwnEntries) -> Result<Vec<WitnessKey>, Error> {
        let mut keys = BTreeMap::new();
        for id in said(log)?.keys() {
            // One whose files are not in order vouches for nothing; `peer list` says so.
            let Ok(Some(found)) = self.peer(log, *id) else { continue };
            let members = found.known.chain().iter().flat_map(|roster| &roster.roster().members);
            keys.extend(members.filter(|member| member.import).map(|member| {
                let key = WitnessKey::of_member(member.key);
                (key.to_string(), key)
            }));
        }
        Ok(keys.into_values().collect())
    }
}

/// What the log says of other vaults: those that are admitted now.
pub(super) fn said(log: &dyn OwnEntries) -> Result<BTreeMap<VaultId, Said>, Error> {
    let mut all: BTreeMap<VaultId, Said> = BTreeMap::new();
    // An officer's note is for one time: shown again, it would bring back a vault that was let go, or old numbers.
    let mut used = BTreeSet::new();
    for (at, entry) in log.of(Event::PeerChange)? {
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
