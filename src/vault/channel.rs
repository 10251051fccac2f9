//! What went out and came in, as the own log has it. Nothing else is asked: no file that lies there, and no clock.

use std::collections::BTreeMap;

use super::Error;
use crate::bundle::{Ledger, Link};
use crate::crypto::Digest;
use crate::id::{BundleId, MemberId, VaultId};
use crate::log::checkpoint::Checkpoint;
use crate::log::entry::{Entry, Event, Object, Outcome, Phase};
use crate::store::StoreError;
use crate::store::live::Live;
use crate::time::Timestamp;

/// How the intent of an attempt says that it is of some volumes only.
pub(super) const SOME_VOLUMES: &str = "some-volumes";

/// A bundle that went out, or was begun.
#[derive(Debug, Clone)]
pub(super) struct Outgoing {
    pub(super) peer: VaultId,
    pub(super) link: Link,
    /// The digest of the manifest's first part.
    pub(super) core: Digest,
    /// The newest attempt.
    pub(super) attempt: u32,
    /// Until when that attempt can be imported.
    pub(super) until: Option<Timestamp>,
    /// Whether it is of some volumes only.
    pub(super) partial: bool,
    /// Media of that attempt that were written to their end.
    pub(super) media: u32,
    /// Volumes and parity up to this one are on them.
    pub(super) through: u32,
    /// When the first byte of it was allowed to go out.
    pub(super) since: Timestamp,
    /// When the newest attempt was written to its end; none while it is not.
    pub(super) written: Option<Timestamp>,
    pub(super) documents: u64,
    /// The receiver's answer, with the time.
    pub(super) answer: Option<(String, Timestamp)>,
    /// The checkpoint of the own log that the receiver signed as a witness: its epoch and size.
    pub(super) witnessed: Option<(u64, u64)>,
    /// The newest version of the own roster that the receiver says to know.
    pub(super) knows: u64,
}

/// What became of a bundle that came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Quarantine,
    Accepted,
    Rejected,
}

/// A bundle that came in.
#[derive(Debug, Clone)]
pub(super) struct Incoming {
    pub(super) peer: VaultId,
    pub(super) link: Link,
    pub(super) attempt: u32,
    pub(super) since: Timestamp,
    pub(super) importer: MemberId,
    pub(super) documents: u64,
    pub(super) manifest: Digest,
    pub(super) fate: Fate,
}

/// Every bundle, by the log.
#[derive(Debug, Clone, Default)]
pub(super) struct Channels {
    pub(super) out: BTreeMap<BundleId, Outgoing>,
    pub(super) incoming: BTreeMap<BundleId, Incoming>,
    /// The order in which bundles came in.
    order: Vec<BundleId>,
    witnessed: BTreeMap<VaultId, Checkpoint>,
    /// The latest time that an entry about bundles has, whatever came of it.
    pub(super) latest: Option<Timestamp>,
}

impl Channels {
    pub(super) fn read(live: &Live) -> Result<Self, Error> {
        let mut channels = Self::default();
        for event in [Event::BundleWrite, Event::BundleReceipt, Event::BundleImport, Event::BundleAccept] {
            let places = live.index().places_of_event(event.as_str()).map_err(StoreError::from)?;
            for place in places {
                let entry = live.entry(place)?;
                channels.latest = channels.latest.max(Some(entry.time()));
                if entry.event() == event && entry.outcome() == Outcome::Ok {
                    channels.take(&entry, place.epoch);
                }
            }
        }
        Ok(channels)
    }

    fn take(&mut self, entry: &Entry, epoch: u64) {
        let Some(id) = entry.object().and_then(Object::bundle_id) else { return };
        match (entry.event(), entry.phase()) {
            (Event::BundleWrite, Phase::Intent) => self.take_intent(id, entry),
            (Event::BundleWrite, Phase::Done) => {
                let all = entry.detail().code.as_ref().is_some_and(|code| code.as_str() == "all-media");
                let number = |field: Option<u64>| field.and_then(|number| u32::try_from(number).ok());
                let detail = entry.detail();
                if let Some(out) = self.out.get_mut(&id)
                    && number(detail.attempt) == Some(out.attempt)
                {
                    out.media = out.media.max(number(detail.medium).unwrap_or(1));
                    out.through = out.through.max(number(detail.to).unwrap_or(0));
                    out.written = all.then(|| entry.time()).or(out.written);
                }
            }
            (Event::BundleReceipt, Phase::Single) => {
                if let Some(out) = self.out.get_mut(&id) {
                    let verdict = entry.detail().code.as_ref().map(ToString::to_string);
                    out.answer = verdict.map(|verdict| (verdict, entry.time()));
                    out.witnessed = entry.detail().size.map(|size| (epoch, size)).or(out.witnessed);
                    out.knows = entry.detail().version.unwrap_or(out.knows);
                }
            }
            (Event::BundleImport, Phase::Done) => self.take_import(id, entry),
            (Event::BundleAccept, Phase::Single) => {
                let accepted = entry.detail().code.as_ref().is_some_and(|code| code.as_str() == "accepted");
                if let Some(one) = self.incoming.get_mut(&id) {
                    one.fate = if accepted { Fate::Accepted } else { Fate::Rejected };
                }
            }
            _ => {}
        }
    }

