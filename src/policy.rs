//! May they? One pure decision from the request, the roster and the policy in force, the zone, the machine and the time:
//! a grant, or a denial with its reason.
//!
//! Who may do what at all is fixed here; what more is asked of them for a class, the officers write into a
//! [`Policy`]. `docs/ROLES.md` shows both.

mod ask;
mod rules;
#[cfg(test)]
mod tests;

pub use ask::{APPROVAL_KIND, Approval, Ask, BadAsk, Export, OBJECT_LIMIT, Part, REQUEST_KIND, Wanted};
pub use rules::{Acceptance, BadPolicy, ClassRules, Need, POLICY_KIND, Place, Policy};

use crate::access::{Action, Consent, Denial, Grant, Request};
use crate::id::MemberId;
use crate::label::{Class, Role, Zone};
use crate::roster::{Member, Roster};
use crate::time::Timestamp;

/// How the machine stands to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// Nothing connects it to other machines.
    Apart,
    /// Something does.
    Connected,
    /// Something does, and officers allowed it for now.
    Excepted,
}

/// Everything that a decision rests on.
#[derive(Debug, Clone, Copy)]
pub struct Rules<'a> {
    /// The roster in force, with the vault's zone.
    pub roster: &'a Roster,
    /// The policy in force.
    pub policy: &'a Policy,
    /// The machine; it matters in an isolated vault, for what decrypts.
    pub machine: Machine,
    /// Now.
    pub now: Timestamp,
}

/// Decides.
///
/// # Errors
/// The first reason why not: who it is, then what they may, then where, then what the policy asks for besides.
pub fn decide(rules: &Rules<'_>, request: Request<'_>) -> Result<Grant, Denial> {
    let member = standing(rules.roster, request.member, rules.now)?;
    may(rules.roster, member, request.action)?;
    place(rules, request.action)?;
    formalities(rules, request)?;
    Ok(Grant::issue(request))
}

/// The member, if the membership is not over.
///
/// # Errors
/// [`Denial::NotAMember`], [`Denial::Ended`], [`Denial::Sponsor`].
pub fn standing(roster: &Roster, id: MemberId, now: Timestamp) -> Result<&Member, Denial> {
    let member = roster.member(id).ok_or(Denial::NotAMember)?;
    if member.has_ended(now) {
        return Err(Denial::Ended);
    }
    if member.role != Role::Contractor {
        return Ok(member);
    }
    // Somebody of the office answers for a contractor, and nobody else's access hangs on a third person's.
    let sponsor = member.sponsor.and_then(|id| roster.member(id));
    match sponsor {
        Some(sponsor) if sponsor.role != Role::Contractor && !sponsor.has_ended(now) => Ok(member),
        _ => Err(Denial::Sponsor),
    }
}

/// What roles, clearances and rights allow at all.
fn may(roster: &Roster, member: &Member, action: Action) -> Result<(), Denial> {
    let cleared =
        |class: Class| if member.clearance.contains(&class) { Ok(()) } else { Err(Denial::Clearance) };
    let role = |roles: &[Role]| if roles.contains(&member.role) { Ok(()) } else { Err(Denial::Role) };
    match action {
        // Public keys are enough for it, and what is locked away harms nobody.
        Action::Seal(_) => Ok(()),
        Action::Open(class) => cleared(class),
        Action::SeeTitles if member.titles => Ok(()),
        Action::SeeTitles => Err(Denial::Titles),
        Action::Destroy(class) => officer_or_cleared_clerk(member, class),
        Action::Relabel { from, .. } | Action::Rewrap(from) => {
            role(&[Role::Officer, Role::Clerk])?;
            // The file key has to be unwrapped for it.
            cleared(from)
        }
        Action::Export(class, _) => {
            role(&[Role::Officer, Role::Clerk, Role::Courier])?;
            // From a drop box documents travel as they lie there, and nobody could read them.
            if roster.deposit_for.is_some() { Ok(()) } else { cleared(class) }
        }
        Action::Import | Action::Accept(..) if member.import => Ok(()),
        Action::Import | Action::Accept(..) => Err(Denial::Import),
        // Whose consent counts, the policy says when it is counted.
        Action::Consent => Ok(()),
        Action::Found
        | Action::ChangeRoster
        | Action::Except
        | Action::EnrolHost
        | Action::Resume
        | Action::Pair => role(&[Role::Officer]),
    }
}

/// An officer destroys without being able to read; a clerk only what the clerk may read.
fn officer_or_cleared_clerk(member: &Member, class: Class) -> Result<(), Denial> {
    match member.role {
        Role::Officer => Ok(()),
        Role::Clerk if member.clearance.contains(&class) => Ok(()),
        Role::Clerk => Err(Denial::Clearance),
        _ => Err(Denial::Role),
    }
}

