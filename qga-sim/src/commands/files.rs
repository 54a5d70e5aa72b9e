//! Commands on files.

use qga_proto::commands::{GuestFileClose, GuestFileFlush, GuestFileOpen, GuestFileRead, GuestFileSeek};
use qga_proto::json::Str;
use qga_proto::view::{GuestFileWhence, QGASeek};
use qga_proto::{Empty, owned};
use serde::Deserialize;

use crate::base64;
use crate::error::Refusal;
use crate::files::{Mode, OpenFile, Whence};
use crate::guest::Guest;
use crate::value::Value;

/// `guest-file-write`, with the base64 as it stands: the real agent takes more than what is well-formed.
#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct Write<'a> {
    handle: i64,
    #[serde(borrow)]
    buf_b64: Str<'a>,
    count: Option<i64>,
}

const DEFAULT_COUNT: i64 = 4096;

/// How much can be read at once, since QEMU 5.0.
const MAX_COUNT: usize = 48 * 1024 * 1024;

pub(super) fn open(guest: &mut Guest, open: &GuestFileOpen<'_>) -> Result<i64, Refusal> {
    let path = String::from(open.path);
    let mode_text = open.mode.map_or("r".into(), String::from);
    let known = Mode::parse(&mode_text).filter(|_| !guest.is_windows() || mode_text != "ab");
    let Some(mode) = known else {
        return Err(Refusal::new(format!("invalid file open mode '{mode_text}'")));
    };
    guest
        .files
        .open(&path, mode)
        .map_err(|error| Refusal::new(format!("failed to open file '{path}' (mode: '{mode_text}'): {error}")))
}

pub(super) fn close(guest: &mut Guest, close: &GuestFileClose) -> Result<Empty, Refusal> {
    let closed = guest.files.close(close.handle).ok_or_else(|| no_handle(close.handle))?;
    closed.map(|()| Empty {}).map_err(|error| Refusal::new(format!("failed to close handle: {error}")))
}

pub(super) fn read(guest: &mut Guest, read: &GuestFileRead) -> Result<Value, Refusal> {
    let most = if guest.traits().build.is_since(5, 0) { MAX_COUNT } else { usize::MAX };
    let is_windows = guest.is_windows();
    let mut file = find(guest, read.handle)?;
    let count = check_count(read.count.unwrap_or(DEFAULT_COUNT), most)?;
    let (bytes, is_end) =
        file.read(count).map_err(|error| Refusal::new(format!("failed to read file: {error}")))?;
    let eof = if is_windows { bytes.is_empty() } else { is_end };
    let members = [
        ("count", Value::from(bytes.len() as u64)),
        ("buf-b64", Value::Text(base64::encode(&bytes))),
        ("eof", Value::Bool(eof)),
    ];
    Ok(Value::object(members))
}

pub(super) fn write(guest: &mut Guest, write: &Write<'_>) -> Result<owned::GuestFileWrite, Refusal> {
    let mut file = find(guest, write.handle)?;
    let bytes = base64::decode(write.buf_b64)?;
    let count = match write.count {
        Some(count) => check_count(count, bytes.len())?,
        None => bytes.len(),
    };
    let taken = file
        .write(&bytes[..count])
        .map_err(|error| Refusal::new(format!("failed to write to file: {error}")))?;
    Ok(owned::GuestFileWrite::new(taken as i64, false))
}

pub(super) fn seek(guest: &mut Guest, seek: &GuestFileSeek<'_>) -> Result<owned::GuestFileSeek, Refusal> {
    let mut file = find(guest, seek.handle)?;
    let whence = match seek.whence {
        GuestFileWhence::Value(0) | GuestFileWhence::Name(QGASeek::Set) => Whence::Set,
        GuestFileWhence::Value(1) | GuestFileWhence::Name(QGASeek::Cur) => Whence::Current,
        GuestFileWhence::Value(2) | GuestFileWhence::Name(QGASeek::End) => Whence::End,
        GuestFileWhence::Value(code) => return Err(Refusal::new(format!("invalid whence code {code}"))),
        GuestFileWhence::Name(name) => {
            return Err(Refusal::new(format!("Parameter 'whence' does not accept value '{name}'")));
        }
        _ => return Err(Refusal::new("Invalid parameter type for 'whence', expected: GuestFileWhence")),
    };
    let position = file
        .seek(seek.offset, whence)
        .map_err(|error| Refusal::new(format!("failed to seek file: {error}")))?;
    Ok(owned::GuestFileSeek::new(position, false))
}

pub(super) fn flush(guest: &mut Guest, flush: &GuestFileFlush) -> Result<Empty, Refusal> {
    let flushed = find(guest, flush.handle)?.flush();
    flushed.map(|()| Empty {}).map_err(|error| Refusal::new(format!("failed to flush file: {error}")))
}

fn find(guest: &mut Guest, handle: i64) -> Result<OpenFile<'_>, Refusal> {
    guest.files.handle(handle).ok_or_else(|| no_handle(handle))
}

fn no_handle(handle: i64) -> Refusal {
    Refusal::new(format!("handle '{handle}' has not been found"))
}

fn check_count(count: i64, max: usize) -> Result<usize, Refusal> {
    let fitting = usize::try_from(count).ok().filter(|&count| count <= max);
    fitting.ok_or_else(|| Refusal::new(format!("value '{count}' is invalid for argument count")))
}
