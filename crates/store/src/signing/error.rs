//! What can be wrong with a key. No text here ever holds a part of one.

use std::{io, path::PathBuf};

/// A key file that cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the key {} cannot be used", path.display())]
pub struct KeyError {
    /// The file.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub problem: KeyProblem,
}

impl KeyError {
    /// What the user can do about it.
    pub fn hint(&self) -> Option<String> {
        let path = self.path.display();
        Some(match &self.problem {
            KeyProblem::Encrypted => format!(
                "sign with a key that has no passphrase: `ssh-keygen -p -N '' -f COPY` takes it off a copy of {path}; keep \
                 that copy outside the repository"
            ),
            KeyProblem::PublicInstead => "name the private key, without `.pub`".to_owned(),
            KeyProblem::PrivateInstead => "name the public key: `ssh-keygen -y -f KEY` or \
                 `openssl pkey -in KEY -pubout` prints it, so that the private one can stay where it is"
                .to_owned(),
            KeyProblem::Unsupported(_) | KeyProblem::NoKey => {
                "make one with `ssh-keygen -t ed25519 -N '' -f KEY` or `openssl genpkey -algorithm \
                 ed25519 -out KEY`"
                    .to_owned()
            }
            KeyProblem::TooLong
            | KeyProblem::Malformed(_)
            | KeyProblem::Inconsistent
            | KeyProblem::SigningFailed
            | KeyProblem::Unreadable(_) => return None,
        })
    }
}

/// What is wrong with a key.
#[derive(Debug, thiserror::Error)]
pub enum KeyProblem {
    /// The file cannot be read.
    #[error("it cannot be read")]
    Unreadable(#[source] io::Error),
    /// No key is that long.
    #[error("it is longer than 64 KiB, which no key is")]
    TooLong,
    /// There is no key in it.
    #[error("it holds no key that is known here: PEM (PKCS#8, SEC 1) or OpenSSH")]
    NoKey,
    /// It needs a passphrase.
    #[error("it is encrypted, and evalmark asks for no passphrase")]
    Encrypted,
    /// A public key stands where a private one is needed.
    #[error("it is a public key, which cannot sign")]
    PublicInstead,
    /// A private key stands where a public one is needed.
    #[error("it is a private key, where a public one is needed")]
    PrivateInstead,
    /// A kind of key that is not supported.
    #[error("it is of the kind {0}; Ed25519 and ECDSA on P-256 are supported")]
    Unsupported(String),
    /// It is not what its kind says.
    #[error("it is damaged: {0}")]
    Malformed(&'static str),
    /// The public half does not belong to the private one.
    #[error("its public half does not belong to its private one")]
    Inconsistent,
    /// The system's randomness, or the like.
    #[error("the signature could not be made")]
    SigningFailed,
}
