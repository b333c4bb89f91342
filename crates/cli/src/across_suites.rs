//! Several suites in one call: one table over all of them, and one family. The more suites, the more
//! regressions come by chance alone, so that one counts where it survives Holm's correction over the
//! comparisons of all.

use anyhow::{Context, Result};
use evalmark_core::{
    figures::{Written, value},
    verdict::{Answer, Comparison, Measure, Verdict},
};
use evalmark_report::summary::{SummaryRow, read_summary};
use evalmark_runner::Findings;
use evalmark_verdict::holm;

use crate::{
    exit::Exit,
    run_folder::RunFolder,
    table::{figures, wrapped},
};

/// What became of one suite.
pub(crate) struct Ended {
    pub(crate) suite: String,
    pub(crate) exit: Exit,
    rows: Vec<SummaryRow>,
    verdict: Option<Verdict>,
    /// P-values of its comparisons, adjusted over all suites; parallel to the verdict's.
    adjusted: Vec<f64>,
}

impl Ended {
    /// Reads what a run left in its folder; a run that came to no end has nothing there.
    pub(crate) fn read(suite: &str, folder: &RunFolder, exit: Exit) -> Result<Self> {
        let summary = folder.summary();
        let rows = if summary.is_file() { read_summary(&summary)? } else { Vec::new() };
        let verdict = match std::fs::read_to_string(folder.verdict()) {
            Ok(text) => Some(serde_json::from_str(&text).context("the verdict cannot be read")?),
            Err(_) => None,
        };
        let suite = suite.to_owned();
        Ok(Self { suite, exit, rows, verdict, adjusted: Vec::new() })
    }

    fn comparisons(&self) -> &[Comparison] {
        self.verdict.as_ref().map_or(&[], |verdict| &verdict.comparisons)
    }

    /// The end of the suite among the others: a regression that does not survive the correction over
    /// all suites cannot be told from chance.
    fn exit_of_all(&self) -> Exit {
        let survives = self.regressions().any(|(_, adjusted, alpha)| adjusted <= alpha);
        let by_gate = self.regressions().next().is_some();
        if self.exit == Exit::Regressed && by_gate && !survives {
            let answer = Some(Answer::Inconclusive);
            return (&Findings { answer, ..Findings::default() }).into();
        }
        self.exit
    }

    /// The comparisons that regressed within the suite.
    fn regressions(&self) -> impl Iterator<Item = (&Comparison, f64, f64)> {
        let with = self.comparisons().iter().zip(&self.adjusted);
        with.filter(|(one, _)| one.answer == Answer::Regressed)
            .map(|(one, adjusted)| (one, *adjusted, one.alpha))
    }
}

/// Adjusts every comparison's p-value over all suites.
pub(crate) fn adjust(ended: &mut [Ended]) {
    let p_values: Vec<f64> = ended
        .iter()
        .flat_map(|one| one.comparisons().iter().map(|one| one.p_regressed.unwrap_or(1.0)))
        .collect();
    let mut adjusted = holm(&p_values).into_iter();
    for one in ended {
        // No less than within its own suite, where missing answers had their say too.
        let own: Vec<f64> = one
            .comparisons()
            .iter()
            .map(|one| one.p_regressed_adjusted.or(one.p_regressed).unwrap_or(1.0))
            .collect();
        one.adjusted = own.into_iter().zip(&mut adjusted).map(|(own, all)| own.max(all)).collect();
    }
}

/// The end of all suites.
pub(crate) fn exit(ended: &[Ended]) -> Exit {
    ended.iter().fold(Exit::Done, |exit, one| exit.worse(one.exit_of_all()))
}

/// One row for each metric of each suite, and what the correction over all says.
pub(crate) fn render(ended: &[Ended]) -> String {
    let header = ["suite", "prompt · model", "metric", "value", "difference", "alone", "of all"];
    let groups = vec![(String::new(), ended.iter().flat_map(rows).collect())];
    let mut lines = vec![figures(&header, &groups)];
    lines.extend(wrapped("", &says(ended)));
    lines.join("\n")
}

fn rows(ended: &Ended) -> Vec<Vec<String>> {
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
            found.map_or("-".to_owned(), |(one, adjusted)| of(one, *adjusted))
        };
        vec![
            ended.suite.clone(),
            format!("{} · {}", row.prompt, row.model),
            row.metric.clone(),
            mean.unwrap_or_else(|| "no score".to_owned()),
            told(&|one, _| Written::of(one).change.unwrap_or_else(|| "-".to_owned())),
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

fn says(ended: &[Ended]) -> String {
    let n: usize = ended.iter().map(|one| one.comparisons().len()).sum();
    let suites = ended.len();
    if n == 0 {
        return format!("{suites} suites, none of them gated");
    }
    let regressions = || ended.iter().flat_map(Ended::regressions);
    let (alone, survive) =
        (regressions().count(), regressions().filter(|one| one.1 <= one.2).count());
    format!(
        "{suites} suites, {n} comparisons: {alone} regressed within a suite, {survive} of them by \
         Holm over all, which decides the exit code (pass: every comparison at its alpha)"
    )
}
