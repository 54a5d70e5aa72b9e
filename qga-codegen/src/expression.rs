//! From values to definitions: which keys an expression has and what stands behind them.

use crate::ast::{Branch, Command, Condition, Data, Definition, Feature, Kind, Member, TypeRef, Value};
use crate::doc::Doc;
use crate::error::{Fault, Pos, Spanned};
use crate::name;
use crate::parse::{self, Node};

/// The key that says what an expression defines, with the other keys it must and may have.
const SHAPES: [(&str, &[&str], &[&str]); 6] = [
    ("enum", &["data"], &["prefix", "if", "features"]),
    ("struct", &["data"], &["base", "if", "features"]),
    ("union", &["base", "discriminator", "data"], &["if", "features"]),
    ("alternate", &["data"], &["if", "features"]),
    (
        "command",
        &[],
        &[
            "data",
            "returns",
            "boxed",
            "success-response",
            "gen",
            "allow-oob",
            "allow-preconfig",
            "coroutine",
            "if",
            "features",
        ],
    ),
    ("event", &[], &["data", "boxed", "if", "features"]),
];

/// Reads a definition.
pub(crate) fn definition(node: &Node, doc: Option<Doc>) -> Result<Definition, Fault> {
    let object = node.object("an expression")?;
    let mut shapes = SHAPES.iter().filter(|(kind, ..)| object.iter().any(|(key, _)| key.value == *kind));
    let Some((kind, required, optional)) = shapes.next() else {
        let expected = "expected one of the keys 'enum', 'struct', 'union', 'alternate', 'command', 'event', \
                        'include', 'pragma' in this expression";
        return Err(Fault::new(node.pos, expected));
    };
    if let Some((other, ..)) = shapes.next() {
        return Err(Fault::new(
            node.pos,
            format!("expected one definition per expression, found '{kind}' and '{other}'"),
        ));
    }
    let keys = Keys { node, object, what: format!("{} '{kind}'", article(kind)) };
    keys.check(kind, required, optional)?;
    let name = keys.required(kind)?.string(&format!("the name of {}", keys.what))?;
    name::check(&name, "a name")?;
    let kind = match *kind {
        "enum" => Kind::Enum(values(&keys)?),
        "struct" => {
            let base = keys.get("base").map(|base| base.string("'base'")).transpose()?;
            Kind::Struct { base, members: members(keys.required("data")?, "'data'")? }
        }
        "union" => Kind::Union {
            base: data(keys.required("base")?, "'base'")?,
            discriminator: keys.required("discriminator")?.string("'discriminator'")?,
            branches: branches(keys.required("data")?)?,
        },
        "alternate" => Kind::Alternate(branches(keys.required("data")?)?),
        "command" => Kind::Command(command(&keys)?),
        _ => Kind::Event { data: keys.data()?, boxed: keys.boxed()? },
    };
    Ok(Definition { name, doc, condition: keys.condition()?, features: keys.features()?, kind })
}

/// `a` or `an`, whichever the word needs.
fn article(word: &str) -> &'static str {
    if word.starts_with(['a', 'e', 'i', 'o', 'u']) && !word.starts_with("un") { "an" } else { "a" }
}

/// An object whose keys are known.
struct Keys<'n> {
    node: &'n Node,
    object: &'n [(Spanned<String>, Node)],
    /// What the object is, for messages.
    what: String,
}

impl<'n> Keys<'n> {
    fn new(node: &'n Node, what: &str, required: &[&str], optional: &[&str]) -> Result<Self, Fault> {
        let keys = Self { node, object: node.object(what)?, what: what.to_owned() };
        keys.check("", required, optional)?;
        Ok(keys)
    }

    fn check(&self, kind: &str, required: &[&str], optional: &[&str]) -> Result<(), Fault> {
        for (key, _) in self.object {
            let key_name = key.value.as_str();
            if key_name != kind && !required.contains(&key_name) && !optional.contains(&key_name) {
                let known: Vec<_> = required.iter().chain(optional).map(|key| format!("'{key}'")).collect();
                let message = format!("expected {} to have only the keys {}", self.what, known.join(", "));
                return Err(Fault::new(key.pos, format!("{message}, found '{key_name}'")));
            }
        }
        required.iter().try_for_each(|key| self.required(key).map(|_| ()))
    }

