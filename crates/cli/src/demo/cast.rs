//! Who plays: patients with wallets, certified members, each with a client of its own that believes nobody.

use std::{path::PathBuf, time::Duration};

use anyhow::Context as _;
use yilian_api::{authority::ApplicationStatus, encoding::from_base64};
use yilian_authority::{Issuer, Validity};
use yilian_client::{
    Client, ClientError, Member, MemberKeys, Network as Nodes, NodeUrl, Wallet,
    patient::tickets,
    practitioner::{self, Wanted},
    wallet::index::Lane,
};
use yilian_crypto::{
    certificate::{Certificate, Level, MAX_CERTIFICATE, Role},
    seed::Seed,
    ticket::{Class, Period},
};
use yilian_ledger::{Kind, Time, name::MemberId};

use crate::{
    native::{FileStore, NativeHost, rng},
    network::Network,
    process::run_self,
};

/// As many tickets as one step takes at most.
const ENOUGH: usize = 6;
/// They must be good for so long, ms.
const MARGIN_MS: u64 = 2_000;

pub type Talk = Client<NativeHost>;

/// The stage: the network, its authority, a folder for everybody's files.
pub struct World {
    pub network: Network,
    pub host: NativeHost,
    pub files: PathBuf,
    /// Member id of the authority's issuer.
    pub issuer: MemberId,
}

impl World {
    /// A client with nothing cached, asking the nodes in the order given.
    pub fn client_of(&self, nodes: &[String]) -> Talk {
        let nodes = nodes.iter().map(|url| NodeUrl::new(url)).collect();
        let authority = Some(NodeUrl::new(self.network.authority_url()));
        Client::new(self.host.clone(), Nodes::new(nodes, authority), self.network.genesis().clone())
    }

    /// The same, over all nodes, beginning with node `first`.
    pub fn client_from(&self, first: usize) -> Talk {
        let mut urls = self.network.urls();
        let count = urls.len().max(1);
        urls.rotate_left(first % count);
        self.client_of(&urls)
    }

    /// Runs an operator's command of the authority, as its operator would.
    pub async fn operate(&self, arguments: &[&str]) -> anyhow::Result<serde_json::Value> {
        let folder = self.network.authority_folder().path("");
        let mut line = vec!["--json", "authority"];
        line.extend_from_slice(arguments);
        let folder = folder.to_string_lossy().into_owned();
        line.extend(["--config", &folder]);
        let out = run_self(&line).await?;
        serde_json::from_slice(&out).context("the operator's command did not answer in JSON")
    }
}

/// A person with a wallet.
pub struct Patient {
    pub name: &'static str,
    pub client: Talk,
    pub wallet: Wallet<FileStore>,
    pub seed: Seed,
}

impl Patient {
    /// A new wallet in a folder of its own.
    pub async fn new(world: &World, name: &'static str, first_node: usize) -> anyhow::Result<Self> {
        let seed = Seed::generate(&mut rng());
        let folder = world.files.join(name.replace(' ', "-"));
        let client = world.client_from(first_node);
        let store = FileStore::new(folder.join("wallet"));
        let wallet = Wallet::create(seed.clone(), client.chain(), Lane::FIRST, store).await?;
        Ok(Self { name, client, wallet, seed })
    }

    /// Sees to it that there are tickets for what comes next; waits for the next period if this one's are spent.
    pub async fn stock(&mut self) -> Result<usize, ClientError> {
        self.stock_for(ENOUGH).await
    }

    /// The same, for a step that takes `needed` of them.
    pub async fn stock_for(&mut self, needed: usize) -> Result<usize, ClientError> {
        let parameters = self.client.parameters().await?;
        let mut fetched = 0;
        loop {
            for ahead in [0, 1] {
                let period = Period(parameters.period(self.client.now()).0 + ahead);
                let (client, wallet) = (&self.client, &mut self.wallet);
                fetched += tickets::fetch(client, wallet, Class::Care, period, &mut rng()).await?.count();
            }
            let now = Time(self.client.now().0 + MARGIN_MS);
            if self.wallet.tickets(Class::Care, &parameters, now) >= needed {
                return Ok(fetched);
            }
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
}

/// A certified member at work.
pub struct Professional {
    pub name: &'static str,
    pub client: Talk,
    pub member: Member,
}

/// What somebody is admitted as.
#[derive(Clone, Copy, Debug)]
pub struct Post {
    pub name: &'static str,
    pub subject_id: &'static str,
    pub roles: &'static [Role],
}

/// An institution applies, the operator admits it, the ledger lists it.
pub async fn admit_institution(world: &World, post: Post, first_node: usize) -> anyhow::Result<Professional> {
    let client = world.client_from(first_node);
    let keys = MemberKeys::new(Seed::generate(&mut rng()), 0);
    let member = certify(world, &client, keys, post).await?;
    Ok(Professional { name: post.name, client, member })
}

/// Applies with these keys, has the operator admit, and takes the certificate.
pub async fn certify(world: &World, client: &Talk, keys: MemberKeys, post: Post) -> anyhow::Result<Member> {
    let wanted = Wanted {
        level: Level::Institution,
        issuer: world.issuer,
        subject_id: post.subject_id,
        name: post.name,
        roles: post.roles,
        gtin_prefixes: &[],
    };
    let status = practitioner::apply(client, &keys, &wanted, &mut rng()).await?;
    let ApplicationStatus::Waiting { id } = status else { anyhow::bail!("the application does not wait") };
    world.operate(&["admit", &id]).await?;
    match practitioner::application_status(client, &id).await? {
        ApplicationStatus::Admitted { certificate, .. } => {
            let der = from_base64(&certificate, MAX_CERTIFICATE)?;
            let certificate = Certificate::parse(&der)?;
            let id = MemberId::of(Some(world.issuer), post.subject_id);
            Ok(Member::new(id, certificate, keys)?)
        }
        other => anyhow::bail!("the operator admitted, and the application stands at {other:?}"),
    }
}

/// A hospital certifies its doctor itself and brings the certificate to the ledger.
pub async fn admit_practitioner(
    world: &World,
    hospital: &Professional,
    post: Post,
    first_node: usize,
) -> anyhow::Result<Professional> {
    let client = world.client_from(first_node);
    let keys = MemberKeys::new(Seed::generate(&mut rng()), 0);
    let issuer = issuer_of(world, hospital)?;
    let wanted = Wanted {
        level: Level::Practitioner,
        issuer: hospital.member.id,
        subject_id: post.subject_id,
        name: post.name,
        roles: post.roles,
        gtin_prefixes: &[],
    };
    let application = practitioner::application(client.chain(), &keys, &wanted, &mut rng());
    let bounds = hospital.member.certificate.contents();
    let validity = Validity { not_before: bounds.not_before, not_after: bounds.not_after };
    let (certificate, transaction) = issuer.admit(&application, client.chain(), validity)?;
    let id = MemberId::of(Some(hospital.member.id), post.subject_id);
    client.apply(&transaction, &id.name(Kind::Practitioner), |_| true).await?;
    let member = Member::new(id, certificate, keys)?;
    Ok(Professional { name: post.name, client, member })
}

/// A hospital as the issuer of its practitioners' certificates.
pub fn issuer_of(world: &World, hospital: &Professional) -> anyhow::Result<Issuer> {
    let der = hospital.member.certificate.der();
    Ok(Issuer::new(Some(world.issuer), der, hospital.member.keys.signing())?)
}
