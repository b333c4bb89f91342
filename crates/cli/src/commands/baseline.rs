//! `evalmark baseline`: promote a run, list baselines, show one.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use evalmark_runner::{PromoteOptions, baseline_document, baseline_means, named_baselines};
use evalmark_store::{
    baseline::list,
    named_run::{check_folder, existing_run},
};
use evalmark_terminal::baselines;
use serde_json::json;

use crate::{
    args::{FormatArgs, OutArgs, RUNS},
    exit::Exit,
    print::Printer,
};

#[derive(Debug, Args)]
pub(crate) struct BaselineArgs {
    #[command(subcommand)]
    pub(crate) command: BaselineCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BaselineCommand {
    /// Make a finished run the baseline NAME of its suite
    Promote {
        /// Run folder; `latest` or `SUITE:latest` is the run that began last, `latest~1` the one before
        #[arg(value_name = "RUN_DIR")]
        run: PathBuf,
        /// Folder for runs and baselines, which gets the baseline [default: that of the run]
        #[arg(long, value_name = "DIR")]
        out: Option<PathBuf>,
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
        #[command(flatten)]
        format: FormatArgs,
    },
    /// List all baselines
    List {
        #[command(flatten)]
        out: OutArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Show a baseline: its origin and its means
    Show {
        /// Name of the baseline, or SUITE/NAME where several suites have one of that name
        name: String,
        #[command(flatten)]
        out: OutArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
}

pub(crate) fn baseline(args: &BaselineArgs, printer: Printer) -> Result<Exit> {
    match &args.command {
        BaselineCommand::Promote { run, out, name, force, answers, no_answers, format } => {
            let options = PromoteOptions {
                name: name.clone(),
                force: *force,
                keep_answers: (*answers || *no_answers).then_some(*answers),
                out: out.clone(),
            };
            let run = existing_run(run, out.as_deref().unwrap_or(Path::new(RUNS)))?;
            promote(&run, &options, *format, printer)?;
        }
        BaselineCommand::List { out, format } => tell_list(&out.out, *format, printer)?,
        BaselineCommand::Show { name, out, format } => {
            return show(name, &out.out, *format, printer);
        }
    }
    Ok(Exit::Done)
}

fn tell_list(out: &Path, format: FormatArgs, printer: Printer) -> Result<()> {
    check_folder(out)?;
    let found = list(out)?;
    if format.is_json() {
        let found: Vec<_> = found.iter().map(baseline_document).collect();
        printer.json(&format!("{:#}", json!({ "baselines": found })));
        return Ok(());
    }
    if found.is_empty() {
        printer.remark(&format!("there are no baselines in {}", out.display()));
    }
    for one in &found {
        printer.result(&printer.screen().wrap("", &baselines::line(one)).join("\n"));
    }
    Ok(())
}

fn promote(
    run: &Path,
    options: &PromoteOptions,
    format: FormatArgs,
    printer: Printer,
) -> Result<()> {
    let promoted = evalmark_runner::promote(run, options)?;
    let warnings = promoted.warnings();
    for warning in &warnings {
        printer.warning(warning);
    }
    let left_out = &promoted.record.answers_left_out;
    if let Some(why) = left_out {
        printer.remark(&format!(
            "the baseline keeps no answers, so later verdicts and pages cannot show them: {why}"
        ));
    }
    if format.is_json() {
        let told = json!({
            "baseline_dir": promoted.path,
            "suite": promoted.record.suite,
            "name": options.name,
            "run_id": promoted.record.run_id,
            "answers_left_out": left_out,
            "warnings": warnings,
        });
        printer.json(&format!("{told:#}"));
    } else {
        printer.result(&promoted.path.display().to_string());
    }
    Ok(())
}

/// The baselines of that name; one that is broken is said, and hides no other.
fn show(name: &str, out: &Path, format: FormatArgs, printer: Printer) -> Result<Exit> {
    let found = named_baselines(name, out)?;
    let (mut exit, mut told) = (Exit::Done, Vec::new());
    for one in found {
        let means =
            one.record.as_ref().map_or(Ok(Vec::new()), |record| baseline_means(&one, record))?;
        if format.is_json() {
            let mut of_one = baseline_document(&one);
            of_one["means"] = json!(means);
            told.push(of_one);
        } else if let Ok(record) = &one.record {
            let lines = [baselines::line(&one)].into_iter().chain(baselines::means(&means, record));
            printer.result(&lines.collect::<Vec<_>>().join("\n"));
        }
        if let Err(error) = one.record {
            exit = Exit::Incomplete;
            let what = format!("the baseline {}/{} is broken", one.suite, one.name);
            printer.error(&anyhow::Error::from(error).context(what));
        }
    }
    if format.is_json() {
        printer.json(&format!("{:#}", json!({ "baselines": told })));
    }
    Ok(exit)
}
