//! A listener between clients and an agent.

use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

use qga_proto::os;
use tempfile::TempDir;

use crate::agent::Agent;

/// Stands before an agent, keeps what clients send, and ends a connection on a cue.
pub(crate) struct Tap {
    folder: TempDir,
    record: Arc<Mutex<Record>>,
}

#[derive(Default)]
struct Record {
    /// What clients have sent.
    sent: Vec<u8>,
    /// At what text the connection ends; the agent does not see it.
    cue: Option<&'static str>,
}

/// How many bytes of a reply are passed on at a time, and after what pause.
const PIECE: usize = 100;
const PAUSE: Duration = Duration::from_micros(100);

impl Tap {
    pub(crate) fn before(agent: &Agent) -> Self {
        Self::new(agent, |mut from, mut to| io::copy(&mut from, &mut to).map(drop))
    }

    /// Passes replies on in pieces.
    pub(crate) fn slowly_before(agent: &Agent) -> Self {
        Self::new(agent, |mut from, mut to| {
            let mut piece = [0; PIECE];
            loop {
                match from.read(&mut piece)? {
                    0 => return Ok(()),
                    n => to.write_all(&piece[..n])?,
                }
                thread::sleep(PAUSE);
            }
        })
    }

    fn new(agent: &Agent, pass: Pass) -> Self {
        let tap = Self { folder: tempfile::tempdir().expect("a folder"), record: Arc::default() };
        let listener = UnixListener::bind(tap.path()).expect("a free path");
        let (record, path) = (tap.record.clone(), agent.path().to_owned());
        thread::spawn(move || {
            for client in listener.incoming() {
                // A client that is gone, or an agent that is.
                let _ = client.and_then(|client| serve(&client, &path, &record, pass));
            }
        });
        tap
    }

    pub(crate) fn address(&self) -> String {
        format!("unix:{}", self.path().display())
    }

    /// Ends the connection over which this text comes next.
    pub(crate) fn end_at(&self, cue: &'static str) {
        lock(&self.record).cue = Some(cue);
    }

    /// How often clients have sent a command.
    pub(crate) fn count(&self, command: &str) -> usize {
        let sent = String::from_utf8_lossy(&lock(&self.record).sent).into_owned();
        sent.matches(&format!("\"execute\":\"{command}\"")).count()
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("socket")
    }
}

/// Passes replies on.
type Pass = fn(&UnixStream, &UnixStream) -> io::Result<()>;

fn serve(client: &UnixStream, agent: &Path, record: &Mutex<Record>, pass: Pass) -> io::Result<()> {
    let upstream = UnixStream::connect(agent)?;
    let (from, to) = (upstream.try_clone()?, client.try_clone()?);
    let back = thread::spawn(move || {
        let _ = pass(&from, &to);
        let _ = to.shutdown(Shutdown::Both);
    });
    let result = forward(client, &upstream, record);
    let _ = upstream.shutdown(Shutdown::Both);
    let _ = client.shutdown(Shutdown::Both);
    let _ = back.join();
    os::drain(&upstream);
    result
}

/// Passes on what a client sends, up to the cue.
fn forward(mut client: &UnixStream, mut upstream: &UnixStream, record: &Mutex<Record>) -> io::Result<()> {
    let start = lock(record).sent.len();
    let mut buffer = [0; 4096];
    loop {
        let n = client.read(&mut buffer)?;
        if n == 0 {
            return Ok(());
        }
        let mut record = lock(record);
        record.sent.extend(&buffer[..n]);
        let heard = String::from_utf8_lossy(&record.sent[start..]).into_owned();
        if record.cue.take_if(|cue| heard.contains(*cue)).is_some() {
            return Ok(());
        }
        drop(record);
        upstream.write_all(&buffer[..n])?;
    }
}

fn lock(record: &Mutex<Record>) -> MutexGuard<'_, Record> {
    record.lock().expect("nobody has panicked")
}
