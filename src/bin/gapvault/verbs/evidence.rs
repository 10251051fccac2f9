//! `audit export`, `prove`, `cosign` and the like: what auditors and witnesses carry from machine to machine.

use std::path::PathBuf;
use std::str::FromStr;

use clap::ArgMatches;
use gapvault::answer::{Progress, Stage};
use gapvault::audit::{Answer, POLICY_LIMIT, People, Question, Quorum};
use gapvault::bundle::CheckpointPaper;
use gapvault::evidence::proofs::{self, CompareReport, LogSource, ProofReport, Which};
use gapvault::evidence::{
    AuditVerify, AuditVerifyReport, CheckpointReport, Evidence, Trust, VerifyWish, read_checkpoint, witness,
};
use gapvault::fault::{Code, Error};
use gapvault::id::VaultId;
use gapvault::log::checkpoint::MAX_CHECKPOINT_LEN;
use gapvault::log::cosignature::WitnessKey;
use gapvault::log::entry::{Entry, MAX_ENTRY_LEN};
use gapvault::log::keys::LogKey;
use gapvault::log::proof::{EntryProof, MAX_PROOF_LEN};
use gapvault::note::VerifierKey;
use gapvault::roster::InForce;
use gapvault::words::screen;

use super::{needed_path, word};
use crate::desk::Desk;
use crate::files;

/// Seconds of a day.
const DAY: u64 = 86_400;

