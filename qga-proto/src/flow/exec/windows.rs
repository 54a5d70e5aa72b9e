//! Programs and command lines for Windows.
//!
//! A program's arguments need none of this: the agent is given them one by one and quotes them itself, by the rules of
//! `CommandLineToArgvW`, when it makes the one command line that Windows has. What is quoted before is quoted twice. These
//! are for what comes inside of an argument: a command line for another program to run, or a script.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use base64_simd::STANDARD;

use super::program::Exec;

/// How output is encoded. Programs that write by the code page of their console do so by this one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum CodePage {
    /// UTF-8.
    #[default]
    Utf8,
    /// The one that the guest has: an OEM code page, which differs from country to country.
    Guest,
    /// The one of this number: 437, 850, 1252...
    Number(u16),
}

/// Why there is no program for a command.
#[cfg_attr(feature = "defmt", derive(defmt::Format))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unfit {
    /// It does not fit a command line of Windows, which has at most 32,767 characters.
    TooLong,
    /// A quote, which does not get to `cmd.exe` as it is: it does not read its command line as others do. Use PowerShell,
    /// or put the command into a batch file.
    Quote,
    /// An end of a line: `cmd.exe` reads no further.
    Line,
}

/// How many characters of a command line are left for what a program is told, beside its name and options.
const MAX_ARGUMENT: usize = 32_000;

/// Quotes an argument so that a program which reads its command line by `CommandLineToArgvW`, or by the rules of C
/// programs, finds it as it is.
///
/// ```
/// use qga_proto::exec::windows::quote;
///
/// assert_eq!(quote("plain"), "plain");
/// assert_eq!(quote(r"C:\Program Files\"), r#""C:\Program Files\\""#);
/// assert_eq!(quote(r#"say "hi""#), r#""say \"hi\"""#);
/// ```
#[must_use]
pub fn quote(argument: &str) -> Cow<'_, str> {
    if !argument.is_empty() && !argument.contains([' ', '\t', '\n', '\u{b}', '"']) {
        return Cow::Borrowed(argument);
    }
    let mut quoted = String::with_capacity(argument.len() + 2);
    quoted.push('"');
    let mut backslashes = 0;
    for c in argument.chars() {
        // Backslashes count only before a quote.
        if c == '"' {
            quoted.extend(core::iter::repeat_n('\\', backslashes + 1));
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
        quoted.push(c);
    }
    quoted.extend(core::iter::repeat_n('\\', backslashes));
    quoted.push('"');
    Cow::Owned(quoted)
}

/// Makes a command line of a program and its arguments, each [quoted](quote). The program's name must not hold a quote: no
/// file's does.
#[must_use]
pub fn command_line<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&quote(word));
    }
    line
}

/// A program that runs a script of PowerShell, whatever characters it has.
///
/// Its exit code is that of the last program that the script has run (`$LASTEXITCODE`), else 1 if its last command failed,
/// else 0. Errors are text, not CLIXML, and there is no progress among the output.
///
/// # Errors
///
/// [`Unfit::TooLong`], from about 11,800 characters on: encoded, each takes nearly three.
pub fn powershell(script: &str, code_page: CodePage) -> Result<Exec, Unfit> {
    let encoding = match code_page {
        CodePage::Utf8 => "(New-Object Text.UTF8Encoding $false)".into(),
        CodePage::Guest => String::new(),
        CodePage::Number(number) => alloc::format!("[Text.Encoding]::GetEncoding({number})"),
    };
    let mut whole = String::from("$ProgressPreference='SilentlyContinue'\n");
    if !encoding.is_empty() {
        // Where there is no console there is nothing to set.
        whole += &alloc::format!("try{{[Console]::OutputEncoding=$OutputEncoding={encoding}}}catch{{}}\n");
    }
    whole += "$global:LASTEXITCODE=$null\n";
    whole += script;
    whole += "\n$qga=$?;if($null -ne $LASTEXITCODE){exit $LASTEXITCODE};if(-not $qga){exit 1}\n";
    let bytes: Vec<u8> = whole.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let encoded = STANDARD.encode_to_string(&bytes);
    if encoded.len() > MAX_ARGUMENT {
        return Err(Unfit::TooLong);
    }
    let options = ["-NoLogo", "-NoProfile", "-NonInteractive", "-OutputFormat", "Text", "-EncodedCommand"];
    Ok(Exec::new("powershell.exe").args(options).arg(encoded))
}

/// A program that runs a command of `cmd.exe`.
///
/// # Errors
///
/// [`Unfit::Quote`] and [`Unfit::Line`]: such commands do not get there as they are. [`Unfit::TooLong`]: `cmd.exe` takes
/// 8191 characters.
pub fn cmd(command: &str, code_page: CodePage) -> Result<Exec, Unfit> {
    const MAX_COMMAND: usize = 8100;

    if command.contains('"') {
        return Err(Unfit::Quote);
    }
    if command.contains(['\n', '\r']) {
        return Err(Unfit::Line);
    }
    if command.encode_utf16().count() > MAX_COMMAND {
        return Err(Unfit::TooLong);
    }
    // With a blank in it the agent puts it into quotes, which `/s` takes off again.
    let command = match code_page {
        CodePage::Utf8 => alloc::format!("chcp 65001>nul& {command}"),
        CodePage::Number(number) => alloc::format!("chcp {number}>nul& {command}"),
        CodePage::Guest => alloc::format!(" {command}"),
    };
    Ok(Exec::new("cmd.exe").args(["/d", "/s", "/c"]).arg(command))
}

impl fmt::Display for Unfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the command is too long for a command line of Windows",
            Self::Quote => "a quote does not get to cmd.exe as it is",
            Self::Line => "cmd.exe takes one line only",
        })
    }
}

impl core::error::Error for Unfit {}

#[cfg(test)]
mod tests;
