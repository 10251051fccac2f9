use std::collections::HashSet;
use std::sync::atomic::{AtomicU64, Ordering};

use proptest::prelude::*;

use super::encode::encode_in;
use super::mend::mend_in;
use super::piece::Pieces;
use super::*;
use crate::bundle::{Plan, Shards};
use crate::crypto::Digest;

/// Bodies in memory. Reads give at most `most` bytes.
#[derive(Clone)]
struct Bodies {
    slices: Vec<Option<Vec<u8>>>,
    /// Slices with a place that cannot be read.
    torn: HashSet<(u32, u64)>,
    most: usize,
}

impl ReadSlice for Bodies {
    fn read_at(&self, slice: u32, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        let body = self.slices.get(slice as usize).and_then(Option::as_ref);
        let rest = body.ok_or(io::ErrorKind::NotFound)?.get(offset as usize..).unwrap_or_default();
        let len = rest.len().min(out.len()).min(self.most);
        if self.torn.iter().any(|(torn, at)| *torn == slice && (offset..offset + len as u64).contains(at)) {
            return Err(io::Error::from_raw_os_error(5));
        }
        out[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }
}

fn noise(seed: u64, len: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = |_| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 32) as u8
    };
    (0..len).map(next).collect()
}

/// A body of noise in volumes, without parity.
fn volumes(plan: &Plan, seed: u64) -> Bodies {
    let volume = |slice| Some(noise(seed + u64::from(slice), plan.body_len_of(slice)));
    Bodies { slices: (0..plan.volumes()).map(volume).collect(), torn: HashSet::new(), most: usize::MAX }
}

fn no_progress(_: u64) {}

fn pieces(threads: usize, len: usize) -> Pieces {
    Pieces { threads, len }
}

/// Volumes with their parity, and the digests.
fn made(plan: &Plan, seed: u64, how: Pieces) -> (Bodies, Shards) {
    let mut bodies = volumes(plan, seed);
    let mut parity = vec![Vec::new(); plan.parity() as usize];
    let told = AtomicU64::new(0);
    let mut sink = |slice: u32, bytes: &[u8]| {
        parity[slice as usize].extend_from_slice(bytes);
        Ok(())
    };
    let tell = |len| _ = told.fetch_add(len, Ordering::Relaxed);
    let shards = encode_in(how, plan, &bodies, &mut sink, &tell).unwrap();
    assert_eq!(told.into_inner(), plan.body_len());
    bodies.slices.extend(parity.into_iter().map(Some));
    (bodies, shards)
}

/// 40 blocks in ten volumes, of which the last has only a block and some.
fn small(parity: u32) -> Plan {
    Plan::from_parts(9 * 1024 + 300, 1024, 10, parity).unwrap().with_blocks_of(256)
}

fn bad_of(plan: &Plan, blocks: impl IntoIterator<Item = (u32, u64)>) -> Bad {
    let mut bad = Bad::none(plan);
    blocks.into_iter().for_each(|(slice, block)| bad.add(slice, block));
    bad
}

