//! The log for others: proven entry by entry, compared, signed by witnesses.

use serde::Serialize;

use super::audit::survey;
use super::peer::Met;
use super::{AuditVerify, CheckpointReport, Code, Error, Progress, Vault};
use crate::audit::Quorum;
use crate::crypto::Digest;
use crate::evidence::proofs::{LogSource, Which};
use crate::evidence::{
    AuditVerifyReport, CHECKPOINTS, COSIGNED, Finding, Strict, Witnessed, read_checkpoint, verdict, witness,
};
use crate::label::Role;
use crate::log::checkpoint::Checkpoint;
use crate::log::cosignature::{WitnessKey, cosigners};
use crate::log::entry::Entry;
use crate::log::keys::LogKey;
use crate::log::merkle::{consistency_proof, inclusion_proof};
use crate::note::{Signature, SignedNote, origin};
use crate::roster::InForce;
use crate::store::checkpoints::CheckpointFile;
use crate::store::host::StateRecord;
use crate::store::ledger::known_checkpoint;
use crate::store::live::{Live, known_host};
use crate::store::lock::VaultLock;
use crate::store::log_keys::log_keys;
use crate::store::rosters::{self};
use crate::store::segments::Segments;

/// A witness's signature that was taken.
#[derive(Debug, Serialize)]
pub struct CosignedReport {
    /// The log.
    pub origin: String,
    /// The size that was signed.
    pub size: u64,
    /// Who signed.
    pub witnesses: Vec<String>,
}

/// One epoch of the vault's own log.
pub(super) struct OwnLog {
    pub(super) origin: String,
    pub(super) segments: Segments,
    /// The newest signed checkpoint, with its cosignatures.
    pub(super) checkpoint: Vec<u8>,
    /// The same as it was signed.
    pub(super) newest: Vec<u8>,
    pub(super) keys: Vec<LogKey>,
    /// So that nothing is written meanwhile, where nothing else sees to that.
    _lock: Option<VaultLock>,
}

fn unproven(error: impl std::fmt::Display) -> Error {
    Error::new(Code::TamperedProof).with("detail", error)
}

impl LogSource for OwnLog {
    fn checkpoint(&self) -> Result<Vec<u8>, Error> {
        Ok(self.checkpoint.clone())
    }

    fn keys(&self) -> Vec<LogKey> {
        self.keys.clone()
    }

    fn entry(&self, _size: u64, seq: u64) -> Result<Vec<u8>, Error> {
        Ok(self.segments.entry(seq)?)
    }

    fn root(&self, size: u64, _of: u64) -> Result<Digest, Error> {
        Ok(self.segments.root(size)?)
    }

    fn inclusion(&self, seq: u64, size: u64, _of: u64) -> Result<Vec<Digest>, Error> {
        inclusion_proof(seq, size, &self.segments).map_err(|_| unproven("path"))
    }

    fn consistency(&self, from: u64, to: u64) -> Result<Vec<Digest>, Error> {
        consistency_proof(from, to, &self.segments).map_err(|_| unproven("consistency"))
    }
}

impl Vault {
    /// As [`audit_verify`](Self::audit_verify), with what is known from elsewhere.
    ///
    /// # Errors
    /// Those of [`read_checkpoint`] for a checkpoint that is not this log's.
    pub fn audit_verify_by(
        &self,
        wish: &AuditVerify,
        progress: &dyn Progress,
    ) -> Result<AuditVerifyReport, Error> {
        Ok(self.audit_read_by(wish, progress, &mut |_, _| ())?.0)
    }

