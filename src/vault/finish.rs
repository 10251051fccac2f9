//! What follows a change of keys: members who lack them, documents under older ones, old keys that nobody needs. It can be
//! interrupted and done again: what is missing is found by looking.

use super::change::wrap_draft;
use super::report::KeyReport;
use super::revoke::Leaving;
use super::rewrap::{RewrapRequest, Way};
use super::session::{Session, actor};
use super::{Code, Done, Error, Vault, keys};
use crate::access::{Action, Request};
use crate::answer::Progress;
use crate::id::MemberId;
use crate::identity::Identity;
use crate::label::Class;
use crate::log::entry::{Draft, Event, Object, ObjectKind, Outcome};
use crate::policy::{Machine, decide};
use crate::roster::{KeyName, Member, Purpose};
use crate::store::StoreError;
use crate::store::index::{Place, Row};
use crate::store::live::Live;
use crate::store::rosters;
use crate::store::staging::Staging;
use crate::time::Timestamp;

impl Vault {
    /// Does what waits for somebody who holds keys: revokes whose last day is over, wraps keys to members who lack them, and gives documents headers for the
    /// newest keys. Can be interrupted and run again at any time.
    ///
    /// # Errors
    /// What keeps the vault from being opened or the log from being written.
    pub fn key_finish(
        &self,
        me: &Identity,
        rekey: bool,
        progress: &dyn Progress,
    ) -> Result<KeyReport, Error> {
        if let Some(report) = self.see_off(me, rekey, progress)? {
            return Ok(report);
        }
        let mut report = KeyReport::default();
        let session = Session::begin(&*self.site.random)?;
        let mut live = self.live()?;
        report.wrapped = self.wrap_missing(&mut live, &session, me)?;
        let mut done = Vec::new();
        let way = if rekey { Way::Rekey } else { Way::Rewrap };
        for class in Class::ALL.iter().copied() {
            let Some((name, since)) = self.generation_since(&live, Purpose::Class(class))? else { continue };
            let waiting = stale(&live, class, since, way)?;
            let may = decide(&live.rules(self.machine(&live)), Request::new(me.id(), Action::Rewrap(class)));
            match may {
                Ok(_) if waiting > 0 => {}
                Ok(_) => {
                    done.push(name);
                    continue;
                }
                Err(crate::access::Denial::Connected) if waiting > 0 => {
                    drop(live);
                    let error = self.told(crate::access::Denial::Connected);
                    return Err(self.refused(&session, me, way.event(), None, error));
                }
                Err(_) => {
                    report.waiting += waiting;
                    continue;
                }
            }
            drop(live);
            let request = RewrapRequest {
                all: true,
                class: Some(class),
                since: Some(since.place.seq),
                since_epoch: Some(since.place.epoch),
                ..Default::default()
            };
            let changed = self.change_keys(me, &request, way, progress)?;
            let count = changed.documents.len() as u64;
            if rekey {
                report.rekeyed += count
            } else {
                report.rewrapped += count
            }
            let failed = changed.failed.is_empty();
            report.failed.extend(changed.failed);
            live = self.live()?;
            if failed && stale(&live, class, since, Way::Rewrap)? == 0 {
                done.push(name);
            }
        }
        self.say_finished(&mut live, &session, me, &done)?;
        let now = self.site.clock.now().time;
        report.keys_waiting = keys::missing(&self.context, &live, live.roster().roster(), now)?.len() as u64;
        Ok(report)
    }

