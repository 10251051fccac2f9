//! A bundle comes in: one line of steps that cannot be passed by.
//!
//! Judged with public keys, copied into staging, mended there, recorded, and only then decrypted: the archive around the
//! documents, and not the documents. What was whole and as it was signed waits in quarantine; everything else leaves
//! nothing but an entry.

use std::path::{Path, PathBuf};

use super::super::channel::Channels;
use super::super::parallel::threads_for;
use super::super::peer::Admitted;
use super::super::report::{ImportReport, ImportedRow};
use super::super::session::{Session, actor};
use super::super::{Code, Error, Vault, keys};
use super::look::{MediaSlices, Seen, refused};
use super::receipt::Answer;
use super::unpack::{Body, Staged};
use super::verify::{damaged_names, names_of, newest, others, read_media};
use crate::access::{Action, Grant, Request};
use crate::agefile::Identity as Key;
use crate::answer::{Progress, Stage};
use crate::bundle::{
    Bad, Inner, Judged, Known, Manifest, Refusal, Shards, SliceName, Verdict, is_mendable, judge, mend,
    sender_rules,
};
use crate::crypto::Digest;
use crate::id::{BundleId, Code as Digits};
use crate::identity::Identity;
use crate::log::entry::{Draft, Event, Object, Outcome, Phase};
use crate::policy::decide;
use crate::roster::Purpose;
use crate::store::live::Live;
use crate::store::quarantine::{self, QuarantineFile};
use crate::store::staging::Staging;

/// What to import.
#[derive(Debug, Clone, Default)]
pub struct ImportRequest {
    /// The bundle's folders, one for each medium.
    pub paths: Vec<PathBuf>,
    /// The code on the slip, where somebody has typed it in.
    pub code: Option<Digits>,
    /// Let it in at once, where the policy allows it.
    pub accept: bool,
}

/// A bundle that was judged, and what it takes to go on.
struct Coming {
    seen: Vec<Seen>,
    manifest: Manifest,
    judged: Judged,
    peer: Admitted,
}

impl Vault {
    /// Imports a bundle into quarantine, and lets it in at once if that is asked for.
    ///
    /// # Errors
    /// [`Code::NoImportRight`], [`Code::Connected`], the `bundle.` ones, [`Code::BundleDamaged`],
    /// [`Code::CodeDiffers`]; those of [`import_accept`](Self::import_accept), after which it waits in quarantine.
    pub fn import(
        &self,
        me: &Identity,
        wish: &ImportRequest,
        progress: &dyn Progress,
    ) -> Result<ImportReport, Error> {
        let session = Session::begin(&*self.site.random)?;
        let seen = match read_media(&wish.paths) {
            Ok(seen) => seen,
            // A folder that is no bundle is somebody's mistake or somebody's work.
            Err(error) if error.code().as_str().starts_with("bundle.") => {
                return Err(self.refused(&session, me, Event::BundleImport, None, error));
            }
            Err(error) => return Err(error),
        };
        let claimed = newest(&seen)?.manifest.core.link.bundle;
        let object = Some(Object::bundle(claimed));
        let mut live = self.live()?;
        self.tidy_quarantine(&live)?;
        let rules = live.rules(self.machine(&live));
        let grant = match decide(&rules, Request::new(me.id(), Action::Import)) {
            Ok(grant) => grant,
            Err(denial) => {
                let error = self.told(denial);
                drop(live);
                return Err(self.refused(&session, me, Event::BundleImport, object, error));
            }
        };
        let coming = match self.judge_media(&live, seen, wish.code) {
            Ok(coming) => coming,
            Err(error) => {
                drop(live);
                return Err(self.refused(&session, me, Event::BundleImport, object, error));
            }
        };
        let (before, after) = (&coming.peer.known, coming.judged.sender.as_ref().ok_or(Code::Internal)?);
        self.peer_follow(&mut live, &session, me, (before, after), &primary(&coming)?.files)?;
        let staging = Staging::begin(&self.context.disk, &self.context.layout, session.id(), &grant)?;
        drop(live);
        let repaired = match self.bring_in(&staging, &coming, progress) {
            Ok(repaired) => repaired,
            Err((error, bad)) => {
                if let Some(bad) = bad {
                    self.answer_damage(me, &coming, &bad)?;
                }
                return Err(self.refused(&session, me, Event::BundleImport, object, error));
            }
        };
        let inner = self.take_in(me, &session, (&staging, &grant), &coming, progress)?;
        let mut report = report(&coming, &inner, repaired);
        let accepted =
            wish.accept.then(|| self.import_accept(me, &claimed.to_string(), None, progress)).transpose();
        // Whether it can be written or not changes nothing about what came in; and what waits is answered as well.
        report.receipt = self.leave_receipt(me, claimed, primary(&coming)?.medium.path());
        if let Some(accepted) = accepted? {
            (report.state, report.documents) = (accepted.state, accepted.documents);
        }
        Ok(report)
    }

