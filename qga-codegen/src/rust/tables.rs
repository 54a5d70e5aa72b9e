//! The file of run-time metadata.

use crate::ast::{Condition, Feature};
use crate::doc::Doc;
use crate::facts;
use crate::prose;
use crate::rust::layout::{Code, Expr};
use crate::rust::types::{Types, is_string};
use crate::schema::{Arguments, Branch, Builtin, Command, Item, Member, Type, TypeKind, TypeRef, Value};

/// The tables, without the file's head. Those of the platforms are `qga-proto`'s alone.
pub(crate) fn generate(types: &Types<'_>, platforms: bool) -> String {
    let tables = Tables { types };
    let mut commands: Vec<_> = types.schema.commands.iter().collect();
    commands.sort_by(|a, b| a.name.value.cmp(&b.name.value));
    let mut named: Vec<_> = types.schema.types.iter().collect();
    named.sort_by(|a, b| a.name.value.cmp(&b.name.value));
    let mut code = Code::default();
    code.line("");
    code.line("/// All commands, by name.");
    let commands = Expr::Array(commands.into_iter().map(|command| tables.command(command)).collect());
    code.expression("pub static COMMANDS: &[CommandInfo] = ", &commands, ";");
    code.line("");
    code.line("/// All types, by name.");
    let named = Expr::Array(named.into_iter().map(|ty| tables.named_type(ty)).collect());
    code.expression("pub static TYPES: &[TypeInfo] = ", &named, ";");
    if platforms {
        let platform = |(name, symbols): &(&str, &[&str])| {
            let symbols =
                Expr::Array(symbols.iter().map(|symbol| Expr::Text((*symbol).to_owned())).collect());
            Expr::Tuple(vec![Expr::atom(format!("Platform::{}", name.replace("BSD", "Bsd"))), symbols])
        };
        let platforms = Expr::Array(facts::PLATFORMS.iter().map(platform).collect());
        code.line("");
        code.line("/// What a build for each platform defines, when it lacks nothing it can be built with.");
        code.expression("pub(crate) static PLATFORMS: &[(Platform, &[&str])] = ", &platforms, ";");
    }
    code.into_text()
}

/// Collects the fields of a structure that differ from its `DEFAULT`.
struct Record {
    name: &'static str,
    fields: Vec<(String, Expr)>,
}

impl Record {
    fn new(name: &'static str, wire: &str) -> Self {
        Self { name, fields: vec![("name".to_owned(), Expr::Text(wire.to_owned()))] }
    }

    fn set(&mut self, field: &str, value: Expr) {
        self.fields.push((field.to_owned(), value));
    }

    fn text(&mut self, field: &str, text: &str) {
        if !text.is_empty() {
            self.set(field, Expr::Text(text.to_owned()));
        }
    }

    fn some(&mut self, field: &str, text: Option<String>) {
        if let Some(text) = text {
            self.set(field, Expr::call("Some", Expr::Text(text)));
        }
    }

    fn flag(&mut self, field: &str, value: bool, default: bool) {
        if value != default {
            self.set(field, Expr::atom(value.to_string()));
        }
    }

    fn condition(&mut self, condition: Option<&Condition>) {
        if let Some(condition) = condition {
            self.set("condition", self::condition(condition));
        }
    }

    fn features(&mut self, features: &[Feature]) {
        if !features.is_empty() {
            let names = features.iter().map(|feature| Expr::Text(feature.name.value.clone()));
            self.set("features", Expr::Array(names.collect()));
        }
    }

    /// `all` is how many fields the structure has: when each is set, nothing is left to default.
    fn finish(self, all: usize) -> Expr {
        let rest = (self.fields.len() < all).then(|| format!("{}::DEFAULT", self.name));
        Expr::Struct { name: self.name.to_owned(), fields: self.fields, rest }
    }
}

struct Tables<'t> {
    types: &'t Types<'t>,
}

