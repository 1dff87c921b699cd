//! A node that lies, played on the wire between a real node and a client: answers of the first node are changed.

use base64::Engine as _;
use serde_json::Value;
use yilian_client::{Client, Host, Network as Nodes, NodeUrl, Request, Response, TransportError};
use yilian_ledger::Time;

use super::cast::World;
use crate::native::NativeHost;

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lie {
    /// One bit of every block of content.
    FlippedContent,
    /// One bit of a bucket's proof.
    ForgedBucket,
    /// The end of a bucket is missing.
    ShortBucket,
    /// Headers and proofs that were good ten minutes ago.
    OldHeader,
}

/// The wire to `node`, tampered with.
#[derive(Clone, Debug)]
pub struct Liar {
    host: NativeHost,
    node: NodeUrl,
    lie: Lie,
}

/// How much the client's clock is ahead of an old header, ms.
const AGE: i64 = 600_000;

impl Liar {
    pub fn at(world: &World, lie: Lie, node: usize) -> Self {
        let host = match lie {
            Lie::OldHeader => world.host.with_clock_shift(AGE),
            _ => world.host.clone(),
        };
        let urls = world.network.urls();
        Self { host, node: NodeUrl::new(&urls[node % urls.len()]), lie }
    }

    /// A client that can ask nobody else.
    pub fn client_alone(self, world: &World) -> Client<Self> {
        let nodes = Nodes::new(vec![self.node.clone()], None);
        Client::new(self, nodes, world.network.genesis().clone())
    }

    /// A client that asks the liar first.
    pub fn client_among_honest(self, world: &World) -> Client<Self> {
        let mut urls: Vec<_> = world.network.urls().iter().map(|url| NodeUrl::new(url)).collect();
        urls.retain(|url| *url != self.node);
        urls.insert(0, self.node.clone());
        Client::new(self, Nodes::new(urls, None), world.network.genesis().clone())
    }

    fn tamper(&self, path: &str, response: &mut Response) {
        let bucket = path.starts_with("/v1/buckets/");
        match self.lie {
            Lie::FlippedContent if path.starts_with("/ipfs/") => {
                if let Some(byte) = response.body.last_mut() {
                    *byte ^= 1;
                }
            }
            Lie::ForgedBucket if bucket => {
                change(response, |bytes| {
                    let middle = bytes.len() / 2;
                    if let Some(byte) = bytes.get_mut(middle) {
                        *byte ^= 1;
                    }
                });
            }
            Lie::ShortBucket if bucket => change(response, |bytes| bytes.truncate(bytes.len() / 2)),
            _ => {}
        }
    }
}

/// Changes the encoded bucket inside an answer.
fn change(response: &mut Response, how: impl FnOnce(&mut Vec<u8>)) {
    let engine = base64::engine::general_purpose::URL_SAFE_NO_PAD;
    let Ok(mut answer) = serde_json::from_slice::<Value>(&response.body) else { return };
    let Some(mut bytes) = answer["bucket"].as_str().and_then(|text| engine.decode(text).ok()) else { return };
    how(&mut bytes);
    answer["bucket"] = Value::from(engine.encode(bytes));
    if let Ok(body) = serde_json::to_vec(&answer) {
        response.body = body;
    }
}

impl Host for Liar {
    async fn request(&self, node: &NodeUrl, request: Request) -> Result<Response, TransportError> {
        let path = request.path.clone();
        let mut response = self.host.request(node, request).await?;
        if *node == self.node && response.status == 200 {
            self.tamper(&path, &mut response);
        }
        Ok(response)
    }

    fn now(&self) -> Time {
        self.host.now()
    }

    fn nonce(&self) -> [u8; 32] {
        self.host.nonce()
    }

    async fn pause(&self, milliseconds: u64) {
        self.host.pause(milliseconds).await;
    }
}
