//! Bytes cut into the parts of a structured input. Where they end, what is asked for is zero or empty, so every
//! input means something.

use arbitrary::Unstructured;

pub struct Cut<'a>(Unstructured<'a>);

impl<'a> Cut<'a> {
    pub fn new(data: &'a [u8]) -> Self {
        Self(Unstructured::new(data))
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn byte(&mut self) -> u8 {
        self.0.arbitrary().unwrap_or_default()
    }

    pub fn short(&mut self) -> usize {
        usize::from(u16::from_be_bytes([self.byte(), self.byte()]))
    }

    /// Up to `len` bytes.
    pub fn bytes(&mut self, len: usize) -> &'a [u8] {
        let len = len.min(self.0.len());
        self.0.bytes(len).unwrap_or_default()
    }

    pub fn rest(self) -> &'a [u8] {
        self.0.take_rest()
    }
}
