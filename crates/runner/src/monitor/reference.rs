//! What production is held against: a baseline, or the run that proved the prompt that is released.

use evalmark_store::{
    baseline::ListedBaseline,
    releases::{ReleaseEvidence, ReleasesFolder, StandingPrompt},
    run_folder::RunFolder,
    run_record::RunRecord,
};
use evalmark_verdict::Variant;
use jiff::Timestamp;

use super::{MonitorError, open::MonitoredSuite, status::MonitorStatusOptions};
use crate::{
    BaselineMean, Ending, Host, Notice, broken_in_full,
    error::{Result, RunError},
    named_baselines,
    named_baselines::variant_means,
    read_variants,
    releases::evidence_run,
};

/// The environment that is looked at where several have released the suite's prompt.
const USUAL_ENVIRONMENT: &str = "production";

/// Digits of a prompt's hash that are enough in a log.
const FEWEST_DIGITS: usize = 12;

/// A baseline or a release with what is compared.
pub(super) struct Reference {
    pub(super) name: String,
    pub(super) means: Vec<BaselineMean>,
    /// The prompt and model that are in production, or why that cannot be told.
    pub(super) released: Result<Variant, String>,
    /// Which records are of it.
    pub(super) scope: Scope,
}

/// Which records count.
#[derive(Clone, Debug, Default)]
pub(super) struct Scope {
    /// Those from here on: microseconds since 1970.
    pub(super) since: Option<i64>,
    /// Those of this prompt, as far as they say which they are of.
    pub(super) prompt_hash: Option<String>,
}

impl Scope {
    /// Whether a record of this time and prompt counts.
    pub(super) fn has(&self, at: Option<i64>, prompt_hash: Option<&str>) -> bool {
        let is_since = self.since.is_none_or(|since| at.is_none_or(|at| at >= since));
        let hashes = self.prompt_hash.as_deref().zip(prompt_hash);
        is_since && hashes.is_none_or(|(released, served)| is_hash(released, served))
    }

    /// The same, from a later moment on.
    pub(super) fn from(self, at: Option<i64>) -> Self {
        Self { since: self.since.max(at), ..self }
    }
}

/// Whether a log means this hash; many write its first digits.
pub(super) fn is_hash(released: &str, served: &str) -> bool {
    let served = served.trim();
    served.len() >= FEWEST_DIGITS.min(released.len()) && released.starts_with(served)
}

/// What is released, and the run that proved it.
struct Standing {
    environment: String,
    prompt: StandingPrompt,
    evidence: ReleaseEvidence,
}

/// What to compare with: the baseline or the environment that is named; else the released run, where there is one;
/// else the baseline of the gate.
pub(super) fn reference(
    suite: &MonitoredSuite,
    options: &MonitorStatusOptions,
    host: &Host<'_>,
) -> Result<Option<Reference>> {
    let name = &suite.suite.name;
    let in_suite = |named: &str| {
        if named.contains('/') { named.to_owned() } else { format!("{name}/{named}") }
    };
    if let Some(named) = &options.baseline {
        return find_baseline(&in_suite(named), options).map(Some);
    }
    if let Some(environment) = &options.release {
        let standing = standing(environment, name, options)?;
        return of_release(the_one(standing, environment, name)?, options).map(Some);
    }
    if let Some(standing) = usual_release(name, options, host)? {
        match of_release(standing, options) {
            Ok(found) => return Ok(Some(found)),
            // Runs often stay where they were made.
            Err(error) => host.notices.tell(&Notice::BaselineWarning(&error.in_full())),
        }
    }
    let of_gate = suite.suite.gate.as_ref().and_then(|gate| gate.baseline.as_deref());
    let Some(named) = of_gate.map(in_suite) else { return Ok(None) };
    match find_baseline(&named, options) {
        Err(_) => {
            let told = format!("there is no baseline `{named}` to compare with");
            host.notices.tell(&Notice::BaselineWarning(&told));
            Ok(None)
        }
        found => found.map(Some),
    }
}

/// Prompts of a suite that an environment has released, with the newest run that proved each.
fn standing(
    environment: &str,
    suite: &str,
    options: &MonitorStatusOptions,
) -> Result<Vec<Standing>> {
    let state = ReleasesFolder::new(&options.releases).state(environment)?;
    let found = state.prompts.into_iter().filter_map(|(name, prompt)| {
        let evidence = prompt.prompt.evidence.iter().rev();
        let evidence = evidence.filter(|one| one.suite == suite).find(|one| {
            let is_prompt = |wanted: &String| *wanted == one.prompt || *wanted == name;
            options.prompt.as_ref().is_none_or(is_prompt)
                && options.model.as_ref().is_none_or(|wanted| *wanted == one.model)
        })?;
        let evidence = evidence.clone();
        Some(Standing { environment: environment.to_owned(), prompt, evidence })
    });
    Ok(found.collect())
}

