//! A bundle is asked for: the list of what is to go out, and the headers that the receiver will open it with, made once, so
//! that what is approved is what is sent.

use std::io::Read as _;

use super::super::ask::Asking;
use super::super::catalogue::{Catalogue, expected};
use super::super::peer::Admitted;
use super::super::report::BundleCreateReport;
use super::super::session::Session;
use super::super::{Code, Error, Vault, parallel};
use crate::access::{Action, Denial, Request};
use crate::agefile::{Recipient, Unwrap, Wrap};
use crate::bundle::{DOCUMENT_LIMIT, Inner, InnerDocument};
use crate::crypto::Digest;
use crate::document::Meta;
use crate::id::{BundleId, DocumentId};
use crate::identity::Identity;
use crate::label::Class;
use crate::log::entry::{Event, Object};
use crate::policy::{Export, Machine, Wanted, decide};
use crate::roster::{Purpose, Roster};
use crate::sealed::{Commitment, KnownHeader, MetadataSession};
use crate::store::index::Row;
use crate::store::live::Live;
use crate::store::objects;
use crate::store::requests::RequestFile;
use crate::time::Timestamp;

/// How long a bundle can be imported where nothing else is said.
const DAYS: i64 = 30;
const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// So many headers are worth a thread.
const WORTH: usize = 8;

/// What is to go where, and how it is to be cut.
#[derive(Debug, Clone)]
pub struct BundleCreate {
    /// The receiving vault: its id, the beginning of it, or its name.
    pub to: String,
    /// Documents, by their ids or beginnings of at least four characters.
    pub ids: Vec<String>,
    /// The most bytes that a volume may have.
    pub volume: u64,
    /// Parity in percent.
    pub parity: u32,
    /// The last day on which it can be imported; 30 days where none is given.
    pub expires: Option<String>,
    /// Why, for the eyes of those who approve.
    pub reason: Option<String>,
}

/// What the headers for the receiver are made with.
struct Wrapping {
    /// Title and details of each document, as the receiver is to have them. None in a drop box, where documents are sealed
    /// for the receiver already.
    metas: Option<Vec<Vec<u8>>>,
    keys: Vec<(Class, Vec<crate::agefile::Identity>)>,
    transfer: Recipient,
    metadata: MetadataSession,
}

