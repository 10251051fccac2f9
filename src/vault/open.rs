//! Documents out again. Intents are recorded before the first byte is released, ends after the last.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::catalogue::{Catalogue, may_see};
use super::progress::{Progress, Stage};
use super::release::Releasing;
use super::report::{FailedRow, OpenReport, OpenedRow};
use super::seal::refusal;
use super::session::{Session, actor};
use super::{Code, Error, Vault, keys};
use crate::access::{Action, Grant, Recorded, Request};
use crate::agefile;
use crate::document::Meta;
use crate::id::DocumentId;
use crate::identity::Identity;
use crate::label::Class;
use crate::log::entry::{Draft, Event, Object, Outcome, Phase};
use crate::policy::decide;
use crate::roster::Purpose;
use crate::store::index::Row;
use crate::store::live::Live;

/// Which documents, and where to.
pub struct OpenRequest<'a> {
    /// Ids or their beginnings of at least four characters.
    pub ids: Vec<String>,
    /// Every document that the member may open, instead of `ids`.
    pub all: bool,
    /// Where the plaintext goes.
    pub to: OpenTo<'a>,
    /// Why; kept sealed in the log.
    pub reason: Option<String>,
}

/// Where plaintext goes.
pub enum OpenTo<'a> {
    /// A new file, for one document.
    File(PathBuf),
    /// A folder, with each document's own path beneath it.
    Into(PathBuf),
    /// A stream, for one document.
    Stream(&'a mut (dyn Write + Send)),
}

/// The folder that a name stands in; a bare name stands in the current one.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// A document that the member may open.
struct Wanted {
    row: Row,
    meta: Option<Meta>,
    intent: u64,
}

/// The key of each class that is wanted, or why the member cannot get at it.
type ClassKeys = Vec<(Class, Result<agefile::Identity, Error>)>;

/// What was found out about the ids before anything is recorded.
#[derive(Default)]
struct Sorted {
    wanted: Vec<Wanted>,
    grant: Option<Grant>,
    refused: Vec<(String, Option<DocumentId>, Error)>,
}

impl Vault {
    /// Releases documents. With several, one that is refused or damaged is in `failed`, and the others come out.
    ///
    /// # Errors
    /// For a single document its own: [`Code::NoDocument`], [`Code::NoClearance`], the `tampered` ones,
    /// [`Code::Exists`]. For all: what keeps the vault from being opened or the log from being written.
    pub fn open(
        &self,
        me: &Identity,
        request: OpenRequest<'_>,
        progress: &dyn Progress,
    ) -> Result<OpenReport, Error> {
        self.check_target(&request)?;
        let single = !request.all && request.ids.len() == 1;
        let mut session = Session::begin(&*self.site.random)?;
        let mut live = self.live()?;
        let mut sorted = self.sort_out(&live, me, &request)?;
        self.record_refused(&mut live, &session, me, &sorted)?;
        let recorded = self.record_intents(&mut live, &mut session, me, &request, &mut sorted)?;
        let keys = self.class_keys(&live, me, &sorted)?;
        drop(live);

        let mut report = OpenReport::default();
        let mut first_error = None;
        for (source, _, error) in sorted.refused {
            report.failed.push(FailedRow { source, code: error.code() });
            first_error.get_or_insert(error);
        }
        let mut ends: Vec<(DocumentId, u64, Result<(), Code>)> = Vec::new();
        if let Some(recorded) = recorded {
            let bytes = sorted.wanted.iter().map(|wanted| wanted.row.size).sum();
            progress.begin(Stage::Opening, Some(bytes), Some(sorted.wanted.len() as u64));
            let mut to = request.to;
            for wanted in &sorted.wanted {
                let done = self.release_newest(wanted, &keys, &mut to, progress, &recorded);
                progress.advance(0, 1);
                ends.push((wanted.row.id, wanted.intent, done.as_ref().map(|_| ()).map_err(Error::code)));
                match done {
                    Ok(row) => report.documents.push(row),
                    Err(error) => {
                        let source = wanted.row.id.to_string();
                        report.failed.push(FailedRow { source, code: error.code() });
                        first_error.get_or_insert(error);
                    }
                }
            }
            progress.end();
            self.record_ends(&session, me, &ends)?;
        }
        match first_error {
            Some(error) if single => Err(error),
            _ => Ok(report),
        }
    }

