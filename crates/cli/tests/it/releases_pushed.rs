//! Releases that registries follow: aliases of `MLflow` and labels of Langfuse point to what an environment has.

use std::{
    fs,
    sync::{Arc, Mutex, MutexGuard},
};

use evalmark_loopback::{Reply, Seen, Server};
use serde_json::Value;

use crate::{
    releases::{gated, json, propose, told, world},
    setup::{Ran, World},
};

#[path = "../../../integrations/tests/it/registries/langfuse_server.rs"]
mod langfuse_server;
#[path = "../../../integrations/tests/it/registries/mlflow_server.rs"]
mod mlflow_server;

use self::{langfuse_server::LangfuseState, mlflow_server::MlflowState};

const PRODUCTS: [&str; 2] = ["mlflow", "langfuse"];

const KEYS: [(&str, &str); 3] = [
    ("MLFLOW_TRACKING_TOKEN", "token-of-test"),
    ("LANGFUSE_PUBLIC_KEY", "pk-lf-test"),
    ("LANGFUSE_SECRET_KEY", "sk-lf-test"),
];

#[derive(Default)]
struct State {
    langfuse: LangfuseState,
    mlflow: MlflowState,
    /// Whether nobody is let in.
    is_shut: bool,
    /// How often it was asked.
    asked: usize,
}

/// A library with a gated prompt, and a registry.
struct Registry {
    world: World,
    product: &'static str,
    state: Arc<Mutex<State>>,
    server: Server,
}

impl Registry {
    fn new(product: &'static str) -> Self {
        let state = Arc::new(Mutex::new(State::default()));
        let shared = Arc::clone(&state);
        let server = Server::start(move |seen: &Seen| {
            let mut state = shared.lock().expect("a state");
            state.asked += 1;
            match product {
                _ if state.is_shut => Reply::status(403).body("{}"),
                "mlflow" => state.mlflow.answer(seen),
                _ => state.langfuse.answer(seen),
            }
        });
        let world = world();
        // The environment has another name there.
        let key = if product == "mlflow" { "aliases" } else { "labels" };
        world.write("registries.yaml", &format!("{product}: {{ {key}: {{ staging: live }} }}\n"));
        Self { world, product, state, server }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("a state")
    }

    fn run(&self, line: &str) -> Ran {
        let url = self.server.url().trim_end_matches("/v1").to_owned();
        let line = line.replace("REGISTRY", &format!("{} --server {url}", self.product));
        let arguments: Vec<_> = line.split(' ').collect();
        self.world.run_in(&arguments, &KEYS)
    }

    /// Runs a line, and returns what it says.
    #[track_caller]
    fn told(&self, line: &str, code: i32) -> String {
        told(&self.run(line).expect(code))
    }

    /// Writes a text, evaluates it, and proposes it.
    fn proposed(&self, id: &str, text: &str) {
        self.world.write("prompts/fragments/labels.j2", text);
        propose(&self.world, "staging", &gated(&self.world, id)).expect(0);
    }

    /// The alias is moved by hand.
    fn points_to(&self, version: usize) {
        let mut state = self.state();
        let alias = ("support.intent".to_owned(), "live".to_owned());
        state.mlflow.aliases.insert(alias, version.to_string());
        for (index, one) in state.langfuse.versions.iter_mut().enumerate() {
            let labels = one["labels"].as_array_mut().expect("labels");
            labels.retain(|label| label != "live");
            labels.extend((index + 1 == version).then(|| "live".into()));
        }
    }
}

const PROMOTE: &str = "release promote support/intent --to staging --push REGISTRY";
const PUSH: &str = "prompts push support/intent --to REGISTRY";
const FOLLOW: &str = "release push staging --to REGISTRY";
const DRIFT: &str = "prompts drift --from REGISTRY";

#[test]
fn an_alias_follows_the_release() {
    for product in PRODUCTS {
        let registry = Registry::new(product);
        let word = if product == "mlflow" { "alias" } else { "label" };
        registry.proposed("r1", "Answer with money, delivery or login.");
        registry.told(PUSH, 0);
        let told = registry.told(PROMOTE, 0);
        assert!(told.contains("to staging as release 1"), "{told}");
        let moved = |end: &str| {
            let name = if product == "mlflow" { "support.intent" } else { "support/intent" };
            format!("the {word} live of {name} {end}")
        };
        assert!(told.contains(&moved("points to version 1")), "{told}");
        let told = registry.told(FOLLOW, 0);
        assert!(told.contains(&moved("points to version 1 already")), "{told}");
        registry.told(DRIFT, 0);
        registry.proposed("r2", "Answer with money, delivery, login or nothing.");
        registry.told(PUSH, 0);
        let told = registry.told(PROMOTE, 0);
        assert!(told.contains(&moved("moves from version 1 to 2")), "{told}");
        registry.told(DRIFT, 0);
        registry.points_to(1);
        let told = registry.told(DRIFT, 4);
        let expected =
            format!("the {word} live points to version 1, which is not what staging has released");
        assert!(told.contains(&expected), "{told}");
        assert!(told.contains(&format!("`evalmark release push ENV --to {product}`")), "{told}");
        assert!(!told.contains("prompts push NAME"), "{told}");
        let ran = registry.run(&format!("{FOLLOW} --format json")).expect(0);
        let found = json(&ran);
        let alias = &found["aliases"][0];
        assert_eq!((&alias["from"], &alias["to"]), (&1.into(), &2.into()), "{found:#}");
        registry.told(DRIFT, 0);
        let back = "release rollback staging --push REGISTRY --format json";
        let found = json(&registry.run(back).expect(0))["registry"].clone();
        assert_eq!(found["release"], 3, "{found:#}");
        assert_eq!(found["aliases"][0]["to"], 1, "{found:#}");
        assert_eq!(found["registry"], product, "{found:#}");
        let told = registry.told("release rollback staging --to 0 --push REGISTRY", 0);
        let expected =
            format!("staging no longer has support/intent: its {word} stays where it is");
        assert!(told.contains(&expected), "{told}");
    }
}

