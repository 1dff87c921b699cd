//! An open profile with its client: what the commands of patients and members work with.

use std::collections::BTreeMap;

use yilian_client::{Client, Member, Network, NodeFault, NodeUrl, Wallet, patient::backup};
use yilian_crypto::seed::Seed;

use super::{Identity, Kind, Memory, Profile, ProfileArgs, ProfileError};
use crate::{
    args::Global,
    commands::hint::{self, Explain as _},
    http::Http,
    native::{FileStore, NativeHost},
    network::description::Known,
    output::Output,
    trust::Trust,
};

pub type NativeClient = Client<NativeHost>;

/// A client of the network that the global arguments describe. Asks nobody yet.
pub fn connect(global: &Global) -> anyhow::Result<NativeClient> {
    let known = Known::read(&global.network)?;
    let nodes = known.description.urls().iter().map(|url| NodeUrl::new(url)).collect();
    let authority = NodeUrl::new(&known.description.authority.url);
    let network = Network::new(nodes, Some(authority));
    let http = Http::new(&Trust::consortium(&known.genesis).with(&global.transport)?)?;
    Ok(Client::new(NativeHost::new(http), network, known.genesis))
}

/// Says which nodes lied, lagged or failed while others answered.
pub fn faults(client: &NativeClient, output: Output) {
    let mut told: BTreeMap<String, usize> = BTreeMap::new();
    for report in client.reports() {
        let what = match &report.fault {
            NodeFault::Lied(lie) => format!("gave an answer that is untrue: {lie}"),
            NodeFault::Stale { age_ms } => format!("is {} s behind", age_ms.div_ceil(1000)),
            NodeFault::Transport(error) => format!("does not answer: {error}"),
            // A refusal is the flow's own matter.
            NodeFault::Problem { .. } => continue,
        };
        *told.entry(format!("node {} {what}", report.node)).or_default() += 1;
    }
    for (text, times) in told {
        let times = if times > 1 { format!(" ({times} times)") } else { String::new() };
        output.note(format!("{text}{times}"));
    }
}

/// A patient at work.
#[derive(Debug)]
pub struct Patient {
    pub client: NativeClient,
    pub wallet: Wallet<FileStore>,
    pub profile: Profile,
    pub output: Output,
}

impl Patient {
    pub fn open(args: &ProfileArgs, global: &Global, output: Output) -> anyhow::Result<Self> {
        let client = connect(global)?;
        let profile = Profile::open(args, Kind::Wallet).map_err(hint::profile)?;
        check_chain(&client, &profile)?;
        let seed = profile.unlock(&args.password()?).map_err(hint::profile)?;
        let state = profile.read_state().map_err(hint::profile)?;
        let store = FileStore::new(profile.state());
        let wallet = Wallet::open(seed, client.chain(), &state, store).explain()?;
        Ok(Self { client, wallet, profile, output })
    }

    /// Claims this device's lane with a first backup, unless it is claimed: a second device on the same words must see
    /// that it is taken before this one draws an index.
    pub async fn claim(&mut self) -> anyhow::Result<()> {
        if self.wallet.state().backup_counter == 0 {
            backup::back_up(&self.client, &mut self.wallet).await.explain()?;
        }
        Ok(())
    }
}

impl Drop for Patient {
    fn drop(&mut self) {
        faults(&self.client, self.output);
    }
}

/// A member at work, or one that has not been certified.
#[derive(Debug)]
pub struct Staff {
    pub client: NativeClient,
    pub identity: Identity,
    pub seed: Seed,
    pub memory: Memory,
    pub profile: Profile,
    pub output: Output,
}

impl Staff {
    pub fn open(args: &ProfileArgs, global: &Global, output: Output) -> anyhow::Result<Self> {
        let client = connect(global)?;
        let profile = Profile::open(args, Kind::Member).map_err(hint::profile)?;
        check_chain(&client, &profile)?;
        let identity = Identity::read(profile.dir()).map_err(hint::profile)?;
        let seed = profile.unlock(&args.password()?).map_err(hint::profile)?;
        let memory = Memory::read(&profile, &seed).map_err(hint::profile)?;
        Ok(Self { client, identity, seed, memory, profile, output })
    }

    /// Refuses who has no certificate.
    pub fn member(&self) -> anyhow::Result<Member> {
        let member = self.identity.at_work(&self.seed).map_err(hint::profile)?;
        member.ok_or_else(|| {
            hint::refused(
                "member.no-certificate",
                "this profile has no certificate yet: `yilian practitioner apply`, and when the authority has decided, \
                 `yilian practitioner status`",
            )
        })
    }

    pub fn save_memory(&self) -> anyhow::Result<()> {
        self.memory.write(&self.profile, &self.seed).map_err(hint::profile)
    }

    pub fn save_identity(&self) -> anyhow::Result<()> {
        self.identity.write(self.profile.dir()).map_err(hint::profile)
    }
}

impl Drop for Staff {
    fn drop(&mut self) {
        faults(&self.client, self.output);
    }
}

fn check_chain(client: &NativeClient, profile: &Profile) -> anyhow::Result<()> {
    if client.chain() == profile.chain() { Ok(()) } else { Err(hint::profile(ProfileError::Chain)) }
}