    /// The same; every entry that can be read is given to `visit` with its epoch. The chain of rosters says who is who in them.
    ///
    /// # Errors
    /// As [`audit_verify_by`](Self::audit_verify_by).
    pub fn audit_read_by(
        &self,
        wish: &AuditVerify,
        progress: &dyn Progress,
        visit: &mut dyn FnMut(u64, &Entry),
    ) -> Result<(AuditVerifyReport, Vec<InForce>), Error> {
        let mut met = Met::default();
        let mut visit = |epoch, entry: &Entry| {
            met.take(epoch, entry);
            visit(epoch, entry);
        };
        let (mut report, chain) = self.audit_read(progress, &mut visit, wish.since)?;
        if wish.documents {
            self.compare_documents(progress, &mut report)?;
        }
        let _lock = self.lock()?;
        let record = known_host(&self.context)?.record().clone();
        let roster = rosters::in_force(&self.context, &record)?;
        let logs: Result<Vec<OwnLog>, Error> =
            (1..=record.epoch).map(|epoch| self.log_of(&record, &roster, epoch)).collect();
        // What keeps a log from being read was judged already, and nobody's signature makes it better.
        let logs = match logs {
            Err(_) if !report.findings.is_empty() => return Ok((report, chain)),
            logs => logs?,
        };
        for note in &wish.against {
            against(&logs, note, &mut report)?;
        }
        let auditors = roster.roster().members.iter().filter(|member| member.role == Role::Auditor);
        let known: Vec<WitnessKey> = match &wish.policy {
            Some(policy) => policy.witnesses().cloned().collect(),
            None => {
                let own = auditors.map(|auditor| WitnessKey::of_member(auditor.key));
                own.chain(self.peer_witnesses(&met.with(&chain))?).collect()
            }
        };
        for (epoch, log) in (1..).zip(&logs) {
            let witnessed =
                self.witnessed(epoch, log, (&known, wish.policy.as_ref()), &mut report.findings)?;
            let newest = epoch == record.epoch;
            let at = usize::try_from(epoch - 1).unwrap_or(usize::MAX);
            let Some(own) = report.logs.get_mut(at) else { continue };
            let strict = Strict {
                strict: wish.strict,
                asked: wish.policy.as_ref().is_some_and(Quorum::asks_for_witnesses),
                max_age: wish.max_age.zip(u64::try_from(self.site.clock.now().time.unix_ms() / 1000).ok()),
            };
            if newest {
                strict.judge(own, &witnessed, &mut report.findings);
                report.witnessed_size = witnessed.size;
            }
            (own.witnessed_size, own.witnessed_at, own.witnesses) =
                (witnessed.size, witnessed.at, witnessed.rows);
        }
        report.verdict = verdict(&report.findings);
        Ok((report, chain))
    }

    /// What [`verify`](Self::verify) finds, beside what the log was found to be.
    fn compare_documents(
        &self,
        progress: &dyn Progress,
        report: &mut AuditVerifyReport,
    ) -> Result<(), Error> {
        let compared = self.verify(progress)?;
        for finding in compared.findings {
            if !report.findings.contains(&finding) {
                report.findings.push(finding);
            }
        }
        for work in compared.pending {
            if !report.pending.contains(&work) {
                report.pending.push(work);
            }
        }
        report.verdict = verdict(&report.findings);
        Ok(())
    }

    fn witnessed(
        &self,
        epoch: u64,
        log: &OwnLog,
        (known, policy): (&[WitnessKey], Option<&Quorum>),
        findings: &mut Vec<Finding>,
    ) -> Result<Witnessed, Error> {
        let (mut notes, _) = self.checkpoint_file(epoch, COSIGNED, &log.origin).read()?;
        notes.push(log.checkpoint.clone());
        let mut witnessed = Witnessed::default();
        for note in &notes {
            let found = read_checkpoint(note, &log.keys).and_then(|(checkpoint, note)| {
                let signed = cosigners(&note, &checkpoint, known).map_err(unproven)?;
                Ok((checkpoint, signed))
            });
            match found {
                Ok((checkpoint, signed)) if !signed.is_empty() => {
                    let size = checkpoint.size();
                    let agrees = size <= log.segments.size() && log.segments.root(size)? == checkpoint.root();
                    if agrees {
                        witnessed.take(size, &signed);
                    } else {
                        findings.push(Finding::new(Code::Forked, &log.origin, &size.to_string()));
                    }
                }
                Ok(_) => {}
                Err(error) => {
                    let what = format!("{} {COSIGNED}", log.origin);
                    findings.push(Finding::new(Code::TamperedCheckpoint, &what, error.code().as_str()));
                }
            }
        }
        let enough =
            |policy: &Quorum, keys: &[WitnessKey]| !policy.asks_for_witnesses() || policy.is_met_by(keys);
        Ok(witnessed.met(|keys| !keys.is_empty() && policy.is_none_or(|policy| enough(policy, keys))))
    }

