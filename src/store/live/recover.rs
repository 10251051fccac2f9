//! What opening does before anything else: judge the index, replay what it lacks, finish what a kill left.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use super::super::error::StoreError;
use super::super::headers::{self, Wanted};
use super::super::host::HostState;
use super::super::index::{Index, IndexError, IndexState, OpenMarker, Place};
use super::super::layout::Layout;
use super::super::ledger::Ledger;
use super::super::segments::SegmentError;
use super::super::{follow, objects, os, rosters, staging};
use super::{Context, Live, batch};
use crate::access::Recorded;
use crate::crypto::Digest;
use crate::id::{BundleId, DocumentId, RequestId, SessionId, VaultId};
use crate::log::entry::{Draft, Entry, Event, Object, ObjectKind, Outcome, Phase};

/// Opens the index. After an unclean stop its files are copied first, since opening a damaged one rewrites it.
pub(super) fn open_index(context: &Context) -> Result<Index, StoreError> {
    let (disk, layout) = (&*context.disk, &context.layout);
    let folder = layout.index();
    if !disk.exists(&folder)? {
        return Err(IndexError::Missing.into());
    }
    if disk.exists(&layout.index_open())? {
        set_torn_snapshots_aside(context, &folder)?;
        copy_folder(&folder, &layout.index_before()).map_err(IndexError::Io)?;
    } else {
        disk.create_new(&layout.index_open())?;
    }
    let marker = OpenMarker::new(context.disk.clone(), layout.index_open());
    Ok(Index::open(&folder, context.past())?.marked(marker))
}

/// After an unclean stop, what can be seen may not be on the disk: a name whose folder was not synced, a bundle cut
/// and not yet safe. All of it is made safe before anything is built on it.
pub(super) fn settle(context: &Context, host: &HostState) -> Result<(), StoreError> {
    if context.disk.exists(&context.layout.index_open())? {
        context.disk.sync_filesystem(context.layout.root())?;
        host.settle()?;
    }
    Ok(())
}

/// A torn `snap.*.generating` beside a good database keeps sled from opening for ever.
fn set_torn_snapshots_aside(context: &Context, folder: &Path) -> Result<(), StoreError> {
    for name in context.disk.list_dir(folder)? {
        let text = name.to_string_lossy();
        if text.starts_with("snap.") && text.ends_with(".generating") {
            context.disk.remove_file(&folder.join(&name))?;
        }
    }
    Ok(())
}

/// Copies a folder of files and folders.
pub fn copy_folder(from: &Path, to: &Path) -> std::io::Result<()> {
    if to.exists() {
        std::fs::remove_dir_all(to)?;
    }
    os::create_private_dir(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to.join(entry.file_name()))?;
        } else {
            std::fs::copy(entry.path(), to.join(entry.file_name()))?;
        }
    }
    Ok(())
}

/// The index must be a prefix of the log: same epoch or an earlier one, size not beyond, same root and last entry.
pub(super) fn compare(ledger: &Ledger, index: &Index) -> Result<IndexState, StoreError> {
    let empty = IndexState { epoch: ledger.epoch(), size: 0, root: ledger.segments().root(0)?, documents: 0 };
    let contradiction = |what: &str| Err(IndexError::Damaged(what.to_owned()).into());
    let block = index.last_block()?;
    let Some(state) = index.state()? else {
        return if block.is_none() { Ok(empty) } else { contradiction("the index has lost its state") };
    };
    if state.epoch < ledger.epoch() {
        // A resumed log begins a new tree; what the index holds of the one before was compared then.
        return Ok(IndexState { documents: state.documents, ..empty });
    }
    if state.epoch > ledger.epoch() || state.size > ledger.size() {
        return contradiction("the index is ahead of the log");
    }
    if ledger.segments().root(state.size)? != state.root {
        return contradiction("the index is of another log");
    }
    index.open_past(state.epoch)?;
    let expected = state.size.checked_sub(1).map(|seq| Place { epoch: state.epoch, seq });
    let last = block.as_ref().and_then(|block| block.entries().next_back());
    match (last, expected) {
        (None, None) => Ok(state),
        (Some((place, bytes)), Some(expected))
            if place == expected && bytes == ledger.segments().entry(place.seq)? =>
        {
            Ok(state)
        }
        _ => contradiction("the index has lost entries"),
    }
}

