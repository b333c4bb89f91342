//! Progress on stderr: a bar on a terminal, a line every few seconds elsewhere and in CI, nothing if quiet.
//! Where nothing ends for a while, it says what is waited for.

use std::{
    fmt::Write,
    io::{IsTerminal, stderr},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use evalmark_core::{model::Model, record::Record};
use evalmark_harness::{Endpoint, Event, Hold};
use evalmark_report::safe_text::printable;
use evalmark_runner::{AskTag, Asking};
use evalmark_scoring::{Metric, Subject};
use evalmark_terminal::{
    failures,
    progress::{EndedSample, PassProgress, RunningMetric},
};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::{SignedDuration, Zoned};

use crate::{environment::is_ci, print::Printer};

/// Time between two lines where stderr is no terminal.
const BETWEEN_LINES: Duration = Duration::from_secs(5);
/// Where nothing ends, the time between two lines doubles up to this.
const LONGEST_BETWEEN_LINES: Duration = Duration::from_secs(40);
/// Without an end for so long, the bar says what is waited for.
const IDLE: Duration = Duration::from_secs(2);
/// How often one looks whether anything has ended.
const TICK: Duration = Duration::from_millis(500);

/// Progress of one pass over all samples.
pub(crate) struct Progress {
    shared: Arc<Shared>,
    ticker: Option<JoinHandle<()>>,
}

/// What the thread that ticks knows, too.
struct Shared {
    printer: Printer,
    models: Arc<[Model]>,
    /// The models that are asked, by their places.
    endpoints: Vec<(usize, Endpoint)>,
    /// The first metric that needs no judge, for running scores.
    metric: Option<Metric>,
    bar: ProgressBar,
    state: Mutex<State>,
    /// Whether lines are written instead of a bar.
    lines: bool,
    /// Set, and told, when the pass is over.
    over: (Mutex<bool>, Condvar),
}

struct State {
    run: PassProgress,
    last_line: Instant,
    /// Time between two lines while nothing ends.
    between: Duration,
}

impl Progress {
    /// Begins.
    pub(crate) fn start(asking: &Asking<'_>, quiet: bool, printer: Printer) -> Self {
        let Asking { doing, total, plan, .. } = *asking;
        let metric = asking.metrics.iter().find(|metric| metric.judge().is_none()).cloned();
        // A CI system's log keeps each state of a bar, even where it lends the job a terminal.
        let is_terminal = stderr().is_terminal() && !is_ci();
        let has_bar = is_terminal && !quiet && !printer.logs();
        let shared = Arc::new(Shared {
            printer,
            state: Mutex::new(State::begin(asking, metric.as_ref())),
            models: plan.models.clone(),
            endpoints: asking.endpoints.clone(),
            metric,
            bar: bar(doing, total, has_bar),
            lines: !quiet && (!is_terminal || printer.logs()),
            over: (Mutex::new(false), Condvar::new()),
        });
        let ticking = shared.clone();
        let tick = move || ticking.tick_until_over();
        // Where there is no thread to be had, silence is no reason to fail.
        let ticker = thread::Builder::new().name("evalmark-progress".into());
        let ticker = (!quiet).then(|| ticker.spawn(tick).ok()).flatten();
        Self { shared, ticker }
    }

    /// Takes in one event of the model at this place.
    pub(crate) fn tell(&self, model: usize, event: &Event<AskTag>) {
        self.shared.tell(model, event);
    }

    /// Clears the bar.
    pub(crate) fn finish(&self) {
        self.shared.bar.finish_and_clear();
        self.shared.end();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.shared.end();
        if let Some(ticker) = self.ticker.take() {
            drop(ticker.join());
        }
    }
}

fn bar(doing: &'static str, total: u64, is_shown: bool) -> ProgressBar {
    let target = if is_shown {
        ProgressDrawTarget::stderr_with_hz(10)
    } else {
        ProgressDrawTarget::hidden()
    };
    let bar = ProgressBar::with_draw_target(Some(total), target);
    let template = "{prefix} {bar:24} {human_pos}/{human_len} {wide_msg}";
    if let Ok(style) = ProgressStyle::with_template(template) {
        bar.set_style(style);
    }
    bar.set_prefix(doing);
    bar
}

impl State {
    fn begin(asking: &Asking<'_>, metric: Option<&Metric>) -> Self {
        let shown = metric
            .map(|metric| RunningMetric { name: metric.name().to_owned(), range: metric.range() });
        let now = Instant::now();
        Self { run: PassProgress::new(asking, shown, now), last_line: now, between: BETWEEN_LINES }
    }
}

impl Shared {
    fn tell(&self, model: usize, event: &Event<AskTag>) {
        if self.printer.logs() {
            self.log(event);
        }
        match event {
            Event::Answered { tag, record, shared } => self.ended(tag, record, !shared),
            Event::Cached { tag, record } | Event::Failed { tag, record } => {
                self.ended(tag, record, false);
            }
            Event::Retrying { failure, delay, .. } => {
                self.state().run.retrying(model, failure, Instant::now() + *delay);
            }
            Event::EndpointDown { failure } => {
                let text = failures::stopped(&self.models[model], failure);
                self.bar.suspend(|| self.printer.warning(&text));
            }
        }
    }

    /// What a log says of an event; answers are too many to be told one by one.
    fn log(&self, event: &Event<AskTag>) {
        match event {
            Event::Failed { tag, record } => {
                let failure = record.failure.as_ref();
                tracing::warn!(
                    prompt = self.state().run.prompts[tag.prompt()],
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

    fn ended(&self, tag: &AskTag, record: &Record, is_paid: bool) {
        let cost_usd = self.models[tag.model()].record_cost_usd(record).filter(|_| is_paid);
        let sample = EndedSample {
            prompt: tag.prompt(),
            has_answer: record.has_answer(),
            cached: record.cached,
            cost_usd: cost_usd.unwrap_or_default(),
            score: self.running_score(tag, record),
        };
        let mut state = self.state();
        state.run.ended(sample, Instant::now());
        if sample.has_answer {
            state.between = BETWEEN_LINES;
        }
        let is_due = state.last_line.elapsed() >= BETWEEN_LINES;
        if self.lines && is_due {
            state.last_line = Instant::now();
            self.tell_line(state, None);
        } else if !self.bar.is_hidden() {
            let text = format!("{} {}", state.run.pace(Instant::now()), state.run.message());
            drop(state);
            self.bar.inc(1);
            self.bar.set_message(text);
        }
    }

    /// Looks now and then whether there is something to say although nothing ends.
    fn tick_until_over(&self) {
        let (over, told) = &self.over;
        let mut is_over = over.lock().unwrap_or_else(PoisonError::into_inner);
        while !*is_over {
            let waited = told.wait_timeout(is_over, TICK).unwrap_or_else(PoisonError::into_inner);
            is_over = waited.0;
            if !*is_over {
                self.tick();
            }
        }
    }

    fn end(&self) {
        let (over, told) = &self.over;
        *over.lock().unwrap_or_else(PoisonError::into_inner) = true;
        told.notify_all();
    }

    fn tick(&self) {
        let mut state = self.state();
        if state.run.last_answer.elapsed() < IDLE {
            return;
        }
        let waiting = self.waiting(&state.run);
        if self.lines && state.last_line.elapsed() >= state.between {
            state.last_line = Instant::now();
            state.between = (state.between * 2).min(LONGEST_BETWEEN_LINES);
            self.tell_line(state, Some(waiting));
        } else if !self.bar.is_hidden() {
            drop(state);
            self.bar.set_message(format!("ETA ? · {}", printable(&waiting)));
            self.bar.tick();
        }
    }

    /// What is waited for.
    fn waiting(&self, run: &PassProgress) -> String {
        let hold = |(model, endpoint): &(usize, Endpoint)| Some((*model, endpoint.hold()?));
        let holds: Vec<(usize, Hold)> = self.endpoints.iter().filter_map(hold).collect();
        run.waiting(&self.models, &holds, Instant::now(), clock_after)
    }

    fn tell_line(&self, state: MutexGuard<'_, State>, waiting: Option<String>) {
        if self.printer.logs() {
            let PassProgress { doing, done, total, errors, retries, cost_usd, .. } = state.run;
            drop(state);
            tracing::info!(done, total, errors, retries, cost_usd, waiting, "{doing}");
        } else {
            let mut text = state.run.line(Instant::now());
            drop(state);
            if let Some(waiting) = waiting {
                let _ = write!(text, "\n  {}", printable(&waiting));
            }
            self.printer.remark(&text);
        }
    }

    fn running_score(&self, tag: &AskTag, record: &Record) -> Option<f64> {
        if !self.lines && self.bar.is_hidden() {
            return None;
        }
        let (Some(metric), AskTag::Sample(sample), true) = (&self.metric, tag, record.has_answer())
        else {
            return None;
        };
        let item = &sample.item;
        let cost_usd = self.models[tag.model()].record_cost_usd(record);
        metric.score(Subject::new(record, &item.targets, &item.fields, cost_usd)).value
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The time of day after so many seconds.
fn clock_after(time: std::time::Duration) -> String {
    let now = Zoned::now();
    let time = SignedDuration::try_from(time).unwrap_or_default();
    let then = now.checked_add(time).unwrap_or(now);
    then.strftime("%H:%M:%S").to_string()
}
