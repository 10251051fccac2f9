//! Other people's part in a request: to look at it, to consent, to refuse; and the requester's, to take it back.

use super::ask::{Asked, officers_who_signed, request_draft};
use super::change::Change;
use super::init::sign_text;
use super::report::{RequestReport, RequestsReport};
use super::session::Session;
use super::{Code, Error, Vault, keys};
use crate::access::{Action, Denial, Request};
use crate::crypto::Digest;
use crate::id::MemberId;
use crate::identity::Identity;
use crate::log::entry::{Event, Object, Outcome};
use crate::note::SignedNote;
use crate::policy::{Approval, Machine, Part, Wanted, decide, may_approve, standing};
use crate::roster::{Member, Roster};
use crate::store::live::Live;
use crate::store::policies;
use crate::store::requests::{self, RequestFile};
use crate::store::staging::Staging;

/// In which part somebody consents, and whether the act follows at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Approving {
    /// As one who approves, or as the person who releases.
    pub part: Part,
    /// Carry it out when nothing is missing any more.
    pub run: bool,
}

impl Vault {
    /// Requests that wait: all of them, or those that wait for this member.
    ///
    /// # Errors
    /// What keeps the vault from being opened.
    pub fn requests(&self, me: Option<&Identity>) -> Result<RequestsReport, Error> {
        let live = self.live()?;
        let mut found = Vec::new();
        let ended = requests::all_ended(&live)?;
        for id in requests::list(&self.context)?.into_iter().filter(|id| !ended.contains_key(id)) {
            // One that does not count is for whoever asks for it by its id.
            let Ok(asked) = self.asked_of(&live, id, None) else { continue };
            let report = self.request_report(&live, &asked);
            let mine = me.is_none_or(|me| self.waits_for(&live, &asked, me));
            if report.state == "pending" && mine {
                found.push(report);
            }
        }
        found.sort_by_key(|report| report.created);
        Ok(RequestsReport { requests: found })
    }

    /// Whether this member asked, or could consent and has not.
    fn waits_for(&self, live: &Live, asked: &Asked, me: &Identity) -> bool {
        let own = asked.ask.requester == me.id();
        own || (self.may_consent(live, asked, me.id(), Part::Approver).is_ok()
            && !has_consented(live, asked, me.id(), None))
    }

    /// One request as it would be signed; with the reason for somebody who may see it.
    ///
    /// # Errors
    /// [`Code::NoRequest`], [`Code::TamperedRequest`].
    pub fn request_show(&self, me: Option<&Identity>, id: &str) -> Result<RequestReport, Error> {
        let live = self.live()?;
        let asked = self.find_request(&live, id)?;
        let mut report = self.request_report(&live, &asked);
        self.is_whole(&live, &asked)?;
        if let Some(me) = me {
            standing(live.roster().roster(), me.id(), self.site.clock.now().time)?;
            // Nothing is decrypted on a machine where nothing may be.
            if self.machine(&live) != Machine::Connected {
                report.reason = self.reason_of(&asked, me)?;
            }
        }
        Ok(report)
    }

