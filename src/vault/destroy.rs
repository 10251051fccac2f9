//! A document is destroyed: its header overwritten, its file removed, a tombstone in the log.

use super::ask::{Asked, Asking, request_draft};
use super::report::DestroyReport;
use super::session::{Session, actor};
use super::{Code, Done, Error, Vault};
use crate::access::{Action, Denial, Grant, Request};
use crate::identity::Identity;
use crate::log::entry::{Event, Object, Outcome, Phase};
use crate::policy::{Machine, Wanted, decide};
use crate::store::index::Row;
use crate::store::live::Live;
use crate::store::objects;

impl Vault {
    /// Destroys a document, or asks those whose approval the policy wants; with `request` one that they approved. A kill in between is finished at the next start: the intent was granted and recorded.
    ///
    /// # Errors
    /// [`Code::NoRole`], [`Code::NoClearance`], [`Code::Text`] for the reason, unknown ids; with a request
    /// [`Code::ApprovalsMissing`], [`Code::RequestEnded`], [`Code::OtherRequest`].
    pub fn destroy(
        &self,
        me: &Identity,
        id: &str,
        reason: &str,
        request: Option<&str>,
    ) -> Result<Done<DestroyReport>, Error> {
        let mut session = Session::begin(&*self.site.random)?;
        let mut live = self.live()?;
        let row = self.resolve(&live, id)?;
        let asked = request.map(|request| self.find_request(&live, request)).transpose()?;
        if let Some(asked) = &asked {
            self.still_open(asked)?;
            let about = asked.ask.wanted == Wanted::Destroy
                && asked.ask.requester == me.id()
                && asked.ask.objects.contains(&(row.id, row.payload_sha256));
            if !about {
                return Err(Error::new(Code::OtherRequest).with("id", asked.ask.id));
            }
        }
        let consents = asked.as_ref().map(|asked| self.consents(asked)).unwrap_or_default();
        let action = Action::Destroy(row.class);
        let wish = Request { reason: true, consents: &consents, ..Request::new(me.id(), action) };
        match decide(&live.rules(Machine::Apart), wish) {
            Ok(grant) => {
                let asked = asked.as_ref();
                self.destroy_granted(&mut live, &mut session, me, &grant, (&row, Some(reason), asked))?;
                Ok(Done::Done(DestroyReport { id: row.id }))
            }
            Err(Denial::Consents { .. }) if asked.is_none() => {
                let grant = decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::Consent))?;
                let objects = vec![(row.id, row.payload_sha256)];
                let asking = Asking { wanted: Wanted::Destroy, objects, ..Asking::new(Some(reason)) };
                Ok(Done::Asked(Box::new(self.ask(&mut live, &mut session, me, &grant, asking)?)))
            }
            Err(denial) => {
                drop(live);
                let object = Some(Object::document(row.id));
                Err(self.refused(&session, me, Event::DocumentDestroy, object, denial.into()))
            }
        }
    }

    /// Carries a request out that others have consented to; whoever gave the last consent can do it for who asked.
    pub(super) fn destroy_asked(
        &self,
        live: &mut Live,
        session: &mut Session,
        me: &Identity,
        asked: &Asked,
    ) -> Result<(), Error> {
        let consents = self.consents(asked);
        for (id, payload) in &asked.ask.objects {
            let row = self.resolve(live, &id.to_string())?;
            if row.payload_sha256 != *payload {
                return Err(Error::new(Code::OtherRequest).with("id", asked.ask.id));
            }
            let action = Action::Destroy(row.class);
            let wish =
                Request { reason: true, consents: &consents, ..Request::new(asked.ask.requester, action) };
            match decide(&live.rules(Machine::Apart), wish) {
                Ok(grant) => {
                    self.destroy_granted(live, session, me, &grant, (&row, None, Some(asked)))?;
                }
                // One more has to consent.
                Err(Denial::Consents { .. }) => return Ok(()),
                Err(denial) => return Err(denial.into()),
            }
        }
        Ok(())
    }

    fn destroy_granted(
        &self,
        live: &mut Live,
        session: &mut Session,
        me: &Identity,
        grant: &Grant,
        (row, reason, asked): (&Row, Option<&str>, Option<&Asked>),
    ) -> Result<(), Error> {
        let roster = live.roster().roster().clone();
        let mut object = Object::document(row.id);
        object.class = Some(row.class);
        let mut draft = live.draft(Event::DocumentDestroy, Outcome::Ok, session.id());
        draft.actor = actor(me, &roster);
        draft.phase = Phase::Intent;
        draft.object = Some(object.clone());
        let seq = live.ledger().size();
        session.seal_reason(&mut draft, seq, reason, &roster, &*self.site.random)?;
        let mut drafts = vec![draft];
        drafts.extend(asked.map(|asked| request_draft(live, session, me, Event::RequestDone, asked.ask.id)));
        let (recorded, mut entries) = live.record(grant, drafts, Some(me.signing()))?;

        objects::destroy(&*self.context.disk, &self.context.layout, row.id, &recorded)?;

        let mut end = live.draft(Event::DocumentDestroy, Outcome::Ok, session.id());
        end.actor = actor(me, &roster);
        end.phase = Phase::Done;
        end.closes = Some(recorded.first());
        end.object = Some(object);
        let (_ended, end) = live.record(grant, vec![end], Some(me.signing()))?;
        entries.extend(end);
        Ok(live.follow(&entries, &std::collections::HashMap::new())?)
    }
}
