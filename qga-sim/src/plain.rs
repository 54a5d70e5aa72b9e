//! Finding what is special in long texts, many bytes at once: base64 has nothing of it, and is megabytes long.

const WORD: usize = size_of::<u128>();

/// How many bytes there are before the first that is a quote, a backslash, or no printable ASCII.
pub(crate) fn plain_len(bytes: &[u8]) -> usize {
    let (words, rest) = bytes.as_chunks::<WORD>();
    let mut len = 0;
    for word in words {
        if has_special(u128::from_le_bytes(*word)) {
            break;
        }
        len += WORD;
    }
    let rest = if len == words.len() * WORD { rest } else { &bytes[len..] };
    len + rest.iter().position(|&byte| is_special(byte)).unwrap_or(rest.len())
}

fn is_special(byte: u8) -> bool {
    !matches!(byte, b' '..=b'~') || byte == b'"' || byte == b'\\'
}

/// Whether any byte of a word is special.
fn has_special(word: u128) -> bool {
    const ONES: u128 = u128::MAX / 0xFF;
    const HIGHS: u128 = ONES << 7;

    // Where no high bit is set, nothing is carried from a byte to the next but by one that is found anyhow.
    let is_zero = |word: u128| word.wrapping_sub(ONES) & !word;
    let control = word.wrapping_sub(ONES * 0x20) & !word;
    let found = word
        | control
        | is_zero(word ^ (ONES * b'"' as u128))
        | is_zero(word ^ (ONES * b'\\' as u128))
        | is_zero(word ^ (ONES * 0x7F));
    found & HIGHS != 0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_special_byte_is_found_wherever_it_is() {
        for byte in 0..=255 {
            for at in 0..40 {
                let mut bytes = [b'a'; 40];
                bytes[at] = byte;
                let expected = if is_special(byte) { at } else { 40 };
                assert_eq!(plain_len(&bytes), expected, "{byte} at {at}");
            }
        }
        assert_eq!(plain_len(b""), 0);
    }
}
