//! A polkadot node that checks proofs in place of re-execution.
//!
//! ```text
//!   arguments ─┬─► polkadot's own ──► polkadot_cli ──► overseer ─┬─ candidate validation: zkpov-relay-node,
//!              └─► --zkpov-… ───────────────────────────►        │     the standard subsystem inside it
//!                                                                └─ every other subsystem: polkadot's
//! ```
//!
//! It is polkadot's node in everything else: arguments, chains, databases, keys and its two worker programs, which are built beside
//! it. `docs/relay-node.md` is the operator's page, `scripts/node` builds and starts it.

mod arguments;
mod overseer;

use std::process::ExitCode;

use crate::{arguments::Node, overseer::OverseerWithProofs};

fn main() -> ExitCode {
    let node = arguments::parse(std::env::args_os()).unwrap_or_else(|error| error.exit());
    let ended = match node {
        Node::Run { cli, config } => polkadot_cli::run_node(*cli, OverseerWithProofs::new(config), None),
        Node::Subcommand => polkadot_cli::run(),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
