//! The guest: all that the commands show and change.

use std::collections::BTreeSet;
use std::fmt;
use std::time::Duration;

use qga_proto::owned::{
    GuestDeviceInfo, GuestDiskInfo, GuestDiskStatsInfo, GuestFilesystemInfo, GuestLoadAverage,
    GuestLogicalProcessor, GuestNetworkInterface, GuestNetworkRoute, GuestOSInfo, GuestTimezone, GuestUser,
};

use crate::files::{Content, Files, Full, LastLink, Metadata, Node};
use crate::personality::{Personality, Traits};
use crate::processes::Processes;
use crate::program::{BUILTINS, Program, WINDOWS_BUILTINS};
use crate::wire::Wire;

mod accounts;
mod clock;
mod freeze;
mod linux;
mod memory;
mod power;
mod processors;
mod trim;
mod windows;

pub(crate) use accounts::{Account, Password};
use clock::Clocks;
use freeze::Freeze;
use memory::Memory;
pub use power::Power;
use power::Supply;
pub(crate) use power::Suspend;
pub(crate) use processors::ProcessorError;
pub(crate) use trim::trim;

/// A guest in memory, for a [`Sim`](crate::Sim) to answer from.
///
/// [`new`](Self::new) gives a small Linux machine, the same one each time; the other functions change it. Nothing of the
/// host shows through or is touched, but for the time of day.
///
/// ```
/// use qga_sim::{Guest, Run};
/// use qga_sim::proto::owned::GuestUser;
///
/// let guest = Guest::new()
///     .host_name("build-7")
///     .user(GuestUser::new("carol", 1_767_254_400.0))
///     .file("/etc/motd", "Welcome.\n")
///     .program("/usr/bin/make", Run::new().stderr("make: no makefile\n").exit_code(2))
///     .disable("guest-file-open");
/// ```
#[derive(Clone)]
pub struct Guest {
    /// The time since 1970 at which the current request came.
    pub(crate) now: Duration,
    personality: Personality,
    pub(crate) clocks: Clocks,
    pub(crate) supply: Supply,
    pub(crate) version: String,
    pub(crate) disabled: BTreeSet<String>,
    pub(crate) host_name: String,
    pub(crate) os: GuestOSInfo,
    pub(crate) timezone: GuestTimezone,
    pub(crate) users: Vec<GuestUser>,
    accounts: Vec<Account>,
    pub(crate) interfaces: Vec<GuestNetworkInterface>,
    pub(crate) routes: Vec<GuestNetworkRoute>,
    pub(crate) file_systems: Vec<GuestFilesystemInfo>,
    freeze: Freeze,
    pub(crate) devices: Vec<GuestDeviceInfo>,
    pub(crate) disks: Vec<GuestDiskInfo>,
    pub(crate) disk_stats: Vec<GuestDiskStatsInfo>,
    pub(crate) processors: Vec<GuestLogicalProcessor>,
    pub(crate) memory: Memory,
    pub(crate) load: GuestLoadAverage,
    pub(crate) files: Files,
    /// The agent's own environment, which programs get when a client sets none.
    pub(crate) environment: Vec<String>,
    pub(crate) processes: Processes,
    /// Whether the agent has closed a descriptor that is not its own, of which it recovers only when it is restarted.
    pub(crate) has_lost_descriptor: bool,
    /// What `apple-guest-set-remote-login` sets.
    pub(crate) has_remote_login: bool,
}

impl Guest {
    /// A small Linux machine: two processors, 2 GiB of memory, one disk, one network interface, one user beside `root`,
    /// simple [programs](crate#what-guest), and the agent of QEMU 10.0.
    #[must_use]
    pub fn new() -> Self {
        Self::with(Personality::Qemu10)
    }

