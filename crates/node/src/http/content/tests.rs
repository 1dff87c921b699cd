//! The content routes over HTTP requests, on a store in a temporary folder. Payments are judged by a verifier that
//! checks the signature of a ticket's or member's key and counts tickets; the chain's part is tested with payments.
#![allow(clippy::unwrap_used)]

use axum::{
    Router,
    body::Body,
    http::{Method, Request, StatusCode, header},
    response::Response,
};
use futures::future::BoxFuture;
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;
use yilian_api::{
    content::{BYTES_PER_TICKET, PaidTicket, PinRequest, UploadOpened, UploadPayment, UploadRequest},
    encoding::{key_from_hex, key_to_bytes, key_to_hex, signature_from_hex, signature_to_hex},
    problem::{MEDIA_TYPE, Problem},
    signing::{PinVerb, Statement},
};
use yilian_content::{Limits, Paid, Payment, PinKey};
use yilian_crypto::{Digest, Secret, sign::SigningKey};
use yilian_dag::{Cid, Codec, LEAF, Node, StreamVerifier, root_of};

use super::*;
use crate::{app::now_ms, payment::PaymentError};

/// Takes a signing key's wire form for a ticket.
struct Keys;

impl PaymentVerifier for Keys {
    fn verify<'a>(
        &'a self,
        payment: &'a UploadPayment,
        statement: &'a Statement,
        tickets: usize,
    ) -> BoxFuture<'a, Result<Payment, PaymentError>> {
        Box::pin(async move {
            let signed = |key: &str, signature: &str| {
                let key = key_from_hex(key)?;
                let signature = signature_from_hex(signature)?;
                statement.verify(&key, &signature).map_err(|_| PaymentError::Signature)?;
                Ok::<_, PaymentError>(Paid { id: *key.as_bytes(), until: u64::MAX })
            };
            match payment {
                UploadPayment::Member { member, signature } => {
                    signed(member, signature).map(|paid| Payment::Member(paid.id))
                }
                UploadPayment::Tickets { tickets: given } if given.len() != tickets => {
                    Err(PaymentError::Tickets { given: given.len(), price: tickets })
                }
                UploadPayment::Tickets { tickets: given } => {
                    let paid = given.iter().map(|paid| signed(&paid.ticket, &paid.signature));
                    paid.collect::<Result<_, _>>().map(Payment::Tickets)
                }
            }
        })
    }
}

const AUDIENCE: Audience = Audience { chain: Digest([1; 32]), node: [2; 32] };

struct Node1 {
    _folder: tempfile::TempDir,
    content: Content,
    router: Router,
}

/// The machine that tests run on may have little room left.
fn limits() -> Limits {
    Limits { reserve: 0, ..Limits::default() }
}

fn node(limits: Limits) -> Node1 {
    let folder = tempfile::tempdir().unwrap();
    let store = Arc::new(Store::open(folder.path(), limits).unwrap());
    let content = Content::new(store, AUDIENCE, Arc::new(Keys));
    let router = Router::from(router::<Content>().with_state(content.clone()));
    Node1 { _folder: folder, content, router }
}

fn key(seed: u8) -> SigningKey {
    SigningKey::from_seed(Secret::new([seed; 32]))
}

fn content_of(len: usize, seed: u8) -> Vec<u8> {
    (0..len).map(|i| seed ^ (i % 251) as u8 ^ (i / LEAF) as u8).collect()
}

impl Node1 {
    async fn send(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.unwrap()
    }

    async fn json(&self, method: Method, path: &str, body: &impl serde::Serialize) -> Response {
        let request = Request::builder().method(method).uri(path);
        let request = request.header(header::CONTENT_TYPE, "application/json");
        self.send(request.body(serde_json::to_vec(body).unwrap().into()).unwrap()).await
    }

    async fn get(&self, path: &str) -> Response {
        self.send(Request::get(path).body(Body::empty()).unwrap()).await
    }

    async fn leaf(&self, id: &str, leaf: u64, bytes: &[u8]) -> Response {
        let request = Request::put(format!("/v1/uploads/{id}/{leaf}"));
        let request = request.header(header::CONTENT_TYPE, "application/octet-stream");
        self.send(request.body(bytes.to_vec().into()).unwrap()).await
    }

    async fn finish(&self, id: &str) -> Response {
        self.send(Request::post(format!("/v1/uploads/{id}/finish")).body(Body::empty()).unwrap()).await
    }

