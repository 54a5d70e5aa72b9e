//! `qga-bench-copy ours|raw to|from SOCKET HERE THERE`: copies one file, and prints how many seconds that took and how many
//! KiB of memory the process had at the most. The raw loop sends the same requests, and does no more than it must.

use std::env;
use std::error::Error;
use std::fs::{self, File};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};

use base64_simd::{Out, STANDARD};
use qga_proto::{CopyFrom, CopyTo};
use qga_std::Session;

type Result<T = ()> = std::result::Result<T, Box<dyn Error>>;

/// How much goes at once, first and at the most: what our copies begin with and grow to.
const CHUNKS: [usize; 2] = [64 << 10, 1 << 20];

const TIME: Duration = Duration::from_secs(3600);

fn main() -> Result {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [client, direction, socket, here, there] = &arguments[..] else {
        return Err("usage: qga-bench-copy ours|raw to|from SOCKET HERE THERE".into());
    };
    let stream = UnixStream::connect(socket)?;
    let start = Instant::now();
    match (client.as_str(), direction.as_str()) {
        ("ours", "to") => {
            let mut session = Session::new(stream);
            session.copy_to(&CopyTo::new(there), File::open(here)?, |_| {}, TIME)?;
        }
        ("ours", "from") => {
            let mut session = Session::new(stream);
            session.copy_from(&CopyFrom::new(there), File::create(here)?, |_| {}, TIME)?;
        }
        ("raw", "to") => raw_to(stream, here, there)?,
        ("raw", "from") => raw_from(stream, here, there)?,
        _ => return Err("no such client or direction".into()),
    }
    let time = start.elapsed().as_secs_f64();
    let status = fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or_default();
    println!("{time:.4} {}", peak.trim().trim_end_matches(" kB"));
    Ok(())
}

/// Writes commands, and reads up to the newline.
struct Raw {
    reader: BufReader<UnixStream>,
    reply: Vec<u8>,
}

impl Raw {
    fn call(&mut self, command: &[u8]) -> Result<&[u8]> {
        self.reader.get_mut().write_all(command)?;
        self.reply.clear();
        self.reader.read_until(b'\n', &mut self.reply)?;
        match self.reply.starts_with(b"{\"return\"") {
            true => Ok(&self.reply),
            false => Err(String::from_utf8_lossy(&self.reply).into_owned().into()),
        }
    }

    fn open(stream: UnixStream, path: &str, mode: &str) -> Result<(Self, i64)> {
        let mut raw = Self { reader: BufReader::new(stream), reply: Vec::new() };
        let open = format!(
            "{{\"execute\":\"guest-file-open\",\"arguments\":{{\"path\":\"{path}\",\"mode\":\"{mode}\"}}}}\n"
        );
        let reply = std::str::from_utf8(raw.call(open.as_bytes())?)?;
        let handle = reply.trim_start_matches("{\"return\": ").trim_end().trim_end_matches('}').parse()?;
        Ok((raw, handle))
    }

    fn end(&mut self, command: &str, handle: i64) -> Result {
        let line = format!("{{\"execute\":\"{command}\",\"arguments\":{{\"handle\":{handle}}}}}\n");
        self.call(line.as_bytes()).map(|_| ())
    }
}

fn raw_to(stream: UnixStream, here: &str, there: &str) -> Result {
    let mut file = File::open(here)?;
    let (mut raw, handle) = Raw::open(stream, there, "w")?;
    let (mut chunk, mut buffer, mut command) = (CHUNKS[0], vec![0; CHUNKS[1]], Vec::new());
    loop {
        let mut len = 0;
        while len < chunk {
            match file.read(&mut buffer[len..chunk])? {
                0 => break,
                n => len += n,
            }
        }
        if len == 0 {
            break;
        }
        command.clear();
        write!(
            command,
            "{{\"execute\":\"guest-file-write\",\"arguments\":{{\"handle\":{handle},\"buf-b64\":\""
        )?;
        let start = command.len();
        command.resize(start + STANDARD.encoded_length(len), 0);
        let _ = STANDARD.encode(&buffer[..len], Out::from_slice(&mut command[start..]));
        command.extend_from_slice(b"\"}}\n");
        raw.call(&command)?;
        chunk = (chunk * 2).min(CHUNKS[1]);
    }
    raw.end("guest-file-flush", handle)?;
    raw.end("guest-file-close", handle)
}

fn raw_from(stream: UnixStream, here: &str, there: &str) -> Result {
    let mut file = File::create(here)?;
    let (mut raw, handle) = Raw::open(stream, there, "r")?;
    let (mut chunk, mut buffer) = (CHUNKS[0], vec![0; CHUNKS[1]]);
    loop {
        let read = format!(
            "{{\"execute\":\"guest-file-read\",\"arguments\":{{\"handle\":{handle},\"count\":{chunk}}}}}\n"
        );
        let reply = raw.call(read.as_bytes())?;
        // The longest string of the reply is the data: it is the only one with a fixed name.
        const NAME: &[u8] = b"\"buf-b64\": \"";
        let start = reply.windows(NAME.len()).position(|bytes| bytes == NAME).ok_or("no data")? + NAME.len();
        let end = start + reply[start..].iter().position(|&byte| byte == b'"').ok_or("no end")?;
        let bytes =
            STANDARD.decode(&reply[start..end], Out::from_slice(&mut buffer)).map_err(|_| "no base64")?;
        file.write_all(bytes)?;
        if bytes.len() < chunk {
            break;
        }
        chunk = (chunk * 2).min(CHUNKS[1]);
    }
    raw.end("guest-file-close", handle)
}