    /// Consents to what `digest` names, so that what was shown is what is signed. A note that enough officers have signed is in
    /// force at once; other acts follow with [`Approving::run`].
    ///
    /// # Errors
    /// [`Code::NoRole`] for somebody whose consent does not count, [`Code::SamePerson`] for the requester's own,
    /// [`Code::RequestEnded`], [`Code::TamperedRequest`] when it is not what was shown.
    pub fn approve(
        &self,
        me: &Identity,
        id: &str,
        digest: Digest,
        approving: Approving,
    ) -> Result<RequestReport, Error> {
        let mut session = Session::begin(&*self.site.random)?;
        let mut live = self.live()?;
        let asked = self.find_request(&live, id)?;
        if asked.digest != digest {
            return Err(Error::new(Code::TamperedRequest).with("id", asked.ask.id));
        }
        self.still_open(&asked)?;
        if let Err(error) = self.may_consent(&live, &asked, me.id(), approving.part) {
            drop(live);
            let object = Some(Object::request(asked.ask.id));
            return Err(self.refused(&session, me, Event::RequestApprove, object, error));
        }
        self.is_whole(&live, &asked)?;
        if asked.ask.wanted == Wanted::Roster {
            self.check_new_keys(&live, &asked, me)?;
        }
        if !has_consented(&live, &asked, me.id(), Some(approving.part)) {
            let note = sign_text(&consent_text(&asked, me.id(), approving.part)?, me)?;
            self.take_consent(&mut live, &session, me, &asked, (me.id(), approving.part, &note))?;
        }
        let asked = self.asked(&live, asked.ask.id)?;
        // A session of its own for what follows: what the first one staged is published by what it recorded.
        session = Session::begin(&*self.site.random)?;
        self.settle(&mut live, &mut session, me, &asked)?;
        // Content is released to who asked for it.
        if asked.ask.wanted == Wanted::Destroy && approving.run {
            self.destroy_asked(&mut live, &mut session, me, &asked)?;
        }
        let asked = self.asked_after(&live, asked)?;
        Ok(self.request_report(&live, &asked))
    }

    /// A request after what was done with it. Who asked may be gone by that very deed.
    fn asked_after(&self, live: &Live, before: Asked) -> Result<Asked, Error> {
        match self.asked(live, before.ask.id) {
            Err(error) if error.code() == Code::RequestEnded => {
                let ended = requests::ended(live, before.ask.id)?;
                Ok(Asked { ended, ..before })
            }
            asked => asked,
        }
    }

    /// What is signed with a note has to be there to be looked at: the policy, and the note itself.
    fn is_whole(&self, live: &Live, asked: &Asked) -> Result<(), Error> {
        let tampered = || Error::new(Code::TamperedRequest).with("id", asked.ask.id);
        if asked.ask.export.is_some() {
            return if asked.inner.is_some() { Ok(()) } else { Err(tampered()) };
        }
        if asked.ask.note.is_none() {
            return Ok(());
        }
        let note = asked.proposed.as_ref().ok_or_else(tampered)?;
        if asked.ask.wanted == Wanted::Roster {
            let roster = Roster::parse(note.text()).map_err(|error| tampered().because(error))?;
            self.policy_of(live, asked, &roster)?;
        }
        Ok(())
    }

    /// Whether somebody's consent would count.
    fn may_consent(&self, live: &Live, asked: &Asked, id: MemberId, part: Part) -> Result<(), Error> {
        let rules = live.rules(Machine::Apart);
        let member = standing(rules.roster, id, rules.now)?;
        let note = matches!(asked.ask.wanted, Wanted::Roster | Wanted::Exception);
        let counts = match part {
            Part::Approver if note => member.role == crate::label::Role::Officer,
            Part::Approver => may_approve(&rules, id),
            Part::Releaser => member.release && !note,
        };
        if !counts {
            return Err(Denial::Role.into());
        }
        // Who asked for a note has signed it already.
        let requester = rules.roster.member(asked.ask.requester);
        let own = asked.ask.requester == id || requester.is_some_and(|other| other.name == member.name);
        if own { Err(Code::OwnRequest.into()) } else { Ok(()) }
    }

    /// A consent as a note of its own, for somebody who signs on another machine: nothing is written here, and it counts once
    /// it was brought to the vault with [`approval_bring`](Self::approval_bring).
    ///
    /// # Errors
    /// Those of [`approve`](Self::approve).
    pub fn approval_sign(
        &self,
        me: &Identity,
        id: &str,
        digest: Digest,
        part: Part,
    ) -> Result<String, Error> {
        let live = self.live()?;
        let asked = self.find_request(&live, id)?;
        if asked.digest != digest {
            return Err(Error::new(Code::TamperedRequest).with("id", asked.ask.id));
        }
        self.still_open(&asked)?;
        self.is_whole(&live, &asked)?;
        self.may_consent(&live, &asked, me.id(), part)?;
        Ok(sign_text(&consent_text(&asked, me.id(), part)?, me)?.print())
    }

