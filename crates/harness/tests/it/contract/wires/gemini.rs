//! Google's Gemini API.

use evalmark_core::record::FinishReason;
use evalmark_loopback::{Reply, gemini};
use serde_json::{Value, json};

use super::{Fault, Tokens, Wire, as_text, halves, part_of};

pub(super) const WIRE: Wire = Wire {
    provider: "gemini",
    path: "/v1/models/m:generateContent",
    model_at: None,
    prompt_at: "/contents/0/parts/0/text",
    schema_at: Some("/generationConfig/responseJsonSchema"),
    key: ("x-goog-api-key", ""),
    ended: |text, reason| {
        let word = match reason {
            FinishReason::Stop | FinishReason::ToolCalls => "STOP",
            FinishReason::Length => "MAX_TOKENS",
            FinishReason::ContentFilter => "SAFETY",
            FinishReason::Other(_) => "OTHER",
        };
        gemini::candidate(&json!([{ "text": text }]), word)
    },
    refused: |text| {
        let feedback = json!({ "blockReason": "SAFETY", "blockReasonMessage": text });
        Reply::json(&json!({ "promptFeedback": feedback }))
    },
    calls: |text| {
        let call = json!({ "id": "c", "name": "f", "args": { "a": 1 } });
        let mut parts = vec![json!({ "functionCall": call })];
        if !text.is_empty() {
            parts.insert(0, json!({ "text": text }));
        }
        gemini::candidate(&parts.into(), "STOP")
    },
    thought: |thought, text| {
        gemini::candidate(&json!([{ "text": thought, "thought": true }, { "text": text }]), "STOP")
    },
    cached: |text| {
        let usage = json!({
            "promptTokenCount": 10, "cachedContentTokenCount": 8, "candidatesTokenCount": 5,
        });
        let candidate =
            json!({ "content": { "parts": [{ "text": text }] }, "finishReason": "STOP" });
        Reply::json(&json!({ "candidates": [candidate], "usageMetadata": usage }))
    },
    error: |code, fault| {
        let (status, message) = match fault {
            Fault::Request | Fault::TooLarge => ("INVALID_ARGUMENT", "as asked for"),
            Fault::Credit => ("RESOURCE_EXHAUSTED", "Your prepayment credits are depleted."),
            Fault::Key => ("UNAUTHENTICATED", "API key not valid. Please pass a valid API key."),
            Fault::Permission => ("PERMISSION_DENIED", "not allowed"),
            Fault::Model => ("NOT_FOUND", "models/m is not found for API version v1beta"),
            Fault::Rate => ("RESOURCE_EXHAUSTED", "Quota exceeded for requests per minute"),
            Fault::Server => ("INTERNAL", "An internal error has occurred."),
            Fault::Overload => ("UNAVAILABLE", "The model is overloaded."),
        };
        // In a success, the body alone says what is wrong.
        let within = if code == 200 { 503 } else { code };
        let error = json!({ "code": within, "status": status, "message": message });
        Reply::status(code).body(json!({ "error": error }).to_string())
    },
    odd: &[
        r#"{"candidates":"x"}"#,
        r#"{"candidates":[{"content":{"parts":[{"text":7}]}}]}"#,
        r#"[{"candidates":[]}]"#,
    ],
    events: Some(events),
    framed: as_text,
    logprobs: Some(Tokens {
        asks: || json!({ "/generationConfig/responseLogprobs": true, "/generationConfig/logprobs": 2 }),
        place: "/candidates/0/logprobsResult",
        written: |tokens| {
            let one = |token: &Value| json!({ "token": token["token"], "tokenId": 7, "logProbability": token["logprob"] });
            let top = |token: &Value| {
                let all = token["top_logprobs"].as_array().into_iter().flatten();
                json!({ "candidates": all.map(one).collect::<Vec<_>>() })
            };
            json!({
                "chosenCandidates": tokens.iter().map(one).collect::<Vec<_>>(),
                "topCandidates": tokens.iter().map(top).collect::<Vec<_>>(),
            })
        },
    }),
    stream: "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"a\"}]}}]}\n\n",
};

/// A response for each half of a text and each other part; the last one says why it ended.
fn events(body: &Value) -> Vec<String> {
    let event = |data: &Value| format!("data: {data}\r\n\r\n");
    let Some(candidate) = body["candidates"].get(0) else { return vec![event(body)] };
    let mut parts = Vec::new();
    for part in candidate["content"]["parts"].as_array().into_iter().flatten() {
        match part["text"].as_str() {
            Some(text) => parts.extend(halves(text).map(|half| {
                let mut part = part.clone();
                part["text"] = half.into();
                part
            })),
            None => parts.push(part.clone()),
        }
    }
    let last = parts.len().saturating_sub(1);
    let response = |(at, part): (usize, &Value)| {
        let mut response = body.clone();
        response["candidates"][0]["content"]["parts"] = json!([part]);
        let logprobs = response["candidates"][0].get_mut("logprobsResult");
        for list in
            logprobs.and_then(Value::as_object_mut).into_iter().flat_map(|all| all.values_mut())
        {
            *list = part_of(list, at, parts.len());
        }
        if at < last {
            if let Some(candidate) = response["candidates"][0].as_object_mut() {
                candidate.shift_remove("finishReason");
            }
            response["usageMetadata"] = json!({ "promptTokenCount": 10 });
        }
        event(&response)
    };
    parts.iter().enumerate().map(response).collect()
}
