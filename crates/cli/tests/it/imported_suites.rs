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
