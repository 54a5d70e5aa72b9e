//! Tables and running text, as wide as the terminal lets them be.

use std::io::stdout;

use comfy_table::{
    Cell, CellAlignment, ColumnConstraint, ContentArrangement, Table as Grid, Width as GridWidth, presets,
};
use terminal_size::{Width, terminal_size_of};

use super::{escape, style};

/// A table without lines, with its heads in capitals. Cells are escaped; a cell may have several lines. Columns that
/// are empty but for their heads are left out.
pub(crate) struct Table<const N: usize> {
    heads: [String; N],
    rows: Vec<Row<N>>,
    right: &'static [usize],
    indent: &'static str,
    names: u16,
}

enum Row<const N: usize> {
    Cells([String; N]),
    /// One text in place of all cells but the first.
    Note {
        name: String,
        text: String,
        /// Whether it stands under the second column's head.
        is_cell: bool,
    },
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(heads: [&str; N]) -> Self {
        Self { heads: heads.map(str::to_uppercase), rows: Vec::new(), right: &[], indent: "", names: NAMES }
    }

    /// Moves it to the right.
    pub(crate) fn indented(mut self) -> Self {
        self.indent = INDENT;
        self
    }

    /// Aligns these columns to the right: numbers.
    pub(crate) fn right(mut self, columns: &'static [usize]) -> Self {
        self.right = columns;
        self
    }

    /// Has the names in the first column broken where they are longer than this.
    pub(crate) fn names(mut self, width: u16) -> Self {
        self.names = width;
        self
    }

    pub(crate) fn row(&mut self, cells: [String; N]) {
        self.rows.push(Row::Cells(cells.map(|cell| {
            let lines = cell.lines().map(|line| short(line, CELL));
            lines.collect::<Vec<_>>().join("\n")
        })));
    }

    /// Adds a row that has one text in place of all cells but the first.
    pub(crate) fn note(&mut self, name: &str, text: &str) {
        self.note_or_text(name, text, false);
    }

    /// Adds a row of a table with two columns, the second of which may be of any length where there is no terminal.
    pub(crate) fn text(&mut self, name: &str, text: &str) {
        self.note_or_text(name, text, true);
    }

    fn note_or_text(&mut self, name: &str, text: &str, is_cell: bool) {
        self.rows.push(Row::Note { name: short(name, CELL), text: text.to_owned(), is_cell });
    }

    /// The whole table. A terminal's width is kept to; elsewhere lines are as long as they are.
    pub(crate) fn render(&self) -> String {
        style::mark_first_line(&self.render_in(terminal_width()))
    }

    fn render_in(&self, width: Option<u16>) -> String {
        let notes = self.notes(width);
        let heights: Vec<_> = notes.iter().map(Vec::len).collect();
        let mut notes = notes.iter().flatten();
        let mut text = String::new();
        for line in lines(self.grid(&heights), width, self.indent, self.names).lines() {
            match line.split_once(MARK) {
                Some((name, _)) => text.extend([name, notes.next().map_or("", |note| note), "\n"]),
                None => text.extend([line, "\n"]),
            }
        }
        text
    }

    /// The lines of each note. They take all the room from the second column on.
    fn notes(&self, width: Option<u16>) -> Vec<Vec<String>> {
        let texts: Vec<_> = self.rows.iter().filter_map(Row::note).collect();
        let Some(width) = width else {
            return texts.into_iter().map(|text| vec![escape::text(text).into_owned()]).collect();
        };
        // The last line has nothing else than the mark, and so tells where that column begins.
        let mut grid = self.grid(&vec![1; texts.len()]);
        grid.add_row([Cell::new(""), marks(1)]);
        let last = lines(grid, Some(width), self.indent, self.names).lines().last().map_or(0, str::len);
        let begin = u16::try_from(last.saturating_sub(MARK.len())).unwrap_or(width);
        texts
            .into_iter()
            .map(|text| broken(&short(text, CELL), width.saturating_sub(begin).max(NOTE)))
            .collect()
    }

