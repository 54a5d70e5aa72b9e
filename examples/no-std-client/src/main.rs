//! Asks an agent who it is and lets it run a program: without std, without an allocator, without an executor. `Client` is
//! driven by hand over four functions; where those come from (here: a C library) is the matter of `hooks.rs`.
//!
//!     no-std-client SOCKET

#![no_std]
#![no_main]

mod hooks;

use core::time::Duration;

use hooks::{Line, Stopped};
use qga_proto::commands::{GuestExec, GuestExecStatus, GuestGetOsinfo, GuestInfo, GuestPing};
use qga_proto::json::{List, Str};
use qga_proto::view::GuestExecCaptureOutput;
use qga_proto::{Client, Command, Config, Error};

/// A reply must fit the first buffer: the longest of those asked for here is that of `guest-info`, of up to 4 KiB. A command
/// must fit the second.
type Session<'b> = (Client<&'b mut [u8]>, Line);
const RECEIVE: usize = 6144;
const TRANSMIT: usize = 512;

/// How long a call may take.
const TIMEOUT: Duration = Duration::from_secs(5);

/// What `hooks.rs` calls when there is a connection. Not inlined: its stack is to be seen below that of its caller.
#[inline(never)]
fn run(line: Line) -> Result<(), Failure> {
    // Slices, as arrays would be moved with the client, and be on the stack twice.
    let (mut receive, mut transmit) = ([0; RECEIVE], [0; TRANSMIT]);
    let seed = line.seed();
    let session = &mut (Client::new(Config::default(), &mut receive[..], &mut transmit[..], seed), line);
    ping(session)?;
    print_agent(session)?;
    print_system(session)?;
    run_program(session)
}

// Each of these is a function of its own, not to be inlined, so that they use the same stack one after the other.

#[inline(never)]
fn ping(session: &mut Session<'_>) -> Result<(), Failure> {
    call(session, &GuestPing::new()).map(drop)
}

#[inline(never)]
fn print_agent(session: &mut Session<'_>) -> Result<(), Failure> {
    let info = call(session, &GuestInfo::new())?;
    let enabled = info.supported_commands.iter().flatten().filter(|command| command.enabled).count();
    print("agent ")?;
    print_text(info.version)?;
    print(", ")?;
    print_number(enabled)?;
    print(" commands\n")
}

#[inline(never)]
fn print_system(session: &mut Session<'_>) -> Result<(), Failure> {
    let os = call(session, &GuestGetOsinfo::new())?;
    print("system ")?;
    print_text(os.pretty_name.unwrap_or_default())?;
    print("\n")
}

#[inline(never)]
fn run_program(session: &mut Session<'_>) -> Result<(), Failure> {
    let arguments = ["hello from the guest".into()];
    let command = GuestExec::new("/bin/echo")
        .arg(List::from(&arguments))
        .capture_output(GuestExecCaptureOutput::Flag(true));
    let pid = call(session, &command)?.pid;
    loop {
        let status = call(session, &GuestExecStatus::new(pid))?;
        if status.exited {
            let mut output = [0; 64];
            let text =
                status.out_data.unwrap_or_default().decode_into(&mut output).map_err(|_| Failure::Output)?;
            return Ok(hooks::write(text)?);
        }
        session.1.wait(Duration::from_millis(10));
    }
}

/// Carries a command out; its reply borrows from the client's buffer.
fn call<'s, C: Command>((client, line): &'s mut Session<'_>, command: &C) -> Result<C::View<'s>, Failure> {
    let ticket = client.submit(command, line.now(), line.now() + TIMEOUT).map_err(tell)?;
    pump(client, line)?;
    client.reply(ticket).map_err(tell)
}

/// Moves bytes until the client has what it wants, or knows that it does not get it.
fn pump(client: &mut Client<&mut [u8]>, line: &mut Line) -> Result<(), Stopped> {
    while !client.is_settled() {
        client.handle_timeout(line.now());
        if let Some(bytes) = client.poll_transmit() {
            let n = line.write(bytes)?;
            client.handle_transmitted(n, line.now());
        } else if let Some(deadline) = client.poll_timeout() {
            match line.read(client.receive_buffer(), deadline)? {
                Some(0) => client.handle_eof(line.now()),
                Some(n) => client.handle_received(n, line.now()),
                None => {}
            }
        }
    }
    Ok(())
}

/// Tells the user of an error where it arises, as it carries its texts inside: to hand it on takes code and stack. In words
/// of its own: all that `Display` says takes six kilobytes.
#[inline(never)]
fn tell(error: Error) -> Failure {
    let told = match &error {
        // The agent understood and said no.
        Error::Refused(refusal) => print_text(Str::new(refusal.class.as_str()))
            .and_then(|()| print(": "))
            .and_then(|()| print_text(Str::new(refusal.desc.as_str()))),
        Error::TimedOut(timed_out) if timed_out.heard => print("the agent did not answer in time"),
        Error::TimedOut(_) => print("nobody answers: there is no agent, or it serves another client"),
        Error::Closed(_) => print("the connection is over"),
        Error::Protocol(_) => print("what came is no answer of an agent's"),
        error => match error.missing_bytes() {
            Some(bytes) => print("bytes that a buffer is too short by: ").and_then(|()| print_number(bytes)),
            None => print("this program is wrong"),
        },
    };
    // Who cannot be told is not.
    let _ = told.and_then(|()| print("\n"));
    Failure::Told
}

/// Why there is no answer.
enum Failure {
    /// The user has been told.
    Told,
    /// What the system says, as a number.
    System(Stopped),
    /// The program's output is not what it should be.
    Output,
}

impl From<Stopped> for Failure {
    fn from(stopped: Stopped) -> Self {
        Self::System(stopped)
    }
}

impl Failure {
    /// Tells the user, unless that is done.
    fn tell(self) {
        // Who cannot be told is not.
        let _ = match self {
            Self::Told => Ok(()),
            Self::System(Stopped(number)) => print("the system stopped it: error ")
                .and_then(|()| print_number(number.unsigned_abs() as usize))
                .and_then(|()| print("\n")),
            Self::Output => print("the program's output is too long, or no base64\n"),
        };
    }
}

/// Says something to the user.
fn print(text: &str) -> Result<(), Failure> {
    Ok(hooks::write(text.as_bytes())?)
}

/// Says the front of what came from a guest, without what a terminal might obey.
fn print_text(text: Str<'_>) -> Result<(), Failure> {
    let mut line = [0; 128];
    let mut len = 0;
    for (place, c) in line.iter_mut().zip(text.chars()) {
        *place = if c.is_ascii_graphic() || c == ' ' { c as u8 } else { b'?' };
        len += 1;
    }
    Ok(hooks::write(line.get(..len).unwrap_or_default())?)
}

/// Says how much stack was used.
#[cfg(feature = "stack")]
fn print_stack(used: usize) -> Result<(), Failure> {
    print("stack ")?;
    print_number(used)?;
    print("\n")
}

fn print_number(number: usize) -> Result<(), Failure> {
    if number > 9 {
        print_number(number / 10)?;
    }
    Ok(hooks::write(&[b'0' + (number % 10) as u8])?)
}
