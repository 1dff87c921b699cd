//! The authority asks this validator to co-sign.

use axum::{Json as Answer, extract::State};
use utoipa_axum::{router::OpenApiRouter, routes};
use yilian_api::{
    encoding::{self, EncodingError},
    ledger::{Approval, ApprovalRequest},
    problem::Problem,
};

use super::{
    error::{ApiError, ApiResult},
    extract::Json,
};
use crate::{app::App, governance::Request};

/// Longest encoded action, bytes: a root's certificate and some more.
const MAX_ACTION: usize = 8 << 10;
const MAX_BODY: usize = 2 * MAX_ACTION;

pub fn router() -> OpenApiRouter<App> {
    OpenApiRouter::new().routes(routes!(approve))
}

/// Signs the next ticket key of a class, once, for an authority that the node follows; all else needs the operator.
#[utoipa::path(post, path = "/v1/governance/approve", tag = "governance", request_body = ApprovalRequest,
    responses((status = 200, body = Approval), (status = "default", body = Problem)))]
async fn approve(
    State(app): State<App>,
    Json(body): Json<ApprovalRequest, MAX_BODY>,
) -> ApiResult<Answer<Approval>> {
    let request = parse(&body).map_err(|(field, error)| ApiError::field(field, error))?;
    let approved = app.policy.approve(request).await?;
    let (index, signature) = app.chain.sign_governance(approved.action(), approved.valid_until());
    Ok(Answer(Approval { index, signature: encoding::signature_to_hex(&signature) }))
}

fn parse(body: &ApprovalRequest) -> Result<Request, (&'static str, EncodingError)> {
    Ok(Request {
        action: encoding::from_base64(&body.action, MAX_ACTION).map_err(|error| ("action", error))?,
        valid_until: body.valid_until,
        key: encoding::key_from_hex(&body.key).map_err(|error| ("key", error))?,
        signature: encoding::signature_from_hex(&body.signature).map_err(|error| ("signature", error))?,
    })
}
