//! `evalmark canary`: a small suite asked again and again, to notice when the model behind a name is no longer
//! the one that was released.

use std::{path::PathBuf, time::Duration};

use anyhow::Result;
use clap::Args;
use evalmark_core::number_format::{counted, moment};
use evalmark_runner::{
    CanaryEnd, CanaryLook, CanaryOptions, Host, SystemClock, canary_document, canary_look,
    repeat_looks,
};
use evalmark_store::run_record::RunOptions;
use evalmark_terminal::drift::{self, LookNames};
use jiff::Timestamp;

use crate::{
    args::{BudgetArgs, ExecArgs, Format, OutputArgs, SelectionArgs},
    exit::Exit,
    options::selected,
    print::Printer,
};

#[derive(Debug, Args)]
pub(crate) struct CanaryArgs {
    /// Suite file (YAML)
    #[arg(value_name = "SUITE")]
    pub(crate) suite: PathBuf,
    /// Time from look to look, such as `6h`; with `--once`: how often it is called
    #[arg(long, value_name = "SPAN", default_value = "6h", value_parser = span)]
    pub(crate) every: Duration,
    /// Make one look and end, for a timer of your own
    #[arg(long)]
    pub(crate) once: bool,
    /// Baseline to hold answers against, by name or folder [default: the suite's `gate.baseline`]
    #[arg(long, value_name = "NAME|DIR")]
    pub(crate) baseline: Option<String>,
    /// Chance of any false alarm in a year
    #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
    pub(crate) alpha: f64,
    /// Forget earlier looks and their alarms, once their cause is dealt with
    #[arg(long)]
    pub(crate) restart: bool,
    /// Folder for run folders and baselines
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) out: PathBuf,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) budget: BudgetArgs,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

pub(crate) fn canary(args: &CanaryArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let mut options = CanaryOptions {
        suite: args.suite.clone(),
        out: args.out.clone(),
        every: args.every,
        alpha: args.alpha,
        restart: args.restart,
        options: RunOptions { baseline: args.baseline.clone(), ..selected(&args.selection) },
        budget: args.budget.limits(),
    };
    let end = repeat_looks(args.every, &mut SystemClock, |left_out| {
        if left_out > 0 {
            printer.warning(&format!(
                "a look took longer than `--every`: {} left out",
                counted(left_out, "look")
            ));
        }
        let end = canary_look(&options, host)?;
        let exit = end.ending();
        match &end {
            CanaryEnd::Looked(look) => tell(look, exit, args.output.format, printer),
            CanaryEnd::Incomplete(run) => printer.warning(&format!(
                "too many answers are missing: the look does not count; they are in {}",
                run.folder.path.display()
            )),
            CanaryEnd::Interrupted => return Ok(Some(exit)),
        }
        // An outage is not drift, and may be over at the next look.
        if args.once || exit == Exit::Regressed {
            return Ok(Some(exit));
        }
        options.restart = false;
        Ok(None)
    });
    Ok(end?.unwrap_or(Exit::Done))
}

fn tell(look: &CanaryLook, exit: Exit, format: Format, printer: Printer) {
    if format == Format::Json {
        printer.json(&canary_document(look, exit.exit_code()).to_string());
        return;
    }
    printer.result(&drift::render(
        &look.report,
        LookNames { noun: "look", name: time },
        printer.screen(),
    ));
}

/// A look's time, for people.
fn time(at: i64) -> String {
    Timestamp::from_second(at).map_or_else(|_| at.to_string(), |at| moment(&at.to_string()))
}

pub(super) fn span(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text) {
        Ok(span) if span >= Duration::from_secs(1) => Ok(span),
        _ => Err("write a time span of a second or more, such as `6h`, `30m` or `1d`".to_owned()),
    }
}
