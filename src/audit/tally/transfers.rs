//! What crossed the gap, as one side's log has it, and both sides beside each other.

use std::collections::{BTreeMap, BTreeSet};

use super::Account;
use crate::audit::findings::Seq;
use crate::crypto::Digest;
use crate::id::{BundleId, MemberId, VaultId};
use crate::label::labels;
use crate::log::entry::{Entry, Event, Object, Outcome, Phase};
use crate::time::Timestamp;

/// Most bundles that are kept apart.
const BUNDLES: usize = 20_000;
/// Most digests of documents in them.
const DIGESTS: usize = 200_000;
/// The first so many entries of a bundle are named.
const NAMED: usize = 20;

labels!(
    /// Which way.
    Direction {
        /// Sent.
        Out = "out",
        /// Received.
        In = "in",
    }
);

labels!(
    /// How far a bundle came, by one side's log.
    Crossing {
        /// Its writing began, and its end is not in the log.
        Begun = "begun",
        /// Written to its media, and not answered.
        Written = "written",
        /// Answered by the receiver.
        Answered = "answered",
        /// Received, and waiting for a decision.
        Quarantine = "quarantine",
        /// Received, and let in.
        Accepted = "accepted",
        /// Received, and turned away.
        Rejected = "rejected",
    }
);

/// The receiver's answer, as the sender's log has it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Receipt {
    /// Its verdict.
    pub verdict: String,
    /// When it was taken in.
    pub at: Timestamp,
    /// The digest of the signed note.
    pub note_sha256: Option<Digest>,
}

/// A bundle.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Transfer {
    /// Which way it went.
    pub direction: Direction,
    /// The bundle.
    pub bundle: BundleId,
    /// The vault at the other end.
    pub peer: Option<VaultId>,
    /// The series of the channel's numbers.
    pub series: Option<u64>,
    /// Its number in that.
    pub number: Option<u64>,
    /// The digest of its list of documents.
    pub inner_sha256: Option<Digest>,
    /// Documents in it.
    pub documents: Option<u64>,
    /// The newest attempt to write it, or the one that came.
    pub attempt: Option<u64>,
    /// How far it came.
    pub state: Crossing,
    /// The answer to what went out.
    pub receipt: Option<Receipt>,
    /// Who wrote it, or let it come in.
    pub member: Option<MemberId>,
    /// When its first entry was written.
    pub first: Timestamp,
    /// When its last entry was.
    pub last: Timestamp,
    /// Its first twenty entries.
    pub entries: Vec<Seq>,
    /// The digests of the payloads of its documents, as far as they are known, in order.
    pub payloads: BTreeSet<Digest>,
    #[serde(skip)]
    inside: bool,
}

/// What is known of bundles in the end.
pub(super) struct Crossed {
    /// Those with an entry in the period, by channel and number.
    pub(super) inside: Vec<Transfer>,
    /// The others, with which the other side's may have to be compared.
    pub(super) outside: Vec<Transfer>,
    /// Entries of bundles in neither.
    pub(super) more: u64,
    /// Attempts that were refused in the period, and the first of them.
    pub(super) refusals: u64,
    pub(super) refused: Vec<Seq>,
}

/// Every bundle of a log, as far as they are kept.
#[derive(Debug, Default)]
pub struct Transfers {
    rows: BTreeMap<(Direction, BundleId), Transfer>,
    digests: usize,
    more: u64,
    refused: Vec<Seq>,
    refusals: u64,
}

