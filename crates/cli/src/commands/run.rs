//! `evalmark run`: everything is checked before anything is asked; then each suite goes its way.

use std::path::PathBuf;

use anyhow::{Result, bail};
use clap::Args;
use evalmark_core::verdict::Comparison;
use evalmark_runner::{
    EndedSuite, Hinted, Host, OverSuites, Run, adjust_over_suites, ending_of_suites, load,
};
use evalmark_store::git::GitLookup;
use evalmark_terminal::across_suites;
use serde_json::{Value, json};

use crate::{
    args::{AgainstArgs, BudgetArgs, CacheArgs, ExecArgs, Format, OutputArgs, SelectionArgs},
    exit::{Exit, exit_code},
    options::run_options,
    print::Printer,
    run_text,
};

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Suite files (YAML)
    #[arg(required = true, value_name = "SUITE")]
    pub(crate) suites: Vec<PathBuf>,
    /// Folder for run folders and baselines
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) out: PathBuf,
    /// Name of the run's folder [default: the time and a few digits]
    #[arg(long, value_name = "ID")]
    pub(crate) run_id: Option<String>,
    #[command(flatten)]
    pub(crate) against: AgainstArgs,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
    #[command(flatten)]
    pub(crate) budget: BudgetArgs,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

pub(crate) fn run(args: &RunArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    if args.run_id.is_some() && args.suites.len() > 1 {
        bail!("`--run-id` names one run; give one suite with it");
    }
    let options = run_options(&args.selection, &args.cache, &args.against)?;
    let lookup = GitLookup::start(&args.suites);
    let loaded = args.suites.iter().map(|path| load(path, &options, host));
    let loaded: Vec<_> = loaded.collect::<Result<_, _>>()?;
    let limits = args.budget.limits();
    let prepared = loaded
        .into_iter()
        .zip(lookup.finish())
        .map(|(loaded, git)| Ok((Run::prepare(loaded, &options, &args.out, limits, host)?, git)));
    let (mut exit, mut ended) = (Exit::Done, Vec::new());
    for (prepared, git) in prepared.collect::<Result<Vec<_>>>()? {
        let run = Run::begin(prepared, args.run_id.as_deref(), git, host)?.finish()?;
        let end = run_text::tell(&run, args.output, printer)?;
        exit = exit.worse(end);
        if end == Exit::Interrupted {
            break;
        }
        let read = EndedSuite::read(&run.record.suite, &run.folder, end);
        ended.push(read.ends(Exit::Incomplete)?);
    }
    if exit == Exit::Interrupted || ended.len() < 2 {
        return Ok(exit);
    }
    Ok(together(&mut ended, args, printer))
}

/// Several suites are one family, and one table.
fn together(ended: &mut [EndedSuite], args: &RunArgs, printer: Printer) -> Exit {
    adjust_over_suites(ended);
    let exit = ending_of_suites(ended);
    match args.output.format {
        Format::Text => {
            printer.result(&format!("\n{}", across_suites::render(ended, printer.screen())));
        }
        Format::Json => printer.json(&as_json(ended, exit).to_string()),
    }
    exit
}

/// The table over all suites for programs.
fn as_json(ended: &[EndedSuite], exit: Exit) -> Value {
    let sum = |of: fn(&EndedSuite) -> usize| ended.iter().map(of).sum::<usize>();
    let comparison = |one: OverSuites<'_>| {
        let Comparison { prompt, model, metric, measure, answer, alpha, .. } = one.comparison;
        json!({
            "prompt": prompt,
            "model": model,
            "metric": metric,
            "measure": measure,
            "answer": answer,
            "answer_over_suites": one.answer,
            "p_regressed_over_suites": one.p_regressed,
            "alpha": alpha,
        })
    };
    let suite = |one: &EndedSuite| {
        json!({
            "suite": one.suite,
            "run_dir": one.run_dir,
            "answer": one.verdict.as_ref().map(|verdict| verdict.answer),
            "exit_code": exit_code(one.ending),
            "comparisons": one.over_suites().map(comparison).collect::<Vec<_>>(),
        })
    };
    json!({
        "suites": ended.iter().map(suite).collect::<Vec<_>>(),
        "n_comparisons": sum(|one| one.comparisons().len()),
        "n_regressed": sum(EndedSuite::n_regressed),
        "n_regressed_over_suites": sum(EndedSuite::n_regressed_over_suites),
        "exit_code": exit_code(exit),
    })
}
