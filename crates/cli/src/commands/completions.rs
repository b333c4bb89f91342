//! `evalmark completions`: a script for a shell.

use clap::{Args, CommandFactory};

use crate::{args::Cli, exit::Exit, print::Printer};

#[derive(Debug, Args)]
pub(crate) struct CompletionArgs {
    /// Shell
    #[arg(value_enum)]
    shell: clap_complete::Shell,
}

pub(crate) fn completions(args: &CompletionArgs, printer: Printer) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), "evalmark", &mut script);
    printer.raw(&String::from_utf8_lossy(&script));
    Exit::Done
}
