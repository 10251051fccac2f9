//! What is there.

use std::sync::mpsc;
use std::thread;

use super::catalogue::Catalogue;
use super::report::{DocumentRow, ListReport};
use super::session::{Session, actor};
use super::{Code, Error, Vault};
use crate::access::{Action, Denial, Request};
use crate::document::Meta;
use crate::identity::Identity;
use crate::label::Class;
use crate::log::entry::{Event, Object, Outcome, Phase};
use crate::policy::decide;
use crate::store::StoreError;
use crate::store::index::{IndexError, Row, RowStep};
use crate::store::live::Live;

/// Which documents.
#[derive(Debug, Clone, Default)]
pub struct ListRequest {
    /// Of this class only.
    pub class: Option<Class>,
    /// With this text in title, name or path, upper and lower case alike. Needs the title right.
    pub find: Option<String>,
}

/// A document's row for people and scripts.
pub(super) fn document_row(row: &Row, meta: Option<Meta>) -> DocumentRow {
    let relative_path = meta.as_ref().and_then(Meta::path_for_people);
    let (title, name) = meta.map(|meta| (meta.title, meta.name.into_lossy())).unzip();
    let title = title.flatten().or_else(|| name.clone());
    DocumentRow {
        id: row.id,
        class: row.class,
        title,
        name,
        relative_path,
        size: row.size,
        sealed_at: row.sealed_at,
        sealed_by: row.sealed_by,
    }
}

impl Vault {
    /// Lists documents in the order of sealing; with titles for a member who may see them, which is recorded.
    ///
    /// # Errors
    /// What keeps the vault from being opened; with titles also the log from being written; for a search by what
    /// titles say [`Code::NoIdentity`], [`Code::NotAMember`], [`Code::NoTitleRight`].
    pub fn list(&self, me: Option<&Identity>, request: &ListRequest) -> Result<ListReport, Error> {
        let mut live = self.live()?;
        let Some(me) = me else {
            // What titles say can be searched by nobody in particular.
            return if request.find.is_none() {
                rows(&live, None, request)
            } else {
                Err(Code::NoIdentity.into())
            };
        };
        let rules = live.rules(self.machine(&live));
        match decide(&rules, Request::new(me.id(), Action::SeeTitles)) {
            Ok(_) => {}
            Err(Denial::Titles) if request.find.is_none() => return rows(&live, None, request),
            Err(denial) => {
                drop(live);
                let session = Session::begin(&*self.site.random)?;
                return Err(self.refused(&session, me, Event::TitleRead, None, self.told(denial)));
            }
        }
        let mut session = Session::begin(&*self.site.random)?;
        let intent = self.titles_intent(&mut live, &session, me, None)?;
        let catalogue = Catalogue::unlock(&self.site, &self.context, &live, me)?;
        catalogue.fold(&self.site, &self.context, &live)?;
        let report = rows(&live, Some(&catalogue), request)?;
        self.titles_done(&mut live, &mut session, me, intent, report.documents.len() as u64)?;
        Ok(report)
    }

    /// Records that titles are about to be seen: of one document, or of all.
    pub(super) fn titles_intent(
        &self,
        live: &mut Live,
        session: &Session,
        me: &Identity,
        object: Option<Object>,
    ) -> Result<u64, Error> {
        let roster = live.roster().roster().clone();
        let rules = live.rules(self.machine(live));
        let grant = decide(&rules, Request::new(me.id(), Action::SeeTitles))?;
        let mut draft = live.draft(Event::TitleRead, Outcome::Ok, session.id());
        draft.actor = actor(me, &roster);
        draft.phase = Phase::Intent;
        draft.object = object;
        let (recorded, entries) = live.record(&grant, vec![draft], Some(me.signing()))?;
        live.follow(&entries, &std::collections::HashMap::new())?;
        Ok(recorded.first())
    }

    /// Records how many were seen.
    pub(super) fn titles_done(
        &self,
        live: &mut Live,
        session: &mut Session,
        me: &Identity,
        intent: u64,
        count: u64,
    ) -> Result<(), Error> {
        let mut draft = live.draft(Event::TitleRead, Outcome::Ok, session.id());
        draft.actor = actor(me, live.roster().roster());
        draft.phase = Phase::Done;
        draft.closes = Some(intent);
        draft.detail.count = Some(count);
        Ok(live.record_end(vec![draft], Some(me.signing()))?)
    }
}

/// How many steps of rows may wait for the thread that decrypts.
const WAITING: usize = 4;

/// One thread reads the index, another decrypts and picks: each takes about as long as the other.
fn rows(live: &Live, catalogue: Option<&Catalogue>, request: &ListRequest) -> Result<ListReport, Error> {
    let wanted = request.find.as_ref().map(|text| text.to_lowercase());
    let want = Want { catalogue, class: request.class, text: wanted.as_deref() };
    let (to, from) = mpsc::sync_channel::<RowStep>(WAITING);
    let (visited, picked) = thread::scope(|scope| {
        let picker = scope.spawn(move || want.pick(from));
        // Sending fails only once the picker has failed, whose error is the one that is told.
        let gone = |_| IndexError::Damaged("unreadable row".to_owned());
        let visited = live.index().for_each_step(|step| to.send(step).map_err(gone));
        drop(to);
        (visited, picker.join().unwrap_or_else(|_| Err(Code::Internal.into())))
    });
    let documents = picked?;
    visited.map_err(StoreError::from)?;
    Ok(ListReport { documents })
}

/// What is listed.
#[derive(Clone, Copy)]
struct Want<'a> {
    catalogue: Option<&'a Catalogue>,
    class: Option<Class>,
    text: Option<&'a str>,
}

impl Want<'_> {
    fn pick(self, steps: mpsc::Receiver<RowStep>) -> Result<Vec<DocumentRow>, Error> {
        let mut documents = Vec::new();
        for step in steps {
            for row in step.rows() {
                let row = row.map_err(StoreError::from)?;
                documents.extend(self.row(&row)?);
            }
        }
        Ok(documents)
    }

    /// A row as the caller may see it, if it is among the wanted ones.
    fn row(self, row: &Row) -> Result<Option<DocumentRow>, Error> {
        if self.class.is_some_and(|class| class != row.class) {
            return Ok(None);
        }
        let catalogue = self.catalogue.filter(|_| !row.private.is_empty());
        let meta = catalogue.map(|open| open.open(row)).transpose()?;
        let found = self.text.is_none_or(|text| meta.as_ref().is_some_and(|meta| matches(meta, text)));
        Ok(found.then(|| document_row(row, meta)))
    }
}

fn matches(meta: &Meta, text: &str) -> bool {
    let texts = [meta.title.clone(), Some(meta.name.lossy()), meta.path_for_people()];
    texts.into_iter().flatten().any(|known| known.to_lowercase().contains(text))
}
