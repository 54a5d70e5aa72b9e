//! The replies of the schema: what we read is what `serde_json` reads, borrowed or owned.

use core::fmt::Debug;

use qga_proto::json::{List, Raw, from_slice};
use qga_proto::{owned, view};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{has_negative_zero, peer, without_negative_zero};

/// Reads a text, and what it returns if it is a reply, as many of the schema's types.
pub(super) fn check(data: &[u8]) {
    #[derive(Deserialize)]
    struct Success<'a> {
        #[serde(borrow, rename = "return")]
        value: Raw<'a>,
    }
    check_value(data);
    if let Ok(reply) = from_slice::<Success<'_>>(data) {
        check_value(reply.value.as_str().as_bytes());
    }
}

fn check_value(data: &[u8]) {
    let Some(value) = peer::<Value>(data) else { return };
    let text = Text { data, value: &value };
    text.check::<view::GuestAgentInfo<'_>, owned::GuestAgentInfo>();
    text.check::<view::GuestExecStatus<'_>, owned::GuestExecStatus>();
    text.check::<view::GuestFileRead<'_>, owned::GuestFileRead>();
    text.check::<view::GuestOSInfo<'_>, owned::GuestOSInfo>();
    text.check::<view::GuestFilesystemTrimResponse<'_>, owned::GuestFilesystemTrimResponse>();
    text.check::<List<'_, view::GuestNetworkInterface<'_>>, Vec<owned::GuestNetworkInterface>>();
    text.check::<List<'_, view::GuestFilesystemInfo<'_>>, Vec<owned::GuestFilesystemInfo>>();
    text.check::<List<'_, view::GuestDeviceInfo<'_>>, Vec<owned::GuestDeviceInfo>>();
    text.check::<List<'_, view::GuestUser<'_>>, Vec<owned::GuestUser>>();
    text.check::<List<'_, view::GuestLogicalProcessor>, Vec<owned::GuestLogicalProcessor>>();
}

struct Text<'a> {
    data: &'a [u8],
    value: &'a Value,
}

impl<'a> Text<'a> {
    fn check<V, O>(&self)
    where
        V: Deserialize<'a> + Serialize,
        O: DeserializeOwned + Serialize + PartialEq + Debug,
    {
        let ours = from_slice::<O>(self.data);
        match (&ours, peer::<O>(self.data)) {
            (Ok(ours), Some(theirs)) => {
                assert!(*ours == theirs || has_negative_zero(self.data), "{ours:?}, not {theirs:?}");
            }
            // A negative number where there is to be none is our way to read large ones of old agents.
            (Ok(ours), None) => assert!(has_negative_number(self.data), "only ours reads {ours:?}"),
            (Err(error), Some(theirs)) => {
                let written = serde_json::to_value(&theirs).unwrap();
                assert!(
                    reads_struct_from_array(self.value, &written),
                    "only theirs reads {theirs:?}: {error}"
                );
            }
            (Err(_), None) => {}
        }
        let Ok(owned) = ours else { return self.check_refused::<V, O>() };
        let written = serde_json::to_vec(&owned).unwrap();
        assert_eq!(from_slice::<O>(&written).as_ref(), Ok(&owned), "it reads otherwise than it is written");
        let view = from_slice::<V>(self.data).expect("what can be owned can be borrowed");
        let [view, owned] = [serde_json::to_value(&view), serde_json::to_value(&owned)]
            .map(|value| without_negative_zero(value.unwrap()));
        assert_eq!(view, owned);
    }

    /// What cannot be owned cannot be borrowed, but for lists and base64, which a view looks at later: when it is written.
    fn check_refused<V: Deserialize<'a> + Serialize, O: DeserializeOwned + Debug>(&self) {
        let written = from_slice::<V>(self.data).ok().and_then(|view| serde_json::to_vec(&view).ok());
        if let Some(Ok(owned)) = written.as_deref().map(from_slice::<O>) {
            panic!("only the view reads {owned:?}");
        }
    }
}

fn has_negative_number(data: &[u8]) -> bool {
    data.windows(2).any(|pair| pair[0] == b'-' && pair[1].is_ascii_digit())
}

fn reads_struct_from_array(read: &Value, written: &Value) -> bool {
    match (read, written) {
        (Value::Array(_), Value::Object(_)) => true,
        (Value::Array(read), Value::Array(written)) => {
            read.iter().zip(written).any(|(read, written)| reads_struct_from_array(read, written))
        }
        (Value::Object(read), Value::Object(written)) => {
            written.iter().any(|(name, written)| reads_struct_from_array(&read[name.as_str()], written))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_replies_are_read() {
        fn assert_read<O: DeserializeOwned>(text: &str) {
            check(text.as_bytes());
            assert!(from_slice::<O>(text.as_bytes()).is_ok(), "{text}");
        }
        assert_read::<owned::GuestAgentInfo>(
            r#"{"version": "10.0.2", "supported_commands": [{"name": "guest-ping"}]}"#,
        );
        assert_read::<owned::GuestExecStatus>(r#"{"exited": true, "exitcode": 0, "out-data": "aGVsbG8K"}"#);
        assert_read::<owned::GuestFileRead>(r#"{"count": 5, "buf-b64": "aGVsbG8=", "eof": true}"#);
        assert_read::<Vec<owned::GuestNetworkInterface>>(
            r#"[{"name": "lo", "ip-addresses": [{"ip-address-type": "ipv4", "ip-address": "127.0.0.1", "prefix": 8}]}]"#,
        );
    }

    #[test]
    fn a_struct_from_an_array_is_seen() {
        let array = serde_json::json!([["lo"]]);
        assert!(reads_struct_from_array(&array, &serde_json::json!([{"name": "lo"}])));
        assert!(!reads_struct_from_array(&array, &array));
    }
}