impl Transfers {
    pub(super) fn take(&mut self, at: Seq, entry: &Entry, inside: bool) {
        use Event as E;
        let direction = match entry.event() {
            E::BundleWrite | E::BundleReceipt | E::DocumentExport => Direction::Out,
            E::BundleImport | E::BundleAccept | E::DocumentImport => Direction::In,
            _ => return,
        };
        if entry.outcome() != Outcome::Ok {
            self.refuse(at, inside);
            return;
        }
        let detail = entry.detail();
        let about = entry.object().and_then(Object::bundle_id);
        let Some(bundle) = about.or(detail.bundle) else { return };
        let key = (direction, bundle);
        if self.rows.len() >= BUNDLES && !self.rows.contains_key(&key) {
            self.more += 1;
            return;
        }
        let row = self.rows.entry(key).or_insert_with(|| Transfer::new(direction, bundle, entry));
        row.inside |= inside;
        row.last = row.last.max(entry.time());
        if row.entries.len() < NAMED {
            row.entries.push(at);
        }
        row.peer = row.peer.or(detail.peer);
        if about.is_some() {
            row.follow(entry);
        } else if let Some(digest) = entry.object().and_then(|object| object.payload_sha256)
            && self.digests < DIGESTS
            && row.payloads.insert(digest)
        {
            self.digests += 1;
        }
    }

    fn refuse(&mut self, at: Seq, inside: bool) {
        if !inside {
            return;
        }
        self.refusals += 1;
        if self.refused.len() < NAMED {
            self.refused.push(at);
        }
    }

    /// Closes the books.
    pub(super) fn finish(self) -> Crossed {
        let (mut inside, outside): (Vec<Transfer>, Vec<Transfer>) =
            self.rows.into_values().partition(|row| row.inside);
        inside.sort_by_key(|row| (row.peer, row.direction, row.series, row.number, row.bundle));
        Crossed { inside, outside, more: self.more, refusals: self.refusals, refused: self.refused }
    }
}

impl Transfer {
    fn new(direction: Direction, bundle: BundleId, entry: &Entry) -> Self {
        Self {
            direction,
            bundle,
            peer: None,
            series: None,
            number: None,
            inner_sha256: None,
            documents: None,
            attempt: None,
            state: if direction == Direction::Out { Crossing::Begun } else { Crossing::Quarantine },
            receipt: None,
            member: entry.actor().id,
            first: entry.time(),
            last: entry.time(),
            entries: Vec::new(),
            payloads: BTreeSet::new(),
            inside: false,
        }
    }

    /// An entry about the bundle itself.
    fn follow(&mut self, entry: &Entry) {
        let detail = entry.detail();
        let says = |word: &str| detail.code.as_ref().is_some_and(|code| code.as_str() == word);
        self.series = self.series.or(detail.series);
        self.number = self.number.or(detail.number);
        self.inner_sha256 = self.inner_sha256.or(detail.inner_sha256);
        match (entry.event(), entry.phase()) {
            (Event::BundleWrite, Phase::Intent) => {
                self.documents = self.documents.or(detail.count);
                self.attempt = self.attempt.max(detail.attempt);
            }
            (Event::BundleWrite, Phase::Done) if says("all-media") && self.state == Crossing::Begun => {
                self.state = Crossing::Written;
            }
            (Event::BundleReceipt, _) => {
                self.state = Crossing::Answered;
                let verdict = detail.code.as_ref().map(ToString::to_string).unwrap_or_default();
                self.receipt = Some(Receipt { verdict, at: entry.time(), note_sha256: detail.note_sha256 });
            }
            (Event::BundleImport, Phase::Done) => {
                self.documents = self.documents.or(detail.count);
                self.attempt = self.attempt.max(detail.attempt);
            }
            (Event::BundleAccept, _) => {
                self.state = if says("accepted") { Crossing::Accepted } else { Crossing::Rejected };
            }
            _ => {}
        }
    }
}

labels!(
    /// What two logs say of one bundle.
    Match {
        /// The same.
        Same = "same",
        /// The sender has it, and the receiver does not.
        OnlySent = "only-sent",
        /// The receiver has it, and the sender does not.
        OnlyReceived = "only-received",
        /// Both have it, and do not say the same.
        Differs = "differs",
    }
);

