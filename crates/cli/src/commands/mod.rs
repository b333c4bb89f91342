//! One file per command: its arguments and its flow, and little else.

mod affected;
mod audit;
mod baseline;
mod bisect;
mod cache;
mod calibrate;
mod canary;
mod check;
mod compare;
mod completions;
mod dataset;
mod dataset_cases;
mod diff;
mod export;
mod export_answers;
mod export_dashboards;
mod feedback;
mod gate;
mod import;
mod import_results;
mod import_suite;
mod init;
mod judge_check;
mod models;
mod monitor;
mod monitor_input;
mod monitor_metrics;
mod outbox;
mod plan;
mod prices;
mod prompt_registry;
mod prompts;
mod prompts_history;
mod release;
mod release_export;
mod release_push;
mod release_told;
mod report;
mod resume;
mod run;
mod run_against;
mod runs;
mod schema;
mod score;
mod show;
mod trend;
mod view;

use anyhow::Result;
use clap::Subcommand;
use evalmark_core::{policy::Policy, source::Sources};
use evalmark_runner::{Host, Notice, Notices, Permissions};

use crate::{
    environment::{Environment, auditor, cache_dir, named_cache_dir, now, program_variables},
    exit::Exit,
    notices::Terminal,
    print::Printer,
};

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Write a first suite for a dataset: every column guessed, every guess explained
    ///
    /// On a terminal it asks for what no option says; elsewhere it never asks. It writes `suites/NAME.yaml`
    /// with its prompt and the schema for editors, adds lines to `.gitignore`, and replaces nothing
    /// without `--force`: all of it, or nothing where the suite would not pass `evalmark check`.
    Init(init::InitArgs),
    /// Run suites: collect answers, score them, write reports, and gate if the suite has a gate
    #[command(override_usage = "evalmark run [OPTIONS] <SUITE>...")]
    Run(run::RunArgs),
    /// Finish an interrupted or partly failed run; requests only the missing answers
    Resume(resume::ResumeArgs),
    /// Score a run's answers again with the current suite; calls no model except judges
    Score(score::ScoreArgs),
    /// Compare a run with a baseline: verdict and exit code
    Gate(gate::GateArgs),
    /// Rank the prompts and models of one run, compare two of them, or compare two runs
    Compare(compare::CompareArgs),
    /// Look at datasets, find what is wrong with them, and write them anew
    Dataset(dataset::DatasetArgs),
    /// Show the items that two runs score differently: question, answers and target
    Diff(diff::DiffArgs),
    /// List the runs of a folder: how far they got, and what is wrong with them
    ///
    /// Of a finished run it checks that its files are there, that its summary, run values, confusions and
    /// verdict are its own, and that it lies in its suite's folder. Samples and scores are too large to be
    /// read for a list: `evalmark show` and `evalmark gate` check the scores, and whatever reads the samples
    /// checks those.
    Runs(runs::RunsArgs),
    /// Print the summary table of a run
    Show(show::ShowArgs),
    /// Follow a suite's scores over its runs: slope, changes, exit code
    Trend(trend::TrendArgs),
    /// Show the runs of a folder in a browser: local pages, for you alone
    View(view::ViewArgs),
    /// (Re)write report.html
    Report(report::ReportArgs),
    /// Validate suites and report every problem; makes no model calls
    Check(check::CheckArgs),
    /// Show what a run would request and cost, and the smallest drop it could detect
    Plan(plan::PlanArgs),
    /// Find the commit that made a suite's scores worse; commits that ask the same are run once
    Bisect(bisect::BisectArgs),
    /// List the suites that a change reaches: through a prompt, an included file, a dataset, labels, or whatever they read
    Affected(affected::AffectedArgs),
    /// List, show, fill in and check the prompts of the library, and follow them through git
    Prompts(prompts::PromptsArgs),
    /// Release prompts to environments on evidence: propose, promote, verify, take back
    Release(release::ReleaseArgs),
    /// Show what models cost: every list price, or the prices that count for a suite
    Prices(prices::PricesArgs),
    /// Measure a suite's noise by running it against itself, and the margins it can resolve
    #[command(override_usage = "evalmark calibrate [OPTIONS] <SUITE>")]
    Calibrate(calibrate::CalibrateArgs),
    /// Ask a small suite again and again, and notice when the model behind a name is swapped: exit code 1
    ///
    /// Every look asks anew, and is held against the released baseline. The chance of any false alarm in a
    /// year is that of `--alpha`, however often one looks. Looks are kept in `reports/SUITE/canary.json`.
    Canary(canary::CanaryArgs),
    /// Compare a judge with human labels: agreement, bias, and what they mean for verdicts
    JudgeCheck(judge_check::JudgeCheckArgs),
    /// List the providers that a suite can name, or ask each model of a suite once
    Models(models::ModelsArgs),
    /// Take in what users say of production's answers, estimate it, and compare two variants by it
    Feedback(feedback::FeedbackArgs),
    /// Score production logs with a suite's metrics, once or as they grow; `status` shows them by day
    ///
    /// Each line counts once, also where it is killed and started again: it goes on where it stopped, through files that
    /// are renamed, copied and cut, or packed. Numbers are kept of every record, and texts as the suite's `logs`
    /// section says, redacted.
    #[command(
        override_usage = "evalmark monitor [OPTIONS] <SUITE>\n       evalmark monitor status [OPTIONS] <SUITE>"
    )]
    Monitor(monitor::MonitorArgs),
    /// Manage baselines: named runs to compare with
    Baseline(baseline::BaselineArgs),
    /// Show, check and export the log of what was run, gated, overridden, released and pruned
    Audit(audit::AuditArgs),
    /// Inspect or prune the answers that runs share
    Cache(cache::CacheCommandArgs),
    /// Send a finished run to the receivers of its suite by hand; `grafana` and `prometheus-rules` write a dashboard and alerts
    #[command(
        override_usage = "evalmark export [OPTIONS] --to <NAME|KIND> <RUN_DIR>\n       evalmark export <grafana|prometheus-rules> [OPTIONS] <SUITE>"
    )]
    Export(export::ExportArgs),
    /// List and send what the receivers of runs are still to be told
    Outbox(outbox::OutboxArgs),
    /// Print the JSON Schema of a suite, or the columns of a report file
    Schema(schema::SchemaArgs),
    /// Export recorded answers as JSONL, for replay
    ExportAnswers(export_answers::ExportAnswersArgs),
    /// Bring in what other tools wrote: their results become runs, their configurations suites
    Import(import::ImportArgs),
    /// Generate a shell completion script
    Completions(completions::CompletionArgs),
}

