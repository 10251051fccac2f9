use super::*;
use crate::crypto::SigningKey;
use crate::id::SessionId;
use crate::label::Zone;
use crate::log::entry::Draft;
use crate::log::merkle::{HashReader, Node, inclusion_proof, leaf_hash, root_of};
use crate::time::{Moment, Timestamp};

const VAULT: VaultId = VaultId([0x3f; 32]);

/// The hashes of a small log's entries.
struct Leaves(Vec<Digest>);

impl HashReader for Leaves {
    type Error = std::convert::Infallible;

    fn read(&self, nodes: &[Node]) -> Result<Vec<Digest>, Self::Error> {
        let under = |node: &Node| {
            let first = (node.index << node.level) as usize;
            root_of(self.0[first..first + (1 << node.level)].iter().copied())
        };
        Ok(nodes.iter().map(under).collect())
    }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed([seed; 32])
}

fn id(seed: u8) -> HostId {
    Host::id_of(&key(seed).public())
}

/// The entry at a place by which the host named after one key goes on with another.
fn entry(seq: u64, host: HostId, next: u8, event: Event, outcome: Outcome) -> Vec<u8> {
    let now = Moment { time: Timestamp::from_unix_ms(0), boot: String::new(), mono_ms: seq };
    let mut draft = Draft::new(event, outcome, SessionId([0; 16]), host, Zone::Networked, &now);
    draft.object = Some(Object::host(host));
    draft.detail.host_key = Some(key(next).public().0);
    draft.entry(seq).unwrap().to_bytes()
}

/// A log of so many entries that ends with this one, in an epoch, signed by these; the proof of the last entry.
fn proof_of(last: &[u8], size: u64, epoch: u64, by: &[u8]) -> EntryProof {
    let mut leaves: Vec<Digest> = (1..size).map(|seq| leaf_hash(&seq.to_be_bytes())).collect();
    leaves.push(leaf_hash(last));
    let name = origin(&VAULT, epoch);
    let checkpoint = Checkpoint::new(&name, size, root_of(leaves.clone())).unwrap();
    let keys: Vec<SigningKey> = by.iter().map(|seed| key(*seed)).collect();
    let pairs: Vec<_> = keys.iter().map(|key| (name.as_str(), key)).collect();
    let note = SignedNote::sign(&checkpoint.text(), &pairs).unwrap();
    let hashes = inclusion_proof(size - 1, size, &Leaves(leaves)).unwrap();
    let checkpoint = note.print().into_bytes();
    EntryProof { entry: Some(last.to_vec()), index: size - 1, hashes, checkpoint }
}

/// That the host named after the key `first` goes from one key to the next, at a size.
fn hand_over(first: u8, next: u8, size: u64, epoch: u64, by: &[u8]) -> HandOver {
    let last = entry(size - 1, id(first), next, Event::HostRekey, Outcome::Ok);
    HandOver::parse(&proof_of(&last, size, epoch, by).print()).unwrap()
}

fn named(seeds: &[u8]) -> Vec<PublicKey> {
    seeds.iter().map(|seed| key(*seed).public()).collect()
}

/// Each key with its host and sizes.
fn shown(keys: &[LogKey]) -> Vec<(PublicKey, HostId, u64, Option<u64>)> {
    let mut all: Vec<_> =
        keys.iter().map(|key| (key.verifier().key(), key.host(), key.begins(), key.until())).collect();
    all.sort_by_key(|(key, ..)| *key);
    all
}

fn sorted(mut all: Vec<(PublicKey, HostId, u64, Option<u64>)>) -> Vec<(PublicKey, HostId, u64, Option<u64>)> {
    all.sort_by_key(|(key, ..)| *key);
    all
}

#[test]
fn a_key_hands_over_to_the_next_and_each_speaks_for_its_sizes() {
    let handed = [hand_over(1, 11, 5, 1, &[1, 11]), hand_over(1, 12, 9, 1, &[11, 12])];
    let all = Generations::follow(VAULT, 1, &named(&[1, 2]), &handed);
    assert_eq!(all.taken(), 2);
    let public = |seed| key(seed).public();
    let expected = sorted(vec![
        (public(1), id(1), 0, Some(5)),
        (public(11), id(1), 5, Some(9)),
        (public(12), id(1), 9, None),
        (public(2), id(2), 0, None),
    ]);
    assert_eq!(shown(all.keys()), expected);
    let at = |size| {
        let root = if size == 0 { crate::log::merkle::empty_root() } else { Digest([7; 32]) };
        Checkpoint::new(&origin(&VAULT, 1), size, root).unwrap()
    };
    let holds = |size, seed| {
        let note = at(size).sign(&key(seed), None).unwrap().print();
        verify_by_any(note.as_bytes(), all.keys(), &[]).is_some()
    };
    for size in 0..20 {
        assert_eq!(holds(size, 1), size <= 5, "{size}");
        assert_eq!(holds(size, 11), (5..=9).contains(&size), "{size}");
        assert_eq!(holds(size, 12), size >= 9, "{size}");
        assert!(holds(size, 2) && !holds(size, 3), "{size}");
    }
}

