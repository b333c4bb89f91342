//! The columns of a run folder's Parquet files: names, plain types, and what each one says.
//!
//! The writers take their columns from these tables, and so does `evalmark schema`, so that the
//! documentation cannot drift from the files.

use std::fmt;

/// The plain type of a column, readable by pandas, polars, DuckDB and Spark alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// UTF-8 text.
    Text,
    /// A list of texts.
    Texts,
    /// A list of doubles.
    Floats,
    /// A point in time, in microseconds, UTC.
    Time,
    /// A double.
    Float,
    /// A signed 64-bit integer.
    Int64,
    /// A signed 32-bit integer.
    Int32,
    /// True or false.
    Bool,
}

impl Kind {
    /// The type's name in documentation and messages.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Text => "string",
            Self::Texts => "list<string>",
            Self::Floats => "list<float64>",
            Self::Time => "timestamp[us, UTC]",
            Self::Float => "float64",
            Self::Int64 => "int64",
            Self::Int32 => "int32",
            Self::Bool => "bool",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One column of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name; `score.<metric>` and `slice.<column>` stand for one column each per metric and slice.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether it may be null.
    pub nullable: bool,
    /// What it says.
    pub says: &'static str,
}

/// The Parquet files of a run folder.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// `samples.parquet`.
    Samples,
    /// `scores.parquet`.
    Scores,
    /// `summary.parquet`.
    Summary,
    /// `run_values.parquet`.
    RunValues,
    /// `confusion.parquet`.
    Confusion,
    /// A segment in the folder of a suite's monitor.
    Records,
}

impl Table {
    /// The file's name in the run folder.
    pub fn file_name(self) -> &'static str {
        match self {
            Self::Samples => "samples.parquet",
            Self::Scores => "scores.parquet",
            Self::Summary => "summary.parquet",
            Self::RunValues => "run_values.parquet",
            Self::Confusion => "confusion.parquet",
            Self::Records => "monitor/NNNNNN.parquet",
        }
    }

    /// What one row is.
    pub fn row_is(self) -> &'static str {
        match self {
            Self::Samples => "a sample, sorted by prompt, model, item order and epoch",
            Self::Scores => "a metric's score of a sample, in the order of the samples",
            Self::Summary => "a prompt x model x metric, over all items or one slice of them",
            Self::RunValues => {
                "a value of the whole run, such as macro F1 or a class's recall, by prompt, model and \
                 metric; only where a metric has such values"
            }
            Self::Confusion => {
                "a class that was right x one that was predicted, by prompt, model and metric; only \
                 where a metric has classes"
            }
            Self::Records => "a record of production, in the order of the logs",
        }
    }

    /// Every column, in the file's order.
    pub fn columns(self) -> Vec<Column> {
        match self {
            Self::Samples => [&SAMPLES[..], &PER_METRIC_AND_SLICE[..], &[INPUT]].concat(),
            Self::Scores => SCORES.to_vec(),
            Self::Summary => SUMMARY.to_vec(),
            Self::RunValues => RUN_VALUES.to_vec(),
            Self::Confusion => CONFUSION.to_vec(),
            Self::Records => [&RECORDS[..], &PER_METRIC_AND_SLICE[..1], &[PER_CATEGORY]].concat(),
        }
    }
}

/// What comes before a metric's name in `samples.parquet`.
pub(crate) const SCORE_PREFIX: &str = "score.";
/// What comes before a watched category's name in a monitor's records.
pub(crate) const CATEGORY_PREFIX: &str = "category.";
/// What comes before a slice column's name in `samples.parquet`.
pub(crate) const SLICE_PREFIX: &str = "slice.";

const fn column(name: &'static str, kind: Kind, says: &'static str) -> Column {
    Column { name, kind, nullable: false, says }
}

const fn nullable(name: &'static str, kind: Kind, says: &'static str) -> Column {
    Column { name, kind, nullable: true, says }
}

