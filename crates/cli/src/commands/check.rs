//! `evalmark check`: every mistake in the suites and their datasets; asks nothing.

use evalmark_core::figures::counted;

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
                    "{}: {} x {} x {} x {} = {}, {}",
                    path.display(),
                    counted(plan.prompts.len() as u64, "prompt"),
                    counted(plan.candidates.len() as u64, "model"),
                    counted(plan.survey.n_items, "item"),
                    counted(plan.epochs.into(), "epoch"),
                    counted(plan.n_samples(), "sample"),
                    counted(opened.metrics.len() as u64, "metric"),
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
