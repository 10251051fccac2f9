use std::io;

use gapvault::bundle::{
    Bad, COLUMN_LEN, HEAD_LEN, Head, MAX_SHARDS_LEN, MAX_VOLUMES, MendError, Plan, ReadSlice, Shards,
    SliceName, check, encode, is_mendable, mend,
};
use gapvault::crypto::Digest;
use gapvault::id::BundleId;

use crate::cut::Cut;
use crate::edit::{MOST, edit};

/// How a body is cut, and its parity: heads and names print back to the byte, a plan's parts add up, damage is found exactly
/// where it is, and what was mended is what was lost or is refused.
pub fn volume(data: &[u8]) {
    let Some((kind, rest)) = data.split_first() else { return };
    let mut cut = Cut::new(rest);
    match kind {
        0 => planned(&mut cut),
        1 => digests(cut),
        2..0x20 => bodies(*kind, cut),
        _ => text(data),
    }
}

fn text(data: &[u8]) {
    if let Some(head) = Head::parse(data) {
        assert_eq!(head.print().as_slice(), data);
        assert_eq!(data.len() as u64, HEAD_LEN);
    }
    if let Some(name) = std::str::from_utf8(data).ok().and_then(|text| text.parse::<SliceName>().ok()) {
        assert_eq!(name.to_string().as_bytes(), data);
        let make = if name.is_parity() { SliceName::parity } else { SliceName::volume };
        assert_eq!(make(name.number()), Some(name));
    }
}

fn number(cut: &mut Cut<'_>) -> u64 {
    (0..8).fold(0, |number, _| number << 8 | u64::from(cut.byte()))
}

fn planned(cut: &mut Cut<'_>) {
    let (one, other) = (number(cut), number(cut));
    let (volumes, parity) = (cut.short() as u32, cut.short() as u32);
    if let Some(plan) = Plan::from_parts(one, other, volumes, parity) {
        let parts = (plan.body_len(), plan.slice_len(), plan.volumes(), plan.parity());
        assert_eq!(parts, (one, other, volumes, parity));
        adds_up(&plan);
    }
    // What a person asks for: percents are small.
    if let Ok(plan) = Plan::new(one, other, volumes % 128) {
        adds_up(&plan);
        let again = Plan::from_parts(plan.body_len(), plan.slice_len(), plan.volumes(), plan.parity());
        assert_eq!(again, Some(plan));
        assert!(plan.slice_len() + HEAD_LEN <= other);
    }
}

fn adds_up(plan: &Plan) {
    assert!(plan.slice_len().is_multiple_of(COLUMN_LEN) && plan.slices() <= 2 * MAX_VOLUMES);
    assert!(plan.total_blocks() * 32 <= MAX_SHARDS_LEN);
    let (mut volumes, mut files, mut blocks) = (0, 0, 0);
    for slice in 0..plan.slices() {
        let name = plan.slice(slice).expect("it has a name");
        assert_eq!(plan.index_of(name), Some(slice));
        assert_eq!(plan.first_block(slice), blocks);
        let len = plan.body_len_of(slice);
        assert!((1..=plan.slice_len()).contains(&len));
        assert_eq!(plan.file_len(slice), HEAD_LEN + len);
        let last = plan.blocks_of(slice);
        assert!(plan.block_len_of(slice, last - 1) > 0 && plan.block_len_of(slice, last) == 0);
        volumes += if name.is_parity() { 0 } else { len };
        files += plan.file_len(slice);
        blocks += last;
        if slice < 4 || slice + 2 > plan.slices() {
            let head = Head::of(plan, BundleId([7; 16]), slice + 1, slice).expect("the slice is there");
            assert_eq!(Head::parse(&head.print()), Some(head));
        }
    }
    assert_eq!((volumes, files, blocks), (plan.body_len(), plan.total_file_bytes(), plan.total_blocks()));
    assert!(plan.slice(plan.slices()).is_none() && plan.body_len_of(plan.slices()) == 0);
}

/// So many volumes and slices of parity, of a few columns each; the last volume is shorter.
fn small(cut: &mut Cut<'_>) -> Plan {
    let (volumes, parity) = (1 + u32::from(cut.byte()) % 12, 1 + u32::from(cut.byte()) % 5);
    let slice_len = COLUMN_LEN * (1 + u64::from(cut.byte()) % 4);
    let less = u64::from(cut.byte()) % slice_len;
    Plan::from_parts(u64::from(volumes) * slice_len - less, slice_len, volumes, parity).expect("it fits")
}

fn digests(mut cut: Cut<'_>) {
    let plan = small(&mut cut);
    let data = cut.rest();
    let shards = Shards::parse(data, &plan);
    assert_eq!(shards.is_some(), data.len() as u64 == plan.total_blocks() * 32);
    let Some(shards) = shards else { return };
    assert_eq!(shards.to_bytes(), data);
    assert_eq!(shards.digest(), Digest::of(data));
    for slice in 0..plan.slices() {
        let at = plan.first_block(slice) as usize * 32;
        assert_eq!(shards.get(slice, 0).map(|digest| digest.as_bytes().as_slice()), data.get(at..at + 32));
    }
    assert!(shards.get(plan.slices(), 0).is_none() && shards.get(0, plan.blocks_of(0)).is_none());
}

/// Bodies in memory, which are read in pieces of a few bytes.
#[derive(Clone, PartialEq)]
struct Bodies {
    slices: Vec<Option<Vec<u8>>>,
    most: usize,
}

