//! JSON-RPC of a collator, in Substrate's manner (`docs/collator.md` has the methods and error codes).

use std::{net::SocketAddr, sync::Arc};

use jsonrpsee::{
    RpcModule,
    server::{BatchRequestConfig, Server, ServerConfig, ServerHandle},
    types::{ErrorObjectOwned, Params},
};
use serde::Deserialize;
use serde_json::{Value, json};
use zkpov_circuits::runtime::{AccountId, AccountView};
use zkpov_verifier::{
    block::{MAX_POV, ProvenBlock},
    eddsa::PublicKey,
    head::Head,
};

use crate::{
    chain::ChainInfo,
    db::{BlockRecord, Handle, ReadDatabase, Snapshot},
    pool::{MAX_EXTRINSIC_BYTES, Pool, PoolError},
    relay::interface::{BlockData, Hash, from_hex},
    relay_file::RelayFile,
    spec,
};

/// Error codes, Substrate's where it has one.
pub mod code {
    /// The parameters are not what the method takes (JSON-RPC).
    pub const INVALID_PARAMS: i32 = -32602;
    /// The program or its database failed (JSON-RPC).
    pub const INTERNAL: i32 = -32603;
    /// The extrinsic does not decode (`author`: bad format).
    pub const BAD_FORMAT: i32 = 1001;
    /// The extrinsic is not valid (`author`: invalid transaction).
    pub const INVALID: i32 = 1010;
    /// The extrinsic is in the pool already (`author`: already imported).
    pub const KNOWN: i32 = 1013;
    /// Another of the same sender and nonce pays as much (`author`: too low priority).
    pub const LOW_PRIORITY: i32 = 1014;
    /// The pool is full (`author`: immediately dropped).
    pub const FULL: i32 = 1016;
    /// The nonce is too far ahead (`author`: the pool takes no future extrinsics).
    pub const FUTURE: i32 = 1018;
}

/// Bytes of a request: an extrinsic as JSON is a few times as long as its bytes.
const MAX_REQUEST_BYTES: u32 = 8 * MAX_EXTRINSIC_BYTES as u32;
/// Bytes of an answer: a proven block in hexadecimal, and room for what is around it.
const MAX_RESPONSE_BYTES: u32 = 2 * MAX_POV as u32 + (1 << 20);
/// Requests in a batch.
const MAX_BATCH: u32 = 32;
/// Clients at a time.
const MAX_CONNECTIONS: u32 = 128;
/// Most extrinsics that `author_pendingExtrinsics` lists.
const MAX_LISTED: usize = 4096;

/// What the server answers from.
#[derive(Clone, Debug)]
pub struct Answers {
    info: ChainInfo,
    database: Handle,
    pool: Arc<Pool>,
}

/// A failure that a client is told of.
type Answer<T> = Result<T, ErrorObjectOwned>;

fn error(code: i32, message: impl std::fmt::Display) -> ErrorObjectOwned {
    ErrorObjectOwned::owned(code, message.to_string(), None::<()>)
}

fn internal(failure: impl std::fmt::Display) -> ErrorObjectOwned {
    tracing::error!(%failure, "a request failed");
    error(code::INTERNAL, failure)
}

impl From<PoolError> for ErrorObjectOwned {
    fn from(refused: PoolError) -> Self {
        use zkpov_circuits::runtime::Refusal::Malformed;
        let code = match &refused {
            PoolError::TooLong { .. } | PoolError::Invalid(Malformed(_)) => code::BAD_FORMAT,
            PoolError::Invalid(_) => code::INVALID,
            PoolError::Known => code::KNOWN,
            PoolError::TooFarAhead { .. } => code::FUTURE,
            PoolError::Underpaid { .. } => code::LOW_PRIORITY,
            PoolError::Full(_) => code::FULL,
            PoolError::State(_) | PoolError::Database(_) => return internal(refused),
        };
        error(code, refused)
    }
}

