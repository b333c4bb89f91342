//! How probable a candidate's tokens were: those that were chosen, and beside them the most probable ones.

use evalmark_core::logprobs::{Logprobs, TokenLogprob, TopLogprob};
use serde_json::Value;

use crate::providers::reported_logprobs::number;

/// The logprobs of a candidate, as far as anyone can read them.
pub(super) fn read(reported: &Value) -> Option<Box<Logprobs>> {
    let (chosen, top) =
        (reported.get("chosenCandidates")?.as_array()?, reported.get("topCandidates"));
    let token = |(i, chosen): (usize, &Value)| {
        let alternatives = top.and_then(|top| top.get(i)?.get("candidates")?.as_array());
        let one = |one: &Value| {
            let (token, logprob) = told(one)?;
            Some(TopLogprob { token, logprob })
        };
        let top_logprobs = alternatives.into_iter().flatten().filter_map(one).collect();
        let (token, logprob) = told(chosen)?;
        Some(TokenLogprob { token, logprob, top_logprobs })
    };
    Logprobs::of(chosen.iter().enumerate().filter_map(token))
}

/// A token, and how probable it was: a zero is not told, since it is what numbers are here where
/// nothing is said.
fn told(candidate: &Value) -> Option<(String, Option<f64>)> {
    let candidate = candidate.as_object()?;
    let token = candidate.get("token").and_then(Value::as_str).unwrap_or_default();
    let logprob = match candidate.get("logProbability") {
        None => Some(0.0),
        told => number(told),
    };
    Some((token.to_owned(), logprob))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn each_token_has_its_alternatives() {
        let token = |token: &str, logprob: f64| json!({ "token": token, "tokenId": 7, "logProbability": logprob });
        let all = read(&json!({
            "chosenCandidates": [token("ye", -0.5), { "token": "s" }, token("!", -9999.0), 7],
            "topCandidates": [{ "candidates": [token("ye", -0.5), token("no", -1.5)] }, {}, { "candidates": 7 }],
        }));
        let all = all.expect("logprobs");
        assert_eq!((all.mean, all.n_tokens), (Some(-0.25), 3));
        let shown: Vec<_> =
            all.content.iter().map(|token| (&*token.token, token.logprob)).collect();
        assert_eq!(shown, [("ye", Some(-0.5)), ("s", Some(0.0)), ("!", None)]);
        let no = TopLogprob { token: "no".to_owned(), logprob: Some(-1.5) };
        assert_eq!(all.content[0].top_logprobs[1], no);
        for nothing in [
            json!({}),
            json!(null),
            json!({ "chosenCandidates": [] }),
            json!({ "chosenCandidates": 7 }),
        ] {
            assert_eq!(read(&nothing), None, "{nothing}");
        }
    }
}
