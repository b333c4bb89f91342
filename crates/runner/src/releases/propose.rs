//! A prompt is proposed for an environment: its text is kept, with the runs that prove it.

use std::{fs, path::PathBuf};

use evalmark_core::{
    number_format::counted,
    prompt_library::{LibraryPrompt, PromptLibrary},
    source_place::relative_path,
};
use evalmark_store::audit::AuditAction;
use evalmark_store::releases::{
    Proposal, RELEASE_FORMAT, ReleasedFile, ReleasedModel, ReleasedPrompt, StoredProposal,
};
use jiff::Timestamp;

use super::{
    audit::{Change, evidence_of as audited},
    context::Releases,
    evidence::{Wanted, read_evidence},
    refusal::{RefusedRelease, ReleaseRule, UnmetRule},
    rules::{Candidate, unmet_rules},
};
use crate::{
    Host,
    error::{Hinted, Result, RunError},
    prompts::{LintOptions, lint_prompts, open_library},
    run_id::now,
};

/// What is proposed.
#[derive(Clone, Debug, Default)]
pub struct ProposeOptions {
    /// The prompt's name in the library.
    pub prompt: String,
    /// The environment that is to have it.
    pub environment: String,
    /// Folders of the runs that prove it.
    pub runs: Vec<PathBuf>,
    /// What the suites call the model; needed where a run evaluated several.
    pub model: Option<String>,
}

/// A prompt that was proposed.
#[derive(Clone, Debug)]
pub struct ProposedRelease {
    /// The proposal as it is kept.
    pub stored: StoredProposal,
    /// Its file.
    pub path: PathBuf,
    /// How many approvals it needs.
    pub approvals_needed: u32,
    /// What should be known of the audit log.
    pub warnings: Vec<String>,
}

/// Proposes a prompt as it is in the library now, or says every rule that is not met.
pub fn propose_release(
    releases: &Releases,
    options: &ProposeOptions,
    host: &Host<'_>,
) -> Result<ProposedRelease> {
    let policy = releases.environment(&options.environment)?;
    let library = open_library(&releases.library, host)?;
    let prompt = library.find(&options.prompt)?;
    let mut unmet = prompt_rules(releases, &library, prompt, host)?;
    let (evidence, model) = evidence_of(releases, prompt, options, &mut unmet, host);
    let proposed = ReleasedPrompt {
        hash: prompt.hash.to_string(),
        files: Vec::new(),
        model,
        evidence,
        proposed_by: releases.who.told(),
        proposed_at: now(),
    };
    let state = releases.folder.state(&options.environment)?;
    let before = policy.after.as_ref().map(|after| releases.folder.state(after)).transpose()?;
    let candidate = Candidate {
        name: &options.prompt,
        prompt: &proposed,
        policy,
        state: &state,
        before: before.as_ref(),
        now: Timestamp::now(),
    };
    // What is wrong with the runs was told; that they are missing follows from it.
    let no_run_counts = proposed.evidence.is_empty() && !unmet.is_empty();
    let rules = unmet_rules(candidate).into_iter();
    unmet.extend(rules.filter(|rule| !(no_run_counts && rule.rule == ReleaseRule::Suite)));
    if !unmet.is_empty() {
        let (prompt, environment) = (options.prompt.clone(), options.environment.clone());
        return Err(RefusedRelease { prompt, environment, unmet }.into());
    }
    let lock = releases.folder.lock()?;
    let files = keep_files(releases, &library, prompt, host)?;
    let replaces = state.prompts.get(&options.prompt).map_or(0, |standing| standing.release);
    let proposal = Proposal {
        format_version: RELEASE_FORMAT,
        environment: options.environment.clone(),
        name: options.prompt.clone(),
        replaces,
        prompt: ReleasedPrompt { files, ..proposed },
    };
    let stored = releases.folder.propose(&lock, &proposal)?;
    let path = releases.folder.proposal_file(&options.environment, &stored.id);
    let warnings = record_proposal(releases, &stored)?;
    Ok(ProposedRelease { stored, path, approvals_needed: policy.approvals.count, warnings })
}

