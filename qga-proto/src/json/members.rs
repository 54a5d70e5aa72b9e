//! Structs, read member by member: what `members!` says of a struct, and the code that all of them share.
//!
//! Serde's derived readers are some kilobytes for each struct. Here a struct is a table of names and one `match`.

use core::{fmt, str};

use serde::de::{self, Deserialize, DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor};

/// How many members a struct may have: as many as there are bits to note which have come. `qga-codegen` knows it too.
pub const MAX_MEMBERS: usize = u64::BITS as usize;

/// A struct that begins empty and is filled by the members that come. Implemented by `members!`.
pub trait Members<'de>: Sized {
    /// The names on the wire: [`MAX_MEMBERS`] at the most.
    const NAMES: &'static [&'static str];
    /// Which must come: a bit for each name, the first the lowest.
    const REQUIRED: u64;
    /// Whether a member of another name is an error. Else it is passed over.
    const CLOSED: bool;

    /// The struct before any member has come.
    fn empty() -> Self;

    /// Reads the value of the member of this index, or passes over that of an unknown one.
    ///
    /// # Errors
    ///
    /// Those of the value.
    fn read<A: MapAccess<'de>>(&mut self, index: usize, access: &mut A) -> Result<(), A::Error>;

    /// Reads the struct.
    ///
    /// # Errors
    ///
    /// When it is none: a member is missing, there twice, not what it must be, or one that a closed struct does not have.
    fn read_map<A: MapAccess<'de>>(access: A) -> Result<Self, A::Error> {
        let mut value = Self::empty();
        Filler(&mut value).visit_map(access)?;
        Ok(value)
    }
}

/// Implements [`Members`], and unless it is `or_string` also `Deserialize` by it. Each member says whether it is required,
/// its field, its name on the wire and what stands there before it has come.
///
/// Public, as is all of this module, for the types that `qga-codegen` makes in other crates; it may change with each release,
/// and they are made anew then.
#[doc(hidden)]
#[macro_export]
macro_rules! members {
    (or_string $name:ident $(<$a:lifetime>)? { $($members:tt)* }) => {
        $crate::members! { @table false, $name $(<$a>)? { $($members)* } }
    };
    (open $name:ident $(<$a:lifetime>)? { $($members:tt)* }) => {
        $crate::members! { @table false, $name $(<$a>)? { $($members)* } }
        $crate::members! { @deserialize $name $(<$a>)? }
    };
    (closed $name:ident $(<$a:lifetime>)? { $($members:tt)* }) => {
        $crate::members! { @table true, $name $(<$a>)? { $($members)* } }
        $crate::members! { @deserialize $name $(<$a>)? }
    };
    (@deserialize $name:ident $(<$a:lifetime>)?) => {
        impl<'de $(: $a, $a)?> serde::Deserialize<'de> for $name $(<$a>)? {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                $crate::json::members::deserialize(deserializer)
            }
        }
    };
    (@table $closed:literal, $name:ident $(<$a:lifetime>)? {
        $($presence:ident $field:ident: $wire:literal = $empty:expr,)*
    }) => {
        const _: () = {
            #[allow(non_camel_case_types)]
            enum Index { $($field,)* Unknown }

            impl<'de $(: $a, $a)?> $crate::json::members::Members<'de> for $name $(<$a>)? {
                const NAMES: &'static [&'static str] = &[$($wire),*];
                const REQUIRED: u64 = {
                    assert!(Index::Unknown as usize <= $crate::json::members::MAX_MEMBERS, "too many members");
                    0 $(| $crate::members!(@bit $presence) << Index::$field as u32)*
                };
                const CLOSED: bool = $closed;

                fn empty() -> Self {
                    Self { $($field: $empty),* }
                }

                fn read<A: serde::de::MapAccess<'de>>(
                    &mut self,
                    index: usize,
                    access: &mut A,
                ) -> Result<(), A::Error> {
                    $(if index == Index::$field as usize {
                        return $crate::json::members::fill(&mut self.$field, access);
                    })*
                    $crate::json::members::skip(index, access)
                }
            }
        };
    };
    (@bit required) => { 1 };
    (@bit optional) => { 0 };
}

/// `Deserialize` of such a struct.
///
/// # Errors
///
/// Those of [`Members::read_map`].
pub fn deserialize<'de, T: Members<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    let mut value = T::empty();
    deserializer.deserialize_struct("", T::NAMES, Filler(&mut value))?;
    Ok(value)
}

/// Reads the value of the member of an index.
type ReadMember<'f, A, E> = dyn FnMut(usize, &mut A) -> Result<(), E> + 'f;

/// Reads all members. Without the struct's type, so that this stands once.
fn read_members<'de, A: MapAccess<'de>>(
    mut access: A,
    mut names: Names,
    required: u64,
    read: &mut ReadMember<'_, A, A::Error>,
) -> Result<(), A::Error> {
    while let Some(index) = access.next_key_seed(&mut names)? {
        read(index, &mut access)?;
    }
    names.check(required)
}

/// Reads a member's value into its field.
///
/// # Errors
///
/// When it is not what the field takes.
pub fn fill<'de, T: Deserialize<'de>, A: MapAccess<'de>>(
    field: &mut T,
    access: &mut A,
) -> Result<(), A::Error> {
    *field = access.next_value()?;
    Ok(())
}

/// Passes over a member's value.
///
/// # Errors
///
/// When it is not a value.
pub fn skip<'de, A: MapAccess<'de>>(_: usize, access: &mut A) -> Result<(), A::Error> {
    access.next_value::<IgnoredAny>().map(|_| ())
}

/// Fills a struct where it is: it may be large.
struct Filler<'s, T>(&'s mut T);

impl<'de, T: Members<'de>> Visitor<'de> for Filler<'_, T> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, access: A) -> Result<(), A::Error> {
        let names = Names { names: T::NAMES, closed: T::CLOSED, seen: 0 };
        read_members(access, names, T::REQUIRED, &mut |index, access| self.0.read(index, access))
    }
}

/// The names of a struct's members, and which have come.
struct Names {
    names: &'static [&'static str],
    closed: bool,
    seen: u64,
}

impl Names {
    /// The index of a name; that behind the last, if it is unknown.
    fn find<E: de::Error>(&mut self, name: &[u8]) -> Result<usize, E> {
        let Some(index) = self.names.iter().position(|known| known.as_bytes() == name) else {
            return match self.closed {
                true => Err(E::unknown_field(str::from_utf8(name).unwrap_or_default(), self.names)),
                false => Ok(self.names.len()),
            };
        };
        if self.seen & 1 << index != 0 {
            return Err(E::duplicate_field(self.names[index]));
        }
        self.seen |= 1 << index;
        Ok(index)
    }

    /// Whether all have come that must.
    fn check<E: de::Error>(&self, required: u64) -> Result<(), E> {
        match self.names.get((required & !self.seen).trailing_zeros() as usize) {
            Some(name) => Err(E::missing_field(name)),
            None => Ok(()),
        }
    }
}

impl<'de> DeserializeSeed<'de> for &mut Names {
    type Value = usize;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<usize, D::Error> {
        deserializer.deserialize_identifier(self)
    }
}

impl Visitor<'_> for &mut Names {
    type Value = usize;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a member's name")
    }

    fn visit_str<E: de::Error>(self, name: &str) -> Result<usize, E> {
        self.find(name.as_bytes())
    }

    fn visit_bytes<E: de::Error>(self, name: &[u8]) -> Result<usize, E> {
        self.find(name)
    }
}
