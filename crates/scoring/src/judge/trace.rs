//! What is kept of the judges' side of a score.

use evalmark_core::score::JudgeTrace;
use serde_json::{Value, json};

use super::{panel::Opinion, question::JudgeReply};

/// Who was asked, what they wrote, and what that took; `per_opinion` replies make one opinion.
pub(crate) fn trace(
    models: &[String],
    opinions: &[Vec<Result<Opinion, String>>],
    replies: &[JudgeReply],
    per_opinion: usize,
) -> JudgeTrace {
    let output = match replies {
        [reply] => reply.record.output.clone(),
        _ => Some(written(models, opinions, replies, per_opinion).to_string()),
    };
    JudgeTrace { output, ..usage(models, replies) }
}

/// Who was asked, and what that took.
pub(crate) fn usage(models: &[String], replies: &[JudgeReply]) -> JudgeTrace {
    JudgeTrace {
        model: models.join(", "),
        tokens: replies.iter().filter_map(JudgeReply::tokens).reduce(u64::saturating_add),
        cost_usd: replies.iter().filter_map(|reply| reply.cost_usd).reduce(|a, b| a + b),
        ..JudgeTrace::default()
    }
}

fn written(
    models: &[String],
    opinions: &[Vec<Result<Opinion, String>>],
    replies: &[JudgeReply],
    per_opinion: usize,
) -> Value {
    let mut outputs = replies.chunks(per_opinion);
    let mut rows = Vec::new();
    for (model, said) in models.iter().zip(opinions) {
        for opinion in said {
            let texts = outputs.next().unwrap_or_default().iter();
            let texts: Vec<_> = texts.map(|reply| &reply.record.output).collect();
            let grade = opinion.as_ref().ok().map(|opinion| opinion.value);
            rows.push(json!({ "judge": model, "grade": grade, "outputs": texts }));
        }
    }
    Value::Array(rows)
}