/// Loses the blocks, and mends the volumes. What was lost is overwritten first, so that it is not read by mistake.
fn mended(how: Pieces, whole: &Bodies, shards: &Shards, bad: &Bad) -> Result<Bodies, MendError> {
    let plan = *shards.plan();
    let mut bodies = whole.clone();
    for (slice, block) in bad.iter() {
        let from = (block * plan.block_len()) as usize;
        let to = from + plan.block_len_of(slice, block) as usize;
        bodies.slices[slice as usize].as_mut().unwrap()[from..to].fill(0xee);
    }
    let mut out = bodies.clone();
    let mut ends = vec![0; plan.volumes() as usize];
    let mut sink = |slice: u32, offset: u64, bytes: &[u8]| {
        assert!(offset >= ends[slice as usize] && !bytes.is_empty());
        ends[slice as usize] = offset + bytes.len() as u64;
        let body = out.slices[slice as usize].as_mut().unwrap();
        body[offset as usize..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    };
    let count = mend_in(how, &plan, &bodies, (shards, bad), &mut sink, &no_progress)?;
    let lost = bad.iter().filter(|(slice, _)| *slice < plan.volumes()).count() as u64;
    assert_eq!(count, lost);
    Ok(out)
}

fn same_volumes(plan: &Plan, one: &Bodies, other: &Bodies) -> bool {
    let volumes = plan.volumes() as usize;
    one.slices[..volumes] == other.slices[..volumes]
}

#[test]
fn the_format_of_parity_stays() {
    let plan = Plan::from_parts(9 * 128 + 40, 128, 10, 3).unwrap().with_blocks_of(64);
    let (bodies, shards) = made(&plan, 1, pieces(1, 64));
    let parity: Vec<String> =
        bodies.slices[10..].iter().flatten().map(|body| Digest::of(body).to_string()).collect();
    let expected = [
        "15f3e267d7e88f78c3e1a7dfeafc91e724e87086416639e63d1f9a8fe836c14d",
        "6e6203d54eeb6492783d48fcb363f4dcac635c0fc5445a77bdbcccde19a9f384",
        "77582d5767cbfebedef6889d91c1b4e267225998189736bdb0211e734d47de56",
    ];
    assert_eq!(parity, expected);
    assert_eq!(
        shards.digest().to_string(),
        "47316d2140a09e9204edf6dece6e87778ae769da2f513269de611efa4a16ecc0"
    );
}

#[test]
fn one_slice_of_parity_is_the_sum_of_all_volumes() {
    let plan = small(1);
    let (bodies, _) = made(&plan, 5, pieces(1, 64));
    let mut sum = vec![0; 1024];
    for volume in bodies.slices[..10].iter().flatten() {
        sum.iter_mut().zip(volume).for_each(|(sum, byte)| *sum ^= byte);
    }
    assert_eq!(bodies.slices[10], Some(sum));
}

#[test]
fn every_block_has_its_digest() {
    let plan = small(2);
    let (bodies, shards) = made(&plan, 1, pieces(2, 64));
    for slice in 0..plan.slices() {
        let body = bodies.slices[slice as usize].as_ref().unwrap();
        assert_eq!(body.len() as u64, plan.body_len_of(slice));
        for (block, bytes) in (0..).zip(body.chunks(256)) {
            assert_eq!(shards.get(slice, block), Some(&Digest::of(bytes)));
        }
    }
}

#[test]
fn pieces_of_any_length_on_any_threads_give_the_same_as_whole_blocks() {
    for parity in [1, 2, 3, 10, 17] {
        let plan = small(parity);
        let (whole, shards) = made(&plan, 7, pieces(1, 256));
        let lost =
            bad_of(&plan, (0..parity.min(10)).flat_map(|slice| (0..4).map(move |block| (slice, block))));
        for (threads, len) in [(1, 64), (1, 128), (2, 64), (2, 256), (3, 128), (8, 64), (16, 256)] {
            let (other, same) = made(&plan, 7, pieces(threads, len));
            assert!(other.slices == whole.slices && same == shards, "{parity} {threads} {len}");
            let out = mended(pieces(threads, len), &whole, &shards, &lost).unwrap();
            assert!(same_volumes(&plan, &out, &whole), "{parity} {threads} {len}");
        }
    }
}

#[test]
fn each_lost_volume_is_mended_by_one_slice_of_parity() {
    let plan = small(1);
    let (whole, shards) = made(&plan, 2, pieces(2, 64));
    for lost in 0..10 {
        let mut bodies = whole.clone();
        bodies.slices[lost as usize] = None;
        let bad = check(&plan, &bodies, &shards, 2, &no_progress).unwrap();
        assert_eq!(bad.len(), plan.blocks_of(lost));
        assert_eq!(bad.count_of(lost), plan.blocks_of(lost));
        assert!(is_mendable(&plan, &bad));
        let mut volume = Vec::new();
        let mut sink = |slice: u32, offset: u64, bytes: &[u8]| {
            assert_eq!((slice, offset), (lost, volume.len() as u64));
            volume.extend_from_slice(bytes);
            Ok(())
        };
        let told = AtomicU64::new(0);
        let tell = |len| _ = told.fetch_add(len, Ordering::Relaxed);
        let count = mend(&plan, &bodies, &shards, &bad, 2, &mut sink, &tell).unwrap();
        assert_eq!((count, told.into_inner()), (plan.blocks_of(lost), plan.body_len_of(lost)));
        assert_eq!(whole.slices[lost as usize].as_ref(), Some(&volume));
    }
}

#[test]
fn as_many_blocks_as_parity_are_mended_and_no_more() {
    let plan = small(3);
    let (whole, shards) = made(&plan, 3, pieces(2, 64));
    // In each stripe other slices, one of them parity; the last volume's short block among them.
    let most =
        [(0, 0), (3, 0), (9, 0), (1, 1), (9, 1), (12, 1), (4, 2), (5, 2), (6, 2), (7, 3), (10, 3), (11, 3)];
    let bad = bad_of(&plan, most);
    assert_eq!(bad.len(), 12);
    assert!(is_mendable(&plan, &bad));
    let out = mended(pieces(2, 64), &whole, &shards, &bad).unwrap();
    assert!(same_volumes(&plan, &out, &whole));
    for (more, block) in [((1, 0), 0), ((10, 0), 0), ((2, 1), 1), ((10, 2), 2), ((12, 3), 3)] {
        let mut bad = bad.clone();
        bad.add(more.0, more.1);
        assert!(!is_mendable(&plan, &bad));
        let failed = mended(pieces(2, 64), &whole, &shards, &bad).err().unwrap();
        assert!(
            matches!(failed, MendError::TooMuch { block: at, lost, parity }
            if at == block && lost == parity + 1),
            "{failed}"
        );
    }
    // The last volume has no third block to lose.
    let mut same = bad.clone();
    same.add(9, 2);
    assert_eq!(same, bad);
}

#[test]
fn bad_parity_does_not_matter_where_no_volume_is_bad() {
    let plan = small(2);
    let (whole, shards) = made(&plan, 3, pieces(2, 64));
    let bad = bad_of(&plan, [(10, 0), (11, 0), (10, 1), (0, 1), (0, 2), (1, 2)]);
    let out = mended(pieces(2, 64), &whole, &shards, &bad).unwrap();
    assert!(same_volumes(&plan, &out, &whole));
    let nothing = mended(pieces(2, 64), &whole, &shards, &Bad::none(&plan)).unwrap();
    assert!(same_volumes(&plan, &nothing, &whole));
}

#[test]
fn ten_a_hundred_and_a_thousand_volumes_are_mended() {
    for (count, parity, block) in [(10, 1, 256), (100, 7, 128), (1000, 100, 64), (9999, 2, 64), (30, 64, 64)]
    {
        let plan =
            Plan::from_parts(count * 128 - 50, 128, count as u32, parity).unwrap().with_blocks_of(block);
        let (whole, shards) = made(&plan, 11, Pieces::to_encode(&plan, 4));
        // As many as there is parity for, the last one among them.
        let step = (count as u32 / parity).max(1) as usize;
        let slices = (0..plan.volumes()).rev().step_by(step).take(parity as usize);
        let mut bad = Bad::none(&plan);
        slices.for_each(|slice| bad.add_slice(slice));
        let out = mended(Pieces::to_mend(&plan, 4), &whole, &shards, &bad).unwrap();
        assert!(same_volumes(&plan, &out, &whole), "{count}");
    }
}

#[test]
fn a_single_volume_has_parity_too() {
    for slice_len in [64, 256, 1024] {
        let plan = Plan::from_parts(50, slice_len, 1, 2).unwrap().with_blocks_of(256);
        let (whole, shards) = made(&plan, 1, pieces(2, 64));
        let out = mended(pieces(2, 64), &whole, &shards, &bad_of(&plan, [(0, 0)])).unwrap();
        assert!(same_volumes(&plan, &out, &whole));
    }
}

#[test]
fn what_is_damaged_short_gone_or_cannot_be_read_is_found() {
    let plan = small(2);
    let (mut bodies, shards) = made(&plan, 4, pieces(2, 64));
    bodies.most = 100;
    let told = AtomicU64::new(0);
    let tell = |len| _ = told.fetch_add(len, Ordering::Relaxed);
    assert!(check(&plan, &bodies, &shards, 1, &tell).unwrap().is_empty());
    assert_eq!(told.into_inner(), plan.body_len() + 2 * 1024);

    bodies.slices[0].as_mut().unwrap()[511] ^= 1;
    bodies.slices[2].as_mut().unwrap().truncate(700);
    bodies.slices[9].as_mut().unwrap().pop();
    bodies.slices[11] = None;
    bodies.torn = [(4, 1023), (10, 0)].into();
    let all = [(0, 1), (2, 2), (2, 3), (4, 3), (9, 1), (10, 0), (11, 0), (11, 1), (11, 2), (11, 3)];
    for threads in [1, 2, 3, 8] {
        let bad = check(&plan, &bodies, &shards, threads, &no_progress);
        let bad = bad.map_err(|error| error.to_string());
        assert_eq!(bad.unwrap().iter().collect::<Vec<_>>(), all, "{threads}");
    }
}

/// A medium that is pulled after some reads.
struct Pulled<'a>(&'a Bodies, AtomicU64);

