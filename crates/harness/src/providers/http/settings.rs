//! What stands under `http`: checked with everything that can be wrong before anything is asked, and
//! compiled into an [`Endpoint`].

use std::collections::BTreeMap;

use evalmark_core::{
    provider::{ModelOptions, OptionProblem},
    request::Request,
};
use evalmark_net::{HeaderName, HeaderValue, HttpRequest, Method, Secret, Url};
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{
    body::BodyTemplate,
    find::{Find, RawFind},
    kept::{Kept, RawStatuses},
    stream::{RawStream, StreamForm},
    template::{Pieces, Text, as_it_is, fields, percent_encoded},
};
use crate::providers::own_form::schema_of;

/// How a model is asked over HTTP, and where its answer stands. Texts may hold Jinja placeholders: `prompt` (the last
/// text of the user), `messages`, `model` and `params`. One that stands alone keeps the type of its value.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    /// How it is asked; default: POST where there is a body, else GET.
    #[serde(default)]
    method: Option<RawMethod>,
    /// Where it is asked; default: the model's `base_url`. Placeholders may stand behind the host, and what fills
    /// them is percent-encoded.
    #[serde(default)]
    url: Option<String>,
    /// Parameters of the address.
    #[serde(default)]
    query: BTreeMap<String, RawScalar>,
    /// Headers. The model's key stands where `{{ key }}` says; where no header names it, it is sent as
    /// `Authorization: Bearer`.
    #[serde(default)]
    headers: BTreeMap<String, String>,
    /// The body: JSON with placeholders in its texts, or a text. A text that is JSON is read as JSON.
    #[serde(default)]
    body: Option<Value>,
    /// Where the answer stands in the response; default: all of the response is the answer.
    #[serde(default)]
    answer: Option<RawFind>,
    /// Where the tokens stand.
    #[serde(default)]
    usage: RawUsage,
    /// JSONPath of what the answer cost, in US dollars: it counts in the cost columns and for `--max-cost`.
    #[serde(default)]
    cost_usd: Option<String>,
    /// JSONPath of why the answer ended.
    #[serde(default)]
    finish_reason: Option<String>,
    /// Where an error stands, also in a response whose status is a success.
    #[serde(default)]
    error: Option<RawFind>,
    /// Which responses are answers besides successes: a list of statuses, or `any`, which is every one but 429 and
    /// redirects. An `expression` asks for an answer's as `status`.
    #[serde(default)]
    pub(super) statuses: Option<RawStatuses>,
    /// Headers of the response that an `expression` asks for, as `headers['x-request-id']`; names in lower case.
    #[serde(default)]
    pub(super) keep_headers: Vec<String>,
    /// How the pieces of an answer come, where the model has `stream: true`.
    #[serde(default)]
    stream: Option<RawStream>,
}

/// How an endpoint is asked.
#[derive(Clone, Copy, Debug, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
enum RawMethod {
    Get,
    Post,
    Put,
    Patch,
}

/// A text with placeholders, a number, or true or false.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(untagged)]
enum RawScalar {
    Text(String),
    Number(serde_json::Number),
    Bool(bool),
}

/// Where the tokens of a request stand.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct RawUsage {
    /// JSONPath of the prompt's tokens.
    #[serde(default)]
    input_tokens: Option<String>,
    /// JSONPath of the answer's tokens.
    #[serde(default)]
    output_tokens: Option<String>,
}

/// Headers that belong to the connection.
const NOT_OURS: [&str; 6] =
    ["host", "content-length", "transfer-encoding", "connection", "te", "upgrade"];

/// What templates are filled with, for whoever names something else.
const WHAT_THERE_IS: &str = "there are `prompt`, `messages`, `model` and `params`";
/// Where the key may stand, for whoever has it elsewhere.
const WHERE_THE_KEY_STANDS: &str =
    "the key stands in `headers` alone: `authorization: 'Bearer {{ key }}'`";
/// How a text gets into a header that has line breaks.
const ON_ONE_LINE: &str = "`{{ prompt | replace('\\n', ' ') }}` stands on one line";

/// An endpoint that is ready to be asked.
#[derive(Debug)]
pub(super) struct Endpoint {
    method: Method,
    url: Pieces,
    query: Vec<(String, Text)>,
    headers: Vec<(HeaderName, Pieces)>,
    body: Option<BodyTemplate>,
    pub(super) answer: Option<Find>,
    pub(super) input_tokens: Option<Find>,
    pub(super) output_tokens: Option<Find>,
    pub(super) cost_usd: Option<Find>,
    pub(super) finish_reason: Option<Find>,
    pub(super) error: Option<Find>,
    pub(super) stream: Option<StreamForm>,
    pub(super) kept: Kept,
}

