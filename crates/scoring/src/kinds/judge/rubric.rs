//! `judge`: models of the suite grade the answer by a rubric.

use std::{fmt::Write, sync::Arc};

use evalmark_core::{
    metric::{Direction, ParamError, Range},
    request::Message,
    template::Template,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::template;
use crate::{
    judge::{
        Brief, Grade, JudgeParams, Judges, Opinion, Panel, QuestionError, RawScale, Scale, Sheet,
        object, read, remark, texts,
    },
    kind::{About, Backend, MetricDefinition},
    subject::Subject,
};

/// Parameters of `judge`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// What a good answer is: a Jinja template over the item's columns.
    rubric: String,
    /// The grades the judge may give; they are mapped to [0, 1].
    #[serde(default)]
    scale: RawScale,
    /// Graded answers as examples.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    examples: Vec<Example>,
}

/// A graded answer.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Example {
    /// The answer.
    answer: String,
    /// The grade it deserves, on the scale.
    grade: f64,
    /// Why it deserves that grade.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
}

#[derive(Debug)]
pub(crate) struct Rubric {
    criteria: Template,
    scale: Scale,
    examples: Vec<Example>,
}

/// What a judge is asked to write. A second `grade` is an error; other keys do no harm.
#[derive(Deserialize)]
struct Reply {
    grade: Grade,
    #[serde(default)]
    reason: Value,
}

impl MetricDefinition for Rubric {
    const ABOUT: About = About {
        name: "judge",
        summary: "A model grades the answer by a rubric. A grade that cannot be read is missing.",
        range: Range::Unit,
        direction: Direction::Higher,
        threshold: Some(0.5),
        needs_target: false,
        model_refs: Judges::MODEL_REFS,
        source: "After LLM-as-a-judge, Zheng et al. 2023 (arXiv:2306.05685): single-answer grading.",
    };
    const READS_OBJECTS: bool = true;
    type Params = JudgeParams<Params>;

    fn compile(params: JudgeParams<Params>) -> Result<Backend, ParamError> {
        let JudgeParams { judges, own: Params { rubric, scale, examples } } = params;
        let complain = |pointer: String, message| ParamError { pointer, message };
        let rubric = template("/rubric", "rubric", &rubric)?;
        let scale = Scale::new(scale).map_err(|message| complain("/scale".to_owned(), message))?;
        for (i, example) in examples.iter().enumerate() {
            let placed = scale.place(example.grade);
            placed.map_err(|message| complain(format!("/examples/{i}/grade"), message))?;
        }
        Ok(Backend::Judge(Arc::new(Panel::new(
            judges,
            Self { criteria: rubric, scale, examples },
        )?)))
    }
}

impl Sheet for Rubric {
    fn schema(&self, _subject: Subject<'_>) -> Value {
        object(&json!({ "grade": self.scale.schema(), "reason": { "type": "string" } }))
    }

    fn write(
        &self,
        subject: Subject<'_>,
        task: &[Message],
    ) -> Result<Vec<Vec<Message>>, QuestionError> {
        let rubric = self.criteria.render(subject.fields)?;
        let shown = [&[subject.answer], &texts(subject.targets)[..]].concat();
        let mut brief = Brief::about(task, &shown).say(format!("Rubric:\n{}", rubric.trim()));
        if !self.examples.is_empty() {
            brief = brief.say(self.graded());
        }
        let brief = brief
            .task()
            .references(subject.targets)
            .show("The candidate's answer", "ANSWER", subject.answer)
            .say(self.form());
        Ok(vec![brief.messages(
            "You grade answers by a rubric. The task, the reference answers and the candidate's \
             answer",
        )])
    }

    fn read(&self, subject: Subject<'_>, replies: &[&str]) -> Result<Opinion, String> {
        let Reply { grade, reason } =
            read(subject, "grade", replies.first().copied().unwrap_or_default())?;
        let value = self.scale.place(grade.on(&self.scale)?)?;
        Ok(Opinion { value, reason: remark(&reason), flipped: None })
    }
}

impl Rubric {
    /// The examples, each with the reply that it deserves.
    fn graded(&self) -> String {
        let mut text = "Answers that were graded by this rubric:".to_owned();
        for Example { answer, grade, reason } in &self.examples {
            let mut reply = json!({ "grade": grade });
            if let Some(reason) = reason {
                reply["reason"] = json!(reason);
            }
            let _ = write!(text, "\n\nAnswer:\n{answer}\nReply:\n{reply}");
        }
        text
    }

    /// What the judge is to write. It stands last, after all that the candidate may have written.
    fn form(&self) -> String {
        format!(
            "Grade the candidate's answer by the rubric and nothing else. Reply with one JSON \
             object and no other text: {{\"grade\": <number>, \"reason\": \"<one sentence>\"}}. \
             The grade is {}; higher is better.",
            self.scale
        )
    }
}
