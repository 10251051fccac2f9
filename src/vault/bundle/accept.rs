//! What waits in quarantine is let in, or turned away.
//!
//! A document gets a second name in staging and there a header for the own class key; its payload stays as it came. What is
//! let in is recorded and published as a whole; what a kill leaves is either still in quarantine or in its place.

use std::path::PathBuf;

use super::super::channel::{Channels, Fate, Incoming};
use super::super::report::{ImportReport, ImportedRow};
use super::super::session::{Session, actor, recipient};
use super::super::{Code, Error, Vault, keys};
use super::ready::{Keys, Ready};
use crate::access::{Action, Grant, Request};
use crate::agefile::Recipient;
use crate::answer::Progress;
use crate::bundle::{INNER_LIMIT, Inner, Manifest};
use crate::crypto::Digest;
use crate::id::{BundleId, DocumentId};
use crate::identity::Identity;
use crate::label::Class;
use crate::log::entry::{Commitment as Committing, Draft, Event, Object, Outcome};
use crate::note::{MAX_NOTE_LEN, SignedNote};
use crate::policy::decide;
use crate::roster::Purpose;
use crate::sealed::MetadataSession;
use crate::store::live::Live;
use crate::store::quarantine::{self, QuarantineFile};
use crate::store::staging::Staging;

/// Longest file of all headers.
const HEADERS_LIMIT: u64 = 128 << 20;
/// A bundle in quarantine, as the log names it.
struct Waiting {
    incoming: Incoming,
    inner: Inner,
    headers: Vec<u8>,
    attempt: u32,
}

impl Vault {
    /// Lets in what waits, all of it or nothing: new headers for the own class keys, entries, and then the documents are there.
    /// `receipt` is where the answer to the sender is written, if anywhere.
    ///
    /// # Errors
    /// [`Code::NoBundle`], [`Code::BundleDecided`], [`Code::NoImportRight`], [`Code::SamePerson`], [`Code::Connected`],
    /// [`Code::BundleInfected`], [`Code::CheckFailed`], [`Code::TamperedStore`].
    pub fn import_accept(
        &self,
        me: &Identity,
        bundle: &str,
        receipt: Option<&std::path::Path>,
        progress: &dyn Progress,
    ) -> Result<ImportReport, Error> {
        let session = Session::begin(&*self.site.random)?;
        let live = self.live()?;
        let id = find_incoming(&live, bundle)?;
        let object = Some(Object::bundle(id));
        let begun = self.waiting(&live, id).and_then(|waiting| {
            let grant = self.may_accept(&live, me, &waiting)?;
            let keys = self.keys_to_accept(&live, me, &waiting)?;
            Ok((waiting, grant, keys))
        });
        let (waiting, grant, keys) = match begun {
            Ok(begun) => begun,
            Err(error) => {
                drop(live);
                return Err(self.refused(&session, me, Event::BundleAccept, object, error));
            }
        };
        let ids = self.ids_for(&live, &waiting.inner)?;
        let check = live.policy().check.clone();
        let staging = Staging::begin(&self.context.disk, &self.context.layout, session.id(), &grant)?;
        drop(live);
        let ready = self.make_ready(
            &staging,
            (&waiting.inner, &waiting.headers),
            &keys,
            &ids,
            check.as_deref(),
            progress,
        );
        let ready = match ready {
            Ok(ready) => ready,
            Err(error) => return Err(self.refused(&session, me, Event::BundleAccept, object, error)),
        };
        self.let_in(me, &session, &staging, (id, &waiting, &ready.0), ready.1)?;
        let mut report = self.in_report(&waiting, id, "accepted")?;
        report.documents = ready.0.iter().map(row).collect();
        report.receipt = receipt.and_then(|path| self.receipt_write(me, &id.to_string(), path).ok()?.path);
        Ok(report)
    }

    /// Turns away what waits: nothing of it comes in, and the sender's channel goes on behind it.
    ///
    /// # Errors
    /// Those of [`import_accept`](Self::import_accept).
    pub fn import_reject(
        &self,
        me: &Identity,
        bundle: &str,
        receipt: Option<&std::path::Path>,
    ) -> Result<ImportReport, Error> {
        let session = Session::begin(&*self.site.random)?;
        let mut live = self.live()?;
        let id = find_incoming(&live, bundle)?;
        let object = Some(Object::bundle(id));
        let incoming = waits(&live, id)?;
        // To turn away reveals nothing and needs no key, only the right.
        let rules = live.rules(crate::policy::Machine::Apart);
        if let Err(denial) = decide(&rules, Request::new(me.id(), Action::Import)) {
            drop(live);
            return Err(self.refused(&session, me, Event::BundleAccept, object, denial.into()));
        }
        let mut draft = accept_draft(&live, &session, me, id, &incoming);
        draft.detail.code = "rejected".parse().ok();
        live.record_end(vec![draft], Some(me.signing()))?;
        quarantine::remove(&self.context, id)?;
        drop(live);
        let receipt = receipt.and_then(|path| self.receipt_write(me, &id.to_string(), path).ok()?.path);
        Ok(ImportReport {
            bundle: id,
            state: "rejected".to_owned(),
            documents: Vec::new(),
            repaired_shards: 0,
            sender: incoming.peer,
            sender_name: String::new(),
            number: incoming.link.number,
            attempt: incoming.attempt,
            code: None,
            receipt,
        })
    }

