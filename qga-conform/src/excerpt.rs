//! What an agent says, as it can be shown.

/// How many characters are shown.
const LONGEST: usize = 160;

/// Bytes as one line of printable ASCII, cut where they are many.
pub(crate) fn bytes(bytes: &[u8]) -> String {
    cut(bytes.iter().flat_map(|&byte| match byte {
        b'"' | b'\'' | b'\\' => vec![char::from(byte)],
        byte => byte.escape_ascii().map(char::from).collect(),
    }))
}

/// The same for a text.
pub(crate) fn text(text: &str) -> String {
    cut(text.chars().flat_map(|c| match c {
        ' '..='~' => vec![c],
        c => c.escape_default().collect(),
    }))
}

fn cut(mut chars: impl Iterator<Item = char>) -> String {
    let mut text: String = chars.by_ref().take(LONGEST).collect();
    if chars.next().is_some() {
        text.push_str("...");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_shown_is_short_and_harmless() {
        assert_eq!(bytes(b"{\"a\\\": 1}\r\n\xFF\x1B"), "{\"a\\\": 1}\\r\\n\\xff\\x1b");
        assert_eq!(text("\u{201c}no\n\x1b\""), "\\u{201c}no\\n\\u{1b}\"");
        let long = bytes(&[0xFF; 10_000]);
        assert!(long.len() == LONGEST + 3 && long.ends_with("..."), "{long}");
    }
}
