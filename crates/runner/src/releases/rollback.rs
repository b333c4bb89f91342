//! An environment goes back to what it was after an earlier release: as a release of its own, so that nothing is forgotten.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use evalmark_store::{
    audit::Evidence,
    durable,
    releases::{
        EnvironmentState, RELEASE_FORMAT, ReleaseAction, ReleaseRecord, ReleasedPrompt, sha256_hex,
    },
};

use super::{
    audit::CaughtUp,
    context::Releases,
    people::people_of,
    signatures::{Signer, to_value},
    statements::rollback,
};
use crate::{
    error::{Advised, Hinted, Result, RunError},
    run_id::now,
};

/// How far back an environment goes.
#[derive(Clone, Debug, Default)]
pub struct RollbackOptions {
    /// The environment.
    pub environment: String,
    /// The release whose state it gets again; default: the one before the newest.
    pub to: Option<u64>,
    /// Whether the files of the prompts are written into the library, too.
    pub restore: bool,
    /// Whether files of the library are replaced that no release has.
    pub force: bool,
    /// Why, where somebody says so.
    pub reason: Option<String>,
    /// The file of the key that signs it.
    pub key: Option<PathBuf>,
}

/// An environment that went back.
#[derive(Clone, Debug)]
pub struct RolledBack {
    /// The release whose state it has again.
    pub to: u64,
    /// What it has now.
    pub state: EnvironmentState,
    /// The prompts that it changed: their hashes now, `None` for those that are gone.
    pub prompts: BTreeMap<String, Option<String>>,
    /// SHA-256 of the release's record.
    pub record_sha256: String,
    /// The files of the library that were written.
    pub restored: Vec<PathBuf>,
    /// Whether the release was there, and what belongs to it was not.
    pub caught_up: bool,
    /// Who signed it.
    pub signed_by: Option<String>,
    /// What the owner of the key should know.
    pub warnings: Vec<String>,
}

/// Why an environment cannot go back.
#[derive(Debug, thiserror::Error)]
pub enum RollbackError {
    /// It has no release.
    #[error("`{0}` has released nothing")]
    Nothing(String),
    /// There is no such release before its newest.
    #[error("`{environment}` has no release {to} before its newest, {newest}")]
    NoRelease {
        /// The environment.
        environment: String,
        /// The number asked for.
        to: u64,
        /// The newest.
        newest: u64,
    },
    /// Nothing would change.
    #[error("`{environment}` has what it had after release {to} already")]
    NoChange {
        /// The environment.
        environment: String,
        /// The number asked for.
        to: u64,
    },
    /// The policy asks for a signature.
    #[error("going back in `{0}` has to be signed")]
    Unsigned(String),
    /// Somebody signed who may not.
    #[error("{name} may not sign releases to `{environment}`")]
    MayNotSign {
        /// The environment.
        environment: String,
        /// Who signed.
        name: String,
    },
    /// Files of the library would be lost.
    #[error("no release has what is in {}", paths_of(.0))]
    WouldLose(Vec<PathBuf>),
}

fn paths_of(paths: &[PathBuf]) -> String {
    paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(", ")
}

impl Advised for RollbackError {
    fn hint(&self) -> Option<String> {
        Some(match self {
            Self::Nothing(_) | Self::MayNotSign { .. } => return None,
            Self::Unsigned(_) => {
                "sign it with `--key FILE`, or let the policy say `unsigned: true`".to_owned()
            }
            Self::NoRelease { newest, .. } => {
                format!("`--to N` takes 0, which is before the first, to {}", newest.saturating_sub(1))
            }
            Self::NoChange { .. } => "go further back with `--to N`".to_owned(),
            Self::WouldLose(_) => {
                "commit it or put it elsewhere, and replace it with `--force`; without `--restore` the library stays as it is"
                    .to_owned()
            }
        })
    }
}

