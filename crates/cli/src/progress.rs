//! Progress on stderr: a bar on a terminal, a line every few seconds elsewhere, nothing if quiet.

use std::{
    io::{IsTerminal, stderr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use evalmark_core::{
    model::Model,
    plan::{Plan, Sample},
    record::Record,
};
use evalmark_harness::Event;
use evalmark_report::text::printable;
use evalmark_scoring::{Metric, Subject};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::print::Printer;

/// Time between two lines where stderr is no terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(5);

/// What an answer's event is recognised by.
#[derive(Clone, Debug)]
pub(crate) enum Tag {
    /// A candidate's answer.
    Sample(Box<Sample>),
    /// A judgement: it is the judge's answer, and the judge that costs.
    Judgement {
        /// Whose answer was judged.
        prompt: usize,
        /// Who judged.
        judge: usize,
    },
}

impl Tag {
    fn prompt(&self) -> usize {
        match self {
            Self::Sample(sample) => sample.prompt,
            Self::Judgement { prompt, .. } => *prompt,
        }
    }

    fn model(&self) -> usize {
        match self {
            Self::Sample(sample) => sample.model,
            Self::Judgement { judge, .. } => *judge,
        }
    }
}

/// Progress of one pass over all samples.
pub(crate) struct Progress {
    printer: Printer,
    /// What is being done, e.g. `asking`.
    doing: &'static str,
    total: u64,
    prompts: Vec<String>,
    models: Arc<[Model]>,
    /// The first metric that needs no judge, for running scores.
    metric: Option<Metric>,
    bar: ProgressBar,
    state: Mutex<State>,
    /// Whether lines are written instead of a bar.
    lines: bool,
}

struct State {
    begun: Instant,
    last_line: Instant,
    done: u64,
    errors: u64,
    retries: u64,
    cost_usd: f64,
    /// Sum and count of running scores by prompt.
    scores: Vec<(f64, u64)>,
}

impl Progress {
    pub(crate) fn start(
        doing: &'static str,
        total: u64,
        plan: &Plan,
        metrics: &[Metric],
        quiet: bool,
        printer: Printer,
    ) -> Self {
        let is_terminal = stderr().is_terminal();
        let target = if is_terminal && !quiet && !printer.logs() {
            ProgressDrawTarget::stderr_with_hz(10)
        } else {
            ProgressDrawTarget::hidden()
        };
        let bar = ProgressBar::with_draw_target(Some(total), target);
        let template = "{prefix} {bar:24} {human_pos}/{human_len} {per_sec} ETA {eta} {wide_msg}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_prefix(doing);
        let now = Instant::now();
        let prompts: Vec<_> = plan.prompts.iter().map(|prompt| prompt.name.to_string()).collect();
        let state = State {
            begun: now,
            last_line: now,
            done: 0,
            errors: 0,
            retries: 0,
            cost_usd: 0.0,
            scores: vec![(0.0, 0); prompts.len()],
        };
        Self {
            printer,
            doing,
            total,
            prompts,
            models: plan.models.clone(),
            metric: metrics.iter().find(|metric| metric.judge().is_none()).cloned(),
            bar,
            state: Mutex::new(state),
            lines: !quiet && (!is_terminal || printer.logs()),
        }
    }

    /// Takes in one event.
    pub(crate) fn tell(&self, event: &Event<Tag>) {
        if self.printer.logs() {
            self.log(event);
        }
        match event {
            Event::Answered { tag, record, shared } => self.ended(tag, record, !shared),
            Event::Cached { tag, record } | Event::Failed { tag, record } => {
                self.ended(tag, record, false);
            }
            Event::Retrying { .. } => self.state().retries += 1,
            Event::EndpointDown { failure } => {
                let text = format!("a model is not asked any more: {}", failure.message);
                self.bar.suspend(|| self.printer.warning(&text));
            }
        }
    }

    /// What a log says of an event; answers are too many to be told one by one.
    fn log(&self, event: &Event<Tag>) {
        match event {
            Event::Failed { tag, record } => {
                let failure = record.failure.as_ref();
                tracing::warn!(
                    prompt = self.prompts[tag.prompt()],
                    model = &*self.models[tag.model()].name,
                    kind = failure.map(|failure| failure.kind.as_str()),
                    error = failure.map(|failure| failure.message.as_str()),
                    attempts = record.attempts,
                    "a sample failed"
                );
            }
            Event::Retrying { failure, attempt, delay } => tracing::info!(
                kind = failure.kind.as_str(),
                error = failure.message,
                attempt,
                delay_ms = u64::try_from(delay.as_millis()).unwrap_or(u64::MAX),
                "retrying"
            ),
            _ => {}
        }
    }

    fn ended(&self, tag: &Tag, record: &Record, is_paid: bool) {
        let score = self.running_score(tag, record);
        let cost_usd = self.models[tag.model()].cost_usd(record.usage).filter(|_| is_paid);
        let mut state = self.state();
        state.done += 1;
        state.errors += u64::from(!record.has_answer());
        state.cost_usd += cost_usd.unwrap_or_default();
        if let Some(score) = score {
            let (sum, n) = state.scores[tag.prompt()];
            state.scores[tag.prompt()] = (sum + score, n + 1);
        }
        let is_due = state.last_line.elapsed() >= BETWEEN_LINES;
        if self.lines && is_due {
            state.last_line = Instant::now();
            self.tell_line(state);
        } else if !self.bar.is_hidden() {
            let text = self.message(&state);
            drop(state);
            self.bar.inc(1);
            self.bar.set_message(text);
        }
    }

    fn tell_line(&self, state: MutexGuard<'_, State>) {
        if self.printer.logs() {
            let State { done, errors, retries, cost_usd, .. } = *state;
            drop(state);
            tracing::info!(done, total = self.total, errors, retries, cost_usd, "{}", self.doing);
        } else {
            let text = self.line(&state);
            drop(state);
            self.printer.remark(&text);
        }
    }

    fn running_score(&self, tag: &Tag, record: &Record) -> Option<f64> {
        if !self.lines && self.bar.is_hidden() {
            return None;
        }
        let (Some(metric), Tag::Sample(sample), true) = (&self.metric, tag, record.has_answer())
        else {
            return None;
        };
        let item = &sample.item;
        let cost_usd = self.models[tag.model()].cost_usd(record.usage);
        metric.score(Subject::new(record, &item.targets, &item.fields, cost_usd)).value
    }

    /// Running scores, errors, retries and cost: what is not nothing.
    fn message(&self, state: &State) -> String {
        let mut parts = Vec::new();
        for (name, (sum, n)) in self.prompts.iter().zip(&state.scores) {
            if *n > 0 {
                parts.push(format!("{} {:.3}", printable(name), sum / *n as f64));
            }
        }
        for (count, word) in [(state.errors, "errors"), (state.retries, "retries")] {
            if count > 0 {
                parts.push(format!("{count} {word}"));
            }
        }
        if state.cost_usd > 0.0 {
            parts.push(format!("${:.4}", state.cost_usd));
        }
        parts.join(" · ")
    }

    fn line(&self, state: &State) -> String {
        let rate = state.done as f64 / state.begun.elapsed().as_secs_f64().max(1e-3);
        let left = self.total.saturating_sub(state.done) as f64 / rate.max(1e-9);
        let message = self.message(state);
        let (doing, done, total) = (self.doing, state.done, self.total);
        format!("{doing} {done}/{total} · {rate:.0}/s · ETA {left:.0} s · {message}")
    }

    /// Clears the bar.
    pub(crate) fn finish(&self) {
        self.bar.finish_and_clear();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
