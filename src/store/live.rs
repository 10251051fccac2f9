//! The vault, locked and open: everything that is recorded, published or looked up goes through here.
//!
//! Opening takes the lock, compares log, host state and index, and finishes what a kill left: what is recorded
//! gets published, what is not recorded gets swept, and an entry says so.

mod batch;
mod recover;
mod rekey;

pub use recover::copy_folder;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::disk::Disk;
use super::error::StoreError;
use super::follow::{self, Follower};
use super::host::HostState;
use super::index::{Index, IndexState, Past, Place, Row, Window};
use super::layout::Layout;
use super::ledger::Ledger;
use super::lock::VaultLock;
use super::log_keys::{self, Keys};
use super::past;
use super::policies;
use super::rosters;
use super::staging;
use crate::access::{Grant, Recorded};
use crate::crypto::{Digest, Random, SigningKey};
use crate::id::{DocumentId, HostId, SessionId};
use crate::log::entry::{Draft, Entry, Event, Outcome};
use crate::policy::{Machine, Policy, Rules};
use crate::roster::InForce;
use crate::time::Clock;

/// What every part of the store needs: the disk, the vault's folder, the host's state, the clock.
#[derive(Clone)]
pub struct Context {
    /// The disk.
    pub disk: Arc<dyn Disk>,
    /// The vault's folder.
    pub layout: Layout,
    /// The host's state folder, for all vaults.
    pub state: PathBuf,
    /// The clock.
    pub clock: Arc<dyn Clock>,
    /// Random bytes.
    pub random: Arc<dyn Random>,
    /// How many entries stay in the live index.
    pub window: Window,
    /// After so many entries a log key is replaced.
    pub key_entries: u64,
}

impl Context {
    /// Where the vault's sorted files lie.
    pub fn past(&self) -> Past {
        Past::new(self.disk.clone(), &self.layout.sorted(), self.window)
    }
}

impl std::fmt::Debug for Context {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Context({})", self.layout.root().display())
    }
}

/// The vault's roster, read under the lock but without log and index: for decisions before long work.
#[derive(Debug)]
pub struct Glance {
    /// The roster in force.
    pub roster: InForce,
    /// The policy in force.
    pub policy: Policy,
    _lock: VaultLock,
}

/// Reads the roster in force. The lock is held as long as the result lives.
pub fn glance(context: &Context, lock: VaultLock) -> Result<Glance, StoreError> {
    let host = known_host(context)?;
    let roster = rosters::in_force(context, host.record())?;
    let policy = policies::in_force(context, roster.roster())?;
    Ok(Glance { roster, policy, _lock: lock })
}

/// The host's state for this vault. Where officers went on with the log on another host, this one must see what
/// became of the entries that it knows before it goes on too.
pub fn known_host(context: &Context) -> Result<HostState, StoreError> {
    let host = HostState::load(&context.disk, &context.state, context.layout.root())?;
    let host = host.ok_or(StoreError::UnknownVault)?;
    let next = host.record().epoch.saturating_add(1);
    let version = host.record().roster_version;
    if rosters::has_begun(context, next)? && rosters::resumes_from(context, next, version)? {
        return Err(StoreError::Resumed { epoch: next });
    }
    Ok(host)
}

/// The vault, locked and open.
#[derive(Debug)]
pub struct Live {
    context: Context,
    ledger: Ledger,
    index: Index,
    roster: InForce,
    policy: Policy,
    state: IndexState,
    keys: Keys,
    recovered: Vec<String>,
    // Last, so that the index is closed before others may open it.
    _lock: VaultLock,
}

impl Live {
    /// Opens, compares and finishes what a kill left.
    pub fn open(context: &Context, lock: VaultLock) -> Result<Self, StoreError> {
        Self::open_with(context, lock, known_host(context)?)
    }

