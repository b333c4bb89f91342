//! What every registry does alike.

use evalmark_core::prompt_registry::{AliasState, DriftState};
use evalmark_integrations::registries::{PullOptions, PushOptions, VersionChoice};

use super::setup::{FILE, World, forced};

const PRODUCTS: [&str; 2] = ["mlflow", "langfuse"];

#[test]
fn a_push_comes_back_byte_for_byte_and_makes_no_version_twice() {
    for product in PRODUCTS {
        let world = World::new(product);
        assert_eq!(world.drift().state, DriftState::NotPushed, "{product}");
        let pushed = world.push(&PushOptions::default()).expect("pushed");
        assert_eq!((pushed.version, pushed.is_new), (1, true), "{product}");
        assert_eq!(world.drift().state, DriftState::Same, "{product}");
        let again = world.push(&PushOptions::default()).expect("pushed");
        assert_eq!((again.version, again.is_new, world.n_versions()), (1, false, 1), "{product}");
        world.write("a/greet.md", "---\n---\nother\n");
        let pulled = world.pull(&forced()).expect("pulled");
        assert_eq!((pulled.file.as_str(), pulled.as_pushed), (FILE, true), "{product}");
        assert_eq!(pulled.commit.as_deref(), Some("c0ffee"), "{product}");
        assert_eq!(pulled.hash, Some(pushed.hash), "{product}");
    }
}

#[test]
fn what_differs_is_told_and_nothing_is_lost() {
    for product in PRODUCTS {
        let world = World::new(product);
        world.push(&PushOptions::default()).expect("pushed");
        // A change of a fragment is a change of the prompt.
        world.write("tone.j2", "Be short.\n");
        assert_eq!(world.drift().state, DriftState::ChangedHere, "{product}");
        assert_eq!(world.push(&PushOptions::default()).expect("pushed").version, 2);
        world.write("tone.j2", "Be kind.\n");
        let drift = world.drift();
        assert_eq!((drift.state, drift.held_by), (DriftState::NewerThere, Some(1)), "{product}");
        let error = world.push(&PushOptions::default()).expect_err("it is newer there");
        assert!(error.message.contains("is newer than the file here"), "{error:?}");
        world.write("tone.j2", "Be short.\n");
        // A file that was never pushed is not written over.
        world.write("a/greet.md", "---\n---\nmine\n");
        let error = world.pull(&PullOptions::default()).expect_err("it would be lost");
        assert!(error.message.contains("it would be lost"), "{error:?}");
        assert!(error.hint.is_some_and(|hint| hint.contains("--force")));
        world.push(&PushOptions::default()).expect("pushed");
        let which = VersionChoice::Version(2);
        let pulled = world.pull(&PullOptions { which, ..PullOptions::default() }).expect("pulled");
        assert_eq!(pulled.file, FILE, "{product}");
        let which = VersionChoice::Version(9);
        let error = world.pull(&PullOptions { which, ..forced() }).expect_err("no version 9");
        assert!(error.message.contains("has no version 9 of"), "{error:?}");
    }
}

#[test]
fn aliases_follow_releases() {
    for product in PRODUCTS {
        let world = World::new(product);
        let options = PushOptions { aliases: vec!["staging".to_owned()], ..PushOptions::default() };
        let first = world.push(&options).expect("pushed");
        assert_eq!((first.aliases[0].from, first.aliases[0].to), (None, 1), "{product}");
        world.write("tone.j2", "Be short.\n");
        let second = world.push(&options).expect("pushed");
        assert_eq!((second.aliases[0].from, second.aliases[0].to), (Some(1), 2), "{product}");
        let released =
            [("staging".to_owned(), first.hash.clone()), ("production".to_owned(), second.hash)];
        let states = |world: &World| -> Vec<_> {
            let drift =
                world.with(|registry, local| registry.drift(local, None, &released.clone().into()));
            drift.expect("an answer").aliases.into_iter().map(|alias| alias.state).collect()
        };
        assert_eq!(states(&world), [AliasState::Missing, AliasState::Moved], "{product}");
        let move_to = |hash: &str, environment: &str| {
            world.with(|registry, _| registry.move_alias("a/greet", hash, environment))
        };
        let moved = move_to(&first.hash, "staging").expect("moved");
        assert_eq!((moved.from, moved.to), (Some(2), 1), "{product}");
        let again = move_to(&first.hash, "staging").expect("moved");
        assert_eq!((again.from, again.to), (Some(1), 1), "{product}");
        move_to(&released[1].1, "production").expect("moved");
        assert_eq!(states(&world), [AliasState::Same, AliasState::Same], "{product}");
        let which = VersionChoice::Alias("staging".to_owned());
        let pulled = world.pull(&PullOptions { which, ..forced() }).expect("pulled");
        assert_eq!(pulled.version, 1, "{product}");
        let error = move_to("0000", "staging").expect_err("no such content");
        assert!(error.message.contains("has the content 0000"), "{error:?}");
        let error = move_to(&first.hash, "latest").expect_err("it is reserved");
        assert!(error.message.contains("`latest` is"), "{error:?}");
        assert_eq!(
            world.with(|r, _| r.move_alias("none", "0", "staging")).map_err(|e| e.message),
            Err("there is no prompt `none`".to_owned())
        );
    }
}

#[test]
fn what_people_make_there_becomes_a_file_and_is_not_buried() {
    for product in PRODUCTS {
        let world = World::new(product);
        world.push(&PushOptions::default()).expect("pushed");
        {
            let mut state = world.state.lock().expect("a state");
            let text = "Say {{ user name }}: {% 100.";
            let seen = serde_json::json!({
                "name": "a/greet", "type": "text", "prompt": text, "labels": ["latest"], "tags": ["x"], "version": 2,
                "config": { "model": "m2", "temperature": 1, "audience": ["all"] },
            });
            state.langfuse.versions.extend((product == "langfuse").then_some(seen));
            let tag = |key: &str, value: &str| serde_json::json!({ "key": key, "value": value });
            let seen = serde_json::json!({ "name": "a.greet", "version": "2", "tags": [
                tag("mlflow.prompt.is_prompt", "true"),
                tag("mlflow.prompt.text", &text.replace("user name", "user_name")),
                tag("_mlflow_prompt_model_config", r#"{"model_name": "m2", "temperature": 1}"#),
                tag("team", "x"),
            ] });
            state.mlflow.versions.extend((product == "mlflow").then_some(seen));
        }
        assert_eq!(world.drift().state, DriftState::EditedThere, "{product}");
        let error = world.push(&PushOptions::default()).expect_err("it was edited there");
        assert!(
            error.message.contains("version 2 of") && error.message.contains("edited there"),
            "{error:?}"
        );
        let pulled = world.pull(&PullOptions::default()).expect("the file here is version 1");
        assert!(!pulled.as_pushed && !pulled.lost.is_empty(), "{pulled:?}");
        let expected = "model: m2\nparameters: { temperature: 1 }\nvariables: { user_name: string }\n---\n\
                        Say {{ user_name }}: {{ '{%' }} 100.\n";
        assert!(pulled.file.ends_with(expected), "{}", pulled.file);
        world.write("a/greet.md", &pulled.file);
        assert_eq!(world.drift().state, DriftState::Same, "{product}");
        world.write("a/greet.md", FILE);
        assert_eq!(
            world
                .push(&PushOptions { force: true, ..PushOptions::default() })
                .expect("pushed")
                .version,
            3
        );
    }
}
