//! Which Rust type stands for which type of the schema.

use crate::facts;
use crate::recursion::Cycles;
use crate::rust::names;
use crate::schema::{Builtin, Item, Member, Schema, TypeId, TypeKind, TypeRef, Union};

/// The two families of types.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Family {
    /// Borrowing from the message.
    View,
    /// Owning all they have.
    Owned,
}

/// From where a type is named.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) family: Family,
    /// The lifetime that borrowed types have there.
    pub(crate) lifetime: &'static str,
    /// The path to the module of the family, as in `view::`.
    pub(crate) path: &'static str,
}

impl Place {
    pub(crate) const VIEW: Self = Self { family: Family::View, lifetime: "'a", path: "" };
    pub(crate) const OWNED: Self = Self { family: Family::Owned, lifetime: "", path: "" };
    /// A command's arguments.
    pub(crate) const COMMAND: Self = Self { path: "view::", ..Self::VIEW };
    /// What a command's traits say of its reply.
    pub(crate) const COMMAND_VIEW: Self = Self { lifetime: "'v", path: "view::", ..Self::VIEW };
    pub(crate) const COMMAND_OWNED: Self = Self { path: "owned::", ..Self::OWNED };
}

/// The schema with what Rust needs to know about it.
pub(crate) struct Types<'s> {
    pub(crate) schema: &'s Schema,
    cycles: Cycles<'s>,
    names: Vec<String>,
    borrows: Vec<bool>,
}

impl<'s> Types<'s> {
    pub(crate) fn new(schema: &'s Schema) -> Self {
        let names = schema.types.iter().map(|ty| names::type_name(&ty.name.value)).collect();
        let mut types =
            Self { schema, cycles: Cycles::new(schema), names, borrows: vec![false; schema.types.len()] };
        // Whether a type borrows depends on those that it contains: repeat until nothing changes.
        loop {
            let borrows: Vec<_> = (0..schema.types.len()).map(|id| types.has_borrowed_content(id)).collect();
            if borrows == types.borrows {
                return types;
            }
            types.borrows = borrows;
        }
    }

    fn has_borrowed_content(&self, id: TypeId) -> bool {
        match &self.schema.types[id].kind {
            // The value or the tag may be unknown, and is then kept as text.
            TypeKind::Enum(_) | TypeKind::Union(_) => true,
            TypeKind::Struct(members) => members.iter().any(|member| self.is_borrowed(Some(id), &member.ty)),
            TypeKind::Alternate(branches) => branches.iter().any(|branch| self.is_borrowed(None, &branch.ty)),
        }
    }

    fn is_borrowed(&self, user: Option<TypeId>, ty: &TypeRef) -> bool {
        ty.array
            || self.is_recursive(user, ty)
            || match ty.item {
                Item::Builtin(builtin) => matches!(builtin, Builtin::Str | Builtin::QType | Builtin::Any),
                Item::Named(id) => self.borrows[id],
            }
    }

    /// Whether a type of the view family has a lifetime; those without one serve both families.
    pub(crate) fn borrows(&self, id: TypeId) -> bool {
        self.borrows[id]
    }

    pub(crate) fn name(&self, id: TypeId) -> &str {
        &self.names[id]
    }

    /// The type's name with its lifetime, if it has one.
    pub(crate) fn named(&self, id: TypeId, place: Place) -> String {
        let lifetime = match place.family {
            Family::View if self.borrows[id] => format!("<{}>", place.lifetime),
            _ => String::new(),
        };
        format!("{}{}{lifetime}", place.path, self.names[id])
    }

    /// Whether this use of a type must not be by value: it would contain itself.
    pub(crate) fn is_recursive(&self, user: Option<TypeId>, ty: &TypeRef) -> bool {
        user.is_some_and(|user| self.cycles.closes(user, ty))
    }

    /// The Rust type; `user` is the type in whose definition it stands.
    pub(crate) fn rust(&self, user: Option<TypeId>, ty: &TypeRef, place: Place) -> String {
        if ty.array {
            let item = self.item(ty.item, place);
            return match place.family {
                Family::View => format!("List<{}, {item}>", place.lifetime),
                Family::Owned => format!("Vec<{item}>"),
            };
        }
        match place.family {
            Family::View if self.is_recursive(user, ty) => format!("Raw<{}>", place.lifetime),
            Family::Owned if self.is_recursive(user, ty) => format!("Box<{}>", self.item(ty.item, place)),
            _ => self.item(ty.item, place),
        }
    }

    /// The Rust type of a member, without the `Option` of an optional one.
    pub(crate) fn member(&self, user: Option<TypeId>, member: &Member, place: Place) -> String {
        let (owner, name) = (member.owner.as_str(), member.name.value.as_str());
        if facts::has(facts::BASE64, owner, name) && is_string(&member.ty) {
            return match place.family {
                Family::View => format!("Base64<{}>", place.lifetime),
                Family::Owned => "Bytes".to_owned(),
            };
        }
        let ty = self.rust(user, &member.ty, place);
        if facts::has(facts::SECRET, owner, name) { format!("Secret<{ty}>") } else { ty }
    }

