//! `evalmark import promptfoo` and its relatives: the whole program, from another tool's files to a run.

use serde_json::Value;

use crate::setup::World;

const CONFIG: &str = "\
prompts: ['Say {{ word }}']
providers:
  - { id: 'openai:chat:gpt-4o-mini', config: { apiKey: sk-secret, temperature: 0 } }
tests:
  - vars: { word: yes }
    providerOutput: 'yes, indeed'
    assert:
      - { type: contains, value: yes }
      - { type: javascript, value: output.length }
  - vars: { word: no }
    providerOutput: no
    assert: [{ type: equals, value: no }]
";

#[test]
fn what_is_imported_runs() {
    let world = World::new(1);
    world.write("promptfooconfig.yaml", CONFIG);
    let import = ["import", "promptfoo", "promptfooconfig.yaml", "--name", "words"];
    let ran = world.run(&import).expect(0);
    let told = "promptfooconfig.yaml:9: the assertion `javascript`: it is code";
    assert!(ran.stderr.contains(told), "{}", ran.stderr);
    assert!(ran.stderr.contains("`apiKey` of a provider"), "{}", ran.stderr);
    assert!(
        ran.stdout.contains("1 prompt, 1 model, 2 items, 2 metrics for 2 checks"),
        "{}",
        ran.stdout
    );
    for file in ["suites/words.yaml", "datasets/words.jsonl"] {
        let text = String::from_utf8(world.bytes(file)).expect("text");
        assert!(!text.contains("sk-secret"), "{text}");
    }
    let words = world.run(&["run", "suites/words.yaml", "--run-id", "r"]).expect(0).words();
    assert!(words.contains("100.0 %"), "{words}");
    // Nothing is replaced, and nothing of a second import stays behind.
    let ran = world.run(&import).expect(0);
    assert!(ran.stdout.contains("suites/words.yaml"), "{}", ran.stdout);
    world.write("promptfooconfig.yaml", &CONFIG.replace("Say", "Tell"));
    let ran = world.run(&import).expect(2);
    assert!(ran.stderr.contains("is there already"), "{}", ran.stderr);
}

#[test]
fn scripts_can_insist_on_all_of_it() {
    let world = World::new(1);
    world.write("a.yaml", CONFIG);
    let strict = ["import", "promptfoo", "a.yaml", "--strict", "--format", "json"];
    let told: Value = serde_json::from_str(&world.run(&strict).expect(2).stdout).expect("JSON");
    assert_eq!(told["not_carried"][0]["place"], "a.yaml:3", "{told}");
    assert_eq!(told["carried"]["checks"], 2, "{told}");
}

#[test]
fn what_cannot_be_imported_says_where() {
    let world = World::new(1);
    let check = |text: &str, told: &str| {
        world.write("wrong.yaml", text);
        let ran = world.run(&["import", "promptfoo", "wrong.yaml"]).expect(2);
        assert!(ran.stderr.contains(told), "{text}: {}", ran.stderr);
        assert!(!world.path("suites/wrong.yaml").exists());
    };
    check("prompts: [a, b\n", "wrong.yaml:");
    check("- a\n", "is a mapping");
    check("a: *b\n", "anchor");
    let ran = world.run(&["import", "promptfoo", "nowhere.yaml"]).expect(2);
    assert!(ran.stderr.contains("nowhere.yaml"), "{}", ran.stderr);
}

/// A configuration from a stranger reads nothing outside of its folder.
#[test]
fn files_outside_are_not_read() {
    let world = World::new(1);
    world.write("secret.txt", "TOP SECRET");
    std::fs::create_dir(world.path("inner")).expect("a folder");
    let config = "\
prompts: ['file://../secret.txt', 'Say {{ a }} {{ b }}']
providers: ['openai:chat:gpt-4o-mini']
tests:
  - vars: { a: 'file://../secret.txt', b: 'file:///etc/passwd' }
    assert: [{ type: contains, value: 'file://../secret.txt' }]
  - 'file://../../*.csv'
";
    world.write("inner/c.yaml", config);
    let ran = world.run(&["import", "promptfoo", "inner/c.yaml", "--out", "out"]).expect(0);
    let n = ran.stderr.matches("is outside of").count();
    assert!(n >= 4, "{}", ran.stderr);
    for file in ["out/suites/c.yaml", "out/datasets/c.jsonl"] {
        let text = String::from_utf8(world.bytes(file)).expect("text");
        assert!(!text.contains("SECRET") && !text.contains("root:"), "{text}");
    }
}

const GITHUB_PROMPT: &str = "\
name: Summaries
model: openai/gpt-4o-mini
modelParameters: { maxTokens: 9 }
messages: [{ role: user, content: 'Sum up: {{input}}' }]
testData: [{ input: a, expected: b }, { input: c, expected: d }]
evaluators:
  - { name: begins, string: { startsWith: Sum } }
  - { name: has, string: { contains: '{{expected}}' } }
  - { name: near, uses: github/similarity }
";

const PROMPTY: &str = "\
---
name: Basic
model: { configuration: { type: azure_openai, azure_deployment: gpt-4o } }
sample: { name: Ann, question: What is up? }
---
system:
You help {{name}}.

user:
{{question}}
";

const LM_EVAL_TASK: &str = "\
task: sums
dataset_path: some/sums
output_type: generate_until
doc_to_text: \"Question: {{question}}\\nAnswer:\"
doc_to_target: \"{{answer}}\"
generation_kwargs: { until: [\"Question:\"], do_sample: false }
filter_list:
  - { name: strict, filter: [{ function: regex, regex_pattern: '#### (\\-?[0-9]+)' }, { function: take_first }] }
metric_list: [{ metric: exact_match, ignore_case: true, regexes_to_ignore: [\",\"] }]
";

const OPENAI_EVAL: &str = "\
words:
  id: words.v0
words.v0:
  class: evals.elsuite.basic.match:Match
  args: { samples_jsonl: words/samples.jsonl }
";

/// Each of the others carries something over, and what it writes passes `check`.
#[test]
fn files_of_other_tools_become_suites() {
    let world = World::new(1);
    let check = |kind: &str, file: &str, text: &str, data: Option<&str>, told: &str| {
        world.write(file, text);
        let mut arguments = vec!["import", kind, file, "--out", kind];
        if let Some(rows) = data {
            world.write("rows.jsonl", rows);
            arguments.extend(["--data", "rows.jsonl"]);
        }
        let ran = world.run(&arguments).expect(0);
        assert!(ran.stdout.contains(told), "{kind}: {}", ran.stdout);
    };
    let told = "1 prompt, 2 models, 2 items, 3 metrics for 6 checks";
    check("prompt-yml", "sum.prompt.yml", GITHUB_PROMPT, None, told);
    check("prompty", "basic.prompty", PROMPTY, None, "1 prompt, 1 model, 1 item, 1 metric");
    let rows = "{\"question\":\"1+1?\",\"answer\":\"2\"}\n";
    check("lm-eval", "sums.yaml", LM_EVAL_TASK, Some(rows), "1 prompt, 1 model, 1 item, 1 metric");
    let rows =
        "{\"input\":[{\"role\":\"user\",\"content\":\"Once upon a\"}],\"ideal\":[\"time\"]}\n";
    check(
        "openai-evals",
        "words.yaml",
        OPENAI_EVAL,
        Some(rows),
        "1 prompt, 1 model, 1 item, 1 metric",
    );
    let ran = world.run(&["import", "lm-eval", "sums.yaml", "--out", "x"]).expect(2);
    assert!(ran.stderr.contains("`some/sums`"), "{}", ran.stderr);
}
