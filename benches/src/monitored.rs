//! Production in which nothing changes, watched for a year as `evalmark monitor` watches it: in weeks whose weekends
//! differ, metrics against a released run and all else against the first seven days, all streams at one alpha.

use evalmark_core::metric::Direction;
use evalmark_verdict::{
    DriftMonitor, DriftRule, ReferenceSample, ScoreRange, StreamRule, StreamValue,
};
use rand::RngExt;

use crate::{
    cell::ALPHA,
    drift::{YEAR, counts},
    grid::Experiment,
    runner::{Rng, Runner},
    shapes::normal,
    table::{Row, Tolerance, three_sigma},
};

/// Days that streams beside the metrics are held against.
const FIRST_DAYS: i64 = 7;

/// Items of the released run.
const RELEASED: u64 = 300;

/// What one stream is of.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Column {
    /// A metric: right or wrong, with this chance.
    Right(f64),
    /// A metric between 0 and 1, six in ten at the top.
    Graded,
    /// Log-normal lengths.
    Lengths,
    /// The model as served: one, or another for one record in twenty.
    Model,
    /// Why answers ended: three reasons, one of them rare.
    Finish,
    /// Whether a field is missing, with this chance.
    Missing(f64),
}

/// Who writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Users {
    /// Somebody else each time.
    Once,
    /// Twenty who come every day, with habits of their own, and many who come now and then.
    Regular,
}

/// Streams of one monitor.
#[derive(Clone, Debug)]
pub(crate) struct Monitored {
    pub(crate) name: &'static str,
    pub(crate) columns: Vec<Column>,
    pub(crate) users: Users,
    pub(crate) repeats: u32,
}

/// A record: whose it is, and whether that is one of those who come every day.
#[derive(Clone, Copy)]
struct Record {
    user: Option<u64>,
    is_regular: bool,
}

impl Column {
    fn is_metric(self) -> bool {
        matches!(self, Self::Right(_) | Self::Graded)
    }

    fn is_category(self) -> bool {
        matches!(self, Self::Model | Self::Finish)
    }

    fn rule(self, name: String, n_missing: usize) -> StreamRule {
        let rule = StreamRule::new(name).in_cycles_of(7);
        match self {
            Self::Right(_) | Self::Graded => rule.worse(Direction::Higher),
            Self::Model => rule.in_cycles_of(1),
            // All fields that may be missing weigh as much as one stream.
            Self::Missing(_) => {
                let rule = StreamRule { weight: 1.0 / n_missing as f64, ..rule };
                rule.worse(Direction::Lower)
            }
            Self::Lengths | Self::Finish => rule,
        }
    }

    /// The chance of a one.
    fn chance(self, is_regular: bool) -> f64 {
        match self {
            Self::Missing(chance) if is_regular => 10.0 * chance,
            Self::Right(chance) | Self::Missing(chance) => chance,
            _ => 0.0,
        }
    }

    fn number(self, rng: &mut Rng, is_regular: bool) -> f64 {
        match self {
            Self::Graded if rng.random_bool(0.6) => 1.0,
            Self::Graded => rng.random_range(0.5..1.0),
            Self::Lengths => (normal(rng) + f64::from(u8::from(is_regular))).exp(),
            _ => f64::from(u8::from(rng.random_bool(self.chance(is_regular)))),
        }
    }

    fn word(self, rng: &mut Rng, is_regular: bool) -> &'static str {
        let draw = rng.random_range(0..1000);
        match (self, is_regular) {
            (Self::Model, false) if draw < 50 => "model-2",
            (Self::Model, true) if draw < 200 => "model-2",
            (Self::Model, _) => "model-1",
            (_, false) if draw < 20 => "length",
            (_, true) if draw < 150 => "length",
            _ if draw >= 997 => "content_filter",
            _ => "stop",
        }
    }
}

impl Users {
    fn day(self, rng: &mut Rng, at: i64) -> Vec<Record> {
        let is_weekend = at % 7 >= 5;
        if self == Self::Once {
            let n = if is_weekend { 33 } else { 100 };
            return vec![Record { user: None, is_regular: false }; n];
        }
        let regular = (0..40).map(|one| Record { user: Some(one % 20), is_regular: true });
        let others = 0..if is_weekend { 20 } else { 60 };
        let others = others.map(|_| rng.random_range(100..700));
        regular.chain(others.map(|user| Record { user: Some(user), is_regular: false })).collect()
    }
}

