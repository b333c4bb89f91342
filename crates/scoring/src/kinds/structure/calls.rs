//! Calls of tools in an answer: as JSON, or as servers leave them in the text.

use std::sync::LazyLock;

use regex::{Captures, Regex};
use serde_json::{Map, Value};

use super::document::JSON;
use crate::{
    code_fence::blocks,
    exact_json,
    json_compare::clip,
    json_in_text::{first_object, objects},
};

/// A call.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) name: String,
    pub(super) arguments: Value,
}

/// Marks that nothing but a call has, with JSON after them that names the tool.
const MARKS: &str = r"(?x)
    </?(?: tool_calls? | function_calls? | functioncall | tool_use ) >
    | <\|/? (?: tool_calls? | python_tag | python_start | tool_call_begin | tool_calls_section_begin ) \|>
    | \[ TOOL_CALLS? \] | <｜tool▁calls?▁begin｜> | <\|channel\|>commentary\ to= | <\|START_ACTION\|>
    | <function= | <invoke\ name= | <\|channel\|>commentary\ <\|constrain\|>";

/// Beginnings of calls that name the tool outside the JSON of its arguments.
const HEADS: &str = r#"(?x)
    <function= \s* "? (?P<a>[\w.:/-]+) "? \s* >
    | <invoke\ name= \s* "(?P<b>[\w.:/-]+)" [^>]* >
    | \[TOOL_CALLS?\] \s* (?P<c>[A-Za-z_][\w.-]*) (?: \[CALL_ID\] [\w-]* )? (?: \[ARGS\] | \s* \{ )
    | <\|tool_call_begin\|> \s* (?: functions\. )? (?P<d>[\w.-]+) (?: : \d+ )? \s* <\|tool_call_argument_begin\|>
    | <｜tool▁call▁begin｜> (?: function<｜tool▁sep｜> )? (?P<e>[\w.-]+)
    | <tool_call> \s* (?P<f>[A-Za-z_][\w.-]*) \s* (?: <arg_key> | </tool_call> )
    | <\|channel\|>commentary\ to=(?: functions\. )? (?P<g>[\w.-]+)
    | (?: ^ | \n ) \s* Action: \s* (?P<h>[\w.-]+) \s* \n \s* Action\ Input:"#;

/// Arguments that are elements of their own.
const ARGUMENTS: &str = r#"(?xs)
    <parameter (?: = | \ name=" ) (?P<k>[\w.-]+) "? [^>]* > (?P<v>.*?) </parameter>
    | <arg_key> \s* (?P<l>.*?) \s* </arg_key> \s* <arg_value> (?P<w>.*?) </arg_value>"#;

/// A call that is written as code: `[f(x=1)]`.
const CODE: &str = r"^\s*\[?\s*[A-Za-z_][\w.]*\((?:\s*\w+\s*=[^=].*)?\)\s*(?:,.*)?\]?\s*$";

macro_rules! pattern {
    ($name:ident, $pattern:expr) => {
        static $name: LazyLock<Regex> =
            LazyLock::new(|| Regex::new($pattern).expect("a valid pattern"));
    };
}

pattern!(IS_MARKED, MARKS);
pattern!(HEAD, HEADS);
pattern!(ARGUMENT, ARGUMENTS);
pattern!(IS_CODE, CODE);

/// The calls of an answer; an error where there is one that cannot be read.
///
/// An answer that is JSON as a whole is the calls that it lists, or none. In other text calls count
/// where marks announce them, in blocks of JSON, and as objects that have the form of one.
pub(super) fn calls_in(answer: &str) -> Result<Vec<Call>, String> {
    if let Ok(value) = exact_json::from_str(answer.trim()) {
        return Ok(calls(&value)?.unwrap_or_default());
    }
    let headed = headed(answer)?;
    if !headed.is_empty() {
        return Ok(headed);
    }
    let mark = IS_MARKED.find(answer);
    let announced = mark.map_or(answer, |mark| &answer[mark.end()..]);
    let mut found = Vec::new();
    for value in objects(announced) {
        if mark.is_some() || is_call(&value) {
            found.extend(calls(&value)?.unwrap_or_default());
        }
    }
    let is_broken = mark.is_some() || is_code(answer) || is_cut_off(answer);
    if found.is_empty() && is_broken {
        return Err("the answer holds a call of a tool that cannot be read".to_owned());
    }
    Ok(found)
}

/// Whether an answer, or a block of it, calls tools in code.
fn is_code(answer: &str) -> bool {
    let is_tool_code = |language: &str| language.eq_ignore_ascii_case("tool_code");
    let trimmed = answer.trim();
    let is_block = trimmed.starts_with("```") && trimmed.ends_with("```");
    let is_call_alone = || matches!(&*blocks(trimmed), [block] if IS_CODE.is_match(block.body));
    answer.contains('(') && IS_CODE.is_match(answer)
        || is_block && answer.contains('(') && is_call_alone()
        || answer.contains("tool_code")
            && blocks(answer).iter().any(|block| is_tool_code(block.language))
}

/// Whether an answer, or its block of JSON, begins as a call and is no JSON in the end.
fn is_cut_off(answer: &str) -> bool {
    static BEGINS: LazyLock<Regex> = LazyLock::new(|| {
        let begins = r#"^[\s\[]*\{\s*(?:"id"\s*:[^,]*,\s*)?(?:"type"\s*:\s*"function"\s*,\s*)?(?:"name"\s*:\s*"[^"]*"\s*,\s*"(?:arguments|parameters)"\s*:|"tool_calls"\s*:|"function"\s*:\s*\{)"#;
        Regex::new(begins).expect("a valid pattern")
    });
    let is_json = |language: &str| language.is_empty() || JSON.contains(&language);
    BEGINS.is_match(answer)
        || answer.contains("```")
            && blocks(answer).iter().any(|b| is_json(b.language) && BEGINS.is_match(b.body))
}

/// Calls that name the tool outside the JSON.
fn headed(answer: &str) -> Result<Vec<Call>, String> {
    let heads: Vec<Captures<'_>> = HEAD.captures_iter(answer).collect();
    let ends = heads.iter().skip(1).filter_map(|head| Some(head.get(0)?.start()));
    let ends: Vec<usize> = ends.chain([answer.len()]).collect();
    let name = |head: &Captures<'_>| {
        ["a", "b", "c", "d", "e", "f", "g", "h"]
            .iter()
            .find_map(|group| Some(head.name(group)?.as_str().to_owned()))
    };
    let mut found = Vec::new();
    for (head, end) in heads.iter().zip(ends) {
        let (Some(name), Some(whole)) = (name(head), head.get(0)) else { continue };
        // The head may end with what the arguments begin with.
        let start =
            if whole.as_str().ends_with(['{', '>']) { whole.end() - 1 } else { whole.end() };
        let start = if whole.as_str().ends_with("<arg_key>") {
            whole.end() - "<arg_key>".len()
        } else {
            start
        };
        let arguments = arguments(&answer[start..end])
            .ok_or_else(|| format!("the arguments of `{}` cannot be read", clip(&name)))?;
        found.push(Call { name, arguments });
    }
    Ok(found)
}

/// The arguments in the text after a tool's name.
fn arguments(text: &str) -> Option<Value> {
    let elements: Map<String, Value> = ARGUMENT
        .captures_iter(text)
        .filter_map(|found| {
            let key = found.name("k").or(found.name("l"))?.as_str();
            let text = found.name("v").or(found.name("w"))?.as_str();
            Some((key.to_owned(), scalar(text)))
        })
        .collect();
    if !elements.is_empty() {
        return Some(Value::Object(elements));
    }
    match first_object(text) {
        Some(value) => Some(value),
        None if text.contains('{') => None,
        None => Some(Value::Object(Map::new())),
    }
}

/// A text between tags: what it is as JSON, or else itself.
fn scalar(text: &str) -> Value {
    let line = text.strip_prefix('\n').unwrap_or(text);
    let line = line.strip_suffix('\n').unwrap_or(line);
    exact_json::from_str(line.trim()).unwrap_or_else(|_| Value::String(line.to_owned()))
}

/// Whether JSON in running text has the form of a call: a name beside arguments that are an object,
/// and no description of a tool.
fn is_call(value: &Value) -> bool {
    let is_one = |object: &Map<String, Value>| {
        let inner =
            ["function", "function_call"].iter().find_map(|key| object.get(*key)?.as_object());
        let object = inner.unwrap_or(object);
        let is_given = given(object).is_some_and(|given| match given {
            Value::Object(map) => !map.contains_key("properties"),
            Value::String(text) => text.trim_start().starts_with('{'),
            _ => false,
        });
        name(object).is_some() && is_given
    };
    match value {
        Value::Array(elements) => {
            !elements.is_empty() && elements.iter().all(|one| one.as_object().is_some_and(is_one))
        }
        Value::Object(object) => {
            is_one(object)
                || object.get("tool_calls").is_some_and(|list| list.is_array() && is_call(list))
        }
        _ => false,
    }
}

/// The calls that a value means; `None` where it means something else.
pub(super) fn calls(value: &Value) -> Result<Option<Vec<Call>>, String> {
    match value {
        Value::Array(elements) => {
            let mut all = Vec::new();
            for element in elements {
                match element.as_object().map(call).transpose()?.flatten() {
                    Some(call) => all.push(call),
                    None => return Ok(None),
                }
            }
            Ok(Some(all))
        }
        Value::Object(object) => match object.get("tool_calls") {
            Some(Value::Null) => Ok(Some(Vec::new())),
            Some(list @ Value::Array(_)) => calls(list),
            Some(_) => Ok(None),
            None => Ok(call(object)?.map(|call| vec![call])),
        },
        _ => Ok(None),
    }
}

/// The tool's name, which agents write under other keys too, where its arguments stand beside it.
fn name(object: &Map<String, Value>) -> Option<&str> {
    let name = object.get("name").and_then(Value::as_str);
    let others = ["tool", "tool_name", "function", "action"];
    let other = || others.iter().find_map(|key| object.get(*key)?.as_str());
    // How agents end.
    let other = || other().filter(|name| !name.eq_ignore_ascii_case("final answer"));
    name.or_else(|| given(object).and_then(|_| other()))
}

/// The arguments of a call, as they are given.
fn given(object: &Map<String, Value>) -> Option<&Value> {
    let keys = ["arguments", "parameters", "input", "args", "action_input", "tool_input"];
    keys.iter().find_map(|key| object.get(*key))
}

/// One call, alone or within `function`.
fn call(object: &Map<String, Value>) -> Result<Option<Call>, String> {
    let inner = ["function", "function_call"].iter().find_map(|key| object.get(*key)?.as_object());
    let object = inner.unwrap_or(object);
    let Some(name) = name(object) else { return Ok(None) };
    let arguments = match given(object) {
        None | Some(Value::Null) => Value::Object(Map::new()),
        Some(Value::String(text)) if text.trim().is_empty() => Value::Object(Map::new()),
        Some(Value::String(text)) => exact_json::from_str(text)
            .map_err(|error| format!("the arguments of `{}` are not JSON: {error}", clip(name)))?,
        Some(arguments) => arguments.clone(),
    };
    Ok(Some(Call { name: name.to_owned(), arguments }))
}
