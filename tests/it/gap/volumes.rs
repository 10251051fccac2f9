//! Volumes that are missing, doubled, exchanged or of something else; plans that no volume fits.

use gapvault::bundle::{BLOCK_LEN, Plan};
use gapvault::label::Class;
use gapvault::vault::{BundleCreate, Code, ImportRequest, NoProgress};

use super::forge::{
    Content, copied, cut, encrypted, files, flip, is_slice, manifest, names, put_file, read, resign,
    resign_text, transfer_key, write,
};
use super::{Side, crossing, pair, wish};

/// A bundle of one document in volumes of at most so many bytes.
fn cut_small(out: &Side, name: &str, len: usize, volume: u64, parity: u32) -> (std::path::PathBuf, String) {
    let content: Vec<u8> = (0..len).map(|at| (at * 7 % 251) as u8).collect();
    let id = out.seal(name, &content, Class::Important);
    let create = BundleCreate { volume, parity, ..wish("隔離庫", &[&id]) };
    let made = out.vault().bundle_create(&out.founder, &create).unwrap();
    let medium = out.path(&format!("medium-{name}"));
    out.write(&made.bundle.to_string(), &medium).unwrap();
    (medium, id)
}

#[test]
fn ten_a_hundred_and_a_thousand_volumes_come_in() {
    let (out, inside) = pair();
    for (at, (wanted, len, volume)) in
        [(10, 30_000, 1 << 20), (100, 30_000, 128 + 448), (1000, 45_000, 128 + 64)].into_iter().enumerate()
    {
        let (medium, id) = cut_small(&out, &format!("d{at}"), len, volume, 1);
        let plan = manifest(&medium).core.plan;
        assert!((wanted * 7 / 10..wanted * 13 / 10).contains(&plan.volumes()), "{plan:?}");
        // The first, the last, and one in between are gone or spoilt, as far as parity mends.
        let mut lost: Vec<String> = vec!["v0001".to_owned()];
        if plan.parity() > 1 {
            lost.push(plan.slice(plan.volumes() - 1).unwrap().to_string());
        }
        for name in &lost {
            std::fs::remove_file(medium.join(name)).unwrap();
        }
        let came = inside.import(&medium).unwrap();
        assert_eq!(came.repaired_shards, lost.len() as u64);
        assert_eq!(inside.opens(&id).len(), len);
    }
    inside.sound();
}

#[test]
fn as_many_bad_shards_as_parity_mends_and_one_more() {
    let (out, inside) = pair();
    let (medium, id) = cut_small(&out, "d", 20_000, 128 + 640, 15);
    let plan = manifest(&medium).core.plan;
    let parity = plan.parity() as usize;
    assert!(parity >= 4, "{plan:?}");
    let name = |slice: usize| plan.slice(slice as u32).unwrap().to_string();
    // All kinds of damage: gone, cut, flipped in the head, flipped in the body.
    for at in 0..parity {
        match at % 4 {
            0 => std::fs::remove_file(medium.join(name(3 * at))).unwrap(),
            1 => write(&medium, &name(3 * at), &read(&medium, &name(3 * at))[..140]),
            2 => flip(&medium, &name(3 * at), 33),
            _ => flip(&medium, &name(3 * at), 130),
        }
    }
    let worse = copied(&medium, "worse");
    flip(&worse, &name(plan.volumes() as usize - 1), 150);
    assert_eq!(inside.finds(&worse), Code::BundleDamaged);
    let worse = copied(&medium, "worse");
    std::fs::remove_file(worse.join("p0002")).unwrap();
    assert_eq!(inside.finds(&worse), Code::BundleDamaged);
    assert_eq!(inside.import(&medium).unwrap().repaired_shards, parity as u64);
    assert_eq!(inside.opens(&id).len(), 20_000);
    inside.sound();
}

#[test]
fn parity_alone_that_is_bad_hinders_nothing() {
    let (_out, inside, medium, id) = crossing();
    std::fs::remove_file(medium.join("p0001")).unwrap();
    inside.import(&medium).unwrap();
    assert_eq!(inside.opens(&id), b"secret text");
}

#[test]
fn volumes_under_each_others_names_are_damage() {
    let (_out, inside, medium, id) = crossing();
    let swapped = copied(&medium, "swapped");
    let (one, two) = (read(&medium, "v0002"), read(&medium, "v0003"));
    write(&swapped, "v0002", &two);
    write(&swapped, "v0003", &one);
    assert_eq!(inside.finds(&swapped), Code::BundleDamaged);
    // Heads exchanged as well.
    write(&swapped, "v0002", [&one[..128], &two[128..]].concat());
    write(&swapped, "v0003", [&two[..128], &one[128..]].concat());
    assert_eq!(inside.finds(&swapped), Code::BundleDamaged);
    let doubled = copied(&medium, "doubled");
    write(&doubled, "v0003", &one);
    write(&doubled, "p0001", &two);
    assert_eq!(inside.finds(&doubled), Code::BundleDamaged);
    write(&doubled, "p0001", read(&medium, "p0001"));
    assert_eq!(inside.import(&doubled).unwrap().repaired_shards, 1);
    assert_eq!(inside.opens(&id), b"secret text");
}

