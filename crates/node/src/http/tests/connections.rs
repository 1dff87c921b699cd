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

#[tokio::test]
async fn a_client_that_never_reads_its_answer_loses_its_connection() {
    let server = Server::start(1).await;
    let mut deaf = server.connect().await;
    // More than the buffers of both kernels take.
    deaf.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    tokio::time::sleep(SLOW / 10).await;
    let next = tokio::time::timeout(SLOW * 10, server.get("/path/7")).await;
    assert_eq!(next.unwrap().status(), 200);
    drop(deaf);
}

#[tokio::test]
async fn a_slow_reader_gets_all_of_its_answer() {
    let server = Server::start(1).await;
    let mut slow = server.connect().await;
    slow.write_all(b"GET /large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let (mut read, mut buffer) = (0, vec![0; 8 << 20]);
    loop {
        tokio::time::sleep(SLOW / 10).await;
        match tokio::io::AsyncReadExt::read(&mut slow, &mut buffer).await.unwrap() {
            0 => break,
            some => read += some,
        }
    }
    assert!(read > 64 << 20);
}