    /// Everything that is judged before a volume is read.
    fn judge_media(&self, live: &Live, seen: Vec<Seen>, code: Option<Digits>) -> Result<Coming, Error> {
        let primary = newest(&seen)?;
        let manifest = primary.manifest.clone();
        let core = &manifest.core;
        let unknown = || refused(&Refusal::UnknownSender(core.sender));
        let own = live.roster().vault();
        if core.sender == own || core.receiver != own {
            return Err(refused(&Refusal::WrongReceiver(core.receiver)));
        }
        let peer = self.peer(live, core.sender)?.ok_or_else(unknown)?;
        let receiver = self.receiver(live, &peer)?;
        let mut judged = judge(&manifest, &primary.evidence(), Some(&peer.known), Some(&receiver));
        if let Some(refusal) = judged.refusal() {
            return Err(refused(refusal));
        }
        others(&seen, judged.sender.as_ref())?;
        if code.is_some() && seen.iter().all(|one| one.manifest.code() != code) {
            return Err(Code::CodeDiffers.into());
        }
        let channels = Channels::read(live)?;
        // An id that another vault's bundle has.
        if channels.incoming.contains_key(&core.link.bundle) {
            return Err(refused(&Refusal::Forked(core.link.number)));
        }
        judged.checks.clear();
        Ok(Coming { seen, manifest, judged, peer })
    }

    /// Copies volumes and parity into staging, once, and mends there what is damaged. Gives the number of mended blocks; after
    /// damage that cannot be mended, what is bad.
    fn bring_in(
        &self,
        staging: &Staging,
        coming: &Coming,
        progress: &dyn Progress,
    ) -> Result<u64, (Error, Option<Bad>)> {
        let plan = coming.manifest.core.plan;
        let bundle = coming.manifest.core.link.bundle;
        let plain = |error: Error| (error, None);
        let shards = primary(coming).map_err(plain)?.files.get("shards");
        let shards = shards.and_then(|bytes| Shards::parse(bytes, &plan));
        let shards = shards.ok_or_else(|| plain(refused(&Refusal::File("shards".to_owned()))))?;
        let media = MediaSlices::open(&coming.seen).map_err(plain)?;
        let (staged, bad) =
            Staged::copy(self, staging, (bundle, &shards), &media, progress).map_err(plain)?;
        if bad.is_empty() {
            return Ok(0);
        }
        if !is_mendable(&plan, &bad) {
            let here = |slice: &u32| coming.seen.iter().any(|one| one.manifest.slices.contains(slice + 1));
            let elsewhere: Vec<u32> = media.absent().into_iter().filter(|slice| !here(slice)).collect();
            if !elsewhere.is_empty() {
                let names = names_of(&plan, &elsewhere);
                return Err(plain(Error::new(Code::BundleIncomplete).with("name", names)));
            }
            let names = damaged_names(&bad).join(", ");
            let error = Error::new(Code::BundleDamaged).with("name", names).with("state", "lost");
            return Err((error, Some(bad)));
        }
        let told = |bytes: u64| progress.advance(bytes, 0);
        let threads = threads_for(plan.body_len());
        progress.begin(Stage::Mending, None, None);
        let mut writer = staged.writer().map_err(plain)?;
        let mut sink = |slice: u32, offset: u64, bytes: &[u8]| writer.put(slice, offset, bytes);
        let mended = mend(&plan, &staged, &shards, &bad, threads, &mut sink, &told).map_err(|error| {
            plain(Error::new(Code::BundleDamaged).with("state", "lost").with("name", "").because(error))
        })?;
        progress.end();
        Ok(mended)
    }

