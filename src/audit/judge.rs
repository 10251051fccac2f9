//! Judgement: does the log say what its signers signed? Pure: entries, checkpoints and keys in, findings out.
//!
//! Entries are fed in their order, and checkpoints are fetched as the tree grows, so a log of any length is judged in constant
//! memory but for the intents that are still open.

use std::collections::{BTreeMap, BTreeSet};

use super::notes::{Notes, Record};
use super::standing::Standing;
use crate::crypto::Digest;
use crate::fault::Error;
use crate::id::DocumentId;
use crate::log::checkpoint::Checkpoint;
use crate::log::entry::{Entry, EntryError, Event, Object, Outcome, Phase};
use crate::log::keys::LogKey;
use crate::log::merkle::{Frontier, leaf_hash};
use crate::note::{SignedNote, VerifierKey};
use crate::process::parallel::for_each;
use crate::roster::InForce;

/// An entry's bytes, looked at by themselves: what can be done ahead, on any thread.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// Its hash in the tree.
    pub hash: Digest,
    /// What it says.
    pub entry: Result<Entry, EntryError>,
}

impl Examined {
    /// Looks at bytes that stand where an entry should.
    pub fn of(bytes: &[u8]) -> Self {
        Self { hash: leaf_hash(bytes), entry: Entry::parse(bytes) }
    }
}

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Problem {
    /// An entry is malformed, in the wrong place, or breaks the entries' own rules.
    Entry {
        /// Its place.
        at: u64,
        /// Which rule.
        rule: &'static str,
    },
    /// A checkpoint of the vault's file is signed by nobody who may, or malformed.
    Forged {
        /// Which record of the file, from 0.
        record: usize,
    },
    /// A signed checkpoint has another root than the entries.
    Contradiction {
        /// The checkpoint's size.
        size: u64,
        /// The note.
        note: String,
    },
    /// A signed checkpoint covers more entries than there are.
    Truncated {
        /// The checkpoint's size.
        known: u64,
        /// Entries found.
        found: u64,
    },
}

/// What is believed before the log is looked at.
#[derive(Debug, Clone, Default)]
pub struct Known<'a> {
    /// Keys of hosts that may sign, under the origin's name, each for its sizes.
    pub hosts: &'a [LogKey],
    /// Members' signing keys.
    pub members: &'a [VerifierKey],
    /// Checkpoints from outside the vault, which are believed: the one in the host's state.
    pub outside: Vec<(u64, Digest, String)>,
    /// Checkpoints of fewer entries were verified before: their signatures are taken as read, their roots are compared.
    pub since: u64,
    /// The chain of rosters, from the first on: who may have done what the entries say. Without it that is not judged.
    pub chain: &'a [InForce],
    /// The version that was in force at the end of the epoch before; 0 for the first epoch.
    pub version: u64,
}

/// The outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Judgement {
    /// Entries.
    pub size: u64,
    /// Root over them.
    pub root: Digest,
    /// The largest size that a genuine checkpoint covers and the entries agree with.
    pub signed_size: u64,
    /// The first entry that is not as it should be, as far as can be told.
    pub first_bad: Option<u64>,
    /// What was found: of each kind the first hundred.
    pub problems: Vec<Problem>,
    /// How much more of these kinds was found.
    pub unlisted: u64,
    /// Two notes that contradict each other and are both genuine: proof of a fork.
    pub fork: Vec<String>,
    /// Intents without an end.
    pub open_intents: Vec<u64>,
    /// The version of the roster that is in force after the last entry.
    pub version: u64,
}

/// So many problems of a kind are listed: where a log was changed near its beginning, every checkpoint after it says so.
const LISTED: usize = 100;

/// Problems of the entries, of each kind the first ones.
#[derive(Default)]
struct Problems {
    listed: Vec<Problem>,
    entries: usize,
    contradictions: usize,
    unlisted: u64,
}

impl Problems {
    fn push(&mut self, problem: Problem) {
        let found = match problem {
            Problem::Contradiction { .. } => &mut self.contradictions,
            _ => &mut self.entries,
        };
        if *found < LISTED {
            *found += 1;
            self.listed.push(problem);
        } else {
            self.unlisted += 1;
        }
    }
}

