//! Whom this process believes on the network, and whether it may speak in the clear (spec N-6, N-7).

use std::{fs::File, io::Read as _, path::PathBuf};

use anyhow::Context as _;
use clap::Args;
use yilian_ledger::Genesis;
use yilian_transport::tls::pem;

/// Longest file of roots read, bytes.
const MAX_ROOTS: u64 = 1 << 20;

/// How nodes and the authority are reached. Taken by every command.
#[derive(Clone, Debug, Default, Args)]
pub struct TransportArgs {
    /// Believe servers below these roots, too (PEM), such as one that the consortium added later; repeatable
    #[arg(
        long = "tls-ca",
        global = true,
        value_name = "FILE",
        env = "YILIAN_TLS_CA",
        value_delimiter = ':',
        help_heading = "Global options"
    )]
    pub tls_ca: Vec<PathBuf>,

    /// Speak plain http:// with other machines, too: everybody in between sees which names are asked for
    #[arg(long, global = true, env = "YILIAN_ALLOW_PLAIN_HTTP", help_heading = "Global options")]
    pub allow_plain_http: bool,
}

#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// DER.
    roots: Vec<Vec<u8>>,
    plain: bool,
}

impl Trust {
    /// The roots of a chain's genesis.
    pub fn consortium(genesis: &Genesis) -> Self {
        Self { roots: genesis.roots.clone(), plain: false }
    }

    /// With what the command line adds.
    pub fn with(mut self, args: &TransportArgs) -> anyhow::Result<Self> {
        for path in &args.tls_ca {
            let mut text = Vec::new();
            let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
            file.take(MAX_ROOTS).read_to_end(&mut text)?;
            let found = pem::decode_certificates(&text).filter(|found| !found.is_empty());
            self.roots.extend(found.with_context(|| {
                format!("{} holds no certificates; PEM blocks `CERTIFICATE` are expected", path.display())
            })?);
        }
        self.plain |= args.allow_plain_http;
        Ok(self)
    }

    /// Plain HTTP to wherever it is asked: for what never leaves the machine, or was allowed by its operator.
    pub fn with_plain(self, plain: bool) -> Self {
        Self { plain: self.plain || plain, ..self }
    }

    pub fn roots(&self) -> impl Iterator<Item = &[u8]> {
        self.roots.iter().map(Vec::as_slice)
    }

    pub fn allows_plain(&self) -> bool {
        self.plain
    }
}
