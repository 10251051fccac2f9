use std::io::{self, Cursor, Read, Write};

use gapvault::agefile::payload_len;
use gapvault::bundle::{
    Announced, ArchiveError, ArchiveSource, INNER_LIMIT, Inner, InnerDocument, Unpack, Unpacker,
};
use gapvault::crypto::Digest;
use gapvault::id::{BundleId, DocumentId, VaultId};
use gapvault::label::Class;
use gapvault::sealed::{Commitment, HEADER_BLOCK};

use crate::cut::Cut;
use crate::edit::edits;

/// Header and payload of a document.
type File = (Vec<u8>, Vec<u8>);

/// The list and the archive: a list prints back to the byte, an archive is taken only if it is what packing gives for what was
/// taken out, and one that was changed is refused.
pub fn archive(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    match kind {
        0 => sent(Cut::new(rest)),
        1 => crossed(Cut::new(rest)),
        2 => around(rest),
        _ => raw(data),
    }
}

fn raw(data: &[u8]) {
    list(data);
    // Whoever signed it may have signed anything: its list is the announced one.
    let digits = data.get(124..135).and_then(|digits| std::str::from_utf8(digits).ok());
    let len = digits.and_then(|digits| usize::from_str_radix(digits, 8).ok()).unwrap_or(0);
    let list = data.get(512..).and_then(|rest| rest.get(..len)).unwrap_or_default();
    let said = announced(list);
    if let Ok((inner, files)) = unpack(&said, data, 512) {
        assert!(pack(&inner, &files).expect("it was taken") == data, "there is one archive of these files");
    }
}

fn list(data: &[u8]) {
    let Some(inner) = Inner::parse(data) else { return };
    assert_eq!(inner.print(), data);
    assert_eq!(inner.digest(), Digest::of(data));
    assert!(inner.is_sound());
    let (len, padding) =
        (inner.archive_len().expect("it is sound"), inner.padding_len().expect("it is sound"));
    let files: u64 = inner.documents.iter().map(|document| document.file_len().expect("it is sound")).sum();
    assert!(len.is_multiple_of(512) && files + padding + data.len() as u64 <= len);
    assert!(padding <= len / 8, "the padding is a small part");
}

/// What a manifest says that somebody made for this list.
fn announced(list: &[u8]) -> Announced {
    let inner = Digest::of(list);
    match Inner::parse(list) {
        Some(found) => {
            Announced { bundle: found.bundle, sender: found.sender, receiver: found.receiver, inner }
        }
        None => Announced {
            bundle: BundleId([1; 16]),
            sender: VaultId([2; 32]),
            receiver: VaultId([3; 32]),
            inner,
        },
    }
}

/// Some documents of a few bytes.
fn bundle(cut: &mut Cut<'_>) -> (Inner, Vec<File>) {
    let (mut documents, mut files) = (Vec::new(), Vec::new());
    for id in 1..=1 + cut.byte() % 3 {
        let size = cut.short() as u64 % 1500;
        let header = vec![id; HEADER_BLOCK];
        let payload = vec![!id; payload_len(size).expect("it is small") as usize];
        documents.push(InnerDocument {
            class: Class::Critical,
            commitment: Commitment(Digest([id; 32])),
            header_len: header.len() as u64,
            header_sha256: Digest::of(&header),
            id: DocumentId([id; 16]),
            payload_sha256: Digest::of(&payload),
            size,
        });
        files.push((header, payload));
    }
    let (bundle, sender, receiver) = (BundleId([1; 16]), VaultId([2; 32]), VaultId([3; 32]));
    (Inner { bundle, sender, receiver, random: [4; 16], documents }, files)
}

fn pack(inner: &Inner, files: &[File]) -> io::Result<Vec<u8>> {
    let mut next = |index: usize| -> io::Result<(Vec<u8>, Box<dyn Read + Send>)> {
        let (header, payload) = files[index].clone();
        Ok((header, Box::new(Cursor::new(payload))))
    };
    let mut source = ArchiveSource::new(inner, &mut next)?;
    let mut out = Vec::new();
    source.read_to_end(&mut out)?;
    Ok(out)
}

/// What came out, in its order.
#[derive(Default)]
struct Shelf {
    list: Option<Inner>,
    began: usize,
    done: Vec<(InnerDocument, Vec<u8>)>,
}

impl Unpack for Shelf {
    type File = Vec<u8>;

    fn inner(&mut self, inner: &Inner) -> io::Result<()> {
        assert!(self.list.is_none() && inner.is_sound());
        self.list = Some(inner.clone());
        Ok(())
    }

    fn document(&mut self, document: &InnerDocument) -> io::Result<Vec<u8>> {
        let list = self.list.as_ref().expect("the list comes first");
        assert_eq!((list.documents.get(self.began), self.done.len()), (Some(document), self.began));
        self.began += 1;
        Ok(Vec::new())
    }

