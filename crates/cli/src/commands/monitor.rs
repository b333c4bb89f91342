//! `evalmark monitor`: production logs scored with a suite's metrics, and what they show.

use std::path::PathBuf;

use anyhow::Result;
use clap::{Args, Subcommand};
use evalmark_runner::{
    Host, Monitor, MonitorOptions, MonitorRestartOptions, MonitorStatusOptions, ending_of_monitor,
    ending_of_reading, monitor_document, monitor_restart, monitor_status, queue_alarms,
    reading_document,
};
use evalmark_terminal::monitor as text;

use super::{monitor_input, monitor_metrics::MetricsArgs, release::RELEASES};
use crate::{
    args::{ExecArgs, FormatArgs, OutArgs},
    environment::run_link,
    exit::Exit,
    print::Printer,
    receivers::deliver_queued,
};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct MonitorArgs {
    #[command(subcommand)]
    command: Option<MonitorCommand>,
    /// Suite file (YAML), with a `logs` section
    #[arg(value_name = "SUITE", required = true)]
    suite: Option<PathBuf>,
    /// Files, folders or patterns with the logs; `-` is standard input, and `otlp` takes in what applications send
    /// by OpenTelemetry, at 127.0.0.1:4317 and :4318 or at `otlp://ADDRESS:PORT`; `elasticsearch:https://SERVER/INDEX` reads
    /// documents, and `s3://BUCKET/logs/*.jsonl`, `gs://…` and `az://…` objects of a store [default: `logs.from` of the suite]
    #[arg(long, value_name = "PLACE", num_args = 1..)]
    pub(super) from: Vec<PathBuf>,
    /// Go on reading what is added, through rotations, until it is stopped
    #[arg(long)]
    pub(super) follow: bool,
    /// Let other machines send to `otlp://ADDRESS:PORT`: anyone who can reach the address may send
    #[arg(long)]
    pub(super) allow_remote: bool,
    #[command(flatten)]
    metrics: MetricsArgs,
    /// Folder of the answers that judges give, which runs share [default: the user's cache folder]
    #[arg(long, value_name = "DIR", env = "EVALMARK_CACHE_DIR")]
    cache_dir: Option<PathBuf>,
    #[command(flatten)]
    out: OutArgs,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    #[command(flatten)]
    format: FormatArgs,
}

#[derive(Clone, Debug, Subcommand)]
enum MonitorCommand {
    /// Show what was read: lines, and each metric by day and against a baseline
    Status {
        /// Suite file (YAML)
        #[arg(value_name = "SUITE")]
        suite: PathBuf,
        /// Baseline to compare with [default: the released run, or the baseline that the suite's gate names]
        #[arg(long, value_name = "NAME")]
        baseline: Option<String>,
        /// Environment whose released prompt to compare with [default: `production`, or the only one that has released
        /// one of this suite]
        #[arg(long, value_name = "ENV", conflicts_with = "baseline")]
        release: Option<String>,
        /// Folder of the releases
        #[arg(long, value_name = "DIR", default_value = RELEASES)]
        releases: PathBuf,
        /// The baseline's prompt that is in production, where it has several
        #[arg(long, value_name = "NAME")]
        prompt: Option<String>,
        /// The baseline's model that is in production, where it has several
        #[arg(long, value_name = "NAME")]
        model: Option<String>,
        /// Chance of any false alarm in a year, over all streams that raise alarms
        #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
        alpha: f64,
        #[command(flatten)]
        out: OutArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Test for drift anew from a moment on: alarms end, once their cause is dealt with
    Restart {
        /// Suite file (YAML)
        #[arg(value_name = "SUITE")]
        suite: PathBuf,
        /// Since when records count: a date, or RFC 3339 [default: now]
        #[arg(long, value_name = "TIME")]
        at: Option<String>,
        /// Why, for those who look later
        #[arg(long, value_name = "TEXT")]
        reason: Option<String>,
        #[command(flatten)]
        out: OutArgs,
    },
}

pub(crate) fn monitor(args: &MonitorArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    if let Some(command) = &args.command {
        return of_command(command, printer, host);
    }
    let suite = args.suite.clone().unwrap_or_default();
    let cache_dir = args.cache_dir.as_ref().map(std::path::absolute).transpose()?;
    let host = &Host { cache_dir: cache_dir.as_deref().or(host.cache_dir), ..*host };
    let options = MonitorOptions { suite, out: args.out.out.clone() };
    let mut monitor = Monitor::open(&options, host)?;
    let mut input = monitor_input::open(args, &monitor, (printer, host))?;
    for metric in monitor.unasked() {
        printer.remark(&format!(
            "metric `{metric}` is judged by a model, which is not asked: `logs: {{ judges: {{ rate: 0.02 }} }}` in the suite asks \
             about a share of the records"
        ));
    }
    let does_follow = args.follow || input.is_pushed();
    let looked = MonitorStatusOptions::of(&options.suite, &options.out);
    let read = args.metrics.shown_while(looked, (printer, host), |note| {
        monitor.read(&mut *input, &mut |state| {
            note(state);
            if does_follow {
                printer.remark(&text::progress(state));
            }
        })
    });
    let read = read??;
    drop(input);
    if args.format.is_json() {
        printer.json(&format!("{:#}", reading_document(&read, monitor.folder())));
    } else {
        printer.result(&text::reading(&read, monitor.folder(), printer.screen()));
    }
    Ok(ending_of_reading(&read, does_follow)?)
}

fn of_command(command: &MonitorCommand, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    match command.clone() {
        MonitorCommand::Status {
            suite,
            baseline,
            release,
            releases,
            prompt,
            model,
            alpha,
            out,
            format,
        } => {
            let out = out.out;
            let options = MonitorStatusOptions {
                suite,
                out,
                baseline,
                release,
                releases,
                prompt,
                model,
                alpha,
            };
            status(&options, format, printer, host)
        }
        MonitorCommand::Restart { suite, at, reason, out } => {
            let options = MonitorRestartOptions { suite, out: out.out, at, reason };
            let restart = monitor_restart(&options, host)?;
            printer.result(&text::restarted(&restart, printer.screen()));
            Ok(Exit::Done)
        }
    }
}

fn status(
    options: &MonitorStatusOptions,
    format: FormatArgs,
    printer: Printer,
    host: &Host<'_>,
) -> Result<Exit> {
    let found = monitor_status(options, host)?;
    if format.is_json() {
        printer.json(&format!("{:#}", monitor_document(&found)));
    } else {
        printer.result(&text::status(&found, printer.screen()));
    }
    deliver_queued(&queue_alarms(&found, run_link().as_deref(), host), host, printer);
    Ok(ending_of_monitor(&found))
}
