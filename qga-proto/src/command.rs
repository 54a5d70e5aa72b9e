//! What a command is.

use serde::de::{IgnoredAny, MapAccess, Visitor};
use serde::ser::{SerializeStruct, Serializer};
use serde::{Deserialize, Deserializer, Serialize};

use crate::json::Raw;

/// A command: a type whose members are its arguments.
///
/// The commands of the schema are in [`commands`](crate::commands). For others there is [`RawCommand`], or a type of
/// your own, in two lines:
///
/// ```
/// #[derive(serde::Serialize)] struct SignalPid { pid: i64, signal: i64 }
/// qga_proto::command!(SignalPid, "apple-guest-signal-pid" => qga_proto::Empty);
/// ```
pub trait Command: Serialize {
    /// The reply, which may borrow from the receive buffer.
    type View<'v>: Deserialize<'v>;

    /// The name on the wire. A method, so that a command known only at run time is a command too.
    fn name(&self) -> &str;

    /// Whether the agent answers when the command succeeds. The four that stop the guest (`guest-shutdown`,
    /// `guest-suspend-*`) do not, since QEMU 1.1; their [`View`](Self::View) is then read from `{}`.
    fn success_response(&self) -> bool {
        true
    }

    /// Whether it only asks, so that it can be sent again when nobody knows whether it arrived: it changes nothing in
    /// the guest, and the next reply says all that a lost one said. If in doubt, no, which is what a command that does
    /// not say is taken for.
    fn is_query(&self) -> bool {
        false
    }
}

/// A command whose name is known from its type alone, so that one can ask whether an agent has it without making one.
pub trait NamedCommand: Command {
    /// The name on the wire.
    const NAME: &'static str;
}

/// A command whose reply can be owned. Apart from [`Command`], so that turning `alloc` on breaks no implementation.
#[cfg(feature = "alloc")]
pub trait OwnedCommand: Command {
    /// The reply, owning all it has.
    type Owned: serde::de::DeserializeOwned;
}

/// Makes a type that is `Serialize` a [`Command`] and a [`NamedCommand`] (and with `alloc` an `OwnedCommand`), given
/// its name on the wire and the type of its reply.
#[macro_export]
macro_rules! command {
    ($command:ty, $name:literal => $reply:ty) => {
        impl $crate::Command for $command {
            type View<'v> = $reply;

            fn name(&self) -> &str {
                $name
            }
        }

        impl $crate::NamedCommand for $command {
            const NAME: &'static str = $name;
        }

        $crate::owned_command!($command => $reply);
    };
}

#[cfg(feature = "alloc")]
#[doc(hidden)]
#[macro_export]
macro_rules! owned_command {
    ($command:ty => $reply:ty) => {
        impl $crate::OwnedCommand for $command {
            type Owned = $reply;
        }
    };
}

#[cfg(not(feature = "alloc"))]
#[doc(hidden)]
#[macro_export]
macro_rules! owned_command {
    ($command:ty => $reply:ty) => {};
}

/// A reply, or arguments, of which nothing is of interest: `guest-ping` answers `{}`. Reads any object.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Empty {}

impl Serialize for Empty {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_struct("Empty", 0)?.end()
    }
}

impl<'de> Deserialize<'de> for Empty {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(EmptyVisitor)
    }
}

struct EmptyVisitor;

impl<'de> Visitor<'de> for EmptyVisitor {
    type Value = Empty;

    fn expecting(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Empty, A::Error> {
        while access.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Empty {})
    }
}

/// Any command, by name, with arguments and reply as JSON text.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct RawCommand<'a> {
    name: &'a str,
    arguments: Raw<'a>,
    success_response: bool,
    query: bool,
}

impl<'a> RawCommand<'a> {
    /// A command without arguments.
    #[must_use]
    pub const fn new(name: &'a str) -> Self {
        Self { name, arguments: Raw::EMPTY_OBJECT, success_response: true, query: false }
    }

    /// Sets the arguments: an object.
    #[must_use]
    pub const fn arguments(mut self, arguments: Raw<'a>) -> Self {
        self.arguments = arguments;
        self
    }

    /// Says that the agent does not answer when the command succeeds; the reply is then `{}`.
    #[must_use]
    pub const fn silent(mut self) -> Self {
        self.success_response = false;
        self
    }

    /// Says that the command only asks, so that it can be sent again: see [`Command::is_query`].
    #[must_use]
    pub const fn query(mut self) -> Self {
        self.query = true;
        self
    }
}

impl core::fmt::Debug for RawCommand<'_> {
    /// The name alone: who knows what the arguments are.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("RawCommand").field("name", &self.name).finish_non_exhaustive()
    }
}

impl Serialize for RawCommand<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.arguments.serialize(serializer)
    }
}

impl Command for RawCommand<'_> {
    type View<'v> = Raw<'v>;

    fn name(&self) -> &str {
        self.name
    }

    fn success_response(&self) -> bool {
        self.success_response
    }

    fn is_query(&self) -> bool {
        self.query
    }
}

#[cfg(feature = "alloc")]
impl OwnedCommand for RawCommand<'_> {
    type Owned = crate::json::RawBuf;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::{GuestExec, GuestExecStatus, GuestFileRead, GuestInfo, GuestPing};
    use crate::metadata;

    #[test]
    fn queries() {
        fn agrees<C: NamedCommand>(command: &C, query: bool) {
            assert_eq!(command.name(), C::NAME);
            assert_eq!(command.is_query(), query, "{}", C::NAME);
            assert_eq!(metadata::command(C::NAME).map(|info| info.query), Some(query), "{}", C::NAME);
        }
        agrees(&GuestInfo::new(), true);
        agrees(&GuestPing::new(), true);
        agrees(&GuestExec::new("sh"), false);
        agrees(&GuestExecStatus::new(1), false);
        agrees(&GuestFileRead::new(1), false);
    }

    #[test]
    fn raw_queries() {
        const QUERY: RawCommand<'_> = RawCommand::new("vendor-get").query();
        assert!(QUERY.is_query() && QUERY.success_response());
        assert!(!RawCommand::new("vendor-get").is_query());
        assert!(!RawCommand::new("vendor-stop").silent().is_query());
    }

    #[test]
    fn own_commands() {
        #[derive(Serialize)]
        struct Mine<'a> {
            text: &'a str,
        }
        command!(Mine<'_>, "mine" => Empty);
        let mine = Mine { text: "" };
        assert_eq!((<Mine<'_> as NamedCommand>::NAME, mine.name()), ("mine", "mine"));
        assert!(!mine.is_query());
    }
}
