//! Descriptions inside a paragraph: reST's inline markup, and what Markdown would misread.

/// A piece of a paragraph.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Piece {
    Space,
    Char(char),
    Code(String),
    Url(String),
    /// `*` or `**` around emphasised text.
    Mark(&'static str),
}

/// The paragraph as Markdown, in lines of at most `width` characters where words allow it.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut length = 0;
    for word in words(text) {
        let word_length = word.chars().count();
        match lines.last_mut() {
            Some(line) if length + 1 + word_length <= width => {
                line.push(' ');
                line.push_str(&word);
                length += 1 + word_length;
            }
            _ => {
                let word = guard(word);
                length = word.chars().count();
                lines.push(word);
            }
        }
    }
    lines
}

/// The paragraph without markup, on one line.
pub(crate) fn plain(text: &str) -> String {
    let mut plain = String::new();
    for piece in pieces(text) {
        match piece {
            Piece::Space => plain.push(' '),
            Piece::Char(c) => plain.push(c),
            Piece::Code(text) | Piece::Url(text) => plain.push_str(&text),
            Piece::Mark(_) => {}
        }
    }
    plain.trim().to_owned()
}

/// Escapes a word that at the start of a line would begin a list, a heading or a rule.
fn guard(word: String) -> String {
    let number =
        word.strip_suffix(['.', ')']).is_some_and(|number| number.bytes().all(|b| b.is_ascii_digit()));
    if number && word.len() > 1 {
        let (number, end) = word.split_at(word.len() - 1);
        return format!("{number}\\{end}");
    }
    match word.chars().next() {
        Some('#' | '+' | '-' | '=') => format!("\\{word}"),
        _ => word,
    }
}

/// Cuts the paragraph at its spaces; code stays in one piece.
fn words(text: &str) -> Vec<String> {
    let pieces = pieces(text);
    let mut words = Vec::new();
    let mut word = String::new();
    for (at, piece) in pieces.iter().enumerate() {
        let before = at.checked_sub(1).and_then(|at| pieces.get(at));
        match piece {
            Piece::Space => words.push(std::mem::take(&mut word)),
            Piece::Char(c) => {
                if needs_escape(*c, before, pieces.get(at + 1)) {
                    word.push('\\');
                }
                word.push(*c);
            }
            Piece::Code(code) if code.contains('`') => word.push_str(&format!("`` {code} ``")),
            Piece::Code(code) => word.push_str(&format!("`{code}`")),
            Piece::Url(url) => word.push_str(&format!("<{url}>")),
            Piece::Mark(mark) => word.push_str(mark),
        }
    }
    words.push(word);
    words.retain(|word| !word.is_empty());
    words
}

fn needs_escape(c: char, before: Option<&Piece>, after: Option<&Piece>) -> bool {
    let alphanumeric = |piece: Option<&Piece>| matches!(piece, Some(Piece::Char(c)) if c.is_alphanumeric());
    match c {
        '\\' | '[' | ']' | '<' | '>' | '*' | '~' | '|' | '`' => true,
        '_' => !(alphanumeric(before) && alphanumeric(after)),
        '&' => alphanumeric(after) || after == Some(&Piece::Char('#')),
        // An option such as --verbose would get a dash for its hyphens.
        '-' => matches!(before, None | Some(Piece::Space)) && after == Some(&Piece::Char('-')),
        _ => false,
    }
}

fn pieces(text: &str) -> Vec<Piece> {
    let mut reader = Inline { rest: text.trim(), before: ' ', pieces: Vec::new(), marks: Vec::new() };
    while !reader.rest.is_empty() {
        reader.piece();
    }
    reader.close_marks();
    reader.pieces
}

struct Inline<'t> {
    rest: &'t str,
    /// The character before `rest`.
    before: char,
    pieces: Vec<Piece>,
    /// Where in `pieces` emphasis has begun.
    marks: Vec<usize>,
}

impl<'t> Inline<'t> {
    fn piece(&mut self) {
        let rest = self.rest;
        let Some(first) = rest.chars().next() else { return };
        let done = match first {
            '`' => self.quoted(),
            ':' => self.role(),
            '@' => self.reference(),
            'h' => self.url(),
            '*' => self.emphasis(),
            '\\' => self.escape(),
            _ => false,
        };
        if done {
            return;
        }
        self.take(first.len_utf8());
        if !first.is_whitespace() && !first.is_control() {
            self.pieces.push(Piece::Char(first));
        } else if self.pieces.last().is_some_and(|piece| *piece != Piece::Space) {
            self.pieces.push(Piece::Space);
        }
    }

