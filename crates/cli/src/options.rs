//! What command lines say of a run, as the engine takes it.

use anyhow::{Context, Result};
use evalmark_runner::AgainstOptions;
use evalmark_store::run_record::RunOptions;

use crate::args::{AgainstArgs, CacheArgs, SelectionArgs};

impl AgainstArgs {
    /// As the engine takes it.
    pub(crate) fn options(&self) -> AgainstOptions {
        AgainstOptions {
            baseline: self.baseline.clone(),
            baseline_suite: self.baseline_suite.clone(),
            new_baseline: self.new_baseline,
        }
    }
}

/// What a command line says of the part of a suite that is run.
pub(crate) fn selected(args: &SelectionArgs) -> RunOptions {
    RunOptions {
        prompts: args.prompt.clone(),
        models: args.model.clone(),
        limit: args.limit,
        epochs: args.epochs,
        concurrency: args.concurrency,
        ..RunOptions::default()
    }
}

/// What a command line says of a run that begins now.
pub(crate) fn run_options(
    selection: &SelectionArgs,
    cache: &CacheArgs,
    against: &AgainstArgs,
) -> Result<RunOptions> {
    Ok(RunOptions {
        no_cache: cache.no_cache,
        cache_dir: cache.cache_dir.as_ref().map(std::path::absolute).transpose()?,
        working_dir: Some(std::env::current_dir().context("the working folder is gone")?),
        baseline: against.baseline.clone(),
        baseline_suite: against.baseline_suite.clone(),
        new_baseline: against.new_baseline,
        ..selected(selection)
    })
}
