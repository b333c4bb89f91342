//! Which streams are watched, what each is held against, and which of them raise alarms. Metrics are held against
//! the released run. What traffic is like no dataset tells: those streams are held against the first days of
//! production.

use evalmark_core::{
    drift_text::RECORD_PREFIX,
    logs::{LogSpec, LogWatch, WatchCycle},
    metric::Direction,
};
use evalmark_scoring::{Corpus, Metric};
use evalmark_verdict::{
    DriftError, DriftMonitor, ItemScore, ReferenceSample, ScoreRange, StreamRule, StreamValue,
    Variant,
};

use super::values::{AMOUNTS, Column, Day, Days, Seen, WORDS};

/// Days of production that later ones are held against: each day of a week.
pub(super) const FIRST_DAYS: usize = 7;

/// Records of these days that are enough for it.
const FEWEST: usize = 50;

/// A stream: its values, its rule, and what it is held against.
pub(super) struct Watched {
    pub(super) column: Column,
    pub(super) rule: StreamRule,
    pub(super) sample: ReferenceSample,
}

/// Streams of metrics that the released run scored.
pub(super) fn metric_streams(
    metrics: &[Metric],
    released: &Variant,
    watch: &LogWatch,
) -> Result<Vec<Watched>, DriftError> {
    let mut streams = Vec::new();
    for (place, metric) in metrics.iter().enumerate() {
        if let Some(sample) = released_scores(metric, released)? {
            let rule = StreamRule::new(metric.name()).worse(metric.direction());
            let rule = rule.in_cycles_of(watch.cycle.days());
            streams.push(Watched { column: Column::Score(place), rule, sample });
        }
    }
    Ok(streams)
}

/// What a released run scored by a metric; `None` where the range has no ends, the metric is no mean, or nothing was scored.
fn released_scores(
    metric: &Metric,
    released: &Variant,
) -> Result<Option<ReferenceSample>, DriftError> {
    let range = ScoreRange::of(metric.range());
    let is_mean = metric.corpus().is_none_or(Corpus::is_mean);
    if !(is_mean && range.low.is_finite() && range.high.is_finite()) {
        return Ok(None);
    }
    let value = |item: ItemScore| {
        let value = item.mean(range)?;
        Some(StreamValue { cluster: item.cluster, ..StreamValue::of(value) })
    };
    let scores = released.scores(metric.name()).unwrap_or_default();
    let values: Vec<_> = scores.iter().filter_map(value).collect();
    if values.is_empty() {
        return Ok(None);
    }
    Ok(Some(ReferenceSample::of_scores(range, &values)?))
}

/// Streams of what traffic and answers are like, held against these days.
pub(super) fn record_streams(
    days: &Days,
    first: &[&Day],
    spec: &LogSpec,
) -> Result<Vec<Watched>, DriftError> {
    let mut streams = Vec::new();
    let categories = spec.fields.categories.iter().map(|(name, _)| name.as_str());
    for (place, name) in WORDS.into_iter().chain(categories).enumerate() {
        let words = by_look(first, |day| days.words_of(day, place));
        if words.len() >= FEWEST {
            let sample = ReferenceSample::of_categories(&words);
            streams.push(Watched { column: Column::Word(place), rule: rule(name, spec), sample });
        }
    }
    for (place, name) in AMOUNTS.into_iter().enumerate() {
        let column = Column::Amount(place);
        if let Some(values) = enough(first, column) {
            let sample = ReferenceSample::of_amounts(&values)?;
            streams.push(Watched { column, rule: rule(name, spec), sample });
        }
    }
    if let Some(values) = enough(first, Column::Distance) {
        let sample = ReferenceSample::of_amounts(&values)?;
        streams.push(Watched { column: Column::Distance, rule: rule("embedding", spec), sample });
    }
    if let Some(values) = enough(first, Column::Failed) {
        let sample = ReferenceSample::of_scores(ScoreRange::UNIT, &values)?;
        let rule = rule("failed", spec).worse(Direction::Lower);
        streams.push(Watched { column: Column::Failed, rule, sample });
    }
    streams.extend(missing_streams(days, first, spec)?);
    Ok(streams)
}

/// A stream for each field that may be missing; together they weigh as much as one.
fn missing_streams(
    days: &Days,
    first: &[&Day],
    spec: &LogSpec,
) -> Result<Vec<Watched>, DriftError> {
    let of_all = rule("missing", spec);
    let mut streams = Vec::new();
    for (place, field) in days.fields.iter().enumerate() {
        let column = Column::Missing(place);
        if let Some(values) = enough(first, column) {
            let rule = StreamRule {
                name: format!("{RECORD_PREFIX}missing {field}"),
                weight: of_all.weight / days.fields.len() as f64,
                ..of_all.clone()
            };
            let sample = ReferenceSample::of_scores(ScoreRange::UNIT, &values)?;
            streams.push(Watched { column, rule: rule.worse(Direction::Lower), sample });
        }
    }
    Ok(streams)
}

fn enough(first: &[&Day], column: Column) -> Option<Vec<StreamValue<'static, f64>>> {
    let values = by_look(first, |day| day.numbers_of(column));
    (values.len() >= FEWEST).then_some(values)
}

/// Values of these days, each with its day: who comes on several counts on each, then as later.
fn by_look<V>(
    first: &[&Day],
    values: impl Fn(&Day) -> Vec<Seen<V>>,
) -> Vec<StreamValue<'static, V>> {
    let mut all = Vec::new();
    for (day, look) in first.iter().zip(0..) {
        let of_day = values(day).into_iter();
        all.extend(of_day.map(|seen| StreamValue { look, ..stream_value(seen) }));
    }
    all
}

/// How a stream beside the metrics is watched.
fn rule(name: &str, spec: &LogSpec) -> StreamRule {
    let cycle = if name == "model" { WatchCycle::Day } else { spec.watch.cycle };
    let rule = StreamRule::new(format!("{RECORD_PREFIX}{name}")).in_cycles_of(cycle.days());
    if spec.watch.alarm.contains(name) { rule } else { rule.context() }
}

impl Watched {
    /// Hands the values of a day to the monitor.
    pub(super) fn observe(&self, days: &Days, day: &Day, monitor: &mut DriftMonitor) {
        let Some(stream) = monitor.place(&self.rule.name) else { return };
        if let Column::Word(place) = self.column {
            for word in days.words_of(day, place) {
                monitor.observe_category(stream, &stream_value(word));
            }
        } else {
            for value in day.numbers_of(self.column) {
                monitor.observe(stream, &stream_value(value));
            }
        }
    }
}

fn stream_value<V>(Seen { value, cluster }: Seen<V>) -> StreamValue<'static, V> {
    StreamValue { cluster, ..StreamValue::of(value) }
}