    /// A grid in which marks keep the room for notes of so many lines.
    fn grid(&self, notes: &[usize]) -> Grid {
        let columns = self.columns();
        let mut grid = Grid::new();
        grid.set_header(columns.iter().map(|&column| column.map_or("", |column| &self.heads[column])));
        let mut notes = notes.iter();
        for row in &self.rows {
            match row {
                Row::Cells(cells) => {
                    grid.add_row(columns.iter().map(|&column| column.map_or("", |column| &cells[column])))
                }
                Row::Note { name, .. } => {
                    grid.add_row([Cell::new(name), marks(notes.next().copied().unwrap_or(0))])
                }
            };
        }
        for (at, column) in columns.iter().enumerate() {
            let is_right = column.is_some_and(|column| self.right.contains(&column));
            if let Some(cells) = grid.column_mut(at).filter(|_| is_right) {
                cells.set_cell_alignment(CellAlignment::Right);
            }
        }
        grid
    }

    /// The columns that are not empty, and for notes at least two: `None` is none of the table's.
    fn columns(&self) -> Vec<Option<usize>> {
        let is_used = |column: &usize| {
            self.rows.iter().any(|row| match row {
                Row::Cells(cells) => !cells[*column].is_empty(),
                Row::Note { is_cell, .. } => *column == 0 || *is_cell && *column == 1,
            })
        };
        let mut columns: Vec<_> = (0..N).filter(is_used).map(Some).collect();
        if columns.len() == 1 && self.rows.iter().any(|row| row.note().is_some()) {
            columns.push(None);
        }
        columns
    }
}

impl<const N: usize> Row<N> {
    fn note(&self) -> Option<&str> {
        match self {
            Self::Note { text, .. } => Some(text),
            Self::Cells(_) => None,
        }
    }
}

/// Stands where a line of a note begins, while the table is laid out. No cell has it: it would have been escaped.
const MARK: &str = "\u{1}";

fn marks(count: usize) -> Cell {
    Cell::new(vec![MARK; count].join("\n")).set_alignment(CellAlignment::Left)
}

/// A note has at least this much room, even if that makes lines too long for the terminal.
const NOTE: u16 = 20;

const INDENT: &str = "  ";

/// How many characters a line of a cell may have. Lines of 65,536 columns are more than can be laid out, and more than
/// anybody wants to see.
const CELL: usize = 1000;

/// The same for what is one of many.
const BRIEF: usize = 60;

/// The same for running text.
const PARAGRAPH: usize = 20_000;

/// The room between columns.
const GAP: u16 = 2;

/// Up to this width the first column is not broken: it has the names.
const NAMES: u16 = 34;

/// How wide running text is at the most.
const LINE: u16 = 90;

/// Running text, indented and with lines that are pleasant to read.
pub(crate) fn paragraph(text: &str) -> String {
    let mut grid = Grid::new();
    grid.add_row([short(text, PARAGRAPH)]);
    let width = terminal_width().map_or(LINE, |width| width.min(LINE));
    lines(grid, Some(width), INDENT, NAMES)
}

fn lines(mut grid: Grid, width: Option<u16>, indent: &str, names: u16) -> String {
    grid.load_style(presets::NOTHING);
    if let Some(width) = width {
        let indent = u16::try_from(indent.len()).unwrap_or(0);
        grid.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.saturating_sub(indent));
    }
    let first = grid.column_max_content_widths().first().map_or(0, |width| names.min(*width));
    for column in grid.column_iter_mut() {
        column.set_padding((0, GAP));
    }
    if let Some(column) = grid.column_mut(0) {
        column.set_constraint(ColumnConstraint::LowerBoundary(GridWidth::Fixed(first + GAP)));
    }
    let mut text = String::new();
    for line in grid.lines() {
        text.push_str(indent);
        text.push_str(&line);
        text.truncate(text.trim_end_matches(' ').len());
        text.push('\n');
    }
    text
}

