//! Verdicts as workflow commands: annotations on a GitHub Actions run.

use evalmark_core::{
    policy::{Consequence, Policy},
    verdict::{Comparison, Verdict},
};

use crate::{
    gate_report::{GateReport, ReportedSuite},
    safe_text::printable_line,
};

/// One annotation per comparison, and one for each suite, each on its own line.
///
/// What fails is an error; what the user's policy lets pass, a warning or a notice.
pub fn github(report: &GateReport) -> String {
    report.suites.iter().map(|suite| of_suite(suite, report.policy)).collect()
}

fn of_suite(suite: &ReportedSuite, policy: Policy) -> String {
    let whole = whole(suite, policy);
    let Some(verdict) = &suite.verdict else { return whole };
    let comparisons = verdict.worst_first().into_iter().map(|one| compared(one, policy));
    comparisons.chain(changed(verdict)).chain([whole]).collect()
}

fn whole(suite: &ReportedSuite, policy: Policy) -> String {
    let against = suite.verdict.as_ref().map(|verdict| format!(" against {}", verdict.baseline));
    let against = against.unwrap_or_default();
    let says = format!("{} (run {}{against})", suite.says(), suite.run_id);
    let title = format!("{} {}", suite.suite, suite.word());
    command(suite.consequence(policy), &title, &printable_line(&says))
}

/// What differs from the baseline besides chance.
fn changed(verdict: &Verdict) -> Option<String> {
    let changes = verdict.changes.as_ref().filter(|changes| !changes.is_empty())?;
    let lines: Vec<_> =
        changes.iter().map(|change| printable_line(&change.says).into_owned()).collect();
    let title = format!("{}: changed since the baseline", verdict.suite);
    Some(command(Consequence::Notice, &title, &lines.join("\n")))
}

fn compared(comparison: &Comparison, policy: Policy) -> String {
    let Comparison { prompt, model, metric, answer, says, notes, .. } = comparison;
    let title = format!("{prompt} / {model} / {metric} {answer}");
    let lines: Vec<_> =
        std::iter::once(says).chain(notes).map(|line| printable_line(line).into_owned()).collect();
    command(policy.consequence(*answer), &title, &lines.join("\n"))
}

fn command(consequence: Consequence, title: &str, message: &str) -> String {
    let level = match consequence {
        Consequence::Pass | Consequence::Notice => "notice",
        Consequence::Warning => "warning",
        Consequence::Failure | Consequence::NoVerdict => "error",
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
