//! `evalmark judge-check`: a judge beside people, over answers that both scored.

use std::path::PathBuf;

use anyhow::{Result, anyhow, bail};
use clap::Args;
use evalmark_runner::Host;
use evalmark_store::{integrity::open_scored, record::RunRecord};

use crate::{
    args::Format,
    exit::Exit,
    hint::Hinted,
    judge_check::{self, Finding, Source},
    print::Printer,
};

#[derive(Debug, Args)]
pub(crate) struct JudgeCheckArgs {
    /// Run folder
    #[arg(value_name = "RUN_DIR")]
    pub(crate) run: PathBuf,
    /// Human labels: a file, or a column of the dataset [default: the labels named in the suite]
    #[arg(long, value_name = "FILE|COLUMN")]
    pub(crate) labels: Option<String>,
    /// Metric to check [default: the only judged one]
    #[arg(long, value_name = "NAME")]
    pub(crate) metric: Option<String>,
    /// Text or JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

pub(crate) fn judge_check(
    args: &JudgeCheckArgs,
    printer: Printer,
    host: &Host<'_>,
) -> Result<Exit> {
    let (folder, record) = open_scored(&args.run)?;
    let metric = metric(&record, args.metric.as_deref())?;
    let source = Source::open(args.labels.as_deref(), &record, host)?;
    let answers = judge_check::answers(&folder, metric, &source)?;
    let finding = Finding::of(&record, metric, &answers)?;
    match args.format {
        Format::Text => printer.result(&judge_check::render(&finding)),
        Format::Json => printer.json(&serde_json::to_string_pretty(&finding.json())?),
    }
    Ok(Exit::Done)
}

/// The metric that was asked for, or the only one that is a judge's.
fn metric<'a>(record: &'a RunRecord, asked_for: Option<&str>) -> Result<&'a str> {
    let known = || record.metrics.iter().map(|metric| metric.name.as_str());
    if let Some(name) = asked_for {
        let found = known().find(|metric| *metric == name);
        let listed = known().collect::<Vec<_>>().join(", ");
        return found
            .ok_or_else(|| anyhow!("the run has no metric `{name}`"))
            .hint(format!("its metrics: {listed}"));
    }
    match record.judged.as_slice() {
        [judged] => Ok(judged),
        [] => Err(anyhow!("no metric of the run is a judge's"))
            .hint("any other can be compared with people, too: `--metric NAME`"),
        several => bail!(
            "the run has several judged metrics; say which: `--metric NAME` ({})",
            several.join(", ")
        ),
    }
}
