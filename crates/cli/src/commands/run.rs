//! `evalmark run`: everything is checked before anything is asked; then each suite goes its way.

use std::{collections::BTreeMap, path::PathBuf};

use anyhow::{Context, Result, bail};
use clap::Args;
use evalmark_runner::{Host, Notice};
use evalmark_store::record::{
    FORMAT_VERSION, GitState, NamedHash, RunOptions, RunRecord, RunStatus, RunTotals, SampleCounts,
};

use crate::{
    across_suites::{self, Ended},
    against::Against,
    args::{AgainstArgs, BudgetArgs, CacheArgs, ExecArgs, Format, OutputArgs, SelectionArgs},
    ask::{Asks, budget, keys},
    early,
    exit::Exit,
    git::Lookup,
    load::{LoadedSuite, judged_names, load, metric_hashes},
    metric_scale::scales,
    options::selected,
    print::Printer,
    run::Run,
    run_folder::{RunFolder, new_run_id, now},
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
    let options = RunOptions {
        allow_exec: args.exec.allow_exec,
        no_cache: args.cache.no_cache,
        cache_dir: args.cache.cache_dir.as_ref().map(std::path::absolute).transpose()?,
        working_dir: Some(std::env::current_dir().context("the working folder is gone")?),
        baseline: args.against.baseline.clone(),
        baseline_suite: args.against.baseline_suite.clone(),
        new_baseline: args.against.new_baseline,
        ..selected(&args.selection)
    };
    let lookup = Lookup::start(&args.suites);
    let loaded = args.suites.iter().map(|path| load(path, &options, host));
    let loaded: Vec<_> = loaded.collect::<Result<_, _>>()?;
    let keyed = loaded.into_iter().zip(lookup.finish()).map(|(loaded, git)| {
        let keys = keys(&loaded, Asks::Everyone, host)?;
        let budget = budget(&loaded, Asks::Everyone, args.budget.limits())?;
        let is_asked_for = options.baseline.is_some();
        let against = Against::find(&options, is_asked_for, &args.out, &loaded)?;
        Ok((loaded, git, keys, budget, against))
    });
    let (mut exit, mut ended) = (Exit::Done, Vec::new());
    for (loaded, git, keys, budget, against) in keyed.collect::<Result<Vec<_>>>()? {
        let run_id = args.run_id.clone().unwrap_or_else(new_run_id);
        let mut record = begin(&loaded, git, run_id, options.clone());
        record.ungated = against.ungated(&loaded);
        if let Some(warning) = against.warning() {
            host.notices.tell(&Notice::WillBeIncomplete(&warning));
        }
        record.stop_early = early::begin(&loaded, against.baseline.as_ref(), host)?;
        let folder = RunFolder::begin(&args.out, &record)?;
        let (folder_again, asks) = (folder.clone(), Asks::Everyone);
        let run = Run { loaded, folder, record, keys, asks, budget, against, host };
        let run = run.finish().inspect_err(|_| folder_again.discard())?;
        let end = run_text::tell(&run, args.output, printer)?;
        exit = exit.worse(end);
        if end == Exit::Interrupted {
            break;
        }
        ended.push(Ended::read(&run.record.suite, &run.folder, end)?);
    }
    if exit == Exit::Interrupted || ended.len() < 2 {
        return Ok(exit);
    }
    Ok(together(&mut ended, args, printer))
}

/// Several suites are one family, and one table.
fn together(ended: &mut [Ended], args: &RunArgs, printer: Printer) -> Exit {
    across_suites::adjust(ended);
    if args.output.format == Format::Text {
        printer.result(&format!("\n{}", across_suites::render(ended)));
    }
    across_suites::exit(ended)
}

/// What `run.json` says before the first request.
pub(super) fn begin(
    loaded: &LoadedSuite,
    git: Option<GitState>,
    run_id: String,
    options: RunOptions,
) -> RunRecord {
    let (suite, plan) = (&loaded.suite, &loaded.plan);
    let named = |prompt: &evalmark_core::prompt::Prompt| NamedHash {
        name: prompt.name.to_string(),
        hash: prompt.hash.to_string(),
    };
    RunRecord {
        format_version: FORMAT_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        run_id,
        suite: suite.name.clone(),
        suite_path: suite.path.clone(),
        suite_hash: loaded.hash.clone(),
        dataset_hash: plan.survey.hash.clone(),
        n_items: plan.survey.n_items,
        columns: Some(plan.survey.columns.clone()),
        epochs: plan.epochs,
        status: RunStatus::Running,
        started_at: now(),
        finished_at: None,
        git,
        prompts: plan.prompts.iter().map(named).collect(),
        models: plan.candidates.iter().map(|i| plan.models[*i].name.to_string()).collect(),
        metrics: metric_hashes(loaded),
        judged: judged_names(loaded),
        judging: BTreeMap::new(),
        scales: scales(loaded),
        options,
        counts: SampleCounts { planned: plan.n_samples(), ..SampleCounts::default() },
        totals: RunTotals::default(),
        slices: suite.dataset.slices.clone(),
        stop_early: None,
        stopped_early: None,
        incomplete: None,
        files: BTreeMap::new(),
        ungated: None,
        effective_suite: suite.effective.clone(),
    }
}