fn hex(bytes: &[u8]) -> String {
    format!("0x{}", ::hex::encode(bytes))
}

fn hash(text: &str) -> Answer<Hash> {
    let bytes = from_hex(text).and_then(|bytes| bytes.try_into().ok());
    bytes.ok_or_else(|| error(code::INVALID_PARAMS, "a hash is 0x and 64 hexadecimal digits"))
}

/// Starts to answer at `address`; the address that it got, for a port of 0.
///
/// # Errors
/// When the address cannot be used.
pub async fn start(address: SocketAddr, answers: Answers) -> std::io::Result<(SocketAddr, ServerHandle)> {
    let config = ServerConfig::builder()
        .max_request_body_size(MAX_REQUEST_BYTES)
        .max_response_body_size(MAX_RESPONSE_BYTES)
        .max_connections(MAX_CONNECTIONS)
        .set_batch_request_config(BatchRequestConfig::Limit(MAX_BATCH))
        .build();
    let server = Server::builder().set_config(config).build(address).await?;
    let address = server.local_addr()?;
    let module = module(answers).map_err(std::io::Error::other)?;
    Ok((address, server.start(module)))
}

fn module(answers: Answers) -> Result<RpcModule<Answers>, jsonrpsee::core::RegisterMethodError> {
    let mut module = RpcModule::new(answers);
    macro_rules! methods {
        ($($name:literal => $method:ident),* $(,)?) => {
            // The database and signatures are work for threads that may wait.
            $(module.register_blocking_method($name, |params, answers, _| answers.$method(&params))?;)*
        };
    }
    methods! {
        "author_submitExtrinsic" => submit,
        "author_pendingExtrinsics" => pending,
        "chain_getHeader" => header,
        "chain_getBlockHash" => block_hash,
        "chain_getFinalizedHead" => finalized,
        "chain_getBlock" => block,
        "system_health" => health,
        "system_chain" => chain,
        "system_name" => name,
        "system_version" => version,
        "system_properties" => properties,
        "system_accountNextIndex" => next_index,
        "state_getRuntimeVersion" => runtime_version,
        "zkpov_getAccount" => account,
        "zkpov_getBlockData" => block_data,
        "zkpov_poolStatus" => pool_status,
    }
    let names: Vec<&'static str> = module.method_names().collect();
    module.register_method("rpc_methods", move |_, _, _| json!({ "methods": names }))?;
    Ok(module)
}

impl Answers {
    /// Answers from a chain's database and pool.
    #[must_use]
    pub fn new(info: ChainInfo, database: Handle, pool: Arc<Pool>) -> Self {
        Self { info, database, pool }
    }

    fn snapshot(&self) -> Answer<Snapshot> {
        self.database.snapshot().map_err(internal)
    }

    /// The block of a head's hash, on this chain; the newest without one.
    fn find(&self, asked: Option<String>) -> Answer<Option<BlockRecord>> {
        let snapshot = self.snapshot()?;
        let tip = snapshot.tip().map_err(internal)?;
        let Some(asked) = asked else { return Ok(Some(tip)) };
        let asked = hash(&asked)?;
        snapshot.block_by_hash(&asked).map_err(internal)
    }

    fn submit(&self, params: &Params<'_>) -> Answer<String> {
        let bytes = match params.one::<Value>()? {
            Value::String(text) => from_hex(&text).ok_or_else(|| {
                error(
                    code::BAD_FORMAT,
                    "an extrinsic is 0x and its SCALE bytes in hexadecimal, or its JSON object",
                )
            })?,
            object @ Value::Object(_) => self
                .info
                .chain
                .extrinsic_from_json(&object.to_string())
                .map_err(|reason| error(code::BAD_FORMAT, reason))?,
            _ => return Err(error(code::INVALID_PARAMS, "an extrinsic is a string or an object")),
        };
        Ok(hex(&self.pool.submit(&bytes)?))
    }

