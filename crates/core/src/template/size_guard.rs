//! What fuel does not see: values that hold themselves, or are small and shared, and yet larger than
//! any memory once they are written out. Everything that a template stores or prints passes here.

use minijinja::{
    Environment, Error, ErrorKind, Output, State,
    value::{Kwargs, Value, ValueKind},
};

/// How deep values may nest; data has at most twice as many levels.
const MAX_DEPTH: usize = 256;

/// How many values a list or mapping may hold, with all that is within, each as often as it is there.
const MAX_VALUES: u64 = 200_000;

/// How deep brackets may nest in one tag, and how many filters and operators it may
/// have.
const MAX_BRACKETS: usize = 32;
const MAX_FILTERS: usize = 64;
const MAX_OPERATORS: usize = 256;

/// Operators that are words.
const WORDS: [&str; 7] = ["not", "if", "else", "and", "or", "is", "in"];

/// How far JSON may be indented.
const MAX_INDENT: i64 = 32;

/// The filter that `set` passes everything through. No template needs to know it.
const STORED: &str = "evalmark_stored";

/// Puts the guards in.
pub(super) fn add(environment: &mut Environment<'static>) {
    environment.add_filter(STORED, stored);
    environment.add_filter("tojson", to_json);
    environment.add_filter("string", string);
    environment.add_filter("int", int);
    environment.add_filter("pprint", pprint);
    environment.set_formatter(print);
}

/// What `set` may keep: everything of bounded size, and in a namespace none of its kind, which could
/// hold itself.
fn stored(state: &State, value: Value, in_namespace: Option<bool>) -> Result<Value, Error> {
    look(state, &value, in_namespace == Some(true))?;
    Ok(value)
}

pub(super) fn print(
    out: &mut Output<'_>,
    state: &mut State<'_, '_>,
    value: &Value,
) -> Result<(), Error> {
    bounded(state, value)?;
    minijinja::escape_formatter(out, state, value)
}

fn string(state: &State, value: &Value) -> Result<Value, Error> {
    bounded(state, value)?;
    minijinja::filters::string(state, value)
}

/// An integer; an error where none can hold the number, which would become the nearest that can.
fn int(
    state: &State,
    value: &Value,
    default: Option<Value>,
    base: Option<u32>,
    named: Kwargs,
) -> Result<Value, Error> {
    let number = minijinja::filters::int(state, value, default, base, named)?;
    if i128::try_from(number.clone()).is_ok_and(|n| n == i128::MAX || n == i128::MIN) {
        let what = format!("`{value}` is too large for an integer");
        return Err(Error::new(ErrorKind::InvalidOperation, what));
    }
    Ok(number)
}

fn pprint(state: &State, value: &Value) -> Result<String, Error> {
    bounded(state, value)?;
    Ok(minijinja::filters::pprint(value))
}

pub(super) fn to_json(
    state: &State,
    value: &Value,
    indent: Option<Value>,
    named: Kwargs,
) -> Result<Value, Error> {
    bounded(state, value)?;
    let width = indent.clone().or_else(|| named.get::<Option<Value>>("indent").ok().flatten());
    if width.and_then(|width| width.as_i64()).is_some_and(|width| width > MAX_INDENT) {
        let message = format!("JSON is indented by at most {MAX_INDENT}");
        return Err(Error::new(ErrorKind::InvalidOperation, message));
    }
    let text = minijinja::filters::tojson(value, indent, named)?;
    state.consume_fuel(text.as_str().map_or(0, str::len) as u64 / 4)?;
    Ok(text)
}

/// Whether a value is small enough to be written out. Looking costs fuel, too.
fn bounded(state: &State, value: &Value) -> Result<(), Error> {
    look(state, value, false)
}

