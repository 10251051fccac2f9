//! `audit findings`: the log's verdict first, then what somebody should look at, in words and with the entries.

use std::io::Read as _;

use gapvault::audit::findings::{Name, Rules};
use gapvault::words::{Lang, Words};
use serde_json::Value;

use super::{Bench, Said};

const PAGE: &str = include_str!("../../../docs/AUDIT-RULES.md");

/// It is always night, and no day is off.
const NIGHT: &str = "[night]\nday-begins = \"24:00\"\nday-ends = \"24:00\"\n\
                     [weekend]\nsaturday = false\nsunday = false\n[open-intent]\nminutes = 0\n";

/// An office in which something went on.
fn eventful() -> Bench {
    let bench = Bench::founded();
    bench.write("rules.toml", NIGHT);
    bench.write("a.txt", vec![b'a'; 1 << 20]);
    bench.secret("wrong", "battery staple\n");
    let id = bench.seal("a.txt", "important");
    bench.call(&["open", &id, "-o", "out"]).ok();
    // Killed when the first byte is out, so after its intent.
    let mut child = bench.call(&["open", &id, "--stdout"]).spawn();
    child.stdout.as_mut().unwrap().read_exact(&mut [0]).unwrap();
    child.kill().unwrap();
    child.wait().unwrap();
    for _ in 0..6 {
        let said =
            bench.call(&["list", "--passphrase-file", "wrong"]).without("GAPVAULT_PASSPHRASE_FILE").run();
        assert_eq!(said.exit, 5, "{said:?}");
    }
    bench
}

fn findings(bench: &Bench, more: &[&str]) -> Said {
    bench.call(&["audit", "findings"]).with(more).run()
}

fn of<'a>(report: &'a Value, rule: &str) -> Vec<&'a Value> {
    report["findings"].as_array().unwrap().iter().filter(|row| row["rule"] == rule).collect()
}

/// The entries that a finding shows.
fn shown(bench: &Bench, finding: &Value) -> Vec<(String, String, String)> {
    let entries = bench.entries();
    let text = |value: &Value| value.as_str().unwrap_or("").to_owned();
    let of = |at: &Value| {
        assert_eq!(at["epoch"], 1);
        let entry = &entries[usize::try_from(at["seq"].as_u64().unwrap()).unwrap()];
        (text(&entry["event"]), text(&entry["phase"]), text(&entry["reason"]))
    };
    finding["entries"].as_array().unwrap().iter().map(of).collect()
}

fn triple(event: &str, phase: &str, reason: &str) -> (String, String, String) {
    (event.to_owned(), phase.to_owned(), reason.to_owned())
}

#[test]
fn what_went_on_is_found_with_the_entries_that_prove_it() {
    let bench = eventful();
    let said = findings(&bench, &["--rules", "rules.toml", "--json"]);
    let report = said.json();
    assert_eq!(
        (said.exit, &report["schema"], &report["verdict"]),
        (0, &Value::from("gapvault.audit.findings/v1"), &Value::from("ok"))
    );
    assert_eq!(report["rules"].as_array().unwrap().len(), Name::ALL.len());
    let ann = bench.call(&["member", "list", "--json"]).ok().json()["members"][0]["id"].clone();

    let open = of(&report, "open-intent");
    assert_eq!((open.len(), &open[0]["member"], &open[0]["weight"]), (1, &ann, &Value::from("warning")));
    assert_eq!(shown(&bench, open[0]), [triple("document.open", "intent", "")]);
    assert_eq!(
        (&open[0]["facts"]["who"], &open[0]["facts"]["event"]),
        (&Value::from("ann"), &Value::from("document.open"))
    );
    let failed = of(&report, "failed-unlocks");
    assert_eq!(
        (failed.len(), &failed[0]["facts"]["count"], &failed[0]["member"]),
        (1, &Value::from("5"), &Value::Null)
    );
    assert_eq!(
        shown(&bench, failed[0]),
        vec![triple("identity.unlock", "single", "authentication.passphrase"); 5]
    );
    let locked = of(&report, "lock-out");
    assert_eq!(shown(&bench, locked[0]), [triple("identity.unlock", "single", "authentication.locked-out")]);
    let night = of(&report, "night");
    // Ann's, and that of whoever could not unlock.
    assert_eq!((night.len(), &night[0]["member"], &night[0]["weight"]), (2, &ann, &Value::from("warning")));
    assert_eq!((of(&report, "first-access").len(), of(&report, "no-witness").len()), (1, 1));
    assert_eq!(of(&report, "retention")[0]["weight"], "note");
    for rule in
        ["outsider", "wrong-role", "no-clearance", "after-end", "lost-entries", "clock-step", "unseen"]
    {
        assert_eq!(of(&report, rule), Vec::<&Value>::new(), "{rule}");
    }
    bench.sound();
}

