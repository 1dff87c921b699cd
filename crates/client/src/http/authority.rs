//! The authority's endpoints.

use yilian_api::authority::{
    Application, ApplicationStatus, AuthorityInfo, EnrolRequest, EnrolmentCode, RedeemRequest, TicketAnswer,
    TicketRequest,
};

use super::{get, post, tell};
use crate::{
    error::NodeFault,
    host::{Host, Method, NodeUrl},
};

pub(crate) async fn info<H: Host>(host: &H, authority: &NodeUrl) -> Result<AuthorityInfo, NodeFault> {
    get(host, authority, "/v1/authority".into()).await
}

pub(crate) async fn enrol<H: Host>(
    host: &H,
    authority: &NodeUrl,
    request: &EnrolRequest,
) -> Result<EnrolmentCode, NodeFault> {
    post(host, authority, "/v1/enrolments".into(), request).await
}

pub(crate) async fn redeem<H: Host>(
    host: &H,
    authority: &NodeUrl,
    request: &RedeemRequest,
) -> Result<(), NodeFault> {
    tell(host, authority, Method::Post, "/v1/enrolments/redeem".into(), request).await
}

pub(crate) async fn tickets<H: Host>(
    host: &H,
    authority: &NodeUrl,
    request: &TicketRequest,
) -> Result<TicketAnswer, NodeFault> {
    post(host, authority, "/v1/tickets".into(), request).await
}

pub(crate) async fn apply<H: Host>(
    host: &H,
    authority: &NodeUrl,
    application: &Application,
) -> Result<ApplicationStatus, NodeFault> {
    post(host, authority, "/v1/applications".into(), application).await
}

pub(crate) async fn application<H: Host>(
    host: &H,
    authority: &NodeUrl,
    id: &str,
) -> Result<ApplicationStatus, NodeFault> {
    get(host, authority, format!("/v1/applications/{id}")).await
}
