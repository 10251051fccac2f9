//! Documents into the vault.
//!
//! Encrypting happens outside the lock, in batches; each batch is then recorded, published and indexed under it, while
//! the next one is being encrypted.

use std::collections::HashMap;
use std::io::{BufWriter, Write as _};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use super::catalogue::Catalogue;
use super::report::{FailedRow, SealReport, SealedRow, SkippedRow};
use super::session::{Session, actor, recipient};
use super::{Code, Error, Vault, convert, parallel};
use crate::access::{Action, Request};
use crate::agefile::Recipient;
use crate::answer::{Counted, Progress, Stage};
use crate::crypto::NoRandom;
use crate::document::{Meta, Name, TITLE_LIMIT, is_line};
use crate::id::{DocumentId, SessionId};
use crate::identity::Identity;
use crate::label::Class;
use crate::log::entry::{Commitment, Draft, Event, Object, Outcome};
use crate::policy::{Machine, Rules, decide};
use crate::roster::Purpose;
use crate::sealed::{MetadataSession, SealedSummary, Sealing, check_digests, seal_document};
use crate::store::live::Live;
use crate::store::objects;
use crate::store::staging::Staging;
use crate::store::walk::{Found, ReadSource, SourceFile, walk};

/// A batch ends at this many documents,
const BATCH: usize = 1024;
/// or at this many bytes.
const BATCH_BYTES: u64 = 1 << 30;

/// So many documents are worth a thread.
const WORTH: usize = 8;
/// A document below this size is written at once,
const SMALL: u64 = 48 * 1024;
/// since it has room here with its header.
const ROOM: usize = 64 * 1024;

/// What to seal, and how.
#[derive(Debug, Clone)]
pub struct SealRequest {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// The class of all of them.
    pub class: Class,
    /// A title; for a single file only.
    pub title: Option<String>,
    /// Remove each source after its sealed document was read back.
    pub remove_original: bool,
    /// Only say what would be sealed.
    pub dry_run: bool,
}

/// A document that is staged and not recorded yet.
struct Staged {
    id: DocumentId,
    source: ReadSource,
    name: String,
    meta: Meta,
    summary: SealedSummary,
}

/// What became of a batch.
#[derive(Default)]
struct Landed {
    documents: Vec<SealedRow>,
    removed: u64,
    failed: Vec<FailedRow>,
}

/// What stays the same for all documents of a command.
struct Work<'a> {
    me: &'a Identity,
    session: SessionId,
    request: &'a SealRequest,
    progress: &'a dyn Progress,
    class_key: Recipient,
    metadata: &'a MetadataSession,
}

impl Vault {
    /// Seals files and whole folders.
    ///
    /// A source that cannot be read, or changes while it is read, is in `failed`; the others are sealed.
    ///
    /// # Errors
    /// [`Code::NotAMember`], [`Code::Text`] for the title, [`Code::LogFailed`], and everything that keeps the
    /// vault from being opened.
    pub fn seal(
        &self,
        me: &Identity,
        request: &SealRequest,
        progress: &dyn Progress,
    ) -> Result<SealReport, Error> {
        let mut session = Session::begin(&*self.site.random)?;
        let glance = self.glance()?;
        let roster = glance.roster.roster().clone();
        let now = self.site.clock.now().time;
        let rules = Rules { roster: &roster, policy: &glance.policy, machine: Machine::Apart, now };
        let grant = match decide(&rules, Request::new(me.id(), Action::Seal(request.class))) {
            Ok(grant) => grant,
            Err(denial) => {
                drop(glance);
                return Err(self.refused(&session, me, Event::DocumentSeal, None, denial.into()));
            }
        };
        progress.begin(Stage::Reading, None, None);
        let mut report = SealReport::default();
        let files = self.sources(request, &mut report);
        progress.end();
        check_title(request, files.len())?;
        if request.dry_run || files.is_empty() {
            report.would_seal = files.iter().map(|file| file.source.display().to_string()).collect();
            return Ok(report);
        }
        // Begun under the lock, so that nobody sweeps the folder before its own lock is in it.
        let staging = Staging::begin(&self.context.disk, &self.context.layout, session.id(), &grant)?;
        drop(glance);
        let class_key = recipient(&roster, Purpose::Class(request.class))?;
        let (id, metadata) = (session.id(), session.metadata(&roster, &*self.site.random)?);
        let work = Work { me, session: id, request, progress, class_key, metadata };
        let lens: Vec<u64> = files.iter().map(len_of).collect();
        progress.begin(Stage::Sealing, Some(lens.iter().sum()), Some(files.len() as u64));
        let (mut rest, mut rest_lens) = (files.as_slice(), lens.as_slice());
        let mut staged = Vec::new();
        while !rest.is_empty() || !staged.is_empty() {
            let count = batch_len(rest_lens);
            let (batch, after) = rest.split_at(count);
            staged = self.turn(&work, &staging, staged, batch, &mut report)?;
            (rest, rest_lens) = (after, rest_lens.get(count..).unwrap_or_default());
        }
        progress.end();
        Ok(report)
    }

