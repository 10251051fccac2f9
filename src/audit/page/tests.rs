use super::*;
use crate::audit::findings::{Finding, Seq, Weight};
use crate::audit::report::{Basis, Fault, LogBasis, Seen};
use crate::audit::tally::{Context, MemberRow, Period, Reconciliation, Tally, account};
use crate::id::{DocumentId, HostId, MemberId, SessionId, VaultId};
use crate::label::{Class, Role, Zone};
use crate::log::entry::{Draft, Event, Object, Outcome};
use crate::time::{Moment, Timestamp};
use crate::words::Lang;

/// Markup, an end of a quoted attribute, marks of direction and control characters.
const HOSTILE: &str = "\"><script>alert(1)</script><img src=x onerror=y>\u{202e}gnp\u{7}";
const EVIL: MemberId = MemberId([9; 8]);

fn report(findings: Option<Vec<Finding>>) -> AuditReport {
    let mut tally = Tally::new(TimeZone::utc(), Period::default());
    let now: Timestamp = "2026-11-23T08:00:00.000Z".parse().unwrap();
    for seq in 0..5_u64 {
        let moment = Moment { time: now, boot: String::new(), mono_ms: seq };
        let outcome = if seq == 4 { Outcome::Denied } else { Outcome::Ok };
        let mut draft = Draft::new(
            Event::DocumentOpen,
            outcome,
            SessionId([1; 16]),
            HostId([2; 8]),
            Zone::Isolated,
            &moment,
        );
        draft.actor.id = Some(EVIL);
        let mut object = Object::document(DocumentId([3; 16]));
        object.class = Some(Class::Critical);
        draft.object = Some(object);
        tally.entry(Seq { epoch: 1, seq }, &draft.entry(seq).unwrap());
    }
    let mut account = account(tally, Context { chain: &[], now });
    account.name = HOSTILE.to_owned();
    account.members.push(MemberRow {
        id: EVIL,
        name: HOSTILE.to_owned(),
        role: Role::Clerk,
        clearance: vec![Class::Critical],
        titles: true,
        import: false,
        release: false,
        sponsor: None,
        until: Some(HOSTILE.to_owned()),
        joined: now,
        state: "member",
        left: None,
    });
    let log = LogBasis {
        origin: "gapvault/00/1".to_owned(),
        size: 5,
        root: "cm9vdA==".to_owned(),
        signed_size: 4,
        witnessed_size: 0,
        witnessed_at: None,
        keys: vec!["gapvault/00/1+0011+AAAA".to_owned()],
        witnesses: vec![Seen { name: HOSTILE.to_owned(), size: 3, seconds: 1_700_000_000 }],
        unlisted: 1234,
    };
    let basis = Basis {
        verdict: "tampered".to_owned(),
        first_bad: Some(3),
        faults: vec![Fault {
            code: "tampered.log".to_owned(),
            object: HOSTILE.to_owned(),
            detail: HOSTILE.to_owned(),
        }],
        notes: vec![HOSTILE.to_owned()],
        pending: vec!["staged-files".to_owned()],
        logs: vec![log],
    };
    let other = Reconciliation {
        other: VaultId([8; 32]),
        other_name: HOSTILE.to_owned(),
        other_verdict: "ok".to_owned(),
        rows: Vec::new(),
    };
    AuditReport { basis, account, findings, other: Some(other) }
}

fn both(report: &AuditReport) -> [String; 2] {
    [Lang::En, Lang::ZhTw].map(|lang| html(report, &Words::new(lang), &TimeZone::utc()))
}

#[test]
fn names_are_no_markup_and_do_nothing() {
    for page in both(&report(None)) {
        assert!(!page.contains("<script") && !page.contains("<img"), "markup of a name");
        assert!(
            page.contains("&lt;script&gt;") || page.contains("&#60;script&#62;"),
            "the name is not shown"
        );
        assert!(!page.contains(['\u{202e}', '\u{7}']), "characters that do something");
        assert!(page.contains("\\u{202e}"));
    }
}

