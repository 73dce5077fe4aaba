//! Polkadot's command line, with what an operator of this node chooses beside.

use std::{ffi::OsString, num::NonZeroUsize, path::PathBuf};

use clap::{Args, CommandFactory, FromArgMatches};
use polkadot_cli::Cli;
use sc_cli::SubstrateCli;
use zkpov_relay_node::{Activation, Config, KillSwitch, Mode};
use zkpov_verifier::key::KeyPolicy;

/// What the command line asks for.
pub(crate) enum Node {
    /// The node itself.
    Run { cli: Box<Cli>, config: Config },
    /// Something that polkadot's node does without an overseer.
    Subcommand,
}

/// Reads a command line, the program's name first.
///
/// # Errors
///
/// What is wrong with it; also where it asks for help or the version, which the error then holds.
pub(crate) fn parse(arguments: impl IntoIterator<Item = OsString>) -> Result<Node, clap::Error> {
    let command = Arguments::augment_args(Cli::setup_command(Cli::command()));
    let matches = command.try_get_matches_from(arguments)?;
    let cli = Cli::from_arg_matches(&matches)?;
    let arguments = Arguments::from_arg_matches(&matches)?;
    Ok(match cli.subcommand {
        None => Node::Run { cli: Box::new(cli), config: arguments.into() },
        Some(_) => Node::Subcommand,
    })
}

// Names begin with `zkpov` because polkadot's parser knows an argument by the name of its field too.
#[derive(Debug, Args)]
#[group(skip)]
#[command(next_help_heading = "Proofs in place of re-execution")]
struct Arguments {
    /// Accept validity keys in sessions in which this bit of the relay chain's `NodeFeatures` is set, and in no other.
    ///
    /// All validators of a relay chain must name the same bit: then all begin in the same session, and none disputes what
    /// another accepts. While the bit is not set, the node does what a standard one does.
    #[arg(long, value_name = "BIT", default_value_t = zkpov_relay_node::config::DEFAULT_FEATURE_BIT)]
    zkpov_feature_bit: u8,

    /// Accept validity keys always, whatever the relay chain's `NodeFeatures` say.
    ///
    /// For relay chains all of whose validators are such nodes from the first block, as development chains are. Elsewhere standard
    /// validators dispute what this one accepts, and it is slashed.
    #[arg(long, conflicts_with = "zkpov_feature_bit")]
    zkpov_always: bool,

    /// While this file exists, accept no validity key: their candidates get no vote from this node, as from a standard one.
    ///
    /// It is looked for with every candidate: `touch` it, and proofs count no more; remove it, and they count again. There is no need to restart.
    #[arg(long, value_name = "FILE")]
    zkpov_kill_switch: Option<PathBuf>,

    /// Let the parachains' wasm alone decide, and compare its verdict with the proof's where the wasm has a validity key built in.
    ///
    /// Verdicts that differ are logged as errors and counted in `zkpov_shadow_comparisons_total`. Validity keys as validation
    /// code are not accepted.
    #[arg(long)]
    zkpov_shadow: bool,

    /// Accept validity keys from a development set-up. Whoever made one can forge proofs: for tests and local chains.
    #[arg(long)]
    zkpov_allow_development_keys: bool,

    /// Batches of proofs that are checked at the same time, a thread each [default: half of the processor's threads].
    #[arg(long, value_name = "NUMBER")]
    zkpov_threads: Option<NonZeroUsize>,

    /// Most candidates in a batch [default: 50].
    ///
    /// What waits is checked together, in a fraction of the time; a batch of the default size is near the limit of what that saves.
    #[arg(long, value_name = "NUMBER")]
    zkpov_batch: Option<NonZeroUsize>,

    /// Validity keys kept ready to check with, some 50 kB each [default: 256].
    ///
    /// More than there are parachains. If `zkpov_keys_prepared_total` grows without new keys, it is too small.
    #[arg(long, value_name = "NUMBER")]
    zkpov_prepared_keys: Option<NonZeroUsize>,
}