    /// What can be refused before anything is looked at.
    fn check_target(&self, request: &OpenRequest<'_>) -> Result<(), Error> {
        let several = request.all || request.ids.len() != 1;
        match &request.to {
            OpenTo::Into(folder) => {
                // A folder that is still to be made lies where its parent lies.
                let real = folder.canonicalize().or_else(|_| parent(folder).canonicalize());
                if real.is_ok_and(|real| real.starts_with(self.folder())) {
                    return Err(Error::new(Code::InsideVault).with("path", folder.display()));
                }
                if !self.site.disk.exists(folder)? {
                    self.site.disk.create_dir(folder)?;
                    self.site.disk.sync_dir(parent(folder))?;
                }
                Ok(())
            }
            _ if several => Err(Error::new(Code::Usage).with("detail", "--into")),
            OpenTo::File(path) => {
                if parent(path).canonicalize().is_ok_and(|real| real.starts_with(self.folder())) {
                    return Err(Error::new(Code::InsideVault).with("path", path.display()));
                }
                if self.site.disk.exists(path)? {
                    return Err(Error::new(Code::Exists).with("path", path.display()));
                }
                Ok(())
            }
            OpenTo::Stream(_) => Ok(()),
        }
    }

    fn sort_out(&self, live: &Live, me: &Identity, request: &OpenRequest<'_>) -> Result<Sorted, Error> {
        let roster = live.roster().roster();
        let catalogue = may_see(roster, me)
            .then(|| Catalogue::unlock(&self.site, &self.context, live, me))
            .transpose()?;
        let mut sorted = Sorted::default();
        let mut rows = Vec::new();
        if request.all {
            let visited = live.index().for_each_row(|row| {
                rows.push(row.id.to_string());
                Ok(())
            });
            visited.map_err(crate::store::StoreError::from)?;
        } else {
            rows.clone_from(&request.ids);
        }
        for source in rows {
            let found = self.resolve(live, &source);
            let id = found.as_ref().ok().map(|row| row.id);
            let allowed = found.and_then(|row| {
                let wish = Request { member: me.id(), action: Action::Open(row.class) };
                Ok((decide(roster, wish).map_err(|denial| Error::from(denial).with("id", row.id))?, row))
            });
            match allowed {
                Ok((grant, row)) => {
                    let meta = catalogue
                        .as_ref()
                        .map(|catalogue| catalogue.meta(&self.context, live, &row))
                        .transpose();
                    match meta {
                        Ok(meta) => sorted.wanted.push(Wanted { row, meta, intent: 0 }),
                        Err(error) => sorted.refused.push((source, id, error)),
                    }
                    sorted.grant = Some(grant);
                }
                // With `all`, what the member may not open was not asked for.
                Err(error) if request.all && error.code() == Code::NoClearance => {}
                Err(error) => sorted.refused.push((source, id, error)),
            }
        }
        Ok(sorted)
    }

    /// The row of the document that an id or its beginning means.
    pub(super) fn resolve(&self, live: &Live, text: &str) -> Result<Row, Error> {
        let hex = text.bytes().all(|digit| digit.is_ascii_digit() || (b'a'..=b'f').contains(&digit));
        if !hex || !(4..=32).contains(&text.len()) {
            return Err(Error::new(Code::ShortId).with("id", text));
        }
        match live.index().documents_with_prefix(text)?.as_slice() {
            [] => Err(Error::new(Code::NoDocument).with("id", text)),
            [id] => match live.document(*id)? {
                Some((_, row)) => Ok(row),
                None => Err(Error::new(Code::Destroyed).with("id", id)),
            },
            _ => Err(Error::new(Code::AmbiguousId).with("id", text)),
        }
    }

    fn record_refused(
        &self,
        live: &mut Live,
        session: &Session,
        me: &Identity,
        sorted: &Sorted,
    ) -> Result<(), Error> {
        let drafts: Vec<Draft> = sorted
            .refused
            .iter()
            .map(|(_, id, error)| {
                refusal(live, session.id(), me, Event::DocumentOpen, id.map(Object::document), error)
            })
            .collect();
        if drafts.is_empty() { Ok(()) } else { Ok(live.record_end(drafts, Some(me.signing()))?) }
    }