/// The log of a vault at hand.
pub(crate) trait OwnLog {
    /// Judges it; every entry that can be read is given to `visit` with its epoch. The chain says who is who in them.
    fn read(
        &self,
        wish: &AuditVerify,
        progress: &dyn Progress,
        visit: &mut dyn FnMut(u64, &Entry),
    ) -> Result<(AuditVerifyReport, Vec<InForce>), Error>;
    /// Every roster of its vault, from the first on.
    fn chain(&self) -> Result<Vec<InForce>, Error>;
    /// The log of one of its epochs.
    fn epoch(&self, which: Which<'_>) -> Result<Box<dyn LogSource>, Error>;
    /// The vault, and everybody who ever was a member.
    fn people(&self) -> Result<(VaultId, People), Error>;
    /// Answers a question from an index.
    fn ask(&self, question: &Question) -> Result<Answer, Error>;
    /// A request to a witness.
    fn request(
        &self,
        which: Which<'_>,
        witness: Option<&WitnessKey>,
        old: Option<u64>,
    ) -> Result<Vec<u8>, Error>;
}

/// A log read whole: what it was judged to be, and who is who in it.
pub(super) struct ReadLog {
    pub(super) judged: AuditVerifyReport,
    /// The chain of rosters.
    pub(super) chain: Vec<InForce>,
}

/// `audit verify` of evidence, or of the vault with what is known from elsewhere.
pub(super) fn verify(desk: &Desk, matches: &ArgMatches) -> Result<AuditVerifyReport, Error> {
    Ok(read(desk, matches, &mut |_, _| ())?.judged)
}

/// The same; every entry that can be read is given to `visit` with its epoch.
pub(super) fn read(
    desk: &Desk,
    matches: &ArgMatches,
    visit: &mut dyn FnMut(u64, &Entry),
) -> Result<ReadLog, Error> {
    let against = paths(matches, "against");
    let against: Vec<Vec<u8>> =
        against.iter().map(|path| files::small(path, MAX_CHECKPOINT_LEN as u64)).collect::<Result<_, _>>()?;
    let (strict, since) = (matches.get_flag("strict"), matches.get_one::<u64>("since").copied());
    let max_age = matches.get_one::<u64>("max-age").map(|days| days.saturating_mul(DAY));
    if since.is_some() && against.is_empty() {
        return Err(Error::new(Code::Usage).with("detail", "--since SIZE --against CHECKPOINT"));
    }
    let Some(folder) = evidence_path(matches) else {
        let (policy, since) = (policy(matches)?, since.unwrap_or(0));
        // Only `audit verify` has it, and only where there is a vault.
        let documents = matches.try_get_one::<bool>("documents").ok().flatten().is_some_and(|wanted| *wanted);
        let wish = AuditVerify { against, policy, since, strict, max_age, documents };
        let (judged, chain) = desk.own()?.read(&wish, &*desk.progress(), visit)?;
        return Ok(ReadLog { judged, chain });
    };
    let progress = desk.progress();
    let told = |bytes: u64, entries: u64| progress.advance(bytes, entries);
    let now = u64::try_from(desk.now().unix_ms() / 1000).unwrap_or(0);
    let mut wish = VerifyWish {
        trust: trust(matches)?,
        against,
        since: since.unwrap_or(0),
        strict,
        max_age: max_age.map(|most| (most, now)),
        told: Some(&told),
        visit: Some(visit),
    };
    let evidence = Evidence::open(&folder)?;
    progress.begin(Stage::Verifying, None, None);
    let judged = evidence.verify(&mut wish);
    progress.end();
    Ok(ReadLog { judged: judged?, chain: evidence.known().chain().to_vec() })
}

pub(super) fn evidence_path(matches: &ArgMatches) -> Option<PathBuf> {
    matches.get_one::<PathBuf>("evidence").cloned()
}

/// Every roster of the evidence, or of the vault: who is who in its log.
pub(super) fn chain(desk: &Desk, matches: &ArgMatches) -> Result<Vec<InForce>, Error> {
    match evidence_path(matches) {
        Some(folder) => Ok(Evidence::open(&folder)?.known().chain().to_vec()),
        None => desk.own()?.chain(),
    }
}

fn paths(matches: &ArgMatches, name: &str) -> Vec<PathBuf> {
    matches.get_many::<PathBuf>(name).into_iter().flatten().cloned().collect()
}

/// Keys that were given as text.
pub(super) fn keys<T: FromStr>(matches: &ArgMatches, name: &str) -> Result<Vec<T>, Error> {
    let texts = matches.get_many::<String>(name).into_iter().flatten();
    let parse = |key: &String| key.parse().map_err(|_| Error::new(Code::NotAVerifierKey).with("name", key));
    texts.map(parse).collect()
}

/// What is trusted: the policy's logs and witnesses, and logs that were named.
fn policy(matches: &ArgMatches) -> Result<Option<Quorum>, Error> {
    let logs: Vec<VerifierKey> = keys(matches, "log")?;
    let file = matches.get_one::<PathBuf>("policy");
    let read = |path: &PathBuf| {
        let bytes = files::small(path, POLICY_LIMIT as u64)?;
        let wrong =
            |error| Error::new(Code::NotAWitnessPolicy).with("path", path.display()).with("detail", error);
        Quorum::parse(&bytes).map_err(wrong)
    };
    match file.map(read).transpose()? {
        Some(policy) => Ok(Some(policy.with_logs(logs))),
        None => Ok((!logs.is_empty()).then(|| Quorum::of_logs(logs))),
    }
}

fn trust(matches: &ArgMatches) -> Result<Trust, Error> {
    Ok(Trust { vault: word(matches, "trust")?, policy: policy(matches)? })
}

/// The keys that a log is trusted by: those named, or those of the vault at hand.
fn log_keys(desk: &Desk, matches: &ArgMatches, which: Which<'_>) -> Result<Vec<LogKey>, Error> {
    told_logs(matches)?.map_or_else(|| Ok(desk.own()?.epoch(which)?.keys()), Ok)
}

/// The keys of logs that were named, if any were.
fn told_logs(matches: &ArgMatches) -> Result<Option<Vec<LogKey>>, Error> {
    let keys: Vec<LogKey> = match policy(matches)? {
        Some(policy) => policy.logs().iter().cloned().map(LogKey::from).collect(),
        None => Vec::new(),
    };
    Ok((!keys.is_empty()).then_some(keys))
}

/// The epoch that was named.
pub(super) fn epoch(matches: &ArgMatches) -> Which<'static> {
    matches.get_one::<u64>("epoch").map_or(Which::Newest, |epoch| Which::Epoch(*epoch))
}