    async fn open(&self, request: &UploadRequest) -> UploadOpened {
        let response = self.json(Method::POST, "/v1/uploads", request).await;
        assert_eq!(response.status(), StatusCode::OK);
        serde_json::from_slice(&bytes(response).await).unwrap()
    }

    async fn upload(&self, content: &[u8], ticket: u8) -> Cid {
        let opened = self.open(&request(content, ticket)).await;
        for (leaf, part) in content.chunks(LEAF).enumerate() {
            assert_eq!(self.leaf(&opened.id, leaf as u64, part).await.status(), StatusCode::OK);
        }
        assert_eq!(self.finish(&opened.id).await.status(), StatusCode::OK);
        root_of(content).unwrap()
    }

    async fn pin(&self, method: Method, verb: PinVerb, root: &Cid, signer: u8, time: u64) -> Response {
        let signature = Statement::pin(&AUDIENCE, verb, &root.to_string(), time).sign(&key(signer));
        let pin_key = key_to_hex(&key(200).verifying_key());
        let body =
            PinRequest { cid: root.to_string(), pin_key, time, signature: signature_to_hex(&signature) };
        self.json(method, "/v1/pins", &body).await
    }
}

async fn bytes(response: Response) -> Vec<u8> {
    response.into_body().collect().await.unwrap().to_bytes().to_vec()
}

/// The stable code of a refusal, which must be a problem document with the response's status.
async fn code(response: Response) -> String {
    let status = response.status().as_u16();
    assert_eq!(response.headers()[header::CONTENT_TYPE], MEDIA_TYPE);
    let problem: Problem = serde_json::from_slice(&bytes(response).await).unwrap();
    assert_eq!(problem.status, status);
    problem.code
}

/// Paid by one "ticket", pinned by key 200.
fn request(content: &[u8], ticket: u8) -> UploadRequest {
    request_for(&root_of(content).unwrap(), content.len() as u64, &[ticket])
}

/// Paid by a member's signature, pinned by key 200.
fn by_member(content: &[u8]) -> UploadRequest {
    let (root, pin, member) = (root_of(content).unwrap(), key(200).verifying_key(), key(9));
    let statement = Statement::upload(&AUDIENCE, &root.to_string(), content.len() as u64, &pin);
    let payment = UploadPayment::Member {
        member: key_to_hex(&member.verifying_key()),
        signature: signature_to_hex(&statement.sign(&member)),
    };
    UploadRequest { payment, ..request(content, 0) }
}

fn request_for(root: &Cid, bytes: u64, tickets: &[u8]) -> UploadRequest {
    let pin = key(200).verifying_key();
    let statement = Statement::upload(&AUDIENCE, &root.to_string(), bytes, &pin);
    let paid = |seed: &u8| PaidTicket {
        ticket: key_to_hex(&key(*seed).verifying_key()),
        signature: signature_to_hex(&statement.sign(&key(*seed))),
    };
    UploadRequest {
        cid: root.to_string(),
        bytes,
        pin_key: key_to_hex(&pin),
        payment: UploadPayment::Tickets { tickets: tickets.iter().map(paid).collect() },
    }
}

#[tokio::test]
async fn stores_paid_content_and_serves_it_verifiably() {
    let node = node(limits());
    let content = content_of(180 * LEAF + 5, 3);
    let root = root_of(&content).unwrap();
    let opened = node.open(&by_member(&content)).await;
    for (leaf, part) in content.chunks(LEAF).enumerate() {
        let stored = bytes(node.leaf(&opened.id, leaf as u64, part).await).await;
        assert_eq!(serde_json::from_slice::<UploadOpened>(&stored).unwrap().next_leaf, leaf as u64 + 1);
    }
    node.finish(&opened.id).await;

    let response = node.get(&format!("/ipfs/{root}?format=car")).await;
    assert_eq!(response.status(), StatusCode::OK);
    let length: u64 = response.headers()[header::CONTENT_LENGTH].to_str().unwrap().parse().unwrap();
    let stream = bytes(response).await;
    assert_eq!(stream.len() as u64, length);
    let mut verifier = StreamVerifier::with_length(root, content.len() as u64).unwrap();
    let mut got = Vec::new();
    verifier.push(&stream, |_, leaf| got.extend_from_slice(leaf)).unwrap();
    verifier.finish().unwrap();
    assert_eq!(got, content);

    let block = bytes(node.get(&format!("/ipfs/{root}?format=raw")).await).await;
    assert!(root.matches(&block));
    let inner = Node::decode(&block).unwrap().links[0].cid;
    let block = bytes(node.get(&format!("/ipfs/{inner}?format=raw")).await).await;
    let leaf = Node::decode(&block).unwrap().links[1].cid;
    assert_eq!(bytes(node.get(&format!("/ipfs/{leaf}?format=raw")).await).await, content[LEAF..2 * LEAF]);
}

