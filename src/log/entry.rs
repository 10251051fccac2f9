//! One event in the log: a line of canonical JSON (RFC 8785) of at most [`MAX_ENTRY_LEN`] bytes.
//!
//! Every value is a string but the version, every string is ASCII of a fixed shape, fields stand in
//! sorted order, and what is absent is left out. So an entry has one spelling, [`Entry::parse`] takes no
//! other, and nothing that a person wrote can stand in it in clear.
//!
//! ```
//! use gapvault::id::{DocumentId, HostId, SessionId};
//! use gapvault::label::Zone;
//! use gapvault::log::entry::{Category, Draft, Entry, Event, Object, Outcome};
//! use gapvault::time::{Moment, Timestamp};
//!
//! let now = Moment { time: Timestamp::from_unix_ms(0), boot: String::new(), mono_ms: 12 };
//! let mut draft = Draft::new(Event::DocumentSeal, Outcome::Ok, SessionId([1; 16]), HostId([2; 8]), Zone::Isolated, &now);
//! draft.object = Some(Object::document(DocumentId([3; 16])));
//! let entry = draft.entry(41)?;
//! assert_eq!(entry.category(), Category::DataChange);
//! assert_eq!(Entry::parse(&entry.to_bytes())?, entry);
//! # Ok::<(), gapvault::log::entry::EntryError>(())
//! ```

mod reader;
mod text;
mod values;
mod words;

use serde::{Deserialize, Serialize};

pub use values::{Actor, BadValue, Boot, Code, Commitment, Detail, MAX_BOOT_LEN, MAX_CODE_LEN, Object};
pub use words::{Category, Event, ObjectKind, Outcome, Phase};

use crate::id::{HostId, SessionId};
use crate::label::Zone;
use crate::time::{Moment, Timestamp};

/// Longest entry, in bytes.
pub const MAX_ENTRY_LEN: usize = 8192;
/// The version of the fields.
pub const VERSION: u8 = 1;

/// Why something is not an entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EntryError {
    /// Over [`MAX_ENTRY_LEN`].
    #[error("the entry is longer than the limit")]
    TooLong,
    /// Of another version than [`VERSION`], so perhaps of a newer program.
    #[error("the entry is of version {0}, which is not known")]
    UnknownVersion(u64),
    /// Not JSON, or not the fields of an entry with values of their shape.
    #[error("the entry is malformed near byte {0}")]
    Malformed(usize),
    /// The same meaning in another spelling than the canonical one.
    #[error("the entry is not in canonical form")]
    NotCanonical,
    /// Fields contradict each other: a category that is not the event's, a `ref` on anything but the end
    /// of an act, or not before the entry itself, or an object's id of another kind.
    #[error("the entry contradicts itself in \"{0}\"")]
    Contradiction(&'static str),
}

/// An entry before it has its place in the log. Category and version follow.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Who did it.
    pub actor: Actor,
    /// Which start of the machine `mono` counts from.
    pub boot: Boot,
    /// What else is to be said.
    pub detail: Detail,
    /// What happened.
    pub event: Event,
    /// On which host.
    pub host: HostId,
    /// Milliseconds since the start of the machine.
    pub mono: u64,
    /// To what.
    pub object: Option<Object>,
    /// How it went.
    pub outcome: Outcome,
    /// Where in the act this stands.
    pub phase: Phase,
    /// Why, as a code.
    pub reason: Option<Code>,
    /// The `seq` of the intent that this ends; for [`Phase::Done`] and for nothing else.
    pub closes: Option<u64>,
    /// In which run of a command.
    pub session: SessionId,
    /// When, by the wall clock.
    pub time: Timestamp,
    /// In which zone.
    pub zone: Zone,
}

impl Draft {
    /// A single act by an unknown person, to nothing in particular; the rest is filled in.
    pub fn new(
        event: Event,
        outcome: Outcome,
        session: SessionId,
        host: HostId,
        zone: Zone,
        now: &Moment,
    ) -> Self {
        Self {
            actor: Actor::default(),
            boot: Boot::from_clock(&now.boot),
            detail: Detail::default(),
            event,
            host,
            mono: now.mono_ms,
            object: None,
            outcome,
            phase: Phase::Single,
            reason: None,
            closes: None,
            session,
            time: now.time,
            zone,
        }
    }

    /// The entry at place `seq` of the log, counting from 0.
    ///
    /// Errors: it is too long, or its fields contradict each other.
    pub fn entry(self, seq: u64) -> Result<Entry, EntryError> {
        let entry = Entry(Wire {
            category: Category::of(self.event, self.outcome),
            actor: self.actor,
            boot: self.boot,
            detail: self.detail,
            event: self.event,
            host: self.host,
            mono: self.mono,
            object: self.object,
            outcome: self.outcome,
            phase: self.phase,
            reason: self.reason,
            closes: self.closes,
            seq,
            session: self.session,
            time: self.time,
            v: VERSION,
            zone: self.zone,
        });
        entry.check()?;
        if entry.to_bytes().len() > MAX_ENTRY_LEN { Err(EntryError::TooLong) } else { Ok(entry) }
    }
}

