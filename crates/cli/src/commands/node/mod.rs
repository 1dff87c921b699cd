//! `yilian node`: one validator.
use clap::Subcommand;
use crate::{args::Global, output::Output};
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run
    Run,
}
pub async fn run(_: Command, _: &Global, _: Output) -> anyhow::Result<()> { Ok(()) }
