//! Documentation comments: which part describes what.
//!
//! The notation's style changed over the years. Up to QEMU 7 the text after `@name:` was indented to the
//! width of that tag, notes and examples were tagged sections; since QEMU 8 it is indented by four, notes are
//! reST directives, and `Errors:` has its own section. Both are read here; what the text says in reST is left
//! for [`crate::prose`].

use crate::error::{Fault, Pos, Spanned};
use crate::lex::{DocComment, DocLine};
use crate::version::Version;

/// What a documentation comment says. Texts are raw reST, without the comment's signs and common indentation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Doc {
    /// The definition it belongs to; without one it is free text between definitions.
    pub(crate) symbol: Option<Spanned<String>>,
    pub(crate) body: String,
    /// Arguments, members, values, branches.
    pub(crate) members: Vec<Section>,
    pub(crate) features: Vec<Section>,
    pub(crate) returns: String,
    pub(crate) errors: String,
    pub(crate) since: Option<Version>,
}

/// The description of one name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Section {
    pub(crate) name: Spanned<String>,
    pub(crate) text: String,
}

impl Section {
    /// The release in `(since X.Y)`, which by custom ends the description of something younger than its
    /// owner.
    pub(crate) fn since(&self) -> Option<Version> {
        since_in_text(&self.text)
    }
}

impl Doc {
    pub(crate) fn member(&self, name: &str) -> Option<&Section> {
        self.members.iter().find(|section| section.name.value == name)
    }

    pub(crate) fn feature(&self, name: &str) -> Option<&Section> {
        self.features.iter().find(|section| section.name.value == name)
    }

    /// Sorts a comment's lines into sections.
    pub(crate) fn parse(comment: &DocComment) -> Result<Self, Fault> {
        let mut lines = comment.lines.iter().skip_while(|line| line.text.is_empty()).peekable();
        let Some(symbol) = lines.peek().and_then(|line| tagged_name(line)) else {
            return Ok(Self::default());
        };
        if !symbol.text.is_empty() {
            let pos = Pos { column: symbol.text_column, ..symbol.name.pos };
            return Err(Fault::new(
                pos,
                "expected nothing after the name that a documentation comment is for",
            ));
        }
        lines.next();
        let mut reader = Reader::default();
        for line in lines {
            reader.line(line)?;
        }
        reader.close()?;
        reader.doc.symbol = Some(symbol.name);
        Ok(reader.doc)
    }
}

/// The section that lines are being collected for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
enum Current {
    #[default]
    Body,
    /// A tagged paragraph that stays in the body, such as `Note:`.
    Note(&'static str),
    Member(Spanned<String>),
    Feature(Spanned<String>),
    Returns,
    Errors,
    Since(Pos),
    /// Examples in the monitor's syntax and notes to maintainers: no use to a reader of Rust.
    Dropped,
}

#[derive(Default)]
struct Reader {
    doc: Doc,
    current: Current,
    lines: Vec<String>,
    in_features: bool,
}

impl Reader {
    fn line(&mut self, line: &DocLine) -> Result<(), Fault> {
        if let Some(tag) = tagged_name(line) {
            let current =
                if self.in_features { Current::Feature(tag.name) } else { Current::Member(tag.name) };
            return self.open(current, tag.text);
        }
        if let Some((tag, text)) = section_tag(&line.text) {
            self.in_features = tag == "Features";
            let current = match tag {
                "Returns" => Current::Returns,
                "Errors" => Current::Errors,
                "Since" => Current::Since(line.pos),
                "Note" | "Notes" => Current::Note("Note:"),
                "Features" => Current::Body,
                _ => Current::Dropped,
            };
            return self.open(current, text);
        }
        let indented = line.text.starts_with([' ', '\t']);
        let after_blank = self.lines.last().is_some_and(String::is_empty);
        let ends_section = match self.current {
            Current::Body => false,
            // The examples of old comments are not indented, so only the next tag or directive ends them.
            Current::Dropped => line.text.starts_with(".. "),
            _ => after_blank && !indented && !line.text.is_empty(),
        };
        if ends_section {
            self.in_features = false;
            return self.open(Current::Body, &line.text);
        }
        self.lines.push(line.text.clone());
        Ok(())
    }

