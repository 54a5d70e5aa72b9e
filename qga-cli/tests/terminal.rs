//! What the program does at a terminal, captured from a real one.

mod common;
#[path = "common/terminal.rs"]
mod terminal;

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;

use common::{Agent, Answer, Ended, Folder, Simulation, run, signal, sim, text, wait};
use qga_sim::Guest;
use serde_json::json;
use terminal::Terminal;

#[test]
fn top_shows_guests_until_q_is_pressed() {
    let mut terminal =
        Terminal::start(&["-c", "sim:", "-c", "sim:qemu-2.12", "top", "--interval", "0.2"], &[]);
    terminal.wait_for("2 guests, every 0.2 s");
    // Rates are there when two looks are.
    terminal.wait_until("a rate", |terminal| terminal.text().contains("0 B/s"));
    let text = terminal.text();
    let heads = text.lines().find(|line| line.starts_with("GUEST")).unwrap_or_default();
    assert_eq!(
        heads.split_whitespace().collect::<Vec<_>>().join(" "),
        "GUEST LOAD CPU DISK READ DISK WRITTEN RECEIVED SENT"
    );
    assert!(text.lines().any(|line| line.starts_with("sim: ") && line.contains("0.08")), "{text}");
    // Its agent tells nothing but the network.
    terminal.wait_until("a rate of the other", |terminal| {
        terminal.text().lines().any(|line| {
            let cells: Vec<_> = line.split_whitespace().collect();
            cells == ["sim:qemu-2.12", "-", "-", "-", "-", "0", "B/s", "0", "B/s"]
        })
    });
    assert!(terminal.look(|screen| screen.alternate_screen() && screen.hide_cursor()));
    assert!(!terminal.is_usual());
    terminal.type_in("q");
    assert_eq!(terminal.ended(), Some(0));
    terminal.wait_until("the terminal is given back", gives_back);
}

/// Whether the terminal is as it was before.
fn gives_back(terminal: &Terminal) -> bool {
    terminal.is_usual() && terminal.look(|screen| !screen.alternate_screen() && !screen.hide_cursor())
}

#[test]
fn top_gives_the_terminal_back_on_signals_and_ctrl_c() {
    for (name, code) in [("TERM", 143), ("INT", 130), ("HUP", 129)] {
        let mut terminal = Terminal::start(&["-c", "sim:", "top"], &[]);
        terminal.wait_for("1 guest, every 2 s");
        signal(&terminal.child, name);
        assert_eq!(terminal.ended(), Some(code), "{name}");
        terminal.wait_until("the terminal is given back", gives_back);
    }
    let mut terminal = Terminal::start(&["-c", "sim:", "top"], &[]);
    terminal.wait_for("1 guest");
    terminal.type_in("\x03");
    assert_eq!(terminal.ended(), Some(0));
    terminal.wait_until("the terminal is given back", gives_back);
}

#[test]
fn signals_end_top_at_a_terminal_that_takes_nothing_any_more() {
    let mut terminal = Terminal::start(&["-c", "sim:", "top"], &[]);
    terminal.wait_for("1 guest, every 2 s");
    terminal.hold();
    // It draws ten times a second, so it now waits in that.
    std::thread::sleep(std::time::Duration::from_secs(1));
    signal(&terminal.child, "TERM");
    assert_eq!(terminal.ended(), Some(143));
    assert!(terminal.is_usual());
}

#[test]
fn top_does_not_keep_guests_waiting_for_one_that_says_nothing() {
    let silent = Agent::new(|_| Answer::Silence);
    let address = silent.address();
    // Two threads, one of which waits for a minute.
    let guests = ["-t", "60", "--jobs", "2", "-c", &address, "-c", "sim:", "-c", "sim:qemu-2.12"];
    let mut terminal = Terminal::start(&[&guests[..], &["top", "--interval", "0.2"]].concat(), &[]);
    terminal.wait_until("rates of both others", |terminal| {
        terminal.text().lines().filter(|line| line.starts_with("sim:") && line.contains("0 B/s")).count() == 2
    });
    terminal.type_in("q");
    assert_eq!(terminal.ended(), Some(0));
    assert_eq!(silent.ended(), Ended::Closed);
}

