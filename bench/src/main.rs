//! `qga-bench CLIENT OPERATION COUNT SOCKET`: one client does one operation over and over. `bench/run` counts its
//! instructions for two counts; the difference is what the operation costs.

use std::env;
use std::error::Error;
use std::hint::black_box;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;

use qga_proto::commands::{GuestFileOpen, GuestFileRead, GuestInfo, GuestPing};
use qga_std::Session;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// A file that never ends.
const FILE: &str = "/dev/zero";
const READ: i64 = 1 << 20;

fn main() -> Result {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [client, operation, count, socket] = &arguments[..] else {
        return Err("usage: qga-bench floor|owned|view|qapi ping|info|read COUNT SOCKET".into());
    };
    let stream = UnixStream::connect(socket)?;
    let count = count.parse()?;
    match client.as_str() {
        "floor" => floor(operation, count, &stream),
        "owned" => owned(operation, count, stream),
        "view" => view(operation, count, stream),
        "qapi" => qapi(operation, count, &stream),
        _ => Err("no such client".into()),
    }
}

/// The least that any client does: write the command, read up to the newline.
fn floor(operation: &str, count: u64, stream: &UnixStream) -> Result {
    let mut reader = BufReader::new(stream);
    let mut reply = Vec::new();
    let mut exchange = |command: &str, reply: &mut Vec<u8>| -> Result {
        (&mut &*stream).write_all(command.as_bytes())?;
        reply.clear();
        reader.read_until(b'\n', reply)?;
        Ok(())
    };
    let command = match operation {
        "ping" => "{\"execute\":\"guest-ping\"}\n".to_owned(),
        "info" => "{\"execute\":\"guest-info\"}\n".to_owned(),
        _ => {
            let open = format!("{{\"execute\":\"guest-file-open\",\"arguments\":{{\"path\":\"{FILE}\"}}}}\n");
            exchange(&open, &mut reply)?;
            let handle = String::from_utf8(reply.clone())?;
            let handle =
                handle.trim_start_matches("{\"return\": ").trim_end().trim_end_matches('}').to_owned();
            format!(
                "{{\"execute\":\"guest-file-read\",\"arguments\":{{\"handle\":{handle},\"count\":{READ}}}}}\n"
            )
        }
    };
    for _ in 0..count {
        exchange(&command, &mut reply)?;
        black_box(&reply);
    }
    Ok(())
}

/// Our blocking session, replies owned.
fn owned(operation: &str, count: u64, stream: UnixStream) -> Result {
    let mut session = Session::new(stream);
    let handle = session.call(&GuestFileOpen::new(FILE))?;
    for _ in 0..count {
        match operation {
            "ping" => drop(black_box(session.call(&GuestPing::new())?)),
            "info" => drop(black_box(session.call(&GuestInfo::new())?)),
            _ => drop(black_box(session.call(&GuestFileRead::new(handle).count(READ))?)),
        }
    }
    Ok(())
}

/// Our blocking session, replies looked at where they are: every element once.
fn view(operation: &str, count: u64, stream: UnixStream) -> Result {
    let mut session = Session::new(stream);
    let handle = session.call(&GuestFileOpen::new(FILE))?;
    let mut bytes = vec![0; READ as usize];
    for _ in 0..count {
        match operation {
            "ping" => drop(black_box(session.call_view(&GuestPing::new())?)),
            "info" => {
                for command in session.call_view(&GuestInfo::new())?.supported_commands {
                    black_box(command?);
                }
            }
            _ => {
                let read = session.call_view(&GuestFileRead::new(handle).count(READ))?;
                black_box(read.buf_b64.decode_into(&mut bytes)?);
            }
        }
    }
    Ok(())
}

/// The crate `qapi`, blocking.
fn qapi(operation: &str, count: u64, stream: &UnixStream) -> Result {
    let mut qga = qapi::Qga::from_stream(stream);
    let handle = qga.execute(&qapi::qga::guest_file_open { path: FILE.into(), mode: None })?;
    for _ in 0..count {
        match operation {
            "ping" => drop(black_box(qga.execute(&qapi::qga::guest_ping {})?)),
            "info" => drop(black_box(qga.execute(&qapi::qga::guest_info {})?)),
            _ => drop(black_box(qga.execute(&qapi::qga::guest_file_read { handle, count: Some(READ) })?)),
        }
    }
    Ok(())
}
