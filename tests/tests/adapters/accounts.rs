//! Who may log in.

use std::time::Duration;

use qga_proto::commands::{GuestSetUserPassword, GuestSshAddAuthorizedKeys, GuestSshGetAuthorizedKeys};
use qga_proto::json::Str;

use crate::agent::Agent;
use crate::runtime::{Error, Runtime};

cases! {
    passwords_are_bytes(sim);
    keys_are_added_and_removed(with_keys);
    a_key_that_the_agent_does_not_remove_is_counted(with_keys);
    keys_of_nobody_are_refused(sim);
}

const TIMEOUT: Duration = Duration::from_secs(20);

async fn passwords_are_bytes<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let password = b"not \xff UTF-8, but a password";
    session.call(&GuestSetUserPassword::new("alice", password, false)).await.expect("alice has one");
    assert!(agent.guest().has_password("alice", password, false));
}

async fn keys_are_added_and_removed<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(TIMEOUT);
    let key = Str::new("ssh-ed25519 CCCC three");
    session.call(&GuestSshAddAuthorizedKeys::new("alice", &[key])).await.expect("alice has a file");
    let there = session.call(&GuestSshGetAuthorizedKeys::new("alice")).await.expect("the keys");
    assert!(there.keys.iter().any(|there| key == there.as_str()));
    let keys = [key, Str::new("ssh-ed25519 AAAA one"), Str::new("ssh-ed25519 DDDD unknown")];
    assert_eq!(session.remove_authorized_keys("alice", &keys, deadline).await.expect("they go"), 0);
    let there = session.call(&GuestSshGetAuthorizedKeys::new("alice")).await.expect("the keys");
    assert_eq!(*there.keys, ["ssh-ed25519 BBBB two"]);
}

async fn a_key_that_the_agent_does_not_remove_is_counted<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(TIMEOUT);
    // As the agent tells of it; in the file there is a space behind it.
    let keys = [Str::new("ssh-ed25519 BBBB two")];
    assert_eq!(session.remove_authorized_keys("alice", &keys, deadline).await.expect("success"), 1);
}

async fn keys_of_nobody_are_refused<R: Runtime>(agent: &Agent) {
    let mut session = R::connect_lazy(&agent.address());
    let deadline = session.deadline(TIMEOUT);
    let keys = [Str::new("ssh-ed25519 AAAA one")];
    let removed = session.remove_authorized_keys("no-such-user", &keys, deadline).await;
    assert!(matches!(removed, Err(Error::Refused(_))), "{removed:?}");
}
