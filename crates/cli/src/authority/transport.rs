//! The authority's way to the chain: its outgoing calls over this process's HTTP client.

use std::sync::Arc;

use reqwest::Method as Verb;
use yilian_api::ledger::TransactionStatus;
use yilian_authority::{
    Chain, Nodes,
    transport::{Answer, Call, MAX_ANSWER, Method, NoAnswer, Pending, Transport},
};
use yilian_ledger::{Genesis, Transaction};

use crate::{failure::Refused, http::Http, trust::Trust};

/// The chain as these nodes prove it.
pub fn chain(urls: &[String], genesis: Genesis, trust: &Trust) -> anyhow::Result<Arc<dyn Chain>> {
    Ok(Arc::new(Nodes::new(Arc::new(HttpTransport(Http::new(trust)?)), urls, genesis)))
}

/// Submits, and waits until the ledger has applied it.
pub async fn submit(chain: &dyn Chain, transaction: &Transaction) -> anyhow::Result<()> {
    match chain.submit(transaction).await? {
        TransactionStatus::Applied { .. } => Ok(()),
        TransactionStatus::Failed { code, detail, .. } => Err(Refused { code, message: detail }.into()),
        TransactionStatus::Pooled => {
            anyhow::bail!(
                "the chain has the transaction, but it is not final yet; look again in some seconds"
            )
        }
    }
}

/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct HttpTransport(pub Http);

impl Transport for HttpTransport {
    fn send(&self, call: Call) -> Pending<'_, Result<Answer, NoAnswer>> {
        Box::pin(async move {
            let verb = match call.method {
                Method::Get => Verb::GET,
                Method::Post => Verb::POST,
            };
            let content_type = (!call.content_type.is_empty()).then_some(call.content_type);
            let answered = self.0.exchange(verb, &call.url, content_type, call.body, MAX_ANSWER).await;
            let (status, body) = answered.map_err(|error| NoAnswer(error.to_string()))?;
            Ok(Answer { status, body })
        })
    }
}
