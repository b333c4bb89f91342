//! Assertions, and the metrics that check the same.

use regex::Regex;
use serde_json::{Map, Value, json};

use super::{
    Import,
    cases::Case,
    values::{comma_separated, plain_path, text_of},
};
use crate::suites::{
    checks::{Check, Form, Hole},
    node::Node,
    template_words::Converted,
};

/// Assertions that code, a service of promptfoo's or more than the answer decides, and why they are not
/// carried over.
const WITHOUT_COUNTERPART: &[(&[&str], &str)] = &[
    (
        &["javascript", "python", "ruby", "webhook"],
        "it is code, and an import runs none; `expression` has formulas over the answer, and `command` runs \
         a program",
    ),
    (
        &["answer-relevance", "context-faithfulness", "context-recall", "context-relevance"],
        "it grades by several questions of its own; ask a `judge` with a rubric of yours",
    ),
    (&["conversation-relevance"], "it grades a conversation, and evalmark asks one question"),
    (&["moderation", "guardrails", "pi", "classifier"], "it asks another service"),
    (&["perplexity", "perplexity-score"], "it needs probabilities of the answer's tokens"),
    (&["gleu", "meteor"], "evalmark has no such metric; `bleu`, `chrf` and `rouge` are near"),
    (
        &["select-best", "max-score", "human"],
        "it compares answers of several models; see `judge_pairwise` and `compare`",
    ),
    (&["contains-xml", "contains-html", "is-html"], "evalmark has no such metric"),
    (
        &[
            "is-valid-function-call",
            "is-valid-openai-function-call",
            "is-valid-openai-tools-call",
            "tool-call-f1",
        ],
        "it checks calls by their schemas alone; `tool_call` compares them with a target",
    ),
    (&["search-rubric", "agent-rubric"], "it needs a judge that searches or runs programs"),
    (&["skill-used"], "it looks at what an agent did"),
];

/// The models that model-graded metrics of the suite ask, by where promptfoo names them.
#[derive(Default)]
pub(super) struct Assertions {
    judges: Vec<(String, String)>,
}

/// An assertion of a case.
struct Assertion<'a> {
    node: &'a Node,
    case: &'a Case,
    base: String,
    negated: bool,
}

impl Assertions {
    /// The checks that a case's assertions are; the others are told.
    pub(super) fn of_case(&mut self, import: &mut Import<'_>, case: &Case) -> Vec<Check> {
        let mut checks = Vec::new();
        for node in &case.asserts {
            if node.text("type").as_deref() == Some("assert-set") {
                checks.extend(self.set(import, case, node));
            } else {
                checks.extend(self.check(import, case, node));
            }
        }
        checks
    }

    /// A check, with what holds for all assertions.
    fn check(&mut self, import: &mut Import<'_>, case: &Case, node: &Node) -> Option<Check> {
        let Some(written) = node.text("type") else {
            import.draft.lose(node, "an assertion", "it has no `type`");
            return None;
        };
        let (base, negated) = match written.strip_prefix("not-") {
            Some(base) => (base.to_owned(), true),
            None => (written.clone(), false),
        };
        let assertion = Assertion { node, case, base, negated };
        let carried = self.carried(import, &assertion).and_then(|check| assertion.narrowed(check));
        let mut check = match carried {
            Ok(check) => check,
            Err(why) => {
                import.draft.lose(node, format!("the assertion `{written}`"), why);
                return None;
            }
        };
        let named = node.text("metric").filter(|name| !name.contains("{{"));
        check.name = named.unwrap_or(written);
        if node.get("weight").is_some() {
            let why =
                "evalmark has no score of a whole test: every metric is gated by itself, if at all";
            import.draft.lose(node, "`weight` of an assertion", why);
        }
        Some(check)
    }

