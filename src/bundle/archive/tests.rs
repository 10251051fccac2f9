use std::io::{Read, Write};
use std::process::Command;
use std::sync::LazyLock;

use proptest::prelude::*;

use super::super::inner::{INNER_LIMIT, Inner, InnerDocument};
use super::*;
use crate::agefile;
use crate::crypto::Digest;
use crate::id::{BundleId, VaultId};
use crate::label::Class;
use crate::sealed::Commitment;

/// Header and payload of a document.
type File = (Vec<u8>, Vec<u8>);

fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 24) as u8
    };
    (0..len).map(|_| next()).collect()
}

fn bundle(sizes: &[u64]) -> (Inner, Vec<File>) {
    let file = |(size, seed): (&u64, u64)| {
        (noise(seed, 4096), noise(seed + 1000, agefile::payload_len(*size).unwrap() as usize))
    };
    let files: Vec<File> = sizes.iter().zip(1..).map(file).collect();
    let documents = files.iter().zip(sizes).zip(1..).map(|(((header, payload), size), id)| InnerDocument {
        class: Class::Critical,
        commitment: Commitment(Digest([id; 32])),
        header_len: header.len() as u64,
        header_sha256: Digest::of(header),
        id: DocumentId([0xa0 | id; 16]),
        payload_sha256: Digest::of(payload),
        size: *size,
    });
    let inner = Inner {
        bundle: BundleId([1; 16]),
        sender: VaultId([2; 32]),
        receiver: VaultId([3; 32]),
        random: [4; 16],
        documents: documents.collect(),
    };
    (inner, files)
}

fn announced(inner: &Inner) -> Announced {
    Announced { bundle: inner.bundle, sender: inner.sender, receiver: inner.receiver, inner: inner.digest() }
}

fn pack(inner: &Inner, files: &[File]) -> io::Result<Vec<u8>> {
    let mut next = |index: usize| -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
        let (header, payload) = files[index].clone();
        Ok((header, Box::new(io::Cursor::new(payload))))
    };
    let mut source = ArchiveSource::new(inner, &mut next)?;
    let mut out = Vec::new();
    let read = source.read_to_end(&mut out);
    if let Err(error) = read {
        assert_eq!(format!("{:?}", source.error().unwrap()), format!("{:?}", archive_error(&error)));
        assert!(source.read(&mut [0; 9]).is_err(), "it stays failed");
        return Err(error);
    }
    assert_eq!(source.read(&mut [0; 9]).unwrap(), 0, "it stays at its end");
    Ok(out)
}

/// The typed error that passed through `io`.
fn archive_error(error: &io::Error) -> ArchiveError {
    error.get_ref().unwrap().downcast_ref::<ArchiveError>().unwrap().clone()
}

/// Keeps what it gets, and the order in which it got it.
#[derive(Default)]
struct Shelf {
    began: Vec<DocumentId>,
    done: Vec<(DocumentId, Vec<u8>)>,
    lists: usize,
}

impl Unpack for Shelf {
    type File = Vec<u8>;

    fn inner(&mut self, inner: &Inner) -> io::Result<()> {
        assert!(inner.is_sound() && self.began.is_empty());
        self.lists += 1;
        Ok(())
    }

    fn document(&mut self, document: &InnerDocument) -> io::Result<Vec<u8>> {
        self.began.push(document.id);
        Ok(Vec::new())
    }

    fn done(&mut self, document: &InnerDocument, file: Vec<u8>) -> io::Result<()> {
        self.done.push((document.id, file));
        Ok(())
    }
}

fn unpack(
    announced: &Announced,
    pieces: &mut dyn Iterator<Item = &[u8]>,
) -> Result<(Inner, Shelf), ArchiveError> {
    let mut shelf = Shelf::default();
    let mut unpacker = Unpacker::new(announced.clone(), &mut shelf);
    for piece in pieces {
        if let Err(error) = unpacker.write_all(piece) {
            let error = archive_error(&error);
            assert_eq!(format!("{:?}", unpacker.error().unwrap()), format!("{error:?}"));
            assert!(unpacker.write_all(&[0]).is_err(), "it stays failed");
            break;
        }
    }
    let inner = unpacker.finish()?;
    assert_eq!(shelf.lists, 1);
    Ok((inner, shelf))
}

