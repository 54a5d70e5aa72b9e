//! Descriptions: from the reST of a schema to the Markdown of a doc comment.
//!
//! Whatever the text holds, the result is prose, lists and text blocks: nothing becomes a link that leads
//! nowhere, HTML, or code that rustdoc would want to run.

use crate::inline;

/// How deep lists may nest; deeper ones become paragraphs.
const MAX_LIST_DEPTH: usize = 4;

/// A piece of a description.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Block {
    Paragraph(String),
    List {
        ordered: bool,
        items: Vec<Vec<Self>>,
    },
    /// Text whose line breaks matter.
    Literal(Vec<String>),
}

/// Renders a description as Markdown, in lines of at most `width` characters where words allow it.
pub(crate) fn render(text: &str, width: usize) -> Vec<String> {
    let lines: Vec<&str> = text.lines().collect();
    render_blocks(&blocks(&lines, 0), width)
}

/// The first paragraph without any markup, on one line.
pub(crate) fn plain(text: &str) -> String {
    let lines: Vec<&str> = text.lines().collect();
    match blocks(&lines, 0).first() {
        Some(Block::Paragraph(text)) => inline::plain(text),
        Some(Block::List { items, .. }) => {
            let first = |blocks: &Vec<Block>| match blocks.first() {
                Some(Block::Paragraph(text)) => inline::plain(text),
                _ => String::new(),
            };
            items.iter().map(first).collect::<Vec<_>>().join("; ")
        }
        _ => String::new(),
    }
}

/// Makes a sentence of a fragment such as `the path of the file`; what is more than one paragraph stays as it
/// is.
pub(crate) fn sentence(text: &str) -> String {
    let text = finished(text);
    let first_word = text.split([' ', '\n', ',', '.', ';', ':', '(']).next().unwrap_or_default();
    match text.chars().next() {
        Some(first) if !first_word.is_empty() && first_word.chars().all(|c| c.is_ascii_lowercase()) => {
            format!("{}{}", first.to_ascii_uppercase(), &text[1..])
        }
        _ => text,
    }
}

/// Ends a text that is one paragraph with a full stop, if it has no end.
pub(crate) fn finished(text: &str) -> String {
    let text = text.trim();
    let lines: Vec<&str> = text.lines().collect();
    let is_paragraph = matches!(blocks(&lines, 0)[..], [Block::Paragraph(_)]) && !text.starts_with("..");
    let is_open = text.ends_with(|c: char| c.is_alphanumeric() || ")\"'`*".contains(c));
    if is_paragraph && is_open { format!("{text}.") } else { text.to_owned() }
}

/// Sets the first sentence of a text apart as a paragraph of its own: rustdoc lists items with it.
pub(crate) fn split_summary(text: &str) -> String {
    let paragraph = text.find("\n\n").unwrap_or(text.len());
    match first_sentence(&text[..paragraph]) {
        Some(end) => format!("{}\n\n{}", &text[..end], text[end..].trim_start()),
        None => text.to_owned(),
    }
}

/// The end of the first sentence, when another follows.
fn first_sentence(text: &str) -> Option<usize> {
    let abbreviation =
        |before: &str| ["e.g", "i.e", "etc", "vs", "cf"].iter().any(|word| before.ends_with(word));
    text.match_indices('.').map(|(at, _)| at).find_map(|at| {
        let (before, after) = (&text[..at], &text[at + 1..]);
        let next = after.trim_start();
        let ends =
            next.len() < after.len() && next.starts_with(|c: char| c.is_uppercase() || c == '@' || c == '`');
        (ends && !abbreviation(before) && balanced(before)).then_some(at + 1)
    })
}

/// Whether no parenthesis or quotation is open at the end.
fn balanced(text: &str) -> bool {
    text.matches('(').count() == text.matches(')').count() && text.matches("``").count().is_multiple_of(2)
}

fn indent_of(line: &str) -> usize {
    line.chars().take_while(|c| *c == ' ').count()
}

