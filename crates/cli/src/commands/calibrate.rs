//! `evalmark calibrate`: the suite against itself. Two sets of answers to the same questions say
//! how much scores change when nothing has changed, and so which margins a gate can resolve.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use evalmark_runner::{
    CalibrateOptions, CalibratedSuite, CalibrationEnd, Host, resolvable_margins::warnings,
};
use evalmark_terminal::calibration;
use serde_json::json;

use crate::{
    args::{AgainstArgs, CacheArgs, ExecArgs, Format, OutputArgs, SelectionArgs},
    exit::Exit,
    options::run_options,
    print::Printer,
};

#[derive(Debug, Args)]
pub(crate) struct CalibrateArgs {
    /// Suite file (YAML)
    #[arg(value_name = "SUITE")]
    pub(crate) suite: PathBuf,
    /// Folder for run folders and calibrations
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) out: PathBuf,
    /// Name of the calibration's run folders: ID-a and ID-b, or ID if epochs are split in half;
    /// resumes a calibration of that name [default: the time and a few digits]
    #[arg(long, value_name = "ID")]
    pub(crate) run_id: Option<String>,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

pub(crate) fn calibrate(args: &CalibrateArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let against = AgainstArgs::default();
    let of = CalibrateOptions {
        suite: args.suite.clone(),
        out: args.out.clone(),
        run_id: args.run_id.clone(),
        options: run_options(&args.selection, &args.cache, &against)?,
    };
    let end = evalmark_runner::calibrate(&of, host)?;
    match &end {
        CalibrationEnd::Calibrated(calibrated) => tell(calibrated, args.output, printer)?,
        CalibrationEnd::Interrupted(go_on) => printer.remark(go_on),
        CalibrationEnd::Incomplete(error) => printer.run_error(error),
    }
    Ok(end.ending())
}

/// Figures to stdout; what cannot be resolved to stderr.
fn tell(calibrated: &CalibratedSuite, output: OutputArgs, printer: Printer) -> Result<()> {
    let CalibratedSuite { calibration, path, run_dirs, .. } = calibrated;
    let warnings = warnings(calibration);
    if output.format == Format::Json {
        let told = json!({
            "path": path,
            "run_dirs": run_dirs,
            "calibration": calibration,
            "warnings": warnings,
        });
        printer.json(&serde_json::to_string_pretty(&told)?);
        return Ok(());
    }
    printer.result(&calibration::render(calibration, printer.screen()));
    printer.result(&format!("\nwrote\n  {}", path.display()));
    for warning in &warnings {
        printer.warning(warning);
    }
    Ok(())
}
