//! The evaluation engine as a library: from a suite to answers, scores and a verdict.
//!
//! Begin with [`load`], which reads a suite, then [`Run`]: it is begun, resumed or scored again, and
//! [`Run::finish`] carries it out. `run.rs` is the whole flow in one function: `run/answer.rs` asks
//! (`ask.rs`) and scores (`score_samples.rs`) at the same time where that can be, `run/verdict.rs` gates, and
//! `run/html_page.rs` writes the page. [`gate()`] and [`compare()`] decide about runs that have ended,
//! [`history()`] follows a suite's scores over its runs, [`calibrate()`] measures its noise, [`plan()`] says what a run would ask and could detect.
//! `examples/verdict.rs` runs a suite and reads its verdict.
//!
//! Each returns data. What happens meanwhile is told as a [`Notice`]; what could not be done is a
//! [`RunError`], which carries the error of the operation that failed: a small enum beside it; how a command ends is an [`Ending`], which follows from [`Findings`] in one function.
//! What the engine needs from outside is in its [`Host`]: keys, permissions, a cache folder.
//!
//! What it deliberately does not do: it prints nothing, reads no environment variable, parses no
//! arguments and never ends the process. It decides no statistics: those are the verdict crate's.
//!
//! It owns no file: what a run leaves is laid out by the store crate and written by the report crate.

mod across_suites;
mod affected;
mod against;
mod all_cores;
mod answer_amounts;
mod ask;
mod audit;
mod bisect;
mod budget_limits;
mod calibrate;
mod canary;
mod checked_suite;
mod collect_answers;
mod corpus_metric;
mod dataset;
mod diff;
mod early;
mod ending;
mod error;
mod export;
mod feedback;
mod file_watch;
mod first_suite;
mod gate;
mod history;
mod host;
mod import_results;
mod judge_agreement;
mod judge_check;
mod judges;
mod kept_answers;
mod key_command;
mod leaderboard;
mod listed_runs;
mod load;
mod log_cases;
mod metric_scale;
mod model_keys;
mod monitor;
mod named_baselines;
mod named_thread;
mod notice;
mod outside_access;
mod parallel_asks;
mod permissions;
mod plan;
mod planned_comparisons;
mod power_plan;
mod prices;
mod probe;
mod programs;
mod promote;
mod prompts;
mod provider_list;
mod pruned_answers;
mod receiver_secrets;
mod records;
pub mod redacted_keys;
mod releases;
mod reorder;
mod report;
pub mod resolvable_margins;
mod revisions;
mod run;
mod run_id;
mod scaled_suite;
mod score_rows;
mod score_samples;
mod secrets;
mod shared_ledger;
mod source_keys;
mod source_places;
mod suite_of_run;
mod suites_json;
mod summary;
mod target_check;
mod token_count;
mod token_estimate;
mod told_receivers;
mod told_releases;
mod tried_forms;
mod unknown_name;
mod variants;

pub use evalmark_store::run_record::RunOptions;
pub use evalmark_verdict::PairCounts;

