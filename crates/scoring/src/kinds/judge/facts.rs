//! `judge_facts`: models of the suite go through a list of criteria, and prove each yes by a quote.

use std::{fmt::Write, sync::Arc};

use evalmark_core::{
    metric::{Direction, ParamError, Range},
    request::Message,
    template::Template,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{cell, template};
use crate::{
    judge::{
        Brief, JudgeParams, Judges, Opinion, Panel, QuestionError, Sheet, bounded, neutral, object,
        read,
    },
    kind::{About, Backend, MetricDefinition},
    subject::Subject,
};

/// Parameters of `judge_facts`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// What an answer should do or say.
    criteria: RawCriteria,
    /// What a yes counts as when its quote is not in the answer (white space aside).
    #[serde(default)]
    unproven: Unproven,
}

/// Criteria as a suite writes them.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum RawCriteria {
    /// The same for all items: each a Jinja template over the item's columns, or
    /// `{ criterion: …, weight: 2, quote: false }`.
    Listed(Vec<RawCriterion>),
    /// Each item's own, from a column that holds a list of texts, or one text with a criterion per
    /// line: `{ column: facts }`.
    Own(Column),
}

/// A column of the dataset.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Column {
    /// Its name.
    column: String,
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
enum RawCriterion {
    /// Its text.
    Text(String),
    /// With all that can be said of it.
    Full(FullCriterion),
}

#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct FullCriterion {
    /// Its text.
    criterion: String,
    /// How much it counts.
    #[serde(default = "one")]
    weight: f64,
    /// Whether a yes needs a quote; what an answer must not do cannot be quoted.
    #[serde(default = "yes")]
    quote: bool,
}

fn one() -> f64 {
    1.0
}

fn yes() -> bool {
    true
}

/// What a yes without proof counts as.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unproven {
    /// As no: what cannot be shown does not count.
    #[default]
    No,
    /// As a grade that cannot be read: the answer has no score.
    Missing,
}

#[derive(Debug)]
pub(crate) struct Facts {
    criteria: Criteria,
    unproven: Unproven,
}

#[derive(Debug)]
enum Criteria {
    Listed(Vec<Criterion>),
    Own(String),
}

#[derive(Debug)]
struct Criterion {
    text: Template,
    weight: f64,
    needs_quote: bool,
}

/// A criterion as it is for one item.
#[derive(Debug)]
struct Fact {
    text: String,
    weight: f64,
    needs_quote: bool,
}

/// What a judge is asked to write.
#[derive(Deserialize)]
struct Reply {
    criteria: Vec<Checked>,
}

#[derive(Deserialize)]
struct Checked {
    id: usize,
    #[serde(default)]
    quote: Value,
    met: bool,
}

impl MetricDefinition for Facts {
    const ABOUT: About = About {
        name: "judge_facts",
        summary: "The share of criteria that the answer meets, as a model judges: each yes needs \
                  a quote that stands in the answer. What cannot be read is missing.",
        range: Range::Unit,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: false,
        model_refs: Judges::MODEL_REFS,
        source: "After checklists of atomic facts, Min et al. 2023 (FActScore, arXiv:2305.14251); \
                 quotes are our own.",
    };
    const READS_OBJECTS: bool = true;
    type Params = JudgeParams<Params>;

    fn compile(params: JudgeParams<Params>) -> Result<Backend, ParamError> {
        let JudgeParams { judges, own: Params { criteria, unproven } } = params;
        let criteria = match criteria {
            RawCriteria::Own(Column { column }) => Criteria::Own(column),
            RawCriteria::Listed(listed) => Criteria::Listed(compiled(listed)?),
        };
        Ok(Backend::Judge(Arc::new(Panel::new(judges, Self { criteria, unproven })?)))
    }
}

fn compiled(listed: Vec<RawCriterion>) -> Result<Vec<Criterion>, ParamError> {
    let complain = |pointer: String, message: &str| ParamError { pointer, message: message.into() };
    if listed.is_empty() {
        return Err(complain("/criteria".to_owned(), "there must be at least one criterion"));
    }
    let one = |(i, raw)| {
        let at = format!("/criteria/{i}");
        let FullCriterion { criterion, weight, quote } = match raw {
            RawCriterion::Full(full) => full,
            RawCriterion::Text(criterion) => {
                FullCriterion { criterion, weight: one(), quote: yes() }
            }
        };
        if !(weight.is_finite() && weight > 0.0) {
            return Err(complain(format!("{at}/weight"), "a weight is a number above 0"));
        }
        let text = template(&at, "criterion", &criterion)?;
        Ok(Criterion { text, weight, needs_quote: quote })
    };
    listed.into_iter().enumerate().map(one).collect()
}

