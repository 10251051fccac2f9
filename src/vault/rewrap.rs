//! Who can read a document is changed without touching its content: a new header for the keys in force (`rewrap`), or
//! a new file key and with it a new payload (`rekey`).
//!
//! Headers and payloads are made outside the lock, in batches. Each batch is then recorded under it, put in place and
//! indexed: a document has its old header or its new one, and the log says which. A batch that was recorded is done
//! again after a kill; one that was not is swept.

mod pick;
mod way;

use std::collections::HashMap;
use std::collections::hash_map::Entry;

pub(super) use pick::ClassKeys;
pub(super) use way::Way;

use super::catalogue::expected;
use super::report::{FailedRow, RewrapReport, RewrappedRow};
use super::seal::{is_hopeless, refusal};
use super::session::{Session, actor};
use super::{Code, Error, Vault, parallel};
use crate::access::{Consent, Grant, Request};
use crate::agefile::Unwrap;
use crate::answer::{Counted, Progress};
use crate::id::{DocumentId, RequestId, SessionId};
use crate::identity::Identity;
use crate::label::Class;
use crate::log::entry::{Commitment, Draft, Event, Object, Outcome};
use crate::policy::decide;
use crate::roster::Purpose;
use crate::sealed::{Committed, Expected, KnownHeader};
use crate::store::headers::{self, Replacement};
use crate::store::index::Row;
use crate::store::live::Live;
use crate::store::objects;
use crate::store::staging::Staging;

/// A batch ends at this many documents,
const BATCH: usize = 1024;
/// at this many bytes of headers, which are held in memory,
const HEADER_BYTES: u64 = 8 << 20;
/// or at this many bytes of payload that is made anew.
const PAYLOAD_BYTES: u64 = 1 << 30;
/// So many documents are worth a thread.
const WORTH: usize = 8;
/// How often a document is tried again that somebody else changed meanwhile.
const TRIES: u32 = 3;

/// Which documents.
#[derive(Debug, Clone, Default)]
pub struct RewrapRequest {
    /// Ids or their beginnings of at least four characters.
    pub ids: Vec<String>,
    /// Every document, instead of `ids`.
    pub all: bool,
    /// With `all`, documents of this class only.
    pub class: Option<Class>,
    /// Leaves out what was done by this entry or a later one: the way to go on with a run that was
    /// interrupted is the `since` of its report, or of the log's size before it.
    pub since: Option<u64>,
    /// The epoch of that entry; the present one where none is given.
    pub since_epoch: Option<u64>,
}

/// What stays the same for a whole run.
pub(super) struct Run<'a> {
    pub(super) me: &'a Identity,
    pub(super) session: SessionId,
    pub(super) way: Way,
    pub(super) keys: HashMap<Class, ClassKeys>,
    pub(super) staging: &'a Staging,
    pub(super) progress: &'a dyn Progress,
    /// What is to be recorded beside the work: that a request is used up.
    pub(super) request: Option<RequestId>,
    /// Why; kept sealed in the log.
    pub(super) reason: Option<&'a str>,
}

/// What went wrong with which document, as it was.
type Failed = Vec<(Row, Error)>;

/// A document whose new header, or all that is new, waits in the session's folder.
struct Prepared {
    row: Row,
    new: Expected,
    /// The header, where it fits in the place of the old one; otherwise the whole document is staged.
    in_place: Option<Vec<u8>>,
}

impl Vault {
    /// Gives documents new headers, for the class keys in force. Payloads are not touched: a header that fits is replaced
    /// in place, otherwise the document is copied. What fails for one document is in `failed`.
    ///
    /// # Errors
    /// [`Code::NoRole`] and [`Code::NoClearance`], [`Code::NoDocument`] and its kin for a single id, what keeps the
    /// vault from being opened or the log from being written.
    pub fn rewrap(
        &self,
        me: &Identity,
        request: &RewrapRequest,
        progress: &dyn Progress,
    ) -> Result<RewrapReport, Error> {
        self.change_keys(me, request, Way::Rewrap, progress)
    }

