//! The notation.

use std::collections::HashMap;
use std::time::Duration;

/// What conversations have in common, by name.
pub(super) const SCENES: [(&str, &str); 6] = [
    (
        // QEMU 4.0 and later.
        "(synced with ids)",
        r#"C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync},"id":$echo}
           A: <stray>
           A: <ff>{"return": $sync, "id": $echo}"#,
    ),
    (
        // Before QEMU 4.0 `id` is an error.
        "(synced without ids)",
        r#"C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$_},"id":$_}
           A: <stray>
           A: {"error": {"class": "GenericError", "desc": "QMP input member 'id' is unexpected"}}
           (synced without ids again)"#,
    ),
    (
        "(synced without ids again)",
        r#"C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$sync}}
           A: <stray>
           A: <ff>{"return": $sync}"#,
    ),
    (
        // Some small agents. They take `id`, or look past it.
        "(synced by guest-sync)",
        r#"C: <ff>{"execute":"guest-sync-delimited","arguments":{"id":$_},"id":$_}
           A: {"error": {"class": "CommandNotFound", "desc": "unknown command"}}
           C: {"execute":"guest-sync","arguments":{"id":$sync}}
           A: {"return": $sync}"#,
    ),
    (
        "(pinged)",
        r#"C: {"execute":"guest-ping","id":$id}
           A: {"return": {}, "id": $id}
           => {}"#,
    ),
    (
        "(pinged without ids)",
        r#"C: {"execute":"guest-ping"}
           A: {"return": {}}
           => {}"#,
    ),
];

const STRAY: &[u8] = br#"{"error": {"class": "GenericError", "desc": "JSON parse error, stray '\uFFFD'"}}"#;

#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) line: String,
    pub(super) action: Action,
}

#[derive(Clone, Debug)]
pub(super) enum Action {
    Call { name: String, arguments: String, silent: bool, within: Duration },
    Client(Template),
    Agent(Template),
    Wait(Duration),
    Outcome(String),
    GiveUp(String),
    Eof,
    Blocked,
}

pub(super) fn parse(script: &str) -> Vec<Step> {
    let lines = script.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .flat_map(|line| match SCENES.iter().find(|(name, _)| *name == line) {
            Some((_, scene)) => parse(scene),
            None => vec![Step { line: line.into(), action: Action::parse(line) }],
        })
        .collect()
}

impl Action {
    fn parse(line: &str) -> Self {
        let split = line.find([' ', ':']).unwrap_or(line.len());
        match (&line[..split], line[split..].trim_start_matches([':', ' '])) {
            ("call", rest) => Self::parse_call(rest),
            ("C", rest) => Self::Client(Template::parse(rest)),
            ("A", rest) => Self::Agent(Template::parse(rest)),
            ("=>", rest) => Self::Outcome(rest.into()),
            ("give", rest) => Self::GiveUp(rest.trim_start_matches("up, sent ").into()),
            ("EOF", "") => Self::Eof,
            ("(blocked)", "") => Self::Blocked,
            (time, "") if time.starts_with('+') => Self::Wait(duration(&time[1..])),
            _ => panic!("not a line of a transcript: {line}"),
        }
    }

    fn parse_call(text: &str) -> Self {
        let (text, arguments) = match (text.find('{'), text.rfind('}')) {
            (Some(start), Some(end)) => ([&text[..start], &text[end + 1..]].concat(), &text[start..=end]),
            _ => (text.into(), "{}"),
        };
        let mut words = text.split_whitespace();
        let name = words.next().expect("a call has a name").into();
        let (mut silent, mut within) = (false, Duration::from_secs(60));
        while let Some(word) = words.next() {
            match word {
                "silent" => silent = true,
                "within" => within = duration(words.next().expect("a time follows")),
                _ => panic!("not a part of a call: {word}"),
            }
        }
        Self::Call { name, arguments: arguments.into(), silent, within }
    }
}

fn duration(text: &str) -> Duration {
    let digits = text.trim_end_matches(char::is_alphabetic);
    let number = digits.parse().expect("a time starts with a number");
    match &text[digits.len()..] {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        "min" => Duration::from_secs(60 * number),
        unit => panic!("not a unit of time: {unit}"),
    }
}