#[test]
fn a_registry_that_fails_keeps_no_release_back() {
    for product in PRODUCTS {
        let registry = Registry::new(product);
        registry.proposed("r1", "Answer with money, delivery or login.");
        // What is not there has to be pushed first.
        let ran = registry.run(&format!("{PROMOTE} --format json")).expect(4);
        let found = json(&ran);
        assert_eq!(found["release"], 1, "{found:#}");
        assert_eq!(found["registry"]["aliases"], Value::Array(Vec::new()), "{found:#}");
        let failed = &found["registry"]["failures"][0];
        assert_eq!(failed["prompt"], "support/intent", "{found:#}");
        assert!(failed["message"].as_str().is_some_and(|m| m.contains("there is no prompt")));
        let text = told(&ran);
        let push = format!("evalmark prompts push support/intent --to {product}");
        assert!(text.contains(&push), "{text}");
        let again = format!("the release stands: `evalmark release push staging --to {product}`");
        assert!(text.contains(&again), "{text}");
        assert_eq!(registry.world.json("releases/staging.json")["release"], 1);
        registry.told(PUSH, 0);
        registry.state().is_shut = true;
        let told = registry.told(FOLLOW, 4);
        assert!(told.contains("403"), "{told}");
        registry.state().is_shut = false;
        let told = registry.told(FOLLOW, 0);
        assert!(told.contains("points to version 1"), "{told}");
    }
}

#[test]
fn what_is_wrong_with_the_registry_is_told_before_the_release() {
    let registry = Registry::new("langfuse");
    registry.proposed("r1", "Answer with money, delivery or login.");
    let promote = |more: &[&str]| {
        let promote = ["release", "promote", "support/intent", "--to", "staging"];
        registry.world.run(&[&promote[..], more].concat())
    };
    let url = registry.server.url();
    promote(&["--push", "langfuse", "--server", &url]).expect(2);
    promote(&["--push", "elsewhere"]).expect(2);
    promote(&["--server", &url]).expect(2);
    registry.world.write("registries.yaml", "langfuse: { labels: 3 }\n");
    promote(&["--push", "langfuse", "--server", &url]).expect(2);
    assert!(!registry.world.path("releases/staging.json").exists(), "nothing is released");
    assert_eq!(registry.state().asked, 0, "nobody was asked");
    registry.world.write("registries.yaml", "");
    let told = registry.told("release push nowhere --to REGISTRY", 2);
    assert!(told.contains("the policy has no environment `nowhere`"), "{told}");
    // An environment that has nothing yet moves nothing, and a refused release neither.
    let told = registry.told("release push production --to REGISTRY", 0);
    assert!(told.contains("no label points to it"), "{told}");
    fs::remove_dir_all(registry.world.path("releases/proposals")).expect("removed");
    registry.told(PROMOTE, 2);
    assert_eq!(registry.state().asked, 0, "nobody was asked");
}

#[test]
fn the_audit_log_tells_which_label_moved() {
    for product in PRODUCTS {
        let registry = Registry::new(product);
        registry.proposed("r1", "Answer with money, delivery or login.");
        registry.told(&format!("{PUSH} --alias tried"), 0);
        registry.told(PROMOTE, 0);
        registry.proposed("r2", "Answer with one word.");
        registry.told(&format!("{PUSH} --alias tried"), 0);
        registry.told(PROMOTE, 0);
        // A second time moves nothing, and says nothing.
        registry.told(FOLLOW, 0);
        let name = if product == "mlflow" { "support.intent" } else { "support/intent" };
        let told = registry.run("audit show --action label_edit --format json").expect(0);
        let entries = json(&told).as_array().expect("entries").clone();
        let moves: Vec<_> = entries
            .iter()
            .map(|entry| {
                assert_eq!(entry["subject"]["prompts"][0], "support/intent", "{entry}");
                let evidence = entry["evidence"].as_object().expect("evidence").clone();
                assert!(evidence["registry"].as_str().is_some_and(|r| r.starts_with(product)));
                let label = evidence.into_iter().find(|(key, _)| key.starts_with("label "));
                label.expect("a label")
            })
            .collect();
        let label = |alias: &str, to: &str| (format!("label {name}@{alias}"), Value::from(to));
        let expected = [
            label("tried", "nothing -> 1"),
            label("live", "nothing -> 1"),
            label("tried", "1 -> 2"),
            label("live", "1 -> 2"),
        ];
        assert_eq!(moves, expected, "{product}");
        registry.world.run(&["audit", "verify"]).expect(0);
    }
}

/// Two who move the same alias at once both end at what is released.
#[test]
fn two_who_push_at_once_end_at_the_release() {
    for product in PRODUCTS {
        let registry = Registry::new(product);
        registry.proposed("r1", "Answer with money, delivery or login.");
        registry.told(PUSH, 0);
        registry.told("release promote support/intent --to staging", 0);
        std::thread::scope(|scope| {
            let both = [0, 1].map(|_| scope.spawn(|| registry.told(FOLLOW, 0)));
            for told in both.map(|one| one.join().expect("it ends")) {
                assert!(told.contains("version 1"), "{told}");
            }
        });
        registry.told(DRIFT, 0);
        registry.world.run(&["audit", "verify"]).expect(0);
    }
}
