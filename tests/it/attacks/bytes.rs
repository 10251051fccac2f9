//! Every byte of every file changed, every file cut at every length; every file replaced by something else.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use gapvault::vault::Code;

use super::scene::{Said, Scene, refuse};

/// What is damaged, and how.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Damage {
    Flip(usize),
    Cut(usize),
}

impl Damage {
    fn done(self, bytes: &[u8]) -> Vec<u8> {
        let mut out = bytes.to_vec();
        match self {
            Self::Flip(at) => out[at] ^= 1 << (at % 8),
            Self::Cut(len) => out.truncate(len),
        }
        out
    }
}

/// Where the records of a file of checkpoints begin.
fn starts(bytes: &[u8]) -> Vec<usize> {
    let mut found = Vec::new();
    let mut at = 0;
    while at + 2 <= bytes.len() {
        found.push(at);
        at += 2 + usize::from(u16::from_be_bytes([bytes[at], bytes[at + 1]]));
    }
    found
}

/// The file of checkpoints may be damaged in two ways unseen, since the newest stands outside the vault as well:
/// the newest can be missing, as after a kill, which is told as work left over; and a member's signature under
/// another name is one by a stranger, which the format allows beside the host's.
fn excused(name: &str, bytes: &[u8], damage: Damage, said: &Said) -> bool {
    if name != "log/checkpoints" {
        return false;
    }
    match damage {
        Damage::Cut(len) => {
            len >= *starts(bytes).last().unwrap() && said.pending.contains(&"checkpoints-behind".to_owned())
        }
        Damage::Flip(at) => {
            let line = bytes[..at].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
            bytes[line..].starts_with("— gapvault/m/".as_bytes())
        }
    }
}

/// Damages a file in each of these ways; the judge must say so, and once it is whole again, no more.
fn each(scene: &Scene, name: &str, damages: impl Iterator<Item = Damage>, judge: fn(&Scene) -> Said) {
    let path = scene.at(name);
    let bytes = std::fs::read(&path).unwrap();
    for damage in damages {
        std::fs::write(&path, damage.done(&bytes)).unwrap();
        let said = judge(scene);
        assert!(!said.is_ok() || excused(name, &bytes, damage, &said), "{name} {damage:?} {said:?}");
    }
    std::fs::write(&path, &bytes).unwrap();
    assert!(judge(scene).is_ok(), "{name}");
}

fn every(len: usize) -> impl Iterator<Item = Damage> {
    (0..len).map(Damage::Flip).chain((0..len).map(Damage::Cut))
}

#[test]
fn every_byte_of_a_small_log_counts() {
    let scene = Scene::new(5);
    for part in ["log", "roster", "vault.toml"] {
        for (name, bytes) in scene.files(&[part]) {
            each(&scene, &name, every(bytes.len()), Scene::audit);
        }
    }
}

#[test]
fn every_byte_of_a_document_and_every_cut_of_a_key_file_counts() {
    let scene = Scene::new(4);
    let judge = |scene: &Scene| {
        let mut said = scene.verify();
        said.codes.retain(|code| *code != Code::MissingIndex);
        if said.codes.is_empty() {
            "ok".clone_into(&mut said.verdict);
        }
        said
    };
    // Verifying copies the index; what it says is tried elsewhere.
    std::fs::remove_dir_all(scene.at("sled")).unwrap();
    for (name, bytes) in scene.files(&["documents"]) {
        // A byte of the header is as good as its neighbour: one digest covers them all.
        let sample = every(bytes.len()).step_by(3).chain(every(bytes.len()).rev_ends());
        each(&scene, &name, sample, judge);
    }
    for (name, bytes) in scene.files(&["keys"]) {
        // Only its owner can say more of a key file than that it has the form of one.
        let header = bytes.windows(5).position(|window| window == b"\n--- ").unwrap() + 5 + 43 + 1;
        each(&scene, &name, (0..header + 16 + 16).map(Damage::Cut), judge);
    }
}

/// The first and the last few of a row.
trait Ends: Iterator<Item = Damage> + Sized {
    fn rev_ends(self) -> impl Iterator<Item = Damage> {
        let all: Vec<Damage> = self.collect();
        let (len, some) = (all.len(), all.len().min(40));
        let first = all[..some].to_vec();
        first.into_iter().chain(all[len - some..].to_vec())
    }
}

impl<T: Iterator<Item = Damage>> Ends for T {}

#[test]
fn logs_of_every_awkward_size_are_judged_as_well() {
    let scene = Scene::new(4);
    for size in [254_u64, 255, 256, 257, 511, 512, 513] {
        refuse(&scene.place, size - scene.size());
        assert_eq!(scene.size(), size);
        assert!(scene.audit().is_ok() && scene.verify().is_ok(), "{size}");
        for (name, bytes) in scene.files(&["log"]) {
            // A tail is empty after a full bundle; then there is nothing in it to lose.
            if bytes.is_empty() {
                continue;
            }
            let spots = [0, 1, bytes.len() / 3, bytes.len() / 2, bytes.len() - 1];
            let damages = spots.into_iter().flat_map(|at| [Damage::Flip(at), Damage::Cut(at)]);
            let fits =
                |damage: &Damage| name != "log/checkpoints" || *damage != Damage::Flip(bytes.len() - 1);
            each(&scene, &name, damages.filter(fits), Scene::audit);
            let aside = scene.place.path("aside");
            std::fs::rename(scene.at(&name), &aside).unwrap();
            assert!(!scene.audit().is_ok(), "{size} without {name}");
            std::fs::rename(&aside, scene.at(&name)).unwrap();
        }
    }
}

