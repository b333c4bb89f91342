//! Checking what a model's `params` say of logprobs: that they can be read, and that its provider has them.

use serde_json::Value;

use super::{Checker, asked_features::who_has};
use crate::{
    feature::Feature,
    logprobs::{AskedLogprobs, LOGPROBS, TOP_LOGPROBS},
    model_quirk::LogprobsForm,
    provider::ProviderKind,
    suite::raw::RawModel,
};

/// The parameter that asks for logprobs in one protocol's own words.
const INCLUDE: &str = "include";

impl Checker<'_> {
    /// Checks the logprobs that the params at `at` ask for, of a model that `kind` gets.
    pub(super) fn logprobs(&mut self, at: &str, kind: &ProviderKind, raw: &RawModel) {
        let (said, top) = (raw.params.get(LOGPROBS), raw.params.get(TOP_LOGPROBS));
        let is_whole = |value: &Value| value.is_null() || value.is_u64();
        if said.is_some_and(|value| !is_whole(value) && !value.is_boolean()) {
            let message =
                format!("`{LOGPROBS}` is `true`, or how many alternatives come with each token");
            self.complain(&format!("{at}/{LOGPROBS}"), message);
            return;
        }
        if let Some(top) = top.filter(|value| !is_whole(value)) {
            let message = format!("`{TOP_LOGPROBS}` is a whole number, not {top}");
            self.complain(&format!("{at}/{TOP_LOGPROBS}"), message);
            return;
        }
        if self.wrong_form(at, kind, raw) {
            return;
        }
        let wants_top = top.is_some_and(|top| top.as_u64().is_some_and(|n| n > 0));
        match AskedLogprobs::of(&raw.params) {
            Some(_) if !kind.has(Feature::Logprobs) => {
                self.lacking(&format!("{at}/{LOGPROBS}"), Feature::Logprobs, kind, raw);
            }
            Some(asked) if asked.wants_top() && !kind.has(Feature::TopLogprobs) => {
                let name = if wants_top { TOP_LOGPROBS } else { LOGPROBS };
                self.lacking(&format!("{at}/{name}"), Feature::TopLogprobs, kind, raw);
            }
            None if wants_top && !raw.params.contains_key(INCLUDE) => {
                let message = format!(
                    "`{TOP_LOGPROBS}` says how many alternatives come with logprobs, and nothing asks for those"
                );
                let hint = format!("write `{LOGPROBS}: true` beside it");
                self.complain_with_hint(&format!("{at}/{TOP_LOGPROBS}"), message, hint);
            }
            _ => {}
        }
    }

    /// Complains of what the provider's own servers are known to refuse; whether there is any.
    fn wrong_form(&mut self, at: &str, kind: &ProviderKind, raw: &RawModel) -> bool {
        let model = raw.model.as_deref().unwrap_or(&raw.name);
        let Some(form) = kind.logprobs_form(raw.base_url.as_deref(), model) else { return false };
        let (name, provider) = (&raw.name, kind.name);
        let number = |of: &str| raw.params.get(of).and_then(Value::as_u64);
        if let (LogprobsForm::Switch { .. }, Some(n)) = (form, number(LOGPROBS)) {
            let message = format!(
                "model `{name}`: `{LOGPROBS}` of `provider: {provider}` is `true` or `false`, not {n}"
            );
            let hint = format!("write `{LOGPROBS}: true` and `{TOP_LOGPROBS}: {n}`");
            self.complain_with_hint(&format!("{at}/{LOGPROBS}"), message, hint);
            return true;
        }
        let most = form.most();
        let is_too_many = |of: &&str| number(of).is_some_and(|n| n > most);
        let Some(of) = [TOP_LOGPROBS, LOGPROBS].into_iter().find(is_too_many) else { return false };
        let message = format!(
            "model `{name}`: `{of}` of `provider: {provider}` is a number from 0 to {most}"
        );
        self.complain(&format!("{at}/{of}"), message);
        true
    }

    fn lacking(&mut self, at: &str, feature: Feature, kind: &ProviderKind, raw: &RawModel) {
        let message = format!(
            "model `{}` asks for {feature}, which `provider: {}` lacks",
            raw.name, kind.name
        );
        let names = who_has(feature, self.readers.providers).join(", ");
        let hint = format!("leave it out, or ask a provider that has it: {names}");
        self.complain_with_hint(at, message, hint);
    }
}
