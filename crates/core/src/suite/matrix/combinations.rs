//! Which combinations of values there are.

use std::collections::BTreeSet;

use super::{
    Combination,
    axis::{AxisValue, Matrix, Rule},
};

impl<'a> Matrix<'a> {
    /// Combinations of these axes at most, before any is excluded.
    pub(super) fn n_combinations(&self, used: &BTreeSet<usize>) -> usize {
        let product = used.iter().map(|axis| self.axes[*axis].values.len());
        let product = product.fold(1_usize, usize::saturating_mul);
        product.saturating_add(self.include.len())
    }

    /// The combinations of these axes: the last of them varies fastest.
    pub(super) fn combinations(&self, used: &BTreeSet<usize>) -> Vec<Combination<'a>> {
        let mut combinations: Vec<Combination<'a>> = vec![Vec::new()];
        for axis in used {
            let longer = combinations.iter().flat_map(|combination| {
                self.axes[*axis].values.iter().map(|value| {
                    let mut longer = combination.clone();
                    longer.push((*axis, value.clone()));
                    longer
                })
            });
            combinations = longer.collect();
        }
        combinations
            .retain(|combination| !self.exclude.iter().any(|rule| is_within(rule, combination)));
        for rule in &self.include {
            let is_new = !combinations.iter().any(|combination| is_within(rule, combination));
            let axes: BTreeSet<_> = rule.values.iter().map(|(axis, _)| *axis).collect();
            if is_new && axes == *used {
                combinations.push(rule.values.clone());
            }
        }
        combinations
    }
}

/// Whether a combination has all the values of a rule.
fn is_within(rule: &Rule<'_>, combination: &Combination<'_>) -> bool {
    let has = |(axis, value): &(usize, AxisValue<'_>)| {
        combination.iter().any(|(other, own)| other == axis && own.label == value.label)
    };
    rule.values.iter().all(has)
}
