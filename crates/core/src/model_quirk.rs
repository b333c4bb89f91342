//! What some models of a provider take otherwise than the provider's protocol has it.

use serde_json::{Map, Value};

use crate::{
    logprobs::{AskedLogprobs, LOGPROBS, TOP_LOGPROBS},
    prices::is_version,
};

/// What these models take otherwise.
#[derive(Clone, Copy, Debug)]
pub struct ModelQuirk {
    /// The models.
    pub models: QuirkyModels,
    /// Parameters that they know by another name: that of the protocol, then theirs.
    pub renamed: &'static [(&'static str, &'static str)],
    /// Parameters that they refuse. A temperature of 1 is what they have anyway.
    pub refused: &'static [&'static str],
    /// How they are asked for logprobs; `None` where that is not known to differ from the protocol.
    pub logprobs: Option<LogprobsForm>,
}

impl ModelQuirk {
    /// That these models take everything as the protocol has it.
    pub const fn none(models: QuirkyModels) -> Self {
        Self { models, renamed: &[], refused: &[], logprobs: None }
    }
}

/// How a server is asked for logprobs, and for how many alternatives to each token at most.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogprobsForm {
    /// `logprobs: true`, and `top_logprobs` with the number.
    Switch {
        /// The largest number.
        most: u64,
    },
    /// `logprobs` with the number, and no `top_logprobs`.
    Number {
        /// The largest number.
        most: u64,
    },
}

impl LogprobsForm {
    /// Alternatives to each token, at most.
    pub fn most(self) -> u64 {
        match self {
            Self::Switch { most } | Self::Number { most } => most,
        }
    }
}

/// Which models a quirk is about.
#[derive(Clone, Copy, Debug)]
pub enum QuirkyModels {
    /// Every model.
    All,
    /// Models with one of these names, alone or followed by `-` or `.` and more.
    Families(&'static [&'static str]),
    /// Models with one of these names, with or without a date.
    Versions(&'static [&'static str]),
}

impl QuirkyModels {
    fn contains(self, model: &str) -> bool {
        let is_of_family = |family: &str| {
            let rest = model.strip_prefix(family);
            rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(['-', '.']))
        };
        match self {
            Self::All => true,
            Self::Families(families) => families.iter().any(|family| is_of_family(family)),
            Self::Versions(names) => names.iter().any(|name| is_version(model, name)),
        }
    }
}

/// How a model is asked for logprobs, where that is known to differ from the protocol.
pub fn logprobs_form(quirks: &[ModelQuirk], model: &str) -> Option<LogprobsForm> {
    let mut all = quirks.iter().filter(|quirk| quirk.models.contains(model));
    all.find_map(|quirk| quirk.logprobs)
}

/// The parameters as a model takes them, renamed ones at their old places; `None` where they stay as they
/// are. A name that the suite uses itself counts.
pub fn as_taken(
    quirks: &[ModelQuirk],
    model: &str,
    params: &Map<String, Value>,
) -> Option<Map<String, Value>> {
    let counted = match logprobs_form(quirks, model) {
        Some(LogprobsForm::Number { .. }) => with_number_of_logprobs(params),
        _ => None,
    };
    let params = counted.as_ref().unwrap_or(params);
    let all = quirks.iter().filter(|quirk| quirk.models.contains(model));
    let renamed: Vec<_> = all.flat_map(|quirk| quirk.renamed).collect();
    let own_name = |name: &String| {
        let (_, own) = renamed.iter().find(|(old, _)| old == name)?;
        (!params.contains_key(*own)).then(|| (*own).to_owned())
    };
    let has_renamed = params.keys().any(|name| own_name(name).is_some());
    let taken = has_renamed.then(|| {
        let taken = |(name, value): (&String, &Value)| {
            (own_name(name).unwrap_or_else(|| name.clone()), value.clone())
        };
        params.iter().map(taken).collect()
    });
    taken.or(counted)
}