    fn sources(&self, request: &SealRequest, report: &mut SealReport) -> Vec<Found> {
        let found = walk(&request.paths, self.folder());
        report.skipped = found
            .skipped
            .into_iter()
            .map(|(path, why)| SkippedRow { source: path.display().to_string(), why })
            .collect();
        for (path, error) in found.failed {
            let missing = error.kind() == std::io::ErrorKind::NotFound;
            let code = if missing { Code::NoFile } else { Code::SourceUnreadable };
            report.failed.push(FailedRow { source: path.display().to_string(), code });
        }
        found.files
    }

    /// Records what was staged while the next batch is being staged; gives that one.
    fn turn(
        &self,
        work: &Work<'_>,
        staging: &Staging,
        staged: Vec<Staged>,
        batch: &[Found],
        report: &mut SealReport,
    ) -> Result<Vec<Staged>, Error> {
        let (recorded, next) = if staged.is_empty() || batch.is_empty() {
            (self.record_batch(work, staging, staged), self.stage_batch(work, staging, batch))
        } else {
            thread::scope(|scope| {
                let recorder = scope.spawn(|| self.record_batch(work, staging, staged));
                let next = self.stage_batch(work, staging, batch);
                (recorder.join().unwrap_or_else(|_| Err(Code::Internal.into())), next)
            })
        };
        let Landed { documents, removed, failed } = recorded?;
        report.documents.extend(documents);
        report.removed += removed;
        report.failed.extend(failed);
        let (next, failed) = next?;
        report.failed.extend(failed);
        Ok(next)
    }

    /// Encrypts a batch into the session's folder; also gives what could not be.
    fn stage_batch(
        &self,
        work: &Work<'_>,
        staging: &Staging,
        batch: &[Found],
    ) -> Result<(Vec<Staged>, Vec<FailedRow>), Error> {
        let ids = batch.iter().map(|_| Ok(DocumentId(self.site.random.bytes16()?)));
        let ids: Vec<DocumentId> = ids.collect::<Result<_, NoRandom>>().map_err(|_| Code::NoRandom)?;
        let things: Vec<_> = batch.iter().zip(&ids).collect();
        let stopped = AtomicBool::new(false);
        let results = parallel::for_each(things.len(), WORTH, |at| {
            let (found, id) = things.get(at)?;
            if stopped.load(Ordering::Relaxed) {
                return None;
            }
            let result = self.stage(work, staging, found, **id);
            stopped.fetch_or(result.as_ref().is_err_and(is_hopeless), Ordering::Relaxed);
            work.progress.advance(0, 1);
            Some(result)
        });
        let (mut staged, mut failed) = (Vec::new(), Vec::new());
        for ((found, id), result) in things.iter().zip(results) {
            match result.flatten() {
                Some(Ok(document)) => staged.push(document),
                Some(Err(error)) => {
                    staging.discard(&self.context.layout.document(**id))?;
                    if is_hopeless(&error) {
                        return Err(error);
                    }
                    let source = found.source.display().to_string();
                    failed.push(FailedRow { source, code: error.code() });
                }
                // Only after another one that is hopeless, which ends all, or after a panic.
                None if stopped.load(Ordering::Relaxed) => {}
                None => return Err(Code::Internal.into()),
            }
        }
        if !staged.is_empty() {
            staging.sync()?;
        }
        Ok((staged, failed))
    }

