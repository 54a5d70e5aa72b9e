//! Who may log in: names, home directories, passwords.

use crate::guest::Guest;

/// A user that the guest knows, logged in or not.
#[derive(Clone)]
pub(crate) struct Account {
    name: String,
    pub(crate) home: String,
    password: Option<Password>,
}

/// What `guest-set-user-password` last set. It is never displayed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Password {
    pub(crate) bytes: Vec<u8>,
    /// Whether it is the password's hash.
    pub(crate) crypted: bool,
}

impl Guest {
    /// Adds a user who may log in, with the home directory `/home/NAME`. Those who are logged in have one anyhow.
    #[must_use]
    pub fn account(self, name: &str) -> Self {
        let home = format!("/home/{name}");
        self.account_at(name, &home)
    }

    /// Lets a user in who has one of these SSH keys, each a line of OpenSSH's `authorized_keys`, and no other.
    #[must_use]
    pub fn authorized_keys(self, name: &str, keys: &[&str]) -> Self {
        let guest = self.account(name);
        let path = guest.find_account(name).map(Account::authorized_keys).unwrap_or_default();
        let lines = keys.iter().flat_map(|key| [key, "\n"]);
        guest.file(&path, lines.collect::<String>())
    }

    /// Whether this is what `guest-set-user-password` last set for a user: the password, or with `crypted` its hash. So a
    /// test can see what was set; nobody can read it out.
    #[must_use]
    pub fn has_password(&self, name: &str, password: &[u8], crypted: bool) -> bool {
        let set = self.find_account(name).and_then(|account| account.password.as_ref());
        set.is_some_and(|set| set.bytes == password && set.crypted == crypted)
    }

    /// Adds a user, unless there is one of this name.
    pub(super) fn account_at(mut self, name: &str, home: &str) -> Self {
        if self.find_account(name).is_some() {
            return self;
        }
        self.accounts.push(Account { name: name.to_owned(), home: home.to_owned(), password: None });
        self.directory(home)
    }

    pub(crate) fn find_account(&self, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.name == name)
    }

    /// Sets a password. `None`: there is no such user.
    pub(crate) fn set_password(&mut self, name: &str, password: Password) -> Option<()> {
        let account = self.accounts.iter_mut().find(|account| account.name == name)?;
        account.password = Some(password);
        Some(())
    }
}

impl Account {
    pub(crate) fn ssh_directory(&self) -> String {
        format!("{}/.ssh", self.home)
    }

    /// The file of the SSH keys that let the user in.
    pub(crate) fn authorized_keys(&self) -> String {
        format!("{}/.ssh/authorized_keys", self.home)
    }
}
