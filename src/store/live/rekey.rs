//! Another log key: by a command, or once the one in force has signed for many entries.
//!
//! Order: the new key into the host's state, where it has no right yet; the entry that names it; a checkpoint that both keys
//! sign, with which the host's state goes over to the new one; the proof of it beside the log; checkpoints and index; then the
//! old key is destroyed.

use std::collections::HashMap;

use super::super::error::StoreError;
use super::super::log_keys;
use super::Live;
use crate::access::{Grant, Recorded};
use crate::crypto::SigningKey;
use crate::id::SessionId;
use crate::log::entry::{Draft, Event, Object, Outcome};
use crate::log::keys::{HAND_OVER_LIMIT, HandOver};

impl Live {
    /// Goes on with another log key, as somebody was granted. The draft says who.
    pub fn rekey(
        &mut self,
        _grant: &Grant,
        draft: Draft,
        signer: &SigningKey,
        key: SigningKey,
    ) -> Result<(), StoreError> {
        if self.keys.handed.len() >= HAND_OVER_LIMIT {
            return Err(StoreError::TooManyLogKeys);
        }
        if self.keys.broken {
            return Err(StoreError::LogKeyMissing { number: self.keys.handed.len() as u64 + 1 });
        }
        self.ledger.stage_key(&key)?;
        self.hand_over(draft, Some(signer), key)
    }

    /// The same without anybody's word, once the key in force has signed for as many entries as it may.
    pub(super) fn replace_old_key(&mut self) -> Result<(), StoreError> {
        let own = self.ledger.key();
        let from = self
            .keys
            .hosts
            .iter()
            .find(|key| Some(key.verifier().key()) == own)
            .map_or(0, |key| key.begins());
        // Then the key in force stays, and whoever asks for another one is told.
        let not_now = self.keys.handed.len() >= HAND_OVER_LIMIT || self.keys.broken;
        if not_now
            || !self.ledger.can_write()
            || self.ledger.size().saturating_sub(from) < self.context.key_entries
        {
            return Ok(());
        }
        let key = SigningKey::generate(&*self.context.random)?;
        // Nobody asked for it: where there is no room for a key, another day will do.
        if self.ledger.stage_key(&key).is_err() {
            return Ok(());
        }
        let draft = self.rekey_draft(SessionId([0; 16]));
        self.hand_over(draft, None, key)
    }

    /// The first fields of the entry.
    pub fn rekey_draft(&self, session: SessionId) -> Draft {
        let mut draft = self.draft(Event::HostRekey, Outcome::Ok, session);
        draft.object = Some(Object::host(self.host_id()));
        draft
    }

    fn hand_over(
        &mut self,
        mut draft: Draft,
        signer: Option<&SigningKey>,
        key: SigningKey,
    ) -> Result<(), StoreError> {
        draft.detail.host_key = Some(key.public().0);
        let entry = draft.entry(self.ledger.size()).map_err(|error| StoreError::Entry(error.to_string()))?;
        self.index.unfinished(true);
        let recorded = self.ledger.hand_over(&entry, signer, key)?;
        self.keep_proof(&recorded)?;
        self.follow(&[entry], &HashMap::new())?;
        self.ledger.retire_keys()
    }

    fn keep_proof(&mut self, recorded: &Recorded) -> Result<(), StoreError> {
        let number = self.keys.handed.len() as u64 + 1;
        let proof = self.ledger.hand_over_proof()?;
        let own = |proof: &Vec<u8>| HandOver::parse(proof).map(|next| next.key()) == self.ledger.key();
        // Otherwise it was there once, and the log went on since.
        let proof = proof.filter(own).ok_or(StoreError::LogKeyMissing { number })?;
        log_keys::keep(&self.context, number, &proof, recorded)?;
        self.keys = log_keys::log_keys(&self.context, &self.roster, self.ledger.epoch())?;
        Ok(())
    }

    /// A kill can have come between the checkpoint that both keys signed and the proof of it.
    pub(super) fn keep_hand_over(&mut self) -> Result<(), StoreError> {
        let host = self.ledger.host();
        let own = self.ledger.key();
        if host.record().generation == 0 || self.keys.names(own) {
            return Ok(());
        }
        // The checkpoint in the host's state is what was recorded, and signed by both.
        let recorded = Recorded::at(self.ledger.epoch(), self.ledger.size(), 0);
        self.keep_proof(&recorded)
    }
}
