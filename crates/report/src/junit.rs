//! Verdicts as JUnit XML, for CI systems that show test results.

use std::fmt::Write;

use evalmark_core::{
    comparison_text::{ComparisonText, name_of_p_pass, name_of_p_regressed},
    number_format::{count, item_scores, or_none, p_value},
    policy::{Consequence, Policy},
    verdict::{Comparison, Measure, Verdict},
};

use crate::{
    gate_report::{GateReport, ReportedSuite},
    safe_text::acts,
};

/// One test suite for each suite, with one test case per comparison. What follows from its answer decides: it
/// fails, is skipped where it is only warned about, or is an error where there is no verdict.
///
/// Where the whole does not pass though every comparison does, or there is none, a case `gate` says so.
pub fn junit(report: &GateReport) -> String {
    let suites: Vec<_> =
        report.suites.iter().map(|suite| TestSuite::of(suite, report.policy)).collect();
    let sum = |kind| suites.iter().map(|suite| suite.count(kind)).sum::<usize>();
    let (failures, errors) = (sum(Consequence::Failure), sum(Consequence::NoVerdict));
    let tests: usize = suites.iter().map(|suite| suite.cases.len()).sum();
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    // Writing to a string cannot fail.
    let _ = writeln!(
        out,
        r#"<testsuites name="evalmark" tests="{tests}" failures="{failures}" errors="{errors}">"#
    );
    out.extend(suites.iter().map(TestSuite::xml));
    out.push_str("</testsuites>\n");
    out
}

/// One test suite.
struct TestSuite<'a> {
    of: &'a ReportedSuite,
    cases: Vec<Case<'a>>,
}

impl<'a> TestSuite<'a> {
    fn of(suite: &'a ReportedSuite, policy: Policy) -> Self {
        let comparisons = suite.verdict.iter().flat_map(|verdict| &verdict.comparisons);
        let mut cases: Vec<_> =
            comparisons.map(|comparison| compared(comparison, policy)).collect();
        let worst = cases.iter().map(|case| case.consequence).max();
        let whole = suite.consequence(policy);
        if worst.is_none_or(|worst| worst < whole) {
            cases.push(whole_suite(suite, whole));
        }
        Self { of: suite, cases }
    }

    fn count(&self, kind: Consequence) -> usize {
        self.cases.iter().filter(|case| case.consequence == kind).count()
    }

    fn xml(&self) -> String {
        let (name, tests) = (attribute(&self.of.suite), self.cases.len());
        let [failures, errors, skipped] =
            [Consequence::Failure, Consequence::NoVerdict, Consequence::Warning]
                .map(|kind| self.count(kind));
        let mut out = format!(
            "  <testsuite name=\"{name}\" tests=\"{tests}\" failures=\"{failures}\" \
             errors=\"{errors}\" skipped=\"{skipped}\">\n"
        );
        out.extend(self.of.verdict.as_ref().map(properties));
        out.extend(self.cases.iter().map(|case| case.xml(&self.of.suite)));
        out.push_str("  </testsuite>\n");
        out
    }
}

/// The baseline with its digest, and what differs from it besides chance.
fn properties(verdict: &Verdict) -> String {
    let property = |name: &str, value: &str| {
        format!("      <property name=\"{name}\" value=\"{}\"></property>\n", attribute(value))
    };
    let digest = verdict.baseline_digest.iter().map(|digest| {
        property("baseline", &verdict.baseline) + &property("baseline_digest", digest)
    });
    let changes = verdict.changes.iter().flatten();
    let changes = changes.map(|change| property("changed since the baseline", &change.says));
    let list: String = digest.chain(changes).collect();
    if list.is_empty() { list } else { format!("    <properties>\n{list}    </properties>\n") }
}

/// One test case.
struct Case<'a> {
    class: String,
    name: &'a str,
    answer: &'static str,
    consequence: Consequence,
    says: String,
    details: String,
}

impl Case<'_> {
    fn xml(&self, suite: &str) -> String {
        let class = attribute(&format!("{suite}{}", self.class));
        let (name, answer) = (attribute(self.name), self.answer);
        let (says, details) = (attribute(&self.says), content(&self.details));
        let element = match self.consequence {
            Consequence::Pass | Consequence::Notice => "system-out",
            Consequence::Warning => "skipped",
            Consequence::Failure => "failure",
            Consequence::NoVerdict => "error",
        };
        let about = if element == "system-out" {
            String::new()
        } else {
            format!(r#" type="{answer}" message="{says}""#)
        };
        format!(
            "    <testcase classname=\"{class}\" name=\"{name}\">\n      \
             <{element}{about}>{details}</{element}>\n    </testcase>\n"
        )
    }
}

