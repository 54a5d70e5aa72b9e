//! The committed files are what the schema gives, and rustfmt has nothing to say about them.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::{env, fs};

fn project() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

#[test]
fn generated_files_are_fresh() {
    let folder = project().join("qga-proto/src/generated");
    let files = qga_codegen::generate(&project().join("schema/qga.json")).unwrap();
    for file in &files {
        let committed = fs::read_to_string(folder.join(file.name)).unwrap_or_default();
        assert!(
            committed == file.text,
            "qga-proto/src/generated/{} is stale: run `cargo run -p qga-codegen -- schema/qga.json`",
            file.name
        );
    }
    for entry in fs::read_dir(&folder).unwrap() {
        let name = entry.unwrap().file_name();
        assert!(files.iter().any(|file| *file.name == name), "{} is not generated", name.display());
    }
}

#[test]
fn generated_files_are_formatted() {
    let kitchen = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/kitchen/sink.json");
    for (name, schema, krate) in
        [("qga", project().join("schema/qga.json"), "crate"), ("sink", kitchen, "qga_proto")]
    {
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        fs::create_dir_all(&folder).unwrap();
        for file in qga_codegen::generate_for(krate, &schema).unwrap() {
            fs::write(folder.join(file.name), file.text).unwrap();
        }
        // rustfmt reads the modules that this one has, too.
        let output = Command::new(env::var_os("RUSTFMT").unwrap_or_else(|| "rustfmt".into()))
            .args(["--check", "--edition", "2024", "--config-path"])
            .arg(project().join("rustfmt.toml"))
            .arg(folder.join("mod.rs"))
            .output()
            .expect("rustfmt comes with the toolchain");
        assert!(output.status.success(), "{name}: {}", String::from_utf8_lossy(&output.stdout));
    }
}
