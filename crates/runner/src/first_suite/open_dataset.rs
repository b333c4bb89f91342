//! A dataset's file, opened as a suite would open it: format, compression and delimiter are found out
//! by the reader of suites, and what is wrong is told in its words.

use std::{ffi::OsStr, path::Path};

use evalmark_core::{
    dataset::{FileSpec, Format},
    suite::{Suite, SuiteError, near_and_known},
};
use evalmark_harness::providers;

use super::{error::FirstSuiteError, yaml_text::quoted_json};
use crate::{Host, RunOptions};

/// The dataset's file as the reader of suites opens it.
pub(super) fn open_dataset(path: &Path, host: &Host<'_>) -> Result<FileSpec, FirstSuiteError> {
    let wrong = |problem: String, advice: Option<String>| FirstSuiteError::Dataset {
        path: path.to_owned(),
        problem,
        advice,
    };
    let name = path.file_name().and_then(OsStr::to_str);
    let Some(name) = name.filter(|_| !path.is_dir()) else {
        let advice = files_of(path).and_then(|files| known_files("", &files));
        return Err(wrong("is a folder, not a file of rows".to_owned(), advice));
    };
    if !path.exists() {
        let files = path.parent().and_then(files_of).unwrap_or_default();
        return Err(wrong("there is no such file".to_owned(), known_files(name, &files)));
    }
    let options = RunOptions::default();
    let suite = Suite::of_text(
        &path.with_file_name("suite.yaml"),
        &any_suite(name),
        host.readers(&options),
    );
    suite.map(|suite| suite.dataset.file).map_err(|error| match error {
        SuiteError::Wrong(mistakes) => {
            let mistake = mistakes.list.into_iter().next();
            let (message, hint) = mistake.map(|one| (one.message, one.hint)).unwrap_or_default();
            let own = format!("dataset {}", path.display());
            let bare =
                message.strip_prefix(&own).map(|rest| rest.trim_start_matches([':', ',', ' ']));
            wrong(bare.unwrap_or(&message).to_owned(), hint)
        }
        other => wrong(other.to_string(), None),
    })
}

/// A suite over the file in which nothing else can be wrong.
fn any_suite(file: &str) -> String {
    let provider = providers::catalog().first().map_or("recorded", |kind| kind.name);
    format!(
        "name: first\ndataset: {{ path: {} }}\nprompts: [{{ name: first, template: first }}]\n\
         models: [{{ name: first, provider: {provider} }}]\nmetrics: [{{ name: first, json_valid: {{}} }}]\n",
        quoted_json(file)
    )
}

/// The files of a folder that hold rows.
fn files_of(folder: &Path) -> Option<Vec<String>> {
    let folder = if folder.as_os_str().is_empty() { Path::new(".") } else { folder };
    let names = std::fs::read_dir(folder).ok()?.flatten().map(|entry| entry.file_name());
    let names = names.filter_map(|name| name.into_string().ok());
    let is_data = |name: &String| Format::of(Path::new(name)).is_some() && !name.starts_with('.');
    let mut names: Vec<_> = names.filter(is_data).collect();
    names.sort();
    Some(names)
}

fn known_files(name: &str, files: &[String]) -> Option<String> {
    let files: Vec<_> = files.iter().map(String::as_str).collect();
    near_and_known(name, &files, "there are")
}
