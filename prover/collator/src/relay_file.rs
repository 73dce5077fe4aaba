//! The relay file: what a block sees of the relay chain, as the commands take it.
//!
//! ```json
//! {"relay_parent_number": 100,
//!  "relay_parent_storage_root": "0x…64 hexadecimal digits…",
//!  "storage_proof": ["0x…", …],
//!  "messages": {
//!    "downward": [{"sent_at": 98, "data": "0x…"}], "downward_rest": [{"sent_at": 99, "hash": "0x…"}],
//!    "horizontal": [{"sender": 2001, "messages": [{"sent_at": 97, "data": "0x…"}], "rest": []}]}}
//! ```
//!
//! The last two may be left out, and so may every list in `messages`. A chain that exchanges messages needs the storage proof in every block: the
//! nodes that a relay node's `state_getReadProof` gives for what a block reads (`docs/messages.md`), in any order. The messages are those that
//! wait for the chain: what is in `messages` and `downward` is taken, of the rest hashes will do. Nothing of it is believed.

use serde::{Deserialize, Serialize};
use zkpov_verifier::{
    hashing::Hash,
    message::{ChannelMessages, Inbound, SentMessage, WaitingMessage},
    relay::RelayContext,
};

/// The most bytes a relay file may hold.
pub const MAX_RELAY_FILE_BYTES: u64 = 16 << 20;

/// Why a relay file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum RelayFileError {
    /// Not JSON, or a field is missing, unknown or of another type.
    #[error(
        "the relay file is not {{\"relay_parent_number\": NUMBER, \"relay_parent_storage_root\": \"0x…\"}} with a storage proof and messages \
         as docs/formats.md has them: {0}"
    )]
    Json(#[from] serde_json::Error),
    /// The storage root is not 32 bytes in hexadecimal.
    #[error("relay_parent_storage_root must be \"0x\" and 64 hexadecimal digits, not {0:?}")]
    StorageRoot(String),
}

/// What the block sees of the relay chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayFile {
    /// Number and state root of the relay parent.
    pub context: RelayContext,
    /// Nodes of the relay chain's state trie, in any order: none if nothing is read of it.
    pub storage_proof: Vec<Vec<u8>>,
    /// The messages that wait for the chain.
    pub inbound: Inbound,
}

