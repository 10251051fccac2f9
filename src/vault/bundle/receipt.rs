//! The answer that goes back, and what the sender does with it.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::super::channel::{Channels, Fate, Outgoing};
use super::super::init::sign_text;
use super::super::report::ReceiptReport;
use super::super::session::{Session, actor};
use super::super::{Code, Error, Vault};
use super::accept::find_incoming;
use crate::access::{Action, Request};
use crate::bundle::{
    DAMAGED_LIMIT, Known, Link, RECEIPT_LIMIT, RECEIPT_LOG_KEY_PREFIX, RECEIPT_NAME, RECEIPT_POLICY_NAME,
    RECEIPT_RESUME_PREFIX, RECEIPT_ROSTER_PREFIX, Receipt, ReceiptPaper, SliceName, Verdict, Witnessed,
    is_answer,
};
use crate::id::{BundleId, MemberId, VaultId};
use crate::identity::Identity;
use crate::log::checkpoint::{Checkpoint, SignedCheckpoint};
use crate::log::cosignature::WitnessKey;
use crate::log::entry::{Event, Object, Outcome};
use crate::log::keys::verify_by_any;
use crate::note::{SignedNote, origin};
use crate::policy::{Machine, decide, standing};
use crate::store::disk::write_durably;
use crate::store::live::Live;
use crate::store::log_keys;
use crate::store::medium::Medium;
use crate::store::outbox;
use crate::store::rosters::NOTE_LIMIT;
use crate::store::staging::Staging;

/// Most notes beside a receipt.
const NOTES_LIMIT: usize = 1000;

/// What is to be answered.
pub(super) struct Answer {
    pub(super) sender: VaultId,
    pub(super) link: Link,
    pub(super) attempt: u32,
    pub(super) verdict: Verdict,
    pub(super) damaged: Vec<SliceName>,
    /// The newest version of the sender's roster that is known here.
    pub(super) knows: u64,
    pub(super) witness: Option<Checkpoint>,
}

/// A receipt that was read, and what came with it.
struct Read {
    bytes: Vec<u8>,
    rosters: Vec<(u64, Vec<u8>)>,
    policy: Option<Vec<u8>>,
    resumes: Vec<(u64, Vec<u8>)>,
    hand_overs: Vec<(u64, Vec<u8>)>,
}

impl Vault {
    /// Signs the receipt for a bundle that came in, and writes it: into a folder as `receipt`, or to a new file.
    ///
    /// # Errors
    /// [`Code::NoBundle`], [`Code::NoImportRight`], what the medium says.
    pub fn receipt_write(&self, me: &Identity, bundle: &str, to: &Path) -> Result<ReceiptReport, Error> {
        let live = self.live()?;
        let id = find_incoming(&live, bundle)?;
        let rules = live.rules(Machine::Apart);
        let _may = decide(&rules, Request::new(me.id(), Action::Import))?;
        let channels = Channels::read(&live)?;
        let incoming = channels.incoming.get(&id).ok_or_else(|| Error::new(Code::NoBundle).with("id", id))?;
        let peer = self.peer(&live, incoming.peer)?;
        let peer = peer.ok_or_else(|| Error::new(Code::NoPeer).with("id", incoming.peer))?;
        let answer = Answer {
            sender: incoming.peer,
            link: incoming.link,
            attempt: incoming.attempt,
            verdict: match incoming.fate {
                Fate::Quarantine => Verdict::Quarantine,
                Fate::Accepted => Verdict::Accepted,
                Fate::Rejected => Verdict::Rejected,
            },
            damaged: Vec::new(),
            knows: peer.known.roster().version,
            witness: channels.ledger(incoming.peer, incoming.link.series).witnessed,
        };
        // What the sender has said to know of us, no manifest is needed for: all of the chain is short.
        self.write_receipt(&live, me, &answer, 1, to)
    }

