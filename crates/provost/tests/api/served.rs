//! A server in a test: the binary as a child process on a folder of its own, and HTTP clients with tokens.

use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use reqwest::{Method, Response};
use serde_json::{Value as Json, json};

/// A workflow that needs nothing outside, one that asks a person, one that never ends by itself, and one with an external worker.
const BUNDLE: [(&str, &str); 8] = [
    (
        "workflows/double.yaml",
        "document: { dsl: '1.0.3', namespace: test, name: double, version: '1.0.0' }
schedule: { on: { one: { with: { type: test.double.v1 } } } }
input: { from: '${ if type == \"array\" then .[0] else . end }' }
do:
  - double: { set: { n: '${ .n * 2 }' } }
",
    ),
    (
        "workflows/ask.yaml",
        "document: { dsl: '1.0.3', namespace: test, name: ask, version: '1.0.0' }
do:
  - ask: { call: review, with: { queue: board, title: 'Is it so?', options: [ yes, no ], fourEyes: true, show: '${ . }' } }
",
    ),
    (
        "workflows/spin.yaml",
        "document: { dsl: '1.0.3', namespace: test, name: spin, version: '1.0.0', metadata: { provost: { limits: { tasks: 5000 } } } }
do:
  - around: { set: { n: 1 }, then: around }
",
    ),
    (
        "workflows/work.yaml",
        "document: { dsl: '1.0.3', namespace: test, name: work, version: '1.0.0' }
do:
  - act: { call: act, with: { action: weigh, arguments: '${ . }' } }
",
    ),
    ("actions/weigh.yaml", "version: 1.0.0\nclass: E1\nqueue: scales\ntimeoutMs: 60000\n"),
    (
        "workflows/doubt.yaml",
        "document: { dsl: '1.0.3', namespace: test, name: doubt, version: '1.0.0' }
do:
  - act: { call: act, with: { action: stamp, arguments: '${ . }' } }
",
    ),
    ("actions/stamp.yaml", "version: 1.0.0\nclass: E4\nqueue: stamps\ntimeoutMs: 60000\n"),
    (
        "contracts/double.json",
        r#"{ "$schema": "https://json-schema.org/draft/2020-12/schema", "x-provost": { "type": "test.double.v1" }, "type": "object", "required": [ "n" ], "properties": { "n": { "type": "integer" } } }"#,
    ),
];

/// What every tenant of the tests may do: everything, except that the board's reviews need a second person.
const POLICY: &str = r#"permit(principal, action, resource);
forbid(principal, action == Action::"review.decide", resource) when { context.fourEyes && !context.secondPerson };
"#;

/// A running server.
pub struct Served {
    child: Option<Child>,
    folder: tempfile::TempDir,
    data: PathBuf,
    /// Where its spans go.
    otlp: Option<String>,
    url: String,
    http: reqwest::Client,
}

/// A caller: a token, or the local user.
#[derive(Clone)]
pub struct Caller {
    url: String,
    http: reqwest::Client,
    token: Option<String>,
}

/// Status and JSON of an answer.
pub struct Answer {
    pub status: u16,
    pub kind: String,
    pub json: Json,
    pub text: String,
    pub retry_after: Option<String>,
}

impl Served {
    /// A server on a fresh folder.
    pub async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        Self::start_in(folder, data, None).await
    }

    /// A server on a fresh folder that sends its spans to a collector.
    pub async fn start_traced(endpoint: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("data");
        Self::start_in(folder, data, Some(endpoint.to_owned())).await
    }

    /// A server whose data stand elsewhere.
    pub async fn start_at(data: PathBuf) -> Self {
        Self::start_in(tempfile::tempdir().unwrap(), data, None).await
    }

    async fn start_in(folder: tempfile::TempDir, data: PathBuf, otlp: Option<String>) -> Self {
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let mut served = Self { child: None, folder, data, otlp, url: String::new(), http };
        served.up().await;
        served
    }

    /// The folder that it holds.
    pub fn data(&self) -> PathBuf {
        self.data.clone()
    }

    /// The folder of the secrets it may send.
    pub fn secrets(&self) -> PathBuf {
        self.folder.path().join("secrets")
    }

    pub fn log_path(&self) -> PathBuf {
        self.folder.path().join("log")
    }

    /// Starts it, or starts it again.
    pub async fn up(&mut self) {
        let ready = self.folder.path().join("ready");
        let _absent = std::fs::remove_file(&ready);
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.log_path()).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_provost"));
        command.arg("serve").arg("--data").arg(self.data()).args(["--listen", "127.0.0.1:0"]).arg("--ready-file").arg(&ready);
        command.arg("--secrets").arg(self.secrets());
        if let Some(endpoint) = &self.otlp {
            command.arg("--otlp-endpoint").arg(endpoint);
        }
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap();
        let began = Instant::now();
        loop {
            if let Ok(url) = std::fs::read_to_string(&ready)
                && !url.is_empty()
            {
                self.url = url;
                break;
            }
            if let Some(status) = child.try_wait().unwrap() {
                panic!("the server ended with {status}: {}", std::fs::read_to_string(self.log_path()).unwrap_or_default());
            }
            assert!(began.elapsed() < Duration::from_secs(60), "the server is not ready");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        self.child = Some(child);
    }

    /// Kills it as a crash would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Stops it as an operator would; how it ended.
    pub fn stop(&mut self) -> std::process::ExitStatus {
        let mut child = self.child.take().unwrap();
        assert!(Command::new("kill").arg(child.id().to_string()).status().unwrap().success());
        child.wait().unwrap()
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().unwrap().id()
    }

    /// Where it is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The local user.
    pub fn local(&self) -> Caller {
        Caller { url: self.url.clone(), http: self.http.clone(), token: None }
    }

    /// A caller with this token.
    pub fn with(&self, token: &str) -> Caller {
        Caller { token: Some(token.to_owned()), ..self.local() }
    }

    /// The same caller, after a restart at another address.
    pub fn again(&self, caller: &Caller) -> Caller {
        Caller { token: caller.token.clone(), ..self.local() }
    }

    /// A named token of a tenant, with its bundle published there by the first one made.
    pub async fn token(&self, tenant: &str, name: &str, role: &str) -> String {
        let body = json!({ "name": name, "roles": [role], "tenant": tenant, "reason": "test" });
        let made = self.local().post("/v1/principals", &body).await;
        assert_eq!(made.status, 200, "{}", made.text);
        made.json["token"].as_str().unwrap().to_owned()
    }

    /// An admin of a tenant that has the bundle of these tests.
    pub async fn tenant(&self, tenant: &str) -> Caller {
        let admin = self.with(&self.token(tenant, "admin", "admin").await);
        admin.publish().await;
        admin
    }

    /// What the server said on stderr so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Runs the binary to its end: exit code, stdout, stderr.
