//! Going on with a vault that was restored from a backup, or on a host whose state was lost.

use std::collections::HashMap;

use super::host::{epoch_record, logged_roster, report};
use super::init::sign_text;
use super::report::HostReport;
use super::session::{Session, actor};
use super::{Code, Error, Vault};
use crate::access::{Action, Grant, Request};
use crate::crypto::SigningKey;
use crate::id::Code as Digits;
use crate::identity::Identity;
use crate::log::entry::{Event, Object, ObjectKind, Outcome};
use crate::note::SignedNote;
use crate::policy::{Machine, Rules, decide};
use crate::roster::Host;
use crate::roster::Resume;
use crate::store::StoreError;
use crate::store::disk::write_many_durably;
use crate::store::host::HostState;
use crate::store::ledger::known_size;
use crate::store::live::Live;
use crate::store::policies;
use crate::store::rosters;
use crate::store::segments::Segments;

/// What an officer accepts.
#[derive(Debug, Clone)]
pub struct ResumeView {
    /// The vault.
    pub vault: crate::id::VaultId,
    /// Its name.
    pub name: String,
    /// The 25 digits.
    pub code: Digits,
    /// The epoch that ends.
    pub epoch: u64,
    /// Entries that are there and are accepted.
    pub size: u64,
    /// Entries that this host knows to have existed, where it knows.
    pub known_size: Option<u64>,
}

/// A text with this member's signature, beside those that a note over the same text has already.
pub(super) fn cosigned(text: &str, waiting: Option<&[u8]>, me: &Identity) -> Result<SignedNote, Error> {
    let mut note = sign_text(text, me)?;
    let others = waiting.and_then(|bytes| SignedNote::parse(bytes).ok()).filter(|other| other.text() == text);
    if let Some(others) = others {
        note.merge(&others).map_err(|error| Error::new(Code::Internal).because(error))?;
    }
    Ok(note)
}

