//! A guest agent that is all there is in its machine: no operating system, no allocator. It serves a host over a serial
//! port, up to the shutdown that the host asks for.
//!
//! What differs between machines is in `board/`, what the agent can do in `guest.rs`; here the bytes go to and fro.

#![no_std]
#![no_main]

mod board;
mod guest;

use board::{Board, Buffers};
use guest::Guest;
use qga_proto::Agent;

/// What the board calls when the machine runs.
fn run(mut board: Board, buffers: Buffers) -> ! {
    let mut agent = Agent::new(buffers.receive, buffers.transmit);
    board.log("the agent is up\n");
    let mut guest = Guest::new(board);
    loop {
        guest.serve(&mut agent);
        if let Some(bytes) = agent.poll_transmit() {
            let n = bytes.len();
            guest.board.write(bytes);
            agent.handle_transmitted(n);
        } else if let Some(ending) = guest.ending {
            guest.end(ending);
        } else {
            let n = guest.board.read(agent.receive_buffer());
            agent.handle_received(n);
        }
    }
}