    /// Decrypts the archive, compares it with what was approved, and puts it into quarantine: all of it or nothing.
    fn take_in(
        &self,
        me: &Identity,
        session: &Session,
        (staging, grant): (&Staging, &Grant),
        coming: &Coming,
        progress: &dyn Progress,
    ) -> Result<Inner, Error> {
        let mut live = self.live()?;
        self.still_next(&live, coming)?;
        // Nothing is decrypted here that could not have been when the work was begun.
        let rules = live.rules(self.machine(&live));
        let again =
            decide(&rules, Request::new(me.id(), Action::Import)).map_err(|denial| self.told(denial))?;
        let transfer = keys::every(&self.site, &self.context, live.roster().roster(), me, Purpose::Transfer)
            .map_err(|error| keys::awaited(&live, me, Purpose::Transfer, error))?;
        let mut draft = self.import_draft(&live, session, me, coming);
        draft.phase = Phase::Intent;
        let (recorded, entries) = live.record(&again, vec![draft], Some(me.signing()))?;
        live.follow(&entries, &std::collections::HashMap::new())?;
        drop(live);
        let unpacked = self.unpack(staging, coming, &transfer, progress);
        let mut live = self.live()?;
        let unpacked = unpacked.and_then(|found| {
            self.still_next(&live, coming)?;
            Ok(found)
        });
        let mut end = self.import_draft(&live, session, me, coming);
        // An epoch that began meanwhile has numbers of its own.
        if live.ledger().epoch() != recorded.epoch() {
            return Err(Error::new(Code::Busy).with("holder", "host resume"));
        }
        (end.phase, end.closes) = (Phase::Done, Some(recorded.first()));
        match unpacked {
            Ok((inner, places)) => {
                end.detail.count = Some(inner.documents.len() as u64);
                let witness = coming.judged.witness.as_ref();
                end.detail.size = witness.map(crate::log::checkpoint::Checkpoint::size);
                end.detail.root = witness.map(|witness| witness.root().0);
                end.detail.version = witness.and_then(|witness| {
                    crate::note::origin_epoch(&coming.manifest.core.sender, witness.origin())
                });
                self.land(&mut live, staging, grant, me, (vec![end], &places))?;
                Ok(inner)
            }
            Err(error) => {
                end.outcome = Outcome::Failed;
                end.reason = error.code().as_str().parse().ok();
                live.record_end(vec![end], Some(me.signing()))?;
                Err(error)
            }
        }
    }

    /// Nobody else has imported this bundle, or another one in its place, meanwhile.
    fn still_next(&self, live: &Live, coming: &Coming) -> Result<(), Error> {
        let core = &coming.manifest.core;
        let unknown = || refused(&Refusal::UnknownSender(core.sender));
        let peer = self.peer(live, core.sender)?.ok_or_else(unknown)?;
        let receiver = self.receiver(live, &peer)?;
        let evidence = primary(coming)?.evidence();
        match judge(&coming.manifest, &evidence, Some(&peer.known), Some(&receiver)).refusal() {
            Some(refusal) => Err(refused(refusal)),
            None => Ok(()),
        }
    }

    fn unpack(
        &self,
        staging: &Staging,
        coming: &Coming,
        transfer: &[Key],
        progress: &dyn Progress,
    ) -> Result<(Inner, Vec<PathBuf>), Error> {
        let core = &coming.manifest.core;
        let wanted = |key: &&Key| Digest::of(key.to_recipient().to_string().as_bytes()) == core.receiver_key;
        let key = transfer.iter().find(wanted).ok_or(Code::BundleWrongKey)?;
        progress.begin(Stage::Unpacking, Some(core.plan.body_len()), None);
        let body = Body::open(self, staging, core.link.bundle, core.plan)?;
        let (inner, headers) = self.unpack_archive(staging, core, key, body, progress)?;
        progress.end();
        self.check_unpacked(staging, core.link.bundle, (&inner, &headers), transfer)?;
        self.approved(coming, &inner)?;
        let place = |file| quarantine::place(&self.context, core.link.bundle, file);
        let note = primary(coming)?.note.print();
        staging.create_new(&place(QuarantineFile::Manifest))?.put(note.as_bytes())?;
        staging.create_new(&place(QuarantineFile::Inner))?.put(&inner.print())?;
        staging.create_new(&place(QuarantineFile::Headers))?.put(&headers)?;
        super::unpack::discard_slices(self, staging, core.link.bundle, core.plan)?;
        staging.sync()?;
        let mut places = vec![
            place(QuarantineFile::Manifest),
            place(QuarantineFile::Inner),
            place(QuarantineFile::Headers),
        ];
        places.extend(inner.documents.iter().map(|one| place(QuarantineFile::Document(one.id))));
        Ok((inner, places))
    }

