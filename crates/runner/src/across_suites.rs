//! Several suites in one call are one family. The more suites, the more
//! regressions come by chance alone, so that one counts where it survives Holm's correction over the
//! comparisons of all.

use std::path::PathBuf;

use evalmark_core::{
    number_format::{counted, p_value},
    policy::{Consequence, Policy},
    source_place::SourcePlaces,
    verdict::{Answer, Comparison, Verdict},
};
use evalmark_report::{
    changed_item::BrokenItems,
    gate_report::{GateReport, ReportedSuite},
    summary::{SummaryRow, read_summary},
};
use evalmark_store::{run_folder::RunFolder, run_record::RunRecord};
use evalmark_verdict::holm;

use crate::{
    Ending, Findings, GateOutcome,
    error::Result,
    run::{EndedRun, RunEnd},
    source_places::kept_places,
    told_receivers::RunReceivers,
};

/// What became of one suite.
pub struct EndedSuite {
    /// The suite's name.
    pub suite: String,
    /// The run's name.
    pub run_id: String,
    /// The folder of its run.
    pub run_dir: PathBuf,
    /// Where the suite and its prompts stand in the source tree, if anywhere.
    pub places: Option<SourcePlaces>,
    /// What its ending follows from.
    pub findings: Findings,
    /// Why there is less than was asked for, where that is so.
    pub incomplete: Option<String>,
    /// The rows of `summary.parquet`; none of a run that came to no end.
    pub rows: Vec<SummaryRow>,
    /// Its verdict; `None` where nothing was gated.
    pub verdict: Option<Verdict>,
    /// The first few items that broke, with their texts.
    pub broken: BrokenItems,
    /// P-values of its comparisons, adjusted over all suites; parallel to the verdict's.
    pub adjusted: Vec<f64>,
    /// Who is told of it.
    pub receivers: RunReceivers,
}

impl From<EndedRun> for EndedSuite {
    fn from(run: EndedRun) -> Self {
        let findings = run.findings();
        let EndedRun { folder, record, end, loaded, .. } = run;
        let receivers = RunReceivers::of(loaded.suite.receivers, &record);
        let (rows, outcome, incomplete) = match end {
            RunEnd::Finished { rows, decision } => (rows, decision, record.incomplete.clone()),
            RunEnd::Interrupted => (Vec::new(), None, Some("the run was interrupted".to_owned())),
            RunEnd::BrokenOff(error) => (Vec::new(), None, Some(error.in_full())),
        };
        Self {
            findings,
            rows,
            receivers,
            ..Self::new(&folder, &record, outcome.map(|of| *of), incomplete)
        }
    }
}

impl From<GateOutcome> for EndedSuite {
    /// Two variants or runs that were compared: there is no run of a suite that ended.
    fn from(outcome: GateOutcome) -> Self {
        let (findings, GateOutcome { verdict, broken, .. }) = (outcome.findings(), outcome);
        Self {
            suite: verdict.suite.clone(),
            run_id: verdict.run_id.clone(),
            run_dir: PathBuf::new(),
            places: None,
            findings,
            incomplete: findings.lacks_answers.then(|| LACKS_ANSWERS.to_owned()),
            rows: Vec::new(),
            verdict: Some(verdict),
            broken,
            adjusted: Vec::new(),
            receivers: RunReceivers::default(),
        }
    }
}

/// Why an inconclusive verdict is none.
const LACKS_ANSWERS: &str = "answers are missing";

impl EndedSuite {
    /// A run that was gated after it ended.
    pub(crate) fn gated(folder: &RunFolder, record: &RunRecord, outcome: GateOutcome) -> Self {
        let findings = outcome.findings();
        Self { findings, ..Self::new(folder, record, Some(outcome), None) }
    }

    /// A run that ended earlier, with the verdict that its folder keeps.
    pub(crate) fn kept(
        folder: &RunFolder,
        record: &RunRecord,
        outcome: Option<GateOutcome>,
    ) -> Self {
        let findings = outcome.as_ref().map(GateOutcome::findings).unwrap_or_default();
        Self { findings, ..Self::new(folder, record, outcome, record.incomplete.clone()) }
    }

    /// Reads the summary of a run that was gated after it ended, for the table over all suites.
    pub fn read_rows(&mut self) -> Result<()> {
        let summary = RunFolder { path: self.run_dir.clone() }.summary();
        self.rows = if summary.is_file() { read_summary(&summary)? } else { Vec::new() };
        Ok(())
    }