/// JSON Schema of what stands under `http`.
pub(super) fn schema() -> Value {
    schema_of::<Settings>()
}

impl Settings {
    /// Reads what fits the schema.
    pub(super) fn read(options: &Value) -> Result<Self, Vec<OptionProblem>> {
        Settings::deserialize(options)
            .map_err(|error| vec![OptionProblem::new("", format!("`http`: {error}"))])
    }

    /// The address as far as it is the same for every request: scheme, host and port.
    pub(super) fn fixed_url(&self) -> Option<String> {
        let url = self.url.as_deref()?;
        if !url.contains("{{") {
            return Some(url.to_owned());
        }
        Some(Url::parse(&origin(url)?).ok()?.origin().ascii_serialization())
    }

    /// What is wrong with it.
    pub(super) fn problems(&self, of: &ModelOptions<'_>) -> Vec<OptionProblem> {
        let mut problems = Vec::new();
        problems.extend(self.stream_problem(of.is_streamed));
        problems.extend(self.statuses.as_ref().and_then(RawStatuses::problem));
        problems.extend(self.kept().err());
        if let Some(url) = &self.url
            && let Some(problem) = url_problem(url)
        {
            problems.push(OptionProblem::new("/url", problem));
            return problems;
        }
        let base = self.fixed_url().and_then(|url| Url::parse(&url).ok());
        // An address of the suite's own is checked where addresses are.
        let base = base.or_else(|| Url::parse("http://127.0.0.1/").ok());
        let Some(base) = base else { return problems };
        match Endpoint::compile(self, &base) {
            Err(found) => problems.extend(found),
            Ok(endpoint) => {
                let names_key = endpoint.headers.iter().find(|(_, pieces)| pieces.holds_key());
                if let (Some((name, _)), false) = (names_key, of.has_key) {
                    let message = format!("`{name}` holds the key, and the model has none");
                    let hint = "name the environment variable that holds it: `api_key_env: …`";
                    let at = format!("/headers/{}", self.header_as_written(name.as_str()));
                    problems.push(OptionProblem::new(at, message).hint(hint));
                }
                problems.extend(endpoint.unfilled());
            }
        }
        problems
    }

    /// Whether answers say what they cost.
    pub(super) fn tells_cost(&self) -> bool {
        self.cost_usd.is_some()
    }

    /// Whether answers are streamed stands beside the form, and how within it.
    fn stream_problem(&self, is_streamed: bool) -> Option<OptionProblem> {
        match (is_streamed, &self.stream) {
            (true, None) => {
                let message = "`stream: true` needs `stream` here, too: where the pieces stand";
                let hint = "write `stream: { delta: { json: $.delta } }`";
                Some(OptionProblem::new("", message).hint(hint))
            }
            (false, Some(_)) => {
                let message = "it says how answers are streamed, and the model does not stream";
                let hint = "write `stream: true` beside `http`";
                Some(OptionProblem::new("/stream", message).hint(hint))
            }
            _ => None,
        }
    }

    fn header_as_written(&self, name: &str) -> String {
        let own = self.headers.keys().find(|own| own.eq_ignore_ascii_case(name));
        own.cloned().unwrap_or_default()
    }
}

/// What of an address stands before its first placeholder.
fn origin(url: &str) -> Option<String> {
    let fixed = url.split("{{").next()?;
    let (scheme, rest) = fixed.split_once("://")?;
    let host = rest.split_once(['/', '?']).map(|(host, _)| host)?;
    Some(format!("{scheme}://{host}"))
}

/// What is wrong with an address, which is not repeated: it may hold a password.
fn url_problem(url: &str) -> Option<String> {
    let fixed = if url.contains("{{") {
        match origin(url) {
            Some(origin) => origin,
            None => return Some("placeholders can stand behind the host alone".to_owned()),
        }
    } else {
        url.to_owned()
    };
    let Ok(parsed) = Url::parse(&fixed) else {
        return Some("it is not a URL; write one like `http://127.0.0.1:3000/chat`".to_owned());
    };
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
        return Some("it must begin with http:// or https:// and name a host".to_owned());
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Some("it contains a user name or password; use `api_key_env`".to_owned());
    }
    parsed.fragment().map(|_| "it must not have a fragment".to_owned())
}

