use super::*;
use crate::crypto::PublicKey;
use crate::label::KeyKind;
use crate::roster::Member;

const TODAY: &str = "2026-11-26T08:00:00.000Z";
const ME: MemberId = MemberId([1; 8]);

pub(super) fn person(id: u8, role: Role) -> Member {
    Member {
        id: MemberId([id; 8]),
        name: format!("person {id}"),
        key: PublicKey([id; 32]),
        recipient: "age1x".into(),
        role,
        clearance: vec![],
        titles: false,
        import: false,
        release: false,
        sponsor: None,
        until: None,
        joined: Timestamp::from_unix_ms(0),
    }
}

pub(super) fn roster(zone: Zone, members: Vec<Member>) -> Roster {
    Roster {
        vault: None,
        version: 1,
        previous: None,
        created: Timestamp::from_unix_ms(0),
        name: "n".into(),
        zone,
        key_kind: KeyKind::Classic,
        officers_needed: 1,
        policy: None,
        deposit_for: None,
        keys: vec![],
        hosts: vec![],
        members,
    }
}

fn now() -> Timestamp {
    TODAY.parse().unwrap()
}

fn said(roster: &Roster, policy: &Policy, machine: Machine, request: Request<'_>) -> Result<(), Denial> {
    decide(&Rules { roster, policy, machine, now: now() }, request).map(|_| ())
}

fn actions() -> Vec<Action> {
    let mut actions = vec![
        Action::Found,
        Action::SeeTitles,
        Action::ChangeRoster,
        Action::Except,
        Action::EnrolHost,
        Action::Resume,
        Action::Consent,
        Action::Import,
        Action::Pair,
    ];
    for class in Class::ALL.iter().copied() {
        actions.extend([
            Action::Seal(class),
            Action::Open(class),
            Action::Destroy(class),
            Action::Rewrap(class),
        ]);
        actions.extend([Action::Accept(class, ME), Action::Accept(class, MemberId([7; 8]))]);
        actions.extend(Zone::ALL.iter().map(|zone| Action::Export(class, *zone)));
        actions.extend(Class::ALL.iter().map(|to| Action::Relabel { from: class, to: *to }));
    }
    actions
}

/// The rules once more, as sentences of a manual and not as code of the program: roles, then what has to be held.
fn allowed(action: Action, member: &Member) -> bool {
    use Role::{Auditor, Clerk, Contractor, Courier, Officer};
    let everybody = [Officer, Clerk, Courier, Auditor, Contractor];
    let (roles, class, right): (&[Role], Option<Class>, bool) = match action {
        Action::Seal(_) | Action::Consent => (&everybody, None, true),
        Action::Open(class) => (&everybody, Some(class), true),
        Action::SeeTitles => (&everybody, None, member.titles),
        Action::Import | Action::Accept(..) => (&everybody, None, member.import),
        Action::Destroy(_) if member.role == Officer => (&[Officer], None, true),
        Action::Destroy(class) => (&[Clerk], Some(class), true),
        Action::Relabel { from, .. } | Action::Rewrap(from) => (&[Officer, Clerk], Some(from), true),
        Action::Export(class, _) => (&[Officer, Clerk, Courier], Some(class), true),
        Action::Found
        | Action::ChangeRoster
        | Action::Except
        | Action::EnrolHost
        | Action::Resume
        | Action::Pair => (&[Officer], None, true),
    };
    roles.contains(&member.role) && right && class.is_none_or(|class| member.clearance.contains(&class))
}

/// The table of the built-in policy: how many approve, whether somebody releases.
fn asked(zone: Zone, action: Action) -> (u32, bool) {
    let of = |class, important, critical| if class == Class::Critical { critical } else { important };
    match action {
        Action::Destroy(class) => (of(class, 1, 2), false),
        Action::Relabel { from: Class::Critical, to: Class::Important } => (2, false),
        Action::Export(class, Zone::Isolated) if zone == Zone::Networked => (of(class, 0, 1), false),
        Action::Export(class, _) => (of(class, 1, 2), true),
        _ => (0, false),
    }
}

/// Every way to hold clearances and rights.
fn holders(role: Role) -> Vec<Member> {
    let (critical, important) = (Class::Critical, Class::Important);
    let clearances: [&[Class]; 4] = [&[], &[critical], &[important], &[critical, important]];
    let mut holders = Vec::new();
    for clearance in clearances {
        for rights in 0..4 {
            let sponsor = (role == Role::Contractor).then_some(MemberId([3; 8]));
            holders.push(Member {
                clearance: clearance.to_vec(),
                titles: rights & 1 == 1,
                import: rights & 2 == 2,
                sponsor,
                ..person(1, role)
            });
        }
    }
    holders
}