    /// Signs and writes. Rosters from `known` on go along, unless the receipt goes to a file of its own.
    pub(super) fn write_receipt(
        &self,
        live: &Live,
        me: &Identity,
        answer: &Answer,
        known: u64,
        to: &Path,
    ) -> Result<ReceiptReport, Error> {
        let receipt = self.receipt(live, me, answer)?;
        let note = sign_text(&receipt.print().ok_or(Code::Internal)?, me)?;
        let folder = to.is_dir();
        let mut files: Vec<(PathBuf, Vec<u8>)> = Vec::new();
        if folder {
            for version in known.max(1) + 1..=live.roster().roster().version {
                let bytes = self.context.disk.read(&self.context.layout.roster(version), NOTE_LIMIT)?;
                files.push((to.join(format!("{RECEIPT_ROSTER_PREFIX}{version:04}")), bytes));
            }
            if live.roster().roster().policy.is_some() {
                files.push((to.join(RECEIPT_POLICY_NAME), live.policy().print().into_bytes()));
            }
            for epoch in 2..=live.ledger().epoch() {
                let bytes = self.context.disk.read(&self.context.layout.resume_note(epoch), NOTE_LIMIT)?;
                files.push((to.join(format!("{RECEIPT_RESUME_PREFIX}{epoch:04}")), bytes));
            }
            for (number, bytes) in log_keys::hand_overs(&self.context)? {
                files.push((to.join(format!("{RECEIPT_LOG_KEY_PREFIX}{number:04}")), bytes));
            }
        }
        let path = if folder { to.join(RECEIPT_NAME) } else { to.to_owned() };
        if !folder && self.context.disk.exists(&path)? {
            return Err(Error::new(Code::Exists).with("path", path.display()));
        }
        files.push((path.clone(), note.print().into_bytes()));
        for (path, bytes) in &files {
            write_durably(&*self.context.disk, path, bytes)?;
            // The other machine knows other accounts.
            let _ = crate::store::medium::let_read(path);
        }
        Ok(report(&receipt, me.name(), Some(path.display().to_string()), note.print()))
    }

    fn receipt(&self, live: &Live, me: &Identity, answer: &Answer) -> Result<Receipt, Error> {
        let now = self.site.clock.now().time;
        let witnessed = answer.witness.as_ref();
        let witnessed = witnessed.and_then(|checkpoint| Witnessed::sign(me.signing(), checkpoint, now));
        // More than a line holds: then all of it is sent again.
        let damaged = Some(answer.damaged.clone()).filter(|names| names.len() <= DAMAGED_LIMIT);
        Ok(Receipt {
            receiver: live.roster().vault(),
            sender: answer.sender,
            link: answer.link,
            attempt: answer.attempt,
            verdict: answer.verdict,
            damaged: damaged.unwrap_or_default(),
            created: now,
            knows: answer.knows,
            roster: live.roster().roster().version,
            witnessed,
            checkpoint: live.ledger().host().record().checkpoint.clone(),
        })
    }

    /// Takes the receiver's answer: a file, or the folder on the medium that it lies in.
    ///
    /// # Errors
    /// [`Code::NotAReceipt`], [`Code::TamperedReceipt`], [`Code::NoBundle`], [`Code::BundleAnswered`]; [`Code::Forked`]
    /// when the witness signed another log than this one.
    pub fn receipt_apply(&self, me: &Identity, path: &Path) -> Result<ReceiptReport, Error> {
        let session = Session::begin(&*self.site.random)?;
        let read = read_receipt(self, path)?;
        // Read before its signature is verified, to know whose it is to be.
        let Some((note, claimed)) = claimed(&read.bytes) else {
            let error = Error::new(Code::NotAReceipt).with("path", path.display());
            return Err(self.refused(&session, me, Event::BundleReceipt, None, error));
        };
        let mut live = self.live()?;
        let object = Some(Object::bundle(claimed.link.bundle));
        match self.judge_receipt(&live, &read, &claimed) {
            Ok((known, after, signer)) => {
                let notes = notes_of(&read);
                self.peer_follow(&mut live, &session, me, (&known, &after), &notes)?;
                self.take_receipt(&mut live, me, &note, &claimed)?;
                self.keep_witness(&live, &after, signer, &claimed)?;
                let name = after.member(signer).map(|member| member.name.clone()).unwrap_or_default();
                Ok(report(&claimed, &name, None, note.print()))
            }
            Err(error) => {
                drop(live);
                Err(self.refused(&session, me, Event::BundleReceipt, object, error))
            }
        }
    }

