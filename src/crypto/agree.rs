use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use curve25519_dalek::edwards::{EdwardsBasepointTable, EdwardsPoint};
use curve25519_dalek::montgomery::MontgomeryPoint;
use curve25519_dalek::traits::{BasepointTable as _, IsIdentity as _};
use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};
use zeroize::{Zeroize as _, Zeroizing};

use super::{NoRandom, Random as _, Secret32, SystemRandom};

/// The length of an X25519 public key and of a shared secret.
const LEN: usize = 32;
/// From here on a table of multiples is worth its millisecond.
const MANY: u32 = 64;

/// An X25519 public key (RFC 7748) with which many secrets are agreed upon.
///
/// Of all that sealing a small document costs, the two multiplications of an agreement are the largest part. The first ones are
/// ring's, the quickest for a key that is met for the first time. After some the key gets a table of its
/// multiples, as the base point has one, and then they take half the time; the table is read in constant time.
pub struct Peer {
    key: [u8; LEN],
    agreed: AtomicU32,
    /// None where the key lies on the curve's twist: no honest key does, and ring takes it as the RFC says.
    multiples: OnceLock<Option<Box<EdwardsBasepointTable>>>,
}

/// A fresh share for the peer, and the secret that the peer makes of it.
pub struct Agreed {
    /// The public half of the key that was drawn for this one use.
    pub share: [u8; LEN],
    /// What both have.
    pub secret: Secret32,
}

/// Why there is no secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NoAgreement {
    /// The peer's key is of low order: it shares its secret with everybody.
    #[error("a key of low order")]
    LowOrder,
    /// The operating system gave no random bytes.
    #[error(transparent)]
    NoRandom(#[from] NoRandom),
}

impl std::fmt::Debug for Peer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Peer({:02x?})", self.key)
    }
}

impl Peer {
    /// Any 32 bytes are a key.
    pub fn new(key: [u8; LEN]) -> Self {
        Self { key, agreed: AtomicU32::new(0), multiples: OnceLock::new() }
    }

    /// The key's bytes.
    pub fn key(&self) -> &[u8; LEN] {
        &self.key
    }

    /// A secret with the peer, under a key that is drawn from the operating system and forgotten.
    ///
    /// # Errors
    /// [`NoAgreement`].
    pub fn agree(&self) -> Result<Agreed, NoAgreement> {
        let known = self.agreed.fetch_add(1, Ordering::Relaxed).min(MANY) == MANY;
        // One that counts on for ever would come back to the beginning.
        if known {
            self.agreed.store(MANY, Ordering::Relaxed);
        }
        let multiples =
            if known { self.multiples.get_or_init(|| multiples(&self.key)).as_ref() } else { None };
        match multiples {
            Some(multiples) => by_table(multiples),
            None => by_ring(&self.key),
        }
    }
}

fn multiples(key: &[u8; LEN]) -> Option<Box<EdwardsBasepointTable>> {
    // Both points above a coordinate give the same secret: only the coordinate is kept.
    MontgomeryPoint(*key).to_edwards(0).map(|point| Box::new(EdwardsBasepointTable::create(&point)))
}

fn by_ring(key: &[u8; LEN]) -> Result<Agreed, NoAgreement> {
    let private = EphemeralPrivateKey::generate(&X25519, &ring::rand::SystemRandom::new());
    let private = private.map_err(|_| NoRandom)?;
    let share = private.compute_public_key().map_err(|_| NoRandom)?;
    let share = share.as_ref().try_into().map_err(|_| NoRandom)?;
    let peer = UnparsedPublicKey::new(&X25519, key);
    let secret = agree_ephemeral(private, &peer, |secret| secret.try_into().ok().map(Secret32::new));
    let secret = secret.ok().flatten().ok_or(NoAgreement::LowOrder)?;
    Ok(Agreed { share, secret })
}

fn by_table(multiples: &EdwardsBasepointTable) -> Result<Agreed, NoAgreement> {
    let mut private = Zeroizing::new([0; LEN]);
    SystemRandom::new().fill(private.as_mut_slice())?;
    let share = EdwardsPoint::mul_base_clamped(*private).to_montgomery().0;
    let mut point = multiples.mul_base_clamped(*private);
    let mut shared = point.to_montgomery();
    let low = shared.is_identity();
    let secret = Secret32::new(shared.0);
    point.zeroize();
    shared.zeroize();
    if low { Err(NoAgreement::LowOrder) } else { Ok(Agreed { share, secret }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn public(secret: [u8; LEN]) -> [u8; LEN] {
        MontgomeryPoint::mul_base_clamped(secret).0
    }

    #[test]
    fn the_peer_makes_the_same_secret_of_every_share_with_and_without_the_table() {
        for seed in 0..8 {
            let secret = [seed; LEN];
            let peer = Peer::new(public(secret));
            let mut shares = Vec::new();
            for _ in 0..MANY + 8 {
                let agreed = peer.agree().unwrap();
                let theirs = MontgomeryPoint(agreed.share).mul_clamped(secret);
                assert_eq!(agreed.secret.expose(), &theirs.0);
                shares.push(agreed.share);
            }
            assert!(peer.multiples.get().is_some_and(Option::is_some));
            shares.sort_unstable();
            assert!(shares.windows(2).all(|pair| pair[0] != pair[1]), "each share is used once");
        }
    }

    #[test]
    fn spellings_of_a_coordinate_that_the_rfc_allows_give_the_same_secret() {
        let secret = [7; LEN];
        let mut high_bit = public(secret);
        high_bit[31] |= 0x80;
        let peer = Peer::new(high_bit);
        for _ in 0..MANY + 2 {
            let agreed = peer.agree().unwrap();
            assert_eq!(agreed.secret.expose(), &MontgomeryPoint(agreed.share).mul_clamped(secret).0);
        }
    }

    #[test]
    fn a_key_on_the_twist_has_no_table_and_agrees_as_before() {
        let twisted = (2..40_u8).map(|first| core::array::from_fn(|at| if at == 0 { first } else { 0 }));
        let twisted: Vec<[u8; LEN]> =
            twisted.filter(|key| MontgomeryPoint(*key).to_edwards(0).is_none()).collect();
        assert!(!twisted.is_empty());
        for key in twisted {
            let peer = Peer::new(key);
            assert!((0..MANY + 2).all(|_| peer.agree().is_ok()));
            assert!(peer.multiples.get().is_some_and(Option::is_none));
        }
    }

    #[test]
    fn a_peer_of_low_order_is_refused_with_and_without_the_table() {
        // Every point of low order, RFC 7748 and its errata: 0, 1, the two of order eight, p - 1, p, p + 1.
        let small = |first| core::array::from_fn(|at| if at == 0 { first } else { 0 });
        let near =
            |last| core::array::from_fn(|at| [last, 0xff, 0x7f][usize::from(at > 0) + usize::from(at == 31)]);
        let eight = [
            "e0eb7a7c3b41b8ae1656e3faf19fc46ada098deb9c32b1fd866205165f49b800",
            "5f9c95bca3508c24b1d0b1559c83ef5b04445cc4581c8e86d8224eddd09f1157",
        ];
        let eight = eight.map(|text| crate::encoding::unhex::<LEN>(text).unwrap());
        for low in [small(0), small(1), near(0xec), near(0xed), near(0xee), eight[0], eight[1]] {
            let peer = Peer::new(low);
            for _ in 0..MANY + 2 {
                assert_eq!(peer.agree().err(), Some(NoAgreement::LowOrder), "{low:02x?}");
            }
        }
    }
}
