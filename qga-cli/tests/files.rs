//! `qga cp`, `cat`, `ls`, `stat` and `rm`, with the simulated guest and with a real agent.

mod common;

use std::fs;
use std::io::Write;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::process::Stdio;

use common::{Folder, qga, run, sim, text};
use qga_sim::{Guest, Invocation, Program, Run, ServerHandle};
use qga_tests::bytes::bytes;
use qga_tests::real_agent::RealAgent;
use serde_json::{Value, json};

fn content(server: &ServerHandle, path: &str) -> Option<Vec<u8>> {
    let guest = server.guest();
    guest.files().find(|(at, _)| *at == path).map(|(_, content)| content.to_vec())
}

#[test]
fn a_file_goes_to_the_guest_and_comes_back() {
    let folder = Folder::new();
    let server = sim(&folder, Guest::new().directory("/srv"));
    let (address, here, back) = (folder.address(), folder.path().join("here"), folder.path().join("back"));
    fs::write(&here, bytes(300_000)).unwrap();
    fs::set_permissions(&here, fs::Permissions::from_mode(0o640)).unwrap();
    let out = run(&["-c", &address, "cp", "--verify", &text(&here), ":/srv"]).ok();
    assert_eq!(out, "copied 293.0 KiB; verified by sha256sum\n");
    assert_eq!(content(&server, "/srv/here"), Some(bytes(300_000)));
    assert_eq!(server.guest().metadata("/srv/here").map(|there| there.mode), Some(0o640));
    let document = run(&["-c", &address, "--json", "cp", ":/srv/here", &text(&back)]).json();
    assert_eq!(document["bytes"], 300_000);
    assert_eq!((&document["verified_by"], &document["in_place"]), (&Value::Null, &Value::Null));
    assert_eq!(fs::read(&back).unwrap(), bytes(300_000));
    assert_eq!(server.guest().open_files(), 0);
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert!(!left.iter().any(|name| text(Path::new(name)).contains("part")), "{left:?}");
}

#[test]
fn streams_are_copied_as_they_are() {
    let folder = Folder::new();
    let server = sim(&folder, Guest::new().file("/bin/odd", b"\x1b[2J\xff\0".to_vec()));
    let address = folder.address();
    for arguments in [["cp", ":/bin/odd", "-"].as_slice(), &["cat", "/bin/odd"], &["cat", ":/bin/odd"]] {
        let output = qga(&[&["-c", &address], arguments].concat()).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        assert_eq!(output.stdout, b"\x1b[2J\xff\0");
    }
    let mut command = qga(&["-c", &address, "cp", "-", ":/new"]);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(b"from a pipe").unwrap();
    assert!(child.wait().unwrap().success());
    assert_eq!(content(&server, "/new").as_deref(), Some(&b"from a pipe"[..]));
    let document = run(&["-c", &address, "--json", "cat", "/bin/odd", "/new"]).json();
    assert_eq!(
        document,
        json!([
            { "path": "/bin/odd", "base64": "G1sySv8A" },
            { "path": "/new", "text": "from a pipe" },
        ])
    );
}

#[test]
fn what_makes_no_sense_is_refused_before_anything_is_done() {
    let folder = Folder::new();
    for (arguments, wanted) in [
        (["cp", ":/a", ":/b"].as_slice(), "both"),
        (&["cp", "a", "b"], "neither"),
        (&["cp", "-", "-"], "neither"),
        (&["cp", "-r", ":/a", "-"], "standard output"),
        (&["cp", ":", "b"], "source"),
        (&["cp", "-r", "--resume", "a", ":/b"], "--resume"),
    ] {
        let ran = run(&[&["-c", &folder.address()], arguments].concat());
        assert_eq!(ran.code, Some(2), "{arguments:?}: {}", ran.err);
        assert!(ran.err.contains(wanted), "{arguments:?}: {}", ran.err);
    }
    let ran = run(&["-c", &folder.address(), "cp", &text(folder.path()), ":/b"]);
    assert!(ran.code == Some(2) && ran.err.contains("-r"), "{}", ran.err);
}

