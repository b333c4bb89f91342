//! What command lines say of a run, as `run.json` keeps it.

use evalmark_store::record::RunOptions;

use crate::args::{AgainstArgs, SelectionArgs};

/// What a later command line says of the baseline goes before what an earlier one said.
pub(crate) fn take_in_against(options: &mut RunOptions, args: &AgainstArgs) {
    options.baseline = args.baseline.clone().or(options.baseline.take());
    options.baseline_suite = args.baseline_suite.clone().or(options.baseline_suite.take());
    options.new_baseline |= args.new_baseline;
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
