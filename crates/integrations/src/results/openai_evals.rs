//! OpenAI Evals: the record that `oaieval --record_path FILE.jsonl` writes, one event a line.

use std::collections::HashMap;

use evalmark_core::tool_results::{ToolItem, ToolScore};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{
    Importer, ResultsRequest,
    collect::{Collector, NewAnswer, Place},
    error::ResultsError,
    input::Input,
    text::{moment, text_of, texts_of},
};

pub(super) const IMPORTER: Importer = Importer {
    name: "openai-evals",
    files: "the record of `oaieval … --record_path FILE.jsonl`",
    server: None,
    read,
};

/// A line: what was run, how it ended, or an event.
#[derive(Deserialize)]
struct Line {
    spec: Option<Spec>,
    final_report: Option<Value>,
    sample_id: Option<String>,
    r#type: Option<String>,
    data: Option<Value>,
}

#[derive(Deserialize)]
struct Spec {
    completion_fns: Vec<String>,
    base_eval: Option<String>,
    eval_name: Option<String>,
    created_at: Option<String>,
}

/// The events of one sample.
#[derive(Default)]
struct Sample {
    at: String,
    prompt: Option<Value>,
    output: Option<String>,
    expected: Vec<String>,
    correct: Vec<bool>,
    metrics: Vec<(String, f64)>,
    choice: Option<String>,
    error: Option<String>,
}

fn read(request: &ResultsRequest<'_>, into: &mut Collector) -> Result<(), ResultsError> {
    for path in request.files {
        let input = Input::open(path)?;
        let name = input.name().to_owned();
        let (mut spec, mut is_whole) = (None, false);
        let mut samples: Vec<Sample> = Vec::new();
        let mut places: HashMap<String, usize> = HashMap::new();
        let file = input.json_lines(|number, line: Line| {
            is_whole |= line.final_report.is_some();
            spec = spec.take().or(line.spec);
            if spec.is_none() {
                let message =
                    "comes before the `spec` of a run: it is not a record of OpenAI Evals";
                return Err(ResultsError::at(&name, format!("line {number}"), message));
            }
            let (Some(id), Some(kind)) = (line.sample_id, line.r#type) else { return Ok(()) };
            let place = *places.entry(id).or_insert_with(|| {
                samples.push(Sample { at: format!("line {number}"), ..Sample::default() });
                samples.len() - 1
            });
            samples[place].see(&kind, line.data.unwrap_or_default());
            Ok(())
        });
        let wrong = |error: ResultsError| {
            error.hint("`oaieval … --record_path FILE.jsonl` writes such a file")
        };
        into.file(file.map_err(wrong)?);
        let Some(spec) = spec else {
            return Err(wrong(ResultsError::of_file(&name, "has no `spec` of a run")));
        };
        if !is_whole {
            into.remark(format!("{name} has no final report: the run was broken off"));
        }
        let task = spec.base_eval.or(spec.eval_name);
        into.results.evaluated_at = spec.created_at.as_deref().and_then(moment);
        same_task(task, &name, into)?;
        let model = into.model(spec.completion_fns.first().map_or("model", String::as_str));
        for sample in samples {
            let place = Place::new(&name, &*sample.at);
            sample.take(model, &place, into)?;
        }
    }
    Ok(())
}

fn same_task(task: Option<String>, name: &str, into: &mut Collector) -> Result<(), ResultsError> {
    if let (Some(one), Some(other)) = (&task, &into.results.task)
        && one != other
    {
        let message = format!("is of the eval `{one}`, and the file before it of `{other}`");
        return Err(ResultsError::of_file(name, message).hint("import each eval by itself"));
    }
    into.results.task = task.or(into.results.task.take());
    Ok(())
}

impl Sample {
    fn see(&mut self, kind: &str, data: Value) {
        let Value::Object(mut data) = data else { return };
        match kind {
            // A grader samples after the one that is graded.
            "sampling" if self.prompt.is_none() => {
                self.prompt = data.remove("prompt");
                let sampled = data.get("sampled").map(texts_of).unwrap_or_default();
                self.output = sampled.into_iter().next();
            }
            "match" => {
                self.correct.extend(data.get("correct").and_then(Value::as_bool));
                if self.expected.is_empty() {
                    self.expected = data.get("expected").map(texts_of).unwrap_or_default();
                }
            }
            "metrics" => {
                self.choice = data.get("choice").and_then(text_of).or(self.choice.take());
                let number = |value: &Value| {
                    value.as_f64().or_else(|| value.as_bool().map(|yes| f64::from(u8::from(yes))))
                };
                let numbers =
                    data.iter().filter_map(|(name, value)| Some((name.clone(), number(value)?)));
                self.metrics.extend(numbers);
            }
            "error" => {
                let message = data.get("message").and_then(text_of);
                self.error = message.or_else(|| Some(Value::from(data.clone()).to_string()));
            }
            _ => {}
        }
    }

    /// The sample as an answer. Its id is a position: an item is what was asked and what is expected.
    fn take(self, model: usize, place: &Place, into: &mut Collector) -> Result<(), ResultsError> {
        let Some(asked) = self.prompt else {
            into.leave_out("the sample has no `sampling` event that tells what was asked", place);
            return Ok(());
        };
        let messages = match &asked {
            Value::Array(messages) => messages.iter().filter_map(message).collect(),
            other => text_of(other).map(|text| ("user".to_owned(), text)).into_iter().collect(),
        };
        let fields = Map::from_iter([("prompt".to_owned(), asked)]);
        let item = ToolItem { fields, targets: self.expected, ..ToolItem::default() };
        let prompt = into.prompt("eval", None);
        let mut answer =
            NewAnswer { messages, output: self.output, ..NewAnswer::to(item, prompt, model) };
        if !self.correct.is_empty() {
            let right = self.correct.iter().filter(|correct| **correct).count();
            let share = right as f64 / self.correct.len() as f64;
            let passed = Some(right == self.correct.len());
            let score = ToolScore { passed, ..ToolScore::of(share) };
            answer.scores.push((into.metric("accuracy"), score));
        }
        for (name, value) in self.metrics {
            let score = ToolScore { reason: self.choice.clone(), ..ToolScore::of(value) };
            answer.scores.push((into.metric(&name), score));
        }
        if answer.scores.is_empty() {
            answer
                .fail(self.error.unwrap_or_else(|| "there is no event that scores it".to_owned()));
        }
        into.answer(answer, place)
    }
}

fn message(message: &Value) -> Option<(String, String)> {
    let role = message.get("role")?.as_str()?.to_owned();
    Some((role, message.get("content").and_then(text_of)?))
}
