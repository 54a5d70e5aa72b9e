//! The screen of `qga top`.

use std::fs::File;
use std::io::{self, Write, stdout};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{self, Event, KeyCode, KeyEventKind, KeyModifiers};
use ratatui::crossterm::terminal::{
    EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use ratatui::crossterm::{execute, queue};
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
struct Screen(Terminal<CrosstermBackend<Drawing>>);

impl Screen {
    fn enter() -> io::Result<Self> {
        let hook = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            restore();
            hook(info);
        }));
        let mut drawing = Drawing { picture: Vec::new(), terminal: terminal()? };
        signals::at_end(Some(restore));
        enable_raw_mode()?;
        let screen = execute!(drawing, EnterAlternateScreen)
            .and_then(|()| Terminal::new(CrosstermBackend::new(drawing)).map(Self));
        if screen.is_err() {
            restore();
        }
        screen
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        restore();
        signals::at_end(None);
    }
}

/// What is drawn, up to where the terminal shall have it. It is written past the lock of standard output: who holds that
/// may wait for the terminal, and nobody could end the program in order.
struct Drawing {
    picture: Vec<u8>,
    terminal: File,
}

/// Somebody writes a picture.
static IS_DRAWING: AtomicBool = AtomicBool::new(false);

/// The terminal is no longer ours: nothing is drawn any more.
static IS_OVER: AtomicBool = AtomicBool::new(false);

impl Write for Drawing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.picture.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        IS_DRAWING.store(true, Ordering::SeqCst);
        let is_over = IS_OVER.load(Ordering::SeqCst);
        let written = if is_over { Ok(()) } else { self.terminal.write_all(&self.picture) };
        IS_DRAWING.store(false, Ordering::SeqCst);
        self.picture.clear();
        written
    }
}

fn terminal() -> io::Result<File> {
    stdout().as_fd().try_clone_to_owned().map(File::from)
}

/// How long to wait at the most for a terminal that takes nothing, as one does whose other end nobody reads.
const PATIENCE: Duration = Duration::from_millis(500);

/// Gives the terminal back, from whatever thread.
fn restore() {
    const LOOK_INTERVAL: Duration = Duration::from_millis(5);

    IS_OVER.store(true, Ordering::SeqCst);
    let start = Instant::now();
    while IS_DRAWING.load(Ordering::SeqCst) && start.elapsed() < PATIENCE {
        thread::sleep(LOOK_INTERVAL);
    }
    // A terminal that is gone needs nothing.
    let _ = disable_raw_mode();
    let (sender, receiver) = mpsc::channel();
    let leave = move || {
        let _ = leave();
        let _ = sender.send(());
    };
    if thread::Builder::new().spawn(leave).is_ok() {
        let _ = receiver.recv_timeout(PATIENCE);
    }
}

fn leave() -> io::Result<()> {
    let mut bytes = Vec::new();
    queue!(bytes, LeaveAlternateScreen, Show)?;
    terminal()?.write_all(&bytes)
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
