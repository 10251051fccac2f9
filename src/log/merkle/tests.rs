use std::convert::Infallible;

use super::*;
use crate::encoding::hex;

const GROWN: u64 = 300;

fn leaves(count: u64) -> Vec<Digest> {
    (0..count).map(|index| leaf_hash(format!("entry {index}").as_bytes())).collect()
}

/// MTH of RFC 6962, section 2.1, word for word.
fn naive_root(leaves: &[Digest]) -> Digest {
    match leaves {
        [] => empty_root(),
        [one] => *one,
        more => {
            let mut k = 1;
            while k * 2 < more.len() {
                k *= 2;
            }
            node_hash(&naive_root(&more[..k]), &naive_root(&more[k..]))
        }
    }
}

struct Grown(Vec<Vec<Digest>>);

impl Grown {
    fn new(leaves: &[Digest]) -> Self {
        let mut levels = vec![leaves.to_vec()];
        while levels.last().unwrap().len() > 1 {
            let below = levels.last().unwrap();
            let above = below.chunks_exact(2).map(|pair| node_hash(&pair[0], &pair[1])).collect();
            levels.push(above);
        }
        Self(levels)
    }
}

impl HashReader for Grown {
    type Error = Infallible;

    fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, Infallible> {
        Ok(nodes.iter().map(|node| self.0[usize::from(node.level)][node.index as usize]).collect())
    }
}

fn flipped(hash: Digest, bit: usize) -> Digest {
    let mut bytes = hash.0;
    bytes[bit / 8] ^= 1 << (bit % 8);
    Digest(bytes)
}

/// Every bit where `all`, and one of each hash otherwise.
fn bits(hash: usize, all: bool) -> impl Iterator<Item = usize> {
    (0..256).filter(move |bit| all || *bit == hash * 37 % 256)
}

#[test]
fn roots_are_those_of_the_certificate_transparency_test_tree() {
    let inputs: [&[u8]; 8] = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        b"\x50\x51\x52\x53\x54\x55\x56\x57",
        b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
    ];
    let root = |count: usize| hex(root_of(inputs[..count].iter().map(|input| leaf_hash(input))).as_bytes());
    assert_eq!(root(0), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    assert_eq!(root(1), "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d");
    assert_eq!(root(8), "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328");
}

#[test]
fn the_frontier_has_the_root_of_the_definition_at_every_size() {
    let leaves = leaves(GROWN);
    let grown = Grown::new(&leaves);
    let mut frontier = Frontier::new();
    for size in 0..=leaves.len() {
        assert_eq!(frontier.size(), size as u64);
        assert_eq!(frontier.root(), naive_root(&leaves[..size]));
        assert_eq!(root_of(leaves[..size].iter().copied()), frontier.root());
        assert_eq!(tree_root(size as u64, &grown), Ok(frontier.root()));
        if let Some(leaf) = leaves.get(size) {
            frontier.push(*leaf);
        }
    }
}

#[test]
fn a_frontier_grows_by_subtrees_as_by_entries() {
    let leaves = leaves(64);
    for start in 0..40 {
        for level in 0..5 {
            let mut one = Frontier::new();
            one.extend(leaves[..start].iter().copied());
            let mut at_once = one.clone();
            let end = start + (1 << level);
            let taken = at_once.push_subtree(level, naive_root(&leaves[start..end]));
            assert_eq!(taken, start % (1 << level) == 0, "{start} {level}");
            if taken {
                one.extend(leaves[start..end].iter().copied());
            }
            assert_eq!(at_once, one);
        }
    }
    assert!(!Frontier::new().push_subtree(63, leaves[0]));
}

#[test]
fn a_frontier_reads_as_it_is_written_and_in_no_other_way() {
    let leaves = leaves(70);
    let mut frontier = Frontier::new();
    for leaf in leaves {
        let bytes = frontier.to_bytes();
        assert_eq!(Frontier::from_bytes(&bytes), Some(frontier.clone()));
        assert_eq!(Frontier::from_bytes(&[bytes.as_slice(), &[0]].concat()), None);
        assert_eq!(Frontier::from_bytes(&[bytes.as_slice(), &[0; 32]].concat()), None);
        for shorter in 0..bytes.len() {
            assert_eq!(Frontier::from_bytes(&bytes[..shorter]), None);
        }
        frontier.push(leaf);
    }
    let of_size = |size: u64| {
        Frontier::from_bytes(
            &[size.to_be_bytes().as_slice(), &vec![7; 32 * size.count_ones() as usize]].concat(),
        )
    };
    assert_eq!(of_size(MAX_TREE_SIZE).map(|frontier| frontier.size()), Some(MAX_TREE_SIZE));
    assert_eq!(of_size(MAX_TREE_SIZE + 1), None);
}

#[test]
fn every_entry_is_proved_at_every_size() {
    let leaves = leaves(GROWN);
    let grown = Grown::new(&leaves);
    for size in 1..=GROWN {
        let root = root_of(leaves[..size as usize].iter().copied());
        for index in 0..size {
            let leaf = leaves[index as usize];
            let proof = inclusion_proof(index, size, &grown).unwrap();
            assert_eq!(verify_inclusion(&leaf, index, size, &proof, &root), Ok(()));
            if index % 7 == 0 || size < 70 {
                refuse_broken_inclusion(&leaf, index, size, &proof, &root);
            }
        }
    }
}

