//! Another log key for this host.

use super::host::report;
use super::report::HostReport;
use super::session::{Session, actor};
use super::{Code, Error, Vault};
use crate::access::{Action, Request};
use crate::crypto::SigningKey;
use crate::identity::Identity;
use crate::log::entry::{Event, Object};
use crate::policy::{Machine, decide};

impl Vault {
    /// Goes on with another key to sign the log with, and destroys the one before: whoever gets hold of this host later can
    /// write nothing into what was signed until now. The log itself proves the change, so nobody has to be told the new key.
    /// It also happens by itself, after as many entries as [`Site::key_entries`](super::Site::key_entries) says.
    ///
    /// # Errors
    /// [`Code::HostNotEnrolled`], [`Code::NoRole`] unless the caller is an officer.
    pub fn host_rekey(&self, me: &Identity) -> Result<HostReport, Error> {
        let session = Session::begin(&*self.site.random)?;
        let mut live = self.live()?;
        if !live.ledger().can_write() {
            return Err(Code::HostNotEnrolled.into());
        }
        let roster = live.roster().clone();
        let grant = match decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::EnrolHost)) {
            Ok(grant) => grant,
            Err(denial) => {
                let object = Some(Object::host(live.host_id()));
                drop(live);
                return Err(self.refused(&session, me, Event::HostRekey, object, self.told(denial)));
            }
        };
        let key = SigningKey::generate(&*self.site.random).map_err(|_| Code::NoRandom)?;
        let mut draft = live.rekey_draft(session.id());
        draft.actor = actor(me, roster.roster());
        live.rekey(&grant, draft, me.signing(), key)?;
        Ok(report("rekeyed", &roster, live.ledger().epoch(), live.ledger().size()))
    }
}
