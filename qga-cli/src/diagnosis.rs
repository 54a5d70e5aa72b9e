//! What is wrong with a guest, as the user is told: kind of failure, message and advice.

use std::fs;
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileTypeExt;

use qga_proto::{Diagnosis, Error, Refusal, Sent, TimedOut};
use qga_std::NotReady;

use crate::error::{Failure, Kind, reason};
use crate::guests;

/// A call failed. What may have become of the command is said of one that is no query.
pub(crate) fn of_call(
    error: &qga_std::Error,
    diagnosis: &Diagnosis,
    is_query: bool,
    address: &str,
) -> Failure {
    if is_no_socket(diagnosis, address) {
        return no_socket("cannot connect").at(address);
    }
    let is_fate_unknown = error.is_fate_unknown() && !is_query;
    let fate = if is_fate_unknown { "; the command may have been carried out" } else { "" };
    let failure = match error {
        Error::Refused(refusal) => refused(refusal, diagnosis),
        Error::TimedOut(timed_out) => timed_out_call(*timed_out, diagnosis, is_query, fate),
        Error::Connect(error) => no_connection(error, diagnosis),
        Error::Closed(sent) => {
            Failure::new(Kind::Connection, format!("the agent closed the connection{fate}"))
                .advise(advice_on_loss(*sent))
        }
        Error::Transport { error, sent } => {
            let message = format!("the connection was lost: {}{fate}", reason(error));
            Failure::new(Kind::Connection, message).advise(advice_on_loss(*sent))
        }
        Error::ReplyTooLong { .. } => {
            Failure::new(Kind::Protocol, format!("{error}{fate}")).advise("ask for less at a time")
        }
        Error::CommandTooLong { .. } => Failure::usage(error.to_string()).advise("send less at a time"),
        Error::Misuse(_) => {
            Failure::usage(error.to_string()).advise("write them as '{\"key\": value}', or as key=value")
        }
        error => Failure::new(Kind::Protocol, format!("{error}{fate}")).advise(diagnosis.advice()),
    };
    let failure = match in_brief(diagnosis) {
        Some(brief) => failure.shorten(format!("{brief}{fate}")),
        None => failure,
    };
    failure.at(address).detail("diagnosis", diagnosis.name()).detail("fate_unknown", is_fate_unknown)
}

/// There was no agent ready in time.
pub(crate) fn of_wait(not_ready: &NotReady, address: &str) -> Failure {
    let NotReady { diagnosis, error, waited, .. } = not_ready;
    let in_vain = format!("no agent is ready after {:.1} s", waited.as_secs_f64());
    if is_no_socket(diagnosis, address) {
        return no_socket(&in_vain).at(address);
    }
    let kind = match diagnosis {
        Diagnosis::Silent | Diagnosis::Foreign | Diagnosis::Slow | Diagnosis::Frozen | Diagnosis::Busy => {
            Kind::Deadline
        }
        Diagnosis::ProtocolBroken | Diagnosis::TooLong => Kind::Protocol,
        _ => Kind::Connection,
    };
    let what = match (diagnosis, error.as_deref()) {
        (Diagnosis::Unreachable | Diagnosis::BadAddress, Some(Error::Connect(error))) => cannot(error),
        (_, Some(error)) if kind == Kind::Protocol => error.to_string(),
        _ => diagnosis.to_string(),
    };
    let advice = match diagnosis {
        Diagnosis::Frozen => "'qga call guest-fsfreeze-thaw' thaws them".to_owned(),
        Diagnosis::Slow => MORE_TIME.to_owned(),
        Diagnosis::Silent => silent(),
        _ => diagnosis.advice().to_owned(),
    };
    let failure = Failure::new(kind, format!("{in_vain}: {what}"))
        .shorten(what)
        .advise(advice)
        .at(address)
        .detail("diagnosis", diagnosis.name())
        .detail("fate_unknown", false);
    match (kind, error.as_deref()) {
        (Kind::Deadline, Some(Error::TimedOut(timed_out))) => failure.detail("heard", timed_out.heard),
        // A guest that says that it is frozen is heard.
        (Kind::Deadline, error) => failure.detail("heard", error.is_none()),
        _ => failure,
    }
}

/// Whether what nobody listens on is no socket at all.
fn is_no_socket(diagnosis: &Diagnosis, address: &str) -> bool {
    *diagnosis == Diagnosis::NotListening
        && guests::path(address)
            .and_then(|path| fs::metadata(path).ok())
            .is_some_and(|data| !data.file_type().is_socket())
}

fn no_socket(what: &str) -> Failure {
    const THAT: &str = "that is not a socket";
    Failure::new(Kind::Connection, format!("{what}: {THAT}"))
        .shorten(THAT)
        .advise("give the path of the socket itself; for a serial device say serial:PATH")
        .detail("diagnosis", Diagnosis::BadAddress.name())
        .detail("fate_unknown", false)
}

