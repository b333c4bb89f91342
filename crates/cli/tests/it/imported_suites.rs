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

/// What the importer of `kind` tells about a file, and the suite that it makes of it.
fn told(kind: &str, file: &str, text: &str) -> (Value, String) {
    let world = World::new(1);
    world.write(file, text);
    let ran = world.run(&["import", kind, file, "--name", "s", "--format", "json"]).expect(0);
    let suite = String::from_utf8(world.bytes("suites/s.yaml")).expect("text");
    (serde_json::from_str(&ran.stdout).expect("JSON"), suite)
}

#[test]
fn settings_without_a_counterpart_are_listed() {
    let check = |kind: &str, file: &str, text: &str, expected: &[&str], holds: &[&str]| {
        let (told, suite) = told(kind, file, text);
        let lost = told["not_carried"].as_array().expect("a list");
        let lost: Vec<_> = lost.iter().filter_map(|one| one["what"].as_str()).collect();
        assert_eq!(lost, expected, "{kind}");
        for part in holds {
            assert!(suite.contains(part), "{kind}: {part} is not in {suite}");
        }
        assert!(!suite.contains("sk-secret"), "{suite}");
    };
    let config = format!(
        "{CONFIG}commandLineOptions: {{ repeat: 3, cache: false, maxConcurrency: 2 }}\n\
         evaluateOptions: {{ repeat: 2, delay: 5 }}\nsharing: true\ntags: {{ a: b }}\n"
    );
    let lost = [
        "`sharing`",
        "`tags`",
        "`apiKey` of a provider",
        "`evaluateOptions.delay`",
        "`commandLineOptions.cache`",
        "the assertion `javascript`",
    ];
    check("promptfoo", "c.yaml", &config, &lost, &["epochs: 3", "concurrency: 2"]);
    let prompt = format!(
        "{GITHUB_PROMPT}  - {{ name: both, string: {{ startsWith: S, endsWith: '.', matches: x }} }}\n\
         \x20 - {{ name: half, string: {{ contains: '{{{{more}}}}' }} }}\n\
         \x20 - {{ name: own, llm: {{ modelId: openai/gpt-4o }} }}\nfoo: 1\n"
    );
    let prompt = prompt
        .replace("expected: b }", "expected: b, more: '' }")
        .replace("expected: d }", "expected: d, more: e }");
    let lost = [
        "`foo`",
        "`both.string.matches`",
        "`contains` of the evaluator `half`",
        "the evaluator `own`",
    ];
    let holds = ["starts_with", "ends_with", "item.expect_half is not none"];
    check("prompt-yml", "a.prompt.yml", &prompt, &lost, &holds);
    let prompty = PROMPTY.replace(
        "azure_deployment: gpt-4o }",
        "azure_deployment: '${env:NAME}', api_key: '${env:MY_API_KEY}', azure_endpoint: '${env:URL}', organization: x }",
    );
    let lost = [
        "`model.configuration.organization`",
        "`model.configuration.azure_deployment`",
        "`model.configuration.azure_endpoint`",
        "the model's name",
        "the address of the model",
        "the version of the protocol",
        "metrics",
    ];
    check("prompty", "a.prompty", &prompty, &lost, &["api_key_env: MY_API_KEY"]);
}

/// What promptfoo finds elsewhere, or does not send, is told and keeps no suite from being written.
#[test]
fn settings_that_promptfoo_finds_elsewhere_are_filled_in() {
    let check = |provider: &str, lost: &[&str], holds: &[&str], lacks: &str| {
        let config = format!(
            "prompts: ['Say {{{{ w }}}}']\nproviders: [{provider}]\ntests: [{{ vars: {{ w: 1.0 }} }}]\n"
        );
        let (told, suite) = told("promptfoo", "c.yaml", &config);
        let told: Vec<_> = told["not_carried"].as_array().into_iter().flatten().collect();
        let told: Vec<_> = told.iter().filter_map(|one| one["what"].as_str()).collect();
        for what in lost {
            assert!(told.contains(what), "{provider}: {told:?}");
        }
        for part in holds {
            assert!(suite.contains(part), "{provider}: {part} is not in {suite}");
        }
        assert!(lacks.is_empty() || !suite.contains(lacks), "{provider}: {suite}");
    };
    check("'bedrock:amazon.nova-lite-v1:0'", &[], &["region: us-east-1"], "");
    let vertex = ["region: us-central1", "project: PROJECT"];
    check("'vertex:gemini-2.5-pro'", &["`project` of a provider"], &vertex, "");
    let azure = ["https://RESOURCE.openai.azure.com", "2024-12-14"];
    check("'azure:chat:mine'", &["`base_url` of a provider"], &azure, "");
    let without = "{ id: 'openai:o3-mini', config: { temperature: 0.5, seed: 7 } }";
    check(without, &["`temperature` of a provider"], &["seed: 7"], "0.5");
    check("{ id: 'openai:gpt-4o', config: { temperature: 0.5 } }", &[], &["temperature: 0.5"], "");
    let elsewhere = "{ id: 'google:gemini-2.5-pro', config: { projectId: mine } }";
    check(elsewhere, &["`project` of a provider"], &["provider: gemini"], "mine");
    let tools = "{ id: 'openai:gpt-4o', config: { tools: [{ headers: { Authorization: Bearer abcdef123 } }] } }";
    check(tools, &["`config.tools` of a provider"], &[], "abcdef123");
    let words = "{ id: 'openai:gpt-4o', config: { tools: [{ function: { description: Does basic arithmetic } }] } }";
    check(words, &[], &["Does basic arithmetic"], "");
    let http = "{ id: http, config: { url: 'http://127.0.0.1:9/x', headers: { x-session: '{{sessionId}}', x-a: b }, \
                body: { q: '{{prompt}}', id: '{{sessionId}}' } } }";
    let lost =
        ["the header `x-session` of an HTTP provider", "a part of `body` of an HTTP provider"];
    check(http, &lost, &["x-a: b", "{{prompt}}"], "sessionId");
}

/// Templates of promptfoo keep the line break at their end, and numbers are written as JavaScript writes them.
#[test]
fn templates_say_the_same_as_in_promptfoo() {
    let config = "prompts: [\"Say {{ w }} {{ (style | load).tone }}\\n\"]\nproviders: ['openai:gpt-4o']\n\
                  tests: [{ vars: { w: 1.0, style: '{\"tone\":\"dry\"}' } }]\n";
    let world = World::new(1);
    world.write("c.yaml", config);
    world.run(&["import", "promptfoo", "c.yaml", "--name", "s"]).expect(0);
    let rows = String::from_utf8(world.bytes("datasets/s.jsonl")).expect("text");
    assert!(rows.contains("\"w\":1,"), "{rows}");
    let suite = String::from_utf8(world.bytes("suites/s.yaml")).expect("text");
    let template = "\"Say {{ w }} {{ (style | fromjson).tone }}\\n\\n\"";
    assert!(suite.contains(template), "{suite}");
}

/// A judge that no metric names would be asked like a model that is measured.
#[test]
fn a_judge_without_a_metric_is_left_out() {
    let config = CONFIG.replace(
        "{ type: javascript, value: output.length }",
        "{ type: llm-rubric, value: '{{ word | nonsense }}', provider: 'openai:gpt-5' }",
    );
    let (told, suite) = told("promptfoo", "c.yaml", &config);
    assert!(!suite.contains("gpt-5"), "{suite}");
    assert!(told["not_carried"].to_string().contains("llm-rubric"), "{told}");
}
