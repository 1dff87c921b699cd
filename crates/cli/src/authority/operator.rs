//! The operator's way into a running authority: a socket in its folder that only the folder's owner can open.
//!
//! The store belongs to the one process that serves; decisions therefore go to it. Whoever may open the socket may read the
//! keys as well, so it needs no further authentication.

use std::{path::Path, sync::Arc};

use anyhow::Context as _;
use axum::{
    Json, Router,
    extract::{Path as UrlPath, State},
    http::{StatusCode, header::CONTENT_TYPE},
    response::{IntoResponse, Response},
    routing::{get, post},
};
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use tokio::net::UnixListener;
use yilian_api::{
    authority::{Application, ApplicationStatus},
    encoding::{digest_from_hex, to_base64, to_hex},
    problem::{MEDIA_TYPE, Problem},
};
use yilian_authority::{Authority, AuthorityError, Chain, http::now};
use yilian_crypto::{
    Digest,
    certificate::Level,
    ticket::{Class, Period},
};
use yilian_ledger::{Entry, Kind, Refusal, Transaction, name::MemberId};

use super::{folder::validity, transport};
use crate::{failure, query};

/// Longest path that a socket can have on every Unix, bytes.
const MAX_SOCKET_PATH: usize = 100;

/// An application that waits.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Waiting {
    pub id: String,
    pub application: Application,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admit {
    /// How long the certificate holds.
    pub days: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Admitted {
    /// Member id, hex.
    pub member: String,
    /// DER, base64url.
    pub certificate: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refuse {
    pub reason: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoke {
    /// Member id, hex.
    pub member: String,
    /// Certificate id, hex: that one only.
    pub certificate: Option<String>,
}

/// A period's ticket key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TicketKeyState {
    pub class: String,
    pub period: u32,
    /// First instant of the period, ms.
    pub begins: u64,
    /// Whether the ledger is known to hold it.
    pub set: bool,
}

struct Service {
    authority: Arc<Authority>,
    chain: Arc<dyn Chain>,
}

type Shared = State<Arc<Service>>;

/// Serves at `socket` until dropped.
pub async fn serve(socket: &Path, authority: Arc<Authority>, chain: Arc<dyn Chain>) -> anyhow::Result<()> {
    let listener = bind(socket)?;
    let router = Router::new()
        .route("/applications", get(applications))
        .route("/applications/{id}/admit", post(admit))
        .route("/applications/{id}/refuse", post(refuse))
        .route("/revoke", post(revoke))
        .route("/tickets", get(tickets))
        .with_state(Arc::new(Service { authority, chain }));
    axum::serve(listener, router).await.context("the operator's socket failed")
}

/// In place of one that an earlier process left; open to the owner only before anybody can connect.
fn bind(socket: &Path) -> anyhow::Result<UnixListener> {
    use std::os::unix::fs::PermissionsExt as _;
    anyhow::ensure!(
        socket.as_os_str().len() <= MAX_SOCKET_PATH,
        "the path {} is too long for a socket; use a folder with a shorter path",
        socket.display()
    );
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error.into()),
        _ => {}
    }
    let folder = socket.parent().context("a socket lies in a folder")?;
    // Whoever cannot enter the folder cannot connect, whatever the socket's own mode.
    std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700))
        .with_context(|| format!("cannot close {} to others", folder.display()))?;
    UnixListener::bind(socket).with_context(|| format!("cannot listen at {}", socket.display()))
}

async fn applications(State(service): Shared) -> Result<Json<Vec<Waiting>>, Failure> {
    let all = service.authority.applications()?;
    let waiting = |(id, application): (Digest, Application)| Waiting { id: id.to_string(), application };
    Ok(Json(all.into_iter().map(waiting).collect()))
}

async fn admit(
    State(service): Shared,
    UrlPath(id): UrlPath<String>,
    Json(wanted): Json<Admit>,
) -> Result<Json<Admitted>, Failure> {
    let id = digest(&id, "application")?;
    let validity = validity(wanted.days, service.authority.issuer())?;
    let (certificate, transaction) = service.authority.admit(&id, validity)?;
    submit(&service, &transaction, Some(Refusal::CertificateSeen)).await?;
    let member = MemberId::of(Some(service.authority.issuer().id()), &certificate.contents().subject_id);
    Ok(Json(Admitted { member: to_hex(&member.0.0), certificate: to_base64(certificate.der()) }))
}

async fn refuse(
    State(service): Shared,
    UrlPath(id): UrlPath<String>,
    Json(wanted): Json<Refuse>,
) -> Result<Json<ApplicationStatus>, Failure> {
    let id = digest(&id, "application")?;
    service.authority.refuse(&id, &wanted.reason)?;
    Ok(Json(service.authority.application(&id)?))
}

