use ring::agreement::{EphemeralPrivateKey, UnparsedPublicKey, X25519, agree_ephemeral};

use super::{NoRandom, Secret32};

/// The length of an X25519 public key and of a shared secret.
const LEN: usize = 32;

/// One side of an X25519 agreement (RFC 7748), for one use.
///
/// ring draws it from the operating system, and takes half the time of other implementations: of all that sealing a
/// small document costs, this is the largest part.
pub struct Ephemeral {
    private: EphemeralPrivateKey,
    public: [u8; LEN],
}

impl std::fmt::Debug for Ephemeral {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Ephemeral(..)")
    }
}

impl Ephemeral {
    /// A new one.
    ///
    /// # Errors
    /// When there are no random bytes.
    pub fn generate() -> Result<Self, NoRandom> {
        let private = EphemeralPrivateKey::generate(&X25519, &ring::rand::SystemRandom::new());
        let private = private.map_err(|_| NoRandom)?;
        let public = private.compute_public_key().map_err(|_| NoRandom)?;
        let public = public.as_ref().try_into().map_err(|_| NoRandom)?;
        Ok(Self { private, public })
    }

    /// The public half.
    pub fn public(&self) -> &[u8; LEN] {
        &self.public
    }

    /// The secret shared with the holder of `peer`; `None` for a peer of low order, which would share it with everybody.
    pub fn agree(self, peer: &[u8; LEN]) -> Option<Secret32> {
        let peer = UnparsedPublicKey::new(&X25519, peer);
        agree_ephemeral(self.private, &peer, |secret| secret.try_into().ok().map(Secret32::new))
            .ok()
            .flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_agree_and_a_peer_of_low_order_is_refused() {
        let (one, other) = (Ephemeral::generate().unwrap(), Ephemeral::generate().unwrap());
        let (for_one, for_other) = (*other.public(), *one.public());
        assert_ne!(for_one, for_other);
        let (left, right) = (one.agree(&for_one).unwrap(), other.agree(&for_other).unwrap());
        assert_eq!(left.expose(), right.expose());
        for low in [[0; 32], core::array::from_fn(|at| u8::from(at == 0))] {
            assert!(Ephemeral::generate().unwrap().agree(&low).is_none());
        }
    }
}
