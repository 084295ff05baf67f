//! The server's log on stderr: text for people, or JSON lines with the fields of Stackdriver.

use std::fmt;
use std::io::{self, IsTerminal};

use serde_json::{Map, Value, json};
use skep_gateway::management::{LogControl, LogLevel};
use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::time::{FormatTime, SystemTime};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, reload};

use crate::config::LogFormat;
use crate::failure::Failure;

/// Starts the log and gives what changes its levels while the server runs.
///
/// # Errors
/// When the process has a log already.
pub(crate) fn start(format: LogFormat, level: LogLevel) -> Result<LogControl, Failure> {
    let (filter, handle) = reload::Layer::new(EnvFilter::default());
    let output = tracing_subscriber::fmt::layer().with_writer(io::stderr);
    let output = match format {
        LogFormat::Text => output.with_ansi(io::stderr().is_terminal()).boxed(),
        LogFormat::Json => output.event_format(Stackdriver).boxed(),
    };
    tracing_subscriber::registry()
        .with(filter)
        .with(output)
        .try_init()
        .map_err(|error| Failure::Local(format!("the log cannot be started: {error}")))?;
    report_panics();
    let logs = LogControl::new(level, move |directives| {
        let filter = EnvFilter::try_new(directives).map_err(|error| error.to_string())?;
        handle.reload(filter).map_err(|error| error.to_string())
    });
    // The consensus library tells its inner life at every level but this one; whoever wants to
    // hear it asks for debug.
    let quiet = matches!(level, LogLevel::Info | LogLevel::Warn).then_some(LogLevel::Error);
    logs.set("openraft", quiet).map_err(Failure::Local)?;
    Ok(logs)
}

/// A panic is a fault of Skep: it goes to the log with its place, in whatever form the log has.
fn report_panics() {
    std::panic::set_hook(Box::new(|panic| {
        let message = panic
            .payload_as_str()
            .map_or_else(|| "a panic without a message".to_owned(), str::to_owned);
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        let thread = std::thread::current().name().unwrap_or("unnamed").to_owned();
        let backtrace = std::backtrace::Backtrace::capture();
        tracing::error!(place, thread, "panic, please report it: {message}\n{backtrace}");
    }));
}

/// One JSON object a line: severity, time, message, serviceContext, sourceLocation, and the
/// event's own fields under `context`.
struct Stackdriver;

#[derive(Default)]
struct Fields {
    message: String,
    context: Map<String, Value>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        if field.name() == "message" {
            self.message = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
        } else {
            self.context.insert(field.name().to_owned(), value);
        }
    }
}

fn severity(level: tracing::Level) -> &'static str {
    match level {
        tracing::Level::ERROR => "ERROR",
        tracing::Level::WARN => "WARNING",
        tracing::Level::INFO => "INFO",
        tracing::Level::DEBUG | tracing::Level::TRACE => "DEBUG",
    }
}

impl<S, N> FormatEvent<S, N> for Stackdriver
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut time = String::new();
        SystemTime.format_time(&mut Writer::new(&mut time))?;
        let mut fields = Fields::default();
        event.record(&mut fields);
        let metadata = event.metadata();
        let mut line = json!({
            "severity": severity(*metadata.level()),
            "time": time,
            "message": fields.message,
            "serviceContext": {"service": "skep", "version": env!("CARGO_PKG_VERSION")},
            "sourceLocation": {
                "file": metadata.file().unwrap_or_default(),
                "line": metadata.line().unwrap_or_default(),
                "function": metadata.module_path().unwrap_or_default(),
            },
        });
        if !fields.context.is_empty()
            && let Some(line) = line.as_object_mut()
        {
            line.insert("context".to_owned(), fields.context.into());
        }
        writeln!(writer, "{line}")
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;

    #[derive(Clone, Default)]
    struct Sink(Arc<Mutex<Vec<u8>>>);

    impl io::Write for Sink {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn json_lines_have_the_fields_of_stackdriver() {
        let sink = Sink::default();
        let writer = sink.clone();
        let layer = tracing_subscriber::fmt::layer()
            .event_format(Stackdriver)
            .with_writer(move || writer.clone());
        let subscriber = tracing_subscriber::registry().with(layer);
        tracing::subscriber::with_default(subscriber, || {
            tracing::warn!(partition = 3, "disk \"full\"");
        });
        let text = String::from_utf8(sink.0.lock().unwrap().clone()).unwrap();
        let line: Value = serde_json::from_str(text.trim()).unwrap();
        assert_eq!(
            (&line["severity"], &line["message"]),
            (&json!("WARNING"), &json!("disk \"full\""))
        );
        assert_eq!(line["context"], json!({"partition": 3}));
        assert_eq!(line["serviceContext"]["service"], "skep");
        assert!(line["time"].as_str().unwrap().ends_with('Z'));
        assert!(line["sourceLocation"]["file"].as_str().unwrap().ends_with("logging.rs"));
    }
}