    fn open(&mut self, next: Current, text: &str) -> Result<(), Fault> {
        self.close()?;
        self.current = next;
        self.lines.push(text.to_owned());
        Ok(())
    }

    fn close(&mut self) -> Result<(), Fault> {
        let lines = std::mem::take(&mut self.lines);
        match std::mem::take(&mut self.current) {
            Current::Body => append(&mut self.doc.body, &lines.join("\n")),
            Current::Note(tag) => append(&mut self.doc.body, &format!("{tag} {}", dedent(&lines))),
            Current::Member(name) => add(&mut self.doc.members, name, dedent(&lines))?,
            Current::Feature(name) => add(&mut self.doc.features, name, dedent(&lines))?,
            Current::Returns => append(&mut self.doc.returns, &dedent(&lines)),
            Current::Errors => append(&mut self.doc.errors, &dedent(&lines)),
            Current::Since(pos) => {
                let text = dedent(&lines);
                let word = text.split_whitespace().next().unwrap_or_default();
                let version = Version::parse(word.trim_end_matches(['.', ',', ';']));
                self.doc.since = Some(
                    version
                        .ok_or_else(|| Fault::new(pos, "expected a release such as 7.2 after 'Since:'"))?,
                );
            }
            Current::Dropped => {}
        }
        Ok(())
    }
}

fn append(text: &mut String, more: &str) {
    let more = more.trim_matches('\n').trim_end();
    if more.trim().is_empty() {
        return;
    }
    if !text.is_empty() {
        text.push_str("\n\n");
    }
    text.push_str(more);
}

fn add(sections: &mut Vec<Section>, name: Spanned<String>, text: String) -> Result<(), Fault> {
    if sections.iter().any(|section| section.name.value == name.value) {
        return Err(Fault::new(
            name.pos,
            format!("expected each name to be described once, found '@{}' again", name.value),
        ));
    }
    sections.push(Section { name, text });
    Ok(())
}

/// Joins lines, taking from all but the first (which followed a tag) the indentation that they share.
fn dedent(lines: &[String]) -> String {
    let Some((first, rest)) = lines.split_first() else { return String::new() };
    let indent = |line: &String| line.chars().take_while(|c| *c == ' ').count();
    let common = rest.iter().filter(|line| !line.trim().is_empty()).map(indent).min().unwrap_or(0);
    let mut text = first.trim().to_owned();
    for line in rest {
        text.push('\n');
        text.push_str(line.get(common..).unwrap_or_default().trim_end());
    }
    text.trim_matches('\n').to_owned()
}

struct Tagged<'t> {
    name: Spanned<String>,
    text: &'t str,
    text_column: u32,
}

/// `@name: text` at the start of a line.
fn tagged_name(line: &DocLine) -> Option<Tagged<'_>> {
    let (name, text) = line.text.strip_prefix('@')?.split_once(':')?;
    let plain = !name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "_-.".contains(c));
    let before = line.text.len() - text.trim_start().len();
    let text_column = line.pos.column.saturating_add(before as u32);
    let name = Spanned { pos: line.pos, value: name.to_owned() };
    plain.then_some(Tagged { name, text: text.trim(), text_column })
}

/// `Tag: text` at the start of a line, for the tags that have a meaning.
fn section_tag(line: &str) -> Option<(&'static str, &str)> {
    const TAGS: [&str; 9] =
        ["Returns", "Errors", "Since", "Notes", "Note", "Features", "Examples", "Example", "TODO"];
    let (tag, rest) = TAGS.iter().find_map(|tag| line.strip_prefix(tag).map(|rest| (*tag, rest)))?;
    match rest.trim_start().strip_prefix(':') {
        // `Example::` announces a literal block in reST.
        Some(text) => Some((tag, text.strip_prefix(':').unwrap_or(text).trim())),
        // Old comments say `Since 1.1`.
        None if tag == "Since" && Version::parse(rest.trim()).is_some() => Some((tag, rest.trim())),
        None => None,
    }
}