    fn take(&mut self, len: usize) -> &'t str {
        let (taken, rest) = self.rest.split_at(len);
        self.before = taken.chars().next_back().unwrap_or(self.before);
        self.rest = rest;
        taken
    }

    fn push_code(&mut self, text: &str) {
        let text: Vec<&str> = text.split_whitespace().collect();
        self.pieces.push(Piece::Code(text.join(" ")));
    }

    /// ``` ``literal`` ```, `` `interpreted` `` or `` `text <target>`_ ``.
    fn quoted(&mut self) -> bool {
        let quote = if self.rest.starts_with("``") { "``" } else { "`" };
        let Some(len) = self.rest[quote.len()..].find(quote).filter(|len| *len > 0) else { return false };
        let text = &self.rest[quote.len()..quote.len() + len];
        if text.trim().is_empty() {
            return false;
        }
        self.take(len + 2 * quote.len());
        match self.rest.starts_with('_') && quote.len() == 1 {
            true => {
                self.take(self.rest.bytes().take_while(|b| *b == b'_').count());
                let text = text.split(" <").next().unwrap_or(text);
                self.pieces.extend(
                    text.chars().map(|c| if c.is_whitespace() { Piece::Space } else { Piece::Char(c) }),
                );
            }
            false => self.push_code(text),
        }
        true
    }

    /// ``:role:`text` ``, perhaps ``:role:`text <target>` ``.
    fn role(&mut self) -> bool {
        let name = |c: char| c.is_ascii_lowercase() || c == ':' || c == '-';
        let Some(end) = self.rest.find(":`").filter(|end| *end > 1 && self.rest[1..*end].chars().all(name))
        else {
            return false;
        };
        let inside = &self.rest[end + 2..];
        let Some(len) = inside.find('`').filter(|len| !inside[..*len].trim().is_empty()) else {
            return false;
        };
        let text =
            inside[..len].split(" <").next().unwrap_or_default().trim_start_matches(['~', '!']).to_owned();
        self.take(end + 2 + len + 1);
        self.push_code(&text);
        true
    }

    /// `@name` of a member, an argument or a definition.
    fn reference(&mut self) -> bool {
        let part = |c: &char| c.is_ascii_alphanumeric() || "-_.".contains(*c);
        let name: String = self.rest[1..].chars().take_while(part).collect();
        let name = name.trim_end_matches(['.', '-']);
        if self.before.is_alphanumeric() || !name.starts_with(|c: char| c.is_ascii_alphanumeric() || c == '_')
        {
            return false;
        }
        self.take(1 + name.len());
        self.push_code(name);
        true
    }

    fn url(&mut self) -> bool {
        if self.before.is_alphanumeric()
            || !["http://", "https://"].iter().any(|scheme| self.rest.starts_with(scheme))
        {
            return false;
        }
        let end = |c: char| c.is_whitespace() || c.is_control() || "<>\"'`\\".contains(c);
        let url = &self.rest[..self.rest.find(end).unwrap_or(self.rest.len())];
        let url = url.trim_end_matches(['.', ',', ';', ':', '!', '?', ')', ']', '}', '*']);
        if url.ends_with('/') && url.len() < 9 {
            return false;
        }
        let url = self.take(url.len()).to_owned();
        self.pieces.push(Piece::Url(url));
        true
    }

    /// Emphasis stays what it is when its two ends stand where both languages want them.
    fn emphasis(&mut self) -> bool {
        let mark = if self.rest.starts_with("**") { "**" } else { "*" };
        let after = self.rest[mark.len()..].chars().next().unwrap_or(' ');
        let opens = (self.before.is_whitespace() || "('\"".contains(self.before)) && after.is_alphanumeric();
        let closes = self.before.is_alphanumeric() && !after.is_alphanumeric() && after != '*';
        let open = self.marks.last().is_some_and(|at| self.pieces[*at] == Piece::Mark(mark));
        if open && closes {
            self.marks.pop();
        } else if opens && self.marks.is_empty() {
            self.marks.push(self.pieces.len());
        } else {
            return false;
        }
        self.take(mark.len());
        self.pieces.push(Piece::Mark(mark));
        true
    }

    /// A mark without its other end is a plain star.
    fn close_marks(&mut self) {
        for at in std::mem::take(&mut self.marks).into_iter().rev() {
            let stars = if self.pieces[at] == Piece::Mark("**") { 2 } else { 1 };
            self.pieces.splice(at..=at, std::iter::repeat_n(Piece::Char('*'), stars));
        }
    }

    /// A backslash makes the next character plain; before a space both vanish.
    fn escape(&mut self) -> bool {
        let Some(next) = self.rest[1..].chars().next().filter(|c| c.is_ascii_punctuation() || *c == ' ')
        else {
            return false;
        };
        self.take(1 + next.len_utf8());
        if next != ' ' {
            self.pieces.push(Piece::Char(next));
        }
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(text: &str) -> String {
        wrap(text, 1000).join("\n")
    }

    #[test]
    fn markup() {
        assert_eq!(
            line("See @guest-exec. ``a  b`` and :ref:`the doc <x>`, `y`."),
            "See `guest-exec`. `a b` and `the doc`, `y`."
        );
        assert_eq!(line("(*very* **bold**) 2*3*4 SEEK_*"), "(*very* **bold**) 2\\*3\\*4 SEEK\\_\\*");
        assert_eq!(line("`text <https://x.org>`_ there"), "text there");
    }

    #[test]
    fn what_markdown_would_misread() {
        assert_eq!(line("a[0] <b> x|y"), "a\\[0\\] \\<b\\> x\\|y");
        assert_eq!(
            line("see https://x.org/a_b, or http:// or me@x.org"),
            "see <https://x.org/a_b>, or http:// or me@x.org"
        );
        assert_eq!(line("__init__ a_b &amp; a & b ` \\n"), "\\_\\_init\\_\\_ a_b \\&amp; a & b \\` \\\\n");
        assert_eq!(line("with --force -- ok"), "with \\--force \\-- ok");
    }

    #[test]
    fn starts_of_lines() {
        assert_eq!(wrap("aaa 1. # - + === x", 4), ["aaa", "1\\.", "\\# -", "\\+", "\\===", "x"]);
        assert_eq!(wrap("> a", 80), ["\\> a"]);
    }

    #[test]
    fn unclosed_markup_is_plain() {
        assert_eq!(line("*a ``b `c :ref:`d @"), "\\*a \\``b`c :ref:\\`d @");
    }
}