/// A checkpoint that waits for the tree to reach its size.
struct Awaited {
    root: Digest,
    note: String,
    outside: bool,
}

/// What an end has to fit.
struct Intent {
    event: Event,
    /// The document, of those that are about anything.
    object: Option<Option<DocumentId>>,
    outcome: Outcome,
}

/// Judges a log while it is read.
pub struct Judge<'a> {
    known: Known<'a>,
    notes: Notes<'a>,
    standing: Standing<'a>,
    frontier: Frontier,
    awaited: BTreeMap<u64, Vec<Awaited>>,
    intents: BTreeMap<u64, Intent>,
    /// Records of the vault's file that are not genuine.
    forged: BTreeSet<usize>,
    problems: Problems,
    first_bad: Option<u64>,
    signed_size: u64,
    /// The newest genuine checkpoint that the entries agree with, and its size.
    agreed: Option<(u64, String)>,
    /// Those from outside that they contradict.
    contradicted: Vec<(u64, String)>,
}

impl std::fmt::Debug for Judge<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Judge(at {})", self.frontier.size())
    }
}

impl<'a> Judge<'a> {
    /// Takes in the checkpoints: those of the vault's file must be genuine.
    ///
    /// # Errors
    /// What keeps that file from being read.
    pub fn new(mut known: Known<'a>, mut notes: Notes<'a>) -> Result<Self, Error> {
        let (outside, late) = (std::mem::take(&mut known.outside), notes.take_late());
        let mut judge = Self {
            standing: Standing::new(known.chain, known.version),
            known,
            notes,
            frontier: Frontier::new(),
            awaited: BTreeMap::new(),
            intents: BTreeMap::new(),
            forged: BTreeSet::new(),
            problems: Problems::default(),
            first_bad: None,
            signed_size: 0,
            agreed: None,
            contradicted: Vec::new(),
        };
        for (size, root, note) in outside {
            judge.expect(size, root, note, true);
        }
        // The size of the tree at which they are due comes later, though they stand behind larger ones.
        judge.await_all(&late);
        judge.fetch(0)?;
        judge.compare();
        Ok(judge)
    }

    fn expect(&mut self, size: u64, root: Digest, note: String, outside: bool) {
        self.awaited.entry(size).or_default().push(Awaited { root, note, outside });
    }

    /// Checkpoints that the tree has to agree with, those of them that are genuine.
    fn await_all(&mut self, records: &[Record]) {
        for (checkpoint, note) in self.verified(records) {
            self.expect(checkpoint.size(), checkpoint.root(), note, false);
        }
    }

    /// Fetches the checkpoints of up to so many entries.
    fn fetch(&mut self, size: u64) -> Result<(), Error> {
        while !self.notes.is_beyond(size) {
            let records = self.notes.next()?.unwrap_or_default();
            self.await_all(&records);
        }
        Ok(())
    }

    /// Those that are genuine, in their order, verified on all processors: a signature takes longer than anything else here.
    fn verified(&mut self, records: &[Record]) -> Vec<(Checkpoint, String)> {
        let known = &self.known;
        let one = |at: usize| records.get(at).and_then(|(_, note)| genuine(known, note));
        let found = for_each(records.len(), WORTH, one);
        let mut out = Vec::new();
        for ((number, _), found) in records.iter().zip(found) {
            // Whoever was lost to a panic has verified nothing.
            match found.flatten() {
                Some(genuine) => out.push(genuine),
                None => drop(self.forged.insert(*number)),
            }
        }
        out
    }

    /// The next entry.
    ///
    /// # Errors
    /// What keeps the file of checkpoints from being read.
    pub fn entry(&mut self, bytes: &[u8]) -> Result<(), Error> {
        self.entries(&[Examined::of(bytes)], None)
    }

