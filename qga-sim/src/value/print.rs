//! Printing values.

use std::fmt::Write;

use super::{Dict, Value};
use crate::plain::plain_len;

/// How values are printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Style {
    /// As QEMU does: with a space behind each colon and comma, members in the order of its hash table, and doubles as C
    /// prints them.
    Qemu,
    /// Without spaces, in the order in which they came.
    Compact,
}

impl Value {
    /// Prints a value on one line of ASCII.
    pub(crate) fn print(&self, text: &mut String, style: Style) {
        // Strings take all that is written to them.
        let _ = match self {
            Self::Null => write!(text, "null"),
            Self::Bool(value) => write!(text, "{value}"),
            Self::Int(number) => write!(text, "{number}"),
            Self::Uint(number) => write!(text, "{number}"),
            Self::Double(number) if style == Style::Qemu => print_double(*number, text),
            Self::Double(number) => write!(text, "{number:?}"),
            Self::Text(string) => print_string(string, text),
            Self::List(list) => {
                let print = |value: &Self, text: &mut String| value.print(text, style);
                print_all(['[', ']'], list.iter(), style, text, print)
            }
            Self::Dict(dict) => {
                let print = |(key, value): &(String, Self), text: &mut String| {
                    let _ = print_string(key, text);
                    text.push_str(if style == Style::Qemu { ": " } else { ":" });
                    value.print(text, style);
                };
                match style {
                    Style::Qemu => print_all(['{', '}'], dict.in_order().into_iter(), style, text, print),
                    Style::Compact => print_all(['{', '}'], dict.0.iter(), style, text, print),
                }
            }
        };
    }
}

impl Dict {
    /// The members in the order of QEMU's hash table: by bucket, and within one the last comes first.
    pub(crate) fn in_order(&self) -> Vec<&(String, Value)> {
        let mut members: Vec<_> = self.0.iter().rev().collect();
        members.sort_by_key(|(key, _)| bucket(key.as_bytes()));
        members
    }
}

fn bucket(key: &[u8]) -> u32 {
    let start = 0x238F_13AF_u32.wrapping_mul(u32::try_from(key.len()).unwrap_or(u32::MAX));
    let sum = key.iter().enumerate().fold(start, |sum, (at, &byte)| {
        let shift = at as u32 % 24 * 5 % 24;
        sum.wrapping_add(u32::from(byte) << shift)
    });
    1_103_515_243_u32.wrapping_mul(sum).wrapping_add(12345) % 512
}

fn print_all<T>(
    [open, close]: [char; 2],
    items: impl Iterator<Item = T>,
    style: Style,
    text: &mut String,
    print: impl Fn(T, &mut String),
) -> std::fmt::Result {
    text.push(open);
    for (at, item) in items.enumerate() {
        if at > 0 {
            text.push_str(if style == Style::Qemu { ", " } else { "," });
        }
        print(item, text);
    }
    text.push(close);
    Ok(())
}

fn print_string(string: &str, text: &mut String) -> std::fmt::Result {
    text.push('"');
    let mut rest = string;
    loop {
        // What needs no escapes is copied at once: all of base64.
        let (plain, special) = rest.split_at(plain_len(rest.as_bytes()));
        text.push_str(plain);
        let Some(c) = special.chars().next() else { break };
        match c {
            '"' | '\\' => text.extend(['\\', c]),
            '\x08' => text.push_str("\\b"),
            '\x0C' => text.push_str("\\f"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            _ => c.encode_utf16(&mut [0; 2]).iter().try_for_each(|unit| write!(text, "\\u{unit:04X}"))?,
        }
        rest = &special[c.len_utf8()..];
    }
    text.push('"');
    Ok(())
}

/// How many digits of a double are printed.
const DIGITS: i32 = 17;

/// Prints as C's `%.17g` does. What is infinite becomes `inf`, which is not JSON.
fn print_double(number: f64, text: &mut String) -> std::fmt::Result {
    if !number.is_finite() {
        return write!(text, "{number}");
    }
    let scientific = format!("{:.*e}", DIGITS as usize - 1, number);
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..DIGITS).contains(&exponent) {
        let decimals = usize::try_from(DIGITS - 1 - exponent).unwrap_or_default();
        text.push_str(without_zeros(&format!("{number:.decimals$}")));
        Ok(())
    } else {
        let sign = if exponent < 0 { '-' } else { '+' };
        write!(text, "{}e{sign}{:02}", without_zeros(digits), exponent.abs())
    }
}

/// A number without the zeros that end its fraction.
fn without_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn printed(value: &Value) -> String {
        let mut text = String::new();
        value.print(&mut text, Style::Qemu);
        text
    }

    #[test]
    fn doubles_are_those_of_c() {
        for (number, text) in [
            (0.1, "0.10000000000000001"),
            (1.0, "1"),
            (100.0, "100"),
            (-0.0, "-0"),
            (18_446_744_073_709_551_616.0, "1.8446744073709552e+19"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (0.0001, "0.0001"),
            (0.000_012_5, "1.2500000000000001e-05"),
            (5e-324, "4.9406564584124654e-324"),
            (f64::INFINITY, "inf"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(printed(&Value::Double(number)), text);
        }
    }

    #[test]
    fn members_are_in_the_order_of_buckets() {
        let order = |keys: &[&str]| {
            let dict = Dict(keys.iter().map(|key| ((*key).to_owned(), Value::Null)).collect());
            dict.in_order().into_iter().map(|(key, _)| key.clone()).collect::<Vec<_>>()
        };
        for keys in [
            &["return", "id"][..],
            &["id", "error"],
            &["class", "desc"],
            &["count", "buf-b64", "eof"],
            &["enabled", "name", "success-response"],
            &["exitcode", "err-data", "out-data", "err-truncated", "signal", "out-truncated", "exited"],
            &["minimum", "path", "trimmed", "error"],
            &["response", "error-code", "phys-index"],
            &["name", "ip-addresses", "statistics", "hardware-address"],
        ] {
            let mut shuffled = keys.to_vec();
            shuffled.sort_unstable();
            assert_eq!(order(&shuffled), keys);
        }
    }

    #[test]
    fn strings_are_ascii() {
        let text = "a\u{e9}\u{1F600}\x7F\n\x01\"\\/";
        assert_eq!(printed(&text.into()), r#""a\u00E9\uD83D\uDE00\u007F\n\u0001\"\\/""#);
    }

    #[test]
    fn others_print_without_spaces() {
        let dict =
            Dict(vec![("b".into(), Value::List(vec![1_u64.into(), "x".into()])), ("a".into(), Value::Null)]);
        let mut text = String::new();
        Value::Dict(dict).print(&mut text, Style::Compact);
        assert_eq!(text, r#"{"b":[1,"x"],"a":null}"#);
    }
}
