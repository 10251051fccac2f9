//! A question as somebody writes it, and its answer.

use super::people::{NotFound, People};
use super::query::Query;
use crate::fault::{Code, Error};
use crate::id::VaultId;
use crate::log::entry::Entry;

/// A question, with people and a document as somebody wrote them.
#[derive(Debug, Clone, Default)]
pub struct Question {
    /// Names of members, or beginnings of their ids.
    pub members: Vec<String>,
    /// The id of a document, or its beginning.
    pub document: Option<String>,
    /// Everything else; members and document in it are put there.
    pub query: Query,
}

impl Question {
    /// Puts those in who are meant by their names.
    ///
    /// # Errors
    /// [`Code::NoMember`], [`Code::AmbiguousId`].
    pub fn name(&mut self, people: &People) -> Result<(), Error> {
        let mut found = Vec::new();
        for text in &self.members {
            found.extend(people.find(text).map_err(|error| {
                let code = if error == NotFound::Nobody { Code::NoMember } else { Code::AmbiguousId };
                Error::new(code).with("id", text)
            })?);
        }
        if !self.members.is_empty() {
            self.query.members = Some(found);
        }
        Ok(())
    }
}

/// Entries that were found, in the order of the log.
#[derive(Debug)]
pub struct Answer {
    /// The vault.
    pub vault: VaultId,
    /// Everybody who ever was a member.
    pub people: People,
    /// Entries, each with the epoch of its log; `None` where no index helps, or where so many entries are meant that all of the
    /// log is read as quickly.
    pub found: Option<Vec<(u64, Entry)>>,
}
