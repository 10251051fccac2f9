//! What somebody asks for and others consent to: two notes, `gapvault.request/v1` and `gapvault.approval/v1`.
//!
//! A request is signed by who asks. An approval names the digest of the request's text, the action and the part it is given
//! in, so that it counts for this request alone; who may give it is decided when it is counted.

use std::fmt::Display;

use crate::access::Consent;
use crate::crypto::Digest;
use crate::id::{BundleId, DocumentId, MemberId, RequestId, VaultId};
use crate::label::{Class, labels};
use crate::note::{Fields, FieldsReader, SignedNote, VerifierKey};
use crate::roster::Roster;
use crate::time::Timestamp;

/// The first line of a request.
pub const REQUEST_KIND: &str = "gapvault.request/v1";
/// The first line of an approval.
pub const APPROVAL_KIND: &str = "gapvault.approval/v1";
/// The most documents of one request.
pub const OBJECT_LIMIT: usize = 1000;
/// The longest time that a request can wait: 31 days.
const LONGEST_MS: i64 = 31 * 24 * 60 * 60 * 1000;
const NONE: &str = "none";

labels!(
    /// What can be asked for.
    Wanted {
        /// To open documents.
        Open = "open",
        /// To destroy documents.
        Destroy = "destroy",
        /// To put documents into another class.
        Relabel = "relabel",
        /// To put a new roster, and with it keys and policy, in force.
        Roster = "roster",
        /// To work for a time on a machine that is connected.
        Exception = "exception",
        /// To send documents to another vault.
        Export = "export",
    }
);

labels!(
    /// In which part somebody consents.
    Part {
        /// As one who approves.
        Approver = "approver",
        /// As the person who releases.
        Releaser = "releaser",
    }
);

/// Not a request or an approval that counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadAsk {
    /// The text is not one, in the one spelling that we write.
    #[error("malformed")]
    Malformed,
    /// Whom it names did not sign it.
    #[error("not signed by the member it names")]
    Signature,
    /// Whom it names is no member, or not any more.
    #[error("of nobody in the roster")]
    Nobody,
    /// It is of another vault, request or action.
    #[error("of something else")]
    Other,
}

/// What is to be sent. The list is under the digest: a request travels with the bundle, and says no more than its manifest.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Export {
    /// The bundle.
    pub bundle: BundleId,
    /// The vault that is to receive it.
    pub receiver: VaultId,
    /// The digest of the inner list.
    pub inner: Digest,
    /// The most bytes that a volume may have.
    pub volume: u64,
    /// Parity in percent of the volumes.
    pub parity: u32,
    /// From when on it is not to be imported any more.
    pub not_after: Timestamp,
}

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ask {
    /// The vault.
    pub vault: VaultId,
    /// Its id.
    pub id: RequestId,
    /// What is to be done.
    pub wanted: Wanted,
    /// The class that documents are to have.
    pub to: Option<Class>,
    /// Who asks.
    pub requester: MemberId,
    /// When.
    pub created: Timestamp,
    /// From when on it counts no more.
    pub until: Timestamp,
    /// The digest of the file that holds the reason, for the eyes of those who approve.
    pub reason: Option<Digest>,
    /// The digest of the note that is to be in force.
    pub note: Option<Digest>,
    /// What is to be sent.
    pub export: Option<Export>,
    /// Documents, by id and the digest of their payload, sorted by id, none twice.
    pub objects: Vec<(DocumentId, Digest)>,
}

impl Ask {
    /// The text that the requester signs.
    pub fn print(&self) -> Option<String> {
        let mut out = Fields::new(REQUEST_KIND);
        out.put("vault", self.vault);
        out.put("id", self.id);
        out.put("action", self.wanted);
        out.put("to", or_none(self.to));
        out.put("requester", self.requester);
        out.put("created", self.created);
        out.put("until", self.until);
        out.put("reason", or_none(self.reason));
        out.put("note", or_none(self.note));
        if let Some(export) = &self.export {
            out.put("bundle", export.bundle);
            out.put("receiver", export.receiver);
            out.put("inner", export.inner);
            out.put("volume", export.volume);
            out.put("parity", export.parity);
            out.put("not-after", export.not_after);
        }
        for (id, payload) in &self.objects {
            out.put(&format!("object.{id}"), payload);
        }
        out.finish().ok()
    }

