//! The arguments of a command, checked against the schema before anything is sent.

use std::io::{self, ErrorKind, Read};

use qga_proto::json::Raw;
use qga_proto::metadata::{CommandInfo, Member, Type};
use serde_json::{Map, Value};

use crate::error::{Failure, Kind};
use crate::streams::{self, Input, Patience};
use crate::suggestion;

mod check;
mod describe;
mod word;

pub(crate) use describe::describe;

/// Where a command line's arguments can be read from instead: standard input.
const STDIN: &str = "-";

/// What is wrong with an argument: where, and what.
type Problem = String;

/// The arguments of a command, as a JSON object.
pub(crate) struct Arguments {
    pub(crate) text: String,
    tell: Tell,
}

/// Whether errors may tell of the arguments what the schema does not: values, and words that it does not have. Where a
/// secret is among them, any of these may be the secret, in the wrong place.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tell {
    All,
    Nothing,
}

impl Tell {
    fn of(command: Option<&CommandInfo>, words: &[String]) -> Self {
        let is_secret = command.is_some_and(|command| command.arguments.iter().any(|member| member.secret));
        match is_secret || words.iter().any(|word| word == STDIN) {
            true => Self::Nothing,
            false => Self::All,
        }
    }
}

/// Reads the words of a command line as the arguments of a command, and checks them.
pub(crate) fn checked(
    command: &CommandInfo,
    words: &[String],
    patience: Patience,
) -> Result<Arguments, Failure> {
    let tell = Tell::of(Some(command), words);
    let arguments = match words {
        [word] if is_document(word) => object(&document(word, patience)?)?,
        words => from_words(command, words, tell).map_err(|problem| wrong(command, &problem))?,
    };
    check::object("", command.arguments, &arguments, tell).map_err(|problem| wrong(command, &problem))?;
    Ok(Arguments { text: Value::Object(arguments).to_string(), tell })
}

/// Reads the words of a command line as a JSON object, and does not check it. The command is of the schema or not.
pub(crate) fn raw(
    command: Option<&CommandInfo>,
    words: &[String],
    patience: Patience,
) -> Result<Arguments, Failure> {
    let tell = Tell::of(command, words);
    match words {
        [] => Ok(Arguments { text: Raw::EMPTY_OBJECT.as_str().to_owned(), tell }),
        [word] if is_document(word) => {
            let text = document(word, patience)?;
            object(&text)?;
            Ok(Arguments { text, tell })
        }
        _ => Err(Failure::usage("with --raw the arguments are one JSON object")
            .advise("write it as '{\"key\": value}', or give - to have it read from standard input")),
    }
}

impl Arguments {
    /// What the schema has against arguments that were sent without being checked.
    pub(crate) fn problem(&self, command: &CommandInfo) -> Option<String> {
        let arguments = object(&self.text).ok()?;
        check::object("", command.arguments, &arguments, self.tell).err()
    }
}

fn is_document(word: &str) -> bool {
    word == STDIN || word.trim_start().starts_with('{')
}

fn document(word: &str, patience: Patience) -> Result<String, Failure> {
    if word != STDIN {
        return Ok(word.to_owned());
    }
    read(Input::new(io::stdin(), patience), qga_proto::DEFAULT_MAX_MESSAGE).map_err(|error| {
        streams::failure(Kind::Usage, "cannot read the arguments from standard input", &error)
    })
}

/// Reads a text of at most `limit` bytes.
fn read(source: impl Read, limit: usize) -> io::Result<String> {
    let mut bytes = Vec::new();
    // One byte more tells that there is more.
    let most = u64::try_from(limit).map_or(u64::MAX, |limit| limit.saturating_add(1));
    source.take(most).read_to_end(&mut bytes)?;
    if bytes.len() > limit {
        let message = format!("they are longer than the limit of {limit} bytes");
        return Err(io::Error::new(ErrorKind::FileTooLarge, message));
    }
    String::from_utf8(bytes).map_err(|_| io::Error::new(ErrorKind::InvalidData, "they are not UTF-8"))
}

