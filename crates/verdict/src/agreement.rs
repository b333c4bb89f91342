//! How far raters agree beyond chance: a judge with people, or people with each other.
//!
//! Krippendorff, "Computing Krippendorff's Alpha-Reliability" (2011); Fleiss, Psychological Bulletin
//! 1971; Cohen, Educational and Psychological Measurement 1960. All are 1 where all agree, 0 where they agree as chance would have it, and undefined where
//! nothing varies: then agreement says nothing.

/// What the distance of two ratings means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scale {
    /// Names: the same or not.
    Nominal,
    /// Ranks: by how many ratings lie between.
    Ordinal,
    /// Numbers: by their difference.
    Interval,
    /// Numbers from a true zero: by their difference as a share of their sum.
    Ratio,
}

/// Krippendorff's alpha of raters (rows) over units (columns); `None` is a rating that is missing.
///
/// Units with fewer than two ratings are left out. `None` where rows differ in length, where a rating
/// is not finite, or where the ratings do not vary.
pub fn krippendorff_alpha(ratings: &[Vec<Option<f64>>], scale: Scale) -> Option<f64> {
    let n_units = ratings.first()?.len();
    if ratings.iter().any(|row| row.len() != n_units) {
        return None;
    }
    // Adding zero makes the two zeros one value.
    let units: Vec<Vec<f64>> = (0..n_units)
        .map(|unit| ratings.iter().filter_map(|row| row[unit]).map(|value| value + 0.0).collect())
        .filter(|unit: &Vec<f64>| unit.len() > 1)
        .collect();
    let mut values: Vec<f64> = units.iter().flatten().copied().collect();
    if values.iter().any(|value| !value.is_finite()) {
        return None;
    }
    values.sort_by(f64::total_cmp);
    let n = values.len() as f64;
    let values = Frequencies::of(&values);
    let mut observed = 0.0;
    for unit in &units {
        let places: Vec<usize> = unit.iter().map(|value| values.place(*value)).collect();
        let pairs = places.iter().flat_map(|a| places.iter().map(move |b| (*a, *b)));
        let sum: f64 = pairs.map(|(a, b)| values.distance(a, b, scale)).sum();
        observed += sum / (unit.len() as f64 - 1.0);
    }
    let mut expected = 0.0;
    for a in 0..values.values.len() {
        for b in 0..values.values.len() {
            expected += values.counts[a] * values.counts[b] * values.distance(a, b, scale);
        }
    }
    (expected > 0.0).then(|| 1.0 - (n - 1.0) * observed / expected)
}

/// The values that occur, ascending, and how often.
struct Frequencies {
    values: Vec<f64>,
    counts: Vec<f64>,
    /// Ratings below each value.
    below: Vec<f64>,
}

impl Frequencies {
    fn of(sorted: &[f64]) -> Self {
        let (mut values, mut counts, mut below) = (Vec::new(), Vec::new(), Vec::new());
        let mut before = 0.0;
        for same in sorted.chunk_by(|a, b| a.total_cmp(b).is_eq()) {
            values.push(same[0]);
            counts.push(same.len() as f64);
            below.push(before);
            before += same.len() as f64;
        }
        Self { values, counts, below }
    }

    fn place(&self, value: f64) -> usize {
        self.values.partition_point(|other| other.total_cmp(&value).is_lt())
    }

    /// The squared distance of two values.
    fn distance(&self, a: usize, b: usize, scale: Scale) -> f64 {
        let (low, high) = (a.min(b), a.max(b));
        if low == high {
            return 0.0;
        }
        let (x, y) = (self.values[low], self.values[high]);
        match scale {
            Scale::Nominal => 1.0,
            Scale::Ordinal => {
                let between = self.below[high] + self.counts[high] - self.below[low];
                (between - f64::midpoint(self.counts[low], self.counts[high])).powi(2)
            }
            Scale::Interval => (x - y).powi(2),
            Scale::Ratio if x + y == 0.0 => 0.0,
            Scale::Ratio => ((x - y) / (x + y)).powi(2),
        }
    }
}

