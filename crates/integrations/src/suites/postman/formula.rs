//! Formulas of evalmark for what tests of Postman compute: code, and the literals that may differ from
//! request to request.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    script::Expr,
    variables::{Part, Variables, filled},
};

/// How deep names may lead to names.
const DEEPEST: usize = 24;

/// A piece of a formula.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Piece {
    Code(String),
    Literal(Value),
}

/// A formula in pieces.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Formula(pub(super) Vec<Piece>);

impl Formula {
    pub(super) fn code(code: &str) -> Self {
        Self(vec![Piece::Code(code.to_owned())])
    }

    pub(super) fn literal(value: Value) -> Self {
        Self(vec![Piece::Literal(value)])
    }

    /// Formulas one behind the other; neighbouring code becomes one piece.
    pub(super) fn concat(parts: impl IntoIterator<Item = Self>) -> Self {
        let mut out: Vec<Piece> = Vec::new();
        for piece in parts.into_iter().flat_map(|part| part.0) {
            match (out.last_mut(), piece) {
                (Some(Piece::Code(before)), Piece::Code(code)) => before.push_str(&code),
                (_, piece) => out.push(piece),
            }
        }
        Self(out)
    }

    /// `(LEFT OPERATOR RIGHT)`.
    pub(super) fn binary(left: Self, operator: &str, right: Self) -> Self {
        let sign = Self::code(&format!(" {operator} "));
        Self::concat([Self::code("("), left, sign, right, Self::code(")")])
    }

    /// `(VALUE BEHIND)`, such as `(x | length)`.
    pub(super) fn behind(self, behind: &str) -> Self {
        Self::concat([Self::code("("), self, Self::code(&format!(" {behind})"))])
    }

    /// Formulas with a word between them.
    pub(super) fn all(parts: Vec<Self>, between: &str) -> Self {
        let mut out = Vec::new();
        for part in parts {
            if !out.is_empty() {
                out.push(Self::code(&format!(" {between} ")));
            }
            out.push(part);
        }
        Self::concat(out)
    }

    /// What it compares with, if it is one literal.
    pub(super) fn as_literal(&self) -> Option<&Value> {
        match self.0.as_slice() {
            [Piece::Literal(value)] => Some(value),
            _ => None,
        }
    }
}

/// A value as Jinja writes it.
pub(super) fn written(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::Array(list) => {
            format!("[{}]", list.iter().map(written).collect::<Vec<_>>().join(", "))
        }
        Value::Object(map) => {
            let entry = |(key, value): (&String, &Value)| {
                format!("{}: {}", Value::from(key.as_str()), written(value))
            };
            format!("{{{}}}", map.iter().map(entry).collect::<Vec<_>>().join(", "))
        }
        other => other.to_string(),
    }
}

/// What names of a script stand for, and what formulas look at.
pub(super) struct Scope<'a> {
    pub(super) variables: &'a Variables,
    pub(super) names: BTreeMap<String, Expr>,
    /// Headers of responses that a formula asks for.
    pub(super) headers: BTreeSet<String>,
    depth: usize,
}

type Converted = Result<Formula, String>;

impl<'a> Scope<'a> {
    pub(super) fn new(variables: &'a Variables) -> Self {
        Self { variables, names: BTreeMap::new(), headers: BTreeSet::new(), depth: 0 }
    }

    /// The value of an expression.
    pub(super) fn value(&mut self, expr: &Expr) -> Converted {
        if self.depth >= DEEPEST {
            return Err("its names lead to each other too deep".to_owned());
        }
        self.depth += 1;
        let found = self.any(expr);
        self.depth -= 1;
        found
    }

    fn any(&mut self, expr: &Expr) -> Converted {
        match expr {
            Expr::Literal(value) => Ok(Formula::literal(value.clone())),
            Expr::Name(name) => self.name(name),
            Expr::Member(of, name) => self.member(expr, of, name),
            Expr::Index(of, index) => self.index(of, index),
            Expr::Call(callee, arguments) => self.call(expr, callee, arguments),
            Expr::Unary(operator, of) => self.unary(operator, of),
            Expr::Binary(operator, left, right) => self.binary(operator, left, right),
            Expr::List(list) => {
                let list =
                    list.iter().map(|one| self.constant(one)).collect::<Result<Vec<_>, _>>()?;
                Ok(Formula::literal(list.into()))
            }
            Expr::Map(map) => {
                let entry =
                    |(key, value): &(String, Expr)| Ok((key.clone(), self.constant(value)?));
                let map =
                    map.iter().map(entry).collect::<Result<serde_json::Map<_, _>, String>>()?;
                Ok(Formula::literal(map.into()))
            }
            Expr::Template(texts, inner) => self.template(texts, inner),
            Expr::Pattern { .. } => Err("it uses a pattern as a value".to_owned()),
            Expr::Function(_) => Err("it uses a function as a value".to_owned()),
        }
    }