/// Takes in problems of templates under a pointer.
pub(super) fn at(pointer: impl Into<String>) -> impl FnOnce(String) -> OptionProblem {
    move |message| OptionProblem::new(pointer, message)
}

fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

impl Endpoint {
    /// Compiles what `check` let pass, for this address.
    pub(super) fn open(options: &Value, base: &Url) -> Result<Self, Vec<OptionProblem>> {
        Self::compile(&Settings::read(options)?, base)
    }

    fn compile(settings: &Settings, base: &Url) -> Result<Self, Vec<OptionProblem>> {
        let mut problems = Vec::new();
        let mut keep = |problem: OptionProblem| problems.push(problem);
        let url = settings.url.as_deref().unwrap_or(base.as_str());
        let url = Pieces::compile("url", url, false).map_err(at("/url")).map_err(&mut keep);
        let query = settings.query.iter().filter_map(|(name, value)| {
            let text = match value {
                RawScalar::Text(text) => text.clone(),
                RawScalar::Number(number) => number.to_string(),
                RawScalar::Bool(value) => value.to_string(),
            };
            let text = Text::compile(&format!("query.{name}"), &text);
            let text = text.map_err(at(format!("/query/{}", escaped(name)))).map_err(&mut keep);
            Some((name.clone(), text.ok()?))
        });
        let query = query.collect();
        let headers = settings.headers.iter().filter_map(|(name, value)| {
            header(name, value)
                .map_err(at(format!("/headers/{}", escaped(name))))
                .map_err(&mut keep)
                .ok()
        });
        let headers = headers.collect();
        let find = |raw: &Option<RawFind>, pointer: &str| {
            raw.as_ref().map(|raw| raw.compile(pointer)).transpose()
        };
        let path = |path: &Option<String>, pointer: &str| {
            path.as_ref().map(|path| Find::path(path, pointer)).transpose()
        };
        let answer = find(&settings.answer, "/answer").map_err(&mut keep);
        let error = find(&settings.error, "/error").map_err(&mut keep);
        let finish_reason = path(&settings.finish_reason, "/finish_reason").map_err(&mut keep);
        let usage = &settings.usage;
        let input_tokens = path(&usage.input_tokens, "/usage/input_tokens").map_err(&mut keep);
        let output_tokens = path(&usage.output_tokens, "/usage/output_tokens").map_err(&mut keep);
        let cost_usd = path(&settings.cost_usd, "/cost_usd").map_err(&mut keep);
        let body = settings.body.as_ref().map(BodyTemplate::compile);
        let body = body.transpose().map_err(|found| found.into_iter().for_each(&mut keep));
        let stream = settings.stream.as_ref().map(RawStream::compile).transpose();
        let stream = stream.map_err(&mut keep);
        let method = method(settings.method, settings.body.is_some()).map_err(&mut keep);
        let (Ok(url), Ok(method), Ok(body)) = (url, method, body) else { return Err(problems) };
        if !problems.is_empty() {
            return Err(problems);
        }
        let found = |find: Result<Option<Find>, ()>| find.ok().flatten();
        Ok(Self {
            method,
            url,
            query,
            headers,
            body,
            answer: found(answer),
            input_tokens: found(input_tokens),
            output_tokens: found(output_tokens),
            cost_usd: found(cost_usd),
            finish_reason: found(finish_reason),
            error: found(error),
            stream: stream.ok().flatten(),
            kept: settings.kept().unwrap_or_default(),
        })
    }

    /// What a placeholder names that nothing fills, if any does.
    fn unfilled(&self) -> Option<OptionProblem> {
        let body = self.body.as_ref().and_then(BodyTemplate::unfilled).map(at("/body"));
        let url = || self.url.unfilled().map(at("/url"));
        let of_query = |(name, text): &(String, Text)| {
            text.unfilled().map(at(format!("/query/{}", escaped(name))))
        };
        let of_header = |(_, pieces): &(HeaderName, Pieces)| pieces.unfilled().map(at("/headers"));
        let found = body
            .or_else(url)
            .or_else(|| self.query.iter().find_map(of_query))
            .or_else(|| self.headers.iter().find_map(of_header))?;
        let is_key = found.message.contains("`key`");
        Some(found.hint(if is_key { WHERE_THE_KEY_STANDS } else { WHAT_THERE_IS }))
    }

