//! Private keys: read from a file, kept in memory while they sign, and shown nowhere.

use std::{fmt, path::Path};

use aws_lc_rs::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair},
};
use zeroize::Zeroizing;

use super::{KeyAlgorithm, KeyError, KeyProblem, PublicKey, open_ssh, public_key::read_bounded};

/// A key that signs.
pub struct SigningKey {
    pair: Pair,
    public: PublicKey,
    exposure: Option<String>,
}

enum Pair {
    Ed25519(Ed25519KeyPair),
    EcdsaP256(EcdsaKeyPair),
}

impl SigningKey {
    /// Reads a file: PEM (PKCS#8 or SEC 1) or OpenSSH, without a passphrase.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let fail = |problem| KeyError { path: path.to_owned(), problem };
        let bytes = read_bounded(path).map_err(fail)?;
        let mut key = Self::parse(&bytes).map_err(fail)?;
        key.exposure = exposure_of(path);
        Ok(key)
    }

    /// Reads the content of a key file.
    pub fn parse(text: &[u8]) -> Result<Self, KeyProblem> {
        if !contains(text, "-----BEGIN ") {
            let is_public =
                ["ssh-", "ecdsa-sha2-", "sk-"].iter().any(|s| text.starts_with(s.as_bytes()));
            return Err(if is_public { KeyProblem::PublicInstead } else { KeyProblem::NoKey });
        }
        // OpenSSL's older form, whose header a PEM reader may refuse.
        if contains(text, "Proc-Type: 4,ENCRYPTED") || contains(text, "BEGIN ENCRYPTED PRIVATE KEY")
        {
            return Err(KeyProblem::Encrypted);
        }
        let sections = pem::parse_many(text).map_err(|_| KeyProblem::Malformed("no valid PEM"))?;
        let is_key = |section: &&pem::Pem| section.tag().ends_with(" KEY");
        let section = sections.into_iter().find(|section| is_key(&section));
        let section = section.ok_or(KeyProblem::NoKey)?;
        let tag = section.tag().to_owned();
        let content = Zeroizing::new(section.into_contents());
        let pair = match tag.as_str() {
            "PRIVATE KEY" => pkcs8(&content)?,
            "EC PRIVATE KEY" => Pair::EcdsaP256(sec1(&content)?),
            "OPENSSH PRIVATE KEY" => from_open_ssh(&content)?,
            "PUBLIC KEY" => return Err(KeyProblem::PublicInstead),
            other => return Err(KeyProblem::Unsupported(open_ssh::shown(other))),
        };
        let public = pair.public()?;
        Ok(Self { pair, public, exposure: None })
    }

    /// Its public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public
    }

    /// Signs the message as it is: with Ed25519 the same message always gives the same signature.
    pub fn sign(&self, message: &[u8]) -> Result<Vec<u8>, KeyProblem> {
        match &self.pair {
            Pair::Ed25519(pair) => Ok(pair.sign(message).as_ref().to_vec()),
            Pair::EcdsaP256(pair) => {
                let signed = pair.sign(&SystemRandom::new(), message);
                signed.map(|s| s.as_ref().to_vec()).map_err(|_| KeyProblem::SigningFailed)
            }
        }
    }

    /// A warning, where others than its owner can read the file that it came from.
    pub fn exposure(&self) -> Option<&str> {
        self.exposure.as_deref()
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.public.fingerprint())
    }
}

impl Pair {
    fn public(&self) -> Result<PublicKey, KeyProblem> {
        match self {
            Self::Ed25519(pair) => {
                PublicKey::from_raw(KeyAlgorithm::Ed25519, pair.public_key().as_ref())
            }
            Self::EcdsaP256(pair) => {
                PublicKey::from_raw(KeyAlgorithm::EcdsaP256, pair.public_key().as_ref())
            }
        }
    }
}

/// What `openssl genpkey` writes.
fn pkcs8(der: &[u8]) -> Result<Pair, KeyProblem> {
    if let Ok(pair) = Ed25519KeyPair::from_pkcs8_maybe_unchecked(der) {
        return Ok(Pair::Ed25519(pair));
    }
    if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der) {
        return Ok(Pair::EcdsaP256(pair));
    }
    Err(KeyProblem::Unsupported("another algorithm or curve".to_owned()))
}

/// What `openssl ecparam -genkey` writes.
fn sec1(der: &[u8]) -> Result<EcdsaKeyPair, KeyProblem> {
    EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_ASN1_SIGNING, der)
        .map_err(|_| KeyProblem::Unsupported("another curve".to_owned()))
}

/// What `ssh-keygen` writes.
fn from_open_ssh(content: &[u8]) -> Result<Pair, KeyProblem> {
    let parts = open_ssh::private_key(content)?;
    let inconsistent = |_| KeyProblem::Inconsistent;
    Ok(match parts.algorithm {
        KeyAlgorithm::Ed25519 => Pair::Ed25519(
            Ed25519KeyPair::from_seed_and_public_key(&parts.secret, &parts.public)
                .map_err(inconsistent)?,
        ),
        KeyAlgorithm::EcdsaP256 => Pair::EcdsaP256(
            EcdsaKeyPair::from_private_key_and_public_key(
                &ECDSA_P256_SHA256_ASN1_SIGNING,
                &parts.secret,
                &parts.public,
            )
            .map_err(inconsistent)?,
        ),
    })
}

fn contains(text: &[u8], word: &str) -> bool {
    text.windows(word.len()).any(|window| window == word.as_bytes())
}

/// What to say of a key file that others can read, as `ssh` says it.
#[cfg(unix)]
fn exposure_of(path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt;
    let mode = path.metadata().ok()?.permissions().mode() & 0o777;
    let path = path.display();
    (mode & 0o077 != 0).then(|| {
        format!("other users of this machine can reach the key {path} (mode {mode:04o}): `chmod 600 {path}`")
    })
}

/// Elsewhere permissions are not told by a file's mode.
#[cfg(not(unix))]
fn exposure_of(_path: &Path) -> Option<String> {
    None
}
