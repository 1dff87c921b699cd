//! `node run`: one validator until it is asked to stop.

use anyhow::Context as _;
use clap::Args;
use yilian_node::{Node, NodeConfig};

use super::Config;
use crate::{
    process,
    service_log::{self, LogArgs},
};

#[derive(Debug, Args)]
pub struct Run {
    #[command(flatten)]
    config: Config,

    #[command(flatten)]
    log: LogArgs,

    /// Stop when standard input ends: the process that started this one is gone
    #[arg(long, hide = true)]
    with_parent: bool,
}

pub async fn run(args: Run) -> anyhow::Result<()> {
    service_log::begin(args.log);
    let dir = args.config.dir();
    let config = NodeConfig::load(&dir)
        .with_context(|| format!("cannot start; is {} a validator's folder?", dir.display()))?;
    let mut signals = process::StopSignals::of_service()?;
    let mut reload = process::ReloadSignal::listen()?;
    let node = tokio::select! {
        node = Node::start(config) => node?,
        () = signals.next() => return Ok(()),
    };
    process::notify(process::READY);
    let chain = node.chain().clone();
    let reloads = async {
        loop {
            reload.next().await;
            node.reload().await;
        }
    };
    tokio::select! {
        () = signals.next_or_parent(args.with_parent) => {}
        () = reloads => {}
        // A full disk, a damaged store: whoever supervises this process learns of it by its end.
        () = chain.stopped() => {
            node.shutdown().await;
            anyhow::bail!("the chain stopped by itself; the log says why");
        }
    }
    drop(chain);
    process::notify(process::STOPPING);
    tokio::select! {
        () = node.shutdown() => Ok(()),
        () = signals.next() => anyhow::bail!("stopped at once; what was under way may be lost"),
    }
}
