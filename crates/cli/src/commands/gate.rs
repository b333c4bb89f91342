//! `evalmark gate`: the verdict on a finished run against a baseline.

use anyhow::{Context, Result, anyhow};
use evalmark_core::{
    suite::{GateSpec, Suite},
    verdict::Verdict,
};
use evalmark_report::{github, junit, markdown};

use crate::{
    args::{GateArgs, VerdictFormat},
    baseline::Baseline,
    calibration::judge_margins,
    exit::Exit,
    gate::{DEFAULT_GATE, gate_run, write_verdict},
    hint::Hinted,
    open::readers,
    print::Printer,
    run_folder::{RunFolder, RunRecord},
    verdict_text,
};

pub(crate) fn gate(args: &GateArgs, printer: Printer) -> Result<Exit> {
    let (folder, record) = open_scored(&args.run)?;
    let baseline = Baseline::get(&args.baseline, &folder.out(), &record.suite)?;
    let spec = gate_spec(&folder, &record, printer)?;
    let mut decision = gate_run(&folder, &record, &baseline, &spec)?;
    for warning in judge_margins(&folder.out(), &record, &spec, &mut decision.verdict) {
        printer.warning(&warning);
    }
    write_verdict(&folder, &decision.verdict)?;
    match &args.output {
        None => printer.raw(&render(&decision.verdict, args.format, printer)?),
        Some(path) => {
            let plain = Printer::new(crate::args::Color::Never);
            std::fs::write(path, render(&decision.verdict, args.format, plain)?)
                .with_context(|| format!("{} cannot be written", path.display()))?;
        }
    }
    Ok(decision.exit)
}

/// A run that has scores.
pub(crate) fn open_scored(path: &std::path::Path) -> Result<(RunFolder, RunRecord)> {
    let (folder, record) = RunFolder::open(path)?;
    if folder.scores().is_file() {
        return Ok((folder, record));
    }
    Err(anyhow!("the run {} has no scores yet", path.display()))
        .hint(format!("`evalmark resume {}` finishes it", path.display()))
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
        VerdictFormat::Text => verdict_text::render(verdict, printer),
        VerdictFormat::Json => serde_json::to_string_pretty(verdict)?,
        VerdictFormat::Markdown => markdown::markdown(verdict),
        VerdictFormat::Junit => junit::junit(verdict),
        VerdictFormat::Github => github::github(verdict),
    };
    if !text.ends_with('\n') {
        text.push('\n');
    }
    Ok(text)
}
