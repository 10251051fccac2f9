//! What work gives back: a report that becomes one JSON object, and on the way how far it is.

use serde::Serialize;

/// An answer that becomes one JSON object.
pub trait Report: Serialize {
    /// The value of its `schema` field.
    const SCHEMA: &'static str;
}

/// Gives reports their schemas.
macro_rules! reports {
    ($($name:ident = $schema:literal),+ $(,)?) => {
        $(impl crate::answer::Report for $name { const SCHEMA: &'static str = $schema; })+
    };
}

pub(crate) use reports;

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Looking for files.
    Reading,
    /// Encrypting.
    Sealing,
    /// Reading sealed documents back before originals are removed.
    ReadingBack,
    /// Decrypting.
    Opening,
    /// Making headers anew.
    Rewrapping,
    /// Encrypting anew.
    Rekeying,
    /// Checking.
    Verifying,
    /// Bringing the index up to the log.
    Replaying,
    /// Making the index anew.
    Indexing,
    /// Encrypting a bundle.
    Bundling,
    /// Computing parity.
    Coding,
    /// Writing to a medium.
    Writing,
    /// Comparing what is on a medium with what was written.
    Comparing,
    /// Copying from a medium.
    Copying,
    /// Mending what is damaged.
    Mending,
    /// Decrypting what came in.
    Unpacking,
    /// Looking at what came in.
    Scanning,
}

/// Somebody who is told.
pub trait Progress: Sync {
    /// A stage begins; totals where they are known.
    fn begin(&self, stage: Stage, bytes: Option<u64>, items: Option<u64>);
    /// So much more is done.
    fn advance(&self, bytes: u64, items: u64);
    /// The stage is over.
    fn end(&self);
}

/// Nobody is told.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoProgress;

impl Progress for NoProgress {
    fn begin(&self, _stage: Stage, _bytes: Option<u64>, _items: Option<u64>) {}
    fn advance(&self, _bytes: u64, _items: u64) {}
    fn end(&self) {}
}

/// Tells of the bytes that pass.
pub struct Counted<'a, T: ?Sized> {
    /// What they pass through.
    pub inner: &'a mut T,
    /// Who is told.
    pub progress: &'a dyn Progress,
}

impl<T: std::io::Read + ?Sized> std::io::Read for Counted<'_, T> {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        let len = self.inner.read(into)?;
        self.progress.advance(len as u64, 0);
        Ok(len)
    }
}

impl<T: ?Sized> std::fmt::Debug for Counted<'_, T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Counted(..)")
    }
}
