//! Four nodes on loopback with an authority's keys, and a client that believes nothing unproved.

use std::{net::TcpListener, sync::OnceLock, time::Duration};

use bytes::Bytes;
use commonware_codec::{DecodeExt as _, Encode as _};
use futures::future::join_all;
use reqwest::{Client, Response, StatusCode};
use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;
use tempfile::TempDir;
use yilian_api::{encoding, ledger::SnapshotBody, signing::Audience};
use yilian_crypto::{
    certificate::{Certificate, Contents, Level, issue},
    sign::SigningKey,
    ticket::{Class, Period, Request, TicketSecretKey, TicketWithKey},
};
use yilian_finality::{
    Answer, Bucket, Header, Prefix, Snapshot, Trust, VerifiedHeader, verify, verify_answer, verify_bucket,
};
use yilian_ledger::{Entry, Genesis, Name, Parameters, Time, name::MemberId};
use yilian_node::{Endpoints, Localnet, Node, NodeConfig};
use yilian_testkit::ledger::{Seeded, contents, ticket_secret};

pub const NODES: usize = 4;
pub const SUBSCRIBERS: usize = 2;
const YEAR: u64 = 365 * 86_400;

pub fn now() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as u64
}

pub struct Network {
    pub nodes: Vec<Option<Node>>,
    pub genesis: Genesis,
    pub root: SigningKey,
    pub root_certificate: Certificate,
    pub client: Client,
    pub rng: Seeded,
    period: Period,
    care: TicketSecretKey,
    pub dirs: Vec<std::path::PathBuf>,
    _dir: TempDir,
}

impl Network {
    pub async fn start(seed: u64) -> Self {
        super::observed::log();
        let mut rng = Seeded::new(seed);
        let localnet = Localnet::generate(NODES, &mut rng).unwrap();
        let root = SigningKey::generate(&mut rng);
        let root_certificate = issue(&valid_now(contents(Level::Root, "root", &root)), None, &root).unwrap();
        let parameters = Parameters { idle_block_ms: 1_000, ..Parameters::default() };
        let period = parameters.period(Time(now()));
        let care = ticket_secret(0);
        let key = |class, ahead, index: usize| {
            (class, Period(period.0 + ahead), ticket_secret(index).public().clone())
        };
        let genesis = Genesis {
            name: "yilian-loopback".into(),
            time: now() - 1_000,
            parameters,
            committee: localnet.committee(),
            epoch_blocks: yilian_ledger::genesis::EPOCH_BLOCKS,
            roots: vec![root_certificate.der().to_vec()],
            ticket_keys: vec![key(Class::Care, 0, 0), key(Class::Care, 1, 1)],
        };
        let dir = tempfile::tempdir().unwrap();
        let endpoints = Endpoints::loopback(free_ports(2 * NODES as u16), NODES).unwrap();
        let dirs = localnet.write(&genesis, &endpoints, &[], |i| dir.path().join(i.to_string())).unwrap();
        let nodes = join_all(dirs.iter().map(|dir| {
            let mut config = NodeConfig::load(dir).unwrap();
            config.limits.subscribers = SUBSCRIBERS;
            config.content.reserve_bytes = 0;
            config.metrics = Some(([127, 0, 0, 1], 0).into());
            config.authorities = vec![root.verifying_key()];
            Node::start(config)
        }))
        .await;
        let nodes = nodes.into_iter().map(|node| Some(node.unwrap())).collect();
        let client = Client::builder().timeout(Duration::from_secs(60)).build().unwrap();
        Self { nodes, genesis, root, root_certificate, client, rng, period, care, dirs, _dir: dir }
    }

    pub fn url(&self, node: usize, path: &str) -> String {
        format!("http://{}{path}", self.nodes[node].as_ref().unwrap().http())
    }

    pub fn audience(&self, node: usize) -> Audience {
        let validator = self.nodes[node].as_ref().unwrap().chain().status().validator;
        Audience { chain: self.genesis.chain_id().0, node: validator }
    }

    pub async fn get(&self, node: usize, path: &str) -> Response {
        self.client.get(self.url(node, path)).send().await.unwrap()
    }

    pub async fn read<T: DeserializeOwned>(&self, node: usize, path: &str) -> T {
        let response = self.get(node, path).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        response.json().await.unwrap()
    }

    pub async fn post(&self, node: usize, path: &str, body: &impl Serialize) -> Response {
        self.client.post(self.url(node, path)).json(body).send().await.unwrap()
    }

    pub async fn submit_bytes(&self, node: usize, bytes: Vec<u8>, wait: &str) -> Response {
        self.client
            .post(self.url(node, &format!("/v1/transactions{wait}")))
            .header("content-type", "application/octet-stream")
            .body(bytes)
            .send()
            .await
            .unwrap()
    }

