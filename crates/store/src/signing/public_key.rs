//! Public keys: PEM or OpenSSH in, ids and fingerprints out.

use std::{cmp::Ordering, fmt, fs::File, io::Read, path::Path};

use aws_lc_rs::{
    digest::{SHA256, digest},
    signature::{ECDSA_P256_SHA256_ASN1, ED25519, ParsedPublicKey, VerificationAlgorithm},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, STANDARD_NO_PAD},
};
use zeroize::Zeroizing;

use super::{KeyError, KeyProblem, open_ssh};

/// The longest file that may hold a key.
const MAX_BYTES: u64 = 64 * 1024;

/// What stands before the 32 bytes of an Ed25519 key in its DER form.
const ED25519_DER: [u8; 12] =
    [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];

/// What stands before the 65 bytes of a point on P-256 in the key's DER form.
const P256_DER: [u8; 26] = [
    0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a,
    0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00,
];

/// How a key signs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum KeyAlgorithm {
    /// Ed25519.
    Ed25519,
    /// ECDSA on the curve P-256, with SHA-256.
    EcdsaP256,
}

impl KeyAlgorithm {
    /// Its name in SSH's files.
    pub(super) fn ssh_name(self) -> &'static str {
        match self {
            Self::Ed25519 => "ssh-ed25519",
            Self::EcdsaP256 => "ecdsa-sha2-nistp256",
        }
    }

    /// How long the raw public key is.
    pub(super) fn public_len(self) -> usize {
        match self {
            Self::Ed25519 => 32,
            Self::EcdsaP256 => 65,
        }
    }

    fn der_prefix(self) -> &'static [u8] {
        match self {
            Self::Ed25519 => &ED25519_DER,
            Self::EcdsaP256 => &P256_DER,
        }
    }

    fn verifier(self) -> &'static dyn VerificationAlgorithm {
        match self {
            Self::Ed25519 => &ED25519,
            Self::EcdsaP256 => &ECDSA_P256_SHA256_ASN1,
        }
    }

    /// Key type and scheme, as TUF and in-toto name them.
    fn tuf_names(self) -> (&'static str, &'static str) {
        match self {
            Self::Ed25519 => ("ed25519", "ed25519"),
            Self::EcdsaP256 => ("ecdsa", "ecdsa-sha2-nistp256"),
        }
    }
}

/// A key that tells whether a signature is that of its private half.
#[derive(Clone)]
pub struct PublicKey {
    algorithm: KeyAlgorithm,
    /// The 32 bytes of Ed25519, or the uncompressed point.
    raw: Vec<u8>,
    parsed: ParsedPublicKey,
    key_id: String,
}

