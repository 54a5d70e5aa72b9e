//! The commands about passwords and SSH keys.

mod common;

use common::{Line, base64, read_replies};
use qga_sim::Guest;
use qga_sim::proto::owned::GuestUser;
use serde_json::{Value, json};

const FILE: &str = "/home/alice/.ssh/authorized_keys";

fn with_file(content: &str) -> Line {
    Line::new(Guest::new().file(FILE, content))
}

/// The keys that a user has.
#[track_caller]
fn keys(line: &mut Line, user: &str) -> Value {
    line.ok("guest-ssh-get-authorized-keys", &format!(r#"{{"username":"{user}"}}"#))["keys"].take()
}

#[track_caller]
fn add(line: &mut Line, more: &str) {
    let arguments = format!(r#"{{"username":"alice",{more}}}"#);
    assert_eq!(line.ok("guest-ssh-add-authorized-keys", &arguments), json!({}));
}

#[track_caller]
fn remove(line: &mut Line, keys: &str) {
    let arguments = format!(r#"{{"username":"alice","keys":{keys}}}"#);
    assert_eq!(line.ok("guest-ssh-remove-authorized-keys", &arguments), json!({}));
}

/// What a program sees in the file.
#[track_caller]
fn file(line: &mut Line) -> String {
    let handle = line.ok("guest-file-open", &format!(r#"{{"path":"{FILE}"}}"#)).to_string();
    let read = line.ok("guest-file-read", &format!(r#"{{"handle":{handle}}}"#));
    let pid =
        line.ok("guest-exec", &format!(r#"{{"path":"cat","arg":["{FILE}"],"capture-output":true}}"#))["pid"]
            .to_string();
    let status = line.ok("guest-exec-status", &format!(r#"{{"pid":{pid}}}"#));
    assert_eq!(status["out-data"].as_str().unwrap_or_default(), read["buf-b64"]);
    String::from_utf8(base64(read["buf-b64"].as_str().unwrap())).unwrap()
}

#[test]
fn keys_are_told_from_the_last_to_the_first() {
    let mut line = with_file("ssh-rsa A a\n# old\n\n  ssh-rsa B b \r\n\t#c\nssh-rsa C\nssh-rsa A a");
    assert_eq!(keys(&mut line, "alice"), json!(["ssh-rsa A a", "ssh-rsa C", "ssh-rsa B b", "ssh-rsa A a"]));
    assert_eq!(keys(&mut with_file(""), "alice"), json!([]));
    let mut line = Line::new(Guest::new().authorized_keys("bob", &["k1", "k2"]));
    assert_eq!(keys(&mut line, "bob"), json!(["k2", "k1"]));
}

#[test]
fn a_missing_file_is_an_error_to_get_only() {
    let mut line = Line::new(Guest::new());
    let get = |line: &mut Line| line.refused("guest-ssh-get-authorized-keys", r#"{"username":"alice"}"#);
    assert!(get(&mut line).ends_with("No such file or directory"));
    remove(&mut line, r#"["k"]"#);
    assert!(get(&mut line).ends_with("No such file or directory"));
    add(&mut line, r#""keys":["k"]"#);
    assert_eq!(file(&mut line), "k");
}

#[test]
fn keys_are_added_once() {
    let mut line = with_file("k1\n# c\n k2");
    add(&mut line, r##""keys":["k1","k3","k3","k2"]"##);
    assert_eq!(file(&mut line), "k1\n# c\n k2\nk3\nk2");
    add(&mut line, r#""keys":[],"reset":false"#);
    assert_eq!(keys(&mut line, "alice"), json!(["k2", "k3", "k2", "k1"]));
    // A newline at the end leaves an empty line, which the empty key is.
    let mut line = with_file("k1\n");
    add(&mut line, r#""keys":["","k2"]"#);
    assert_eq!(file(&mut line), "k1\n\nk2");
}

#[test]
fn a_reset_leaves_nothing_else() {
    let mut line = with_file("k1\nk2\n");
    add(&mut line, r#""keys":["k2","k4","k2"],"reset":true"#);
    assert_eq!(file(&mut line), "k2\nk4");
    add(&mut line, r#""reset":true,"keys":[]"#);
    assert_eq!(file(&mut line), "");
    assert_eq!(keys(&mut line, "alice"), json!([]));
}

#[test]
fn keys_are_removed_as_they_stand() {
    let mut line = with_file("k1\n k2\nk3\nk1\n");
    remove(&mut line, r#"["k1","k2","k9"]"#);
    assert_eq!(file(&mut line), " k2\nk3\n");
    assert_eq!(keys(&mut line, "alice"), json!(["k3", "k2"]));
    line.sim.handle_eof(line.now);
    remove(&mut line, r#"[" k2","k3",""]"#);
    assert_eq!(file(&mut line), "");
}

#[test]
fn keys_and_users_that_cannot_be() {
    let mut line = with_file("k1\n");
    for command in ["guest-ssh-add-authorized-keys", "guest-ssh-remove-authorized-keys"] {
        for keys in
            [r##"["k2","#k3"]"##, r#"["k2","a\nb"]"#, r#"["k2",1]"#, r#"["k2",null]"#, "null", r#""k2""#]
        {
            let desc = line.refused(command, &format!(r#"{{"username":"alice","keys":{keys}}}"#));
            assert!(!desc.contains("k3"), "{desc}");
        }
        let desc = line.refused(command, r#"{"username":"nobody","keys":["k2"]}"#);
        assert_eq!(desc, "failed to lookup user 'nobody': Success");
        line.refused(command, r#"{"username":"alice"}"#);
        line.refused(command, r#"{"keys":[]}"#);
    }
    line.refused("guest-ssh-add-authorized-keys", r#"{"username":"alice","keys":[],"reset":null}"#);
    line.refused("guest-ssh-remove-authorized-keys", r#"{"username":"alice","keys":[],"reset":true}"#);
    line.refused("guest-ssh-get-authorized-keys", "{}");
    let desc = line.refused("guest-ssh-get-authorized-keys", r#"{"username":""}"#);
    assert_eq!(desc, "failed to lookup user '': Success");
    assert_eq!(file(&mut line), "k1\n");
}

#[test]
fn what_is_in_the_way_is_told() {
    let add = r#"{"username":"alice","keys":["k"]}"#;
    let mut line = Line::new(Guest::new().directory(FILE));
    assert!(line.refused("guest-ssh-add-authorized-keys", add).ends_with("Is a directory"));
    let mut line = Line::new(Guest::new().file("/home/alice/.ssh", "x"));
    assert!(line.refused("guest-ssh-add-authorized-keys", add).ends_with("Not a directory"));
    let long = vec![b'x'; (1 << 20) + 1];
    let mut line = Line::new(Guest::new().file(FILE, long.clone()));
    assert!(line.refused("guest-ssh-add-authorized-keys", add).ends_with("File too large"));
    let long = String::from_utf8(long).unwrap();
    let reset = format!(r#"{{"username":"alice","keys":["{long}"],"reset":true}}"#);
    assert!(line.refused("guest-ssh-add-authorized-keys", &reset).ends_with("File too large"));
    line.ok("guest-ssh-add-authorized-keys", r#"{"username":"alice","keys":["k"],"reset":true}"#);
    assert_eq!(file(&mut line), "k");
}

#[test]
fn a_password_is_set_and_not_shown() {
    let mut line = Line::new(Guest::new().user(GuestUser::new("zoë", 0.0)));
    let mut set = |user: &str, password: &str, crypted: bool| {
        let arguments = format!(r#"{{"username":"{user}","password":"{password}","crypted":{crypted}}}"#);
        assert_eq!(line.ok("guest-set-user-password", &arguments), json!({}));
    };
    set("root", "c2VjcmV0OiE=", false);
    set("zoë", "JDYk", true);
    set("alice", "eA==", false);
    set("alice", "", false);
    let guest = line.sim.guest();
    assert!(guest.has_password("root", b"secret:!", false));
    assert!(guest.has_password("zoë", b"$6$", true) && !guest.has_password("zoë", b"$6$", false));
    assert!(guest.has_password("alice", b"", false) && !guest.has_password("alice", b"x", false));
    assert!(!guest.has_password("nobody", b"", false));
    assert!(!Guest::new().has_password("alice", b"", false));
    for debug in [format!("{guest:?}"), format!("{:?}", line.sim)] {
        assert!(!debug.contains("secret") && !debug.contains("115, 101, 99"), "{debug}");
    }
}

#[test]
fn passwords_that_cannot_be() {
    let mut line = Line::new(Guest::new());
    for (arguments, desc) in [
        (r#""username":"alice","password":"YQpi","crypted":false"#, "forbidden characters in raw password"),
        (r#""username":"al\nice","password":"YQ==","crypted":false"#, "forbidden characters in username"),
        (r#""username":"al:ice","password":"YQ==","crypted":true"#, "forbidden characters in username"),
        (r#""username":"alice","password":"a_-=","crypted":true"#, "Base64 data contains invalid characters"),
    ] {
        assert_eq!(line.refused("guest-set-user-password", &format!("{{{arguments}}}")), desc);
    }
    let nobody = r#"{"username":"nobody","password":"c2VjcmV0","crypted":false}"#;
    let desc = line.refused("guest-set-user-password", nobody);
    assert!(desc.contains("'nobody'") && !desc.contains("c2Vj") && !desc.contains("secret"), "{desc}");
    for arguments in [
        r#"{"username":"alice","password":"YQ=="}"#,
        r#"{"username":"alice","crypted":false}"#,
        r#"{"username":"alice","password":"YQ==","crypted":null}"#,
        r#"{"username":"alice","password":"YQ==","crypted":0}"#,
    ] {
        line.refused("guest-set-user-password", arguments);
    }
    assert!(!line.sim.guest().has_password("alice", b"a", false));
}

#[test]
fn in_pieces_it_is_the_same() {
    let requests = concat!(
        r#"{"execute":"guest-ssh-add-authorized-keys","arguments":{"username":"alice","keys":["é","b"]},"id":1}"#,
        r#"{"execute":"guest-ssh-get-authorized-keys","arguments":{"username":"alice"},"id":2}"#,
        r#"{"execute":"guest-set-user-password","arguments":{"username":"x","password":"","crypted":true},"id":3}"#,
    );
    let whole = Line::new(Guest::new()).send(requests.as_bytes());
    assert_eq!(read_replies(&whole).unwrap()[1].result, Ok(json!({"keys": ["b", "é"]})));
    for piece in [1, 2, 7] {
        assert_eq!(Line::new(Guest::new()).send_pieces(requests.as_bytes(), piece), whole);
    }
}
