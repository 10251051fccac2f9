//! How the index follows the log: which rows and runs an entry makes.

use std::collections::{BTreeMap, HashMap};

use super::error::StoreError;
use super::index::{Block, Change, Index, IndexState, Place, Row};
use super::past;
use super::segments::{SegmentError, Segments};
use crate::crypto::Digest;
use crate::id::DocumentId;
use crate::log::entry::{Entry, Event, Outcome, Phase};

/// A run of entries that have a value in common.
struct Run {
    value: Vec<u8>,
    first: Place,
    count: u64,
}

impl Run {
    fn next(&self) -> Place {
        Place { seq: self.first.seq + self.count, ..self.first }
    }
}

/// Collects one [`Change`] from entries in their order.
pub struct Follower<'a> {
    index: &'a Index,
    change: Change,
    runs: [(u8, Option<Run>); 4],
    documents: u64,
    /// Rows that this change makes; `None` for one that it removes.
    rows: HashMap<DocumentId, Option<Row>>,
    block: Option<Block>,
    /// For each epoch the first entry that is not in sorted files.
    moved: BTreeMap<u64, u64>,
    about: HashMap<DocumentId, Vec<Place>>,
}

impl<'a> Follower<'a> {
    /// Follows on from where the index is.
    pub fn new(index: &'a Index, documents: u64) -> Self {
        let runs = [(b'm', None), (b'v', None), (b'y', None), (b'o', None)];
        Self {
            index,
            change: Change::default(),
            runs,
            documents,
            rows: HashMap::new(),
            block: None,
            moved: BTreeMap::new(),
            about: HashMap::new(),
        }
    }

    /// The same, for entries of which those before `moved` of their epoch are in sorted files: of these it keeps what
    /// documents need.
    fn behind(self, moved: BTreeMap<u64, u64>) -> Self {
        Self { moved, ..self }
    }