impl PublicKey {
    /// Reads a file: PEM or OpenSSH.
    pub fn read(path: &Path) -> Result<Self, KeyError> {
        let fail = |problem| KeyError { path: path.to_owned(), problem };
        let bytes = read_bounded(path).map_err(fail)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| fail(KeyProblem::NoKey))?;
        Self::parse(text).map_err(fail)
    }

    /// Reads the text of a key file: PEM or OpenSSH.
    pub fn parse(text: &str) -> Result<Self, KeyProblem> {
        if text.len() as u64 > MAX_BYTES {
            return Err(KeyProblem::TooLong);
        }
        if !text.contains("-----BEGIN ") {
            let line = text.lines().map(str::trim).find(|line| is_content(line));
            let mut words = line.ok_or(KeyProblem::NoKey)?.split_ascii_whitespace();
            let (Some(kind), Some(blob)) = (words.next(), words.next()) else {
                return Err(KeyProblem::NoKey);
            };
            return open_ssh::public_key(kind, blob);
        }
        let sections = pem::parse_many(text).map_err(|_| KeyProblem::Malformed("no valid PEM"))?;
        let section = sections.iter().find(|section| section.tag().ends_with(" KEY"));
        match section {
            Some(section) if section.tag() == "PUBLIC KEY" => Self::from_der(section.contents()),
            Some(section) if section.tag().ends_with("PRIVATE KEY") => {
                Err(KeyProblem::PrivateInstead)
            }
            Some(section) => Err(KeyProblem::Unsupported(open_ssh::shown(section.tag()))),
            None => Err(KeyProblem::NoKey),
        }
    }

    /// From a DER `SubjectPublicKeyInfo`.
    fn from_der(der: &[u8]) -> Result<Self, KeyProblem> {
        for algorithm in [KeyAlgorithm::Ed25519, KeyAlgorithm::EcdsaP256] {
            let raw = der.strip_prefix(algorithm.der_prefix());
            if let Some(raw) = raw.filter(|raw| raw.len() == algorithm.public_len()) {
                return Self::from_raw(algorithm, raw);
            }
        }
        let kind = "another algorithm, curve or form of a point";
        Err(KeyProblem::Unsupported(kind.to_owned()))
    }

    /// From the key's own bytes: 32 of Ed25519, an uncompressed point of P-256.
    pub(super) fn from_raw(algorithm: KeyAlgorithm, raw: &[u8]) -> Result<Self, KeyProblem> {
        let parsed = ParsedPublicKey::new(algorithm.verifier(), raw)
            .map_err(|_| KeyProblem::Malformed("its public key is no point on the curve"))?;
        let (key_type, scheme) = algorithm.tuf_names();
        let public = match algorithm {
            KeyAlgorithm::Ed25519 => hex(raw),
            KeyAlgorithm::EcdsaP256 => to_pem(algorithm, raw),
        };
        // Canonical JSON: keys in order, and line breaks as they are.
        let canonical = format!(
            r#"{{"keytype":"{key_type}","keyval":{{"public":"{public}"}},"scheme":"{scheme}"}}"#
        );
        let key_id = hex(digest(&SHA256, canonical.as_bytes()).as_ref());
        Ok(Self { algorithm, raw: raw.to_vec(), parsed, key_id })
    }

    /// How it signs.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// 64 hexadecimal digits: the `keyid` in envelopes, as `securesystemslib` computes it.
    pub fn key_id(&self) -> &str {
        &self.key_id
    }

    /// `SHA256:…`, as `ssh-keygen -l` shows it.
    pub fn fingerprint(&self) -> String {
        let blob = open_ssh::public_blob(self.algorithm, &self.raw);
        format!("SHA256:{}", STANDARD_NO_PAD.encode(digest(&SHA256, &blob)))
    }

    /// The key as PEM, which `openssl` and Python's `cryptography` read.
    pub fn to_pem(&self) -> String {
        to_pem(self.algorithm, &self.raw)
    }

    /// The line of a `.pub` file, without a comment.
    pub fn to_open_ssh(&self) -> String {
        let blob = open_ssh::public_blob(self.algorithm, &self.raw);
        format!("{} {}", self.algorithm.ssh_name(), STANDARD.encode(blob))
    }

    /// Whether the signature is one of this message by this key.
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> bool {
        self.parsed.verify_sig(message, signature).is_ok()
    }
}

impl PartialEq for PublicKey {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for PublicKey {}

impl PartialOrd for PublicKey {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for PublicKey {
    fn cmp(&self, other: &Self) -> Ordering {
        (self.algorithm, &self.raw).cmp(&(other.algorithm, &other.raw))
    }
}

impl fmt::Debug for PublicKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PublicKey({})", self.fingerprint())
    }
}

/// Lines of 64 characters, and a line break at the end.
fn to_pem(algorithm: KeyAlgorithm, raw: &[u8]) -> String {
    let der = [algorithm.der_prefix(), raw].concat();
    let config = pem::EncodeConfig::new().set_line_ending(pem::LineEnding::LF);
    pem::encode_config(&pem::Pem::new("PUBLIC KEY", der), config)
}

fn is_content(line: &str) -> bool {
    !line.is_empty() && !line.starts_with('#')
}

/// A file that is as long as a key can be, and is wiped from memory afterwards.
pub(super) fn read_bounded(path: &Path) -> Result<Zeroizing<Vec<u8>>, KeyProblem> {
    let is_file = path.metadata().map_err(KeyProblem::Unreadable)?.is_file();
    if !is_file {
        return Err(KeyProblem::NoKey);
    }
    let file = File::open(path).map_err(KeyProblem::Unreadable)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(4096));
    file.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(KeyProblem::Unreadable)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(KeyProblem::TooLong);
    }
    Ok(bytes)
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    use fmt::Write as _;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a text cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