/// Takes an environment back, with no rule asked: what it gets again was released under the rules of its time.
pub fn roll_back(releases: &Releases, options: &RollbackOptions) -> Result<RolledBack> {
    let environment = &options.environment;
    let signer = signer(releases, options)?;
    let lock = releases.folder.lock()?;
    let caught_up = releases.catch_up(&lock, environment)?;
    let state = releases.folder.state(environment)?;
    if let Some(back) = finish_rollback(releases, options, &state, &caught_up)? {
        return Ok(back);
    }
    let to = target(&state, options)?;
    let then = releases.folder.state_at(environment, to)?;
    let prompts = changed_prompts(&state, &then);
    if prompts.is_empty() {
        return Err(RollbackError::NoChange { environment: environment.clone(), to }.into());
    }
    // First, so that whoever gives the command again after a kill gets all of it.
    let restored = restored(releases, options, &prompts)?;
    let hashes = hashes(&prompts);
    let record = ReleaseRecord {
        format_version: RELEASE_FORMAT,
        environment: environment.clone(),
        release: state.release + 1,
        previous: Some(state.sha256.clone()),
        action: ReleaseAction::Rollback { to },
        prompts,
        approvals: Vec::new(),
        released_by: releases.who.told(),
        released_at: now(),
        reason: options.reason.clone(),
        audit: releases.audit_head(),
    };
    let appended = releases.folder.append::<RunError>(&lock, &state, &record, |sha256| {
        let Some(signer) = &signer else { return Ok(None) };
        Ok(Some(to_value(&signer.sign(&rollback(&record, sha256))?)?))
    })?;
    let mut warnings = signer.as_ref().map(Signer::warnings).unwrap_or_default();
    let signed_by = signer.map(|signer| signer.name);
    let sha256 = &appended.record_sha256;
    let (signer, more) = (signed_by.as_deref(), Evidence::new());
    warnings.extend(releases.record_release(&record, sha256, signer, more)?);
    warnings.extend(caught_up.warnings);
    Ok(RolledBack {
        to,
        state: appended.state,
        prompts: hashes,
        record_sha256: appended.record_sha256,
        restored,
        caught_up: false,
        signed_by,
        warnings,
    })
}

/// The end of a way back that was interrupted: the files of the library are written. `None` where the newest release is
/// another, or has all that belongs to it.
fn finish_rollback(
    releases: &Releases,
    options: &RollbackOptions,
    state: &EnvironmentState,
    caught_up: &CaughtUp,
) -> Result<Option<RolledBack>> {
    if state.release == 0 {
        return Ok(None);
    }
    let (file, _) = releases.folder.release(&state.environment, state.release)?;
    let (record, _) = releases.folder.record(&state.environment, state.release)?;
    let ReleaseAction::Rollback { to } = record.action else { return Ok(None) };
    let is_this = options.to.is_none_or(|wanted| wanted == to);
    let is_restored = options.to.is_some() && options.restore;
    if !is_this || !(caught_up.was_behind || is_restored) {
        return Ok(None);
    }
    let restored = restored(releases, options, &record.prompts)?;
    if !caught_up.was_behind && restored.is_empty() {
        return Ok(None);
    }
    Ok(Some(RolledBack {
        to,
        state: state.clone(),
        prompts: hashes(&record.prompts),
        record_sha256: file.record_sha256(),
        restored,
        caught_up: true,
        signed_by: people_of(&file, &record, &releases.signers()?).signed_by,
        warnings: caught_up.warnings.clone(),
    }))
}

/// The hashes of prompts; `None` for those that are gone.
fn hashes(prompts: &ChangedPrompts) -> BTreeMap<String, Option<String>> {
    let hash = |prompt: &Option<ReleasedPrompt>| prompt.as_ref().map(|prompt| prompt.hash.clone());
    prompts.iter().map(|(name, prompt)| (name.clone(), hash(prompt))).collect()
}

