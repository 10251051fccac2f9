//! Every rule on both sides of every threshold.

use super::pile::ENTRIES_SHOWN;
use super::scene::*;
use super::*;
use crate::id::{BundleId, RequestId, SessionId, VaultId};
use crate::label::{Class, Role};
use crate::log::entry::{Draft, Event, Object, Outcome, Phase};
use crate::time::Timestamp;

fn denied(draft: &mut Draft) {
    by(draft, CARA, Role::Clerk);
    (draft.outcome, draft.reason) = (Outcome::Denied, "denied.clearance".parse().ok());
}

/// Documents opened every so many seconds, from a morning on.
fn burst(count: u32, seconds: i64) -> Log {
    let mut log = Log::new();
    let begin = time("2026-11-23 09:00");
    for number in 0..count {
        log.push_at(later(begin, i64::from(number) * seconds * 1000), Event::DocumentOpen, |draft| {
            opens(draft, CARA, number);
        });
    }
    log
}

#[test]
fn many_documents_are_so_many_different_ones_within_the_time() {
    let rule = Name::ManyDocuments;
    let told = |log: &Log| Told::default().one(log, rule, "documents = 5\nminutes = 4");
    // Five within exactly four minutes, and a second more.
    assert_eq!(told(&burst(4, 1)), []);
    let found = told(&burst(5, 60));
    assert_eq!((found.len(), found[0].member, fact(&found[0], "count")), (1, Some(id(CARA)), "5"));
    assert_eq!(seqs(&found[0]), [1, 2, 3, 4, 5]);
    assert_eq!((fact(&found[0], "who"), fact(&found[0], "day")), ("Cara", "2026-11-23"));
    assert_eq!(told(&burst(5, 61)), []);
    // Those that follow belong to it; a few are shown.
    let found = told(&burst(40, 1));
    assert_eq!((found.len(), fact(&found[0], "count")), (1, "40"));
    assert_eq!((found[0].entries.len(), seqs(&found[0])[7]), (ENTRIES_SHOWN, 40));
    // The same document again and again is one.
    let mut log = Log::new();
    (0..20).for_each(|_| log.open("2026-11-23 09:00", CARA, 1));
    assert_eq!(told(&log), []);
    // So are five people.
    let mut log = Log::new();
    for who in 1..=5 {
        log.open("2026-11-23 09:00", who, who.into());
    }
    assert_eq!(told(&log), []);
    // The built-in threshold.
    assert_eq!(one(&burst(29, 1), rule), []);
    assert_eq!(one(&burst(30, 1), rule).len(), 1);
}

/// Dates and times of entries by Cara, and the findings of a rule.
fn worked(times: &[&str], rule: Name, told: &Told<'_>) -> Vec<Finding> {
    let mut log = Log::new();
    for time in times {
        log.push(time, Event::DocumentSeal, clerk(CARA));
    }
    told.one(&log, rule, "")
}

#[test]
fn a_night_begins_and_ends_to_the_minute_and_has_the_date_of_its_evening() {
    let night = |times: &[&str]| worked(times, Name::Night, &Told::default());
    assert_eq!(night(&["2026-11-23 07:00", "2026-11-23 19:59"]), []);
    let found = night(&["2026-11-23 20:00", "2026-11-23 23:59", "2026-11-24 00:00", "2026-11-24 06:59"]);
    assert_eq!((found.len(), fact(&found[0], "day"), fact(&found[0], "count")), (1, "2026-11-23", "4"));
    assert_eq!((found[0].weight, seqs(&found[0])), (Weight::Note, vec![1, 2, 3, 4]));
    assert_eq!(fact(&found[0], "last"), "2026-11-24T06:59:00.000Z");
    // Elsewhere it is evening already.
    let taipei = Told { ahead: 8 * 3600, ..Told::default() };
    assert_eq!(worked(&["2026-11-23 11:59"], Name::Night, &taipei), []);
    assert_eq!(worked(&["2026-11-23 12:00"], Name::Night, &taipei).len(), 1);
    // What came out weighs more; the end of it is not counted, and nobody's work is not either.
    let mut log = Log::new();
    log.open("2026-11-23 22:00", CARA, 1);
    log.push("2026-11-23 23:00", Event::LogRecover, |_| ());
    let found = one(&log, Name::Night);
    assert_eq!((found.len(), found[0].weight, seqs(&found[0])), (1, Weight::Warning, vec![1]));
    // Somebody who failed to unlock is somebody.
    log.push("2026-11-23 23:00", Event::IdentityUnlock, |draft| draft.outcome = Outcome::Failed);
    assert_eq!(one(&log, Name::Night)[1].member, None);
}