fn unpack_all(inner: &Inner, archive: &[u8]) -> Result<(Inner, Shelf), ArchiveError> {
    unpack(&announced(inner), &mut std::iter::once(archive))
}

/// Two documents of one chunk, in an archive of 13 KiB.
static SMALL: LazyLock<(Inner, Vec<File>, Vec<u8>)> = LazyLock::new(|| {
    let (inner, files) = bundle(&[5, 0]);
    let archive = pack(&inner, &files).unwrap();
    (inner, files, archive)
});

#[test]
fn what_is_packed_is_unpacked_in_pieces_of_any_size() {
    let (inner, files) = bundle(&[70_000, 0, 1, 496 - 32, 200_000]);
    let archive = pack(&inner, &files).unwrap();
    assert_eq!(Some(archive.len() as u64), inner.archive_len());
    assert!(inner.padding_len().unwrap() > 0, "this one is padded");
    let expected: Vec<_> = inner
        .documents
        .iter()
        .zip(&files)
        .map(|(document, (header, payload))| (document.id, [header.as_slice(), payload].concat()))
        .collect();
    for len in [1, 511, 512, 513, 4096, 65_536, usize::MAX] {
        let (list, shelf) = unpack(&announced(&inner), &mut archive.chunks(len)).unwrap();
        assert_eq!(list, inner);
        assert!(shelf.done == expected, "pieces of {len}");
    }
}

#[test]
fn a_source_gives_the_same_to_buffers_of_any_size() {
    let (inner, files, archive) = &*SMALL;
    for len in [1, 511, 513, 65_536] {
        let mut next = |index: usize| -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
            Ok((files[index].0.clone(), Box::new(files[index].1.as_slice())))
        };
        let mut source = ArchiveSource::new(inner, &mut next).unwrap();
        let (mut out, mut buffer) = (Vec::new(), vec![0; len]);
        loop {
            assert_eq!(source.read(&mut []).unwrap(), 0);
            match source.read(&mut buffer).unwrap() {
                0 => break,
                got => out.extend_from_slice(&buffer[..got]),
            }
        }
        assert!(out == *archive, "buffer of {len}");
    }
}

#[test]
fn a_document_that_is_not_the_listed_one_is_not_sent() {
    type Change = fn(&mut File);
    let changes: [(&str, Change); 8] = [
        ("header flipped", |file| file.0[4095] ^= 1),
        ("header short", |file| file.0.truncate(4095)),
        ("header long", |file| file.0.push(0)),
        ("header none", |file| file.0.clear()),
        ("payload flipped at its end", |file| *file.1.last_mut().unwrap() ^= 1),
        ("payload short", |file| file.1.truncate(32)),
        ("payload long", |file| file.1.push(0)),
        ("payload none", |file| file.1.clear()),
    ];
    let (inner, files, archive) = &*SMALL;
    for (name, change) in changes {
        let mut files = files.clone();
        change(&mut files[0]);
        let error = pack(inner, &files).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData, "{name}");
        assert!(
            matches!(archive_error(&error), ArchiveError::Document(id) if id == inner.documents[0].id),
            "{name}"
        );
    }
    assert_eq!(pack(inner, files).unwrap(), *archive);
    let mut unsound = inner.clone();
    unsound.documents[1].id = unsound.documents[0].id;
    assert!(matches!(archive_error(&pack(&unsound, files).unwrap_err()), ArchiveError::Form));
}

/// Reads some, is interrupted now and then, and fails at last.
struct Failing(u8);

impl Read for Failing {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        self.0 += 1;
        match self.0 {
            1 | 3 => Err(io::ErrorKind::Interrupted.into()),
            2 => Ok(out.len().min(3)),
            _ => Err(io::ErrorKind::ConnectionReset.into()),
        }
    }
}

