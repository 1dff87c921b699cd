use super::server::{MAX, SLOW, Server, read};
use tokio::io::AsyncWriteExt as _;

const JSON: &str = "application/json";
const OCTETS: &str = "application/octet-stream";

#[tokio::test]
async fn good_requests_are_answered() {
    let server = Server::start(8).await;
    let answers = [
        server.post("/json", JSON, r#"{"number": 7}"#).await,
        server.post("/json", "application/json; charset=utf-8", r#"{"number": 7}"#).await,
        server.post("/octets", OCTETS, "seven b").await,
        server.get("/path/7").await,
        server.get("/query?number=7").await,
    ];
    for answer in answers {
        assert_eq!((answer.status(), answer.body()), (200, "7"), "{answer:?}");
        assert!(answer.header("x-request-id").is_some());
    }
}

#[tokio::test]
async fn unknown_routes_and_methods_are_named() {
    let server = Server::start(8).await;
    for path in ["/", "/v2/status", "/path", "/path/1/2", "/v1/openapi.json/x"] {
        let answer = server.get(path).await;
        assert_eq!((answer.status(), answer.code().as_str()), (404, "route.not-found"), "{path}");
    }
    let answer = server.post("/path/7", JSON, "{}").await;
    assert_eq!((answer.status(), answer.code().as_str()), (405, "route.method"));
    assert_eq!(answer.header("allow"), Some("GET,HEAD"));
}

#[tokio::test]
async fn malformed_bodies_are_refused() {
    let server = Server::start(8).await;
    let bodies = [
        "",
        "{",
        "null",
        "[]",
        "{}",
        r#"{"number": -1}"#,
        r#"{"number": 1, "other": 2}"#,
        r#"{"number": 1} x"#,
        "\u{1}",
    ];
    for body in bodies {
        let answer = server.post("/json", JSON, body).await;
        assert_eq!((answer.status(), answer.code().as_str()), (400, "request.malformed"), "{body}");
    }
}

#[tokio::test]
async fn other_media_types_are_refused() {
    let server = Server::start(8).await;
    for (path, media_type) in [("/json", OCTETS), ("/json", "text/plain"), ("/json", ""), ("/octets", JSON)] {
        let answer = server.post(path, media_type, r#"{"number": 7}"#).await;
        assert_eq!((answer.status(), answer.code().as_str()), (415, "request.media-type"), "{media_type}");
    }
}

#[tokio::test]
async fn malformed_paths_and_queries_are_refused() {
    let server = Server::start(8).await;
    for path in ["/path/x", "/path/-1", "/path/4294967296", "/path/%ff"] {
        let answer = server.get(path).await;
        assert_eq!((answer.status(), answer.code().as_str()), (400, "request.path"), "{path}");
    }
    for path in ["/query", "/query?number=x", "/query?number=1&other=2", "/query?number=1&number=2"] {
        let answer = server.get(path).await;
        assert_eq!((answer.status(), answer.code().as_str()), (400, "request.query"), "{path}");
    }
}

#[tokio::test]
async fn bodies_are_bounded_with_and_without_an_announced_length() {
    let server = Server::start(8).await;
    assert_eq!(server.post("/octets", OCTETS, &"x".repeat(MAX)).await.status(), 200);
    let announced = server.post("/octets", OCTETS, &"x".repeat(MAX + 1)).await;
    assert_eq!((announced.status(), announced.code().as_str()), (413, "request.too-large"));

    let chunk = format!("{:x}\r\n{}\r\n", MAX + 1, "x".repeat(MAX + 1));
    let head = format!(
        "POST /octets HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {OCTETS}\r\n\
         Transfer-Encoding: chunked\r\n\r\n"
    );
    let streamed = server.send(&format!("{head}{chunk}0\r\n\r\n")).await;
    assert_eq!((streamed.status(), streamed.code().as_str()), (413, "request.too-large"));

    // Refused at the announcement: not a byte of the body is waited for.
    let huge = format!(
        "POST /octets HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: {OCTETS}\r\n\
         Content-Length: 99999999999\r\n\r\n"
    );
    let started = std::time::Instant::now();
    assert_eq!(server.send(&huge).await.status(), 413);
    assert!(started.elapsed() < SLOW);
    // The client is told that this connection is over, even if it meant to keep it.
    let kept = server.send(&huge.replace("Connection: close\r\n", "")).await;
    assert_eq!((kept.status(), kept.header("connection")), (413, Some("close")));
}

#[tokio::test]
async fn a_slow_body_and_a_broken_off_one_do_not_hold_the_node() {
    let server = Server::start(8).await;
    let head =
        format!("POST /octets HTTP/1.1\r\nHost: x\r\nContent-Type: {OCTETS}\r\nContent-Length: 9\r\n\r\n");
    let mut slow = server.connect().await;
    slow.write_all(format!("{head}x").as_bytes()).await.unwrap();
    let answer = read(&mut slow).await;
    assert_eq!((answer.status(), answer.code().as_str()), (408, "request.timeout"));

    let mut broken = server.connect().await;
    broken.write_all(format!("{head}x").as_bytes()).await.unwrap();
    broken.shutdown().await.unwrap();
    let answer = read(&mut broken).await;
    assert!(answer.0.is_empty() || answer.code() == "request.malformed", "{answer:?}");
    assert_eq!(server.get("/path/7").await.status(), 200);
}

#[tokio::test]
async fn a_panic_is_an_answer_that_tells_nothing() {
    let server = Server::start(8).await;
    let answer = server.get("/panic").await;
    assert_eq!((answer.status(), answer.code().as_str()), (500, "node.internal"));
    assert!(!answer.0.contains("secret"));
    assert_eq!(server.get("/path/7").await.status(), 200);
}

#[tokio::test]
async fn pages_of_any_origin_may_ask() {
    let server = Server::start(8).await;
    let preflight = server
        .send(
            "OPTIONS /json HTTP/1.1\r\nHost: x\r\nConnection: close\r\nOrigin: https://a.example\r\n\
             Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n\r\n",
        )
        .await;
    assert_eq!(preflight.status(), 200);
    assert_eq!(preflight.header("access-control-allow-origin"), Some("*"));
    assert!(preflight.header("access-control-allow-headers").unwrap().contains("content-type"));
    assert_eq!(preflight.header("access-control-allow-credentials"), None);
    // Refusals can be read by the page, too.
    let refused = server
        .send("GET /nowhere HTTP/1.1\r\nHost: x\r\nConnection: close\r\nOrigin: https://a.example\r\n\r\n")
        .await;
    assert_eq!((refused.status(), refused.header("access-control-allow-origin")), (404, Some("*")));
}