#[test]
fn days_off_are_weekends_and_what_the_list_says() {
    let list = "2026-11-24 ours\n+2026-11-28\n";
    let told = || Told { calendar: list, now: time("2026-12-01 08:00"), ..Told::default() };
    let days = ["2026-11-23 10:00", "2026-11-24 23:00", "2026-11-28 10:00", "2026-11-29 10:00"];
    let on = |rule, told: &Told<'_>| -> Vec<String> {
        worked(&days, rule, told).iter().map(|found| fact(found, "day").to_owned()).collect()
    };
    assert_eq!(on(Name::Weekend, &told()), ["2026-11-29"]);
    assert_eq!(on(Name::Holiday, &told()), ["2026-11-24"]);
    // A night on a day off is not told twice; the worked Saturday has nights as well.
    assert_eq!(on(Name::Night, &told()), Vec::<String>::new());
    assert_eq!(worked(&["2026-11-28 22:00"], Name::Night, &told()).len(), 1);
    let without = Told { calendar: "", ..told() };
    assert_eq!(on(Name::Weekend, &without), ["2026-11-28", "2026-11-29"]);
    assert_eq!(on(Name::Holiday, &without), Vec::<String>::new());
    let mut log = Log::new();
    log.push(days[2], Event::DocumentSeal, clerk(CARA));
    log.push(days[3], Event::DocumentSeal, clerk(CARA));
    let count = |switches| without.one(&log, Name::Weekend, switches).len();
    assert_eq!((count("saturday = false"), count("sunday = false\nsaturday = false")), (1, 0));
}

#[test]
fn the_first_document_of_a_class_is_told_once_for_each_class() {
    let mut log = Log::new();
    log.open("2026-11-23 09:00", CARA, 1);
    log.open("2026-11-23 10:00", CARA, 2);
    log.push("2026-11-23 11:00", Event::DocumentOpen, |draft| {
        opens(draft, CARA, 3);
        draft.object.as_mut().unwrap().class = Some(Class::Critical);
    });
    log.open("2026-11-23 12:00", CARL, 1);
    let found = one(&log, Name::FirstAccess);
    let told: Vec<_> = found.iter().map(|one| (fact(one, "who"), fact(one, "class"), seqs(one)[0])).collect();
    assert_eq!(told, [("Cara", "important", 1), ("Cara", "critical", 5), ("Carl", "important", 6)]);
    // A refused one is no access.
    let mut log = Log::new();
    log.push("2026-11-23 09:00", Event::DocumentOpen, |draft| {
        opens(draft, CARA, 1);
        (draft.outcome, draft.phase) = (Outcome::Denied, Phase::Single);
    });
    assert_eq!(one(&log, Name::FirstAccess), []);
    // Joined on 5 January at eight; new people see everything for the first time.
    let after = |at| {
        let mut log = Log::new();
        log.open(at, CARA, 1);
        Told::default().one(&log, Name::FirstAccess, "days-after-joining = 30").len()
    };
    assert_eq!((after("2026-02-04 07:59"), after("2026-02-04 08:00")), (0, 1));
}

fn failed(reason: &str) -> impl Fn(&mut Draft) {
    let reason = reason.parse().ok();
    move |draft| (draft.outcome, draft.reason) = (Outcome::Failed, reason.clone())
}

#[test]
fn wrong_passphrases_are_counted_on_each_host_within_the_time() {
    let tried = |times: &[&str]| {
        let mut log = Log::new();
        for time in times {
            log.push(time, Event::IdentityUnlock, failed("authentication.passphrase"));
        }
        log
    };
    let count = |times: &[&str]| one(&tried(times), Name::FailedUnlocks).len();
    assert_eq!(count(&["2026-11-23 09:00", "2026-11-23 09:01"]), 0);
    assert_eq!(count(&["2026-11-23 09:00", "2026-11-23 09:01", "2026-11-23 09:15"]), 1);
    assert_eq!(count(&["2026-11-23 09:00", "2026-11-23 09:01", "2026-11-23 09:15:01"]), 0);
    let found = one(&tried(&["2026-11-23 09:00"; 4]), Name::FailedUnlocks);
    assert_eq!((fact(&found[0], "count"), fact(&found[0], "host"), found[0].member), ("4", "desk 1", None));
    assert_eq!(seqs(&found[0]), [1, 2, 3, 4]);
    // Two on each of two machines.
    let mut log = tried(&["2026-11-23 09:00"; 2]);
    for _ in 0..2 {
        log.push("2026-11-23 09:00", Event::IdentityUnlock, |draft| {
            failed("authentication.token")(draft);
            draft.host = host(2);
        });
    }
    assert_eq!(one(&log, Name::FailedUnlocks), []);
    log.push("2026-11-23 09:01", Event::IdentityUnlock, failed("authentication.token-refused"));
    assert_eq!(one(&log, Name::FailedUnlocks).len(), 1);
}

#[test]
fn locks_and_strangers_are_told_at_once() {
    let mut log = Log::new();
    log.push("2026-11-23 09:00", Event::IdentityUnlock, failed("authentication.locked-out"));
    log.push("2026-11-23 09:01", Event::IdentityUnlock, failed("authentication.locked-out"));
    log.push("2026-11-24 09:00", Event::IdentityUnlock, failed("authentication.not-a-member"));
    log.push("2026-11-24 09:00", Event::IdentityUnlock, failed("denied.identity-permissions"));
    let (locked, strangers) = (one(&log, Name::LockOut), one(&log, Name::Stranger));
    assert_eq!((locked.len(), seqs(&locked[0]), locked[0].weight), (1, vec![1, 2], Weight::Warning));
    assert_eq!((strangers.len(), seqs(&strangers[0])), (1, vec![3]));
    assert_eq!(one(&Log::new(), Name::LockOut), []);
}

