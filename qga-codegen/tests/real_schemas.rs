//! The schemas that QEMU itself ships. Their licence keeps them out of this repository, so they are taken from the
//! folder that the environment variable `QGA_QEMU_SCHEMAS` names.

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::{env, fs};

const VARIABLE: &str = "QGA_QEMU_SCHEMAS";

/// The files that a schema gives.
const FILES: [&str; 5] = ["commands.rs", "mod.rs", "owned.rs", "schema.rs", "view.rs"];

/// Past the test harness, which shows what a successful test prints only on demand.
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "real_schemas: {line}");
}

/// Generates from one schema, and tells how many lines came out.
fn generate(schema: &Path) -> Result<usize, String> {
    let files = qga_codegen::generate_for("qga_proto", schema).map_err(|error| error.to_string())?;
    let mut names: Vec<_> = files.iter().map(|file| file.name).collect();
    names.sort_unstable();
    match names == FILES && files.iter().all(|file| !file.text.is_empty()) {
        true => Ok(files.iter().map(|file| file.text.lines().count()).sum()),
        false => Err(format!("{}: expected {FILES:?}, found {names:?}", schema.display())),
    }
}

#[test]
fn schemas_of_qemu() {
    let Some(folder) = env::var_os(VARIABLE).filter(|folder| !folder.is_empty()) else {
        say(&format!("no real schema was given: {VARIABLE} is not set, nothing of QEMU's own was tried"));
        return;
    };
    let entries = fs::read_dir(&folder).unwrap_or_else(|error| panic!("{VARIABLE}={folder:?}: {error}"));
    let mut schemas: Vec<PathBuf> = entries
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    schemas.sort();
    assert!(!schemas.is_empty(), "{VARIABLE}={folder:?}: there is no *.json in it");

    let mut failures = Vec::new();
    for schema in &schemas {
        let name = schema.file_name().unwrap_or_default().display();
        match generate(schema) {
            Ok(lines) => say(&format!("{name}: ok, {lines} lines")),
            Err(error) => {
                say(&format!("{name}: FAILED: {error}"));
                failures.push(error);
            }
        }
    }
    assert!(
        failures.is_empty(),
        "{} of {} schemas failed:\n{}",
        failures.len(),
        schemas.len(),
        failures.join("\n")
    );
}

/// What the test above does to QEMU's schemas, it does here to our own, so that it is known to work.
#[test]
fn kitchen_sink() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kitchen/sink.json");
    assert!(generate(&schema).unwrap() > 0);
}
