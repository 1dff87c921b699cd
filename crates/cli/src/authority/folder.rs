//! An authority's folder: who it is, its keys under a passphrase, its store, its settings.
//!
//! ```text
//! authority.toml               settings (below)
//! root.der  issuer.der         certificates: the root, and the intermediate that certifies institutions
//! issuer.key  store.key        seeds, locked
//! store.redb                   people, ticket keys, applications: sealed under store.key
//! root.key                     the root's seed, locked; belongs on a medium of its own once the issuer is certified
//! ```

use std::{
    fs,
    net::SocketAddr,
    path::{Path, PathBuf},
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};
use yilian_authority::{Issuer, Store, Validity, keyfile};
use yilian_crypto::{
    certificate::{Certificate, Contents, Level},
    password::Cost,
    sign::SigningKey,
};
use yilian_files::durable;
use yilian_ledger::name::MemberId;
use yilian_transport::{ServeSettings, tls::TlsSettings};

pub const SETTINGS: &str = "authority.toml";
const ROOT_KEY: &str = "root.key";
const ROOT: &str = "root.der";
const ISSUER_KEY: &str = "issuer.key";
const ISSUER: &str = "issuer.der";
const STORE_KEY: &str = "store.key";
const STORE: &str = "store.redb";
/// Where the operator's commands reach a running service.
const SOCKET: &str = "operator.sock";

const DAY: u64 = 24 * 3600;
/// A root's and an issuer's certificate hold so long, seconds.
const ROOT_LIFE: u64 = 20 * 365 * DAY;
const ISSUER_LIFE: u64 = 10 * 365 * DAY;
/// Clocks of others may be behind by so much, seconds.
const SLACK: u64 = 3600;

/// `authority.toml`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// Where wallets and members connect to; TLS if there is a section `[tls]`.
    pub listen: SocketAddr,
    /// Genesis file, relative to the folder unless absolute.
    pub genesis: PathBuf,
    /// Base addresses of validators.
    pub nodes: Vec<String>,
    /// File with the passphrase, relative to the folder unless absolute; without it, environment or keyboard.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub passphrase_file: Option<PathBuf>,
    /// Tickets of a wallet or member per period and class.
    #[serde(default = "tickets_per_period")]
    pub tickets_per_period: u32,
    /// How long an enrolment code may be redeemed, hours.
    #[serde(default = "code_hours")]
    pub code_hours: u32,
    /// Whether validators on other machines may be asked by plain http://.
    #[serde(default)]
    pub allow_plain_http: bool,
    /// Where metrics are served, at `/metrics`; nowhere if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<SocketAddr>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<TlsSettings>,
    #[serde(default)]
    pub serve: ServeSettings,
}

impl Settings {
    pub fn new(listen: SocketAddr, genesis: PathBuf, nodes: Vec<String>) -> Self {
        Self {
            listen,
            genesis,
            nodes,
            passphrase_file: None,
            tickets_per_period: tickets_per_period(),
            code_hours: code_hours(),
            allow_plain_http: false,
            metrics: None,
            tls: None,
            serve: ServeSettings::default(),
        }
    }
}

fn tickets_per_period() -> u32 {
    yilian_authority::Settings::default().tickets_per_period
}

const fn code_hours() -> u32 {
    24
}

/// Who an authority is, for people and for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Names {
    pub root: Subject,
    pub issuer: Subject,
}

/// A certificate's subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subject {
    pub id: String,
    pub name: String,
}

/// An authority's folder on disk.
#[derive(Clone, Debug)]
pub struct Folder(PathBuf);

/// What the passphrase opens.
pub struct Opened {
    pub issuer: Issuer,
    pub store: Store,
}

impl Folder {
    /// `path`: the folder, or its `authority.toml`.
    pub fn at(path: &Path) -> Self {
        let file = path.file_name().is_some_and(|name| name == SETTINGS);
        let folder = if file { path.parent().unwrap_or(Path::new("")) } else { path };
        Self(folder.to_owned())
    }

    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    pub fn socket(&self) -> PathBuf {
        self.path(SOCKET)
    }

