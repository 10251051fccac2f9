//! The log itself: entries as stored, and whether they are what was signed. Needs no identity and changes nothing.

use std::collections::BTreeSet;

use super::report::{AuditShowReport, AuditVerifyReport, Finding};
use super::{Code, Error, Vault};
use crate::answer::{Progress, Stage};
use crate::audit::{Examined, Judge, Judgement, Known, LogFiles, Notes, Reading};
use crate::encoding::base64;
use crate::evidence::{LogReport, of_problem};
use crate::id::SessionId;
use crate::log::entry::Entry;
use crate::log::keys::{LogKey, roots};
use crate::log::tiles::Tile;
use crate::note::origin;
use crate::roster::InForce;
use crate::roster::Resume;
use crate::store::StoreError;
use crate::store::checkpoints::{CheckpointFile, Last};
use crate::store::disk::ReadAt;
use crate::store::host::StateRecord;
use crate::store::index::Index;
use crate::store::ledger::known_checkpoint;
use crate::store::live::known_host;
use crate::store::log_keys::log_keys;
use crate::store::rosters;
use crate::store::segments::{Files, SegmentError, Segments};

/// Which entries.
#[derive(Debug, Clone, Default)]
pub struct AuditShow {
    /// Only the last so many.
    pub last: Option<u64>,
    /// Only those about the document with this id, or its beginning.
    pub document: Option<String>,
}

/// Stands for the session in entries of a recovery, which no command of a person wrote.
const RECOVERY: SessionId = SessionId([0; 16]);

pub(super) use crate::evidence::verdict;

/// What was known before an epoch's log is judged.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Before {
    /// The version of the roster at the end of the epoch before.
    pub(super) version: u64,
    /// Checkpoints of fewer entries were verified before.
    pub(super) since: u64,
}

/// What was found out about one epoch's log.
pub(super) struct Judged {
    pub(super) epoch: u64,
    pub(super) judgement: Judgement,
    pub(super) findings: Vec<Finding>,
    /// The vault's own file lacks the newest checkpoint, as after a kill.
    pub(super) behind: bool,
    /// The keys that its checkpoints were verified with.
    keys: Vec<LogKey>,
}

impl Vault {
    /// Entries as they are stored, oldest first.
    ///
    /// # Errors
    /// What keeps the log from being read.
    pub fn audit_show(&self, request: &AuditShow) -> Result<AuditShowReport, Error> {
        let _lock = self.lock()?;
        let record = known_host(&self.context)?.record().clone();
        let mut entries = Vec::new();
        for epoch in 1..=record.epoch {
            let segments = self.segments(epoch, &record)?;
            let from = request.last.map_or(0, |last| segments.size().saturating_sub(last));
            segments.for_each::<SegmentError>(from, segments.size(), |seq, bytes| {
                let bad = |_| SegmentError::Entry { at: seq };
                if let Some(wanted) = &request.document {
                    let entry = Entry::parse(bytes).map_err(|_| SegmentError::Entry { at: seq })?;
                    let id = entry.object().and_then(crate::log::entry::Object::document_id);
                    if !id.is_some_and(|id| id.to_string().starts_with(wanted)) {
                        return Ok(());
                    }
                }
                entries.push(serde_json::from_slice(bytes).map_err(bad)?);
                Ok(())
            })?;
        }
        if let Some(last) = request.last {
            let surplus = entries.len().saturating_sub(usize::try_from(last).unwrap_or(usize::MAX));
            entries.drain(..surplus);
        }
        Ok(AuditShowReport { entries })
    }

    pub(super) fn segments(&self, epoch: u64, record: &StateRecord) -> Result<Segments, Error> {
        let expected = if epoch == record.epoch { known_checkpoint(record)?.size() } else { 0 };
        Ok(Segments::read(self.site.disk.clone(), &self.context.layout.log(epoch), expected)?)
    }