impl ReadSlice for Pulled<'_> {
    fn read_at(&self, slice: u32, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        if self.1.fetch_add(1, Ordering::SeqCst) >= 6 {
            return Err(io::ErrorKind::NotFound.into());
        }
        self.0.read_at(slice, offset, out)
    }
}

#[test]
fn a_slice_that_vanishes_while_it_is_checked_is_bad_as_a_whole() {
    let plan = small(1);
    let (bodies, shards) = made(&plan, 4, pieces(2, 64));
    let bad = check(&plan, &Pulled(&bodies, AtomicU64::new(0)), &shards, 1, &no_progress).unwrap();
    assert_eq!(bad.len(), plan.total_blocks() - plan.blocks_of(0));
    assert_eq!((bad.count_of(0), bad.count_of(1)), (0, 4));
}

#[test]
fn parity_of_another_bundle_is_noticed() {
    let plan = small(2);
    let (whole, shards) = made(&plan, 3, pieces(2, 64));
    let (other, _) = made(&plan, 4, pieces(2, 64));
    let mut mixed = whole;
    mixed.slices[10..].clone_from_slice(&other.slices[10..]);
    for threads in [1, 2, 8] {
        let failed = mended(pieces(threads, 64), &mixed, &shards, &bad_of(&plan, [(3, 2), (4, 2)]));
        assert!(matches!(failed, Err(MendError::Digest { slice: 3, block: 2 })));
    }
}