    /// What lies in quarantine, compared with what the log says came in.
    fn waiting(&self, live: &Live, id: BundleId) -> Result<Waiting, Error> {
        let incoming = waits(live, id)?;
        let tampered = || Error::new(Code::TamperedStore).with("id", id);
        let manifest = self.manifest_of(id, incoming.manifest)?;
        let read = |file, limit: u64| {
            let place = quarantine::place(&self.context, id, file);
            self.context.disk.read(&place, limit).map_err(|error| tampered().because(error))
        };
        let list = read(QuarantineFile::Inner, INNER_LIMIT as u64)?;
        if Digest::of(&list) != incoming.link.inner {
            return Err(tampered());
        }
        let inner = Inner::parse(&list).ok_or_else(tampered)?;
        let headers = read(QuarantineFile::Headers, HEADERS_LIMIT)?;
        Ok(Waiting { incoming, inner, headers, attempt: manifest.attempt.number })
    }

    fn manifest_of(&self, id: BundleId, digest: Digest) -> Result<Manifest, Error> {
        let tampered = || Error::new(Code::TamperedStore).with("id", id);
        let place = quarantine::place(&self.context, id, QuarantineFile::Manifest);
        let bytes = self.context.disk.read(&place, MAX_NOTE_LEN as u64);
        let note =
            SignedNote::parse(&bytes.map_err(|error| tampered().because(error))?).map_err(|_| tampered())?;
        if note.digest() != digest {
            return Err(tampered());
        }
        Manifest::parse(note.text()).ok_or_else(tampered)
    }

    fn may_accept(&self, live: &Live, me: &Identity, waiting: &Waiting) -> Result<Grant, Error> {
        let rules = live.rules(self.machine(live));
        let mut grant = None;
        for document in &waiting.inner.documents {
            let action = Action::Accept(document.class, waiting.incoming.importer);
            let found = decide(&rules, Request::new(me.id(), action));
            grant = Some(found.map_err(|denial| self.told(denial))?);
        }
        grant.ok_or_else(|| Code::Internal.into())
    }

    fn keys_to_accept(&self, live: &Live, me: &Identity, waiting: &Waiting) -> Result<Keys, Error> {
        let roster = live.roster().roster();
        let every = |purpose| {
            keys::every(&self.site, &self.context, roster, me, purpose)
                .map_err(|error| keys::awaited(live, me, purpose, error))
        };
        let mut classes: Vec<(Class, Recipient)> = Vec::new();
        for document in &waiting.inner.documents {
            if !classes.iter().any(|(class, _)| *class == document.class) {
                classes.push((document.class, recipient(roster, Purpose::Class(document.class))?));
            }
        }
        let titles = decide(&live.rules(self.machine(live)), Request::new(me.id(), Action::SeeTitles));
        let titles = titles.is_ok().then(|| every(Purpose::Catalogue)).transpose()?;
        let metadata = MetadataSession::start(&recipient(roster, Purpose::Catalogue)?, &*self.site.random)?;
        let (bundle, transfer) = (waiting.inner.bundle, every(Purpose::Transfer)?);
        Ok(Keys { bundle, transfer, classes, titles, metadata })
    }

    /// The ids that the documents will have: their own, unless one was given here before.
    fn ids_for(&self, live: &Live, inner: &Inner) -> Result<Vec<DocumentId>, Error> {
        let mut ids = Vec::with_capacity(inner.documents.len());
        for document in &inner.documents {
            let known = live.index().document(document.id)?.is_some();
            let lies = self.context.disk.exists(&self.context.layout.document(document.id))?;
            ids.push(if known || lies {
                DocumentId(self.site.random.bytes16().map_err(|_| Code::NoRandom)?)
            } else {
                document.id
            });
        }
        Ok(ids)
    }

    /// Records and publishes, after one more look at who may.
    fn let_in(
        &self,
        me: &Identity,
        session: &Session,
        staging: &Staging,
        (id, waiting, ready): (BundleId, &Waiting, &[Ready]),
        tool: Option<crate::log::entry::Code>,
    ) -> Result<(), Error> {
        let mut live = self.live()?;
        let incoming = waits(&live, id)?;
        let grant = self.may_accept(&live, me, waiting)?;
        for one in ready {
            let class = Purpose::Class(one.document.class);
            let known = live.index().document(one.id)?.is_some();
            if known || live.roster().roster().newest_key(class).is_none() {
                return Err(Error::new(Code::Busy).with("holder", "import"));
            }
        }
        let mut draft = accept_draft(&live, session, me, id, &incoming);
        draft.detail.code = "accepted".parse().ok();
        let mut drafts = vec![draft];
        for one in ready {
            drafts.push(import_draft(&live, session, me, (id, &incoming, one), tool.clone()));
        }
        let places: Vec<PathBuf> = ready.iter().map(|one| self.context.layout.document(one.id)).collect();
        self.land(&mut live, staging, &grant, me, (drafts, &places))?;
        Ok(quarantine::remove(&self.context, id)?)
    }

