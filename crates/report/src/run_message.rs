//! What is told about one run, as plain data: receivers of every kind make their own form of it.

use evalmark_core::{
    comparison_text::ComparisonText,
    number_format::{self, count},
    receiver::Occasion,
    verdict::{Comparison, Measure},
};
use serde::{Deserialize, Serialize};

use crate::{
    gate_report::{GateReport, ReportedSuite},
    open_metrics::{measure_name, open_metrics},
    release_message::MessageRelease,
    safe_text::printable_line,
    summary::SummaryRow,
};

/// Comparisons and scores that a message holds at most, each.
const MOST_FIGURES: usize = 200;

/// Characters of a text at most.
const MOST_LETTERS: usize = 1_000;

/// What is told about one run. No text in it holds line breaks or characters that act; what acts in a product's own markup
/// is for whoever speaks its language to neutralise.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct RunMessage {
    /// What happened.
    #[serde(default)]
    pub event: MessageEvent,
    /// The suite; of a release: the environment.
    pub suite: String,
    /// The run; of an alarm: its stream and day; of a release: its number.
    pub run_id: String,
    /// The answer in a word: `regressed`, `pass`, `not gated`, `drift` …
    pub answer: String,
    /// The answer in a sentence.
    pub says: String,
    /// Whether the command fails on it.
    pub fails: bool,
    /// What the run was compared with, where it was.
    pub baseline: Option<String>,
    /// Who passed the verdict over and why, where somebody did.
    pub overridden: Option<String>,
    /// When the run, or the drift, began: RFC 3339, UTC.
    pub started_at: String,
    /// The commit that was evaluated, where there is one.
    pub commit: Option<String>,
    /// Where people see more: an address over http or https.
    pub link: Option<String>,
    /// The comparisons, those that do not pass first.
    pub comparisons: Vec<MessageComparison>,
    /// How many more there are.
    pub n_more_comparisons: u64,
    /// The scores of the whole run.
    pub scores: Vec<MessageScore>,
    /// The figures of the verdict as `OpenMetrics` text.
    pub open_metrics: String,
    /// What each prompt cost and took with each model.
    #[serde(default)]
    pub variants: Vec<MessageVariant>,
    /// Samples by how they ended; `None` where the run's record cannot be read.
    #[serde(default)]
    pub samples: Option<MessageSamples>,
    /// What was released, where the message is about that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub release: Option<MessageRelease>,
}

/// Samples of a run by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct MessageSamples {
    /// Those with an answer that could be scored.
    pub answered: u64,
    /// Those that the model refused to answer.
    pub refused: u64,
    /// Those from whose answer nothing could be extracted.
    pub invalid: u64,
    /// Those without an answer.
    pub failed: u64,
}

/// What one prompt cost and took with one model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MessageVariant {
    /// Which prompt.
    pub prompt: String,
    /// Which model.
    pub model: String,
    /// Median service time, milliseconds.
    pub latency_p50_ms: Option<f64>,
    /// 95th percentile of the service time, milliseconds.
    pub latency_p95_ms: Option<f64>,
    /// Tokens of the requests, where the provider counted them.
    pub input_tokens: Option<u64>,
    /// Tokens of the answers, where the provider counted them.
    pub output_tokens: Option<u64>,
    /// US dollars, where known.
    pub cost_usd: Option<f64>,
}

/// What a message is about.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MessageEvent {
    /// A run ended.
    #[default]
    RunEnded,
    /// A stream of production has an alarm.
    Drift,
    /// Prompts were released to an environment, or an environment was taken back.
    Released,
}

/// A comparison in a message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MessageComparison {
    /// Which prompt.
    pub prompt: String,
    /// Which model.
    pub model: String,
    /// Which metric.
    pub metric: String,
    /// The answer.
    pub answer: String,
    /// The answer in a sentence.
    pub says: String,
    /// The baseline's value, as people read it.
    pub baseline: Option<String>,
    /// The run's value, as people read it.
    pub candidate: Option<String>,
    /// The change, as people read it.
    pub change: Option<String>,
    /// The lower bound on the change.
    pub lower: Option<String>,
    /// The upper bound on the change.
    pub upper: Option<String>,
    /// The change as a number: run minus baseline, or run over baseline where `is_ratio`.
    pub change_value: Option<f64>,
    /// Whether the change is a ratio.
    pub is_ratio: bool,
    /// What is compared: `difference`, `ratio` or `level`.
    #[serde(default)]
    pub measure: String,
    /// The baseline's value.
    #[serde(default)]
    pub baseline_value: Option<f64>,
    /// The run's value.
    #[serde(default)]
    pub candidate_value: Option<f64>,
    /// The lower bound on the change.
    #[serde(default)]
    pub lower_value: Option<f64>,
    /// The upper bound on the change.
    #[serde(default)]
    pub upper_value: Option<f64>,
    /// Items that both have a score of.
    #[serde(default)]
    pub n_compared: Option<u64>,
    /// Whether the comparison passes.
    #[serde(default)]
    pub passes: Option<bool>,
}

