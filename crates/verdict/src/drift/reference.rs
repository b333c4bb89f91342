//! The sample that a stream is held against: a released run's values, or those of a time that was
//! good.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::rule::ScoreRange;

use super::{
    amounts::Ranks, bounds::WeightedValue, categories::Categories, error::DriftError,
    sums::StreamValue,
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
    /// Of every share (one, unless values are categories) the independent units, by place, whose value between 0 and 1 is not 0.
    pub(super) shares: Vec<Vec<(usize, f64)>>,
    /// Of every unit: the looks that it has values in. It counts as often, as it does in production.
    pub(super) weights: Vec<f64>,
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
    /// The share of units in each, by their weight.
    pub(super) shares: Vec<f64>,
}

impl Strata {
    pub(super) fn place(&self, name: &str) -> Option<usize> {
        self.place.get(name).copied()
    }

    /// Of the names, and the weight of the units that each has.
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

/// Values that make up one independent unit: their stratum, and their places by look.
struct Unit {
    stratum: usize,
    looks: Vec<Vec<usize>>,
}

impl Unit {
    fn weight(&self) -> f64 {
        self.looks.len() as f64
    }

    /// The mean over its looks, in each of which it counts once, as it does in production.
    fn mean(&self, value: impl Fn(usize) -> f64) -> f64 {
        let look = |places: &Vec<usize>| {
            places.iter().map(|&at| value(at)).sum::<f64>() / places.len() as f64
        };
        (self.looks.iter().map(look).sum::<f64>() / self.weight()).clamp(0.0, 1.0)
    }

    /// Each value's place, and its part of the unit's weight.
    fn members(&self) -> impl Iterator<Item = (usize, f64)> {
        self.looks.iter().flat_map(|places| {
            let part = 1.0 / places.len() as f64;
            places.iter().map(move |&at| (at, part))
        })
    }
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
        let mean = |(place, unit): (usize, &Unit)| {
            (place, unit.mean(|at| (values[at].value - low) / (high - low)))
        };
        let shares = vec![units.iter().enumerate().map(mean).collect()];
        let scale = ValueScale::Score { low, high };
        Ok(Self { strata, scale, shares, weights: weights(&units), amount: None })
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
            for (at, part) in unit.members() {
                weighted[unit.stratum].push((values[at].value, part));
                total += part * values[at].value;
            }
        }
        let scale = ValueScale::Amount(weighted.into_iter().map(Ranks::of).collect());
        let weights = weights(&units);
        let amount = (!units.is_empty()).then(|| total / weights.iter().sum::<f64>());
        Ok(Self { strata, scale, shares: vec![Vec::new()], weights, amount })
    }

    /// Categories such as languages, finish reasons and the ids of models.
    pub fn of_categories(values: &[StreamValue<'_, &str>]) -> Self {
        let (strata, units) = units(values);
        let categories = Categories::of(values.iter().map(|one| one.value));
        let mut shares = vec![Vec::new(); categories.names().len()];
        for (unit, place) in units.iter().zip(0..) {
            let share_of = |at: usize| categories.share_of(values[at].value);
            let present: BTreeSet<usize> = unit.members().map(|(at, _)| share_of(at)).collect();
            for share in present {
                let is_there = |at: usize| f64::from(u8::from(share_of(at) == share));
                shares[share].push((place, unit.mean(is_there)));
            }
        }
        let scale = ValueScale::Category(categories);
        Self { strata, scale, shares, weights: weights(&units), amount: None }
    }

    /// All units' values of a share.
    pub(super) fn units(&self, share: usize) -> Vec<WeightedValue> {
        let unit = |&weight: &f64| WeightedValue { value: 0.0, weight };
        let mut units: Vec<_> = self.weights.iter().map(unit).collect();
        for &(place, value) in &self.shares[share] {
            units[place].value = value;
        }
        units
    }

    /// How many units of equal weight are known as well as these (Kish).
    pub(super) fn effective_units(&self) -> f64 {
        let sum: f64 = self.weights.iter().sum();
        sum * sum / self.weights.iter().map(|weight| weight * weight).sum::<f64>()
    }
}

fn weights(units: &[Unit]) -> Vec<f64> {
    units.iter().map(Unit::weight).collect()
}

/// Values by stratum and cluster, and within a cluster by look.
fn units<V>(values: &[StreamValue<'_, V>]) -> (Strata, Vec<Unit>) {
    let mut clusters: BTreeMap<(&str, u64), BTreeMap<u32, Vec<usize>>> = BTreeMap::new();
    let mut alone = Vec::new();
    for (at, value) in values.iter().enumerate() {
        match value.cluster {
            Some(cluster) => {
                let looks = clusters.entry((value.stratum, cluster)).or_default();
                looks.entry(value.look).or_default().push(at);
            }
            None => alone.push((value.stratum, vec![vec![at]])),
        }
    }
    let looks = |looks: BTreeMap<u32, Vec<usize>>| looks.into_values().collect();
    let clusters = clusters.into_iter().map(|((stratum, _), members)| (stratum, looks(members)));
    let named: Vec<(&str, Vec<Vec<usize>>)> = clusters.chain(alone).collect();
    let mut counts: BTreeMap<&str, f64> = BTreeMap::new();
    for (name, looks) in &named {
        *counts.entry(name).or_default() += looks.len() as f64;
    }
    let strata = Strata::of(&counts);
    let unit = |(name, looks): (&str, Vec<Vec<usize>>)| {
        strata.place(name).map(|stratum| Unit { stratum, looks })
    };
    let units = named.into_iter().filter_map(unit).collect();
    (strata, units)
}
