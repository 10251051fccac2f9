//! One document, and who had it.

use super::catalogue::Catalogue;
use super::list::document_row;
use super::report::{DocumentDetail, HistoryRow, ShowReport};
use super::session::Session;
use super::{Error, Vault};
use crate::access::{Action, Denial, Request};
use crate::encoding::base64;
use crate::id::{DocumentId, SessionId};
use crate::identity::Identity;
use crate::log::entry::{Entry, Event, Object};
use crate::policy::decide;
use crate::sealed::{MetadataKey, WrappedMetadataKey, open_field};
use crate::store::index::Place;
use crate::store::live::Live;

impl Vault {
    /// Shows a document; with `history` every entry about it, oldest first. Title, name and reasons are for a
    /// member who may see titles, which is recorded.
    ///
    /// # Errors
    /// [`Code::NoDocument`](super::Code::NoDocument) and its kin; what keeps the vault from being opened.
    pub fn show(&self, me: Option<&Identity>, id: &str, history: bool) -> Result<ShowReport, Error> {
        let mut live = self.live()?;
        let row = self.resolve(&live, id)?;
        let rules = live.rules(self.machine(&live));
        let see = me.map(|me| (me, decide(&rules, Request::new(me.id(), Action::SeeTitles))));
        let reader = match see {
            None | Some((_, Err(Denial::Titles))) => None,
            Some((me, Ok(_))) => Some(me),
            Some((me, Err(denial))) => {
                drop(live);
                let session = Session::begin(&*self.site.random)?;
                let object = Some(Object::document(row.id));
                return Err(self.refused(&session, me, Event::TitleRead, object, self.told(denial)));
            }
        };
        let Some(me) = reader else {
            let history = history.then(|| self.history(&live, row.id, None)).transpose()?;
            return Ok(self.shown(document_row(&row, None), &row, history));
        };
        let mut session = Session::begin(&*self.site.random)?;
        let intent = self.titles_intent(&mut live, &session, me, Some(Object::document(row.id)))?;
        let catalogue = Catalogue::unlock(&self.site, &self.context, &live, me)?;
        let meta = catalogue.meta(&self.context, &live, &row)?;
        let history = history.then(|| self.history(&live, row.id, Some(&catalogue))).transpose()?;
        let report = self.shown(document_row(&row, Some(meta)), &row, history);
        self.titles_done(&mut live, &mut session, me, intent, 1)?;
        Ok(report)
    }

    fn shown(
        &self,
        document: super::report::DocumentRow,
        row: &crate::store::index::Row,
        history: Option<Vec<HistoryRow>>,
    ) -> ShowReport {
        let document = DocumentDetail {
            row: document,
            payload_sha256: row.payload_sha256,
            header_sha256: row.header_sha256,
            header_len: row.header_len,
            path: self.context.layout.document(row.id),
        };
        ShowReport { document, history }
    }

    fn history(
        &self,
        live: &Live,
        id: DocumentId,
        catalogue: Option<&Catalogue>,
    ) -> Result<Vec<HistoryRow>, Error> {
        let mut rows = Vec::new();
        for place in live.index().entries_about(id)? {
            let entry = live.entry(place)?;
            let reason = catalogue.and_then(|catalogue| reason(live, catalogue, place, &entry));
            let member = entry.actor().id;
            let known = member.and_then(|id| live.roster().roster().member(id));
            rows.push(HistoryRow {
                seq: place.seq,
                epoch: place.epoch,
                time: entry.time(),
                event: entry.event().to_string(),
                phase: entry.phase().to_string(),
                outcome: entry.outcome().to_string(),
                member,
                name: known.map(|member| member.name.clone()),
                reason,
            });
        }
        Ok(rows)
    }
}

/// The reason in an entry, which opens with the session's metadata key; that stands in the session's first entry.
fn reason(live: &Live, catalogue: &Catalogue, place: Place, entry: &Entry) -> Option<String> {
    let sealed = entry.detail().sealed.as_ref()?;
    let key = session_key(live, catalogue, place, entry.session())?;
    let plain = open_field(&key, place.seq, &base64(sealed)).ok()?;
    String::from_utf8(plain.to_vec()).ok()
}

fn session_key(live: &Live, catalogue: &Catalogue, place: Place, session: SessionId) -> Option<MetadataKey> {
    // A session's entries of one append stand side by side, so its first one is not far.
    for seq in (0..=place.seq).rev() {
        let entry = live.entry(Place { seq, ..place }).ok()?;
        if entry.session() != session {
            return None;
        }
        if let Some(wrapped) = &entry.detail().session_key {
            let wrapped = WrappedMetadataKey::decode(wrapped).ok()?;
            return wrapped.unwrap(&catalogue.unwraps()).ok();
        }
    }
    None
}
