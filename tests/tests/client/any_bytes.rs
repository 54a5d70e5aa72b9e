//! What holds whatever the agent says: no reply is believed but ours, and the next call gets its own.

use std::time::Duration;

use proptest::prelude::*;
use qga_proto::{Client, Config, Error, Instant, RawCommand};

/// What an agent may say that is not the reply to the call in flight.
fn foreign() -> impl Strategy<Value = Vec<u8>> {
    let numbers = prop_oneof![0..10u64, any::<u64>()];
    let line = prop_oneof![
        Just(r#"{"return": {}}"#.to_owned()),
        numbers.clone().prop_map(|id| format!(r#"{{"return": "foreign", "id": {id}}}"#)),
        numbers.clone().prop_map(|n| format!("\u{FF}{{\"return\": {n}, \"id\": {}}}", n ^ 1)),
        numbers.prop_map(|id| format!(r#"{{"id": {id}, "error": {{"class": "GenericError", "desc": ""}}}}"#)),
        Just(r#"{"error": {"class": "CommandNotFound", "desc": "foreign"}}"#.to_owned()),
        Just(r#"{"return": "foreign", "id": "ID"}"#.to_owned()),
        Just(r#"{"return": {"id": ID}}"#.to_owned()),
        Just(r#"{"return": "foreign", "id": [ID]}"#.to_owned()),
        Just(r#"{"return": "foreign", "id": ID.0}"#.to_owned()),
        Just(r#"{"return": "foreign", "id": ID0}"#.to_owned()),
        Just(r#"{"execute": "guest-ping", "id": ID}"#.to_owned()),
        Just(r#"{"event": "STOP", "id": ID}"#.to_owned()),
        Just("[{\"a\":".repeat(200)),
        Just("A".repeat(700)),
        Just(String::new()),
    ];
    let end = prop::sample::select(vec!["\n", "\r\n", "\u{FF}", ""]);
    let whole = (line, end, any::<prop::sample::Index>(), any::<bool>());
    let text = whole.prop_map(|(line, end, cut, is_cut)| {
        let mut bytes = to_bytes(&line);
        if is_cut {
            bytes.truncate(cut.index(bytes.len() + 1));
        }
        [bytes, to_bytes(end)].concat()
    });
    prop_oneof![4 => text, 1 => prop::collection::vec(any::<u8>(), 0..40)]
}

/// A character stands for the byte of its number, so that 0xFF can stand in a text.
fn to_bytes(text: &str) -> Vec<u8> {
    text.chars().map(|c| c as u8).collect()
}

/// An agent that is as good as its word, behind another that is not.
struct Conversation {
    client: Client<[u8; 512]>,
    now: Instant,
}

impl Conversation {
    /// A client in id mode.
    fn new(seed: u64) -> Self {
        let client = Client::new(Config::default(), [0; 512], [0; 512], seed);
        let mut conversation = Self { client, now: Instant::ZERO };
        assert_eq!(conversation.call("guest-ping"), Ok("\"guest-ping\"".into()));
        conversation
    }

    /// A call that is answered well: syncs with their number, commands with their name.
    fn call(&mut self, name: &str) -> Result<String, Error> {
        let command = RawCommand::new(name);
        let ticket = self.client.submit(&command, self.now, self.now + Duration::from_secs(60))?;
        while !self.client.is_settled() {
            let line = self.transmit();
            if line.is_empty() {
                self.now = self.client.poll_timeout().expect("something goes on");
                self.client.handle_timeout(self.now);
            } else {
                self.receive(&to_bytes(&answer(&line)), 64);
            }
        }
        self.client.reply(ticket).map(|reply| reply.as_str().into())
    }

    /// What the client sends, whole.
    fn transmit(&mut self) -> Vec<u8> {
        let line = self.client.poll_transmit().unwrap_or_default().to_vec();
        self.client.handle_transmitted(line.len(), self.now);
        line
    }

    /// What the client reads, in pieces; until it is settled.
    fn receive(&mut self, mut bytes: &[u8], piece: usize) {
        while !bytes.is_empty() && !self.client.is_settled() {
            let window = self.client.receive_buffer();
            let n = piece.min(window.len()).min(bytes.len());
            window[..n].copy_from_slice(&bytes[..n]);
            self.client.handle_received(n, self.now);
            bytes = &bytes[n..];
        }
    }
}

/// What a good agent says to `line`.
fn answer(line: &[u8]) -> String {
    let line = String::from_utf8_lossy(line);
    let member = |name: &str, at: usize| {
        let value = line.match_indices(name).nth(at).map(|(at, _)| &line[at + name.len()..])?;
        value.split([',', '}']).next()
    };
    let sync = line.contains("guest-sync");
    let delimiter = if line.contains("guest-sync-delimited") { "\u{FF}" } else { "" };
    let value = member(if sync { "\"id\":" } else { "\"execute\":" }, 0).unwrap_or_default();
    let id = member("\"id\":", usize::from(sync)).map(|id| format!(", \"id\": {id}")).unwrap_or_default();
    format!("{delimiter}{{\"return\": {value}{id}}}\n")
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(2000) })]

    /// A call is never settled by a success that lacks its id, and after all that the next gets its own reply.
    #[test]
    fn nothing_foreign_is_believed(
        pieces in prop::collection::vec(foreign(), 0..12),
        piece in 1..100usize,
        seed: u64,
    ) {
        let mut conversation = Conversation::new(seed);
        let command = RawCommand::new("guest-get-time");
        let now = conversation.now;
        let ticket = conversation.client.submit(&command, now, now + Duration::from_secs(5)).unwrap();
        let line = String::from_utf8(conversation.transmit()).unwrap();
        let id = line.trim_end_matches("}\n").rsplit(':').next().unwrap();
        for bytes in pieces {
            let text: String = bytes.into_iter().map(char::from).collect();
            conversation.receive(&to_bytes(&text.replace("ID", id)), piece);
        }
        if conversation.client.is_settled() {
            let reply = conversation.client.reply(ticket);
            prop_assert!(matches!(reply, Err(Error::Protocol(_) | Error::ReplyTooLong { .. })), "{reply:?}");
        }
        // Half a line that was left may spoil the next call's reply, but not another's be taken for it.
        let next = conversation.call("guest-ping");
        prop_assert!(
            matches!(&next, Err(Error::Protocol(_) | Error::TimedOut(_) | Error::ReplyTooLong { .. }))
                || matches!(&next, Ok(reply) if reply == "\"guest-ping\""),
            "{next:?}"
        );
        if next.is_err() {
            prop_assert_eq!(conversation.call("guest-info"), Ok("\"guest-info\"".into()));
        }
    }

    /// Calls in any order are safe; time does not stand still; and nobody can guess the answer to a sync, or an id, so
    /// that nothing succeeds but what is silent then.
    #[test]
    fn any_order_of_calls_is_safe(
        steps in prop::collection::vec((0..8u8, foreign(), 0..3000u64), 0..60),
        seed: u64,
        synced: bool,
    ) {
        let Conversation { mut client, mut now } = Conversation::new(seed);
        if !synced {
            client = Client::new(Config::default(), [0; 512], [0; 512], seed);
        }
        let mut ticket = None;
        for (step, bytes, number) in steps {
            let n = number as usize;
            match step {
                0 => {
                    let ping = RawCommand::new("guest-ping");
                    let deadline = now + Duration::from_millis(number);
                    ticket = client.submit(&ping, now, deadline).ok().map(|ticket| (ticket, false));
                }
                1 => {
                    let shutdown = RawCommand::new("guest-shutdown").silent();
                    let deadline = now + Duration::from_secs(number);
                    ticket = client.submit(&shutdown, now, deadline).ok().map(|ticket| (ticket, synced));
                }
                2 => client.handle_transmitted(n, now),
                3 => {
                    let window = client.receive_buffer();
                    let len = window.len().min(bytes.len());
                    window[..len].copy_from_slice(&bytes[..len]);
                    client.handle_received(len, now);
                }
                4 => client.handle_received(n, now),
                5 => {
                    now += Duration::from_millis(number);
                    client.handle_timeout(now);
                    prop_assert!(client.poll_timeout().is_none_or(|next| next > now));
                }
                6 => {
                    if let Some((ticket, may_succeed)) = ticket.take() {
                        let reply = client.reply(ticket);
                        prop_assert!(may_succeed || reply.is_err(), "{reply:?}");
                    }
                }
                _ if n < 100 => client.handle_eof(now),
                _ => drop(client.give_up()),
            }
            prop_assert!(client.poll_transmit() != Some(&[]));
        }
    }
}
