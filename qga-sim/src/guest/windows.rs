//! What a guest with Windows is made of.

use qga_proto::owned::{
    GuestDeviceId, GuestDeviceIdPCI, GuestDeviceInfo, GuestFilesystemInfo, GuestOSInfo, GuestUser,
};

use crate::files::{Content, Files, Node};
use crate::guest::Guest;

const GIB: u64 = 1 << 30;

impl Guest {
    /// Makes it a machine with Windows.
    pub(super) fn furnish_windows(mut self) -> Self {
        self.host_name = "WIN-GUEST".into();
        self.os = os();
        self.file_systems = vec![file_system()];
        self.routes.clear();
        self.disk_stats.clear();
        self.devices = devices();
        self.environment = vec![r"PATH=C:\Windows\System32;C:\Windows".into()];
        self.files = Files::with_drives();
        for path in [r"C:\Windows\System32", r"C:\Windows\Temp", r"C:\Users\Administrator"] {
            self.files.put(path, Node::new(Content::Directory));
        }
        for name in self.interfaces.iter_mut().map(|interface| &mut interface.name) {
            *name = if name == "lo" { "Loopback Pseudo-Interface 1".into() } else { "Ethernet".into() };
        }
        let mut alice = GuestUser::new("alice", 1_767_254_400.25);
        alice.domain = Some("WIN-GUEST".into());
        self.users = vec![alice];
        self.account_at("Administrator", r"C:\Users\Administrator").account_at("alice", r"C:\Users\alice")
    }
}

fn os() -> GuestOSInfo {
    let mut os = GuestOSInfo::new();
    os.kernel_release = Some("20348".into());
    os.kernel_version = Some("10.0".into());
    os.machine = Some("x86_64".into());
    os.id = Some("mswindows".into());
    os.name = Some("Microsoft Windows".into());
    os.pretty_name = Some("Windows Server 2022 Standard".into());
    os.version = Some("Microsoft Windows Server 2022".into());
    os.version_id = Some("2022".into());
    os.variant = Some("server".into());
    os.variant_id = Some("server".into());
    os
}

fn file_system() -> GuestFilesystemInfo {
    let name = r"\\?\Volume{6b3f0c1e-0000-0000-0000-100000000000}\";
    let mut volume = GuestFilesystemInfo::new(name, r"C:\", "NTFS", vec![]);
    (volume.used_bytes, volume.total_bytes) = (Some(14 * GIB), Some(40 * GIB));
    volume
}

fn devices() -> Vec<GuestDeviceInfo> {
    let device = |name: &str, device_id| {
        let mut device = GuestDeviceInfo::new(name);
        device.driver_date = Some(1_718_150_400_000_000_000);
        device.driver_version = Some("100.95.104.26200".into());
        device.id = Some(GuestDeviceId::Pci(GuestDeviceIdPCI::new(0x1AF4, device_id)));
        device
    };
    vec![device("Red Hat VirtIO Ethernet Adapter", 0x1000), device("VirtIO Serial Driver", 0x1003)]
}