    /// Whose it is, whether it is about what was sent, and whether the log that was witnessed is this one.
    fn judge_receipt(
        &self,
        live: &Live,
        read: &Read,
        claimed: &Receipt,
    ) -> Result<(Known, Known, MemberId), Error> {
        let tampered = |detail: &str| Error::new(Code::TamperedReceipt).with("detail", detail);
        let peer = self.peer(live, claimed.receiver)?;
        let peer = peer.ok_or_else(|| Error::new(Code::NoPeer).with("id", claimed.receiver))?;
        let known = peer.known;
        let after = known
            .after(&read.rosters, read.policy.as_deref(), &read.resumes)
            .and_then(|after| after.handed_over(&read.hand_overs))
            .map_err(|error| tampered("roster").because(error))?;
        let (receipt, signer) = Receipt::verify(&read.bytes, &after).ok_or_else(|| tampered("signature"))?;
        let member = standing(after.roster(), signer, receipt.created);
        if !member.is_ok_and(|member| member.import) {
            return Err(tampered("signer"));
        }
        if receipt.sender != live.roster().vault() {
            return Err(tampered("sender"));
        }
        let channels = Channels::read(live)?;
        let out = channels.out.get(&receipt.link.bundle);
        let out = out.ok_or_else(|| Error::new(Code::NoBundle).with("id", receipt.link.bundle))?;
        if out.peer != receipt.receiver || out.link != receipt.link || receipt.attempt > out.attempt {
            return Err(tampered("bundle"));
        }
        follows(out, &receipt)?;
        if !receipt.damaged.is_empty() {
            let plan = self.core_of(receipt.link.bundle, out.core)?.plan;
            if receipt.damaged.iter().any(|name| plan.index_of(*name).is_none()) {
                return Err(tampered("damaged"));
            }
        }
        self.judge_witness(live, &receipt)?;
        judge_checkpoint(&after, &receipt).ok_or_else(|| tampered("checkpoint"))?;
        Ok((known, after, signer))
    }

    /// The log that the receiver signed is a beginning of this one. If it is not, somebody has rewritten one of them.
    fn judge_witness(&self, live: &Live, receipt: &Receipt) -> Result<(), Error> {
        let Some(witnessed) = &receipt.witnessed else { return Ok(()) };
        let ledger = live.ledger();
        // The log of another epoch is another tree, of which nothing is said here.
        if witnessed.origin != origin(&live.roster().vault(), ledger.epoch()) {
            return Ok(());
        }
        let grown = witnessed.size <= ledger.size()
            && ledger.segments().root(witnessed.size).map_err(crate::store::StoreError::from)?
                == witnessed.root;
        if grown {
            return Ok(());
        }
        let ours = String::from_utf8_lossy(&ledger.host().record().checkpoint).into_owned();
        let theirs = Checkpoint::new(&witnessed.origin, witnessed.size, witnessed.root);
        let theirs = theirs.map(|checkpoint| checkpoint.text()).unwrap_or_default();
        Err(Error::new(Code::Forked).with("note", ours).with("note", theirs))
    }

    /// The witness's signature, for auditors.
    fn keep_witness(
        &self,
        live: &Live,
        by: &Known,
        signer: MemberId,
        receipt: &Receipt,
    ) -> Result<(), Error> {
        let own = origin(&live.roster().vault(), live.ledger().epoch());
        let signed = receipt.witnessed.as_ref().filter(|witnessed| witnessed.origin == own);
        let signed = signed.and_then(Witnessed::parts).zip(by.member(signer));
        let Some(((checkpoint, cosignature), member)) = signed else { return Ok(()) };
        match cosignature.line(&WitnessKey::of_member(member.key)) {
            Ok(line) => self.keep_cosignature(live, &checkpoint, line),
            Err(_) => Ok(()),
        }
    }

