//! A verdict as JUnit XML, for CI systems that show test results.

use std::fmt::Write;

use evalmark_core::verdict::{Answer, Comparison, Verdict};

use crate::{
    figures::{bounds, count, estimate, p_value, score},
    text::acts,
};

/// One test case per comparison. What does not pass fails: `inconclusive` too, for a gate never goes
/// green on it; `incomparable` is an error.
///
/// Where the whole did not pass though every comparison did, or there is none, a case `gate` says so.
pub fn junit(verdict: &Verdict) -> String {
    let mut cases: Vec<_> = verdict.comparisons.iter().map(compared).collect();
    if cases.iter().all(|case| case.answer.passes()) && !verdict.answer.passes() || cases.is_empty()
    {
        cases.push(whole(verdict));
    }
    let errors = cases.iter().filter(|case| case.answer == Answer::Incomparable).count();
    let failures = cases.iter().filter(|case| !case.answer.passes()).count() - errors;
    let (name, tests) = (attribute(&verdict.suite), cases.len());
    let sums = format!(r#"tests="{tests}" failures="{failures}" errors="{errors}""#);
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, r#"<testsuites name="evalmark" {sums}>"#);
    let _ = writeln!(out, r#"  <testsuite name="{name}" {sums} skipped="0">"#);
    if let Some(digest) = &verdict.baseline_digest {
        let (baseline, digest) = (attribute(&verdict.baseline), attribute(digest));
        let property =
            |name, value: &str| format!(r#"<property name="{name}" value="{value}"></property>"#);
        let both = property("baseline", &baseline) + &property("baseline_digest", &digest);
        let _ = writeln!(out, "    <properties>{both}</properties>");
    }
    out.extend(cases.iter().map(|case| case.xml(&verdict.suite)));
    out.push_str("  </testsuite>\n</testsuites>\n");
    out
}

/// One test case.
struct Case<'a> {
    class: String,
    name: &'a str,
    answer: Answer,
    says: &'a str,
    details: String,
}

impl Case<'_> {
    fn xml(&self, suite: &str) -> String {
        let class = attribute(&format!("{suite}{}", self.class));
        let (name, answer) = (attribute(self.name), self.answer.as_str());
        let (says, details) = (attribute(self.says), content(&self.details));
        let element = match self.answer {
            Answer::Improved | Answer::Pass => "system-out",
            Answer::Inconclusive | Answer::Regressed => "failure",
            Answer::Incomparable => "error",
        };
        let about = if self.answer.passes() {
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

fn compared(comparison: &Comparison) -> Case<'_> {
    let Comparison { prompt, model, metric, answer, says, .. } = comparison;
    Case {
        class: format!(".{prompt}.{model}"),
        name: metric,
        answer: *answer,
        says,
        details: details(comparison),
    }
}

fn whole(verdict: &Verdict) -> Case<'_> {
    let Verdict { run_id, baseline, answer, says, .. } = verdict;
    let details = format!("{answer}: {says}\nrun: {run_id}\nbaseline: {baseline}");
    Case { class: String::new(), name: "gate", answer: *answer, says, details }
}

fn details(comparison: &Comparison) -> String {
    let Comparison { answer, says, notes, counts, .. } = comparison;
    let mut lines = vec![format!("{answer}: {says}")];
    lines.extend(notes.iter().map(|note| format!("note: {note}")));
    let figures = [
        ("baseline", score(comparison.baseline_mean)),
        ("candidate", score(comparison.candidate_mean)),
        ("difference", estimate(comparison)),
        ("bounds", bounds(comparison)),
        ("margin", score(Some(comparison.margin))),
        ("p(regressed)", p_value(comparison.p_regressed_adjusted.or(comparison.p_regressed))),
        ("p(pass)", p_value(comparison.p_pass)),
        ("method", comparison.method.clone()),
        ("paired items", count(counts.paired)),
        ("missing in baseline", count(counts.baseline_missing)),
        ("missing in candidate", count(counts.candidate_missing)),
    ];
    lines.extend(figures.into_iter().map(|(name, figure)| format!("{name}: {figure}")));
    lines.join("\n")
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
    for c in text.chars() {
        match c {
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
