//! A validator's view of the deterministic runtime: its tasks and randomness, a disk of its own, a clock that may be wrong.

use std::{
    convert::Infallible,
    future::Future,
    ops::RangeInclusive,
    time::{Duration, SystemTime},
};

use commonware_runtime::{
    BlobVersion, Clock, Error, Handle, Metrics, Name, Spawner, Storage, Supervisor, deterministic, signal,
    telemetry::metrics::{Metric, Registered},
};
use governor::clock::{Clock as Instants, ReasonablyRealtime};
use rand_core::{TryCryptoRng, TryRng};

use crate::{
    disk::Disk,
    storage::{self, EngineFile},
};

/// How far a clock is ahead of or behind the time of the simulation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skew(pub i64);

impl Skew {
    /// What the clock shows at a time.
    pub fn shown(self, time: SystemTime) -> SystemTime {
        let by = Duration::from_millis(self.0.unsigned_abs());
        if self.0 < 0 { time - by } else { time + by }
    }

    fn real(self, time: SystemTime) -> SystemTime {
        Self(-self.0).shown(time)
    }
}

/// The runtime of one validator.
pub struct Context {
    inner: deterministic::Context,
    disk: Disk,
    skew: Skew,
}

impl Context {
    pub fn new(inner: deterministic::Context, disk: Disk, skew: Skew) -> Self {
        Self { inner, disk, skew }
    }

    fn like(&self, inner: deterministic::Context) -> Self {
        Self { inner, disk: self.disk.clone(), skew: self.skew }
    }
}

impl Supervisor for Context {
    fn name(&self) -> Name {
        self.inner.name()
    }

    fn child(&self, label: &'static str) -> Self {
        self.like(self.inner.child(label))
    }

    fn with_attribute(self, key: &'static str, value: impl std::fmt::Display) -> Self {
        Self { inner: self.inner.with_attribute(key, value), ..self }
    }
}

impl Spawner for Context {
    fn shared(self, blocking: bool) -> Self {
        Self { inner: self.inner.shared(blocking), ..self }
    }

    fn dedicated(self) -> Self {
        Self { inner: self.inner.dedicated(), ..self }
    }

    fn spawn<F, Fut, T>(self, f: F) -> Handle<T>
    where
        F: FnOnce(Self) -> Fut + Send + 'static,
        Fut: Future<Output = T> + Send + 'static,
        T: Send + 'static,
    {
        let Self { inner, disk, skew } = self;
        inner.spawn(move |inner| f(Self { inner, disk, skew }))
    }

    /// The runtime's own stop would reach all validators. One's tasks end with the task that they belong to.
    async fn stop(self, _: i32, _: Option<Duration>) -> Result<(), Error> {
        Ok(())
    }

    fn stopped(&self) -> signal::Signal {
        self.inner.stopped()
    }
}

impl Metrics for Context {
    fn register<N: Into<String>, H: Into<String>, M: Metric>(
        &self,
        name: N,
        help: H,
        metric: M,
    ) -> Registered<M> {
        self.inner.register(name, help, metric)
    }

    fn encode(&self) -> String {
        self.inner.encode()
    }
}

impl Instants for Context {
    type Instant = SystemTime;

    fn now(&self) -> SystemTime {
        self.current()
    }
}

impl ReasonablyRealtime for Context {}

impl Clock for Context {
    fn current(&self) -> SystemTime {
        self.skew.shown(self.inner.current())
    }

    fn sleep(&self, duration: Duration) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.inner.sleep(duration)
    }

    fn sleep_until(&self, deadline: SystemTime) -> impl Future<Output = ()> + Send + 'static + use<> {
        self.inner.sleep_until(self.skew.real(deadline))
    }
}

impl Storage for Context {
    type Blob = EngineFile;

    async fn open_versioned(
        &self,
        partition: &str,
        name: &[u8],
        versions: RangeInclusive<BlobVersion>,
    ) -> Result<(EngineFile, u64, BlobVersion), Error> {
        storage::open(&self.disk, partition, name, versions)
    }

    async fn remove(&self, partition: &str, name: Option<&[u8]>) -> Result<(), Error> {
        if self.disk.remove(partition, name) {
            return Ok(());
        }
        Err(match name {
            Some(name) => Error::BlobMissing(partition.into(), String::from_utf8_lossy(name).into()),
            None => Error::PartitionMissing(partition.into()),
        })
    }

    async fn scan(&self, partition: &str) -> Result<Vec<Vec<u8>>, Error> {
        let names = self.disk.names(partition);
        if names.is_empty() { Err(Error::PartitionMissing(partition.into())) } else { Ok(names) }
    }
}

impl TryRng for Context {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.inner.try_next_u32()
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.inner.try_next_u64()
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.inner.try_fill_bytes(bytes)
    }
}

impl TryCryptoRng for Context {}
