//! `mode: batch`: with which providers and suites it makes sense.

use super::{SUITE, folder, read};

fn check_batch(models: &str, more: &str, expected: &[&str]) {
    let folder = folder();
    let begin = SUITE.find("models:").expect("models");
    let metrics = "metrics:\n  - { name: exact, exact: {} }\n";
    let text = format!("{}models:\n{models}{metrics}{more}", &SUITE[..begin]);
    let told = match read(folder.path(), &text) {
        Ok(_) => String::new(),
        Err(error) => error.to_string(),
    };
    assert_eq!(told.is_empty(), expected.is_empty(), "{told}");
    for part in expected {
        assert!(told.contains(part), "{part:?} is not in:\n{told}");
    }
}

#[test]
fn batches_are_for_providers_and_suites_that_they_make_sense_for() {
    let model = |name: &str, more: &str| {
        let address = "base_url: 'http://127.0.0.1:1'";
        format!("  - {{ name: {name}, {address}, {more} }}\n")
    };
    let batch = model("small", "provider: openai, mode: batch");
    check_batch(&batch, "", &[]);
    check_batch(&model("small", "provider: openai, mode: direct"), "", &[]);
    let lacking = model("small", "provider: talker, mode: batch");
    let says = "`provider: talker` has no batch API that evalmark knows";
    check_batch(&lacking, "", &[says, "or ask one that has: `openai`"]);
    let hedged = model("small", "provider: openai, mode: batch, limits: { hedge: true }");
    check_batch(&hedged, "", &["`hedge` repeats requests that are slow", "remove `hedge`"]);
    let streamed = model("small", "provider: openai, mode: batch, stream: true");
    check_batch(&streamed, "", &["answers that come in batches are not streamed"]);
    let recorded = "  - { name: small, recorded: { column: text }, mode: batch }\n";
    check_batch(recorded, "", &["are asked in no batch"]);
    let early = "gate: { baseline: main, stop_early: true }\n";
    check_batch(&batch, early, &["a run that stops early asks a few items at a time"]);
    let slow = "gate: { baseline: main, metrics: { latency_p95: {} } }\n";
    check_batch(&batch, slow, &["`latency_p95` is not known of answers that come in batches"]);
    let both = format!("{batch}{}", model("direct", "provider: openai"));
    check_batch(&both, slow, &[]);
    check_batch(&model("small", "provider: openai, mode: bach"), "", &["mode"]);
}
