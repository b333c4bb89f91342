//! JSON Schemas of suites and of what they consist of.

use schemars::{JsonSchema, generate::SchemaSettings};
use serde_json::{Value, json};

use super::raw::{RECORDED, RawMetric, RawProject, RawSuite};
use crate::{
    metric::MetricKind,
    provider::ProviderKind,
    receiver::{ReceiverKind, ReceiverSection},
    source::SourceKind,
};

/// The schema of a suite file, with the given kinds of metrics, providers, sources and receivers.
pub fn schema(
    kinds: &[MetricKind],
    providers: &[ProviderKind],
    sources: &[SourceKind],
    receivers: &[ReceiverKind],
) -> Value {
    let mut schema = plain_schema::<RawSuite>();
    let source = &mut schema["properties"]["dataset"]["properties"]["source"];
    for kind in sources {
        source["properties"][kind.name] = embedded((kind.schema)());
    }
    source["additionalProperties"] = json!(false);
    let model = &mut schema["properties"]["models"]["items"];
    let names = providers.iter().map(|provider| provider.name).chain([RECORDED]);
    let names: Vec<_> = names.map(Value::from).chain([Value::Null]).collect();
    model["properties"]["provider"]["enum"] = names.into();
    model["additionalProperties"] = json!(false);
    for options in providers.iter().filter_map(|provider| provider.options) {
        model["properties"][options.key] = embedded((options.schema)());
    }
    let metric = &mut schema["properties"]["metrics"]["items"];
    metric["additionalProperties"] = json!(false);
    for kind in kinds {
        metric["properties"][kind.name] = embedded((kind.schema)());
    }
    add_receivers(&mut schema, receivers);
    schema
}

/// The schema of the file that holds for every suite below it.
pub(crate) fn project_schema(receivers: &[ReceiverKind]) -> Value {
    let mut schema = plain_schema::<RawProject>();
    add_receivers(&mut schema, receivers);
    schema
}

fn add_receivers(schema: &mut Value, receivers: &[ReceiverKind]) {
    for section in [ReceiverSection::Notify, ReceiverSection::Export] {
        let entry = &mut schema["properties"][section.key()]["items"];
        entry["additionalProperties"] = json!(false);
        for kind in receivers.iter().filter(|kind| kind.section == section) {
            entry["properties"][kind.name] = embedded((kind.schema)());
        }
    }
}

/// A schema as it stands within another.
fn embedded(mut schema: Value) -> Value {
    if let Some(schema) = schema.as_object_mut() {
        schema.remove("$schema");
        schema.remove("title");
    }
    schema
}

/// The schema of a metric that stands elsewhere than under `metrics`, as far as all kinds share it:
/// its name is optional.
pub fn entry_schema() -> Value {
    let mut schema = plain_schema::<RawMetric>();
    if let Some(schema) = schema.as_object_mut() {
        for key in ["$schema", "title", "required"] {
            schema.remove(key);
        }
    }
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.remove("labels");
    }
    schema
}

pub(crate) fn plain_schema<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
    });
    settings.into_generator().into_root_schema_for::<T>().to_value()
}
