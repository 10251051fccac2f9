//! Dated exceptions: work with an isolated vault on a machine that is connected, because officers signed for it.

use std::collections::HashMap;

use super::ask::{Asked, Asking, request_draft};
use super::init::sign_text;
use super::report::ExceptionReport;
use super::session::{Session, actor};
use super::{Code, Done, Error, Vault};
use crate::access::{Action, Request};
use crate::crypto::Digest;
use crate::id::{HostId, VaultId};
use crate::identity::Identity;
use crate::log::entry::{Event, Object, Outcome};
use crate::note::{Fields, FieldsReader, SignedNote};
use crate::policy::{Machine, Wanted, decide};
use crate::store::StoreError;
use crate::store::live::Live;
use crate::store::requests::RequestFile;
use crate::store::staging::Staging;
use crate::time::Timestamp;

/// The first line of an exception.
const KIND: &str = "gapvault.exception/v1";
/// Longest note of one.
const NOTE_LIMIT: u64 = 64 * 1024;
/// The longest time that an exception can be given for.
const MOST_DAYS: u64 = 31;
const HOUR_MS: i64 = 60 * 60 * 1000;

/// How long, and why.
#[derive(Debug, Clone)]
pub struct ExceptRequest {
    /// Hours from now on.
    pub hours: u64,
    /// Why; kept sealed in the log.
    pub reason: String,
}

/// What officers sign: this host may, until then.
struct Exception {
    vault: VaultId,
    host: HostId,
    until: Timestamp,
}

impl Exception {
    fn print(&self) -> Option<String> {
        let mut out = Fields::new(KIND);
        out.put("vault", self.vault);
        out.put("host", self.host);
        out.put("until", self.until);
        out.finish().ok()
    }

    fn parse(text: &str) -> Option<Self> {
        let mut fields = FieldsReader::new(text, KIND).ok()?;
        let exception = Self {
            vault: fields.take_as("vault").ok()?,
            host: fields.take_as("host").ok()?,
            until: fields.take_as("until").ok()?,
        };
        fields.finish().ok()?;
        (exception.print()? == text).then_some(exception)
    }
}

