use super::*;
use crate::crypto::Digest;
use crate::id::{BundleId, DocumentId, HostId, SessionId, VaultId};
use crate::label::Zone;
use crate::log::entry::Draft;
use crate::time::Moment;

const HOUR: i64 = 3_600_000;
/// A Monday.
const START: &str = "2026-11-23T08:00:00.000Z";

fn start() -> Timestamp {
    START.parse().unwrap()
}

fn draft(event: Event, outcome: Outcome, hours: i64) -> Draft {
    let time = Timestamp::from_unix_ms(start().unix_ms() + hours * HOUR);
    let mono_ms = u64::try_from(hours * HOUR).unwrap_or(0);
    let now = Moment { time, boot: "boot".to_owned(), mono_ms };
    let mut draft = Draft::new(event, outcome, SessionId([1; 16]), HostId([2; 8]), Zone::Isolated, &now);
    draft.actor.id = Some(MemberId([1; 8]));
    draft
}

fn about(event: Event, outcome: Outcome, hours: i64, document: u8) -> Draft {
    let mut draft = draft(event, outcome, hours);
    let mut object = Object::document(DocumentId([document; 16]));
    object.class = Some(Class::Important);
    object.payload_sha256 = Some(Digest([document; 32]));
    draft.object = Some(object);
    draft
}

fn intent(mut draft: Draft) -> Draft {
    draft.phase = Phase::Intent;
    draft
}

fn done(mut draft: Draft, intent: u64) -> Draft {
    (draft.phase, draft.closes) = (Phase::Done, Some(intent));
    draft
}

fn by(mut draft: Draft, member: u8) -> Draft {
    draft.actor.id = Some(MemberId([member; 8]));
    draft
}

fn tallied(period: Period, drafts: Vec<Draft>) -> Account {
    let mut tally = Tally::new(TimeZone::utc(), period);
    for (seq, draft) in (0..).zip(drafts) {
        tally.entry(Seq { epoch: 1, seq }, &draft.entry(seq).unwrap());
    }
    account(tally, Context { chain: &[], now: start() })
}

fn whole(drafts: Vec<Draft>) -> Account {
    tallied(Period::default(), drafts)
}

#[test]
fn an_opening_counts_once_and_a_failed_one_is_told() {
    use Event::DocumentOpen as Open;
    let account = whole(vec![
        intent(about(Open, Outcome::Ok, 0, 7)),
        done(about(Open, Outcome::Ok, 0, 7), 0),
        intent(about(Open, Outcome::Ok, 1, 7)),
        done(about(Open, Outcome::Failed, 1, 7), 2),
        by(about(Open, Outcome::Denied, 2, 7), 9),
        by(about(Event::DocumentExport, Outcome::Ok, 3, 7), 9),
    ]);
    assert_eq!((account.entries, account.reads.len(), account.more_reads), (6, 2, 0));
    let row = |member: u8| {
        let row = account.reads.iter().find(|row| row.member == Some(MemberId([member; 8]))).unwrap();
        (row.opened, row.refused, row.exported)
    };
    assert_eq!((row(1), row(9)), ((2, 1, 0), (0, 1, 1)));
    let class = account.classes.first().unwrap();
    assert_eq!(class.class, Some(Class::Important));
    assert_eq!(class.deeds.get(&Deed::Opened), Some(&2));
    assert_eq!(class.deeds.get(&Deed::Refused), Some(&2));
    assert_eq!(account.categories.get(&Category::AccessFailure).map(|shown| shown.count), Some(2));
    assert_eq!(account.events.iter().map(|row| row.count).sum::<u64>(), 6);
    assert_eq!(account.people.iter().map(|row| row.person.entries).sum::<u64>(), 6);
}

#[test]
fn days_and_hours_are_those_of_the_zone() {
    let late = draft(Event::IdentityUnlock, Outcome::Ok, 15);
    let mut tally = Tally::new(TimeZone::ahead(8), Period::default());
    tally.entry(Seq { epoch: 1, seq: 0 }, &late.clone().entry(0).unwrap());
    let account = account(tally, Context { chain: &[], now: start() });
    assert_eq!(account.days.first().unwrap().day.to_string(), "2026-11-24");
    assert_eq!((account.week[1][7], account.offset.as_str()), (1, "UTC+08:00"));
    let account = whole(vec![late]);
    assert_eq!(account.days.first().unwrap().day.to_string(), "2026-11-23");
    assert_eq!(account.week[0][23], 1);
}

