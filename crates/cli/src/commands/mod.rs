//! One file per command; each is its flow, and little else.

mod baseline;
mod cache;
mod calibrate;
mod check;
mod compare;
mod export_answers;
mod gate;
mod judge_check;
mod plan;
mod report;
mod resume;
mod run;
mod schema;
mod score;
mod show;

use anyhow::Result;
use clap::CommandFactory;

use crate::{
    args::{Cli, Command},
    exit::Exit,
    print::Printer,
};

/// Carries a command out.
pub(crate) fn dispatch(command: Command, printer: Printer) -> Result<Exit> {
    match command {
        Command::Run(args) => run::run(&args, printer),
        Command::Resume(args) => resume::resume(&args, printer),
        Command::Score(args) => score::score(&args, printer),
        Command::Gate(args) => gate::gate(&args, printer),
        Command::Compare(args) => compare::compare(&args, printer),
        Command::Show(args) => show::show(&args, printer),
        Command::Report(args) => report::report(&args, printer),
        Command::Check(args) => Ok(check::check(&args, printer)),
        Command::Plan(args) => plan::plan(&args, printer),
        Command::Calibrate(args) => calibrate::calibrate(&args, printer),
        Command::Baseline(args) => baseline::baseline(&args, printer),
        Command::JudgeCheck(args) => judge_check::judge_check(&args, printer),
        Command::Cache(args) => cache::cache(&args.command, printer),
        Command::Schema(args) => schema::schema(&args, printer),
        Command::ExportAnswers(args) => export_answers::export(&args, printer),
        Command::Completions(args) => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut Cli::command(), "evalmark", &mut script);
            printer.raw(&String::from_utf8_lossy(&script));
            Ok(Exit::Done)
        }
    }
}