    /// Several assertions that pass or fail together.
    fn set(&mut self, import: &mut Import<'_>, case: &Case, node: &Node) -> Vec<Check> {
        let parts = node.get("assert").map(|node| node.elements()).unwrap_or_default();
        let n_parts = parts.len();
        let weights: Vec<_> = parts.iter().map(|part| part.get("weight")).collect();
        let mut checks = Vec::new();
        for part in &parts {
            checks.extend(self.check(import, case, part));
        }
        let asks = |check: &Check| {
            check.metric.contains_key("semantic")
                || check.metric.keys().any(|k| k.starts_with("judge"))
        };
        if checks.len() < n_parts || checks.iter().any(asks) {
            let why = "some of its assertions cannot stand within another metric; the others are metrics by themselves";
            import.draft.lose(node, "the assertion `assert-set`", why);
            return checks;
        }
        let threshold = node.get("threshold").and_then(|node| node.value().as_f64());
        let mut entries = Vec::new();
        let mut holes = Vec::new();
        let kind = if threshold.is_some() { "weighted" } else { "all_of" };
        for (place, (check, weight)) in checks.into_iter().zip(weights).enumerate() {
            let mut metric = check.metric;
            if let Some(weight) = weight.filter(|_| threshold.is_some()) {
                metric.insert("weight".to_owned(), weight.value().clone());
            }
            entries.push(Value::Object(metric));
            let within = |hole: Hole| Hole { at: format!("/{kind}/{place}{}", hole.at), ..hole };
            holes.extend(check.holes.into_iter().map(within));
        }
        let name = node.text("metric").unwrap_or_else(|| "assert-set".to_owned());
        let mut check = Check { holes, ..Check::new(&name, kind, entries.into()) };
        if let Some(threshold) = threshold {
            check = check.set("threshold", threshold);
        }
        vec![check]
    }

    fn carried(&mut self, import: &mut Import<'_>, one: &Assertion<'_>) -> Result<Check, String> {
        match one.base.as_str() {
            "equals" => one.equals(import),
            "contains" | "icontains" | "contains-any" | "icontains-any" | "contains-all"
            | "icontains-all" => one.contains(import),
            "starts-with" => {
                let text = one.text(import)?;
                let check = Check::new("", "starts_with", json!({ "normalize": [] }));
                Ok(one.negate(check.with(Form::Target, text.value, text.template)))
            }
            "regex" => one.regex(import),
            "is-json" => one.is_json(import),
            "contains-json" => one.contains_json(import),
            "is-xml" if one.node.get("value").is_none() => {
                Ok(one.negate(Check::new("", "xml_valid", json!({}))))
            }
            "is-xml" => Err("evalmark has no metric for elements that must be there".to_owned()),
            "is-sql" | "contains-sql" => one.sql(import),
            "is-refusal" => {
                import.draft.differs("`is-refusal` becomes `refusal`, which knows other words, and takes an empty answer for no refusal");
                Ok(one.negate(Check::new("", "refusal", json!({}))))
            }
            "word-count" => one.word_count(),
            "latency" | "cost" => one.amount(),
            "levenshtein" => {
                let text = one.text(import)?;
                let distance = one.threshold()?.unwrap_or(5.0);
                let params = json!({ "name": "promptfoo_levenshtein", "distance": distance });
                let check = Check::new("", "preset", params);
                Ok(one.negate(check.with(Form::Target, text.value, text.template)))
            }
            "bleu" => {
                let text = one.texts(import)?;
                let check = Check::new("", "preset", json!("promptfoo_bleu"));
                let check = check.set("threshold", one.threshold()?.unwrap_or(0.5));
                Ok(one.negate(check.with(Form::Target, text, None)))
            }
            "rouge-n" => {
                import.draft.differs("`rouge-n` becomes `rouge` with `rouge1`, which cuts texts into words as Google's rouge-score does");
                let text = one.text(import)?;
                let check = Check::new("", "rouge", json!({ "variant": "rouge1" }));
                let check = check.set("threshold", one.threshold()?.unwrap_or(0.75));
                Ok(one.negate(check.with(Form::Target, text.value, text.template)))
            }
            "finish-reason" => {
                let reason = text_of(&one.rendered(import)?).to_lowercase();
                let formula = format!("finish_reason | lower == {}", Value::from(reason));
                Ok(one.negate(Check::new("", "expression", formula.into())))
            }
            "similar" | "similar:cosine" => {
                let model = self.embedder(import, one);
                let text = one.texts(import)?;
                let check = Check::new("", "semantic", json!({ "model": model }));
                let check = check.set("threshold", one.threshold()?.unwrap_or(0.75));
                Ok(one.negate(check.with(Form::Target, text, None)))
            }
            "similar:dot" | "similar:euclidean" => {
                Err("evalmark's `semantic` is the cosine".to_owned())
            }
            "llm-rubric" | "g-eval" | "model-graded-closedqa" => self.judged(import, one),
            "factuality" | "model-graded-factuality" => {
                import.draft.differs("`factuality` becomes `judge_reference`, whose judge is asked in evalmark's words; a part or more of the truth passes");
                let model = self.judge(import, one);
                let text = one.text(import)?;
                let check = Check::new("", "judge_reference", json!({ "model": model }))
                    .set("threshold", 0.5);
                Ok(one.negate(check.with(Form::Target, text.value, text.template)))
            }
            base => {
                let known = WITHOUT_COUNTERPART.iter().find(|(names, _)| names.contains(&base));
                let by_prefix = base.starts_with("trace-") || base.starts_with("trajectory:");
                Err(match known {
                    Some((_, why)) => (*why).to_owned(),
                    None if by_prefix => "it looks at what an agent did".to_owned(),
                    None if base.starts_with("promptfoo:redteam") => {
                        "red teaming has no counterpart".to_owned()
                    }
                    None => "the importer does not know it".to_owned(),
                })
            }
        }
    }