    fn stage(
        &self,
        work: &Work<'_>,
        staging: &Staging,
        found: &Found,
        id: DocumentId,
    ) -> Result<Staged, Error> {
        let mut source = SourceFile::open(&found.source).map_err(|error| unreadable(&error))?;
        let meta = meta_of(work.request, found, &source, id)?;
        let mut file = staging.create(&self.context.layout.document(id))?;
        let size = source.size();
        // Header, nonce and payload of a small document in one write.
        let mut sink = BufWriter::with_capacity(if size < SMALL { ROOM } else { 0 }, &mut file);
        let what = Sealing {
            threads: parallel::threads_for(size),
            recipients: &[&work.class_key],
            metadata: work.metadata,
            document: &id,
            meta_json: &meta.print().map_err(|_| Code::SourceUnreadable)?,
        };
        let mut reader = Counted { inner: source.file(), progress: work.progress };
        let summary =
            seal_document(&what, &*self.site.random, &mut reader, &mut sink).map_err(
                |error| match error {
                    crate::sealed::Error::Age(crate::agefile::Error::Read(error)) => unreadable(&error),
                    error => error.into(),
                },
            )?;
        sink.flush().map_err(|error| convert::io(Code::Io, &error).because(error))?;
        let unchanged = source.is_unchanged().map_err(|error| unreadable(&error))?;
        if summary.plain_len != size || !unchanged {
            return Err(Code::SourceChanged.into());
        }
        Ok(Staged { id, source: source.close(), name: found.source.display().to_string(), meta, summary })
    }

    /// Decides again under the lock, since the roster may have changed; then record, publish, index.
    fn record_batch(&self, work: &Work<'_>, staging: &Staging, staged: Vec<Staged>) -> Result<Landed, Error> {
        let mut done = Landed::default();
        if staged.is_empty() {
            return Ok(done);
        }
        let mut live = self.live()?;
        let roster = live.roster().roster().clone();
        let class = work.request.class;
        let grant = decide(&live.rules(Machine::Apart), Request::new(work.me.id(), Action::Seal(class)))?;
        if recipient(&roster, Purpose::Class(class))?.to_string() != work.class_key.to_string() {
            return Err(Error::new(Code::Busy).with("holder", "key rotation"));
        }
        let mut private = HashMap::new();
        // Sealing itself takes public keys alone. Titles are folded in by the next one who may, where nothing may come to light
        // here or the key is still to be given.
        if self.folds_in(&live, work.me)? {
            let catalogue = Catalogue::unlock(&self.site, &self.context, &live, work.me)?;
            for document in &staged {
                let sealed = catalogue.seal(&*self.site.random, &document.meta)?;
                private.insert(document.id, sealed);
            }
        }
        let drafts = staged.iter().map(|document| draft(&live, work, document)).collect();
        // Once the append was tried, what is staged may be in the log: only the next start may sweep it.
        staging.keep();
        let (recorded, entries) = live.record(&grant, drafts, Some(work.me.signing()))?;
        let places: Vec<PathBuf> =
            staged.iter().map(|document| self.context.layout.document(document.id)).collect();
        live.publish(work.session, &places, &recorded)?;
        live.follow(&entries, &private)?;
        staging.release();
        drop(live);
        done.documents = staged.iter().map(|document| row(document, class)).collect();
        if work.request.remove_original {
            self.remove_originals(work, &staged, &mut done);
        }
        Ok(done)
    }

    /// Removes each source whose sealed document reads back as it was recorded, and which is still what was sealed.
    fn remove_originals(&self, work: &Work<'_>, staged: &[Staged], done: &mut Landed) {
        for document in staged {
            let read_back = objects::open(&*self.context.disk, &self.context.layout, document.id)
                .map_err(Error::from)
                .and_then(|mut file| Ok(check_digests(&mut file, &document.summary.expected())?));
            let removed = read_back.and_then(|_| {
                let gone = document.source.remove_if_unchanged();
                gone.map_err(|error| convert::io(Code::Io, &error).because(error))
            });
            let code = match removed {
                Ok(true) => {
                    done.removed += 1;
                    continue;
                }
                Ok(false) => Code::SourceChanged,
                Err(error) => error.code(),
            };
            done.failed.push(FailedRow { source: document.name.clone(), code });
            work.progress.advance(0, 0);
        }
    }

