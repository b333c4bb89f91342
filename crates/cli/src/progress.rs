//! Progress on stderr: a bar on a terminal, a line every few seconds elsewhere, nothing if quiet.
//! Where nothing ends for a while, it says what is waited for.

use std::{
    fmt::Write,
    io::{IsTerminal, stderr},
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use evalmark_core::{
    metric::Range,
    model::Model,
    number_format::{count, dollars, rate, span, value},
    record::{Failure, Record},
};
use evalmark_harness::{Endpoint, Event, Hold};
use evalmark_report::safe_text::printable;
use evalmark_runner::{AskTag, Asking};
use evalmark_scoring::{Metric, Subject};
use evalmark_terminal::failures;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use jiff::{SignedDuration, Zoned};

use crate::print::Printer;

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
    /// What is being done, e.g. `Running`.
    doing: &'static str,
    total: u64,
    prompts: Vec<String>,
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
    begun: Instant,
    last_line: Instant,
    /// When a sample ended, the last time.
    last_end: Instant,
    /// Time between two lines while nothing ends.
    between: Duration,
    done: u64,
    /// Of those, answers that were there already: they say nothing of the pace.
    cached: u64,
    errors: u64,
    retries: u64,
    cost_usd: f64,
    /// The last attempt that failed since a sample ended.
    trouble: Option<Trouble>,
    /// Sum and count of running scores by prompt.
    scores: Vec<(f64, u64)>,
}

/// An attempt that failed and will be repeated.
struct Trouble {
    model: usize,
    failure: Failure,
    until: Instant,
}

impl Progress {
    /// Begins.
    pub(crate) fn start(asking: &Asking<'_>, quiet: bool, printer: Printer) -> Self {
        let Asking { doing, total, plan, .. } = *asking;
        let is_terminal = stderr().is_terminal();
        let has_bar = is_terminal && !quiet && !printer.logs();
        let prompts: Vec<_> = plan.prompts.iter().map(|prompt| prompt.name.to_string()).collect();
        let shared = Arc::new(Shared {
            printer,
            doing,
            total,
            state: Mutex::new(State::new(prompts.len())),
            prompts,
            models: plan.models.clone(),
            endpoints: asking.endpoints.clone(),
            metric: asking.metrics.iter().find(|metric| metric.judge().is_none()).cloned(),
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
    fn new(prompts: usize) -> Self {
        let now = Instant::now();
        Self {
            begun: now,
            last_line: now,
            last_end: now,
            between: BETWEEN_LINES,
            done: 0,
            cached: 0,
            errors: 0,
            retries: 0,
            cost_usd: 0.0,
            trouble: None,
            scores: vec![(0.0, 0); prompts],
        }
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
                let mut state = self.state();
                state.retries += 1;
                let until = Instant::now() + *delay;
                state.trouble = Some(Trouble { model, failure: failure.clone(), until });
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

    fn ended(&self, tag: &AskTag, record: &Record, is_paid: bool) {
        let score = self.running_score(tag, record);
        let cost_usd = self.models[tag.model()].cost_usd(record.usage).filter(|_| is_paid);
        let mut state = self.state();
        state.done += 1;
        state.cached += u64::from(record.cached);
        state.errors += u64::from(!record.has_answer());
        state.cost_usd += cost_usd.unwrap_or_default();
        if record.has_answer() {
            (state.last_end, state.between, state.trouble) = (Instant::now(), BETWEEN_LINES, None);
        }
        if let Some(score) = score {
            let (sum, n) = state.scores[tag.prompt()];
            state.scores[tag.prompt()] = (sum + score, n + 1);
        }
        let is_due = state.last_line.elapsed() >= BETWEEN_LINES;
        if self.lines && is_due {
            state.last_line = Instant::now();
            self.tell_line(state, None);
        } else if !self.bar.is_hidden() {
            let text = format!("{} {}", self.pace(&state), self.message(&state));
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
        let idle = state.last_end.elapsed();
        if idle < IDLE {
            return;
        }
        let waiting = self.waiting(&state, idle);
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
    fn waiting(&self, state: &State, idle: Duration) -> String {
        let hold = |(model, endpoint): &(usize, Endpoint)| Some((*model, endpoint.hold()?));
        let holds: Vec<(usize, Hold)> = self.endpoints.iter().filter_map(hold).collect();
        let longest = holds.iter().max_by_key(|(_, hold)| hold.time);
        let until = state
            .trouble
            .as_ref()
            .map(|trouble| trouble.until.saturating_duration_since(Instant::now()));
        let time = until.max(longest.map(|(_, hold)| hold.time)).unwrap_or_default();
        let why = match (&state.trouble, longest) {
            (Some(Trouble { model, failure, .. }), _) => {
                failures::retrying(&self.models[*model], failure, state.retries)
            }
            (None, Some((model, hold))) => failures::held(&self.models[*model], *hold),
            (None, None) => {
                return format!("no answer for {} s; waiting for the server", idle.as_secs());
            }
        };
        if time < Duration::from_secs(1) {
            return format!("{why}; trying again");
        }
        format!("{why}; waiting until {}", clock_after(time))
    }

    fn tell_line(&self, state: MutexGuard<'_, State>, waiting: Option<String>) {
        if self.printer.logs() {
            let State { done, errors, retries, cost_usd, .. } = *state;
            drop(state);
            let total = self.total;
            tracing::info!(done, total, errors, retries, cost_usd, waiting, "{}", self.doing);
        } else {
            let mut text = self.line(&state);
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
        let cost_usd = self.models[tag.model()].cost_usd(record.usage);
        metric.score(Subject::new(record, &item.targets, &item.fields, cost_usd)).value
    }

    /// Running scores, errors, retries and cost: what is not nothing.
    fn message(&self, state: &State) -> String {
        let scored = self.prompts.iter().zip(&state.scores).filter(|(_, (_, n))| *n > 0);
        let range = self.metric.as_ref().map_or_else(Range::default, Metric::range);
        let means: Vec<_> = scored
            .map(|(name, (sum, n))| {
                format!("{} {}", printable(name), value(sum / *n as f64, range))
            })
            .collect();
        let metric = self.metric.as_ref().filter(|_| !means.is_empty());
        let mut parts: Vec<_> = metric
            .map(|metric| format!("mean {}: {}", printable(metric.name()), means.join(", ")))
            .into_iter()
            .collect();
        for (number, word) in [(state.errors, "errors"), (state.retries, "retries")] {
            if number > 0 {
                parts.push(format!("{} {word}", count(number)));
            }
        }
        if state.cost_usd > 0.0 {
            parts.push(dollars(state.cost_usd));
        }
        parts.join(" · ")
    }

    fn line(&self, state: &State) -> String {
        let (pace, message) = (self.pace(state), self.message(state));
        let (doing, done, total) = (self.doing, state.done, self.total);
        let message = if message.is_empty() { message } else { format!(" · {message}") };
        format!("{doing} {done}/{total} · {pace}{message}")
    }

    /// `4.7/s · ETA 76 s`: of what is asked, not of what was there already.
    fn pace(&self, state: &State) -> String {
        let asked = state.done.saturating_sub(state.cached);
        if asked == 0 {
            return "ETA ?".to_owned();
        }
        let per_second = asked as f64 / state.begun.elapsed().as_secs_f64().max(1e-3);
        let left = self.total.saturating_sub(state.done) as f64 / per_second;
        let left = Duration::try_from_secs_f64(left).unwrap_or(Duration::MAX);
        format!("{} · ETA {}", rate(per_second), span(left))
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
