//! One medium is written: notes and volumes, read back and compared, then the slip, and the manifest last.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::super::channel::Channels;
use super::super::init::sign_text;
use super::super::report::BundleWriteReport;
use super::super::session::Session;
use super::super::{Code, Error, Vault, parallel};
use super::outbox::Slices;
use super::target::{Target, Which};
use super::write::{Sending, draft, intent};
use crate::access::{Action, Grant, Recorded, Request};
use crate::answer::{Progress, Stage};
use crate::bundle::{
    Attempt, FileLine, Head, MANIFEST_NAME, Manifest, Ranges, SLIP_NAMES, Slip, SlipDevice, WitnessRequest,
};
use crate::crypto::Digest;
use crate::id::VaultId;
use crate::identity::Identity;
use crate::log::entry::{Event, Outcome, Phase};
use crate::log::merkle::consistency_proof;
use crate::note::SignedNote;
use crate::policy::decide;
use crate::store::live::Live;
use crate::store::log_keys;
use crate::store::medium::{Device, device_of};
use crate::store::outbox::{self, OutboxFile};
use crate::store::requests::{self, RequestFile};
use crate::store::rosters::NOTE_LIMIT;

/// Longest file of block digests.
const SHARDS_LIMIT: u64 = 64 << 20;
/// From here on more than one thread writes and compares.
const LARGE: u64 = 64 << 20;

/// The files beside the volumes, by name.
type Notes = BTreeMap<String, Vec<u8>>;

impl Vault {
    /// Writes as many volumes as the medium takes.
    pub(super) fn write_medium(
        &self,
        me: &Identity,
        session: &Session,
        sending: Sending,
        to: &Path,
        progress: &dyn Progress,
    ) -> Result<BundleWriteReport, Error> {
        let place = Some((sending.attempt, sending.medium));
        let target = Target::look(self, to, Which { bundle: sending.export.bundle, place })?;
        let plan = sending.core.plan;
        let count = target.room_for(&plan, &sending.slices, sending.together)?;
        let (here, rest) = sending.slices.split_at_checked(count).unwrap_or((&sending.slices, &[]));
        let notes = {
            let mut live = self.live()?;
            let notes = self.notes_for(&live, &sending)?;
            self.begin_medium(&mut live, me, session, &sending)?;
            notes
        };
        let written = self.fill(me, &sending, (&target, here), &notes, progress);
        let mut live = self.live()?;
        let opened = self.open_intent(&live, &sending)?;
        let mut end = draft(&live, session, me, &sending);
        (end.phase, end.closes) = (Phase::Done, opened);
        match written {
            Ok((manifest, code, device)) => {
                end.detail.note_sha256 = Some(manifest);
                end.detail.tool = tool(&device);
                end.detail.count = Some(here.len() as u64);
                end.detail.to = rest.is_empty().then(|| u64::from(plan.slices()));
                end.detail.to = end.detail.to.or(rest.first().map(|next| u64::from(*next)));
                let state = if rest.is_empty() { "all-media" } else { "more-media" };
                end.detail.code = state.parse().ok();
                live.record_end(vec![end], Some(me.signing()))?;
                Ok(report(&sending, &target, (here, rest), code.to_string(), device))
            }
            Err(error) => {
                end.outcome = Outcome::Failed;
                end.reason = error.code().as_str().parse().ok();
                live.record_end(vec![end], Some(me.signing()))?;
                Err(error)
            }
        }
    }

    /// An intent for this medium, unless the first writing has just recorded it.
    fn begin_medium(
        &self,
        live: &mut Live,
        me: &Identity,
        session: &Session,
        sending: &Sending,
    ) -> Result<(), Error> {
        if self.open_intent(live, sending)?.is_some() {
            return Ok(());
        }
        let grant: Grant = decide(&live.rules(self.machine(live)), Request::new(me.id(), Action::Consent))?;
        let core = sending.core.print().ok_or(Code::Internal)?;
        let mut draft = intent(live, session, me, sending, Digest::of(core.as_bytes()));
        // The documents are counted where they stand behind it: at the first writing.
        draft.detail.count = None;
        let (_recorded, entries): (Recorded, _) = live.record(&grant, vec![draft], Some(me.signing()))?;
        Ok(live.follow(&entries, &std::collections::HashMap::new())?)
    }

