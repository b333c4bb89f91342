//! Assertions, and the metrics that check the same.

use serde_json::{Value, json};

use super::{Import, cases::Case, values::text_of};
use crate::suites::{
    checks::{Check, Form, Hole},
    node::Node,
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
pub(super) struct Assertion<'a> {
    pub(super) node: &'a Node,
    pub(super) case: &'a Case,
    pub(super) base: String,
    pub(super) negated: bool,
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
            "levenshtein" | "bleu" | "rouge-n" => near(import, one),
            "finish-reason" => {
                let reason = text_of(&one.rendered(import)?).to_lowercase();
                let formula = format!("finish_reason | lower == {}", Value::from(reason));
                Ok(one.negate(Check::new("", "expression", formula.into())))
            }
            "similar"
            | "similar:cosine"
            | "similar:dot"
            | "similar:euclidean"
            | "llm-rubric"
            | "g-eval"
            | "model-graded-closedqa"
            | "factuality"
            | "model-graded-factuality" => self.graded(import, one),
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

    /// An assertion that a model decides.
    fn graded(&mut self, import: &mut Import<'_>, one: &Assertion<'_>) -> Result<Check, String> {
        match one.base.as_str() {
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
            "factuality" | "model-graded-factuality" => {
                import.draft.differs("`factuality` becomes `judge_reference`, whose judge is asked in evalmark's words; a part or more of the truth passes");
                let model = self.judge(import, one);
                let text = one.text(import)?;
                let check = Check::new("", "judge_reference", json!({ "model": model }))
                    .set("threshold", 0.5);
                Ok(one.negate(check.with(Form::Target, text.value, text.template)))
            }
            _ => self.judged(import, one),
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
        self.grader(import, node.as_ref(), "judge", "gpt-4.1", "openai:chat:")
    }

    fn embedder(&mut self, import: &mut Import<'_>, one: &Assertion<'_>) -> String {
        let node = one.node.get("provider").or_else(|| one.case.option("provider"));
        let node = node.map(|node| node.get("embedding").unwrap_or(node));
        self.grader(
            import,
            node.as_ref(),
            "embeddings",
            "text-embedding-3-large",
            "openai:embedding:",
        )
    }

    /// The model of the suite that grades, made where it is new.
    fn grader(
        &mut self,
        import: &mut Import<'_>,
        node: Option<&Node>,
        name: &str,
        default: &str,
        prefix: &str,
    ) -> String {
        let key =
            format!("{name} {}", node.map_or_else(String::new, |node| node.value().to_string()));
        if let Some((_, model)) = self.judges.iter().find(|(known, _)| *known == key) {
            return model.clone();
        }
        let model = node.and_then(|node| import.model(node)).map(|(_, model)| model);
        let model = model.unwrap_or_else(|| {
            let told = format!("promptfoo's default for {prefix} grades where no provider is named; here it is {default} of OpenAI");
            import.draft.differs(&told.replace("promptfoo's default for openai:chat:", "promptfoo's own choice").replace("promptfoo's default for openai:embedding:", "promptfoo's own choice"));
            let model = json!({ "provider": "openai", "model": default });
            model.as_object().cloned().unwrap_or_default()
        });
        let model = import.draft.judge(name, model);
        self.judges.push((key, model.clone()));
        model
    }
}

/// An assertion that passes where the answer is near enough.
fn near(import: &mut Import<'_>, one: &Assertion<'_>) -> Result<Check, String> {
    match one.base.as_str() {
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
        _ => {
            import.draft.differs("`rouge-n` becomes `rouge` with `rouge1`, which cuts texts into words as Google's rouge-score does");
            let text = one.text(import)?;
            let check = Check::new("", "rouge", json!({ "variant": "rouge1" }));
            let check = check.set("threshold", one.threshold()?.unwrap_or(0.75));
            Ok(one.negate(check.with(Form::Target, text.value, text.template)))
        }
    }
}
