//! `evalmark audit`: the log of what was done, by whom, on which evidence.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use evalmark_runner::{
    AuditExport, CheckpointOptions, Host, RunError, VerifyAuditOptions, audit_csv, audit_document,
    audit_json_lines, audit_report_document, moment_ago, sign_checkpoint, verify_audit,
};
use evalmark_store::{
    audit::{AuditAction, AuditEntry, AuditError, AuditFilter, AuditLog},
    durable,
};
use evalmark_terminal::audit;
use serde_json::json;

use crate::{args::FormatArgs, exit::Exit, print::Printer};

#[derive(Debug, Args)]
pub(crate) struct AuditArgs {
    #[command(subcommand)]
    pub(crate) command: AuditCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum AuditCommand {
    /// Switch the log on: from now on, what is run, gated, released and pruned here is recorded
    Start {
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Show the entries of the log
    Show {
        #[command(flatten)]
        filter: FilterArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Check every line of the log; exit code 4 where one was altered, removed, moved or cut off
    Verify {
        /// A signed checkpoint that was kept elsewhere; the one beside the log is checked anyway
        #[arg(long, value_name = "FILE")]
        checkpoint: Vec<PathBuf>,
        /// Whose checkpoints count, in git's format [default: `releases/allowed_signers`]
        #[arg(long, value_name = "FILE")]
        signers: Option<PathBuf>,
        /// Fail, too, while merged branches of the log are not joined by a later entry
        #[arg(long)]
        strict: bool,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Write the entries for other programs
    Export {
        #[command(flatten)]
        filter: FilterArgs,
        /// Form: a table that is safe for spreadsheets, one list, or an object a line
        #[arg(long, value_enum, default_value_t = ExportForm::Csv)]
        format: ExportForm,
        /// Write to a file instead of stdout
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
    },
    /// Sign the end of the log, so that a log that is cut off later is found
    Checkpoint {
        /// Private key: PEM or SSH, Ed25519 or ECDSA on P-256
        #[arg(long, value_name = "FILE")]
        key: PathBuf,
        /// Where the checkpoint is kept [default: releases/audit.checkpoint.json]
        #[arg(long, value_name = "FILE")]
        output: Option<PathBuf>,
        #[command(flatten)]
        format: FormatArgs,
    },
}

/// Forms of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportForm {
    Csv,
    Json,
    Jsonl,
}

/// Which entries.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct FilterArgs {
    /// Only these actions: run, gate, override, propose, approve, promote, rollback, label-edit, cache-prune,
    /// checkpoint
    #[arg(long, value_name = "ACTION", num_args = 1.., value_parser = action)]
    action: Vec<AuditAction>,
    /// Only entries about this prompt
    #[arg(long, value_name = "NAME")]
    prompt: Option<String>,
    /// Only entries about this environment
    #[arg(long, value_name = "ENV")]
    environment: Option<String>,
    /// Only entries from then on: an age such as 30d or 12h, or a time such as 2026-11-28T12:00:00Z
    #[arg(long, value_name = "WHEN")]
    since: Option<String>,
}

fn action(word: &str) -> Result<AuditAction, String> {
    let word = word.replace('-', "_");
    let known = AuditAction::ALL.into_iter().find(|action| action.as_str() == word);
    let words = AuditAction::ALL.map(AuditAction::as_str).join(", ");
    known.ok_or_else(|| format!("unknown action; the actions are: {words}"))
}

impl FilterArgs {
    fn filter(&self) -> Result<AuditFilter> {
        let since = |text: &String| match text.parse() {
            Ok(time) => Ok(time),
            Err(_) => jiff::Timestamp::try_from(moment_ago(text)?)
                .with_context(|| format!("`{text}` is not a time")),
        };
        Ok(AuditFilter {
            actions: self.action.clone(),
            prompt: self.prompt.clone(),
            environment: self.environment.clone(),
            since: self.since.as_ref().map(since).transpose()?,
        })
    }
}

pub(crate) fn audit(command: &AuditCommand, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    match command {
        AuditCommand::Start { format } => start(*format, printer),
        AuditCommand::Show { filter, format } => {
            let entries = entries(&filter.filter()?, printer, host)?;
            if format.is_json() {
                printer.json(&format!("{:#}", audit_document(&entries)));
            } else {
                printer.result(&audit::entries(&entries, printer.screen()));
            }
            Ok(Exit::Done)
        }
        AuditCommand::Verify { checkpoint, signers, strict, format } => {
            let options = VerifyAuditOptions {
                checkpoints: checkpoint.clone(),
                signers: signers.clone(),
                strict: *strict,
            };
            let log = log(host)?;
            let verified = verify_audit(log, &options)?;
            if format.is_json() {
                printer.json(&format!("{:#}", audit_report_document(log.path(), &verified)));
            } else {
                printer.result(&audit::verified(&verified, printer.screen()));
            }
            Ok(verified.ending)
        }
        AuditCommand::Export { filter, format, output } => {
            let entries = entries(&filter.filter()?, printer, host)?;
            export(&entries, *format, output.as_deref(), printer)
        }
        AuditCommand::Checkpoint { key, output, format } => {
            let options = CheckpointOptions { key: key.clone(), output: output.clone() };
            let signed = sign_checkpoint(&options, host)?;
            let (path, entries) = (signed.path.display(), signed.entries);
            if format.is_json() {
                let told = json!({
                    "path": signed.path, "entries": entries, "fingerprint": signed.fingerprint,
                });
                printer.json(&format!("{told:#}"));
            } else {
                printer.result(&format!(
                    "{path} holds the log's end, which is entry {entries}, signed with {}",
                    signed.fingerprint
                ));
            }
            Ok(Exit::Done)
        }
    }
}

fn log<'a>(host: &Host<'a>) -> Result<&'a AuditLog, RunError> {
    Ok(host.audit.ok_or(AuditError::SwitchedOff)?.log())
}

