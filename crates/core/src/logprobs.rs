//! How probable each token of an answer was to its model: what a suite asks for, and what is kept.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The parameter that asks for logprobs: `true`, or how many alternatives come with each token.
pub const LOGPROBS: &str = "logprobs";
/// The parameter that says how many alternatives come with each token.
pub const TOP_LOGPROBS: &str = "top_logprobs";

/// Logprobs as parameters ask for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AskedLogprobs {
    /// Alternatives to each token; `None` where the parameters do not say.
    pub top: Option<u64>,
}

impl AskedLogprobs {
    /// What these parameters ask for; `None` where it is no logprobs.
    pub fn of(params: &Map<String, Value>) -> Option<Self> {
        let top = params.get(TOP_LOGPROBS).and_then(Value::as_u64);
        match params.get(LOGPROBS)? {
            Value::Bool(true) => Some(Self { top }),
            Value::Number(n) => Some(Self { top: top.or(n.as_u64().filter(|n| *n > 0)) }),
            _ => None,
        }
    }

    /// Whether alternatives are asked for.
    pub fn wants_top(self) -> bool {
        self.top.is_some_and(|n| n > 0)
    }
}

/// Tokens and alternatives that are kept of one answer, at most.
pub const MOST_LOGPROBS: usize = 20_000;
/// Bytes of one token's text that are kept, at most.
const MOST_BYTES: usize = 256;
/// What servers say of a token whose probability they do not know or that is too small to be told.
const UNTOLD: f64 = -9_999.0;
/// How far above zero rounding takes a logprob.
const ROUNDING: f64 = 1e-2;

/// How probable the tokens of an answer were.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Logprobs {
    /// Mean over all tokens whose logprob is known; `None` where none is. `exp(-mean)` is the perplexity.
    #[serde(default)]
    pub mean: Option<f64>,
    /// Tokens that the server told of. Where `content` has fewer, the rest was too much to keep.
    #[serde(default)]
    pub n_tokens: u64,
    /// The tokens in their order.
    #[serde(default)]
    pub content: Vec<TokenLogprob>,
}

/// A token of an answer, and how probable it was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TokenLogprob {
    /// The token, as the server writes it.
    #[serde(default)]
    pub token: String,
    /// Natural logarithm of its probability; `None` where the server tells no number.
    #[serde(default)]
    pub logprob: Option<f64>,
    /// The most probable tokens in its place, as far as the request asked for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top_logprobs: Vec<TopLogprob>,
}

/// A token that could have stood in the place of another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TopLogprob {
    /// The token, as the server writes it.
    #[serde(default)]
    pub token: String,
    /// Natural logarithm of its probability; `None` where the server tells no number.
    #[serde(default)]
    pub logprob: Option<f64>,
}

/// A number that a server gives as a logprob, unless it can be none: `-9999` and whatever is below stand
/// for a probability that it does not tell.
pub fn told(number: f64) -> Option<f64> {
    (number > UNTOLD && number <= ROUNDING).then_some(number)
}

impl Logprobs {
    /// Those of these tokens; `None` where there are none. As many are kept as have room, with their
    /// alternatives; the mean is over all.
    pub fn of(tokens: impl IntoIterator<Item = TokenLogprob>) -> Option<Box<Self>> {
        let (mut all, mut left) = (Self::default(), MOST_LOGPROBS);
        let (mut sum, mut n_known) = (0.0, 0_u32);
        for mut token in tokens {
            all.n_tokens += 1;
            token.logprob = token.logprob.and_then(told);
            if let Some(logprob) = token.logprob {
                sum += logprob;
                n_known = n_known.saturating_add(1);
            }
            // What comes after a token without room has none, either.
            let rest = left.checked_sub(1 + token.top_logprobs.len());
            left = rest.unwrap_or_default();
            if rest.is_some() || all.content.is_empty() {
                all.content.push(token.shortened());
            }
        }
        all.mean = (n_known > 0).then(|| sum / f64::from(n_known));
        (all.n_tokens > 0).then(|| Box::new(all))
    }

    /// Passes the texts through `change`, which hides what nobody may see. That may be spread over
    /// several tokens, or over the alternatives of one or of several: then none is kept.
    pub fn change_texts(&mut self, change: &dyn Fn(String) -> String) {
        for TokenLogprob { token, top_logprobs, .. } in &mut self.content {
            let top = top_logprobs.iter_mut().map(|top| &mut top.token);
            for text in std::iter::once(token).chain(top) {
                *text = change(std::mem::take(text));
            }
        }
        if self.rows().into_iter().any(|row| change(row.clone()) != row) {
            self.content.clear();
        }
    }

    /// The texts in every order in which someone may read them: the tokens one after the other, each with its
    /// alternatives behind it, and the alternatives of each rank, the most probable of all tokens first.
    fn rows(&self) -> Vec<String> {
        let (mut tokens, mut all, mut ranks) = (String::new(), String::new(), Vec::new());
        for TokenLogprob { token, top_logprobs, .. } in &self.content {
            tokens.push_str(token);
            all.push_str(token);
            ranks.resize_with(ranks.len().max(top_logprobs.len()), String::new);
            for (TopLogprob { token, .. }, rank) in top_logprobs.iter().zip(&mut ranks) {
                all.push_str(token);
                rank.push_str(token);
            }
        }
        [tokens, all].into_iter().chain(ranks).collect()
    }
}

