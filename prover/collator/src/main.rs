//! `zkpov`: makes a parachain, executes and proves its blocks, and checks them as a relay validator does.

mod cli;

use std::process::ExitCode;

fn main() -> ExitCode {
    cli::run()
}