#[tokio::test]
async fn gateway_answers_are_cacheable_and_never_rendered() {
    let node = node(limits());
    let content = content_of(100, 1);
    let root = node.upload(&content, 1).await;
    let response = node.get(&format!("/ipfs/{root}?format=raw")).await;
    let header = |name| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("content-type"), "application/vnd.ipld.raw");
    assert_eq!(header("etag"), format!("\"{root}.raw\""));
    assert_eq!(header("cache-control"), "public, max-age=29030400, immutable");
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("content-disposition").starts_with("attachment"));
    assert_eq!(bytes(response).await, content);

    let held = Request::get(format!("/ipfs/{root}?format=raw"))
        .header(header::IF_NONE_MATCH, format!("\"{root}.raw\""));
    let response = node.send(held.body(Body::empty()).unwrap()).await;
    assert_eq!(response.status(), StatusCode::NOT_MODIFIED);
    assert!(bytes(response).await.is_empty());

    let accept =
        Request::get(format!("/ipfs/{root}")).header(header::ACCEPT, "application/vnd.ipld.car; version=1");
    let response = node.send(accept.body(Body::empty()).unwrap()).await;
    let kind = "application/vnd.ipld.car; version=1; order=dfs; dups=y";
    assert_eq!(response.headers()[header::CONTENT_TYPE], kind);
    let mut verifier = StreamVerifier::new(root);
    verifier.push(&bytes(response).await, |_, leaf| assert_eq!(leaf, content)).unwrap();
    verifier.finish().unwrap();
}

#[tokio::test]
async fn gateway_refuses_what_it_cannot_prove() {
    let node = node(limits());
    let content = content_of(3 * LEAF, 1);
    let root = node.upload(&content, 1).await;
    let absent = Cid::of(Codec::Raw, b"absent");
    let refusals = [
        (format!("/ipfs/{root}"), "content.format"),
        (format!("/ipfs/{root}?format=tar"), "content.format"),
        (format!("/ipfs/{absent}?format=raw"), "content.unknown"),
        (format!("/ipfs/{absent}?format=car"), "content.unknown"),
        ("/ipfs/hello?format=raw".into(), "content.cid"),
        ("/ipfs/QmdfTbBqBPQ7VNxZEYEj14VmRuZBkqFbiwReogJgS1zR1n?format=raw".into(), "content.cid"),
        (format!("/ipfs/{root}?format=car&dag-scope=some"), "request.query"),
    ];
    for (path, expected) in refusals {
        assert_eq!(code(node.get(&path).await).await, expected, "{path}");
    }
    let single = bytes(node.get(&format!("/ipfs/{root}?format=car&dag-scope=block")).await).await;
    let mut verifier = StreamVerifier::new(root);
    verifier.push(&single, |_, _| panic!("no leaf")).unwrap();
    assert!(verifier.finish().is_err());
}

#[tokio::test]
async fn damaged_content_is_refused_by_block_and_ends_a_download_early() {
    let node = node(limits());
    let content = content_of(9 * LEAF, 1);
    let root = node.upload(&content, 1).await;
    let shard = format!("{:02x}", root.digest()[0]);
    let file = node._folder.path().join("objects").join(shard).join(root.to_string());
    let mut damaged = content.clone();
    damaged[7 * LEAF + 9] ^= 1;
    std::fs::write(file, &damaged).unwrap();
    let leaf = Cid::of(Codec::Raw, &content[7 * LEAF..8 * LEAF]);
    assert_eq!(code(node.get(&format!("/ipfs/{leaf}?format=raw")).await).await, "content.damaged");
    let response = node.get(&format!("/ipfs/{root}?format=car")).await;
    assert!(response.into_body().collect().await.is_err(), "the stream breaks instead of ending");
}

