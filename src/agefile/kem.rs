//! X-Wing, also called MLKEM768-X25519 (`draft-connolly-cfrg-xwing-kem`): ML-KEM-768 and X25519 combined,
//! so that an eavesdropper has to break both.

use std::ops::IndexMut as _;
use std::sync::{Arc, OnceLock};

#[cfg(target_arch = "x86_64")]
use libcrux_ml_kem::mlkem768::avx2;
use libcrux_ml_kem::mlkem768::{
    MlKem768Ciphertext, MlKem768PrivateKey, MlKem768PublicKey, decapsulate, encapsulate, generate_key_pair,
    validate_public_key,
};
use sha3::digest::{ExtendableOutput as _, Update as _, XofReader as _};
use sha3::{Digest as _, Sha3_256, Shake256};
use x25519_dalek::{PublicKey, StaticSecret};
use zeroize::{Zeroize as _, Zeroizing};

use crate::crypto::{Agreed, Peer, Secret32};

/// The length of the seed that is a secret key.
pub(super) const SEED_LEN: usize = 32;
/// The length of a public key: ML-KEM-768's, then X25519's.
pub(super) const PUBLIC_LEN: usize = ML_KEM_PUBLIC_LEN + 32;
/// The length of an encapsulated key: ML-KEM-768's ciphertext, then an X25519 share.
pub(super) const ENC_LEN: usize = ML_KEM_CIPHERTEXT_LEN + 32;
/// How many random bytes ML-KEM takes for an encapsulation.
pub(super) const RANDOMNESS_LEN: usize = 32;

const ML_KEM_PUBLIC_LEN: usize = 1184;
const ML_KEM_PRIVATE_LEN: usize = 2400;
const ML_KEM_CIPHERTEXT_LEN: usize = 1088;
const LABEL: &[u8; 6] = br"\.//^\";

/// An X25519 share that gives the same secret with every key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LowOrder;

/// A public key whose ML-KEM part is one that FIPS 203 admits.
#[derive(Clone)]
pub(super) struct EncapsulationKey {
    bytes: Box<[u8; PUBLIC_LEN]>,
    /// The ML-KEM part, expanded at its first use.
    ml_kem: Arc<OnceLock<MlKem>>,
    x25519: Arc<Peer>,
}

impl PartialEq for EncapsulationKey {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for EncapsulationKey {}

impl std::hash::Hash for EncapsulationKey {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        self.bytes.hash(state);
    }
}

/// ML-KEM-768's public key, ready to be used often: half of an encapsulation is to expand the key's matrix from its seed, which is
/// the same for all documents of a class.
enum MlKem {
    #[cfg(target_arch = "x86_64")]
    Expanded(Box<avx2::unpacked::MlKem768PublicKeyUnpacked>),
    Plain(Box<MlKem768PublicKey>),
}

impl MlKem {
    fn new(key: &MlKem768PublicKey) -> Self {
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            let mut expanded = avx2::unpacked::init_public_key();
            avx2::unpacked::unpacked_public_key(key, &mut expanded);
            return Self::Expanded(Box::new(expanded));
        }
        Self::Plain(Box::new(key.clone()))
    }

    fn encapsulate(&self, randomness: [u8; RANDOMNESS_LEN]) -> (MlKem768Ciphertext, [u8; 32]) {
        match self {
            #[cfg(target_arch = "x86_64")]
            Self::Expanded(key) => avx2::unpacked::encapsulate(key, randomness),
            Self::Plain(key) => encapsulate(key, randomness),
        }
    }
}

impl EncapsulationKey {
    fn of(bytes: Box<[u8; PUBLIC_LEN]>) -> Self {
        let x25519 = bytes.last_chunk::<32>().copied().unwrap_or_default();
        Self { bytes, ml_kem: Arc::default(), x25519: Arc::new(Peer::new(x25519)) }
    }

    /// Checks the bytes, as FIPS 203 (7.2) asks before they are used.
    pub(super) fn new(bytes: &[u8]) -> Option<Self> {
        let bytes: [u8; PUBLIC_LEN] = bytes.try_into().ok()?;
        let key = Self::of(Box::new(bytes));
        validate_public_key(&key.ml_kem()).then_some(key)
    }