    /// The next entries. Where they are a complete subtree, its height and root may be given too.
    ///
    /// # Errors
    /// What keeps the file of checkpoints from being read.
    pub fn entries(&mut self, entries: &[Examined], subtree: Option<(u8, Digest)>) -> Result<(), Error> {
        let start = self.frontier.size();
        let end = start + entries.len() as u64;
        self.fetch(end)?;
        // At once, unless a checkpoint has to be compared in the midst of them.
        let within = end > start && self.awaited.range(start + 1..end).next().is_some();
        let at_once =
            subtree.filter(|_| !within).is_some_and(|(level, root)| self.frontier.push_subtree(level, root));
        for (at, examined) in (start..).zip(entries) {
            match &examined.entry {
                Ok(entry) if entry.seq() == at => self.rules(at, entry),
                Ok(_) => self.bad(at, "seq"),
                Err(_) => self.bad(at, "form"),
            }
            if !at_once {
                self.frontier.push(examined.hash);
                self.compare();
            }
        }
        if at_once {
            self.compare();
        }
        Ok(())
    }

    /// An entry that cannot be read at all; nothing after it can be judged.
    pub fn unreadable(&mut self, at: u64) {
        self.bad(at, "unreadable");
    }

    fn bad(&mut self, at: u64, rule: &'static str) {
        self.first_bad = Some(self.first_bad.map_or(at, |first| first.min(at)));
        self.problems.push(Problem::Entry { at, rule });
    }

    /// An end closes an intent of the same event and object, and closes it once.
    fn rules(&mut self, at: u64, entry: &Entry) {
        if let Some(rule) = self.standing.entry(entry) {
            self.bad(at, rule);
        }
        match entry.phase() {
            Phase::Intent => {
                let object = entry.object().map(Object::document_id);
                let intent = Intent { event: entry.event(), object, outcome: entry.outcome() };
                self.intents.insert(at, intent);
            }
            Phase::Done => {
                let intent = entry.closes().and_then(|intent| self.intents.remove(&intent));
                let denied = intent.as_ref().is_some_and(|intent| intent.outcome == Outcome::Denied);
                let fits = intent.is_some_and(|intent| {
                    let objects = intent.object.zip(entry.object().map(Object::document_id));
                    intent.event == entry.event() && objects.is_none_or(|(begun, ended)| begun == ended)
                });
                if !fits {
                    self.bad(at, "ref");
                } else if denied && entry.outcome() == Outcome::Ok {
                    self.bad(at, "denied");
                }
            }
            Phase::Single => {}
        }
    }

    /// Compares the tree with the checkpoints of its present size.
    fn compare(&mut self) {
        let size = self.frontier.size();
        let Some(mut awaited) = self.awaited.remove(&size) else { return };
        let root = self.frontier.root();
        // What is believed comes after what the file has.
        awaited.sort_by_key(|checkpoint| checkpoint.outside);
        for checkpoint in awaited {
            if checkpoint.root == root {
                self.signed_size = size;
                self.agreed = Some((size, checkpoint.note));
            } else {
                // Somewhere after the last size that agreed lies the first entry that was changed.
                let first = self.signed_size;
                self.first_bad = Some(self.first_bad.map_or(first, |known| known.min(first)));
                self.problems.push(Problem::Contradiction { size, note: checkpoint.note.clone() });
                if checkpoint.outside {
                    self.contradicted.push((size, checkpoint.note));
                }
            }
        }
    }

    /// How many entries were fed.
    pub fn size(&self) -> u64 {
        self.frontier.size()
    }

