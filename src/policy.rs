//! May they? One pure decision from the request and the roster in force: a grant, or a denial with its reason.
//!
//! The rules of this version: any member seals; opening needs the clearance for the class, titles the right to
//! see them; destroying, the roster and hosts are an officer's. New headers and file keys are an officer's with the
//! clearance. `tests` below hold every combination.

use crate::access::{Action, Denial, Grant, Request};
use crate::label::Role;
use crate::roster::{Member, Roster};

/// Decides.
pub fn decide(roster: &Roster, request: Request) -> Result<Grant, Denial> {
    let member = roster.member(request.member).ok_or(Denial::NotAMember)?;
    match refusal(member, request.action) {
        None => Ok(Grant::issue(request)),
        Some(denial) => Err(denial),
    }
}

fn refusal(member: &Member, action: Action) -> Option<Denial> {
    let officer = member.role == Role::Officer;
    match action {
        Action::Seal(_) => None,
        Action::Open(class) => (!member.clearance.contains(&class)).then_some(Denial::Clearance),
        Action::Rewrap(_) if !officer => Some(Denial::Role),
        // The file key has to be unwrapped for it.
        Action::Rewrap(class) => (!member.clearance.contains(&class)).then_some(Denial::Clearance),
        Action::SeeTitles => (!member.titles).then_some(Denial::Titles),
        Action::Found | Action::Destroy(_) | Action::ChangeRoster | Action::EnrolHost | Action::Resume => {
            (!officer).then_some(Denial::Role)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::PublicKey;
    use crate::id::MemberId;
    use crate::label::{Class, KeyKind, Zone};
    use crate::time::Timestamp;

    fn roster(role: Role, clearance: &[Class], titles: bool) -> Roster {
        let member = Member {
            id: MemberId([1; 8]),
            name: "王小明".into(),
            key: PublicKey([0; 32]),
            recipient: "age1x".into(),
            role,
            clearance: clearance.to_vec(),
            titles,
            import: false,
            release: false,
            sponsor: None,
            until: None,
            joined: Timestamp::from_unix_ms(0),
        };
        Roster {
            vault: None,
            version: 1,
            previous: None,
            created: Timestamp::from_unix_ms(0),
            name: "n".into(),
            zone: Zone::Networked,
            key_kind: KeyKind::Classic,
            officers_needed: 1,
            keys: vec![],
            hosts: vec![],
            members: vec![member],
        }
    }

    /// The rules once more, as a table that a person can read: (needs officer, needs clearance for, needs titles).
    fn table(action: Action) -> (bool, Option<Class>, bool) {
        match action {
            Action::Seal(_) => (false, None, false),
            Action::Open(class) => (false, Some(class), false),
            Action::Rewrap(class) => (true, Some(class), false),
            Action::SeeTitles => (false, None, true),
            _ => (true, None, false),
        }
    }

    #[test]
    fn every_role_clearance_right_and_action() {
        let (critical, important) = (Class::Critical, Class::Important);
        let clearances: [&[Class]; 4] = [&[], &[critical], &[important], &[critical, important]];
        let mut actions =
            vec![Action::Found, Action::SeeTitles, Action::ChangeRoster, Action::EnrolHost, Action::Resume];
        for class in [critical, important] {
            actions.extend([
                Action::Seal(class),
                Action::Open(class),
                Action::Destroy(class),
                Action::Rewrap(class),
            ]);
        }
        for role in Role::ALL {
            for clearance in clearances {
                for titles in [false, true] {
                    for action in &actions {
                        let (officer, class, needs_titles) = table(*action);
                        let may = (!officer || *role == Role::Officer)
                            && class.is_none_or(|class| clearance.contains(&class))
                            && (!needs_titles || titles);
                        let request = Request { member: MemberId([1; 8]), action: *action };
                        let got = decide(&roster(*role, clearance, titles), request);
                        assert_eq!(got.is_ok(), may, "{role} {clearance:?} {titles} {action:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn a_stranger_may_nothing() {
        let request = Request { member: MemberId([2; 8]), action: Action::Seal(Class::Important) };
        let got = decide(&roster(Role::Officer, &[], true), request);
        assert_eq!(got.err(), Some(Denial::NotAMember));
    }
}
