//! `audit report`: three forms of the same, in either language, of a vault and of its evidence.

use super::{Bench, Call, Said};

/// Somebody's name that wants to be more.
const HOSTILE: &str = "<script>alert(1)</script>\" \u{202e}gnp=1";

/// A vault where somebody of a hostile name tried what she may not.
fn bench() -> Bench {
    let bench = Bench::founded();
    bench.write("a.txt", "text");
    let id = bench.seal("a.txt", "critical");
    bench.call(&["open", &id, "-o", "out.txt"]).ok();
    bench
        .call(&["identity", "new", "--name", HOSTILE, "--out", "eve.id", "--work-factor", "10", "--classic"])
        .ok();
    bench.call(&["member", "add", "eve.id.card", "--role", "auditor", "--yes"]).ok();
    fails(bench.call(&["open", &id, "-o", "stolen.txt", "--identity", "eve.id"]), 4);
    bench
}

fn fails(call: Call, exit: i32) -> Said {
    let said = call.run();
    assert_eq!(said.exit, exit, "{said:?}");
    said
}

fn page(call: Call) -> String {
    call.ok().out
}

#[test]
fn the_page_speaks_both_languages_and_a_name_is_a_name() {
    let bench = bench();
    for (lang, verdict, refused) in [("en", "in order", "Failed access"), ("zh-TW", "正常", "存取資源失敗")]
    {
        let page = page(bench.call(&["audit", "report", "--lang", lang]));
        assert!(page.starts_with(&format!("<!DOCTYPE html>\n<html lang=\"{lang}\">")), "{lang}");
        for part in [verdict, refused, "ann", "id=\"checklist\"", "id=\"conclusions\""] {
            assert!(page.contains(part), "{lang}: {part}");
        }
        assert!(!page.contains("<script") && !page.contains('\u{202e}'), "{lang}");
        assert!(page.contains("script") && page.contains("\\u{202e}gnp"), "{lang}");
        assert_eq!(page.contains("民國"), lang == "zh-TW");
    }
}

#[test]
fn all_forms_say_the_same() {
    let bench = bench();
    let json = bench.call(&["audit", "report", "--json"]).ok().json();
    assert_eq!(json["schema"], "gapvault.audit.report/v1");
    assert_eq!(json["basis"]["verdict"], "ok");
    let rules = |found: &serde_json::Value| {
        let rows = found["findings"].as_array().unwrap();
        rows.iter().map(|row| row["rule"].clone()).collect::<Vec<_>>()
    };
    let found = bench.call(&["audit", "findings", "--json"]).ok().json();
    assert_eq!(rules(&json), rules(&found), "what the rules find stands in the report");
    assert!(!rules(&json).is_empty());
    let verified = bench.call(&["audit", "verify", "--json"]).ok().json();
    assert_eq!(json["basis"]["logs"][0]["root"], verified["root"]);
    assert_eq!(json["account"]["entries"], verified["size"]);
    let reads = json["account"]["reads"].as_array().unwrap();
    assert_eq!(reads.len(), 2);
    let sum = |name: &str| reads.iter().map(|row| row[name].as_u64().unwrap()).sum::<u64>();
    assert_eq!((sum("opened"), sum("refused")), (1, 1));
    let csv = page(bench.call(&["audit", "report", "--format", "csv"]));
    assert!(csv.starts_with("section,item,field,value\r\n"));
    assert!(csv.contains("basis.verdict,,,ok\r\n"));
    assert!(
        csv.contains(&format!("basis.logs,0,root,{}", json["basis"]["logs"][0]["root"].as_str().unwrap()))
    );
    // A file is written once, and holds what standard output would.
    bench.call(&["audit", "report", "--format", "csv", "-o", "r.csv"]).ok();
    fails(bench.call(&["audit", "report", "--format", "csv", "-o", "r.csv"]), 2);
    let kept = std::fs::read_to_string(bench.path("r.csv")).unwrap();
    let stable =
        |csv: &str| csv.lines().filter(|line| !line.contains("account.made")).collect::<Vec<_>>().join("\n");
    assert_eq!(stable(&kept), stable(&csv));
}

#[test]
fn evidence_gives_the_same_report_and_trust_is_asked_for() {
    let bench = bench();
    bench.call(&["audit", "export", "evidence"]).ok();
    let own = bench.call(&["audit", "report", "--json"]).ok().json();
    let vault = own["account"]["vault"].as_str().unwrap().to_owned();
    let far =
        bench.call(&["audit", "report", "--json", "--evidence", "evidence", "--trust", &vault]).ok().json();
    assert_eq!(far["account"]["people"], own["account"]["people"]);
    assert_eq!(far["basis"]["logs"], own["basis"]["logs"]);
    // Without trust the page is there, says so first, and the exit code says so too.
    let page = fails(bench.call(&["audit", "report", "--evidence", "evidence"]), 10).out;
    assert!(page.contains("can be trusted") && page.contains("</html>"));
    let other = bench.call(&["audit", "report", "--json", "--other", "evidence"]).ok().json();
    assert_eq!(
        (&other["other"]["other_verdict"], &other["other"]["rows"]),
        (&"unverifiable".into(), &serde_json::json!([]))
    );
}

#[test]
fn days_are_days_and_the_first_comes_before_the_last() {
    let bench = bench();
    for (from, to) in
        [("2026-02-30", "2026-03-01"), ("yesterday", "2026-03-01"), ("2026-03-02", "2026-03-01")]
    {
        let said = fails(bench.call(&["audit", "report", "--from", from, "--to", to]), 2);
        assert!(said.err.contains("--from"), "{}", said.err);
    }
    let none = bench.call(&["audit", "report", "--json", "--to", "2001-01-01"]).ok().json();
    assert_eq!(none["account"]["entries"], 0);
    assert!(none["account"]["outside"].as_u64().unwrap() > 5);
    fails(bench.call(&["audit", "report", "--json", "--format", "html"]), 2);
    fails(bench.call(&["audit", "report", "--other-trust", "00"]), 2);
}