    /// Encrypts documents anew, under new file keys: for content whose file key somebody may have kept. It can be
    /// interrupted at any time and gone on with: see [`RewrapRequest::since`].
    ///
    /// # Errors
    /// Those of [`rewrap`](Self::rewrap).
    pub fn rekey(
        &self,
        me: &Identity,
        request: &RewrapRequest,
        progress: &dyn Progress,
    ) -> Result<RewrapReport, Error> {
        self.change_keys(me, request, Way::Rekey, progress)
    }

    pub(super) fn change_keys(
        &self,
        me: &Identity,
        request: &RewrapRequest,
        way: Way,
        progress: &dyn Progress,
    ) -> Result<RewrapReport, Error> {
        let session = Session::begin(&*self.site.random)?;
        let mut live = self.live()?;
        let mut picked = self.pick(&mut live, &session, me, request, way)?;
        let Some(grant) = picked.grant.take() else {
            return match picked.error {
                Some(error) if !request.all && request.ids.len() == 1 => Err(error),
                _ => Ok(picked.report),
            };
        };
        let keys = self.class_keys_for(live.roster().roster(), me, &picked.rows)?;
        let staging = Staging::begin(&self.context.disk, &self.context.layout, session.id(), &grant)?;
        drop(live);
        let run = Run {
            me,
            session: session.id(),
            way,
            keys,
            staging: &staging,
            progress,
            request: None,
            reason: None,
        };
        self.carry_out(&run, picked.rows, &mut picked.report)?;
        Ok(picked.report)
    }

    /// Every row, and what somebody else changed meanwhile once more.
    pub(super) fn carry_out(
        &self,
        run: &Run<'_>,
        mut rows: Vec<Row>,
        report: &mut RewrapReport,
    ) -> Result<(), Error> {
        let payload = rows.iter().map(|row| run.way.payload(row)).sum();
        let bytes = (run.way != Way::Rewrap).then_some(payload);
        run.progress.begin(run.way.stage(), bytes, Some(rows.len() as u64));
        for _ in 0..TRIES {
            rows = self.run_through(run, &rows, report)?;
        }
        for row in rows {
            report.failed.push(FailedRow { source: row.id.to_string(), code: Code::Busy });
        }
        run.progress.end();
        Ok(())
    }

    /// Every row once; gives those that somebody else changed meanwhile, as they are now.
    fn run_through(&self, run: &Run<'_>, rows: &[Row], report: &mut RewrapReport) -> Result<Vec<Row>, Error> {
        let mut again = Vec::new();
        let mut rest = rows;
        while !rest.is_empty() {
            let (batch, after) = rest.split_at(batch_len(rest, run.way));
            rest = after;
            let (prepared, mut failed) = self.prepare_batch(run, batch)?;
            again.extend(self.record_keys(run, prepared, &mut failed, report)?);
            run.staging.discard_journal()?;
            let told = failed.into_iter().map(|(row, error)| (row.id.to_string(), error.code()));
            report.failed.extend(told.map(|(source, code)| FailedRow { source, code }));
        }
        Ok(again)
    }

    /// Makes what is new, on several threads, and puts it where the lock is not needed for it.
    fn prepare_batch(&self, run: &Run<'_>, batch: &[Row]) -> Result<(Vec<Prepared>, Failed), Error> {
        let results = parallel::for_each(batch.len(), WORTH, |at| {
            let prepared = batch.get(at).map(|row| self.prepare(run, row));
            run.progress.advance(0, 1);
            prepared
        });
        let (mut prepared, mut failed) = (Vec::new(), Vec::new());
        for (row, result) in batch.iter().zip(results) {
            match result.flatten().unwrap_or_else(|| Err(Code::Internal.into())) {
                Ok(one) => prepared.push(one),
                Err(error) if is_hopeless(&error) => return Err(error),
                Err(error) => {
                    run.staging.discard(&self.context.layout.document(row.id))?;
                    failed.push((row.clone(), error));
                }
            }
        }
        let journal: Vec<Replacement> = replacements(&prepared);
        if !journal.is_empty() {
            headers::write_journal(run.staging, &journal)?;
        }
        if !prepared.is_empty() {
            run.staging.sync()?;
        }
        Ok((prepared, failed))
    }

