//! The catalog: schemas that can be embedded, checks that agree with compiling.

use evalmark_scoring::catalog;
use serde_json::{Value, json};

use crate::support::{deterministic, spec};

#[test]
fn names_are_unique_and_schemas_closed() {
    let names: Vec<_> = catalog().iter().map(|kind| kind.name).collect();
    let mut unique = names.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), names.len(), "{names:?}");
    for kind in catalog() {
        let schema = (kind.schema)();
        // Parameters have names, but for a list of metrics and for a formula.
        let types = &schema["type"];
        let takes_names = *types == "object" || types[0] == "object";
        let is_closed = takes_names && schema["additionalProperties"] == false;
        let stands_alone = ["all_of", "any_of", "weighted", "expression"].contains(&kind.name);
        assert_eq!(is_closed, !stands_alone, "{}", kind.name);
        assert!(schema["description"].is_string() || !stands_alone, "{}", kind.name);
        let text = schema.to_string();
        for word in ["$ref", "$defs", "$schema"] {
            assert!(!text.contains(word), "{}: {text}", kind.name);
        }
    }
}

/// `/model` is `properties.model` of the schema.
#[test]
fn references_to_models_are_parameters() {
    for kind in catalog() {
        for pointer in kind.model_refs {
            let property = format!("/properties{pointer}");
            assert!((kind.schema)().pointer(&property).is_some(), "{} {pointer}", kind.name);
        }
    }
    let named = |name: &str| catalog().iter().find(|kind| kind.name == name).expect("a kind");
    assert_eq!(named("judge").model_refs, ["/model", "/models"]);
    assert!(named("semantic").embeds && !named("judge").embeds);
    let models = named("judge").models(&json!({"models": ["a", "b"]}));
    let models: Vec<_> = models.iter().map(|(at, name)| (at.as_str(), name.as_str())).collect();
    assert_eq!(models, [("/models/0", "a"), ("/models/1", "b")]);
}

/// A file is named by a parameter that says text in the schema.
#[test]
fn references_to_files_are_parameters() {
    let mut n_files = 0;
    for kind in catalog() {
        for pointer in kind.file_refs {
            let schema = (kind.schema)();
            let property = schema.pointer(&format!("/properties{pointer}/type"));
            assert!(property.is_some_and(|of| of.to_string().contains("string")), "{}", kind.name);
            n_files += 1;
        }
    }
    assert_eq!(n_files, 1);
}

#[test]
fn check_accepts_what_compiles() {
    for entry in deterministic() {
        let spec = spec(&entry);
        let kind = catalog().iter().find(|kind| kind.name == spec.kind).expect("a kind");
        assert_eq!((kind.check)(&spec), Ok(()), "{entry}");
    }
    let bad = spec(&json!({"regex": {"pattern": "("}}));
    let kind: &Value = &json!(bad.kind);
    let checked = catalog().iter().find(|k| k.name == kind).map(|k| (k.check)(&bad));
    assert_eq!(checked.and_then(Result::err).map(|c| c.pointer).as_deref(), Some("/regex/pattern"));
}
