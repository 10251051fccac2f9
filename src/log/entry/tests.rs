use super::*;
use crate::crypto::Digest;
use crate::id::{BundleId, DocumentId, MemberId, VaultId};
use crate::label::{Class, Role};
use crate::note::KeyId;
use proptest::option::of;
use proptest::prelude::*;

fn draft(event: Event, outcome: Outcome) -> Draft {
    let now = Moment {
        time: Timestamp::from_unix_ms(1_795_420_800_000),
        boot: "6f1c0b6e-2f0e-4f5e-9a3c-0d6f3f1c9b77".into(),
        mono_ms: 86_400_123,
    };
    Draft::new(event, outcome, SessionId([1; 16]), HostId([2; 8]), Zone::Isolated, &now)
}

fn full() -> Draft {
    let mut draft = draft(Event::DocumentOpen, Outcome::Ok);
    draft.actor = Actor { id: Some(MemberId([3; 8])), key: Some(KeyId([4; 4])), role: Some(Role::Clerk) };
    draft.phase = Phase::Done;
    draft.closes = Some(40);
    draft.reason = Some("policy.four-eyes".parse().unwrap());
    let mut object = Object::document(DocumentId([5; 16]));
    object.class = Some(Class::Critical);
    object.commitment = Some(Commitment([6; 32]));
    object.header_len = Some(4096);
    object.header_sha256 = Some(Digest([7; 32]));
    object.payload_sha256 = Some(Digest([8; 32]));
    object.size = Some(u64::MAX);
    draft.object = Some(object);
    draft.detail = Detail {
        attempt: Some(5),
        bundle: Some(BundleId([14; 16])),
        code: Some("x".parse().unwrap()),
        count: Some(0),
        from: Some(1),
        host_key: Some([9; 32]),
        inner_sha256: Some(Digest([15; 32])),
        medium: Some(6),
        note_sha256: Some(Digest([10; 32])),
        number: Some(7),
        origin_id: Some(DocumentId([16; 16])),
        peer: Some(VaultId([17; 32])),
        root: Some([11; 32]),
        sealed: Some(vec![12; 70]),
        series: Some(8),
        session_key: Some(vec![13; 1200]),
        size: Some(2),
        to: Some(3),
        tool: Some("y-1".parse().unwrap()),
        until: Some(Timestamp::from_unix_ms(9)),
        version: Some(4),
    };
    draft
}

fn full_text() -> String {
    String::from_utf8(full().entry(41).unwrap().to_bytes()).unwrap()
}

fn parse(text: &str) -> Result<Entry, EntryError> {
    Entry::parse(text.as_bytes())
}

/// The reference for canonical JSON.
fn canonical(bytes: &[u8]) -> Vec<u8> {
    let value: serde_json::Value = serde_json::from_slice(bytes).unwrap();
    serde_json_canonicalizer::to_vec(&value).unwrap()
}

#[test]
fn an_entry_without_optional_fields_is_this_line() {
    let entry = draft(Event::IdentityUnlock, Outcome::Failed).entry(0).unwrap();
    let line = concat!(
        r#"{"boot":"6f1c0b6e-2f0e-4f5e-9a3c-0d6f3f1c9b77","category":"authentication-failure","#,
        r#""event":"identity.unlock","host":"0202020202020202","mono":"86400123","outcome":"failed","#,
        r#""phase":"single","seq":"0","session":"01010101010101010101010101010101","#,
        r#""time":"2026-11-23T08:00:00.000Z","v":1,"zone":"isolated"}"#,
    );
    assert_eq!(String::from_utf8(entry.to_bytes()).unwrap(), line);
    assert_eq!(parse(line), Ok(entry));
}

#[test]
fn an_entry_with_every_field_reads_as_it_prints() {
    let entry = full().entry(41).unwrap();
    let bytes = entry.to_bytes();
    assert_eq!(Entry::parse(&bytes), Ok(entry.clone()));
    assert_eq!(canonical(&bytes), bytes);
    assert_eq!(entry.object().unwrap().document_id(), Some(DocumentId([5; 16])));
    assert_eq!(entry.closes(), Some(40));
    // All fields of the format are there, or this test would not test what it says.
    let value: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let count = |name: &str| value[name].as_object().unwrap().len();
    assert_eq!(value.as_object().unwrap().len(), 17);
    assert_eq!((count("actor"), count("object"), count("detail")), (3, 8, 21));
}