    pub(super) fn as_bytes(&self) -> &[u8; PUBLIC_LEN] {
        &self.bytes
    }

    fn ml_kem(&self) -> MlKem768PublicKey {
        self.bytes.first_chunk::<ML_KEM_PUBLIC_LEN>().map(MlKem768PublicKey::from).unwrap_or_default()
    }

    /// The X25519 part.
    pub(super) fn x25519(&self) -> &Peer {
        &self.x25519
    }

    /// A fresh secret, and its encapsulation for the holder of the secret key. The randomness is ML-KEM's; what was agreed
    /// upon was so with [`x25519`](Self::x25519).
    pub(super) fn encapsulate(
        &self,
        randomness: &Zeroizing<[u8; RANDOMNESS_LEN]>,
        agreed: &Agreed,
    ) -> (Vec<u8>, Secret32) {
        let ml_kem = self.ml_kem.get_or_init(|| MlKem::new(&self.ml_kem()));
        let (ciphertext, ml_kem_secret) = ml_kem.encapsulate(**randomness);
        let Agreed { share, secret } = agreed;
        let secret = combine(&Zeroizing::new(ml_kem_secret), secret.expose(), share, self.x25519.key());
        ([ciphertext.as_slice().as_slice(), share].concat(), secret)
    }
}

/// A secret key, expanded from its seed.
pub(super) struct DecapsulationKey {
    seed: Zeroizing<[u8; SEED_LEN]>,
    ml_kem: Box<MlKem768PrivateKey>,
    x25519: StaticSecret,
    public: EncapsulationKey,
}

impl Clone for DecapsulationKey {
    fn clone(&self) -> Self {
        Self::new(self.seed.clone())
    }
}

impl Drop for DecapsulationKey {
    fn drop(&mut self) {
        // libcrux does not wipe its keys.
        self.ml_kem.index_mut(0..ML_KEM_PRIVATE_LEN).zeroize();
    }
}

impl DecapsulationKey {
    pub(super) fn new(seed: Zeroizing<[u8; SEED_LEN]>) -> Self {
        let mut expanded = Zeroizing::new(([0; 64], [0; 32]));
        let mut reader = Shake256::default().chain(seed.as_slice()).finalize_xof();
        reader.read(&mut expanded.0);
        reader.read(&mut expanded.1);
        let (private, public) = generate_key_pair(expanded.0).into_parts();
        let x25519 = StaticSecret::from(expanded.1);
        let mut bytes = Box::new([0; PUBLIC_LEN]);
        let parts =
            public.as_slice().iter().chain(PublicKey::from(&x25519).as_bytes()).copied().collect::<Vec<_>>();
        bytes.copy_from_slice(&parts);
        Self { seed, ml_kem: Box::new(private), x25519, public: EncapsulationKey::of(bytes) }
    }

    pub(super) fn seed(&self) -> &[u8; SEED_LEN] {
        &self.seed
    }

    pub(super) fn public(&self) -> &EncapsulationKey {
        &self.public
    }

    /// The secret of an encapsulation; another one when that was made for another key or changed.
    pub(super) fn decapsulate(&self, enc: &[u8; ENC_LEN]) -> Result<Secret32, LowOrder> {
        let ciphertext =
            enc.first_chunk::<ML_KEM_CIPHERTEXT_LEN>().map(MlKem768Ciphertext::from).unwrap_or_default();
        let share = enc.last_chunk::<32>().copied().unwrap_or_default();
        let ml_kem_secret = Zeroizing::new(decapsulate(&self.ml_kem, &ciphertext));
        let x25519_secret = self.x25519.diffie_hellman(&PublicKey::from(share));
        if !x25519_secret.was_contributory() {
            return Err(LowOrder);
        }
        Ok(combine(&ml_kem_secret, x25519_secret.as_bytes(), &share, self.public.x25519().key()))
    }
}

