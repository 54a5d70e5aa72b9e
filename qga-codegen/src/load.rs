//! From files to definitions: includes, pragmas, and which documentation belongs to what.

use std::io;
use std::path::{Component, Path, PathBuf};

use crate::ast::Definition;
use crate::doc::Doc;
use crate::error::{Error, Fault, Pos, Spanned};
use crate::expression;
use crate::parse::{self, Node, Top};

/// Bounds what a directory full of includes can cost. QEMU's largest schema has some sixty files and one
/// megabyte.
const MAX_FILES: usize = 1024;
const MAX_BYTES: usize = 64 << 20;
/// Includes recurse; real ones are two or three levels deep.
const MAX_INCLUDE_DEPTH: usize = 32;

/// How a file is read: from the disk, or from wherever a test has it.
pub(crate) type Read<'r> = &'r dyn Fn(&Path) -> io::Result<Vec<u8>>;

/// All that the files say, in the order in which they say it.
#[derive(Debug, Default)]
pub(crate) struct Loaded {
    pub(crate) definitions: Vec<Definition>,
    pub(crate) files: Vec<PathBuf>,
}

/// Reads a schema and everything it includes.
pub(crate) fn load(path: &Path, read: Read<'_>) -> Result<Loaded, Error> {
    let mut loader =
        Loader { read, loaded: Loaded::default(), open: Vec::new(), bytes: 0, doc_required: false };
    let text = loader.text(path).map_err(|message| Error::in_file(path, message))?;
    match loader.file(path, &text) {
        Ok(()) => Ok(loader.loaded),
        Err(fault) => Err(fault.locate(&loader.loaded.files)),
    }
}

struct Loader<'r> {
    read: Read<'r>,
    loaded: Loaded,
    /// The files whose end has not been reached, outermost first.
    open: Vec<PathBuf>,
    bytes: usize,
    /// A pragma that holds for the whole schema, from where it stands.
    doc_required: bool,
}

impl Loader<'_> {
    fn text(&mut self, path: &Path) -> Result<Vec<u8>, String> {
        let bytes = (self.read)(path).map_err(|error| format!("expected a readable schema file: {error}"))?;
        self.bytes = self.bytes.saturating_add(bytes.len());
        if self.bytes > MAX_BYTES || self.loaded.files.len() >= MAX_FILES {
            return Err(format!("expected at most {MAX_FILES} files of {} MiB together", MAX_BYTES >> 20));
        }
        Ok(bytes)
    }

    fn file(&mut self, path: &Path, bytes: &[u8]) -> Result<(), Fault> {
        let file = self.loaded.files.len();
        self.loaded.files.push(path.to_owned());
        self.open.push(path.to_owned());
        let text = utf8(file, bytes)?;
        let mut pending: Option<(Pos, Doc)> = None;
        for top in parse::parse(file, text)? {
            let node = match top {
                Top::Doc(comment) => {
                    refuse_doc(pending.take())?;
                    pending = Some((comment.pos, Doc::parse(&comment)?));
                    continue;
                }
                Top::Expression(node) => node,
            };
            if let Some(name) = single(&node, "include")? {
                refuse_doc(pending.take())?;
                self.include(path, &name.string("'include'")?)?;
            } else if let Some(pragmas) = single(&node, "pragma")? {
                refuse_doc(pending.take())?;
                pragma(pragmas, &mut self.doc_required)?;
            } else {
                let doc = pending.take().map(|(_, doc)| doc).filter(|doc| doc.symbol.is_some());
                self.define(&node, doc)?;
            }
        }
        refuse_doc(pending)?;
        self.open.pop();
        Ok(())
    }

    fn define(&mut self, node: &Node, doc: Option<Doc>) -> Result<(), Fault> {
        let definition = expression::definition(node, doc)?;
        let name = &definition.name;
        match definition.doc.as_ref().and_then(|doc| doc.symbol.as_ref()) {
            Some(symbol) if symbol.value != name.value => {
                let message = format!(
                    "expected the documentation of '{}', found that of '{}'",
                    name.value, symbol.value
                );
                return Err(Fault::new(symbol.pos, message));
            }
            None if self.doc_required => {
                return Err(Fault::new(
                    node.pos,
                    format!("expected a documentation comment before '{}'", name.value),
                ));
            }
            _ => {}
        }
        self.loaded.definitions.push(definition);
        Ok(())
    }

    fn include(&mut self, from: &Path, name: &Spanned<String>) -> Result<(), Fault> {
        let path = normal(&from.parent().unwrap_or(Path::new("")).join(&name.value));
        if self.open.iter().any(|open| normal(open) == path) {
            return Err(Fault::new(
                name.pos,
                format!("expected no cycle of includes, found '{}' again", name.value),
            ));
        }
        if self.loaded.files.iter().any(|loaded| normal(loaded) == path) {
            return Ok(());
        }
        if self.open.len() >= MAX_INCLUDE_DEPTH {
            return Err(Fault::new(
                name.pos,
                format!("expected at most {MAX_INCLUDE_DEPTH} levels of includes"),
            ));
        }
        let text = self.text(&path).map_err(|message| Fault::new(name.pos, message))?;
        self.file(&path, &text)
    }
}

/// The value of `key` when the expression has it; it must then be the only key.
fn single<'n>(node: &'n Node, key: &str) -> Result<Option<&'n Node>, Fault> {
    let object = node.object("an expression")?;
    match object.iter().find(|(name, _)| name.value == key) {
        Some(_) if object.len() > 1 => {
            Err(Fault::new(node.pos, format!("expected '{key}' to be alone in its expression")))
        }
        found => Ok(found.map(|(_, value)| value)),
    }
}

/// A comment for a symbol must stand right before its definition.
fn refuse_doc(pending: Option<(Pos, Doc)>) -> Result<(), Fault> {
    match pending.and_then(|(_, doc)| doc.symbol) {
        Some(symbol) => Err(Fault::new(
            symbol.pos,
            format!("expected the definition of '{}' after its documentation", symbol.value),
        )),
        None => Ok(()),
    }
}

/// Reads a pragma. All but `doc-required` relax QEMU's rules of style, which are not enforced here in the
/// first place.
fn pragma(node: &Node, doc_required: &mut bool) -> Result<(), Fault> {
    for (key, value) in node.object("'pragma'")? {
        match key.value.as_str() {
            "doc-required" => *doc_required = value.bool("'doc-required'")?,
            "command-name-exceptions"
            | "command-returns-exceptions"
            | "documentation-exceptions"
            | "member-name-exceptions"
            | "name-case-whitelist"
            | "returns-whitelist" => {
                for name in value.array(&format!("'{}'", key.value))? {
                    name.string("a name in a pragma")?;
                }
            }
            other => {
                return Err(Fault::new(key.pos, format!("expected a pragma that exists, found '{other}'")));
            }
        }
    }
    Ok(())
}

fn utf8(file: usize, bytes: &[u8]) -> Result<&str, Fault> {
    std::str::from_utf8(bytes).map_err(|error| {
        let good = String::from_utf8_lossy(&bytes[..error.valid_up_to()]);
        let line = good.matches('\n').count() as u32 + 1;
        let column = good.rsplit('\n').next().unwrap_or_default().chars().count() as u32 + 1;
        Fault::new(Pos { file, line, column }, "expected UTF-8")
    })
}

/// Resolves `.` and `..` by name, so that one file has one path.
fn normal(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for component in path.components() {
        match component {
            Component::CurDir => {}
            Component::ParentDir if matches!(normal.components().next_back(), Some(Component::Normal(_))) => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}
