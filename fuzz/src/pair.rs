//! A vault that sends, a vault that receives, and a bundle between them: the same in every run.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use gapvault::bundle::{
    Attempt, Core, FileLine, Known, Ledger, Link, Manifest, Plan, Ranges, Receipt, Receiver, SLIP_NAMES,
    Verdict, WitnessRequest, Witnessed, is_file_name,
};
use gapvault::crypto::{Digest, SigningKey};
use gapvault::id::{BundleId, RequestId, VaultId};
use gapvault::label::{Role, Zone};
use gapvault::log::checkpoint::Checkpoint;
use gapvault::log::merkle::{Frontier, HashReader, Node, consistency_proof, leaf_hash, node_hash};
use gapvault::note::{SignedNote, member_id, member_key_name, origin};
use gapvault::policy::{Approval, Ask, Export, Part, Policy, Wanted};
use gapvault::roster::{Member, Resume, Roster};
use gapvault::time::Timestamp;

use crate::fixed::signing_key;
use crate::seeds::{member, office, start};

/// The other officer of the sender.
pub fn other_key() -> SigningKey {
    SigningKey::from_seed([6; 32])
}

/// The key of the sender's log.
pub fn log_key() -> SigningKey {
    SigningKey::from_seed([9; 32])
}

/// A text, signed by members.
pub fn signed(text: &str, by: &[&SigningKey]) -> Option<Vec<u8>> {
    let names: Vec<String> = by.iter().map(|key| member_key_name(member_id(&key.public()))).collect();
    let keys: Vec<(&str, &SigningKey)> = names.iter().map(String::as_str).zip(by.iter().copied()).collect();
    Some(SignedNote::sign(text, &keys).ok()?.print().into_bytes())
}

fn later(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(start().unix_ms() + ms)
}

/// The sender: its two rosters, its policy, a note by which its log went on.
pub struct Sender {
    pub rosters: Vec<Vec<u8>>,
    pub policy: Vec<u8>,
    pub resume: Vec<u8>,
    /// As the receiver knows it: after the first roster.
    pub known: Known,
    /// After both.
    pub newest: Known,
}

fn make_sender() -> Sender {
    let (one, other) = (signing_key(), other_key());
    let officer = |key: &SigningKey| member(key.public(), Role::Officer, None);
    // Of one name they would be one person, who cannot approve.
    let mut members = vec![officer(&one), Member { name: "李大華".to_owned(), ..officer(&other) }];
    members.sort_by_key(|member| member.id);
    let first = Roster { members, officers_needed: 2, zone: Zone::Networked, ..office() };
    let both = |text: &str| signed(text, &[&one, &other]).expect("it is sound");
    let text = first.print().expect("it is orderly");
    let digest = Digest::of(text.as_bytes());
    let policy = Policy::for_one_person();
    let second = Roster {
        vault: Some(VaultId(digest.0)),
        version: 2,
        previous: Some(digest),
        policy: Some(policy.digest()),
        ..first
    };
    let second = second.print().expect("it is orderly");
    let resume = Resume {
        vault: VaultId(digest.0),
        epoch: 2,
        size: 3,
        root: leaf_hash(b"x"),
        roster: Digest::of(second.as_bytes()),
        key: log_key().public(),
        host: "desk 1".to_owned(),
    };
    let resume = both(&resume.print().expect("it is sound"));
    let (rosters, policy) = (vec![both(&text), both(&second)], policy.print().into_bytes());
    let known = Known::from_notes(&rosters[..1], None, &[]).expect("it is signed");
    let resumes = std::slice::from_ref(&resume);
    let newest = Known::from_notes(&rosters, Some(&policy), resumes).expect("it is signed");
    Sender { rosters, policy, resume, known, newest }
}

pub static SENDER: LazyLock<Sender> = LazyLock::new(make_sender);

/// A log of some entries, which are one byte each.
pub struct Tree<'a>(pub &'a [u8]);

impl Tree<'_> {
    fn hash(&self, node: Node) -> Digest {
        let Some(level) = node.level.checked_sub(1) else {
            let at = usize::try_from(node.index).expect("it is small");
            return leaf_hash(&self.0[at..=at]);
        };
        let child = |index| self.hash(Node { level, index });
        node_hash(&child(2 * node.index), &child(2 * node.index + 1))
    }

    pub fn checkpoint(&self) -> Checkpoint {
        let mut frontier = Frontier::new();
        self.0.iter().for_each(|entry| frontier.push(leaf_hash(&[*entry])));
        let log = origin(&SENDER.known.vault(), 1);
        Checkpoint::new(&log, frontier.size(), frontier.root()).expect("it is sound")
    }

    /// What its vault sends to a witness that has signed `old` entries.
    pub fn request(&self, old: u64) -> WitnessRequest {
        let proof = if old == 0 { Ok(Vec::new()) } else { consistency_proof(old, self.0.len() as u64, self) };
        let checkpoint = self.checkpoint().sign(&log_key(), None).expect("it is sound");
        let checkpoint = checkpoint.print().into_bytes();
        WitnessRequest { old, proof: proof.unwrap_or_default(), checkpoint }
    }
}

impl HashReader for Tree<'_> {
    type Error = std::convert::Infallible;

    fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, Self::Error> {
        Ok(nodes.iter().map(|node| self.hash(*node)).collect())
    }
}

pub const LOG: &[u8] = b"entries";
/// What of it the receiver has signed.
pub const WITNESSED: usize = 3;