/// Checks the texts of prompts, and writes them into the library where that is asked for.
fn restored(
    releases: &Releases,
    options: &RollbackOptions,
    prompts: &ChangedPrompts,
) -> Result<Vec<PathBuf>> {
    let files = texts(releases, prompts)?;
    if !options.restore {
        return Ok(Vec::new());
    }
    if !options.force {
        nothing_is_lost(releases, &files)?;
    }
    restore(releases, &files)
}

/// The release whose state the environment gets again.
fn target(state: &EnvironmentState, options: &RollbackOptions) -> Result<u64, RollbackError> {
    let (environment, newest) = (options.environment.clone(), state.release);
    if newest == 0 {
        return Err(RollbackError::Nothing(environment));
    }
    let to = options.to.unwrap_or(newest - 1);
    if to >= newest {
        return Err(RollbackError::NoRelease { environment, to, newest });
    }
    Ok(to)
}

/// Who signs it, where somebody has to or wants to.
fn signer(releases: &Releases, options: &RollbackOptions) -> Result<Option<Signer>> {
    let environment = &options.environment;
    let policy = releases.policy.environments.get(environment);
    let signer = options.key.as_deref().map(|key| releases.signer(key)).transpose()?;
    match (&signer, policy) {
        (None, Some(policy)) if !policy.unsigned => {
            Err(RollbackError::Unsigned(environment.clone()).into())
        }
        (Some(signer), Some(policy)) if !policy.may_release(&signer.name) => {
            let (environment, name) = (environment.clone(), signer.name.clone());
            Err(RollbackError::MayNotSign { environment, name }.into())
        }
        _ => Ok(signer),
    }
}

/// What prompts become; `None` for those that are gone.
type ChangedPrompts = BTreeMap<String, Option<ReleasedPrompt>>;

/// The prompts that differ: what they were then.
fn changed_prompts(now: &EnvironmentState, then: &EnvironmentState) -> ChangedPrompts {
    let names = now.prompts.keys().chain(then.prompts.keys());
    let of = |state: &EnvironmentState, name: &String| {
        state.prompts.get(name).map(|standing| standing.prompt.clone())
    };
    let all = names.map(|name| (name.clone(), (of(now, name), of(then, name))));
    all.filter(|(_, (now, then))| now != then).map(|(name, (_, then))| (name, then)).collect()
}

/// The bytes of every file of the prompts, by their path in the library.
fn texts(releases: &Releases, prompts: &ChangedPrompts) -> Result<BTreeMap<String, Vec<u8>>> {
    let mut found = BTreeMap::new();
    for file in prompts.values().flatten().flat_map(|prompt| &prompt.files) {
        found.insert(file.path.clone(), releases.folder.bytes(&file.sha256)?);
    }
    Ok(found)
}

/// Fails where a file of the library holds what no release has.
fn nothing_is_lost(releases: &Releases, files: &BTreeMap<String, Vec<u8>>) -> Result<()> {
    let is_lost = |path: &PathBuf| {
        fs::read(path).is_ok_and(|bytes| releases.folder.bytes(&sha256_hex(&bytes)).is_err())
    };
    let paths = files.keys().map(|path| releases.library.join(path));
    let lost: Vec<_> = paths.filter(is_lost).collect();
    if lost.is_empty() { Ok(()) } else { Err(RollbackError::WouldLose(lost).into()) }
}

/// Writes the files into the library.
fn restore(releases: &Releases, files: &BTreeMap<String, Vec<u8>>) -> Result<Vec<PathBuf>> {
    let mut written = Vec::new();
    for (name, bytes) in files {
        let path = releases.library.join(name);
        if fs::read(&path).is_ok_and(|found| found == *bytes) {
            continue;
        }
        let folder = path.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(folder)
            .and_then(|()| durable::write(&path, bytes))
            .with_context(|| format!("{} cannot be written", path.display()))?;
        written.push(path);
    }
    Ok(written)
}