#[tokio::test]
async fn refuses_uploads_that_are_not_paid_or_paid_for_something_else() {
    let node = node(limits());
    let content = content_of(100, 1);
    let root = root_of(&content).unwrap();
    let post = |request: UploadRequest| {
        let node = &node;
        async move { code(node.json(Method::POST, "/v1/uploads", &request).await).await }
    };
    assert_eq!(post(request_for(&root, 100, &[])).await, "payment.tickets");
    assert_eq!(post(request_for(&root, 100, &[1, 2])).await, "payment.tickets");
    assert_eq!(post(request_for(&root, BYTES_PER_TICKET + 1, &[1])).await, "payment.tickets");
    let other = request_for(&root_of(b"other").unwrap(), 100, &[1]);
    assert_eq!(post(UploadRequest { cid: root.to_string(), ..other }).await, "payment.signature");
    let longer = UploadRequest { bytes: 101, ..request(&content, 1) };
    assert_eq!(post(longer).await, "payment.signature");
    let pin_key = key_to_hex(&key(77).verifying_key());
    assert_eq!(post(UploadRequest { pin_key, ..request(&content, 1) }).await, "payment.signature");
    node.upload(&content, 1).await;
    assert_eq!(post(request(&content_of(50, 2), 1)).await, "payment.spent");
}

#[tokio::test]
async fn refuses_malformed_and_oversize_requests() {
    let node = node(Limits { object: 1 << 20, ..limits() });
    let content = content_of(LEAF + 9, 1);
    let good = request(&content, 1);
    let post = |request: UploadRequest| {
        let node = &node;
        async move { code(node.json(Method::POST, "/v1/uploads", &request).await).await }
    };
    assert_eq!(post(UploadRequest { cid: "x".repeat(1000), ..good.clone() }).await, "content.cid");
    assert_eq!(post(UploadRequest { pin_key: "00".into(), ..good.clone() }).await, "request.field");
    assert_eq!(post(UploadRequest { bytes: (1 << 20) + 1, ..good.clone() }).await, "content.too-large");
    assert_eq!(post(UploadRequest { bytes: u64::MAX, ..good.clone() }).await, "content.too-large");
    let body = vec![b' '; (4 << 20) + 1];
    let huge = Request::post("/v1/uploads").header(header::CONTENT_TYPE, "application/json");
    assert_eq!(code(node.send(huge.body(body.into()).unwrap()).await).await, "request.too-large");

    let opened = node.open(&good).await;
    let leaf = |n: u64, bytes: Vec<u8>| {
        let (node, id) = (&node, &opened.id);
        async move { code(node.leaf(id, n, &bytes).await).await }
    };
    assert_eq!(leaf(0, vec![0; LEAF + 1]).await, "request.too-large");
    assert_eq!(leaf(0, vec![0; 5]).await, "upload.leaf-size");
    assert_eq!(leaf(1, vec![0; 9]).await, "upload.leaf-order");
    assert_eq!(leaf(u64::MAX, vec![0; 9]).await, "upload.leaf-order");
    assert_eq!(code(node.finish(&opened.id).await).await, "upload.incomplete");
    assert_eq!(code(node.finish(&"00".repeat(16)).await).await, "upload.unknown");
    assert_eq!(code(node.finish("zz").await).await, "request.path");
    assert_eq!(code(node.get(&format!("/v1/uploads/{}", "11".repeat(16))).await).await, "upload.unknown");
    assert_eq!(code(node.leaf("zz", 0, b"").await).await, "request.path");
    // The upload stands where it stood.
    let status = bytes(node.get(&format!("/v1/uploads/{}", opened.id)).await).await;
    assert_eq!(serde_json::from_slice::<UploadOpened>(&status).unwrap().next_leaf, 0);
}

#[tokio::test]
async fn refuses_content_whose_bytes_are_not_its_cid() {
    let node = node(limits());
    let content = content_of(2 * LEAF, 1);
    let mut bad = content.clone();
    bad[5] ^= 1;
    let opened = node.open(&request(&content, 1)).await;
    for (leaf, part) in bad.chunks(LEAF).enumerate() {
        node.leaf(&opened.id, leaf as u64, part).await;
    }
    assert_eq!(code(node.finish(&opened.id).await).await, "upload.root");
    for cid in [root_of(&content).unwrap(), root_of(&bad).unwrap()] {
        assert_eq!(code(node.get(&format!("/ipfs/{cid}?format=raw")).await).await, "content.unknown");
    }
}

#[tokio::test]
async fn resumes_with_the_same_request_and_ends_as_complete() {
    let node = node(limits());
    let content = content_of(2 * LEAF, 1);
    let first = node.open(&request(&content, 1)).await;
    node.leaf(&first.id, 0, &content[..LEAF]).await;
    let again = node.open(&request(&content, 1)).await;
    assert_eq!((again.id.as_str(), again.next_leaf, again.complete), (first.id.as_str(), 1, false));
    node.leaf(&first.id, 1, &content[LEAF..]).await;
    node.finish(&first.id).await;
    let done = node.open(&request(&content, 1)).await;
    assert!(done.complete && done.id.is_empty());
}

