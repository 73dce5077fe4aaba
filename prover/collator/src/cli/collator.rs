//! `zkpov collator`: a collator as a service.

use std::{net::SocketAddr, path::PathBuf, sync::Arc};

use serde_json::json;
use zkpov_collator::{
    Collator,
    db::ReadDatabase,
    key_file,
    keystore::KeyStore,
    pool::{Limits, Pool},
    relay::{interface::Relay, rpc::RemoteRelay},
    service::{
        node::{Archive, Conduct, Node},
        runner::{self, Listen, RemoteArchive, Running},
    },
};

use super::{
    backend::BackendArgs,
    failure::Failure,
    output::{Output, table},
    signals,
    values::{TierChoice, hex},
};

/// Run a collator: take extrinsics, author when there is a core, follow the relay chain
///
/// Extrinsics come by JSON-RPC and are kept in the chain's database until a final block has them. When the relay chain gives
/// the parachain a core, a block is made, proven, committed and offered; blocks of other collators are checked and
/// imported; what the relay chain reverts is undone and its extrinsics are ready again; what it finalises is final. It may be
/// killed at any moment: started again, it goes on where it was. `docs/collator.md` is the operator's guide.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Runs until it is told to stop (SIGINT, SIGTERM); a proof under way is finished first, a second signal ends at \
                        once. Logs go to standard error, as JSON lines with --json.\nExit codes: 0 told to stop, 2 it \
                        cannot start or go on.\n\nExample, beside `zkpov relay --listen 127.0.0.1:9944`:\n  zkpov collator --base chain \
                        --keys keys --author author.json --register --order-for 10000000000\n  curl -s -H 'content-type: \
                        application/json' 127.0.0.1:9988 -d '{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"system_health\"}'"
)]
pub(crate) struct Args {
    /// The chain's directory, as `zkpov genesis` made it
    #[arg(long, value_name = "DIR")]
    base: PathBuf,

    /// The directory of keys that `zkpov setup` made
    #[arg(long, value_name = "DIR")]
    keys: PathBuf,

    /// The author's key file; its account gets the fees [default: none, only follow and serve]
    #[arg(long, value_name = "KEYFILE")]
    author: Option<PathBuf>,

    /// The relay chain
    #[arg(long, value_name = "URL", default_value = "http://127.0.0.1:9944")]
    relay: String,

    /// Where to answer JSON-RPC; whoever reaches it can submit extrinsics
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9988")]
    rpc: SocketAddr,

    /// Where Prometheus finds the metrics, under /metrics [default: nowhere]
    #[arg(long, value_name = "ADDRESS")]
    metrics: Option<SocketAddr>,

    /// A directory with the keys of an upgrade, as `zkpov setup` or a ceremony made it: the block that enacts it announces them, and the
    /// chain goes on under them after the relay chain's go-ahead
    #[arg(long, value_name = "DIR")]
    next_keys: Option<PathBuf>,

    /// Another collator to get blocks from when the relay chain no longer has them; may be given several times
    #[arg(long, value_name = "URL")]
    archive: Vec<String>,

    /// Order a core on demand when extrinsics or messages wait and there is none, for at most this much (10^-10 DOT) [default: never]
    #[arg(long, value_name = "PRICE")]
    order_for: Option<u64>,

    /// Register the parachain where it is not: for development relay chains
    #[arg(long)]
    register: bool,

    /// Author blocks that hold nothing too
    #[arg(long)]
    empty_blocks: bool,

    /// Author only in every Nth turn of two relay blocks, as K/N with K from 0: for N collators of one chain
    #[arg(long, value_name = "K/N", value_parser = turn)]
    turn: Option<(u32, u32)>,

    /// Give a block up when its relay parent is this many relay blocks old and it is not included
    #[arg(long, value_name = "BLOCKS", default_value_t = Conduct::default().patience)]
    patience: u32,

    /// The capacity tier to use: a number, `tiny` or `largest` [default: the smallest that holds the extrinsics]
    #[arg(long, value_name = "T")]
    tier: Option<TierChoice>,

    #[command(flatten)]
    backend: BackendArgs,
}

fn turn(text: &str) -> Result<(u32, u32), String> {
    let wrong = || "a turn is K/N with K below N, such as 0/2".to_owned();
    let (mine, of) = text.split_once('/').ok_or_else(wrong)?;
    let (mine, of) = (mine.parse().map_err(|_| wrong())?, of.parse().map_err(|_| wrong())?);
    if mine < of { Ok((mine, of)) } else { Err(wrong()) }
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    let author = args.author.as_deref().map(key_file::read).transpose()?;
    let collator = Collator::open(&args.base)?;
    let info = *collator.info();
    let tip = collator.database().tip()?;
    let conduct = Conduct {
        empty_blocks: args.empty_blocks,
        order_for: args.order_for,
        turn: args.turn,
        tier: args.tier.map(|tier| tier.of(info.chain)).transpose()?,
        register: args.register,
        patience: args.patience,
    };
    let keys = KeyStore::open(&args.keys, &info.identity)?.proving_on(args.backend.open()?);
    let next_keys = args.next_keys.as_deref().map(|directory| KeyStore::open(directory, &info.identity));
    let next_keys = match next_keys.transpose()? {
        Some(keys) => Some(keys.proving_on(args.backend.open()?)),
        None => None,
    };
    let pool = Arc::new(Pool::open(collator.handle(), info, Limits::default())?);
    let waiting = pool.pending().len();

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let relay: Arc<dyn Relay> = Arc::new(RemoteRelay::new(&args.relay, runtime.handle().clone())?);
    let archive = |url: &String| {
        RemoteArchive::new(url, runtime.handle().clone()).map(|archive| Arc::new(archive) as Arc<dyn Archive>)
    };
    let archives = args.archive.iter().map(archive).collect::<Result<_, _>>()?;
    let node = Node::new(collator, keys, author, pool, relay.clone(), conduct)
        .with_archives(archives)
        .with_next_keys(next_keys);
    let listen = Listen { rpc: args.rpc, metrics: args.metrics };
    let mut running = runtime.block_on(runner::start(node, relay, listen))?;
    let value = json!({
        "result": "running", "chain": info.chain.name(), "para_id": info.identity.para_id,
        "genesis_hash": hex(&info.identity.genesis_hash), "number": tip.number, "hash": hex(&tip.hash),
        "waiting_extrinsics": waiting, "rpc": running.rpc, "metrics": running.metrics, "relay": args.relay,
    });
    let metrics = running.metrics.map_or("none".to_owned(), |address| format!("http://{address}/metrics"));
    let text = table([
        ("chain", format!("{}, para {}", info.chain.name(), info.identity.para_id)),
        ("block", format!("{} ({})", tip.number, hex(&tip.hash))),
        ("pool", format!("{waiting} extrinsics wait")),
        ("relay chain", args.relay.clone()),
        ("JSON-RPC", format!("http://{}", running.rpc)),
        ("metrics", metrics),
    ]);
    out.result(&value, &text)?;
    let end = runtime.block_on(until_the_end(&mut running));
    tracing::info!("stopping; a proof under way is finished first");
    signals::exit_at_the_next(&runtime);
    running.stop();
    end
}

async fn until_the_end(running: &mut Running) -> Result<(), Failure> {
    tokio::select! {
        failed = running.failed() => failed.map_err(Failure::from),
        stopped = signals::stop() => Ok(stopped?),
    }
}
