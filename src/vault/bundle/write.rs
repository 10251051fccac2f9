//! A bundle goes out: approved, numbered, recorded, and only then written to a medium.
//!
//! The number is durable before the first byte leaves. What a kill leaves half written is gone on with: the same number, the
//! same attempt, what is on the medium already is compared and kept.

use std::path::Path;

use super::super::ask::{Asked, request_draft};
use super::super::channel::{Channels, Outgoing, SOME_VOLUMES};
use super::super::peer::Admitted;
use super::super::report::BundleWriteReport;
use super::super::session::{Session, actor};
use super::super::{Code, Error, Vault};
use super::create::key_of;
use super::outbox::Begun;
use super::target::{Target, Which};
use crate::access::{Action, Denial, Grant, Request};
use crate::answer::Progress;
use crate::bundle::{Core, Inner, Link, NUMBER_LIMIT, Plan, Shards, SliceName};
use crate::crypto::Digest;
use crate::id::{BundleId, RequestId};
use crate::identity::Identity;
use crate::log::entry::{Commitment, Draft, Event, Object, Outcome, Phase};
use crate::policy::{Export, Wanted, decide};
use crate::roster::Purpose;
use crate::store::live::Live;
use crate::store::outbox::{self, OutboxFile};
use crate::store::requests::{self, RequestFile};
use crate::store::staging::Staging;
use crate::time::Timestamp;

/// Longest first part of a manifest.
const CORE_LIMIT: u64 = 64 * 1024;

/// A bundle with everything that writing it takes.
pub(super) struct Sending {
    pub(super) asked: Asked,
    pub(super) export: Export,
    pub(super) peer: Admitted,
    pub(super) core: Core,
    pub(super) attempt: u32,
    pub(super) medium: u32,
    pub(super) not_after: Timestamp,
    /// Volumes and parity that are still to be written, counted from 0.
    pub(super) slices: Vec<u32>,
    /// All of them have to be on this medium.
    pub(super) together: bool,
}

/// What to send again, and until when it can be imported.
#[derive(Debug, Clone, Default)]
pub struct Resend {
    /// Volumes and parity by their names; all of them where none is named.
    pub slices: Vec<SliceName>,
    /// The last day on which it can be imported; as before where none is given.
    pub expires: Option<String>,
}

impl Vault {
    /// Writes an approved bundle into a folder on a medium, or goes on with one that was begun: after an interruption, or
    /// with the next medium where one is not enough.
    ///
    /// # Errors
    /// [`Code::NoBundle`], [`Code::NotTheRequester`], [`Code::ApprovalsMissing`], [`Code::DocumentChanged`],
    /// [`Code::BundleWritten`], [`Code::BundleAnswered`]; [`Code::MediumTaken`], [`Code::MediumFull`],
    /// [`Code::MediumLimit`], [`Code::MediumDiffers`].
    pub fn bundle_write(
        &self,
        me: &Identity,
        bundle: &str,
        to: &Path,
        progress: &dyn Progress,
    ) -> Result<BundleWriteReport, Error> {
        let live = self.live()?;
        let asked = self.find_bundle(&live, bundle)?;
        let (export, object) = of_asked(&asked)?;
        let mut session = Session::begin(&*self.site.random)?;
        let allowed = self.may_write(&live, me, &asked, &export);
        let (peer, grant) = match allowed {
            Ok(found) => found,
            Err(error) => {
                drop(live);
                return Err(self.refused(&session, me, Event::BundleWrite, Some(object), error));
            }
        };
        let mut channels = Channels::read(&live)?;
        self.tidy_outbox(&channels)?;
        match channels.out.remove(&export.bundle) {
            None => {
                // What nobody could import gets no number.
                self.in_time(export.not_after)?;
                let sending =
                    self.write_first(live, &mut session, me, (asked, export, peer, grant), to, progress)?;
                self.write_medium(me, &session, sending, to, progress)
            }
            Some(out) => {
                let sending = self.go_on(&live, asked, export, peer, &out)?;
                self.in_time(sending.not_after)?;
                drop(live);
                self.write_medium(me, &session, sending, to, progress)
            }
        }
    }

