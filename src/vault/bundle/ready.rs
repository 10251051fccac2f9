//! A document in quarantine is made ready to be let in: looked at, and with a header for the own class key in front of it.

use std::io::{self, Read as _};

use super::super::parallel::{self, threads_for};
use super::super::{Code, Error, Vault};
use super::scan::{Scan, Scanner};
use super::unpack::{expected_of, split};
use crate::agefile::{Identity as Key, Recipient, Unwrap, Wrap};
use crate::answer::{Progress, Stage};
use crate::bundle::{Inner, InnerDocument};
use crate::crypto::Hasher;
use crate::document::Meta;
use crate::id::{BundleId, DocumentId};
use crate::label::Class;
use crate::sealed::{Expected, KnownHeader, MetadataSession, NewHeader};
use crate::store::quarantine::{self, QuarantineFile};
use crate::store::staging::Staging;

/// Bytes that are read at once.
const READ_LEN: usize = 1 << 20;
/// Each document is worth a thread: they are read whole.
const WORTH: usize = 2;

/// What letting in takes.
pub(super) struct Keys {
    pub(super) bundle: BundleId,
    pub(super) transfer: Vec<Key>,
    pub(super) classes: Vec<(Class, Recipient)>,
    /// For those who may see titles: with them metadata are looked at, and written anew where an id is taken.
    pub(super) titles: Option<Vec<Key>>,
    pub(super) metadata: MetadataSession,
}

/// A document that is ready to be recorded.
pub(super) struct Ready {
    pub(super) id: DocumentId,
    pub(super) document: InnerDocument,
    pub(super) new: Expected,
    pub(super) scan: &'static str,
}

impl Vault {
    /// Looks at every document, makes its new header and puts it in front of it. Also gives the program that looked.
    pub(super) fn make_ready(
        &self,
        staging: &Staging,
        (inner, headers): (&Inner, &[u8]),
        keys: &Keys,
        ids: &[DocumentId],
        check: Option<&str>,
        progress: &dyn Progress,
    ) -> Result<(Vec<Ready>, Option<crate::log::entry::Code>), Error> {
        let scanner = check.map(Scanner::new).transpose()?;
        let headers = split(inner, headers)?;
        let total = inner.documents.iter().filter_map(InnerDocument::payload_len).sum();
        let stage = if scanner.is_some() { Stage::Scanning } else { Stage::Rewrapping };
        progress.begin(stage, Some(total), Some(ids.len() as u64));
        let one = |at: usize| {
            let document = inner.documents.get(at).ok_or(Code::Internal)?;
            let (header, id) = headers.get(at).zip(ids.get(at)).ok_or(Code::Internal)?;
            let done = self.ready(staging, (document, header, *id), keys, scanner.as_ref(), progress);
            progress.advance(0, 1);
            done
        };
        // A program that looks at documents is started once at a time: it may take all of the machine.
        let worth = if scanner.is_some() { usize::MAX } else { WORTH };
        let done = parallel::for_each(ids.len(), worth, one);
        progress.end();
        let ready: Result<Vec<Ready>, Error> =
            done.into_iter().map(|result| result.unwrap_or_else(|| Err(Code::Internal.into()))).collect();
        let ready = ready?;
        staging.sync()?;
        Ok((ready, scanner.and_then(|scanner| scanner.tool)))
    }

    fn ready(
        &self,
        staging: &Staging,
        (document, header, id): (&InnerDocument, &[u8], DocumentId),
        keys: &Keys,
        scanner: Option<&Scanner>,
        progress: &dyn Progress,
    ) -> Result<Ready, Error> {
        let from = quarantine::place(&self.context, keys.bundle, QuarantineFile::Document(document.id));
        let scan = match scanner {
            Some(scanner) => self.scan(&from, (document, header), keys, scanner)?,
            None => "not-scanned",
        };
        let new = self.new_header((document, header, id), keys, &from)?;
        let place = self.context.layout.document(id);
        let same_len = new.bytes.len() as u64 == document.header_len;
        if same_len {
            self.check_payload(&from, document, progress)?;
            staging.adopt(&from, &place)?;
            let mut file = self.context.disk.open_write(&staging.path_of(&place)?)?;
            file.put(&new.bytes)?;
        } else {
            let expected = expected_of(document);
            let transfer: Vec<&dyn Unwrap> = keys.transfer.iter().map(|key| key as &dyn Unwrap).collect();
            let mut source = self.context.disk.open_read(&from)?;
            source.seek(document.header_len)?;
            let committed =
                KnownHeader::parse(header, &expected)?.unlock(&transfer)?.commit(&mut source, &expected)?;
            committed.copy(&new, &mut source, &mut staging.create_new(&place)?)?;
        }
        let new = Expected {
            header_len: new.bytes.len() as u64,
            header_sha256: new.sha256,
            ..expected_of(document)
        };
        Ok(Ready { id, document: document.clone(), new, scan })
    }

