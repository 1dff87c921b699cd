//! Several nodes' copies over real sockets, without their chains: every step is taken by the test, so that nothing is timed.
#![allow(clippy::unwrap_used)]

use std::{
    fs,
    sync::{
        Arc, Mutex,
        atomic::{AtomicU8, Ordering},
    },
};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::{Request, State},
    http::StatusCode,
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
};
use futures::future::{BoxFuture, join_all};
use tempfile::TempDir;
use tokio::{net::TcpListener, task::JoinHandle};
use yilian_api::{content::UploadPayment, signing::Statement};
use yilian_content::{Limits, Opened, Payment, PinKey, Place, StoreError, UploadId, UploadRequest};
use yilian_crypto::{Digest, Secret};
use yilian_dag::{Codec, LEAF, Node as Tree, StreamVerifier, root_of};

use super::{link::LinkError, *};
use crate::{
    http::content::{Content, PaymentVerifier, router},
    payment::PaymentError,
};

const CHAIN: Digest = Digest([1; 32]);
const DAY: u64 = 24 * 60 * 60 * 1000;
const TICKETS: Payment = Payment::Tickets(Vec::new());
const MEMBER: Payment = Payment::Member([8; 32]);
const PIN: PinKey = PinKey([1; 33]);

/// What a node does to blocks that other nodes ask it for.
const HONEST: u8 = 0;
const FLIPS: u8 = 1;
const SWAPS: u8 = 2;
const BLOATS: u8 = 3;
const EMPTIES: u8 = 4;
const DENIES: u8 = 5;
const CRASHES: u8 = 6;

struct Nobody;

impl PaymentVerifier for Nobody {
    fn verify<'a>(
        &'a self,
        _: &'a UploadPayment,
        _: &'a Statement,
        _: usize,
    ) -> BoxFuture<'a, Result<Payment, PaymentError>> {
        Box::pin(async { Err(PaymentError::Member) })
    }
}

fn key(node: usize) -> SigningKey {
    SigningKey::from_seed(Secret::new([node as u8 + 1; 32]))
}

fn raw(node: usize) -> NodeKey {
    *key(node).verifying_key().as_bytes()
}

/// How a node answers, and what it was asked.
#[derive(Clone, Default)]
struct Behaviour {
    mode: Arc<AtomicU8>,
    asked: Arc<Mutex<Vec<String>>>,
}

struct Node {
    folder: TempDir,
    store: Arc<Store>,
    copies: Arc<Copies>,
    behaviour: Behaviour,
    server: JoinHandle<()>,
}

struct Network {
    urls: Vec<String>,
    settings: CopySettings,
    nodes: Vec<Node>,
}

impl Network {
    async fn start(nodes: usize) -> Self {
        Self::with(nodes, CopySettings { count: 2, bytes_per_second: 1 << 40, ..Default::default() }).await
    }

    async fn with(nodes: usize, settings: CopySettings) -> Self {
        let listeners = join_all((0..nodes).map(|_| TcpListener::bind("127.0.0.1:0"))).await;
        let listeners: Vec<_> = listeners.into_iter().map(Result::unwrap).collect();
        let urls = listeners.iter().map(|at| format!("http://{}", at.local_addr().unwrap())).collect();
        let mut network = Self { urls, settings, nodes: Vec::new() };
        for (index, listener) in listeners.into_iter().enumerate() {
            let node = network.node(index, listener, tempfile::tempdir().unwrap(), nodes);
            network.nodes.push(node);
        }
        network
    }

    fn node(&self, index: usize, listener: TcpListener, folder: TempDir, nodes: usize) -> Node {
        let audience = Audience { chain: CHAIN, node: raw(index) };
        let store = Arc::new(Store::open(folder.path(), Limits::default()).unwrap());
        let participant = Participant {
            audience,
            signer: key(index),
            peers: self.urls.iter().enumerate().map(|(peer, url)| (raw(peer), url.clone())).collect(),
            committee: Arc::new(move || (0..nodes).map(raw).collect()),
            roots: Vec::new(),
            settings: self.settings.clone(),
        };
        let copies = Copies::open(store.clone(), participant).unwrap();
        let content = Content::new(store.clone(), audience, Arc::new(Nobody)).with_copies(copies.clone());
        let behaviour = Behaviour::default();
        let app = Router::from(router::<Content>().with_state(content))
            .layer(middleware::from_fn_with_state(behaviour.clone(), behave));
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        Node { folder, store, copies, behaviour, server }
    }

