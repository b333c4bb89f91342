//! `evalmark export`: a run that ended is sent to receivers of its suite by hand, or what they would get is shown.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::Result;
use clap::Args;
use evalmark_core::{
    receiver::{Hears, ReceiverSpec},
    suite::near_and_known,
};
use evalmark_integrations::receivers::{SendOptions, catalog, dry_run, send_all};
use evalmark_runner::{
    EndedSuite, Host, RunError, ended_run, queue_for, redacted_keys::hide, run_message,
};
use evalmark_store::outbox::{Outbox, OutboxState};
use serde_json::json;

use super::export_dashboards::{self, ExportCommand};
use crate::{args::OutArgs, environment::run_link, exit::Exit, print::Printer};

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub(crate) struct ExportArgs {
    #[command(subcommand)]
    command: Option<ExportCommand>,
    /// Run folder; `latest` or `SUITE:latest` is the run that began last, `latest~1` the one before
    #[arg(value_name = "RUN_DIR", required = true)]
    run: Option<PathBuf>,
    #[command(flatten)]
    out: OutArgs,
    /// Receiver of the suite or of `evalmark.yaml`, by its name or its kind; may be repeated
    #[arg(long, value_name = "NAME|KIND", required = true)]
    to: Vec<String>,
    /// Show what would be sent, secrets hidden, and send nothing
    #[arg(long)]
    dry_run: bool,
}

pub(crate) fn export(args: &ExportArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    if let Some(command) = &args.command {
        return export_dashboards::export(command, printer, host);
    }
    let run = args.out.run(args.run.as_deref().unwrap_or(Path::new("")))?;
    let ended = ended_run(&run, host)?;
    let receivers = chosen(&args.to, &ended)?;
    let receivers: Vec<_> = receivers.iter().collect();
    if args.dry_run {
        let message = run_message(&ended, run_link().as_deref(), host);
        for receiver in receivers {
            let text = dry_run(receiver, "0", &message, &ended.run_dir).map_err(RunError::new)?;
            printer.result(&format!("to `{}` ({}):\n\n{text}", receiver.name, receiver.kind));
        }
        return Ok(Exit::Done);
    }
    let specs: Vec<ReceiverSpec> = receivers.iter().map(|one| (*one).clone()).collect();
    host.check_receivers(&specs).map_err(RunError::from)?;
    send(&receivers, &ended, printer, host)
}

/// The receivers that are named, by name or by kind. A kind that needs no parameter need not stand in the suite.
fn chosen(names: &[String], ended: &EndedSuite) -> Result<Vec<ReceiverSpec>> {
    let mut all = ended.receivers.receivers.clone();
    for name in names {
        if !all.iter().any(|one| one.name == *name || one.kind == *name) {
            if let Some(receiver) = without_parameters(name) {
                all.push(receiver);
                continue;
            }
            let known: Vec<_> = all.iter().map(|one| &*one.name).collect();
            let error =
                RunError::new(format!("the suite `{}` has no receiver `{name}`", ended.suite));
            let hint = near_and_known(name, &known, "it has").unwrap_or_else(|| {
                "name it under `notify:` or `export:` in the suite or in `evalmark.yaml`".to_owned()
            });
            return Err(error.with_hint(hint).into());
        }
    }
    let is_named =
        |one: &ReceiverSpec| names.iter().any(|name| one.name == *name || one.kind == *name);
    let found: Vec<_> = all.into_iter().filter(is_named).collect();
    if let Some(deaf) = found.iter().find(|one| one.hears == Hears::Releases) {
        let error = RunError::new(format!("`{}` is told of releases, not of runs", deaf.name));
        let hint = "`evalmark release promote` and `release rollback` tell it";
        return Err(error.with_hint(hint).into());
    }
    Ok(found)
}

/// A receiver of a kind that needs neither a parameter nor a secret.
fn without_parameters(name: &str) -> Option<ReceiverSpec> {
    let kind = catalog().iter().find(|kind| kind.name == name)?;
    let params = json!({});
    let secrets = (kind.open)(&params).ok().filter(Vec::is_empty)?;
    Some(ReceiverSpec {
        name: name.to_owned(),
        kind: name.to_owned(),
        params,
        hears: kind.hears,
        on: kind.default_occasions(),
        template: None,
        secrets,
    })
}

fn send(
    receivers: &[&ReceiverSpec],
    ended: &EndedSuite,
    printer: Printer,
    host: &Host<'_>,
) -> Result<Exit> {
    let queued = queue_for(receivers, ended, run_link().as_deref(), host);
    for warning in &queued.warnings {
        printer.warning(warning);
    }
    let options = SendOptions {
        secrets: host,
        lock_wait: Duration::from_secs(30),
        wait: Duration::ZERO,
        keeps_waits: false,
        redact: hide,
        hear: &|_| (),
    };
    let mut exit = if queued.warnings.is_empty() { Exit::Done } else { Exit::Incomplete };
    for out in &queued.folders {
        let outbox = Outbox::below(out);
        if outbox.is_waiting() {
            send_all(&outbox, &options).map_err(RunError::new)?;
        }
        let (waiting, _) = outbox.entries(OutboxState::Pending).map_err(RunError::new)?;
        for (id, name) in queued.known.iter().chain(&queued.messages) {
            let is_new = queued.messages.iter().any(|(new, _)| new == id);
            if outbox.has(OutboxState::Sent, id) {
                let before = if is_new { "" } else { " before: nobody is told the same twice" };
                printer.remark(&format!("told `{name}`{before}"));
                tell_files(&outbox, id, out, printer);
                continue;
            }
            let entry = waiting.iter().find(|entry| entry.id == *id);
            let why = entry.and_then(|entry| entry.last_error.as_deref()).unwrap_or("given up");
            printer.warning(&format!("`{name}` is not told yet: {why}"));
            exit = exit.worse(Exit::Incomplete);
        }
    }
    Ok(exit)
}

/// Tells which files a receiver has written that is one of this machine.
fn tell_files(outbox: &Outbox, id: &str, out: &Path, printer: Printer) {
    let Ok((sent, _)) = outbox.entries(OutboxState::Sent) else { return };
    let receipt = sent.into_iter().find(|entry| entry.id == id).and_then(|entry| entry.receipt);
    let files = receipt.as_ref().and_then(|receipt| receipt["files"].as_array());
    for file in files.into_iter().flatten().filter_map(|file| file.as_str()) {
        printer.result(&out.join(file).display().to_string());
    }
}