    /// The last day of somebody who holds keys is over: an officer whose signature is enough revokes, which is the same work and
    /// ends with [`key_finish`](Self::key_finish) again. Where more officers have to sign, one of them asks for it.
    fn see_off(
        &self,
        me: &Identity,
        rekey: bool,
        progress: &dyn Progress,
    ) -> Result<Option<KeyReport>, Error> {
        let live = self.live()?;
        let alone = live.roster().roster().officers_needed.min(officers(&live)) <= 1;
        let Some(member) = over(&live, self.site.clock.now().time).first().copied().filter(|_| alone) else {
            return Ok(None);
        };
        if self.officer_only(&live, me).is_err() {
            return Ok(None);
        }
        drop(live);
        let leaving =
            Leaving { member: member.to_string(), card: None, rekey, reason: None, confirm: &mut |_| Ok(()) };
        match self.member_leave(me, leaving, progress) {
            Ok(Done::Done(report)) => Ok(Some(report.documents)),
            // Somebody else has to be able to read first; `status` goes on telling it.
            Err(error) if error.code() == Code::LastReader => Ok(None),
            Ok(Done::Asked(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Wraps what members lack and the caller holds.
    fn wrap_missing(&self, live: &mut Live, session: &Session, me: &Identity) -> Result<u64, Error> {
        let roster = live.roster().roster().clone();
        let files = self.wrapped(live, me, &roster, &[])?;
        if files.is_empty() {
            return Ok(0);
        }
        // What a member holds, the roster says already; the caller only carries it out.
        let grant = decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::Consent))?;
        let staging = Staging::begin(&self.context.disk, &self.context.layout, session.id(), &grant)?;
        let places = self.stage_keys(&staging, &files)?;
        staging.sync()?;
        let drafts = files.iter().map(|(key, to, _)| wrap_draft(live, session, me, *key, *to)).collect();
        self.land(live, &staging, &grant, me, (drafts, &places))?;
        Ok(files.len() as u64)
    }

    /// Says once of a generation that every document has it.
    fn say_finished(
        &self,
        live: &mut Live,
        session: &Session,
        me: &Identity,
        keys: &[KeyName],
    ) -> Result<(), Error> {
        let mut drafts = Vec::new();
        for key in keys {
            if !is_finished(live, *key)? {
                drafts.push(key_draft(live, session, me, Event::KeyFinish, *key));
            }
        }
        if drafts.is_empty() { Ok(()) } else { Ok(live.record_end(drafts, Some(me.signing()))?) }
    }

    /// Throws the class keys away that no document needs any more. The catalogue's stay: sealed fields of the log need them.
    ///
    /// # Errors
    /// [`Code::NoRole`]; documents that still need an older key leave it where it is.
    pub fn key_retire(&self, me: &Identity) -> Result<KeyReport, Error> {
        let session = Session::begin(&*self.site.random)?;
        let mut live = self.live()?;
        if let Err(error) = self.officer_only(&live, me) {
            drop(live);
            return Err(self.refused(&session, me, Event::KeyRetire, None, error));
        }
        let mut report = KeyReport::default();
        let mut old = Vec::new();
        for class in Class::ALL.iter().copied() {
            let Some((newest, since)) = self.generation_since(&live, Purpose::Class(class))? else {
                continue;
            };
            let waiting = stale(&live, class, since, Way::Rewrap)?;
            report.waiting += waiting;
            if waiting > 0 {
                continue;
            }
            for generation in 1..newest.generation {
                let key = KeyName { generation, ..newest };
                if keys::has_files(&self.context, key)? {
                    old.push(key);
                }
            }
        }
        if old.is_empty() {
            return Ok(report);
        }
        let drafts = old.iter().map(|key| key_draft(&live, &session, me, Event::KeyRetire, *key)).collect();
        live.record_end(drafts, Some(me.signing()))?;
        for key in old {
            keys::remove_files(&self.context, key)?;
            report.retired.push(key.to_string());
        }
        Ok(report)
    }

    /// The newest generation of a key, and where the roster that brought it came into force; none for the first, which is as old
    /// as the vault. The roster itself says which one that was: an entry that somebody only wrote into the folder does not.
    pub(super) fn generation_since(
        &self,
        live: &Live,
        purpose: Purpose,
    ) -> Result<Option<(KeyName, Since)>, Error> {
        let (name, _) = live.roster().roster().newest_key(purpose).ok_or(Code::TamperedRoster)?;
        if name.generation == 1 {
            return Ok(None);
        }
        let chain = rosters::chain(&self.context)?;
        let first = chain.iter().find(|roster| roster.roster().key(name).is_some());
        let first = first.ok_or(Code::TamperedRoster)?;
        let mut last = None;
        for place in live.index().places_of_event(Event::RosterChange.as_str()).map_err(StoreError::from)? {
            let entry = live.entry(place)?;
            let named = entry.detail().version == Some(first.roster().version)
                && entry.detail().note_sha256 == Some(first.digest());
            // A resumed log names the roster again, without saying what changed. A later one only makes more work.
            if named && entry.outcome() == Outcome::Ok && entry.detail().code.is_some() {
                last = Some(place);
            }
        }
        let place = last.ok_or(Code::TamperedRoster)?;
        Ok(Some((name, Since::place(live, place)?)))
    }
}

/// Where the log says that a key came into force, and whether something was recovered since: then not everything that stands
/// after that place was done after it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Since {
    pub(super) place: Place,
    recovered: bool,
}

impl Since {
    /// Everything from this place on, as it stands in the log.
    pub(super) fn place(live: &Live, place: Place) -> Result<Self, Error> {
        let mut recoveries =
            live.index().places_of_event(Event::LogRecover.as_str()).map_err(StoreError::from)?;
        Ok(Self { place, recovered: recoveries.any(|at| at >= place) })
    }

