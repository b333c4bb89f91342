//! Attestations: what was shown of which files, signed, so that anybody can check it later without asking us.
//!
//! A [`Statement`] is one of in-toto (`https://in-toto.io/Statement/v1`), usually with the predicate
//! `test-result` ([`TestResult`]); an [`Envelope`] is one of DSSE, whose signatures cover every byte of the
//! statement and its type.

mod envelope;
mod pae;
mod statement;
mod test_result;
mod verify;

pub use self::{
    envelope::{Envelope, EnvelopeError, SigningError},
    pae::pae,
    statement::{PAYLOAD_TYPE, Predicate, Resource, Statement},
    test_result::{NoVerdict, TestOutcome, TestResult},
    verify::{NAMESPACE, SignatureProblem, SignatureRule, Verified, VerifiedSigner, VerifyError},
};
