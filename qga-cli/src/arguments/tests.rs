use qga_proto::metadata::command;

use super::*;

/// Nothing is read from standard input here.
fn never() -> Patience {
    Patience::since(std::time::Instant::now(), None)
}

fn check(name: &str, words: &[&str]) -> Result<String, String> {
    let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
    checked(command(name).unwrap(), &words, never()).map(|arguments| arguments.text).map_err(|failure| {
        let message = failure.message();
        message.strip_prefix(&format!("{name}: ")).unwrap_or(message).to_owned()
    })
}

#[test]
fn words_are_typed_by_the_schema() {
    for (name, words, arguments) in [
        ("guest-ping", &[][..], "{}"),
        ("guest-file-open", &["path=/a=b", "mode=r"], r#"{"mode":"r","path":"/a=b"}"#),
        ("guest-file-open", &["path=5"], r#"{"path":"5"}"#),
        ("guest-file-read", &["handle=-9223372036854775808"], r#"{"handle":-9223372036854775808}"#),
        (
            "guest-file-seek",
            &["handle=1", "offset=0", "whence=end"],
            r#"{"handle":1,"offset":0,"whence":"end"}"#,
        ),
        ("guest-file-seek", &["handle=1", "offset=0", "whence=2"], r#"{"handle":1,"offset":0,"whence":2}"#),
        ("guest-exec", &["path=a", "arg=-l", "arg=x"], r#"{"arg":["-l","x"],"path":"a"}"#),
        ("guest-exec", &["path=a", "capture-output=true"], r#"{"capture-output":true,"path":"a"}"#),
        ("guest-exec", &["path=a", "capture-output=merged"], r#"{"capture-output":"merged","path":"a"}"#),
        ("guest-exec", &["path=a", "arg:=[\"b\"]"], r#"{"arg":["b"],"path":"a"}"#),
        (
            "guest-set-memory-blocks",
            &[r#"mem-blks:=[{"phys-index":18446744073709551615,"online":true}]"#],
            r#"{"mem-blks":[{"online":true,"phys-index":18446744073709551615}]}"#,
        ),
        ("guest-file-close", &[r#" {"handle": 7}"#], r#"{"handle":7}"#),
    ] {
        assert_eq!(check(name, words).as_deref(), Ok(arguments), "{name} {words:?}");
    }
}

#[test]
fn problems_name_the_argument_and_what_it_must_be() {
    for (name, words, problem) in [
        ("guest-ping", &["x=1"][..], "unknown argument 'x' (there are none)"),
        ("guest-file-open", &["pth=/a"], "unknown argument 'pth', did you mean 'path'?"),
        ("guest-file-open", &["zzz=/a"], "unknown argument 'zzz' (there are: path, mode)"),
        ("guest-file-open", &["path"], "'path' is not key=value, nor all the arguments as one JSON object"),
        ("guest-file-open", &["path=a", "path=b"], "path is given twice"),
        ("guest-file-open", &[], "path is missing: a string"),
        ("guest-file-open", &["path:=7"], "path must be a string, not 7"),
        (
            "guest-file-close",
            &["handle=9223372036854775808"],
            "handle must be an integer from -9223372036854775808 to 9223372036854775807, not '9223372036854775808'",
        ),
        ("guest-file-close", &["handle=x"], "handle must be an integer, not 'x'"),
        ("guest-file-close", &[r#"{"handle":"7"}"#], "handle must be an integer, not \"7\""),
        ("guest-file-close", &[], "handle is missing: an integer"),
        (
            "guest-file-close",
            &[r#"{"handle":9223372036854775808}"#],
            "handle must be an integer from -9223372036854775808 to 9223372036854775807, not 9223372036854775808",
        ),
        ("guest-file-close", &[r#"{"handle":1.0}"#], "handle must be an integer, not 1.0"),
        (
            "guest-exec",
            &["path=a", "capture-output=both"],
            "capture-output must be true or false, or one of none, stdout, stderr, separated, merged",
        ),
        ("guest-exec", &[r#"{"path":"a","arg":["b",5]}"#], "arg[1] must be a string"),
        ("guest-exec", &[r#"{"path":"a","arg":"b"}"#], "arg must be an array, each item a string"),
        (
            "guest-set-vcpus",
            &[r#"{"vcpus":[{"logical-id":0}]}"#],
            "vcpus[0].online is missing: true or false",
        ),
        (
            "guest-set-vcpus",
            &[r#"{"vcpus":[{"logical-id":0,"online":true,"of":1}]}"#],
            "unknown argument 'vcpus[0].of' (there are: logical-id, online, can-offline)",
        ),
        ("guest-set-vcpus", &["vcpus=0"], "vcpus must be an object (GuestLogicalProcessor), not '0'"),
    ] {
        assert_eq!(check(name, words).unwrap_err(), problem, "{name} {words:?}");
    }
}

#[test]
fn secrets_are_not_repeated() {
    const NAME: &str = "guest-set-user-password";
    const KEYS: &str = "guest-ssh-add-authorized-keys";
    for (name, words, expected) in [
        (NAME, &["username=u", "password=hunter2!", "crypted=false"][..], "password must be base64"),
        (
            NAME,
            &["username=u", "hunter2"],
            "argument 2 is not key=value, nor all the arguments as one JSON object",
        ),
        (NAME, &["hunter2="], "argument 1 has an unknown key (there are: username, password, crypted)"),
        (NAME, &["pasword=hunter2"], "argument 1 has an unknown key, did you mean 'password'?"),
        (NAME, &["password:=hunter2"], "password is not JSON: expected value at line 1 column 1"),
        (NAME, &["crypted=hunter2"], "crypted must be true or false"),
        (NAME, &[r#"{"username":"u","crypted":"hunter2"}"#], "crypted must be true or false"),
        (NAME, &[r#"{"hunter2":1}"#], "unknown argument (there are: username, password, crypted)"),
        (KEYS, &[r#"{"username":"u","keys":[17]}"#], "keys[0] must be a string"),
    ] {
        assert_eq!(check(name, words).unwrap_err(), expected, "{words:?}");
    }
    // Sent without being checked, it is not repeated when the agent has refused it.
    let words = [r#"{"username":"u","password":"aA==","crypted":"hunter2"}"#.to_owned()];
    let info = command(NAME).unwrap();
    let problem = raw(Some(info), &words, never()).ok().and_then(|arguments| arguments.problem(info));
    assert_eq!(problem.as_deref(), Some("crypted must be true or false"));
}

#[test]
fn what_is_too_long_is_not_cut() {
    assert_eq!(read(&b"12345"[..], 5).unwrap(), "12345");
    assert_eq!(read(&b"123456"[..], 5).unwrap_err().to_string(), "they are longer than the limit of 5 bytes");
    // It may end within a character.
    assert_eq!(
        read("äää".as_bytes(), 4).unwrap_err().to_string(),
        "they are longer than the limit of 4 bytes"
    );
    assert_eq!(read(&b"\xff"[..], 5).unwrap_err().to_string(), "they are not UTF-8");
}
