//! A client's side (spec N-6, N-7): it believes the consortium's roots, and those it is given besides.

use std::{error::Error, io, net::IpAddr, sync::Arc};

use rustls::{
    CertificateError, ClientConfig, RootCertStore,
    client::{Resumption, WebPkiServerVerifier},
    pki_types::CertificateDer,
    version::TLS13,
};

use super::{ALPN, TlsError, provider};
use crate::prefix;

/// TLS 1.3 with servers below one of `roots` (DER).
pub fn client_config<'a>(roots: impl IntoIterator<Item = &'a [u8]>) -> Result<ClientConfig, TlsError> {
    let mut anchors = Vec::new();
    for der in roots {
        let der = CertificateDer::from(der);
        anchors.push(webpki::anchor_from_trusted_cert(&der).map_err(TlsError::Root)?.to_owned());
    }
    let builder = ClientConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(TlsError::Setup)?;
    let mut config = match anchors.is_empty() {
        // Nobody is believed: every handshake fails.
        true => builder.with_root_certificates(RootCertStore::empty()).with_no_client_auth(),
        false => {
            let store = Arc::new(RootCertStore { roots: anchors });
            let verifier = WebPkiServerVerifier::builder_with_provider(store, provider()).build();
            let invalid = |_| TlsError::Setup(rustls::Error::General("no usable roots".into()));
            builder.with_webpki_verifier(verifier.map_err(invalid)?).with_no_client_auth()
        }
    };
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.resumption = Resumption::disabled();
    Ok(config)
}

/// Why a client did not believe a server.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Disbelief {
    #[error("its certificate has ended; its operator must install a new one")]
    Ended,
    #[error("its certificate is not valid yet; is this device's clock right?")]
    NotYet,
    #[error(
        "its certificate is for other hosts; use the address that its operator gave, or ask for a certificate with this one"
    )]
    Host,
    #[error(
        "its certificate leads to no root of this network's genesis; name another root with --tls-ca, if you trust it"
    )]
    Root,
    #[error("it does not speak TLS; is it an http:// address?")]
    NotTls,
    #[error("its certificate or handshake is not in order: {0}")]
    Other(String),
}

impl Disbelief {
    /// What TLS had to say in a failure's causes; `None`: it failed otherwise.
    pub fn of(failure: &(dyn Error + 'static)) -> Option<Self> {
        let mut cause = Some(failure);
        while let Some(error) = cause {
            // An I/O error tells the source of what it wraps, not what it wraps.
            let wrapped = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
            let wrapped = wrapped.map(|wrapped| wrapped as &(dyn Error + 'static));
            if let Some(error) = wrapped.unwrap_or(error).downcast_ref::<rustls::Error>() {
                return Some(Self::judge(error));
            }
            cause = wrapped.filter(|wrapped| wrapped.is::<io::Error>()).or_else(|| error.source());
        }
        None
    }

    fn judge(error: &rustls::Error) -> Self {
        use CertificateError as C;
        match error {
            rustls::Error::InvalidCertificate(C::Expired | C::ExpiredContext { .. }) => Self::Ended,
            rustls::Error::InvalidCertificate(C::NotValidYet | C::NotValidYetContext { .. }) => Self::NotYet,
            rustls::Error::InvalidCertificate(C::NotValidForName | C::NotValidForNameContext { .. }) => {
                Self::Host
            }
            rustls::Error::InvalidCertificate(C::UnknownIssuer) => Self::Root,
            rustls::Error::InvalidMessage(_) => Self::NotTls,
            other => Self::Other(other.to_string()),
        }
    }
}

/// Whether plain HTTP to this host of an address stays on this machine. Names other than `localhost` may lead anywhere.
pub fn plain_is_private(host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(prefix::is_loopback)
}
