//! The program: what it writes, prints and returns.

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

fn run(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_qga-codegen")).args(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> &str {
    std::str::from_utf8(bytes).unwrap()
}

/// A folder with a schema in it, and the schema's path.
fn project(name: &str, schema: &str) -> (String, String) {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(folder.join("schema")).unwrap();
    let path = folder.join("schema/a.json");
    fs::write(&path, schema).unwrap();
    (folder.to_str().unwrap().to_owned(), path.to_str().unwrap().to_owned())
}

#[test]
fn writes_beside_the_schema() {
    let (folder, schema) = project("beside", "{ 'command': 'go' }");
    assert_eq!(run(&["--check", &schema]).status.code(), Some(1));
    let output = run(&[&schema]);
    assert_eq!((output.status.code(), text(&output.stdout), text(&output.stderr)), (Some(0), "", ""));
    let commands = fs::read_to_string(format!("{folder}/qga-proto/src/generated/commands.rs")).unwrap();
    assert!(commands.contains("pub struct Go {}"));
    assert_eq!(run(&["--check", &schema]).status.code(), Some(0));
}

#[test]
fn writes_where_it_is_told() {
    let (folder, schema) = project("told", "{ 'command': 'go' }");
    let out = format!("{folder}/out");
    assert_eq!(run(&[&schema, "--crate", "qga_proto", "--out", &out]).status.code(), Some(0));
    assert!(fs::read_to_string(format!("{out}/commands.rs")).unwrap().contains("use qga_proto::{"));
    // A file that is not what the schema gives is named.
    fs::write(format!("{out}/view.rs"), "").unwrap();
    let output = run(&[&schema, "--crate", "qga_proto", "--out", &out, "--check"]);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(text(&output.stderr), format!("{out}/view.rs: not what the schema gives\n"));
}

#[test]
fn a_wrong_schema_is_one_line() {
    let (_, schema) = project("wrong", "{ 'command': 'go',\n  'dta': {} }");
    let output = run(&[&schema]);
    assert_eq!(output.status.code(), Some(1));
    let message = text(&output.stderr);
    assert!(
        message.starts_with(&format!("{schema}:2:3: expected a 'command' to have only the keys")),
        "{message}"
    );
    assert_eq!(message.lines().count(), 1);
}

#[test]
fn wrong_use() {
    for (arguments, expected) in [
        (&[][..], "no schema given"),
        (&["--fast"], "unknown option --fast"),
        (&["a", "b"], "unexpected argument b"),
        (&["a", "--out"], "--out needs a value"),
        (&["a", "--crate", "a-b"], "a-b is not the path of a crate"),
    ] {
        let output = run(arguments);
        assert_eq!(output.status.code(), Some(2));
        assert_eq!(text(&output.stderr), format!("qga-codegen: {expected} (see qga-codegen --help)\n"));
    }
    assert_eq!(run(&["no/such/schema.json"]).status.code(), Some(2));
    let output = run(&["--help"]);
    assert_eq!(output.status.code(), Some(0));
    assert!(text(&output.stdout).contains("Usage: qga-codegen SCHEMA"));
}