    /// Whether a document was done by then or later.
    pub(super) fn is_done(&self, live: &Live, row: &Row, way: Way) -> Result<bool, Error> {
        let at = way.last_done(row);
        if at < self.place || !self.recovered {
            return Ok(at >= self.place);
        }
        // What a recovery says of a document repeats what was there, however old that is.
        let repeated =
            live.entry(at)?.detail().code.as_ref().is_some_and(|code| code.as_str() == "not-signed");
        Ok(!repeated)
    }
}

/// Documents of a class whose header, or file key, is older than the newest key.
pub(super) fn stale(live: &Live, class: Class, since: Since, way: Way) -> Result<u64, Error> {
    let (mut count, mut doubtful) = (0, Vec::new());
    let visited = live.index().for_each_row(|row| {
        if row.class == class && way.last_done(&row) < since.place {
            count += 1;
        } else if row.class == class && since.recovered {
            doubtful.push(row);
        }
        Ok(())
    });
    visited.map_err(StoreError::from)?;
    for row in doubtful {
        count += u64::from(!since.is_done(live, &row, way)?);
    }
    Ok(count)
}

/// Whether the log says that a key was wrapped to a member. The founder's first keys are as old as the vault.
pub(super) fn was_wrapped(live: &Live, key: KeyName, member: MemberId) -> Result<bool, Error> {
    let first = live.entry(Place { epoch: 1, seq: 0 })?;
    if key.generation == 1 && first.actor().id == Some(member) {
        return Ok(true);
    }
    let code = key.to_string();
    for place in live.index().places_of_event(Event::KeyWrap.as_str()).map_err(StoreError::from)? {
        let entry = live.entry(place)?;
        let said = entry.detail().code.as_ref().is_some_and(|known| known.as_str() == code);
        if said && entry.object().and_then(Object::member_id) == Some(member) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether the log says of a generation that every document has it.
pub(super) fn is_finished(live: &Live, key: KeyName) -> Result<bool, Error> {
    let code = key.to_string();
    for place in live.index().places_of_event(Event::KeyFinish.as_str()).map_err(StoreError::from)? {
        let entry = live.entry(place)?;
        let said = entry.detail().code.as_ref().is_some_and(|known| known.as_str() == code);
        if said && entry.event() == Event::KeyFinish && entry.outcome() == Outcome::Ok {
            return Ok(true);
        }
    }
    Ok(false)
}

fn key_draft(live: &Live, session: &Session, me: &Identity, event: Event, key: KeyName) -> Draft {
    let mut draft = live.draft(event, Outcome::Ok, session.id());
    draft.actor = actor(me, live.roster().roster());
    draft.object = Some(Object::of_kind(ObjectKind::Vault));
    draft.detail.code = key.to_string().parse().ok();
    draft
}

/// Members whose last day is over and who hold keys that are in use.
pub(super) fn over(live: &Live, now: Timestamp) -> Vec<MemberId> {
    let roster = live.roster().roster();
    let holds = |member: &&Member| Purpose::ALL.into_iter().any(|purpose| member.holds(purpose));
    let ended = roster.members.iter().filter(|member| member.has_ended(now));
    ended.filter(holds).map(|member| member.id).collect()
}

fn officers(live: &Live) -> u32 {
    u32::try_from(live.roster().roster().officers().count()).unwrap_or(u32::MAX)
}

/// Keys that members lack, as `status` tells them.
pub(super) fn lacking(missing: &[(KeyName, MemberId)]) -> Vec<String> {
    missing.iter().map(|(key, member)| format!("wrap {key} {member}")).collect()
}
