//! The files of a suite that another tool's were made into: all or none, and only where the suite passes
//! `evalmark check`.

use std::path::{Path, PathBuf};

use evalmark_core::imported_suite::ImportedSuite;

use super::{
    create::checked,
    error::FirstSuiteError,
    new_files::{FileOutcome, NewFiles, WrittenFile},
};
use crate::Host;

/// The files that were written: those of each suite, the suite itself first.
pub fn write_imported_suites(
    imported: &[ImportedSuite],
    folder: &Path,
    host: &Host<'_>,
) -> Result<Vec<WrittenFile>, FirstSuiteError> {
    let mut files = NewFiles::default();
    let written = imported.iter().try_for_each(|one| write(one, folder, &mut files, host));
    match written {
        Ok(()) => Ok(files.keep()),
        Err(error) => {
            files.take_back();
            Err(match error {
                FirstSuiteError::Exists(path) => FirstSuiteError::InTheWay(path),
                other => other,
            })
        }
    }
}

fn write(
    imported: &ImportedSuite,
    folder: &Path,
    files: &mut NewFiles,
    host: &Host<'_>,
) -> Result<(), FirstSuiteError> {
    let here = folder == Path::new(".");
    let folder = if here { PathBuf::new() } else { folder.to_owned() };
    let suites = folder.join("suites");
    let suite = suites.join(format!("{}.yaml", imported.name));
    let dataset = folder.join("datasets").join(format!("{}.jsonl", imported.name));
    files.write(&suite, &imported.suite, FileOutcome::New)?;
    files.write(&dataset, &imported.dataset, FileOutcome::New)?;
    for prompt in &imported.prompts {
        files.write(&suites.join(&prompt.path), &prompt.text, FileOutcome::New)?;
    }
    checked(&suite, host).map_err(|error| match error {
        FirstSuiteError::Mistaken { problem, advice } => {
            let problem =
                without_files(&problem, [(&suite, &imported.suite), (&dataset, &imported.dataset)]);
            FirstSuiteError::ImportMistaken { problem, advice }
        }
        other => other,
    })
}

/// Mistakes in files that are taken away again: what stands there, in the place of where it stood.
fn without_files(problem: &str, files: [(&PathBuf, &String); 2]) -> String {
    let line = |line: &str| {
        for (path, text) in files {
            let Some(rest) = line.strip_prefix(&format!("{}:", path.display())) else { continue };
            let number = rest.split(':').next().and_then(|number| number.parse::<usize>().ok());
            let Some(number) = number else { continue };
            let told = rest.split_once(": ").map_or(rest, |(_, told)| told);
            let there = text.lines().nth(number.saturating_sub(1)).unwrap_or_default();
            let there: String = there.trim().chars().take(120).collect();
            return format!("{told} (in `{there}`)");
        }
        line.to_owned()
    };
    problem.lines().map(line).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_not_there_is_not_named() {
        let files = (PathBuf::from("x/suites/a.yaml"), PathBuf::from("x/datasets/a.jsonl"));
        let (suite, rows) = ("name: a\n  - odd: 1\n".to_owned(), "{\"a\":1}\n".to_owned());
        let check = |problem: &str, expected: &str| {
            let told = without_files(problem, [(&files.0, &suite), (&files.1, &rows)]);
            assert_eq!(told, expected);
        };
        check("x/suites/a.yaml:2:5: unknown key `odd`", "unknown key `odd` (in `- odd: 1`)");
        check("x/datasets/a.jsonl:1: no target", "no target (in `{\"a\":1}`)");
        check("something else: 1", "something else: 1");
    }
}
