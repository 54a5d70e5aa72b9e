//! Text that no terminal obeys: what a guest says is only ever shown.

use std::borrow::Cow;
use std::fmt::Write as _;

/// Whether a terminal could act on this character, or show something other than what is there: controls, marks that
/// change the direction of writing, and what takes no room.
fn is_harmful(c: char) -> bool {
    c.is_control()
        || matches!(c,
            '\u{ad}'
            | '\u{61c}'
            | '\u{180e}'
            | '\u{200b}'..='\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}'
            | '\u{feff}'
            | '\u{fff9}'..='\u{fffb}'
            | '\u{e0000}'..='\u{e007f}')
}

/// Escapes a text to be shown within one line: `\n`, `\u{1b}`.
pub(crate) fn text(text: &str) -> Cow<'_, str> {
    replace(text, is_harmful, |c, out| out.extend(c.escape_default()))
}

/// Escapes all but the ends of lines and our own marks.
pub(super) fn marked_lines(text: &str, is_mark: fn(char) -> bool) -> Cow<'_, str> {
    replace(text, |c| c != '\n' && !is_mark(c) && is_harmful(c), |c, out| out.extend(c.escape_default()))
}

/// Escapes what a program printed: all but the ends of lines, and tabs.
pub(crate) fn printed(text: &str) -> Cow<'_, str> {
    let text = replace(
        text,
        |c| !matches!(c, '\n' | '\r' | '\t') && is_harmful(c),
        |c, out| {
            out.extend(c.escape_default());
        },
    );
    // Where no line ends behind it, it lets what follows stand in the place of what was there.
    if !text.contains('\r') {
        return text;
    }
    Cow::Owned(text.replace("\r\n", "\n").replace('\r', "\\r"))
}

/// Escapes what JSON allows to stand in a string but a terminal should not see. The document stays the same.
pub(crate) fn json(document: &str) -> Cow<'_, str> {
    replace(
        document,
        |c| c != '\n' && is_harmful(c),
        |c, out| {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Strings take all that is written to them.
                let _ = write!(out, "\\u{unit:04x}");
            }
        },
    )
}

fn replace(text: &str, harmful: impl Fn(char) -> bool, write: impl Fn(char, &mut String)) -> Cow<'_, str> {
    if !text.contains(&harmful) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if harmful(c) {
            write(c, &mut out);
        } else {
            out.push(c);
        }
    }
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn harmless_text_is_untouched() {
        assert!(matches!(text("web-01 ünïcode 日本 😀 C:\\"), Cow::Borrowed(_)));
    }

    #[test]
    fn harmful_text_is_shown() {
        assert_eq!(text("\x1b[2J\r\n\x7f\u{9b}"), "\\u{1b}[2J\\r\\n\\u{7f}\\u{9b}");
        assert_eq!(text("a\u{202e}b\u{200b}"), "a\\u{202e}b\\u{200b}");
        assert_eq!(marked_lines("a\nb\t\u{2}", |c| c == '\u{2}'), "a\nb\\t\u{2}");
        assert_eq!(printed("a\tb\r\nc\rd\x1b[2J\n"), "a\tb\nc\\rd\\u{1b}[2J\n");
    }

    #[test]
    fn documents_stay_the_same() {
        let value = serde_json::json!("\u{7f}\u{9b}\u{202e}\u{e0041}\x1b");
        let plain = value.to_string();
        let escaped = json(&plain);
        assert_eq!(escaped, r#""\u007f\u009b\u202e\udb40\udc41\u001b""#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&escaped).unwrap(), value);
    }
}
