//! Picking concrete types: the only place that knows them all.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use provost_model::{TenantId, Who};
use provost_runtime::language::Sources;
use provost_runtime::{Node, NodeConfig, Observer, PARTITIONS, RetentionConfig};
use provost_server::{App, listen, router};
use provost_store::Blobs;
use provost_worker::BuiltIn;
use provost_worker::secrets::Secrets;

use crate::hands::{OwnHands, Resting};
use crate::say::Failure;

/// How long a request that was taken may go on once the server is told to stop; a caller who still waits then asks again later.
const DRAIN: Duration = Duration::from_secs(5);

/// The user's name on this laptop, as policy knows it.
pub fn local_user() -> String {
    std::env::var("USER").unwrap_or_else(|_| "user".to_owned())
}

/// The local user as a caller.
pub fn local_who() -> Who {
    provost_control::loopback(&local_user())
}

/// Opens a data folder in this process; what ended long ago leaves it as `retention` says.
///
/// # Errors
/// [`Failure`] that says what is wrong with it.
pub async fn open(data: &Path, observer: Observer, retention: RetentionConfig, secrets: Secrets) -> Result<Arc<Node>, Failure> {
    let worker = BuiltIn::new().map_err(|e| Failure::new("http-client", e.to_string()))?.with_secrets(secrets);
    let hands = Arc::new(OwnHands::new(worker, tokio::runtime::Handle::current(), observer.spans.clone(), Blobs::of_folder(data)));
    opened(NodeConfig { data: data.to_owned(), partitions: PARTITIONS, hands, observer, retention }).await
}

/// Opens a data folder only to ask it: nothing of it goes on.
///
/// # Errors
/// As [`open`].
pub async fn open_to_ask(data: &Path) -> Result<Arc<Node>, Failure> {
    let (hands, observer, retention) = (Arc::new(Resting), Observer::quiet(), RetentionConfig::for_ever());
    opened(NodeConfig { data: data.to_owned(), partitions: PARTITIONS, hands, observer, retention }).await
}

async fn opened(config: NodeConfig) -> Result<Arc<Node>, Failure> {
    let opened = tokio::task::spawn_blocking(move || Node::open(config)).await;
    let node = opened.map_err(|e| Failure::new("internal", e.to_string()))??;
    tokio::spawn(node.plane.clone().watch_leases());
    node.ensure_tenant(&TenantId::local(), local_who()).await?;
    Ok(Arc::new(node))
}

/// A server that listens.
pub struct Listening {
    /// Where.
    pub address: SocketAddr,
    /// Ends when the server stopped.
    pub ended: tokio::task::JoinHandle<()>,
}

/// Serves a node at `at` until `stop` is done.
///
/// # Errors
/// [`Failure`] when the address cannot be listened on, or must not be without tokens.
pub async fn serve(node: Arc<Node>, at: SocketAddr, stop: impl Future<Output = ()> + Send + 'static) -> Result<Listening, Failure> {
    let loopback = at.ip().is_loopback();
    if !loopback && !node.control.has_principals() {
        return Err(Failure::new("tokens-needed", format!("`{at}` is not loopback and there is no token yet"))
            .detail("make one on loopback first: `provost token --name NAME --role admin --reason TEXT`"));
    }
    let loopback_user = loopback.then(|| local_user().into());
    let plane = node.plane.clone();
    let app = App { node, loopback_user };
    let bound = tokio::net::TcpListener::bind(at).await;
    let listener =
        bound.map_err(|e| Failure::new("listen", format!("`{at}` cannot be listened on: {e}")).detail("choose another with `--listen`"))?;
    let address = listener.local_addr().map_err(|e| Failure::new("listen", e.to_string()))?;
    let (begun, draining) = tokio::sync::oneshot::channel();
    let service = listen::serve(listener, router(app), listen::HEAD_WITHIN, async move {
        stop.await;
        plane.drain();
        let _nobody_counts = begun.send(());
    });
    let ended = tokio::spawn(async move {
        tokio::select! {
            () = service => {}
            () = past_the_drain(draining) => {}
        }
    });
    Ok(Listening { address, ended })
}

/// Ends [`DRAIN`] after a drain began.
async fn past_the_drain(begun: tokio::sync::oneshot::Receiver<()>) {
    if begun.await.is_err() {
        std::future::pending::<()>().await;
    }
    tokio::time::sleep(DRAIN).await;
}

/// Destinations of `bindings/local.yaml` among the sources of a bundle, with those of `--bind NAME=URL` over them.
///
/// # Errors
/// [`Failure`] for a line that is no `NAME: URL`, or an argument that is no `NAME=URL`.
pub fn destinations(sources: &Sources, bound: &[String]) -> Result<BTreeMap<String, String>, Failure> {
    let mut destinations = BTreeMap::new();
    if let Some(text) = sources.text("bindings/local.yaml") {
        for line in
            text.lines().map(|line| line.split(" #").next().unwrap_or_default().trim()).filter(|l| !l.is_empty() && !l.starts_with('#'))
        {
            let (name, url) = line.split_once(": ").ok_or_else(|| {
                Failure::new("binding", format!("`{line}` in bindings/local.yaml is no binding")).detail("write `name: http://host:port`")
            })?;
            destinations.insert(name.trim().to_owned(), url.trim().trim_matches(['"', '\'']).to_owned());
        }
    }
    for argument in bound {
        let (name, url) = argument
            .split_once('=')
            .ok_or_else(|| Failure::new("binding", format!("`{argument}` is no binding")).detail("write `--bind NAME=URL`"))?;
        destinations.insert(name.to_owned(), url.to_owned());
    }
    Ok(destinations)
}
