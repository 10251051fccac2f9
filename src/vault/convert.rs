//! Each room's errors as the public one.

use super::{Code, Error};
use crate::access::Denial;
use crate::agefile;
use crate::plugin;
use crate::sealed;
use crate::store::StoreError;
use crate::store::disk::DiskError;
use crate::store::guesses::GuessError;
use crate::store::host::HostError;
use crate::store::index::IndexError;
use crate::store::lock::LockError;
use crate::store::segments::SegmentError;

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Disk(error) => error.into(),
            StoreError::Lock(LockError::Busy { holder }) => Self::new(Code::Busy).with("holder", holder),
            StoreError::Lock(LockError::Io(error)) => Self::new(Code::DamagedVault).because(error),
            StoreError::Host(error) => error.into(),
            StoreError::Index(error) => error.into(),
            StoreError::Segments(error) => error.into(),
            StoreError::Roster(error) => Self::new(Code::TamperedRoster).because(error),
            StoreError::RosterMissing => Code::TruncatedRoster.into(),
            StoreError::Policy => Code::TamperedPolicy.into(),
            StoreError::NoRandom(_) => Code::NoRandom.into(),
            StoreError::UnknownVault => Code::UnknownVault.into(),
            StoreError::Resumed { epoch } => Error::new(Code::Resumed).with("epoch", epoch),
            StoreError::VaultReplaced { expected } => Self::new(Code::VaultReplaced).with("id", expected),
            StoreError::Truncated { known, found } => {
                Self::new(Code::TruncatedLog).with("known", known).with("found", found)
            }
            StoreError::StateOlder { known, signed } => {
                Self::new(Code::TruncatedState).with("known", signed).with("found", known)
            }
            StoreError::Tampered { size } => Self::new(Code::TamperedLog).with("size", size),
            StoreError::Forked { notes } => {
                notes.into_iter().fold(Self::new(Code::Forked), |error, note| error.with("note", note))
            }
            StoreError::Checkpoints => Code::TamperedCheckpoint.into(),
            StoreError::TooManyLogKeys => Code::TooManyLogKeys.into(),
            StoreError::LogKeyMissing { .. } => Self::new(Code::TamperedLogKey).because(error),
            StoreError::NotEnrolled => Code::HostNotEnrolled.into(),
            StoreError::LogFailed(inner) => match *inner {
                StoreError::NotEnrolled => Code::HostNotEnrolled.into(),
                inner => Self::new(Code::LogFailed).with("detail", inner.to_string()).because(inner),
            },
            StoreError::Entry(what) => Self::new(Code::Internal).with("detail", what),
            StoreError::Missing(what) | StoreError::InTheWay(what) => {
                Self::new(Code::DamagedVault).with("path", what)
            }
        }
    }
}

impl From<DiskError> for Error {
    fn from(error: DiskError) -> Self {
        let code = if error.is_full() {
            Code::Full
        } else if error.is_read_only() {
            Code::ReadOnly
        } else {
            Code::Io
        };
        Self::new(code).with("path", error.path().display()).because(error)
    }
}

impl From<HostError> for Error {
    fn from(error: HostError) -> Self {
        match error {
            HostError::Disk(error) => error.into(),
            HostError::Damaged => Code::DamagedState.into(),
            HostError::Permissions(path) => Self::new(Code::StatePermissions).with("path", path.display()),
        }
    }
}

impl From<GuessError> for Error {
    fn from(error: GuessError) -> Self {
        match error {
            GuessError::LockedOut { until, minutes } => {
                Self::new(Code::LockedOut).with("minutes", minutes).with("until", until)
            }
            GuessError::Busy(error) => StoreError::from(error).into(),
            GuessError::Disk(error) => error.into(),
        }
    }
}

impl From<IndexError> for Error {
    fn from(error: IndexError) -> Self {
        match error {
            IndexError::Missing => Code::MissingIndex.into(),
            IndexError::Damaged(what) => Self::new(Code::DamagedIndex).with("detail", what),
            IndexError::Io(error) => io(Code::Io, &error).with("path", "sled").because(error),
        }
    }
}

