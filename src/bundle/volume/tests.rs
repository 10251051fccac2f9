use proptest::prelude::*;

use super::*;
use crate::crypto::Digest;
use crate::id::BundleId;

const MIB: u64 = 1 << 20;
const GIB: u64 = 1 << 30;

#[test]
fn a_gibibyte_has_ten_volumes_and_one_of_parity() {
    let plan = Plan::new(GIB, 4 * GIB - 1, 10).unwrap();
    assert_eq!((plan.volumes(), plan.parity(), plan.slices()), (10, 1, 11));
    assert_eq!(plan.slice_len(), 107_374_208);
    assert_eq!(plan.body_len_of(9), GIB - 9 * 107_374_208);
    assert_eq!((plan.body_len_of(10), plan.body_len_of(11)), (107_374_208, 0));
    assert_eq!(plan.file_len(0), 107_374_208 + 128);
    assert_eq!((plan.blocks_per_slice(), plan.total_blocks()), (103, 11 * 103));
    assert_eq!(plan.total_file_bytes(), GIB + 107_374_208 + 11 * 128);
    assert_eq!((plan.slice(9), plan.slice(10)), (SliceName::volume(10), SliceName::parity(1)));
    assert_eq!(plan.slice(11), None);
}

#[test]
fn volumes_keep_to_what_a_medium_takes_and_are_of_one_length() {
    // 25 GB in files of at most 700 MiB.
    let plan = Plan::new(25_000_000_000, 700 * MIB, 5).unwrap();
    assert_eq!((plan.volumes(), plan.parity()), (35, 2));
    assert!(plan.file_len(0) <= 700 * MIB);
    assert!(plan.slice_len() - plan.body_len_of(34) < 35 * 64);
}

#[test]
fn a_short_body_has_fewer_volumes() {
    for (body_len, volumes) in [(1, 1), (64, 1), (65, 2), (576, 9), (577, 10), (640, 10), (703, 11)] {
        let plan = Plan::new(body_len, GIB, 0).unwrap();
        assert_eq!((plan.volumes(), plan.parity(), plan.slice_len()), (volumes, 1, 64), "{body_len}");
    }
}

#[test]
fn what_cannot_be_cut_is_refused_with_its_limits() {
    assert_eq!(Plan::new(0, GIB, 10), Err(PlanError::Empty));
    assert_eq!(Plan::new(1, GIB, 101), Err(PlanError::Percent(101)));
    assert_eq!(Plan::new(1, 191, 10), Err(PlanError::VolumeTooSmall { most: 191, least: 192 }));
    assert!(Plan::new(9999 * 64, 192, 100).is_ok());
    let too_many = PlanError::TooManyVolumes { needed: 10_000, most: 9999 };
    assert_eq!(Plan::new(9999 * 64 + 1, 192, 10), Err(too_many));
    let blocks = MAX_SHARDS_LEN / 32;
    // Ten volumes of 104,857 blocks, and as much parity.
    assert!(Plan::new(1_048_570 * MIB, u64::MAX, 100).is_ok());
    assert!(Plan::new(1_048_580 * MIB, u64::MAX, 100).is_err());
    assert!(matches!(Plan::new(blocks * MIB, u64::MAX, 10), Err(PlanError::TooManyBlocks { .. })));
    assert!(matches!(Plan::new(u64::MAX, u64::MAX, 100), Err(PlanError::TooManyBlocks { .. })));
}

#[test]
fn parts_that_do_not_fit_together_are_no_plan() {
    assert!(Plan::from_parts(640, 64, 10, 1).is_some());
    assert!(Plan::from_parts(9999 * 64, 64, 9999, 9999).is_some());
    for (body_len, slice_len, volumes, parity) in [
        (640, 64, 11, 1),
        (640, 64, 9, 1),
        (640, 64, 10, 0),
        (640, 64, 10, 10_000),
        (640, 0, 10, 1),
        (640, 63, 11, 1),
        (640, 96, 7, 1),
        (0, 64, 0, 1),
        (10_000 * 64, 64, 10_000, 1),
        (u64::MAX, 64, u32::MAX, u32::MAX),
        (u64::MAX, u64::MAX - 63, 2, 9999),
        (u64::MAX, 1 << 63, 2, 1),
    ] {
        assert_eq!(Plan::from_parts(body_len, slice_len, volumes, parity), None, "{body_len} {slice_len}");
    }
}

#[test]
fn a_name_reads_as_it_prints_and_in_no_other_way() {
    for name in ["v0001", "p0001", "v9999", "p0420"] {
        assert_eq!(name.parse::<SliceName>().unwrap().to_string(), name);
    }
    for bad in ["", "v", "v1", "v0000", "v10000", "v00001", "v+001", "V0001", "x0001", "v0001 ", "é0001"] {
        assert_eq!(bad.parse::<SliceName>(), Err(BadSlice), "{bad}");
    }
    assert!(SliceName::volume(9999) < SliceName::parity(1));
}

fn head() -> Head {
    let plan = Plan::new(GIB, 4 * GIB - 1, 10).unwrap();
    Head::of(&plan, BundleId([0xa5; 16]), 1, 9).unwrap()
}

#[test]
fn a_head_is_one_line_that_can_be_cut_off() {
    let line = "gapvault.volume/v1 a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5 1 v0010 10 1 107373952";
    let printed = head().print();
    assert_eq!(String::from_utf8(printed.to_vec()).unwrap(), format!("{line:127}\n"));
    assert_eq!(Head::parse(&printed), Some(head()));
    let long = Head {
        attempt: u32::MAX,
        slice: SliceName::parity(9999).unwrap(),
        volumes: 9999,
        parity: 9999,
        body_len: u64::MAX,
        ..head()
    };
    assert_eq!(Head::parse(&long.print()), Some(long));
}

