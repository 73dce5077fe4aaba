//! `zkpov completions`: tab completion for a shell.

use std::io::{self, Write};

use clap::CommandFactory;
use clap_complete::Shell;

use super::{Cli, failure::Failure};

/// Print the tab completion script of a shell
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example, for bash:\n  zkpov completions bash > ~/.local/share/bash-completion/completions/zkpov"
)]
pub(crate) struct Args {
    /// The shell
    shell: Shell,
}

pub(crate) fn run(args: &Args) -> Result<(), Failure> {
    // Into memory first: the generator panics when its writer fails, as a closed pipe does.
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "zkpov", &mut script);
    io::stdout().lock().write_all(&script)?;
    Ok(())
}
