//! Arguments to flow to exit code. The only place that ends the process.

mod against;
mod args;
mod arms;
mod arrivals;
mod ask;
mod baseline;
mod calibration;
mod calibration_text;
mod commands;
mod early;
mod exit;
mod failing;
mod flow;
mod gate;
mod gathered;
mod git;
mod hint;
mod judge_check;
mod judges;
mod judging;
mod known_keys;
mod leaderboard;
mod measured;
mod open;
mod outlook;
mod permissions;
mod pooling;
mod print;
mod programs;
mod progress;
mod records;
mod run_folder;
mod scored;
mod summary;
mod table;
mod verdict_text;

use std::process::ExitCode;

use clap::Parser;

use crate::{
    args::{Cli, LogFormat},
    exit::Exit,
    print::Printer,
};

/// A run allocates much on many threads, and hands it from one to the other.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let printer = match cli.log_format {
        LogFormat::Text => Printer::new(cli.color),
        LogFormat::Json => Printer::logging(cli.color),
    };
    let granted = permissions::grant(&cli.permissions);
    let exit = granted.and_then(|()| commands::dispatch(cli.command, printer));
    let exit = exit.unwrap_or_else(|error| {
        printer.error(&error);
        hint::exit_of(&error).unwrap_or(Exit::Usage)
    });
    ExitCode::from(exit.code())
}