    fn prepare(&self, run: &Run<'_>, row: &Row) -> Result<Prepared, Error> {
        // Somebody gave it another class meanwhile; that is no reason to stop the others.
        let keys = run.keys.get(&row.class).ok_or_else(|| Error::new(Code::Busy).with("id", row.id))?;
        let known = expected(row);
        let mut file = objects::open(&*self.context.disk, &self.context.layout, row.id)
            .map_err(|error| super::release::missing(error, row))?;
        let old: Vec<&dyn Unwrap> = keys.old.iter().map(|key| key as &dyn Unwrap).collect();
        let header = KnownHeader::read(&mut file, &known)?;
        let committed: Committed = header.unlock(&old)?.commit(&mut file, &known)?;
        let row = row.clone();
        let mut source = Counted { inner: &mut *file, progress: run.progress };
        let place = self.context.layout.document(row.id);
        if run.way != Way::Rewrap {
            let mut sink = run.staging.create(&place)?;
            let threads = parallel::threads_for(row.size);
            let random = &*self.site.random;
            let new = committed.rekey(&keys.recipients(), random, threads, &mut source, &mut sink)?;
            return Ok(Prepared { row, new: new.expected(), in_place: None });
        }
        let header = committed.rewrap(&keys.recipients())?;
        let len = header.bytes.len() as u64;
        let new = Expected { header_len: len, header_sha256: header.sha256, ..known };
        if len == row.header_len {
            return Ok(Prepared { row, new, in_place: Some(header.bytes) });
        }
        let mut sink = run.staging.create(&place)?;
        committed.copy(&header, &mut source, &mut sink)?;
        Ok(Prepared { row, new, in_place: None })
    }

    /// Decides again under the lock; then record, put in place, index. Gives the rows that have changed since.
    fn record_keys(
        &self,
        run: &Run<'_>,
        prepared: Vec<Prepared>,
        failed: &mut Failed,
        report: &mut RewrapReport,
    ) -> Result<Vec<Row>, Error> {
        if prepared.is_empty() && failed.is_empty() {
            return Ok(Vec::new());
        }
        let mut live = self.live()?;
        let mut again = self.overtaken(&live, failed)?;
        let mut drafts = Vec::new();
        for (row, error) in &*failed {
            let (event, object) = (run.way.event(), Some(Object::document(row.id)));
            drafts.push(refusal(&live, run.session, run.me, event, object, error));
        }
        // Somebody can have refused it meanwhile.
        let asked = run.request.map(|id| self.asked(&live, id)).transpose()?;
        let mut consents = Vec::new();
        if let Some(asked) = &asked {
            self.still_open(asked)?;
            consents = self.consents(asked);
        }
        let (mut ready, mut grants) = (Vec::new(), HashMap::new());
        for one in prepared {
            // What the row says was proven when the work was begun; what matters now is whether there is anything newer.
            let now = live.index().row(one.row.sealed).map_err(crate::store::StoreError::from)?;
            if now.is_none_or(|row| row.newest != one.row.newest) {
                // Destroyed, or changed by somebody else.
                again.extend(live.document(one.row.id)?.map(|(_, row)| row));
                run.staging.discard(&self.context.layout.document(one.row.id))?;
                continue;
            }
            if let Entry::Vacant(slot) = grants.entry(one.row.class) {
                slot.insert(self.still_granted(run, &live, one.row.class, &consents)?);
            }
            drafts.push(self.draft_of(&live, run, &one, drafts.len())?);
            ready.push(one);
        }
        drafts.extend(run.request.filter(|_| !ready.is_empty()).map(|id| {
            let mut used_up = live.draft(Event::RequestDone, Outcome::Ok, run.session);
            used_up.actor = actor(run.me, live.roster().roster());
            used_up.object = Some(Object::request(id));
            used_up
        }));
        match grants.values().next() {
            Some(grant) => self.put_in_place(&mut live, run, grant, drafts, &ready)?,
            None if drafts.is_empty() => {}
            None => live.record_end(drafts, Some(run.me.signing()))?,
        }
        report.documents.extend(ready.iter().map(reported));
        Ok(again)
    }

