//! OpenSSH's own form of keys: texts with their lengths before them, in base64.
//!
//! Written here, as it is short: the `ssh-key` crate brings a second version of ten crates of cryptography.

use base64::{Engine, engine::general_purpose::STANDARD};
use zeroize::Zeroizing;

use super::{KeyAlgorithm, KeyProblem, PublicKey};

const MAGIC: &[u8] = b"openssh-key-v1\0";

/// A private key as it stands in a file, with the public one that belongs to it.
pub(super) struct PrivateParts {
    pub(super) algorithm: KeyAlgorithm,
    pub(super) public: Vec<u8>,
    /// The seed of Ed25519, or the 32 bytes of the scalar.
    pub(super) secret: Zeroizing<Vec<u8>>,
}

/// The public key of a `.pub` file or a line of `allowed_signers`.
pub(super) fn public_key(kind: &str, blob: &str) -> Result<PublicKey, KeyProblem> {
    let algorithm = algorithm(kind)?;
    let blob = STANDARD.decode(blob).map_err(|_| KeyProblem::Malformed("no valid base64"))?;
    let mut reader = Reader(&blob);
    if reader.text()? != kind.as_bytes() {
        return Err(KeyProblem::Malformed("its kind is not the one that stands before it"));
    }
    let raw = public_part(algorithm, &mut reader)?;
    reader.end()?;
    PublicKey::from_raw(algorithm, raw)
}

/// What `ssh-keygen` takes the fingerprint of.
pub(super) fn public_blob(algorithm: KeyAlgorithm, raw: &[u8]) -> Vec<u8> {
    let mut blob = Vec::new();
    let mut texts = vec![algorithm.ssh_name().as_bytes()];
    if algorithm == KeyAlgorithm::EcdsaP256 {
        texts.push(b"nistp256");
    }
    texts.push(raw);
    for text in texts {
        let len = u32::try_from(text.len()).unwrap_or(u32::MAX);
        blob.extend(len.to_be_bytes());
        blob.extend(text);
    }
    blob
}

/// The first key of an unencrypted private key file, whose PEM frame is off.
pub(super) fn private_key(bytes: &[u8]) -> Result<PrivateParts, KeyProblem> {
    let bytes = bytes.strip_prefix(MAGIC).ok_or(KeyProblem::Malformed("no OpenSSH key"))?;
    let mut reader = Reader(bytes);
    let (cipher, kdf, _) = (reader.text()?, reader.text()?, reader.text()?);
    if cipher != b"none" || kdf != b"none" {
        return Err(KeyProblem::Encrypted);
    }
    if reader.number()? != 1 {
        return Err(KeyProblem::Malformed("it holds several keys"));
    }
    let _public = reader.text()?;
    let mut private = Reader(reader.text()?);
    reader.end()?;
    if private.number()? != private.number()? {
        return Err(KeyProblem::Malformed("its check numbers differ"));
    }
    let kind = String::from_utf8_lossy(private.text()?).into_owned();
    let algorithm = algorithm(&kind)?;
    let public = public_part(algorithm, &mut private)?.to_vec();
    let secret = private.text()?;
    let secret = match algorithm {
        // The seed, and the public key once more.
        KeyAlgorithm::Ed25519 if secret.len() == 64 && secret[32..] == public => {
            secret[..32].to_vec()
        }
        KeyAlgorithm::Ed25519 => return Err(KeyProblem::Inconsistent),
        KeyAlgorithm::EcdsaP256 => scalar(secret)?,
    };
    Ok(PrivateParts { algorithm, public, secret: Zeroizing::new(secret) })
}

/// A number without a sign as 32 bytes.
fn scalar(number: &[u8]) -> Result<Vec<u8>, KeyProblem> {
    let zeros = number.iter().take_while(|byte| **byte == 0).count();
    let digits = &number[zeros..];
    let missing = 32_usize
        .checked_sub(digits.len())
        .ok_or(KeyProblem::Malformed("its number is too long"))?;
    Ok([vec![0; missing], digits.to_vec()].concat())
}

fn algorithm(kind: &str) -> Result<KeyAlgorithm, KeyProblem> {
    let known = [KeyAlgorithm::Ed25519, KeyAlgorithm::EcdsaP256];
    let found = known.into_iter().find(|algorithm| algorithm.ssh_name() == kind);
    let is_ssh = ["ssh-", "ecdsa-", "sk-"].iter().any(|start| kind.starts_with(start));
    found.ok_or_else(
        || {
            if is_ssh { KeyProblem::Unsupported(shown(kind)) } else { KeyProblem::NoKey }
        },
    )
}

/// A word of a file as it may stand in a message.
pub(super) fn shown(word: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || "-@. ".contains(*c);
    word.chars().filter(plain).take(40).collect()
}

fn public_part<'a>(
    algorithm: KeyAlgorithm,
    reader: &mut Reader<'a>,
) -> Result<&'a [u8], KeyProblem> {
    if algorithm == KeyAlgorithm::EcdsaP256 && reader.text()? != b"nistp256" {
        return Err(KeyProblem::Malformed("its curve is not the one that its kind says"));
    }
    let raw = reader.text()?;
    if raw.len() != algorithm.public_len() {
        return Err(KeyProblem::Malformed("its public key has another length"));
    }
    Ok(raw)
}

/// What is left to be read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn number(&mut self) -> Result<u32, KeyProblem> {
        let (bytes, rest) = self.0.split_first_chunk().ok_or(CUT_OFF)?;
        self.0 = rest;
        Ok(u32::from_be_bytes(*bytes))
    }

    fn text(&mut self) -> Result<&'a [u8], KeyProblem> {
        let len = usize::try_from(self.number()?).map_err(|_| CUT_OFF)?;
        let (text, rest) = self.0.split_at_checked(len).ok_or(CUT_OFF)?;
        self.0 = rest;
        Ok(text)
    }

    fn end(&self) -> Result<(), KeyProblem> {
        let more = KeyProblem::Malformed("there is more behind its end");
        if self.0.is_empty() { Ok(()) } else { Err(more) }
    }
}

const CUT_OFF: KeyProblem = KeyProblem::Malformed("it ends too early");
