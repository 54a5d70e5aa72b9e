//! A guest agent in 60 lines: enough for a host to see that the guest is up and what it is called, and to stop it.
//!
//! Here it serves the clients of a Unix socket; in a guest the stream would be a virtual serial port. The `Agent` itself
//! needs neither of them, nor an allocator. Start it with `cargo run -p qga-proto --example agent -- PATH`.

use std::error::Error;
use std::io::{Read, Write};
use std::os::unix::net::UnixListener;

use qga_proto::commands::{GuestGetHostName, GuestInfo, GuestPing, GuestShutdown};
use qga_proto::json::List;
use qga_proto::view::{GuestAgentCommandInfo, GuestAgentInfo, GuestHostName};
use qga_proto::{Empty, ErrorClass};

/// One with room for a request and a reply.
pub type Agent = qga_proto::Agent<[u8; 1024]>;

/// What it has, beside the syncs, which are answered inside.
const NAMES: [&str; 4] = [GuestPing::NAME, GuestInfo::NAME, GuestGetHostName::NAME, GuestShutdown::NAME];

/// Serves one client, up to the end of the stream. Gives whether the guest shall stop.
pub fn serve(agent: &mut Agent, mut stream: impl Read + Write) -> Result<bool, Box<dyn Error>> {
    loop {
        while let Some(request) = agent.poll_request() {
            let name = request.name().to_string();
            let checked = match name.as_str() {
                GuestShutdown::NAME => request.arguments::<GuestShutdown<'_>>().map(drop),
                // The others take no arguments.
                _ => request.arguments::<GuestPing>().map(drop),
            };
            let answered = match (name.as_str(), checked) {
                (name, _) if !NAMES.contains(&name) => agent.refuse(ErrorClass::CommandNotFound, "not here"),
                (_, Err(error)) => agent.refuse(ErrorClass::GenericError, error),
                (GuestInfo::NAME, _) => {
                    let commands = NAMES.map(|name| GuestAgentCommandInfo::new(name, true));
                    agent.respond(&GuestAgentInfo::new("1.0.0", List::from(&commands[..])))
                }
                (GuestGetHostName::NAME, _) => agent.respond(&GuestHostName::new("sixty-lines")),
                (GuestShutdown::NAME, _) => {
                    // It is silent when it succeeds.
                    agent.accept();
                    return Ok(true);
                }
                _ => agent.respond(&Empty {}),
            };
            if let Err(error) = answered {
                // The client's `id` has taken the room for the reply.
                agent.refuse(ErrorClass::GenericError, error)?;
            }
        }
        if let Some(bytes) = agent.poll_transmit() {
            let n = stream.write(bytes)?;
            agent.handle_transmitted(n);
        } else {
            match stream.read(agent.receive_buffer())? {
                0 => return Ok(false),
                n => agent.handle_received(n),
            }
        }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let path = std::env::args().nth(1).ok_or("say where to listen: the path of a socket")?;
    let mut agent = Agent::new([0; 1024], [0; 1024]);
    for client in UnixListener::bind(path)?.incoming() {
        // A client that is gone, in whatever way, is no reason to end.
        if serve(&mut agent, client?).unwrap_or(false) {
            break;
        }
        agent.handle_eof();
    }
    Ok(())
}
