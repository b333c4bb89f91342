//! What can be typed before or with any command: global options, and groups of options that commands share.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Parser, ValueEnum};
use evalmark_core::policy::{BaselineNeed, FailOn, OnInconclusive, Policy};
use evalmark_runner::BudgetLimits;
use evalmark_store::named_run::{existing_run, named_run};

use crate::{commands::Command, environment::is_ci, exit};

/// Evaluate prompts like code: run variants against labelled data, score, compare, gate.
#[derive(Debug, Parser)]
#[command(name = "evalmark", version, max_term_width = 100, after_long_help = exit::help())]
pub(crate) struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// When to use colour
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto)]
    pub(crate) color: Color,
    /// Format of progress and messages on stderr: text, or one JSON object per line
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub(crate) log_format: LogFormat,
    #[command(flatten)]
    pub(crate) permissions: PermissionArgs,
}

/// What suites may do beyond the defaults. A suite cannot say so itself.
#[derive(Debug, Default, Args)]
pub(crate) struct PermissionArgs {
    /// Folder below which suites may read files, besides their own repository
    #[arg(long, global = true, value_name = "DIR", help_heading = "Permissions")]
    pub(crate) root: Vec<PathBuf>,
    /// Let the key in the environment variable NAME go to HOST
    #[arg(long, global = true, value_name = "NAME@HOST", help_heading = "Permissions")]
    pub(crate) allow_key: Vec<String>,
    /// Let keys go to HOST unencrypted
    #[arg(long, global = true, value_name = "HOST", help_heading = "Permissions")]
    pub(crate) allow_plain_http: Vec<String>,
}

/// The form of what goes to stderr.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum LogFormat {
    Text,
    Json,
}

/// When to use colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set.
    Auto,
    Always,
    Never,
}

/// Text for people or JSON for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

/// The folder for runs and baselines, unless the user names another.
pub(crate) const RUNS: &str = "reports";

/// Where runs and baselines are.
#[derive(Clone, Debug, Args)]
pub(crate) struct OutArgs {
    /// Folder for run folders and baselines
    #[arg(long, value_name = "DIR", default_value = RUNS)]
    pub(crate) out: PathBuf,
}

impl OutArgs {
    /// The folder of a run that is named by its path, or as one of the last that began.
    pub(crate) fn run(&self, named: &Path) -> Result<PathBuf> {
        Ok(existing_run(named, &self.out)?)
    }

    /// The same of a run that may be a baseline's name, too.
    pub(crate) fn run_or_baseline(&self, named: &Path) -> Result<PathBuf> {
        Ok(named_run(named, &self.out)?)
    }
}

/// The run that a command is about.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunDirArgs {
    /// Run folder; `latest` or `SUITE:latest` is the run that began last, `latest~1` the one before
    #[arg(value_name = "RUN_DIR")]
    named: PathBuf,
    #[command(flatten)]
    out: OutArgs,
}

impl RunDirArgs {
    /// Its folder.
    pub(crate) fn path(&self) -> Result<PathBuf> {
        self.out.run(&self.named)
    }
}

/// The runs that a command is about.
#[derive(Clone, Debug, Args)]
pub(crate) struct RunDirsArgs {
    /// Run folders; `latest` or `SUITE:latest` is the run that began last, `latest~1` the one before.
    /// Several runs are one family, with one summary
    #[arg(required = true, value_name = "RUN_DIR")]
    pub(crate) named: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) out: OutArgs,
}

impl RunDirsArgs {
    /// Their folders.
    pub(crate) fn paths(&self) -> Result<Vec<PathBuf>> {
        self.named.iter().map(|named| self.out.run(named)).collect()
    }
}

/// Which verdicts fail a command. They stay the same.
#[derive(Clone, Copy, Debug, Default, Args)]
#[command(next_help_heading = "Policy")]
pub(crate) struct PolicyArgs {
    /// A missing baseline is exit code 4, even if the suite says that it is optional; a suite that
    /// gates nothing is exit code 2 [default where the environment sets `CI`, except that a suite
    /// without a gate is only warned about]
    #[arg(long)]
    require_baseline: bool,
    /// What an inconclusive verdict does: fail (exit code 3), pass with a warning, or pass
    #[arg(long, value_enum, default_value_t)]
    inconclusive: Inconclusive,
    /// Which verdicts fail: any that does not pass, or none; without a verdict it is exit code 4
    /// nevertheless
    #[arg(long, value_enum, default_value_t)]
    fail_on: Fail,
}

