//! A validator: HTTP interface, mailboxes, payments, configuration; drives chain and content.

pub mod app;
pub mod backup;
pub mod config;
pub mod copies;
pub mod database;
pub mod datadir;
pub mod governance;
pub mod http;
pub mod mailbox;
pub mod members;
pub mod metrics;
mod node;
pub mod operator;
pub mod payment;
pub mod standing;
pub mod view;

pub use config::{ConfigError, Endpoints, Localnet, NodeConfig};
pub use node::{Node, StartError};

/// Runs what waits for the disk on a thread that may wait.
pub(crate) async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    match tokio::task::spawn_blocking(work).await {
        Ok(value) => value,
        Err(error) => match error.try_into_panic() {
            Ok(panic) => std::panic::resume_unwind(panic),
            // The runtime is shutting down and drops this task at its next suspension.
            Err(_) => std::future::pending().await,
        },
    }
}