    /// The entry for a document, with the reason where one was given.
    fn draft_of(&self, live: &Live, run: &Run<'_>, one: &Prepared, at: usize) -> Result<Draft, Error> {
        let mut draft = draft(live, run, one);
        if run.reason.is_some() {
            // The entry carries the session's metadata key itself: it is the only one of its session.
            let mut session = Session::of(run.session);
            let seq = live.ledger().size() + at as u64;
            let roster = live.roster().roster();
            session.seal_reason(&mut draft, seq, run.reason, roster, &*self.site.random)?;
        }
        Ok(draft)
    }

    fn still_granted(
        &self,
        run: &Run<'_>,
        live: &Live,
        class: Class,
        consents: &[Consent],
    ) -> Result<Grant, Error> {
        let keys = run.keys.get(&class).ok_or(Code::Internal)?;
        let roster = live.roster().roster();
        let to = if let Way::Relabel(to) = run.way { to } else { class };
        let in_force = roster.newest_key(Purpose::Class(to)).map(|(_, key)| key);
        if keys.new.first().map(ToString::to_string).as_deref() != in_force {
            return Err(Error::new(Code::Busy).with("holder", "key rotation"));
        }
        let rules = live.rules(self.machine(live));
        let wish = Request {
            reason: run.reason.is_some(),
            consents,
            ..Request::new(run.me.id(), run.way.action(class))
        };
        Ok(decide(&rules, wish)?)
    }

    fn put_in_place(
        &self,
        live: &mut Live,
        run: &Run<'_>,
        grant: &Grant,
        drafts: Vec<Draft>,
        ready: &[Prepared],
    ) -> Result<(), Error> {
        // Once the append was tried, what is staged may be in the log: only the next start may sweep it.
        run.staging.keep();
        let (recorded, entries) = live.record(grant, drafts, Some(run.me.signing()))?;
        let (disk, layout) = (&*self.context.disk, &self.context.layout);
        let in_place = replacements(ready);
        if !in_place.is_empty() {
            headers::replace(disk, layout, &in_place, &recorded)?;
        }
        let whole: Vec<DocumentId> =
            ready.iter().filter(|one| one.in_place.is_none()).map(|one| one.row.id).collect();
        headers::replace_whole(disk, layout, run.session, &whole, &recorded)?;
        live.follow(&entries, &HashMap::new())?;
        run.staging.release();
        Ok(())
    }

    /// Those of the failed whose rows are others by now: they did not fail, they were overtaken.
    fn overtaken(&self, live: &Live, failed: &mut Failed) -> Result<Vec<Row>, Error> {
        let mut again = Vec::new();
        for (row, error) in std::mem::take(failed) {
            match live.document(row.id)? {
                Some((_, now)) if now.newest != row.newest => again.push(now),
                Some(_) => failed.push((row, error)),
                None => {}
            }
        }
        Ok(again)
    }
}

fn batch_len(rows: &[Row], way: Way) -> usize {
    let (mut headers, mut payload) = (0, 0);
    let fits = |row: &&Row| {
        let before = headers < HEADER_BYTES && payload < PAYLOAD_BYTES;
        headers += row.header_len;
        payload += way.payload(row);
        before
    };
    rows.iter().take(BATCH).take_while(fits).count().max(1).min(rows.len())
}

fn replacements(prepared: &[Prepared]) -> Vec<Replacement> {
    let one = |one: &Prepared| {
        let header = one.in_place.clone()?;
        Some(Replacement { id: one.row.id, header })
    };
    prepared.iter().filter_map(one).collect()
}

fn draft(live: &Live, run: &Run<'_>, one: &Prepared) -> Draft {
    let mut draft = live.draft(run.way.event(), Outcome::Ok, run.session);
    draft.actor = actor(run.me, live.roster().roster());
    let mut object = Object::document(one.row.id);
    object.class = Some(run.way.class(&one.row));
    object.commitment = Some(Commitment(one.new.commitment.0.0));
    object.header_len = Some(one.new.header_len);
    object.header_sha256 = Some(one.new.header_sha256);
    object.payload_sha256 = Some(one.new.payload_sha256);
    object.size = Some(one.row.size);
    draft.object = Some(object);
    draft
}

fn reported(one: &Prepared) -> RewrappedRow {
    RewrappedRow {
        id: one.row.id,
        header_sha256: one.new.header_sha256,
        payload_sha256: one.new.payload_sha256,
        in_place: one.in_place.is_some(),
    }
}

#[cfg(test)]
mod tests;
