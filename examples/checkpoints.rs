//! What it takes to judge a log with many checkpoints, beside the verifying of their signatures and nothing else:
//! `cargo run --release --example checkpoints -- CHECKPOINTS [ROUNDS]`.
//!
//! A log is made in memory, of as many entries as checkpoints, each of which a host and a member signed. In turn, ROUNDS
//! times (5), all signatures are verified by ring on all processors, and the log is judged from its files. Medians are told.

#![allow(clippy::print_stdout, reason = "a program of its own")]

use std::collections::HashMap;
use std::num::NonZero;
use std::time::{Duration, Instant};

use gapvault::audit::{Judge, Judgement, Known, LogFiles, Notes, Reading};
use gapvault::crypto::SigningKey;
use gapvault::fault::Error;
use gapvault::id::{HostId, SessionId, VaultId};
use gapvault::label::Zone;
use gapvault::log::checkpoint::Checkpoint;
use gapvault::log::entry::{Draft, Event, Outcome};
use gapvault::log::frames::CHECKPOINTS;
use gapvault::log::keys::LogKey;
use gapvault::log::merkle::{Frontier, leaf_hash};
use gapvault::log::tiles::{HashTile, Tile, encode_bundle};
use gapvault::note::{SignedNote, VerifierKey, origin};
use gapvault::time::{Moment, Timestamp};
use ring::signature::{ED25519, UnparsedPublicKey};

type Done<T> = Result<T, Box<dyn std::error::Error>>;

/// The members of a vault, of whom one signed.
const MEMBERS: u8 = 10;

fn main() -> Done<()> {
    let mut arguments = std::env::args().skip(1);
    let count: u64 = arguments.next().ok_or("usage: checkpoints CHECKPOINTS [ROUNDS]")?.parse()?;
    let rounds = arguments.next().map_or(Ok(5), |text| text.parse())?;
    let log = Log::new(count)?;
    let (mut alone, mut judged) = (Vec::new(), Vec::new());
    for _ in 0..rounds {
        let begun = Instant::now();
        log.verify_signatures()?;
        alone.push(begun.elapsed());
        let begun = Instant::now();
        let judgement = log.judge()?;
        judged.push(begun.elapsed());
        if judgement.signed_size != count || !judgement.problems.is_empty() {
            return Err(format!("{judgement:?}").into());
        }
    }
    let (alone, judged) = (median(alone), median(judged));
    println!("{count} checkpoints with two signatures, {rounds} rounds, {} threads", threads());
    println!("ring alone  {alone:.3?}");
    println!("judged      {judged:.3?}, {:.3} times", judged.as_secs_f64() / alone.as_secs_f64());
    Ok(())
}

fn threads() -> usize {
    std::thread::available_parallelism().map_or(1, NonZero::get)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

struct Log {
    size: u64,
    hosts: Vec<VerifierKey>,
    members: Vec<VerifierKey>,
    files: Files,
    notes: Vec<SignedNote>,
    /// The file of checkpoints.
    checkpoints: Vec<u8>,
}

struct Files(HashMap<Tile, Vec<u8>>);

impl LogFiles for Files {
    fn entries(&self, tile: Tile) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.get(&tile).cloned())
    }

    fn hashes(&self, tile: Tile) -> Result<Option<Vec<u8>>, Error> {
        Ok(self.0.get(&tile).cloned())
    }
}

impl Log {
    fn new(size: u64) -> Done<Self> {
        let name = origin(&VaultId([3; 32]), 1);
        let host = SigningKey::from_seed([0; 32]);
        let members: Vec<SigningKey> = (1..=MEMBERS).map(|seed| SigningKey::from_seed([seed; 32])).collect();
        let entries = (0..size).map(entry).collect::<Done<Vec<_>>>()?;
        let mut frontier = Frontier::new();
        let (mut notes, mut checkpoints) = (Vec::new(), Vec::new());
        for entry in &entries {
            frontier.push(leaf_hash(entry));
            let checkpoint = Checkpoint::new(&name, frontier.size(), frontier.root())?;
            let note = checkpoint.sign(&host, members.get(usize::from(MEMBERS / 2)))?;
            CHECKPOINTS.append(&mut checkpoints, note.print().as_bytes())?;
            notes.push(note);
        }
        Ok(Self {
            size,
            hosts: vec![VerifierKey::new(&name, host.public())?],
            members: members.iter().map(|member| VerifierKey::of_member(member.public())).collect(),
            files: files(&entries)?,
            notes,
            checkpoints,
        })
    }

    /// Every signature, by ring and on all processors.
    fn verify_signatures(&self) -> Done<()> {
        let keys: HashMap<_, _> = self
            .hosts
            .iter()
            .chain(&self.members)
            .map(|key| ((key.name(), key.id()), UnparsedPublicKey::new(&ED25519, key.key().0)))
            .collect();
        let one = |note: &SignedNote| {
            note.signatures().iter().all(|line| {
                let key = keys.get(&(line.name(), line.id()));
                key.is_some_and(|key| key.verify(note.text().as_bytes(), line.bytes()).is_ok())
            })
        };
        let all = std::thread::scope(|scope| {
            let parts = self.notes.chunks(self.notes.len().div_ceil(threads()).max(1));
            let parts: Vec<_> = parts.map(|part| scope.spawn(move || part.iter().all(one))).collect();
            parts.into_iter().all(|part| part.join().unwrap_or(false))
        });
        if all { Ok(()) } else { Err("a signature is not genuine".into()) }
    }

    fn judge(&self) -> Result<Judgement, Error> {
        let hosts: Vec<LogKey> = self.hosts.iter().cloned().map(LogKey::from).collect();
        let known = Known { hosts: &hosts, members: &self.members, ..Known::default() };
        let read = |at: u64, most: usize| {
            let rest = usize::try_from(at).ok().and_then(|at| self.checkpoints.get(at..)).unwrap_or_default();
            Ok(rest.get(..most).unwrap_or(rest).to_vec())
        };
        let mut judge = Judge::new(known, Notes::survey(Box::new(read))?)?;
        Reading::of(&self.files).feed(self.size, &mut judge, &mut |_, _| ())?;
        judge.finish()
    }
}

fn entry(seq: u64) -> Done<Vec<u8>> {
    let boot = "6f1c0b6e-2f0e-4f5e-9a3c-0d6f3f1c9b77".to_owned();
    let now = Moment { time: Timestamp::from_unix_ms(1_795_420_800_000), boot, mono_ms: seq };
    let (session, host) = (SessionId(u128::from(seq).to_be_bytes()), HostId([2; 8]));
    let draft = Draft::new(Event::TitleRead, Outcome::Denied, session, host, Zone::Networked, &now);
    Ok(draft.entry(seq)?.to_bytes())
}

/// Bundles, and the tiles above entries, the partial ones too.
fn files(entries: &[Vec<u8>]) -> Done<Files> {
    let mut files = HashMap::new();
    for (index, bundle) in (0..).zip(entries.chunks(256)) {
        let width = u16::try_from(bundle.len())?;
        let hashes = HashTile::new(bundle.iter().map(|entry| leaf_hash(entry)).collect());
        let place = |tile: Tile| tile.partial(width).ok_or("a width");
        files.insert(place(Tile::entries(index))?, encode_bundle(bundle.iter().map(Vec::as_slice))?);
        files.insert(place(Tile::hashes(0, index))?, hashes.ok_or("a tile")?.to_bytes());
    }
    Ok(Files(files))
}
