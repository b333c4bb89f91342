//! The ratio of a quantile, such as the 95th percentile of latency, by a paired bootstrap.
//!
//! Items (whole clusters where there are any) occur a Poisson number of times in a resample, in
//! both variants at once; the bounds are percentiles of the resampled log-ratio. Only items that come
//! near the quantile in either variant are drawn one by one, eight standard errors of the rank to
//! each side: all others lie on one side of it for certain, and are drawn by their number. So a
//! resample costs as much as the root of the number of items.

use evalmark_core::number_format::count;
use rayon::prelude::*;

use crate::bootstrap::{PoissonTable, seed_of};
use crate::clustered;
use crate::continuous::{GRAIN, differing_share, grouped};
use crate::few_changed::{Clusters, Ends, FewChanged};
use crate::missing::Pair;
use crate::power::whole_items;
use crate::random::SplitMix;
use crate::rare_events::Groups;
use crate::ratio::log_ratio;
use crate::rule::Rule;
use crate::running_moments::Moments;
use crate::special::normal_upper;
use crate::test_result::{POWER, Reach, TestResult, deciding_effect};

/// What the quantile `q` of both variants' amounts says; `logs` are the pairs' log-ratios.
pub(crate) fn weigh(amounts: &[Pair], logs: &[Pair], q: f64, rule: &Rule) -> Option<TestResult> {
    let n = amounts.len() as u64;
    let groups = grouped(logs, rule.range);
    let variants = [sorted(amounts, |p| p.baseline)?, sorted(amounts, |p| p.candidate)?];
    let [before, after] = [at(&variants[0], q)?, at(&variants[1], q)?];
    let units = if clustered::dependent(amounts) { amounts_units(amounts) } else { n };
    let mut found = TestResult {
        estimate: log_ratio(before, after),
        discordance: differing_share(&groups, n),
        ..TestResult::unbounded("quantile_bootstrap", n, [before, after])
    };
    // The quantile's upper bound is the largest value at best: that takes so many.
    let least = whole_items(rule.alpha.ln() / q.max(1.0 - q).ln());
    if least.is_none_or(|least| units < least) {
        let least = least.map_or_else(|| "more".to_owned(), count);
        found.notes.push(format!(
            "{} items are too few to bound a quantile of {q}: that takes {least}",
            count(units)
        ));
        return Some(found);
    }
    let seed = seed_of(&groups);
    resampled(&mut found, &Draws::new(amounts, &variants, q).all(seed, rule.resamples), rule);
    found.seed = Some(seed);
    if let Some(missed) = missed(logs, &groups, rule) {
        hold_back(&mut found, &variants, &groups, (q, missed), rule);
    }
    Some(found)
}

fn amounts_units(amounts: &[Pair]) -> u64 {
    let mut units: Vec<u64> = amounts.iter().map(|pair| pair.unit).collect();
    units.sort_unstable();
    units.dedup();
    units.len() as u64
}

/// Amounts in ascending order with their places; `None` without any.
fn sorted(amounts: &[Pair], of: fn(&Pair) -> f64) -> Option<Vec<(f64, usize)>> {
    let mut values: Vec<(f64, usize)> =
        amounts.iter().enumerate().map(|(place, pair)| (of(pair), place)).collect();
    values.par_sort_unstable_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    (!values.is_empty()).then_some(values)
}

/// The smallest value that a share `q` does not exceed.
fn at(values: &[(f64, usize)], q: f64) -> Option<f64> {
    values.get(rank(values.len(), q)).map(|value| value.0)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of a number of items"
)]
fn rank(n: usize, q: f64) -> usize {
    ((q * n as f64 - 1e-9).ceil().max(1.0) as usize - 1).min(n)
}

/// Bounds and p-values from the resampled log-ratios, ascending.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a share of the number of resamples"
)]
fn resampled(found: &mut TestResult, values: &[f64], rule: &Rule) {
    let total = (values.len() + 1) as f64;
    let inner = ((rule.alpha * total * (1.0 + 1e-12)) as usize).max(1) - 1;
    let Some(last) = values.len().checked_sub(inner + 1) else { return };
    (found.lower, found.upper) = (values[inner], values[last]);
    let drops = values.partition_point(|&value| value < 0.0);
    let beyond = values.partition_point(|&value| value <= -rule.margin);
    found.p_regressed = (1 + values.len() - drops) as f64 / total;
    found.p_pass = (1 + beyond) as f64 / total;
    let Some(stderr) = Moments::of(values).and_then(|m| m.sd).filter(|&sd| sd > 0.0) else {
        return;
    };
    let detected = (normal_upper(rule.alpha) + normal_upper(1.0 - POWER)) * stderr;
    let items = |effect: f64| whole_items(found.n as f64 * (detected / effect).powi(2));
    found.reach = Reach {
        detectable_drop: Some(detected),
        items_needed: items(rule.margin),
        items_to_decide: items(deciding_effect(found.estimate, rule.margin)),
    };
}

/// Where nearly all pairs (or clusters, where there are any) are equal: the share of items that may
/// differ, at its upper bound.
fn missed(logs: &[Pair], groups: &Groups, rule: &Rule) -> Option<f64> {
    let common = groups.iter().max_by_key(|group| group.1)?.0;
    let grain = rule.range.width() * GRAIN;
    let differs = |pair: &Pair| (pair.candidate - pair.baseline - common).abs() > grain;
    let marked = logs.iter().map(|pair| (f64::from(u8::from(differs(pair))), pair.unit));
    let (clusters, ends) = (Clusters::of(marked), Ends { low: 0.0, high: 1.0 });
    let few = if clustered::dependent(logs) {
        FewChanged::find(&clusters, ends)
    } else {
        FewChanged::find_among_items(&clusters, ends, rule.alpha)
    };
    few.filter(|few| few.common() == 0.0).map(|few| few.upper(rule.alpha))
}