#[test]
fn what_is_found_is_said_in_sentences_in_both_languages_below_the_verdict() {
    let bench = eventful();
    bench.write("rules.toml", format!("{NIGHT}[unseen]\nenabled = false\n"));
    let en = findings(&bench, &["--rules", "rules.toml"]);
    assert_eq!((en.exit, en.err.as_str()), (0, ""), "{en:?}");
    let lines: Vec<&str> = en.out.lines().collect();
    assert!(lines[0].contains("in order"), "{}", en.out);
    assert!(en.out.contains("No list of holidays"), "{}", en.out);
    assert!(en.out.contains("  ann began on "), "{}", en.out);
    assert!(en.out.contains("  Ask: who sat at this machine then?"), "{}", en.out);
    assert!(en.out.contains("Somebody unknown worked in the night of"), "{}", en.out);
    let zh = bench.call(&["audit", "findings", "--rules", "rules.toml"]).lang("zh-TW").ok().out;
    for words in ["夜間作業", "有開始而無結束", "請問：當時誰在這台電腦前？", "民國", "無見證"]
    {
        assert!(zh.contains(words), "{words}: {zh}");
    }
    for text in [&en.out, &zh] {
        assert!(!text.contains("finding-") && !text.contains("{$") && !text.contains("{ $"), "{text}");
    }
    // One rule by itself, and a day on which nothing was.
    let one = findings(&bench, &["--rule", "many-documents", "--rule", "after-end"]);
    assert!(one.exit == 0 && one.out.contains("2 rules looked at the log and found nothing."), "{one:?}");
    let past =
        findings(&bench, &["--rules", "rules.toml", "--to", "2001-01-01", "--rule", "night", "--json"]);
    assert_eq!(past.json()["findings"].as_array().unwrap().len(), 0);
}

#[test]
fn a_list_of_holidays_says_which_days_are_off() {
    let bench = Bench::founded();
    bench.write("a.txt", "a");
    bench.seal("a.txt", "important");
    let today = bench.entries()[0]["time"].as_str().unwrap()[..10].to_owned();
    // A test may begin on one day and end on the next.
    bench.write("holidays.txt", format!("# 115年\n2026-01-01 元旦\n{today} ours\n"));
    let report = findings(&bench, &["--holidays", "holidays.txt", "--rule", "holiday", "--json"]).json();
    let found = of(&report, "holiday");
    assert_eq!(
        (report["holidays"].as_bool(), &found[0]["facts"]["day"]),
        (Some(true), &Value::from(today.as_str()))
    );
    let days = |from: &str, to: &str| {
        let more = ["--holidays", "holidays.txt", "--rule", "holiday", "--json", "--from", from, "--to", to];
        of(&findings(&bench, &more).json(), "holiday").len()
    };
    assert_eq!(
        (days(&today, &today), days("2001-01-01", "2001-12-31"), days("9000-01-01", "9000-01-01")),
        (1, 0, 0)
    );
}

#[test]
fn evidence_says_what_the_vault_says() {
    let bench = eventful();
    let exported = bench.call(&["audit", "export", "evidence", "--json"]).ok().json();
    let trust = exported["vault"].as_str().unwrap();
    let more = ["--rules", "rules.toml", "--json"];
    let own = findings(&bench, &more).json();
    let theirs = bench
        .call(&["audit", "findings", "--evidence", "evidence", "--trust", trust])
        .without("GAPVAULT_VAULT")
        .with(&more)
        .ok()
        .json();
    assert_eq!(theirs["verdict"], "ok");
    assert!(own["findings"].as_array().unwrap().len() > 5);
    assert_eq!(own["findings"], theirs["findings"]);
    // Told nothing about the log, the verdict is so, and what was found is told all the same.
    let untrusted = findings(&bench, &[&more[..], &["--evidence", "evidence"]].concat());
    let report: Value = untrusted.json();
    assert_eq!((untrusted.exit, &report["verdict"]), (10, &Value::from("unverifiable")));
    assert_eq!(own["findings"], report["findings"]);
}

#[test]
fn a_log_that_is_not_in_order_is_said_first_and_decides_the_exit_code() {
    let bench = eventful();
    let tail = bench.path("v/log/tail");
    let mut bytes = std::fs::read(&tail).unwrap();
    // The newest entry says that it was made years before.
    let at = bytes.windows(10).rposition(|part| part == b"\"time\":\"20").unwrap();
    bytes[at + 8..at + 12].copy_from_slice(b"2020");
    std::fs::write(&tail, bytes).unwrap();
    let said = findings(&bench, &[]);
    let verify = bench.call(&["audit", "verify"]).run();
    assert_eq!((said.exit, verify.exit), (6, 6), "{said:?}");
    assert!(said.out.starts_with(&verify.out), "{}\n{}", said.out, verify.out);
    assert!(said.out[verify.out.len()..].starts_with("THE LOG ITSELF IS NOT IN ORDER"), "{}", said.out);
    assert!(said.out.contains("The clock of ") && said.out.contains(" was set back by "), "{}", said.out);
}

