//! Judging a folder of evidence: tree, tiles, checkpoints, witnesses, the entries' rules.

use std::collections::BTreeSet;

use super::read::{CHECKER, CHECKPOINT, CHECKPOINTS, COSIGNED, EpochFiles, Evidence, README, SUMS, log};
use super::report::{AuditVerifyReport, Finding, LogReport, of_problem, verdict};
use super::trust::{Trust, read_checkpoint};
use super::witnessed::{Strict, Witnessed};
use crate::audit::{Judge, Judgement, Known as Believed, Reading};
use crate::crypto::Digest;
use crate::encoding::base64;
use crate::fault::{Code, Error};
use crate::log::checkpoint::Checkpoint;
use crate::log::cosignature::{WitnessKey, cosigners};
use crate::log::entry::Entry;
use crate::log::keys::{LogKey, roots, verify_by_any};
use crate::log::tiles::{Tile, full_bundles, full_hash_tiles, partial_tiles};
use crate::note::{SignedNote, origin_epoch};

/// Is told of an entry, with its epoch.
pub type Visit<'a> = dyn FnMut(u64, &Entry) + 'a;

/// What to judge by.
#[derive(Default)]
pub struct VerifyWish<'a> {
    /// What is known from elsewhere.
    pub trust: Trust,
    /// Checkpoints from elsewhere, as notes: the log has to have grown from them.
    pub against: Vec<Vec<u8>>,
    /// Checkpoints up to this size were verified before: their signatures are taken as read, and their roots are not.
    pub since: u64,
    /// Entries that no signature or no witness covers are a finding.
    pub strict: bool,
    /// Witnesses have to have signed within so many seconds before `now`.
    pub max_age: Option<(u64, u64)>,
    /// Is told of every entry, with its epoch.
    pub visit: Option<&'a mut Visit<'a>>,
    /// Is told of bytes and entries that were read.
    pub told: Option<&'a dyn Fn(u64, u64)>,
}

impl std::fmt::Debug for VerifyWish<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "VerifyWish({} against, since {})", self.against.len(), self.since)
    }
}

/// One epoch, judged.
struct Judged {
    report: LogReport,
    judgement: Judgement,
    /// Names of files that belong to it.
    files: BTreeSet<String>,
    /// Where its tiles are, if nobody can tell how many there should be.
    unsized_tiles: Option<String>,
}

impl Evidence {
    /// Judges everything that lies here.
    ///
    /// # Errors
    /// [`Code::VaultReplaced`] where it is another vault's than the one named; what keeps it from being read. What is found is
    /// in the report.
    pub fn verify(&self, wish: &mut VerifyWish<'_>) -> Result<AuditVerifyReport, Error> {
        let vault = self.known.vault();
        if let Some(expected) = wish.trust.vault.filter(|expected| *expected != vault) {
            return Err(Error::new(Code::VaultReplaced).with("id", expected).with("found", vault));
        }
        let mut findings = Vec::new();
        let mut logs = Vec::new();
        let mut files: BTreeSet<String> = self.notes.iter().cloned().collect();
        files.extend([README, CHECKER, SUMS].map(str::to_owned));
        let against = self.against(wish)?;
        let (mut version, mut last, mut unsized_tiles) = (0, None, Vec::new());
        for epoch in 1..=self.known.epoch() {
            let judged = self.judge(epoch, wish, &against, &mut findings, version)?;
            version = judged.judgement.version;
            files.extend(judged.files);
            unsized_tiles.extend(judged.unsized_tiles);
            logs.push(judged.report);
            last = Some(judged.judgement);
        }
        let judgement = last.ok_or(Code::Internal)?;
        let is_tile = |name: &str| unsized_tiles.iter().any(|tiles| name.starts_with(tiles.as_str()));
        let mut undeclared = self.folder.files()?;
        undeclared.retain(|name| !files.contains(name) && !is_tile(name));
        findings.extend(undeclared.iter().map(|name| Finding::new(Code::UndeclaredFile, name, "")));
        self.overall(wish, version, &mut findings);
        let report = logs.last().ok_or(Code::Internal)?;
        Ok(AuditVerifyReport {
            verdict: verdict(&findings),
            epoch: self.known.epoch(),
            size: report.size,
            root: report.root.clone(),
            signed_size: report.signed_size,
            witnessed_size: report.witnessed_size,
            first_bad: judgement.first_bad,
            findings,
            notes: judgement.fork,
            pending: Vec::new(),
            logs,
        })
    }