/// A share of the items that such a sample can have missed may lie beyond the quantile in one variant.
fn hold_back(
    found: &mut TestResult,
    variants: &[Vec<(f64, usize)>; 2],
    groups: &Groups,
    (q, missed): (f64, f64),
    rule: &Rule,
) {
    let beyond = |variant: usize| at(&variants[variant], q + missed).unwrap_or(f64::INFINITY);
    found.lower = found.lower.min(log_ratio(found.baseline_mean, beyond(1)));
    found.upper = found.upper.max(log_ratio(beyond(0), found.candidate_mean));
    if found.lower < -rule.margin {
        found.p_pass = 1.0;
    }
    if found.upper >= 0.0 {
        found.p_regressed = 1.0;
    }
    if let [(same, _)] = groups
        && *same == 0.0
    {
        found.notes.push("this run cannot show a regression: none of its items changed".to_owned());
    }
}

/// What is drawn as one: an item, a cluster, or all items that lie on the same sides.
struct Unit {
    table: usize,
    /// Items, and those that lie below the quantile for certain, by variant.
    size: f64,
    below: [f64; 2],
}

/// What a resample draws from.
struct Draws {
    q: f64,
    tables: Vec<PoissonTable>,
    units: Vec<Unit>,
    /// By variant: the amounts near the quantile, ascending, with their units.
    near: [Vec<(f64, usize)>; 2],
}

impl Draws {
    fn new(amounts: &[Pair], variants: &[Vec<(f64, usize)>; 2], q: f64) -> Self {
        if clustered::dependent(amounts) {
            Self::clustered(amounts, variants, q)
        } else {
            Self::independent(amounts.len(), variants, q)
        }
    }

    fn clustered(amounts: &[Pair], variants: &[Vec<(f64, usize)>; 2], q: f64) -> Self {
        let mut ids: Vec<u64> = amounts.iter().map(|pair| pair.unit).collect();
        ids.sort_unstable();
        ids.dedup();
        let unit = |place: usize| ids.binary_search(&amounts[place].unit).unwrap_or(0);
        let mut units: Vec<Unit> =
            ids.iter().map(|_| Unit { table: 0, size: 0.0, below: [0.0; 2] }).collect();
        for place in 0..amounts.len() {
            units[unit(place)].size += 1.0;
        }
        let near = [0, 1].map(|variant: usize| {
            variants[variant].iter().map(|&(value, place)| (value, unit(place))).collect()
        });
        Self { q, tables: vec![PoissonTable::new(1)], units, near }
    }

    fn independent(n: usize, variants: &[Vec<(f64, usize)>; 2], q: f64) -> Self {
        let reach = rank(n, 8.0 * (q * (1.0 - q) / n as f64).sqrt()) + 10;
        let middle = rank(n, q);
        let (from, to) = (middle.saturating_sub(reach), (middle + reach + 1).min(n));
        let mut units = Vec::new();
        let mut unit_of = vec![usize::MAX; n];
        for variant in variants {
            for &(_, place) in &variant[from..to] {
                if unit_of[place] == usize::MAX {
                    unit_of[place] = units.len();
                    units.push(Unit { table: 0, size: 1.0, below: [0.0; 2] });
                }
            }
        }
        let mut low = vec![[false; 2]; n];
        for (side, variant) in variants.iter().enumerate() {
            variant[..from].iter().for_each(|&(_, place)| low[place][side] = true);
        }
        let mut bulk = [[0_u64; 2]; 2];
        for (place, &[before, after]) in low.iter().enumerate() {
            let below = [before, after].map(|low| f64::from(u8::from(low)));
            match units.get_mut(unit_of[place]) {
                Some(unit) => unit.below = below,
                None => bulk[usize::from(before)][usize::from(after)] += 1,
            }
        }
        let near = [0, 1].map(|side: usize| {
            variants[side][from..to].iter().map(|&(value, place)| (value, unit_of[place])).collect()
        });
        let mut tables = vec![PoissonTable::new(1)];
        for (before, row) in bulk.iter().enumerate() {
            for (after, &count) in row.iter().enumerate().filter(|(_, count)| **count > 0) {
                let below = [before, after].map(|low| low as f64);
                units.push(Unit { table: tables.len(), size: 1.0, below });
                tables.push(PoissonTable::new(count));
            }
        }
        Self { q, tables, units, near }
    }

    /// All resampled log-ratios, ascending.
    fn all(&self, seed: u64, resamples: u32) -> Vec<f64> {
        let one = |times: &mut Vec<f64>, stream: u32| {
            self.resample(&mut SplitMix::stream(seed, stream), times)
        };
        let mut values: Vec<f64> = (0..resamples).into_par_iter().map_init(Vec::new, one).collect();
        values.sort_unstable_by(f64::total_cmp);
        values
    }

    fn resample(&self, rng: &mut SplitMix, times: &mut Vec<f64>) -> f64 {
        times.clear();
        let (mut total, mut below) = (0.0, [0.0; 2]);
        for unit in &self.units {
            let drawn = self.tables[unit.table].draw(rng.next());
            times.push(drawn);
            total += drawn * unit.size;
            below[0] += drawn * unit.below[0];
            below[1] += drawn * unit.below[1];
        }
        let quantile = |side: usize| {
            let mut so_far = below[side];
            let reached = self.near[side].iter().find(|&&(_, unit)| {
                so_far += times[unit];
                so_far >= self.q * total - 1e-9
            });
            reached.or(self.near[side].last()).map_or(0.0, |value| value.0)
        };
        log_ratio(quantile(0), quantile(1))
    }
}
