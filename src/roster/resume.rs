//! The note by which officers go on with a log whose host state is lost or newer.

use super::InForce;
use crate::crypto::{Digest, PublicKey};
use crate::encoding::{base64, unbase64};
use crate::id::VaultId;
use crate::note::{Fields, FieldsReader, SignedNote, VerifierKey};

/// The first line of a note that opens a new epoch.
pub const RESUME_KIND: &str = "gapvault.resume/v1";

/// What officers signed to go on with a log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resume {
    /// The vault.
    pub vault: VaultId,
    /// The epoch that begins.
    pub epoch: u64,
    /// The size of the epoch before that is accepted.
    pub size: u64,
    /// Its root at that size.
    pub root: Digest,
    /// The roster in force.
    pub roster: Digest,
    /// The new log key.
    pub key: PublicKey,
    /// What people call the host.
    pub host: String,
}

impl Resume {
    /// The text that officers sign.
    pub fn print(&self) -> Option<String> {
        let mut fields = Fields::new(RESUME_KIND);
        fields.put("vault", self.vault);
        fields.put("epoch", self.epoch);
        fields.put("size", self.size);
        fields.put("root", self.root);
        fields.put("roster", self.roster);
        fields.put("key", base64(&self.key.0));
        fields.put("host", &self.host);
        fields.finish().ok()
    }

    fn parse(text: &str) -> Option<Self> {
        let mut fields = FieldsReader::new(text, RESUME_KIND).ok()?;
        let digest = |text: &str| text.parse::<Digest>().ok();
        let resume = Self {
            vault: fields.take_as("vault").ok()?,
            epoch: fields.take_as("epoch").ok()?,
            size: fields.take_as("size").ok()?,
            root: digest(fields.take("root").ok()?)?,
            roster: digest(fields.take("roster").ok()?)?,
            key: PublicKey(unbase64(fields.take("key").ok()?)?.try_into().ok()?),
            host: fields.take("host").ok()?.to_owned(),
        };
        fields.finish().ok()?;
        (resume.print()? == text).then_some(resume)
    }

    /// Reads a note that enough officers of this roster signed.
    pub fn verify(bytes: &[u8], roster: &InForce) -> Option<Self> {
        let note = SignedNote::parse(bytes).ok()?;
        let officers: Vec<VerifierKey> =
            roster.roster().officers().map(|officer| VerifierKey::of_member(officer.key)).collect();
        let verified = note.verify(&officers).ok()?;
        let needed = usize::try_from(roster.roster().officers_needed).ok()?.min(officers.len());
        let resume = Self::parse(verified.text())?;
        // It names the roster whose officers signed it: those of an older one have nothing to say any more.
        let ours = resume.vault == roster.vault() && resume.roster == roster.digest();
        (verified.public_keys().len() >= needed.max(1) && ours).then_some(resume)
    }
}
