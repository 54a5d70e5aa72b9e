//! Layout: code in the shape that rustfmt gives it, so that it need not be there.
//!
//! Only what the generated files need is known here: rustfmt's rules for `max_width = 110` and
//! `use_small_heuristics = "Max"`, under which everything that fits on a line stays on one.

/// The width of generated files.
pub(crate) const WIDTH: usize = 110;

/// An item of at most this width may share a line with others when an array is broken.
const SHORT_ITEM: usize = 10;

/// Lines of code, indented.
#[derive(Default)]
pub(crate) struct Code {
    text: String,
    indent: usize,
}

impl Code {
    pub(crate) fn into_text(self) -> String {
        self.text
    }

    pub(crate) fn line(&mut self, line: impl AsRef<str>) {
        let line = line.as_ref();
        if !line.is_empty() {
            self.text.push_str(&" ".repeat(self.indent));
            self.text.push_str(line);
        }
        self.text.push('\n');
    }

    /// A line that opens a block.
    pub(crate) fn open(&mut self, line: impl AsRef<str>) {
        self.line(line);
        self.indent += 4;
    }

    /// A line that closes a block.
    pub(crate) fn close(&mut self, line: &str) {
        self.indent = self.indent.saturating_sub(4);
        self.line(line);
    }

    /// Width that is left for text after `taken` characters.
    pub(crate) fn room(&self, taken: usize) -> usize {
        WIDTH.saturating_sub(self.indent + taken)
    }

    /// Lines of a doc comment.
    pub(crate) fn docs(&mut self, lines: &[String]) {
        for line in lines {
            self.line(format!("/// {line}").trim_end());
        }
    }

    /// `#[serde(...)]`, or nothing.
    pub(crate) fn serde(&mut self, items: &[String]) {
        if items.is_empty() {
            return;
        }
        let line = format!("#[serde({})]", items.join(", "));
        if line.len() <= self.room(0) {
            return self.line(line);
        }
        self.open("#[serde(");
        for (index, item) in items.iter().enumerate() {
            self.line(if index + 1 < items.len() { format!("{item},") } else { item.clone() });
        }
        self.close(")]");
    }

    /// Opens a function: `head(parameters) -> result {`.
    pub(crate) fn function(&mut self, head: &str, parameters: &[String], result: &str) {
        let line = format!("{head}({}) -> {result} {{", parameters.join(", "));
        if line.len() <= self.room(0) {
            return self.open(line);
        }
        self.open(format!("{head}("));
        for parameter in parameters {
            self.line(format!("{parameter},"));
        }
        self.close(&format!(") -> {result} {{"));
        self.indent += 4;
    }

    /// `target = value;`
    pub(crate) fn assign(&mut self, target: &str, value: &str) {
        let line = format!("{target} = {value};");
        if line.len() <= self.room(0) {
            return self.line(line);
        }
        self.open(format!("{target} ="));
        self.line(format!("{value};"));
        self.indent -= 4;
    }

    /// `before expression after`, the expression broken into lines where it must be.
    pub(crate) fn expression(&mut self, before: &str, expression: &Expr, after: &str) {
        let column = self.indent + before.len();
        let text = expression.layout(self.indent, column, after.len());
        self.line(format!("{before}{text}{after}"));
    }
}

/// An expression.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Expr {
    /// Anything that is never broken.
    Atom(String),
    /// The text of a string literal.
    Text(String),
    /// `&[...]`
    Array(Vec<Self>),
    /// `(...)`
    Tuple(Vec<Self>),
    /// `name(argument)`
    Call(String, Box<Self>),
    /// `name { field: value, ..rest }`
    Struct { name: String, fields: Vec<(String, Self)>, rest: Option<String> },
    /// `first.second.third`
    Chain(Vec<String>),
}

impl Expr {
    pub(crate) fn atom(text: impl Into<String>) -> Self {
        Self::Atom(text.into())
    }

    pub(crate) fn call(name: impl Into<String>, argument: Self) -> Self {
        Self::Call(name.into(), Box::new(argument))
    }

    /// The expression on one line.
    fn flat(&self) -> String {
        match self {
            Self::Atom(text) => text.clone(),
            Self::Text(text) => literal(text),
            Self::Array(items) => format!("&[{}]", flat_list(items)),
            Self::Tuple(items) => format!("({})", flat_list(items)),
            Self::Call(name, argument) => format!("{name}({})", argument.flat()),
            Self::Struct { name, fields, rest } => {
                let field = |(field, value): &(String, Self)| match value.flat() {
                    value if value == *field => value,
                    value => format!("{field}: {value}"),
                };
                let mut parts: Vec<_> = fields.iter().map(field).collect();
                parts.extend(rest.iter().map(|rest| format!("..{rest}")));
                if parts.is_empty() {
                    format!("{name} {{}}")
                } else {
                    format!("{name} {{ {} }}", parts.join(", "))
                }
            }
            Self::Chain(parts) => parts.join("."),
        }
    }

