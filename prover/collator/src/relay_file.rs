//! The relay file: what a block sees of the relay chain, as the commands take it.
//!
//! ```json
//! {"relay_parent_number": 100,
//!  "relay_parent_storage_root": "0x…64 hexadecimal digits…",
//!  "storage_proof": ["0x…", …], "messages": {}}
//! ```
//!
//! The last two may be left out. The storage proof is for what a block reads of the relay chain's state: the nodes that a relay node's
//! `state_getReadProof` gives for it, in any order; a block needs one that announces an upgrade, and every one after it until the relay
//! chain has enacted the upgrade. Messages that wait for the chain this version of the program does not take, and says so.

use serde::{Deserialize, Serialize};
use zkpov_verifier::relay::RelayContext;

/// The most bytes a relay file may hold.
pub const MAX_RELAY_FILE_BYTES: u64 = 16 << 20;

/// Why a relay file was not taken.
#[derive(Debug, thiserror::Error)]
pub enum RelayFileError {
    /// Not JSON, or a field is missing, unknown or of another type.
    #[error(
        "the relay file is not {{\"relay_parent_number\": NUMBER, \"relay_parent_storage_root\": \"0x…\"}}: {0}"
    )]
    Json(#[from] serde_json::Error),
    /// The storage root is not 32 bytes in hexadecimal.
    #[error("relay_parent_storage_root must be \"0x\" and 64 hexadecimal digits, not {0:?}")]
    StorageRoot(String),
    /// A node of the storage proof is not bytes in hexadecimal.
    #[error("storage_proof: {0:?} is not \"0x\" and hexadecimal digits")]
    StorageProof(String),
    /// Messages were given.
    #[error(
        "the relay file has {0}, which this version cannot bring into a block; leave it out or empty ([] or {{}})"
    )]
    Unsupported(&'static str),
}

/// What the block sees of the relay chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RelayFile {
    /// Number and state root of the relay parent.
    pub context: RelayContext,
    /// Nodes of the relay chain's state trie, in any order: none if nothing is read of it.
    pub storage_proof: Vec<Vec<u8>>,
}

/// The file as it is written.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    relay_parent_number: u32,
    relay_parent_storage_root: String,
    #[serde(default)]
    storage_proof: Vec<String>,
    #[serde(default)]
    messages: serde_json::Map<String, serde_json::Value>,
}

impl RelayFile {
    /// Reads the content of a relay file.
    ///
    /// # Errors
    /// What about it is not as the module's documentation has it.
    pub fn parse(json: &[u8]) -> Result<Self, RelayFileError> {
        let written: Written = serde_json::from_slice(json)?;
        let node = |text: String| {
            let bytes = text.strip_prefix("0x").and_then(|digits| hex::decode(digits).ok());
            bytes.ok_or(RelayFileError::StorageProof(text))
        };
        let storage_proof = written.storage_proof.into_iter().map(node).collect::<Result<_, _>>()?;
        if !written.messages.is_empty() {
            return Err(RelayFileError::Unsupported("messages"));
        }
        let root = written.relay_parent_storage_root;
        let relay_parent_storage_root = root
            .strip_prefix("0x")
            .and_then(|digits| hex::decode(digits).ok())
            .and_then(|bytes| <[u8; 32]>::try_from(bytes).ok())
            .ok_or(RelayFileError::StorageRoot(root))?;
        let relay_parent_number = written.relay_parent_number;
        Ok(Self { context: RelayContext { relay_parent_number, relay_parent_storage_root }, storage_proof })
    }

    /// The content of a relay file, always the same for the same values.
    #[must_use]
    pub fn to_json(&self) -> String {
        serde_json::json!({
            "relay_parent_number": self.context.relay_parent_number,
            "relay_parent_storage_root": format!("0x{}", hex::encode(self.context.relay_parent_storage_root)),
            "storage_proof":
                self.storage_proof.iter().map(|node| format!("0x{}", hex::encode(node))).collect::<Vec<_>>(),
            "messages": {},
        })
        .to_string()
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
    fn what_cannot_be_brought_into_a_block_is_refused_and_not_ignored() {
        for (field, word) in
            [(r#""storage_proof": ["00"]"#, "storage_proof"), (r#""messages": {"a": 1}"#, "messages")]
        {
            let json =
                format!(r#"{{"relay_parent_number": 7, "relay_parent_storage_root": "{ROOT}", {field}}}"#);
            assert!(parse(&json).unwrap_err().contains(word));
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