/// What the entries of one session name besides documents: of what it staged, this belongs in its place and nothing else.
#[derive(Default)]
struct Named {
    rosters: BTreeSet<u64>,
    keys: bool,
    requests: BTreeSet<RequestId>,
    exceptions: BTreeSet<Digest>,
    peers: BTreeSet<VaultId>,
    outbox: BTreeSet<BundleId>,
    quarantine: BTreeSet<BundleId>,
    receipts: BTreeSet<Digest>,
}

impl Named {
    fn take(&mut self, entry: &Entry) {
        match entry.event() {
            // With a roster come its policy and its keys; what a key is worth, its owner finds out.
            Event::RosterChange => {
                self.rosters.extend(entry.detail().version);
                self.keys = true;
            }
            Event::KeyWrap => self.keys = true,
            Event::ZoneExcept => self.exceptions.extend(entry.detail().note_sha256),
            Event::PeerChange => self.peers.extend(entry.object().and_then(Object::vault_id)),
            Event::BundleWrite => self.outbox.extend(entry.object().and_then(Object::bundle_id)),
            Event::BundleImport => self.quarantine.extend(entry.object().and_then(Object::bundle_id)),
            Event::BundleReceipt => self.receipts.extend(entry.detail().note_sha256),
            _ => self.requests.extend(entry.object().and_then(Object::request_id)),
        }
    }

    fn has(&self, layout: &Layout, place: &Path) -> bool {
        self.rosters.iter().any(|version| place == layout.roster(*version))
            || (!self.rosters.is_empty() && place.starts_with(layout.policies()))
            || (self.keys && place.starts_with(layout.keys()))
            || self.requests.iter().any(|id| place.starts_with(layout.request(*id)))
            || self.exceptions.iter().any(|digest| place == layout.exception(*digest))
            || self.peers.iter().any(|id| place.starts_with(layout.peer(*id)))
            || self.outbox.iter().any(|id| place.starts_with(layout.outbox(*id)))
            || self.quarantine.iter().any(|id| place.starts_with(layout.quarantine(*id)))
            || self.receipts.iter().any(|digest| place == layout.receipt(*digest))
    }
}

/// Work that was recorded and perhaps not done.
#[derive(Default)]
struct Left {
    sealed: Vec<(SessionId, DocumentId)>,
    /// Sessions that recorded notes and keys: what they staged besides documents belongs in its place.
    notes: HashMap<SessionId, Named>,
    destroying: BTreeMap<u64, DocumentId>,
    /// Begun by entries that nobody signed for: nothing was destroyed yet, and nothing will be.
    abandoned: BTreeMap<u64, DocumentId>,
    /// The newest header that was recorded for each document.
    headers: BTreeMap<DocumentId, Wanted>,
    /// What documents have for which nobody signed a new header: it is said again.
    kept: Vec<(Event, Object)>,
}

impl Live {
    /// Finishes what a kill left, and says so in the log.
    pub(super) fn recover(&mut self) -> Result<(), StoreError> {
        self.index.unfinished(true);
        if let Some(from) = batch::unfinished(&self.ledger)? {
            self.ledger.withdraw(from)?;
        }
        if let Some(extension) = self.ledger.extension() {
            self.follow_rosters(extension.from)?;
            self.judge_writer()?;
            self.ledger.adopt((self.roster.roster().version, self.roster.digest()))?;
        }
        let from = self.state.size;
        // What is left of the extension now is the trace of a kill: nobody signed for it.
        let unsigned = self.ledger.extension().is_some();
        if unsigned || from < self.ledger.size() || self.ledger.checkpoints_behind() {
            let left = self.look_at(from)?;
            self.ledger.tidy()?;
            if self.ledger.can_write() {
                self.say_and_finish(from, &left, unsigned)?;
            } else if unsigned {
                return Err(StoreError::NotEnrolled);
            }
            self.replay(from)?;
            self.recovered.push("log-recover".to_owned());
        }
        staging::sweep(&*self.context.disk, &self.context.layout)?;
        self.ledger.tidy()?;
        self.index.unfinished(false);
        Ok(())
    }