async fn revoke(State(service): Shared, Json(wanted): Json<Revoke>) -> Result<Json<()>, Failure> {
    let member = MemberId(digest(&wanted.member, "member")?);
    let certificate = wanted.certificate.as_deref().map(|id| digest(id, "certificate")).transpose()?;
    // The chain leaves out what fails and pays nothing, without a word: so the reason is looked up first.
    match service.chain.entry(member.name(Kind::Institution), now()).await.map_err(anyhow::Error::from)? {
        Some(Entry::Member(known)) if !known.revoked_by(now()) => {}
        Some(_) => return Err(Refusal::MemberRevoked.into()),
        None => return Err(Refusal::MemberUnknown.into()),
    }
    let transaction = service.authority.revoke(Level::Institution, member, certificate)?;
    submit(&service, &transaction, None).await?;
    Ok(Json(()))
}

async fn tickets(State(service): Shared) -> Result<Json<Vec<TicketKeyState>>, Failure> {
    let parameters = &service.authority.genesis().parameters;
    let current = parameters.period(now());
    let mut keys = Vec::new();
    for period in (0..=yilian_authority::schedule::LEAD).map(|ahead| Period(current.0.saturating_add(ahead)))
    {
        for class in Class::ALL {
            keys.push(TicketKeyState {
                class: class.as_str().into(),
                period: period.0,
                begins: parameters.begin(period).0,
                set: service.authority.is_ticket_key_set(class, period)?,
            });
        }
    }
    Ok(Json(keys))
}

/// `done`: how the ledger says that this was done before.
async fn submit(service: &Service, transaction: &Transaction, done: Option<Refusal>) -> Result<(), Failure> {
    match transport::submit(service.chain.as_ref(), transaction).await {
        Err(error) if done.is_none() || failure::code(&error).and_then(Refusal::from_code) != done => {
            let code = failure::code(&error).unwrap_or("authority.chain").to_owned();
            Err(Failure(Problem::with(502, &code, "The chain did not take it", format!("{error:#}"))))
        }
        _ => Ok(()),
    }
}

fn digest(text: &str, what: &str) -> Result<Digest, Failure> {
    let malformed =
        || Problem::with(400, "request.field", "Not an id", format!("the {what} id is 64 hex digits"));
    digest_from_hex(text).map_err(|_| Failure(malformed()))
}

struct Failure(Problem);

impl From<AuthorityError> for Failure {
    fn from(error: AuthorityError) -> Self {
        // The operator may know what went wrong inside.
        let (code, status) = error.code();
        Self(Problem::with(status, code, "The authority refuses", error.to_string()))
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self(Problem::with(409, refusal.code().0, "The ledger refuses", refusal.to_string()))
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self(Problem::with(500, "authority.internal", "The authority failed", format!("{error:#}")))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, [(CONTENT_TYPE, MEDIA_TYPE)], Json(self.0)).into_response()
    }
}

/// The other end: what the operator's commands, and the demonstration, ask of a running authority.
#[derive(Clone, Debug)]
pub struct Operator {
    client: reqwest::Client,
}

impl Operator {
    pub fn connect(socket: &Path) -> anyhow::Result<Self> {
        anyhow::ensure!(
            socket.exists(),
            "no authority serves there ({} is absent); start it with `yilian authority serve --config FILE`",
            socket.display()
        );
        let client = reqwest::Client::builder().unix_socket(socket).build()?;
        Ok(Self { client })
    }

    /// Applications that wait for a decision.
    pub async fn applications(&self) -> anyhow::Result<Vec<Waiting>> {
        self.ask(self.client.get("http://authority/applications")).await
    }

    /// Certifies, and waits until the ledger has it.
    pub async fn admit(&self, id: &str, days: u32) -> anyhow::Result<Admitted> {
        self.ask(self.client.post(format!("http://authority/applications/{id}/admit")).json(&Admit { days }))
            .await
    }

    pub async fn refuse(&self, id: &str, reason: &str) -> anyhow::Result<ApplicationStatus> {
        let body = Refuse { reason: reason.into() };
        self.ask(self.client.post(format!("http://authority/applications/{id}/refuse")).json(&body)).await
    }

    /// Expels an institution, or ends one of its certificates; waits until the ledger has it.
    pub async fn revoke(&self, member: &str, certificate: Option<&str>) -> anyhow::Result<()> {
        let body = Revoke { member: member.into(), certificate: certificate.map(Into::into) };
        self.ask(self.client.post("http://authority/revoke").json(&body)).await
    }

    pub async fn tickets(&self) -> anyhow::Result<Vec<TicketKeyState>> {
        self.ask(self.client.get("http://authority/tickets")).await
    }

    async fn ask<T: DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> anyhow::Result<T> {
        let response = request.send().await.context("the authority does not answer; is it running?")?;
        let status = response.status().as_u16();
        let body = response.bytes().await.context("the authority broke off")?;
        query::read("the authority", status, &body)
    }
}