    fn parse(text: &str) -> Option<Self> {
        let mut fields = FieldsReader::new(text, REQUEST_KIND).ok()?;
        let mut ask = Self {
            vault: fields.take_as("vault").ok()?,
            id: fields.take_as("id").ok()?,
            wanted: fields.take_as("action").ok()?,
            to: optional(fields.take("to").ok()?)?,
            requester: fields.take_as("requester").ok()?,
            created: fields.take_as("created").ok()?,
            until: fields.take_as("until").ok()?,
            reason: optional(fields.take("reason").ok()?)?,
            note: optional(fields.take("note").ok()?)?,
            export: None,
            objects: Vec::new(),
        };
        if ask.wanted == Wanted::Export {
            ask.export = Some(Export {
                bundle: fields.take_as("bundle").ok()?,
                receiver: fields.take_as("receiver").ok()?,
                inner: fields.take_as("inner").ok()?,
                volume: fields.take_as("volume").ok()?,
                parity: fields.take_as("parity").ok()?,
                not_after: fields.take_as("not-after").ok()?,
            });
        }
        for (key, payload) in fields.take_prefixed("object.") {
            ask.objects.push((key.parse().ok()?, payload.parse().ok()?));
        }
        fields.finish().ok()?;
        let sorted = ask.objects.windows(2).all(|pair| matches!(pair, [one, next] if one.0 < next.0));
        (sorted && ask.is_sound() && ask.print()? == text).then_some(ask)
    }

    /// Each action has what it is about, and nothing else.
    pub fn is_sound(&self) -> bool {
        let documents = matches!(self.wanted, Wanted::Open | Wanted::Destroy | Wanted::Relabel);
        let note = matches!(self.wanted, Wanted::Roster | Wanted::Exception);
        note == self.note.is_some()
            && documents != self.objects.is_empty()
            && (self.wanted == Wanted::Export) == self.export.is_some()
            && self.export.is_none_or(|export| export.parity <= 100 && self.created < export.not_after)
            && self.objects.len() <= OBJECT_LIMIT
            && (self.wanted == Wanted::Relabel) == self.to.is_some()
            && self.created < self.until
            && self.until.unix_ms() - self.created.unix_ms() <= LONGEST_MS
    }

    /// Reads a request that the member it names has signed; also gives the digest that approvals name.
    ///
    /// # Errors
    /// [`BadAsk`].
    pub fn verify(note: &[u8], vault: VaultId, roster: &Roster) -> Result<(Self, Digest), BadAsk> {
        let note = SignedNote::parse(note).map_err(|_| BadAsk::Malformed)?;
        let ask = Self::parse(note.text()).ok_or(BadAsk::Malformed)?;
        if ask.vault != vault {
            return Err(BadAsk::Other);
        }
        signed_by(&note, ask.requester, roster)?;
        Ok((ask, note.digest()))
    }
}

/// One person's consent to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    /// The vault.
    pub vault: VaultId,
    /// What is to be done.
    pub wanted: Wanted,
    /// In which part.
    pub part: Part,
    /// The digest of the request's text.
    pub request: Digest,
    /// Who consents.
    pub member: MemberId,
    /// From when on it counts no more.
    pub until: Timestamp,
}

impl Approval {
    /// The text that is signed.
    pub fn print(&self) -> Option<String> {
        let mut out = Fields::new(APPROVAL_KIND);
        out.put("vault", self.vault);
        out.put("action", self.wanted);
        out.put("part", self.part);
        out.put("request", self.request);
        out.put("member", self.member);
        out.put("until", self.until);
        out.finish().ok()
    }

    fn parse(text: &str) -> Option<Self> {
        let mut fields = FieldsReader::new(text, APPROVAL_KIND).ok()?;
        let approval = Self {
            vault: fields.take_as("vault").ok()?,
            wanted: fields.take_as("action").ok()?,
            part: fields.take_as("part").ok()?,
            request: fields.take_as("request").ok()?,
            member: fields.take_as("member").ok()?,
            until: fields.take_as("until").ok()?,
        };
        fields.finish().ok()?;
        (approval.print()? == text).then_some(approval)
    }

    /// Reads an approval of this very request, signed by the member it names.
    ///
    /// # Errors
    /// [`BadAsk`].
    pub fn verify(note: &[u8], ask: &Ask, digest: Digest, roster: &Roster) -> Result<Self, BadAsk> {
        let note = SignedNote::parse(note).map_err(|_| BadAsk::Malformed)?;
        let approval = Self::parse(note.text()).ok_or(BadAsk::Malformed)?;
        if (approval.vault, approval.wanted, approval.request) != (ask.vault, ask.wanted, digest) {
            return Err(BadAsk::Other);
        }
        signed_by(&note, approval.member, roster)?;
        Ok(approval)
    }

    /// What it means for a decision, unless its time is over.
    pub fn consent(&self, now: Timestamp) -> Option<Consent> {
        (now < self.until).then_some(Consent { member: self.member, releases: self.part == Part::Releaser })
    }
}

fn signed_by(note: &SignedNote, member: MemberId, roster: &Roster) -> Result<(), BadAsk> {
    let member = roster.member(member).ok_or(BadAsk::Nobody)?;
    let key = VerifierKey::of_member(member.key);
    note.verify(&[key]).map(|_| ()).map_err(|_| BadAsk::Signature)
}

fn or_none(value: Option<impl Display>) -> String {
    value.map_or_else(|| NONE.to_owned(), |value| value.to_string())
}

fn optional<T: std::str::FromStr>(text: &str) -> Option<Option<T>> {
    if text == NONE { Some(None) } else { text.parse().ok().map(Some) }
}

