//! Every way in which a document does not fit its JSON Schema.

use std::collections::BTreeSet;

use jsonschema::{ValidationError, Validator, error::ValidationErrorKind};
use serde_json::Value;

use super::{
    Readers,
    document::{Document, escape},
    familiar::{item_of, known_as},
    mistake::{Mistake, nearest},
    receivers::other_section,
    schema::schema,
};

/// Every place where a suite does not fit its schema, as [`fit`] tells them.
pub(crate) fn fit_suite(document: &mut Document, readers: Readers<'_>) -> Vec<Mistake> {
    let Readers { kinds, providers, sources, receivers, .. } = readers;
    // Building the schema of every kind takes long for a short run, and kinds that the suite does not name
    // cannot find fault with it. Only to explain a mistake is the full schema needed.
    let mut keys = BTreeSet::new();
    add_keys(&document.value, &mut keys);
    let named = |name: &str| keys.contains(name);
    let kinds_named: Vec<_> = kinds.iter().filter(|kind| named(kind.name)).copied().collect();
    let sources_named: Vec<_> =
        sources.kinds.iter().filter(|kind| named(kind.name)).copied().collect();
    let receivers_named: Vec<_> =
        receivers.iter().filter(|kind| named(kind.name)).copied().collect();
    let of_named = schema(&kinds_named, providers, &sources_named, &receivers_named);
    let mut found = misfits(&document.value, &of_named);
    if !found.is_empty() {
        found = misfits(&document.value, &schema(kinds, providers, sources.kinds, receivers));
    }
    taken_out(document, found)
}

/// The keys of all mappings.
fn add_keys<'a>(value: &'a Value, keys: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                keys.insert(key);
                add_keys(value, keys);
            }
        }
        Value::Array(list) => list.iter().for_each(|value| add_keys(value, keys)),
        _ => {}
    }
}

/// Every place where the document does not fit the schema. What does not fit is taken out of the
/// document, so that the rest can still be checked.
pub(crate) fn fit(document: &mut Document, schema: &Value) -> Vec<Mistake> {
    let misfits = misfits(&document.value, schema);
    taken_out(document, misfits)
}

fn taken_out(document: &mut Document, mut misfits: Vec<SchemaMistake>) -> Vec<Mistake> {
    let known = |pointer: &String| misfits.iter().any(|misfit| misfit.pointer == *pointer);
    let unsaid: Vec<_> =
        unsaid(&document.value).into_iter().filter(|pointer| !known(pointer)).collect();
    misfits.extend(unsaid.into_iter().map(|pointer| {
        let message = format!("{} is empty", named(&pointer));
        let mistake = Mistake::new(message).hint("give it a value, or remove the key");
        SchemaMistake::new(pointer, mistake, false, true)
    }));
    let mistakes = misfits.iter().map(|misfit| {
        let place = if misfit.is_key {
            document.key_position(&misfit.pointer)
        } else {
            document.position(&misfit.pointer)
        };
        misfit.mistake.clone().moved(place)
    });
    let mistakes = mistakes.collect();
    // From the back, so that an index into a list stays right.
    for misfit in misfits.iter().rev().filter(|misfit| misfit.must_go) {
        remove(&mut document.value, &misfit.must_go_at);
        document.taken_out.push(misfit.must_go_at.clone());
    }
    mistakes
}

/// Keys that decide what is compared, and by which rule, and have no value: a gate whose values were
/// lost, for example a template's, would be none.
fn unsaid(suite: &Value) -> Vec<String> {
    let mut found = Vec::new();
    for section in ["/gate", "/dataset"] {
        if let Some(value) = suite.pointer(section) {
            nulls(value, section.to_owned(), &mut found);
        }
    }
    found
}

fn nulls(value: &Value, pointer: String, found: &mut Vec<String>) {
    match value {
        Value::Null => found.push(pointer),
        Value::Object(map) => {
            for (key, value) in map {
                nulls(value, format!("{pointer}/{}", escape(key)), found);
            }
        }
        _ => {}
    }
}

