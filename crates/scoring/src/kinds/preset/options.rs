//! What a suite writes under `preset`: a name, or a mapping with the tool's own settings.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer, Serialize, de::Error};
use serde_json::{Value, json};

/// Whose metric, and its settings.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Options {
    /// Whose metric; a preset that needs no settings may be written as its name alone.
    pub(super) name: Name,
    /// `squad`: which of its two numbers; default: `em`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "SquadScore")]
    pub(super) score: Option<SquadScore>,
    /// `inspect`: which of its scorers; required.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Scorer")]
    pub(super) scorer: Option<Scorer>,
    /// `inspect`, `match`: where in the answer the target stands; default: `end`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Location")]
    pub(super) location: Option<Location>,
    /// `inspect`, `match`: a target that is a number is compared as one, at five significant digits;
    /// default: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub(super) numeric: Option<bool>,
    /// `inspect` with `match`, `includes` or `pattern`: default: `true`. `lm_eval`:
    /// default: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub(super) ignore_case: Option<bool>,
    /// `inspect`, `f1`: words that do not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    pub(super) stop_words: Option<Vec<String>>,
    /// `inspect`, `pattern`: a regular expression in Python's syntax, look-around included; `answer`:
    /// `letter`, `word` or `line`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub(super) pattern: Option<String>,
    /// `inspect`, `pattern`: every group must be a target, and not just one; default: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub(super) match_all: Option<bool>,
    /// `inspect`, `choice`: how many options the question has, or the column that lists them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Choices")]
    pub(super) choices: Option<Choices>,
    /// `inspect`, `choice`: several options may be right; default: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub(super) multiple_correct: Option<bool>,
    /// `lm_eval`: ASCII punctuation does not count; default: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub(super) ignore_punctuation: Option<bool>,
    /// `lm_eval`: ASCII digits do not count; default: `false`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub(super) ignore_numbers: Option<bool>,
    /// `lm_eval`: what these regular expressions in Python's syntax match is left out, one after the
    /// other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Vec<String>")]
    pub(super) regexes_to_ignore: Option<Vec<String>>,
    /// `helm_exact_indicator`: what stands before the answer; default: a space.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    pub(super) indicator: Option<String>,
    /// `promptfoo_equals`: the target is JSON, as where a suite of promptfoo has a mapping or a list
    /// for the `value`; default: `false`: a string.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "bool")]
    pub(super) json: Option<bool>,
    /// `promptfoo_levenshtein`: the most edits; default: 5.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "f64")]
    pub(super) distance: Option<f64>,
}

impl Options {
    /// A setting that the preset has not taken.
    pub(super) fn left(&self) -> Option<String> {
        let written = serde_json::to_value(self).unwrap_or_default();
        written.as_object()?.keys().find(|key| *key != "name").cloned()
    }
}

/// Whose metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Name {
    /// SQuAD v1.1 as in evaluate 0.4.6 (`metrics/squad`): exact match or token F1, divided by 100.
    /// Lower case, without ASCII punctuation and articles: `-5` equals `5`.
    Squad,
    /// `exact_match` of lm-eval 0.4.13 with its flags.
    LmEval,
    /// `exact_match` of crfm-helm 0.5.16: the bare texts without white space around.
    HelmExact,
    /// `quasi_exact_match` of crfm-helm 0.5.16: as `squad`, and an empty answer is wrong.
    HelmQuasiExact,
    /// `quasi_leave_articles_exact_match` of crfm-helm 0.5.16.
    HelmQuasiLeaveArticlesExact,
    /// `prefix_exact_match` of crfm-helm 0.5.16: the answer begins with the target.
    HelmPrefixExact,
    /// `quasi_prefix_exact_match` of crfm-helm 0.5.16.
    HelmQuasiPrefixExact,
    /// `f1_score` of crfm-helm 0.5.16: of sets of words, without multiplicity.
    HelmF1,
    /// `final_number_exact_match` of crfm-helm 0.5.16: the last numbers, compared as text.
    HelmFinalNumber,
    /// `exact_match_indicator` of crfm-helm 0.5.16: what follows the last indicator.
    HelmExactIndicator,
    /// The scorers of inspect-ai 0.3.285: `C` is 1, `I` and `N` are 0.
    Inspect,
    /// `equals` of promptfoo 0.121.20: the very same string, or the same JSON.
    PromptfooEquals,
    /// `levenshtein` of promptfoo 0.121.20: so many edits, of UTF-16 code units, or fewer.
    PromptfooLevenshtein,
    /// `bleu` of promptfoo 0.121.20: of one answer, in [0, 1]; it passes from 0.5 on there.
    PromptfooBleu,
}

/// Which number of SQuAD.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum SquadScore {
    /// Exact match.
    Em,
    /// F1 of words.
    F1,
}

/// A scorer of inspect-ai.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Scorer {
    /// Normalised texts are equal.
    Exact,
    /// F1 of words, to two decimals.
    F1,
    /// The target stands at the `location`.
    Match,
    /// The target stands somewhere.
    Includes,
    /// What the pattern captures is a target.
    Pattern,
    /// What follows `ANSWER:` is a target.
    Answer,
    /// The letters after `ANSWER:` are the right options; what the solver `multiple_choice` and the
    /// scorer `choice` do together.
    Choice,
}

/// Where in the answer the target stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(super) enum Location {
    /// At the beginning.
    Begin,
    /// At the end.
    #[default]
    End,
    /// Anywhere.
    Any,
    /// The target is all of the answer.
    Exact,
}

/// How many options a question has.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub(super) enum Choices {
    /// A fixed number.
    Count(usize),
    /// The number of entries in this column.
    Column(String),
}

/// Options as a suite writes them: a bare name stands for a mapping with nothing else in it.
pub(crate) struct Written(pub(super) Options);

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let written = match Value::deserialize(deserializer)? {
            Value::String(name) => json!({ "name": name }),
            other => other,
        };
        serde_json::from_value(written).map(Self).map_err(D::Error::custom)
    }
}

impl JsonSchema for Written {
    fn schema_name() -> Cow<'static, str> {
        "Preset".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let name = Name::json_schema(generator);
        let mut schema = Options::json_schema(generator);
        schema.insert("type".to_owned(), json!(["object", "string"]));
        schema.insert("if".to_owned(), json!({ "type": "string" }));
        schema.insert("then".to_owned(), name.to_value());
        schema
    }
}