#[test]
fn volumes_of_two_bundles_do_not_mix() {
    let (out, inside, first, one) = crossing();
    let two = out.seal("b.txt", b"another one", Class::Important);
    let second = out.path("second");
    out.send("隔離庫", &[&two], &second);
    assert_eq!(manifest(&first).core.plan, manifest(&second).core.plan);
    let mixed = copied(&first, "mixed");
    for name in ["v0004", "v0005", "p0001"] {
        write(&mixed, name, read(&second, name));
    }
    assert_eq!(inside.finds(&mixed), Code::BundleDamaged);
    // The heads are nobody's signature: with them right, the digests of the blocks still are not.
    for name in ["v0004", "v0005", "p0001"] {
        write(&mixed, name, [&read(&first, name)[..128], &read(&second, name)[128..]].concat());
    }
    assert_eq!(inside.finds(&mixed), Code::BundleDamaged);
    // The digests of the other bundle neither.
    write(&mixed, "shards", read(&second, "shards"));
    assert_eq!(inside.finds(&mixed), Code::BundleFile);
    let wish = ImportRequest { paths: vec![first.clone(), second.clone()], code: None, accept: true };
    let error = inside.vault().import(&inside.founder, &wish, &NoProgress).unwrap_err();
    assert_eq!(error.code(), Code::BundleMixed);
    assert_eq!(inside.looks(&[&first, &second]).unwrap_err().code(), Code::BundleMixed);
    let wish = ImportRequest { paths: vec![mixed, first.clone()], ..wish };
    let error = inside.vault().import(&inside.founder, &wish, &NoProgress).unwrap_err();
    assert_eq!(error.code(), Code::BundleFile);
    inside.import(&first).unwrap();
    inside.import(&second).unwrap();
    assert_eq!((inside.opens(&one), inside.opens(&two)), (b"secret text".to_vec(), b"another one".to_vec()));
    inside.sound();
}

#[test]
fn volumes_of_two_sealings_of_the_same_content_do_not_mix() {
    let (out, inside, medium, id) = crossing();
    let other = copied(&medium, "other");
    let body = encrypted(&Content::of(&out, &medium).tar(), &transfer_key(&inside));
    resign(&other, &[&out.founder], |manifest| cut(&other, manifest, body, 1 << 30));
    let mixed = copied(&medium, "mixed");
    for name in ["v0001", "v0002"] {
        assert_eq!(read(&other, name)[..128], read(&medium, name)[..128]);
        write(&mixed, name, read(&other, name));
    }
    assert_eq!(inside.finds(&mixed), Code::BundleDamaged);
    let wish = ImportRequest { paths: vec![medium.clone(), other.clone()], code: None, accept: true };
    let error = inside.vault().import(&inside.founder, &wish, &NoProgress).unwrap_err();
    assert_eq!(error.code(), Code::BundleMixed);
    // Either of them is a bundle, and only one of them comes in.
    inside.import(&other).unwrap();
    assert_eq!(inside.finds(&medium), Code::BundleReplayed);
    assert_eq!(inside.opens(&id), b"secret text");
}

#[test]
fn parity_of_another_bundle_mends_nothing() {
    let (out, inside, first, _) = crossing();
    let two = out.seal("b.txt", b"another one", Class::Important);
    let second = out.path("second");
    out.send("隔離庫", &[&two], &second);
    let parity = [&read(&first, "p0001")[..128], &read(&second, "p0001")[128..]].concat();
    write(&first, "p0001", parity);
    flip(&first, "v0002", 200);
    assert_eq!(inside.finds(&first), Code::BundleDamaged);
    // Signed by the sender itself: what is mended with it is not what the digests say.
    let mut shards = read(&first, "shards");
    let at = shards.len() - 32;
    let digest = gapvault::crypto::Digest::of(&read(&first, "p0001")[128..]);
    shards[at..].copy_from_slice(digest.as_bytes());
    resign(&first, &[&out.founder], |manifest| {
        manifest.core.shards = gapvault::crypto::Digest::of(&shards);
        put_file(&first, manifest, "shards", &shards);
    });
    assert_eq!(inside.turns_away(&first), Code::BundleDamaged);
}