/// A bundle in both logs.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct ReconciledRow {
    /// Which way, as seen from the vault that the report is about.
    pub direction: Direction,
    /// The bundle.
    pub bundle: BundleId,
    /// Its series, by whoever has it.
    pub series: Option<u64>,
    /// Its number, likewise.
    pub number: Option<u64>,
    /// What the two say.
    pub state: Match,
    /// Where they differ: `series`, `number`, `list`, `documents`, `payloads`, `receipt`.
    pub differences: Vec<&'static str>,
    /// How far it came by the sender.
    pub sent: Option<Crossing>,
    /// What the receiver's answer says, as the sender has it.
    pub receipt: Option<String>,
    /// How far it came by the receiver.
    pub received: Option<Crossing>,
}

/// Two vaults' logs beside each other.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Reconciliation {
    /// The other vault.
    pub other: VaultId,
    /// Its name, by its own roster.
    pub other_name: String,
    /// How the other's log was judged.
    pub other_verdict: String,
    /// Every bundle between the two.
    pub rows: Vec<ReconciledRow>,
}

/// Puts the bundles between two vaults beside each other: those with an entry in the period in either log. What the other side
/// wrote of them outside the period counts too.
pub fn reconcile(ours: &Account, theirs: &Account) -> Vec<ReconciledRow> {
    let between = |of: &Account, direction, peer: &Account| -> BTreeMap<BundleId, Transfer> {
        let with =
            |row: &&Transfer| row.direction == direction && row.peer.is_some() && row.peer == peer.vault;
        let all = of.transfers.iter().chain(&of.outside_transfers);
        all.filter(with).map(|row| (row.bundle, row.clone())).collect()
    };
    let mut rows = Vec::new();
    for direction in [Direction::Out, Direction::In] {
        let (sender, receiver) = if direction == Direction::Out { (ours, theirs) } else { (theirs, ours) };
        let sent = between(sender, Direction::Out, receiver);
        let received = between(receiver, Direction::In, sender);
        let bundles: BTreeSet<BundleId> = sent.keys().chain(received.keys()).copied().collect();
        let one = |bundle: &BundleId| side_by_side(direction, sent.get(bundle), received.get(bundle));
        let mut of_direction: Vec<ReconciledRow> = bundles.iter().filter_map(one).collect();
        of_direction.sort_by_key(|row| (row.series, row.number, row.bundle));
        rows.extend(of_direction);
    }
    rows
}

fn side_by_side(
    direction: Direction,
    sent: Option<&Transfer>,
    received: Option<&Transfer>,
) -> Option<ReconciledRow> {
    let either = sent.or(received)?;
    if ![sent, received].into_iter().flatten().any(|row| row.inside) {
        return None;
    }
    let differences = sent.zip(received).map(|(sent, received)| differences(sent, received));
    let state = match (&differences, sent) {
        (Some(differences), _) if differences.is_empty() => Match::Same,
        (Some(_), _) => Match::Differs,
        (None, Some(_)) => Match::OnlySent,
        (None, None) => Match::OnlyReceived,
    };
    Some(ReconciledRow {
        direction,
        bundle: either.bundle,
        series: either.series,
        number: either.number,
        state,
        differences: differences.unwrap_or_default(),
        sent: sent.map(|row| row.state),
        receipt: sent.and_then(|row| row.receipt.as_ref()).map(|receipt| receipt.verdict.clone()),
        received: received.map(|row| row.state),
    })
}

fn differences(sent: &Transfer, received: &Transfer) -> Vec<&'static str> {
    // Which payloads are known of a bundle depends on how far it came.
    let payloads = received.state == Crossing::Accepted && sent.payloads != received.payloads;
    let receipt = sent.receipt.as_ref().map(|receipt| receipt.verdict.as_str());
    // A receipt was true when it was given: one of quarantine or damage says nothing of what was decided later.
    let contradicts = match receipt {
        Some("accepted") => received.state != Crossing::Accepted,
        Some("rejected") => received.state != Crossing::Rejected,
        _ => false,
    };
    let checks = [
        ("series", sent.series != received.series),
        ("number", sent.number != received.number),
        ("list", sent.inner_sha256 != received.inner_sha256),
        ("documents", sent.documents != received.documents),
        ("payloads", payloads),
        ("receipt", contradicts),
    ];
    checks.into_iter().filter_map(|(name, differs)| differs.then_some(name)).collect()
}
