//! What can be typed: the commands and their options.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Evaluate prompts like code: run variants against labelled data, score, compare, gate.
#[derive(Debug, Parser)]
#[command(name = "evalmark", version, max_term_width = 100)]
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

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run suites: collect answers, score them, write reports, and gate if the suite has a gate
    #[command(override_usage = "evalmark run [OPTIONS] <SUITE>...")]
    Run(RunArgs),
    /// Finish an interrupted or partly failed run; requests only the missing answers
    Resume(ResumeArgs),
    /// Score a run's answers again with the current suite; calls no model except judges
    Score(ScoreArgs),
    /// Compare a run with a baseline: verdict and exit code
    Gate(GateArgs),
    /// Rank the prompts and models of one run, or compare two of them
    Compare(CompareArgs),
    /// Print the summary table of a run
    Show(ShowArgs),
    /// (Re)write report.html
    Report(ReportArgs),
    /// Validate suites and report every problem; makes no model calls
    Check(CheckArgs),
    /// Show what a run would request and cost, and the smallest drop it could detect
    Plan(PlanArgs),
    /// Measure a suite's noise by running it against itself, and the margins it can resolve
    #[command(override_usage = "evalmark calibrate [OPTIONS] <SUITE>")]
    Calibrate(CalibrateArgs),
    /// Compare a judge with human labels: agreement, bias, and what they mean for verdicts
    JudgeCheck(JudgeCheckArgs),
    /// Manage baselines: named runs to compare with
    Baseline(BaselineArgs),
    /// Inspect or prune the answers that runs share
    Cache(CacheCommandArgs),
    /// Print the JSON Schema of a suite, or the columns of a report file
    Schema(SchemaArgs),
    /// Export recorded answers as JSONL, for replay
    ExportAnswers(ExportArgs),
    /// Generate a shell completion script
    Completions(CompletionArgs),
}

impl Command {
    /// Whether results alone are wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        match self {
            Self::Run(args) => args.output.quiet,
            Self::Resume(args) => args.output.quiet,
            Self::Score(args) => args.output.quiet,
            Self::Calibrate(args) => args.output.quiet,
            _ => false,
        }
    }
}

/// Text for people or JSON for programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    Text,
    Json,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Suite files (YAML)
    #[arg(required = true, value_name = "SUITE")]
    pub(crate) suites: Vec<PathBuf>,
    /// Folder for run folders and baselines
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) out: PathBuf,
    /// Name of the run's folder [default: the time and a few digits]
    #[arg(long, value_name = "ID")]
    pub(crate) run_id: Option<String>,
    #[command(flatten)]
    pub(crate) against: AgainstArgs,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
    #[command(flatten)]
    pub(crate) budget: BudgetArgs,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What a run is compared with.
#[derive(Clone, Debug, Default, Args)]
pub(crate) struct AgainstArgs {
    /// Baseline to compare with, by name or folder [default: the suite's `gate.baseline`]
    #[arg(long, value_name = "NAME|DIR")]
    pub(crate) baseline: Option<String>,
    /// First run: there is no baseline yet, and that is not an error
    #[arg(long)]
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
    #[arg(long, value_name = "N")]
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
    /// Allow the suite's `command` metrics to run programs
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

#[derive(Debug, Args)]
pub(crate) struct ResumeArgs {
    /// Run folder
    #[arg(value_name = "RUN_DIR")]
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) against: AgainstArgs,
    #[command(flatten)]
    pub(crate) budget: BudgetArgs,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ScoreArgs {
    /// Run folder
    #[arg(value_name = "RUN_DIR")]
    pub(crate) run: PathBuf,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// Forms of a verdict.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum VerdictFormat {
    Text,
    Json,
    Markdown,
    Junit,
    Github,
}

#[derive(Debug, Args)]
pub(crate) struct GateArgs {
    /// Run folder
    #[arg(value_name = "RUN_DIR")]
    pub(crate) run: PathBuf,
    /// Baseline to compare with, by name or folder
    #[arg(long, value_name = "NAME|DIR")]
    pub(crate) baseline: String,
    /// There may be no baseline yet; if there is none, only the minima are checked
    #[arg(long)]
    pub(crate) new_baseline: bool,
    /// Former name of the suite, if the baseline was made under it
    #[arg(long, value_name = "NAME")]
    pub(crate) baseline_suite: Option<String>,
    /// Gate an unfinished run on the scores it has
    #[arg(long)]
    pub(crate) as_it_is: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = VerdictFormat::Text)]
    pub(crate) format: VerdictFormat,
    /// Write the verdict to a file instead of stdout
    #[arg(long, value_name = "FILE")]
    pub(crate) output: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// Run folder
    #[arg(value_name = "RUN_DIR")]
    pub(crate) run: PathBuf,
    /// Two prompts, or two models, of the run: the first is the baseline [default: all of them, as
    /// a leaderboard]
    #[arg(long, num_args = 2, value_names = ["A", "B"])]
    pub(crate) between: Vec<String>,
    /// Output format; a leaderboard is text or JSON
    #[arg(long, value_enum, default_value_t = VerdictFormat::Text)]
    pub(crate) format: VerdictFormat,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    /// Run folder
    #[arg(value_name = "RUN_DIR")]
    pub(crate) run: PathBuf,
    /// Text or JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct ReportArgs {
    /// Run folder
    #[arg(value_name = "RUN_DIR")]
    pub(crate) run: PathBuf,
    /// Baseline to compare with, by name or folder
    #[arg(long, value_name = "NAME|DIR")]
    pub(crate) baseline: Option<String>,
    /// Former name of the suite, if the baseline was made under it
    #[arg(long, value_name = "NAME")]
    pub(crate) baseline_suite: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// Print, as JSON, the hosts, environment variables, files and programs that the suites reach for
    #[arg(long)]
    pub(crate) permissions: bool,
    /// Suite files (YAML)
    #[arg(required = true, value_name = "SUITE")]
    pub(crate) suites: Vec<PathBuf>,
}