#[test]
fn a_period_has_both_its_days_and_nothing_else() {
    let drafts = || (0..6).map(|day| draft(Event::TitleRead, Outcome::Ok, day * 24)).collect();
    let day = |text: &str| Some(text.parse().unwrap());
    let account = tallied(Period { from: day("2026-11-24"), to: day("2026-11-26") }, drafts());
    assert_eq!((account.entries, account.outside, account.days.len()), (3, 3, 3));
    assert_eq!(account.first.unwrap().0.seq, 1);
    assert_eq!(account.last.unwrap().0.seq, 3);
    // How far the log reaches back is no question of the period.
    assert_eq!(account.retention.first, Some(Seq { epoch: 1, seq: 0 }));
}

#[test]
fn what_cannot_be_kept_apart_is_counted() {
    let mut tally = Tally::new(TimeZone::utc(), Period::default());
    for seq in 0..100_050_u64 {
        let mut draft = about(Event::DocumentOpen, Outcome::Ok, 0, 0);
        let mut id = [0; 16];
        id[..8].copy_from_slice(&seq.to_be_bytes());
        draft.object = Some(Object::document(DocumentId(id)));
        let mut person = [0; 8];
        person[..].copy_from_slice(&(seq % 10_040).to_be_bytes());
        draft.actor.id = Some(MemberId(person));
        tally.entry(Seq { epoch: 1, seq }, &draft.entry(seq).unwrap());
    }
    let account = account(tally, Context { chain: &[], now: start() });
    assert_eq!((account.reads.len(), account.more_reads), (100_000, 50));
    assert_eq!(account.people.len(), 10_000);
    let people: u64 = account.people.iter().map(|row| row.person.entries).sum();
    assert_eq!(people + account.more_people, 100_050);
}

#[test]
fn a_clock_that_was_set_is_noticed_and_one_that_started_anew_is_not() {
    let at = |wall: i64, mono: u64, boot: &str| {
        let time = Timestamp::from_unix_ms(start().unix_ms() + wall);
        let now = Moment { time, boot: boot.to_owned(), mono_ms: mono };
        Draft::new(Event::TitleRead, Outcome::Ok, SessionId([1; 16]), HostId([2; 8]), Zone::Isolated, &now)
    };
    let account = whole(vec![
        at(0, 0, "a"),
        at(1000, 1000, "a"),
        // An hour back, while the machine ran for a second.
        at(-3_600_000, 2000, "a"),
        at(-3_599_000, 3000, "a"),
        // The machine was off for a day.
        at(86_400_000, 5, "b"),
    ]);
    let clock = account.clock;
    assert_eq!((clock.steps, clock.backwards, clock.compared), (1, 1, 3));
    assert_eq!(clock.entries, [Seq { epoch: 1, seq: 2 }]);
}

#[test]
fn six_months_are_enough_and_a_log_from_the_beginning_is_as_well() {
    let kept = |event, hours: i64| {
        let mut tally = Tally::new(TimeZone::utc(), Period::default());
        tally.entry(Seq { epoch: 1, seq: 0 }, &draft(event, Outcome::Ok, 0).entry(0).unwrap());
        let now = Timestamp::from_unix_ms(start().unix_ms() + hours * HOUR);
        account(tally, Context { chain: &[], now }).retention
    };
    assert!(kept(Event::VaultInit, 1).enough && kept(Event::VaultInit, 1).from_beginning);
    assert!(!kept(Event::TitleRead, 24 * 180).enough);
    // From 23 November to 23 May.
    assert!(kept(Event::TitleRead, 24 * 181).enough);
    assert_eq!(kept(Event::TitleRead, 24 * 181).days, 181);
}

/// A bundle as one side's log has it.
struct Side {
    peer: VaultId,
    at: i64,
}

impl Side {
    fn bundle(&self, event: Event, code: Option<&str>) -> Draft {
        let mut draft = draft(event, Outcome::Ok, self.at);
        draft.object = Some(Object::bundle(BundleId([5; 16])));
        draft.detail.peer = Some(self.peer);
        draft.detail.series = Some(1);
        draft.detail.number = Some(3);
        draft.detail.attempt = Some(1);
        draft.detail.count = Some(1);
        draft.detail.inner_sha256 = Some(Digest([6; 32]));
        draft.detail.code = code.map(|code| code.parse().unwrap());
        draft
    }

    fn document(&self, event: Event, digest: u8) -> Draft {
        let mut draft = about(event, Outcome::Ok, self.at, digest);
        draft.detail.peer = Some(self.peer);
        draft.detail.bundle = Some(BundleId([5; 16]));
        draft
    }
}

const OURS: VaultId = VaultId([1; 32]);
const THEIRS: VaultId = VaultId([2; 32]);