#[test]
fn files_are_listed_and_removed() {
    let folder = Folder::new();
    let guest = Guest::new().file("/srv/b\n\u{1b}c", "four").file("/srv/a/x", "").link("/srv/link", "a");
    let server = sim(&folder, guest);
    let address = folder.address();
    let listed = run(&["-c", &address, "--json", "ls", "/srv"]).json();
    let names: Vec<_> =
        listed.as_array().unwrap().iter().map(|entry| (&entry["name"], &entry["type"])).collect();
    assert_eq!(
        names,
        [
            (&json!("a"), &json!("directory")),
            (&json!("b\n\u{1b}c"), &json!("file")),
            (&json!("link"), &json!("link")),
        ]
    );
    assert_eq!((&listed[1]["size"], &listed[2]["target"]), (&json!(4), &json!("a")));
    let out = run(&["-c", &address, "ls", ":/srv"]).ok();
    assert!(out.contains("b\\n\\u{1b}c") && out.contains("link -> a") && !out.contains('\u{1b}'), "{out}");
    let one = run(&["-c", &address, "--json", "stat", "/srv/link", "/srv/a/x"]).json();
    assert_eq!((&one[0]["type"], &one[1]["name"]), (&json!("link"), &json!("/srv/a/x")));
    let failed = run(&["-c", &address, "stat", "/none"]).failed(1);
    assert!(failed.contains("/none"), "{failed}");
    let failed = run(&["-c", &address, "rm", "/srv/a"]).failed(1);
    assert!(failed.contains("/srv/a"), "{failed}");
    run(&["-c", &address, "rm", "-r", "/srv/a", ":/srv/link"]).ok();
    run(&["-c", &address, "rm", "-f", "/none"]).ok();
    let left = run(&["-c", &address, "--json", "ls", "/srv"]).json();
    assert_eq!(left.as_array().map(Vec::len), Some(1));
    drop(server);
}

#[test]
fn a_guest_that_runs_no_programs_is_told_of() {
    let folder = Folder::new();
    let server = sim(&folder, Guest::new().disable("guest-exec"));
    let (address, here) = (folder.address(), folder.path().join("here"));
    fs::write(&here, "x").unwrap();
    let out = run(&["-c", &address, "cp", "--verify", &text(&here), ":/x"]).ok();
    assert!(out.contains("written where it is") && out.contains("reading it once more"), "{out}");
    assert_eq!(content(&server, "/x").as_deref(), Some(&b"x"[..]));
    let failed = run(&["-c", &address, "ls", "/"]).failed(1);
    assert!(failed.contains("disabled"), "{failed}");
}

#[test]
fn folders_are_copied_with_all_that_is_in_them() {
    let agent = RealAgent::start();
    let (address, here) = (agent.address(), agent.folder().join("tree"));
    fs::create_dir_all(here.join("a/b")).unwrap();
    fs::write(here.join("a/b/file"), bytes(100_000)).unwrap();
    fs::write(here.join("odd \n'name"), "odd").unwrap();
    symlink("/etc/passwd", here.join("link")).unwrap();
    let there = agent.folder().join("there");
    let out = run(&["-c", &address, "cp", "-r", &text(&here), &format!(":{}", text(&there))]).ok();
    assert!(out.contains("2 files") && out.contains("1 that are no files"), "{out}");
    let back = agent.folder().join("back");
    let document =
        run(&["-c", &address, "--json", "cp", "-r", &format!(":{}", text(&there)), &text(&back)]).json();
    assert_eq!((&document["files"], &document["skipped"]), (&json!(2), &json!(0)));
    for root in [there, back] {
        assert_eq!(fs::read(root.join("a/b/file")).unwrap(), bytes(100_000));
        assert_eq!(fs::read(root.join("odd \n'name")).unwrap(), b"odd");
        assert!(!root.join("link").exists());
    }
    assert_eq!(agent.open_files(), 0);
}