/// The lines from `start` that belong to something whose first line is indented by `indent`, and where they
/// end.
fn belonging<'t>(lines: &[&'t str], start: usize, indent: usize) -> (Vec<&'t str>, usize) {
    let inside = |line: &&&str| line.trim().is_empty() || indent_of(line) > indent;
    let count = lines[start..].iter().take_while(inside).count();
    let mut found = lines[start..start + count].to_vec();
    while found.last().is_some_and(|line| line.trim().is_empty()) {
        found.pop();
    }
    let common =
        found.iter().filter(|line| !line.trim().is_empty()).map(|line| indent_of(line)).min().unwrap_or(0);
    (found.into_iter().map(|line| line.get(common..).unwrap_or_default()).collect(), start + count)
}

fn blocks(lines: &[&str], depth: usize) -> Vec<Block> {
    let mut blocks = Vec::new();
    let mut at = 0;
    while let Some(line) = lines.get(at) {
        let (indent, text) = (indent_of(line), line.trim());
        if text.is_empty() {
            at += 1;
        } else if let Some(rest) =
            text.strip_prefix("..").filter(|rest| rest.is_empty() || rest.starts_with(' '))
        {
            let (content, next) = belonging(lines, at + 1, indent);
            if depth < MAX_LIST_DEPTH {
                blocks.extend(directive(rest.trim(), &content, depth));
            }
            at = next;
        } else if let Some((ordered, item)) = list_marker(text).filter(|_| depth < MAX_LIST_DEPTH) {
            let (content, next) = belonging(lines, at + 1, indent);
            let mut inner = vec![item];
            inner.extend(content);
            let item = self::blocks(&inner, depth + 1);
            match blocks.last_mut() {
                Some(Block::List { ordered: same, items }) if *same == ordered => items.push(item),
                _ => blocks.push(Block::List { ordered, items: vec![item] }),
            }
            at = next;
        } else {
            at = paragraph(lines, at, &mut blocks);
        }
    }
    blocks
}

/// Reads a paragraph and the literal block that it may announce with `::`.
fn paragraph(lines: &[&str], start: usize, blocks: &mut Vec<Block>) -> usize {
    let count = lines[start..].iter().take_while(|line| !line.trim().is_empty()).count();
    let text: Vec<&str> = lines[start..start + count].iter().map(|line| line.trim()).collect();
    let text = text.join("\n");
    let Some(text) = text.strip_suffix("::") else {
        blocks.push(Block::Paragraph(text));
        return start + count;
    };
    if !text.trim().is_empty() {
        blocks.push(Block::Paragraph(format!("{}:", text.trim_end())));
    }
    let (literal, next) = belonging(lines, start + count, indent_of(lines[start]));
    let literal: Vec<_> =
        literal.into_iter().skip_while(|line| line.trim().is_empty()).map(str::to_owned).collect();
    if !literal.is_empty() {
        blocks.push(Block::Literal(literal));
    }
    next
}

/// The text after `- `, `* `, `1. ` or `#. `, and whether the list is ordered.
fn list_marker(text: &str) -> Option<(bool, &str)> {
    let (marker, rest) = text.split_once(' ')?;
    let number = marker.strip_suffix(['.', ')']).is_some_and(|number| {
        number == "#"
            || (!number.is_empty() && number.len() < 3 && number.bytes().all(|b| b.is_ascii_digit()))
    });
    (number || matches!(marker, "-" | "*" | "+")).then_some((number, rest))
}

/// Notes become paragraphs; examples, labels and comments are left out.
fn directive(head: &str, content: &[&str], depth: usize) -> Vec<Block> {
    let Some((name, argument)) = head.split_once("::") else { return Vec::new() };
    let argument = argument.trim();
    let (label, first) = match name {
        "note" => ("Note", argument),
        "warning" | "caution" | "danger" | "attention" => ("Warning", argument),
        "important" | "hint" | "tip" => ("Important", argument),
        "admonition" if !argument.is_empty() => (argument, ""),
        _ => return Vec::new(),
    };
    let mut lines = vec![first];
    lines.extend(content);
    let mut blocks = blocks(&lines, depth + 1);
    match blocks.first_mut() {
        Some(Block::Paragraph(text)) => *text = format!("{label}: {text}"),
        _ => blocks.insert(0, Block::Paragraph(format!("{label}:"))),
    }
    blocks
}

