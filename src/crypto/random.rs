use ring::rand::SecureRandom as _;

/// The operating system gave no random bytes; nothing may be made without them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the operating system gave no random bytes")]
pub struct NoRandom;

/// Where random bytes come from. Handed in from the top, so that tests can repeat themselves.
pub trait Random: Send + Sync {
    /// Fills `out` with bytes nobody can guess.
    fn fill(&self, out: &mut [u8]) -> Result<(), NoRandom>;

    /// Sixteen random bytes, for an id or a file key.
    fn bytes16(&self) -> Result<[u8; 16], NoRandom> {
        let mut out = [0; 16];
        self.fill(&mut out)?;
        Ok(out)
    }

    /// Thirty-two random bytes, for a key.
    fn bytes32(&self) -> Result<[u8; 32], NoRandom> {
        let mut out = [0; 32];
        self.fill(&mut out)?;
        Ok(out)
    }

    /// Twelve random bytes, for a nonce.
    fn bytes12(&self) -> Result<[u8; 12], NoRandom> {
        let mut out = [0; 12];
        self.fill(&mut out)?;
        Ok(out)
    }
}

/// The operating system's random number generator.
#[derive(Debug, Clone)]
pub struct SystemRandom(ring::rand::SystemRandom);

impl Default for SystemRandom {
    fn default() -> Self {
        Self::new()
    }
}

impl SystemRandom {
    /// The generator.
    pub fn new() -> Self {
        Self(ring::rand::SystemRandom::new())
    }
}

impl Random for SystemRandom {
    fn fill(&self, out: &mut [u8]) -> Result<(), NoRandom> {
        self.0.fill(out).map_err(|_| NoRandom)
    }
}