    /// Writes a bundle again, whole or those volumes that were damaged: the same number, the next attempt.
    ///
    /// # Errors
    /// Those of [`bundle_write`](Self::bundle_write).
    pub fn bundle_resend(
        &self,
        me: &Identity,
        bundle: &str,
        to: &Path,
        what: &Resend,
        progress: &dyn Progress,
    ) -> Result<BundleWriteReport, Error> {
        let live = self.live()?;
        let asked = self.find_bundle(&live, bundle)?;
        let (export, object) = of_asked(&asked)?;
        let session = Session::begin(&*self.site.random)?;
        let (peer, _) = match self.may_write(&live, me, &asked, &export) {
            Ok(found) => found,
            Err(error) => {
                drop(live);
                return Err(self.refused(&session, me, Event::BundleWrite, Some(object), error));
            }
        };
        let out = Channels::read(&live)?.out.remove(&export.bundle);
        let mut out = out.ok_or_else(|| Error::new(Code::NoBundle).with("id", export.bundle))?;
        (out.attempt, out.media, out.through, out.written) = (out.attempt.saturating_add(1), 0, 0, None);
        (out.until, out.partial) = (None, false);
        let mut sending = self.go_on(&live, asked, export, peer, &out)?;
        let now = self.site.clock.now().time;
        if let Some(day) = &what.expires {
            sending.not_after = super::create::last_day(Some(day), now)?;
        }
        self.in_time(sending.not_after)?;
        if !what.slices.is_empty() {
            let plan = sending.core.plan;
            let index = |name: &SliceName| {
                plan.index_of(*name).ok_or_else(|| Error::new(Code::Usage).with("detail", name))
            };
            sending.slices = what.slices.iter().map(index).collect::<Result<_, _>>()?;
            sending.slices.sort_unstable();
            sending.slices.dedup();
            sending.together = true;
        }
        drop(live);
        self.write_medium(me, &session, sending, to, progress)
    }

    /// Whether what is written now could still be imported.
    fn in_time(&self, not_after: Timestamp) -> Result<(), Error> {
        if self.site.clock.now().time < not_after {
            Ok(())
        } else {
            Err(Error::new(Code::BundleExpired).with("until", not_after))
        }
    }

    /// The request that belongs to a bundle, for those who approve it.
    ///
    /// # Errors
    /// [`Code::NoBundle`], [`Code::ShortId`], [`Code::AmbiguousId`].
    pub fn bundle_request(&self, bundle: &str) -> Result<RequestId, Error> {
        let live = self.live()?;
        Ok(self.find_bundle(&live, bundle)?.ask.id)
    }

