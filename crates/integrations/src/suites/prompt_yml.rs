//! GitHub Models' prompt files (`NAME.prompt.yml`): messages, test data, and evaluators.

use evalmark_core::imported_suite::ImportedSuite;
use serde_json::{Map, Value, json};

use super::{
    checks::{Check, Form, literal, make_metrics},
    definition::{SuiteImportError, SuiteImporter, SuiteRequest},
    draft::SuiteDraft,
    node::{Files, Node},
    template_words::Converted,
};

pub(super) const IMPORTER: SuiteImporter = SuiteImporter {
    name: "prompt-yml",
    summary: "GitHub Models' prompt file (NAME.prompt.yml)",
    read,
};

/// Evaluators that GitHub has, and what a judge is asked in their place.
const BUILT_IN: [(&str, &str); 5] = [
    ("similarity", "The answer says the same as this: {{ expected }}"),
    ("relevance", "The answer addresses what was asked, and keeps to it."),
    ("coherence", "The answer is coherent: its sentences fit together and can be followed."),
    ("fluency", "The answer is written in fluent, correct language."),
    ("groundedness", "Everything that the answer says is supported by what it was given."),
];

/// How GitHub looks at the ends of an answer.
const TRIMMED: [&str; 2] = ["trim", "casefold"];

/// Names that mean something in templates.
const RESERVED: [&str; 14] = [
    "item",
    "loop",
    "self",
    "range",
    "dict",
    "namespace",
    "true",
    "false",
    "none",
    "not",
    "and",
    "or",
    "in",
    "is",
];

/// The lowest score that passes: any grade but the worst, as `gh models eval` has it.
const ABOVE_WORST: f64 = 0.01;

fn read(request: &SuiteRequest<'_>) -> Result<Vec<ImportedSuite>, SuiteImportError> {
    let files = Files::beside(request.file, request.access);
    let root = files.document(request.file)?;
    if root.get("messages").is_none() {
        let problem = "a prompt file has `messages`";
        return Err(SuiteImportError::new(root.place(), problem));
    }
    let stem = request.file.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let stem = stem.split(".prompt").next().unwrap_or_default().to_owned();
    let mut draft = SuiteDraft::new(request.name.unwrap_or(&stem));
    draft.description = root.text("description");
    other_keys(&root, &mut draft);
    rows(&root, &mut draft);
    model(&root, &mut draft);
    prompt(&root, &mut draft)?;
    let checks = evaluators(&root, &mut draft);
    make_metrics(&mut draft, checks);
    if draft.metrics.is_empty() {
        draft.lose(
            &root,
            "evaluators",
            "there is none that could be carried over; answers are measured by length",
        );
        draft.metric("length", Map::from_iter([("length".to_owned(), json!({}))]));
    }
    Ok(vec![draft.finish()])
}

fn other_keys(root: &Node, draft: &mut SuiteDraft) {
    const READ: [&str; 9] = [
        "name",
        "description",
        "model",
        "modelParameters",
        "messages",
        "testData",
        "evaluators",
        "responseFormat",
        "jsonSchema",
    ];
    draft.lose_others(root, &READ, "");
}

fn rows(root: &Node, draft: &mut SuiteDraft) {
    let data = root.get("testData").map(|node| node.elements()).unwrap_or_default();
    for row in data {
        match row.value().as_object() {
            Some(map) => draft.rows.push(map.clone()),
            None => draft.lose(&row, "a row of `testData`", "it is no mapping"),
        }
    }
    if draft.rows.is_empty() {
        draft.lose(root, "`testData`", "there is none; the dataset has one row without values");
        draft.rows.push(Map::from_iter([("input".to_owned(), "".into())]));
    }
    let names: Vec<String> = draft.rows.iter().flat_map(|row| row.keys().cloned()).collect();
    for row in &mut draft.rows {
        for name in &names {
            let value = row.entry(name.clone()).or_insert_with(|| "".into());
            if value.is_null() {
                *value = "".into();
            }
        }
    }
}

