//! Volumes in staging: copied from a medium, mended, read as one age file, and unpacked.

use std::collections::HashMap;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock};

use super::super::parallel::{self, threads_for};
use super::super::{Code, Error, Vault, convert};
use super::look::{Handles, MediaSlices};
use crate::agefile::{self, Identity as Key, UnverifiedHeader, Unwrap};
use crate::answer::{Counted, Progress, Stage};
use crate::bundle::{
    Announced, ArchiveError, Bad, Core, Inner, InnerDocument, Plan, ReadSlice, Shards, SliceName, Unpack,
    Unpacker, check,
};
use crate::id::BundleId;
use crate::sealed::{Expected, KnownHeader};
use crate::store::disk::{Disk, DiskFile};
use crate::store::live::Context;
use crate::store::quarantine::{self, QuarantineFile};
use crate::store::staging::Staging;

/// Longest header of the age file around the archive: one stanza.
const HEADER_LIMIT: usize = 64 * 1024;
/// So many documents are worth a thread.
const WORTH: usize = 8;

/// Bodies of volumes and parity in staging, without their heads. Their names belong nowhere, so nothing ever publishes them.
pub(super) struct Staged {
    disk: Arc<dyn Disk>,
    plan: Plan,
    paths: Vec<PathBuf>,
    /// Which of them were there to be copied.
    there: Vec<bool>,
    handles: Handles,
}

fn slice_path(vault: &Vault, staging: &Staging, bundle: BundleId, name: SliceName) -> Result<PathBuf, Error> {
    Ok(staging.path_of(&slice_place(&vault.context, bundle, name))?)
}

fn slice_place(context: &Context, bundle: BundleId, name: SliceName) -> PathBuf {
    context.layout.quarantine(bundle).join(name.to_string())
}

impl Staged {
    /// Copies what lies on the media, and checks every block on its way: the medium is read once. Gives what is bad besides;
    /// what is torn or unreadable is copied as far as it goes.
    pub(super) fn copy(
        vault: &Vault,
        staging: &Staging,
        (bundle, shards): (BundleId, &Shards),
        media: &MediaSlices<'_>,
        progress: &dyn Progress,
    ) -> Result<(Self, Bad), Error> {
        let plan = *shards.plan();
        let disk = vault.context.disk.clone();
        let mut staged = Self { disk, plan, paths: Vec::new(), there: Vec::new(), handles: Handles::new() };
        for slice in 0..plan.slices() {
            let name = plan.slice(slice).ok_or(Code::Internal)?;
            staged.paths.push(slice_path(vault, staging, bundle, name)?);
            staged.there.push(media.is_there(slice));
            if media.is_there(slice) {
                staging.create(&slice_place(&vault.context, bundle, name))?;
            }
        }
        let total = (0..plan.slices()).map(|slice| plan.body_len_of(slice)).sum();
        progress.begin(Stage::Copying, Some(total), None);
        let copying = Copying { media, to: Mutex::new(Writer::new(&staged)), failed: OnceLock::new() };
        let told = |bytes: u64| progress.advance(bytes, 0);
        let bad = check(&plan, &copying, shards, threads_for(plan.body_len()), &told)
            .map_err(|error| convert::io(Code::Io, &error).because(error));
        if let Some(error) = copying.failed.into_inner() {
            return Err(convert::io(Code::Io, &error).because(error));
        }
        progress.end();
        Ok((staged, bad?))
    }

    /// For mending: what is missing as a whole gets a file of its own.
    pub(super) fn writer(&self) -> Result<Writer<'_>, Error> {
        for slice in 0..self.plan.volumes() {
            if let Some(path) = self.path(slice).filter(|_| !self.is_there(slice)) {
                self.disk.create_new(path)?;
            }
        }
        Ok(Writer::new(self))
    }

    fn is_there(&self, slice: u32) -> bool {
        usize::try_from(slice).ok().and_then(|at| self.there.get(at)).is_some_and(|there| *there)
    }

    fn path(&self, slice: u32) -> Option<&PathBuf> {
        self.paths.get(usize::try_from(slice).ok()?)
    }
}

/// Whoever reads from a medium through this leaves a copy in staging.
struct Copying<'a> {
    media: &'a MediaSlices<'a>,
    to: Mutex<Writer<'a>>,
    /// What staging could not take: no damage of the bundle's.
    failed: OnceLock<io::Error>,
}

impl ReadSlice for Copying<'_> {
    fn read_at(&self, slice: u32, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        if self.failed.get().is_some() {
            return Ok(0);
        }
        let got = self.media.read_at(slice, offset, out)?;
        let copied = out.get(..got).unwrap_or_default();
        let put = |mut to: MutexGuard<'_, Writer<'_>>| to.put(slice, offset, copied);
        let done = self.to.lock().map_err(|_| io::ErrorKind::Other.into()).and_then(put);
        if let Err(error) = done {
            let _ = self.failed.set(error);
            return Ok(0);
        }
        Ok(got)
    }
}

