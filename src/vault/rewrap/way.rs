//! What a run makes new: headers, file keys, or file keys under another class.

use crate::access::Action;
use crate::answer::Stage;
use crate::label::Class;
use crate::log::entry::Event;
use crate::store::index::{Place, Row};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Way {
    Rewrap,
    Rekey,
    /// Under a new file key and the key of this class.
    Relabel(Class),
}

impl Way {
    pub(in super::super) fn event(self) -> Event {
        match self {
            Self::Rewrap => Event::DocumentRewrap,
            Self::Rekey => Event::DocumentRekey,
            Self::Relabel(_) => Event::DocumentRelabel,
        }
    }

    pub(super) fn stage(self) -> Stage {
        match self {
            Self::Rewrap => Stage::Rewrapping,
            Self::Rekey | Self::Relabel(_) => Stage::Rekeying,
        }
    }

    /// The entry that has to be older than the run for this document to be done.
    pub(in super::super) fn last_done(self, row: &Row) -> Place {
        match self {
            Self::Rewrap => row.newest,
            Self::Rekey | Self::Relabel(_) => row.keyed,
        }
    }

    /// Bytes that are made anew.
    pub(super) fn payload(self, row: &Row) -> u64 {
        if self == Self::Rewrap { 0 } else { row.size }
    }

    /// The class that a document has afterwards.
    pub(super) fn class(self, row: &Row) -> Class {
        if let Self::Relabel(to) = self { to } else { row.class }
    }

    /// What is done with a document of this class.
    pub(super) fn action(self, class: Class) -> Action {
        if let Self::Relabel(to) = self { Action::Relabel { from: class, to } } else { Action::Rewrap(class) }
    }
}
