//! `evalmark feedback`: what users say of production's answers, taken in, estimated and compared.

use std::{collections::BTreeMap, path::PathBuf, time::Duration};

use anyhow::{Result, bail};
use clap::{Args, Subcommand};
use evalmark_core::feedback::RatingScale;
use evalmark_integrations::feedback::{FeedbackRules, FeedbackSource, read_feedback, sources};
use evalmark_runner::{
    CompareFeedbackOptions, FeedbackImport, FeedbackStatusOptions, Host, compare_feedback,
    ending_of_feedback, feedback_status,
};
use evalmark_terminal::feedback as text;

use super::canary::span;
use crate::{
    args::{FormatArgs, OutArgs},
    exit::Exit,
    print::Printer,
};

#[derive(Debug, Args)]
pub(crate) struct FeedbackArgs {
    #[command(subcommand)]
    command: FeedbackCommand,
}

#[derive(Debug, Subcommand)]
enum FeedbackCommand {
    /// Take in thumbs, ratings, corrections and outcomes, and join them with the monitor's records
    Import {
        /// Suite file (YAML), with a `logs` section
        #[arg(value_name = "SUITE")]
        suite: PathBuf,
        /// Files: JSON lines or a JSON list, also packed as .gz or .zst
        #[arg(value_name = "FILE", required = true)]
        files: Vec<PathBuf>,
        /// Where they come from: otlp, ga4, mixpanel, langfuse or jsonl [default: what each document looks like]
        #[arg(long, value_name = "PRODUCT", value_parser = source)]
        from: Option<&'static str>,
        /// Key that holds the record's id in the logs [default: `trace_id` and the like]
        #[arg(long, value_name = "NAME")]
        key: Option<String>,
        /// Only these signals or events
        #[arg(long, value_name = "NAME", num_args = 1..)]
        signal: Vec<String>,
        /// Scale of ratings, the worst value first: `1..5`, or `csat=1..5` for one signal
        #[arg(long, value_name = "SCALE", value_parser = scale)]
        scale: Vec<(String, RatingScale)>,
        #[command(flatten)]
        out: OutArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Show what it comes to, by signal, with its interval
    Status {
        /// Suite file (YAML)
        #[arg(value_name = "SUITE")]
        suite: PathBuf,
        /// Log of exposures: a JSON object a line with `record_id` and, where not everybody was asked, `propensity`
        #[arg(long, value_name = "FILE")]
        exposures: Option<PathBuf>,
        #[command(flatten)]
        out: OutArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
    /// Compare two variants that serve at the same time; look as often as you like
    Compare {
        /// Suite file (YAML)
        #[arg(value_name = "SUITE")]
        suite: PathBuf,
        /// The variant that was there before: a prompt, a model, or a prompt's hash or its beginning
        #[arg(value_name = "BEFORE")]
        before: String,
        /// The new one
        #[arg(value_name = "AFTER")]
        after: String,
        /// What was asked for or observed
        #[arg(long, value_name = "NAME")]
        signal: String,
        /// Drop that is tolerated
        #[arg(long, value_name = "SHARE", default_value_t = 0.02)]
        margin: f64,
        /// Chance that the interval ever misses the difference
        #[arg(long, value_name = "SHARE", default_value_t = 0.05)]
        alpha: f64,
        /// What happens later than this after an answer does not count; younger answers are left out
        #[arg(long, value_name = "SPAN", default_value = "1d", value_parser = span)]
        window: Duration,
        #[command(flatten)]
        out: OutArgs,
        #[command(flatten)]
        format: FormatArgs,
    },
}

pub(crate) fn feedback(args: &FeedbackArgs, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    match &args.command {
        FeedbackCommand::Import { .. } => import(&args.command, printer, host),
        FeedbackCommand::Status { suite, exposures, out, format } => {
            let options = FeedbackStatusOptions {
                suite: suite.clone(),
                out: out.out.clone(),
                exposures: exposures.clone(),
            };
            let found = feedback_status(&options, host)?;
            if format.is_json() {
                printer.json(&serde_json::to_string_pretty(&found)?);
            } else {
                printer.result(&text::status(&found, printer.screen()));
            }
            Ok(Exit::Done)
        }
        FeedbackCommand::Compare { .. } => compare(&args.command, printer, host),
    }
}

fn import(command: &FeedbackCommand, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let FeedbackCommand::Import { suite, files, from, key, signal, scale, out, format } = command
    else {
        return Ok(Exit::Done);
    };
    let rules = FeedbackRules {
        key: key.clone(),
        signals: signal.clone(),
        scales: scale.iter().cloned().collect::<BTreeMap<_, _>>(),
    };
    let source = from.and_then(named);
    let mut import = FeedbackImport::open(suite, &out.out, host)?;
    for file in files {
        read_feedback(file, source, &rules, &mut |number, found| {
            import.document(file, number, &found.problems, found.passed_over);
            for event in found.events {
                import.add(file, number, event);
            }
        })?;
    }
    let found = import.finish()?;
    if format.is_json() {
        printer.json(&serde_json::to_string_pretty(&found)?);
    } else {
        printer.result(&text::imported(&found, printer.screen()));
    }
    Ok(Exit::Done)
}

fn compare(command: &FeedbackCommand, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    let FeedbackCommand::Compare {
        suite,
        before,
        after,
        signal,
        margin,
        alpha,
        window,
        out,
        format,
    } = command
    else {
        return Ok(Exit::Done);
    };
    if !(0.0..1.0).contains(margin) {
        bail!("`--margin` is a share from 0 to 1, such as 0.02");
    }
    if !(*alpha > 0.0 && *alpha < 0.5) {
        bail!("`--alpha` is above 0 and below 0.5, such as 0.05");
    }
    let options = CompareFeedbackOptions {
        suite: suite.clone(),
        out: out.out.clone(),
        signal: signal.clone(),
        before: before.clone(),
        after: after.clone(),
        margin: *margin,
        alpha: *alpha,
        window: *window,
    };
    let found = compare_feedback(&options, host)?;
    if format.is_json() {
        printer.json(&serde_json::to_string_pretty(&found)?);
    } else {
        printer.result(&text::comparison(&found, printer.screen()));
    }
    Ok(ending_of_feedback(&found))
}

fn named(name: &str) -> Option<&'static FeedbackSource> {
    sources().iter().find(|source| source.name == name)
}

fn source(name: &str) -> Result<&'static str, String> {
    let known = || sources().iter().map(|source| source.name).collect::<Vec<_>>().join(", ");
    named(name).map(|source| source.name).ok_or_else(|| format!("there is: {}", known()))
}

/// A scale for a signal, or for all.
fn scale(text: &str) -> Result<(String, RatingScale), String> {
    let (signal, scale) = text.split_once('=').unwrap_or(("", text));
    Ok((signal.to_owned(), RatingScale::parse(scale)?))
}