/// A score of the whole run in a message.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct MessageScore {
    /// Which prompt.
    pub prompt: String,
    /// Which model.
    pub model: String,
    /// Which metric.
    pub metric: String,
    /// The value, as people read it.
    pub text: String,
    /// The value.
    pub value: f64,
    /// The lower bound of its interval.
    pub lower: Option<f64>,
    /// The upper bound of its interval.
    pub upper: Option<f64>,
    /// Samples with a score.
    pub n_scored: u64,
    /// Samples without one.
    pub n_missing: u64,
}

/// What a message says that the report of the gate does not know.
#[derive(Clone, Copy, Debug, Default)]
pub struct MessageContext<'a> {
    /// When the run began: RFC 3339, UTC.
    pub started_at: &'a str,
    /// The commit that was evaluated.
    pub commit: Option<&'a str>,
    /// Where people see more.
    pub link: Option<&'a str>,
    /// The rows of the run's summary.
    pub rows: &'a [SummaryRow],
    /// Samples by how they ended.
    pub samples: Option<MessageSamples>,
}

impl RunMessage {
    /// The message about one suite of a report.
    pub fn of(suite: &ReportedSuite, report: &GateReport, context: &MessageContext<'_>) -> Self {
        let verdict = suite.verdict.as_ref();
        let worst_first = verdict.map(|verdict| verdict.worst_first()).unwrap_or_default();
        let overridden = verdict.and_then(|verdict| verdict.overridden.as_ref());
        let alone = GateReport { suites: vec![suite.clone()], policy: report.policy };
        Self {
            event: MessageEvent::RunEnded,
            suite: line(&suite.suite),
            run_id: line(&suite.run_id),
            answer: suite.word().to_owned(),
            says: line(&suite.says()),
            fails: suite.consequence(report.policy).fails(),
            baseline: verdict.map(|verdict| line(&verdict.baseline)),
            overridden: overridden.map(|by| line(&format!("{}: {}", by.by, by.reason))),
            started_at: line(context.started_at),
            commit: context.commit.map(line),
            link: context.link.filter(|link| is_address(link)).map(str::to_owned),
            n_more_comparisons: worst_first.len().saturating_sub(MOST_FIGURES) as u64,
            comparisons: worst_first
                .into_iter()
                .take(MOST_FIGURES)
                .map(MessageComparison::of)
                .collect(),
            scores: scores(context.rows),
            open_metrics: if verdict.is_some() { open_metrics(&alone) } else { String::new() },
            variants: variants(context.rows),
            samples: context.samples,
            release: None,
        }
    }

    /// 1 where the verdict passes, else 0; nothing where nothing was gated.
    pub(crate) fn passes_as_number(&self) -> Option<f64> {
        let passes = matches!(&*self.answer, "pass" | "improved");
        (self.answer != "not gated").then_some(f64::from(u8::from(passes)))
    }

    /// Samples by how they ended, with the word for it.
    pub(crate) fn outcomes(&self) -> Vec<(&'static str, u64)> {
        let Some(MessageSamples { answered, refused, invalid, failed }) = self.samples else {
            return Vec::new();
        };
        vec![("answered", answered), ("refused", refused), ("invalid", invalid), ("failed", failed)]
    }

    /// The occasions on which it is told.
    pub fn occasions(suite: &ReportedSuite) -> Vec<Occasion> {
        let answer = suite.verdict.as_ref().map(|verdict| verdict.answer);
        Occasion::of_run(answer, suite.incomplete.is_some())
    }

    /// What is seen before anything is read.
    pub fn mark(&self) -> &'static str {
        match (&*self.answer, self.fails) {
            (_, true) => "❌",
            ("pass" | "improved", false) => "✅",
            ("not gated" | "released", false) => "ℹ️",
            _ => "⚠️",
        }
    }

    /// The message in a line.
    pub fn headline(&self) -> String {
        match (self.event, self.comparisons.first()) {
            (MessageEvent::Drift, Some(of)) => format!("{}: drift of {}", self.suite, of.metric),
            _ => format!("{}: {}", self.suite, self.answer),
        }
    }

    /// The whole message as plain text for people, ending in a line break.
    pub fn plain_text(&self) -> String {
        let mut lines = vec![self.headline(), String::new(), self.says.clone(), String::new()];
        lines.extend(self.comparisons.iter().map(|one| format!("- {}", one.line())));
        if self.n_more_comparisons > 0 {
            lines.push(format!("- and {} more", count(self.n_more_comparisons)));
        }
        if self.comparisons.is_empty() {
            lines.extend(self.scores.iter().map(|one| format!("- {}", one.line())));
        }
        lines.push(String::new());
        lines.extend(self.facts().into_iter().map(|(name, value)| format!("{name}: {value}")));
        lines.join("\n") + "\n"
    }

    /// What there is to know beside the figures, by name.
    pub fn facts(&self) -> Vec<(&'static str, String)> {
        let of = match self.event {
            MessageEvent::RunEnded => "Run",
            MessageEvent::Drift => "Alarm",
            MessageEvent::Released => "Release",
        };
        let mut facts = vec![(of, self.run_id.clone())];
        facts.extend(self.baseline.clone().map(|baseline| ("Compared with", baseline)));
        facts.extend(self.commit.clone().map(|commit| ("Commit", commit)));
        facts.extend(self.release.iter().flat_map(MessageRelease::facts));
        facts.extend(self.overridden.clone().map(|by| ("Overridden by", by)));
        facts.extend(self.link.clone().map(|link| ("More", link)));
        facts
    }
}