    fn done(&mut self, document: &InnerDocument, file: Vec<u8>) -> io::Result<()> {
        assert_eq!(Some(file.len() as u64), document.file_len());
        let (header, payload) = file.split_at(document.header_len as usize);
        assert_eq!(Digest::of(header), document.header_sha256);
        assert_eq!(Digest::of(payload), document.payload_sha256);
        self.done.push((document.clone(), file));
        Ok(())
    }
}

/// Unpacks in pieces of this length.
fn unpack(said: &Announced, archive: &[u8], piece: usize) -> Result<(Inner, Vec<File>), ArchiveError> {
    let mut shelf = Shelf::default();
    let mut unpacker = Unpacker::new(said.clone(), &mut shelf);
    for bytes in archive.chunks(piece.max(1)) {
        if unpacker.write_all(bytes).is_err() {
            assert!(unpacker.error().is_some());
            assert!(unpacker.write_all(&[0]).is_err(), "it stays failed");
            break;
        }
    }
    let inner = unpacker.finish();
    if let Some(list) = &shelf.list {
        assert_eq!(list.digest(), said.inner);
        assert_eq!((list.bundle, list.sender, list.receiver), (said.bundle, said.sender, said.receiver));
    }
    let inner = inner?;
    assert_eq!(Some(&inner), shelf.list.as_ref());
    assert_eq!(shelf.done.len(), inner.documents.len(), "every document came out");
    let apart = |(document, file): (InnerDocument, Vec<u8>)| {
        let (header, payload) = file.split_at(document.header_len as usize);
        (header.to_vec(), payload.to_vec())
    };
    Ok((inner, shelf.done.into_iter().map(apart).collect()))
}

/// A document that is not the listed one is not sent.
fn sent(mut cut: Cut<'_>) {
    let (inner, files) = bundle(&mut cut);
    let mut changed = files.clone();
    let which = usize::from(cut.byte());
    let (header, payload) = &mut changed[which / 2 % files.len()];
    edits(if which & 1 == 0 { header } else { payload }, &mut cut);
    let said = pack(&inner, &changed);
    assert_eq!(said.is_ok(), changed == files, "{:?}", said.err());
    if let Ok(archive) = said {
        assert_eq!(Some(archive.len() as u64), inner.archive_len());
    }
}

/// An archive that was changed on its way is not taken.
fn crossed(mut cut: Cut<'_>) {
    let (inner, files) = bundle(&mut cut);
    let piece = cut.short();
    let archive = pack(&inner, &files).expect("these are the files");
    let list = inner.print();
    assert_eq!(Inner::parse(&list).as_ref(), Some(&inner));
    let said = announced(&list);
    let mut changed = archive.clone();
    edits(&mut changed, &mut cut);
    // Bytes one by one take long.
    match unpack(&said, &changed, piece.max(16)) {
        Ok(found) => {
            assert!(changed == archive, "changed, and taken");
            assert!(found == (inner, files));
        }
        Err(error) => assert!(changed != archive, "{error}"),
    }
}

/// The input as a list that its sender signed, in an archive whose documents never come.
fn around(list: &[u8]) {
    let mut archive = Vec::new();
    let name_and_mode = [b"inner.json".as_slice(), &[0; 90], b"0000600\x000000000\x000000000\0"].concat();
    let size_and_time = format!("{:011o}\x0000000000000\0", list.len());
    let rest = [b"0".as_slice(), &[0; 100], b"ustar\x0000", &[0; 247]].concat();
    let parts = [name_and_mode.as_slice(), size_and_time.as_bytes()];
    let sum: u64 = parts.concat().iter().chain(&rest).map(|byte| u64::from(*byte)).sum::<u64>() + 8 * 32;
    archive.extend(parts.concat());
    archive.extend(format!("{sum:06o}\0 ").bytes());
    archive.extend(rest);
    assert_eq!(archive.len(), 512);
    archive.extend_from_slice(list);
    archive.resize(archive.len().next_multiple_of(512) + 2048, 0);
    let said = announced(list);
    let is_list = Inner::parse(list).is_some();
    match unpack(&said, &archive, 4096) {
        Err(ArchiveError::Form) => assert!(!is_list),
        Err(ArchiveError::Member(0)) => assert!(list.len() > INNER_LIMIT),
        // No document has a name of zeros.
        Err(ArchiveError::Member(1)) => assert!(is_list),
        other => panic!("not a verdict: {other:?}"),
    }
    let other = Announced { receiver: VaultId([9; 32]), ..said };
    assert!(matches!(
        unpack(&other, &archive, 4096),
        Err(ArchiveError::Form | ArchiveError::Parties | ArchiveError::Member(0))
    ));
}
