//! One validator's machine: its disk and clock, and the process that is started, killed and started again on it.

use std::{sync::Arc, time::SystemTime};

use commonware_cryptography::ed25519::PublicKey;
use commonware_p2p::simulated::{Control, SocketManager};
use commonware_runtime::{Clock as _, Handle as Task, Spawner as _, Supervisor as _, deterministic};
use yilian_chain::{
    Handle, PoolLimits,
    assembly::{Channels, Directory, Identity, Job, Members, Network, Platform, Store, Validator},
};
use yilian_crypto::sign::SigningKey;
use yilian_finality::Committee;
use yilian_ledger::Genesis;

use crate::{
    context::{Context, Skew},
    disk::Disk,
    storage::EntryFile,
    wire::{In, Out},
};

/// The clock of one validator; work is done where it is asked for.
struct Local {
    clock: deterministic::Context,
    skew: Skew,
}

impl Platform for Local {
    fn now(&self) -> SystemTime {
        self.skew.shown(self.clock.current())
    }

    fn work(&self, job: Job) {
        job();
    }
}

/// What all validators of a chain have in common.
#[derive(Clone)]
pub struct Common {
    pub genesis: Genesis,
    pub committee: Committee,
    pub members: Members,
}

/// A connection to the others.
pub type Link = Network<
    Out,
    In,
    SocketManager<PublicKey, deterministic::Context>,
    Control<PublicKey, deterministic::Context>,
>;

/// One machine.
pub struct Site {
    pub name: String,
    pub key: SigningKey,
    pub disk: Disk,
    pub skew: Skew,
    task: Option<Task<()>>,
    /// Crashes so far.
    pub crashes: u64,
}

impl Site {
    pub fn new(name: String, key: SigningKey, skew: Skew) -> Self {
        Self { name, key, disk: Disk::default(), skew, task: None, crashes: 0 }
    }

    pub fn is_up(&self) -> bool {
        self.task.is_some()
    }

    /// Starts the process on what the disk holds. The handle works at once; the validator speaks when it is connected.
    pub fn boot(&self, context: &deterministic::Context, common: &Common) -> Result<Booted, String> {
        let store = Store::open_on(EntryFile::on(&self.disk), common.genesis.chain_id())
            .map_err(|error| error.to_string())?;
        let identity = Identity {
            genesis: &common.genesis,
            signer: self.key.seed(),
            directory: Directory { members: common.members.clone(), followers: Members::default() },
            pool: PoolLimits::default(),
        };
        let platform = Local { clock: context.child("platform"), skew: self.skew };
        let (validator, handle, ended) =
            Validator::new(identity, store, Arc::new(platform)).map_err(|error| error.to_string())?;
        Ok(Booted { validator, handle, ended })
    }

    pub fn run(&mut self, context: &deterministic::Context, booted: Booted, link: Link) {
        let Booted { validator, ended, .. } = booted;
        let context = context.child("validator").with_attribute("name", &self.name);
        let context = Context::new(context, self.disk.clone(), self.skew);
        self.task = Some(context.spawn(move |context| async move {
            // Told when the process is over, however it ended.
            let _ended = ended;
            validator.run(context, link, Vec::new(), || ()).await;
        }));
    }

    /// Kills the process and takes the power, if it still has it.
    pub fn crash(&mut self) {
        self.disk.cut();
        self.crashes += 1;
        if let Some(task) = self.task.take() {
            task.abort();
        }
    }

    /// What the crash left of the disk.
    pub fn repair(&self, seed: u64) {
        self.disk.restore(seed);
    }
}

/// A process that has opened its stores and said nothing yet.
pub struct Booted {
    validator: Validator,
    pub handle: Handle,
    ended: yilian_chain::assembly::Ended,
}

pub fn link(
    channels: Channels<Out, In>,
    oracle: &commonware_p2p::simulated::Oracle<PublicKey, deterministic::Context>,
    key: PublicKey,
) -> Link {
    Network { channels, peers: oracle.socket_manager(), blocker: oracle.control(key) }
}