    /// The entry that tells of the recovery comes first: like any other work, finishing needs its record.
    fn say_and_finish(&mut self, from: u64, left: &Left, adopted: bool) -> Result<(), StoreError> {
        let code = if adopted { "unsigned-entries" } else { "index-behind" };
        let mut draft = self.draft(Event::LogRecover, Outcome::Ok, SessionId([0; 16]));
        draft.object = Some(Object::of_kind(ObjectKind::Log));
        draft.detail.code = code.parse().ok();
        draft.detail.from = Some(from);
        draft.detail.to = Some(self.ledger.size());
        let roster = (self.roster.roster().version, self.roster.digest());
        let (recorded, _) = self.append(vec![draft], None, Some(roster))?;
        self.finish(left, &recorded)?;
        let mut ends = self.destroyed_drafts(left);
        ends.extend(left.kept.iter().map(|(event, object)| {
            let mut draft = self.draft(*event, Outcome::Ok, SessionId([0; 16]));
            draft.object = Some(object.clone());
            draft.detail.code = "not-signed".parse().ok();
            draft
        }));
        if !ends.is_empty() {
            let (_done, _) = self.append(ends, None, None)?;
        }
        self.ledger.write_checkpoint()
    }

    /// Reads what the index lacks, for work that was recorded and perhaps not done.
    fn look_at(&self, from: u64) -> Result<Left, StoreError> {
        let mut left = Left::default();
        let mut unsigned = BTreeSet::new();
        let signed = self.ledger.extension().map_or(u64::MAX, |extension| extension.from);
        self.ledger.segments().for_each::<StoreError>(from, self.ledger.size(), |seq, bytes| {
            let entry = parse(seq, bytes)?;
            let id = entry.object().and_then(Object::document_id);
            match (entry.event(), entry.phase(), entry.outcome()) {
                (Event::DocumentSeal | Event::DocumentImport, Phase::Single, Outcome::Ok) => {
                    left.sealed.extend(id.map(|id| (entry.session(), id)));
                }
                (
                    Event::RosterChange
                    | Event::KeyWrap
                    | Event::RequestMake
                    | Event::RequestApprove
                    | Event::ZoneExcept
                    | Event::PeerChange
                    | Event::BundleReceipt,
                    Phase::Single,
                    Outcome::Ok,
                )
                | (Event::BundleWrite, Phase::Intent, Outcome::Ok)
                | (Event::BundleImport, Phase::Done, Outcome::Ok) => {
                    left.notes.entry(entry.session()).or_default().take(&entry);
                }
                (
                    Event::DocumentRewrap | Event::DocumentRekey | Event::DocumentRelabel,
                    Phase::Single,
                    Outcome::Ok,
                ) => {
                    // Headers are overwritten after their entries were anchored. An entry beyond the anchor is of a
                    // command that was stopped before, or of somebody who only wrote into the folder.
                    match id.zip(wanted(&entry)) {
                        Some((id, wanted)) if seq < signed => drop(left.headers.insert(id, wanted)),
                        Some((id, _)) => drop(unsigned.insert(id)),
                        None => {}
                    }
                }
                (Event::DocumentDestroy, Phase::Intent, Outcome::Ok) => {
                    // Destroying begins after its intent was anchored. An intent beyond the anchor is of a command
                    // that was stopped before, or of somebody who only wrote into the folder.
                    let which = if seq < signed { &mut left.destroying } else { &mut left.abandoned };
                    which.extend(id.map(|id| (seq, id)));
                }
                (Event::DocumentDestroy, Phase::Done, _) => {
                    left.destroying.remove(&entry.closes().unwrap_or(u64::MAX));
                    left.abandoned.remove(&entry.closes().unwrap_or(u64::MAX));
                }
                _ => {}
            }
            Ok(())
        })?;
        for id in unsigned {
            left.kept.extend(self.kept(id, from, signed)?);
        }
        Ok(left)
    }

    /// Publishes what was staged, and finishes a destruction that was begun: its intent was granted and recorded.
    fn finish(&self, left: &Left, recorded: &Recorded) -> Result<(), StoreError> {
        let (disk, layout) = (&*self.context.disk, &self.context.layout);
        let staged: HashMap<SessionId, Vec<PathBuf>> = staging::sessions(disk, layout)?.into_iter().collect();
        for (session, id) in &left.sealed {
            let place = layout.document(*id);
            if staged.get(session).is_some_and(|places| places.contains(&place)) {
                self.publish(*session, &[place], recorded)?;
            }
        }
        for (session, named) in &left.notes {
            let places = staged.get(session).into_iter().flatten();
            let places: Vec<_> = places.filter(|place| named.has(layout, place)).cloned().collect();
            self.publish(*session, &places, recorded)?;
        }
        for (id, wanted) in &left.headers {
            if staged.contains_key(&wanted.session) {
                headers::redo(disk, layout, *id, wanted, recorded)?;
            }
        }
        for id in left.destroying.values() {
            objects::destroy(disk, layout, *id, recorded)?;
        }
        Ok(())
    }

