//! A local relay chain over JSON-RPC: what lets collators of other processes use it.
//!
//! | method | parameters | answer |
//! |---|---|---|
//! | `relay_heads` | | `{"best", "finalized"}` |
//! | `relay_wait` | heads, milliseconds (at most 10,000) | the heads, once they are others |
//! | `chain_getHeader` | hash | header or null |
//! | `chain_getBlockHash` | number | hash on the best chain, or null |
//! | `parachains_head` | para id, relay block | head data or null |
//! | `parachains_core` | para id, relay block | `"none"`, `"scheduled"`, `"occupied"` |
//! | `parachains_context` | para id, relay block | a relay file, as a string |
//! | `parachains_submit` | candidate | null |
//! | `parachains_available` | hash of a head | block or null |
//! | `parachains_order` | para id, highest price | price paid |
//! | `parachains_register` | validity key and head | null |
//!
//! Hashes and bytes are `0x…`. Refusals have the code [`REFUSED`], unknown relay blocks [`UNKNOWN_BLOCK`].

use std::{net::SocketAddr, sync::Arc, time::Duration};

use jsonrpsee::{
    RpcModule,
    core::{
        client::{ClientT, Error as ClientError},
        params::ArrayParams,
    },
    rpc_params,
    server::{BatchRequestConfig, Server, ServerConfig, ServerHandle},
    types::ErrorObjectOwned,
};
use jsonrpsee_http_client::{HttpClient, HttpClientBuilder};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::{runtime::Handle, sync::Semaphore};
use zkpov_verifier::{block::MAX_POV, key::MAX_KEY_BYTES};

use super::{
    header::RelayHeader,
    interface::{
        BlockData, Candidate, Core, Hash, Heads, Registration, Relay, RelayError, hex_array, hex_bytes,
    },
    shared::SharedRelay,
};
use crate::relay_file::RelayFile;

/// Error code of a refusal.
pub const REFUSED: i32 = 2000;
/// Error code of a relay block that is not known.
pub const UNKNOWN_BLOCK: i32 = 2001;

/// Bytes of a request or an answer: a candidate or a validity key in hexadecimal, and room for what is around it.
const MAX_BODY_BYTES: u32 =
    2 * (if MAX_POV > MAX_KEY_BYTES { MAX_POV } else { MAX_KEY_BYTES }) as u32 + (1 << 16);
/// Clients at a time.
const MAX_CONNECTIONS: u32 = 128;
/// Clients that wait for heads at a time; each has a thread.
const MAX_WAITING: usize = 64;
/// The longest that a client is kept waiting.
const MAX_WAIT: Duration = Duration::from_secs(10);
/// How long a client waits for an answer beyond what it asked to wait.
const PATIENCE: Duration = Duration::from_secs(20);

