//! The commands that take processors and memory into use, and out of it.

mod common;

use common::{Line, read_replies};
use qga_sim::Guest;
use qga_sim::proto::owned::{GuestLogicalProcessor, GuestMemoryBlock};
use serde_json::{Value, json};

/// Three processors of which the second is not in use, and the first stays so.
fn processors() -> Line {
    Line::new(Guest::new().processors(vec![
        GuestLogicalProcessor::new(0, true).can_offline(false),
        GuestLogicalProcessor::new(1, false),
        GuestLogicalProcessor::new(2, true).can_offline(true),
    ]))
}

fn memory() -> Line {
    let blocks = vec![GuestMemoryBlock::new(0, true).can_offline(false), GuestMemoryBlock::new(7, false)];
    Line::new(Guest::new().memory_blocks(1 << 20, blocks))
}

/// The numbers of the processors that are in use.
#[track_caller]
fn online(line: &mut Line) -> Value {
    let all = line.ok("guest-get-vcpus", "{}");
    let online = all.as_array().unwrap().iter().filter(|processor| processor["online"] == true);
    let online = online.map(|processor| processor["logical-id"].clone()).collect();
    let stats = line.ok("guest-get-cpustats", "{}");
    let counted: Value = stats.as_array().unwrap().iter().map(|stats| stats["cpu"].clone()).collect();
    assert_eq!(online, counted);
    online
}

#[track_caller]
fn set(line: &mut Line, vcpus: &str) -> Result<Value, String> {
    line.call("guest-set-vcpus", &format!(r#"{{"vcpus":{vcpus}}}"#)).map_err(|(class, desc)| {
        assert_eq!(class, "GenericError");
        desc
    })
}

