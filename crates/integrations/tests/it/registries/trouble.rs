//! Servers that refuse, fail and are slow.

use evalmark_integrations::registries::PushOptions;
use evalmark_loopback::Reply;

use super::setup::World;

/// The first error of a push, or the number of versions that it leads to.
fn push(product: &'static str, faults: Vec<(Reply, bool)>) -> (Result<u64, String>, usize) {
    let world = World::new(product);
    world.state.lock().expect("a state").faults.extend(faults);
    let pushed = world.push(&PushOptions::default());
    let told = pushed.map(|pushed| pushed.version).map_err(|error| {
        let all = format!("{error} {}", error.hint.clone().unwrap_or_default());
        assert!(!all.contains("token-of-test") && !all.contains("sk-lf-test"), "{all}");
        all
    });
    (told, world.n_versions())
}

#[test]
fn refusals_are_told_and_nothing_is_half_done() {
    let check = |status: u16, expected: &str| {
        for product in ["mlflow", "langfuse"] {
            let (told, n_versions) = push(product, vec![(Reply::status(status), false)]);
            let told = told.expect_err("a refusal");
            assert!(told.contains(expected), "{product}: {told}");
            assert_eq!(n_versions, 0);
        }
    };
    check(401, "says 401 Unauthorized");
    check(403, "says 403 Forbidden");
    check(409, "says 409 Conflict");
    let (told, _) = push("langfuse", vec![(Reply::status(401), false)]);
    assert!(
        told.expect_err("a refusal")
            .contains("the public and the secret key must be of the project")
    );
    let later = Reply::status(429).header("retry-after", "3600");
    let (told, _) = push("langfuse", vec![(later, false)]);
    assert!(told.expect_err("nobody waits an hour").contains("says 429"));
}

#[test]
fn what_passes_is_waited_for() {
    for product in ["mlflow", "langfuse"] {
        let busy = Reply::status(429).header("retry-after", "0");
        let faults = vec![(busy, false), (Reply::status(503), false)];
        assert_eq!(push(product, faults), (Ok(1), 1), "{product}");
    }
}

#[test]
fn a_version_that_was_made_all_the_same_is_not_made_twice() {
    // The last change of a push makes the version: MLflow makes the prompt before.
    let check = |product: &'static str, first: Vec<(Reply, bool)>| {
        for lost in [Reply::status(502), Reply::reset()] {
            for _ in 0..5 {
                let mut faults = first.clone();
                faults.push((lost.clone(), true));
                assert_eq!(push(product, faults), (Ok(1), 1), "{product}");
            }
        }
    };
    check("langfuse", Vec::new());
    let made = serde_json::json!({ "registered_model": { "name": "a.greet", "tags": [] } });
    check("mlflow", vec![(Reply::json(&made), true)]);
}

#[test]
fn a_prompt_of_another_type_is_refused_there() {
    let world = World::new("langfuse");
    world.push(&PushOptions::default()).expect("pushed");
    world.write("a/greet.md", "---\n---\nsystem:\nx\n\nuser:\ny\n");
    let error = world.push(&PushOptions::default()).expect_err("text and chat");
    assert!(error.message.contains("different prompt type"), "{error:?}");
}
