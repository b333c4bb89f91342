//! Checking models with `mode: batch`: that their provider has a batch API, and that the suite asks for
//! nothing that needs an answer at once.

use super::{Checker, models::kind};
use crate::{
    feature::Feature,
    model::AskMode,
    suite::{
        Amount,
        document::escape,
        raw::{RawGate, RawModel, RawSuite},
    },
};

/// What else the suite says that batches may contradict.
pub(super) struct BatchContext<'a> {
    /// Models that metrics ask for embeddings.
    embedders: &'a [String],
    /// Models that prompts are run against.
    evaluated: &'a [&'a RawModel],
    gate: Option<&'a RawGate>,
}

impl<'a> BatchContext<'a> {
    pub(super) fn of(
        raw: &'a RawSuite,
        embedders: &'a [String],
        evaluated: &'a [&'a RawModel],
    ) -> Self {
        Self { embedders, evaluated, gate: raw.gate.as_ref() }
    }
}

impl Checker<'_> {
    /// Complains of models that cannot be asked in batches.
    pub(super) fn batch_mode(&mut self, models: &[RawModel], context: &BatchContext<'_>) {
        let in_batches = |model: &RawModel| model.mode == AskMode::Batch;
        for (i, model) in models.iter().enumerate().filter(|(_, model)| in_batches(model)) {
            self.batch_model(&format!("/models/{i}"), model, context);
        }
        let Some(gate) = context.gate else { return };
        if gate.stop_early
            && let Some(model) = models.iter().find(|model| in_batches(model))
        {
            let message = format!(
                "a run that stops early asks a few items at a time, and model `{}` has `mode: batch`",
                model.name
            );
            let hint = "remove `stop_early`, or ask the model directly: each part would wait for a \
                        batch of its own";
            self.complain_with_hint("/gate/stop_early", message, hint.to_owned());
        }
        let name = Amount::LatencyP95.name();
        let is_gated = gate.metrics.iter().flatten().any(|(metric, _)| metric == name);
        let is_timed = context.evaluated.iter().any(|model| !in_batches(model));
        if is_gated && !is_timed {
            let message = format!("`{name}` is not known of answers that come in batches");
            let hint = "remove it, or ask a model directly".to_owned();
            self.complain_with_hint(&format!("/gate/metrics/{}", escape(name)), message, hint);
        }
    }

    fn batch_model(&mut self, at: &str, model: &RawModel, context: &BatchContext<'_>) {
        let mode = format!("{at}/mode");
        match kind(self.readers, model) {
            None if model.recorded.is_some() => {
                let message = "recorded answers are there already, and are asked in no batch";
                let hint = "remove `mode`".to_owned();
                self.complain_with_hint(&mode, message.to_owned(), hint);
            }
            Some(kind) if !kind.has(Feature::Batches) => {
                let message =
                    format!("`provider: {}` has no batch API that evalmark knows", kind.name);
                let known = self.readers.providers.iter().filter(|kind| kind.has(Feature::Batches));
                let names: Vec<_> = known.map(|kind| format!("`{}`", kind.name)).collect();
                let hint = if names.is_empty() {
                    "remove `mode: batch`".to_owned()
                } else {
                    format!("remove `mode: batch`, or ask one that has: {}", names.join(", "))
                };
                self.complain_with_hint(&mode, message, hint);
            }
            // Whatever else has no provider is complained of elsewhere.
            _ => {}
        }
        if model.stream {
            let message = "answers that come in batches are not streamed".to_owned();
            let hint = "remove `stream`, or `mode: batch`".to_owned();
            self.complain_with_hint(&format!("{at}/stream"), message, hint);
        }
        if model.limits.hedge {
            let message =
                "`hedge` repeats requests that are slow, and batches take hours".to_owned();
            let hint = "remove `hedge`, or `mode: batch`".to_owned();
            self.complain_with_hint(&format!("{at}/limits/hedge"), message, hint);
        }
        if context.embedders.contains(&model.name) {
            let message = format!(
                "a metric asks model `{}` for embeddings, which evalmark does not ask in batches",
                model.name
            );
            let hint = "remove `mode: batch`: many texts go out together in any case".to_owned();
            self.complain_with_hint(&mode, message, hint);
        }
    }
}
