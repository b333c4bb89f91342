//! `yaml_valid`: the answer is YAML.

use std::{fmt, sync::Arc};

use evalmark_core::metric::{Direction, ParamError, Range};
use schemars::JsonSchema;
use serde::{
    Deserialize, Deserializer, Serialize,
    de::{Error, IgnoredAny, MapAccess, SeqAccess, Visitor},
};
use serde_saphyr::NonFiniteFloatPolicy;

use super::document::{document, valid_or};
use crate::{
    kind::{About, Backend, Measure, Measurement, MetricDefinition},
    subject::Subject,
};

/// Parameters of `yaml_valid`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// A bare scalar will do. Most lines of prose are YAML scalars, so that without this only a
    /// mapping or a list counts.
    #[serde(default)]
    scalar: bool,
    /// The YAML may stand in a block of code, with text around it: the last one that is labelled so, or
    /// the only one that is not labelled otherwise.
    #[serde(default)]
    fence: bool,
}

#[derive(Debug)]
pub(crate) struct YamlValid {
    scalar: bool,
    fence: bool,
}

impl MetricDefinition for YamlValid {
    const ABOUT: About = About {
        name: "yaml_valid",
        summary: "The answer is one YAML document: a mapping or a list. Keys must be unique.",
        range: Range::Binary,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: false,
        model_refs: &[],
        source: "YAML 1.2, by crate `serde-saphyr`; beyond 64 levels or 250,000 nodes, aliases expanded, there is no score.",
    };
    type Params = Params;

    fn compile(Params { scalar, fence }: Params) -> Result<Backend, ParamError> {
        Ok(Backend::Text(Arc::new(Self { scalar, fence })))
    }
}

impl Measure for YamlValid {
    fn measure(&self, subject: Subject<'_>) -> Measurement {
        let text = match document(subject, self.fence, &["yaml", "yml"]) {
            Ok(text) => text,
            Err(reason) => return valid_or(Some(reason)),
        };
        let options = serde_saphyr::options! {
            non_finite_float_policy: NonFiniteFloatPolicy::PassThrough,
            with_snippet: false,
        };
        match serde_saphyr::from_str_with_options::<Root>(text, options) {
            Ok(Root::Collection) => valid_or(None),
            Ok(Root::Scalar) if self.scalar => valid_or(None),
            Ok(Root::Scalar) => valid_or(Some("neither a mapping nor a list".to_owned())),
            Err(error) if is_limit(&error) => {
                Measurement::Missing("the YAML is too deep or too long to check".to_owned())
            }
            Err(error) => valid_or(Some(error.to_string().chars().take(200).collect())),
        }
    }
}

/// Whether a parse was given up for its size, which says nothing of the text's validity.
fn is_limit(error: &serde_saphyr::Error) -> bool {
    use serde_saphyr::Error as E;
    matches!(
        error.without_snippet(),
        E::Budget { .. }
            | E::AliasReplayLimitExceeded { .. }
            | E::AliasReplayCounterOverflow { .. }
            | E::AliasReplayStackDepthExceeded { .. }
    ) || error.without_snippet().to_string().contains("recursion limit exceeded")
}

/// What a document is at its top. The rest is read, and not kept.
enum Root {
    Scalar,
    Collection,
}

impl<'de> Deserialize<'de> for Root {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(RootVisitor)
    }
}

struct RootVisitor;

impl<'de> Visitor<'de> for RootVisitor {
    type Value = Root;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML")
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<Root, E> {
        Ok(Root::Scalar)
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<Root, E> {
        Ok(Root::Scalar)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<Root, E> {
        Ok(Root::Scalar)
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<Root, E> {
        Ok(Root::Scalar)
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<Root, E> {
        Ok(Root::Scalar)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Root, E> {
        Ok(Root::Scalar)
    }

    fn visit_str<E: Error>(self, _: &str) -> Result<Root, E> {
        Ok(Root::Scalar)
    }

    fn visit_bytes<E: Error>(self, _: &[u8]) -> Result<Root, E> {
        Ok(Root::Scalar)
    }

    fn visit_unit<E: Error>(self) -> Result<Root, E> {
        Ok(Root::Scalar)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut sequence: A) -> Result<Root, A::Error> {
        while sequence.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Root::Collection)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Root, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Root::Collection)
    }
}
