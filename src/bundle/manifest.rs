//! The manifest: what the sender signed, written to each medium last.
//!
//! Its lines stand in three parts. The *core* is the same for every attempt and medium, and the log names its digest; the
//! *attempt* says what was written when; the *medium* says what of it lies here. Volumes and parity are not listed one by
//! one: their number and lengths follow from the plan, and every block of them has its digest in the file `shards`.

use super::ranges::Ranges;
use super::volume::Plan;
use crate::crypto::Digest;
use crate::id::{BundleId, Code, VaultId};
use crate::label::Zone;
use crate::note::{Fields, FieldsReader, SignedNote};
use crate::time::Timestamp;

/// The first line.
pub const BUNDLE_KIND: &str = "gapvault.bundle/v1";
/// The name of the manifest on the medium.
pub const MANIFEST_NAME: &str = "manifest";
/// The names of the slip.
pub const SLIP_NAMES: [&str; 2] = ["SLIP.html", "SLIP.txt"];
/// Most files besides volumes, parity, slip and manifest.
const FILE_LIMIT: usize = 4096;
/// Longest of those files, in bytes.
pub const FILE_LEN_LIMIT: u64 = 64 * 1024 * 1024;
/// The highest number or series: far from where arithmetic ends.
pub const NUMBER_LIMIT: u64 = 1 << 53;
const NONE: &str = "none";

/// Where in which channel a bundle stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// Counts how often officers on both sides began the channel anew, from 1.
    pub series: u64,
    /// The bundle's number in the series, from 1.
    pub number: u64,
    /// The bundle.
    pub bundle: BundleId,
    /// The digest of its inner list.
    pub inner: Digest,
}

impl Link {
    /// What the next bundle says of this one.
    pub fn digest(&self) -> Digest {
        let mut bytes = self.series.to_be_bytes().to_vec();
        bytes.extend_from_slice(&self.number.to_be_bytes());
        bytes.extend_from_slice(&self.bundle.0);
        bytes.extend_from_slice(&self.inner.0);
        Digest::of(&bytes)
    }
}

/// The same for every attempt and medium.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Core {
    /// Who sends it.
    pub sender: VaultId,
    /// Who is to receive it.
    pub receiver: VaultId,
    /// The digest of the transfer key that it is encrypted to, as age writes the key.
    pub receiver_key: Digest,
    /// Its place in the channel.
    pub link: Link,
    /// The digest of its predecessor's place; none for the first.
    pub previous: Option<Digest>,
    /// The digest of the request that was approved.
    pub request: Digest,
    /// When it was made.
    pub created: Timestamp,
    /// From a vault in this zone.
    pub from: Zone,
    /// To a vault in this zone.
    pub to: Zone,
    /// How many approvals the sender's policy asked for.
    pub approvals: u32,
    /// Whether somebody had to release it.
    pub releaser: bool,
    /// How the age file is cut.
    pub plan: Plan,
    /// The digest of the file of block digests.
    pub shards: Digest,
}

/// A file beside volumes and slip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileLine {
    /// Its name.
    pub name: String,
    /// Its length in bytes.
    pub len: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// What was written when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// From 1.
    pub number: u32,
    /// When it was written.
    pub issued: Timestamp,
    /// From when on it is not to be imported any more.
    pub not_after: Timestamp,
    /// The version of the sender's roster in force.
    pub roster: u64,
    /// Its digest.
    pub roster_digest: Digest,
    /// The newest version of the receiver's roster that the sender knows.
    pub knows: u64,
    /// The other files, sorted by name.
    pub files: Vec<FileLine>,
}

/// A manifest, well-formed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Manifest {
    /// The same for every attempt and medium.
    pub core: Core,
    /// What was written when.
    pub attempt: Attempt,
    /// Which medium this is, from 1.
    pub medium: u32,
    /// Which volumes and parity lie here.
    pub slices: Ranges,
    /// The slips, in the order of [`SLIP_NAMES`]; none before they are made.
    pub slips: Vec<FileLine>,
}

impl Core {
    fn put(&self, out: &mut Fields) {
        out.put("vault", self.sender);
        out.put("bundle", self.link.bundle);
        out.put("receiver", self.receiver);
        out.put("receiver-key", self.receiver_key);
        out.put("series", self.link.series);
        out.put("number", self.link.number);
        out.put("previous", self.previous.map_or_else(|| NONE.to_owned(), |digest| digest.to_string()));
        out.put("inner", self.link.inner);
        out.put("request", self.request);
        out.put("created", self.created);
        out.put("from", self.from);
        out.put("to", self.to);
        out.put("approvals", self.approvals);
        out.put("releaser", self.releaser);
        out.put("body-length", self.plan.body_len());
        out.put("slice-length", self.plan.slice_len());
        out.put("volumes", self.plan.volumes());
        out.put("parity", self.plan.parity());
        out.put("shards", self.shards);
    }

