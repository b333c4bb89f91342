//! Checking a model's `params`: what evalmark sets itself, what would carry a key, and what a provider
//! that is sent nothing unknown does not know.

use serde_json::{Map, Value};

use super::{Checker, literal_keys::is_secret, suggest};
use crate::{
    logprobs::{LOGPROBS, TOP_LOGPROBS},
    provider::{EXTRA, ProviderKind},
    suite::raw::RawModel,
};

impl Checker<'_> {
    /// Checks the parameters of the model at `at`, which one of these providers gets.
    pub(super) fn params(&mut self, at: &str, kinds: &[ProviderKind], raw: &RawModel) {
        let at = format!("{at}/params");
        self.reserved(&at, kinds, &raw.params);
        match raw.params.get(EXTRA) {
            Some(Value::Object(extra)) => self.reserved(&format!("{at}/{EXTRA}"), kinds, extra),
            Some(_) => {
                let message =
                    format!("`{EXTRA}` is a mapping of parameters, which are sent as they are");
                self.complain(&format!("{at}/{EXTRA}"), message);
            }
            None => {}
        }
        if let [kind] = kinds {
            if kind.knows_all_params {
                self.unknown_params(&at, kind, &raw.params);
            }
            self.logprobs(&at, kind, raw);
            self.output_limits(&at, kind, &raw.params);
            self.refused_params(&at, kind, raw);
        }
    }

    fn refused_params(&mut self, at: &str, kind: &ProviderKind, raw: &RawModel) {
        let model = raw.model.as_deref().unwrap_or(&raw.name);
        for name in kind.refused_params(raw.base_url.as_deref(), model, &raw.params) {
            let message = format!("`{model}` of `provider: {}` takes no `{name}`", kind.name);
            let hint = "leave it out: the provider refuses it, or leaves it out of account";
            self.complain_with_hint(&format!("{at}/{name}"), message, hint.to_owned());
        }
    }

    /// Complains of a limit that leaves no token for an answer. Servers of one's own may take a negative one
    /// for none.
    fn output_limits(&mut self, at: &str, kind: &ProviderKind, params: &Map<String, Value>) {
        for name in kind.output_limits {
            let Some(limit) = params.get(*name).filter(|limit| limit.is_number()) else { continue };
            let is_endless = limit.as_i64().is_some_and(|n| n < 0) && !kind.knows_all_params;
            if !is_endless && limit.as_u64().is_none_or(|n| n == 0) {
                let message = format!("`{name}` is a whole number from 1, not {limit}");
                self.complain(&format!("{at}/{name}"), message);
            }
        }
    }

    fn reserved(&mut self, at: &str, kinds: &[ProviderKind], params: &Map<String, Value>) {
        for name in params.keys().filter(|name| holds_a_secret(name)) {
            let message = format!("`{name}`: a suite must not contain a key; use `api_key_env`");
            self.complain(at, message);
        }
        for (reserved, why) in kinds.iter().flat_map(|kind| kind.reserved) {
            if params.contains_key(*reserved) {
                let message = format!("`{reserved}` is not supported in `params`: {why}");
                self.complain(&format!("{at}/{reserved}"), message);
            }
        }
    }

    fn unknown_params(&mut self, at: &str, kind: &ProviderKind, params: &Map<String, Value>) {
        let schema = (kind.params)();
        let known: Vec<&str> = schema["properties"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, _)| &**name)
            .collect();
        // Whoever has no logprobs is told apart from whoever misspells them.
        let is_known =
            |name: &str| matches!(name, EXTRA | LOGPROBS | TOP_LOGPROBS) || known.contains(&name);
        for name in params.keys().filter(|name| !is_known(name)) {
            let message = format!("`provider: {}` has no parameter `{name}`", kind.name);
            let hint = format!(
                "{}; what stands under `{EXTRA}` is sent as it is",
                suggest(name, &known, "its parameters")
            );
            self.complain_with_hint(&format!("{at}/{name}"), message, hint);
        }
    }
}

/// Parameters that would carry a key or headers.
fn holds_a_secret(name: &str) -> bool {
    is_secret(name) || name.to_lowercase().ends_with("headers")
}