fn model(root: &Node, draft: &mut SuiteDraft) {
    let name = root.text("model").unwrap_or_else(|| {
        draft.lose(root, "`model`", "there is none; the suite names openai/gpt-4o-mini");
        "openai/gpt-4o-mini".to_owned()
    });
    let mut params = Map::new();
    for (key, node) in root.get("modelParameters").map(|node| node.entries()).unwrap_or_default() {
        let value = node.value().clone();
        let known = match key.as_str() {
            "maxTokens" | "max_tokens" | "maxCompletionTokens" => "max_tokens",
            "topP" | "top_p" => "top_p",
            "temperature" | "seed" | "stop" => key.as_str(),
            "frequencyPenalty" => "frequency_penalty",
            "presencePenalty" => "presence_penalty",
            _ => {
                draft.lose(
                    &node,
                    format!("`modelParameters.{key}`"),
                    "the importer does not know it",
                );
                continue;
            }
        };
        params.insert(known.to_owned(), value);
    }
    match root.text("responseFormat").as_deref() {
        Some("json_object") => {
            params.insert(
                "extra".to_owned(),
                json!({ "response_format": { "type": "json_object" } }),
            );
        }
        Some("json_schema" | "text") | None => {}
        Some(_) => draft.lose(root, "`responseFormat`", "the importer does not know it"),
    }
    let mut model = Map::new();
    model.insert("provider".to_owned(), "github".into());
    model.insert("model".to_owned(), name.as_str().into());
    if !params.is_empty() {
        model.insert("params".to_owned(), params.into());
    }
    let short = name.rsplit('/').next().unwrap_or(&name).to_owned();
    draft.model(&short, model);
}

fn prompt(root: &Node, draft: &mut SuiteDraft) -> Result<(), SuiteImportError> {
    let mut messages = Vec::new();
    for node in root.get("messages").map(|node| node.elements()).unwrap_or_default() {
        let role = node.text("role").unwrap_or_else(|| "user".to_owned());
        let content = node.text("content").unwrap_or_default();
        unknown_names(root, &node, &content, draft);
        let template = mustache(&content, &draft.rows)
            .map_err(|why| SuiteImportError::new(node.place(), why))?;
        messages.push(json!({ "role": role.to_lowercase(), "content": template.text }));
    }
    draft.prompt_messages(&root.text("name").unwrap_or_else(|| "prompt".to_owned()), &messages);
    if let (Some(node), Some(prompt)) = (root.get("jsonSchema"), draft.prompts.last_mut()) {
        let schema = match node.as_text() {
            Some(text) => serde_json::from_str(text).ok(),
            None => Some(node.value().clone()),
        };
        // GitHub's has the schema's name around it.
        let schema = schema.map(|schema: Value| schema.get("schema").cloned().unwrap_or(schema));
        match schema.filter(Value::is_object) {
            Some(schema) => prompt["json_schema"] = schema,
            None => draft.lose(&node, "`jsonSchema`", "it is no JSON Schema"),
        }
    }
    Ok(())
}

/// Names that no row has: GitHub leaves them as they stand; without test data they are columns to come.
fn unknown_names(root: &Node, node: &Node, content: &str, draft: &mut SuiteDraft) {
    let names: Vec<_> = names_in(content).map(str::to_owned).collect();
    for name in names {
        if draft.rows.iter().any(|row| row.contains_key(&name)) {
            continue;
        }
        if root.get("testData").is_some() {
            let why = "no row of `testData` has it; it is sent as it stands, as GitHub does";
            draft.lose(node, format!("`{{{{{name}}}}}`"), why);
        } else {
            for row in &mut draft.rows {
                row.entry(name.clone()).or_insert_with(|| "".into());
            }
        }
    }
}

/// A template with `{{name}}` alone; what else stands in it is text, also names that no row has.
fn mustache(text: &str, rows: &[Map<String, Value>]) -> Result<Converted, String> {
    let mut template = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        let name = after.split_once("}}").map(|(name, _)| name);
        let known = name.filter(|name| rows.iter().any(|row| row.contains_key(name.trim())));
        let Some(name) = known else {
            template.push_str(&literal(before));
            template.push_str("{{ '{{' }}");
            rest = after;
            continue;
        };
        template.push_str(&literal(before));
        rest = &after[name.len() + 2..];
        let name = name.trim();
        let is_word = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && name.starts_with(|c: char| c.is_ascii_lowercase())
            && !RESERVED.contains(&name);
        let place = if is_word { name.to_owned() } else { format!("item[{}]", Value::from(name)) };
        template.extend(["{{", &place, "}}"]);
    }
    template.push_str(&literal(rest));
    // A template loses a line break at its end.
    if template.ends_with('\n') {
        template.push('\n');
    }
    Converted::of(template)
}

/// Names between braces in a text.
fn names_in(text: &str) -> impl Iterator<Item = &str> {
    let names = text.split("{{").skip(1).filter_map(|part| Some(part.split_once("}}")?.0.trim()));
    names.filter(|name| !name.is_empty() && !name.contains(['{', '\n', '|', '(']))
}

