use qga_proto::commands::GuestFileRead;
use qga_proto::{Client, Config, Instant};
use std::{error::Error, io, time::Duration};

/// Reads up to 512 bytes of an open file: a client driven by hand. `read` waits for bytes up to a point in time, and gives
/// `None` when there are none until then, and 0 when there will be none any more.
fn read_file(
    now: impl Fn() -> Instant,
    mut write: impl FnMut(&[u8]) -> io::Result<usize>,
    mut read: impl FnMut(&mut [u8], Instant) -> io::Result<Option<usize>>,
) -> Result<usize, Box<dyn Error>> {
    // A reply must fit the first buffer, a command the second. Arrays, slices, heapless and std vectors will do.
    let mut client = Client::new(Config::default(), [0; 4096], [0; 512], 0x5EED);
    let deadline = now() + Duration::from_secs(5);
    let ticket = client.submit(&GuestFileRead::new(1000).count(512), now(), deadline)?;
    while !client.is_settled() {
        client.handle_timeout(now());
        if let Some(bytes) = client.poll_transmit() {
            let n = write(bytes)?;
            client.handle_transmitted(n, now());
        } else if let Some(until) = client.poll_timeout() {
            match read(client.receive_buffer(), until)? {
                Some(0) => client.handle_eof(now()),
                Some(n) => client.handle_received(n, now()),
                None => {}
            }
        }
    }
    let reply = client.reply(ticket)?; // borrows from the client's buffer
    let mut bytes = [0; 512];
    Ok(reply.buf_b64.decode_into(&mut bytes)?.len())
}
