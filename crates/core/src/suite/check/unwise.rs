//! What is no mistake, and hardly meant: prompts that ask the same of every item, parameters that no
//! server knows.

use serde_json::Value;

use crate::{
    item::Item,
    model::Model,
    prompt::Prompt,
    provider::{EXTRA, ProviderKind},
    suite::{mistake::nearest, raw::RawModel},
    template::Template,
};

/// Warnings about prompts.
pub(super) fn prompts(prompts: &[Prompt], first: Option<&Item>) -> Vec<String> {
    let mut warnings = Vec::new();
    for (i, prompt) in prompts.iter().enumerate() {
        let Some(item) = first else { break };
        if let Some(warning) = without_columns(prompt, item) {
            warnings.push(warning);
        }
        let same = prompts[..i].iter().find(|other| other.hash == prompt.hash);
        if let Some(other) = same {
            let (one, other) = (&other.name, &prompt.name);
            warnings.push(format!(
                "the prompts `{one}` and `{other}` are the same text: they get the same answers"
            ));
        }
    }
    warnings
}

/// Warnings about models that are one under two names.
pub(super) fn same_models(models: &[Model]) -> Vec<String> {
    let warning = |(i, model): (usize, &Model)| {
        let same = models[..i].iter().find(|other| other.is_same_as(model))?;
        Some(format!(
            "the models `{}` and `{}` are the same but for their names: they get the same answers, each of \
             which is asked for once; `evalmark calibrate` measures how much a model differs from itself",
            same.name, model.name
        ))
    };
    models.iter().enumerate().filter_map(warning).collect()
}

/// Prompts that use columns outside an item's content.
pub(super) fn ignored(prompts: &[Prompt], ignored: &[String]) -> Vec<String> {
    let mut warnings = Vec::new();
    for (prompt, column) in prompts.iter().flat_map(|p| ignored.iter().map(move |c| (p, c))) {
        if prompt.templates().any(|template| template.names(column)) {
            let name = &prompt.name;
            warnings.push(format!(
                "prompt `{name}` uses `{column}`, which `dataset.ignore` leaves out of the items' \
                 content: an item counts as the same when its `{column}` changes"
            ));
        }
    }
    warnings
}

/// A prompt that reads the same for every item.
fn without_columns(prompt: &Prompt, item: &Item) -> Option<String> {
    let columns = || item.fields.keys().map(String::as_str);
    if prompt.templates().any(|template| template.uses(columns())) {
        return None;
    }
    let name = &prompt.name;
    let text = prompt.templates().map(Template::source).collect::<Vec<_>>().concat();
    let braced = |column: &&str| {
        let forms = ["{", "${", "<", "[", "%("].into_iter().zip(["}", "}", ">", "]", ")s"]);
        forms.into_iter().any(|(open, close)| text.contains(&format!("{open}{column}{close}")))
    };
    let advice = if let Some(column) = columns().find(braced) {
        format!("did you mean `{{{{ {column} }}}}`?")
    } else {
        let columns: Vec<_> = columns().take(20).collect();
        format!("write a column as `{{{{ NAME }}}}`; the columns are: {}", columns.join(", "))
    };
    Some(format!(
        "prompt `{name}` uses no column and asks the same question for every item; \
                  {advice}"
    ))
}

/// Warnings about the parameters of models.
pub(super) fn params(models: &[RawModel], providers: &[ProviderKind]) -> Vec<String> {
    let warnings = |model| params_of(model, providers);
    models.iter().flat_map(warnings).collect()
}

/// Warnings about models whose requests are not signed, since an address of the suite's own gets no
/// credentials that it does not name.
pub(super) fn unsigned(models: &[RawModel], providers: &[ProviderKind]) -> Vec<String> {
    let warning = |model: &RawModel| {
        let is_named = |kind: &&ProviderKind| model.provider.as_deref() == Some(kind.name);
        let kind = providers.iter().find(is_named)?;
        let has_key = model.api_key_env.is_some() || model.api_key_command.is_some();
        let variable = kind.key_variables.first()?;
        (kind.finds_credentials && model.base_url.is_some() && !has_key).then(|| {
            format!(
                "model `{}` has its own `base_url` and names no key, so that its requests are not signed; \
                 `api_key_env: {variable}` signs them with the credentials that are found",
                model.name
            )
        })
    };
    models.iter().filter_map(warning).collect()
}

/// Warnings about the parameters of a model. Those of recorded answers may be anyone's.
fn params_of(model: &RawModel, providers: &[ProviderKind]) -> Vec<String> {
    if model.params.is_empty() {
        return Vec::new();
    }
    let is_named = |kind: &&ProviderKind| model.provider.as_deref() == Some(kind.name);
    let named = providers.iter().find(is_named);
    if named.is_some_and(|kind| kind.options.is_some()) {
        // What becomes of them is the suite's own affair.
        return Vec::new();
    }
    let kind = named.map_or(providers, std::slice::from_ref);
    let schemas: Vec<_> = kind.iter().map(|kind| (kind.params)()).collect();
    let known = || schemas.iter().filter_map(|schema| schema["properties"].as_object()).flatten();
    let warning = |(name, value): (&String, &Value)| {
        let known_as = known().find(|(known, _)| *known == name);
        let at = format!("model `{}`: the parameter `{name}`", model.name);
        let Some((_, schema)) = known_as else {
            let near = nearest(name, known().map(|(name, _)| name.as_str()));
            return Some(match near {
                Some(near) => {
                    format!("{at} is not one that servers know; did you mean `{near}`?")
                }
                None => format!("{at} is not one that evalmark knows; it is sent as it is"),
            });
        };
        let is_number = matches!(schema["type"].as_str(), Some("number" | "integer"));
        let is_wrong = is_number && !(value.is_number() || value.is_null());
        is_wrong.then(|| {
            let what = match value {
                Value::String(text) if text.parse::<f64>().is_ok() => "a number in quotes",
                Value::String(_) => "text",
                Value::Bool(_) => "true or false",
                Value::Array(_) => "a list",
                _ => "a mapping",
            };
            format!("{at} is {what}; servers expect a number")
        })
    };
    // What a provider does not know is a mistake there.
    let is_strict = kind.iter().all(|kind| kind.knows_all_params);
    let params = model.params.iter().filter(|(name, _)| *name != EXTRA && !is_strict);
    params.filter_map(warning).collect()
}