    /// Brings a consent that somebody signed on another machine. It counts as if it had been given here.
    ///
    /// # Errors
    /// [`Code::OtherRequest`] for a note that is no consent to this request; those of [`approve`](Self::approve) for who
    /// signed it.
    pub fn approval_bring(&self, me: &Identity, id: &str, note: &[u8]) -> Result<RequestReport, Error> {
        let mut session = Session::begin(&*self.site.random)?;
        let mut live = self.live()?;
        let asked = self.find_request(&live, id)?;
        self.still_open(&asked)?;
        self.is_whole(&live, &asked)?;
        let (signer, part) = signer_of(&live, &asked, note)
            .ok_or_else(|| Error::new(Code::OtherRequest).with("id", asked.ask.id))?;
        if let Err(error) = self.may_consent(&live, &asked, signer, part) {
            drop(live);
            let object = Some(Object::request(asked.ask.id));
            return Err(self.refused(&session, me, Event::RequestApprove, object, error));
        }
        if !has_consented(&live, &asked, signer, Some(part)) {
            let note = SignedNote::parse(note).map_err(|error| Error::new(Code::Internal).because(error))?;
            self.take_consent(&mut live, &session, me, &asked, (signer, part, &note))?;
        }
        let asked = self.asked(&live, asked.ask.id)?;
        // A session of its own for what follows: what the first one staged is published by what it recorded.
        session = Session::begin(&*self.site.random)?;
        self.settle(&mut live, &mut session, me, &asked)?;
        let asked = self.asked_after(&live, asked)?;
        Ok(self.request_report(&live, &asked))
    }

