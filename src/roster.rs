//! Who is a member and of what role, which hosts may write, and which public keys are in force.
//!
//! A vault has a chain of rosters. Version 1 is signed by the founding officers and its digest is the
//! vault's id; each next version names its predecessor's digest and is signed by the officers of that
//! predecessor. [`found`] and [`InForce::succeed`] are the only ways to a roster that counts.

mod chain;
mod resume;
mod text;

use crate::crypto::{Digest, PublicKey};
use crate::id::{HostId, MemberId, VaultId};
use crate::label::{Class, KeyKind, Role, Zone};
use crate::time::Timestamp;

pub use chain::{InForce, found};
pub use resume::{RESUME_KIND, Resume};
pub use text::{NAME_LIMIT, ROSTER_KIND, is_name};

/// Most members of one roster.
pub const MEMBER_LIMIT: usize = 2048;
/// Most hosts of one roster.
pub const HOST_LIMIT: usize = 256;

/// A roster that cannot be read or does not follow from its predecessor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RosterError {
    /// The text is not a roster in the one spelling that we write.
    #[error("malformed roster")]
    Malformed,
    /// A signature is missing, wrong, or of somebody who may not sign.
    #[error("roster not signed by enough officers")]
    Signatures,
    /// It names another vault, version or predecessor.
    #[error("roster does not follow from its predecessor")]
    Chain,
}

/// What a key of the vault is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Purpose {
    /// Titles and other metadata.
    Catalogue,
    /// The content of a class.
    Class(Class),
    /// What arrives from other vaults.
    Transfer,
}

impl Purpose {
    /// Every purpose, in the order of the roster's lines.
    pub const ALL: [Self; 4] =
        [Self::Catalogue, Self::Class(Class::Critical), Self::Class(Class::Important), Self::Transfer];

    /// The word in rosters and folder names.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Catalogue => "catalogue",
            Self::Class(class) => class.as_str(),
            Self::Transfer => "transfer",
        }
    }
}

/// One generation of one key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyName {
    /// What for.
    pub purpose: Purpose,
    /// 1 for the first, counted up by rotation.
    pub generation: u32,
}

/// `critical.2`, as entries name it.
impl std::fmt::Display for KeyName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.purpose.as_str(), self.generation)
    }
}

/// A machine that may append to the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Host {
    /// The digest's beginning of its first log key.
    pub id: HostId,
    /// Its first log key.
    pub key: PublicKey,
    /// What people call it.
    pub name: String,
}

impl Host {
    /// The id that belongs to a log key.
    pub fn id_of(key: &PublicKey) -> HostId {
        let [a, b, c, d, e, f, g, h, ..] = Digest::of(&key.0).0;
        HostId([a, b, c, d, e, f, g, h])
    }
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Member {
    /// The digest's beginning of the signing key.
    pub id: MemberId,
    /// The name on the card.
    pub name: String,
    /// The signing key.
    pub key: PublicKey,
    /// The decryption key's public half, as age writes it.
    pub recipient: String,
    /// The role.
    pub role: Role,
    /// The classes whose contents this member may open, in order, none twice.
    pub clearance: Vec<Class>,
    /// May see titles.
    pub titles: bool,
    /// May import.
    pub import: bool,
    /// May release.
    pub release: bool,
    /// Who answers for a contractor.
    pub sponsor: Option<MemberId>,
    /// The last day, as `2026-12-31`, in UTC.
    pub until: Option<String>,
    /// When the member joined.
    pub joined: Timestamp,
}

impl Member {
    /// Whether the last day is over.
    pub fn has_ended(&self, now: Timestamp) -> bool {
        self.until.as_ref().is_some_and(|until| now.day() > *until)
    }

    /// Whether the member holds the secret half of a key of this purpose.
    pub fn holds(&self, purpose: Purpose) -> bool {
        match purpose {
            Purpose::Catalogue => self.titles,
            Purpose::Class(class) => self.clearance.contains(&class),
            Purpose::Transfer => self.import,
        }
    }
}

/// The content of a roster note. It counts only inside an [`InForce`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roster {
    /// The vault, from version 2 on; version 1 *is* the vault's id.
    pub vault: Option<VaultId>,
    /// 1 for the first.
    pub version: u64,
    /// The predecessor's digest, from version 2 on.
    pub previous: Option<Digest>,
    /// When it was written.
    pub created: Timestamp,
    /// What people call the vault.
    pub name: String,
    /// Where it stands.
    pub zone: Zone,
    /// The kind of its keys.
    pub key_kind: KeyKind,
    /// How many officers sign a change.
    pub officers_needed: u32,
    /// The digest of the policy's text; none for the built-in one.
    pub policy: Option<Digest>,
    /// The vault that a drop box is for: its class keys and its catalogue key are that vault's, and nobody here has a secret
    /// half.
    pub deposit_for: Option<VaultId>,
    /// Every generation's public half, as age writes it, sorted.
    pub keys: Vec<(KeyName, String)>,
    /// Hosts that may write, sorted by id.
    pub hosts: Vec<Host>,
    /// Members, sorted by id.
    pub members: Vec<Member>,
}

impl Roster {
    /// The member of that id.
    pub fn member(&self, id: MemberId) -> Option<&Member> {
        self.members.iter().find(|member| member.id == id)
    }

    /// The host of that id.
    pub fn host(&self, id: HostId) -> Option<&Host> {
        self.hosts.iter().find(|host| host.id == id)
    }

    /// The newest generation of a key and its public half.
    pub fn newest_key(&self, purpose: Purpose) -> Option<(KeyName, &str)> {
        self.keys
            .iter()
            .filter(|(name, _)| name.purpose == purpose)
            .max_by_key(|(name, _)| name.generation)
            .map(|(name, key)| (*name, key.as_str()))
    }

    /// The public half of one generation.
    pub fn key(&self, name: KeyName) -> Option<&str> {
        self.keys.iter().find(|(known, _)| *known == name).map(|(_, key)| key.as_str())
    }

    /// The officers.
    pub fn officers(&self) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(|member| member.role == Role::Officer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SigningKey;
    use crate::note::member_id;

    pub(super) fn officer_key() -> SigningKey {
        SigningKey::from_seed([1; 32])
    }

    pub(super) fn member(key: &SigningKey, role: Role) -> Member {
        Member {
            id: member_id(&key.public()),
            name: "王小明".into(),
            key: key.public(),
            recipient: "age1example".into(),
            role,
            clearance: vec![Class::Critical, Class::Important],
            titles: true,
            import: true,
            release: true,
            sponsor: None,
            until: None,
            joined: Timestamp::from_unix_ms(0),
        }
    }

    /// A first roster with one officer and one host.
    pub(super) fn sample() -> Roster {
        let host = SigningKey::from_seed([9; 32]).public();
        let mut keys: Vec<_> = Purpose::ALL
            .into_iter()
            .map(|purpose| (KeyName { purpose, generation: 1 }, "age1key".to_owned()))
            .collect();
        keys.sort();
        Roster {
            vault: None,
            version: 1,
            previous: None,
            created: Timestamp::from_unix_ms(0),
            name: "第一庫".into(),
            zone: Zone::Isolated,
            key_kind: KeyKind::Classic,
            officers_needed: 1,
            policy: None,
            deposit_for: None,
            keys,
            hosts: vec![Host { id: Host::id_of(&host), key: host, name: "desk 1".into() }],
            members: vec![member(&officer_key(), Role::Officer)],
        }
    }
}
