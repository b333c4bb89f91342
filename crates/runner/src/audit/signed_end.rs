//! The log's end, signed and checked: what a cut-off log is found by.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use evalmark_store::{
    attestation::{Envelope, EnvelopeError, SignatureRule, SigningError, VerifyError},
    audit::{
        Anchor, AuditAction, AuditError, AuditHold, AuditLog, AuditReport, AuditSubject,
        Checkpoint, Evidence,
    },
    durable,
    releases::ReleasesFolder,
    signing::{AllowedSigners, AllowedSignersError, KeyError, SigningKey},
};
use jiff::Timestamp;

use crate::{Advised, Ending, Host, Notice, error::Result};

/// The file beside the log that holds its signed end.
const CHECKPOINT: &str = "audit.checkpoint.json";

/// The longest file of a checkpoint.
const MAX_BYTES: u64 = 1024 * 1024;

/// What signs the log's end, and where that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckpointOptions {
    /// The private key.
    pub key: PathBuf,
    /// The file; `None` is the one beside the log.
    pub output: Option<PathBuf>,
}

/// A signed end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedCheckpoint {
    /// The file.
    pub path: PathBuf,
    /// How many entries it covers.
    pub entries: u64,
    /// Whose key signed, as `ssh-keygen -l` shows it.
    pub fingerprint: String,
}

/// What a log is checked against.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct VerifyAuditOptions {
    /// Signed ends, beside the one next to the log.
    pub checkpoints: Vec<PathBuf>,
    /// Whose signatures count; `None` is the file beside the log.
    pub signers: Option<PathBuf>,
    /// Whether branches that nothing joins are a failure.
    pub strict: bool,
}

/// What is known of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedAudit {
    /// What its lines tell.
    pub report: AuditReport,
    /// The signed ends that it was held against.
    pub checkpoints: Vec<PathBuf>,
    /// The releases that it was held against.
    pub releases: Vec<AuditHold>,
    /// How a command ends on it.
    pub ending: Ending,
}

/// Why a checkpoint cannot be made or checked.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// Nothing was signed.
    #[error(transparent)]
    Signing(#[from] SigningError),
    /// The file cannot be written.
    #[error("the checkpoint {} cannot be written", path.display())]
    Unwritable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The file cannot be read.
    #[error("the checkpoint {} cannot be read", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// It is no envelope.
    #[error("the checkpoint {} is none", path.display())]
    NoEnvelope {
        /// The file.
        path: PathBuf,
        /// Why.
        source: EnvelopeError,
    },
    /// Its signatures do not count.
    #[error("the checkpoint {} is refused", path.display())]
    Refused {
        /// The file.
        path: PathBuf,
        /// Why.
        source: VerifyError,
    },
    /// Nobody is known whose signature counts.
    #[error("nobody is named whose checkpoints count: there is no {}", .0.display())]
    NoSigners(PathBuf),
    /// The signers cannot be read.
    #[error(transparent)]
    Signers(#[from] AllowedSignersError),
}

impl Advised for CheckpointError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Key(error) => error.hint(),
            Self::NoSigners(path) => Some(format!(
                "write a line `NAME KEYTYPE KEY` for each signer into {}, as git has it, or name another file with \
                 `--signers`",
                path.display()
            )),
            _ => None,
        }
    }

    fn ending(&self) -> Option<Ending> {
        match self {
            Self::Refused { .. } | Self::NoEnvelope { .. } | Self::Unwritable { .. } => {
                Some(Ending::Incomplete)
            }
            _ => None,
        }
    }
}

/// Signs the end of the log, and puts the entry that says so into it first.
pub fn sign_checkpoint(options: &CheckpointOptions, host: &Host<'_>) -> Result<SignedCheckpoint> {
    let Some(auditor) = host.audit else { return Err(AuditError::SwitchedOff.into()) };
    let key = SigningKey::read(&options.key).map_err(CheckpointError::Key)?;
    if let Some(warning) = key.exposure() {
        host.notices.tell(&Notice::KeyExposed(warning));
    }
    let fingerprint = key.public_key().fingerprint();
    let evidence = Evidence::from([("key".to_owned(), fingerprint.clone())]);
    host.record(AuditAction::Checkpoint, AuditSubject::default(), evidence)?;
    let statement = auditor.log().checkpoint(Timestamp::now())?;
    let entries = statement.predicate.log.entries;
    let mut envelope = Envelope::new(&statement);
    envelope.sign(&key).map_err(CheckpointError::Signing)?;
    let path = options.output.clone().unwrap_or_else(|| beside(auditor.log(), CHECKPOINT));
    durable::write(&path, envelope.to_json().as_bytes())
        .map_err(|source| CheckpointError::Unwritable { path: path.clone(), source })?;
    Ok(SignedCheckpoint { path, entries, fingerprint })
}

/// Reads the whole log, and holds it against the signed ends that there are, and the newest releases.
pub fn verify_audit(log: &AuditLog, options: &VerifyAuditOptions) -> Result<VerifiedAudit> {
    let own = beside(log, CHECKPOINT);
    let mut paths = options.checkpoints.clone();
    if own.symlink_metadata().is_ok() && !paths.contains(&own) {
        paths.push(own.clone());
    }
    let mut anchors: Vec<(String, Anchor)> = Vec::new();
    if !paths.is_empty() {
        let signers = signers(log, options)?;
        for path in &paths {
            let name = if *path == own { Path::new(CHECKPOINT) } else { path };
            anchors.push((name.display().to_string(), anchor(path, &signers)?));
        }
    }
    let folder = log.path().parent().unwrap_or(Path::new(""));
    let releases = ReleasesFolder::new(folder).audit_holds()?;
    let report = log.verify_with(anchors, &releases)?;
    let is_right = report.is_intact() && (report.is_joined() || !options.strict);
    let ending = if is_right { Ending::Done } else { Ending::Incomplete };
    Ok(VerifiedAudit { report, checkpoints: paths, releases, ending })
}

fn signers(log: &AuditLog, options: &VerifyAuditOptions) -> Result<AllowedSigners> {
    let path = options.signers.clone().unwrap_or_else(|| beside(log, "allowed_signers"));
    if path.symlink_metadata().is_err() {
        return Err(CheckpointError::NoSigners(path).into());
    }
    Ok(AllowedSigners::read(&path).map_err(CheckpointError::Signers)?)
}

/// The end that a file holds. Keys count by the time that the checkpoint says, which is signed.
fn anchor(path: &Path, signers: &AllowedSigners) -> Result<Anchor> {
    let unreadable = |source| CheckpointError::Unreadable { path: path.to_owned(), source };
    if path.metadata().map_err(unreadable)?.len() > MAX_BYTES {
        return Err(unreadable(io::Error::other("it is longer than 1 MiB")).into());
    }
    let text = fs::read(path).map_err(unreadable)?;
    let no_envelope = |source| CheckpointError::NoEnvelope { path: path.to_owned(), source };
    let envelope = Envelope::parse(&text).map_err(no_envelope)?;
    let at = envelope.unverified::<Checkpoint>().map_err(no_envelope)?.predicate.time;
    let verified = envelope.verify::<Checkpoint>(signers, &SignatureRule { threshold: 1, at });
    let refused = |source| CheckpointError::Refused { path: path.to_owned(), source };
    Ok(verified.map_err(refused)?.statement.predicate.log)
}

fn beside(log: &AuditLog, name: &str) -> PathBuf {
    log.path().with_file_name(name)
}