#[test]
fn every_role_clearance_right_action_zone_machine_reason_and_number_of_approvals() {
    let policy = Policy::default();
    let approve = |id| Consent { member: MemberId([id; 8]), releases: false };
    let release = Consent { member: MemberId([4; 8]), releases: true };
    let consents =
        [vec![], vec![approve(2)], vec![approve(2), approve(3)], vec![approve(2), approve(3), release]];
    let mut cases = 0;
    for zone in Zone::ALL {
        for member in Role::ALL.iter().flat_map(|role| holders(*role)) {
            let releaser = Member { release: true, ..person(4, Role::Clerk) };
            let officers = [person(2, Role::Officer), person(3, Role::Officer)];
            let roster =
                roster(*zone, [std::slice::from_ref(&member), officers.as_slice(), &[releaser]].concat());
            for action in actions() {
                for machine in [Machine::Apart, Machine::Connected, Machine::Excepted] {
                    for (reason, consents) in consents.iter().flat_map(|some| [(false, some), (true, some)]) {
                        let (needed, releaser) = asked(*zone, action);
                        let given = consents.iter().filter(|consent| !consent.releases).count();
                        let critical = action == Action::Open(Class::Critical);
                        let may = allowed(action, &member)
                            && (!critical || (*zone == Zone::Isolated && reason))
                            && (*zone == Zone::Networked
                                || machine != Machine::Connected
                                || !decrypts(action))
                            && action != Action::Accept(Class::Critical, ME)
                            && given as u32 >= needed
                            && (!releaser || consents.len() == 3);
                        let request = Request { member: ME, action, reason, consents };
                        let got = said(&roster, &policy, machine, request);
                        assert_eq!(
                            got.is_ok(),
                            may,
                            "{zone} {member:?} {action:?} {machine:?} {reason} {given}"
                        );
                        cases += 1;
                    }
                }
            }
        }
    }
    assert!(cases > 80_000, "{cases}");
}

#[test]
fn a_stranger_may_nothing() {
    let roster = roster(Zone::Networked, vec![person(1, Role::Officer)]);
    for action in actions() {
        let got = said(&roster, &Policy::default(), Machine::Apart, Request::new(MemberId([9; 8]), action));
        assert_eq!(got, Err(Denial::NotAMember), "{action:?}");
    }
}

#[test]
fn the_last_day_is_a_day_and_the_next_one_is_not() {
    for (until, may) in [("2026-11-25", false), ("2026-11-26", true), ("2026-11-27", true)] {
        let member = Member { until: Some(until.to_owned()), ..person(1, Role::Officer) };
        let roster = roster(Zone::Networked, vec![member]);
        for action in [Action::Seal(Class::Important), Action::ChangeRoster] {
            let got = said(&roster, &Policy::default(), Machine::Apart, Request::new(ME, action));
            assert_eq!(got, if may { Ok(()) } else { Err(Denial::Ended) }, "{until}");
        }
    }
}

#[test]
fn a_contractor_stands_and_falls_with_a_sponsor_of_the_office() {
    let contractor = |sponsor| Member { sponsor, ..person(1, Role::Contractor) };
    let request = Request::new(ME, Action::Seal(Class::Important));
    let may = |members| said(&roster(Zone::Networked, members), &Policy::default(), Machine::Apart, request);
    let sponsor = person(2, Role::Clerk);
    assert_eq!(may(vec![contractor(Some(sponsor.id)), sponsor.clone()]), Ok(()));
    assert_eq!(may(vec![contractor(Some(sponsor.id))]), Err(Denial::Sponsor));
    assert_eq!(may(vec![contractor(None), sponsor.clone()]), Err(Denial::Sponsor));
    let over = Member { until: Some("2026-11-25".into()), ..sponsor.clone() };
    assert_eq!(may(vec![contractor(Some(sponsor.id)), over]), Err(Denial::Sponsor));
    let other = person(2, Role::Contractor);
    assert_eq!(may(vec![contractor(Some(other.id)), other]), Err(Denial::Sponsor));
}

/// What becomes of a destruction that needs two approvals, with these consents.
fn destroyed(members: Vec<Member>, consents: &[Consent]) -> Result<(), Denial> {
    let request = Request { consents, ..Request::new(ME, Action::Destroy(Class::Critical)) };
    said(&roster(Zone::Networked, members), &Policy::default(), Machine::Apart, request)
}

fn short(given: u32) -> Result<(), Denial> {
    Err(Denial::Consents { needed: 2, given, releaser: false })
}