fn render_blocks(blocks: &[Block], width: usize) -> Vec<String> {
    let mut lines = Vec::new();
    for block in blocks {
        if !lines.is_empty() {
            lines.push(String::new());
        }
        match block {
            Block::Paragraph(text) => lines.extend(inline::wrap(text, width)),
            Block::Literal(text) => lines.extend(fenced(text)),
            Block::List { ordered, items } => lines.extend(list(*ordered, items, width)),
        }
    }
    lines
}

fn list(ordered: bool, items: &[Vec<Block>], width: usize) -> Vec<String> {
    let tight = items.iter().all(|item| item.len() < 2);
    let mut lines = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if !tight && index > 0 {
            lines.push(String::new());
        }
        let marker = if ordered { format!("{}. ", index + 1) } else { "- ".to_owned() };
        let indent = " ".repeat(marker.len());
        let rendered = render_blocks(item, width.saturating_sub(marker.len()));
        for (number, line) in rendered.into_iter().enumerate() {
            let prefix = if number == 0 { &marker } else { &indent };
            lines.push(format!("{prefix}{line}").trim_end().to_owned());
        }
    }
    lines
}

/// A block that is marked as text, so that nobody takes it for Rust.
fn fenced(text: &[String]) -> Vec<String> {
    let longest = text.iter().map(|line| line.chars().take_while(|c| *c == '`').count()).max().unwrap_or(0);
    let fence = "`".repeat(longest.max(2) + 1);
    let mut lines = vec![format!("{fence}text")];
    lines.extend(text.iter().map(|line| line.trim_end().replace('\t', "    ")));
    lines.push(fence);
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_and_lists() {
        let text = "One\ntwo.\n\n- a\n  b\n- c\n\n  d\n\n1. e\n2. f\n";
        assert_eq!(render(text, 80), ["One two.", "", "- a b", "", "- c", "", "  d", "", "1. e", "2. f"]);
    }

    #[test]
    fn directives() {
        let text = ".. note:: Mind\n   the gap.\n\n.. qmp-example::\n\n    -> { \"x\": 1 }\n\n\
                    .. admonition:: Known bug\n\n    It fails.\n";
        assert_eq!(render(text, 80), ["Note: Mind the gap.", "", "Known bug: It fails."]);
    }

    #[test]
    fn literal_blocks_are_text() {
        assert_eq!(
            render("Such as::\n\n    let x;\n      y\n\nEnd.", 80),
            ["Such as:", "", "```text", "let x;", "  y", "```", "", "End."]
        );
    }

    #[test]
    fn deep_indentation_is_prose() {
        assert_eq!(render("        let x = 1;", 80), ["let x = 1;"]);
    }

    #[test]
    fn sentences() {
        assert_eq!(sentence("the path"), "The path.");
        assert_eq!(sentence("fopen-style mode"), "fopen-style mode.");
        assert_eq!(sentence("- a\n- b"), "- a\n- b");
        assert_eq!(sentence("size (since 3.1)"), "Size (since 3.1).");
        assert_eq!(
            split_summary("Reads. Slowly (e.g. On\nfloppies).\n\nMore. Text."),
            "Reads.\n\nSlowly (e.g. On\nfloppies).\n\nMore. Text."
        );
        assert_eq!(split_summary("Uses i.e. Windows, v1.5 and so on."), "Uses i.e. Windows, v1.5 and so on.");
    }

    #[test]
    fn plain_text() {
        assert_eq!(plain("Reads @path,\n``x`` and *y*.\n\nMore."), "Reads path, x and y.");
    }
}
