//! `evalmark release`: prompts proposed for an environment, released on evidence, checked, and taken back.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use evalmark_core::prompt_library::PROMPTS_FOLDER;
use evalmark_runner::{
    Advised, ApproveOptions, Host, PromoteReleaseOptions, ProposeOptions, RefusedRelease, Releases,
    ReleasesOptions, RollbackOptions, RunError, approve_release, approved_document,
    promote_release, promoted_document, propose_release, proposed_document, refusal_document,
    release_status, roll_back, rolled_back_document, status_document, verified_document,
    verify_releases,
};
use evalmark_store::{audit::Who, named_run::existing_run};
use evalmark_terminal::releases;
use serde_json::Value;

use super::{
    release_export::ExportArgs,
    release_push::{FollowArgs, Followed, PushArgs, push},
    release_told::Listeners,
};
use crate::{
    args::{FormatArgs, OutArgs},
    environment::signing_key,
    exit::Exit,
    print::Printer,
};

#[derive(Debug, Args)]
pub(crate) struct ReleaseArgs {
    #[command(subcommand)]
    pub(crate) command: ReleaseCommand,
}

/// The folder of releases, unless the user names another.
pub(super) const RELEASES: &str = "releases";

/// Where releases are, and what they are of.
#[derive(Clone, Debug, Args)]
pub(crate) struct PlaceArgs {
    /// Folder of the releases
    #[arg(long, value_name = "DIR", default_value = RELEASES)]
    releases: PathBuf,
    /// Folder of the prompts
    #[arg(long, value_name = "DIR", default_value = PROMPTS_FOLDER)]
    pub(super) library: PathBuf,
    /// The team's policy [default: `policy.yaml` beside the library]
    #[arg(long, value_name = "FILE")]
    policy: Option<PathBuf>,
    #[command(flatten)]
    format: FormatArgs,
}

/// The key that signs.
#[derive(Clone, Debug, Args)]
pub(crate) struct KeyArgs {
    /// File of the key that signs: PEM or OpenSSH [default: that which `EVALMARK_SIGNING_KEY` names]
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
}

