//! `evalmark gate`: the verdict on a finished run against a baseline.

use anyhow::{Context, Result, anyhow};
use evalmark_core::{
    suite::{GateSpec, Suite},
    verdict::Verdict,
};
use evalmark_report::{
    files, github, junit, markdown,
    text::{inert, inert_json},
};
use evalmark_store::record::RunRecord;

use crate::{
    args::{GateArgs, VerdictFormat},
    baseline::{Baseline, Wanted, missing},
    calibration::judge_margins,
    exit::Exit,
    gate::{DEFAULT_GATE, GateOutcome, gate_first, gate_run, refused, write_verdict},
    hint::{Hinted, exit_of},
    load::readers,
    print::Printer,
    run_folder::RunFolder,
    verdict_text, whole,
};

pub(crate) fn gate(args: &GateArgs, printer: Printer) -> Result<Exit> {
    let (folder, record) = RunFolder::open(&args.run)?;
    let decision = match decide(args, &folder, &record, printer) {
        // Whoever reads the verdict must not find an earlier one.
        Err(error) if exit_of(&error) == Some(Exit::Incomplete) => {
            printer.error(&error);
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
    Ok(decision.exit)
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
    printer: Printer,
) -> Result<GateOutcome> {
    if !args.as_it_is {
        whole::complete(folder, record)?;
    }
    has_scores(folder)?;
    let spec = gate_spec(folder, record, printer)?;
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
        printer.warning(&warning);
    }
    let mut decision = gate_run(folder, record, &baseline, &spec)?;
    unchanged_meanwhile(folder, record)?;
    for warning in judge_margins(&folder.out(), record, &spec, &mut decision.verdict) {
        printer.warning(&warning);
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
    printer: Printer,
) -> Result<GateSpec> {
    let path = record.suite_file();
    let spec = if path.is_file() {
        Suite::read(&path, readers())?.gate_or_default()
    } else {
        let kept = folder.path.join("run.json");
        printer.remark(&format!(
            "the suite {} is not there; the gate is the one in {}",
            record.suite_path.display(),
            kept.display()
        ));
        GateSpec::of_effective(&record.effective_suite).unwrap_or_else(|| {
            GateSpec::default_of(record.metrics.iter().map(|metric| metric.name.as_str()))
        })
    };
    if spec.is_default {
        printer.remark(DEFAULT_GATE);
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
