//! Prompt files of GitHub Models and of Prompty: imported, and run against a model that answers on loopback.

use std::collections::BTreeMap;

use evalmark_loopback::{Reply, Seen, Server};
use evalmark_report::scores::score_records;
use serde_json::json;

use crate::setup::World;

const CITIES: &str = "\
name: Cities
model: openai/gpt-4o-mini
modelParameters: { temperature: 0.2, maxTokens: 40, topP: 0.9 }
messages:
  - { role: System, content: 'You know {{country}} well. {{unknown}} {% if %}' }
  - role: user
    content: |
      Name the capital of {{country}}.
testData:
  - { country: France, expected: Paris, ending: '!' }
  - { country: Chad, expected: N'Djamena, ending: a }
  - { country: Peru, expected: Lima, ending: '.' }
evaluators:
  - { name: same, string: { equals: '{{expected}}' } }
  - { name: has, string: { contains: '{{expected}}' } }
  - { name: begins, string: { startsWith: it is } }
  - { name: ends, string: { endsWith: '{{ending}}' } }
  - { name: near, uses: github/similarity }
  - { name: fits, uses: github/relevance }
  - { name: coherent, uses: github/coherence }
  - { name: fluent, uses: github/fluency }
  - { name: grounded, uses: github/groundedness }
  - name: own
    llm:
      modelId: openai/gpt-4o
      systemPrompt: You grade.
      prompt: 'Is {{completion}} in {{country}}?'
      choices: [{ choice: yes it is, score: 1 }, { choice: 'no', score: 0 }]
  - name: stars
    llm:
      modelId: openai/gpt-4o
      prompt: 'Stars of {{completion}}'
      choices: [{ choice: '1', score: 0 }, { choice: '2', score: 0.5 }, { choice: '3', score: 1 }]
  - { name: unheard, uses: github/unheard-of }
";

/// Answers by country, with blanks around one of them; the judge gives Paris its best grade, and Lima its worst.
fn city(seen: &Seen) -> Reply {
    let body = seen.json();
    let whole = body["messages"].to_string();
    if body["model"] == "openai/gpt-4o" {
        let best = if whole.contains("[1,2,3,4,5]") || whole.contains("1, 2, 3, 4, 5") {
            5
        } else if whole.contains("Stars of") {
            3
        } else {
            1
        };
        let worst = i32::from(best > 1);
        let grade = if whole.contains("PARIS") { best } else { worst };
        return Reply::text(format!("{{\"grade\": {grade}, \"reason\": \"so\"}}"));
    }
    let answer = match () {
        () if whole.contains("France") => "  It is PARIS! \n",
        () if whole.contains("Chad") => "N'Djamena",
        () => "It is Lima, Peru",
    };
    Reply::text(answer)
}

/// Passes of each metric, in the order of the items.
type Passes = BTreeMap<String, Vec<Option<bool>>>;

/// Imports a file, points its models at a server, runs it, and tells what passed.
fn run(world: &World, import: &[&str], provider: &str, server: &Server) -> Passes {
    let import = [&["import"], import, &["--name", "s"]].concat();
    world.run(&import).expect(0);
    let suite = String::from_utf8(world.bytes("suites/s.yaml")).expect("text");
    let named = format!("provider: {provider}");
    let ours = [
        "provider: openai".to_owned(),
        format!("base_url: {:?}", server.url()),
        "api_key_env: A_KEY".to_owned(),
    ];
    let lines = suite.lines().map(|line| match line.strip_suffix(named.as_str()) {
        Some(indent) if indent.trim().is_empty() => {
            ours.join(&format!("\n{indent}")).replacen("provider", &format!("{indent}provider"), 1)
        }
        _ => line.replace(&named, &ours.join(", ")),
    });
    world.write("suites/s.yaml", &lines.collect::<Vec<_>>().join("\n"));
    let run = ["run", "suites/s.yaml", "--run-id", "r", "--no-cache"];
    world.run_in(&run, &[("A_KEY", "x")]).expect(0);
    let mut passes = Passes::new();
    for row in score_records(&world.path("reports/s/r/scores.parquet")).expect("scores") {
        let row = row.expect("a row");
        passes.entry(row.metric).or_default().push(row.score.passed);
    }
    passes
}

#[test]
fn every_evaluator_of_github_models_decides_as_there() {
    let server = Server::start(city);
    let world = World::new(1);
    world.write("cities.prompt.yml", CITIES);
    let passed = run(&world, &["prompt-yml", "cities.prompt.yml"], "github", &server);
    let by_judge = ["near", "fits", "coherent", "fluent", "grounded", "own", "stars"];
    let by_text = [
        ("same", [false, true, false]),
        ("has", [true, true, true]),
        ("begins", [true, false, true]),
        ("ends", [true, true, false]),
    ];
    for (metric, expected) in
        by_text.into_iter().chain(by_judge.map(|name| (name, [true, false, false])))
    {
        assert_eq!(passed[metric], expected.map(Some), "{metric}");
    }
    assert_eq!(passed.len(), 11, "{passed:?}");
    let asked: Vec<_> = server
        .requests()
        .iter()
        .map(Seen::json)
        .filter(|body| body["model"] == "openai/gpt-4o-mini")
        .collect();
    assert_eq!(asked.len(), 3);
    let messages = json!([
        { "role": "system", "content": "You know France well. {{unknown}} {% if %}" },
        { "role": "user", "content": "Name the capital of France.\n" },
    ]);
    let first = asked.iter().find(|body| body["messages"] == messages);
    let first = first.unwrap_or_else(|| panic!("{asked:?}"));
    assert_eq!((&first["temperature"], &first["top_p"]), (&json!(0.2), &json!(0.9)), "{first}");
    assert_eq!(first["max_tokens"], 40, "{first}");
}

const SUPPORT: &str = "\
---
name: Support
model:
  api: chat
  configuration: { type: openai, name: gpt-4o-mini }
  parameters: { temperature: 0.1, max_tokens: 30 }
sample: { name: Ann, question: Where is my parcel? }
---
system:
You help {{name}}.{% if kind %} Be {{ kind }}.{% endif %}

user:
{{question}}

assistant:
Let me see.

user:
Go on.
";

const QUESTIONS: &str = "\
{\"name\":\"Ben\",\"question\":\"When?\",\"kind\":\"brief\"}
{\"name\":\"Cy\",\"question\":\"Why?\",\"kind\":\"\"}
";

/// Prompty says nothing of what is right: its suite measures lengths, and asks what Prompty asks.
#[test]
fn prompty_files_run_with_their_sample_and_with_rows() {
    let server = Server::start(|_| Reply::text("It is on its way."));
    let check = |more: &[&str], expected: &[(&str, &str)]| {
        let world = World::new(1);
        world.write("support.prompty", SUPPORT);
        world.write("rows.jsonl", QUESTIONS);
        let before = server.requests().len();
        let passes =
            run(&world, &[&["prompty", "support.prompty"], more].concat(), "openai", &server);
        assert_eq!(passes["length"].len(), expected.len());
        let requests = server.requests();
        let mut asked: Vec<_> = requests[before..].iter().map(Seen::json).collect();
        asked.sort_by_key(|body| body["messages"].to_string());
        for (body, (system, user)) in asked.iter().zip(expected) {
            let messages = json!([
                { "role": "system", "content": system },
                { "role": "user", "content": user },
                { "role": "assistant", "content": "Let me see." },
                { "role": "user", "content": "Go on." },
            ]);
            assert_eq!(body["messages"], messages);
            assert_eq!((&body["temperature"], &body["max_tokens"]), (&json!(0.1), &json!(30)));
            assert_eq!(body["model"], "gpt-4o-mini");
        }
    };
    check(&[], &[("You help Ann.", "Where is my parcel?")]);
    let of_rows = [("You help Ben. Be brief.", "When?"), ("You help Cy.", "Why?")];
    check(&["--data", "rows.jsonl"], &of_rows);
}
