//! `evalmark baseline`: promote a run, list baselines, show one.

use std::path::Path;

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use evalmark_core::number_format::{counted, value};
use evalmark_report::safe_text::printable_line;
use evalmark_runner::{PromoteOptions, read_variants};
use evalmark_store::{
    baseline::{Baseline, ListedBaseline, folder_of, list},
    run_record::{RunOptions, RunRecord},
};
use serde_json::{Value, json};

use crate::{
    args::{FormatArgs, OutArgs, RunDirArgs},
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
        BaselineCommand::Promote { run, name, force, answers, no_answers, format } => {
            let keep_answers = (*answers || *no_answers).then_some(*answers);
            let options = PromoteOptions { name: name.clone(), force: *force, keep_answers };
            promote(&run.path()?, &options, *format, printer)?;
        }
        BaselineCommand::List { out, format } => {
            let found = list(&out.out)?;
            if format.is_json() {
                let found: Vec<_> = found.iter().map(|one| described(one, &out.out)).collect();
                printer.json(&format!("{:#}", json!({ "baselines": found })));
                return Ok(Exit::Done);
            }
            for ListedBaseline { suite, name, record } in found {
                printer.result(&line(&suite, &name, &record));
            }
        }
        BaselineCommand::Show { name, out, format } => show(name, &out.out, *format, printer)?,
    }
    Ok(Exit::Done)
}

fn promote(
    run: &Path,
    options: &PromoteOptions,
    format: FormatArgs,
    printer: Printer,
) -> Result<()> {
    let promoted = evalmark_runner::promote(run, options)?;
    if let Some(warning) = partial(&promoted.record.options) {
        printer.warning(&warning);
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
        });
        printer.json(&format!("{told:#}"));
    } else {
        printer.result(&promoted.path.display().to_string());
    }
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
    printable_line(&text).into_owned()
}

/// A baseline for programs.
fn described(listed: &ListedBaseline, out: &Path) -> Value {
    let ListedBaseline { suite, name, record } = listed;
    json!({
        "suite": suite,
        "name": name,
        "baseline_dir": folder_of(out, suite).join(name),
        "run_id": record.run_id,
        "started_at": record.started_at,
        "items": record.n_items,
        "prompts": record.prompts.iter().map(|prompt| &prompt.name).collect::<Vec<_>>(),
        "models": record.models,
        "metrics": record.metrics.iter().map(|metric| &metric.name).collect::<Vec<_>>(),
        "answers_left_out": record.answers_left_out,
    })
}

/// One mean of a baseline.
struct BaselineMean {
    prompt: String,
    model: String,
    metric: String,
    /// `None` where nothing was scored, or the metric is a value of the whole run.
    mean: Option<f64>,
}

fn show(name: &str, out: &Path, format: FormatArgs, printer: Printer) -> Result<()> {
    let wanted = |suite: &str, known: &str| name == known || name == format!("{suite}/{known}");
    let mut found = list(out)?;
    found.retain(|one| wanted(&one.suite, &one.name));
    if found.is_empty() {
        bail!("there is no baseline `{name}` under {}", out.display());
    }
    let mut told = Vec::new();
    for one in &found {
        let means = means(one, out)?;
        if format.is_json() {
            let mean = |mean: &BaselineMean| {
                let BaselineMean { prompt, model, metric, mean } = mean;
                json!({ "prompt": prompt, "model": model, "metric": metric, "mean": mean })
            };
            let mut of_one = described(one, out);
            of_one["means"] = means.iter().map(mean).collect();
            told.push(of_one);
            continue;
        }
        printer.result(&line(&one.suite, &one.name, &one.record));
        for BaselineMean { prompt, model, metric, mean } in &means {
            let range = one.record.scale(metric).range;
            let mean = mean.map_or("no mean".to_owned(), |mean| value(mean, range));
            let names = [prompt, model, metric].map(|name| printable_line(name)).join(" · ");
            printer.result(&format!("  {names}: {mean}"));
        }
    }
    if format.is_json() {
        printer.json(&format!("{:#}", json!({ "baselines": told })));
    }
    Ok(())
}

fn means(listed: &ListedBaseline, out: &Path) -> Result<Vec<BaselineMean>> {
    let ListedBaseline { suite, name, record } = listed;
    let baseline = Baseline::open(&folder_of(out, suite).join(name), name)?;
    let variants = read_variants(&baseline.folder.scores())?;
    let of_metrics = variants.iter().flat_map(|variant| {
        record.metrics.iter().map(|metric| {
            let mean = Some(variant.mean(&metric.name)).filter(|mean| mean.is_finite());
            BaselineMean {
                prompt: variant.prompt.clone(),
                model: variant.model.clone(),
                metric: metric.name.clone(),
                mean: mean.filter(|_| record.scale(&metric.name).value.is_none()),
            }
        })
    });
    Ok(of_metrics.collect())
}
