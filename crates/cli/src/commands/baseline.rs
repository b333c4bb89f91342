//! `evalmark baseline`: promote a run, list baselines, show one.

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use evalmark_core::{
    metric::Range,
    number_format::{counted, value},
};
use evalmark_report::safe_text::printable;
use evalmark_runner::{PromoteOptions, read_variants};
use evalmark_store::{
    baseline::{Baseline, ListedBaseline, folder_of, list},
    record::{RunOptions, RunRecord},
};

use crate::{args::RunDirArgs, exit::Exit, print::Printer};

#[derive(Debug, Args)]
pub(crate) struct BaselineArgs {
    #[command(subcommand)]
    pub(crate) command: BaselineCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BaselineCommand {
    /// Make a finished run the baseline NAME of its suite
    Promote {
        #[command(flatten)]
        run: RunDirArgs,
        /// Name of the baseline
        name: String,
        /// Replace the baseline of that name
        #[arg(long)]
        force: bool,
        /// Keep the answers with the baseline, whatever their size [default: as the suite's
        /// `gate.baseline_answers` says, or else up to 5 MB]
        #[arg(long, conflicts_with = "no_answers")]
        answers: bool,
        /// Keep no answers with the baseline
        #[arg(long)]
        no_answers: bool,
    },
    /// List all baselines
    List {
        /// Folder for run folders and baselines
        #[arg(long, value_name = "DIR", default_value = "reports")]
        out: PathBuf,
    },
    /// Show a baseline: its origin and its means
    Show {
        /// Name of the baseline, or SUITE/NAME where several suites have one of that name
        name: String,
        /// Folder for run folders and baselines
        #[arg(long, value_name = "DIR", default_value = "reports")]
        out: PathBuf,
    },
}

pub(crate) fn baseline(args: &BaselineArgs, printer: Printer) -> Result<Exit> {
    match &args.command {
        BaselineCommand::Promote { run, name, force, answers, no_answers } => {
            let keep_answers = (*answers || *no_answers).then_some(*answers);
            let options = PromoteOptions { name: name.clone(), force: *force, keep_answers };
            promote(&run.path()?, &options, printer)?;
        }
        BaselineCommand::List { out } => {
            for ListedBaseline { suite, name, record } in list(out)? {
                printer.result(&line(&suite, &name, &record));
            }
        }
        BaselineCommand::Show { name, out } => show(name, out, printer)?,
    }
    Ok(Exit::Done)
}

fn promote(run: &Path, options: &PromoteOptions, printer: Printer) -> Result<()> {
    let promoted = evalmark_runner::promote(run, options)?;
    if let Some(warning) = partial(&promoted.record.options) {
        printer.warning(&warning);
    }
    if let Some(why) = &promoted.record.answers_left_out {
        printer.remark(&format!(
            "the baseline keeps no answers, so later verdicts and pages cannot show them: {why}"
        ));
    }
    printer.result(&promoted.path.display().to_string());
    Ok(())
}

/// What is said of a baseline that covers a part of its suite: the rest will not be gated.
fn partial(options: &RunOptions) -> Option<String> {
    let limit = options.limit.map(|limit| format!("`--limit {limit}`"));
    let chosen = |flag: &str, names: &[String]| {
        (!names.is_empty()).then(|| format!("`{flag} {}`", names.join(" ")))
    };
    let parts = [limit, chosen("--prompt", &options.prompts), chosen("--model", &options.models)];
    let parts: Vec<_> = parts.into_iter().flatten().collect();
    (!parts.is_empty()).then(|| {
        format!(
            "the run was made with {}: later runs are compared only on that part of the suite",
            parts.join(" and ")
        )
    })
}

fn line(suite: &str, name: &str, record: &RunRecord) -> String {
    let (id, at) = (&record.run_id, &record.started_at);
    let text = format!("{suite}/{name}  run {id} of {at}, {}", counted(record.n_items, "item"));
    printable(&text).into_owned()
}

fn show(name: &str, out: &Path, printer: Printer) -> Result<()> {
    let wanted = |suite: &str, known: &str| name == known || name == format!("{suite}/{known}");
    let mut found = list(out)?;
    found.retain(|one| wanted(&one.suite, &one.name));
    if found.is_empty() {
        bail!("there is no baseline `{name}` under {}", out.display());
    }
    for ListedBaseline { suite, name, record } in found {
        printer.result(&line(&suite, &name, &record));
        let baseline = Baseline::open(&folder_of(out, &suite).join(&name), &name)?;
        for variant in read_variants(&baseline.folder.scores())? {
            for metric in &record.metrics {
                let mean = variant.mean(&metric.name);
                let range = record
                    .scales
                    .get(&metric.name)
                    .map_or_else(Range::default, |scale| scale.range);
                let mean =
                    if mean.is_finite() { value(mean, range) } else { "no score".to_owned() };
                let (prompt, model) = (printable(&variant.prompt), printable(&variant.model));
                let metric = printable(&metric.name);
                printer.result(&format!("  {prompt} · {model} · {metric}: {mean}"));
            }
        }
    }
    Ok(())
}