    /// The request for a bundle, by the bundle's id, the request's, or the beginning of one of them.
    pub(super) fn find_bundle(&self, live: &Live, text: &str) -> Result<Asked, Error> {
        if text.len() < 4 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(Error::new(Code::ShortId).with("id", text));
        }
        let mut found = None;
        let ended = requests::all_ended(live)?;
        for id in requests::list(&self.context)? {
            let Ok(asked) = self.asked_of(live, id, ended.get(&id).copied()) else { continue };
            let Some(export) = asked.ask.export else { continue };
            if export.bundle.to_string().starts_with(text) || id.to_string().starts_with(text) {
                if found.is_some() {
                    return Err(Error::new(Code::AmbiguousId).with("id", text));
                }
                found = Some(asked);
            }
        }
        found.ok_or_else(|| Error::new(Code::NoBundle).with("id", text))
    }

    /// Who asked writes, and nobody else: the manifest has the signature that the request has. Approvals are used up by the
    /// first writing; what is written again was approved then.
    fn may_write(
        &self,
        live: &Live,
        me: &Identity,
        asked: &Asked,
        export: &Export,
    ) -> Result<(Admitted, Grant), Error> {
        if asked.ask.requester != me.id() {
            return Err(Code::NotTheRequester.into());
        }
        let peer = self.peer(live, export.receiver)?;
        let peer = peer.ok_or_else(|| Error::new(Code::NoPeer).with("id", export.receiver))?;
        let inner = asked.inner.as_ref();
        let inner = inner.ok_or_else(|| Error::new(Code::TamperedRequest).with("id", asked.ask.id))?;
        let begun = Channels::read(live)?.out.contains_key(&export.bundle);
        if !begun {
            self.still_open(asked)?;
        }
        let consents = self.consents(asked);
        let rules = live.rules(self.machine(live));
        let mut grant = None;
        for document in &inner.documents {
            let action = Action::Export(document.class, peer.known.roster().zone);
            let wish = Request { reason: true, consents: &consents, ..Request::new(me.id(), action) };
            grant = Some(match decide(&rules, wish) {
                Ok(grant) => grant,
                Err(Denial::Consents { .. }) if begun => {
                    decide(&rules, Request::new(me.id(), Action::Consent))?
                }
                Err(denial) => return Err(self.told(denial).with("id", asked.ask.id)),
            });
        }
        Ok((peer, grant.ok_or(Code::Internal)?))
    }

    /// Makes the age file, takes a number, records, and puts the file into the outbox.
    fn write_first(
        &self,
        live: Live,
        session: &mut Session,
        me: &Identity,
        (asked, export, peer, grant): (Asked, Export, Admitted, Grant),
        to: &Path,
        progress: &dyn Progress,
    ) -> Result<Sending, Error> {
        let tampered = || Error::new(Code::TamperedRequest).with("id", asked.ask.id);
        let inner = asked.inner.clone().ok_or_else(tampered)?;
        self.still_the_same(&live, &inner)?;
        let headers = requests::read(&self.context, asked.ask.id, RequestFile::Headers)?;
        let headers = headers.ok_or_else(tampered)?;
        let transfer = key_of(peer.known.roster(), Purpose::Transfer)?;
        let begun = self.begin_body(&inner, &transfer, (export.volume, export.parity))?;
        // What the medium cannot take is told before long work, and before a number is taken.
        let which = Which { bundle: export.bundle, place: None };
        Target::look(self, to, which)?.room_for(&begun.plan, &all_slices(&begun.plan), false)?;
        let staging = Staging::begin(&self.context.disk, &self.context.layout, session.id(), &grant)?;
        drop(live);
        let shards = self.make_body(&staging, &begun, (&inner, &headers), progress)?;

        let mut live = self.live()?;
        let asked = self.asked(&live, asked.ask.id)?;
        let (peer, grant) = self.may_write(&live, me, &asked, &export)?;
        self.still_the_same(&live, &inner)?;
        let channels = Channels::read(&live)?;
        if channels.out.contains_key(&export.bundle) {
            return Err(Error::new(Code::Busy).with("holder", "bundle write"));
        }
        let receiver_key = Digest::of(transfer.to_string().as_bytes());
        let core = self.core(&live, (&asked, &export, &peer), &channels, &begun, &shards, receiver_key)?;
        let text = core.print().ok_or(Code::Internal)?;
        let place = |file| outbox::place(&self.context, export.bundle, file);
        staging.create_new(&place(OutboxFile::Core))?.put(text.as_bytes())?;
        staging.sync()?;
        let sending = Sending {
            slices: all_slices(&core.plan),
            attempt: 1,
            medium: 1,
            not_after: export.not_after,
            together: false,
            asked,
            export,
            peer,
            core,
        };
        let mut drafts = vec![intent(&live, session, me, &sending, Digest::of(text.as_bytes()))];
        drafts.extend(inner.documents.iter().map(|document| {
            let mut draft = live.draft(Event::DocumentExport, Outcome::Ok, session.id());
            draft.actor = actor(me, live.roster().roster());
            draft.object = Some(object_of(document));
            draft.detail.bundle = Some(export.bundle);
            draft.detail.peer = Some(export.receiver);
            draft
        }));
        drafts.push(request_draft(&live, session, me, Event::RequestDone, sending.asked.ask.id));
        let files = [OutboxFile::Core, OutboxFile::Body, OutboxFile::Parity, OutboxFile::Shards];
        self.land(&mut live, &staging, &grant, me, (drafts, &files.map(place)))?;
        Ok(sending)
    }

    fn core(
        &self,
        live: &Live,
        (asked, export, peer): (&Asked, &Export, &Admitted),
        channels: &Channels,
        begun: &Begun,
        shards: &Shards,
        receiver_key: Digest,
    ) -> Result<Core, Error> {
        let (approvals, releaser) = self.export_needs(live, asked);
        let series = peer.peer.out;
        let last = channels.last_out(export.receiver, series);
        let number = last.map_or(0, |link| link.number).saturating_add(1);
        if number > NUMBER_LIMIT {
            return Err(Error::new(Code::TooMany).with("size", NUMBER_LIMIT));
        }
        Ok(Core {
            sender: live.roster().vault(),
            receiver: export.receiver,
            receiver_key,
            link: Link { series, number, bundle: export.bundle, inner: export.inner },
            previous: last.map(Link::digest),
            request: asked.digest,
            created: self.site.clock.now().time,
            from: live.roster().roster().zone,
            to: peer.known.roster().zone,
            approvals,
            releaser,
            plan: begun.plan,
            shards: shards.digest(),
        })
    }

    /// Every document has the payload that was approved.
    fn still_the_same(&self, live: &Live, inner: &Inner) -> Result<(), Error> {
        for document in &inner.documents {
            let row = live.document(document.id)?;
            let same = row.is_some_and(|(_, row)| {
                row.payload_sha256 == document.payload_sha256 && row.class == document.class
            });
            if !same {
                return Err(Error::new(Code::DocumentChanged).with("id", document.id));
            }
        }
        Ok(())
    }

    /// A bundle that has its number already.
    fn go_on(
        &self,
        _live: &Live,
        asked: Asked,
        export: Export,
        peer: Admitted,
        out: &Outgoing,
    ) -> Result<Sending, Error> {
        let answered = out.answer.as_ref().filter(|(verdict, _)| verdict != "damaged");
        if let Some((verdict, _)) = answered {
            return Err(Error::new(Code::BundleAnswered).with("id", export.bundle).with("state", verdict));
        }
        // What was to be sent again, and was not to its end, is asked for in the same words.
        if out.written.is_some() || out.partial {
            return Err(Error::new(Code::BundleWritten).with("id", export.bundle));
        }
        let core = self.core_of(export.bundle, out.core)?;
        let slices: Vec<u32> = all_slices(&core.plan).into_iter().filter(|at| *at >= out.through).collect();
        Ok(Sending {
            asked,
            not_after: out.until.unwrap_or(export.not_after),
            export,
            peer,
            core,
            attempt: out.attempt,
            medium: out.media.saturating_add(1),
            slices,
            together: false,
        })
    }

    /// The first part of a manifest, as the log names it.
    pub(super) fn core_of(&self, bundle: BundleId, digest: Digest) -> Result<Core, Error> {
        let tampered = || Error::new(Code::TamperedStore).with("id", bundle);
        let place = outbox::place(&self.context, bundle, OutboxFile::Core);
        let bytes = self.context.disk.read(&place, CORE_LIMIT).map_err(|error| tampered().because(error))?;
        let text = String::from_utf8(bytes).map_err(|_| tampered())?;
        if Digest::of(text.as_bytes()) != digest {
            return Err(tampered());
        }
        Core::parse(&text).ok_or_else(tampered)
    }
}