    /// The end of the log.
    ///
    /// # Errors
    /// What keeps the file of checkpoints from being read.
    pub fn finish(mut self) -> Result<Judgement, Error> {
        let found = self.frontier.size();
        // Of what reaches beyond the end only the largest size is of interest.
        let mut known = self.awaited.keys().next_back().copied();
        while let Some(records) = self.notes.next()? {
            known = known.max(self.verified(&records).iter().map(|(checkpoint, _)| checkpoint.size()).max());
        }
        let unlisted = self.problems.unlisted + self.forged.len().saturating_sub(LISTED) as u64;
        let forged = self.forged.iter().take(LISTED).map(|record| Problem::Forged { record: *record });
        let mut problems: Vec<Problem> = forged.chain(self.problems.listed).collect();
        if let Some(known) = known {
            problems.push(Problem::Truncated { known, found });
            self.first_bad = Some(self.first_bad.map_or(found, |first| first.min(found)));
        }
        // What this host signed contradicts the log, and a checkpoint over at least as many entries, which does not, is just
        // as genuine: both notes together prove it to anyone. One over fewer proves nothing: entries after it were changed.
        let fork = match (self.contradicted.first(), &self.agreed) {
            (Some((size, ours)), Some((covered, theirs))) if covered >= size => {
                vec![ours.clone(), theirs.clone()]
            }
            _ => Vec::new(),
        };
        Ok(Judgement {
            size: found,
            root: self.frontier.root(),
            signed_size: self.signed_size,
            first_bad: self.first_bad,
            problems,
            unlisted,
            fork,
            open_intents: self.intents.into_keys().collect(),
            version: self.standing.version(),
        })
    }
}

/// So many signed checkpoints are worth a thread.
const WORTH: usize = 32;