#[tokio::test]
async fn bounds_open_uploads_and_space() {
    let node = node(Limits { total: 1000, uploads: 1, ..limits() });
    let post = |request: UploadRequest| {
        let node = &node;
        async move { code(node.json(Method::POST, "/v1/uploads", &request).await).await }
    };
    assert_eq!(post(request(&content_of(1001, 1), 1)).await, "content.store-full");
    node.open(&request(&content_of(500, 1), 1)).await;
    assert_eq!(post(request(&content_of(100, 2), 2)).await, "content.uploads-full");
}

#[tokio::test]
async fn a_members_allowance_is_of_bytes_a_day_and_its_pins_end() {
    let settings = ContentSettings { member_pin_days: 2, member_bytes_per_day: 10_000, ..Default::default() };
    let node = node(settings.limits());
    let opened = node.open(&by_member(&content_of(100, 1))).await;
    node.leaf(&opened.id, 0, &content_of(100, 1)).await;
    node.finish(&opened.id).await;
    let refused = node.json(Method::POST, "/v1/uploads", &by_member(&content_of(6_000, 2))).await;
    assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(code(refused).await, "payment.allowance");
    // Tickets are not concerned.
    node.upload(&content_of(6_000, 3), 1).await;
    let (store, days) = (node.content.store(), 24 * 3_600_000);
    assert_eq!(store.collect(now_ms() + days, 0).unwrap().objects, 0);
    assert_eq!(store.collect(now_ms() + 2 * days, 0).unwrap().bytes, 100);
}

#[tokio::test]
async fn only_the_pin_key_releases_and_each_request_counts_once() {
    let node = node(limits());
    let root = node.upload(&content_of(100, 1), 1).await;
    let now = now_ms();
    let unpin = |signer, time| node.pin(Method::DELETE, PinVerb::Unpin, &root, signer, time);
    assert_eq!(code(unpin(9, now).await).await, "request.unauthorized");
    assert_eq!(
        code(unpin(200, now - 10 * yilian_api::mailbox::REQUEST_WINDOW_MS).await).await,
        "request.expired"
    );
    let swapped = node.pin(Method::DELETE, PinVerb::Pin, &root, 200, now).await;
    assert_eq!(code(swapped).await, "request.unauthorized", "a signed `pin` is no `unpin`");
    assert_eq!(unpin(200, now).await.status(), StatusCode::NO_CONTENT);
    let again = node.pin(Method::POST, PinVerb::Pin, &root, 200, now + 1).await;
    assert_eq!(again.status(), StatusCode::NO_CONTENT);
    assert_eq!(code(unpin(200, now).await).await, "request.replayed");
    let pin = PinKey(key_to_bytes(&key(200).verifying_key()));
    assert!(node.content.store().is_pinned_by(&root, &pin).unwrap());
    let absent = Cid::of(Codec::Raw, b"absent");
    let unknown = node.pin(Method::DELETE, PinVerb::Unpin, &absent, 200, now).await;
    assert_eq!(code(unknown).await, "content.unknown");
}

#[tokio::test]
async fn a_stranger_cannot_pin_what_it_did_not_pay_for() {
    let node = node(limits());
    let content = content_of(100, 1);
    let root = root_of(&content).unwrap();
    node.content.store().put(content.as_slice(), &PinKey([3; 33]), 0).unwrap();
    let response = node.pin(Method::POST, PinVerb::Pin, &root, 200, now_ms()).await;
    assert_eq!(code(response).await, "pin.unknown");
}

#[tokio::test]
async fn downloads_are_bounded_in_number() {
    let node = node(limits());
    let content = content_of(40 * LEAF, 1);
    let root = node.content.store().put(content.as_slice(), &PinKey([3; 33]), 0).unwrap();
    let path = format!("/ipfs/{root}?format=car");
    let mut held = Vec::new();
    for _ in 0..DOWNLOADS {
        let response = node.get(&path).await;
        assert_eq!(response.status(), StatusCode::OK);
        held.push(response);
    }
    assert_eq!(code(node.get(&path).await).await, "content.busy");
    drop(held);
    tokio::time::sleep(Duration::from_millis(200)).await;
    assert_eq!(node.get(&path).await.status(), StatusCode::OK);
}
