//! The real program, ended by `kill -9` at moments spread over its work.
//!
//! The tests of faults stop at each call to the disk; here nothing is prepared, and the kernel decides what was done.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::cli::Bench;

/// When the end comes.
enum Moment {
    After(Duration),
    /// As soon as this folder has something in it.
    Filled(PathBuf),
}

impl Moment {
    fn wait(&self, gone: &mut dyn FnMut() -> bool) {
        let start = Instant::now();
        while !gone() {
            let due = match self {
                Self::After(delay) => start.elapsed() >= *delay,
                Self::Filled(folder) => folder.read_dir().is_ok_and(|mut names| names.next().is_some()),
            };
            if due {
                return;
            }
            std::thread::yield_now();
        }
    }
}

/// Runs a call with its answer in a file, and kills it; gives the answer if all of it was written.
fn killed(bench: &Bench, call: &[&str], moment: &Moment) -> Option<Value> {
    let answer = bench.path("answer");
    let mut call = bench.call(call).machine();
    call.command.stdin(Stdio::null()).stderr(Stdio::null()).stdout(File::create(&answer).unwrap());
    let mut child = call.command.spawn().unwrap();
    moment.wait(&mut || child.try_wait().unwrap().is_some());
    child.kill().unwrap();
    child.wait().unwrap();
    let said = std::fs::read_to_string(&answer).unwrap();
    assert!(said.is_empty() || said.ends_with('\n'), "half an answer: {said}");
    serde_json::from_str(&said).ok()
}

/// Moments from the start of a call to a little after its usual end.
fn moments(bench: &Bench, call: &[&str], count: u32) -> Vec<Moment> {
    let start = Instant::now();
    bench.call(call).machine().ok();
    let usual = start.elapsed() * 11 / 10;
    (0..count).map(|number| Moment::After(usual * number / count)).collect()
}

/// What the dead left is in order, with work pending at most; the next command finishes it.
fn settled(bench: &Bench) {
    for verb in [&["verify", "--json"][..], &["audit", "verify", "--json"]] {
        let report = bench.call(verb).ok().json();
        assert_eq!(report["verdict"], "ok", "{report}");
        assert_eq!(report["findings"].as_array().unwrap().len(), 0, "{report}");
    }
    bench.call(&["status", "--json"]).ok();
    bench.sound();
    let staging: Vec<_> = bench.path("v/staging").read_dir().into_iter().flatten().collect();
    assert_eq!(staging.len(), 0, "{staging:?}");
}

fn ids(report: &Value) -> Vec<String> {
    let rows = report["documents"].as_array().unwrap().iter();
    rows.map(|row| row["id"].as_str().unwrap().to_owned()).collect()
}

fn contents(number: usize) -> Vec<u8> {
    format!("{number} ").repeat(4000 * (number % 4)).into_bytes()
}

fn sources(bench: &Bench, count: usize) {
    for number in 0..count {
        bench.write(&format!("tree/{number}.txt"), contents(number));
    }
}

/// Every file below a folder is one of the sources, whole. Gives how many there are.
fn whole(folder: &Path) -> usize {
    let mut count = 0;
    for entry in folder.read_dir().into_iter().flatten() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            count += whole(&path);
            continue;
        }
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        // Only a disk that knows no files without names has these; they are hidden, and say what they are.
        if name.starts_with(".gapvault-") && name.ends_with(".partial") {
            continue;
        }
        let number: usize = name.strip_suffix(".txt").unwrap().parse().unwrap();
        assert!(std::fs::read(&path).unwrap() == contents(number), "{name} is not whole");
        count += 1;
    }
    count
}

#[test]
fn a_killed_seal_leaves_whole_documents_or_none() {
    let bench = Bench::founded();
    sources(&bench, 6);
    let call = ["seal", "tree", "--class", "important"];
    let mut plan = moments(&bench, &call, 12);
    plan.extend((0..2).map(|_| Moment::Filled(bench.path("v/staging"))));
    let mut acknowledged = Vec::new();
    for moment in plan {
        acknowledged.extend(killed(&bench, &call, &moment).iter().flat_map(ids));
        settled(&bench);
    }
    let listed = ids(&bench.call(&["list", "--json"]).ok().json());
    assert!(acknowledged.iter().all(|id| listed.contains(id)), "{acknowledged:?} {listed:?}");
    for (at, id) in listed.iter().enumerate() {
        let into = format!("out{at}");
        bench.call(&["open", id, "--into", &into]).ok();
        assert_eq!(whole(&bench.path(&into)), 1);
    }
    bench.sound();
}