    /// The header for the own class key. With the title right the metadata are looked at; they are written anew only for a new
    /// id.
    fn new_header(
        &self,
        (document, header, id): (&InnerDocument, &[u8], DocumentId),
        keys: &Keys,
        from: &std::path::Path,
    ) -> Result<NewHeader, Error> {
        let expected = expected_of(document);
        let transfer: Vec<&dyn Unwrap> = keys.transfer.iter().map(|key| key as &dyn Unwrap).collect();
        let mut file = self.context.disk.open_read(from)?;
        file.seek(document.header_len)?;
        let known = KnownHeader::parse(header, &expected)?;
        let meta = keys.titles.as_ref().map(|titles| meta_of(&known, document, titles)).transpose()?;
        let committed = known.unlock(&transfer)?.commit(&mut file, &expected)?;
        let (_, class) =
            keys.classes.iter().find(|(class, _)| *class == document.class).ok_or(Code::Internal)?;
        let to: [&dyn Wrap; 1] = [class];
        if id == document.id {
            return Ok(committed.rewrap(&to)?);
        }
        // The metadata belong to an id, and only who may see them can give them another one.
        let meta = meta.ok_or(Code::NoTitleRight)?;
        let json = Meta { id, ..meta }.print().map_err(|_| Code::TamperedMetadata)?;
        Ok(committed.rewrap_with_meta(&to, &keys.metadata, &id, &json, &*self.site.random)?)
    }

    /// The payload is still the one that came in.
    fn check_payload(
        &self,
        path: &std::path::Path,
        document: &InnerDocument,
        progress: &dyn Progress,
    ) -> Result<(), Error> {
        let mut file = self.context.disk.open_read(path)?;
        file.seek(document.header_len)?;
        let (mut hasher, mut buffer) = (Hasher::new(), vec![0; READ_LEN]);
        loop {
            let got = match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(got) => got,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(super::super::convert::io(Code::Io, &error).because(error)),
            };
            hasher.update(buffer.get(..got).unwrap_or_default());
            progress.advance(got as u64, 0);
        }
        if hasher.finish() == document.payload_sha256 {
            Ok(())
        } else {
            Err(Error::new(Code::TamperedStore).with("id", document.id))
        }
    }

    /// Hands the content to the program that looks at it.
    fn scan(
        &self,
        path: &std::path::Path,
        (document, header): (&InnerDocument, &[u8]),
        keys: &Keys,
        scanner: &Scanner,
    ) -> Result<&'static str, Error> {
        let expected = expected_of(document);
        let transfer: Vec<&dyn Unwrap> = keys.transfer.iter().map(|key| key as &dyn Unwrap).collect();
        let mut file = self.context.disk.open_read(path)?;
        file.seek(document.header_len)?;
        let committed =
            KnownHeader::parse(header, &expected)?.unlock(&transfer)?.commit(&mut file, &expected)?;
        let threads = threads_for(document.size);
        let found = scanner.look(|pipe| Ok(committed.decrypt(&mut *file, pipe, threads).map(|_| ())?))?;
        match found {
            Scan::Clean => Ok("clean"),
            Scan::Infected => Err(Error::new(Code::BundleInfected).with("id", document.id)),
        }
    }
}

/// A document's metadata as the sender wrote them: of this document, and in their one spelling.
fn meta_of(known: &KnownHeader, document: &InnerDocument, titles: &[Key]) -> Result<Meta, Error> {
    let wrong = || Error::new(Code::BundleContent).with("detail", document.id);
    let titles: Vec<&dyn Unwrap> = titles.iter().map(|key| key as &dyn Unwrap).collect();
    let key = known.wrapped_metadata_key().unwrap(&titles).map_err(|error| wrong().because(error))?;
    let json = known.open_meta(&document.id, &key).map_err(|error| wrong().because(error))?;
    let meta = Meta::parse(&json).map_err(|_| wrong())?;
    let same = meta.id == document.id && meta.size == document.size;
    if same { Ok(meta) } else { Err(wrong()) }
}
