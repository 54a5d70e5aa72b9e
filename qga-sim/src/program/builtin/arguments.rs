//! Arguments as GNU's programs take them: options anywhere, in one word or in several, up to `--`.

use super::Run;

/// What was given.
pub(super) struct Arguments<'a> {
    /// Options without values.
    pub(super) flags: Vec<char>,
    /// Options with values.
    pub(super) values: Vec<(char, &'a str)>,
    pub(super) operands: Vec<&'a str>,
}

/// What a program takes.
pub(super) struct Syntax {
    pub(super) program: &'static str,
    /// Options without values.
    pub(super) flags: &'static str,
    /// Options with values.
    pub(super) values: &'static str,
    /// The long names of some, without dashes.
    pub(super) long: &'static [(&'static str, char)],
}

impl Syntax {
    /// Takes arguments apart. What is not known is an error, which is never silent: the program that runs on a real guest
    /// may know more.
    pub(super) fn parse<'a>(&self, arguments: &'a [String]) -> Result<Arguments<'a>, Run> {
        let mut given = Arguments { flags: Vec::new(), values: Vec::new(), operands: Vec::new() };
        let mut rest = arguments.iter().map(String::as_str);
        while let Some(argument) = rest.next() {
            if argument == "--" {
                given.operands.extend(rest.by_ref());
            } else if let Some(long) = argument.strip_prefix("--") {
                let (name, value) =
                    long.split_once('=').map_or((long, None), |(name, value)| (name, Some(value)));
                let Some(&(_, option)) = self.long.iter().find(|(known, _)| *known == name) else {
                    return Err(self.misused(format_args!("unrecognized option '{argument}'")));
                };
                match self.flags.contains(option) {
                    true if value.is_some() => {
                        return Err(self.misused(format_args!("option '--{name}' doesn't allow an argument")));
                    }
                    true => given.flags.push(option),
                    false => given.values.push((
                        option,
                        value.or_else(|| rest.next()).ok_or_else(|| {
                            self.misused(format_args!("option '--{name}' requires an argument"))
                        })?,
                    )),
                }
            } else if argument.len() > 1 && argument.starts_with('-') {
                self.parse_short(&argument[1..], &mut rest, &mut given)?;
            } else {
                given.operands.push(argument);
            }
        }
        Ok(given)
    }

    fn parse_short<'a>(
        &self,
        letters: &'a str,
        rest: &mut impl Iterator<Item = &'a str>,
        given: &mut Arguments<'a>,
    ) -> Result<(), Run> {
        for (at, letter) in letters.char_indices() {
            if self.flags.contains(letter) {
                given.flags.push(letter);
            } else if self.values.contains(letter) {
                let value = &letters[at + letter.len_utf8()..];
                let value = if value.is_empty() { rest.next() } else { Some(value) };
                let value = value
                    .ok_or_else(|| self.misused(format_args!("option requires an argument -- '{letter}'")))?;
                given.values.push((letter, value));
                return Ok(());
            } else {
                return Err(self.misused(format_args!("invalid option -- '{letter}'")));
            }
        }
        Ok(())
    }

    /// The program was called in a way that it does not know.
    pub(super) fn misused(&self, what: impl std::fmt::Display) -> Run {
        let program = self.program;
        Run::new().complain(program, what).stderr(format!("Try '{program} --help' for more information.\n"))
    }
}

impl Arguments<'_> {
    pub(super) fn has(&self, option: char) -> bool {
        self.flags.contains(&option)
    }

    /// The value that an option was given last.
    pub(super) fn value(&self, option: char) -> Option<&str> {
        self.values.iter().rev().find(|(given, _)| *given == option).map(|(_, value)| *value)
    }
}
