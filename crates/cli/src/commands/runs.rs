//! `evalmark runs`: what runs there are, how far they got, and what is wrong with them.

use anyhow::Result;
use clap::Args;
use evalmark_store::{
    named_run::{check_folder, runs_of},
    runs::{ListedRun, list_runs},
};
use evalmark_terminal::runs;
use serde_json::{Value, json};

use crate::{
    args::{Format, OutArgs},
    exit::Exit,
    print::Printer,
};

#[derive(Debug, Args)]
pub(crate) struct RunsArgs {
    /// Only runs of this suite
    #[arg(value_name = "SUITE")]
    pub(crate) suite: Option<String>,
    #[command(flatten)]
    pub(crate) out: OutArgs,
    /// Only the N runs that began last
    #[arg(long, value_name = "N")]
    pub(crate) limit: Option<usize>,
    /// Text or JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

pub(crate) fn runs(args: &RunsArgs, printer: Printer) -> Result<Exit> {
    let out = &args.out.out;
    check_folder(out)?;
    let mut all = match &args.suite {
        Some(suite) => runs_of(out, suite)?,
        None => list_runs(out, None)?,
    };
    let limit = args.limit.unwrap_or(usize::MAX);
    all.iter_mut().rev().take(limit).for_each(ListedRun::check_small_files);
    // The latest first: lists of runs grow long.
    let shown: Vec<_> = all.iter().rev().take(limit).collect();
    match args.format {
        Format::Json => {
            printer.json(&serde_json::to_string_pretty(&as_json(&shown))?);
        }
        Format::Text if all.is_empty() => {
            printer.remark(&format!("there are no runs in {}", out.display()));
        }
        Format::Text => printer.result(&runs::render(&shown, printer.screen())),
    }
    if shown.len() < all.len() {
        printer.remark(&format!("the last {} of {} runs", shown.len(), all.len()));
    }
    Ok(Exit::Done)
}

/// The runs for programs.
fn as_json(runs: &[&ListedRun]) -> Value {
    let one = |run: &&ListedRun| {
        let record = run.record.as_ref();
        json!({
            "suite": run.suite,
            "run_id": run.run_id,
            "run_dir": run.folder.path,
            "state": run.state,
            "problem": run.problem,
            "started_at": run.started_at(),
            "finished_at": record.and_then(|record| record.finished_at.as_ref()),
            "items": record.map(|record| record.n_items),
            "samples": record.map(|record| record.counts.planned),
            "failed": record.map(|record| record.counts.failed),
            "cost_usd": record.and_then(|record| record.totals.cost_usd),
            "prompts": record.map(|record| {
                record.prompts.iter().map(|prompt| prompt.name.as_str()).collect::<Vec<_>>()
            }),
            "models": record.map(|record| &record.models),
            "verdict": run.verdict,
        })
    };
    json!({ "runs": runs.iter().map(one).collect::<Vec<_>>() })
}
