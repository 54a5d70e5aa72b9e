//! Content for files: the same each time.

/// Bytes that differ from place to place.
#[must_use]
pub fn bytes(len: usize) -> Vec<u8> {
    let mut state = 7_u32;
    let next = move || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}