    /// A small machine with another agent: Windows for [`Personality::Windows`], which has `taskkill` of the programs, and
    /// of `cmd.exe` what runs `exit`, `echo` and `del`; else Linux.
    #[must_use]
    pub fn with(personality: Personality) -> Self {
        let mut guest = Self::bare(personality);
        if personality == Personality::Windows {
            return WINDOWS_BUILTINS.into_iter().fold(guest.furnish_windows(), |guest, (name, function)| {
                guest.program(&format!(r"C:\Windows\System32\{name}"), Program::new(function))
            });
        }
        for directory in linux::DIRECTORIES {
            guest = guest.directory(directory);
        }
        for (name, function) in BUILTINS {
            for place in ["/bin/", "/usr/bin/"] {
                guest = guest.program(&format!("{place}{name}"), Program::new(function));
            }
        }
        guest = guest.device("/dev/null");
        guest = guest.account_at("root", "/root").account("alice");
        guest.file("/etc/motd", "This guest is simulated.\n")
    }

    /// The hardware, and Linux on it without files.
    fn bare(personality: Personality) -> Self {
        Self {
            now: Duration::ZERO,
            personality,
            clocks: Clocks::new(),
            supply: Supply::new(),
            version: personality.traits().version.into(),
            disabled: BTreeSet::new(),
            host_name: "guest".into(),
            os: linux::os(),
            timezone: linux::timezone(),
            users: linux::users(),
            accounts: Vec::new(),
            interfaces: linux::interfaces(),
            routes: linux::routes(),
            file_systems: linux::file_systems(),
            freeze: Freeze::default(),
            devices: Vec::new(),
            disks: linux::disks(),
            disk_stats: linux::disk_stats(),
            processors: linux::processors(),
            memory: Memory::new(),
            load: GuestLoadAverage::new(0.08, 0.03, 0.01),
            files: Files::new(),
            environment: linux::environment(),
            processes: Processes::new(),
            has_lost_descriptor: false,
            has_remote_login: false,
        }
    }

    /// Sets what the agent says is its version. It changes nothing else.
    #[must_use]
    pub fn version(mut self, version: impl Into<String>) -> Self {
        self.version = version.into();
        self
    }

    /// Disables a command, as an administrator can.
    #[must_use]
    pub fn disable(mut self, command: impl Into<String>) -> Self {
        self.disabled.insert(command.into());
        self
    }

    /// Sets the name.
    #[must_use]
    pub fn host_name(mut self, name: impl Into<String>) -> Self {
        self.host_name = name.into();
        self
    }

    /// Sets the operating system that it says it runs.
    #[must_use]
    pub fn os(mut self, os: GuestOSInfo) -> Self {
        self.os = os;
        self
    }

    /// Sets the time zone.
    #[must_use]
    pub fn timezone(mut self, timezone: GuestTimezone) -> Self {
        self.timezone = timezone;
        self
    }

    /// Logs a user in, or changes one who is.
    #[must_use]
    pub fn user(mut self, user: GuestUser) -> Self {
        self = self.account(&user.user);
        put(&mut self.users, user, |user| &user.user);
        self
    }

    /// Adds a network interface, or changes the one of this name.
    #[must_use]
    pub fn interface(mut self, interface: GuestNetworkInterface) -> Self {
        put(&mut self.interfaces, interface, |interface| &interface.name);
        self
    }

    /// Sets the routes of its network.
    #[must_use]
    pub fn routes(mut self, routes: Vec<GuestNetworkRoute>) -> Self {
        self.routes = routes;
        self
    }

    /// Adds a file system, or changes the one that is mounted there. Its kind decides whether it can be frozen, as on
    /// Linux: ext4 and XFS can, FAT, network and memory file systems cannot. So it does whether it can be trimmed, which
    /// FAT can be, too.
    #[must_use]
    pub fn file_system(mut self, file_system: GuestFilesystemInfo) -> Self {
        put(&mut self.file_systems, file_system, |file_system| &file_system.mountpoint);
        self
    }

    /// Freezes all its file systems, as if a client had. Those that are added later are not frozen.
    #[must_use]
    pub fn frozen(mut self) -> Self {
        self.freeze(|_| true);
        self
    }

    /// Adds a disk or partition, or changes the one of this name.
    #[must_use]
    pub fn disk(mut self, disk: GuestDiskInfo) -> Self {
        put(&mut self.disks, disk, |disk| &disk.name);
        self
    }

    /// Makes a directory, and those that lead to it.
    #[must_use]
    pub fn directory(mut self, path: &str) -> Self {
        self.files.put(path, Node::new(Content::Directory));
        self
    }