    /// Takes in the next entry; `private` is the sealed part of the row that it makes, where it is at hand.
    pub fn entry(
        &mut self,
        at: Place,
        entry: &Entry,
        bytes: &[u8],
        private: Option<Vec<u8>>,
    ) -> Result<(), StoreError> {
        if at == (Place { epoch: 1, seq: 0 }) {
            self.change.outcomes();
        }
        if self.moved.get(&at.epoch).is_some_and(|moved| at.seq < *moved) {
            // The last one shows how far the index has come.
            let mut block = Block::new(at);
            block.push(bytes);
            self.block = Some(block);
        } else {
            self.live(at, bytes)?;
            self.runs_of(at, entry);
        }
        // Nearly everything goes well: what does not is rare enough for a key of its own, which stays.
        if entry.outcome() != Outcome::Ok {
            self.run(3, entry.outcome().to_string().into_bytes(), at);
        }
        let Some(id) = entry.object().and_then(crate::log::entry::Object::document_id) else { return Ok(()) };
        self.about.entry(id).or_default().push(at);
        if entry.outcome() != Outcome::Ok {
            return Ok(());
        }
        match (entry.event(), entry.phase()) {
            (Event::DocumentSeal | Event::DocumentImport, Phase::Single) => {
                // An id is given once: a second sealing under it is of nobody's making but a forger's.
                let known = self.rows.contains_key(&id) || self.index.document(id)?.is_some();
                if let Some(row) = row_of(at, entry, private.unwrap_or_default()).filter(|_| !known) {
                    self.put_row(row);
                    self.documents += 1;
                }
            }
            (Event::DocumentRewrap | Event::DocumentRekey | Event::DocumentRelabel, Phase::Single) => {
                if let Some(row) = self.row(id)?.and_then(|row| changed(&row, at, entry)) {
                    self.put_row(row);
                }
            }
            (Event::DocumentDestroy, Phase::Done) => {
                if let Some(row) = self.row(id)? {
                    self.change.remove_row(row.sealed);
                    self.rows.insert(id, None);
                    self.documents = self.documents.saturating_sub(1);
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// A document's row as it is after the entries so far.
    fn row(&self, id: DocumentId) -> Result<Option<Row>, StoreError> {
        match self.rows.get(&id) {
            Some(row) => Ok(row.clone()),
            None => Ok(self.index.document(id)?.and_then(|(_, row)| row)),
        }
    }

    fn put_row(&mut self, row: Row) {
        self.change.row(&row);
        self.rows.insert(row.id, Some(row));
    }

    /// Adds to the newest block of entries, or begins the next.
    fn live(&mut self, at: Place, bytes: &[u8]) -> Result<(), StoreError> {
        let mut block = match self.block.take() {
            Some(block) => block,
            None => self.index.last_block()?.unwrap_or_else(|| Block::new(at)),
        };
        if block.next() != at || !block.push(bytes) {
            self.change.block(&block);
            block = Block::new(at);
            // An entry is within the limit by its type.
            block.push(bytes);
        }
        self.block = Some(block);
        Ok(())
    }

    fn runs_of(&mut self, at: Place, entry: &Entry) {
        let member = entry.actor().id.map(|id| id.0.to_vec()).unwrap_or_default();
        self.run(0, member, at);
        self.run(1, entry.event().to_string().into_bytes(), at);
        self.run(2, entry.time().day().into_bytes(), at);
    }

    fn run(&mut self, which: usize, value: Vec<u8>, at: Place) {
        let Some((kind, run)) = self.runs.get_mut(which) else { return };
        match run {
            Some(run) if run.value == value && run.next() == at => run.count += 1,
            _ => {
                let ended = run.replace(Run { value, first: at, count: 1 });
                if let Some(ended) = ended {
                    self.change.run(*kind, &ended.value, ended.first, ended.count);
                }
            }
        }
    }

    /// Makes the change; the index has then followed the log up to `next` with this root.
    pub fn commit(mut self, next: Place, root: Digest) -> Result<(), StoreError> {
        for (kind, run) in &self.runs {
            if let Some(run) = run {
                self.change.run(*kind, &run.value, run.first, run.count);
            }
        }
        if let Some(block) = &self.block {
            self.change.block(block);
        }
        for (document, new) in &self.about {
            let places = [self.index.places(*document)?.as_slice(), new].concat();
            self.change.places(*document, places, &self.moved);
        }
        let state = IndexState { epoch: next.epoch, size: next.seq, root, documents: self.documents };
        self.change.state(&state);
        Ok(self.index.commit(self.change)?)
    }
}

/// How many entries are replayed in one change of the index.
const STEP: u64 = 4096;

/// Follows a whole log from `from` on; gives the number of documents then.
pub fn replay(
    index: &Index,
    segments: &Segments,
    epoch: u64,
    from: u64,
    mut documents: u64,
) -> Result<u64, StoreError> {
    let mut at = from;
    // Old entries go straight into sorted files, where most of them end anyway.
    let filled = past::fill(index, segments, epoch, segments.size())?;
    let all = index.moved()?;
    let moved = all.get(&epoch).copied().unwrap_or(0);
    while at < segments.size() {
        let end = if at < moved { moved } else { segments.size() };
        let to = (at + STEP).min(end);
        let mut follower = Follower::new(index, documents).behind(all.clone());
        segments.for_each::<StoreError>(at, to, |seq, bytes| {
            let entry = Entry::parse(bytes).map_err(|_| SegmentError::Entry { at: seq })?;
            follower.entry(Place { epoch, seq }, &entry, bytes, None)
        })?;
        documents = follower.documents;
        follower.commit(Place { epoch, seq: to }, segments.root(to)?)?;
        at = to;
    }
    if filled || from < moved {
        past::tidy(index)?;
    }
    Ok(documents)
}

/// The row that the sealing entry of a document makes.
pub fn row_of(at: Place, entry: &Entry, private: Vec<u8>) -> Option<Row> {
    let object = entry.object()?;
    Some(Row {
        id: object.document_id()?,
        sealed: at,
        class: object.class?,
        size: object.size?,
        header_len: object.header_len?,
        header_sha256: object.header_sha256?,
        payload_sha256: object.payload_sha256?,
        commitment: Digest(object.commitment.as_ref()?.0),
        sealed_by: entry.actor().id?,
        sealed_at: entry.time(),
        keyed: at,
        newest: at,
        private,
    })
}

/// The row after a document's header was made anew (`document.rewrap`), or its file key, header and payload
/// (`document.rekey`, and `document.relabel` with another class). `None` for an entry that does not follow from the row: the key commitment may change together
/// with the payload, and neither of them alone.
pub fn changed(row: &Row, at: Place, entry: &Entry) -> Option<Row> {
    let said = said(row, at, entry)?;
    let same_key = said.commitment == row.commitment;
    let same_payload = said.payload_sha256 == row.payload_sha256;
    match entry.event() {
        Event::DocumentRewrap => (same_key && same_payload).then_some(said),
        Event::DocumentRekey | Event::DocumentRelabel => {
            (!same_key && !same_payload).then_some(Row { keyed: at, ..said })
        }
        _ => None,
    }
}

/// The row with the file key that an entry recorded, whatever was between the two: for the entries that a row names, and
/// not for all of its history.
pub fn keyed(row: &Row, at: Place, entry: &Entry) -> Option<Row> {
    let rekeyed = matches!(entry.event(), Event::DocumentRekey | Event::DocumentRelabel);
    // It may have another class than the one it was sealed in.
    let row = Row { class: entry.object()?.class?, ..row.clone() };
    said(&row, at, entry).filter(|_| rekeyed).map(|said| Row { keyed: at, ..said })
}

/// The row with the digests that an entry about the same document names.
fn said(row: &Row, at: Place, entry: &Entry) -> Option<Row> {
    let object = entry.object()?;
    let (id, class, size) = (object.document_id()?, object.class?, object.size?);
    let relabelled = entry.event() == Event::DocumentRelabel;
    let same_class = class == row.class || relabelled;
    (id == row.id && size == row.size && same_class).then_some(Row {
        class,
        header_len: object.header_len?,
        header_sha256: object.header_sha256?,
        payload_sha256: object.payload_sha256?,
        commitment: Digest(object.commitment.as_ref()?.0),
        newest: at,
        ..row.clone()
    })
}
