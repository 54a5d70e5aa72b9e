//! That all public errors and events, but those of an operating system, print with `defmt`: this would not compile otherwise.

use defmt::Format;

use crate::{
    AddressError, CopyError, Diagnosis, Error, Event, FileError, FreezeError, FreezeFailed, Misuse, NotAll,
    NotReady, Refusal, ReplyError, RequestError, Sent, Text, TimedOut, Violation, exec, json,
};

const fn prints<T: Format>() {}

/// The errors of those that have them of their own: a transport, the host's end of a copy, work on a frozen guest.
type Own = u8;

const _: () = {
    prints::<AddressError>();
    prints::<CopyError<Own, Own>>();
    prints::<Diagnosis>();
    prints::<Error>();
    prints::<Error<Own>>();
    prints::<Event>();
    prints::<FileError<Own>>();
    prints::<FreezeError<Own>>();
    prints::<FreezeFailed<Own, Own>>();
    prints::<Misuse>();
    prints::<NotAll<Own>>();
    prints::<NotReady<Own>>();
    prints::<Refusal>();
    prints::<ReplyError>();
    prints::<RequestError>();
    prints::<Sent>();
    prints::<Text>();
    prints::<TimedOut>();
    prints::<Violation>();
    prints::<exec::End>();
    prints::<exec::Error<Own>>();
    prints::<exec::Fate>();
    prints::<exec::Misuse>();
    prints::<exec::NotKilled>();
    prints::<exec::Reason<Own>>();
    prints::<json::Base64Error>();
    prints::<json::Error>();
    #[cfg(feature = "alloc")]
    prints::<exec::windows::Unfit>();
};