#[test]
fn refusals_are_counted_by_member_within_the_time() {
    let refused = |times: &[&str]| {
        let mut log = Log::new();
        for time in times {
            log.push(time, Event::DocumentOpen, denied);
        }
        one(&log, Name::Refusals)
    };
    let four = ["2026-11-23 09:00"; 4];
    assert_eq!(refused(&four), []);
    let found = refused(&[&four[..], &["2026-11-23 10:00"]].concat());
    assert_eq!((found.len(), fact(&found[0], "count"), seqs(&found[0])), (1, "5", vec![1, 2, 3, 4, 5]));
    assert_eq!(refused(&[&four[..], &["2026-11-23 10:00:01"]].concat()), []);
}

#[test]
fn members_who_are_away_are_told_and_so_is_their_return() {
    // Cara was last seen 90 days, and a millisecond less, before now; Carl and Olga never, since they joined.
    let told = |now: &str, live| {
        let mut log = Log::new();
        log.push("2026-08-01 08:00", Event::DocumentSeal, clerk(CARA));
        let told = Told { now: time(now), live, ..Told::default() };
        let found = told.one(&log, Name::Unseen, "");
        found.iter().map(|one| fact(one, "who").to_owned()).collect::<Vec<_>>()
    };
    let with_cara = told("2026-10-30 08:00", true);
    assert_eq!((with_cara.len(), with_cara.contains(&"Cara".to_owned())), (3, true));
    assert_eq!(told("2026-10-30 07:59", true).len(), 2);
    // Of an export nobody knows what came after it.
    assert_eq!(told("2027-10-30 08:00", false).len(), 2);
    // Whoever's membership is over need not be seen.
    let chain = chain(&[&|roster| with(roster, CARL, |member| member.until = Some("2026-06-30".to_owned()))]);
    let ended = Told { chain, ..Told::default() };
    let found = ended.one(&Log::new(), Name::Unseen, "");
    let names: Vec<_> = found.iter().map(|one| fact(one, "who")).collect();
    assert_eq!((names.contains(&"Carl"), names.contains(&"Cara")), (false, true));

    let back = |second: &str| {
        let mut log = Log::new();
        log.push("2026-05-01 08:00", Event::DocumentSeal, clerk(CARA));
        log.push(second, Event::DocumentSeal, clerk(CARA));
        one(&log, Name::Returned)
    };
    assert_eq!(back("2026-07-30 07:59"), []);
    let found = back("2026-07-30 08:00");
    assert_eq!((found.len(), seqs(&found[0]), fact(&found[0], "days")), (1, vec![1, 2], "90"));
    assert_eq!(fact(&found[0], "since"), "2026-05-01T08:00:00.000Z");
}

fn changed(log: &mut Log, at: &str, version: u64, session: u8) {
    log.push(at, Event::RosterChange, |draft| {
        by(draft, OLGA, Role::Officer);
        (draft.detail.version, draft.session) = (Some(version), SessionId([session; 16]));
    });
}

#[test]
fn a_membership_is_over_after_its_last_day_by_the_roster_of_the_time() {
    let chain =
        || chain(&[&|roster| with(roster, CARL, |member| member.until = Some("2026-11-23".to_owned()))]);
    let told = |at: &str, outcome| {
        let mut log = Log::new();
        // Before the roster that names the day nothing is known of it.
        log.push("2026-11-25 09:00", Event::DocumentSeal, clerk(CARL));
        changed(&mut log, "2026-11-20 09:00", 2, 8);
        log.push(at, Event::DocumentSeal, |draft| {
            by(draft, CARL, Role::Clerk);
            draft.outcome = outcome;
        });
        Told { chain: chain(), ..Told::default() }.one(&log, Name::AfterEnd, "")
    };
    assert_eq!(told("2026-11-23 23:59:59.999", Outcome::Ok), []);
    let found = told("2026-11-24 00:00", Outcome::Ok);
    assert_eq!((found.len(), found[0].weight, seqs(&found[0])), (1, Weight::Alarm, vec![3]));
    assert_eq!((fact(&found[0], "until"), fact(&found[0], "who")), ("2026-11-23", "Carl"));
    assert_eq!(told("2026-11-24 00:00", Outcome::Denied)[0].weight, Weight::Warning);
}