/// A place where a value does not fit its schema.
pub(crate) struct SchemaMistake {
    pub(crate) pointer: String,
    /// Without its place.
    pub(crate) mistake: Mistake,
    /// It is the key that is wrong.
    pub(crate) is_key: bool,
    /// It must be taken out for the rest to be readable, or what it stands in must.
    must_go: bool,
    must_go_at: String,
}

/// Every place where `value` does not fit the schema.
fn misfits(value: &Value, schema: &Value) -> Vec<SchemaMistake> {
    let Ok(validator) = jsonschema::validator_for(schema) else {
        let mistake = Mistake::new("the suite schema itself is broken");
        return vec![SchemaMistake::new(String::new(), mistake, false, false)];
    };
    misfits_by(&validator, value, schema)
}

/// The same, with the schema's own validator.
pub(crate) fn misfits_by(
    validator: &Validator,
    value: &Value,
    schema: &Value,
) -> Vec<SchemaMistake> {
    validator.iter_errors(value).flat_map(|error| misfit(schema, &error)).collect()
}

/// What one validation error means; an object with three unknown keys is three misfits.
fn misfit(schema: &Value, error: &ValidationError<'_>) -> Vec<SchemaMistake> {
    let pointer = error.instance_path().as_str();
    if let ValidationErrorKind::AdditionalProperties { unexpected } = error.kind() {
        let known = redacted_keys(schema, error.schema_path().as_str());
        return unexpected
            .iter()
            .map(|key| {
                let mistake = match other_section(schema, pointer, key) {
                    Some(section) => Mistake::new(format!("unknown key `{key}`"))
                        .hint(format!("`{key}` stands under `{section}:`")),
                    None => unknown_key(key, &known),
                };
                let pointer = format!("{pointer}/{}", escape(key));
                SchemaMistake::new(pointer, mistake, true, true)
            })
            .collect();
    }
    if let Some((below, mistake)) = null_within(error.instance(), pointer) {
        let misfit = SchemaMistake::new(below, mistake, false, true);
        return vec![SchemaMistake { must_go_at: pointer.to_owned(), ..misfit }];
    }
    let mistake = Mistake::new(describe(error, pointer, schema));
    let is_a_type = matches!(error.kind(), ValidationErrorKind::Type { .. });
    let mistake = match item_of(pointer).filter(|_| is_a_type) {
        Some(item) => mistake.hint(format!("write `{item}`")),
        None => mistake,
    };
    let must_go = !matches!(error.kind(), ValidationErrorKind::Required { .. });
    vec![SchemaMistake::new(pointer.to_owned(), mistake, false, must_go)]
}

impl SchemaMistake {
    fn new(pointer: String, mistake: Mistake, is_key: bool, must_go: bool) -> Self {
        Self { must_go_at: pointer.clone(), pointer, mistake, is_key, must_go }
    }
}

/// The first null in a list, or under a key, that may hold none: `null`, `~` or nothing at all.
fn null_within(value: &Value, pointer: &str) -> Option<(String, Mistake)> {
    let at = match value {
        Value::Null => String::new(),
        Value::Array(elements) => format!("/{}", elements.iter().position(Value::is_null)?),
        _ => return None,
    };
    let pointer = format!("{pointer}{at}");
    let what = named(&pointer);
    let message = match pointer.rsplit_once('/') {
        Some((parent, item)) if item.parse::<usize>().is_ok() && parent.ends_with("/labels") => {
            format!("a label is null ({what})")
        }
        _ if at.is_empty() && !pointer.ends_with(|c: char| c.is_ascii_digit()) => {
            return None;
        }
        _ => format!("{what} is null"),
    };
    let hint = "YAML reads `null`, `~` and an empty value as no value; quote a word: `\"null\"`";
    Some((pointer, Mistake::new(message).hint(hint)))
}

/// What a pointer leads to: a key, or an item of a list.
fn named(pointer: &str) -> String {
    let name = pointer.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap_or("");
    let item = pointer.rsplit('/').next().and_then(|last| last.parse::<usize>().ok());
    match (name, item) {
        ("", None) => "the suite".to_owned(),
        ("", Some(item)) => format!("item {}", item + 1),
        (name, None) => format!("`{name}`"),
        (name, Some(item)) => format!("item {} of `{name}`", item + 1),
    }
}