fn of_asked(asked: &Asked) -> Result<(Export, Object), Error> {
    let export = asked.ask.export.filter(|_| asked.ask.wanted == Wanted::Export).ok_or(Code::Internal)?;
    Ok((export, Object::bundle(export.bundle)))
}

pub(super) fn all_slices(plan: &Plan) -> Vec<u32> {
    (0..plan.slices()).collect()
}

/// A document as it is on its way.
pub(super) fn object_of(document: &crate::bundle::InnerDocument) -> Object {
    let mut object = Object::document(document.id);
    object.class = Some(document.class);
    object.commitment = Some(Commitment(document.commitment.0.0));
    object.header_len = Some(document.header_len);
    object.header_sha256 = Some(document.header_sha256);
    object.payload_sha256 = Some(document.payload_sha256);
    object.size = Some(document.size);
    object
}

/// The entry before the first byte goes out.
pub(super) fn intent(
    live: &Live,
    session: &Session,
    me: &Identity,
    sending: &Sending,
    core: Digest,
) -> Draft {
    let mut draft = draft(live, session, me, sending);
    draft.phase = Phase::Intent;
    draft.detail.until = Some(sending.not_after);
    draft.detail.code = if sending.together { SOME_VOLUMES.parse().ok() } else { None };
    draft.detail.note_sha256 = Some(core);
    let documents = sending.asked.inner.as_ref().map(|inner| inner.documents.len() as u64);
    draft.detail.count = documents;
    draft
}

/// An entry about the writing of a bundle.
pub(super) fn draft(live: &Live, session: &Session, me: &Identity, sending: &Sending) -> Draft {
    let link = &sending.core.link;
    let mut draft = live.draft(Event::BundleWrite, Outcome::Ok, session.id());
    draft.actor = actor(me, live.roster().roster());
    draft.object = Some(Object::bundle(link.bundle));
    draft.detail.peer = Some(sending.core.receiver);
    draft.detail.series = Some(link.series);
    draft.detail.number = Some(link.number);
    draft.detail.inner_sha256 = Some(link.inner);
    draft.detail.attempt = Some(u64::from(sending.attempt));
    draft.detail.medium = Some(u64::from(sending.medium));
    draft
}