    /// What a note brings about that enough officers have signed. Somebody who is no officer leaves that to the next one.
    fn settle(
        &self,
        live: &mut Live,
        session: &mut Session,
        me: &Identity,
        asked: &Asked,
    ) -> Result<(), Error> {
        let officer =
            decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::ChangeRoster)).is_ok();
        match asked.ask.wanted {
            Wanted::Roster if officer => self.settle_roster(live, session, me, asked),
            Wanted::Exception if officer => self.settle_exception(live, session, me, asked),
            _ => Ok(()),
        }
    }

    /// Records a consent and puts it beside the request.
    fn take_consent(
        &self,
        live: &mut Live,
        session: &Session,
        me: &Identity,
        asked: &Asked,
        (signer, part, note): (MemberId, Part, &SignedNote),
    ) -> Result<(), Error> {
        let grant = decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::Consent))?;
        let file = match &asked.proposed {
            Some(_) => RequestFile::Proposed(signer),
            None => RequestFile::Approval(part, signer),
        };
        let staging = Staging::begin(&self.context.disk, &self.context.layout, session.id(), &grant)?;
        let place = requests::place(&self.context, asked.ask.id, file);
        staging.create_new(&place)?.put(note.print().as_bytes())?;
        staging.sync()?;
        let mut draft = request_draft(live, session, me, Event::RequestApprove, asked.ask.id);
        draft.detail.note_sha256 = Some(note.digest());
        draft.detail.code = part.as_str().parse().ok();
        self.land(live, &staging, &grant, me, (vec![draft], &[place]))
    }

    /// Puts a roster in force that enough officers have signed.
    fn settle_roster(
        &self,
        live: &mut Live,
        session: &Session,
        me: &Identity,
        asked: &Asked,
    ) -> Result<(), Error> {
        let tampered = || Error::new(Code::TamperedRequest).with("id", asked.ask.id);
        let note = asked.proposed.as_ref().ok_or_else(tampered)?;
        if !self.is_signed_enough(live, note) {
            return Ok(());
        }
        let after = match live.roster().succeed(note.print().as_bytes()) {
            Ok(after) => after,
            // It follows from a roster that is not in force any more.
            Err(crate::roster::RosterError::Chain) => {
                return Err(Error::new(Code::RequestEnded)
                    .with("id", asked.ask.id)
                    .with("state", "overtaken"));
            }
            Err(error) => return Err(crate::store::StoreError::from(error).into()),
        };
        let policy = self.policy_of(live, asked, after.roster())?;
        let keys = self.keys_of(live, asked, after.roster())?;
        let change = Change { roster: after.roster().clone(), policy, code: "approved", keys };
        let done = request_draft(live, session, me, Event::RequestDone, asked.ask.id);
        let grant = decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::ChangeRoster))?;
        self.put_in_force(live, session, me, &grant, (&after, note), (&change, Some(done)))
    }

    pub(super) fn is_signed_enough(&self, live: &Live, note: &crate::note::SignedNote) -> bool {
        let roster = live.roster().roster();
        let signed = officers_who_signed(note, roster, self.site.clock.now().time);
        let needed =
            usize::try_from(roster.officers_needed).unwrap_or(usize::MAX).min(roster.officers().count());
        signed >= needed.max(1)
    }

    /// The policy that comes with a roster: the one in force, or the one that lies beside the request.
    pub(super) fn policy_of(
        &self,
        live: &Live,
        asked: &Asked,
        roster: &Roster,
    ) -> Result<crate::policy::Policy, Error> {
        let tampered = || Error::new(Code::TamperedRequest).with("id", asked.ask.id);
        if roster.policy == live.roster().roster().policy {
            return Ok(live.policy().clone());
        }
        let Some(digest) = roster.policy else { return Ok(crate::policy::Policy::default()) };
        match requests::read(&self.context, asked.ask.id, RequestFile::Policy)? {
            // It may be one that was in force before.
            None => policies::in_force(&self.context, roster).map_err(|error| tampered().because(error)),
            Some(bytes) => {
                let text = std::str::from_utf8(&bytes).map_err(|_| tampered())?;
                let policy = crate::policy::Policy::parse(text).map_err(|error| tampered().because(error))?;
                if policy.digest() == digest { Ok(policy) } else { Err(tampered()) }
            }
        }
    }

    /// Nobody signs for a key that nobody would hold, since what is sealed to it would be lost: every holder's file lies beside
    /// the request, and the own one holds the key that the roster names. An isolated vault unwraps none on a machine that is
    /// connected.
    fn check_new_keys(&self, live: &Live, asked: &Asked, me: &Identity) -> Result<(), Error> {
        let tampered = || Error::new(Code::TamperedRequest).with("id", asked.ask.id);
        let note = asked.proposed.as_ref().ok_or_else(tampered)?;
        let next = Roster::parse(note.text()).map_err(|error| tampered().because(error))?;
        let now = self.site.clock.now().time;
        let connected = self.machine(live) == Machine::Connected;
        for (name, _) in next.keys.iter().filter(|(name, _)| live.roster().roster().key(*name).is_none()) {
            let holds =
                |member: &&Member| member.holds(name.purpose) && standing(&next, member.id, now).is_ok();
            for member in next.members.iter().filter(holds) {
                let file = RequestFile::Key(*name, member.id);
                let bytes = requests::read(&self.context, asked.ask.id, file)?.ok_or_else(tampered)?;
                let own = member.id == me.id() && !connected;
                if own && !keys::fits(&self.site, &next, me, *name, &bytes)? {
                    return Err(tampered());
                }
            }
        }
        Ok(())
    }

    /// The keys that come with a roster. A file that holds another key than the roster's is found by its owner and wrapped
    /// anew by somebody who holds the right one; a file that is missing waits.
    fn keys_of(
        &self,
        live: &Live,
        asked: &Asked,
        roster: &Roster,
    ) -> Result<Vec<super::change::KeyFile>, Error> {
        let mut keys = Vec::new();
        for (name, _) in &roster.keys {
            // Of a new key none can lie there yet, and what does is not passed over.
            let known = live.roster().roster().key(*name).is_some();
            for member in roster.members.iter().filter(|member| member.holds(name.purpose)) {
                if known && self.context.disk.exists(&self.context.layout.key(*name, member.id))? {
                    continue;
                }
                let file = RequestFile::Key(*name, member.id);
                let bytes = requests::read(&self.context, asked.ask.id, file)?;
                keys.extend(bytes.map(|bytes| (*name, member.id, bytes)));
            }
        }
        Ok(keys)
    }

    /// Refuses a request, or takes the own one back: it is over either way, and on record.
    ///
    /// # Errors
    /// [`Code::NoRole`], [`Code::RequestEnded`].
    pub fn request_end(&self, me: &Identity, id: &str, withdraw: bool) -> Result<RequestReport, Error> {
        let session = Session::begin(&*self.site.random)?;
        let mut live = self.live()?;
        let asked = self.find_request(&live, id)?;
        self.still_open(&asked)?;
        let event = if withdraw { Event::RequestWithdraw } else { Event::RequestReject };
        let own = asked.ask.requester == me.id();
        let allowed = match (withdraw, own) {
            (true, true) => standing(live.roster().roster(), me.id(), self.site.clock.now().time)
                .map(|_| ())
                .map_err(Error::from),
            (true, false) => Err(Code::NotTheRequester.into()),
            (false, _) => self
                .may_consent(&live, &asked, me.id(), Part::Approver)
                .or_else(|_| self.may_consent(&live, &asked, me.id(), Part::Releaser)),
        };
        if let Err(error) = allowed {
            drop(live);
            return Err(self.refused(&session, me, event, Some(Object::request(asked.ask.id)), error));
        }
        let draft = request_draft(&live, &session, me, event, asked.ask.id);
        debug_assert_eq!(draft.outcome, Outcome::Ok);
        live.record_end(vec![draft], Some(me.signing()))?;
        let asked = self.asked_after(&live, asked)?;
        Ok(self.request_report(&live, &asked))
    }
}