    fn in_report(&self, waiting: &Waiting, id: BundleId, state: &str) -> Result<ImportReport, Error> {
        let live = self.live()?;
        let peer = self.peer(&live, waiting.incoming.peer)?;
        Ok(ImportReport {
            bundle: id,
            state: state.to_owned(),
            documents: Vec::new(),
            repaired_shards: 0,
            sender: waiting.incoming.peer,
            sender_name: peer.map(|peer| peer.known.roster().name.clone()).unwrap_or_default(),
            number: waiting.incoming.link.number,
            attempt: waiting.attempt,
            code: None,
            receipt: None,
        })
    }

    /// Removes what a kill left of bundles that were decided.
    pub(super) fn tidy_quarantine(&self, live: &Live) -> Result<(), Error> {
        let lying = quarantine::list(&self.context)?;
        if lying.is_empty() {
            return Ok(());
        }
        let channels = Channels::read(live)?;
        for id in lying {
            let decided = channels.incoming.get(&id).is_some_and(|one| one.fate != Fate::Quarantine);
            if decided {
                quarantine::remove(&self.context, id)?;
            }
        }
        Ok(())
    }
}

/// A bundle that waits for a decision.
fn waits(live: &Live, id: BundleId) -> Result<Incoming, Error> {
    let incoming = Channels::read(live)?.incoming.remove(&id);
    let incoming = incoming.ok_or_else(|| Error::new(Code::NoBundle).with("id", id))?;
    match incoming.fate {
        Fate::Quarantine => Ok(incoming),
        Fate::Accepted => Err(Error::new(Code::BundleDecided).with("id", id).with("state", "accepted")),
        Fate::Rejected => Err(Error::new(Code::BundleDecided).with("id", id).with("state", "rejected")),
    }
}

/// The bundle that came in and that an id or its beginning means.
pub(super) fn find_incoming(live: &Live, text: &str) -> Result<BundleId, Error> {
    if text.len() < 4 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err(Error::new(Code::ShortId).with("id", text));
    }
    let channels = Channels::read(live)?;
    let fits: Vec<&BundleId> =
        channels.incoming.keys().filter(|id| id.to_string().starts_with(text)).collect();
    match fits.as_slice() {
        [] => Err(Error::new(Code::NoBundle).with("id", text)),
        [id] => Ok(**id),
        _ => Err(Error::new(Code::AmbiguousId).with("id", text)),
    }
}

fn accept_draft(live: &Live, session: &Session, me: &Identity, id: BundleId, incoming: &Incoming) -> Draft {
    let mut draft = live.draft(Event::BundleAccept, Outcome::Ok, session.id());
    draft.actor = actor(me, live.roster().roster());
    draft.object = Some(Object::bundle(id));
    draft.detail.peer = Some(incoming.peer);
    draft.detail.series = Some(incoming.link.series);
    draft.detail.number = Some(incoming.link.number);
    draft.detail.inner_sha256 = Some(incoming.link.inner);
    draft.detail.count = Some(incoming.documents);
    draft
}

fn import_draft(
    live: &Live,
    session: &Session,
    me: &Identity,
    (bundle, incoming, ready): (BundleId, &Incoming, &Ready),
    tool: Option<crate::log::entry::Code>,
) -> Draft {
    let mut draft = live.draft(Event::DocumentImport, Outcome::Ok, session.id());
    draft.actor = actor(me, live.roster().roster());
    let mut object = Object::document(ready.id);
    object.class = Some(ready.document.class);
    object.commitment = Some(Committing(ready.new.commitment.0.0));
    object.header_len = Some(ready.new.header_len);
    object.header_sha256 = Some(ready.new.header_sha256);
    object.payload_sha256 = Some(ready.new.payload_sha256);
    object.size = Some(ready.document.size);
    draft.object = Some(object);
    draft.detail.bundle = Some(bundle);
    draft.detail.peer = Some(incoming.peer);
    draft.detail.origin_id = (ready.id != ready.document.id).then_some(ready.document.id);
    draft.detail.code = ready.scan.parse().ok();
    draft.detail.tool = tool;
    draft
}

fn row(ready: &Ready) -> ImportedRow {
    ImportedRow {
        id: ready.id,
        class: ready.document.class,
        payload_sha256: ready.new.payload_sha256,
        size: ready.document.size,
        scan: Some(ready.scan.to_owned()),
    }
}
