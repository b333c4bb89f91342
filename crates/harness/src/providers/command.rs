//! `command`: a program of the user's own, which reads a JSON object a line and writes one.

use evalmark_core::{
    feature::Feature,
    message::ToolCall,
    provider::{
        CheckedOptions, ExampleModel, ModelOptions, ModelPlace, OptionProblem, OptionsKind,
        ProgramOptions, ProviderKind,
    },
    record::{FinishReason, Outcome, Usage},
    request::Request,
};
use schemars::{JsonSchema, generate::SchemaSettings};
use serde::Deserialize;
use serde_json::{Value, json};

use super::called_tools;
use crate::{
    failure,
    programs::no_reply,
    reply::{Answer, AttemptError},
};

/// The provider, as whoever reads suites needs to know it.
pub(super) const KIND: ProviderKind = ProviderKind {
    name: "command",
    protocol: "command",
    summary: "A program of your own, asked by JSON lines; it runs only with `--allow-exec`",
    base_url: None,
    paths: &[],
    key_variables: &[],
    key_hosts: &[],
    params: || json!({ "type": "object" }),
    reserved: &[],
    output_limits: &["max_tokens"],
    default_output_limit: None,
    knows_all_params: false,
    embeds: false,
    lacks: &[],
    quirks: &[],
    features: &[
        Feature::Conversation,
        Feature::Tools,
        Feature::ToolChoice,
        Feature::NamedTool,
        Feature::JsonSchema,
    ],
    settings: &[],
    model_place: ModelPlace::Body,
    finds_credentials: false,
    said_by_prompts: &[],
    options: Some(OptionsKind { key: "command", schema, check }),
    prices: None,
    first_model: None,
    example_model: ExampleModel {
        more: "\
command:
  program: [python3, app.py]",
        ..ExampleModel::named("my-application")
    },
};

/// The program that answers. It reads one JSON object a line (`id`, `prompt`, `messages`, `model`, `params`), and
/// writes one for each: the same `id`, and `output` or `error`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Settings {
    /// The program and its arguments. It is started without a shell, in the suite's folder.
    #[schemars(length(min = 1))]
    program: Vec<String>,
    /// Environment variables that it sees besides `PATH`, `HOME` and those of the language, such as its own keys.
    /// Values of those whose names say KEY, TOKEN, SECRET or PASSWORD are hidden in what it answers.
    #[serde(default)]
    env: Vec<String>,
}

fn schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<Settings>();
    schema.remove("title");
    schema.to_value()
}

