//! Which names the notation allows.

use crate::error::{Fault, Spanned};

/// Checks the name of a definition, member or feature: a letter, then letters, digits, `-` and `_`; a
/// vendor's name may have the prefix `__com.example_`.
pub(crate) fn check(name: &Spanned<String>, what: &str) -> Result<(), Fault> {
    let (_, stem) = split_vendor(&name.value);
    if is_word(stem) && stem.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Ok(());
    }
    let message =
        format!("expected {what} of letters, digits, '-' and '_', a letter first, found '{}'", name.value);
    Err(Fault::new(name.pos, message))
}

/// Checks the name of an enum's value, which may start with a digit.
pub(crate) fn check_value(name: &Spanned<String>) -> Result<(), Fault> {
    let (_, stem) = split_vendor(&name.value);
    if is_word(stem) && stem.starts_with(|c: char| c.is_ascii_alphanumeric()) {
        return Ok(());
    }
    let message = format!("expected a value of letters, digits, '-' and '_', found '{}'", name.value);
    Err(Fault::new(name.pos, message))
}

fn is_word(stem: &str) -> bool {
    stem.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_')
}

/// Splits `__com.example_name` into vendor and name; other names have an empty vendor.
pub(crate) fn split_vendor(name: &str) -> (&str, &str) {
    let vendor = |rest: &'_ str| rest.chars().all(|c| c.is_ascii_alphanumeric() || c == '.' || c == '-');
    match name.strip_prefix("__").and_then(|rest| rest.split_once('_')) {
        Some((rest, stem)) if !rest.is_empty() && vendor(rest) => (rest, stem),
        _ => ("", name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Pos;

    fn spanned(name: &str) -> Spanned<String> {
        Spanned { pos: Pos { file: 0, line: 1, column: 1 }, value: name.into() }
    }

    #[test]
    fn names() {
        for good in ["a", "GuestFileRead", "x-a-1_b", "__com.example-x_do-it"] {
            assert!(check(&spanned(good), "a name").is_ok(), "{good}");
        }
        for bad in ["", "1a", "-a", "_a", "a.b", "a b", "__com.example_", "__a", "\u{e9}"] {
            assert!(check(&spanned(bad), "a name").is_err(), "{bad}");
        }
        assert!(check_value(&spanned("3d")).is_ok());
    }
}
