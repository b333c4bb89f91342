use evalmark_net::Url;
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::http::streamed_body;

fn endpoint(stream: &Value) -> Endpoint {
    let options = json!({
        "body": { "q": "{{ prompt }}" },
        "usage": { "input_tokens": "$.usage.in", "output_tokens": "$.usage.out" },
        "finish_reason": "$.why",
        "error": { "json": "$.error" },
        "stream": stream,
    });
    let base = Url::parse("http://127.0.0.1/").expect("a URL");
    Endpoint::open(&options, &base).expect("a form")
}

/// What comes of a stream in these pieces: the answer, its reason and tokens, or why there is none.
fn told(stream: &Value, pieces: &[&[u8]]) -> String {
    let endpoint = endpoint(stream);
    let form = endpoint.stream.as_ref().expect("a stream");
    let answer = match streamed_body(form, pieces) {
        Ok(Some(events)) => endpoint.answer_of(form, &events),
        Ok(None) => return "whole".to_owned(),
        Err(error) => Err(error),
    };
    match answer {
        Ok(Answer { output, finish_reason, usage, .. }) => {
            let why = finish_reason.as_ref().map_or("-", |why| why.as_str());
            let count = |tokens: Option<u64>| tokens.map_or("-".to_owned(), |n| n.to_string());
            format!("{output}|{why}|{}|{}", count(usage.input_tokens), count(usage.output_tokens))
        }
        Err(error) => error.failure.message,
    }
}

#[track_caller]
fn check(stream: &Value, body: &str, expected: &str) {
    assert_eq!(told(stream, &[body.as_bytes()]), expected, "{body}");
}

const CUT: &str = "the connection broke: the stream ends before the answer does";

#[test]
fn pieces_stand_where_the_suite_says() {
    let events = json!({ "delta": { "json": "$.t" } });
    check(
        &events,
        ": alive\n\ndata: {\"t\":\"y\"}\n\ndata: {\"t\":\"es\",\"usage\":{\"in\":1}}\n\ndata: {\"why\":\"end_turn\",\"usage\":{\"out\":2}}\n\n",
        "yes|stop|1|2",
    );
    check(&events, "data: {\"t\":\"y\"}\n\ndata: [DONE]\n\ndata: {\"t\":\"no\"}\n\n", "y|-|-|-");
    check(&events, "data: {\"t\":\"\"}\n\n", "|-|-|-");
    let lines = json!({ "format": "json_lines", "delta": { "json": "$.t" }, "done": "$.done" });
    check(
        &lines,
        "{\"t\":\"y\",\"done\":false}\n\n{\"t\":\"es\"}\r\n{\"done\":true,\"why\":\"length\"}\n{\"t\":\"!\"}\n",
        "yes|length|-|-",
    );
    check(&lines, "{\"t\":\"y\"}\n{\"done\":1}", "y|-|-|-");
    let texts = json!({ "delta": { "regex": "^(.*)$" } });
    check(&texts, "data: two\n\ndata:  words\n\ndata: [DONE]\n\n", "two words|-|-|-");
}

#[test]
fn a_stream_that_fails_says_so() {
    let events = json!({ "delta": { "json": "$.t" }, "done": "$.done" });
    check(&events, "data: {\"t\":\"y\"}\n\n", CUT);
    check(&events, "data: {\"t\":\"y\"}\n\ndata: {\"t\":\"e", CUT);
    check(
        &events,
        "data: {\"t\":\"y\"}\n\ndata: {\"t\":oops\n\n",
        "an event of the stream is not JSON: {\"t\":oops",
    );
    check(
        &events,
        "data: {\"t\":\"y\"}\n\ndata: {\"error\":\"out of memory\"}\n\n",
        "the server reports an error in a 200: out of memory",
    );
    check(
        &json!({ "delta": { "json": "$.x" } }),
        "data: {\"t\":\"y\"}\n\n",
        "the response is not a stream of the kind that `http` tells of: no event holds a piece at `$.x`; the first one is {\"t\":\"y\"}",
    );
    let lines = json!({ "format": "json_lines", "delta": { "json": "$.t" } });
    check(&lines, "{\"t\":\"y\"}\n{\"t\":\"e", CUT);
    // What is none comes whole.
    check(&lines, "{\n  \"answer\": 1\n}", "whole");
    check(&lines, "<html>", "whole");
    check(&events, "{\"answer\":1}", "whole");
}

proptest! {
    #[test]
    fn pieces_do_not_matter_and_an_end_anywhere_is_told(
        cuts in prop::collection::vec(0_usize..120, 0..8),
        end in 0_usize..120,
    ) {
        for (format, stream) in [
            ("events", "data: {\"t\":\"é\"}\n\ndata: {\"t\":\"es\"}\n\ndata: {\"done\":true}\n\n"),
            ("json_lines", "{\"t\":\"é\"}\n{\"t\":\"es\"}\n{\"done\":true}\n"),
        ] {
            let form = json!({ "format": format, "delta": { "json": "$.t" }, "done": "$.done" });
            let stream = stream.as_bytes();
            let end = end.min(stream.len());
            let mut cuts: Vec<_> = cuts.iter().map(|cut| (*cut).min(end)).collect();
            cuts.extend([0, end]);
            cuts.sort_unstable();
            let pieces: Vec<_> = cuts.windows(2).map(|ends| &stream[ends[0]..ends[1]]).collect();
            let found = told(&form, &pieces);
            prop_assert_eq!(&found, &told(&form, &[&stream[..end]]));
            // Before the first event is whole, this is any body.
            prop_assert!(["ées|-|-|-", CUT, "whole"].contains(&&*found), "{} {}", end, found);
        }
    }
}
