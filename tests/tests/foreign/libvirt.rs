//! libvirt, with the simulated guest in the place of the agent of a virtual machine. It syncs without 0xFF, when it connects
//! and after each command that took too long, and sends no `id`.

use std::fs;
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use qga_sim::{Fault, FaultKind, Guest, Personality, Power, Sim};
use qga_tests::needs;
use qga_tests::vm::COMMAND_LINE;

use crate::guest::Served;
use crate::relay::relay;
use crate::virsh::Virsh;

/// A virtual machine of libvirt's, and the guest that libvirt takes for the one in it.
struct Domain {
    name: String,
    guest: Served,
}

#[test]
fn libvirt_drives_the_simulated_guest() {
    let mut virsh = Virsh::start();
    // They boot at the same time.
    let domains = [Personality::Qemu7, Personality::Qemu10, Personality::Qemu11]
        .map(|personality| Domain::start(&mut virsh, personality));
    for Domain { name, guest } in &domains {
        println!("{name}");
        virsh.until(&format!("domhostname {name} --source agent"), true);
        tells_what_it_is(&mut virsh, name);
        freezes(&mut virsh, name);
        sets_its_clock(&mut virsh, name);
        sets_passwords_and_keys(&mut virsh, name, guest);
        takes_processors_out(&mut virsh, name);
        is_late(&mut virsh, name);
        shuts_down(&mut virsh, name, guest);
    }
}

impl Domain {
    fn start(virsh: &mut Virsh, personality: Personality) -> Self {
        let name = personality.to_string();
        let guest = Guest::with(personality).host_name("build-7");
        let slow = Fault::new(FaultKind::Delay(Duration::from_secs(2))).of("guest-get-users").nth(2);
        let guest = Served::new(Sim::new(guest).fault(slow));
        let channel = virsh.folder().join(format!("{name}.socket"));
        relay(&channel, guest.socket());
        let file = virsh.folder().join(format!("{name}.xml"));
        fs::write(&file, definition(&name, &channel)).expect("a file");
        virsh.ok(&format!("create {}", file.display()));
        Self { name, guest }
    }
}

/// A virtual machine whose guest opens the agent's port and does nothing else.
fn definition(name: &str, channel: &Path) -> String {
    let qemu = needs::program("qemu-system-x86_64", "qemu-system-x86");
    let [kernel, initramfs] = ["vm/vmlinuz", "vm/initramfs"].map(needs::made);
    format!(
        "<domain type='qemu'>
          <name>{name}</name>
          <memory unit='MiB'>256</memory>
          <vcpu>1</vcpu>
          <os>
            <type arch='x86_64' machine='pc'>hvm</type>
            <kernel>{}</kernel>
            <initrd>{}</initrd>
            <cmdline>{COMMAND_LINE} agents=hold</cmdline>
          </os>
          <features><acpi/></features>
          <cpu mode='custom' match='exact'><model>qemu64</model></cpu>
          <devices>
            <emulator>{}</emulator>
            <controller type='usb' model='none'/>
            <memballoon model='none'/>
            <channel type='unix'>
              <source mode='connect' path='{}'/>
              <target type='virtio' name='org.qemu.guest_agent.0'/>
            </channel>
          </devices>
        </domain>",
        kernel.display(),
        initramfs.display(),
        qemu.display(),
        channel.display(),
    )
}

/// Whether there is a line of these words.
#[track_caller]
fn assert_line(output: &str, words: &str) {
    let wanted: Vec<_> = words.split_whitespace().collect();
    let is_there = output.lines().any(|line| line.split_whitespace().eq(wanted.iter().copied()));
    assert!(is_there, "no line {words:?} in\n{output}");
}

fn tells_what_it_is(virsh: &mut Virsh, name: &str) {
    assert_line(&virsh.ok(&format!("domhostname {name} --source agent")), "build-7");
    let info = virsh.ok(&format!("guestinfo {name}"));
    for line in [
        "user.0.name : alice",
        "os.id : debian",
        "os.pretty-name : Debian GNU/Linux 13 (trixie)",
        "timezone.offset : 0",
        "hostname : build-7",
        "fs.count : 2",
        "fs.0.mountpoint : /",
        "fs.0.fstype : ext4",
        "fs.0.total-bytes : 19327352832",
        "fs.0.disk.0.serial : root",
        "disk.count : 3",
        "disk.1.dependency.0.name: /dev/vda",
        "if.1.hwaddr : 52:54:00:12:34:56",
        "if.1.addr.0.addr : 192.0.2.15",
    ] {
        assert_line(&info, line);
    }
    let addresses = virsh.ok(&format!("domifaddr {name} --source agent"));
    assert_line(&addresses, "lo 00:00:00:00:00:00 ipv4 127.0.0.1/8");
    assert_line(&addresses, "eth0 52:54:00:12:34:56 ipv4 192.0.2.15/24");
    let refusal = virsh.fails(&format!("qemu-agent-command {name} '{{\"execute\": \"guest-nope\"}}'"));
    assert!(refusal.contains("The command guest-nope has not been found"), "{refusal}");
}

