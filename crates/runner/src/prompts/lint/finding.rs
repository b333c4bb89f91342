//! A finding before its path is told as reports do.

use std::{
    fs,
    path::{Path, PathBuf},
};

use evalmark_core::{
    policy::Consequence,
    prompt_library::LibraryPrompt,
    source_place::{SourcePlace, relative_path, source_root},
    suite::Mistakes,
};
use evalmark_report::finding::{Finding, FindingRule};

/// Something that is wrong with a prompt, or unwise.
#[derive(Clone, Debug)]
pub(super) struct Found {
    rule: FindingRule,
    consequence: Consequence,
    path: PathBuf,
    line: u64,
    column: Option<u64>,
    message: String,
    hint: Option<String>,
}

impl Found {
    /// Something at a line of a prompt's file. Whether it fails follows from the rule.
    pub(super) fn at(
        rule: FindingRule,
        prompt: &LibraryPrompt,
        line: u64,
        message: String,
    ) -> Self {
        Self::in_file(rule, &prompt.path, line, message)
    }

    /// Something at a line of a file.
    pub(super) fn in_file(rule: FindingRule, path: &Path, line: u64, message: String) -> Self {
        let consequence = match rule {
            FindingRule::UnusedVariable
            | FindingRule::UnusedColumn
            | FindingRule::UnfencedInput
            | FindingRule::PersonalDataInPrompt => Consequence::Warning,
            _ => Consequence::Failure,
        };
        let path = path.to_owned();
        Self { rule, consequence, path, line, column: None, message, hint: None }
    }

    /// With advice.
    pub(super) fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// The mistakes of a file that is no prompt.
    pub(super) fn of_mistakes(wrong: &Mistakes) -> Vec<Self> {
        let found = wrong.list.iter().map(|mistake| {
            let line = mistake.position.line.max(1);
            let message = mistake.message.clone();
            let found = Self::in_file(FindingRule::InvalidPrompt, &wrong.path, line, message);
            let column = Some(mistake.position.column).filter(|column| *column > 0);
            Self { column, hint: mistake.hint.clone(), ..found }
        });
        found.collect()
    }

    /// What findings are sorted by.
    pub(super) fn place(&self) -> (&Path, u64, &'static str, &str) {
        (&self.path, self.line, self.rule.id(), &self.message)
    }

    /// For reports, which tell paths relative to the source tree around `working_dir`.
    pub(super) fn finding(self, working_dir: &Path) -> Finding {
        let real = fs::canonicalize(&self.path).unwrap_or_else(|_| working_dir.join(&self.path));
        let path = relative_path(&real, source_root(&real, working_dir));
        let identity = vec![path.clone(), self.message.clone()];
        let hint = self.hint.map(|hint| format!("hint: {hint}"));
        Finding {
            rule: self.rule,
            consequence: self.consequence,
            title: self.rule.title().to_owned(),
            message: std::iter::once(self.message).chain(hint).collect(),
            place: Some(SourcePlace { path, line: self.line }),
            column: self.column,
            identity,
        }
    }
}