#[cfg(test)]
mod tests {
    use super::super::tests::{person, roster};
    use super::*;
    use crate::crypto::SigningKey;
    use crate::label::{Role, Zone};
    use crate::note::{member_id, member_key_name};

    fn key(seed: u8) -> SigningKey {
        SigningKey::from_seed([seed; 32])
    }

    fn office() -> Roster {
        let member = |seed| {
            let public = key(seed).public();
            crate::roster::Member { id: member_id(&public), key: public, ..person(seed, Role::Officer) }
        };
        roster(Zone::Networked, vec![member(1), member(2)])
    }

    fn signed(text: &str, by: &SigningKey) -> Vec<u8> {
        let name = member_key_name(member_id(&by.public()));
        SignedNote::sign(text, &[(&name, by)]).unwrap().print().into_bytes()
    }

    fn ask() -> Ask {
        Ask {
            vault: VaultId([7; 32]),
            id: RequestId([8; 16]),
            wanted: Wanted::Destroy,
            to: None,
            requester: member_id(&key(1).public()),
            created: Timestamp::from_unix_ms(1_000),
            until: Timestamp::from_unix_ms(2_000),
            reason: Some(Digest([3; 32])),
            note: None,
            export: None,
            objects: vec![(DocumentId([1; 16]), Digest([1; 32])), (DocumentId([2; 16]), Digest([2; 32]))],
        }
    }

    fn approval(of: Digest) -> Approval {
        let member = member_id(&key(2).public());
        let until = Timestamp::from_unix_ms(2_000);
        let (vault, wanted, part) = (VaultId([7; 32]), Wanted::Destroy, Part::Approver);
        Approval { vault, wanted, part, request: of, member, until }
    }

    #[test]
    fn a_request_is_read_as_it_was_signed_and_by_whom() {
        let (vault, roster) = (VaultId([7; 32]), office());
        let text = ask().print().unwrap();
        let (read, digest) = Ask::verify(&signed(&text, &key(1)), vault, &roster).unwrap();
        assert_eq!((read, digest), (ask(), Digest::of(text.as_bytes())));
        let refused = |note: &[u8], vault| Ask::verify(note, vault, &roster).unwrap_err();
        assert_eq!(refused(&signed(&text, &key(2)), vault), BadAsk::Signature, "by another member");
        assert_eq!(refused(&signed(&text, &key(9)), vault), BadAsk::Signature, "by a stranger");
        assert_eq!(refused(&signed(&text, &key(1)), VaultId([6; 32])), BadAsk::Other);
        for (from, to) in [
            ("action destroy", "action open"),
            ("to none", "to important"),
            ("action destroy\nto none", "action relabel\nto none"),
            ("note none", &format!("note {}", Digest([1; 32]))),
            ("created 1970-01-01T00:00:01.000Z", "created 1970-01-01T00:00:02.000Z"),
        ] {
            let other = text.replacen(from, to, 1);
            assert_ne!(other, text);
            let fine = to == "action open";
            let got = Ask::verify(&signed(&other, &key(1)), vault, &roster);
            assert_eq!(got.is_ok(), fine, "{to}");
            // Whatever it says, it is not what was signed before.
            let mut forged = signed(&text, &key(1));
            let old = String::from_utf8(forged).unwrap().replacen(from, to, 1);
            forged = old.into_bytes();
            assert!(Ask::verify(&forged, vault, &roster).is_err(), "{to}");
        }
    }

    #[test]
    fn an_approval_counts_for_its_request_and_action_alone() {
        let (vault, roster) = (VaultId([7; 32]), office());
        let (ask, digest) = Ask::verify(&signed(&ask().print().unwrap(), &key(1)), vault, &roster).unwrap();
        let verify = |approval: &Approval, by| {
            Approval::verify(&signed(&approval.print().unwrap(), &key(by)), &ask, digest, &roster)
        };
        let good = approval(digest);
        assert_eq!(verify(&good, 2).unwrap(), good);
        assert_eq!(verify(&good, 1).unwrap_err(), BadAsk::Signature);
        let other = Approval { request: Digest([9; 32]), ..good.clone() };
        assert_eq!(verify(&other, 2).unwrap_err(), BadAsk::Other);
        let other = Approval { wanted: Wanted::Open, ..good.clone() };
        assert_eq!(verify(&other, 2).unwrap_err(), BadAsk::Other);
        let other = Approval { vault: VaultId([1; 32]), ..good.clone() };
        assert_eq!(verify(&other, 2).unwrap_err(), BadAsk::Other);
        let before = Timestamp::from_unix_ms(1_999);
        assert_eq!(good.consent(before), Some(Consent { member: good.member, releases: false }));
        assert_eq!(good.consent(Timestamp::from_unix_ms(2_000)), None);
        let releasing = Approval { part: Part::Releaser, ..good };
        assert!(releasing.consent(before).unwrap().releases);
    }
}
