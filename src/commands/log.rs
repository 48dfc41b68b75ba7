//! Logs, to stderr only. The formatter is built when the first line is printed, since most containers print none
//! and PID 1 would carry it for life.
//!
//! Contract: a log line never blocks and never fails: what stderr does not take at once is lost. Whatever a message quotes,
//! it is one line: control characters are escaped here.

use crate::sys::fd::write_nowait;
use crate::words::text::one_line;
use std::fmt::{self, Write as _};
use std::io;
use std::sync::OnceLock;
use tracing::field::{Field, Visit};
use tracing::subscriber::Interest;
use tracing::{Event, Level, Metadata, Subscriber, span};
use tracing_subscriber::fmt::format::{DefaultFields, Format, Json, JsonFields, Writer};
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

/// Reads `WRAPPER_LOG` and `WRAPPER_LOG_FORMAT`; a level or format that does not exist is told, and the default holds.
pub(super) fn init() {
    let level = match std::env::var_os("WRAPPER_LOG") {
        None => Ok(Some(Level::WARN)),
        Some(text) => match text.to_str().unwrap_or_default().to_ascii_lowercase().as_str() {
            "off" => Ok(None),
            "" | "warn" => Ok(Some(Level::WARN)),
            "error" => Ok(Some(Level::ERROR)),
            "info" => Ok(Some(Level::INFO)),
            "debug" => Ok(Some(Level::DEBUG)),
            "trace" => Ok(Some(Level::TRACE)),
            _ => Err(text),
        },
    };
    let format = std::env::var_os("WRAPPER_LOG_FORMAT");
    let json = format.as_ref().is_some_and(|format| format == "json");
    let lazy = Lazy { level: *level.as_ref().unwrap_or(&Some(Level::WARN)), json, inner: OnceLock::new() };
    if lazy.level.is_some() {
        // It can only fail when called twice.
        let _ = tracing::subscriber::set_global_default(lazy);
    }
    if let Err(text) = level {
        tracing::warn!("WRAPPER_LOG={}: expected off, error, warn, info, debug or trace", text.display());
    }
    if let Some(format) = format.filter(|format| !matches!(format.to_str(), Some("" | "text" | "json"))) {
        tracing::warn!("WRAPPER_LOG_FORMAT={}: expected text or json", format.display());
    }
}

/// Passes events on to a formatter that it builds for the first of them.
struct Lazy {
    level: Option<Level>,
    json: bool,
    inner: OnceLock<Box<dyn Subscriber + Send + Sync>>,
}

impl Lazy {
    fn inner(&self) -> &(dyn Subscriber + Send + Sync) {
        self.inner.get_or_init(|| {
            let builder = tracing_subscriber::fmt().with_max_level(Level::TRACE).with_writer(|| Stderr);
            if self.json {
                let format: Format<Json> = tracing_subscriber::fmt::format().json().flatten_event(true);
                Box::new(builder.fmt_fields(JsonFields::new()).event_format(format).finish())
            } else {
                Box::new(builder.fmt_fields(DefaultFields::new()).event_format(Text).finish())
            }
        })
    }
}

impl Subscriber for Lazy {
    fn register_callsite(&self, metadata: &'static Metadata<'static>) -> Interest {
        if self.enabled(metadata) { Interest::always() } else { Interest::never() }
    }

    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        self.level.is_some_and(|level| *metadata.level() <= level)
    }

    fn max_level_hint(&self) -> Option<tracing::level_filters::LevelFilter> {
        Some(self.level.into())
    }

    fn new_span(&self, span: &span::Attributes<'_>) -> span::Id {
        self.inner().new_span(span)
    }

    fn record(&self, span: &span::Id, values: &span::Record<'_>) {
        self.inner().record(span, values);
    }

    fn record_follows_from(&self, span: &span::Id, follows: &span::Id) {
        self.inner().record_follows_from(span, follows);
    }

    fn event(&self, event: &Event<'_>) {
        self.inner().event(event);
    }

    fn enter(&self, span: &span::Id) {
        self.inner().enter(span);
    }

    fn exit(&self, span: &span::Id) {
        self.inner().exit(span);
    }
}

/// The field of an event for a text of ours that has several lines, such as the usage of a subcommand: printed below the
/// message.
pub(super) const BELOW: &str = "below";

/// `wrapper: warning: …`: as every Unix tool speaks; the runtime adds the time.
struct Text;

impl<S, N> FormatEvent<S, N> for Text
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
        let level = match *event.metadata().level() {
            Level::ERROR => "error",
            Level::WARN => "warning",
            Level::INFO => "info",
            Level::DEBUG => "debug",
            Level::TRACE => "trace",
        };
        let mut line = Line::default();
        event.record(&mut line);
        writeln!(writer, "wrapper: {level}: {}{}", one_line(line.message), one_line(line.fields))?;
        if line.below.is_empty() { Ok(()) } else { writeln!(writer, "{}", line.below) }
    }
}

/// The fields of an event.
#[derive(Default)]
struct Line {
    message: String,
    fields: String,
    below: String,
}

impl Visit for Line {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        // A String takes everything.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            BELOW => write!(self.below, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }
}

struct Stderr;

impl io::Write for Stderr {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        write_nowait(2, bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
