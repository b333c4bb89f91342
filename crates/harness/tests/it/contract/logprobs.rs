//! Logprobs in every protocol that has them: asked for in its words, read whole and streamed, kept in
//! the ledger, and of no harm where they are odd.

use std::sync::Arc;

use evalmark_core::{
    answer_details::AnswerDetails,
    feature::Feature,
    model,
    record::{FinishReason, Outcome, Record},
};
use evalmark_loopback::{Reply, Seen, Server};
use serde_json::{Value, json};

use super::{
    has,
    streaming::framed,
    wires::{Tokens, WIRES, Wire},
};
use crate::setup::{Setup, limits, model_at};

/// What a protocol makes of logprobs.
struct Form {
    wire: &'static Wire,
    tokens: &'static Tokens,
}

/// Every protocol that has them.
fn forms() -> impl Iterator<Item = Form> {
    WIRES.iter().filter_map(|wire| Some(Form { wire, tokens: wire.logprobs.as_ref()? }))
}

/// The answer `yes` with this in the place of its logprobs.
fn answer(form: &Form, logprobs: &Value) -> Value {
    let mut body = Value::Null;
    drop((form.wire.ended)("yes", FinishReason::Stop).change_body(|bytes| {
        body = serde_json::from_slice(&bytes).expect("JSON");
        bytes
    }));
    let (before, name) = form.tokens.place.rsplit_once('/').expect("a place");
    body.pointer_mut(before).expect("a place")[name] = logprobs.clone();
    body
}

/// `ye` and `s`, with these logprobs, and beside each the same and one less probable.
fn tokens(form: &Form, first: &Value, second: &Value) -> Value {
    let token = |(text, other, logprob): (&str, &str, &Value)| {
        let own = json!({ "token": text, "logprob": logprob });
        let other = json!({ "token": other, "logprob": -4.5 });
        json!({ "token": text, "logprob": logprob, "top_logprobs": [own, other] })
    };
    let tokens = [("ye", "no", first), ("s", "!", second)].map(token);
    (form.tokens.written)(&tokens)
}

/// Asks for logprobs, whole or streamed; the record, what was asked, and the record as it is kept.
fn asked(form: &Form, body: &str, is_streamed: bool) -> (Record, Seen) {
    let events = form.wire.events.expect("all of these stream");
    let reply = if is_streamed {
        let body = serde_json::from_str(body).expect("JSON");
        Reply::bytes(framed(form.wire, &events(&body))).header("content-type", "text/event-stream")
    } else {
        Reply::bytes(body.as_bytes())
    };
    let (server, setup) = (Server::start(move |_| reply.clone()), Setup::new());
    let mut model = model_at(&server.url(), limits());
    model.is_streamed = is_streamed;
    let params = json!({ "logprobs": true, "top_logprobs": 2 });
    model.params = Arc::new(params.as_object().cloned().unwrap_or_default());
    if !has(form.wire, Feature::TopLogprobs) {
        Arc::make_mut(&mut model.params).shift_remove("top_logprobs");
    }
    let open = model::ModelServer::open(form.wire.provider, server.url());
    model.provider = model::Provider::Server(open);
    let endpoint = setup.open_with(&model, Some("sk-0123456789"));
    let (_, record) = setup.ask_model(&endpoint, &model, 1).records().pop().expect("one record");
    let answers = endpoint.answers("another run").expect("a reader");
    let request = model.request([evalmark_core::request::Message::new("user", "0")], 0);
    let kept = answers.get(&request.hash()).expect("a whole ledger").expect("an answer");
    assert_eq!(kept.details, record.details, "{}", form.wire.provider);
    (record, server.requests().remove(0))
}

/// `mean n_tokens token=logprob …`, alternatives in parentheses.
fn shown(record: &Record) -> String {
    let number = |n: Option<f64>| n.map_or("-".to_owned(), |n| n.to_string());
    let Some(details) = record.details.as_deref() else { return String::new() };
    let AnswerDetails { logprobs: Some(all), .. } = details else { return String::new() };
    let token = |token: &evalmark_core::logprobs::TokenLogprob| {
        let top = &token.top_logprobs;
        let top = top.iter().map(|top| [&*top.token, "=", &number(top.logprob)].concat());
        let top = top.collect::<Vec<_>>().join(",");
        let top = if top.is_empty() { top } else { format!("({top})") };
        format!(" {}={}{top}", token.token, number(token.logprob))
    };
    let tokens: String = all.content.iter().map(token).collect();
    format!("{} {}{tokens}", number(all.mean), all.n_tokens)
}

#[test]
fn whoever_has_logprobs_has_a_contract_for_them() {
    for wire in WIRES {
        assert_eq!(has(wire, Feature::Logprobs), wire.logprobs.is_some(), "{}", wire.provider);
    }
}