#[test]
fn a_source_that_cannot_be_read_says_so() {
    let (inner, files, _) = &*SMALL;
    let mut next = |index: usize| -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
        Ok((files[index].0.clone(), Box::new(Failing(0))))
    };
    let mut out = Vec::new();
    let mut source = ArchiveSource::new(inner, &mut next).unwrap();
    let error = source.read_to_end(&mut out).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
    assert!(matches!(source.error(), Some(ArchiveError::Source(_))));
    assert_eq!(out[out.len() - 3..], [0; 3], "it went on after the first interruption");

    let mut next = |_| Err(io::ErrorKind::Interrupted.into());
    let mut source = ArchiveSource::new(inner, &mut next).unwrap();
    assert_eq!(source.read_to_end(&mut Vec::new()).unwrap_err().kind(), io::ErrorKind::Other);
}

/// Takes so many calls before the disk is full.
struct Full(usize);

impl Full {
    fn call(&mut self) -> io::Result<()> {
        self.0 = self.0.checked_sub(1).ok_or(io::ErrorKind::StorageFull)?;
        Ok(())
    }
}

impl Unpack for Full {
    type File = Box<dyn Write + Send>;

    fn inner(&mut self, _: &Inner) -> io::Result<()> {
        self.call()
    }

    fn document(&mut self, _: &InnerDocument) -> io::Result<Self::File> {
        self.call()?;
        if self.0 == 0 { Ok(Box::new(io::Cursor::new([0_u8; 9]))) } else { Ok(Box::new(io::sink())) }
    }

    fn done(&mut self, _: &InnerDocument, _: Self::File) -> io::Result<()> {
        self.call()
    }
}

#[test]
fn a_receiver_that_cannot_store_ends_it() {
    let (inner, _, archive) = &*SMALL;
    for calls in 0..6 {
        let mut full = Full(calls);
        let mut unpacker = Unpacker::new(announced(inner), &mut full);
        let written = unpacker.write_all(archive);
        if calls == 5 {
            written.unwrap();
            unpacker.finish().unwrap();
            continue;
        }
        // A file that takes no more, where the last call that worked gave one.
        let kind =
            if calls % 2 == 0 && calls > 0 { io::ErrorKind::WriteZero } else { io::ErrorKind::StorageFull };
        assert_eq!(written.unwrap_err().kind(), kind, "{calls}");
        assert!(matches!(unpacker.finish(), Err(ArchiveError::Sink(_))));
    }
}

#[test]
fn tar_opens_it() {
    let Ok(version) = Command::new("tar").arg("--version").output() else { return };
    assert!(version.status.success());
    let (inner, files) = bundle(&[70_000, 0, 464]);
    let archive = pack(&inner, &files).unwrap();
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("a.tar"), &archive).unwrap();
    let tar = |option: &str| {
        let output = Command::new("tar")
            .args([option, "a.tar"])
            .current_dir(folder.path())
            .env("TZ", "UTC")
            .output()
            .unwrap();
        assert!(output.status.success() && output.stderr.is_empty(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    };
    let list = tar("-tvf");
    let lines: Vec<Vec<&str>> = list.lines().map(|line| line.split_whitespace().collect()).collect();
    let names: Vec<&str> = lines.iter().map(|line| line[5]).collect();
    let mut expected = vec!["inner.json".to_owned()];
    expected.extend(inner.documents.iter().map(|document| format!("documents/{}.age", document.id)));
    expected.push("padding".to_owned());
    assert_eq!(names, expected);
    for line in &lines {
        assert_eq!(line[..2], ["-rw-------", "0/0"]);
        assert_eq!(line[3..5], ["1970-01-01", "00:00"]);
    }
    tar("-xf");
    assert_eq!(std::fs::read(folder.path().join("inner.json")).unwrap(), inner.print());
    for (name, (header, payload)) in expected[1..].iter().zip(&files) {
        assert!(std::fs::read(folder.path().join(name)).unwrap() == [header.as_slice(), payload].concat());
    }
    let padding = std::fs::read(folder.path().join("padding")).unwrap();
    assert_eq!(Some(padding.len() as u64), inner.padding_len());
    assert!(padding.iter().all(|byte| *byte == 0));
}

#[test]
fn sizes_from_8_gib_on_are_in_base_256() {
    let id = DocumentId([0xab; 16]);
    let size = |size| layout::header(layout::Name::Document(id), size)[124..136].to_vec();
    assert_eq!(size(0), b"00000000000\0");
    assert_eq!(size((1 << 33) - 1), b"77777777777\0");
    assert_eq!(size(1 << 33), [0x80, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 0]);
    assert_eq!(size(u64::MAX), [0x80, 0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 255]);
    // tar reads the same from a header whose content never comes.
    for len in [(1 << 33) - 1, 1 << 33, (1 << 46) - 512] {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), layout::header(layout::Name::Document(id), len)).unwrap();
        let Ok(output) = Command::new("tar").arg("-tvf").arg(file.path()).output() else { return };
        let line = String::from_utf8(output.stdout).unwrap();
        assert!(line.contains(&format!(" {len} ")) && line.contains("abab.age"), "{line}");
    }
}