    fn take_intent(&mut self, id: BundleId, entry: &Entry) {
        let detail = entry.detail();
        let (Some(peer), Some(link), Some(core)) = (detail.peer, link(id, entry), detail.note_sha256) else {
            return;
        };
        let attempt = detail.attempt.and_then(|number| u32::try_from(number).ok()).unwrap_or(1);
        let documents = detail.count.unwrap_or(0);
        let out = self.out.entry(id).or_insert_with(|| Outgoing {
            peer,
            link,
            core,
            attempt,
            until: detail.until,
            partial: false,
            media: 0,
            through: 0,
            since: entry.time(),
            written: None,
            documents,
            answer: None,
            witnessed: None,
            knows: 0,
        });
        if attempt > out.attempt {
            (out.attempt, out.media, out.through, out.written) = (attempt, 0, 0, None);
            out.until = detail.until;
            out.partial = detail.code.as_ref().is_some_and(|code| code.as_str() == SOME_VOLUMES);
        }
    }

    fn take_import(&mut self, id: BundleId, entry: &Entry) {
        let detail = entry.detail();
        let (Some(peer), Some(link), Some(importer), Some(manifest)) =
            (detail.peer, link(id, entry), entry.actor().id, detail.note_sha256)
        else {
            return;
        };
        let attempt = detail.attempt.and_then(|number| u32::try_from(number).ok()).unwrap_or(1);
        let one = Incoming {
            peer,
            link,
            attempt,
            since: entry.time(),
            importer,
            documents: detail.count.unwrap_or(0),
            manifest,
            fate: Fate::Quarantine,
        };
        self.incoming.insert(id, one);
        self.order.push(id);
        let epoch = detail.version.unwrap_or(1);
        let checkpoint = detail.size.zip(detail.root).and_then(|(size, root)| {
            Checkpoint::new(&crate::note::origin(&peer, epoch), size, Digest(root)).ok()
        });
        self.witnessed.extend(checkpoint.map(|checkpoint| (peer, checkpoint)));
    }

    /// The newest bundle that went out to a peer in a series.
    pub(super) fn last_out(&self, peer: VaultId, series: u64) -> Option<&Link> {
        let ours = self.out.values().filter(|out| out.peer == peer && out.link.series == series);
        ours.map(|out| &out.link).max_by_key(|link| link.number)
    }

    /// The size of the own log, in this epoch, that other vaults signed as witnesses.
    pub(super) fn witnessed(&self, epoch: u64) -> u64 {
        let witnessed = self.out.values().filter_map(|out| out.witnessed);
        witnessed.filter(|(known, _)| *known == epoch).map(|(_, size)| size).max().unwrap_or(0)
    }

    /// The newest version of the own roster that a peer is known to have.
    pub(super) fn known_by(&self, peer: VaultId) -> u64 {
        self.out.values().filter(|out| out.peer == peer).map(|out| out.knows).max().unwrap_or(0)
    }

    /// The size of the own log, in this epoch, that a peer signed last as a witness.
    pub(super) fn witnessed_by(&self, peer: VaultId, epoch: u64) -> u64 {
        let ours = self.out.values().filter(|out| out.peer == peer).filter_map(|out| out.witnessed);
        ours.filter(|(known, _)| *known == epoch).map(|(_, size)| size).max().unwrap_or(0)
    }

    /// The receiving end of a channel.
    pub(super) fn ledger(&self, peer: VaultId, series: u64) -> Ledger {
        let came = self.order.iter().filter_map(|id| self.incoming.get(id));
        let imported = came.filter(|one| one.peer == peer).map(|one| (one.link, one.since)).collect();
        Ledger { series, imported, witnessed: self.witnessed.get(&peer).cloned() }
    }
}

fn link(bundle: BundleId, entry: &Entry) -> Option<Link> {
    let detail = entry.detail();
    Some(Link { series: detail.series?, number: detail.number?, bundle, inner: detail.inner_sha256? })
}
