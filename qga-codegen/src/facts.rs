//! What the notation cannot say about the guest agent's protocol, by name.
//!
//! A fact about something that a schema does not have is without effect, so these tables serve every schema.

/// The owner (command or type) and one of its members.
type Place = (&'static str, &'static str);

/// Strings that are bytes in base64.
pub(crate) const BASE64: &[Place] = &[
    ("GuestExecStatus", "err-data"),
    ("GuestExecStatus", "out-data"),
    ("GuestFileRead", "buf-b64"),
    ("guest-exec", "input-data"),
    ("guest-file-write", "buf-b64"),
    ("guest-set-user-password", "password"),
];

/// What must not reach a log.
pub(crate) const SECRET: &[Place] = &[
    ("GuestAuthorizedKeys", "keys"),
    ("guest-exec", "env"),
    ("guest-exec", "input-data"),
    ("guest-set-user-password", "password"),
    ("guest-ssh-add-authorized-keys", "keys"),
    ("guest-ssh-remove-authorized-keys", "keys"),
];

/// Booleans that stand for true when an agent does not send them: before QEMU 1.2 a command that was listed
/// could be called.
pub(crate) const DEFAULT_TRUE: &[Place] = &[("GuestAgentCommandInfo", "enabled")];

/// Structs for which some agents send a plain string: their first member.
pub(crate) const OR_STRING: &[&str] = &["GuestAgentCommandInfo"];

/// The commands that the agent carries out while the file systems are frozen.
pub(crate) const WHILE_FROZEN: &[&str] = &[
    "guest-fsfreeze-status",
    "guest-fsfreeze-thaw",
    "guest-info",
    "guest-ping",
    "guest-sync",
    "guest-sync-delimited",
];

/// The commands that only ask: they change nothing in the guest and can be sent again, and the next reply says all that
/// a lost one said. Not so `guest-exec-status`, which tells only once how a program ended, and
/// `guest-file-read`, which moves the position.
pub(crate) const QUERIES: &[&str] = &[
    "guest-fsfreeze-status",
    "guest-get-cpustats",
    "guest-get-devices",
    "guest-get-disks",
    "guest-get-diskstats",
    "guest-get-fsinfo",
    "guest-get-host-name",
    "guest-get-load",
    "guest-get-memory-block-info",
    "guest-get-memory-blocks",
    "guest-get-osinfo",
    "guest-get-time",
    "guest-get-timezone",
    "guest-get-users",
    "guest-get-vcpus",
    "guest-info",
    "guest-network-get-interfaces",
    "guest-network-get-route",
    "guest-ping",
    "guest-ssh-get-authorized-keys",
    "guest-sync",
    "guest-sync-delimited",
];

/// The symbols that a build of the agent for each platform defines, when nothing it can be built with is
/// missing.
pub(crate) const PLATFORMS: &[(&str, &[&str])] = &[
    (
        "Linux",
        &[
            "CONFIG_FSFREEZE",
            "CONFIG_FSTRIM",
            "CONFIG_GETLOADAVG",
            "CONFIG_LIBUDEV",
            "CONFIG_LINUX",
            "CONFIG_POSIX",
            "HAVE_GETIFADDRS",
            "HAVE_UTMPX",
        ],
    ),
    ("Windows", &["CONFIG_WIN32"]),
    (
        "FreeBSD",
        &[
            "CONFIG_BSD",
            "CONFIG_FREEBSD",
            "CONFIG_FSFREEZE",
            "CONFIG_GETLOADAVG",
            "CONFIG_POSIX",
            "HAVE_GETIFADDRS",
            "HAVE_UTMPX",
        ],
    ),
    (
        "NetBSD",
        &[
            "CONFIG_BSD",
            "CONFIG_GETLOADAVG",
            "CONFIG_NETBSD",
            "CONFIG_POSIX",
            "HAVE_GETIFADDRS",
            "HAVE_UTMPX",
        ],
    ),
    ("OpenBSD", &["CONFIG_BSD", "CONFIG_GETLOADAVG", "CONFIG_OPENBSD", "CONFIG_POSIX", "HAVE_GETIFADDRS"]),
    ("Solaris", &["CONFIG_GETLOADAVG", "CONFIG_POSIX", "CONFIG_SOLARIS", "HAVE_GETIFADDRS"]),
];

pub(crate) fn has(table: &[Place], owner: &str, member: &str) -> bool {
    table.contains(&(owner, member))
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::schema::{Arguments, Member, Schema, TypeKind};

    fn schema() -> Schema {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../schema/qga.json");
        let loaded = crate::load::load(&path, &|path| std::fs::read(path)).unwrap();
        crate::check::check(&loaded.definitions).unwrap()
    }

    fn members<'s>(schema: &'s Schema, owner: &str) -> &'s [Member] {
        if let Some(command) = schema.commands.iter().find(|command| command.name.value == owner) {
            match &command.arguments {
                Arguments::Members(members) => return members,
                Arguments::Union(_) => return &[],
            }
        }
        match schema.types.iter().find(|ty| ty.name.value == owner).map(|ty| &ty.kind) {
            Some(TypeKind::Struct(members)) => members,
            _ => &[],
        }
    }

    /// A name that is misspelt, or was renamed in the schema, would silently be without effect.
    #[test]
    fn every_fact_is_about_something() {
        let schema = schema();
        for (owner, name) in BASE64.iter().chain(SECRET).chain(DEFAULT_TRUE) {
            assert!(
                members(&schema, owner).iter().any(|member| member.name.value == *name),
                "{owner}.{name}"
            );
        }
        for name in OR_STRING {
            assert!(!members(&schema, name).is_empty(), "{name}");
        }
        for name in WHILE_FROZEN.iter().chain(QUERIES) {
            assert!(schema.commands.iter().any(|command| command.name.value == *name), "{name}");
        }
    }

    /// A command that is new in the schema and forgotten here would silently not be a query.
    #[test]
    fn what_gets_is_a_query() {
        for command in schema().commands {
            let name = command.name.value.as_str();
            assert!(!name.contains("-get-") || QUERIES.contains(&name), "{name}");
        }
    }
}