/// The same parameters with a number in the place of `logprobs: true` and its `top_logprobs`; `None` where
/// nothing is to be changed.
fn with_number_of_logprobs(params: &Map<String, Value>) -> Option<Map<String, Value>> {
    let switch = params.get(LOGPROBS).filter(|said| said.is_boolean());
    if switch.is_none() && !params.contains_key(TOP_LOGPROBS) {
        return None;
    }
    let mut taken = params.clone();
    taken.shift_remove(TOP_LOGPROBS);
    match AskedLogprobs::of(params) {
        Some(asked) => {
            // Without any alternative it tells no logprob.
            let number = asked.top.unwrap_or(1).max(1);
            taken.insert(LOGPROBS.to_owned(), number.into());
        }
        None => drop(taken.shift_remove(LOGPROBS)),
    }
    Some(taken)
}

/// The parameters among these that a model refuses.
pub fn refused<'a>(
    quirks: &'a [ModelQuirk],
    model: &'a str,
    params: &'a Map<String, Value>,
) -> impl Iterator<Item = &'static str> + 'a {
    let is_default =
        |name: &str, value: &Value| name == "temperature" && value.as_f64() == Some(1.0);
    quirks
        .iter()
        .filter(|quirk| quirk.models.contains(model))
        .flat_map(|quirk| quirk.refused.iter().copied())
        .filter(move |name| params.get(*name).is_some_and(|value| !is_default(name, value)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const QUIRKS: &[ModelQuirk] = &[
        ModelQuirk {
            models: QuirkyModels::Families(&["o1", "gpt-5"]),
            renamed: &[("max_tokens", "max_completion_tokens")],
            ..ModelQuirk::none(QuirkyModels::All)
        },
        ModelQuirk {
            refused: &["temperature"],
            ..ModelQuirk::none(QuirkyModels::Versions(&["o1", "gpt-5"]))
        },
        ModelQuirk { refused: &["logit_bias"], ..ModelQuirk::none(QuirkyModels::All) },
        ModelQuirk {
            logprobs: Some(LogprobsForm::Number { most: 20 }),
            ..ModelQuirk::none(QuirkyModels::Families(&["counter"]))
        },
    ];

    fn check(model: &str, params: &Value, taken: Option<&Value>, expected: &[&str]) {
        let params = params.as_object().expect("a mapping");
        assert_eq!(as_taken(QUIRKS, model, params).map(Value::from).as_ref(), taken, "{model}");
        assert_eq!(refused(QUIRKS, model, params).collect::<Vec<_>>(), expected, "{model}");
    }

    #[test]
    fn models_are_known_by_their_names() {
        let params = json!({ "max_tokens": 3, "temperature": 0 });
        let taken = json!({ "max_completion_tokens": 3, "temperature": 0 });
        check("o1", &params, Some(&taken), &["temperature"]);
        check("gpt-5-2025-08-07", &params, Some(&taken), &["temperature"]);
        check("gpt-5.1", &params, Some(&taken), &[]);
        check("gpt-5-chat-latest", &params, Some(&taken), &[]);
        check("gpt-4o", &params, None, &[]);
        check("o1000", &params, None, &[]);
        check("gpt-4o", &json!({ "logit_bias": {} }), None, &["logit_bias"]);
        check("o1", &json!({ "temperature": 1 }), None, &[]);
        check("o1", &json!({ "max_tokens": 1, "max_completion_tokens": 2 }), None, &[]);
    }

    #[test]
    fn logprobs_may_be_asked_for_by_number() {
        for (params, expected) in [
            (json!({ "logprobs": true, "seed": 1 }), Some(json!({ "logprobs": 1, "seed": 1 }))),
            (json!({ "logprobs": true, "top_logprobs": 5 }), Some(json!({ "logprobs": 5 }))),
            (json!({ "logprobs": true, "top_logprobs": 0 }), Some(json!({ "logprobs": 1 }))),
            (json!({ "logprobs": 3, "top_logprobs": 5 }), Some(json!({ "logprobs": 5 }))),
            (json!({ "logprobs": false }), Some(json!({}))),
            (json!({ "logprobs": 3 }), None),
            (json!({ "seed": 1 }), None),
        ] {
            check("counter", &params, expected.as_ref(), &[]);
        }
        check("gpt-4o", &json!({ "logprobs": true }), None, &[]);
    }
}
