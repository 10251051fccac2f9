//! The age file of a bundle, as it lies in the outbox: made once, cut and written as often as it takes.

use std::io::{self, Read};

use super::super::parallel::threads_for;
use super::super::{Code, Error, Vault};
use crate::agefile::{self, FileKey, PayloadNonce, Recipient, Wrap};
use crate::answer::{Progress, Stage};
use crate::bundle::{ArchiveError, ArchiveSource, Inner, InnerDocument, Plan, ReadSlice, Shards, encode};
use crate::id::BundleId;
use crate::store::disk::{DiskFile, ReadAt};
use crate::store::objects;
use crate::store::outbox::{self, OutboxFile};
use crate::store::staging::Staging;

/// Volumes and parity, wherever they lie.
pub(super) struct Slices {
    pub(super) plan: Plan,
    pub(super) body: Box<dyn ReadAt>,
    pub(super) parity: Option<Box<dyn ReadAt>>,
}

impl ReadSlice for Slices {
    fn read_at(&self, slice: u32, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        let left = self.plan.body_len_of(slice).saturating_sub(offset);
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(out.len());
        let out = out.get_mut(..len).unwrap_or_default();
        let (file, index) = match slice.checked_sub(self.plan.volumes()) {
            None => (&self.body, slice),
            Some(index) => (self.parity.as_ref().ok_or(io::ErrorKind::NotFound)?, index),
        };
        file.read_at(u64::from(index) * self.plan.slice_len() + offset, out)
    }
}

/// The beginning of the age file, before anything is written: with it the length of everything is known.
pub(super) struct Begun {
    file_key: FileKey,
    nonce: PayloadNonce,
    header: Vec<u8>,
    pub(super) plan: Plan,
}

impl Vault {
    /// Draws the file key and cuts the age file that is to be, on paper.
    pub(super) fn begin_body(
        &self,
        inner: &Inner,
        transfer: &Recipient,
        (volume, parity): (u64, u32),
    ) -> Result<Begun, Error> {
        let random = &*self.site.random;
        let file_key = FileKey::generate(random).map_err(|_| Code::NoRandom)?;
        let nonce = PayloadNonce::generate(random).map_err(|_| Code::NoRandom)?;
        let to: [&dyn Wrap; 1] = [transfer];
        let header = agefile::seal_header(&file_key, &agefile::wrap(&file_key, &to)?)?;
        let payload = inner.archive_len().and_then(agefile::payload_len).ok_or(Code::Internal)?;
        let len = payload.checked_add(header.len() as u64).ok_or(Code::Internal)?;
        let plan = Plan::new(len, volume, parity)
            .map_err(|error| Error::new(Code::VolumeSize).with("detail", error))?;
        Ok(Begun { file_key, nonce, header, plan })
    }