#[test]
fn approvals_are_people_who_may_approve_and_not_the_requester() {
    let yes = |id| Consent { member: MemberId([id; 8]), releases: false };
    let officers = || vec![person(1, Role::Officer), person(2, Role::Officer), person(3, Role::Officer)];
    assert_eq!(destroyed(officers(), &[yes(2), yes(3)]), Ok(()));
    assert_eq!(destroyed(officers(), &[yes(2), yes(2)]), short(1), "one person twice");
    assert_eq!(destroyed(officers(), &[yes(1), yes(2)]), short(1), "the requester");
    assert_eq!(destroyed(officers(), &[yes(2), yes(9)]), short(1), "a stranger");
    let mut clerk = officers();
    clerk[2].role = Role::Clerk;
    assert_eq!(destroyed(clerk, &[yes(2), yes(3)]), short(1), "no officer");
    let mut over = officers();
    over[2].until = Some("2026-11-25".into());
    assert_eq!(destroyed(over, &[yes(2), yes(3)]), short(1), "one whose time is over");
    let mut same_name = officers();
    same_name[2].name = same_name[1].name.clone();
    assert_eq!(destroyed(same_name, &[yes(2), yes(3)]), short(1), "one person under two keys");
    let mut own_name = officers();
    own_name[2].name = own_name[0].name.clone();
    assert_eq!(destroyed(own_name, &[yes(2), yes(3)]), short(1), "the requester under another key");
    let releasing = Consent { releases: true, ..yes(3) };
    assert_eq!(destroyed(officers(), &[yes(2), releasing]), short(1), "a releaser's for an approver's");
}

#[test]
fn members_whom_the_policy_names_approve_as_well() {
    let clerk = person(2, Role::Clerk);
    let roster = roster(Zone::Networked, vec![person(1, Role::Officer), clerk.clone()]);
    let consents = [Consent { member: clerk.id, releases: false }];
    let request = Request { consents: &consents, ..Request::new(ME, Action::Destroy(Class::Important)) };
    let named = Policy { approvers: vec![clerk.id], ..Policy::default() };
    assert_eq!(said(&roster, &named, Machine::Apart, request), Ok(()));
    let refused = said(&roster, &Policy::default(), Machine::Apart, request);
    assert_eq!(refused, Err(Denial::Consents { needed: 1, given: 0, releaser: false }));
}

#[test]
fn who_releases_has_the_right_and_is_neither_approver_nor_requester() {
    let cleared = |id, role| Member { clearance: Class::ALL.to_vec(), release: true, ..person(id, role) };
    let members = vec![
        cleared(1, Role::Clerk),
        cleared(2, Role::Officer),
        cleared(3, Role::Clerk),
        person(4, Role::Clerk),
    ];
    let roster = roster(Zone::Isolated, members);
    let consent = |id, releases| Consent { member: MemberId([id; 8]), releases };
    let exported = |consents: &[Consent]| {
        let action = Action::Export(Class::Important, Zone::Networked);
        said(&roster, &Policy::default(), Machine::Apart, Request { consents, ..Request::new(ME, action) })
    };
    let missing = Err(Denial::Consents { needed: 1, given: 1, releaser: true });
    assert_eq!(exported(&[consent(2, false), consent(3, true)]), Ok(()));
    assert_eq!(exported(&[consent(2, false)]), missing);
    assert_eq!(exported(&[consent(2, false), consent(3, false)]), missing, "an approver's for a releaser's");
    assert_eq!(exported(&[consent(2, false), consent(2, true)]), missing, "one person in both parts");
    assert_eq!(exported(&[consent(2, false), consent(1, true)]), missing, "the requester");
    assert_eq!(exported(&[consent(2, false), consent(4, true)]), missing, "without the right");
}

#[test]
fn reasons_come_in_the_order_of_who_what_where_and_how() {
    let clerk = Member { clearance: vec![Class::Critical], ..person(1, Role::Clerk) };
    let open = Request::new(ME, Action::Open(Class::Critical));
    let policy = Policy::default();
    let networked = roster(Zone::Networked, vec![clerk.clone()]);
    assert_eq!(said(&networked, &policy, Machine::Apart, open), Err(Denial::Zone));
    let isolated = roster(Zone::Isolated, vec![clerk.clone()]);
    assert_eq!(said(&isolated, &policy, Machine::Connected, open), Err(Denial::Connected));
    assert_eq!(said(&isolated, &policy, Machine::Excepted, open), Err(Denial::Reason));
    let with_reason = Request { reason: true, ..open };
    assert_eq!(said(&isolated, &policy, Machine::Excepted, with_reason), Ok(()));
    let uncleared = roster(Zone::Networked, vec![person(1, Role::Clerk)]);
    assert_eq!(said(&uncleared, &policy, Machine::Apart, open), Err(Denial::Clearance));
}
