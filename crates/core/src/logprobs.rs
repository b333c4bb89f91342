//! How sure a model was of each token of its answer.

use serde::{Deserialize, Serialize};

/// A token of an answer, and how probable it was.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TokenLogprob {
    /// The token, as text.
    pub token: String,
    /// Natural logarithm of its probability.
    pub logprob: f64,
    /// The tokens that were the most probable there, as far as the request asked for them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub top: Vec<TopLogprob>,
}

/// A token that could have stood in the place of another.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct TopLogprob {
    /// The token, as text.
    pub token: String,
    /// Natural logarithm of its probability.
    pub logprob: f64,
}

/// Tokens of an answer whose logprobs are kept, alternatives included, at most.
pub const MOST_LOGPROBS: usize = 20_000;
/// Bytes of one token's text that are kept, at most.
const MOST_BYTES: usize = 256;

/// The first tokens, as many as are kept with their alternatives. What is no number is left out.
pub fn bounded(tokens: impl IntoIterator<Item = TokenLogprob>) -> Vec<TokenLogprob> {
    let (mut kept, mut left) = (Vec::new(), MOST_LOGPROBS);
    for mut token in tokens {
        token.top.retain(|top| top.logprob.is_finite());
        let size = 1 + token.top.len();
        if size > left {
            break;
        }
        left -= size;
        if token.logprob.is_finite() {
            shorten(&mut token.token);
            token.top.iter_mut().for_each(|top| shorten(&mut top.token));
            kept.push(token);
        }
    }
    kept
}

fn shorten(text: &mut String) {
    if text.len() > MOST_BYTES {
        text.truncate(text.floor_char_boundary(MOST_BYTES));
    }
}

/// Passes the texts through `change`, which hides what nobody may see. What is hidden may be spread
/// over several tokens: then none is kept.
pub fn change_texts(tokens: &mut Vec<TokenLogprob>, change: &dyn Fn(String) -> String) {
    let whole: String = tokens.iter().map(|token| token.token.as_str()).collect();
    if change(whole.clone()) != whole {
        tokens.clear();
    }
    for TokenLogprob { token, top, .. } in tokens {
        *token = change(std::mem::take(token));
        for TopLogprob { token, .. } in top {
            *token = change(std::mem::take(token));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token(text: &str, logprob: f64, n_top: usize) -> TokenLogprob {
        let top = vec![TopLogprob { token: text.to_owned(), logprob }; n_top];
        TokenLogprob { token: text.to_owned(), logprob, top }
    }

    #[test]
    fn what_is_kept_is_bounded() {
        let endless = std::iter::repeat_with(|| token(&"é".repeat(500), -0.5, 99));
        let kept = bounded(endless);
        assert_eq!(kept.len(), MOST_LOGPROBS / 100);
        assert_eq!(kept[0].token, "é".repeat(128));
        let odd = [token("a", f64::NEG_INFINITY, 2), token("b", -1.0, 1)];
        assert_eq!(bounded(odd), [token("b", -1.0, 1)]);
    }

    #[test]
    fn a_secret_in_several_tokens_is_hidden_with_all() {
        let hide = |text: String| text.replace("key", "-");
        let mut spread = vec![token("a k", -1.0, 0), token("ey", -1.0, 0)];
        change_texts(&mut spread, &hide);
        assert_eq!(spread, []);
        let mut plain = vec![TokenLogprob {
            top: vec![TopLogprob { token: "key".to_owned(), logprob: -2.0 }],
            ..token("a", -1.0, 0)
        }];
        change_texts(&mut plain, &hide);
        assert_eq!(plain[0].top[0].token, "-");
    }
}
