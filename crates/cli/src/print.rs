//! Printing: results to stdout, everything else to stderr; colour where it is wanted.

use std::{
    borrow::Cow,
    io::{self, ErrorKind, IsTerminal, Write, stderr, stdout},
    sync::{
        LazyLock, OnceLock,
        atomic::{AtomicBool, Ordering},
    },
};

use anyhow::Error;
use evalmark_report::safe_text::{inert, inert_json, printable};
use evalmark_runner::{RunError, redacted_keys::hide};
use evalmark_terminal::{Screen, Tone};

use crate::{args::Color, hint};

/// Where words go, and whether they may be coloured.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Printer {
    stdout_color: bool,
    stderr_color: bool,
    /// Whether stderr is a log of JSON objects instead of text for people.
    logs: bool,
}

#[expect(clippy::unused_self, reason = "whoever may print holds a printer")]
impl Printer {
    pub(crate) fn new(color: Color) -> Self {
        let wanted = std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        let on = |is_terminal: bool| match color {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => wanted && is_terminal,
        };
        Self {
            stdout_color: on(stdout().is_terminal()),
            stderr_color: on(stderr().is_terminal()),
            logs: false,
        }
    }

    /// A printer that logs: what would be told on stderr becomes one JSON object a line.
    pub(crate) fn logging(color: Color) -> Self {
        let format = tracing_subscriber::fmt().json().flatten_event(true).with_target(false);
        // There is one log a process, and this is where it begins.
        let _ = format.with_writer(|| Log).try_init();
        Self { logs: true, ..Self::new(color) }
    }

    /// Whether stderr is a log of JSON objects.
    pub(crate) fn logs(self) -> bool {
        self.logs
    }

    /// A result. What cannot be written is told at the end ([`unwritten`]).
    pub(crate) fn result(self, text: &str) {
        write_out(&format!("{}\n", inert(&hide(text))));
    }

    /// A result in JSON.
    pub(crate) fn json(self, json: &str) {
        write_out(&format!("{}\n", inert_json(&hide(json))));
    }

    /// A result as it is, without a line break: in a form that is safe to print.
    pub(crate) fn raw(self, text: &str) {
        write_out(&hide(text));
    }

    /// Clears the terminal for what comes next; elsewhere nothing happens.
    pub(crate) fn new_screen(self) {
        if stdout().is_terminal() {
            write_out("\x1b[2J\x1b[3J\x1b[H");
        }
    }

    /// A remark.
    pub(crate) fn remark(self, text: &str) {
        let text = &*hide(text);
        if self.logs {
            return tracing::info!("{text}");
        }
        tell(&printable(text));
    }

    /// A warning.
    pub(crate) fn warning(self, text: &str) {
        let text = &*hide(text);
        if self.logs {
            return tracing::warn!("{text}");
        }
        let word = self.word(Tone::Unsure, "warning:");
        tell(&format!("{word} {}", printable(text)));
    }

    /// Asks on stderr and reads a line of stdin; `None` where it has ended.
    pub(crate) fn ask(self, question: &str) -> io::Result<Option<String>> {
        write!(stderr().lock(), "{} ", inert(&printable(question)))?;
        let mut line = String::new();
        let n = io::stdin().read_line(&mut line)?;
        Ok((n > 0).then(|| line.trim().to_owned()))
    }

    /// An error with its causes and hints.
    pub(crate) fn error(self, error: &Error) {
        self.described(&hint::describe(error));
    }

    /// An error of the engine with its causes and hints.
    pub(crate) fn run_error(self, error: &RunError) {
        self.described(&hint::describe_run_error(error));
    }

    fn described(self, text: &str) {
        let text = hide(text).into_owned();
        if self.logs {
            return tracing::error!("{}", text.trim());
        }
        let text = text.strip_prefix("error:").unwrap_or(&text);
        let word = self.word(Tone::Bad, "error:");
        let lines: Vec<_> = text.lines().map(printable).map(Cow::into_owned).collect();
        tell(&format!("{word}{}", lines.join("\n")));
    }

    /// What there is to write on, at stdout.
    pub(crate) fn screen(self) -> Screen {
        Screen { color: self.stdout_color, columns: columns() }
    }

    /// A word for stderr in the colour of what it means.
    fn word(self, tone: Tone, text: &str) -> String {
        Screen { color: self.stderr_color, columns: None }.paint(tone, text)
    }
}

/// Why results could not be written: the first of several reasons.
static UNWRITTEN: OnceLock<io::Error> = OnceLock::new();

/// Why a result of this process could not be written to stdout; `None` where all were.
pub(crate) fn unwritten() -> Option<&'static io::Error> {
    UNWRITTEN.get()
}

/// Writes to stdout. The work goes on where that fails, and its results on disk are whole.
fn write_out(text: &str) {
    let mut out = stdout().lock();
    keep_failure(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
}

/// Records why stdout could not be written. A closed pipe is not a failure: its reader has seen enough.
pub(crate) fn keep_failure(written: io::Result<()>) {
    match written {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => drop(UNWRITTEN.set(error)),
        Err(_) => IS_CLOSED.store(true, Ordering::Relaxed),
        Ok(()) => {}
    }
}

/// Whether the reader of stdout has gone.
static IS_CLOSED: AtomicBool = AtomicBool::new(false);

/// Whether nobody reads stdout any more.
pub(crate) fn is_stdout_closed() -> bool {
    IS_CLOSED.load(Ordering::Relaxed)
}

/// Writes lines to stderr.
fn tell(text: &str) {
    let _ = writeln!(stderr().lock(), "{}", inert(text));
}

/// The log: JSON objects on stderr in which nothing acts.
struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        // A line of the log comes whole.
        let text = String::from_utf8_lossy(bytes);
        stderr().lock().write_all(inert_json(&text).as_bytes())?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        stderr().lock().flush()
    }
}

/// Columns that a line of stdout may have: those of its terminal; elsewhere `COLUMNS`, where it is
/// set; else there is no limit.
fn columns() -> Option<usize> {
    static COLUMNS: LazyLock<Option<usize>> = LazyLock::new(|| {
        let of_terminal = || console::Term::stdout().size_checked().map(|(_, width)| width.into());
        let told = || std::env::var("COLUMNS").ok()?.trim().parse().ok();
        let columns = if stdout().is_terminal() { of_terminal() } else { told() };
        columns.filter(|columns| *columns >= NARROWEST)
    });
    *COLUMNS
}

/// What claims to be narrower is not believed.
const NARROWEST: usize = 20;