/// What an inconclusive verdict does.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Inconclusive {
    #[default]
    Fail,
    Warn,
    Pass,
}

/// Which verdicts fail.
#[derive(Clone, Copy, Debug, Default, ValueEnum)]
enum Fail {
    #[default]
    Any,
    Never,
}

impl PolicyArgs {
    /// As the engine takes it.
    pub(crate) fn policy(self) -> Policy {
        Policy {
            baseline: match (self.require_baseline, is_ci()) {
                (true, _) => BaselineNeed::Always,
                (false, true) => BaselineNeed::InCi,
                (false, false) => BaselineNeed::BySuite,
            },
            inconclusive: match self.inconclusive {
                Inconclusive::Fail => OnInconclusive::Fail,
                Inconclusive::Warn => OnInconclusive::Warn,
                Inconclusive::Pass => OnInconclusive::Pass,
            },
            fail_on: match self.fail_on {
                Fail::Any => FailOn::Any,
                Fail::Never => FailOn::Never,
            },
            is_overridden: false,
        }
    }
}

/// In which form results are told.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct FormatArgs {
    /// Text or JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

impl FormatArgs {
    pub(crate) fn is_json(self) -> bool {
        self.format == Format::Json
    }
}

/// What a run is compared with.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct AgainstArgs {
    /// Baseline to compare with, by name or folder [default: the suite's `gate.baseline`]
    #[arg(long, value_name = "NAME|DIR")]
    pub(crate) baseline: Option<String>,
    /// First run: there is no baseline yet, and that is not an error
    #[arg(long, conflicts_with = "require_baseline")]
    pub(crate) new_baseline: bool,
    /// Former name of the suite, if the baseline was made under it
    #[arg(long, value_name = "NAME")]
    pub(crate) baseline_suite: Option<String>,
}

/// Which part of the suite.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct SelectionArgs {
    /// Only these prompts
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub(crate) prompt: Vec<String>,
    /// Only these models
    #[arg(long, value_name = "NAME", num_args = 1..)]
    pub(crate) model: Vec<String>,
    /// Only the first N items
    #[arg(long, value_name = "N", value_parser = some)]
    pub(crate) limit: Option<u64>,
    /// Request N answers per item [default: the suite's `epochs`]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) epochs: Option<u32>,
    /// At most N concurrent requests, for every model
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub(crate) concurrency: Option<u32>,
}

/// What may be spent.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct BudgetArgs {
    /// Stop before spending more than this many US dollars; the run can be resumed
    #[arg(long, value_name = "USD", value_parser = dollars)]
    pub(crate) max_cost: Option<f64>,
    /// Stop before using more than N tokens, prompts and answers combined
    #[arg(long, value_name = "N")]
    pub(crate) max_tokens: Option<u64>,
}

impl BudgetArgs {
    /// As the engine takes it.
    pub(crate) fn limits(self) -> BudgetLimits {
        BudgetLimits { max_cost_usd: self.max_cost, max_tokens: self.max_tokens }
    }
}

/// How many of something, of which there is at least one.
pub(crate) fn some(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(0) => Err("nothing would be left; write how many, at least 1".to_owned()),
        Ok(n) => Ok(n),
        Err(_) => Err("write a whole number".to_owned()),
    }
}

fn dollars(text: &str) -> Result<f64, String> {
    match text.trim_start_matches('$').parse::<f64>() {
        Ok(usd) if usd.is_finite() && usd >= 0.0 => Ok(usd),
        _ => Err("write an amount of US dollars, such as 2.50".to_owned()),
    }
}

/// Where answers are kept.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct CacheArgs {
    /// Do not share answers with other runs
    #[arg(long)]
    pub(crate) no_cache: bool,
    /// Folder of the shared answer cache [default: the user's cache folder]
    #[arg(long, value_name = "DIR", env = "EVALMARK_CACHE_DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
}

/// What a suite may do beside asking models.
#[derive(Clone, Copy, Debug, Default, Args)]
pub(crate) struct ExecArgs {
    /// Let the suite run programs: `command` metrics and `api_key_command`
    #[arg(long)]
    pub(crate) allow_exec: bool,
}

/// How results are told.
#[derive(Clone, Copy, Debug, Args)]
pub(crate) struct OutputArgs {
    /// Format of the results on stdout
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Print results only: no progress, no remarks
    #[arg(long, short)]
    pub(crate) quiet: bool,
}
