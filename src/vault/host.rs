//! This machine and this vault: first trust, and the right to write.

use std::collections::HashMap;

use super::init::state_record;
use super::member::successor;
use super::report::HostReport;
use super::resume::cosigned;
use super::session::{Session, actor};
use super::{Code, Error, Vault};
use crate::access::{Action, Request};
use crate::crypto::{Digest, SigningKey};
use crate::id::{Code as Digits, VaultId};
use crate::identity::Identity;
use crate::label::Zone;
use crate::log::entry::{Entry, Event, Object, ObjectKind, Outcome};
use crate::note::{SignedNote, origin};
use crate::policy::{Machine, decide};
use crate::roster::{Host, InForce, Roster, RosterError};
use crate::store::StoreError;
use crate::store::checkpoints::{CheckpointFile, Last};
use crate::store::host::{HostState, StateRecord};
use crate::store::live::known_host;
use crate::store::log_keys::log_keys;
use crate::store::rosters;
use crate::store::segments::{SegmentError, Segments};
use crate::store::staging::Staging;
use crate::time::Timestamp;

/// What a person compares before this host trusts a vault.
#[derive(Debug, Clone)]
pub struct VaultView {
    /// The vault id, found in its folder.
    pub vault: VaultId,
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub zone: Zone,
    /// The 25 digits.
    pub code: Digits,
}

impl Vault {
    /// Trusts the vault at this path on this host, after `confirm` compared its code. A vault that was moved keeps
    /// its state; one that this host has at another path as well is a copy, and is refused. Where officers went on
    /// with the log on another host, this one follows, and has to be enrolled anew.
    ///
    /// # Errors
    /// [`Code::VaultReplaced`] when another vault is known at this path, [`Code::Exists`] for a copy,
    /// what `confirm` says, and every damage that is found.
    pub fn host_trust(
        &self,
        confirm: &mut dyn FnMut(&VaultView) -> Result<(), Error>,
    ) -> Result<HostReport, Error> {
        let _lock = self.lock()?;
        let chain = rosters::chain(&self.context)?;
        let newest = chain.last().ok_or(Code::TruncatedRoster)?;
        let known =
            HostState::load(&self.site.disk, &self.context.state, self.folder()).map_err(StoreError::from)?;
        if let Some(known) = &known {
            if known.record().vault != newest.vault() {
                return Err(Error::new(Code::VaultReplaced).with("id", known.record().vault));
            }
            if self.newest_epoch()? <= known.record().epoch {
                return Ok(report("trusted", newest, known.record().epoch, 0));
            }
        }
        confirm(&VaultView {
            vault: newest.vault(),
            name: newest.roster().name.clone(),
            zone: newest.roster().zone,
            code: Digits::of(&newest.vault().0),
        })?;
        let moved = if known.is_none() { self.adopt_moved(newest)? } else { None };
        if let Some(moved) = moved {
            return Ok(moved);
        }
        let (record, size) = self.first_record(&chain)?;
        let epoch = record.epoch;
        HostState::create(&self.site.disk, &self.context.state, self.folder(), record, None)
            .map_err(StoreError::from)?;
        Ok(report("trusted", newest, epoch, size))
    }

    /// The state of a vault that was known at a path where it no longer is.
    fn adopt_moved(&self, newest: &InForce) -> Result<Option<HostReport>, Error> {
        let paths = HostState::paths_of(&self.site.disk, &self.context.state, newest.vault())
            .map_err(StoreError::from)?;
        let Some(old) = paths.first() else { return Ok(None) };
        if crate::store::layout::Layout::new(old).format().exists() {
            return Err(Error::new(Code::Exists).with("path", old.display()));
        }
        HostState::move_to(&self.site.disk, &self.context.state, old, self.folder())
            .map_err(StoreError::from)?;
        let state = known_host(&self.context)?;
        Ok(Some(report("trusted", newest, state.record().epoch, 0)))
    }

    /// What can be known of a vault that was never seen: the newest genuine checkpoint, and the roster logged last.
    fn first_record(&self, chain: &[InForce]) -> Result<(StateRecord, u64), Error> {
        let newest = chain.last().ok_or(Code::TruncatedRoster)?;
        let epoch = self.newest_epoch()?;
        let name = origin(&newest.vault(), epoch);
        let keys = log_keys(&self.context, newest, epoch)?;
        let path = self.context.layout.log(epoch).join("checkpoints");
        let file = CheckpointFile::new(self.site.disk.clone(), path, &name);
        let note = match file.last()? {
            Last::Whole(note) => note,
            Last::None | Last::Torn => return Err(Code::DamagedCheckpoints.into()),
        };
        let signed = keys.verify(&note).ok_or(Code::UnknownLogKey)?;
        let (size, root) = (signed.checkpoint().size(), signed.checkpoint().root());
        let segments = Segments::read(self.site.disk.clone(), &self.context.layout.log(epoch), size)?;
        if segments.size() < size {
            return Err(Error::new(Code::TruncatedLog).with("known", size).with("found", segments.size()));
        }
        if segments.root(size)? != root {
            return Err(Error::new(Code::TamperedLog).with("size", size));
        }
        let logged = logged_roster(&segments, size)?;
        let in_force = chain.iter().find(|roster| Some(roster.digest()) == logged);
        // A resumed log can have no change of its roster yet.
        let in_force = in_force.unwrap_or(newest);
        let record = StateRecord {
            counter: 0,
            vault: newest.vault(),
            roster_version: in_force.roster().version,
            roster_digest: in_force.digest(),
            epoch,
            generation: 0,
            checkpoint: note,
        };
        Ok((record, size))
    }

