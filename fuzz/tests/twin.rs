//! The targets without libFuzzer, on any toolchain: the corpus, then arbitrary bytes and changed seeds for as long as
//! `FUZZ_SECONDS` says (2 for each target without it).

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use gapvault_fuzz::{TARGETS, Target, seeds};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

fn corpus(target: &str) -> BTreeMap<String, Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(target);
    let files = std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    files
        .map(|file| file.unwrap())
        .map(|file| (file.file_name().into_string().unwrap(), std::fs::read(file.path()).unwrap()))
        .collect()
}

#[test]
fn the_corpus_is_what_the_seeds_are_and_small() {
    let mut total = 0;
    for (target, _) in TARGETS {
        let found = corpus(target);
        let made: BTreeMap<_, _> =
            seeds::all().into_iter().filter(|seed| seed.0 == target).map(|seed| (seed.1, seed.2)).collect();
        assert!(found.keys().eq(made.keys()), "{target}: run the example `seeds`");
        for (name, bytes) in made {
            assert!(name.starts_with(seeds::DRAWN) || found[&name] == bytes, "{target}/{name}: run `seeds`");
        }
        assert!(found.len() <= 36, "{target}: {} seeds", found.len());
        total += found.values().map(Vec::len).sum::<usize>();
    }
    assert!(total < 100 * 1024, "{total} bytes");
}

/// One change to a seed: what to do, where (as a share of its length), and with what.
type Change = (u8, u16, Vec<u8>);

fn changed(seed: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut out = seed.to_vec();
    for (kind, share, with) in changes {
        let at = out.len() * usize::from(*share) / 65_536;
        let end = (at + with.len()).min(out.len());
        match kind % 6 {
            0 => out.truncate(at),
            1 => drop(out.drain(at..end)),
            2 => drop(out.splice(at..at, with.iter().copied())),
            3 => drop(out.splice(at..end, with.iter().copied())),
            4 => {
                let copied = out[at..].iter().take(with.len() * 8).copied().collect::<Vec<u8>>();
                drop(out.splice(at..at, copied));
            }
            _ => {
                if let (Some(byte), Some(with)) = (out.get_mut(at), with.first()) {
                    *byte ^= 1 << (with % 8);
                }
            }
        }
    }
    out
}

fn input(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let change = (any::<u8>(), any::<u16>(), proptest::collection::vec(any::<u8>(), 0..8));
    let changes = proptest::collection::vec(change, 0..5);
    let near =
        (proptest::sample::select(seeds), changes).prop_map(|(seed, changes)| changed(&seed, &changes));
    prop_oneof![1 => proptest::collection::vec(any::<u8>(), 0..1024), 4 => near]
}

fn run((name, target): Target) {
    let seconds = std::env::var("FUZZ_SECONDS").map_or(2, |text| text.parse().expect("a number of seconds"));
    let end = Instant::now() + Duration::from_secs(seconds);
    let seeds: Vec<Vec<u8>> = corpus(name).into_values().collect();
    seeds.iter().for_each(|seed| target(seed));
    let inputs = input(seeds);
    let mut cases = 0;
    while Instant::now() < end {
        let config = Config { cases: 32, failure_persistence: None, ..Config::default() };
        let result = TestRunner::new(config).run(&inputs, |data| {
            target(&data);
            Ok(())
        });
        result.unwrap_or_else(|error| panic!("{name}: {error}"));
        cases += 32;
    }
    println!("{name}: {cases} cases");
}

#[test]
fn header() {
    run(TARGETS[0]);
}

#[test]
fn stanza() {
    run(TARGETS[1]);
}

#[test]
fn meta() {
    run(TARGETS[2]);
}

#[test]
fn stream() {
    run(TARGETS[3]);
}

#[test]
fn identity_file() {
    run(TARGETS[4]);
}

#[test]
fn note() {
    run(TARGETS[5]);
}

#[test]
fn manifest() {
    run(TARGETS[6]);
}

#[test]
fn volume() {
    run(TARGETS[7]);
}

#[test]
fn archive() {
    run(TARGETS[8]);
}

#[test]
fn receipt() {
    run(TARGETS[9]);
}

#[test]
fn card() {
    run(TARGETS[10]);
}

#[test]
fn entry() {
    run(TARGETS[11]);
}

#[test]
fn tiles() {
    run(TARGETS[12]);
}

#[test]
fn proof() {
    run(TARGETS[13]);
}

#[test]
fn cosignature() {
    run(TARGETS[14]);
}

#[test]
fn quorum() {
    run(TARGETS[15]);
}
