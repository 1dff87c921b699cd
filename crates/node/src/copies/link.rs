//! The asking end of the link between nodes (spec CC-4, CC-5): HTTP, signed by this node's key, answers bounded and
//! checked.
//!
//! A request says who asks and what; nothing of a client on whose behalf it may be. Blocks are checked against their
//! address here, where the node that gave them is known; pages against the answering node's signature.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use commonware_codec::DecodeExt as _;
use serde::Serialize;
use yilian_api::{
    encoding,
    link::{BlockRequest, HoldsAnswer, HoldsRequest, LinkAuth},
    problem::{Code, Problem},
    signing::{Audience, LinkVerb, Statement},
};
use yilian_content::Place;
use yilian_crypto::{
    Digest,
    sign::{SigningKey, VerifyingKey},
};
use yilian_dag::{Cid, Codec, LEAF, MAX_NODE};

use super::{CopiesError, peers::Peer, placement::NodeKey, word::Page};
use crate::app::now_ms;

const CONNECT_LIMIT: Duration = Duration::from_secs(3);
/// For a request with its whole answer: a leaf at 9 KB a second.
const LIMIT: Duration = Duration::from_secs(30);
/// A page in base64, with room.
const MAX_PAGE: usize = Page::MAX * 4 / 3 + 1024;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LinkError {
    #[error("unreachable: {0}")]
    Unreachable(String),
    #[error("no answer in time")]
    Timeout,
    #[error("refused: {0}")]
    Refused(String),
    #[error("answers with status {0}")]
    Status(u16),
    #[error("the answer is larger than any right one")]
    TooLarge,
    #[error("the answer is not what was asked for")]
    Answer,
    #[error("the answer is not signed by the node")]
    Signature,
    #[error("other bytes than those of {0}")]
    WrongBytes(Cid),
    #[error("no randomness")]
    Randomness,
}

impl LinkError {
    /// Whether no honest node answers so. Without TLS somebody on the way could; either way another one is asked.
    pub fn is_lie(&self) -> bool {
        matches!(self, Self::TooLarge | Self::Answer | Self::Signature | Self::WrongBytes(_))
    }
}

impl From<reqwest::Error> for LinkError {
    fn from(error: reqwest::Error) -> Self {
        if error.is_timeout() {
            return Self::Timeout;
        }
        let error = error.without_url();
        let mut cause: &dyn std::error::Error = &error;
        while let Some(deeper) = cause.source() {
            cause = deeper;
        }
        Self::Unreachable(cause.to_string())
    }
}

#[derive(Debug)]
pub struct Link {
    chain: Digest,
    me: NodeKey,
    signer: SigningKey,
    client: reqwest::Client,
}

impl Link {
    pub fn new(chain: Digest, signer: SigningKey, client: reqwest::Client) -> Self {
        Self { chain, me: *signer.verifying_key().as_bytes(), signer, client }
    }

    /// For the link only: no proxy, no redirects. Servers are believed below the consortium's `roots` (DER) only.
    pub fn client(roots: &[Vec<u8>]) -> Result<reqwest::Client, CopiesError> {
        let tls = yilian_transport::tls::client_config(roots.iter().map(Vec::as_slice))
            .map_err(|error| CopiesError::Tls(error.to_string()))?;
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .connect_timeout(CONNECT_LIMIT)
            .timeout(LIMIT)
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .user_agent(concat!("yilian/", env!("CARGO_PKG_VERSION")));
        Ok(client.build()?)
    }

    pub fn signer(&self) -> &SigningKey {
        &self.signer
    }

    /// What changed in a peer's journal after a place, of what this node is to hold.
    pub async fn holds(&self, peer: &Peer, place: &Place) -> Result<Page, LinkError> {
        let arguments = [&place.journal[..], &place.after.to_be_bytes()].concat();
        let (by, nonce) = self.sign(peer, LinkVerb::Holds, &arguments)?;
        let journal = encoding::to_hex(&place.journal);
        let request = HoldsRequest { by, journal, after: place.after };
        let body = self.ask(peer, "/v1/link/holds", &request, MAX_PAGE).await?;
        let answer: HoldsAnswer = serde_json::from_slice(&body).map_err(|_| LinkError::Answer)?;
        let page = encoding::from_base64(&answer.page, Page::MAX).map_err(|_| LinkError::Answer)?;
        let signature = encoding::signature_from_hex(&answer.signature).map_err(|_| LinkError::Answer)?;
        let key = VerifyingKey::from_bytes(&peer.key).map_err(|_| LinkError::Signature)?;
        let asked = Audience { chain: self.chain, node: self.me };
        Statement::link_answer(&asked, &peer.key, &nonce, &page)
            .verify(&key, &signature)
            .map_err(|_| LinkError::Signature)?;
        Page::decode(Bytes::from(page)).map_err(|_| LinkError::Answer)
    }

    /// A block that is the address's; `None` if the peer does not have it.
    pub async fn block(&self, peer: &Peer, cid: &Cid) -> Result<Option<Bytes>, LinkError> {
        let (by, _) = self.sign(peer, LinkVerb::Block, &cid.to_compact())?;
        let request = BlockRequest { by, cid: cid.to_string() };
        let most = if cid.codec() == Codec::Raw { LEAF } else { MAX_NODE };
        match self.ask(peer, "/v1/link/blocks", &request, most).await {
            Ok(block) if cid.matches(&block) => Ok(Some(block)),
            Ok(_) => Err(LinkError::WrongBytes(*cid)),
            Err(LinkError::Refused(code)) if is_absent(&code) => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn sign(&self, peer: &Peer, verb: LinkVerb, arguments: &[u8]) -> Result<(LinkAuth, [u8; 16]), LinkError> {
        let mut nonce = [0; 16];
        getrandom::fill(&mut nonce).map_err(|_| LinkError::Randomness)?;
        let (audience, time) = (Audience { chain: self.chain, node: peer.key }, now_ms());
        let statement = Statement::link_request(&audience, &self.me, verb, arguments, &nonce, time);
        let by = LinkAuth {
            from: encoding::to_hex(&self.me),
            time,
            nonce: encoding::to_hex(&nonce),
            signature: encoding::signature_to_hex(&statement.sign(&self.signer)),
        };
        Ok((by, nonce))
    }

    /// Posts; gives a good answer's body, at most `most` bytes.
    async fn ask(
        &self,
        peer: &Peer,
        path: &str,
        body: &impl Serialize,
        most: usize,
    ) -> Result<Bytes, LinkError> {
        let mut response = self.client.post(format!("{}{path}", peer.url)).json(body).send().await?;
        let status = response.status();
        let most = if status.is_success() { most } else { 16 << 10 };
        let mut read = BytesMut::new();
        while let Some(chunk) = response.chunk().await? {
            if read.len() + chunk.len() > most {
                return Err(LinkError::TooLarge);
            }
            read.extend_from_slice(&chunk);
        }
        if status.is_success() {
            return Ok(read.freeze());
        }
        let problem = serde_json::from_slice::<Problem>(&read);
        // Only what this version knows goes into logs and status.
        let code = problem.ok().and_then(|problem| Code::parse(&problem.code));
        Err(code.map_or(LinkError::Status(status.as_u16()), |code| LinkError::Refused(code.text().into())))
    }
}

fn is_absent(code: &str) -> bool {
    [Code::ContentUnknown, Code::ContentDamaged].iter().any(|absent| absent.text() == code)
}
