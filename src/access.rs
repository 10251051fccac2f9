//! Who does what to which document: the request, and the two tokens that carry the order of every verb.
//!
//! A [`Grant`] is made only by `policy`, a [`Recorded`] only by a durable append in `store`. Staging asks for
//! the first, publishing and releasing for the second, so no verb can be written in another order.

use crate::id::MemberId;
use crate::label::{Class, Zone};

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
    /// Put a document of one class into another.
    Relabel {
        /// The class it has.
        from: Class,
        /// The class it will have.
        to: Class,
    },
    /// Send a document of a class to a vault in this zone.
    Export(Class, Zone),
    /// Look into a bundle that another vault sent.
    Import,
    /// Let documents of a class in that this member imported.
    Accept(Class, MemberId),
    /// Give documents of a class new headers or new file keys, and members the keys that they may have.
    Rewrap(Class),
    /// Change the roster or the policy.
    ChangeRoster,
    /// Work for a time on a machine that an isolated vault would refuse.
    Except,
    /// Let this host write.
    EnrolHost,
    /// Go on with a log whose host state is lost or newer.
    Resume,
    /// Admit another vault, to exchange bundles with, or let it go.
    Pair,
    /// Consent to what somebody else asked for.
    Consent,
}

/// Somebody's consent to one request: signed, not over, and of a member of the roster in force.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Consent {
    /// Who.
    pub member: MemberId,
    /// Given as the person who releases, and not as one who approves.
    pub releases: bool,
}

/// A member's wish.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request<'a> {
    /// Who.
    pub member: MemberId,
    /// What.
    pub action: Action,
    /// Whether a reason was given.
    pub reason: bool,
    /// Who has consented.
    pub consents: &'a [Consent],
}

impl Request<'_> {
    /// A wish without reason and consents.
    pub fn new(member: MemberId, action: Action) -> Self {
        Self { member, action, reason: false, consents: &[] }
    }
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denial {
    /// The roster does not name this member.
    NotAMember,
    /// The membership is over.
    Ended,
    /// The sponsor is gone or over.
    Sponsor,
    /// No clearance for the class.
    Clearance,
    /// No right to see titles.
    Titles,
    /// No right to import.
    Import,
    /// Another role's work.
    Role,
    /// Not in a vault of this zone.
    Zone,
    /// The vault is isolated and the machine is not.
    Connected,
    /// A reason has to be given.
    Reason,
    /// Another person has to do it.
    SamePerson,
    /// Others have to consent first.
    Consents {
        /// How many have to approve.
        needed: u32,
        /// How many have.
        given: u32,
        /// Whether somebody has to release, and nobody has.
        releaser: bool,
    },
}

/// A request that policy has allowed.
#[derive(Debug)]
#[must_use = "a grant that is not used was not needed"]
pub struct Grant {
    member: MemberId,
    action: Action,
}

impl Grant {
    /// Made by `policy` alone; `tests/it/tidy.rs` holds that.
    pub(crate) fn issue(request: Request<'_>) -> Self {
        Self { member: request.member, action: request.action }
    }

    /// Who.
    pub fn member(&self) -> MemberId {
        self.member
    }

    /// What.
    pub fn action(&self) -> Action {
        self.action
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
