//! Comparisons of runs that are decided together: which variants take part, and the names of the
//! items behind the decisions.

use std::collections::BTreeMap;

use evalmark_core::{
    metric::Direction,
    suite::{Correction, GateSpec, GatedMetric},
    verdict::{Flip, Measure},
};
use rayon::prelude::*;

use crate::{
    compare::Decision,
    decide::Cause,
    family_correction::{FamilyCorrection, Gated, gate_with},
    gated_pair::{GateError, GatedRuns, VariantPair, compare_minimum},
    item_names::ItemName,
    items::ComparisonSubject,
    run_scores::RunScores,
    variant_scores::Variant,
};

/// Random flips of max-T.
const SIGN_FLIPS: u32 = 9999;

/// Comparisons that are decided together.
#[derive(Default)]
pub struct ComparisonFamily<'a> {
    judged: Vec<Decision>,
    /// The variants that each is about, baseline first: they name its items.
    variants: Vec<[Option<&'a Variant>; 2]>,
}

impl<'a> ComparisonFamily<'a> {
    /// Every gated metric and amount of a run against those of a baseline, and against the minima
    /// that the gate sets. What the baseline has and the run lacks takes part unless it was
    /// `left_out` on purpose.
    pub fn of_runs(
        runs: &GatedRuns<'_>,
        before: &'a RunScores,
        after: &'a RunScores,
        left_out: bool,
    ) -> Result<Self, GateError> {
        let mut family = Self::default();
        // A new candidate is told as such; but something must be compared.
        let is_known =
            |variant: &&Variant| before.variant(&variant.prompt, &variant.model, None).is_some();
        let any_known = after.scores.iter().any(|variant| is_known(&variant));
        for variant in after.scores.iter().filter(|variant| !any_known || is_known(variant)) {
            family.push_variant(runs, before, after, variant)?;
        }
        let lacks =
            |variant: &&Variant| after.variant(&variant.prompt, &variant.model, None).is_none();
        for variant in before.scores.iter().filter(lacks).filter(|_| !left_out) {
            family.push_variant(runs, before, after, variant)?;
        }
        family.push_minima(runs, &after.scores)?;
        Ok(family)
    }

    /// Adds a comparison of two variants.
    pub fn push(
        &mut self,
        judged: Decision,
        before: Option<&'a Variant>,
        after: Option<&'a Variant>,
    ) {
        self.judged.push(judged);
        self.variants.push([before, after]);
    }

    /// Adds every gated metric and amount of one variant.
    fn push_variant(
        &mut self,
        runs: &GatedRuns<'_>,
        before: &'a RunScores,
        after: &'a RunScores,
        variant: &Variant,
    ) -> Result<(), GateError> {
        let sides = [before, after].map(|run| run.variant(&variant.prompt, &variant.model, None));
        sides.iter().flatten().for_each(|side| side.sort_items());
        let compare = |(metric, gated): (&String, &GatedMetric)| {
            let pair = VariantPair {
                subject: ComparisonSubject::of(variant, metric),
                before: before.variant(&variant.prompt, &variant.model, gated.amount),
                after: after.variant(&variant.prompt, &variant.model, gated.amount),
            };
            let judged = pair.compare(runs, *gated);
            (judged, pair.before, pair.after)
        };
        // Where each item has a score of its own, several comparisons at once take too much memory.
        let is_small = |metric: &str| {
            let scores = sides.iter().flatten().filter_map(|side| side.scores(metric));
            scores.into_iter().all(|scores| scores.values().is_some())
        };
        let at_once = |one: (&String, &GatedMetric)| {
            (one.1.amount.is_none() && is_small(one.0)).then(|| compare(one))
        };
        let compared: Vec<_> = runs.spec.metrics.par_iter().map(at_once).collect();
        for (compared, one) in compared.into_iter().zip(&runs.spec.metrics) {
            let (judged, before, after) = compared.unwrap_or_else(|| compare(one));
            self.push(judged?, before, after);
        }
        Ok(())
    }

    /// Adds the minima that the gate sets.
    pub fn push_minima(
        &mut self,
        runs: &GatedRuns<'_>,
        variants: &'a [Variant],
    ) -> Result<(), GateError> {
        for variant in variants {
            for (metric, gated) in runs.spec.scores() {
                if let Some(min) = gated.min {
                    let judged = compare_minimum(variant, metric, min, gated, runs)?;
                    self.push(judged, None, Some(variant));
                }
            }
        }
        Ok(())
    }

    /// Decides all comparisons together and names the items that flipped or do not pair up.
    pub fn decide(self, correction: Correction) -> Result<Gated, GateError> {
        self.decide_with(correction, |_, rows| Ok(vec![String::new(); rows.len()]))
    }

