//! Whether an envelope is signed by enough of those who may sign. Asks no network and no clock.

use std::{collections::BTreeSet, fmt};

use jiff::Timestamp;

use super::{Envelope, EnvelopeError, Predicate, Statement, envelope::Signed, statement::shown};
use crate::signing::{AllowedSigner, AllowedSigners};

/// What keys sign here for: a word for `namespaces` in `allowed_signers`.
pub const NAMESPACE: &str = "evalmark";

/// What has to be there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SignatureRule {
    /// How many people have to have signed: different names, not different keys. 0 counts as 1.
    pub threshold: usize,
    /// When it was signed: keys count by the times beside them.
    pub at: Timestamp,
}

/// A statement that the signers stand for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified<P> {
    /// The statement.
    pub statement: Statement<P>,
    /// Who signed it, in the envelope's order.
    pub signers: Vec<VerifiedSigner>,
}

/// Somebody whose signature is right.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct VerifiedSigner {
    /// The first name beside the key.
    pub name: String,
    /// The key.
    pub key_id: String,
}

/// Why an envelope is refused.
#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    /// It is no envelope of such a statement.
    #[error(transparent)]
    Envelope(#[from] EnvelopeError),
    /// Signatures that do not count: all of them.
    #[error("{}", listed(.0))]
    Signatures(Vec<SignatureProblem>),
    /// Too few people signed.
    #[error("{}", too_few(*needed, signers))]
    TooFew {
        /// How many have to.
        needed: usize,
        /// Who did.
        signers: Vec<VerifiedSigner>,
    },
}

/// A signature that does not count.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SignatureProblem {
    /// Nobody among the signers has that key.
    Unknown {
        /// What the envelope says.
        key_id: String,
    },
    /// The bytes are not what was signed, or the signature is not.
    Wrong {
        /// Whose it claims to be.
        signer: VerifiedSigner,
    },
    /// The key may not sign this, or not then.
    NotAllowed {
        /// Whose it is.
        signer: VerifiedSigner,
        /// Why, as the rest of a sentence about the key.
        why: String,
    },
}

impl fmt::Display for SignatureProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { key_id } => {
                write!(f, "a signature is by a key that no signer has: {key_id}")
            }
            Self::Wrong { signer } => write!(
                f,
                "the signature of {} is wrong: the statement or the signature was changed",
                signer.name
            ),
            Self::NotAllowed { signer, why } => write!(f, "the key of {} {why}", signer.name),
        }
    }
}

fn listed(problems: &[SignatureProblem]) -> String {
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

fn too_few(needed: usize, signers: &[VerifiedSigner]) -> String {
    let names: BTreeSet<_> = signers.iter().map(|signer| signer.name.as_str()).collect();
    let names = names.into_iter().collect::<Vec<_>>().join(", ");
    let signed =
        if names.is_empty() { "nobody has".to_owned() } else { format!("signed: {names}") };
    let people = if needed == 1 {
        "1 signature is".to_owned()
    } else {
        format!("signatures of {needed} people are")
    };
    format!("{people} needed; {signed}")
}

impl Envelope {
    /// Who signed it; refuses it where any signature is wrong, unknown or not allowed, or too few people
    /// signed.
    pub fn verify<P: Predicate>(
        &self,
        signers: &AllowedSigners,
        rule: &SignatureRule,
    ) -> Result<Verified<P>, VerifyError> {
        let message = self.signed_bytes();
        let (mut known, mut problems) = (Vec::new(), Vec::new());
        for signed in &self.signatures {
            match check(signed, &message, signers, rule.at) {
                Ok(signer) => known.push(signer),
                Err(problem) => problems.push(problem),
            }
        }
        if !problems.is_empty() {
            return Err(VerifyError::Signatures(problems));
        }
        let names: BTreeSet<_> = known.iter().map(|signer| signer.name.as_str()).collect();
        let needed = rule.threshold.max(1);
        if names.len() < needed {
            return Err(VerifyError::TooFew { needed, signers: known });
        }
        Ok(Verified { statement: self.unverified()?, signers: known })
    }
}

fn check(
    signed: &Signed,
    message: &[u8],
    signers: &AllowedSigners,
    at: Timestamp,
) -> Result<VerifiedSigner, SignatureProblem> {
    let lines: Vec<_> = signers.with_key_id(&signed.key_id).collect();
    let Some(first) = lines.first() else {
        return Err(SignatureProblem::Unknown { key_id: shown(&signed.key_id) });
    };
    let named = |line: &AllowedSigner| VerifiedSigner {
        name: line.name().to_owned(),
        key_id: signed.key_id.clone(),
    };
    if !first.key.verify(message, &signed.signature) {
        return Err(SignatureProblem::Wrong { signer: named(first) });
    }
    if let Some(line) = lines.iter().find(|line| line.objection(NAMESPACE, at).is_none()) {
        return Ok(named(line));
    }
    let why = first.objection(NAMESPACE, at).unwrap_or_default();
    Err(SignatureProblem::NotAllowed { signer: named(first), why })
}