impl KeyArgs {
    fn path(&self) -> Option<PathBuf> {
        self.key.clone().or_else(signing_key)
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum ReleaseCommand {
    /// Propose a prompt for an environment, with the runs that prove it
    ///
    /// Its text is kept as it is now. What the policy asks of evidence is checked; approvals come later.
    Propose(ProposeArgs),
    /// Approve what is proposed, with your signature
    Approve(ApproveArgs),
    /// Release what is proposed; what the policy asks is checked again
    Promote(PromoteArgs),
    /// Take an environment back to what it had after an earlier release
    ///
    /// This is a release of its own; no rule about evidence is asked, because what comes back was released before.
    Rollback(RollbackArgs),
    /// Point the environment's aliases in a registry to what is released; a second time changes nothing
    Push(PushArgs),
    /// Show what each environment has, how old its evidence is, and what is proposed
    Status {
        /// The environment [default: all]
        #[arg(value_name = "ENV")]
        environment: Option<String>,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Check every digest, every signature and the chain of releases; exit code 4 where a file is not as it was written
    Verify {
        /// The environment [default: all]
        #[arg(value_name = "ENV")]
        environment: Option<String>,
        #[command(flatten)]
        place: PlaceArgs,
    },
    /// Write what an environment has, as applications read it
    Export(ExportArgs),
}

#[derive(Debug, Args)]
pub(crate) struct ProposeArgs {
    /// Name of the prompt
    #[arg(value_name = "NAME")]
    name: String,
    /// The environment that is to have it
    #[arg(long, value_name = "ENV")]
    to: String,
    /// Gated runs of the prompt: folders, `latest` or `SUITE:latest`
    #[arg(long = "run", value_name = "RUN_DIR", num_args = 1..)]
    runs: Vec<PathBuf>,
    /// What the suites call the model, where a run evaluated several
    #[arg(long, value_name = "NAME")]
    model: Option<String>,
    #[command(flatten)]
    out: OutArgs,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct ApproveArgs {
    /// Name of the prompt
    #[arg(value_name = "NAME")]
    name: String,
    /// The environment that it is proposed for
    #[arg(long, value_name = "ENV")]
    to: String,
    /// The proposal, where there are several of the prompt
    #[arg(long, value_name = "ID")]
    proposal: Option<String>,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct PromoteArgs {
    /// Name of the prompt
    #[arg(value_name = "NAME")]
    name: String,
    /// The environment that gets it
    #[arg(long, value_name = "ENV")]
    to: String,
    /// The proposal, where there are several of the prompt
    #[arg(long, value_name = "ID")]
    proposal: Option<String>,
    /// Why, for those who read the release later
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    follow: FollowArgs,
    #[command(flatten)]
    out: OutArgs,
    #[command(flatten)]
    place: PlaceArgs,
}

#[derive(Debug, Args)]
pub(crate) struct RollbackArgs {
    /// The environment
    #[arg(value_name = "ENV")]
    environment: String,
    /// The release whose state it gets again [default: the one before the newest]
    #[arg(long, value_name = "N")]
    to: Option<u64>,
    /// Write the files of its prompts into the library, too
    #[arg(long)]
    restore: bool,
    /// Replace files of the library that no release has
    #[arg(long, requires = "restore")]
    force: bool,
    /// Why, for those who read the release later
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    #[command(flatten)]
    key: KeyArgs,
    #[command(flatten)]
    follow: FollowArgs,
    #[command(flatten)]
    out: OutArgs,
    #[command(flatten)]
    place: PlaceArgs,
}

/// The releases in a folder, of a library.
pub(super) fn open(releases: &Path, library: &Path, policy: Option<&Path>) -> Result<Releases> {
    let folder = releases.parent().filter(|folder| !folder.as_os_str().is_empty());
    let who = Who::of(folder.unwrap_or(Path::new(".")), &|name| std::env::var(name).ok());
    Ok(Releases::open(&ReleasesOptions {
        releases: releases.to_owned(),
        library: library.to_owned(),
        policy: policy.map(Path::to_owned),
        who,
    })?)
}

impl PlaceArgs {
    pub(super) fn open(&self) -> Result<Releases> {
        open(&self.releases, &self.library, self.policy.as_deref())
    }

    pub(super) fn tell(&self, text: &str, document: &Value, printer: Printer) {
        if self.format.is_json() {
            printer.json(&format!("{document:#}"));
        } else {
            printer.result(text);
        }
    }

    /// What was done; a refusal is told as JSON where that is asked for, too.
    fn done<T>(
        &self,
        done: Result<T, RunError>,
        printer: Printer,
        told: impl FnOnce(&T) -> (String, Value),
    ) -> Result<Exit> {
        match done {
            Ok(done) => {
                let (text, document) = told(&done);
                self.tell(&text, &document, printer);
                Ok(Exit::Done)
            }
            Err(error) => self.refused(error, printer),
        }
    }

    /// What was released, and what became of the registry that follows it: the release stands, whatever that is.
    fn followed<'a, T>(
        &self,
        done: Result<T, RunError>,
        printer: Printer,
        told: impl FnOnce(&T) -> (String, Value, Option<Result<Followed<'a>>>),
    ) -> Result<Exit> {
        let done = match done {
            Ok(done) => done,
            Err(error) => return self.refused(error, printer),
        };
        let (mut text, mut document, followed) = told(&done);
        if let Some(Ok(followed)) = &followed {
            text = format!("{text}\n{}", followed.text(printer));
        }
        let registry = followed.as_ref().and_then(|followed| followed.as_ref().ok());
        document["registry"] = registry.map_or(Value::Null, Followed::document);
        self.tell(&text, &document, printer);
        Ok(followed.transpose()?.map_or(Exit::Done, |followed| followed.end(printer)))
    }

    fn refused(&self, error: RunError, printer: Printer) -> Result<Exit> {
        match error.find::<RefusedRelease>() {
            Some(refused) if self.format.is_json() => {
                printer.json(&format!("{:#}", refusal_document(refused)));
                Ok(refused.ending().unwrap_or(Exit::Incomplete))
            }
            _ => Err(error.into()),
        }
    }
}

pub(crate) fn release(command: &ReleaseCommand, printer: Printer, host: &Host<'_>) -> Result<Exit> {
    match command {
        ReleaseCommand::Propose(args) => args.propose(printer, host),
        ReleaseCommand::Approve(args) => args.approve(printer),
        ReleaseCommand::Promote(args) => args.promote(printer, host),
        ReleaseCommand::Rollback(args) => args.roll_back(printer, host),
        ReleaseCommand::Push(args) => push(args, printer, host),
        ReleaseCommand::Status { environment, place } => {
            let status = release_status(&place.open()?, environment.as_deref(), host)?;
            let text = releases::status(&status, printer.screen());
            place.tell(&text, &status_document(&status), printer);
            Ok(Exit::Done)
        }
        ReleaseCommand::Verify { environment, place } => {
            let verified = verify_releases(&place.open()?, environment.as_deref())?;
            let text = releases::verified(&verified, printer.screen());
            place.tell(&text, &verified_document(&verified), printer);
            Ok(verified.ending())
        }
        ReleaseCommand::Export(args) => args.export(printer, host),
    }
}

impl ProposeArgs {
    fn propose(&self, printer: Printer, host: &Host<'_>) -> Result<Exit> {
        let runs = self.runs.iter().map(|run| existing_run(run, &self.out.out));
        let options = ProposeOptions {
            prompt: self.name.clone(),
            environment: self.to.clone(),
            runs: runs.collect::<Result<_, _>>()?,
            model: self.model.clone(),
        };
        let proposed = propose_release(&self.place.open()?, &options, host);
        self.place.done(proposed, printer, |proposed| {
            warn(&proposed.warnings, printer);
            (releases::proposed(proposed), proposed_document(proposed))
        })
    }
}

impl ApproveArgs {
    fn approve(&self, printer: Printer) -> Result<Exit> {
        let Some(key) = self.key.path() else {
            let error = RunError::new("an approval is a signature");
            return Err(error.with_hint("name the file of your key with `--key FILE`").into());
        };
        let options = ApproveOptions {
            prompt: self.name.clone(),
            environment: self.to.clone(),
            proposal: self.proposal.clone(),
            key,
        };
        let approved = approve_release(&self.place.open()?, &options);
        self.place.done(approved, printer, |approved| {
            warn(&approved.warnings, printer);
            (releases::approved(approved), approved_document(approved))
        })
    }
}

impl PromoteArgs {
    fn promote(&self, printer: Printer, host: &Host<'_>) -> Result<Exit> {
        let options = PromoteReleaseOptions {
            prompt: self.name.clone(),
            environment: self.to.clone(),
            proposal: self.proposal.clone(),
            reason: self.reason.clone(),
            key: self.key.path(),
        };
        let releases = self.place.open()?;
        let registry = self.follow.open(&self.place.library, host)?;
        let listeners = Listeners::of(&releases, host)?;
        let promoted = promote_release(&releases, &options, host);
        self.place.followed(promoted, printer, |promoted| {
            warn(&promoted.warnings, printer);
            let release = (&releases, &*self.to, promoted.state.release);
            listeners.tell(release, &self.out, printer, host);
            let followed =
                registry.as_ref().map(|to| Followed::new(to, &releases, &self.to, printer));
            (releases::promoted(promoted), promoted_document(promoted), followed)
        })
    }
}

impl RollbackArgs {
    fn roll_back(&self, printer: Printer, host: &Host<'_>) -> Result<Exit> {
        let options = RollbackOptions {
            environment: self.environment.clone(),
            to: self.to,
            restore: self.restore,
            force: self.force,
            reason: self.reason.clone(),
            key: self.key.path(),
        };
        let releases = self.place.open()?;
        let registry = self.follow.open(&self.place.library, host)?;
        let listeners = Listeners::of(&releases, host)?;
        let back = roll_back(&releases, &options);
        self.place.followed(back, printer, |back| {
            warn(&back.warnings, printer);
            let release = (&releases, &*self.environment, back.state.release);
            listeners.tell(release, &self.out, printer, host);
            let gone = back.prompts.iter().filter(|(_, hash)| hash.is_none());
            let gone = gone.map(|(name, _)| name.clone());
            let followed = registry.as_ref().map(|to| {
                Ok(Followed::new(to, &releases, &self.environment, printer)?.without(gone))
            });
            (releases::rolled_back(back), rolled_back_document(back), followed)
        })
    }
}

fn warn(warnings: &[String], printer: Printer) {
    for warning in warnings {
        printer.warning(warning);
    }
}