fn first_link() -> Link {
    Link { series: 1, number: 1, bundle: BundleId([1; 16]), inner: Digest([2; 32]) }
}

pub static RECEIVER: LazyLock<Receiver> = LazyLock::new(|| Receiver {
    vault: VaultId([0x77; 32]),
    zone: Zone::Isolated,
    keys: vec![Digest([0x4a; 32]), Digest([0x4b; 32])],
    ledger: Ledger {
        series: 1,
        imported: vec![(first_link(), start())],
        witnessed: Some(Tree(&LOG[..WITNESSED]).checkpoint()),
    },
    now: later(30_000),
});

/// A bundle as it lies on a medium.
#[derive(Clone)]
pub struct Bundle {
    pub manifest: Manifest,
    pub note: Vec<u8>,
    pub files: BTreeMap<String, Vec<u8>>,
    pub names: Vec<String>,
}

/// The other files that a manifest names, as they are.
pub fn lines(files: &BTreeMap<String, Vec<u8>>) -> Vec<FileLine> {
    let named = files.iter().filter(|(name, _)| is_file_name(name));
    named.map(|(name, bytes)| FileLine::of(name, bytes)).collect()
}

fn ask(link: &Link) -> String {
    let export = Export {
        bundle: link.bundle,
        receiver: RECEIVER.vault,
        inner: link.inner,
        volume: 4096,
        parity: 10,
        not_after: later(60_000),
    };
    let ask = Ask {
        vault: SENDER.known.vault(),
        id: RequestId([0x52; 16]),
        wanted: Wanted::Export,
        to: None,
        requester: member_id(&signing_key().public()),
        created: start(),
        until: later(20_000),
        reason: None,
        note: None,
        export: Some(export),
        objects: Vec::new(),
    };
    ask.print().expect("it is sound")
}

fn make_bundle() -> Bundle {
    let (one, other) = (signing_key(), other_key());
    let link = Link { series: 1, number: 2, bundle: BundleId([3; 16]), inner: Digest([4; 32]) };
    let text = ask(&link);
    let request = Digest::of(text.as_bytes());
    let approval = Approval {
        vault: SENDER.known.vault(),
        wanted: Wanted::Export,
        part: Part::Approver,
        request,
        member: member_id(&other.public()),
        until: later(20_000),
    };
    let approval = approval.print().expect("it is sound");
    let plan = Plan::from_parts(1000, 128, 8, 1).expect("it fits");
    let shards = vec![0x5a; 32 * 9];
    let core = Core {
        sender: SENDER.known.vault(),
        receiver: RECEIVER.vault,
        receiver_key: RECEIVER.keys[1],
        link,
        previous: Some(first_link().digest()),
        request,
        created: later(10_000),
        from: Zone::Networked,
        to: Zone::Isolated,
        approvals: 1,
        releaser: false,
        plan,
        shards: Digest::of(&shards),
    };
    let slips = SLIP_NAMES.map(|name| (name.to_owned(), name.as_bytes().to_vec()));
    let mut files: BTreeMap<String, Vec<u8>> = slips.into_iter().collect();
    for (name, bytes) in [
        ("shards", shards),
        ("request", signed(&text, &[&one]).expect("it is sound")),
        ("approval-0001", signed(&approval, &[&other]).expect("it is sound")),
        ("roster-0002", SENDER.rosters[1].clone()),
        ("policy", SENDER.policy.clone()),
        ("witness-request", Tree(LOG).request(WITNESSED as u64).print()),
    ] {
        files.insert(name.to_owned(), bytes);
    }
    let attempt = Attempt {
        number: 1,
        issued: later(11_000),
        not_after: later(60_000),
        roster: 2,
        roster_digest: SENDER.newest.roster_digest(),
        knows: 1,
        files: lines(&files),
    };
    let slices = Ranges::of(&(1..=9).collect::<Vec<_>>()).expect("one range");
    let slips = SLIP_NAMES.map(|name| FileLine::of(name, name.as_bytes())).to_vec();
    let manifest = Manifest { core, attempt, medium: 1, slices, slips };
    let note = signed(&manifest.print().expect("it is sound"), &[&one]).expect("it is sound");
    let volumes = (0..9).filter_map(|slice| plan.slice(slice)).map(|name| name.to_string());
    let mut names: Vec<String> = files.keys().cloned().chain(volumes).collect();
    names.extend(["manifest", "receipt"].map(str::to_owned));
    Bundle { manifest, note, files, names }
}

pub static BUNDLE: LazyLock<Bundle> = LazyLock::new(make_bundle);

/// A receipt for it, as if the sender had received it itself: of the same two members, so that one pair of keys is enough.
pub fn receipt() -> Receipt {
    let checkpoint = Tree(LOG).checkpoint();
    let signed = checkpoint.sign(&log_key(), Some(&signing_key())).expect("it is sound");
    Receipt {
        receiver: SENDER.known.vault(),
        sender: RECEIVER.vault,
        link: BUNDLE.manifest.core.link,
        attempt: 1,
        verdict: Verdict::Damaged,
        damaged: ["v0001", "p0001"].map(|name| name.parse().expect("a name")).to_vec(),
        created: later(40_000),
        knows: 1,
        roster: 2,
        witnessed: Witnessed::sign(&signing_key(), &checkpoint, later(40_000)),
        checkpoint: signed.print().into_bytes(),
    }
}
