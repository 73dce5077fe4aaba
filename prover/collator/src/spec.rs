//! The chain spec: what a chain starts with, as JSON.
//!
//! ```json
//! {"chain": "payments",
//!  "token": {"symbol": "PAY", "decimals": 12},
//!  "parameters": {"existential_deposit": "1000000000", "minimum_fee": "1000000", "permissioned_authors": false},
//!  "accounts": [{"key": {"x": "…", "y": "…"}, "balance": "…", "may_author": true}]}
//! ```
//!
//! The chain reads it; here is what is the same for every chain.

use serde::Deserialize;
use zkpov_circuits::runtime::Token;

/// The most bytes a chain spec may hold.
pub const MAX_SPEC_BYTES: u64 = 256 << 20;

/// The fields of a spec that the commands need, whatever the chain.
#[derive(Debug, Deserialize)]
struct Common {
    chain: String,
    token: Option<WrittenToken>,
}

#[derive(Debug, Deserialize)]
struct WrittenToken {
    symbol: String,
    decimals: u8,
}

/// The chain that a spec is for; `None` if it does not say.
#[must_use]
pub fn chain_name(spec: &[u8]) -> Option<String> {
    serde_json::from_slice::<Common>(spec).ok().map(|common| common.chain)
}

/// The token that a spec names, `otherwise` if it names none.
#[must_use]
pub fn token(spec: &[u8], otherwise: Token) -> Token {
    let written = serde_json::from_slice::<Common>(spec).ok().and_then(|common| common.token);
    written.map_or(otherwise, |token| Token { symbol: token.symbol, decimals: token.decimals })
}

/// The least fee that a spec's chain takes, if it names one.
#[must_use]
pub fn minimum_fee(spec: &[u8]) -> Option<u64> {
    #[derive(Deserialize)]
    struct Written {
        parameters: Parameters,
    }
    #[derive(Deserialize)]
    struct Parameters {
        minimum_fee: String,
    }
    serde_json::from_slice::<Written>(spec).ok()?.parameters.minimum_fee.parse().ok()
}
