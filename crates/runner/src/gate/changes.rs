//! What differs from the baseline besides chance, and what a comparison makes of it.

use evalmark_core::{
    changes::{Change, ChangeKind, Rename, RunFacts, between, renamed_prompts},
    number_format::count,
    verdict::{Answer, Comparison, Verdict},
};
use evalmark_store::run_record::RunRecord;
use evalmark_verdict::RunScores;

use super::{added_columns, sole_pair::SolePair};
use crate::{Host, diff::VariantName};

/// What differs between a run and its baseline.
pub(crate) struct Differences {
    renames: Vec<Rename>,
    /// The only prompts, and the only models, of two imported runs.
    sole: SolePair,
    changes: Vec<Change>,
    /// The run the baseline was made from.
    baseline_run: String,
    /// Whether both runs tell all that could have changed.
    is_all_told: bool,
}

impl Differences {
    /// Finds the differences, and lets the baseline's prompts and items have the names that they
    /// have in the run, where they are the same.
    pub(crate) fn find(
        then: &RunRecord,
        now: &RunRecord,
        [before, after]: [&mut RunScores; 2],
        host: &Host<'_>,
    ) -> Self {
        let (old, new) = (facts(then), facts(now));
        let renames = renamed_prompts(&old, &new);
        for variant in before.scores.iter_mut().chain(&mut before.usage) {
            if let Some(rename) = renames.iter().find(|rename| rename.before == variant.prompt) {
                variant.prompt.clone_from(&rename.after);
            }
        }
        let sole = SolePair::of(then, now, &renames);
        sole.rename(before.scores.iter_mut().chain(&mut before.usage));
        let mut changes = between(&old, &new);
        let same_ids = changes.iter().all(|change| change.kind != ChangeKind::Ids);
        let left_out =
            same_ids.then(|| added_columns::align([then, now], before, after, host)).flatten();
        tell_columns(&mut changes, left_out.as_deref(), [&old, &new]);
        let is_all_told = tells_prompts(then) && tells_prompts(now);
        Self { renames, sole, changes, baseline_run: then.run_id.clone(), is_all_told }
    }

    /// Adds the differences to the verdict, and to its comparisons what to know or to do.
    pub(crate) fn tell(self, verdict: &mut Verdict) {
        for comparison in &mut verdict.comparisons {
            let notes = self.notes(comparison);
            comparison.notes.extend(notes);
        }
        let mut changes = self.changes;
        changes.extend(items(verdict));
        // That nothing changed is not known where prompts are names alone.
        verdict.changes = (self.is_all_told || !changes.is_empty()).then_some(changes);
    }

    /// What a variant of the run is called in the baseline.
    pub(crate) fn name_before(&self, variant: VariantName) -> VariantName {
        let renamed = self.renames.iter().find(|rename| rename.after == variant.prompt);
        let prompt = renamed.map(|rename| rename.before.clone());
        let name = VariantName { prompt: prompt.unwrap_or(variant.prompt), model: variant.model };
        self.sole.name_before(name)
    }

    fn notes(&self, comparison: &Comparison) -> Vec<String> {
        let mut notes = Vec::new();
        let renamed = self.renames.iter().find(|rename| rename.after == comparison.prompt);
        if let Some(Rename { before, .. }) = renamed {
            notes.push(format!(
                "compared with the baseline's prompt `{before}`: same text, new name"
            ));
        }
        notes.extend(self.sole.notes());
        if comparison.answer != Answer::Incomparable {
            return notes;
        }
        let about = |kinds: &[ChangeKind]| {
            let those = self.changes.iter().filter(|change| kinds.contains(&change.kind));
            those.map(|change| change.says.clone()).collect::<Vec<_>>()
        };
        if comparison.unpaired.n_added
            + comparison.unpaired.n_removed
            + comparison.unpaired.n_changed
            > 0
        {
            notes.extend(about(&[ChangeKind::Ids, ChangeKind::Columns, ChangeKind::Limit]));
        }
        // Whatever makes a metric's scores others than they would be now.
        let is_rescored = |change: &Change| match change.kind {
            ChangeKind::MetricEdited | ChangeKind::MetricAdded => change.name == comparison.metric,
            ChangeKind::Target => true,
            _ => false,
        };
        if self.changes.iter().any(is_rescored) {
            notes.push(format!(
                "a baseline keeps scores, not answers: score its run again with the suite as it is \
                 now (`evalmark score` on the folder of run `{}`) and promote it with `--force`, or \
                 promote a new run",
                self.baseline_run
            ));
        }
        notes
    }
}

