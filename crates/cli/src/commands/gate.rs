//! `evalmark gate`: the verdict on a finished run against a baseline.

use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use clap::{Args, ValueEnum};
use evalmark_core::{
    suite::{GateSpec, Suite},
    verdict::Verdict,
};
use evalmark_report::{
    files, github, junit, markdown,
    text::{inert, inert_json},
};
use evalmark_runner::{Host, Notice};
use evalmark_store::record::RunRecord;

use crate::{
    baseline::{Baseline, Wanted, missing},
    calibration::judge_margins,
    exit::Exit,
    gate::{GateOutcome, gate_first, gate_run, refused, write_verdict},
    hint::{Hinted, exit_of, run_error},
    print::Printer,
    run_folder::RunFolder,
    verdict_text, whole,
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
    files::write(path, text.as_bytes())
}

fn decide(
    args: &GateArgs,
    folder: &RunFolder,
    record: &RunRecord,
    host: &Host<'_>,
) -> Result<GateOutcome> {
    if !args.as_it_is {
        whole::complete(folder, record)?;
    }
    has_scores(folder)?;
    let spec = gate_spec(folder, record, host)?;
    let of_suite = args.baseline_suite.as_deref().or(spec.baseline_suite.as_deref());
    let wanted = Wanted::of_run(&args.baseline, of_suite, folder, record);
    let Some(baseline) = Baseline::find(&wanted)? else {
        let is_optional = spec.baseline_optional && spec.baseline.as_ref() == Some(&args.baseline);
        if args.new_baseline || is_optional {
            return gate_first(folder, record, &wanted, &spec);
        }
        return Err(missing(&wanted, None));
    };
    if let Some(warning) = baseline.warning() {
        host.notices.tell(&Notice::BaselineWarning(&warning));
    }
    let mut decision = gate_run(folder, record, &baseline, &spec, host)?;
    unchanged_meanwhile(folder, record)?;
    for warning in judge_margins(&folder.out(), record, &spec, &mut decision.verdict) {
        host.notices.tell(&Notice::MarginUnresolved(&warning));
    }
    Ok(decision)
}

/// Fails where somebody began to write the run anew while it was read.
fn unchanged_meanwhile(folder: &RunFolder, record: &RunRecord) -> Result<()> {
    let (_, now) = RunFolder::open(&folder.path)?;
    if (now.status, &now.files) == (record.status, &record.files) {
        return Ok(());
    }
    Err(anyhow!("the run {} was changed while it was read", folder.path.display()))
        .hint("gate it again once that has ended")
        .ends(Exit::Incomplete)
}

/// A run whose scores are those of one finished pass.
pub(crate) fn open_whole(path: &std::path::Path) -> Result<(RunFolder, RunRecord)> {
    let (folder, record) = RunFolder::open(path)?;
    whole::finished(&folder, &record)?;
    has_scores(&folder)?;
    whole::unchanged(&folder, &record, &[folder.scores(), folder.summary()])?;
    Ok((folder, record))
}

/// A run that has scores.
pub(crate) fn open_scored(path: &std::path::Path) -> Result<(RunFolder, RunRecord)> {
    let (folder, record) = RunFolder::open(path)?;
    has_scores(&folder)?;
    Ok((folder, record))
}

fn has_scores(folder: &RunFolder) -> Result<()> {
    let path = folder.path.display();
    if folder.scores().is_file() {
        return Ok(());
    }
    Err(anyhow!("the run {path} has no scores yet"))
        .hint(format!("`evalmark resume {path}` finishes it"))
        .ends(Exit::Incomplete)
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
