//! The parameters that every kind of judge has, and how a kind adds its own.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error};
use serde_json::{Map, Value};

use super::panel::Aggregate;

/// Which models judge, how often, and what becomes of their grades.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Judges {
    /// The judge, one of the suite's models; instead of `models`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) model: Option<String>,
    /// A panel of judges, several of the suite's models.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) models: Option<Vec<String>>,
    /// How a panel's grades become one score.
    #[serde(default)]
    pub(crate) aggregate: Aggregate,
    /// How often each judge is asked the same question; its grade is the mean.
    #[serde(default = "once")]
    pub(crate) repeats: u32,
    /// Whether the server is told the reply's form (`response_format` with a strict JSON schema); a
    /// server that does not know this parameter refuses the request. Replies are read strictly
    /// either way.
    #[serde(default)]
    pub(crate) structured: bool,
}

fn once() -> u32 {
    1
}

impl Judges {
    /// Pointers to the parameters that name a model of the suite.
    pub(crate) const MODEL_REFS: &'static [&'static str] = &["/model", "/models"];

    /// How many of the parameters say who judges: these stand before a kind's own.
    const WHO: usize = Self::MODEL_REFS.len();
}

/// Parameters of a kind of judge: what all judges have, and the kind's own, in one mapping.
///
/// `#[serde(flatten)]` does not go with `deny_unknown_fields`: the mapping is taken apart by the keys
/// of [`Judges`], and each half refuses what it does not know.
#[derive(Debug)]
pub(crate) struct JudgeParams<Own> {
    pub(crate) judges: Judges,
    pub(crate) own: Own,
}

impl<'de, Own: DeserializeOwned> Deserialize<'de> for JudgeParams<Own> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given = Map::<String, Value>::deserialize(deserializer)?;
        let shared = properties(&Judges::json_schema(&mut SchemaGenerator::default()));
        let (shared, own) = given.into_iter().partition(|(key, _)| shared.contains_key(key));
        Ok(Self {
            judges: serde_json::from_value(Value::Object(shared)).map_err(D::Error::custom)?,
            own: serde_json::from_value(Value::Object(own)).map_err(D::Error::custom)?,
        })
    }
}

impl<Own: JsonSchema> JsonSchema for JudgeParams<Own> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        Own::schema_name()
    }

    /// The kind's own schema with the properties of [`Judges`], none of which is required.
    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut schema = Own::json_schema(generator);
        let mut shared = properties(&Judges::json_schema(generator)).into_iter();
        let mut all: Map<String, Value> = shared.by_ref().take(Judges::WHO).collect();
        all.extend(properties(&schema));
        all.extend(shared);
        schema.insert("properties".to_owned(), Value::Object(all));
        schema
    }
}

fn properties(schema: &Schema) -> Map<String, Value> {
    schema.get("properties").and_then(Value::as_object).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Rubric {
        rubric: String,
    }

    fn read(params: Value) -> Result<JudgeParams<Rubric>, String> {
        serde_json::from_value(params).map_err(|error| error.to_string())
    }

    #[test]
    fn shared_and_own_parameters_stand_side_by_side() {
        let read = read(json!({"rubric": "r", "repeats": 3, "model": "m"})).expect("parameters");
        let Judges { model, models, aggregate, repeats, structured } = read.judges;
        assert_eq!((model.as_deref(), models, repeats), (Some("m"), None, 3));
        assert_eq!((aggregate, structured, &*read.own.rubric), (Aggregate::Mean, false, "r"));
    }

    #[test]
    fn what_neither_half_knows_is_refused() {
        for (params, part) in [
            (json!({"rubric": "r", "repeat": 3}), "unknown field `repeat`"),
            (json!({"model": "m"}), "missing field `rubric`"),
            (json!({"rubric": "r", "repeats": "often"}), "expected u32"),
        ] {
            let error = read(params).expect_err("a mistake");
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn the_schema_has_both_and_refuses_the_rest() {
        let schema = crate::kind::schema::<JudgeParams<Rubric>>();
        let keys: Vec<_> = schema["properties"].as_object().expect("properties").keys().collect();
        assert_eq!(keys, ["model", "models", "rubric", "aggregate", "repeats", "structured"]);
        assert_eq!(schema["required"], json!(["rubric"]));
        assert_eq!(schema["additionalProperties"], json!(false));
    }
}
