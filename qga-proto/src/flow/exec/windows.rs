//! Command lines for Windows.
