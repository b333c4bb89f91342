//! A verdict as workflow commands: annotations on a GitHub Actions run.

use evalmark_core::verdict::{Answer, Comparison, Verdict};

use crate::safe_text::printable_line;

/// One annotation per comparison, and one for the whole, each on its own line.
///
/// `regressed` and `incomparable` are errors, `inconclusive` is a warning, the rest are notices.
pub fn github(verdict: &Verdict) -> String {
    let whole = annotation(
        verdict.answer,
        &format!("{} {}", verdict.suite, verdict.answer),
        &format!("{} (run {} against {})", verdict.says, verdict.run_id, verdict.baseline),
    );
    let changed = changed(verdict);
    let comparisons = verdict.worst_first().into_iter().map(compared);
    comparisons.chain(changed).chain([whole]).collect()
}

/// What differs from the baseline besides chance.
fn changed(verdict: &Verdict) -> Option<String> {
    let changes = verdict.changes.as_ref().filter(|changes| !changes.is_empty())?;
    let lines: Vec<_> =
        changes.iter().map(|change| printable_line(&change.says).into_owned()).collect();
    let title = format!("{}: changed since the baseline", verdict.suite);
    Some(command(Answer::Pass, &title, &lines.join("\n")))
}

fn compared(comparison: &Comparison) -> String {
    let Comparison { prompt, model, metric, answer, says, notes, .. } = comparison;
    let title = format!("{prompt} / {model} / {metric} {answer}");
    let lines: Vec<_> =
        std::iter::once(says).chain(notes).map(|line| printable_line(line).into_owned()).collect();
    command(*answer, &title, &lines.join("\n"))
}

fn annotation(answer: Answer, title: &str, says: &str) -> String {
    command(answer, title, &printable_line(says))
}

fn command(answer: Answer, title: &str, message: &str) -> String {
    let level = match answer {
        Answer::Improved | Answer::Pass => "notice",
        Answer::Inconclusive => "warning",
        Answer::Regressed | Answer::Incomparable => "error",
    };
    format!("::{level} title={}::{}\n", property(&printable_line(title)), data(message))
}

/// What the runner decodes in a message.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What the runner decodes in a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
