//! Front matter: what a prompt's file says of the prompt, as YAML between two lines `---`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

/// What a prompt's file says of the prompt.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FrontMatter {
    /// Name in the library; default: the file's path there, without its extension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// What the prompt is for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Who answers for it: a team or a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<String>,
    /// Words to find it by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Provider of the model that it was written for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// Model that it was written for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Parameters of that model.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    pub parameters: Map<String, Value>,
    /// Class of the data that fills it, as the team's policy names it, such as `customer`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub data_class: Option<String>,
    /// What fills it, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: BTreeMap<String, Variable>,
}

/// What fills a place of a prompt: its type, or more about it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, JsonSchema)]
#[schemars(with = "VariableForm")]
pub struct Variable {
    /// What it is.
    #[serde(rename = "type")]
    pub kind: VariableType,
    /// What it is for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// A value that it may have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<Value>,
    /// Whether its text is the team's own, so that it needs no fence.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub trusted: bool,
}

/// What a variable is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VariableType {
    /// A text.
    #[default]
    String,
    /// A number.
    Number,
    /// A whole number.
    Integer,
    /// `true` or `false`.
    Boolean,
    /// A list.
    List,
    /// A mapping.
    Object,
}

impl VariableType {
    /// Its name in front matter.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Number => "number",
            Self::Integer => "integer",
            Self::Boolean => "boolean",
            Self::List => "list",
            Self::Object => "object",
        }
    }

    /// Whether a value is of this type. Files without types, such as CSV, hold numbers and truth values as texts.
    pub fn fits(self, value: &Value) -> bool {
        match (self, value) {
            (Self::String, Value::String(_))
            | (Self::Number, Value::Number(_))
            | (Self::Boolean, Value::Bool(_))
            | (Self::List, Value::Array(_))
            | (Self::Object, Value::Object(_)) => true,
            (Self::Integer, Value::Number(number)) => {
                number.is_i64()
                    || number.is_u64()
                    || number.as_f64().is_some_and(|n| n.fract() == 0.0)
            }
            (Self::Number, Value::String(text)) => text.trim().parse::<f64>().is_ok(),
            (Self::Integer, Value::String(text)) => text.trim().parse::<i64>().is_ok(),
            (Self::Boolean, Value::String(text)) => matches!(text.trim(), "true" | "false"),
            _ => false,
        }
    }
}

/// A variable as it is written.
#[derive(Deserialize, JsonSchema)]
#[serde(untagged)]
enum VariableForm {
    Type(VariableType),
    Described(DescribedVariable),
}

/// A variable, and what it is for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct DescribedVariable {
    /// What it is; default: `string`.
    #[serde(default, rename = "type")]
    kind: VariableType,
    /// What it is for.
    #[serde(default)]
    description: Option<String>,
    /// A value that it may have: `evalmark prompts render` fills the prompt with it.
    #[serde(default)]
    example: Option<Value>,
    /// Whether its text is the team's own, so that `evalmark prompts lint` wants no fence around it.
    #[serde(default)]
    trusted: bool,
}

impl<'de> Deserialize<'de> for Variable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(match VariableForm::deserialize(deserializer)? {
            VariableForm::Type(kind) => Self { kind, ..Self::default() },
            VariableForm::Described(DescribedVariable { kind, description, example, trusted }) => {
                Self { kind, description, example, trusted }
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn values_fit_types() {
        use VariableType::{Boolean, Integer, List, Number, Object, String};
        let check = |kind: VariableType, value: Value, expected: bool| {
            assert_eq!(kind.fits(&value), expected, "{kind:?} {value}");
        };
        check(String, json!("7"), true);
        check(String, json!(7), false);
        check(Number, json!(7.5), true);
        check(Number, json!(" 7.5 "), true);
        check(Number, json!("seven"), false);
        check(Integer, json!(7.0), true);
        check(Integer, json!(7.5), false);
        check(Integer, json!("7"), true);
        check(Boolean, json!("true"), true);
        check(Boolean, json!(1), false);
        check(List, json!([1]), true);
        check(Object, json!({}), true);
        check(Object, json!(null), false);
    }
}
