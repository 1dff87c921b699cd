//! What each command does.

pub mod authority;
pub mod content;
pub mod hint;
pub mod network;
pub mod node;
pub mod practitioner;
pub mod reader;
pub mod records;
pub mod wallet;

use std::{future::Future, path::PathBuf};

use anyhow::Context as _;

use crate::{
    args::{Args, Command, Global},
    output::Output,
};

/// Does what the command line says.
pub fn run(args: Args, output: Output) -> anyhow::Result<()> {
    let Args { global, command } = args;
    match command {
        Command::Network(command) => block_on(network::run(command, &global, output)),
        Command::Node(command) => block_on(node::run(command, &global, output)),
        Command::Content(command) => block_on(content::run(command, &global, output)),
        Command::Authority(command) => block_on(authority::run(command, &global, output)),
        Command::Wallet(args) => block_on(wallet::run(args, &global, output)),
        Command::Records(args) => block_on(records::run(args, &global, output)),
        Command::Practitioner(args) => block_on(practitioner::run(args, &global, output)),
        Command::Reader(args) => block_on(reader::run(args, &global, output)),
        Command::Demo(demo) => block_on(crate::demo::run(demo, output)),
        Command::Measure(measure) => block_on(crate::measure::run(measure, output)),
        Command::Rehearse(rehearse) => block_on(crate::rehearse::run(rehearse, output)),
    }
}

/// Runs a command on a runtime of its own.
pub fn block_on<T>(work: impl Future<Output = anyhow::Result<T>>) -> anyhow::Result<T> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build().context("cannot start")?.block_on(work)
}

/// A network's folder: the one named, else where the network's description lies.
fn network_dir(dir: Option<PathBuf>, global: &Global) -> PathBuf {
    let parent = || global.network.parent().unwrap_or(std::path::Path::new("")).to_owned();
    let dir = dir.unwrap_or_else(parent);
    if dir.as_os_str().is_empty() { PathBuf::from(".") } else { dir }
}