    /// An expression for a value of a view's member before it has come: any value of its type.
    pub(crate) fn empty_member(&self, user: Option<TypeId>, member: &Member, place: Place) -> String {
        let (owner, name) = (member.owner.as_str(), member.name.value.as_str());
        if facts::has(facts::BASE64, owner, name) && is_string(&member.ty) {
            return "Base64::default()".to_owned();
        }
        let empty = self.empty(user, &member.ty, place);
        if facts::has(facts::SECRET, owner, name) { format!("Secret({empty})") } else { empty }
    }

    fn empty(&self, user: Option<TypeId>, ty: &TypeRef, place: Place) -> String {
        let path = place.path;
        match ty.item {
            _ if ty.array => "List::default()".to_owned(),
            _ if self.is_recursive(user, ty) => "Raw::EMPTY_OBJECT".to_owned(),
            Item::Builtin(Builtin::Any) => "Raw::EMPTY_OBJECT".to_owned(),
            Item::Builtin(Builtin::Null) => "()".to_owned(),
            Item::Builtin(_) => "Default::default()".to_owned(),
            Item::Named(id) => {
                let name = &self.names[id];
                match &self.schema.types[id].kind {
                    TypeKind::Enum(_) => format!("{path}{name}::Other(Str::new(\"\"))"),
                    TypeKind::Struct(_) => "Members::empty()".to_owned(),
                    TypeKind::Union(union) => self.empty_union(id, union, place),
                    TypeKind::Alternate(branches) => match branches.first() {
                        Some(branch) => {
                            let (variant, inner) =
                                (names::camel(&branch.name.value), self.empty(None, &branch.ty, place));
                            format!("{path}{name}::{variant}({inner})")
                        }
                        None => "Default::default()".to_owned(),
                    },
                }
            }
        }
    }

    fn empty_union(&self, id: TypeId, union: &Union, place: Place) -> String {
        let (path, data) = (place.path, self.data_name(id, union));
        let value = |member: &Member| match member {
            Member { optional: true, .. } | Member { late: true, .. } => "None".to_owned(),
            member => self.empty_member(Some(id), member, place),
        };
        let other = format!("{path}{data}::Other({})", value(union.tag()));
        if data == self.names[id] {
            return other;
        }
        let fields = union.members.iter().enumerate().map(|(index, member)| {
            let value = if index == union.tag { other.clone() } else { value(member) };
            format!("{}: {value}", names::field(&member.name.value))
        });
        format!("{path}{} {{ {} }}", self.names[id], fields.collect::<Vec<_>>().join(", "))
    }

    /// The name of the enum of a union's branches: that of the union itself when its base has nothing but the tag.
    pub(crate) fn data_name(&self, id: TypeId, union: &Union) -> String {
        let mut data = self.names[id].clone();
        if union.members.len() > 1 {
            data.push_str(&names::camel(&union.tag().name.value));
            while self.names.contains(&data) {
                data.push_str("Data");
            }
        }
        data
    }

    fn item(&self, item: Item, place: Place) -> String {
        let builtin = match item {
            Item::Named(id) => return self.named(id, place),
            Item::Builtin(builtin) => builtin,
        };
        let plain = match (builtin, place.family) {
            (Builtin::Str | Builtin::QType, Family::View) => return format!("Str<{}>", place.lifetime),
            (Builtin::Any, Family::View) => return format!("Raw<{}>", place.lifetime),
            (Builtin::Str | Builtin::QType, Family::Owned) => "String",
            (Builtin::Any, Family::Owned) => "RawBuf",
            (Builtin::Number, _) => "f64",
            (Builtin::Int | Builtin::Int64, _) => "i64",
            (Builtin::Int8, _) => "i8",
            (Builtin::Int16, _) => "i16",
            (Builtin::Int32, _) => "i32",
            (Builtin::UInt8, _) => "u8",
            (Builtin::UInt16, _) => "u16",
            (Builtin::UInt32, _) => "u32",
            (Builtin::UInt64 | Builtin::Size, _) => "u64",
            (Builtin::Bool, _) => "bool",
            (Builtin::Null, _) => "()",
        };
        plain.to_owned()
    }

    /// The type's place in the schema of a type that is used by name.
    pub(crate) fn is_enum(&self, ty: &TypeRef) -> bool {
        matches!(ty, TypeRef { item: Item::Named(id), array: false, .. }
            if matches!(self.schema.types[*id].kind, TypeKind::Enum(_)))
    }
}

/// Whether the type is `str`.
pub(crate) fn is_string(ty: &TypeRef) -> bool {
    !ty.array && ty.item == Item::Builtin(Builtin::Str)
}