    /// Checkpoints from elsewhere, which the logs' keys have to have signed.
    fn against(&self, wish: &VerifyWish<'_>) -> Result<Vec<(u64, Checkpoint, String)>, Error> {
        let one = |bytes: &Vec<u8>| {
            let keys = (1..=self.known.epoch())
                .flat_map(|epoch| wish.trust.log_keys(&self.known, &self.origin(epoch)))
                .collect::<Vec<_>>();
            let (checkpoint, note) = read_checkpoint(bytes, &keys)?;
            let epoch = origin_epoch(&self.known.vault(), checkpoint.origin());
            Ok((epoch.ok_or(Code::UnverifiableLog)?, checkpoint, note.print()))
        };
        wish.against.iter().map(one).collect()
    }

    /// What is about the folder and not about one epoch.
    fn overall(&self, wish: &VerifyWish<'_>, newest_roster: u64, findings: &mut Vec<Finding>) {
        let here = self.known.roster().version;
        if newest_roster > here {
            findings.push(Finding::new(Code::TruncatedRoster, "roster", &format!("version {newest_roster}")));
        }
        if wish.trust.vault.is_none()
            && !wish.trust.is_enough_for(&self.known, &self.origin(self.known.epoch()))
        {
            findings.push(Finding::new(Code::UnverifiableLog, &self.known.vault().to_string(), ""));
        }
    }

    fn judge(
        &self,
        epoch: u64,
        wish: &mut VerifyWish<'_>,
        against: &[(u64, Checkpoint, String)],
        findings: &mut Vec<Finding>,
        version: u64,
    ) -> Result<Judged, Error> {
        let origin = self.origin(epoch);
        let keys = wish.trust.log_keys(&self.known, &origin);
        let members = self.known.member_keys();
        let notes = self.all_checkpoints(epoch)?;
        let torn = notes.is_torn();
        if torn {
            findings.push(Finding::new(Code::DamagedCheckpoints, &origin, ""));
        }
        let mut outside: Vec<(u64, Digest, String)> = against
            .iter()
            .filter(|(of, ..)| *of == epoch)
            .map(|(_, checkpoint, note)| (checkpoint.size(), checkpoint.root(), note.clone()))
            .collect();
        let accepted = self.known.resumes().iter().find(|resume| resume.epoch == epoch + 1);
        outside.extend(accepted.map(|resume| (resume.size, resume.root, String::new())));
        outside.extend(roots(self.known.hand_overs(), &origin));
        let newest = self.newest(epoch, &keys, findings)?;
        let size = newest.as_ref().map_or(0, |(checkpoint, _)| checkpoint.size());
        let unsized_tiles = newest.is_none().then(|| format!("{}/tile/", log(epoch)));
        // The file of all of them ends with it, or something of it is gone.
        let text = |bytes: &[u8]| SignedNote::parse(bytes).ok().map(|note| note.text().to_owned());
        let last = notes.last().and_then(text);
        if !torn && newest.as_ref().is_some_and(|(newest, _)| last != Some(newest.text())) {
            findings.push(Finding::new(Code::DamagedCheckpoints, &origin, ""));
        }
        outside.extend(
            newest.as_ref().map(|(checkpoint, note)| (checkpoint.size(), checkpoint.root(), note.print())),
        );
        let believed = Believed {
            hosts: &keys,
            members: &members,
            outside,
            since: wish.since,
            chain: self.known.chain(),
            version,
        };
        let mut judge = Judge::new(believed, notes)?;
        self.feed(epoch, size, &mut judge, findings, wish)?;
        let judgement = judge.finish()?;
        findings.extend(judgement.problems.iter().map(|found| of_problem(found, &origin, &judgement)));
        let witnessed = self.witnessed(epoch, wish, newest, &keys, &judgement, findings)?;
        let report = LogReport {
            origin,
            size: judgement.size,
            root: base64(judgement.root.as_bytes()),
            signed_size: judgement.signed_size,
            witnessed_size: witnessed.size,
            witnessed_at: witnessed.at,
            keys: keys.iter().map(|key| key.verifier().to_string()).collect(),
            witnesses: witnessed.rows.clone(),
            unlisted: judgement.unlisted,
        };
        if epoch == self.known.epoch() {
            let policy = wish.trust.policy.as_ref();
            let strict = Strict {
                strict: wish.strict,
                asked: policy.is_some_and(|policy| policy.asks_for_witnesses()),
                max_age: wish.max_age,
            };
            strict.judge(&report, &witnessed, findings);
        }
        Ok(Judged { report, judgement, files: files_of(epoch, size), unsized_tiles })
    }

    /// An epoch's entries and tiles, read once from the first to the last.
    fn feed(
        &self,
        epoch: u64,
        size: u64,
        judge: &mut Judge<'_>,
        findings: &mut Vec<Finding>,
        wish: &mut VerifyWish<'_>,
    ) -> Result<(), Error> {
        let files = EpochFiles { evidence: self, epoch };
        let mut reading = Reading::of(&files);
        let whole = reading.feed(size, judge, &mut |entries, bytes| {
            if let Some(visit) = &mut wish.visit {
                entries.iter().flat_map(|examined| &examined.entry).for_each(|entry| visit(epoch, entry));
            }
            if let Some(told) = wish.told {
                told(bytes, entries.len() as u64);
            }
        })?;
        if whole {
            reading.compare_partial()?;
        }
        let name = |tile: &Tile| format!("{}/{}", log(epoch), tile.path());
        findings.extend(
            reading.wrong_tiles().iter().map(|tile| Finding::new(Code::DamagedTile, &name(tile), "")),
        );
        Ok(())
    }

