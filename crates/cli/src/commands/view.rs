//! `evalmark view`: local pages over the runs of a folder.

use std::{
    io::{IsTerminal, stdout},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use anyhow::Result;
use clap::Args;
use evalmark_core::{history::History, source::Sources, verdict::Verdict};
use evalmark_report::run_message::RunMessage;
use evalmark_runner::{
    GateOf, HistoryOptions, Host, Notice, Notices, Permissions, RunError, compare_runs, ended_run,
    history_of_runs, run_message,
};
use evalmark_store::runs::ListedRun;
use evalmark_viewer::{Analysis, ViewOptions, Viewer, interrupted};

use crate::{
    commands::monitor_metrics::metrics_token,
    environment::Environment,
    exit::Exit,
    print::{Printer, unwritten},
};

#[derive(Debug, Args)]
pub(crate) struct ViewArgs {
    /// Folder of the runs
    #[arg(value_name = "DIR", default_value = "reports")]
    pub(crate) dir: PathBuf,
    /// Port of 127.0.0.1 [default: any that is free]
    #[arg(long, value_name = "PORT", default_value_t = 0, hide_default_value = true)]
    pub(crate) port: u16,
    /// Open the address in a browser [default: where stdout is a terminal with a screen]
    #[arg(long, overrides_with = "no_open")]
    pub(crate) open: bool,
    /// Print the address, and open nothing
    #[arg(long)]
    pub(crate) no_open: bool,
    /// NAME of the environment variable that holds a token for Prometheus, which opens /metrics alone
    #[arg(long, value_name = "NAME")]
    pub(crate) metrics_token_env: Option<String>,
}

pub(crate) fn view(args: &ViewArgs, printer: Printer, permissions: &Permissions) -> Result<Exit> {
    let metrics_token = args.metrics_token_env.as_deref().map(metrics_token).transpose()?;
    let options = ViewOptions { folder: args.dir.clone(), port: args.port, metrics_token };
    let viewer = Viewer::bind(&options, Arc::new(Engine { permissions: permissions.clone() }))?;
    let address = viewer.address();
    printer.result(&address);
    if unwritten().is_some() {
        // Nobody would learn where the pages are.
        return Ok(Exit::Done);
    }
    printer.remark(&format!(
        "serving the runs in {}; anyone with this address can read them; press Ctrl-C to stop",
        viewer.folder().display()
    ));
    for place in viewer.runs_elsewhere() {
        let place = place.display();
        printer.remark(&format!(
            "there is no run in that folder, but there are some in {place}: `evalmark view {place}`"
        ));
    }
    let opens = args.open || (!args.no_open && stdout().is_terminal() && has_screen());
    if opens && !open(&address) {
        printer.remark("no browser could be started: open the address yourself");
    }
    viewer.serve(interrupted())?;
    Ok(Exit::Done)
}

/// What the pages ask of the engine.
struct Engine {
    permissions: Permissions,
}

impl Analysis for Engine {
    fn history(&self, suite: &str, runs: Vec<ListedRun>) -> Result<History, String> {
        history_of_runs(suite, runs, &HistoryOptions::default())
            .map_err(|error| in_one_line(&error))
    }

    fn compare(&self, baseline: &Path, candidate: &Path) -> Result<Verdict, String> {
        // What there is to tell stands in the verdict, too.
        let hear = |_: &Notice<'_>| ();
        let host = Host {
            sources: Sources { kinds: evalmark_integrations::sources::catalog(), ..Sources::NONE },
            receivers: evalmark_integrations::receivers::catalog(),
            ..Host::new(Notices::new(&hear), &Environment, &self.permissions)
        };
        let found = compare_runs(baseline, candidate, GateOf::Run, &host);
        found.map(|outcome| outcome.verdict).map_err(|error| in_one_line(&error))
    }

    fn message(&self, run: &Path) -> Result<RunMessage, String> {
        let hear = |_: &Notice<'_>| ();
        // Without kinds of receivers, no file outside the run is read.
        let host = Host::new(Notices::new(&hear), &Environment, &self.permissions);
        let ended = ended_run(run, &host).map_err(|error| in_one_line(&error))?;
        Ok(run_message(&ended, None, &host))
    }
}

/// An error with its causes and advice.
fn in_one_line(error: &RunError) -> String {
    let hints = error.hints().join("; ");
    let text = error.in_full();
    if hints.is_empty() { text } else { format!("{text} ({hints})") }
}

/// Whether there is a screen that a browser could show something on.
fn has_screen() -> bool {
    cfg!(any(target_os = "macos", windows))
        || ["DISPLAY", "WAYLAND_DISPLAY"].iter().any(|name| std::env::var_os(name).is_some())
}

/// Starts whatever opens addresses here.
fn open(address: &str) -> bool {
    let (program, first): (&str, &[&str]) = if cfg!(target_os = "macos") {
        ("open", &[])
    } else if cfg!(windows) {
        ("rundll32", &["url.dll,FileProtocolHandler"])
    } else {
        ("xdg-open", &[])
    };
    let started = Command::new(program)
        .args(first)
        .arg(address)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    started.is_ok()
}