fn freezes(virsh: &mut Virsh, name: &str) {
    let status = format!("qemu-agent-command {name} '{{\"execute\": \"guest-fsfreeze-status\"}}'");
    assert_line(&virsh.ok(&format!("domfsfreeze {name}")), "Froze 1 filesystem(s)");
    assert_line(&virsh.ok(&status), r#"{"return":"frozen"}"#);
    let refusal = virsh.fails(&format!("domfsinfo {name}"));
    assert!(refusal.contains("has been disabled"), "{refusal}");
    assert_line(&virsh.ok(&format!("domfsthaw {name}")), "Thawed 1 filesystem(s)");
    assert_line(&virsh.ok(&status), r#"{"return":"thawed"}"#);
    let file_systems = virsh.ok(&format!("domfsinfo {name}"));
    assert_line(&file_systems, "/ vda1 ext4");
    assert_line(&file_systems, "/boot/efi vda15 vfat");
    virsh.ok(&format!("domfstrim {name}"));
}

fn sets_its_clock(virsh: &mut Virsh, name: &str) {
    virsh.ok(&format!("domtime {name} --time 1000000000"));
    let time = virsh.ok(&format!("domtime {name}"));
    let seconds = time.trim().strip_prefix("Time: ").expect("a time").parse().expect("a number");
    assert!((1_000_000_000..1_000_000_060).contains(&seconds), "{seconds}");
}

fn sets_passwords_and_keys(virsh: &mut Virsh, name: &str, guest: &Served) {
    virsh.ok(&format!("set-user-password {name} alice secret"));
    assert!(guest.handle.guest().has_password("alice", b"secret", false));
    virsh.ok(&format!("set-user-password {name} alice '$6$hash' --encrypted"));
    assert!(guest.handle.guest().has_password("alice", b"$6$hash", true));
    let refusal = virsh.fails(&format!("set-user-password {name} nobody secret"));
    assert!(refusal.contains("guest-set-user-password"), "{refusal}");

    let file = virsh.folder().join("keys");
    fs::write(&file, "ssh-ed25519 AAAA alice@example\n").expect("a file");
    virsh.ok(&format!("set-user-sshkeys {name} alice --file {}", file.display()));
    assert_line(&virsh.ok(&format!("get-user-sshkeys {name} alice")), "ssh-ed25519 AAAA alice@example");
}

fn takes_processors_out(virsh: &mut Virsh, name: &str) {
    let processors = virsh.ok(&format!("guestvcpus {name}"));
    assert_line(&processors, "online : 0-1");
    assert_line(&processors, "offlinable : 1");
    virsh.ok(&format!("guestvcpus {name} --cpulist 1 --disable"));
    assert_line(&virsh.ok(&format!("guestvcpus {name}")), "online : 0");
}

/// An answer that comes after its time is not taken for another one's.
fn is_late(virsh: &mut Virsh, name: &str) {
    let users = format!("qemu-agent-command {name} --timeout 1 '{{\"execute\": \"guest-get-users\"}}'");
    let error = virsh.fails(&users);
    assert!(error.contains("not responding"), "{error}");
    assert_line(&virsh.ok(&format!("domhostname {name} --source agent")), "build-7");
    assert!(virsh.ok(&users).contains(r#""user":"alice""#));
}

/// libvirt waits for the end of the virtual machine, which here is not the guest's own.
fn shuts_down(virsh: &mut Virsh, name: &str, guest: &Served) {
    thread::scope(|scope| {
        let folder = virsh.folder().to_owned();
        scope.spawn(move || {
            let limit = Instant::now() + Duration::from_secs(20);
            while guest.handle.power() != Power::Off {
                assert!(Instant::now() < limit, "it does not shut down");
                thread::sleep(Duration::from_millis(20));
            }
            Virsh::cut_power(&folder, name);
        });
        virsh.ok(&format!("shutdown {name} --mode agent"));
    });
    assert_eq!(guest.handle.power(), Power::Off);
    // It is forgotten when it has ended.
    virsh.until(&format!("domstate {name}"), false);
}