    fn get(&self, key: &str) -> Option<&'n Node> {
        self.object.iter().find(|(name, _)| name.value == key).map(|(_, node)| node)
    }

    fn required(&self, key: &str) -> Result<&'n Node, Fault> {
        let missing = || Fault::new(self.node.pos, format!("expected the key '{key}' in {}", self.what));
        self.get(key).ok_or_else(missing)
    }

    /// A flag that may only be written with the value it does not have by default.
    fn flag(&self, key: &str, default: bool) -> Result<bool, Fault> {
        let Some(node) = self.get(key) else { return Ok(default) };
        match node.value {
            parse::Value::Bool(value) if value != default => Ok(value),
            _ => Err(Fault::new(node.pos, format!("expected {} for '{key}', or no such key", !default))),
        }
    }

    fn boxed(&self) -> Result<bool, Fault> {
        let boxed = self.flag("boxed", false)?;
        match self.get("data") {
            Some(Node { value: parse::Value::Str(_), .. }) => Ok(boxed),
            _ if !boxed => Ok(false),
            other => {
                let pos = other.map_or(self.node.pos, |data| data.pos);
                Err(Fault::new(pos, "expected 'data' to name a type, since 'boxed' is true"))
            }
        }
    }

    fn data(&self) -> Result<Option<Data>, Fault> {
        self.get("data").map(|node| data(node, "'data'")).transpose()
    }

    fn condition(&self) -> Result<Option<Condition>, Fault> {
        self.get("if").map(condition).transpose()
    }

    fn features(&self) -> Result<Vec<Feature>, Fault> {
        let Some(node) = self.get("features") else { return Ok(Vec::new()) };
        let mut features: Vec<Feature> = Vec::new();
        for node in node.array("'features'")? {
            let feature = match &node.value {
                parse::Value::Str(_) => Feature { name: node.string("a feature")? },
                parse::Value::Object(_) => {
                    let keys = Keys::new(node, "a feature", &["name"], &["if"])?;
                    // On which builds it is there is of no use here, but must be right.
                    keys.condition()?;
                    Feature { name: keys.required("name")?.string("'name'")? }
                }
                _ => return Err(node.unexpected("a string or an object for a feature")),
            };
            name::check(&feature.name, "a feature")?;
            unique(features.iter().map(|other| &other.name), &feature.name)?;
            features.push(feature);
        }
        Ok(features)
    }
}

fn unique<'n>(
    mut others: impl Iterator<Item = &'n Spanned<String>>,
    name: &Spanned<String>,
) -> Result<(), Fault> {
    match others.any(|other| other.value == name.value) {
        true => Err(Fault::new(name.pos, format!("expected each name once, found '{}' again", name.value))),
        false => Ok(()),
    }
}

fn command(keys: &Keys<'_>) -> Result<Command, Fault> {
    keys.flag("gen", true)?;
    for flag in ["allow-oob", "allow-preconfig", "coroutine"] {
        keys.flag(flag, false)?;
    }
    Ok(Command {
        data: keys.data()?,
        boxed: keys.boxed()?,
        returns: keys.get("returns").map(|node| type_ref(node, "'returns'")).transpose()?,
        success_response: keys.flag("success-response", true)?,
    })
}

fn values(keys: &Keys<'_>) -> Result<Vec<Value>, Fault> {
    keys.get("prefix").map(|prefix| prefix.string("'prefix'")).transpose()?;
    let mut values: Vec<Value> = Vec::new();
    for node in keys.required("data")?.array("the values of an 'enum'")? {
        let value = match &node.value {
            parse::Value::Str(_) => {
                Value { name: node.string("a value")?, condition: None, features: Vec::new() }
            }
            parse::Value::Object(_) => {
                let keys = Keys::new(node, "a value of an 'enum'", &["name"], &["if", "features"])?;
                Value {
                    name: keys.required("name")?.string("'name'")?,
                    condition: keys.condition()?,
                    features: keys.features()?,
                }
            }
            _ => return Err(node.unexpected("a string or an object for a value of an 'enum'")),
        };
        name::check_value(&value.name)?;
        unique(values.iter().map(|other| &other.name), &value.name)?;
        values.push(value);
    }
    Ok(values)
}

