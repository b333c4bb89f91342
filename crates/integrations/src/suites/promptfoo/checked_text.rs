//! What an assertion says, filled in for its item, and the checks of text, JSON, SQL and amounts.

use regex::Regex;
use serde_json::{Map, Value, json};

use super::{
    Import,
    assertions::Assertion,
    values::{comma_separated, plain_path, text_of},
};
use crate::suites::{
    checks::{Check, Form, Hole},
    javascript_pattern::javascript_pattern,
    template_words::Converted,
};

/// A text of an assertion: for this item, and as a template over all.
pub(super) struct Said {
    pub(super) value: Value,
    pub(super) template: Option<String>,
}

impl Assertion<'_> {
    pub(super) fn negate(&self, check: Check) -> Check {
        if self.negated { check.set("not", true) } else { check }
    }

    pub(super) fn threshold(&self) -> Result<Option<f64>, String> {
        let Some(node) = self.node.get("threshold") else { return Ok(None) };
        let number = node.value().as_f64().or_else(|| node.as_text()?.parse().ok());
        number.map(Some).ok_or_else(|| "its threshold is no number".to_owned())
    }

    /// The value with the item's variables filled in; a file's content where it names one.
    pub(super) fn rendered(&self, import: &mut Import<'_>) -> Result<Value, String> {
        let node = self.node.get("value").ok_or("it has no `value`")?;
        match node.value() {
            Value::String(text) => self.filled(import, text).map(|said| said.value),
            Value::Array(list) => {
                let one = |value: &Value| match value {
                    Value::String(text) => self.filled(import, text).map(|said| said.value),
                    other => Ok(other.clone()),
                };
                list.iter().map(one).collect::<Result<Vec<_>, _>>().map(Value::from)
            }
            other => Ok(other.clone()),
        }
    }

    /// A text with the item's variables filled in.
    pub(super) fn filled(&self, import: &Import<'_>, text: &str) -> Result<Said, String> {
        if text.starts_with("file://") {
            return content(import, text).map(|value| Said { value, template: None });
        }
        if text.starts_with("package:") {
            return Err("it is code, and an import runs none".to_owned());
        }
        if !text.contains("{{") && !text.contains("{%") {
            return Ok(Said { value: text.into(), template: None });
        }
        let template = Converted::of_nunjucks(text)?;
        let value = template.render(&self.case.vars)?.into();
        let known = template.variables.iter().all(|name| self.case.vars.contains_key(name));
        let template = Some(template.text.clone()).filter(|_| known && !template.is_constant());
        Ok(Said { value, template })
    }

    /// One text that the answer is compared with.
    pub(super) fn text(&self, import: &mut Import<'_>) -> Result<Said, String> {
        let node = self.node.get("value").ok_or("it has no `value`")?;
        let said = match node.value() {
            Value::String(text) => self.filled(import, text)?,
            Value::Array(_) | Value::Object(_) => return Err("its value is no text".to_owned()),
            other => Said { value: text_of(other).into(), template: None },
        };
        match &said.value {
            Value::String(text) if text.is_empty() => Err("its value is empty".to_owned()),
            Value::String(_) => Ok(said),
            other => Ok(Said { value: text_of(other).into(), template: None }),
        }
    }

    /// One text, or several of which one is enough.
    pub(super) fn texts(&self, import: &mut Import<'_>) -> Result<Value, String> {
        match self.rendered(import)? {
            Value::Array(list) if list.is_empty() => Err("its value is empty".to_owned()),
            Value::Array(list) => Ok(list.iter().map(text_of).collect::<Vec<_>>().into()),
            _ => Ok(self.text(import)?.value),
        }
    }

    pub(super) fn equals(&self, import: &mut Import<'_>) -> Result<Check, String> {
        let value = self.rendered(import)?;
        let template = self.node.text("value").map(|text| self.filled(import, &text));
        let template = template.transpose()?.and_then(|said| said.template);
        let (params, value) = match value {
            Value::Object(_) | Value::Array(_) => (
                json!({ "name": "promptfoo_equals", "json": true }),
                Value::from(value.to_string()),
            ),
            scalar => (json!("promptfoo_equals"), text_of(&scalar).into()),
        };
        if value.as_str().is_some_and(str::is_empty) {
            return Err("its value is empty; `length_within` finds empty answers".to_owned());
        }
        Ok(self.negate(Check::new("", "preset", params).with(Form::Target, value, template)))
    }

    pub(super) fn contains(&self, import: &mut Import<'_>) -> Result<Check, String> {
        let (base, ignores_case) = match self.base.strip_prefix('i') {
            Some(base) => (base, true),
            None => (self.base.as_str(), false),
        };
        let normalize = if ignores_case { json!(["casefold"]) } else { json!([]) };
        let (params, said) = if base == "contains" {
            (json!({ "normalize": normalize }), self.text(import)?)
        } else {
            {
                let mode = if base == "contains-all" { "all" } else { "any" };
                let value: Value = match self.rendered(import)? {
                    Value::String(text) => comma_separated(&text).into(),
                    Value::Array(list) => list.iter().map(text_of).collect::<Vec<_>>().into(),
                    _ => return Err("its value is no list of texts".to_owned()),
                };
                let is_empty = |text: &Value| text.as_str().is_none_or(str::is_empty);
                let texts: &Vec<Value> = value.as_array().ok_or("its value is no list of texts")?;
                if texts.is_empty() || texts.iter().any(is_empty) {
                    return Err("its value is empty, or has an empty text in it".to_owned());
                }
                (json!({ "normalize": normalize, "mode": mode }), Said { value, template: None })
            }
        };
        let check = Check::new("", "includes", params);
        Ok(self.negate(check.with(Form::Target, said.value, said.template)))
    }

    pub(super) fn regex(&self, import: &mut Import<'_>) -> Result<Check, String> {
        let said = self.text(import)?;
        let pattern = javascript_pattern(said.value.as_str().unwrap_or_default());
        if let Err(error) = Regex::new(&pattern) {
            let first = error.to_string();
            let last =
                first.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned();
            return Err(format!(
                "evalmark's patterns take linear time and lack what it has: {last}"
            ));
        }
        let check = Check { name: String::new(), metric: Map::new(), holes: Vec::new() };
        Ok(self.negate(check.with(Form::Pattern, pattern.into(), None)))
    }

    /// The schema that the value is, if it is any.
    fn schema(&self, import: &mut Import<'_>) -> Result<Option<Value>, String> {
        if self.node.get("value").is_none() {
            return Ok(None);
        }
        let value = match self.rendered(import)? {
            Value::String(text) if text.trim().is_empty() => return Ok(None),
            Value::String(text) => {
                let shown = self.node.place();
                let document = crate::suites::node::document_of(&text, shown);
                document.map_err(|error| error.to_string())?.value().clone()
            }
            other => other,
        };
        match value {
            Value::Object(map) => Ok(Some(Value::Object(map))),
            _ => Err("its value is no JSON Schema".to_owned()),
        }
    }

    pub(super) fn is_json(&self, import: &mut Import<'_>) -> Result<Check, String> {
        let Some(schema) = self.schema(import)? else {
            return Ok(self.negate(Check::new("", "json_valid", json!({}))));
        };
        if self.negated {
            // What is no JSON passes, too.
            let parts =
                json!([{ "not": true, "json_valid": {} }, { "not": true, "json_schema": {} }]);
            let check = Check::new("", "any_of", parts);
            let hole = Hole {
                at: "/any_of/1".to_owned(),
                form: Form::Schema,
                value: schema,
                template: None,
            };
            return Ok(Check { holes: vec![hole], ..check });
        }
        Ok(Check::new("", "json_schema", json!({})).with(Form::Schema, schema, None))
    }

    pub(super) fn contains_json(&self, import: &mut Import<'_>) -> Result<Check, String> {
        if self.negated {
            return Err(
                "evalmark takes an answer without JSON for invalid where JSON is looked for"
                    .to_owned(),
            );
        }
        import.draft.differs("`contains-json` looks at the last JSON in the answer, and at lists too; promptfoo at objects, of which one is enough, and at what is nearly JSON");
        let check = match self.schema(import)? {
            None => Check::new("", "json_valid", json!({})),
            Some(schema) => {
                Check::new("", "json_schema", json!({})).with(Form::Schema, schema, None)
            }
        };
        Ok(check.set("extract", json!({ "json": "$" })))
    }

    pub(super) fn sql(&self, import: &mut Import<'_>) -> Result<Check, String> {
        const DIALECTS: [(&str, &str); 11] = [
            ("mysql", "mysql"),
            ("mariadb", "mysql"),
            ("postgresql", "postgres"),
            ("sqlite", "sqlite"),
            ("bigquery", "bigquery"),
            ("snowflake", "snowflake"),
            ("redshift", "redshift"),
            ("hive", "hive"),
            ("transactsql", "mssql"),
            ("athena", "generic"),
            ("trino", "generic"),
        ];
        let value = self.node.get("value");
        let allowed = |key: &str| value.as_ref().and_then(|value| value.get(key)).is_some();
        if allowed("allowedTables") || allowed("allowedColumns") {
            return Err("evalmark's `sql_valid` looks up no tables and columns".to_owned());
        }
        import.draft.differs("`is-sql` becomes `sql_valid`, which reads SQL with another parser");
        let written = value.and_then(|value| value.text("databaseType"));
        let written = written.unwrap_or_else(|| "MySQL".to_owned()).to_lowercase();
        let dialect = DIALECTS.iter().find(|(name, _)| *name == written);
        let (_, dialect) =
            dialect.ok_or_else(|| format!("evalmark does not know the SQL of `{written}`"))?;
        let mut params = json!({ "dialect": dialect });
        if self.base == "contains-sql" {
            params["fence"] = true.into();
        }
        Ok(self.negate(Check::new("", "sql_valid", params)))
    }

    pub(super) fn word_count(&self) -> Result<Check, String> {
        let node = self.node.get("value").ok_or("it has no `value`")?;
        let whole = |value: &Value| {
            let number = value.as_f64().or_else(|| value.as_str()?.trim().parse().ok());
            number
                .filter(|number| *number >= 0.0)
                .ok_or_else(|| "its value is no number".to_owned())
        };
        let mut bounds = Map::new();
        if node.value().is_object() {
            for (bound, rounded) in [("min", f64::ceil as fn(f64) -> f64), ("max", f64::floor)] {
                if let Some(value) = node.get(bound) {
                    bounds.insert(bound.to_owned(), count(rounded(whole(value.value())?)));
                }
            }
        } else {
            let exactly = whole(node.value())?;
            bounds.insert("min".to_owned(), count(exactly.ceil()));
            bounds.insert("max".to_owned(), count(exactly.floor()));
        }
        if bounds.is_empty() {
            return Err("it has neither `min` nor `max`".to_owned());
        }
        let check = Check { name: String::new(), metric: Map::new(), holes: Vec::new() };
        Ok(self.negate(check.with(Form::Words, bounds.into(), None)))
    }

    /// Latency or cost, which must not be above the threshold.
    pub(super) fn amount(&self) -> Result<Check, String> {
        let threshold = self.threshold()?.ok_or("it has no `threshold`")?;
        let check = Check::new("", &self.base, json!({})).set("threshold", threshold);
        Ok(self.negate(check.set("binary", true)))
    }

    /// With the part of the answer that the assertion, its test or the defaults narrow it to.
    pub(super) fn narrowed(&self, check: Check) -> Result<Check, String> {
        let own = self.node.get("transform");
        let of_test = self.case.option("transform").or_else(|| self.case.option("postprocess"));
        let Some(node) = own.or(of_test) else { return Ok(check) };
        let code = node.as_text().unwrap_or_default();
        match plain_path(code, &["output"]) {
            Some(path) if path == "$" && !code.contains("parse") => Ok(check),
            Some(path) if !check.metric.contains_key("extract") => {
                Ok(check.set("extract", json!({ "json": path })))
            }
            _ => Err(format!(
                "the answer is changed before by code (`transform` at {}), and an import runs none",
                node.place()
            )),
        }
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "words are counted; it saturates"
)]
fn count(number: f64) -> Value {
    (number as u64).into()
}

/// The content of a file that a value names.
fn content(import: &Import<'_>, name: &str) -> Result<Value, String> {
    const CODE: [&str; 6] = [".js", ".cjs", ".mjs", ".ts", ".py", ".rb"];
    let is_code = |part: &str| CODE.iter().any(|ending| part.ends_with(ending));
    if is_code(name) || name["file://".len()..].split(':').any(is_code) {
        return Err("it is code, and an import runs none".to_owned());
    }
    let path = import.files.path(name);
    let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    match ending {
        "json" | "yaml" | "yml" => {
            let document = import.files.document(&path).map_err(|error| error.to_string())?;
            Ok(document.value().clone())
        }
        _ => Ok(import.files.text(&path)?.trim().into()),
    }
}
