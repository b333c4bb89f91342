//! What became of a suite's models when each was asked one question.

use evalmark_core::{
    model::AskMode,
    number_format::{dollars, or_none},
    record::{Outcome, Record},
    request::Task,
};
use evalmark_report::safe_text::printable_line;
use evalmark_runner::{ProbeOutcome, ProbedModel, answered_by};

use crate::{Screen, Tone, failures::place};

/// A paragraph for each model.
pub fn render(probed: &[ProbedModel], screen: Screen) -> String {
    let told = probed.iter().map(|one| {
        let (tone, word, told) = match &one.outcome {
            ProbeOutcome::Recorded => {
                (Tone::Faint, "recorded", "its answers are there already".to_owned())
            }
            ProbeOutcome::NotAsked(problem) => (Tone::Bad, "not asked", problem.clone()),
            ProbeOutcome::Asked(record) => {
                let tone = if record.has_answer() { Tone::Good } else { Tone::Bad };
                (tone, record.outcome.as_str(), of_record(one, record))
            }
        };
        let head = format!("{}: {}", printable_line(&place(&one.model)), screen.paint(tone, word));
        let body = screen.wrap("  ", &printable_line(&told));
        format!("{head}\n{}", body.join("\n"))
    });
    told.collect::<Vec<_>>().join("\n")
}

fn of_record(one: &ProbedModel, record: &Record) -> String {
    if let Some(failure) = &record.failure {
        return format!("{}: {}", failure.kind.as_str(), failure.message);
    }
    let mut facts = Vec::new();
    facts.extend(record.timing.latency_ms.map(|latency| format!("{latency:.0} ms")));
    let count = |tokens: Option<u64>| or_none(tokens.map(|tokens| tokens.to_string()));
    let (input, output) = (record.usage.input_tokens, record.usage.output_tokens);
    facts.push(format!("{} tokens in, {} out", count(input), count(output)));
    facts.extend(one.cost_usd().map(dollars));
    facts.extend(
        record.finish_reason.as_ref().map(|reason| format!("ended by {}", reason.as_str())),
    );
    facts.push(format!("answered by {}", answered_by(&one.model, record)));
    if one.model.mode == AskMode::Batch {
        facts.push("asked directly, where a run asks in batches".to_owned());
    }
    let output = record.output.as_deref().unwrap_or_default();
    facts.push(match (one.task, record.outcome) {
        (Task::Embedding, _) => "a vector".to_owned(),
        (Task::Chat, Outcome::Answered) if output.trim().is_empty() => "an empty text".to_owned(),
        (Task::Chat, _) => format!("“{}”", short(output)),
    });
    facts.join(", ")
}

/// The beginning of an answer.
fn short(output: &str) -> String {
    const MOST: usize = 60;
    let mut text: String = output.chars().take(MOST).collect();
    if text.len() < output.len() {
        text.push('…');
    }
    text
}
