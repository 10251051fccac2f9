//! What somebody can make who holds the key of a member of the sending vault, or only the medium.

use std::collections::BTreeMap;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use gapvault::agefile::{self, FileKey, PayloadNonce, Recipient, Wrap};
use gapvault::bundle::{
    ArchiveSource, FileLine, Head, Inner, Manifest, Plan, Ranges, ReadSlice, Shards, encode,
};
use gapvault::crypto::{Digest, SystemRandom};
use gapvault::note::SignedNote;
use gapvault::policy::Ask;
use gapvault::roster::Purpose;
use gapvault::vault::Identity;

use super::Side;
pub(super) use crate::attacks::scene::{copy, put};
use crate::people::signed;

/// A copy of a medium, to be spoilt.
pub(super) fn copied(medium: &Path, name: &str) -> PathBuf {
    let to = medium.with_file_name(name);
    put(medium, &to);
    to
}

pub(super) fn read(medium: &Path, name: &str) -> Vec<u8> {
    std::fs::read(medium.join(name)).unwrap()
}

pub(super) fn write(medium: &Path, name: &str, bytes: impl AsRef<[u8]>) {
    std::fs::write(medium.join(name), bytes).unwrap();
}

/// Every name on a medium.
pub(super) fn names(medium: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(medium).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Every file on a medium.
pub(super) fn files(medium: &Path) -> BTreeMap<String, Vec<u8>> {
    names(medium).into_iter().map(|name| (name.clone(), read(medium, &name))).collect()
}

pub(super) fn is_slice(name: &str) -> bool {
    name.parse::<gapvault::bundle::SliceName>().is_ok()
}

pub(super) fn note(medium: &Path) -> SignedNote {
    SignedNote::parse(&read(medium, "manifest")).unwrap()
}

pub(super) fn manifest(medium: &Path) -> Manifest {
    Manifest::parse(note(medium).text()).unwrap()
}

/// Changes the manifest's text and signs it.
pub(super) fn resign_text(medium: &Path, by: &[&Identity], change: impl FnOnce(String) -> String) {
    let old = note(medium).text().to_owned();
    let new = change(old.clone());
    assert_ne!(new, old);
    write(medium, "manifest", signed(&new, by).print());
}

/// Changes the manifest and signs it.
pub(super) fn resign(medium: &Path, by: &[&Identity], change: impl FnOnce(&mut Manifest)) {
    let mut manifest = manifest(medium);
    change(&mut manifest);
    write(medium, "manifest", signed(&manifest.print().unwrap(), by).print());
}

/// Puts a file there and names it.
pub(super) fn put_file(medium: &Path, manifest: &mut Manifest, name: &str, bytes: &[u8]) {
    write(medium, name, bytes);
    let files = &mut manifest.attempt.files;
    files.retain(|line| line.name != name);
    files.push(FileLine::of(name, bytes));
    files.sort_by(|one, other| one.name.cmp(&other.name));
}

pub(super) fn drop_file(medium: &Path, manifest: &mut Manifest, name: &str) {
    std::fs::remove_file(medium.join(name)).unwrap();
    manifest.attempt.files.retain(|line| line.name != name);
}

/// Changes the request, which its requester signs, and what the manifest says of it.
pub(super) fn ask_anew(out: &Side, medium: &Path, by: &Identity, change: impl FnOnce(&mut Ask)) {
    let roster = out.roster();
    let vault = manifest(medium).core.sender;
    let (mut ask, _) = Ask::verify(&read(medium, "request"), vault, &roster).unwrap();
    change(&mut ask);
    let note = signed(&ask.print().unwrap(), &[by]);
    resign(medium, &[by], |manifest| {
        manifest.core.request = note.digest();
        put_file(medium, manifest, "request", note.print().as_bytes());
    });
}

/// An age file in memory.
pub(super) struct Body(pub(super) Plan, pub(super) Vec<u8>);

impl ReadSlice for Body {
    fn read_at(&self, slice: u32, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        let len = self.0.body_len_of(slice).saturating_sub(offset).min(out.len() as u64) as usize;
        let at = (u64::from(slice) * self.0.slice_len() + offset) as usize;
        out[..len].copy_from_slice(&self.1[at..at + len]);
        Ok(len)
    }
}

/// What is inside a bundle: the list and the files.
pub(super) struct Content {
    pub(super) inner: Inner,
    pub(super) files: Vec<Vec<u8>>,
}

impl Content {
    /// What the sender put together, read from its folders.
    pub(super) fn of(out: &Side, medium: &Path) -> Self {
        let ask =
            Ask::verify(&read(medium, "request"), manifest(medium).core.sender, &out.roster()).unwrap().0;
        let folder = out.path("v/requests").join(ask.id.to_string());
        let inner = Inner::parse(&read(&folder, "inner.json")).unwrap();
        let headers = read(&folder, "headers");
        let mut at = 0;
        let mut files = Vec::new();
        for document in &inner.documents {
            let id = document.id.to_string();
            let home = read(&out.path("v/documents").join(&id[..2]), &format!("{id}.age"));
            let payload = &home[home.len() - document.payload_len().unwrap() as usize..];
            let header = &headers[at..at + document.header_len as usize];
            at += document.header_len as usize;
            files.push([header, payload].concat());
        }
        Self { inner, files }
    }

    /// The archive as it should be.
    pub(super) fn tar(&self) -> Vec<u8> {
        let mut next = |at: usize| {
            let header = self.inner.documents[at].header_len as usize;
            let file = self.files[at].clone();
            let payload = io::Cursor::new(file[header..].to_vec());
            Ok((file[..header].to_vec(), Box::new(payload) as Box<dyn io::Read + Send>))
        };
        let mut tar = Vec::new();
        ArchiveSource::new(&self.inner, &mut next).unwrap().read_to_end(&mut tar).unwrap();
        tar
    }
}

/// The key that bundles for a vault are encrypted to.
pub(super) fn transfer_key(of: &Side) -> Recipient {
    of.roster().newest_key(Purpose::Transfer).unwrap().1.parse().unwrap()
}

/// An age file with this archive in it.
pub(super) fn encrypted(tar: &[u8], to: &Recipient) -> Vec<u8> {
    let random = SystemRandom::new();
    let (key, nonce) = (FileKey::generate(&random).unwrap(), PayloadNonce::generate(&random).unwrap());
    let to: [&dyn Wrap; 1] = [to];
    let mut body = agefile::seal_header(&key, &agefile::wrap(&key, &to).unwrap()).unwrap();
    agefile::encrypt_with(1, (&key, &nonce), &mut io::Cursor::new(tar), &mut |_| (), &mut body).unwrap();
    body
}

/// Cuts a body, and writes volumes, parity and digests in the place of those that are there.
pub(super) fn cut(medium: &Path, manifest: &mut Manifest, body: Vec<u8>, volume: u64) {
    for name in names(medium).into_iter().filter(|name| is_slice(name)) {
        std::fs::remove_file(medium.join(name)).unwrap();
    }
    let plan = Plan::new(body.len() as u64, volume, 10).unwrap();
    let body = Body(plan, body);
    let mut parity = vec![Vec::new(); plan.parity() as usize];
    let mut sink = |slice: u32, bytes: &[u8]| {
        parity[slice as usize].extend_from_slice(bytes);
        Ok(())
    };
    let shards: Shards = encode(&plan, &body, 1, &mut sink, &|_| ()).unwrap();
    for slice in 0..plan.slices() {
        let head = Head::of(&plan, manifest.core.link.bundle, manifest.attempt.number, slice).unwrap();
        let mut bytes = vec![0; plan.body_len_of(slice) as usize];
        match slice.checked_sub(plan.volumes()) {
            None => assert_eq!(body.read_at(slice, 0, &mut bytes).unwrap(), bytes.len()),
            Some(at) => bytes.clone_from(&parity[at as usize]),
        }
        write(medium, &plan.slice(slice).unwrap().to_string(), [&head.print()[..], &bytes].concat());
    }
    manifest.core.plan = plan;
    manifest.core.shards = shards.digest();
    manifest.slices = Ranges::of(&(1..=plan.slices()).collect::<Vec<_>>()).unwrap();
    put_file(medium, manifest, "shards", &shards.to_bytes());
}

/// Puts another archive into a bundle; everything that is signed says so.
pub(super) fn fill(out: &Side, inside: &Side, medium: &Path, inner: Digest, tar: &[u8]) {
    let body = encrypted(tar, &transfer_key(inside));
    resign(medium, &[&out.founder], |manifest| {
        cut(medium, manifest, body, 1 << 30);
        manifest.core.link.inner = inner;
    });
    ask_anew(out, medium, &out.founder, |ask| {
        if let Some(export) = &mut ask.export {
            export.inner = inner;
        }
    });
}

/// Flips a bit of a file.
pub(super) fn flip(medium: &Path, name: &str, at: usize) {
    let mut bytes = read(medium, name);
    bytes[at] ^= 1 << (at % 8);
    write(medium, name, bytes);
}