#[test]
fn numbers_of_another_plan_are_refused() {
    let (plan, other) = (small(2), small(3));
    let (bodies, shards) = made(&plan, 3, pieces(1, 64));
    let invalid = |error: &io::Error| error.kind() == io::ErrorKind::InvalidInput;
    assert!(check(&other, &bodies, &shards, 1, &no_progress).is_err_and(|error| invalid(&error)));
    let mut sink = |_: u32, _: u64, _: &[u8]| Ok(());
    for (plan, bad) in [(&plan, Bad::none(&other)), (&other, Bad::none(&other))] {
        let failed = mend(plan, &bodies, &shards, &bad, 1, &mut sink, &no_progress);
        assert!(matches!(failed, Err(MendError::Io(ref error)) if invalid(error)));
    }
    assert!(!is_mendable(&plan, &Bad::none(&other)));
}

#[test]
fn errors_of_source_and_sink_end_every_thread() {
    let plan = small(2);
    let (whole, shards) = made(&plan, 3, pieces(1, 64));
    let bad = bad_of(&plan, [(0, 0), (1, 3)]);
    for threads in [1, 2, 3, 8] {
        let how = pieces(threads, 64);
        let mut short = whole.clone();
        short.slices[8].as_mut().unwrap().truncate(1000);
        let (mut eio, mut gone) = (whole.clone(), whole.clone());
        eio.torn = [(8, 1010)].into();
        gone.slices[8] = None;
        for (bodies, kind) in [
            (&short, io::ErrorKind::UnexpectedEof),
            (&eio, io::Error::from_raw_os_error(5).kind()),
            (&gone, io::ErrorKind::NotFound),
        ] {
            let failed = encode_in(how, &plan, bodies, &mut |_, _| Ok(()), &no_progress);
            assert_eq!(failed.unwrap_err().kind(), kind);
            let failed = mend_in(how, &plan, bodies, (&shards, &bad), &mut |_, _, _| Ok(()), &no_progress);
            assert!(matches!(failed, Err(MendError::Io(error)) if error.kind() == kind));
        }
        for room in [0, 1, 5, 7] {
            let mut left = room;
            let mut full = || {
                left -= 1;
                if left < 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
            };
            let failed = encode_in(how, &plan, &whole, &mut |_, _| full(), &no_progress);
            assert_eq!(failed.unwrap_err().kind(), io::ErrorKind::StorageFull);
            left = room;
            let mut full = |_: u32, _: u64, _: &[u8]| {
                left -= 1;
                if left < 0 { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
            };
            let failed = mend_in(how, &plan, &whole, (&shards, &bad), &mut full, &no_progress);
            assert!(matches!(failed, Err(MendError::Io(_))));
        }
    }
}

#[test]
fn memory_has_a_limit_whatever_the_plan() {
    for volumes in [1, 2, 10, 11, 100, 1000, 4097, 8193, 9999_u64] {
        for parity in [1, 2, 5, 100, 1000, 4097, 9999] {
            let plan = Plan::from_parts(volumes << 20, 1 << 20, volumes as u32, parity).unwrap();
            for threads in [0, 1, 2, 4, 16, 1000] {
                let (high, low) = (u64::from(parity).next_power_of_two(), volumes.next_power_of_two());
                let made = volumes.next_multiple_of(high).max(u64::from(parity).next_multiple_of(low));
                let mended =
                    (high + volumes).next_power_of_two().max((low + u64::from(parity)).next_power_of_two());
                for (how, held) in
                    [(Pieces::to_encode(&plan, threads), made), (Pieces::to_mend(&plan, threads), mended)]
                {
                    let all = (held + 1) * how.len as u64 * how.threads as u64;
                    let other = (9 << 20) + 256 * u64::from(plan.slices());
                    assert!(all + other <= MAX_MEMORY, "{volumes} {parity} {threads}");
                    assert!(how.len >= 64 && how.len.is_power_of_two() && how.threads >= 1);
                }
            }
        }
    }
    let ten = Plan::from_parts(10 << 20, 1 << 20, 10, 1).unwrap();
    assert_eq!(Pieces::to_encode(&ten, 2), pieces(2, 512 << 10));
    assert_eq!(Pieces::to_mend(&ten, 4), pieces(4, 256 << 10));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_lost_is_mended_if_parity_is_enough(
        columns in 1..12_u64, count in 1..30_u32, short in any::<u64>(), parity in 1..12_u32,
        block in 6..9_u32, piece in 6..9_u32, threads in 1..5_usize, lost in prop::collection::vec(any::<u64>(), 0..30),
    ) {
        let slice_len = columns * 64;
        let body_len = u64::from(count) * slice_len - short % slice_len;
        let plan = Plan::from_parts(body_len, slice_len, count, parity).unwrap().with_blocks_of(1 << block);
        let how = pieces(threads, 1 << piece.min(block));
        let (whole, shards) = made(&plan, short, how);
        let mut bodies = whole.clone();
        let mut expected = Bad::none(&plan);
        for at in lost {
            let (slice, block) = plan.place_of(at % plan.total_blocks()).unwrap();
            if !expected.contains(slice, block) {
                bodies.slices[slice as usize].as_mut().unwrap()[(block * plan.block_len()) as usize] ^= 1;
                expected.add(slice, block);
            }
        }
        let bad = check(&plan, &bodies, &shards, threads, &no_progress).unwrap();
        prop_assert_eq!(&bad, &expected);
        let enough = (0..plan.blocks_per_slice()).all(|block| {
            let lost = |slices: std::ops::Range<u32>| slices.filter(|slice| bad.contains(*slice, block)).count() as u32;
            let volumes = lost(0..count);
            volumes == 0 || volumes + lost(count..plan.slices()) <= parity
        });
        prop_assert_eq!(is_mendable(&plan, &bad), enough);
        match mended(how, &whole, &shards, &bad) {
            Ok(out) => prop_assert!(enough && same_volumes(&plan, &out, &whole)),
            Err(error) => prop_assert!(!enough && matches!(error, MendError::TooMuch { .. }), "{}", error),
        }
    }
}
