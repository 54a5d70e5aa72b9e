//! Numbers.

use core::str;

use super::error::ErrorKind;
use super::reader::{Failed, Reader};

impl Reader<'_> {
    pub(super) fn signed(&mut self) -> Result<i64, Failed> {
        self.peek()?;
        let start = self.at;
        let (negative, magnitude) = self.integer()?;
        let value = if negative { 0i64.checked_sub_unsigned(magnitude) } else { magnitude.try_into().ok() };
        value.ok_or_else(|| self.out_of_range(start))
    }

    /// A negative number stands for itself plus 2^64: agents before QEMU 2.11 print large unsigned numbers so.
    pub(super) fn unsigned(&mut self) -> Result<u64, Failed> {
        self.peek()?;
        let start = self.at;
        match self.integer()? {
            (false, magnitude) => Ok(magnitude),
            (true, magnitude) => match 0i64.checked_sub_unsigned(magnitude) {
                Some(value) => Ok(value as u64),
                None => Err(self.out_of_range(start)),
            },
        }
    }

    /// An integer: its sign and its magnitude.
    pub(crate) fn integer(&mut self) -> Result<(bool, u64), Failed> {
        if !matches!(self.peek()?, b'-' | b'0'..=b'9') {
            return Err(self.expected("an integer"));
        }
        let start = self.at;
        if !self.number()? {
            self.at = start;
            return Err(self.expected("an integer"));
        }
        let (negative, digits) = match &self.text[start..self.at] {
            [b'-', digits @ ..] => (true, digits),
            digits => (false, digits),
        };
        let magnitude = digits
            .iter()
            .try_fold(0, |value: u64, digit| value.checked_mul(10)?.checked_add(u64::from(digit - b'0')));
        match magnitude {
            Some(magnitude) => Ok((negative, magnitude)),
            None => Err(self.out_of_range(start)),
        }
    }

    /// The number that begins at `start` is none that is wanted.
    fn out_of_range(&mut self, start: usize) -> Failed {
        self.at = start;
        self.fail(ErrorKind::NumberOutOfRange)
    }

    pub(super) fn float(&mut self) -> Result<f64, Failed> {
        if !matches!(self.peek()?, b'-' | b'0'..=b'9') {
            return Err(self.expected("a number"));
        }
        let start = self.at;
        self.number()?;
        let number = str::from_utf8(&self.text[start..self.at]).ok().and_then(|token| token.parse().ok());
        match number.filter(|number: &f64| number.is_finite()) {
            Some(number) => Ok(number),
            None => Err(self.out_of_range(start)),
        }
    }

    /// A number. Gives whether it has neither fraction nor exponent.
    pub(super) fn number(&mut self) -> Result<bool, Failed> {
        if self.text.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        let leading_zero = self.text.get(self.at) == Some(&b'0');
        match self.digits() {
            0 => return Err(self.expected("a digit")),
            more @ 2.. if leading_zero => {
                self.at -= more - 1;
                return Err(self.expected("no digit after a leading zero"));
            }
            _ => {}
        }
        let mut integer = true;
        if self.text.get(self.at) == Some(&b'.') {
            integer = false;
            self.at += 1;
            if self.digits() == 0 {
                return Err(self.expected("a digit after the point"));
            }
        }
        if let Some(b'e' | b'E') = self.text.get(self.at) {
            integer = false;
            self.at += 1;
            if let Some(b'+' | b'-') = self.text.get(self.at) {
                self.at += 1;
            }
            if self.digits() == 0 {
                return Err(self.expected("a digit in the exponent"));
            }
        }
        Ok(integer)
    }

    /// Passes digits; gives how many.
    fn digits(&mut self) -> usize {
        let start = self.at;
        while self.text.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
        self.at - start
    }
}