    /// One of the vault's logs, without opening the index. Others wait until it is dropped.
    ///
    /// # Errors
    /// [`Code::NoEpoch`]; what keeps the log from being read.
    pub fn audit_log(&self, which: Which<'_>) -> Result<impl LogSource + use<>, Error> {
        let lock = self.lock()?;
        Ok(OwnLog { _lock: Some(lock), ..self.own_log(which)?.1 })
    }

    /// The same with its epoch, under the caller's lock.
    fn own_log(&self, which: Which<'_>) -> Result<(u64, OwnLog), Error> {
        let record = known_host(&self.context)?.record().clone();
        let roster = rosters::in_force(&self.context, &record)?;
        let epoch = which.epoch(&record.vault, record.epoch)?;
        Ok((epoch, self.log_of(&record, &roster, epoch)?))
    }

    pub(super) fn log_of(&self, record: &StateRecord, roster: &InForce, epoch: u64) -> Result<OwnLog, Error> {
        let origin = origin(&record.vault, epoch);
        let keys = log_keys(&self.context, roster, epoch)?.hosts;
        let file = self.checkpoint_file(epoch, CHECKPOINTS, &origin);
        let newest = if epoch == record.epoch {
            record.checkpoint.clone()
        } else {
            let size = self.accepted_size(epoch)?;
            let fits = |note: &[u8]| {
                let (found, _) = read_checkpoint(note, &keys).ok()?;
                size.is_none_or(|size| found.size() <= size).then(|| note.to_vec())
            };
            let found = survey(&file, file.open()?)?.find_last(fits)?;
            found.ok_or_else(|| Error::new(Code::TamperedCheckpoint).with("name", &origin))?
        };
        let size = if epoch == record.epoch { known_checkpoint(record)?.size() } else { 0 };
        let segments = Segments::read(self.site.disk.clone(), &self.context.layout.log(epoch), size)?;
        let checkpoint = self.with_cosignatures(epoch, &newest)?;
        Ok(OwnLog { origin, segments, checkpoint, newest, keys, _lock: None })
    }

    /// The size of an epoch that ended, as officers accepted it.
    fn accepted_size(&self, epoch: u64) -> Result<Option<u64>, Error> {
        Ok(rosters::resume_note(&self.context, epoch + 1)?.map(|resume| resume.size))
    }

    pub(super) fn checkpoint_file(&self, epoch: u64, name: &str, origin: &str) -> CheckpointFile {
        CheckpointFile::new(self.site.disk.clone(), self.context.layout.log(epoch).join(name), origin)
    }

    /// A checkpoint with the signatures that witnesses gave to it.
    fn with_cosignatures(&self, epoch: u64, note: &[u8]) -> Result<Vec<u8>, Error> {
        let Ok(mut merged) = SignedNote::parse(note) else { return Ok(note.to_vec()) };
        let (cosigned, _) = self.checkpoint_file(epoch, COSIGNED, "").read()?;
        for other in cosigned.iter().filter_map(|other| SignedNote::parse(other).ok()) {
            // Of another size, or more than there is room for.
            let _ = merged.merge(&other);
        }
        Ok(merged.print().into_bytes())
    }

    /// The newest signed checkpoint.
    ///
    /// # Errors
    /// What keeps the log from being read.
    pub fn audit_checkpoint(&self) -> Result<CheckpointReport, Error> {
        let log = self.audit_log(Which::Newest)?;
        CheckpointReport::of(&log.checkpoint()?, &log.keys())
    }

    /// A request to a witness: from the size that it signed last, or from the one given.
    ///
    /// # Errors
    /// [`Code::NoEpoch`]; those of [`witness::request`].
    pub fn audit_request_cosign(
        &self,
        which: Which<'_>,
        witness: Option<&WitnessKey>,
        old: Option<u64>,
    ) -> Result<Vec<u8>, Error> {
        let _lock = self.lock()?;
        let (epoch, log) = self.own_log(which)?;
        let old = match (old, witness) {
            (Some(old), _) => old,
            (None, Some(witness)) => self.signed_by(epoch, &log, witness)?,
            (None, None) => 0,
        };
        Ok(witness::request(&log, old)?.print())
    }

