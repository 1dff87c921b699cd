//! A server's certificate on disk: the key and its request, what an issuer makes of them, and how it comes into use (spec N-1 to N-5).
//!
//! ```text
//! tls.key          the key, PKCS#8 in PEM, mode 0600
//! tls.request      PKCS#10: what the issuer is given
//! tls.pem          the certificate and its issuers'
//! tls.key.new      a key that was asked for and not yet put into use
//! ```

use std::{
    fs::{self, File},
    io::Read as _,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use yilian_authority::{Issuer, Validity};
use yilian_crypto::{
    Secret,
    certificate::server::{Host, ServerContents, ServerRequest},
    sign::SigningKey,
};
use yilian_files::durable;
use yilian_transport::tls::{self, Issuer as From, TlsSettings, pem};

use crate::{native::rng, output};

/// File names in the folder of a node or an authority.
pub const KEY: &str = "tls.key";
pub const REQUEST: &str = "tls.request";
pub const CERTIFICATE: &str = "tls.pem";
const NEW_KEY: &str = "tls.key.new";

/// Longest file read, bytes.
const MAX_FILE: u64 = 256 << 10;
const DAY: u64 = 86_400;
/// Clocks of others may be behind by so much, seconds.
const SLACK: u64 = 3600;

/// What settings say of the files above.
pub fn settings() -> TlsSettings {
    TlsSettings { certificate: CERTIFICATE.into(), key: KEY.into(), issuer: From::Consortium }
}

/// Writes a request for these hosts into `dir`, signed by its key, which is made if there is none, or if a new one is wanted.
pub fn request(dir: &Path, hosts: &[Host], new_key: bool) -> anyhow::Result<PathBuf> {
    let (present, coming) = (dir.join(KEY), dir.join(NEW_KEY));
    let key = match (new_key, present.exists(), coming.exists()) {
        (_, _, true) => read_key(&coming)?,
        (false, true, false) => read_key(&present)?,
        (false, false, false) => make_key(&present)?,
        (true, _, false) => make_key(&coming)?,
    };
    let request = dir.join(REQUEST);
    publish(&request, pem::encode("CERTIFICATE REQUEST", &ServerRequest::sign(hosts, &key)?).as_bytes())?;
    Ok(request)
}

/// Reads what somebody asks for.
pub fn read_request(path: &Path) -> anyhow::Result<ServerRequest> {
    let text = read(path)?;
    let der = pem::decode_request(&text).with_context(|| {
        format!("{} is no request; a PEM block `CERTIFICATE REQUEST` is expected", path.display())
    })?;
    ServerRequest::parse(&der).with_context(|| format!("{} is refused", path.display()))
}

/// Certifies a request for so many days at most. `above`: DER of the certificates above the issuer's, the root's left out.
/// PEM as a server serves it, and until when it holds (Unix seconds).
pub fn certify(
    issuer: &Issuer,
    above: &[&[u8]],
    request: &ServerRequest,
    days: u32,
) -> anyhow::Result<(String, u64)> {
    let (now, bounds) = (now()?, issuer.certificate().contents());
    let validity = Validity {
        not_before: now.saturating_sub(SLACK).max(bounds.not_before),
        not_after: (now + u64::from(days) * DAY).min(bounds.not_after),
    };
    let leaf = issuer.certify_server(request, validity)?;
    let chain = [&leaf, issuer.certificate().der()].into_iter().chain(above.iter().copied());
    Ok((chain.map(|der| pem::encode("CERTIFICATE", der)).collect(), validity.not_after))
}

/// Puts a certificate into `dir`, if a server could start with it and the key there: the present key, or the one that waits.
/// Until when it holds, Unix seconds.
pub fn install(dir: &Path, certificate: &[u8], roots: &[Vec<u8>]) -> anyhow::Result<u64> {
    let (present, coming) = (dir.join(KEY), dir.join(NEW_KEY));
    let fits = |key: &Path| {
        tls::check(certificate, read_secret(key)?.expose(), Some(roots), now()?).map_err(anyhow::Error::from)
    };
    let until = match coming.exists().then(|| fits(&coming)) {
        Some(Ok(until)) => {
            // A server that looks between the two steps finds a key that does not fit, and goes on with what it has.
            durable::rename(&coming, &present)
                .with_context(|| format!("cannot write {}", present.display()))?;
            until
        }
        _ => fits(&present).context("not installed; the old certificate stays in use")?,
    };
    publish(&dir.join(CERTIFICATE), certificate)?;
    Ok(until)
}

/// Appends the section that switches TLS on, unless the settings have one. `true`: it was not there.
pub fn enable(path: &Path) -> anyhow::Result<bool> {
    let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
    let parsed: toml::Table =
        toml::from_str(&text).with_context(|| format!("{} is not TOML", path.display()))?;
    if parsed.contains_key("tls") {
        return Ok(false);
    }
    // A table may stand at the end whatever stands before it, and comments stay.
    let section = format!("\n[tls]\n{}", toml::to_string(&settings())?);
    publish(path, (text.trim_end().to_owned() + "\n" + &section).as_bytes())?;
    Ok(true)
}

/// The hosts that a certificate file names, the server's own first.
pub fn hosts(path: &Path) -> anyhow::Result<Vec<Host>> {
    let chain = pem::decode_certificates(&read(path)?).unwrap_or_default();
    let leaf = chain.first().with_context(|| format!("{} holds no certificate", path.display()))?;
    Ok(ServerContents::read(leaf)?.hosts)
}

/// For people.
pub fn until(seconds: u64) -> String {
    output::time(seconds.saturating_mul(1000))
}

/// At most 256 KiB.
pub fn read(path: &Path) -> anyhow::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
    file.take(MAX_FILE).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn read_secret(path: &Path) -> anyhow::Result<Secret<Vec<u8>>> {
    read(path).map(Secret::new).context("there is no key; write a request first")
}

fn read_key(path: &Path) -> anyhow::Result<SigningKey> {
    let seed = pem::decode_key(read_secret(path)?.expose());
    let seed =
        seed.with_context(|| format!("{} is not an Ed25519 key as this command writes it", path.display()))?;
    Ok(SigningKey::from_seed(seed))
}

/// Never overwrites one.
fn make_key(path: &Path) -> anyhow::Result<SigningKey> {
    let key = SigningKey::generate(&mut rng());
    durable::write_new(path, pem::encode_key(key.seed()).expose())
        .with_context(|| format!("cannot write {}", path.display()))?;
    Ok(key)
}

/// For others to read.
pub fn publish(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    durable::publish(path, bytes).with_context(|| format!("cannot write {}", path.display()))
}

fn now() -> anyhow::Result<u64> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?;
    Ok(since.as_secs())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use yilian_crypto::certificate::{Contents, Level};

    use super::*;

    fn issuer() -> Issuer {
        let key = SigningKey::generate(&mut rng());
        let contents = Contents {
            level: Level::Root,
            subject_id: "root".into(),
            name: "Root".into(),
            roles: Default::default(),
            signing_key: key.verifying_key(),
            sealing_key: None,
            delegatee: None,
            mailbox: None,
            gtin_prefixes: Vec::new(),
            not_before: now().unwrap() - DAY,
            not_after: now().unwrap() + 1000 * DAY,
        };
        Issuer::root(contents, key).unwrap()
    }

    fn host() -> Vec<Host> {
        vec!["node.example".parse().unwrap()]
    }

    #[test]
    fn a_request_is_certified_installed_and_renewed_with_the_same_or_a_new_key() {
        let (dir, issuer) = (tempfile::tempdir().unwrap(), issuer());
        let (dir, roots) = (dir.path(), [issuer.certificate().der().to_vec()]);
        let ask = |new_key| read_request(&request(dir, &host(), new_key).unwrap()).unwrap();
        let first = ask(false);
        let (chain, until) = certify(&issuer, &[], &first, 90).unwrap();
        assert_eq!(install(dir, chain.as_bytes(), &roots).unwrap(), until);
        assert_eq!(hosts(&dir.join(CERTIFICATE)).unwrap(), host());

        assert_eq!(ask(false).key(), first.key());
        let second = ask(true);
        assert_ne!(second.key(), first.key());
        // Until the answer is here the old pair stays, and the old key can still be certified again.
        assert!(install(dir, chain.as_bytes(), &roots).is_ok());
        assert!(dir.join(NEW_KEY).exists());
        let (chain, _) = certify(&issuer, &[], &second, 90).unwrap();
        install(dir, chain.as_bytes(), &roots).unwrap();
        assert!(!dir.join(NEW_KEY).exists());
        assert_eq!(ask(false).key(), second.key());
    }

    #[test]
    fn what_a_server_could_not_use_is_not_installed() {
        let (dir, issuer) = (tempfile::tempdir().unwrap(), issuer());
        let dir = dir.path();
        let asked = read_request(&request(dir, &host(), false).unwrap()).unwrap();
        let (chain, _) = certify(&issuer, &[], &asked, 90).unwrap();
        let stranger = [self::issuer().certificate().der().to_vec()];
        assert!(install(dir, chain.as_bytes(), &stranger).is_err());
        assert!(install(dir, b"nonsense", &[issuer.certificate().der().to_vec()]).is_err());
        assert!(!dir.join(CERTIFICATE).exists());
    }

    #[test]
    fn settings_are_extended_once_and_keep_what_they_say() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("node.toml");
        fs::write(&path, "http = \"127.0.0.1:1\" # kept\n[limits]\nsubscribers = 1\n").unwrap();
        assert!(enable(&path).unwrap());
        assert!(!enable(&path).unwrap());
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains("# kept"));
        let table: toml::Table = toml::from_str(&text).unwrap();
        assert_eq!(table["tls"].clone().try_into::<TlsSettings>().unwrap(), settings());
    }
}