    fn take_receipt(
        &self,
        live: &mut Live,
        me: &Identity,
        note: &SignedNote,
        receipt: &Receipt,
    ) -> Result<(), Error> {
        let session = Session::begin(&*self.site.random)?;
        let grant = decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::Consent))?;
        let staging = Staging::begin(&self.context.disk, &self.context.layout, session.id(), &grant)?;
        let place = self.context.layout.receipt(note.digest());
        staging.create_new(&place)?.put(note.print().as_bytes())?;
        staging.sync()?;
        let mut draft = live.draft(Event::BundleReceipt, Outcome::Ok, session.id());
        draft.actor = actor(me, live.roster().roster());
        draft.object = Some(Object::bundle(receipt.link.bundle));
        draft.detail.peer = Some(receipt.receiver);
        draft.detail.series = Some(receipt.link.series);
        draft.detail.number = Some(receipt.link.number);
        draft.detail.attempt = Some(u64::from(receipt.attempt));
        draft.detail.code = receipt.verdict.as_str().parse().ok();
        draft.detail.note_sha256 = Some(note.digest());
        draft.detail.version = Some(receipt.knows);
        let own = origin(&live.roster().vault(), live.ledger().epoch());
        let witnessed = receipt.witnessed.as_ref().filter(|witnessed| witnessed.origin == own);
        draft.detail.size = witnessed.map(|witnessed| witnessed.size);
        draft.detail.root = witnessed.map(|witnessed| witnessed.root.0);
        self.land(live, &staging, &grant, me, (vec![draft], &[place]))?;
        if matches!(receipt.verdict, Verdict::Accepted | Verdict::Rejected) {
            outbox::remove(&self.context, receipt.link.bundle)?;
        }
        Ok(())
    }

    /// Removes what a kill left of bundles that were answered.
    pub(super) fn tidy_outbox(&self, channels: &Channels) -> Result<(), Error> {
        for (id, out) in &channels.out {
            let over = out.answer.as_ref().is_some_and(|(verdict, _)| is_final(verdict));
            if over {
                outbox::remove(&self.context, *id)?;
            }
        }
        Ok(())
    }

    /// A receipt as a page to be printed, with all of it in a QR code.
    ///
    /// # Errors
    /// [`Code::NotAReceipt`]; [`Code::TooMany`] for one that does not fit into a code.
    pub fn receipt_paper(&self, path: &Path) -> Result<(ReceiptReport, String), Error> {
        let read = read_receipt(self, path)?;
        let wrong = || Error::new(Code::NotAReceipt).with("path", path.display());
        let (note, receipt) = claimed(&read.bytes).ok_or_else(wrong)?;
        let live = self.live()?;
        let name = |id: VaultId| -> Result<String, Error> {
            if id == live.roster().vault() {
                return Ok(live.roster().roster().name.clone());
            }
            Ok(self.peer(&live, id)?.map(|peer| peer.known.roster().name.clone()).unwrap_or_default())
        };
        let known = if receipt.receiver == live.roster().vault() {
            Some(self.own_known(&live)?)
        } else {
            self.peer(&live, receipt.receiver)?.map(|peer| peer.known)
        };
        let known = known.ok_or_else(|| Error::new(Code::NoPeer).with("id", receipt.receiver))?;
        let (_, signer) = Receipt::verify(&read.bytes, &known)
            .ok_or_else(|| Error::new(Code::TamperedReceipt).with("detail", "signature"))?;
        let signed_by = known.member(signer).map(|member| member.name.clone()).unwrap_or_default();
        let paper = ReceiptPaper {
            receipt_note: note.print(),
            bundle: receipt.link.bundle,
            number: receipt.link.number,
            attempt: receipt.attempt,
            verdict: receipt.verdict.as_str().parse().map_err(|_| Code::Internal)?,
            receiver_name: name(receipt.receiver)?,
            sender_name: name(receipt.sender)?,
            created: receipt.created,
            signed_by: signed_by.clone(),
            damaged: receipt.damaged.iter().map(ToString::to_string).collect(),
        };
        let html = paper.html().ok_or_else(|| Error::new(Code::TooMany).with("size", read.bytes.len()))?;
        Ok((report(&receipt, &signed_by, None, note.print()), html))
    }
}

/// A receipt that nobody's key was asked about.
fn claimed(bytes: &[u8]) -> Option<(SignedNote, Receipt)> {
    let note = SignedNote::parse(bytes).ok()?;
    let receipt = Receipt::parse(note.text())?;
    Some((note, receipt))
}