impl MessageComparison {
    fn of(comparison: &Comparison) -> Self {
        let text = ComparisonText::of(comparison);
        Self {
            prompt: line(&comparison.prompt),
            model: line(&comparison.model),
            metric: line(&comparison.metric),
            answer: comparison.answer.to_string(),
            says: line(&comparison.says),
            baseline: text.baseline,
            candidate: text.candidate,
            change: text.change,
            lower: text.lower,
            upper: text.upper,
            change_value: comparison.estimate.filter(|value| value.is_finite()),
            is_ratio: comparison.measure == Measure::Ratio,
            measure: measure_name(comparison.measure).to_owned(),
            baseline_value: finite(comparison.baseline_mean),
            candidate_value: finite(comparison.candidate_mean),
            lower_value: finite(comparison.lower),
            upper_value: finite(comparison.upper),
            n_compared: Some(comparison.counts.paired),
            passes: Some(comparison.answer.passes()),
        }
    }

    /// Whether it has a change, which the level of a run alone has not.
    pub(crate) fn has_change(&self) -> bool {
        self.measure != measure_name(Measure::Level)
    }

    /// Which comparison it is.
    pub fn name(&self) -> String {
        let parts = [&*self.metric, &self.prompt, &self.model];
        let parts: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        parts.join(" · ")
    }

    /// Its values, as people read them.
    pub fn values(&self) -> String {
        let candidate = self.candidate.as_deref().unwrap_or("no value");
        let values = match &self.baseline {
            Some(baseline) => format!("{baseline} → {candidate}"),
            None => candidate.to_owned(),
        };
        match &self.change {
            Some(change) if self.baseline.is_some() => format!("{values} ({change})"),
            _ => values,
        }
    }

    /// All of it in a line.
    pub fn line(&self) -> String {
        format!("{}: {}, {}", self.name(), self.answer, self.values())
    }
}

impl MessageScore {
    /// Which score it is.
    pub fn name(&self) -> String {
        format!("{} · {} · {}", self.metric, self.prompt, self.model)
    }

    /// All of it in a line.
    pub fn line(&self) -> String {
        format!("{}: {}", self.name(), self.text)
    }
}

/// The scores of the whole run.
fn scores(rows: &[SummaryRow]) -> Vec<MessageScore> {
    let whole = rows.iter().filter(|row| row.slice.is_none() && row.value.is_none());
    let score = |row: &SummaryRow| {
        let estimate = row.estimate.as_ref().filter(|estimate| estimate.mean.is_finite())?;
        Some(MessageScore {
            prompt: line(&row.prompt),
            model: line(&row.model),
            metric: line(&row.metric),
            text: number_format::estimate(estimate, row.range),
            value: estimate.mean,
            lower: estimate.ci_low.filter(|bound| bound.is_finite()),
            upper: estimate.ci_high.filter(|bound| bound.is_finite()),
            n_scored: row.n_scored,
            n_missing: row.n_missing,
        })
    };
    whole.filter_map(score).take(MOST_FIGURES).collect()
}

/// What each prompt cost and took with each model; every row of the two says the same.
fn variants(rows: &[SummaryRow]) -> Vec<MessageVariant> {
    let whole = rows.iter().filter(|row| row.slice.is_none() && row.value.is_none());
    let mut variants: Vec<MessageVariant> = Vec::new();
    for row in whole {
        let (prompt, model) = (line(&row.prompt), line(&row.model));
        let is_new = !variants.iter().any(|one| one.prompt == prompt && one.model == model);
        if is_new && variants.len() < MOST_FIGURES {
            variants.push(MessageVariant {
                prompt,
                model,
                latency_p50_ms: finite(row.latency_p50_ms),
                latency_p95_ms: finite(row.latency_p95_ms),
                input_tokens: row.input_tokens,
                output_tokens: row.output_tokens,
                cost_usd: finite(row.cost_usd),
            });
        }
    }
    variants
}

fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

/// A text on one line, where nothing acts, of a length that fits everywhere.
pub(crate) fn line(text: &str) -> String {
    let text = printable_line(text);
    match text.char_indices().nth(MOST_LETTERS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}

/// Whether a link is one that may be shown.
pub(crate) fn is_address(link: &str) -> bool {
    let begins = link.starts_with("https://") || link.starts_with("http://");
    begins && link.len() <= 2_000 && link.bytes().all(|byte| byte.is_ascii_graphic())
}