#[test]
fn plans_that_lie_are_refused() {
    let (out, inside, medium, _) = crossing();
    let plan = manifest(&medium).core.plan;
    let lines = [
        ("body-length", plan.body_len().to_string()),
        ("slice-length", plan.slice_len().to_string()),
        ("volumes", plan.volumes().to_string()),
        ("parity", plan.parity().to_string()),
    ];
    let numbers = ["0", "1", "63", "64", "9999", "10000", "4294967295", "4294967296", "9223372036854775807"];
    let numbers = [&numbers[..], &["18446744073709551615", "18446744073709551616", "-1", "01", ""]].concat();
    for (key, old) in &lines {
        for number in numbers.iter().filter(|number| **number != *old) {
            let spoilt = copied(&medium, "spoilt");
            let line = format!("\n{key} {old}\n");
            resign_text(&spoilt, &[&out.founder], |text| {
                text.replacen(&line, &format!("\n{key} {number}\n"), 1)
            });
            let code = inside.finds(&spoilt);
            let known = [Code::BundleFormat, Code::BundleFile, Code::BundleUndeclared];
            assert!(known.contains(&code), "{key} {number}: {code}");
        }
    }
    // Well-formed plans that are not of this body, one of them two terabytes long.
    let body = plan.body_len();
    let plans = [
        Plan::from_parts(body, plan.slice_len() + 64, body.div_ceil(plan.slice_len() + 64) as u32, 1),
        Plan::from_parts(body, plan.slice_len(), plan.volumes(), 2),
        Plan::from_parts(1, (1 << 41) - 2 * BLOCK_LEN, 1, 1),
        Plan::from_parts(body - 1, plan.slice_len(), plan.volumes(), 1),
    ];
    for plan in plans {
        let spoilt = copied(&medium, "spoilt");
        resign(&spoilt, &[&out.founder], |manifest| manifest.core.plan = plan.unwrap());
        let code = inside.turns_away(&spoilt);
        let known = [Code::BundleDamaged, Code::BundleFile, Code::BundleFormat, Code::BundleUndeclared];
        assert!(known.contains(&code), "{plan:?} {code}");
    }
    inside.import(&medium).unwrap();
}

#[test]
fn slices_that_the_plan_has_not_and_volumes_that_are_kept_back() {
    let (out, inside, medium, id) = crossing();
    for slices in ["1-12", "0-11", "1-11,13-13", "11-1", "1-4294967295", "2-11,1-1"] {
        let spoilt = copied(&medium, "spoilt");
        resign_text(&spoilt, &[&out.founder], |text| {
            text.replacen("\nslices 1-11\n", &format!("\nslices {slices}\n"), 1)
        });
        assert_eq!(inside.finds(&spoilt), Code::BundleFormat, "{slices}");
    }
    // Half of them lie on another medium.
    let half = copied(&medium, "half");
    resign_text(&half, &[&out.founder], |text| text.replacen("\nslices 1-11\n", "\nslices 1-5\n", 1));
    assert_eq!(inside.finds(&half), Code::BundleUndeclared);
    for name in names(&half).iter().filter(|name| is_slice(name)) {
        if !["v0001", "v0002", "v0003", "v0004", "v0005"].contains(&name.as_str()) {
            std::fs::remove_file(half.join(name)).unwrap();
        }
    }
    assert_eq!(inside.finds(&half), Code::BundleIncomplete);
    // None at all.
    let none = copied(&half, "none");
    resign_text(&none, &[&out.founder], |text| text.replacen("\nslices 1-5\n", "\nslices none\n", 1));
    for name in names(&none).iter().filter(|name| is_slice(name)) {
        std::fs::remove_file(none.join(name)).unwrap();
    }
    assert_eq!(inside.finds(&none), Code::BundleIncomplete);
    // With the other half it is whole; the answer lies on the first.
    let wish = ImportRequest { paths: vec![half, medium.clone()], code: None, accept: true };
    let came = inside.vault().import(&inside.founder, &wish, &NoProgress).unwrap();
    assert_eq!((came.repaired_shards, came.state.as_str()), (0, "accepted"));
    assert_eq!(inside.opens(&id), b"secret text");
    assert!(files(&medium).len() >= 15);
}

#[test]
fn the_other_medium_is_judged_like_the_first() {
    let (out, inside, medium, _) = crossing();
    let stranger = crate::verbs::person(&out.site(), out.folder.path(), "stranger");
    let import = |other: &std::path::Path| {
        let wish = ImportRequest { paths: vec![medium.clone(), other.to_owned()], code: None, accept: true };
        inside.vault().import(&inside.founder, &wish, &NoProgress).map_err(|error| error.code())
    };
    let other = copied(&medium, "other");
    resign_text(&other, &[&stranger], |text| text.replacen("\nmedium 1\n", "\nmedium 2\n", 1));
    assert_eq!(import(&other).unwrap_err(), Code::BundleSignature);
    let other = copied(&medium, "other");
    write(&other, "autorun.inf", b"x");
    assert_eq!(import(&other).unwrap_err(), Code::BundleUndeclared);
    let other = copied(&medium, "other");
    write(&other, "SLIP.html", b"<script>");
    assert_eq!(import(&other).unwrap_err(), Code::BundleFile);
    let report = inside.looks(&[&medium, &other]).unwrap();
    assert_eq!(report.verdict, Code::BundleFile.as_str());
}