pub use self::{
    across_suites::{
        EndedSuite, Excused, OverSuites, adjust_over_suites, ending_of_suites, gate_report,
    },
    affected::{
        AffectedOptions, AffectedReason, AffectedSuite, AffectedSuites, affected_document,
        affected_suites,
    },
    against::UngatedSuite,
    audit::{
        AuditExport, Auditor, CheckpointError, CheckpointOptions, NotAudited, SignedCheckpoint,
        VerifiedAudit, VerifyAuditOptions, audit_csv, audit_document, audit_json_lines,
        audit_report_document, sign_checkpoint, verify_audit,
    },
    bisect::{
        BisectError, BisectLook, BisectOptions, BisectStatus, Bisected, bisect, bisect_document,
        ending_of_bisect,
    },
    budget_limits::{BudgetLimits, UnknownPrice},
    calibrate::{CalibrateError, CalibrateOptions, CalibratedSuite, CalibrationEnd, calibrate},
    canary::{
        CanaryClock, CanaryEnd, CanaryError, CanaryLook, CanaryOptions, SystemClock,
        canary_document, canary_look, repeat_looks,
    },
    checked_suite::CheckedSuite,
    collect_answers::ShorterDataset,
    dataset::{
        ChangedRow, ClassCount, ColumnDescription, ConvertOptions, DatasetChanges,
        DatasetDescription, DatasetFlaw, DatasetFlaws, DatasetOptions, DatasetOutputError,
        DatasetUseError, DedupeOptions, Deduped, DivideOptions, DividedPart, DoubtedItem,
        DroppedItem, FlawKind, LabelDoubts, LabelDoubtsError, Lengths, NEAR, TooAlike,
        ValidateOptions, WrittenRows, compare_datasets, convert_dataset, dedupe_dataset,
        describe_dataset, divide_dataset, label_doubts, validate_dataset,
    },
    diff::{
        DiffOptions, DiffedPair, DiffedRun, IncomparableMetric, RunDiff, ScoreChange, VariantName,
        diff,
    },
    early::OtherItems,
    ending::{Ending, Findings},
    error::{Advised, Hinted, RunError},
    export::{ConflictingAnswers, ExportedAnswers, WriteAnswer, export_answers},
    feedback::{
        CompareFeedbackOptions, ExposureCounts, FeedbackComparison, FeedbackEstimate,
        FeedbackImport, FeedbackStatus, FeedbackStatusOptions, FeedbackUseError, FeedbackVariant,
        ImportedFeedback, JoinDoubts, JoinedTo, SignalStatus, UncountedFeedback, compare_feedback,
        ending_of_feedback, feedback_status,
    },
    file_watch::{FileWatch, files_of_suite},
    first_suite::{
        AddedRecipe, CiService, DatasetLook, FileOutcome, FirstProvider, FirstSuite,
        FirstSuiteError, FirstSuiteOptions, Guess, WrittenFile, add_recipe, create_first_suite,
        first_providers, look_at_dataset, suite_schema, write_imported_suites,
    },
    gate::{
        Between, BetweenError, EndedRunGate, GateOf, GateOptions, GateOutcome, NoUsage, compare,
        compare_runs, gate,
    },
    history::{
        HistoryError, HistoryOptions, ending_of_history, history, history_of_runs, suite_name,
    },
    host::Host,
    import_results::{
        GatedResults, ImportOptions, ImportedGate, ImportedRun, NoResults, OtherTask, gate_results,
        import_results,
    },
    judge_check::{
        Corrected, ENOUGH_LABELS, FewerScores, JudgeFinding, JudgedMetricError, LabelSourceError,
        NoLabelledScore, judge_check,
    },
    kept_answers::{AnswerKey, KeptAnswer, KeptAnswers, kept_answers},
    key_command::KeyCommandError,
    leaderboard::{Board, BoardPair, BoardPlace, LeaderboardGroups, boards, leaderboard_groups},
    listed_runs::runs_document,
    load::{LoadError, LoadedSuite, each_once, load, load_all},
    log_cases::{
        CasesFromLogs, FreezeOptions, FromLogsOptions, Frozen, LogCasesError, Picked, PickedKind,
        Quota, cases_from_logs, freeze,
    },
    metric_scale::KeptMetricError,
    model_keys::MissingKey,
    monitor::{
        DriftTest, Monitor, MonitorDay, MonitorEnd, MonitorError, MonitorFigures, MonitorOptions,
        MonitorReference, MonitorRestartOptions, MonitorStatus, MonitorStatusOptions,
        MonitoredMetric, day_name, ending_of_monitor, ending_of_reading, monitor_document,
        monitor_restart, monitor_status, reading_document,
    },
    named_baselines::{
        BaselineMean, baseline_document, baseline_means, broken_in_full, named_baselines,
    },
    notice::{AskTag, Asking, Notice, NoticeLevel, Notices},
    outside_access::reach,
    permissions::{Permissions, RefusedKeys},
    plan::{ModelEstimate, PlanOptions, RunPlan, plan},
    planned_comparisons::{NamedBaseline, PlannedComparison},
    power_plan::{DISCORDANCE, PowerEstimate, PowerSource},
    prices::{ListedPrice, ModelPrice, PriceSource, SuitePrices, list_prices, suite_prices},
    probe::{
        ProbeOptions, ProbeOutcome, ProbedModel, answered_by, ending_of_probe, probe,
        probe_document,
    },
    programs::RefusedProgram,
    promote::{PromoteOptions, PromotedRun, promote},
    prompts::{
        BlamedFile, BlamedText, DiffedText, FillOptions, KnownRun, KnownScore, LintOptions,
        LogEntry, LogOptions, NamedValue, NewPromptError, PromptChange, PromptDiff,
        PromptFileError, PromptLog, PromptVersion, RenderPromptError, RenderedPrompt, RestoreError,
        RestoredPrompt, VersionError, blame_document, diff_document, library_commit,
        library_document, lint_prompts, log_document, new_prompt, open_library, prompt_blame,
        prompt_diff, prompt_document, prompt_file, prompt_log, prompt_rollback, prompt_tokens,
        render_prompt, rendered_document, rollback_document, write_prompt_file,
    },
    provider_list::{listed_providers, provider_yaml, providers_document, supported},
    pruned_answers::{check_kept_endpoint, moment_ago},
    receiver_secrets::RefusedReceivers,
    records::RecordedSamplesError,
    releases::{
        ApproveOptions, ApprovedRelease, EnvironmentStatus, ExportFormat, ExportedFile,
        ExportedRelease, PromoteReleaseOptions, PromotedRelease, PromptStatus, ProposeOptions,
        ProposedRelease, RefusedRelease, ReleaseContextError, ReleaseExportError, ReleaseKeyError,
        ReleaseRule, Releases, ReleasesOptions, RollbackError, RollbackOptions, RolledBack,
        UnmetRule, VerifiedReleases, WorkingTree, approve_release, approved_document,
        export_release, promote_release, promoted_document, propose_release, proposed_document,
        refusal_document, release_status, roll_back, rolled_back_document, status_document,
        told_age, verified_document, verify_releases, write_exported,
    },
    report::{ReportOptions, report},
    revisions::{RevisionError, named_commit, state_at},
    run::{
        AgainstOptions, CutOffRemark, EndedRun, OtherExperiment, PreparedRun, ProgramChanged,
        ResumeOptions, Run, RunEnd, cut_off_remarks,
    },
    scaled_suite::ScaledSuite,
    secrets::Secrets,
    shared_ledger::{CacheFolderError, cache_document, shared_ledger_path},
    source_keys::NamedServerKeys,
    suite_of_run::AnotherSuite,
    suites_json::suites_json,
    target_check::UnusableTargets,
    token_count::TokenCount,
    told_receivers::{
        QueuedMessages, RunReceivers, ended_run, queue_alarms, queue_for, queue_messages,
        run_message,
    },
    told_releases::{queue_release, release_receivers},
    unknown_name::UnknownName,
    variants::{ReadRowsError, read_variants},
};
