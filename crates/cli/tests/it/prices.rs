//! What models cost, as `evalmark prices` tells it.

use serde_json::{Value, json};

use crate::setup::{World, suite};

#[test]
fn every_list_price_has_a_date_and_a_source() {
    let world = World::new(1);
    let told = world.run(&["prices"]).expect(0).stdout;
    for words in [
        "gpt-4o-mini",
        "claude-haiku-4-5",
        "cached",
        "0.075",
        "-50 %",
        "as of 20",
        "gemini-2.5-flash",
        "amazon.nova-pro-v1:0",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let document = world.run(&["prices", "--format", "json"]).expect(0).stdout;
    let document: Value = serde_json::from_str(&document).expect("JSON");
    let prices = document["prices"].as_array().expect("a list");
    let mini = prices.iter().find(|listed| listed["model"] == "gpt-4o-mini").expect("a price");
    assert_eq!(mini["provider"], "openai");
    let price = json!({
        "input": 0.15, "output": 0.6, "cached_input": 0.075,
        "cache_write": null, "reasoning": null, "batch_discount": 0.5,
    });
    assert_eq!(mini["price"], price);
    let source = |listed: &Value| listed["list"]["source"].as_str().map(str::to_owned);
    assert!(prices.iter().all(|listed| source(listed).is_some_and(|it| it.starts_with("https"))));
}

#[test]
fn a_suite_shows_what_counts_and_what_it_overrides() {
    let world = World::new(1);
    let models = "models:
  - { name: listed, provider: openai, model: gpt-4o-mini-2024-07-18 }
  - { name: own, provider: openai, model: gpt-4o-mini, price: { input: 0.1, output: 0.5, reasoning: 2 } }
  - { name: elsewhere, provider: openai, model: gpt-4o-mini, base_url: 'http://127.0.0.1:1/v1' }
  - { name: kept, recorded: { column: text }, price: { input: 0, output: 0 } }
";
    let text = suite("http://127.0.0.1:1/v1", "");
    let begin = text.find("models:").expect("models");
    let end = begin + text[begin..].find("\nmetrics:").expect("metrics") + 1;
    world.write("suite.yaml", &format!("{}{models}{}", &text[..begin], &text[end..]));
    let told = world.run(&["prices", "suite.yaml"]).expect(0).stdout;
    for words in [
        "list 2025-08",
        "`own`: the suite's price counts, not the list's (2025-08: input 0.15, cached 0.075, output",
        "no price is known of `elsewhere`",
    ] {
        assert!(told.contains(words), "{words}: {told}");
    }
    let document = world.run(&["prices", "suite.yaml", "--format", "json"]).expect(0).stdout;
    let document: Value = serde_json::from_str(&document).expect("JSON");
    let of = |place: usize, key: &str| document["models"][place][key].clone();
    let all = |key| (0..4).map(|place| of(place, key)).collect::<Vec<_>>();
    assert_eq!(all("price_of"), [json!("list"), json!("suite"), Value::Null, json!("suite")]);
    assert_eq!(all("overrides_list"), [json!(false), json!(true), json!(false), json!(false)]);
    assert_eq!(of(1, "list_price")["input"], 0.15);
    assert_eq!((of(1, "price")["reasoning"].clone(), of(2, "price")), (json!(2.0), Value::Null));
    let missing = world.run(&["prices", "nothing.yaml"]).expect(2).stderr;
    assert!(missing.contains("nothing.yaml"), "{missing}");
}
