//! The answers that a run or baseline keeps, found by whose they are.

use std::collections::HashMap;

use evalmark_report::{
    ReadError,
    answers::{AnswerRef, for_each_answer},
};
use evalmark_store::{integrity, run_folder::RunFolder, run_record::RunRecord};

use crate::error::Result;

/// Whose an answer is: a sample of a run, and of the runs that it is compared with.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AnswerKey {
    /// The item's id.
    pub item_id: String,
    /// The prompt's name.
    pub prompt: String,
    /// The model's name.
    pub model: String,
    /// Repetition, from 0.
    pub epoch: u32,
}

/// The answers that somebody wants to see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeptAnswers {
    /// They are there, as far as the run has them.
    Found(HashMap<AnswerKey, KeptAnswer>),
    /// None are kept: why, in a clause.
    LeftOut(String),
}

/// One answer that is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// Hash of the item's content, in hexadecimal: an item of another content is another one.
    pub item_hash: String,
    /// How the sample ended: `answered`, `refused`, `invalid` or `failed`.
    pub outcome: String,
    /// The answer; `None` where the sample failed.
    pub output: Option<String>,
}

/// Reads those answers of a run or baseline that `is_wanted` picks; these alone are held. Fails where
/// the file is not the one that was written with `run.json`.
pub fn kept_answers(
    folder: &RunFolder,
    record: &RunRecord,
    mut is_wanted: impl FnMut(AnswerRef<'_>) -> bool,
) -> Result<KeptAnswers> {
    let path = folder.answers();
    if !path.is_file() {
        return Ok(KeptAnswers::LeftOut(why_not(folder, record)));
    }
    integrity::unchanged(folder, record, std::slice::from_ref(&path))?;
    let mut found = HashMap::new();
    for_each_answer::<ReadError>(&path, |answer| {
        if is_wanted(answer) {
            let key = AnswerKey {
                item_id: answer.item_id.to_owned(),
                prompt: answer.prompt.to_owned(),
                model: answer.model.to_owned(),
                epoch: answer.epoch,
            };
            let kept = KeptAnswer {
                item_hash: answer.item_hash.to_owned(),
                outcome: answer.outcome.to_owned(),
                output: answer.output.map(str::to_owned),
            };
            found.insert(key, kept);
        }
        Ok(())
    })?;
    Ok(KeptAnswers::Found(found))
}

/// Why a folder holds no answers.
pub(crate) fn why_not(folder: &RunFolder, record: &RunRecord) -> String {
    let kept = if folder.is_baseline(record) { "answers.parquet" } else { "samples.parquet" };
    record.answers_left_out.clone().unwrap_or_else(|| {
        if record.files.contains_key(kept) || !folder.is_baseline(record) {
            format!("its {kept} is missing")
        } else {
            "it was made by an earlier evalmark, which kept none; promote a run again".to_owned()
        }
    })
}
