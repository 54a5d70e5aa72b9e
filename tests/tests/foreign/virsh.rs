//! libvirt, in a process of its own: `virsh` with the driver for QEMU in it, and no daemon.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use qga_tests::needs;
use tempfile::TempDir;

/// A `virsh` that carries out one command after the other.
pub(crate) struct Virsh {
    process: Child,
    input: ChildStdin,
    lines: Receiver<String>,
    commands: u32,
    folder: TempDir,
}

/// How long a command may take.
const LIMIT: Duration = Duration::from_secs(180);

/// How libvirt runs QEMU: without anything that the system would have to have for it.
const CONFIGURATION: &str = r#"
security_driver = "none"
dynamic_ownership = 0
remember_owner = 0
cgroup_controllers = []
namespaces = []
stdio_handler = "file"
"#;

/// And as the same user, if that is root. Others have no choice.
const AS_ROOT: &str = r#"
user = "root"
group = "root"
"#;

impl Virsh {
    /// Starts it, in a folder of its own.
    ///
    /// # Panics
    ///
    /// When there is no libvirt: `./test` installs it.
    pub(crate) fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let root = folder.path();
        fs::create_dir(root.join("etc")).expect("a folder");
        let is_root = fs::metadata(root).expect("a folder").uid() == 0;
        let configuration = [CONFIGURATION, if is_root { AS_ROOT } else { "" }].concat();
        fs::write(root.join("etc/qemu.conf"), configuration).expect("a file");
        // What it finds out about QEMU, which takes it seconds.
        symlink(needs::made("vm/libvirt"), root.join("cache")).expect("a link");
        let mut process = Command::new(needs::program("virsh", "libvirt-clients"))
            .args(["-c", &format!("qemu:///embed?root={}", root.display())])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(File::create(root.join("errors")).expect("a file"))
            .spawn()
            .expect("virsh starts");
        let input = process.stdin.take().expect("a pipe");
        let output = BufReader::new(process.stdout.take().expect("a pipe"));
        let (sender, lines) = channel();
        thread::spawn(move || {
            let lines = output.lines().map_while(Result::ok);
            // Nobody listens any more when the test has ended.
            lines.for_each(|line| drop(sender.send(line)));
        });
        let mut virsh = Self { process, input, lines, commands: 0, folder };
        virsh.ok("version");
        virsh
    }

    /// Carries out a command that must go well; gives what it prints.
    #[track_caller]
    pub(crate) fn ok(&mut self, command: &str) -> String {
        self.run(command).unwrap_or_else(|errors| panic!("{command}: {errors}"))
    }

    /// Carries out a command that must fail; gives what it says of it.
    #[track_caller]
    pub(crate) fn fails(&mut self, command: &str) -> String {
        self.run(command).expect_err(command)
    }

    /// Carries out a command again and again until it goes well, or fails.
    #[track_caller]
    pub(crate) fn until(&mut self, command: &str, goes_well: bool) {
        let limit = Instant::now() + LIMIT;
        loop {
            let result = self.run(command);
            if result.is_ok() == goes_well {
                return;
            }
            assert!(Instant::now() < limit, "{command}: {result:?}");
            thread::sleep(Duration::from_millis(100));
        }
    }

    /// Free for the test's own files.
    pub(crate) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends a virtual machine as if its power had failed.
    pub(crate) fn cut_power(root: &Path, name: &str) {
        // One that has ended has no such file.
        if let Ok(pid) = fs::read_to_string(root.join(format!("run/qemu/{name}.pid"))) {
            let _ = Command::new("kill").arg(pid.trim()).status();
        }
    }

    /// Gives what a command prints, or the errors.
    #[track_caller]
    fn run(&mut self, command: &str) -> Result<String, String> {
        self.commands += 1;
        let end = format!("={}=", self.commands);
        let known = self.errors().len();
        writeln!(self.input, "{command}\necho {end}").expect("virsh reads");
        let limit = Instant::now() + LIMIT;
        let mut output = String::new();
        loop {
            let left = limit.saturating_duration_since(Instant::now());
            let Ok(line) = self.lines.recv_timeout(left) else {
                panic!(
                    "{command}: libvirt does not answer (./test prepares a system for it): {}",
                    self.errors()
                );
            };
            if line == end {
                break;
            }
            // It repeats what it has been given.
            if !line.is_empty() && !line.starts_with("virsh # ") {
                output.push_str(&line);
                output.push('\n');
            }
        }
        let errors = self.errors().split_off(known);
        // What it logs has another form.
        let errors: String = errors.lines().filter(|line| line.starts_with("error: ")).collect();
        if errors.is_empty() { Ok(output) } else { Err(errors) }
    }

    fn errors(&self) -> String {
        fs::read_to_string(self.folder().join("errors")).unwrap_or_default()
    }
}

impl Drop for Virsh {
    fn drop(&mut self) {
        // Virtual machines outlive it.
        for entry in fs::read_dir(self.folder().join("run/qemu")).into_iter().flatten().flatten() {
            if let Some(name) = entry.path().file_stem().and_then(|name| name.to_str()) {
                Self::cut_power(self.folder(), name);
            }
        }
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
