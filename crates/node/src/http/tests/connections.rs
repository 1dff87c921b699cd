use super::server::{SLOW, Server, read};
use tokio::io::AsyncWriteExt as _;

#[tokio::test]
async fn a_slow_head_and_an_idle_connection_are_closed() {
    let server = Server::start(8).await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET /path/7 HTTP/1.1\r\nHost").await.unwrap();
    let answer = read(&mut slow).await;
    assert!(answer.0.is_empty() || answer.status() == 408, "{answer:?}");

    let mut idle = server.connect().await;
    assert!(read(&mut idle).await.0.is_empty());
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_their_turn() {
    let server = Server::start(1).await;
    let holder = server.connect().await;
    // The only permit is taken by a connection that says nothing, until its time is up.
    tokio::time::sleep(SLOW / 10).await;
    let started = std::time::Instant::now();
    assert_eq!(server.get("/path/7").await.status(), 200);
    assert!(started.elapsed() >= SLOW / 2);
    drop(holder);
}

#[tokio::test]
async fn stopping_lets_open_requests_end() {
    let server = Server::start(8).await;
    let mut open = server.connect().await;
    open.write_all(b"GET /slow HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(SLOW / 10).await;
    server.stop.send_replace(true);
    assert_eq!(read(&mut open).await.status(), 200);
    server.served.await.unwrap();
}

#[tokio::test]
async fn stopping_waits_no_longer_than_its_grace() {
    let server = Server::start(8).await;
    let mut open = server.connect().await;
    open.write_all(b"POST /octets HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n").await.unwrap();
    tokio::time::sleep(SLOW / 10).await;
    server.stop.send_replace(true);
    tokio::time::timeout(SLOW * 3, server.served).await.unwrap().unwrap();
}