#[test]
fn a_killed_opening_leaves_whole_files_and_its_intent_in_the_log() {
    let bench = Bench::founded();
    sources(&bench, 6);
    bench.call(&["seal", "tree", "--class", "important"]).ok();
    let mut plan = moments(&bench, &["open", "--all", "--into", "first"], 8);
    plan.extend([4, 5].map(|at| Moment::Filled(bench.path(&format!("out{at}/tree")))));
    plan.rotate_right(2);
    for (at, moment) in plan.into_iter().enumerate() {
        let moment = match moment {
            Moment::Filled(_) => Moment::Filled(bench.path(&format!("out{at}/tree"))),
            other => other,
        };
        let before = bench.entries().len();
        let into = format!("out{at}");
        let answer = killed(&bench, &["open", "--all", "--into", &into], &moment);
        let released = whole(&bench.path(&into));
        if let Some(report) = answer {
            assert_eq!((ids(&report).len(), released), (6, 6));
        }
        let entries = bench.entries().split_off(before);
        let begun = |entry: &&Value| entry["event"] == "document.open" && entry["phase"] == "intent";
        let intents = entries.iter().filter(begun).count();
        assert!(intents == 6 || (intents, released) == (0, 0), "{intents} intents, {released} files");
        settled(&bench);
    }
}

#[test]
fn a_killed_destruction_is_finished_or_never_began() {
    let bench = Bench::founded();
    sources(&bench, 10);
    let report = bench.call(&["seal", "tree", "--class", "important", "--json"]).ok().json();
    let ids = ids(&report);
    let (first, rest) = ids.split_first().unwrap();
    let plan = moments(&bench, &["destroy", first, "--reason", "r", "--yes"], 9);
    for (id, moment) in rest.iter().zip(&plan) {
        let answer = killed(&bench, &["destroy", id, "--reason", "r", "--yes"], moment);
        settled(&bench);
        let shown = bench.call(&["show", id, "--json"]).run();
        let file = bench.path("v/documents").join(&id[..2]).join(format!("{id}.age"));
        if answer.is_some() || shown.exit != 0 {
            assert_eq!(shown.error()["code"], "not-found.destroyed");
            assert!(!file.exists());
        } else {
            assert!(file.exists());
            bench.call(&["open", id, "--into", &format!("out-{id}")]).ok();
            assert_eq!(whole(&bench.path(&format!("out-{id}"))), 1);
        }
    }
    bench.sound();
}

#[test]
fn a_killed_admission_makes_a_member_or_none() {
    let bench = Bench::founded();
    let names: Vec<String> = (0..9).map(|number| format!("m{number}")).collect();
    for name in &names {
        bench.identity(name);
    }
    let cards: Vec<String> = names.iter().map(|name| format!("{name}.id.card")).collect();
    let plan = moments(&bench, &["member", "add", "m0.id.card", "--role", "clerk", "--yes"], 8);
    for (at, moment) in plan.iter().enumerate() {
        let (name, card) = (&names[at + 1], &cards[at + 1]);
        let words = ["member", "add", card.as_str(), "--role", "clerk", "--yes"];
        let answer = killed(&bench, &words, moment);
        settled(&bench);
        let again = bench.call(&words).machine().run();
        if answer.is_some() || again.exit != 0 {
            assert_eq!(again.error()["code"], "usage.member-exists");
        }
        let listed = bench.call(&["member", "list", "--json"]).ok().json();
        let members = listed["members"].as_array().unwrap();
        assert_eq!(members.iter().filter(|row| row["name"] == name.as_str()).count(), 1);
    }
    bench.sound();
}

#[test]
fn a_killed_beginning_can_be_begun_again() {
    let bench = Bench::bare();
    bench.identity("ann");
    let plan = moments(&bench, &["init", "w", "--name", "n", "--zone", "networked", "--classic"], 6);
    for (at, moment) in plan.iter().enumerate() {
        let name = format!("v{at}");
        let words = ["init", &name, "--name", "n", "--zone", "networked", "--classic"];
        let answer = killed(&bench, &words, moment);
        let again = bench.call(&words).machine().run();
        if answer.is_some() || again.exit != 0 {
            assert_eq!(again.error()["code"], "usage.vault-exists");
        }
        let report = bench.call(&["--vault", &name, "verify", "--json"]).ok().json();
        assert_eq!(report["verdict"], "ok", "{report}");
    }
}
