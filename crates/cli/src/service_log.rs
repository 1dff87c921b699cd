//! Logs of services, to standard error.

use std::io;

use tracing_subscriber::EnvFilter;

use crate::terminal;

/// Environment variable with the filter.
pub const VARIABLE: &str = "YILIAN_LOG";
/// The engine tells much that only its developers need.
const DEFAULT: &str = "info,commonware_consensus=warn,commonware_p2p=warn,commonware_storage=warn,\
                       commonware_runtime=warn,commonware_resolver=warn,commonware_broadcast=warn,commonware_glue=warn";

/// Begins to log; a second call changes nothing.
pub fn begin() {
    let filter = EnvFilter::try_from_env(VARIABLE).unwrap_or_else(|_| EnvFilter::new(DEFAULT));
    let subscriber = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(io::stderr)
        .with_ansi(terminal::colors());
    // One that is there already stays.
    let _ = subscriber.try_init();
}
