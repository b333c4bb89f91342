//! Checking where a metric's human labels are.

use std::collections::BTreeMap;

use super::{Checker, suggest};
use crate::{
    dataset::{Format, sniff},
    label::LabelSpec,
    suite::raw::RawLabels,
};

/// What of a suite decides whose labels a column may hold.
#[derive(Clone, Copy)]
pub(super) struct Variants<'a> {
    pub(super) prompts: &'a [String],
    /// How many models the prompts are run against.
    pub(super) n_models: usize,
}

impl Checker<'_> {
    pub(super) fn labels(
        &mut self,
        at: &str,
        raw: &RawLabels,
        variants: Variants<'_>,
    ) -> Option<LabelSpec> {
        let at = format!("{at}/labels");
        match (&raw.column, &raw.columns, &raw.file) {
            (Some(column), None, None) => {
                let [prompt] = variants.prompts else {
                    let message = "one column cannot hold the labels of several prompts' answers";
                    let hint = "name one for each: `columns: { PROMPT: COLUMN, … }`, or a `file`";
                    self.complain_with_hint(&at, message.into(), hint.into());
                    return None;
                };
                let columns = BTreeMap::from([(prompt.clone(), column.clone())]);
                self.label_columns(&at, columns, variants)
            }
            (None, Some(columns), None) => {
                let known: Vec<_> = variants.prompts.iter().map(String::as_str).collect();
                for prompt in columns.keys().filter(|prompt| !known.contains(&prompt.as_str())) {
                    let message = format!("the suite has no prompt `{prompt}`");
                    let hint = suggest(prompt, &known, "its prompts");
                    self.complain_with_hint(&format!("{at}/columns"), message, hint);
                }
                self.label_columns(&at, columns.clone(), variants)
            }
            (None, None, Some(file)) => self.label_file(&at, file),
            _ => {
                let message = "`labels` needs exactly one of `column`, `columns` and `file`";
                self.complain(&at, message);
                None
            }
        }
    }

    fn label_columns(
        &mut self,
        at: &str,
        columns: BTreeMap<String, String>,
        variants: Variants<'_>,
    ) -> Option<LabelSpec> {
        if variants.n_models > 1 {
            let message = "a column cannot hold the labels of several models' answers";
            let hint =
                "use `file: labels.csv` with the columns `item_id`, `prompt`, `model`, `label`";
            self.complain_with_hint(at, message.into(), hint.into());
            return None;
        }
        Some(LabelSpec::Columns(columns))
    }

    fn label_file(&mut self, at: &str, file: &str) -> Option<LabelSpec> {
        let path = self.folder.join(file);
        let Some(format) = Format::of(&path) else {
            let (message, hint) = sniff::by_name(&path, file);
            let hint = match hint.strip_prefix("add `format") {
                Some(_) => "use a file ending in .csv, .tsv, .jsonl, .json or .parquet".to_owned(),
                None => hint,
            };
            self.complain_with_hint(&format!("{at}/file"), message, hint);
            return None;
        };
        let spec = LabelSpec::File(self.file_spec(path, format));
        match spec.open() {
            Ok(_) => Some(spec),
            Err(error) => {
                self.complain(&format!("{at}/file"), format!("labels {error}"));
                None
            }
        }
    }
}