    fn destroyed_drafts(&self, left: &Left) -> Vec<Draft> {
        let draft = |outcome, code: &str, (seq, id): (&u64, &DocumentId)| {
            let mut draft = self.draft(Event::DocumentDestroy, outcome, SessionId([0; 16]));
            draft.object = Some(Object::document(*id));
            draft.phase = Phase::Done;
            draft.closes = Some(*seq);
            draft.detail.code = code.parse().ok();
            draft
        };
        let finished = left.destroying.iter().map(|at| draft(Outcome::Ok, "finished-after-stop", at));
        let abandoned = left.abandoned.iter().map(|at| draft(Outcome::Failed, "intent-not-signed", at));
        finished.chain(abandoned).collect()
    }

    /// What a document had before entries that nobody signed for said otherwise, and the event that says it again.
    fn kept(&self, id: DocumentId, from: u64, signed: u64) -> Result<Option<(Event, Object)>, StoreError> {
        let mut row = self.index.document(id)?.and_then(|(_, row)| row);
        let mut kept = match &row {
            Some(row) => self.entry(row.newest)?.object().cloned(),
            None => None,
        };
        // What the index will make of all of them, so that what is said again follows from that.
        self.ledger.segments().for_each::<StoreError>(from, self.ledger.size(), |seq, bytes| {
            let entry = parse(seq, bytes)?;
            let about = entry.object().filter(|object| object.document_id() == Some(id));
            let (Some(object), Phase::Single, Outcome::Ok) = (about, entry.phase(), entry.outcome()) else {
                return Ok(());
            };
            let at = Place { epoch: self.ledger.epoch(), seq };
            let next = match (entry.event(), &row) {
                // An id is given once.
                (Event::DocumentSeal | Event::DocumentImport, None) => follow::row_of(at, &entry, Vec::new()),
                (Event::DocumentSeal | Event::DocumentImport, Some(_)) => None,
                (_, Some(row)) => follow::changed(row, at, &entry),
                (_, None) => None,
            };
            if let Some(next) = next {
                row = Some(next);
                if seq < signed {
                    kept = Some(object.clone());
                }
            }
            Ok(())
        })?;
        let (Some(kept), Some(row)) = (kept, row) else { return Ok(None) };
        let event = if kept.payload_sha256 == Some(row.payload_sha256) {
            Event::DocumentRewrap
        } else if kept.class == Some(row.class) {
            Event::DocumentRekey
        } else {
            Event::DocumentRelabel
        };
        Ok(Some((event, kept)))
    }

    /// Rosters that the entries beyond the known checkpoint put in force, each following from the one before.
    fn follow_rosters(&mut self, from: u64) -> Result<(), StoreError> {
        let mut wanted: Vec<(u64, Digest)> = Vec::new();
        let signed = self.ledger.extension().is_some_and(|extension| extension.signed);
        self.ledger.segments().for_each::<StoreError>(from, self.ledger.size(), |seq, bytes| {
            let entry = parse(seq, bytes)?;
            let roster = entry.object().is_some_and(|object| object.kind() == ObjectKind::Roster);
            if roster && entry.outcome() == Outcome::Ok {
                wanted.extend(entry.detail().version.zip(entry.detail().note_sha256));
            }
            Ok(())
        })?;
        for (version, digest) in wanted {
            if version == self.roster.roster().version + 1 {
                let bytes = match rosters::find(&self.context, version, digest, self.roster.vault()) {
                    // Nobody signed for the entry, and there is no such roster: it puts nothing in force.
                    Err(StoreError::RosterMissing) if !signed => continue,
                    found => found?,
                };
                self.roster = self.roster.succeed(&bytes)?;
            }
        }
        Ok(())
    }

    /// Brings the index up to the log.
    fn replay(&mut self, from: u64) -> Result<(), StoreError> {
        self.context.disk.mark("index")?;
        let (epoch, documents) = (self.ledger.epoch(), self.state.documents);
        follow::replay(&self.index, self.ledger.segments(), epoch, from, documents)?;
        self.state = self.index_state()?;
        Ok(())
    }
}

fn wanted(entry: &Entry) -> Option<Wanted> {
    let object = entry.object()?;
    Some(Wanted { session: entry.session(), len: object.header_len?, sha256: object.header_sha256? })
}

fn parse(seq: u64, bytes: &[u8]) -> Result<Entry, StoreError> {
    Entry::parse(bytes).map_err(|_| StoreError::Segments(SegmentError::Entry { at: seq }))
}
