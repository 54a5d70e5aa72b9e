//! Writing down what goes over the connection.

use std::fs::{File, OpenOptions};
use std::io::BufWriter;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use qga_sim::transcript::Recorder;

use crate::error::{Failure, Kind, reason};

/// What is being written, if anything is. There is one connection at a time.
static RECORD: Mutex<Option<Record>> = Mutex::new(None);

struct Record {
    recorder: Recorder<BufWriter<File>>,
    path: PathBuf,
    start: Instant,
}

/// From now on what goes over connections is written to a file, which others cannot read: it may hold what the guest's files do.
pub(crate) fn begin(path: &Path) -> Result<(), Failure> {
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path);
    let file = file.map_err(|error| {
        Failure::usage(format!("cannot write '{}': {}", path.display(), reason(&error)))
            .advise("give a file that can be written")
    })?;
    let recorder = Recorder::new(BufWriter::new(file));
    *lock() = Some(Record { recorder, path: path.to_owned(), start: Instant::now() });
    Ok(())
}

pub(crate) fn sent(bytes: &[u8]) {
    if let Some(Record { recorder, start, .. }) = &mut *lock() {
        recorder.sent(bytes, start.elapsed());
    }
}

/// Takes what was received; nothing means that the connection has ended.
pub(crate) fn received(bytes: &[u8]) {
    if let Some(Record { recorder, start, .. }) = &mut *lock() {
        match bytes {
            [] => recorder.ended(start.elapsed()),
            bytes => recorder.received(bytes, start.elapsed()),
        }
    }
}

/// Ends it. Fails if something could not be written.
pub(crate) fn finish() -> Result<(), Failure> {
    let Some(Record { recorder, path, .. }) = lock().take() else { return Ok(()) };
    let failure =
        |error| Failure::new(Kind::Output, format!("cannot write '{}': {}", path.display(), reason(&error)));
    recorder.finish().map(drop).map_err(failure)
}

fn lock() -> MutexGuard<'static, Option<Record>> {
    RECORD.lock().unwrap_or_else(PoisonError::into_inner)
}
