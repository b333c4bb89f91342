//! `evalmark resume`: goes on with a run; what has an answer is not asked again.

use std::path::PathBuf;

use anyhow::{Result, anyhow};
use clap::Args;
use evalmark_runner::Host;
use evalmark_store::record::RunRecord;

use crate::{
    against::Against,
    args::{AgainstArgs, BudgetArgs, ExecArgs, OutputArgs},
    ask::{Asks, budget, keys},
    early::as_stopped,
    exit::Exit,
    hint::Hinted,
    load::{LoadedSuite, load},
    options::take_in_against,
    print::Printer,
    run::Run,
    run_folder::RunFolder,
    run_text,
};

#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// Run folder
    #[arg(value_name = "RUN_DIR")]
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) against: AgainstArgs,
    #[command(flatten)]
    pub(crate) budget: BudgetArgs,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

pub(crate) fn resume(args: &ResumeArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let (folder, mut record) = RunFolder::open(&args.run)?;
    record.options.allow_exec = args.exec.allow_exec;
    let mut loaded = load(&record.suite_file(), &record.options, host)?;
    same_experiment(&loaded, &record)?;
    loaded.plan = as_stopped(loaded.plan, &record)?;
    let keys = keys(&loaded, Asks::Everyone, host)?;
    let budget = budget(&loaded, Asks::Everyone, args.budget.limits())?;
    // A run that is still watched goes on with the baseline that it began with.
    let watched = record.stop_early.as_ref().filter(|early| !early.ended);
    let watched = watched.map(|early| early.baseline.clone());
    take_in_against(&mut record.options, &args.against);
    let options = &mut record.options;
    options.baseline = options.baseline.take().or(watched);
    let is_asked_for = args.against.baseline.is_some();
    let against = Against::find(&record.options, is_asked_for, &folder.out(), &loaded)?;
    record.ungated = against.ungated(&loaded);
    let asks = Asks::Everyone;
    let run = Run { loaded, folder, record, keys, asks, budget, against, host }.finish()?;
    run_text::tell(&run, args.output, printer)
}

/// Whether suite and dataset are still what the run began with.
pub(super) fn same_experiment(loaded: &LoadedSuite, record: &RunRecord) -> Result<()> {
    let changed = match (loaded.hash == record.suite_hash, &loaded.plan.survey.hash) {
        (false, _) => Some("suite"),
        (true, hash) if *hash != record.dataset_hash => Some("dataset"),
        _ => None,
    };
    if let Some(what) = changed {
        return Err(anyhow!("the {what} has changed since the run {} began", record.run_id))
            .hint("start a new run with `evalmark run`; answers to unchanged requests are kept");
    }
    Ok(())
}
