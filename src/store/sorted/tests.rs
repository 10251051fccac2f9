use std::sync::Arc;

use super::*;
use crate::store::disk::{Disk, OsDisk};
use crate::store::error::StoreError;

const SPAN: Span = Span { epoch: 3, first: 1000, end: 9000 };

fn record(kind: u8, value: &[u8], first: u64, count: u64) -> Record {
    Record::new(kind, value, first, count).unwrap()
}

/// Records enough for three levels, in their order.
fn many() -> Vec<Record> {
    let mut records = Vec::new();
    for seq in (1000..9000).step_by(2) {
        records.push(record(b'v', b"document.open", seq, 1));
        records.push(record(b'd', &[(seq % 251) as u8; 16], seq, 1));
        records.push(record(b'd', &(seq % 1009).to_be_bytes(), seq, 1));
    }
    records.push(record(b'm', b"", 1001, 7));
    records.push(record(b'm', b"\0", 1010, 1));
    records.push(record(b'm', b"\0\0", 1011, 1));
    records.sort_unstable();
    records
}

fn written(folder: &std::path::Path, records: &[Record]) -> (std::path::PathBuf, Head) {
    let path = folder.join("a/file");
    let head = write(&OsDisk, &path, SPAN, records.iter().copied().map(Ok)).unwrap();
    (path, head)
}

#[test]
fn every_value_is_found_with_all_its_places_and_no_other_is() {
    let folder = tempfile::tempdir().unwrap();
    let records = many();
    let (path, head) = written(folder.path(), &records);
    assert_eq!(head.records, records.len() as u64);
    assert_eq!(std::fs::metadata(&path).unwrap().len(), head.file_len());
    assert!(levels(head.records).len() == 3);
    let file = SortedFile::open(&OsDisk, &path, head).unwrap();
    file.check().unwrap();
    let read: Vec<Record> = file.records().collect::<Result<_, _>>().unwrap();
    assert_eq!(read, records);
    let mut values: Vec<(u8, Vec<u8>)> = Vec::new();
    for (seq, other) in (0..1009_u64).map(|seq| (seq, (seq % 256) as u8)) {
        values.push((b'd', seq.to_be_bytes().to_vec()));
        values.push((b'd', vec![other; 16]));
    }
    let texts: [(u8, &[u8]); 7] = [
        (b'v', b"document.open"),
        (b'v', b"document"),
        (b'v', b"document.seal"),
        (b'm', b""),
        (b'm', b"\0"),
        (b'a', b"x"),
        (b'z', b""),
    ];
    values.extend(texts.iter().map(|(kind, value)| (*kind, value.to_vec())));
    for (kind, value) in values {
        let wanted: Vec<(u64, u64)> = records
            .iter()
            .filter(|record| Some(record.prefix) == prefix(kind, &value))
            .map(|record| (record.first, record.count))
            .collect();
        assert_eq!(file.find(kind, &value).unwrap(), wanted, "{kind} {value:?}");
    }
    assert_eq!(file.find(b'v', &[b'x'; MAX_VALUE_LEN + 1]).unwrap(), vec![]);
}

#[test]
fn what_follows_on_is_one_record_however_files_become_one() {
    let folder = tempfile::tempdir().unwrap();
    let mut parts = Vec::new();
    for at in 0..4_u64 {
        let span = Span { first: 1000 + at * 10, end: 1010 + at * 10, ..SPAN };
        let mut records: Vec<Record> = (span.first..span.end).map(|seq| record(b'm', b"a", seq, 1)).collect();
        records.push(record(b'd', b"x", span.first + at, 1));
        records.sort_unstable();
        let path = folder.path().join(at.to_string());
        let head = write(&OsDisk, &path, span, records.into_iter().map(Ok)).unwrap();
        assert_eq!(head.records, 2);
        parts.push(SortedFile::open(&OsDisk, &path, head).unwrap());
    }
    let whole = Span { first: 1000, end: 1040, ..SPAN };
    let path = folder.path().join("whole");
    let merged = Merged::new(parts.iter().map(SortedFile::records));
    let head = write(&OsDisk, &path, whole, merged).unwrap();
    let file = SortedFile::open(&OsDisk, &path, head).unwrap();
    assert_eq!(file.find(b'm', b"a").unwrap(), [(1000, 40)]);
    assert_eq!(file.find(b'd', b"x").unwrap(), [(1000, 1), (1011, 1), (1022, 1), (1033, 1)]);
    // The same from halves: what a file has does not tell how it was made.
    let halves: Vec<SortedFile> = parts
        .chunks(2)
        .enumerate()
        .map(|(at, pair)| {
            let span = Span { first: pair[0].span().first, end: pair[1].span().end, ..SPAN };
            let path = folder.path().join(format!("half-{at}"));
            let head =
                write(&OsDisk, &path, span, Merged::new(pair.iter().map(SortedFile::records))).unwrap();
            SortedFile::open(&OsDisk, &path, head).unwrap()
        })
        .collect();
    let again = folder.path().join("again");
    assert_eq!(
        write(&OsDisk, &again, whole, Merged::new(halves.iter().map(SortedFile::records))).unwrap(),
        head
    );
    assert_eq!(std::fs::read(again).unwrap(), std::fs::read(path).unwrap());
}

