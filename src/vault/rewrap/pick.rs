//! What a run is about: which documents, who may, under which keys.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use super::super::finish::Since;
use super::super::report::{FailedRow, RewrapReport};
use super::super::seal::refusal;
use super::super::session::{Session, recipient};
use super::super::{Code, Error, Vault, keys};
use super::{RewrapRequest, Way};
use crate::access::{Action, Grant, Request};
use crate::agefile::{self, Recipient, Wrap};
use crate::id::DocumentId;
use crate::identity::Identity;
use crate::label::Class;
use crate::log::entry::Object;
use crate::policy::{Rules, decide};
use crate::roster::{Purpose, Roster};
use crate::store::StoreError;
use crate::store::index::{Place, Row};
use crate::store::live::Live;

/// What opens and what closes the documents of one class.
pub(in super::super) struct ClassKeys {
    pub(in super::super) old: Vec<agefile::Identity>,
    /// The class key in force first.
    pub(in super::super) new: Vec<Recipient>,
}

impl ClassKeys {
    pub(super) fn recipients(&self) -> Vec<&dyn Wrap> {
        self.new.iter().map(|key| key as &dyn Wrap).collect()
    }
}

/// An id as it was given, and its document's row.
type Asked = (String, Result<Row, Error>);

/// What a run is about, after the rules.
#[derive(Default)]
pub(super) struct Picked {
    pub(super) rows: Vec<Row>,
    pub(super) grant: Option<Grant>,
    pub(super) error: Option<Error>,
    pub(super) report: RewrapReport,
}

impl Vault {
    /// The documents that are asked for and may be changed; what may not is recorded, and in the report.
    pub(super) fn pick(
        &self,
        live: &mut Live,
        session: &Session,
        me: &Identity,
        request: &RewrapRequest,
        way: Way,
    ) -> Result<Picked, Error> {
        let epoch = live.ledger().epoch();
        let epoch = request.since_epoch.unwrap_or(epoch);
        let since = Place { epoch, seq: request.since.unwrap_or(live.ledger().size()) };
        let (since, place) = (Since::place(live, since)?, since);
        let (roster, policy) = (live.roster().roster().clone(), live.policy().clone());
        let rules = Rules { roster: &roster, policy: &policy, ..live.rules(self.machine(live)) };
        let mut picked =
            Picked { report: RewrapReport { since: place.seq, ..Default::default() }, ..Default::default() };
        let mut refused = Vec::new();
        for (source, row) in self.asked_for(live, request)? {
            let id = row.as_ref().ok().map(|row| row.id);
            let allowed = row.and_then(|row| {
                let wish = Request::new(me.id(), Action::Rewrap(row.class));
                Ok((decide(&rules, wish).map_err(|denial| self.told(denial).with("id", row.id))?, row))
            });
            match allowed {
                Ok((_, row)) if since.is_done(live, &row, way)? => picked.report.skipped += 1,
                Ok((grant, row)) => {
                    picked.grant = Some(grant);
                    picked.rows.push(row);
                }
                Err(error) => {
                    refused.push(refusal(
                        live,
                        session.id(),
                        me,
                        way.event(),
                        id.map(Object::document),
                        &error,
                    ));
                    picked.report.failed.push(FailedRow { source, code: error.code() });
                    picked.error.get_or_insert(error);
                }
            }
        }
        if !refused.is_empty() {
            live.record_end(refused, Some(me.signing()))?;
        }
        Ok(picked)
    }

    fn asked_for(&self, live: &Live, request: &RewrapRequest) -> Result<Vec<Asked>, Error> {
        if !request.all {
            return Ok(request.ids.iter().map(|id| (id.clone(), self.resolve(live, id))).collect());
        }
        let mut ids = Vec::new();
        let visited = live.index().for_each_row(|row| {
            if request.class.is_none_or(|class| class == row.class) {
                ids.push(row.id);
            }
            Ok(())
        });
        visited.map_err(StoreError::from)?;
        let row_of = |id: DocumentId| -> Result<_, Error> {
            let row = live.document(id)?.map(|(_, row)| row);
            Ok((id.to_string(), row.ok_or_else(|| Error::new(Code::NoDocument).with("id", id))))
        };
        ids.into_iter().map(row_of).collect()
    }

    /// The keys of every class that is wanted: each generation that the member holds, since documents wait in older ones.
    pub(super) fn class_keys_for(
        &self,
        roster: &Roster,
        me: &Identity,
        rows: &[Row],
    ) -> Result<HashMap<Class, ClassKeys>, Error> {
        let mut keys = HashMap::new();
        for row in rows {
            if let Entry::Vacant(slot) = keys.entry(row.class) {
                let purpose = Purpose::Class(row.class);
                let old = keys::every(&self.site, &self.context, roster, me, purpose)?;
                slot.insert(ClassKeys { old, new: vec![recipient(roster, purpose)?] });
            }
        }
        Ok(keys)
    }
}