    /// An assertion that a model grades by a text.
    fn judged(&mut self, import: &mut Import<'_>, one: &Assertion<'_>) -> Result<Check, String> {
        import.draft.differs("assertions that a model grades become `judge`: the judge is asked in evalmark's words, and grades from 0 to 1");
        let model = self.judge(import, one);
        let (before, threshold) = match one.base.as_str() {
            "g-eval" => ("", Some(0.7)),
            "model-graded-closedqa" => ("The answer meets this criterion: ", None),
            _ => ("", None),
        };
        let criteria = match one.node.get("value").map(|node| node.value().clone()) {
            Some(Value::Array(list)) => {
                let lines = list.iter().map(|line| format!("- {}", text_of(line)));
                Value::from(lines.collect::<Vec<_>>().join("\n"))
            }
            Some(Value::Object(map)) => Value::Object(map).to_string().into(),
            Some(value) => text_of(&value).into(),
            None => return Err("it has no `value`".to_owned()),
        };
        let text = one.filled(import, criteria.as_str().unwrap_or_default())?;
        let mut params = json!({ "model": model, "rubric": before });
        if one.base == "model-graded-closedqa" {
            params["scale"] = json!([0, 1]);
        }
        let check = Check::new("", "judge", params);
        let check = match one.threshold()?.or(threshold) {
            Some(threshold) => check.set("threshold", threshold),
            None => check,
        };
        for option in ["rubricPrompt"] {
            if let Some(node) = one.node.get(option).or_else(|| one.case.option(option)) {
                let why = "the judge is asked in evalmark's words; write what it should know into the rubric";
                import.draft.lose(&node, format!("`{option}`"), why);
            }
        }
        Ok(one.negate(check.with(Form::Rubric, text.value, text.template)))
    }

    /// The judge that an assertion, its test or the defaults name.
    fn judge(&mut self, import: &mut Import<'_>, one: &Assertion<'_>) -> String {
        let node = one.node.get("provider").or_else(|| one.case.option("provider"));
        let node = node.map(|node| node.get("text").unwrap_or(node));
        self.grader(import, node, "judge", "gpt-4.1", "openai:chat:")
    }

    fn embedder(&mut self, import: &mut Import<'_>, one: &Assertion<'_>) -> String {
        let node = one.node.get("provider").or_else(|| one.case.option("provider"));
        let node = node.map(|node| node.get("embedding").unwrap_or(node));
        self.grader(import, node, "embeddings", "text-embedding-3-large", "openai:embedding:")
    }

    /// The model of the suite that grades, made where it is new.
    fn grader(
        &mut self,
        import: &mut Import<'_>,
        node: Option<Node>,
        name: &str,
        default: &str,
        prefix: &str,
    ) -> String {
        let key = format!(
            "{name} {}",
            node.as_ref().map_or_else(String::new, |node| node.value().to_string())
        );
        if let Some((_, model)) = self.judges.iter().find(|(known, _)| *known == key) {
            return model.clone();
        }
        let model = node.as_ref().and_then(|node| import.model(node)).map(|(_, model)| model);
        let model = model.unwrap_or_else(|| {
            let told = format!("promptfoo's default for {prefix} grades where no provider is named; here it is {default} of OpenAI");
            import.draft.differs(&told.replace("promptfoo's default for openai:chat:", "promptfoo's own choice").replace("promptfoo's default for openai:embedding:", "promptfoo's own choice"));
            let model = json!({ "provider": "openai", "model": default });
            model.as_object().cloned().unwrap_or_default()
        });
        let model = import.draft.model(name, model);
        self.judges.push((key, model.clone()));
        model
    }
}

/// A text of an assertion: for this item, and as a template over all.
struct Said {
    value: Value,
    template: Option<String>,
}