    /// The sender's own policy allowed this, with the consents that came along, for the classes that came out.
    fn approved(&self, coming: &Coming, inner: &Inner) -> Result<(), Error> {
        let sender: &Known = coming.judged.sender.as_ref().ok_or(Code::Internal)?;
        let signer = coming.judged.signer.ok_or(Code::Internal)?;
        let core = &coming.manifest.core;
        let rules = sender_rules(sender, core.created);
        for document in &inner.documents {
            let action = Action::Export(document.class, core.to);
            let consents = &coming.judged.consents;
            let wish = Request { reason: true, consents, ..Request::new(signer, action) };
            if let Err(denial) = decide(&rules, wish) {
                let denied = Error::from(denial);
                let error = Error::new(Code::BundleApprovals).with("state", denied.code());
                return Err(denied
                    .facts()
                    .iter()
                    .fold(error, |error, (name, value)| error.with(name, value)));
            }
        }
        Ok(())
    }

    fn import_draft(&self, live: &Live, session: &Session, me: &Identity, coming: &Coming) -> Draft {
        let core = &coming.manifest.core;
        let mut draft = live.draft(Event::BundleImport, Outcome::Ok, session.id());
        draft.actor = actor(me, live.roster().roster());
        draft.object = Some(Object::bundle(core.link.bundle));
        draft.detail.peer = Some(core.sender);
        draft.detail.series = Some(core.link.series);
        draft.detail.number = Some(core.link.number);
        draft.detail.inner_sha256 = Some(core.link.inner);
        draft.detail.attempt = Some(u64::from(coming.manifest.attempt.number));
        draft.detail.note_sha256 = primary(coming).ok().map(|seen| seen.note.digest());
        draft
    }

    /// Answers that a bundle is genuine and too damaged, on the medium itself.
    fn answer_damage(&self, me: &Identity, coming: &Coming, bad: &Bad) -> Result<(), Error> {
        let core = &coming.manifest.core;
        let names: Vec<SliceName> = damaged_names(bad).iter().filter_map(|name| name.parse().ok()).collect();
        let answer = Answer {
            sender: core.sender,
            link: core.link,
            attempt: coming.manifest.attempt.number,
            verdict: Verdict::Damaged,
            damaged: names,
            knows: coming.judged.sender.as_ref().map_or(0, |sender| sender.roster().version),
            // A witness signs what its own log remembers, and this bundle never came in.
            witness: None,
        };
        let live = self.live()?;
        let known = coming.manifest.attempt.knows;
        // A medium that takes no file is told about by the refusal itself.
        let _ = self.write_receipt(&live, me, &answer, known, primary(coming)?.medium.path());
        Ok(())
    }

    /// The receipt for a bundle, on its medium if that takes one.
    fn leave_receipt(&self, me: &Identity, bundle: BundleId, medium: &Path) -> Option<String> {
        let report = self.receipt_write(me, &bundle.to_string(), medium).ok()?;
        report.path
    }
}

fn primary(coming: &Coming) -> Result<&Seen, Error> {
    newest(&coming.seen)
}

fn report(coming: &Coming, inner: &Inner, repaired: u64) -> ImportReport {
    let core = &coming.manifest.core;
    let row = |document: &crate::bundle::InnerDocument| ImportedRow {
        id: document.id,
        class: document.class,
        payload_sha256: document.payload_sha256,
        size: document.size,
        scan: None,
    };
    ImportReport {
        bundle: core.link.bundle,
        state: "quarantine".to_owned(),
        documents: inner.documents.iter().map(row).collect(),
        repaired_shards: repaired,
        sender: core.sender,
        sender_name: coming.peer.known.roster().name.clone(),
        number: core.link.number,
        attempt: coming.manifest.attempt.number,
        code: coming.manifest.code().map(|code| code.to_string()),
        receipt: None,
    }
}
