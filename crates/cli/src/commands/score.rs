//! `evalmark score`: recorded answers scored again with the suite as it is now. No model is asked,
//! except judges about what they have not judged yet.

use std::{path::PathBuf, sync::Arc};

use anyhow::{Result, anyhow};
use clap::Args;
use evalmark_harness::Budget;
use evalmark_runner::Host;
use evalmark_store::record::RunRecord;

use super::gate::open_scored;
use crate::{
    against::Against,
    args::{ExecArgs, OutputArgs},
    ask::{Asks, keys},
    early::as_stopped,
    exit::Exit,
    hint::Hinted,
    load::{LoadedSuite, judged_names, load, metric_hashes},
    metric_scale::scales,
    print::Printer,
    run::Run,
    run_text,
};

#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    /// Run folder
    #[arg(value_name = "RUN_DIR")]
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

pub(crate) fn score(args: &ScoreArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let (folder, mut record) = open_scored(&args.run)?;
    record.options.allow_exec = args.exec.allow_exec;
    let mut loaded = load(&record.suite_file(), &record.options, host)?;
    loaded.plan = as_stopped(loaded.plan, &record)?;
    same_shape(&loaded, &record)?;
    let mut same_prompts = true;
    let prompts = Arc::make_mut(&mut loaded.plan.prompts);
    for (prompt, recorded) in prompts.iter_mut().zip(&record.prompts) {
        same_prompts &= *prompt.hash == *recorded.hash;
        prompt.hash = recorded.hash.as_str().into();
    }
    record.metrics = metric_hashes(&loaded);
    record.judged = judged_names(&loaded);
    record.scales = scales(&loaded);
    record.dataset_hash.clone_from(&loaded.plan.survey.hash);
    if same_prompts {
        record.suite_hash.clone_from(&loaded.hash);
        record.effective_suite.clone_from(&loaded.suite.effective);
    }
    let keys = keys(&loaded, Asks::Judges, host)?;
    let against = Against::find(&record.options, false, &folder.out(), &loaded)?;
    record.ungated = against.ungated(&loaded);
    let (budget, asks) = (Budget::default(), Asks::Judges);
    let run = Run { loaded, folder, record, keys, asks, budget, against, host }.finish()?;
    run_text::tell(&run, args.output, printer)
}

/// Whether the suite still has the prompts, models and epochs that the run has answers to.
fn same_shape(loaded: &LoadedSuite, record: &RunRecord) -> Result<()> {
    let plan = &loaded.plan;
    let prompts: Vec<_> = plan.prompts.iter().map(|prompt| &*prompt.name).collect();
    let models: Vec<_> = plan.candidates.iter().map(|i| &*plan.models[*i].name).collect();
    let recorded: Vec<_> = record.prompts.iter().map(|prompt| &*prompt.name).collect();
    if prompts == recorded
        && models == record.models
        && plan.epochs == record.epochs
        && plan.survey.n_items == record.n_items
    {
        return Ok(());
    }
    Err(anyhow!(
        "the suite has other prompts, models, epochs or items than the run {}",
        record.run_id
    ))
    .hint("start a new run with `evalmark run`; answers to unchanged requests are kept")
}
