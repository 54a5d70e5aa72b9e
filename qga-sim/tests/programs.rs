//! The programs that a guest has, and programs of a test's own that change it.

mod common;

use std::time::Duration;

use common::{Line, base64};
use qga_sim::{Errno, FileKind, Full, Guest, Personality, Program, Run};
use serde_json::{Value, json};

/// Starts a program; gives its process.
#[track_caller]
fn start(line: &mut Line, words: &[&str]) -> Value {
    let arguments = json!({"path": words[0], "arg": words[1..], "capture-output": true});
    line.ok("guest-exec", &arguments.to_string())["pid"].take()
}

/// Runs a program to its end; gives its exit code, and what it says.
#[track_caller]
fn run(line: &mut Line, words: &[&str]) -> (i64, String, String) {
    let pid = start(line, words);
    let status = line.ok("guest-exec-status", &json!({"pid": pid}).to_string());
    let text = |key: &str| String::from_utf8(base64(status[key].as_str().unwrap_or_default())).expect("text");
    (status["exitcode"].as_i64().expect("an exit code"), text("out-data"), text("err-data"))
}

/// Runs a program that must succeed without a word on its standard error; gives its output.
#[track_caller]
fn output(line: &mut Line, words: &[&str]) -> String {
    let (code, out, err) = run(line, words);
    assert_eq!((code, err.as_str()), (0, ""), "{words:?}");
    out
}

/// Runs a program that must fail; gives the first line of what it says.
#[track_caller]
fn failure(line: &mut Line, words: &[&str]) -> String {
    let (code, out, err) = run(line, words);
    assert_eq!((code, out.as_str()), (1, ""), "{words:?}");
    err.lines().next().unwrap_or_default().to_owned()
}

fn line() -> Line {
    Line::new(Guest::new().file("/d/one", "1").file("/d/two", "22").directory("/d/sub").mode("/d/two", 0o600))
}

#[track_caller]
fn content(line: &Line, path: &str) -> Option<String> {
    let found = line.sim.guest().files().find(|(known, _)| *known == path);
    found.map(|(_, content)| String::from_utf8(content.to_vec()).unwrap())
}

#[test]
fn a_program_can_change_the_guest() {
    let rotate = Program::new(|rotate| {
        let [path] = rotate.arguments() else { return Run::new().exit_code(2) };
        let old = format!("{path}.1");
        match rotate.rename(path, &old).and_then(|()| rotate.write_file(path, "")) {
            Ok(()) => Run::new().stdout(old),
            Err(error) => Run::new().stderr(error.to_string()).exit_code(1),
        }
    });
    let mut line = Line::new(Guest::new().file("/log", "text").program("/bin/rotate", rotate));
    assert_eq!(output(&mut line, &["rotate", "/log"]), "/log.1");
    assert_eq!(content(&line, "/log").as_deref(), Some(""));
    assert_eq!(content(&line, "/log.1").as_deref(), Some("text"));
    let now = line.now;
    assert_eq!(line.sim.guest().metadata("/log").unwrap().modified, now);
    assert_eq!(failure(&mut line, &["rotate", "/no"]), "No such file or directory");
}

#[test]
fn a_program_can_run_others_but_not_for_ever() {
    let shell = Program::new(|shell| match shell.arguments() {
        [program, input, rest @ ..] => {
            let input = shell.file(input).unwrap_or_default().to_vec();
            shell.run(program, rest, &input).unwrap_or_else(|error| Run::new().stderr(error.to_string()))
        }
        _ => Run::new().exit_code(2),
    });
    let mut line = Line::new(Guest::new().file("/input", "hello").program("/bin/sh", shell));
    assert_eq!(output(&mut line, &["sh", "/bin/cat", "/input"]), "hello");
    let forever = Program::new(|call| match call.run("/bin/forever", &[], &[]) {
        Ok(run) => run,
        Err(error) => Run::new().stderr(error.to_string()).exit_code(1),
    });
    let mut line = Line::new(Guest::new().program("/bin/forever", forever));
    assert_eq!(failure(&mut line, &["forever"]), "Resource temporarily unavailable");
}

