//! Checking what a model says of how it is asked, where its provider has no form of its own.

use std::sync::Arc;

use serde_json::Value;

use super::Checker;
use crate::{
    provider::{CheckedOptions, ModelOptions, ProviderKind},
    suite::raw::{RECORDED, RawModel},
};

impl Checker<'_> {
    /// Complains of what only other providers' models say.
    pub(super) fn stray_options(&mut self, at: &str, kind: Option<&ProviderKind>, raw: &RawModel) {
        let own = kind.and_then(|kind| kind.options).map(|options| options.key);
        for key in raw.options.keys().filter(|key| Some(key.as_str()) != own) {
            let name = raw.provider.as_deref().unwrap_or(RECORDED);
            let message = format!("`{key}` does not go with `provider: {name}`");
            self.complain(&format!("{at}/{key}"), message);
        }
    }

    /// What the model at `at` says under its provider's own key, and what follows from it; `None`
    /// after a mistake.
    pub(super) fn options(
        &mut self,
        at: &str,
        kind: &ProviderKind,
        raw: &RawModel,
    ) -> Option<(Option<Arc<Value>>, CheckedOptions)> {
        let Some(own) = kind.options else { return Some((None, CheckedOptions::default())) };
        let key = own.key;
        let Some(options) = raw.options.get(key) else {
            if !self.document.lost(&format!("{at}/{key}")) {
                let message = format!("`provider: {}` needs the key `{key}`", kind.name);
                let hint = format!("`evalmark models {}` prints one to begin with", kind.name);
                self.complain_with_hint(at, message, hint);
            }
            return None;
        };
        let of = ModelOptions {
            options,
            model: raw.model.as_deref().unwrap_or(&raw.name),
            params: &raw.params,
            has_key: raw.api_key_env.is_some()
                || raw.api_key_command.is_some()
                || !kind.key_variables.is_empty(),
            is_streamed: raw.stream,
        };
        match (own.check)(&of) {
            Ok(checked) => Some((Some(Arc::new(options.clone())), checked)),
            Err(problems) => {
                for problem in problems {
                    let is_of_all = problem.pointer.is_empty();
                    let at = format!("{at}/{key}{}", problem.pointer);
                    // What does not fit the schema has its mistake already.
                    if is_of_all && !self.mistakes.is_empty() || self.document.lost(&at) {
                        continue;
                    }
                    match problem.hint {
                        Some(hint) => self.complain_with_hint(&at, problem.message, hint),
                        None => self.complain(&at, problem.message),
                    }
                }
                None
            }
        }
    }
}
