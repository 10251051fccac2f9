//! Vaults, their people, and a bundle between them, for tests.

use std::collections::BTreeMap;

use super::known::Known;
use super::manifest::{Attempt, Core, FileLine, Link, Manifest, SLIP_NAMES};
use super::ranges::Ranges;
use super::volume::Plan;
use crate::crypto::{Digest, SigningKey};
use crate::id::{BundleId, RequestId, VaultId};
use crate::label::{Class, KeyKind, Role, Zone};
use crate::log::checkpoint::Checkpoint;
use crate::log::merkle::{leaf_hash, node_hash};
use crate::note::{SignedNote, member_id, member_key_name, origin};
use crate::policy::{Approval, Ask, Export, Part, Policy, Wanted};
use crate::roster::{Host, KeyName, Member, Purpose, Resume, Roster, found};
use crate::time::Timestamp;

/// The officer, the clerk who sends, a second officer, an auditor, the host.
pub(super) const OFFICER: u8 = 1;
pub(super) const CLERK: u8 = 2;
pub(super) const OTHER: u8 = 3;
pub(super) const AUDITOR: u8 = 4;
pub(super) const HOST: u8 = 9;

pub(super) fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

pub(super) fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(ms)
}

pub(super) fn member(seed: u8, role: Role) -> Member {
    let public = key(seed).public();
    Member {
        id: member_id(&public),
        name: format!("person {seed}"),
        key: public,
        recipient: "age1x".into(),
        role,
        clearance: vec![Class::Important],
        titles: true,
        import: true,
        release: role == Role::Officer,
        sponsor: None,
        until: None,
        joined: at(0),
    }
}

/// A note, signed by whoever has these seeds.
pub(super) fn signed(text: &str, by: &[u8]) -> Vec<u8> {
    let keys: Vec<SigningKey> = by.iter().map(|seed| key(*seed)).collect();
    let names: Vec<String> = keys.iter().map(|key| member_key_name(member_id(&key.public()))).collect();
    let pairs: Vec<(&str, &SigningKey)> = names.iter().map(String::as_str).zip(&keys).collect();
    SignedNote::sign(text, &pairs).unwrap().print().into_bytes()
}

/// The chain of a networked vault's rosters, so many; all but the first name the policy of one person.
pub(super) fn chain(count: usize) -> Vec<Vec<u8>> {
    let host = key(HOST).public();
    let mut members = vec![
        member(OFFICER, Role::Officer),
        member(CLERK, Role::Clerk),
        member(OTHER, Role::Officer),
        member(AUDITOR, Role::Auditor),
    ];
    members.sort_by_key(|member| member.id);
    let mut keys: Vec<_> =
        Purpose::ALL.map(|purpose| (KeyName { purpose, generation: 1 }, "age1key".to_owned())).to_vec();
    keys.sort();
    let mut roster = Roster {
        vault: None,
        version: 1,
        previous: None,
        created: at(0),
        name: "第一庫".into(),
        zone: Zone::Networked,
        key_kind: KeyKind::Classic,
        officers_needed: 1,
        policy: None,
        deposit_for: None,
        keys,
        hosts: vec![Host { id: Host::id_of(&host), key: host, name: "desk".into() }],
        members,
    };
    let mut notes = vec![signed(&roster.print().unwrap(), &[OFFICER, OTHER])];
    while notes.len() < count {
        let before = SignedNote::parse(notes.last().unwrap()).unwrap().digest();
        roster.vault = Some(VaultId(found(&notes[0]).unwrap().digest().0));
        (roster.version, roster.previous) = (roster.version + 1, Some(before));
        roster.policy = Some(Policy::for_one_person().digest());
        notes.push(signed(&roster.print().unwrap(), &[OFFICER]));
    }
    notes
}

pub(super) fn policy() -> Vec<u8> {
    Policy::for_one_person().print().into_bytes()
}

/// The vault as somebody knows it who has so many of its rosters.
pub(super) fn known(count: usize) -> Known {
    let policy = policy();
    Known::from_notes(&chain(count), (count > 1).then_some(policy.as_slice()), &[]).unwrap()
}

/// The note by which the vault's log goes on in an epoch, under the roster of this version.
pub(super) fn resume(epoch: u64, version: usize, by: u8) -> Vec<u8> {
    let known = known(version);
    let resume = Resume {
        vault: known.vault(),
        epoch,
        size: 1,
        root: leaf_hash(b"0"),
        roster: known.roster_digest(),
        key: key(HOST + epoch as u8).public(),
        host: "desk 2".into(),
    };
    signed(&resume.print().unwrap(), &[by])
}

