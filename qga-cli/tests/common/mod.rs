//! Runs the program, and agents for it to talk to.
#![allow(dead_code, reason = "not every test file needs everything")]

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

/// The program, in an environment without an address.
pub(crate) fn qga(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_qga"));
    command.args(arguments).env_remove("QGA_CONNECT").stdin(Stdio::null());
    command
}

/// The program, with signals as they are by default: who runs the tests may have some of them ignored.
pub(crate) fn qga_heeding_signals(arguments: &[&str]) -> Command {
    let mut command = Command::new("env");
    command.args(["--default-signal", env!("CARGO_BIN_EXE_qga")]).args(arguments);
    command.env_remove("QGA_CONNECT").stdin(Stdio::null());
    command
}

/// What the program did.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
    pub(crate) took: Duration,
}

/// Runs the program with something on its standard input.
pub(crate) fn fed(arguments: &[&str], input: &[u8]) -> Ran {
    let mut child =
        qga(arguments).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input).unwrap();
    wait(child)
}

pub(crate) fn run(arguments: &[&str]) -> Ran {
    ran(&mut qga(arguments))
}

pub(crate) fn ran(command: &mut Command) -> Ran {
    let start = Instant::now();
    let Output { status, stdout, stderr } = command.output().unwrap();
    Ran {
        code: status.code(),
        out: String::from_utf8(stdout).unwrap(),
        err: String::from_utf8(stderr).unwrap(),
        took: start.elapsed(),
    }
}

impl Ran {
    /// The standard output of a run that must have gone well.
    #[track_caller]
    pub(crate) fn ok(self) -> String {
        assert_eq!((self.code, self.err.as_str()), (Some(0), ""), "{}", self.out);
        self.out
    }

    /// The same as JSON.
    #[track_caller]
    pub(crate) fn json(self) -> Value {
        let out = self.ok();
        assert_eq!(out.lines().count(), 1, "{out}");
        serde_json::from_str(&out).unwrap()
    }

    /// The rows of a run over many guests, and its one error if it must have failed.
    #[track_caller]
    pub(crate) fn rows(self, code: i32) -> Vec<Value> {
        assert_eq!((self.code, self.out.lines().count()), (Some(code), 1), "{}{}", self.out, self.err);
        assert_eq!(self.err.lines().count(), usize::from(code != 0), "{}", self.err);
        if code != 0 {
            let error: Value = serde_json::from_str(&self.err).unwrap();
            assert_eq!(error["error"]["exit_code"], code);
        }
        serde_json::from_str(&self.out).unwrap()
    }

    /// The one line of a run that must have failed.
    #[track_caller]
    pub(crate) fn failed(self, code: i32) -> String {
        assert_eq!((self.code, self.out.as_str()), (Some(code), ""), "{}", self.err);
        assert_eq!(self.err.lines().count(), 1, "{}", self.err);
        self.err
    }

    /// The same as JSON.
    #[track_caller]
    pub(crate) fn failed_json(self, code: i32) -> Value {
        let error: Value = serde_json::from_str(&self.failed(code)).unwrap();
        assert_eq!(error["error"]["exit_code"], code);
        error["error"].clone()
    }
}