/// The fixed columns of `samples.parquet`.
pub(crate) const SAMPLES: [Column; 28] = [
    column("run_id", Kind::Text, "the run"),
    column("suite", Kind::Text, "the suite's name"),
    column("item_id", Kind::Text, "the item's id"),
    column("item_hash", Kind::Text, "hash of the item's content, 32 hexadecimal digits"),
    column("prompt", Kind::Text, "the prompt's name"),
    column("prompt_hash", Kind::Text, "hash of the prompt's templates"),
    column("model", Kind::Text, "the model's name in the suite"),
    column("epoch", Kind::Int32, "repetition, from 0"),
    nullable("cluster", Kind::Text, "items that share it are not independent"),
    column("targets", Kind::Texts, "the right answers; empty where the suite names no target"),
    column("request", Kind::Text, "what was asked: model, messages and parameters as JSON"),
    nullable("output", Kind::Text, "the answer; null when the sample failed"),
    nullable(
        "finish_reason",
        Kind::Text,
        "why the answer ended: stop, length, content_filter, tool_calls, or the provider's own word",
    ),
    column("outcome", Kind::Text, "answered, refused, invalid or failed"),
    nullable("error_kind", Kind::Text, "the failure's class"),
    nullable("error", Kind::Text, "the failure, described"),
    column("attempts", Kind::Int32, "attempts made; 0 when nothing was asked"),
    column("cached", Kind::Bool, "whether the answer was there before this run began"),
    nullable("started_at", Kind::Time, "start of the attempt that ended the request"),
    column("queue_ms", Kind::Float, "waiting for a permit and for rate limits"),
    column("backoff_ms", Kind::Float, "waiting between attempts"),
    nullable("latency_ms", Kind::Float, "service time of the attempt that answered"),
    nullable("input_tokens", Kind::Int64, "tokens of the prompt, as the provider counted them"),
    nullable("output_tokens", Kind::Int64, "tokens of the answer, as the provider counted them"),
    nullable("cost_usd", Kind::Float, "US dollars, where price and tokens are known"),
    nullable(
        "details",
        Kind::Text,
        "what else the server told, as JSON: cached and reasoning tokens, the model that answered, \
         its own word for why the answer ended, reasoning, calls of tools, logprobs",
    ),
    nullable(
        "first_token_ms",
        Kind::Float,
        "when the answer's first token came, since the attempt began; only where it was streamed",
    ),
    nullable(
        "tokens_per_second",
        Kind::Float,
        "tokens of the answer over the time from the first one to the end; only where it was streamed",
    ),
];

/// The columns of `samples.parquet` of which there is one per metric, then one per slice.
const PER_METRIC_AND_SLICE: [Column; 2] = [
    nullable("score.<metric>", Kind::Float, "the metric's score; null means not scored, never 0"),
    nullable("slice.<column>", Kind::Text, "the item's value of a slice column"),
];

/// One for each category that is watched.
const PER_CATEGORY: Column = nullable(
    "category.<name>",
    Kind::Text,
    "the record's value of a category that the suite watches",
);

/// The last column of `samples.parquet`.
pub(crate) const INPUT: Column = nullable(
    "input",
    Kind::Text,
    "the item's fields as JSON, with their numbers as they stand in the dataset",
);

/// The columns of `scores.parquet`.
pub(crate) const SCORES: [Column; 20] = [
    column("run_id", Kind::Text, "the run"),
    column("item_id", Kind::Text, "the item's id"),
    column("prompt", Kind::Text, "the prompt's name"),
    column("model", Kind::Text, "the model's name in the suite"),
    column("epoch", Kind::Int32, "repetition, from 0"),
    column("metric", Kind::Text, "the metric's name"),
    nullable("score", Kind::Float, "the score; null means not scored, never 0"),
    nullable("passed", Kind::Bool, "whether the score reaches the metric's threshold"),
    nullable("reason", Kind::Text, "why, if the number alone does not say"),
    nullable("judge_model", Kind::Text, "the judge's name in the suite"),
    nullable("judge_output", Kind::Text, "what the judge wrote"),
    nullable("judge_tokens", Kind::Int64, "the judge's tokens, in and out"),
    nullable("judge_cost_usd", Kind::Float, "US dollars for the judge, where known"),
    column("item_hash", Kind::Text, "hash of the item's content, 32 hexadecimal digits"),
    nullable("cluster", Kind::Text, "items that share it are not independent"),
    column("invalid", Kind::Bool, "nothing could be extracted from the answer"),
    nullable("label", Kind::Float, "what people say the answer is worth, where they were asked"),
    nullable("counts", Kind::Floats, "what the answer adds to a value of the whole run"),
    column("suite", Kind::Text, "the suite's name"),
    column(
        "applies",
        Kind::Bool,
        "whether the metric concerns the item; otherwise no score is missing",
    ),
];