#[test]
fn mv_renames_over_what_is_there() {
    let mut line = line();
    output(&mut line, &["mv", "-f", "-T", "--", "/d/one", "/d/two"]);
    assert_eq!((content(&line, "/d/one"), content(&line, "/d/two").as_deref()), (None, Some("1")));
    output(&mut line, &["mv", "/d/two", "/d/sub"]);
    output(&mut line, &["mv", "/d/sub/", "/e"]);
    assert_eq!(content(&line, "/e/two").as_deref(), Some("1"));
    for (words, text) in [
        (&["mv", "/no", "/x"][..], "mv: cannot stat '/no': No such file or directory"),
        (&["mv", "-T", "/e/two", "/d"], "mv: cannot overwrite directory '/d' with non-directory"),
        (&["mv", "-T", "/d", "/e/two"], "mv: cannot overwrite non-directory '/e/two' with directory '/d'"),
        (&["mv", "/e/two", "/e"], "mv: '/e/two' and '/e/two' are the same file"),
        (&["mv", "/e/two", "/d", "/x"], "mv: target '/x': No such file or directory"),
        (&["mv", "/e/two"], "mv: missing destination file operand after '/e/two'"),
        (&["mv", "--frob", "/e/two", "/x"], "mv: unrecognized option '--frob'"),
        (&["mv", "-x", "/e/two", "/x"], "mv: invalid option -- 'x'"),
    ] {
        assert_eq!(failure(&mut line, words), text);
    }
    assert_eq!(content(&line, "/e/two").as_deref(), Some("1"));
}

#[test]
fn rm_removes_what_it_is_told_to() {
    let mut line = line();
    assert_eq!(failure(&mut line, &["rm", "/d"]), "rm: cannot remove '/d': Is a directory");
    assert_eq!(failure(&mut line, &["rm", "/no"]), "rm: cannot remove '/no': No such file or directory");
    output(&mut line, &["rm", "-f", "/no", "/d/one"]);
    assert_eq!(failure(&mut line, &["rmdir", "/d"]), "rmdir: failed to remove '/d': Directory not empty");
    output(&mut line, &["rm", "-rf", "--", "/d"]);
    assert_eq!(line.sim.guest().metadata("/d"), None);
    assert_eq!(failure(&mut line, &["rm", "-rf", "/"]), "rm: it is dangerous to operate recursively on '/'");
    assert!(line.sim.guest().metadata("/bin/rm").is_some());
}

