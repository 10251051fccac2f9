use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use super::text;
use super::words::ObjectKind;
use crate::crypto::Digest;
use crate::encoding::{unhex, write_hex};
use crate::id::{BundleId, DocumentId, HostId, MemberId, RequestId, VaultId};
use crate::label::{Class, Role};
use crate::note::KeyId;
use crate::time::Timestamp;

/// Longest machine code, in bytes.
pub const MAX_CODE_LEN: usize = 64;
/// Longest name of a start of the machine, in bytes.
pub const MAX_BOOT_LEN: usize = 64;

/// The text is not of the shape that this field has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a value of this shape")]
pub struct BadValue;

/// A reason or error as a code for machines: 1 to [`MAX_CODE_LEN`] of `a-z`, `0-9`, `.` and `-`. What
/// people wrote does not stand in the log in clear, and this type has no room for it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Code(String);

impl Code {
    /// The code.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Code {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b".-".contains(&byte);
        let fits = (1..=MAX_CODE_LEN).contains(&text.len()) && text.bytes().all(allowed);
        if fits { Ok(Self(text.to_owned())) } else { Err(BadValue) }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Which start of the machine an entry is from: up to [`MAX_BOOT_LEN`] ASCII letters, digits and
/// hyphens; empty where unknown.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Boot(String);

impl Boot {
    /// What a clock said, or unknown if that has another shape: an entry is not lost over it.
    pub fn from_clock(text: &str) -> Self {
        text.parse().unwrap_or_default()
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Boot {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        let fits = text.len() <= MAX_BOOT_LEN && text.bytes().all(allowed);
        if fits { Ok(Self(text.to_owned())) } else { Err(BadValue) }
    }
}

impl fmt::Display for Boot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Who did it. What is not known is absent; nothing known at all is an unknown person.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Actor {
    /// The member.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub id: Option<MemberId>,
    /// The id of the signing key that was unlocked.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub key: Option<KeyId>,
    /// The role in which it was done.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub role: Option<Role>,
}

impl Actor {
    pub(super) fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

/// What it happened to, as far as may be said in clear: no title, no path.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Object {
    /// A document's class.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub class: Option<Class>,
    /// The commitment to a document's file key.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub commitment: Option<Commitment>,
    /// Length of a document's header in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub header_len: Option<u64>,
    /// Digest of a document's header.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub header_sha256: Option<Digest>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub(super) id: Option<ObjectId>,
    #[serde(with = "text::plain")]
    pub(super) kind: ObjectKind,
    /// Digest of a document's payload.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub payload_sha256: Option<Digest>,
    /// Length of the content in bytes.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub size: Option<u64>,
}

impl Object {
    /// A thing of this kind without an id: the roster, the log, or one that could not be told.
    pub fn of_kind(kind: ObjectKind) -> Self {
        Self {
            class: None,
            commitment: None,
            header_len: None,
            header_sha256: None,
            id: None,
            kind,
            payload_sha256: None,
            size: None,
        }
    }

    /// A document.
    pub fn document(id: DocumentId) -> Self {
        Self { id: Some(ObjectId::Bytes16(id.0)), ..Self::of_kind(ObjectKind::Document) }
    }

    /// A request.
    pub fn request(id: RequestId) -> Self {
        Self { id: Some(ObjectId::Bytes16(id.0)), ..Self::of_kind(ObjectKind::Request) }
    }

    /// A bundle.
    pub fn bundle(id: BundleId) -> Self {
        Self { id: Some(ObjectId::Bytes16(id.0)), ..Self::of_kind(ObjectKind::Bundle) }
    }

    /// A host.
    pub fn host(id: HostId) -> Self {
        Self { id: Some(ObjectId::Bytes8(id.0)), ..Self::of_kind(ObjectKind::Host) }
    }

    /// A member.
    pub fn member(id: MemberId) -> Self {
        Self { id: Some(ObjectId::Bytes8(id.0)), ..Self::of_kind(ObjectKind::Member) }
    }

    /// The vault.
    pub fn vault(id: VaultId) -> Self {
        Self { id: Some(ObjectId::Bytes32(id.0)), ..Self::of_kind(ObjectKind::Vault) }
    }

    /// What kind of thing it is.
    pub fn kind(&self) -> ObjectKind {
        self.kind
    }

    /// Its id, whatever kind of thing it is; `None` where it has none or could not be told.
    pub fn id(&self) -> Option<String> {
        self.id.map(|id| id.to_string())
    }

    /// The document's id, if it is a document that could be told.
    pub fn document_id(&self) -> Option<DocumentId> {
        match (self.kind, self.id?) {
            (ObjectKind::Document, ObjectId::Bytes16(id)) => Some(DocumentId(id)),
            _ => None,
        }
    }

