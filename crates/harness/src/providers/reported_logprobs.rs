//! Logprobs as servers of several protocols report them: a list of tokens, or lists beside each other.

use evalmark_core::logprobs::{Logprobs, TokenLogprob, TopLogprob};
use serde_json::{Map, Value};

/// The logprobs of an answer; `None` where there are none that anyone can read. What is odd in them costs
/// nobody an answer.
pub(super) fn read(reported: &Value) -> Option<Box<Logprobs>> {
    match reported {
        Value::Array(tokens) => of_lists([tokens]),
        Value::Object(lists) => {
            let list = |name: &str| lists.get(name).and_then(Value::as_array);
            // A refusal's tokens stand apart, where there is no other text.
            let said = ["content", "refusal"].into_iter().filter_map(list);
            match said.into_iter().find(|tokens| !tokens.is_empty()) {
                Some(tokens) => of_lists([tokens]),
                None => Logprobs::of(beside_each_other(lists, list("tokens")?)),
            }
        }
        _ => None,
    }
}

/// The same of tokens in several lists.
pub(super) fn of_lists<'a>(
    lists: impl IntoIterator<Item = &'a Vec<Value>>,
) -> Option<Box<Logprobs>> {
    Logprobs::of(lists.into_iter().flatten().filter_map(token))
}

/// Lists go on with each event of a stream.
pub(super) fn go_on(all: &mut Value, more: Value) {
    match (all, more) {
        (_, Value::Null) => {}
        (Value::Array(all), Value::Array(more)) => all.extend(more),
        (Value::Object(all), Value::Object(more)) => {
            for (name, more) in more {
                match all.get_mut(&name) {
                    Some(list) => go_on(list, more),
                    None => drop(all.insert(name, more)),
                }
            }
        }
        (all, more) => *all = more,
    }
}

/// A token with its alternatives; `None` for what is no token.
fn token(reported: &Value) -> Option<TokenLogprob> {
    let token = reported.as_object()?;
    let top_logprobs = token.get("top_logprobs").map(alternatives).unwrap_or_default();
    Some(TokenLogprob { token: text(token), logprob: number(token.get("logprob")), top_logprobs })
}

fn text(token: &Map<String, Value>) -> String {
    token.get("token").and_then(Value::as_str).unwrap_or_default().to_owned()
}

pub(super) fn number(reported: Option<&Value>) -> Option<f64> {
    reported.and_then(Value::as_f64)
}

/// A list of tokens, or a mapping from each to its logprob.
fn alternatives(reported: &Value) -> Vec<TopLogprob> {
    match reported {
        Value::Array(list) => {
            let one = |one: &Value| {
                let one = one.as_object()?;
                Some(TopLogprob { token: text(one), logprob: number(one.get("logprob")) })
            };
            list.iter().filter_map(one).collect()
        }
        Value::Object(map) => {
            let one = |(token, logprob): (&String, &Value)| TopLogprob {
                token: token.clone(),
                logprob: number(Some(logprob)),
            };
            map.iter().map(one).collect()
        }
        _ => Vec::new(),
    }
}

/// Tokens, logprobs and alternatives, each in a list of its own.
fn beside_each_other<'a>(
    lists: &'a Map<String, Value>,
    tokens: &'a [Value],
) -> impl Iterator<Item = TokenLogprob> + 'a {
    let at = |name: &str, i: usize| lists.get(name).and_then(|list| list.get(i));
    tokens.iter().enumerate().map(move |(i, token)| TokenLogprob {
        token: token.as_str().unwrap_or_default().to_owned(),
        logprob: number(at("token_logprobs", i)),
        top_logprobs: at("top_logprobs", i).map(alternatives).unwrap_or_default(),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    /// `mean n_tokens: token=logprob(alternatives) …`
    fn check(reported: &Value, expected: &str) {
        let number = |n: Option<f64>| n.map_or("-".to_owned(), |n| n.to_string());
        let shown = read(reported).map(|all| {
            let token = |TokenLogprob { token, logprob, top_logprobs }: &TokenLogprob| {
                let top = top_logprobs
                    .iter()
                    .map(|top| [&*top.token, "=", &number(top.logprob)].concat());
                format!(" {token}={}({})", number(*logprob), top.collect::<Vec<_>>().join(","))
            };
            let tokens: String = all.content.iter().map(token).collect();
            format!("{} {}:{tokens}", number(all.mean), all.n_tokens)
        });
        assert_eq!(shown.unwrap_or_default(), expected, "{reported}");
    }

    #[test]
    fn tokens_are_a_list() {
        let yes = json!({ "token": "yes", "logprob": -0.5, "bytes": [121], "top_logprobs": [
            { "token": "yes", "logprob": -0.5, "bytes": null }, { "token": "no", "logprob": -1.5 },
        ] });
        let end = json!({ "id": 7, "token": ".", "bytes": null, "logprob": -1 });
        let shown = "-0.75 2: yes=-0.5(yes=-0.5,no=-1.5) .=-1()";
        check(&json!({ "content": [yes, end], "refusal": null }), shown);
        check(&json!([yes, end]), shown);
        check(
            &json!({ "content": null, "refusal": [end], "reasoning_content": [yes] }),
            "-1 1: .=-1()",
        );
    }

    #[test]
    fn or_lists_stand_beside_each_other() {
        let lists = json!({
            "tokens": ["yes", "."], "token_logprobs": [-0.5, null], "text_offset": [0, 3],
            "top_logprobs": [{ "yes": -0.5, "no": -1.5 }, null], "token_ids": [1, 2],
        });
        check(&lists, "-0.5 2: yes=-0.5(yes=-0.5,no=-1.5) .=-()");
        check(&json!({ "tokens": ["a", 7], "token_logprobs": [-2] }), "-2 2: a=-2() =-()");
        check(
            &json!({ "tokens": ["a"], "top_logprobs": [[{ "token": "b", "logprob": -9999.0 }]] }),
            "- 1: a=-(b=-)",
        );
    }

    #[test]
    fn what_is_odd_is_not_known() {
        for nothing in [
            json!(null),
            json!([]),
            json!({}),
            json!({ "content": [] }),
            json!(true),
            json!([7, null]),
        ] {
            check(&nothing, "");
        }
        check(
            &json!([{ "token": "a", "logprob": -9999.0 }, { "logprob": "NaN" }]),
            "- 2: a=-() =-()",
        );
        check(&json!([{ "token": null, "logprob": -1, "top_logprobs": 7 }]), "-1 1: =-1()");
        check(&json!([{ "token": "a", "logprob": f64::MIN }]), "- 1: a=-()");
    }

    #[test]
    fn lists_go_on() {
        let mut all = json!({ "content": [1], "refusal": null });
        go_on(&mut all, json!({ "content": [2], "refusal": null, "more": [3] }));
        go_on(&mut all, json!(null));
        go_on(&mut all, json!({ "content": [4], "refusal": [5] }));
        assert_eq!(all, json!({ "content": [1, 2, 4], "refusal": [5], "more": [3] }));
    }
}
