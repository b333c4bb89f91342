//! Imported runs have the names that their tool gave, and what was changed often is the name: another model, another
//! text that is its own label. Where each side has a single one, the two are what is to be compared.

use evalmark_core::changes::Rename;
use evalmark_store::run_record::RunRecord;
use evalmark_verdict::Variant;

use crate::diff::VariantName;

/// The only prompts, and the only models, of two runs, where their names differ.
#[derive(Default)]
pub(super) struct SolePair {
    prompt: Option<Rename>,
    model: Option<Rename>,
}

impl SolePair {
    /// Those of two imported runs; none of runs of a suite, whose names people chose. `renamed` are prompts of the
    /// same text.
    pub(super) fn of(then: &RunRecord, now: &RunRecord, renamed: &[Rename]) -> Self {
        if then.imported.is_none() || now.imported.is_none() {
            return Self::default();
        }
        let prompts = |run: &RunRecord| -> Vec<String> {
            run.prompts.iter().map(|prompt| prompt.name.clone()).collect()
        };
        let prompt = sole(&prompts(then), &prompts(now)).filter(|sole| !renamed.contains(sole));
        Self { prompt, model: sole(&then.models, &now.models) }
    }

    /// Gives the variants of the earlier run the later one's names.
    pub(super) fn rename<'a>(&self, variants: impl Iterator<Item = &'a mut Variant>) {
        for variant in variants {
            for (sole, name) in
                [(&self.prompt, &mut variant.prompt), (&self.model, &mut variant.model)]
            {
                if let Some(sole) = sole {
                    name.clone_from(&sole.after);
                }
            }
        }
    }

    /// What a variant of the later run is called in the earlier one.
    pub(super) fn name_before(&self, VariantName { prompt, model }: VariantName) -> VariantName {
        let before = |sole: &Option<Rename>| sole.as_ref().map(|sole| sole.before.clone());
        VariantName {
            prompt: before(&self.prompt).unwrap_or(prompt),
            model: before(&self.model).unwrap_or(model),
        }
    }

    /// What to know of a comparison.
    pub(super) fn notes(&self) -> Vec<String> {
        let note = |kind: &str, sole: &Option<Rename>| {
            let before = &sole.as_ref()?.before;
            Some(format!(
                "compared with the baseline's {kind} `{before}`: each side has one {kind}"
            ))
        };
        [note("prompt", &self.prompt), note("model", &self.model)].into_iter().flatten().collect()
    }
}

fn sole(then: &[String], now: &[String]) -> Option<Rename> {
    let ([before], [after]) = (then, now) else { return None };
    (before != after).then(|| Rename { before: before.clone(), after: after.clone() })
}