    /// Makes keys, certificates and an empty store. Refuses a folder where there are keys already.
    pub fn create(&self, names: &Names, passphrase: &str, cost: Cost) -> anyhow::Result<Opened> {
        fs::create_dir_all(&self.0).with_context(|| format!("cannot make {}", self.0.display()))?;
        let root_key = SigningKey::from_seed(keyfile::create(&self.path(ROOT_KEY), passphrase, cost)?);
        let contents = contents(Level::Root, &names.root, &root_key, ROOT_LIFE)?;
        let root = Issuer::root(contents, root_key)?;
        let issuer_key = SigningKey::from_seed(keyfile::create(&self.path(ISSUER_KEY), passphrase, cost)?);
        let contents = contents_below(&names.issuer, &issuer_key)?;
        let issuer = root.subordinate(contents, issuer_key)?;
        self.write(ROOT, root.certificate().der())?;
        self.write(ISSUER, issuer.certificate().der())?;
        let store_key = keyfile::create(&self.path(STORE_KEY), passphrase, cost)?;
        let store = Store::open(&self.path(STORE), &store_key)?;
        Ok(Opened { issuer, store })
    }

    /// Opens issuer and store.
    pub fn open(&self, passphrase: &str) -> anyhow::Result<Opened> {
        let issuer = self.open_issuer(passphrase)?;
        let store = Store::open(&self.path(STORE), &keyfile::open(&self.path(STORE_KEY), passphrase)?)?;
        Ok(Opened { issuer, store })
    }

    /// The issuer alone: the store belongs to the service while it runs.
    pub fn open_issuer(&self, passphrase: &str) -> anyhow::Result<Issuer> {
        let key = SigningKey::from_seed(keyfile::open(&self.path(ISSUER_KEY), passphrase)?);
        Ok(Issuer::new(Some(self.root_id()?), self.certificate(ISSUER)?.der(), key)?)
    }

    pub fn root(&self) -> anyhow::Result<Certificate> {
        self.certificate(ROOT)
    }

    /// Certificate of the intermediate that certifies institutions.
    pub fn issuer(&self) -> anyhow::Result<Certificate> {
        self.certificate(ISSUER)
    }

    /// Member id of the root.
    pub fn root_id(&self) -> anyhow::Result<MemberId> {
        Ok(MemberId::of(None, &self.root()?.contents().subject_id))
    }

    pub fn settings(&self) -> anyhow::Result<Settings> {
        let path = self.path(SETTINGS);
        let text = fs::read_to_string(&path).with_context(|| {
            format!("cannot read {}; `yilian authority init` makes an authority", path.display())
        })?;
        let settings: Settings =
            toml::from_str(&text).with_context(|| format!("{} is not as it should be", path.display()))?;
        settings.serve.validate().with_context(|| format!("{} is not as it should be", path.display()))?;
        Ok(settings)
    }

    pub fn write_settings(&self, settings: &Settings) -> anyhow::Result<()> {
        self.write(SETTINGS, toml::to_string(settings)?.as_bytes())
    }

    fn certificate(&self, name: &str) -> anyhow::Result<Certificate> {
        let path = self.path(name);
        let der = fs::read(&path).with_context(|| format!("cannot read {}", path.display()))?;
        Certificate::parse(&der).with_context(|| format!("{} is not a certificate", path.display()))
    }

    fn write(&self, name: &str, bytes: &[u8]) -> anyhow::Result<()> {
        let path = self.path(name);
        durable::publish(&path, bytes).with_context(|| format!("cannot write {}", path.display()))
    }
}

fn contents_below(subject: &Subject, key: &SigningKey) -> anyhow::Result<Contents> {
    contents(Level::Intermediate, subject, key, ISSUER_LIFE)
}

fn contents(level: Level, subject: &Subject, key: &SigningKey, life: u64) -> anyhow::Result<Contents> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?.as_secs();
    Ok(Contents {
        level,
        subject_id: subject.id.clone(),
        name: subject.name.clone(),
        roles: Default::default(),
        signing_key: key.verifying_key(),
        sealing_key: None,
        delegatee: None,
        mailbox: None,
        gtin_prefixes: Vec::new(),
        not_before: now.saturating_sub(SLACK),
        // An issuer begins with its root or later and ends before it.
        not_after: now + life,
    })
}

/// A certificate's validity from now on.
pub fn validity(days: u32, issuer: &Issuer) -> anyhow::Result<Validity> {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?.as_secs();
    let bounds = issuer.certificate().contents();
    Ok(Validity {
        not_before: now.saturating_sub(SLACK).max(bounds.not_before),
        not_after: (now + u64::from(days) * DAY).min(bounds.not_after),
    })
}
