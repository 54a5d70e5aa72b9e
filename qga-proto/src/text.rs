//! Text from the agent that outlives the buffer it came in.

use core::fmt::{self, Write as _};

/// How many bytes of a text are kept where there is no allocator.
pub const INLINE_TEXT: usize = 160;

#[cfg(feature = "alloc")]
type Storage = alloc::string::String;
#[cfg(not(feature = "alloc"))]
type Storage = heapless::String<INLINE_TEXT>;

/// A text kept inside an error: whole with `alloc`, else its first [`INLINE_TEXT`] bytes.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Text(Storage);

impl Text {
    /// Keeps what `value` displays, cut at the end when there is no room for all of it.
    #[must_use]
    pub fn new(value: impl fmt::Display) -> Self {
        let mut text = Self::default();
        // An error here means that the text was cut, which is what is promised.
        let _ = write!(Cut(&mut text.0), "{value}");
        text
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

impl fmt::Display for Text {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.as_str(), f)
    }
}

#[cfg(feature = "defmt")]
impl defmt::Format for Text {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::Format::format(self.as_str(), f);
    }
}

impl PartialEq<&str> for Text {
    fn eq(&self, other: &&str) -> bool {
        self.as_str() == *other
    }
}

/// Takes characters until the first that does not fit.
struct Cut<'a>(&'a mut Storage);

impl fmt::Write for Cut<'_> {
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