impl Command {
    /// Whether results alone are wanted.
    pub(crate) fn is_quiet(&self) -> bool {
        match self {
            Self::Run(args) => args.output.quiet,
            Self::Resume(args) => args.output.quiet,
            Self::Score(args) => args.output.quiet,
            Self::Calibrate(args) => args.output.quiet,
            Self::Canary(args) => args.output.quiet,
            _ => false,
        }
    }

    /// Whether a dataset that is not on this machine is fetched: by what asks models, and where the
    /// user says so.
    fn may_fetch(&self) -> bool {
        match self {
            Self::Run(_)
            | Self::Bisect(_)
            | Self::Resume(_)
            | Self::Calibrate(_)
            | Self::Canary(_)
            | Self::Models(_) => true,
            Self::Check(args) => args.fetch,
            _ => false,
        }
    }

    /// Which verdicts fail it.
    fn policy(&self) -> Policy {
        match self {
            Self::Run(args) => args.policy.policy(),
            Self::Resume(args) => args.policy.policy(),
            Self::Score(args) => args.policy.policy(),
            Self::Gate(args) => {
                let is_overridden = args.override_reason.is_some();
                Policy { is_overridden, ..args.policy.policy() }
            }
            _ => Policy::default(),
        }
    }

    /// Whether metrics may run programs: where the user says so, and where a suite is only read.
    fn allow_exec(&self) -> bool {
        match self {
            Self::Run(args) => args.exec.allow_exec,
            Self::Bisect(args) => args.exec.allow_exec,
            Self::Resume(args) => args.exec.allow_exec,
            Self::Score(args) => args.exec.allow_exec,
            Self::JudgeCheck(args) => args.exec.allow_exec,
            Self::Monitor(args) => args.exec.allow_exec,
            Self::Calibrate(args) => args.exec.allow_exec,
            Self::Canary(args) => args.exec.allow_exec,
            Self::Models(args) => args.allow_exec(),
            Self::Check(_) => true,
            _ => false,
        }
    }
}

