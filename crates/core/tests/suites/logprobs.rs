//! Logprobs: who is asked for them, and how that is written.

use super::providers::address;

#[test]
fn logprobs_are_asked_of_whoever_has_them() {
    let check = |provider: &str, params: &str, expected: &str| {
        let told =
            address(&format!("provider: {provider}, base_url: 'http://h', params: {params}"));
        let told = told.unwrap_or_else(|error| error);
        assert!(told.contains(expected), "{provider} {params}: {told}");
        // Once, and not as a parameter that is unknown besides.
        assert!(!told.contains("has no parameter"), "{told}");
    };
    let is_fine = |provider: &str, params: &str| check(provider, params, "http://h");
    for params in
        ["logprobs: true, top_logprobs: 3", "logprobs: 5", "logprobs: 0", "logprobs: false"]
    {
        is_fine("openai", &format!("{{ {params} }}"));
    }
    is_fine("openai", "{ top_logprobs: 3, include: [x] }");
    is_fine("openai", "{ top_logprobs: 0 }");
    is_fine("talker", "{ logprobs: true, top_logprobs: 0 }");
    is_fine("placed", "{ logprobs: false }");
    is_fine("placed", "{ logprobs: null, extra: { logprobs: true } }");
    check(
        "placed",
        "{ logprobs: true }",
        "model `small` asks for logprobs, which `provider: placed` lacks",
    );
    check(
        "placed",
        "{ logprobs: 0 }",
        "leave it out, or ask a provider that has it: `openai`, `talker`",
    );
    let alternatives = "asks for logprobs of alternatives, which `provider: talker` lacks";
    check("talker", "{ logprobs: true, top_logprobs: 1 }", alternatives);
    check("talker", "{ logprobs: 1 }", alternatives);
    check("openai", "{ top_logprobs: 3 }", "write `logprobs: true` beside it");
    check("openai", "{ logprobs: yes please }", "`logprobs` is `true`, or how many");
    check("openai", "{ logprobs: -1 }", "`logprobs` is `true`, or how many");
    check(
        "openai",
        "{ logprobs: true, top_logprobs: many }",
        "`top_logprobs` is a whole number, not \"many\"",
    );
}
