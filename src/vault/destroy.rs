//! A document is destroyed: its header overwritten, its file removed, a tombstone in the log.

use super::report::DestroyReport;
use super::session::{Session, actor};
use super::{Error, Vault};
use crate::access::{Action, Request};
use crate::identity::Identity;
use crate::log::entry::{Event, Object, Outcome, Phase};
use crate::policy::decide;
use crate::store::objects;

impl Vault {
    /// Destroys a document. A kill in between is finished at the next start: the intent was granted and recorded.
    ///
    /// # Errors
    /// [`Code::NoRole`](super::Code::NoRole), [`Code::Text`](super::Code::Text) for the reason, unknown ids.
    pub fn destroy(&self, me: &Identity, id: &str, reason: &str) -> Result<DestroyReport, Error> {
        let mut session = Session::begin(&*self.site.random)?;
        let mut live = self.live()?;
        let row = self.resolve(&live, id)?;
        let roster = live.roster().roster().clone();
        let wish = Request { member: me.id(), action: Action::Destroy(row.class) };
        let grant = match decide(&roster, wish) {
            Ok(grant) => grant,
            Err(denial) => {
                drop(live);
                let object = Some(Object::document(row.id));
                return Err(self.refused(&session, me, Event::DocumentDestroy, object, denial.into()));
            }
        };
        let mut object = Object::document(row.id);
        object.class = Some(row.class);
        let mut draft = live.draft(Event::DocumentDestroy, Outcome::Ok, session.id());
        draft.actor = actor(me, &roster);
        draft.phase = Phase::Intent;
        draft.object = Some(object.clone());
        let seq = live.ledger().size();
        session.seal_reason(&mut draft, seq, Some(reason), &roster, &*self.site.random)?;
        let (recorded, mut entries) = live.record(&grant, vec![draft], Some(me.signing()))?;

        objects::destroy(&*self.context.disk, &self.context.layout, row.id, &recorded)?;

        let mut end = live.draft(Event::DocumentDestroy, Outcome::Ok, session.id());
        end.actor = actor(me, &roster);
        end.phase = Phase::Done;
        end.closes = Some(recorded.first());
        end.object = Some(object);
        let (_ended, end) = live.record(&grant, vec![end], Some(me.signing()))?;
        entries.extend(end);
        live.follow(&entries, &std::collections::HashMap::new())?;
        Ok(DestroyReport { id: row.id })
    }
}