fn data(node: &Node, what: &str) -> Result<Data, Fault> {
    match node.value {
        parse::Value::Str(_) => Ok(Data::Named(node.string(what)?)),
        parse::Value::Object(_) => Ok(Data::Inline(members(node, what)?)),
        _ => Err(node.unexpected(&format!("a type name or an object of members for {what}"))),
    }
}

fn members(node: &Node, what: &str) -> Result<Vec<Member>, Fault> {
    let mut members: Vec<Member> = Vec::new();
    for (key, node) in node.object(&format!("the members in {what}"))? {
        let (name, optional) = match key.value.strip_prefix('*') {
            Some(name) => {
                (Spanned { pos: Pos { column: key.pos.column + 1, ..key.pos }, value: name.to_owned() }, true)
            }
            None => (key.clone(), false),
        };
        name::check(&name, "a member")?;
        unique(members.iter().map(|other| &other.name), &name)?;
        let (ty, condition, features) = match &node.value {
            parse::Value::Object(_) => {
                let keys = Keys::new(node, "a member", &["type"], &["if", "features"])?;
                (type_ref(keys.required("type")?, "'type'")?, keys.condition()?, keys.features()?)
            }
            _ => (type_ref(node, "a member")?, None, Vec::new()),
        };
        members.push(Member { name, optional, ty, condition, features });
    }
    Ok(members)
}

fn branches(node: &Node) -> Result<Vec<Branch>, Fault> {
    let object = node.object("the branches in 'data'")?;
    if object.is_empty() {
        return Err(Fault::new(node.pos, "expected at least one branch in 'data'"));
    }
    let branch = |(name, node): &(Spanned<String>, Node)| {
        name::check_value(name)?;
        let (ty, condition) = match &node.value {
            parse::Value::Object(_) => {
                let keys = Keys::new(node, "a branch", &["type"], &["if"])?;
                (type_ref(keys.required("type")?, "'type'")?, keys.condition()?)
            }
            _ => (type_ref(node, "a branch")?, None),
        };
        Ok(Branch { name: name.clone(), ty, condition })
    };
    object.iter().map(branch).collect()
}

fn type_ref(node: &Node, what: &str) -> Result<TypeRef, Fault> {
    match &node.value {
        parse::Value::Str(name) => Ok(TypeRef { pos: node.pos, name: name.clone(), array: false }),
        parse::Value::Array(items) => match &items[..] {
            [item] => {
                let name = item.string("the type of an array's items")?;
                Ok(TypeRef { pos: name.pos, name: name.value, array: true })
            }
            _ => Err(Fault::new(node.pos, format!("expected one type in the array, found {}", items.len()))),
        },
        _ => Err(node.unexpected(&format!("a type name or an array of one for {what}"))),
    }
}

fn condition(node: &Node) -> Result<Condition, Fault> {
    match &node.value {
        parse::Value::Str(symbol) => {
            let plain = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
            if symbol.starts_with(|c: char| c.is_ascii_uppercase()) && symbol.chars().all(plain) {
                return Ok(Condition::If(symbol.clone()));
            }
            let message = format!("expected a symbol such as CONFIG_LINUX for 'if', found '{symbol}'");
            Err(Fault::new(node.pos, message))
        }
        parse::Value::Object(object) => match &object[..] {
            [(key, operand)] => match key.value.as_str() {
                "all" => Ok(Condition::All(conditions(operand, "'all'")?)),
                "any" => Ok(Condition::Any(conditions(operand, "'any'")?)),
                "not" => Ok(Condition::Not(Box::new(condition(operand)?))),
                other => Err(Fault::new(key.pos, format!("expected 'all', 'any' or 'not', found '{other}'"))),
            },
            _ => Err(Fault::new(node.pos, "expected exactly one of the keys 'all', 'any', 'not' for 'if'")),
        },
        _ => Err(node.unexpected("a string or an object for 'if'")),
    }
}

fn conditions(node: &Node, what: &str) -> Result<Vec<Condition>, Fault> {
    let items = node.array(what)?;
    if items.is_empty() {
        return Err(Fault::new(node.pos, format!("expected at least one condition for {what}")));
    }
    items.iter().map(condition).collect()
}
