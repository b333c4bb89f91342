//! What the gate of a planned run compares, known before anything is asked: the comparisons of the verdict
//! to come, by name.

use std::collections::HashSet;

use evalmark_core::{changes::renamed_prompts, suite::GateSpec, verdict::Measure};
use evalmark_store::baseline::Baseline;
use serde::Serialize;

use crate::{
    PlanOptions,
    diff::VariantName,
    error::Result,
    gate::{facts, left_out},
    load::LoadedSuite,
    run::first_record,
    variants::read_variants,
};

/// A comparison that a gate will make.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct PlannedComparison {
    /// The prompt's name.
    pub prompt: String,
    /// The model's name.
    pub model: String,
    /// The metric's, or amount's, name.
    pub metric: String,
    /// What its estimate will be.
    pub measure: Measure,
}

/// The baseline that a gate names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct NamedBaseline {
    /// Its name, or its folder.
    pub name: String,
    /// Whether it is not there.
    pub is_missing: bool,
    /// Whether the gate lets it be missing.
    pub is_optional: bool,
}

/// The baseline that a run is going to be compared with.
#[derive(Clone, Copy, Debug)]
pub(crate) enum PlannedBaseline<'a> {
    /// The gate names none: minima alone decide.
    Unnamed,
    /// It is not there; whatever is gated needs it.
    Missing,
    Found(&'a Baseline),
}

/// Every comparison of the gate, in the order of the verdict.
pub(crate) fn planned_comparisons(
    loaded: &LoadedSuite,
    of: &PlanOptions,
    baseline: PlannedBaseline<'_>,
    gate: &GateSpec,
) -> Result<Vec<PlannedComparison>> {
    let (plan, name) = (&loaded.plan, ToString::to_string);
    let planned: Vec<_> = plan
        .variants()
        .into_iter()
        .map(|(prompt, model)| VariantName {
            prompt: name(&plan.prompts[prompt].name),
            model: name(&plan.models[model].name),
        })
        .collect();
    let compared = match baseline {
        PlannedBaseline::Unnamed => Vec::new(),
        PlannedBaseline::Missing => planned.clone(),
        PlannedBaseline::Found(baseline) => compared_with(baseline, &planned, loaded, of)?,
    };
    let of_variant = |variant: &VariantName, metric: &str, measure: Measure| PlannedComparison {
        prompt: variant.prompt.clone(),
        model: variant.model.clone(),
        metric: metric.to_owned(),
        measure,
    };
    let mut comparisons = Vec::new();
    for variant in &compared {
        comparisons.extend(gate.metrics.iter().map(|(metric, gated)| {
            let measure = gated.amount.map_or(Measure::Difference, |_| Measure::Ratio);
            of_variant(variant, metric, measure)
        }));
    }
    for variant in &planned {
        let minima = gate.scores().filter(|(_, gated)| gated.min.is_some());
        comparisons.extend(minima.map(|(metric, _)| of_variant(variant, metric, Measure::Level)));
    }
    Ok(comparisons)
}

/// The variants that take part: of the planned ones those that the baseline knows, or all where it knows
/// none; and those that it alone has, unless the command line left some out.
fn compared_with(
    baseline: &Baseline,
    planned: &[VariantName],
    loaded: &LoadedSuite,
    of: &PlanOptions,
) -> Result<Vec<VariantName>> {
    let record = first_record(loaded, None, String::new(), of.options.clone())?;
    let renames = renamed_prompts(&facts(&baseline.record), &facts(&record));
    let name_now = |prompt: String| {
        let now = renames.iter().find(|rename| rename.before == prompt);
        now.map_or(prompt, |rename| rename.after.clone())
    };
    let before: Vec<_> = read_variants(&baseline.folder.scores())?
        .into_iter()
        .map(|variant| VariantName { prompt: name_now(variant.prompt), model: variant.model })
        .collect();
    let known: HashSet<_> = before.iter().collect();
    let any_known = planned.iter().any(|variant| known.contains(variant));
    let lacking = before.iter().filter(|variant| !planned.contains(variant));
    let lacking = lacking.filter(|_| !left_out(&record));
    let taking_part =
        planned.iter().filter(|variant| !any_known || known.contains(variant)).chain(lacking);
    Ok(taking_part.cloned().collect())
}
