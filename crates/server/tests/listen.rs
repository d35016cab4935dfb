//! Connections that nobody finishes.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use provost_server::listen::serve;

/// Sends the beginning of a connection, and gives everything that the server says until it lets the connection go.
fn said(address: SocketAddr, begin: &'static str) -> tokio::task::JoinHandle<String> {
    tokio::task::spawn_blocking(move || {
        let mut connection = TcpStream::connect(address).unwrap();
        connection.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        connection.write_all(begin.as_bytes()).unwrap();
        let mut said = String::new();
        connection.read_to_string(&mut said).unwrap();
        said
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn who_stops_in_the_middle_of_a_request_holds_no_connection() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let (tell, told) = tokio::sync::oneshot::channel::<()>();
    let slow = get(|| async {
        tokio::time::sleep(Duration::from_millis(900)).await;
        "fine"
    });
    let router = Router::new().route("/", get(|| async { "ok" })).route("/slow", slow);
    let stop = async move { told.await.unwrap() };
    let server = tokio::spawn(serve(listener, router, Duration::from_millis(300), stop));

    let (silent, unfinished) = (said(address, ""), said(address, "GET / HTTP/1.1\r\nHost: localhost\r\nX-"));
    assert_eq!(silent.await.unwrap(), "");
    assert!(!unfinished.await.unwrap().contains("200"));
    let finished = said(address, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    assert!(finished.starts_with("HTTP/1.1 200"), "{finished}");

    let patient = said(address, "GET /slow HTTP/1.1\r\nHost: localhost\r\n\r\n");
    tokio::time::sleep(Duration::from_millis(200)).await;
    tell.send(()).unwrap();
    let answer = patient.await.unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("fine"),
        "a long answer is no slow request, a stop lets it end: {answer}"
    );
    server.await.unwrap();
}
