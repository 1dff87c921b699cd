//! `authority serve`: the service until it is asked to stop.

use clap::Args;

use super::Operated;
use crate::{args::Global, authority::service, process::StopSignals, service_log};

#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    operated: Operated,

    /// Stop when standard input ends: the process that started this one is gone
    #[arg(long, hide = true)]
    with_parent: bool,
}

pub async fn serve(args: Serve, global: &Global) -> anyhow::Result<()> {
    service_log::begin();
    let mut signals = StopSignals::listen()?;
    let with_parent = args.with_parent;
    service::serve(&args.operated.folder(global), async move { signals.next_or_parent(with_parent).await })
        .await
}