/// The entries that are asked for; a log that is not intact is told of.
fn entries(
    filter: &AuditFilter,
    printer: Printer,
    host: &Host<'_>,
) -> Result<Vec<(u64, AuditEntry)>> {
    let (entries, report) = log(host)?.entries(filter).map_err(RunError::from)?;
    if !report.is_intact() {
        printer.warning("the log is not intact: `evalmark audit verify` tells what was changed");
    }
    Ok(entries)
}

fn start(format: FormatArgs, printer: Printer) -> Result<Exit> {
    let folder = std::env::current_dir().context("the current folder cannot be told")?;
    let is_root = |folder: &&Path| folder.join(".git").exists();
    let root = folder.ancestors().find(is_root).unwrap_or(&folder);
    let log = AuditLog::start(root).map_err(RunError::from)?;
    let path = log.path().strip_prefix(&folder).unwrap_or(log.path());
    if format.is_json() {
        printer.json(&format!("{:#}", json!({ "path": path })));
    } else {
        printer.result(&format!(
            "what is run, gated, released and pruned here is recorded in {}; commit it with {}",
            path.display(),
            path.with_file_name(".gitattributes").display()
        ));
    }
    Ok(Exit::Done)
}

fn export(
    entries: &[(u64, AuditEntry)],
    form: ExportForm,
    output: Option<&Path>,
    printer: Printer,
) -> Result<Exit> {
    let form = match form {
        ExportForm::Csv => AuditExport::Csv,
        ExportForm::Json => AuditExport::Json,
        ExportForm::Jsonl => AuditExport::Jsonl,
    };
    let text = match form {
        AuditExport::Csv => audit_csv(entries),
        AuditExport::Json => format!("{:#}\n", audit_document(entries)),
        AuditExport::Jsonl => audit_json_lines(entries),
    };
    let Some(path) = output else {
        printer.raw(&text);
        return Ok(Exit::Done);
    };
    if path.is_dir() {
        bail!("{} is a folder; name a file", path.display());
    }
    durable::write(path, text.as_bytes())
        .with_context(|| format!("{} cannot be written", path.display()))?;
    Ok(Exit::Done)
}
