//! Who does what to which document: the request, and the two tokens that carry the order of every verb.
//!
//! A [`Grant`] is made only by `policy`, a [`Recorded`] only by a durable append in `store`. Staging asks for
//! the first, publishing and releasing for the second, so no verb can be written in another order.

use crate::id::MemberId;
use crate::label::Class;

/// What somebody wants to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Make the vault that the roster founds.
    Found,
    /// Put documents of a class in.
    Seal(Class),
    /// Get the content of a document of a class.
    Open(Class),
    /// See titles and names.
    SeeTitles,
    /// Destroy a document of a class.
    Destroy(Class),
    /// Change who can read documents of a class, by a new header or a new file key.
    Rewrap(Class),
    /// Change the roster.
    ChangeRoster,
    /// Let this host write.
    EnrolHost,
    /// Go on with a log whose host state is lost or newer.
    Resume,
}

/// A member's wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// Who.
    pub member: MemberId,
    /// What.
    pub action: Action,
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// The roster does not name this member.
    NotAMember,
    /// No clearance for the class.
    Clearance,
    /// No right to see titles.
    Titles,
    /// Another role's work.
    Role,
}

/// A request that policy has allowed.
#[derive(Debug)]
#[must_use = "a grant that is not used was not needed"]
pub struct Grant {
    request: Request,
}

impl Grant {
    /// Made by `policy` alone; `tests/it/tidy.rs` holds that.
    pub(crate) fn issue(request: Request) -> Self {
        Self { request }
    }

    /// Who.
    pub fn member(&self) -> MemberId {
        self.request.member
    }

    /// What.
    pub fn action(&self) -> Action {
        self.request.action
    }
}

/// Proof that entries are durable in the log and anchored in the host's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "publish or release what was recorded"]
pub struct Recorded {
    epoch: u64,
    first: u64,
    count: u64,
}

impl Recorded {
    /// Made by a durable append in `store` alone; `tests/it/tidy.rs` holds that.
    #[cfg_attr(not(feature = "vault"), allow(dead_code))]
    pub(crate) fn at(epoch: u64, first: u64, count: u64) -> Self {
        Self { epoch, first, count }
    }

    /// The epoch of the log.
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The first of the entries.
    pub fn first(&self) -> u64 {
        self.first
    }

    /// How many entries.
    pub fn count(&self) -> u64 {
        self.count
    }
}
