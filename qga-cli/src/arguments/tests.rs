use qga_proto::metadata::command;

use super::*;

fn check(name: &str, words: &[&str]) -> Result<String, String> {
    let words: Vec<_> = words.iter().map(|word| (*word).to_owned()).collect();
    checked(command(name).unwrap(), &words).map_err(|failure| {
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
            "capture-output must be true or false, or one of none, stdout, stderr, separated, merged, not 'both'",
        ),
        ("guest-exec", &[r#"{"path":"a","arg":["b",5]}"#], "arg[1] must be a string, not 5"),
        ("guest-exec", &[r#"{"path":"a","arg":"b"}"#], "arg must be an array, each item a string, not \"b\""),
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
    let problem = check("guest-set-user-password", &["username=u", "password=hunter2!", "crypted=false"]);
    assert_eq!(problem.unwrap_err(), "password must be base64");
    let problem = check("guest-ssh-add-authorized-keys", &[r#"{"username":"u","keys":[17]}"#]);
    assert_eq!(problem.unwrap_err(), "keys[0] must be a string");
}
