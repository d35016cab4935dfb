//! Connections: taken, served one request after the other, let go.
//!
//! What must stay true: whoever sends nothing, or stops in the middle of a request, holds no connection for ever, because a server has
//! only so many and needs no credential to give one out; a server that has none left goes on as soon as one ends.

use std::pin::pin;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1::Builder;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

/// How long a connection waits for a request's whole head, the pause before it included.
pub const HEAD_WITHIN: Duration = Duration::from_secs(30);
/// How long a body may bring nothing.
pub const BODY_PAUSE_MAX: Duration = Duration::from_secs(30);
/// How long no connection is taken after the system refused one.
const REFUSED_PAUSE: Duration = Duration::from_millis(100);

/// Serves until `stop` is done, then until every request that was taken is answered.
pub async fn serve(listener: TcpListener, router: Router, head_within: Duration, stop: impl Future<Output = ()>) {
    let mut http = Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(head_within);
    let (stopping, stopped) = watch::channel(false);
    let mut open = JoinSet::new();
    let mut stop = pin!(stop);
    loop {
        tokio::select! {
            () = &mut stop => break,
            Some(_ended) = open.join_next() => {}
            taken = listener.accept() => match taken {
                Ok((stream, _from)) => {
                    open.spawn(one(stream, http.clone(), router.clone(), stopped.clone()));
                }
                Err(error) => {
                    tracing::debug!("a connection was not taken: {error}");
                    tokio::time::sleep(REFUSED_PAUSE).await;
                }
            },
        }
    }
    drop(listener);
    stopping.send_replace(true);
    while open.join_next().await.is_some() {}
}

/// Serves one connection; told to stop, to the end of the request it is at.
async fn one(stream: TcpStream, http: Builder, router: Router, mut stopped: watch::Receiver<bool>) {
    // A short answer never waits for the acknowledgement of the one before it.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!("a connection keeps its delay: {error}");
    }
    let mut served = pin!(http.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router)));
    let ended = tokio::select! {
        ended = served.as_mut() => ended,
        () = told(&mut stopped) => {
            served.as_mut().graceful_shutdown();
            served.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!("a connection ended: {error}");
    }
}

async fn told(stopped: &mut watch::Receiver<bool>) {
    let _told_or_gone = stopped.wait_for(|stopped| *stopped).await;
}