    /// The checkpoint that says how large the log is.
    fn newest(
        &self,
        epoch: u64,
        keys: &[LogKey],
        findings: &mut Vec<Finding>,
    ) -> Result<Option<(Checkpoint, SignedNote)>, Error> {
        let name = format!("{}/{CHECKPOINT}", log(epoch));
        let Some(bytes) = self.checkpoint(epoch)? else {
            findings.push(Finding::new(Code::TamperedCheckpoint, &name, "missing"));
            return Ok(None);
        };
        let members = self.known.member_keys();
        // A forged line of a member refuses it as well.
        let whole = verify_by_any(&bytes, keys, &members).is_some();
        match read_checkpoint(&bytes, keys) {
            Ok(_) if !whole => {
                findings.push(Finding::new(Code::TamperedCheckpoint, &name, "signature"));
                Ok(None)
            }
            Ok((checkpoint, _)) if checkpoint.origin() != self.origin(epoch) => {
                findings.push(Finding::new(Code::TamperedCheckpoint, &name, checkpoint.origin()));
                Ok(None)
            }
            Ok(found) => Ok(Some(found)),
            Err(error) => {
                findings.push(Finding::new(Code::TamperedCheckpoint, &name, &error.code().to_string()));
                Ok(None)
            }
        }
    }

    /// Cosignatures on checkpoints that the entries agree with.
    fn witnessed(
        &self,
        epoch: u64,
        wish: &VerifyWish<'_>,
        newest: Option<(Checkpoint, SignedNote)>,
        keys: &[LogKey],
        judgement: &Judgement,
        findings: &mut Vec<Finding>,
    ) -> Result<Witnessed, Error> {
        let origin = self.origin(epoch);
        let known = wish.trust.witnesses(&self.known);
        let (older, torn) = self.framed(epoch, COSIGNED)?;
        if torn {
            findings.push(Finding::new(Code::DamagedCheckpoints, &format!("{origin} {COSIGNED}"), ""));
        }
        let mut notes: Vec<(Checkpoint, SignedNote)> = newest.into_iter().collect();
        for note in older {
            match read_checkpoint(&note, keys) {
                Ok(found) => notes.push(found),
                Err(error) => {
                    let code = error.code().to_string();
                    findings.push(Finding::new(
                        Code::TamperedCheckpoint,
                        &format!("{origin} {COSIGNED}"),
                        &code,
                    ));
                }
            }
        }
        let mut out = Witnessed::default();
        for (checkpoint, note) in &notes {
            match cosigners(note, checkpoint, &known) {
                Ok(signed) => self.take(&mut out, checkpoint, &signed, judgement, findings),
                Err(error) => {
                    let what = format!("{origin} {}", checkpoint.size());
                    findings.push(Finding::new(Code::TamperedCheckpoint, &what, &error.to_string()));
                }
            }
        }
        Ok(out.met(|keys| wish.trust.is_met_by(keys)))
    }

    fn take(
        &self,
        out: &mut Witnessed,
        checkpoint: &Checkpoint,
        signed: &[(WitnessKey, u64)],
        judgement: &Judgement,
        findings: &mut Vec<Finding>,
    ) {
        if signed.is_empty() {
            return;
        }
        let epoch = origin_epoch(&self.known.vault(), checkpoint.origin()).unwrap_or(0);
        let root = if checkpoint.size() == judgement.size {
            Ok(judgement.root)
        } else {
            crate::log::merkle::tree_root(checkpoint.size(), &self.hashes(epoch, judgement.size))
        };
        // The tiles were compared with the entries; where they do not do, that was said.
        let Ok(root) = root else { return };
        if root != checkpoint.root() {
            findings.push(Finding::new(Code::Forked, checkpoint.origin(), &checkpoint.size().to_string()));
            return;
        }
        out.take(checkpoint.size(), signed);
    }
}

/// Everything that an epoch's folder of this size may hold.
fn files_of(epoch: u64, size: u64) -> BTreeSet<String> {
    let folder = log(epoch);
    let tiles = full_bundles(0, size).chain(full_hash_tiles(0, size)).chain(partial_tiles(size));
    let names = tiles.map(|tile| tile.path());
    let own = [CHECKPOINT, CHECKPOINTS, COSIGNED].map(str::to_owned);
    names.chain(own).map(|name| format!("{folder}/{name}")).collect()
}