fn evaluators(root: &Node, draft: &mut SuiteDraft) -> Vec<Vec<Check>> {
    let mut checks: Vec<Vec<Check>> = draft.rows.iter().map(|_| Vec::new()).collect();
    let mut judge = None;
    for node in root.get("evaluators").map(|node| node.elements()).unwrap_or_default() {
        let name = node.text("name").unwrap_or_else(|| "evaluator".to_owned());
        let carried = match (node.get("string"), node.get("llm"), node.text("uses")) {
            (Some(string), _, _) => of_string(&name, &string, draft),
            (None, Some(llm), _) => of_judge(&name, &llm, draft),
            (None, None, Some(uses)) => built_in(&name, &uses, draft, &mut judge),
            _ => Err("it has neither `string`, `llm` nor `uses`".to_owned()),
        };
        match carried {
            Ok(carried) => {
                for (row, check) in checks.iter_mut().zip(carried) {
                    row.extend(check);
                }
            }
            Err(why) => draft.lose(&node, format!("the evaluator `{name}`"), why),
        }
    }
    checks
}

/// The checks of each row.
type Carried = Result<Vec<Vec<Check>>, String>;

fn of_string(name: &str, string: &Node, draft: &mut SuiteDraft) -> Carried {
    const FORMS: [&str; 4] = ["equals", "contains", "startsWith", "endsWith"];
    draft.lose_others(string, &FORMS, &format!("{name}.string"));
    let found: Vec<_> = FORMS.iter().filter_map(|form| Some((*form, string.get(form)?))).collect();
    if found.is_empty() {
        return Err("it has neither `equals`, `contains`, `startsWith` nor `endsWith`".to_owned());
    }
    if found.len() > 1 {
        draft.differs("an evaluator with several texts checks each of them; `gh models eval` looks at the first alone");
    }
    let mut checks: Vec<Vec<Check>> = draft.rows.iter().map(|_| Vec::new()).collect();
    for (form, node) in found {
        match of_form(name, form, &node, draft) {
            Ok(carried) => {
                for (row, check) in checks.iter_mut().zip(carried) {
                    row.extend(check);
                }
            }
            Err(why) => draft.lose(&node, format!("`{form}` of the evaluator `{name}`"), why),
        }
    }
    Ok(checks)
}

/// One text of an evaluator: a check of each row for which it is not empty.
fn of_form(
    name: &str,
    form: &str,
    node: &Node,
    draft: &mut SuiteDraft,
) -> Result<Vec<Option<Check>>, String> {
    let template = mustache(node.as_text().ok_or("it is no text")?, &draft.rows)?;
    let of_all = (!template.is_constant()).then(|| template.text.clone());
    let rendered: Result<Vec<String>, String> =
        draft.rows.iter().map(|row| template.render(row)).collect();
    let rendered = rendered?;
    let n_empty = rendered.iter().filter(|text| text.is_empty()).count();
    if n_empty > 0 {
        let why = format!("it is empty for {n_empty} of {} rows", rendered.len());
        draft.lose(node, format!("`{form}` of the evaluator `{name}`"), why);
    }
    let one = |text: String| {
        let check = match form {
            "equals" => Check::new(name, "exact", json!({ "normalize": ["trim"] })),
            "contains" => Check::new(name, "includes", json!({ "normalize": ["casefold"] })),
            "startsWith" => Check::new(name, "starts_with", json!({ "normalize": TRIMMED })),
            _ => Check::new(name, "ends_with", json!({ "normalize": TRIMMED })),
        };
        (!text.is_empty()).then(|| check.with(Form::Target, text.into(), of_all.clone()))
    };
    Ok(rendered.into_iter().map(one).collect())
}