/// What somebody signs: the note that is to be in force, or an approval of the request.
fn consent_text(asked: &Asked, member: MemberId, part: Part) -> Result<String, Error> {
    if let Some(note) = &asked.proposed {
        return Ok(note.text().to_owned());
    }
    let (vault, wanted, until) = (asked.ask.vault, asked.ask.wanted, asked.ask.until);
    let approval = Approval { vault, wanted, part, request: asked.digest, member, until };
    approval.print().ok_or_else(|| Code::Internal.into())
}

/// Who consents to a request by a note from elsewhere, and in which part.
fn signer_of(live: &Live, asked: &Asked, note: &[u8]) -> Option<(MemberId, Part)> {
    let roster = live.roster().roster();
    match &asked.proposed {
        None => {
            let approval = Approval::verify(note, &asked.ask, asked.digest, roster).ok()?;
            Some((approval.member, approval.part))
        }
        Some(proposed) => {
            let note = SignedNote::parse(note).ok().filter(|note| note.text() == proposed.text())?;
            match super::ask::signers(&note, roster).as_slice() {
                [signer] => Some((*signer, Part::Approver)),
                _ => None,
            }
        }
    }
}

/// Whether this member's consent lies there already.
fn has_consented(live: &Live, asked: &Asked, id: MemberId, part: Option<Part>) -> bool {
    match &asked.proposed {
        Some(note) => super::ask::signers(note, live.roster().roster()).contains(&id),
        None => asked
            .approvals
            .iter()
            .any(|approval| approval.member == id && part.is_none_or(|part| part == approval.part)),
    }
}
