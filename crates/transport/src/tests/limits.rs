//! Limits hold, say so, and let go again (spec N-20 to N-26).

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use yilian_api::problem::Problem;

use super::server::{SLOW, Server, ask, body, header, read, settings, status};
use crate::{ServeSettings, metrics::Page};

fn problem(answer: &str) -> Problem {
    serde_json::from_str(body(answer)).unwrap()
}

#[tokio::test]
async fn an_address_that_asks_too_often_waits_and_is_let_in_again() {
    let settings = ServeSettings { requests_per_second: 1, request_burst: 3, ..settings() };
    let server = Server::start(&settings, None).await;
    for _ in 0..3 {
        assert_eq!(status(&server.get("/things/1").await), 200);
    }
    // On a slow machine some more pass before one comes too soon.
    let mut refused = server.get("/things/1").await;
    for _ in 0..100 {
        if status(&refused) == 200 {
            refused = server.get("/things/1").await;
        }
    }
    assert_eq!((status(&refused), problem(&refused).code.as_str()), (429, "request.rate"));
    assert_eq!(header(&refused, "retry-after"), Some("1"));
    let id = header(&refused, "x-request-id").unwrap();
    assert_eq!(&*problem(&refused).instance.unwrap(), format!("urn:yilian:request:{id}"));
    tokio::time::sleep(SLOW * 4).await;
    assert_eq!(status(&server.get("/things/1").await), 200);
}

#[tokio::test]
async fn loopback_is_not_limited_unless_it_is_asked_for() {
    let settings = ServeSettings {
        requests_per_second: 1,
        request_burst: 1,
        connections_per_address: 1,
        limit_loopback: false,
        ..settings()
    };
    let server = Server::start(&settings, None).await;
    let _held = server.connect().await;
    for _ in 0..5 {
        assert_eq!(status(&server.get("/things/1").await), 200);
    }
}

#[tokio::test]
async fn requests_beyond_those_under_way_are_told_to_come_back() {
    let server = Server::start(&ServeSettings { requests: 1, ..settings() }, None).await;
    let mut slow = server.connect().await;
    ask(&mut slow, "/slow").await;
    tokio::time::sleep(SLOW / 10).await;
    let refused = server.get("/things/1").await;
    assert_eq!((status(&refused), problem(&refused).code.as_str()), (503, "node.busy"));
    assert_eq!(header(&refused, "retry-after"), Some("1"));
    assert_eq!(status(&read(&mut slow).await), 200);
    assert_eq!(status(&server.get("/things/1").await), 200);
}

#[tokio::test]
async fn an_address_has_so_many_connections_and_gets_places_back() {
    let server = Server::start(&ServeSettings { connections_per_address: 2, ..settings() }, None).await;
    let (first, _second) = (server.connect().await, server.connect().await);
    tokio::time::sleep(SLOW / 10).await;
    assert_eq!(server.get("/things/1").await, "");
    drop(first);
    tokio::time::sleep(SLOW / 10).await;
    assert_eq!(status(&server.get("/things/1").await), 200);
}

#[tokio::test]
async fn a_connection_ends_after_its_last_request() {
    let server = Server::start(&ServeSettings { requests_per_connection: 2, ..settings() }, None).await;
    let mut stream = server.connect().await;
    let request = b"GET /things/1 HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut first = [0; 4096];
    let length = stream.read(&mut first).await.unwrap();
    assert!(!String::from_utf8_lossy(&first[..length]).contains("connection: close"));
    stream.write_all(request).await.unwrap();
    let last = read(&mut stream).await;
    assert_eq!((status(&last), header(&last, "connection")), (200, Some("close")));
}

#[tokio::test]
async fn stopping_lets_open_requests_end_and_takes_no_new_ones() {
    let server = Server::start(&settings(), None).await;
    let mut open = server.connect().await;
    open.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(SLOW / 10).await;
    server.stop.send_replace(true);
    assert_eq!(status(&read(&mut open).await), 200);
    server.served.await.unwrap();
    assert!(tokio::net::TcpStream::connect(server.address).await.is_err());
}

#[tokio::test]
async fn a_body_that_drips_is_cut_by_the_requests_limit() {
    let server = Server::start(&settings(), None).await;
    let mut slow = server.connect().await;
    slow.write_all(b"POST /bytes HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n").await.unwrap();
    let drip = async {
        while slow.write_all(b"x").await.is_ok() {
            tokio::time::sleep(SLOW / 3).await;
        }
    };
    let _ = tokio::time::timeout(SLOW * 6, drip).await;
    let answer = read(&mut slow).await;
    assert!(answer.is_empty() || status(&answer) == 408, "{answer}");
    // However it is seen from here, the place is free and the refusal was counted.
    assert_eq!(status(&server.get("/things/1").await), 200);
    let mut page = Page::default();
    server.metrics.write(&mut page);
    assert!(page.finish().contains(r#"route="/bytes",method="POST",status="4xx"} 1"#));
}

#[tokio::test]
async fn what_is_counted_names_templates_and_nothing_else() {
    let server = Server::start(&settings(), None).await;
    for path in ["/things/secret-name?key=secret-query", "/secret-path"] {
        server.get(path).await;
    }
    let mut page = Page::default();
    server.metrics.write(&mut page);
    let text = page.finish();
    assert!(text.contains(r#"yilian_http_requests_total{route="/things/{id}",method="GET",status="2xx"} 1"#));
    assert!(text.contains(r#"yilian_http_requests_total{route="-",method="GET",status="4xx"} 1"#));
    assert!(!text.contains("secret") && !text.contains("127.0.0.1"), "{text}");
}