/// Finds `(since 1.7)`, `(Since: 1.7)` and the like; the first one is the introduction.
fn since_in_text(text: &str) -> Option<Version> {
    text.split('(').skip(1).find_map(|part| {
        let inside = part.split(')').next()?;
        let (word, rest) = (inside.get(..5)?, inside.get(5..)?);
        let rest = rest.strip_prefix(':').unwrap_or(rest);
        let version = rest.split_whitespace().next()?.trim_end_matches([',', ';', '.']);
        word.eq_ignore_ascii_case("since").then(|| Version::parse(version))?
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parse::{Top, parse};

    fn doc(text: &str) -> Result<Doc, Fault> {
        match parse(0, text)?.into_iter().next() {
            Some(Top::Doc(comment)) => Doc::parse(&comment),
            other => panic!("{other:?}"),
        }
    }

    fn found(sections: &[Section]) -> Vec<(&str, &str)> {
        sections.iter().map(|section| (section.name.value.as_str(), section.text.as_str())).collect()
    }

    #[test]
    fn old_style() {
        let doc = doc("\
##
# @go:
#
# Goes.
#
# @far: how far
#       it goes (since 2.0)
#
# Returns: Nothing
#          at all.
#
# Note: Slowly,
#       and once.
#
# Since 0.14
#
# Example:
#
# -> { 'execute': 'go' }
#
##
")
        .unwrap();
        assert_eq!(doc.body, "Goes.\n\nNote: Slowly,\nand once.");
        assert_eq!(found(&doc.members), [("far", "how far\nit goes (since 2.0)")]);
        assert_eq!(doc.members[0].since(), Version::parse("2.0"));
        assert_eq!(doc.returns, "Nothing\nat all.");
        assert_eq!(doc.since, Version::parse("0.14"));
    }

    #[test]
    fn new_style() {
        let doc = doc("\
##
# @go:
#
# Goes.
#
# @far:
#     - a
#     - b
#
# Features:
#
# @deprecated: Stay
#     here.
#
# .. note:: Slowly.
#
# Errors:
#     - If lost, it fails
#
# TODO: more
#
# Since : 9.1

##
")
        .unwrap();
        assert_eq!(doc.body, "Goes.\n\n.. note:: Slowly.");
        assert_eq!(found(&doc.members), [("far", "- a\n- b")]);
        assert_eq!(found(&doc.features), [("deprecated", "Stay\nhere.")]);
        assert_eq!(doc.errors, "- If lost, it fails");
        assert_eq!(doc.since, Version::parse("9.1"));
    }

    #[test]
    fn newest_style() {
        let doc = doc("\
##
# @go:
#     Goes.
#
#     And comes.
#
# Never twice.
#
# @far: how far (since
#     11.0)
#
# @on: a day (since Linux 2.5.41)
#
# Since: 9.1 (Linux only); 11.0 (Windows)
##
")
        .unwrap();
        assert_eq!(crate::prose::plain(&doc.body), "Goes.");
        assert_eq!(doc.members[0].since(), Version::parse("11.0"));
        assert_eq!(doc.members[1].since(), None);
        assert_eq!(doc.since, Version::parse("9.1"));
    }

    #[test]
    fn text_after_the_members_belongs_to_the_body() {
        let doc = doc("##\n# @go:\n#\n# @far: how far\n# and on\n#\n# More text.\n##\n").unwrap();
        assert_eq!(found(&doc.members), [("far", "how far\nand on")]);
        assert_eq!(doc.body, "More text.");
    }

    #[test]
    fn free_text_has_no_symbol() {
        assert_eq!(doc("##\n# = Heading\n#\n# @go: no\n##\n").unwrap(), Doc::default());
    }

    #[test]
    fn since_forms() {
        let version = |text| since_in_text(text).map(|version| version.to_string());
        assert_eq!(version("node (POSIX) (Since: 3.1, later renamed)").as_deref(), Some("3.1"));
        assert_eq!(version("(since 10.0.1)").as_deref(), Some("10.0.1"));
        assert_eq!(version("(since then) (sin\u{e9}e 1)"), None);
    }
}
