//! The chain over HTTP. Any node may be asked; what it says about state counts only with a proof under a fresh finalized
//! header (`yilian-finality`), so that a lying node can withhold, not deceive (ADR 0022).

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use commonware_codec::{Copying, Decode as _, Encode as _, Read};
use serde::{Serialize, de::DeserializeOwned};
use tokio::task::JoinSet;
use yilian_api::{
    encoding::{from_base64, from_hex, to_hex},
    ledger::{
        Approval, ApprovalRequest, CommitteeStep, EntryAnswer, MAX_STEPS, SnapshotBody, Submitted,
        TransactionStatus,
    },
    problem::Problem,
};
use yilian_finality::{
    Answer as Proof, FinalityError, Followed, Header, Snapshot, Step, Trust, VerifiedHeader,
    snapshot::MAX_FINALIZATION, verify, verify_answer,
};
use yilian_ledger::{Entry, Name, Time, Transaction, ValidatorKey};

use crate::{
    chain::{Chain, ChainError},
    transport::{Answer, Call, MAX_ANSWER, Method, Pending, Transport},
};

#[derive(Clone)]
pub struct Nodes {
    transport: Arc<dyn Transport>,
    urls: Vec<String>,
    trust: Arc<Mutex<Trust>>,
}

/// Most changes of the committee that are followed at a time: the next question goes on where this one stopped.
const MAX_FOLLOWED: usize = 1024;

impl Nodes {
    /// `urls`: base addresses of nodes' HTTP interfaces.
    pub fn new(transport: Arc<dyn Transport>, urls: &[String], trust: Trust) -> Self {
        let urls = urls.iter().map(|url| url.trim_end_matches('/').to_owned()).collect();
        Self { transport, urls, trust: Arc::new(Mutex::new(trust)) }
    }

    /// The newest committee that was followed; to be kept durably.
    pub fn trust(&self) -> Trust {
        self.lock().clone()
    }

    /// It holds plain data, whole between statements.
    fn lock(&self) -> MutexGuard<'_, Trust> {
        self.trust.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn entry_at(&self, url: &str, name: &Name, now: Time) -> Result<Option<Entry>, ChainError> {
        let lie = |what| ChainError::Lie { url: url.to_owned(), what };
        let answer: EntryAnswer = self.get(url, &format!("/v1/entries/{}", to_hex(&name.0))).await?;
        let snapshot = snapshot(&answer.snapshot).ok_or_else(|| lie("header"))?;
        let header = self.verified(url, &snapshot, now).await?;
        let proof = decode::<Proof>(&answer.answer).ok_or_else(|| lie("proof"))?;
        verify_answer(&header, name, &proof).map_err(|_| lie("proof"))
    }

    /// A fresh header of the newest committee, to which the node may have to lead first.
    async fn verified(
        &self,
        url: &str,
        snapshot: &Snapshot,
        now: Time,
    ) -> Result<VerifiedHeader, ChainError> {
        let first = verify(&self.trust(), snapshot, now);
        let result = match first {
            Err(FinalityError::UnknownCommittee { .. }) => {
                self.follow(url).await?;
                verify(&self.trust(), snapshot, now)
            }
            other => other,
        };
        result.map_err(|error| finality(url, error))
    }

