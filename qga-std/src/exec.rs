//! Running programs, blocking.

use std::io;
use std::time::Duration;

use qga_proto::exec::{Exec, Killed, Outcome, Started};

use crate::session::{Session, block_on};
use crate::transport::Stream;

/// Why a program has no outcome, and what became of it.
pub type ExecError = qga_proto::exec::Error<io::Error>;

impl<S: Stream> Session<S> {
    /// Runs a program to its end; see [`qga_proto::Session::run`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use qga_std::proto::exec::{Capture, End, Exec};
    ///
    /// # let server = qga_sim::Server::bind("tcp:127.0.0.1:0", qga_sim::Guest::new())?;
    /// # let address = server.address().to_owned();
    /// # let _server = server.spawn()?;
    /// let mut session = qga_std::connect(&address, Duration::from_secs(5))?;
    /// let exec = Exec::new("cat").args(["/etc/motd", "-"]).input("and more\n").capture(Capture::Out);
    /// let outcome = session.run(&exec.kill_at_deadline(), Duration::from_secs(10))?;
    /// assert_eq!(outcome.end, End::Exit(0));
    /// assert_eq!(outcome.stdout, b"This guest is simulated.\nand more\n");
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// Why there is no outcome, with the program's number and what became of it.
    pub fn run(&mut self, exec: &Exec, timeout: Duration) -> Result<Outcome, ExecError> {
        let session = self.as_inner();
        let deadline = session.deadline(timeout);
        block_on(session.run(exec, deadline))
    }

    /// Starts a program, and does not wait for its end; see [`qga_proto::Session::start`].
    ///
    /// ```
    /// use std::time::Duration;
    /// use qga_std::proto::exec::{End, Exec};
    ///
    /// # let server = qga_sim::Server::bind("tcp:127.0.0.1:0", qga_sim::Guest::new())?;
    /// # let address = server.address().to_owned();
    /// # let _server = server.spawn()?;
    /// let mut session = qga_std::connect(&address, Duration::from_secs(5))?;
    /// let started = session.start(&Exec::new("sleep").arg("3600"), Duration::from_secs(30))?;
    /// // It can be looked after by its number, from here or from anywhere else.
    /// let error = session.wait(started.pid, Duration::from_millis(20)).unwrap_err();
    /// assert!(error.is_timeout() && error.may_run());
    /// session.kill(started.pid, Duration::from_secs(30))?;
    /// assert_eq!(session.wait(started.pid, Duration::from_secs(30))?.end, End::Signal(15));
    /// # Ok::<_, Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    ///
    /// That it was not started, or that this is not known.
    pub fn start(&mut self, exec: &Exec, timeout: Duration) -> Result<Started, ExecError> {
        let session = self.as_inner();
        let deadline = session.deadline(timeout);
        block_on(session.start(exec, deadline))
    }

    /// Waits until a program has ended, which this or any other client has started; see [`qga_proto::Session::wait`].
    ///
    /// # Errors
    ///
    /// Why there is no outcome; the program is not killed.
    pub fn wait(&mut self, program: impl Into<Started>, timeout: Duration) -> Result<Outcome, ExecError> {
        let session = self.as_inner();
        let deadline = session.deadline(timeout);
        block_on(session.wait(program, deadline))
    }

    /// Kills a program that this agent has started, and all that this has started; see [`qga_proto::Session::kill`].
    ///
    /// # Errors
    ///
    /// That it was not killed, and why.
    pub fn kill(&mut self, pid: i64, timeout: Duration) -> Result<Killed, ExecError> {
        let session = self.as_inner();
        let deadline = session.deadline(timeout);
        block_on(session.kill(pid, deadline))
    }
}
