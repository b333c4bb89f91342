//! `evalmark baseline`: promote a run, list baselines, show one.

use std::{error::Error, iter::successors, path::Path};

use anyhow::Result;
use clap::{Args, Subcommand};
use evalmark_core::{
    number_format::{counted, value},
    suite::nearest,
};
use evalmark_report::safe_text::printable_line;
use evalmark_runner::{Hinted, PromoteOptions, RunError, read_variants};
use evalmark_store::{
    StoreError,
    baseline::{ListedBaseline, list},
    named_run::check_folder,
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
        let found: Vec<_> = found.iter().map(described).collect();
        printer.json(&format!("{:#}", json!({ "baselines": found })));
        return Ok(());
    }
    if found.is_empty() {
        printer.remark(&format!("there are no baselines in {}", out.display()));
    }
    for one in &found {
        printer.result(&printer.screen().wrap("", &line(one)).join("\n"));
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

fn line(listed: &ListedBaseline) -> String {
    let ListedBaseline { suite, name, record, .. } = listed;
    let text = match record {
        Ok(RunRecord { run_id, started_at, n_items, .. }) => {
            let missing =
                listed.missing_files().into_iter().map(|file| format!("; {file} is missing"));
            let missing: String = missing.collect();
            let items = counted(*n_items, "item");
            format!("{suite}/{name}  run {run_id} of {started_at}, {items}{missing}")
        }
        Err(error) => format!("{suite}/{name}  broken: {}", in_full(error)),
    };
    printable_line(&text).into_owned()
}

/// Why a baseline is broken, with its causes.
fn in_full(error: &StoreError) -> String {
    let causes = successors(Some(error as &dyn Error), |&error| error.source());
    causes.map(ToString::to_string).collect::<Vec<_>>().join(": ")
}

/// A baseline for programs.
fn described(listed: &ListedBaseline) -> Value {
    let ListedBaseline { suite, name, folder, record } = listed;
    let (record, problem) = (record.as_ref().ok(), record.as_ref().err().map(in_full));
    json!({
        "suite": suite,
        "name": name,
        "baseline_dir": folder.path,
        "problem": problem,
        "missing_files": listed.missing_files(),
        "run_id": record.map(|record| &record.run_id),
        "started_at": record.map(|record| &record.started_at),
        "items": record.map(|record| record.n_items),
        "prompts": record.map(|record| {
            record.prompts.iter().map(|prompt| &prompt.name).collect::<Vec<_>>()
        }),
        "models": record.map(|record| &record.models),
        "metrics": record.map(|record| {
            record.metrics.iter().map(|metric| &metric.name).collect::<Vec<_>>()
        }),
        "answers_left_out": record.and_then(|record| record.answers_left_out.as_ref()),
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

/// The baselines of that name; one that is broken is said, and hides no other.
fn show(name: &str, out: &Path, format: FormatArgs, printer: Printer) -> Result<Exit> {
    let found = named(name, out)?;
    let (mut exit, mut told) = (Exit::Done, Vec::new());
    for one in found {
        let means = one.record.as_ref().map_or(Ok(Vec::new()), |record| means(&one, record))?;
        if format.is_json() {
            let mean = |mean: &BaselineMean| {
                let BaselineMean { prompt, model, metric, mean } = mean;
                json!({ "prompt": prompt, "model": model, "metric": metric, "mean": mean })
            };
            let mut of_one = described(&one);
            of_one["means"] = means.iter().map(mean).collect();
            told.push(of_one);
        } else if one.record.is_ok() {
            printer.result(&line(&one));
        }
        match one.record {
            Ok(record) if !format.is_json() => tell_means(&means, &record, printer),
            Ok(_) => {}
            Err(error) => {
                exit = Exit::Incomplete;
                let what = format!("the baseline {}/{} is broken", one.suite, one.name);
                printer.error(&anyhow::Error::from(error).context(what));
            }
        }
    }
    if format.is_json() {
        printer.json(&format!("{:#}", json!({ "baselines": told })));
    }
    Ok(exit)
}

fn tell_means(means: &[BaselineMean], record: &RunRecord, printer: Printer) {
    for BaselineMean { prompt, model, metric, mean } in means {
        let range = record.scale(metric).range;
        let mean = mean.map_or("no mean".to_owned(), |mean| value(mean, range));
        let names = [prompt, model, metric].map(|name| printable_line(name)).join(" · ");
        printer.result(&format!("  {names}: {mean}"));
    }
}

/// The baselines that somebody named: by their name, or with their suite before it. There is one.
fn named(name: &str, out: &Path) -> Result<Vec<ListedBaseline>> {
    check_folder(out)?;
    let all = list(out)?;
    let in_suite = |one: &ListedBaseline| format!("{}/{}", one.suite, one.name);
    if !all.iter().any(|one| name == one.name || name == in_suite(one)) {
        let none = RunError::new(format!("there is no baseline `{name}` in {}", out.display()));
        let known: Vec<_> = all.iter().map(in_suite).collect();
        // The nearest of the form that was typed.
        let near = |one: &ListedBaseline| {
            if name.contains('/') { in_suite(one) } else { one.name.clone() }
        };
        let names: Vec<_> = all.iter().map(near).collect();
        let near = nearest(name, names.iter().map(String::as_str));
        let near = near.map_or(String::new(), |near| format!("did you mean `{near}`? "));
        let advice = if known.is_empty() {
            "`evalmark baseline promote RUN_DIR NAME` makes one; `--out DIR` names another folder"
                .to_owned()
        } else {
            format!("{near}there are: `{}`", known.join("`, `"))
        };
        return Ok(Err(none).hint(advice)?);
    }
    Ok(all.into_iter().filter(|one| name == one.name || name == in_suite(one)).collect())
}

fn means(listed: &ListedBaseline, record: &RunRecord) -> Result<Vec<BaselineMean>> {
    let variants = read_variants(&listed.folder.scores())?;
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
