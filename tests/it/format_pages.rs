//! The worked examples in `docs/format` are what the code reads and writes.

// Helpers of a test fail as tests do.
#![allow(clippy::unwrap_used, clippy::panic)]

use gapvault::crypto::SigningKey;
use gapvault::id::VaultId;
use gapvault::log::checkpoint::{Checkpoint, SignedCheckpoint};
use gapvault::log::entry::{Category, Entry, Event, Outcome};
use gapvault::log::frames::ENTRIES;
use gapvault::log::merkle::{leaf_hash, node_hash, root_of};
use gapvault::note::{Fields, FieldsReader, SignedNote, VerifierKey, origin};

const NOTE: &str = include_str!("../../docs/format/note.md");
const LOG: &str = include_str!("../../docs/format/log.md");

/// The fenced blocks of a page, in their order, each without its last newline.
fn blocks<const N: usize>(page: &str) -> [&str; N] {
    let fenced = page.split("\n```").skip(1).step_by(2);
    let bodies: Vec<&str> = fenced.map(|block| block.split_once('\n').unwrap().1).collect();
    bodies.try_into().unwrap_or_else(|bodies: Vec<&str>| panic!("{} blocks", bodies.len()))
}

#[test]
fn the_note_of_its_page_verifies_and_is_what_we_write() {
    let [key, note, digest] = blocks(NOTE);
    let note = format!("{note}\n");
    let known: VerifierKey = key.trim().parse().unwrap();
    let signing = SigningKey::from_seed([1; 32]);
    assert_eq!(known, VerifierKey::of_member(signing.public()));

    let read = SignedNote::parse(note.as_bytes()).unwrap();
    let verified = read.verify(std::slice::from_ref(&known)).unwrap();
    assert_eq!(verified.digest().to_string(), digest.trim());

    let mut reader = FieldsReader::new(verified.text(), "gapvault.example/v1").unwrap();
    let mut fields = Fields::new("gapvault.example/v1");
    fields.put("vault", reader.take_as::<VaultId>("vault").unwrap());
    fields.put("action", reader.take("action").unwrap());
    for (id, class) in reader.take_prefixed("object.") {
        fields.put(&format!("object.{id}"), class);
    }
    fields.put("remark", reader.take("remark").unwrap());
    reader.finish().unwrap();
    let written = SignedNote::sign(&fields.finish().unwrap(), &[(known.name(), &signing)]).unwrap();
    assert_eq!(written.print(), note);
}

#[test]
fn the_log_of_its_page_hangs_together_and_is_what_we_write() {
    let [first, second, hashes, note, key] = blocks(LOG);
    let note = format!("{note}\n");
    let entries = [first, second].map(|line| line.trim_end().as_bytes());
    for (seq, line) in (0..).zip(entries) {
        let entry = Entry::parse(line).unwrap();
        assert_eq!((entry.seq(), entry.to_bytes().as_slice()), (seq, line));
    }
    let [one, two] = entries.map(leaf_hash);
    let root = root_of([one, two]);
    assert_eq!(root, node_hash(&one, &two));
    assert_eq!(hashes.trim_end(), format!("{one}\n{two}\n{root}"));

    let mut tail = Vec::new();
    for line in entries {
        ENTRIES.append(&mut tail, line).unwrap();
    }
    let second_head = entries[0].len() + 2;
    assert_eq!((&tail[..2], &tail[second_head..second_head + 2]), (&[0x01, 0x2e][..], &[0x01, 0xc5][..]));
    assert_eq!(tail.len(), 759);

    let (host, member) = (SigningKey::from_seed([2; 32]), SigningKey::from_seed([1; 32]));
    let log_key: VerifierKey = key.trim().parse().unwrap();
    let known = [VerifierKey::of_member(member.public())];
    let read = SignedCheckpoint::verify(note.as_bytes(), &log_key, &known).unwrap();
    assert_eq!((read.checkpoint().size(), read.checkpoint().root()), (2, root));
    assert_eq!(read.signers().len(), 2);
    let ours = Checkpoint::new(&origin(&VaultId([0x3f; 32]), 1), 2, root).unwrap();
    assert_eq!(ours.sign(&host, Some(&member)).unwrap().print(), note);
}

#[test]
fn the_page_of_the_log_gives_every_event_its_category() {
    let rows: Vec<[&str; 3]> = LOG
        .lines()
        .skip_while(|line| !line.starts_with("| event | outcome"))
        .skip(2)
        .map_while(|line| {
            line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect::<Vec<_>>().try_into().ok()
        })
        .collect();
    assert_eq!(rows.len(), 8);
    let names = |cell: &str, word: &str| cell == "any" || cell.contains(&format!("`{word}`"));
    for event in Event::ALL {
        for outcome in Outcome::ALL {
            let fits = |row: &&[&str; 3]| names(row[0], event.as_str()) && names(row[1], outcome.as_str());
            let [_, _, category] = rows.iter().find(fits).unwrap();
            assert_eq!(*category, format!("`{}`", Category::of(*event, *outcome)), "{event} {outcome}");
        }
    }
}