/// An evaluator with a prompt of its own: its choices become the judge's grades.
fn of_judge(name: &str, llm: &Node, draft: &mut SuiteDraft) -> Carried {
    draft.differs("evaluators that a model grades become `judge`: it is asked in evalmark's words, with the evaluator's prompt as the rubric, and any grade but the worst passes");
    let prompt = llm.text("prompt").ok_or("it has no `prompt`")?;
    let system = llm.text("systemPrompt").unwrap_or_default();
    let mut rubric = format!("{system}\n{prompt}").trim().to_owned();
    for written in ["{{completion}}", "{{ completion }}"] {
        rubric = rubric.replace(written, "(the answer)");
    }
    let choices = llm.get("choices").map(|node| node.elements()).unwrap_or_default();
    let scale = scale(&choices);
    if let Some(Scale { meaning: Some(meaning), .. }) = &scale {
        rubric = format!("{rubric}\n\n{meaning}");
    }
    let template = mustache(&rubric, &draft.rows)?;
    let model = llm.text("modelId").unwrap_or_else(|| "openai/gpt-4o".to_owned());
    let judge = json!({ "provider": "github", "model": model });
    let judge = draft.judge("judge", judge.as_object().cloned().unwrap_or_default());
    let mut params = json!({ "model": judge, "rubric": "" });
    if let Some(scale) = &scale {
        params["scale"] = json!(scale.grades);
    } else if !choices.is_empty() {
        let why = "they tell no two grades apart; the judge grades from 0 to 1";
        draft.lose(llm, "`choices` of an evaluator", why);
    }
    let rows: Vec<_> = draft.rows.iter().map(|row| template.render(row)).collect();
    let of_all = (!template.is_constant()).then(|| template.text.clone());
    let one = |rendered: Result<String, String>| {
        let check = Check::new(name, "judge", params.clone()).set("threshold", ABOVE_WORST);
        Ok(vec![check.with(Form::Rubric, rendered?.into(), of_all.clone())])
    };
    rows.into_iter().map(one).collect()
}

/// Grades of a judge, and what each of them means where its number alone does not say so.
struct Scale {
    grades: Vec<f64>,
    meaning: Option<String>,
}

/// The scale that choices make: their numbers, where these lie as their scores do, or else the scores.
fn scale(choices: &[Node]) -> Option<Scale> {
    let score = |node: &Node| node.get("score")?.value().as_f64();
    let scores: Vec<f64> = choices.iter().filter_map(score).collect();
    let numbers: Vec<f64> =
        choices.iter().filter_map(|node| node.text("choice")?.parse().ok()).collect();
    let is_whole = |list: &[f64]| list.len() == choices.len() && distinct(list).len() > 1;
    let place_in = |list: &[f64], value: f64| {
        let (low, high) = ends(list);
        (value - low) / (high - low)
    };
    let are_alike = |(number, score): (&f64, &f64)| {
        (place_in(&numbers, *number) - place_in(&scores, *score)).abs() < 1e-9
    };
    if is_whole(&numbers)
        && (scores.is_empty() || is_whole(&scores) && numbers.iter().zip(&scores).all(are_alike))
    {
        return Some(Scale { grades: distinct(&numbers), meaning: None });
    }
    if !is_whole(&scores) {
        return None;
    }
    let line = |(node, score): (&Node, &f64)| {
        Some(format!("- {score} where your choice is `{}`", node.text("choice")?))
    };
    let meanings: Vec<_> = choices.iter().zip(&scores).filter_map(line).collect();
    let meaning = format!("The grade is\n{}", meanings.join("\n"));
    Some(Scale { grades: distinct(&scores), meaning: Some(meaning) })
}

fn distinct(list: &[f64]) -> Vec<f64> {
    let mut list = list.to_vec();
    list.sort_by(f64::total_cmp);
    list.dedup();
    list
}

fn ends(list: &[f64]) -> (f64, f64) {
    let fold = |pick: fn(f64, f64) -> f64, start: f64| list.iter().copied().fold(start, pick);
    (fold(f64::min, f64::INFINITY), fold(f64::max, f64::NEG_INFINITY))
}

fn built_in(name: &str, uses: &str, draft: &mut SuiteDraft, judge: &mut Option<String>) -> Carried {
    let short = uses.rsplit('/').next().unwrap_or(uses);
    let known = BUILT_IN.iter().find(|(name, _)| *name == short);
    let (_, rubric) = known.ok_or_else(|| format!("evalmark has no counterpart of `{uses}`"))?;
    draft.differs("GitHub's own evaluators become `judge` with a rubric of one sentence and grades from 1 to 5; any but 1 passes");
    let model = judge.get_or_insert_with(|| {
        let model = json!({ "provider": "github", "model": "openai/gpt-4o" });
        draft.judge("judge", model.as_object().cloned().unwrap_or_default())
    });
    let params = json!({ "model": model, "rubric": "", "scale": [1, 2, 3, 4, 5] });
    let template = Converted::of((*rubric).to_owned())?;
    let rows: Vec<_> = draft.rows.iter().map(|row| template.render(row)).collect();
    let has_all =
        |row: &Map<String, Value>| template.variables.iter().all(|name| row.contains_key(name));
    let of_all = draft.rows.iter().all(has_all).then(|| template.text.clone());
    let one = |rendered: Result<String, String>| {
        let check = Check::new(name, "judge", params.clone()).set("threshold", ABOVE_WORST);
        Ok(vec![check.with(Form::Rubric, rendered?.into(), of_all.clone())])
    };
    rows.into_iter().map(one).collect()
}
