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
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use yilian_api::problem::{Code, Problem};
use yilian_content::{Object, Store, StoreError};
use yilian_dag::{Accepted, Cid, Codec, Reader, car};

use super::{
    Content,
    downloads::Download,
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
    let here = content.ask(move |store| store.block(&cid)).await;
    if let Ok(Some(block)) = here {
        return Ok(block);
    }
    // Unknown here, or damaged: another node may have it.
    match elsewhere(content, &cid).await {
        Ok(Some(block)) => Ok(block),
        Err(busy) if matches!(here, Ok(None)) => Err(busy),
        _ => here?.ok_or_else(unknown),
    }
}

/// A block that another node has.
async fn elsewhere(content: &Content, cid: &Cid) -> ApiResult<Option<Bytes>> {
    let Some(copies) = &content.copies else { return Ok(None) };
    copies.lookup(cid).await.map_err(|error| ApiError::of(Code::ContentBusy, &error))
}

/// A raw root is its own object: one block, however it is stored.
async fn object_car(content: &Content, root: Cid) -> ApiResult<(Body, u64)> {
    if root.codec() == Codec::Raw {
        return Ok(whole_body(block_car(&root, &block(content, root).await?)));
    }
    let place = content.downloads.begin();
    let place =
        place.ok_or_else(|| ApiError::new(Code::ContentBusy, "Try again later, or at another node."))?;
    let (to, from) = mpsc::channel(WAITING);
    let length = match content.ask(move |store| store.shared_object(&root)).await {
        Ok(Some(object)) => {
            let length = car::length(object.layout());
            tokio::spawn(send_car(object, root, Sender { to, place }));
            length
        }
        absent => {
            let remote = remote(content, root).await?;
            let (reader, length) = remote.ok_or_else(|| absent.err().unwrap_or_else(unknown))?;
            tokio::spawn(send_remote_car(content.clone(), reader, Sender { to, place }));
            length
        }
    };
    Ok((Body::from_stream(ReceiverStream::new(from)), length))
}

/// The tree of an object that lies at another node, and the length of its CAR.
async fn remote(content: &Content, root: Cid) -> ApiResult<Option<(Reader, u64)>> {
    let Some(block) = elsewhere(content, &root).await? else { return Ok(None) };
    let mut reader = Reader::new(root);
    let accepted = reader.wanted(0..1, 1).first().map(|want| reader.accept(want.at, &block));
    let length = accepted.and_then(Result::ok).and_then(|_| reader.layout()).map(car::length);
    Ok(length.map(|length| (Reader::new(root), length)))
}

pub(super) fn unknown() -> ApiError {
    ApiError::new(Code::ContentUnknown, "Ask another node; a CAR is made of whole objects only.")
}

type Piece = Result<Bytes, io::Error>;

/// Where pieces of a download go.
struct Sender {
    to: mpsc::Sender<Piece>,
    place: Download,
}

impl Sender {
    /// Whether to go on. What ends early is shorter than announced, which the client notices twice.
    async fn send(&self, piece: Piece) -> bool {
        let (failed, bytes) = (piece.is_err(), piece.as_ref().map_or(0, Bytes::len));
        let sent = tokio::select! {
            sent = tokio::time::timeout(STALL, self.to.send(piece)) => matches!(sent, Ok(Ok(()))),
            () = self.place.is_cut() => false,
        };
        self.place.took(bytes);
        sent && !failed
    }
}

/// Reads ahead a little and sends.
async fn send_car(object: Object<Arc<Store>>, root: Cid, to: Sender) {
    let mut walk = Walk { object, next: 0 };
    let mut piece = Ok(Bytes::from(car::header(&root)));
    while to.send(piece).await {
        let (back, read) = crate::blocking(move || walk.read()).await;
        walk = back;
        piece = match read {
            Ok(frames) if frames.is_empty() => return,
            Ok(frames) => Ok(frames),
            Err(error) => Err(io::Error::other(problem::of(error).0.code)),
        };
    }
}

/// The same from other nodes, block by block, each verified before it is sent.
async fn send_remote_car(content: Content, mut reader: Reader, to: Sender) {
    let mut next = 0;
    let mut piece = Ok(Bytes::from(car::header(&reader.root())));
    while to.send(piece).await {
        reader.release(next);
        let Some(want) = reader.wanted(next..u64::MAX, 1).first().copied() else { return };
        let accepted = match block(&content, want.cid).await {
            Ok(block) => {
                reader.accept(want.at, &block).map(|accepted| (block, accepted)).map_err(io::Error::other)
            }
            Err(error) => Err(io::Error::other(error.0.code)),
        };
        piece = accepted.map(|(block, accepted)| {
            next += u64::from(matches!(accepted, Accepted::Leaf { .. }));
            [car::frame_head(&want.cid, block.len()), block.to_vec()].concat().into()
        });
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
