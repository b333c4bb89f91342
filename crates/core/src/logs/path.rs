//! Paths to one value of a JSON document: the singular queries of RFC 9535, such as `$.a.b`, `$.a[0]`
//! and `$['a.b']`.

use std::fmt;

/// A path has at most so many steps.
const MAX_STEPS: usize = 64;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The value of an object's key.
    Key(String),
    /// An element of a list, from 0.
    Element(usize),
}

/// A path to one value of a JSON document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JsonPath {
    text: String,
    pub(super) steps: Vec<Step>,
}

/// What is wrong with a path.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a path: {problem}")]
pub struct JsonPathError {
    /// The path.
    pub text: String,
    /// What is wrong.
    pub problem: String,
}

impl JsonPath {
    /// Reads a path.
    pub fn parse(text: &str) -> Result<Self, JsonPathError> {
        let wrong = |problem: String| JsonPathError { text: text.to_owned(), problem };
        let Some(mut rest) = text.strip_prefix('$') else {
            return Err(wrong("a path begins with `$`".to_owned()));
        };
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let (step, after) = next_step(rest).map_err(wrong)?;
            steps.push(step);
            rest = after;
        }
        if steps.len() > MAX_STEPS {
            return Err(wrong(format!("it has more than {MAX_STEPS} steps")));
        }
        Ok(Self { text: text.to_owned(), steps })
    }

    /// The path as it is written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for JsonPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// The first step of what is left of a path, and what is left then.
fn next_step(rest: &str) -> Result<(Step, &str), String> {
    if let Some(name) = rest.strip_prefix('.') {
        if name.starts_with('.') {
            return Err("`..` leads to several values".to_owned());
        }
        let end = name.find(['.', '[']).unwrap_or(name.len());
        let (name, rest) = name.split_at(end);
        if name.is_empty() || name == "*" {
            return Err("a key's name follows the point".to_owned());
        }
        return Ok((Step::Key(name.to_owned()), rest));
    }
    let Some(inner) = rest.strip_prefix('[') else {
        return Err(format!("a point or a bracket stands before `{rest}`"));
    };
    if let Some(quote @ ('\'' | '"')) = inner.chars().next() {
        return quoted(&inner[1..], quote);
    }
    let Some((number, rest)) = inner.split_once(']') else {
        return Err("a bracket is not closed".to_owned());
    };
    match number.parse() {
        Ok(index) => Ok((Step::Element(index), rest)),
        Err(_) => Err(format!("`[{number}]` is neither the place of an element nor a quoted key")),
    }
}

/// A quoted key, after its first quotation mark.
fn quoted(text: &str, quote: char) -> Result<(Step, &str), String> {
    let (mut key, mut chars) = (String::new(), text.char_indices());
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' => key.extend(chars.next().map(|(_, escaped)| escaped)),
            c if c == quote => {
                let rest = text[at + 1..].strip_prefix(']');
                let rest = rest.ok_or("a bracket is not closed behind a quoted key")?;
                return Ok((Step::Key(key), rest));
            }
            c => key.push(c),
        }
    }
    Err("a quoted key does not end".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_or_told() {
        let key = |key: &str| Step::Key(key.to_owned());
        let check = |text: &str, expected: Result<Vec<Step>, &str>| {
            let found = JsonPath::parse(text);
            match expected {
                Ok(steps) => assert_eq!(found.map(|path| path.steps), Ok(steps), "{text}"),
                Err(part) => {
                    let error = found.expect_err(text).to_string();
                    assert!(error.contains(part), "{error}");
                }
            }
        };
        check("$", Ok(vec![]));
        check("$.a.b", Ok(vec![key("a"), key("b")]));
        check("$.a[0].b", Ok(vec![key("a"), Step::Element(0), key("b")]));
        check("$['a.b']", Ok(vec![key("a.b")]));
        check("$['a\\'b'].c", Ok(vec![key("a'b"), key("c")]));
        check("$[\"größe\"]", Ok(vec![key("größe")]));
        check("a.b", Err("begins with `$`"));
        check("$a", Err("a point or a bracket"));
        check("$..a", Err("several values"));
        check("$.a[*]", Err("neither"));
        check("$.a[-1]", Err("neither"));
        check("$.", Err("a key's name"));
        check("$['a", Err("does not end"));
        check("$['a'", Err("not closed"));
        check("$[0", Err("not closed"));
    }
}
