//! A document gets another class: another key, and with it a new file key and a new payload, since whoever could read
//! it before may have kept the old one.

use std::collections::HashMap;

use super::ask::Asking;
use super::report::{RelabelReport, RewrapReport};
use super::rewrap::{ClassKeys, Run, Way};
use super::session::{Session, recipient};
use super::{Code, Done, Error, Vault};
use crate::access::{Action, Denial, Request};
use crate::answer::Progress;
use crate::identity::Identity;
use crate::label::Class;
use crate::log::entry::{Event, Object};
use crate::policy::{Machine, Wanted, decide};
use crate::roster::Purpose;
use crate::store::staging::Staging;

impl Vault {
    /// Puts a document into another class. A higher one takes the clearance for the present one; a lower one also the
    /// approvals that the policy asks for: without them a request is made.
    ///
    /// # Errors
    /// [`Code::SameClass`], [`Code::NoRole`], [`Code::NoClearance`], [`Code::Connected`]; with a request
    /// [`Code::ApprovalsMissing`], [`Code::RequestEnded`], [`Code::OtherRequest`].
    pub fn relabel(
        &self,
        me: &Identity,
        id: &str,
        to: Class,
        reason: Option<&str>,
        request: Option<&str>,
        progress: &dyn Progress,
    ) -> Result<Done<RelabelReport>, Error> {
        let mut session = Session::begin(&*self.site.random)?;
        let mut live = self.live()?;
        let row = self.resolve(&live, id)?;
        let from = row.class;
        if from == to {
            return Err(Error::new(Code::SameClass).with("id", row.id));
        }
        let asked = request.map(|request| self.find_request(&live, request)).transpose()?;
        if let Some(asked) = &asked {
            self.still_open(asked)?;
            let objects = asked.ask.objects.as_slice() == [(row.id, row.payload_sha256)];
            let same = asked.ask.wanted == Wanted::Relabel && asked.ask.to == Some(to);
            if !objects || !same || asked.ask.requester != me.id() {
                return Err(Error::new(Code::OtherRequest).with("id", asked.ask.id));
            }
        }
        let consents = asked.as_ref().map(|asked| self.consents(asked)).unwrap_or_default();
        let action = Action::Relabel { from, to };
        let wish = Request { reason: reason.is_some(), consents: &consents, ..Request::new(me.id(), action) };
        let grant = match decide(&live.rules(self.machine(&live)), wish) {
            Ok(grant) => grant,
            Err(Denial::Consents { .. }) if asked.is_none() => {
                let grant = decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::Consent))?;
                let objects = vec![(row.id, row.payload_sha256)];
                let asking = Asking { wanted: Wanted::Relabel, to: Some(to), objects, ..Asking::new(reason) };
                return Ok(Done::Asked(Box::new(self.ask(&mut live, &mut session, me, &grant, asking)?)));
            }
            Err(denial) => {
                drop(live);
                let object = Some(Object::document(row.id));
                return Err(self.refused(&session, me, Event::DocumentRelabel, object, self.told(denial)));
            }
        };
        let old = self.keys_of_class(&live, me, from)?;
        let new = vec![recipient(live.roster().roster(), Purpose::Class(to))?];
        let staging = Staging::begin(&self.context.disk, &self.context.layout, session.id(), &grant)?;
        drop(live);
        let run = Run {
            me,
            session: session.id(),
            way: Way::Relabel(to),
            keys: HashMap::from([(from, ClassKeys { old, new })]),
            staging: &staging,
            progress,
            request: asked.map(|asked| asked.ask.id),
            reason,
        };
        let mut report = RewrapReport::default();
        let id = row.id;
        self.carry_out(&run, vec![row], &mut report)?;
        match report.failed.first() {
            Some(failed) => Err(Error::new(failed.code).with("id", id)),
            // What is neither done nor failed is not there any more.
            None if report.documents.is_empty() => Err(Error::new(Code::Destroyed).with("id", id)),
            None => Ok(Done::Done(RelabelReport { id, from, to })),
        }
    }
}