/// Where it may be done.
fn place(rules: &Rules<'_>, action: Action) -> Result<(), Denial> {
    if let Action::Open(class) = action
        && rules.policy.of(class).open_zone == Place::Isolated
        && rules.roster.zone != Zone::Isolated
    {
        return Err(Denial::Zone);
    }
    let isolated = rules.roster.zone == Zone::Isolated;
    if isolated && decrypts(action) && rules.machine == Machine::Connected {
        return Err(Denial::Connected);
    }
    Ok(())
}

/// Whether something secret comes to light in this machine's memory.
pub fn decrypts(action: Action) -> bool {
    matches!(
        action,
        Action::Open(_)
            | Action::SeeTitles
            | Action::Relabel { .. }
            | Action::Rewrap(_)
            | Action::Export(..)
            | Action::Import
            | Action::Accept(..)
    )
}

/// What the policy asks for besides: a reason, other people.
fn formalities(rules: &Rules<'_>, request: Request<'_>) -> Result<(), Denial> {
    let policy = rules.policy;
    let (needed, releaser) = consents_needed(policy, rules.roster.zone, request.action);
    match request.action {
        Action::Open(class) if policy.of(class).open_reason == Need::Required && !request.reason => {
            return Err(Denial::Reason);
        }
        Action::Accept(class, importer)
            if policy.of(class).accept == Acceptance::AnotherPerson
                && is_one_person(rules.roster, importer, request.member) =>
        {
            return Err(Denial::SamePerson);
        }
        _ => {}
    }
    let (given, released) = consents_given(rules, request.member, request.consents);
    let missing = releaser && !released;
    if given < needed || missing {
        return Err(Denial::Consents { needed, given: given.min(needed), releaser: missing });
    }
    Ok(())
}

/// How many have approved, each person once and never the requester, and whether somebody else has released.
pub fn consents_given(rules: &Rules<'_>, requester: MemberId, consents: &[Consent]) -> (u32, bool) {
    let given = approvals(rules, requester, consents);
    let released = is_released(rules, requester, consents, &given);
    (u32::try_from(given.len()).unwrap_or(u32::MAX), released)
}

/// How many people have to approve, and whether another one has to release.
pub fn consents_needed(policy: &Policy, zone: Zone, action: Action) -> (u32, bool) {
    match action {
        Action::Open(class) => (policy.of(class).open_approvals, false),
        Action::Destroy(class) => (policy.of(class).destroy_approvals, false),
        // `Critical` comes first: down is towards the greater.
        Action::Relabel { from, to } if to > from => (policy.of(from).relabel_down_approvals, false),
        Action::Export(class, to) => match (zone, to) {
            (Zone::Networked, Zone::Isolated) => (policy.of(class).export_in_approvals, false),
            // What leaves an isolated vault for another isolated one is out of the house as well.
            (Zone::Isolated, _) => {
                (policy.of(class).export_out_approvals, policy.of(class).export_out_releaser)
            }
            (Zone::Networked, Zone::Networked) => {
                (policy.of(class).export_out_approvals, policy.of(class).export_out_releaser)
            }
        },
        _ => (0, false),
    }
}

/// Whether this member's approval would count for somebody else's request.
pub fn may_approve(rules: &Rules<'_>, id: MemberId) -> bool {
    standing(rules.roster, id, rules.now)
        .is_ok_and(|member| member.role == Role::Officer || rules.policy.approvers.contains(&id))
}

/// People, not signatures: each once, never the requester. Who stands in the roster twice, under two keys and one name, is
/// one person.
fn approvals<'a>(rules: &Rules<'a>, requester: MemberId, consents: &[Consent]) -> Vec<&'a Member> {
    let approving = consents.iter().filter(|consent| !consent.releases && may_approve(rules, consent.member));
    people(rules.roster, requester, approving)
}

/// Somebody with the right to release has, who is neither the requester nor among those who approved.
fn is_released(rules: &Rules<'_>, requester: MemberId, consents: &[Consent], approved: &[&Member]) -> bool {
    let releasing = consents.iter().filter(|consent| {
        let member = standing(rules.roster, consent.member, rules.now);
        consent.releases && member.is_ok_and(|member| member.release)
    });
    people(rules.roster, requester, releasing)
        .iter()
        .any(|one| approved.iter().all(|other| !is_same(one, other)))
}

fn people<'a, 'b>(
    roster: &'a Roster,
    requester: MemberId,
    consents: impl Iterator<Item = &'b Consent>,
) -> Vec<&'a Member> {
    let requester = roster.member(requester);
    let mut people: Vec<&Member> = Vec::new();
    for member in consents.filter_map(|consent| roster.member(consent.member)) {
        let other = |known: &&Member| !is_same(known, member);
        if requester.iter().all(other) && people.iter().all(other) {
            people.push(member);
        }
    }
    people
}

fn is_one_person(roster: &Roster, one: MemberId, other: MemberId) -> bool {
    let both = roster.member(one).zip(roster.member(other));
    one == other || both.is_some_and(|(one, other)| is_same(one, other))
}

fn is_same(one: &Member, other: &Member) -> bool {
    one.id == other.id || one.key == other.key || one.name == other.name
}
