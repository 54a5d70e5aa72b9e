//! Base64 as the real agent reads and writes it.

use qga_proto::json::Str;

use crate::error::Refusal;

/// Decodes an argument. Only the alphabet is checked, padding and newlines included: they may stand anywhere, and what
/// lacks its padding loses its last bytes without a word.
pub(crate) fn decode(text: Str<'_>) -> Result<Vec<u8>, Refusal> {
    // What is as it should be is decoded at once.
    let bytes = text.as_str().and_then(|text| base64_simd::STANDARD.decode_to_vec(text).ok());
    bytes.map_or_else(|| decode_leniently(text), Ok)
}

/// Encodes, with padding.
pub(crate) fn encode(bytes: &[u8]) -> String {
    base64_simd::STANDARD.encode_to_string(bytes)
}

fn decode_leniently(text: Str<'_>) -> Result<Vec<u8>, Refusal> {
    let mut bytes = Vec::new();
    let (mut group, mut len, mut padding) = (0, 0, 0);
    for c in text.chars() {
        let value = match c {
            'A'..='Z' => u32::from(c) - u32::from('A'),
            'a'..='z' => u32::from(c) - u32::from('a') + 26,
            '0'..='9' => u32::from(c) - u32::from('0') + 52,
            '+' => 62,
            '/' => 63,
            '=' => 0,
            '\n' => continue,
            _ => return Err(Refusal::new("Base64 data contains invalid characters")),
        };
        group = group << 6 | value;
        len += 1;
        padding += usize::from(c == '=');
        if len == 4 {
            let [_, group_bytes @ ..] = group.to_be_bytes();
            bytes.extend_from_slice(&group_bytes[..3 - padding.min(2)]);
            (group, len, padding) = (0, 0, 0);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_the_real_agent_reads() {
        for (text, bytes) in [
            ("", &b""[..]),
            ("aGVsbG8=", b"hello"),
            ("aGVs\nbG8=\n", b"hello"),
            ("aGVsbG8", b"hel"),
            ("/+8A", b"\xFF\xEF\0"),
            ("QQ==", b"A"),
            ("====", b"\0"),
        ] {
            assert_eq!(decode(text.into()).as_deref(), Ok(bytes), "{text}");
        }
    }

    #[test]
    fn refuses_another_alphabet() {
        for text in ["!!!", "_-8A", "aGVs bG8=", "aGVs\r\nbG8=", "é"] {
            assert!(decode(text.into()).is_err(), "{text}");
        }
    }
}