/// A hash as it goes over the wire.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
struct Hex32(#[serde(with = "hex_array")] Hash);

/// Bytes as they go over the wire.
#[derive(Clone, Serialize, Deserialize)]
#[serde(transparent)]
struct HexBytes(#[serde(with = "hex_bytes")] Vec<u8>);

fn told(error: RelayError) -> ErrorObjectOwned {
    let code = match error {
        RelayError::Refused(_) => REFUSED,
        RelayError::UnknownBlock(_) => UNKNOWN_BLOCK,
        RelayError::Unreachable(_) => jsonrpsee::types::error::INTERNAL_ERROR_CODE,
    };
    let message = match &error {
        // The client puts the words around it.
        RelayError::Refused(reason) => reason.clone(),
        other => other.to_string(),
    };
    ErrorObjectOwned::owned(code, message, None::<()>)
}

/// Starts to answer for a relay chain at `address`; the address that it got, for a port of 0.
///
/// # Errors
/// When the address cannot be used.
pub async fn start(address: SocketAddr, relay: SharedRelay) -> std::io::Result<(SocketAddr, ServerHandle)> {
    let config = ServerConfig::builder()
        .max_request_body_size(MAX_BODY_BYTES)
        .max_response_body_size(MAX_BODY_BYTES)
        .max_connections(MAX_CONNECTIONS)
        .set_batch_request_config(BatchRequestConfig::Disabled)
        .build();
    let server = Server::builder().set_config(config).build(address).await?;
    let address = server.local_addr()?;
    let module = module(relay).map_err(std::io::Error::other)?;
    Ok((address, server.start(module)))
}

fn module(relay: SharedRelay) -> Result<RpcModule<SharedRelay>, jsonrpsee::core::RegisterMethodError> {
    let mut module = RpcModule::new(relay);
    macro_rules! method {
        ($name:literal, |$relay:ident, $($param:ident: $kind:ty),*| $answer:expr) => {
            module.register_blocking_method($name, |params, $relay, _| {
                let ($($param,)*): ($($kind,)*) = params.parse()?;
                $answer.map_err(told)
            })?;
        };
    }
    method!("parachains_head", |relay, para: u32, at: Hex32| relay
        .para_head(para, &at.0)
        .map(|head| head.map(HexBytes)));
    method!("parachains_core", |relay, para: u32, at: Hex32| relay.core(para, &at.0));
    // As the relay file that `zkpov author` takes.
    method!("parachains_context", |relay, para: u32, at: Hex32| relay
        .context(para, &at.0)
        .map(|file| file.to_json()));
    method!("parachains_submit", |relay, candidate: Candidate| relay.submit(&candidate));
    method!("parachains_available", |relay, head: Hex32| relay.available(&head.0));
    method!("parachains_order", |relay, para: u32, price: u64| relay.order_core(para, price));
    method!("parachains_register", |relay, registration: Registration| relay.register(&registration));
    method!("chain_getHeader", |relay, hash: Hex32| relay.header(&hash.0));
    method!("chain_getBlockHash", |relay, number: u32| relay.block_hash(number).map(|hash| hash.map(Hex32)));
    module.register_blocking_method("relay_heads", |_, relay, _| relay.heads().map_err(told))?;
    let waiting = Arc::new(Semaphore::new(MAX_WAITING));
    module.register_blocking_method("relay_wait", move |params, relay, _| {
        let (known, millis): (Heads, u64) = params.parse()?;
        // Who finds no room is answered at once, and asks again.
        let permit = waiting.try_acquire();
        let timeout =
            if permit.is_ok() { Duration::from_millis(millis).min(MAX_WAIT) } else { Duration::ZERO };
        relay.wait(&known, timeout).map_err(told)
    })?;
    Ok(module)
}

/// A relay chain at an address: the client's side. Its calls block, and must not be made from asynchronous code.
#[derive(Debug)]
pub struct RemoteRelay {
    client: HttpClient,
    runtime: Handle,
}

impl RemoteRelay {
    /// A client for the relay chain at `url`, such as `http://127.0.0.1:9944`. Nothing is asked yet.
    ///
    /// # Errors
    /// [`RelayError::Unreachable`] when the address cannot be one.
    pub fn new(url: &str, runtime: Handle) -> Result<Self, RelayError> {
        Ok(Self { client: client(url)?, runtime })
    }

    fn ask<T: DeserializeOwned>(&self, method: &str, params: ArrayParams) -> Result<T, RelayError> {
        ask(&self.runtime, &self.client, method, params)
    }
}

/// A client of JSON-RPC over HTTP.
pub(crate) fn client(url: &str) -> Result<HttpClient, RelayError> {
    HttpClientBuilder::default()
        .max_request_size(MAX_BODY_BYTES)
        .max_response_size(MAX_BODY_BYTES)
        .request_timeout(MAX_WAIT + PATIENCE)
        .build(url)
        .map_err(|error| RelayError::Unreachable(format!("{url}: {error}")))
}

/// Asks, and waits for the answer.
pub(crate) fn ask<T: DeserializeOwned>(
    runtime: &Handle,
    client: &HttpClient,
    method: &str,
    params: ArrayParams,
) -> Result<T, RelayError> {
    runtime.block_on(client.request(method, params)).map_err(|error| match error {
        ClientError::Call(refusal) if refusal.code() == REFUSED => {
            RelayError::Refused(refusal.message().to_owned())
        }
        ClientError::Call(unknown) if unknown.code() == UNKNOWN_BLOCK => {
            RelayError::Unreachable(unknown.message().to_owned())
        }
        other => RelayError::Unreachable(other.to_string()),
    })
}

impl Relay for RemoteRelay {
    fn heads(&self) -> Result<Heads, RelayError> {
        self.ask("relay_heads", rpc_params![])
    }

    fn wait(&self, known: &Heads, timeout: Duration) -> Result<Heads, RelayError> {
        let millis = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        self.ask("relay_wait", rpc_params![known, millis])
    }

    fn header(&self, hash: &Hash) -> Result<Option<RelayHeader>, RelayError> {
        self.ask("chain_getHeader", rpc_params![Hex32(*hash)])
    }

    fn block_hash(&self, number: u32) -> Result<Option<Hash>, RelayError> {
        let hash: Option<Hex32> = self.ask("chain_getBlockHash", rpc_params![number])?;
        Ok(hash.map(|hash| hash.0))
    }

    fn para_head(&self, para: u32, at: &Hash) -> Result<Option<Vec<u8>>, RelayError> {
        let head: Option<HexBytes> = self.ask("parachains_head", rpc_params![para, Hex32(*at)])?;
        Ok(head.map(|head| head.0))
    }

    fn core(&self, para: u32, at: &Hash) -> Result<Core, RelayError> {
        self.ask("parachains_core", rpc_params![para, Hex32(*at)])
    }

    fn context(&self, para: u32, at: &Hash) -> Result<RelayFile, RelayError> {
        let file: String = self.ask("parachains_context", rpc_params![para, Hex32(*at)])?;
        RelayFile::parse(file.as_bytes()).map_err(|error| RelayError::Unreachable(error.to_string()))
    }

    fn submit(&self, candidate: &Candidate) -> Result<(), RelayError> {
        self.ask("parachains_submit", rpc_params![candidate])
    }

    fn available(&self, head_hash: &Hash) -> Result<Option<BlockData>, RelayError> {
        self.ask("parachains_available", rpc_params![Hex32(*head_hash)])
    }

    fn order_core(&self, para: u32, max_price: u64) -> Result<u64, RelayError> {
        self.ask("parachains_order", rpc_params![para, max_price])
    }

    fn register(&self, registration: &Registration) -> Result<(), RelayError> {
        self.ask("parachains_register", rpc_params![registration])
    }
}
