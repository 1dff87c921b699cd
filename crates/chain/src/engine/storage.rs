//! How the engine's archives and the state database lie on disk, and that state is not fetched from peers.

use std::num::{NonZeroU16, NonZeroU64, NonZeroUsize};

use commonware_cryptography::sha256;
use commonware_glue::stateful::db::{AttachableResolver, Shared};
use commonware_parallel::Sequential;
use commonware_runtime::{Spawner, buffer::paged::CacheRef};
use commonware_storage::{
    Context as StorageContext,
    archive::prunable,
    journal::contiguous::fixed::Config as LogConfig,
    mmr::{self, full::Config as MmrConfig},
    qmdb::{
        any::ordered::fixed::Operation,
        current::FixedConfig,
        sync::{Request, Source, source},
    },
    translator::EightCap,
};
use commonware_utils::{NZU16, NZU64, NZUsize};

use crate::state::State;

pub const BUFFER: NonZeroUsize = NZUsize!(16 << 10);
pub const ITEMS_PER_SECTION: NonZeroU64 = NZU64!(1024);
/// Pages kept of all journals together: 4 MiB.
const PAGE: NonZeroU16 = NZU16!(4096);
const PAGES: NonZeroUsize = NZUsize!(1024);

pub fn cache() -> CacheRef {
    CacheRef::new(PAGE, PAGES)
}

pub fn archive<C>(name: &str, cache: &CacheRef, codec_config: C) -> prunable::Config<EightCap, C> {
    prunable::Config {
        translator: EightCap,
        metadata_partition: format!("{name}-metadata"),
        key_partition: format!("{name}-key"),
        key_page_cache: cache.clone(),
        value_partition: format!("{name}-value"),
        compression: None,
        codec_config,
        items_per_section: ITEMS_PER_SECTION,
        key_write_buffer: BUFFER,
        value_write_buffer: BUFFER,
        replay_buffer: BUFFER,
    }
}

pub fn database(cache: &CacheRef) -> FixedConfig<EightCap, Sequential> {
    FixedConfig {
        merkle_config: MmrConfig {
            journal_partition: "state-nodes".into(),
            metadata_partition: "state-pins".into(),
            items_per_blob: NZU64!(65536),
            write_buffer: BUFFER,
            replay_buffer: BUFFER,
            strategy: Sequential,
            page_cache: cache.clone(),
        },
        journal_config: LogConfig {
            partition: "state-log".into(),
            items_per_blob: NZU64!(65536),
            page_cache: cache.clone(),
            write_buffer: BUFFER,
            replay_buffer: BUFFER,
        },
        grafted_metadata_partition: "state-bitmap".into(),
        translator: EightCap,
        init_cache: Some(NZUsize!(1024)),
        init_buffer: NZUsize!(1 << 20),
        init_concurrency: (),
    }
}

/// State comes from executing blocks only; none is fetched from peers or served to them.
#[derive(Clone)]
pub struct BlocksOnly;

impl Source for BlocksOnly {
    type Family = mmr::Family;
    type Digest = sha256::Digest;
    type Op = Operation<mmr::Family, sha256::Digest, sha256::Digest>;
    type Error = std::convert::Infallible;

    async fn serve(&self, _: Request<mmr::Family>) -> source::Result<Self> {
        std::future::pending().await
    }
}

impl<E: Spawner + StorageContext> AttachableResolver<State<E>> for BlocksOnly {
    async fn attach_database(&self, _: Shared<State<E>>) {}
}