    /// The largest size that a witness signed, as far as its signatures were brought back.
    fn signed_by(&self, epoch: u64, log: &OwnLog, witness: &WitnessKey) -> Result<u64, Error> {
        let (notes, _) = self.checkpoint_file(epoch, COSIGNED, &log.origin).read()?;
        let known = std::slice::from_ref(witness);
        let signed = |note: &Vec<u8>| {
            let (checkpoint, note) = read_checkpoint(note, &log.keys).ok()?;
            let found = cosigners(&note, &checkpoint, known).ok()?;
            (!found.is_empty()).then_some(checkpoint.size())
        };
        Ok(notes.iter().filter_map(signed).max().unwrap_or(0))
    }

    /// Takes signatures of witnesses: auditors of this vault, and those named here.
    ///
    /// # Errors
    /// [`Code::UnverifiableWitness`] where none of them signed, [`Code::Forked`] where they signed another log; those of
    /// [`read_checkpoint`].
    pub fn audit_import_cosign(&self, note: &[u8], named: &[WitnessKey]) -> Result<CosignedReport, Error> {
        let live = self.live()?;
        let (epoch, log) = self.own_log(Which::OfCheckpoint(note))?;
        let (checkpoint, note) = read_checkpoint(note, &log.keys)?;
        if checkpoint.origin() != log.origin {
            return Err(Error::new(Code::UnverifiableLog).with("name", checkpoint.origin()));
        }
        let same = checkpoint.size() <= log.segments.size()
            && log.segments.root(checkpoint.size())? == checkpoint.root();
        if !same {
            let ours = String::from_utf8_lossy(&log.checkpoint).into_owned();
            return Err(Error::new(Code::Forked).with("note", ours).with("note", note.print()));
        }
        let auditors = live.roster().roster().members.iter().filter(|member| member.role == Role::Auditor);
        let mut known: Vec<WitnessKey> = auditors.map(|auditor| WitnessKey::of_member(auditor.key)).collect();
        known.extend_from_slice(named);
        let signed = cosigners(&note, &checkpoint, &known)
            .map_err(|error| Error::new(Code::TamperedCheckpoint).with("name", &log.origin).because(error))?;
        if signed.is_empty() {
            return Err(Error::new(Code::UnverifiableWitness).with("name", &log.origin));
        }
        self.checkpoint_file(epoch, COSIGNED, &log.origin).append(note.print().as_bytes())?;
        let witnesses = signed.iter().map(|(witness, _)| witness.name().to_owned()).collect();
        Ok(CosignedReport { origin: log.origin, size: checkpoint.size(), witnesses })
    }

    /// Keeps a signature that came with a receipt, under the checkpoint of that size. Where that is not found the receipt has it
    /// all the same.
    pub(super) fn keep_cosignature(
        &self,
        live: &Live,
        checkpoint: &Checkpoint,
        line: Signature,
    ) -> Result<(), Error> {
        let (epoch, origin) = (live.ledger().epoch(), checkpoint.origin().to_owned());
        let (text, mut found) = (checkpoint.text(), None);
        self.checkpoint_file(epoch, CHECKPOINTS, &origin).for_each::<Error>(|note| {
            if note.starts_with(text.as_bytes()) {
                found = SignedNote::parse(note).ok().filter(|note| note.text() == text).or(found.take());
            }
            Ok(())
        })?;
        let Some(mut note) = found else { return Ok(()) };
        if note.add(line).is_ok() {
            self.checkpoint_file(epoch, COSIGNED, &origin).append(note.print().as_bytes())?;
        }
        Ok(())
    }
}

/// The log has to have grown from a checkpoint that somebody kept.
fn against(logs: &[OwnLog], note: &[u8], report: &mut AuditVerifyReport) -> Result<(), Error> {
    let keys: Vec<LogKey> = logs.iter().flat_map(|log| log.keys.clone()).collect();
    let (kept, kept_note) = read_checkpoint(note, &keys)?;
    let log = logs.iter().find(|log| log.origin == kept.origin());
    let log = log.ok_or_else(|| Error::new(Code::UnverifiableLog).with("name", kept.origin()))?;
    let size = log.segments.size();
    if kept.size() > size {
        let detail = format!("{size} < {}", kept.size());
        report.findings.push(Finding::new(Code::TruncatedLog, &log.origin, &detail));
    } else if log.segments.root(kept.size())? != kept.root() {
        report.findings.push(Finding::new(Code::Forked, &log.origin, &kept.size().to_string()));
        report.notes = vec![kept_note.print(), String::from_utf8_lossy(&log.checkpoint).into_owned()];
    }
    Ok(())
}
