//! The trustless gateway (spec CS-14): verifiable answers only, a block or an object's CAR, unchanging for ever.

use std::{io, sync::Arc, time::Duration};

use axum::{
    body::Body,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};
use bytes::Bytes;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use yilian_api::problem::{Code, Problem};
use yilian_content::{Object, Store, StoreError};
use yilian_dag::{Cid, Codec, car};

use super::{
    Content,
    negotiation::{self, CAR, Format, RAW},
    parse_cid, problem,
};
use crate::http::{
    error::{ApiError, ApiResult},
    extract::{Path, Query},
};

/// How long a client may leave a piece of a download waiting.
const STALL: Duration = Duration::from_secs(30);
/// Blocks read at a time, and pieces waiting: together below 3 MiB a download.
const BATCH: usize = 4;
const WAITING: usize = 2;

#[derive(Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct Asked {
    /// `raw`: the block; `car`: the whole object, CARv1, depth first. Without, `Accept` counts.
    format: Option<String>,
    /// `block` makes a CAR of one block; `all` and `entity` are the object.
    #[serde(rename = "dag-scope")]
    dag_scope: Option<String>,
}

/// A block or an object, to be verified by who asked.
#[utoipa::path(get, path = "/ipfs/{cid}", tag = "content", params(("cid" = String, Path), Asked),
    responses((status = 200, description = "The block's bytes, or a CAR", content_type = "application/octet-stream"),
        (status = 304, description = "The client holds it"), (status = "default", body = Problem)))]
pub async fn get(
    State(content): State<Content>,
    Path(cid): Path<String>,
    Query(asked): Query<Asked>,
    headers: HeaderMap,
) -> ApiResult<Response> {
    let cid = parse_cid(&cid)?;
    let format = negotiation::format(asked.format.as_deref(), &headers)?;
    let whole = match asked.dag_scope.as_deref() {
        None | Some("all" | "entity") => true,
        Some("block") => false,
        Some(_) => return Err(ApiError::new(Code::RequestQuery, "`dag-scope` is all, entity or block.")),
    };
    let (kind, tag) = match (format, whole) {
        (Format::Raw, _) => (RAW.to_owned(), format!("\"{cid}.raw\"")),
        (Format::Car, true) => (format!("{CAR}; version=1; order=dfs; dups=y"), format!("\"{cid}.car\"")),
        (Format::Car, false) => {
            (format!("{CAR}; version=1; order=dfs; dups=y"), format!("\"{cid}.block.car\""))
        }
    };
    if negotiation::is_known(&headers, &tag) {
        return Ok(unchanging(StatusCode::NOT_MODIFIED.into_response(), &tag));
    }
    let (body, length) = match (format, whole) {
        (Format::Raw, _) => whole_body(block(&content, cid).await?),
        (Format::Car, false) => whole_body(block_car(&cid, &block(&content, cid).await?)),
        (Format::Car, true) => object_car(&content, cid).await?,
    };
    let mut response = unchanging(body.into_response(), &tag);
    let headers = response.headers_mut();
    set(headers, header::CONTENT_TYPE, &kind);
    headers.insert(header::CONTENT_LENGTH, length.into());
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    let extension = if format == Format::Raw { "bin" } else { "car" };
    set(headers, header::CONTENT_DISPOSITION, &format!("attachment; filename=\"{cid}.{extension}\""));
    Ok(response)
}

async fn block(content: &Content, cid: Cid) -> ApiResult<Bytes> {
    content.ask(move |store| store.block(&cid)).await?.ok_or_else(unknown)
}

/// A raw root is its own object: one block, however it is stored.
async fn object_car(content: &Content, root: Cid) -> ApiResult<(Body, u64)> {
    if root.codec() == Codec::Raw {
        return Ok(whole_body(block_car(&root, &block(content, root).await?)));
    }
    let permit = content.downloads.clone().try_acquire_owned();
    let permit =
        permit.map_err(|_| ApiError::new(Code::ContentBusy, "Try again later, or at another node."))?;
    let object = content.ask(move |store| store.shared_object(&root)).await?.ok_or_else(unknown)?;
    let length = car::length(object.layout());
    let (to, from) = mpsc::channel(WAITING);
    tokio::spawn(send_car(object, root, to, permit));
    Ok((Body::from_stream(ReceiverStream::new(from)), length))
}

fn unknown() -> ApiError {
    ApiError::new(Code::ContentUnknown, "Ask another node; a CAR is made of whole objects only.")
}

type Piece = Result<Bytes, io::Error>;

/// Reads ahead a little and sends. What ends early is shorter than announced, which the client notices twice.
async fn send_car(
    object: Object<Arc<Store>>,
    root: Cid,
    to: mpsc::Sender<Piece>,
    _permit: OwnedSemaphorePermit,
) {
    let mut walk = Walk { object, next: 0 };
    let mut piece = Ok(Bytes::from(car::header(&root)));
    loop {
        let failed = piece.is_err();
        if !matches!(tokio::time::timeout(STALL, to.send(piece)).await, Ok(Ok(()))) || failed {
            return;
        }
        let (back, read) = crate::blocking(move || walk.read()).await;
        walk = back;
        piece = match read {
            Ok(frames) if frames.is_empty() => return,
            Ok(frames) => Ok(frames),
            Err(error) => Err(io::Error::other(problem::of(error).0.code)),
        };
    }
}

struct Walk {
    object: Object<Arc<Store>>,
    next: u64,
}

impl Walk {
    /// The next few frames, empty behind the last.
    fn read(mut self) -> (Self, Result<Bytes, StoreError>) {
        let mut frames = Vec::new();
        for _ in 0..BATCH {
            match self.object.next_block(self.next) {
                Ok(Some((want, block))) => {
                    frames.extend(car::frame_head(&want.cid, block.len()));
                    frames.extend_from_slice(&block);
                    self.next += u64::from(want.at.level == 0);
                }
                Ok(None) => break,
                Err(error) => return (self, Err(error)),
            }
        }
        (self, Ok(frames.into()))
    }
}

fn block_car(cid: &Cid, block: &[u8]) -> Bytes {
    [car::header(cid), car::frame_head(cid, block.len()), block.to_vec()].concat().into()
}

fn whole_body(bytes: Bytes) -> (Body, u64) {
    let length = bytes.len() as u64;
    (bytes.into(), length)
}

/// A name's bytes never change, so every cache may keep them.
fn unchanging(mut response: Response, tag: &str) -> Response {
    let headers = response.headers_mut();
    set(headers, header::ETAG, tag);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=29030400, immutable"));
    headers.insert(header::VARY, HeaderValue::from_static("accept"));
    response
}

fn set(headers: &mut HeaderMap, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}
