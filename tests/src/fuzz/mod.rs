//! What the fuzz targets call: each takes any bytes and panics where the core breaks a promise.
//!
//! They live here and not in `fuzz/` so that the stable compiler tests them too, and replays the seeds through them.

mod client;
mod frame;
mod json;

pub use client::client;
pub use frame::frame;
pub use json::json;

use qga_proto::Buffer;

/// The fuzzer's bytes, read as decisions. Past their end every decision is zero.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    fn byte(&mut self) -> u8 {
        self.take(1).first().copied().unwrap_or_default()
    }

    fn number(&mut self) -> usize {
        usize::from(self.byte())
    }

    /// The next `n` bytes, or what is left.
    fn take(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.0.split_at(n.min(self.0.len()));
        self.0 = rest;
        taken
    }
}

/// Memory that grows as `Vec<u8>` does, and fails the test when more is asked for than is allowed.
struct Metered {
    bytes: Vec<u8>,
    allowed: usize,
}

impl Metered {
    fn new(allowed: usize) -> Self {
        Self { bytes: Vec::new(), allowed }
    }

    /// The same with all its memory from the start.
    fn full(allowed: usize) -> Self {
        Self { bytes: vec![0; allowed], allowed }
    }
}

impl Buffer for Metered {
    fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        &mut self.bytes
    }

    fn grow(&mut self, len: usize) -> bool {
        assert!(len <= self.allowed, "{len} bytes are asked for, {} are allowed", self.allowed);
        self.bytes.resize(len.max(self.bytes.len()), 0);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn input_ends_in_zeros() {
        let mut input = Input(&[1, 2, 3]);
        assert_eq!((input.byte(), input.take(9), input.byte()), (1, &[2, 3][..], 0));
        assert!(input.is_empty());
    }

    #[test]
    #[should_panic = "11 bytes are asked for, 10 are allowed"]
    fn too_much_memory_is_noticed() {
        let mut buffer = Metered::new(10);
        assert!(buffer.grow(10));
        buffer.grow(11);
    }
}