fn genuine(known: &Known<'_>, bytes: &[u8]) -> Option<(Checkpoint, String)> {
    let note = SignedNote::parse(bytes).ok()?;
    if known.since > 0 {
        let claimed = Checkpoint::parse_text(note.text()).ok()?;
        let ours = known.hosts.iter().any(|host| host.verifier().name() == claimed.origin());
        if ours && claimed.size() < known.since {
            return Some((claimed, note.print()));
        }
    }
    // Whoever has no line in it cannot have signed it, and need not be tried.
    let lines = note.signatures();
    let named = |host: &&LogKey| {
        let key = host.verifier();
        lines.iter().any(|line| line.name() == key.name() && line.id() == key.id())
    };
    let mut hosts = known.hosts.iter().filter(named);
    let signed = hosts.find_map(|host| host.verify(bytes, known.members).ok())?;
    Some((signed.checkpoint().clone(), signed.note().print()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SigningKey;
    use crate::id::{HostId, SessionId, VaultId};
    use crate::label::Zone;
    use crate::log::entry::Draft;
    use crate::log::frames::CHECKPOINTS;
    use crate::log::merkle::root_of;
    use crate::note::origin;
    use crate::time::{Moment, Timestamp};

    fn entry(seq: u64, phase: Phase, closes: Option<u64>) -> Vec<u8> {
        let now = Moment { time: Timestamp::from_unix_ms(0), boot: String::new(), mono_ms: seq };
        let new = Draft::new(
            Event::TitleRead,
            Outcome::Ok,
            SessionId([1; 16]),
            HostId([2; 8]),
            Zone::Networked,
            &now,
        );
        Draft { phase, closes, ..new }.entry(seq).unwrap().to_bytes()
    }

    fn log(size: u64) -> Vec<Vec<u8>> {
        (0..size).map(|seq| entry(seq, Phase::Single, None)).collect()
    }

    fn name() -> String {
        origin(&VaultId([3; 32]), 1)
    }

    fn checkpoint(entries: &[Vec<u8>], key: &SigningKey) -> (u64, Digest, Vec<u8>) {
        let mut frontier = Frontier::new();
        frontier.extend(entries.iter().map(|entry| leaf_hash(entry)));
        let note =
            Checkpoint::new(&name(), frontier.size(), frontier.root()).unwrap().sign(key, None).unwrap();
        (frontier.size(), frontier.root(), note.print().into_bytes())
    }

    /// The checkpoints of every size.
    fn every(entries: &[Vec<u8>], key: &SigningKey) -> Vec<Vec<u8>> {
        (0..=entries.len()).map(|size| checkpoint(&entries[..size], key).2).collect()
    }

    fn judge(entries: &[Vec<u8>], checkpoints: &[Vec<u8>], outside: Vec<(u64, Digest, String)>) -> Judgement {
        let key = SigningKey::from_seed([1; 32]);
        let hosts = [LogKey::from(VerifierKey::new(&name(), key.public()).unwrap())];
        let known = Known { hosts: &hosts, outside, ..Known::default() };
        let mut file = Vec::new();
        checkpoints.iter().for_each(|note| CHECKPOINTS.append(&mut file, note).unwrap());
        let read = |at: u64, most: usize| {
            let rest = file.get(usize::try_from(at).unwrap()..).unwrap_or_default();
            Ok(rest[..most.min(rest.len())].to_vec())
        };
        let notes = || Notes::survey(Box::new(read)).unwrap();
        let mut judge = Judge::new(known.clone(), notes()).unwrap();
        entries.iter().for_each(|entry| judge.entry(entry).unwrap());
        let judgement = judge.finish().unwrap();
        // Subtrees at once or entry by entry, it comes to the same.
        for level in [0, 1, 3] {
            let mut judge = Judge::new(known.clone(), notes()).unwrap();
            for part in entries.chunks(1 << level) {
                let part: Vec<Examined> = part.iter().map(|bytes| Examined::of(bytes)).collect();
                let root = root_of(part.iter().map(|examined| examined.hash));
                let whole = part.len() == 1 << level;
                judge.entries(&part, whole.then_some((level, root))).unwrap();
            }
            assert_eq!(judge.finish().unwrap(), judgement, "level {level}");
        }
        judgement
    }

    #[test]
    fn a_log_that_its_checkpoints_cover_is_in_order() {
        let key = SigningKey::from_seed([1; 32]);
        let entries = log(5);
        let notes = every(&entries, &key);
        let got = judge(&entries, &notes, vec![]);
        assert_eq!((got.size, got.signed_size, got.first_bad), (5, 5, None));
        assert_eq!(got.problems, vec![]);
    }

    #[test]
    fn every_record_removed_doubled_swapped_or_changed_is_noticed_exactly() {
        let key = SigningKey::from_seed([1; 32]);
        let entries = log(5);
        let notes = every(&entries, &key);
        for index in 0..5 {
            let mut removed = entries.clone();
            removed.remove(index);
            let mut doubled = entries.clone();
            doubled.insert(index, entries[index].clone());
            let mut swapped = entries.clone();
            swapped.swap(index, (index + 1) % 5);
            let mut changed = entries.clone();
            changed[index] = entry(index as u64, Phase::Intent, None);
            for variant in [removed, doubled.clone(), swapped, changed] {
                let got = judge(&variant, &notes, vec![]);
                assert!(!got.problems.is_empty(), "{index}");
                let first = got.first_bad.unwrap() as usize;
                let differs = (0..6).find(|at| variant.get(*at) != entries.get(*at)).unwrap();
                assert!(first <= differs, "{index}: {first} {differs}");
            }
        }
    }

    #[test]
    fn a_cut_tail_is_noticed_by_the_checkpoint_from_outside() {
        let key = SigningKey::from_seed([1; 32]);
        let entries = log(5);
        let (size, root, note) = checkpoint(&entries, &key);
        let outside = vec![(size, root, String::from_utf8(note).unwrap())];
        for cut in 0..5 {
            let (.., own) = checkpoint(&entries[..cut], &key);
            let got = judge(&entries[..cut], &[own], outside.clone());
            assert_eq!(got.problems, vec![Problem::Truncated { known: 5, found: cut as u64 }]);
        }
    }

    #[test]
    fn two_histories_come_out_with_both_notes() {
        let key = SigningKey::from_seed([1; 32]);
        let ours = log(3);
        let mut theirs = log(2);
        theirs.push(entry(2, Phase::Intent, None));
        let (size, root, note) = checkpoint(&ours, &key);
        let (.., their_note) = checkpoint(&theirs, &key);
        let our_note = String::from_utf8(note).unwrap();
        let got = judge(&theirs, std::slice::from_ref(&their_note), vec![(size, root, our_note.clone())]);
        assert_eq!(got.fork, vec![our_note, String::from_utf8(their_note).unwrap()]);
    }

    #[test]
    fn an_entry_that_was_changed_after_an_older_checkpoint_is_no_fork() {
        let key = SigningKey::from_seed([1; 32]);
        let entries = log(4);
        let older = checkpoint(&entries[..2], &key).2;
        let (size, root, note) = checkpoint(&entries, &key);
        let mut changed = entries;
        changed[3] = entry(3, Phase::Intent, None);
        let outside = vec![(size, root, String::from_utf8(note.clone()).unwrap())];
        let got = judge(&changed, &[older, note], outside);
        assert_eq!((got.signed_size, got.first_bad, got.fork), (2, Some(2), vec![]));
    }

    #[test]
    fn a_checkpoint_by_a_stranger_counts_for_nothing() {
        let entries = log(3);
        let (.., forged) = checkpoint(&entries, &SigningKey::from_seed([9; 32]));
        let got = judge(&entries, &[forged], vec![]);
        assert_eq!(got.problems, vec![Problem::Forged { record: 0 }]);
        assert_eq!(got.signed_size, 0);
    }

    #[test]
    fn checkpoints_in_any_order_are_all_compared() {
        let key = SigningKey::from_seed([1; 32]);
        let entries = log(20);
        let notes = every(&entries, &key);
        let mut other = entries.clone();
        other[6] = entry(6, Phase::Intent, None);
        let wrong = checkpoint(&other[..9], &key).2;
        let stranger = checkpoint(&entries[..12], &SigningKey::from_seed([9; 32])).2;
        let in_order = [&notes[..10], &[wrong, stranger], &notes[10..]].concat();
        let got = judge(&entries, &in_order, vec![]);
        assert_eq!((got.signed_size, got.first_bad, got.problems.len()), (20, Some(9), 2));
        assert_eq!(got.problems[0], Problem::Forged { record: 11 });
        assert!(matches!(got.problems[1], Problem::Contradiction { size: 9, .. }));
        for turn in 1..in_order.len() {
            let mut turned = in_order.clone();
            turned.rotate_left(turn);
            let record = (11 + in_order.len() - turn) % in_order.len();
            let found = judge(&entries, &turned, vec![]);
            assert_eq!(found.problems[0], Problem::Forged { record });
            assert_eq!((found.problems[1..].to_vec(), found.signed_size), (got.problems[1..].to_vec(), 20));
            // Beyond the end as well, of which the largest size is told.
            let short = judge(&entries[..7], &turned, vec![]);
            assert_eq!(short.problems.len(), 2);
            assert_eq!(short.problems[1], Problem::Truncated { known: 20, found: 7 });
        }
    }

    #[test]
    fn of_each_kind_the_first_are_listed_and_the_others_counted() {
        let key = SigningKey::from_seed([1; 32]);
        let entries = log(300);
        let notes = every(&entries, &key);
        let mut other = entries.clone();
        other[10] = entry(10, Phase::Intent, None);
        // Everything after the change contradicts; what is behind it is read all the same.
        let got = judge(&other, &notes, vec![]);
        assert_eq!((got.problems.len() as u64 + got.unlisted, got.first_bad), (290, Some(10)));
        let contradicts = |problem: &&Problem| matches!(problem, Problem::Contradiction { .. });
        assert_eq!(got.problems.iter().filter(contradicts).count(), LISTED);
        let first = got.problems.iter().find(contradicts).unwrap();
        assert!(matches!(first, Problem::Contradiction { size: 11, .. }));
        let strangers = every(&entries, &SigningKey::from_seed([9; 32]));
        let got = judge(&entries, &strangers, vec![]);
        assert_eq!((got.problems.len(), got.unlisted), (LISTED, 201));
        assert_eq!(got.problems[LISTED - 1], Problem::Forged { record: LISTED - 1 });
    }

    #[test]
    fn ends_close_intents_once() {
        let fine = [entry(0, Phase::Intent, None), entry(1, Phase::Done, Some(0))];
        assert_eq!(judge(&fine, &[], vec![]).problems, vec![]);
        let twice = [fine[0].clone(), fine[1].clone(), entry(2, Phase::Done, Some(0))];
        let got = judge(&twice, &[], vec![]);
        assert_eq!(got.problems, vec![Problem::Entry { at: 2, rule: "ref" }]);
        let open = [entry(0, Phase::Intent, None)];
        assert_eq!(judge(&open, &[], vec![]).open_intents, vec![0]);
    }
}
