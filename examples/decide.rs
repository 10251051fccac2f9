//! How long a decision takes with a roster of so many members: `decide [MEMBERS]`. Prints the microseconds of one decision, for the
//! member that stands last, a contractor whose sponsor stands last but one, with approvals by two more.

#![allow(clippy::print_stdout, reason = "a program of its own")]

use std::time::Instant;

use gapvault::access::{Action, Consent, Request};
use gapvault::crypto::PublicKey;
use gapvault::id::MemberId;
use gapvault::label::{Class, KeyKind, Role, Zone};
use gapvault::policy::{Machine, Need, Policy, Rules, decide};
use gapvault::roster::{Member, Roster};
use gapvault::time::Timestamp;

const DECISIONS: u32 = 100_000;

fn member(number: u32, role: Role, sponsor: Option<MemberId>) -> Member {
    let [a, b, c, d] = number.to_be_bytes();
    Member {
        id: MemberId([a, b, c, d, 0, 0, 0, 0]),
        name: format!("member {number}"),
        key: PublicKey(std::array::from_fn(|at| number.to_be_bytes().get(at).copied().unwrap_or(0))),
        recipient: "age1".to_owned(),
        role,
        clearance: vec![Class::Critical, Class::Important],
        titles: true,
        import: false,
        release: false,
        sponsor,
        until: Some("2099-12-31".to_owned()),
        joined: Timestamp::from_unix_ms(0),
    }
}

fn main() {
    let count: u32 = std::env::args().nth(1).and_then(|text| text.parse().ok()).unwrap_or(1000).max(4);
    let mut members: Vec<Member> = (0..count - 1).map(|number| member(number, Role::Officer, None)).collect();
    let sponsor = members.last().map(|last| last.id);
    members.push(member(count - 1, Role::Contractor, sponsor));
    let consents: Vec<Consent> =
        members.iter().rev().skip(1).take(2).map(|one| Consent { member: one.id, releases: false }).collect();
    let me = members.last().map(|last| last.id).unwrap_or(MemberId([0; 8]));
    let roster = Roster {
        vault: None,
        version: 1,
        previous: None,
        created: Timestamp::from_unix_ms(0),
        name: "many".to_owned(),
        zone: Zone::Isolated,
        key_kind: KeyKind::Classic,
        officers_needed: 2,
        policy: None,
        deposit_for: None,
        keys: vec![],
        hosts: vec![],
        members,
    };
    let mut policy = Policy::default();
    policy.critical.open_approvals = 2;
    assert_eq!(policy.critical.open_reason, Need::Required);
    let rules = Rules {
        roster: &roster,
        policy: &policy,
        machine: Machine::Apart,
        now: Timestamp::from_unix_ms(1_790_000_000_000),
    };
    let request =
        Request { member: me, action: Action::Open(Class::Critical), reason: true, consents: &consents };
    let start = Instant::now();
    let granted = (0..DECISIONS).filter(|_| decide(&rules, request).is_ok()).count();
    let each = start.elapsed().as_secs_f64() * 1e6 / f64::from(DECISIONS);
    println!("{count} members, {granted} decisions: {each:.2} µs each");
}
