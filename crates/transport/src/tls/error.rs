//! What is wrong with a certificate, a key or their files, and what to do.

use std::{io, path::PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read {}: {error}", path.display())]
    Read { path: PathBuf, error: io::Error },
    #[error("{} is longer than {most} bytes", path.display())]
    TooLong { path: PathBuf, most: u64 },
    #[error("{} can be read by others than its owner: `chmod 600` it", path.display())]
    KeyMode { path: PathBuf },
    #[error("no certificate is there: PEM blocks `CERTIFICATE` are expected, the server's own first")]
    NoCertificate,
    #[error("no key is there: one PEM block `PRIVATE KEY` is expected")]
    NoKey,
    #[error("the certificate does not parse")]
    Malformed,
    #[error(
        "the key is not the one that the certificate names; ask for a certificate with this key's request"
    )]
    OtherKey,
    #[error("the certificate is not valid before {from} (Unix seconds); is the clock right?")]
    NotYet { from: u64 },
    #[error("the certificate ended at {until} (Unix seconds); ask for a new one")]
    Ended { until: u64 },
    #[error(
        "the certificate does not lead to a root of the genesis: put the issuers' certificates below it in the same file, or \
         set `issuer = \"other\"` for a certificate from elsewhere"
    )]
    OtherRoot,
    #[error("the certificate is not for a server")]
    NotAServer,
    #[error("the certificate does not verify: {0}")]
    Invalid(webpki::Error),
    #[error("a trusted root is no certificate: {0}")]
    Root(webpki::Error),
    #[error("TLS cannot be set up: {0}")]
    Setup(rustls::Error),
}