    fn take(fields: &mut FieldsReader<'_>) -> Option<Self> {
        let sender = fields.take_as("vault").ok()?;
        let bundle = fields.take_as("bundle").ok()?;
        let receiver = fields.take_as("receiver").ok()?;
        let receiver_key = fields.take_as("receiver-key").ok()?;
        let (series, number) = (fields.take_as("series").ok()?, fields.take_as("number").ok()?);
        let previous = match fields.take("previous").ok()? {
            NONE => None,
            digest => Some(digest.parse().ok()?),
        };
        let inner = fields.take_as("inner").ok()?;
        let request = fields.take_as("request").ok()?;
        let created = fields.take_as("created").ok()?;
        let (from, to) = (fields.take_as("from").ok()?, fields.take_as("to").ok()?);
        let (approvals, releaser) = (fields.take_as("approvals").ok()?, fields.take_as("releaser").ok()?);
        let body_len = fields.take_as("body-length").ok()?;
        let slice_len = fields.take_as("slice-length").ok()?;
        let (volumes, parity) = (fields.take_as("volumes").ok()?, fields.take_as("parity").ok()?);
        let plan = Plan::from_parts(body_len, slice_len, volumes, parity)?;
        let shards = fields.take_as("shards").ok()?;
        let link = Link { series, number, bundle, inner };
        let core = Self {
            sender,
            receiver,
            receiver_key,
            link,
            previous,
            request,
            created,
            from,
            to,
            approvals,
            releaser,
            plan,
            shards,
        };
        let counted = (1..=NUMBER_LIMIT).contains(&series) && (1..=NUMBER_LIMIT).contains(&number);
        (counted && (number == 1) == previous.is_none()).then_some(core)
    }

    /// The core as the outbox keeps it and the log names it: the beginning of every manifest of this bundle.
    pub fn print(&self) -> Option<String> {
        let mut out = Fields::new(BUNDLE_KIND);
        self.put(&mut out);
        out.finish().ok()
    }

    /// Reads what [`print`](Self::print) wrote, and nothing else.
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = FieldsReader::new(text, BUNDLE_KIND).ok()?;
        let core = Self::take(&mut fields)?;
        fields.finish().ok()?;
        (core.print()? == text).then_some(core)
    }
}

impl FileLine {
    /// The line for a file with this content.
    pub fn of(name: &str, bytes: &[u8]) -> Self {
        Self { name: name.to_owned(), len: bytes.len() as u64, sha256: Digest::of(bytes) }
    }

    fn value(&self) -> String {
        format!("{} {} {}", self.name, self.len, self.sha256)
    }

    fn parse(value: &str) -> Option<Self> {
        let mut words = value.split(' ');
        let (name, len, sha256) = (words.next()?, words.next()?, words.next()?);
        let line = Self { name: name.to_owned(), len: len.parse().ok()?, sha256: sha256.parse().ok()? };
        (line.value() == value && line.len <= FILE_LEN_LIMIT).then_some(line)
    }
}

/// Whether a file besides volumes, slip and manifest can have this name.
pub fn is_file_name(name: &str) -> bool {
    let numbered = |prefix: &str| {
        let digits = name.strip_prefix(prefix).unwrap_or_default();
        // One spelling for each number: two files for one number would be two answers to one question.
        let number = digits.parse::<u32>().ok().filter(|number| (1..=999_999_999).contains(number));
        number.is_some_and(|number| format!("{number:04}") == digits)
    };
    ["policy", "request", "shards", "witness-request"].contains(&name)
        || ["approval-", "log-key-", "resume-", "roster-"].iter().any(|prefix| numbered(prefix))
}

impl Manifest {
    /// The text that the sender signs.
    pub fn print(&self) -> Option<String> {
        let mut out = Fields::new(BUNDLE_KIND);
        self.put_front(&mut out);
        for (at, line) in self.slips.iter().enumerate() {
            out.put(&format!("slip.{}", at + 1), line.value());
        }
        out.finish().ok()
    }

