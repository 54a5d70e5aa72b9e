//! The screen of `qga top`.

use std::io::{self, Stdout, stdout};
use std::time::{Duration, Instant};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::layout::{Constraint, Layout};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Cell, Paragraph, Row as TableRow, Table, TableState};
use ratatui::{Frame, Terminal};

use super::sampler::{Row, Sampler};
use super::{HEADS, cells};
use crate::output::{brief, wants_colours};
use crate::signals;

/// How long nobody looks for keys and news.
const SLICE: Duration = Duration::from_millis(100);

/// Shows what is sampled until somebody ends it.
pub(super) fn show(sampler: &Sampler, interval: Duration) -> io::Result<()> {
    let mut screen = Screen::enter()?;
    let has_colours = wants_colours();
    let mut state = TableState::new().with_selected(0);
    let last = sampler.guests().len().saturating_sub(1);
    loop {
        screen.0.draw(|frame| draw(frame, sampler, interval, has_colours, &mut state))?;
        let until = Instant::now() + SLICE;
        while event::poll(until.saturating_duration_since(Instant::now()))? {
            let Event::Key(key) = event::read()? else { break };
            let at = state.selected().unwrap_or(0);
            match key.code {
                _ if key.kind == KeyEventKind::Release => {}
                KeyCode::Char('q') | KeyCode::Esc => return Ok(()),
                KeyCode::Char('c') if key.modifiers.contains(KeyModifiers::CONTROL) => return Ok(()),
                KeyCode::Down | KeyCode::Char('j') => state.select(Some(last.min(at + 1))),
                KeyCode::Up | KeyCode::Char('k') => state.select(Some(at.saturating_sub(1))),
                KeyCode::PageDown => state.select(Some(last.min(at + PAGE))),
                KeyCode::PageUp => state.select(Some(at.saturating_sub(PAGE))),
                KeyCode::Home => state.select(Some(0)),
                KeyCode::End => state.select(Some(last)),
                _ => {}
            }
        }
    }
}

/// How far a page goes.
const PAGE: usize = 10;

/// The terminal while it is ours. It is given back when this is dropped, by a panic, and by a signal.
struct Screen(Terminal<CrosstermBackend<Stdout>>);

impl Screen {
    fn enter() -> io::Result<Self> {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            restore();
            hook(info);
        }));
        signals::at_end(Some(restore));
        enable_raw_mode()?;
        let screen = Terminal::new(CrosstermBackend::new(stdout())).map(Self);
        if screen.is_err() {
            restore();
        }
        let screen = screen?;
        execute!(stdout(), EnterAlternateScreen)?;
        Ok(screen)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
        signals::at_end(None);
    }
}

fn restore() {
    // A terminal that is gone needs nothing.
    let _ = disable_raw_mode();
    let _ = execute!(stdout(), LeaveAlternateScreen, Show);
}

fn draw(
    frame: &mut Frame<'_>,
    sampler: &Sampler,
    interval: Duration,
    has_colours: bool,
    state: &mut TableState,
) {
    let [head, body] = Layout::vertical([Constraint::Length(1), Constraint::Min(1)]).areas(frame.area());
    let rows = sampler.rows();
    let failed = rows.iter().filter(|row| row.is_err()).count();
    frame.render_widget(Paragraph::new(title(sampler.guests().len(), failed, interval)), head);
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let red = if has_colours { Style::new().fg(Color::Red) } else { Style::new() };
    let names = sampler.guests().iter().map(|guest| brief(&guest.name));
    let table = names.zip(&rows).map(|(name, row)| row_of(name, row, red));
    let heads = HEADS.iter().enumerate().map(|(at, head)| match at {
        0 => Cell::new(head.to_uppercase()),
        _ => Cell::new(Line::from(head.to_uppercase()).right_aligned()),
    });
    let widths = [
        Constraint::Fill(1),
        Constraint::Length(6),
        Constraint::Length(5),
        Constraint::Length(13),
        Constraint::Length(13),
        Constraint::Length(13),
        Constraint::Length(13),
    ];
    let table = Table::new(table, widths)
        .header(TableRow::new(heads).style(bold))
        .row_highlight_style(Style::new().add_modifier(Modifier::REVERSED));
    frame.render_stateful_widget(table, body, state);
}

fn title(guests: usize, failed: usize, interval: Duration) -> Line<'static> {
    let guests = if guests == 1 { "1 guest".to_owned() } else { format!("{guests} guests") };
    let failed = if failed == 0 { String::new() } else { format!(", {failed} failed") };
    Line::from(vec![
        Span::styled("qga top", Style::new().add_modifier(Modifier::BOLD)),
        Span::raw(format!("  {guests}{failed}, every {} s; q ends it", interval.as_secs_f64())),
    ])
}

/// A guest's row. Why it failed takes the room of all rates.
fn row_of(name: String, row: &Row, red: Style) -> TableRow<'static> {
    match row {
        Ok(rates) => {
            let cells = cells(rates).into_iter().map(|cell| Cell::new(Line::from(cell).right_aligned()));
            TableRow::new([Cell::new(name)].into_iter().chain(cells))
        }
        Err(failed) => {
            let why = Cell::new(brief(&failed.brief)).column_span(HEADS.len() as u16 - 1);
            TableRow::new([Cell::new(name), why]).style(red)
        }
    }
}