#[test]
fn top_tells_of_guests_that_fail_in_red_where_colours_are_wanted() {
    let folder = Folder::new();
    let address = folder.address_of("nobody");
    for (environment, is_red) in [(&[][..], true), (&[("NO_COLOR", "1")][..], false)] {
        let mut terminal = Terminal::start(&["-c", &address, "-c", "sim:", "top"], environment);
        terminal.wait_for("1 failed");
        terminal.wait_for("connection: there is no such socket");
        let colour = terminal.look(|screen| {
            let rows = screen.rows(0, 100).collect::<Vec<_>>();
            let row = rows.iter().position(|row| row.starts_with("nobody")).unwrap();
            screen.cell(u16::try_from(row).unwrap(), 0).unwrap().fgcolor()
        });
        assert_eq!(colour == vt100::Color::Idx(1), is_red, "{colour:?}");
        terminal.type_in("q");
        assert_eq!(terminal.ended(), Some(0));
    }
}

#[test]
fn top_leaves_the_agent_to_others() {
    let simulation = Simulation::new();
    let address = simulation.folder.address();
    let mut terminal = Terminal::start(&["-c", &address, "top"], &[]);
    terminal.wait_for("0.08");
    run(&["-c", &address, "ping"]).ok();
    terminal.type_in("q");
    assert_eq!(terminal.ended(), Some(0));
    run(&["-c", &address, "ping"]).ok();
}

#[test]
fn a_password_is_asked_for_twice_and_not_shown() {
    let mut terminal = Terminal::start(&["-c", "sim:", "passwd", "alice"], &[]);
    terminal.wait_for("New password of alice: ");
    terminal.type_in("correct horse\n");
    terminal.wait_for("Again: ");
    terminal.type_in("correct horse\n");
    assert_eq!(terminal.ended(), Some(0));
    terminal.wait_for("the password of alice is set");
    assert!(!terminal.text().contains("horse"), "{}", terminal.text());
    assert!(terminal.is_usual());
}

#[test]
fn passwords_that_differ_are_not_sent() {
    let mut terminal = Terminal::start(&["-c", "sim:", "passwd", "alice"], &[]);
    terminal.wait_for("New password of alice: ");
    terminal.type_in("one\n");
    terminal.wait_for("Again: ");
    terminal.type_in("two\n");
    assert_eq!(terminal.ended(), Some(2));
    terminal.wait_for("not the same");
    assert!(terminal.is_usual());
}

#[test]
fn ctrl_c_at_a_password_gives_the_terminal_back() {
    let mut terminal = Terminal::start(&["-c", "sim:", "passwd", "alice"], &[]);
    terminal.wait_for("New password of alice: ");
    terminal.type_in("half a pass");
    terminal.type_in("\x03");
    assert_eq!(terminal.ended(), Some(130));
    assert!(terminal.is_usual());
    assert!(!terminal.text().contains("half"), "{}", terminal.text());
}

#[test]
fn a_password_that_nobody_types_is_waited_for_until_the_deadline() {
    let mut terminal = Terminal::start(&["-c", "sim:", "-t", "3", "passwd", "alice"], &[]);
    assert_eq!(terminal.ended(), Some(4));
    terminal.wait_for("the deadline passed");
    assert!(terminal.is_usual());
}

#[test]
fn a_terminal_that_nobody_reads_is_waited_for_until_the_deadline() {
    let folder = Folder::new();
    let guest = Guest::new().file("/lines", "a\n".repeat(50_000));
    let _server = sim(&folder, guest);
    for command in [["cat", "/lines"].as_slice(), &["cp", ":/lines", "-"]] {
        let (_pty, pts) = pty_process::blocking::open().unwrap();
        let program = pty_process::blocking::Command::new(env!("CARGO_BIN_EXE_qga"));
        let mut program = program.args(["-c", &folder.address(), "-t", "3"]).args(command);
        let ran = wait(program.spawn_borrowed(&pts).unwrap());
        assert_eq!(ran.code, Some(4), "{command:?}");
    }
}