#[derive(Debug, Args)]
pub(crate) struct PlanArgs {
    /// Suite file (YAML)
    #[arg(value_name = "SUITE")]
    pub(crate) suite: PathBuf,
    /// Folder for run folders and baselines
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) out: PathBuf,
    /// Baseline to plan against, by name or folder [default: the suite's
    /// `gate.baseline`]
    #[arg(long, value_name = "NAME|DIR")]
    pub(crate) baseline: Option<String>,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    /// Text or JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct CalibrateArgs {
    /// Suite file (YAML)
    #[arg(value_name = "SUITE")]
    pub(crate) suite: PathBuf,
    /// Folder for run folders and calibrations
    #[arg(long, value_name = "DIR", default_value = "reports")]
    pub(crate) out: PathBuf,
    /// Name of the calibration's run folders: ID-a and ID-b, or ID if epochs are split in half;
    /// resumes a calibration of that name [default: the time and a few digits]
    #[arg(long, value_name = "ID")]
    pub(crate) run_id: Option<String>,
    #[command(flatten)]
    pub(crate) selection: SelectionArgs,
    #[command(flatten)]
    pub(crate) cache: CacheArgs,
    #[command(flatten)]
    pub(crate) exec: ExecArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

#[derive(Debug, Args)]
pub(crate) struct JudgeCheckArgs {
    /// Run folder
    #[arg(value_name = "RUN_DIR")]
    pub(crate) run: PathBuf,
    /// Human labels: a file, or a column of the dataset [default: the labels named in the suite]
    #[arg(long, value_name = "FILE|COLUMN")]
    pub(crate) labels: Option<String>,
    /// Metric to check [default: the only judged one]
    #[arg(long, value_name = "NAME")]
    pub(crate) metric: Option<String>,
    /// Text or JSON
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
}

#[derive(Debug, Args)]
pub(crate) struct BaselineArgs {
    #[command(subcommand)]
    pub(crate) command: BaselineCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum BaselineCommand {
    /// Make a finished run the baseline NAME of its suite
    Promote {
        /// Run folder
        #[arg(value_name = "RUN_DIR")]
        run: PathBuf,
        /// Name of the baseline
        name: String,
        /// Replace the baseline of that name
        #[arg(long)]
        force: bool,
    },
    /// List all baselines
    List {
        /// Folder for run folders and baselines
        #[arg(long, value_name = "DIR", default_value = "reports")]
        out: PathBuf,
    },
    /// Show a baseline: its origin and its means
    Show {
        /// Name of the baseline, or SUITE/NAME where several suites have one of that name
        name: String,
        /// Folder for run folders and baselines
        #[arg(long, value_name = "DIR", default_value = "reports")]
        out: PathBuf,
    },
}

#[derive(Debug, Args)]
pub(crate) struct CacheCommandArgs {
    #[command(subcommand)]
    pub(crate) command: CacheCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum CacheCommand {
    /// Show how many answers are kept, from which endpoints, and whether the file is intact
    Info {
        /// Folder of the shared answer cache [default: the user's cache folder]
        #[arg(long, value_name = "DIR", env = "EVALMARK_CACHE_DIR")]
        cache_dir: Option<PathBuf>,
        /// Text or JSON
        #[arg(long, value_enum, default_value_t = Format::Text)]
        format: Format,
    },
    /// Delete kept answers; they are requested again when needed
    Prune {
        /// Folder of the shared answer cache [default: the user's cache folder]
        #[arg(long, value_name = "DIR", env = "EVALMARK_CACHE_DIR")]
        cache_dir: Option<PathBuf>,
        /// Only answers older than this, such as 30d or 12h
        #[arg(long, value_name = "SPAN")]
        older_than: Option<String>,
        /// Only answers from this endpoint, as named by `cache info`
        #[arg(long, value_name = "KEY")]
        endpoint: Option<String>,
        /// All answers
        #[arg(long, conflicts_with_all = ["older_than", "endpoint"])]
        all: bool,
    },
}

/// What has a schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaOf {
    Suite,
    Samples,
    Scores,
    Summary,
    RunValues,
    Confusion,
    Verdict,
}

#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// What to describe
    #[arg(value_enum)]
    pub(crate) of: SchemaOf,
}

#[derive(Debug, Args)]
pub(crate) struct ExportArgs {
    /// Run folder
    #[arg(value_name = "RUN_DIR")]
    pub(crate) run: PathBuf,
    /// Only this model's answers
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
}

#[derive(Debug, Args)]
pub(crate) struct CompletionArgs {
    /// Shell
    #[arg(value_enum)]
    pub(crate) shell: clap_complete::Shell,
}
