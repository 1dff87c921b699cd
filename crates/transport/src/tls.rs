//! TLS 1.3 with the consortium's certificates (spec N-1 to N-8).
//!
//! A server shows a certificate below a root of the genesis; a client believes those roots and no others, unless it is told to.
//! What TLS adds is that the network between does not see which names are asked for: what a client acts on is proved or
//! signed with or without it. Sessions are not resumed, because a resumed session ties two connections to one client.

mod client;
mod error;
mod load;
pub mod pem;
mod reload;

pub use client::{Disbelief, client_config, plain_is_private};
pub use error::TlsError;
pub use load::{Issuer, TlsSettings, check};
pub use reload::{Tls, Watched};

use std::{
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};

use rustls::crypto::{CryptoProvider, aws_lc_rs};

/// Spoken inside TLS: HTTP/1.1 only.
const ALPN: &[u8] = b"http/1.1";

fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}

/// Unix seconds by the system's clock.
pub(crate) fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs()
}
