use super::*;
use proptest::prelude::*;

fn document(id: u16) -> InnerDocument {
    let mut bytes = [0; 16];
    bytes[..2].copy_from_slice(&id.to_be_bytes());
    InnerDocument {
        class: Class::Important,
        commitment: Commitment(Digest([0xcc; 32])),
        header_len: 4096,
        header_sha256: Digest([0xaa; 32]),
        id: DocumentId(bytes),
        payload_sha256: Digest([0xbb; 32]),
        size: 5,
    }
}

fn inner(documents: Vec<InnerDocument>) -> Inner {
    Inner {
        bundle: BundleId([1; 16]),
        sender: VaultId([2; 32]),
        receiver: VaultId([3; 32]),
        random: [4; 16],
        documents,
    }
}

#[test]
fn a_list_is_printed_as_the_format_says() {
    let list = inner(vec![document(0x0102)]);
    let expected = [
        r#"{"bundle":"01010101010101010101010101010101","documents":[{"class":"important","commitment":""#,
        &"cc".repeat(32),
        r#"","header_len":"4096","header_sha256":""#,
        &"aa".repeat(32),
        r#"","id":"01020000000000000000000000000000","payload_sha256":""#,
        &"bb".repeat(32),
        r#"","size":"5"}],"random":"04040404040404040404040404040404","receiver":""#,
        &"03".repeat(32),
        r#"","schema":"gapvault.inner/v1","sender":""#,
        &"02".repeat(32),
        r#""}"#,
    ]
    .concat();
    assert_eq!(String::from_utf8(list.print()).unwrap(), expected);
    assert_eq!(list.digest(), Digest::of(expected.as_bytes()));
    assert_eq!(Inner::parse(expected.as_bytes()), Some(list));
    let value: serde_json::Value = serde_json::from_str(&expected).unwrap();
    assert_eq!(serde_json_canonicalizer::to_vec(&value).unwrap(), expected.as_bytes(), "RFC 8785");
}

#[test]
fn a_list_in_another_spelling_is_refused() {
    let good = String::from_utf8(inner(vec![document(1), document(2)]).print()).unwrap();
    assert!(Inner::parse(good.as_bytes()).is_some());
    let digest = "aa".repeat(32);
    for (from, to) in [
        ("{\"bundle\"", "{ \"bundle\""),
        ("\"4096\"", "4096"),
        ("\"4096\"", "\"04096\""),
        ("\"4096\"", "\"+4096\""),
        ("\"4096\"", "\"\\u0034096\""),
        ("\"5\"", "\"-5\""),
        ("\"5\"", "\"18446744073709551616\""),
        ("\"5\"", "null"),
        (digest.as_str(), &digest.to_uppercase()),
        (digest.as_str(), &digest[2..]),
        ("\"04040404", "\"040404"),
        ("important", "secret"),
        ("inner/v1", "inner/v2"),
        ("\"schema\":\"gapvault.inner/v1\",", ""),
        ("\"schema\":\"gapvault.inner/v1\"", "\"schema\":\"gapvault.inner\\/v1\""),
        ("\"size\"", "\"extra\":\"\",\"size\""),
        ("\"size\":\"5\"", "\"size\":\"5\",\"size\":\"5\""),
        ("\"receiver\"", "\"note\":\"\",\"receiver\""),
        ("\"class\":\"important\",", ""),
    ] {
        let bad = good.replacen(from, to, 1);
        assert_ne!(bad, good, "{from}");
        assert_eq!(Inner::parse(bad.as_bytes()), None, "{bad}");
    }
    for bad in [format!("{good}\n"), format!("\u{feff}{good}"), format!("{good}{good}"), good[1..].to_owned()]
    {
        assert_eq!(Inner::parse(bad.as_bytes()), None);
    }
}

#[test]
fn a_list_that_no_archive_can_hold_is_refused() {
    let with = |change: fn(&mut InnerDocument)| {
        let mut changed = document(1);
        change(&mut changed);
        inner(vec![changed])
    };
    let sound = [
        with(|document| document.header_len = MAX_HEADER_LEN as u64),
        with(|document| document.size = 0),
        with(|document| document.size = 1 << 45),
    ];
    for list in sound {
        assert_eq!(Inner::parse(&list.print()), Some(list));
    }
    let unsound = [
        inner(vec![]),
        inner(vec![document(1), document(2), document(1)]),
        with(|document| document.header_len = 0),
        with(|document| document.header_len = 4095),
        with(|document| document.header_len = 4097),
        with(|document| document.header_len = MAX_HEADER_LEN as u64 + 4096),
        with(|document| document.header_len = 0_u64.wrapping_sub(4096)),
        with(|document| document.size = ARCHIVE_LIMIT - 1),
        with(|document| document.size = ARCHIVE_LIMIT),
        with(|document| document.size = u64::MAX - 100),
        with(|document| document.size = u64::MAX),
        inner((0..5000).map(|id| InnerDocument { size: ARCHIVE_LIMIT / 5000, ..document(id) }).collect()),
    ];
    for list in unsound {
        assert!(!list.is_sound());
        assert_eq!(Inner::parse(&list.print()), None, "{:?}", list.documents.first());
    }
}