#[test]
fn wrong_files_days_and_names_are_refused_with_their_place() {
    let bench = Bench::founded();
    bench.write("rules.toml", "[night]\nday-begins = \"06:00\"\nday-begin = \"07:00\"\n");
    bench.write("list.txt", "2026-01-01\nfirst of May\n");
    bench.write("bytes", [0xff, 0xfe]);
    let error = |more: &[&str]| {
        let error = findings(&bench, &[more, &["--json"]].concat()).error();
        assert!(!error["hint"].as_str().unwrap().is_empty());
        (error["code"].as_str().unwrap().to_owned(), error["message"].as_str().unwrap().to_owned())
    };
    let (code, message) = error(&["--rules", "rules.toml"]);
    assert_eq!(code, "usage.not-rules");
    assert!(message.contains("line 3: night has no day-begin"), "{message}");
    let (code, message) = error(&["--holidays", "list.txt"]);
    assert!(code == "usage.not-holidays" && message.contains("line 2"), "{message}");
    assert_eq!(error(&["--rules", "bytes"]).0, "usage.not-rules");
    assert_eq!(error(&["--holidays", "bytes"]).0, "usage.not-holidays");
    assert_eq!(error(&["--rules", "nowhere"]).0, "not-found.file");
    let (code, message) = error(&["--from", "2026-02-30"]);
    assert!(code == "usage.arguments" && message.contains("--from is not a day"), "{message}");
    assert_eq!(error(&["--from", "2026-02-02", "--to", "2026-02-01"]).0, "usage.arguments");
    let (code, message) = error(&["--rule", "evening"]);
    assert!(code == "usage.arguments" && message.contains("many-documents"), "{message}");
}

#[test]
fn the_printed_rules_are_the_ones_in_force_and_can_be_given_back() {
    let bench = Bench::bare();
    for lang in ["en", "zh-TW"] {
        // There is no vault, and none is needed.
        let printed = bench.call(&["audit", "findings", "--print-rules"]).lang(lang).ok().out;
        assert_eq!(Rules::parse(&printed), Ok(Rules::default()), "{printed}");
        let texts = printed.lines().filter(|line| line.starts_with('#')).count();
        let thresholds: usize = Name::ALL.iter().map(|name| name.thresholds().len()).sum();
        assert_eq!(texts, 2 + Name::ALL.len() + thresholds, "{printed}");
        assert!(!printed.contains("rule-") && !printed.contains("threshold-"), "{printed}");
    }
    bench.write("rules.toml", "[unseen]\ndays = 7\n[night]\nenabled = false\n");
    let printed =
        bench.call(&["audit", "findings", "--print-rules", "--rules", "rules.toml", "--json"]).ok().json();
    assert_eq!(printed["schema"], "gapvault.audit.rules/v1");
    assert_eq!(
        (&printed["rules"]["unseen"]["days"], &printed["rules"]["night"]["enabled"]),
        (&Value::from(7), &Value::from(false))
    );
    assert_eq!(printed["rules"]["night"]["day-ends"], "20:00");
}

#[test]
fn every_rule_has_its_words_in_both_languages() {
    for lang in [Lang::En, Lang::ZhTw] {
        let words = Words::new(lang);
        let mut titles = std::collections::BTreeSet::new();
        for name in Name::ALL {
            for key in [format!("rule-{name}"), format!("finding-{name}"), format!("finding-{name}-ask")] {
                let text = words.text(&key, &[]);
                assert!(text != key && text.lines().count() == 1, "{key}");
            }
            assert!(titles.insert(words.text(&format!("rule-{name}"), &[])), "{name} shares its title");
            for threshold in name.thresholds() {
                let key = format!("threshold-{name}-{}", threshold.key);
                assert_ne!(words.text(&key, &[]), key);
            }
        }
    }
}

#[test]
fn the_page_names_every_rule_with_its_defaults() {
    for name in Name::ALL {
        let row = PAGE.lines().find(|line| line.starts_with(&format!("| `{name}`: ")));
        let row = row.unwrap_or_else(|| panic!("no row for {name}"));
        let cells: Vec<&str> = row.split(" | ").collect();
        let defaults: Vec<String> = name
            .thresholds()
            .iter()
            .map(|threshold| format!("`{} = {}`", threshold.key, threshold.kind.print(threshold.default)))
            .collect();
        let defaults = if defaults.is_empty() { "none".to_owned() } else { defaults.join(", ") };
        assert_eq!(cells[1], defaults, "{name}");
        assert_eq!(cells.len(), 5, "{name}");
        let title = Words::new(Lang::ZhTw).text(&format!("rule-{name}"), &[]);
        assert!(PAGE.contains(&format!("| `{name}` | {title} | ")), "{name}");
    }
    let rows = PAGE.lines().filter(|line| line.starts_with("| `") && line.contains("`: ")).count();
    assert_eq!(rows, Name::ALL.len());
}
