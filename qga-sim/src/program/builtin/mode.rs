//! `chmod`, and modes as texts.

use super::arguments::Syntax;
use super::{Invocation, Run};

/// What programs of the guest do not let others do if nobody says otherwise.
const UMASK: u32 = 0o022;

pub(super) fn chmod(invocation: &mut Invocation<'_>) -> Run {
    let syntax = Syntax { program: "chmod", flags: "", values: "r", long: &[("reference", 'r')] };
    // A mode such as `-x` is no option.
    let given = match syntax.parse(invocation.arguments) {
        Ok(given) => given,
        Err(run) => return run,
    };
    let reference = given.value('r').map(|path| (path, invocation.metadata(path)));
    let (text, paths) = match (&reference, given.operands.as_slice()) {
        (Some((path, Err(error))), _) => {
            return Run::new()
                .complain("chmod", format_args!("failed to get attributes of '{path}': {error}"));
        }
        (Some((_, Ok(there))), paths) => (format!("{:o}", there.mode), paths),
        (None, [text, paths @ ..]) => ((*text).to_owned(), paths),
        (None, []) => return syntax.misused("missing operand"),
    };
    if paths.is_empty() {
        return syntax.misused(format_args!("missing operand after '{text}'"));
    }
    if change(&text, 0).is_none() {
        return syntax.misused(format_args!("invalid mode: ‘{text}’"));
    }
    paths.iter().fold(Run::new(), |run, path| {
        let changed = invocation.metadata(path).and_then(|there| {
            let mode = change(&text, there.mode).unwrap_or(there.mode);
            invocation.set_mode(path, mode)
        });
        match changed {
            Ok(()) => run,
            Err(error) => run.complain("chmod", format_args!("cannot access '{path}': {error}")),
        }
    })
}

/// Reads a mode in octal digits.
pub(crate) fn read_octal(text: &str) -> Option<u32> {
    let is_octal = !text.is_empty() && text.bytes().all(|byte| (b'0'..=b'7').contains(&byte));
    u32::from_str_radix(text, 8).ok().filter(|mode| is_octal && *mode <= 0o7777)
}

/// What a mode becomes: octal digits, or changes such as `u+x,go-w`. `None`: the text is neither, or has a letter that is
/// not known here.
fn change(text: &str, mode: u32) -> Option<u32> {
    if let Some(mode) = read_octal(text) {
        return Some(mode);
    }
    text.split(',').try_fold(mode, |mode, clause| {
        let at = clause.find(['+', '-', '='])?;
        let (who, rest) = clause.split_at(at);
        let who = who.chars().try_fold(0, |mask, letter| {
            Some(
                mask | match letter {
                    'u' => 0o700,
                    'g' => 0o070,
                    'o' => 0o007,
                    'a' => 0o777,
                    _ => return None,
                },
            )
        })?;
        let who = if who == 0 { 0o777 & !UMASK } else { who };
        let bits = rest[1..].chars().try_fold(0, |bits, letter| {
            Some(
                bits | match letter {
                    'r' => 0o444,
                    'w' => 0o222,
                    'x' => 0o111,
                    _ => return None,
                },
            )
        })?;
        Some(match &rest[..1] {
            "+" => mode | (bits & who),
            "-" => mode & !(bits & who),
            _ => (mode & !who) | (bits & who),
        })
    })
}