#[test]
fn a_file_that_is_removed_can_still_be_read_by_who_has_it_open() {
    let mut line = line();
    let handle = line.ok("guest-file-open", r#"{"path":"/d/two"}"#);
    output(&mut line, &["rm", "/d/two"]);
    let read = line.ok("guest-file-read", &json!({"handle": handle}).to_string());
    assert_eq!((read["count"].as_i64(), content(&line, "/d/two")), (Some(2), None));
}

#[test]
fn mkdir_and_touch_make_what_is_not_there() {
    let mut line = line();
    output(&mut line, &["mkdir", "-p", "-m", "700", "/d/sub", "/a/b//c/"]);
    assert_eq!(line.sim.guest().metadata("/a/b/c").map(|there| there.mode), Some(0o700));
    assert_eq!(failure(&mut line, &["mkdir", "/d"]), "mkdir: cannot create directory ‘/d’: File exists");
    assert_eq!(
        failure(&mut line, &["mkdir", "-p", "/d/one/x"]),
        "mkdir: cannot create directory ‘/d/one/x’: Not a directory"
    );
    output(&mut line, &["touch", "-c", "/none"]);
    output(&mut line, &["touch", "/some", "/d/one"]);
    assert_eq!((content(&line, "/none"), content(&line, "/some").as_deref()), (None, Some("")));
    assert_eq!(content(&line, "/d/one").as_deref(), Some("1"));
    assert_eq!(line.sim.guest().metadata("/d/one").unwrap().modified, line.now);
}

#[test]
fn cp_copies_files_and_directories() {
    let mut line = line();
    output(&mut line, &["cp", "/d/two", "/three"]);
    let three = line.sim.guest().metadata("/three").unwrap();
    assert_eq!((content(&line, "/three").as_deref(), three.mode), (Some("22"), 0o600));
    output(&mut line, &["cp", "-r", "/d", "/e"]);
    assert_eq!(output(&mut line, &["find", "/e"]), "/e\n/e/one\n/e/sub\n/e/two\n");
    assert_eq!(failure(&mut line, &["cp", "/d", "/x"]), "cp: -r not specified; omitting directory '/d'");
    assert_eq!(
        failure(&mut line, &["cp", "-r", "/d", "/d/sub"]),
        "cp: cannot copy a directory, '/d', into itself, '/d/sub/d'"
    );
    output(&mut line, &["cp", "/bin/true", "/bin/yes"]);
    output(&mut line, &["yes"]);
}

#[test]
fn chmod_sets_modes_and_stat_tells_them() {
    let mut line = line();
    let mode = |line: &mut Line, mode: &str| {
        output(line, &["chmod", mode, "/d/one"]);
        output(line, &["stat", "-c", "%a", "--", "/d/one"])
    };
    for (text, is) in [("0755", "755"), ("u-x,go-w", "655"), ("+x", "755"), ("a=r", "444"), ("4711", "4711")]
    {
        assert_eq!(mode(&mut line, text), format!("{is}\n"), "{text}");
    }
    output(&mut line, &["chmod", "--reference=/d/two", "/d/one"]);
    assert_eq!(
        output(&mut line, &["stat", "-c", "%n %s %a %f %F %Y", "/d/one", "/d"]),
        "/d/one 1 600 8180 regular file 1767225600\n/d 4096 755 41ed directory 1767225600\n"
    );
    assert_eq!(output(&mut line, &["stat", "--printf", r"%s\0%%", "/d/one"]), "1\0%");
    assert_eq!(failure(&mut line, &["chmod", "zz", "/d"]), "chmod: invalid mode: ‘zz’");
    assert_eq!(
        failure(&mut line, &["stat", "-c", "%s", "/no"]),
        "stat: cannot statx '/no': No such file or directory"
    );
    assert!(failure(&mut line, &["stat", "-c", "%Q", "/d"]).contains("does not know the directive '%Q'"));
}

#[test]
fn find_lists_a_directory() {
    let guest = Guest::new().file("/d/b", "22").directory("/d/a").link("/d/l", "b").file("/d/a/deep", "");
    let mut line = Line::new(guest);
    assert_eq!(
        output(
            &mut line,
            &["find", "/d", "-mindepth", "1", "-maxdepth", "1", "-printf", r"%y %s %m %T@ %P %l\0"]
        ),
        "d 4096 755 1767225600.0000000000 a \0f 2 644 1767225600.0000000000 b \0l 1 777 1767225600.0000000000 l b\0"
    );
    assert_eq!(output(&mut line, &["find", "/d/", "-type", "f", "-print0"]), "/d/a/deep\0/d/b\0");
    assert_eq!(output(&mut line, &["find", "/d/b", "-maxdepth", "0", "-printf", "%P:%f\n"]), ":b\n");
    assert_eq!(failure(&mut line, &["find", "/no"]), "find: ‘/no’: No such file or directory");
    for word in ["-delete", "-exec"] {
        assert!(failure(&mut line, &["find", "/d", word]).contains("does not know"), "{word}");
    }
    assert!(content(&line, "/d/b").is_some());
}

#[test]
fn sha256sum_prints_as_that_of_coreutils() {
    let mut line = Line::new(Guest::new().file("/abc", "abc").file("/a\\b", ""));
    let (abc, empty) = (
        "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    );
    assert_eq!(output(&mut line, &["sha256sum", "/abc"]), format!("{abc}  /abc\n"));
    assert_eq!(output(&mut line, &["sha256sum", "-b", "--", "/abc"]), format!("{abc} */abc\n"));
    assert_eq!(output(&mut line, &["sha256sum"]), format!("{empty}  -\n"));
    assert_eq!(output(&mut line, &["sha256sum", "/a\\b"]), format!("\\{empty}  /a\\\\b\n"));
    assert_eq!(output(&mut line, &["sha256sum", "-z", "/a\\b"]), format!("{empty}  /a\\b\0"));
    assert_eq!(failure(&mut line, &["sha256sum", "/tmp"]), "sha256sum: /tmp: Is a directory");
}

#[test]
fn kill_ends_a_process_that_does_not_ignore_the_signal() {
    let stubborn = Run::new().time(Duration::from_secs(60)).ignore(15);
    let mut line = Line::new(Guest::new().program("/bin/stubborn", stubborn));
    let status =
        |line: &mut Line, pid: &Value| line.ok("guest-exec-status", &json!({"pid": pid}).to_string());
    for (words, signal) in
        [(&["kill"][..], 15), (&["kill", "-KILL"], 9), (&["kill", "-s", "HUP"], 1), (&["kill", "-2"], 2)]
    {
        let pid = start(&mut line, &["sleep", "60"]);
        let number = pid.to_string();
        output(&mut line, &[words, &["--", &number]].concat());
        assert_eq!(
            failure(&mut line, &[words, &[&number]].concat()),
            format!("kill: ({number}): No such process")
        );
        assert_eq!(status(&mut line, &pid), json!({"exited": true, "signal": signal}));
    }
    let pid = start(&mut line, &["stubborn"]);
    let number = pid.to_string();
    for signal in ["-TERM", "-0", "-CHLD"] {
        output(&mut line, &["kill", signal, &number]);
        assert_eq!(status(&mut line, &pid), json!({"exited": false}), "{signal}");
    }
    assert_eq!(line.sim.guest().running_programs(line.now), 1);
    assert_eq!(
        failure(&mut line, &["kill", "-STOP", &number]),
        format!("kill: ({number}): Invalid argument")
    );
    output(&mut line, &["kill", "-9", &number]);
    assert_eq!(line.sim.guest().running_programs(line.now), 0);
    assert_eq!(failure(&mut line, &["kill", "-9", "0"]), "kill: (0): No such process");
    assert_eq!(failure(&mut line, &["kill", "-FROB", "1"]), "kill: unknown signal: FROB");
}

#[test]
fn taskkill_ends_a_process_on_windows() {
    let guest = Guest::with(Personality::Windows);
    let long = Run::new().time(Duration::from_secs(60));
    let mut line = Line::new(guest.program(r"C:\Windows\long.exe", long));
    let pid = start(&mut line, &["long"]);
    let number = pid.to_string();
    let (code, out, _) = run(&mut line, &["taskkill", "/T", "/F", "/PID", &number]);
    assert_eq!((code, out), (0, format!("SUCCESS: The process with PID {number} has been terminated.\r\n")));
    let status = line.ok("guest-exec-status", &json!({"pid": pid}).to_string());
    assert_eq!(status, json!({"exited": true, "exitcode": 1}));
    assert_eq!(run(&mut line, &["taskkill.exe", "/f", "/pid", &number]).0, 128);
}

#[test]
fn cmd_ends_says_and_deletes_on_windows() {
    let file = r"C:\Windows\Temp\x";
    let mut line = Line::new(Guest::with(Personality::Windows).file(file, "x"));
    let nothing = String::new();
    assert_eq!(run(&mut line, &["cmd.exe", "/c", "exit 3"]), (3, nothing.clone(), nothing.clone()));
    assert_eq!(
        run(&mut line, &["cmd", "/d", "/s", "/C", "exit", "/b"]),
        (0, nothing.clone(), nothing.clone())
    );
    let said = (0, "two  words\r\n".to_owned(), nothing.clone());
    assert_eq!(run(&mut line, &["cmd.exe", "/c", "echo two  words"]), said);
    let deleted = (0, nothing.clone(), nothing.clone());
    assert_eq!(run(&mut line, &["cmd.exe", "/c", "del", "/f", "/q", file]), deleted);
    let (code, _, complaint) = run(&mut line, &["cmd.exe", "/c", &format!("del {file}")]);
    assert_eq!((code, complaint), (0, format!("Could Not Find {file}\r\n")));
    for more in ["dir", "echo a > b", "exit %X%", "del /s x", "exit x", "", "del"] {
        let (code, out, complaint) = run(&mut line, &["cmd.exe", "/c", more]);
        assert_eq!((code, out), (1, nothing.clone()), "{more}");
        assert!(complaint.contains("is not recognized"), "{more}: {complaint}");
    }
    assert_eq!(run(&mut line, &["cmd.exe"]).0, 1);
}

#[test]
fn a_full_disk_fails_when_it_is_said_to_and_writes_can_be_short() {
    for (full, failing) in [
        (Full::AtWrite, "guest-file-write"),
        (Full::AtFlush, "guest-file-flush"),
        (Full::AtClose, "guest-file-close"),
    ] {
        let mut line = Line::new(Guest::new().disk_space(2, full));
        let handle = json!({"handle": line.ok("guest-file-open", r#"{"path":"/x","mode":"w"}"#)}).to_string();
        let write = handle.replace('}', r#","buf-b64":"MTIz"}"#);
        for (command, arguments) in
            [("guest-file-write", &write), ("guest-file-flush", &handle), ("guest-file-close", &handle)]
        {
            match line.call(command, arguments) {
                Ok(_) => assert_ne!(command, failing),
                Err((_, desc)) => {
                    assert_eq!(command, failing);
                    assert!(desc.ends_with("No space left on device"), "{desc}");
                }
            }
        }
        assert_eq!(line.sim.guest().open_files(), 0);
    }
    let mut line = Line::new(Guest::new().short_writes(2));
    let handle = line.ok("guest-file-open", r#"{"path":"/x","mode":"w"}"#);
    let write = json!({"handle": handle, "buf-b64": "MTIz"}).to_string();
    assert_eq!(line.ok("guest-file-write", &write), json!({"count": 2, "eof": false}));
    assert_eq!(content(&line, "/x").as_deref(), Some("12"));
}

#[test]
fn a_test_sees_what_a_file_is() {
    let guest = Guest::new().link("/l", "/etc/motd");
    let kind = |path| guest.metadata(path).map(|there| there.kind);
    assert_eq!(kind("/l"), Some(FileKind::Link));
    assert_eq!(kind("/etc"), Some(FileKind::Directory));
    assert_eq!(kind("/etc/motd"), Some(FileKind::File));
    assert_eq!(kind("/dev/null"), Some(FileKind::Device));
    assert_eq!(kind("/no"), None);
    assert_eq!(Errno::NoEntry.code(), 2);
}
