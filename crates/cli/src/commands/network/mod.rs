//! `yilian network`: a whole network on this machine.

mod detach;
mod down;
mod status;
mod up;

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::network_dir;
use crate::{args::Global, output::Output};

const UP_HELP: &str = "\
Starts validators and an authority as processes of this machine, waits until all of them serve, and runs until Ctrl-C. \
The first time it makes keys, certificates and genesis below the folder; started again with the same folder, it is the \
same chain. Everything listens on 127.0.0.1 only.

A process that ends is started again, after a pause that doubles; one that keeps failing at once is left down.";

const UP_EXAMPLES: &str = "\
Examples:
  yilian network up
  yilian network up --dir /tmp/try --validators 7 --base-port 9000
  yilian network up --period-seconds 60 --expiry-classes 1,5,15,60   tickets and grants that end while one watches
  yilian network up --detach && yilian network status";

const STATUS_EXAMPLES: &str = "\
Examples:
  yilian network status
  yilian network status --json --dir /tmp/try

The exit code is 1 when something does not serve.";

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start a network here and run it until Ctrl-C
    #[command(long_about = UP_HELP, after_long_help = UP_EXAMPLES)]
    Up(up::Up),

    /// Show the network's processes: heights, ages, pools, memory
    #[command(after_long_help = STATUS_EXAMPLES)]
    Status(Dir),

    /// Stop the network of a folder
    Down(Dir),
}

#[derive(Debug, Args)]
pub struct Dir {
    /// The network's folder [default: where the network's description lies]
    #[arg(long, value_name = "DIR")]
    dir: Option<PathBuf>,
}

pub async fn run(command: Command, global: &Global, output: Output) -> anyhow::Result<()> {
    match command {
        Command::Up(up) => up::up(up, global, output).await,
        Command::Status(Dir { dir }) => status::status(&network_dir(dir, global), output).await,
        Command::Down(Dir { dir }) => down::down(&network_dir(dir, global), output).await,
    }
}
