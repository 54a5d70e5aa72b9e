//! Sessions over the streams of embedded systems, an agent behind a UART with buffers of a few bytes; and files in the
//! guest as such streams.

use std::cell::{Cell, RefCell};
use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::{self, Future};
use std::rc::Rc;
use std::task::Poll;
use std::time::Duration;

use qga_proto::commands::{GuestGetHostName, GuestPing};
use qga_proto::embedded::{Async, Blocking, FileStream, Timer, block_on};
use qga_proto::view::GuestHostName;
use qga_proto::{
    Agent, Client, Config, Diagnosis, Empty, Error, ErrorClass, Instant, Mode, Session, Transport,
};
use qga_sim::{Guest, Sim, VirtualLine};

/// How much the UART takes and gives at once.
const FIFO: usize = 16;

const LIMIT: Duration = Duration::from_secs(2);

/// A serial line with an agent at its other end, and a clock on which a look takes 20 microseconds.
#[derive(Clone)]
struct Uart(Rc<Line>);

struct Line {
    agent: RefCell<Agent<Vec<u8>>>,
    /// What was written and is not flushed.
    held: RefCell<VecDeque<u8>>,
    /// What is on its way to us.
    coming: RefCell<VecDeque<u8>>,
    /// Whether the agent says something.
    is_up: Cell<bool>,
    now: Cell<Duration>,
}

impl Uart {
    fn new(is_up: bool) -> Self {
        Self(Rc::new(Line {
            agent: RefCell::new(Agent::new(Vec::new(), Vec::new())),
            held: RefCell::default(),
            coming: RefCell::default(),
            is_up: Cell::new(is_up),
            now: Cell::default(),
        }))
    }

    fn now(&self) -> Instant {
        self.0.now.set(self.0.now.get() + Duration::from_micros(20));
        Instant::from_epoch(self.0.now.get())
    }

    fn put(&self, bytes: &[u8]) -> usize {
        let n = bytes.len().min(FIFO);
        self.0.held.borrow_mut().extend(&bytes[..n]);
        n
    }

    fn take(&self, buffer: &mut [u8]) -> usize {
        let mut coming = self.0.coming.borrow_mut();
        let n = buffer.len().min(FIFO).min(coming.len());
        buffer.iter_mut().zip(coming.drain(..n)).for_each(|(to, byte)| *to = byte);
        n
    }

    /// Hands the agent what was written, and takes what it says.
    fn exchange(&self) {
        let mut agent = self.0.agent.borrow_mut();
        for byte in self.0.held.borrow_mut().drain(..) {
            if !self.0.is_up.get() {
                continue;
            }
            agent.receive_buffer()[0] = byte;
            agent.handle_received(1);
            while let Some(request) = agent.poll_request() {
                let name = request.name().to_string();
                match name.as_str() {
                    GuestPing::NAME => agent.respond(&Empty {}),
                    GuestGetHostName::NAME => agent.respond(&GuestHostName::new("behind a line")),
                    _ => agent.refuse(ErrorClass::CommandNotFound, "not here"),
                }
                .unwrap();
            }
            let reply = agent.poll_transmit().unwrap_or_default().to_vec();
            agent.handle_transmitted(reply.len());
            self.0.coming.borrow_mut().extend(reply);
        }
    }
}

impl embedded_io::ErrorType for Uart {
    type Error = Infallible;
}

impl embedded_io::ReadReady for Uart {
    fn read_ready(&mut self) -> Result<bool, Infallible> {
        Ok(!self.0.coming.borrow().is_empty())
    }
}

impl embedded_io::Read for Uart {
    fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        let n = self.take(buffer);
        assert!(n > 0 || buffer.is_empty(), "a read that would block");
        Ok(n)
    }
}

impl embedded_io::Write for Uart {
    fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        Ok(self.put(bytes))
    }

    fn flush(&mut self) -> Result<(), Infallible> {
        self.exchange();
        Ok(())
    }
}

impl embedded_io_async::Read for Uart {
    async fn read(&mut self, buffer: &mut [u8]) -> Result<usize, Infallible> {
        future::poll_fn(|_| match self.take(buffer) {
            0 => Poll::Pending,
            n => Poll::Ready(Ok(n)),
        })
        .await
    }
}

impl embedded_io_async::Write for Uart {
    async fn write(&mut self, bytes: &[u8]) -> Result<usize, Infallible> {
        Ok(self.put(bytes))
    }

    async fn flush(&mut self) -> Result<(), Infallible> {
        self.exchange();
        Ok(())
    }
}

impl Timer for Uart {
    fn now(&self) -> Instant {
        Self::now(self)
    }

    fn sleep_until(&self, deadline: Instant) -> impl Future<Output = ()> {
        future::poll_fn(move |_| if Self::now(self) >= deadline { Poll::Ready(()) } else { Poll::Pending })
    }
}

/// Each case over both transports.
fn over_both(is_up: bool, case: &impl AsyncFn(&Uart, &mut dyn Calls)) {
    let client = || Client::new(Config::default(), [0; 512], [0; 256], 7);
    let uart = Uart::new(is_up);
    let clock = uart.clone();
    let blocking = Blocking::new(uart.clone(), move || clock.now());
    block_on(case(&uart, &mut Session::new(blocking, client())));
    let uart = Uart::new(is_up);
    block_on(case(&uart, &mut Session::new(Async::new(uart.clone(), uart.clone()), client())));
}

/// A session over either of them.
trait Calls {
    fn ping(&mut self) -> Result<(), Error<Infallible>>;
    fn host_name(&mut self) -> Result<String, Error<Infallible>>;
    fn wait_ready(&mut self) -> Result<(), Diagnosis>;
}