/// Sums for Krippendorff's alpha of numbers (their squared difference is their distance), so that
/// ratings need not be kept.
#[derive(Clone, Debug, Default)]
pub struct AlphaSums {
    n: f64,
    sum: f64,
    squares: f64,
    observed: f64,
    /// The smallest and the largest rating.
    range: Option<(f64, f64)>,
}

impl AlphaSums {
    /// Takes in the ratings of one unit, of which there may be fewer than raters; a single one says
    /// nothing of agreement and is left out.
    ///
    /// Ratings are best centred near zero: they are, from 0 to 1. One that is not finite leaves its
    /// unit out.
    pub fn add(&mut self, ratings: impl Iterator<Item = f64>) {
        let ratings: Vec<f64> = ratings.collect();
        if ratings.len() < 2 || ratings.iter().any(|rating| !rating.is_finite()) {
            return;
        }
        let m = ratings.len() as f64;
        let sum: f64 = ratings.iter().sum();
        let deviations: f64 = ratings.iter().map(|rating| (rating - sum / m).powi(2)).sum();
        self.n += m;
        self.sum += sum;
        self.squares += ratings.iter().map(|rating| rating * rating).sum::<f64>();
        // The squared differences of all ordered pairs are twice m times the squared deviations.
        self.observed += 2.0 * m * deviations / (m - 1.0);
        for rating in ratings {
            let (low, high) = self.range.unwrap_or((rating, rating));
            self.range = Some((low.min(rating), high.max(rating)));
        }
    }

    /// Alpha of what was taken in; `None` where the ratings do not vary.
    pub fn alpha(&self) -> Option<f64> {
        self.range.filter(|(low, high)| low < high)?;
        let expected = 2.0 * (self.n * self.squares - self.sum * self.sum);
        (expected > 0.0).then(|| 1.0 - (self.n - 1.0) * self.observed / expected)
    }
}

/// Cohen's kappa of two raters over a square table of counts: rows are the one's categories,
/// columns the other's.
///
/// Cohen, Educational and Psychological Measurement 1960. `None` without a count, where the table
/// is not square, or where both used one same category throughout.
pub fn cohen_kappa(counts: &[Vec<u64>]) -> Option<f64> {
    let size = counts.len();
    let n: u64 = counts.iter().flatten().sum();
    if n == 0 || counts.iter().any(|row| row.len() != size) {
        return None;
    }
    let n = n as f64;
    let observed = (0..size).map(|i| counts[i][i] as f64).sum::<f64>() / n;
    let row = |i: usize| counts[i].iter().sum::<u64>() as f64;
    let column = |i: usize| counts.iter().map(|row| row[i]).sum::<u64>() as f64;
    let by_chance: f64 = (0..size).map(|i| row(i) * column(i) / (n * n)).sum();
    (by_chance < 1.0).then(|| (observed - by_chance) / (1.0 - by_chance))
}

/// Fleiss' kappa of subjects (rows) by categories (columns): how many raters chose each.
///
/// `None` without a subject, where subjects differ in their number of raters or have fewer than two,
/// or where all raters chose one category throughout.
pub fn fleiss_kappa(counts: &[Vec<u64>]) -> Option<f64> {
    let raters: u64 = counts.first()?.iter().sum();
    let n_categories = counts[0].len();
    let sound = |row: &Vec<u64>| row.len() == n_categories && row.iter().sum::<u64>() == raters;
    if raters < 2 || !counts.iter().all(sound) {
        return None;
    }
    let (subjects, raters) = (counts.len() as f64, raters as f64);
    let squares = |row: &Vec<u64>| row.iter().map(|&n| (n as f64).powi(2)).sum::<f64>();
    let agreement = |row: &Vec<u64>| (squares(row) - raters) / (raters * (raters - 1.0));
    let observed = counts.iter().map(agreement).sum::<f64>() / subjects;
    let share = |category: usize| {
        counts.iter().map(|row| row[category] as f64).sum::<f64>() / (subjects * raters)
    };
    let by_chance: f64 = (0..n_categories).map(|category| share(category).powi(2)).sum();
    (by_chance < 1.0).then(|| (observed - by_chance) / (1.0 - by_chance))
}