#[test]
fn whoever_was_no_member_is_an_outsider() {
    let removed = chain(&[&|roster| roster.members.retain(|member| member.id != id(CARL))]);
    let told = Told { chain: removed, ..Told::default() };
    let mut log = Log::new();
    log.push("2026-11-20 08:00", Event::DocumentSeal, clerk(CARL));
    let begun = log.push("2026-11-20 08:30", Event::DocumentOpen, |draft| opens(draft, CARL, 1));
    changed(&mut log, "2026-11-20 09:00", 2, 8);
    // An end that was begun in time, and others of the roster.
    log.push("2026-11-20 09:01", Event::DocumentOpen, |draft| {
        opens(draft, CARL, 1);
        (draft.phase, draft.closes) = (Phase::Done, Some(begun));
    });
    log.push("2026-11-20 09:02", Event::DocumentSeal, clerk(CARA));
    assert_eq!(told.one(&log, Name::Outsider, ""), []);
    log.push("2026-11-20 09:03", Event::DocumentSeal, clerk(CARL));
    log.push("2026-11-20 09:04", Event::DocumentSeal, clerk(NOBODY));
    let found = told.one(&log, Name::Outsider, "");
    assert_eq!(found.iter().map(|one| seqs(one)[0]).collect::<Vec<_>>(), [6, 7]);
    // The name is the one that the last roster gave; whoever was in none has the id.
    assert_eq!((fact(&found[0], "who"), fact(&found[1], "who")), ("Carl", id(NOBODY).to_string().as_str()));
    // Where the log names a roster that is not known, nothing can be said.
    changed(&mut log, "2026-11-20 10:00", 3, 9);
    log.push("2026-11-20 10:03", Event::DocumentSeal, clerk(NOBODY));
    assert_eq!(told.one(&log, Name::Outsider, "").len(), 2);
}

#[test]
fn who_puts_a_roster_in_force_that_leaves_him_out_may_finish() {
    let left = chain(&[&|roster| {
        roster.members.push(member(NOBODY, "Otto", Role::Officer, &[]));
        roster.members.retain(|member| member.id != id(OLGA));
    }]);
    let told = Told { chain: left, ..Told::default() };
    let mut log = Log::new();
    changed(&mut log, "2026-11-20 09:00", 2, 8);
    let wrap = |session: u8| {
        move |draft: &mut Draft| {
            by(draft, OLGA, Role::Officer);
            draft.session = SessionId([session; 16]);
        }
    };
    log.push("2026-11-20 09:00", Event::KeyWrap, wrap(8));
    assert_eq!(told.one(&log, Name::Outsider, ""), []);
    log.push("2026-11-20 09:00", Event::KeyWrap, wrap(7));
    assert_eq!(told.one(&log, Name::Outsider, "").len(), 1);
}

#[test]
fn roles_and_clearances_are_those_of_the_roster() {
    let mut log = Log::new();
    log.open("2026-11-20 08:00", CARA, 1);
    assert_eq!(one(&log, Name::WrongRole), []);
    assert_eq!(one(&log, Name::NoClearance), []);
    log.push("2026-11-20 09:00", Event::DocumentSeal, |draft| by(draft, CARA, Role::Officer));
    log.push("2026-11-20 10:00", Event::DocumentOpen, |draft| {
        opens(draft, CARA, 1);
        draft.object.as_mut().unwrap().class = Some(Class::Critical);
    });
    let (role, class) = (one(&log, Name::WrongRole), one(&log, Name::NoClearance));
    assert_eq!((role.len(), seqs(&role[0]), role[0].weight), (1, vec![3], Weight::Alarm));
    assert_eq!((fact(&role[0], "role"), fact(&role[0], "had")), ("officer", "clerk"));
    assert_eq!((class.len(), seqs(&class[0]), fact(&class[0], "class")), (1, vec![4], "critical"));
}

fn request(log: &mut Log, event: Event, who: u8, outcome: Outcome) {
    log.push("2026-11-23 09:00", event, |draft| {
        by(draft, who, Role::Clerk);
        (draft.object, draft.outcome) = (Some(Object::request(RequestId([4; 16]))), outcome);
    });
}

#[test]
fn one_person_does_not_ask_and_approve() {
    let told = |approver, outcome, told: Told<'_>| {
        let mut log = Log::new();
        request(&mut log, Event::RequestMake, CARA, Outcome::Ok);
        request(&mut log, Event::RequestApprove, approver, outcome);
        told.one(&log, Name::SelfApproval, "")
    };
    assert_eq!(told(CARL, Outcome::Ok, Told::default()), []);
    let found = told(CARA, Outcome::Ok, Told::default());
    assert_eq!((found.len(), found[0].weight, seqs(&found[0])), (1, Weight::Alarm, vec![1, 2]));
    assert_eq!(told(CARA, Outcome::Denied, Told::default())[0].weight, Weight::Warning);
    // Two identities under one name.
    let twins = || chain(&[&|roster| with(roster, CARL, |member| member.name = "Cara".to_owned())]);
    let mut log = Log::new();
    changed(&mut log, "2026-11-20 09:00", 2, 8);
    request(&mut log, Event::RequestMake, CARA, Outcome::Ok);
    request(&mut log, Event::RequestApprove, CARL, Outcome::Ok);
    assert_eq!(Told { chain: twins(), ..Told::default() }.one(&log, Name::SelfApproval, "").len(), 1);
    // A request that is over is over.
    let mut log = Log::new();
    request(&mut log, Event::RequestMake, CARA, Outcome::Ok);
    request(&mut log, Event::RequestWithdraw, CARA, Outcome::Ok);
    request(&mut log, Event::RequestApprove, CARA, Outcome::Ok);
    assert_eq!(one(&log, Name::SelfApproval), []);
}

