//! The rules of an environment, held against a prompt and its evidence.

use std::time::Duration;

use evalmark_core::{
    prompt_library::{EnvironmentPolicy, RequiredSuite},
    verdict::Answer,
};
use evalmark_store::releases::{EnvironmentState, ReleaseEvidence, ReleasedPrompt};
use jiff::Timestamp;

use super::{
    evidence::short,
    refusal::{ReleaseRule, UnmetRule},
};
use crate::Ending;

/// A prompt that is to be released, and what it is held against.
#[derive(Clone, Copy, Debug)]
pub(super) struct Candidate<'a> {
    /// Its name.
    pub(super) name: &'a str,
    /// What it is.
    pub(super) prompt: &'a ReleasedPrompt,
    /// The environment's rules.
    pub(super) policy: &'a EnvironmentPolicy,
    /// What the environment has now.
    pub(super) state: &'a EnvironmentState,
    /// What the environment before it has, where it comes after one.
    pub(super) before: Option<&'a EnvironmentState>,
    /// When it is held against them.
    pub(super) now: Timestamp,
}

/// Every rule about evidence and order that is not met.
pub(super) fn unmet_rules(candidate: Candidate<'_>) -> Vec<UnmetRule> {
    let Candidate { name, prompt, policy, .. } = candidate;
    let mut unmet = Vec::new();
    if prompt.evidence.is_empty() {
        let says = "no run proves it";
        unmet.push(UnmetRule::new(
            ReleaseRule::Suite,
            says,
            "name gated runs with `--run RUN_DIR`",
        ));
    }
    for evidence in &prompt.evidence {
        unmet.extend(verdict_rule(candidate, evidence));
        unmet.extend(age_rule(candidate, evidence));
    }
    for (suite, required) in policy.suites.iter().filter(|(_, required)| required.is_for(name)) {
        let found: Vec<_> = prompt.evidence.iter().filter(|of| of.suite == *suite).collect();
        if found.is_empty() {
            let says = format!("no run of the suite `{suite}` proves it");
            let advice = format!("run `{suite}`, gate it, and name the run with `--run RUN_DIR`");
            unmet.push(UnmetRule::new(ReleaseRule::Suite, says, advice));
        }
        unmet.extend(found.into_iter().flat_map(|evidence| suite_rules(required, evidence)));
    }
    unmet.extend(order_rule(candidate));
    unmet
}

fn verdict_rule(candidate: Candidate<'_>, evidence: &ReleaseEvidence) -> Option<UnmetRule> {
    let which = format!("the run {} of `{}`", evidence.run_id, evidence.suite);
    let ending = match evidence.answer {
        Answer::Pass | Answer::Improved => {
            let is_first = !candidate.state.prompts.contains_key(candidate.name);
            if !evidence.metrics.is_empty() || is_first {
                return None;
            }
            let says =
                format!("{which} was compared with nothing, and this is not the first release");
            let advice = format!("compare it: `evalmark gate {} --baseline NAME`", evidence.run);
            return Some(UnmetRule::new(ReleaseRule::Verdict, says, advice));
        }
        Answer::Inconclusive if candidate.policy.allow_inconclusive => return None,
        Answer::Inconclusive => Ending::Inconclusive,
        Answer::Regressed => Ending::Regressed,
        Answer::Incomparable => Ending::Incomplete,
    };
    let answer = evidence.answer;
    let advice = match answer {
        Answer::Inconclusive => {
            "more items or epochs may tell; `evalmark plan` says how many it takes".to_owned()
        }
        Answer::Regressed => {
            format!("`evalmark diff {} {}` shows what broke", evidence.baseline, evidence.run)
        }
        _ => {
            format!("compare it with a baseline: `evalmark gate {} --baseline NAME`", evidence.run)
        }
    };
    let says = format!("the verdict on {which} is {answer}: {}", evidence.says);
    Some(UnmetRule { ending, ..UnmetRule::new(ReleaseRule::Verdict, says, advice) })
}

