//! `registries.yaml`: every mistake, with its place.

use std::fs;

use evalmark_integrations::registries::RegistrySettings;

#[test]
fn mistakes_are_told_with_their_places() {
    let check = |text: &str, expected: &[(u64, &str)]| {
        let folder = tempfile::tempdir().expect("a folder");
        fs::write(folder.path().join("registries.yaml"), text).expect("written");
        let error =
            RegistrySettings::beside(&folder.path().join("prompts")).expect_err("a mistake");
        let told = error.to_string();
        for (line, words) in expected {
            let place = format!("registries.yaml:{line}:");
            assert!(
                told.lines().any(|l| l.contains(&place) && l.contains(words)),
                "{words}\n{told}"
            );
        }
        assert!(!told.contains("hush"), "{told}");
    };
    check("mlflow: { ulr: x }", &[(1, "unknown key `ulr`")]);
    check(
        "mlflow:\n  url: ftp://x\nlangfuse:\n  secret_key_env: sk-lf-hush",
        &[(2, "`url` must begin with"), (4, "this is a key")],
    );
    check("mlflow:\n  token_env: A\n  user: u", &[(2, "one of both is sent")]);
    check("mlflow:\n  user: u", &[(2, "belong together")]);
    check("mlflow:\n  token_env: a b", &[(2, "no name of an environment variable")]);
}

#[test]
fn without_a_file_nothing_is_set() {
    let folder = tempfile::tempdir().expect("a folder");
    let settings = RegistrySettings::beside(&folder.path().join("prompts")).expect("settings");
    assert!(settings.mlflow.is_none() && settings.langfuse.is_none());
}
