//! Tables and running text, as wide as the terminal lets them be.

use std::borrow::Cow;
use std::io::stdout;

use comfy_table::{
    CellAlignment, ColumnConstraint, ContentArrangement, Table as Grid, Width as GridWidth, presets,
};
use terminal_size::{Width, terminal_size_of};

use super::escape;

/// A table without lines, with its heads in capitals. Cells are escaped; a cell may have several lines. Columns that
/// are empty but for their heads are left out.
pub(crate) struct Table<const N: usize> {
    heads: [String; N],
    rows: Vec<[String; N]>,
    right: &'static [usize],
    indent: &'static str,
}

impl<const N: usize> Table<N> {
    pub(crate) fn new(heads: [&str; N]) -> Self {
        Self { heads: heads.map(str::to_uppercase), rows: Vec::new(), right: &[], indent: "" }
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

    pub(crate) fn row(&mut self, cells: [String; N]) {
        self.rows.push(cells.map(|cell| {
            let lines = cell.lines().map(|line| cut(&escape::text(line), CELL).into_owned());
            lines.collect::<Vec<_>>().join("\n")
        }));
    }

    /// The whole table. A terminal's width is kept to; elsewhere lines are as long as they are.
    pub(crate) fn render(&self) -> String {
        lines(self.grid(), terminal_width(), self.indent)
    }

    fn grid(&self) -> Grid {
        let is_used = |column: &usize| self.rows.iter().any(|row| !row[*column].is_empty());
        let columns: Vec<usize> = (0..N).filter(is_used).collect();
        let mut grid = Grid::new();
        grid.set_header(columns.iter().map(|&column| &self.heads[column]));
        for row in &self.rows {
            grid.add_row(columns.iter().map(|&column| &row[column]));
        }
        for (at, column) in columns.iter().enumerate() {
            if let Some(cells) = grid.column_mut(at).filter(|_| self.right.contains(column)) {
                cells.set_cell_alignment(CellAlignment::Right);
            }
        }
        grid
    }
}

const INDENT: &str = "  ";

/// How many characters a line of a cell may have. Lines of 65,536 columns are more than can be laid out, and more than
/// anybody wants to see.
const CELL: usize = 1000;

/// The same for running text.
const PARAGRAPH: usize = 20_000;

/// The room between columns.
const GAP: u16 = 2;

/// Up to this width the first column is not broken: it has the names.
const NAME: u16 = 34;

/// How wide running text is at the most.
const LINE: u16 = 90;

/// Running text, indented and with lines that are pleasant to read.
pub(crate) fn paragraph(text: &str) -> String {
    let mut grid = Grid::new();
    grid.add_row([cut(&escape::text(text), PARAGRAPH)]);
    let width = terminal_width().map_or(LINE, |width| width.min(LINE));
    lines(grid, Some(width), INDENT)
}

fn lines(mut grid: Grid, width: Option<u16>, indent: &str) -> String {
    grid.load_style(presets::NOTHING);
    if let Some(width) = width {
        let indent = u16::try_from(indent.len()).unwrap_or(0);
        grid.set_content_arrangement(ContentArrangement::Dynamic).set_width(width.saturating_sub(indent));
    }
    let first = grid.column_max_content_widths().first().map_or(0, |width| NAME.min(*width));
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

/// The text, with a mark where something is left out.
fn cut(text: &str, limit: usize) -> Cow<'_, str> {
    match text.char_indices().nth(limit) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
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
        assert_eq!(lines(table.grid(), Some(80), "").matches('日').count(), 3 * CELL);
        assert_eq!(paragraph(&long).matches('日').count(), PARAGRAPH);
    }

    #[test]
    fn running_text_is_broken() {
        let text = paragraph(&"word ".repeat(30));
        assert!(text.lines().count() > 1 && text.lines().all(|line| line.len() <= 90), "{text}");
    }
}