impl From<SegmentError> for Error {
    fn from(error: SegmentError) -> Self {
        match error {
            SegmentError::Disk(error) => error.into(),
            SegmentError::Entry { at } => Self::new(Code::TamperedLog).with("size", at),
            SegmentError::Tile { level, index } => {
                Self::new(Code::DamagedTile).with("path", format!("tile/{level}/{index:03}"))
            }
        }
    }
}

/// The code for what the operating system said, with `otherwise` for what has none of its own.
pub(super) fn io(otherwise: Code, error: &std::io::Error) -> Error {
    Error::new(match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Code::Full,
        std::io::ErrorKind::ReadOnlyFilesystem => Code::ReadOnly,
        std::io::ErrorKind::AlreadyExists => Code::Exists,
        _ => otherwise,
    })
}

impl From<Denial> for Error {
    fn from(denial: Denial) -> Self {
        Self::new(match denial {
            Denial::NotAMember => Code::NotAMember,
            Denial::Clearance => Code::NoClearance,
            Denial::Titles => Code::NoTitleRight,
            Denial::Import => Code::NoImportRight,
            Denial::Role => Code::NoRole,
            Denial::Ended => Code::Ended,
            Denial::Sponsor => Code::SponsorGone,
            Denial::Zone => Code::WrongZone,
            Denial::Connected => Code::Connected,
            Denial::Reason => Code::ReasonNeeded,
            Denial::SamePerson => Code::SamePerson,
            Denial::Consents { needed, given, releaser } => {
                return Self::new(Code::ApprovalsMissing)
                    .with("needed", needed)
                    .with("given", given)
                    .with("releaser", releaser);
            }
        })
    }
}

impl From<sealed::Error> for Error {
    fn from(error: sealed::Error) -> Self {
        let code = match &error {
            sealed::Error::HeaderDigest | sealed::Error::Shape | sealed::Error::HeaderLen(_) => {
                Code::TamperedHeader
            }
            sealed::Error::Commitment => Code::TamperedCommitment,
            sealed::Error::PayloadDigest => Code::TamperedPayload,
            sealed::Error::Meta | sealed::Error::WrappedKey => Code::TamperedMetadata,
            sealed::Error::MetaTooLong(_) => return Self::new(Code::Text).with("name", "title"),
            sealed::Error::Age(age) => return of_age(age).because(error),
            _ => Code::Internal,
        };
        Self::new(code).because(error)
    }
}

fn of_age(error: &agefile::Error) -> Error {
    match error {
        agefile::Error::Read(error) => io(Code::Io, error),
        agefile::Error::Write(error) => io(Code::Io, error),
        agefile::Error::NoRandom(_) => Code::NoRandom.into(),
        agefile::Error::Payload(_) => Code::TamperedPayload.into(),
        agefile::Error::Key(error) => of_plugin(error),
        agefile::Error::NoMatch => Code::TamperedKey.into(),
        agefile::Error::Header(_) | agefile::Error::Mac => Code::TamperedHeader.into(),
        _ => Code::Internal.into(),
    }
}

/// What kept a plugin from doing its part.
fn of_plugin(error: &std::io::Error) -> Error {
    use plugin::Error as Plugin;
    let Some(error) = Plugin::in_io(error) else { return Code::Internal.into() };
    let about = |code, name: &plugin::Name| Error::new(code).with("name", name.program());
    match error {
        Plugin::NotFound(name) => about(Code::NoPlugin, name),
        Plugin::Unsafe { path } => Error::new(Code::PluginPermissions).with("path", path.display()),
        Plugin::TimedOut(name) => about(Code::PluginTimeout, name),
        Plugin::Ended(name) => about(Code::PluginFailed, name),
        Plugin::Start { name, source } => about(Code::PluginFailed, name).with("detail", source),
        Plugin::Protocol { name, what } => about(Code::PluginFailed, name).with("detail", what),
        Plugin::Said { name, message } => about(Code::TokenRefused, name).with("detail", message),
    }
}

impl From<agefile::Error> for Error {
    fn from(error: agefile::Error) -> Self {
        of_age(&error).because(error)
    }
}