/// The file as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    relay_parent_number: u32,
    relay_parent_storage_root: String,
    #[serde(default)]
    storage_proof: Vec<Bytes>,
    #[serde(default)]
    messages: Messages,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Messages {
    downward: Vec<Sent>,
    downward_rest: Vec<Waiting>,
    horizontal: Vec<Channel>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Channel {
    sender: u32,
    #[serde(default)]
    messages: Vec<Sent>,
    #[serde(default)]
    rest: Vec<Waiting>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sent {
    sent_at: u32,
    data: Bytes,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Waiting {
    sent_at: u32,
    hash: Hashed,
}

/// Bytes as "0x" and hexadecimal digits.
#[derive(Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
#[derive(Clone)]
struct Bytes(Vec<u8>);

impl TryFrom<String> for Bytes {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        let bytes = text.strip_prefix("0x").and_then(|digits| hex::decode(digits).ok());
        bytes.map(Self).ok_or_else(|| format!("{text:?} is not \"0x\" and hexadecimal digits"))
    }
}

impl From<Bytes> for String {
    fn from(bytes: Bytes) -> Self {
        format!("0x{}", hex::encode(bytes.0))
    }
}

/// A hash likewise.
#[derive(Clone, Serialize, Deserialize)]
#[serde(try_from = "Bytes", into = "Bytes")]
struct Hashed(Hash);

impl TryFrom<Bytes> for Hashed {
    type Error = String;

    fn try_from(bytes: Bytes) -> Result<Self, String> {
        let length = bytes.0.len();
        bytes.0.try_into().map(Self).map_err(|_| format!("a hash has 32 bytes, not {length}"))
    }
}

impl From<Hashed> for Bytes {
    fn from(hash: Hashed) -> Self {
        Self(hash.0.to_vec())
    }
}

impl From<Messages> for Inbound {
    fn from(written: Messages) -> Self {
        let taken = |list: Vec<Sent>| -> Vec<SentMessage> {
            list.into_iter().map(|Sent { sent_at, data }| SentMessage { sent_at, data: data.0 }).collect()
        };
        let waiting = |list: Vec<Waiting>| -> Vec<WaitingMessage> {
            list.into_iter().map(|Waiting { sent_at, hash }| (sent_at, hash.0)).collect()
        };
        let channel = |Channel { sender, messages, rest }| ChannelMessages {
            sender,
            messages: taken(messages),
            rest: waiting(rest),
        };
        Self {
            downward: taken(written.downward),
            downward_rest: waiting(written.downward_rest),
            horizontal: written.horizontal.into_iter().map(channel).collect(),
        }
    }
}

impl From<&Inbound> for Messages {
    fn from(inbound: &Inbound) -> Self {
        let sent = |list: &[SentMessage]| {
            let sent =
                |message: &SentMessage| Sent { sent_at: message.sent_at, data: Bytes(message.data.clone()) };
            list.iter().map(sent).collect()
        };
        let waiting = |list: &[WaitingMessage]| {
            list.iter().map(|(sent_at, hash)| Waiting { sent_at: *sent_at, hash: Hashed(*hash) }).collect()
        };
        let channel = |channel: &ChannelMessages| Channel {
            sender: channel.sender,
            messages: sent(&channel.messages),
            rest: waiting(&channel.rest),
        };
        Self {
            downward: sent(&inbound.downward),
            downward_rest: waiting(&inbound.downward_rest),
            horizontal: inbound.horizontal.iter().map(channel).collect(),
        }
    }
}

impl RelayFile {
    /// What a block sees that reads nothing of the relay chain's state.
    #[must_use]
    pub fn blind(context: RelayContext) -> Self {
        Self { context, storage_proof: Vec::new(), inbound: Inbound::default() }
    }

    /// Reads the content of a relay file.
    ///
    /// # Errors
    /// What about it is not as the module's documentation has it.
    pub fn parse(json: &[u8]) -> Result<Self, RelayFileError> {
        let written: Written = serde_json::from_slice(json)?;
        let root = written.relay_parent_storage_root;
        let relay_parent_storage_root = root
            .strip_prefix("0x")
            .and_then(|digits| hex::decode(digits).ok())
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .ok_or(RelayFileError::StorageRoot(root))?;
        let relay_parent_number = written.relay_parent_number;
        Ok(Self {
            context: RelayContext { relay_parent_number, relay_parent_storage_root },
            storage_proof: written.storage_proof.into_iter().map(|node| node.0).collect(),
            inbound: written.messages.into(),
        })
    }

    /// The content of a relay file, always the same for the same values.
    #[must_use]
    pub fn to_json(&self) -> String {
        let written = Written {
            relay_parent_number: self.context.relay_parent_number,
            relay_parent_storage_root: Bytes(self.context.relay_parent_storage_root.to_vec()).into(),
            storage_proof: self.storage_proof.iter().cloned().map(Bytes).collect(),
            messages: (&self.inbound).into(),
        };
        serde_json::to_string(&written).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOT: &str = "0x000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

    fn parse(json: &str) -> Result<RelayFile, String> {
        RelayFile::parse(json.as_bytes()).map_err(|error| error.to_string())
    }

    #[test]
    fn a_relay_file_gives_its_number_and_root_and_writes_the_same_again() {
        let json = format!(r#"{{"relay_parent_number": 7, "relay_parent_storage_root": "{ROOT}"}}"#);
        let relay = parse(&json).unwrap();
        assert_eq!(relay.context.relay_parent_number, 7);
        assert_eq!(relay.context.relay_parent_storage_root[31], 0x1f);
        assert_eq!(parse(&relay.to_json()).unwrap(), relay);
    }

    #[test]
    fn storage_proof_and_messages_are_read_and_written_the_same_again() {
        let hash = "11".repeat(32);
        let json = format!(
            r#"{{"relay_parent_number": 7, "relay_parent_storage_root": "{ROOT}", "storage_proof": ["0x0102", "0x"],
                "messages": {{"downward_rest": [{{"sent_at": 5, "hash": "0x{hash}"}}],
                "horizontal": [{{"sender": 2001, "messages": [{{"sent_at": 6, "data": "0xff"}}]}}]}}}}"#
        );
        let relay = parse(&json).unwrap();
        assert_eq!(relay.storage_proof, [vec![1, 2], vec![]]);
        assert_eq!(relay.inbound.downward_rest, [(5, [0x11; 32])]);
        assert_eq!(relay.inbound.horizontal[0].messages[0].data, [0xff]);
        assert_eq!(parse(&relay.to_json()).unwrap(), relay);
    }

    #[test]
    fn what_is_no_proof_and_no_message_is_refused_and_not_ignored() {
        for (field, word) in [
            (r#""storage_proof": ["00"]"#, "hexadecimal"),
            (r#""storage_proof": [1]"#, "string"),
            (r#""messages": {"a": 1}"#, "unknown field `a`"),
            (r#""messages": {"downward_rest": [{"sent_at": 1, "hash": "0x00"}]}"#, "32 bytes"),
            (r#""messages": {"horizontal": [{"messages": []}]}"#, "sender"),
        ] {
            let json =
                format!(r#"{{"relay_parent_number": 7, "relay_parent_storage_root": "{ROOT}", {field}}}"#);
            let error = parse(&json).unwrap_err();
            assert!(error.contains(word), "{error}");
        }
    }

    #[test]
    fn errors_show_the_form_and_the_cause() {
        assert!(parse("{}").unwrap_err().contains("missing field `relay_parent_number`"));
        assert!(parse("{}").unwrap_err().contains("relay_parent_storage_root"));
        let unknown =
            format!(r#"{{"relay_parent_number": 7, "relay_parent_storage_root": "{ROOT}", "proof": 1}}"#);
        assert!(parse(&unknown).unwrap_err().contains("unknown field `proof`"));
        for root in ["00", "0x00", &ROOT[..65], &format!("{ROOT}00"), "0xzz"] {
            let json = format!(r#"{{"relay_parent_number": 7, "relay_parent_storage_root": "{root}"}}"#);
            assert!(parse(&json).unwrap_err().contains("64 hexadecimal digits"), "{root}");
        }
    }
}
