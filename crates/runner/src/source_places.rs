//! Where a suite and its prompts stand in the source tree, so that reports can point there whenever and
//! wherever they are made.

use std::path::Path;

use evalmark_core::source_place::{SourcePlace, SourcePlaces, relative_path, source_root};
use evalmark_store::run_record::RunRecord;

use crate::load::LoadedSuite;

/// Where a suite and its prompts stand; `None` where the suite's file is gone.
pub(crate) fn source_places(
    loaded: &LoadedSuite,
    working_dir: Option<&Path>,
) -> Option<SourcePlaces> {
    let suite = std::fs::canonicalize(&loaded.suite.path).ok()?;
    let working_dir = working_dir.and_then(|dir| std::fs::canonicalize(dir).ok());
    let root = source_root(&suite, working_dir.as_deref().unwrap_or(Path::new("")));
    let place = |prompt: &evalmark_core::prompt::Prompt| {
        let path = std::fs::canonicalize(&prompt.place.path).ok()?;
        let place = SourcePlace { path: relative_path(&path, root), line: prompt.place.line };
        Some((prompt.name.to_string(), place))
    };
    let prompts = loaded.suite.prompts.iter().filter_map(place).collect();
    Some(SourcePlaces { suite: relative_path(&suite, root), prompts })
}

/// What a run keeps of them; of a run of an earlier version, the suite's file as it was given.
pub(crate) fn kept_places(record: &RunRecord) -> SourcePlaces {
    record.source_places.clone().unwrap_or_else(|| SourcePlaces {
        suite: relative_path(
            &record.suite_path,
            record.options.working_dir.as_deref().unwrap_or(Path::new("")),
        ),
        prompts: std::collections::BTreeMap::new(),
    })
}
