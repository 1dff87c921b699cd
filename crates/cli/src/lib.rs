//! The command `yilian`: arguments, files, processes, tables; native transports. No protocol logic (spec of the flows: `client`).
//!
//! A library, so that the demonstration and the tests drive the same local network as `yilian network up`.

pub mod args;
pub mod authority;
pub mod chain_arguments;
pub mod client;
pub mod commands;
pub mod demo;
pub mod failure;
pub mod http;
pub mod measure;
pub mod native;
pub mod network;
pub mod output;
pub mod passphrase;
pub mod process;
pub mod profile;
pub mod query;
pub mod server_certificate;
pub mod service_log;
pub mod terminal;
pub mod trust;

use std::process::ExitCode;

use clap::Parser as _;

/// Parses the command line, does what it says, reports a failure in one line.
///
/// Exit codes: 0 done, 1 failed, 2 wrong usage.
pub fn run() -> ExitCode {
    let args = args::Args::parse();
    let output = output::Output::new(args.global.json);
    match commands::run(args, output) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failure::report(&error, output),
    }
}