impl TokenLogprob {
    fn shortened(mut self) -> Self {
        self.top_logprobs.truncate(MOST_LOGPROBS);
        for top in &mut self.top_logprobs {
            top.logprob = top.logprob.and_then(told);
        }
        let top = self.top_logprobs.iter_mut().map(|top| &mut top.token);
        for text in std::iter::once(&mut self.token).chain(top) {
            text.truncate(text.floor_char_boundary(MOST_BYTES));
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn token(text: &str, logprob: f64, n_top: usize) -> TokenLogprob {
        let top = TopLogprob { token: text.to_owned(), logprob: Some(logprob) };
        let top_logprobs = vec![top; n_top];
        TokenLogprob { token: text.to_owned(), logprob: Some(logprob), top_logprobs }
    }

    fn kept(tokens: impl IntoIterator<Item = TokenLogprob>) -> Logprobs {
        *Logprobs::of(tokens).expect("logprobs")
    }

    #[test]
    fn parameters_ask_for_logprobs_or_do_not() {
        let top = |top| Some(AskedLogprobs { top });
        for (params, expected) in [
            (json!({}), None),
            (json!({ "logprobs": null }), None),
            (json!({ "logprobs": false, "top_logprobs": 3 }), None),
            (json!({ "top_logprobs": 3 }), None),
            (json!({ "logprobs": "yes" }), None),
            (json!({ "logprobs": true }), top(None)),
            (json!({ "logprobs": true, "top_logprobs": 3 }), top(Some(3))),
            (json!({ "logprobs": 0 }), top(None)),
            (json!({ "logprobs": 5 }), top(Some(5))),
            (json!({ "logprobs": 5, "top_logprobs": 2 }), top(Some(2))),
        ] {
            let asked = AskedLogprobs::of(params.as_object().expect("a mapping"));
            assert_eq!(asked, expected, "{params}");
        }
    }

    #[test]
    fn what_is_kept_is_bounded_and_the_mean_is_over_all() {
        let many = (0..1_000).map(|_| token(&"é".repeat(500), -0.5, 99));
        let many = kept(many.chain([token("a", -500.5, 0)]));
        assert_eq!((many.n_tokens, many.content.len()), (1_001, MOST_LOGPROBS / 100));
        assert_eq!(many.content[0].token, "é".repeat(128));
        assert!((many.mean.expect("a mean") + 1_000.5 / 1_001.0).abs() < 1e-9, "{:?}", many.mean);
        let wide = kept([token("a", -1.0, 2 * MOST_LOGPROBS), token("b", -1.0, 0)]);
        assert_eq!((wide.content.len(), wide.n_tokens), (1, 2));
        assert_eq!(wide.content[0].top_logprobs.len(), MOST_LOGPROBS);
        assert_eq!(Logprobs::of([]), None);
    }

    #[test]
    fn what_is_no_logprob_is_not_known() {
        let odd = [f64::NAN, f64::NEG_INFINITY, f64::INFINITY, -9_999.0, f64::MIN, 0.5];
        let kept =
            kept(odd.map(|number| token("a", number, 1)).into_iter().chain([token("b", -0.0, 0)]));
        assert_eq!((kept.mean, kept.n_tokens), (Some(0.0), 7));
        let unknown = kept.content[..6].iter().all(|token| {
            token.logprob.is_none() && token.top_logprobs.iter().all(|top| top.logprob.is_none())
        });
        assert!(unknown, "{kept:?}");
        let json = serde_json::to_string(&kept.content[5..]).expect("JSON");
        assert_eq!(
            json,
            r#"[{"token":"a","logprob":null,"top_logprobs":[{"token":"a","logprob":null}]},{"token":"b","logprob":-0.0}]"#
        );
        assert_eq!(Logprobs::of([token("a", f64::NAN, 0)]).expect("one").mean, None);
    }

    #[test]
    fn a_secret_in_several_tokens_is_hidden_with_all() {
        let hide = |text: String| text.replace("key", "-");
        let mut spread = kept([token("a k", -1.0, 0), token("ey", -1.0, 0)]);
        spread.change_texts(&hide);
        assert_eq!((spread.content, spread.n_tokens), (Vec::new(), 2));
        let top = |token: &str| TopLogprob { token: token.to_owned(), logprob: Some(-2.0) };
        for alternatives in [
            [vec![top("k"), top("ey")], vec![]],
            [vec![top("a"), top("k")], vec![top("b"), top("ey")]],
            [vec![top("ke")], vec![top("y"), top("z")]],
        ] {
            let tokens = alternatives
                .map(|top_logprobs| TokenLogprob { top_logprobs, ..token("a", -1.0, 0) });
            let mut spread = kept(tokens);
            spread.change_texts(&hide);
            assert_eq!((spread.content, spread.n_tokens), (Vec::new(), 2));
        }
        let top_logprobs = vec![top("key")];
        let mut plain = kept([TokenLogprob { top_logprobs, ..token("a", -1.0, 0) }]);
        plain.change_texts(&hide);
        assert_eq!(plain.content[0].top_logprobs[0].token, "-");
    }
}