    /// Submits, waits for finality; the answer's JSON.
    pub async fn submit(&self, node: usize, transaction: &yilian_ledger::Transaction) -> Value {
        let response = self.submit_bytes(node, transaction.encode().to_vec(), "?wait=finalized").await;
        response.json().await.unwrap()
    }

    /// A care ticket of the present period.
    pub fn ticket(&mut self) -> TicketWithKey {
        let (request, blinded) =
            Request::new(self.care.public(), Class::Care, self.period, &mut self.rng).unwrap();
        let answer = self.care.sign_blinded(&blinded, &mut self.rng).unwrap();
        request.finish(self.care.public(), &answer).unwrap()
    }

    pub fn period(&self) -> Period {
        self.period
    }

    /// An intermediate's or institution's certificate.
    pub fn certify(
        &mut self,
        level: Level,
        subject: &str,
        issuer: (&SigningKey, &Certificate, MemberId),
        change: impl FnOnce(&mut Contents),
    ) -> (SigningKey, Certificate, MemberId) {
        let key = SigningKey::generate(&mut self.rng);
        let mut contents = valid_now(contents(level, subject, &key));
        change(&mut contents);
        let certificate = issue(&contents, Some(issuer.1), issuer.0).unwrap();
        (key, certificate, MemberId::of(Some(issuer.2), subject))
    }

    pub fn verified(&self, body: &SnapshotBody) -> VerifiedHeader {
        let header = encoding::from_base64(&body.header, Header::MAX_SIZE).unwrap();
        let header = Header::decode(Bytes::from(header)).unwrap();
        let finalization = encoding::from_base64(&body.finalization, 1 << 16).unwrap();
        verify(&Trust::genesis(&self.genesis).unwrap(), &Snapshot { header, finalization }, Time(now()))
            .unwrap()
    }

    /// What a node proves about a name.
    pub async fn entry(&self, node: usize, name: &Name) -> Option<Entry> {
        let path = format!("/v1/entries/{}", encoding::to_hex(&name.0));
        let body: yilian_api::ledger::EntryAnswer = self.read(node, &path).await;
        let header = self.verified(&body.snapshot);
        let answer = encoding::from_base64(&body.answer, 1 << 20).unwrap();
        verify_answer(&header, name, &Answer::decode(Bytes::from(answer)).unwrap()).unwrap()
    }

    /// What a node proves about the bucket of a name.
    pub async fn bucket(&self, node: usize, kind: &str, name: &Name) -> Vec<Name> {
        let body: SnapshotBody = self.read(node, "/v1/snapshot").await;
        let counts = self.verified(&body).header().counts;
        let prefix = Prefix::of(name, &counts).unwrap();
        let path = format!("/v1/buckets/{kind}/{}/{}", prefix.bits, encoding::to_hex(&prefix.value));
        let body: yilian_api::ledger::BucketAnswer = self.read(node, &path).await;
        let header = self.verified(&body.snapshot);
        let bucket = encoding::from_base64(&body.bucket, 1 << 24).unwrap();
        let bucket = Bucket::decode(Bytes::from(bucket)).unwrap();
        verify_bucket(&header, &prefix, &bucket).unwrap().into_keys().collect()
    }

    /// Until every node's proved state has the name.
    pub async fn everywhere(&self, name: &Name) {
        for node in 0..NODES {
            until(async || self.entry(node, name).await.is_some()).await;
        }
    }

    pub async fn shutdown(mut self) {
        join_all(self.nodes.iter_mut().filter_map(Option::take).map(Node::shutdown)).await;
    }
}

/// Asks again until it is so.
pub async fn until(so: impl AsyncFn() -> bool) {
    let ask = async {
        while !so().await {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(30), ask).await.expect("in half a minute");
}

/// `response` is a problem with this status and code.
pub async fn refused(response: Response, status: u16, code: &str) {
    assert_eq!(response.headers()["content-type"], yilian_api::problem::MEDIA_TYPE);
    let (given, body) = (response.status().as_u16(), response.json::<Value>().await.unwrap());
    assert_eq!((given, body["code"].as_str().unwrap()), (status, code), "{body}");
    assert_eq!(body["status"], status);
}

/// The same years for all, since an issuer's validity holds those below it.
pub fn valid_now(contents: Contents) -> Contents {
    static SECONDS: OnceLock<u64> = OnceLock::new();
    let seconds = *SECONDS.get_or_init(|| now() / 1000);
    Contents { not_before: seconds - 86_400, not_after: seconds + YEAR, ..contents }
}

/// The first of `count` ports in a row that are free now.
fn free_ports(count: u16) -> u16 {
    let start = 10_000 + (std::process::id() % 20_000) as u16;
    let free = |port: u16| TcpListener::bind(("127.0.0.1", port)).is_ok();
    (start..32_000 - count).step_by(usize::from(count)).find(|base| (*base..base + count).all(free)).unwrap()
}
