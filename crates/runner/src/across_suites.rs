//! Several suites in one call are one family. The more suites, the more
//! regressions come by chance alone, so that one counts where it survives Holm's correction over the
//! comparisons of all.

use std::path::PathBuf;

use evalmark_core::verdict::{Answer, Comparison, Verdict};
use evalmark_report::summary::{SummaryRow, read_summary};
use evalmark_store::run_folder::RunFolder;
use evalmark_verdict::holm;

use crate::{
    Ending, Findings,
    error::{Hinted, Result},
};

/// What became of one suite.
pub struct EndedSuite {
    /// The suite's name.
    pub suite: String,
    /// The folder of its run.
    pub run_dir: PathBuf,
    /// How its run ended.
    pub ending: Ending,
    /// The rows of `summary.parquet`.
    pub rows: Vec<SummaryRow>,
    /// Its verdict; `None` where nothing was gated.
    pub verdict: Option<Verdict>,
    /// P-values of its comparisons, adjusted over all suites; parallel to the verdict's.
    pub adjusted: Vec<f64>,
}

impl EndedSuite {
    /// Reads what a run left in its folder; a run that came to no end has nothing there.
    pub fn read(suite: &str, folder: &RunFolder, ending: Ending) -> Result<Self> {
        let summary = folder.summary();
        let rows = if summary.is_file() { read_summary(&summary)? } else { Vec::new() };
        let verdict = match std::fs::read_to_string(folder.verdict()) {
            Ok(text) => Some(serde_json::from_str(&text).context("the verdict cannot be read")?),
            Err(_) => None,
        };
        let (suite, run_dir) = (suite.to_owned(), folder.path.clone());
        Ok(Self { suite, run_dir, ending, rows, verdict, adjusted: Vec::new() })
    }

    /// Its comparisons; none without a verdict.
    pub fn comparisons(&self) -> &[Comparison] {
        self.verdict.as_ref().map_or(&[], |verdict| &verdict.comparisons)
    }

    /// Its comparisons with their answers once all suites are taken into account.
    pub fn over_suites(&self) -> impl Iterator<Item = OverSuites<'_>> {
        self.comparisons().iter().zip(&self.adjusted).map(|(comparison, &p_regressed)| {
            let is_chance =
                comparison.answer == Answer::Regressed && p_regressed > comparison.alpha;
            let answer = if is_chance { Answer::Inconclusive } else { comparison.answer };
            OverSuites { comparison, p_regressed, answer }
        })
    }

    /// The end of the suite among the others: a regression that does not survive the correction over
    /// all suites cannot be told from chance.
    fn ending_of_all(&self) -> Ending {
        let survives = self.over_suites().any(|one| one.answer == Answer::Regressed);
        let by_gate = self.n_regressed() > 0;
        if self.ending == Ending::Regressed && by_gate && !survives {
            let answer = Some(Answer::Inconclusive);
            return (&Findings { answer, ..Findings::default() }).into();
        }
        self.ending
    }

    /// Comparisons that regressed within the suite.
    pub fn n_regressed(&self) -> usize {
        self.comparisons().iter().filter(|one| one.answer == Answer::Regressed).count()
    }

    /// Comparisons that regressed, all suites taken into account.
    pub fn n_regressed_over_suites(&self) -> usize {
        self.over_suites().filter(|one| one.answer == Answer::Regressed).count()
    }
}

/// A comparison among those of all suites.
#[derive(Clone, Copy, Debug)]
pub struct OverSuites<'a> {
    /// As its own suite decided it.
    pub comparison: &'a Comparison,
    /// The p-value of a regression, adjusted over all suites.
    pub p_regressed: f64,
    /// The answer over all suites.
    pub answer: Answer,
}

/// Adjusts every comparison's p-value over all suites.
pub fn adjust_over_suites(ended: &mut [EndedSuite]) {
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
pub fn ending_of_suites(ended: &[EndedSuite]) -> Ending {
    ended.iter().fold(Ending::Done, |ending, one| ending.worse(one.ending_of_all()))
}
