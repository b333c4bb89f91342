//! Keys: who signs, and whose signatures count.
//!
//! [`SigningKey`] reads private keys as `openssl` and `ssh-keygen` write them, [`PublicKey`] public
//! ones, and [`AllowedSigners`] the file in which git, too, keeps names beside keys. A signature is
//! that of the plain message, whatever file the key came in: 64 bytes for Ed25519, ASN.1 for ECDSA on
//! P-256 with SHA-256, as tools for DSSE expect. SSH's own format of signatures is not used.

mod allowed_signers;
mod error;
mod open_ssh;
mod public_key;
mod signing_key;

pub(crate) use self::public_key::hex;
pub use self::{
    allowed_signers::{AllowedSigner, AllowedSigners, AllowedSignersError, SignerMistake},
    error::{KeyError, KeyProblem},
    public_key::{KeyAlgorithm, PublicKey},
    signing_key::SigningKey,
};
