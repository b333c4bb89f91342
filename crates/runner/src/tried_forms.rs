//! Models that are asked as the suite itself spells it out: each request is made once before anything is
//! asked, so that a template that cannot be filled is a mistake of the suite, and no failed sample.

use std::sync::Arc;

use evalmark_core::{
    message::Message,
    model::{Model, Provider},
    plan::PlanError,
    prompt::Prompt,
    provider::OptionProblem,
    suite::Suite,
};
use evalmark_harness::providers::FormTrial;

use crate::RunError;

/// The forms of a suite's models, and what is wrong with the first that does not fit.
pub(crate) struct TriedForms {
    forms: Vec<(Model, FormTrial)>,
    problem: Option<(Arc<str>, OptionProblem)>,
}

impl TriedForms {
    /// Those of the models that prompts are run against.
    pub(crate) fn of(suite: &Suite) -> Self {
        let models = suite.candidates.iter().map(|i| &suite.models[*i]);
        let form = |model: &Model| match &model.provider {
            Provider::Server(server) => Some((model.clone(), FormTrial::of(server)?)),
            _ => None,
        };
        Self { forms: models.filter_map(form).collect(), problem: None }
    }

    /// Makes the requests of a prompt that is rendered for an item; an error that says what they lack.
    pub(crate) fn try_on(
        &mut self,
        prompt: &Prompt,
        messages: &Arc<[Message]>,
    ) -> Result<(), String> {
        for (model, form) in &self.forms {
            let request = prompt.request(model, messages.clone(), 0);
            if let Some(problem) = form.problem(&request) {
                let told = format!("prompt `{}`: {}", prompt.name, problem.message);
                self.problem = Some((model.name.clone(), problem));
                return Err(told);
            }
        }
        Ok(())
    }

    /// An error of the plan, as a mistake of the suite where a form was to blame.
    pub(crate) fn mistake(&self, suite: &Suite, error: PlanError) -> RunError {
        match &self.problem {
            None => error.into(),
            Some((model, problem)) => {
                let message = format!("model `{model}` cannot be asked: {error}");
                let hint = problem.hint.clone();
                suite.model_mistake(model, &problem.pointer, message, hint).into()
            }
        }
    }
}