/// A header field by field, as somebody else would write it.
#[derive(Clone)]
struct Raw {
    name: Vec<u8>,
    mode: &'static [u8],
    uid: &'static [u8],
    size: Vec<u8>,
    mtime: &'static [u8],
    kind: u8,
    target: &'static [u8],
    magic: &'static [u8],
    owner: &'static [u8],
    device: &'static [u8],
    prefix: &'static [u8],
    sum: Option<&'static [u8]>,
    content: Vec<u8>,
    /// What the content is filled up with.
    fill: u8,
}

fn raw(name: &str, content: Vec<u8>) -> Raw {
    Raw {
        name: name.into(),
        mode: b"0000600",
        uid: b"0000000",
        size: octal(content.len()),
        mtime: b"00000000000",
        kind: b'0',
        target: b"",
        magic: b"ustar\x0000",
        owner: b"",
        device: b"",
        prefix: b"",
        sum: None,
        content,
        fill: 0,
    }
}

fn octal(len: usize) -> Vec<u8> {
    format!("{len:011o}").into()
}

impl Raw {
    fn bytes(&self) -> Vec<u8> {
        let mut block = vec![0_u8; 512];
        for (at, field) in [
            (0, self.name.as_slice()),
            (100, self.mode),
            (108, self.uid),
            (116, b"0000000"),
            (124, &self.size),
            (136, self.mtime),
            (148, b"        "),
            (156, &[self.kind]),
            (157, self.target),
            (257, self.magic),
            (265, self.owner),
            (329, self.device),
            (345, self.prefix),
        ] {
            block[at..at + field.len()].copy_from_slice(field);
        }
        let sum: u32 = block.iter().map(|byte| u32::from(*byte)).sum();
        block[148..156].copy_from_slice(self.sum.unwrap_or(format!("{sum:06o}\0 ").as_bytes()));
        block.extend_from_slice(&self.content);
        block.resize(block.len().next_multiple_of(512), self.fill);
        block
    }
}

/// The small archive's members, made by hand.
fn members() -> Vec<Raw> {
    let (inner, files, _) = &*SMALL;
    let mut members = vec![raw("inner.json", inner.print())];
    for (document, (header, payload)) in inner.documents.iter().zip(files) {
        members.push(raw(&format!("documents/{}.age", document.id), [header.as_slice(), payload].concat()));
    }
    members.push(raw("padding", vec![0; inner.padding_len().unwrap() as usize]));
    members
}

fn joined(members: &[Raw], end: &[u8]) -> Vec<u8> {
    members.iter().map(Raw::bytes).chain([end.to_vec()]).collect::<Vec<_>>().concat()
}

#[test]
fn an_archive_made_by_hand_is_the_same() {
    assert!(joined(&members(), &[0; 1024]) == SMALL.2);
}

type Change = fn(&mut Vec<Raw>);

