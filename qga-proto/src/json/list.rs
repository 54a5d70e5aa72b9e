//! Arrays that borrow from the message.

use core::fmt;
use core::marker::PhantomData;
use core::slice;

use serde::de::{self, Deserialize, Deserializer, Visitor};
use serde::ser::{Error as _, Serialize, SerializeSeq, Serializer};

use super::as_it_is;
use super::error::Error;
use super::reader::Reader;

/// An array that borrows from the message it came in and is decoded while it is walked. No capacity, no limit.
///
/// Built from a slice it stands for that slice; so the same types are read by one end and written by the other.
///
/// One that came in a message and is sent on, in an agent's reply or as a client's argument, is written as it came, without
/// white space. That must be JSON, but whether its elements are `T` is not looked at: who must know walks it first.
pub struct List<'a, T>(Repr<'a, T>);

enum Repr<'a, T> {
    /// The text of an array, from bracket to bracket; what is between is not yet looked at.
    Text(&'a [u8]),
    Slice(&'a [T]),
}

impl<'a, T> List<'a, T> {
    /// The name under which [`List`] asks the reader for an array as it stands.
    pub(super) const TOKEN: &'static str = "$qga_proto::json::List";

    /// The elements in order, each decoded when it is asked for.
    ///
    /// # Errors
    ///
    /// An element that is not a `T` is an error in its place; the walk ends there.
    pub fn iter(&self) -> Iter<'a, T> {
        Iter(match self.0 {
            Repr::Text(text) => Walk::Text(Reader::in_array(text)),
            Repr::Slice(slice) => Walk::Slice(slice.iter()),
        })
    }
}

impl<'a, T: Deserialize<'a> + Clone> List<'a, T> {
    /// How many elements there are: walks them.
    ///
    /// # Errors
    ///
    /// That of the first element that is not a `T`.
    pub fn count(&self) -> Result<usize, Error> {
        self.iter().try_fold(0, |count, element| element.map(|_| count + 1))
    }

    /// Whether there is no element.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.iter().next().is_none()
    }
}

impl<T> Clone for List<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for List<'_, T> {}

impl<T> Clone for Repr<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Repr<'_, T> {}

impl<T> Default for List<'_, T> {
    fn default() -> Self {
        Self(Repr::Slice(&[]))
    }
}

impl<'a, T> From<&'a [T]> for List<'a, T> {
    fn from(slice: &'a [T]) -> Self {
        Self(Repr::Slice(slice))
    }
}

impl<'a, T, const N: usize> From<&'a [T; N]> for List<'a, T> {
    fn from(array: &'a [T; N]) -> Self {
        Self(Repr::Slice(array))
    }
}

#[cfg(feature = "alloc")]
impl<'a, T> From<&'a alloc::vec::Vec<T>> for List<'a, T> {
    fn from(vec: &'a alloc::vec::Vec<T>) -> Self {
        Self(Repr::Slice(vec))
    }
}

impl<'a, T: Deserialize<'a> + Clone> IntoIterator for List<'a, T> {
    type Item = Result<T, Error>;
    type IntoIter = Iter<'a, T>;

    fn into_iter(self) -> Iter<'a, T> {
        self.iter()
    }
}

impl<'a, T: Deserialize<'a> + Clone + PartialEq> PartialEq for List<'a, T> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<'a, T: Deserialize<'a> + Clone + fmt::Debug> fmt::Debug for List<'a, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut list = f.debug_list();
        for element in self.iter() {
            match element {
                Ok(element) => list.entry(&element),
                Err(error) => list.entry(&error),
            };
        }
        list.finish()
    }
}

/// Writes an array. What this crate sends gets the text of a list that came in a message; it must be JSON, but its elements
/// are not read as `T`. All other serializers get the elements.
impl<'a, T: Deserialize<'a> + Clone + Serialize> Serialize for List<'a, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Repr::Slice(slice) => serializer.collect_seq(slice),
            Repr::Text(text) if as_it_is::is_ours::<S>() => as_it_is::write_json(text, serializer),
            Repr::Text(_) => {
                let mut seq = serializer.serialize_seq(None)?;
                for element in self.iter() {
                    seq.serialize_element(&element.map_err(S::Error::custom)?)?;
                }
                seq.end()
            }
        }
    }
}

impl<'de: 'a, 'a, T> Deserialize<'de> for List<'a, T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_newtype_struct(Self::TOKEN, ListVisitor(PhantomData))
    }
}

/// Takes the text of an array, which only our reader gives: as bytes, which JSON has not.
struct ListVisitor<'a, T>(PhantomData<List<'a, T>>);

impl<'de: 'a, 'a, T> Visitor<'de> for ListVisitor<'a, T> {
    type Value = List<'a, T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array")
    }

    fn visit_borrowed_bytes<E: de::Error>(self, text: &'de [u8]) -> Result<Self::Value, E> {
        Ok(List(Repr::Text(text)))
    }
}

/// The elements of a [`List`].
pub struct Iter<'a, T>(Walk<'a, T>);

enum Walk<'a, T> {
    Text(Reader<'a>),
    Slice(slice::Iter<'a, T>),
    Done,
}

impl<'a, T: Deserialize<'a> + Clone> Iterator for Iter<'a, T> {
    type Item = Result<T, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        let element = match &mut self.0 {
            Walk::Text(reader) => reader.next_element().transpose(),
            Walk::Slice(slice) => slice.next().cloned().map(Ok),
            Walk::Done => None,
        };
        if !matches!(element, Some(Ok(_))) {
            self.0 = Walk::Done;
        }
        element
    }
}