fn named(vault: VaultId, drafts: Vec<Draft>) -> Account {
    Account { vault: Some(vault), ..whole(drafts) }
}

fn sent(receipt: Option<&str>) -> Account {
    let side = Side { peer: THEIRS, at: 0 };
    let mut drafts = vec![
        intent(side.bundle(Event::BundleWrite, None)),
        side.document(Event::DocumentExport, 7),
        done(side.bundle(Event::BundleWrite, Some("all-media")), 0),
    ];
    drafts.extend(receipt.map(|verdict| side.bundle(Event::BundleReceipt, Some(verdict))));
    named(OURS, drafts)
}

fn received(digest: u8, fate: &str) -> Account {
    let side = Side { peer: OURS, at: 1 };
    named(
        THEIRS,
        vec![
            intent(side.bundle(Event::BundleImport, None)),
            done(side.bundle(Event::BundleImport, None), 0),
            side.document(Event::DocumentImport, digest),
            side.bundle(Event::BundleAccept, Some(fate)),
        ],
    )
}

#[test]
fn a_bundle_is_followed_from_its_writing_to_its_receipt() {
    let account = sent(Some("accepted"));
    let [row] = account.transfers.as_slice() else { panic!("{:?}", account.transfers) };
    assert_eq!((row.direction, row.state, row.number), (Direction::Out, Crossing::Answered, Some(3)));
    assert_eq!(row.receipt.as_ref().unwrap().verdict, "accepted");
    assert_eq!((row.entries.len(), row.payloads.len(), row.documents), (4, 1, Some(1)));
    assert_eq!(sent(None).transfers.first().unwrap().state, Crossing::Written);
    let account = received(7, "accepted");
    assert_eq!(account.transfers.first().unwrap().state, Crossing::Accepted);
    // A refused attempt is told, and is no bundle.
    let mut refused = draft(Event::BundleImport, Outcome::Failed, 0);
    refused.object = Some(Object::bundle(BundleId([5; 16])));
    let account = whole(vec![refused]);
    assert_eq!((account.transfers.len(), account.refused_transfers), (0, 1));
}

#[test]
fn both_sides_of_a_channel_agree_or_it_is_said_where_they_do_not() {
    let one = |ours: &Account, theirs: &Account| {
        let rows = reconcile(ours, theirs);
        let [row] = rows.as_slice() else { panic!("{rows:?}") };
        (row.direction, row.state, row.differences.clone())
    };
    let nothing = |vault| named(vault, Vec::new());
    let good = received(7, "accepted");
    assert_eq!(one(&sent(Some("accepted")), &good), (Direction::Out, Match::Same, vec![]));
    // The same, seen from the other side.
    assert_eq!(one(&good, &sent(Some("accepted"))), (Direction::In, Match::Same, vec![]));
    assert_eq!(one(&sent(None), &nothing(THEIRS)).1, Match::OnlySent);
    assert_eq!(one(&nothing(OURS), &good).1, Match::OnlyReceived);
    assert_eq!(one(&sent(None), &received(8, "accepted")).2, ["payloads"]);
    assert_eq!(one(&sent(Some("accepted")), &received(7, "rejected")).2, ["receipt"]);
    assert_eq!(one(&sent(Some("rejected")), &good).2, ["receipt"]);
    // A third vault's bundles are no matter of these two.
    assert_eq!(reconcile(&sent(None), &nothing(VaultId([9; 32]))), []);
    let mut other = received(7, "accepted");
    for row in &mut other.transfers {
        (row.number, row.series, row.inner_sha256, row.documents) = (Some(4), Some(2), None, Some(2));
    }
    assert_eq!(one(&sent(None), &other).2, ["series", "number", "list", "documents"]);
}

#[test]
fn the_other_half_of_a_bundle_may_lie_outside_the_period() {
    let day = |text: &str| Some(text.parse().unwrap());
    let side = Side { peer: THEIRS, at: -48 };
    let drafts = vec![
        intent(side.bundle(Event::BundleWrite, None)),
        side.document(Event::DocumentExport, 7),
        done(side.bundle(Event::BundleWrite, Some("all-media")), 0),
    ];
    let period = Period { from: day("2026-11-23"), to: None };
    let ours = Account { vault: Some(OURS), ..tallied(period, drafts) };
    assert_eq!((ours.transfers.len(), ours.outside_transfers.len()), (0, 1));
    let rows = reconcile(&ours, &received(7, "accepted"));
    assert_eq!(rows.iter().map(|row| row.state).collect::<Vec<_>>(), [Match::Same]);
}
