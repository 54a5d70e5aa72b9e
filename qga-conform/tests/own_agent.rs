//! An agent that is made with `qga-proto` is right in all that its machine does.
#![cfg(unix)]

use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::thread;

use qga_conform::{Options, check};
use qga_proto::commands::{GuestInfo, GuestPing};
use qga_proto::json::List;
use qga_proto::view::{GuestAgentCommandInfo, GuestAgentInfo};
use qga_proto::{Agent, Empty, ErrorClass};

/// The syncs are answered inside.
const NAMES: [&str; 4] = ["guest-sync", "guest-sync-delimited", GuestPing::NAME, GuestInfo::NAME];

/// Answers the next request, if there is one.
fn answer(agent: &mut Agent<Vec<u8>>) -> Option<()> {
    let request = agent.poll_request()?;
    let (name, arguments) = (request.name().to_string(), request.arguments::<GuestPing>().map(drop));
    let answered = match (name.as_str(), arguments) {
        (name, _) if !NAMES.contains(&name) => agent.refuse(ErrorClass::CommandNotFound, "it is not here"),
        (_, Err(error)) => agent.refuse(ErrorClass::GenericError, error),
        (GuestInfo::NAME, _) => {
            let commands = NAMES.map(|name| {
                let mut command = GuestAgentCommandInfo::new(name, true);
                command.success_response = Some(true);
                command
            });
            agent.respond(&GuestAgentInfo::new("1.0.0", List::from(&commands[..])))
        }
        _ => agent.respond(&Empty {}),
    };
    answered.ok()
}

fn serve(mut stream: UnixStream) {
    let mut agent = Agent::new(Vec::new(), Vec::new());
    loop {
        while answer(&mut agent).is_some() {}
        if let Some(bytes) = agent.poll_transmit() {
            let n = stream.write(bytes).unwrap();
            agent.handle_transmitted(n);
            continue;
        }
        match stream.read(agent.receive_buffer()).unwrap() {
            0 => return,
            n => agent.handle_received(n),
        }
    }
}

#[test]
fn it_lacks_only_commands() {
    let (ours, theirs) = UnixStream::pair().unwrap();
    let agent = thread::spawn(move || serve(theirs));
    let mut line = qga_std::Connection::new(ours);
    let report = qga_std::block_on(check(&mut line, &Options::new().writes(true)));
    let failed: Vec<_> = report.failed().map(|outcome| outcome.check.name).collect();
    assert_eq!(failed, ["kubevirt-commands"], "{:?}", report.failed().collect::<Vec<_>>());
    drop(line);
    agent.join().unwrap();
}
