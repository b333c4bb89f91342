//! Checking that whoever is asked can do what is asked: what each prompt and each metric needs, held
//! against what the provider of every model that gets it has.

use super::{Checker, models::kind};
use crate::{
    feature::Feature,
    metric::MetricSpec,
    prompt::Prompt,
    provider::ProviderKind,
    suite::raw::{RawModel, RawSuite},
};

/// Something in a suite that needs a feature of every model that gets it.
struct Need {
    feature: Feature,
    /// Where it stands in the suite.
    pointer: String,
    /// What it is, with its name.
    what: String,
}

impl Checker<'_> {
    /// Complains of what models are asked for and their providers lack.
    pub(super) fn asked_features(
        &mut self,
        raw: &RawSuite,
        prompts: &[Prompt],
        metrics: &[Option<MetricSpec>],
        candidates: &[usize],
    ) {
        for (i, prompt) in prompts.iter().enumerate() {
            let needs = self.needs_of_prompt(i, prompt);
            for model in candidates.iter().filter_map(|i| raw.models.get(*i)) {
                for need in &needs {
                    self.hold(need, model);
                }
            }
        }
        for (i, metric) in metrics.iter().enumerate() {
            let Some(metric) = metric else { continue };
            let known = self.readers.kinds;
            for kind in known.iter().filter(|kind| kind.name == metric.kind) {
                let asks = (kind.asks)(&metric.params);
                for (pointer, name) in kind.models(&metric.params) {
                    for model in raw.models.iter().filter(|model| model.name == name) {
                        for feature in &asks {
                            let need = Need {
                                feature: *feature,
                                pointer: format!("/metrics/{i}/{}{pointer}", kind.name),
                                what: format!("metric `{}`", metric.name),
                            };
                            self.hold(&need, model);
                        }
                    }
                }
            }
        }
    }

    /// What the prompt number `i` needs.
    fn needs_of_prompt(&self, i: usize, prompt: &Prompt) -> Vec<Need> {
        let at = format!("/prompts/{i}");
        let what = format!("prompt `{}`", prompt.name);
        let mut needs = Vec::new();
        // The first message that is not the only text of a user.
        let other = prompt.messages.iter().position(|message| message.role != "user");
        if let Some(k) = other.or_else(|| (prompt.messages.len() > 1).then_some(1)) {
            let own = format!("{at}/messages/{k}");
            let is_here = self.document.value.pointer(&own).is_some();
            let pointer = if is_here { own } else { format!("{at}/file") };
            needs.push(Need { feature: Feature::Conversation, pointer, what });
        }
        needs
    }

    fn hold(&mut self, need: &Need, model: &RawModel) {
        // Recorded answers are asked of nobody.
        let Some(kind) = kind(self.readers, model).filter(|kind| !kind.has(need.feature)) else {
            return;
        };
        let Need { feature, pointer, what } = need;
        let message = format!(
            "{what} needs {feature}, which `provider: {}` of model `{}` lacks",
            kind.name, model.name
        );
        let hint = hint(*feature, self.readers.providers);
        self.complain_with_hint(pointer, message, hint);
    }
}

/// Who has the feature: the first provider of each protocol.
pub(super) fn who_has(feature: Feature, providers: &[ProviderKind]) -> Vec<String> {
    let mut protocols: Vec<&str> = Vec::new();
    let mut names: Vec<String> = Vec::new();
    for kind in providers.iter().filter(|kind| kind.has(feature)) {
        if !protocols.contains(&kind.protocol) {
            protocols.push(kind.protocol);
            names.push(format!("`{}`", kind.name));
        }
    }
    names
}

fn hint(feature: Feature, providers: &[ProviderKind]) -> String {
    let instead = match feature {
        Feature::Conversation => "write one `template`, or ask a provider that has them",
        _ => "leave it out, or ask a provider that has it",
    };
    format!("{instead}: {}", who_has(feature, providers).join(", "))
}