fn look(state: &State, value: &Value, refuses_namespaces: bool) -> Result<(), Error> {
    // What has no length is read once only, and nobody knows how far.
    let is_container = |value: &Value| match value.kind() {
        ValueKind::Seq | ValueKind::Map | ValueKind::Plain => true,
        ValueKind::Iterable => value.len().is_some(),
        _ => false,
    };
    if !is_container(value) {
        return Ok(());
    }
    let too = |what: &str| Err(Error::new(ErrorKind::InvalidOperation, what.to_owned()));
    let mut n_values = 0_u64;
    // An own stack: the thread's would not bear the depth that is looked for.
    let mut levels = vec![vec![value.clone()].into_iter()];
    while let Some(level) = levels.last_mut() {
        let Some(value) = level.next() else {
            levels.pop();
            continue;
        };
        n_values += 1;
        if n_values > MAX_VALUES {
            return too("a list or mapping holds too many values within values");
        }
        if refuses_namespaces && is_namespace(&value) {
            return too("a namespace cannot hold another");
        }
        if is_container(&value) && value.len().is_some_and(|n| n as u64 > MAX_VALUES) {
            return too("a list or mapping holds too many values within values");
        }
        if is_container(&value)
            && let Ok(parts) = value.try_iter()
        {
            if levels.len() > MAX_DEPTH {
                return too("a value is nested too deeply");
            }
            // No more are looked at than there may be.
            let parts = parts.take(usize::try_from(MAX_VALUES + 1).unwrap_or(usize::MAX));
            let parts: Vec<_> = match value.kind() {
                ValueKind::Map => parts.filter_map(|key| value.get_item(&key).ok()).collect(),
                _ => parts.collect(),
            };
            levels.push(parts.into_iter());
        }
    }
    state.consume_fuel(n_values / 8)
}

/// Whether this is a namespace; the library has no other way to tell.
fn is_namespace(value: &Value) -> bool {
    value.as_object().is_some_and(|object| object.type_name().ends_with("::Namespace"))
}

/// The template with every `set` of an expression passed through [`STORED`]; line by line as it was.
pub(super) fn guarded(source: &str) -> Result<String, Error> {
    let mut guarded = String::with_capacity(source.len());
    let mut rest = source;
    while let Some(start) = rest.find('{') {
        let (before, from) = rest.split_at(start);
        guarded.push_str(before);
        let length = match from.as_bytes().get(1) {
            Some(b'#') => from.find("#}").map_or(from.len(), |end| end + 2),
            Some(b'%') => tag(from, "%}", &mut guarded)?,
            Some(b'{') => tag(from, "}}", &mut guarded)?,
            _ => 1,
        };
        if !matches!(from.as_bytes().get(1), Some(b'%' | b'{')) {
            guarded.push_str(&from[..length]);
        }
        rest = &from[length..];
    }
    guarded.push_str(rest);
    Ok(guarded)
}

/// Copies the tag at the beginning of `from`, and tells how long it is there. After `raw` comes text
/// that belongs to it.
fn tag(from: &str, end: &str, guarded: &mut String) -> Result<usize, Error> {
    let Tag { length, assign } = scan(from, end)?;
    let text = &from[..length];
    let inner = text[2..].trim_start_matches(['-', '+']).trim_start();
    let word = inner.split(|c: char| !c.is_alphanumeric()).next().unwrap_or_default();
    if end == "%}" && word == "raw" {
        let whole = after_raw(from, length);
        guarded.push_str(&from[..whole]);
        return Ok(whole);
    }
    match assign.filter(|_| end == "%}" && word == "set" && text.ends_with(end)) {
        None => guarded.push_str(text),
        Some(at) => {
            let inner = text[at + 1..length - 2].trim_end_matches(['-', '+']);
            guarded.push_str(&text[..=at]);
            let flag = if text[..at].contains('.') { "(true)" } else { "" };
            for part in [" ((", inner, "))|", STORED, flag, " "] {
                guarded.push_str(part);
            }
            guarded.push_str(&text[at + 1 + inner.len()..]);
        }
    }
    Ok(length)
}

/// The end of the tag that ends what begins with a `raw` of this length.
fn after_raw(from: &str, length: usize) -> usize {
    let mut at = length;
    while let Some(found) = from[at..].find("{%") {
        at += found + 2;
        let inner = from[at..].trim_start_matches(['-', '+']).trim_start();
        if inner.starts_with("endraw") {
            return from[at..].find("%}").map_or(from.len(), |end| at + end + 2);
        }
    }
    from.len()
}