    /// The value of an expression that says the same of every answer.
    pub(super) fn constant(&mut self, expr: &Expr) -> Result<Value, String> {
        let value = self.value(expr)?;
        value
            .as_literal()
            .cloned()
            .ok_or_else(|| "it makes a list or an object of what an answer says".to_owned())
    }

    fn name(&mut self, name: &str) -> Converted {
        match name {
            "responseBody" => return Ok(Formula::code("answer")),
            "responseTime" => return Ok(Formula::code("latency_ms")),
            "undefined" => return Err("it uses `undefined` as a value".to_owned()),
            _ => {}
        }
        match self.names.get(name).cloned() {
            Some(bound) => self.value(&bound),
            None => Err(format!("`{name}` is not known")),
        }
    }

    fn member(&mut self, whole: &Expr, of: &Expr, name: &str) -> Converted {
        match whole.path().as_deref() {
            Some("pm.response.code" | "responseCode.code") => return Ok(Formula::code("status")),
            Some("pm.response.responseTime") => return Ok(Formula::code("latency_ms")),
            _ => {}
        }
        if of.path().as_deref() == Some("data") && !self.names.contains_key("data") {
            return self.column(name);
        }
        let base = self.value(of)?;
        if name == "length" {
            return Ok(base.behind("| length"));
        }
        Ok(Formula::concat([base, Formula::code(&lookup(name))]))
    }

    fn index(&mut self, of: &Expr, index: &Expr) -> Converted {
        if of.path().as_deref() == Some("data")
            && !self.names.contains_key("data")
            && let Some(name) = index.text()
        {
            return self.column(name);
        }
        let base = self.value(of)?;
        let inner = match index {
            Expr::Literal(Value::String(name)) => Formula::code(&lookup(name)),
            // Which element it is belongs to the formula.
            Expr::Literal(number @ Value::Number(_)) => Formula::code(&format!("[{number}]")),
            other => Formula::concat([Formula::code("["), self.value(other)?, Formula::code("]")]),
        };
        Ok(Formula::concat([base, inner]))
    }

    /// What a row says.
    fn column(&self, name: &str) -> Converted {
        match self.variables.column(name) {
            Some(column) => Ok(Formula::code(&format!("item.{column}"))),
            None => Err(format!("the rows have no `{name}`; `--data FILE` names them")),
        }
    }

    /// The value that a variable of Postman has.
    fn variable(&self, name: &str) -> Converted {
        if let Some(column) = self.variables.column(name) {
            return Ok(Formula::code(&format!("item.{column}")));
        }
        let parts = self
            .variables
            .value(name)
            .ok_or_else(|| format!("the variable `{name}` has no value here"))?;
        if parts.iter().all(|part| matches!(part, Part::Text(_))) {
            Ok(Formula::literal(filled(&parts, &serde_json::Map::new()).into()))
        } else {
            Err(format!("the variable `{name}` has no value that a suite may hold"))
        }
    }

    fn call(&mut self, whole: &Expr, callee: &Expr, arguments: &[Expr]) -> Converted {
        let path = whole.call().map(|(path, _)| path).unwrap_or_default();
        let is_answer = |scope: &mut Self, one: &Expr| {
            scope.value(one).is_ok_and(|value| value == Formula::code("answer"))
        };
        match (path.as_str(), arguments) {
            ("pm.response.json", []) => return Ok(Formula::code("(answer | fromjson)")),
            ("pm.response.text", []) => return Ok(Formula::code("answer")),
            ("JSON.parse", [one]) if is_answer(self, one) => {
                return Ok(Formula::code("(answer | fromjson)"));
            }
            ("pm.response.headers.get" | "postman.getResponseHeader", [one]) => {
                return Ok(self.header(one.text().ok_or("it names a header by an expression")?));
            }
            ("pm.iterationData.get", [one]) => return self.column(one.text().unwrap_or_default()),
            (
                "pm.variables.get"
                | "pm.environment.get"
                | "pm.collectionVariables.get"
                | "pm.globals.get"
                | "postman.getEnvironmentVariable"
                | "postman.getGlobalVariable",
                [one],
            ) => return self.variable(one.text().unwrap_or_default()),
            ("Array.isArray", [one]) => return Ok(self.value(one)?.behind("is sequence")),
            ("String", [one]) => return Ok(self.value(one)?.behind("| string")),
            ("Number" | "parseFloat", [one]) => return Ok(self.value(one)?.behind("| float")),
            ("parseInt", [one, ..]) => return Ok(self.value(one)?.behind("| int")),
            ("Object.keys", [one]) => return Ok(self.value(one)?.behind("| list")),
            ("responseBody.has", [one]) => {
                return Ok(Formula::binary(self.value(one)?, "in", Formula::code("answer")));
            }
            _ => {}
        }
        let Expr::Member(of, method) = callee else { return Err(format!("it calls `{path}`")) };
        self.method(of, method, arguments)
    }