fn check(of: &ModelOptions<'_>) -> Result<CheckedOptions, Vec<OptionProblem>> {
    let Settings { program, env } = Settings::deserialize(of.options)
        .map_err(|error| vec![OptionProblem::new("", format!("`command`: {error}"))])?;
    let mut problems = Vec::new();
    if program.first().is_none_or(|name| name.trim().is_empty()) {
        problems.push(OptionProblem::new("/program", "`program` must begin with a program"));
    }
    if program.iter().any(|word| word.contains('\0')) {
        problems.push(OptionProblem::new("/program", "an argument holds a NUL character"));
    }
    for (i, name) in env.iter().enumerate() {
        let is_name = !name.is_empty() && !name.contains(['=', '\0']);
        let pointer = format!("/env/{i}");
        if !is_name {
            let problem =
                OptionProblem::new(pointer, "`env` holds the NAMES of environment variables");
            problems.push(problem.hint("write `env: [MY_KEY]`, and export MY_KEY"));
        } else if env[..i].contains(name) {
            problems.push(OptionProblem::new(pointer, format!("`{name}` stands there twice")));
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    let program = ProgramOptions { words: program, variables: env };
    Ok(CheckedOptions { program: Some(program), ..CheckedOptions::default() })
}

/// A request as the program reads it, with the end of the line.
pub(crate) fn line(request: &Request, id: u64) -> String {
    let messages = &request.messages;
    let of_user = messages.iter().rfind(|message| message.role == "user");
    let prompt = of_user.or(messages.last()).map(|message| message.text().into_owned());
    let mut line = json!({
        "id": id,
        "model": request.model,
        "prompt": prompt.unwrap_or_default(),
        "messages": messages,
        "params": *request.params,
        "epoch": request.epoch,
    });
    if let Some(tools) = &request.tools {
        line["tools"] = json!(tools.tools);
        if let Some(choice) = &tools.tool_choice {
            line["tool_choice"] = json!(choice);
        }
    }
    if let Some(form) = &request.response_schema {
        line["json_schema"] = json!(form);
    }
    format!("{line}\n")
}

/// What the program wrote.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Said {
    id: Option<Value>,
    output: Option<Value>,
    error: Option<Value>,
    finish_reason: Option<String>,
    input_tokens: Option<u64>,
    output_tokens: Option<u64>,
    model: Option<String>,
    reasoning: Option<String>,
    tool_calls: Vec<SaidCall>,
}

/// A call of a tool; its arguments are an object, or that as a text.
#[derive(Debug, Deserialize)]
struct SaidCall {
    #[serde(default)]
    id: String,
    name: String,
    #[serde(default)]
    arguments: Value,
}

/// Reads the reply to request `id`: the answer or failure that it tells of, or why it is no reply, after
/// which nothing that this process says can be trusted.
pub(crate) fn read(line: &str, id: u64) -> Result<Result<Answer, AttemptError>, AttemptError> {
    let wrong = |why: &str| no_reply(why, &Value::from(line.trim_end()));
    let said = serde_json::from_str(line.trim_start_matches('\u{feff}'));
    let said = match said {
        Ok(said @ Value::Object(_)) => said,
        Ok(_) => return Err(wrong("it is no JSON object")),
        Err(_) => return Err(wrong("it is no JSON; logs belong to stderr")),
    };
    let said = Said::deserialize(said).map_err(|error| wrong(&error.to_string()))?;
    // A program that writes one line too many would otherwise give each item the answer of another.
    match &said.id {
        None => return Err(wrong(&format!("it has no `id`; the request's is {id}"))),
        Some(said) if *said != json!(id) && *said != json!(id.to_string()) => {
            return Err(wrong(&format!("its `id` is not that of the request, {id}")));
        }
        Some(_) => {}
    }
    if let Some(error) = said.error.as_ref().filter(|error| failure::is_error(error)) {
        return Ok(failure::told_by_a_program(error));
    }
    let calls: Vec<_> = said.tool_calls.iter().map(called).collect();
    let output = match &said.output {
        Some(Value::String(text)) => text.clone(),
        None | Some(Value::Null) if !calls.is_empty() => called_tools::as_json(&calls),
        None | Some(Value::Null) => return Err(wrong("it has no `output` and no `error`")),
        Some(other) => other.to_string(),
    };
    Ok(Ok(answer(said, output, calls)))
}

fn called(SaidCall { id, name, arguments }: &SaidCall) -> ToolCall {
    let arguments = match arguments {
        Value::String(text) => text.clone(),
        Value::Null => "{}".to_owned(),
        other => other.to_string(),
    };
    ToolCall { id: id.clone(), name: name.clone(), arguments }
}

fn answer(said: Said, output: String, tool_calls: Vec<ToolCall>) -> Answer {
    let details = evalmark_core::answer_details::AnswerDetails {
        model: said.model,
        reasoning: said.reasoning,
        tool_calls,
        ..Default::default()
    };
    let (input_tokens, output_tokens) = (said.input_tokens, said.output_tokens);
    Answer {
        outcome: Outcome::Answered,
        output,
        finish_reason: said.finish_reason.map(FinishReason::from),
        usage: Usage { input_tokens, output_tokens }.plausible(),
        details: details.boxed(),
    }
}
