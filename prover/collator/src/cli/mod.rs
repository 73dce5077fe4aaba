//! The program: one file per command over the library of this crate.
//!
//! ```text
//!  demo ─► the whole story in one go
//!  relay, collator ─► the services: a relay chain on this machine, and what a collator runs all day
//!
//!  keygen ──► key file ──┬─► sign ──► extrinsics ─┐
//!  genesis ─► chain ─────┤                        ▼
//!  setup ───► keys ──────┴────────────────────► author ─► proven block ─┬─► verify   (a relay validator)
//!                                                                       └─► import   (another collator)
//!  groth16: circom's circuits on this prover    ceremony: keys that nobody could cheat in    export: files of snarkjs
//!  account, inspect, keys: look at things    rollback, finalize: what the relay decides    bench: what it costs
//!  gpu: devices that prove
//! ```
//!
//! Results go to standard output, as text or with `--json` as JSON; progress, logs and errors to standard
//! error. The exit code is 0 when the command did what it was asked, 1 when what it was given is refused, 2
//! when it could not do its work.

mod account;
mod amount;
mod author;
mod backend;
mod bench;
mod ceremony;
mod collator;
mod completions;
mod demo;
mod export;
mod failure;
mod finalize;
mod genesis;
mod gpu;
mod groth16;
mod import;
mod inspect;
mod keygen;
mod keys;
mod moved;
mod new_pallet;
mod output;
mod progress;
mod relay;
mod rollback;
mod secrets;
mod setup;
mod sign;
mod signals;
mod timings;
mod values;
mod verify;

use std::{io, process::ExitCode};

use clap::{
    ArgAction, Parser, Subcommand,
    builder::styling::{AnsiColor, Styles},
};
use tracing_subscriber::{
    EnvFilter, Layer, filter::LevelFilter, layer::SubscriberExt, util::SubscriberInitExt,
};

use failure::{Failure, exit_code};
use output::Output;
use timings::Timings;

const STYLES: Styles = Styles::styled()
    .header(AnsiColor::Cyan.on_default().bold())
    .usage(AnsiColor::Cyan.on_default().bold())
    .literal(AnsiColor::Green.on_default())
    .placeholder(AnsiColor::Yellow.on_default());

/// Validity proofs for parachain blocks: execute, prove, and check a proof where the relay would re-execute.
///
/// Start with `zkpov demo`: it makes a chain, proves a block of signed transfers, and checks it as a relay
/// validator would, in about a minute. `docs/quickstart.md` does the same by hand, command by command.
#[derive(Debug, Parser)]
#[command(
    name = "zkpov",
    version,
    styles = STYLES,
    propagate_version = true,
    subcommand_required = true,
    arg_required_else_help = true,
    after_help = "Exit codes: 0 done, 1 refused (an invalid block, no valid extrinsic), 2 the command could not do its \
                  work.\nResults go to standard output; progress, logs and errors to standard error."
)]
struct Cli {
    /// Print the result as one JSON object (with `bench`, one a line)
    #[arg(long, global = true, help_heading = "Everywhere")]
    json: bool,

    /// Log more to standard error: -v for what happens, -vv for details; `RUST_LOG` says it more finely
    #[arg(short, long, global = true, action = ArgAction::Count, help_heading = "Everywhere")]
    verbose: u8,

    /// Say where the time went: a table of the phases on standard error, with --json the field `timings` of the result
    #[arg(long, global = true, help_heading = "Everywhere")]
    timings: bool,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Args),
    Relay(relay::Args),
    Collator(collator::Args),
    Keygen(keygen::Args),
    Secrets(secrets::Args),
    Genesis(genesis::Args),
    Setup(setup::Args),
    Sign(sign::Args),
    Author(author::Args),
    Verify(verify::Args),
    Import(import::Args),
    Account(account::Args),
    Inspect(inspect::Args),
    Keys(keys::Args),
    Rollback(rollback::Args),
    Finalize(finalize::Args),
    Bench(bench::Args),
    Gpu(gpu::Args),
    Groth16(groth16::Args),
    Ceremony(ceremony::Args),
    Export(export::Args),
    NewPallet(new_pallet::Args),
    Completions(completions::Args),
}

/// Runs the program on the process's arguments.
pub(crate) fn run() -> ExitCode {
    let cli = Cli::parse();
    let timings = cli.timings.then(Timings::start);
    // A service says what happens; as JSON where a machine reads.
    let service = matches!(cli.command, Command::Collator(_));
    start_log(cli.verbose.max(service.into()), service && cli.json, timings);
    let out = Output::new(cli.json, timings);
    let end = dispatch(cli.command, out);
    if let Err(failure) = &end {
        out.failure(failure);
    }
    if let Some(timings) = timings
        && !cli.json
    {
        eprint!("{}", timings.to_text());
    }
    exit_code(&end)
}

fn dispatch(command: Command, out: Output) -> Result<(), Failure> {
    match command {
        Command::Demo(args) => demo::run(&args, out),
        Command::Relay(args) => relay::run(&args, out),
        Command::Collator(args) => collator::run(&args, out),
        Command::Keygen(args) => keygen::run(&args, out),
        Command::Secrets(args) => secrets::run(&args, out),
        Command::Genesis(args) => genesis::run(&args, out),
        Command::Setup(args) => setup::run(&args, out),
        Command::Sign(args) => sign::run(&args, out),
        Command::Author(args) => author::run(&args, out),
        Command::Verify(args) => verify::run(&args, out),
        Command::Import(args) => import::run(&args, out),
        Command::Account(args) => account::run(&args, out),
        Command::Inspect(args) => inspect::run(&args, out),
        Command::Keys(args) => keys::run(&args, out),
        Command::Rollback(args) => rollback::run(&args, out),
        Command::Finalize(args) => finalize::run(&args, out),
        Command::Bench(args) => bench::run(&args, out),
        Command::Gpu(args) => gpu::run(&args, out),
        Command::Groth16(args) => groth16::run(&args, out),
        Command::Ceremony(args) => ceremony::run(&args, out),
        Command::Export(args) => export::run(&args, out),
        Command::NewPallet(args) => new_pallet::run(&args, out),
        Command::Completions(args) => completions::run(&args),
    }
}

/// Logs go to standard error: warnings by default, more with `-v`, as `RUST_LOG` says where it is set. The timings are of the
/// phases whatever is logged.
fn start_log(verbose: u8, json: bool, timings: Option<&'static Timings>) {
    let level = match verbose {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    let filter = EnvFilter::builder().with_default_directive(level.into()).from_env_lossy();
    let log = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_target(false)
        .with_ansi(output::colours(&io::stderr()));
    let log = if json { log.json().boxed() } else { log.boxed() }.with_filter(filter);
    let timings = timings.map(|timings| timings.with_filter(LevelFilter::INFO));
    tracing_subscriber::registry().with(log).with(timings).init();
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_well_formed() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_and_every_argument_has_help() {
        fn look(command: &clap::Command) {
            assert!(command.get_about().is_some(), "`{}` says nothing about itself", command.get_name());
            for argument in command.get_arguments() {
                assert!(
                    argument.get_help().is_some(),
                    "`{}` does not explain `{}`",
                    command.get_name(),
                    argument.get_id()
                );
            }
            command.get_subcommands().for_each(look);
        }
        look(&Cli::command());
    }
}
