use std::fmt;
use std::str::FromStr;

use super::NoteError;
use crate::crypto::{Digest, Hasher, PublicKey};
use crate::encoding::{base64, hex, unbase64, unhex, write_hex};
use crate::id::{BadId, MemberId, VaultId};

/// Longest key name, in bytes.
pub const MAX_NAME_LEN: usize = 255;

/// The signature type of plain Ed25519, the only one that verifies here.
const ED25519: u8 = 0x01;

const MEMBER_PREFIX: &str = "gapvault/m/";

/// The four bytes by which a signature line names its key; a hint, not a proof.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct KeyId(pub [u8; 4]);

impl KeyId {
    /// The first four bytes of `SHA-256(name || 0x0A || 0x01 || key)`.
    fn of(name: &str, key: &PublicKey) -> Self {
        Self::of_type(name, ED25519, key)
    }

    /// The same for a key of another signature type.
    pub fn of_type(name: &str, kind: u8, key: &PublicKey) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(name.as_bytes());
        hasher.update(&[b'\n', kind]);
        hasher.update(&key.0);
        let [a, b, c, d, ..] = hasher.finish().0;
        Self([a, b, c, d])
    }
}

/// Eight lower-case hex digits.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_hex(&self.0, f)
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeyId({self})")
    }
}

impl FromStr for KeyId {
    type Err = BadId;

    fn from_str(text: &str) -> Result<Self, BadId> {
        unhex(text).map(Self).ok_or(BadId)
    }
}

/// An Ed25519 public key under the name it signs with. Its text is `name+id+base64(0x01 || key)`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct VerifierKey {
    name: String,
    id: KeyId,
    key: PublicKey,
}

impl VerifierKey {
    /// A key under a name of 1 to [`MAX_NAME_LEN`] bytes without white space, plus or control characters.
    pub fn new(name: &str, key: PublicKey) -> Result<Self, NoteError> {
        if !is_name(name) {
            return Err(NoteError::BadName);
        }
        Ok(Self { name: name.to_owned(), id: KeyId::of(name, &key), key })
    }

    /// A member's key, under the name that follows from it.
    pub fn of_member(key: PublicKey) -> Self {
        let name = member_key_name(member_id(&key));
        let id = KeyId::of(&name, &key);
        Self { name, id, key }
    }

    /// A key that pretends to have an id, for tests of collisions.
    #[cfg(test)]
    pub(super) fn with_id(name: &str, id: KeyId, key: PublicKey) -> Self {
        Self { name: name.to_owned(), id, key }
    }

    /// The name in the signature lines.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The four-byte id in the signature lines.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// The public key.
    pub fn key(&self) -> PublicKey {
        self.key
    }
}

impl fmt::Display for VerifierKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print_vkey(&self.name, ED25519, &self.key))
    }
}

impl FromStr for VerifierKey {
    type Err = NoteError;

    fn from_str(text: &str) -> Result<Self, NoteError> {
        let (name, key) = parse_vkey(text, ED25519)?;
        Self::new(&name, key)
    }
}

/// A public key of some signature type as text: `name+id+base64(type || key)`.
pub fn print_vkey(name: &str, kind: u8, key: &PublicKey) -> String {
    let mut typed = vec![kind];
    typed.extend_from_slice(&key.0);
    format!("{name}+{}+{}", KeyId::of_type(name, kind, key), base64(&typed))
}

/// Name and key of such a text, in its one spelling.
pub fn parse_vkey(text: &str, kind: u8) -> Result<(String, PublicKey), NoteError> {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(_), Some(typed)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(NoteError::BadKey);
    };
    let typed = unbase64(typed).ok_or(NoteError::BadKey)?;
    let key = match typed.split_first() {
        Some((found, key)) if *found == kind => key.try_into().map_err(|_| NoteError::BadKey)?,
        _ => return Err(NoteError::BadKey),
    };
    let key = PublicKey(key);
    if !is_name(name) {
        return Err(NoteError::BadName);
    }
    if print_vkey(name, kind, &key) == text { Ok((name.to_owned(), key)) } else { Err(NoteError::BadKey) }
}

/// Whether `name` may stand in a signature line.
pub fn is_name(name: &str) -> bool {
    let allowed = |c: char| !(c.is_whitespace() || c.is_control() || c == '+');
    !name.is_empty() && name.len() <= MAX_NAME_LEN && name.chars().all(allowed)
}

/// A member's id: the first 8 bytes of the SHA-256 of the signing key.
pub fn member_id(key: &PublicKey) -> MemberId {
    let [a, b, c, d, e, f, g, h, ..] = Digest::of(&key.0).0;
    MemberId([a, b, c, d, e, f, g, h])
}