    /// As [`Live::open`], with a state that is perhaps not saved yet.
    pub fn open_with(context: &Context, lock: VaultLock, host: HostState) -> Result<Self, StoreError> {
        let roster = rosters::in_force(context, host.record())?;
        let keys = log_keys::log_keys(context, &roster, host.record().epoch)?;
        let own = host.log_key().map(|seed| SigningKey::from_seed(*seed.expose()).public());
        let unproven = host.record().generation > 0 && !keys.names(own);
        let number = keys.handed.len() as u64 + 1;
        let ledger = Ledger::open(&context.disk, &context.layout, host, &keys);
        let ledger = ledger.map_err(|error| match error {
            StoreError::Checkpoints if unproven => StoreError::LogKeyMissing { number },
            error => error,
        })?;
        recover::settle(context, ledger.host())?;
        let index = recover::open_index(context)?;
        let state = recover::compare(&ledger, &index)?;
        let mut live = Self {
            context: context.clone(),
            ledger,
            index,
            roster,
            // Read once it is known which roster a kill left in force.
            policy: Policy::default(),
            state,
            keys,
            recovered: Vec::new(),
            _lock: lock,
        };
        live.keep_hand_over()?;
        live.judge_writer()?;
        live.recover()?;
        live.policy = policies::in_force(context, live.roster.roster())?;
        // What a kill left of a change of the log key.
        live.ledger.retire_keys()?;
        live.replace_old_key()?;
        Ok(live)
    }

    /// This host may write when officers signed for its log key: in the roster in force, or to go on after a loss. So may the
    /// keys that this one was handed over to, and only the last of them.
    fn judge_writer(&mut self) -> Result<(), StoreError> {
        let epoch = self.ledger.epoch();
        let keys = log_keys::writing_keys(&self.context, &self.roster, epoch, &self.keys.handed)?;
        self.ledger.judge_writer(&keys);
        Ok(())
    }

    /// Gives this host the log key that the roster to be recorded next names.
    pub fn enrol(&mut self, _grant: &Grant, key: SigningKey) -> Result<(), StoreError> {
        self.ledger.enrol(key)
    }

    /// The roster in force.
    pub fn roster(&self) -> &InForce {
        &self.roster
    }

    /// Every roster from the first to the newest that lies there.
    pub fn chain(&self) -> Result<Vec<InForce>, StoreError> {
        rosters::chain(&self.context)
    }