    /// Ends a node and starts it again, with its disk or with an empty one.
    async fn restart(&mut self, index: usize, keep_disk: bool) {
        let nodes = self.nodes.len();
        let Node { folder, store, copies, server, .. } = self.nodes.remove(index);
        server.abort();
        let _ = server.await;
        drop(copies);
        assert!(Arc::into_inner(store).is_some(), "the store is closed");
        let folder = if keep_disk { folder } else { tempfile::tempdir().unwrap() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        self.urls[index] = format!("http://{}", listener.local_addr().unwrap());
        let node = self.node(index, listener, folder, nodes);
        self.nodes.insert(index, node);
    }

    /// Everybody hears everything and fetches what it wants.
    async fn settle(&self) {
        for _ in 0..2 {
            for node in &self.nodes {
                node.settle().await;
            }
        }
    }

    fn holders(&self, root: &Cid) -> Vec<usize> {
        let has = |node: &usize| self.nodes[*node].store.object_bytes(root).unwrap().is_some();
        (0..self.nodes.len()).filter(has).collect()
    }
}

impl Node {
    async fn settle(&self) {
        self.copies.poll().await;
        while self.copies.heal_some().await > 0 {}
    }

    fn put(&self, bytes: &[u8], pin: PinKey, payment: &Payment, now: u64) -> Cid {
        let root = root_of(bytes).unwrap();
        let request = UploadRequest { root, bytes: bytes.len() as u64, pin };
        let mut id = [0; 16];
        getrandom::fill(&mut id).unwrap();
        if let Opened::Upload(id, _) = self.store.open_upload(&request, payment, UploadId(id), now).unwrap() {
            // The empty file has one leaf, an empty one.
            let empty = bytes.is_empty().then_some(bytes);
            for (leaf, part) in bytes.chunks(LEAF).chain(empty).enumerate() {
                self.store.put_leaf(&id, leaf as u64, part, now).unwrap();
            }
            self.store.finish_upload(&id, now).unwrap();
        }
        root
    }

    fn read(&self, root: &Cid) -> Vec<u8> {
        let mut out = Vec::new();
        self.store.object(root).unwrap().unwrap().read(0..u64::MAX, &mut out).unwrap();
        out
    }

    fn file(&self, root: &Cid) -> std::path::PathBuf {
        let shard = format!("{:02x}", root.digest()[0]);
        self.folder.path().join("objects").join(shard).join(root.to_string())
    }

    fn behave(&self, mode: u8) {
        self.behaviour.mode.store(mode, Ordering::SeqCst);
    }

