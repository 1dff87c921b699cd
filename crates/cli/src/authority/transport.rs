//! The authority's outgoing calls over this process's HTTP client.

use reqwest::Method as Verb;
use yilian_authority::transport::{Answer, Call, MAX_ANSWER, Method, NoAnswer, Pending, Transport};

use crate::http::Http;

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