    /// Writes a denied or failed attempt into the log, and gives the error back; a log that cannot be written
    /// comes first.
    pub(super) fn refused(
        &self,
        session: &Session,
        me: &Identity,
        event: Event,
        object: Option<Object>,
        error: Error,
    ) -> Error {
        let written = self.live().and_then(|mut live| {
            let draft = refusal(&live, session.id(), me, event, object, &error);
            Ok(live.record_end(vec![draft], Some(me.signing()))?)
        });
        written.err().unwrap_or(error)
    }
}

/// The entry of a denied or failed attempt.
pub(super) fn refusal(
    live: &Live,
    session: SessionId,
    me: &Identity,
    event: Event,
    object: Option<Object>,
    error: &Error,
) -> Draft {
    let denied = matches!(error.code().exit(), 4 | 5);
    let outcome = if denied { Outcome::Denied } else { Outcome::Failed };
    let mut draft = live.draft(event, outcome, session);
    draft.actor = actor(me, live.roster().roster());
    draft.object = object;
    draft.reason = error.code().as_str().parse().ok();
    draft
}

fn check_title(request: &SealRequest, files: usize) -> Result<(), Error> {
    match &request.title {
        Some(title) if !is_line(title, TITLE_LIMIT) => Err(Error::new(Code::Text).with("name", "title")),
        Some(_) if files > 1 => Err(Error::new(Code::Usage).with("detail", "--title")),
        _ => Ok(()),
    }
}

/// How long a file is before it is opened: for progress and batches, and nothing that must be right.
fn len_of(found: &Found) -> u64 {
    std::fs::symlink_metadata(&found.source).map_or(0, |data| data.len())
}

fn batch_len(lens: &[u64]) -> usize {
    let mut bytes = 0_u64;
    let fits = |len: &&u64| {
        let before = bytes;
        bytes += **len;
        before < BATCH_BYTES
    };
    lens.iter().take(BATCH).take_while(fits).count().max(1).min(lens.len())
}

/// Whether what failed for one document will fail for every other.
pub(super) fn is_hopeless(error: &Error) -> bool {
    matches!(error.code(), Code::Full | Code::ReadOnly | Code::NoRandom | Code::Internal)
}

fn unreadable(error: &std::io::Error) -> Error {
    match error.kind() {
        std::io::ErrorKind::NotFound => Code::NoFile.into(),
        _ => Code::SourceUnreadable.into(),
    }
}

fn meta_of(request: &SealRequest, found: &Found, source: &SourceFile, id: DocumentId) -> Result<Meta, Error> {
    let bad = || Error::new(Code::SourceUnreadable);
    let name = |name: &std::ffi::OsStr| Name::new(name.as_encoded_bytes().to_vec()).map_err(|_| bad());
    Ok(Meta {
        class: request.class,
        id,
        modified: Some(source.modified()),
        name: name(found.source.file_name().ok_or_else(bad)?)?,
        path: found.inside.iter().map(|part| name(part)).collect::<Result<_, _>>()?,
        size: source.size(),
        title: request.title.clone(),
    })
}

fn draft(live: &Live, work: &Work<'_>, document: &Staged) -> Draft {
    let mut draft = live.draft(Event::DocumentSeal, Outcome::Ok, work.session);
    draft.actor = actor(work.me, live.roster().roster());
    let mut object = Object::document(document.id);
    object.class = Some(work.request.class);
    object.commitment = Some(Commitment(document.summary.commitment.0.0));
    object.header_len = Some(document.summary.header_len);
    object.header_sha256 = Some(document.summary.header_sha256);
    object.payload_sha256 = Some(document.summary.payload_sha256);
    object.size = Some(document.summary.plain_len);
    draft.object = Some(object);
    draft
}

fn row(document: &Staged, class: Class) -> SealedRow {
    SealedRow {
        id: document.id,
        source: document.name.clone(),
        class,
        size: document.summary.plain_len,
        payload_sha256: document.summary.payload_sha256,
        header_sha256: document.summary.header_sha256,
    }
}
