//! One run of one command: its id in the log, and the key for what it writes there sealed.

use super::{Code, Error};
use crate::agefile::Recipient;
use crate::crypto::Random;
use crate::encoding::unbase64;
use crate::id::SessionId;
use crate::identity::Identity;
use crate::log::entry::{Actor, Draft};
use crate::note::VerifierKey;
use crate::roster::{Purpose, Roster};
use crate::sealed::{MetadataSession, seal_field};

/// Longest reason in bytes of UTF-8.
pub(super) const REASON_LIMIT: usize = 1000;

pub(super) struct Session {
    id: SessionId,
    metadata: Option<MetadataSession>,
    key_told: bool,
}

impl Session {
    pub(super) fn begin(random: &dyn Random) -> Result<Self, Error> {
        let id = SessionId(random.bytes16().map_err(|_| Code::NoRandom)?);
        Ok(Self { id, metadata: None, key_told: false })
    }

    /// The same run once more, without what it has drawn.
    pub(super) fn of(id: SessionId) -> Self {
        Self { id, metadata: None, key_told: false }
    }

    pub(super) fn id(&self) -> SessionId {
        self.id
    }

    /// The session's metadata key, drawn at its first use and wrapped once to the catalogue key in force.
    pub(super) fn metadata(
        &mut self,
        roster: &Roster,
        random: &dyn Random,
    ) -> Result<&MetadataSession, Error> {
        if self.metadata.is_none() {
            let catalogue = recipient(roster, Purpose::Catalogue)?;
            self.metadata = Some(MetadataSession::start(&catalogue, random)?);
        }
        self.metadata.as_ref().ok_or_else(|| Code::Internal.into())
    }

    /// Puts a reason, sealed, into the entry that will stand at `seq`.
    pub(super) fn seal_reason(
        &mut self,
        draft: &mut Draft,
        seq: u64,
        reason: Option<&str>,
        roster: &Roster,
        random: &dyn Random,
    ) -> Result<(), Error> {
        let Some(reason) = reason else { return Ok(()) };
        if !crate::document::is_line(reason, REASON_LIMIT) {
            return Err(Error::new(Code::Text).with("name", "reason"));
        }
        let nonce = random.bytes12().map_err(|_| Code::NoRandom)?;
        let metadata = self.metadata(roster, random)?;
        let sealed = seal_field(&metadata.key, seq, nonce, reason.as_bytes())?;
        draft.detail.sealed = unbase64(&sealed);
        if !self.key_told {
            draft.detail.session_key = self.metadata.as_ref().map(|metadata| metadata.wrapped.encode());
            self.key_told = true;
        }
        Ok(())
    }
}

/// Who acts, as entries say it.
pub(super) fn actor(me: &Identity, roster: &Roster) -> Actor {
    Actor {
        id: Some(me.id()),
        key: Some(VerifierKey::of_member(me.public()).id()),
        role: roster.member(me.id()).map(|member| member.role),
    }
}

/// The newest public key for a purpose.
pub(super) fn recipient(roster: &Roster, purpose: Purpose) -> Result<Recipient, Error> {
    let (_, key) = roster.newest_key(purpose).ok_or(Code::TamperedRoster)?;
    key.parse().map_err(|_| Error::new(Code::TamperedRoster))
}
