//! Uses every part of `qga-proto` that must work without an allocator.

#![no_std]

use core::panic::PanicInfo;
use core::time::Duration;

use qga_proto::commands::{GuestFileRead, GuestGetFsinfo, GuestInfo, GuestPing};
use qga_proto::{Agent, Client, Config, ErrorClass, Instant, Session, Transport};

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// Drives a client by hand; gives how many commands the agent has enabled.
pub fn client(now: Instant, exchange: fn(&[u8], &mut [u8]) -> usize) -> Option<usize> {
    let mut client = Client::new(Config::default(), [0; 8192], [0; 8192], 1);
    let ticket = client.submit(&GuestInfo::new(), now, now + Duration::from_secs(1)).ok()?;
    while !client.is_settled() {
        let mut line = [0; 512];
        let bytes = client.poll_transmit().unwrap_or_default();
        let n = bytes.len().min(line.len());
        line[..n].copy_from_slice(&bytes[..n]);
        client.handle_transmitted(n, now);
        let received = exchange(&line[..n], client.receive_buffer());
        client.handle_received(received, now);
        client.handle_timeout(now);
    }
    let info = client.reply(ticket).ok()?;
    Some(info.supported_commands.iter().flatten().filter(|command| command.enabled).count())
}

/// Calls through a session; the caller brings the transport and the executor.
pub async fn session<T: Transport>(transport: T, chunk: &mut [u8]) -> Option<usize> {
    let client = Client::new(Config::default(), [0; 8192], [0; 1024], 1);
    let mut session = Session::new(transport, client);
    session.call_view(&GuestPing::new()).await.ok()?;
    for filesystem in session.call_view(&GuestGetFsinfo::new()).await.ok()?.iter() {
        filesystem.ok()?.mountpoint.copy_to(chunk)?;
    }
    let read = session.call_view(&GuestFileRead::new(1000).count(512)).await.ok()?;
    read.buf_b64.decode_into(chunk).ok().map(|bytes| bytes.len())
}

/// Answers as an agent that knows one command.
pub fn agent(input: &[u8], output: &mut [u8]) -> usize {
    let mut agent = Agent::new([0; 1024], [0; 1024]);
    let n = input.len().min(1024);
    agent.receive_buffer()[..n].copy_from_slice(&input[..n]);
    agent.handle_received(n);
    while let Some(request) = agent.poll_request() {
        let known = request.name() == GuestPing::NAME && request.arguments::<GuestPing>().is_ok();
        let answered = match known {
            true => agent.respond(&qga_proto::Empty {}),
            false => agent.refuse(ErrorClass::CommandNotFound, "unknown"),
        };
        if answered.is_err() {
            agent.accept();
        }
    }
    let reply = agent.poll_transmit().unwrap_or_default();
    let n = reply.len().min(output.len());
    output[..n].copy_from_slice(&reply[..n]);
    agent.handle_transmitted(n);
    n
}