impl Facts {
    /// The criteria for an item.
    fn of(&self, subject: Subject<'_>) -> Result<Vec<Fact>, QuestionError> {
        match &self.criteria {
            Criteria::Listed(listed) => listed.iter().map(|one| one.of(subject)).collect(),
            Criteria::Own(column) => {
                let facts = cell(subject, column)?.map_or(Vec::new(), own);
                if facts.is_empty() {
                    let message = format!("the item's column `{column}` has no criteria");
                    return Err(QuestionError::Lacking(message));
                }
                Ok(facts)
            }
        }
    }

    /// What the judge is to write.
    fn form(facts: &[Fact]) -> String {
        let mut text = "Check the candidate's answer against each of these criteria:\n".to_owned();
        for (i, fact) in facts.iter().enumerate() {
            let quote = if fact.needs_quote { "" } else { " (no quote needed)" };
            let _ = writeln!(text, "{}. {}{quote}", i + 1, fact.text);
        }
        text.push_str(
            "For each, say whether the answer meets it. A criterion that is met needs a quote: the \
             words of the answer that meet it, copied exactly, as short as they prove it. Where \
             nothing in the answer meets it, it is not met and the quote is null. Reply with one \
             JSON object and no other text: {\"criteria\": [{\"id\": 1, \"quote\": \"<words of the \
             answer>\" or null, \"met\": true or false}, …]}, with every criterion once.",
        );
        text
    }
}

impl Criterion {
    fn of(&self, subject: Subject<'_>) -> Result<Fact, QuestionError> {
        let text = self.text.render(subject.fields)?.trim().to_owned();
        Ok(Fact { text, weight: self.weight, needs_quote: self.needs_quote })
    }
}

/// The criteria in a cell: those of a list, or one a line.
fn own(cell: &Value) -> Vec<Fact> {
    let texts: Vec<&str> = match cell {
        Value::Array(list) => list.iter().filter_map(Value::as_str).collect(),
        Value::String(text) => text.lines().collect(),
        _ => Vec::new(),
    };
    let said = texts.into_iter().map(str::trim).filter(|text| !text.is_empty());
    said.map(|text| Fact { text: text.to_owned(), weight: one(), needs_quote: true }).collect()
}

impl Sheet for Facts {
    fn schema(&self, subject: Subject<'_>) -> Value {
        // What cannot be asked is found in `write`.
        let count = self.of(subject).map_or(1, |facts| facts.len());
        let one = object(&json!({
            "id": { "type": "integer" },
            "quote": { "type": ["string", "null"] },
            "met": { "type": "boolean" },
        }));
        let all = json!({ "type": "array", "items": one, "minItems": count, "maxItems": count });
        object(&json!({ "criteria": all }))
    }

    fn write(
        &self,
        subject: Subject<'_>,
        task: &[Message],
    ) -> Result<Vec<Vec<Message>>, QuestionError> {
        let facts = self.of(subject)?;
        let brief = Brief::about(task, &[subject.answer])
            .task()
            .show("The candidate's answer", "ANSWER", subject.answer)
            .say(Self::form(&facts));
        Ok(vec![
            brief.messages(
                "You check answers against criteria. The task and the candidate's answer",
            ),
        ])
    }

    fn read(&self, subject: Subject<'_>, replies: &[&str]) -> Result<Opinion, String> {
        let Reply { criteria } =
            read(subject, "criteria", replies.first().copied().unwrap_or_default())?;
        let facts = self.of(subject).map_err(|error| error.to_string())?;
        let checked = in_order(criteria, facts.len())?;
        // What the judge saw.
        let answer = squeezed(&neutral(subject.answer));
        let (mut met, mut all, mut open) = (0.0, 0.0, Vec::new());
        for (i, (fact, checked)) in facts.iter().zip(&checked).enumerate() {
            all += fact.weight;
            if !checked.met {
                open.push(format!("{} not met", i + 1));
            } else if fact.needs_quote && !stands_in(&checked.quote, &answer) {
                if self.unproven == Unproven::Missing {
                    return Err(format!("the quote for criterion {} is not in the answer", i + 1));
                }
                open.push(format!("{} without a quote from the answer", i + 1));
            } else {
                met += fact.weight;
            }
        }
        let reason = (!open.is_empty()).then(|| bounded(&format!("criteria: {}", open.join(", "))));
        // A sum of weights may round beyond itself.
        Ok(Opinion { value: f64::min(met / all, 1.0), reason, flipped: None })
    }
}

/// The judge's checks in the order of the criteria: every one and no others.
fn in_order(mut checked: Vec<Checked>, n: usize) -> Result<Vec<Checked>, String> {
    checked.sort_by_key(|one| one.id);
    if checked.iter().map(|one| one.id).eq(1..=n) {
        Ok(checked)
    } else {
        Err(format!("the judge did not check each of {n} criteria once"))
    }
}

/// Whether a quote says something and stands in the answer.
fn stands_in(quote: &Value, answer: &str) -> bool {
    let quote = squeezed(quote.as_str().unwrap_or_default());
    quote.contains(char::is_alphanumeric) && answer.contains(&quote)
}

/// Every run of white space as one blank.
fn squeezed(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}