impl ReadSlice for Staged {
    fn read_at(&self, slice: u32, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        let path = self.path(slice).filter(|_| self.is_there(slice)).ok_or(io::ErrorKind::NotFound)?;
        let left = self.plan.body_len_of(slice).saturating_sub(offset);
        let len = usize::try_from(left).unwrap_or(usize::MAX).min(out.len());
        let out = out.get_mut(..len).unwrap_or_default();
        let open = || self.disk.open_at(path).map_err(io::Error::other);
        self.handles.read_at(slice, (offset, out), open)
    }
}

/// Puts blocks into their places.
pub(super) struct Writer<'a> {
    staged: &'a Staged,
    open: HashMap<u32, Box<dyn DiskFile>>,
}

/// So many files are open for it at once.
const WRITING: usize = 100;

impl<'a> Writer<'a> {
    fn new(staged: &'a Staged) -> Self {
        Self { staged, open: HashMap::new() }
    }

    pub(super) fn put(&mut self, slice: u32, offset: u64, bytes: &[u8]) -> io::Result<()> {
        if !self.open.contains_key(&slice) {
            if self.open.len() >= WRITING {
                self.open.clear();
            }
            let path = self.staged.path(slice).ok_or(io::ErrorKind::NotFound)?;
            self.open.insert(slice, self.staged.disk.open_write(path).map_err(io::Error::other)?);
        }
        let file = self.open.get_mut(&slice).ok_or(io::ErrorKind::NotFound)?;
        file.seek(offset).map_err(io::Error::other)?;
        file.put(bytes).map_err(io::Error::other)
    }
}

/// The volumes one after another: the age file.
pub(super) struct Body {
    disk: Arc<dyn Disk>,
    paths: std::vec::IntoIter<PathBuf>,
    now: Option<Box<dyn DiskFile>>,
}

impl Body {
    pub(super) fn open(
        vault: &Vault,
        staging: &Staging,
        bundle: BundleId,
        plan: Plan,
    ) -> Result<Self, Error> {
        let path = |slice| {
            let name = plan.slice(slice).ok_or(Code::Internal)?;
            slice_path(vault, staging, bundle, name)
        };
        let paths: Vec<PathBuf> = (0..plan.volumes()).map(path).collect::<Result<_, _>>()?;
        Ok(Self { disk: vault.context.disk.clone(), paths: paths.into_iter(), now: None })
    }
}

impl Read for Body {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        loop {
            if let Some(file) = &mut self.now {
                match file.read(out)? {
                    0 if !out.is_empty() => self.now = None,
                    got => return Ok(got),
                }
            }
            match self.paths.next() {
                Some(path) => self.now = Some(self.disk.open_read(&path).map_err(io::Error::other)?),
                None => return Ok(0),
            }
        }
    }
}

/// Throws the copies of volumes and parity away.
pub(super) fn discard_slices(
    vault: &Vault,
    staging: &Staging,
    bundle: BundleId,
    plan: Plan,
) -> Result<(), Error> {
    for slice in 0..plan.slices() {
        let name = plan.slice(slice).ok_or(Code::Internal)?;
        staging.discard(&slice_place(&vault.context, bundle, name))?;
    }
    Ok(())
}

/// Documents on their way into quarantine.
struct Receiving<'a> {
    staging: &'a Staging,
    context: &'a Context,
    bundle: BundleId,
    headers: Vec<u8>,
    /// What the store said, behind an error of the archive's.
    failed: Option<Error>,
}

/// A document's file; its header is kept besides.
struct Receive {
    file: Box<dyn DiskFile>,
    header: Vec<u8>,
    header_len: usize,
}

impl Write for Receive {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let missing = self.header_len.saturating_sub(self.header.len()).min(bytes.len());
        self.header.extend_from_slice(bytes.get(..missing).unwrap_or_default());
        self.file.put(bytes).map_err(io::Error::other)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Unpack for Receiving<'_> {
    type File = Receive;

    fn inner(&mut self, _inner: &Inner) -> io::Result<()> {
        Ok(())
    }

    fn document(&mut self, document: &InnerDocument) -> io::Result<Receive> {
        let place = quarantine::place(self.context, self.bundle, QuarantineFile::Document(document.id));
        match self.staging.create_new(&place) {
            Ok(file) => Ok(Receive {
                file,
                header: Vec::new(),
                header_len: usize::try_from(document.header_len).map_err(|_| io::ErrorKind::InvalidData)?,
            }),
            Err(error) => {
                self.failed = Some(error.into());
                Err(io::ErrorKind::Other.into())
            }
        }
    }

