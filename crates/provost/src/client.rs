//! Speaking to a server: the one given, the one that holds the data folder, or one opened in this process for the length of a verb.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use provost_api::problem::ProblemBody;
use provost_runtime::{Node, Refused, RetentionConfig};
use provost_store::StoreError;
use provost_worker::secrets::Secrets;
use serde_json::Value as Json;
use tokio::sync::oneshot;

use crate::compose;
use crate::say::Failure;

/// Where a server that holds a data folder writes its address.
pub const ADDRESS_FILE: &str = "address";

/// How long a verb waits for a data folder that another process holds without answering.
const LOCKED_WAIT: Duration = Duration::from_secs(5);
/// How long it waits before it looks again.
const LOCKED_PAUSE: Duration = Duration::from_millis(100);

/// Where a verb finds its server.
#[derive(Clone, Debug, clap::Args)]
pub struct Target {
    /// The server's URL; without it, the one that holds the data folder, or the folder itself.
    #[arg(long, global = true)]
    pub server: Option<String>,
    /// The data folder.
    #[arg(long, global = true, default_value = ".provost")]
    pub data: PathBuf,
    /// The bearer token; better given in the environment.
    #[arg(long, global = true, env = "PROVOST_TOKEN", hide_env_values = true)]
    pub token: Option<String>,
}

/// A server at hand.
pub struct Client {
    http: reqwest::Client,
    base: String,
    token: Option<String>,
    own: Option<Own>,
}

/// A server opened for this verb only.
struct Own {
    stop: oneshot::Sender<()>,
    listening: compose::Listening,
    node: Arc<Node>,
    /// Where its address is written for other verbs.
    address: Option<PathBuf>,
}

/// What a verb wants of a data folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Want {
    /// To ask it: nothing of it goes on.
    Ask,
    /// To change what is there.
    Change,
    /// To begin something: a folder is made where there is none.
    Begin,
}

impl Target {
    /// Finds the server, or opens the data folder, whose work goes on as long as the verb takes. Makes the folder where there is none.
    ///
    /// # Errors
    /// [`Failure`] when neither can be had.
    pub async fn connect(&self) -> Result<Client, Failure> {
        self.reach(Want::Begin).await
    }

    /// Finds the server, or opens the data folder, which must be there.
    ///
    /// # Errors
    /// As [`Target::connect`].
    pub async fn change(&self) -> Result<Client, Failure> {
        self.reach(Want::Change).await
    }

    /// Finds the server, or opens the data folder only to ask it: no verb that reads starts, sends or ends anything.
    ///
    /// # Errors
    /// As [`Target::connect`].
    pub async fn ask(&self) -> Result<Client, Failure> {
        self.reach(Want::Ask).await
    }

    async fn reach(&self, want: Want) -> Result<Client, Failure> {
        let http = reqwest::Client::builder().no_proxy().build().map_err(|e| Failure::new("http-client", e.to_string()))?;
        let token = self.token.clone();
        if let Some(server) = &self.server {
            return Ok(Client { http, base: server_url(server)?, token, own: None });
        }
        let begun = Instant::now();
        let node = loop {
            if let Some(base) = running(&http, &self.data).await {
                return Ok(Client { http, base, token, own: None });
            }
            match self.opened(want).await {
                // Another verb holds it for a moment, or a server that does not answer yet.
                Err(failure) if failure.code() == "STORE_LOCKED" && begun.elapsed() < LOCKED_WAIT => tokio::time::sleep(LOCKED_PAUSE).await,
                opened => break opened?,
            }
        };
        let (stop, stopped) = oneshot::channel::<()>();
        let listening = compose::serve(node.clone(), ([127, 0, 0, 1], 0).into(), async move {
            let _stopped_or_dropped = stopped.await;
        })
        .await?;
        let base = format!("http://{}", listening.address);
        let mut address = None;
        if want != Want::Ask {
            // Whoever comes while this verb holds the folder speaks to it.
            let file = self.data.join(ADDRESS_FILE);
            std::fs::write(&file, &base).map_err(|e| Failure::new("unwritable", format!("the address cannot be written: {e}")))?;
            address = Some(file);
        }
        Ok(Client { http, base, token, own: Some(Own { stop, listening, node, address }) })
    }

    async fn opened(&self, want: Want) -> Result<Arc<Node>, Failure> {
        let path = self.data.display().to_string();
        if self.data.is_file() {
            return Err(
                Failure::new("data", format!("`{path}` is a file, and a data folder is needed")).detail("name a folder with `--data`")
            );
        }
        if want != Want::Begin && !is_data_folder(&self.data) {
            return Err(Refused::Store(StoreError::Absent { path }).into());
        }
        match want {
            Want::Ask => compose::open_to_ask(&self.data).await,
            Want::Change | Want::Begin => {
                compose::open(&self.data, provost_runtime::Observer::quiet(), RetentionConfig::for_ever(), Secrets::default()).await
            }
        }
    }
}

