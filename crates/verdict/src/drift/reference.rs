//! The sample that a stream is held against: a released run's values, or those of a time that was
//! good.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::rule::ScoreRange;

use super::{
    amounts::Ranks,
    categories::Categories,
    error::DriftError,
    sums::{StreamValue, ValueSums},
};

/// A stratum with fewer units, or a smaller share of them, is counted with other small ones.
const FEWEST_UNITS: f64 = 10.0;
const SMALLEST_SHARE: f64 = 0.02;

/// What small strata are called together.
const OTHERS: &str = "(others)";

/// Values of a released run.
#[derive(Clone, Debug, PartialEq)]
pub struct ReferenceSample {
    pub(super) strata: Strata,
    pub(super) scale: ValueScale,
    /// Of every share (one, unless values are categories) each independent unit's value between 0 and 1; zeros that are not listed
    /// make up the number of units.
    pub(super) shares: Vec<Vec<f64>>,
    pub(super) n_units: usize,
    /// The mean amount.
    pub(super) amount: Option<f64>,
}

/// How values become ones between 0 and 1.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) enum ValueScale {
    Score {
        low: f64,
        high: f64,
    },
    /// By stratum.
    Amount(Vec<Ranks>),
    Category(Categories),
}

/// The strata of a released run and their mix.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Strata {
    place: BTreeMap<String, usize>,
    pub(super) names: Vec<String>,
    /// The share of units in each.
    pub(super) shares: Vec<f64>,
}

impl Strata {
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.place.get(name).copied()
    }

    /// Of the names, and the number of units that each has.
    fn of(units: &BTreeMap<&str, f64>) -> Self {
        let total: f64 = units.values().sum();
        let is_small = |n: f64| n < FEWEST_UNITS || n < SMALLEST_SHARE * total;
        let n_small = units.values().filter(|&&n| is_small(n)).count();
        let mut strata = Self::default();
        for (&name, &n) in units {
            let called = if n_small > 1 && is_small(n) { OTHERS } else { name };
            let known = strata.names.iter().position(|known| known == called);
            let at = known.unwrap_or_else(|| {
                strata.names.push(called.to_owned());
                strata.shares.push(0.0);
                strata.names.len() - 1
            });
            strata.shares[at] += n / total;
            strata.place.insert(name.to_owned(), at);
        }
        strata
    }
}

/// Values that make up one independent unit: their stratum, and their places.
struct Unit {
    stratum: usize,
    members: Vec<usize>,
}

impl ReferenceSample {
    /// Scores, or shares, within a range with two ends.
    pub fn of_scores(
        range: ScoreRange,
        values: &[StreamValue<'_, f64>],
    ) -> Result<Self, DriftError> {
        let ScoreRange { low, high } = range;
        if !(low < high && (high - low).is_finite()) {
            return Err(DriftError::Value(high));
        }
        if let Some(bad) = values.iter().find(|one| !(low..=high).contains(&one.value)) {
            return Err(DriftError::Value(bad.value));
        }
        let (strata, units) = units(values);
        let mean = |unit: &Unit| {
            let sum: f64 =
                unit.members.iter().map(|&at| (values[at].value - low) / (high - low)).sum();
            (sum / unit.members.len() as f64).clamp(0.0, 1.0)
        };
        let shares = vec![units.iter().map(mean).collect()];
        let scale = ValueScale::Score { low, high };
        Ok(Self { strata, scale, shares, n_units: units.len(), amount: None })
    }

    /// Amounts such as lengths, latencies, costs and distances.
    pub fn of_amounts(values: &[StreamValue<'_, f64>]) -> Result<Self, DriftError> {
        if let Some(bad) = values.iter().find(|one| !one.value.is_finite()) {
            return Err(DriftError::Value(bad.value));
        }
        let (strata, units) = units(values);
        let mut weighted = vec![Vec::new(); strata.names.len()];
        let mut total = 0.0;
        for unit in &units {
            let weight = 1.0 / unit.members.len() as f64;
            for &at in &unit.members {
                weighted[unit.stratum].push((values[at].value, weight));
                total += weight * values[at].value;
            }
        }
        let scale = ValueScale::Amount(weighted.into_iter().map(Ranks::of).collect());
        let amount = (!units.is_empty()).then(|| total / units.len() as f64);
        Ok(Self { strata, scale, shares: vec![Vec::new()], n_units: units.len(), amount })
    }

    /// Categories such as languages, finish reasons and the ids of models.
    pub fn of_categories(values: &[StreamValue<'_, &str>]) -> Self {
        let (strata, units) = units(values);
        let categories = Categories::of(values.iter().map(|one| one.value));
        let mut shares = vec![Vec::new(); categories.names().len()];
        for unit in &units {
            let mut counts: BTreeMap<usize, f64> = BTreeMap::new();
            for &at in &unit.members {
                *counts.entry(categories.share_of(values[at].value)).or_default() += 1.0;
            }
            for (share, count) in counts {
                shares[share].push(count / unit.members.len() as f64);
            }
        }
        let scale = ValueScale::Category(categories);
        Self { strata, scale, shares, n_units: units.len(), amount: None }
    }

    /// All units' values of a share.
    pub(super) fn values(&self, share: usize) -> Vec<f64> {
        let mut values = self.shares[share].clone();
        values.resize(self.n_units, 0.0);
        values
    }

    pub(super) fn sums(&self, share: usize) -> ValueSums {
        let mut sums = ValueSums::default();
        self.values(share).iter().for_each(|&value| sums.push(value, 0.0));
        sums
    }
}

/// Values by stratum and cluster.
fn units<V>(values: &[StreamValue<'_, V>]) -> (Strata, Vec<Unit>) {
    let mut clusters: BTreeMap<(&str, u64), Vec<usize>> = BTreeMap::new();
    let mut alone = Vec::new();
    for (at, value) in values.iter().enumerate() {
        match value.cluster {
            Some(cluster) => clusters.entry((value.stratum, cluster)).or_default().push(at),
            None => alone.push((value.stratum, vec![at])),
        }
    }
    let clusters = clusters.into_iter().map(|((stratum, _), members)| (stratum, members));
    let named: Vec<(&str, Vec<usize>)> = clusters.chain(alone).collect();
    let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
    for (name, _) in &named {
        *counts.entry(name).or_default() += 1.0;
    }
    let strata = Strata::of(&counts);
    let unit = |(name, members): (&str, Vec<usize>)| {
        strata.place(name).map(|stratum| Unit { stratum, members })
    };
    let units = named.into_iter().filter_map(unit).collect();
    (strata, units)
}