impl Vault {
    /// Accepts the log as it lies there and begins a new epoch with a tree of its own, so that nothing is ever signed
    /// that contradicts an older checkpoint. Where more officers have to sign, each does so on this machine; until the last
    /// one has, nothing changes.
    ///
    /// # Errors
    /// [`Code::NoRole`] unless the caller is an officer of the roster in force, what `confirm` says, a log that
    /// cannot be read at all.
    pub fn host_resume(
        &self,
        me: &Identity,
        reason: &str,
        confirm: &mut dyn FnMut(&ResumeView) -> Result<(), Error>,
    ) -> Result<HostReport, Error> {
        let lock = self.lock()?;
        let known = HostState::load(&self.site.disk, &self.context.state, self.folder());
        let known = known.map_err(StoreError::from).unwrap_or_default();
        let chain = rosters::chain(&self.context)?;
        let newest = chain.last().ok_or(Code::TruncatedRoster)?;
        if let Some(known) = known.as_ref().filter(|known| known.record().vault != newest.vault()) {
            return Err(Error::new(Code::VaultReplaced).with("id", known.record().vault));
        }
        let ended = self.newest_epoch()?;
        let hint = known.as_ref().filter(|known| known.record().epoch == ended);
        let known_size = hint.and_then(|known| known_size(known.record()));
        let folder = self.context.layout.log(ended);
        let mut segments = Segments::read(self.site.disk.clone(), &folder, known_size.unwrap_or(0))?;
        let size = segments.size();
        let logged = logged_roster(&segments, size)?;
        let roster = chain.iter().find(|roster| Some(roster.digest()) == logged).unwrap_or(newest);
        let policy = policies::in_force(&self.context, roster.roster())?;
        let now = self.site.clock.now().time;
        let rules = Rules { roster: roster.roster(), policy: &policy, machine: Machine::Apart, now };
        let grant = decide(&rules, Request::new(me.id(), Action::Resume))?;
        confirm(&ResumeView {
            vault: roster.vault(),
            name: roster.roster().name.clone(),
            code: Digits::of(&roster.vault().0),
            epoch: ended,
            size,
            known_size,
        })?;
        let (root, (disk, state)) = (segments.root(size)?, (&self.site.disk, &self.context.state));
        let waiting = HostState::waiting(disk, state, self.folder()).map_err(StoreError::from)?;
        let (waiting_key, waiting_note) = waiting.unzip();
        let key = match waiting_key {
            Some(key) => key,
            None => SigningKey::generate(&*self.site.random).map_err(|_| Code::NoRandom)?,
        };
        let resume = Resume {
            vault: roster.vault(),
            epoch: ended + 1,
            size,
            root,
            roster: roster.digest(),
            key: key.public(),
            host: self.site.host_name.clone(),
        };
        let note = cosigned(&resume.print().ok_or(Code::Internal)?, waiting_note.as_deref(), me)?;
        if Resume::verify(note.print().as_bytes(), roster).is_none() {
            // More officers have to sign, on this machine; nothing of the vault changes until then.
            HostState::wait(disk, state, self.folder(), &key, note.print().as_bytes())
                .map_err(StoreError::from)?;
            return Ok(report("waiting", roster, ended, size));
        }
        // What officers accept must be on the disk, and not only look so after a sync that failed.
        self.site.disk.sync_filesystem(self.folder())?;
        segments.tidy()?;
        // The note first: state and log of the new epoch count for nothing without it.
        let files = [(self.context.layout.resume_note(ended + 1), note.print().into_bytes())];
        write_many_durably(&*self.site.disk, &files)?;
        // The folder may be there from an attempt whose sync failed.
        self.site.disk.sync_dir(&self.context.layout.log(1))?;
        let record = epoch_record(roster, ended + 1, &key)?;
        // Saved with the first entries: until then a kill leaves what was known before.
        let host =
            HostState::prepare(&self.site.disk, &self.context.state, self.folder(), record, Some(&key))
                .map_err(StoreError::from)?;

        self.record_resume(me, reason, &grant, Live::open_with(&self.context, lock, host)?, &resume, &note)?;
        HostState::end_waiting(disk, state, self.folder()).map_err(StoreError::from)?;
        Ok(report("resumed", roster, ended + 1, size))
    }

    /// The first entries of the new epoch: that it goes on, and by which roster.
    fn record_resume(
        &self,
        me: &Identity,
        reason: &str,
        grant: &Grant,
        mut live: Live,
        resume: &Resume,
        note: &SignedNote,
    ) -> Result<(), Error> {
        let roster = live.roster().clone();
        let mut session = Session::begin(&*self.site.random)?;
        let mut draft = live.draft(Event::HostResume, Outcome::Ok, session.id());
        draft.actor = actor(me, roster.roster());
        draft.object = Some(Object::host(Host::id_of(&resume.key)));
        draft.detail.note_sha256 = Some(note.digest());
        draft.detail.size = Some(resume.size);
        draft.detail.root = Some(resume.root.0);
        draft.detail.host_key = Some(resume.key.0);
        draft.detail.version = Some(roster.roster().version);
        session.seal_reason(
            &mut draft,
            live.ledger().size(),
            Some(reason),
            roster.roster(),
            &*self.site.random,
        )?;
        let mut pinned = live.draft(Event::RosterChange, Outcome::Ok, session.id());
        pinned.actor = actor(me, roster.roster());
        pinned.object = Some(Object::of_kind(ObjectKind::Roster));
        pinned.detail.version = Some(roster.roster().version);
        pinned.detail.note_sha256 = Some(roster.digest());
        let (_recorded, entries) = live.record(grant, vec![draft, pinned], Some(me.signing()))?;
        live.follow(&entries, &HashMap::new())?;
        live.ledger().host().retire_keys().map_err(StoreError::from)?;
        Ok(())
    }
}