fn refuse_broken_inclusion(leaf: &Digest, index: u64, size: u64, proof: &[Digest], root: &Digest) {
    let verify = |proof: &[Digest]| verify_inclusion(leaf, index, size, proof, root);
    let mut bad = proof.to_vec();
    for hash in 0..proof.len() {
        for bit in bits(hash, size <= 20) {
            bad[hash] = flipped(proof[hash], bit);
            assert_eq!(verify(&bad), Err(ProofError::WrongRoot));
        }
        bad[hash] = proof[hash];
    }
    assert_eq!(verify(&[proof, &[*root]].concat()), Err(ProofError::WrongLength));
    assert_ne!(verify(&[&[*leaf], proof].concat()), Ok(()));
    if let [shorter @ .., _] = proof {
        assert_eq!(verify(shorter), Err(ProofError::WrongLength));
        assert_ne!(verify(&proof[1..]), Ok(()));
    }
    assert_eq!(verify_inclusion(&flipped(*leaf, 9), index, size, proof, root), Err(ProofError::WrongRoot));
    assert_eq!(verify_inclusion(leaf, index, size, proof, &flipped(*root, 9)), Err(ProofError::WrongRoot));
    for other in (0..size).filter(|other| *other != index && (size < 20 || other.abs_diff(index) < 3)) {
        assert!(verify_inclusion(leaf, other, size, proof, root).is_err());
    }
    assert_eq!(verify_inclusion(leaf, size, size, proof, root), Err(ProofError::OutsideTree));
}

#[test]
fn every_size_is_consistent_with_every_later_one() {
    let leaves = leaves(GROWN);
    let grown = Grown::new(&leaves);
    let roots: Vec<Digest> = (0..=GROWN).map(|size| tree_root(size, &grown).unwrap()).collect();
    for to in 1..=GROWN {
        for from in 1..=to {
            let (old, new) = (roots[from as usize], roots[to as usize]);
            let proof = consistency_proof(from, to, &grown).unwrap();
            assert_eq!(verify_consistency(from, &old, to, &new, &proof), Ok(()));
            if from % 7 == 0 || to < 70 {
                refuse_broken_consistency((from, &old), (to, &new), &proof);
            }
        }
    }
}

fn refuse_broken_consistency(old: (u64, &Digest), new: (u64, &Digest), proof: &[Digest]) {
    let verify = |proof: &[Digest]| verify_consistency(old.0, old.1, new.0, new.1, proof);
    let mut bad = proof.to_vec();
    for hash in 0..proof.len() {
        for bit in bits(hash, new.0 <= 20) {
            bad[hash] = flipped(proof[hash], bit);
            assert_eq!(verify(&bad), Err(ProofError::WrongRoot));
        }
        bad[hash] = proof[hash];
    }
    assert_eq!(verify(&[proof, &[*new.1]].concat()), Err(ProofError::WrongLength));
    if let [shorter @ .., _] = proof {
        assert_eq!(verify(shorter), Err(ProofError::WrongLength));
    }
    let (bad_old, bad_new) = (flipped(*old.1, 9), flipped(*new.1, 9));
    assert_eq!(verify_consistency(old.0, &bad_old, new.0, new.1, proof), Err(ProofError::WrongRoot));
    assert_eq!(verify_consistency(old.0, old.1, new.0, &bad_new, proof), Err(ProofError::WrongRoot));
    if old.0 < new.0 {
        assert_eq!(verify_consistency(new.0, new.1, old.0, old.1, proof), Err(ProofError::BadSizes));
    }
    assert_eq!(verify_consistency(0, &empty_root(), new.0, new.1, proof), Err(ProofError::BadSizes));
}

#[test]
fn sizes_beyond_the_limit_are_refused() {
    let hash = leaf_hash(b"");
    let grown = Grown::new(&[hash]);
    for size in [MAX_TREE_SIZE + 1, u64::MAX] {
        assert_eq!(verify_inclusion(&hash, 0, size, &[hash; 63], &hash), Err(ProofError::TooLarge));
        assert_eq!(verify_consistency(1, &hash, size, &hash, &[hash; 63]), Err(ProofError::TooLarge));
        assert_eq!(inclusion_proof(0, size, &grown), Err(ProofError::TooLarge.into()));
        assert_eq!(consistency_proof(1, size, &grown), Err(ProofError::TooLarge.into()));
        assert_eq!(tree_root(size, &grown), Err(ProofError::TooLarge.into()));
    }
    // The largest tree there may be: first and last entry, with the lengths that their places need.
    let last = MAX_TREE_SIZE - 1;
    let verify = |index, len| verify_inclusion(&hash, index, MAX_TREE_SIZE, &vec![hash; len], &hash);
    assert_eq!(verify(0, 63), Err(ProofError::WrongRoot));
    assert_eq!(verify(0, 62), Err(ProofError::WrongLength));
    assert_eq!(verify(0, 64), Err(ProofError::WrongLength));
    assert_eq!(verify(last, 62), Err(ProofError::WrongRoot));
    assert_eq!(verify(last, 63), Err(ProofError::WrongLength));
    assert_eq!(verify(MAX_TREE_SIZE, 63), Err(ProofError::OutsideTree));
    assert_eq!(verify(u64::MAX, 63), Err(ProofError::OutsideTree));
}

#[test]
fn a_reader_that_gives_too_few_hashes_makes_no_proof() {
    struct Short;
    impl HashReader for Short {
        type Error = Infallible;
        fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, Infallible> {
            Ok(vec![empty_root(); nodes.len() - 1])
        }
    }
    assert_eq!(inclusion_proof(3, 5, &Short), Err(ProveError::ShortRead));
    assert_eq!(consistency_proof(3, 5, &Short), Err(ProveError::ShortRead));
    assert_eq!(tree_root(5, &Short), Err(ProveError::ShortRead));
}
