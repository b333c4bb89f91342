//! Who stands for a release: whoever signed it, and those who approved.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use evalmark_core::prompt_library::EnvironmentPolicy;
use evalmark_store::{
    attestation::{Envelope, Predicate, SignatureRule, Statement, VerifyError},
    releases::StoredProposal,
    signing::{AllowedSigners, AllowedSignersError, KeyError, SigningKey},
};
use jiff::Timestamp;
use serde_json::Value;

use super::{
    context::Releases,
    statements::{ReleaseDecision, is_about},
};
use crate::error::{Advised, Result};

/// A key, and whose it is.
pub(super) struct Signer {
    pub(super) key: SigningKey,
    /// The name beside it among the signers.
    pub(super) name: String,
}

/// Why nobody can sign.
#[derive(Debug, thiserror::Error)]
pub enum ReleaseKeyError {
    /// The key cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The file of signers cannot be used.
    #[error(transparent)]
    Signers(#[from] AllowedSignersError),
    /// It is no signer's key.
    #[error("the key {} ({fingerprint}) is none of those in {}", key.display(), signers.display())]
    Unknown {
        /// The key's file.
        key: PathBuf,
        /// Its fingerprint.
        fingerprint: String,
        /// The file of signers.
        signers: PathBuf,
    },
    /// No statement could be made.
    #[error("the statement cannot be signed: {0}")]
    Statement(String),
}

impl Advised for ReleaseKeyError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Key(error) => error.hint(),
            Self::Unknown { signers, .. } => Some(format!(
                "write a line `NAME ssh-ed25519 AAAA…` with its public half into {}, and have it reviewed",
                signers.display()
            )),
            Self::Signers(_) | Self::Statement(_) => None,
        }
    }
}

impl Releases {
    /// The file of signers.
    pub(super) fn signers_file(&self) -> PathBuf {
        let beside = self.policy_file.as_ref().and_then(|file| file.parent());
        match &self.policy.signers {
            Some(named) => beside.unwrap_or(Path::new("")).join(named),
            None => self.folder.path.join("allowed_signers"),
        }
    }

    /// Who may sign; nobody where there is no such file.
    pub(super) fn signers(&self) -> Result<AllowedSigners, ReleaseKeyError> {
        let path = self.signers_file();
        if self.policy.signers.is_none() && !path.exists() {
            return Ok(AllowedSigners::default());
        }
        Ok(AllowedSigners::read(&path)?)
    }

    /// The key of a file, which must be a signer's.
    pub(super) fn signer(&self, path: &Path) -> Result<Signer, ReleaseKeyError> {
        let key = SigningKey::read(path)?;
        let signers = self.signers()?;
        let found = signers.by_key_id(key.public_key().key_id());
        match found.map(|signer| signer.name().to_owned()) {
            Some(name) => Ok(Signer { key, name }),
            None => Err(ReleaseKeyError::Unknown {
                key: path.to_owned(),
                fingerprint: key.public_key().fingerprint(),
                signers: self.signers_file(),
            }),
        }
    }
}

impl Signer {
    /// The envelope of a statement that this key signed.
    pub(super) fn sign<P: Predicate>(
        &self,
        statement: &Statement<P>,
    ) -> Result<Envelope, ReleaseKeyError> {
        let mut envelope = Envelope::new(statement);
        envelope.sign(&self.key).map_err(|error| {
            let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
            ReleaseKeyError::Statement(format!("{error}{}", cause.unwrap_or_default()))
        })?;
        Ok(envelope)
    }

    /// What its owner should know of its file.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.key.exposure().map(str::to_owned).into_iter().collect()
    }
}

/// An envelope as it stands in a document.
pub(super) fn to_value(envelope: &Envelope) -> Result<Value, ReleaseKeyError> {
    serde_json::from_str(&envelope.to_json())
        .map_err(|error| ReleaseKeyError::Statement(error.to_string()))
}

/// The envelope that stands in a document.
pub(super) fn from_value(value: &Value) -> Result<Envelope, VerifyError> {
    Ok(Envelope::parse(value.to_string().as_bytes())?)
}

/// An approval, looked at.
#[derive(Clone, Debug)]
pub(super) struct Approval {
    /// The envelope.
    pub(super) envelope: Value,
    /// Who approved, or why it does not count.
    pub(super) by: Result<String, String>,
}

/// Looks at the approvals of a proposal, whose SHA-256 is given.
pub(super) fn approvals(
    envelopes: &[Value],
    proposal: &str,
    environment: &str,
    signers: &AllowedSigners,
) -> Vec<Approval> {
    let look = |envelope: &Value| {
        let by = approved_by(envelope, proposal, environment, signers);
        Approval { envelope: envelope.clone(), by }
    };
    envelopes.iter().map(look).collect()
}

fn approved_by(
    envelope: &Value,
    proposal: &str,
    environment: &str,
    signers: &AllowedSigners,
) -> Result<String, String> {
    let envelope = from_value(envelope).map_err(|error| error.to_string())?;
    let claimed = envelope.unverified::<ReleaseDecision>().map_err(|error| error.to_string())?;
    let at = claimed.predicate.decided_at.parse::<Timestamp>();
    let at = at.map_err(|_| "it does not say when it was given".to_owned())?;
    let rule = SignatureRule { threshold: 1, at };
    let verified = envelope.verify::<ReleaseDecision>(signers, &rule);
    let verified = verified.map_err(|error| error.to_string())?;
    let decision = &verified.statement.predicate;
    if !decision.is_approval_of(environment) || !is_about(&verified.statement.subject, proposal) {
        return Err("it approves something else".to_owned());
    }
    let name = verified.signers.first().map(|signer| signer.name.clone());
    name.ok_or_else(|| "nobody signed it".to_owned())
}

/// Those whose approval counts, each once, with one envelope.
pub(super) fn counted_approvals(
    approvals: &[Approval],
    policy: &EnvironmentPolicy,
) -> BTreeMap<String, Value> {
    let given = approvals.iter().filter_map(|approval| {
        let name = approval.by.as_ref().ok()?;
        policy.approvals.counts(name).then(|| (name.clone(), approval.envelope.clone()))
    });
    given.collect()
}

/// The approvals of a stored proposal, looked at.
pub(super) fn approvals_of(stored: &StoredProposal, signers: &AllowedSigners) -> Vec<Approval> {
    let environment = &stored.proposal.environment;
    approvals(&stored.approvals, &stored.sha256, environment, signers)
}
