//! The command tree. Each command's own arguments stand beside what it does, in `commands`.

use std::path::PathBuf;

use clap::{Args as Arguments, Parser, Subcommand};

use crate::{
    commands::{authority, content, network, node, practitioner, reader, records, wallet},
    trust::TransportArgs,
};

/// Where `network up` puts a network unless told otherwise.
pub const DEFAULT_DIR: &str = "./yilian-data";
/// File in a network's folder that describes it.
pub const DESCRIPTION: &str = "network.json";

const LONG: &str = "\
Yilian (医链): health records that their patients own, on a permissioned chain.

Nothing here is trusted without a proof: whatever a command shows of the chain, it verified under a header that \
more than two thirds of the validators signed.";

const EXAMPLES: &str = "\
Examples:
  yilian network up                  four validators and an authority on this machine
  yilian network status              how they are
  yilian authority members           who is certified
  yilian node run --config node.toml one validator, as an institution runs it

Results go to standard output, remarks and errors to standard error. Exit codes: 0 done, 1 failed, 2 wrong usage.
Colors are left out when NO_COLOR is set.";

#[derive(Debug, Parser)]
#[command(
    name = "yilian",
    version,
    about = "Patient-owned health records on a permissioned chain",
    long_about = LONG,
    after_long_help = EXAMPLES,
    disable_help_subcommand = true,
    propagate_version = true,
    max_term_width = 110
)]
pub struct Args {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Taken by every command.
#[derive(Clone, Debug, Arguments)]
pub struct Global {
    /// Print results as one JSON document
    #[arg(long, global = true, help_heading = "Global options")]
    pub json: bool,

    /// Description of the network: its genesis, nodes and authority
    #[arg(
        long,
        global = true,
        value_name = "FILE",
        env = "YILIAN_NETWORK",
        default_value = "./yilian-data/network.json",
        help_heading = "Global options"
    )]
    pub network: PathBuf,

    #[command(flatten)]
    pub transport: TransportArgs,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// A whole network on this machine: start, look, stop
    #[command(subcommand)]
    Network(network::Command),

    /// One validator: set up, run, look, co-sign
    #[command(subcommand)]
    Node(node::Command),

    /// The ciphertext that a node keeps: how it stands, the operator's own files
    #[command(subcommand)]
    Content(content::Command),

    /// Certificates, enrolment and tickets: set up, serve, decide
    #[command(subcommand)]
    Authority(authority::Command),

    /// A patient's wallet: create, restore, enrol, back up
    Wallet(wallet::Args),

    /// A patient's records: offer, accept, read, grant, withdraw
    Records(records::Args),

    /// A certified member: apply, write records, enrol patients
    Practitioner(practitioner::Args),

    /// What was granted to a member: open, export, ask for more
    Reader(reader::Args),

    /// Act out the whole story on four validators, then the attacks, then a failure
    Demo(crate::demo::Demo),

    /// Latency, throughput and memory of four validators on this machine
    Measure(crate::measure::Measure),
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;

    #[test]
    fn the_command_tree_is_sound() {
        Args::command().debug_assert();
    }
}
