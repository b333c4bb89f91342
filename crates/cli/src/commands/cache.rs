//! `evalmark cache`: what the ledger of shared answers holds, and throwing some of it away.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use evalmark_harness::{Info, Ledger, Prune, Pruned};
use evalmark_runner::{
    Hinted, Host, RunError, cache_document, check_kept_endpoint, moment_ago, shared_ledger_path,
};
use evalmark_store::audit::{AuditAction, AuditSubject};
use evalmark_terminal::cache;
use serde_json::json;

use crate::{args::FormatArgs, exit::Exit, print::Printer};

#[derive(Debug, Args)]
pub(crate) struct CacheCommandArgs {
    #[command(subcommand)]
    pub(crate) command: CacheCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Show how many answers are kept, from which endpoints, and whether the file is intact
    Info {
        /// Folder of the shared answer cache [default: the user's cache folder]
        #[arg(long, value_name = "DIR", env = "EVALMARK_CACHE_DIR")]
        cache_dir: Option<PathBuf>,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Delete kept answers; they are requested again when needed
    Prune {
        /// Folder of the shared answer cache [default: the user's cache folder]
        #[arg(long, value_name = "DIR", env = "EVALMARK_CACHE_DIR")]
        cache_dir: Option<PathBuf>,
        /// Only answers older than this, such as 30d or 12h
        #[arg(long, value_name = "SPAN")]
        older_than: Option<String>,
        /// Only answers from this endpoint, as named by `cache info`
        #[arg(long, value_name = "KEY")]
        endpoint: Option<String>,
        /// All answers
        #[arg(long, conflicts_with_all = ["older_than", "endpoint"])]
        all: bool,
        #[command(flatten)]
        format: FormatArgs,
    },
}

pub(crate) fn cache(command: &CacheCommand, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    match command {
        CacheCommand::Info { cache_dir, format } => {
            info(&ledger_path(cache_dir.as_deref(), host)?, *format, printer)
        }
        CacheCommand::Prune { cache_dir, older_than, endpoint, all, format } => {
            let before = older_than.as_deref().map(moment_ago).transpose()?;
            if before.is_none() && endpoint.is_none() && !all {
                return Ok(Err(RunError::new("nothing selects which answers to delete")).hint(
                    "name an age (`--older-than 30d`), an endpoint (`--endpoint KEY`), or `--all`",
                )?);
            }
            let prune = Prune { before, endpoint_key: endpoint.clone() };
            let path = ledger_path(cache_dir.as_deref(), host)?;
            host.check_audit()?;
            let pruned = throw_away(&path, &prune)?;
            if let Some(pruned) = &pruned {
                let span = older_than.as_deref().unwrap_or("any age");
                record_pruned(&path, &prune, span, pruned, host)?;
            }
            tell_pruned(&path, pruned.as_ref(), *format, printer);
            Ok(Exit::Done)
        }
    }
}

/// The ledger of shared answers.
fn ledger_path(cache_dir: Option<&Path>, host: &Host<'_>) -> Result<PathBuf, RunError> {
    Ok(shared_ledger_path(cache_dir, host)?)
}

fn info(path: &Path, format: FormatArgs, printer: Printer) -> Result<Exit> {
    if !path.is_file() {
        if format.is_json() {
            printer.json(&format!("{:#}", cache_document(path, &Info::default())));
        } else {
            printer.result(&format!("{} does not exist yet: no answers are kept", path.display()));
        }
        return Ok(Exit::Done);
    }
    let info = Ledger::info(path)?;
    let exit = if info.damage.is_some() { Exit::Incomplete } else { Exit::Done };
    if format.is_json() {
        printer.json(&format!("{:#}", cache_document(path, &info)));
        return Ok(exit);
    }
    printer.result(&cache::info(path, &info));
    if let Some(damage) = &info.damage {
        printer.warning(&format!("the file is damaged: {damage}"));
    }
    Ok(exit)
}

/// Deletes what is selected; `None` where no answers are kept.
fn throw_away(path: &Path, prune: &Prune) -> Result<Option<Pruned>> {
    let is_there = path.is_file();
    if let Some(endpoint) = &prune.endpoint_key {
        let info = if is_there { Ledger::info(path)? } else { Info::default() };
        check_kept_endpoint(endpoint, &info)?;
    }
    Ok(if is_there { Some(Ledger::prune(path, prune)?) } else { None })
}

fn record_pruned(
    path: &Path,
    prune: &Prune,
    older_than: &str,
    pruned: &Pruned,
    host: &Host<'_>,
) -> Result<()> {
    let cache = Some(path.display().to_string());
    let evidence = [
        ("older_than", older_than.to_owned()),
        ("endpoint", prune.endpoint_key.clone().unwrap_or_else(|| "any".to_owned())),
        ("answers", pruned.answers.to_string()),
        ("failures", pruned.failures.to_string()),
    ];
    let evidence = evidence.map(|(name, value)| (name.to_owned(), value)).into();
    let subject = AuditSubject { cache, ..AuditSubject::default() };
    host.record(AuditAction::CachePrune, subject, evidence)?;
    Ok(())
}

fn tell_pruned(path: &Path, pruned: Option<&Pruned>, format: FormatArgs, printer: Printer) {
    if format.is_json() {
        let nothing = Pruned::default();
        let pruned = pruned.unwrap_or(&nothing);
        let told = json!({
            "path": path,
            "answers": pruned.answers,
            "failures": pruned.failures,
            "bytes_before": pruned.bytes_before,
            "bytes_after": pruned.bytes_after,
        });
        return printer.json(&format!("{told:#}"));
    }
    let Some(pruned) = pruned else { return printer.result("no answers are kept") };
    printer.result(&cache::pruned(pruned));
    if !pruned.is_compact {
        printer.remark("the file is in use and keeps its size; the freed space is reused");
    }
}