    /// The newest epoch that was begun.
    pub(super) fn newest_epoch(&self) -> Result<u64, Error> {
        let mut epoch = 1;
        while rosters::has_begun(&self.context, epoch + 1)? {
            epoch += 1;
        }
        Ok(epoch)
    }

    /// Adds this host's log key to the roster, so that it may write. Where more officers have to sign, each does so on this
    /// machine.
    ///
    /// # Errors
    /// [`Code::NoRole`] unless the caller is an officer, [`Code::Exists`] when the host may write already.
    pub fn host_enrol(&self, me: &Identity) -> Result<HostReport, Error> {
        let session = Session::begin(&*self.site.random)?;
        let mut live = self.live()?;
        if live.ledger().can_write() {
            return Err(Error::new(Code::Exists).with("path", self.folder().display()));
        }
        let (before, policy) = (live.roster().clone(), live.policy().clone());
        // Nothing can be written into the log before this host may write, a refusal neither.
        let grant = decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::EnrolHost))?;
        let (disk, state) = (&self.site.disk, &self.context.state);
        let waiting = HostState::waiting(disk, state, self.folder()).map_err(StoreError::from)?;
        let host = |key: &SigningKey| {
            let (id, key) = (Host::id_of(&key.public()), key.public());
            Host { id, key, name: self.site.host_name.clone() }
        };
        let with = |host: Host, created: Timestamp| {
            let mut roster = successor(&before, created);
            roster.hosts.push(host);
            roster.hosts.sort_by_key(|host| host.id);
            roster
        };
        // A roster that other officers have signed here is signed once more when it is the one in force with this host and
        // nothing else: nobody signs unseen what somebody with access to this machine wrote into it besides.
        let ours = |key: &SigningKey, note: &[u8]| {
            let proposed = Roster::parse(SignedNote::parse(note).ok()?.text()).ok()?;
            let expected = with(host(key), proposed.created);
            (proposed == expected).then_some(proposed)
        };
        let waiting = waiting.and_then(|(key, note)| Some((ours(&key, &note)?, key, note)));
        let (roster, key, signed) = match waiting {
            Some((roster, key, note)) => (roster, key, Some(note)),
            None => {
                let key = SigningKey::generate(&*self.site.random).map_err(|_| Code::NoRandom)?;
                (with(host(&key), self.site.clock.now().time), key, None)
            }
        };
        let host = host(&key);
        let text = roster.print().map_err(StoreError::from)?;
        let note = cosigned(&text, signed.as_deref(), me)?.print();
        let after = match before.succeed(note.as_bytes()) {
            Ok(after) => after,
            Err(RosterError::Signatures) => {
                HostState::wait(disk, state, self.folder(), &key, note.as_bytes())
                    .map_err(StoreError::from)?;
                return Ok(report("waiting", &before, live.ledger().epoch(), live.ledger().size()));
            }
            Err(error) => return Err(StoreError::from(error).into()),
        };
        let staging = Staging::begin(&self.context.disk, &self.context.layout, session.id(), &grant)?;
        let place = self.context.layout.roster(roster.version);
        staging.create_new(&place)?.put(note.as_bytes())?;
        staging.sync()?;
        live.enrol(&grant, key)?;
        let mut drafts = Vec::new();
        for (event, object) in [
            (Event::RosterChange, Object::of_kind(ObjectKind::Roster)),
            (Event::HostEnrol, Object::host(host.id)),
        ] {
            let mut draft = live.draft(event, Outcome::Ok, session.id());
            draft.actor = actor(me, before.roster());
            draft.object = Some(object);
            draft.detail.version = Some(roster.version);
            draft.detail.note_sha256 = Some(after.digest());
            draft.detail.host_key = Some(host.key.0);
            drafts.push(draft);
        }
        staging.keep();
        let (recorded, entries) = live.record_roster(&grant, drafts, me.signing(), (&after, &policy))?;
        live.publish(session.id(), &[place], &recorded)?;
        live.follow(&entries, &HashMap::new())?;
        staging.release();
        HostState::end_waiting(disk, state, self.folder()).map_err(StoreError::from)?;
        Ok(report("enrolled", &after, live.ledger().epoch(), live.ledger().size()))
    }
}

/// The digest of the roster that an entry put in force last.
pub(super) fn logged_roster(segments: &Segments, size: u64) -> Result<Option<Digest>, Error> {
    let mut last = None;
    segments.for_each::<SegmentError>(0, size, |seq, bytes| {
        let entry = Entry::parse(bytes).map_err(|_| SegmentError::Entry { at: seq })?;
        let roster = entry.object().is_some_and(|object| object.kind() == ObjectKind::Roster);
        if roster && entry.outcome() == Outcome::Ok {
            last = entry.detail().note_sha256.or(last);
        }
        Ok(())
    })?;
    Ok(last)
}

pub(super) fn report(state: &'static str, roster: &InForce, epoch: u64, size: u64) -> HostReport {
    HostReport {
        state,
        vault: roster.vault(),
        name: roster.roster().name.clone(),
        code: Digits::of(&roster.vault().0).to_string(),
        epoch,
        size,
    }
}

/// A state that begins an epoch.
pub(super) fn epoch_record(roster: &InForce, epoch: u64, key: &SigningKey) -> Result<StateRecord, Error> {
    let pin = (roster.roster().version, roster.digest());
    state_record(roster.vault(), pin, epoch, key, 0, crate::log::merkle::empty_root())
}
