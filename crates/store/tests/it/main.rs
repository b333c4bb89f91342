//! Documents, run folders, baselines and calibrations, on a real file system.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod attestations;
mod audit_writers;
mod audits;
mod baselines;
mod blobs;
mod calibrations;
mod effective_suites;
mod files;
mod git;
mod git_histories;
mod keys;
mod made_repository;
mod run_folders;
mod runs;
mod setup;