    fn pending(&self, _: &Params<'_>) -> Answer<Vec<String>> {
        Ok(self.pool.pending().iter().take(MAX_LISTED).map(|bytes| hex(bytes)).collect())
    }

    fn header(&self, params: &Params<'_>) -> Answer<Option<Value>> {
        let found = self.find(optional(params)?)?;
        found.map(|block| header(&block)).transpose()
    }

    fn block_hash(&self, params: &Params<'_>) -> Answer<Option<String>> {
        let snapshot = self.snapshot()?;
        let number: Option<Number> = optional(params)?;
        let block = match number {
            None => Some(snapshot.tip().map_err(internal)?),
            Some(number) => snapshot.block(number.value()?).map_err(internal)?,
        };
        Ok(block.map(|block| hex(&block.hash)))
    }

    fn finalized(&self, _: &Params<'_>) -> Answer<String> {
        let snapshot = self.snapshot()?;
        let number = snapshot.finalized().map_err(internal)?;
        let block = snapshot.block(number).map_err(internal)?;
        Ok(hex(&block.ok_or_else(|| internal("the final block is not there"))?.hash))
    }

    fn block(&self, params: &Params<'_>) -> Answer<Option<Value>> {
        let Some(block) = self.find(optional(params)?)? else { return Ok(None) };
        let extrinsics: Vec<String> = block.extrinsics.iter().map(|bytes| hex(bytes)).collect();
        let mut value = json!({
            "block": { "header": header(&block)?, "extrinsics": extrinsics },
            "number": block.number, "hash": hex(&block.hash), "povBytes": block.pov.len(),
        });
        if let (Ok(proven), Some(members)) = (ProvenBlock::decode(&block.pov), value.as_object_mut()) {
            let proven = proven.proven;
            members.insert("tier".into(), proven.tier.0.into());
            members.insert("usedSlots".into(), proven.used_slots.into());
            members.insert("author".into(), proven.author.into());
            members.insert("body".into(), hex(&proven.body).into());
        }
        Ok(Some(value))
    }

    fn health(&self, _: &Params<'_>) -> Answer<Value> {
        let snapshot = self.snapshot()?;
        let (tip, finalized) =
            (snapshot.tip().map_err(internal)?.number, snapshot.finalized().map_err(internal)?);
        Ok(
            json!({ "peers": 0, "isSyncing": false, "shouldHavePeers": false, "best": tip, "finalized": finalized }),
        )
    }

    fn chain(&self, _: &Params<'_>) -> Answer<String> {
        Ok(self.info.chain.name().to_owned())
    }

