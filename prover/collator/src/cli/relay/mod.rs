//! `zkpov relay`: a relay chain on this machine.
//!
//! ```text
//!   without --listen   [story]: parachains and collators in this process, told block by block
//!                      [exchange]: with --messages, tokens that go from one to another
//!   with --listen      [serve]: for collators of other processes, a block every few seconds
//!                      [telling]: what happens, as text and as JSON
//! ```

mod exchange;
mod serve;
mod story;
pub(super) mod telling;

use std::net::SocketAddr;

use zkpov_collator::relay::local::Config;

use super::{failure::Failure, output::Output};

/// Run a relay chain on this machine: cores and coretime, backing and inclusion, forks and finality
///
/// Without --listen it tells a story: parachains with two collators each, in this process, block by block. The same seed tells
/// the same story. With --listen it serves collators of other processes, in real time. Either way candidates are judged by
/// the same check as on a real relay chain: `validate_block` under the registered validity key, on a core that was paid for.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  zkpov relay\n  zkpov relay --messages\n  zkpov relay --chains payments,exchange,identity --blocks 60 --seed 7\n  zkpov relay \
                        --listen 127.0.0.1:9944 --block-time 6 --channel 2000:2001\n\nExit codes: 0 done or told to stop, 2 it cannot start, or \
                        the story does not end as it must: a fault of the program."
)]
pub(crate) struct Args {
    /// Serve collators of other processes at this address, and tell no story
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,

    /// Seconds from one relay block to the next, with --listen
    #[arg(long, value_name = "SECONDS", default_value_t = 6.0, value_parser = seconds)]
    block_time: f64,

    /// The parachains of the story, by the names of their state machines
    #[arg(long, value_name = "NAMES", value_delimiter = ',', default_values = ["payments", "exchange"])]
    chains: Vec<String>,

    /// How many collators each parachain of the story has
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u32).range(1..=8))]
    collators: u32,

    /// How many relay blocks the story has
    #[arg(long, value_name = "N", default_value_t = 16, value_parser = clap::value_parser!(u32).range(4..=10_000))]
    blocks: u32,

    /// Which story: the same seed, the same blocks
    #[arg(long, value_name = "SEED", default_value_t = 1)]
    seed: u64,

    /// The chance that the relay chain goes another way at a block, in percent
    #[arg(long, value_name = "PERCENT", default_value_t = 12, value_parser = clap::value_parser!(u32).range(0..=100))]
    forks: u32,

    /// Let the parachains that can exchange the first one's token, through channels between it and each of the others
    ///
    /// Users send tokens from chain to chain beside what they do anyway, some of them to nobody, which come back. Such blocks need larger
    /// circuits: setting them up takes longer.
    #[arg(long, conflicts_with = "listen")]
    messages: bool,

    /// With --listen, open channels for messages between two parachains, both ways, by their para ids; may be given several times
    #[arg(long, value_name = "A:B", requires = "listen", value_parser = pair)]
    channel: Vec<(u32, u32)>,

    /// How many cores there are
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u16).range(1..=64))]
    cores: u16,

    /// How many relay blocks finality is behind the best one
    #[arg(long, value_name = "N", default_value_t = 4, value_parser = clap::value_parser!(u32).range(1..=32))]
    finality: u32,

    /// How many relay blocks old a candidate's relay parent may be: the time there is to prove it and to offer it
    #[arg(long, value_name = "BLOCKS", default_value_t = Config::default().allowed_ancestry, value_parser = clap::value_parser!(u32).range(2..=64))]
    ancestry: u32,
}

fn pair(text: &str) -> Result<(u32, u32), String> {
    let wrong = || "two para ids, such as 2000:2001".to_owned();
    let (one, other) = text.split_once(':').ok_or_else(wrong)?;
    let (one, other) = (one.parse().map_err(|_| wrong())?, other.parse().map_err(|_| wrong())?);
    if one == other { Err(wrong()) } else { Ok((one, other)) }
}

fn seconds(text: &str) -> Result<f64, String> {
    const RANGE: std::ops::RangeInclusive<f64> = 0.05..=600.0;
    let seconds: f64 = text.parse().map_err(|_| "a number of seconds".to_owned())?;
    if RANGE.contains(&seconds) { Ok(seconds) } else { Err("from 0.05 to 600 seconds".to_owned()) }
}

impl Args {
    fn config(&self) -> Config {
        Config {
            cores: self.cores,
            finality_lag: self.finality,
            allowed_ancestry: self.ancestry,
            seed: self.seed,
            ..Config::default()
        }
    }
}

pub(crate) fn run(args: &Args, out: Output) -> Result<(), Failure> {
    match args.listen {
        Some(address) => serve::run(args, address, out),
        None => story::run(args, out),
    }
}
