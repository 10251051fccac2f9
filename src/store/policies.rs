//! The policy that the roster in force names.

use super::error::StoreError;
use super::live::Context;
use super::rosters::{NOTE_LIMIT, find_note};
use crate::policy::Policy;
use crate::roster::Roster;

/// Reads it; where the roster names none, it is the built-in one.
pub fn in_force(context: &Context, roster: &Roster) -> Result<Policy, StoreError> {
    let Some(digest) = roster.policy else { return Ok(Policy::default()) };
    let place = context.layout.policy(digest);
    let read = |bytes: &[u8]| {
        let policy = Policy::parse(std::str::from_utf8(bytes).ok()?).ok()?;
        (policy.digest() == digest).then_some(policy)
    };
    find_note(context, &place, NOTE_LIMIT, &read)?.ok_or(StoreError::Policy)
}