/// The fields in the order in which they are written, which RFC 8785 wants sorted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Wire {
    #[serde(default, skip_serializing_if = "Actor::is_unknown")]
    actor: Actor,
    #[serde(with = "text::plain")]
    boot: Boot,
    #[serde(with = "text::plain")]
    category: Category,
    #[serde(default, skip_serializing_if = "Detail::is_empty")]
    detail: Detail,
    #[serde(with = "text::plain")]
    event: Event,
    #[serde(with = "text::plain")]
    host: HostId,
    #[serde(with = "text::plain")]
    mono: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    object: Option<Object>,
    #[serde(with = "text::plain")]
    outcome: Outcome,
    #[serde(with = "text::plain")]
    phase: Phase,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some")]
    reason: Option<Code>,
    #[serde(default, skip_serializing_if = "Option::is_none", with = "text::some", rename = "ref")]
    closes: Option<u64>,
    #[serde(with = "text::plain")]
    seq: u64,
    #[serde(with = "text::plain")]
    session: SessionId,
    #[serde(with = "text::plain")]
    time: Timestamp,
    v: u8,
    #[serde(with = "text::plain")]
    zone: Zone,
}

/// An entry of the log: well-formed, within the limit, free of contradictions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry(Wire);

impl Entry {
    /// Reads an entry in its one spelling: [`Entry::to_bytes`] gives the same bytes.
    pub fn parse(bytes: &[u8]) -> Result<Self, EntryError> {
        if bytes.len() > MAX_ENTRY_LEN {
            return Err(EntryError::TooLong);
        }
        let entry = match reader::read(bytes) {
            Some(wire) => Self(wire),
            None => Self::parse_slowly(bytes)?,
        };
        entry.check()?;
        Ok(entry)
    }

    /// Through JSON and back: says what is wrong with bytes that are no entry.
    fn parse_slowly(bytes: &[u8]) -> Result<Self, EntryError> {
        let wire: Wire = serde_json::from_slice(bytes).map_err(|error| malformed(bytes, &error))?;
        if wire.v != VERSION {
            return Err(EntryError::UnknownVersion(u64::from(wire.v)));
        }
        let entry = Self(wire);
        if entry.to_bytes() == bytes { Ok(entry) } else { Err(EntryError::NotCanonical) }
    }

    /// The line as it is stored and hashed, without a newline.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(768);
        let written = serde_json::to_writer(&mut out, &self.0);
        // Keys are strings and a `Vec` takes every write, so there is nothing to fail.
        debug_assert!(written.is_ok(), "an entry serialises");
        out
    }

    /// The same as an object of JSON.
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::to_value(&self.0).unwrap_or_default()
    }

    /// What happened.
    pub fn event(&self) -> Event {
        self.0.event
    }

    /// How it went.
    pub fn outcome(&self) -> Outcome {
        self.0.outcome
    }

    /// Which of the auditor's six kinds it is.
    pub fn category(&self) -> Category {
        self.0.category
    }

    /// Where in the act it stands.
    pub fn phase(&self) -> Phase {
        self.0.phase
    }

    /// The `seq` of the intent that this ends (`ref`).
    pub fn closes(&self) -> Option<u64> {
        self.0.closes
    }

    /// Its place in the log, from 0.
    pub fn seq(&self) -> u64 {
        self.0.seq
    }

    /// Who did it.
    pub fn actor(&self) -> &Actor {
        &self.0.actor
    }

    /// To what.
    pub fn object(&self) -> Option<&Object> {
        self.0.object.as_ref()
    }

    /// What else is said.
    pub fn detail(&self) -> &Detail {
        &self.0.detail
    }

    /// Why, as a code.
    pub fn reason(&self) -> Option<&Code> {
        self.0.reason.as_ref()
    }

    /// When, by the wall clock of the host.
    pub fn time(&self) -> Timestamp {
        self.0.time
    }

    /// Which start of the machine [`Entry::mono`] counts from.
    pub fn boot(&self) -> &Boot {
        &self.0.boot
    }

    /// Milliseconds since that start.
    pub fn mono(&self) -> u64 {
        self.0.mono
    }

    /// In which run of a command.
    pub fn session(&self) -> SessionId {
        self.0.session
    }

    /// On which host.
    pub fn host(&self) -> HostId {
        self.0.host
    }

    /// In which zone.
    pub fn zone(&self) -> Zone {
        self.0.zone
    }

    fn check(&self) -> Result<(), EntryError> {
        let wire = &self.0;
        if wire.category != Category::of(wire.event, wire.outcome) {
            return Err(EntryError::Contradiction("category"));
        }
        let ref_fits = match wire.closes {
            Some(intent) => wire.phase == Phase::Done && intent < wire.seq,
            None => wire.phase != Phase::Done,
        };
        if !ref_fits {
            return Err(EntryError::Contradiction("ref"));
        }
        if !wire.object.as_ref().is_none_or(Object::is_sound) {
            return Err(EntryError::Contradiction("object"));
        }
        Ok(())
    }
}

/// Why serde refused: an entry of another version first of all, since its fields may be others.
fn malformed(bytes: &[u8], error: &serde_json::Error) -> EntryError {
    #[derive(Deserialize)]
    struct Version {
        v: u64,
    }
    match serde_json::from_slice(bytes) {
        Ok(Version { v }) if v != u64::from(VERSION) => EntryError::UnknownVersion(v),
        _ => EntryError::Malformed(error.column()),
    }
}

#[cfg(test)]
mod tests;
