use std::collections::BTreeMap;

use gapvault::bundle::{
    Core, Evidence, MANIFEST_NAME, Manifest, Ranges, SLIP_NAMES, claimed, is_answer, is_file_name, judge,
};
use gapvault::crypto::Digest;
use gapvault::note::SignedNote;
use gapvault::policy::Ask;

use crate::cut::Cut;
use crate::edit::{MOST, edit};
use crate::fixed::signing_key;
use crate::pair::{BUNDLE, LOG, RECEIVER, SENDER, Tree, lines, other_key, signed};

/// Manifests and what lies beside them: what is read prints back to the byte; a medium that was changed on its way is
/// refused, and one that a member of the sender signed anew is let in only if all that it says is so.
pub fn manifest(data: &[u8]) {
    match data.split_first() {
        Some((how, rest)) if *how < 0x20 => changed(*how, Cut::new(rest)),
        _ => raw(data),
    }
}

fn raw(data: &[u8]) {
    if let Some(manifest) = claimed(data) {
        let note = SignedNote::parse(data).expect("it was claimed of a note");
        assert_eq!(manifest.print().as_deref(), Some(note.text()));
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(ranges) = text.parse::<Ranges>() {
        assert_eq!(ranges.to_string(), text);
        if ranges.last().is_none_or(|last| last < 10_000) {
            let numbers: Vec<u32> = ranges.iter().collect();
            assert!(numbers.is_sorted() && numbers.iter().all(|number| ranges.contains(*number)));
            assert_eq!(Ranges::of(&numbers), Some(ranges));
        }
    }
    if let Some(core) = Core::parse(text) {
        assert_eq!(core.print().as_deref(), Some(text));
        assert!(Manifest::parse(text).is_none(), "a core alone is no manifest");
    }
    let Some(manifest) = Manifest::parse(text) else { return };
    is_sound(&manifest, text);
    let by = signed(text, &[&signing_key()]).expect("what was read can be signed");
    let good = &*BUNDLE;
    if let Some(found) = judged(&by, &good.files, &good.names) {
        holds(&found, &good.files, &good.names);
    }
}

fn is_sound(manifest: &Manifest, text: &str) {
    assert_eq!(manifest.print().as_deref(), Some(text));
    let core = manifest.core.print().expect("a part of what was printed");
    assert!(text.starts_with(&core));
    assert_eq!(Core::parse(&core).as_ref(), Some(&manifest.core));
    assert!(manifest.code().is_some() && manifest.is_of(&manifest.core));
    let lines = manifest.attempt.files.iter().chain(&manifest.slips);
    assert!(lines.clone().all(|line| manifest.file(&line.name) == Some(line)), "no name stands there twice");
    for line in lines {
        let other = is_file_name(&line.name);
        assert!(other != SLIP_NAMES.contains(&line.name.as_str()));
        assert!(!is_answer(&line.name) && line.name != MANIFEST_NAME && !line.name.contains('/'));
    }
}

/// Judges, and gives the manifest if it is let in.
fn judged(bytes: &[u8], files: &BTreeMap<String, Vec<u8>>, names: &[String]) -> Option<Manifest> {
    let note = SignedNote::parse(bytes).ok()?;
    let manifest = Manifest::parse(note.text())?;
    let evidence = Evidence { note: &note, files, names };
    let (sender, receiver) = (&SENDER.known, &*RECEIVER);
    // Whoever knows less never refuses what the one who knows all lets in.
    let stranger = judge(&manifest, &evidence, None, None);
    let other = judge(&manifest, &evidence, Some(sender), None);
    let judged = judge(&manifest, &evidence, Some(sender), Some(receiver));
    let open = judged.refusal().is_none();
    assert!(!open || (stranger.refusal().is_none() && other.refusal().is_none()));
    if let Some(witness) = &judged.witness {
        assert_eq!(witness, &Tree(LOG).checkpoint(), "nothing else is signed by the log");
    }
    if let Some(after) = &judged.sender {
        let digest = after.roster_digest();
        assert!(digest == sender.roster_digest() || digest == SENDER.newest.roster_digest());
    }
    let keys = [signing_key(), other_key()].map(|key| gapvault::note::member_id(&key.public()));
    assert!(judged.signer.is_none_or(|signer| keys.contains(&signer)));
    assert!(!open || judged.signer.is_some());
    open.then_some(manifest)
}

/// What a manifest that is let in says is so, whoever signed it.
fn holds(manifest: &Manifest, files: &BTreeMap<String, Vec<u8>>, names: &[String]) {
    let (core, good) = (&manifest.core, &BUNDLE.manifest.core);
    assert_eq!((core.receiver, core.receiver_key), (RECEIVER.vault, core.receiver_key));
    assert!(RECEIVER.keys.contains(&core.receiver_key));
    assert_eq!((core.from, core.to), (good.from, good.to));
    assert_eq!(core.link, good.link, "one list was asked for, and the next number is one");
    assert_eq!((core.previous, core.request), (good.previous, good.request));
    assert!(RECEIVER.now < manifest.attempt.not_after);
    let (sender, request) = (&SENDER.newest, &files["request"]);
    let ask = Ask::verify(request, sender.vault(), sender.roster()).expect("it was judged");
    assert_eq!(ask.1, core.request);
    for line in manifest.attempt.files.iter().chain(&manifest.slips) {
        assert_eq!(Digest::of(&files[&line.name]), line.sha256);
    }
    assert_eq!(Digest::of(&files["shards"]), core.shards);
    for name in names {
        let slice = name.parse().ok().and_then(|slice| core.plan.index_of(slice));
        let slice = slice.is_some_and(|slice| manifest.slices.contains(slice + 1));
        assert!(slice || manifest.file(name).is_some() || is_answer(name) || name == MANIFEST_NAME, "{name}");
    }
}

/// The good bundle after some changes. Bits of `how`: sign the text anew; and have it name the files as they are then.
fn changed(how: u8, mut cut: Cut<'_>) {
    let good = &*BUNDLE;
    let (mut files, mut names) = (good.files.clone(), good.names.clone());
    let mut bytes = good.note.clone();
    let anew = how & 1 != 0;
    if anew {
        bytes = good.manifest.print().expect("it is sound").into_bytes();
    }
    for _ in 0..MOST {
        if cut.is_empty() {
            break;
        }
        let kind = cut.byte();
        let at = usize::from(cut.byte());
        let name = files.keys().nth(at % files.len().max(1)).cloned().unwrap_or_default();
        match kind % 6 {
            0 => edit(&mut bytes, &mut cut),
            1 => edit(files.entry(name).or_default(), &mut cut),
            2 => drop(files.remove(&name)),
            3 => drop(names.remove(at % names.len())),
            4 => {
                let len = usize::from(cut.byte());
                names.push(String::from_utf8_lossy(cut.bytes(len)).into_owned());
            }
            _ => {
                const NEW: [&str; 5] =
                    ["approval-0002", "resume-0002", "roster-0001", "roster-0003", "roster-00002"];
                let with = files.get(&name).cloned().unwrap_or_default();
                names.push(NEW[at % 5].to_owned());
                files.insert(NEW[at % 5].to_owned(), if at > 127 { SENDER.resume.clone() } else { with });
            }
        }
        if names.is_empty() {
            break;
        }
    }
    if how & 2 != 0 {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        let mut manifest = Manifest::parse(&text).unwrap_or_else(|| good.manifest.clone());
        manifest.attempt.files = lines(&files);
        bytes = manifest.print().unwrap_or_default().into_bytes();
    }
    if !anew {
        unsigned(&bytes, &files, &names);
        return;
    }
    let key = if how & 4 == 0 { signing_key() } else { other_key() };
    let Some(note) = std::str::from_utf8(&bytes).ok().and_then(|text| signed(text, &[&key])) else { return };
    if let Some(manifest) = judged(&note, &files, &names) {
        assert!(how & 4 == 0, "the request is not of who signed");
        holds(&manifest, &files, &names);
    }
}

/// Nobody of the sender signed anything anew.
fn unsigned(bytes: &[u8], files: &BTreeMap<String, Vec<u8>>, names: &[String]) {
    let good = &*BUNDLE;
    let Some(manifest) = judged(bytes, files, names) else {
        let same = bytes == good.note && *files == good.files && *names == good.names;
        assert!(!same, "the good one is let in");
        return;
    };
    assert_eq!(manifest, good.manifest);
    assert!(good.files.iter().all(|(name, bytes)| files.get(name) == Some(bytes)));
    holds(&manifest, files, names);
}