#[test]
fn nobody_is_in_two_places() {
    let told = |second: &str, who, number| {
        let mut log = Log::new();
        log.push("2026-11-23 09:00", Event::DocumentSeal, clerk(CARA));
        log.push(second, Event::DocumentSeal, |draft| {
            by(draft, who, Role::Clerk);
            draft.host = host(number);
        });
        one(&log, Name::TwoHosts)
    };
    let found = told("2026-11-23 09:10", CARA, 2);
    assert_eq!((found.len(), seqs(&found[0])), (1, vec![1, 2]));
    assert_eq!((fact(&found[0], "host"), fact(&found[0], "other")), ("desk 1", "desk 2"));
    assert_eq!(told("2026-11-23 09:10:01", CARA, 2), []);
    // A clock that is behind does not hide it.
    assert_eq!(told("2026-11-23 08:50", CARA, 2).len(), 1);
    assert_eq!(told("2026-11-23 09:00", CARA, 1), []);
    assert_eq!(told("2026-11-23 09:00", CARL, 2), []);
}

#[test]
fn a_clock_that_was_set_is_told_and_one_that_runs_is_not() {
    let told = |wall: i64, mono: i64, edit: &dyn Fn(&mut Draft)| {
        let mut log = Log::new();
        let begin = time("2026-11-23 09:00");
        log.push_at(begin, Event::DocumentSeal, |draft| draft.mono = 1_000_000);
        log.push_at(later(begin, wall * 1000), Event::DocumentSeal, |draft| {
            draft.mono = 1_000_000_u64.saturating_add_signed(mono * 1000);
            edit(draft);
        });
        // The first entry of the log is of the same machine, and does not matter here.
        log.entries.remove(0);
        one(&log, Name::ClockStep)
    };
    let same = |_: &mut Draft| ();
    assert_eq!(told(3600, 3600, &same), []);
    assert_eq!((told(219, 100, &same).len(), told(220, 100, &same).len()), (0, 1));
    assert_eq!((told(-19, 100, &same).len(), told(-20, 100, &same).len()), (0, 1));
    let found = told(-100, 100, &same);
    assert_eq!((fact(&found[0], "seconds"), fact(&found[0], "way")), ("200", "back"));
    assert_eq!((seqs(&found[0]), found[0].member), (vec![1, 2], None));
    assert_eq!(fact(&told(3600, 0, &same)[0], "way"), "ahead");
    // Started anew the count begins anew; backwards is backwards all the same.
    let anew = |draft: &mut Draft| draft.boot = boot("c");
    assert_eq!((told(99_999, 0, &anew), told(-119, 0, &anew)), (vec![], vec![]));
    assert_eq!(told(-120, 0, &anew).len(), 1);
    let unknown = |draft: &mut Draft| draft.boot = boot("");
    assert_eq!(told(99_999, 0, &unknown), []);
    // Another machine's clock is another clock.
    let other = |draft: &mut Draft| draft.host = host(2);
    assert_eq!(told(-99_999, 0, &other), []);
}

#[test]
fn what_was_begun_has_an_end() {
    let mut log = Log::new();
    log.open("2026-11-27 09:00", CARA, 1);
    assert_eq!(one(&log, Name::OpenIntent), []);
    log.push("2026-11-27 11:00", Event::DocumentOpen, |draft| opens(draft, CARA, 2));
    log.push("2026-11-27 11:00", Event::BundleWrite, |draft| {
        by(draft, CARL, Role::Clerk);
        draft.phase = Phase::Intent;
    });
    let at = |now: &str| Told { now: time(now), ..Told::default() }.one(&log, Name::OpenIntent, "");
    assert_eq!(at("2026-11-27 11:59"), []);
    let found = at("2026-11-27 12:00");
    assert_eq!((found.len(), seqs(&found[0]), found[0].weight), (2, vec![3], Weight::Warning));
    assert_eq!((fact(&found[1], "event"), found[1].weight), ("bundle.write", Weight::Note));
    assert_eq!(fact(&found[0], "event"), "document.open");
    // An end of another epoch ends nothing.
    log.resume();
    log.push("2026-11-27 11:30", Event::HostResume, |_| ());
    for _ in 0..3 {
        log.push("2026-11-27 11:30", Event::DocumentSeal, clerk(CARA));
    }
    log.push("2026-11-27 11:30", Event::DocumentOpen, |draft| {
        (draft.phase, draft.closes) = (Phase::Done, Some(3));
    });
    let told = Told { now: time("2026-11-27 11:30"), ..Told::default() };
    assert_eq!(told.one(&log, Name::OpenIntent, "minutes = 0").len(), 2);
}

