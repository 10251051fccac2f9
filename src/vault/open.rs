//! Documents out again. Intents are recorded before the first byte is released, ends after the last.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::ask::{Asked, Asking, request_draft};
use super::catalogue::Catalogue;
use super::release::Releasing;
use super::report::{FailedRow, OpenReport, OpenedRow, RequestReport};
use super::seal::refusal;
use super::session::{Session, actor};
use super::{Code, Error, Vault, keys};
use crate::access::{Action, Grant, Recorded, Request};
use crate::agefile;
use crate::answer::{Progress, Stage};
use crate::crypto::Digest;
use crate::document::Meta;
use crate::id::DocumentId;
use crate::identity::Identity;
use crate::label::Class;
use crate::log::entry::{Draft, Event, Object, Outcome, Phase};
use crate::policy::{self, Machine, decide};
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
    /// The request that others have approved, where the policy wants that.
    pub request: Option<String>,
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

/// The keys of each class that is wanted, the newest first, or why the member cannot get at it.
type ClassKeys = Vec<(Class, Result<Vec<agefile::Identity>, Error>)>;

/// What was found out about the ids before anything is recorded.
#[derive(Default)]
struct Sorted {
    wanted: Vec<Wanted>,
    grant: Option<Grant>,
    refused: Vec<(String, Option<DocumentId>, Error)>,
    /// Documents that others have to approve of first.
    unapproved: Vec<(DocumentId, Digest)>,
    /// The request that others have approved.
    asked: Option<Asked>,
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
        let asked = self.ask_to_open(&mut live, &mut session, me, &request, &sorted)?;
        let recorded = self.record_intents(&mut live, &mut session, me, &request, &mut sorted)?;
        let keys = self.class_keys(&live, me, &sorted)?;
        drop(live);

        let mut report = OpenReport { request: asked, ..Default::default() };
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
        let rules = live.rules(self.machine(live));
        let reason = request.reason.is_some();
        // Names and times come along where nothing keeps them back.
        let catalogue = decide(&rules, Request::new(me.id(), Action::SeeTitles))
            .is_ok()
            .then(|| Catalogue::unlock(&self.site, &self.context, live, me))
            .transpose()?;
        let asked = request.request.as_ref().map(|id| self.request_to_open(live, me, id)).transpose()?;
        let approved = asked.as_ref().map(|asked| self.consents(asked)).unwrap_or_default();
        let mut sorted = Sorted { asked, ..Default::default() };
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
            let mut unapproved = None;
            let allowed = found.and_then(|row| {
                let about = (row.id, row.payload_sha256);
                let named = sorted.asked.as_ref().is_some_and(|asked| asked.ask.objects.contains(&about));
                let consents = if named { approved.as_slice() } else { &[] };
                let wish = Request { reason, consents, ..Request::new(me.id(), Action::Open(row.class)) };
                unapproved = Some(about);
                Ok((decide(&rules, wish).map_err(|denial| self.told(denial).with("id", row.id))?, row))
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
                // What is too much for one request is told, and the others come out.
                Err(error)
                    if error.code() == Code::ApprovalsMissing
                        && request.request.is_none()
                        && sorted.unapproved.len() < policy::OBJECT_LIMIT =>
                {
                    sorted.unapproved.extend(unapproved);
                }
                Err(error) => sorted.refused.push((source, id, error)),
            }
        }
        Ok(sorted)
    }

    /// A request of the member's own to open documents, that is not over.
    fn request_to_open(&self, live: &Live, me: &Identity, id: &str) -> Result<Asked, Error> {
        let asked = self.find_request(live, id)?;
        self.still_open(&asked)?;
        if asked.ask.wanted == policy::Wanted::Open && asked.ask.requester == me.id() {
            Ok(asked)
        } else {
            Err(Error::new(Code::OtherRequest).with("id", asked.ask.id))
        }
    }

    /// Asks others to approve of what the policy does not let out without them.
    fn ask_to_open(
        &self,
        live: &mut Live,
        session: &mut Session,
        me: &Identity,
        request: &OpenRequest<'_>,
        sorted: &Sorted,
    ) -> Result<Option<RequestReport>, Error> {
        if sorted.unapproved.is_empty() {
            return Ok(None);
        }
        let grant = decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::Consent))?;
        let asking = Asking {
            wanted: policy::Wanted::Open,
            objects: sorted.unapproved.clone(),
            ..Asking::new(request.reason.as_deref())
        };
        self.ask(live, session, me, &grant, asking).map(Some)
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
        // What others have approved of is used up when something of it comes out, and not by what needs nobody.
        let named = |asked: &&Asked| {
            let about = |wanted: &Wanted| (wanted.row.id, wanted.row.payload_sha256);
            sorted.wanted.iter().any(|wanted| asked.ask.objects.contains(&about(wanted)))
        };
        let used_up = sorted.asked.as_ref().filter(named).map(|asked| asked.ask.id);
        drafts.extend(used_up.map(|id| request_draft(live, session, me, Event::RequestDone, id)));
        let (recorded, entries) = live.record(grant, drafts, Some(me.signing()))?;
        live.follow(&entries, &std::collections::HashMap::new())?;
        Ok(Some(recorded))
    }

    fn class_keys(&self, live: &Live, me: &Identity, sorted: &Sorted) -> Result<ClassKeys, Error> {
        let mut keys = ClassKeys::new();
        for wanted in &sorted.wanted {
            let class = wanted.row.class;
            if !keys.iter().any(|(known, _)| *known == class) {
                keys.push((class, self.keys_of_class(live, me, class)));
            }
        }
        Ok(keys)
    }

    /// A document that waits for its new header is under an older key.
    pub(super) fn keys_of_class(
        &self,
        live: &Live,
        me: &Identity,
        class: Class,
    ) -> Result<Vec<agefile::Identity>, Error> {
        let purpose = Purpose::Class(class);
        let keys = keys::every(&self.site, &self.context, live.roster().roster(), me, purpose);
        keys.map_err(|error| keys::awaited(live, me, purpose, error))
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
        let keys = match keys.iter().find(|(class, _)| *class == row.class) {
            Some((_, Ok(keys))) => keys,
            Some((class, Err(error))) => return Err(Error::new(error.code()).with("name", class)),
            None => return Err(Code::Internal.into()),
        };
        let releasing = Releasing { context: &self.context, row, keys, progress };
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