impl Assertion<'_> {
    fn negate(&self, check: Check) -> Check {
        if self.negated { check.set("not", true) } else { check }
    }

    fn threshold(&self) -> Result<Option<f64>, String> {
        let Some(node) = self.node.get("threshold") else { return Ok(None) };
        let number = node.value().as_f64().or_else(|| node.as_text()?.parse().ok());
        number.map(Some).ok_or_else(|| "its threshold is no number".to_owned())
    }

    /// The value with the item's variables filled in; a file's content where it names one.
    fn rendered(&self, import: &mut Import<'_>) -> Result<Value, String> {
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
    fn filled(&self, import: &Import<'_>, text: &str) -> Result<Said, String> {
        if text.starts_with("file://") {
            return self.file(import, text).map(|value| Said { value, template: None });
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

    /// The content of a file that a value names.
    fn file(&self, import: &Import<'_>, name: &str) -> Result<Value, String> {
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

    /// One text that the answer is compared with.
    fn text(&self, import: &mut Import<'_>) -> Result<Said, String> {
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
    fn texts(&self, import: &mut Import<'_>) -> Result<Value, String> {
        match self.rendered(import)? {
            Value::Array(list) if list.is_empty() => Err("its value is empty".to_owned()),
            Value::Array(list) => Ok(list.iter().map(text_of).collect::<Vec<_>>().into()),
            _ => Ok(self.text(import)?.value),
        }
    }

    fn equals(&self, import: &mut Import<'_>) -> Result<Check, String> {
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

    fn contains(&self, import: &mut Import<'_>) -> Result<Check, String> {
        let (base, ignores_case) = match self.base.strip_prefix('i') {
            Some(base) => (base, true),
            None => (self.base.as_str(), false),
        };
        let normalize = if ignores_case { json!(["casefold"]) } else { json!([]) };
        let (params, said) = match base {
            "contains" => (json!({ "normalize": normalize }), self.text(import)?),
            _ => {
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

    fn regex(&self, import: &mut Import<'_>) -> Result<Check, String> {
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

    fn is_json(&self, import: &mut Import<'_>) -> Result<Check, String> {
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

    fn contains_json(&self, import: &mut Import<'_>) -> Result<Check, String> {
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

    fn sql(&self, import: &mut Import<'_>) -> Result<Check, String> {
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

    fn word_count(&self) -> Result<Check, String> {
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
    fn amount(&self) -> Result<Check, String> {
        let threshold = self.threshold()?.ok_or("it has no `threshold`")?;
        let check = Check::new("", &self.base, json!({})).set("threshold", threshold);
        Ok(self.negate(check.set("binary", true)))
    }

    /// With the part of the answer that the assertion, its test or the defaults narrow it to.
    fn narrowed(&self, check: Check) -> Result<Check, String> {
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

/// A pattern of JavaScript's `RegExp` without flags in the syntax of Rust's `regex`: classes are those
/// of ASCII.
fn javascript_pattern(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    let mut chars = pattern.chars();
    let mut in_class = false;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('d') => out.push_str(if in_class { "0-9" } else { "[0-9]" }),
                Some('D') => out.push_str("[^0-9]"),
                Some('w') => out.push_str(if in_class { "0-9A-Za-z_" } else { "[0-9A-Za-z_]" }),
                Some('W') => out.push_str("[^0-9A-Za-z_]"),
                Some('b') if !in_class => out.push_str("(?-u:\\b)"),
                Some('B') if !in_class => out.push_str("(?-u:\\B)"),
                Some(other) => {
                    // What needs no escape in Rust may not have one, unless it means something.
                    if other.is_ascii_alphanumeric() || other.is_ascii_punctuation() {
                        out.push('\\');
                    }
                    out.push(other);
                }
                None => out.push('\\'),
            },
            '[' if !in_class => {
                in_class = true;
                out.push('[');
            }
            // In JavaScript it stands for itself there.
            '[' => out.push_str("\\["),
            ']' => {
                in_class = false;
                out.push(']');
            }
            '&' | '~' if in_class => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_of_javascript() {
        let check = |pattern: &str, text: &str, expected: bool| {
            let rust = javascript_pattern(pattern);
            let found = Regex::new(&rust).unwrap_or_else(|error| panic!("{rust}: {error}"));
            assert_eq!(found.is_match(text), expected, "{pattern} {rust} {text}");
        };
        check(r"^\d{3}-\d{4}$", "555-1234", true);
        check(r"\d", "٣", false);
        check(r"[\d.]+x", "1.5x", true);
        check(r"^[^\s]+\/[\w-]+$", "a/b-c", true);
        check(r"[[a]", "[", true);
        check(r"\bcat\b", "a cat.", true);
        check(r"\u00e9", "é", true);
        check(r"a&&b", "a&&b", true);
        check(r"\-", "-", true);
    }
}
