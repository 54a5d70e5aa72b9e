//! Where bytes are kept: memory that the caller chooses.

#[cfg(feature = "alloc")]
use alloc::vec::Vec;

/// A stretch of memory for received or outgoing bytes.
///
/// All of [`bytes`](Self::bytes) is storage; who uses the buffer keeps count of what is filled. Arrays and slices have
/// a fixed size; `Vec<u8>` (feature `alloc`) and [`heapless::Vec`] grow when asked, the latter up to its capacity.
pub trait Buffer {
    /// The storage.
    fn bytes(&self) -> &[u8];

    /// The storage, to write into.
    fn bytes_mut(&mut self) -> &mut [u8];

    /// Makes the storage longer, `len` bytes long or as near to that as it can, and keeps its content. `false`: it is
    /// as long as it was.
    fn grow(&mut self, len: usize) -> bool {
        let _ = len;
        false
    }
}

/// What a buffer that grows starts with: most messages fit.
pub(crate) const FIRST_GROWTH: usize = 4096;

/// Makes a buffer longer: twice as long, or by what is left up to `limit`. `None`: it cannot be any longer.
pub(crate) fn grow_for_message<B: Buffer>(buffer: &mut B, limit: usize) -> Option<()> {
    let len = buffer.bytes().len();
    let wanted = len.saturating_mul(2).max(FIRST_GROWTH).min(limit);
    (wanted > len && buffer.grow(wanted)).then_some(())
}

impl<const N: usize> Buffer for [u8; N] {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl Buffer for &mut [u8] {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }
}

impl<const N: usize> Buffer for heapless::Vec<u8, N> {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }

    fn grow(&mut self, len: usize) -> bool {
        let len = len.min(N);
        len > self.len() && self.resize(len, 0).is_ok()
    }
}

#[cfg(feature = "alloc")]
impl Buffer for Vec<u8> {
    fn bytes(&self) -> &[u8] {
        self
    }

    fn bytes_mut(&mut self) -> &mut [u8] {
        self
    }

    fn grow(&mut self, len: usize) -> bool {
        let more = len.saturating_sub(self.len());
        // Being out of memory is an answer here, not an abort: `len` follows what a guest sends.
        if more == 0 || self.try_reserve_exact(more).is_err() {
            return false;
        }
        self.resize(len, 0);
        true
    }
}
