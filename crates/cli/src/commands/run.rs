//! `evalmark run`: everything is checked before anything is asked; then each suite goes its way.

use std::collections::BTreeMap;

use anyhow::{Context, Result, bail};

use crate::{
    across_suites::{self, Ended},
    against::Against,
    args::{Format, RunArgs},
    ask::{Asks, budget, keys},
    early,
    exit::Exit,
    flow::Run,
    git::{Git, Lookup},
    measured::scales,
    open::{Opened, judged_names, metric_hashes, open},
    print::Printer,
    run_folder::{
        Counts, FORMAT_VERSION, Named, Options, RunFolder, RunRecord, Status, Totals, new_run_id,
        now,
    },
};

pub(crate) fn run(args: &RunArgs, printer: Printer) -> Result<Exit> {
    if args.run_id.is_some() && args.suites.len() > 1 {
        bail!("`--run-id` names one run; give one suite with it");
    }
    let options = Options {
        allow_exec: args.exec.allow_exec,
        no_cache: args.cache.no_cache,
        cache_dir: args.cache.cache_dir.as_ref().map(std::path::absolute).transpose()?,
        working_dir: Some(std::env::current_dir().context("the working folder is gone")?),
        baseline: args.against.baseline.clone(),
        baseline_suite: args.against.baseline_suite.clone(),
        new_baseline: args.against.new_baseline,
        ..Options::from(&args.selection)
    };
    let lookup = Lookup::start(&args.suites);
    let opened = args.suites.iter().map(|path| open(path, &options, printer));
    let opened: Vec<_> = opened.collect::<Result<_>>()?;
    let keyed = opened.into_iter().zip(lookup.finish()).map(|(opened, git)| {
        let keys = keys(&opened, Asks::Everyone)?;
        let budget = budget(&opened, Asks::Everyone, args.budget)?;
        let is_asked_for = options.baseline.is_some();
        let against = Against::find(&options, is_asked_for, &args.out, &opened)?;
        Ok((opened, git, keys, budget, against))
    });
    let (mut exit, mut ended) = (Exit::Done, Vec::new());
    for (opened, git, keys, budget, against) in keyed.collect::<Result<Vec<_>>>()? {
        let run_id = args.run_id.clone().unwrap_or_else(new_run_id);
        let mut record = begin(&opened, git, run_id, options.clone());
        let remarks = (!args.output.quiet).then_some(printer);
        record.ungated = against.ungated(&opened);
        if let (Some(warning), Some(printer)) = (against.warning(), remarks) {
            printer.warning(&warning);
        }
        record.stop_early = early::begin(&opened, against.baseline.as_ref(), remarks)?;
        let folder = RunFolder::begin(&args.out, &record)?;
        let (output, asks) = (args.output, Asks::Everyone);
        let folder_again = folder.clone();
        let run = Run { opened, folder, record, keys, asks, budget, against, output };
        let suite = run.record.suite.clone();
        let end = run.finish(printer).inspect_err(|_| folder_again.discard())?;
        exit = exit.worse(end);
        if end == Exit::Interrupted {
            break;
        }
        ended.push(Ended::read(&suite, &folder_again, end)?);
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
    opened: &Opened,
    git: Option<Git>,
    run_id: String,
    options: Options,
) -> RunRecord {
    let (suite, plan) = (&opened.suite, &opened.plan);
    let named = |prompt: &evalmark_core::prompt::Prompt| Named {
        name: prompt.name.to_string(),
        hash: prompt.hash.to_string(),
    };
    RunRecord {
        format_version: FORMAT_VERSION,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        run_id,
        suite: suite.name.clone(),
        suite_path: suite.path.clone(),
        suite_hash: opened.hash.clone(),
        dataset_hash: plan.survey.hash.clone(),
        n_items: plan.survey.n_items,
        columns: Some(plan.survey.columns.clone()),
        epochs: plan.epochs,
        status: Status::Running,
        started_at: now(),
        finished_at: None,
        git,
        prompts: plan.prompts.iter().map(named).collect(),
        models: plan.candidates.iter().map(|i| plan.models[*i].name.to_string()).collect(),
        metrics: metric_hashes(opened),
        judged: judged_names(opened),
        judging: BTreeMap::new(),
        scales: scales(opened),
        options,
        counts: Counts { planned: plan.n_samples(), ..Counts::default() },
        totals: Totals::default(),
        slices: suite.dataset.slices.clone(),
        stop_early: None,
        stopped_early: None,
        incomplete: None,
        files: BTreeMap::new(),
        ungated: None,
        effective_suite: suite.effective.clone(),
    }
}