/// Whether a run keeps the texts of its prompts. Not every tool does.
fn tells_prompts(record: &RunRecord) -> bool {
    let prompts = record.effective_suite.value()["prompts"].as_array();
    record.imported.is_none()
        || prompts.is_some_and(|all| all.iter().all(|prompt| prompt.get("messages").is_some()))
}

/// What a run keeps of itself that another can be compared with.
pub(crate) fn facts(record: &RunRecord) -> RunFacts<'_> {
    let options = &record.options;
    RunFacts {
        prompts: record.prompts.iter().map(|prompt| prompt.name.as_str()).collect(),
        models: record.models.iter().map(String::as_str).collect(),
        is_selection: !(options.prompts.is_empty() && options.models.is_empty()),
        limit: options.limit,
        epochs: record.epochs,
        columns: record.columns.as_deref(),
        effective: record.effective_suite.value(),
    }
}

/// Says of changed columns what they mean for the items, and what to do.
fn tell_columns(changes: &mut Vec<Change>, left_out: Option<&[String]>, facts: [&RunFacts<'_>; 2]) {
    let [then, now] = facts.map(|facts| facts.columns.unwrap_or_default());
    let elsewhere: Vec<&str> =
        facts.into_iter().flat_map(RunFacts::columns_told_elsewhere).collect();
    let is_own = |column: &&String| !elsewhere.contains(&column.as_str());
    let without = |list: &[String], other: &[String]| -> Vec<String> {
        list.iter().filter(|column| !other.contains(column)).filter(is_own).cloned().collect()
    };
    let found = changes.iter_mut().find(|change| change.kind == ChangeKind::Columns);
    if let (Some(left_out), None) = (left_out, &found) {
        let names: Vec<_> = left_out.iter().filter(is_own).map(String::as_str).collect();
        if names.is_empty() {
            return;
        }
        let names = names.join(", ");
        let says = format!(
            "columns added to the dataset: {names}; items are compared without them. Leave them \
             out of the items' content for good with `dataset.ignore: [{names}]`"
        );
        changes.push(Change::new(ChangeKind::Columns, "", says));
        return;
    }
    let Some(change) = found else { return };
    let added = without(now, then);
    let removed = without(then, now);
    let advice = match left_out {
        Some(_) if removed.is_empty() => format!(
            "items are compared without what was added. Leave it out of the items' content for good \
             with `dataset.ignore: [{}]`",
            added.join(", ")
        ),
        Some(_) => "items are compared by the columns that the baseline knows".to_owned(),
        None if removed.is_empty() => format!(
            "every item counts as changed. If the column is only a comment, leave it out of the \
             items' \
             content with `dataset.ignore: [{}]`",
            added.join(", ")
        ),
        None => "the baseline's items include what was removed, so no items pair up; restore the \
                 column, or promote a new baseline"
            .to_owned(),
    };
    change.says = format!("{}; {advice}", change.says);
}

/// Items that do not pair up, told once for all comparisons.
fn items(verdict: &Verdict) -> Option<Change> {
    let total = |comparison: &&Comparison| {
        let unpaired = &comparison.unpaired;
        unpaired.n_added + unpaired.n_removed + unpaired.n_changed
    };
    let most = verdict.comparisons.iter().max_by_key(total).filter(|most| total(most) > 0)?;
    let unpaired = &most.unpaired;
    let counts = [
        (unpaired.n_changed, "changed"),
        (unpaired.n_added, "added"),
        (unpaired.n_removed, "removed"),
    ];
    let counts =
        counts.into_iter().filter(|(n, _)| *n > 0).map(|(n, verb)| format!("{} {verb}", count(n)));
    let says = format!("dataset items: {}", counts.collect::<Vec<_>>().join(", "));
    Some(Change::new(ChangeKind::Items, "", says))
}
