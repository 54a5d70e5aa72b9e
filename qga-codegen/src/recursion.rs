//! Types that contain themselves.
//!
//! Through an array that is harmless: Rust's lists are of one size, whatever is in them. Through an optional
//! member, or the branch of a union or an alternate, a type can contain itself too, but not by value;
//! [`Cycles`] finds the members that close such a circle. A struct that always contains another of its kind
//! has no values at all and is refused.

use crate::error::Fault;
use crate::schema::{Item, Schema, TypeId, TypeKind, TypeRef};

/// Refuses types that cannot have a value.
pub(crate) fn check(schema: &Schema) -> Result<(), Fault> {
    let required = |id: TypeId| match &schema.types[id].kind {
        TypeKind::Struct(members) => {
            members.iter().filter(|member| !member.optional).map(|member| &member.ty).collect()
        }
        TypeKind::Union(union) => {
            union.members.iter().filter(|member| !member.optional).map(|member| &member.ty).collect()
        }
        TypeKind::Enum(_) | TypeKind::Alternate(_) => Vec::new(),
    };
    let graph = Graph::new(schema, required);
    for (id, ty) in schema.types.iter().enumerate() {
        if let Some(edge) = graph.edges[id].iter().find(|edge| graph.reaches(edge.0, id)) {
            let message = format!(
                "expected '{}' to contain itself through an array or an optional member only, found it always",
                ty.name.value
            );
            return Err(Fault::new(edge.1.pos, message));
        }
    }
    Ok(())
}

/// Which uses of a type close a cycle of types that contain each other by value.
pub(crate) struct Cycles<'s> {
    graph: Graph<'s>,
}

impl<'s> Cycles<'s> {
    pub(crate) fn new(schema: &'s Schema) -> Self {
        let graph = Graph::new(schema, |id| match &schema.types[id].kind {
            TypeKind::Struct(members) => members.iter().map(|member| &member.ty).collect(),
            TypeKind::Union(union) => union
                .members
                .iter()
                .map(|member| &member.ty)
                .chain(union.branches.iter().map(|branch| &branch.ty))
                .collect(),
            TypeKind::Alternate(branches) => branches.iter().map(|branch| &branch.ty).collect(),
            TypeKind::Enum(_) => Vec::new(),
        });
        Self { graph }
    }

    /// Whether `ty`, used by value in the type `user`, would make it infinitely large.
    pub(crate) fn closes(&self, user: TypeId, ty: &TypeRef) -> bool {
        match ty {
            TypeRef { item: Item::Named(used), array: false, .. } => self.graph.reaches(*used, user),
            _ => false,
        }
    }
}

/// From each type to the types that it contains by value.
struct Graph<'s> {
    edges: Vec<Vec<(TypeId, &'s TypeRef)>>,
}

impl<'s> Graph<'s> {
    fn new(schema: &'s Schema, uses: impl Fn(TypeId) -> Vec<&'s TypeRef>) -> Self {
        let edge = |ty: &'s TypeRef| match ty {
            TypeRef { item: Item::Named(id), array: false, .. } => Some((*id, ty)),
            _ => None,
        };
        Self {
            edges: (0..schema.types.len())
                .map(|id| uses(id).into_iter().filter_map(edge).collect())
                .collect(),
        }
    }

    fn reaches(&self, from: TypeId, to: TypeId) -> bool {
        self.reachable(from)[to]
    }

    /// All that is contained in `from`, itself included. Not recursive: chains of types are as long as the
    /// schema.
    fn reachable(&self, from: TypeId) -> Vec<bool> {
        let mut seen = vec![false; self.edges.len()];
        let mut todo = vec![from];
        while let Some(id) = todo.pop() {
            if !std::mem::replace(&mut seen[id], true) {
                todo.extend(self.edges[id].iter().map(|(to, _)| *to));
            }
        }
        seen
    }
}
