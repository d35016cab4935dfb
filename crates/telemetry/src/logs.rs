//! JSON logs, one line each, to stderr.
//!
//! What must stay true: every line has `ts level target message` and the four correlation keys (`null` where unknown). A field that is
//! not in the catalogue shows `***`; what a foreign library says is replaced by where it said it, because nobody redacted it. It
//! decides nothing about levels beyond the settings.

use std::fmt;
use std::io::Write as _;

use serde_json::Value as Json;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime as _, SystemTime};
use tracing_subscriber::layer::{Context, Layer};
use tracing_subscriber::registry::LookupSpan;

use crate::catalogue::{SCOPE, field, is_field};
use crate::config::{Config, LogLevel};
use crate::secret::REDACTED;
use crate::shown::cut;

/// The correlation keys, in the order they are written.
const KEYS: [&str; 4] = [field::TENANT_ID.name(), field::EVENT_ID.name(), field::ORCHESTRATION_ID.name(), field::RUN_ID.name()];
const MESSAGE: &str = "message";

/// Writes one log line: a level, whose work it is, a fixed message, and fields of the catalogue with values that may be shown.
///
/// ```
/// use provost_telemetry::{Correlation, Name, log};
/// log!(INFO, Correlation::none(), "a worker came", WORKER = Name("screener-1"), COUNT = 3_u32);
/// ```
#[macro_export]
macro_rules! log {
    ($level:ident, $correlation:expr, $message:literal $(, $field:ident = $value:expr)* $(,)?) => {{
        if $crate::tracing::event_enabled!($crate::tracing::Level::$level) {
            let [tenant, event, orchestration, run] = $crate::Correlation::keys(&$correlation).map(|(_, text)| text);
            $crate::tracing::event!(
                $crate::tracing::Level::$level,
                tenant_id = tenant,
                event_id = event,
                orchestration_id = orchestration,
                run_id = run,
                $({ $crate::catalogue::field::$field.name() } = $crate::Shown::shown(&$value).as_value(),)*
                message = $message,
            );
        }
    }};
}

/// Which lines are written: ours by the settings, foreign ones from warnings up at most.
pub fn filter(config: &Config) -> Targets {
    let foreign = config.log_level.min(LogLevel::Warn);
    let ours = Targets::new().with_default(foreign).with_target(SCOPE, config.log_level);
    ours.with_targets(config.log_levels.iter().map(|(target, level)| (target.clone(), *level)))
}

/// The layer that writes JSON lines.
pub struct JsonLines<W> {
    writer: W,
    foreign_messages: bool,
}

impl<W> JsonLines<W> {
    /// Lines go to `writer`, each in one write.
    pub const fn new(writer: W, foreign_messages: bool) -> Self {
        Self { writer, foreign_messages }
    }
}

/// The correlation keys of a scope.
#[derive(Default)]
struct Scope([Option<String>; 4]);

impl<S, W> Layer<S> for JsonLines<W>
where
    S: Subscriber + for<'s> LookupSpan<'s>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        attributes.record(&mut fields);
        span.extensions_mut().insert(Scope(fields.keys));
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let Some(span) = context.span(id) else { return };
        let mut fields = Fields::default();
        values.record(&mut fields);
        if let Some(Scope(keys)) = span.extensions_mut().get_mut::<Scope>() {
            fill(&mut fields.keys, keys);
            *keys = fields.keys;
        }
    }

    fn on_event(&self, event: &Event<'_>, context: Context<'_, S>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        for span in context.event_scope(event).into_iter().flatten() {
            if let Some(Scope(keys)) = span.extensions().get::<Scope>() {
                fill(&mut fields.keys, keys);
            }
        }
        let line = self.line(event, fields);
        // A log that cannot be written must not stop the work; there is nowhere left to say so.
        let _unwritten = self.writer.make_writer().write_all(line.as_bytes());
    }
}

/// Fills what `keys` does not say from `outer`.
fn fill(keys: &mut [Option<String>; 4], outer: &[Option<String>; 4]) {
    for (key, outer) in keys.iter_mut().zip(outer) {
        if key.is_none() {
            key.clone_from(outer);
        }
    }
}

impl<W> JsonLines<W> {
    fn line(&self, event: &Event<'_>, fields: Fields) -> String {
        let metadata = event.metadata();
        let ours = is_ours(metadata.target());
        let mut line = Line::open();
        line.pair("level", &metadata.level().as_str().to_lowercase().into());
        line.pair("target", &metadata.target().into());
        if ours || self.foreign_messages {
            line.pair(MESSAGE, &fields.message.into());
        } else {
            let at = format!("said at {}:{}", metadata.file().unwrap_or("?"), metadata.line().unwrap_or_default());
            line.pair(MESSAGE, &at.into());
        }
        for (key, text) in KEYS.iter().zip(fields.keys) {
            line.pair(key, &text.into());
        }
        if ours {
            for (name, value) in fields.others {
                line.pair(name, &value);
            }
        }
        line.close()
    }
}

/// Whether a target is a crate of ours: `provost`, `provost_store::sqlite`.
fn is_ours(target: &str) -> bool {
    target.strip_prefix(SCOPE).is_some_and(|rest| rest.is_empty() || rest.starts_with('_') || rest.starts_with("::"))
}

/// A JSON object under construction, its members in the order they come.
struct Line(String);

impl Line {
    fn open() -> Self {
        let mut now = String::new();
        let _infallible = SystemTime.format_time(&mut Writer::new(&mut now));
        Self(format!("{{\"ts\":\"{now}\""))
    }

    fn pair(&mut self, key: &str, value: &Json) {
        use fmt::Write as _;
        let _infallible = write!(self.0, ",{}:{value}", Json::from(key));
    }

    fn close(mut self) -> String {
        self.0.push_str("}\n");
        self.0
    }
}

/// What a line or a scope was given.
#[derive(Default)]
struct Fields {
    message: String,
    keys: [Option<String>; 4],
    others: Vec<(&'static str, Json)>,
}

impl Fields {
    fn take(&mut self, field: &Field, value: Json) {
        let name = field.name();
        if let Some(key) = KEYS.iter().zip(&mut self.keys).find_map(|(key, slot)| (*key == name).then_some(slot)) {
            *key = Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        } else if name == MESSAGE {
            self.message = value.as_str().map(str::to_owned).unwrap_or_default();
        } else if is_field(name) {
            self.others.push((name, value));
        } else {
            self.others.push((name, REDACTED.into()));
        }
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.take(field, cut(&format!("{value:?}")).into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.take(field, cut(value).into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.take(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.take(field, value.into());
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.take(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.take(field, value.into());
    }
}

/// From now on a panic writes one line with its place and backtrace, but not its message, which may hold a payload.
pub fn quiet_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let trace = std::backtrace::Backtrace::capture();
        tracing::error!(target: SCOPE, "a panic at {place}; this is a bug, report it with this line");
        if trace.status() == std::backtrace::BacktraceStatus::Captured {
            let _unwritten = writeln!(std::io::stderr(), "{trace}");
        }
    }));
}

#[cfg(test)]
mod tests;
