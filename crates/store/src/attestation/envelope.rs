//! DSSE's envelope: a payload, its type, and signatures of both.

use base64::{Engine, engine::general_purpose::STANDARD};
use serde::{Deserialize, Serialize};

use super::{
    Predicate, Statement, pae,
    statement::{PAYLOAD_TYPE, shown},
};
use crate::signing::{KeyProblem, SigningKey};

/// The longest envelope that is read.
const MAX_BYTES: usize = 16 * 1024 * 1024;

/// More signatures than any release has.
const MAX_SIGNATURES: usize = 256;

/// A statement with signatures that may or may not be right: [`Envelope::verify`] tells.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    pub(super) payload: Vec<u8>,
    pub(super) signatures: Vec<Signed>,
}

/// One signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Signed {
    pub(super) key_id: String,
    pub(super) signature: Vec<u8>,
}

/// Why something is no envelope of a statement.
#[derive(Debug, thiserror::Error)]
pub enum EnvelopeError {
    /// No statement is that long.
    #[error("the envelope is longer than 16 MiB")]
    TooLong,
    /// It is not JSON of that form.
    #[error("this is no DSSE envelope")]
    NoEnvelope(#[source] serde_json::Error),
    /// It holds something else.
    #[error("the payload is of the type `{0}`, not `{PAYLOAD_TYPE}`")]
    OtherType(String),
    /// A part is not base64, or has bits that stand for nothing.
    #[error("`{0}` is no valid base64")]
    NotBase64(&'static str),
    /// A signature does not say whose it is.
    #[error("signature {0} has no `keyid`, which says whose it is")]
    NoKeyId(usize),
    /// Two signatures by one key.
    #[error("there are two signatures with the `keyid` {0}")]
    SignedTwice(String),
    /// More than anybody needs.
    #[error("there are more than {MAX_SIGNATURES} signatures")]
    TooMany,
    /// The payload is not the statement that is asked for.
    #[error("the payload is no statement of this kind")]
    NoStatement(#[source] serde_json::Error),
}

/// Why no signature was made.
#[derive(Debug, thiserror::Error)]
#[error("the statement cannot be signed")]
pub struct SigningError(#[from] KeyProblem);

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct RawEnvelope {
    payload: String,
    payload_type: String,
    signatures: Vec<RawSignature>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSignature {
    #[serde(default)]
    keyid: String,
    sig: String,
}

impl Envelope {
    /// Without a signature as yet.
    pub fn new<P: Predicate>(statement: &Statement<P>) -> Self {
        Self { payload: statement.to_bytes(), signatures: Vec::new() }
    }

    /// Adds a signature, in place of an earlier one by the same key.
    pub fn sign(&mut self, key: &SigningKey) -> Result<(), SigningError> {
        let signature = key.sign(&self.signed_bytes())?;
        let key_id = key.public_key().key_id().to_owned();
        self.signatures.retain(|signed| signed.key_id != key_id);
        self.signatures.push(Signed { key_id, signature });
        Ok(())
    }

    /// Reads an envelope. Nothing in it is trusted yet.
    pub fn parse(text: &[u8]) -> Result<Self, EnvelopeError> {
        if text.len() > MAX_BYTES {
            return Err(EnvelopeError::TooLong);
        }
        let raw: RawEnvelope = serde_json::from_slice(text).map_err(EnvelopeError::NoEnvelope)?;
        if raw.payload_type != PAYLOAD_TYPE {
            return Err(EnvelopeError::OtherType(shown(&raw.payload_type)));
        }
        if raw.signatures.len() > MAX_SIGNATURES {
            return Err(EnvelopeError::TooMany);
        }
        let decode =
            |part, text: &str| STANDARD.decode(text).map_err(|_| EnvelopeError::NotBase64(part));
        let payload = decode("payload", &raw.payload)?;
        let mut signatures: Vec<Signed> = Vec::new();
        for (at, RawSignature { keyid, sig }) in raw.signatures.into_iter().enumerate() {
            if keyid.is_empty() {
                return Err(EnvelopeError::NoKeyId(at + 1));
            }
            if signatures.iter().any(|signed| signed.key_id == keyid) {
                return Err(EnvelopeError::SignedTwice(shown(&keyid)));
            }
            signatures.push(Signed { key_id: keyid, signature: decode("sig", &sig)? });
        }
        Ok(Self { payload, signatures })
    }

    /// One line of JSON, with a line break.
    pub fn to_json(&self) -> String {
        let signature = |signed: &Signed| RawSignature {
            keyid: signed.key_id.clone(),
            sig: STANDARD.encode(&signed.signature),
        };
        let raw = RawEnvelope {
            payload: STANDARD.encode(&self.payload),
            payload_type: PAYLOAD_TYPE.to_owned(),
            signatures: self.signatures.iter().map(signature).collect(),
        };
        // Texts alone: nothing here fails to become JSON.
        let mut text = serde_json::to_string(&raw).unwrap_or_default();
        text.push('\n');
        text
    }

    /// The statement's bytes.
    pub fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Whose signatures it claims to have.
    pub fn key_ids(&self) -> impl Iterator<Item = &str> {
        self.signatures.iter().map(|signed| signed.key_id.as_str())
    }

    /// The statement, whoever wrote it: to be shown, and never to be relied on.
    pub fn unverified<P: Predicate>(&self) -> Result<Statement<P>, EnvelopeError> {
        Statement::parse(&self.payload).map_err(EnvelopeError::NoStatement)
    }

    /// What signatures are of.
    pub(super) fn signed_bytes(&self) -> Vec<u8> {
        pae(PAYLOAD_TYPE, &self.payload)
    }
}