/// A folder for sockets, removed in the end.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("qga-cli-{}-{count}", std::process::id()));
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.0.join("s")
    }

    pub(crate) fn address(&self) -> String {
        self.address_of("s")
    }

    /// The address of a socket of this name.
    pub(crate) fn address_of(&self, name: &str) -> String {
        format!("unix:{}", self.0.join(name).display())
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// What an agent made for a test does with a command.
pub(crate) enum Answer {
    Return(Value),
    /// The same for a value that other programs would write otherwise.
    ReturnText(&'static str),
    Refuse(&'static str),
    /// These bytes, whatever they are.
    Bytes(Vec<u8>),
    /// These bytes, and then the end.
    Cut(Vec<u8>),
    /// Nothing, for ever.
    Silence,
    Close,
}

/// How a connection ended for the agent. A real one survives only `Closed`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    Closed,
    Reset,
}

/// An agent for one connection, which answers syncs properly and the rest as the test says.
pub(crate) struct Agent {
    folder: Folder,
    thread: JoinHandle<Ended>,
}

impl Agent {
    pub(crate) fn new(answer: impl Fn(&str) -> Answer + Send + 'static) -> Self {
        let folder = Folder::new();
        let listener = UnixListener::bind(folder.socket()).unwrap();
        let thread = thread::spawn(move || serve(listener.accept().unwrap().0, answer));
        Self { folder, thread }
    }

    pub(crate) fn address(&self) -> String {
        self.folder.address()
    }

    pub(crate) fn socket(&self) -> PathBuf {
        self.folder.socket()
    }

    /// Waits for the end of the connection.
    pub(crate) fn ended(self) -> Ended {
        self.thread.join().unwrap()
    }
}

/// Is an agent for one connection.
pub(crate) fn serve(mut stream: UnixStream, answer: impl Fn(&str) -> Answer) -> Ended {
    let mut lines = BufReader::new(stream.try_clone().unwrap());
    let mut line = Vec::new();
    loop {
        line.clear();
        match lines.read_until(b'\n', &mut line) {
            Ok(0) => return Ended::Closed,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ended::Reset,
            Err(error) => panic!("{error}"),
        }
        let text = std::str::from_utf8(line.strip_prefix(b"\xff").unwrap_or(&line)).unwrap();
        let request: Value = serde_json::from_str(text).unwrap();
        let name = request["execute"].as_str().unwrap();
        let mut reply = match name {
            "guest-sync-delimited" | "guest-sync" => json!({ "return": request["arguments"]["id"] }),
            name => match answer(name) {
                Answer::Return(value) => json!({ "return": value }),
                Answer::ReturnText(text) => {
                    let reply = format!("{{\"return\": {text}, \"id\": {}}}\n", request["id"]);
                    stream.write_all(reply.as_bytes()).unwrap();
                    continue;
                }
                Answer::Refuse(class) => json!({ "error": { "class": class, "desc": "it said no" } }),
                Answer::Bytes(bytes) => match stream.write_all(&bytes) {
                    // The client was faster; how it has left, the next read tells.
                    Err(error) if error.kind() == ErrorKind::BrokenPipe => continue,
                    Err(error) if error.kind() == ErrorKind::ConnectionReset => return Ended::Reset,
                    result => {
                        result.unwrap();
                        continue;
                    }
                },
                Answer::Cut(bytes) => {
                    stream.write_all(&bytes).unwrap();
                    return Ended::Closed;
                }
                Answer::Silence => continue,
                Answer::Close => return Ended::Closed,
            },
        };
        if let Some(id) = request.get("id") {
            reply["id"] = id.clone();
        }
        let delimiter: &[u8] = if name == "guest-sync-delimited" { b"\xff" } else { b"" };
        stream.write_all(&[delimiter, reply.to_string().as_bytes(), b"\n"].concat()).unwrap();
    }
}

/// The simulated guest as a process of its own.
pub(crate) struct Simulation {
    pub(crate) folder: Folder,
    child: Child,
}

impl Simulation {
    pub(crate) fn new() -> Self {
        Self::with(&[])
    }

    /// With more options.
    pub(crate) fn with(options: &[&str]) -> Self {
        let folder = Folder::new();
        let address = folder.address();
        let arguments = [&["sim", "--listen", &address], options].concat();
        let mut child = qga(&arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
        assert_eq!(line, format!("a simulated guest listens at {address}\n"));
        Self { folder, child }
    }
}

impl Drop for Simulation {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a signal to a program.
pub(crate) fn signal(child: &Child, name: &str) {
    let status = Command::new("kill").args(["-s", name, &child.id().to_string()]).status().unwrap();
    assert!(status.success());
}

/// Whether a signal of this number is in one of the sets that the system keeps of a program, such as `SigCgt`.
pub(crate) fn has_signal(child: &Child, set: &str, number: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let bits = status.lines().find_map(|line| line.strip_prefix(set)?.strip_prefix(':')).unwrap();
    u64::from_str_radix(bits.trim(), 16).unwrap() & (1 << (number - 1)) != 0
}

/// Waits for a program, but not for ever.
#[track_caller]
pub(crate) fn wait(mut child: Child) -> Ran {
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > Duration::from_secs(60) {
            child.kill().unwrap();
            panic!("the program does not end");
        }
        thread::sleep(Duration::from_millis(5));
    }
    let took = start.elapsed();
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().map(|mut stdout| stdout.read_to_string(&mut out).unwrap());
    child.stderr.take().map(|mut stderr| stderr.read_to_string(&mut err).unwrap());
    Ran { code: child.wait().unwrap().code(), out, err, took }
}

/// Waits until something is so, but no longer than a limit.
#[track_caller]
pub(crate) fn wait_until(what: &str, limit: Duration, mut is_so: impl FnMut() -> bool) {
    let start = Instant::now();
    while !is_so() {
        assert!(start.elapsed() < limit, "this does not happen: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// A path as an argument.
pub(crate) fn text(path: &Path) -> String {
    path.display().to_string()
}

/// A simulated guest that lives as long as this.
pub(crate) fn sim(folder: &Folder, guest: impl Into<qga_sim::Sim>) -> qga_sim::ServerHandle {
    qga_sim::Server::bind(&folder.address(), guest).unwrap().spawn().unwrap()
}
