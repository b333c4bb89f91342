//! The catalog: schemas that can be embedded, checks that agree with compiling.

use evalmark_scoring::catalog;
use serde_json::{Value, json};

use crate::support::{deterministic, spec};

#[test]
fn names_are_unique_and_schemas_closed() {
    let names: Vec<_> = catalog().iter().map(|kind| kind.name).collect();
    assert_eq!(
        names,
        [
            "exact",
            "includes",
            "starts_with",
            "ends_with",
            "one_of",
            "choice",
            "regex",
            "number",
            "preset",
            "fuzzy",
            "judge"
        ]
    );
    for kind in catalog() {
        let schema = (kind.schema)();
        let types = &schema["type"];
        assert!(*types == "object" || types[0] == "object", "{}", kind.name);
        assert_eq!(schema["additionalProperties"], false, "{}", kind.name);
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
    let judge = catalog().iter().find(|kind| kind.name == "judge").expect("a judge");
    assert_eq!(judge.model_refs, ["/model"]);
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
