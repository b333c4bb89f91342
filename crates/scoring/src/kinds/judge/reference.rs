//! `judge_reference`: models of the suite say whether the answer agrees with the target.

use std::sync::Arc;

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
        Brief, JudgeParams, Judges, Opinion, Panel, QuestionError, Sheet, object, read, remark,
        texts,
    },
    kind::{About, Backend, MetricDefinition},
    subject::Subject,
};

/// Parameters of `judge_reference`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// What matters and what does not, such as units or spelling: a Jinja template over the item's
    /// columns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    guidance: Option<String>,
    /// What a partly correct answer scores, from 0 to 1.
    #[serde(default = "half")]
    partial: f64,
}

fn half() -> f64 {
    0.5
}

#[derive(Debug)]
pub(crate) struct Reference {
    guidance: Option<Template>,
    partial: f64,
}

/// What a judge is asked to write.
#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    reason: Value,
    verdict: Verdict,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Verdict {
    Correct,
    Partial,
    Incorrect,
}

impl MetricDefinition for Reference {
    const ABOUT: About = About {
        name: "judge_reference",
        summary: "A model says whether the answer agrees with a target: correct (1), partial or \
                  incorrect (0). What cannot be read is missing.",
        range: Range::Unit,
        direction: Direction::Higher,
        threshold: Some(1.0),
        needs_target: true,
        model_refs: Judges::MODEL_REFS,
        source: "After LLM-as-a-judge, Zheng et al. 2023 (arXiv:2306.05685): reference-guided grading.",
    };
    const READS_OBJECTS: bool = true;
    type Params = JudgeParams<Params>;

    fn compile(params: JudgeParams<Params>) -> Result<Backend, ParamError> {
        let JudgeParams { judges, own: Params { guidance, partial } } = params;
        if !(0.0..=1.0).contains(&partial) {
            let message = format!("a partly correct answer scores from 0 to 1, not {partial}");
            return Err(ParamError { pointer: "/partial".to_owned(), message });
        }
        let guidance = guidance.map(|text| template("/guidance", "guidance", &text)).transpose()?;
        Ok(Backend::Judge(Arc::new(Panel::new(judges, Self { guidance, partial })?)))
    }
}

impl Sheet for Reference {
    fn schema(&self, _subject: Subject<'_>) -> Value {
        object(&json!({
            "reason": { "type": "string" },
            "verdict": { "type": "string", "enum": ["correct", "partial", "incorrect"] },
        }))
    }

    fn write(
        &self,
        subject: Subject<'_>,
        task: &[Message],
    ) -> Result<Vec<Vec<Message>>, QuestionError> {
        if subject.targets.is_empty() {
            return Err(QuestionError::Lacking("the item has no target".to_owned()));
        }
        let shown = [&[subject.answer], &texts(subject.targets)[..]].concat();
        let mut brief = Brief::about(task, &shown);
        if let Some(guidance) = &self.guidance {
            let guidance = guidance.render(subject.fields)?;
            brief = brief.say(format!("What to go by:\n{}", guidance.trim()));
        }
        let brief = brief
            .task()
            .references(subject.targets)
            .show("The candidate's answer", "ANSWER", subject.answer)
            .say(
                "Compare the candidate's answer with the reference: does it say the same? It may \
                 use other words. Where there are several references, agreeing with one is enough. \
                 It is `correct` when it says all that the reference says and contradicts none of \
                 it, `partial` when it says a part and contradicts none of it, and `incorrect` \
                 otherwise. Reply with one JSON object and no other text: {\"reason\": \"<one \
                 sentence>\", \"verdict\": \"correct\" or \"partial\" or \"incorrect\"}.",
            );
        Ok(vec![brief.messages(
            "You compare answers with references. The task, the reference answers and the \
             candidate's answer",
        )])
    }

    fn read(&self, subject: Subject<'_>, replies: &[&str]) -> Result<Opinion, String> {
        let Reply { reason, verdict } =
            read(subject, "verdict", replies.first().copied().unwrap_or_default())?;
        let value = match verdict {
            Verdict::Correct => 1.0,
            Verdict::Partial => self.partial,
            Verdict::Incorrect => 0.0,
        };
        Ok(Opinion { value, reason: remark(&reason), flipped: None })
    }
}