fn age_rule(candidate: Candidate<'_>, evidence: &ReleaseEvidence) -> Option<UnmetRule> {
    let most = candidate.policy.max_age(&evidence.suite)?;
    let refuse = |says: String| {
        let advice = format!("run `{}` again", evidence.suite);
        Some(UnmetRule::new(ReleaseRule::Age, says, advice))
    };
    let which = format!("the run {} of `{}`", evidence.run_id, evidence.suite);
    let Some(age) = age_of(&evidence.finished_at, candidate.now) else {
        return refuse(format!("{which} does not say when it ended"));
    };
    if age <= most {
        return None;
    }
    refuse(format!("{which} is {} old; at most {} is allowed", told_age(age), told_age(most)))
}

/// How long ago a moment was; `None` where it is none. What is still to come was just now.
pub(super) fn age_of(moment: &str, now: Timestamp) -> Option<Duration> {
    let then: Timestamp = moment.parse().ok()?;
    Some(Duration::try_from(now.duration_since(then)).unwrap_or(Duration::ZERO))
}

/// A time span in its largest unit.
pub fn told_age(age: Duration) -> String {
    let seconds = age.as_secs();
    let units = [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")];
    let (length, unit) = units.into_iter().find(|(n, _)| seconds >= *n).unwrap_or((1, "second"));
    evalmark_core::number_format::counted(seconds / length, unit)
}

fn suite_rules(required: &RequiredSuite, evidence: &ReleaseEvidence) -> Vec<UnmetRule> {
    let (suite, run) = (&evidence.suite, &evidence.run);
    let mut unmet = Vec::new();
    if let Some(dataset) = &required.dataset
        && !evidence.dataset_hash.starts_with(dataset.as_str())
    {
        let says = format!(
            "the run {} of `{suite}` is on the dataset {}; {} is asked for",
            evidence.run_id,
            short(&evidence.dataset_hash),
            short(dataset)
        );
        let advice = "run the suite on that version of the dataset, without `--limit`";
        unmet.push(UnmetRule::new(ReleaseRule::Dataset, says, advice));
    }
    if let Some(baseline) = &required.baseline
        && evidence.baseline != *baseline
    {
        let says = format!(
            "the run {} of `{suite}` was compared with `{}`; `{baseline}` is asked for",
            evidence.run_id, evidence.baseline
        );
        let advice = format!("`evalmark gate {run} --baseline {baseline}`");
        unmet.push(UnmetRule::new(ReleaseRule::Baseline, says, advice));
    }
    if evidence.metrics.is_empty() {
        // A first run has nothing to be compared with: no margin applies.
        return unmet;
    }
    for (metric, most) in &required.margins {
        let gated = evidence.metrics.iter().find(|found| found.metric == *metric);
        let says = match gated {
            Some(gated) if gated.margin <= *most => continue,
            Some(gated) => format!(
                "the run {} of `{suite}` was gated on `{metric}` at a margin of {}; at most {most} is allowed",
                evidence.run_id, gated.margin
            ),
            None => format!("the run {} of `{suite}` was not gated on `{metric}`", evidence.run_id),
        };
        let advice = format!(
            "write `gate: {{ metrics: {{ {metric}: {{ margin: {most} }} }} }}` into the suite, and gate again: \
             `evalmark gate {run} --baseline {}`",
            evidence.baseline
        );
        unmet.push(UnmetRule::new(ReleaseRule::Margin, says, advice));
    }
    unmet
}

fn order_rule(candidate: Candidate<'_>) -> Option<UnmetRule> {
    let (after, before) = (candidate.policy.after.as_ref()?, candidate.before?);
    let (name, prompt) = (candidate.name, candidate.prompt);
    let says = match before.prompts.get(name) {
        Some(there) if there.prompt.hash != prompt.hash => format!(
            "`{after}` has another text of it ({}) than this one ({})",
            short(&there.prompt.hash),
            short(&prompt.hash)
        ),
        Some(there) if there.prompt.model != prompt.model => {
            format!("`{after}` has it with another model, or with other parameters")
        }
        Some(_) => return None,
        None => format!("`{after}` does not have it"),
    };
    let advice = format!(
        "release it there first: `evalmark release propose {name} --to {after} --run RUN_DIR`"
    );
    Some(UnmetRule::new(ReleaseRule::Order, says, advice))
}