#[test]
fn a_head_in_any_other_spelling_is_none() {
    let line = String::from_utf8(head().print().to_vec()).unwrap();
    let again = |line: &str| Head::parse(format!("{:127}\n", line.trim_end()).as_bytes());
    assert_eq!(again(&line), Some(head()));
    for (from, to) in [
        ("volume/v1", "volume/v2"),
        ("a5a5 1", "A5a5 1"),
        (" 1 v", " 01 v"),
        (" 1 v", " +1 v"),
        (" 1 v", "  1 v"),
        ("v0010", "v0011"),
        ("v0010", "p0002"),
        (" 10 1 ", " 10 0 "),
        (" 10 1 ", " 10000 1 "),
        (" 107373952", " 0"),
        (" 107373952", ""),
        (" 107373952", " 107373952 1"),
        (" 107373952", "\t107373952"),
    ] {
        assert!(line.contains(from));
        assert_eq!(again(&line.replace(from, to)), None, "{from} {to}");
    }
    let bytes = head().print();
    assert_eq!(Head::parse(&bytes[..127]), None);
    assert_eq!(Head::parse(&[bytes.as_slice(), b" "].concat()), None);
}

#[test]
fn a_head_with_a_flipped_bit_is_another_or_none() {
    let printed = head().print();
    for at in 0..printed.len() * 8 {
        let mut other = printed;
        other[at / 8] ^= 1 << (at % 8);
        if let Some(read) = Head::parse(&other) {
            assert!(read != head() && read.print() == other, "{at}");
        }
    }
}

#[test]
fn shards_have_the_length_of_their_plan() {
    let plan = Plan::from_parts(9 * 256 + 10, 256, 10, 2).unwrap().with_blocks_of(64);
    assert_eq!(plan.total_blocks(), 9 * 4 + 1 + 2 * 4);
    let digests: Vec<Digest> = (0..45).map(|at| Digest([at; 32])).collect();
    let shards = Shards::new(&plan, digests).unwrap();
    let bytes = shards.to_bytes();
    assert_eq!(Shards::parse(&bytes, &plan), Some(shards.clone()));
    assert_eq!(shards.digest(), Digest::of(&bytes));
    assert_eq!(Shards::parse(&bytes[1..], &plan), None);
    assert_eq!(Shards::parse(&bytes[32..], &plan), None);
    assert_eq!(Shards::parse(&[bytes.as_slice(), &[0]].concat(), &plan), None);
    assert_eq!(shards.get(1, 2), Some(&Digest([6; 32])));
    assert_eq!((shards.get(9, 0), shards.get(9, 1)), (Some(&Digest([36; 32])), None));
    assert_eq!((shards.get(11, 3), shards.get(12, 0)), (Some(&Digest([44; 32])), None));
}

proptest! {
    #[test]
    fn every_plan_keeps_its_promises(
        body_len in 1..u64::MAX, shift in 0..63_u32, most in 192..u64::MAX, less in 0..56_u32, percent in 0..=100_u32,
    ) {
        let (body_len, most) = ((body_len >> shift).max(1), (most >> less).max(192));
        if let Ok(plan) = Plan::new(body_len, most, percent) {
            let parts = Plan::from_parts(body_len, plan.slice_len(), plan.volumes(), plan.parity());
            prop_assert_eq!(parts, Some(plan));
            prop_assert!(plan.file_len(0) <= most);
            prop_assert!(plan.volumes() >= FEWEST_VOLUMES || body_len <= 9 * 64);
            prop_assert!(u64::from(plan.parity()) * 100 >= u64::from(plan.volumes() * percent));
            prop_assert!(u64::from(plan.parity() - 1) * 100 < u64::from(plan.volumes() * percent).max(1));
            let lens: u64 = (0..plan.volumes()).map(|slice| plan.body_len_of(slice)).sum();
            prop_assert_eq!(lens, body_len);
            let files: u64 = (0..plan.slices()).map(|slice| plan.file_len(slice)).sum();
            prop_assert_eq!(files, plan.total_file_bytes());
        }
    }

    #[test]
    fn every_block_has_its_place(
        slice_len in 1..9_u64, volumes in 1..12_u32, short in 0..600_u64, parity in 1..4_u32, block in 6..9_u32,
    ) {
        let slice_len = slice_len * 64;
        let body_len = u64::from(volumes) * slice_len - short % slice_len;
        let plan = Plan::from_parts(body_len, slice_len, volumes, parity).unwrap().with_blocks_of(1 << block);
        let mut at = 0;
        for slice in 0..plan.slices() {
            prop_assert_eq!(plan.index_of(plan.slice(slice).unwrap()), Some(slice));
            prop_assert_eq!(plan.first_block(slice), at);
            let mut len = 0;
            for block in 0..plan.blocks_of(slice) {
                prop_assert_eq!(plan.place(slice, block), Some(at));
                prop_assert_eq!(plan.place_of(at), Some((slice, block)));
                len += plan.block_len_of(slice, block);
                at += 1;
            }
            prop_assert_eq!(len, plan.body_len_of(slice));
            prop_assert_eq!(plan.place(slice, plan.blocks_of(slice)), None);
        }
        prop_assert_eq!((at, plan.place_of(at)), (plan.total_blocks(), None));
        prop_assert_eq!(plan.index_of(SliceName::parity(parity + 1).unwrap()), None);
    }
}
