//! `audit query` and `audit sample` as they are called.

use serde_json::Value;

use super::Bench;

fn bench() -> (Bench, String) {
    let bench = Bench::founded();
    bench.write("a.txt", "a");
    let id = bench.seal("a.txt", "important");
    bench.call(&["open", &id, "-o", "out"]).ok();
    (bench, id)
}

#[test]
fn a_question_is_answered_in_a_table_and_in_every_form() {
    let (bench, id) = bench();
    let ask = |more: &[&str]| bench.call(&[&["audit", "query", "--document", &id[..6]], more].concat()).ok();
    let table = ask(&[]);
    assert_eq!(table.out.lines().count(), 4, "{table:?}");
    assert!(table.out.contains("ann") && table.err.contains("3 found, by the index"), "{table:?}");
    let json = ask(&["--json"]).json();
    assert_eq!((&json["schema"], &json["count"]), (&"gapvault.audit.query/v1".into(), &3.into()));
    assert_eq!((&json["source"], &json["verdict"]), (&"index".into(), &Value::Null));
    let entry = &json["entries"][0];
    assert_eq!((&entry["name"], &entry["title"]), (&"ann".into(), &Value::Null));
    assert_eq!(entry["entry"]["object"]["id"], *id);
    // All of the log says the same, and so does evidence.
    let full = ask(&["--full", "--json"]).json();
    assert_eq!((&full["source"], &full["verdict"]), (&"log".into(), &"ok".into()));
    assert_eq!(full["entries"], json["entries"]);
    let vault = bench.call(&["audit", "export", "evidence", "--json"]).ok().json()["vault"].clone();
    let evidence = ask(&["--evidence", "evidence", "--trust", vault.as_str().unwrap(), "--json"]).json();
    assert_eq!((&evidence["source"], &evidence["entries"]), (&"evidence".into(), &json["entries"]));
    for form in ["jsonl", "csv", "csv-lossless", "cef", "ocsf", "ecs", "syslog"] {
        let said = ask(&["--format", form]);
        assert_eq!(said.out.lines().count(), 3 + usize::from(form.starts_with("csv")), "{form}: {said:?}");
        let file = format!("file.{form}");
        ask(&["--format", form, "-o", &file]);
        assert_eq!(std::fs::read_to_string(bench.path(&file)).unwrap(), said.out, "{form}");
        let again =
            bench.call(&["audit", "query", "--document", &id, "--format", form, "-o", &file, "--json"]);
        assert_ne!(again.run().exit, 0);
    }
    // Untrusted evidence is read all the same, and the exit code tells.
    let said = bench.call(&["audit", "query", "--document", &id, "--evidence", "evidence", "--json"]).run();
    assert_eq!((said.exit, &said.json()["verdict"]), (10, &"unverifiable".into()));
}

#[test]
fn titles_stand_there_when_they_are_asked_for() {
    let (bench, id) = bench();
    let ask = |more: &[&str]| bench.call(&[&["audit", "query", "--event", "document.seal"], more].concat());
    let json = ask(&["--titles", "--json"]).ok().json();
    assert_eq!(json["entries"][0]["title"], "a.txt");
    assert!(ask(&["--titles"]).ok().out.contains("a.txt"));
    assert!(!ask(&[]).ok().out.contains("a.txt"));
    let reads = bench.call(&["audit", "query", "--event", "title.read", "--document", &id, "--json"]).ok();
    // Two looks; their ends say how many titles were seen, and not which.
    assert_eq!(reads.json()["count"], 2, "{reads:?}");
    let nobody = ask(&["--titles", "--json"]).without("GAPVAULT_IDENTITY").run();
    assert_eq!((nobody.exit, nobody.out.as_str()), (2, ""));
}

#[test]
fn days_are_those_of_the_machine() {
    let (bench, _) = bench();
    let time = bench.entries()[0]["time"].as_str().unwrap().to_owned();
    let count = |arguments: &[&str], zone: &str| {
        let call = bench.call(&[&["audit", "query", "--event", "vault.init", "--json"], arguments].concat());
        call.env("TZ", zone).ok().json()["count"].as_u64().unwrap()
    };
    assert_eq!(count(&["--day", &time[..10]], "UTC"), 1);
    assert_eq!(count(&["--from", &time[..10], "--to", &time[..10]], "UTC"), 1);
    assert_eq!(count(&["--from", "2000-01-01", "--to", "2000-12-31"], "UTC"), 0);
    assert_eq!(count(&["--from", "2000-01-01"], "UTC"), 1);
    // Fourteen hours before and after: one of the three days is always another one.
    let days = [count(&["--day", &time[..10]], "<+14>-14"), count(&["--day", &time[..10]], "<-12>12")];
    assert!(days.iter().sum::<u64>() < 2, "{days:?}");
}

#[test]
fn a_wrong_question_is_told() {
    let (bench, id) = bench();
    let wrong: [(&[&str], &str); 9] = [
        (&["query", "--day", "yesterday"], "usage.arguments"),
        (&["query", "--day", "2026-11-23", "--from", "2026-11-23"], "usage.arguments"),
        (&["query", "--event", "document.close"], "usage.arguments"),
        (&["query", "--member", "nobody"], "not-found.member"),
        (&["query", "--document", "abc"], "usage.short-id"),
        (&["query", "--document", &id, "--format", "csv"], "usage.arguments"),
        (&["query", "--full", "--document", "00000000000000000000000000000000"], "not-found.document"),
        (&["sample", "--seed", "", "--size", "3"], "usage.text"),
        (&["sample", "--seed", "s", "--size", "0"], "usage.arguments"),
    ];
    for (words, code) in wrong {
        let said = bench.call(&[&["audit"], words].concat()).machine().run();
        assert_eq!(said.error()["code"], code, "{words:?}");
    }
}