/// The one prompt that is looked at.
fn the_one(mut standing: Vec<Standing>, environment: &str, suite: &str) -> Result<Standing> {
    let (environment, suite) = (environment.to_owned(), suite.to_owned());
    match standing.len() {
        1 => standing.pop().ok_or(MonitorError::NotReleased { environment, suite }.into()),
        0 => Err(MonitorError::NotReleased { environment, suite }.into()),
        _ => {
            let prompts = standing.into_iter().map(|one| one.evidence.prompt).collect();
            Err(MonitorError::SeveralReleased { environment, prompts }.into())
        }
    }
}

/// The released prompt of a suite, where nobody says what to compare with.
fn usual_release(
    suite: &str,
    options: &MonitorStatusOptions,
    host: &Host<'_>,
) -> Result<Option<Standing>> {
    if !options.releases.is_dir() {
        return Ok(None);
    }
    let mut all = Vec::new();
    for environment in ReleasesFolder::new(&options.releases).environments()? {
        let standing = standing(&environment, suite, options)?;
        if !standing.is_empty() {
            all.push((environment, standing));
        }
    }
    let usual = all.iter().position(|(environment, _)| environment == USUAL_ENVIRONMENT);
    let (environment, standing) = match (usual, all.len()) {
        (Some(usual), _) => all.swap_remove(usual),
        (None, 1) => all.swap_remove(0),
        (None, 0) => return Ok(None),
        (None, _) => {
            let names: Vec<_> = all.iter().map(|(environment, _)| environment.as_str()).collect();
            let told = format!(
                "prompts of this suite are released in {}: `--release NAME` says which of them production is held against",
                names.join(", ")
            );
            host.notices.tell(&Notice::BaselineWarning(&told));
            return Ok(None);
        }
    };
    the_one(standing, &environment, suite).map(Some)
}

/// The run that proved a released prompt, all of whose files are as they were.
fn of_release(standing: Standing, options: &MonitorStatusOptions) -> Result<Reference> {
    let Standing { environment, prompt, evidence } = standing;
    let (folder, record) = evidence_run(&options.releases, &evidence)?;
    let (variants, means) = measured(&folder, &record)?;
    let is_its = |prompt: &str, model: &str| prompt == evidence.prompt && model == evidence.model;
    let released = variants.into_iter().find(|one| is_its(&one.prompt, &one.model));
    let since = prompt.released_at.parse::<Timestamp>().ok().map(Timestamp::as_microsecond);
    Ok(Reference {
        name: format!(
            "release {} of {environment}: {} · {}, run {}",
            prompt.release, evidence.prompt, evidence.model, evidence.run_id
        ),
        means: means.into_iter().filter(|one| is_its(&one.prompt, &one.model)).collect(),
        released: released.ok_or_else(|| "the released run has no scores of its prompt".to_owned()),
        scope: Scope { since, prompt_hash: Some(prompt.prompt.hash) },
    })
}

fn measured(folder: &RunFolder, record: &RunRecord) -> Result<(Vec<Variant>, Vec<BaselineMean>)> {
    let variants = read_variants(&folder.scores())?;
    let means = variant_means(&variants, record);
    Ok((variants, means))
}

fn find_baseline(named: &str, options: &MonitorStatusOptions) -> Result<Reference> {
    let found = named_baselines(named, &options.out)?;
    let [ListedBaseline { folder, record, .. }] = &*found else {
        return Err(RunError::new(format!("several baselines are called `{named}`")));
    };
    let record = record.as_ref().map_err(|error| {
        let broken = broken_in_full(error);
        let error = RunError::new(format!("the baseline `{named}` is broken: {broken}"));
        error.with_ending(Ending::Incomplete)
    })?;
    let (mut variants, means) = measured(folder, record)?;
    let wanted =
        |wanted: &Option<String>, name: &str| wanted.as_ref().is_none_or(|one| one == name);
    variants
        .retain(|one| wanted(&options.prompt, &one.prompt) && wanted(&options.model, &one.model));
    let released = match variants.len() {
        1 => variants.pop().ok_or_else(String::new),
        0 => Err("the baseline has no such prompt and model".to_owned()),
        n => Err(format!(
            "the baseline has {n} prompts and models; say which is in production with `--prompt` and `--model`"
        )),
    };
    Ok(Reference { name: named.to_owned(), means, released, scope: Scope::default() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_may_write_the_first_digits_of_a_hash() {
        let check = |served: &str, expected: bool| {
            assert_eq!(is_hash("0123456789abcdef0123456789abcdef", served), expected, "{served}");
        };
        check("0123456789abcdef0123456789abcdef", true);
        check(" 0123456789ab ", true);
        check("0123456789a", false);
        check("0123456789ac", false);
        check("", false);
    }
}
