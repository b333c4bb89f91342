//! Parameters under names that all providers share: each protocol has words of its own for them, and
//! sends what stands under `extra` as it is.

use evalmark_core::{logprobs::AskedLogprobs, provider::EXTRA};
use serde_json::{Map, Value};

/// A request's parameters: those that are the same everywhere, and the others.
///
/// `max_tokens` is not among them: a request says itself how many tokens its answer may have.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct CommonParams<'a> {
    pub(crate) temperature: Option<&'a Value>,
    pub(crate) top_p: Option<&'a Value>,
    pub(crate) top_k: Option<&'a Value>,
    pub(crate) seed: Option<&'a Value>,
    pub(crate) frequency_penalty: Option<&'a Value>,
    pub(crate) presence_penalty: Option<&'a Value>,
    /// Texts that end an answer: a text alone is a list of one.
    pub(crate) stop: Option<Value>,
    pub(crate) logprobs: Option<&'a Value>,
    pub(crate) top_logprobs: Option<&'a Value>,
    /// What both ask for.
    pub(crate) asked_logprobs: Option<AskedLogprobs>,
    /// How much a model thinks: a word such as `low`.
    pub(crate) reasoning_effort: Option<&'a Value>,
    /// Tokens that it may think.
    pub(crate) thinking_budget: Option<&'a Value>,
    /// Names that only some protocols know, in the suite's order.
    pub(crate) others: Vec<(&'a str, &'a Value)>,
    /// What is sent as it is.
    extra: Option<&'a Map<String, Value>>,
}

impl<'a> CommonParams<'a> {
    /// The parameters of a request.
    pub(crate) fn of(params: &'a Map<String, Value>) -> Self {
        let mut common = Self { asked_logprobs: AskedLogprobs::of(params), ..Self::default() };
        for (name, value) in params {
            let place = match name.as_str() {
                "temperature" => &mut common.temperature,
                "top_p" => &mut common.top_p,
                "top_k" => &mut common.top_k,
                "seed" => &mut common.seed,
                "frequency_penalty" => &mut common.frequency_penalty,
                "presence_penalty" => &mut common.presence_penalty,
                "logprobs" => &mut common.logprobs,
                "top_logprobs" => &mut common.top_logprobs,
                "reasoning_effort" => &mut common.reasoning_effort,
                "thinking_budget" => &mut common.thinking_budget,
                "stop" => {
                    common.stop = Some(match value {
                        Value::String(_) => Value::Array(vec![value.clone()]),
                        list => list.clone(),
                    });
                    continue;
                }
                EXTRA => {
                    common.extra = value.as_object();
                    continue;
                }
                other => {
                    common.others.push((other, value));
                    continue;
                }
            };
            *place = Some(value);
        }
        common
    }

    /// How many alternatives to each token are asked for, as the suite writes it.
    pub(crate) fn asked_top(&self) -> Option<Value> {
        let of_number = || self.asked_logprobs.and_then(|asked| asked.top).map(Value::from);
        self.top_logprobs.cloned().or_else(of_number)
    }

    /// Puts what stands under `extra` into a body. A mapping within a mapping adds to it; whatever
    /// else is there already gives way.
    pub(crate) fn add_extra(&self, body: &mut Map<String, Value>) {
        if let Some(extra) = self.extra {
            merge(body, extra);
        }
    }
}

fn merge(into: &mut Map<String, Value>, from: &Map<String, Value>) {
    for (name, value) in from {
        match (into.get_mut(name), value) {
            (Some(Value::Object(inner)), Value::Object(more)) => merge(inner, more),
            _ => {
                into.insert(name.clone(), value.clone());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_are_told_apart() {
        let params = json!({ "temperature": 0, "stop": "x", "own": 1, "extra": { "a": 2 } });
        let common = CommonParams::of(params.as_object().expect("a mapping"));
        assert_eq!(common.temperature, Some(&json!(0)));
        assert_eq!(common.stop, Some(json!(["x"])));
        assert_eq!(common.others, [("own", &json!(1))]);
        assert_eq!(common.top_p, None);
    }

    #[test]
    fn extra_is_sent_as_it_is_and_adds_to_what_is_there() {
        let params = json!({ "extra": { "config": { "b": 2, "c": [1] }, "a": 3 } });
        let common = CommonParams::of(params.as_object().expect("a mapping"));
        let mut body = json!({ "config": { "b": 1, "d": 4 }, "e": 5 });
        common.add_extra(body.as_object_mut().expect("a mapping"));
        assert_eq!(body, json!({ "config": { "b": 2, "d": 4, "c": [1] }, "e": 5, "a": 3 }));
    }
}
