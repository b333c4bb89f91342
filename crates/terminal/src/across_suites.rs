//! Several suites in one call: one table over all of them.

use evalmark_core::{
    comparison_text::ComparisonText,
    number_format::{NONE, or_none, value},
    verdict::{Answer, Comparison, Measure},
};
use evalmark_report::summary::SummaryRow;
use evalmark_runner::EndedSuite;

use crate::{Screen, variant_tables::figures};

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
        let is_it = |one: &&(&Comparison, &f64)| {
            (&one.0.prompt, &one.0.model, &one.0.metric) == (&row.prompt, &row.model, &row.metric)
                && one.0.measure != Measure::Level
        };
        let mut all = ended.comparisons().iter().zip(&ended.adjusted);
        let found = all.find(|one| is_it(&one));
        let mean = row.estimate.as_ref().map(|estimate| value(estimate.mean, row.range));
        let told = |of: &dyn Fn(&Comparison, f64) -> String| {
            found.map_or(NONE.to_owned(), |(one, adjusted)| of(one, *adjusted))
        };
        vec![
            ended.suite.clone(),
            format!("{} · {}", row.prompt, row.model),
            row.metric.clone(),
            mean.unwrap_or_else(|| "no score".to_owned()),
            told(&|one, _| or_none(ComparisonText::of(one).change)),
            told(&|one, _| one.answer.as_str().to_owned()),
            told(&|one, adjusted| of_all(one, adjusted).to_owned()),
        ]
    };
    whole.map(row).collect()
}

/// The answer once all suites are taken into account.
fn of_all(comparison: &Comparison, adjusted: f64) -> &'static str {
    match comparison.answer {
        Answer::Regressed if adjusted > comparison.alpha => Answer::Inconclusive.as_str(),
        answer => answer.as_str(),
    }
}

fn says(ended: &[EndedSuite]) -> String {
    let n: usize = ended.iter().map(|one| one.comparisons().len()).sum();
    let suites = ended.len();
    if n == 0 {
        return format!("{suites} suites, none of them gated");
    }
    let regressions = || ended.iter().flat_map(EndedSuite::regressions);
    let (alone, survive) =
        (regressions().count(), regressions().filter(|one| one.1 <= one.2).count());
    format!(
        "{suites} suites, {n} comparisons: {alone} regressed within a suite, {survive} of them by \
         Holm over all, which decides the exit code (pass: every comparison at its alpha)"
    )
}
