//! Several suites in one call: one table over all of them.

use evalmark_core::{
    comparison_text::ComparisonText,
    number_format::{NONE, or_none, value},
    verdict::{Comparison, Measure},
};
use evalmark_report::{safe_text::printable, summary::SummaryRow};
use evalmark_runner::{EndedSuite, OverSuites};

use crate::{Screen, variant_tables::figures, verdict};

/// Each verdict, and of several suites what all come to.
pub fn verdicts(ended: &[EndedSuite], screen: Screen) -> String {
    let text = |one: &EndedSuite| {
        let verdict = one.verdict.as_ref()?;
        let text = verdict::render(verdict, one.findings.lacks_answers, &one.broken, screen);
        Some(if ended.len() > 1 { format!("{}\n{text}\n", printable(&one.suite)) } else { text })
    };
    let mut parts: Vec<_> = ended.iter().filter_map(text).collect();
    if ended.len() > 1 {
        parts.push(render(ended, screen));
    }
    parts.join("\n")
}

/// One row for each metric of each suite, and what the correction over all says.
pub fn render(ended: &[EndedSuite], screen: Screen) -> String {
    let header = ["suite", "prompt · model", "metric", "value", "difference", "alone", "of all"];
    let groups = vec![(String::new(), ended.iter().flat_map(rows).collect())];
    let mut lines = vec![figures(&header, 3, &groups, screen)];
    lines.extend(screen.wrap("", &says(ended)));
    lines.join("\n")
}

fn rows(ended: &EndedSuite) -> Vec<Vec<String>> {
    let whole = ended.rows.iter().filter(|row| row.slice.is_none());
    let row = |row: &SummaryRow| {
        let is_it = |one: &Comparison| {
            (&one.prompt, &one.model, &one.metric) == (&row.prompt, &row.model, &row.metric)
                && one.measure != Measure::Level
        };
        let found = ended.over_suites().find(|one| is_it(one.comparison));
        let mean = row.estimate.as_ref().map(|estimate| value(estimate.mean, row.range));
        let told =
            |of: &dyn Fn(&OverSuites<'_>) -> String| found.as_ref().map_or(NONE.to_owned(), of);
        vec![
            ended.suite.clone(),
            format!("{} · {}", row.prompt, row.model),
            row.metric.clone(),
            mean.unwrap_or_else(|| "no score".to_owned()),
            told(&|one| or_none(ComparisonText::of(one.comparison).change)),
            told(&|one| one.comparison.answer.as_str().to_owned()),
            told(&|one| one.answer.as_str().to_owned()),
        ]
    };
    whole.map(row).collect()
}

fn says(ended: &[EndedSuite]) -> String {
    let n: usize = ended.iter().map(|one| one.comparisons().len()).sum();
    let suites = ended.len();
    if n == 0 {
        return format!("{suites} suites, none of them gated");
    }
    let alone: usize = ended.iter().map(EndedSuite::n_regressed).sum();
    let survive: usize = ended.iter().map(EndedSuite::n_regressed_over_suites).sum();
    format!(
        "{suites} suites, {n} comparisons: {alone} regressed within a suite, {survive} of them by \
         Holm over all, which decides the exit code (pass: every comparison at its alpha)"
    )
}