/// Does something with one of the logs of the evidence that was named, or of the vault.
pub(super) fn with_log<T>(
    desk: &Desk,
    matches: &ArgMatches,
    which: Which<'_>,
    work: impl FnOnce(&dyn LogSource) -> Result<T, Error>,
) -> Result<T, Error> {
    let Some(folder) = evidence_path(matches) else { return work(&*desk.own()?.epoch(which)?) };
    let evidence = Evidence::open(&folder)?;
    let trust = trust(matches)?;
    let epoch = which.epoch(&evidence.known().vault(), evidence.known().epoch())?;
    let origin = evidence.origin(epoch);
    if !trust.is_enough_for(evidence.known(), &origin) {
        return Err(Error::new(Code::UnverifiableLog).with("name", origin));
    }
    let keys = trust.log_keys(evidence.known(), &origin);
    work(&evidence.log(epoch, keys))
}

/// Writes a file that was asked for, and gives its name.
fn kept(matches: &ArgMatches, bytes: &[u8]) -> Result<Option<String>, Error> {
    let Some(path) = matches.get_one::<PathBuf>("output") else { return Ok(None) };
    files::new(path, bytes)?;
    Ok(Some(path.display().to_string()))
}

fn written(desk: &Desk, path: Option<&String>, text: &str) -> Vec<String> {
    match path {
        Some(path) => vec![desk.text("say-evidence-written", &[("path", path.clone())])],
        None => text.lines().map(screen::escape).collect(),
    }
}

pub(super) fn checkpoint(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let newest = |log: &dyn LogSource| CheckpointReport::of(&log.checkpoint()?, &log.keys());
    let mut report = with_log(desk, matches, epoch(matches), newest)?;
    report.path = kept(matches, report.note.as_bytes())?;
    if let Some(path) = matches.get_one::<PathBuf>("paper") {
        let paper = CheckpointPaper {
            note: report.note.clone(),
            origin: report.origin.clone(),
            size: report.size,
            root: report.root.clone(),
            keys: report.keys.clone(),
            created: desk.now(),
        };
        // With more cosignatures than a code holds there is no page.
        let page = paper.html().ok_or_else(|| Error::new(Code::Text).with("name", path.display()))?;
        files::new(path, page.as_bytes())?;
        report.paper = Some(path.display().to_string());
    }
    desk.answer(&report, |desk| {
        let mut lines = written(desk, report.path.as_ref(), &report.note);
        let paper = report.paper.iter();
        lines.extend(paper.map(|path| desk.text("say-evidence-written", &[("path", path.clone())])));
        lines
    })?;
    Ok(0)
}

pub(super) fn prove(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let seq = matches.get_one::<u64>("seq").copied().ok_or(Code::Usage)?;
    let mut report = with_log(desk, matches, epoch(matches), |log| {
        // What is handed out was checked as whoever gets it will.
        proofs::check_proof(&proofs::prove(log, seq)?.print(), None, &log.keys(), None)
    })?;
    report.path = kept(matches, report.proof.as_bytes())?;
    desk.answer(&report, |desk| written(desk, report.path.as_ref(), &report.proof))?;
    Ok(0)
}

pub(super) fn check_proof(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let bytes = files::small(&needed_path(matches, "file")?, MAX_PROOF_LEN as u64)?;
    let entry = matches.get_one::<PathBuf>("entry");
    let entry = entry.map(|path| files::small(path, MAX_ENTRY_LEN as u64)).transpose()?;
    let under = EntryProof::parse(&bytes).map(|proof| proof.checkpoint).unwrap_or_default();
    let keys = log_keys(desk, matches, Which::OfCheckpoint(&under))?;
    let report = proofs::check_proof(&bytes, entry.as_deref(), &keys, policy(matches)?.as_ref())?;
    desk.answer(&report, |desk| proven(desk, &report))?;
    Ok(0)
}