/// A link of here is never replaced: what it leads to is.
#[test]
fn links_of_here_stay_links() {
    let folder = Folder::new();
    let _server = sim(&folder, Guest::new().file("/new", "new"));
    let (target, link) = (folder.path().join("target"), folder.path().join("link"));
    fs::write(&target, "longer than that").unwrap();
    symlink(&target, &link).unwrap();
    run(&["-c", &folder.address(), "cp", ":/new", &text(&link)]).ok();
    assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
    assert_eq!(fs::read(&target).unwrap(), b"new");
}

#[test]
fn a_mode_of_here_is_kept() {
    let folder = Folder::new();
    let _server = sim(&folder, Guest::new().file("/new", "new"));
    let path = folder.path().join("file");
    fs::write(&path, "old").unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    run(&["-c", &folder.address(), "cp", ":/new", &text(&path)]).ok();
    assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o7777, 0o600);
    let failed = run(&["-c", &folder.address(), "cp", ":/none", &text(&path)]).failed(1);
    assert!(failed.contains("/none"), "{failed}");
    assert_eq!(fs::read(&path).unwrap(), b"new");
}

#[test]
fn a_folder_without_files_is_copied_too() {
    let folder = Folder::new();
    let server = sim(&folder, Guest::new().directory("/srv"));
    let here = folder.path().join("empty");
    fs::create_dir_all(here.join("a/b")).unwrap();
    let out = run(&["-c", &folder.address(), "cp", "-r", &text(&here), ":/srv"]).ok();
    assert!(out.contains("no file"), "{out}");
    assert!(server.guest().metadata("/srv/empty/a/b").is_some());
    let document = run(&["-c", &folder.address(), "--json", "cp", "-r", ":/srv", &text(&here)]).json();
    assert_eq!((&document["files"], &document["bytes"]), (&json!(0), &json!(0)));
    assert!(here.join("srv/empty/a/b").is_dir());
}

#[test]
fn folders_that_are_too_deep_are_told_of() {
    let folder = Folder::new();
    let _server = sim(&folder, Guest::new());
    let here = folder.path().join("deep");
    fs::create_dir_all(here.join("d/".repeat(202))).unwrap();
    let failed = run(&["-c", &folder.address(), "cp", "-r", &text(&here), ":/deep"]).failed(1);
    assert!(failed.contains("200 folders"), "{failed}");
}

/// Where nothing tells whether there is a folder, no tree is put over what may be there.
#[test]
fn a_tree_goes_nowhere_unknown() {
    let folder = Folder::new();
    let no_stat = Guest::new().disable("guest-exec");
    let server = sim(&folder, no_stat);
    let here = folder.path().join("tree");
    fs::create_dir_all(&here).unwrap();
    fs::write(here.join("file"), "x").unwrap();
    run(&["-c", &folder.address(), "cp", "-r", &text(&here), ":/srv"]).failed(1);
    assert_eq!(content(&server, "/srv/file"), None);
}

/// As the help says: Alpine's find has no -printf, and Windows has another program of that name, or none.
#[test]
fn a_guest_without_the_find_that_is_needed_is_told_of() {
    let folder = Folder::new();
    let other = |_: &mut Invocation<'_>| Run::new().stderr("find: unrecognized: -printf\n").exit_code(1);
    let _server = sim(&folder, Guest::new().program("/usr/bin/find", Program::new(other)));
    for address in [folder.address(), "sim:windows".to_owned()] {
        for words in [&["ls", "/"][..], &["stat", "/"], &["cp", "-r", ":/etc", "/no/such"]] {
            let line = run(&[&["-c", &address], words].concat()).failed(1);
            assert!(line.contains("needs GNU's find") && line.contains("exec --shell dir"), "{line}");
        }
    }
    let line = run(&["-c", "sim:", "ls", "/none"]).failed(1);
    assert!(!line.contains("GNU"), "{line}");
}
