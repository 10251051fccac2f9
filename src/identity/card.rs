//! The card: what others need to know of a person.

use super::{Identity, IdentityError, MemberKey, is_name};
use crate::crypto::{Digest, PublicKey};
use crate::encoding::{base64, unbase64};
use crate::id::{Code, MemberId};
use crate::note::{Fields, FieldsReader, SignedNote, VerifierKey, member_id, member_key_name};
use crate::time::Timestamp;

/// The first line.
pub const CARD_KIND: &str = "gapvault.member-card/v1";

/// A card whose signature by the key that it names was verified.
///
/// That proves that its maker holds the key, not that the name is true: two people compare [`Card::code`].
#[derive(Debug, Clone)]
pub struct Card {
    /// The member id.
    pub id: MemberId,
    /// The person's name.
    pub name: String,
    /// The signing key.
    pub key: PublicKey,
    /// The decryption key's public half.
    pub recipient: MemberKey,
    /// When it was made.
    pub created: Timestamp,
    note: SignedNote,
}

impl Identity {
    /// This person's card.
    pub fn card(&self) -> Result<Card, IdentityError> {
        let mut fields = Fields::new(CARD_KIND);
        fields.put("name", &self.name);
        fields.put("id", self.id());
        fields.put("key", base64(&self.public().0));
        fields.put("recipient", self.recipient());
        fields.put("created", self.created);
        let text = fields.finish().map_err(|_| IdentityError::Name)?;
        let name = member_key_name(self.id());
        let note = SignedNote::sign(&text, &[(&name, &self.signing)]).map_err(|_| IdentityError::NotACard)?;
        Card::parse(note.print().as_bytes())
    }
}

impl Card {
    /// Reads and verifies a card.
    pub fn parse(bytes: &[u8]) -> Result<Self, IdentityError> {
        let note = SignedNote::parse(bytes).map_err(|_| IdentityError::NotACard)?;
        let card = read(note.clone()).ok_or(IdentityError::NotACard)?;
        // Self-signed: the key can only come from the text it signs, so it is read first and trusted for nothing
        // but this check.
        note.verify(&[VerifierKey::of_member(card.key)]).map_err(|_| IdentityError::CardSignature)?;
        Ok(card)
    }

    /// The card as it is kept in a file.
    pub fn print(&self) -> String {
        self.note.print()
    }

    /// The digest of its text.
    pub fn digest(&self) -> Digest {
        self.note.digest()
    }

    /// The 25 digits by which two people compare it.
    pub fn code(&self) -> Code {
        Code::of(self.digest().as_bytes())
    }
}

fn read(note: SignedNote) -> Option<Card> {
    let mut fields = FieldsReader::new(note.text(), CARD_KIND).ok()?;
    let name = fields.take("name").ok().filter(|name| is_name(name))?.to_owned();
    let id: MemberId = fields.take_as("id").ok()?;
    let key = PublicKey(unbase64(fields.take("key").ok()?)?.try_into().ok()?);
    let recipient: MemberKey = fields.take_as("recipient").ok()?;
    let created = fields.take_as("created").ok()?;
    fields.finish().ok()?;
    (member_id(&key) == id).then_some(Card { id, name, key, recipient, created, note })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::SystemRandom;
    use crate::label::KeyKind;

    fn identity() -> Identity {
        Identity::generate("王小明", KeyKind::Classic, Timestamp::from_unix_ms(0), &SystemRandom::new())
            .unwrap()
    }

    #[test]
    fn a_card_reads_as_it_prints_and_any_change_is_noticed() {
        let identity = identity();
        let card = identity.card().unwrap();
        let printed = card.print();
        let read = Card::parse(printed.as_bytes()).unwrap();
        assert_eq!((read.id, read.name.as_str(), read.code()), (identity.id(), "王小明", card.code()));
        let forged = printed.replace("王小明", "李大華");
        assert_eq!(Card::parse(forged.as_bytes()).unwrap_err(), IdentityError::CardSignature);
        for index in 0..printed.len() {
            let mut bytes = printed.clone().into_bytes();
            bytes[index] ^= 1;
            assert!(Card::parse(&bytes).is_err(), "byte {index}");
        }
    }

    #[test]
    fn names_that_are_not_names_are_refused() {
        for bad in ["", " a", "a ", "a\nb", "a\x1bb", "a\u{2028}b", &"x".repeat(super::super::NAME_LIMIT + 1)]
        {
            let got =
                Identity::generate(bad, KeyKind::Classic, Timestamp::from_unix_ms(0), &SystemRandom::new());
            assert!(matches!(got, Err(IdentityError::Name)), "{bad:?}");
        }
    }
}