/// Tells the audit log of a proposal; what should be known of the log comes back.
fn record_proposal(releases: &Releases, stored: &StoredProposal) -> Result<Vec<String>> {
    let proposal = &stored.proposal;
    let mut evidence = audited(&proposal.prompt);
    evidence.insert("proposal".to_owned(), format!("sha256:{}", stored.sha256));
    let warning = releases.record(Change {
        action: AuditAction::Propose,
        environment: &proposal.environment,
        prompts: vec![proposal.name.clone()],
        evidence,
        signer: None,
    })?;
    Ok(warning.into_iter().collect())
}

/// What every run proves, and the model of all of them; what is wrong with them joins `unmet`.
fn evidence_of(
    releases: &Releases,
    prompt: &LibraryPrompt,
    options: &ProposeOptions,
    unmet: &mut Vec<UnmetRule>,
    host: &Host<'_>,
) -> (Vec<evalmark_store::releases::ReleaseEvidence>, ReleasedModel) {
    let wanted =
        Wanted { prompt: &prompt.name, hash: &prompt.hash, model: options.model.as_deref() };
    let (mut evidence, mut models) = (Vec::new(), Vec::<ReleasedModel>::new());
    for run in &options.runs {
        match read_evidence(run, releases, wanted, host) {
            Ok((found, model)) => {
                evidence.push(found);
                models.push(model);
            }
            Err(unproved) => unmet.push(unproved.rule()),
        }
    }
    if models.iter().any(|model| *model != models[0]) {
        let says = "the runs evaluated different models, or one with different parameters";
        let advice =
            "give every suite the model that is to be released, or choose it with `--model NAME`";
        unmet.push(UnmetRule::new(ReleaseRule::Measured, says, advice));
    }
    (evidence, models.into_iter().next().unwrap_or_default())
}

/// What is wrong with the prompt itself.
fn prompt_rules(
    releases: &Releases,
    library: &PromptLibrary,
    prompt: &LibraryPrompt,
    host: &Host<'_>,
) -> Result<Vec<UnmetRule>> {
    let mut unmet = Vec::new();
    let mut refuse = |says: String, advice: String| {
        unmet.push(UnmetRule::new(ReleaseRule::Prompt, says, advice));
    };
    for name in &prompt.content.missing {
        refuse(format!("it includes `{name}`, which is not there"), format!("write {name}"));
    }
    if prompt.content.are_computed {
        refuse(
            "it includes files whose names it makes when it renders: they cannot be part of a release".to_owned(),
            "include each file by its name".to_owned(),
        );
    }
    let options = LintOptions {
        names: vec![prompt.name.clone()],
        policy: releases.policy_file.clone(),
        suites: Vec::new(),
    };
    let found = lint_prompts(library, &options, &releases.library, host)?;
    let errors = found.iter().filter(|finding| finding.consequence.fails()).count() as u64;
    // A file that is missing was told.
    if errors > 0 && prompt.content.missing.is_empty() {
        let lint = format!("`evalmark prompts lint {}` tells them", prompt.name);
        refuse(format!("the prompt has {}", counted(errors, "error")), lint);
    }
    Ok(unmet)
}

/// Keeps the bytes of a prompt's file and of what it includes, which must be those that were read before.
fn keep_files(
    releases: &Releases,
    library: &PromptLibrary,
    prompt: &LibraryPrompt,
    host: &Host<'_>,
) -> Result<Vec<ReleasedFile>> {
    let own = relative_path(
        prompt.path.strip_prefix(&library.folder).unwrap_or(&prompt.path),
        std::path::Path::new(""),
    );
    let names = std::iter::once(own).chain(prompt.content.included.keys().cloned());
    let mut files = Vec::new();
    for path in names {
        let file = library.folder.join(&path);
        let bytes =
            fs::read(&file).with_context(|| format!("{} cannot be read", file.display()))?;
        files.push(ReleasedFile { path, sha256: releases.folder.keep(&bytes)? });
    }
    let again = open_library(&releases.library, host)?;
    if again.find(&prompt.name)?.hash != prompt.hash {
        let error = RunError::new(format!("`{}` changed while it was read", prompt.name));
        return Err(error.with_hint("propose it again"));
    }
    Ok(files)
}