struct Tag {
    length: usize,
    /// Where its first `=` stands outside of brackets and strings.
    assign: Option<usize>,
}

/// Whether an expression that stands alone is within the bounds of those in tags.
pub(crate) fn check_expression(source: &str) -> Result<(), String> {
    let too_much = |error: Error| error.detail().unwrap_or_default().to_owned();
    scan(&format!("{{{{{source}"), "}}").map(drop).map_err(too_much)
}

/// Reads a tag up to its end, past strings. The library reads and runs what is nested by calling
/// itself, which the stack must bear.
fn scan(from: &str, end: &str) -> Result<Tag, Error> {
    let (mut open, mut n_filters, mut n_operators, mut assign) = (0_usize, 0_usize, 0_usize, None);
    let mut word = String::new();
    let mut before = ' ';
    let mut rest = from.char_indices().skip(2);
    while let Some((at, c)) = rest.next() {
        if open == 0 && from[at..].starts_with(end) {
            return Ok(Tag { length: at + end.len(), assign });
        }
        if c.is_alphanumeric() || c == '_' {
            word.push(c);
        } else {
            n_operators += usize::from(WORDS.contains(&word.as_str()));
            word.clear();
        }
        match c {
            '"' | '\'' => skip_string(&mut rest, c),
            '(' | '[' | '{' => {
                open += 1;
                // Behind a value it calls, or takes a part.
                let is_postfix = before.is_alphanumeric() || matches!(before, '_' | ')' | ']');
                n_operators += usize::from(is_postfix);
            }
            ')' | ']' | '}' => open = open.saturating_sub(1),
            '|' => n_filters += 1,
            '-' | '+' | '*' | '/' | '%' | '~' | '.' | '<' | '>' | '!' => n_operators += 1,
            '=' if open == 0 => assign = assign.or(Some(at)),
            _ => {}
        }
        if !c.is_whitespace() {
            before = c;
        }
        if open > MAX_BRACKETS || n_filters > MAX_FILTERS || n_operators > MAX_OPERATORS {
            let message = format!(
                "an expression has at most {MAX_BRACKETS} brackets within brackets, {MAX_FILTERS} \
                 filters and {MAX_OPERATORS} operators"
            );
            return Err(Error::new(ErrorKind::SyntaxError, message));
        }
    }
    Ok(Tag { length: from.len(), assign })
}

fn skip_string(rest: &mut impl Iterator<Item = (usize, char)>, quote: char) {
    let mut is_escaped = false;
    for (_, c) in rest {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' => is_escaped = true,
            c if c == quote => return,
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::guarded;

    #[track_caller]
    fn check(source: &str, expected: &str) {
        assert_eq!(guarded(source).expect(source), expected);
    }

    #[test]
    fn what_is_set_is_guarded() {
        check("{% set a = 1 %}", "{% set a = (( 1 ))|evalmark_stored %}");
        check("{%- set n.a='%}' -%}x", "{%- set n.a= (('%}' ))|evalmark_stored(true) -%}x");
        check(
            "{% set a, b = {'a': f(b=1)}, 2 %}",
            "{% set a, b = (( {'a': f(b=1)}, 2 ))|evalmark_stored %}",
        );
        check("{% set a %}b = 1{% endset %}", "{% set a %}b = 1{% endset %}");
    }

    #[test]
    fn all_else_stays() {
        for text in [
            "",
            "{",
            "plain { text } = {a: 1}",
            "{{ a == {'b': '}}'} }}",
            "{# {% set a = 1 %} #}",
            "{% raw %}{% set a = ' %}{% endraw %}{{ b }}",
            "{% if a == 1 %}{% endif %}",
            "{% settle = 1 %}",
            "{{ unfinished",
            "{% set unfinished = 1",
            "{# unfinished",
            "{% raw %} unfinished",
            "{{ 'unfinished }}",
            "ü{{ ü }}ü",
        ] {
            check(text, text);
        }
    }
}
