//! What is no mistake, and hardly meant: prompts that ask the same of every item, parameters that no
//! server knows.

use serde_json::Value;

use crate::{
    item::Item,
    prompt::Prompt,
    suite::{mistake::nearest, raw::RawModel},
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

/// Prompts that use columns outside an item's content.
pub(super) fn ignored(prompts: &[Prompt], ignored: &[String]) -> Vec<String> {
    let mut warnings = Vec::new();
    for (prompt, column) in prompts.iter().flat_map(|p| ignored.iter().map(move |c| (p, c))) {
        if prompt.messages.iter().any(|message| message.content.names(column)) {
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
    if prompt.messages.iter().any(|message| message.content.uses(columns())) {
        return None;
    }
    let name = &prompt.name;
    let text: String =
        prompt.messages.iter().map(|message| message.content.source()).collect::<Vec<_>>().concat();
    let braced = |column: &&str| {
        let forms = ["{", "${", "<", "[", "%("].into_iter().zip(["}", "}", ">", "]", ")s"]);
        forms.into_iter().any(|(open, close)| text.contains(&format!("{open}{column}{close}")))
    };
    let advice = if let Some(column) = columns().find(braced) {
        format!("did you mean `{{{{ {column} }}}}`?")
    } else {
        let columns: Vec<_> = columns().take(20).collect();
        format!("a column stands there as `{{{{ NAME }}}}`; there are: {}", columns.join(", "))
    };
    Some(format!("prompt `{name}` uses no column and asks the same of every item; {advice}"))
}

/// What servers that speak the protocol of OpenAI know, and the kinds of their values.
const PARAMETERS: &[(&str, Kind)] = &[
    ("temperature", Kind::Number),
    ("top_p", Kind::Number),
    ("top_k", Kind::Number),
    ("min_p", Kind::Number),
    ("typical_p", Kind::Number),
    ("tfs_z", Kind::Number),
    ("max_tokens", Kind::Number),
    ("max_completion_tokens", Kind::Number),
    ("min_tokens", Kind::Number),
    ("n_predict", Kind::Number),
    ("num_predict", Kind::Number),
    ("num_ctx", Kind::Number),
    ("seed", Kind::Any),
    ("stop", Kind::Any),
    ("stop_token_ids", Kind::Any),
    ("ignore_eos", Kind::Any),
    ("frequency_penalty", Kind::Number),
    ("presence_penalty", Kind::Number),
    ("repetition_penalty", Kind::Number),
    ("repeat_penalty", Kind::Number),
    ("repeat_last_n", Kind::Number),
    ("length_penalty", Kind::Number),
    ("no_repeat_ngram_size", Kind::Number),
    ("logit_bias", Kind::Any),
    ("logprobs", Kind::Any),
    ("top_logprobs", Kind::Number),
    ("prompt_logprobs", Kind::Any),
    ("response_format", Kind::Any),
    ("reasoning", Kind::Any),
    ("reasoning_effort", Kind::Any),
    ("reasoning_format", Kind::Any),
    ("include_reasoning", Kind::Any),
    ("thinking", Kind::Any),
    ("enable_thinking", Kind::Any),
    ("thinking_budget", Kind::Number),
    ("verbosity", Kind::Any),
    ("tools", Kind::Any),
    ("tool_choice", Kind::Any),
    ("parallel_tool_calls", Kind::Any),
    ("functions", Kind::Any),
    ("function_call", Kind::Any),
    ("user", Kind::Any),
    ("metadata", Kind::Any),
    ("store", Kind::Any),
    ("service_tier", Kind::Any),
    ("safety_identifier", Kind::Any),
    ("prompt_cache_key", Kind::Any),
    ("prediction", Kind::Any),
    ("modalities", Kind::Any),
    ("audio", Kind::Any),
    ("web_search_options", Kind::Any),
    ("stream_options", Kind::Any),
    ("chat_template", Kind::Any),
    ("chat_template_kwargs", Kind::Any),
    ("add_generation_prompt", Kind::Any),
    ("continue_final_message", Kind::Any),
    ("add_special_tokens", Kind::Any),
    ("skip_special_tokens", Kind::Any),
    ("spaces_between_special_tokens", Kind::Any),
    ("include_stop_str_in_output", Kind::Any),
    ("use_beam_search", Kind::Any),
    ("best_of", Kind::Number),
    ("truncate_prompt_tokens", Kind::Number),
    ("guided_json", Kind::Any),
    ("guided_regex", Kind::Any),
    ("guided_choice", Kind::Any),
    ("guided_grammar", Kind::Any),
    ("guided_decoding_backend", Kind::Any),
    ("structured_outputs", Kind::Any),
    ("grammar", Kind::Any),
    ("json_schema", Kind::Any),
    ("regex", Kind::Any),
    ("mirostat", Kind::Number),
    ("mirostat_tau", Kind::Number),
    ("mirostat_eta", Kind::Number),
    ("dry_multiplier", Kind::Number),
    ("dry_base", Kind::Number),
    ("dry_allowed_length", Kind::Number),
    ("xtc_probability", Kind::Number),
    ("xtc_threshold", Kind::Number),
    ("dynatemp_range", Kind::Number),
    ("samplers", Kind::Any),
    ("cache_prompt", Kind::Any),
    ("id_slot", Kind::Any),
    ("n_probs", Kind::Number),
    ("keep_alive", Kind::Any),
    ("options", Kind::Any),
    ("format", Kind::Any),
    ("think", Kind::Any),
    ("provider", Kind::Any),
    ("models", Kind::Any),
    ("route", Kind::Any),
    ("transforms", Kind::Any),
    ("plugins", Kind::Any),
    ("usage", Kind::Any),
    ("safe_prompt", Kind::Any),
    ("random_seed", Kind::Any),
    ("prompt_mode", Kind::Any),
    ("extra_body", Kind::Any),
    ("dimensions", Kind::Number),
    ("encoding_format", Kind::Any),
    ("input_type", Kind::Any),
    ("truncate", Kind::Any),
    ("priority", Kind::Any),
    ("timeout", Kind::Any),
];

/// What kind of value a parameter has.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Number,
    Any,
}

/// Warnings about the parameters of models.
pub(super) fn params(models: &[RawModel]) -> Vec<String> {
    models.iter().flat_map(params_of).collect()
}

fn params_of(model: &RawModel) -> impl Iterator<Item = String> + '_ {
    model.params.iter().filter_map(|(name, value)| {
        let known = PARAMETERS.iter().find(|(known, _)| known == name);
        let at = format!("model `{}`: the parameter `{name}`", model.name);
        let Some((_, kind)) = known else {
            let near = nearest(name, PARAMETERS.iter().map(|(name, _)| *name));
            return Some(match near {
                Some(near) => {
                    format!("{at} is not one that servers know; did you mean `{near}`?")
                }
                None => format!("{at} is not one that is known here; it is sent as it stands"),
            });
        };
        let is_wrong = *kind == Kind::Number && !(value.is_number() || value.is_null());
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
    })
}
