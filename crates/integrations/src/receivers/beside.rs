//! Parameters that several receivers share, beside a receiver's own in one mapping.
//!
//! Serde cannot do this: a flattened struct lets unknown keys pass.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Error};
use serde_json::{Map, Value};

use super::server::ServerParams;

/// Two sets of parameters, written as one mapping. Each refuses keys that it does not know: the shared ones take what their
/// schema names, and all others are the receiver's own.
#[derive(Clone, Debug)]
pub(super) struct Beside<Shared, Own> {
    /// What several receivers have.
    pub(super) shared: Shared,
    /// What is the receiver's alone.
    pub(super) own: Own,
}

/// The parameters of a receiver with a server.
pub(super) type OnServer<Own> = Beside<ServerParams, Own>;

impl<'de, Shared, Own> Deserialize<'de> for Beside<Shared, Own>
where
    Shared: DeserializeOwned + JsonSchema,
    Own: DeserializeOwned,
{
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let all = Map::deserialize(from)?;
        let known = SchemaGenerator::default().into_root_schema_for::<Shared>();
        let is_shared = |key: &str| properties(&known).is_some_and(|known| known.contains_key(key));
        let (shared, own): (Map<_, _>, Map<_, _>) =
            all.into_iter().partition(|(key, _): &(String, Value)| is_shared(key));
        let shared = serde_json::from_value(Value::Object(shared)).map_err(D::Error::custom)?;
        let own = serde_json::from_value(Value::Object(own)).map_err(D::Error::custom)?;
        Ok(Self { shared, own })
    }
}

impl<Shared: JsonSchema, Own: JsonSchema> JsonSchema for Beside<Shared, Own> {
    fn schema_name() -> Cow<'static, str> {
        format!("{}Beside{}", Own::schema_name(), Shared::schema_name()).into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut both = Shared::json_schema(generator);
        let own = Own::json_schema(generator);
        for (key, value) in own.as_object().into_iter().flatten() {
            let there = both.get_mut(key);
            match (there, value) {
                (Some(Value::Object(there)), Value::Object(more)) => there.extend(more.clone()),
                (Some(Value::Array(there)), Value::Array(more)) => there.extend(more.clone()),
                (Some(_), _) => {}
                (None, value) => {
                    both.insert(key.clone(), value.clone());
                }
            }
        }
        both
    }
}

fn properties(schema: &Schema) -> Option<&Map<String, Value>> {
    schema.get("properties")?.as_object()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[derive(Debug, Deserialize, JsonSchema)]
    #[serde(deny_unknown_fields)]
    struct Own {
        job: String,
    }

    #[test]
    fn each_key_is_known_to_one_of_both() {
        let check = |params: Value, expected: &str| {
            let read = serde_json::from_value::<OnServer<Own>>(params);
            let told = match read {
                Ok(read) => format!("{:?} {}", read.shared.url, read.own.job),
                Err(error) => error.to_string(),
            };
            assert!(told.contains(expected), "{told}");
        };
        check(json!({ "url": "http://h", "job": "a" }), "Some(\"http://h\") a");
        check(json!({ "job": "a" }), "None a");
        check(json!({ "url": "http://h" }), "missing field `job`");
        check(json!({ "url": 7, "job": "a" }), "invalid type: integer `7`");
        check(json!({ "job": "a", "jobb": "a" }), "unknown field `jobb`");
    }

    #[test]
    fn the_schema_is_one_mapping() {
        let schema = SchemaGenerator::default().into_root_schema_for::<OnServer<Own>>();
        let keys: Vec<_> = properties(&schema).into_iter().flat_map(Map::keys).collect();
        assert_eq!(keys, ["url", "url_env", "token_env", "user", "password_env", "job"]);
        assert_eq!(schema.get("required"), Some(&json!(["job"])));
        assert_eq!(schema.get("additionalProperties"), Some(&json!(false)));
    }
}
