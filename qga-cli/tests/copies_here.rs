//! `qga cp` from a guest: what becomes of the files of here, also where two copies, links and long files are in the way.

mod common;

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver, Sender};
use std::time::Duration;

use common::{Agent, Answer, Folder, qga, ran, run, signal, sim, text, wait};
use qga_sim::Guest;
use qga_tests::real_agent::RealAgent;
use serde_json::json;

/// How long something may take to happen.
const LIMIT: Duration = Duration::from_secs(60);

/// An agent with one file for every path, which says when that is read, and waits until it may answer.
fn held_agent(base64: &'static str) -> (Agent, Receiver<()>, Sender<()>) {
    let (asked, is_asked) = mpsc::channel();
    let (go_on, may_go_on) = mpsc::channel();
    let agent = Agent::new(move |name| match name {
        "guest-file-open" => Answer::Return(json!(1000)),
        "guest-file-seek" => Answer::Return(json!({ "position": 0, "eof": false })),
        "guest-file-read" => {
            asked.send(()).unwrap();
            // Who has gone lets it go on, too.
            let _ = may_go_on.recv();
            Answer::Return(json!({ "count": base64.len() / 4 * 3, "buf-b64": base64, "eof": true }))
        }
        "guest-file-close" => Answer::Return(json!({})),
        _ => Answer::Refuse("CommandNotFound"),
    });
    (agent, is_asked, go_on)
}