/// What may be done to the members of an archive.
const HOSTILE: &[(&str, Change)] = &[
    ("hard link", |members| members[1].kind = b'1'),
    ("symbolic link", |members| (members[1].kind, members[1].target) = (b'2', b"/etc/passwd")),
    ("file with a target", |members| members[1].target = b"inner.json"),
    ("character device", |members| members[1].kind = b'3'),
    ("block device", |members| members[1].kind = b'4'),
    ("folder", |members| members[1].kind = b'5'),
    ("pipe", |members| members[1].kind = b'6'),
    ("contiguous file", |members| members[1].kind = b'7'),
    ("old kind of file", |members| members[1].kind = 0),
    ("pax header", |members| members[1].kind = b'x'),
    ("global pax header", |members| members[1].kind = b'g'),
    ("long name of GNU", |members| members[1].kind = b'L'),
    ("sparse file of GNU", |members| members[1].kind = b'S'),
    ("list as a link", |members| members[0].kind = b'2'),
    ("padding as a folder", |members| members[3].kind = b'5'),
    ("absolute name", |members| members[1].name = b"/documents/a.age".to_vec()),
    ("absolute listed name", |members| members[1].name.insert(0, b'/')),
    ("name with ..", |members| members[1].name = b"documents/../../x".to_vec()),
    ("name with ./", |members| members[1].name = [b"./", members[1].name.as_slice()].concat()),
    ("name of another shape", |members| members[1].name = b"autorun.inf".to_vec()),
    ("name in capitals", |members| members[1].name.make_ascii_uppercase()),
    ("name with more behind its end", |members| {
        let name = members[1].name.clone();
        members[1].name = [&name, b"\0hidden".as_slice()].concat();
    }),
    ("name that fills its field", |members| members[1].name.resize(100, b'a')),
    ("name by prefix", |members| {
        members[1].name.drain(..10);
        members[1].prefix = b"documents";
    }),
    ("prefix", |members| members[1].prefix = b".."),
    ("doubled name", |members| members[2].name = members[1].name.clone()),
    ("doubled member", |members| members.insert(2, members[1].clone())),
    ("document of the list twice, one in place of the other", |members| members[2] = members[1].clone()),
    ("doubled list", |members| members.insert(1, members[0].clone())),
    ("doubled padding", |members| members.push(members[3].clone())),
    ("document missing", |members| drop(members.remove(1))),
    ("last document missing", |members| drop(members.remove(2))),
    ("padding missing", |members| drop(members.remove(3))),
    ("list missing", |members| drop(members.remove(0))),
    ("nothing", Vec::clear),
    ("documents in another order", |members| members.swap(1, 2)),
    ("contents exchanged", |members| {
        let (first, second) = (members[1].content.clone(), members[2].content.clone());
        (members[1].content, members[2].content) = (second, first);
    }),
    ("padding first", |members| members.swap(0, 3)),
    ("list behind the documents", |members| members.swap(0, 2)),
    ("a member more before the list", |members| members.insert(0, raw("x", vec![1]))),
    ("a member more between", |members| members.insert(2, raw("x", vec![1]))),
    ("a document more", |members| {
        members.insert(3, raw("documents/cccccccccccccccccccccccccccccccc.age", vec![1; 5000]));
    }),
    ("a member more at the end", |members| members.push(raw("x", vec![]))),
    ("size of one less", |members| members[1].size = octal(members[1].content.len() - 1)),
    ("size of one more", |members| members[1].size = octal(members[1].content.len() + 1)),
    ("size of nothing", |members| members[1].size = octal(0)),
    ("size of nearly 8 GiB", |members| members[1].size = b"77777777777".to_vec()),
    ("size in base 256 that is not needed", |members| {
        let len = members[1].content.len() as u64;
        members[1].size = [&[0x80, 0, 0, 0], len.to_be_bytes().as_slice()].concat();
    }),
    ("list's size in base 256", |members| {
        let len = members[0].content.len() as u64;
        members[0].size = [&[0x80, 0, 0, 0], len.to_be_bytes().as_slice()].concat();
    }),
    ("negative size", |members| members[1].size = vec![0xff; 12]),
    ("size in base 256 over 64 bits", |members| members[1].size = [[0x80].as_slice(), &[0xff; 11]].concat()),
    ("size with blanks", |members| members[1].size = format!("{:>11o}", members[1].content.len()).into()),
    ("size without its zero", |members| {
        members[1].size = format!("{:012o}", members[1].content.len()).into()
    }),
    ("list's size with a sign", |members| {
        members[0].size = format!("+{:010o}", members[0].content.len()).into();
    }),
    ("list's size with blanks", |members| {
        members[0].size = format!("{:>11o}", members[0].content.len()).into()
    }),
    ("list over the limit", |members| {
        members[0].content.resize(INNER_LIMIT + 1, b' ');
        members[0].size = octal(INNER_LIMIT + 1);
    }),
    ("list of nothing", |members| (members[0].content, members[0].size) = (vec![], octal(0))),
    ("list with a newline", |members| {
        members[0].content.push(b'\n');
        members[0].size = octal(members[0].content.len());
    }),
    ("padding of a block more", |members| {
        members[3] = raw("padding", vec![0; members[3].content.len() + 512])
    }),
    ("padding with something", |members| members[3] = raw("padding", vec![1])),
    ("something behind the list", |members| members[0].fill = b' '),
    ("something behind a document", |members| members[1].fill = 1),
    ("wrong sum", |members| members[1].sum = Some(b"000000\0 ")),
    ("sum of another form", |members| members[1].sum = Some(b"       0")),
    ("another mode", |members| members[1].mode = b"0004755"),
    ("an owner", |members| members[1].uid = b"0001750"),
    ("an owner's name", |members| members[1].owner = b"root"),
    ("a time", |members| members[1].mtime = b"00000000001"),
    ("device numbers", |members| members[1].device = b"0000000"),
    ("magic of GNU", |members| members[1].magic = b"ustar  \0"),
    ("no magic", |members| members[1].magic = b""),
    ("list without magic", |members| members[0].magic = b""),
];

