use std::io::{Read, Write};
use std::thread;

use super::commitment::Commitment;
use super::error::Error;
use super::header;
use super::open::Committed;
use super::pipe::pipe;
use super::seal::SealedSummary;
use crate::agefile::{self, FileKey, PayloadNonce, Wrap};
use crate::crypto::{Digest, Hasher, Random};

impl Committed {
    /// Encrypts the content anew into `sink`, under a fresh file key and nonce. `source` stands behind the payload's nonce;
    /// the metadata stay as they are. Two threads at least: one decrypts, the others encrypt.
    ///
    /// Only `Ok` says that the old payload was whole and the recorded one: after an error the sink holds rubbish.
    ///
    /// # Errors
    /// Those of [`decrypt`](Self::decrypt) and of [`seal_document`](super::seal_document).
    pub fn rekey(
        self,
        recipients: &[&dyn Wrap],
        random: &dyn Random,
        threads: usize,
        source: &mut (dyn Read + Send),
        sink: &mut (dyn Write + Send),
    ) -> Result<SealedSummary, Error> {
        let file_key = FileKey::generate(random)?;
        let nonce = PayloadNonce::generate(random)?;
        let (meta, len) = self.present();
        let header = header::build(&file_key, recipients, meta, len)?;
        sink.write_all(&header).map_err(agefile::Error::Write)?;
        let mut hasher = Hasher::new();
        let mut hash = |bytes: &[u8]| hasher.update(bytes);
        let (mut to, mut from) = pipe();
        let (opened, sealed): (Result<_, Error>, _) = thread::scope(|scope| {
            let opener = scope.spawn(move || {
                let opened = self.decrypt(source, &mut to, threads)?;
                to.finish();
                Ok(opened)
            });
            let key = (&file_key, &nonce);
            let sealed = agefile::encrypt_with(threads, key, &mut from, &mut hash, sink);
            // One who waits to write has to see that nobody reads any more.
            drop(from);
            let opened = opener.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            (opened, sealed)
        });
        let sealed = match (opened, sealed) {
            // The pipe breaks for both; the error is that of the end which broke first.
            (Err(Error::Age(agefile::Error::Write(_))), Err(error)) => return Err(error.into()),
            (Err(error), _) => return Err(error),
            (Ok(_), sealed) => sealed?,
        };
        Ok(SealedSummary {
            header_len: header.len() as u64,
            header_sha256: Digest::of(&header),
            payload_sha256: hasher.finish(),
            commitment: Commitment::of(&file_key, &nonce),
            plain_len: sealed.plain_len,
            payload_len: sealed.payload_len,
        })
    }
}
