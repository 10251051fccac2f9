//! The rules in force: to look at, and to change.

use super::change::{Change, Changed};
use super::member::successor;
use super::report::PolicyReport;
use super::session::Session;
use super::{Done, Error, Vault};
use crate::access::{Action, Request};
use crate::identity::Identity;
use crate::log::entry::{Event, Object, ObjectKind};
use crate::policy::{Machine, Policy, Rules, decide, may_approve, standing};

impl Vault {
    /// The policy in force.
    ///
    /// # Errors
    /// What keeps roster or policy from being read.
    pub fn policy_show(&self) -> Result<PolicyReport, Error> {
        let glance = self.glance()?;
        let roster = glance.roster.roster();
        let now = self.site.clock.now().time;
        let rules = Rules { roster, policy: &glance.policy, machine: Machine::Apart, now };
        Ok(report(&rules))
    }

    /// Puts a policy in force, or asks the other officers.
    ///
    /// # Errors
    /// [`Code::NoRole`](super::Code::NoRole) unless the caller is an officer.
    pub fn policy_set(
        &self,
        me: &Identity,
        policy: &Policy,
        reason: Option<&str>,
    ) -> Result<Done<PolicyReport>, Error> {
        let mut session = Session::begin(&*self.site.random)?;
        let mut live = self.live()?;
        if let Err(denial) = decide(&live.rules(Machine::Apart), Request::new(me.id(), Action::ChangeRoster))
        {
            drop(live);
            let object = Some(Object::of_kind(ObjectKind::Roster));
            return Err(self.refused(&session, me, Event::RosterChange, object, denial.into()));
        }
        let mut roster = successor(live.roster(), self.site.clock.now().time);
        roster.policy = (*policy != Policy::default()).then(|| policy.digest());
        let change = Change { roster, policy: policy.clone(), code: "policy-set", keys: Vec::new() };
        match self.change(&mut live, &mut session, me, change, reason)? {
            Changed::InForce(_) => Ok(Done::Done(report(&live.rules(Machine::Apart)))),
            Changed::Asked(request) => Ok(Done::Asked(Box::new(request))),
        }
    }
}

/// How many people could stand beside a requester: approvers, and people who release.
pub(super) fn people_there(rules: &Rules<'_>) -> u32 {
    let counts = |member: &&crate::roster::Member| {
        let active = standing(rules.roster, member.id, rules.now).is_ok();
        active && (member.release || may_approve(rules, member.id))
    };
    let there = rules.roster.members.iter().filter(counts).count();
    // The requester can be one of them.
    u32::try_from(there).unwrap_or(u32::MAX).saturating_sub(1)
}

fn report(rules: &Rules<'_>) -> PolicyReport {
    let policy = rules.policy;
    PolicyReport {
        built_in: rules.roster.policy.is_none(),
        digest: policy.digest(),
        zone: rules.roster.zone,
        approvers: policy.approvers.clone(),
        check: policy.check.clone(),
        critical: policy.critical.clone(),
        important: policy.important.clone(),
        officers_needed: rules.roster.officers_needed,
        people_needed: policy.most_people(),
        people_there: people_there(rules),
    }
}