/// One line, broken at its spaces where that is possible.
fn broken(text: &str, width: u16) -> Vec<String> {
    let mut grid = Grid::new();
    grid.load_style(presets::NOTHING);
    grid.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    grid.add_row([text]);
    for column in grid.column_iter_mut() {
        column.set_padding((0, 0));
    }
    grid.lines().map(|line| line.trim_end_matches(' ').to_owned()).collect()
}

/// What a guest calls something, cut to what one of many may take.
pub(crate) fn brief(text: &str) -> String {
    short(text, BRIEF)
}

/// The text, escaped, with a mark where something is left out.
fn short(text: &str, limit: usize) -> String {
    let text = escape::text(text);
    match text.char_indices().nth(limit) {
        None => text.into_owned(),
        Some((end, _)) => format!("{}…", &text[..end]),
    }
}

fn terminal_width() -> Option<u16> {
    let (Width(width), _) = terminal_size_of(stdout())?;
    Some(width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_cells_harmless() {
        let mut table = Table::new(["name", "empty", "size"]).right(&[2]).indented();
        table.row(["a\x1b".into(), String::new(), "10".into()]);
        table.row(["two\nlines".into(), String::new(), "7".into()]);
        assert_eq!(table.render(), "  NAME     SIZE\n  a\\u{1b}    10\n  two         7\n  lines\n");
    }

    #[test]
    fn what_is_too_long_is_cut() {
        let long = "日".repeat(100_000);
        let mut table = Table::new(["a", "b", "c"]);
        table.row([long.clone(), long.clone(), format!("x\n{long}")]);
        assert_eq!(table.render().matches('日').count(), 3 * CELL);
        assert_eq!(table.render_in(Some(80)).matches('日').count(), 3 * CELL);
        assert_eq!(paragraph(&long).matches('日').count(), PARAGRAPH);
    }

    #[test]
    fn notes_take_the_room_of_all_columns() {
        let mut table = Table::new(["guest", "empty", "ms", "name"]).right(&[2]);
        table.row(["a".into(), String::new(), "1000.0".into(), "web".into()]);
        table.note("b", "why it is so, at length\x1b");
        table.row(["日本".into(), String::new(), "7.0".into(), "db".into()]);
        assert_eq!(
            table.render_in(None),
            "GUEST      MS  NAME\n\
             a      1000.0  web\n\
             b      why it is so, at length\\u{1b}\n\
             日本      7.0  db\n"
        );
        assert_eq!(
            table.render_in(Some(27)),
            "GUEST      MS  NAME\n\
             a      1000.0  web\n\
             b      why it is so, at\n       \
             length\\u{1b}\n\
             日本      7.0  db\n"
        );
    }

    #[test]
    fn there_may_be_nothing_but_notes() {
        let mut table = Table::new(["guest", "name"]);
        table.note("one", "two");
        for width in [None, Some(80)] {
            assert_eq!(table.render_in(width), "GUEST\none    two\n");
        }
        // However narrow it is, nothing is lost.
        assert_eq!(table.render_in(Some(1)).matches("two").count(), 1);
    }

    #[test]
    fn texts_have_a_head_and_are_whole_where_there_is_room() {
        let long = "x".repeat(100_000);
        let mut table = Table::new(["guest", "reply", ""]);
        table.text("one", &long);
        table.note("two", "why");
        assert_eq!(table.render_in(None), format!("GUEST  REPLY\none    {long}\ntwo    why\n"));
        assert_eq!(table.render_in(Some(80)).matches('x').count(), CELL);
        assert!(table.render_in(Some(80)).starts_with("GUEST  REPLY\none    xxx"));
    }

    #[test]
    fn running_text_is_broken() {
        let text = paragraph(&"word ".repeat(30));
        assert!(text.lines().count() > 1 && text.lines().all(|line| line.len() <= 90), "{text}");
    }
}
