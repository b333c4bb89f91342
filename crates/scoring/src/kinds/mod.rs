//! The list of kinds: one file and one line each.

mod all_of;
mod any_of;
mod choice;
mod command;
mod exact;
mod expression;
mod fuzzy;
mod includes;
mod judge;
mod label;
mod number;
mod one_of;
mod overlap;
mod per_item;
mod preset;
mod probability;
mod regex;
mod semantic;
mod weighted;

mod behaviour;
mod expected_values;
mod starts_with;
mod structure;

use std::sync::LazyLock;

pub use self::behaviour::language::language_code;

use evalmark_core::metric::MetricKind;

use crate::{
    Metric,
    kind::{Kind, kind},
};

/// Every kind, by family, in the order of METRICS.md.
pub(crate) static FAMILIES: &[(&str, &[Kind])] = &[
    (
        "Matching",
        &[
            kind::<exact::Exact>(),
            kind::<includes::Includes>(),
            kind::<starts_with::StartsWith>(),
            kind::<starts_with::EndsWith>(),
            kind::<one_of::OneOf>(),
            kind::<choice::Choice>(),
            kind::<regex::Pattern>(),
            kind::<number::Number>(),
        ],
    ),
    ("Presets", &[kind::<preset::Preset>()]),
    ("Fuzzy", &[kind::<fuzzy::Fuzzy>()]),
    (
        "Text overlap",
        &[
            kind::<overlap::TokenF1>(),
            kind::<overlap::BleuKind>(),
            kind::<overlap::ChrfKind>(),
            kind::<overlap::TerKind>(),
            kind::<overlap::RougeKind>(),
            kind::<overlap::Wer>(),
            kind::<overlap::Cer>(),
        ],
    ),
    (
        "Classification",
        &[
            kind::<label::Label>(),
            kind::<probability::Brier>(),
            kind::<probability::LogLoss>(),
            kind::<probability::RocAuc>(),
        ],
    ),
    (
        "Structure",
        &[
            kind::<structure::json_valid::JsonValid>(),
            kind::<structure::json_schema::JsonSchemaFit>(),
            kind::<structure::json_equal::JsonEqual>(),
            kind::<structure::json_fields::JsonFields>(),
            kind::<structure::yaml_valid::YamlValid>(),
            kind::<structure::xml_valid::XmlValid>(),
            kind::<structure::sql_valid::SqlValid>(),
            kind::<structure::contains_code::ContainsCode>(),
            kind::<structure::tool_call::ToolCall>(),
        ],
    ),
    ("Meaning", &[kind::<semantic::Semantic>()]),
    (
        "Model-graded",
        &[
            kind::<judge::Rubric>(),
            kind::<judge::Facts>(),
            kind::<judge::Reference>(),
            kind::<judge::Pairwise>(),
        ],
    ),
    (
        "Behaviour",
        &[
            kind::<behaviour::length::Length>(),
            kind::<behaviour::length_within::LengthWithin>(),
            kind::<behaviour::latency::Latency>(),
            kind::<behaviour::cost::Cost>(),
            kind::<behaviour::refusal::Refusal>(),
            kind::<behaviour::blocklist::Blocklist>(),
            kind::<behaviour::pii::Pii>(),
            kind::<behaviour::language::Language>(),
            kind::<behaviour::repetition::Repetition>(),
        ],
    ),
    (
        "Combining",
        &[
            kind::<all_of::AllOf>(),
            kind::<any_of::AnyOf>(),
            kind::<weighted::Weighted>(),
            kind::<per_item::PerItem>(),
        ],
    ),
    ("Custom", &[kind::<expression::Formula>(), kind::<command::Command>()]),
];

/// Every kind.
pub(crate) fn kinds() -> impl Iterator<Item = &'static Kind> {
    FAMILIES.iter().flat_map(|(_, kinds)| *kinds)
}

/// Every kind of metric that exists, for whoever reads suites.
pub fn catalog() -> &'static [MetricKind] {
    static CATALOG: LazyLock<Vec<MetricKind>> =
        LazyLock::new(|| kinds().map(metric_kind).collect());
    &CATALOG
}

fn metric_kind(kind: &Kind) -> MetricKind {
    let is_judge = !kind.about.model_refs.is_empty() && !kind.embeds;
    MetricKind {
        name: kind.about.name,
        schema: kind.schema,
        check: |spec| Metric::compile(spec).map(drop),
        range: kind.about.range,
        direction: kind.about.direction,
        threshold: kind.about.threshold,
        needs_target: kind.about.needs_target,
        model_refs: kind.about.model_refs,
        asks: if is_judge { judge::asks } else { |_| Vec::new() },
        nested: kind.nested,
        embeds: kind.embeds,
        reads_objects: kind.reads_objects,
        file_refs: kind.file_refs,
    }
}