fn start(address: &str, arguments: &[&str]) -> Child {
    let mut command = qga(&[&["-c", address, "-t", "60", "cp"], arguments].concat());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

/// The names of what is in a folder.
fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let mut names: Vec<_> = entries.map(|name| name.into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn two_copies_to_one_name_never_mix() {
    let folder = Folder::new();
    let target = folder.path().join("target");
    let (first, first_asked, first_may) = held_agent("Zmlyc3Rz");
    let (second, second_asked, second_may) = held_agent("c2Vjb25k");
    let one = start(&first.address(), &[":/file", &text(&target)]);
    first_asked.recv_timeout(LIMIT).unwrap();
    let other = start(&second.address(), &[":/file", &text(&target)]);
    second_asked.recv_timeout(LIMIT).unwrap();
    first_may.send(()).unwrap();
    let ran = wait(one);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(fs::read(&target).unwrap(), b"firsts");
    second_may.send(()).unwrap();
    let ran = wait(other);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(fs::read(&target).unwrap(), b"second");
    assert_eq!(names(folder.path()), ["target"]);
}

#[test]
fn two_copies_do_not_go_on_with_the_same_part() {
    let folder = Folder::new();
    let target = folder.path().join("target");
    let (agent, asked, may) = held_agent("c2Vjb25k");
    let one = start(&agent.address(), &["--resume", ":/file", &text(&target)]);
    asked.recv_timeout(LIMIT).unwrap();
    let line = run(&["-c", "sim:", "cp", "--resume", ":/etc/hosts", &text(&target)]).failed(1);
    assert!(line.contains("another copy") && line.contains("target.qga-part"), "{line}");
    assert_eq!(names(folder.path()), ["target.qga-part"]);
    drop(may);
    // It is verified by reading it once more.
    let ran = wait(one);
    assert_eq!((ran.code, ran.err.as_str()), (Some(0), ""));
    assert_eq!(fs::read(&target).unwrap(), b"second");
    assert_eq!(names(folder.path()), ["target"]);
}

#[test]
fn a_file_of_ones_own_that_looks_like_a_part_stays() {
    let folder = Folder::new();
    let _server = sim(&folder, Guest::new().file("/new", "new"));
    let (target, own) = (folder.path().join("target"), folder.path().join("target.qga-part"));
    fs::write(&own, "mine").unwrap();
    run(&["-c", &folder.address(), "cp", ":/new", &text(&target)]).ok();
    run(&["-c", &folder.address(), "cp", ":/none", &text(&target)]).failed(1);
    assert_eq!((fs::read(&own).unwrap(), fs::read(&target).unwrap()), (b"mine".to_vec(), b"new".to_vec()));
    assert_eq!(names(folder.path()), ["s", "target", "target.qga-part"]);

    // A link is not followed, and not removed.
    fs::remove_file(&own).unwrap();
    symlink(&target, &own).unwrap();
    run(&["-c", &folder.address(), "cp", "--resume", ":/new", &text(&target)]).failed(1);
    assert!(fs::symlink_metadata(&own).unwrap().is_symlink());
    assert_eq!(fs::read(&target).unwrap(), b"new");
}

#[test]
fn new_files_have_the_mode_that_the_umask_leaves() {
    let folder = Folder::new();
    let _server = sim(&folder, Guest::new().file("/new", "new"));
    for (umask, mode) in [("000", 0o666), ("027", 0o640), ("077", 0o600)] {
        for option in [None, Some("--resume")] {
            let path = folder.path().join(format!("{umask}{}", option.unwrap_or_default()));
            let script = format!("umask {umask}; exec \"$@\"");
            let mut command = Command::new("sh");
            command.args(["-c", &script, "sh", env!("CARGO_BIN_EXE_qga"), "-c", &folder.address(), "cp"]);
            ran(command.args(option).args([":/new", &text(&path)])).ok();
            assert_eq!(
                fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
                mode,
                "{umask} {option:?}"
            );
        }
    }
}

#[test]
fn trees_keep_the_modes_of_files() {
    let agent = RealAgent::start();
    let (there, back) = (agent.folder().join("tree"), agent.folder().join("back"));
    fs::create_dir_all(there.join("a")).unwrap();
    for (name, mode) in [("a/tool", 0o755), ("secret", 0o600), ("fixed", 0o444), ("odd", 0o4711)] {
        fs::write(there.join(name), name).unwrap();
        fs::set_permissions(there.join(name), fs::Permissions::from_mode(mode)).unwrap();
    }
    run(&["-c", &agent.address(), "cp", "-r", &format!(":{}", text(&there)), &text(&back)]).ok();
    let mode = |name| fs::metadata(back.join(name)).unwrap().permissions().mode() & 0o7777;
    // The umask of whoever runs this leaves the owner's, and takes none from the rest that is not there.
    assert_eq!((mode("a/tool") & 0o700, mode("a/tool") & !0o755), (0o700, 0));
    assert_eq!((mode("secret"), mode("fixed") & 0o333, mode("odd") & !0o711), (0o600, 0, 0));
    assert_eq!(fs::read(back.join("fixed")).unwrap(), b"fixed");
}

#[test]
fn trees_do_not_go_through_links_of_here() {
    for path in ["/srv/sub/file", "/srv/sub/deep/file", "/srv/a/sub/file"] {
        let folder = Folder::new();
        let _server = sim(&folder, Guest::new().file(path, "x"));
        let (outside, root) = (folder.path().join("outside"), folder.path().join("root"));
        fs::create_dir_all(&outside).unwrap();
        fs::create_dir_all(root.join("srv/a")).unwrap();
        for link in ["srv/sub", "srv/a/sub"] {
            symlink(&outside, root.join(link)).unwrap();
        }
        let line = run(&["-c", &folder.address(), "cp", "-r", ":/srv", &text(&root)]).failed(1);
        assert!(line.contains("sub is a link"), "{line}");
        assert!(names(&outside).is_empty(), "{path}");
    }
    // Where it goes is up to who runs it.
    let folder = Folder::new();
    let _server = sim(&folder, Guest::new().file("/srv/sub/file", "x"));
    let (real, link) = (folder.path().join("real"), folder.path().join("link"));
    fs::create_dir_all(&real).unwrap();
    symlink(&real, &link).unwrap();
    run(&["-c", &folder.address(), "cp", "-r", ":/srv", &text(&link)]).ok();
    assert_eq!(fs::read(real.join("srv/sub/file")).unwrap(), b"x");
}

#[test]
fn no_more_is_taken_than_is_wanted() {
    let folder = Folder::new();
    let guest = Guest::new().file("/srv/a", [b'a'; 200_000]).file("/srv/b", [b'b'; 200_000]);
    let server = sim(&folder, guest);
    let address = folder.address();
    let qga = |arguments: &[&str]| run(&[&["-c", &address], arguments].concat());
    let target = text(&folder.path().join("target"));
    let line = qga(&["cp", "--max", "199999", ":/srv/a", &target]).failed(1);
    assert!(
        line.contains("/srv/a") && line.contains("more than 195.3 KiB") && line.contains("--max"),
        "{line}"
    );
    assert_eq!(names(folder.path()), ["s"]);
    qga(&["cp", "--max", "200000", ":/srv/a", &target]).ok();
    // Of many files it is the sum.
    let tree = text(&folder.path().join("tree"));
    let line = qga(&["cp", "-r", "--max", "300k", ":/srv", &tree]).failed(1);
    assert!(line.contains("/srv/b") && line.contains("--max"), "{line}");
    assert_eq!(names(&folder.path().join("tree")), ["a"]);
    qga(&["cp", "-r", "--max", "400000", ":/srv", &tree]).ok();
    for options in [&["cat", "--max", "300k"][..], &["--json", "cat", "--max", "300k"]] {
        let ran = qga(&[options, &["/srv/a", "/srv/b"]].concat());
        assert!(ran.code == Some(1) && ran.err.contains("--max"), "{}", ran.err);
    }
    let ran = qga(&["--json", "cat", "--max", "1M", "/srv/a", "/srv/b"]);
    assert_eq!(ran.code, Some(0), "{}", ran.err);
    // A part is no loss to who goes on with more.
    let resumed = text(&folder.path().join("resumed"));
    let line = qga(&["cp", "--resume", "--max", "1k", ":/srv/a", &resumed]).failed(1);
    assert!(line.contains("--max"), "{line}");
    qga(&["cp", "--resume", "--max", "1M", ":/srv/a", &resumed]).ok();
    for words in [&["cp", "--max", "1k", "x", ":/y"][..], &["cp", "--max", "much", ":/x", "y"]] {
        let line = qga(words).failed(2);
        assert!(line.contains("--max"), "{line}");
    }
    assert_eq!(server.guest().open_files(), 0);
}

#[test]
fn a_copy_that_is_stopped_leaves_what_was_there() {
    let folder = Folder::new();
    let target = folder.path().join("target");
    fs::write(&target, "old").unwrap();
    let (agent, asked, _may) = held_agent("c2Vjb25k");
    let mut command = common::qga_heeding_signals(&["-c", &agent.address(), "-t", "60", "cp", ":/file"]);
    let child = command.arg(&target).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    asked.recv_timeout(LIMIT).unwrap();
    signal(&child, "TERM");
    let ran = wait(child);
    assert_eq!((ran.code, ran.err.as_str()), (Some(143), ""));
    assert_eq!(
        (fs::read(&target).unwrap(), names(folder.path())),
        (b"old".to_vec(), vec!["target".to_owned()])
    );
}

#[test]
fn what_a_link_leads_to_is_replaced_when_the_copy_is_whole() {
    let folder = Folder::new();
    let _server = sim(&folder, Guest::new().file("/new", "new"));
    fs::create_dir(folder.path().join("far")).unwrap();
    let (target, link) = (folder.path().join("far/target"), folder.path().join("link"));
    fs::write(&target, "old").unwrap();
    symlink("far/target", &link).unwrap();
    run(&["-c", &folder.address(), "cp", ":/none", &text(&link)]).failed(1);
    assert_eq!(fs::read(&target).unwrap(), b"old");
    for option in [&[][..], &["--resume"]] {
        fs::write(&target, "old").unwrap();
        let out = run(&[&["-c", &folder.address(), "cp"], option, &[":/new", &text(&link)]].concat()).ok();
        assert!(!out.contains("where it is"), "{out}");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        assert_eq!(fs::read(&target).unwrap(), b"new");
    }
    assert_eq!(names(folder.path()), ["far", "link", "s"]);
    assert_eq!(names(&folder.path().join("far")), ["target"]);
}

#[test]
fn pipes_are_written_where_they_are_and_that_is_told() {
    let folder = Folder::new();
    let _server = sim(&folder, Guest::new().file("/new", "new"));
    let fifo = folder.path().join("fifo");
    assert!(Command::new("mkfifo").arg(&fifo).status().unwrap().success());
    let line = run(&["-c", &folder.address(), "cp", "--resume", ":/new", &text(&fifo)]).failed(1);
    assert!(line.contains("no regular file"), "{line}");
    let reader = {
        let fifo = fifo.clone();
        std::thread::spawn(move || fs::read(fifo).unwrap())
    };
    let out = run(&["-c", &folder.address(), "cp", ":/new", &text(&fifo)]).ok();
    assert!(out.contains("written where it is, as what is there is no regular file"), "{out}");
    assert_eq!(reader.join().unwrap(), b"new");
}

#[test]
fn what_the_guest_sends_keeps_the_owner_and_runs_as_nobody_else() {
    let folder = Folder::new();
    let _server = sim(&folder, Guest::new().file("/new", "new"));
    let target = folder.path().join("target");
    for option in [&[][..], &["--resume"]] {
        fs::write(&target, "old").unwrap();
        // Only root can give files away. Anybody else keeps what is theirs.
        let is_root = rustix::process::geteuid().is_root();
        if is_root {
            chown(&target, Some(12_345), Some(23_456)).unwrap();
        }
        fs::set_permissions(&target, fs::Permissions::from_mode(0o6754)).unwrap();
        let before = fs::metadata(&target).unwrap();
        run(&[&["-c", &folder.address(), "cp"], option, &[":/new", &text(&target)]].concat()).ok();
        let there = fs::metadata(&target).unwrap();
        assert_eq!((there.uid(), there.gid()), (before.uid(), before.gid()));
        assert_eq!((there.mode() & 0o7777, fs::read(&target).unwrap()), (0o754, b"new".to_vec()));
    }
}

#[test]
fn resuming_leaves_alone_what_is_no_part_of_a_copy() {
    let folder = Folder::new();
    let _server = sim(&folder, Guest::new().file("/new", "new"));
    let (target, part) = (folder.path().join("target"), folder.path().join("target.qga-part"));
    let resume = || run(&["-c", &folder.address(), "cp", "--resume", ":/new", &text(&target)]).failed(1);
    // One is of another file, one is longer.
    for content in ["mi", "mine, and longer"] {
        fs::write(&part, content).unwrap();
        let line = resume();
        assert!(line.contains("target.qga-part") && line.contains("remove"), "{line}");
        assert_eq!(fs::read(&part).unwrap(), content.as_bytes());
        assert!(!target.exists());
        fs::remove_file(&part).unwrap();
    }
    let other = folder.path().join("other");
    fs::write(&other, "ne").unwrap();
    fs::set_permissions(&other, fs::Permissions::from_mode(0o644)).unwrap();
    fs::hard_link(&other, &part).unwrap();
    let line = resume();
    assert!(line.contains("no part of a copy of yours"), "{line}");
    assert_eq!(fs::metadata(&other).unwrap().mode() & 0o777, 0o644);
    assert_eq!(fs::read(&other).unwrap(), b"ne");
    fs::remove_file(&part).unwrap();
    if rustix::process::geteuid().is_root() {
        fs::write(&part, "ne").unwrap();
        chown(&part, Some(12_345), None).unwrap();
        let line = resume();
        assert!(line.contains("no part of a copy of yours"), "{line}");
        fs::remove_file(&part).unwrap();
    }
    fs::write(&part, "ne").unwrap();
    run(&["-c", &folder.address(), "cp", "--resume", ":/new", &text(&target)]).ok();
    assert_eq!(fs::read(&target).unwrap(), b"new");
}

#[test]
fn names_may_be_as_long_as_they_can_be_and_have_backslashes() {
    let folder = Folder::new();
    let (long, odd) = ("\u{e9}".repeat(127), "a\\b");
    let guest = Guest::new().file(&format!("/{long}"), "long").file(&format!("/{odd}"), "odd");
    let _server = sim(&folder, guest);
    let into = folder.path().join("into");
    fs::create_dir(&into).unwrap();
    for (name, option) in [(&*long, &[][..]), (&*long, &["--resume"]), (odd, &[])] {
        let from = format!(":/{name}");
        run(&[&["-c", &folder.address(), "cp"], option, &[from.as_str(), &text(&into)]].concat()).ok();
        assert_eq!(names(&into), [name]);
        fs::remove_file(into.join(name)).unwrap();
    }
}
