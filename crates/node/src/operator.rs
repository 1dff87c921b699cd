//! The operator's way into a running node: a socket in its directory that only the directory's owner can open (ADR 0111).
//!
//! Whoever may open it may read the validator's key as well, so it needs no further authentication. It answers what is
//! nobody else's business: which content lies here for whom, and what goes wrong.

use std::{
    io::{self, Read},
    path::Path,
};

use axum::{
    Json, Router,
    body::Body,
    extract::{Path as UrlPath, State},
    response::Response,
    routing::{delete, get, post},
};
use bytes::{Buf as _, Bytes};
use futures::StreamExt as _;
use serde::{Deserialize, Serialize};
use tokio::{net::UnixListener, sync::mpsc};
use yilian_api::problem::Code;
use yilian_content::{PinKey, StoreError};

use crate::{
    app::now_ms,
    copies::status::ContentStatus,
    http::{
        content::{Content, parse_cid, problem},
        error::{ApiError, ApiResult},
    },
};

/// Longest path that a socket can have on every Unix, bytes.
const MAX_PATH: usize = 100;
/// Pieces of a body that wait for the disk.
const WAITING: usize = 4;
/// Names the operator's own pins. No key has this form, so no request over the network releases one.
const OPERATOR: PinKey = PinKey([0xff; 33]);

/// What became of content that the operator stored.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Put {
    pub cid: String,
}

/// Serves at `socket` until dropped. A node without it serves clients all the same.
pub async fn serve(socket: std::path::PathBuf, content: Content) {
    let served = async {
        let listener = bind(&socket)?;
        axum::serve(listener, router(content)).await
    };
    if let Err(error) = served.await {
        tracing::warn!(socket = %socket.display(), %error, "the operator's socket cannot be served");
    }
}

fn router(content: Content) -> Router {
    Router::new()
        .route("/content/status", get(status))
        .route("/content", post(put))
        .route("/content/{cid}", delete(release))
        .with_state(content)
}

/// In place of one that an earlier process left. Whoever cannot enter its folder cannot connect.
fn bind(socket: &Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::DirBuilderExt as _;
    if socket.as_os_str().len() > MAX_PATH {
        return Err(io::Error::other(
            "the path is too long for a socket; use a directory with a shorter one",
        ));
    }
    if let Some(folder) = socket.parent().filter(|folder| !folder.exists()) {
        std::fs::DirBuilder::new().mode(0o700).create(folder)?;
    }
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    UnixListener::bind(socket)
}

async fn status(State(content): State<Content>) -> ApiResult<Json<ContentStatus>> {
    let copies = content.copies().ok_or_else(|| ApiError::new(Code::Unavailable, "No copies are kept."))?;
    copies.status().await.map(Json).map_err(problem::of)
}

/// Stores the body; it is kept until released, and no other node is asked to keep it.
async fn put(State(content): State<Content>, body: Body) -> ApiResult<Json<Put>> {
    let (to, from) = mpsc::channel(WAITING);
    let store = content.store().clone();
    let storing =
        crate::blocking(move || store.put(Pieces { from, rest: Bytes::new() }, &OPERATOR, now_ms()));
    let sending = async move {
        let mut pieces = body.into_data_stream();
        while let Some(piece) = pieces.next().await {
            if to.send(piece.map_err(io::Error::other)).await.is_err() {
                break;
            }
        }
    };
    let (stored, ()) = tokio::join!(storing, sending);
    Ok(Json(Put { cid: stored.map_err(problem::of)?.to_string() }))
}

async fn release(State(content): State<Content>, UrlPath(cid): UrlPath<String>) -> ApiResult<Response> {
    let root = parse_cid(&cid)?;
    let (store, now) = (content.store().clone(), now_ms());
    let released = crate::blocking(move || store.unpin(&root, &OPERATOR, now, now)).await;
    match released {
        Err(StoreError::UnknownPin) => {
            Err(ApiError::new(Code::PinUnknown, "The operator did not store this content."))
        }
        Err(error) => Err(problem::of(error)),
        Ok(()) => Ok(Response::new(Body::empty())),
    }
}

/// A body as the store reads it, on a thread that may wait.
struct Pieces {
    from: mpsc::Receiver<io::Result<Bytes>>,
    rest: Bytes,
}

impl Read for Pieces {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.rest.is_empty() {
            match self.from.blocking_recv() {
                Some(piece) => self.rest = piece?,
                None => return Ok(0),
            }
        }
        let len = self.rest.len().min(buffer.len());
        self.rest.copy_to_slice(&mut buffer[..len]);
        Ok(len)
    }
}
