//! Renewal without restart (spec N-5): the files are looked at again and again, and whenever the operator asks; a bad new one
//! leaves the old one in use, and the log says why.

use std::{
    fmt, fs,
    path::Path,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, SystemTime},
};

use rustls::ServerConfig;
use tokio_rustls::TlsAcceptor;

use super::{
    TlsError, TlsSettings,
    load::{Loaded, load},
    now,
};
use crate::metrics::Page;

/// Between two looks at the files.
const LOOK: Duration = Duration::from_secs(10);
/// A certificate that ends so soon is complained about, seconds, and how often.
const SOON: u64 = 14 * 86_400;
const COMPLAINT: Duration = Duration::from_secs(6 * 3600);

/// A server's side of TLS. Cheap to clone; all clones change together. Connections that stand keep what they began with.
#[derive(Clone)]
pub struct Tls(Arc<Inner>);

struct Inner {
    settings: TlsSettings,
    roots: Vec<Vec<u8>>,
    loaded: RwLock<Loaded>,
    /// The files as they were when they were read last, well or badly.
    seen: Mutex<Watched>,
}

/// What tells that a file was replaced: length and time of change, of certificate and key.
pub type Watched = [Option<(u64, SystemTime)>; 2];

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls").field("settings", &self.0.settings).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads and checks the files; `roots`: DER of the genesis' roots.
    pub fn load(settings: TlsSettings, roots: Vec<Vec<u8>>) -> Result<Self, TlsError> {
        Self::load_at(settings, roots, now())
    }

    /// The same by another clock, Unix seconds.
    pub(crate) fn load_at(settings: TlsSettings, roots: Vec<Vec<u8>>, now: u64) -> Result<Self, TlsError> {
        let seen = watched(&settings);
        let loaded = load(&settings, &roots, now)?;
        let (loaded, seen) = (RwLock::new(loaded), Mutex::new(seen));
        Ok(Self(Arc::new(Inner { settings, roots, loaded, seen })))
    }

    /// Reads and checks the files again. After an error everything is as before.
    pub fn reload(&self) -> Result<(), TlsError> {
        let seen = watched(&self.0.settings);
        let loaded = load(&self.0.settings, &self.0.roots, now());
        *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) = seen;
        *self.0.loaded.write().unwrap_or_else(PoisonError::into_inner) = loaded?;
        Ok(())
    }

    /// The same, logged.
    pub fn renew(&self) {
        match self.reload() {
            Ok(()) => tracing::info!(until = self.until(), "TLS certificate loaded"),
            Err(error) => {
                tracing::error!(%error, "the TLS certificate was not replaced; the old one stays in use")
            }
        }
    }

    /// Reloads when a file has changed. `true`: it was tried.
    pub fn renew_if_changed(&self) -> bool {
        let changed =
            *self.0.seen.lock().unwrap_or_else(PoisonError::into_inner) != watched(&self.0.settings);
        if changed {
            self.renew();
        }
        changed
    }

    /// Looks after the files until dropped; complains of a certificate that ends soon.
    pub async fn watch(self) {
        let mut complained: Option<tokio::time::Instant> = None;
        loop {
            let tls = self.clone();
            // Waits for the disk.
            let _ = tokio::task::spawn_blocking(move || tls.renew_if_changed()).await;
            let soon = self.until().saturating_sub(now()) < SOON;
            if soon && complained.is_none_or(|at| at.elapsed() >= COMPLAINT) {
                complained = Some(tokio::time::Instant::now());
                tracing::warn!(until = self.until(), "the TLS certificate ends soon; install a new one");
            }
            tokio::time::sleep(LOOK).await;
        }
    }

    /// Until when the certificate in use holds, Unix seconds.
    pub fn until(&self) -> u64 {
        self.0.loaded.read().unwrap_or_else(PoisonError::into_inner).until
    }

    pub fn write(&self, page: &mut Page) {
        let until = self.until() as f64;
        page.gauge("yilian_tls_expiry_timestamp_seconds", "When the certificate in use ends.", until);
    }

    /// For one new connection.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        self.config().into()
    }

    fn config(&self) -> Arc<ServerConfig> {
        self.0.loaded.read().unwrap_or_else(PoisonError::into_inner).config.clone()
    }
}

fn watched(settings: &TlsSettings) -> Watched {
    let look = |path: &Path| {
        let metadata = fs::metadata(path).ok()?;
        Some((metadata.len(), metadata.modified().ok()?))
    };
    [look(&settings.certificate), look(&settings.key)]
}