#[test]
fn a_log_that_fills_a_tile_of_the_second_level_is_judged_to_its_end() {
    let scene = Scene::new(4);
    for size in [65_535_u64, 65_536, 65_537] {
        refuse(&scene.place, size - scene.size());
        assert!(scene.audit().is_ok(), "{size}");
        assert_eq!(scene.at("log/tile/1/000").exists(), size >= 65_536, "{size}");
    }
    for (name, code) in [
        ("log/tile/entries/000", Code::TamperedLog),
        ("log/tile/entries/255", Code::TamperedLog),
        ("log/tile/0/255", Code::DamagedTile),
        ("log/tile/1/000", Code::DamagedTile),
    ] {
        let bytes = std::fs::read(scene.at(name)).unwrap();
        std::fs::write(scene.at(name), Damage::Flip(bytes.len() / 2).done(&bytes)).unwrap();
        assert!(scene.audit().has(code), "{name}");
        std::fs::write(scene.at(name), &bytes).unwrap();
    }
}

/// What an attacker puts where a file was.
const THINGS: [&str; 7] =
    ["nothing", "folder", "link to a copy", "dangling link", "pipe", "empty file", "another vault's"];

fn replace(path: &Path, thing: &str, other: &Path) {
    let bytes = std::fs::read(path).unwrap();
    std::fs::remove_file(path).unwrap();
    match thing {
        "nothing" => {}
        "folder" => std::fs::create_dir(path).unwrap(),
        "link to a copy" => {
            std::fs::write(other, bytes).unwrap();
            std::os::unix::fs::symlink(other, path).unwrap();
        }
        "dangling link" => std::os::unix::fs::symlink("nowhere", path).unwrap(),
        "pipe" => {
            let made = std::process::Command::new("mkfifo").arg(path).status().unwrap();
            assert!(made.success(), "{:?}", path.as_os_str().as_bytes());
        }
        "empty file" => std::fs::write(path, b"").unwrap(),
        _ => drop(std::fs::copy(other, path).unwrap()),
    }
}

#[test]
fn nothing_passes_for_a_file_of_the_vault() {
    let (scene, stranger) = (Scene::new(5), Scene::new(5));
    let theirs = stranger.files(&["log", "roster", "keys", "documents"]);
    for (name, bytes) in scene.files(&["log", "roster", "vault.toml", "keys", "documents"]) {
        for thing in THINGS {
            let other = scene.place.path("other");
            if thing == "another vault's" {
                let folder = Path::new(&name).parent().unwrap();
                let Some((_, twin)) = theirs.iter().find(|(twin, _)| {
                    let same_place = Path::new(twin).parent().unwrap() == folder;
                    *twin == &name || (same_place && name.ends_with(".age"))
                }) else {
                    continue;
                };
                std::fs::write(&other, twin).unwrap();
            }
            let path = scene.at(&name);
            replace(&path, thing, &other);
            let said = scene.verify();
            // A key file of another vault has the form of one; its owner finds out.
            let form = thing == "another vault's" && name.starts_with("keys");
            assert!(!said.is_ok() || form, "{thing} for {name}: {said:?}");
            let _ = std::fs::remove_dir(&path).or_else(|_| std::fs::remove_file(&path));
            std::fs::write(&path, &bytes).unwrap();
        }
        assert!(scene.verify().is_ok(), "{name}");
    }
}

#[test]
fn files_that_do_not_belong_to_the_vault_are_no_part_of_it() {
    let scene = Scene::new(5);
    for name in ["log/tile/entries/000", "log/tile/0/000", "log/tile/1/000"] {
        let path = scene.at(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, b"added").unwrap();
        let said = scene.audit();
        assert!(
            !said.is_ok() || name.starts_with("log/tile/0") || name.starts_with("log/tile/1"),
            "{name} {said:?}"
        );
        std::fs::remove_file(&path).unwrap();
    }
    let documents = scene.at("documents/00");
    std::fs::create_dir_all(&documents).unwrap();
    std::fs::write(documents.join("added"), b"x").unwrap();
    assert!(scene.verify().has(Code::ForeignDocument));
    std::fs::remove_file(documents.join("added")).unwrap();
    // Nobody looks for these, so nobody is misled by them.
    for name in ["log/added", "roster/9999.note", "keys/added", "added"] {
        std::fs::write(scene.at(name), b"added").unwrap();
        assert_eq!(scene.refusal(), None, "{name}");
        std::fs::remove_file(scene.at(name)).unwrap();
    }
    assert!(scene.verify().is_ok());
}
