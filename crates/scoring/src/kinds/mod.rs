//! The list of kinds: one file and one line each.

mod exact;
mod fuzzy;
mod includes;
mod judge;
mod number;
mod regex;

mod behaviour;
mod structure;

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
    kind::<regex::Pattern>(),
    kind::<number::Number>(),
    kind::<fuzzy::Fuzzy>(),
    kind::<judge::Rubric>(),
    // Structure.
    kind::<structure::json_valid::JsonValid>(),
    kind::<structure::json_schema::JsonSchemaFit>(),
    kind::<structure::json_equal::JsonEqual>(),
    kind::<structure::json_fields::JsonFields>(),
    kind::<structure::yaml_valid::YamlValid>(),
    kind::<structure::xml_valid::XmlValid>(),
    kind::<structure::sql_valid::SqlValid>(),
    kind::<structure::contains_code::ContainsCode>(),
    kind::<structure::tool_call::ToolCall>(),
    // Behaviour.
    kind::<behaviour::length::Length>(),
    kind::<behaviour::length_within::LengthWithin>(),
    kind::<behaviour::latency::Latency>(),
    kind::<behaviour::cost::Cost>(),
    kind::<behaviour::refusal::Refusal>(),
    kind::<behaviour::blocklist::Blocklist>(),
    kind::<behaviour::pii::Pii>(),
    kind::<behaviour::language::Language>(),
    kind::<behaviour::repetition::Repetition>(),
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
        file_refs: kind.file_refs,
    }
}