#[test]
fn a_full_list_of_the_longest_values_is_below_the_limit() {
    let longest =
        |id| InnerDocument { header_len: MAX_HEADER_LEN as u64, size: 10_000_000_000, ..document(id) };
    let mut list = inner((0..5000).map(longest).collect());
    let printed = list.print();
    assert!(printed.len() + 5000 * (ARCHIVE_LIMIT.to_string().len() - 11) < INNER_LIMIT, "{}", printed.len());
    assert!(Inner::parse(&printed).is_some());
    list.documents.push(longest(5000));
    assert_eq!(Inner::parse(&list.print()), None);
    assert_eq!(Inner::parse(&vec![b' '; INNER_LIMIT + 1]), None);
}

#[test]
fn padme_has_the_values_of_the_paper() {
    // Worked out by hand with the paper's algorithm.
    for (len, padded) in [
        (0, 0),
        (1, 1),
        (2, 2),
        (3, 3),
        (7, 7),
        (8, 8),
        (9, 10),
        (15, 16),
        (16, 16),
        (17, 18),
        (33, 36),
        (100, 104),
        (1000, 1024),
        (1025, 1088),
        (65_537, 67_584),
        (1_000_000, 1_015_808),
        (1 << 40, 1 << 40),
        ((1 << 40) + 1, (1 << 40) + (1 << 34)),
    ] {
        assert_eq!(padme(len), Some(padded), "{len}");
    }
    assert_eq!(padme(u64::MAX), None);
}

#[test]
fn padding_costs_less_than_an_eighth_and_leaves_few_lengths() {
    let mut lens = BTreeSet::new();
    for len in 1..200_000 {
        let padded = padme(len).unwrap();
        assert!(padded >= len && padme(padded) == Some(padded), "{len}");
        assert!((padded - len) * 100 < len * 12, "{len}");
        lens.insert(padded);
    }
    // Sixteen for a doubling, or 32 from 2^16 on.
    assert!(lens.len() <= 18 * 16, "{}", lens.len());
}

#[test]
fn an_archive_is_a_padded_number_of_blocks() {
    let mut lens = BTreeSet::new();
    for size in (0..400_000).step_by(997) {
        let list = inner(vec![InnerDocument { size, ..document(1) }, document(2)]);
        let (whole, padding) = (list.archive_len().unwrap(), list.padding_len().unwrap());
        assert!(whole.is_multiple_of(512) && padding.is_multiple_of(512));
        assert!(padding * 100 < whole * 12, "{size}: {padding} of {whole}");
        // List, two documents, padding: four headers; then contents and the end.
        let needed = [list.print().len() as u64, list.documents[0].file_len().unwrap(), 4096 + 16 + 21]
            .iter()
            .map(|len| len.div_ceil(512) * 512)
            .sum::<u64>();
        assert_eq!(whole, 4 * 512 + needed + padding + 1024);
        lens.insert(whole);
    }
    assert!(lens.len() < 402 / 3, "{} for 402 sizes", lens.len());
}

proptest! {
    #[test]
    fn whatever_bytes_are_read_print_as_they_were(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        prop_assert_eq!(Inner::parse(&bytes), None);
    }

    #[test]
    fn whatever_is_read_after_a_change_prints_as_it_was(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = inner(vec![document(1), document(2)]).print();
        *at.get_mut(&mut bytes) = byte;
        if let Some(list) = Inner::parse(&bytes) {
            prop_assert_eq!(list.print(), bytes);
        }
    }

    #[test]
    fn every_list_reads_as_it_prints(random in any::<[u8; 16]>(), sizes in proptest::collection::vec(0..1_u64 << 40, 1..9), block in 1..500_u64) {
        let documents = sizes.iter().zip(0..).map(|(size, id)| InnerDocument {
            size: *size, header_len: block * 4096, class: Class::Critical, ..document(id)
        });
        let list = Inner { random, ..inner(documents.collect()) };
        prop_assert_eq!(Inner::parse(&list.print()), Some(list));
    }
}
