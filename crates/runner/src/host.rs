//! What the engine gets from the program around it.

use std::{
    ffi::OsString,
    path::{Path, PathBuf},
};

use evalmark_core::{
    dataset::ScratchSpace, policy::Policy, receiver::ReceiverKind, source::Sources, suite::Readers,
};
use evalmark_harness::providers;
use evalmark_report::columnar::columnar_rows;
use evalmark_scoring::catalog;
use evalmark_store::run_record::RunOptions;
use jiff::Timestamp;

use crate::{Auditor, Notices, Permissions, Secrets};

/// What the engine gets from the program around it, as it neither prints nor reads the environment.
#[derive(Clone, Copy)]
pub struct Host<'a> {
    /// Who hears what happens.
    pub notices: Notices<'a>,
    /// Where keys come from.
    pub secrets: &'a dyn Secrets,
    /// What suites may do beyond the defaults.
    pub permissions: &'a Permissions,
    /// Which answers fail a command, and whether there has to be a baseline.
    pub policy: Policy,
    /// Where answers are shared between runs that name no folder of their own; `None` where the
    /// user has no folder for such things.
    pub cache_dir: Option<&'a Path>,
    /// Where datasets come from that are no plain files, and whether they may be fetched.
    pub sources: Sources<'a>,
    /// Who can be told what became of a run.
    pub receivers: &'a [ReceiverKind],
    /// Whether metrics of a suite may run programs. Every command line says so anew: no run keeps it.
    pub allow_exec: bool,
    /// The variables that programs of a suite's metrics see.
    pub program_variables: &'a [(OsString, OsString)],
    /// Who puts what is done into the audit log; `None` where it is switched off.
    pub audit: Option<&'a Auditor>,
    /// What time it is, for what production is held against.
    pub clock: fn() -> Timestamp,
}

impl<'a> Host<'a> {
    /// A host without a cache folder and sources of datasets, where no program may run.
    pub fn new(
        notices: Notices<'a>,
        secrets: &'a dyn Secrets,
        permissions: &'a Permissions,
    ) -> Self {
        let (policy, cache_dir, sources) = (Policy::default(), None, Sources::NONE);
        let (allow_exec, program_variables) = (false, &[][..]);
        Self {
            notices,
            secrets,
            permissions,
            policy,
            cache_dir,
            sources,
            receivers: &[],
            allow_exec,
            program_variables,
            audit: None,
            clock: Timestamp::now,
        }
    }

    /// What the suite of a run with these options is read with: snapshots of its dataset are kept
    /// where its answers are.
    pub(crate) fn readers<'b>(&'b self, options: &'b RunOptions) -> Readers<'b> {
        let cache_dir = options.cache_dir.as_deref().or(self.sources.cache_dir);
        let sources = Sources { cache_dir, keys: self, ..self.sources };
        Readers { sources, receivers: self.receivers, ..readers(&self.permissions.roots) }
    }
}

/// What suites over plain files are read with: every kind of metric, Parquet and Arrow, and folders below which
/// suites may read, besides their own repository.
pub(crate) fn readers(roots: &[PathBuf]) -> Readers<'_> {
    Readers {
        kinds: catalog(),
        providers: providers::catalog(),
        columnar: columnar_rows,
        scratch: ScratchSpace::new(tempfile::tempfile),
        roots,
        sources: Sources::NONE,
        receivers: &[],
    }
}