/// The name a member's key signs under: `gapvault/m/<id>`.
pub fn member_key_name(member: MemberId) -> String {
    format!("{MEMBER_PREFIX}{member}")
}

/// The member whose key has this name, if it is a member's.
pub fn member_of_key_name(name: &str) -> Option<MemberId> {
    name.strip_prefix(MEMBER_PREFIX)?.parse().ok()
}

/// A log's origin, which is also its log key's name: `gapvault/<first 16 hex of the vault id>/<epoch>`.
/// Epochs count from 1.
pub fn origin(vault: &VaultId, epoch: u64) -> String {
    format!("{}{epoch}", origin_prefix(vault))
}

/// The epoch of `text`, if it is an origin of `vault`.
pub fn origin_epoch(vault: &VaultId, text: &str) -> Option<u64> {
    let digits = text.strip_prefix(&origin_prefix(vault))?;
    let epoch: u64 = digits.parse().ok()?;
    // Printing it again refuses signs and leading zeros.
    (epoch > 0 && epoch.to_string() == digits).then_some(epoch)
}

fn origin_prefix(vault: &VaultId) -> String {
    let (short, _) = vault.as_bytes().split_at(8);
    format!("gapvault/{}/", hex(short))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SigningKey;

    fn key(seed: u8) -> PublicKey {
        SigningKey::from_seed([seed; 32]).public()
    }

    #[test]
    fn the_published_example_key_has_the_published_id() {
        // The verifier key of the Go checksum database, as its users have it configured.
        let text = "sum.golang.org+033de0ae+Ac4zctda0e5eza+HJyk9SxEdh+s3Ux18htTTAD8OuAn8";
        let parsed: VerifierKey = text.parse().unwrap();
        assert_eq!(parsed.name(), "sum.golang.org");
        assert_eq!(parsed.to_string(), text);
    }

    #[test]
    fn a_verifier_key_reads_as_it_prints_and_in_no_other_way() {
        let verifier = VerifierKey::new("example.com/a", key(1)).unwrap();
        let text = verifier.to_string();
        assert_eq!(text.parse(), Ok(verifier));
        let (name, rest) = text.split_once('+').unwrap();
        let (id, typed) = rest.split_once('+').unwrap();
        let mut other_type = vec![4];
        other_type.extend_from_slice(&key(1).0);
        for bad in [
            format!("{name}+{}+{typed}", id.to_uppercase()),
            format!("{name}+00000000+{typed}"),
            format!("{name}x+{id}+{typed}"),
            format!("{name}+{id}+{}", base64(&other_type)),
            format!("{text}="),
            format!("{name}+{id}"),
            format!("+{id}+{typed}"),
            format!("{text}\n"),
            String::new(),
        ] {
            assert!(bad.parse::<VerifierKey>().is_err(), "{bad}");
        }
    }

    #[test]
    fn names_have_no_blanks_no_plus_and_a_limit() {
        assert!(VerifierKey::new(&"n".repeat(MAX_NAME_LEN), key(1)).is_ok());
        let long = "n".repeat(MAX_NAME_LEN + 1);
        for bad in ["", " ", "a b", "a\u{a0}b", "a\u{2028}b", "a+b", "a\nb", "a\u{7f}", &long] {
            assert_eq!(VerifierKey::new(bad, key(1)), Err(NoteError::BadName), "{bad:?}");
        }
    }

    #[test]
    fn a_member_and_a_log_have_the_names_of_the_format() {
        let member = member_id(&key(1));
        let name = member_key_name(member);
        assert_eq!(name, format!("gapvault/m/{member}"));
        assert_eq!(member_of_key_name(&name), Some(member));
        assert_eq!(VerifierKey::of_member(key(1)), VerifierKey::new(&name, key(1)).unwrap());
        assert_eq!(member_of_key_name("gapvault/m/00"), None);
        assert_eq!(member_of_key_name("gapvault/0011223344556677/1"), None);

        let vault = VaultId([0xab; 32]);
        let text = origin(&vault, 12);
        assert_eq!(text, "gapvault/abababababababab/12");
        assert_eq!(origin_epoch(&vault, &text), Some(12));
        assert_eq!(origin_epoch(&VaultId([1; 32]), &text), None);
        for bad in ["0", "012", "+1", "", "18446744073709551616"] {
            assert_eq!(origin_epoch(&vault, &format!("gapvault/abababababababab/{bad}")), None, "{bad}");
        }
    }
}
