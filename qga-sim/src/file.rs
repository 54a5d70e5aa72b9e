//! Guests from TOML files.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use qga_proto::owned::{
    GuestDeviceInfo, GuestDiskInfo, GuestDiskStatsInfo, GuestFilesystemInfo, GuestLoadAverage,
    GuestLogicalProcessor, GuestMemoryBlock, GuestNetworkInterface, GuestNetworkRoute, GuestOSInfo,
    GuestTimezone, GuestUser,
};
use serde::Deserialize;

use crate::fault::Fault;
use crate::guest::Guest;
use crate::personality::Personality;
use crate::program::Run;
use crate::sim::Sim;

mod values;

use values::{Checked, Content, Mode, Parsed, Time, Told};

/// How long a guest sleeps if its file does not say: whoever is given it to serve has nobody to wake it.
const SLEEP_TIME: Duration = Duration::from_secs(5);

/// What a file says. What it does not say is as in a new guest of its personality.
#[derive(Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct File {
    personality: Option<Parsed<Personality>>,
    version: Option<String>,
    disabled: Vec<String>,
    host_name: Option<String>,
    frozen: bool,
    hardware_clock: Option<bool>,
    clock_behind: Option<Time>,
    suspend: Option<bool>,
    shutdown_time: Option<Time>,
    boot_time: Option<Time>,
    sleep_time: Option<Time>,
    os: Option<Checked<GuestOSInfo>>,
    timezone: Option<Checked<GuestTimezone>>,
    load: Option<Checked<GuestLoadAverage>>,
    users: Option<Vec<Checked<GuestUser>>>,
    accounts: Vec<Account>,
    interfaces: Option<Vec<Checked<GuestNetworkInterface>>>,
    routes: Option<Vec<Checked<GuestNetworkRoute>>>,
    file_systems: Option<Vec<Checked<GuestFilesystemInfo>>>,
    disks: Option<Vec<Checked<GuestDiskInfo>>>,
    disk_stats: Option<Vec<Checked<GuestDiskStatsInfo>>>,
    devices: Option<Vec<Checked<GuestDeviceInfo>>>,
    processors: Option<Vec<Checked<GuestLogicalProcessor>>>,
    memory: Option<Memory>,
    disk_space: Option<DiskSpace>,
    short_writes: Option<usize>,
    directories: Vec<String>,
    links: BTreeMap<String, String>,
    modes: BTreeMap<String, Mode>,
    files: BTreeMap<String, Content>,
    programs: BTreeMap<String, Program>,
    faults: Vec<Parsed<Fault>>,
    seed: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Account {
    name: String,
    #[serde(default)]
    authorized_keys: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Memory {
    block_size: u64,
    blocks: Vec<Checked<GuestMemoryBlock>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct DiskSpace {
    bytes: u64,
    #[serde(default)]
    told: Told,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
#[derive(Default)]
struct Program {
    stdout: Option<Content>,
    stderr: Option<Content>,
    exit_code: Option<u8>,
    signal: Option<u8>,
    time: Option<Time>,
}

/// What is wrong with a file, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileError {
    message: String,
    line: Option<usize>,
}

impl Sim {
    /// Makes a guest, and the faults of its line, from a TOML file; see the crate's documentation for what can be in it.
    ///
    /// # Errors
    ///
    /// What is wrong with the file.
    pub fn from_toml(text: &str) -> Result<Self, FileError> {
        let file: File = toml::from_str(text).map_err(|error| {
            let line = error.span().map(|span| 1 + text[..span.start.min(text.len())].matches('\n').count());
            FileError { message: error.message().replace('\n', " "), line }
        })?;
        let sim = file.build();
        match sim.useless_fault() {
            Some(useless) => Err(FileError { message: useless.to_string(), line: None }),
            None => Ok(sim),
        }
    }
}

impl File {
    fn build(self) -> Sim {
        let personality = self.personality.map_or(Personality::Qemu10, |parsed| parsed.0);
        let mut guest = Guest::with(personality);
        set(&mut guest.version, self.version);
        guest.disabled.extend(self.disabled);
        set(&mut guest.host_name, self.host_name);
        set(&mut guest.os, self.os);
        set(&mut guest.timezone, self.timezone);
        set(&mut guest.load, self.load);
        set_all(&mut guest.interfaces, self.interfaces);
        set_all(&mut guest.routes, self.routes);
        set_all(&mut guest.file_systems, self.file_systems);
        set_all(&mut guest.disks, self.disks);
        set_all(&mut guest.disk_stats, self.disk_stats);
        set_all(&mut guest.devices, self.devices);
        if let Some(processors) = self.processors {
            guest = guest.processors(processors.into_iter().map(Into::into).collect());
        }
        if let Some(memory) = self.memory {
            guest =
                guest.memory_blocks(memory.block_size, memory.blocks.into_iter().map(Into::into).collect());
        }
        if let Some(users) = self.users {
            guest.users.clear();
            guest = users.into_iter().fold(guest, |guest, user| guest.user(user.0));
        }
        for Account { name, authorized_keys } in self.accounts {
            guest = guest.account(&name);
            if let Some(keys) = authorized_keys {
                guest = guest.authorized_keys(&name, &keys.iter().map(String::as_str).collect::<Vec<_>>());
            }
        }
        guest = self.directories.iter().fold(guest, |guest, path| guest.directory(path));
        guest = self.files.into_iter().fold(guest, |guest, (path, content)| guest.file(&path, content.0));
        guest = self
            .programs
            .into_iter()
            .fold(guest, |guest, (path, program)| guest.program(&path, program.run()));
        guest = self.links.iter().fold(guest, |guest, (path, target)| guest.link(path, target));
        guest = self.modes.iter().fold(guest, |guest, (path, mode)| guest.mode(path, mode.0));
        if let Some(DiskSpace { bytes, told }) = self.disk_space {
            guest = guest.disk_space(bytes, told.into());
        }
        if let Some(bytes) = self.short_writes {
            guest = guest.short_writes(bytes);
        }
        guest = match self.hardware_clock {
            Some(false) => guest.no_hardware_clock(),
            _ => guest,
        };
        guest = match self.suspend {
            Some(false) => guest.no_suspend(),
            _ => guest,
        };
        guest = with(guest, self.clock_behind, Guest::clock_behind);
        guest = with(guest, self.shutdown_time, Guest::shutdown_time);
        guest = with(guest, self.boot_time, Guest::boot_time);
        guest = guest.sleep_time(self.sleep_time.map_or(SLEEP_TIME, |time| time.0));
        if self.frozen {
            guest = guest.frozen();
        }
        self.faults.into_iter().fold(Sim::new(guest).seed(self.seed), |sim, fault| sim.fault(fault.0))
    }
}

impl Program {
    fn run(self) -> Run {
        let mut run = Run::new();
        if let Some(Content(bytes)) = self.stdout {
            run = run.stdout(bytes);
        }
        if let Some(Content(bytes)) = self.stderr {
            run = run.stderr(bytes);
        }
        if let Some(code) = self.exit_code {
            run = run.exit_code(code);
        }
        if let Some(signal) = self.signal {
            run = run.signal(signal);
        }
        run.time(self.time.map_or(Duration::ZERO, |time| time.0))
    }
}

fn set<T, U: Into<T>>(place: &mut T, value: Option<U>) {
    if let Some(value) = value {
        *place = value.into();
    }
}

fn set_all<T>(place: &mut Vec<T>, values: Option<Vec<Checked<T>>>) {
    if let Some(values) = values {
        *place = values.into_iter().map(|value| value.0).collect();
    }
}

fn with(guest: Guest, time: Option<Time>, set: fn(Guest, Duration) -> Guest) -> Guest {
    match time {
        Some(time) => set(guest, time.0),
        None => guest,
    }
}

impl fmt::Display for FileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "line {line}: {}", self.message),
            None => f.write_str(&self.message),
        }
    }
}

impl std::error::Error for FileError {}
