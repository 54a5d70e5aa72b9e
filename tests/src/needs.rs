//! What tests need of the machine. `./test` sees to it; without it they fail and say so.

use std::path::PathBuf;

/// The path of a program, which is in Debian's package of that name.
///
/// # Panics
///
/// When there is none.
#[must_use]
pub fn program(name: &str, package: &str) -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    // Not in every user's path.
    std::env::split_paths(&path)
        .chain([PathBuf::from("/usr/sbin")])
        .map(|folder| folder.join(name))
        .find(|program| program.exists())
        .unwrap_or_else(|| {
            panic!("this test needs {name}: run ./test, which installs it (Debian's package {package})")
        })
}

/// The path of something that `./test` makes in the target directory.
///
/// # Panics
///
/// When it is not there.
#[must_use]
pub fn made(name: &str) -> PathBuf {
    let test = std::env::current_exe().expect("a program has a path");
    test.ancestors().skip(1).map(|folder| folder.join(name)).find(|path| path.exists()).unwrap_or_else(|| {
        panic!("this test needs {name} in the target directory: run ./test, which makes it")
    })
}