    fn record_intents(
        &self,
        live: &mut Live,
        session: &mut Session,
        me: &Identity,
        request: &OpenRequest<'_>,
        sorted: &mut Sorted,
    ) -> Result<Option<Recorded>, Error> {
        let Some(grant) = &sorted.grant else { return Ok(None) };
        if sorted.wanted.is_empty() {
            return Ok(None);
        }
        let roster = live.roster().roster().clone();
        let first = live.ledger().size();
        let mut drafts = Vec::with_capacity(sorted.wanted.len());
        for (wanted, seq) in sorted.wanted.iter_mut().zip(first..) {
            wanted.intent = seq;
            let mut draft = live.draft(Event::DocumentOpen, Outcome::Ok, session.id());
            draft.actor = actor(me, &roster);
            draft.phase = Phase::Intent;
            let mut object = Object::document(wanted.row.id);
            object.class = Some(wanted.row.class);
            draft.object = Some(object);
            session.seal_reason(&mut draft, seq, request.reason.as_deref(), &roster, &*self.site.random)?;
            drafts.push(draft);
        }
        let (recorded, entries) = live.record(grant, drafts, Some(me.signing()))?;
        live.follow(&entries, &std::collections::HashMap::new())?;
        Ok(Some(recorded))
    }

    fn class_keys(&self, live: &Live, me: &Identity, sorted: &Sorted) -> Result<ClassKeys, Error> {
        let roster = live.roster().roster();
        let mut keys = ClassKeys::new();
        for wanted in &sorted.wanted {
            let class = wanted.row.class;
            if !keys.iter().any(|(known, _)| *known == class) {
                keys.push((
                    class,
                    keys::newest(&self.site, &self.context, roster, me, Purpose::Class(class)),
                ));
            }
        }
        Ok(keys)
    }

    /// Releases a document whose header somebody may replace meanwhile: what does not fit the log as it was is looked up
    /// again, under the lock, and is damage only when nothing has changed since.
    fn release_newest(
        &self,
        wanted: &Wanted,
        keys: &ClassKeys,
        to: &mut OpenTo<'_>,
        progress: &dyn Progress,
        recorded: &Recorded,
    ) -> Result<OpenedRow, Error> {
        let mut row = wanted.row.clone();
        loop {
            let error = match self.release((wanted, &row), keys, to, progress, recorded) {
                Err(error) if error.code().exit() == 6 => error,
                done => return done,
            };
            let now = self.live().ok().and_then(|live| live.document(row.id).ok().flatten());
            match now {
                Some((_, now)) if now.newest != row.newest => row = now,
                _ => return Err(error),
            }
        }
    }

    fn release(
        &self,
        (wanted, row): (&Wanted, &Row),
        keys: &ClassKeys,
        to: &mut OpenTo<'_>,
        progress: &dyn Progress,
        recorded: &Recorded,
    ) -> Result<OpenedRow, Error> {
        let id = row.id;
        let key = match keys.iter().find(|(class, _)| *class == row.class) {
            Some((_, Ok(key))) => key,
            Some((class, Err(error))) => return Err(Error::new(error.code()).with("name", class)),
            None => return Err(Code::Internal.into()),
        };
        let releasing = Releasing { context: &self.context, row, key, progress };
        let modified = wanted.meta.as_ref().and_then(|meta| meta.modified);
        let released = match to {
            OpenTo::File(path) => {
                releasing.to_file(path, modified, recorded).map(|size| (Some(path.clone()), size))
            }
            OpenTo::Into(folder) => releasing
                .beneath(folder, wanted.meta.as_ref(), recorded)
                .map(|(path, size)| (Some(path), size)),
            OpenTo::Stream(sink) => releasing.to_stream(*sink, recorded).map(|size| (None, size)),
        };
        let (path, size) = released.map_err(|error| error.with("id", id))?;
        Ok(OpenedRow { id, path, size })
    }

    fn record_ends(
        &self,
        session: &Session,
        me: &Identity,
        ends: &[(DocumentId, u64, Result<(), Code>)],
    ) -> Result<(), Error> {
        let mut live = self.live()?;
        let drafts = ends
            .iter()
            .map(|(id, intent, done)| {
                let outcome = if done.is_ok() { Outcome::Ok } else { Outcome::Failed };
                let mut draft = live.draft(Event::DocumentOpen, outcome, session.id());
                draft.actor = actor(me, live.roster().roster());
                draft.phase = Phase::Done;
                draft.closes = Some(*intent);
                draft.object = Some(Object::document(*id));
                draft.reason = done.err().and_then(|code| code.as_str().parse().ok());
                draft
            })
            .collect();
        Ok(live.record_end(drafts, Some(me.signing()))?)
    }
}