/// What was seen in fewer words than the failure's message, if that is possible.
fn in_brief(diagnosis: &Diagnosis) -> Option<String> {
    match diagnosis {
        Diagnosis::Refused { class, desc } => {
            Some(format!("{} ({class})", desc.as_str().trim_end_matches(['.', '\n'])))
        }
        Diagnosis::NoSocket
        | Diagnosis::NotListening
        | Diagnosis::AccessDenied
        | Diagnosis::Busy
        | Diagnosis::Silent
        | Diagnosis::Foreign
        | Diagnosis::Slow
        | Diagnosis::Lost
        | Diagnosis::Frozen
        | Diagnosis::Disabled
        | Diagnosis::Unknown { .. } => Some(diagnosis.to_string()),
        _ => None,
    }
}

const MORE_TIME: &str = "give it more time with -t";

/// What to do where nobody answers: the time may just have been too short.
fn silent() -> String {
    format!("{}; or {MORE_TIME}", Diagnosis::Silent.advice())
}

fn refused(refusal: &Refusal, diagnosis: &Diagnosis) -> Failure {
    let (command, class) = (refusal.command.as_str(), refusal.class.as_str());
    let desc = refusal.desc.as_str().trim_end_matches(['.', '\n']);
    let failure = Failure::new(Kind::Refused, format!("the agent refused {command}: {desc} ({class})"))
        .detail("command", command)
        .detail("class", class)
        .detail("desc", refusal.desc.as_str());
    match diagnosis {
        Diagnosis::Frozen => failure.advise(format!("{diagnosis}: 'qga call guest-fsfreeze-thaw' first")),
        Diagnosis::Disabled => {
            failure.advise("it is disabled in the agent's configuration, or the guest's system cannot do it")
        }
        Diagnosis::Unknown { version, since } => {
            let since_when = since.map_or_else(String::new, |since| format!(" (it came with QEMU {since})"));
            let advice =
                format!("this agent, version {version}, does not have it{since_when}; see 'qga commands'");
            failure.advise(advice).detail("version", version.as_str()).detail("since", *since)
        }
        _ => failure,
    }
}

fn timed_out_call(timed_out: TimedOut, diagnosis: &Diagnosis, is_query: bool, fate: &str) -> Failure {
    if *diagnosis == Diagnosis::Foreign {
        return Failure::new(Kind::Deadline, format!("the deadline passed; {diagnosis}{fate}"))
            .advise(diagnosis.advice())
            .detail("heard", timed_out.heard);
    }
    let silent = silent();
    let (message, advice) = match (timed_out.heard, timed_out.sent) {
        (false, _) => ("the deadline passed, and the agent was never heard", silent.as_str()),
        (true, Sent::Nothing) => {
            ("the deadline passed; the agent was heard, but the command was not sent", MORE_TIME)
        }
        (true, _) if is_query => {
            ("the deadline passed; the agent was heard, but did not answer the command", MORE_TIME)
        }
        (true, _) => (
            "the deadline passed; the agent was heard, but did not answer the command, which may still be \
             carried out",
            MORE_TIME,
        ),
    };
    Failure::new(Kind::Deadline, message).advise(advice).detail("heard", timed_out.heard)
}

fn advice_on_loss(sent: Sent) -> &'static str {
    match sent {
        Sent::Nothing => "nothing was sent; see whether the agent is running, then try again",
        _ => "the agent or the virtual machine has ended or started anew; see whether they are running",
    }
}

fn no_connection(error: &io::Error, diagnosis: &Diagnosis) -> Failure {
    let too_late = "the deadline passed before there was a connection";
    if *diagnosis == Diagnosis::Busy {
        return Failure::new(Kind::Deadline, format!("{too_late}: {diagnosis}"))
            .advise(diagnosis.advice())
            .detail("heard", false);
    }
    if error.kind() == ErrorKind::TimedOut {
        return Failure::new(Kind::Deadline, too_late)
            .advise("see whether the host can be reached, or give it more time with -t")
            .detail("heard", false);
    }
    let nobody = format!("nobody listens there: {}", diagnosis.advice());
    Failure::new(Kind::Connection, cannot(error)).advise(match (diagnosis, error.raw_os_error()) {
        (_, Some(ENOTTY)) => {
            "give the path of a serial device or pseudo terminal; for a socket say unix:PATH"
        }
        (_, Some(EMFILE)) => "allow more open files (ulimit -n), or ask fewer guests at once with --jobs",
        (Diagnosis::NotListening, _) => &nobody,
        (Diagnosis::AccessDenied, _) => "run qga as a user who may use it",
        _ if error.kind() == ErrorKind::Unsupported => "this system has no such addresses",
        _ => diagnosis.advice(),
    })
}

fn cannot(error: &io::Error) -> String {
    match error.raw_os_error() {
        Some(ENOTTY) => "cannot connect: that is not a serial device".to_owned(),
        _ => format!("cannot connect: {}", reason(error)),
    }
}

/// What Unix systems say of a file that is no terminal: "inappropriate ioctl for device".
const ENOTTY: i32 = 25;

/// What they say when a process has as many open files as it may.
const EMFILE: i32 = 24;
