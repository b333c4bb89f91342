//! What tests of Postman expect of a response itself: `pm.response.to.have.status(200)` and the like.

use serde_json::Value;

use super::{
    expect::{Chain, FILLERS, Link, rust_pattern},
    formula::{Formula, lookup},
    script::Expr,
};

/// Statuses by their phrases.
const PHRASES: [(&str, u16); 16] = [
    ("OK", 200),
    ("Created", 201),
    ("Accepted", 202),
    ("No Content", 204),
    ("Bad Request", 400),
    ("Unauthorized", 401),
    ("Forbidden", 403),
    ("Not Found", 404),
    ("Method Not Allowed", 405),
    ("Not Acceptable", 406),
    ("Conflict", 409),
    ("Gone", 410),
    ("Unprocessable Entity", 422),
    ("Too Many Requests", 429),
    ("Internal Server Error", 500),
    ("Service Unavailable", 503),
];

/// What is said of a status by a word.
const STATUSES: [(&str, &str); 13] = [
    ("ok", "== 200"),
    ("accepted", "== 202"),
    ("badRequest", "== 400"),
    ("unauthorized", "== 401"),
    ("unauthorised", "== 401"),
    ("forbidden", "== 403"),
    ("notFound", "== 404"),
    ("rateLimited", "== 429"),
    ("success", "// 100 == 2"),
    ("redirection", "// 100 == 3"),
    ("clientError", "// 100 == 4"),
    ("serverError", "// 100 == 5"),
    ("error", ">= 400"),
];

impl Chain<'_, '_> {
    /// What is expected of a response.
    pub(super) fn of_response(&mut self, (name, arguments): Link<'_>) -> Result<(), String> {
        let condition = match (name, arguments) {
            (name, None) if FILLERS.contains(&name) => return Ok(()),
            ("not", None) => {
                self.is_negated = true;
                return Ok(());
            }
            ("responseTime", None) => {
                self.subject = Formula::code("latency_ms");
                return Ok(());
            }
            ("status", Some([one])) => {
                let code = self.scope.constant(one)?;
                let code = match code.as_str() {
                    Some(phrase) => PHRASES
                        .iter()
                        .find(|(known, _)| *known == phrase)
                        .map(|(_, code)| Value::from(*code)),
                    None => code.is_number().then_some(code),
                };
                Formula::binary(
                    Formula::code("status"),
                    "==",
                    Formula::literal(code.ok_or("its status is none that is known by name")?),
                )
            }
            ("withBody", None) => Formula::code("(answer | length > 0)"),
            ("header", Some([one])) => self
                .scope
                .header(one.text().ok_or("it names a header by an expression")?)
                .behind("is not none"),
            ("header", Some([one, value])) => {
                let header =
                    self.scope.header(one.text().ok_or("it names a header by an expression")?);
                Formula::binary(header, "==", self.scope.value(value)?)
            }
            ("body", Some([Expr::Pattern { pattern, flags }])) => {
                let pattern = rust_pattern(pattern, flags)?;
                Formula::concat([
                    Formula::code("matches(answer, "),
                    Formula::literal(pattern.into()),
                    Formula::code(")"),
                ])
            }
            ("body", Some([one])) => {
                Formula::binary(Formula::code("answer"), "==", self.scope.value(one)?)
            }
            ("json", None) | ("jsonBody", Some([])) => {
                Formula::code("((answer | fromjson) is defined)")
            }
            ("jsonBody", Some(arguments)) => return self.json_body(arguments),
            (other, None) => {
                let known = STATUSES.iter().find(|(name, _)| *name == other);
                let (_, condition) =
                    known.ok_or_else(|| format!("evalmark has no counterpart of `{other}`"))?;
                Formula::code(&format!("(status {condition})"))
            }
            (other, _) => return Err(format!("evalmark has no counterpart of `{other}`")),
        };
        self.must(condition);
        Ok(())
    }

    /// `jsonBody(PATH)` and `jsonBody(PATH, VALUE)`.
    fn json_body(&mut self, arguments: &[Expr]) -> Result<(), String> {
        self.subject = Formula::code("(answer | fromjson)");
        let Some(path) = arguments[0].text() else {
            let condition = self.equal("eql", &arguments[0])?;
            self.must(condition);
            return Ok(());
        };
        for name in
            path.replace('[', ".").replace(']', "").split('.').filter(|name| !name.is_empty())
        {
            let at = match name.parse::<usize>() {
                Ok(number) => format!("[{number}]"),
                Err(_) => lookup(name),
            };
            self.subject = Formula::concat([self.subject.clone(), Formula::code(&at)]);
        }
        let condition = match arguments.get(1) {
            Some(value) => self.equal("eql", value)?,
            None => self.subject.clone().behind("is defined"),
        };
        self.must_of_value(condition);
        Ok(())
    }
}
