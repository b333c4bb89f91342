//! Where in the dataset the differences lie: each gated metric within each slice. It explores, and
//! decides nothing.

use evalmark_core::verdict::SliceFinding;
use evalmark_store::{run_folder::RunFolder, run_record::RunRecord};
use evalmark_verdict::{
    ComparisonSubject, Decision, GatedRuns, ItemPlaces, TablePlaces, Variant, VariantPair, slices,
};
use rayon::prelude::*;

use super::slice_members::SliceMembers;
use crate::error::Result;

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
    let mut variants = variants.peekable();
    let Some((.., first)) = variants.peek() else { return Ok(Vec::new()) };
    let members = SliceMembers::read(folder, columns, first.item_places())?;
    let mut found: Option<(TablePlaces, Vec<ItemPlaces>)> = None;
    let (mut judged, mut named) = (Vec::new(), Vec::new());
    for (named_as, reference, variant) in variants {
        let of = variant.item_places();
        let known = found.take().filter(|(known, _)| known.is_of_same(&of));
        let (_, places) = found.insert(known.unwrap_or_else(|| {
            let places = members.places(&of);
            (of, places)
        }));
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
        for (found, (column, value)) in compared.into_iter().zip(&members.slices) {
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
