//! Content at several whole nodes: paid for at one, copied, served by all, fetched again by a node that lost its disk.

use commonware_codec::Encode as _;
use yilian_api::{
    content::{PaidTicket, UploadOpened, UploadPayment, UploadRequest},
    encoding,
    signing::Statement,
};
use yilian_crypto::sign::SigningKey;
use yilian_dag::{Cid, LEAF, root_of};
use yilian_node::{Node, NodeConfig, copies::status::ContentStatus};

use crate::support::{NODES, Network, refused, until};

pub async fn content_is_copied_and_comes_back_to_a_lost_disk(network: &mut Network) {
    let content: Vec<u8> = (0..2 * LEAF + 77).map(|i| (i % 253) as u8).collect();
    let root = upload(network, &content).await;
    // Three copies, and every node serves it whether it has one or not.
    until(async || holders(network, &root).await.len() >= 3).await;
    for node in 0..NODES {
        let block = network.get(node, &format!("/ipfs/{root}?format=raw")).await;
        assert!(root.matches(&block.bytes().await.unwrap()), "node {node}");
    }
    let stranger = network.post(0, "/v1/link/holds", &stranger(network)).await;
    refused(stranger, 401, "request.unauthorized").await;

    let held = holders(network, &root).await;
    let lost = *held.iter().find(|node| **node != 0).unwrap();
    network.nodes[lost].take().unwrap().shutdown().await;
    std::fs::remove_dir_all(network.dirs[lost].join("content")).unwrap();
    network.nodes[lost] = Some(Node::start(NodeConfig::load(&network.dirs[lost]).unwrap()).await.unwrap());
    until(async || holders(network, &root).await == held).await;
    let status = status(network, lost).await;
    assert_eq!((status.objects, status.wanted, status.healed_objects), (1, 0, 1), "{:?}", status.errors);
    assert_eq!(status.held_for[0].origin, encoding::to_hex(&network.genesis.committee[0]));
}

async fn upload(network: &mut Network, content: &[u8]) -> Cid {
    let root = root_of(content).unwrap();
    let pin = SigningKey::generate(&mut network.rng).verifying_key();
    let (ticket, audience) = (network.ticket(), network.audience(0));
    let statement = Statement::upload(&audience, &root.to_string(), content.len() as u64, &pin);
    let paid = PaidTicket {
        ticket: encoding::to_base64(&ticket.ticket.encode()),
        signature: encoding::signature_to_hex(&statement.sign(&ticket.one_time)),
    };
    let request = UploadRequest {
        cid: root.to_string(),
        bytes: content.len() as u64,
        pin_key: encoding::key_to_hex(&pin),
        payment: UploadPayment::Tickets { tickets: vec![paid] },
    };
    let opened: UploadOpened = network.post(0, "/v1/uploads", &request).await.json().await.unwrap();
    for (leaf, part) in content.chunks(LEAF).enumerate() {
        let url = network.url(0, &format!("/v1/uploads/{}/{leaf}", opened.id));
        let put = network.client.put(url).header("content-type", "application/octet-stream");
        assert_eq!(put.body(part.to_vec()).send().await.unwrap().status(), 200);
    }
    let finish = network.url(0, &format!("/v1/uploads/{}/finish", opened.id));
    assert_eq!(network.client.post(finish).send().await.unwrap().status(), 200);
    root
}

/// Asks each node's operator.
async fn status(network: &Network, node: usize) -> ContentStatus {
    let client = reqwest::Client::builder().unix_socket(network.dirs[node].join("operator/socket"));
    let response = client.build().unwrap().get("http://node/content/status").send().await.unwrap();
    response.json().await.unwrap()
}

async fn holders(network: &Network, root: &Cid) -> Vec<usize> {
    let mut holders = Vec::new();
    for (node, dir) in network.dirs.iter().enumerate() {
        let shard = format!("{:02x}", root.digest()[0]);
        let file = dir.join("content/objects").join(shard).join(root.to_string());
        if file.exists() && status(network, node).await.wanted == 0 {
            holders.push(node);
        }
    }
    holders
}

fn stranger(network: &Network) -> yilian_api::link::HoldsRequest {
    let by = yilian_api::link::LinkAuth {
        from: encoding::to_hex(&[7; 32]),
        time: crate::support::now(),
        nonce: encoding::to_hex(&[1; 16]),
        signature: encoding::signature_to_hex(
            &SigningKey::from_seed(yilian_crypto::Secret::new([9; 32]))
                .sign(yilian_crypto::Label::NodeLink, &[&network.genesis.chain_id().0.0]),
        ),
    };
    yilian_api::link::HoldsRequest { by, journal: encoding::to_hex(&[0; 16]), after: 0 }
}
