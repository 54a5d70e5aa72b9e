//! The library's client and this agent, joined without I/O.

mod common;

use std::time::Duration;

use common::START;
use qga_sim::proto::commands::*;
use qga_sim::proto::metadata::Platform;
use qga_sim::proto::owned::{
    GuestFsfreezeStatus as Freeze, GuestLogicalProcessor, GuestMemoryBlock, GuestMemoryBlockResponseType,
    GuestUser,
};
use qga_sim::proto::schema::COMMANDS;
use qga_sim::proto::view::GuestExecCaptureOutput;
use qga_sim::proto::{Client, Config, Error, Instant, OwnedCommand, Refusal};
use qga_sim::{Guest, Power, Sim};

/// A client and a guest, and how many bytes go from one to the other at a time.
struct Pair {
    client: Client<Vec<u8>>,
    sim: Sim,
    piece: usize,
    now: Duration,
}

impl Pair {
    fn new(guest: Guest, piece: usize) -> Self {
        let client = Client::new(Config::default(), Vec::new(), Vec::new(), 7);
        Self { client, sim: Sim::new(guest), piece, now: START }
    }

    fn call<C: OwnedCommand>(&mut self, command: &C) -> Result<C::Owned, Error> {
        let deadline = self.time() + Duration::from_secs(10);
        let ticket = self.client.submit(command, self.time(), deadline)?;
        while !self.client.is_settled() {
            if !self.carry() {
                // Nothing more comes by itself.
                self.now = self.client.poll_timeout().expect("a deadline").since_epoch();
                self.client.handle_timeout(self.time());
            }
        }
        self.client.reply_owned(ticket)
    }

    /// Carries a piece each way, if there is one.
    fn carry(&mut self) -> bool {
        let time = self.time();
        let mut carried = false;
        if let Some(bytes) = self.client.poll_transmit() {
            let n = copy(bytes, self.sim.receive_buffer(), self.piece);
            self.client.handle_transmitted(n, time);
            self.sim.handle_received(n, self.now);
            carried |= n > 0;
        }
        if let Some(bytes) = self.sim.poll_transmit() {
            let n = copy(bytes, self.client.receive_buffer(), self.piece);
            self.sim.handle_transmitted(n, self.now);
            self.client.handle_received(n, time);
            carried |= n > 0;
        }
        carried
    }

    fn time(&self) -> Instant {
        Instant::from_epoch(self.now)
    }
}

fn copy(from: &[u8], to: &mut [u8], piece: usize) -> usize {
    let n = from.len().min(to.len()).min(piece);
    to[..n].copy_from_slice(&from[..n]);
    n
}

/// Holds a conversation whole, byte by byte, and in pieces.
fn converse(guest: &Guest, conversation: impl Fn(&mut Pair) -> Result<(), Error>) {
    for piece in [usize::MAX, 1, 7, 64] {
        conversation(&mut Pair::new(guest.clone(), piece)).unwrap_or_else(|error| panic!("{piece}: {error}"));
    }
}

#[test]
fn every_command_is_understood() {
    let guest = Guest::new().user(GuestUser::new("zoë 😀", 0.5)).disable("guest-exec");
    converse(&guest, |pair| {
        let info = pair.call(&GuestInfo::new())?;
        assert_eq!(info.version, "10.0.2");
        let disabled = info.supported_commands.iter().filter(|command| !command.enabled);
        assert_eq!(disabled.map(|command| &command.name).collect::<Vec<_>>(), ["guest-exec"]);
        assert_eq!(pair.call(&GuestGetTime::new())?, START.as_nanos() as i64);
        assert_eq!(pair.call(&GuestGetHostName::new())?.host_name, "guest");
        assert_eq!(pair.call(&GuestGetOsinfo::new())?.id.as_deref(), Some("debian"));
        assert_eq!(pair.call(&GuestGetTimezone::new())?.offset, 0);
        let users = pair.call(&GuestGetUsers::new())?;
        assert_eq!((users[1].user.as_str(), users[1].login_time), ("zoë 😀", 0.5));
        let interfaces = pair.call(&GuestNetworkGetInterfaces::new())?;
        assert_eq!(interfaces.iter().map(|interface| &*interface.name).collect::<Vec<_>>(), ["lo", "eth0"]);
        assert_eq!(pair.call(&GuestGetFsinfo::new())?[1].mountpoint, "/");
        assert_eq!(pair.call(&GuestGetDisks::new())?[0].name, "/dev/vda");
        assert_eq!(pair.call(&GuestGetDiskstats::new())?.len(), 1);
        assert_eq!(pair.call(&GuestGetVcpus::new())?.len(), 2);
        assert_eq!(pair.call(&GuestGetCpustats::new())?.len(), 2);
        assert!(pair.call(&GuestGetLoad::new())?.load1m > 0.0);
        assert_eq!(pair.call(&GuestFsfreezeStatus::new())?, Freeze::Thawed);
        Ok(())
    });
}

#[test]
fn a_file_is_written_and_read() {
    let content: Vec<u8> = (0..=255).cycle().take(5000).collect();
    converse(&Guest::new(), |pair| {
        let handle = pair.call(&GuestFileOpen::new("/tmp/é").mode("w"))?;
        assert_eq!(pair.call(&GuestFileWrite::new(handle, &content))?.count, 5000);
        let handle = pair.call(&GuestFileOpen::new("/tmp/é"))?;
        let first = pair.call(&GuestFileRead::new(handle))?;
        assert!(*first.buf_b64 == content[..4096] && !first.eof);
        let second = pair.call(&GuestFileRead::new(handle))?;
        assert!(*second.buf_b64 == content[4096..] && second.eof);
        Ok(())
    });
}

