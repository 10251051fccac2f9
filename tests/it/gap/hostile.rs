//! Files of a bundle that were changed on the way by somebody without any key: flipped bits, cuts, additions.

use std::collections::BTreeSet;
use std::path::Path;

use gapvault::vault::{BundleVerify, Code, NoProgress, bundle_verify};

use super::forge::{copied, files, flip, is_slice, names, read, write};
use super::{Side, crossing};

/// With the sender's card and no vault at all: what every reader can find out.
fn is_ok_by_card(side: &Side, card: &Path, medium: &Path) -> bool {
    let wish = BundleVerify { paths: vec![medium.to_owned()], vault: None, card: Some(card.to_owned()) };
    bundle_verify(&side.site(), &wish, &NoProgress).is_ok_and(|report| report.verdict == "ok")
}

fn card_of(side: &Side) -> std::path::PathBuf {
    let card = side.path("own.card");
    side.vault().peer_card(&card).unwrap();
    card
}

#[test]
fn a_flipped_bit_in_any_byte_of_the_manifest_is_refused() {
    let (out, inside, medium, _) = crossing();
    let card = card_of(&out);
    assert!(is_ok_by_card(&out, &card, &medium));
    let whole = read(&medium, "manifest");
    let spoilt = copied(&medium, "spoilt");
    let mut codes = Vec::new();
    for at in 0..whole.len() {
        for bit in [at % 8, (at + 5) % 8] {
            let mut bytes = whole.clone();
            bytes[at] ^= 1 << bit;
            write(&spoilt, "manifest", &bytes);
            assert!(!is_ok_by_card(&out, &card, &spoilt), "bit {bit} of byte {at}");
        }
        if at % 29 == 0 || at + 120 > whole.len() && at % 5 == 0 {
            codes.push(inside.finds(&spoilt));
        }
    }
    assert!(codes.contains(&Code::BundleFormat) && codes.contains(&Code::BundleSignature), "{codes:?}");
    inside.import(&medium).unwrap();
    inside.sound();
}

#[test]
fn a_flipped_bit_in_any_other_small_file_is_refused() {
    let (_out, inside, medium, _) = crossing();
    let spoilt = copied(&medium, "spoilt");
    for (name, bytes) in files(&medium).iter().filter(|(name, _)| !is_slice(name) && *name != "manifest") {
        for at in [0, bytes.len() / 2, bytes.len() - 1] {
            flip(&spoilt, name, at);
            let code = inside.finds(&spoilt);
            let known = [Code::BundleFile, Code::BundleChain, Code::BundleApprovals, Code::BundleLogForked];
            assert!(known.contains(&code), "{name} {at}: {code}");
            write(&spoilt, name, bytes);
        }
    }
    inside.import(&medium).unwrap();
    inside.sound();
}

/// What is wrong with the volumes, as `bundle verify` tells it.
fn volumes_of(side: &Side, medium: &Path) -> (Option<Code>, String) {
    let report = side.looks(&[medium]).unwrap();
    let row = report.checks.iter().find(|row| row.check == "volumes").unwrap();
    assert_eq!(report.verdict, row.code.map_or("ok", |code| code.as_str()));
    (row.code, row.detail.clone())
}

#[test]
fn a_flipped_bit_in_any_byte_of_a_head_is_damage_that_parity_mends() {
    let (_out, inside, medium, id) = crossing();
    let spoilt = copied(&medium, "spoilt");
    for name in ["v0001", "v0010", "p0001"] {
        let whole = read(&medium, name);
        for at in 0..128 {
            flip(&spoilt, name, at);
            let (code, detail) = volumes_of(&inside, &spoilt);
            assert_eq!(code, Some(Code::BundleDamaged), "{name} {at}");
            assert!(detail.contains(name) && detail.contains("mendable"), "{detail}");
            write(&spoilt, name, &whole);
        }
    }
    flip(&spoilt, "v0004", 20);
    let came = inside.import(&spoilt).unwrap();
    assert_eq!((came.state.as_str(), came.repaired_shards), ("accepted", 1));
    assert_eq!(inside.opens(&id), b"secret text");
    inside.sound();
}