#[test]
fn a_hostile_archive_is_refused() {
    let (inner, _, archive) = &*SMALL;
    for (name, change) in HOSTILE {
        let mut changed = members();
        change(&mut changed);
        let bytes = joined(&changed, &[0; 1024]);
        assert!(bytes != *archive, "{name} changes something");
        assert!(unpack_all(inner, &bytes).is_err(), "{name}");
    }
    for (name, end) in [
        ("no end", vec![]),
        ("half an end", vec![0; 512]),
        ("an end with something", [vec![0; 1023], vec![1]].concat()),
        ("a byte behind the end", vec![0; 1025]),
        ("tar's usual zeros behind the end", vec![0; 10_240]),
        ("another archive behind the end", [vec![0; 1024], archive.clone()].concat()),
    ] {
        assert!(unpack_all(inner, &joined(&members(), &end)).is_err(), "{name}");
    }
}

#[test]
fn errors_say_what_was_wrong() {
    let (inner, _, archive) = &*SMALL;
    let list_end = 512 + inner.print().len().next_multiple_of(512);
    let first = list_end + 512;
    let flipped = |at: usize| {
        let mut bytes = archive.clone();
        bytes[at] ^= 1;
        unpack_all(inner, &bytes).map(|_| ()).unwrap_err()
    };
    assert!(matches!(flipped(0), ArchiveError::Member(0)));
    assert!(matches!(flipped(600), ArchiveError::Inner));
    assert!(matches!(flipped(list_end - 1), ArchiveError::Padding));
    assert!(matches!(flipped(list_end), ArchiveError::Member(1)));
    assert!(matches!(flipped(first), ArchiveError::Document(id) if id == inner.documents[0].id));
    assert!(matches!(flipped(first + 4096), ArchiveError::Document(id) if id == inner.documents[0].id));
    assert!(matches!(flipped(first + 9 * 512), ArchiveError::Member(2)));
    assert!(matches!(flipped(first + 19 * 512), ArchiveError::Member(3)));
    assert!(matches!(flipped(archive.len() - 1), ArchiveError::Padding));
    let error = |bytes: &[u8]| unpack_all(inner, bytes).map(|_| ()).unwrap_err();
    assert!(matches!(error(&[]), ArchiveError::Truncated));
    assert!(matches!(error(&[archive.as_slice(), &[0]].concat()), ArchiveError::Surplus));
}

