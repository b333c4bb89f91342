//! `evalmark plan`: what a run would ask, what it may cost, and what it could detect.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use evalmark_core::number_format::counted;
use evalmark_runner::{Host, PlanOptions, RunPlan};
use evalmark_terminal::power_plan;

use crate::{
    args::{Format, SelectionArgs},
    exit::Exit,
    options::selected,
    print::Printer,
};

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Suite file (YAML)
    #[arg(value_name = "SUITE")]
    pub(crate) suite: PathBuf,
    /// Folder for run folders and baselines
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) out: PathBuf,
    /// Baseline to plan against, by name or folder [default: the suite's
    /// `gate.baseline`]
    #[arg(long, value_name = "NAME|DIR")]
    pub(crate) baseline: Option<String>,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// Text or JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

pub(crate) fn plan(args: &PlanArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let of = PlanOptions {
        out: args.out.clone(),
        baseline: args.baseline.clone(),
        options: selected(&args.selection),
    };
    let plan = evalmark_runner::plan(&args.suite, &of, host)?;
    let n_items = plan.loaded.plan.profile.n_items;
    if args.format == Format::Json {
        printer.json(&serde_json::to_string_pretty(&plan.json())?);
        return Ok(Exit::Done);
    }
    let samples = counted(plan.loaded.plan.n_samples(), "sample");
    printer.result(&format!("{samples} over {}", counted(n_items, "item")));
    for model in &plan.models {
        printer
            .result(&printer.screen().wrap("  ", &power_plan::request_estimate(model)).join("\n"));
    }
    tell_power(&plan, printer);
    Ok(Exit::Done)
}

/// What could be detected.
fn tell_power(plan: &RunPlan, printer: Printer) {
    let unplanned = power_plan::unplanned(&plan.unplanned);
    if let Some(unplanned) = &unplanned {
        printer.remark(unplanned);
    }
    if plan.power_estimates.is_empty() {
        if unplanned.is_none() {
            printer.result(
                "\nthe gate compares no score with a baseline, so there is no drop to detect",
            );
        }
        return;
    }
    let header = power_plan::header(plan);
    let header = printer.screen().wrap("", &header).join("\n");
    printer.result(&format!(
        "\n{header}\n{}",
        power_plan::render(&plan.power_estimates, printer.screen())
    ));
    for warning in &plan.warnings {
        printer.warning(warning);
    }
}
