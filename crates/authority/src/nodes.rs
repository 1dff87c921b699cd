//! The chain as the authority sees it: proved entries, approvals that verify, submissions (spec T-11, T-12).
//!
//! Any node may be asked; what it says about state counts only with a proof under a fresh finalized header, what it signs only
//! if it verifies under its place in the committee.

use std::sync::Arc;

use commonware_codec::{Copying, Decode as _, Encode as _, Read};
use serde::{Serialize, de::DeserializeOwned};
use tokio::task::JoinSet;
use yilian_api::{
    encoding::{from_base64, key_to_hex, signature_from_hex, signature_to_hex, to_base64, to_hex},
    ledger::{Approval, ApprovalRequest, EntryAnswer, Submitted, TransactionStatus},
    problem::Problem,
    signing::Statement,
};
use yilian_crypto::{
    Label,
    certificate::Level,
    sign::{Signature, VerifyingKey},
};
use yilian_finality::{Answer as Proof, Header, Snapshot, snapshot::MAX_FINALIZATION, verify, verify_answer};
use yilian_ledger::{
    ChainId, Entry, Genesis, Kind, Name, Time, Transaction,
    member::MemberEntry,
    name::MemberId,
    transaction::{Action, Governance},
};

use crate::{
    AuthorityError, Issuer, Standing,
    transport::{Answer, Call, MAX_ANSWER, Method, NoAnswer, Transport},
};

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum NodesError {
    #[error("no node is configured")]
    None,
    #[error("{url}: {reason}")]
    Unreachable { url: String, reason: NoAnswer },
    #[error("{url} refuses with {status} {code}: {detail}")]
    Refused { url: String, status: u16, code: String, detail: String },
    #[error("{url} answers what does not verify: {what}")]
    Lie { url: String, what: &'static str },
    #[error("{got} of {committee} validators approve, more than two thirds are needed; last: {last}")]
    Approvals { got: usize, committee: usize, last: String },
    #[error("the transaction was included and failed: {code}")]
    Failed { code: String },
}

#[derive(Clone)]
pub struct Nodes {
    transport: Arc<dyn Transport>,
    urls: Vec<String>,
    genesis: Arc<Genesis>,
    chain: ChainId,
}

impl Nodes {
    /// `urls`: base addresses of validators' HTTP interfaces.
    pub fn new(transport: Arc<dyn Transport>, urls: &[String], genesis: Genesis) -> Self {
        let chain = genesis.chain_id();
        let urls = urls.iter().map(|url| url.trim_end_matches('/').to_owned()).collect();
        Self { transport, urls, genesis: Arc::new(genesis), chain }
    }

    /// The proved entry of a name, `None` if it is proved absent; from the first node whose answer verifies.
    pub async fn entry(&self, name: &Name, now: Time) -> Result<Option<Entry>, NodesError> {
        let mut last = NodesError::None;
        for url in &self.urls {
            match self.entry_at(url, name, now).await {
                Ok(entry) => return Ok(entry),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn entry_at(&self, url: &str, name: &Name, now: Time) -> Result<Option<Entry>, NodesError> {
        let lie = |what| NodesError::Lie { url: url.to_owned(), what };
        let answer: EntryAnswer = self.get(url, &format!("/v1/entries/{}", to_hex(&name.0))).await?;
        let snapshot = Snapshot {
            header: decode::<Header>(&answer.snapshot.header).ok_or_else(|| lie("header"))?,
            finalization: from_base64(&answer.snapshot.finalization, MAX_FINALIZATION)
                .map_err(|_| lie("finalization"))?,
        };
        let header = verify(&self.genesis, &snapshot, now).map_err(|_| lie("finalization"))?;
        let proof = decode::<Proof>(&answer.answer).ok_or_else(|| lie("proof"))?;
        verify_answer(&header, name, &proof).map_err(|_| lie("proof"))
    }

    /// Whether a member is certified now. Its level is not in its id, so levels are tried from the bottom.
    pub async fn standing(
        &self,
        id: MemberId,
        now: Time,
    ) -> Result<Result<Standing, AuthorityError>, NodesError> {
        for level in [Level::Practitioner, Level::Institution, Level::Intermediate] {
            if let Some(member) = self.member(&id.name(Kind::from(level)), now).await? {
                return Ok(Standing::of(&self.with_issuers(member, now).await?, now));
            }
        }
        Ok(Err(AuthorityError::MemberUnknown))
    }

    async fn with_issuers(&self, member: MemberEntry, now: Time) -> Result<Vec<MemberEntry>, NodesError> {
        let mut chain = vec![member];
        // Levels descend, so there are at most three steps.
        while let Some(name) = chain.last().and_then(MemberEntry::issuer_name) {
            let Some(issuer) = self.member(&name, now).await? else { break };
            chain.push(issuer);
        }
        Ok(chain)
    }

    async fn member(&self, name: &Name, now: Time) -> Result<Option<MemberEntry>, NodesError> {
        match self.entry(name, now).await? {
            Some(Entry::Member(member)) => Ok(Some(member)),
            _ => Ok(None),
        }
    }

    /// Has the validators sign an action; enough of them make a transaction.
    pub async fn approve(
        &self,
        issuer: &Issuer,
        action: Action,
        valid_until: Time,
    ) -> Result<Transaction, NodesError> {
        let request = approval_request(self.chain, issuer, &action, valid_until);
        let mut asked = JoinSet::new();
        for url in self.urls.clone() {
            let (nodes, request) = (self.clone(), request.clone());
            asked.spawn(async move {
                let approval: Approval = nodes.post(&url, "/v1/governance/approve", &request).await?;
                Ok((url, approval))
            });
        }
        let (mut signatures, mut last) = (std::collections::BTreeMap::new(), NodesError::None);
        while let Some(joined) = asked.join_next().await {
            let Ok(answer) = joined else { continue };
            match answer.and_then(|(url, approval)| self.check(&url, &approval, &action, valid_until)) {
                Ok((index, signature)) => drop(signatures.insert(index, signature)),
                Err(error) => last = error,
            }
        }
        let (got, committee) = (signatures.len(), self.genesis.committee.len());
        if got * 3 <= committee * 2 {
            return Err(NodesError::Approvals { got, committee, last: last.to_string() });
        }
        Ok(Governance::transaction(self.chain, action, valid_until, signatures.into_iter().collect()))
    }

    fn check(
        &self,
        url: &str,
        approval: &Approval,
        action: &Action,
        valid_until: Time,
    ) -> Result<(u16, Signature), NodesError> {
        let lie = || NodesError::Lie { url: url.to_owned(), what: "approval" };
        let key = self.genesis.committee.get(usize::from(approval.index)).ok_or_else(lie)?;
        let key = VerifyingKey::from_bytes(key).map_err(|_| lie())?;
        let signature = signature_from_hex(&approval.signature).map_err(|_| lie())?;
        let parts = [self.chain.0.as_ref(), &action.encode(), &valid_until.encode()];
        key.verify(Label::Governance, &parts, &signature).map_err(|_| lie())?;
        Ok((approval.index, signature))
    }

    /// Submits by the first node that takes it and waits for finality as long as the node does.
    pub async fn submit(&self, transaction: &Transaction) -> Result<TransactionStatus, NodesError> {
        let body = transaction.encode().to_vec();
        let mut last = NodesError::None;
        for url in &self.urls {
            let call = Call {
                method: Method::Post,
                url: format!("{url}/v1/transactions?wait=finalized"),
                content_type: "application/octet-stream",
                body: body.clone(),
            };
            match self.call::<Submitted>(url, call).await.map(|submitted| submitted.status) {
                Ok(TransactionStatus::Failed { code, .. }) => return Err(NodesError::Failed { code }),
                Ok(status) => return Ok(status),
                Err(error) => last = error,
            }
        }
        Err(last)
    }

    async fn get<T: DeserializeOwned>(&self, url: &str, path: &str) -> Result<T, NodesError> {
        let call =
            Call { method: Method::Get, url: format!("{url}{path}"), content_type: "", body: Vec::new() };
        self.call(url, call).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        url: &str,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, NodesError> {
        let body = serde_json::to_vec(body).unwrap_or_default();
        let call = Call {
            method: Method::Post,
            url: format!("{url}{path}"),
            content_type: "application/json",
            body,
        };
        self.call(url, call).await
    }

    async fn call<T: DeserializeOwned>(&self, url: &str, call: Call) -> Result<T, NodesError> {
        let lie = |what| NodesError::Lie { url: url.to_owned(), what };
        let Answer { status, body } = self
            .transport
            .send(call)
            .await
            .map_err(|reason| NodesError::Unreachable { url: url.to_owned(), reason })?;
        if body.len() > MAX_ANSWER {
            return Err(lie("too much"));
        }
        if !(200..300).contains(&status) {
            let problem: Option<Problem> = serde_json::from_slice(&body).ok();
            let (code, detail) = problem.map(|p| (p.code, p.detail)).unwrap_or_default();
            return Err(NodesError::Refused { url: url.to_owned(), status, code, detail });
        }
        serde_json::from_slice(&body).map_err(|_| lie("body"))
    }
}

/// A root signs as a key that nodes know; others name their member.
fn approval_request(chain: ChainId, issuer: &Issuer, action: &Action, valid_until: Time) -> ApprovalRequest {
    let encoded = action.encode();
    let root = issuer.certificate().contents().level == Level::Root;
    ApprovalRequest {
        action: to_base64(&encoded),
        valid_until: valid_until.0,
        key: key_to_hex(&issuer.key().verifying_key()),
        member: (!root).then(|| to_hex(&issuer.id().0.0)),
        signature: signature_to_hex(
            &Statement::approval_request(&chain.0, &encoded, valid_until.0).sign(issuer.key()),
        ),
    }
}

fn decode<T: Read<Cfg = ()>>(text: &str) -> Option<T> {
    T::decode_cfg(Copying(&from_base64(text, MAX_ANSWER).ok()?), &()).ok()
}
