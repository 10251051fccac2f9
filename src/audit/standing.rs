//! Whether what an entry says happened could have happened: who was a member then, and with which rights.
//!
//! The log itself says which version of the roster was in force: each change of it is an entry. Clearances are for classes, which
//! stand in no entry, and end dates hang on clocks; both are for [`findings`](super::findings).

use crate::id::MemberId;
use crate::log::entry::{Entry, Event, Outcome};
use crate::roster::{InForce, Member};

/// Follows the roster through the entries of a log.
#[derive(Debug, Clone)]
pub struct Standing<'a> {
    chain: &'a [InForce],
    version: u64,
    /// The roster of that version, where the chain has it.
    in_force: Option<&'a InForce>,
    /// After a loss a roster can be in force that the log, as far as it is left, knows nothing of.
    after_loss: bool,
}

impl<'a> Standing<'a> {
    /// Before the first entry of an epoch; `version` of the roster was in force at the end of the epoch before, 0 for the first
    /// epoch. Without a chain nothing is judged.
    pub fn new(chain: &'a [InForce], version: u64) -> Self {
        let after_loss = version > 0;
        let version = version.max(1);
        Self { chain, version, in_force: of(chain, version), after_loss }
    }

    /// The version in force after the entries so far.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// The next entry; the rule that it breaks, if any.
    pub fn entry(&mut self, entry: &Entry) -> Option<&'static str> {
        let broken = self.broken(entry);
        if entry.event() == Event::RosterChange && entry.outcome() == Outcome::Ok {
            let detail = entry.detail();
            let version = detail.version.unwrap_or(0);
            // An entry that names another roster than the chain has puts nothing in force.
            let same = |roster: &InForce| detail.note_sha256.is_none_or(|digest| digest == roster.digest());
            let next = of(self.chain, version);
            if version > self.version && next.is_none_or(same) {
                (self.version, self.in_force) = (version, next);
            }
        }
        broken
    }

    /// The rule that an entry breaks. Where the roster in force is not in the chain that was said already, and nothing follows.
    fn broken(&self, entry: &Entry) -> Option<&'static str> {
        if entry.outcome() != Outcome::Ok {
            return None;
        }
        let actor = entry.actor().id?;
        let in_force = self.in_force?;
        let now = in_force.roster().member(actor);
        let has = |right: &dyn Fn(&Member) -> bool| now.is_some_and(right) || self.later(actor).any(right);
        if !has(&|_| true) {
            return Some("member");
        }
        if entry.actor().role.is_some_and(|role| !has(&|member| member.role == role)) {
            return Some("role");
        }
        let allowed = match entry.event() {
            Event::TitleRead => has(&|member| member.titles),
            Event::BundleImport | Event::BundleAccept => has(&|member| member.import),
            _ => true,
        };
        if allowed { None } else { Some("right") }
    }

    /// After a loss any later roster could have been in force.
    fn later(&self, actor: MemberId) -> impl Iterator<Item = &'a Member> {
        let chain: &[InForce] = if self.after_loss { self.chain } else { &[] };
        let later = chain.iter().filter(|roster| roster.roster().version > self.version);
        later.filter_map(move |roster| roster.roster().member(actor))
    }
}

fn of(chain: &[InForce], version: u64) -> Option<&InForce> {
    chain.iter().find(|roster| roster.roster().version == version)
}
