//! Text from the agent that outlives the buffer it came in.

use core::fmt::{self, Write as _};

use crate::json::Str;

/// How many bytes of a text are kept where there is no allocator.
pub const INLINE_TEXT: usize = 160;

/// How many bytes of a command's name or an error's class are kept there. The longest that QEMU has is one of 32 bytes.
pub const INLINE_NAME: usize = 38;

#[cfg(feature = "alloc")]
type Storage<const N: usize> = alloc::string::String;
#[cfg(not(feature = "alloc"))]
type Storage<const N: usize> = heapless::String<N, u8>;

/// A text kept inside an error: whole with `alloc`, else its first `N` bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Text<const N: usize = INLINE_TEXT>(Storage<N>);

impl<const N: usize> Text<N> {
    /// Keeps what `value` displays, cut at the end when there is no room for all of it.
    #[must_use]
    pub fn new(value: impl fmt::Display) -> Self {
        let mut text = Self::default();
        // An error here means that the text was cut, which is what is promised.
        let _ = write!(Cut::<N>(&mut text.0), "{value}");
        text
    }

    /// Keeps the front of a text in the same way, without `core::fmt`, which is large.
    pub(crate) fn of(text: Str<'_>) -> Self {
        #[cfg(feature = "alloc")]
        return Self(text.into());
        #[cfg(not(feature = "alloc"))]
        {
            let mut kept = Self::default();
            let _ = text.chars().try_for_each(|c| kept.0.push(c));
            kept
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl<const N: usize> fmt::Debug for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl<const N: usize> fmt::Display for Text<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A `str` prints itself by a kilobyte of code.
        fmt::Display::fmt(&Str::new(self.as_str()), f)
    }
}

#[cfg(feature = "defmt")]
impl<const N: usize> defmt::Format for Text<N> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::Format::format(self.as_str(), f);
    }
}

impl<const N: usize> PartialEq<&str> for Text<N> {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

/// Takes characters until the first that does not fit.
struct Cut<'a, const N: usize>(&'a mut Storage<N>);

impl<const N: usize> fmt::Write for Cut<'_, N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if fmt::Write::write_str(self.0, text).is_ok() {
            return Ok(());
        }
        for c in text.chars() {
            fmt::Write::write_char(self.0, c)?;
        }
        Err(fmt::Error)
    }
}
