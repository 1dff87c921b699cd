//! Logs of services, to standard error: for people, or a JSON object a line (spec N-34).

use std::io;

use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

use crate::terminal;

/// Environment variable with the filter.
pub const VARIABLE: &str = "YILIAN_LOG";
/// The engine tells much that only its developers need.
const DEFAULT: &str = "info,commonware_consensus=warn,commonware_p2p=warn,commonware_storage=warn,\
                       commonware_runtime=warn,commonware_resolver=warn,commonware_broadcast=warn,commonware_glue=warn";

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people
    #[default]
    Text,
    /// One JSON object a line
    Json,
}

/// How a service logs.
#[derive(Clone, Copy, Debug, Default, Args)]
pub struct LogArgs {
    /// Form of the log on standard error
    #[arg(long, value_name = "FORMAT", env = "YILIAN_LOG_FORMAT", default_value = "text")]
    log_format: Format,
}

/// Begins to log; a second call changes nothing.
pub fn begin(args: LogArgs) {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(terminal::colors());
    // One that is there already stays.
    let _ = match args.log_format {
        Format::Text => subscriber.try_init(),
        Format::Json => subscriber.json().flatten_event(true).with_ansi(false).try_init(),
    };
}