    /// Why a request cannot be made, if so.
    pub(super) fn rendering_problem(&self, request: &Request) -> Option<OptionProblem> {
        let fields = &fields(request);
        let body = self.body.as_ref().and_then(|body| body.render(fields).err()).map(at("/body"));
        let url = || self.url.render(fields, "", percent_encoded).err().map(at("/url"));
        let of_query = |(name, text): &(String, Text)| {
            text.render(fields).err().map(at(format!("/query/{}", escaped(name))))
        };
        let of_header = |(name, pieces): &(HeaderName, Pieces)| {
            let problem = match pieces.render(fields, "key", as_it_is) {
                Err(problem) => OptionProblem::new("/headers", format!("{name}: {problem}")),
                Ok(value) => {
                    let problem = header_value(name, &value).err()?;
                    OptionProblem::new("/headers", problem).hint(ON_ONE_LINE)
                }
            };
            Some(problem)
        };
        let found = body
            .or_else(url)
            .or_else(|| self.query.iter().find_map(of_query))
            .or_else(|| self.headers.iter().find_map(of_header))?;
        let is_undefined = found.message.contains("undefined");
        Some(if is_undefined { found.hint(WHAT_THERE_IS) } else { found })
    }

    /// The request.
    pub(super) fn render(
        &self,
        request: &Request,
        key: Option<&Secret>,
    ) -> Result<HttpRequest, String> {
        let fields = fields(request);
        let url = self.url.render(&fields, "", percent_encoded)?;
        let mut url =
            Url::parse(&url).map_err(|error| format!("the address is not a URL: {error}"))?;
        for (name, text) in &self.query {
            url.query_pairs_mut().append_pair(name, &text.render(&fields)?);
        }
        let (content_type, bytes) = match &self.body {
            Some(body) => (Some(body.content_type()), body.render(&fields)?),
            None => (None, Vec::new()),
        };
        let mut sent = HttpRequest::post_json(url, bytes);
        sent.method = self.method.clone();
        sent.headers.clear();
        if let Some(content_type) = content_type {
            sent = sent.header(HeaderName::from_static("content-type"), content_type);
        }
        let exposed = key.map(Secret::expose).unwrap_or_default();
        for (name, pieces) in &self.headers {
            let value = pieces.render(&fields, exposed, as_it_is)?;
            let mut value = header_value(name, &value)?;
            value.set_sensitive(pieces.holds_key());
            sent = sent.header(name.clone(), value);
        }
        if let Some(key) = key
            && !self.headers.iter().any(|(_, pieces)| pieces.holds_key())
        {
            let value = HeaderValue::from_str(&format!("Bearer {}", key.expose()));
            let mut value = value
                .map_err(|_| "the key contains characters that are not allowed in a header")?;
            value.set_sensitive(true);
            sent = sent.header(HeaderName::from_static("authorization"), value);
        }
        Ok(sent)
    }
}

/// A header's value, which must stand on one line.
fn header_value(name: &HeaderName, value: &str) -> Result<HeaderValue, String> {
    HeaderValue::from_str(value).map_err(|_| {
        format!(
            "the header `{name}` holds a line break, or another character that no header may hold"
        )
    })
}

/// A header with its template.
fn header(name: &str, value: &str) -> Result<(HeaderName, Pieces), String> {
    let parsed: HeaderName =
        name.parse().map_err(|_| format!("`{name}` cannot be the name of a header"))?;
    if NOT_OURS.contains(&parsed.as_str()) {
        return Err(format!("`{name}` belongs to the connection"));
    }
    if value.contains(['\n', '\r', '\0']) {
        return Err(format!(
            "`{name}` holds a line break, or another character that no header may hold"
        ));
    }
    Ok((parsed, Pieces::compile(&format!("headers.{name}"), value, true)?))
}

fn method(method: Option<RawMethod>, has_body: bool) -> Result<Method, OptionProblem> {
    match (method, has_body) {
        (Some(RawMethod::Get), true) => {
            Err(OptionProblem::new("/body", "a GET has no body".to_owned()))
        }
        (Some(RawMethod::Get) | None, false) => Ok(Method::GET),
        (Some(RawMethod::Post), _) | (None, true) => Ok(Method::POST),
        (Some(RawMethod::Put), _) => Ok(Method::PUT),
        (Some(RawMethod::Patch), _) => Ok(Method::PATCH),
    }
}