/// The columns of a baseline's `usage.parquet`, all of them columns of `samples.parquet`.
pub(crate) const USAGE: [Column; 11] = [
    of_samples("item_id"),
    of_samples("item_hash"),
    of_samples("prompt"),
    of_samples("model"),
    of_samples("epoch"),
    of_samples("cluster"),
    of_samples("latency_ms"),
    of_samples("output_tokens"),
    of_samples("cost_usd"),
    of_samples("first_token_ms"),
    of_samples("tokens_per_second"),
];

/// The columns of a baseline's `answers.parquet`, all of them columns of `samples.parquet`.
pub(crate) const ANSWERS: [Column; 7] = [
    of_samples("item_id"),
    of_samples("item_hash"),
    of_samples("prompt"),
    of_samples("model"),
    of_samples("epoch"),
    of_samples("outcome"),
    of_samples("output"),
];

/// The column of `samples.parquet` with this name.
const fn of_samples(name: &str) -> Column {
    let mut i = 0;
    while !is_same(SAMPLES[i].name, name) {
        i += 1;
    }
    SAMPLES[i]
}

/// Whether two texts are the same, at compile time.
const fn is_same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let mut i = 0;
    while i < a.len() && i < b.len() && a[i] == b[i] {
        i += 1;
    }
    i == a.len() && i == b.len()
}

/// The columns of `summary.parquet`.
pub(crate) const SUMMARY: [Column; 41] = [
    column("prompt", Kind::Text, "the prompt's name"),
    column("model", Kind::Text, "the model's name in the suite"),
    column("metric", Kind::Text, "the metric's name"),
    nullable("slice", Kind::Text, "the slice column; null for the row over all items"),
    nullable("slice_value", Kind::Text, "its value; null where the cell is empty"),
    column("n_planned", Kind::Int64, "samples planned"),
    column("n_scored", Kind::Int64, "samples with a score"),
    column("n_missing", Kind::Int64, "samples without one"),
    nullable("mean", Kind::Float, "the mean of the scores, or else the `value` of the whole run"),
    nullable("stderr", Kind::Float, "its standard error"),
    nullable("ci_low", Kind::Float, "lower end of its interval"),
    nullable("ci_high", Kind::Float, "upper end of its interval"),
    nullable("ci_method", Kind::Text, "how the interval was made"),
    nullable(
        "latency_p50_ms",
        Kind::Float,
        "median service time of the row's prompt, model and slice: the same for every metric",
    ),
    nullable(
        "latency_p95_ms",
        Kind::Float,
        "95th percentile of the service time, the same for every metric",
    ),
    nullable(
        "input_tokens",
        Kind::Int64,
        "tokens of the prompts, the same for every metric: sum `sum_input_tokens` instead",
    ),
    nullable(
        "output_tokens",
        Kind::Int64,
        "tokens of the answers, the same for every metric: sum `sum_output_tokens` instead",
    ),
    nullable(
        "cost_usd",
        Kind::Float,
        "US dollars, where known, the same for every metric: sum `sum_cost_usd` instead",
    ),
    nullable("n_items", Kind::Int64, "items behind the estimate"),
    nullable("k", Kind::Int64, "attempts at each item, where there are several"),
    nullable("pass_at_k", Kind::Float, "chance that at least one of k attempts passes"),
    nullable("pass_at_k_low", Kind::Float, "lower end of its interval"),
    nullable("pass_at_k_high", Kind::Float, "upper end of its interval"),
    nullable("pass_hat_k", Kind::Float, "chance that all of k attempts pass"),
    nullable("pass_hat_k_low", Kind::Float, "lower end of its interval"),
    nullable("pass_hat_k_high", Kind::Float, "upper end of its interval"),
    nullable(
        "value",
        Kind::Text,
        "which value of the whole run `mean` is; null for a mean of scores",
    ),
    nullable("range", Kind::Text, "where it lies: binary, unit, signed, hundred or open"),
    nullable("better", Kind::Text, "which values are better: higher or lower"),
    nullable("run_id", Kind::Text, "the run"),
    nullable("suite", Kind::Text, "the suite's name"),
    nullable("statistic", Kind::Text, "what `estimate` is: `mean`, or a value of the whole run"),
    nullable("estimate", Kind::Float, "the same as `mean`, under the name that it has elsewhere"),
    nullable(
        "sum_samples",
        Kind::Int64,
        "samples planned, in one row of each prompt and model: these sum to those of the run",
    ),
    nullable("sum_input_tokens", Kind::Int64, "tokens of the prompts, in that row alone"),
    nullable("sum_output_tokens", Kind::Int64, "tokens of the answers, in that row alone"),
    nullable("sum_cost_usd", Kind::Float, "US dollars, in that row alone"),
    nullable(
        "first_token_p50_ms",
        Kind::Float,
        "median time to the first token, where answers were streamed; the same for every metric",
    ),
    nullable("first_token_p95_ms", Kind::Float, "95th percentile of that time"),
    nullable(
        "tokens_per_second_p50",
        Kind::Float,
        "median of the tokens a second after the first one, the same for every metric",
    ),
    nullable(
        "tokens_per_second_p95",
        Kind::Float,
        "95th percentile of the tokens a second: 19 of 20 answers were no faster",
    ),
];