    fn done(&mut self, _document: &InnerDocument, file: Receive) -> io::Result<()> {
        self.headers.extend_from_slice(&file.header);
        Ok(())
    }
}

impl Vault {
    /// Decrypts the archive and takes it apart. Gives the list and all headers.
    pub(super) fn unpack_archive(
        &self,
        staging: &Staging,
        core: &Core,
        key: &Key,
        mut body: impl Read + Send,
        progress: &dyn Progress,
    ) -> Result<(Inner, Vec<u8>), Error> {
        let wrong = |what: String| Error::new(Code::BundleContent).with("detail", what);
        let mut front = Vec::new();
        (&mut body)
            .take(HEADER_LIMIT as u64)
            .read_to_end(&mut front)
            .map_err(|error| convert::io(Code::Io, &error).because(error))?;
        let header = UnverifiedHeader::parse(&front).map_err(|error| wrong(error.to_string()))?;
        let rest = front.get(header.len()..).unwrap_or_default().to_vec();
        let file_key = header.unlock(&[key as &dyn Unwrap]).map_err(|error| wrong(error.to_string()))?;
        let mut payload = io::Cursor::new(rest).chain(body);
        let nonce = agefile::read_nonce(&mut payload).map_err(|error| wrong(error.to_string()))?;
        let announced = Announced {
            bundle: core.link.bundle,
            sender: core.sender,
            receiver: core.receiver,
            inner: core.link.inner,
        };
        let mut receiving = Receiving {
            staging,
            context: &self.context,
            bundle: core.link.bundle,
            headers: Vec::new(),
            failed: None,
        };
        let mut unpacker = Unpacker::new(announced, &mut receiving);
        let threads = threads_for(core.plan.body_len());
        let mut source = Counted { inner: &mut payload, progress };
        let done =
            agefile::decrypt_with(threads, (&file_key, &nonce), &mut source, &mut |_| (), &mut unpacker);
        let finished = match (unpacker.error().cloned(), done) {
            (None, Err(error)) => return Err(wrong(error.to_string())),
            _ => unpacker.finish(),
        };
        match (finished, receiving.failed.take()) {
            (Ok(inner), _) => Ok((inner, receiving.headers)),
            (Err(_), Some(error)) => Err(error),
            (Err(ArchiveError::Sink(error)), None) => Err(convert::io(Code::Io, &error).because(error)),
            (Err(error), None) => Err(wrong(error.to_string())),
        }
    }

    /// Every document opens with the transfer key, and its file key is the one that the list commits to.
    pub(super) fn check_unpacked(
        &self,
        staging: &Staging,
        bundle: BundleId,
        (inner, headers): (&Inner, &[u8]),
        transfer: &[Key],
    ) -> Result<(), Error> {
        let headers = split(inner, headers)?;
        let one = |at: usize| {
            let (document, header) = inner.documents.get(at).zip(headers.get(at)).ok_or(Code::Internal)?;
            let place = quarantine::place(&self.context, bundle, QuarantineFile::Document(document.id));
            let mut file = self.context.disk.open_read(&staging.path_of(&place)?)?;
            let keys: Vec<&dyn Unwrap> = transfer.iter().map(|key| key as &dyn Unwrap).collect();
            let expected = expected_of(document);
            let wrong = |error: crate::sealed::Error| {
                let detail = format!("{} {error}", document.id);
                Error::new(Code::BundleContent).with("detail", detail)
            };
            file.seek(document.header_len)?;
            let unlocked = KnownHeader::parse(header, &expected).and_then(|known| known.unlock(&keys));
            unlocked.and_then(|unlocked| unlocked.commit(&mut file, &expected)).map_err(wrong)?;
            Ok(())
        };
        let done = parallel::for_each(inner.documents.len(), WORTH, one);
        done.into_iter().try_for_each(|result| result.unwrap_or_else(|| Err(Code::Internal.into())))
    }
}

/// What the list says of a document, as opening wants it.
pub(super) fn expected_of(document: &InnerDocument) -> Expected {
    Expected {
        header_len: document.header_len,
        header_sha256: document.header_sha256,
        payload_sha256: document.payload_sha256,
        commitment: document.commitment,
    }
}

/// The headers of all documents, cut apart.
pub(super) fn split<'a>(inner: &Inner, mut headers: &'a [u8]) -> Result<Vec<&'a [u8]>, Error> {
    let mut all = Vec::with_capacity(inner.documents.len());
    for document in &inner.documents {
        let len = usize::try_from(document.header_len).unwrap_or(usize::MAX);
        let wrong = || Error::new(Code::TamperedStore).with("id", inner.bundle);
        let (header, rest) = headers.split_at_checked(len).ok_or_else(wrong)?;
        all.push(header);
        headers = rest;
    }
    Ok(all)
}
