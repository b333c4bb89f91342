//! How probable the tokens of an answer were: pieces of its text, each with the logprobs of its tokens.

use evalmark_core::logprobs::{Logprobs, TokenLogprob};
use serde_json::Value;

use crate::providers::reported_logprobs::number;

/// The logprobs of an answer, as far as anyone can read them. The text of a piece stands at the first of
/// its tokens, since the others have none of their own.
pub(super) fn read(reported: &Value) -> Option<Box<Logprobs>> {
    Logprobs::of(reported.as_array()?.iter().flat_map(tokens))
}

fn tokens(piece: &Value) -> impl Iterator<Item = TokenLogprob> {
    let text = piece.get("text").and_then(Value::as_str);
    let logprobs = piece.get("logprobs").and_then(Value::as_array);
    // A piece whose logprobs are not told is a token, too.
    let n_tokens = logprobs.map_or(usize::from(text.is_some()), Vec::len);
    (0..n_tokens).map(move |i| TokenLogprob {
        token: text.filter(|_| i == 0).unwrap_or_default().to_owned(),
        logprob: number(logprobs.and_then(|logprobs| logprobs.get(i))),
        top_logprobs: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pieces_have_tokens() {
        let all = read(&json!([
            { "token_ids": [1, 2], "text": "yes", "logprobs": [-0.5, -1.5] },
            { "token_ids": [3], "text": ".", "logprobs": null },
            { "text": "!", "logprobs": [-9999.0] },
            { "token_ids": [4] },
            7,
        ]));
        let all = all.expect("logprobs");
        assert_eq!((all.mean, all.n_tokens), (Some(-1.0), 4));
        let shown: Vec<_> =
            all.content.iter().map(|token| (&*token.token, token.logprob)).collect();
        assert_eq!(shown, [("yes", Some(-0.5)), ("", Some(-1.5)), (".", None), ("!", None)]);
        for nothing in [json!(null), json!([]), json!({}), json!([{}])] {
            assert_eq!(read(&nothing), None, "{nothing}");
        }
    }
}
