//! `evalmark check`: every mistake in the suites and their datasets; asks nothing.

use crate::{
    args::CheckArgs, exit::Exit, open::open, print::Printer, programs, run_folder::Options,
};

pub(crate) fn check(args: &CheckArgs, printer: Printer) -> Exit {
    let mut exit = Exit::Done;
    for path in &args.suites {
        // Nothing is scored, so no program runs.
        let options = Options { allow_exec: true, ..Options::default() };
        match open(path, &options, printer) {
            Ok(opened) => {
                for remark in programs::remarks(&opened) {
                    printer.remark(&format!("{}: {remark}", path.display()));
                }
                let plan = &opened.plan;
                printer.result(&format!(
                    "{}: {} prompts x {} models x {} items x {} epochs = {} samples, {} metrics",
                    path.display(),
                    plan.prompts.len(),
                    plan.candidates.len(),
                    plan.survey.n_items,
                    plan.epochs,
                    plan.n_samples(),
                    opened.metrics.len(),
                ));
            }
            Err(error) => {
                printer.error(&error);
                exit = Exit::Usage;
            }
        }
    }
    exit
}