    /// The request's id, if it is a request.
    pub fn request_id(&self) -> Option<RequestId> {
        match (self.kind, self.id?) {
            (ObjectKind::Request, ObjectId::Bytes16(id)) => Some(RequestId(id)),
            _ => None,
        }
    }

    /// The bundle's id, if it is a bundle.
    pub fn bundle_id(&self) -> Option<BundleId> {
        match (self.kind, self.id?) {
            (ObjectKind::Bundle, ObjectId::Bytes16(id)) => Some(BundleId(id)),
            _ => None,
        }
    }

    /// The member's id, if it is a member.
    pub fn member_id(&self) -> Option<MemberId> {
        match (self.kind, self.id?) {
            (ObjectKind::Member, ObjectId::Bytes8(id)) => Some(MemberId(id)),
            _ => None,
        }
    }

    /// The host's id, if it is a host.
    pub fn host_id(&self) -> Option<HostId> {
        match (self.kind, self.id?) {
            (ObjectKind::Host, ObjectId::Bytes8(id)) => Some(HostId(id)),
            _ => None,
        }
    }

    /// The vault's id, if it is the vault.
    pub fn vault_id(&self) -> Option<VaultId> {
        match (self.kind, self.id?) {
            (ObjectKind::Vault, ObjectId::Bytes32(id)) => Some(VaultId(id)),
            _ => None,
        }
    }

    /// Whether the id is one that this kind of thing has.
    pub(super) fn is_sound(&self) -> bool {
        matches!(
            (self.kind, self.id),
            (_, None)
                | (
                    ObjectKind::Document | ObjectKind::Request | ObjectKind::Bundle,
                    Some(ObjectId::Bytes16(_))
                )
                | (ObjectKind::Host | ObjectKind::Member, Some(ObjectId::Bytes8(_)))
                | (ObjectKind::Vault, Some(ObjectId::Bytes32(_)))
        )
    }
}

/// An id whose kind stands beside it, told apart by its length.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ObjectId {
    Bytes8([u8; 8]),
    Bytes16([u8; 16]),
    Bytes32([u8; 32]),
}

impl FromStr for ObjectId {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        let id = match text.len() {
            16 => unhex(text).map(Self::Bytes8),
            32 => unhex(text).map(Self::Bytes16),
            64 => unhex(text).map(Self::Bytes32),
            _ => None,
        };
        id.ok_or(BadValue)
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bytes8(id) => write_hex(id, f),
            Self::Bytes16(id) => write_hex(id, f),
            Self::Bytes32(id) => write_hex(id, f),
        }
    }
}

/// A commitment to a file key: 32 bytes that say nothing about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Commitment(pub [u8; 32]);

impl FromStr for Commitment {
    type Err = BadValue;

    fn from_str(text: &str) -> Result<Self, BadValue> {
        unhex(text).map(Self).ok_or(BadValue)
    }
}

impl fmt::Display for Commitment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

/// What else belongs to an event, as far as may be said in clear.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Detail {
    /// Which attempt to send a bundle.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub attempt: Option<u64>,
    /// The bundle that a document came or went in.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub bundle: Option<BundleId>,
    /// An error or finding as a code.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub code: Option<Code>,
    /// How many.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub count: Option<u64>,
    /// The beginning of a range, or the number before a change.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub from: Option<u64>,
    /// The Ed25519 log key of a host.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some_base64")]
    pub host_key: Option<[u8; 32]>,
    /// Digest of a bundle's inner list.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub inner_sha256: Option<Digest>,
    /// Which medium of an attempt.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub medium: Option<u64>,
    /// Digest of the note that this is about.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub note_sha256: Option<Digest>,
    /// A bundle's number in its channel.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub number: Option<u64>,
    /// The id that a document has in the vault that it came from.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub origin_id: Option<DocumentId>,
    /// The vault at the other end of a channel.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub peer: Option<VaultId>,
    /// A root that was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some_base64")]
    pub root: Option<[u8; 32]>,
    /// What may not be said in clear, under the session's metadata key.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some_base64")]
    pub sealed: Option<Vec<u8>>,
    /// In which series of a channel's numbers.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub series: Option<u64>,
    /// The session's metadata key, wrapped to the catalogue key.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some_base64")]
    pub session_key: Option<Vec<u8>>,
    /// A size, in bytes or in entries.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub size: Option<u64>,
    /// The end of a range, or the number after a change.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub to: Option<u64>,
    /// The program that looked at a document, and its version.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub tool: Option<Code>,
    /// Until when, in the log of what was given a last day.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub until: Option<Timestamp>,
    /// The version of what this is about.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    pub version: Option<u64>,
}

impl Detail {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}