#[test]
fn processors_go_and_come() {
    let mut line = processors();
    assert_eq!(online(&mut line), json!([0, 2]));
    assert_eq!(
        set(&mut line, r#"[{"logical-id":1,"online":true},{"logical-id":2,"online":false}]"#),
        Ok(2.into())
    );
    assert_eq!(online(&mut line), json!([0, 1]));
    // What is so already counts, and so does what is said of `can-offline`.
    let same = r#"[{"can-offline":false,"online":true,"logical-id":1},{"logical-id":0,"online":true,"can-offline":true}]"#;
    assert_eq!(set(&mut line, same), Ok(2.into()));
    assert_eq!(set(&mut line, "[]"), Ok(0.into()));
    line.sim.handle_eof(line.now);
    assert_eq!(online(&mut line), json!([0, 1]));
    assert_eq!(
        line.ok("guest-get-vcpus", "{}")[1],
        json!({"logical-id": 1, "online": true, "can-offline": true})
    );
}

#[test]
fn the_first_processor_that_fails_ends_it() {
    let mut line = processors();
    let to = |id: i64, online: bool| format!(r#"{{"logical-id":{id},"online":{online}}}"#);
    let list = |entries: &[String]| format!("[{}]", entries.join(","));
    assert_eq!(set(&mut line, &list(&[to(1, true), to(9, true), to(2, false)])), Ok(1.into()));
    assert_eq!(online(&mut line), json!([0, 1, 2]));
    assert_eq!(set(&mut line, &list(&[to(1, false), to(2, false), to(0, false)])), Ok(2.into()));
    assert_eq!(online(&mut line), json!([0]));
    for (id, desc) in [
        (0, "logical processor #0 can't be offlined"),
        (9, "open(\"/sys/devices/system/cpu/cpu9/\"): No such file or directory"),
        (-1, "open(\"/sys/devices/system/cpu/cpu-1/\"): No such file or directory"),
    ] {
        assert_eq!(set(&mut line, &list(&[to(id, false), to(1, true)])), Err(desc.into()));
    }
    assert_eq!(online(&mut line), json!([0]));
}

#[test]
fn the_last_processor_stays() {
    let processors = vec![GuestLogicalProcessor::new(3, true)];
    let mut line = Line::new(Guest::new().processors(processors));
    let error = set(&mut line, r#"[{"logical-id":3,"online":false}]"#).unwrap_err();
    assert!(error.ends_with("Device or resource busy"), "{error}");
    assert_eq!(online(&mut line), json!([3]));
}

#[test]
fn a_bad_list_changes_nothing() {
    let mut line = processors();
    for vcpus in [
        r#"{"logical-id":1,"online":true}"#,
        "null",
        r#"[{"logical-id":1,"online":true},{"logical-id":2}]"#,
        r#"[{"logical-id":1,"online":true},{"online":true}]"#,
        r#"[{"logical-id":1,"online":true,"zz":1}]"#,
        r#"[{"logical-id":1,"online":true,"can-offline":null}]"#,
        r#"[{"logical-id":1,"online":true},null]"#,
        r#"[{"logical-id":1.0,"online":true}]"#,
    ] {
        set(&mut line, vcpus).unwrap_err();
    }
    line.refused("guest-set-vcpus", "{}");
    line.refused("guest-get-vcpus", r#"{"vcpus":[]}"#);
    assert_eq!(online(&mut line), json!([0, 2]));
}

#[test]
fn each_block_of_memory_has_its_own_answer() {
    let mut line = memory();
    let request = r#"{"mem-blks":[
        {"phys-index":7,"online":true,"can-offline":false},
        {"phys-index":0,"online":false},
        {"phys-index":5,"online":true},
        {"phys-index":0,"online":true},
        {"phys-index":-1,"online":false}
    ]}"#;
    assert_eq!(
        line.ok("guest-set-memory-blocks", request),
        json!([
            {"phys-index": 7, "response": "success"},
            {"phys-index": 0, "response": "operation-failed", "error-code": 16},
            {"phys-index": 5, "response": "not-found", "error-code": 2},
            {"phys-index": 0, "response": "success"},
            {"phys-index": u64::MAX, "response": "not-found", "error-code": 2},
        ])
    );
    assert_eq!(
        line.ok("guest-get-memory-blocks", "{}"),
        json!([
            {"phys-index": 0, "online": true, "can-offline": false},
            {"phys-index": 7, "online": true, "can-offline": true},
        ])
    );
    assert_eq!(line.ok("guest-set-memory-blocks", r#"{"mem-blks":[]}"#), json!([]));
    assert_eq!(line.ok("guest-get-memory-block-info", "{}"), json!({"size": 1 << 20}));
}

#[test]
fn a_bad_list_of_memory_changes_nothing() {
    let mut line = memory();
    let before = line.ok("guest-get-memory-blocks", "{}");
    for blocks in [
        r#"[{"phys-index":7,"online":true},{"phys-index":7}]"#,
        r#"[{"phys-index":7,"online":true,"size":1}]"#,
        r#"[{"phys-index":7,"online":true},{"phys-index":18446744073709551616,"online":true}]"#,
        "null",
    ] {
        line.refused("guest-set-memory-blocks", &format!(r#"{{"mem-blks":{blocks}}}"#));
    }
    assert_eq!(line.ok("guest-get-memory-blocks", "{}"), before);
}

#[test]
fn a_guest_may_not_show_its_memory() {
    let mut line = Line::new(Guest::new().memory_blocks(0, vec![]));
    assert_eq!(line.ok("guest-get-memory-blocks", "{}"), json!([]));
    line.refused("guest-get-memory-block-info", "{}");
    let set = line.ok("guest-set-memory-blocks", r#"{"mem-blks":[{"phys-index":0,"online":true}]}"#);
    assert_eq!(set[0]["response"], "not-found");
}

#[test]
fn in_pieces_it_is_the_same() {
    let requests = concat!(
        r#"{"execute":"guest-set-vcpus","arguments":{"vcpus":[{"logical-id":1,"online":false}]},"id":1}"#,
        r#"{"execute":"guest-get-vcpus","id":2}"#,
        r#"{"execute":"guest-set-memory-blocks","arguments":{"mem-blks":[{"phys-index":15,"online":false}]},"id":3}"#,
        r#"{"execute":"guest-get-memory-blocks","id":4}"#,
    );
    let whole = Line::new(Guest::new()).send(requests.as_bytes());
    assert_eq!(read_replies(&whole).unwrap().len(), 4);
    for piece in [1, 2, 7] {
        assert_eq!(Line::new(Guest::new()).send_pieces(requests.as_bytes(), piece), whole);
    }
}
