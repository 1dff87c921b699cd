//! Finalized blocks as they come, as server-sent events.

use std::{convert::Infallible, time::Duration};

use axum::{
    extract::State,
    response::sse::{Event, KeepAlive, Sse},
};
use futures::{Stream, StreamExt as _};
use tokio_stream::wrappers::{BroadcastStream, errors::BroadcastStreamRecvError};
use utoipa_axum::{router::OpenApiRouter, routes};
use yilian_api::{
    ledger::BlockSummary,
    problem::{Code, Problem},
};

use super::{
    blocks::summary,
    error::{ApiError, ApiResult},
};
use crate::app::App;

const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(events))
}

/// Events `block` with a block's summary; `lagged` with how many a slow reader missed.
#[utoipa::path(get, path = "/v1/events", tag = "chain",
    responses((status = 200, body = BlockSummary, content_type = "text/event-stream"),
              (status = "default", body = Problem)))]
async fn events(State(app): State<App>) -> ApiResult<Sse<impl Stream<Item = Result<Event, Infallible>>>> {
    let full = |_| ApiError::new(Code::EventsFull, "Poll /v1/blocks, or try another node.");
    let permit = app.subscribers.clone().try_acquire_owned().map_err(full)?;
    let mut stop = app.stop.clone();
    let stopped = async move {
        // An error means that the node is gone: the same end.
        let _ = stop.wait_for(|stopped| *stopped).await;
    };
    let events =
        BroadcastStream::new(app.chain.subscribe()).map(event).take_until(stopped).map(move |event| {
            // Held for as long as the stream lives.
            let _ = &permit;
            Ok(event)
        });
    Ok(Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE)))
}

fn event(block: Result<yilian_chain::BlockSummary, BroadcastStreamRecvError>) -> Event {
    match block {
        Ok(block) => {
            let body = serde_json::to_string(&summary(&block)).unwrap_or_default();
            Event::default().event("block").id(block.height.0.to_string()).data(body)
        }
        Err(BroadcastStreamRecvError::Lagged(missed)) => {
            Event::default().event("lagged").data(missed.to_string())
        }
    }
}
