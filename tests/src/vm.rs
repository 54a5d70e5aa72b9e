//! A virtual machine with real agents in it, started for one test and ended with it: for what an agent must never do to the
//! machine of the test itself.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::needs;

mod monitor;
pub use monitor::Monitor;

/// A running virtual machine, emulated in software. It boots for some seconds, in which nobody answers on its channels.
///
/// It has two file systems that can be frozen, at `/srv` and `/data`. What is written there is gone with it.
pub struct Vm {
    monitor: Monitor,
    qemu: Qemu,
}

/// The process and its files, which go together.
struct Qemu {
    process: Child,
    folder: PathBuf,
}

/// What the kernel is told; what is to be on the channels comes after it. On a busy machine it would take the emulated timer
/// for a broken one.
pub const COMMAND_LINE: &str = "console=ttyS0 quiet no_timer_check";

/// How long QEMU may take to start, and to end.
const PATIENCE: Duration = Duration::from_secs(60);

impl Vm {
    /// Powers a virtual machine on that has an agent on each of its two channels, and does not wait for them.
    ///
    /// # Panics
    ///
    /// When there is no QEMU, or nothing to boot from: `./test` sees to both.
    #[must_use]
    pub fn start() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);

        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("qga-vm-{}-{count}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder for the virtual machine");
        let mut qemu = Qemu { process: spawn(&folder), folder };
        let limit = Instant::now() + PATIENCE;
        let monitor = loop {
            // Its other sockets are there by the time that the monitor speaks.
            if let Ok(monitor) = Monitor::connect(&qemu.folder.join("monitor")) {
                break monitor;
            }
            let ended = qemu.process.try_wait().expect("a child");
            assert!(ended.is_none() && Instant::now() < limit, "QEMU does not start");
            thread::sleep(Duration::from_millis(10));
        };
        Self { monitor, qemu }
    }

    /// The address of the host's end of the virtio-serial port.
    #[must_use]
    pub fn virtio(&self) -> String {
        self.address("virtio")
    }

    /// The address of the host's end of the serial line.
    #[must_use]
    pub fn serial(&self) -> String {
        self.address("serial")
    }

    /// QEMU's monitor.
    pub fn monitor(&mut self) -> &mut Monitor {
        &mut self.monitor
    }

    /// Waits until QEMU has ended by itself.
    ///
    /// # Panics
    ///
    /// When it does not.
    #[track_caller]
    pub fn ended(&mut self) -> ExitStatus {
        let limit = Instant::now() + PATIENCE;
        loop {
            if let Some(status) = self.qemu.process.try_wait().expect("a child") {
                return status;
            }
            assert!(Instant::now() < limit, "QEMU does not end");
            thread::sleep(Duration::from_millis(10));
        }
    }

    fn address(&self, channel: &str) -> String {
        format!("unix:{}", self.qemu.folder.join(channel).display())
    }
}

impl Drop for Qemu {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the virtual machine said: {}", log(&self.folder));
        }
        // All fail only when there is nothing left to do.
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

fn spawn(folder: &Path) -> Child {
    let disk = needs::made("vm/disk");
    // What is written goes to a temporary file.
    let drive = format!("file={},format=raw,if=virtio,snapshot=on", disk.display());
    let socket = |name| format!("socket,id={name},path={},server=on,wait=off", folder.join(name).display());
    let output = fs::File::create(folder.join("output")).expect("a file for what QEMU says");
    Command::new(needs::program("qemu-system-x86_64", "qemu-system-x86"))
        .args(["-nodefaults", "-no-user-config", "-display", "none"])
        // There are machines on which what /dev/kvm promises does not work.
        .args(["-accel", "tcg", "-cpu", "qemu64", "-m", "256", "-machine", "pc,hpet=off"])
        .arg("-kernel")
        .arg(needs::made("vm/vmlinuz"))
        .arg("-initrd")
        .arg(needs::made("vm/initramfs"))
        .args(["-append", &format!("{COMMAND_LINE} agents=virtio,serial")])
        .args(["-chardev", &socket("monitor"), "-mon", "chardev=monitor,mode=control"])
        .args(["-serial", &format!("file:{}", folder.join("console").display())])
        .args(["-chardev", &socket("serial"), "-serial", "chardev:serial"])
        .args(["-chardev", &socket("virtio"), "-device", "virtio-serial-pci"])
        // Without an id there are no events about the port.
        .args(["-device", "virtserialport,id=agent,chardev=virtio,name=org.qemu.guest_agent.0"])
        .args(["-drive", &drive, "-drive", &drive])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(output)
        .spawn()
        .expect("QEMU starts")
}

/// What QEMU has said, and its guest on the console.
fn log(folder: &Path) -> String {
    let read = |name| fs::read(folder.join(name)).unwrap_or_default();
    String::from_utf8_lossy(&[read("output"), read("console")].concat()).into_owned()
}