pub fn run(arguments: &[&str], data: &Path) -> (i32, String, String) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_provost"));
    command.args(arguments).arg("--data").arg(data).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let (mut out, mut err) = (String::new(), String::new());
    child.stdout.take().unwrap().read_to_string(&mut out).unwrap();
    child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
    (child.wait().unwrap().code().unwrap_or(-1), out, err)
}

impl Caller {
    /// Publishes the bundle of these tests.
    pub async fn publish(&self) {
        let mut files: serde_json::Map<String, Json> = BUNDLE.iter().map(|(path, text)| ((*path).to_owned(), json!(text))).collect();
        files.insert("policies/all.cedar".to_owned(), json!(POLICY));
        let answer = self.post("/v1/bundles", &json!({ "files": files, "reason": "test" })).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
    }

    pub async fn send(&self, method: Method, path: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.url)).body(body);
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        Answer::of(request.send().await.unwrap()).await
    }

    /// Asks, and leaves the answer's body to be read as it comes.
    pub async fn open(&self, path: &str) -> Response {
        let request = self.http.get(format!("{}{path}", self.url));
        self.token.iter().fold(request, reqwest::RequestBuilder::bearer_auth).send().await.unwrap()
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Method::GET, path, &[], Vec::new()).await
    }

    pub async fn post(&self, path: &str, body: &Json) -> Answer {
        self.send(Method::POST, path, &[("content-type", "application/json")], body.to_string().into_bytes()).await
    }

    pub async fn put(&self, path: &str, body: &Json) -> Answer {
        self.send(Method::PUT, path, &[("content-type", "application/json")], body.to_string().into_bytes()).await
    }

    /// Sends raw bytes as a structured event.
    pub async fn emit_bytes(&self, body: impl Into<Vec<u8>>) -> Answer {
        self.send(Method::POST, "/v1/events", &[("content-type", "application/cloudevents+json")], body.into()).await
    }

    pub async fn emit(&self, id: &str, kind: &str, data: Json) -> Answer {
        let event = json!({ "specversion": "1.0", "id": id, "source": "/test", "type": kind, "data": data });
        self.emit_bytes(event.to_string()).await
    }

    /// Starts a workflow and waits for it.
    pub async fn start(&self, workflow: &str, input: Json, headers: &[(&str, &str)]) -> Answer {
        let mut all = vec![("content-type", "application/json")];
        all.extend(headers);
        let body = json!({ "input": input }).to_string().into_bytes();
        self.send(Method::POST, &format!("/v1/workflows/{workflow}/orchestrations"), &all, body).await
    }

    /// Waits until `GET path` holds.
    pub async fn until(&self, path: &str, holds: impl Fn(&Json) -> bool) -> Json {
        let began = Instant::now();
        loop {
            let answer = self.get(path).await;
            if holds(&answer.json) {
                return answer.json;
            }
            assert!(began.elapsed() < Duration::from_secs(20), "{path} stays {}", answer.text);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

impl Answer {
    async fn of(response: Response) -> Self {
        let status = response.status().as_u16();
        let header = |name: &str| response.headers().get(name).and_then(|value| value.to_str().ok()).map(str::to_owned);
        let (kind, retry_after) = (header("content-type").unwrap_or_default(), header("retry-after"));
        let text = response.text().await.unwrap_or_default();
        let json = serde_json::from_str(&text).unwrap_or(Json::Null);
        Self { status, kind, json, text, retry_after }
    }

    /// It is a problem document with this status and code that says what to do.
    pub fn refused(&self, status: u16, code: &str) -> &Self {
        assert_eq!((self.status, self.json["code"].as_str()), (status, Some(code)), "{}", self.text);
        assert_eq!(self.kind, "application/problem+json", "{}", self.text);
        assert!(self.json["title"].as_str().is_some_and(|title| !title.is_empty()), "{}", self.text);
        assert_eq!(self.json["status"], status, "{}", self.text);
        self
    }

    /// It went well.
    pub fn ok(&self) -> &Self {
        assert!((200..300).contains(&self.status), "{}", self.text);
        self
    }

    pub fn text_at(&self, pointer: &str) -> String {
        self.json.pointer(pointer).and_then(Json::as_str).unwrap_or_else(|| panic!("no `{pointer}` in {}", self.text)).to_owned()
    }
}