/// An entry about a bundle, in the channel with one other vault.
fn bundle(id: u8, number: u64, phase: Phase, code: &str) -> impl Fn(&mut Draft) {
    let code = code.parse().ok();
    move |draft| {
        by(draft, CARA, Role::Clerk);
        (draft.object, draft.phase) = (Some(Object::bundle(BundleId([id; 16]))), phase);
        draft.closes = (phase == Phase::Done).then_some(0);
        draft.detail.peer = Some(VaultId([5; 32]));
        (draft.detail.series, draft.detail.number) = (Some(1), Some(number));
        draft.detail.code = code.clone();
    }
}

fn written(log: &mut Log, at: &str, id: u8, number: u64) {
    log.push(at, Event::BundleWrite, bundle(id, number, Phase::Intent, ""));
    log.push(at, Event::BundleWrite, bundle(id, number, Phase::Done, "all-media"));
}

#[test]
fn a_bundle_that_went_out_is_answered_in_time() {
    let told = |answer: Option<&str>, now: &str| {
        let mut log = Log::new();
        written(&mut log, "2026-10-01 09:00", 1, 1);
        if let Some(answer) = answer {
            log.push("2026-10-02 09:00", Event::BundleReceipt, bundle(1, 1, Phase::Single, answer));
        }
        Told { now: time(now), ..Told::default() }.one(&log, Name::NoReceipt, "")
    };
    assert_eq!(told(None, "2026-10-31 08:59"), []);
    let found = told(None, "2026-10-31 09:00");
    assert_eq!((found.len(), seqs(&found[0]), fact(&found[0], "days")), (1, vec![2], "30"));
    assert_eq!((fact(&found[0], "number"), fact(&found[0], "who")), ("1", "Cara"));
    for (answer, count) in [("accepted", 0), ("rejected", 0), ("quarantine", 1), ("damaged", 1)] {
        assert_eq!(told(Some(answer), "2026-10-31 09:00").len(), count, "{answer}");
    }
}

#[test]
fn numbers_of_a_channel_follow_each_other() {
    let came = |numbers: &[(u8, u64)]| {
        let mut log = Log::new();
        for (id, number) in numbers {
            log.push("2026-10-01 09:00", Event::BundleImport, bundle(*id, *number, Phase::Done, ""));
        }
        (one(&log, Name::ChannelGap), one(&log, Name::ChannelFork))
    };
    assert_eq!(came(&[(1, 1), (2, 2), (3, 3)]), (vec![], vec![]));
    let (gaps, forks) = came(&[(1, 1), (2, 4), (3, 5)]);
    assert_eq!((gaps.len(), forks.len(), seqs(&gaps[0]), gaps[0].weight), (1, 0, vec![1, 2], Weight::Alarm));
    assert_eq!((fact(&gaps[0], "from"), fact(&gaps[0], "to"), fact(&gaps[0], "way")), ("2", "3", "in"));
    // The very first one is missing.
    assert_eq!(came(&[(2, 2)]).0.len(), 1);
    let (gaps, forks) = came(&[(1, 1), (2, 1)]);
    assert_eq!((gaps.len(), forks.len(), fact(&forks[0], "number")), (0, 1, "1"));
    assert_eq!(came(&[(1, 1), (2, 2), (3, 1)]).1.len(), 1);
    // What goes out: written again it is the same bundle.
    let mut log = Log::new();
    written(&mut log, "2026-10-01 09:00", 1, 1);
    written(&mut log, "2026-10-02 09:00", 1, 1);
    written(&mut log, "2026-10-02 09:00", 2, 2);
    assert_eq!((one(&log, Name::ChannelGap), one(&log, Name::ChannelFork)), (vec![], vec![]));
    written(&mut log, "2026-10-02 09:00", 3, 4);
    assert_eq!(fact(&one(&log, Name::ChannelGap)[0], "way"), "out");
}

#[test]
fn what_is_refused_for_what_it_is_is_told_apart_from_who_may_not() {
    let told = |reason: &str| {
        let mut log = Log::new();
        log.push("2026-10-01 09:00", Event::BundleImport, |draft| {
            bundle(1, 1, Phase::Single, "")(draft);
            (draft.outcome, draft.reason) = (Outcome::Failed, reason.parse().ok());
        });
        one(&log, Name::RefusedBundle)
    };
    assert_eq!(told("bundle.gap")[0].weight, Weight::Warning);
    assert_eq!(told("bundle.forked")[0].weight, Weight::Alarm);
    assert_eq!(told("tampered.receipt")[0].weight, Weight::Alarm);
    assert_eq!(fact(&told("damaged.bundle")[0], "reason"), "damaged.bundle");
    assert_eq!((told("denied.import"), told("io.full")), (vec![], vec![]));
}

