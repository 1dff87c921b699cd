//! One submission: `POST /v1/transactions?wait=finalized` over connections that stay open, and what became of it.

use yilian_api::{ledger::TransactionStatus, problem::Problem};

use crate::http::{Http, HttpError};

/// Longest answer to a submission, bytes.
const MAX_ANSWER: usize = 64 << 10;

/// Not applied, or not known to be.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Failure {
    /// The stable code of a refusal, before or in a block.
    #[error("{0}")]
    Refused(String),
    #[error("not final within the node's 10 s")]
    NotFinal,
    #[error("an answer that is not understood")]
    Answer,
    #[error("no answer: {0}")]
    Transport(String),
    #[error("not sent: the run's time was over")]
    Unsent,
}

/// The nodes in turn.
#[derive(Clone, Debug)]
pub struct Target {
    http: Http,
    urls: Vec<String>,
}

impl Target {
    pub fn new(http: Http, nodes: &[String]) -> anyhow::Result<Self> {
        anyhow::ensure!(!nodes.is_empty(), "there is no node to submit to");
        let urls = nodes.iter().map(|node| format!("{node}/v1/transactions?wait=finalized")).collect();
        Ok(Self { http, urls })
    }

    /// Sends an encoded transaction to node `index` modulo their number. Returns when it is applied in a final block.
    pub async fn submit(&self, index: usize, transaction: Vec<u8>) -> Result<(), Failure> {
        let url = &self.urls[index % self.urls.len()];
        let content_type = Some("application/octet-stream");
        let sent =
            self.http.exchange(reqwest::Method::POST, url, content_type, transaction, MAX_ANSWER).await;
        let (status, body) = sent.map_err(|error| Failure::Transport(describe(error)))?;
        outcome(status, &body)
    }
}

fn outcome(status: u16, body: &[u8]) -> Result<(), Failure> {
    if !(200..300).contains(&status) {
        let problem = serde_json::from_slice::<Problem>(body).map_err(|_| Failure::Answer)?;
        return Err(Failure::Refused(problem.code));
    }
    match serde_json::from_slice(body).map_err(|_| Failure::Answer)? {
        TransactionStatus::Applied { .. } => Ok(()),
        TransactionStatus::Failed { code, .. } => Err(Failure::Refused(code)),
        TransactionStatus::Pooled => Err(Failure::NotFinal),
    }
}

fn describe(error: HttpError) -> String {
    match error {
        HttpError::Unreachable(_) => "unreachable".into(),
        other => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_applied_transaction_counts() {
        let applied = br#"{"digest":"00","status":"applied","height":3,"time":9}"#;
        assert_eq!(outcome(200, applied), Ok(()));
        let pooled = br#"{"digest":"00","status":"pooled"}"#;
        assert_eq!(outcome(200, pooled), Err(Failure::NotFinal));
        let failed =
            br#"{"digest":"00","status":"failed","height":3,"time":9,"code":"record.exists","detail":"x"}"#;
        assert_eq!(outcome(200, failed), Err(Failure::Refused("record.exists".into())));
        let problem =
            br#"{"type":"about:blank","title":"t","status":503,"code":"transaction.pool","detail":"d"}"#;
        assert_eq!(outcome(503, problem), Err(Failure::Refused("transaction.pool".into())));
        assert_eq!(outcome(200, b"{}"), Err(Failure::Answer));
        assert_eq!(outcome(500, b"no"), Err(Failure::Answer));
    }
}
