//! Models that are asked as the suite itself spells it out: each request is made once before anything is
//! asked, so that a template that cannot be filled is a mistake of the suite, and no failed sample.

use std::{fmt, sync::Arc};

use evalmark_core::{
    message::Message,
    model::{Model, Provider},
    plan::Unplanned,
    prompt::Prompt,
    provider::OptionProblem,
    suite::Suite,
};
use evalmark_harness::providers::FormTrial;

use crate::RunError;

/// The forms of a suite's models.
pub(crate) struct TriedForms(Vec<(Model, FormTrial)>);

/// A form that cannot be filled.
#[derive(Debug)]
pub(crate) struct UnfilledForm {
    model: Arc<str>,
    prompt: String,
    problem: OptionProblem,
}

impl fmt::Display for UnfilledForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "prompt `{}`: {}", self.prompt, self.problem.message)
    }
}

impl TriedForms {
    /// Those of the models that prompts are run against.
    pub(crate) fn of(suite: &Suite) -> Self {
        let models = suite.candidates.iter().map(|i| &suite.models[*i]);
        let form = |model: &Model| match &model.provider {
            Provider::Server(server) => Some((model.clone(), FormTrial::of(server)?)),
            _ => None,
        };
        Self(models.filter_map(form).collect())
    }

    /// Makes the requests of a prompt that is rendered for an item; an error that says what they lack.
    pub(crate) fn try_on(
        &self,
        prompt: &Prompt,
        messages: &Arc<[Message]>,
    ) -> Result<(), UnfilledForm> {
        for (model, form) in &self.0 {
            let request = prompt.request(model, messages.clone(), 0);
            if let Some(problem) = form.problem(&request) {
                let (model, prompt) = (model.name.clone(), prompt.name.to_string());
                return Err(UnfilledForm { model, prompt, problem });
            }
        }
        Ok(())
    }
}

/// An error of the plan, as a mistake of the suite where a form was to blame.
pub(crate) fn mistake(
    suite: &Suite,
    Unplanned { error, messages }: Unplanned<UnfilledForm>,
) -> RunError {
    match messages {
        None => error.into(),
        Some(UnfilledForm { model, problem, .. }) => {
            let message = format!("model `{model}` cannot be asked: {error}");
            suite.model_mistake(&model, &problem.pointer, message, problem.hint).into()
        }
    }
}
