//! `provost serve`.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use provost_runtime::sweep::GRACE;
use provost_runtime::{Observer, RetentionConfig};
use provost_telemetry::Config;
use provost_worker::secrets::Secrets;
use tokio::signal::unix::{SignalKind, signal};

use crate::client::{ADDRESS_FILE, Target};
use crate::compose;
use crate::say::{Failure, note};

/// How long after a start blobs are swept first.
const SWEEP_FIRST: Duration = Duration::from_secs(600);
/// How often blobs are swept.
const SWEEP_EVERY: Duration = Duration::from_secs(24 * 3600);

/// Serve a data folder: resume all unfinished work, then take events, starts and workers.
#[derive(Debug, clap::Args)]
pub struct Serve {
    /// Where to listen. Beyond loopback a token must exist.
    #[arg(long, default_value = "127.0.0.1:7400")]
    listen: SocketAddr,
    /// Written once the server answers; holds its URL.
    #[arg(long)]
    ready_file: Option<PathBuf>,
    /// Where traces are sent (OTLP over HTTP), e.g. http://127.0.0.1:4318.
    #[arg(long, env = "PROVOST_OTLP_ENDPOINT")]
    otlp_endpoint: Option<String>,
    /// How many days an orchestration is kept after its end; then only its tombstone is. 0 keeps it for ever.
    #[arg(long, env = "PROVOST_KEEP_DAYS", default_value_t = 30)]
    keep_days: u32,
    /// Folder of the secrets that actions may send: one file each, named as in `$secrets.NAME`.
    #[arg(long, env = "PROVOST_SECRETS")]
    secrets: Option<PathBuf>,
}

impl Serve {
    /// Serves until SIGINT or SIGTERM, then drains.
    pub async fn run(&self, target: &Target) -> Result<ExitCode, Failure> {
        let config = Config { otlp_endpoint: self.otlp_endpoint.clone(), ..Config::default() };
        let telemetry = provost_telemetry::setup(&config).map_err(|e| Failure::new(e.code(), e.to_string()).detail(e.hint()))?;
        let (prometheus, meters, spans) = (telemetry.prometheus.clone(), telemetry.meters.clone(), telemetry.spans.clone());
        let observer = Observer { prometheus, meters, spans };
        let secrets = self.secrets.clone().map(Secrets::folder).unwrap_or_default();
        let node = compose::open(&target.data, observer, RetentionConfig::days(self.keep_days), secrets).await?;
        tokio::spawn(sweeping(node.clone()));
        let failing = node.clone();
        let listening = compose::serve(node.clone(), self.listen, async move { stopped(&failing).await }).await?;
        let url = format!("http://{}", listening.address);
        let said = std::fs::write(target.data.join(ADDRESS_FILE), &url)
            .and_then(|()| self.ready_file.as_ref().map_or(Ok(()), |file| std::fs::write(file, &url)));
        said.map_err(|e| Failure::new("unwritable", format!("the address cannot be written: {e}")))?;
        note(&format!("provost serves {} at {url}", target.data.display()));
        let _ended = listening.ended.await;
        let plane = node.plane.clone();
        let failure = plane.failure();
        let _stopped = tokio::task::spawn_blocking(move || plane.stop()).await;
        let _gone = std::fs::remove_file(target.data.join(ADDRESS_FILE));
        drop(telemetry);
        match failure {
            None => Ok(ExitCode::SUCCESS),
            Some(error) => Err(provost_runtime::Refused::Store(error).into()),
        }
    }
}

/// Blobs that nothing names leave once a day, until the plane stops.
async fn sweeping(node: std::sync::Arc<provost_runtime::Node>) {
    let mut pause = SWEEP_FIRST;
    loop {
        tokio::time::sleep(pause).await;
        pause = SWEEP_EVERY;
        match node.sweep_blobs(GRACE).await {
            Ok(0) => {}
            Ok(deleted) => tracing::info!("{deleted} blobs that nothing names were deleted"),
            Err(provost_runtime::Refused::Stopping) => return,
            Err(refused) => tracing::warn!(code = refused.code(), "blobs were not swept: {refused}"),
        }
    }
}

/// A signal, or the data plane stopped by itself.
async fn stopped(node: &provost_runtime::Node) {
    let (Ok(mut interrupt), Ok(mut terminate)) = (signal(SignalKind::interrupt()), signal(SignalKind::terminate())) else { return };
    loop {
        tokio::select! {
            _ = interrupt.recv() => return,
            _ = terminate.recv() => return,
            () = tokio::time::sleep(Duration::from_millis(250)) => {
                if node.plane.failure().is_some() {
                    return;
                }
            }
        }
    }
}