/// A line with variables.
#[derive(Clone, Debug)]
pub(super) struct Template {
    parts: Vec<Part>,
    pub(super) cut: bool,
    /// Which of its bytes are meant.
    range: (usize, usize),
}

#[derive(Clone, Debug)]
enum Part {
    Bytes(Vec<u8>),
    Variable(String),
    /// As many of this byte as make the line so long.
    Fill(u8, usize),
}

impl Template {
    fn parse(mut text: &str) -> Self {
        let mut template = Self { parts: Vec::new(), cut: false, range: (0, usize::MAX) };
        while let Some(at) = text.find(['<', '$']) {
            let (before, special) = text.split_at(at);
            template.parts.push(Part::Bytes(before.into()));
            text = if let Some(rest) = special.strip_prefix('$') {
                let end = rest.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(rest.len());
                template.parts.push(Part::Variable(rest[..end].into()));
                &rest[end..]
            } else {
                let (inside, rest) = special[1..].split_once('>').expect("a '<' has its '>'");
                template.special(inside);
                rest
            };
        }
        template.parts.push(Part::Bytes(text.into()));
        template
    }

    fn special(&mut self, text: &str) {
        let number = |text: &str| text.replace('M', "000000").parse().expect("a number");
        let byte = |text: &str| match text.as_bytes() {
            &[byte] => byte,
            _ => u8::from_str_radix(text, 16).expect("a byte is a character or two hexadecimal digits"),
        };
        if text == "cut" {
            self.cut = true;
        } else if text == "stray" {
            self.parts.push(Part::Bytes(STRAY.into()));
        } else if let Some(n) = text.strip_prefix("first ") {
            self.range.1 = number(n);
        } else if let Some(n) = text.strip_prefix("after ") {
            self.range.0 = number(n);
        } else if let Some((of, len)) = text.split_once("..") {
            self.parts.push(Part::Fill(byte(of), number(len)));
        } else if let Some((of, count)) = text.split_once('*') {
            self.parts.push(Part::Bytes(vec![byte(of); number(count)]));
        } else {
            self.parts.push(Part::Bytes(vec![byte(text)]));
        }
    }

    /// The bytes of the line.
    pub(super) fn render(&self, variables: &HashMap<String, u64>) -> Vec<u8> {
        let (mut bytes, mut fill) = (Vec::new(), None);
        for part in &self.parts {
            match part {
                Part::Bytes(part) => bytes.extend_from_slice(part),
                Part::Variable(name) => {
                    let number = variables.get(name).unwrap_or_else(|| panic!("${name} is not known yet"));
                    bytes.extend_from_slice(number.to_string().as_bytes());
                }
                &Part::Fill(byte, len) => fill = Some((bytes.len(), byte, len)),
            }
        }
        if let Some((at, byte, len)) = fill {
            bytes.splice(at..at, std::iter::repeat_n(byte, len - bytes.len()));
        }
        bytes.extend((!self.cut).then_some(b'\n'));
        let (start, end) = self.range;
        bytes.truncate(end);
        bytes.split_off(start.min(bytes.len()))
    }

    /// The numbers that `line` has in the place of variables, if it is such a line.
    pub(super) fn matches<'t>(&'t self, mut line: &[u8]) -> Option<Vec<(&'t str, u64)>> {
        let mut numbers = Vec::new();
        for part in &self.parts {
            line = match part {
                Part::Bytes(part) => line.strip_prefix(&part[..])?,
                Part::Variable(name) => {
                    let (digits, rest) =
                        line.split_at(line.iter().take_while(|b| b.is_ascii_digit()).count());
                    numbers.push((name.as_str(), str::from_utf8(digits).ok()?.parse().ok()?));
                    rest
                }
                Part::Fill(..) => panic!("the client's lines are written out"),
            };
        }
        let end: &[u8] = if self.cut { b"" } else { b"\n" };
        (line == end).then_some(numbers)
    }
}
