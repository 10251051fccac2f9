use proptest::prelude::*;
use serde_json::Value;

use super::fields::COLUMNS;
use super::*;
use crate::id::{BundleId, DocumentId, HostId, MemberId, SessionId};
use crate::label::{Class, Role, Zone};
use crate::log::entry::{Commitment, Detail, Draft, Event, Object};
use crate::note::KeyId;
use crate::time::Moment;

const VAULT: VaultId = VaultId([0xab; 32]);

/// An entry that has everything an entry can have.
fn full() -> Entry {
    let now =
        Moment { time: "2026-11-23T16:30:00.123Z".parse().unwrap(), boot: "b-1".to_owned(), mono_ms: 9 };
    let (session, host) = (SessionId([1; 16]), HostId([2; 8]));
    let mut draft = Draft::new(Event::DocumentOpen, Outcome::Failed, session, host, Zone::Isolated, &now);
    draft.actor.id = Some(MemberId([3; 8]));
    draft.actor.key = Some(KeyId([4; 4]));
    draft.actor.role = Some(Role::Clerk);
    draft.reason = "io.failed".parse().ok();
    draft.phase = Phase::Done;
    draft.closes = Some(5);
    let digest = crate::crypto::Digest([6; 32]);
    let mut object = Object::document(DocumentId([7; 16]));
    object.class = Some(Class::Critical);
    object.commitment = Some(Commitment([8; 32]));
    object.header_len = Some(4096);
    object.header_sha256 = Some(digest);
    object.payload_sha256 = Some(digest);
    object.size = Some(77);
    draft.object = Some(object);
    // All of it, so that a field that comes later is noticed here.
    draft.detail = Detail {
        attempt: Some(1),
        bundle: Some(BundleId([9; 16])),
        code: "a.b".parse().ok(),
        count: Some(2),
        from: Some(3),
        host_key: Some([10; 32]),
        inner_sha256: Some(digest),
        medium: Some(4),
        note_sha256: Some(digest),
        number: Some(5),
        origin_id: Some(DocumentId([11; 16])),
        peer: Some(VaultId([12; 32])),
        root: Some([13; 32]),
        sealed: Some(vec![14; 40]),
        series: Some(6),
        session_key: Some(vec![15; 40]),
        size: Some(7),
        to: Some(8),
        tool: "clamav-1.4".parse().ok(),
        until: Some(now.time),
        version: Some(9),
    };
    draft.entry(42).unwrap()
}

fn plain(event: Event, outcome: Outcome, object: Option<Object>) -> Entry {
    let now = Moment { time: "2026-11-23T16:30:00.123Z".parse().unwrap(), boot: String::new(), mono_ms: 9 };
    let (session, host) = (SessionId([1; 16]), HostId([2; 8]));
    let draft = Draft::new(event, outcome, session, host, Zone::Isolated, &now);
    Draft { object, ..draft }.entry(3).unwrap()
}

fn written(form: Form, entry: &Entry, name: Option<&str>, title: Option<&str>) -> String {
    let head = Head { vault: VAULT, source: "index", verdict: None, count: 1 };
    let mut to = FormWriter::begin(form, Vec::new(), &head).unwrap();
    to.row(&Row { vault: VAULT, epoch: 2, entry, name, title }).unwrap();
    String::from_utf8(to.end().unwrap()).unwrap()
}

/// Header and record, as a crate for CSV reads them.
fn read_csv(text: &str) -> Vec<Vec<String>> {
    let mut reader = ::csv::ReaderBuilder::new().has_headers(false).from_reader(text.as_bytes());
    reader.records().map(|record| record.unwrap().iter().map(str::to_owned).collect()).collect()
}

/// Every value of a JSON object by the names on the way to it.
fn leaves(value: &Value, name: &str, out: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (inner, value) in fields {
                let name = if name.is_empty() { inner.clone() } else { format!("{name}.{inner}") };
                leaves(value, &name, out);
            }
        }
        Value::String(text) => out.push((name.to_owned(), text.clone())),
        other => out.push((name.to_owned(), other.to_string())),
    }
}

#[test]
fn every_field_of_an_entry_has_its_column_and_the_lossless_form_the_entry_as_stored() {
    let entry = full();
    let rows = read_csv(&written(Form::CsvLossless, &entry, Some("王"), Some("t")));
    let cell = |name: &str| {
        let at = rows[0].iter().position(|column| column == name).unwrap();
        rows[1][at].clone()
    };
    let mut known = Vec::new();
    leaves(&serde_json::from_slice(&entry.to_bytes()).unwrap(), "", &mut known);
    assert_eq!(known.len(), COLUMNS.len() - 4 + 1, "all but ours, and the version");
    for (name, text) in known.iter().filter(|(name, _)| name != "v") {
        assert_eq!(cell(name), *text, "{name}");
    }
    assert_eq!(cell("vault"), VAULT.to_string());
    assert_eq!(
        (cell("epoch"), cell("actor.name"), cell("object.title")),
        ("2".into(), "王".into(), "t".into())
    );
    assert_eq!(cell("entry").as_bytes(), entry.to_bytes());
}