#[test]
fn documents_that_no_program_looked_at_are_told_by_bundle() {
    let mut log = Log::new();
    let import = |code: &'static str| {
        move |draft: &mut Draft| {
            bundle(1, 1, Phase::Single, code)(draft);
            draft.object = None;
            draft.detail.bundle = Some(BundleId([1; 16]));
        }
    };
    log.push("2026-10-01 09:00", Event::DocumentImport, import("clean"));
    assert_eq!(one(&log, Name::UnscannedImport), []);
    log.push("2026-10-01 09:00", Event::DocumentImport, import("not-scanned"));
    log.push("2026-10-01 09:00", Event::DocumentImport, import("not-scanned"));
    let found = one(&log, Name::UnscannedImport);
    assert_eq!((found.len(), fact(&found[0], "count"), seqs(&found[0])), (1, "2", vec![2, 3]));
}

#[test]
fn witnesses_have_signed_and_not_long_ago() {
    let told = |at: Option<&str>, rule| {
        let covered = Some(Covered { size: 10, witnessed: 4, at: at.map(time) });
        Told { covered, ..Told::default() }.one(&Log::new(), rule, "")
    };
    // Now is 27 November at noon.
    assert_eq!(told(Some("2026-10-27 12:01"), Name::WitnessOld), []);
    let found = told(Some("2026-10-27 12:00"), Name::WitnessOld);
    assert_eq!((fact(&found[0], "days"), fact(&found[0], "open"), found[0].entries.len()), ("31", "6", 0));
    assert_eq!(
        (told(None, Name::WitnessOld), told(Some("2020-01-01 00:00"), Name::NoWitness)),
        (vec![], vec![])
    );
    assert_eq!(fact(&told(None, Name::NoWitness)[0], "size"), "10");
    assert_eq!(one(&Log::new(), Name::NoWitness), []);
}

#[test]
fn a_log_reaches_back_half_a_year_or_to_the_first_day_of_its_vault() {
    let told =
        |log: &Log, now: &str| Told { now: time(now), ..Told::default() }.one(log, Name::Retention, "");
    // The vault was made on 5 January at eight.
    assert_eq!(told(&Log::new(), "2026-07-07 08:00"), []);
    let found = told(&Log::new(), "2026-07-07 07:59");
    assert_eq!(
        (found[0].weight, fact(&found[0], "days"), fact(&found[0], "needed")),
        (Weight::Note, "182", "183")
    );
    let mut later = Log::empty();
    later.skip(5);
    later.push("2026-01-05 08:00", Event::DocumentSeal, clerk(CARA));
    assert_eq!(told(&later, "2026-07-07 07:59")[0].weight, Weight::Alarm);
    assert_eq!(told(&Log::empty(), "2026-07-07 07:59"), []);
}

#[test]
fn entries_that_are_missing_are_told_with_their_places() {
    let mut log = Log::new();
    log.push("2026-10-01 09:00", Event::DocumentSeal, clerk(CARA));
    assert_eq!(one(&log, Name::LostEntries), []);
    log.skip(3);
    log.push("2026-10-01 09:00", Event::DocumentSeal, clerk(CARA));
    let found = one(&log, Name::LostEntries);
    assert_eq!((fact(&found[0], "from"), fact(&found[0], "to"), seqs(&found[0])), ("2", "4", vec![5]));
    // A new epoch begins at 0, and says that it goes on after a loss.
    let mut log = Log::new();
    log.resume();
    log.push("2026-10-01 09:00", Event::HostResume, |draft| {
        by(draft, OLGA, Role::Officer);
        draft.detail.size = Some(1);
    });
    assert_eq!(one(&log, Name::LostEntries), []);
    let found = one(&log, Name::Resumed);
    assert_eq!((found.len(), fact(&found[0], "epoch"), fact(&found[0], "size")), (1, "2", "1"));
    assert_eq!(found[0].entries, [Seq { epoch: 2, seq: 0 }]);
    assert_eq!(one(&Log::new(), Name::Resumed), []);
}

#[test]
fn a_period_is_looked_at_with_the_past_in_mind() {
    let mut log = Log::new();
    log.open("2026-11-20 22:00", CARA, 1);
    log.open("2026-11-23 22:00", CARA, 1);
    log.open("2026-11-24 22:00", CARL, 1);
    let told = |from: &str, to: &str, rule| {
        let period = (Some(time(from)), Some(time(to)));
        Told { period, ..Told::default() }.one(&log, rule, "").len()
    };
    assert_eq!(told("2026-11-01 00:00", "2026-12-01 00:00", Name::Night), 3);
    assert_eq!(told("2026-11-23 22:00", "2026-11-24 22:00", Name::Night), 1);
    // Cara's first access was before.
    assert_eq!(told("2026-11-23 00:00", "2026-12-01 00:00", Name::FirstAccess), 1);
    assert_eq!(told("2026-11-20 22:01", "2026-11-24 22:00", Name::FirstAccess), 0);
}