/// Keys that hold secrets elsewhere, and never here.
pub(crate) const SECRET_KEYS: [&str; 7] =
    ["api_key", "apikey", "api-key", "key", "token", "authorization", "password"];

pub(crate) fn unknown_key(key: &str, known: &[String]) -> Mistake {
    if SECRET_KEYS.contains(&key.to_lowercase().as_str()) {
        let message = format!("`{key}`: a suite must not contain a key");
        let hint = "put the key into an environment variable, and the variable's NAME here: \
                    `api_key_env: OPENAI_API_KEY`; if this key was real, revoke it";
        return Mistake::new(message).hint(hint);
    }
    let message = format!("unknown key `{key}`");
    if let Some(ours) = known_as(key, known) {
        let others = known.join(", ");
        return Mistake::new(message)
            .hint(format!("evalmark calls it `{ours}`; known keys: {others}"));
    }
    match nearest(key, known.iter().map(String::as_str)) {
        Some(near) => Mistake::new(message).hint(format!("did you mean `{near}`?")),
        None => Mistake::new(message).hint(format!("known keys: {}", known.join(", "))),
    }
}

/// The keys that the object whose `additionalProperties` failed does know.
fn redacted_keys(schema: &Value, schema_path: &str) -> Vec<String> {
    let object = schema_path.rsplit_once('/').map_or("", |(parent, _)| parent);
    let properties = schema.pointer(object).and_then(|object| object["properties"].as_object());
    properties.map(|map| map.keys().cloned().collect()).unwrap_or_default()
}

/// A validation error in a user's words. Values are left out: one may be a secret.
fn describe(error: &ValidationError<'_>, pointer: &str, schema: &Value) -> String {
    let of = named(pointer);
    match error.kind() {
        ValidationErrorKind::MinItems { limit } => match &**error.instance() {
            Value::Array(items) if items.is_empty() => {
                format!("{of} is empty; it needs at least {limit}")
            }
            _ => format!("{of} has too few items; it needs at least {limit}"),
        },
        ValidationErrorKind::MaxItems { limit } => {
            format!("{of} has too many items; it may have {limit}")
        }
        ValidationErrorKind::MinProperties { limit } => {
            format!("{of} has too few keys; it needs at least {limit}")
        }
        ValidationErrorKind::MaxProperties { limit } => {
            format!("{of} has too many keys; it may have {limit}")
        }
        ValidationErrorKind::Minimum { limit } => format!("{of} must be at least {}", short(limit)),
        ValidationErrorKind::Maximum { limit } => format!("{of} must be at most {}", short(limit)),
        ValidationErrorKind::ExclusiveMinimum { limit } => {
            format!("{of} must be more than {}", short(limit))
        }
        ValidationErrorKind::ExclusiveMaximum { limit } => {
            format!("{of} must be less than {}", short(limit))
        }
        ValidationErrorKind::MinLength { .. } => format!("{of} is too short"),
        ValidationErrorKind::MaxLength { limit } => {
            format!("{of} is too long; it may have {limit} characters")
        }
        ValidationErrorKind::UniqueItems => format!("{of} holds the same item twice"),
        ValidationErrorKind::Constant { expected_value } => {
            format!("{of} can only be `{}`", short(expected_value))
        }
        ValidationErrorKind::Required { property } => {
            format!("{of} lacks the key `{}`", property.as_str().unwrap_or_default())
        }
        ValidationErrorKind::Type { .. } => {
            let expected = expected(error);
            let advice = match (&**error.instance(), expected.as_str()) {
                (Value::Number(_), "text") if is_a_time_span(pointer) => "; with a unit: `60s`",
                (Value::Number(_), "text") => "; quote it",
                _ => "",
            };
            format!("{of} is {}; expected {expected}{advice}", type_of(error.instance()))
        }
        ValidationErrorKind::Enum { options } => {
            let options = options.as_array().map(Vec::as_slice).unwrap_or_default();
            let options: Vec<_> = options.iter().filter_map(Value::as_str).collect();
            not_one_of(&of, &options, error.instance())
        }
        ValidationErrorKind::OneOfNotValid { .. } | ValidationErrorKind::AnyOf { .. } => {
            let alternatives = schema.pointer(error.schema_path().as_str());
            match alternatives.map(words).filter(|words| !words.is_empty()) {
                Some(words) => not_one_of(&of, &words, error.instance()),
                None => format!("{of} matches none of the allowed forms"),
            }
        }
        _ => format!("{of}: {}", error.masked()),
    }
}