fn combine(
    ml_kem_secret: &[u8; 32],
    x25519_secret: &[u8; 32],
    share: &[u8; 32],
    public: &[u8; 32],
) -> Secret32 {
    let hash = Sha3_256::new()
        .chain_update(ml_kem_secret)
        .chain_update(x25519_secret)
        .chain_update(share)
        .chain_update(public)
        .chain_update(LABEL);
    Secret32::new(hash.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::crypto::NoAgreement;
    use crate::encoding::{hex, unhex};

    /// What a key that is known beforehand agrees upon.
    fn known(secret: [u8; 32], peer: &Peer) -> Agreed {
        let secret = StaticSecret::from(secret);
        let shared = secret.diffie_hellman(&PublicKey::from(*peer.key()));
        Agreed { share: *PublicKey::from(&secret).as_bytes(), secret: Secret32::new(*shared.as_bytes()) }
    }

    #[test]
    fn the_first_vector_of_the_draft() {
        let seed = unhex("7f9c2ba4e88f827d616045507605853ed73b8093f6efbc88eb1a6eacfa66ef26").unwrap();
        let key = DecapsulationKey::new(Zeroizing::new(seed));
        let randomness = unhex("3cb1eea988004b93103cfb0aeefd2a686e01fa4a58e8a3639ca8a1e3f9ae57e2");
        let ephemeral = unhex("35b8cc873c23dc62b8d260169afa2f75ab916a58d974918835d25e6a435085b2");
        let agreed = known(ephemeral.unwrap(), key.public().x25519());
        let (enc, secret) = key.public().encapsulate(&Zeroizing::new(randomness.unwrap()), &agreed);
        let expected = "d2df0522128f09dd8e2c92b1e905c793d8f57a54c3da25861f10bf4ca613e384";
        assert_eq!(hex(secret.expose()), expected);
        let enc: [u8; ENC_LEN] = enc.try_into().unwrap();
        assert_eq!(hex(key.decapsulate(&enc).unwrap().expose()), expected);
    }

    #[test]
    fn an_expanded_key_gives_what_a_plain_one_gives() {
        for seed in 0..20 {
            let key = DecapsulationKey::new(Zeroizing::new([seed; SEED_LEN])).public().ml_kem();
            for randomness in [[0; RANDOMNESS_LEN], [seed; RANDOMNESS_LEN], [255; RANDOMNESS_LEN]] {
                let (plain, plain_secret) = encapsulate(&key, randomness);
                let (ours, secret) = MlKem::new(&key).encapsulate(randomness);
                assert_eq!((ours.as_slice(), secret), (plain.as_slice(), plain_secret));
            }
        }
    }

    #[test]
    fn public_keys_out_of_range_are_refused() {
        let key = DecapsulationKey::new(Zeroizing::new([1; SEED_LEN]));
        let bytes = *key.public().as_bytes();
        assert!(EncapsulationKey::new(&bytes).is_some());
        assert!(EncapsulationKey::new(&bytes[1..]).is_none());
        // A coefficient of 4095 where the modulus is 3329.
        let mut over = bytes;
        over[..2].fill(0xff);
        assert!(EncapsulationKey::new(&over).is_none());
    }

    #[test]
    fn shares_of_low_order_are_refused_on_both_sides() {
        let key = DecapsulationKey::new(Zeroizing::new([1; SEED_LEN]));
        let randomness = Zeroizing::new([2; RANDOMNESS_LEN]);
        let agreed = key.public().x25519().agree().unwrap();
        let (enc, secret) = key.public().encapsulate(&randomness, &agreed);
        let same: [u8; ENC_LEN] = enc.clone().try_into().unwrap();
        assert_eq!(key.decapsulate(&same).unwrap().expose(), secret.expose());
        let mut one = [0; 32];
        one[0] = 1;
        for point in [[0; 32], one] {
            let mut enc: [u8; ENC_LEN] = enc.clone().try_into().unwrap();
            enc[ML_KEM_CIPHERTEXT_LEN..].copy_from_slice(&point);
            assert_eq!(key.decapsulate(&enc).err(), Some(LowOrder));
            let mut public = *key.public().as_bytes();
            public[ML_KEM_PUBLIC_LEN..].copy_from_slice(&point);
            let public = EncapsulationKey::new(&public).unwrap();
            assert_eq!(public.x25519().agree().err(), Some(NoAgreement::LowOrder));
        }
    }
}