    /// Judges the log with public keys alone: tree, tiles, checkpoints, the host's own state, the entries' rules.
    ///
    /// # Errors
    /// Only what keeps the log from being judged at all; what is found is in the report.
    pub fn audit_verify(&self, progress: &dyn Progress) -> Result<AuditVerifyReport, Error> {
        Ok(self.audit_read(progress, &mut |_, _| (), 0)?.0)
    }

    /// The same; every entry that can be read is given to `visit` with its epoch. The chain of rosters says who is who in them.
    pub(super) fn audit_read(
        &self,
        progress: &dyn Progress,
        visit: &mut dyn FnMut(u64, &Entry),
        since: u64,
    ) -> Result<(AuditVerifyReport, Vec<InForce>), Error> {
        let _lock = self.lock()?;
        let record = known_host(&self.context)?.record().clone();
        let (chain, mut findings) = self.roster_chain(&record)?;
        let mut pending = Vec::new();
        let (mut logs, mut last, mut before) = (Vec::new(), None, Before { version: 0, since });
        for epoch in 1..=record.epoch {
            progress.begin(Stage::Verifying, None, None);
            let judged = self.judge(epoch, &record, &chain, progress, visit, before);
            progress.end();
            let mut judged = judged?;
            before.version = judged.judgement.version;
            findings.append(&mut judged.findings);
            logs.push(log_report(&record, &judged));
            last = Some(judged);
        }
        let judged = last.ok_or(Code::Internal)?;
        self.note_pending(&record, &judged, &mut pending);
        let report = AuditVerifyReport {
            verdict: verdict(&findings),
            epoch: judged.epoch,
            size: judged.judgement.size,
            root: base64(judged.judgement.root.as_bytes()),
            signed_size: judged.judgement.signed_size,
            witnessed_size: 0,
            first_bad: judged.judgement.first_bad,
            findings,
            notes: judged.judgement.fork,
            pending,
            logs,
        };
        Ok((report, chain))
    }

    /// Every roster, from the founders' on, as far as the chain holds. What is wrong with it, [`Vault::audit_verify`] says.
    ///
    /// # Errors
    /// What keeps the rosters from being read.
    pub fn audit_chain(&self) -> Result<Vec<InForce>, Error> {
        let _lock = self.lock()?;
        let record = known_host(&self.context)?.record().clone();
        Ok(self.roster_chain(&record)?.0)
    }

