//! What a team asks before a prompt is released: the part `releases` of `policy.yaml`.

use std::{
    collections::{BTreeMap, BTreeSet},
    path::PathBuf,
    time::Duration,
};

use schemars::JsonSchema;
use serde::Deserialize;

use crate::suite::{
    Mistake,
    located::{LocatedYaml, pointer_segment},
    nearest,
};

/// The fewest digits of a hash that name a version of a dataset.
const MIN_HASH_DIGITS: usize = 12;

/// Names that environments cannot have: the folder of releases uses them.
const TAKEN_NAMES: [&str; 3] = ["objects", "proposals", "audit"];

/// What a team asks before a prompt is released.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ReleasePolicy {
    /// Who may sign, as git's `allowed_signers` has it; default: `releases/allowed_signers`.
    #[serde(default)]
    pub signers: Option<PathBuf>,
    /// What prompts are released to, by name.
    #[serde(default)]
    pub environments: BTreeMap<String, EnvironmentPolicy>,
}

/// What an environment asks of a prompt.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct EnvironmentPolicy {
    /// The environment in which the same prompt has to be released before.
    #[serde(default)]
    pub after: Option<String>,
    /// Suites that must have passed, by name. Without any, one suite of the team's choice must have.
    #[serde(default)]
    pub suites: BTreeMap<String, RequiredSuite>,
    /// How old a run may be when the prompt is released: `30d`, `12h`.
    #[serde(default)]
    pub max_age: Option<String>,
    /// Whether an inconclusive verdict will do.
    #[serde(default)]
    pub allow_inconclusive: bool,
    /// How many people must approve, and who may.
    #[serde(default)]
    pub approvals: RequiredApprovals,
    /// Who may sign releases; `*` stands for any text. Default: everybody among the signers.
    #[serde(default)]
    pub released_by: Option<Vec<String>>,
    /// Whether releases need no signature.
    #[serde(default)]
    pub unsigned: bool,
}

/// A suite that must have passed.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequiredSuite {
    /// The prompts that it is required for; `*` stands for any text. Default: all.
    #[serde(default)]
    pub prompts: Option<Vec<String>>,
    /// The version of its dataset: at least the first 12 digits of its hash, as `run.json` has it.
    #[serde(default)]
    pub dataset: Option<String>,
    /// The baseline that it must have been compared with.
    #[serde(default)]
    pub baseline: Option<String>,
    /// How old its run may be, where that differs from the environment's `max_age`.
    #[serde(default)]
    pub max_age: Option<String>,
    /// Metrics that must have been gated, and the largest margin of each.
    #[serde(default)]
    pub margins: BTreeMap<String, f64>,
}

/// How many people must approve.
#[derive(Clone, Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RequiredApprovals {
    /// How many different people.
    #[serde(default)]
    pub count: u32,
    /// Who may, as the signers are called; `*` stands for any text. Default: everybody among the signers.
    #[serde(default)]
    pub by: Option<Vec<String>>,
}

impl RequiredSuite {
    /// Whether it is required for a prompt of this name.
    pub fn is_for(&self, prompt: &str) -> bool {
        names_fit(self.prompts.as_deref(), prompt)
    }
}

impl RequiredApprovals {
    /// Whether the approval of somebody of this name counts.
    pub fn counts(&self, name: &str) -> bool {
        names_fit(self.by.as_deref(), name)
    }
}

impl EnvironmentPolicy {
    /// Whether somebody of this name may sign a release.
    pub fn may_release(&self, name: &str) -> bool {
        names_fit(self.released_by.as_deref(), name)
    }

    /// How old a run of a suite may be; `None` where any age will do.
    pub fn max_age(&self, suite: &str) -> Option<Duration> {
        let own = self.suites.get(suite).and_then(|suite| suite.max_age.as_ref());
        humantime::parse_duration(own.or(self.max_age.as_ref())?).ok()
    }
}

/// Whether a name fits one of the patterns; without any, all do.
fn names_fit(patterns: Option<&[String]>, name: &str) -> bool {
    patterns.is_none_or(|patterns| patterns.iter().any(|pattern| fits_pattern(pattern, name)))
}

