//! A server's certificate and key from their files, all of it checked before it is used (spec N-4, N-5).

use std::{
    fs::File,
    io::Read as _,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use rustls::{
    ServerConfig,
    pki_types::{CertificateDer, PrivateKeyDer, UnixTime, pem::PemObject as _},
    server::{NoServerSessionStorage, ResolvesServerCert},
    sign::{CertifiedKey, SingleCertAndKey},
    version::TLS13,
};
use serde::{Deserialize, Serialize};
use yilian_crypto::{Secret, certificate::server::ServerContents};

use super::{ALPN, TlsError, pem, provider};

/// Longest file read, bytes.
const MAX_FILE: u64 = 256 << 10;

/// The section `[tls]` of `node.toml` and `authority.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlsSettings {
    /// PEM: the server's certificate, then those of its issuers up to below the root; relative to the folder unless absolute.
    pub certificate: PathBuf,
    /// PEM: the key, PKCS#8; readable by its owner only.
    pub key: PathBuf,
    #[serde(default)]
    pub issuer: Issuer,
}

/// Who issued a server's certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Issuer {
    /// A member of the consortium: the chain leads to a root of the genesis.
    #[default]
    Consortium,
    /// Somebody else whom the clients trust, such as a public authority for browsers.
    Other,
}

impl TlsSettings {
    /// With paths below `dir`, unless they are absolute.
    pub fn below(&self, dir: &Path) -> Self {
        Self { certificate: dir.join(&self.certificate), key: dir.join(&self.key), issuer: self.issuer }
    }
}

/// A configuration that was checked, and until when its certificate holds.
#[derive(Clone, Debug)]
pub(super) struct Loaded {
    pub config: Arc<ServerConfig>,
    /// Unix seconds.
    pub until: u64,
}

/// Reads and checks the files; `roots`: DER of the genesis' roots.
pub(super) fn load(settings: &TlsSettings, roots: &[Vec<u8>], now: u64) -> Result<Loaded, TlsError> {
    let certificate = read(&settings.certificate, false)?;
    let key = read(&settings.key, true)?;
    let roots = (settings.issuer == Issuer::Consortium).then_some(roots);
    let (key, until) = checked(certificate.expose(), key.expose(), roots, now)?;
    let resolver: Arc<dyn ResolvesServerCert> = Arc::new(SingleCertAndKey::from(key));
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(TlsError::Setup)?
        .with_no_client_auth()
        .with_cert_resolver(resolver);
    config.alpn_protocols = vec![ALPN.to_vec()];
    // A resumed session would tell that two connections are of one client.
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(Loaded { config: Arc::new(config), until })
}

/// Whether a server could start with these PEM texts at `now` (Unix seconds): they parse, the key is the certificate's, and the chain leads
/// to one of `roots` (DER), if there are any to lead to. Until when the certificate holds.
pub fn check(certificate: &[u8], key: &[u8], roots: Option<&[Vec<u8>]>, now: u64) -> Result<u64, TlsError> {
    checked(certificate, key, roots, now).map(|(_, until)| until)
}

fn checked(
    certificate: &[u8],
    key: &[u8],
    roots: Option<&[Vec<u8>]>,
    now: u64,
) -> Result<(CertifiedKey, u64), TlsError> {
    let chain = pem::decode_certificates(certificate).ok_or(TlsError::Malformed)?;
    let chain: Vec<CertificateDer<'static>> = chain.into_iter().map(CertificateDer::from).collect();
    let leaf = chain.first().ok_or(TlsError::NoCertificate)?;
    let contents = ServerContents::read(leaf).map_err(|_| TlsError::Malformed)?;
    if now < contents.not_before {
        return Err(TlsError::NotYet { from: contents.not_before });
    }
    if now > contents.not_after {
        return Err(TlsError::Ended { until: contents.not_after });
    }
    if let Some(roots) = roots {
        verify(&chain, roots, now)?;
    }
    let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| TlsError::NoKey)?;
    let key = provider().key_provider.load_private_key(key).map_err(|_| TlsError::NoKey)?;
    let key = CertifiedKey::new(chain, key);
    key.keys_match().map_err(|_| TlsError::OtherKey)?;
    Ok((key, contents.not_after))
}

fn verify(chain: &[CertificateDer<'static>], roots: &[Vec<u8>], now: u64) -> Result<(), TlsError> {
    let roots: Vec<CertificateDer<'_>> = roots.iter().map(|der| der.as_slice().into()).collect();
    let anchors = roots.iter().map(webpki::anchor_from_trusted_cert).collect::<Result<Vec<_>, _>>();
    let anchors = anchors.map_err(TlsError::Root)?;
    let leaf = webpki::EndEntityCert::try_from(&chain[0]).map_err(TlsError::Invalid)?;
    let time = UnixTime::since_unix_epoch(Duration::from_secs(now));
    let usage = webpki::KeyUsage::server_auth();
    let algorithms = provider().signature_verification_algorithms.all;
    let verified = leaf.verify_for_usage(algorithms, &anchors, &chain[1..], time, usage, None, None);
    match verified {
        Ok(_) => Ok(()),
        Err(webpki::Error::UnknownIssuer) => Err(TlsError::OtherRoot),
        Err(webpki::Error::RequiredEkuNotFoundContext(_) | webpki::Error::CaUsedAsEndEntity) => {
            Err(TlsError::NotAServer)
        }
        Err(error) => Err(TlsError::Invalid(error)),
    }
}

fn read(path: &Path, secret: bool) -> Result<Secret<Vec<u8>>, TlsError> {
    let failed = |error| TlsError::Read { path: path.to_owned(), error };
    let file = File::open(path).map_err(failed)?;
    let metadata = file.metadata().map_err(failed)?;
    if secret && readable_by_others(&metadata) {
        return Err(TlsError::KeyMode { path: path.to_owned() });
    }
    // Allocated once, so that no copy of a key is left behind.
    let mut bytes = Vec::with_capacity(metadata.len().min(MAX_FILE) as usize + 2);
    file.take(MAX_FILE + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() as u64 > MAX_FILE {
        return Err(TlsError::TooLong { path: path.to_owned(), most: MAX_FILE });
    }
    Ok(Secret::new(bytes))
}

#[cfg(unix)]
fn readable_by_others(metadata: &std::fs::Metadata) -> bool {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o077 != 0
}

#[cfg(not(unix))]
fn readable_by_others(_: &std::fs::Metadata) -> bool {
    false
}