#[test]
fn no_byte_can_change_unseen() {
    let folder = tempfile::tempdir().unwrap();
    let records: Vec<Record> = many().into_iter().step_by(19).collect();
    let (path, head) = written(folder.path(), &records);
    let bytes = std::fs::read(&path).unwrap();
    assert!(bytes.len() > 4 * PAGE);
    for at in (0..bytes.len()).step_by(7).chain(bytes.len() - SUM..bytes.len()) {
        let mut changed = bytes.clone();
        changed[at] ^= 1 << (at % 8);
        std::fs::write(&path, &changed).unwrap();
        let seen = SortedFile::open(&OsDisk, &path, head).and_then(|file| file.check());
        assert!(matches!(seen, Err(IndexError::Damaged(_))), "{at}");
    }
    for len in [0, 1, PAGE - 1, PAGE, bytes.len() - 1, bytes.len() + 1] {
        let mut changed = bytes.clone();
        changed.resize(len, 0);
        std::fs::write(&path, &changed).unwrap();
        assert!(matches!(SortedFile::open(&OsDisk, &path, head), Err(IndexError::Damaged(_))), "{len}");
    }
    // Pages that are whole, in each other's place.
    let mut swapped = bytes.clone();
    let (one, two) = (bytes[PAGE..2 * PAGE].to_vec(), bytes[2 * PAGE..3 * PAGE].to_vec());
    swapped[PAGE..2 * PAGE].copy_from_slice(&two);
    swapped[2 * PAGE..3 * PAGE].copy_from_slice(&one);
    std::fs::write(&path, &swapped).unwrap();
    assert!(SortedFile::open(&OsDisk, &path, head).unwrap().records().any(|record| record.is_err()));
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(SortedFile::open(&OsDisk, &path, head), Err(IndexError::Damaged(_))));
}

#[test]
fn another_file_and_records_out_of_place_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let (path, head) = written(folder.path(), &many());
    for other in [
        Head { span: Span { epoch: 2, ..SPAN }, ..head },
        Head { span: Span { end: 9001, ..SPAN }, ..head },
        Head { records: head.records - 1, ..head },
        Head { records: u64::MAX, ..head },
        Head { records: 0, ..head },
        Head { digest: Digest([0; 32]), ..head },
    ] {
        assert!(matches!(SortedFile::open(&OsDisk, &path, other), Err(IndexError::Damaged(_))), "{other:?}");
    }
    let disk: Arc<dyn Disk> = Arc::new(OsDisk);
    for wrong in [
        vec![record(b'm', b"a", 999, 1)],
        vec![record(b'm', b"a", 8999, 2)],
        vec![record(b'm', b"a", 1000, u64::MAX)],
        vec![record(b'm', b"a", 1000, 0)],
        vec![record(b'm', b"b", 1000, 1), record(b'm', b"a", 1001, 1)],
        vec![record(b'm', b"a", 1000, 5), record(b'm', b"a", 1004, 1)],
    ] {
        let (path, head) = written(folder.path(), &wrong);
        let file = SortedFile::open(&*disk, &path, head).unwrap();
        assert!(file.records().any(|record| record.is_err()), "{wrong:?}");
        let merged = Merged::new(std::iter::once(file.records()));
        assert!(matches!(write(&*disk, &folder.path().join("b"), SPAN, merged), Err(StoreError::Index(_))));
    }
}
