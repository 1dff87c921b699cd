//! `authority serve`: the service until it is asked to stop.

use clap::Args;

use super::Operated;
use crate::{
    args::Global,
    authority::service,
    process::{self, StopSignals},
    service_log::{self, LogArgs},
};

#[derive(Debug, Args)]
pub struct Serve {
    #[command(flatten)]
    operated: Operated,

    #[command(flatten)]
    log: LogArgs,

    /// Stop when standard input ends: the process that started this one is gone
    #[arg(long, hide = true)]
    with_parent: bool,
}

pub async fn serve(args: Serve, global: &Global) -> anyhow::Result<()> {
    service_log::begin(args.log);
    let mut signals = StopSignals::of_service()?;
    let reload = process::ReloadSignal::listen()?;
    let with_parent = args.with_parent;
    let stop = async move { signals.next_or_parent(with_parent).await };
    service::serve(&args.operated.folder(global), stop, reload).await
}
