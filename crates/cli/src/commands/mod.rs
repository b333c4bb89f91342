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
use evalmark_runner::{Host, Notice, Notices};

use crate::{
    args::{Cli, Command},
    environment::Environment,
    exit::Exit,
    notices::Terminal,
    print::Printer,
};

/// Carries a command out.
pub(crate) fn dispatch(command: Command, printer: Printer) -> Result<Exit> {
    let terminal = Terminal::new(printer, command.is_quiet());
    let hear = |notice: &Notice<'_>| terminal.hear(notice);
    let host = &Host { notices: Notices::new(&hear), secrets: &Environment };
    match command {
        Command::Run(args) => run::run(&args, printer, host),
        Command::Resume(args) => resume::resume(&args, printer, host),
        Command::Score(args) => score::score(&args, printer, host),
        Command::Gate(args) => gate::gate(&args, printer, host),
        Command::Compare(args) => compare::compare(&args, printer, host),
        Command::Show(args) => show::show(&args, printer),
        Command::Report(args) => report::report(&args, printer, host),
        Command::Check(args) => Ok(check::check(&args, printer, host)),
        Command::Plan(args) => plan::plan(&args, printer, host),
        Command::Calibrate(args) => calibrate::calibrate(&args, printer, host),
        Command::Baseline(args) => baseline::baseline(&args, printer),
        Command::JudgeCheck(args) => judge_check::judge_check(&args, printer),
        Command::Cache(args) => cache::cache(&args.command, printer),
        Command::Schema(args) => schema::schema(&args, printer),
        Command::ExportAnswers(args) => export_answers::export(&args, printer, host),
        Command::Completions(args) => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut Cli::command(), "evalmark", &mut script);
            printer.raw(&String::from_utf8_lossy(&script));
            Ok(Exit::Done)
        }
    }
}