#[test]
fn a_flipped_bit_in_a_volume_or_parity_is_mended_and_in_two_volumes_is_not() {
    let (_out, inside, medium, id) = crossing();
    let spoilt = copied(&medium, "spoilt");
    for (name, bytes) in files(&medium).iter().filter(|(name, _)| is_slice(name)) {
        for at in [128, 128 + (bytes.len() - 128) / 2, bytes.len() - 1] {
            flip(&spoilt, name, at);
            let (code, detail) = volumes_of(&inside, &spoilt);
            assert_eq!(code, Some(Code::BundleDamaged), "{name} {at}");
            assert!(detail.contains(name) && detail.contains("mendable"), "{detail}");
            write(&spoilt, name, bytes);
        }
    }
    flip(&spoilt, "v0003", 200);
    for also in ["v0007", "p0001"] {
        flip(&spoilt, also, 300);
        assert_eq!(inside.finds(&spoilt), Code::BundleDamaged);
        // It is answered on the medium, and by the answer it is not turned away the next time.
        assert!(names(&spoilt).contains(&"receipt".to_owned()));
        flip(&spoilt, also, 300);
    }
    let came = inside.import(&spoilt).unwrap();
    assert_eq!(came.repaired_shards, 1);
    assert_eq!(inside.opens(&id), b"secret text");
    inside.sound();
}

#[test]
fn a_cut_at_every_boundary_is_refused_or_mended() {
    let (out, inside, medium, id) = crossing();
    let card = card_of(&out);
    let spoilt = copied(&medium, "spoilt");
    let manifest = read(&medium, "manifest");
    let lines = manifest.iter().enumerate().filter(|(_, byte)| **byte == b'\n').map(|(at, _)| at);
    let mut cuts: BTreeSet<usize> = lines.flat_map(|at| [at - 1, at, at + 1, at + 2]).collect();
    cuts.extend([0, 1]);
    for len in cuts.into_iter().filter(|len| *len < manifest.len()) {
        write(&spoilt, "manifest", &manifest[..len]);
        assert!(!is_ok_by_card(&out, &card, &spoilt), "{len}");
        if len % 7 == 0 {
            assert_eq!(inside.finds(&spoilt), Code::BundleFormat, "{len}");
        }
    }
    write(&spoilt, "manifest", &manifest);
    for (name, bytes) in files(&medium) {
        let cuts: &[usize] = if is_slice(&name) { &[0, 1, 127, 128, 129] } else { &[0, 1] };
        for len in cuts.iter().copied().chain([bytes.len() - 1]).filter(|len| *len < bytes.len()) {
            write(&spoilt, &name, &bytes[..len]);
            if is_slice(&name) {
                let (code, detail) = volumes_of(&inside, &spoilt);
                assert_eq!(code, Some(Code::BundleDamaged), "{name} {len}");
                assert!(detail.contains("mendable"), "{detail}");
            } else {
                assert!(!is_ok_by_card(&out, &card, &spoilt), "{name} {len}");
                let known = [Code::BundleFormat, Code::BundleFile, Code::BundleChain];
                let known = [&known[..], &[Code::BundleApprovals, Code::BundleLogForked]].concat();
                let code = inside.finds(&spoilt);
                assert!(known.contains(&code), "{name} {len}: {code}");
            }
        }
        write(&spoilt, &name, &bytes);
    }
    let volume = read(&medium, "v0002");
    write(&spoilt, "v0002", &volume[..129]);
    assert_eq!(inside.import(&spoilt).unwrap().repaired_shards, 1);
    assert_eq!(inside.opens(&id), b"secret text");
    inside.sound();
}

#[test]
fn what_follows_the_end_of_a_file_is_refused_or_mended() {
    let (_out, inside, medium, id) = crossing();
    let spoilt = copied(&medium, "spoilt");
    for (name, bytes) in files(&medium) {
        write(&spoilt, &name, [&bytes[..], b"\n"].concat());
        if is_slice(&name) {
            let (code, detail) = volumes_of(&inside, &spoilt);
            assert_eq!(code, Some(Code::BundleDamaged), "{name}");
            assert!(detail.contains("mendable"), "{detail}");
        } else {
            let code = inside.finds(&spoilt);
            assert!(code.as_str().starts_with("bundle."), "{name}: {code}");
        }
        write(&spoilt, &name, &bytes);
    }
    write(&spoilt, "v0010", [read(&medium, "v0010"), vec![0]].concat());
    assert_eq!(inside.import(&spoilt).unwrap().repaired_shards, 1);
    assert_eq!(inside.opens(&id), b"secret text");
}