/// The vault's log at this size, 1 or 2; of two histories.
pub(super) fn checkpoint(size: u64, history: u8, epoch: u64) -> Checkpoint {
    let (one, two) = (leaf_hash(b"0"), leaf_hash(&[history]));
    let root = if size == 1 { one } else { node_hash(&one, &two) };
    Checkpoint::new(&origin(&known(1).vault(), epoch), size, root).unwrap()
}

/// The proof from size 1 to size 2.
pub(super) fn proof(history: u8) -> Vec<Digest> {
    vec![leaf_hash(&[history])]
}

/// A bundle with the files beside its volumes.
pub(super) struct Sent {
    pub(super) manifest: Manifest,
    pub(super) files: BTreeMap<String, Vec<u8>>,
}

pub(super) fn ask() -> Ask {
    Ask {
        vault: known(1).vault(),
        id: RequestId([8; 16]),
        wanted: Wanted::Export,
        to: None,
        requester: member_id(&key(CLERK).public()),
        created: at(1_000),
        until: at(10_000),
        reason: None,
        note: None,
        export: Some(Export {
            bundle: BundleId([5; 16]),
            receiver: VaultId([6; 32]),
            inner: Digest([7; 32]),
            volume: 1 << 20,
            parity: 10,
            not_after: at(100_000),
        }),
        objects: vec![],
    }
}

pub(super) fn approval(by: u8, part: Part) -> Vec<u8> {
    let request = Digest::of(ask().print().unwrap().as_bytes());
    let member = member_id(&key(by).public());
    let (vault, wanted) = (known(1).vault(), Wanted::Export);
    let approval = Approval { vault, wanted, part, request, member, until: at(9_000) };
    signed(&approval.print().unwrap(), &[by])
}

/// A bundle as the clerk sends it, with one approval, by somebody who does not know whether the second roster is known.
pub(super) fn sent() -> Sent {
    let plan = Plan::new(10_000, 1 << 20, 10).unwrap();
    let shards = vec![1; plan.total_blocks() as usize * 32];
    let request = signed(&ask().print().unwrap(), &[CLERK]);
    let files = BTreeMap::from([
        ("approval-0001".to_owned(), approval(OFFICER, Part::Approver)),
        ("policy".to_owned(), policy()),
        ("request".to_owned(), request.clone()),
        ("roster-0002".to_owned(), chain(2)[1].clone()),
        ("shards".to_owned(), shards.clone()),
    ]);
    let slips = SLIP_NAMES.map(|name| (name.to_owned(), name.as_bytes().to_vec()));
    let slices: Vec<u32> = (1..=plan.slices()).collect();
    let manifest = Manifest {
        core: Core {
            sender: known(1).vault(),
            receiver: VaultId([6; 32]),
            receiver_key: Digest([4; 32]),
            link: Link { series: 1, number: 1, bundle: BundleId([5; 16]), inner: Digest([7; 32]) },
            previous: None,
            request: SignedNote::parse(&request).unwrap().digest(),
            created: at(2_000),
            from: Zone::Networked,
            to: Zone::Isolated,
            approvals: 1,
            releaser: false,
            plan,
            shards: Digest::of(&shards),
        },
        attempt: Attempt {
            number: 1,
            issued: at(3_000),
            not_after: at(100_000),
            roster: 2,
            roster_digest: known(2).roster_digest(),
            knows: 1,
            files: files.iter().map(|(name, bytes)| FileLine::of(name, bytes)).collect(),
        },
        medium: 1,
        slices: Ranges::of(&slices).unwrap(),
        slips: slips.iter().map(|(name, bytes)| FileLine::of(name, bytes)).collect(),
    };
    Sent { manifest, files: files.into_iter().chain(slips).collect() }
}

/// Every way to disturb the lines of a text: each one dropped, doubled, exchanged with the next, cut, or with a blank more.
pub(super) fn disturbed(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    let mut all = vec![String::new(), text.trim_end().to_owned(), format!("{text}\n"), format!(" {text}")];
    all.extend([text.replace('\n', "\r\n"), text.to_uppercase(), text.replacen(' ', "  ", 1)]);
    let mut push = |change: &dyn Fn(&mut Vec<String>)| {
        let mut changed: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
        change(&mut changed);
        all.push(changed.iter().map(|line| format!("{line}\n")).collect());
    };
    for at in 0..lines.len() {
        push(&|lines| drop(lines.remove(at)));
        push(&|lines| lines.insert(at, lines[at].clone()));
        push(&|lines| lines[at].push(' '));
        push(&|lines| lines[at] = lines[at].split(' ').next().unwrap().to_owned());
        push(&|lines| lines.insert(at, "extra line".to_owned()));
        if at + 1 < lines.len() {
            push(&|lines| lines.swap(at, at + 1));
        }
    }
    all.retain(|other| other != text);
    all
}
