//! What the log says should be there.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::super::report::Finding;
use super::super::{Code, Error};
use crate::id::{DocumentId, MemberId, SessionId};
use crate::log::entry::{Entry, Event, Object, Outcome, Phase};
use crate::roster::KeyName;
use crate::store::follow::{changed, row_of};
use crate::store::index::{Place, Row};

/// A document's newest change of header or file key.
pub(super) struct Changed {
    /// Whose work it is.
    pub(super) session: SessionId,
    /// What was there before.
    pub(super) before: Row,
}

/// What the log says should be there.
#[derive(Default)]
pub(super) struct Inventory {
    pub(super) rows: BTreeMap<DocumentId, Row>,
    pub(super) changed: HashMap<DocumentId, Changed>,
    pub(super) destroying: HashMap<u64, DocumentId>,
    pub(super) destroyed: HashSet<DocumentId>,
    /// Where the entries begin that nobody signed for yet.
    pub(super) known: Option<Place>,
    contradicting: BTreeMap<DocumentId, Place>,
    founder: Option<MemberId>,
    wrapped: HashSet<(String, MemberId)>,
}

impl Inventory {
    pub(super) fn take(&mut self, epoch: u64, entry: &Entry) {
        self.take_keys(epoch, entry);
        let Some(id) = entry.object().and_then(Object::document_id) else { return };
        if entry.outcome() != Outcome::Ok {
            return;
        }
        let at = Place { epoch, seq: entry.seq() };
        match (entry.event(), entry.phase()) {
            (Event::DocumentSeal | Event::DocumentImport, Phase::Single) => {
                let known = self.rows.contains_key(&id) || self.destroyed.contains(&id);
                if let Some(row) = row_of(at, entry, Vec::new()).filter(|_| !known) {
                    self.rows.insert(id, row);
                }
            }
            (Event::DocumentRewrap | Event::DocumentRekey | Event::DocumentRelabel, Phase::Single) => {
                self.change(id, at, entry);
            }
            (Event::DocumentDestroy, Phase::Intent) => {
                self.destroying.insert(entry.seq(), id);
            }
            (Event::DocumentDestroy, Phase::Done) => {
                self.destroying.remove(&entry.closes().unwrap_or(u64::MAX));
                self.rows.remove(&id);
                self.destroyed.insert(id);
            }
            _ => {}
        }
    }

    /// Keys that were wrapped to members; the founder's are as old as the vault.
    fn take_keys(&mut self, epoch: u64, entry: &Entry) {
        if entry.outcome() != Outcome::Ok {
            return;
        }
        if (epoch, entry.seq()) == (1, 0) {
            self.founder = entry.actor().id;
        }
        let member = entry.object().and_then(Object::member_id);
        if entry.event() == Event::KeyWrap
            && let (Some(member), Some(code)) = (member, &entry.detail().code)
        {
            self.wrapped.insert((code.to_string(), member));
        }
    }

    /// Whether this key was ever wrapped to this member.
    pub(super) fn was_wrapped(&self, key: KeyName, member: MemberId) -> bool {
        let founders = key.generation == 1 && self.founder == Some(member);
        founders || self.wrapped.contains(&(key.to_string(), member))
    }

    fn change(&mut self, id: DocumentId, at: Place, entry: &Entry) {
        // Said by a recovery: whatever nobody signed for has been looked at.
        if entry.detail().code.as_ref().is_some_and(|code| code.as_str() == "not-signed") {
            self.contradicting.remove(&id);
        }
        let Some(row) = self.rows.get_mut(&id) else { return };
        match changed(row, at, entry) {
            Some(next) => {
                let before = std::mem::replace(row, next);
                self.changed.insert(id, Changed { session: entry.session(), before });
            }
            None => drop(self.contradicting.entry(id).or_insert(at)),
        }
    }

    pub(super) fn is_changed(&self, id: DocumentId) -> bool {
        self.changed.contains_key(&id)
    }

    /// Entries that do not follow from what was recorded before, such as another file key for the same payload.
    pub(super) fn contradictions(&self) -> Vec<Finding> {
        let finding = |(id, at): (&DocumentId, &Place)| {
            let error = Error::new(Code::TamperedLog).with("size", at.seq).with("id", id);
            Finding { code: error.code(), object: id.to_string(), detail: error.to_string() }
        };
        self.contradicting.iter().map(finding).collect()
    }
}
