//! How long an append takes beside one `fdatasync`, on the file system of a folder: `append DIR [ROUNDS]`.
//!
//! ROUNDS times (100), each beside 300 bytes at the end of a file and `fdatasync`: one entry recorded durably, which is the
//! tail, its signature and the host's state; the same with checkpoints and index; and a tenth as often 1,000 entries in one
//! batch. Prints medians in microseconds. The vault is made in `DIR` and left there.

#![allow(clippy::print_stdout, reason = "a program of its own")]

use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gapvault::crypto::PublicKey;
use gapvault::id::{DocumentId, SessionId};
use gapvault::label::{KeyKind, Zone};
use gapvault::log::entry::{Draft, Entry, Event, Object, Outcome};
use gapvault::store::layout::Layout;
use gapvault::store::ledger::Ledger;
use gapvault::store::live::{Context, Live, known_host};
use gapvault::store::lock::VaultLock;
use gapvault::store::log_keys::log_keys;
use gapvault::store::rosters;
use gapvault::vault::{self, Identity, IdentityNew, InitRequest, Secret, Site};
use secrecy::SecretString;

type Done<T> = Result<T, Box<dyn std::error::Error>>;

fn main() -> Done<()> {
    let mut arguments = std::env::args().skip(1);
    let folder = PathBuf::from(arguments.next().ok_or("usage: append DIR [ROUNDS]")?);
    let rounds: usize = arguments.next().map_or(Ok(100), |text| text.parse())?;
    std::fs::create_dir_all(&folder)?;
    let site = Site::system(folder.join("state"), Duration::from_secs(10), Arc::new(|_| ()));
    let me = found(&site, &folder)?;
    let context = Context {
        disk: site.disk.clone(),
        layout: Layout::new(&folder.join("vault").canonicalize()?),
        state: site.state.clone(),
        clock: site.clock.clone(),
        window: site.window,
        random: site.random.clone(),
        key_entries: u64::MAX,
    };
    let mut bare = Bare::new(&folder)?;
    followed(&site, &context, &me, rounds, &mut bare)?.told("one entry, checkpoints and index");
    let (one, thousand) = recorded(&site, &context, &me, rounds, &mut bare)?;
    one.told("one entry");
    thousand.told("1,000 entries");
    Ok(())
}

/// Times in microseconds, each beside one of the bare sync just before it.
#[derive(Default)]
struct Times {
    bare: Vec<u128>,
    own: Vec<u128>,
}

impl Times {
    fn told(self, name: &str) {
        let (bare, own) = (median(self.bare), median(self.own));
        let times = own * 10 / bare.max(1);
        let beyond = own.saturating_sub(bare);
        println!(
            "{name:<34} {own:>7} us, beside {bare:>6} us of 300 bytes and fdatasync: {}.{} times, {beyond} us beyond it",
            times / 10,
            times % 10
        );
    }
}

/// A file that grows by 300 bytes at a time.
struct Bare(File);

impl Bare {
    fn new(folder: &Path) -> Done<Self> {
        Ok(Self(File::options().create(true).append(true).open(folder.join("bare"))?))
    }

    fn sync(&mut self) -> Done<u128> {
        let start = Instant::now();
        self.0.write_all(&[b'x'; 300])?;
        self.0.sync_data()?;
        Ok(start.elapsed().as_micros())
    }
}

fn found(site: &Site, folder: &Path) -> Done<Identity> {
    let passphrase = SecretString::from("measured and not guarded".to_owned());
    let out = folder.join("me.id");
    let new = IdentityNew {
        name: "Append".into(),
        out: out.clone(),
        secret: Secret::Passphrase(passphrase.clone()),
        work_factor: 10,
        kind: KeyKind::Classic,
        key: None,
    };
    vault::identity_new(site, &new)?;
    let me = vault::unlock_identity(site, &out, &passphrase)?;
    let request = InitRequest::new("append", Zone::Networked, KeyKind::Classic);
    vault::init(site, &folder.join("vault"), &me, &request)?;
    Ok(me)
}

fn median(mut times: Vec<u128>) -> u128 {
    times.sort_unstable();
    times.get(times.len() / 2).copied().unwrap_or(0)
}

fn draft(live: impl Fn(Event, Outcome, SessionId) -> Draft, me: &Identity, at: u64) -> Draft {
    let mut draft = live(Event::DocumentOpen, Outcome::Denied, SessionId(u128::from(at).to_be_bytes()));
    draft.actor.id = Some(me.id());
    draft.object = Some(Object::document(DocumentId(u128::from(at).to_be_bytes())));
    draft.reason = "no-clearance".parse().ok();
    draft
}

/// With checkpoints and index, as a command does it.
fn followed(site: &Site, context: &Context, me: &Identity, rounds: usize, bare: &mut Bare) -> Done<Times> {
    let mut live = Live::open(context, VaultLock::take(&context.layout.lock(), site.wait, &|_| ())?)?;
    let mut times = Times::default();
    for at in 0..rounds as u64 {
        let draft = draft(|event, outcome, session| live.draft(event, outcome, session), me, at);
        times.bare.push(bare.sync()?);
        let start = Instant::now();
        live.record_end(vec![draft], Some(me.signing()))?;
        times.own.push(start.elapsed().as_micros());
    }
    Ok(times)
}

/// Until it is recorded: nothing is published or released before.
fn recorded(
    site: &Site,
    context: &Context,
    me: &Identity,
    rounds: usize,
    bare: &mut Bare,
) -> Done<(Times, Times)> {
    let _lock = VaultLock::take(&context.layout.lock(), site.wait, &|_| ())?;
    let host = known_host(context)?;
    let roster = rosters::in_force(context, host.record())?;
    let keys = log_keys(context, &roster, host.record().epoch)?;
    let mut ledger = Ledger::open(&context.disk, &context.layout, host, &keys)?;
    let hosts: Vec<PublicKey> = roster.roster().hosts.iter().map(|host| host.key).collect();
    ledger.judge_writer(&hosts);
    let now = context.clock.now();
    let host_id = ledger.host().host_id().ok_or("no host")?;
    let zone = roster.roster().zone;
    let mut append = |count: u64, times: &mut Times| -> Done<()> {
        let make = |seq: u64| -> Result<Entry, _> {
            draft(|event, outcome, session| Draft::new(event, outcome, session, host_id, zone, &now), me, seq)
                .entry(seq)
        };
        let entries = (ledger.size()..ledger.size() + count).map(make).collect::<Result<Vec<_>, _>>()?;
        times.bare.push(bare.sync()?);
        let start = Instant::now();
        let _recorded = ledger.append(&entries, Some(me.signing()), None)?;
        times.own.push(start.elapsed().as_micros());
        Ok(())
    };
    let (mut one, mut thousand) = (Times::default(), Times::default());
    (0..rounds).try_for_each(|_| append(1, &mut one))?;
    (0..rounds.div_ceil(10)).try_for_each(|_| append(1000, &mut thousand))?;
    Ok((one, thousand))
}