    /// The same; `find_ids` tells the ids in these rows of the file that a variant was read from.
    pub fn decide_with<E: From<GateError>>(
        self,
        correction: Correction,
        mut find_ids: impl FnMut(&Variant, &[u64]) -> Result<Vec<String>, E>,
    ) -> Result<Gated, E> {
        let correction = match correction {
            Correction::Holm => FamilyCorrection::Holm,
            Correction::MaxT => FamilyCorrection::MaxT { flips: SIGN_FLIPS },
        };
        let mut gated = gate_with(self.judged, correction).map_err(GateError::from)?;
        let names = Names::find(&gated.judged, &self.variants, &mut find_ids)?;
        for (judged, [before, after]) in gated.judged.iter_mut().zip(self.variants) {
            let metric = judged.comparison.metric.clone();
            let name = |variant: Option<&Variant>, item: usize| {
                variant.map(|variant| names.of(variant, &metric, item)).unwrap_or_default()
            };
            judged.name_flips(|item| name(after, item));
            judged.name_unpaired(|item| name(before, item), |item| name(after, item));
            let is_lower = judged.comparison.direction == Direction::Lower;
            sort_flips(&mut judged.comparison.flips, is_lower);
            if judged.comparison.measure == Measure::Ratio {
                // Amounts differ nearly everywhere, which names no item.
                judged.comparison.flips.clear();
                judged.comparison.n_flips = 0;
            }
        }
        Ok(gated)
    }
}

/// What the items are called that are named, whose ids stayed in a file.
struct Names<'a> {
    /// Ids by row, of each variant.
    found: Vec<(&'a Variant, BTreeMap<u64, String>)>,
}

impl<'a> Names<'a> {
    fn find<E>(
        judged: &[Decision],
        variants: &[[Option<&'a Variant>; 2]],
        find_ids: &mut impl FnMut(&Variant, &[u64]) -> Result<Vec<String>, E>,
    ) -> Result<Self, E> {
        let mut names = Self { found: Vec::new() };
        for (judged, [before, after]) in judged.iter().zip(variants) {
            let (changes, metric) = (&judged.changes, &judged.comparison.metric);
            let of_after = judged.flips.iter().map(|flip| flip.candidate_index);
            let of_after = of_after.chain(changes.added.iter().copied());
            let of_after = of_after.chain(changes.changed.iter().map(|&(_, at)| at));
            names.want(*after, metric, of_after);
            names.want(*before, metric, changes.removed.iter().copied());
        }
        for (variant, ids) in names.found.iter_mut().filter(|(_, ids)| !ids.is_empty()) {
            let rows: Vec<u64> = ids.keys().copied().collect();
            let found = find_ids(variant, &rows)?;
            ids.values_mut().zip(found).for_each(|(id, found)| *id = found);
        }
        Ok(names)
    }

    fn want(
        &mut self,
        variant: Option<&'a Variant>,
        metric: &str,
        items: impl Iterator<Item = usize>,
    ) {
        let Some(variant) = variant else { return };
        let known = self.found.iter().position(|(known, _)| std::ptr::eq(*known, variant));
        let known = known.unwrap_or_else(|| {
            self.found.push((variant, BTreeMap::new()));
            self.found.len() - 1
        });
        for item in items {
            if let Some(ItemName::Row(row)) = variant.name(metric, item) {
                self.found[known].1.insert(row, String::new());
            }
        }
    }

    fn of(&self, variant: &Variant, metric: &str, item: usize) -> String {
        match variant.name(metric, item) {
            Some(ItemName::Id(id)) => id.to_owned(),
            Some(ItemName::Row(row)) => {
                let mut known = self.found.iter();
                let known = known.find(|(known, _)| std::ptr::eq(*known, variant));
                known.and_then(|(_, ids)| ids.get(&row).cloned()).unwrap_or_default()
            }
            None => String::new(),
        }
    }
}

impl Gated {
    /// Whether some comparison is inconclusive because answers are missing.
    pub fn lacks_answers(&self) -> bool {
        self.judged.iter().any(|judged| judged.cause == Some(Cause::Missing))
    }
}

/// How many comparisons a gate decides together over variants of these prompts and models, and those
/// of the baseline that the run lacks: the certainty of a drop is shared by all.
pub fn family_size(n_variants: usize, n_lacking: usize, spec: &GateSpec) -> usize {
    let minima = spec.metrics.values().filter(|gated| gated.min.is_some()).count();
    (n_variants + n_lacking) * spec.metrics.len() + n_variants * minima
}

/// How many variants of a baseline have none of these prompts and models.
pub fn count_lacking(names: &[(&str, &str)], reference: &[Variant]) -> usize {
    let lacks =
        |variant: &&Variant| !names.contains(&(variant.prompt.as_str(), variant.model.as_str()));
    reference.iter().filter(lacks).count()
}

/// Worst first; equal changes in the order of their names.
pub(crate) fn sort_flips(flips: &mut [Flip], is_lower: bool) {
    let sign = if is_lower { -1.0 } else { 1.0 };
    let change = |flip: &Flip| sign * (flip.candidate - flip.baseline);
    flips.sort_by(|x, y| change(x).total_cmp(&change(y)).then_with(|| x.item_id.cmp(&y.item_id)));
}