fn compared(comparison: &Comparison, policy: Policy) -> Case<'_> {
    let Comparison { prompt, model, metric, answer, says, .. } = comparison;
    Case {
        class: format!(".{prompt}.{model}"),
        name: metric,
        answer: answer.as_str(),
        consequence: policy.consequence(*answer),
        says: says.clone(),
        details: details(comparison),
    }
}

fn whole_suite(suite: &ReportedSuite, consequence: Consequence) -> Case<'_> {
    let (answer, says) = (suite.word(), suite.says());
    let baseline =
        suite.verdict.as_ref().map(|verdict| format!("\nbaseline: {}", verdict.baseline));
    let baseline = baseline.unwrap_or_default();
    let details = format!("{answer}: {says}\nrun: {}{baseline}", suite.run_id);
    // What was not gated did not pass.
    let consequence =
        if suite.verdict.is_none() { consequence.max(Consequence::Warning) } else { consequence };
    Case { class: String::new(), name: "gate", answer, consequence, says, details }
}

fn details(comparison: &Comparison) -> String {
    let Comparison { answer, says, notes, counts, .. } = comparison;
    let mut lines = vec![format!("{answer}: {says}")];
    lines.extend(notes.iter().map(|note| format!("note: {note}")));
    let text = ComparisonText::of(comparison);
    let p_regressed = comparison.p_regressed_adjusted.or(comparison.p_regressed);
    let (no_drop, drop) = (name_of_p_regressed(comparison), name_of_p_pass(comparison));
    let bounds = or_none(text.bounds());
    let figures = [
        ("baseline", or_none(text.baseline)),
        ("candidate", or_none(text.candidate)),
        (text.label, or_none(text.change)),
        ("bounds", bounds),
        (comparison.margin_name(), text.margin),
        (&no_drop, or_none(p_regressed.map(p_value))),
        (&drop, or_none(comparison.p_pass.map(p_value))),
        ("method", comparison.method.clone()),
        ("paired items", count(counts.paired)),
        ("missing in baseline", count(counts.baseline_missing)),
        ("missing in candidate", count(counts.candidate_missing)),
    ];
    lines.extend(figures.into_iter().map(|(name, figure)| format!("{name}: {figure}")));
    lines.extend(flipped(comparison));
    lines.join("\n")
}

/// How many items a case names.
const NAMED_FLIPS: usize = 10;

/// Items whose score differs, the worst first.
fn flipped(comparison: &Comparison) -> Vec<String> {
    let Comparison { flips, n_flips, range, measure, .. } = comparison;
    if flips.is_empty() || *measure == Measure::Ratio {
        return Vec::new();
    }
    let mut lines = vec![format!("flipped items: {}", count(*n_flips))];
    lines.extend(flips.iter().take(NAMED_FLIPS).map(|flip| {
        let [before, after] = item_scores([flip.baseline, flip.candidate], *range);
        // A text of several lines must not look like another line of figures.
        format!("  {} ({before} -> {after})", flip.item_id.replace('\n', "\\n"))
    }));
    let rest = n_flips.saturating_sub(flips.len().min(NAMED_FLIPS) as u64);
    if rest > 0 {
        lines.push(format!("  and {} more", count(rest)));
    }
    lines
}

/// Text between tags.
fn content(text: &str) -> String {
    escape(text, |c| matches!(c, '\n' | '\t'))
}

/// Text between double quotes, on one line.
fn attribute(text: &str) -> String {
    escape(text, |_| false)
}

/// Markup becomes entities; what XML forbids, and what would act on the reader, becomes `\u{…}`.
fn escape(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text.chars();
    while let Some(c) = rest.next() {
        match c {
            // Two of them begin a command in the logs of some CI systems.
            '#' if rest.as_str().starts_with('#') => out.push_str("&#35;"),
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&apos;"),
            c if keep(c) => out.push(c),
            c if acts(c) || matches!(c, '\u{fffe}' | '\u{ffff}') => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    out
}
