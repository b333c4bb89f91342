//! The list of kinds: one file and one line each.

mod choice;
mod exact;
mod fuzzy;
mod includes;
mod judge;
mod number;
mod one_of;
mod preset;
mod regex;
mod starts_with;
mod wanted;
mod word_edge;

use std::sync::LazyLock;

use evalmark_core::metric::MetricKind;

use crate::{
    Metric,
    kind::{Kind, kind},
};

/// Every kind, in the order of METRICS.md.
pub(crate) static KINDS: &[Kind] = &[
    kind::<exact::Exact>(),
    kind::<includes::Includes>(),
    kind::<starts_with::StartsWith>(),
    kind::<starts_with::EndsWith>(),
    kind::<one_of::OneOf>(),
    kind::<choice::Choice>(),
    kind::<regex::Pattern>(),
    kind::<number::Number>(),
    kind::<preset::Preset>(),
    kind::<fuzzy::Fuzzy>(),
    kind::<judge::Rubric>(),
];

/// Every kind of metric that exists, for whoever reads suites.
pub fn catalog() -> &'static [MetricKind] {
    static CATALOG: LazyLock<Vec<MetricKind>> =
        LazyLock::new(|| KINDS.iter().map(metric_kind).collect());
    &CATALOG
}

fn metric_kind(kind: &Kind) -> MetricKind {
    MetricKind {
        name: kind.about.name,
        schema: kind.schema,
        check: |spec| Metric::compile(spec).map(drop),
        range: kind.about.range,
        direction: kind.about.direction,
        needs_target: kind.about.needs_target,
        model_refs: kind.about.model_refs,
    }
}
