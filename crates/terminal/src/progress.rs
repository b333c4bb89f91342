//! How far a run has got, in a line: what ended and at which pace, the scores so far, and what is waited for.

use std::time::{Duration, Instant};

use evalmark_core::{
    metric::Range,
    model::Model,
    number_format::{count, dollars, rate, span, value},
    record::Failure,
};
use evalmark_harness::Hold;
use evalmark_report::safe_text::printable;
use evalmark_runner::Asking;

use crate::failures;

/// One pass over all samples so far.
#[derive(Debug)]
pub struct PassProgress {
    /// What is being done, e.g. `Running`.
    pub doing: &'static str,
    /// Samples in all.
    pub total: u64,
    /// Samples that ended.
    pub done: u64,
    /// Of those, samples without an answer.
    pub errors: u64,
    /// Attempts that failed and were repeated.
    pub retries: u64,
    /// What the answers cost, US dollars.
    pub cost_usd: f64,
    /// When an answer came, the last time.
    pub last_answer: Instant,
    /// Names of the prompts, in their order.
    pub prompts: Vec<String>,
    begun: Instant,
    /// Answers that were there already: they say nothing of the pace.
    cached: u64,
    metric: Option<RunningMetric>,
    /// The last attempt that failed since an answer came.
    trouble: Option<Trouble>,
    /// Sum and count of running scores by prompt.
    scores: Vec<(f64, u64)>,
}

/// The metric whose running mean is shown.
#[derive(Clone, Debug)]
pub struct RunningMetric {
    /// Its name.
    pub name: String,
    /// Its range.
    pub range: Range,
}

/// A sample that ended.
#[derive(Clone, Copy, Debug)]
pub struct EndedSample {
    /// The place of its prompt.
    pub prompt: usize,
    /// Whether it has an answer.
    pub has_answer: bool,
    /// Whether the answer was there already.
    pub cached: bool,
    /// What it cost, US dollars; 0 where nothing was paid or no price is known.
    pub cost_usd: f64,
    /// Its score by the metric that is shown.
    pub score: Option<f64>,
}

/// An attempt that failed and will be repeated.
#[derive(Debug)]
struct Trouble {
    model: usize,
    failure: Failure,
    until: Instant,
}

impl PassProgress {
    /// A pass that begins now.
    pub fn new(asking: &Asking<'_>, metric: Option<RunningMetric>, now: Instant) -> Self {
        let prompts: Vec<_> = asking.plan.prompts.iter().map(|p| p.name.to_string()).collect();
        Self {
            doing: asking.doing,
            total: asking.total,
            done: 0,
            errors: 0,
            retries: 0,
            cost_usd: 0.0,
            last_answer: now,
            scores: vec![(0.0, 0); prompts.len()],
            prompts,
            begun: now,
            cached: 0,
            metric,
            trouble: None,
        }
    }

    /// Counts a sample that ended.
    pub fn ended(&mut self, sample: EndedSample, now: Instant) {
        let EndedSample { prompt, has_answer, cached, cost_usd, score } = sample;
        self.done += 1;
        self.cached += u64::from(cached);
        self.errors += u64::from(!has_answer);
        self.cost_usd += cost_usd;
        if has_answer {
            (self.last_answer, self.trouble) = (now, None);
        }
        if let Some(score) = score {
            let (sum, n) = self.scores[prompt];
            self.scores[prompt] = (sum + score, n + 1);
        }
    }

    /// Counts an attempt of the model at this place that failed and is repeated at `until`.
    pub fn retrying(&mut self, model: usize, failure: &Failure, until: Instant) {
        self.retries += 1;
        self.trouble = Some(Trouble { model, failure: failure.clone(), until });
    }

    /// `Running 40/80 · 4.7/s · ETA 9 s · mean exact: short 61.2 %`.
    pub fn line(&self, now: Instant) -> String {
        let (pace, message) = (self.pace(now), self.message());
        let message = if message.is_empty() { message } else { format!(" · {message}") };
        format!("{} {}/{} · {pace}{message}", self.doing, self.done, self.total)
    }

    /// `4.7/s · ETA 76 s`: of what is asked, not of what was there already.
    pub fn pace(&self, now: Instant) -> String {
        let asked = self.done.saturating_sub(self.cached);
        if asked == 0 {
            return "ETA ?".to_owned();
        }
        let elapsed = now.saturating_duration_since(self.begun).as_secs_f64();
        let per_second = asked as f64 / elapsed.max(1e-3);
        let left = self.total.saturating_sub(self.done) as f64 / per_second;
        let left = Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX);
        format!("{} · ETA {}", rate(per_second), span(left))
    }

    /// Running scores, errors, retries and cost: what is not nothing.
    pub fn message(&self) -> String {
        let mut parts: Vec<_> = self.means().into_iter().collect();
        for (number, word) in [(self.errors, "errors"), (self.retries, "retries")] {
            if number > 0 {
                parts.push(format!("{} {word}", count(number)));
            }
        }
        if self.cost_usd > 0.0 {
            parts.push(dollars(self.cost_usd));
        }
        parts.join(" · ")
    }

    fn means(&self) -> Option<String> {
        let metric = self.metric.as_ref()?;
        let scored = self.prompts.iter().zip(&self.scores).filter(|(_, (_, n))| *n > 0);
        let means: Vec<_> = scored
            .map(|(name, (sum, n))| {
                format!("{} {}", printable(name), value(sum / *n as f64, metric.range))
            })
            .collect();
        (!means.is_empty())
            .then(|| format!("mean {}: {}", printable(&metric.name), means.join(", ")))
    }

    /// What is waited for: `holds` are the endpoints that hold requests back, by the places of their
    /// `models`, and `clock` is the time of day after so long.
    pub fn waiting(
        &self,
        models: &[Model],
        holds: &[(usize, Hold)],
        now: Instant,
        clock: impl Fn(Duration) -> String,
    ) -> String {
        let longest = holds.iter().max_by_key(|(_, hold)| hold.time);
        let until = self.trouble.as_ref().map(|trouble| trouble.until);
        let until = until.map(|until| until.saturating_duration_since(now));
        let time = until.max(longest.map(|(_, hold)| hold.time)).unwrap_or_default();
        let why = match (&self.trouble, longest) {
            (Some(Trouble { model, failure, .. }), _) => {
                failures::retrying(&models[*model], failure, self.retries)
            }
            (None, Some((model, hold))) => failures::held(&models[*model], hold),
            (None, None) => {
                let idle = now.saturating_duration_since(self.last_answer);
                return format!("no answer for {} s; waiting for the server", idle.as_secs());
            }
        };
        if time < Duration::from_secs(1) {
            return format!("{why}; trying again");
        }
        format!("{why}; waiting until {}", clock(time))
    }
}