fn is_a_time_span(pointer: &str) -> bool {
    pointer.ends_with("timeout") || pointer.ends_with("give_up_after")
}

fn not_one_of(of: &str, options: &[&str], found: &Value) -> String {
    let near = found.as_str().and_then(|word| nearest(word, options.iter().copied()));
    let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
    let options = options.join(", ");
    match found {
        Value::String(word) if is_a_plain_word(word) => {
            format!("{of}: `{word}` is not one of: {options}{near}")
        }
        Value::String(_) => format!("{of} is not one of: {options}{near}"),
        other => format!("{of} is {}; it can be: {options}", type_of(other)),
    }
}

/// Whether a word may be repeated: a key looks otherwise.
fn is_a_plain_word(word: &str) -> bool {
    let length = word.chars().count();
    (1..=24).contains(&length)
        && word.chars().all(|c| c.is_ascii_lowercase() || matches!(c, '_' | '-' | ' '))
}

/// A number of the schema as people write it.
fn short(limit: &Value) -> String {
    match limit.as_f64() {
        Some(number) if number.fract() == 0.0 && number.abs() < 1e15 => format!("{number:.0}"),
        _ => limit.as_str().map_or_else(|| limit.to_string(), str::to_owned),
    }
}

/// The words that a list of alternative schemas allows.
fn words(alternatives: &Value) -> Vec<&str> {
    let mut words = Vec::new();
    for alternative in alternatives.as_array().into_iter().flatten() {
        words.extend(alternative["const"].as_str());
        let listed = alternative["enum"].as_array().into_iter().flatten();
        words.extend(listed.filter_map(Value::as_str));
        if is_of_words(alternative) {
            words.extend(["oneOf", "anyOf"].iter().flat_map(|key| self::words(&alternative[key])));
        }
    }
    words
}

/// Whether a schema allows nothing but words, or nothing.
fn is_of_words(schema: &Value) -> bool {
    let within = ["oneOf", "anyOf"].iter().find_map(|key| schema[key].as_array());
    let is_word = schema["const"].is_string() || schema["enum"].is_array();
    is_word || schema["type"] == "null" || within.is_some_and(|list| list.iter().all(is_of_words))
}

pub(crate) fn type_of(value: &Value) -> &'static str {
    match value {
        Value::Null => "empty",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "text",
        Value::Array(_) => "a list",
        Value::Object(_) => "a mapping",
    }
}

fn expected(error: &ValidationError<'_>) -> String {
    let words = error.masked().to_string();
    let types = [
        ("\"string\"", "text"),
        ("\"integer\"", "a whole number"),
        ("\"number\"", "a number"),
        ("\"boolean\"", "true or false"),
        ("\"array\"", "a list"),
        ("\"object\"", "a mapping"),
    ];
    let found: Vec<_> =
        types.iter().filter(|(word, _)| words.contains(word)).map(|(_, name)| *name).collect();
    if found.is_empty() { "something else".to_owned() } else { found.join(" or ") }
}

fn remove(value: &mut Value, pointer: &str) {
    let Some((parent, last)) = pointer.rsplit_once('/') else { return };
    match value.pointer_mut(parent) {
        Some(Value::Object(map)) => {
            map.shift_remove(&last.replace("~1", "/").replace("~0", "~"));
        }
        Some(Value::Array(elements)) => {
            if let Some(index) = last.parse().ok().filter(|index| *index < elements.len()) {
                elements.remove(index);
            }
        }
        _ => {}
    }
}
