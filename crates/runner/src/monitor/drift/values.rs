//! Values of production by day, column by column: what streams are made of.

use std::collections::{BTreeMap, HashMap};

use evalmark_core::logs::{LogField, LogSpec};
use evalmark_report::records::RecordRow;

/// Amounts of a record that are watched, by the names of their streams.
pub(super) const AMOUNTS: [&str; 6] =
    ["input_chars", "output_chars", "latency_ms", "input_tokens", "output_tokens", "cost_usd"];

/// Words of a record that are watched; categories of the suite follow.
pub(super) const WORDS: [&str; 5] =
    ["model", "prompt_hash", "finish_reason", "outcome", "language"];

/// More fields than this are not told apart.
const MOST_FIELDS: usize = 64;

/// No word.
const NONE: u32 = u32::MAX;

/// The records of one day. Each column has a value for each record.
#[derive(Default)]
pub(super) struct Day {
    /// 0 is none.
    clusters: Vec<u64>,
    /// By metric; what is no number was not scored.
    scores: Vec<Vec<f64>>,
    /// By [`AMOUNTS`]; what is no number is not there.
    amounts: [Vec<f32>; AMOUNTS.len()],
    /// By [`WORDS`] and category.
    words: Vec<Vec<u32>>,
    /// By field: a bit where it is missing.
    missing: Vec<u64>,
    failed: Vec<bool>,
    /// Of some of the records.
    pub(super) distances: Vec<Seen<f64>>,
}

/// Values of production by day.
pub(super) struct Days {
    pub(super) by_day: BTreeMap<i64, Day>,
    /// Words that were seen, and their numbers.
    words: Vec<String>,
    numbers: HashMap<String, u32>,
    /// Fields that each record should have.
    pub(super) fields: Vec<String>,
}

/// What values of a record are of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Column {
    /// A metric.
    Score(usize),
    /// One of [`AMOUNTS`].
    Amount(usize),
    /// One of [`WORDS`], or a category behind them.
    Word(usize),
    /// Whether a field is missing.
    Missing(usize),
    /// Whether there is no answer.
    Failed,
    /// How far the vector that is watched is from those of the first days.
    Distance,
}

/// A value, and whose it is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Seen<V> {
    pub(super) value: V,
    pub(super) cluster: Option<u64>,
}

impl Days {
    pub(super) fn new(spec: &LogSpec) -> Self {
        let may_lack = [LogField::Error, LogField::Target, LogField::Stratum];
        let named = LogField::ALL
            .into_iter()
            .filter(|field| spec.fields.path(*field).is_some() && !may_lack.contains(field));
        let named = named.map(|field| field.name().to_owned());
        let own = spec.fields.variables.iter().chain(&spec.fields.categories);
        let fields = named.chain(own.map(|(name, _)| name.clone())).take(MOST_FIELDS).collect();
        Self { by_day: BTreeMap::new(), words: Vec::new(), numbers: HashMap::new(), fields }
    }

    /// Takes in a record of a day with its scores.
    pub(super) fn see(
        &mut self,
        day: i64,
        row: &RecordRow<'_>,
        cluster: Option<u64>,
        scores: impl Iterator<Item = Option<f64>>,
    ) {
        let has_failed = row.outcome == "failed";
        let fixed =
            [row.model, row.prompt_hash, row.finish_reason, Some(row.outcome), row.language];
        let words = fixed.into_iter().chain(row.categories.iter().copied());
        let words: Vec<_> = words.map(|word| self.number(word.filter(|_| !has_failed))).collect();
        let is_missing = |field: &String| row.missing.contains(field);
        let missing = self.fields.iter().enumerate().filter(|(_, field)| is_missing(field));
        let missing = missing.fold(0, |bits, (place, _)| bits | 1 << place);
        let day = self.by_day.entry(day).or_default();
        day.clusters.push(cluster.map_or(0, |cluster| cluster.max(1)));
        fill(&mut day.scores, scores.map(|score| score.unwrap_or(f64::NAN)));
        fill(&mut day.words, words.into_iter());
        for (column, amount) in day.amounts.iter_mut().zip(amounts(row)) {
            column.push(amount.filter(|_| !has_failed).unwrap_or(f32::NAN));
        }
        day.missing.push(missing);
        day.failed.push(has_failed);
    }

    /// The number of a word; there are few.
    fn number(&mut self, word: Option<&str>) -> u32 {
        let Some(word) = word else { return NONE };
        if let Some(number) = self.numbers.get(word) {
            return *number;
        }
        let Ok(number) = u32::try_from(self.words.len()) else { return NONE };
        self.words.push(word.to_owned());
        self.numbers.insert(word.to_owned(), number);
        number
    }

    /// The words of a column on some of the days.
    pub(super) fn words_of(&self, day: &Day, place: usize) -> Vec<Seen<&str>> {
        let column = day.words.get(place).map_or(&[][..], |column| column);
        let word = |number: u32| self.words.get(number as usize).map(String::as_str);
        let each = column.iter().enumerate();
        each.filter_map(|(at, number)| Some(day.seen(at, word(*number)?))).collect()
    }
}

impl Day {
    /// The numbers of a column.
    pub(super) fn numbers_of(&self, column: Column) -> Vec<Seen<f64>> {
        if column == Column::Distance {
            return self.distances.clone();
        }
        let whether = |yes: bool| f64::from(u8::from(yes));
        let of = |at: usize| match column {
            Column::Score(place) => self.scores.get(place)?.get(at).copied(),
            Column::Amount(place) => self.amounts.get(place)?.get(at).map(|one| f64::from(*one)),
            Column::Missing(place) => {
                let is_answered = !self.failed.get(at)?;
                is_answered.then_some(whether(self.missing.get(at)? >> place & 1 == 1))
            }
            Column::Failed => self.failed.get(at).map(|failed| whether(*failed)),
            Column::Word(_) | Column::Distance => None,
        };
        let each = (0..self.clusters.len()).filter_map(|at| Some((at, of(at)?)));
        let known = each.filter(|(_, value)| !value.is_nan());
        known.map(|(at, value)| self.seen(at, value)).collect()
    }

    fn seen<V>(&self, at: usize, value: V) -> Seen<V> {
        let cluster = self.clusters.get(at).copied().filter(|cluster| *cluster != 0);
        Seen { value, cluster }
    }
}

/// Adds a value to each column; there are as many for each record.
fn fill<V>(columns: &mut Vec<Vec<V>>, values: impl Iterator<Item = V>) {
    for (place, value) in values.enumerate() {
        if columns.len() <= place {
            columns.push(Vec::new());
        }
        columns[place].push(value);
    }
}

/// By [`AMOUNTS`].
#[expect(clippy::cast_possible_truncation, reason = "amounts are compared by their ranks")]
fn amounts(row: &RecordRow<'_>) -> [Option<f32>; AMOUNTS.len()] {
    let count = |count: Option<u64>| count.map(|count| count as f64);
    let all = [
        count(row.input_chars),
        count(Some(row.output_chars)),
        row.latency_ms,
        count(row.input_tokens),
        count(row.output_tokens),
        row.cost_usd,
    ];
    all.map(|amount| amount.map(|amount| amount as f32).filter(|amount| amount.is_finite()))
}