impl Monitored {
    /// Whether any stream raises an alarm within a year.
    fn alarms(&self, rng: &mut Rng) -> bool {
        let first: Vec<_> = (0..FIRST_DAYS).map(|at| self.users.day(rng, at)).collect();
        let n_missing =
            self.columns.iter().filter(|column| matches!(column, Column::Missing(_))).count();
        let stream = |(place, &column): (usize, &Column)| {
            (column.rule(place.to_string(), n_missing), sample(rng, column, &first))
        };
        let streams = self.columns.iter().enumerate().map(stream).collect();
        let rule = DriftRule { alpha: ALPHA, ..DriftRule::default() };
        let mut monitor = DriftMonitor::new(rule, streams).expect("the rule is sound");
        (0..YEAR).any(|at| {
            let records = self.users.day(rng, at);
            for (place, &column) in self.columns.iter().enumerate() {
                if column.is_metric() || at >= FIRST_DAYS {
                    self.observe(rng, &mut monitor, (place, column), &records);
                }
            }
            monitor.close_look(at)
        })
    }

    fn observe(
        &self,
        rng: &mut Rng,
        monitor: &mut DriftMonitor,
        (place, column): (usize, Column),
        records: &[Record],
    ) {
        let is_share = matches!(column, Column::Right(_) | Column::Missing(_));
        if is_share && self.users == Users::Once {
            let sums = counts(rng, records.len() as u64, column.chance(false));
            monitor.observe_sums(place, "", &sums);
        } else if column.is_category() {
            for &record in records {
                monitor.observe_category(place, &word(rng, column, record));
            }
        } else {
            for &record in records {
                monitor.observe(place, &number(rng, column, record));
            }
        }
    }
}

fn word(rng: &mut Rng, column: Column, record: Record) -> StreamValue<'static, &'static str> {
    let value = column.word(rng, record.is_regular);
    StreamValue { cluster: record.user, ..StreamValue::of(value) }
}

fn number(rng: &mut Rng, column: Column, record: Record) -> StreamValue<'static, f64> {
    let value = column.number(rng, record.is_regular);
    StreamValue { cluster: record.user, ..StreamValue::of(value) }
}

/// What a stream is held against.
fn sample(rng: &mut Rng, column: Column, first: &[Vec<Record>]) -> ReferenceSample {
    let records = first.iter().zip(0..);
    let records = records.flat_map(|(day, look)| day.iter().map(move |&record| (look, record)));
    if column.is_category() {
        let word = |(look, record)| StreamValue { look, ..word(rng, column, record) };
        let words: Vec<_> = records.map(word).collect();
        return ReferenceSample::of_categories(&words);
    }
    let numbers: Vec<_> = if column.is_metric() {
        (0..RELEASED).map(|_| StreamValue::of(column.number(rng, false))).collect()
    } else {
        let number = |(look, record)| StreamValue { look, ..number(rng, column, record) };
        records.map(number).collect()
    };
    if column == Column::Lengths {
        ReferenceSample::of_amounts(&numbers).expect("lengths are numbers")
    } else {
        ReferenceSample::of_scores(ScoreRange::UNIT, &numbers).expect("shares are in range")
    }
}

impl Experiment for Monitored {
    fn label(&self) -> String {
        format!("drift monitor {}", self.name)
    }

    fn rows(&self, runner: Runner) -> Vec<Row> {
        let found = runner.shares(&self.label(), self.repeats, |rng| [self.alarms(rng)]);
        let has_metrics = self.columns.iter().any(|column| column.is_metric());
        let against = if has_metrics { RELEASED.to_string() } else { "first week".into() };
        vec![Row {
            rate: "false alarms a year",
            rule: "drift".into(),
            shape: format!("monitor: {}", self.name),
            n: against,
            nominal: ALPHA,
            observed: found.of[0],
            tolerance: Tolerance::AtMost(ALPHA + three_sigma(ALPHA, found.repeats)),
            repeats: found.repeats,
        }]
    }
}

/// The settings of `evalmark monitor`, stream by stream, and a whole monitor.
pub(crate) fn monitored(repeats: u32) -> Vec<Monitored> {
    let one = |name, column| Monitored { name, columns: vec![column], users: Users::Once, repeats };
    let whole = [
        Column::Right(0.9),
        Column::Right(0.995),
        Column::Graded,
        Column::Model,
        Column::Finish,
        Column::Finish,
    ];
    let missing = [0.0, 0.0, 0.003, 0.01, 0.05, 0.1].map(Column::Missing);
    let shown = [Column::Model, Column::Finish, Column::Lengths, Column::Missing(0.005)];
    vec![
        one("right answers, 90 %", Column::Right(0.9)),
        one("rare failures, 0.5 %", Column::Right(0.995)),
        one("scores at a ceiling", Column::Graded),
        one("lengths", Column::Lengths),
        one("model as served", Column::Model),
        one("finish reason", Column::Finish),
        one("a missing field, 0.3 %", Column::Missing(0.003)),
        Monitored {
            name: "all streams together",
            columns: [&whole[..], &missing].concat(),
            users: Users::Once,
            repeats,
        },
        Monitored {
            name: "all beside the metrics, some users every day",
            columns: shown.into(),
            users: Users::Regular,
            repeats,
        },
    ]
}