    fn put_front(&self, out: &mut Fields) {
        self.core.put(out);
        out.put("attempt", self.attempt.number);
        out.put("issued", self.attempt.issued);
        out.put("not-after", self.attempt.not_after);
        out.put("roster", self.attempt.roster);
        out.put("roster-digest", self.attempt.roster_digest);
        out.put("knows", self.attempt.knows);
        for (at, line) in self.attempt.files.iter().enumerate() {
            out.put(&format!("file.{}", at + 1), line.value());
        }
        out.put("medium", self.medium);
        out.put("slices", &self.slices);
    }

    /// Reads what [`print`](Self::print) wrote, and nothing else. What comes of it is a claim as long as nobody's
    /// signature was verified.
    pub fn parse(text: &str) -> Option<Self> {
        let mut fields = FieldsReader::new(text, BUNDLE_KIND).ok()?;
        let core = Core::take(&mut fields)?;
        let mut attempt = Attempt {
            number: fields.take_as("attempt").ok()?,
            issued: fields.take_as("issued").ok()?,
            not_after: fields.take_as("not-after").ok()?,
            roster: fields.take_as("roster").ok()?,
            roster_digest: fields.take_as("roster-digest").ok()?,
            knows: fields.take_as("knows").ok()?,
            files: Vec::new(),
        };
        let lines = |lines: Vec<(&str, &str)>| {
            lines.into_iter().map(|(_, value)| FileLine::parse(value)).collect::<Option<Vec<_>>>()
        };
        attempt.files = lines(fields.take_prefixed("file."))?;
        let medium = fields.take_as("medium").ok()?;
        let slices: Ranges = fields.take_as("slices").ok()?;
        let slips = lines(fields.take_prefixed("slip."))?;
        fields.finish().ok()?;
        let manifest = Self { core, attempt, medium, slices, slips };
        (manifest.is_orderly() && manifest.print()? == text).then_some(manifest)
    }

    /// What the lines alone do not hold.
    fn is_orderly(&self) -> bool {
        let attempt = &self.attempt;
        let sorted = attempt.files.windows(2).all(|pair| matches!(pair, [one, next] if one.name < next.name));
        let named = |name: &str| attempt.files.iter().any(|line| line.name == name);
        let slips: Vec<&str> = self.slips.iter().map(|line| line.name.as_str()).collect();
        let count = self.core.plan.slices();
        sorted
            && attempt.files.len() <= FILE_LIMIT
            && attempt.files.iter().all(|line| is_file_name(&line.name))
            && named("shards")
            && named("request")
            && slips == SLIP_NAMES
            && attempt.number >= 1
            && self.medium >= 1
            && attempt.roster >= 1
            && self.core.created <= attempt.issued
            && attempt.issued < attempt.not_after
            && self.slices.last().is_none_or(|last| last <= count)
    }

    /// The code on the slip: of the lines above those that name the slip.
    pub fn code(&self) -> Option<Code> {
        let mut out = Fields::new(BUNDLE_KIND);
        self.put_front(&mut out);
        let text = out.finish().ok()?;
        Some(Code::of(Digest::of(text.as_bytes()).as_bytes()))
    }

    /// A file by its name.
    pub fn file(&self, name: &str) -> Option<&FileLine> {
        self.attempt.files.iter().chain(&self.slips).find(|line| line.name == name)
    }

    /// Whether another manifest is of the same bundle in the same cut, of whichever attempt and medium.
    pub fn is_of(&self, core: &Core) -> bool {
        self.core == *core
    }
}