#[test]
fn logprobs_are_asked_for_and_kept() {
    for form in forms() {
        let body = answer(&form, &tokens(&form, &json!(-0.5), &json!(-1.5)));
        for is_streamed in [false, true] {
            let (record, seen) = asked(&form, &body.to_string(), is_streamed);
            let about = format!("{} {is_streamed}: {record:?}", form.wire.provider);
            assert_eq!(record.output.as_deref(), Some("yes"), "{about}");
            let expected = if has(form.wire, Feature::TopLogprobs) {
                "-1 2 ye=-0.5(ye=-0.5,no=-4.5) s=-1.5(s=-1.5,!=-4.5)"
            } else {
                // Its pieces have more than one token.
                "-1 2 yes=-0.5 =-1.5"
            };
            assert_eq!(shown(&record), expected, "{about}");
            let (sent, asks) = (seen.json(), (form.tokens.asks)());
            for (at, value) in asks.as_object().into_iter().flatten() {
                assert_eq!(sent.pointer(at), Some(value), "{about} {sent}");
            }
        }
    }
}

#[test]
fn logprobs_that_are_no_numbers_are_not_known() {
    let unknown = [json!(null), json!(-9999.0), json!(-3.4e38), json!("NaN"), json!({}), json!(7)];
    for form in forms() {
        for odd in &unknown {
            let body = answer(&form, &tokens(&form, odd, &json!(-1.5)));
            for is_streamed in [false, true] {
                let (record, _) = asked(&form, &body.to_string(), is_streamed);
                let about = format!("{} {odd}: {record:?}", form.wire.provider);
                assert_eq!(record.output.as_deref(), Some("yes"), "{about}");
                let (mean, rest) = shown(&record)
                    .split_once(' ')
                    .map(|(a, b)| (a.to_owned(), b.to_owned()))
                    .expect("two parts");
                assert_eq!(mean, "-1.5", "{about}");
                assert!(rest.starts_with("2 ye=-") || rest.starts_with("2 yes=-"), "{about}");
            }
        }
        // Numbers that JSON does not have.
        let deep = format!("{}{}", "[".repeat(5_000), "]".repeat(5_000));
        for odd in ["NaN", "-Infinity", "-1e400", "1e999", &deep] {
            // Its parts are of several kinds, and are read as whole values.
            if odd.len() > 100 && form.wire.provider == "responses" {
                continue;
            }
            let body = answer(&form, &tokens(&form, &json!(-123.25), &json!(-1.5)));
            let body = body.to_string().replace("-123.25", odd);
            let (record, _) = asked(&form, &body, false);
            assert_eq!(record.output.as_deref(), Some("yes"), "{} {record:?}", form.wire.provider);
            assert!(shown(&record).starts_with("-1.5 2 "), "{} {record:?}", form.wire.provider);
        }
        // Half a character in a token.
        let body = answer(&form, &tokens(&form, &json!(-0.5), &json!(-1.5))).to_string();
        let body = body.replace(r#""ye""#, r#""\ud83d""#);
        let (record, _) = asked(&form, &body, false);
        assert!(shown(&record).starts_with("-1 2 "), "{} {record:?}", form.wire.provider);
    }
}

/// Whatever stands in the place of logprobs, the answer is one.
#[test]
fn odd_logprobs_cost_no_answer() {
    let odd = [
        json!(null),
        json!({}),
        json!([]),
        json!("x"),
        json!(7),
        json!([null, 7, [], {}]),
        json!({ "content": null, "refusal": null, "tokens": null }),
        json!({ "content": 7, "tokens": [], "token_logprobs": "x", "top_logprobs": 7 }),
        json!({ "content": [null, 7, "x"], "chosenCandidates": [null], "topCandidates": {} }),
        json!([{ "text": 7, "logprobs": "x" }, { "text": null, "logprobs": null }]),
    ];
    for form in forms() {
        for odd in &odd {
            for is_streamed in [false, true] {
                let body = answer(&form, odd).to_string();
                let (record, _) = asked(&form, &body, is_streamed);
                let about = format!("{} {odd}: {record:?}", form.wire.provider);
                assert_eq!(record.outcome, Outcome::Answered, "{about}");
                assert_eq!(record.output.as_deref(), Some("yes"), "{about}");
                let logprobs = record.details.and_then(|details| details.logprobs);
                assert!(logprobs.is_none_or(|all| all.mean.is_none()), "{about}");
            }
        }
    }
}

/// A key that the model says token by token is kept in no token, and in no alternative to one.
#[test]
fn a_key_in_several_tokens_is_kept_nowhere() {
    let token = |token: &str| json!({ "token": token, "logprob": -0.5 });
    let beside = |text: &str, others: [&str; 2]| json!({ "token": text, "logprob": -0.5, "top_logprobs": others.map(token) });
    for form in forms() {
        for pieces in [
            vec![token("sk-01"), token("23456789"), token(".")],
            vec![beside("yes", ["sk-01", "23456789"]), token(".")],
            vec![beside("y", ["sk-01", "n"]), beside("es", ["23456789", "o"])],
            vec![beside("yes", ["sk-0123456789", "n"]), token(".")],
        ] {
            let body = answer(&form, &(form.tokens.written)(&pieces)).to_string();
            for is_streamed in [false, true] {
                let (record, _) = asked(&form, &body, is_streamed);
                let details = record.details.as_deref().expect("details").to_json();
                assert!(!details.contains("23456789"), "{} {details}", form.wire.provider);
            }
        }
    }
}