impl<T: Transport<Error = Infallible>> Calls for Session<T, [u8; 512], [u8; 256]> {
    fn ping(&mut self) -> Result<(), Error<Infallible>> {
        block_on(self.call_view_timeout(&GuestPing::new(), LIMIT)).map(drop)
    }

    fn host_name(&mut self) -> Result<String, Error<Infallible>> {
        let reply = block_on(self.call_view_timeout(&GuestGetHostName::new(), LIMIT))?;
        Ok(reply.host_name.to_string())
    }

    fn wait_ready(&mut self) -> Result<(), Diagnosis> {
        let deadline = self.deadline(LIMIT);
        block_on(Self::wait_ready(self, deadline)).map(drop).map_err(|not| not.diagnosis)
    }
}

#[test]
fn calls_go_over_a_uart() {
    over_both(true, &async |_, session| {
        assert_eq!(session.ping(), Ok(()));
        assert_eq!(session.host_name().as_deref(), Ok("behind a line"));
    });
}

#[test]
fn a_silent_line_ends_at_the_deadline() {
    over_both(false, &async |uart, session| {
        let error = session.ping().unwrap_err();
        assert!(error.is_timeout(), "{error}");
        let late = uart.0.now.get() - LIMIT;
        assert!(late < Duration::from_millis(1), "{late:?} late");
        // The line is all there is: it is still there for the next call.
        uart.0.is_up.set(true);
        assert_eq!(session.ping(), Ok(()));
    });
}

#[test]
fn an_agent_is_waited_for() {
    over_both(false, &async |uart, session| {
        assert!(session.wait_ready().is_err());
        uart.0.is_up.set(true);
        assert_eq!(session.wait_ready(), Ok(()));
    });
}

/// Where the file is, and how many bytes it gets: more than the buffers below take at once.
const FILE: &str = "/file";
const LEN: usize = 5000;

fn bytes() -> Vec<u8> {
    (0..LEN).map(|at| (at % 251) as u8).collect()
}

/// A session with buffers of fixed sizes.
type Small = Session<VirtualLine, [u8; 2048], [u8; 1024]>;

fn simulated(sim: Sim) -> Small {
    Session::new(VirtualLine::new(sim), Client::new(Config::default(), [0; 2048], [0; 1024], 1))
}

fn open(session: &mut Small, mode: Mode) -> FileStream<'_, VirtualLine, [u8; 2048], [u8; 1024]> {
    let deadline = session.deadline(LIMIT);
    block_on(session.open(FILE, mode, deadline)).expect("it opens").into()
}

fn assert_filled(session: &Small) {
    let guest = session.transport().sim().guest();
    let (_, content) = guest.files().into_iter().find(|(path, _)| *path == FILE).expect("it is made");
    assert_eq!(content, bytes());
    assert_eq!(guest.open_files(), 0);
}

#[test]
fn a_file_is_a_stream_that_blocks() {
    use embedded_io::{Read, Seek, SeekFrom, Write};
    let mut session = simulated(Sim::new(Guest::new()));
    let mut file = open(&mut session, Mode::CreateRead);
    file.write_all(&bytes()).unwrap();
    file.flush().unwrap();
    assert_eq!(file.seek(SeekFrom::Start(1000)), Ok(1000));
    let mut copy = vec![0; LEN - 1000];
    file.read_exact(&mut copy).unwrap();
    assert_eq!(copy, bytes()[1000..]);
    assert_eq!(file.read(&mut [0; 8]), Ok(0), "its end");
    assert_eq!(file.seek(SeekFrom::Current(-1)), Ok(LEN as u64 - 1));
    assert_eq!(file.seek(SeekFrom::End(-7)), Ok(LEN as u64 - 7));
    block_on(file.close()).unwrap();
    assert_filled(&session);
}

#[test]
fn a_file_is_an_asynchronous_stream() {
    use embedded_io_async::{Read, Seek, SeekFrom, Write};
    let mut session = simulated(Sim::new(Guest::new()));
    block_on(async {
        let mut file = open(&mut session, Mode::CreateRead);
        file.write_all(&bytes()).await.unwrap();
        file.flush().await.unwrap();
        assert_eq!(file.rewind().await, Ok(()));
        let mut copy = vec![0; LEN];
        file.read_exact(&mut copy).await.unwrap();
        assert_eq!(copy, bytes());
        assert_eq!(file.seek(SeekFrom::End(-1)).await, Ok(LEN as u64 - 1));
        file.close().await.unwrap();
    });
    assert_filled(&session);
}

#[test]
fn errors_of_files_have_kinds() {
    use embedded_io::{Error as _, ErrorKind, Read, Write};
    let guest = Guest::new().file(FILE, "content");
    let mut session = simulated(Sim::new(guest).fault("lost@guest-file-read".parse().unwrap()));
    let began = session.transport().now();
    let mut file = open(&mut session, Mode::Read);
    file.set_timeout(LIMIT);
    // Nothing is asked for, so that nothing can get lost.
    assert_eq!(file.read(&mut []), Ok(0));
    assert_eq!(file.read(&mut [0; 4]).unwrap_err().kind(), ErrorKind::TimedOut);
    let error = file.write(b"not to be written").unwrap_err();
    assert!(matches!(error, Error::Refused(_)), "{error}");
    assert_eq!(error.kind(), ErrorKind::Other);
    drop(file);
    let took = session.transport().now() - began;
    assert!((LIMIT..2 * LIMIT).contains(&took), "{took:?}");
}
