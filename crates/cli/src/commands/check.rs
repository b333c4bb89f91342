//! `evalmark check`: every mistake in the suites and their datasets; asks nothing.

use std::{
    path::{Path, PathBuf},
    thread::sleep,
    time::Duration,
};

use clap::Args;
use evalmark_core::{
    number_format::counted,
    suite::{Mistake, SuiteError},
};
use evalmark_runner::{
    FileWatch, Host, LoadedSuite, RunError, each_once, files_of_suite, load, program_remarks, reach,
};
use evalmark_store::run_record::RunOptions;
use serde_json::{Value, json};

use crate::{
    args::FormatArgs,
    exit::Exit,
    print::{Printer, is_stdout_closed},
};

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Print, as JSON, the hosts, environment variables, files and programs that the suites reach for
    #[arg(long)]
    pub(crate) permissions: bool,
    /// Fetch datasets that are not on this machine yet; their checksums are told where suites lack them
    #[arg(long)]
    pub(crate) fetch: bool,
    /// Check again whenever a suite, or a file that it names, changes; Ctrl-C ends it
    #[arg(long)]
    pub(crate) watch: bool,
    #[command(flatten)]
    pub(crate) format: FormatArgs,
    /// Suite files (YAML)
    #[arg(required = true, value_name = "SUITE")]
    pub(crate) suites: Vec<PathBuf>,
}

pub(crate) fn check(args: &CheckArgs, printer: Printer, host: &Host<'_>) -> Exit {
    if !args.watch {
        return check_once(args, printer, host);
    }
    let mut changed: Option<PathBuf> = None;
    loop {
        // What changes from here on is seen.
        let before = FileWatch::of(args.suites.iter().flat_map(|path| files_of_suite(path, host)));
        printer.new_screen();
        if let Some(changed) = &changed {
            printer.remark(&format!("{} changed", changed.display()));
        }
        let exit = check_once(args, printer, host);
        if is_stdout_closed() {
            return exit;
        }
        let files = counted(before.n_files() as u64, "file");
        printer.remark(&format!("watching {files}; Ctrl-C ends"));
        changed = Some(next_change(&before));
    }
}

/// Between two looks at watched files.
const LOOK: Duration = Duration::from_millis(100);

/// Looks for which changing files are waited for at most.
const MOST_LOOKS: usize = 20;

/// Waits for a change, and for its end: an editor writes in steps, and may take a file away first.
fn next_change(before: &FileWatch) -> PathBuf {
    loop {
        sleep(LOOK);
        let mut now = before.again();
        let Some(changed) = now.first_changed(before).map(Path::to_owned) else { continue };
        for _ in 0..MOST_LOOKS {
            sleep(LOOK);
            let next = now.again();
            let is_at_rest = next == now && !next.lacks_one_of(before);
            now = next;
            if is_at_rest {
                break;
            }
        }
        // What was written back as it was needs no other look.
        if now != *before {
            return changed;
        }
    }
}

fn check_once(args: &CheckArgs, printer: Printer, host: &Host<'_>) -> Exit {
    let mut exit = Exit::Done;
    let (mut all_opened, mut told) = (Vec::new(), Vec::new());
    for path in &each_once(&args.suites, host) {
        let checked = checked(path, host);
        for error in &checked.errors {
            printer.run_error(error);
            exit = Exit::Usage;
        }
        if args.format.is_json() {
            told.push(described(path, &checked));
        } else if let Some(loaded) = checked.loaded.as_ref().filter(|_| !args.permissions) {
            describe(path, loaded, printer);
        }
        all_opened.extend(checked.loaded);
    }
    if args.permissions {
        let report = reach(&all_opened.iter().collect::<Vec<_>>());
        printer.result(&format!("{report:#}"));
    } else if args.format.is_json() {
        printer.json(&format!("{:#}", json!({ "suites": told })));
    }
    exit
}

/// A suite that was looked at.
struct CheckedSuite {
    /// `None` where it cannot be run.
    loaded: Option<LoadedSuite>,
    errors: Vec<RunError>,
}

fn checked(path: &Path, host: &Host<'_>) -> CheckedSuite {
    match load(path, &RunOptions::default(), host) {
        Ok(loaded) => {
            let errors = loaded.check_keys(host).err().into_iter().map(RunError::from).collect();
            CheckedSuite { loaded: Some(loaded), errors }
        }
        Err(error) => CheckedSuite { loaded: None, errors: vec![error] },
    }
}

/// A suite for programs: what it comes to, and what is wrong with it.
fn described(path: &Path, checked: &CheckedSuite) -> Value {
    let plan = checked.loaded.as_ref().map(|loaded| &loaded.plan);
    let metrics = checked.loaded.as_ref().map(|loaded| loaded.metrics.len());
    let errors = checked.errors.iter().flat_map(|error| match error.find::<SuiteError>() {
        Some(SuiteError::Wrong(mistakes)) => mistakes.list.iter().map(mistake).collect(),
        _ => vec![json!({
            "line": null,
            "column": null,
            "message": error.in_full(),
            "hint": error.hints().first(),
        })],
    });
    json!({
        "path": path,
        "suite": checked.loaded.as_ref().map(|loaded| &loaded.suite.name),
        "is_valid": checked.errors.is_empty(),
        "prompts": plan.map(|plan| plan.prompts.len()),
        "models": plan.map(|plan| plan.candidates.len()),
        "items": plan.map(|plan| plan.profile.n_items),
        "epochs": plan.map(|plan| plan.epochs),
        "samples": plan.map(evalmark_core::plan::Plan::n_samples),
        "metrics": metrics,
        "remarks": checked.loaded.as_ref().map(program_remarks),
        "errors": errors.collect::<Vec<_>>(),
    })
}

fn mistake(mistake: &Mistake) -> Value {
    let place = Some(mistake.position).filter(|position| position.line > 0);
    json!({
        "line": place.map(|position| position.line),
        "column": place.map(|position| position.column),
        "message": mistake.message,
        "hint": mistake.hint,
    })
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
        counted(plan.profile.n_items, "item"),
        counted(plan.epochs.into(), "epoch"),
        counted(plan.n_samples(), "sample"),
        counted(loaded.metrics.len() as u64, "metric"),
    ));
}