fn proven(desk: &Desk, report: &ProofReport) -> Vec<String> {
    let facts = [
        ("name", report.origin.clone()),
        ("seq", report.index.to_string()),
        ("size", report.size.to_string()),
    ];
    let mut lines = vec![desk.text("say-proof-holds", &facts)];
    lines.push(format!("  {}", screen::escape(&report.entry.to_string())));
    lines.extend(report.witnesses.iter().map(|name| desk.text("say-witness", &[("name", name.clone())])));
    lines
}

pub(super) fn consistency(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let older = files::small(&needed_path(matches, "file")?, MAX_CHECKPOINT_LEN as u64)?;
    let which = Which::OfCheckpoint(&older);
    let report = with_log(desk, matches, which, |log| proofs::consistency(log, &older))?;
    compared(desk, &report)
}

pub(super) fn compare(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let read = |name| files::small(&needed_path(matches, name)?, MAX_CHECKPOINT_LEN as u64);
    let (one, other) = (read("first")?, read("second")?);
    let judge = |keys: &[LogKey], log: Option<&dyn LogSource>| {
        proofs::compare(&read_checkpoint(&one, keys)?, &read_checkpoint(&other, keys)?, log)
    };
    let which = Which::OfCheckpoint(&one);
    let report = match told_logs(matches)? {
        // Whoever names keys only has two files and no log.
        Some(keys) if evidence_path(matches).is_none() => judge(&keys, None)?,
        _ => with_log(desk, matches, which, |log| judge(&log.keys(), Some(log)))?,
    };
    compared(desk, &report)
}

fn compared(desk: &Desk, report: &CompareReport) -> Result<u8, Error> {
    desk.answer(report, |desk| {
        let facts = [
            ("name", report.origin.clone()),
            ("old", report.old_size.to_string()),
            ("new", report.new_size.to_string()),
        ];
        let mut lines = vec![desk.text(&format!("say-compared-{}", report.verdict), &facts)];
        lines.extend(report.proof.iter().map(|hash| format!("  {hash}")));
        for note in &report.notes {
            lines.push(desk.text("say-note", &[]));
            lines.extend(note.lines().map(|line| format!("  {}", screen::escape(line))));
        }
        lines
    })?;
    Ok(if report.verdict == "forked" { Code::Forked.exit() } else { 0 })
}

pub(super) fn request_cosign(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let old = matches.get_one::<u64>("old").copied();
    let named: Vec<WitnessKey> = keys(matches, "witness")?;
    let which = epoch(matches);
    let request = match evidence_path(matches) {
        Some(_) => with_log(desk, matches, which, |log| witness::request(log, old.unwrap_or(0)))?.print(),
        None => desk.own()?.request(which, named.first(), old)?,
    };
    let path = kept(matches, &request)?.ok_or(Code::Usage)?;
    desk.say("say-evidence-written", &[("path", path)]);
    Ok(0)
}

pub(super) fn cosign(desk: &Desk, matches: &ArgMatches) -> Result<u8, Error> {
    let request = files::small(&needed_path(matches, "file")?, gapvault::bundle::WITNESS_LIMIT as u64)?;
    let told: Vec<VerifierKey> = policy(matches)?.map(|policy| policy.logs().to_vec()).unwrap_or_default();
    let me = desk.me()?;
    let memory = desk.state()?.join("witness");
    let evidence = evidence_path(matches).map(|folder| Evidence::open(&folder)).transpose()?;
    let known = evidence.as_ref().map(Evidence::known);
    let mut report = witness::cosign(&memory, &request, &told, known, me.signing(), desk.now())?;
    report.path = kept(matches, report.note.as_bytes())?;
    desk.answer(&report, |desk| {
        let facts = [
            ("name", report.origin.clone()),
            ("old", report.old_size.to_string()),
            ("new", report.size.to_string()),
        ];
        let mut lines = vec![desk.text("say-cosigned", &facts)];
        lines.extend(written(desk, report.path.as_ref(), &report.note));
        lines.push(desk.text("say-witness-key", &[("name", report.witness.clone())]));
        lines
    })?;
    Ok(0)
}