/// Carries a command out.
pub(crate) fn dispatch(
    command: Command,
    permissions: &Permissions,
    printer: Printer,
) -> Result<Exit> {
    let terminal = Terminal::new(printer, command.is_quiet());
    let hear = |notice: &Notice<'_>| terminal.hear(notice);
    let (cache_dir, program_variables) = (cache_dir(), program_variables());
    let snapshots_dir = named_cache_dir().or_else(|| cache_dir.clone());
    let audit = auditor();
    let host = &Host {
        notices: Notices::new(&hear),
        secrets: &Environment,
        permissions,
        policy: command.policy(),
        cache_dir: cache_dir.as_deref(),
        sources: Sources {
            kinds: evalmark_integrations::sources::catalog(),
            cache_dir: snapshots_dir.as_deref(),
            may_fetch: command.may_fetch(),
            ..Sources::NONE
        },
        receivers: evalmark_integrations::receivers::catalog(),
        allow_exec: command.allow_exec(),
        program_variables: &program_variables,
        audit: audit.as_ref(),
        clock: now,
    };
    match command {
        Command::Init(args) => init::init(&args, printer, host),
        Command::Run(args) => run::run(&args, printer, host),
        Command::Resume(args) => resume::resume(&args, printer, host),
        Command::Score(args) => score::score(&args, printer, host),
        Command::Gate(args) => gate::gate(&args, printer, host),
        Command::Compare(args) => compare::compare(&args, printer, host),
        Command::Dataset(args) => dataset::dataset(&args.command, printer, host),
        Command::Diff(args) => diff::diff(&args, printer, host),
        Command::Runs(args) => runs::runs(&args, printer),
        Command::Show(args) => show::show(&args, printer),
        Command::Trend(args) => trend::trend(&args, printer, host),
        Command::View(args) => view::view(&args, printer, permissions),
        Command::Report(args) => report::report(&args, printer, host),
        Command::Check(args) => check::check(&args, printer, host),
        Command::Plan(args) => plan::plan(&args, printer, host),
        Command::Bisect(args) => bisect::bisect(&args, printer, host),
        Command::Affected(args) => affected::affected(&args, printer, host),
        Command::Prompts(args) => prompts::prompts(&args.command, printer, host),
        Command::Release(args) => release::release(&args.command, printer, host),
        Command::Prices(args) => prices::prices(&args, printer, host),
        Command::Calibrate(args) => calibrate::calibrate(&args, printer, host),
        Command::Canary(args) => canary::canary(&args, printer, host),
        Command::Feedback(args) => feedback::feedback(&args, printer, host),
        Command::Monitor(args) => monitor::monitor(&args, printer, host),
        Command::Models(args) => models::models(&args, printer, host),
        Command::Baseline(args) => baseline::baseline(&args, printer),
        Command::JudgeCheck(args) => judge_check::judge_check(&args, printer, host),
        Command::Import(args) => import::import(&args, printer, host),
        Command::Audit(args) => audit::audit(&args.command, printer, host),
        Command::Cache(args) => cache::cache(&args.command, printer, host),
        Command::Schema(args) => schema::schema(&args, printer, host),
        Command::Export(args) => export::export(&args, printer, host),
        Command::Outbox(args) => outbox::outbox(&args, printer, host),
        Command::ExportAnswers(args) => export_answers::export(&args, printer, host),
        Command::Completions(args) => Ok(completions::completions(&args, printer)),
    }
}
