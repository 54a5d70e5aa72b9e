//! Release numbers.

use std::fmt;

/// A QEMU release: two or three numbers, kept as they were written and ordered by value (`0.15` equals
/// `0.15.0`).
#[derive(Clone, Debug, Eq)]
pub(crate) struct Version {
    text: String,
    numbers: [u32; 3],
}

impl Version {
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let mut numbers = [0; 3];
        let mut parts = text.split('.');
        for (index, number) in numbers.iter_mut().enumerate() {
            match parts.next() {
                Some(part) if !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()) => {
                    *number = part.parse().ok()?;
                }
                None if index > 1 => {}
                _ => return None,
            }
        }
        parts.next().is_none().then(|| Self { text: text.to_owned(), numbers })
    }
}

impl PartialEq for Version {
    fn eq(&self, other: &Self) -> bool {
        self.numbers == other.numbers
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.numbers.cmp(&other.numbers))
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_is_by_number() {
        let version = |text| Version::parse(text).unwrap();
        assert!(version("2.10") > version("2.9"));
        assert_eq!(version("0.15"), version("0.15.0"));
        assert_eq!(version("0.15.0").to_string(), "0.15.0");
    }

    #[test]
    fn anything_else_is_not_a_version() {
        for text in ["", "1", "1.", ".1", "1.2.3.4", "1.x", "1.99999999999", "+1.2"] {
            assert_eq!(Version::parse(text), None, "{text}");
        }
    }
}
