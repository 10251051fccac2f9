//! Several processes on one vault: writers take turns, readers see no false alarm, and nobody waits for ever.

use std::fs::File;
use std::io::Write as _;
use std::process::Child;
use std::time::{Duration, Instant};

use super::{Bench, Said};

/// Holds the vault's lock as another process does, until dropped.
fn hold(bench: &Bench, word: &str) -> File {
    let mut file = File::options().read(true).write(true).open(bench.path("v/lock")).unwrap();
    file.try_lock().unwrap();
    file.set_len(0).unwrap();
    file.write_all(word.as_bytes()).unwrap();
    file
}

fn files(bench: &Bench, tree: &str, count: usize) {
    for number in 0..count {
        bench.write(&format!("{tree}/{number}"), format!("{tree} {number}"));
    }
}

fn running(child: &mut Child) -> bool {
    child.try_wait().unwrap().is_none()
}

#[test]
fn writers_take_turns_and_all_succeed() {
    let bench = Bench::founded();
    let children: Vec<Child> = (0..4)
        .map(|number| {
            let tree = format!("tree{number}");
            files(&bench, &tree, 5);
            bench.call(&["seal", &tree, "--class", "important", "--json"]).spawn()
        })
        .collect();
    for child in children {
        let said = Said::of(&[], child);
        assert_eq!((said.exit, said.err.as_str()), (0, ""), "{said:?}");
        assert_eq!(said.json()["documents"].as_array().unwrap().len(), 5);
    }
    let listed = bench.call(&["list", "--json"]).ok().json();
    assert_eq!(listed["documents"].as_array().unwrap().len(), 20);
    let sealed = bench.entries().iter().filter(|entry| entry["event"] == "document.seal").count();
    assert_eq!(sealed, 20);
    bench.sound();
}

#[test]
fn readers_beside_a_writer_see_whole_states_and_no_false_alarm() {
    let bench = Bench::founded();
    files(&bench, "tree", 150);
    let mut writer = bench.call(&["seal", "tree", "--class", "important", "--json"]).spawn();
    let mut rounds = 0;
    let mut last = 0;
    while running(&mut writer) || rounds == 0 {
        for verb in [&["verify", "--json"][..], &["audit", "verify", "--json"]] {
            let report = bench.call(verb).ok().json();
            assert_eq!(report["verdict"], "ok", "{report}");
            assert_eq!(report["findings"].as_array().unwrap().len(), 0, "{report}");
        }
        let listed = bench.call(&["list", "--json"]).ok().json();
        let count = listed["documents"].as_array().unwrap().len();
        assert!(count >= last, "{last} documents became {count}");
        last = count;
        rounds += 1;
    }
    let said = Said::of(&[], writer);
    assert_eq!((said.exit, said.err.as_str()), (0, ""), "{said:?}");
    assert_eq!(bench.call(&["status", "--json"]).ok().json()["documents"], 150);
    bench.sound();
}

#[test]
fn a_hung_holder_is_named_and_not_waited_for_longer_than_asked() {
    let bench = Bench::founded();
    let before = std::fs::read(bench.path("v/log/tail")).unwrap();
    let _held = hold(&bench, "process 4711");
    bench.write("a.txt", "a");
    let calls: [&[&str]; 6] = [
        &["list"],
        &["status"],
        &["seal", "a.txt", "--class", "important"],
        &["member", "list"],
        &["verify"],
        &["audit", "show"],
    ];
    for call in calls {
        let start = Instant::now();
        let error = bench.call(call).machine().env("GAPVAULT_LANG", "en").wait("0").run().error();
        assert!(start.elapsed() < Duration::from_secs(5), "{call:?}");
        assert_eq!((error["code"].as_str(), error["exit"].as_u64()), (Some("busy.vault"), Some(12)));
        assert!(error["message"].as_str().unwrap().contains("process 4711"), "{error}");
        assert!(error["hint"].as_str().unwrap().contains("--wait"), "{error}");
    }
    assert_eq!(std::fs::read(bench.path("v/log/tail")).unwrap(), before);
    assert!(!bench.path("v/documents").read_dir().unwrap().any(|_| true));
}

#[test]
fn who_waits_says_so_and_for_whom_in_the_users_language() {
    let bench = Bench::founded();
    let _held = hold(&bench, "process 4711");
    for (lang, waiting, word) in [
        ("en", "Waiting for another process: process 4711", "process"),
        ("zh-TW", "正在等候其他程式", "4711"),
    ] {
        let start = Instant::now();
        let said = bench.call(&["status"]).lang(lang).wait("1").run();
        assert!((1..5).contains(&start.elapsed().as_secs()), "{said:?}");
        assert_eq!((said.exit, said.out.as_str()), (12, ""));
        assert!(said.err.contains(waiting) && said.err.contains("[busy.vault]"), "{said:?}");
        assert!(said.err.contains(word), "{said:?}");
        assert!(lang == "en" || !said.err.contains("process"), "{said:?}");
    }
    // Nobody knows who holds it: the sentence ends without a name.
    let _ = File::options().write(true).truncate(true).open(bench.path("v/lock")).unwrap();
    let said = bench.call(&["status"]).wait("0").run();
    assert!(said.err.starts_with("error: Another process holds the vault [busy.vault]\n"), "{said:?}");
}

#[test]
fn the_lock_of_a_dead_process_is_no_obstacle() {
    let bench = Bench::founded();
    drop(hold(&bench, "process 1"));
    assert_eq!(std::fs::read(bench.path("v/lock")).unwrap(), b"process 1");
    bench.call(&["status"]).wait("0").ok();
    bench.sound();
}

#[test]
fn a_waiting_command_goes_on_when_the_holder_is_done() {
    let bench = Bench::founded();
    bench.write("a.txt", "a");
    let held = hold(&bench, "process 4711");
    let children: Vec<Child> = (0..2)
        .map(|_| bench.call(&["seal", "a.txt", "--class", "important", "--json"]).wait("30").spawn())
        .collect();
    drop(held);
    for child in children {
        let said = Said::of(&[], child);
        assert_eq!(said.exit, 0, "{said:?}");
    }
    assert_eq!(bench.call(&["status", "--json"]).ok().json()["documents"], 2);
    bench.sound();
}