impl Vault {
    /// Allows what decrypts on this host for some hours although it is connected, or asks the other officers.
    ///
    /// # Errors
    /// [`Code::NoRole`] unless the caller is an officer, [`Code::BadDate`] for more than 31 days.
    pub fn except(&self, me: &Identity, request: &ExceptRequest) -> Result<Done<ExceptionReport>, Error> {
        let mut session = Session::begin(&*self.site.random)?;
        let mut live = self.live()?;
        let grant = match decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::Except)) {
            Ok(grant) => grant,
            Err(denial) => {
                let object = Some(Object::host(live.host_id()));
                drop(live);
                return Err(self.refused(&session, me, Event::ZoneExcept, object, denial.into()));
            }
        };
        let hours = i64::try_from(request.hours).unwrap_or(i64::MAX);
        if !(1..=MOST_DAYS * 24).contains(&request.hours) {
            return Err(Error::new(Code::BadDate).with("detail", format!("{hours} h")));
        }
        let until = Timestamp::from_unix_ms(self.site.clock.now().time.unix_ms() + hours * HOUR_MS);
        let exception = Exception { vault: live.roster().vault(), host: live.host_id(), until };
        let note = sign_text(&exception.print().ok_or(Code::Internal)?, me)?;
        if !self.is_signed_enough(&live, &note) {
            let files = vec![(RequestFile::Proposed(me.id()), note.print().into_bytes())];
            let asking = Asking {
                wanted: Wanted::Exception,
                note: Some(note.digest()),
                files,
                ..Asking::new(Some(&request.reason))
            };
            return Ok(Done::Asked(Box::new(self.ask(&mut live, &mut session, me, &grant, asking)?)));
        }
        self.publish_exception(&mut live, &mut session, me, &note, Some(&request.reason), None)?;
        Ok(Done::Done(ExceptionReport { host: exception.host, until }))
    }

    /// Puts an exception in force that enough officers have signed.
    pub(super) fn settle_exception(
        &self,
        live: &mut Live,
        session: &mut Session,
        me: &Identity,
        asked: &Asked,
    ) -> Result<(), Error> {
        let note = asked.proposed.as_ref();
        let tampered = || Error::new(Code::TamperedRequest).with("id", asked.ask.id);
        let note = note.ok_or_else(tampered)?;
        let exception = Exception::parse(note.text()).ok_or_else(tampered)?;
        if !is_bounded(asked.ask.created, exception.until) {
            return Err(tampered());
        }
        if self.is_signed_enough(live, note) {
            self.publish_exception(live, session, me, note, None, Some(asked))?;
        }
        Ok(())
    }

    fn publish_exception(
        &self,
        live: &mut Live,
        session: &mut Session,
        me: &Identity,
        note: &SignedNote,
        reason: Option<&str>,
        asked: Option<&Asked>,
    ) -> Result<(), Error> {
        let grant = decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::Except))?;
        let place = self.context.layout.exception(note.digest());
        let staging = Staging::begin(&self.context.disk, &self.context.layout, session.id(), &grant)?;
        staging.create_new(&place)?.put(note.print().as_bytes())?;
        staging.sync()?;
        let roster = live.roster().roster().clone();
        let mut draft = live.draft(Event::ZoneExcept, Outcome::Ok, session.id());
        draft.actor = actor(me, &roster);
        draft.object = Exception::parse(note.text()).map(|exception| Object::host(exception.host));
        draft.detail.note_sha256 = Some(note.digest());
        let seq = live.ledger().size();
        session.seal_reason(&mut draft, seq, reason, &roster, &*self.site.random)?;
        let mut drafts = vec![draft];
        drafts.extend(asked.map(|asked| request_draft(live, session, me, Event::RequestDone, asked.ask.id)));
        self.land(live, &staging, &grant, me, (drafts, &[place]))
    }

    /// Whether officers of the roster in force allowed this host to be connected now.
    pub(super) fn is_excepted(&self, live: &Live) -> bool {
        self.exception(live).is_some()
    }

    /// Until when this host may be connected.
    pub(super) fn exception(&self, live: &Live) -> Option<Timestamp> {
        let now = self.site.clock.now().time;
        let logged = logged(live).ok()?;
        let names = self.site.disk.list_dir(&self.context.layout.exceptions()).ok()?;
        let of = |name: &std::ffi::OsString| {
            let path = self.context.layout.exceptions().join(name);
            let note = SignedNote::parse(&self.site.disk.read(&path, NOTE_LIMIT).ok()?).ok()?;
            let exception = Exception::parse(note.text())?;
            let ours = exception.vault == live.roster().vault() && exception.host == live.host_id();
            let on_record =
                logged.get(&note.digest()).is_some_and(|given| is_bounded(*given, exception.until));
            // Whatever the log says of when it was given, and nobody may have signed for that.
            let lasts = now < exception.until && is_bounded(now, exception.until);
            let holds = ours && on_record && lasts && self.is_signed_enough(live, &note);
            holds.then_some(exception.until)
        };
        names.iter().filter_map(of).max()
    }
}

/// Whether an exception lasts no longer than one may.
fn is_bounded(given: Timestamp, until: Timestamp) -> bool {
    let most = i64::try_from(MOST_DAYS * 24).unwrap_or(i64::MAX) * HOUR_MS;
    until.unix_ms().saturating_sub(given.unix_ms()) <= most
}

/// Exceptions that the log knows of, and since when: one that was only put there counts for nothing.
fn logged(live: &Live) -> Result<HashMap<Digest, Timestamp>, Error> {
    let mut logged = HashMap::new();
    for place in live.index().places_of_event(Event::ZoneExcept.as_str()).map_err(StoreError::from)? {
        let entry = live.entry(place)?;
        if entry.event() == Event::ZoneExcept && entry.outcome() == Outcome::Ok {
            logged.extend(entry.detail().note_sha256.map(|digest| (digest, entry.time())));
        }
    }
    Ok(logged)
}
