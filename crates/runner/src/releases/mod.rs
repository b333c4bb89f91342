//! Releases of prompts: proposed with runs that prove them, held to the team's policy, released, and taken back.

mod approve;
mod audit;
mod context;
mod documents;
mod evidence;
mod evidence_run;
mod export;
mod people;
mod promote;
mod propose;
mod refusal;
mod rollback;
mod rules;
mod signatures;
mod statements;
mod status;
mod verify;

pub(crate) use self::evidence_run::evidence_run;
pub use self::{
    approve::{ApproveOptions, ApprovedRelease, approve_release},
    context::{ReleaseContextError, Releases, ReleasesOptions},
    documents::{
        approved_document, promoted_document, proposed_document, refusal_document,
        rolled_back_document, status_document, verified_document,
    },
    export::{
        ExportFormat, ExportedFile, ExportedRelease, ReleaseExportError, export_release,
        write_exported,
    },
    promote::{PromoteReleaseOptions, PromotedRelease, promote_release},
    propose::{ProposeOptions, ProposedRelease, propose_release},
    refusal::{RefusedRelease, ReleaseRule, UnmetRule},
    rollback::{RollbackError, RollbackOptions, RolledBack, roll_back},
    rules::told_age,
    signatures::ReleaseKeyError,
    status::{EnvironmentStatus, PromptStatus, WorkingTree, release_status},
    verify::{VerifiedReleases, verify_releases},
};