/// Reads a receipt, and where it lies in a folder, what lies beside it.
fn read_receipt(vault: &Vault, path: &Path) -> Result<Read, Error> {
    let wrong = || Error::new(Code::NotAReceipt).with("path", path.display());
    let missing = || Error::new(Code::NoFile).with("path", path.display());
    let limit = RECEIPT_LIMIT as u64;
    if !path.is_dir() {
        let bytes = vault
            .context
            .disk
            .read(path, limit)
            .map_err(|error| if error.is_not_found() { missing() } else { wrong().because(error) })?;
        let (rosters, resumes, hand_overs) = (Vec::new(), Vec::new(), Vec::new());
        return Ok(Read { bytes, rosters, policy: None, resumes, hand_overs });
    }
    let medium = Medium::open(path)?;
    let bytes = medium.read(RECEIPT_NAME, limit)?.ok_or_else(missing)?;
    let numbered = |prefix: &str| {
        let mut notes: Vec<(u64, Vec<u8>)> = Vec::new();
        for name in medium.names() {
            let digits = name.strip_prefix(prefix).filter(|_| is_answer(&name));
            let Some(number) = digits.and_then(|digits| digits.parse().ok()) else { continue };
            if notes.len() >= NOTES_LIMIT {
                return Err(wrong());
            }
            notes.extend(medium.read(&name, NOTE_LIMIT)?.map(|bytes| (number, bytes)));
        }
        notes.sort_by_key(|(number, _)| *number);
        Ok(notes)
    };
    let policy = medium.read(RECEIPT_POLICY_NAME, NOTE_LIMIT)?;
    let (rosters, resumes) = (numbered(RECEIPT_ROSTER_PREFIX)?, numbered(RECEIPT_RESUME_PREFIX)?);
    let hand_overs = numbered(RECEIPT_LOG_KEY_PREFIX)?;
    Ok(Read { bytes, rosters, policy, resumes, hand_overs })
}

/// The notes under the names that they have in a bundle.
fn notes_of(read: &Read) -> BTreeMap<String, Vec<u8>> {
    let named = |prefix: &'static str, notes: &'_ [(u64, Vec<u8>)]| {
        notes.iter().map(|(number, note)| (format!("{prefix}{number:04}"), note.clone())).collect::<Vec<_>>()
    };
    let hand_overs = named("log-key-", &read.hand_overs);
    let notes = [named("roster-", &read.rosters), named("resume-", &read.resumes), hand_overs].concat();
    notes.into_iter().chain(read.policy.iter().map(|policy| ("policy".to_owned(), policy.clone()))).collect()
}

/// The receiver's own checkpoint is signed by its log.
fn judge_checkpoint(receiver: &Known, receipt: &Receipt) -> Option<SignedCheckpoint> {
    let origin = std::str::from_utf8(&receipt.checkpoint).ok()?.split('\n').next()?;
    verify_by_any(&receipt.checkpoint, &receiver.log_keys(origin), &receiver.member_keys())
}

fn is_final(verdict: &str) -> bool {
    verdict == Verdict::Accepted.as_str() || verdict == Verdict::Rejected.as_str()
}

/// An answer that was given stands; only a later one about what waits, or about what was sent again, comes after it.
fn follows(out: &Outgoing, receipt: &Receipt) -> Result<(), Error> {
    let answered = |state: &str| {
        Err(Error::new(Code::BundleAnswered).with("id", receipt.link.bundle).with("state", state))
    };
    let Some((before, _)) = &out.answer else { return Ok(()) };
    let now = receipt.verdict.as_str();
    if is_final(before) || before == now && now != Verdict::Damaged.as_str() {
        return answered(before);
    }
    // Damage of an attempt that was sent again since.
    if receipt.verdict == Verdict::Damaged && receipt.attempt < out.attempt {
        return answered(before);
    }
    if before == Verdict::Quarantine.as_str() && receipt.verdict == Verdict::Damaged {
        return answered(before);
    }
    Ok(())
}

fn report(receipt: &Receipt, signed_by: &str, path: Option<String>, note: String) -> ReceiptReport {
    let bundle: BundleId = receipt.link.bundle;
    ReceiptReport {
        bundle,
        verdict: receipt.verdict.to_string(),
        number: receipt.link.number,
        attempt: receipt.attempt,
        damaged: receipt.damaged.iter().map(ToString::to_string).collect(),
        signed_by: signed_by.to_owned(),
        witnessed_size: receipt.witnessed.as_ref().map(|witnessed| witnessed.size),
        path,
        note,
    }
}
