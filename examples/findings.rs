//! How long the rules of findings take over a log: `findings [ENTRIES] [MEMBERS]`. Prints the processor time of one entry, without
//! reading it, and how many findings there are. Half of the entries are intents to open a document, half their ends, by members
//! whose memberships have a last day, at all hours.

#![allow(clippy::print_stdout, reason = "a program of its own")]

use gapvault::audit::findings::{Calendar, Context, Place, Rules, Seq, Watch};
use gapvault::crypto::SigningKey;
use gapvault::id::{DocumentId, HostId, MemberId, SessionId};
use gapvault::label::{Class, KeyKind, Role, Zone};
use gapvault::log::entry::{Draft, Entry, Event, Object, Outcome, Phase};
use gapvault::note::{SignedNote, member_id, member_key_name};
use gapvault::roster::{InForce, KeyName, Member, Purpose, Roster, found};
use gapvault::time::{Moment, Timestamp};

/// Entries that are made before they are fed, so that only the feeding is measured.
const BLOCK: u64 = 50_000;
/// Milliseconds from one entry to the next, and the time of the first.
const STEP: u64 = 7_000;
const BEGIN: i64 = 1_760_000_000_000;

fn key(number: u32) -> SigningKey {
    let bytes = number.to_be_bytes();
    SigningKey::from_seed(std::array::from_fn(|at| bytes.get(at).copied().unwrap_or(7)))
}

fn chain(count: u32) -> Option<Vec<InForce>> {
    let member = |number: u32| Member {
        id: member_id(&key(number).public()),
        name: format!("member {number}"),
        key: key(number).public(),
        recipient: "age1".to_owned(),
        role: if number == 0 { Role::Officer } else { Role::Clerk },
        clearance: vec![Class::Critical, Class::Important],
        titles: true,
        import: false,
        release: false,
        sponsor: None,
        until: (number > 0).then(|| "2099-12-31".to_owned()),
        joined: Timestamp::from_unix_ms(0),
    };
    let mut members: Vec<Member> = (0..count).map(member).collect();
    members.sort_by_key(|member| member.id);
    let mut keys: Vec<_> =
        Purpose::ALL.map(|purpose| (KeyName { purpose, generation: 1 }, "age1key".to_owned())).to_vec();
    keys.sort();
    let roster = Roster {
        vault: None,
        version: 1,
        previous: None,
        created: Timestamp::from_unix_ms(0),
        name: "many".to_owned(),
        zone: Zone::Isolated,
        key_kind: KeyKind::Classic,
        officers_needed: 1,
        policy: None,
        deposit_for: None,
        keys,
        hosts: vec![],
        members,
    };
    let officer = member_key_name(member_id(&key(0).public()));
    let note = SignedNote::sign(&roster.print().ok()?, &[(&officer, &key(0))]).ok()?;
    Some(vec![found(note.print().as_bytes()).ok()?])
}

fn entry(seq: u64, who: MemberId) -> Option<Entry> {
    let mono_ms = seq * STEP;
    let time = Timestamp::from_unix_ms(BEGIN + i64::try_from(mono_ms).ok()?);
    let now = Moment { time, boot: "6f1c0b6e-2f0e-4f5e-9a3c-0d6f3f1c9b77".to_owned(), mono_ms };
    let session = SessionId([1; 16]);
    let mut draft =
        Draft::new(Event::DocumentOpen, Outcome::Ok, session, HostId([2; 8]), Zone::Isolated, &now);
    let number = (seq / 2).wrapping_mul(0x9e37_79b9_7f4a_7c15).to_be_bytes();
    let id = std::array::from_fn(|at| number.get(at).copied().unwrap_or(0));
    let mut object = Object::document(DocumentId(id));
    object.class = Some(Class::Important);
    (draft.object, draft.actor.id, draft.actor.role) = (Some(object), Some(who), Some(Role::Clerk));
    (draft.phase, draft.closes) =
        if seq.is_multiple_of(2) { (Phase::Intent, None) } else { (Phase::Done, Some(seq - 1)) };
    draft.entry(seq).ok()
}

/// Processor time of this process, in nanoseconds: others on the machine do not count.
fn used() -> i128 {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    i128::from(time.tv_sec) * 1_000_000_000 + i128::from(time.tv_nsec)
}

fn main() {
    let number = |at: usize| std::env::args().nth(at).and_then(|text| text.parse::<u64>().ok());
    let count = number(1).unwrap_or(1_000_000);
    let members = u32::try_from(number(2).unwrap_or(50).clamp(2, 2000)).unwrap_or(50);
    let Some(chain) = chain(members) else { return println!("no roster") };
    let clerks: Vec<MemberId> = chain
        .iter()
        .flat_map(|roster| &roster.roster().members)
        .filter(|member| member.role == Role::Clerk)
        .map(|member| member.id)
        .collect();
    let (rules, calendar) = (Rules::default(), Calendar::default());
    let ahead = |_: Timestamp| 8 * 3600;
    let place = Place { calendar: &calendar, ahead: &ahead, chain: &chain, period: (None, None) };
    let mut watch = Watch::new(&rules, place);
    let mut spent = 0;
    for first in (0..count).step_by(usize::try_from(BLOCK).unwrap_or(1)) {
        let who = |seq: u64| clerks.iter().cycle().nth(usize::try_from(seq / 2 % 1999).unwrap_or(0)).copied();
        let block: Vec<Entry> = (first..count.min(first + BLOCK))
            .filter_map(|seq| who(seq).and_then(|who| entry(seq, who)))
            .collect();
        let start = used();
        for entry in &block {
            watch.entry(Seq { epoch: 1, seq: entry.seq() }, entry);
        }
        spent += used() - start;
    }
    let now = Timestamp::from_unix_ms(BEGIN + i64::try_from(count * STEP).unwrap_or(0));
    let start = used();
    let found = watch.finish(Context { now, live: true, covered: None }).len();
    println!(
        "{count} entries, {members} members: {} ns each, {} ms at the end, {found} findings",
        spent / i128::from(count.max(1)),
        (used() - start) / 1_000_000
    );
}