    /// The expression in a line that is indented by `indent`, from `column` on, with `after` characters to
    /// follow.
    fn layout(&self, indent: usize, column: usize, after: usize) -> String {
        let flat = self.flat();
        if column + flat.chars().count() + after <= WIDTH {
            return flat;
        }
        let inner = indent + 4;
        let (margin, end) = (" ".repeat(inner), " ".repeat(indent));
        match self {
            Self::Atom(_) => flat,
            Self::Text(text) => broken_literal(text, inner, column, after),
            Self::Array(items) => match &items[..] {
                [item @ Self::Struct { .. }] => format!("&[{}]", item.layout(indent, column + 2, after + 1)),
                _ if items.iter().all(|item| item.flat().len() <= SHORT_ITEM) => {
                    format!("&[\n{}{end}]", packed(items, inner))
                }
                _ => format!("&[\n{}{end}]", stacked(items, inner, &margin)),
            },
            Self::Tuple(items) => format!("(\n{}{end})", stacked(items, inner, &margin)),
            Self::Call(name, argument) => {
                format!("{name}({})", argument.layout(indent, column + name.len() + 1, after + 1))
            }
            Self::Struct { name, fields, rest } => {
                let mut text = format!("{name} {{\n");
                for (field, value) in fields {
                    let value = value.layout(inner, inner + field.len() + 2, 1);
                    let line = if value == *field { value } else { format!("{field}: {value}") };
                    text.push_str(&format!("{margin}{line},\n"));
                }
                text.extend(rest.iter().map(|rest| format!("{margin}..{rest}\n")));
                text + &end + "}"
            }
            Self::Chain(parts) => parts.join(&format!("\n{margin}.")),
        }
    }
}

fn flat_list(items: &[Expr]) -> String {
    items.iter().map(Expr::flat).collect::<Vec<_>>().join(", ")
}

/// One item per line.
fn stacked(items: &[Expr], indent: usize, margin: &str) -> String {
    items.iter().map(|item| format!("{margin}{},\n", item.layout(indent, indent, 1))).collect()
}

/// As many items per line as fit.
fn packed(items: &[Expr], indent: usize) -> String {
    let mut text = String::new();
    let mut line = String::new();
    for item in items.iter().map(Expr::flat) {
        if !line.is_empty() && indent + line.len() + item.len() + 2 > WIDTH {
            text.push_str(&format!("{}{line}\n", " ".repeat(indent)));
            line.clear();
        }
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(&item);
        line.push(',');
    }
    text + &" ".repeat(indent) + &line + "\n"
}

/// A string literal. Text of a schema is printable, but for what [`crate::inline`] lets through of Unicode.
pub(crate) fn literal(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// A string literal over several lines, each but the last ending in a backslash.
fn broken_literal(text: &str, indent: usize, column: usize, after: usize) -> String {
    let literal = literal(text);
    let mut lines = vec![String::new()];
    let mut room = WIDTH.saturating_sub(column + 1);
    for word in literal.split(' ') {
        let line = lines.last().map_or(0, |line| line.chars().count());
        // A word takes a space before it; the line a backslash after it, or what follows the literal.
        if line > 0 && line + word.chars().count() + 2 + after > room {
            lines.push(word.to_owned());
            room = WIDTH.saturating_sub(indent);
        } else if let Some(last) = lines.last_mut() {
            if !last.is_empty() {
                last.push(' ');
            }
            last.push_str(word);
        }
    }
    lines.join(&format!(" \\\n{}", " ".repeat(indent)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(expression: &Expr) -> String {
        expression.layout(0, 0, 0)
    }

    #[test]
    fn what_fits_stays_on_one_line() {
        let expression = Expr::Struct {
            name: "A".into(),
            fields: vec![("b".into(), Expr::atom("b")), ("c".into(), Expr::Text("\"".into()))],
            rest: Some("A::DEFAULT".into()),
        };
        assert_eq!(text(&expression), r#"A { b, c: "\"", ..A::DEFAULT }"#);
    }

    #[test]
    fn long_texts_are_continued() {
        let words = "word ".repeat(30);
        let laid = text(&Expr::Text(words.trim().into()));
        assert!(laid.lines().all(|line| line.len() <= WIDTH));
        assert_eq!(laid.replace("\\\n    ", ""), format!("\"{}\"", words.trim()));
    }

    #[test]
    fn a_single_struct_hugs_its_array() {
        let field = || ("a".to_owned(), Expr::Text("b".repeat(110)));
        let item = Expr::Struct { name: "A".into(), fields: vec![field()], rest: None };
        let laid = text(&Expr::call("Some", Expr::Array(vec![item])));
        assert!(laid.starts_with("Some(&[A {\n    a: \"b") && laid.ends_with("\",\n}])"), "{laid}");
    }
}