    fn new(
        folder: &RunFolder,
        record: &RunRecord,
        outcome: Option<GateOutcome>,
        incomplete: Option<String>,
    ) -> Self {
        let of_outcome = outcome.map(Self::from);
        let lacking = of_outcome.as_ref().and_then(|suite| suite.incomplete.clone());
        let (verdict, broken) =
            of_outcome.map(|suite| (suite.verdict, suite.broken)).unwrap_or_default();
        Self {
            suite: record.suite.clone(),
            run_id: record.run_id.clone(),
            run_dir: folder.path.clone(),
            places: Some(kept_places(record)),
            findings: Findings::default(),
            incomplete: incomplete.or(lacking),
            rows: Vec::new(),
            verdict,
            broken,
            adjusted: Vec::new(),
            receivers: RunReceivers::default(),
        }
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

    /// What is found of the suite among the others: a regression that does not survive the correction
    /// over all suites cannot be told from chance.
    fn findings_over_suites(&self) -> Findings {
        let Findings { answer, .. } = self.findings;
        let is_chance = answer == Some(Answer::Regressed)
            && self.n_regressed() > 0
            && self.n_regressed_over_suites() == 0
            && !self.adjusted.is_empty();
        let answer = if is_chance { Some(Answer::Inconclusive) } else { answer };
        Findings { answer, ..self.findings }
    }

    /// Its verdict among the others, in which regressions that may be chance over all suites are inconclusive.
    fn verdict_over_suites(&self, n_comparisons: usize) -> Option<Verdict> {
        let mut verdict = self.verdict.clone()?;
        let n_chance = self.n_regressed() - self.n_regressed_over_suites();
        if self.adjusted.is_empty() || n_chance == 0 {
            return Some(verdict);
        }
        let of_all = counted(n_comparisons as u64, "comparison");
        for (comparison, over) in verdict.comparisons.iter_mut().zip(self.over_suites()) {
            if comparison.answer != over.answer {
                comparison.answer = over.answer;
                comparison.notes.push(format!(
                    "a regression within its suite, but not by Holm's correction over the {of_all} of \
                     all suites ({})",
                    p_value(over.p_regressed)
                ));
            }
        }
        verdict.answer = self.findings_over_suites().answer.unwrap_or(verdict.answer);
        let says = format!(
            "{} not count by Holm's correction over the {of_all} of all suites",
            if n_chance == 1 {
                "1 regression does".to_owned()
            } else {
                format!("{n_chance} regressions do")
            }
        );
        verdict.says = format!("{}; {says}", verdict.says);
        Some(verdict)
    }

    /// Comparisons that regressed within the suite.
    pub fn n_regressed(&self) -> usize {
        self.comparisons().iter().filter(|one| one.answer == Answer::Regressed).count()
    }

    /// Comparisons that regressed, all suites taken into account.
    pub fn n_regressed_over_suites(&self) -> usize {
        self.over_suites().filter(|one| one.answer == Answer::Regressed).count()
    }

    /// Whether it fails by an answer that somebody may pass over: never where answers are missing, or where there is no
    /// verdict.
    pub fn can_be_overridden(&self) -> bool {
        let found = self.findings_over_suites();
        let fails = matches!(found.answer, Some(Answer::Regressed | Answer::Inconclusive));
        fails && !found.lacks_answers && !found.is_incomplete && self.incomplete.is_none()
    }

    /// Its answer over all suites, if the user's policy lets an answer pass that would fail by default.
    pub fn excused(&self, policy: Policy) -> Option<Excused> {
        let found = self.findings_over_suites();
        let answer = found.answer.filter(|_| !found.lacks_answers)?;
        let option = policy.excuse(answer)?;
        let is_warning = policy.consequence(answer) > Consequence::Notice;
        let text = format!("`{}` is {answer}, which does not fail with `{option}`", self.suite);
        Some(Excused { text, is_warning })
    }
}

/// An answer that a user's policy lets pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Excused {
    /// Which, and by what, in a sentence.
    pub text: String,
    /// Whether it is worth a warning, or a remark.
    pub is_warning: bool,
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

/// Adjusts every comparison's p-value over all suites; one suite is its own family.
pub fn adjust_over_suites(ended: &mut [EndedSuite]) {
    if ended.len() < 2 {
        return;
    }
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

/// The end of all suites, by the user's policy.
pub fn ending_of_suites(ended: &[EndedSuite], policy: Policy) -> Ending {
    ended
        .iter()
        .fold(Ending::Done, |ending, one| ending.worse(one.findings_over_suites().ending(policy)))
}

/// All suites as reports show them.
pub fn gate_report(ended: &[EndedSuite], policy: Policy) -> GateReport {
    let n_comparisons = ended.iter().map(|one| one.comparisons().len()).sum();
    let suite = |one: &EndedSuite| ReportedSuite {
        suite: one.suite.clone(),
        run_id: one.run_id.clone(),
        places: one.places.clone(),
        verdict: one.verdict_over_suites(n_comparisons),
        incomplete: one.incomplete.clone(),
    };
    GateReport { suites: ended.iter().map(suite).collect(), policy }
}