#[test]
fn only_the_newest_key_of_a_host_hands_over_and_only_to_a_new_one() {
    let good = hand_over(1, 11, 5, 1, &[1, 11]);
    let taken = |handed: &[HandOver]| Generations::follow(VAULT, 1, &named(&[1, 2]), handed).taken();
    assert_eq!(taken(std::slice::from_ref(&good)), 1);
    for (bad, why) in [
        (hand_over(1, 12, 9, 1, &[1, 12]), "by the key before"),
        (hand_over(1, 12, 9, 1, &[11, 3]), "without the new one"),
        (hand_over(1, 12, 9, 1, &[12, 3]), "without the old one"),
        (hand_over(1, 12, 9, 1, &[2, 12]), "by another host"),
        (hand_over(1, 12, 5, 1, &[11, 12]), "at no larger size"),
        (hand_over(1, 12, 4, 1, &[11, 12]), "at a smaller size"),
        (hand_over(1, 1, 9, 1, &[11, 1]), "back to a key before"),
        (hand_over(1, 11, 9, 1, &[11, 3]), "to itself"),
        (hand_over(1, 2, 9, 1, &[11, 2]), "to another host's"),
        (hand_over(3, 12, 9, 1, &[3, 12]), "by a host that nobody named"),
        (hand_over(11, 12, 9, 1, &[11, 12]), "by a host under a later name"),
        (good.clone(), "twice"),
    ] {
        assert_eq!(taken(&[good.clone(), bad]), 1, "{why}");
    }
    // What follows on one that does not hold does not count either.
    assert_eq!(taken(&[hand_over(1, 11, 5, 1, &[1, 3]), hand_over(2, 12, 6, 1, &[2, 12])]), 0);
}

#[test]
fn an_epoch_keeps_no_key_that_was_handed_over_before() {
    let handed = [
        hand_over(1, 11, 5, 1, &[1, 11]),
        hand_over(3, 13, 4, 2, &[3, 13]),
        hand_over(3, 14, 8, 3, &[3, 14]),
    ];
    let follow = |epoch, named: &[u8]| Generations::follow(VAULT, epoch, &self::named(named), &handed);
    let keys = |epoch, named: &[u8]| {
        let mut keys: Vec<_> = follow(epoch, named).keys().iter().map(|key| key.verifier().key()).collect();
        keys.sort_unstable();
        keys
    };
    let expected = |seeds: &[u8]| {
        let mut keys = named(seeds);
        keys.sort_unstable();
        keys
    };
    assert_eq!(keys(1, &[1, 2]), expected(&[1, 2, 11]));
    // 3 was named by the note that opened epoch 2.
    assert_eq!(keys(2, &[1, 2, 3]), expected(&[2, 3, 13]));
    // It was handed over in epoch 2, so it hands over nothing in epoch 3.
    assert_eq!((keys(3, &[1, 2, 3, 4]), follow(3, &[1, 2, 3, 4]).taken()), (expected(&[2, 4]), 2));
    for key in follow(2, &[1, 2, 3]).keys() {
        assert_eq!(key.verifier().name(), origin(&VAULT, 2));
    }
}

#[test]
fn only_the_last_entry_of_its_checkpoint_that_says_so_is_a_hand_over() {
    let rekey = |seq| entry(seq, id(1), 11, Event::HostRekey, Outcome::Ok);
    let good = proof_of(&rekey(4), 5, 1, &[1, 11]);
    let parse = |proof: &EntryProof| HandOver::parse(&proof.print());
    assert!(parse(&good).is_some());
    assert_eq!(parse(&good).unwrap().key(), key(11).public());
    let of = |entry: Vec<u8>| parse(&proof_of(&entry, 5, 1, &[1, 11]));
    assert!(of(rekey(3)).is_none(), "another place");
    assert!(of(entry(4, id(1), 11, Event::HostEnrol, Outcome::Ok)).is_none());
    assert!(of(entry(4, id(1), 11, Event::HostRekey, Outcome::Denied)).is_none());
    assert!(of(b"junk".to_vec()).is_none());
    assert!(parse(&EntryProof { entry: None, ..good.clone() }).is_none());
    assert!(parse(&EntryProof { index: 3, ..good.clone() }).is_none());
    assert!(parse(&EntryProof { hashes: good.hashes[1..].to_vec(), ..good.clone() }).is_none());
    let by = |keys: &[u8]| proof_of(&rekey(4), 5, 1, keys).checkpoint;
    let under = |checkpoint: Vec<u8>| parse(&EntryProof { checkpoint, ..good.clone() });
    assert!(under(b"junk".to_vec()).is_none());
    assert!(under(by(&[1])).is_none() && under(by(&[1, 11, 2])).is_none());
    assert!(under(by(&[2, 3])).is_some(), "keys are asked later");
    // What others signed beside is left out when the proof is made.
    let mut more = SignedNote::parse(&good.checkpoint).unwrap();
    more.cosign("gapvault/m/0000000000000000", &key(5)).unwrap();
    let made = HandOver::proof(rekey(4), good.hashes.clone(), more.print().as_bytes());
    assert_eq!(made.unwrap(), good.print());
    // Every flipped bit of the file makes it none, or one that no key stands behind.
    let bytes = good.print();
    for bit in 0..bytes.len() * 8 {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let taken = HandOver::parse(&flipped)
            .map(|next| Generations::follow(VAULT, 1, &named(&[1]), &[next]).taken());
        assert!(matches!(taken, None | Some(0)), "{bit}");
    }
}
