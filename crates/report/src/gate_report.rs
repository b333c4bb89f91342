//! What a gate's reports are about: the verdicts of one call, and what its user makes of them.

use evalmark_core::{
    policy::{Consequence, Policy},
    source_place::SourcePlaces,
    verdict::{Answer, Comparison, Verdict},
};

/// What a gate's reports are about.
#[derive(Clone, Debug, Default)]
pub struct GateReport {
    /// The suites, in the order of the call.
    pub suites: Vec<ReportedSuite>,
    /// Which answers fail.
    pub policy: Policy,
}

/// One suite in a gate's reports.
#[derive(Clone, Debug, Default)]
pub struct ReportedSuite {
    /// Its name.
    pub suite: String,
    /// Its run's name.
    pub run_id: String,
    /// Where it and its prompts stand in the source tree, if anywhere.
    pub places: Option<SourcePlaces>,
    /// Its verdict; `None` where nothing was gated.
    pub verdict: Option<Verdict>,
    /// Why there is less than was asked for, where that is so: it fails then, whatever its verdict says.
    pub incomplete: Option<String>,
}

impl GateReport {
    /// A report about one verdict, which fails as it does by default.
    pub fn of(verdict: Verdict) -> Self {
        let (suite, run_id) = (verdict.suite.clone(), verdict.run_id.clone());
        let suite =
            ReportedSuite { suite, run_id, verdict: Some(verdict), ..ReportedSuite::default() };
        Self { suites: vec![suite], policy: Policy::default() }
    }
}

impl ReportedSuite {
    /// What follows from it.
    pub fn consequence(&self, policy: Policy) -> Consequence {
        let of_verdict = self.verdict.as_ref().map(|verdict| policy.consequence(verdict.answer));
        let of_verdict = of_verdict.unwrap_or(Consequence::Pass);
        if self.incomplete.is_some() { of_verdict.max(Consequence::NoVerdict) } else { of_verdict }
    }

    /// Its comparisons; none without a verdict.
    pub fn comparisons(&self) -> &[Comparison] {
        self.verdict.as_ref().map_or(&[], |verdict| &verdict.comparisons)
    }

    /// Whether it was gated, and passes.
    pub fn passes(&self) -> bool {
        let passes = self.verdict.as_ref().is_some_and(|verdict| verdict.answer.passes());
        passes && self.incomplete.is_none()
    }

    /// Why it does not fail though it would by default, as one types it.
    pub fn excuse(&self, policy: Policy) -> Option<&'static str> {
        let answer = self.verdict.as_ref().map(|verdict| verdict.answer)?;
        policy.excuse(answer).filter(|_| self.incomplete.is_none())
    }

    /// Its answer in a word.
    pub fn word(&self) -> &'static str {
        match (&self.verdict, &self.incomplete) {
            (Some(verdict), _) if verdict.answer == Answer::Regressed => "regressed",
            (_, Some(_)) => "incomplete",
            (Some(verdict), None) => verdict.answer.as_str(),
            (None, None) => "not gated",
        }
    }

    /// Its answer in a sentence.
    pub fn says(&self) -> String {
        let of_verdict = self.verdict.as_ref().map(|verdict| verdict.says.as_str());
        let parts: Vec<_> = of_verdict.into_iter().chain(self.incomplete.as_deref()).collect();
        if parts.is_empty() { "nothing was gated".to_owned() } else { parts.join("; ") }
    }
}