    fn peer(&self, node: usize) -> &Peer {
        self.copies.peer(&raw(node)).unwrap()
    }
}

async fn behave(State(behaviour): State<Behaviour>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    let (parts, body) = request.into_parts();
    let body = to_bytes(body, 1 << 20).await.unwrap();
    let seen = format!("{} {path} {:?} {}", parts.method, parts.headers, String::from_utf8_lossy(&body));
    behaviour.asked.lock().unwrap().push(seen);
    let mode = behaviour.mode.load(Ordering::SeqCst);
    let response = next.run(Request::from_parts(parts, body.into())).await;
    if path != "/v1/link/blocks" || mode == HONEST || response.status() != StatusCode::OK {
        return response;
    }
    let mut block = to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec();
    match mode {
        FLIPS => block[0] ^= 1,
        SWAPS => block = b"another block, whole by itself".to_vec(),
        BLOATS => block.resize(LEAF + 1, 0),
        EMPTIES => block.clear(),
        DENIES => {
            let code = yilian_api::problem::Code::ContentUnknown;
            return ApiError::new(code, "").into_response();
        }
        _ => return StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
    Body::from(block).into_response()
}

fn content(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|i| seed ^ (i % 251) as u8 ^ (i / LEAF) as u8).collect()
}

#[tokio::test]
async fn content_comes_to_the_nodes_assigned_and_to_no_others() {
    let network = Network::start(5).await;
    let mut elsewhere = 0;
    for seed in 0..12 {
        // Below a leaf, several leaves, and two levels of nodes once.
        let len = [0, 100, 3 * LEAF + 5, LEAF][usize::from(seed) % 4];
        let bytes = content(if seed == 11 { 175 * LEAF } else { len + usize::from(seed) }, seed);
        let root = network.nodes[0].put(&bytes, PIN, &TICKETS, 1);
        network.settle().await;
        let placement = network.nodes[0].copies.placement();
        let mut due: Vec<usize> = (0..5).filter(|node| placement.assigns(&raw(*node), &root)).collect();
        assert_eq!(due.len(), 2);
        elsewhere += usize::from(!due.contains(&0));
        if !due.contains(&0) {
            due.insert(0, 0);
        }
        assert_eq!(network.holders(&root), due);
        for node in due {
            assert_eq!(network.nodes[node].read(&root), bytes);
        }
    }
    assert!(elsewhere > 0, "the node that took the payment keeps the object though it is not assigned it");
}

#[tokio::test]
async fn a_node_that_gives_other_blocks_is_passed_over_for_the_next() {
    for mode in [FLIPS, SWAPS, BLOATS, EMPTIES, DENIES, CRASHES] {
        let network = Network::with(3, CopySettings { count: 3, ..Default::default() }).await;
        let bytes = content(5 * LEAF + 1, mode);
        let root = network.nodes[0].put(&bytes, PIN, &TICKETS, 1);
        network.nodes[1].settle().await;
        assert_eq!(network.nodes[1].read(&root), bytes);
        // The one that took the payment is asked first.
        network.nodes[0].behave(mode);
        network.nodes[2].settle().await;
        assert_eq!(network.nodes[2].read(&root), bytes, "mode {mode}");
        let record = network.nodes[2].peer(0).record();
        let lies = matches!(mode, FLIPS | SWAPS | BLOATS | EMPTIES);
        assert_eq!((record.lies > 0, record.blocks), (lies, 0), "mode {mode}");
        assert_eq!(network.nodes[2].peer(0).is_due(now_ms()), mode == DENIES);
        assert!(network.nodes[2].peer(1).record().blocks >= 7);
    }
}

#[tokio::test]
async fn nothing_is_stored_while_only_liars_have_it_and_it_comes_once_one_is_honest() {
    let mut network = Network::with(2, CopySettings { count: 2, ..Default::default() }).await;
    let root = network.nodes[0].put(&content(3 * LEAF, 1), PIN, &TICKETS, 1);
    network.nodes[0].behave(FLIPS);
    network.nodes[1].settle().await;
    assert_eq!(network.holders(&root), [0]);
    let status = network.nodes[1].copies.status().await.unwrap();
    assert_eq!((status.objects, status.wanted, status.uploads), (0, 1, 0));
    assert_eq!(status.peers[0].record.lies, 1);
    assert!(status.errors[0].text.contains("no node that answers has block"), "{:?}", status.errors);

    network.nodes[0].behave(HONEST);
    assert_eq!(network.nodes[1].copies.heal_some().await, 0, "not asked again at once");
    network.restart(1, true).await;
    network.nodes[1].settle().await;
    assert_eq!(network.holders(&root), [0, 1]);
    let status = network.nodes[1].copies.status().await.unwrap();
    assert_eq!((status.objects, status.wanted, status.healed_objects), (1, 0, 1));
    assert_eq!(status.held_for[0].origin, hex::encode(raw(0)));
}

#[tokio::test]
async fn a_disk_that_was_lost_comes_back_with_the_pins_on_it() {
    let mut network = Network::start(4).await;
    let other = PinKey([2; 33]);
    let now = now_ms();
    let by_ticket: Vec<_> =
        (0..6).map(|seed| network.nodes[0].put(&content(LEAF + 9, seed), PIN, &TICKETS, now)).collect();
    let by_member = network.nodes[0].put(&content(100, 50), other, &MEMBER, now);
    let released = network.nodes[0].put(&content(100, 51), other, &TICKETS, now);
    let foreign: Vec<_> =
        (60..66).map(|seed| network.nodes[1].put(&content(500, seed), PIN, &TICKETS, now)).collect();
    network.settle().await;
    network.nodes[0].store.unpin(&released, &other, now + 5, now).unwrap();
    network.settle().await;
    let all = by_ticket.iter().chain([&by_member]);
    let before: Vec<_> = foreign.iter().map(|root| network.holders(root)).collect();

    network.restart(0, false).await;
    assert_eq!(network.nodes[0].store.stats().unwrap().objects, 0);
    network.nodes[0].settle().await;
    // What nobody else was to hold is gone with the disk; all else is back, with whose it is.
    let placement = network.nodes[0].copies.placement();
    let copied = |root: &Cid| (1..4).any(|node| placement.assigns(&raw(node), root));
    for root in all.clone() {
        assert!(copied(root), "two copies: one of them elsewhere");
        let pin = if *root == by_member { other } else { PIN };
        assert!(network.nodes[0].store.object_bytes(root).unwrap().is_some());
        assert!(network.nodes[0].store.is_pinned_by(root, &pin).unwrap());
    }
    let after: Vec<_> = foreign.iter().map(|root| network.holders(root)).collect();
    assert_eq!(before, after);
    assert_eq!(network.nodes[0].store.object_bytes(&released).unwrap(), None, "a release is remembered, too");

    // The pins are as good as before: a member's ends, a ticket's key may release, an old release is no use.
    network.nodes[0].store.collect(now + 31 * DAY, 0).unwrap();
    assert_eq!(network.nodes[0].store.object_bytes(&by_member).unwrap(), None);
    let store = &network.nodes[0].store;
    store.unpin(&by_ticket[0], &PIN, now + 7, now).unwrap();
    assert!(matches!(store.pin(&by_ticket[0], &PIN, now + 7, now), Err(StoreError::PinReplayed)));
    for root in &by_ticket[1..] {
        assert!(store.object_bytes(root).unwrap().is_some());
    }
}

#[tokio::test]
async fn what_a_disk_lost_in_part_is_found_and_fetched_again() {
    let network = Network::with(2, CopySettings { count: 2, ..Default::default() }).await;
    let contents: Vec<_> = (0..4).map(|seed| content(2 * LEAF + 1, seed)).collect();
    let roots: Vec<_> = contents.iter().map(|bytes| network.nodes[0].put(bytes, PIN, &TICKETS, 1)).collect();
    network.settle().await;
    // At the copy: a file gone, one cut, one with a flipped bit. At the origin: one gone.
    fs::remove_file(network.nodes[1].file(&roots[0])).unwrap();
    fs::write(network.nodes[1].file(&roots[1]), &contents[1][..LEAF]).unwrap();
    let mut flipped = contents[2].clone();
    flipped[LEAF + 7] ^= 1;
    fs::write(network.nodes[1].file(&roots[2]), flipped).unwrap();
    fs::remove_file(network.nodes[0].file(&roots[3])).unwrap();

    for node in &network.nodes {
        node.copies.check_files().await;
        while node.copies.scrub_next().await {}
    }
    let status = network.nodes[1].copies.status().await.unwrap();
    assert_eq!((status.wanted, status.found_damaged), (3, 3), "{:?}", status.errors);
    assert!(status.scrub_complete.is_some());
    network.settle().await;
    for node in &network.nodes {
        assert_eq!(node.copies.status().await.unwrap().wanted, 0);
        for (root, bytes) in roots.iter().zip(&contents) {
            assert_eq!(node.read(root), *bytes);
        }
    }
}

#[tokio::test]
async fn a_copy_is_kept_while_its_pin_is_and_goes_with_it() {
    let network = Network::with(2, CopySettings { count: 2, ..Default::default() }).await;
    let now = now_ms();
    let paid = network.nodes[0].put(&content(300, 1), PIN, &TICKETS, now);
    let twice = network.nodes[0].put(&content(300, 2), PIN, &TICKETS, now);
    network.nodes[1].put(&content(300, 2), PinKey([9; 33]), &TICKETS, now);
    let ends = network.nodes[0].put(&content(300, 3), PIN, &MEMBER, now);
    network.settle().await;
    let copy = &network.nodes[1];
    let has = |root: &Cid| copy.store.object_bytes(root).unwrap().is_some();
    copy.store.collect(now + DAY, 0).unwrap();
    assert!(has(&paid) && has(&twice) && has(&ends), "nobody's grace counts while a pin holds");

    for root in [&paid, &twice] {
        network.nodes[0].store.unpin(root, &PIN, now + 1, now).unwrap();
    }
    copy.store.collect(now + DAY, 0).unwrap();
    assert!(has(&paid), "not heard of yet");
    network.settle().await;
    copy.store.collect(now_ms() + DAY, 2 * DAY).unwrap();
    assert!(has(&paid), "the grace time");
    copy.store.collect(now_ms() + DAY, DAY / 2).unwrap();
    assert!(!has(&paid) && has(&twice), "a pin of the copy's own node holds on");

    // A member's pin ends by itself, whether or not its node still answers.
    network.nodes[0].server.abort();
    copy.store.collect(now + 30 * DAY + 1, 0).unwrap();
    assert!(!has(&ends) && has(&twice));

    // A pin that is renewed brings the copy back.
    let network = Network::with(2, CopySettings { count: 2, ..Default::default() }).await;
    let root = network.nodes[0].put(&content(300, 1), PIN, &TICKETS, now);
    network.settle().await;
    network.nodes[0].store.unpin(&root, &PIN, now + 1, now).unwrap();
    network.settle().await;
    network.nodes[1].store.collect(now_ms() + DAY, 0).unwrap();
    assert_eq!(network.holders(&root), [0]);
    network.nodes[0].store.pin(&root, &PIN, now + 2, now).unwrap();
    network.settle().await;
    assert_eq!(network.holders(&root), [0, 1]);
}

#[tokio::test]
async fn a_stranger_is_told_nothing_and_gets_no_block() {
    let network = Network::start(2).await;
    let root = network.nodes[0].put(&content(300, 1), PIN, &TICKETS, 1);
    let peer = Peer::new(raw(0), &network.urls[0]);
    let stranger = Link::new(CHAIN, key(9), Link::client(&[]).unwrap());
    let refused = LinkError::Refused("request.unauthorized".into());
    assert_eq!(stranger.holds(&peer, &Place::default()).await, Err(refused.clone()));
    assert_eq!(stranger.block(&peer, &root).await, Err(refused.clone()));
    assert_eq!(stranger.block(&peer, &Cid::of(Codec::Raw, b"absent")).await, Err(refused.clone()));
    // A node of another chain is a stranger here.
    let foreign = Link::new(Digest([2; 32]), key(1), Link::client(&[]).unwrap());
    assert_eq!(foreign.block(&peer, &root).await, Err(refused));
    let member = Link::new(CHAIN, key(1), Link::client(&[]).unwrap());
    assert_eq!(member.block(&peer, &root).await.unwrap().unwrap(), content(300, 1));
    assert_eq!(member.block(&peer, &Cid::of(Codec::Raw, b"absent")).await, Ok(None));
    // Whoever answers in the node's place does not have its key.
    let posing = Peer::new(raw(1), &network.urls[0]);
    assert!(member.holds(&posing, &Place::default()).await.is_err());
}

#[tokio::test]
async fn a_node_is_told_only_of_what_is_assigned_to_it() {
    let network = Network::with(4, CopySettings { count: 1, ..Default::default() }).await;
    let roots: Vec<_> =
        (0..20).map(|seed| network.nodes[0].put(&content(50, seed), PIN, &TICKETS, 1)).collect();
    let member = Link::new(CHAIN, key(1), Link::client(&[]).unwrap());
    let page = member.holds(&Peer::new(raw(0), &network.urls[0]), &Place::default()).await.unwrap();
    let placement = network.nodes[0].copies.placement();
    let told: Vec<_> = page.words.iter().map(|word| *word.root()).collect();
    let due: Vec<_> = roots.into_iter().filter(|root| placement.assigns(&raw(1), root)).collect();
    assert!(!due.is_empty() && due.len() < 20);
    assert_eq!(told, due);
    assert_eq!((page.next, page.more), (20, false));
}

#[tokio::test]
async fn what_an_operator_stored_for_itself_is_nobody_elses_business() {
    let network = Network::with(2, CopySettings { count: 2, ..Default::default() }).await;
    let operator = PinKey([0xff; 33]);
    let root = network.nodes[0].store.put(&content(300, 1)[..], &operator, 1).unwrap();
    network.settle().await;
    assert_eq!(network.holders(&root), [0]);
    // Paid for by somebody, it is.
    network.nodes[0].put(&content(300, 1), PIN, &TICKETS, 2);
    network.settle().await;
    assert_eq!(network.holders(&root), [0, 1]);
}

#[tokio::test]
async fn nodes_that_disagree_on_who_holds_what_take_nothing_from_one_another() {
    let mut network = Network::with(2, CopySettings { count: 2, ..Default::default() }).await;
    network.settings.count = 1;
    network.restart(1, true).await;
    let root = network.nodes[0].put(&content(300, 1), PIN, &TICKETS, 1);
    network.nodes[1].settle().await;
    assert_eq!(network.holders(&root), [0]);
    let status = network.nodes[1].copies.status().await.unwrap();
    let error = status.peers[0].record.last_error.clone().unwrap();
    assert!(error.text.contains("another committee"), "{}", error.text);
    network.settings.count = 2;
    network.restart(1, true).await;
    network.nodes[1].settle().await;
    assert_eq!(network.holders(&root), [0, 1], "once they agree, everything is heard");
}

#[tokio::test]
async fn one_node_cannot_fill_another_ones_disk() {
    let settings = CopySettings { count: 2, peer_bytes: 10_000, ..Default::default() };
    let mut network = Network::with(2, settings).await;
    let first = network.nodes[0].put(&content(3_000, 1), PIN, &TICKETS, 1);
    let second = network.nodes[0].put(&content(3_000, 2), PIN, &TICKETS, 1);
    network.settle().await;
    assert_eq!((network.holders(&first), network.holders(&second)), (vec![0, 1], vec![0]));
    let status = network.nodes[1].copies.status().await.unwrap();
    assert_eq!((status.held_for[0].holds, status.held_for[0].bytes), (1, 7_096));
    assert!(status.errors[0].text.contains("copies.peer_bytes"), "{:?}", status.errors);
    // Room that comes free is used.
    network.nodes[0].store.unpin(&first, &PIN, 5, 5).unwrap();
    network.restart(1, true).await;
    network.nodes[1].settle().await;
    network.restart(1, true).await;
    network.nodes[1].settle().await;
    assert_eq!(network.holders(&second), [0], "a remembered release takes a little, too");
    network.settings.peer_bytes = 12_000;
    network.restart(1, true).await;
    network.nodes[1].settle().await;
    assert_eq!(network.holders(&second), [0, 1]);
}

#[tokio::test]
async fn words_without_their_origins_signature_are_refused() {
    let network = Network::with(2, CopySettings { count: 2, ..Default::default() }).await;
    let root = network.nodes[0].put(&content(300, 1), PIN, &TICKETS, 1);
    let hold = network.nodes[0].store.changes(0, 9, |_| true).unwrap().holds[0];
    // Node 0 keeps a word that node 1 never gave, and one of somebody outside of the committee.
    for (origin, signature) in [(raw(1), [7; 64]), (raw(9), [7; 64])] {
        let forged = yilian_content::Hold { origin: Some(origin), pin: PinKey([5; 33]), signature, ..hold };
        network.nodes[0].store.tell(&[forged], u64::MAX, None, 1).unwrap();
    }
    let node = &network.nodes[1];
    node.copies.poll().await;
    assert_eq!(node.peer(0).record().lies, 1);
    assert_eq!(node.store.stats().unwrap().wanted, 0, "a spoilt page is taken not even in part");
    assert_eq!(network.holders(&root), [0]);
}

#[tokio::test]
async fn a_client_gets_through_any_node_what_lies_at_another_one() {
    let network =
        Network::with(4, CopySettings { count: 1, bytes_per_second: 1 << 40, ..Default::default() }).await;
    let bytes = content(175 * LEAF + 3, 1);
    let root = network.nodes[0].put(&bytes, PIN, &TICKETS, 1);
    let placement = network.nodes[0].copies.placement();
    let asked = (1..4).find(|node| !placement.assigns(&raw(*node), &root)).unwrap();
    let client = reqwest::Client::new();
    let get = async |cid: &Cid| {
        let request = client.get(format!("{}/ipfs/{cid}?format=raw", network.urls[asked]));
        let request = request.header("cookie", "secret-cookie").header("user-agent", "secret-agent");
        request
            .header("x-forwarded-for", "192.0.2.77")
            .header("referer", "http://secret.example/")
            .send()
            .await
    };
    let block = get(&root).await.unwrap().bytes().await.unwrap();
    assert!(root.matches(&block));
    let inner = Tree::decode(&block).unwrap().links[0].cid;
    let block = get(&inner).await.unwrap().bytes().await.unwrap();
    let leaf = Tree::decode(&block).unwrap().links[2].cid;
    let block = get(&leaf).await.unwrap().bytes().await.unwrap();
    assert_eq!(block, bytes[2 * LEAF..3 * LEAF]);
    assert_eq!(get(&Cid::of(Codec::Raw, b"absent")).await.unwrap().status(), 404);
    let car = client.get(format!("{}/ipfs/{root}?format=car", network.urls[asked])).send().await.unwrap();
    let (announced, car) = (car.content_length().unwrap(), car.bytes().await.unwrap());
    assert_eq!(car.len() as u64, announced);
    let (mut verifier, mut whole) = (StreamVerifier::new(root), Vec::new());
    verifier.push(&car, |_, leaf| whole.extend_from_slice(leaf)).unwrap();
    verifier.finish().unwrap();
    assert_eq!(whole, bytes);
    assert_eq!(network.nodes[asked].store.stats().unwrap().objects, 0, "nothing is kept");

    // What the other nodes saw: this node's name and the address, nothing of the client.
    let mut seen = 0;
    for node in (0..4).filter(|node| *node != asked) {
        for request in network.nodes[node].behaviour.asked.lock().unwrap().iter() {
            let (head, body) = request.split_once(" {\"by\":").unwrap();
            assert!(head.starts_with("POST /v1/link/blocks"), "{head}");
            let fields: serde_json::Value = serde_json::from_str(&format!("{{\"by\":{body}")).unwrap();
            let names: Vec<_> = fields.as_object().unwrap().keys().collect();
            assert_eq!(names, ["by", "cid"]);
            assert_eq!(fields["by"]["from"], hex::encode(raw(asked)));
            assert!(!request.contains("secret") && !request.contains("192.0.2.77"), "{request}");
            seen += 1;
        }
    }
    assert!(seen >= 4);
}

#[tokio::test]
async fn lookups_are_verified_and_absent_blocks_are_not_asked_for_again_at_once() {
    let network = Network::with(3, CopySettings { count: 1, ..Default::default() }).await;
    let root = network.nodes[0].put(&content(300, 1), PIN, &TICKETS, 1);
    let absent = Cid::of(Codec::Raw, b"absent");
    for _ in 0..3 {
        assert_eq!(network.nodes[1].copies.lookup(&absent).await, Ok(None));
    }
    let asked = |node: usize| network.nodes[node].behaviour.asked.lock().unwrap().len();
    assert_eq!((asked(0), asked(2)), (1, 1));
    network.nodes[0].behave(FLIPS);
    assert_eq!(network.nodes[1].copies.lookup(&root).await, Ok(None));
    network.nodes[0].behave(HONEST);
    assert_eq!(network.nodes[2].copies.lookup(&root).await.unwrap().unwrap(), content(300, 1));
}
