//! Spans out over OTLP (HTTP, protobuf), when an endpoint is configured.
//!
//! What must stay true: without an exporter, or in a trace that is not sampled, ending a span costs one branch and builds nothing. The
//! decision to sample is a function of the trace id. A slow or missing collector costs spans, never work: the queue is bounded and the
//! export has threads of its own. Attributes are [`Shown`] values under catalogue names, nothing else.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use opentelemetry::trace::{SpanContext, SpanKind, Status, TraceFlags, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use opentelemetry_otlp::{Protocol, WithExportConfig as _, WithHttpConfig as _};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::error::{OTelSdkError, OTelSdkResult};
use opentelemetry_sdk::trace::{BatchConfigBuilder, BatchSpanProcessor, SpanData, SpanExporter, SpanProcessor};
use provost_model::OrchestrationId;

use crate::catalogue::{Field, SCOPE, Stage, field};
use crate::config::Config;
use crate::correlation::Correlation;
use crate::setup::SetupError;
use crate::shown::{Plain, Shown};
use crate::trace::{SpanId, TraceContext};

/// How often waiting spans are exported.
const EXPORT_EVERY: Duration = Duration::from_secs(1);
/// Most spans in one request.
const EXPORT_SPANS_MAX: usize = 512;
/// What follows the endpoint in the address of traces.
const TRACES_PATH: &str = "/v1/traces";

/// A span that ended: all that is told about it.
#[derive(Debug)]
pub struct SpanEnd<'s> {
    /// Which stage.
    pub stage: Stage,
    /// The span it belongs to; `None` for the first of a trace.
    pub parent: Option<SpanId>,
    /// Whose work it was.
    pub correlation: &'s Correlation,
    /// Start, in microseconds UTC.
    pub start_us: i64,
    /// End, in microseconds UTC.
    pub end_us: i64,
    /// The code of the error it ended with.
    pub failed: Option<&'static str>,
    /// What else is known; see [`SpanEnd::with`].
    pub fields: Vec<(Field, Plain<'static>)>,
}

impl<'s> SpanEnd<'s> {
    /// The first span of a trace that ended well; set the public fields for anything else.
    pub const fn new(stage: Stage, correlation: &'s Correlation, start_us: i64, end_us: i64) -> Self {
        Self { stage, parent: None, correlation, start_us, end_us, failed: None, fields: Vec::new() }
    }

    /// With one more field.
    #[must_use]
    pub fn with(mut self, field: Field, value: &impl Shown) -> Self {
        self.fields.push((field, value.shown().into_owned()));
        self
    }
}

/// The way out for spans. Cheap to clone; [`Spans::off`] leads nowhere.
#[derive(Clone, Debug, Default)]
pub struct Spans {
    out: Option<Arc<BatchSpanProcessor>>,
    sample_per_million: u32,
}

impl Spans {
    /// No exporter: every span costs one branch.
    pub fn off() -> Self {
        Self::default()
    }

    /// Whether there is an exporter at all.
    pub fn is_on(&self) -> bool {
        self.out.is_some()
    }

    /// Whether a span in this place would be exported.
    pub fn wants(&self, context: &TraceContext) -> bool {
        self.out.is_some() && context.sampled
    }

    /// Tells of the span at `context`; `end` runs only if it is exported.
    pub fn end<'s>(&self, context: &TraceContext, end: impl FnOnce() -> SpanEnd<'s>) {
        if let Some(out) = &self.out
            && context.sampled
        {
            out.on_end(exported(context, end()));
        }
    }

    /// The context of an orchestration: the one it came with, else one of its own, sampled by its id.
    pub fn accept(&self, traceparent: Option<&str>, orchestration: &OrchestrationId) -> TraceContext {
        traceparent.and_then(TraceContext::parse).unwrap_or_else(|| {
            let root = TraceContext::root(orchestration, false);
            TraceContext { sampled: self.samples(&root), ..root }
        })
    }

    /// Sampling by the low 56 bits of the trace id, which are hash: the same answer on every machine and after every start.
    fn samples(&self, context: &TraceContext) -> bool {
        self.out.is_some() && context.trace.low() % 1_000_000 < u64::from(self.sample_per_million)
    }
}

fn exported(context: &TraceContext, end: SpanEnd<'_>) -> SpanData {
    let correlation = end.correlation.keys().into_iter().filter_map(|(key, text)| Some(KeyValue::new(key.name(), text?)));
    let failed = end.failed.map(|code| KeyValue::new(field::CODE.name(), code));
    let fields = end.fields.into_iter().map(|(name, plain)| KeyValue::new(name.name(), value(plain)));
    SpanData {
        span_context: SpanContext::new(
            opentelemetry::TraceId::from_bytes(context.trace.to_bytes()),
            opentelemetry::SpanId::from_bytes(context.span.to_bytes()),
            TraceFlags::SAMPLED,
            false,
            TraceState::default(),
        ),
        parent_span_id: end.parent.map_or(opentelemetry::SpanId::INVALID, |id| opentelemetry::SpanId::from_bytes(id.to_bytes())),
        parent_span_is_remote: false,
        span_kind: kind(end.stage),
        name: end.stage.name().into(),
        start_time: moment(end.start_us),
        end_time: moment(end.end_us),
        attributes: correlation.chain(failed).chain(fields).collect(),
        dropped_attributes_count: 0,
        events: Default::default(),
        links: Default::default(),
        status: end.failed.map_or(Status::Unset, Status::error),
        instrumentation_scope: InstrumentationScope::builder(SCOPE).build(),
    }
}

