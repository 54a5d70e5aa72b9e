//! Links for the board that the target stands for: no files of an operating system, and a layout of our own.

use std::env;

fn main() {
    let folder = env::var("CARGO_MANIFEST_DIR").expect("cargo says where");
    let arch = env::var("CARGO_CFG_TARGET_ARCH").expect("cargo says for what");
    let (layout, arguments): (_, &[&str]) = match arch.as_str() {
        // The target is the hosted one, whose precompiled `core` does; cc links.
        "x86_64" => (
            "pc.ld",
            &[
                "-nostdlib",
                "-nostartfiles",
                "-static",
                "-no-pie",
                "-Wl,--build-id=none",
                "-Wl,-z,norelro",
                "-Wl,-T",
            ],
        ),
        "arm" => ("mps2.ld", &["-T"]),
        other => panic!("there is no board for {other}: x86_64 and arm (thumbv7em-none-eabihf) have one"),
    };
    for argument in arguments {
        println!("cargo:rustc-link-arg-bins={argument}");
    }
    let layout = format!("{folder}/src/board/{layout}");
    println!("cargo:rustc-link-arg-bins={layout}");
    println!("cargo:rerun-if-changed={layout}");
}