#[test]
fn a_file_that_is_missing_or_that_nobody_named_is_refused() {
    let (_out, inside, medium, _) = crossing();
    let spoilt = copied(&medium, "spoilt");
    for (name, bytes) in files(&medium).iter().filter(|(name, _)| !is_slice(name)) {
        std::fs::remove_file(spoilt.join(name)).unwrap();
        let code = inside.finds(&spoilt);
        let wanted = if name == "manifest" { Code::BundleNoManifest } else { Code::BundleMissingFile };
        assert_eq!(code, wanted, "{name}");
        write(&spoilt, name, bytes);
    }
    let undeclared = [
        "autorun.inf",
        "System Volume Information",
        ".hidden",
        "manifest.old",
        "MANIFEST",
        "V0001",
        "v0011",
        "p0002",
        "v1",
        "v00001",
        "roster-0001",
        "approval-0001",
        "receipt-autorun.inf",
        "receipt-roster-2",
        "receipt.html",
        "shards.part",
    ];
    for name in undeclared {
        write(&spoilt, name, b"x");
        let code = inside.finds(&spoilt);
        // Of two manifests nobody can say which one is meant.
        let known = [Code::BundleUndeclared, Code::BundleFormat];
        assert!(known.contains(&code), "{name}: {code}");
        assert!(code == Code::BundleUndeclared || name == "MANIFEST", "{name}: {code}");
        std::fs::remove_file(spoilt.join(name)).unwrap();
    }
    std::fs::create_dir(spoilt.join("DCIM")).unwrap();
    assert_eq!(inside.finds(&spoilt), Code::BundleUndeclared);
    std::fs::remove_dir(spoilt.join("DCIM")).unwrap();
    inside.import(&spoilt).unwrap();
}

#[test]
fn a_second_manifest_in_other_letters_is_refused_even_if_it_is_the_same() {
    let (_out, inside, medium, _) = crossing();
    let manifest = read(&medium, "manifest");
    write(&medium, "MANIFEST", &manifest);
    assert_eq!(inside.finds(&medium), Code::BundleUndeclared);
    // The true one in capitals, and what a person would open beside it.
    write(&medium, "manifest", b"something else");
    assert_eq!(inside.finds(&medium), Code::BundleUndeclared);
}

#[test]
fn what_is_no_regular_file_is_not_opened() {
    use std::os::unix::fs::symlink;
    let (out, inside, medium, id) = crossing();
    out.seal("secret", b"mine", gapvault::label::Class::Important);
    let spoilt = copied(&medium, "spoilt");
    for (name, bytes) in files(&medium) {
        let path = spoilt.join(&name);
        let place = |make: &dyn Fn()| {
            std::fs::remove_file(&path).unwrap();
            make();
            if is_slice(&name) {
                assert_eq!(volumes_of(&inside, &spoilt).0, Some(Code::BundleDamaged), "{name}");
            } else {
                let code = inside.finds(&spoilt);
                assert!(code.as_str().starts_with("bundle."), "{name}: {code}");
            }
        };
        // A link to the very file, elsewhere: it is not on the medium.
        place(&|| symlink(medium.join(&name), &path).unwrap());
        place(&|| {
            rustix::fs::mknodat(
                rustix::fs::CWD,
                &path,
                rustix::fs::FileType::Fifo,
                rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR,
                0,
            )
            .unwrap();
        });
        std::fs::remove_file(&path).unwrap();
        std::fs::write(&path, &bytes).unwrap();
    }
    std::fs::remove_file(spoilt.join("v0005")).unwrap();
    std::fs::create_dir(spoilt.join("v0005")).unwrap();
    assert_eq!(inside.import(&spoilt).unwrap().repaired_shards, 1);
    assert_eq!(inside.opens(&id), b"secret text");
}

#[test]
fn the_answer_on_the_medium_follows_no_link() {
    use std::os::unix::fs::symlink;
    let (_out, inside, medium, _) = crossing();
    let mine = inside.path("mine");
    std::fs::write(&mine, b"mine").unwrap();
    symlink(&mine, medium.join("receipt")).unwrap();
    inside.import(&medium).unwrap();
    assert_eq!(std::fs::read(&mine).unwrap(), b"mine");
    assert!(!medium.join("receipt").is_symlink());
}

#[test]
fn nothing_on_the_medium_changes_but_the_answer() {
    let (_out, inside, medium, _) = crossing();
    flip(&medium, "v0002", 150);
    let before = files(&medium);
    let modified = |name: &str| std::fs::metadata(medium.join(name)).unwrap().modified().unwrap();
    let times: Vec<_> = before.keys().map(|name| modified(name)).collect();
    assert_eq!(inside.import(&medium).unwrap().repaired_shards, 1);
    let mut after = files(&medium);
    assert!(after.remove("receipt").is_some());
    after.retain(|name, _| !name.starts_with("receipt-"));
    assert!(after == before);
    assert_eq!(times, before.keys().map(|name| modified(name)).collect::<Vec<_>>());
}