    /// A method of texts and lists.
    fn method(&mut self, of: &Expr, method: &str, arguments: &[Expr]) -> Converted {
        match (method, arguments) {
            ("toLowerCase", []) => Ok(self.value(of)?.behind("| lower")),
            ("toUpperCase", []) => Ok(self.value(of)?.behind("| upper")),
            ("trim", []) => Ok(self.value(of)?.behind("| trim")),
            ("toString", []) => Ok(self.value(of)?.behind("| string")),
            ("includes" | "has" | "hasOwnProperty", [one]) => {
                Ok(Formula::binary(self.value(one)?, "in", self.value(of)?))
            }
            ("startsWith", [one]) => Ok(self.tested(of, "startingwith", one)?),
            ("endsWith", [one]) => Ok(self.tested(of, "endingwith", one)?),
            _ => Err(format!("it calls `{method}`")),
        }
    }

    fn tested(&mut self, of: &Expr, test: &str, one: &Expr) -> Converted {
        let argument = Formula::concat([Formula::code("("), self.value(one)?, Formula::code(")")]);
        Ok(Formula::concat([
            Formula::code("("),
            self.value(of)?,
            Formula::code(&format!(" is {test}")),
            argument,
            Formula::code(")"),
        ]))
    }

    /// A header of the response.
    pub(super) fn header(&mut self, name: &str) -> Formula {
        let name = name.to_ascii_lowercase();
        let code = format!("(headers[{}] | default(none))", Value::from(name.as_str()));
        self.headers.insert(name);
        Formula::code(&code)
    }

    fn unary(&mut self, operator: &str, of: &Expr) -> Converted {
        match (operator, of) {
            ("-", Expr::Literal(Value::Number(number))) => {
                let negative = number
                    .as_i64()
                    .map(|n| Value::from(-n))
                    .or_else(|| Some(Value::from(-number.as_f64()?)));
                Ok(Formula::literal(negative.unwrap_or_default()))
            }
            ("+", of) => Ok(self.value(of)?.behind("| float")),
            ("!", of) => {
                Ok(Formula::concat([Formula::code("(not "), self.value(of)?, Formula::code(")")]))
            }
            _ => Err(format!("it uses `{operator}`")),
        }
    }

    fn binary(&mut self, operator: &str, left: &Expr, right: &Expr) -> Converted {
        if let (Expr::Unary(typed, of), Some(kind)) = (left, right.text())
            && typed == "typeof"
        {
            let of = self.value(of)?;
            let is_it = of_type(of, kind)?;
            return Ok(match operator {
                "==" | "===" => is_it,
                _ => Formula::concat([Formula::code("(not "), is_it, Formula::code(")")]),
            });
        }
        let undefined = |expr: &Expr| expr == &Expr::Name("undefined".to_owned());
        if undefined(right) {
            let test = if operator.starts_with('!') { "is defined" } else { "is undefined" };
            return Ok(self.value(left)?.behind(test));
        }
        let (a, b) = (self.value(left)?, self.value(right)?);
        let joins_texts = [&a, &b].iter().any(|one| one.as_literal().is_some_and(Value::is_string));
        Ok(Formula::binary(
            a,
            match operator {
                "===" | "==" => "==",
                "!==" | "!=" => "!=",
                "&&" => "and",
                "||" => "or",
                "+" if joins_texts => "~",
                "<" | ">" | "<=" | ">=" | "+" | "-" | "*" | "/" => operator,
                other => return Err(format!("it uses `{other}`")),
            },
            b,
        ))
    }

    fn template(&mut self, texts: &[String], inner: &[Expr]) -> Converted {
        let mut parts = Vec::new();
        for (at, text) in texts.iter().enumerate() {
            if !text.is_empty() || at == 0 {
                parts.push(Formula::literal(text.as_str().into()));
            }
            if let Some(expr) = inner.get(at) {
                parts.push(self.value(expr)?);
            }
        }
        Ok(Formula::concat([Formula::code("("), Formula::all(parts, "~"), Formula::code(")")]))
    }
}

/// How something is looked up by its name.
pub(super) fn lookup(name: &str) -> String {
    let is_plain = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        && !name.starts_with(|c: char| c.is_ascii_digit());
    if is_plain && !name.is_empty() {
        format!(".{name}")
    } else {
        format!("[{}]", Value::from(name))
    }
}

/// Whether a value is of a type, as JavaScript and chai call it.
pub(super) fn of_type(value: Formula, kind: &str) -> Converted {
    let test = match kind.to_ascii_lowercase().as_str() {
        "string" => "is string",
        "number" => "is number",
        "boolean" => "is boolean",
        "array" => "is sequence",
        "object" => "is mapping",
        "null" => "is none",
        "undefined" => "is undefined",
        _ => return Err(format!("it asks for the type `{kind}`")),
    };
    Ok(value.behind(test))
}