#[test]
fn json_has_the_entry_as_stored() {
    let entry = full();
    let stored = String::from_utf8(entry.to_bytes()).unwrap();
    for form in [Form::Json, Form::JsonLines] {
        let text = written(form, &entry, Some("a\"\n"), None);
        assert!(text.contains(&format!("\"entry\":{stored}")), "{text}");
        let value: Value = serde_json::from_str(&text).unwrap();
        let row = if form == Form::Json { &value["entries"][0] } else { &value };
        assert_eq!((&row["name"], &row["title"], &row["epoch"]), (&"a\"\n".into(), &Value::Null, &2.into()));
    }
    let head = Head { vault: VAULT, source: "log", verdict: Some("ok".into()), count: 0 };
    let none = FormWriter::begin(Form::Json, Vec::new(), &head).unwrap().end().unwrap();
    let none: Value = serde_json::from_slice(&none).unwrap();
    assert_eq!(none["schema"], "gapvault.audit.query/v1");
    assert_eq!((&none["count"], &none["entries"]), (&0.into(), &Value::Array(Vec::new())));
}

#[test]
fn every_event_and_outcome_has_its_place_in_each_form() {
    for event in Event::ALL {
        for outcome in Outcome::ALL {
            for object in
                [None, Some(Object::document(DocumentId([7; 16]))), Some(Object::host(HostId([2; 8])))]
            {
                let entry = plain(*event, *outcome, object);
                for form in Form::ALL {
                    let text = written(*form, &entry, None, None);
                    assert_eq!(
                        text.lines().count(),
                        if text.contains(",seq,") { 2 } else { 1 },
                        "{form}: {text}"
                    );
                }
                let ocsf: Value = serde_json::from_str(&written(Form::Ocsf, &entry, None, None)).unwrap();
                let number = |name: &str| ocsf[name].as_u64().unwrap();
                assert_eq!(number("type_uid"), number("class_uid") * 100 + number("activity_id"));
                assert_eq!(number("status_id"), if *outcome == Outcome::Ok { 1 } else { 2 });
            }
        }
    }
    // Nothing has happened yet.
    let intent = Entry::parse(
        String::from_utf8(plain(Event::DocumentOpen, Outcome::Ok, None).to_bytes())
            .unwrap()
            .replace("single", "intent")
            .as_bytes(),
    );
    let intent = intent.unwrap();
    let read = |form| serde_json::from_str::<Value>(&written(form, &intent, None, None)).unwrap();
    assert_eq!(read(Form::Ocsf)["status_id"], 0);
    assert_eq!(read(Form::Ecs)["event"]["outcome"], "unknown");
}

#[test]
fn what_is_special_in_a_form_is_escaped_there() {
    let entry = full();
    let odd = "a|b=c\\d\"e]f\ng\rh";
    let cef = written(Form::Cef, &entry, Some(odd), None);
    assert!(cef.contains(" suser=a|b\\=c\\\\d\"e]f\\ng\\rh "), "{cef}");
    assert!(cef.starts_with("CEF:0|gapvault|gapvault|"), "{cef}");
    let syslog = written(Form::Syslog, &entry, Some(odd), None);
    assert!(syslog.contains(" actor.name=\"a|b=c\\\\d\\\"e\\]f\u{fffd}g\u{fffd}h\""), "{syslog}");
    assert!(syslog.starts_with("<107>1 2026-11-23T16:30:00.123Z 0202020202020202 gapvault "), "{syslog}");
}

proptest! {
    #[test]
    fn a_spreadsheet_sees_no_formula_and_the_twin_every_character(name in "\\PC{0,8}|[=+@\\-\t\r\n '\",;|]{1,3}\\PC{0,5}") {
        let entry = full();
        let at = COLUMNS.iter().position(|(name, _)| *name == "actor.name").unwrap();
        let twin = read_csv(&written(Form::CsvLossless, &entry, Some(&name), None));
        prop_assert_eq!(&twin[1][at], &name);
        let safe = written(Form::Csv, &entry, Some(&name), None);
        let safe = read_csv(safe.strip_prefix('\u{feff}').unwrap());
        prop_assert_eq!(safe[1].len(), COLUMNS.len());
        let cell = &safe[1][at];
        let quoted = format!("'{name}");
        prop_assert!(*cell == name || *cell == quoted, "{}", cell);
        for cell in &safe[1] {
            prop_assert!(!cell.trim_start().starts_with(['=', '+', '-', '@']), "{}", cell);
            prop_assert!(!cell.starts_with(['\t', '\r', '\n']), "{}", cell);
        }
    }

    #[test]
    fn lines_stay_lines_whatever_names_say(name in any::<String>(), title in any::<String>()) {
        let entry = full();
        for form in [Form::JsonLines, Form::Cef, Form::Ocsf, Form::Ecs, Form::Syslog] {
            let text = written(form, &entry, Some(&name), Some(&title));
            prop_assert!(text.ends_with('\n'));
            let inside = text.trim_end_matches('\n');
            prop_assert!(!inside.contains(['\n', '\r', '\0', '\u{1b}']), "{}", text);
        }
    }
}