#[test]
fn a_program_is_run() {
    converse(&Guest::new(), |pair| {
        let exec =
            GuestExec::new("cat").input_data(b"\0\xFF").capture_output(GuestExecCaptureOutput::Flag(true));
        let pid = pair.call(&exec)?.pid;
        let status = pair.call(&GuestExecStatus::new(pid))?;
        assert_eq!((status.exitcode, status.out_data.as_deref()), (Some(0), Some(&b"\0\xFF".to_vec())));
        let error = pair.call(&GuestExecStatus::new(pid)).unwrap_err();
        assert_eq!(error.refusal().unwrap().class, "GenericError");
        Ok(())
    });
}

#[test]
fn file_systems_are_frozen_and_thawed() {
    let list = ["/".into(), "/nowhere".into()];
    converse(&Guest::new(), |pair| {
        assert_eq!(pair.call(&GuestFsfreezeFreeze::new())?, 1);
        assert_eq!(pair.call(&GuestFsfreezeStatus::new())?, Freeze::Frozen);
        let refused = pair.call(&GuestFsfreezeFreeze::new()).unwrap_err();
        assert!(refused.refusal().is_some_and(Refusal::is_command_not_found));
        assert_eq!(pair.call(&GuestFsfreezeThaw::new())?, 1);
        assert_eq!(pair.call(&GuestFsfreezeFreezeList::new().mountpoints(&list))?, 1);
        assert_eq!(pair.call(&GuestFsfreezeThaw::new())?, 1);
        assert_eq!(pair.call(&GuestFsfreezeStatus::new())?, Freeze::Thawed);
        Ok(())
    });
}

#[test]
fn the_agent_has_what_one_on_linux_has() {
    converse(&Guest::new(), |pair| {
        let info = pair.call(&GuestInfo::new())?;
        let mut told: Vec<_> = info.supported_commands.iter().map(|command| &*command.name).collect();
        told.sort_unstable();
        let known = COMMANDS.iter().filter(|command| command.condition.on(Platform::Linux));
        assert_eq!(told, known.map(|command| command.name).collect::<Vec<_>>());
        // As the agent of QEMU 10.0 does.
        assert_eq!(told.len(), 43);
        let silent = info.supported_commands.iter().filter(|command| command.success_response == Some(false));
        let names = ["guest-suspend-hybrid", "guest-suspend-ram", "guest-suspend-disk", "guest-shutdown"];
        assert_eq!(silent.map(|command| &*command.name).collect::<Vec<_>>(), names);
        Ok(())
    });
}

#[test]
fn the_guest_is_changed() {
    let guest = Guest::new().no_suspend().authorized_keys("alice", &["old"]);
    let (keys, both) = (["é".into(), "new".into()], [false, true]);
    converse(&guest, |pair| {
        pair.call(&GuestSetTime::new().time(1_000_000))?;
        assert_eq!(pair.call(&GuestGetTime::new())?, 1_000_000);
        let vcpus = both.map(|online| GuestLogicalProcessor::new(1, online));
        assert_eq!(pair.call(&GuestSetVcpus::new(&vcpus))?, 2);
        let blocks = both.map(|online| GuestMemoryBlock::new(u64::from(online) + 14, online));
        let responses = pair.call(&GuestSetMemoryBlocks::new(&blocks))?;
        assert!(responses.iter().all(|response| response.response == GuestMemoryBlockResponseType::Success));
        assert!(!pair.call(&GuestGetMemoryBlocks::new())?[14].online);
        assert_eq!(pair.call(&GuestGetMemoryBlockInfo::new())?.size, 128 << 20);
        pair.call(&GuestSetUserPassword::new("alice", b"p\0\xFF", false))?;
        assert!(pair.sim.guest().has_password("alice", b"p\0\xFF", false));
        pair.call(&GuestSshAddAuthorizedKeys::new("alice", &keys))?;
        pair.call(&GuestSshRemoveAuthorizedKeys::new("alice", &keys[1..]))?;
        assert_eq!(*pair.call(&GuestSshGetAuthorizedKeys::new("alice"))?.keys, ["é", "old"]);
        assert_eq!(pair.call(&GuestFstrim::new())?.paths.len(), 2);
        assert_eq!(pair.call(&GuestNetworkGetRoute::new())?.len(), 6);
        let error = pair.call(&GuestSuspendRam::new()).unwrap_err();
        assert_eq!(error.refusal().unwrap().class, "GenericError");
        Ok(())
    });
}

#[test]
fn a_guest_that_stops_is_no_error() {
    converse(&Guest::new().sleep_time(Duration::from_secs(8)), |pair| {
        pair.call(&GuestShutdown::new().mode("reboot"))?;
        pair.now += Duration::from_secs(2);
        pair.sim.handle_timeout(pair.now);
        pair.call(&GuestPing::new())?;
        pair.call(&GuestSuspendRam::new())?;
        assert_eq!(pair.sim.power(), Power::Asleep);
        pair.now += Duration::from_secs(9);
        pair.sim.handle_timeout(pair.now);
        pair.call(&GuestPing::new())?;
        pair.call(&GuestSuspendDisk::new())?;
        assert_eq!(pair.sim.power(), Power::Off);
        Ok(())
    });
}

#[test]
fn a_command_that_there_is_not_is_refused() {
    let guest = Guest::new().disable("guest-get-load").disable("guest-ping");
    converse(&guest, |pair| {
        let refused = |error: Error| error.refusal().is_some_and(Refusal::is_command_not_found);
        assert!(refused(pair.call(&GuestGetLoad::new()).unwrap_err()));
        assert!(refused(pair.call(&GuestGetDevices::new()).unwrap_err()));
        let names: Vec<_> = pair.call(&GuestInfo::new())?.supported_commands;
        assert!(names.iter().all(|command| command.name != "guest-get-devices"));
        Ok(())
    });
}
