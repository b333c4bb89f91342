//! `judge_pairwise`: models of the suite say which of two answers is better, shown in both orders.

use std::sync::Arc;

use evalmark_core::{
    metric::{Direction, ParamError, Range, Reasoning},
    request::Message,
    template::Template,
};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{cell, template};
use crate::{
    json_compare::plain,
    judge::{
        Brief, JudgeParams, Judges, Opinion, Panel, QuestionError, Sheet, object, read, remark,
    },
    kind::{About, Backend, MetricDefinition},
    reasoning,
    subject::Subject,
};

/// Parameters of `judge_pairwise`.
#[derive(Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Params {
    /// What makes one answer better than another: a Jinja template over the item's columns.
    #[serde(default = "helpful")]
    rubric: String,
    /// The other answer: `{ column: NAME }`; default: the item's first target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    against: Option<Against>,
}

fn helpful() -> String {
    "The better answer does what the task asks for: it is right, complete, and says nothing that \
     does not help."
        .to_owned()
}

/// Where the other answer is.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
struct Against {
    /// A column of the dataset.
    column: String,
}

#[derive(Debug)]
pub(crate) struct Pairwise {
    rubric: Template,
    against: Option<String>,
}

/// What a judge is asked to write.
#[derive(Deserialize)]
struct Reply {
    #[serde(default)]
    reason: Value,
    winner: Winner,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
enum Winner {
    A,
    B,
    #[serde(rename = "tie")]
    Tie,
}

impl MetricDefinition for Pairwise {
    const ABOUT: About = About {
        name: "judge_pairwise",
        summary: "A model says whether the answer is better than another: 1, a tie (0.5), or \
                  worse (0). It is asked in both orders; where they disagree it is a tie, and the \
                  run reports how often. What cannot be read is missing.",
        range: Range::Unit,
        direction: Direction::Higher,
        threshold: Some(0.5),
        needs_target: false,
        model_refs: Judges::MODEL_REFS,
        source: "After LLM-as-a-judge, Zheng et al. 2023 (arXiv:2306.05685): pairwise comparison, \
                 position swapping with the conservative rule.",
    };
    const READS_OBJECTS: bool = true;
    type Params = JudgeParams<Params>;

    fn compile(params: JudgeParams<Params>) -> Result<Backend, ParamError> {
        let JudgeParams { judges, own: Params { rubric, against } } = params;
        let rubric = template("/rubric", "rubric", &rubric)?;
        let against = against.map(|against| against.column);
        Ok(Backend::Judge(Arc::new(Panel::new(judges, Self { rubric, against })?)))
    }
}

impl Pairwise {
    /// The answer to compare with.
    fn other(&self, subject: Subject<'_>) -> Result<String, QuestionError> {
        let Some(column) = &self.against else {
            let target = subject.targets.first().cloned();
            return target
                .ok_or_else(|| QuestionError::Lacking("the item has no target".to_owned()));
        };
        let lacking = |how| QuestionError::Lacking(format!("the item's column `{column}` {how}"));
        let other = cell(subject, column)?.map(plain).ok_or_else(|| lacking("is empty"))?;
        if subject.reasoning == Some(Reasoning::Keep) {
            return Ok(other);
        }
        let rest = match reasoning::answer(&other) {
            reasoning::Answer::Whole => None,
            reasoning::Answer::Rest(rest) => Some(rest.into_owned()),
            reasoning::Answer::Endless => return Err(lacking("is reasoning that never ends")),
        };
        Ok(rest.unwrap_or(other))
    }

    fn brief(subject: Subject<'_>, task: &[Message], rubric: &str, pair: [&str; 2]) -> Brief {
        // One fence for both orders, so that nothing but the places differs.
        let mut texts = vec![pair[0], pair[1]];
        texts.sort_by_key(|text| *text != subject.answer);
        Brief::about(task, &texts)
            .say(format!("What makes an answer better:\n{}", rubric.trim()))
            .task()
            .show("Answer A", "ANSWER A", pair[0])
            .show("Answer B", "ANSWER B", pair[1])
            .say(
                "Which answer is better, by what is said above and nothing else? The order means \
                 nothing, and neither does length. Reply with one JSON object and no other text: \
                 {\"reason\": \"<one sentence>\", \"winner\": \"A\" or \"B\" or \"tie\"}.",
            )
    }
}

impl Sheet for Pairwise {
    const CONVERSATIONS: usize = 2;

    fn schema(&self, _subject: Subject<'_>) -> Value {
        object(&json!({
            "reason": { "type": "string" },
            "winner": { "type": "string", "enum": ["A", "B", "tie"] },
        }))
    }

    fn write(
        &self,
        subject: Subject<'_>,
        task: &[Message],
    ) -> Result<Vec<Vec<Message>>, QuestionError> {
        let rubric = self.rubric.render(subject.fields)?;
        let (answer, other) = (subject.answer, self.other(subject)?);
        let in_order = |pair| {
            Self::brief(subject, task, &rubric, pair)
                .messages("You compare two answers to a task. The task and the answers")
        };
        Ok(vec![in_order([answer, &other]), in_order([&other, answer])])
    }

    /// The first reply saw the answer as A, the second as B.
    fn read(&self, subject: Subject<'_>, replies: &[&str]) -> Result<Opinion, String> {
        let reply = |i: usize| {
            read::<Reply>(subject, "winner", replies.get(i).copied().unwrap_or_default())
        };
        let (first, second) = (reply(0)?, reply(1)?);
        let turned = match second.winner {
            Winner::A => Winner::B,
            Winner::B => Winner::A,
            Winner::Tie => Winner::Tie,
        };
        let flipped = first.winner != turned;
        let value = match first.winner {
            _ if flipped => 0.5,
            Winner::A => 1.0,
            Winner::B => 0.0,
            Winner::Tie => 0.5,
        };
        let reason = match (flipped, remark(&first.reason)) {
            (true, _) => Some("the two orders disagree".to_owned()),
            (false, reason) => reason,
        };
        Ok(Opinion { value, reason, flipped: Some(flipped) })
    }
}