#[test]
fn a_list_is_judged_by_its_digest_first_and_then_by_what_it_says() {
    let (inner, _, archive) = &*SMALL;
    let error = |announced: &Announced| unpack(announced, &mut archive.chunks(512)).map(|_| ()).unwrap_err();
    let right = announced(inner);
    assert!(matches!(error(&Announced { inner: Digest([0; 32]), ..right.clone() }), ArchiveError::Inner));
    assert!(matches!(
        error(&Announced { bundle: BundleId([9; 16]), ..right.clone() }),
        ArchiveError::Parties
    ));
    assert!(matches!(error(&Announced { sender: VaultId([9; 32]), ..right.clone() }), ArchiveError::Parties));
    assert!(matches!(
        error(&Announced { receiver: VaultId([9; 32]), ..right.clone() }),
        ArchiveError::Parties
    ));

    // A list that is too long is refused by its header.
    for (len, refused) in [(INNER_LIMIT, false), (INNER_LIMIT + 1, true), (0o77_777_777_777, true)] {
        let block = Raw { size: octal(len), ..raw("inner.json", vec![]) }.bytes();
        let error = unpack_all(inner, &block).map(|_| ()).unwrap_err();
        assert_eq!(matches!(error, ArchiveError::Member(0)), refused, "{len}: {error:?}");
    }

    // A list that was signed although it is none.
    let mut doubled = inner.clone();
    doubled.documents[1].id = doubled.documents[0].id;
    for list in [doubled.print(), b"{}".to_vec(), b"".to_vec(), vec![b'['; INNER_LIMIT]] {
        let signed = Announced { inner: Digest::of(&list), ..right.clone() };
        let archive = raw("inner.json", list).bytes();
        let error = unpack(&signed, &mut archive.chunks(4096)).map(|_| ()).unwrap_err();
        assert!(matches!(error, ArchiveError::Form), "{error:?}");
    }
}

#[test]
fn no_prefix_is_accepted() {
    let (inner, _, archive) = &*SMALL;
    for len in 0..archive.len() {
        let cut = unpack_all(inner, &archive[..len]);
        assert!(matches!(cut, Err(ArchiveError::Truncated)), "{len}");
    }
    assert!(unpack_all(inner, archive).is_ok());
}

#[test]
fn no_flipped_byte_is_accepted() {
    let (inner, _, archive) = &*SMALL;
    let mut bytes = archive.clone();
    for at in 0..bytes.len() {
        for mask in [1 << (at % 8), 0xff] {
            bytes[at] ^= mask;
            assert!(unpack_all(inner, &bytes).is_err(), "{at}");
            bytes[at] ^= mask;
        }
    }
}

proptest! {
    #[test]
    fn arbitrary_bytes_are_refused(bytes in proptest::collection::vec(any::<u8>(), 0..3000)) {
        prop_assert!(unpack_all(&SMALL.0, &bytes).is_err());
    }

    #[test]
    fn an_archive_with_bytes_from_elsewhere_is_refused(
        at in 0..14_000_usize, take in 0..600_usize, put in proptest::collection::vec(any::<u8>(), 0..600), piece in 1..2000_usize,
    ) {
        let (inner, _, archive) = &*SMALL;
        let mut bytes = archive.clone();
        let from = at.min(bytes.len());
        let to = (from + take).min(bytes.len());
        bytes.splice(from..to, put);
        let taken = unpack(&announced(inner), &mut bytes.chunks(piece)).is_ok();
        prop_assert_eq!(taken, bytes == *archive);
    }
}