#[test]
fn a_rule_that_is_off_says_nothing() {
    let mut log = Log::new();
    log.open("2026-11-23 22:00", CARA, 1);
    assert_eq!(Told::default().one(&log, Name::Night, "enabled = false"), []);
    let all = Told::default().all(&log, &Rules::default());
    let names: Vec<&str> = all.iter().map(|found| found.rule).collect();
    // Cara worked at night and opened her first document; two others were not seen for long.
    assert_eq!(names, ["night", "unseen", "unseen", "first-access"]);
}

#[test]
fn findings_beyond_a_limit_are_put_together_by_member() {
    let mut log = Log::new();
    let begin = time("2020-01-01 22:00");
    for day in 0..8_000 {
        log.push_at(later(begin, day * 86_400_000), Event::DocumentSeal, clerk(CARA));
    }
    let told = Told { now: time("2045-01-01 00:00"), ..Told::default() };
    let found = told.one(&log, Name::Night, "");
    assert_eq!(found.len(), 5_001);
    let sum: u64 = found.iter().map(|one| fact(one, "count").parse::<u64>().unwrap()).sum();
    let weekdays = (0..8_000).filter(|day| !matches!((day + 2) % 7, 5 | 6)).count();
    assert_eq!(sum, weekdays as u64);
}

mod properties {
    use super::*;
    use proptest::prelude::*;

    fn any_entry() -> impl Strategy<Value = (i64, usize, usize, u8, u8, u8)> {
        (0..400_000_000_i64, 0..Event::ALL.len(), 0..3_usize, 0..5_u8, 1..3_u8, 0..4_u8)
    }

    /// A log of anything at all.
    fn log_of(entries: &[(i64, usize, usize, u8, u8, u8)]) -> Log {
        let mut log = Log::new();
        let begin = time("2026-11-01 00:00");
        for (number, (after, event, outcome, who, on, phase)) in entries.iter().enumerate() {
            log.push_at(later(begin, *after), Event::ALL[*event], |draft| {
                let ids = bundle(*on, u64::from(*who), Phase::Single, "not-scanned");
                ids(draft);
                draft.detail.version = Some(1);
                if *who > 0 {
                    by(draft, *who, Role::Clerk)
                } else {
                    draft.actor.id = None
                }
                (draft.outcome, draft.host) = (Outcome::ALL[*outcome], host(*on));
                draft.reason = "authentication.passphrase".parse().ok();
                match phase {
                    0 => draft.phase = Phase::Intent,
                    1 => (draft.phase, draft.closes) = (Phase::Done, Some(number as u64 / 2)),
                    _ => {}
                }
                if *phase == 2 {
                    opens(draft, *who, number as u32 / 3);
                }
            });
        }
        log
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

        /// The same log gives the same findings, in the same order, and each of them shows entries that are there.
        #[test]
        fn the_same_log_gives_the_same_findings(entries in prop::collection::vec(any_entry(), 0..60)) {
            let log = log_of(&entries);
            let told = Told { covered: Some(Covered { size: 9, witnessed: 0, at: None }), ..Told::default() };
            let found = told.all(&log, &Rules::default());
            prop_assert_eq!(&found, &told.all(&log, &Rules::default()));
            for finding in &found {
                let name: Name = finding.rule.parse().unwrap();
                prop_assert!(finding.entries.len() <= ENTRIES_SHOWN);
                prop_assert!(finding.entries.is_sorted());
                let known = |at: &Seq| log.entries.iter().any(|(epoch, entry)| (*epoch, entry.seq()) == (at.epoch, at.seq));
                prop_assert!(finding.entries.iter().all(known));
                prop_assert!(!finding.entries.is_empty() || matches!(name, Name::NoWitness | Name::Unseen));
                let mut keys: Vec<_> = finding.facts.iter().map(|(key, _)| *key).collect();
                keys.sort_unstable();
                keys.dedup();
                prop_assert_eq!(keys.len(), finding.facts.len());
            }
            // Each rule by itself finds what it finds among the others.
            for name in Name::ALL {
                let alone = told.all(&log, &Rules::default().only(&[*name]));
                let among: Vec<_> = found.iter().filter(|one| one.rule == name.as_str()).cloned().collect();
                prop_assert_eq!(alone, among);
            }
        }

        #[test]
        fn whatever_stands_in_a_file_of_rules_is_read_or_refused(text in "[ -~\n\u{80}-\u{ff}]{0,200}") {
            if let Ok(rules) = Rules::parse(&text) {
                prop_assert_eq!(Rules::parse(&rules.print(|_| String::new())), Ok(rules));
            }
            let _ = Calendar::parse(&text);
        }
    }
}

#[test]
fn the_ends_of_time_do_no_harm() {
    let mut log = Log::new();
    for ms in [i64::MAX, i64::MIN, 0] {
        log.push_at(Timestamp::from_unix_ms(ms), Event::DocumentOpen, |draft| opens(draft, CARA, 1));
    }
    for now in [i64::MAX, i64::MIN] {
        let told = Told { now: Timestamp::from_unix_ms(now), ahead: 50_400, ..Told::default() };
        assert!(!told.all(&log, &Rules::default()).is_empty());
    }
}