/// The columns of `run_values.parquet`.
pub(crate) const RUN_VALUES: [Column; 14] = [
    column("prompt", Kind::Text, "the prompt's name"),
    column("model", Kind::Text, "the model's name in the suite"),
    column("metric", Kind::Text, "the metric's name"),
    column("value", Kind::Text, "which value of the whole run"),
    nullable("class", Kind::Text, "the class that it is about; null for a value over all"),
    nullable("estimate", Kind::Float, "the value; null where it is not defined"),
    nullable("stderr", Kind::Float, "its standard error, by the jackknife"),
    nullable("ci_low", Kind::Float, "lower end of its 95 % interval"),
    nullable("ci_high", Kind::Float, "upper end of its interval"),
    nullable("ci_method", Kind::Text, "how the interval was made"),
    nullable("n_items", Kind::Int64, "items behind the value"),
    nullable("run_id", Kind::Text, "the run"),
    nullable("suite", Kind::Text, "the suite's name"),
    nullable("statistic", Kind::Text, "the same as `value`: what `estimate` is"),
];

/// The columns of `confusion.parquet`.
pub(crate) const CONFUSION: [Column; 8] = [
    column("prompt", Kind::Text, "the prompt's name"),
    column("model", Kind::Text, "the model's name in the suite"),
    column("metric", Kind::Text, "the metric's name"),
    column("target", Kind::Text, "the class that was right"),
    nullable("predicted", Kind::Text, "the class that was predicted; null for invalid answers"),
    column("count", Kind::Int64, "how many answers"),
    nullable("run_id", Kind::Text, "the run"),
    nullable("suite", Kind::Text, "the suite's name"),
];

/// The fixed columns of a monitor's segments.
pub(crate) const RECORDS: [Column; 25] = [
    column("record_id", Kind::Text, "the record's id, or a hash of its line"),
    nullable("at", Kind::Time, "when it was answered"),
    column("file", Kind::Text, "the file that it stands in"),
    column("line", Kind::Int64, "its line there, from 1"),
    nullable("prompt", Kind::Text, "the prompt's name"),
    nullable("prompt_hash", Kind::Text, "the prompt's hash as it was served"),
    nullable("model", Kind::Text, "the model as it was served"),
    nullable("cluster", Kind::Text, "records that share it are not independent"),
    column("outcome", Kind::Text, "answered, refused, invalid or failed"),
    nullable("finish_reason", Kind::Text, "why the answer ended"),
    nullable("error", Kind::Text, "why there is no answer, redacted"),
    nullable("latency_ms", Kind::Float, "how long the answer took"),
    nullable("input_tokens", Kind::Int64, "tokens of the prompt"),
    nullable("output_tokens", Kind::Int64, "tokens of the answer"),
    nullable("cost_usd", Kind::Float, "US dollars"),
    column("output_chars", Kind::Int64, "characters of the answer"),
    nullable("input_chars", Kind::Int64, "characters of the variables"),
    nullable(
        "language",
        Kind::Text,
        "the language of what the suite watches (ISO 639-3), or `und` where it cannot be told",
    ),
    nullable(
        "embedding",
        Kind::Text,
        "the vector of what the suite watches, as base64 of 32-bit floats; only where a model was asked for it",
    ),
    column("missing", Kind::Texts, "fields and variables that the suite names and the line lacks"),
    column("sampled", Kind::Bool, "whether its texts are kept"),
    column("sample_rate", Kind::Float, "how probable that was"),
    nullable("output", Kind::Text, "the answer, redacted; only where it is sampled"),
    nullable("input", Kind::Text, "the variables as JSON, redacted; only where it is sampled"),
    column("targets", Kind::Texts, "the right answers, redacted; only where it is sampled"),
];