fn value(plain: Plain<'_>) -> opentelemetry::Value {
    match plain {
        Plain::Int(n) => n.into(),
        Plain::Float(n) => n.into(),
        Plain::Flag(b) => b.into(),
        Plain::Text(text) => text.into_owned().into(),
    }
}

fn kind(stage: Stage) -> SpanKind {
    match stage {
        Stage::Ingest => SpanKind::Server,
        Stage::ModelCall | Stage::ToolCall | Stage::Dispatch => SpanKind::Client,
        Stage::Orchestrate | Stage::AgentRun | Stage::Decide | Stage::Policy | Stage::Review => SpanKind::Internal,
    }
}

fn moment(at_us: i64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_micros(u64::try_from(at_us).unwrap_or_default())
}

/// The exporter behind [`Spans`]; shut down once, at the end.
pub(crate) struct Exporter {
    processor: Arc<BatchSpanProcessor>,
    runtime: Option<tokio::runtime::Runtime>,
    timeout: Duration,
}

impl Exporter {
    /// Starts the exporter to the configured endpoint.
    pub(crate) fn start(config: &Config, endpoint: &str) -> Result<(Self, Spans), SetupError> {
        let timeout = Duration::from_millis(config.export_timeout_ms);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).thread_name("provost-otlp").enable_all().build();
        let runtime = runtime.map_err(|e| SetupError::Threads(e.to_string()))?;
        let client = Client::new(runtime.handle().clone(), timeout)?;
        let exporter = opentelemetry_otlp::SpanExporter::builder()
            .with_http()
            .with_http_client(client)
            .with_headers(config.otlp_headers.iter().map(|(name, secret)| (name.clone(), secret.expose().clone())).collect())
            .with_protocol(Protocol::HttpBinary)
            .with_timeout(timeout)
            .with_endpoint(address(endpoint)?)
            .build()
            .map_err(|e| SetupError::Endpoint { endpoint: endpoint.to_owned(), why: e.to_string() })?;
        let batches = BatchConfigBuilder::default()
            .with_max_queue_size(config.spans_queued_max)
            .with_max_export_batch_size(EXPORT_SPANS_MAX.min(config.spans_queued_max))
            .with_scheduled_delay(EXPORT_EVERY)
            .build();
        let mut processor = BatchSpanProcessor::builder(Told(exporter)).with_batch_config(batches).build();
        processor.set_resource(&Resource::builder_empty().with_service_name(config.service_name.clone()).build());
        let processor = Arc::new(processor);
        let spans = Spans { out: Some(Arc::clone(&processor)), sample_per_million: config.sample_per_million };
        Ok((Self { processor, runtime: Some(runtime), timeout }, spans))
    }

    /// Exports what waits; whether the collector took it.
    pub(crate) fn flush(&self) -> bool {
        self.processor.force_flush().is_ok()
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        // A collector that does not answer must not keep the process from ending; the loss was logged.
        let _lost = self.processor.shutdown_with_timeout(self.timeout);
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// The address of traces behind an endpoint.
fn address(endpoint: &str) -> Result<String, SetupError> {
    let trimmed = endpoint.trim_end_matches('/');
    let fits = trimmed.strip_prefix("http://").or_else(|| trimmed.strip_prefix("https://")).is_some_and(|rest| !rest.is_empty());
    if !fits {
        return Err(SetupError::Endpoint { endpoint: endpoint.to_owned(), why: "it starts with neither http:// nor https://".to_owned() });
    }
    Ok(if trimmed.ends_with(TRACES_PATH) { trimmed.to_owned() } else { format!("{trimmed}{TRACES_PATH}") })
}

/// An exporter whose failures are logged: how many spans were lost, never which.
#[derive(Debug)]
struct Told(opentelemetry_otlp::SpanExporter);

impl SpanExporter for Told {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        let count = batch.len();
        let result = self.0.export(batch).await;
        if let Err(error) = &result {
            let code = match error {
                OTelSdkError::Timeout(_) => "TELEMETRY_EXPORT_TIMEOUT",
                OTelSdkError::AlreadyShutdown | OTelSdkError::InternalFailure(_) => "TELEMETRY_EXPORT_FAILED",
            };
            crate::log!(WARN, Correlation::none(), "spans were lost, the collector did not take them", CODE = code, COUNT = count);
        }
        result
    }

    fn shutdown_with_timeout(&self, timeout: Duration) -> OTelSdkResult {
        self.0.shutdown_with_timeout(timeout)
    }

    fn set_resource(&mut self, resource: &Resource) {
        self.0.set_resource(resource);
    }
}

/// The HTTP client of the exporter, on the exporter's own threads: no redirects, no proxy from the environment.
#[derive(Debug)]
struct Client {
    inner: reqwest::Client,
    threads: tokio::runtime::Handle,
}

impl Client {
    fn new(threads: tokio::runtime::Handle, timeout: Duration) -> Result<Self, SetupError> {
        let inner = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).timeout(timeout).build();
        Ok(Self { inner: inner.map_err(|e| SetupError::Threads(e.to_string()))?, threads })
    }
}

#[async_trait::async_trait]
impl HttpClient for Client {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let inner = self.inner.clone();
        self.threads.spawn(async move { inner.send_bytes(request).await }).await?
    }
}