impl ReadSlice for Bodies {
    fn read_at(&self, slice: u32, offset: u64, out: &mut [u8]) -> io::Result<usize> {
        let body = self.slices.get(slice as usize).and_then(Option::as_ref).ok_or(io::ErrorKind::NotFound)?;
        let rest = body.get(offset as usize..).unwrap_or_default();
        let len = rest.len().min(out.len()).min(self.most);
        out[..len].copy_from_slice(&rest[..len]);
        Ok(len)
    }
}

impl Bodies {
    fn block(&self, plan: &Plan, slice: u32, block: u64) -> Option<&[u8]> {
        let from = (block * plan.block_len()) as usize;
        let len = plan.block_len_of(slice, block) as usize;
        self.slices[slice as usize].as_ref()?.get(from..from + len)
    }
}

/// A body with its parity and the digests.
fn made(plan: &Plan, seed: u8) -> (Bodies, Shards) {
    let byte = |index: u64| ((index + u64::from(seed)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 53) as u8;
    let body = |slice: u32| {
        let from = u64::from(slice) * plan.slice_len();
        (from..from + plan.body_len_of(slice)).map(byte).collect()
    };
    let slices = (0..plan.volumes()).map(|slice| Some(body(slice))).collect();
    let mut bodies = Bodies { slices, most: usize::MAX };
    let mut parity = vec![Vec::new(); plan.parity() as usize];
    let mut sink = |slice: u32, bytes: &[u8]| {
        parity[slice as usize].extend_from_slice(bytes);
        Ok(())
    };
    let shards = encode(plan, &bodies, 1, &mut sink, &|_| ()).expect("all of it is there");
    bodies.slices.extend(parity.into_iter().map(Some));
    (bodies, shards)
}

/// Slices that were damaged, with the right digests or, by a bit of `kind`, with some that are not; and by another one mended
/// by a list of bad blocks that nobody found.
fn bodies(kind: u8, mut cut: Cut<'_>) {
    let plan = if kind & 0x1e == 0x1a {
        // Slices of two blocks.
        let len = (1 << 20) + COLUMN_LEN;
        Plan::from_parts(2 * len - u64::from(cut.byte()), len, 2, 1).expect("it fits")
    } else {
        small(&mut cut)
    };
    let (good, mut shards) = made(&plan, kind);
    let mut found = good.clone();
    found.most = 1 + cut.short();
    if plan.slice_len() > 1 << 20 {
        found.most |= 1 << 15;
    }
    let mut told = Bad::none(&plan);
    for _ in 0..MOST {
        if cut.is_empty() {
            break;
        }
        let slice = u32::from(cut.byte()) % plan.slices();
        told.add(slice, u64::from(cut.byte()) % plan.blocks_per_slice());
        match (cut.byte() % 4, &mut found.slices[slice as usize]) {
            (0, body) => *body = None,
            (_, None) => {}
            (_, Some(body)) => edit(body, &mut cut),
        }
    }
    if kind & 2 == 0 {
        let mut bytes = shards.to_bytes();
        edit(&mut bytes, &mut cut);
        shards = Shards::parse(&bytes, &plan).unwrap_or(shards);
    }
    let bad = check(&plan, &found, &shards, 1 + usize::from(kind & 1), &|_| ()).expect("it is one plan");
    for slice in 0..plan.slices() {
        for block in 0..plan.blocks_of(slice) {
            let there = found.block(&plan, slice, block);
            let is_good = there.is_some_and(|bytes| Some(&Digest::of(bytes)) == shards.get(slice, block));
            assert_eq!(bad.contains(slice, block), !is_good);
            // With the right digests, good means unchanged.
            assert!(kind & 2 == 0 || is_good == (there == good.block(&plan, slice, block)));
        }
    }
    let bad = if kind & 4 == 0 { bad } else { told };
    mends(kind, &plan, (&good, &found), &shards, &bad);
}

fn mends(kind: u8, plan: &Plan, (good, found): (&Bodies, &Bodies), shards: &Shards, bad: &Bad) {
    let mut mended = found.clone();
    for slice in 0..plan.volumes() {
        let body = mended.slices[slice as usize].get_or_insert_default();
        body.resize(plan.body_len_of(slice) as usize, 0xee);
    }
    let mut sink = |slice: u32, offset: u64, bytes: &[u8]| {
        assert!(slice < plan.volumes() && bad.contains(slice, offset / plan.block_len()));
        let body = mended.slices[slice as usize].as_mut().expect("it was made");
        body[offset as usize..][..bytes.len()].copy_from_slice(bytes);
        Ok(())
    };
    let said = mend(plan, found, shards, bad, 1 + usize::from(kind & 1), &mut sink, &|_| ());
    let enough = is_mendable(plan, bad);
    assert_eq!(enough, !matches!(said, Err(MendError::TooMuch { .. })));
    let lost: Vec<(u32, u64)> = bad.iter().filter(|(slice, _)| *slice < plan.volumes()).collect();
    match said {
        Ok(count) => {
            assert_eq!(count, lost.len() as u64);
            for (slice, block) in lost {
                let bytes = mended.block(plan, slice, block).expect("all of it is there");
                assert_eq!(Some(&Digest::of(bytes)), shards.get(slice, block));
            }
            if kind & 6 == 2 {
                let volumes = plan.volumes() as usize;
                let same = mended.slices.iter().zip(&good.slices).take(volumes);
                same.for_each(|(mended, good)| {
                    let (mended, good) = (mended.as_ref(), good.as_ref());
                    assert!(mended == good, "what was lost is there again");
                });
            }
        }
        // Right digests, and blocks that were found: what is enough is enough.
        Err(error) => assert!(!enough || kind & 6 != 2, "{error:?}"),
    }
}