impl Tables<'_> {
    fn command(&self, command: &Command) -> Expr {
        let mut record = Record::new("CommandInfo", &command.name.value);
        documented(&mut record, &command.doc, command.condition.as_ref(), &command.features);
        let arguments = match &command.arguments {
            Arguments::Members(members) => self.members(members),
            Arguments::Union(id) => Expr::Array(self.union_members(&self.types.schema.types[*id], false)),
        };
        if arguments != Expr::Array(Vec::new()) {
            record.set("arguments", arguments);
        }
        if let Some(ty) = &command.returns {
            record.set("returns", Expr::call("Some", self.ty(ty)));
        }
        record.flag("success_response", command.success_response, true);
        record.flag(
            "allowed_while_frozen",
            facts::WHILE_FROZEN.contains(&command.name.value.as_str()),
            false,
        );
        record.flag("query", facts::QUERIES.contains(&command.name.value.as_str()), false);
        record.finish(10)
    }

    fn named_type(&self, ty: &Type) -> Expr {
        let mut record = Record::new("TypeInfo", &ty.name.value);
        documented(&mut record, &ty.doc, ty.condition.as_ref(), &ty.features);
        let branches =
            |branches: &[Branch]| Expr::Array(branches.iter().map(|branch| self.branch(branch)).collect());
        let kind = match &ty.kind {
            TypeKind::Enum(values) => {
                let values = values.iter().map(|value| enum_value(value, &ty.doc)).collect();
                Expr::call("TypeKind::Enum", Expr::Array(values))
            }
            TypeKind::Struct(members) => Expr::call("TypeKind::Struct", self.members(members)),
            TypeKind::Alternate(all) => Expr::call("TypeKind::Alternate", branches(all)),
            TypeKind::Union(union) => Expr::Struct {
                name: "TypeKind::Union".to_owned(),
                fields: vec![
                    ("tag".to_owned(), Expr::Text(union.tag().name.value.clone())),
                    ("members".to_owned(), self.members(&union.members)),
                    ("branches".to_owned(), branches(&union.branches)),
                ],
                rest: None,
            },
        };
        record.set("kind", kind);
        record.finish(6)
    }

    fn members(&self, members: &[Member]) -> Expr {
        Expr::Array(members.iter().map(|member| self.member(member, member.optional)).collect())
    }

    /// The members of a union's base and of all its branches, the latter optional.
    fn union_members(&self, ty: &Type, optional: bool) -> Vec<Expr> {
        match &ty.kind {
            TypeKind::Struct(members) => {
                members.iter().map(|member| self.member(member, optional || member.optional)).collect()
            }
            TypeKind::Union(union) => {
                let mut all: Vec<_> = union
                    .members
                    .iter()
                    .map(|member| self.member(member, optional || member.optional))
                    .collect();
                for branch in &union.branches {
                    if let Item::Named(id) = branch.ty.item {
                        let inner = self.union_members(&self.types.schema.types[id], true);
                        all.extend(
                            inner.into_iter().filter(|member| !all.contains(member)).collect::<Vec<_>>(),
                        );
                    }
                }
                all
            }
            TypeKind::Enum(_) | TypeKind::Alternate(_) => Vec::new(),
        }
    }

    fn member(&self, member: &Member, optional: bool) -> Expr {
        let (owner, name) = (member.owner.as_str(), member.name.value.as_str());
        let mut record = Record::new("Member", name);
        record.text("doc", &part_text(&member.doc));
        if !is_string(&member.ty) {
            record.set("ty", self.ty(&member.ty));
        }
        record.flag("optional", optional, false);
        record.some("since", member.since.as_ref().map(ToString::to_string));
        record.condition(member.condition.as_ref());
        record.features(&member.features);
        record.flag("base64", facts::has(facts::BASE64, owner, name) && is_string(&member.ty), false);
        record.flag("secret", facts::has(facts::SECRET, owner, name), false);
        record.finish(9)
    }

    fn branch(&self, branch: &Branch) -> Expr {
        let mut record = Record::new("Branch", &branch.name.value);
        record.text("doc", &part_text(&branch.doc));
        if !is_string(&branch.ty) {
            record.set("ty", self.ty(&branch.ty));
        }
        record.condition(branch.condition.as_ref());
        record.finish(4)
    }

    fn ty(&self, ty: &TypeRef) -> Expr {
        let item = match ty.item {
            Item::Named(id) => {
                Expr::call("Type::Named", Expr::Text(self.types.schema.types[id].name.value.clone()))
            }
            Item::Builtin(builtin) => Expr::atom(format!("Type::{}", builtin_name(builtin))),
        };
        match (ty.array, item) {
            (false, item) => item,
            (true, Expr::Call(name, argument)) => {
                Expr::call("Type::Array", Expr::Call(format!("&{name}"), argument))
            }
            (true, Expr::Atom(name)) => Expr::call("Type::Array", Expr::Atom(format!("&{name}"))),
            (true, other) => other,
        }
    }
}

fn enum_value(value: &Value, owner: &Doc) -> Expr {
    let mut record = Record::new("Value", &value.name.value);
    record.text("doc", &part_text(&value.doc));
    let since = value.since.as_ref().filter(|since| Some(*since) != owner.since.as_ref());
    record.some("since", since.map(ToString::to_string));
    record.condition(value.condition.as_ref());
    record.features(&value.features);
    record.finish(5)
}

fn documented(record: &mut Record, doc: &Doc, condition: Option<&Condition>, features: &[Feature]) {
    record.text("doc", &prose::plain(&doc.body));
    record.some("since", doc.since.as_ref().map(ToString::to_string));
    record.condition(condition);
    record.features(features);
}

/// A description as a sentence, without markup.
fn part_text(text: &str) -> String {
    prose::plain(&prose::sentence(text))
}

fn condition(condition: &Condition) -> Expr {
    let all = |conditions: &[Condition]| Expr::Array(conditions.iter().map(self::condition).collect());
    match condition {
        Condition::If(symbol) => Expr::call("Condition::If", Expr::Text(symbol.clone())),
        Condition::All(conditions) => Expr::call("Condition::All", all(conditions)),
        Condition::Any(conditions) => Expr::call("Condition::Any", all(conditions)),
        Condition::Not(condition) => match self::condition(condition) {
            Expr::Call(name, argument) => {
                Expr::call("Condition::Not", Expr::Call(format!("&{name}"), argument))
            }
            other => other,
        },
    }
}

fn builtin_name(builtin: Builtin) -> &'static str {
    match builtin {
        Builtin::Str => "Str",
        Builtin::Number => "Number",
        Builtin::Int => "Int",
        Builtin::Int8 => "Int8",
        Builtin::Int16 => "Int16",
        Builtin::Int32 => "Int32",
        Builtin::Int64 => "Int64",
        Builtin::UInt8 => "UInt8",
        Builtin::UInt16 => "UInt16",
        Builtin::UInt32 => "UInt32",
        Builtin::UInt64 => "UInt64",
        Builtin::Size => "Size",
        Builtin::Bool => "Bool",
        Builtin::Null => "Null",
        Builtin::Any => "Any",
        Builtin::QType => "QType",
    }
}