fn object(text: &str) -> Result<Map<String, Value>, Failure> {
    serde_json::from_str(text).map_err(|error| {
        let why = match error.is_data() {
            // It would repeat what there is instead.
            true => "it is not an object".to_owned(),
            false => error.to_string(),
        };
        Failure::usage(format!("the arguments are not a JSON object: {why}"))
            .advise("write them as '{\"key\": value}', or as key=value")
    })
}

fn wrong(command: &CommandInfo, problem: &str) -> Failure {
    let name = command.name;
    Failure::usage(format!("{name}: {problem}"))
        .advise(format!("'qga commands {name}' tells what it takes; --raw sends anything"))
}

/// Reads `key=value` and `key:=JSON`.
fn from_words(command: &CommandInfo, words: &[String], tell: Tell) -> Result<Map<String, Value>, Problem> {
    let mut arguments = Map::new();
    for (at, word) in words.iter().enumerate() {
        let place = || format!("argument {}", at + 1);
        let (key, given) = from_word(command, word, tell, place)?;
        match (arguments.get_mut(key), given) {
            (None, Given::Whole(value)) => {
                arguments.insert(key.to_owned(), value);
            }
            (None, Given::Item(value)) => {
                arguments.insert(key.to_owned(), Value::Array(vec![value]));
            }
            (Some(Value::Array(values)), Given::Item(value)) => values.push(value),
            (Some(_), _) => return Err(format!("{key} is given twice")),
        }
    }
    Ok(arguments)
}

/// What one word says.
enum Given {
    /// The whole value of an argument.
    Whole(Value),
    /// An item of an argument that is an array.
    Item(Value),
}

fn from_word<'w>(
    command: &CommandInfo,
    word: &'w str,
    tell: Tell,
    place: impl Fn() -> String,
) -> Result<(&'w str, Given), Problem> {
    let (key, text) = word.split_once('=').ok_or_else(|| {
        let what = if tell == Tell::All { format!("'{word}'") } else { place() };
        format!("{what} is not key=value, nor all the arguments as one JSON object")
    })?;
    let (key, is_json) = match key.strip_suffix(':') {
        Some(key) => (key, true),
        None => (key, false),
    };
    let member = find(command.arguments, key).map_err(|hint| match tell {
        Tell::All => format!("unknown argument '{key}'{hint}"),
        Tell::Nothing => format!("{} has an unknown key{hint}", place()),
    })?;
    if is_json {
        let value = serde_json::from_str(text).map_err(|error| format!("{key} is not JSON: {error}"))?;
        return Ok((key, Given::Whole(value)));
    }
    let read =
        |ty| word::value(ty, text).ok_or_else(|| mismatch(key, member, ty, &format!("'{text}'"), tell));
    match member.ty {
        Type::Array(item) => Ok((key, Given::Item(read(*item)?))),
        ty => Ok((key, Given::Whole(read(ty)?))),
    }
}

/// The member of this name, or a hint at the one that may have been meant.
fn find<'m>(members: &'m [Member], name: &str) -> Result<&'m Member, String> {
    members.iter().find(|member| member.name == name).ok_or_else(|| {
        if members.is_empty() {
            return " (there are none)".to_owned();
        }
        match suggestion::meant(name, members.iter().map(|member| member.name)) {
            Some(question) => format!(", {question}"),
            None => {
                let names: Vec<_> = members.iter().map(|member| member.name).collect();
                format!(" (there are: {})", names.join(", "))
            }
        }
    })
}

/// Says what a member should have been. What must not be shown is not.
fn mismatch(path: &str, member: &Member, ty: Type, found: &str, tell: Tell) -> Problem {
    let mut wanted = describe(ty);
    // That there is a range matters to what is an integer, but out of it.
    let digits = found.trim_matches('\'').trim_start_matches('-');
    if let Some((least, most)) = describe::range(ty)
        && !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
    {
        wanted = format!("{wanted} from {least} to {most}");
    }
    match tell == Tell::Nothing || member.secret || member.base64 {
        true => format!("{path} must be {wanted}"),
        false => format!("{path} must be {wanted}, not {found}"),
    }
}

#[cfg(test)]
mod tests;
