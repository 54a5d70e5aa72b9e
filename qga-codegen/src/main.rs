//! `qga-codegen SCHEMA [--out DIR]`: see `--help`.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::{env, fs, io};

const HELP: &str = "\
Turns a QAPI schema into the Rust types of the QEMU Guest Agent protocol.

Usage: qga-codegen SCHEMA [--out DIR] [--crate NAME] [--check]

  SCHEMA        the schema, such as QEMU's qga/qapi-schema.json
  --out DIR     where to write; without it qga-proto/src/generated, in the folder that has the schema's
  --crate NAME  how generated code reaches qga-proto: `crate` (the default) within it, `qga_proto` elsewhere
  --check       write nothing; fail when a file is not what would be written
  --help        print this
  --version     print the version

Exit status: 0 on success, 1 when the schema is wrong or --check finds a difference, 2 on other failures.
";

/// What the command line asks for.
struct Request {
    schema: PathBuf,
    out: PathBuf,
    krate: String,
    check: bool,
}

/// Why the program fails: with which status, and what it says.
struct Failure(u8, String);

fn main() -> ExitCode {
    match run(env::args_os().skip(1)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure(status, message)) => {
            eprintln!("{message}");
            ExitCode::from(status)
        }
    }
}

fn run(arguments: impl Iterator<Item = OsString>) -> Result<(), Failure> {
    let Some(request) = parse(arguments)? else { return Ok(()) };
    let files = qga_codegen::generate_for(&request.krate, &request.schema)
        .map_err(|error| Failure(if error.place.is_some() { 1 } else { 2 }, error.to_string()))?;
    if !request.check {
        fs::create_dir_all(&request.out).map_err(|error| failed(&request.out, &error))?;
    }
    for file in files {
        let path = request.out.join(file.name);
        if request.check {
            match fs::read_to_string(&path) {
                Ok(text) if text == file.text => {}
                Ok(_) => return Err(Failure(1, format!("{}: not what the schema gives", path.display()))),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    return Err(Failure(1, failed(&path, &error).1));
                }
                Err(error) => return Err(failed(&path, &error)),
            }
        } else {
            fs::write(&path, file.text).map_err(|error| failed(&path, &error))?;
        }
    }
    Ok(())
}

/// Reads the command line; `None` when it only asked for a text, which is then printed.
fn parse(mut arguments: impl Iterator<Item = OsString>) -> Result<Option<Request>, Failure> {
    let (mut schema, mut out, mut krate, mut check) = (None, None, "crate".to_owned(), false);
    while let Some(argument) = arguments.next() {
        let mut value =
            || arguments.next().ok_or_else(|| usage(&format!("{} needs a value", argument.display())));
        match argument.to_str() {
            Some("--help" | "-h") => {
                print!("{HELP}");
                return Ok(None);
            }
            Some("--version" | "-V") => {
                println!("qga-codegen {}", env!("CARGO_PKG_VERSION"));
                return Ok(None);
            }
            Some("--check") => check = true,
            Some("--out") => out = Some(PathBuf::from(value()?)),
            Some("--crate") => krate = crate_path(&value()?)?,
            Some(option) if option.starts_with('-') => {
                return Err(usage(&format!("unknown option {option}")));
            }
            _ if schema.is_none() => schema = Some(PathBuf::from(argument)),
            _ => return Err(usage(&format!("unexpected argument {}", argument.display()))),
        }
    }
    let schema = schema.ok_or_else(|| usage("no schema given"))?;
    let out = out.unwrap_or_else(|| default_out(&schema));
    Ok(Some(Request { schema, out, krate, check }))
}

/// `qga-proto/src/generated` beside the schema's folder.
fn default_out(schema: &Path) -> PathBuf {
    let folder = match schema.parent() {
        Some(folder) if folder != Path::new("") => folder.join(".."),
        _ => PathBuf::from(".."),
    };
    // `schema/..` is the folder that one stands in.
    let project = if folder == Path::new("schema/..") { PathBuf::new() } else { folder };
    project.join("qga-proto/src/generated")
}

fn crate_path(name: &OsString) -> Result<String, Failure> {
    let segment = |part: &str| {
        part.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
            && part.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    match name.to_str() {
        Some(path) if path.split("::").all(segment) => Ok(path.to_owned()),
        _ => Err(usage(&format!("{} is not the path of a crate", name.display()))),
    }
}

fn usage(problem: &str) -> Failure {
    Failure(2, format!("qga-codegen: {problem} (see qga-codegen --help)"))
}

fn failed(path: &Path, error: &io::Error) -> Failure {
    Failure(2, format!("{}: {error}", path.display()))
}