#[test]
fn tables_keep_to_the_terminal() {
    const COLUMNS: u16 = 50;

    let wide = run(&["-c", "sim:", "fs"]).ok();
    assert!(wide.lines().any(|line| line.chars().count() > COLUMNS.into()), "{wide}");
    let mut terminal = Terminal::with_columns(COLUMNS, &["-c", "sim:", "fs"], &[]);
    assert_eq!(terminal.ended(), Some(0));
    terminal.wait_for("/boot/efi");
    let text = terminal.text();
    assert!(text.lines().all(|line| line.chars().count() <= COLUMNS.into()), "{text}");
}

/// Characters of three bytes, which no piece of a round length ends with, and what clears the screen.
fn harmful() -> Vec<u8> {
    [&"\u{65e5}".repeat(360_000).into_bytes()[..], b"\nbefore\n\x1b[2Jbehind\r\nand\xff\n"].concat()
}

#[test]
fn what_files_and_programs_print_is_escaped_at_a_terminal_and_raw_in_a_pipe() {
    let folder = Folder::new();
    let _server = sim(&folder, Guest::new().file("/odd", harmful()));
    let address = folder.address();
    for arguments in [&["cat", "/odd"][..], &["cp", ":/odd", "-"], &["exec", "cat", "/odd"]] {
        let arguments = [&["-c", &address], arguments].concat();
        let mut terminal = Terminal::start(&arguments, &[]);
        assert_eq!(terminal.ended(), Some(0), "{arguments:?}");
        terminal.wait_until("the end", |terminal| terminal.printed().ends_with("and\u{fffd}\r\n"));
        let printed = terminal.printed();
        let lines: Vec<_> = printed.lines().collect();
        assert_eq!(lines[1..], ["before", "\\u{1b}[2Jbehind", "and\u{fffd}"], "{arguments:?}");
        assert!(lines[0] == "\u{65e5}".repeat(360_000), "{arguments:?}");
        let output = common::qga(&arguments).output().unwrap();
        assert!(output.status.success() && output.stdout == harmful(), "{arguments:?}");
    }
}

#[test]
fn a_bar_shows_how_far_a_copy_is_and_is_cleared() {
    const PIECE: usize = 30_000;

    let (go_on, may_go_on) = mpsc::channel();
    let (seeks, reads) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let agent = Agent::new(move |name| match name {
        "guest-file-open" => Answer::Return(json!(1000)),
        "guest-file-seek" => {
            // To the end, which tells the size, and back.
            let position = if seeks.fetch_add(1, Ordering::Relaxed) == 0 { 2 * PIECE } else { 0 };
            Answer::Return(json!({ "position": position, "eof": false }))
        }
        "guest-file-read" => {
            let is_second = reads.fetch_add(1, Ordering::Relaxed) > 0;
            if is_second {
                may_go_on.recv().unwrap();
            }
            Answer::Return(json!({ "count": PIECE, "buf-b64": "A".repeat(PIECE / 3 * 4), "eof": is_second }))
        }
        _ => Answer::Return(json!({})),
    });
    let (folder, address) = (Folder::new(), agent.address());
    let target = text(&folder.path().join("target"));
    let mut terminal = Terminal::start(&["-c", &address, "-t", "60", "cp", ":/big\x1b[2J", &target], &[]);
    terminal.wait_until("a bar", |terminal| {
        let text = terminal.text();
        let bar = text.lines().find(|line| line.starts_with("/big\\u{1b}[2J"));
        bar.is_some_and(|bar| bar.contains("29.30 KiB of 58.59 KiB"))
    });
    go_on.send(()).unwrap();
    assert_eq!(terminal.ended(), Some(0));
    terminal.wait_for("copied 58.6 KiB");
    let text = terminal.text();
    assert_eq!(text.trim_end(), "copied 58.6 KiB", "{text}");
    assert!(!terminal.printed().contains("0/0"), "a bar of another style");
}