    /// Makes a file, and the directories that lead to it.
    #[must_use]
    pub fn file(mut self, path: &str, content: impl Into<Vec<u8>>) -> Self {
        self.files.put(path, Node::file(content.into()));
        self
    }

    /// Makes a file that can be run, and the directories that lead to it.
    #[must_use]
    pub fn program(mut self, path: &str, program: impl Into<Program>) -> Self {
        let content = Content::File { bytes: Vec::new(), program: Some(program.into()) };
        self.files.put(path, Node::new(content));
        self
    }

    /// Makes a symbolic link to `target`, which need not be there, and the directories that lead to it.
    #[must_use]
    pub fn link(mut self, path: &str, target: &str) -> Self {
        self.files.put(path, Node::new(Content::Link(target.to_owned())));
        self
    }

    /// Makes a device that is empty and takes all that is written, as `/dev/null` does, which is there on Linux.
    #[must_use]
    pub fn device(mut self, path: &str) -> Self {
        self.files.put(path, Node::new(Content::Device));
        self
    }

    /// Sets the permissions of a file or directory, at most 0o7777. What is not there has none.
    #[must_use]
    pub fn mode(mut self, path: &str, mode: u32) -> Self {
        let _ = self.files.set_mode(path, mode);
        self
    }

    /// Sets how many bytes fit on its disk beside the files that it has so far, at most 1 GiB with them, and who is told
    /// when no more do.
    #[must_use]
    pub fn disk_space(mut self, bytes: u64, full: Full) -> Self {
        self.files.set_space(bytes, full);
        self
    }

    /// Lets one `guest-file-write` take at most so many bytes, at least 1, however many it is given; it tells how many.
    #[must_use]
    pub fn short_writes(mut self, bytes: usize) -> Self {
        self.files.set_longest_write(bytes);
        self
    }
}

/// What can be asked of it.
impl Guest {
    /// Which agent it has.
    #[must_use]
    pub fn personality(&self) -> Personality {
        self.personality
    }

    /// Its files by path, programs among them, and what they hold.
    pub fn files(&self) -> impl Iterator<Item = (&str, &[u8])> {
        self.files.files()
    }

    /// How many files its agent has open.
    #[must_use]
    pub fn open_files(&self) -> usize {
        self.files.open_count()
    }

    /// What its file, directory or device at a path is. `None`: nothing is there.
    #[must_use]
    pub fn metadata(&self, path: &str) -> Option<Metadata> {
        self.files.get(path, LastLink::Keep).ok().map(Node::metadata)
    }

    /// How many programs that its agent has started run at a time, which is since 1970.
    #[must_use]
    pub fn running_programs(&self, now: Duration) -> usize {
        self.processes.count_running(now)
    }

    /// How many programs were started whose end nobody was told.
    #[must_use]
    pub fn untold_programs(&self) -> usize {
        self.processes.count()
    }
}

impl Guest {
    pub(crate) fn traits(&self) -> Traits {
        self.personality.traits()
    }

    pub(crate) fn is_windows(&self) -> bool {
        self.personality == Personality::Windows
    }

    /// How its agent reads and writes, when it has just been started.
    pub(crate) fn wire(&self) -> Wire {
        Wire::new(self.traits().framing, self.traits().ids)
    }

    pub(crate) fn is_going_down(&self) -> bool {
        self.supply.is_going_down()
    }

    /// When it changes by itself.
    pub(crate) fn next_change(&self) -> Option<Duration> {
        [self.supply.next_change(), self.freeze.ends_at()].into_iter().flatten().min()
    }

    /// The agent dies, and another is started: what only it knew is gone. That the guest is frozen is written down.
    pub(crate) fn restart_agent(&mut self) {
        self.files.close_all();
        self.processes = Processes::new();
        self.has_lost_descriptor = false;
    }
}

/// Replaces the element that has the same key, or adds one.
fn put<T>(list: &mut Vec<T>, element: T, key: impl Fn(&T) -> &String) {
    match list.iter_mut().find(|old| key(old) == key(&element)) {
        Some(old) => *old = element,
        None => list.push(element),
    }
}

impl Default for Guest {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Guest {
    /// Without files and programs: they may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guest")
            .field("version", &self.version)
            .field("host_name", &self.host_name)
            .finish_non_exhaustive()
    }
}