    /// The newest intent to write this medium that has no end yet.
    fn open_intent(&self, live: &Live, sending: &Sending) -> Result<Option<u64>, Error> {
        let mut open = None;
        let places = live.index().places_of_event(Event::BundleWrite.as_str());
        for place in places.map_err(crate::store::StoreError::from)? {
            // An intent of an earlier epoch has no number that could be named here.
            if place.epoch != live.ledger().epoch() {
                continue;
            }
            let entry = live.entry(place)?;
            let detail = entry.detail();
            let same = entry.object().and_then(crate::log::entry::Object::bundle_id)
                == Some(sending.core.link.bundle)
                && detail.attempt == Some(u64::from(sending.attempt))
                && detail.medium == Some(u64::from(sending.medium));
            match entry.phase() {
                Phase::Intent if same && entry.outcome() == Outcome::Ok => open = Some(entry.seq()),
                Phase::Done if entry.closes() == open => open = None,
                _ => {}
            }
        }
        Ok(open)
    }

    /// What the receiver needs besides the volumes.
    fn notes_for(&self, live: &Live, sending: &Sending) -> Result<Notes, Error> {
        let mut notes = Notes::new();
        let (disk, layout) = (&*self.context.disk, &self.context.layout);
        let bundle = sending.export.bundle;
        let shards = disk.read(&outbox::place(&self.context, bundle, OutboxFile::Shards), SHARDS_LIMIT)?;
        if Digest::of(&shards) != sending.core.shards {
            return Err(Error::new(Code::TamperedStore).with("id", bundle));
        }
        notes.insert("shards".to_owned(), shards);
        let request = sending.asked.ask.id;
        let tampered = || Error::new(Code::TamperedRequest).with("id", request);
        let note = requests::read(&self.context, request, RequestFile::Request)?.ok_or_else(tampered)?;
        if SignedNote::parse(&note).map(|note| note.digest()) != Ok(sending.core.request) {
            return Err(tampered());
        }
        notes.insert("request".to_owned(), note);
        let approvals = requests::read_all(&self.context, request, "approval-")?;
        for (at, (_, note)) in approvals.into_iter().enumerate() {
            notes.insert(format!("approval-{:04}", at + 1), note);
        }
        let channels = Channels::read(live)?;
        // The first roster is the vault's id; what the receiver has said to know is not sent again.
        let known = channels.known_by(sending.core.receiver).max(1);
        for version in known + 1..=live.roster().roster().version {
            notes.insert(format!("roster-{version:04}"), disk.read(&layout.roster(version), NOTE_LIMIT)?);
        }
        if live.roster().roster().policy.is_some() {
            notes.insert("policy".to_owned(), live.policy().print().into_bytes());
        }
        for epoch in 2..=live.ledger().epoch() {
            notes.insert(format!("resume-{epoch:04}"), disk.read(&layout.resume_note(epoch), NOTE_LIMIT)?);
        }
        for (number, proof) in log_keys::hand_overs(&self.context)? {
            notes.insert(format!("log-key-{number:04}"), proof);
        }
        let witness = self.witness_request(live, &channels, sending.core.receiver)?;
        notes.insert("witness-request".to_owned(), witness.print());
        Ok(notes)
    }

    fn witness_request(
        &self,
        live: &Live,
        channels: &Channels,
        peer: VaultId,
    ) -> Result<WitnessRequest, Error> {
        let ledger = live.ledger();
        let old = channels.witnessed_by(peer, ledger.epoch());
        let old = if old <= ledger.size() { old } else { 0 };
        let internal = |error: &dyn std::fmt::Display| Error::new(Code::Internal).with("detail", error);
        let proof = match old {
            0 => Vec::new(),
            old => {
                consistency_proof(old, ledger.size(), ledger.segments()).map_err(|error| internal(&error))?
            }
        };
        Ok(WitnessRequest { old, proof, checkpoint: ledger.host().record().checkpoint.clone() })
    }

