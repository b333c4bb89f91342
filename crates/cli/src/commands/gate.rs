//! `evalmark gate`: the verdict on a finished run against a baseline.

use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use evalmark_core::{
    suite::{GateSpec, Suite},
    verdict::Verdict,
};
use evalmark_report::{
    github, junit, markdown,
    text::{inert, inert_json},
};
use evalmark_runner::{Host, Notice};
use evalmark_store::{
    StoreError,
    baseline::{Baseline, WantedBaseline},
    durable, integrity,
    record::RunRecord,
    run_folder::RunFolder,
};

use crate::{
    calibration::judge_margins,
    exit::Exit,
    gate::{GateOutcome, gate_first, gate_run, refused, write_verdict},
    hint::{exit_of, run_error},
    print::Printer,
    verdict_text,
};

/// Forms of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerdictFormat {
    Text,
    Json,
    Markdown,
    Junit,
    Github,
}

#[derive(Debug, Args)]
pub(crate) struct GateArgs {
    /// Run folder
    #[arg(value_name = "RUN_DIR")]
    pub(crate) run: PathBuf,
    /// Baseline to compare with, by name or folder
    #[arg(long, value_name = "NAME|DIR")]
    pub(crate) baseline: String,
    /// There may be no baseline yet; if there is none, only the minima are checked
    #[arg(long)]
    pub(crate) new_baseline: bool,
    /// Former name of the suite, if the baseline was made under it
    #[arg(long, value_name = "NAME")]
    pub(crate) baseline_suite: Option<String>,
    /// Gate an unfinished run on the scores it has
    #[arg(long)]
    pub(crate) as_it_is: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = VerdictFormat::Text)]
    pub(crate) format: VerdictFormat,
    /// Write the verdict to a file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

pub(crate) fn gate(args: &GateArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let (folder, record) = RunFolder::open(&args.run)?;
    let decision = match decide(args, &folder, &record, host) {
        // Whoever reads the verdict must not find an earlier one.
        Err(error) if exit_of(&error) == Some(Exit::Incomplete) => {
            let error = run_error(error);
            host.notices.tell(&Notice::Incomparable(&error));
            refused(&record, &args.baseline, &error.to_string())
        }
        decision => decision?,
    };
    write_verdict(&folder, &decision.verdict)?;
    match &args.output {
        None => printer.raw(&render(&decision.verdict, args.format, printer)?),
        Some(path) => {
            let plain = Printer::new(crate::args::Color::Never);
            write_output(path, &render(&decision.verdict, args.format, plain)?)
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
    }
    Ok((&decision.findings()).into())
}

/// Writes the file that the command line names: whole, unless it is a link, a pipe or a device.
fn write_output(path: &std::path::Path, text: &str) -> std::io::Result<()> {
    let is_special = std::fs::symlink_metadata(path).is_ok_and(|meta| !meta.is_file());
    if is_special {
        return std::fs::write(path, text);
    }
    durable::write(path, text.as_bytes())
}

fn decide(
    args: &GateArgs,
    folder: &RunFolder,
    record: &RunRecord,
    host: &Host<'_>,
) -> Result<GateOutcome> {
    if !args.as_it_is {
        integrity::complete(folder, record)?;
    }
    integrity::has_scores(folder)?;
    let spec = gate_spec(folder, record, host)?;
    let of_suite = args.baseline_suite.as_deref().or(spec.baseline_suite.as_deref());
    let wanted = WantedBaseline::of_run(&args.baseline, of_suite, folder, record);
    let Some(baseline) = Baseline::find(&wanted)? else {
        let is_optional = spec.baseline_optional && spec.baseline.as_ref() == Some(&args.baseline);
        if args.new_baseline || is_optional {
            return Ok(gate_first(folder, record, &wanted, &spec)?);
        }
        return Err(StoreError::from(wanted.missing(None)).into());
    };
    if let Some(warning) = baseline.warning() {
        host.notices.tell(&Notice::BaselineWarning(&warning));
    }
    let mut decision = gate_run(folder, record, &baseline, &spec, host)?;
    integrity::unchanged_meanwhile(folder, record)?;
    for warning in judge_margins(&folder.out(), record, &spec, &mut decision.verdict) {
        host.notices.tell(&Notice::MarginUnresolved(&warning));
    }
    Ok(decision)
}

/// The gate of the suite as it is now; where its file is gone, the gate that the run was made with.
pub(crate) fn gate_spec(
    folder: &RunFolder,
    record: &RunRecord,
    host: &Host<'_>,
) -> Result<GateSpec> {
    let path = record.suite_file();
    let spec = if path.is_file() {
        Suite::read(&path, host.readers())?.gate_or_default()
    } else {
        let kept = folder.path.join("run.json");
        host.notices.tell(&Notice::SuiteGone { suite: &record.suite_path, kept: &kept });
        GateSpec::of_effective(&record.effective_suite).unwrap_or_else(|| {
            GateSpec::default_of(record.metrics.iter().map(|metric| metric.name.as_str()))
        })
    };
    if spec.is_default {
        host.notices.tell(&Notice::DefaultGate);
    }
    Ok(spec)
}

/// A verdict in the form that was asked for, with a final line break.
pub(crate) fn render(verdict: &Verdict, format: VerdictFormat, printer: Printer) -> Result<String> {
    let mut text = match format {
        VerdictFormat::Text => inert(&verdict_text::render(verdict, printer)).into_owned(),
        VerdictFormat::Json => inert_json(&serde_json::to_string_pretty(verdict)?).into_owned(),
        VerdictFormat::Markdown => markdown::markdown(verdict),
        VerdictFormat::Junit => junit::junit(verdict),
        VerdictFormat::Github => github::github(verdict),
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}