/// Whether a name fits a pattern, in which `*` stands for any text.
pub fn fits_pattern(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(mut rest) = name.strip_prefix(parts.next().unwrap_or_default()) else { return false };
    let mut parts: Vec<_> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

/// Everything that is wrong with the part `releases` of a policy, beyond its form.
pub(super) fn mistakes(policy: &ReleasePolicy, document: &LocatedYaml) -> Vec<Mistake> {
    let mut found = Vec::new();
    for (name, environment) in &policy.environments {
        let at = format!("/releases/environments/{}", pointer_segment(name));
        let key = |message: String| Mistake::at(document.key_position(&at), message);
        if let Err(message) = crate::suite::file_name(name) {
            found.push(key(format!("the environment's name {message}")));
        }
        if TAKEN_NAMES.contains(&name.as_str()) || name.starts_with("audit.") {
            found.push(key(format!("an environment cannot be called `{name}`")));
        }
        found.extend(of_environment(policy, name, environment, &at, document));
    }
    found.sort_by_key(|mistake| (mistake.position.line, mistake.position.column));
    found
}

fn of_environment(
    policy: &ReleasePolicy,
    name: &str,
    environment: &EnvironmentPolicy,
    at: &str,
    document: &LocatedYaml,
) -> Vec<Mistake> {
    let place = |pointer: &str| document.position(&format!("{at}/{pointer}"));
    let mut found = Vec::new();
    if let Some(after) = &environment.after {
        if !policy.environments.contains_key(after) {
            let known = policy.environments.keys().map(String::as_str);
            let near = nearest(after, known).map(|near| format!("did you mean `{near}`?"));
            let mistake = Mistake::at(place("after"), format!("there is no environment `{after}`"));
            found.push(near.into_iter().fold(mistake, Mistake::hint));
        } else if goes_round(policy, name) {
            let message = format!("`{name}` comes after itself");
            found.push(
                Mistake::at(place("after"), message).hint("let one environment have no `after`"),
            );
        }
    }
    let approvals = &environment.approvals;
    if let Some(by) = &approvals.by {
        let n_names = by.iter().collect::<BTreeSet<_>>().len();
        if !by.iter().any(|name| name.contains('*')) && n_names < approvals.count as usize {
            let message =
                format!("{} approvals are asked for, and {n_names} may give one", approvals.count);
            found.push(Mistake::at(place("approvals/count"), message));
        }
    }
    found.extend(span_mistake(environment.max_age.as_deref(), || place("max_age")));
    for (suite, required) in &environment.suites {
        let below = |key: &str| place(&format!("suites/{}/{key}", pointer_segment(suite)));
        found.extend(span_mistake(required.max_age.as_deref(), || below("max_age")));
        found.extend(
            dataset_mistake(required).map(|message| Mistake::at(below("dataset"), message)),
        );
        for (metric, margin) in &required.margins {
            if !margin.is_finite() || *margin < 0.0 {
                let at = below(&format!("margins/{}", pointer_segment(metric)));
                found.push(Mistake::at(at, "a margin is 0 or more"));
            }
        }
    }
    found
}

/// Whether an environment comes after itself.
fn goes_round(policy: &ReleasePolicy, name: &str) -> bool {
    let mut at = name;
    for _ in 0..policy.environments.len() {
        match policy.environments.get(at).and_then(|found| found.after.as_deref()) {
            Some(after) if after == name => return true,
            Some(after) => at = after,
            None => return false,
        }
    }
    false
}

fn span_mistake(
    text: Option<&str>,
    place: impl FnOnce() -> crate::suite::Position,
) -> Option<Mistake> {
    let text = text?;
    if humantime::parse_duration(text).is_ok() {
        return None;
    }
    Some(Mistake::at(place(), format!("`{text}` is not a time span; write `30d` or `12h`")))
}

fn dataset_mistake(required: &RequiredSuite) -> Option<String> {
    let hash = required.dataset.as_ref()?;
    let is_hash = hash.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'));
    if is_hash && (MIN_HASH_DIGITS..=64).contains(&hash.len()) {
        return None;
    }
    Some(format!(
        "`{hash}` is no version of a dataset; write `dataset_hash` of a run's run.json, or its first \
         {MIN_HASH_DIGITS} digits"
    ))
}

#[cfg(test)]
mod tests {
    use super::fits_pattern;

    #[test]
    fn names_fit_patterns() {
        let check = |pattern: &str, name: &str, expected: bool| {
            assert_eq!(fits_pattern(pattern, name), expected, "{pattern} {name}");
        };
        check("gpt-4o", "gpt-4o", true);
        check("gpt-4o", "gpt-4o-mini", false);
        check("gpt-4o*", "gpt-4o-mini", true);
        check("*-mini", "gpt-4o-mini", true);
        check("a*b*c", "aXbYc", true);
        check("a*b*c", "abX", false);
        check("ab*b", "ab", false);
        check("*", "", true);
    }
}
