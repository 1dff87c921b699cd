use std::sync::Arc;

use axum::{
    Router,
    body::{Body, to_bytes},
    http::{Request, StatusCode, header::CONTENT_TYPE},
};
use serde::{Serialize, de::DeserializeOwned};
use tower::ServiceExt as _;
use yilian_api::{
    authority::{ApplicationStatus, AuthorityInfo, EnrolmentCode, TicketAnswer},
    encoding::from_base64,
    problem::{MEDIA_TYPE, Problem},
};
use yilian_authority::http::router_at;
use yilian_crypto::{certificate::Level, sign::SigningKey, ticket::Class};

use crate::scene::{Scene, TICKETS, rng};

fn service(scene: &Scene) -> Router {
    let now = scene.now();
    router_at(scene.authority.clone(), scene.chain.clone(), Arc::new(move || now))
}

async fn send(scene: &Scene, method: &str, path: &str, body: Vec<u8>) -> (StatusCode, String, Vec<u8>) {
    let request = Request::builder().method(method).uri(path).body(Body::from(body)).unwrap();
    let response = service(scene).oneshot(request).await.unwrap();
    let kind = response.headers().get(CONTENT_TYPE).map(|v| v.to_str().unwrap().to_owned());
    let status = response.status();
    (status, kind.unwrap_or_default(), to_bytes(response.into_body(), 1 << 20).await.unwrap().to_vec())
}

async fn post<T: DeserializeOwned>(scene: &Scene, path: &str, body: &impl Serialize) -> T {
    let (status, _, body) = send(scene, "POST", path, serde_json::to_vec(body).unwrap()).await;
    assert_eq!(status, StatusCode::OK, "{}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).unwrap()
}

async fn refused(scene: &Scene, method: &str, path: &str, body: Vec<u8>) -> (u16, String) {
    let (status, kind, body) = send(scene, method, path, body).await;
    assert_eq!(kind, MEDIA_TYPE);
    let problem: Problem = serde_json::from_slice(&body).unwrap();
    assert_eq!(problem.status, status.as_u16());
    (problem.status, problem.code)
}

#[tokio::test]
async fn from_the_counter_to_tickets() {
    let scene = Scene::new();
    let code: EnrolmentCode = post(&scene, "/v1/enrolments", &scene.enrol_request("A-1", scene.now())).await;
    let wallet = SigningKey::generate(&mut rng());
    let redeem = serde_json::to_vec(&scene.redeem_request(&code.code, &wallet)).unwrap();
    let (status, _, body) = send(&scene, "POST", "/v1/enrolments/redeem", redeem).await;
    assert_eq!((status, body.len()), (StatusCode::NO_CONTENT, 0));
    let (requests, blinded) = scene.blinded(Class::Care, scene.period());
    let request = scene.ticket_request(&wallet, None, Class::Care, scene.period(), &blinded);
    let answer: TicketAnswer = post(&scene, "/v1/tickets", &request).await;
    let key = scene.ledger_key(Class::Care, scene.period());
    for (request, signature) in requests.into_iter().zip(&answer.signatures) {
        request.finish(&key, &from_base64(signature, 384).unwrap()).unwrap();
    }
}

#[tokio::test]
async fn tells_who_it_is() {
    let scene = Scene::new();
    let (status, _, body) = send(&scene, "GET", "/v1/authority", vec![]).await;
    let info: AuthorityInfo = serde_json::from_slice(&body).unwrap();
    assert_eq!(status, StatusCode::OK);
    assert_eq!(info.chain, scene.authority.chain().0.to_string());
    assert_eq!((info.period, info.tickets_per_period), (scene.period().0, TICKETS));
}

#[tokio::test]
async fn applications_wait_and_can_be_looked_up() {
    let scene = Scene::new();
    let application = scene.application("clinic", &SigningKey::generate(&mut rng()));
    let status: ApplicationStatus = post(&scene, "/v1/applications", &application).await;
    let ApplicationStatus::Waiting { id } = &status else { panic!("{status:?}") };
    let (_, _, body) = send(&scene, "GET", &format!("/v1/applications/{id}"), vec![]).await;
    assert_eq!(serde_json::from_slice::<ApplicationStatus>(&body).unwrap(), status);
    let unknown = format!("/v1/applications/{}", "0".repeat(64));
    assert_eq!(refused(&scene, "GET", &unknown, vec![]).await, (404, "application.unknown".into()));
    assert_eq!(refused(&scene, "GET", "/v1/applications/x", vec![]).await, (400, "request.path".into()));
}

#[tokio::test]
async fn bad_requests_get_a_problem_with_a_stable_code() {
    let scene = Scene::new();
    let cases = [
        ("POST", "/v1/tickets", b"{".to_vec(), 400, "request.malformed"),
        ("POST", "/v1/tickets", vec![b'x'; 65 << 10], 413, "request.too-large"),
        ("POST", "/v1/enrolments", vec![0xff; 100], 400, "request.malformed"),
        ("GET", "/v1/nothing", vec![], 404, "route.not-found"),
        ("GET", "/v1/tickets", vec![], 405, "route.method"),
    ];
    for (method, path, body, status, code) in cases {
        assert_eq!(refused(&scene, method, path, body).await, (status, code.to_owned()), "{method} {path}");
    }
    let mut request = scene.enrol_request("A-1", scene.now());
    request.institution = "00".repeat(32);
    let body = serde_json::to_vec(&request).unwrap();
    assert_eq!(refused(&scene, "POST", "/v1/enrolments", body).await, (404, "member.unknown".into()));
}

#[tokio::test]
async fn a_revoked_hospital_enrols_nobody_and_gets_no_tickets() {
    let scene = Scene::new();
    let id = scene.hospital.id();
    scene.submit(&scene.authority.revoke(Level::Institution, id, None).unwrap());
    let enrol = serde_json::to_vec(&scene.enrol_request("A-1", scene.now())).unwrap();
    let not_certified = (403, "member.not-certified".to_owned());
    assert_eq!(refused(&scene, "POST", "/v1/enrolments", enrol).await, not_certified);
    let (_, blinded) = scene.blinded(Class::Care, scene.period());
    let request =
        scene.ticket_request(&scene.hospital_key, Some(id.0), Class::Care, scene.period(), &blinded);
    let body = serde_json::to_vec(&request).unwrap();
    assert_eq!(refused(&scene, "POST", "/v1/tickets", body).await, not_certified);
}