    /// Writes, compares, and puts the manifest there last. Gives its digest, the slip's code and the device.
    fn fill(
        &self,
        me: &Identity,
        sending: &Sending,
        (target, here): (&Target<'_>, &[u32]),
        notes: &Notes,
        progress: &dyn Progress,
    ) -> Result<(Digest, crate::id::Code, Device), Error> {
        target.make()?;
        let plan = sending.core.plan;
        let slices = here.iter().filter_map(|slice| plan.slice(*slice)).map(|name| name.to_string());
        let names = slices.chain(notes.keys().cloned()).chain(SLIP_NAMES.map(str::to_owned));
        target.clear(&names.collect::<BTreeSet<_>>())?;
        let device = device_of(target.path());
        for (name, bytes) in notes {
            target.put(name, bytes)?;
        }
        let slices = self.outbox_slices(sending.export.bundle, sending.core.plan)?;
        let names = self.copy(sending, (target, here), &slices, &device, progress)?;
        let (manifest, slips) = self.manifest(me, sending, here, notes, &device)?;
        for (name, bytes) in &slips {
            target.put(name, bytes)?;
        }
        let all: Vec<String> = notes.keys().chain(slips.keys()).cloned().chain(names).collect();
        target.sync(&all)?;
        for (name, bytes) in notes.iter().chain(&slips) {
            target.has(name, bytes)?;
        }
        self.compare(sending, (target, here), &slices, &device, progress)?;
        let code = manifest.code().ok_or(Code::Internal)?;
        let note = sign_text(&manifest.print().ok_or(Code::Internal)?, me)?;
        let bytes = note.print().into_bytes();
        target.put(MANIFEST_NAME, &bytes)?;
        target.sync(&[MANIFEST_NAME.to_owned()])?;
        target.has(MANIFEST_NAME, &bytes)?;
        Ok((note.digest(), code, device))
    }

    fn copy(
        &self,
        sending: &Sending,
        (target, here): (&Target<'_>, &[u32]),
        slices: &Slices,
        device: &Device,
        progress: &dyn Progress,
    ) -> Result<Vec<String>, Error> {
        progress.begin(Stage::Writing, Some(bytes_of(sending, here)), None);
        let told = |bytes: u64| progress.advance(bytes, 0);
        let written = each_slice(sending, here, device, |name, head, slice, len| {
            target.put_slice(name, head, (slices, slice, len), &told)?;
            Ok(name.to_owned())
        });
        progress.end();
        written
    }

    fn compare(
        &self,
        sending: &Sending,
        (target, here): (&Target<'_>, &[u32]),
        slices: &Slices,
        device: &Device,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        progress.begin(Stage::Comparing, Some(bytes_of(sending, here)), None);
        let told = |bytes: u64| progress.advance(bytes, 0);
        let compared = each_slice(sending, here, device, |name, head, slice, len| {
            target.has_slice(name, head, (slices, slice, len), &told)
        });
        progress.end();
        compared.map(|_| ())
    }

    fn manifest(
        &self,
        me: &Identity,
        sending: &Sending,
        here: &[u32],
        notes: &Notes,
        device: &Device,
    ) -> Result<(Manifest, Notes), Error> {
        let live = self.live()?;
        let roster = live.roster();
        let numbers: Vec<u32> = here.iter().map(|slice| slice + 1).collect();
        let now = self.site.clock.now().time;
        let mut manifest = Manifest {
            core: sending.core.clone(),
            attempt: Attempt {
                number: sending.attempt,
                issued: now.max(sending.core.created),
                not_after: sending.not_after,
                roster: roster.roster().version,
                roster_digest: roster.digest(),
                knows: sending.peer.known.roster().version,
                files: notes.iter().map(|(name, bytes)| FileLine::of(name, bytes)).collect(),
            },
            medium: sending.medium,
            slices: Ranges::of(&numbers).ok_or_else(|| Error::new(Code::TooMany).with("size", 512))?,
            slips: Vec::new(),
        };
        let code = manifest.code().ok_or(Code::Internal)?;
        let approvals = &sending.asked.approvals;
        let name = |id| roster.roster().member(id).map(|member| member.name.clone()).unwrap_or_default();
        let slip = Slip {
            bundle: sending.core.link.bundle,
            number: sending.core.link.number,
            attempt: sending.attempt,
            medium: sending.medium,
            volumes: names_of(sending, here),
            volumes_total: sending.core.plan.slices(),
            bytes: bytes_of(sending, here),
            sender: roster.vault(),
            sender_name: roster.roster().name.clone(),
            receiver: sending.core.receiver,
            receiver_name: sending.peer.known.roster().name.clone(),
            created: manifest.attempt.issued,
            not_after: sending.not_after,
            prepared_by: me.name().to_owned(),
            approved_by: approvals.iter().map(|approval| name(approval.member)).collect(),
            device: Some(SlipDevice {
                model: device.model.clone(),
                serial: device.serial.clone(),
                removable: device.removable,
            }),
            code,
        };
        let [html, text] = SLIP_NAMES;
        let slips = Notes::from([
            (html.to_owned(), slip.html().into_bytes()),
            (text.to_owned(), slip.text().into_bytes()),
        ]);
        manifest.slips = slips.iter().map(|(name, bytes)| FileLine::of(name, bytes)).collect();
        Ok((manifest, slips))
    }
}

/// Does something with each volume and parity; on several threads where that is no harm to the medium.
fn each_slice<T: Send>(
    sending: &Sending,
    here: &[u32],
    device: &Device,
    work: impl Fn(&str, &[u8], u32, u64) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let (plan, link) = (sending.core.plan, &sending.core.link);
    let one = |slice: u32| {
        let name = plan.slice(slice).ok_or(Code::Internal)?.to_string();
        let head = Head::of(&plan, link.bundle, sending.attempt, slice).ok_or(Code::Internal)?.print();
        work(&name, &head, slice, plan.body_len_of(slice))
    };
    // A stick that is written in two places at once is slower, and its files lie in pieces.
    let alone = device.removable == Some(true) || bytes_of(sending, here) < LARGE;
    let each = if alone { usize::MAX } else { 1 };
    let done = parallel::for_each(here.len(), each, |at| here.get(at).map(|slice| one(*slice)));
    done.into_iter().map(|result| result.flatten().unwrap_or_else(|| Err(Code::Internal.into()))).collect()
}

fn bytes_of(sending: &Sending, slices: &[u32]) -> u64 {
    slices.iter().map(|slice| sending.core.plan.file_len(*slice)).sum()
}

/// The names of volumes and parity, the first and the last of a row standing for all of it.
fn names_of(sending: &Sending, slices: &[u32]) -> String {
    let plan = sending.core.plan;
    let mut rows: Vec<(u32, u32)> = Vec::new();
    for slice in slices {
        match rows.last_mut() {
            Some(last) if last.1 + 1 == *slice && (*slice != plan.volumes()) => last.1 = *slice,
            _ => rows.push((*slice, *slice)),
        }
    }
    let name = |slice| plan.slice(slice).map(|name| name.to_string()).unwrap_or_default();
    let told = |(first, last): (u32, u32)| {
        if first == last { name(first) } else { format!("{}–{}", name(first), name(last)) }
    };
    rows.into_iter().map(told).collect::<Vec<_>>().join(", ")
}

/// A device as the log names it.
fn tool(device: &Device) -> Option<crate::log::entry::Code> {
    let words = [device.model.as_deref(), device.serial.as_deref()];
    let kind = device.removable.map(|removable| if removable { "removable" } else { "fixed" });
    let text: Vec<&str> = words.into_iter().flatten().chain(kind).collect();
    code_of(&text.join("-"))
}

/// Any text as a code of the log: small letters, digits, dots and hyphens.
pub(super) fn code_of(text: &str) -> Option<crate::log::entry::Code> {
    let plain = |c: char| match c.to_ascii_lowercase() {
        c if c.is_ascii_lowercase() || c.is_ascii_digit() || c == '.' => c,
        _ => '-',
    };
    let mut code = String::new();
    for c in text.chars().map(plain) {
        if c != '-' || !(code.is_empty() || code.ends_with('-')) {
            code.push(c);
        }
    }
    let code: String = code.chars().take(crate::log::entry::MAX_CODE_LEN).collect();
    code.trim_end_matches('-').parse().ok()
}

fn report(
    sending: &Sending,
    target: &Target<'_>,
    (here, rest): (&[u32], &[u32]),
    code: String,
    device: Device,
) -> BundleWriteReport {
    BundleWriteReport {
        bundle: sending.core.link.bundle,
        number: sending.core.link.number,
        attempt: sending.attempt,
        medium: sending.medium,
        complete: rest.is_empty(),
        volumes: names_of(sending, here),
        missing: names_of(sending, rest),
        bytes: bytes_of(sending, here),
        path: target.path().to_owned(),
        code,
        device,
        receiver: sending.core.receiver,
        receiver_name: sending.peer.known.roster().name.clone(),
        not_after: sending.not_after,
    }
}