    /// Encrypts the archive into the outbox, and adds parity and the digests of all blocks. All of it is staged.
    pub(super) fn make_body(
        &self,
        staging: &Staging,
        begun: &Begun,
        (inner, headers): (&Inner, &[u8]),
        progress: &dyn Progress,
    ) -> Result<Shards, Error> {
        let place = |file| outbox::place(&self.context, inner.bundle, file);
        progress.begin(Stage::Bundling, Some(begun.plan.body_len()), None);
        let mut body = staging.create_new(&place(OutboxFile::Body))?;
        body.put(&begun.header)?;
        let mut split = Split { rest: headers };
        let mut next = |at: usize| {
            let document = inner.documents.get(at).ok_or(io::ErrorKind::InvalidInput)?;
            let header = split.next(document.header_len)?;
            let mut file = objects::open(&*self.context.disk, &self.context.layout, document.id)
                .map_err(io::Error::other)?;
            skip(&mut file, document)?;
            let payload = Told { inner: file, progress };
            Ok((header, Box::new(payload) as Box<dyn Read + Send + '_>))
        };
        let mut source = ArchiveSource::new(inner, &mut next).map_err(|_| Code::Internal)?;
        let threads = threads_for(begun.plan.body_len());
        let key = (&begun.file_key, &begun.nonce);
        let sealed = agefile::encrypt_with(threads, key, &mut source, &mut |_| (), &mut body);
        if let Some(error) = source.error() {
            return Err(changed(error));
        }
        let len = begun.header.len() as u64 + sealed?.payload_len;
        if len != begun.plan.body_len() {
            return Err(Code::Internal.into());
        }
        drop(body);
        progress.end();
        self.make_parity(staging, begun.plan, inner.bundle, progress)
    }

    fn make_parity(
        &self,
        staging: &Staging,
        plan: Plan,
        bundle: BundleId,
        progress: &dyn Progress,
    ) -> Result<Shards, Error> {
        let place = |file| outbox::place(&self.context, bundle, file);
        progress.begin(Stage::Coding, Some(plan.body_len()), None);
        let body = self.context.disk.open_at(&staging.path_of(&place(OutboxFile::Body))?)?;
        let slices = Slices { plan, body, parity: None };
        let mut parity = staging.create_new(&place(OutboxFile::Parity))?;
        let failed = |error: io::Error| super::super::convert::io(Code::Io, &error).because(error);
        let slice_len = plan.slice_len();
        let mut written = vec![0_u64; usize::try_from(plan.parity()).unwrap_or(0)];
        let mut sink = |slice: u32, bytes: &[u8]| {
            let at = usize::try_from(slice).ok().and_then(|at| written.get_mut(at));
            let at = at.ok_or(io::ErrorKind::InvalidInput)?;
            parity.seek(u64::from(slice) * slice_len + *at).map_err(io::Error::other)?;
            *at += bytes.len() as u64;
            parity.put(bytes).map_err(io::Error::other)
        };
        let threads = threads_for(plan.body_len());
        let told = |bytes: u64| progress.advance(bytes, 0);
        let shards = encode(&plan, &slices, threads, &mut sink, &told).map_err(failed)?;
        staging.create_new(&place(OutboxFile::Shards))?.put(&shards.to_bytes())?;
        progress.end();
        Ok(shards)
    }

    /// What lies in the outbox, to be written once more.
    pub(super) fn outbox_slices(&self, bundle: BundleId, plan: Plan) -> Result<Slices, Error> {
        let open = |file| self.context.disk.open_at(&outbox::place(&self.context, bundle, file));
        Ok(Slices { plan, body: open(OutboxFile::Body)?, parity: Some(open(OutboxFile::Parity)?) })
    }
}

/// Headers one after another, cut off by their listed lengths.
struct Split<'a> {
    rest: &'a [u8],
}

impl Split<'_> {
    fn next(&mut self, len: u64) -> io::Result<Vec<u8>> {
        let len = usize::try_from(len).map_err(|_| io::ErrorKind::InvalidData)?;
        let (header, rest) = self.rest.split_at_checked(len).ok_or(io::ErrorKind::InvalidData)?;
        self.rest = rest;
        Ok(header.to_vec())
    }
}

/// Passes over the header that a document has at home.
fn skip(file: &mut Box<dyn DiskFile>, document: &InnerDocument) -> io::Result<()> {
    let payload = document.payload_len().ok_or(io::ErrorKind::InvalidData)?;
    let size = file.size().map_err(io::Error::other)?;
    let header = size.checked_sub(payload).ok_or(io::ErrorKind::InvalidData)?;
    file.seek(header).map_err(io::Error::other)
}

/// A document that is not the approved one any more, or cannot be read.
fn changed(error: &ArchiveError) -> Error {
    match error {
        ArchiveError::Document(id) => Error::new(Code::DocumentChanged).with("id", id),
        ArchiveError::Source(error) => match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::NotFound => {
                Error::new(Code::TamperedPayload).with("id", "").because(error.clone())
            }
            _ => super::super::convert::io(Code::Io, error).because(error.clone()),
        },
        other => Error::new(Code::Internal).with("detail", other),
    }
}

/// Tells of the bytes that pass.
struct Told<'a, T> {
    inner: T,
    progress: &'a dyn Progress,
}

impl<T: Read> Read for Told<'_, T> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let len = self.inner.read(into)?;
        self.progress.advance(len as u64, 0);
        Ok(len)
    }
}