    /// The chain of rosters, followed from the founders on, and what is wrong with it.
    pub(super) fn roster_chain(&self, record: &StateRecord) -> Result<(Vec<InForce>, Vec<Finding>), Error> {
        let mut findings = Vec::new();
        let mut finding = |code, detail: String| {
            findings.push(Finding { code, object: "roster".to_owned(), detail });
        };
        let mut chain = match rosters::chain(&self.context) {
            Ok(chain) => chain,
            Err(error @ (StoreError::Roster(_) | StoreError::RosterMissing)) => {
                let pinned = rosters::in_force(&self.context, record);
                if let Err(StoreError::VaultReplaced { expected }) = pinned {
                    return Err(Error::new(Code::VaultReplaced).with("id", expected));
                }
                finding(Code::TamperedRoster, error.to_string());
                pinned.into_iter().collect()
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(first) = chain.first().filter(|first| first.vault() != record.vault) {
            return Err(Error::new(Code::VaultReplaced)
                .with("id", record.vault)
                .with("found", first.vault()));
        }
        if !chain.iter().any(|roster| roster.digest() == record.roster_digest) {
            match rosters::in_force(&self.context, record) {
                // Recorded and staged: the next start puts it into its place.
                Ok(newest) if newest.roster().version <= chain.len() as u64 + 1 => {}
                Ok(newest) => {
                    finding(Code::TruncatedRoster, format!("version {}", chain.len() + 1));
                    chain.push(newest);
                }
                Err(_) => finding(Code::TruncatedRoster, format!("version {}", record.roster_version)),
            }
        }
        Ok((chain, findings))
    }

    /// Judges one epoch's log; every entry that can be read is given to `visit`.
    pub(super) fn judge(
        &self,
        epoch: u64,
        record: &StateRecord,
        chain: &[InForce],
        progress: &dyn Progress,
        visit: &mut dyn FnMut(u64, &Entry),
        before: Before,
    ) -> Result<Judged, Error> {
        let Before { version, since } = before;
        let name = origin(&record.vault, epoch);
        let Some(newest) = chain.last() else {
            return Err(Code::TruncatedRoster.into());
        };
        let keys = log_keys(&self.context, newest, epoch)?;
        let path = self.context.layout.log(epoch).join("checkpoints");
        let file = CheckpointFile::new(self.site.disk.clone(), path, &name);
        let mut findings = Vec::new();
        let mut notes = match file.open() {
            Ok(open) => survey(&file, open)?,
            Err(error) if error.is_wrong_kind() => {
                findings.push(Finding::new(Code::DamagedCheckpoints, &name, ""));
                Notes::none()
            }
            Err(error) => return Err(error.into()),
        };
        if notes.is_torn() && file.last()? != Last::Torn {
            findings.push(Finding::new(Code::DamagedCheckpoints, &name, ""));
        }
        let unproven = record.generation > 0 && keys.verify(&record.checkpoint).is_none();
        if (keys.broken || unproven) && epoch == record.epoch {
            findings.push(Finding::new(Code::TamperedLogKey, "log-keys", ""));
        }
        let mut outside = self.believed(epoch, record, chain)?;
        outside.extend(roots(&keys.handed, &name));
        let expected = outside.iter().map(|(size, ..)| *size).max().unwrap_or(0);
        let written = notes.find_last(|note| keys.verify(note))?;
        let written = written.map_or(0, |signed| signed.checkpoint().size());
        let mut unwritten = BTreeSet::new();
        let mut visit = |epoch, entry: &Entry| {
            if (written..expected).contains(&entry.seq()) {
                unwritten.insert(entry.session());
            }
            visit(epoch, entry);
        };
        let known = Known { hosts: &keys.hosts, members: &keys.members, outside, since, chain, version };
        let mut judge = Judge::new(known, notes)?;
        self.feed(epoch, expected, &mut judge, &mut findings, progress, &mut visit)?;
        let judgement = judge.finish()?;
        findings.extend(judgement.problems.iter().map(|found| of_problem(found, &name, &judgement)));
        // A kill leaves out the checkpoints of one command, and that of the recovery which began after it.
        unwritten.remove(&RECOVERY);
        let behind = written < expected && epoch == record.epoch;
        if behind && unwritten.len() > 1 {
            findings.push(Finding::new(Code::DamagedCheckpoints, &name, &format!("{written} < {expected}")));
        }
        Ok(Judged { epoch, judgement, findings, behind, keys: keys.hosts })
    }

    /// Checkpoints that are believed: the host's own, and for an epoch that ended what officers accepted of it.
    fn believed(
        &self,
        epoch: u64,
        record: &StateRecord,
        chain: &[InForce],
    ) -> Result<Vec<(u64, crate::crypto::Digest, String)>, Error> {
        if epoch == record.epoch {
            let known = known_checkpoint(record)?;
            let note = String::from_utf8_lossy(&record.checkpoint).into_owned();
            return Ok(vec![(known.size(), known.root(), note)]);
        }
        let path = self.context.layout.resume_note(epoch + 1);
        let bytes = self.site.disk.read(&path, rosters::NOTE_LIMIT)?;
        let resume = chain.iter().rev().find_map(|roster| Resume::verify(&bytes, roster));
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(resume.map(|resume| (resume.size, resume.root, text)).into_iter().collect())
    }

    fn feed(
        &self,
        epoch: u64,
        expected: u64,
        judge: &mut Judge<'_>,
        findings: &mut Vec<Finding>,
        progress: &dyn Progress,
        visit: &mut dyn FnMut(u64, &Entry),
    ) -> Result<(), Error> {
        let folder = self.context.layout.log(epoch);
        let segments = match Segments::read(self.site.disk.clone(), &folder, expected) {
            Ok(segments) => segments,
            Err(SegmentError::Entry { at }) => {
                judge.unreadable(at);
                return Ok(());
            }
            Err(error) => return Err(error.into()),
        };
        let mut told = |entries: &[Examined], bytes: u64| {
            entries.iter().flat_map(|examined| &examined.entry).for_each(|entry| visit(epoch, entry));
            progress.advance(bytes, entries.len() as u64);
        };
        let files = segments.files();
        let bundles = Bundles(files);
        let mut reading = Reading::of(&bundles);
        // Where entries are missing it was said already, and tiles say nothing more.
        if !reading.feed(files.size(), judge, &mut told)? {
            return Ok(());
        }
        for bytes in segments.tail() {
            let examined = [Examined::of(bytes)];
            judge.entries(&examined, None)?;
            told(&examined, bytes.len() as u64);
        }
        let wrong = |tile: &Tile| Finding::new(Code::DamagedTile, &tile.path(), "");
        findings.extend(reading.wrong_tiles().iter().map(wrong));
        Ok(())
    }

    /// Work that a kill left, which the next command that changes something finishes.
    pub(super) fn note_pending(&self, record: &StateRecord, judged: &Judged, pending: &mut Vec<String>) {
        let known = known_checkpoint(record).map_or(0, |known| known.size());
        if judged.judgement.size > known {
            pending.push("entries-beyond-checkpoint".to_owned());
        }
        if judged.behind {
            pending.push("checkpoints-behind".to_owned());
        }
        let sessions = crate::store::staging::sessions(&*self.site.disk, &self.context.layout);
        let dead = sessions.unwrap_or_default();
        if dead.iter().any(|(session, _)| crate::store::staging::is_dead(&self.context.layout, *session)) {
            pending.push("staged-files".to_owned());
        }
        if self.site.disk.exists(&self.context.layout.index_open()).unwrap_or(false) {
            pending.push("index-not-closed".to_owned());
        }
    }

    /// Opens a copy of the index: opening the original could change it.
    pub(super) fn index_copy(&self) -> Result<(tempfile::TempDir, Index), Error> {
        let failed = |error: std::io::Error| super::convert::io(Code::Io, &error).because(error);
        let folder = tempfile::tempdir().map_err(failed)?;
        let copy = folder.path().join("sled");
        crate::store::live::copy_folder(&self.context.layout.index(), &copy).map_err(|error| match error
            .kind()
        {
            std::io::ErrorKind::NotFound => Error::new(Code::MissingIndex),
            _ => failed(error),
        })?;
        Ok((folder, Index::open(&copy, self.context.past())?))
    }
}

/// The file of checkpoints, gone through once.
pub(super) fn survey(file: &CheckpointFile, open: Option<Box<dyn ReadAt>>) -> Result<Notes<'static>, Error> {
    let Some(open) = open else { return Ok(Notes::none()) };
    let file = file.clone();
    Notes::survey(Box::new(move |at, most| {
        let mut bytes = vec![0; most];
        let read = open.read_at(at, &mut bytes).map_err(|error| file.failed(error))?;
        bytes.truncate(read);
        Ok(bytes)
    }))
}

/// The log's files as the judge's reader wants them.
struct Bundles<'a>(Files<'a>);

impl LogFiles for Bundles<'_> {
    fn entries(&self, tile: Tile) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.entries(tile)?)
    }

    fn hashes(&self, tile: Tile) -> Result<Option<Vec<u8>>, Error> {
        // One that cannot be read is as bad as one that is not there: it can be made anew.
        Ok(self.0.hashes(tile).unwrap_or_default())
    }
}

fn log_report(record: &StateRecord, judged: &Judged) -> LogReport {
    let judgement = &judged.judgement;
    LogReport {
        origin: origin(&record.vault, judged.epoch),
        size: judgement.size,
        root: base64(judgement.root.as_bytes()),
        signed_size: judgement.signed_size,
        witnessed_size: 0,
        witnessed_at: None,
        keys: judged.keys.iter().map(|key| key.verifier().to_string()).collect(),
        witnesses: Vec::new(),
        unlisted: judgement.unlisted,
    }
}
