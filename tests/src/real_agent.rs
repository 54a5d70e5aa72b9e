//! A real `qemu-ga`, started for one test and stopped with it.

use std::fs;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::needs;

/// What must never reach an agent that acts on the machine of the test itself.
pub const BLOCKED: &str = "guest-shutdown,guest-suspend-disk,guest-suspend-ram,guest-suspend-hybrid,\
    guest-fsfreeze-freeze,guest-fsfreeze-freeze-list,guest-set-time,guest-set-user-password,guest-set-vcpus,\
    guest-set-memory-blocks,guest-fstrim";

/// The variable that names the program, where it is not the installed one.
const PROGRAM: &str = "QEMU_GA";

/// The flags of a socket that takes connections, as Linux tells them (`__SO_ACCEPTCON`).
const LISTENING: &str = "00010000";

/// A running agent that listens on a Unix socket in a folder of its own.
pub struct RealAgent {
    process: Child,
    folder: PathBuf,
}

impl RealAgent {
    /// Starts an agent and waits until it listens.
    ///
    /// # Panics
    ///
    /// When there is none to start: `./test` installs it.
    #[must_use]
    pub fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);

        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("qga-test-{}-{count}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for the agent");
        let agent = Self { process: spawn(&folder), folder };
        agent.wait();
        agent
    }

    /// Kills the agent. Its socket stays, and nobody listens on it.
    pub fn kill(&mut self) {
        // Both fail only when there is nothing left to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }

    /// Kills the agent, if it still runs, and starts another on the same socket.
    ///
    /// # Panics
    ///
    /// As [`start`](Self::start).
    pub fn restart(&mut self) {
        self.kill();
        // Its return says that the new one listens.
        let _ = fs::remove_file(self.socket());
        self.process = spawn(&self.folder);
        self.wait();
    }

    /// Stops the agent's process, which then does nothing until it is killed.
    ///
    /// # Panics
    ///
    /// When there is no shell.
    pub fn pause(&self) {
        let kill = format!("kill -STOP {}", self.pid());
        let status = Command::new("sh").args(["-c", &kill]).status().expect("a shell");
        assert!(status.success(), "{kill}");
    }

    fn wait(&self) {
        let limit = Instant::now() + Duration::from_secs(30);
        while !self.listens() {
            assert!(Instant::now() < limit, "qemu-ga does not listen");
            thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether the socket takes connections: it is there a moment before it does.
    fn listens(&self) -> bool {
        let sockets = fs::read_to_string("/proc/net/unix").expect("a system that tells its sockets");
        let path = self.socket();
        sockets.lines().any(|line| {
            let mut columns = line.split_whitespace();
            columns.nth(3) == Some(LISTENING) && columns.nth(3).is_some_and(|name| path == Path::new(name))
        })
    }

    /// The folder of the agent's own files, free for the test's.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The process's number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.process.id()
    }

    /// How many files the agent has open for its clients: regular files and folders, and what is not its own.
    ///
    /// # Panics
    ///
    /// When the process is gone.
    #[must_use]
    pub fn open_files(&self) -> usize {
        let links = fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("a process");
        let targets = links.filter_map(|link| fs::read_link(link.ok()?.path()).ok());
        targets
            .filter(|target| {
                let is_path = target.is_absolute() && !target.starts_with("/dev/null");
                is_path && *target != self.folder.join("pid") && *target != self.socket()
            })
            .count()
    }

    /// The path of the socket.
    #[must_use]
    pub fn socket(&self) -> PathBuf {
        self.folder.join("socket")
    }

    /// The address of the socket, for `connect` and `qga -c`.
    #[must_use]
    pub fn address(&self) -> String {
        format!("unix:{}", self.socket().display())
    }

    /// A bare connection, to misbehave on.
    ///
    /// # Panics
    ///
    /// When there is no agent any more.
    #[must_use]
    pub fn connect(&self) -> UnixStream {
        UnixStream::connect(self.socket()).expect("the agent listens")
    }

    /// Whether the agent still runs. It exits when a client leaves a reply unread.
    pub fn is_alive(&mut self) -> bool {
        matches!(self.process.try_wait(), Ok(None))
    }
}

impl Drop for RealAgent {
    fn drop(&mut self) {
        self.kill();
        // Somebody may have tidied up before.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn spawn(folder: &Path) -> Child {
    Command::new(program())
        .args(["-m", "unix-listen", "-b", BLOCKED])
        .arg("-p")
        .arg(folder.join("socket"))
        .arg("-t")
        .arg(folder)
        .arg("-f")
        .arg(folder.join("pid"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("qemu-ga starts")
}

/// The version of the agent that is started: its first two numbers.
///
/// # Panics
///
/// When there is none, or it does not say.
#[must_use]
pub fn version() -> (u32, u32) {
    let output = Command::new(program()).arg("--version").output().expect("qemu-ga starts");
    let text = String::from_utf8_lossy(&output.stdout);
    let mut numbers = text.trim().rsplit(' ').next().unwrap_or_default().split('.').map(str::parse);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor),
        _ => panic!("{text:?} is no version"),
    }
}

fn program() -> PathBuf {
    if let Some(program) = std::env::var_os(PROGRAM) {
        return program.into();
    }
    needs::program("qemu-ga", "qemu-guest-agent")
}
