//! From arguments to an exit code. The only place that ends the process.

mod args;
mod commands;
mod environment;
mod exit;
mod hint;
mod notices;
mod options;
mod permissions;
mod print;
mod progress;
mod receivers;
#[cfg(test)]
#[path = "../tests/reference/commands.rs"]
mod reference;
mod reports;
mod run_text;

use std::process::ExitCode;

use anyhow::Error;
use clap::Parser;

use crate::{
    args::{Cli, Color, LogFormat},
    exit::Exit,
    print::{Printer, keep_failure, unwritten},
};

/// A run allocates much on many threads, and hands it from one to the other.
#[cfg(all(feature = "jemalloc", not(target_env = "msvc")))]
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

/// Lets a test end the program at any change of a file, as a kill would.
#[cfg(debug_assertions)]
fn die_where_a_test_says() {
    let change = std::env::var("EVALMARK_TEST_ABORT_AT").ok().and_then(|n| n.parse().ok());
    evalmark_store::durable::abort_at(change.unwrap_or_default());
}

fn main() -> ExitCode {
    outlive_file_limits();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(told) => return told_by_parser(&told),
    };
    #[cfg(debug_assertions)]
    die_where_a_test_says();
    let printer = match cli.log_format {
        LogFormat::Text => Printer::new(cli.color),
        LogFormat::Json => Printer::logging(cli.color),
    };
    let granted = permissions::grant(&cli.permissions);
    let exit = granted.and_then(|granted| commands::dispatch(cli.command, &granted, printer));
    let exit = exit.unwrap_or_else(|error| {
        printer.error(&error);
        hint::exit_of(&error).unwrap_or(Exit::Usage)
    });
    ended(exit, printer)
}

/// Help, the version, or what is wrong with the arguments.
fn told_by_parser(told: &clap::Error) -> ExitCode {
    let printed = told.print();
    if told.use_stderr() {
        return ExitCode::from(Exit::Usage.exit_code());
    }
    keep_failure(printed);
    ended(Exit::Done, Printer::new(Color::Auto))
}

/// The exit code; what was done and could not be told is incomplete.
fn ended(exit: Exit, printer: Printer) -> ExitCode {
    let Some(why) = unwritten() else { return ExitCode::from(exit.exit_code()) };
    let error = Error::msg(why.to_string()).context("the results cannot be written to stdout");
    printer.error(&error);
    ExitCode::from(exit.worse(Exit::Incomplete).exit_code())
}

/// A limit on the size of files (`ulimit -f`) makes a write fail, which is reported like a full disk,
/// rather than ends the program without a word. Threads that start later inherit this.
fn outlive_file_limits() {
    #[cfg(unix)]
    {
        use nix::sys::signal::{SigSet, Signal};
        let mut signals = SigSet::empty();
        signals.add(Signal::SIGXFSZ);
        // Without it, everything else works as well.
        let _ = signals.thread_block();
    }
}
