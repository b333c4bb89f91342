//! Releases: which prompts each environment runs, how they got there, and their very texts.
//!
//! Begin with [`ReleasesFolder`]. Of each environment it has `ENV.json`, what is released now, and `ENV/NNNNNN.json`, a file
//! for each release, which names the digest of the one before. The files of prompts lie below `objects`, under their
//! SHA-256; what waits for approval lies below `proposals`.

mod environment;
mod error;
mod evidence;
mod folder;
mod objects;
mod promotion;
mod proposals;
mod record;
mod verify;

pub use self::{
    environment::{EnvironmentState, StandingPrompt},
    error::ReleasesError,
    evidence::{MetricEvidence, ReleaseEvidence},
    folder::{ReleasesFolder, ReleasesLock},
    objects::sha256_hex,
    promotion::AppendedRelease,
    proposals::{Proposal, StoredProposal},
    record::{
        RELEASE_FORMAT, ReleaseAction, ReleaseFile, ReleaseRecord, ReleasedFile, ReleasedModel,
        ReleasedPrompt,
    },
    verify::{CheckRelease, ReleaseFault, VerifiedEnvironment},
};