/// Whether a folder holds anything of a data folder, be it damaged.
fn is_data_folder(data: &Path) -> bool {
    ["format.json", "server.key", "lock", "partition-000.db"].iter().any(|name| data.join(name).is_file())
}

/// The base URL that `--server` names.
fn server_url(text: &str) -> Result<String, Failure> {
    let url = reqwest::Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    match url {
        Some(_) => Ok(text.trim_end_matches('/').to_owned()),
        None => Err(Failure::new("server-url", format!("`{text}` is no URL of a server"))
            .detail("write it whole, e.g. `--server http://127.0.0.1:7400`; a data folder is named with `--data`")),
    }
}

/// The server that holds the folder, if one answers. An address outlives a server that was killed, and another folder's server, or
/// somebody else's, may answer there now: where nobody holds the folder's lock, it is not asked for anything.
async fn running(http: &reqwest::Client, data: &Path) -> Option<String> {
    let base = std::fs::read_to_string(data.join(ADDRESS_FILE)).ok()?.trim().to_owned();
    let answer = http.get(format!("{base}/healthz")).timeout(std::time::Duration::from_secs(2)).send().await.ok()?;
    (answer.status().is_success() && is_held(data)).then_some(base)
}

/// Whether a process holds the folder.
fn is_held(data: &Path) -> bool {
    let lock = std::fs::File::open(data.join("lock"));
    lock.is_ok_and(|lock| matches!(lock.try_lock_shared(), Err(std::fs::TryLockError::WouldBlock)))
}

/// The problem in a refusal: the document itself, or what the answer to an event carries.
fn problem(bytes: &[u8]) -> Option<ProblemBody> {
    let mut json: Json = serde_json::from_slice(bytes).ok()?;
    let carried = json.get_mut("problem").map(Json::take);
    serde_json::from_value(carried.unwrap_or(json)).ok()
}

impl Client {
    /// The server's base URL.
    pub fn url(&self) -> &str {
        &self.base
    }

    /// `GET path`.
    ///
    /// # Errors
    /// [`Failure`] with the server's problem.
    pub async fn get(&self, path: &str) -> Result<Json, Failure> {
        self.send(self.http.get(format!("{}{path}", self.base))).await
    }

    /// `POST path` with a JSON body.
    ///
    /// # Errors
    /// [`Failure`] with the server's problem.
    pub async fn post(&self, path: &str, body: &Json, headers: &[(&str, &str)]) -> Result<Json, Failure> {
        let mut request = self.http.post(format!("{}{path}", self.base)).json(body);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.send(request).await
    }

    /// `POST path` with a body of another media type.
    ///
    /// # Errors
    /// [`Failure`] with the server's problem.
    pub async fn post_as(&self, path: &str, media_type: &str, body: Vec<u8>) -> Result<Json, Failure> {
        self.send(self.http.post(format!("{}{path}", self.base)).header("content-type", media_type).body(body)).await
    }

    /// `PUT path` with a JSON body.
    ///
    /// # Errors
    /// [`Failure`] with the server's problem.
    pub async fn put(&self, path: &str, body: &Json) -> Result<Json, Failure> {
        self.send(self.http.put(format!("{}{path}", self.base)).json(body)).await
    }

    async fn send(&self, request: reqwest::RequestBuilder) -> Result<Json, Failure> {
        let request = match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        };
        let answer = request.send().await.map_err(|e| {
            Failure::new("unreachable", format!("the server at `{}` does not answer: {e}", self.base))
                .detail("start it with `provost serve`")
        })?;
        let status = answer.status();
        let bytes = answer.bytes().await.map_err(|e| Failure::new("unreachable", e.to_string()))?;
        if status.is_success() {
            return serde_json::from_slice(&bytes).map_err(|e| Failure::new("answer", format!("the server's answer is no JSON: {e}")));
        }
        match problem(&bytes) {
            Some(problem) => Err(Failure::new(&problem.code, problem.title).detail(problem.detail)),
            None => Err(Failure::new("answer", format!("the server answered {status}: {}", String::from_utf8_lossy(&bytes)))),
        }
    }

    /// Ends a server opened for this verb: it drains first.
    pub async fn close(self) {
        let Some(own) = self.own else { return };
        drop(self.http);
        let _gone = own.address.map(std::fs::remove_file);
        let _gone = own.stop.send(());
        let _ended = tokio::time::timeout(std::time::Duration::from_secs(5), own.listening.ended).await;
        let node = own.node;
        let _stopped = tokio::task::spawn_blocking(move || node.plane.stop()).await;
    }
}
