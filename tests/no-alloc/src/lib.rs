//! Uses the parts of `qga-proto` that must work without an allocator: the client by hand and through a session, replies
//! of every kind, and the agent.

#![no_std]

use core::convert::Infallible;
use core::future::Future;
use core::panic::PanicInfo;
use core::pin::pin;
use core::task::{Context, Poll, Waker};
use core::time::Duration;

use qga_proto::commands::{GuestFileRead, GuestGetFsinfo, GuestInfo, GuestPing};
use qga_proto::exec::{Error, Output};
use qga_proto::{
    Agent, Buffer, Client, Config, ErrorClass, Instant, Mode, Seek, Session, Shutdown, Transport,
};

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    loop {}
}

/// Drives a client by hand; gives how many commands the agent has enabled.
fn client(now: Instant, exchange: Exchange) -> Option<usize> {
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

/// Keeps the functions: nobody calls them.
#[used]
static PROBE: Probe = (client, session, agent);

type Probe = (
    fn(Instant, Exchange) -> Option<usize>,
    fn(Hooks, &mut [u8]) -> Option<usize>,
    fn(&[u8], &mut [u8]) -> usize,
);

/// Writes a line and reads what comes back.
type Exchange = fn(&[u8], &mut [u8]) -> usize;

/// A transport over functions that block.
struct Hooks {
    now: fn() -> Duration,
    read: fn(&mut [u8], Duration) -> Option<usize>,
    write: fn(&[u8], Duration) -> Option<usize>,
}

impl Transport for Hooks {
    type Error = Infallible;

    fn now(&self) -> Instant {
        Instant::from_epoch((self.now)())
    }

    async fn read(&mut self, buffer: &mut [u8], deadline: Instant) -> Result<Option<usize>, Infallible> {
        Ok((self.read)(buffer, deadline.since_epoch()))
    }

    async fn write(&mut self, bytes: &[u8], deadline: Instant) -> Result<Option<usize>, Infallible> {
        Ok((self.write)(bytes, deadline.since_epoch()))
    }

    async fn sleep_until(&mut self, deadline: Instant) {
        while self.now() < deadline {}
    }
}

/// Calls through a session, whose future is ready when it is polled, as the hooks block.
fn session(hooks: Hooks, chunk: &mut [u8]) -> Option<usize> {
    match pin!(calls(hooks, chunk)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => None,
    }
}

async fn calls(hooks: Hooks, chunk: &mut [u8]) -> Option<usize> {
    let mut receive = [0; 8192];
    let client = Client::new(Config::default(), &mut receive[..], heapless::Vec::<u8, 1024>::new(), 1);
    session_over(Session::new(hooks, client), chunk).await
}

/// Over buffers of any kind.
async fn session_over<Rx: Buffer, Tx: Buffer>(
    mut session: Session<Hooks, Rx, Tx>,
    chunk: &mut [u8],
) -> Option<usize> {
    let deadline = session.deadline(Duration::from_secs(60));
    session.wait_ready(deadline).await.ok()?;
    session.call_view(&GuestPing::new()).await.ok()?;
    for filesystem in session.call_view(&GuestGetFsinfo::new()).await.ok()?.iter() {
        filesystem.ok()?.mountpoint.copy_to(chunk)?;
    }
    let deadline = session.deadline(Duration::from_secs(60));
    let ran = session.run_into("uptime", &[], Output::new(chunk, &mut []), deadline).await;
    if let Err(Error { pid: Some(pid), .. }) = ran {
        session.kill(pid, deadline).await.ok()?;
    }
    session.with_some_frozen(&["/"], Duration::from_secs(9), async || ()).await.ok()?;
    let read = session.call_view(&GuestFileRead::new(1000).count(512)).await.ok()?;
    let n = read.buf_b64.decode_into(chunk).ok()?.len() + files(&mut session, chunk).await?;
    let deadline = session.deadline(Duration::from_secs(60));
    session.shutdown(Shutdown::Powerdown, deadline).await.ok()?;
    Some(n)
}

/// Files through the caller's buffer: whole, and piece by piece.
async fn files<Rx: Buffer, Tx: Buffer>(
    session: &mut Session<Hooks, Rx, Tx>,
    chunk: &mut [u8],
) -> Option<usize> {
    let deadline = session.deadline(Duration::from_secs(60));
    let whole = session.read_file_into("/etc/hostname", chunk, deadline).await.ok()?;
    session.write_file("/tmp/copy", &chunk[..whole], deadline).await.ok()?;
    let mut file = session.open("/var/log/boots", Mode::ReadWrite, deadline).await.ok()?;
    file.seek(Seek::End(-16), deadline).await.ok()?;
    let n = file.read(chunk, deadline).await.ok()?;
    file.write_all(&chunk[..n], deadline).await.ok()?;
    file.flush(deadline).await.ok()?;
    file.close(deadline).await.ok()?;
    Some(whole + n)
}

/// Answers as an agent that knows one command.
fn agent(input: &[u8], output: &mut [u8]) -> usize {
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
            let _ = agent.refuse(ErrorClass::GenericError, "too long");
        }
    }
    let reply = agent.poll_transmit().unwrap_or_default();
    let n = reply.len().min(output.len());
    output[..n].copy_from_slice(&reply[..n]);
    agent.handle_transmitted(n);
    n
}