impl From<Arguments> for Config {
    fn from(arguments: Arguments) -> Self {
        let standard = Self::default();
        Self {
            keys: KeyPolicy { allow_dev_setup: arguments.zkpov_allow_development_keys },
            activation: if arguments.zkpov_always {
                Activation::Always
            } else {
                Activation::NodeFeature(arguments.zkpov_feature_bit)
            },
            mode: if arguments.zkpov_shadow { Mode::Shadow } else { Mode::Proofs },
            kill_switch: arguments.zkpov_kill_switch.map(KillSwitch::with_file).unwrap_or_default(),
            threads: arguments.zkpov_threads.unwrap_or(standard.threads),
            batch: arguments.zkpov_batch.unwrap_or(standard.batch),
            prepared_keys: arguments.zkpov_prepared_keys.unwrap_or(standard.prepared_keys),
        }
    }
}

#[cfg(test)]
mod tests {
    use clap::error::ErrorKind;

    use super::*;

    fn read(line: &str) -> Result<Node, clap::Error> {
        parse(["zkpov-relay-node"].into_iter().chain(line.split_whitespace()).map(OsString::from))
    }

    fn run(line: &str) -> (Cli, Config) {
        match read(line) {
            Ok(Node::Run { cli, config }) => (*cli, config),
            Ok(Node::Subcommand) => panic!("{line}: a subcommand"),
            Err(error) => panic!("{line}: {error}"),
        }
    }

    fn refused(line: &str) -> ErrorKind {
        match read(line) {
            Ok(_) => panic!("{line}: accepted"),
            Err(error) => error.kind(),
        }
    }

    #[test]
    fn the_command_line_is_one_that_clap_accepts() {
        Arguments::augment_args(Cli::setup_command(Cli::command())).debug_assert();
    }

    #[test]
    fn without_arguments_the_configuration_is_the_standard_one() {
        let (_, config) = run("");
        assert_eq!(format!("{config:?}"), format!("{:?}", Config::default()));
    }

    #[test]
    fn the_help_names_the_standard_numbers() {
        let config = Config::default();
        let help = Arguments::augment_args(clap::Command::new("node")).render_help().to_string();
        for number in [config.batch, config.prepared_keys] {
            assert!(help.contains(&format!("[default: {number}]")), "{number} in {help}");
        }
    }

    #[test]
    fn every_switch_reaches_the_configuration() {
        let (_, config) =
            run("--zkpov-always --zkpov-shadow --zkpov-allow-development-keys --zkpov-threads 3 \
            --zkpov-batch=7 --zkpov-prepared-keys 9");
        assert_eq!(config.activation, Activation::Always);
        assert_eq!(config.mode, Mode::Shadow);
        assert!(config.keys.allow_dev_setup);
        assert_eq!((config.threads.get(), config.batch.get(), config.prepared_keys.get()), (3, 7, 9));
        assert_eq!(run("--zkpov-feature-bit 65").1.activation, Activation::NodeFeature(65));
    }

    #[test]
    fn the_kill_switch_is_the_file_that_is_named() {
        let (_, config) = run("--zkpov-kill-switch /");
        assert!(config.kill_switch.is_thrown());
        let (_, config) = run("--zkpov-kill-switch /nowhere/at/all");
        assert!(!config.kill_switch.is_thrown());
    }

    #[test]
    fn polkadot_gets_its_own_arguments_wherever_they_stand() {
        let (cli, config) = run("--chain rococo-dev --zkpov-batch 8 --validator --zkpov-always --no-beefy");
        assert_eq!(cli.run.base.shared_params.chain.as_deref(), Some("rococo-dev"));
        assert!(cli.run.base.validator && cli.run.no_beefy);
        assert_eq!((config.batch.get(), config.activation), (8, Activation::Always));
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        assert_eq!(refused("--zkpov-always --zkpov-feature-bit 65"), ErrorKind::ArgumentConflict);
        assert_eq!(refused("--zkpov-nothing"), ErrorKind::UnknownArgument);
        assert_eq!(refused("--zkpov-batch"), ErrorKind::InvalidValue);
        for zero in
            ["--zkpov-batch 0", "--zkpov-threads 0", "--zkpov-prepared-keys 0", "--zkpov-feature-bit 256"]
        {
            assert_eq!(refused(zero), ErrorKind::ValueValidation, "{zero}");
        }
    }

    #[test]
    fn subcommands_are_polkadots_and_take_no_switches() {
        assert!(matches!(read("key generate"), Ok(Node::Subcommand)));
        assert_eq!(refused("--zkpov-always key generate"), ErrorKind::ArgumentConflict);
    }
}
