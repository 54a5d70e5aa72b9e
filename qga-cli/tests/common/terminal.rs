//! A terminal for the program to run in, and what stands on it.

use std::io::{Read, Write};
use std::num::NonZero;
use std::process::Child;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use pty_process::Size;
use pty_process::blocking::{Command, Pts, Pty, open};
use rustix::termios::{Action, LocalModes, tcflow, tcgetattr};

/// How long anything may take: test machines have other things to do.
const LIMIT: Duration = Duration::from_secs(60);

/// The program in a terminal of 24 lines of 100 characters.
pub(crate) struct Terminal {
    pty: Arc<Pty>,
    /// Kept open, so that what the program has left can be looked at.
    pts: Pts,
    screen: Arc<Mutex<vt100::Parser>>,
    printed: Arc<Mutex<Vec<u8>>>,
    pub(crate) child: Child,
}

impl Terminal {
    /// Starts the program at a terminal of its own, with signals as they are by default.
    pub(crate) fn start(arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        Self::with_columns(100, arguments, environment)
    }

    /// The same, for which the terminal says that it has so many columns. It has 100 all the same: what goes beyond is seen.
    pub(crate) fn with_columns(columns: u16, arguments: &[&str], environment: &[(&str, &str)]) -> Self {
        let (pty, pts) = open().unwrap();
        pty.resize(Size::new(24, columns)).unwrap();
        let command = Command::new("env").arg("--default-signal").arg(env!("CARGO_BIN_EXE_qga"));
        let command = command.args(arguments).env_remove("QGA_CONNECT").env_remove("NO_COLOR");
        // What programs ask before the terminal.
        let command = command.env_remove("COLUMNS").env_remove("LINES");
        let mut command = command.env("TERM", "xterm-256color").envs(environment.iter().copied());
        let child = command.spawn_borrowed(&pts).unwrap();
        let size = [24, 100].map(|size| NonZero::new(size).unwrap());
        let screen = Arc::new(Mutex::new(vt100::Parser::new(size[0], size[1], 0)));
        let pty = Arc::new(pty);
        let printed = Arc::new(Mutex::new(Vec::new()));
        let (from, to, all) = (Arc::clone(&pty), Arc::clone(&screen), Arc::clone(&printed));
        thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(n @ 1..) = (&*from).read(&mut bytes) {
                to.lock().unwrap().process(&bytes[..n]);
                all.lock().unwrap().extend_from_slice(&bytes[..n]);
            }
        });
        Self { pty, pts, screen, printed, child }
    }

    /// Types something.
    pub(crate) fn type_in(&self, keys: &str) {
        (&*self.pty).write_all(keys.as_bytes()).unwrap();
    }

    /// Takes nothing any more that is written to it.
    pub(crate) fn hold(&self) {
        tcflow(&self.pts, Action::OOff).unwrap();
    }

    /// What stands on it.
    pub(crate) fn text(&self) -> String {
        self.look(vt100::Screen::contents)
    }

    /// All that it was ever sent.
    pub(crate) fn printed(&self) -> String {
        String::from_utf8_lossy(&self.printed.lock().unwrap()).into_owned()
    }

    pub(crate) fn look<R>(&self, look: impl FnOnce(&vt100::Screen) -> R) -> R {
        look(self.screen.lock().unwrap().screen())
    }

    /// Waits until something is so.
    #[track_caller]
    pub(crate) fn wait_until(&self, what: &str, is_so: impl Fn(&Self) -> bool) {
        let start = Instant::now();
        while !is_so(self) {
            assert!(start.elapsed() < LIMIT, "{what} is not so: {}", self.text());
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Waits until a text stands on it.
    #[track_caller]
    pub(crate) fn wait_for(&self, text: &str) {
        self.wait_until(text, |terminal| terminal.text().contains(text));
    }

    /// Whether the terminal shows what is typed, and lines are edited: as a shell leaves it.
    pub(crate) fn is_usual(&self) -> bool {
        let modes = tcgetattr(&*self.pty).unwrap().local_modes;
        modes.contains(LocalModes::ECHO | LocalModes::ICANON | LocalModes::ISIG)
    }

    /// Waits for the program's end, and gives its exit code.
    #[track_caller]
    pub(crate) fn ended(&mut self) -> Option<i32> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(start.elapsed() < LIMIT, "the program does not end: {}", self.text());
            thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
