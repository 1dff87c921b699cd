//! The one function that sends, and a typed wrapper for each endpoint of `yilian-api`. Flows above never see JSON.

pub mod authority;
pub mod backup;
pub mod content;
pub mod ledger;
pub mod mailbox;

use serde::{Serialize, de::DeserializeOwned};
use yilian_api::problem::Problem;

use crate::{
    error::{Lie, NodeFault},
    host::{Host, Method, NodeUrl, Request, Response},
};

const JSON: &str = "application/json";
const OCTETS: &str = "application/octet-stream";

/// Longest text of a node that is passed on, bytes.
const MAX_DETAIL: usize = 500;

/// One exchange with a node: bytes of a 2xx answer, or the fault.
pub(crate) async fn send<H: Host>(
    host: &H,
    node: &NodeUrl,
    method: Method,
    path: String,
    body: Body<'_>,
) -> Result<Vec<u8>, NodeFault> {
    let (content_type, body) = match body {
        Body::Empty => (None, Vec::new()),
        Body::Json(json) => (Some(JSON), json),
        Body::Bytes(bytes) => (Some(OCTETS), bytes.to_vec()),
    };
    let request = Request { method, path, content_type, body };
    let response = host.request(node, request).await.map_err(NodeFault::Transport)?;
    if (200..300).contains(&response.status) { Ok(response.body) } else { Err(problem(&response)) }
}

pub(crate) enum Body<'a> {
    Empty,
    Json(Vec<u8>),
    Bytes(&'a [u8]),
}

fn json<T: Serialize>(value: &T) -> Body<'static> {
    Body::Json(serde_json::to_vec(value).expect("bodies of the API have string keys only"))
}

fn parse<T: DeserializeOwned>(body: &[u8]) -> Result<T, NodeFault> {
    serde_json::from_slice(body).map_err(|_| malformed())
}

fn malformed() -> NodeFault {
    NodeFault::Lied(Lie::Malformed)
}

async fn get<H: Host, T: DeserializeOwned>(host: &H, node: &NodeUrl, path: String) -> Result<T, NodeFault> {
    parse(&send(host, node, Method::Get, path, Body::Empty).await?)
}

async fn post<H: Host, B: Serialize, T: DeserializeOwned>(
    host: &H,
    node: &NodeUrl,
    path: String,
    body: &B,
) -> Result<T, NodeFault> {
    parse(&send(host, node, Method::Post, path, json(body)).await?)
}

/// For routes that answer 204.
async fn tell<H: Host, B: Serialize>(
    host: &H,
    node: &NodeUrl,
    method: Method,
    path: String,
    body: &B,
) -> Result<(), NodeFault> {
    send(host, node, method, path, json(body)).await.map(drop)
}

fn problem(response: &Response) -> NodeFault {
    let status = response.status;
    match serde_json::from_slice::<Problem>(&response.body) {
        Ok(problem) => NodeFault::Problem {
            status,
            code: clip(problem.code),
            detail: clip(if problem.detail.is_empty() { problem.title } else { problem.detail }),
        },
        Err(_) => NodeFault::Problem { status, code: "http".into(), detail: format!("HTTP status {status}") },
    }
}

fn clip(mut text: String) -> String {
    let mut end = text.len().min(MAX_DETAIL);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.truncate(end);
    text
}