#[test]
fn the_page_is_whole_and_fetches_nothing() {
    for page in both(&report(None)) {
        for tag in ["html", "head", "body", "main", "section", "table", "svg", "figure", "details", "dl"] {
            let opened =
                page.matches(&format!("<{tag}")).count() - page.matches(&format!("<{tag}er")).count();
            assert_eq!(opened, page.matches(&format!("</{tag}>")).count(), "{tag}");
        }
        // Names of things on the web stand in it as names only; the hostile name's text is escaped, and is not looked at here.
        let links = page
            .replace("xmlns=\"http://www.w3.org/2000/svg\"", "")
            .replace("img src=x", "")
            .replace("onerror=y", "");
        for fetched in
            ["http:", "https:", "src=", "url(", "@import", " style=", "<link", "<base", "onerror", "onload"]
        {
            assert!(!links.contains(fetched), "{fetched}");
        }
        let policy = format!("style-src 'sha256-{}'", base64(Digest::of(STYLE.as_bytes()).as_bytes()));
        assert!(page.contains(&policy) && page.contains(STYLE), "the style is the one that is allowed");
        // No key of the catalogue shows itself, and every one of an anchor is there.
        for key in ["report-", "finding-", "error-", "say-"] {
            assert_eq!(
                page.split(key).nth(1).map(|rest| rest.chars().take(40).collect::<String>()),
                None,
                "{key}"
            );
        }
    }
}

#[test]
fn the_verdict_is_said_in_words_and_so_is_what_nobody_vouches_for() {
    let [en, zh] = both(&report(None));
    for said in [
        "changed",
        "The last 1 of 5 entries are covered by no signature.",
        "Not enough witnesses have signed",
    ] {
        assert!(en.contains(said), "{said}");
    }
    for said in ["遭竄改", "最後 1 個沒有簽章", "民國115年11月23日", "產品只能為規定提供跡證"]
    {
        assert!(zh.contains(said), "{said}");
    }
    for kind in ["身分驗證失敗", "存取資源失敗", "重要行為", "重要資料異動", "功能錯誤", "管理者行為"]
    {
        assert!(zh.contains(kind), "{kind}");
    }
}

#[test]
fn no_rules_and_nothing_found_are_two_things() {
    let found = Finding {
        rule: "a-rule-without-text",
        weight: Weight::Alarm,
        member: Some(EVIL),
        facts: vec![("count", "<7>".to_owned())],
        entries: vec![Seq { epoch: 1, seq: 2 }],
    };
    let says = |findings| both(&report(findings)).map(|page| page.len());
    assert_ne!(says(None), says(Some(Vec::new())));
    let [en, _] = both(&report(None));
    assert!(en.contains("No rules were asked"));
    let [en, _] = both(&report(Some(Vec::new())));
    assert!(!en.contains("No rules were asked") && en.contains("found nothing"));
    let [en, _] = both(&report(Some(vec![found])));
    assert!(en.contains("a-rule-without-text: count ") && !en.contains("<7>"));
}

#[test]
fn an_empty_log_has_a_page() {
    let tally = Tally::new(TimeZone::utc(), Period::default());
    let now = Timestamp::from_unix_ms(0);
    let account = account(tally, Context { chain: &[], now });
    let basis = Basis { faults: Vec::new(), notes: Vec::new(), logs: Vec::new(), ..report(None).basis };
    for page in both(&AuditReport { basis, account, findings: None, other: None }) {
        assert!(page.contains("</html>") && !page.contains("<svg"));
    }
}

#[test]
fn the_same_report_gives_the_same_bytes() {
    let report = report(None);
    assert_eq!(both(&report), both(&report));
    assert_eq!(report.csv(), report.csv());
    assert!(report.csv().contains("basis.verdict,,,tampered\r\n"));
}
