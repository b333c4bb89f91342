//! What came in since the last test, by share and stratum, and how it is weighted back to the released
//! run's mix.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{bets::Weighted, reference::Strata, sums::ValueSums};

/// Values of one look, or of all looks since the last test.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Look {
    /// By share and stratum.
    sums: Vec<Vec<ValueSums>>,
    /// Independent units by stratum.
    units: Vec<f64>,
    /// Values of clusters that may still grow, by stratum.
    clusters: Vec<BTreeMap<u64, Cluster>>,
    pub(super) n_values: u64,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Cluster {
    n: f64,
    /// The sum in each share that it has anything in.
    sums: Vec<(usize, f64)>,
    amounts: f64,
}

impl Look {
    pub(super) fn new(n_shares: usize, n_strata: usize) -> Self {
        Self {
            sums: vec![vec![ValueSums::default(); n_strata]; n_shares],
            units: vec![0.0; n_strata],
            clusters: vec![BTreeMap::new(); n_strata],
            n_values: 0,
        }
    }

    /// Takes in a value between 0 and 1 of a share.
    pub(super) fn push(
        &mut self,
        share: usize,
        stratum: usize,
        cluster: Option<u64>,
        value: f64,
        amount: f64,
    ) {
        self.n_values += 1;
        let Some(cluster) = cluster else {
            self.units[stratum] += 1.0;
            self.sums[share][stratum].push(value, amount);
            return;
        };
        let cluster = self.clusters[stratum].entry(cluster).or_default();
        cluster.n += 1.0;
        cluster.amounts += amount;
        match cluster.sums.iter_mut().find(|one| one.0 == share) {
            Some(one) => one.1 += value,
            None => cluster.sums.push((share, value)),
        }
    }

    /// Takes in sums of independent values.
    pub(super) fn push_sums(&mut self, stratum: usize, sums: &ValueSums) {
        self.units[stratum] += sums.total();
        self.sums[0][stratum].add(sums);
    }

    /// Makes units of the clusters.
    pub(super) fn close(&mut self) {
        for (stratum, clusters) in self.clusters.iter_mut().enumerate() {
            for (_, cluster) in std::mem::take(clusters) {
                self.units[stratum] += 1.0;
                for (share, sum) in cluster.sums {
                    let value = (sum / cluster.n).clamp(0.0, 1.0);
                    self.sums[share][stratum].push(value, cluster.amounts / cluster.n);
                }
            }
        }
        // Whatever is in no share of its stratum is a zero there.
        for share in &mut self.sums {
            for (sums, units) in share.iter_mut().zip(&self.units) {
                sums.zeros += (units - sums.total()).max(0.0);
            }
        }
    }

    /// Adds a look that was closed.
    pub(super) fn add(&mut self, other: &Self) {
        for (sums, more) in self.sums.iter_mut().flatten().zip(other.sums.iter().flatten()) {
            sums.add(more);
        }
        for (units, more) in self.units.iter_mut().zip(&other.units) {
            *units += more;
        }
        self.n_values += other.n_values;
    }

    pub(super) fn n_units(&self) -> f64 {
        self.units.iter().sum()
    }

    /// The places of strata without a value.
    pub(super) fn lacking(&self) -> impl Iterator<Item = usize> {
        self.units.iter().enumerate().filter(|one| *one.1 <= 0.0).map(|one| one.0)
    }

    /// A share's strata, weighted to the released run's mix. Strata that are lacking count as if all their values were ones, or
    /// zeros where the values are `mirrored`: the bets are on the opposite.
    pub(super) fn weighted(&self, share: usize, strata: &Strata, mirrored: bool) -> Vec<Weighted> {
        let missing: f64 = self.lacking().map(|at| strata.shares[at]).sum();
        let total = self.n_units() / (1.0 - missing).max(f64::MIN_POSITIVE);
        let one = |(at, sums): (usize, &ValueSums)| {
            let expected = strata.shares[at] * total;
            if self.units[at] <= 0.0 {
                let sums = ValueSums { ones: expected, ..ValueSums::default() };
                return Weighted { sums, weight: 1.0 };
            }
            let sums = if mirrored { sums.mirrored() } else { *sums };
            Weighted { sums, weight: expected / self.units[at] }
        };
        self.sums[share].iter().enumerate().map(one).collect()
    }

    /// A share's mean in the released run's mix, as far as it has the strata: for the history.
    pub(super) fn point(&self, share: usize, strata: &Strata, at: i64) -> Point {
        let (mut mean, mut within, mut amount, mut weights) = (0.0, 0.0, 0.0, 0.0);
        for (sums, share) in self.sums[share].iter().zip(&strata.shares) {
            let n = sums.total();
            if n > 0.0 {
                weights += share;
                mean += share * sums.mean();
                within += share * sums.squares() / n;
                amount += share * sums.amounts / n;
            }
        }
        let weights = if weights > 0.0 { weights } else { 1.0 };
        let n = self.n_units();
        Point { at, n, mean: mean / weights, within: within / weights, amount: amount / weights }
    }
}

/// One look of a share's history.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Point {
    pub(super) at: i64,
    /// Independent units.
    pub(super) n: f64,
    pub(super) mean: f64,
    /// The variance of units about their stratum's mean.
    pub(super) within: f64,
    pub(super) amount: f64,
}
