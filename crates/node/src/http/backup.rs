//! Backup routes.

use axum::{Json as Answer, extract::State};
use utoipa_axum::{router::OpenApiRouter, routes};
use yilian_api::{
    backup::{Backup, BackupStored, MAX_BLOB},
    encoding,
    problem::{Code, Problem},
};
use yilian_crypto::Digest;

use super::{
    error::{ApiError, ApiResult},
    extract::{Json, Path},
};
use crate::{
    app::{App, now_ms},
    backup::NewBackup,
};

const MAX_BODY: usize = MAX_BLOB / 3 * 4 + (16 << 10);

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(put, get))
}

/// Writes a backup of a counter higher than the stored one.
#[utoipa::path(put, path = "/v1/backups/{name}", tag = "backup",
    params(("name" = String, Path, description = "64 hex digits")), request_body = Backup,
    responses((status = 200, body = BackupStored), (status = "default", body = Problem)))]
async fn put(
    State(app): State<App>,
    Path(name): Path<String>,
    Json(body): Json<Backup, MAX_BODY>,
) -> ApiResult<Answer<BackupStored>> {
    let blob = match encoding::from_base64(&body.blob, MAX_BLOB) {
        Err(encoding::EncodingError::TooLong(max)) => {
            return Err(ApiError::new(Code::BackupSize, format!("At most {max} bytes.")));
        }
        decoded => decoded.map_err(|error| ApiError::field("blob", error))?,
    };
    let new = NewBackup {
        name: parse(&name)?,
        key: encoding::key_from_hex(&body.key).map_err(|error| ApiError::field("key", error))?,
        counter: body.counter,
        blob,
        signature: encoding::signature_from_hex(&body.signature)
            .map_err(|error| ApiError::field("signature", error))?,
        payment: body.payment,
    };
    let counter = app.backups.put(new, now_ms()).await?;
    Ok(Answer(BackupStored { counter }))
}

/// The backup as written; the reader checks its signature.
#[utoipa::path(get, path = "/v1/backups/{name}", tag = "backup",
    params(("name" = String, Path, description = "64 hex digits")),
    responses((status = 200, body = Backup), (status = "default", body = Problem)))]
async fn get(State(app): State<App>, Path(name): Path<String>) -> ApiResult<Answer<Backup>> {
    Ok(Answer(app.backups.read(&parse(&name)?)?))
}

fn parse(name: &str) -> ApiResult<Digest> {
    encoding::digest_from_hex(name).map_err(|error| ApiError::path("name", error))
}
