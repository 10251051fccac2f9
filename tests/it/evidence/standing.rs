//! What the entries say happened could have happened: who was a member then, in which role, with which rights.

use gapvault::id::{HostId, MemberId, SessionId};
use gapvault::label::{Role, Zone};
use gapvault::log::entry::{Draft, Event, Outcome, Phase};
use gapvault::roster::Member;
use gapvault::time::{Moment, Timestamp};

use super::grown::{Folder, entry};

/// What somebody did, at this place of the log.
struct Act {
    event: Event,
    outcome: Outcome,
    who: MemberId,
    role: Option<Role>,
    version: Option<u64>,
}

fn written(seq: u64, act: &Act) -> Vec<u8> {
    let now = Moment { time: Timestamp::from_unix_ms(1000), boot: String::new(), mono_ms: seq };
    let mut draft =
        Draft::new(act.event, act.outcome, SessionId([1; 16]), HostId([2; 8]), Zone::Networked, &now);
    (draft.actor.id, draft.actor.role) = (Some(act.who), act.role);
    draft.detail.version = act.version;
    draft.entry(seq).unwrap().to_bytes()
}

/// The rules that are broken, with their places.
fn broken(folder: &Folder, acts: &[Act]) -> Vec<(String, String)> {
    let entries: Vec<Vec<u8>> = (0..).zip(acts).map(|(seq, act)| written(seq, act)).collect();
    folder.write(&entries);
    let found = folder.verify().findings;
    let place = |object: &str| object.rsplit(' ').next().unwrap_or_default().to_owned();
    // A log that knows of fewer rosters than there are is none of this test's business.
    found.iter().map(|finding| (place(&finding.object), finding.detail.clone())).collect()
}

fn act(event: Event, member: &Member) -> Act {
    Act { event, outcome: Outcome::Ok, who: member.id, role: Some(member.role), version: None }
}

#[test]
fn what_a_stranger_or_somebody_without_the_right_is_said_to_have_done_is_noticed() {
    let folder = Folder::new();
    let evidence = gapvault::evidence::Evidence::open(&folder.top()).unwrap();
    let chain = evidence.known().chain();
    let first = &chain[0].roster().members[0];
    let newest = evidence.known().roster();
    let late = newest.members.iter().find(|member| chain[0].roster().member(member.id).is_none()).unwrap();
    let plain = newest.members.iter().find(|member| !member.titles).unwrap();
    let all = || Act { version: Some(newest.version), ..act(Event::RosterChange, first) };
    let none: Vec<(String, String)> = Vec::new();
    assert_eq!(
        broken(&folder, &[act(Event::DocumentSeal, first), all(), act(Event::DocumentSeal, late)]),
        none
    );
    // Before the roster that admits them, under another role, without the right.
    let early = broken(&folder, &[act(Event::DocumentSeal, late), all()]);
    assert_eq!(early, [("0".to_owned(), "member".to_owned())]);
    let other = Act { role: Some(Role::Contractor), ..act(Event::DocumentSeal, first) };
    assert_eq!(broken(&folder, &[other]), [("0".to_owned(), "role".to_owned())]);
    let titles = broken(&folder, &[all(), act(Event::TitleRead, plain)]);
    assert_eq!(titles, [("1".to_owned(), "right".to_owned())]);
    // A stranger who was refused is no contradiction, one who was not is.
    let stranger =
        |outcome| Act { outcome, who: MemberId([9; 8]), role: None, ..act(Event::DocumentOpen, first) };
    assert_eq!(broken(&folder, &[stranger(Outcome::Denied)]), none);
    assert_eq!(broken(&folder, &[stranger(Outcome::Ok)]), [("0".to_owned(), "member".to_owned())]);
}

#[test]
fn what_was_denied_does_not_end_well() {
    let folder = Folder::new();
    let two = |outcome| {
        let mut entries = Vec::new();
        for (seq, phase, outcome) in [(0, Phase::Intent, outcome), (1, Phase::Done, Outcome::Ok)] {
            let now = Moment { time: Timestamp::from_unix_ms(1000), boot: String::new(), mono_ms: seq };
            let event = Event::IndexRebuild;
            let mut draft =
                Draft::new(event, outcome, SessionId([1; 16]), HostId([2; 8]), Zone::Networked, &now);
            (draft.phase, draft.closes) = (phase, (phase == Phase::Done).then_some(0));
            entries.push(draft.entry(seq).unwrap().to_bytes());
        }
        entries.push(entry(2));
        folder.write(&entries);
        folder.verify()
    };
    assert_eq!(two(Outcome::Ok).verdict, "ok");
    let report = two(Outcome::Denied);
    assert_eq!((report.verdict.as_str(), report.first_bad), ("tampered", Some(1)));
    assert_eq!(report.findings[0].detail, "denied");
}