    fn name(&self, _: &Params<'_>) -> Answer<&'static str> {
        Ok("zkpov")
    }

    fn version(&self, _: &Params<'_>) -> Answer<&'static str> {
        Ok(env!("CARGO_PKG_VERSION"))
    }

    fn properties(&self, _: &Params<'_>) -> Answer<Value> {
        let genesis = self.snapshot()?.genesis().map_err(internal)?;
        let token = spec::token(&genesis.spec, self.info.chain.token());
        Ok(json!({
            "tokenSymbol": token.symbol, "tokenDecimals": token.decimals,
            "paraId": self.info.identity.para_id, "genesisHash": hex(&genesis.hash),
        }))
    }

    fn runtime_version(&self, _: &Params<'_>) -> Answer<Value> {
        Ok(json!({
            "specName": self.info.chain.name(),
            "specVersion": self.info.identity.runtime_version,
            "transactionVersion": self.info.identity.transaction_version,
        }))
    }

    fn account_id(&self, who: &Value) -> Answer<AccountId> {
        let wrong = || {
            error(
                code::INVALID_PARAMS,
                "an account is its index, or its key as 0x and 128 hexadecimal digits",
            )
        };
        match who {
            Value::Number(index) => {
                let index = index.as_u64().and_then(|index| u32::try_from(index).ok());
                index.map(AccountId::Index).ok_or_else(wrong)
            }
            Value::String(text) => {
                let bytes: [u8; 64] =
                    from_hex(text).and_then(|bytes| bytes.try_into().ok()).ok_or_else(wrong)?;
                let key =
                    PublicKey::from_bytes(&bytes).map_err(|reason| error(code::INVALID_PARAMS, reason))?;
                Ok(AccountId::Key(key))
            }
            _ => Err(wrong()),
        }
    }

    fn find_account(&self, params: &Params<'_>) -> Answer<Option<(AccountView, BlockRecord)>> {
        let who = self.account_id(&params.one::<Value>()?)?;
        let snapshot = self.snapshot()?;
        let tip = snapshot.tip().map_err(internal)?;
        let state = snapshot.state().map_err(internal)?;
        let account = self.info.chain.account(&state, who).map_err(internal)?;
        Ok(account.map(|account| (account, tip)))
    }

    fn account(&self, params: &Params<'_>) -> Answer<Option<Value>> {
        let Some((account, tip)) = self.find_account(params)? else { return Ok(None) };
        let [x, y] = account.key.coordinates();
        Ok(Some(json!({
            "index": account.index,
            "key": { "x": x.to_string(), "y": y.to_string() },
            "nonce": account.nonce,
            "balance": account.balance.to_string(),
            "transferable": account.transferable.to_string(),
            "mayAuthor": account.may_author,
            "block": { "number": tip.number, "hash": hex(&tip.hash) },
        })))
    }

    fn next_index(&self, params: &Params<'_>) -> Answer<Option<u32>> {
        let Some((account, _)) = self.find_account(params)? else { return Ok(None) };
        Ok(self.pool.next_nonce(account.index)?)
    }

    fn block_data(&self, params: &Params<'_>) -> Answer<Option<BlockData>> {
        let asked: String = params.one()?;
        let Some(block) = self.find(Some(asked))?.filter(|block| !block.pov.is_empty()) else {
            return Ok(None);
        };
        let context = RelayFile::parse(&block.relay).map_err(internal)?.context;
        Ok(Some(BlockData {
            head: block.head,
            pov: block.pov,
            relay_parent_number: context.relay_parent_number,
            relay_parent_storage_root: context.relay_parent_storage_root,
        }))
    }

    fn pool_status(&self, _: &Params<'_>) -> Answer<Value> {
        let status = self.pool.status();
        Ok(json!({
            "ready": status.ready, "future": status.future, "inBlocks": status.in_blocks, "bytes": status.bytes,
        }))
    }
}

/// A parameter that may be left out, or null.
fn optional<T: serde::de::DeserializeOwned>(params: &Params<'_>) -> Answer<Option<T>> {
    params.sequence().optional_next()
}

/// A block's number, as a number or in hexadecimal.
#[derive(Deserialize)]
#[serde(untagged)]
enum Number {
    Plain(u32),
    Hex(String),
}

impl Number {
    fn value(self) -> Answer<u32> {
        match self {
            Self::Plain(number) => Ok(number),
            Self::Hex(text) => {
                text.strip_prefix("0x").and_then(|digits| u32::from_str_radix(digits, 16).ok()).ok_or_else(
                    || error(code::INVALID_PARAMS, "a number is a number, or 0x and hexadecimal digits"),
                )
            }
        }
    }
}

/// A header as Substrate's RPC writes it.
fn header(block: &BlockRecord) -> Answer<Value> {
    let head = Head::decode(&block.head).map_err(internal)?;
    Ok(json!({
        "parentHash": hex(&head.parent_hash),
        "number": format!("0x{:x}", head.number),
        "stateRoot": hex(&zkpov_verifier::field::encode(&head.state_root)),
        "extrinsicsRoot": hex(&zkpov_verifier::field::encode(&head.extrinsics_root)),
        "data": hex(&block.head),
        "relayParentNumber": head.digest.relay_parent_number,
    }))
}
