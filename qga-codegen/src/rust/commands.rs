//! The file of commands: one struct each, which the host writes and the agent reads.

use crate::error::Fault;
use crate::facts;
use crate::rust::layout::Code;
use crate::rust::members::{Fields, Presence};
use crate::rust::types::{Place, Types};
use crate::rust::{docs, names};
use crate::schema::{Arguments, Command};

/// All commands, without the file's head. `alloc` is the attribute on what needs an allocator, if there is a
/// choice.
pub(crate) fn generate(types: &Types<'_>, alloc: Option<&str>) -> Result<String, Fault> {
    names::check_distinct(types.schema.commands.iter().map(|command| &command.name), struct_name)?;
    let mut code = Code::default();
    for command in &types.schema.commands {
        code.line("");
        generate_one(&mut code, types, command, alloc)?;
    }
    Ok(code.into_text())
}

/// The name of a command's struct.
pub(crate) fn struct_name(command: &str) -> String {
    names::type_name(&names::camel(command))
}

fn generate_one(
    code: &mut Code,
    types: &Types<'_>,
    command: &Command,
    alloc: Option<&str>,
) -> Result<(), Fault> {
    let name = struct_name(&command.name.value);
    let wire = &command.name.value;
    code.docs(&docs::command(command, code.room(4)));
    let borrows = match &command.arguments {
        Arguments::Members(members) => {
            let fields = Fields::new(types, None, members, Place::COMMAND)?.read_by_members()?;
            let default = if fields.starts_empty() { "Default, " } else { "" };
            code.line(format!("#[derive(Clone, Copy, Debug, {default}PartialEq, Serialize)]"));
            fields.container(code, &[]);
            code.line("#[non_exhaustive]");
            fields.declare(code, &name, true);
            head(code, &name, fields.borrows(), wire);
            code.line("");
            fields.methods(code, &new_doc(wire, &fields));
            code.close("}");
            fields.members(code, "closed", &name);
            fields.borrows()
        }
        Arguments::Union(id) => {
            let ty = types.named(*id, Place::COMMAND);
            code.line("#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]");
            code.line("#[serde(transparent)]");
            code.line(format!("pub struct {name}<'a>("));
            code.line("    /// The arguments, all together.");
            code.line("    #[serde(borrow)]");
            code.line(format!("    pub {ty},"));
            code.line(");");
            head(code, &name, true, wire);
            code.close("}");
            true
        }
    };
    traits(code, types, command, &name, borrows, alloc);
    Ok(())
}

fn head(code: &mut Code, name: &str, borrows: bool, wire: &str) {
    code.line("");
    code.open(if borrows { format!("impl<'a> {name}<'a> {{") } else { format!("impl {name} {{") });
    code.line("/// The name on the wire.");
    code.line(format!("pub const NAME: &'static str = \"{wire}\";"));
}

fn new_doc(wire: &str, fields: &Fields<'_>) -> String {
    if fields.all.is_empty() {
        format!("`{wire}`.")
    } else if fields.starts_empty() {
        format!("`{wire}` without arguments.")
    } else if fields.all.iter().any(|field| field.presence == Presence::Optional) {
        format!("`{wire}` with the arguments it must have.")
    } else {
        format!("`{wire}` with its arguments.")
    }
}

/// The traits that make the struct a command.
fn traits(
    code: &mut Code,
    types: &Types<'_>,
    command: &Command,
    name: &str,
    borrows: bool,
    alloc: Option<&str>,
) {
    let lifetime = if borrows { "<'_>" } else { "" };
    let reply = |place| match &command.returns {
        Some(ty) if command.success_response => types.rust(None, ty, place),
        _ => "Empty".to_owned(),
    };
    code.line("");
    code.open(format!("impl Command for {name}{lifetime} {{"));
    code.line(format!("type View<'v> = {};", reply(Place::COMMAND_VIEW)));
    code.line("");
    code.open("fn name(&self) -> &str {");
    code.line("Self::NAME");
    code.close("}");
    if !command.success_response {
        code.line("");
        code.open("fn success_response(&self) -> bool {");
        code.line("false");
        code.close("}");
    }
    if facts::QUERIES.contains(&command.name.value.as_str()) {
        code.line("");
        code.open("fn is_query(&self) -> bool {");
        code.line("true");
        code.close("}");
    }
    code.close("}");
    code.line("");
    // The struct's own constant stays: it needs no trait in scope.
    code.open(format!("impl NamedCommand for {name}{lifetime} {{"));
    code.line("const NAME: &'static str = Self::NAME;");
    code.close("}");
    code.line("");
    if let Some(attribute) = alloc {
        code.line(attribute);
    }
    code.open(format!("impl OwnedCommand for {name}{lifetime} {{"));
    code.line(format!("type Owned = {};", reply(Place::COMMAND_OWNED)));
    code.close("}");
}
