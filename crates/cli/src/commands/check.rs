//! `evalmark check`: every mistake in the suites and their datasets; asks nothing.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use evalmark_core::number_format::counted;
use evalmark_runner::{Host, LoadedSuite, load, program_remarks, reach};
use evalmark_store::record::RunOptions;

use crate::{exit::Exit, print::Printer};

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Print, as JSON, the hosts, environment variables, files and programs that the suites reach for
    #[arg(long)]
    pub(crate) permissions: bool,
    /// Fetch datasets that are not on this machine yet; their checksums are told where suites lack them
    #[arg(long)]
    pub(crate) fetch: bool,
    /// Suite files (YAML)
    #[arg(required = true, value_name = "SUITE")]
    pub(crate) suites: Vec<PathBuf>,
}

pub(crate) fn check(args: &CheckArgs, printer: Printer, host: &Host<'_>) -> Exit {
    let mut exit = Exit::Done;
    let mut all_opened = Vec::new();
    let mut tell = |ended: Result<()>| {
        if let Err(error) = ended {
            printer.error(&error);
            exit = Exit::Usage;
        }
    };
    for path in &args.suites {
        match load(path, &RunOptions::default(), host) {
            Ok(loaded) => {
                tell(loaded.check_keys(host).map_err(Into::into));
                if !args.permissions {
                    describe(path, &loaded, printer);
                }
                all_opened.push(loaded);
            }
            Err(error) => tell(Err(error.into())),
        }
    }
    if args.permissions {
        let report = reach(&all_opened.iter().collect::<Vec<_>>());
        printer.result(&format!("{report:#}"));
    }
    exit
}

fn describe(path: &Path, loaded: &LoadedSuite, printer: Printer) {
    for remark in program_remarks(loaded) {
        printer.remark(&format!("{}: {remark}", path.display()));
    }
    let plan = &loaded.plan;
    printer.result(&format!(
        "{}: {} x {} x {} x {} = {}, {}",
        path.display(),
        counted(plan.prompts.len() as u64, "prompt"),
        counted(plan.candidates.len() as u64, "model"),
        counted(plan.survey.n_items, "item"),
        counted(plan.epochs.into(), "epoch"),
        counted(plan.n_samples(), "sample"),
        counted(loaded.metrics.len() as u64, "metric"),
    ));
}
