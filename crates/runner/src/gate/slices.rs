//! Where in the dataset the differences lie: each gated metric within each slice. It explores, and
//! decides nothing.

use std::collections::{BTreeMap, HashSet};

use evalmark_core::verdict::SliceFinding;
use evalmark_report::usage::for_each_slice;
use evalmark_store::{run_folder::RunFolder, run_record::RunRecord};
use evalmark_verdict::{
    ComparisonSubject, Decision, GatedRuns, ItemPlaces, Variant, VariantPair, slices,
};
use rayon::prelude::*;

use crate::{RunError, error::Result, variants::key};

/// Values of one slice column that are looked at, the most frequent first.
const MOST_VALUES: usize = 50;

/// Items by slice column and value.
type Members = BTreeMap<(usize, Option<String>), Vec<u128>>;

/// Every gated metric of these variants within every slice, with q-values over all of them. Each variant
/// stands behind the one that it is compared with, and under the name of the comparison.
pub(crate) fn explore<'a>(
    folder: &RunFolder,
    record: &RunRecord,
    runs: &GatedRuns<'_>,
    variants: impl Iterator<Item = (ComparisonSubject, &'a Variant, &'a Variant)>,
) -> Result<Vec<SliceFinding>> {
    let columns = &record.slices;
    if columns.is_empty() || !folder.samples().is_file() {
        return Ok(Vec::new());
    }
    let members = frequent(members(folder, columns)?, columns.len());
    let keys: Vec<&[u128]> = members.values().map(Vec::as_slice).collect();
    let mut places: Vec<ItemPlaces> = Vec::new();
    let (mut judged, mut named) = (Vec::new(), Vec::new());
    for (named_as, reference, variant) in variants {
        if places.first().is_none_or(|places| !places.are_of(variant)) {
            places = variant.find_places(&keys);
        }
        let compare = |places: &ItemPlaces| -> Result<Vec<Decision>> {
            let compared = runs.spec.scores().map(|(metric, gated)| {
                let of_metric = [reference, variant].map(|side| side.part_at(metric, places));
                let pair = VariantPair {
                    subject: ComparisonSubject { metric: metric.to_owned(), ..named_as.clone() },
                    before: Some(&of_metric[0]),
                    after: Some(&of_metric[1]),
                };
                Ok(pair.compare_slice(runs, gated)?)
            });
            compared.collect()
        };
        let compared: Vec<Result<Vec<Decision>>> = places.par_iter().map(compare).collect();
        for (found, (column, value)) in compared.into_iter().zip(members.keys()) {
            let found = found?;
            named.extend(found.iter().map(|_| (columns[*column].clone(), value.clone())));
            judged.extend(found);
        }
    }
    let found = slices(judged).into_iter().zip(named);
    Ok(found
        .map(|(found, (slice, value))| SliceFinding {
            slice,
            value,
            q: found.q,
            stands_out: found.stands_out,
            comparison: found.comparison,
        })
        .collect())
}

/// Which items each slice has, by their keys in ascending order.
fn members(folder: &RunFolder, columns: &[String]) -> Result<Members> {
    let mut seen: HashSet<u128> = HashSet::new();
    let mut members = Members::new();
    for_each_slice::<RunError>(&folder.samples(), columns, |item, values| {
        let item = key(item);
        if seen.insert(item) {
            for (column, value) in values.iter().enumerate() {
                let of_slice = members.entry((column, value.map(str::to_owned))).or_default();
                of_slice.push(item);
            }
        }
        Ok(())
    })?;
    for keys in members.values_mut() {
        keys.sort_unstable();
    }
    Ok(members)
}

/// The most frequent values of each column.
fn frequent(mut members: Members, n_columns: usize) -> Members {
    for column in 0..n_columns {
        let mut sizes: Vec<usize> =
            members.iter().filter(|((c, _), _)| *c == column).map(|(_, keys)| keys.len()).collect();
        sizes.sort_unstable_by(|a, b| b.cmp(a));
        if let Some(least) = sizes.get(MOST_VALUES) {
            members.retain(|(c, _), keys| *c != column || keys.len() > *least);
        }
    }
    members
}