#[test]
fn a_sample_comes_with_its_proofs_and_its_story() {
    let (bench, _) = bench();
    bench.call(&["audit", "checkpoint", "-o", "handed.txt"]).ok();
    let words = ["audit", "sample", "--seed", "3 14 15", "--size", "4", "--checkpoint", "handed.txt"];
    let report = bench.call(&words).with(&["--out", "proofs", "--json"]).ok().json();
    assert_eq!(report["schema"], "gapvault.audit.sample/v1");
    let drawn = report["entries"].as_array().unwrap();
    assert_eq!(drawn.len(), 4);
    let story = std::fs::read_to_string(bench.path("proofs/SAMPLE.txt")).unwrap();
    assert!(story.contains("3 14 15") && story.contains("gapvault.sample/v1"), "{story}");
    for one in drawn {
        let file = format!("proofs/{}.tlog-proof", one["index"]);
        assert!(story.contains(&file["proofs/".len()..]), "{story}");
        let checked = bench.call(&["audit", "check-proof", &file, "--json"]).ok().json();
        assert_eq!((&checked["index"], &checked["entry"]), (&one["index"], &one["entry"]));
    }
    let said = bench.call(&words).ok();
    assert!(said.out.contains("3 14 15") && !said.err.contains("--checkpoint"), "{said:?}");
    let newest = bench.call(&words[..6]).ok();
    assert!(newest.err.contains("--checkpoint"), "{newest:?}");
    let again = bench.call(&words).with(&["--out", "proofs", "--json"]).run();
    assert_eq!(again.error()["code"], "usage.exists");
}

#[test]
fn two_histories_come_out_as_a_file_that_shows_both() {
    use crate::attacks::scene::{copy, put};
    let bench = Bench::founded();
    bench.write("a.txt", "a");
    let parts = ["v", "state"].map(|name| (bench.path(name), bench.path(&format!("kept-{name}"))));
    parts.iter().for_each(|(now, kept)| copy(now, kept));
    bench.seal("a.txt", "important");
    bench.call(&["audit", "checkpoint", "-o", "one.txt"]).ok();
    parts.iter().for_each(|(now, kept)| put(kept, now));
    bench.seal("a.txt", "critical");
    let verify = ["audit", "verify", "--against", "one.txt", "--fork", "fork.txt"];
    let said = bench.call(&verify).run();
    assert_eq!(said.exit, 8, "{said:?}");
    assert!(said.out.contains("fork.txt"));
    // Both notes, one behind the other, and each is one that the log signed.
    let both = std::fs::read_to_string(bench.path("fork.txt")).unwrap();
    let starts: Vec<usize> = both.match_indices("\ngapvault/").map(|(at, _)| at + 1).collect();
    let [second] = starts[..] else { panic!("{both}") };
    for (name, note) in [("first.txt", &both[..second]), ("second.txt", &both[second..])] {
        bench.write(name, note);
    }
    let compared = bench.call(&["audit", "compare", "first.txt", "second.txt"]).run();
    assert_eq!(compared.exit, 8, "{compared:?}");
    // Nothing is written where there is one history, and nothing over what is there.
    assert_eq!(bench.call(&verify).run().exit, 2);
    bench.call(&["audit", "verify", "--fork", "none.txt"]).ok();
    assert!(!bench.path("none.txt").exists());
}

#[test]
fn a_log_that_was_cut_is_told_of_once_and_in_numbers() {
    let bench = Bench::founded();
    bench.write("a.txt", "a");
    for _ in 0..3 {
        bench.seal("a.txt", "important");
    }
    let report = bench.call(&["audit", "verify", "--json"]).ok();
    let known = report.json()["size"].as_u64().unwrap();
    let tail = bench.path("v/log/tail");
    let bytes = std::fs::read(&tail).unwrap();
    let third = (0..3).fold(0, |at, _| at + 2 + usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]])));
    std::fs::write(&tail, &bytes[..third]).unwrap();
    for (lang, words) in [
        ("en", format!("The access log has 3 entries; {known} are known to have existed.")),
        ("zh-TW", "3 筆".to_owned()),
    ] {
        let said = bench.call(&["audit", "verify", "--lang", lang]).run();
        assert_eq!(said.exit, 7, "{said:?}");
        let told: Vec<&str> = said.out.lines().filter(|line| line.contains("[truncated.log]")).collect();
        assert!(matches!(told[..], [line] if line.contains(&words)), "{told:?}");
    }
}

#[test]
fn two_checkpoints_are_compared_by_the_log_between_them() {
    let bench = Bench::founded();
    bench.write("a.txt", "a");
    bench.call(&["audit", "checkpoint", "-o", "one.txt"]).ok();
    bench.seal("a.txt", "important");
    let newest = bench.call(&["audit", "checkpoint", "-o", "two.txt", "--json"]).ok().json();
    let compare = ["audit", "compare", "one.txt", "two.txt", "--json"];
    assert_eq!(bench.call(&compare).ok().json()["verdict"], "grown");
    // Keys alone say that both are genuine, and no more.
    let key = newest["keys"][0].as_str().unwrap();
    let said = bench.call(&["audit", "compare", "one.txt", "two.txt", "--log", key]).run();
    assert!(said.exit == 10 && said.err.contains("[unverifiable.growth]"), "{said:?}");
    bench.call(&["audit", "compare", "two.txt", "two.txt", "--log", key]).ok();
}