#[test]
fn another_spelling_of_the_same_meaning_is_refused() {
    let good = full_text();
    assert!(parse(&good).is_ok());
    let swapped = good.replacen(
        r#""phase":"done","reason":"policy.four-eyes""#,
        r#""reason":"policy.four-eyes","phase":"done""#,
        1,
    );
    for (bad, error) in [
        (format!(" {good}"), EntryError::NotCanonical),
        (format!("{good}\n"), EntryError::NotCanonical),
        (good.replacen(':', ": ", 1), EntryError::NotCanonical),
        (good.replacen("clerk", "\\u0063lerk", 1), EntryError::NotCanonical),
        (
            good.replacen("/v1", "\\/v1", 1).replacen("\"event\"", "\"\\u0065vent\"", 1),
            EntryError::NotCanonical,
        ),
        (swapped, EntryError::NotCanonical),
        (good.replacen(r#""seq":"41""#, r#""seq":"041""#, 1), EntryError::NotCanonical),
        (good.replacen(r#""seq":"41""#, r#""seq":"+41""#, 1), EntryError::NotCanonical),
        (good.replacen(r#""detail":{"#, r#""detail":{"code":"x","#, 1), EntryError::Malformed(0)),
        (good.replacen(r#""v":1"#, r#""v":1.0"#, 1), EntryError::Malformed(0)),
        (good.replacen(r#""v":1"#, r#""v":"1""#, 1), EntryError::Malformed(0)),
        (good.replacen(r#""seq":"41""#, r#""seq":41"#, 1), EntryError::Malformed(0)),
        (good.replacen(r#""seq":"41""#, r#""seq":"41","seq":"41""#, 1), EntryError::Malformed(0)),
        (good.replacen(r#""seq":"41""#, r#""seq":"4 1""#, 1), EntryError::Malformed(0)),
        (good.replacen(r#""seq":"41""#, r#""seq":"18446744073709551616""#, 1), EntryError::Malformed(0)),
        (good.replacen("0202020202020202", "020202020202020A", 1), EntryError::Malformed(0)),
        (good.replacen("==", "", 1), EntryError::Malformed(0)),
        (good.replacen(".000Z", "Z", 1), EntryError::Malformed(0)),
        (good.replacen("done", "Done", 1), EntryError::Malformed(0)),
        (format!("\u{feff}{good}"), EntryError::Malformed(0)),
        (format!("{good}{good}"), EntryError::Malformed(0)),
    ] {
        assert_ne!(bad, good);
        assert_eq!(reader::read(bad.as_bytes()), None, "{bad}");
        match (parse(&bad), error) {
            (Err(EntryError::Malformed(_)), EntryError::Malformed(_)) => {}
            (got, error) => assert_eq!(got, Err(error), "{bad}"),
        }
    }
}

#[test]
fn what_is_absent_is_left_out_and_not_empty_or_null() {
    let good = String::from_utf8(draft(Event::TitleRead, Outcome::Ok).entry(0).unwrap().to_bytes()).unwrap();
    for (place, extra) in [
        ("{\"boot\"", r#"{"actor":{},"boot""#),
        (",\"event\"", r#","detail":{},"event""#),
        (",\"outcome\"", r#","object":null,"outcome""#),
        (",\"seq\"", r#","reason":null,"seq""#),
        (",\"seq\"", r#","ref":null,"seq""#),
        ("{\"boot\"", r#"{"actor":null,"boot""#),
        ("{\"boot\"", r#"{"actor":{"id":null},"boot""#),
        (",\"event\"", r#","detail":{"count":null},"event""#),
    ] {
        let bad = good.replacen(place, extra, 1);
        assert_ne!(bad, good);
        assert!(parse(&bad).is_err(), "{bad}");
    }
    // A required field that is missing.
    for field in [
        "boot", "category", "event", "host", "mono", "outcome", "phase", "seq", "session", "time", "v",
        "zone",
    ] {
        let mut value: serde_json::Value = serde_json::from_str(&good).unwrap();
        assert!(value.as_object_mut().unwrap().remove(field).is_some());
        assert!(matches!(parse(&value.to_string()), Err(EntryError::Malformed(_))), "{field}");
    }
}

#[test]
fn unknown_fields_deep_nesting_and_lone_surrogates_are_refused() {
    let good = full_text();
    let deep = format!("{}{}", "[".repeat(4000), "]".repeat(4000));
    for bad in [
        good.replacen(r#""zone""#, r#""z":1,"zone""#, 1),
        good.replacen(r#""count""#, r#""coun":"1","count""#, 1),
        good.replacen(r#""size""#, r#""si":"1","size""#, 1),
        good.replacen(r#""actor":{"#, r#""actor":{"a":"1","#, 1),
        format!("{{\"a\":{deep}}}"),
        deep.clone(),
        format!("{{\"actor\":{deep}}}"),
        "{".repeat(MAX_ENTRY_LEN),
        good.replacen("clerk", "\\ud800", 1),
        good.replacen("clerk", "\\udc00\\ud800", 1),
        good.replacen("policy.four-eyes", "caf\u{e9}", 1),
        good.replacen("policy.four-eyes", "cafe\u{301}", 1),
        good.replacen("policy.four-eyes", "\\u0000", 1),
        good.replacen("policy.four-eyes", "a\u{202e}b", 1),
        String::new(),
        "null".into(),
        "[]".into(),
        "{}".into(),
        good[..good.len() - 1].into(),
    ] {
        assert!(matches!(parse(&bad), Err(EntryError::Malformed(_))), "{bad}");
    }
    let mut not_utf8 = good.clone().into_bytes();
    let last = not_utf8.len() - 3;
    not_utf8[last] = 0xff;
    assert!(matches!(Entry::parse(&not_utf8), Err(EntryError::Malformed(_))));
}

#[test]
fn another_version_is_named_as_such() {
    let good = full_text();
    for (v, named) in [("2", 2), ("0", 0), ("255", 255), ("256", 256), ("4294967296", 4_294_967_296)] {
        let bad = good.replacen(r#""v":1"#, &format!(r#""v":{v}"#), 1);
        assert_eq!(parse(&bad), Err(EntryError::UnknownVersion(named)));
    }
    let newer = good.replacen(r#""v":1"#, r#""v":2,"w":{}"#, 1);
    assert_eq!(parse(&newer), Err(EntryError::UnknownVersion(2)));
}

#[test]
fn contradictions_are_refused_in_drafts_and_in_lines() {
    let good = full_text();
    for (from, to, field) in [
        (r#""category":"important-action""#, r#""category":"data-change""#, "category"),
        (r#""outcome":"ok""#, r#""outcome":"denied""#, "category"),
        (r#""ref":"40","#, "", "ref"),
        (r#""phase":"done""#, r#""phase":"single""#, "ref"),
        (r#""phase":"done""#, r#""phase":"intent""#, "ref"),
        (r#""ref":"40""#, r#""ref":"41""#, "ref"),
        (r#""ref":"40""#, r#""ref":"42""#, "ref"),
        (r#""kind":"document""#, r#""kind":"member""#, "object"),
        (r#""kind":"document""#, r#""kind":"vault""#, "object"),
        (r#""kind":"document""#, r#""kind":"roster""#, "object"),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good);
        assert_eq!(parse(&bad), Err(EntryError::Contradiction(field)), "{bad}");
    }
    assert_eq!(full().entry(40), Err(EntryError::Contradiction("ref")));
    let mut open_end = full();
    open_end.closes = None;
    assert_eq!(open_end.entry(41), Err(EntryError::Contradiction("ref")));
}

#[test]
fn objects_name_their_own_kind_of_id() {
    let member = Object::member(MemberId([1; 8]));
    assert_eq!((member.member_id(), member.host_id()), (Some(MemberId([1; 8])), None));
    let host = Object::host(HostId([1; 8]));
    assert_eq!((host.member_id(), host.host_id()), (None, Some(HostId([1; 8]))));
    let vault = Object::vault(VaultId([1; 32]));
    assert_eq!((vault.vault_id(), vault.document_id()), (Some(VaultId([1; 32])), None));
    assert!([member, host, vault, Object::of_kind(ObjectKind::Roster)].iter().all(Object::is_sound));
}

#[test]
fn the_limit_holds_on_both_sides() {
    let of = |sealed, code| {
        let mut draft = draft(Event::DocumentSeal, Outcome::Ok);
        draft.detail.sealed = Some(vec![7; sealed]);
        draft.detail.code = Some("a".repeat(code).parse().unwrap());
        draft.entry(0)
    };
    // Base64 comes in fours, so the code takes up what is left.
    let spare = MAX_ENTRY_LEN - of(0, 1).unwrap().to_bytes().len();
    let (sealed, code) = (spare / 4 * 3, 1 + spare % 4);
    let bytes = of(sealed, code).unwrap().to_bytes();
    assert_eq!(bytes.len(), MAX_ENTRY_LEN);
    assert!(Entry::parse(&bytes).is_ok());
    assert_eq!(of(sealed, code + 1), Err(EntryError::TooLong));
    let over = String::from_utf8(bytes).unwrap().replacen(":\"a", ":\"aa", 1);
    assert_eq!(parse(&over), Err(EntryError::TooLong));
}

#[test]
fn codes_and_boots_have_their_shape_and_limits() {
    for good in ["a", "policy.four-eyes", &"a".repeat(MAX_CODE_LEN)] {
        assert_eq!(good.parse::<Code>().map(|code| code.to_string()), Ok(good.into()));
    }
    for bad in ["", "A", "a b", "a_b", "é", "a\n", &"a".repeat(MAX_CODE_LEN + 1)] {
        assert_eq!(bad.parse::<Code>(), Err(BadValue), "{bad:?}");
    }
    for good in ["", "6f1c0b6e-2f0e", &"A".repeat(MAX_BOOT_LEN)] {
        assert_eq!(Boot::from_clock(good).as_str(), good);
    }
    for bad in ["a b", "é", "a\n", &"a".repeat(MAX_BOOT_LEN + 1)] {
        assert_eq!(bad.parse::<Boot>(), Err(BadValue), "{bad:?}");
        assert_eq!(Boot::from_clock(bad).as_str(), "");
    }
}

#[test]
fn every_flipped_bit_is_refused_or_means_something_else() {
    let entry = full().entry(41).unwrap();
    let bytes = entry.to_bytes();
    for index in 0..bytes.len() * 8 {
        let mut bad = bytes.clone();
        bad[index / 8] ^= 1 << (index % 8);
        assert_eq!(reader::read(&bad).map(Entry), Entry::parse_slowly(&bad).ok());
        if let Ok(other) = Entry::parse(&bad) {
            assert_ne!(other, entry);
            assert_eq!(other.to_bytes(), bad);
        }
    }
}

fn pick<T: Copy + std::fmt::Debug + 'static>(all: &'static [T]) -> impl Strategy<Value = T> {
    prop::sample::select(all)
}

fn code() -> impl Strategy<Value = Code> {
    "[a-z0-9.-]{1,64}".prop_map(|text| text.parse().unwrap())
}

fn actors() -> impl Strategy<Value = Actor> {
    (of(any::<[u8; 8]>()), of(any::<[u8; 4]>()), of(pick(Role::ALL))).prop_map(|(id, key, role)| Actor {
        id: id.map(MemberId),
        key: key.map(KeyId),
        role,
    })
}

fn objects() -> impl Strategy<Value = Object> {
    let whose = prop_oneof![
        any::<[u8; 16]>().prop_map(|id| Object::document(DocumentId(id))),
        any::<[u8; 8]>().prop_map(|id| Object::member(MemberId(id))),
        any::<[u8; 8]>().prop_map(|id| Object::host(HostId(id))),
        any::<[u8; 32]>().prop_map(|id| Object::vault(VaultId(id))),
        pick(ObjectKind::ALL).prop_map(Object::of_kind),
    ];
    let digests = (of(any::<[u8; 32]>()), of(any::<[u8; 32]>()), of(any::<[u8; 32]>()));
    (whose, of(pick(Class::ALL)), of(any::<u64>()), of(any::<u64>()), digests).prop_map(
        |(mut object, class, header_len, size, (commitment, header, payload))| {
            object.class = class;
            object.commitment = commitment.map(Commitment);
            object.header_len = header_len;
            object.header_sha256 = header.map(Digest);
            object.payload_sha256 = payload.map(Digest);
            object.size = size;
            object
        },
    )
}

fn details() -> impl Strategy<Value = Detail> {
    let numbers = [(); 5].map(|()| of(any::<u64>()));
    let hashes = [(); 3].map(|()| of(any::<[u8; 32]>()));
    let bytes = || of(prop::collection::vec(any::<u8>(), 0..99));
    let gap = (
        [(); 4].map(|()| of(any::<u64>())),
        [(); 2].map(|()| of(any::<[u8; 16]>())),
        [(); 2].map(|()| of(any::<[u8; 32]>())),
        of(code()),
        of(0..4_000_000_000_000_i64),
    );
    (of(code()), numbers, hashes, bytes(), bytes(), gap).prop_map(
        |(code, [count, from, size, to, version], [host_key, note, root], sealed, session_key, gap)| {
            let ([attempt, medium, number, series], [bundle, origin], [inner, peer], tool, until) = gap;
            Detail {
                attempt,
                bundle: bundle.map(BundleId),
                code,
                count,
                from,
                host_key,
                inner_sha256: inner.map(Digest),
                medium,
                note_sha256: note.map(Digest),
                number,
                origin_id: origin.map(DocumentId),
                peer: peer.map(VaultId),
                root,
                sealed,
                series,
                session_key,
                size,
                to,
                tool,
                until: until.map(Timestamp::from_unix_ms),
                version,
            }
        },
    )
}

fn drafts() -> impl Strategy<Value = Draft> {
    let what = (pick(Event::ALL), pick(Outcome::ALL), pick(Zone::ALL), any::<bool>());
    let when = (any::<i64>(), "[a-zA-Z0-9-]{0,64}", any::<u64>());
    let who = (actors(), any::<[u8; 16]>(), any::<[u8; 8]>(), of(code()));
    (what, when, who, of(objects()), details(), of(0..41_u64)).prop_map(
        |((event, outcome, zone, intent), (ms, boot, mono_ms), who, object, detail, closes)| {
            let now = Moment { time: Timestamp::from_unix_ms(ms), boot, mono_ms };
            let (actor, session, host, reason) = who;
            let phase = match closes {
                Some(_) => Phase::Done,
                None if intent => Phase::Intent,
                None => Phase::Single,
            };
            let new = Draft::new(event, outcome, SessionId(session), HostId(host), zone, &now);
            Draft { actor, object, detail, reason, phase, closes, ..new }
        },
    )
}

proptest! {
    #[test]
    fn every_entry_is_canonical_json_and_reads_back(draft in drafts(), seq in 41..=u64::MAX) {
        let entry = draft.entry(seq).unwrap();
        let bytes = entry.to_bytes();
        prop_assert_eq!(&canonical(&bytes), &bytes);
        prop_assert_eq!(Entry::parse(&bytes), Ok(entry.clone()));
        // Both ways of reading know it.
        prop_assert_eq!(reader::read(&bytes), Some(entry.0.clone()));
        prop_assert_eq!(Entry::parse_slowly(&bytes), Ok(entry));
    }

    #[test]
    fn both_ways_of_reading_take_the_same(draft in drafts(), at in any::<usize>(), len in 0..3_usize, to in "[ -~]{0,3}|[{}\",:0]{1,2}|\u{e9}") {
        let mut text = String::from_utf8(draft.entry(41).unwrap().to_bytes()).unwrap();
        let at = at % text.len();
        text.replace_range(at..(at + len).min(text.len()), &to);
        prop_assert_eq!(reader::read(text.as_bytes()).map(Entry), Entry::parse_slowly(text.as_bytes()).ok());
    }

    #[test]
    fn both_take_the_same_where_fields_move_vanish_or_come_twice(draft in drafts(), from in any::<usize>(), to in any::<usize>(), change in 0..4_u8) {
        let text = String::from_utf8(draft.entry(41).unwrap().to_bytes()).unwrap();
        let mut parts: Vec<&str> = text.split_inclusive([',', '{', '}']).collect();
        let (from, to) = (from % parts.len(), to % parts.len());
        match change {
            0 => parts.swap(from, to),
            1 => parts.insert(to, parts[from]),
            2 => drop(parts.remove(from)),
            _ => parts.truncate(from),
        }
        let text = parts.concat();
        prop_assert_eq!(reader::read(text.as_bytes()).map(Entry), Entry::parse_slowly(text.as_bytes()).ok());
    }

    #[test]
    fn whatever_is_read_prints_as_it_was(at in 0..2500_usize, to in "[ -~]{0,3}") {
        let mut text = full_text();
        let at = at % text.len();
        text.replace_range(at..=at, &to);
        if let Ok(entry) = parse(&text) {
            prop_assert_eq!(entry.to_bytes(), text.into_bytes());
        }
    }
}
