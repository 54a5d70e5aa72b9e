//! The examples, which are built apart from the workspace.

use std::path::Path;
use std::process::Command;

/// Builds the example of that name, in a target directory of its own, with more arguments and environment variables.
///
/// # Panics
///
/// When it does not build.
pub fn build(name: &str, target: &Path, arguments: &[&str], variables: &[(&str, &str)]) {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples").join(name).join("Cargo.toml");
    let built = Command::new(env!("CARGO"))
        .args(["build", "--locked", "--release", "--quiet", "--manifest-path"])
        .arg(manifest)
        .arg("--target-dir")
        .arg(target)
        .args(arguments)
        // Those of the test's own build are not for it.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_ENCODED_RUSTFLAGS")
        .envs(variables.iter().copied())
        .status()
        .expect("cargo starts");
    assert!(built.success(), "the example does not build");
}
