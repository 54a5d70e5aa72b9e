//! What is made of a schema that has every construct of the notation.
//!
//! After a wanted change, run with `UPDATE_GOLDEN=1` and read the difference.

use std::path::Path;
use std::{env, fs};

#[test]
fn kitchen_sink() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kitchen");
    for file in qga_codegen::generate_for("qga_proto", &folder.join("sink.json")).unwrap() {
        let path = folder.join("expected").join(file.name);
        if env::var_os("UPDATE_GOLDEN").is_some() {
            fs::write(&path, &file.text).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        let line = file.text.lines().zip(expected.lines()).position(|(found, expected)| found != expected);
        assert!(
            file.text == expected,
            "{} differs first in line {:?}",
            path.display(),
            line.map(|line| line + 1)
        );
    }
}

/// What the notation leaves open has no influence on what comes out.
#[test]
fn deterministic() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kitchen/sink.json");
    assert_eq!(qga_codegen::generate(&schema).unwrap(), qga_codegen::generate(&schema).unwrap());
}