impl Vault {
    /// Asks to send documents to another vault. Where the policy wants nobody's approval, it can be written at once.
    ///
    /// # Errors
    /// [`Code::NoPeer`], [`Code::NoTransferKey`], unknown ids, [`Code::NoClearance`], [`Code::NoTitleRight`], since
    /// titles travel with documents, [`Code::Connected`], [`Code::TooMany`], [`Code::BadDate`], [`Code::VolumeSize`].
    pub fn bundle_create(&self, me: &Identity, wish: &BundleCreate) -> Result<BundleCreateReport, Error> {
        let mut session = Session::begin(&*self.site.random)?;
        let mut live = self.live()?;
        let peer = self.find_peer(&live, &wish.to)?;
        let now = self.site.clock.now().time;
        let not_after = last_day(wish.expires.as_deref(), now)?;
        // What no medium takes is told before anybody is asked.
        crate::bundle::Plan::new(1, wish.volume, wish.parity.min(100))
            .map_err(|error| Error::new(Code::VolumeSize).with("detail", error))?;
        let rows = self.rows_to_send(&live, &wish.ids)?;
        if let Err((id, denial)) = self.may_send(&live, me, &peer, &rows) {
            let error = self.told(denial).with("id", id);
            drop(live);
            return Err(self.refused(&session, me, Event::DocumentExport, Some(Object::document(id)), error));
        }
        let wrapping = self.wrapping(&live, me, &peer, &rows)?;
        let made = parallel::for_each(rows.len(), WORTH, |at| {
            rows.get(at).map(|row| self.header_for(&wrapping, (at, row)))
        });
        let mut documents = Vec::with_capacity(rows.len());
        let mut headers = Vec::new();
        for (row, header) in rows.iter().zip(made) {
            let header = header.flatten().unwrap_or_else(|| Err(Code::Internal.into()))?;
            documents.push(listed(row, &header));
            headers.extend_from_slice(&header);
        }
        let random = |_| Code::NoRandom;
        let inner = Inner {
            bundle: BundleId(self.site.random.bytes16().map_err(random)?),
            sender: live.roster().vault(),
            receiver: peer.known.vault(),
            random: self.site.random.bytes16().map_err(random)?,
            documents,
        };
        if !inner.is_sound() {
            return Err(Error::new(Code::TooMany).with("size", DOCUMENT_LIMIT));
        }
        let export = Export {
            bundle: inner.bundle,
            receiver: inner.receiver,
            inner: inner.digest(),
            volume: wish.volume,
            parity: wish.parity,
            not_after,
        };
        let grant = decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::Consent))?;
        let asking = Asking {
            wanted: Wanted::Export,
            export: Some(export),
            files: vec![(RequestFile::Inner, inner.print()), (RequestFile::Headers, headers)],
            ..Asking::new(wish.reason.as_deref())
        };
        let asked = self.ask(&mut live, &mut session, me, &grant, asking)?;
        Ok(BundleCreateReport {
            bundle: inner.bundle,
            request: asked.request,
            approvals_needed: asked.approvals_needed,
            releaser_needed: asked.releaser_needed,
            documents: inner.documents.len() as u64,
            bytes: inner.archive_len().unwrap_or(0),
            receiver: inner.receiver,
            receiver_name: peer.known.roster().name.clone(),
            not_after,
        })
    }

    fn rows_to_send(&self, live: &Live, ids: &[String]) -> Result<Vec<Row>, Error> {
        if ids.len() > DOCUMENT_LIMIT {
            return Err(Error::new(Code::TooMany).with("size", DOCUMENT_LIMIT));
        }
        let mut rows: Vec<Row> = Vec::new();
        for id in ids {
            let row = self.resolve(live, id)?;
            if rows.iter().all(|known| known.id != row.id) {
                rows.push(row);
            }
        }
        rows.sort_by_key(|row| row.id);
        Ok(rows)
    }

    /// Everything but the approvals, which are asked for.
    fn may_send(
        &self,
        live: &Live,
        me: &Identity,
        peer: &Admitted,
        rows: &[Row],
    ) -> Result<(), (DocumentId, Denial)> {
        let rules = live.rules(self.machine(live));
        let zone = peer.known.roster().zone;
        for row in rows {
            match decide(&rules, Request::new(me.id(), Action::Export(row.class, zone))) {
                Ok(_) | Err(Denial::Consents { .. }) => {}
                Err(denial) => return Err((row.id, denial)),
            }
            // Titles travel along, under the other vault's key.
            if live.roster().roster().deposit_for.is_none() {
                let _may = decide(&rules, Request::new(me.id(), Action::SeeTitles))
                    .map_err(|denial| (row.id, denial))?;
            }
        }
        Ok(())
    }

    fn wrapping(&self, live: &Live, me: &Identity, peer: &Admitted, rows: &[Row]) -> Result<Wrapping, Error> {
        let transfer = key_of(peer.known.roster(), Purpose::Transfer)?;
        let titles = key_of(peer.known.roster(), Purpose::Catalogue)?;
        let metadata = MetadataSession::start(&titles, &*self.site.random)?;
        let mut wrapping = Wrapping { metas: None, keys: Vec::new(), transfer, metadata };
        if let Some(receiver) = live.roster().roster().deposit_for {
            // What lies in a drop box is sealed for one vault, and nobody here could seal it for another.
            if receiver != peer.known.vault() {
                return Err(Code::DropBox.into());
            }
            return Ok(wrapping);
        }
        let catalogue = Catalogue::unlock(&self.site, &self.context, live, me)?;
        let mut metas = Vec::with_capacity(rows.len());
        for row in rows {
            // Unlocking may just have taken the sealed parts out of all rows: those that were read before it are stale.
            let (_, fresh) =
                live.document(row.id)?.ok_or_else(|| Error::new(Code::NoDocument).with("id", row.id))?;
            let meta = Meta { class: row.class, ..catalogue.meta(&self.context, live, &fresh)? };
            metas.push(meta.print().map_err(|_| Code::TamperedMetadata)?);
            if !wrapping.keys.iter().any(|(class, _)| *class == row.class) {
                wrapping.keys.push((row.class, self.keys_of_class(live, me, row.class)?));
            }
        }
        wrapping.metas = Some(metas);
        Ok(wrapping)
    }

    /// A document's header for the receiver: the same file key, the same payload, the same metadata.
    fn header_for(&self, wrapping: &Wrapping, (at, row): (usize, &Row)) -> Result<Vec<u8>, Error> {
        let known = expected(row);
        let mut file = objects::open(&*self.context.disk, &self.context.layout, row.id)
            .map_err(|error| super::super::release::missing(error, row))?;
        let Some(metas) = &wrapping.metas else {
            let mut header = Vec::new();
            (&mut file).take(row.header_len).read_to_end(&mut header).map_err(crate::agefile::Error::Read)?;
            KnownHeader::parse(&header, &known)?;
            return Ok(header);
        };
        let keys = wrapping.keys.iter().find(|(class, _)| *class == row.class).ok_or(Code::Internal)?;
        let keys: Vec<&dyn Unwrap> = keys.1.iter().map(|key| key as &dyn Unwrap).collect();
        let committed = KnownHeader::read(&mut file, &known)?.unlock(&keys)?.commit(&mut file, &known)?;
        let json = metas.get(at).ok_or(Code::Internal)?;
        let to: [&dyn Wrap; 1] = [&wrapping.transfer];
        let random = &*self.site.random;
        Ok(committed.rewrap_with_meta(&to, &wrapping.metadata, &row.id, json, random)?.bytes)
    }
}

/// The newest public key of another vault for a purpose.
pub(in crate::vault) fn key_of(roster: &Roster, purpose: Purpose) -> Result<Recipient, Error> {
    let (_, key) = roster
        .newest_key(purpose)
        .ok_or_else(|| Error::new(Code::NoTransferKey).with("name", &roster.name))?;
    key.parse().map_err(|_| Error::new(Code::TamperedPeer).with("name", &roster.name))
}

fn listed(row: &Row, header: &[u8]) -> InnerDocument {
    InnerDocument {
        id: row.id,
        class: row.class,
        size: row.size,
        header_len: header.len() as u64,
        header_sha256: Digest::of(header),
        payload_sha256: row.payload_sha256,
        commitment: Commitment(row.commitment),
    }
}

/// The end of the last day.
pub(super) fn last_day(day: Option<&str>, now: Timestamp) -> Result<Timestamp, Error> {
    let Some(day) = day else { return Ok(Timestamp::from_unix_ms(now.unix_ms() + DAYS * DAY_MS)) };
    super::super::member::check_date(day, now)?;
    let begin: Timestamp =
        format!("{day}T00:00:00.000Z").parse().map_err(|_| Error::new(Code::BadDate).with("detail", day))?;
    Ok(Timestamp::from_unix_ms(begin.unix_ms() + DAY_MS))
}
