//! What is checked: a list, to be shown and to be looked up.

use std::fmt;

use crate::checks;

/// Something that is expected of an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Check {
    /// What it is called; this does not change.
    pub name: &'static str,
    /// What it is about.
    pub group: Group,
    /// What is expected, and who needs it: a sentence or two.
    pub expected: &'static str,
    /// Whether it changes the guest, so that it is only made if that is asked for.
    pub writes: bool,
}

impl Check {
    pub(crate) const fn new(group: Group, name: &'static str, expected: &'static str, writes: bool) -> Self {
        Self { name, group, expected, writes }
    }

    /// All of them, in the order of a report.
    pub fn all() -> impl Iterator<Item = Self> {
        let mut checks: Vec<_> = checks::all().collect();
        checks.sort_by_key(|check| check.group);
        checks.into_iter()
    }
}

/// What checks are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Group {
    /// The commands with which a client finds out whether it is heard.
    Sync,
    /// How messages are told from each other.
    Framing,
    /// The member `id` of requests, which replies repeat.
    Id,
    /// What is answered to what cannot be done, and to what is no request.
    Errors,
    /// How much is taken.
    Limits,
    /// What `guest-info` says, and what the commands reply that only ask.
    Commands,
    /// What the clients in the field need, said as they say it.
    Clients,
    /// The commands on files.
    Files,
    /// The commands that run programs.
    Exec,
}

impl Group {
    /// The name, in a word.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Sync => "sync",
            Self::Framing => "framing",
            Self::Id => "id",
            Self::Errors => "errors",
            Self::Limits => "limits",
            Self::Commands => "commands",
            Self::Clients => "clients",
            Self::Files => "files",
            Self::Exec => "exec",
        }
    }
}

impl fmt::Display for Group {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A client in the field that has to be content with an agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Client {
    /// libvirt, and all that talks to agents through it.
    Libvirt,
    /// Proxmox VE.
    ProxmoxVe,
    /// KubeVirt, which talks through libvirt.
    KubeVirt,
}

impl Client {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Libvirt, Self::ProxmoxVe, Self::KubeVirt];

    /// The name as its makers write it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Libvirt => "libvirt",
            Self::ProxmoxVe => "Proxmox VE",
            Self::KubeVirt => "KubeVirt",
        }
    }

    /// Whether it needs what a check is about.
    #[must_use]
    pub fn needs(self, check: &Check) -> bool {
        let prefixes: &[&str] = match self {
            Self::Libvirt => &["libvirt-"],
            Self::ProxmoxVe => &["proxmox-"],
            Self::KubeVirt => &["libvirt-", "kubevirt-"],
        };
        check.group == Group::Clients && prefixes.iter().any(|prefix| check.name.starts_with(prefix))
    }
}

impl fmt::Display for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn names_are_words_that_stand_for_one_check_each() {
        let names: Vec<_> = Check::all().map(|check| check.name).collect();
        assert_eq!(names.iter().collect::<BTreeSet<_>>().len(), names.len());
        for check in Check::all() {
            let is_word = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
            assert!(check.name.chars().all(is_word), "{}", check.name);
            assert!(check.expected.ends_with('.'), "{}", check.name);
        }
    }

    /// But those that are named after commands.
    #[test]
    fn all_are_in_the_documentation() {
        let text = include_str!("../README.md");
        for check in Check::all().filter(|check| qga_proto::metadata::command(check.name).is_none()) {
            assert!(text.contains(&format!("`{}`", check.name)), "{}", check.name);
        }
    }

    #[test]
    fn what_writes_is_about_files_and_programs() {
        for check in Check::all() {
            let is_writing = matches!(check.group, Group::Files | Group::Exec);
            assert_eq!(check.writes, is_writing, "{}", check.name);
        }
    }

    #[test]
    fn every_client_needs_something_and_everything_is_needed() {
        for check in Check::all().filter(|check| check.group == Group::Clients) {
            assert!(Client::ALL.into_iter().any(|client| client.needs(&check)), "{}", check.name);
        }
        for client in Client::ALL {
            assert!(Check::all().filter(|check| client.needs(check)).count() > 1, "{client}");
        }
    }
}