    async fn follow(&self, url: &str) -> Result<(), ChainError> {
        for _ in 0..MAX_FOLLOWED / MAX_STEPS {
            let from = self.trust().epoch().0;
            let steps: Vec<CommitteeStep> =
                self.get(url, &format!("/v1/committees?from={from}&limit={MAX_STEPS}")).await?;
            let mut moved = false;
            for body in steps.iter().take(MAX_STEPS) {
                let malformed = || ChainError::Lie { url: url.to_owned(), what: "committees" };
                let step = step(body).ok_or_else(malformed)?;
                let followed = self.lock().follow(&step).map_err(|error| finality(url, error))?;
                moved |= followed == Followed::New;
            }
            if !moved || steps.len() < MAX_STEPS {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn submit_at(&self, url: &str, body: Vec<u8>) -> Result<TransactionStatus, ChainError> {
        let call = Call {
            method: Method::Post,
            url: format!("{url}/v1/transactions?wait=finalized"),
            content_type: "application/octet-stream",
            body,
        };
        self.call::<Submitted>(url, call).await.map(|submitted| submitted.status)
    }

    async fn get<T: DeserializeOwned>(&self, url: &str, path: &str) -> Result<T, ChainError> {
        let call =
            Call { method: Method::Get, url: format!("{url}{path}"), content_type: "", body: Vec::new() };
        self.call(url, call).await
    }

    async fn post<T: DeserializeOwned>(
        &self,
        url: &str,
        path: &str,
        body: &impl Serialize,
    ) -> Result<T, ChainError> {
        let body = serde_json::to_vec(body).unwrap_or_default();
        let call = Call {
            method: Method::Post,
            url: format!("{url}{path}"),
            content_type: "application/json",
            body,
        };
        self.call(url, call).await
    }

    async fn call<T: DeserializeOwned>(&self, url: &str, call: Call) -> Result<T, ChainError> {
        let lie = |what| ChainError::Lie { url: url.to_owned(), what };
        let Answer { status, body } = self
            .transport
            .send(call)
            .await
            .map_err(|reason| ChainError::Unreachable { url: url.to_owned(), reason })?;
        if body.len() > MAX_ANSWER {
            return Err(lie("more than was asked for"));
        }
        if !(200..300).contains(&status) {
            let problem: Option<Problem> = serde_json::from_slice(&body).ok();
            let (code, detail) = problem.map(|p| (p.code, p.detail)).unwrap_or_default();
            return Err(ChainError::Refused { url: url.to_owned(), status, code, detail });
        }
        serde_json::from_slice(&body).map_err(|_| lie("body"))
    }
}

impl Chain for Nodes {
    /// From the first node whose answer verifies.
    fn entry(&self, name: Name, now: Time) -> Pending<'_, Result<Option<Entry>, ChainError>> {
        Box::pin(async move {
            let mut last = ChainError::None;
            for url in &self.urls {
                match self.entry_at(url, &name, now).await {
                    Ok(entry) => return Ok(entry),
                    Err(error) => last = error,
                }
            }
            Err(last)
        })
    }

    fn committee(&self, now: Time) -> Pending<'_, Result<Vec<ValidatorKey>, ChainError>> {
        Box::pin(async move {
            self.entry(Name::committee(), now).await?;
            Ok(self.lock().committee().raw())
        })
    }

    /// All at once: a dead node must not hold up the others.
    fn approvals(&self, request: ApprovalRequest) -> Pending<'_, Vec<Result<Approval, ChainError>>> {
        Box::pin(async move {
            let mut asked = JoinSet::new();
            for url in self.urls.clone() {
                let (nodes, request) = (self.clone(), request.clone());
                asked.spawn(async move { nodes.post(&url, "/v1/governance/approve", &request).await });
            }
            let mut answers = Vec::new();
            while let Some(joined) = asked.join_next().await {
                answers.extend(joined);
            }
            answers
        })
    }

    /// By the first node that takes it.
    fn submit<'a>(
        &'a self,
        transaction: &'a Transaction,
    ) -> Pending<'a, Result<TransactionStatus, ChainError>> {
        Box::pin(async move {
            let body = transaction.encode().to_vec();
            let mut last = ChainError::None;
            for url in &self.urls {
                match self.submit_at(url, body.clone()).await {
                    Ok(status) => return Ok(status),
                    Err(error) => last = error,
                }
            }
            Err(last)
        })
    }
}

fn decode<T: Read<Cfg = ()>>(text: &str) -> Option<T> {
    T::decode_cfg(Copying(&from_base64(text, MAX_ANSWER).ok()?), &()).ok()
}

fn snapshot(body: &SnapshotBody) -> Option<Snapshot> {
    let finalization = from_base64(&body.finalization, MAX_FINALIZATION).ok()?;
    Some(Snapshot { header: decode::<Header>(&body.header)?, finalization })
}

fn step(body: &CommitteeStep) -> Option<Step> {
    let members = body.members.iter().map(|key| from_hex::<32>(key).ok()).collect::<Option<_>>()?;
    Some(Step { last: snapshot(&body.last)?, members })
}

fn finality(url: &str, error: FinalityError) -> ChainError {
    match error {
        FinalityError::Superseded { .. }
        | FinalityError::UnknownCommittee { .. }
        | FinalityError::Fork { .. }
        | FinalityError::Boundary
        | FinalityError::Members => ChainError::Committee { url: url.to_owned(), error },
        _ => ChainError::Lie { url: url.to_owned(), what: "finalization" },
    }
}