    /// The policy in force.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// What decisions rest on now.
    pub fn rules(&self, machine: Machine) -> Rules<'_> {
        let now = self.context.clock.now().time;
        Rules { roster: self.roster.roster(), policy: &self.policy, machine, now }
    }

    /// The log.
    pub fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// The index.
    pub fn index(&self) -> &Index {
        &self.index
    }

    /// How many documents there are.
    pub fn documents(&self) -> u64 {
        self.state.documents
    }

    /// What opening finished, in stable words.
    pub fn recovered(&self) -> &[String] {
        &self.recovered
    }

    /// The first fields of an entry.
    pub fn draft(&self, event: Event, outcome: Outcome, session: SessionId) -> Draft {
        let now = self.context.clock.now();
        Draft::new(event, outcome, session, self.host_id(), self.roster.roster().zone, &now)
    }

    /// This host, by its log key.
    pub fn host_id(&self) -> HostId {
        self.ledger.host().host_id().unwrap_or(HostId([0; 8]))
    }

    /// Records what was granted. The drafts get the next places in their order.
    pub fn record(
        &mut self,
        _grant: &Grant,
        drafts: Vec<Draft>,
        signer: Option<&SigningKey>,
    ) -> Result<(Recorded, Vec<Entry>), StoreError> {
        self.append(drafts, signer, None)
    }

    /// Records a change of the roster, which is in force from here on.
    pub fn record_roster(
        &mut self,
        _grant: &Grant,
        drafts: Vec<Draft>,
        signer: &SigningKey,
        (roster, policy): (&InForce, &Policy),
    ) -> Result<(Recorded, Vec<Entry>), StoreError> {
        let pin = (roster.roster().version, roster.digest());
        let recorded = self.append(drafts, Some(signer), Some(pin))?;
        self.roster = roster.clone();
        self.policy = policy.clone();
        Ok(recorded)
    }

    /// Records what was denied, what failed, and the end of what was begun. It allows nothing.
    pub fn record_end(&mut self, drafts: Vec<Draft>, signer: Option<&SigningKey>) -> Result<(), StoreError> {
        let (_, entries) = self.append(drafts, signer, None)?;
        self.follow(&entries, &HashMap::new())
    }

    fn append(
        &mut self,
        drafts: Vec<Draft>,
        signer: Option<&SigningKey>,
        roster: Option<(u64, Digest)>,
    ) -> Result<(Recorded, Vec<Entry>), StoreError> {
        let mut entries = Vec::with_capacity(drafts.len());
        for (draft, seq) in drafts.into_iter().zip(self.ledger.size()..) {
            entries.push(draft.entry(seq).map_err(|error| StoreError::Entry(error.to_string()))?);
        }
        self.index.unfinished(true);
        let recorded = self.ledger.append(&entries, signer, roster)?;
        Ok((recorded, entries))
    }

    /// Puts staged files into their places.
    pub fn publish(
        &self,
        session: SessionId,
        places: &[PathBuf],
        recorded: &Recorded,
    ) -> Result<(), StoreError> {
        staging::publish(&*self.context.disk, &self.context.layout, session, places, recorded)
    }

    /// Brings checkpoints and index up to what was appended; `private` holds sealed parts of new rows.
    pub fn follow(
        &mut self,
        entries: &[Entry],
        private: &HashMap<DocumentId, Vec<u8>>,
    ) -> Result<(), StoreError> {
        self.ledger.write_checkpoint()?;
        self.context.disk.mark("index")?;
        let mut follower = Follower::new(&self.index, self.state.documents);
        for entry in entries {
            let at = Place { epoch: self.ledger.epoch(), seq: entry.seq() };
            let id = entry.object().and_then(crate::log::entry::Object::document_id);
            let sealed = id.and_then(|id| private.get(&id)).cloned();
            follower.entry(at, entry, &entry.to_bytes(), sealed)?;
        }
        follower.commit(self.ledger.next(), self.ledger.root())?;
        self.state = self.index_state()?;
        past::advance(&self.index, self.ledger.segments(), self.ledger.epoch(), self.state.size)?;
        self.ledger.tidy()?;
        self.index.unfinished(false);
        Ok(())
    }

    fn index_state(&self) -> Result<IndexState, StoreError> {
        let state = self.index.state()?;
        state.ok_or(StoreError::Index(super::index::IndexError::Missing))
    }

    /// An entry, read from the segments.
    pub fn entry(&self, at: Place) -> Result<Entry, StoreError> {
        let wrong = || StoreError::Segments(super::segments::SegmentError::Entry { at: at.seq });
        if at.epoch == self.ledger.epoch() {
            let bytes = self.ledger.segments().proven_entry(at.seq)?;
            return Entry::parse(&bytes).map_err(|_| wrong());
        }
        let folder = self.context.layout.log(at.epoch);
        let segments = super::segments::Segments::read(self.context.disk.clone(), &folder, at.seq)?;
        Entry::parse(&segments.proven_entry(at.seq)?).map_err(|_| wrong())
    }

    /// A document's row, compared with the entries that it comes from: the index alone is not believed.
    pub fn document(&self, id: DocumentId) -> Result<Option<(Place, Row)>, StoreError> {
        let Some((sealed, Some(row))) = self.index.document(id)? else { return Ok(None) };
        let own = self.derived(&row)?;
        if own.is_some_and(|own| own == row) && row.id == id {
            Ok(Some((sealed, row)))
        } else {
            Err(super::index::IndexError::Damaged(format!("the row of {id} contradicts the log")).into())
        }
    }

    /// What the entries that a row names say themselves.
    fn derived(&self, row: &Row) -> Result<Option<Row>, StoreError> {
        let mut own = follow::row_of(row.sealed, &self.entry(row.sealed)?, row.private.clone());
        if row.keyed != row.sealed {
            let entry = self.entry(row.keyed)?;
            own = own.and_then(|own| follow::keyed(&own, row.keyed, &entry));
        }
        if row.newest != row.keyed {
            let entry = self.entry(row.newest)?;
            own = own.and_then(|own| follow::changed(&own, row.newest, &entry));
        }
        Ok(own)
    }
}