/// What a manifest claims, read without anybody's key: for a person's eyes, and never for a decision.
pub fn claimed(bytes: &[u8]) -> Option<Manifest> {
    Manifest::parse(SignedNote::parse(bytes).ok()?.text())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::scene::{at, disturbed, sent, signed};
    use super::*;

    #[test]
    fn a_manifest_and_its_core_read_as_they_print_and_in_no_other_way() {
        let manifest = sent().manifest;
        let text = manifest.print().unwrap();
        assert_eq!(Manifest::parse(&text).unwrap(), manifest);
        let core = manifest.core.print().unwrap();
        assert_eq!(Core::parse(&core).unwrap(), manifest.core);
        assert!(text.starts_with(&core));
        assert!(Manifest::parse(&core).is_none() && Core::parse(&text).is_none());
        for other in disturbed(&text) {
            assert!(Manifest::parse(&other).is_none(), "{other}");
        }
        for other in disturbed(&core) {
            assert!(Core::parse(&other).is_none(), "{other}");
        }
    }

    #[test]
    fn lines_that_contradict_each_other_make_no_manifest() {
        let good = sent().manifest;
        type Change<'a> = &'a dyn Fn(&mut Manifest);
        let cases: [(&str, Change<'_>); 20] = [
            ("attempt 0", &|manifest| manifest.attempt.number = 0),
            ("medium 0", &|manifest| manifest.medium = 0),
            ("roster 0", &|manifest| manifest.attempt.roster = 0),
            ("number 0", &|manifest| manifest.core.link.number = 0),
            ("number 2 without a predecessor", &|manifest| manifest.core.link.number = 2),
            ("number 1 with one", &|manifest| manifest.core.previous = Some(Digest([1; 32]))),
            ("number over the limit", &|manifest| {
                manifest.core.link.number = NUMBER_LIMIT + 1;
                manifest.core.previous = Some(Digest([1; 32]));
            }),
            ("series 0", &|manifest| manifest.core.link.series = 0),
            ("series over the limit", &|manifest| manifest.core.link.series = u64::MAX),
            ("issued before it was made", &|manifest| manifest.attempt.issued = at(1_999)),
            ("over before it is issued", &|manifest| manifest.attempt.not_after = at(3_000)),
            ("a slice too many", &|manifest| manifest.slices = Ranges::of(&[12]).unwrap()),
            ("no shards", &|manifest| manifest.attempt.files.retain(|line| line.name != "shards")),
            ("no request", &|manifest| manifest.attempt.files.retain(|line| line.name != "request")),
            ("out of order", &|manifest| manifest.attempt.files.swap(0, 1)),
            ("twice", &|manifest| manifest.attempt.files.insert(1, manifest.attempt.files[0].clone())),
            ("one slip", &|manifest| manifest.slips.truncate(1)),
            ("slips the other way", &|manifest| manifest.slips.reverse()),
            ("a strange name", &|manifest| manifest.attempt.files[0].name = "a".to_owned()),
            ("a long file", &|manifest| manifest.attempt.files[0].len = FILE_LEN_LIMIT + 1),
        ];
        for (what, change) in cases {
            let mut manifest = good.clone();
            change(&mut manifest);
            let text = manifest.print().unwrap();
            assert!(Manifest::parse(&text).is_none(), "{what}");
        }
    }

    #[test]
    fn only_names_of_notes_in_their_one_spelling_are_names() {
        for good in ["policy", "request", "shards", "witness-request", "roster-0001", "roster-12345"] {
            assert!(is_file_name(good), "{good}");
        }
        for bad in [
            "",
            "..",
            "manifest",
            "SLIP.html",
            "v0001",
            "p0001",
            "receipt",
            "roster-",
            "roster-1",
            "roster-0000",
            "roster-00001",
            "roster-01234",
            "roster-+001",
            "roster-1234567890",
            "roster-0001.note",
            "approval-00a1",
            "approval",
            "Policy",
            "resume-0002 ",
            "a/policy",
            "policy\0",
        ] {
            assert!(!is_file_name(bad), "{bad}");
        }
    }

    #[test]
    fn the_code_is_of_everything_but_the_slips_and_the_link_of_everything_in_it() {
        let mut manifest = sent().manifest;
        let code = manifest.code();
        manifest.slips.clear();
        assert_eq!(manifest.code(), code);
        manifest.medium = 2;
        assert_ne!(manifest.code(), code);
        let link = manifest.core.link;
        let others = [
            Link { series: 2, ..link },
            Link { number: 2, ..link },
            Link { bundle: BundleId([9; 16]), ..link },
            Link { inner: Digest([9; 32]), ..link },
        ];
        assert!(others.iter().all(|other| other.digest() != link.digest()));
        assert_eq!(claimed(&signed(&sent().manifest.print().unwrap(), &[1])), Some(sent().manifest));
        assert_eq!(claimed(b"x"), None);
    }

    proptest! {
        #[test]
        fn a_changed_byte_makes_another_manifest_or_none(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
            let mut bytes = sent().manifest.print().unwrap().into_bytes();
            let at = at.index(bytes.len());
            prop_assume!(bytes[at] != byte);
            bytes[at] = byte;
            if let Some(manifest) = std::str::from_utf8(&bytes).ok().and_then(Manifest::parse) {
                prop_assert_eq!(manifest.print().unwrap().into_bytes(), bytes);
                prop_assert_ne!(manifest, sent().manifest);
            }
        }

        #[test]
        fn no_text_makes_it_panic(text in "(?s).{0,300}", lines in prop::collection::vec("[a-z.0-9-]{1,12} [ -~]{0,40}", 0..30)) {
            prop_assert!(Manifest::parse(&text).is_none());
            let text = format!("{BUNDLE_KIND}\n{}\n", lines.join("\n"));
            prop_assert!(Manifest::parse(&text).is_none() && Core::parse(&text).is_none());
        }
    }
}
