//! Verdicts as workflow commands: annotations on a GitHub Actions run.

use evalmark_core::{
    policy::{Consequence, Policy},
    verdict::Verdict,
};

use crate::{
    finding::Finding,
    gate_report::{GateReport, ReportedSuite},
    safe_text::printable_line,
};

/// One annotation for each suite, one for each comparison that does not pass, at the line of its prompt, and one for what
/// changed; each on its own line, and what matters most first, as GitHub shows only the first few.
///
/// What fails is an error; what the user's policy lets pass, a warning or a notice.
pub fn github(report: &GateReport) -> String {
    let whole = report.suites.iter().map(|suite| whole(suite, report.policy));
    let findings = report.findings();
    // A suite is told as a whole already.
    let findings = findings.iter().filter(|finding| finding.identity.len() > 1).map(annotation);
    let changed = report.suites.iter().filter_map(|suite| changed(suite.verdict.as_ref()?));
    whole.chain(findings).chain(changed).collect()
}

/// One annotation for why there is no verdict.
pub fn failure(message: &str) -> String {
    let lines: Vec<_> = message.lines().map(|line| printable_line(line).into_owned()).collect();
    command(Consequence::NoVerdict, None, "evalmark gave no verdict", &lines.join("\n"))
}

/// One annotation for each finding, at its line.
pub fn annotations(findings: &[Finding]) -> String {
    findings.iter().map(annotation).collect()
}

fn whole(suite: &ReportedSuite, policy: Policy) -> String {
    let against = suite.verdict.as_ref().map(|verdict| format!(" against {}", verdict.baseline));
    let against = against.unwrap_or_default();
    let says = format!("{} (run {}{against})", suite.says(), suite.run_id);
    let title = format!("{} {}", suite.suite, suite.word());
    command(suite.consequence(policy), None, &title, &printable_line(&says))
}

fn annotation(finding: &Finding) -> String {
    let lines: Vec<_> =
        finding.message.iter().map(|line| printable_line(line).into_owned()).collect();
    let place = finding.place.as_ref().map(|place| {
        let file = property(&printable_line(&place.path));
        let column = finding.column.map(|column| format!(",col={column}")).unwrap_or_default();
        format!("file={file},line={}{column},", place.line.max(1))
    });
    command(finding.consequence, place.as_deref(), &finding.title, &lines.join("\n"))
}

/// What differs from the baseline besides chance.
fn changed(verdict: &Verdict) -> Option<String> {
    let changes = verdict.changes.as_ref().filter(|changes| !changes.is_empty())?;
    let lines: Vec<_> =
        changes.iter().map(|change| printable_line(&change.says).into_owned()).collect();
    let title = format!("{}: changed since the baseline", verdict.suite);
    Some(command(Consequence::Notice, None, &title, &lines.join("\n")))
}

/// A command; `place` says where, and ends in a comma.
fn command(consequence: Consequence, place: Option<&str>, title: &str, message: &str) -> String {
    let level = match consequence {
        Consequence::Pass | Consequence::Notice => "notice",
        Consequence::Warning => "warning",
        Consequence::Failure | Consequence::NoVerdict => "error",
    };
    let (place, title) = (place.unwrap_or_default(), property(&printable_line(title)));
    format!("::{level} {place}title={title}::{}\n", data(message))
}

/// What the runner decodes in a message.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// What the runner decodes in a property.
fn property(text: &str) -> String {
    data(text).replace(':', "%3A").replace(',', "%2C")
}
